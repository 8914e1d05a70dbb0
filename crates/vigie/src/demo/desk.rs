//! The demo's desk: the simulated provider in the middle of its crisis, for a browser.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, anyhow, bail};
use vigie_desk::campaigns::{self, Campaign, NewCampaign};
use vigie_desk::cells::Stage;
use vigie_desk::findings::{self, Decision, FindingFilter, FindingState};
use vigie_desk::hunts::{self, HuntHandler, NewHunt};
use vigie_desk::jobs::JobState;
use vigie_desk::observations::{self, ImportOptions};
use vigie_desk::servers::{self, Server, ServerFields, ServerFilter};
use vigie_desk::tenants::{self, Contract, Tenant, TenantFilter};
use vigie_desk::uploads::{self, NewUpload};
use vigie_desk::worker::{self, Handler};
use vigie_desk::{Access, Desk, Options, PageRequest, Severity, exposure, packs};
use vigie_exposure::inventory;
use vigie_hunt::HuntResult;
use vigie_pack::Product;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// The threat of the demo.
const PACK: &str = "hafnium-2021";
/// Hours for which answers hold in the demo.
const TEN_YEARS: i64 = 10 * 365 * 24;
/// What marks a desk that a demo made, so that the next one may take its place.
const MARK: &str = "made-by-the-demo";

/// Fills a desk below `out` with the simulated provider: its inventory, a campaign, its evidence, what hunts found.
pub(super) fn fill(
    out: &Path,
    evidence: &Path,
    inventory: &Path,
    hunted: &HuntResult,
    cancel: &AtomicBool,
) -> Result<PathBuf> {
    let data = out.join("desk");
    make_empty(&data)?;
    let desk = Desk::open(&Options::in_folder(&data))?;
    let access = Access::system("demo");
    let table = std::fs::read(inventory).with_context(|| format!("cannot read {}", inventory.display()))?;
    import(&desk, &access, "inventory.csv", &table)?;
    // What the logs show of builds and updates, which the office does not know.
    let mut json = Vec::new();
    vigie_report::json(hunted, &mut json)?;
    import(&desk, &access, "hunt.json", &json)?;
    let tenants = sign_contracts(&desk, &access)?;
    let pack = packs::load(&desk, PACK)?;
    let new = NewCampaign {
        title: pack.title.fr.clone(),
        pack: pack.name.clone(),
        pack_version: pack.version.clone(),
        tenants: tenants.iter().map(|tenant| tenant.id.clone()).collect(),
        // The crisis is of 2021: as told, every answer of then would be too old by now.
        stale_hours: Stage::ALL.iter().map(|stage| (*stage, TEN_YEARS)).collect(),
    };
    let campaign = campaigns::open(&desk, &access, &new)?;
    for tenant in &tenants {
        send(
            &desk,
            &access,
            &campaign,
            tenant,
            &evidence.join(&tenant.fields.name),
            out,
        )?;
    }
    exposure::assess(&desk, &access, &campaign.id, &pack)?;
    hunt(&desk, cancel)?;
    escalate(&desk, &access)?;
    Ok(data)
}

/// An empty folder; an earlier demo's desk makes room, anybody else's does not.
fn make_empty(data: &Path) -> Result<()> {
    let mark = data.join(MARK);
    if data.exists() {
        if !mark.is_file() {
            bail!(
                "{} is there already and no demo made it; choose another --out",
                data.display()
            );
        }
        std::fs::remove_dir_all(data).with_context(|| format!("cannot empty {}", data.display()))?;
    }
    std::fs::create_dir_all(data).with_context(|| format!("cannot make {}", data.display()))?;
    std::fs::write(&mark, "").with_context(|| format!("cannot write {}", mark.display()))
}

fn import(desk: &Desk, access: &Access, name: &str, bytes: &[u8]) -> Result<()> {
    let options = inventory::Options {
        products: Product::embedded().map_err(|_| anyhow!("the products of this program cannot be read"))?,
        ..inventory::Options::default()
    };
    let reading = inventory::read(name, bytes, &options)?;
    let placing = ImportOptions {
        tenant_id: None,
        new_tenants: true,
        new_servers: true,
    };
    observations::import(desk, access, &reading.observations, &placing)?;
    Ok(())
}

/// Gives the tenants contracts and agencies, so that lanes, clocks and filters have something to show.
fn sign_contracts(desk: &Desk, access: &Access) -> Result<Vec<Tenant>> {
    let contracts = [
        Contract::Soc,
        Contract::Managed,
        Contract::Managed,
        Contract::None,
        Contract::Soc,
    ];
    let agencies = ["Lyon", "Nantes"];
    let page = tenants::list(desk, access, &TenantFilter::default(), &PageRequest::first(1_000))?;
    page.items
        .into_iter()
        .enumerate()
        .map(|(index, tenant)| {
            let mut fields = tenant.fields;
            fields.contract = contracts[index % contracts.len()];
            fields.agency = Some(agencies[index % agencies.len()].to_owned());
            Ok(tenants::change(
                desk,
                access,
                &tenant.id,
                tenant.revision,
                &fields,
            )?)
        })
        .collect()
}

/// Brings a tenant's evidence in, one archive a server, and asks for a hunt of each tenant's.
fn send(
    desk: &Desk,
    access: &Access,
    campaign: &Campaign,
    tenant: &Tenant,
    folder: &Path,
    out: &Path,
) -> Result<()> {
    let mut received = Vec::new();
    for (name, folder) in folders(folder)? {
        let server = server(desk, access, tenant, &name)?;
        let archive = out.join(format!("{name}.zip"));
        pack_up(&folder, &name, &archive)?;
        let new = NewUpload {
            tenant_id: tenant.id.clone(),
            server_id: Some(server.id),
            campaign_id: Some(campaign.id.clone()),
            name: format!("{name}.zip"),
            note: String::new(),
            acquired_at: None,
            retention_days: None,
            size: None,
            sha256: None,
        };
        received.push(uploads::receive_file(desk, access, &new, &archive)?.id);
        std::fs::remove_file(&archive).with_context(|| format!("cannot remove {}", archive.display()))?;
    }
    if !received.is_empty() {
        let new = NewHunt {
            campaign_id: campaign.id.clone(),
            evidence: received,
        };
        hunts::start(desk, access, &new)?;
    }
    Ok(())
}

/// The server of that name. One that nobody listed is entered now: its logs are there.
fn server(desk: &Desk, access: &Access, tenant: &Tenant, name: &str) -> Result<Server> {
    let filter = ServerFilter {
        tenant_id: Some(tenant.id.clone()),
        ..ServerFilter::default()
    };
    let known = servers::list(desk, access, &filter, &PageRequest::first(1_000))?;
    match known.items.into_iter().find(|server| server.fields.name == name) {
        Some(server) => Ok(server),
        None => Ok(servers::create(
            desk,
            access,
            &tenant.id,
            &ServerFields::named(name),
        )?),
    }
}

/// Does all hunts that wait.
fn hunt(desk: &Desk, cancel: &AtomicBool) -> Result<()> {
    let hunting = HuntHandler::default();
    let handlers: [&dyn Handler; 1] = [&hunting];
    while !cancel.load(Ordering::SeqCst) {
        match worker::run_one(desk, "demo", &handlers, cancel)? {
            Some(job) if job.state == JobState::Failed => {
                bail!("a hunt of the demo failed: {}", job.error.unwrap_or_default());
            }
            Some(_) => {}
            None => return Ok(()),
        }
    }
    Ok(())
}

/// Escalates the two worst findings of different tenants, so that cases wait in the queue.
fn escalate(desk: &Desk, access: &Access) -> Result<()> {
    let filter = FindingFilter {
        state: Some(FindingState::New),
        severity: Some(Severity::Critical),
        ..FindingFilter::default()
    };
    let worst = findings::list(desk, access, &filter, &PageRequest::first(1_000))?
        .0
        .items;
    let mut seen = Vec::new();
    for finding in worst {
        if seen.len() < 2 && !seen.contains(&finding.tenant_id) {
            let decision = Decision::Escalate {
                case_id: None,
                reason: String::new(),
            };
            findings::decide(desk, access, &finding.id, finding.revision, &decision)?;
            seen.push(finding.tenant_id);
        }
    }
    Ok(())
}

/// The folders in a folder, by name; none when it is not there.
fn folders(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    if folder.is_dir() {
        for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if let Some(name) = path
                .file_name()
                .and_then(|name| name.to_str())
                .filter(|_| path.is_dir())
            {
                found.push((name.to_owned(), path.clone()));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Writes a folder as a zip archive, its files below `name`.
fn pack_up(folder: &Path, name: &str, archive: &Path) -> Result<()> {
    let file = File::create(archive).with_context(|| format!("cannot write {}", archive.display()))?;
    let mut writer = ZipWriter::new(BufWriter::new(file));
    let mut waiting = vec![(folder.to_owned(), name.to_owned())];
    while let Some((folder, below)) = waiting.pop() {
        let mut entries: Vec<_> = std::fs::read_dir(&folder)?.collect::<std::io::Result<_>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let inside = format!("{below}/{}", entry.file_name().to_string_lossy());
            match entry.file_type()?.is_dir() {
                true => waiting.push((entry.path(), inside)),
                false => {
                    writer.start_file(inside, SimpleFileOptions::default())?;
                    std::io::copy(&mut File::open(entry.path())?, &mut writer)?;
                }
            }
        }
    }
    writer.finish()?.flush()?;
    Ok(())
}

/// Serves the desk of a demo until ctrl-c.
pub(super) fn serve(data: PathBuf, listen: std::net::SocketAddr, lang: vigie_report::Lang) -> Result<()> {
    let options = vigie_server::Options {
        data,
        database: None,
        listen,
        tls: None,
        insecure_http: false,
        drop_folder: None,
        public_url: None,
        oidc: None,
        trusted_proxies: Vec::new(),
        workers: 1,
        log: vigie_server::LogFormat::Text,
    };
    crate::serve::serve(&options, lang)
}

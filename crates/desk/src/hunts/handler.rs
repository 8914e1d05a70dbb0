//! Doing hunts.

use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use vigie_hunt::{HostResult, HuntOptions, HuntResult, Verdict};
use vigie_pack::Pack;

use super::start::{Payload, folder, settle};
use super::{KIND, results};
use crate::audit;
use crate::campaigns;
use crate::catalogue::{self, InForce};
use crate::cells::{self, Put, Stage};
use crate::db::params;
use crate::desk::{Tx, make_private_folder};
use crate::evidence::{self, Evidence, EvidenceReader};
use crate::findings::{self, Changes};
use crate::ids::hex;
use crate::jobs::Job;
use crate::servers::{self, ServerFields};
use crate::tenants::name_key;
use crate::worker::{End, Handler, Outcome, Pulse};
use crate::{
    Access, CampaignId, Desk, Error, EvidenceId, HuntId, Result, ServerId, TenantId, Time, exposure,
    observations, packs, rejudge,
};

/// Hunts.
#[derive(Debug, Default)]
pub struct HuntHandler {
    /// Threads of one hunt; 0 means one per core.
    pub threads: usize,
}

/// A folder that is removed whatever happens.
struct Opened(PathBuf);

impl Drop for Opened {
    fn drop(&mut self) {
        // What cannot be removed now is removed by `clean`.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a hunt needs.
struct Given {
    tenant: TenantId,
    campaign: CampaignId,
    pack: Pack,
    evidence: Vec<(Evidence, EvidenceReader)>,
    /// Names of servers that evidence says it is of.
    names: HashMap<ServerId, String>,
    catalogue: Vec<InForce>,
}

struct Told(Arc<Pulse>);

impl vigie_evidence::Progress for Told {
    fn total(&self, bytes: u64) {
        self.0.set_total(bytes);
    }

    fn advance(&self, bytes: u64) {
        self.0.advance(bytes);
    }
}

impl Handler for HuntHandler {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn run(&self, desk: &Desk, job: &Job, pulse: &Arc<Pulse>) -> Outcome {
        match self.hunt(desk, job, pulse) {
            Ok(outcome) => outcome,
            // What is gone or damaged does not come back by trying again.
            Err(
                error @ (Error::NotFound { .. }
                | Error::State { .. }
                | Error::Damaged { .. }
                | Error::Invalid { .. }),
            ) => Outcome::Hopeless(error.to_string()),
            Err(error) => Outcome::Failed(error.to_string()),
        }
    }

    fn ended_badly(&self, desk: &Desk) -> Result<()> {
        settle(desk).map(|_| ())
    }
}

impl HuntHandler {
    fn hunt(&self, desk: &Desk, job: &Job, pulse: &Arc<Pulse>) -> Result<Outcome> {
        let given = given(desk, job)?;
        let root = Opened(folder(desk).join(format!("{}-{}", job.id, job.attempts)));
        make_private_folder(&root.0)?;
        pulse.phase(
            "opening",
            given.evidence.iter().map(|(_, reader)| reader.size()).sum(),
        );
        let basis = basis(&given.evidence);
        let (servers, ids) = (servers_of(&given.evidence), ids_of(&given.evidence));
        let of_none = names_of_no_server(&given.evidence);
        for (one, reader) in given.evidence {
            let name = one
                .fields
                .server_id
                .as_ref()
                .and_then(|server| given.names.get(server));
            if !unpack(&root.0, &one, name.map(String::as_str), reader, pulse)? {
                return Ok(Outcome::Failed("it was told to stop".into()));
            }
        }
        pulse.phase("hunting", 0);
        let mut options = HuntOptions {
            packs: vec![given.pack.clone()],
            suppressions: given
                .catalogue
                .iter()
                .map(|entry| entry.file(&given.tenant))
                .collect(),
            now: Some(desk.now().micros()),
            ..HuntOptions::default()
        };
        options.evidence.threads = self.threads;
        options.evidence.cancel = pulse.stop_flag();
        options.evidence.progress = Some(Arc::new(Told(Arc::clone(pulse))));
        let mut result = vigie_hunt::hunt(&[root.0.join(EVIDENCE)], &options)
            .map_err(|error| Error::state(error.to_string()))?;
        without_folder(&mut result);
        without_stand_in(&mut result, &of_none);
        without_idle(&mut result, &given.catalogue, &given.tenant);
        if result.stats.interrupted || pulse.is_stopping() {
            return Ok(Outcome::Failed("it was told to stop".into()));
        }
        pulse.phase("keeping", 0);
        let done = Done {
            hunt: job
                .id
                .as_str()
                .parse()
                .map_err(|_| Error::NotFound { what: "job" })?,
            tenant: given.tenant,
            campaign: given.campaign,
            pack: given.pack,
            evidence: ids,
            servers,
            basis,
            catalogue: given.catalogue,
            result,
        };
        Ok(Outcome::Done(Box::new(move |tx| done.keep(tx).map(End::Done))))
    }
}

/// Reads what a job needs, and notes in the evidence's custody that it is hunted.
fn given(desk: &Desk, job: &Job) -> Result<Given> {
    let access = Access::system("hunt");
    let payload: Payload = serde_json::from_value(job.payload.clone())
        .map_err(|error| Error::invalid("payload", error.to_string()))?;
    let missing = || Error::state("the job names no tenant or campaign");
    let tenant = job.tenant_id.clone().ok_or_else(missing)?;
    let campaign = job.campaign_id.clone().ok_or_else(missing)?;
    let open = desk.read(|tx| campaigns::find_open(tx, &access, &campaign))?;
    let pack = packs::load(desk, &open.pack)?;
    if pack.version != open.pack_version {
        return Err(Error::state(format!(
            "the campaign runs with version {} of {}, and {} is installed: revise the campaign, or install that version",
            open.pack_version, open.pack, pack.version
        )));
    }
    desk.write(|tx| {
        let mut all = Vec::new();
        let mut names = HashMap::new();
        for id in &payload.evidence {
            let one = evidence::find(tx, &access, id)?;
            if one.tenant_id != tenant {
                return Err(Error::NotFound { what: "evidence" });
            }
            if let Some(server) = &one.fields.server_id {
                names.insert(server.clone(), servers::find(tx, &access, server)?.fields.name);
            }
            let details = json!({"why": "hunt", "job_id": job.id, "asked_by": job.asked_by.name});
            audit::recorded(
                tx,
                &access,
                Some(&tenant),
                ("evidence", id.as_str()),
                "evidence.read",
                details,
            )?;
            let reader = evidence::open_blob(desk, tx, id)?;
            all.push((one, reader));
        }
        Ok(Given {
            tenant: tenant.clone(),
            campaign: campaign.clone(),
            pack: pack.clone(),
            evidence: all,
            names,
            catalogue: catalogue::in_force(tx, Some(&tenant), None)?,
        })
    })
}

/// Names a body of evidence by what is in it.
fn basis(all: &[(Evidence, EvidenceReader)]) -> String {
    let mut hashes: Vec<&str> = all.iter().map(|(one, _)| one.sha256.as_str()).collect();
    hashes.sort_unstable();
    hashes.dedup();
    format!("hunt {}", hex(&Sha256::digest(hashes.join("\n"))))
}

fn servers_of(all: &[(Evidence, EvidenceReader)]) -> Vec<Option<ServerId>> {
    all.iter().map(|(one, _)| one.fields.server_id.clone()).collect()
}

fn ids_of(all: &[(Evidence, EvidenceReader)]) -> Vec<EvidenceId> {
    all.iter().map(|(one, _)| one.id.clone()).collect()
}

/// The evidence that is of no server in particular, by its files' names without what says of which kind they are: a server
/// of that name has no domain.
fn names_of_no_server(all: &[(Evidence, EvidenceReader)]) -> String {
    let of_none = all.iter().map(|(one, _)| one);
    let mut names: Vec<String> = of_none
        .filter(|one| one.fields.server_id.is_none())
        .filter_map(|one| one.name.split(['/', '\\']).next_back())
        .filter_map(|name| name.split('.').find(|part| !part.trim().is_empty()))
        .map(str::to_owned)
        .collect();
    names.sort_unstable();
    names.dedup();
    names.join("+").chars().take(200).collect()
}

/// Where a hunt's evidence lies in its folder: always the same, since the names of files are part of what names evidence.
const EVIDENCE: &str = "evidence";
/// The folder that stands for its tenant.
const TENANT: &str = "tenant";

/// Paths begin with the server or the name of the evidence: the folder they were opened into is gone and says nothing.
fn without_folder(result: &mut HuntResult) {
    let folder = format!("{EVIDENCE}/{TENANT}/");
    let strip = |path: &mut String| {
        if let Some(rest) = path.strip_prefix(&folder) {
            *path = rest.to_owned();
        }
    };
    for host in &mut result.hosts {
        host.findings
            .iter_mut()
            .flat_map(|finding| &mut finding.evidence)
            .for_each(|line| strip(&mut line.path));
        host.observations
            .iter_mut()
            .for_each(|seen| strip(&mut seen.path));
    }
    result.manifest.iter_mut().for_each(|file| strip(&mut file.path));
    for warning in &mut result.warnings {
        *warning = warning.clone().with_texts(&|text| text.replace(&folder, ""));
    }
}

/// What neither its sender nor a folder gives to a server goes by the name of its file: the folder that stands for its
/// tenant would be taken for a server.
fn without_stand_in(result: &mut HuntResult, of_none: &str) {
    if of_none.is_empty() {
        return;
    }
    for host in result.hosts.iter_mut().filter(|host| host.host == TENANT) {
        of_none.clone_into(&mut host.host);
    }
    let files = result.manifest.iter_mut();
    for host in files
        .filter_map(|file| file.host.as_mut())
        .filter(|host| *host == TENANT)
    {
        of_none.clone_into(host);
    }
}

/// Entries that came of others' findings and hid nothing here are not spoken of.
fn without_idle(result: &mut HuntResult, catalogue: &[InForce], tenant: &TenantId) {
    let idle: Vec<String> = result
        .suppressions
        .iter()
        .filter(|entry| entry.events == 0)
        .map(|entry| entry.path.clone())
        .collect();
    let unspoken: Vec<String> = catalogue
        .iter()
        .filter(|entry| entry.tenant != *tenant)
        .map(InForce::path)
        .filter(|path| idle.contains(path))
        .collect();
    result
        .warnings
        .retain(|warning| !unspoken.iter().any(|path| warning.contains(path)));
}

/// A name that is one name in a folder, whatever somebody called it.
fn harmless(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|one| match one {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' => one,
            _ => '_',
        })
        .take(150)
        .collect();
    match name.trim_start_matches('.') {
        "" => "unnamed".into(),
        rest => rest.to_owned(),
    }
}

/// Opens evidence into the folder of its server, or of its tenant when it is of no server in particular. False: stopped.
fn unpack(
    root: &Path,
    one: &Evidence,
    server: Option<&str>,
    mut reader: EvidenceReader,
    pulse: &Pulse,
) -> Result<bool> {
    let mut path = root.join(EVIDENCE).join(TENANT);
    if let Some(server) = server {
        path.push(harmless(server));
    }
    make_private_folder(&path)?;
    let name = harmless(&one.name);
    path.push(&name);
    if path.exists() {
        // Two pieces of one name.
        path.set_file_name(format!("{}-{name}", &one.sha256[..8]));
    }
    let mut file = std::fs::File::create(&path).map_err(Error::io(&path))?;
    while let Some(chunk) = reader.next_chunk()? {
        if pulse.is_stopping() {
            return Ok(false);
        }
        file.write_all(&chunk).map_err(Error::io(&path))?;
        pulse.advance(chunk.len() as u64);
    }
    Ok(true)
}

/// A hunt that was done, to be kept.
struct Done {
    hunt: HuntId,
    tenant: TenantId,
    campaign: CampaignId,
    pack: Pack,
    evidence: Vec<EvidenceId>,
    /// The server each piece says it is of.
    servers: Vec<Option<ServerId>>,
    basis: String,
    /// The entries of the benign catalogue it ran with.
    catalogue: Vec<InForce>,
    result: HuntResult,
}

impl Done {
    fn keep(&self, tx: &mut Tx<'_>) -> Result<Json> {
        let access = Access::system("hunt");
        let campaign = campaigns::find_open(tx, &access, &self.campaign)?;
        let all_placed = self.place(tx)?;
        let placed: BTreeSet<ServerId> = all_placed.iter().cloned().collect();
        let mut all = Changes::default();
        // The row that the others point to comes first; what changed is known last.
        results::insert(tx, &self.row(json!({})))?;
        for server in &placed {
            // Two machines of one server (its short and its long name) are told together; the worst comes first.
            let mut hosts = self
                .result
                .hosts
                .iter()
                .zip(&all_placed)
                .filter(|(_, of)| *of == server);
            let Some((host, _)) = hosts.next() else {
                continue;
            };
            let mut found = host.findings.clone();
            let mut sees_all = host.sees_all;
            for (other, _) in hosts {
                found.extend(other.findings.iter().cloned());
                sees_all &= other.sees_all;
            }
            let place = findings::Place {
                tenant: &self.tenant,
                server,
                campaign: &self.campaign,
                hunt: &self.hunt,
                basis: &self.basis,
            };
            let changes = findings::put_all(tx, &place, &found)?;
            all.new += changes.new;
            all.known += changes.known;
            all.gone += changes.gone;
            results::insert_server(tx, &self.hunt, server, &self.tenant, host, sees_all)?;
            self.hidden(tx, server, &all_placed)?;
            self.learn(tx, &access, server, host)?;
            self.say(tx, &access, &campaign, server, host)?;
            // The catalogue may have changed while it was hunted.
            rejudge::after_hunt(tx, &campaign, &place)?;
        }
        let learnt: Vec<(ServerId, TenantId)> = placed
            .iter()
            .map(|server| (server.clone(), self.tenant.clone()))
            .collect();
        exposure::assess_some(tx, &access, &self.campaign, &self.pack, &learnt)?;
        // What was hunted and left no trace of its server: nothing can be said of it but that.
        for server in self
            .servers
            .iter()
            .flatten()
            .filter(|server| !placed.contains(*server))
        {
            self.say_nothing_found(tx, &access, &campaign, server)?;
        }
        let summary = json!({
            "changes": all,
            "servers": placed.len(),
            "verdicts": self.result.hosts.iter().map(|host| host.verdict.id()).collect::<Vec<_>>(),
        });
        results::set_changes(tx, &self.hunt, &json!(all))?;
        let act = crate::audit::Act {
            tenant: Some(&self.tenant),
            action: "hunt.done",
            subject: ("hunt", self.hunt.as_str()),
            campaign: Some(&self.campaign),
            text: "",
            details: json!({"evidence": self.evidence, "pack_version": self.pack.version, "summary": summary}),
        };
        crate::audit::record(tx, &access, &act)?;
        Ok(summary)
    }

    fn row(&self, changes: Json) -> results::NewHuntRow<'_> {
        results::NewHuntRow {
            id: &self.hunt,
            tenant: &self.tenant,
            campaign: &self.campaign,
            pack: &self.pack.name,
            pack_version: &self.pack.version,
            evidence: json!(self.evidence),
            basis: &self.basis,
            result: &self.result,
            changes,
        }
    }

    /// The server of each machine the evidence tells of. A machine nobody knew is entered.
    fn place(&self, tx: &mut Tx<'_>) -> Result<Vec<ServerId>> {
        let mut known: HashMap<String, ServerId> = HashMap::new();
        let rows = tx.query(
            "SELECT id, name_key, fqdn FROM server WHERE tenant_id = $1 ORDER BY archived_at DESC, id",
            params![&self.tenant],
        )?;
        for row in rows {
            let mut row = row.reader();
            let (id, name, fqdn): (ServerId, String, Option<String>) = (row.get()?, row.get()?, row.get()?);
            if let Some(fqdn) = fqdn {
                known.insert(name_key(&fqdn), id.clone());
            }
            known.insert(harmless(&name).to_lowercase(), id.clone());
            known.insert(name, id);
        }
        let mut declared: Vec<&ServerId> = self.servers.iter().flatten().collect();
        declared.dedup();
        // All of one server, and one machine in it: they are the same, whatever the logs call it.
        if let ([only], [_], true) = (
            declared.as_slice(),
            self.result.hosts.as_slice(),
            self.servers.iter().all(Option::is_some),
        ) {
            return Ok(vec![(*only).clone()]);
        }
        let mut placed = Vec::new();
        for host in &self.result.hosts {
            let full = name_key(&host.host);
            let short = full.split('.').next().unwrap_or_default().to_owned();
            let found = known.get(&full).or_else(|| known.get(&short)).cloned();
            let server = match found {
                Some(server) => server,
                None => {
                    let server = self.enter(tx, host)?;
                    known.insert(full, server.clone());
                    server
                }
            };
            placed.push(server);
        }
        Ok(placed)
    }

    fn enter(&self, tx: &mut Tx<'_>, host: &HostResult) -> Result<ServerId> {
        let name: String = host
            .host
            .chars()
            .filter(|one| !one.is_control())
            .take(200)
            .collect();
        let name = if name.trim().is_empty() {
            "unknown".to_owned()
        } else {
            name
        };
        let fields = ServerFields {
            fqdn: host.host.contains('.').then(|| name.clone()),
            note: "found in evidence; no inventory named it".into(),
            ..ServerFields::named(&name)
        };
        servers::insert(tx, &self.tenant, &fields)
    }

    /// Which entries hid something of a server.
    fn hidden(&self, tx: &mut Tx<'_>, server: &ServerId, placed: &[ServerId]) -> Result<()> {
        let names: BTreeSet<&str> = self
            .result
            .hosts
            .iter()
            .zip(placed)
            .filter(|(_, of)| *of == server)
            .map(|(host, _)| host.host.as_str())
            .collect();
        for told in &self.result.suppressions {
            let Some(entry) = self.catalogue.iter().find(|entry| entry.path() == told.path) else {
                continue;
            };
            for on in told.hosts.iter().filter(|on| names.contains(on.host.as_str())) {
                results::insert_hidden(tx, (&self.hunt, server, &self.tenant), &entry.id, on.events)?;
            }
        }
        Ok(())
    }

    /// What the logs told of the server itself: the builds that wrote them, mitigations.
    fn learn(&self, tx: &mut Tx<'_>, access: &Access, server: &ServerId, host: &HostResult) -> Result<()> {
        if host.observations.is_empty() {
            return Ok(());
        }
        let told = json!({"hosts": [{"host": host.host, "tenant": null, "observations": host.observations}]});
        let file = format!("hunt {}", self.hunt);
        let read = vigie_exposure::inventory::read(&file, told.to_string().as_bytes(), &Default::default());
        let read = read.map_err(|error| Error::invalid("hunt", error.to_string()))?;
        observations::put_all(tx, access, &self.tenant, server, &read.observations)?;
        Ok(())
    }

    /// The cells *evidence*, *hunt* and *verdict* of a server.
    fn say(
        &self,
        tx: &mut Tx<'_>,
        access: &Access,
        campaign: &campaigns::Campaign,
        server: &ServerId,
        host: &HostResult,
    ) -> Result<()> {
        let now = tx.now;
        // Silence holds as far as the logs reach, and not a moment longer.
        let looked_until = host
            .window
            .as_ref()
            .and_then(|window| Time::parse(&window.to))
            .unwrap_or(now)
            .min(now);
        let as_of = match host.verdict {
            Verdict::NoEvidence => looked_until,
            _ => now,
        };
        let reasons: Vec<Json> = host
            .reasons
            .iter()
            .take(3)
            .map(|reason| json!({"en": reason.en, "fr": reason.fr}))
            .collect();
        let verdict = json!({
            "hunt_id": self.hunt,
            "window": host.window,
            "reasons": reasons,
            "findings": host.findings.len(),
            "suppressed": host.suppressed,
        });
        let hunt = json!({"hunt_id": self.hunt, "pack_version": self.pack.version});
        let received = json!({"evidence_id": self.evidence.first(), "pieces": self.evidence.len()});
        for (stage, detail, basis, as_of, proof) in [
            (Stage::Evidence, "received", "evidence", now, received),
            (Stage::Hunt, "hunted", "hunt", now, hunt),
            (
                Stage::Verdict,
                host.verdict.id(),
                self.basis.as_str(),
                as_of,
                verdict,
            ),
        ] {
            let put = Put {
                campaign: &self.campaign,
                tenant: &self.tenant,
                server,
                stage,
                detail,
                basis,
                as_of,
                proof,
            };
            match cells::put(tx, access, campaign, &put) {
                // Archived since, or its tenant left the campaign.
                Err(Error::NotFound { .. }) => {}
                other => other?,
            }
        }
        Ok(())
    }

    fn say_nothing_found(
        &self,
        tx: &mut Tx<'_>,
        access: &Access,
        campaign: &campaigns::Campaign,
        server: &ServerId,
    ) -> Result<()> {
        let put = Put {
            campaign: &self.campaign,
            tenant: &self.tenant,
            server,
            stage: Stage::Hunt,
            detail: "failed",
            basis: "hunt",
            as_of: tx.now,
            proof: json!({"hunt_id": self.hunt, "reason": {
                "en": "the evidence tells nothing of this server",
                "fr": "les preuves ne disent rien de ce serveur",
            }}),
        };
        match cells::put(tx, access, campaign, &put) {
            Err(Error::NotFound { .. }) => Ok(()),
            other => other,
        }
    }
}

//! A whole crisis through the desk's public functions: the simulated provider's inventory, its evidence, the hunts, and
//! the board, which must say of every server what really happened.

// Nothing here runs outside of tests.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tempfile::TempDir;
use vigie_desk::board::{self, BoardFilter, Sort};
use vigie_desk::campaigns::{self, NewCampaign};
use vigie_desk::cells::Stage;
use vigie_desk::hunts::{self, HuntHandler, NewHunt};
use vigie_desk::jobs::JobState;
use vigie_desk::observations::{self, ImportOptions};
use vigie_desk::servers::{self, ServerFilter};
use vigie_desk::tenants::{self, TenantFilter};
use vigie_desk::uploads::{self, NewUpload};
use vigie_desk::worker::{Handler, run_one};
use vigie_desk::world::{ManualClock, SystemEntropy};
use vigie_desk::{Access, Actor, ActorKind, CampaignId, Desk, Options, PageRequest, Role, TenantSet, Time};
use vigie_desk::{audit, exposure, findings, packs};
use vigie_pack::Pack;
use vigie_simulate::{Truth, demo_plan, simulate};

fn director() -> Access {
    let actor = Actor {
        kind: ActorKind::User,
        id: "camille".into(),
        name: "Camille".into(),
    };
    Access::new(actor, Role::Director, TenantSet::All)
}

/// A folder as a zip archive beside it.
fn zipped(folder: &Path) -> std::path::PathBuf {
    let path = folder.with_extension("zip");
    let mut writer = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    let mut open = vec![folder.to_owned()];
    while let Some(folder_now) = open.pop() {
        for entry in std::fs::read_dir(folder_now).unwrap() {
            let entry = entry.unwrap().path();
            if entry.is_dir() {
                open.push(entry);
                continue;
            }
            let name = entry.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            writer
                .start_file(name, zip::write::SimpleFileOptions::default())
                .unwrap();
            writer.write_all(&std::fs::read(&entry).unwrap()).unwrap();
        }
    }
    writer.finish().unwrap();
    path
}

struct Crisis {
    folder: TempDir,
    desk: Desk,
    truth: Truth,
}

fn begin() -> Crisis {
    begin_at("2021-03-17T08:00:00Z")
}

fn begin_at(now: &str) -> Crisis {
    let folder = TempDir::new().unwrap();
    let truth = simulate(&folder.path().join("world"), &demo_plan(2021)).unwrap();
    let desk = Desk::open(&Options {
        data: folder.path().join("data"),
        database: None,
        clock: Arc::new(ManualClock::at(Time::parse(now).unwrap())),
        entropy: Arc::new(SystemEntropy::default()),
    })
    .unwrap();
    Crisis { folder, desk, truth }
}

/// The office's inventory makes tenants and servers.
fn take_inventory(desk: &Desk, who: &Access) {
    let text = vigie_simulate::inventory(&demo_plan(2021));
    let reading = vigie_exposure::inventory::read("parc.csv", text.as_bytes(), &Default::default()).unwrap();
    let options = ImportOptions {
        tenant_id: None,
        new_tenants: true,
        new_servers: true,
    };
    let imported = observations::import(desk, who, &reading.observations, &options).unwrap();
    assert_eq!(imported.unplaced, 0, "{imported:?}");
}

fn open_campaign(desk: &Desk, who: &Access, pack: &Pack) -> CampaignId {
    let all = tenants::list(desk, who, &TenantFilter::default(), &PageRequest::default()).unwrap();
    let new = NewCampaign {
        title: "HAFNIUM".into(),
        pack: pack.name.clone(),
        pack_version: pack.version.clone(),
        tenants: all.items.iter().map(|tenant| tenant.id.clone()).collect(),
        stale_hours: BTreeMap::new(),
    };
    campaigns::open(desk, who, &new).unwrap().id
}

/// Years later the same builds are open to other attacks. A campaign is about its own.
#[test]
fn a_door_that_was_closed_stays_closed_whatever_was_found_later() {
    let crisis = begin_at("2026-11-26T08:00:00Z");
    let (desk, who) = (&crisis.desk, director());
    take_inventory(desk, &who);
    let pack = packs::load(desk, "hafnium-2021").unwrap();
    let campaign = open_campaign(desk, &who, &pack);
    exposure::assess(desk, &who, &campaign, &pack).unwrap();
    let board = board::board(
        desk,
        &who,
        &campaign,
        &BoardFilter::default(),
        &PageRequest::default(),
    )
    .unwrap();
    let notaries = board
        .tenants
        .items
        .iter()
        .find(|tenant| tenant.name == "notaires-delta")
        .unwrap();
    let updated = notaries
        .servers
        .iter()
        .find(|server| server.name == "EX02")
        .unwrap();
    let cell = updated
        .cells
        .iter()
        .find(|cell| cell.stage == Stage::Exposure)
        .unwrap();
    assert_eq!(cell.detail, "fixed");
    let all = exposure::of_server(desk, &who, &updated.id, &pack).unwrap();
    assert_eq!(all.servers[0].status, vigie_exposure::Status::Vulnerable);
}

#[test]
fn the_board_says_what_really_happened() {
    let crisis = begin();
    let (desk, who) = (&crisis.desk, director());

    take_inventory(desk, &who);

    let pack = packs::load(desk, "hafnium-2021").unwrap();
    let all = tenants::list(desk, &who, &TenantFilter::default(), &PageRequest::default())
        .unwrap()
        .items;
    assert_eq!(all.len(), crisis.truth.tenants.len());
    let campaign = open_campaign(desk, &who, &pack);
    let assessed = exposure::assess(desk, &who, &campaign, &pack).unwrap();
    assert!(assessed.vulnerable > 0 && assessed.unknown > 0, "{assessed:?}");

    // Each client sends an archive per server; its servers are hunted together.
    for tenant in &all {
        let mut evidence = Vec::new();
        for truth in crisis
            .truth
            .servers
            .iter()
            .filter(|truth| truth.tenant == tenant.fields.name)
        {
            let archive = zipped(
                &crisis
                    .folder
                    .path()
                    .join("world")
                    .join(&truth.tenant)
                    .join(&truth.server),
            );
            let filter = ServerFilter {
                tenant_id: Some(tenant.id.clone()),
                search: Some(truth.server.clone()),
                archived: false,
            };
            let known = servers::list(desk, &who, &filter, &PageRequest::default())
                .unwrap()
                .items;
            let new = NewUpload {
                tenant_id: tenant.id.clone(),
                server_id: known.first().map(|server| server.id.clone()),
                campaign_id: Some(campaign.clone()),
                name: format!("{}.zip", truth.server),
                note: String::new(),
                acquired_at: None,
                retention_days: None,
                size: None,
                sha256: None,
            };
            evidence.push(uploads::receive_file(desk, &who, &new, &archive).unwrap().id);
        }
        let hunt = NewHunt {
            campaign_id: campaign.clone(),
            evidence,
        };
        hunts::start(desk, &who, &hunt).unwrap();
    }
    let handler = HuntHandler::default();
    let handlers: [&dyn Handler; 1] = [&handler];
    while let Some(job) = run_one(desk, "worker", &handlers, &AtomicBool::new(false)).unwrap() {
        assert_eq!(job.state, JobState::Done, "{:?}", job.error);
    }

    let filter = BoardFilter {
        sort: Some(Sort::Worst),
        ..BoardFilter::default()
    };
    let board = board::board(desk, &who, &campaign, &filter, &PageRequest::default()).unwrap();
    assert_eq!(board.servers_total as usize, crisis.truth.servers.len());
    let mut crossed: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut said: BTreeMap<(String, String), String> = BTreeMap::new();
    for tenant in &board.tenants.items {
        for server in &tenant.servers {
            let words: Vec<&str> = server.cells.iter().map(|cell| cell.detail.as_str()).collect();
            println!("{:<22} {:<8} {}", tenant.name, server.name, words.join(" · "));
            let exposure = server
                .cells
                .iter()
                .find(|cell| cell.stage == Stage::Exposure)
                .unwrap();
            let verdict = server
                .cells
                .iter()
                .find(|cell| cell.stage == Stage::Verdict)
                .unwrap();
            let short = server.name.split('.').next().unwrap().to_uppercase();
            let axes = (exposure.detail.clone(), verdict.detail.clone());
            *crossed.entry(axes).or_default() += 1;
            said.insert((tenant.name.clone(), short), verdict.detail.clone());
        }
    }
    for truth in &crisis.truth.servers {
        let found = said.get(&(truth.tenant.clone(), truth.server.to_uppercase()));
        assert_eq!(found, Some(&truth.verdict), "{}/{}", truth.tenant, truth.server);
    }
    // What the office believed and what the logs told of builds, crossed with what happened: updated is not clean.
    let expected = [
        ("fixed", "attempted", 1),
        ("fixed", "compromised", 2),
        ("fixed", "no_evidence", 2),
        ("unknown", "compromised", 1),
        ("unknown", "no_evidence", 1),
        ("vulnerable", "compromised", 1),
        ("vulnerable", "suspected", 1),
        ("vulnerable", "unknown", 1),
    ];
    let crossed: Vec<(&str, &str, usize)> = crossed
        .iter()
        .map(|((one, other), count)| (one.as_str(), other.as_str(), *count))
        .collect();
    assert_eq!(crossed, expected);
    let (_, total) = findings::list(desk, &who, &Default::default(), &Default::default()).unwrap();
    assert!(total.count > 50 && !total.at_least, "{total:?}");

    assert!(audit::verify(desk, &who).unwrap().sound);
    assert!(
        std::fs::read_dir(desk.data().join("work"))
            .unwrap()
            .next()
            .is_none()
    );
}

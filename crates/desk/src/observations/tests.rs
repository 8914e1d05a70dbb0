use std::collections::BTreeMap;

use super::*;
use crate::campaigns::{self, NewCampaign};
use crate::cells::{self, Stage};
use crate::servers::{self, ServerFilter};
use crate::testing::{assert_hidden, director, on_each_database, strangers};
use crate::{Access, Desk, PageRequest, Role, ServerId, TenantId, exposure, packs, tenants};

const INVENTORY: &str = "\
client;serveur;fqdn;build;source;date;publié
Clinique Saint-Roch;EX01;ex01.roch.example;15.1.2176.2;exsetup;2021-03-02;oui
Clinique Saint-Roch;EX02;;15.1.2176.9;exsetup;2021-03-03;oui
Notaires Delta;EX01;;15.1.2176;admin_display_version;2021-03-01;non
";

fn read(text: &str) -> Vec<vigie_exposure::Observation> {
    let reading = vigie_exposure::inventory::read("parc.csv", text.as_bytes(), &Default::default()).unwrap();
    assert!(reading.problems.is_empty(), "{:?}", reading.problems);
    reading.observations
}

fn all_new() -> ImportOptions {
    ImportOptions {
        tenant_id: None,
        new_tenants: true,
        new_servers: true,
    }
}

fn server(desk: &Desk, tenant: &str, name: &str) -> (TenantId, ServerId) {
    let tenants = tenants::list(desk, &director(), &Default::default(), &PageRequest::default()).unwrap();
    let tenant = tenants
        .items
        .into_iter()
        .find(|found| found.fields.name == tenant)
        .unwrap()
        .id;
    let filter = ServerFilter {
        tenant_id: Some(tenant.clone()),
        search: Some(name.into()),
        ..ServerFilter::default()
    };
    let found = servers::list(desk, &director(), &filter, &PageRequest::default()).unwrap();
    (tenant, found.items[0].id.clone())
}

#[test]
fn an_inventory_enters_tenants_and_servers_and_is_kept_once() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let seen = read(INVENTORY);
        let first = import(desk, &director(), &seen, &all_new()).unwrap();
        assert_eq!(
            (first.new_tenants, first.new_servers, first.unplaced),
            (2, 3, 0),
            "{first:?}"
        );
        assert_eq!(first.kept, seen.len() as u64);
        let again = import(desk, &director(), &seen, &ImportOptions::default()).unwrap();
        assert_eq!(
            (again.kept, again.known, again.unplaced),
            (0, seen.len() as u64, 0)
        );
        let (_, ex01) = server(desk, "Clinique Saint-Roch", "EX01");
        let kept = list(desk, &director(), &ex01).unwrap();
        assert!(
            kept.iter()
                .any(|one| matches!(&one.fact, FactJson::Build { version, .. } if version == "15.1.2176.2"))
        );
        assert!(
            kept.iter()
                .all(|one| one.file == "parc.csv" && one.said_by == "camille")
        );
    });
}

#[test]
fn what_has_no_place_is_named_and_counted() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let seen = read(INVENTORY);
        let none = import(desk, &director(), &seen, &ImportOptions::default()).unwrap();
        assert_eq!((none.kept, none.unplaced), (0, seen.len() as u64));
        let names: Vec<String> = none
            .unplaced_names
            .iter()
            .map(|one| format!("{} {}", one.tenant.as_deref().unwrap_or("-"), one.name))
            .collect();
        assert_eq!(
            names,
            [
                "Clinique Saint-Roch EX01",
                "Clinique Saint-Roch EX02",
                "Notaires Delta EX01"
            ]
        );
    });
}

#[test]
fn a_source_without_tenant_finds_the_one_server_that_fits() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        import(desk, &director(), &read(INVENTORY), &all_new()).unwrap();
        let scan = "server;build;source;date\nEX02;15.1.2176.9;x_owa_version;2021-03-03\nEX01;15.1.2176.2;x_owa_version;2021-03-03\n";
        let report = import(desk, &director(), &read(scan), &all_new()).unwrap();
        // EX02 is the clinic's; two tenants have an EX01, and neither is guessed.
        assert_eq!((report.servers, report.new_servers), (1, 0), "{report:?}");
        assert!(report.unplaced_names.iter().all(|one| one.name == "EX01"));
    });
}

#[test]
fn one_who_sees_one_tenant_imports_into_that_one_only() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        import(desk, &director(), &read(INVENTORY), &all_new()).unwrap();
        let (clinic, _) = server(desk, "Clinique Saint-Roch", "EX01");
        let (_, notary) = server(desk, "Notaires Delta", "EX01");
        let engineer = crate::testing::somebody("e", Role::Engineer, crate::TenantSet::Only([clinic].into()));
        let newer = INVENTORY.replace("2021-03-0", "2021-02-0");
        assert!(import(desk, &engineer, &read(&newer), &all_new()).is_err());
        let options = ImportOptions {
            new_servers: true,
            ..ImportOptions::default()
        };
        let report = import(desk, &engineer, &read(&newer), &options).unwrap();
        assert_eq!(report.servers, 2);
        assert!(
            report.unplaced > 0
                && report
                    .unplaced_names
                    .iter()
                    .all(|one| one.tenant.as_deref() == Some("Notaires Delta"))
        );
        let before = list(desk, &director(), &notary).unwrap();
        assert!(before.iter().all(|one| one.said_by == "camille"));
    });
}

fn word(desk: &Desk, access: &Access, server: &ServerId, stage: Stage) -> String {
    let cells: BTreeMap<_, _> = cells::of_server(desk, access, server).unwrap();
    let cell = cells
        .into_values()
        .flatten()
        .find(|cell| cell.stage == stage)
        .unwrap();
    format!("{} {}", cell.state, cell.detail)
}

#[test]
fn an_assessment_fills_the_cells_and_says_nothing_twice() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        import(desk, &director(), &read(INVENTORY), &all_new()).unwrap();
        let (clinic, ex01) = server(desk, "Clinique Saint-Roch", "EX01");
        let (_, ex02) = server(desk, "Clinique Saint-Roch", "EX02");
        let (notaries, third) = server(desk, "Notaires Delta", "EX01");
        let pack = packs::load(desk, "hafnium-2021").unwrap();
        let new = NewCampaign {
            title: "HAFNIUM".into(),
            pack: pack.name.clone(),
            pack_version: pack.version.clone(),
            tenants: vec![clinic, notaries],
            stale_hours: BTreeMap::new(),
        };
        let campaign = campaigns::open(desk, &director(), &new).unwrap().id;
        let assessed = exposure::assess(desk, &director(), &campaign, &pack).unwrap();
        assert_eq!(
            (assessed.servers, assessed.vulnerable, assessed.unknown),
            (3, 1, 1),
            "{assessed:?}"
        );
        let words = |server: &ServerId| {
            [Stage::Inventory, Stage::Exposure].map(|stage| word(desk, &director(), server, stage))
        };
        assert_eq!(words(&ex01), ["yes known", "yes vulnerable"]);
        assert_eq!(words(&ex02), ["yes known", "no fixed"]);
        assert_eq!(words(&third)[1], "unknown unknown");

        let again = exposure::assess(desk, &director(), &campaign, &pack).unwrap();
        assert_eq!(again.changed, 0);
        let said = cells::statements(desk, &director(), &campaign, &ex01, Stage::Exposure).unwrap();
        assert_eq!(said.len(), 1);
        assert_eq!(said[0].as_of.to_string(), "2021-03-02T00:00:00Z");

        // The same day somebody looks again.
        bench.clock.advance_seconds(3_600);
        let updated = NewObservation {
            fact: FactJson::Build {
                version: "15.1.2176.9".into(),
                source: "exsetup".into(),
            },
            at: None,
            place: "on the server".into(),
        };
        add(desk, &director(), &ex01, &updated).unwrap();
        let after = exposure::assess(desk, &director(), &campaign, &pack).unwrap();
        assert_eq!((after.changed, after.vulnerable), (1, 0));
        assert_eq!(words(&ex01), ["yes known", "no fixed"]);

        let whole = exposure::of_server(desk, &director(), &ex01, &pack).unwrap();
        assert_eq!(
            (whole.servers.len(), whole.servers[0].server.as_str()),
            (1, "EX01")
        );
        let wrong = packs::load(desk, "exchange-cves").unwrap();
        assert!(exposure::assess(desk, &director(), &campaign, &wrong).is_err());

        let outside = bench.tenant("Outside");
        for access in strangers(&outside) {
            assert_hidden(exposure::assess(desk, &access, &campaign, &pack));
            assert_hidden(exposure::of_server(desk, &access, &ex01, &pack));
            assert_hidden(list(desk, &access, &ex01));
            assert_hidden(add(desk, &access, &ex01, &updated));
        }
    });
}

#[test]
fn observations_can_be_neither_changed_nor_deleted() {
    on_each_database(|bench| {
        import(&bench.desk, &director(), &read(INVENTORY), &all_new()).unwrap();
        let done = bench
            .desk
            .write(|tx| tx.execute("UPDATE observation SET at = 0", &[]));
        assert!(done.is_err());
        let done = bench.desk.write(|tx| tx.execute("DELETE FROM observation", &[]));
        assert!(done.is_err());
    });
}

#[test]
fn names_of_packs_are_no_paths() {
    let bench = crate::testing::Bench::sqlite();
    for name in ["../../etc", "", "hafnium-2021/..", "HAFNIUM", "nothing-here"] {
        assert_hidden(packs::load(&bench.desk, name).map(|pack| pack.name));
    }
    assert!(
        packs::names(&bench.desk)
            .unwrap()
            .contains(&"hafnium-2021".to_owned())
    );
}

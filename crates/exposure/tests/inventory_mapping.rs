//! Tables of one's own: what a mapping file says of them, and how it is written.

#![allow(clippy::unwrap_used)]

use vigie_exposure::inventory::{self, InventoryError, Mappings, Options, Reading, TableView, Vantage};
use vigie_exposure::{BuildSource, Fact};
use vigie_pack::Product;

const TABLE: &str = "Liste du mois;;;\nKiste;Stand;Netz;Wer\nEX01;15.1.2176.9;ja;Bob\nEX02;15.1.2106.2;x;\n";

fn options(mapping: &str) -> Options {
    Options {
        products: Product::embedded().unwrap(),
        mappings: Mappings::read("m.yaml", mapping).unwrap(),
        ..Options::default()
    }
}

fn read(file: &str, text: &str, mapping: &str) -> Result<Reading, InventoryError> {
    inventory::read(file, text.as_bytes(), &options(mapping))
}

fn tables(read: &Result<Reading, InventoryError>) -> Vec<&TableView> {
    match read {
        Ok(reading) => reading.tables.iter().collect(),
        Err(InventoryError::NoServers { tables, .. }) => tables.iter().collect(),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_saved_mapping_is_completed_by_hand_and_read_again() {
    let refused = read("a.csv", TABLE, "");
    let saved = Mappings::write(&tables(&refused));
    insta::assert_snapshot!(saved, @r"
    # What the columns of tables hold: tenant, server, fqdn, address, product, build, build_source, published, topology, observed_at, role, dag, mission_impact, mitigation, updates, dotnet, domain, software, software_version, software_paths, ignore.
    # ?: nobody decided yet. See docs/inventory.md.
    tables:
    - columns:
        Kiste: '?'
        Stand: '?'
        Netz: '?'
        Wer: '?'
    ");
    let completed = saved
        .replace("Kiste: '?'", "Kiste: server")
        .replace("Stand: '?'", "Stand: build")
        .replace("Wer: '?'", "Wer: ignore");
    let completed = format!(
        "{completed}  values:\n    tenant: Café\n    build_source: exsetup\n    observed_at: 04/03/2021\n  day_first: false\n"
    );
    let read = read("a.csv", TABLE, &completed);
    let reading = read.as_ref().unwrap();
    let first = &reading.observations[0];
    assert_eq!(
        (first.subject.tenant.as_deref(), first.subject.name.as_deref()),
        (Some("Café"), Some("EX01"))
    );
    assert!(
        matches!(
            first.fact,
            Fact::Build {
                source: BuildSource::ExSetup,
                ..
            }
        ),
        "{:?}",
        first.fact
    );
    assert_eq!(vigie_event::format_utc(first.at.unwrap()), "2021-04-03T00:00:00Z");
    let table = tables(&read)[0];
    assert_eq!(table.mapped_by.as_deref(), Some("m.yaml:4"));
    // A column of which nobody decided is still not understood.
    let open: Vec<&str> = table
        .columns
        .iter()
        .filter(|column| column.meaning.is_none())
        .map(|column| column.header.as_str())
        .collect();
    assert_eq!(open, ["Netz"]);
}

#[test]
fn what_was_understood_is_saved_as_it_was() {
    let text = "Société;Serveur;Remarque;Serveur\nA;EX01;x;y\n";
    let reading = read("a.csv", text, "");
    let saved = Mappings::write(&tables(&reading));
    assert!(
        saved.contains("Société: tenant\n    Serveur: server\n    Remarque: '?'\n"),
        "{saved}"
    );
    let again = read("a.csv", text, &saved).unwrap();
    assert_eq!(again.observations, reading.unwrap().observations);
}

#[test]
fn a_mapping_is_for_exactly_its_headers() {
    let mapping = "tables:\n- columns: {Kiste: server, Stand: build}\n";
    assert!(read("a.csv", "stand;KISTE\n15.1.2176.9;EX01\n", mapping).is_ok());
    for other in ["Kiste;Stand;Netz\nEX01;15.1.2176.9;ja\n", "Kiste\nEX01\n"] {
        assert!(
            matches!(
                read("a.csv", other, mapping),
                Err(InventoryError::NoServers { .. })
            ),
            "{other}"
        );
    }
}

#[test]
fn headers_of_any_kind_survive_the_way_through_yaml() {
    let headers = [
        "yes",
        "- a: b",
        "# x",
        "'q'",
        "\"d\"",
        "été: oui",
        "null",
        "1.0",
        "*x",
        "{a}",
        "Serveur",
    ];
    let text = format!(
        "{}\n{}\n",
        headers
            .map(|header| format!("\"{}\"", header.replace('"', "\"\"")))
            .join(";"),
        "EX01;".repeat(headers.len())
    );
    let reading = read("a.csv", &text, "");
    let saved = Mappings::write(&tables(&reading));
    let again = read("a.csv", &text, &saved);
    assert_eq!(
        tables(&again)[0].mapped_by.as_deref(),
        Some("m.yaml:4"),
        "{saved}"
    );
}

#[test]
fn a_word_about_a_file_gives_its_tenant_and_where_it_was_scanned_from() {
    let scan = "<nmaprun start=\"1615200000\"><host><address addr=\"203.0.113.5\"/><ports><port protocol=\"tcp\" portid=\"443\"><state state=\"open\"/></port></ports></host></nmaprun>";
    let mapping = "sources:\n- file: scan-*.xml\n  tenant: Clinique\n  scanned_from: outside\n";
    let reading = read("case/scan-1.xml", scan, mapping).unwrap();
    assert!(
        reading
            .observations
            .iter()
            .any(|by| by.fact == Fact::Published(true))
    );
    assert!(
        reading
            .observations
            .iter()
            .all(|by| by.subject.tenant.as_deref() == Some("Clinique"))
    );
    let other = read("case/other.xml", scan, mapping).unwrap();
    assert!(
        other
            .observations
            .iter()
            .all(|by| by.fact == Fact::Machine && by.subject.tenant.is_none())
    );
    // What names its tenant keeps it.
    let table = read("scan-2.xml", "tenant;server\nA;EX01\n;EX02\n", mapping).unwrap();
    let tenants: Vec<_> = table
        .observations
        .iter()
        .map(|by| by.subject.tenant.as_deref())
        .collect();
    assert_eq!(tenants, [Some("A"), Some("Clinique")]);
    let inside = Options {
        vantage: Some(Vantage::Inside),
        ..options(mapping)
    };
    let reading = inventory::read("scan-1.xml", scan.as_bytes(), &inside).unwrap();
    assert!(reading.observations.iter().all(|by| by.fact == Fact::Machine));
    assert!(
        reading.notes[0].fr.contains("vu de l’intérieur"),
        "{:?}",
        reading.notes
    );
}

#[test]
fn the_examples_of_the_documentation_hold() {
    let mapping = include_str!("../../../docs/inventory.mapping.example.yaml");
    let mappings = Mappings::read("m.yaml", mapping).unwrap();
    assert_eq!((mappings.tables.len(), mappings.sources.len()), (1, 2));
    let word = mappings.source("case/scans/outside-1.xml").unwrap();
    assert_eq!(word.scanned_from, Some(Vantage::Outside));
    let decisions = include_str!("../../../docs/inventory.decisions.example.yaml");
    vigie_exposure::Decisions::read("d.yaml", decisions).unwrap();
}

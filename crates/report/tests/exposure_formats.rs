//! An assessment for others' tools: VEX that passes every test of CSAF, CSV that no spreadsheet runs.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use vigie_advisory::csaf;
use vigie_event::parse_utc;
use vigie_exposure::result::Assessment;
use vigie_exposure::{
    BuildSource, Estate, Fact, Observation, Options, Origin, Server, Status, Subject, Topology, assess,
};
use vigie_pack::Pack;
use vigie_report::{Lang, Provider, exposure_csv, exposure_vex};

const AS_OF: &str = "2026-11-24";

fn server(tenant: Option<&str>, name: &str, facts: Vec<Fact>) -> Server {
    let observations = facts.into_iter().map(|fact| Observation {
        subject: Arc::new(Subject::default()),
        fact,
        at: parse_utc("2026-11-01"),
        origin: Origin {
            reader: "csv",
            file: "f.csv".into(),
            place: None,
        },
    });
    Server {
        tenant: tenant.map(str::to_owned),
        name: name.to_owned(),
        observations: observations.collect(),
        ..Server::default()
    }
}

fn build(text: &str) -> Fact {
    Fact::Build {
        version: text.parse().unwrap(),
        source: BuildSource::ExSetup,
    }
}

/// Servers of a pack's product that stand in every way a server can: each published build, none, two at once,
/// mitigated.
fn estate(pack: &Pack, tenants: &[Option<&str>]) -> Estate {
    let mut servers = Vec::new();
    let builds = &pack.product.builds;
    for (index, known) in builds.iter().enumerate().step_by(1 + builds.len() / 40) {
        let text = known.build.to_string();
        let tenant = tenants[index % tenants.len()];
        let mut facts = vec![build(&text), Fact::Published(index % 2 == 0)];
        if index % 3 == 0 {
            let cves: Vec<String> = pack.cves.iter().map(|cve| cve.id.clone()).collect();
            let (id, active) = ("EOMT".to_owned(), true);
            facts.push(Fact::Mitigation { id, cves, active });
        }
        facts.push(Fact::Topology(Topology::Hybrid));
        servers.push(server(tenant, &format!("SRV{index:03}"), facts));
    }
    for tenant in tenants {
        servers.push(server(*tenant, "NOBODY", vec![Fact::Listed]));
        let torn = vec![build("15.1.2176.2"), build("15.1.2176.9")];
        servers.push(server(*tenant, "TORN", torn));
    }
    Estate {
        servers,
        ..Estate::default()
    }
}

fn assessed(pack: &Pack, estate: &Estate) -> Assessment {
    assess(estate, pack, parse_utc(AS_OF).unwrap(), &Options::default())
}

fn provider() -> Provider {
    Provider {
        name: "Prestataire & Fils".into(),
        namespace: "https://prestataire.example".into(),
    }
}

#[test]
fn every_vex_document_of_every_pack_and_tenant_passes_every_test_and_says_what_the_assessment_says() {
    let tenants = [
        Some("Café Noël"),
        Some("Hôtel \"Été\" <b>"),
        Some("株式会社"),
        None,
    ];
    let (mut seen, mut identifiers) = (BTreeSet::new(), BTreeSet::new());
    for name in vigie_pack::embedded_names() {
        let pack = Pack::load_embedded(&name).unwrap();
        let result = assessed(&pack, &estate(&pack, &tenants));
        for tenant in tenants {
            for lang in [Lang::En, Lang::Fr] {
                let at = format!("{name} {tenant:?} {}", lang.code());
                let text = exposure_vex(&result, &pack, tenant, &provider(), lang)
                    .unwrap()
                    .unwrap();
                let report = csaf::check(text.as_bytes()).unwrap();
                let wrong: Vec<String> = report
                    .findings
                    .iter()
                    .filter(|finding| finding.severity == csaf::Severity::Error)
                    .map(ToString::to_string)
                    .collect();
                assert_eq!(wrong, Vec::<String>::new(), "{at}");
                let document: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(document["document"]["category"], "csaf_vex", "{at}");
                assert_eq!(document["document"]["lang"], lang.code(), "{at}");
                let id = document["document"]["tracking"]["id"]
                    .as_str()
                    .unwrap()
                    .to_owned();
                assert_eq!(identifiers.insert(id.clone()), lang == Lang::En, "{at}: {id}");
                statements(&document, &result, tenant, lang, &at);
                for other in tenants
                    .into_iter()
                    .flatten()
                    .filter(|other| Some(*other) != tenant)
                {
                    assert!(!text.contains(other), "{at} names {other}");
                }
                seen.extend(
                    result
                        .servers
                        .iter()
                        .flat_map(|server| &server.cves)
                        .map(|cve| cve.status),
                );
            }
        }
    }
    assert_eq!(seen.len(), Status::ALL.len(), "{seen:?}");
}

/// Every server of the tenant stands in the document as it does in the assessment, with the reason in its language.
fn statements(document: &Value, result: &Assessment, tenant: Option<&str>, lang: Lang, at: &str) {
    let servers: Vec<_> = result
        .servers
        .iter()
        .filter(|server| server.tenant.as_deref() == tenant)
        .collect();
    let products = document["product_tree"]["full_product_names"].as_array().unwrap();
    assert_eq!(products.len(), servers.len(), "{at}");
    for (index, server) in servers.iter().enumerate() {
        let id = products[index]["product_id"].as_str().unwrap();
        assert!(
            products[index]["name"].as_str().unwrap().contains(&server.server),
            "{at}"
        );
        for (vulnerability, cve) in document["vulnerabilities"]
            .as_array()
            .unwrap()
            .iter()
            .zip(&server.cves)
        {
            assert_eq!(vulnerability["cve"], *cve.cve, "{at}");
            let expected = match cve.status {
                Status::Unknown => "under_investigation",
                Status::Vulnerable | Status::Mitigated => "known_affected",
                Status::NotAffected => "known_not_affected",
                Status::Fixed => "fixed",
            };
            for (status, ids) in vulnerability["product_status"].as_object().unwrap() {
                let is_in = ids.as_array().unwrap().iter().any(|known| known == id);
                assert_eq!(
                    is_in,
                    status == expected,
                    "{at}: {} {} {status}",
                    server.server,
                    cve.cve
                );
            }
            let told = vulnerability.to_string();
            let reason = serde_json::to_string(&lang.typeset(cve.reason.get(lang.code()))).unwrap();
            let is_told = told.contains(reason.trim_matches('"'));
            let needs = matches!(
                cve.status,
                Status::Vulnerable | Status::Mitigated | Status::NotAffected
            );
            assert!(is_told || !needs, "{at}: {} {}: {reason}", server.server, cve.cve);
        }
    }
}

fn csv_of(result: &Assessment, lang: Lang) -> String {
    let mut out = Vec::new();
    exposure_csv(result, lang, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn no_cell_is_taken_for_a_formula_whatever_a_server_is_called() {
    let starts = [
        "=", "+", "-", "@", "\t", "\r", "\n=", "\u{ff1d}", "\u{ff0b}", "\u{ff0d}", "\u{ff20}",
    ];
    let leads = [
        "", " ", "  ", "\u{a0}", "\"", " \" ", "\n", "x;", "x; ", "x;\"", "\t", "\r",
    ];
    let mut servers = Vec::new();
    for (number, start) in starts.iter().enumerate() {
        for lead in leads {
            let evil = format!("{lead}{start}HYPERLINK(1)");
            let mut one = server(Some(&evil), &evil, vec![build("15.1.2176.2")]);
            one.fqdn = Some(evil.clone());
            let named = Fact::Mitigation {
                id: evil.clone(),
                cves: vec!["CVE-2021-26855".into()],
                active: true,
            };
            if number % 2 == 0 {
                one.observations.push(Observation {
                    fact: named,
                    ..one.observations[0].clone()
                });
            }
            servers.push(one);
        }
    }
    let count = servers.len();
    let pack = Pack::load_embedded("hafnium-2021").unwrap();
    let estate = Estate {
        servers,
        ..Estate::default()
    };
    let result = assessed(&pack, &estate);
    let runs = |text: &str| {
        let bare = text.trim_start_matches([' ', '"', '\u{a0}', '\n']);
        bare.starts_with([
            '=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
        ])
    };
    for (lang, delimiter) in [(Lang::En, b','), (Lang::Fr, b';')] {
        let text = csv_of(&result, lang);
        assert!(text.starts_with('\u{feff}'), "{}", lang.code());
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
        assert_eq!(rows.len(), count);
        for row in &rows {
            for cell in row {
                // A spreadsheet in French splits at semicolons, and one in English may be given the other's file.
                for part in cell.split(';') {
                    assert!(!runs(part), "{}: {cell:?}", lang.code());
                }
                assert!(!cell.contains(['\t', '\r']), "{cell:?}");
            }
        }
        for line in text.trim_start_matches('\u{feff}').split("\r\n") {
            assert!(!runs(line.split(char::from(delimiter)).next().unwrap()), "{line}");
        }
    }
}

#[test]
fn a_spreadsheet_gets_its_own_language() {
    let pack = Pack::load_embedded("hafnium-2021").unwrap();
    let result = assessed(&pack, &estate(&pack, &[Some("Café")]));
    let (en, fr) = (csv_of(&result, Lang::En), csv_of(&result, Lang::Fr));
    assert!(
        en.starts_with("\u{feff}rank,tenant,server,fqdn,product,build,"),
        "{en}"
    );
    assert!(
        fr.starts_with("\u{feff}rang;client;serveur;fqdn;produit;build;"),
        "{fr}"
    );
    for (word, mot) in [
        ("vulnerable", "vulnérable"),
        ("not affected", "non concerné"),
        ("mitigated", "atténué"),
        ("immediate", "immédiat"),
        ("publication unknown", "publication inconnue"),
        ("is exploited", "est exploitée"),
        (
            "Back up and preserve evidence",
            "Sauvegarder et préserver les preuves",
        ),
    ] {
        assert!(en.contains(word) && !en.contains(mot), "{word}");
        assert!(fr.contains(mot) && !fr.contains(word), "{mot}");
    }
    // High punctuation keeps its space on its line.
    assert!(!fr.contains(" :") && !fr.contains(" ;"), "a breaking space");
}

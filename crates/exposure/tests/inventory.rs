//! Inventories as offices write them, and which server they are about.

#![allow(clippy::unwrap_used)]

#[path = "support/utf16.rs"]
mod utf16;

use std::fmt::Write;

use encoding_rs::WINDOWS_1252;
use vigie_event::{format_utc, parse_utc};
use vigie_exposure::inventory::{self, Column, InventoryError, Options, Reading};
use vigie_exposure::{Estate, Fact, Observation, Status, assess, merge};
use vigie_pack::{Pack, Product};

use utf16::utf16;

fn options() -> Options {
    Options {
        products: Product::embedded().unwrap(),
        ..Options::default()
    }
}

fn read(text: &str) -> Reading {
    inventory::read("inventory.csv", text.as_bytes(), &options()).unwrap()
}

/// Observations without where in the file they stand.
fn told(reading: &Reading) -> Vec<String> {
    let each = reading.observations.iter().map(|by| {
        let at = by.at.map(format_utc).unwrap_or_default();
        format!("{:?} {:?} {at}", by.subject, by.fact)
    });
    each.collect()
}

const FRENCH: &str = "Société;Nom du serveur;FQDN;Produit;N° de build;Source;Publié;Topologie;Date du relevé\r\n\
    Hôtel Été;EX01;ex01.hotel.example;Exchange 2016;15.1.2176.2;exsetup;oui;hybride;03/03/2021 08:30\r\n\
    Café Noël;EX02;;Exchange 2019 CU8;;;non;sur site;02/03/2021\r\n";

#[test]
fn every_encoding_and_every_delimiter_says_the_same() {
    let expected = told(&read(FRENCH));
    assert_eq!(expected.len(), 8, "{expected:#?}");
    for delimiter in [";", "\t", "|", ","] {
        let text = FRENCH.replace(';', delimiter);
        let told_by_sep = format!("sep={delimiter}\r\n{text}");
        for text in [text, told_by_sep] {
            let encoded = [
                text.clone().into_bytes(),
                [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat(),
                WINDOWS_1252.encode(&text).0.into_owned(),
                utf16(&text, true, true),
                utf16(&text, false, true),
                utf16(&text, true, false),
                utf16(&text, false, false),
            ];
            for (number, bytes) in encoded.iter().enumerate() {
                let reading = inventory::read("inventory.csv", bytes, &options()).unwrap();
                assert_eq!(told(&reading), expected, "{delimiter:?} encoding {number}");
                assert!(reading.problems.is_empty(), "{:?}", reading.problems);
            }
        }
    }
}

#[test]
fn nothing_is_lost() {
    let reading = read(
        "Inventory of March;;;\n;;;\nserver;build;build_source;published\n\
         EX01;15.1.2176.2;exsetup;peut-être\nEX02;n'importe quoi;exsetup;oui\n;15.1.2176.2;exsetup;oui\n\n;;;\n\
         EX03;15.1.2176.2;crystal ball;non;and more\n",
    );
    assert_eq!((reading.rows, reading.empty_rows), (4, 1));
    let problems: Vec<String> = reading.problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(problems.join("\n"));
    let facts: Vec<&Fact> = reading.observations.iter().map(|by| &by.fact).collect();
    assert_eq!(facts.len(), 4, "{facts:?}");
}

#[test]
fn a_source_that_is_not_told_is_the_one_that_says_least() {
    let reading = read("server,version\nEX01,15.1.2176.9\n");
    let text = told(&reading).join("\n");
    assert!(text.contains("AdminDisplayVersion"), "{text}");
    assert_eq!(reading.notes.len(), 1);
}

#[test]
fn dates_that_can_be_read_both_ways_are_said() {
    let day = |text: &str| {
        let reading = read(text);
        assert_eq!(reading.notes.len(), 1, "{:?}", reading.notes);
        format_utc(reading.observations[0].at.unwrap())
    };
    assert_eq!(
        day("serveur;publie;vu le\nEX01;oui;03/04/2021\n"),
        "2021-04-03T00:00:00Z"
    );
    assert_eq!(
        day("server,published,last seen\nEX01,yes,03/04/2021\n"),
        "2021-03-04T00:00:00Z"
    );
}

#[test]
fn a_server_of_which_nothing_is_said_is_there_all_the_same() {
    let estate = estate(&["server;tenant\nEX77;X\n"]);
    assert_eq!(estate.servers.len(), 1);
    let pack = Pack::load_embedded("hafnium-2021").unwrap();
    let as_of = parse_utc("2021-03-08").unwrap();
    let result = assess(&estate, &pack, as_of, &vigie_exposure::Options::default());
    assert_eq!(
        (result.servers[0].status, result.servers[0].build.value.clone()),
        (Status::Unknown, None)
    );
}

#[test]
fn headers_of_ones_own_are_mapped() {
    let text = "Kiste;Stand;Netz\nEX01;15.1.2176.9;ja\n";
    let error = inventory::read("x.csv", text.as_bytes(), &options()).unwrap_err();
    assert!(
        matches!(&error, InventoryError::NoServers { found, .. } if found.contains("Kiste")),
        "{error}"
    );
    let options = Options {
        mapping: vec![("kiste".into(), Column::Server), ("Stand".into(), Column::Build)],
        ..options()
    };
    let reading = inventory::read("x.csv", text.as_bytes(), &options).unwrap();
    assert_eq!(reading.observations.len(), 1);
    let columns = &reading.tables[0].columns;
    assert_eq!(
        (columns[2].meaning, columns[2].samples.as_slice()),
        (None, ["ja".to_owned()].as_slice())
    );
}

/// What says something of Exchange itself is an office's own, whatever its other headers.
#[test]
fn an_office_may_write_like_an_export() {
    for (kind, text) in [
        (
            "csv",
            "Machine;Dernier inventaire;Adresse IP;Build\nEX01;2021-03-02;192.168.1.5;15.1.2176.2\n",
        ),
        ("csv", "Nom;Statut;Fabricant;Modèle;Publié\nEX01;x;y;z;oui\n"),
        (
            "csv",
            "Device name,Risk level,Exposure level,Build\nEX01,x,y,15.1.2176.2\n",
        ),
        (
            "ocs",
            "Machine;Dernier inventaire;Adresse IP;RAM (Mo)\nEX01;2021-03-02;192.168.1.5;4096\n",
        ),
        ("glpi", "Nom;Statut;Fabricant;Modèle\nEX01;x;y;z\n"),
        (
            "defender_devices",
            "Device name,Risk level,Exposure level\nEX01,x,y\n",
        ),
    ] {
        let reading = read(text);
        assert_eq!(reading.tables[0].kind.id(), kind, "{text}");
        let bare = reading.observations.iter().all(|by| by.fact == Fact::Machine);
        assert_eq!(bare, kind != "csv", "{text}");
    }
    let read = |name: &str, text: &str| inventory::read(name, text.as_bytes(), &options()).unwrap();
    let own = read("clients-other.csv", "server;build\nEX01;15.1.2176.2\n");
    assert_eq!(own.format.id(), "csv");
    let script = read("EX01-other.csv", "\"Type\",\"Path\",\"Name\",\"LastWrite\"\n");
    assert_eq!(script.format.id(), "test_proxylogon");
}

#[test]
fn what_is_no_table_is_an_error() {
    let read = |bytes: &[u8]| inventory::read("x", bytes, &options()).unwrap_err();
    assert_eq!(read(b""), InventoryError::Empty);
    assert_eq!(read(b" \n \n"), InventoryError::Empty);
    assert_eq!(read(b"MZ\x90\x00\x00\x00\x01\x02"), InventoryError::NotText);
    assert!(matches!(read(b"{\"a\": 1}"), InventoryError::Unknown(_)));
    assert!(matches!(read(b"<a/>"), InventoryError::Unknown(_)));
    assert!(matches!(read(b"a;b\n1;2\n"), InventoryError::NoServers { .. }));
}

fn estate(texts: &[&str]) -> Estate {
    let all: Vec<Observation> = texts.iter().flat_map(|text| read(text).observations).collect();
    merge(all)
}

#[test]
fn one_server_has_many_names_and_two_tenants_have_two_servers() {
    let estate = estate(&[
        "tenant;server;fqdn;address;published\nAlpha;EX01;;192.0.2.1;oui\nBeta;EX01;;;non\n",
        "tenant;server;fqdn;build;build_source\nalpha;;ex01.alpha.example;15.1.2176.2;x_owa_version\n\
         Alpha;EX01.alpha.example;;15.1.2176.9;exsetup\n",
        "server;address;build;build_source\n;192.0.2.1;15.1.2176.9;exporttool\nEX01;;15.1.2176.9;log\n",
    ]);
    let mut text = String::new();
    for server in &estate.servers {
        let facts = server.observations.len();
        writeln!(
            text,
            "{:?} {} {:?} {facts}",
            server.tenant, server.name, server.fqdn
        )
        .unwrap();
    }
    for merge in &estate.merges {
        writeln!(
            text,
            "{} = {} by {} ({})",
            merge.joined, merge.server, merge.rule, merge.by
        )
        .unwrap();
    }
    for warning in &estate.warnings {
        writeln!(text, "{}", warning.en).unwrap();
    }
    insta::assert_snapshot!(text);
}

/// From a file to a status, with what contradicts itself, what cannot be told and what changed.
#[test]
fn from_an_inventory_to_an_answer() {
    let estate = estate(&[
        "tenant;server;fqdn;product;build;build_source;published;topology;observed_at;mitigation\n\
        A;TORN;;;15.1.2176.2;exsetup;oui;;2021-03-04;\n\
        A;TORN;;;15.1.2176.9;exsetup;oui;;2021-03-04;\n\
        A;SHORT;;;15.1.2106;path;oui;;2021-03-04;\n\
        A;PATCHED;;;15.1.2176.2;exsetup;oui;;2021-03-01;\n\
        A;PATCHED;;;15.1.2176.9;exsetup;oui;;2021-03-05;\n\
        A;LAGGING;;;15.1.2176.9;exsetup;oui;;2021-03-05;\n\
        A;LAGGING;;;15.1.2176.2;exporttool;oui;;2021-03-06;\n\
        A;MITIGATED;;;15.1.2106.2;exsetup;oui;;2021-03-03;EOMT\n\
        A;REOPENED;;;15.1.2106.2;exsetup;oui;;2021-03-03;EOMT\n\
        A;REOPENED;;;15.1.2176.2;exsetup;oui;;2021-03-05;\n\
        A;OLD;;;14.3.509.0;exsetup;non;;2021-03-03;\n\
        A;NEW;;;15.2.2562.17;exsetup;oui;;2021-03-03;\n\
        A;TODAY;;;15.1.2176.2;exsetup;oui;;2021-03-08;\n\
        A;INSIDE;;;15.1.2176.2;exsetup;non;;2021-03-03;\n",
    ]);
    let pack = Pack::load_embedded("hafnium-2021").unwrap();
    let as_of = parse_utc("2021-03-08").unwrap();
    let mut result = assess(&estate, &pack, as_of, &vigie_exposure::Options::default());
    result.servers.sort_by(|one, two| one.server.cmp(&two.server));
    let mut text = String::new();
    for server in &result.servers {
        let cve = &server.cves[0];
        let day = |time: i64| format_utc(time).split('T').next().unwrap_or_default().to_owned();
        let window = server.window.map(|window| {
            let to = window.to.map_or("open".to_owned(), day);
            format!("{} to {to}", day(window.from))
        });
        writeln!(
            text,
            "{:<10} {:<12} {} since {} | window {} | {} conflicts | {} | {}",
            server.server,
            cve.status.id(),
            server.build.value.as_deref().unwrap_or("?"),
            cve.since.map(day).unwrap_or_default(),
            window.as_deref().unwrap_or("none"),
            server.build.conflicts.len(),
            server.ssvc.decision,
            cve.reason.en,
        )
        .unwrap();
    }
    insta::assert_snapshot!(text);
    let of = |name: &str| {
        result
            .servers
            .iter()
            .find(|server| server.server == name)
            .unwrap()
    };
    assert_eq!(of("TORN").cves[0].status, Status::Unknown);
    assert_eq!(of("TORN").build.conflicts.len(), 2);
}

/// Whoever asks for French gets no English word.
#[test]
fn problems_are_french_in_french() {
    let reading = read(
        "serveur;publie;topologie;impact;build;source;vu le;ip;net framework\n\
         EX01;peut-être;lune;énorme;x;boule;demain;nulle part;neuf\n;oui\nEX02;oui;;;;;;;;trop\n",
    );
    let french: Vec<String> = reading
        .problems
        .iter()
        .map(|problem| format!("{} : {}", problem.place.fr, problem.why.fr))
        .collect();
    insta::assert_snapshot!(french.join("\n"));
}

//! VEX documents are valid whatever they say, or are refused with a reason.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use vigie_advisory::csaf::{self, Severity};
use vigie_advisory::vex::{
    Justification, Product, Publisher, Revision, Statement, Tlp, Vex, VexError, Vulnerability, write,
};

fn product(index: usize, name: &str) -> Product {
    Product {
        id: format!("P{index}"),
        name: format!("Exchange Server 2016 CU19 on {name}"),
        cpe: Some("cpe:2.3:a:microsoft:exchange_server:2016:cumulative_update_19:*:*:*:*:*:*".to_owned()),
        serial_numbers: Vec::new(),
    }
}

fn of(statements: Vec<Vec<Statement>>, word: &str) -> Vex {
    let most = statements.iter().map(Vec::len).max().unwrap_or(0);
    Vex {
        title: format!("Exposure of {word}"),
        lang: "fr".to_owned(),
        tlp: Tlp::Amber,
        publisher: Publisher {
            name: "Example MSP".to_owned(),
            namespace: "https://msp.example/".to_owned(),
            contact: Some("soc@msp.example".to_owned()),
        },
        id: format!("MSP-VEX-{word}-1"),
        revisions: vec![
            Revision {
                date: "2021-03-05T08:00:00Z".to_owned(),
                summary: "First version".to_owned(),
            },
            Revision {
                date: "2021-03-06T08:00:00+01:00".to_owned(),
                summary: "Two servers updated".to_owned(),
            },
        ],
        products: (0..most).map(|index| product(index, word)).collect(),
        vulnerabilities: statements
            .into_iter()
            .enumerate()
            .map(|(index, statements)| Vulnerability {
                cve: format!("CVE-2021-{}", 26855 + index),
                title: Some("ProxyLogon".to_owned()),
                description: "Requests forged through the web front end.".to_owned(),
                cvss: Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N".to_owned()),
                statements: statements
                    .into_iter()
                    .enumerate()
                    .map(|(at, one)| (format!("P{at}"), one))
                    .collect(),
            })
            .collect(),
    }
}

fn all() -> Vec<Statement> {
    vec![
        Statement::Vulnerable {
            action: "Install KB5000871".to_owned(),
        },
        Statement::Mitigated {
            details: "Rewrite rule of EOMT".to_owned(),
            workaround: false,
        },
        Statement::Mitigated {
            details: "ECP closed".to_owned(),
            workaround: true,
        },
        Statement::NotAffected {
            impact: "Exchange 2010 has another front end".to_owned(),
            justification: Some(Justification::VulnerableCodeNotPresent),
        },
        Statement::NotAffected {
            impact: "Came out later".to_owned(),
            justification: None,
        },
        Statement::Fixed,
        Statement::Unknown,
    ]
}

#[test]
fn every_status_has_its_place() {
    let text = write(&of(vec![all()], "contoso")).unwrap();
    let report = csaf::check(text.as_bytes()).unwrap();
    let said: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    assert!(report.is_valid(), "{said:?}");
    // Nothing to do yet for what is under investigation; everything else is as the optional tests want it.
    assert!(
        report
            .findings
            .iter()
            .all(|f| f.severity == Severity::Note || f.test == "6.2.2"),
        "{said:?}"
    );
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let one = &json["vulnerabilities"][0];
    assert_eq!(
        one["product_status"]["known_affected"],
        serde_json::json!(["P0", "P1", "P2"])
    );
    assert_eq!(
        one["product_status"]["known_not_affected"],
        serde_json::json!(["P3", "P4"])
    );
    assert_eq!(one["product_status"]["fixed"], serde_json::json!(["P5"]));
    assert_eq!(
        one["product_status"]["under_investigation"],
        serde_json::json!(["P6"])
    );
    assert_eq!(one["flags"][0]["label"], "vulnerable_code_not_present");
    assert_eq!(one["scores"][0]["cvss_v3"]["baseScore"], 9.1);
    assert_eq!(json["document"]["tracking"]["version"], "2");
}

#[test]
fn what_cannot_be_said_is_refused() {
    let mut empty = of(vec![all()], "contoso");
    empty.publisher.name = " ".to_owned();
    assert_eq!(
        write(&empty).unwrap_err(),
        VexError::Empty("the publisher's name".to_owned())
    );
    let mut stranger = of(vec![all()], "contoso");
    stranger.products.pop();
    assert!(matches!(write(&stranger).unwrap_err(), VexError::Product { .. }));
    let mut backwards = of(vec![all()], "contoso");
    backwards.revisions.reverse();
    assert!(write(&backwards).unwrap_err().to_string().contains("6.1.14"));
    assert!(write(&of(Vec::new(), "contoso")).is_err());
    let mut twice = of(vec![all()], "contoso");
    twice.vulnerabilities[0]
        .statements
        .push(("P0".to_owned(), Statement::Fixed));
    assert!(write(&twice).unwrap_err().to_string().contains("6.1.6"));
}

fn statement() -> impl Strategy<Value = Statement> {
    let text = "[^\\p{C}\\s]{1,3}[^\\p{C}]{0,30}";
    prop_oneof![
        text.prop_map(|action| Statement::Vulnerable { action }),
        (text, any::<bool>()).prop_map(|(details, workaround)| Statement::Mitigated { details, workaround }),
        (text, 0..6_u8).prop_map(|(impact, why)| Statement::NotAffected {
            impact,
            justification: match why {
                0 => Some(Justification::ComponentNotPresent),
                1 => Some(Justification::VulnerableCodeNotPresent),
                2 => Some(Justification::VulnerableCodeNotInExecutePath),
                3 => Some(Justification::VulnerableCodeCannotBeControlledByAdversary),
                4 => Some(Justification::InlineMitigationsAlreadyExist),
                _ => None,
            },
        }),
        Just(Statement::Fixed),
        Just(Statement::Unknown),
    ]
}

proptest! {
    #[test]
    fn whatever_is_said_is_valid(
        statements in proptest::collection::vec(proptest::collection::vec(statement(), 1..8), 1..5),
        word in "[a-zA-Z0-9é ]{1,12}",
    ) {
        let text = write(&of(statements, word.trim())).unwrap();
        prop_assert!(csaf::check(text.as_bytes()).unwrap().is_valid());
    }

    #[test]
    fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = csaf::check(&bytes);
        let _ = vigie_advisory::kev::Kev::parse(&bytes);
        let _ = vigie_advisory::epss::Epss::parse(&bytes);
        let _ = vigie_advisory::cve::CveRecord::parse(&bytes);
    }
}

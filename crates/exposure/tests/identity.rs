//! One server, however many sources name it: rules, what they must not do, and how people undo them.

#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::net::IpAddr;
use std::sync::Arc;

use proptest::prelude::*;
use vigie_exposure::inventory::{self, Options};
use vigie_exposure::{
    Decisions, Estate, Fact, Observation, Origin, ProductLine, Server, Subject, merge, merge_with,
};

fn read(file: &str, text: &str) -> Vec<Observation> {
    inventory::read(file, text.as_bytes(), &Options::default())
        .unwrap()
        .observations
}

/// A scan's host.
fn scanned(tenant: Option<&str>, name: &str, fqdn: &str, address: &str) -> Observation {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Observation {
        subject: Arc::new(Subject {
            tenant: tenant.map(str::to_owned),
            name: some(name),
            fqdn: some(fqdn),
            addresses: address.parse().into_iter().collect(),
            ..Subject::default()
        }),
        fact: Fact::Product(ProductLine {
            product: "exchange".to_owned(),
            line: None,
        }),
        at: None,
        origin: Origin {
            reader: "nmap",
            file: "scan.xml".into(),
            place: None,
        },
    }
}

/// Servers with how much was observed of each, then merges and warnings.
fn told(estate: &Estate) -> String {
    let mut text = String::new();
    let lists = [
        ("", &estate.servers),
        ("outside ", &estate.outside),
        ("other ", &estate.others),
    ];
    for (mark, servers) in lists {
        for server in servers {
            writeln!(
                text,
                "{mark}{}/{} {} x{}",
                server.tenant.as_deref().unwrap_or("-"),
                server.name,
                server.fqdn.as_deref().unwrap_or("-"),
                server.observations.len()
            )
            .unwrap();
        }
    }
    for merge in &estate.merges {
        let decision = merge.decision.as_ref().map(|origin| format!(" {origin}"));
        writeln!(
            text,
            "{} = {} {}{}",
            merge.server,
            merge.joined,
            merge.rule,
            decision.unwrap_or_default()
        )
        .unwrap();
    }
    for warning in &estate.warnings {
        writeln!(text, "! {}", warning.en).unwrap();
    }
    text
}

fn decisions(text: &str) -> Decisions {
    Decisions::read("decisions.yaml", text).unwrap()
}

const WHO: &str = "  who: N. Martin\n  when: 2021-03-04\n  why: asked the client\n";

#[test]
fn two_servers_behind_one_published_name_stay_two() {
    let mut all = read(
        "a.csv",
        "tenant;server;fqdn;address;build\nA;EX01;mail.a.example;203.0.113.5;15.1.2176.2\n\
         A;EX02;mail.a.example;203.0.113.5;15.1.2176.9\nA;EX01;ex01.a.local;;15.1.2176.2\nA;;mail.a.example;;15.1.2176\n",
    );
    all.push(scanned(None, "", "mail.a.example", "203.0.113.5"));
    all.push(scanned(None, "EX02", "", "203.0.113.5"));
    insta::assert_snapshot!(told(&merge(all)));
}

#[test]
fn one_short_name_in_two_domains_is_two_servers() {
    let all = read(
        "a.csv",
        "tenant;server;fqdn;published\nA;EX01;ex01.north.example;oui\nA;EX01;ex01.south.example;non\nA;EX01;;oui\nA;EX01;;non\n\
         A;;mail.brand-one.example;oui\nA;;mail.brand-two.example;oui\n",
    );
    insta::assert_snapshot!(told(&merge(all)));
}

#[test]
fn a_row_with_both_names_joins_what_was_known_by_one() {
    let all = read(
        "a.csv",
        "tenant;server;fqdn;address;published\nA;EX01;;;oui\nA;;mail.a.example;;oui\nA;EX01;mail.a.example;;non\nA;;;192.168.1.5;oui\nA;EX02;;192.168.1.5;oui\n",
    );
    insta::assert_snapshot!(told(&merge(all)));
}

#[test]
fn what_names_no_tenant_is_not_given_to_a_stranger() {
    let inventory = "tenant;server;fqdn;address;published\nA;EX01;;192.168.1.10;oui\nB;MAIL;mail.b.example;203.0.113.9;oui\n";
    let loose = || {
        vec![
            scanned(None, "EX01", "", "198.51.100.1"),
            scanned(None, "", "", "192.168.1.10"),
            scanned(None, "", "mail.b.example", "198.51.100.2"),
            scanned(None, "", "", "203.0.113.9"),
        ]
    };
    let of_two = merge([read("a.csv", inventory), loose()].concat());
    insta::assert_snapshot!(told(&of_two));
    // Where there is one tenant only, it is that tenant's.
    let one = inventory.replace("B;", "a;");
    let of_one = merge([loose(), read("a.csv", &one)].concat());
    assert_eq!(of_one.servers.len(), 2, "{}", told(&of_one));
    assert!(of_one.outside.is_empty(), "{}", told(&of_one));
}

#[test]
fn addresses_that_every_machine_has_join_nothing() {
    let all = read(
        "a.csv",
        "server;address;published\nEX01;127.0.0.1;oui\nEX02;127.0.0.1;oui\n;127.0.0.1;oui\n;127.0.0.1;non\n",
    );
    let estate = merge(all);
    assert_eq!(estate.servers.len(), 3, "{}", told(&estate));
    assert!(estate.merges.is_empty(), "{}", told(&estate));
}

#[test]
fn machines_of_lists_count_where_another_source_knows_them_as_servers() {
    let glpi = "\"Nom\";\"Entité\";\"Statut\";\"Fabricant\";\"Numéro de série\";\"Réseau - IP\"\n\
                \"EX01\";\"Entité racine > A\";\"x\";\"y\";\"z\";\"192.168.1.10\"\n\
                \"PC-7\";\"Entité racine > A\";\"x\";\"y\";\"z\";\"192.168.1.11\"\n\
                \"WEB\";\"Entité racine > A\";\"x\";\"y\";\"z\";\"203.0.113.80\"\n";
    let office = read("office.csv", "tenant;server;build\nA;EX01;15.1.2176.9\n");
    let mut port = scanned(None, "", "", "203.0.113.80");
    port.fact = Fact::Published(true);
    let mut unknown = scanned(None, "", "", "203.0.113.81");
    unknown.fact = Fact::Published(true);
    let all = [read("glpi.csv", glpi), office, vec![port, unknown]].concat();
    insta::assert_snapshot!(told(&merge(all)));
}

const SITES: [(&str, &str); 3] = [
    (
        "nord.csv",
        "tenant;server;build;build_source\nA;EX01;15.1.2176.2;exsetup\n",
    ),
    (
        "sud.csv",
        "tenant;server;build;build_source\nA;EX01;15.1.2176.9;exsetup\nA;EX01;15.1.2176.9;log\n",
    ),
    ("hunt.csv", "tenant;server;published\nA;EX01;oui\n"),
];

fn sites() -> Vec<Observation> {
    SITES.iter().flat_map(|(file, text)| read(file, text)).collect()
}

fn observed(estate: &Estate) -> usize {
    let lists = [&estate.servers, &estate.outside, &estate.others];
    lists
        .into_iter()
        .flatten()
        .map(|server: &Server| server.observations.len())
        .sum()
}

#[test]
fn a_decision_keeps_apart_what_a_rule_brought_together_and_loses_nothing() {
    let together = merge(sites());
    assert_eq!((together.servers.len(), observed(&together)), (1, 4));
    let apart = decisions(&format!(
        "- apart: [{{name: EX01, in: nord.csv}}, {{name: ex01, in: sud.csv}}]\n  tenant: a\n{WHO}"
    ));
    let estate = merge_with(sites(), &apart);
    assert_eq!(observed(&estate), 4);
    assert_eq!(estate.decisions[0].changed, 2);
    insta::assert_snapshot!(told(&estate));
}

#[test]
fn a_decision_joins_what_no_rule_would() {
    let all = || {
        [
            read("a.csv", "tenant;server;fqdn;build\nA;EX01;;15.1.2176.2\nA;;webmail.a.example;15.1.2176\nB;EX01;;15.1.2176.9\n"),
            vec![scanned(None, "", "owa.a.example", "203.0.113.5")],
        ]
        .concat()
    };
    let same = decisions(&format!(
        "- same: [EX01, webmail.a.example, owa.a.example]\n  tenant: A\n{WHO}"
    ));
    let estate = merge_with(all(), &same);
    assert_eq!(observed(&estate), observed(&merge(all())));
    assert_eq!(estate.decisions[0].changed, 2);
    insta::assert_snapshot!(told(&estate));
}

#[test]
fn decisions_reach_through_each_other() {
    let all = read(
        "a.csv",
        "tenant;server;published\nA;EX01;oui\nA;EX03;oui\nA;EX02;oui\n",
    );
    let same = decisions(&format!(
        "- same: [EX01, EX02]\n  tenant: A\n{WHO}- same: [EX02, EX03]\n  tenant: A\n{WHO}"
    ));
    let estate = merge_with(all, &same);
    assert_eq!(
        (estate.servers.len(), observed(&estate)),
        (1, 3),
        "{}",
        told(&estate)
    );
}

#[test]
fn decisions_that_fit_nothing_or_contradict_are_said() {
    let text = format!(
        "- apart: [EX01, EX07]\n  tenant: A\n{WHO}- apart: [EX01, ex01.a.example]\n  tenant: A\n{WHO}\
         - same: [EX01, EX02]\n  tenant: A\n{WHO}- apart: [ex01, ex02]\n  tenant: A\n{WHO}- same: [EX01, EX02]\n{WHO}"
    );
    let all = read(
        "a.csv",
        "tenant;server;fqdn;published\nA;EX01;ex01.a.example;oui\nA;EX02;;non\n",
    );
    let estate = merge_with(all, &decisions(&text));
    assert_eq!(observed(&estate), 2);
    insta::assert_snapshot!(told(&estate));
}

/// Every tenant has an EX01: which one is meant, its name in DNS says, and its short name alone never does.
#[test]
fn among_many_of_one_name_the_full_name_decides() {
    let rows: String = (0..200)
        .map(|number| format!("T{number};EX01;ex01.t{number}.example\n"))
        .collect();
    let all = || read("a.csv", &format!("tenant;server;fqdn\n{rows}"));
    let mut hunted = scanned(None, "EX01", "ex01.t150.example", "");
    hunted.origin.reader = "hunt";
    let mut bare = scanned(None, "EX01", "", "");
    bare.origin.reader = "hunt";
    let estate = merge([all(), vec![hunted, bare]].concat());
    let of = |tenant: Option<&str>| {
        estate
            .servers
            .iter()
            .find(|server| server.tenant.as_deref() == tenant)
            .unwrap()
    };
    assert_eq!(of(Some("T150")).observations.len(), 2);
    assert_eq!(of(None).observations.len(), 1);
    assert_eq!(estate.servers.len(), 201);
    assert!(
        estate.warnings[0].en.contains(" or …: it is kept"),
        "{}",
        estate.warnings[0].en
    );
}

/// The servers, without what depends on the order.
fn partition(estate: &Estate) -> Vec<String> {
    let lists = [&estate.servers, &estate.outside, &estate.others];
    let mut all: Vec<String> = lists
        .into_iter()
        .flatten()
        .map(|server| {
            let mut origins: Vec<String> = server
                .observations
                .iter()
                .map(|by| by.origin.to_string())
                .collect();
            origins.sort();
            origins.join(" ")
        })
        .collect();
    all.sort();
    all
}

#[test]
fn the_order_of_files_does_not_matter_to_scans() {
    let table = || {
        read(
            "a.csv",
            "server;fqdn;address;build\nEX01;mail.a.example;203.0.113.5;15.1.2176.2\nEX02;;203.0.113.6;15.1.2176.9\n",
        )
    };
    let scan = || {
        vec![
            scanned(None, "", "mail.a.example", "198.51.100.1"),
            scanned(None, "", "", "203.0.113.6"),
        ]
    };
    let one = merge([table(), scan()].concat());
    let other = merge([scan(), table()].concat());
    assert_eq!(partition(&one), partition(&other));
    assert_eq!((other.servers.len(), other.outside.len()), (2, 0));
}

fn any_subject() -> impl Strategy<Value = Observation> {
    let tenant = prop::option::of(prop::sample::select(vec!["A", "a", "B"]));
    let name = prop::option::of(prop::sample::select(vec!["EX01", "ex01", "EX02", "MAIL", ""]));
    let fqdn = prop::option::of(prop::sample::select(vec![
        "ex01.a.example",
        "ex01.b.example",
        "mail.a.example",
        "EX02.a.example.",
        "",
    ]));
    let address = prop::option::of(prop::sample::select(vec!["10.0.0.1", "203.0.113.5", "127.0.0.1"]));
    let reader = prop::sample::select(vec!["csv", "nmap", "hunt"]);
    let file = prop::sample::select(vec!["a.csv", "b.csv"]);
    let fact = prop::sample::select(vec![
        Fact::Listed,
        Fact::Machine,
        Fact::Published(true),
        Fact::Published(false),
    ]);
    (tenant, name, fqdn, address, reader, file, fact).prop_map(
        |(tenant, name, fqdn, address, reader, file, fact)| Observation {
            subject: Arc::new(Subject {
                tenant: tenant.map(str::to_owned),
                name: name.map(str::to_owned),
                fqdn: fqdn.map(str::to_owned),
                addresses: address
                    .and_then(|text| text.parse::<IpAddr>().ok())
                    .into_iter()
                    .collect(),
                ..Subject::default()
            }),
            fact,
            at: None,
            origin: Origin {
                reader,
                file: file.into(),
                place: None,
            },
        },
    )
}

fn any_decisions() -> impl Strategy<Value = Decisions> {
    let name = prop::sample::select(vec![
        "EX01",
        "EX02",
        "mail.a.example",
        "ex01.b.example",
        "203.0.113.5",
        "{name: EX01, in: a.csv}",
        "{name: EX01, in: b.csv}",
    ]);
    let entry = (
        prop::bool::ANY,
        prop::collection::vec(name, 2..4),
        prop::bool::ANY,
    );
    prop::collection::vec(entry, 0..4).prop_map(|entries| {
        let mut text = String::new();
        for (apart, mut names, tenant) in entries {
            names.sort_unstable();
            names.dedup();
            if names.len() < 2 {
                continue;
            }
            let kind = if apart { "apart" } else { "same" };
            let tenant = if tenant { "  tenant: A\n" } else { "" };
            text += &format!("- {kind}: [{}]\n{tenant}{WHO}", names.join(", "));
        }
        decisions(&text)
    })
}

proptest! {
    /// Whatever is said and decided, every observation ends up with one server, in the order in which it was read, and no
    /// server has two tenants.
    #[test]
    fn nothing_is_lost_and_tenants_are_not_mixed(
        all in prop::collection::vec(any_subject(), 0..40),
        decided in any_decisions(),
    ) {
        let mut numbered = all;
        for (index, observation) in numbered.iter_mut().enumerate() {
            observation.at = Some(index as i64);
        }
        let count = numbered.len();
        let estate = merge_with(numbered.clone(), &decided);
        prop_assert_eq!(observed(&estate), count);
        prop_assert_eq!(told(&estate), told(&merge_with(numbered, &decided)));
        for server in estate.servers.iter().chain(&estate.outside).chain(&estate.others) {
            let times: Vec<_> = server.observations.iter().map(|by| by.at).collect();
            let mut sorted = times.clone();
            sorted.sort();
            prop_assert_eq!(times, sorted);
            let mut tenants: Vec<String> = server
                .observations
                .iter()
                .filter_map(|by| by.subject.tenant.as_ref())
                .map(|tenant| tenant.to_lowercase())
                .collect();
            tenants.sort();
            tenants.dedup();
            prop_assert!(tenants.len() < 2, "{tenants:?}");
        }
    }

    /// What somebody keeps apart is never in one server, unless one row says both.
    #[test]
    fn what_is_kept_apart_stays_apart(all in prop::collection::vec(any_subject(), 0..30)) {
        let decided = decisions(&format!("- apart: [EX01, EX02]\n  tenant: A\n{WHO}"));
        let estate = merge_with(all, &decided);
        for server in estate.servers.iter().chain(&estate.outside).chain(&estate.others) {
            let has = |wanted: &str| {
                server.observations.iter().any(|by| {
                    let own = by.subject.tenant.as_ref().is_none_or(|tenant| tenant.to_lowercase() == "a");
                    own && by.subject.name.as_deref().is_some_and(|name| name.to_lowercase() == wanted)
                })
            };
            prop_assert!(!(has("ex01") && has("ex02")), "{}", told(&estate));
        }
    }
}

//! The rules of `packs/hafnium-2021`: they load, they find what they are for, and they leave healthy servers alone.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use vigie_detect::sigma::{Level, Rule, RuleSet, RuleSource, VigieMeta, batch_of};
use vigie_detect::yara::YaraSet;
use vigie_event::{BatchBuilder, EventBatch, EventType, FileId, MICROS_PER_SECOND, Source};
use vigie_pack::{Fixture, Pack};

type Fields = BTreeMap<String, String>;

/// A second, a log and the fields of one event.
type TimedEvent<'a> = (i64, Source, &'a [(&'a str, &'a str)]);

fn pack() -> Pack {
    Pack::load_dir(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs/hafnium-2021")).unwrap()
}

fn rules(pack: &Pack) -> RuleSet {
    let sources: Vec<RuleSource> = pack
        .rules
        .iter()
        .map(|rule| RuleSource {
            path: rule.path.clone(),
            text: rule.text.clone(),
            pack: Some(pack.name.clone()),
        })
        .collect();
    let loaded = RuleSet::compile(&sources);
    assert_eq!(loaded.refused, []);
    loaded.rules
}

fn meta(rule: &Rule) -> &VigieMeta {
    rule.vigie
        .as_ref()
        .unwrap_or_else(|| panic!("{}: no vigie mapping", rule.path))
}

/// 0 is informational, 4 critical.
fn severity(rule: &Rule) -> u8 {
    match rule.level {
        Level::Informational => 0,
        Level::Low => 1,
        Level::Medium => 2,
        Level::High => 3,
        Level::Critical => 4,
    }
}

fn by_id<'a>(rules: &'a RuleSet, fixture: &Fixture) -> (u32, &'a Rule) {
    rules
        .rules()
        .iter()
        .enumerate()
        .find(|(_, rule)| rule.id == fixture.rule)
        .map(|(index, rule)| (index as u32, rule))
        .unwrap_or_else(|| panic!("{}: no rule {}", fixture.path, fixture.rule))
}

fn matching(rules: &RuleSet, batch: &EventBatch) -> BTreeSet<u32> {
    let mut hits = Vec::new();
    rules.evaluate(batch, &mut hits);
    hits.iter().map(|hit| hit.rule).collect()
}

#[test]
fn all_rules_load_as_written() {
    let pack = pack();
    let rules = rules(&pack);
    assert!(rules.rules().len() >= 150, "{} rules", rules.rules().len());
    for rule in rules.rules() {
        assert_eq!(rule.notes, Vec::<String>::new(), "{}", rule.path);
        assert!(!rule.attack.is_empty(), "{}: no technique", rule.path);
        assert!(
            !rule.false_positives.is_empty(),
            "{}: no false positives",
            rule.path
        );
    }
}

#[test]
fn every_rule_is_proven_by_fixtures() {
    let pack = pack();
    let rules = rules(&pack);
    let mut problems = Vec::new();
    let mut proven = BTreeSet::new();
    for fixture in &pack.fixtures {
        let (index, rule) = by_id(&rules, fixture);
        assert!(
            !fixture.match_.is_empty() && !fixture.no_match.is_empty(),
            "{}",
            rule.path
        );
        proven.insert(index);
        for (events, wanted) in [(&fixture.match_, true), (&fixture.no_match, false)] {
            for (position, event) in events.iter().enumerate() {
                if matching(&rules, &batch_of(rule, event)).contains(&index) != wanted {
                    problems.push(format!(
                        "{} event {position}: wanted {wanted}: {event:?}",
                        rule.path
                    ));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
    for (index, rule) in rules.rules().iter().enumerate() {
        assert!(
            rule.correlation || proven.contains(&(index as u32)),
            "{}: no fixture",
            rule.path
        );
    }
}

#[test]
fn severity_outcome_and_confidence_agree() {
    for rule in rules(&pack()).rules() {
        let meta = meta(rule);
        let path = &rule.path;
        match meta.outcome.as_str() {
            "scan" => assert!(severity(rule) <= 1 && meta.confidence == "weak", "{path}"),
            "attempt" => assert!(severity(rule) < 4 && meta.confidence != "conclusive", "{path}"),
            _ => {}
        }
        match meta.confidence.as_str() {
            "conclusive" => assert_eq!(severity(rule), 4, "{path}"),
            "weak" => assert!(severity(rule) <= 2, "{path}"),
            _ => assert!(severity(rule) >= 2, "{path}"),
        }
    }
}

/// Refused requests must not be told as an intrusion by some other rule.
#[test]
fn scans_and_attempts_never_look_like_success() {
    let pack = pack();
    let rules = rules(&pack);
    let mut problems = Vec::new();
    for fixture in &pack.fixtures {
        let (_, rule) = by_id(&rules, fixture);
        if !matches!(meta(rule).outcome.as_str(), "scan" | "attempt") {
            continue;
        }
        for event in &fixture.match_ {
            for other in matching(&rules, &batch_of(rule, event)) {
                let other = &rules.rules()[other as usize];
                let worse = matches!(meta(other).outcome.as_str(), "success" | "post_exploitation");
                if worse && meta(other).confidence != "weak" {
                    problems.push(format!("{}: {} matches {event:?}", rule.path, other.path));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

/// What healthy servers write all day, told by the log it stands in: no rule may give it medium severity or more.
#[derive(Deserialize)]
struct Benign {
    source: String,
    events: Vec<Fields>,
}

fn benign_batch(source: &str, event: &Fields) -> EventBatch {
    if let Some(channel) = source.strip_prefix("windows_event/") {
        let mut builder = BatchBuilder::new(Source::WindowsEvent);
        if channel == "Security" {
            builder = builder.table("SecurityEvent");
        }
        builder = builder.event_type(EventType {
            channel: channel.into(),
            provider: event.get("Provider_Name").map_or("", String::as_str).into(),
            event_id: event["EventID"].parse().unwrap(),
        });
        return one_row(builder, Some(0), event);
    }
    one_row(
        BatchBuilder::new(Source::from_id(source).unwrap()),
        Some(0),
        event,
    )
}

fn one_row(mut builder: BatchBuilder, time: Option<i64>, event: &Fields) -> EventBatch {
    builder.begin_row(time, 1, 0);
    for (name, value) in event {
        let column = builder.column(name);
        builder.set(column, value);
    }
    builder.end_row();
    builder.finish().unwrap()
}

#[test]
fn healthy_servers_are_left_alone() {
    let rules = rules(&pack());
    let benign: Vec<Benign> = yaml_serde::from_str(include_str!("hafnium_benign.yaml")).unwrap();
    let mut problems = Vec::new();
    for log in &benign {
        for event in &log.events {
            for index in matching(&rules, &benign_batch(&log.source, event)) {
                let rule = &rules.rules()[index as usize];
                if severity(rule) >= 2 || meta(rule).confidence != "weak" {
                    problems.push(format!("{}: {}: {event:?}", rule.path, log.source));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
    assert!(benign.iter().map(|log| log.events.len()).sum::<usize>() >= 60);
}

/// Events at seconds, each seen by all rules; the titles of the correlations they make.
fn correlated(events: &[TimedEvent<'_>]) -> BTreeSet<String> {
    let rules = rules(&pack());
    let mut correlator = rules.correlator();
    for (second, source, fields) in events {
        let fields = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let batch = match source {
            Source::WindowsEvent => benign_at(*second, &fields),
            source => one_row(
                BatchBuilder::new(*source),
                Some(second * MICROS_PER_SECOND),
                &fields,
            ),
        }
        .with_file(FileId(0));
        let mut hits = Vec::new();
        rules.evaluate(&batch, &mut hits);
        for hit in &hits {
            correlator.observe(&rules, hit, "EX01", batch.row(0));
        }
    }
    correlator
        .finish(&rules)
        .iter()
        .map(|hit| {
            rules.rules()[hit.rule as usize]
                .path
                .rsplit('/')
                .next()
                .unwrap()
                .to_owned()
        })
        .collect()
}

fn benign_at(second: i64, fields: &Fields) -> EventBatch {
    let mut builder = BatchBuilder::new(Source::WindowsEvent);
    if fields["Channel"] == "Security" {
        builder = builder.table("SecurityEvent");
    }
    builder = builder.event_type(EventType {
        channel: fields["Channel"].as_str().into(),
        provider: "".into(),
        event_id: fields["EventID"].parse().unwrap(),
    });
    one_row(builder, Some(second * MICROS_PER_SECOND), fields)
}

#[test]
fn the_relay_chain_needs_its_order_and_one_client() {
    let anchors = [
        "ServerInfo~a]@ex01.example.local:444/autodiscover/autodiscover.xml?#",
        "ServerInfo~a]@ex01.example.local:444/ecp/proxyLogon.ecp?#",
        "ServerInfo~a]@ex01.example.local:444/ecp/DDI/DDIService.svc/GetObject?schema=OABVirtualDirectory#",
    ];
    let step = |second: i64, anchor: usize, ip: &'static str| {
        let status = if anchor == 1 { "241" } else { "200" };
        (
            second,
            [
                ("AnchorMailbox", anchors[anchor]),
                ("HttpStatus", status),
                ("ClientIpAddress", ip),
            ],
        )
    };
    let run = |steps: &[(i64, [(&'static str, &'static str); 3])]| {
        let events: Vec<TimedEvent> = steps
            .iter()
            .map(|(second, fields)| (*second, Source::HttpProxy, &fields[..]))
            .collect();
        correlated(&events)
    };
    let one = "203.0.113.45";
    assert!(run(&[step(0, 0, one), step(5, 1, one), step(9, 2, one)]).contains("relay_chain.yml"));
    assert!(run(&[step(0, 2, one), step(5, 1, one), step(9, 0, one)]).is_empty());
    assert!(run(&[step(0, 0, one), step(5, 1, "198.51.100.9"), step(9, 2, one)]).is_empty());
    assert!(run(&[step(0, 0, one), step(5, 1, one), step(900, 2, one)]).is_empty());
}

#[test]
fn a_page_used_by_the_client_of_the_relay_is_conclusive() {
    let relay = [
        ("cs-method", "POST"),
        ("cs-uri-stem", "/ecp/y.js"),
        ("sc-status", "200"),
        ("c-ip", "203.0.113.45"),
    ];
    let page = [
        ("cs-method", "POST"),
        ("cs-uri-stem", "/owa/auth/sample.aspx"),
        ("sc-status", "200"),
        ("c-ip", "203.0.113.45"),
    ];
    let refused = [
        ("cs-method", "POST"),
        ("cs-uri-stem", "/ecp/y.js"),
        ("sc-status", "404"),
        ("c-ip", "203.0.113.45"),
    ];
    let found = correlated(&[(0, Source::Iis, &relay), (60, Source::Iis, &page)]);
    assert!(found.contains("relay_to_page.yml"), "{found:?}");
    assert!(correlated(&[(0, Source::Iis, &refused), (60, Source::Iis, &page)]).is_empty());
}

#[test]
fn a_sweep_counts_different_names() {
    let names: Vec<String> = (0..10).map(|n| format!("/aspnet_client/name{n}.aspx")).collect();
    let ask = |name: &'static str| {
        [
            ("cs-method", "GET"),
            ("cs-uri-stem", name),
            ("sc-status", "404"),
            ("c-ip", "198.51.100.9"),
        ]
    };
    let sweep: Vec<[(&str, &str); 4]> = names
        .iter()
        .map(|name| {
            [
                ("cs-method", "GET"),
                ("cs-uri-stem", name),
                ("sc-status", "302"),
                ("c-ip", "198.51.100.9"),
            ]
        })
        .collect();
    let events: Vec<TimedEvent> = sweep
        .iter()
        .zip(0..)
        .map(|(fields, second)| (second, Source::Iis, &fields[..]))
        .collect();
    assert_eq!(correlated(&events), BTreeSet::from(["name_sweep.yml".to_owned()]));
    let same = ask("/aspnet_client/shell.aspx");
    let events: Vec<TimedEvent> = (0..20).map(|second| (second, Source::Iis, &same[..])).collect();
    assert!(correlated(&events).is_empty());
}

#[test]
fn an_address_book_reset_is_told_from_both_logs() {
    let ecp = |cmd: &'static str| [("ServerName", "EX01"), ("CMD", cmd)];
    let set = ecp("Set-OabVirtualDirectory.ExternalUrl='https://mail.example.org/OAB'.Identity='x'");
    let remove = ecp("Remove-OABVirtualDirectory.Force=$true.Identity='x'");
    let new = ecp("New-OABVirtualDirectory.Server='EX01'");
    let found = correlated(&[
        (0, Source::EcpServer, &set),
        (8, Source::EcpServer, &remove),
        (9, Source::EcpServer, &new),
    ]);
    assert_eq!(found, BTreeSet::from(["oab_reset_after_set_ecp.yml".to_owned()]));
    assert!(correlated(&[(0, Source::EcpServer, &remove), (1, Source::EcpServer, &new)]).is_empty());

    let log = |data: &'static str| {
        [
            ("Channel", "MSExchange Management"),
            ("EventID", "1"),
            ("Data_3", "example.local/Users/Administrator"),
            ("Data", data),
        ]
    };
    let set = log("Set-OabVirtualDirectory\n-ExternalUrl \"https://mail.example.org/OAB\"");
    let remove = log("Remove-OabVirtualDirectory\n-Force \"True\"");
    let new = log("New-OabVirtualDirectory\n-Server \"EX01\"");
    let windows = Source::WindowsEvent;
    let found = correlated(&[(0, windows, &set), (8, windows, &remove), (9, windows, &new)]);
    assert_eq!(found, BTreeSet::from(["oab_reset_after_set_log.yml".to_owned()]));
}

#[test]
fn tickets_of_many_services_are_told() {
    let services: Vec<String> = (0..12).map(|n| format!("svc-{n}")).collect();
    let ask: Vec<[(&str, &str); 6]> = services
        .iter()
        .map(|service| {
            [
                ("Channel", "Security"),
                ("EventID", "4769"),
                ("TargetUserName", "jdoe@EXAMPLE.LOCAL"),
                ("ServiceName", service),
                ("TicketEncryptionType", "0x17"),
                ("Status", "0x0"),
            ]
        })
        .collect();
    let events: Vec<TimedEvent> = ask
        .iter()
        .zip(0..)
        .map(|(fields, second)| (second, Source::WindowsEvent, &fields[..]))
        .collect();
    assert_eq!(
        correlated(&events),
        BTreeSet::from(["kerberos_roast.yml".to_owned()])
    );
    assert!(correlated(&events[..5]).is_empty());
}

#[derive(Deserialize)]
struct YaraFixture {
    rule: String,
    #[serde(rename = "match")]
    match_: Vec<String>,
    no_match: Vec<String>,
}

/// Every character of a fixture is one byte.
fn bytes(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect()
}

#[test]
fn every_yara_rule_is_proven_by_inert_texts() {
    let pack = pack();
    let files: Vec<(&str, &str)> = pack
        .yara
        .iter()
        .map(|rule| (rule.path.as_str(), rule.text.as_str()))
        .collect();
    let (set, refused) = YaraSet::compile(&files);
    assert_eq!(refused, []);
    let fixtures: Vec<YaraFixture> = yaml_serde::from_str(include_str!("hafnium_yara.yaml")).unwrap();
    let proven: BTreeSet<&str> = fixtures.iter().map(|fixture| fixture.rule.as_str()).collect();
    let names: BTreeSet<String> = set.rules().iter().map(|rule| rule.name.to_string()).collect();
    assert_eq!(proven, names.iter().map(String::as_str).collect());
    for rule in set.rules() {
        assert_eq!(rule.gaps, Vec::<String>::new(), "{}", rule.name);
    }
    for fixture in &fixtures {
        for (texts, wanted) in [(&fixture.match_, true), (&fixture.no_match, false)] {
            assert!(!texts.is_empty(), "{}", fixture.rule);
            for text in texts {
                let scan = set.scan(&bytes(text));
                let found = scan.matches.iter().any(|found| *found.rule.name == *fixture.rule);
                assert_eq!(found, wanted, "{}: {text:?}", fixture.rule);
            }
        }
    }
}

/// `docs/packs/hafnium-2021.md`: every known way to see a step has its row, every row a rule or a reason, and every
/// rule of the pack stands somewhere.
#[test]
fn the_coverage_table_names_every_rule_and_no_other() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/packs/hafnium-2021.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| D"))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    let numbers: Vec<String> = (1..=117).map(|number| format!("D{number:03}")).collect();
    assert_eq!(rows.iter().map(|row| row[1]).collect::<Vec<_>>(), numbers);
    for row in &rows {
        assert!(
            row[3] != "—" || row[4].len() > 20,
            "{row:?}: neither rule nor reason"
        );
    }
    let named: BTreeSet<&str> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.contains('/') && !name.contains('.'))
        .collect();
    let pack = pack();
    let there: BTreeSet<&str> = pack
        .rules
        .iter()
        .map(|rule| rule.path.trim_start_matches("rules/").trim_end_matches(".yml"))
        .collect();
    assert_eq!(named, there);
}

#[test]
fn what_is_known_of_an_indicator_is_said_in_both_languages() {
    for indicator in &pack().indicators {
        assert_eq!(
            indicator.context.is_empty(),
            indicator.context_fr.is_empty(),
            "{}",
            indicator.value
        );
        assert!(!indicator.context_fr.contains('\''), "{}", indicator.context_fr);
    }
}

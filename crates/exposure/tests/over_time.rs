//! What was the case when: what observations say at different moments, and what ends what.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use vigie_event::{format_utc, parse_utc};
use vigie_exposure::result::{Assessment, ServerExposure};
use vigie_exposure::{
    Answer, BuildSource, Decision, Estate, Fact, MissionImpact, Observation, Options, Origin, Place,
    ProductLine, Server, Status, Subject, Topology, assess,
};
use vigie_pack::Pack;

const MITIGATED: &str = "EOMT is in place";

fn by(reader: &'static str, at: &str, fact: Fact) -> Observation {
    Observation {
        subject: Arc::new(Subject::default()),
        fact,
        at: parse_utc(at),
        origin: Origin {
            reader,
            file: "f.csv".into(),
            place: Some(Place::Path(at.into())),
        },
    }
}

fn told(at: &str, fact: Fact) -> Observation {
    by("csv", at, fact)
}

fn build_by(source: BuildSource, at: &str, build: &str) -> Observation {
    let version = build.parse().unwrap();
    told(at, Fact::Build { version, source })
}

fn build(at: &str, version: &str) -> Observation {
    build_by(BuildSource::ExSetup, at, version)
}

fn eomt(at: &str, active: bool) -> Observation {
    let (id, cves) = ("EOMT".to_owned(), Vec::new());
    told(at, Fact::Mitigation { id, cves, active })
}

fn estate(servers: Vec<(&str, Vec<Observation>)>) -> Estate {
    let servers = servers.into_iter().map(|(name, observations)| Server {
        tenant: Some("Contoso".into()),
        name: name.into(),
        observations,
        ..Server::default()
    });
    Estate {
        servers: servers.collect(),
        ..Estate::default()
    }
}

fn assessed(pack: &str, observations: Vec<Observation>, as_of: &str) -> Assessment {
    let pack = Pack::load_embedded(pack).unwrap();
    let as_of = parse_utc(as_of).unwrap();
    assess(
        &estate(vec![("EX01", observations)]),
        &pack,
        as_of,
        &Options::default(),
    )
}

/// The one server, judged by ProxyLogon alone.
fn one(observations: Vec<Observation>, as_of: &str) -> ServerExposure {
    let pack = Pack::load_embedded("hafnium-2021").unwrap();
    let options = Options {
        cves: vec!["CVE-2021-26855".into()],
    };
    let estate = estate(vec![("EX01", observations)]);
    let mut result = assess(&estate, &pack, parse_utc(as_of).unwrap(), &options);
    result.servers.remove(0)
}

fn day(time: Option<i64>) -> String {
    time.map_or("?".to_owned(), |time| format_utc(time)[..10].to_owned())
}

/// `2021-03-03 vulnerable, 2021-03-05 fixed`.
fn history(server: &ServerExposure) -> String {
    let each = server
        .history
        .iter()
        .map(|one| format!("{} {}", day(one.from), one.status));
    each.collect::<Vec<_>>().join(", ")
}

fn window(server: &ServerExposure) -> String {
    server.window.map_or("none".to_owned(), |window| {
        let to = window.to.map_or("open".to_owned(), |to| day(Some(to)));
        format!(
            "{} to {to}, earliest {}",
            day(Some(window.from)),
            day(window.to_earliest)
        )
    })
}

#[test]
fn of_two_sources_at_one_moment_the_better_one_stands_and_the_other_is_shown() {
    let at = "2021-03-04";
    for (rank, &better) in BuildSource::ALL.iter().enumerate() {
        for &worse in &BuildSource::ALL[rank + 1..] {
            let words = vec![
                build_by(worse, at, "15.1.2106.2"),
                build_by(better, at, "15.1.2176.9"),
            ];
            let server = one(words, "2021-03-08");
            assert_eq!(server.build.source, Some(better), "{better} {worse}");
            let conflicts = &server.build.conflicts;
            assert_eq!(
                (conflicts.len(), conflicts[0].source),
                (1, worse),
                "{better} {worse}"
            );
        }
        let words = vec![
            build_by(better, at, "15.1.2106.2"),
            build_by(better, at, "15.1.2176.9"),
        ];
        let server = one(words, "2021-03-08");
        assert_eq!(
            (server.status, &server.build.value),
            (Status::Unknown, &None),
            "{better}"
        );
        let values: Vec<&str> = server
            .build
            .conflicts
            .iter()
            .map(|by| by.value.as_str())
            .collect();
        assert_eq!(values, ["15.1.2106.2", "15.1.2176.9"], "{better}");
        let trap = better.trap();
        assert!(!trap.en.is_empty() && !trap.fr.is_empty() && trap.en != trap.fr);
    }
}

#[test]
fn equals_that_contradict_each_other_are_named_until_somebody_looks_again() {
    let torn = || {
        vec![
            build("2021-03-04", "15.1.2176.2"),
            build("2021-03-04", "15.1.2176.9"),
        ]
    };
    let server = one(torn(), "2021-03-08");
    assert_eq!(server.status, Status::Unknown);
    let reason = &server.cves[0].reason;
    for part in ["15.1.2176.2 (exsetup", "15.1.2176.9 (exsetup", "f.csv"] {
        assert!(reason.en.contains(part) && reason.fr.contains(part), "{reason:?}");
    }
    // What a lesser source says later does not settle it, what an equal one says does.
    let lesser = build_by(BuildSource::XOwaVersion, "2021-03-05", "15.1.2176.9");
    assert_eq!(
        one([torn(), vec![lesser]].concat(), "2021-03-08").status,
        Status::Unknown
    );
    let equal = build("2021-03-05", "15.1.2176.9");
    let settled = one([torn(), vec![equal]].concat(), "2021-03-08");
    assert_eq!(history(&settled), "2021-03-04 unknown, 2021-03-05 fixed");
}

#[test]
fn builds_do_not_go_back() {
    // A lesser source that lags behind is shown and does not count; an equal one makes it unknown.
    let lagging = build_by(BuildSource::ExportTool, "2021-03-06", "15.1.2176.2");
    let server = one(vec![build("2021-03-05", "15.1.2176.9"), lagging], "2021-03-08");
    assert_eq!((server.status, server.build.conflicts.len()), (Status::Fixed, 1));
    let back = build("2021-03-06", "15.1.2176.2");
    let server = one(vec![build("2021-03-05", "15.1.2176.9"), back], "2021-03-08");
    assert_eq!(
        (server.status, server.build.conflicts.len()),
        (Status::Unknown, 2)
    );
}

#[test]
fn nothing_observed_after_the_day_counts() {
    let words = || {
        vec![
            build("2021-03-03", "15.1.2176.2"),
            eomt("2021-03-04", true),
            build("2021-03-06", "15.1.2176.9"),
            told("2021-03-07", Fact::Published(false)),
        ]
    };
    let cases = [
        ("2021-03-02", "? unknown"),
        ("2021-03-03", "2021-03-03 vulnerable"),
        (
            "2021-03-04T12:00:00Z",
            "2021-03-03 vulnerable, 2021-03-04 mitigated",
        ),
        (
            "2021-03-06",
            "2021-03-03 vulnerable, 2021-03-04 mitigated, 2021-03-06 fixed",
        ),
    ];
    for (as_of, expected) in cases {
        assert_eq!(history(&one(words(), as_of)), expected, "{as_of}");
    }
    assert_eq!(one(words(), "2021-03-06").published, Answer::Unknown);
    assert_eq!(one(words(), "2021-03-07").published, Answer::No);
    let result = assessed("hafnium-2021", words(), "2021-03-04");
    let said: Vec<&str> = result.warnings.iter().map(|said| said.en.as_str()).collect();
    assert!(
        said.iter()
            .any(|said| said.starts_with("2 observations are from after")),
        "{said:?}"
    );
    // Nor what nobody knew of by then: ProxyShell became public in July.
    assert!(
        said.iter()
            .any(|said| said.contains("became public after that day")),
        "{said:?}"
    );
    assert!(
        result.servers[0]
            .cves
            .iter()
            .all(|cve| &*cve.cve != "CVE-2021-34473")
    );
    let later = assessed("hafnium-2021", words(), "2021-09-01");
    assert!(
        later.servers[0]
            .cves
            .iter()
            .any(|cve| &*cve.cve == "CVE-2021-34473")
    );
}

#[test]
fn a_cumulative_update_wipes_a_mitigation_and_a_security_update_does_not() {
    let start = || vec![build("2021-03-03", "15.1.2106.2"), eomt("2021-03-03", true)];
    let then = |build| one([start(), vec![build]].concat(), "2021-03-08");
    let cumulative = then(build("2021-03-05", "15.1.2176.2"));
    assert_eq!(
        history(&cumulative),
        "2021-03-03 mitigated, 2021-03-05 vulnerable"
    );
    assert!(cumulative.mitigations.is_empty());
    // An update of the same cumulative update that lacks the fix.
    let security = then(build("2021-03-05", "15.1.2106.8"));
    assert_eq!(security.status, Status::Mitigated);
    assert!(security.cves[0].reason.en.starts_with(MITIGATED));
    assert_eq!(
        (security.mitigations.len(), security.mitigations[0].id.as_str()),
        (1, "EOMT")
    );
    // Set again after the update, or seen to be gone.
    let again = vec![build("2021-03-05", "15.1.2176.2"), eomt("2021-03-06", true)];
    let server = one([start(), again].concat(), "2021-03-08");
    assert_eq!(
        history(&server),
        "2021-03-03 mitigated, 2021-03-05 vulnerable, 2021-03-06 mitigated"
    );
    let gone = one([start(), vec![eomt("2021-03-06", false)]].concat(), "2021-03-08");
    assert_eq!(history(&gone), "2021-03-03 mitigated, 2021-03-06 vulnerable");
}

#[test]
fn a_mitigation_does_not_outlive_an_update_that_is_unclear() {
    let start = || vec![build("2021-03-03", "15.1.2106.2"), eomt("2021-03-03", true)];
    // Two colleagues, one moment: one of them saw another cumulative update.
    let torn = || {
        vec![
            build("2021-03-05", "15.1.2106.2"),
            build("2021-03-05", "15.1.2176.2"),
        ]
    };
    let server = one([start(), torn()].concat(), "2021-03-08");
    assert_eq!((server.status, server.mitigations.len()), (Status::Unknown, 0));
    let settled = build("2021-03-06", "15.1.2176.2");
    let server = one([start(), torn(), vec![settled]].concat(), "2021-03-08");
    assert_eq!((server.status, server.mitigations.len()), (Status::Vulnerable, 0));
}

#[test]
fn only_a_look_after_the_work_makes_it_fixed() {
    let open = || build("2021-03-03", "15.1.2176.2");
    // The update came out, its article is listed as installed, the office planned it: nobody looked.
    for fact in [
        Fact::Update("KB5000871".into()),
        Fact::Role("Mailbox".into()),
        Fact::Listed,
    ] {
        let server = one(vec![open(), told("2021-03-06", fact)], "2021-03-08");
        assert_eq!(
            (server.status, window(&server).contains("open")),
            (Status::Vulnerable, true)
        );
    }
    let server = one(vec![open(), build("2021-03-07", "15.1.2176.9")], "2021-03-08");
    assert_eq!(history(&server), "2021-03-03 vulnerable, 2021-03-07 fixed");
}

#[test]
fn logs_say_when_an_update_was_effective() {
    let words = vec![
        build_by(BuildSource::Log, "2021-02-20", "15.1.2176.2"),
        build_by(BuildSource::Log, "2021-03-04T21:10:00Z", "15.1.2176.2"),
        build_by(BuildSource::Log, "2021-03-04T22:30:00Z", "15.1.2176.9"),
        build("2021-03-06", "15.1.2176.9"),
    ];
    let server = one(words, "2021-03-08");
    assert_eq!(server.build.source, Some(BuildSource::ExSetup));
    let window = server.window.unwrap();
    assert_eq!(format_utc(window.to.unwrap()), "2021-03-04T22:30:00Z");
    assert_eq!(format_utc(window.to_earliest.unwrap()), "2021-03-04T21:10:00Z");
}

#[test]
fn the_window_runs_from_the_first_exploitation_to_the_look_that_found_it_closed() {
    let cases: Vec<(Vec<Observation>, &str)> = vec![
        (
            vec![build("2021-03-03", "15.1.2176.2")],
            "2021-01-03 to open, earliest ?",
        ),
        (
            vec![
                build("2021-03-03", "15.1.2176.2"),
                build("2021-03-05", "15.1.2176.9"),
            ],
            "2021-01-03 to 2021-03-05, earliest 2021-03-03",
        ),
        // Nobody looked before: it can have been over the day on which the fix came out.
        (
            vec![build("2021-03-05", "15.1.2176.9")],
            "2021-01-03 to 2021-03-05, earliest 2021-03-02",
        ),
        (vec![build("2021-03-05", "14.3.509.0")], "none"),
        // Never published, as far as anybody says.
        (
            vec![
                build("2021-03-03", "15.1.2176.2"),
                told("2021-03-03", Fact::Published(false)),
            ],
            "none",
        ),
        // Taken off the Internet before the update.
        (
            vec![
                build("2021-03-03", "15.1.2176.2"),
                told("2021-03-03", Fact::Published(true)),
                told("2021-03-04", Fact::Published(false)),
                build("2021-03-06", "15.1.2176.9"),
            ],
            "2021-01-03 to 2021-03-04, earliest 2021-03-03",
        ),
        // Somebody says so, but the port was measured open: the window stays.
        (
            vec![
                build("2021-03-03", "15.1.2176.2"),
                by("probe", "2021-03-03", Fact::Published(true)),
                told("2021-03-04", Fact::Published(false)),
                told("2021-03-05", Fact::Published(false)),
            ],
            "2021-01-03 to open, earliest ?",
        ),
        (
            vec![build("2021-03-03", "15.1.2176.2"), eomt("2021-03-04", true)],
            "2021-01-03 to 2021-03-04, earliest 2021-03-03",
        ),
    ];
    for (words, expected) in cases {
        assert_eq!(window(&one(words.clone(), "2021-03-08")), expected, "{words:#?}");
    }
}

#[test]
fn a_contradicted_publication_is_unknown_with_both_words() {
    let words = vec![
        build("2021-03-03", "15.1.2176.2"),
        by("probe", "2021-03-03", Fact::Published(true)),
        told("2021-03-05", Fact::Published(false)),
    ];
    let server = one(words, "2021-03-08");
    assert_eq!((server.published, &server.published_by), (Answer::Unknown, &None));
    let values: Vec<Answer> = server.published_conflicts.iter().map(|by| by.value).collect();
    assert_eq!(values, [Answer::Yes, Answer::No]);
    // What nobody knows counts as published.
    assert!(
        server.ssvc.because.en.contains("counts as published"),
        "{:?}",
        server.ssvc
    );
}

#[test]
fn in_a_group_another_server_may_have_answered() {
    let words = |dag: bool| {
        let mut words = vec![
            build("2021-03-03", "15.1.2176.2"),
            build_by(BuildSource::XOwaVersion, "2021-03-06", "15.1.2176.9"),
        ];
        words.extend(dag.then(|| told("2021-03-01", Fact::Dag("DAG1".into()))));
        words
    };
    assert_eq!(one(words(false), "2021-03-08").status, Status::Fixed);
    let grouped = one(words(true), "2021-03-08");
    assert_eq!(
        (grouped.status, grouped.build.conflicts.len()),
        (Status::Vulnerable, 1)
    );
}

#[test]
fn what_was_looked_at_long_ago_is_stale_and_so_is_what_has_no_date() {
    let at = |looked: &str| one(vec![build(looked, "15.1.2176.9")], "2021-04-10");
    let age = |server: &ServerExposure| (server.age_days, server.stale, server.status);
    assert_eq!(age(&at("2021-03-11")), (Some(30), false, Status::Fixed));
    assert_eq!(age(&at("2021-03-10T23:59:59Z")), (Some(30), true, Status::Fixed));
    assert_eq!(age(&at("nobody knows")), (None, true, Status::Fixed));
    // A build that nobody knows is unknown, not stale.
    let torn = vec![
        build("2021-01-04", "15.1.2176.2"),
        build("2021-01-04", "15.1.2176.9"),
    ];
    assert!(!one(torn, "2021-04-10").stale);
}

#[test]
fn curves_say_what_was_known_then() {
    let pack = Pack::load_embedded("hafnium-2021").unwrap();
    let estate = estate(vec![
        (
            "EX01",
            vec![
                build("2021-01-10", "15.1.2176.2"),
                build("2021-03-05", "15.1.2176.9"),
            ],
        ),
        ("EX02", vec![build("2021-03-04", "14.3.509.0")]),
        ("EX03", vec![told("2021-03-04", Fact::Published(true))]),
    ]);
    let options = Options {
        cves: vec!["CVE-2021-26855".into()],
    };
    let result = assess(&estate, &pack, parse_utc("2021-03-08").unwrap(), &options);
    let point = |wanted: &str| {
        let found = result.curve.iter().find(|point| day(Some(point.at)) == wanted);
        let point = found.unwrap();
        let knowledge = (point.known, point.stale, point.unknown_build);
        let exposure = (point.unknown, point.vulnerable, point.fixed, point.not_affected);
        (knowledge, exposure)
    };
    assert_eq!(point("2021-01-09"), ((0, 0, 3), (3, 0, 0, 0)));
    assert_eq!(point("2021-01-10"), ((1, 0, 2), (2, 1, 0, 0)));
    assert_eq!(point("2021-02-20"), ((0, 1, 2), (2, 1, 0, 0)));
    assert_eq!(point("2021-03-08"), ((2, 0, 1), (1, 0, 1, 1)));
    for point in &result.curve {
        assert_eq!(point.known + point.stale + point.unknown_build, 3);
        let by_status = [
            point.unknown,
            point.vulnerable,
            point.mitigated,
            point.not_affected,
            point.fixed,
        ];
        assert_eq!(by_status.iter().sum::<usize>(), 3);
    }
    let all = result.summary.last().unwrap();
    let last = result.curve.last().unwrap();
    assert_eq!(
        (all.fixed, all.unknown, all.not_affected),
        (last.fixed, last.unknown, last.not_affected)
    );
}

#[test]
fn a_setting_must_have_been_seen_and_counts_from_then_on() {
    let of = |words: Vec<Observation>| {
        let result = assessed("exchange-cves", words, "2026-01-01");
        let cves = &result.servers[0].cves;
        let found = cves.iter().find(|cve| &*cve.cve == "CVE-2024-21410").unwrap();
        format!("{} {}", day(found.since), found.status)
    };
    let protection = |at: &str, on: bool| {
        told(
            at,
            Fact::Setting {
                id: "extended_protection".into(),
                on,
            },
        )
    };
    let updated = || build("2025-01-01", "15.1.2507.43");
    assert_eq!(of(vec![updated()]), "2025-01-01 unknown");
    assert_eq!(
        of(vec![updated(), protection("2025-02-01", true)]),
        "2025-02-01 fixed"
    );
    assert_eq!(
        of(vec![updated(), protection("2025-02-01", false)]),
        "2025-02-01 vulnerable"
    );
    let off_again = vec![
        updated(),
        protection("2025-02-01", true),
        protection("2025-03-01", false),
    ];
    assert_eq!(of(off_again), "2025-03-01 vulnerable");
    // Setup of 2019 CU14 sets it.
    assert_eq!(of(vec![build("2025-01-01", "15.2.1544.14")]), "2025-01-01 fixed");
}

#[test]
fn what_concerns_hybrid_servers_alone_leaves_others_out() {
    let of = |topology: Option<Topology>| {
        let mut words = vec![build("2026-01-01", "15.1.2507.44")];
        words.extend(topology.map(|topology| told("2026-01-01", Fact::Topology(topology))));
        let result = assessed("exchange-cves", words, "2026-02-01");
        let cves = &result.servers[0].cves;
        let found = cves.iter().find(|cve| &*cve.cve == "CVE-2025-53786").unwrap();
        if topology == Some(Topology::OnPrem) {
            let said = "concerned are only: hybrid, hybrid for managing recipients; this one is on premises";
            assert_eq!(found.reason.en, said);
        }
        found.status
    };
    assert_eq!(of(Some(Topology::OnPrem)), Status::NotAffected);
    assert_eq!(of(Some(Topology::Hybrid)), Status::Vulnerable);
    assert_eq!(of(Some(Topology::HybridManagementOnly)), Status::Vulnerable);
    assert_eq!(of(None), Status::Vulnerable);
}

#[test]
fn urgency_comes_from_exploitation_exposure_and_what_stops() {
    let decide = |words: Vec<Observation>, as_of: &str| one(words, as_of).ssvc;
    let open = || build("2021-03-03", "15.1.2176.2");
    let published = |value| told("2021-03-03", Fact::Published(value));
    let impact = |impact| told("2021-03-03", Fact::MissionImpact(impact));
    let now = "2021-03-08";
    let ssvc = decide(vec![open(), published(true)], now);
    assert_eq!(
        (ssvc.decision, ssvc.cve.as_deref()),
        (Decision::Immediate, Some("CVE-2021-26855"))
    );
    for part in [
        "is exploited",
        "published on TCP/443",
        "can be automated",
        "everything may stop",
    ] {
        assert!(ssvc.because.en.contains(part), "{part}: {:?}", ssvc.because);
    }
    assert_eq!(
        ssvc.because.en.matches(['.', ';']).count(),
        0,
        "one sentence: {:?}",
        ssvc.because
    );
    // Nobody knows whether it is published: as if it were. Not published, mitigated, of little weight: less urgent.
    assert_eq!(decide(vec![open()], now).decision, Decision::Immediate);
    let inside = decide(vec![open(), published(false)], now);
    assert_eq!(inside.decision, Decision::OutOfCycle);
    let mitigated = decide(vec![open(), published(true), eomt("2021-03-04", true)], now);
    assert_eq!(mitigated.decision, Decision::OutOfCycle);
    assert!(mitigated.because.en.contains("until the next cumulative update"));
    let small = decide(
        vec![open(), published(true), impact(MissionImpact::Degraded)],
        now,
    );
    assert_eq!(small.decision, Decision::OutOfCycle);
    assert!(small.because.en.contains("little stops"), "{:?}", small.because);
    // Before its first exploitation nobody attacks it.
    let before = decide(
        vec![build("2021-01-01", "15.1.2176.2"), published(true)],
        "2021-01-02",
    );
    assert!(
        before.because.en.contains("not known to be exploited"),
        "{:?}",
        before.because
    );
    assert!(before.decision < Decision::Immediate);
    let done = decide(vec![build("2021-03-05", "15.1.2176.9"), published(true)], now);
    assert_eq!((done.decision, done.cve), (Decision::Defer, None));
}

#[test]
fn the_order_of_work_is_decision_then_what_is_open_then_how_long() {
    let pack = Pack::load_embedded("hafnium-2021").unwrap();
    let published = |value| told("2021-03-03", Fact::Published(value));
    let line = |line: &str| {
        let (product, line) = ("exchange".to_owned(), Some(line.to_owned()));
        told("2021-03-03", Fact::Product(ProductLine { product, line }))
    };
    let estate = estate(vec![
        ("DONE", vec![build("2021-03-05", "15.1.2176.9"), published(true)]),
        (
            "INSIDE",
            vec![build("2021-03-03", "15.1.2176.2"), published(false)],
        ),
        ("B", vec![build("2021-03-03", "15.1.2176.2"), published(true)]),
        ("NOBODY", vec![line("2016"), published(true)]),
        ("A", vec![build("2021-03-03", "15.1.2176.2"), published(true)]),
    ]);
    let options = Options {
        cves: vec!["CVE-2021-26855".into()],
    };
    let result = assess(&estate, &pack, parse_utc("2021-03-08").unwrap(), &options);
    let names: Vec<&str> = result
        .servers
        .iter()
        .map(|server| server.server.as_str())
        .collect();
    assert_eq!(names, ["A", "B", "NOBODY", "INSIDE", "DONE"]);
}

#![allow(clippy::unwrap_used)]
use std::sync::Arc;

use vigie_event::parse_utc;

use super::*;
use crate::{BuildSource, Fact, Observation, Origin, ProductLine, Server, Subject, Topology, Version};

fn observed(fact: Fact, at: &str) -> Observation {
    Observation {
        subject: Arc::new(Subject::default()),
        fact,
        at: parse_utc(at),
        origin: Origin {
            reader: "csv",
            file: "inventory.csv".into(),
            place: None,
        },
    }
}

fn server(line: &str, build: &str, facts: Vec<Fact>) -> Server {
    let mut all = vec![Fact::Product(ProductLine {
        product: "exchange".to_owned(),
        line: Some(line.to_owned()),
    })];
    if !build.is_empty() {
        all.push(Fact::Build {
            version: build.parse::<Version>().unwrap(),
            source: BuildSource::ExSetup,
        });
    }
    all.extend(facts);
    Server {
        name: "EX01".to_owned(),
        observations: all.into_iter().map(|fact| observed(fact, "2009-01-01")).collect(),
        ..Server::default()
    }
}

fn pack() -> Pack {
    Pack::load_embedded("hafnium-2021").unwrap()
}

fn steps(server: &Server, as_of: &str) -> Path {
    let as_of = parse_utc(as_of).unwrap();
    path(&server.state(as_of), &pack(), as_of)
}

/// A line a step: what it is, its title, why.
fn shown(line: &str, build: &str, facts: Vec<Fact>, as_of: &str) -> String {
    let list = steps(&server(line, build, facts), as_of);
    let line = |step: &Arc<Step>| format!("{}: {}\n    {}\n", step.step, step.title.en, step.why.en);
    list.iter().map(line).collect()
}

#[test]
fn known_cases_have_known_paths() {
    let published = || Fact::Published(true);
    let cases: &[(&str, &str, &str, Vec<Fact>, &str)] = &[
        (
            "2016_cu19_rtm",
            "2016",
            "15.1.2176.2",
            vec![published()],
            "2021-03-03",
        ),
        (
            "2016_cu14_rtm_net472",
            "2016",
            "15.1.1847.3",
            vec![published(), Fact::DotNet(461_814)],
            "2021-03-03",
        ),
        (
            "2016_cu14_mar20",
            "2016",
            "15.1.1847.10",
            vec![published(), Fact::DotNet(461_814)],
            "2021-03-03",
        ),
        (
            "2016_cu12_net471",
            "2016",
            "15.1.1713.5",
            vec![published(), Fact::DotNet(461_310)],
            "2021-03-20",
        ),
        (
            "2013_cu21",
            "2013",
            "15.0.1395.4",
            vec![published(), Fact::DotNet(461_310)],
            "2021-03-03",
        ),
        (
            "2019_cu4_dag",
            "2019",
            "15.2.529.5",
            vec![published(), Fact::Dag("DAG1".into())],
            "2021-03-03",
        ),
        (
            "2010_sp3_ru31",
            "2010",
            "14.3.509.0",
            vec![published()],
            "2021-03-03",
        ),
        (
            "2016_cu19_2026",
            "2016",
            "15.1.2176.2",
            vec![published()],
            "2026-11-24",
        ),
        ("unknown_build", "2016", "", vec![published()], "2021-03-03"),
        (
            "hybrid_management_only",
            "2016",
            "15.1.2106.2",
            vec![published(), Fact::Topology(Topology::HybridManagementOnly)],
            "2022-06-01",
        ),
        (
            "fixed",
            "2019",
            "15.2.792.10",
            vec![
                published(),
                Fact::Mitigation {
                    id: "EOMT".into(),
                    cves: vec![],
                    active: true,
                },
            ],
            "2021-03-10",
        ),
        (
            "day_before",
            "2019",
            "15.2.792.5",
            vec![published()],
            "2021-03-01",
        ),
        ("se_rtm", "SE", "15.2.2562.17", vec![published()], "2026-11-24"),
    ];
    for (name, line, build, facts, as_of) in cases {
        insta::assert_snapshot!(*name, shown(line, build, facts.clone(), as_of));
    }
}

const DAYS: [&str; 6] = [
    "2021-03-03",
    "2021-03-20",
    "2021-07-20",
    "2022-12-01",
    "2025-07-02",
    "2026-11-24",
];

/// Every published build, on several days, with everything that changes a path.
fn every_case(mut check: impl FnMut(&Server, &vigie_pack::Build, &str, &[Arc<Step>])) {
    let pack = pack();
    let knowledge = Knowledge::new(&pack, &[], i64::MAX);
    for day in DAYS {
        let as_of = parse_utc(day).unwrap();
        let paths = Paths::new(&knowledge, as_of);
        let out = |build: &&vigie_pack::Build| parse_utc(&build.release_date).unwrap() <= as_of;
        for build in pack.product.builds.iter().filter(out) {
            for facts in [
                vec![Fact::Published(true)],
                vec![Fact::Published(false), Fact::DotNet(461_814)],
                vec![Fact::Dag("DAG1".into()), Fact::DotNet(394_802)],
                vec![Fact::Role("Edge".into()), Fact::Published(false)],
                vec![Fact::Topology(Topology::HybridManagementOnly)],
            ] {
                let server = server(&build.product, &build.build.to_string(), facts);
                check(&server, build, day, &paths.path(&server.state(as_of)));
            }
        }
    }
}

fn position(steps: &[Arc<Step>], id: &str) -> Option<usize> {
    steps.iter().position(|step| step.step == id)
}

#[test]
fn every_path_ends_safe_or_says_why_it_cannot() {
    let mut seen = 0;
    every_case(|_, build, day, steps| {
        seen += 1;
        let Some(last) = steps.last() else { return };
        let ids: Vec<&str> = steps.iter().map(|step| step.step.as_str()).collect();
        assert!(
            position(steps, "hunt").is_some(),
            "{} {day}: {ids:?}",
            build.build
        );
        let verified = position(steps, "verify").is_some();
        let says = steps
            .iter()
            .any(|step| step.why.en.contains("No public update available"));
        assert!(
            verified || says || last.step == "retire",
            "{} {day}: {ids:?}",
            build.build
        );
        for step in steps {
            let texts = [&step.title, &step.why, &step.gate, &step.rollback, &step.rights];
            for text in texts
                .into_iter()
                .chain(&step.requires)
                .chain(&step.stop_conditions)
            {
                assert!(
                    !text.en.is_empty() && !text.fr.is_empty(),
                    "{}: {text:?}",
                    step.step
                );
                assert!(
                    !text.en.contains('{') && !text.fr.contains('{'),
                    "{}: {text:?}",
                    step.step
                );
            }
            let open =
                |command: &String| command.contains("{k") || command.contains("{s") || command.contains("{l");
            assert!(!step.commands.iter().any(open), "{:?}", step.commands);
        }
    });
    assert!(seen > 4_000, "{seen}");
}

#[test]
fn no_step_comes_before_what_it_needs() {
    every_case(|server, build, day, steps| {
        let ids: Vec<&str> = steps.iter().map(|step| step.step.as_str()).collect();
        let at = format!("{} {day}: {ids:?}", build.build);
        let (mut preserved, mut shielded, mut maintained) = (false, false, false);
        let dag = server
            .observations
            .iter()
            .any(|seen| matches!(seen.fact, Fact::Dag(_)));
        let state = server.state(parse_utc(day).unwrap());
        let quiet = state.is_published() == crate::Answer::No || state.roles.contains(&"Edge");
        let mut builds: Vec<vigie_pack::BuildNumber> = vec![build.build];
        for (index, step) in steps.iter().enumerate() {
            match step.step.as_str() {
                "isolate" | "mitigate" => shielded = true,
                "preserve" => preserved = true,
                "begin_maintenance" => maintained = true,
                "end_maintenance" => maintained = false,
                "dotnet" | "cumulative_update" | "rollup" | "security_update" => {
                    assert!(preserved && (shielded || quiet), "{at}");
                    assert!(!dag || maintained, "{at}");
                    if step.step == "dotnet" {
                        continue;
                    }
                    let target = step
                        .gate
                        .en
                        .split([' ', ';'])
                        .find_map(|word| word.parse().ok())
                        .unwrap();
                    assert!(target > *builds.last().unwrap(), "lowers a build: {at}");
                    builds.push(target);
                    if step.step == "cumulative_update" {
                        let isolated = position(steps, "isolate").is_some();
                        let rest = &ids[index + 1..];
                        let change =
                            |id: &&str| matches!(*id, "security_update" | "cumulative_update" | "dotnet");
                        let again = rest.iter().position(|id| *id == "mitigate");
                        let next = rest.iter().position(change);
                        let holds = step.why.en.contains("holds it");
                        assert!(
                            isolated || quiet || holds || next.is_none() || again < next && again.is_some(),
                            "open after the update: {at}"
                        );
                    }
                }
                "verify" => assert!(!maintained, "{at}"),
                "hunt" => {
                    let verify = position(steps, "verify");
                    assert!(verify.is_none_or(|verify| verify < index), "{at}");
                }
                "remove_mitigation" | "reopen" | "retire" | "migrate" | "plan_update" => {
                    assert!(position(steps, "hunt").unwrap() < index, "{at}");
                }
                _ => {}
            }
        }
        // No loops: no build is installed twice, nothing but the mitigation and .NET comes twice.
        let mut once = ids.clone();
        once.retain(|id| !matches!(*id, "mitigate" | "dotnet" | "prepare_ad" | "cumulative_update"));
        let all = once.len();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), all, "{at}");
    });
}

/// While a line is kept up, a build that could be made safe on one day can be on every later one.
#[test]
fn time_opens_ways_and_closes_none() {
    let reachable = |build: &str, line: &str, day: &str| {
        let list = steps(&server(line, build, vec![Fact::Published(true)]), day);
        position(&list, "verify").is_some()
    };
    for (line, build) in [
        ("2016", "15.1.1847.3"),
        ("2016", "15.1.1415.2"),
        ("2019", "15.2.221.12"),
        ("2013", "15.0.1395.4"),
    ] {
        let mut before = false;
        for day in [
            "2021-03-03",
            "2021-03-20",
            "2021-05-20",
            "2022-12-01",
            "2023-03-20",
        ] {
            let now = reachable(build, line, day);
            assert!(now || !before, "{build} {day}");
            before |= now;
        }
        assert!(before, "{build}");
    }
}

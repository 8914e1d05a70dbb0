use std::collections::BTreeMap;

use super::*;
use crate::campaigns::{self, NewCampaign};
use crate::cells::{self, NewStatement, Stage, Truth};
use crate::servers::{self, ServerFields};
use crate::tenants::{self, Contract, TenantFields};
use crate::testing::{Bench, admin, assert_hidden, director, on_each_database, strangers};
use crate::{Access, CampaignId, Error, PageRequest, ServerId, TenantId};

/// A campaign over three tenants with two servers each.
struct Crisis {
    campaign: CampaignId,
    tenants: Vec<TenantId>,
    servers: Vec<ServerId>,
}

fn crisis(bench: &Bench) -> Crisis {
    let desk = &bench.desk;
    let mut tenants = Vec::new();
    let mut servers = Vec::new();
    for (name, contract) in [
        ("Alpha", Contract::Soc),
        ("Beta", Contract::Managed),
        ("Gamma", Contract::None),
    ] {
        let fields = TenantFields {
            contract,
            agency: Some(format!("{name} agency")),
            ..TenantFields::named(name)
        };
        let tenant = tenants::create(desk, &director(), &fields).unwrap().id;
        for server in ["EX01", "EX02"] {
            servers.push(
                servers::create(desk, &director(), &tenant, &ServerFields::named(server))
                    .unwrap()
                    .id,
            );
        }
        tenants.push(tenant);
    }
    let new = NewCampaign {
        title: "HAFNIUM".into(),
        pack: "hafnium-2021".into(),
        pack_version: "1.0.0".into(),
        tenants: tenants.clone(),
        stale_hours: BTreeMap::new(),
    };
    let campaign = campaigns::open(desk, &director(), &new).unwrap().id;
    Crisis {
        campaign,
        tenants,
        servers,
    }
}

fn say(bench: &Bench, crisis: &Crisis, server: usize, stage: Stage, detail: &str) -> cells::Cell {
    try_say(bench, &admin(), crisis, server, stage, detail).unwrap()
}

fn try_say(
    bench: &Bench,
    access: &Access,
    crisis: &Crisis,
    server: usize,
    stage: Stage,
    detail: &str,
) -> crate::Result<cells::Cell> {
    let new = NewStatement {
        stage,
        detail: detail.into(),
        as_of: None,
        reason: "seen on the telephone".into(),
    };
    cells::say(
        &bench.desk,
        access,
        &crisis.campaign,
        &crisis.servers[server],
        &new,
    )
}

fn whole(bench: &Bench, access: &Access, crisis: &Crisis, filter: &BoardFilter) -> Board {
    board(
        &bench.desk,
        access,
        &crisis.campaign,
        filter,
        &PageRequest::default(),
    )
    .unwrap()
}

fn names(board: &Board) -> Vec<String> {
    board
        .tenants
        .items
        .iter()
        .flat_map(|tenant| {
            tenant
                .servers
                .iter()
                .map(|server| format!("{}/{}", tenant.name, server.name))
        })
        .collect()
}

fn counts(board: &Board, stage: Stage) -> (i64, i64, i64) {
    let found = board
        .stages
        .iter()
        .find(|summary| summary.stage == stage)
        .unwrap();
    (found.counts.unknown, found.counts.yes, found.counts.no)
}

#[test]
fn a_campaign_begins_with_everything_unknown() {
    on_each_database(|bench| {
        let crisis = crisis(bench);
        let board = whole(bench, &director(), &crisis, &BoardFilter::default());
        assert_eq!((board.tenants_total, board.servers_total), (3, 6));
        for stage in Stage::ALL {
            assert_eq!(counts(&board, *stage), (6, 0, 0), "{stage}");
        }
        let clocks: Vec<Option<ClockState>> = board
            .tenants
            .items
            .iter()
            .map(|tenant| tenant.clock.as_ref().map(|clock| clock.state))
            .collect();
        assert_eq!(clocks, [None, Some(ClockState::Running), None]);
    });
}

#[test]
fn what_is_said_is_on_the_board_and_unknown_comes_first() {
    on_each_database(|bench| {
        let crisis = crisis(bench);
        for server in 0..2 {
            say(bench, &crisis, server, Stage::Exposure, "vulnerable");
        }
        say(bench, &crisis, 2, Stage::Verdict, "compromised");
        let board = whole(bench, &director(), &crisis, &BoardFilter::default());
        // Gamma has 12 unknown cells, Beta 11, Alpha 10.
        assert_eq!(
            names(&board),
            [
                "Gamma/EX01",
                "Gamma/EX02",
                "Beta/EX01",
                "Beta/EX02",
                "Alpha/EX01",
                "Alpha/EX02"
            ]
        );
        assert_eq!(counts(&board, Stage::Exposure), (4, 2, 0));
        assert_eq!(counts(&board, Stage::Verdict), (5, 1, 0));
        let worst = BoardFilter {
            sort: Some(Sort::Worst),
            ..BoardFilter::default()
        };
        assert_eq!(
            whole(bench, &director(), &crisis, &worst).tenants.items[0].name,
            "Beta"
        );
        let beta = &board.tenants.items[1];
        let cell = &beta.servers[0].cells[Stage::ALL
            .iter()
            .position(|stage| *stage == Stage::Verdict)
            .unwrap()];
        assert_eq!(
            (cell.detail.as_str(), cell.said_by.as_str()),
            ("compromised", "alex")
        );
        assert_eq!(cell.proof["reason"], "seen on the telephone");
    });
}

#[test]
fn an_old_answer_is_unknown_everywhere() {
    on_each_database(|bench| {
        let crisis = crisis(bench);
        say(bench, &crisis, 0, Stage::Exposure, "fixed");
        say(bench, &crisis, 1, Stage::Verdict, "compromised");
        let fixed = BoardFilter {
            exposure: vec!["fixed".into()],
            ..BoardFilter::default()
        };
        assert_eq!(names(&whole(bench, &director(), &crisis, &fixed)), ["Alpha/EX01"]);

        bench.clock.advance_seconds(31 * 86_400);
        assert!(names(&whole(bench, &director(), &crisis, &fixed)).is_empty());
        let board = whole(bench, &director(), &crisis, &BoardFilter::default());
        assert_eq!(counts(&board, Stage::Exposure), (6, 0, 0));
        assert_eq!(
            counts(&board, Stage::Verdict),
            (5, 1, 0),
            "an intruder does not leave by being forgotten"
        );
        let stale = board
            .stages
            .iter()
            .find(|summary| summary.stage == Stage::Exposure)
            .unwrap();
        assert_eq!(stale.counts.stale, 1);
        let unknown = BoardFilter {
            exposure: vec!["unknown".into()],
            ..BoardFilter::default()
        };
        assert_eq!(whole(bench, &director(), &crisis, &unknown).servers_matching, 6);

        assert_eq!(cells::sweep(&bench.desk, 100).unwrap(), 1);
        assert_eq!(cells::sweep(&bench.desk, 100).unwrap(), 0);
        let all = cells::statements(
            &bench.desk,
            &director(),
            &crisis.campaign,
            &crisis.servers[0],
            Stage::Exposure,
        );
        let said: Vec<String> = all
            .unwrap()
            .into_iter()
            .map(|statement| statement.detail)
            .collect();
        assert_eq!(said, ["unknown", "fixed"]);
    });
}

#[test]
fn filters_narrow_rows_and_counts_and_keep_denominators() {
    on_each_database(|bench| {
        let crisis = crisis(bench);
        say(bench, &crisis, 0, Stage::Exposure, "vulnerable");
        say(bench, &crisis, 0, Stage::Verdict, "suspected");
        say(bench, &crisis, 3, Stage::Exposure, "vulnerable");
        let check = |filter: BoardFilter, expected: &[&str]| {
            let board = whole(bench, &director(), &crisis, &filter);
            let mut found = names(&board);
            found.sort();
            assert_eq!(found, expected, "{filter:?}");
            assert_eq!(board.servers_matching, expected.len() as i64);
            assert_eq!((board.tenants_total, board.servers_total), (3, 6));
        };
        let vulnerable = BoardFilter {
            exposure: vec!["vulnerable".into()],
            ..BoardFilter::default()
        };
        check(vulnerable.clone(), &["Alpha/EX01", "Beta/EX02"]);
        check(
            BoardFilter {
                unknown: vec![Stage::Verdict],
                ..vulnerable.clone()
            },
            &["Beta/EX02"],
        );
        check(
            BoardFilter {
                verdict: vec!["suspected".into(), "compromised".into()],
                ..BoardFilter::default()
            },
            &["Alpha/EX01"],
        );
        check(
            BoardFilter {
                contract: vec![Contract::Managed, Contract::None],
                search: Some("ex01".into()),
                ..BoardFilter::default()
            },
            &["Beta/EX01", "Gamma/EX01"],
        );
        check(
            BoardFilter {
                agency: vec!["Gamma agency".into()],
                ..vulnerable
            },
            &[],
        );
    });
}

#[test]
fn the_board_comes_in_pages_in_every_order() {
    on_each_database(|bench| {
        let crisis = crisis(bench);
        say(bench, &crisis, 4, Stage::Exposure, "vulnerable");
        for (sort, expected) in [
            (Sort::Unknown, ["Alpha", "Beta", "Gamma"]),
            (Sort::Worst, ["Gamma", "Alpha", "Beta"]),
            (Sort::Deadline, ["Beta", "Alpha", "Gamma"]),
            (Sort::Name, ["Alpha", "Beta", "Gamma"]),
        ] {
            let filter = BoardFilter {
                sort: Some(sort),
                ..BoardFilter::default()
            };
            let mut page = PageRequest::first(1);
            let mut seen = Vec::new();
            loop {
                let got = board(&bench.desk, &director(), &crisis.campaign, &filter, &page).unwrap();
                seen.extend(got.tenants.items.into_iter().map(|tenant| tenant.name));
                page.cursor = got.tenants.next;
                if page.cursor.is_none() {
                    break;
                }
            }
            assert_eq!(seen, expected, "{sort}");
        }
    });
}

#[test]
fn the_clock_of_a_managed_tenant_stops_when_all_its_servers_are_closed() {
    on_each_database(|bench| {
        let crisis = crisis(bench);
        let clock = |bench: &Bench| {
            let board = whole(bench, &director(), &crisis, &BoardFilter::default());
            let beta = board
                .tenants
                .items
                .into_iter()
                .find(|tenant| tenant.name == "Beta")
                .unwrap();
            beta.clock.unwrap()
        };
        say(bench, &crisis, 2, Stage::Exposure, "fixed");
        assert_eq!(clock(bench).state, ClockState::Running);
        bench.clock.advance_seconds(47 * 3_600);
        say(bench, &crisis, 3, Stage::Exposure, "mitigated");
        assert_eq!(clock(bench).state, ClockState::Met);
        bench.clock.advance_seconds(2 * 3_600);
        assert_eq!(clock(bench).state, ClockState::Met);
        say(bench, &crisis, 3, Stage::Exposure, "vulnerable");
        assert_eq!(clock(bench).state, ClockState::Missed);
    });
}

#[test]
fn curves_tell_how_knowledge_grew() {
    on_each_database(|bench| {
        let crisis = crisis(bench);
        bench.clock.advance_seconds(3_600);
        say(bench, &crisis, 0, Stage::Exposure, "vulnerable");
        say(bench, &crisis, 1, Stage::Exposure, "fixed");
        bench.clock.advance_seconds(2 * 3_600);
        say(bench, &crisis, 0, Stage::Exposure, "fixed");
        let curves = curves(&bench.desk, &director(), &crisis.campaign).unwrap();
        let exposure: Vec<(i64, i64, i64)> = curves
            .points
            .iter()
            .filter(|point| point.stage == Stage::Exposure)
            .map(|point| (point.servers, point.known, point.yes))
            .collect();
        assert_eq!(exposure, [(6, 0, 0), (6, 2, 1), (6, 2, 1), (6, 2, 0)]);
    });
}

#[test]
fn a_new_version_of_the_pack_makes_hunts_outdated_and_their_silence_worth_nothing() {
    on_each_database(|bench| {
        let crisis = crisis(bench);
        let mut expected = BTreeMap::new();
        for (server, verdict, after) in [
            (0, "no_evidence", "unknown"),
            (1, "compromised", "compromised"),
            (2, "suspected", "suspected"),
        ] {
            say(bench, &crisis, server, Stage::Hunt, "hunted");
            say(bench, &crisis, server, Stage::Verdict, verdict);
            expected.insert(crisis.servers[server].clone(), ("outdated", after));
        }
        bench.clock.advance_seconds(60);
        let revised = campaigns::revise(&bench.desk, &director(), &crisis.campaign, 1, "1.1.0").unwrap();
        assert_eq!((revised.pack_version.as_str(), revised.revision), ("1.1.0", 2));
        for (server, (hunt, verdict)) in expected {
            let cells = cells::of_server(&bench.desk, &director(), &server).unwrap();
            let cells = &cells[&crisis.campaign];
            let word = |stage| {
                cells
                    .iter()
                    .find(|cell| cell.stage == stage)
                    .unwrap()
                    .detail
                    .as_str()
            };
            assert_eq!((word(Stage::Hunt), word(Stage::Verdict)), (hunt, verdict));
        }
        let late = campaigns::revise(&bench.desk, &director(), &crisis.campaign, 1, "1.2.0");
        assert!(matches!(late, Err(Error::Conflict { current: 2 })), "{late:?}");
    });
}

#[test]
fn servers_and_tenants_that_come_and_go_come_and_go_on_the_board() {
    on_each_database(|bench| {
        let crisis = crisis(bench);
        let desk = &bench.desk;
        let late = servers::create(
            desk,
            &director(),
            &crisis.tenants[0],
            &ServerFields::named("EX03"),
        )
        .unwrap();
        assert_eq!(
            whole(bench, &director(), &crisis, &BoardFilter::default()).servers_total,
            7
        );
        servers::set_archived(desk, &director(), &late.id, 1, true).unwrap();
        campaigns::remove_tenant(desk, &director(), &crisis.campaign, &crisis.tenants[2]).unwrap();
        let board = whole(bench, &director(), &crisis, &BoardFilter::default());
        assert_eq!((board.tenants_total, board.servers_total), (2, 4));
        let newcomer = bench.tenant("Delta");
        servers::create(desk, &director(), &newcomer, &ServerFields::named("EX01")).unwrap();
        let after = campaigns::add_tenants(desk, &director(), &crisis.campaign, &[newcomer]).unwrap();
        assert_eq!(after.tenants, 3);
        campaigns::set_closed(desk, &director(), &crisis.campaign, 1, true).unwrap();
        let said = try_say(bench, &admin(), &crisis, 0, Stage::Case, "open");
        assert!(matches!(said, Err(Error::State { .. })), "{said:?}");
    });
}

#[test]
fn strangers_see_nothing_of_a_campaign_and_others_only_their_own() {
    on_each_database(|bench| {
        let crisis = crisis(bench);
        say(bench, &crisis, 0, Stage::Verdict, "compromised");
        let desk = &bench.desk;
        let outside = bench.tenant("Outside");
        let everything = BoardFilter::default();
        for access in strangers(&outside) {
            assert_hidden(board(
                desk,
                &access,
                &crisis.campaign,
                &everything,
                &PageRequest::default(),
            ));
            assert_hidden(curves(desk, &access, &crisis.campaign));
            assert_hidden(campaigns::get(desk, &access, &crisis.campaign));
            assert_hidden(campaigns::tenants(desk, &access, &crisis.campaign));
            assert_hidden(campaigns::set_closed(desk, &access, &crisis.campaign, 1, true));
            assert_hidden(campaigns::revise(desk, &access, &crisis.campaign, 1, "2"));
            assert_hidden(campaigns::add_tenants(
                desk,
                &access,
                &crisis.campaign,
                &crisis.tenants,
            ));
            assert_hidden(campaigns::remove_tenant(
                desk,
                &access,
                &crisis.campaign,
                &crisis.tenants[0],
            ));
            assert!(
                campaigns::list(desk, &access, &PageRequest::default())
                    .unwrap()
                    .items
                    .is_empty()
            );
            assert_hidden(cells::of_server(desk, &access, &crisis.servers[0]));
            assert_hidden(cells::statements(
                desk,
                &access,
                &crisis.campaign,
                &crisis.servers[0],
                Stage::Verdict,
            ));
            assert_hidden(try_say(bench, &access, &crisis, 0, Stage::Verdict, "no_evidence"));
        }
        for access in strangers(&crisis.tenants[1])
            .into_iter()
            .take(crate::Role::ALL.len())
        {
            let board = whole(bench, &access, &crisis, &everything);
            assert_eq!(
                (board.tenants_total, board.servers_total, board.campaign.tenants),
                (1, 2, 1)
            );
            assert_eq!(counts(&board, Stage::Verdict), (2, 0, 0));
            assert_eq!(names(&board), ["Beta/EX01", "Beta/EX02"]);
            let curves = curves(desk, &access, &crisis.campaign).unwrap();
            assert!(curves.points.iter().all(|point| point.servers == 2));
        }
    });
}

#[test]
fn words_that_are_no_answers_and_rights_that_are_missing_are_refused() {
    on_each_database(|bench| {
        let crisis = crisis(bench);
        let said = try_say(bench, &admin(), &crisis, 0, Stage::Verdict, "clean");
        assert!(
            matches!(said, Err(Error::Invalid { field: "detail", .. })),
            "{said:?}"
        );
        let said = try_say(bench, &director(), &crisis, 0, Stage::Verdict, "compromised");
        assert_eq!(said.unwrap().state, Truth::Yes);
        let analyst = crate::testing::analyst();
        let said = try_say(bench, &analyst, &crisis, 0, Stage::Exposure, "fixed");
        assert!(matches!(said, Err(Error::Forbidden { .. })), "{said:?}");
    });
}

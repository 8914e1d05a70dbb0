use std::collections::BTreeMap;

use super::*;
use crate::campaigns::{self, NewCampaign};
use crate::cases::{self, CaseFilter, LinkKind};
use crate::catalogue::Scope;
use crate::cells::Stage;
use crate::db::params;
use crate::servers::{self, ServerFields};
use crate::testing::{Bench, analyst, director, on_each_database, somebody};
use crate::{
    CampaignId, Error, FindingId, HuntId, PageRequest, Role, ServerId, Severity, TenantId, TenantSet, cells,
};

struct Scene {
    tenant: TenantId,
    server: ServerId,
    campaign: CampaignId,
}

fn scene(bench: &Bench) -> Scene {
    let tenant = bench.tenant("Client");
    let server = servers::create(&bench.desk, &director(), &tenant, &ServerFields::named("EX01"))
        .unwrap()
        .id;
    let new = NewCampaign {
        title: "HAFNIUM".into(),
        pack: "hafnium-2021".into(),
        pack_version: "1".into(),
        tenants: vec![tenant.clone()],
        stale_hours: BTreeMap::new(),
    };
    let campaign = campaigns::open(&bench.desk, &director(), &new).unwrap().id;
    Scene {
        tenant,
        server,
        campaign,
    }
}

fn found(rule: &str, severity: vigie_hunt::Severity) -> vigie_hunt::Finding {
    vigie_hunt::Finding {
        id: "F1".into(),
        rule_id: rule.into(),
        title: format!("Title of {rule}"),
        statement: vigie_hunt::Text {
            en: format!("{rule} happened 100%"),
            fr: format!("{rule} est arrivé"),
        },
        severity,
        time: Some("2021-03-01T00:00:00Z".into()),
        end_time: None,
        count: 3,
        attack: vec!["T1190".into()],
        stage: "initial_access".into(),
        outcome: vigie_hunt::Outcome::Attempt,
        pack: None,
        storyline: None,
        confidence: vigie_hunt::Confidence::Strong,
        sources: std::collections::BTreeSet::from(["iis".to_owned()]),
        evidence: vec![vigie_hunt::EvidenceLine {
            path: "u_ex210301.log".into(),
            record: None,
            line: Some(12),
            time: None,
            excerpt: "c-ip=203.0.113.45".into(),
            fields: BTreeMap::from([("c-ip".to_owned(), "203.0.113.45".to_owned())]),
        }],
    }
}

fn keep(bench: &Bench, scene: &Scene, findings: &[vigie_hunt::Finding]) -> Changes {
    bench
        .desk
        .write(|tx| {
            let hunt = HuntId::new(tx.now, tx.entropy);
            let place = Place {
                tenant: &scene.tenant,
                server: &scene.server,
                campaign: &scene.campaign,
                hunt: &hunt,
                basis: "hunt x",
            };
            put_all(tx, &place, findings)
        })
        .unwrap()
}

/// So many findings of one rule on one server; gives one of them.
pub(crate) fn many_of_one_server(bench: &Bench, desk: &crate::Desk, many: i64) -> Finding {
    let scene = scene(bench);
    keep(bench, &scene, &[found("r", vigie_hunt::Severity::High)]);
    let first = all(bench, &FindingFilter::default()).remove(0);
    desk.write(|tx| {
        for _ in 1..many {
            let id = FindingId::new(tx.now, tx.entropy);
            tx.execute(
                "INSERT INTO finding (id, tenant_id, server_id, campaign_id, hunt_id, basis, fingerprint, rule_id, title, \
                 statement_en, statement_fr, severity, rank, outcome, stage, attack, count, state, reason, found_at, revision) \
                 SELECT $2, tenant_id, server_id, campaign_id, hunt_id, basis, $2, rule_id, title, statement_en, \
                 statement_fr, severity, rank, outcome, stage, attack, count, state, reason, found_at, revision \
                 FROM finding WHERE id = $1",
                params![&first.id, &id],
            )?;
        }
        Ok(())
    })
    .unwrap();
    first
}

fn all(bench: &Bench, filter: &FindingFilter) -> Vec<Finding> {
    list(&bench.desk, &analyst(), filter, &PageRequest::default())
        .unwrap()
        .0
        .items
}

#[test]
fn the_queue_is_worst_first_in_pages_and_filtered() {
    on_each_database(|bench| {
        let scene = scene(bench);
        for (index, severity) in [
            vigie_hunt::Severity::Low,
            vigie_hunt::Severity::Critical,
            vigie_hunt::Severity::Medium,
            vigie_hunt::Severity::Critical,
            vigie_hunt::Severity::High,
        ]
        .into_iter()
        .enumerate()
        {
            bench.clock.advance_seconds(1);
            bench
                .desk
                .write(|tx| {
                    let hunt = HuntId::new(tx.now, tx.entropy);
                    let place = Place {
                        tenant: &scene.tenant,
                        server: &scene.server,
                        campaign: &scene.campaign,
                        hunt: &hunt,
                        basis: &format!("hunt {index}"),
                    };
                    put_all(tx, &place, &[found(&format!("r{index}"), severity)])
                })
                .unwrap();
        }
        let mut page = PageRequest::first(2);
        let mut rules = Vec::new();
        loop {
            let (got, total) = list(&bench.desk, &analyst(), &FindingFilter::default(), &page).unwrap();
            assert_eq!((total.count, total.at_least), (5, false));
            rules.extend(got.items.into_iter().map(|one| one.rule_id));
            page.cursor = got.next;
            if page.cursor.is_none() {
                break;
            }
        }
        assert_eq!(rules, ["r1", "r3", "r4", "r2", "r0"]);
        let severe = FindingFilter {
            severity: Some(Severity::High),
            search: Some("HAPPENED 100%".into()),
            ..FindingFilter::default()
        };
        assert_eq!(all(bench, &severe).len(), 3);
        assert_eq!(
            all(
                bench,
                &FindingFilter {
                    rule_id: Some("r2".into()),
                    ..Default::default()
                }
            )
            .len(),
            1
        );
    });
}

#[test]
fn a_search_looks_through_so_many_for_a_page_and_finds_all_in_the_end() {
    on_each_database(|bench| {
        let scene = scene(bench);
        let all: Vec<vigie_hunt::Finding> = (0..23)
            .map(|number| found(&format!("rule {}", number % 7), vigie_hunt::Severity::High))
            .collect();
        keep(bench, &scene, &all);
        let search = FindingFilter {
            search: Some("rule 3 happened".into()),
            ..FindingFilter::default()
        };
        let mut page = PageRequest::first(2);
        let (mut seen, mut pages) = (Vec::new(), 0);
        loop {
            let (got, total) = list::list_through(&bench.desk, &analyst(), &search, &page, 4).unwrap();
            seen.extend(got.items.into_iter().map(|one| one.id));
            pages += 1;
            // What is not looked through yet is not counted, and that is said.
            assert_eq!(total.at_least, got.next.is_some());
            assert!(total.count as usize >= seen.len());
            page.cursor = got.next;
            if page.cursor.is_none() {
                assert_eq!(total.count, 3);
                break;
            }
        }
        assert_eq!(seen.len(), 3);
        assert!(pages >= 6, "{pages}");
        seen.dedup();
        assert_eq!(seen.len(), 3, "each once");
        let (whole, total) = list(&bench.desk, &analyst(), &search, &PageRequest::first(2)).unwrap();
        assert_eq!(whole.items.len(), 2);
        assert_eq!((total.count, total.at_least), (3, false));
        page.cursor = whole.next;
        let (rest, total) = list(&bench.desk, &analyst(), &search, &page).unwrap();
        assert_eq!((rest.items.len(), rest.next), (1, None));
        assert_eq!((total.count, total.at_least), (3, false));
        // A place in one kind of list is none in the other.
        let plain = list(&bench.desk, &analyst(), &FindingFilter::default(), &page);
        assert!(
            matches!(plain, Err(Error::Invalid { field: "cursor", .. })),
            "{plain:?}"
        );
    });
}

#[test]
fn a_search_of_who_sees_some_tenants_finds_and_counts_theirs() {
    on_each_database(|bench| {
        let scene = scene(bench);
        keep(bench, &scene, &[found("shared", vigie_hunt::Severity::High)]);
        let other = bench.tenant("Other");
        let server = servers::create(&bench.desk, &director(), &other, &ServerFields::named("EX02"))
            .unwrap()
            .id;
        let foreign = Scene {
            tenant: other,
            server,
            campaign: scene.campaign.clone(),
        };
        let theirs: Vec<vigie_hunt::Finding> = (0..9)
            .map(|_| found("shared", vigie_hunt::Severity::Critical))
            .collect();
        keep(bench, &foreign, &theirs);
        let search = FindingFilter {
            search: Some("SHARED".into()),
            ..FindingFilter::default()
        };
        let local = somebody(
            "l",
            Role::SocAnalyst,
            TenantSet::Only([scene.tenant.clone()].into()),
        );
        // Nothing of the others is looked through on the way: the first page is the whole answer.
        let (page, total) =
            list::list_through(&bench.desk, &local, &search, &PageRequest::default(), 2).unwrap();
        assert_eq!((page.items.len(), page.next), (1, None));
        assert_eq!((total.count, total.at_least), (1, false));
        assert_eq!(all(bench, &search).len(), 10);
    });
}

#[test]
fn what_was_found_before_searches_had_a_text_of_their_own_is_found_too() {
    on_each_database(|bench| {
        let scene = scene(bench);
        let mut one = found("ÉTÉ", vigie_hunt::Severity::High);
        one.statement.fr = "Requête ÉTRANGE\u{a0}: à voir".into();
        keep(bench, &scene, &[one]);
        let all = crate::db::migrate::MIGRATIONS;
        let (_, migration) = all.iter().find(|(name, _)| *name == "search").unwrap();
        let (_, update) = migration.split_once("UPDATE finding").unwrap();
        let kept = |desk: &crate::Desk| -> String {
            desk.read(|tx| {
                let row = tx.one("SELECT search_text FROM finding", &[])?;
                row.unwrap().reader().get()
            })
            .unwrap()
        };
        let made = kept(&bench.desk);
        assert!(made.contains("requête étrange"), "{made}");
        bench
            .desk
            .write(|tx| {
                tx.execute("UPDATE finding SET search_text = ''", &[])?;
                tx.execute(&format!("UPDATE finding{update}"), &[])
            })
            .unwrap();
        assert_eq!(kept(&bench.desk), made);
    });
}

#[test]
fn what_is_found_again_stays_what_it_is_and_what_is_not_is_gone() {
    on_each_database(|bench| {
        let scene = scene(bench);
        let (one, two) = (
            found("one", vigie_hunt::Severity::High),
            found("two", vigie_hunt::Severity::High),
        );
        let changes = keep(bench, &scene, &[one.clone(), one.clone(), two.clone()]);
        assert_eq!(
            (changes.new, changes.known, changes.gone),
            (3, 0, 0),
            "twice the same is two"
        );
        let mut worse = one.clone();
        worse.severity = vigie_hunt::Severity::Critical;
        worse.count = 9;
        let changes = keep(bench, &scene, &[worse, one.clone()]);
        assert_eq!((changes.new, changes.known, changes.gone), (0, 2, 1));
        let left = all(bench, &FindingFilter::default());
        assert_eq!(
            left.iter()
                .map(|one| (one.severity, one.count))
                .collect::<Vec<_>>(),
            [(Severity::Critical, 9), (Severity::High, 3)]
        );
        let with_gone = FindingFilter {
            gone: true,
            ..FindingFilter::default()
        };
        assert_eq!(all(bench, &with_gone).len(), 3);
        let changes = keep(bench, &scene, &[one.clone(), one, two]);
        assert_eq!((changes.new, changes.known), (0, 3));
        assert_eq!(all(bench, &FindingFilter::default()).len(), 3);
    });
}

#[test]
fn escalating_makes_a_case_or_joins_one() {
    on_each_database(|bench| {
        let scene = scene(bench);
        keep(
            bench,
            &scene,
            &[
                found("one", vigie_hunt::Severity::High),
                found("two", vigie_hunt::Severity::Low),
            ],
        );
        let these = all(bench, &FindingFilter::default());
        let escalate = |case_id| Decision::Escalate {
            case_id,
            reason: String::new(),
        };
        let first = decide(&bench.desk, &analyst(), &these[0].id, 1, &escalate(None)).unwrap();
        assert_eq!(first.state, FindingState::Escalated);
        let cases = cases::list(
            &bench.desk,
            &analyst(),
            &CaseFilter::default(),
            &PageRequest::default(),
        )
        .unwrap();
        let case = &cases.items[0];
        assert_eq!(
            (case.number, case.fields.title.as_str()),
            (1, "EX01\u{a0}: one est arrivé")
        );
        decide(
            &bench.desk,
            &analyst(),
            &these[1].id,
            1,
            &escalate(Some(case.id.clone())),
        )
        .unwrap();
        let links = cases::links(&bench.desk, &analyst(), &case.id).unwrap();
        assert_eq!(links.len(), 2);
        assert!(links.iter().all(|link| link.kind == LinkKind::Finding));
        let cells = cells::of_server(&bench.desk, &analyst(), &scene.server).unwrap();
        let cell = cells[&scene.campaign]
            .iter()
            .find(|cell| cell.stage == Stage::Case)
            .unwrap();
        assert_eq!(cell.detail, "open");
    });
}

#[test]
fn two_do_not_decide_at_once_and_many_are_decided_each_by_itself() {
    on_each_database(|bench| {
        let scene = scene(bench);
        keep(
            bench,
            &scene,
            &[
                found("one", vigie_hunt::Severity::High),
                found("two", vigie_hunt::Severity::Low),
            ],
        );
        let these = all(bench, &FindingFilter::default());
        let accept = Decision::Accept {
            reason: String::new(),
        };
        decide(&bench.desk, &analyst(), &these[0].id, 1, &accept).unwrap();
        let results = decide_many(
            &bench.desk,
            &analyst(),
            &[(these[0].id.clone(), 1), (these[1].id.clone(), 1)],
            &accept,
        )
        .unwrap();
        assert!(matches!(results[0], Err(Error::Conflict { current: 2 })));
        assert_eq!(results[1].as_ref().unwrap().state, FindingState::Accepted);
    });
}

#[test]
fn a_dismissal_says_why_where_and_until_when() {
    on_each_database(|bench| {
        let scene = scene(bench);
        keep(bench, &scene, &[found("one", vigie_hunt::Severity::High)]);
        let one = &all(bench, &FindingFilter::default())[0];
        let dismiss = |reason: &str, scope, days, fields: &[(&str, &str)]| Decision::Dismiss {
            reason: reason.into(),
            scope,
            expires_at: bench.desk.now().plus_days(days),
            fields: fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        };
        let try_it =
            |access: &crate::Access, decision: &Decision| decide(&bench.desk, access, &one.id, 1, decision);
        let address = [("c-ip", "203.0.113.45")];
        for (decision, field) in [
            (dismiss("", Scope::Server, 30, &[]), "reason"),
            (dismiss("a scanner", Scope::Server, 0, &[]), "expires_at"),
            (dismiss("a scanner", Scope::Server, 1_000, &[]), "expires_at"),
            (dismiss("a scanner", Scope::Tenant, 30, &[]), "fields"),
            (dismiss("a scanner", Scope::All, 30, &[]), "fields"),
            (
                dismiss("a scanner", Scope::Tenant, 30, &[("c-ip|nonsense", "x")]),
                "fields",
            ),
        ] {
            let refused = try_it(&analyst(), &decision);
            assert!(
                matches!(&refused, Err(Error::Invalid { field: which, .. }) if *which == field),
                "{refused:?}"
            );
        }
        // Whoever sees one tenant does not decide for all.
        let local = somebody(
            "l",
            Role::SocAnalyst,
            TenantSet::Only([scene.tenant.clone()].into()),
        );
        assert!(matches!(
            try_it(&local, &dismiss("a scanner", Scope::All, 30, &address)),
            Err(Error::Forbidden { .. })
        ));
        let done = try_it(&local, &dismiss("a scanner", Scope::Tenant, 30, &address)).unwrap();
        assert!(done.dismissal_id.is_some());
    });
}

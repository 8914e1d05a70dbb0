use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;

use super::*;
use crate::audit::{self, JournalFilter};
use crate::catalogue::{self, Scope};
use crate::cells::{self, Stage};
use crate::db::params;
use crate::findings::{self, Decision, Finding, FindingState};
use crate::hunts::tests::{Scene, all_findings, ask as ask_hunt, logs, scene, send, word, work, zip};
use crate::hunts::{self, NewHunt};
use crate::jobs::{self, JobFilter, JobState};
use crate::servers::{self, ServerFields};
use crate::testing::{Bench, analyst, director, on_each_database, somebody};
use crate::worker::{Handler, run_one};
use crate::{Access, DismissalId, PageRequest, Role, TenantId, TenantSet, campaigns, maintenance};

/// A hunt of the logs of an attack, done.
fn hunted(bench: &Bench, scene: &Scene) {
    let evidence = send(bench, scene, Some(&scene.server), "logs.zip", &zip(&logs(true)));
    ask_hunt(bench, scene, &evidence);
    assert_eq!(work(bench).state, JobState::Done);
}

/// The same at another tenant, in the same campaign.
fn other_client(bench: &Bench, scene: &Scene) -> Scene {
    let other = enter_other_client(bench, scene);
    hunted(bench, &other);
    other
}

/// Another tenant of the campaign, of whom nothing was hunted.
fn enter_other_client(bench: &Bench, scene: &Scene) -> Scene {
    let tenant = bench.tenant("Other");
    let server = servers::create(&bench.desk, &director(), &tenant, &ServerFields::named("EX01"))
        .unwrap()
        .id;
    campaigns::add_tenants(
        &bench.desk,
        &director(),
        &scene.campaign,
        std::slice::from_ref(&tenant),
    )
    .unwrap();
    Scene {
        tenant,
        server,
        campaign: scene.campaign.clone(),
    }
}

/// Does all jobs of this kind that wait.
fn judge(bench: &Bench) -> u64 {
    let handlers: [&dyn Handler; 1] = [&RejudgeHandler];
    let mut done = 0;
    while let Some(job) = run_one(&bench.desk, "w1", &handlers, &AtomicBool::new(false)).unwrap() {
        assert_eq!(job.state, JobState::Done, "{:?}", job.error);
        done += 1;
    }
    done
}

fn of(bench: &Bench, tenant: &TenantId) -> Vec<Finding> {
    all_findings(bench)
        .into_iter()
        .filter(|one| one.tenant_id == *tenant)
        .collect()
}

fn dismissal(bench: &Bench, finding: &Finding, scope: Scope) -> Decision {
    let lines = findings::lines(&bench.desk, &analyst(), &finding.id).unwrap();
    let (field, value) = ["ClientIpAddress", "c-ip"]
        .iter()
        .find_map(|name| Some((*name, lines[0].fields.get(*name)?)))
        .expect("an address");
    Decision::Dismiss {
        reason: "our own scanner at Client".into(),
        scope,
        expires_at: bench.desk.now().plus_days(90),
        fields: BTreeMap::from([(field.to_owned(), value.clone())]),
    }
}

/// Dismisses all findings of a tenant; gives the entries.
fn dismiss_all(bench: &Bench, tenant: &TenantId, scope: Scope) -> Vec<DismissalId> {
    of(bench, tenant)
        .iter()
        .map(|one| {
            let decision = dismissal(bench, one, scope);
            let done = findings::decide(&bench.desk, &director(), &one.id, one.revision, &decision).unwrap();
            done.dismissal_id.unwrap()
        })
        .collect()
}

fn journal(bench: &Bench, access: &Access, action: &str) -> Vec<audit::Entry> {
    let filter = JournalFilter {
        action: Some(action.into()),
        ..JournalFilter::default()
    };
    audit::list(&bench.desk, access, &filter, &PageRequest::first(1000))
        .unwrap()
        .items
}

fn within(tenant: &TenantId) -> Access {
    let only = TenantSet::Only(BTreeSet::from([tenant.clone()]));
    somebody("robin", Role::SocAnalyst, only)
}

#[test]
fn what_is_dismissed_for_all_is_judged_anew_where_it_is_stored_and_undone_when_revoked() {
    on_each_database(|bench| {
        let scene = scene(bench);
        hunted(bench, &scene);
        let other = other_client(bench, &scene);
        let verdict = word(bench, &other, Stage::Verdict);
        assert!(
            ["compromised", "suspected", "attempted"].contains(&verdict.as_str()),
            "{verdict}"
        );

        bench.clock.advance_seconds(60);
        let entries = dismiss_all(bench, &scene.tenant, Scope::All);
        assert!(
            of(bench, &other.tenant)
                .iter()
                .all(|one| one.state == FindingState::New)
        );
        assert!(judge(bench) > 0);
        let covered = of(bench, &other.tenant);
        assert!(!covered.is_empty());
        for one in &covered {
            assert_eq!(one.state, FindingState::Dismissed, "{one:?}");
            assert!(one.covered_by.as_ref().is_some_and(|id| entries.contains(id)));
            assert_eq!(
                one.decided_by.as_deref(),
                Some("SOC"),
                "not who, of another client"
            );
            assert_eq!(one.reason, "", "what its entry is called is all that is told");
            assert_eq!(one.dismissal_id, None, "it is not theirs to revoke");
        }
        // The logs do not cover the window: nothing is left, and that says nothing.
        for scene in [&scene, &other] {
            assert_eq!(word(bench, scene, Stage::Verdict), "unknown");
        }
        // Each in its own chain, and of the other client nothing.
        let told = journal(bench, &within(&other.tenant), "server.rejudge");
        assert!(!told.is_empty());
        for entry in &told {
            assert_eq!(entry.chain, other.tenant.to_string());
            assert_eq!(entry.subject.id, other.server.to_string());
            let text = format!("{} {}", entry.text, entry.details);
            assert!(
                !text.contains(scene.tenant.as_str()) && !text.contains("scanner"),
                "{text}"
            );
        }
        let last = told
            .iter()
            .find(|entry| !entry.details["verdict"].is_null())
            .unwrap();
        assert_eq!(last.details["verdict"]["after"], "unknown");
        // The jobs of an entry for all are nobody's who is for one client only.
        assert!(
            jobs::list(
                &bench.desk,
                &within(&other.tenant),
                &JobFilter {
                    kind: Some(KIND.into()),
                    ..Default::default()
                },
                &PageRequest::default()
            )
            .unwrap()
            .items
            .is_empty()
        );

        bench.clock.advance_seconds(60);
        for id in &entries {
            catalogue::revoke(&bench.desk, &director(), id).unwrap();
        }
        judge(bench);
        for scene in [&scene, &other] {
            assert_eq!(word(bench, scene, Stage::Verdict), verdict);
            for one in of(bench, &scene.tenant) {
                assert_eq!(
                    (one.state, one.covered_by, one.dismissal_id),
                    (FindingState::New, None, None)
                );
            }
        }
        assert!(audit::verify(&bench.desk, &director()).unwrap().sound);
    });
}

#[test]
fn an_entry_of_one_client_is_not_applied_to_another_and_ends_by_itself() {
    on_each_database(|bench| {
        let scene = scene(bench);
        hunted(bench, &scene);
        let other = other_client(bench, &scene);
        let verdict = word(bench, &scene, Stage::Verdict);
        dismiss_all(bench, &scene.tenant, Scope::Tenant);
        judge(bench);
        assert_eq!(word(bench, &scene, Stage::Verdict), "unknown");
        assert_eq!(word(bench, &other, Stage::Verdict), verdict);
        assert!(
            of(bench, &other.tenant)
                .iter()
                .all(|one| one.state == FindingState::New)
        );
        let filter = JobFilter {
            kind: Some(KIND.into()),
            ..JobFilter::default()
        };
        let seen = |access: &Access| {
            jobs::list(&bench.desk, access, &filter, &PageRequest::default())
                .unwrap()
                .items
                .len()
        };
        assert!(seen(&within(&scene.tenant)) > 0);
        assert_eq!(seen(&within(&other.tenant)), 0);

        assert_eq!(maintenance::run(&bench.desk).unwrap().dismissals, 0);
        bench.clock.advance_seconds(91 * 24 * 3_600);
        assert!(maintenance::run(&bench.desk).unwrap().dismissals > 0);
        assert_eq!(maintenance::run(&bench.desk).unwrap().dismissals, 0, "once");
        judge(bench);
        assert_eq!(word(bench, &scene, Stage::Verdict), verdict);
        assert!(
            of(bench, &scene.tenant)
                .iter()
                .all(|one| one.state == FindingState::New)
        );
        assert!(!journal(bench, &within(&scene.tenant), "dismissal.expire").is_empty());
    });
}

#[test]
fn what_people_decided_stays_theirs() {
    on_each_database(|bench| {
        let scene = scene(bench);
        hunted(bench, &scene);
        let other = other_client(bench, &scene);
        let verdict = word(bench, &other, Stage::Verdict);
        for one in of(bench, &other.tenant) {
            let accept = Decision::Accept {
                reason: "it is real".into(),
            };
            findings::decide(&bench.desk, &analyst(), &one.id, one.revision, &accept).unwrap();
        }
        bench.clock.advance_seconds(60);
        dismiss_all(bench, &scene.tenant, Scope::All);
        judge(bench);
        assert!(
            of(bench, &other.tenant)
                .iter()
                .all(|one| one.state == FindingState::Accepted)
        );
        assert_eq!(word(bench, &other, Stage::Verdict), verdict);

        // Taken back by somebody who knows the entry: it stays open, however often it is judged.
        bench.clock.advance_seconds(60);
        for one in of(bench, &other.tenant) {
            let back = Decision::TakeBack {
                reason: "look again".into(),
            };
            findings::decide(&bench.desk, &analyst(), &one.id, one.revision, &back).unwrap();
            bench
                .desk
                .write(|tx| ask(tx, &director(), &one.rule_id, None))
                .unwrap();
        }
        judge(bench);
        assert!(
            of(bench, &other.tenant)
                .iter()
                .all(|one| one.state == FindingState::New)
        );
    });
}

#[test]
fn accepting_what_the_catalogue_covers_makes_it_count_again() {
    on_each_database(|bench| {
        let scene = scene(bench);
        hunted(bench, &scene);
        let other = other_client(bench, &scene);
        let verdict = word(bench, &other, Stage::Verdict);
        dismiss_all(bench, &scene.tenant, Scope::All);
        judge(bench);
        assert_eq!(word(bench, &other, Stage::Verdict), "unknown");
        // By somebody who is for that client only, and may not touch the entry.
        for one in of(bench, &other.tenant) {
            let accept = Decision::Accept {
                reason: "not here".into(),
            };
            let done = findings::decide(
                &bench.desk,
                &within(&other.tenant),
                &one.id,
                one.revision,
                &accept,
            )
            .unwrap();
            assert_eq!(done.covered_by, None);
        }
        assert_eq!(word(bench, &other, Stage::Verdict), verdict);
        assert_eq!(
            word(bench, &scene, Stage::Verdict),
            "unknown",
            "the entry holds elsewhere"
        );
    });
}

#[test]
fn of_more_events_than_were_kept_nothing_is_known() {
    on_each_database(|bench| {
        let scene = scene(bench);
        hunted(bench, &scene);
        let other = other_client(bench, &scene);
        bench
            .desk
            .write(|tx| {
                tx.execute(
                    "UPDATE finding SET count = 1000 WHERE tenant_id = $1",
                    params![&other.tenant],
                )
            })
            .unwrap();
        let verdict = word(bench, &other, Stage::Verdict);
        dismiss_all(bench, &scene.tenant, Scope::All);
        judge(bench);
        assert!(
            of(bench, &other.tenant)
                .iter()
                .all(|one| one.state == FindingState::New)
        );
        assert_eq!(word(bench, &other, Stage::Verdict), verdict);
        let told = journal(bench, &within(&other.tenant), "server.rejudge");
        assert!(told[0].details["undecided"].as_u64().unwrap() > 0);
    });
}

#[test]
fn a_hunt_that_hid_something_is_outdated_when_the_entry_ends() {
    on_each_database(|bench| {
        let scene = scene(bench);
        hunted(bench, &scene);
        let verdict = word(bench, &scene, Stage::Verdict);
        let entries = dismiss_all(bench, &scene.tenant, Scope::Tenant);
        judge(bench);
        hunts::rehunt(&bench.desk, &analyst(), &scene.campaign).unwrap();
        assert_eq!(work(bench).state, JobState::Done);
        assert_eq!(word(bench, &scene, Stage::Hunt), "hunted");
        // As if the logs had covered everything.
        bench
            .desk
            .write(|tx| {
                tx.execute(
                    "UPDATE hunt_server SET sees_all = 1, verdict = 'no_evidence'",
                    &[],
                )?;
                let basis: String = tx
                    .one("SELECT basis FROM hunt LIMIT 1", &[])?
                    .unwrap()
                    .reader()
                    .get()?;
                let campaign = campaigns::find(tx, &director(), &scene.campaign)?;
                let put = cells::Put {
                    campaign: &scene.campaign,
                    tenant: &scene.tenant,
                    server: &scene.server,
                    stage: Stage::Verdict,
                    detail: "no_evidence",
                    basis: &basis,
                    as_of: tx.now,
                    proof: serde_json::json!({}),
                };
                cells::put(tx, &Access::system("test"), &campaign, &put)
            })
            .unwrap();
        assert_eq!(word(bench, &scene, Stage::Verdict), "no_evidence");
        bench.clock.advance_seconds(60);
        for id in &entries {
            catalogue::revoke(&bench.desk, &director(), id).unwrap();
        }
        judge(bench);
        assert_eq!(word(bench, &scene, Stage::Hunt), "outdated");
        assert_eq!(word(bench, &scene, Stage::Verdict), "unknown");
        let recorded = journal(bench, &director(), "server.rejudge").len();
        let rule = bench
            .desk
            .read(|tx| {
                tx.one("SELECT rule_id FROM dismissal", &[])?
                    .unwrap()
                    .reader()
                    .get::<String>()
            })
            .unwrap();
        bench
            .desk
            .write(|tx| ask(tx, &director(), &rule, Some(&scene.tenant)))
            .unwrap();
        judge(bench);
        assert_eq!(
            journal(bench, &director(), "server.rejudge").len(),
            recorded,
            "said once"
        );
        bench.clock.advance_seconds(60);
        hunts::rehunt(&bench.desk, &analyst(), &scene.campaign).unwrap();
        assert_eq!(work(bench).state, JobState::Done);
        assert_eq!(word(bench, &scene, Stage::Hunt), "hunted");
        assert_eq!(word(bench, &scene, Stage::Verdict), verdict);
    });
}

#[test]
fn an_entry_made_while_a_hunt_runs_holds_for_what_it_finds() {
    on_each_database(|bench| {
        let scene = scene(bench);
        hunted(bench, &scene);
        let other = enter_other_client(bench, &scene);
        let evidence = send(bench, &other, Some(&other.server), "logs.zip", &zip(&logs(true)));
        let new = NewHunt {
            campaign_id: other.campaign.clone(),
            evidence: vec![evidence],
        };
        hunts::start(&bench.desk, &analyst(), &new).unwrap();
        let claim = jobs::claim(&bench.desk, "w", &[hunts::KIND], 60)
            .unwrap()
            .unwrap();
        let outcome = hunts::HuntHandler { threads: 1 }.run(&bench.desk, &claim.job, &Default::default());
        let crate::worker::Outcome::Done(mut keep) = outcome else {
            panic!("it is done")
        };
        dismiss_all(bench, &scene.tenant, Scope::All);
        judge(bench);
        jobs::complete_with(&bench.desk, &claim, |tx| keep(tx)).unwrap();
        let found = of(bench, &other.tenant);
        assert!(!found.is_empty() && found.iter().all(|one| one.state == FindingState::Dismissed));
        assert_eq!(word(bench, &other, Stage::Verdict), "unknown");
    });
}

#[test]
fn what_was_judged_before_a_new_start_is_settled_and_told() {
    on_each_database(|bench| {
        let all = AT_ONCE + 10;
        let first = findings::tests::many_of_one_server(bench, &bench.desk, all as i64);
        let everything = Decision::Dismiss {
            reason: "a scanner of ours".into(),
            scope: Scope::Server,
            expires_at: bench.desk.now().plus_days(1),
            fields: BTreeMap::new(),
        };
        findings::decide(&bench.desk, &director(), &first.id, first.revision, &everything).unwrap();
        let claim = jobs::claim(&bench.desk, "w1", &[KIND], 60).unwrap().unwrap();
        let step = || {
            bench
                .desk
                .write(|tx| handler::step(tx, &claim.job, &first.rule_id))
                .unwrap()
                .0
        };
        step();
        // Somebody asks again before the server's last findings are judged.
        let tenant = claim.job.tenant_id.clone();
        bench
            .desk
            .write(|tx| ask(tx, &Access::system("test"), &first.rule_id, tenant.as_ref()))
            .unwrap();
        while step() != handler::Phase::End {}
        let told = journal(bench, &director(), "server.rejudge");
        let covered: u64 = told
            .iter()
            .map(|one| one.details["covered"].as_u64().unwrap())
            .sum();
        // The one that was decided on is dismissed, not covered.
        assert!(covered as usize >= all - 1, "{covered} of {all} told");
    });
}

#[test]
fn it_goes_on_where_a_killed_worker_was_and_begins_anew_when_the_catalogue_changes() {
    on_each_database(|bench| {
        let first = findings::tests::many_of_one_server(bench, &bench.desk, 2 * AT_ONCE as i64 + 10);
        let everything = Decision::Dismiss {
            reason: "a scanner of ours".into(),
            scope: Scope::Server,
            expires_at: bench.desk.now().plus_days(1),
            fields: BTreeMap::new(),
        };
        let done =
            findings::decide(&bench.desk, &director(), &first.id, first.revision, &everything).unwrap();
        let claim = jobs::claim(&bench.desk, "w1", &[KIND], 60).unwrap().unwrap();
        bench
            .desk
            .write(|tx| handler::step(tx, &claim.job, &first.rule_id))
            .unwrap();
        let count = |what: &str| -> i64 {
            let sql = format!("SELECT COUNT(*) FROM finding WHERE {what}");
            bench
                .desk
                .read(|tx| tx.one(&sql, &[])?.unwrap().reader().get())
                .unwrap()
        };
        assert_eq!(count("covered_by IS NOT NULL") as usize, AT_ONCE);
        // The worker dies; another has it, and the first is refused should it come back.
        bench.clock.advance_seconds(61);
        let again = jobs::claim(&bench.desk, "w2", &[KIND], 60).unwrap().unwrap();
        assert_eq!(again.job.id, claim.job.id);
        assert!(
            bench
                .desk
                .write(|tx| handler::step(tx, &claim.job, &first.rule_id))
                .is_err()
        );
        bench
            .desk
            .write(|tx| handler::step(tx, &again.job, &first.rule_id))
            .unwrap();
        assert_eq!(count("covered_by IS NOT NULL") as usize, 2 * AT_ONCE);
        // The entry is revoked before the end: it begins anew and undoes what it did.
        catalogue::revoke(&bench.desk, &director(), &done.dismissal_id.unwrap()).unwrap();
        while bench
            .desk
            .write(|tx| handler::step(tx, &again.job, &first.rule_id))
            .unwrap()
            .0
            != handler::Phase::End
        {}
        assert_eq!(count("covered_by IS NOT NULL"), 0);
        assert_eq!(count("state = 'dismissed'"), 0);
        jobs::complete(&bench.desk, &again, &serde_json::json!({})).unwrap();
        assert_eq!(judge(bench), 0, "one job did all of it");
    });
}

#[test]
fn what_is_asked_for_anew_at_the_very_end_is_done_and_uses_up_no_attempt() {
    on_each_database(|bench| {
        let first = findings::tests::many_of_one_server(bench, &bench.desk, 5);
        let everything = Decision::Dismiss {
            reason: "a scanner of ours".into(),
            scope: Scope::Server,
            expires_at: bench.desk.now().plus_days(1),
            fields: BTreeMap::new(),
        };
        findings::decide(&bench.desk, &director(), &first.id, first.revision, &everything).unwrap();
        for _ in 0..3 {
            let claim = jobs::claim(&bench.desk, "w1", &[KIND], 60).unwrap().unwrap();
            assert_eq!(claim.job.attempts, 1);
            let outcome = RejudgeHandler.run(&bench.desk, &claim.job, &Default::default());
            let crate::worker::Outcome::Done(mut keep) = outcome else {
                panic!("it is done")
            };
            // It has judged everything, and not ended yet.
            let tenant = claim.job.tenant_id.clone();
            bench
                .desk
                .write(|tx| ask(tx, &Access::system("test"), &first.rule_id, tenant.as_ref()))
                .unwrap();
            let job = jobs::complete_with(&bench.desk, &claim, |tx| keep(tx)).unwrap();
            assert_eq!((job.state, job.attempts), (JobState::Queued, 0));
        }
        let handlers: [&dyn Handler; 1] = [&RejudgeHandler];
        let job = run_one(&bench.desk, "w1", &handlers, &AtomicBool::new(false))
            .unwrap()
            .expect("without any wait");
        assert_eq!((job.state, job.attempts), (JobState::Done, 1));
    });
}

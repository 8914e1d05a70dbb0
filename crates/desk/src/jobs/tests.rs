use std::collections::BTreeSet;
use std::sync::Mutex;

use serde_json::json;

use super::*;
use crate::testing::{Bench, analyst, assert_hidden, on_each_database, strangers};
use crate::{Desk, Error, PageRequest, TenantId, Verb};

fn new(tenant: &TenantId, kind: &str) -> NewJob {
    NewJob {
        kind: kind.into(),
        tenant_id: Some(tenant.clone()),
        campaign_id: None,
        payload: json!({"n": 1}),
        dedupe: None,
        priority: 0,
        most_attempts: 3,
        verb: Verb::Hunt,
    }
}

fn put(bench: &Bench, tenant: &TenantId, kind: &str) -> Job {
    enqueue(&bench.desk, &analyst(), &new(tenant, kind)).unwrap()
}

fn next(desk: &Desk, worker: &str) -> Option<Claim> {
    claim(desk, worker, &["work"], 30).unwrap()
}

fn kinds(bench: &Bench, job: &Job) -> Vec<String> {
    let all = events(&bench.desk, &analyst(), &job.id, 0).unwrap();
    all.into_iter().map(|event| event.kind).collect()
}

#[test]
fn a_job_is_claimed_done_and_told_of() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let tenant = bench.tenant("Client");
        put(bench, &tenant, "other work");
        let job = put(bench, &tenant, "work");
        let claim = next(desk, "w1").unwrap();
        assert_eq!((&claim.job.id, claim.job.attempts), (&job.id, 1));
        assert!(next(desk, "w2").is_none());
        let progress = Progress {
            phase: "hunting".into(),
            done: 5,
            total: 10,
        };
        assert_eq!(heartbeat(desk, &claim, &progress).unwrap(), Beat::Go);
        assert_eq!(get(desk, &analyst(), &job.id).unwrap().progress, progress);
        let done = complete(desk, &claim, &json!({"findings": 3})).unwrap();
        assert_eq!(
            (done.state, done.result),
            (JobState::Done, Some(json!({"findings": 3})))
        );
        assert_eq!(kinds(bench, &job), ["queued", "started", "done"]);
        assert!(complete(desk, &claim, &json!({})).is_err(), "once");
    });
}

#[test]
fn what_fails_is_tried_again_later_and_given_up_in_the_end() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let job = put(bench, &bench.tenant("Client"), "work");
        for (attempt, wait) in [(1, 10), (2, 40)] {
            let claim = next(desk, "w1").unwrap();
            assert_eq!(claim.job.attempts, attempt);
            assert_eq!(
                fail(desk, &claim, "no luck", false).unwrap().state,
                JobState::Queued
            );
            bench.clock.advance_seconds(wait - 1);
            assert!(next(desk, "w1").is_none(), "not before its time");
            bench.clock.advance_seconds(1);
        }
        let claim = next(desk, "w1").unwrap();
        let failed = fail(desk, &claim, "no luck", false).unwrap();
        assert_eq!(
            (failed.state, failed.error.as_deref()),
            (JobState::Failed, Some("no luck"))
        );
        let again = retry(desk, &analyst(), &job.id).unwrap();
        assert_eq!((again.state, again.attempts), (JobState::Queued, 0));
        let claim = next(desk, "w1").unwrap();
        assert_eq!(
            fail(desk, &claim, "hopeless", true).unwrap().state,
            JobState::Failed
        );
    });
}

#[test]
fn a_dead_worker_s_job_is_taken_by_another_and_the_dead_one_is_not_heard() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        put(bench, &bench.tenant("Client"), "work");
        let dead = next(desk, "w1").unwrap();
        bench.clock.advance_seconds(29);
        heartbeat(desk, &dead, &Progress::default()).unwrap();
        bench.clock.advance_seconds(29);
        assert!(next(desk, "w2").is_none(), "it gave a sign of life");
        bench.clock.advance_seconds(1);
        let taken = next(desk, "w2").unwrap();
        assert_eq!(taken.job.attempts, 2);
        assert!(matches!(
            heartbeat(desk, &dead, &Progress::default()),
            Err(Error::State { .. })
        ));
        assert!(complete(desk, &dead, &json!({})).is_err() && fail(desk, &dead, "x", false).is_err());
        complete(desk, &taken, &json!({})).unwrap();
    });
}

#[test]
fn a_worker_that_always_dies_does_not_die_for_ever() {
    on_each_database(|bench| {
        let job = put(bench, &bench.tenant("Client"), "work");
        for _ in 0..3 {
            assert!(next(&bench.desk, "w1").is_some());
            bench.clock.advance_seconds(30);
        }
        assert!(next(&bench.desk, "w1").is_none());
        let failed = get(&bench.desk, &analyst(), &job.id).unwrap();
        assert_eq!(failed.state, JobState::Failed);
        assert!(failed.error.unwrap().contains("died"));
    });
}

#[test]
fn a_process_that_starts_again_takes_up_its_own_at_once() {
    on_each_database(|bench| {
        put(bench, &bench.tenant("Client"), "work");
        next(&bench.desk, "host 1").unwrap();
        assert_eq!(recover(&bench.desk, "host 2").unwrap(), 0);
        assert_eq!(recover(&bench.desk, "host 1").unwrap(), 1);
        assert!(next(&bench.desk, "host 1").is_some());
    });
}

#[test]
fn jobs_are_stopped_whether_they_wait_or_run() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let tenant = bench.tenant("Client");
        let waiting = put(bench, &tenant, "work");
        assert_eq!(
            cancel(desk, &analyst(), &waiting.id).unwrap().state,
            JobState::Cancelled
        );
        assert!(next(desk, "w1").is_none());
        assert!(cancel(desk, &analyst(), &waiting.id).is_err());
        let running = put(bench, &tenant, "work");
        let claim = next(desk, "w1").unwrap();
        assert!(cancel(desk, &analyst(), &running.id).unwrap().cancelling);
        assert_eq!(heartbeat(desk, &claim, &Progress::default()).unwrap(), Beat::Stop);
        assert_eq!(
            fail(desk, &claim, "stopped", false).unwrap().state,
            JobState::Cancelled
        );
        // Told to stop, and its worker died of it.
        let third = put(bench, &tenant, "work");
        next(desk, "w1").unwrap();
        cancel(desk, &analyst(), &third.id).unwrap();
        bench.clock.advance_seconds(30);
        assert!(next(desk, "w1").is_none());
        assert_eq!(
            get(desk, &analyst(), &third.id).unwrap().state,
            JobState::Cancelled
        );
    });
}

#[test]
fn the_urgent_come_first_and_of_one_name_one_waits() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let tenant = bench.tenant("Client");
        put(bench, &tenant, "work");
        let named = NewJob {
            priority: 5,
            dedupe: Some("hunt of EX01".into()),
            ..new(&tenant, "work")
        };
        let urgent = enqueue(desk, &analyst(), &named).unwrap();
        assert_eq!(enqueue(desk, &analyst(), &named).unwrap().id, urgent.id);
        let claim = next(desk, "w1").unwrap();
        assert_eq!(claim.job.id, urgent.id);
        assert_eq!(
            enqueue(desk, &analyst(), &named).unwrap().id,
            urgent.id,
            "it runs"
        );
        complete(desk, &claim, &json!({})).unwrap();
        assert_ne!(enqueue(desk, &analyst(), &named).unwrap().id, urgent.id);
    });
}

#[test]
fn many_workers_of_two_processes_do_each_job_once() {
    on_each_database(|bench| {
        let tenant = bench.tenant("Client");
        let jobs: BTreeSet<_> = (0..60).map(|_| put(bench, &tenant, "work").id).collect();
        let desks = [bench.desk.clone(), bench.again()];
        let done = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for worker in 0..6 {
                let desk = &desks[worker % 2];
                let done = &done;
                scope.spawn(move || {
                    while let Some(claim) = next(desk, &format!("w{worker}")) {
                        complete(desk, &claim, &json!({})).unwrap();
                        done.lock().unwrap().push(claim.job.id);
                    }
                });
            }
        });
        let done = done.into_inner().unwrap();
        assert_eq!(done.len(), 60);
        assert_eq!(done.into_iter().collect::<BTreeSet<_>>(), jobs);
    });
}

#[test]
fn strangers_see_and_stop_no_jobs() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let tenant = bench.tenant("Client");
        let other = bench.tenant("Other");
        let job = put(bench, &tenant, "work");
        for access in strangers(&other) {
            assert_hidden(enqueue(desk, &access, &new(&tenant, "work")));
            assert_hidden(cancel(desk, &access, &job.id));
            assert_hidden(retry(desk, &access, &job.id));
            if access.may(Verb::ReadInternal) {
                assert_hidden(get(desk, &access, &job.id));
                assert_hidden(events(desk, &access, &job.id, 0));
                let seen = list(desk, &access, &JobFilter::default(), &PageRequest::default()).unwrap();
                assert!(seen.items.is_empty());
            } else {
                assert!(get(desk, &access, &job.id).is_err());
            }
        }
    });
}

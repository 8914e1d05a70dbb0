use super::items::{Body, EntityKind, TaskState};
use super::*;
use crate::accounts::{self, Account, AccountFields};
use crate::alerts::{self, AlertState, NewAlert};
use crate::queue::{Lane, Why};
use crate::servers::{self, ServerFields};
use crate::tenants::{self, Contract, Locale, TenantFields};
use crate::testing::{Bench, admin, analyst, assert_hidden, director, on_each_database, somebody, strangers};
use crate::{Error, PageRequest, Role, Severity, TenantId, TenantSet, Verb};

fn new(tenant: &TenantId, title: &str, severity: Severity) -> NewCase {
    NewCase {
        tenant_id: tenant.clone(),
        campaign_id: None,
        servers: Vec::new(),
        fields: CaseFields {
            title: title.into(),
            severity,
            due_at: None,
            shared: false,
        },
    }
}

fn open_one(bench: &Bench, tenant: &TenantId, title: &str) -> Case {
    open(&bench.desk, &analyst(), &new(tenant, title, Severity::High)).unwrap()
}

fn account(bench: &Bench, login: &str, role: Role, tenants: TenantSet) -> Account {
    let fields = AccountFields {
        login: login.into(),
        name: login.into(),
        role,
        tenants,
        locale: Locale::Fr,
    };
    accounts::create(&bench.desk, &admin(), &fields).unwrap()
}

#[test]
fn cases_are_counted_per_tenant_and_changed_by_one_at_a_time() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let (one, two) = (bench.tenant("One"), bench.tenant("Two"));
        assert_eq!(open_one(bench, &one, "a").number, 1);
        assert_eq!(
            open_one(bench, &two, "b").number,
            1,
            "a number tells nothing of other tenants"
        );
        let case = open_one(bench, &one, "c");
        assert_eq!(case.number, 2);
        let mut fields = case.fields.clone();
        fields.title = "C".into();
        assert_eq!(
            change(desk, &analyst(), &case.id, 1, &fields).unwrap().revision,
            2
        );
        assert!(matches!(
            change(desk, &analyst(), &case.id, 1, &fields),
            Err(Error::Conflict { current: 2 })
        ));
        let silent = set_state(desk, &analyst(), &case.id, 2, CaseState::Closed, " ");
        assert!(matches!(
            silent,
            Err(Error::Invalid {
                field: "resolution",
                ..
            })
        ));
        let closed = set_state(
            desk,
            &analyst(),
            &case.id,
            2,
            CaseState::Closed,
            "web shell removed",
        )
        .unwrap();
        assert!(closed.closed_at.is_some());
        let again = set_state(desk, &analyst(), &case.id, 3, CaseState::Open, "").unwrap();
        assert_eq!((again.closed_at, again.state), (None, CaseState::Open));
    });
}

#[test]
fn fifty_who_open_and_change_at_once_lose_nothing() {
    on_each_database(|bench| {
        let tenant = bench.tenant("Client");
        let case = open_one(bench, &tenant, "shared work");
        let done = std::sync::atomic::AtomicI64::new(0);
        std::thread::scope(|scope| {
            for worker in 0..50 {
                let (done, case, tenant) = (&done, &case, &tenant);
                scope.spawn(move || {
                    open_one(bench, tenant, &format!("case of {worker}"));
                    // Reads, changes, and reads again when somebody was faster.
                    loop {
                        let (now, _) = get(&bench.desk, &analyst(), &case.id).unwrap();
                        let mut fields = now.fields.clone();
                        fields.title = format!("{} {worker}", now.fields.title);
                        match change(&bench.desk, &analyst(), &case.id, now.revision, &fields) {
                            Ok(_) => break,
                            Err(Error::Conflict { .. }) => {}
                            Err(other) => panic!("{other}"),
                        }
                    }
                    done.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                });
            }
        });
        let (after, _) = get(&bench.desk, &analyst(), &case.id).unwrap();
        assert_eq!(after.revision, 51);
        let mut heard: Vec<usize> = after
            .fields
            .title
            .split(' ')
            .skip(2)
            .map(|word| word.parse().unwrap())
            .collect();
        heard.sort_unstable();
        assert_eq!(heard, (0..50).collect::<Vec<_>>());
        let all = list(
            &bench.desk,
            &analyst(),
            &CaseFilter::default(),
            &PageRequest::first(100),
        )
        .unwrap();
        let mut numbers: Vec<i64> = all.items.iter().map(|case| case.number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=51).collect::<Vec<_>>());
        assert!(crate::audit::verify(&bench.desk, &director()).unwrap().sound);
    });
}

#[test]
fn items_are_added_changed_and_taken_out() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let case = open_one(bench, &bench.tenant("Client"), "x");
        let task = Body::Task {
            title: "collect IIS logs".into(),
            state: TaskState::Todo,
            assigned_to: None,
            due_at: Some(desk.now().plus_hours(2)),
        };
        let entity = Body::Entity {
            entity: EntityKind::Address,
            value: "203.0.113.45".into(),
            note: "first seen in HttpProxy".into(),
        };
        let moment = Body::Moment {
            at: desk.now(),
            text: "the owner pulled the plug".into(),
        };
        let made = items::add(desk, &analyst(), &case.id, &task).unwrap();
        bench.clock.advance_seconds(1);
        items::add(desk, &analyst(), &case.id, &entity).unwrap();
        bench.clock.advance_seconds(1);
        let moment = items::add(desk, &analyst(), &case.id, &moment).unwrap();
        let done = Body::Task {
            title: "collect IIS logs".into(),
            state: TaskState::Done,
            assigned_to: None,
            due_at: None,
        };
        assert_eq!(
            items::change(desk, &analyst(), &case.id, &made.id, 1, &done)
                .unwrap()
                .revision,
            2
        );
        let late = items::change(desk, &analyst(), &case.id, &made.id, 1, &done);
        assert!(matches!(late, Err(Error::Conflict { current: 2 })));
        assert!(matches!(
            items::change(desk, &analyst(), &case.id, &made.id, 2, &entity),
            Err(Error::Invalid { .. })
        ));
        items::remove(desk, &analyst(), &case.id, &moment.id, 1).unwrap();
        let left = items::list(desk, &analyst(), &case.id).unwrap();
        assert_eq!(
            left.iter().map(|item| &item.body).collect::<Vec<_>>(),
            [&done, &entity]
        );
        let other = open_one(bench, &case.tenant_id, "y");
        assert_hidden(items::change(desk, &analyst(), &other.id, &made.id, 2, &done));
    });
}

#[test]
fn a_client_s_person_sees_what_is_shared_with_him() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let tenant = bench.tenant("Client");
        let contact = somebody(
            "owner",
            Role::ClientContact,
            TenantSet::Only([tenant.clone()].into()),
        );
        let hidden = open_one(bench, &tenant, "internal");
        let mut shared = new(&tenant, "shared", Severity::High);
        shared.fields.shared = true;
        let shared = open(desk, &analyst(), &shared).unwrap();
        for (text, shown) in [("for us", false), ("for you", true)] {
            let note = Body::Note {
                text: text.into(),
                shared: shown,
            };
            items::add(desk, &analyst(), &shared.id, &note).unwrap();
        }
        assert_hidden(get(desk, &contact, &hidden.id));
        assert_hidden(items::list(desk, &contact, &hidden.id));
        let seen = list(desk, &contact, &CaseFilter::default(), &PageRequest::default()).unwrap();
        assert_eq!(
            seen.items.iter().map(|case| &case.id).collect::<Vec<_>>(),
            [&shared.id]
        );
        let notes = items::list(desk, &contact, &shared.id).unwrap();
        assert_eq!(notes.len(), 1);
        assert!(matches!(&notes[0].body, Body::Note { text, .. } if text == "for you"));
        assert!(links(desk, &contact, &shared.id).is_err());
        assert!(items::add(desk, &contact, &shared.id, &notes[0].body).is_err());
    });
}

#[test]
fn the_queue_serves_soc_tenants_first_and_nobody_last_for_ever() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let soc = TenantFields {
            contract: Contract::Soc,
            ..TenantFields::named("SOC client")
        };
        let soc = tenants::create(desk, &director(), &soc).unwrap().id;
        let other = bench.tenant("Other");
        let sam = account(bench, "sam", Role::SocAnalyst, TenantSet::All).access();
        let waiting = open_one(bench, &other, "other");
        for index in 0..5 {
            bench.clock.advance_seconds(60);
            open_one(bench, &soc, &format!("soc {index}"));
        }
        let whys: Vec<(String, Why)> = queue(desk, &sam)
            .unwrap()
            .into_iter()
            .map(|entry| (entry.case.fields.title, entry.why))
            .collect();
        assert_eq!(whys[0], ("soc 0".into(), Why::Priority));
        assert_eq!(whys[3], ("other".into(), Why::FourthPlace));
        let mut taken = Vec::new();
        for _ in 0..4 {
            bench.clock.advance_seconds(60);
            taken.push(take_next(desk, &sam).unwrap().unwrap().fields.title);
        }
        assert_eq!(taken, ["soc 0", "soc 1", "soc 2", "other"]);
        // Given back, it has waited since it came, and is over its bound.
        let (case, _) = get(desk, &sam, &waiting.id).unwrap();
        assign(desk, &sam, &case.id, case.revision, None).unwrap();
        bench.clock.advance_seconds(4 * 3_600);
        let first = &queue(desk, &sam).unwrap()[0];
        assert_eq!(
            (first.case.fields.title.as_str(), first.why, first.lane),
            ("other", Why::Overdue, Lane::Standard)
        );
        assert!(first.because_fr.contains("passe avant tous"));
        let one = somebody("x", Role::SocAnalyst, TenantSet::Only([soc].into()));
        assert!(
            queue(desk, &one)
                .unwrap()
                .iter()
                .all(|entry| entry.case.tenant == "SOC client")
        );
    });
}

#[test]
fn a_case_goes_to_somebody_who_is_there_for_its_tenant() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let tenant = bench.tenant("Client");
        let case = open_one(bench, &tenant, "x");
        let elsewhere = account(
            bench,
            "else",
            Role::SocAnalyst,
            TenantSet::Only([bench.tenant("Other")].into()),
        );
        let contact = account(
            bench,
            "owner",
            Role::ClientContact,
            TenantSet::Only([tenant].into()),
        );
        for nobody in [&elsewhere, &contact] {
            assert_hidden(assign(desk, &analyst(), &case.id, 1, Some(&nobody.id)));
        }
        let sam = account(bench, "sam", Role::SocAnalyst, TenantSet::All);
        let given = assign(desk, &analyst(), &case.id, 1, Some(&sam.id)).unwrap();
        assert_eq!(
            (given.assigned_to, given.state),
            (Some(sam.id.clone()), CaseState::InProgress)
        );
        assert_eq!(take_next(desk, &sam.access()).unwrap(), None);
    });
}

#[test]
fn alerts_come_once_and_belong_to_many_cases() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let (tenant, other) = (bench.tenant("Client"), bench.tenant("Other"));
        let raised = |tenant: &TenantId| NewAlert {
            tenant_id: tenant.clone(),
            server_id: None,
            source: "siem".into(),
            external_id: "4711".into(),
            title: "w3wp starts cmd".into(),
            severity: Severity::Critical,
            at: None,
            details: serde_json::json!({"raw": 1}),
        };
        let alert = alerts::push(desk, &analyst(), &raised(&tenant)).unwrap();
        assert_eq!(alerts::push(desk, &analyst(), &raised(&tenant)).unwrap(), alert);
        let foreign = alerts::push(desk, &analyst(), &raised(&other)).unwrap();
        let cases = [open_one(bench, &tenant, "a"), open_one(bench, &tenant, "b")];
        for case in &cases {
            link(desk, &analyst(), &case.id, LinkKind::Alert, alert.id.as_str()).unwrap();
            link(desk, &analyst(), &case.id, LinkKind::Alert, alert.id.as_str()).unwrap();
            assert_eq!(links(desk, &analyst(), &case.id).unwrap().len(), 1);
            assert_hidden(link(
                desk,
                &analyst(),
                &case.id,
                LinkKind::Alert,
                foreign.id.as_str(),
            ));
            assert_hidden(link(desk, &analyst(), &case.id, LinkKind::Finding, "nonsense"));
        }
        unlink(desk, &analyst(), &cases[0].id, LinkKind::Alert, alert.id.as_str()).unwrap();
        assert_eq!(links(desk, &analyst(), &cases[1].id).unwrap().len(), 1);
        assert!(alerts::decide(desk, &analyst(), &alert.id, 1, AlertState::Dismissed, "").is_err());
        let decided = alerts::decide(desk, &analyst(), &alert.id, 1, AlertState::Acknowledged, "").unwrap();
        assert_eq!(decided.revision, 2);
    });
}

#[test]
fn strangers_see_and_touch_no_cases_and_alerts() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let (tenant, other) = (bench.tenant("Client"), bench.tenant("Other"));
        let server = servers::create(desk, &director(), &tenant, &ServerFields::named("EX01"))
            .unwrap()
            .id;
        let case = open_one(bench, &tenant, "secret");
        let note = Body::Note {
            text: "x".into(),
            shared: true,
        };
        let item = items::add(desk, &analyst(), &case.id, &note).unwrap();
        let alert = alerts::push(
            desk,
            &analyst(),
            &NewAlert {
                tenant_id: tenant.clone(),
                server_id: Some(server.clone()),
                source: "s".into(),
                external_id: "1".into(),
                title: "t".into(),
                severity: Severity::Low,
                at: None,
                details: serde_json::Value::Null,
            },
        )
        .unwrap();
        for access in strangers(&other) {
            assert_hidden(open(desk, &access, &new(&tenant, "x", Severity::Low)));
            assert_hidden(get(desk, &access, &case.id));
            assert_hidden(change(desk, &access, &case.id, 1, &case.fields));
            assert_hidden(set_state(desk, &access, &case.id, 1, CaseState::Closed, "x"));
            assert_hidden(set_servers(
                desk,
                &access,
                &case.id,
                1,
                std::slice::from_ref(&server),
            ));
            assert_hidden(assign(desk, &access, &case.id, 1, None));
            assert_hidden(items::list(desk, &access, &case.id));
            assert_hidden(items::add(desk, &access, &case.id, &note));
            assert_hidden(items::change(desk, &access, &case.id, &item.id, 1, &note));
            assert_hidden(items::remove(desk, &access, &case.id, &item.id, 1));
            assert_hidden(link(desk, &access, &case.id, LinkKind::Alert, alert.id.as_str()));
            assert_hidden(unlink(
                desk,
                &access,
                &case.id,
                LinkKind::Alert,
                alert.id.as_str(),
            ));
            assert_hidden(alerts::decide(
                desk,
                &access,
                &alert.id,
                1,
                AlertState::Acknowledged,
                "",
            ));
            assert!(
                list(desk, &access, &CaseFilter::default(), &PageRequest::default())
                    .unwrap()
                    .items
                    .is_empty()
            );
            if access.may(Verb::ReadInternal) {
                assert_hidden(alerts::get(desk, &access, &alert.id));
                assert!(queue(desk, &access).unwrap().is_empty());
                let all = alerts::list(desk, &access, &Default::default(), &PageRequest::default()).unwrap();
                assert!(all.items.is_empty());
            }
        }
    });
}

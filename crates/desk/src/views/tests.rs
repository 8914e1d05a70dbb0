use std::collections::BTreeSet;

use super::*;
use crate::accounts::{self, AccountFields};
use crate::tenants::Locale;
use crate::testing::{Bench, admin, assert_hidden, on_each_database};
use crate::{Actor, ActorKind, Role};

/// Somebody with an account of their own.
fn person(bench: &Bench, login: &str, role: Role, tenants: TenantSet) -> Access {
    let fields = AccountFields {
        login: login.into(),
        name: login.into(),
        role,
        tenants: tenants.clone(),
        locale: Locale::Fr,
    };
    let account = accounts::create(&bench.desk, &admin(), &fields).unwrap();
    let actor = Actor {
        kind: ActorKind::User,
        id: account.id.to_string(),
        name: login.into(),
    };
    Access::new(actor, role, tenants)
}

fn board(name: &str, query: &str, shared: bool) -> NewView {
    NewView {
        page: ViewPage::Board,
        fields: ViewFields {
            name: name.into(),
            query: query.into(),
            shared,
        },
    }
}

fn names(bench: &Bench, access: &Access) -> Vec<String> {
    let seen = list(&bench.desk, access, ViewPage::Board).unwrap();
    seen.into_iter().map(|view| view.fields.name).collect()
}

#[test]
fn a_view_is_its_owner_s_until_it_is_shared() {
    on_each_database(|bench| {
        let camille = person(bench, "camille", Role::Director, TenantSet::All);
        let sam = person(bench, "sam", Role::SocAnalyst, TenantSet::All);
        let view = save(&bench.desk, &camille, &board("Lyon", "agency=Lyon", false)).unwrap();
        assert_eq!(
            (names(bench, &camille), names(bench, &sam)),
            (vec!["Lyon".into()], vec![])
        );
        assert!(
            list(&bench.desk, &camille, ViewPage::Findings)
                .unwrap()
                .is_empty()
        );
        let shared = ViewFields {
            shared: true,
            ..view.fields.clone()
        };
        let changed = change(&bench.desk, &camille, &view.id, view.revision, &shared).unwrap();
        let seen = list(&bench.desk, &sam, ViewPage::Board).unwrap();
        assert_eq!((seen[0].owner.as_str(), seen[0].own), ("camille", false));
        // The team reads it; only its owner changes it.
        assert_hidden(change(&bench.desk, &sam, &view.id, changed.revision, &shared));
        assert_hidden(remove(&bench.desk, &sam, &view.id));
        remove(&bench.desk, &camille, &view.id).unwrap();
        assert!(names(bench, &sam).is_empty());
    });
}

#[test]
fn a_shared_view_is_hidden_from_whoever_sees_fewer_clients() {
    on_each_database(|bench| {
        let (one, two) = (bench.tenant("Aber"), bench.tenant("Brest"));
        let only = |these: &[&crate::TenantId]| {
            TenantSet::Only(these.iter().map(|id| (*id).clone()).collect::<BTreeSet<_>>())
        };
        let all = person(bench, "all", Role::Director, TenantSet::All);
        let both = person(bench, "both", Role::SocAnalyst, only(&[&one, &two]));
        let few = person(bench, "few", Role::SocAnalyst, only(&[&one]));
        let client = person(bench, "client", Role::ClientContact, only(&[&one]));
        save(&bench.desk, &all, &board("of all", "q=Brest", true)).unwrap();
        save(&bench.desk, &both, &board("of both", "q=Brest", true)).unwrap();
        save(&bench.desk, &few, &board("of few", "q=Aber", true)).unwrap();
        assert_eq!(names(bench, &all), ["of all", "of both", "of few"]);
        assert_eq!(names(bench, &both), ["of both", "of few"]);
        assert_eq!(names(bench, &few), ["of few"]);
        // A client's own people have views of their own, and share none.
        assert!(names(bench, &client).is_empty());
        save(&bench.desk, &client, &board("mine", "", false)).unwrap();
        assert_eq!(names(bench, &client), ["mine"]);
        let refused = save(&bench.desk, &client, &board("ours", "", true));
        assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    });
}

#[test]
fn whose_tenants_change_or_whose_account_is_closed_shares_no_longer() {
    on_each_database(|bench| {
        let (one, two) = (bench.tenant("Aber"), bench.tenant("Brest"));
        let only = |these: &[&crate::TenantId]| {
            TenantSet::Only(these.iter().map(|id| (*id).clone()).collect::<BTreeSet<_>>())
        };
        person(bench, "admin", Role::Administrator, TenantSet::All);
        let colleague = person(bench, "colleague", Role::SocAnalyst, only(&[&two]));
        let owner = person(bench, "owner", Role::SocAnalyst, only(&[&one, &two]));
        save(&bench.desk, &owner, &board("a client", "q=Aber", true)).unwrap();
        let accounts = || {
            accounts::list(&bench.desk, &admin(), &crate::PageRequest::default())
                .unwrap()
                .items
        };
        let account = |login: &str| {
            accounts()
                .into_iter()
                .find(|one| one.fields.login == login)
                .unwrap()
        };
        let mut fields = account("owner").fields;
        fields.tenants = only(&[&two]);
        let (id, revision) = (account("owner").id, account("owner").revision);
        accounts::change(&bench.desk, &admin(), &id, revision, &fields).unwrap();
        assert!(
            names(bench, &colleague).is_empty(),
            "it names a client they may not know"
        );
        let mine = list(&bench.desk, &owner, ViewPage::Board).unwrap();
        assert!(!mine[0].fields.shared);
        // Shared anew by whoever has these tenants now, it lasts as long as the account.
        let shared = ViewFields {
            shared: true,
            ..mine[0].fields.clone()
        };
        let now = Access::new(owner.actor().clone(), Role::SocAnalyst, only(&[&two]));
        change(&bench.desk, &now, &mine[0].id, mine[0].revision, &shared).unwrap();
        assert_eq!(names(bench, &colleague), ["a client"]);
        let revision = account("owner").revision;
        accounts::set_disabled(&bench.desk, &admin(), &id, revision, true).unwrap();
        assert!(names(bench, &colleague).is_empty());
    });
}

#[test]
fn a_name_is_taken_once_and_the_faster_one_wins() {
    on_each_database(|bench| {
        let camille = person(bench, "camille", Role::Director, TenantSet::All);
        let view = save(&bench.desk, &camille, &board("Lyon", "", false)).unwrap();
        let taken = save(&bench.desk, &camille, &board("lyon ", "", false));
        assert!(matches!(taken, Err(Error::Taken { .. })), "{taken:?}");
        let fields = ViewFields {
            query: "verdict=compromised".into(),
            ..view.fields.clone()
        };
        let now = change(&bench.desk, &camille, &view.id, 1, &fields).unwrap();
        assert_eq!(
            (now.revision, now.fields.query.as_str()),
            (2, "verdict=compromised")
        );
        let late = change(&bench.desk, &camille, &view.id, 1, &view.fields);
        assert!(matches!(late, Err(Error::Conflict { current: 2 })), "{late:?}");
        let long = save(&bench.desk, &camille, &board("long", &"x".repeat(4_001), false));
        assert!(matches!(long, Err(Error::Invalid { .. })), "{long:?}");
    });
}

#[test]
fn the_log_says_that_there_was_a_view_and_not_what_it_looks_for() {
    on_each_database(|bench| {
        let camille = person(bench, "camille", Role::Director, TenantSet::All);
        save(&bench.desk, &camille, &board("Zanzibar", "q=Zanzibar", false)).unwrap();
        let filter = audit::JournalFilter {
            action: Some("view.".into()),
            ..audit::JournalFilter::default()
        };
        let entries = audit::list(&bench.desk, &camille, &filter, &crate::PageRequest::default()).unwrap();
        assert_eq!(entries.items.len(), 1);
        assert!(!format!("{:?}", entries.items).contains("Zanzibar"));
    });
}

use std::collections::BTreeSet;

use super::sessions::{authenticate, csrf_token, is_csrf_token};
use super::*;
use crate::keys::{self, NewKey};
use crate::tenants::{self, Locale, TenantFilter};
use crate::testing::{Bench, admin, director, on_each_database, somebody};
use crate::{Access, AccountId, Error, PageRequest, Role, TenantSet, Verb};

pub(super) const PASSWORD: &str = "le phare dans la nuit";

pub(super) fn account(bench: &Bench, login: &str, role: Role, tenants: TenantSet) -> Account {
    let fields = AccountFields {
        login: login.into(),
        name: login.to_uppercase(),
        role,
        tenants,
        locale: Locale::Fr,
    };
    let made = create(&bench.desk, &admin(), &fields).unwrap();
    let link = invite(&bench.desk, &admin(), &made.id).unwrap();
    use_link(&bench.desk, &link, PASSWORD).unwrap()
}

fn attempt<'a>(login: &'a str, password: &'a str, code: Option<&'a str>) -> Attempt<'a> {
    Attempt {
        login,
        password,
        code,
        address: "192.0.2.9",
        user_agent: "test",
    }
}

fn try_in(
    bench: &Bench,
    login: &str,
    password: &str,
    code: Option<&str>,
) -> crate::Result<sessions::SignedIn> {
    sign_in(&bench.desk, &attempt(login, password, code))
}

#[test]
fn the_first_administrator_is_made_once_with_the_link() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let old = first_admin_link(desk).unwrap().unwrap();
        let link = first_admin_link(desk).unwrap().unwrap();
        let make = |token: &str| create_first_admin(desk, token, "alex", "Alex", PASSWORD, Locale::Fr);
        assert!(make(&old).is_err() && make("guessed").is_err());
        let weak = create_first_admin(desk, &link, "alex", "Alex", "alex", Locale::Fr);
        assert!(
            matches!(
                weak,
                Err(Error::Invalid {
                    field: "password",
                    ..
                })
            ),
            "a weak one does not use it up"
        );
        let made = make(&link).unwrap();
        assert_eq!(made.fields.role, Role::Administrator);
        assert!(matches!(make(&link), Err(Error::Unauthenticated(_))));
        assert_eq!(first_admin_link(desk).unwrap(), None);
        let kept = desk
            .read(|tx| tx.query("SELECT hash FROM one_time_link", &[]))
            .unwrap();
        assert!(!format!("{kept:?}").contains(&link), "only its hash is kept");
        let signed = try_in(bench, "ALEX ", PASSWORD, None).unwrap();
        assert_eq!(authenticate(desk, &signed.token).unwrap().account.id, made.id);
    });
}

#[test]
fn a_link_is_too_old_after_a_day() {
    on_each_database(|bench| {
        let link = first_admin_link(&bench.desk).unwrap().unwrap();
        bench.clock.advance_seconds(24 * 3_600);
        let late = create_first_admin(&bench.desk, &link, "alex", "Alex", PASSWORD, Locale::Fr);
        assert!(matches!(late, Err(Error::Unauthenticated(_))), "{late:?}");
    });
}

#[test]
fn a_session_holds_until_it_idles_ends_or_its_account_is_closed() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        account(bench, "alex", Role::Administrator, TenantSet::All);
        let sam = account(bench, "sam", Role::SocAnalyst, TenantSet::All);
        let sign = || try_in(bench, "sam", PASSWORD, None).unwrap();
        let first = sign();
        assert!(is_csrf_token(&first.token, &first.csrf) && !is_csrf_token(&first.token, &csrf_token("x")));
        for _ in 0..5 {
            bench.clock.advance_seconds(3_600);
            authenticate(desk, &first.token).unwrap();
        }
        bench.clock.advance_seconds(2 * 3_600);
        assert!(
            authenticate(desk, &first.token).is_err(),
            "two hours without a request"
        );

        let second = sign();
        for _ in 0..11 {
            bench.clock.advance_seconds(3_600);
            authenticate(desk, &second.token).unwrap();
        }
        bench.clock.advance_seconds(3_600);
        assert!(authenticate(desk, &second.token).is_err(), "twelve hours in all");

        let third = sign();
        sessions::close(desk, &third.token).unwrap();
        assert!(authenticate(desk, &third.token).is_err());

        let fourth = sign();
        let own = sessions::list(desk, &fourth.account.access()).unwrap();
        assert_eq!(own.len(), 1);
        let stranger = somebody(
            &AccountId::new(desk.now(), desk.entropy()).to_string(),
            Role::Director,
            TenantSet::All,
        );
        assert!(matches!(
            sessions::end(desk, &stranger, &own[0].id),
            Err(Error::NotFound { .. })
        ));
        set_disabled(desk, &admin(), &sam.id, sam.revision, true).unwrap();
        assert!(authenticate(desk, &fourth.token).is_err());
        assert!(try_in(bench, "sam", PASSWORD, None).is_err());
        let tokens = desk.read(|tx| tx.query("SELECT hash FROM session", &[])).unwrap();
        assert!(!format!("{tokens:?}").contains(&fourth.token));
    });
}

#[test]
fn guessing_closes_the_door_for_the_login_and_then_for_the_address() {
    on_each_database(|bench| {
        account(bench, "sam", Role::SocAnalyst, TenantSet::All);
        for _ in 0..5 {
            let wrong = try_in(bench, "sam", "not the password", None);
            assert!(matches!(wrong, Err(Error::Unauthenticated(_))), "{wrong:?}");
        }
        // Now even the right one is not looked at.
        let locked = try_in(bench, "sam", PASSWORD, None);
        assert!(matches!(locked, Err(Error::Locked { .. })), "{locked:?}");
        bench.clock.advance_seconds(16);
        try_in(bench, "sam", PASSWORD, None).unwrap();
        // What does not exist closes likewise, and says the same.
        for _ in 0..5 {
            assert!(matches!(
                try_in(bench, "nobody", "x", None),
                Err(Error::Unauthenticated(_))
            ));
        }
        assert!(matches!(
            try_in(bench, "nobody", "x", None),
            Err(Error::Locked { .. })
        ));
        for index in 0..60 {
            let _ = try_in(bench, &format!("guess {index}"), "x", None);
        }
        assert!(matches!(
            try_in(bench, "sam", PASSWORD, None),
            Err(Error::Locked { .. })
        ));
        bench.clock.advance_seconds(3_601);
        try_in(bench, "sam", PASSWORD, None).unwrap();
    });
}

#[test]
fn a_second_factor_is_asked_for_and_no_code_works_twice() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let sam = account(bench, "sam", Role::SocAnalyst, TenantSet::All);
        let enrolment = enrol_totp(desk, &sam.access()).unwrap();
        assert!(enrolment.uri.contains(&enrolment.secret));
        let secret = unbase32(&enrolment.secret);
        let code = |steps: i64| totp::code(&secret, desk.now().micros() / 30_000_000 + steps);
        // Not confirmed yet: a password does.
        try_in(bench, "sam", PASSWORD, None).unwrap();
        assert!(confirm_totp(desk, &sam.access(), "000000").is_err());
        let recovery = confirm_totp(desk, &sam.access(), &code(0)).unwrap();
        assert!(enrol_totp(desk, &sam.access()).is_err());

        assert!(matches!(
            try_in(bench, "sam", PASSWORD, None),
            Err(Error::CodeNeeded)
        ));
        assert!(matches!(
            try_in(bench, "sam", "wrong password", None),
            Err(Error::Unauthenticated(_))
        ));
        let replayed = try_in(bench, "sam", PASSWORD, Some(&code(0)));
        assert!(
            matches!(replayed, Err(Error::Unauthenticated(_))),
            "the code was used to confirm: {replayed:?}"
        );
        bench.clock.advance_seconds(30);
        let fresh = code(0);
        try_in(bench, "sam", PASSWORD, Some(&fresh)).unwrap();
        assert!(try_in(bench, "sam", PASSWORD, Some(&fresh)).is_err());

        try_in(bench, "sam", PASSWORD, Some(&recovery[0].to_lowercase())).unwrap();
        assert!(try_in(bench, "sam", PASSWORD, Some(&recovery[0])).is_err());
        let kept = desk
            .read(|tx| tx.query("SELECT totp FROM account WHERE login = 'sam'", &[]))
            .unwrap();
        let crate::db::Value::Blob(sealed) = &kept[0].0[0] else {
            panic!("a secret");
        };
        assert!(
            !sealed.windows(secret.len()).any(|window| window == secret),
            "it is sealed"
        );

        assert!(drop_totp(desk, &sam.access(), &sam.id, Some("000000")).is_err());
        let guesses: Vec<_> = (0..8)
            .map(|_| drop_totp(desk, &sam.access(), &sam.id, Some("000000")))
            .collect();
        assert!(
            matches!(guesses.last(), Some(Err(Error::Locked { .. }))),
            "guessing is stopped: {guesses:?}"
        );
        assert!(drop_totp(desk, &director(), &sam.id, None).is_err());
        drop_totp(desk, &admin(), &sam.id, None).unwrap();
        bench.clock.advance_seconds(3_600);
        try_in(bench, "sam", PASSWORD, None).unwrap();
    });
}

fn unbase32(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u64, 0);
    for character in text.bytes() {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            _ => character - b'2' + 26,
        };
        bits = (bits << 5) | u64::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

#[test]
fn a_new_password_ends_all_other_sessions() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let sam = account(bench, "sam", Role::SocAnalyst, TenantSet::All);
        let here = try_in(bench, "sam", PASSWORD, None).unwrap();
        let elsewhere = try_in(bench, "sam", PASSWORD, None).unwrap();
        let new = "un autre phare, plus loin";
        assert!(change_password(desk, &sam.access(), &here.token, "wrong", new).is_err());
        change_password(desk, &sam.access(), &here.token, PASSWORD, new).unwrap();
        authenticate(desk, &here.token).unwrap();
        assert!(authenticate(desk, &elsewhere.token).is_err());
        assert!(try_in(bench, "sam", PASSWORD, None).is_err());
        try_in(bench, "sam", new, None).unwrap();
    });
}

#[test]
fn accounts_are_kept_by_administrators_and_one_is_always_left() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let alex = account(bench, "alex", Role::Administrator, TenantSet::All);
        let sam = account(bench, "sam", Role::SocAnalyst, TenantSet::All);
        for role in Role::ALL.iter().filter(|role| **role != Role::Administrator) {
            let access = somebody("x", *role, TenantSet::All);
            assert!(create(desk, &access, &sam.fields).is_err());
            assert!(get(desk, &access, &sam.id).is_err());
            assert!(change(desk, &access, &sam.id, sam.revision, &sam.fields).is_err());
            assert!(set_disabled(desk, &access, &sam.id, sam.revision, true).is_err());
            assert!(invite(desk, &access, &sam.id).is_err());
            assert!(oidc::link(desk, &access, &sam.id, Some("i"), "s").is_err());
            assert_eq!(
                list(desk, &access, &PageRequest::default()).is_ok(),
                access.may(Verb::Audit)
            );
        }
        assert_eq!(get(desk, &sam.access(), &sam.id).unwrap().id, sam.id);
        assert!(matches!(
            create(desk, &admin(), &sam.fields),
            Err(Error::Taken { .. })
        ));
        let last = set_disabled(desk, &admin(), &alex.id, alex.revision, true);
        assert!(matches!(last, Err(Error::State { .. })), "{last:?}");
        let mut fields = alex.fields.clone();
        fields.role = Role::Director;
        assert!(matches!(
            change(desk, &admin(), &alex.id, alex.revision, &fields),
            Err(Error::State { .. })
        ));
        fields = sam.fields.clone();
        fields.role = Role::ClientContact;
        let everywhere = change(desk, &admin(), &sam.id, sam.revision, &fields);
        assert!(matches!(everywhere, Err(Error::Invalid { .. })), "{everywhere:?}");
    });
}

#[test]
fn clients_contacts_are_not_among_the_people() {
    on_each_database(|bench| {
        let tenant = bench.tenant("Client");
        account(bench, "alex", Role::Administrator, TenantSet::All);
        account(
            bench,
            "owner",
            Role::ClientContact,
            TenantSet::Only([tenant.clone()].into()),
        );
        let engineer = somebody("e", Role::Engineer, TenantSet::Only([tenant].into()));
        let names: Vec<String> = people(&bench.desk, &engineer)
            .unwrap()
            .into_iter()
            .map(|who| who.name)
            .collect();
        assert_eq!(names, ["ALEX"]);
    });
}

fn key(
    bench: &Bench,
    access: &Access,
    tenants: TenantSet,
    verbs: &[Verb],
) -> crate::Result<(keys::ApiKey, String)> {
    let new = NewKey {
        name: "push".into(),
        tenants,
        verbs: verbs.iter().copied().collect(),
        expires_at: bench.desk.now().plus_days(30),
    };
    keys::create(&bench.desk, access, &new)
}

#[test]
fn a_key_does_part_of_what_its_owner_may() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let one = bench.tenant("One");
        let two = bench.tenant("Two");
        let both = TenantSet::Only(BTreeSet::from([one.clone(), two.clone()]));
        account(bench, "alex", Role::Administrator, TenantSet::All);
        let sam = account(bench, "sam", Role::SocAnalyst, both);
        let own = sam.access();
        assert!(key(bench, &own, TenantSet::All, &[Verb::Read]).is_err());
        assert!(matches!(
            key(bench, &own, own.tenants().clone(), &[Verb::Campaign]),
            Err(Error::Forbidden { .. })
        ));
        let outside = TenantSet::Only([bench.tenant("Three")].into());
        assert!(matches!(
            key(bench, &own, outside, &[Verb::Read]),
            Err(Error::NotFound { .. })
        ));

        let (made, secret) = key(bench, &own, TenantSet::Only([one.clone()].into()), &[Verb::Read]).unwrap();
        let access = keys::authenticate(desk, &secret).unwrap();
        assert!(access.may(Verb::Read) && !access.may(Verb::Judge));
        assert_eq!(
            tenants::count(desk, &access, &TenantFilter::default()).unwrap(),
            1
        );
        assert!(
            key(bench, &access, access.tenants().clone(), &[Verb::Read]).is_err(),
            "a key makes no keys"
        );
        assert!(keys::list(desk, &access).is_err());

        // What the owner loses, the key loses.
        let mut fields = sam.fields.clone();
        fields.tenants = TenantSet::Only([two].into());
        change(desk, &admin(), &sam.id, sam.revision, &fields).unwrap();
        let access = keys::authenticate(desk, &secret).unwrap();
        assert_eq!(
            tenants::count(desk, &access, &TenantFilter::default()).unwrap(),
            0
        );

        let stranger = account(bench, "zoe", Role::SocAnalyst, TenantSet::All);
        assert!(keys::list(desk, &stranger.access()).unwrap().is_empty());
        assert!(matches!(
            keys::revoke(desk, &stranger.access(), &made.id),
            Err(Error::NotFound { .. })
        ));
        keys::revoke(desk, &own, &made.id).unwrap();
        assert!(keys::authenticate(desk, &secret).is_err());

        let (_, secret) = key(bench, &own, TenantSet::Only([one].into()), &[Verb::Read]).unwrap();
        let kept = desk.read(|tx| tx.query("SELECT hash FROM api_key", &[])).unwrap();
        assert!(!format!("{kept:?}").contains(&secret));
        bench.clock.advance_seconds(31 * 86_400);
        assert!(keys::authenticate(desk, &secret).is_err());
    });
}

#[test]
fn attempts_without_an_address_are_in_nobody_else_s_way() {
    on_each_database(|bench| {
        let knock = |login_key: &str, address: &str| {
            let door = throttle::Door { login_key, address };
            door.knock(&bench.desk)
        };
        // Who is signed in already and changes a password comes with no address.
        for number in 0..60 {
            knock(&format!("mallory{number}"), "").unwrap();
        }
        assert!(knock("zoe", "").is_ok());
        // Addresses of one IPv6 network are one customer's.
        for number in 0..60 {
            let _ = knock(&format!("guess{number}"), &format!("2001:db8:0:1::{number:x}"));
        }
        assert!(matches!(
            knock("zoe", "2001:db8:0:1:ffff::1"),
            Err(Error::Locked { .. })
        ));
        assert!(knock("zoe", "2001:db8:0:2::1").is_ok());
    });
}

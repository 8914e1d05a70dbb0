use serde_json::json;

use super::*;
use crate::accounts::tests::{PASSWORD, account};
use crate::accounts::{self, sessions, totp};
use crate::testing::{admin, on_each_database};
use crate::{Role, TenantSet};

const ISSUER: &str = "https://id.example";
const DOOR: Door<'static> = Door {
    address: "192.0.2.9",
    user_agent: "test",
};

fn identity(subject: &str, second_factor: bool) -> Identity {
    Identity {
        issuer: ISSUER.into(),
        subject: subject.into(),
        second_factor,
        said: json!({"amr": ["pwd"]}),
        id_token: format!("token of {subject}"),
    }
}

#[test]
fn an_identity_of_a_provider_is_one_account_s() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let sam = account(bench, "sam", Role::SocAnalyst, TenantSet::All);
        let zoe = account(bench, "zoe", Role::SocAnalyst, TenantSet::All);
        account(bench, "alex", Role::Administrator, TenantSet::All);
        assert!(account_of(desk, ISSUER, "42").is_err());
        link(desk, &admin(), &sam.id, Some(ISSUER), "42").unwrap();
        assert_eq!(account_of(desk, ISSUER, "42").unwrap(), sam.id);
        assert!(account_of(desk, "https://other.example", "42").is_err());
        let taken = link(desk, &admin(), &zoe.id, Some(ISSUER), "42");
        assert!(matches!(taken, Err(Error::Taken { .. })), "{taken:?}");
        for bad in ["", "a\nb"] {
            assert!(link(desk, &admin(), &zoe.id, Some(ISSUER), bad).is_err());
        }
        assert_eq!(identities(desk, &sam.access(), &sam.id).unwrap()[0].subject, "42");
        assert!(identities(desk, &zoe.access(), &sam.id).is_err());
        assert!(link(desk, &zoe.access(), &zoe.id, Some(ISSUER), "43").is_err());
        let (_, flow) = begin(desk, "/", None).unwrap();
        let Outcome::In(signed) = sign_in(desk, &flow, &identity("42", false), DOOR).unwrap() else {
            panic!("no code is set up");
        };
        unlink(desk, &admin(), &sam.id).unwrap();
        assert!(account_of(desk, ISSUER, "42").is_err());
        assert!(
            sessions::authenticate(desk, &signed.token).is_err(),
            "it came by the identity"
        );
        assert!(sign_in(desk, &flow, &identity("42", true), DOOR).is_err());
        link(desk, &admin(), &sam.id, Some(ISSUER), "42").unwrap();
        accounts::set_disabled(desk, &admin(), &sam.id, sam.revision, true).unwrap();
        assert!(
            sign_in(desk, &flow, &identity("42", true), DOOR).is_err(),
            "closed"
        );
    });
}

#[test]
fn a_flow_leads_back_here_once_and_in_time() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        for elsewhere in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "",
            "x",
            "/a\r\nb",
        ] {
            assert!(begin(desk, elsewhere, None).is_err(), "{elsewhere}");
        }
        let (state, flow) = begin(desk, "/campaigns?x=1", None).unwrap();
        assert_eq!(finish(desk, &state).unwrap(), flow);
        assert!(finish(desk, &state).is_err(), "once");
        let (state, _) = begin(desk, "/", None).unwrap();
        bench.clock.advance_seconds(601);
        assert!(finish(desk, &state).is_err());
    });
}

#[test]
fn an_invitation_links_the_account_it_is_for_once() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let sam = account(bench, "sam", Role::SocAnalyst, TenantSet::All);
        let invitation = accounts::invite(desk, &admin(), &sam.id).unwrap();
        assert!(begin(desk, "/", Some("guessed")).is_err());
        let (_, flow) = begin(desk, "/", Some(&invitation)).unwrap();
        let (_, second) = begin(desk, "/", Some(&invitation)).unwrap();
        assert!(matches!(
            sign_in(desk, &flow, &identity("42", false), DOOR),
            Ok(Outcome::In(_))
        ));
        assert_eq!(account_of(desk, ISSUER, "42").unwrap(), sam.id);
        assert!(
            sign_in(desk, &second, &identity("43", false), DOOR).is_err(),
            "it was used"
        );
        assert!(accounts::use_link(desk, &invitation, PASSWORD).is_err());
        assert!(account_of(desk, ISSUER, "43").is_err());
        // A newer invitation ends what was begun with an older one.
        let old = accounts::invite(desk, &admin(), &sam.id).unwrap();
        let (state, _) = begin(desk, "/", Some(&old)).unwrap();
        accounts::invite(desk, &admin(), &sam.id).unwrap();
        assert!(finish(desk, &state).is_err());
        // An identity that is somebody else's stays theirs.
        let zoe = account(bench, "zoe", Role::SocAnalyst, TenantSet::All);
        let invitation = accounts::invite(desk, &admin(), &zoe.id).unwrap();
        let (_, flow) = begin(desk, "/", Some(&invitation)).unwrap();
        let taken = sign_in(desk, &flow, &identity("42", false), DOOR);
        assert!(matches!(taken, Err(Error::Taken { .. })), "{taken:?}");
        let linked = desk
            .read(|tx| tx.query("SELECT actor_name FROM audit WHERE action = 'account.link'", &[]))
            .unwrap();
        assert_eq!(linked.len(), 1, "who linked it stands in the log");
    });
}

#[test]
fn our_second_factor_is_asked_for_unless_the_provider_asked_for_one() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let sam = account(bench, "sam", Role::SocAnalyst, TenantSet::All);
        link(desk, &admin(), &sam.id, Some(ISSUER), "42").unwrap();
        accounts::enrol_totp(desk, &sam.access()).unwrap();
        let sealed: Vec<u8> = desk
            .read(|tx| tx.one("SELECT totp FROM account WHERE login = 'sam'", &[]))
            .unwrap()
            .unwrap()
            .reader()
            .get()
            .unwrap();
        let secret = desk.master().open(&totp::context(&sam.id), &sealed).unwrap();
        let code = |steps: i64| totp::code(&secret, desk.now().micros() / 30_000_000 + steps);
        accounts::confirm_totp(desk, &sam.access(), &code(0)).unwrap();
        let (_, flow) = begin(desk, "/cases", None).unwrap();
        assert!(matches!(
            sign_in(desk, &flow, &identity("42", true), DOOR),
            Ok(Outcome::In(_))
        ));
        let Outcome::CodeNeeded(token) = sign_in(desk, &flow, &identity("42", false), DOOR).unwrap() else {
            panic!("it must ask");
        };
        assert!(
            finish(desk, &token).is_err(),
            "it is no sign-in that comes back from the provider"
        );
        let (state, _) = begin(desk, "/", None).unwrap();
        assert!(sign_in_with_code(desk, &state, &code(1), DOOR).is_err());
        assert!(sign_in_with_code(desk, &token, &code(0), DOOR).is_err(), "used");
        let signed = sign_in_with_code(desk, &token, &code(1), DOOR).unwrap();
        let listed = sessions::list(desk, &sam.access()).unwrap();
        assert!(listed.iter().any(|session| session.method == "oidc+code"));
        assert_eq!(
            sessions::authenticate(desk, &signed.token).unwrap().account.id,
            sam.id
        );
        assert!(sign_in_with_code(desk, &token, &code(1), DOOR).is_err(), "once");
        // Guessing closes the door, as with a password.
        let Outcome::CodeNeeded(token) = sign_in(desk, &flow, &identity("42", false), DOOR).unwrap() else {
            panic!("it must ask");
        };
        let outcomes: Vec<_> = (0..8)
            .map(|_| sign_in_with_code(desk, &token, "000000", DOOR))
            .collect();
        assert!(
            matches!(outcomes.last(), Some(Err(Error::Locked { .. }))),
            "{outcomes:?}"
        );
    });
}

use super::*;
use crate::testing::{Bench, admin, analyst, assert_hidden, director, on_each_database, strangers};
use crate::uploads::{self, NewUpload};
use crate::{Error, PageRequest, TenantId, Verb};

fn received(bench: &Bench, tenant: &TenantId, retention_days: Option<i64>) -> Evidence {
    let new = NewUpload {
        tenant_id: tenant.clone(),
        server_id: None,
        campaign_id: None,
        name: "EX01.zip".into(),
        note: String::new(),
        acquired_at: None,
        retention_days,
        size: None,
        sha256: None,
    };
    let upload = uploads::begin(&bench.desk, &analyst(), &new).unwrap();
    uploads::append(
        &bench.desk,
        &analyst(),
        &upload.id,
        0,
        &mut &b"the logs of EX01, secret"[..],
    )
    .unwrap();
    uploads::finish(&bench.desk, &analyst(), &upload.id).unwrap()
}

fn blob(bench: &Bench) -> std::path::PathBuf {
    let rows = bench
        .desk
        .read(|tx| tx.query("SELECT id FROM blob", &[]))
        .unwrap();
    let id: String = rows.into_iter().next().unwrap().reader().get().unwrap();
    blob_path(&bench.desk, &id)
}

#[test]
fn custody_tells_who_received_read_took_out_and_verified() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let evidence = received(bench, &bench.tenant("Client"), None);
        open(desk, &analyst(), &evidence.id, Purpose::Read, "hunt").unwrap();
        open(
            desk,
            &director(),
            &evidence.id,
            Purpose::Export,
            "asked for by the police",
        )
        .unwrap();
        assert!(verify(desk, &analyst(), &evidence.id).unwrap().sound);
        let all = custody(desk, &analyst(), &evidence.id, &PageRequest::default()).unwrap();
        let told: Vec<String> = all
            .items
            .iter()
            .map(|entry| format!("{} {}", entry.actor.name, entry.action))
            .collect();
        assert_eq!(
            told,
            [
                "sam evidence.verify",
                "camille evidence.export",
                "sam evidence.read",
                "sam evidence.receive"
            ]
        );
        assert_eq!(all.items[1].details["why"], "asked for by the police");
    });
}

#[test]
fn nothing_on_the_disk_gives_the_bytes_away_and_damage_is_found() {
    let bench = Bench::sqlite();
    let evidence = received(&bench, &bench.tenant("Client"), None);
    let path = blob(&bench);
    let mut stored = std::fs::read(&path).unwrap();
    assert!(!stored.windows(6).any(|window| window == b"secret"));
    let middle = stored.len() / 2;
    stored[middle] ^= 1;
    std::fs::write(&path, &stored).unwrap();
    let verified = verify(&bench.desk, &analyst(), &evidence.id).unwrap();
    assert!(!verified.sound && verified.problem.is_some());
    std::fs::write(&path, b"").unwrap();
    assert!(
        !verify(&bench.desk, &analyst(), &evidence.id).unwrap().sound,
        "nothing is not what was received"
    );
    std::fs::remove_file(&path).unwrap();
    assert!(!verify(&bench.desk, &analyst(), &evidence.id).unwrap().sound);
}

#[test]
fn evidence_goes_when_its_retention_is_over_and_never_while_somebody_holds_it() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let tenant = bench.tenant("Client");
        let evidence = received(bench, &tenant, Some(30));
        let path = blob(bench);
        assert_eq!(expire(desk).unwrap(), 0);
        let one = hold(desk, &director(), &tenant, Some(&evidence.id), "case 2021-117").unwrap();
        let all = hold(desk, &director(), &tenant, None, "prosecutor's letter").unwrap();
        bench.clock.advance_seconds(31 * 86_400);
        assert_eq!(expire(desk).unwrap(), 0);
        assert!(get(desk, &analyst(), &evidence.id).unwrap().held);
        lift(desk, &director(), &one.id, "settled").unwrap();
        assert_eq!(expire(desk).unwrap(), 0);
        assert!(lift(desk, &director(), &one.id, "again").is_err());
        lift(desk, &director(), &all.id, "settled").unwrap();
        assert!(path.exists());
        assert_eq!(expire(desk).unwrap(), 1);
        assert!(!path.exists());
        let after = get(desk, &analyst(), &evidence.id).unwrap();
        assert!(after.deleted_at.is_some() && after.sha256 == evidence.sha256);
        let opened = open(desk, &analyst(), &evidence.id, Purpose::Read, "x").map(|_| ());
        assert!(matches!(opened, Err(Error::State { .. })), "{opened:?}");
        let keys = desk
            .read(|tx| tx.query("SELECT id FROM blob WHERE data_key IS NOT NULL", &[]))
            .unwrap();
        assert!(keys.is_empty(), "with the key go the bytes");
        // The same bytes sent again are new evidence.
        let again = received(bench, &tenant, None);
        assert!(verify(desk, &analyst(), &again.id).unwrap().sound);
    });
}

#[test]
fn bytes_that_two_pieces_share_stay_until_both_are_gone() {
    on_each_database(|bench| {
        let tenant = bench.tenant("Client");
        received(bench, &tenant, Some(30));
        let kept = received(bench, &tenant, None);
        bench.clock.advance_seconds(31 * 86_400);
        assert_eq!(expire(&bench.desk).unwrap(), 1);
        assert!(verify(&bench.desk, &analyst(), &kept.id).unwrap().sound);
    });
}

#[test]
fn retention_is_shortened_with_notice_and_by_those_who_may() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let evidence = received(bench, &bench.tenant("Client"), None);
        let shorter = |days: i64| EvidenceFields {
            retention_until: Some(desk.now().plus_days(days)),
            ..evidence.fields.clone()
        };
        assert!(matches!(
            change(desk, &analyst(), &evidence.id, 1, &shorter(40)),
            Err(Error::Forbidden { .. })
        ));
        assert!(matches!(
            change(desk, &admin(), &evidence.id, 1, &shorter(1)),
            Err(Error::Invalid { .. })
        ));
        let changed = change(desk, &director(), &evidence.id, 1, &shorter(8)).unwrap();
        assert_eq!(changed.revision, 2);
        assert!(matches!(
            change(desk, &director(), &evidence.id, 1, &shorter(9)),
            Err(Error::Conflict { current: 2 })
        ));
    });
}

#[test]
fn strangers_see_no_evidence() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let tenant = bench.tenant("Client");
        let other = bench.tenant("Other");
        let evidence = received(bench, &tenant, None);
        let held = hold(desk, &director(), &tenant, None, "reason").unwrap();
        for access in strangers(&other) {
            assert_hidden(open(desk, &access, &evidence.id, Purpose::Read, "x").map(|_| ()));
            assert_hidden(verify(desk, &access, &evidence.id));
            assert_hidden(change(desk, &access, &evidence.id, 1, &evidence.fields));
            assert_hidden(hold(desk, &access, &tenant, None, "reason"));
            assert_hidden(lift(desk, &access, &held.id, "reason"));
            assert_hidden(holds(desk, &access, &tenant));
            if access.may(Verb::ReadInternal) {
                assert_hidden(get(desk, &access, &evidence.id));
                assert_hidden(custody(desk, &access, &evidence.id, &PageRequest::default()));
                let filter = EvidenceFilter {
                    search: Some(evidence.sha256.clone()),
                    ..EvidenceFilter::default()
                };
                assert!(
                    list(desk, &access, &filter, &PageRequest::default())
                        .unwrap()
                        .items
                        .is_empty()
                );
            }
        }
        assert!(matches!(
            open(
                desk,
                &crate::testing::somebody("e", crate::Role::Engineer, crate::TenantSet::All),
                &evidence.id,
                Purpose::Read,
                "x"
            )
            .map(|_| ()),
            Err(Error::Forbidden { .. })
        ));
    });
}

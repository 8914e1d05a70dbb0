use super::*;
use crate::testing::{Bench, admin, analyst, assert_hidden, director, on_each_database, somebody, strangers};
use crate::{Error, PageRequest, Role, TenantId, TenantSet};

fn remark(bench: &Bench, tenant: Option<&TenantId>, text: &str) -> Entry {
    let remark = Remark {
        tenant_id: tenant.cloned(),
        campaign_id: None,
        text: text.into(),
    };
    say(&bench.desk, &director(), &remark).unwrap()
}

fn exported(bench: &Bench, tenant: Option<&TenantId>) -> String {
    let mut out = Vec::new();
    export(&bench.desk, &director(), tenant, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Does what only somebody with the database's own tools could do.
fn tamper(bench: &Bench, table: &str, sql: &str) {
    let path = bench.options.data.join("desk.sqlite");
    let connection = rusqlite::Connection::open(path).unwrap();
    for act in ["update", "delete"] {
        connection
            .execute_batch(&format!("DROP TRIGGER {table}_no_{act}"))
            .unwrap();
    }
    assert!(connection.execute(sql, []).unwrap() > 0);
}

#[test]
fn every_act_is_in_its_tenant_s_chain() {
    on_each_database(|bench| {
        let tenant = bench.tenant("Client");
        let said = remark(bench, Some(&tenant), "  the owner called  ");
        assert_eq!(
            (said.seq, said.text.as_str(), said.action.as_str()),
            (2, "the owner called", "say")
        );
        remark(bench, None, "all hands at nine");
        let report = verify(&bench.desk, &director()).unwrap();
        assert!(report.sound, "{report:?}");
        let lengths: Vec<i64> = report.chains.iter().map(|chain| chain.entries).collect();
        assert_eq!(lengths, [2, 1]);
    });
}

#[test]
fn records_can_be_neither_changed_nor_deleted() {
    on_each_database(|bench| {
        bench.tenant("Client");
        for sql in [
            "UPDATE audit SET text = 'x'",
            "DELETE FROM audit",
            "DELETE FROM audit_root",
        ] {
            let done = bench.desk.write(|tx| {
                publish(tx)?;
                tx.execute(sql, &[])
            });
            assert!(
                matches!(&done, Err(Error::Database(why)) if why.contains("never changed")),
                "{done:?}"
            );
        }
        assert!(verify(&bench.desk, &director()).unwrap().sound);
    });

    /// A row of `audit_root` to be deleted.
    fn publish(tx: &mut crate::desk::Tx<'_>) -> crate::Result<()> {
        tx.execute(
            "INSERT INTO audit_root (seq, chain, chain_seq, chain_hash) VALUES (0, 'x', 0, 'x')",
            &[],
        )?;
        Ok(())
    }
}

#[test]
fn whoever_gets_around_that_is_found() {
    for (sql, why) in [
        (
            "UPDATE audit SET text = 'nothing happened' WHERE seq = 3 AND text <> ''",
            "it was changed",
        ),
        ("DELETE FROM audit WHERE seq = 3", "records between are gone"),
        ("DELETE FROM audit WHERE seq >= 3", "the chain ends here"),
        (
            "UPDATE audit SET actor_name = 'somebody else' WHERE seq = 2",
            "it was changed",
        ),
        ("UPDATE audit SET at = at + 1 WHERE seq = 2", "it was changed"),
    ] {
        let bench = Bench::sqlite();
        let tenant = bench.tenant("Client");
        for text in ["one", "two", "three"] {
            remark(&bench, Some(&tenant), text);
        }
        tamper(&bench, "audit", sql);
        let report = verify(&bench.desk, &director()).unwrap();
        assert!(!report.sound);
        let problems = &report.chains[0].problems;
        assert!(
            problems.iter().any(|problem| problem.why.contains(why)),
            "{sql}: {problems:?}"
        );
    }
}

#[test]
fn a_chain_that_was_cut_and_mended_does_not_fit_its_root() {
    let bench = Bench::sqlite();
    let tenant = bench.tenant("Client");
    remark(&bench, Some(&tenant), "we were told on the 3rd");
    publish_root(&bench.desk, &admin()).unwrap();
    assert!(verify(&bench.desk, &director()).unwrap().sound);
    tamper(&bench, "audit", "DELETE FROM audit WHERE seq = 2");
    let path = bench.options.data.join("desk.sqlite");
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .execute("UPDATE audit_head SET seq = 1, hash = (SELECT hash FROM audit WHERE seq = 1 AND audit.chain = audit_head.chain) WHERE chain <> 'provider'", [])
        .unwrap();
    let report = verify(&bench.desk, &director()).unwrap();
    let problems = &report.chains[0].problems;
    assert!(
        problems
            .iter()
            .any(|problem| problem.why.contains("published root")),
        "{problems:?}"
    );
}

#[test]
fn roots_bind_all_heads() {
    on_each_database(|bench| {
        let tenant = bench.tenant("Client");
        let first = publish_root(&bench.desk, &admin()).unwrap();
        remark(bench, Some(&tenant), "more");
        let second = publish_root(&bench.desk, &admin()).unwrap();
        assert_ne!(first.root, second.root);
        assert_eq!(
            (first.chains, second.chains),
            (1, 2),
            "the first root is itself a record of the provider's chain"
        );
        let before = Some(second.seq);
        assert_eq!(
            roots(&bench.desk, &director(), None).unwrap(),
            [second, first.clone()]
        );
        assert_eq!(roots(&bench.desk, &director(), before).unwrap(), [first]);
        let report = verify(&bench.desk, &director()).unwrap();
        assert!(report.sound && report.roots == 2, "{report:?}");
    });
}

#[test]
fn an_export_is_verified_without_the_desk_and_names_nobody_else() {
    on_each_database(|bench| {
        let tenant = bench.tenant("Client");
        let other = bench.tenant("Somebody else");
        remark(bench, Some(&tenant), "the owner called");
        publish_root(&bench.desk, &admin()).unwrap();
        let text = exported(bench, Some(&tenant));
        assert!(!text.contains("Somebody else") && !text.contains(other.as_str()));
        let report = verify_export(text.as_bytes()).unwrap();
        assert!(report.sound, "{report:?}");
        assert_eq!((report.chain.entries, report.roots.len()), (3, 1));

        let changed = text.replace("the owner called", "nobody called");
        assert!(!verify_export(changed.as_bytes()).unwrap().sound);
        let lines: Vec<&str> = text.lines().collect();
        let without = |index: usize| {
            let mut kept = lines.clone();
            kept.remove(index);
            kept.join("\n")
        };
        assert!(!verify_export(without(2).as_bytes()).unwrap().sound);
        // The last record, of the export itself.
        assert!(!verify_export(without(3).as_bytes()).unwrap().sound);
        assert!(verify_export(without(lines.len() - 1).as_bytes()).is_err());
        assert!(verify_export(&b"{}"[..]).is_err());

        publish_root(&bench.desk, &admin()).unwrap();
        let provider = exported(bench, None);
        let report = verify_export(provider.as_bytes()).unwrap();
        assert!(report.sound, "{report:?}");
        let leaf = provider.find("\"leaves\":[\"").unwrap() + 11;
        let mut forged = provider.clone();
        forged.replace_range(leaf..leaf + 4, "0000");
        let forged = verify_export(forged.as_bytes()).unwrap();
        assert!(!forged.sound);
        // What does not give the root is not handed out as its leaves.
        let binds = |report: &ExportReport| {
            let one = &report.bindings[0];
            one.leaves.contains(&one.leaf)
        };
        assert_eq!((binds(&report), binds(&forged)), (true, false));
    });
}

#[test]
fn the_main_courante_is_read_newest_first_and_by_what_one_looks_for() {
    on_each_database(|bench| {
        let tenant = bench.tenant("Client");
        for text in ["first call", "second call", "a remark"] {
            bench.clock.advance_seconds(60);
            remark(bench, Some(&tenant), text);
        }
        let filter = JournalFilter {
            action: Some("say".into()),
            search: Some("CALL".into()),
            ..JournalFilter::default()
        };
        let first = list(&bench.desk, &analyst(), &filter, &PageRequest::first(1)).unwrap();
        assert_eq!(first.items[0].text, "second call");
        let next = PageRequest {
            limit: Some(1),
            cursor: first.next,
        };
        let second = list(&bench.desk, &analyst(), &filter, &next).unwrap();
        assert_eq!((second.items[0].text.as_str(), second.next), ("first call", None));
    });
}

#[test]
fn strangers_read_verify_export_and_say_nothing() {
    on_each_database(|bench| {
        let tenant = bench.tenant("Client");
        let other = bench.tenant("Other");
        remark(bench, Some(&tenant), "secret");
        remark(bench, None, "secret of the house");
        for access in strangers(&other) {
            if access.role() != Role::ClientContact {
                let seen = list(
                    &bench.desk,
                    &access,
                    &JournalFilter::default(),
                    &PageRequest::default(),
                )
                .unwrap();
                assert!(
                    seen.items.iter().all(|entry| entry.chain == other.as_str()),
                    "{seen:?}"
                );
            }
            if let Ok(report) = verify(&bench.desk, &access) {
                assert!(report.chains.iter().all(|chain| chain.chain == other.as_str()));
                assert_eq!(report.roots, 0);
            }
            assert_hidden(export(&bench.desk, &access, Some(&tenant), &mut Vec::new()));
            assert!(export(&bench.desk, &access, None, &mut Vec::new()).is_err());
            assert!(
                roots(&bench.desk, &access, None).is_err() && publish_root(&bench.desk, &access).is_err()
            );
            let remark = Remark {
                tenant_id: Some(tenant.clone()),
                campaign_id: None,
                text: "x".into(),
            };
            assert_hidden(say(&bench.desk, &access, &remark));
        }
        let contact = somebody("client", Role::ClientContact, TenantSet::Only([tenant].into()));
        let read = list(
            &bench.desk,
            &contact,
            &JournalFilter::default(),
            &PageRequest::default(),
        );
        assert!(
            matches!(read, Err(Error::Forbidden { .. })),
            "the main courante is the provider's own"
        );
    });
}

#[test]
fn the_main_courante_is_searched_in_every_script() {
    on_each_database(|bench| {
        remark(bench, None, "ÉTAT DES LIEUX : coupé à 9 h");
        let filter = JournalFilter {
            search: Some("état des".into()),
            ..JournalFilter::default()
        };
        assert_eq!(
            list(&bench.desk, &analyst(), &filter, &PageRequest::default())
                .unwrap()
                .items
                .len(),
            1
        );
    });
}

/// An export is a file of somebody else's: whatever it holds, the answer is a report or an error.
#[test]
fn no_file_upsets_the_verification() {
    let bench = Bench::sqlite();
    let tenant = bench.tenant("Client");
    remark(&bench, Some(&tenant), "words");
    publish_root(&bench.desk, &admin()).unwrap();
    let text = exported(&bench, Some(&tenant)).into_bytes();
    let whole = verify_export(&text[..]).unwrap();
    assert!(whole.sound);
    for index in 0..text.len() {
        let _ = verify_export(&text[..index]);
        let mut broken = text.clone();
        broken[index] ^= 0x15;
        // What changes nothing of what is said (a space, the case of a number) may pass; a changed word may not.
        if let Ok(report) = verify_export(&broken[..]) {
            assert!(!report.sound || report.chain.head == whole.chain.head, "{index}");
        }
    }
}

#[test]
fn an_export_holds_all_roots_however_many_there_are() {
    on_each_database(|bench| {
        let tenant = bench.tenant("Client");
        remark(bench, None, "all hands at nine");
        let oldest = publish_root(&bench.desk, &director()).unwrap();
        for _ in 0..1_010 {
            publish_root(&bench.desk, &director()).unwrap();
        }
        assert_eq!(verify(&bench.desk, &director()).unwrap().roots, 1_011);
        let listed = roots(&bench.desk, &director(), None).unwrap();
        assert_eq!(listed.len(), 1_000);
        let older = roots(&bench.desk, &director(), Some(listed[999].seq)).unwrap();
        assert_eq!((older.len(), older.last()), (11, Some(&oldest)));
        for of in [None, Some(&tenant)] {
            let report = verify_export(exported(bench, of).as_bytes()).unwrap();
            assert!(report.sound, "{report:?}");
            assert_eq!(report.bindings.len(), 1_011);
            assert_eq!(report.bindings[0].root, oldest.root);
        }
    });
}

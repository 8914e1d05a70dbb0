use std::io::{Read, Write};

use super::*;
use crate::testing::{Bench, admin, analyst, assert_hidden, on_each_database, strangers};
use crate::{Error, EvidenceId, TenantId, Verb, evidence};

fn new(tenant: &TenantId, name: &str) -> NewUpload {
    NewUpload {
        tenant_id: tenant.clone(),
        server_id: None,
        campaign_id: None,
        name: name.into(),
        note: String::new(),
        acquired_at: None,
        retention_days: None,
        size: None,
        sha256: None,
    }
}

/// Bytes that deflate a little, and differ everywhere.
fn bytes(length: usize) -> Vec<u8> {
    (0..length as u64)
        .map(|n| (n.wrapping_mul(n).wrapping_mul(2_654_435_761) >> 17) as u8 & 0x7f)
        .collect()
}

fn read(bench: &Bench, id: &EvidenceId) -> Vec<u8> {
    let mut all = Vec::new();
    let mut reader = evidence::open(&bench.desk, &analyst(), id, evidence::Purpose::Read, "test").unwrap();
    reader.read_to_end(&mut all).unwrap();
    all
}

/// Gives some bytes, then breaks.
struct Broken<'a>(&'a [u8]);

impl Read for Broken<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(std::io::Error::other("the line went dead")),
            read => Ok(read),
        }
    }
}

#[test]
fn what_is_sent_in_pieces_comes_back_whole() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let tenant = bench.tenant("Client");
        let all = bytes(3_500_000);
        let sha256 = crate::ids::hex(&<sha2::Sha256 as sha2::Digest>::digest(&all));
        let announced = NewUpload {
            size: Some(all.len() as i64),
            sha256: Some(sha256.to_uppercase()),
            ..new(&tenant, "EX01.zip")
        };
        let upload = begin(desk, &analyst(), &announced).unwrap();
        let id = &upload.id;
        let first = append(desk, &analyst(), id, 0, &mut &all[..1_000_000]).unwrap();
        assert_eq!(first.received, 1_000_000);
        let wrong = append(desk, &analyst(), id, 7, &mut &all[7..]);
        assert!(
            matches!(wrong, Err(Error::Conflict { current: 1_000_000 })),
            "{wrong:?}"
        );
        assert!(matches!(
            finish(desk, &analyst(), id),
            Err(Error::Invalid { field: "size", .. })
        ));
        // The line breaks, and another process goes on.
        let broke = append(
            desk,
            &analyst(),
            id,
            1_000_000,
            &mut Broken(&all[1_000_000..2_200_000]),
        );
        assert!(matches!(broke, Err(Error::Unavailable(_))), "{broke:?}");
        let other = bench.again();
        assert_eq!(get(&other, &analyst(), id).unwrap().received, 2_200_000);
        append(&other, &analyst(), id, 2_200_000, &mut &all[2_200_000..]).unwrap();
        let more = append(&other, &analyst(), id, all.len() as i64, &mut &b"x"[..]);
        assert!(
            matches!(more, Err(Error::Invalid { field: "size", .. })),
            "{more:?}"
        );
        let evidence = finish(desk, &analyst(), id).unwrap();
        assert_eq!(
            (evidence.size as usize, evidence.sha256.as_str()),
            (all.len(), sha256.as_str())
        );
        assert_eq!(
            finish(desk, &analyst(), id).unwrap(),
            evidence,
            "asked again, it says the same"
        );
        assert_eq!(read(bench, &evidence.id), all);
        assert!(append(desk, &analyst(), id, all.len() as i64, &mut &b"x"[..]).is_err());
    });
}

#[test]
fn what_a_crash_tore_is_cut_off_and_hashed_anew() {
    let bench = Bench::sqlite();
    let tenant = bench.tenant("Client");
    let all = bytes(2_500_000);
    let upload = begin(&bench.desk, &analyst(), &new(&tenant, "x")).unwrap();
    append(&bench.desk, &analyst(), &upload.id, 0, &mut &all[..1_500_000]).unwrap();
    let path = store::path(&bench.desk, &upload.id);
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"half a chunk that was never acknowledged")
        .unwrap();
    let desk = bench.again();
    append(&desk, &analyst(), &upload.id, 1_500_000, &mut &all[1_500_000..]).unwrap();
    let evidence = finish(&desk, &analyst(), &upload.id).unwrap();
    assert_eq!(
        evidence.sha256,
        crate::ids::hex(&<sha2::Sha256 as sha2::Digest>::digest(&all))
    );
    assert_eq!(read(&bench, &evidence.id), all);
}

#[test]
fn a_crash_on_the_way_to_its_place_is_mended() {
    let bench = Bench::sqlite();
    let tenant = bench.tenant("Client");
    let upload = begin(&bench.desk, &analyst(), &new(&tenant, "x")).unwrap();
    append(&bench.desk, &analyst(), &upload.id, 0, &mut &b"bytes"[..]).unwrap();
    let to = evidence::blob_path(&bench.desk, upload.id.as_str());
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    std::fs::rename(store::path(&bench.desk, &upload.id), &to).unwrap();
    let evidence = finish(&bench.again(), &analyst(), &upload.id).unwrap();
    assert_eq!(read(&bench, &evidence.id), b"bytes");
}

#[test]
fn the_same_bytes_are_kept_once_per_tenant() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let (one, two) = (bench.tenant("One"), bench.tenant("Two"));
        let send = |tenant: &TenantId, name: &str| {
            let upload = begin(desk, &analyst(), &new(tenant, name)).unwrap();
            append(desk, &analyst(), &upload.id, 0, &mut &bytes(10_000)[..]).unwrap();
            finish(desk, &analyst(), &upload.id).unwrap()
        };
        let ids = [send(&one, "a").id, send(&one, "b").id, send(&two, "c").id];
        let blobs = desk.read(|tx| tx.query("SELECT id FROM blob", &[])).unwrap();
        assert_eq!(blobs.len(), 2, "tenants share nothing");
        assert_eq!(files(&desk.data().join("blobs")), 2);
        assert_eq!(files(&desk.data().join("uploads")), 0);
        for id in ids {
            assert_eq!(read(bench, &id), bytes(10_000));
        }
    });
}

fn files(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .map(|path| if path.is_dir() { files(&path) } else { 1 })
        .sum()
}

#[test]
fn bytes_that_are_not_those_announced_become_no_evidence() {
    on_each_database(|bench| {
        let announced = NewUpload {
            sha256: Some("0".repeat(64)),
            ..new(&bench.tenant("Client"), "x")
        };
        let upload = begin(&bench.desk, &analyst(), &announced).unwrap();
        append(&bench.desk, &analyst(), &upload.id, 0, &mut &b"other"[..]).unwrap();
        let refused = finish(&bench.desk, &analyst(), &upload.id);
        assert!(
            matches!(refused, Err(Error::Invalid { field: "sha256", .. })),
            "{refused:?}"
        );
        abort(&bench.desk, &analyst(), &upload.id).unwrap();
        assert_eq!(files(&bench.desk.data().join("uploads")), 0);
        assert!(finish(&bench.desk, &analyst(), &upload.id).is_err());
    });
}

#[test]
fn a_hash_that_is_known_only_at_the_end_is_checked_before_anything_is_kept() {
    let bench = Bench::sqlite();
    let (desk, tenant) = (&bench.desk, bench.tenant("Client"));
    let upload = begin(desk, &analyst(), &new(&tenant, "x")).unwrap();
    append(desk, &analyst(), &upload.id, 0, &mut &b"abc"[..]).unwrap();
    let right = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    for wrong in ["0".repeat(64), "ba78".into()] {
        let refused = finish_as(desk, &analyst(), &upload.id, Some(&wrong));
        assert!(
            matches!(refused, Err(Error::Invalid { field: "sha256", .. })),
            "{refused:?}"
        );
    }
    let evidence = finish_as(desk, &analyst(), &upload.id, Some(&right.to_uppercase())).unwrap();
    assert_eq!(evidence.sha256, right);
    // Asked again, with the same hash and with another.
    assert_eq!(
        finish_as(desk, &analyst(), &upload.id, Some(right)).unwrap().id,
        evidence.id
    );
    let refused = finish_as(desk, &analyst(), &upload.id, Some(&"0".repeat(64)));
    assert!(matches!(refused, Err(Error::State { .. })), "{refused:?}");
}

#[test]
fn two_do_not_send_one_upload_at_once() {
    let bench = Bench::sqlite();
    let upload = begin(&bench.desk, &analyst(), &new(&bench.tenant("Client"), "x")).unwrap();
    struct Nested<'a>(&'a Bench, &'a crate::UploadId, bool);
    impl Read for Nested<'_> {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            if !self.2 {
                self.2 = true;
                let second = append(&self.0.desk, &analyst(), self.1, 0, &mut &b"y"[..]);
                assert!(matches!(second, Err(Error::State { .. })), "{second:?}");
            }
            Ok(0)
        }
    }
    append(
        &bench.desk,
        &analyst(),
        &upload.id,
        0,
        &mut Nested(&bench, &upload.id, false),
    )
    .unwrap();
}

#[test]
fn what_nobody_touches_is_given_up_after_a_week() {
    on_each_database(|bench| {
        let upload = begin(&bench.desk, &analyst(), &new(&bench.tenant("Client"), "x")).unwrap();
        append(&bench.desk, &analyst(), &upload.id, 0, &mut &b"bytes"[..]).unwrap();
        assert_eq!(sweep(&bench.desk).unwrap(), 0);
        assert_eq!(files(&bench.desk.data().join("uploads")), 1);
        bench.clock.advance_seconds(7 * 86_400);
        assert_eq!(sweep(&bench.desk).unwrap(), 1);
        assert_eq!(files(&bench.desk.data().join("uploads")), 0);
    });
}

#[test]
fn a_file_of_the_machine_comes_in_whole() {
    on_each_database(|bench| {
        let file = bench.folder.path().join("drop.zip");
        std::fs::write(&file, bytes(70_000)).unwrap();
        let evidence = receive_file(
            &bench.desk,
            &admin(),
            &new(&bench.tenant("Client"), "drop.zip"),
            &file,
        )
        .unwrap();
        assert_eq!(read(bench, &evidence.id), bytes(70_000));
    });
}

#[test]
fn strangers_send_and_see_no_uploads() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let tenant = bench.tenant("Client");
        let other = bench.tenant("Other");
        let upload = begin(desk, &analyst(), &new(&tenant, "x")).unwrap();
        for access in strangers(&other) {
            assert_hidden(begin(desk, &access, &new(&tenant, "x")));
            assert_hidden(get(desk, &access, &upload.id));
            assert_hidden(append(desk, &access, &upload.id, 0, &mut &b"x"[..]));
            assert_hidden(finish(desk, &access, &upload.id));
            assert_hidden(abort(desk, &access, &upload.id));
            if access.may(Verb::Evidence) {
                assert!(list(desk, &access, None).unwrap().is_empty());
            }
        }
    });
}

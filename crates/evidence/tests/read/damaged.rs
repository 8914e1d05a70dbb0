//! Archives that are broken, encrypted, packed in other ways, or not zip at all.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use vigie_evidence::{FileEntry, Limits, Skip};
use zip::CompressionMethod;

use crate::support::{Evidence, Raw, iis_log, raw_zip, read_here, read_with, zip, zip_with};

fn is_cut(entry: &FileEntry) -> bool {
    let cut = |skip: &Skip| skip.why.starts_with("the rest could not be read");
    entry.sha256.is_empty() && entry.skipped.iter().any(cut)
}

/// Removes the central directory of a zip.
fn without_directory(mut archive: Vec<u8>) -> Vec<u8> {
    let end = archive
        .windows(4)
        .rposition(|bytes| bytes == b"PK\x05\x06")
        .unwrap();
    let at = u32::from_le_bytes(archive[end + 16..end + 20].try_into().unwrap());
    archive.truncate(at as usize);
    archive
}

#[test]
fn a_lost_directory_is_replaced_by_the_entries_own_headers() {
    let evidence = Evidence::new();
    let log = iis_log(None, 50);
    let entries = [
        ("C/inetpub/logs/u_ex1.log", log.as_bytes()),
        ("C/inetpub/logs/u_ex2.log", log.as_bytes()),
        ("C/inetpub/wwwroot/page.aspx", b"<%@ Page %>".as_slice()),
    ];
    evidence.file("EX01.zip", without_directory(zip(&entries)));
    let done = read_here(&evidence.path());
    assert_eq!(done.manifest.records, 100);
    assert!(
        done.contents
            .contains_key("evidence/EX01.zip!/C/inetpub/wwwroot/page.aspx")
    );
    done.warned(&["EX01.zip", "no central directory", "3 entries were recovered"]);
    assert_eq!(done.units(), [("evidence/EX01.zip", "-", "EX01", "zip")]);
}

#[test]
fn what_is_left_of_a_cut_entry_is_read() {
    let evidence = Evidence::new();
    let log = iis_log(None, 3_000);
    let whole = zip(&[("u_ex1.log", log.as_bytes()), ("u_ex2.log", log.as_bytes())]);
    let mut cut = without_directory(whole);
    cut.truncate(cut.len() * 3 / 4);
    evidence.file("EX01.zip", cut);
    let done = read_here(&evidence.path());
    done.warned(&["EX01.zip", "2 entries were recovered", "the last one is cut off"]);
    assert_eq!(done.rows["evidence/EX01.zip!/u_ex1.log"], 3_000);
    let rest = done.rows["evidence/EX01.zip!/u_ex2.log"];
    assert!((500..3_000).contains(&rest), "{rest}");
    let entry = done.file("evidence/EX01.zip!/u_ex2.log");
    assert_eq!(entry.sha256, "", "a hash of half a file would be misleading");
    assert!(is_cut(entry), "{entry:?}");
}

#[test]
fn a_damaged_directory_is_told_and_replaced() {
    let evidence = Evidence::new();
    let log = iis_log(None, 2);
    let mut archive = zip(&[("a.log", log.as_bytes()), ("b.log", log.as_bytes())]);
    let second = archive
        .windows(4)
        .rposition(|bytes| bytes == b"PK\x01\x02")
        .unwrap();
    archive[second..second + 4].fill(0xff);
    evidence.file("EX01.zip", archive);
    let done = read_here(&evidence.path());
    assert_eq!(done.manifest.records, 4);
    done.warned(&["EX01.zip", "damaged after 1 entries", "2 entries were recovered"]);
}

#[test]
fn sizes_behind_the_data_are_found() {
    let evidence = Evidence::new();
    let log = iis_log(None, 20);
    for (name, signature) in [("signed", true), ("bare", false)] {
        let entry = |name: &str| Raw {
            descriptor: Some(signature),
            ..Raw::stored(name, log.as_bytes())
        };
        let archive = raw_zip(&[entry("a.log"), entry("b.log")]);
        evidence.file(&format!("{name}.zip"), &archive);
        evidence.file(&format!("{name}-cut.zip"), without_directory(archive));
    }
    let done = read_here(&evidence.path());
    for name in ["signed", "bare", "signed-cut", "bare-cut"] {
        for entry in ["a", "b"] {
            let path = format!("evidence/{name}.zip!/{entry}.log");
            assert_eq!(
                done.rows.get(&path),
                Some(&20),
                "{path}: {:?}",
                done.manifest.warnings
            );
        }
    }
    assert_eq!(done.manifest.warnings.len(), 2, "{:?}", done.manifest.warnings);
}

/// A piece in the middle is missing: what comes after it is found all the same.
#[test]
fn a_hole_costs_no_more_than_what_was_in_it() {
    let evidence = Evidence::new();
    let log = iis_log(None, 200);
    let entries: Vec<Raw> = (0..40)
        .map(|index| Raw {
            descriptor: Some(true),
            ..Raw::stored(&format!("{index:02}.log"), log.as_bytes())
        })
        .collect();
    let mut archive = without_directory(raw_zip(&entries));
    for hole in 0..20 {
        // Twenty holes in the first entries, from behind so that positions stay.
        let at = (19 - hole) * (log.len() + 51) + 1_000;
        archive.drain(at..at + 500);
    }
    evidence.file("EX01.zip", archive);
    let done = read_here(&evidence.path());
    for index in 20..40 {
        let path = format!("evidence/EX01.zip!/{index:02}.log");
        assert_eq!(done.rows.get(&path), Some(&200), "{path}");
    }
    for index in 0..20 {
        let rows = done.rows[&format!("evidence/EX01.zip!/{index:02}.log")];
        assert!((150..=200).contains(&rows), "{index}: {rows}");
    }
    done.warned(&["EX01.zip", "40 entries were recovered"]);
}

#[test]
fn a_wrong_checksum_is_told_and_the_bytes_are_read() {
    let evidence = Evidence::new();
    let log = iis_log(None, 5);
    let wrong = Raw {
        crc: 0xdead_beef,
        ..Raw::stored("u_ex.log", log.as_bytes())
    };
    evidence.file("EX01.zip", raw_zip(&[wrong]));
    let done = read_here(&evidence.path());
    assert_eq!(done.manifest.records, 5);
    done.warned(&["u_ex.log", "checksum is not the one"]);
}

#[test]
fn encrypted_entries_are_named_and_counted() {
    let evidence = Evidence::new();
    let log = iis_log(None, 5);
    let secret = |name: &str| Raw {
        flags: 1,
        ..Raw::stored(name, b"twelve bytes of header and so on")
    };
    let entries = [
        secret("C/inetpub/wwwroot/lsass.dmp"),
        secret("C/b.log"),
        Raw::stored("C/u_ex.log", log.as_bytes()),
    ];
    evidence.file("EX01.zip", raw_zip(&entries));
    let done = read_here(&evidence.path());
    assert_eq!(done.manifest.records, 5);
    done.warned(&[
        "EX01.zip",
        "2 of 3 entries are encrypted",
        "C/inetpub/wwwroot/lsass.dmp",
        "give the unpacked files",
    ]);
    let entry = done.file("evidence/EX01.zip!/C/inetpub/wwwroot/lsass.dmp");
    assert_eq!(entry.skipped[0].why, "encrypted; give the unpacked files");
    assert_eq!(
        entry.original_path.as_deref(),
        Some("C:\\inetpub\\wwwroot\\lsass.dmp")
    );
    assert_eq!(entry.sha256, "");
}

#[test]
fn other_compression_methods_are_named() {
    let evidence = Evidence::new();
    let log = iis_log(None, 5);
    let packed = |name: &str, method| Raw {
        method,
        ..Raw::stored(name, b"packed in another way")
    };
    let entries = [
        packed("a.log", 14),
        packed("b.log", 93),
        packed("c.log", 77),
        Raw::stored("u_ex.log", log.as_bytes()),
    ];
    evidence.file("EX01.zip", raw_zip(&entries));
    let done = read_here(&evidence.path());
    assert_eq!(done.manifest.records, 5);
    for (method, name) in [("LZMA", "a.log"), ("zstd", "b.log"), ("method 77", "c.log")] {
        done.warned(&["1 of 4 entries", method, name, "give the unpacked files"]);
    }
}

/// Explorer packs files of more than 2 GB this way. A stored block is the same in both formats.
#[test]
fn deflate64_is_read() {
    let evidence = Evidence::new();
    let log = iis_log(None, 5);
    let length = u16::try_from(log.len()).unwrap();
    let mut packed = vec![1];
    packed.extend(length.to_le_bytes());
    packed.extend((!length).to_le_bytes());
    packed.extend(log.as_bytes());
    let entry = Raw {
        method: 9,
        size: log.len() as u32,
        crc: crc32fast::hash(log.as_bytes()),
        ..Raw::stored("u_ex.log", &packed)
    };
    evidence.file("EX01.zip", raw_zip(&[entry]));
    let done = read_here(&evidence.path());
    assert_eq!(done.manifest.records, 5);
    assert!(done.manifest.warnings.is_empty(), "{:?}", done.manifest.warnings);
}

#[test]
fn an_archive_is_told_by_its_content() {
    let evidence = Evidence::new();
    let log = iis_log(None, 5);
    let inner = zip(&[("inner.log", log.as_bytes())]);
    let outer = zip(&[("u_ex.log", log.as_bytes()), ("picture.jpg", &inner)]);
    evidence.file("EX01/C/temp/it.dat", outer);
    evidence.file("EX01/not really.zip", "these are notes");
    let done = read_here(&evidence.path());
    assert_eq!(done.rows["evidence/EX01/C/temp/it.dat!/u_ex.log"], 5);
    assert_eq!(
        done.rows["evidence/EX01/C/temp/it.dat!/picture.jpg!/inner.log"],
        5
    );
    assert_eq!(done.contents["evidence/EX01/not really.zip"], b"these are notes");
    let packed = done.file("evidence/EX01/C/temp/it.dat!/picture.jpg");
    assert_eq!(
        packed.size,
        inner.len() as u64,
        "a nested archive is evidence itself"
    );
    assert_eq!(packed.sha256.len(), 64);
}

#[test]
fn large_nested_archives_are_read_wherever_they_are() {
    let evidence = Evidence::new();
    // What does not compress, so that the inner archive is larger than what is kept in memory.
    let mut state = 1u32;
    let noise: Vec<u8> = (0..6 << 20)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let log = iis_log(None, 5);
    let inner = zip_with(
        CompressionMethod::Stored,
        &[("noise.bin", &noise), ("u_ex.log", log.as_bytes())],
    );
    evidence.file("EX01.zip", zip(&[("spooled.zip", &inner)]));
    evidence.file(
        "EX02.zip",
        zip_with(CompressionMethod::Stored, &[("in place.zip", &inner)]),
    );
    let done = read_here(&evidence.path());
    assert_eq!(done.rows["evidence/EX01.zip!/spooled.zip!/u_ex.log"], 5);
    assert_eq!(done.rows["evidence/EX02.zip!/in place.zip!/u_ex.log"], 5);
    assert_eq!(
        done.file("evidence/EX01.zip!/spooled.zip!/noise.bin").sha256,
        done.file("evidence/EX02.zip!/in place.zip!/noise.bin").sha256
    );
    assert!(done.manifest.warnings.is_empty(), "{:?}", done.manifest.warnings);

    let limits = Limits {
        spool_bytes: 5 << 20,
        ..Limits::default()
    };
    let done = read_with(&evidence.path(), 1, limits);
    done.warned(&[
        "spooled.zip",
        "a nested archive of more than 5242880 bytes",
        "unpack it",
    ]);
    assert_eq!(done.rows["evidence/EX02.zip!/in place.zip!/u_ex.log"], 5);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tar(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1_614_729_600);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

#[test]
fn gzip_and_tar_are_read() {
    let evidence = Evidence::new();
    let log = iis_log(None, 5);
    let packed = tar(&[("logs/u_ex1.log", log.as_bytes()), ("page.aspx", b"<%@ Page %>")]);
    evidence.file("EX01/u_ex.log.gz", gzip(log.as_bytes()));
    evidence.file("EX01/logs.tar", &packed);
    evidence.file("EX01/logs.tar.gz", gzip(&packed));
    evidence.file("EX01/more.tgz", gzip(&packed));
    evidence.file("EX01/in.zip", zip(&[("u_ex.log.gz", &gzip(log.as_bytes()))]));
    let done = read_here(&evidence.path());
    for path in [
        "evidence/EX01/u_ex.log.gz!/u_ex.log",
        "evidence/EX01/logs.tar!/logs/u_ex1.log",
        "evidence/EX01/logs.tar.gz!/logs.tar!/logs/u_ex1.log",
        "evidence/EX01/more.tgz!/more.tar!/logs/u_ex1.log",
        "evidence/EX01/in.zip!/u_ex.log.gz!/u_ex.log",
    ] {
        assert_eq!(
            done.rows.get(path),
            Some(&5),
            "{path}: {:?}",
            done.manifest.warnings
        );
    }
    assert!(done.manifest.warnings.is_empty(), "{:?}", done.manifest.warnings);
}

#[test]
fn tar_names_may_be_long_and_hostile() {
    let evidence = Evidence::new();
    let log = iis_log(None, 5);
    let long = format!("{}/u_ex.log", "folder".repeat(30));
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(log.len() as u64);
    builder
        .append_data(&mut header.clone(), &long, log.as_bytes())
        .unwrap();
    let name = b"../../climbs.log";
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_cksum();
    builder.append(&header, log.as_bytes()).unwrap();
    let posix = [("path", b"posix/u_ex.log".as_slice())];
    builder.append_pax_extensions(posix).unwrap();
    builder.append(&header, log.as_bytes()).unwrap();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    header.set_cksum();
    builder.append(&header, std::io::empty()).unwrap();
    evidence.file("EX01/logs.tar", builder.into_inner().unwrap());
    let done = read_here(&evidence.path());
    for entry in [long.as_str(), "../../climbs.log", "posix/u_ex.log"] {
        let path = format!("evidence/EX01/logs.tar!/{entry}");
        assert_eq!(done.rows.get(&path), Some(&5), "{path}: {:?}", done.manifest);
    }
    done.warned(&["logs.tar", "2 entries have names that climb out"]);
    done.warned(&["climbs.log", "not a regular file, not read"]);
}

#[test]
fn damaged_gzip_and_tar_give_what_they_have() {
    let evidence = Evidence::new();
    let log = iis_log(None, 4_000);
    let mut packed = gzip(log.as_bytes());
    packed.truncate(packed.len() / 2);
    evidence.file("EX01/u_ex.log.gz", packed);
    let mut packed = tar(&[("a.log", log.as_bytes()), ("b.log", log.as_bytes())]);
    packed.truncate(packed.len() / 2 + 5_000);
    evidence.file("EX01/logs.tar", packed);
    let done = read_here(&evidence.path());
    assert!(done.rows["evidence/EX01/u_ex.log.gz!/u_ex.log"] > 500);
    let entry = done.file("evidence/EX01/u_ex.log.gz!/u_ex.log");
    assert!(is_cut(entry), "{entry:?}");
    assert_eq!(done.rows["evidence/EX01/logs.tar!/a.log"], 4_000);
    let entry = done.file("evidence/EX01/logs.tar!/b.log");
    assert!(is_cut(entry), "{entry:?}");
}

#[test]
fn a_gzip_bomb_is_cut() {
    let evidence = Evidence::new();
    evidence.file("EX01/bomb.gz", gzip(&vec![b'x'; 40 << 20]));
    evidence.file("EX01/u_ex.log", iis_log(None, 1));
    let limits = Limits {
        archive_ratio: 10,
        ..Limits::default()
    };
    let done = read_with(&evidence.path(), 2, limits);
    done.warned(&["bomb.gz", "more than the caps on archives allow"]);
    assert_eq!(done.manifest.records, 1);
}

#[test]
fn archives_that_cannot_be_read_say_what_to_do() {
    let evidence = Evidence::new();
    for (name, magic, what) in [
        ("a.7z", b"7z\xbc\xaf\x27\x1c\0\x04".as_slice(), "7-Zip"),
        ("b.rar", b"Rar!\x1a\x07\x01\0", "RAR"),
        ("c.E01", b"EVF\x09\x0d\x0a\xff\0", "EnCase disk image"),
        ("d.vhdx", b"vhdxfile", "VHDX disk image"),
    ] {
        evidence.file(&format!("EX01/{name}"), magic);
        let done = read_here(&evidence.path());
        done.warned(&[name, what, "give the folder"]);
        assert_eq!(done.file(&format!("evidence/EX01/{name}")).sha256.len(), 64);
    }
}

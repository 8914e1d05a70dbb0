#![allow(clippy::unwrap_used)]

use std::io::{Cursor, Read, Seek, Write};
use std::sync::Arc;

use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{Entry, Zip};
use crate::open::bytes::Bytes;

fn open(bytes: &[u8]) -> (Zip, Option<super::Damage>) {
    Zip::open(Arc::new(Bytes::Memory(bytes.to_vec())), 1_000).unwrap()
}

fn contents(zip: &Zip) -> Vec<(String, Vec<u8>)> {
    let content = |entry: Entry| {
        let mut content = Vec::new();
        let mut unpacked = zip.unpack(&entry).unwrap();
        unpacked.read_to_end(&mut content).unwrap();
        assert!(!unpacked.corrupt);
        assert!(entry.size.is_none_or(|size| size == content.len() as u64));
        (entry.text(), content)
    };
    zip.entries().map(content).collect()
}

type File = (String, Vec<u8>, bool);

fn fill<W: Write + Seek>(mut writer: ZipWriter<W>, files: &[File], large: bool) -> W {
    for (name, content, stored) in files {
        let method = if *stored {
            CompressionMethod::Stored
        } else {
            CompressionMethod::Deflated
        };
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .large_file(large);
        writer.start_file(name.as_str(), options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap()
}

/// What the `zip` crate writes: with sizes in front, or `streamed` with sizes after the data.
fn written(files: &[File], streamed: bool, large: bool) -> Vec<u8> {
    if streamed {
        fill(ZipWriter::new_stream(Vec::new()), files, large).into_inner()
    } else {
        fill(ZipWriter::new(Cursor::new(Vec::new())), files, large).into_inner()
    }
}

fn files() -> impl Strategy<Value = Vec<File>> {
    let content = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..400),
        prop::collection::vec(
            prop::sample::select(b"PK\x03\x04\x01\x02\x07\x08".to_vec()),
            0..400
        ),
        Just(b"2021-03-03 00:00:00 GET /owa/ 200\r\n".repeat(5_000)),
    ];
    prop::collection::vec((content, any::<bool>()), 1..6).prop_map(|files| {
        (0..)
            .zip(files)
            .map(|(index, (content, stored))| (format!("folder {index}/é{index}.log"), content, stored))
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Healthy archives give what was put in, whatever the shape, and with something in front.
    #[test]
    fn healthy_archives_are_read(files in files(), streamed: bool, large: bool, prefix in 0_usize..40) {
        let mut bytes = vec![b'#'; prefix];
        bytes.extend(written(&files, streamed, large));
        let (zip, damage) = open(&bytes);
        prop_assert!(damage.is_none(), "{}", damage.unwrap().why);
        let expected: Vec<_> = files.into_iter().map(|(name, content, _)| (name, content)).collect();
        prop_assert_eq!(contents(&zip), expected);
    }

    /// Without their directory they give the same.
    #[test]
    fn lost_directories_are_survived(files in files(), streamed: bool, large: bool) {
        let bytes = written(&files, streamed, large);
        let at = memchr::memmem::rfind(&bytes, b"PK\x05\x06").unwrap();
        let directory = u32::from_le_bytes(bytes[at + 16..at + 20].try_into().unwrap()) as usize;
        let (zip, damage) = open(&bytes[..directory]);
        prop_assert!(damage.is_some());
        let all = contents(&zip);
        for (name, content, _) in files {
            prop_assert!(all.contains(&(name.clone(), content)), "{} is lost", name);
        }
    }

    /// Nothing panics, whatever is flipped and wherever it ends.
    #[test]
    fn damage_is_survived(
        files in files(),
        streamed: bool,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = written(&files, streamed, false);
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        let (zip, _) = open(&bytes);
        for entry in zip.entries() {
            if let Ok(unpacked) = zip.unpack(&entry) {
                let mut some = Vec::new();
                let _ = unpacked.take(1 << 20).read_to_end(&mut some);
            }
        }
    }
}

#[test]
fn names_of_old_are_in_code_page_437() {
    let mut bytes = written(&[("caf_.log".to_owned(), b"x".to_vec(), true)], false, false);
    while let Some(at) = memchr::memmem::find(&bytes, b"caf_") {
        bytes[at + 3] = 0x82;
    }
    let (zip, damage) = open(&bytes);
    assert!(damage.is_none());
    assert_eq!(zip.entries().next().unwrap().text(), "café.log");
}

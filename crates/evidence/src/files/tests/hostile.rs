//! Hostile and broken documents: nothing panics, nothing grows, nothing is dropped in silence.

use proptest::prelude::*;

use super::*;

fn skips(reading: &Reading) -> Vec<&str> {
    reading
        .outcome
        .skipped
        .iter()
        .map(|skip| skip.why.as_str())
        .collect()
}

#[test]
fn entities_are_not_expanded() {
    let bomb = r#"<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>
<configuration><system.webServer><globalModules><add name="&b;" image="C:\x\&b;.dll"/></globalModules></system.webServer></configuration>"#;
    let reading = read("web.config", bomb.as_bytes());
    assert_eq!(column(&reading, "name"), ["&b;"]);
    assert_eq!(skips(&reading), ["document type declaration; not followed"]);
}

#[test]
fn deep_nesting_ends_the_reading_and_is_said() {
    let deep = format!("<configuration><system.webServer/>{}", "<a>".repeat(100_000));
    assert_eq!(
        skips(&read("web.config", deep.as_bytes())),
        ["elements nested deeper than 128"]
    );
}

#[test]
fn a_document_cut_off_keeps_what_came_before() {
    let cut = "<configuration><system.webServer><globalModules><add name='A' image='C:\\a.dll'/><add name='B";
    let reading = read("web.config", cut.as_bytes());
    assert_eq!(column(&reading, "image"), [r"C:\a.dll"]);
    assert_eq!(reading.outcome.skipped.len(), 1, "{:?}", reading.outcome);
    let cut = "<configuration><system.webServer><globalModules><add name='A' image='C:\\a.dll'/>";
    assert_eq!(
        skips(&read("web.config", cut.as_bytes())),
        ["the document ends too early"]
    );
}

#[test]
fn a_piece_without_end_is_not_held() {
    let mut long = "<configuration><system.webServer><globalModules><add name='A' image='".to_owned();
    long.push_str(&"a".repeat(3 << 20));
    let reading = read("web.config", long.as_bytes());
    assert_eq!(column(&reading, "image"), [""; 0]);
    assert!(
        reading.outcome.skipped[0]
            .why
            .contains("longer than 1048576 bytes"),
        "{:?}",
        reading.outcome.skipped
    );
}

#[test]
fn bytes_that_are_no_text_are_replaced_and_said() {
    let bytes = b"<configuration><system.webServer><globalModules><add name='\xe9' image='C:\\a.dll'/></globalModules></system.webServer></configuration>";
    let reading = read("web.config", bytes);
    assert_eq!(column(&reading, "name"), ["\u{fffd}"]);
    assert_eq!(
        skips(&reading),
        ["bytes that are no text in the file's encoding; replaced"]
    );
}

#[test]
fn rows_of_utf16_say_where_they_begin_in_the_file() {
    let text = "Microsoft Safety Scanner v1.333, é\r\nStarted On Wed Mar 10 2021\r\n";
    for (bytes, expected) in [(utf16(text), 74), (text.as_bytes().to_vec(), 37)] {
        let reading = read("msert.log", &bytes);
        assert_eq!(reading.batches[0].offset(0), expected);
    }
    let xml =
        "<configuration><system.webServer><httpLogging dontLog='true'/></system.webServer></configuration>";
    let reading = read("web.config", &utf16(xml));
    assert_eq!(reading.batches[0].offset(1), 2 + 2 * 33);
}

/// Pieces of the samples, so that random documents come close to real ones.
fn pieces() -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    for folder in std::fs::read_dir(samples()).unwrap() {
        let folder = folder.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "snap") {
                let bytes = std::fs::read(path).unwrap();
                pieces.extend(bytes.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec));
            }
        }
    }
    pieces
}

/// What every reading keeps to, whatever the bytes.
fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let limits = Limits {
        line_bytes: 4 << 10,
        batch_rows: 7,
        ..Limits::default()
    };
    for format in FORMATS {
        let reading = read_with(format, "x/y.csv", bytes, &limits);
        let rows: usize = reading.batches.iter().map(EventBatch::rows).sum();
        prop_assert_eq!(reading.outcome.records, rows as u64, "{}", format.name);
        for batch in &reading.batches {
            prop_assert!(batch.rows() <= limits.batch_rows, "{}", format.name);
            for row in 0..batch.rows() {
                prop_assert!(batch.record(row) > 0, "{}", format.name);
            }
        }
        for name in ["web.config", "x.csv", "x.txt", "x.xml", "x.json", "msert.log"] {
            let head = Head {
                bytes,
                name,
                path: name,
            };
            let _ = (format.recognise)(&head);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        check(&bytes)?;
    }

    #[test]
    fn shuffled_and_cut_samples_never_panic(
        parts in prop::collection::vec((prop::sample::select(pieces()), 0usize..200), 0..40),
        wide in any::<bool>(),
    ) {
        let mut bytes = Vec::new();
        for (part, cut) in parts {
            // Most pieces stay whole.
            let length = if cut < 20 { part.len().min(cut) } else { part.len() };
            bytes.extend_from_slice(&part[..length]);
        }
        if wide {
            bytes = utf16(&String::from_utf8_lossy(&bytes));
        }
        check(&bytes)?;
    }
}

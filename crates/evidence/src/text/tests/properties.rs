//! Nothing is lost: every piece of text is a row, a header, a directive, or counted.

use proptest::prelude::*;

use super::*;

/// Pieces of text between line feeds and NULs, counted without any of the reader's code.
fn pieces(bytes: &[u8]) -> u64 {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let has_text = |piece: &&[u8]| {
        let piece = piece.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(piece);
        !piece.strip_suffix(b"\r").unwrap_or(piece).is_empty()
    };
    bytes
        .split(|byte| matches!(byte, b'\n' | 0))
        .filter(has_text)
        .count() as u64
}

fn conserved(source: Source, bytes: &[u8], limits: &Limits) -> Result<(), TestCaseError> {
    let Reading {
        batches,
        outcome,
        ledger,
    } = read(source, "x.log", bytes, limits);
    let rows: usize = batches.iter().map(EventBatch::rows).sum();
    prop_assert_eq!(outcome.records, rows as u64);
    let lost: u64 = outcome.skipped.iter().map(|skip| skip.records).sum();
    prop_assert_eq!(lost, ledger.lost());
    // Blank lines inside a quoted field belong to a record; between records they are no pieces.
    let counted = outcome.records + lost + ledger.directives + ledger.continued;
    prop_assert!(
        counted >= pieces(bytes),
        "{counted} of {} pieces: {outcome:?}",
        pieces(bytes)
    );
    if ledger.continued == 0 {
        prop_assert_eq!(counted, pieces(bytes));
    }
    let mut before = None;
    for batch in &batches {
        prop_assert!(batch.rows() <= limits.batch_rows);
        for row in 0..batch.rows() {
            let place = (batch.offset(row), batch.record(row));
            prop_assert!(before.is_none_or(|before| before < place));
            before = Some(place);
            let start = &bytes[usize::try_from(place.0).unwrap()..];
            prop_assert!(
                !matches!(start.first(), None | Some(b'\n' | 0)),
                "a row begins at its offset"
            );
            let feeds = bytes[..bytes.len() - start.len()]
                .iter()
                .filter(|&&byte| byte == b'\n')
                .count();
            prop_assert_eq!(feeds as u64 + 1, place.1);
        }
    }
    Ok(())
}

fn sources() -> impl Strategy<Value = Source> {
    prop::sample::select(FORMATS.iter().map(|format| format.source).collect::<Vec<_>>())
}

/// Lines that look like what these logs hold, whole and broken.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "#Fields: date time c-ip cs-method cs-uri-stem sc-status",
        "#Fields: time cs-uri-stem",
        "#Fields: DateTime,UrlStem,,AnchorMailbox,GenericErrors",
        "#Fields: TimeStamp,ServerName,EventId,EventData",
        "#Fields:",
        "#Date: 2021-03-03 06:49:00",
        "#Version: 15.01.2106.002",
        "DateTime,RequestId,UrlStem",
        "2021-03-03 06:49:42 203.0.113.45 POST /ecp/y.js 200",
        "2021-03-03 06:49:42  203.0.113.45 POST /ecp/y.js 200",
        "06:49:42 /ecp/y.js",
        "2021-03-03T06:49:46.210Z,/ecp/y.js,,ServerInfo~a/b?msExchEcpCanary=x&,\"a,\"\"b\"",
        "2021-03-03T06:49:46.210Z,\"never closed",
        "closed\",after",
        "2021-03-03T06:49:51.389Z,EX01,ECP.Request,S:TIME=31;S:CMD=Get-X;Dbl:A[b]=1;S:TimeGenerated=x;S:_Line=y",
        "2021-03-03T06:49:51.389Z,EX01,t,x,\"{\"\"a\"\":[1]}\",k",
        "x,temporary file 'p' needs to be removed",
        "",
        ",,,,,,,,,,,,",
    ]);
    prop_oneof![
        6 => known.prop_map(|line| line.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => "[ -~é\"]{0,60}".prop_map(String::into_bytes),
        1 => (0usize..300).prop_map(|length| vec![b'a'; length]),
        1 => (0usize..20).prop_map(|length| vec![0; length]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn no_bytes_panic_and_none_are_lost(source in sources(), bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        // UTF-16 has other offsets.
        prop_assume!(!bytes.starts_with(&[0xFF, 0xFE]) && !bytes.starts_with(&[0xFE, 0xFF]));
        conserved(source, &bytes, &Limits::default())?;
    }

    #[test]
    fn no_line_is_lost(
        source in sources(),
        lines in prop::collection::vec((line(), any::<bool>()), 0..40),
        line_bytes in prop::sample::select(vec![40, 200, 1 << 20]),
        batch_rows in 1usize..5,
    ) {
        let mut bytes = Vec::new();
        for (line, carriage_return) in lines {
            bytes.extend(line);
            bytes.extend(if carriage_return { b"\r\n".as_slice() } else { b"\n" });
        }
        prop_assume!(!bytes.starts_with(&[0xFF, 0xFE]) && !bytes.starts_with(&[0xFE, 0xFF]));
        conserved(source, &bytes, &Limits { line_bytes, batch_rows, ..Limits::default() })?;
    }

    #[test]
    fn recognition_never_panics_and_never_doubts(
        path in "(logging/)?(httpproxy/|ecp/server/|w3svc1/)?(u_ex210303|HttpProxy_2021030306-1|x)[.](log|csv|bin)",
        lines in prop::collection::vec(line(), 0..6),
    ) {
        // Two formats that claim one file fail inside.
        recognise(&path, &lines.join(&b'\n'));
    }

    #[test]
    fn utf_16_never_panics(source in sources(), big in any::<bool>(), bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut file = if big { vec![0xFE, 0xFF] } else { vec![0xFF, 0xFE] };
        file.extend(bytes);
        read(source, "x.log", &file, &Limits::default());
    }
}

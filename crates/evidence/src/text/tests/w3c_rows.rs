//! Rows of W3C logs that are not as they should be.

use super::*;

const FIELDS: &str = "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\r\n";

fn skips(reading: &Reading) -> Vec<(String, u64)> {
    let skips = reading.outcome.skipped.iter();
    skips.map(|skip| (skip.why.to_string(), skip.records)).collect()
}

fn one(row: &str) -> Reading {
    read_default(Source::Iis, &format!("{FIELDS}{row}\r\n"))
}

#[test]
fn ansi_text_is_read_as_windows_1252_and_said() {
    let mut bytes = FIELDS.as_bytes().to_vec();
    bytes.extend(
        b"2021-03-03 06:49:42 192.0.2.21 GET /owa/ - 443 EXAMPLE\\Ren\xE9 203.0.113.5 x - 200 0 0 1\r\n",
    );
    let reading = read(Source::Iis, "ex210303.log", &bytes, &Limits::default());
    assert_eq!(
        column(&reading, "cs-username"),
        [Some("EXAMPLE\\René".to_owned())]
    );
    let expected = "kept: 1 line not in UTF-8, read as Windows-1252".to_owned();
    assert_eq!(skips(&reading), [(expected, 0)]);
}

#[test]
fn stray_spaces_are_put_into_the_value_that_leaves_all_others_their_shape() {
    for (row, name, value) in [
        (
            "2021-03-03 06:49:42 192.0.2.21 GET /owa/ a=1 and b=2 443 u 203.0.113.5 x - 200 0 0 1",
            "cs-uri-query",
            "a=1 and b=2",
        ),
        (
            "2021-03-03 06:49:42 192.0.2.21 GET /a b.aspx - 443 u 203.0.113.5 x - 200 0 0 1",
            "cs-uri-stem",
            "/a b.aspx",
        ),
        (
            "2021-03-03 06:49:42 192.0.2.21 GET /owa/ - 443 - 203.0.113.5 Outlook 16 x - 200 0 0 1",
            "cs(User-Agent)",
            "Outlook 16 x",
        ),
        (
            "2021-03-03 06:49:42 192.0.2.21 GET /owa/ - 443 - fe80::1%3  x - 200 0 0 1",
            "c-ip",
            "fe80::1%3",
        ),
    ] {
        let reading = one(row);
        assert_eq!(column(&reading, name), [Some(value.to_owned())], "{row}");
        assert_eq!(column(&reading, "sc-status"), [Some("200".to_owned())], "{row}");
        assert!(skips(&reading)[0].0.contains("aligned by the shape"), "{row}");
    }
}

#[test]
fn what_cannot_be_aligned_keeps_its_text_and_its_time() {
    for row in [
        "2021-03-03 06:49:42 192.0.2.21 GET /owa/ - not-a-port u 203.0.113.5",
        "2021-03-03 06:49:42 192.0.2.21 GET /owa/ - 443 u 203.0.113.5 x y z shifted 200 0 0",
        "2021-03-03 06:49:42 192.0.2.21 GET /owa/ - 443 u 203.0.113.5 x - shifted 0 0 1",
    ] {
        let reading = one(row);
        assert_eq!(column(&reading, "_Line"), [Some(row.to_owned())]);
        assert_eq!(column(&reading, "cs-uri-stem"), [None]);
        assert_eq!(
            reading.outcome.first,
            vigie_event::parse_utc("2021-03-03 06:49:42")
        );
        assert_eq!(skips(&reading).len(), 1);
    }
}

#[test]
fn a_cut_row_keeps_the_fields_it_has() {
    let reading = one("2021-03-03 06:49:42 192.0.2.21 GET /ow");
    assert_eq!(column(&reading, "cs-uri-stem"), [Some("/ow".to_owned())]);
    assert_eq!(
        skips(&reading),
        [("kept: 1 row with fewer fields than the header".to_owned(), 0)]
    );
    let cut_in_its_time = one("2021-03-03 06:4");
    assert_eq!(
        (cut_in_its_time.outcome.records, cut_in_its_time.ledger.lost()),
        (0, 1)
    );
}

#[test]
fn a_row_with_all_fields_but_no_time_is_kept() {
    let reading = one("yesterday 06:49:42 192.0.2.21 GET /owa/ - 443 u 203.0.113.5 x - 200 0 0 1");
    assert_eq!(reading.outcome.records, 1);
    assert_eq!(reading.batches[0].time(0), None);
    assert_eq!(
        skips(&reading),
        [("kept: 1 row without a readable time".to_owned(), 0)]
    );
}

#[test]
fn without_any_date_the_file_name_tells_the_day() {
    let text = "#Fields: time cs-uri-stem\r\n06:49:42 /owa/\r\n";
    let reading = read(
        Source::Iis,
        "W3SVC1/u_ex210303.log",
        text.as_bytes(),
        &Limits::default(),
    );
    assert_eq!(
        reading.outcome.first,
        vigie_event::parse_utc("2021-03-03 06:49:42")
    );
    let nameless = read(Source::Iis, "x.log", text.as_bytes(), &Limits::default());
    assert_eq!((nameless.outcome.first, nameless.outcome.records), (None, 1));
}

#[test]
fn rows_without_a_header_are_read_only_in_a_layout_that_is_known() {
    let reading = read_default(Source::Iis, "2021-03-03 06:49:42 W3SVC1 GET /owa/ 200\r\n");
    assert_eq!(
        skips(&reading),
        [(
            "row before any header, in a layout that is not known".to_owned(),
            1
        )]
    );
}

#[test]
fn a_header_too_wide_for_a_table_is_counted_with_its_rows() {
    let names: Vec<String> = (0..2_000).map(|number| format!("x{number}")).collect();
    let text = format!("#Fields: {}\r\n2021-03-03 06:49:42\r\n", names.join(" "));
    let reading = read_default(Source::Iis, &text);
    assert_eq!((reading.outcome.records, reading.ledger.lost()), (0, 2));
}

#[test]
fn a_repeated_header_changes_nothing_and_another_one_everything() {
    let row = "2021-03-03 06:49:42 /a\r\n";
    let text = format!(
        "#Fields: date time cs-uri-stem\r\n{row}#Fields: date time cs-uri-stem\r\n{row}#Fields: date time cs(Referer)\r\n{row}"
    );
    let reading = read_default(Source::Iis, &text);
    assert_eq!(
        reading.batches.iter().map(EventBatch::rows).collect::<Vec<_>>(),
        [2, 1]
    );
    assert!(reading.batches[1].column("cs-uri-stem").is_none());
    assert_eq!(reading.batches[1].row(0).get("cs(Referer)"), Some("/a"));
}

#[test]
fn directives_are_read_whatever_their_case_and_order() {
    let text = "#fields: time cs-uri-stem\r\n#date: 2013-07-30 00:00:00\r\n00:00:03 /a\r\n";
    let reading = read_default(Source::Iis, text);
    assert_eq!(
        reading.outcome.first,
        vigie_event::parse_utc("2013-07-30 00:00:03")
    );
}

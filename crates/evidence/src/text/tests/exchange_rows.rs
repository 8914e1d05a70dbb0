//! Rows and headers of Exchange logs that are not as they should be, and what is taken out of values.

use std::sync::Arc;

use super::*;

fn skips(reading: &Reading) -> Vec<(String, u64)> {
    let skips = reading.outcome.skipped.iter();
    skips.map(|skip| (skip.why.to_string(), skip.records)).collect()
}

fn some(values: &[&str]) -> Vec<Option<String>> {
    values
        .iter()
        .map(|value| (!value.is_empty()).then(|| (*value).to_owned()))
        .collect()
}

const TIME: &str = "2021-03-03T06:49:46.210Z";

#[test]
fn columns_are_found_by_name_when_the_header_changes() {
    let text = format!("DateTime,A,B\r\n{TIME},1,2\r\n#Fields: DateTime,B,C,A\r\n{TIME},3,4,5\r\n");
    let reading = read_default(Source::HttpProxy, &text);
    assert_eq!(column(&reading, "A"), some(&["1", "5"]));
    assert_eq!(column(&reading, "B"), some(&["2", "3"]));
    assert_eq!(column(&reading, "C"), some(&["", "4"]));
    assert!(reading.outcome.skipped.is_empty());
}

#[test]
fn names_that_are_missing_taken_or_doubled_become_numbered_columns() {
    let text = format!("DateTime,,A,a,TimeGenerated,_Record\r\n{TIME},1,2,3,4,5\r\n");
    let reading = read_default(Source::HttpProxy, &text);
    let fields: Vec<_> = reading.batches[0].row(0).fields().skip(1).collect();
    let expected = [
        ("_Column2", "1"),
        ("A", "2"),
        ("_Column4", "3"),
        ("_Column5", "4"),
        ("_Column6", "5"),
    ];
    assert_eq!(fields, expected);
}

#[test]
fn fields_beyond_the_header_are_kept() {
    let text = format!("DateTime,A\r\n{TIME},1,2,,4\r\n{TIME},1,,,\r\n");
    let reading = read_default(Source::HttpProxy, &text);
    assert_eq!(column(&reading, "_Column3"), some(&["2", ""]));
    assert_eq!(column(&reading, "_Column5"), some(&["4", ""]));
    assert_eq!(
        skips(&reading),
        [("kept: 1 row with more fields than the header".to_owned(), 0)]
    );
    let wide = format!("DateTime,A\r\n{TIME}{},last\r\n", ",".repeat(3_000));
    let reading = read_default(Source::HttpProxy, &wide);
    assert!(column(&reading, "_Line")[0].as_ref().unwrap().ends_with("last"));
    assert_eq!(skips(&reading).len(), 1);
}

#[test]
fn rows_without_a_time_are_kept_when_they_fit_and_counted_when_they_do_not() {
    let reading = read_default(
        Source::HttpProxy,
        "DateTime,A,B\r\nyesterday,1,2\r\nyesterday,1\r\nnoise\r\n",
    );
    assert_eq!(reading.outcome.records, 1);
    assert_eq!(column(&reading, "A"), some(&["1"]));
    let expected = [
        (
            "line that is neither a row, a header nor a directive".to_owned(),
            2,
        ),
        ("kept: 1 row without a readable time".to_owned(), 0),
    ];
    assert_eq!(skips(&reading), expected);
}

#[test]
fn a_live_file_ends_in_a_cut_row_and_nul_bytes() {
    let text = format!("DateTime,A,B\r\n{TIME},1,2\r\n{TIME},\"cut\0\0\0\0");
    let reading = read_default(Source::HttpProxy, &text);
    assert_eq!(column(&reading, "A"), some(&["1", "cut"]));
    let skipped = &reading.outcome.skipped;
    assert_eq!((skipped[0].why.as_str(), skipped[0].bytes), ("NUL padding", 4));
    assert_eq!(skipped[1].why, "kept: 1 row cut off inside a quoted field");
}

#[test]
fn a_mark_in_the_middle_of_a_file_is_no_part_of_the_header() {
    let text = format!("\u{feff}DateTime,A\r\n{TIME},1\r\n\u{feff}DateTime,B\r\n{TIME},2\r\n");
    let reading = read_default(Source::HttpProxy, &text);
    assert_eq!(column(&reading, "B"), some(&["", "2"]));
    assert_eq!(reading.outcome.records, 2);
}

#[test]
fn a_file_exported_again_by_powershell_is_read() {
    let text = format!("#TYPE System.Object\r\n\"DateTime\",\"UrlStem\"\r\n\"{TIME}\",\"/ecp/y.js\"\r\n");
    let reading = read_default(Source::HttpProxy, &text);
    assert_eq!(column(&reading, "UrlStem"), some(&["/ecp/y.js"]));
    assert!(reading.batches[0].time(0).is_some());
}

#[test]
fn batches_are_bounded_and_share_their_schema() {
    let rows = format!("{TIME},{}\r\n", "x".repeat(100)).repeat(100);
    let text = format!("DateTime,A\r\n{rows}");
    let by_rows = Limits {
        batch_rows: 30,
        ..Limits::default()
    };
    let reading = read(Source::HttpProxy, "x.log", text.as_bytes(), &by_rows);
    assert_eq!(
        reading.batches.iter().map(EventBatch::rows).collect::<Vec<_>>(),
        [30, 30, 30, 10]
    );
    assert!(Arc::ptr_eq(
        &reading.batches[0].schema(),
        &reading.batches[3].schema()
    ));
    assert_eq!(reading.batches[3].file(), FileId(7));
    let by_bytes = Limits {
        batch_bytes: 2_000,
        ..Limits::default()
    };
    let reading = read(Source::HttpProxy, "x.log", text.as_bytes(), &by_bytes);
    assert!(reading.batches.len() > 5);
    assert!(reading.batches.iter().all(|batch| batch.rows() < 20));
}

#[test]
fn builds_are_observed_once_each_with_their_time() {
    let text = format!(
        "#Version: 15.01.2106.002\r\nDateTime,A\r\n{TIME},1\r\n#Version: 15.01.2106.013\r\n#Version: 15.01.2106.002\r\n#Version: 15.0.0.0\r\n"
    );
    let reading = read_default(Source::HttpProxy, &text);
    let seen: Vec<_> = reading
        .outcome
        .observations
        .iter()
        .map(|fact| (fact.value.as_str(), fact.time))
        .collect();
    assert_eq!(seen, [("15.01.2106.002", vigie_event::parse_utc(TIME))]);
    let dateless = read_default(Source::HttpProxy, "#Version: 15.01.2106.002\r\n");
    assert_eq!(dateless.outcome.observations[0].time, None);
}

#[test]
fn rows_name_their_machine_however_often_it_changes() {
    let mut text = "DateTime,ServerHostName\r\n".to_owned();
    for name in ["EX01", "EX01", "EX02", "EX01", ""] {
        text.push_str(&format!("{TIME},{name}\r\n"));
    }
    let mut hosts = read_default(Source::HttpProxy, &text).outcome.hosts;
    hosts.sort();
    let field = "ServerHostName";
    assert_eq!(
        hosts,
        [("EX01".to_owned(), 3, field), ("EX02".to_owned(), 1, field)]
    );
}

#[test]
fn a_send_connector_names_no_machine() {
    let row =
        format!("{TIME},EDGE\\Internet,08D8DEAD00000001,0,,203.0.113.33:25,*,,attempting to connect\r\n");
    let text = format!(
        "#Log-type: SMTP Send Protocol Log\r\n#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context\r\n{row}"
    );
    let reading = read_default(Source::SmtpProtocol, &text);
    assert_eq!(reading.outcome.records, 1);
    assert!(reading.outcome.hosts.is_empty());
}

#[test]
fn keys_of_event_data_never_take_a_columns_place_and_are_bounded() {
    let keys: String = (0..80).map(|number| format!("S:K{number}={number};")).collect();
    let text = format!(
        "TimeStamp,ServerName,EventId,EventData\r\n{TIME},EX01,ECP.Request,S:ServerName=FAKE;S:_Line=x;S:TimeGenerated=y;{keys}\r\n"
    );
    let reading = read_default(Source::EcpServer, &text);
    assert_eq!(column(&reading, "ServerName"), some(&["EX01"]));
    assert_eq!(column(&reading, "_Line"), some(&[""]));
    assert_eq!(column(&reading, "K0"), some(&["0"]));
    assert_eq!(column(&reading, "K79"), some(&[""]));
    assert!(
        column(&reading, "EventData")[0]
            .as_ref()
            .unwrap()
            .contains("S:K79=79")
    );
    assert_eq!(
        skips(&reading),
        [(
            "kept: 1 row with more keys than a table may have columns".to_owned(),
            0
        )]
    );
}

#[test]
fn the_path_of_a_failed_download_is_found_under_any_header() {
    let text = format!(
        "#Fields: DateTime,Thread,Text\r\n{TIME},7,\"Download failed and temporary file '\\\\198.51.100.7\\c$\\x.aspx' needs to be removed\"\r\n{TIME},7,done\r\n"
    );
    let reading = read_default(Source::OabGenerator, &text);
    assert_eq!(
        column(&reading, "DownloadPath"),
        some(&["\\\\198.51.100.7\\c$\\x.aspx", ""])
    );
    assert_eq!(column(&reading, "Message")[0], column(&reading, "Text")[0]);
    assert_eq!(column(&reading, "Thread"), some(&["7", "7"]));
}

#[test]
fn rows_in_an_unknown_layout_take_no_other_layouts_columns() {
    let reading = read_default(Source::HttpProxy, &format!("{TIME},a,b,c\r\n"));
    assert_eq!(
        skips(&reading),
        [(
            "row before any header, in a layout that is not known".to_owned(),
            1
        )]
    );
}

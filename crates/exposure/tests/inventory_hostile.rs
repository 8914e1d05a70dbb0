//! What damaged and hostile files cost, and that nothing of any file is lost.

#![allow(clippy::unwrap_used)]

#[path = "support/samples.rs"]
mod samples;
#[path = "support/utf16.rs"]
mod utf16;

use std::collections::HashSet;
use std::fs;

use encoding_rs::WINDOWS_1252;
use proptest::prelude::*;
use vigie_exposure::inventory::{self, InventoryError, MAX_BYTES, Options, Reading};
use vigie_exposure::{Place, merge};
use vigie_pack::Product;

use samples::samples;
use utf16::utf16;

fn options() -> Options {
    Options {
        products: Product::embedded().unwrap(),
        ..Options::default()
    }
}

fn read(name: &str, bytes: &[u8]) -> Result<Reading, InventoryError> {
    inventory::read(name, bytes, &Options::default())
}

/// The samples with their names.
fn named() -> Vec<(String, Vec<u8>)> {
    let each = samples().into_iter().map(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, fs::read(&path).unwrap())
    });
    each.collect()
}

/// Documents of every tool that writes XML, around what is given.
fn documents(inside: &str, doctype: &str) -> Vec<String> {
    vec![
        format!(
            "<?xml version=\"1.0\"?>{doctype}<nmaprun><host><address addr=\"203.0.113.5\"/><hostnames>{inside}</hostnames></host></nmaprun>"
        ),
        format!(
            "<?xml version=\"1.0\"?>{doctype}<REQUEST><CONTENT><HARDWARE><NAME>EX01{inside}</NAME></HARDWARE></CONTENT></REQUEST>"
        ),
        format!(
            "<?xml version=\"1.0\"?>{doctype}<Objs><Obj><Props><S N=\"ServerName\">EX01{inside}</S></Props></Obj></Objs>"
        ),
    ]
}

#[test]
fn entities_that_grow_are_refused_in_every_xml() {
    let mut laughs = String::from("<!DOCTYPE nmaprun [<!ENTITY lol0 \"lol\">");
    for level in 1..10 {
        let before = format!("&lol{};", level - 1).repeat(10);
        laughs += &format!("<!ENTITY lol{level} \"{before}\">");
    }
    laughs += "]>";
    for document in documents("&lol9;", &laughs) {
        let error = read("a.xml", document.as_bytes()).unwrap_err();
        let said = error.said();
        assert!(said.en.contains("document type"), "{}", said.en);
        assert!(said.fr.contains("type de document"), "{}", said.fr);
    }
    // Without its declaration an entity is one that nobody knows.
    for document in documents("&lol9;", "") {
        let error = read("a.xml", document.as_bytes()).unwrap_err();
        assert!(
            error.to_string().contains("line 1: it has the entity &lol9;"),
            "{error}"
        );
    }
    let outside = "<!DOCTYPE nmaprun SYSTEM \"file:///etc/passwd\">";
    for document in documents("", outside) {
        read("a.xml", document.as_bytes()).unwrap_err();
    }
}

#[test]
fn deep_and_cut_documents_are_refused_with_their_line() {
    let deep = "<a>".repeat(300_000);
    for document in documents(&format!("\n{deep}"), "") {
        let error = read("a.xml", document.as_bytes()).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("line 2: its elements are nested more than 200 deep"),
            "{error}"
        );
    }
    for document in documents("", "") {
        let cut = &document[..document.len() - 6];
        let error = read("a.xml", cut.as_bytes());
        // A scan gives the hosts that are whole.
        if !document.contains("nmaprun") {
            assert!(error.unwrap_err().to_string().contains("line 1: "));
        }
    }
    let json = format!("{{\"content\": {}", "[".repeat(1_000_000));
    let error = read("a.json", json.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("recursion limit"), "{error}");
    let error = read("a.json", b"{\"hosts\": [\n{\"host\": 3}]}").unwrap_err();
    assert!(error.to_string().contains("line 2, column"), "{error}");
}

#[test]
fn many_attributes_cost_no_more_than_their_number() {
    let many: String = (0..200_000).map(|number| format!(" a{number}=\"\"")).collect();
    for document in [
        format!("<nmaprun><host{many}><address addr=\"203.0.113.5\"/></host></nmaprun>"),
        format!("<Objs><Obj><Props><S{many} N=\"ServerName\">EX01</S></Props></Obj></Objs>"),
    ] {
        let reading = read("a.xml", document.as_bytes()).unwrap();
        assert_eq!(reading.rows, 1);
    }
}

#[test]
fn garbage_of_any_size_is_refused() {
    assert_eq!(
        read("a", &vec![b'x'; MAX_BYTES + 1]).unwrap_err(),
        InventoryError::TooLarge
    );
    let mut noise = Vec::with_capacity(1 << 20);
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    while noise.len() < 1 << 20 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        noise.extend_from_slice(&state.to_le_bytes());
    }
    read("a", &noise).unwrap_err();
    for pattern in [
        "x",
        "\n",
        "<",
        "<a>",
        "{",
        "[",
        "\"",
        ";",
        ",\"",
        "a;b\n",
        "PK\u{3}\u{4}",
        "é",
    ] {
        let text = pattern.repeat((1 << 20) / pattern.len());
        let error = read("a", text.as_bytes()).unwrap_err();
        assert!(
            !error.said().en.is_empty() && !error.said().fr.is_empty(),
            "{pattern}"
        );
    }
}

#[test]
fn rows_wider_than_any_table_are_refused() {
    for text in [
        format!("server{}", ";".repeat(200_000)),
        format!("server;b\n\"{}", ";".repeat(200_000)),
    ] {
        assert_eq!(
            read("a.csv", text.as_bytes()).unwrap_err(),
            InventoryError::TooWide
        );
    }
    let wide = format!("server{}\nEX01{};x\n", ";a".repeat(1_200), ";b".repeat(1_500));
    let reading = read("a.csv", wide.as_bytes()).unwrap();
    assert_eq!(
        reading.problems[0].why.en,
        "the row has 1502 cells, the header 1000: the rest is not read"
    );
}

#[test]
fn more_rows_than_anybody_has_are_refused() {
    let rows = "EX01\n".repeat(500_001);
    let error = read("a.csv", format!("server\n{rows}").as_bytes()).unwrap_err();
    assert_eq!(error, InventoryError::TooManyRows);
    let hosts = "<host><status state=\"down\"/></host>".repeat(500_001);
    let error = read("a.xml", format!("<nmaprun>{hosts}</nmaprun>").as_bytes()).unwrap_err();
    assert_eq!(error, InventoryError::TooManyRows);
}

/// A reading keeps its promises whatever the file is.
fn check(reading: &Reading) {
    let told: HashSet<String> = reading
        .observations
        .iter()
        .map(|by| format!("{:?}", by.origin.place))
        .chain(reading.problems.iter().map(|problem| problem.place.en.clone()))
        .collect();
    let accounted = told.len() as u64 + reading.other_rows + reading.more_problems;
    assert!(
        accounted >= reading.rows.min(reading.observations.len() as u64),
        "{} rows, {accounted} accounted for",
        reading.rows
    );
    for problem in &reading.problems {
        assert!(!problem.place.fr.is_empty() && !problem.why.fr.is_empty() && !problem.why.en.is_empty());
    }
    let count = reading.observations.len();
    let estate = merge(reading.observations.clone());
    let lists = [&estate.servers, &estate.outside, &estate.others];
    let after: usize = lists
        .into_iter()
        .flatten()
        .map(|server| server.observations.len())
        .sum();
    assert_eq!(count, after);
}

#[test]
fn cut_and_damaged_samples_are_errors_or_read() {
    for (name, bytes) in named() {
        for end in (0..bytes.len()).step_by(97) {
            if let Ok(reading) = read(&name, &bytes[..end]) {
                check(&reading);
            }
        }
        for at in (0..bytes.len()).step_by(61) {
            for damage in [b'<', b'"', b'\0', b';', b'{', 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] = damage;
                if let Ok(reading) = read(&name, &damaged) {
                    check(&reading);
                }
            }
        }
    }
}

/// Observations without where they stand.
fn told(reading: &Reading) -> Vec<String> {
    let each = reading.observations.iter();
    each.map(|by| format!("{:?} {:?} {:?}", by.subject, by.fact, by.at))
        .collect()
}

#[test]
fn exports_say_the_same_in_every_encoding_and_with_every_delimiter() {
    for (name, bytes) in named() {
        let text = String::from_utf8(bytes).unwrap();
        let text = text.trim_start_matches('\u{feff}');
        let is_table = name.ends_with(".csv")
            && !name.starts_with("EX")
            && name != "organisation.csv"
            && name != "quote.csv";
        if !is_table {
            continue;
        }
        let expected = told(&inventory::read(&name, text.as_bytes(), &options()).unwrap());
        assert!(!expected.is_empty(), "{name}");
        let delimiter = if text.lines().next().unwrap().contains(';') {
            b';'
        } else {
            b','
        };
        for other in [b';', b',', b'\t', b'|'] {
            let mut rows = csv::ReaderBuilder::new()
                .delimiter(delimiter)
                .has_headers(false)
                .flexible(true)
                .from_reader(text.as_bytes());
            let mut writer = csv::WriterBuilder::new()
                .delimiter(other)
                .flexible(true)
                .from_writer(Vec::new());
            for row in rows.records() {
                writer.write_record(&row.unwrap()).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let day_first = Options {
                day_first: Some(true),
                ..options()
            };
            for (number, encoded) in [
                text.clone().into_bytes(),
                [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat(),
                WINDOWS_1252.encode(&text).0.into_owned(),
                utf16(&text, true, true),
                utf16(&text, false, true),
                utf16(&text, true, false),
                utf16(&text, false, false),
            ]
            .iter()
            .enumerate()
            {
                let reading = inventory::read(&name, encoded, &day_first).unwrap();
                assert_eq!(
                    told(&reading),
                    expected,
                    "{name} {} encoding {number}",
                    other as char
                );
            }
        }
    }
}

/// XML and JSON too: PowerShell writes UTF-16.
#[test]
fn documents_say_the_same_in_utf_16() {
    for (name, bytes) in named() {
        if name.ends_with(".csv") {
            continue;
        }
        let text = String::from_utf8(bytes.clone()).unwrap();
        let plain = inventory::read(&name, &bytes, &options()).unwrap();
        let wide = inventory::read(&name, &utf16(&text, true, true), &options()).unwrap();
        assert_eq!(told(&plain), told(&wide), "{name}");
    }
}

const OFFICE: &[&str] = &[
    "tenant",
    "server",
    "fqdn",
    "address",
    "build",
    "build_source",
    "published",
    "observed_at",
    "note",
];
const PARK: &[&str] = &[
    "DeviceName",
    "Domain",
    "SoftwareVendor",
    "SoftwareName",
    "SoftwareVersion",
    "LastSeen",
    "Tags",
];

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just(String::new()),
        3 => prop::sample::select(vec!["EX01", "ex02.a.example", "192.168.1.5", "15.1.2176.9", "oui", "?", "exsetup", "exchange_server", "02/03/2021"])
            .prop_map(str::to_owned),
        2 => "[a-z\";,\n\t é|=]{0,12}",
        1 => "\\PC{0,20}",
    ]
}

proptest! {
    /// Every row gives observations or problems, or is counted as empty or as one about something else.
    #[test]
    fn no_row_is_lost(
        office in prop::bool::ANY,
        delimiter in prop::sample::select(vec![b';', b',', b'\t', b'|']),
        rows in prop::collection::vec(prop::collection::vec(cell(), 1..11), 0..30),
    ) {
        let header = if office { OFFICE } else { PARK };
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter).flexible(true).from_writer(Vec::new());
        writer.write_record(header).unwrap();
        let mut lines = Vec::new();
        for row in &rows {
            writer.flush().unwrap();
            lines.push(writer.get_ref().iter().filter(|byte| **byte == b'\n').count() + 1);
            writer.write_record(row).unwrap();
        }
        let text = writer.into_inner().unwrap();
        // A delimiter that stands in cells more often than between them is told, as Excel tells it.
        let text = [format!("sep={}\n", delimiter as char).into_bytes(), text].concat();
        let reading = inventory::read("a.csv", &text, &Options::default()).unwrap();
        let full = rows.iter().filter(|row| row.iter().any(|cell| !cell.trim().is_empty())).count() as u64;
        prop_assert_eq!(reading.rows, full);
        prop_assert_eq!(reading.rows + reading.empty_rows, rows.len() as u64);
        let observed: HashSet<u64> = reading
            .observations
            .iter()
            .filter_map(|by| match by.origin.place {
                Some(Place::Line(line)) => Some(line),
                _ => None,
            })
            .collect();
        let mut silent = 0;
        for (row, line) in rows.iter().zip(lines) {
            // The first line says what the delimiter is.
            let line = line as u64 + 1;
            let place = format!("line {line}");
            let has_problem = reading.problems.iter().any(|problem| {
                problem.place.en == place || problem.place.en.starts_with(&format!("{place},"))
            });
            let is_full = row.iter().any(|cell| !cell.trim().is_empty());
            silent += u64::from(is_full && !observed.contains(&line) && !has_problem);
        }
        prop_assert_eq!(silent, reading.other_rows);
    }

    /// Bytes of any kind, behind what makes a reader of each format take them.
    #[test]
    fn no_bytes_panic(
        begin in prop::sample::select(vec!["", "{\"hosts\":", "{\"content\":{", "<nmaprun>", "<REQUEST>", "<Objs>", "server;build\n", "PK\u{3}\u{4}", "x\u{9c}"]),
        bytes in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let all = [begin.as_bytes(), &bytes].concat();
        if let Ok(reading) = read("EX01-Cve-2021-26855.csv", &all) {
            check(&reading);
        }
        if let Ok(reading) = read("a", &all) {
            check(&reading);
        }
    }
}

//! Inventories as Excel workbooks, good and bad.

#![allow(clippy::unwrap_used)]

use std::io::{Cursor, Write};

use vigie_event::format_utc;
use vigie_exposure::inventory::{self, InventoryError, Options, Reading};
use vigie_pack::Product;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const MAIN: &str = r#"xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main""#;
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";

fn options() -> Options {
    Options {
        products: Product::embedded().unwrap(),
        ..Options::default()
    }
}

fn read(bytes: &[u8]) -> Result<Reading, InventoryError> {
    inventory::read("parc.xlsx", bytes, &options())
}

fn archive(parts: &[(String, String)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        zip.start_file(name.as_str(), SimpleFileOptions::default())
            .unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A workbook of sheets, each with its name and the content of its `sheetData`. Style 1 is a date.
fn parts(sheets: &[(&str, String)], properties: &str) -> Vec<(String, String)> {
    let mut listed = String::new();
    let mut related = format!(
        r#"<Relationship Id="s" Type="{OFFICE}/styles" Target="styles.xml"/>
        <Relationship Id="t" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>"#
    );
    let mut parts = Vec::new();
    for (number, (name, data)) in sheets.iter().enumerate() {
        listed += &format!(
            r#"<sheet name="{name}" sheetId="{}" r:id="r{number}"/>"#,
            number + 1
        );
        related += &format!(
            r#"<Relationship Id="r{number}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>"#
        );
        parts.push((
            format!("xl/worksheets/sheet{number}.xml"),
            format!("<worksheet {MAIN}><sheetData>{data}</sheetData></worksheet>"),
        ));
    }
    let fixed = [
        (
            "_rels/.rels",
            format!(
                r#"<Relationships xmlns="{PACKAGE}"><Relationship Id="w" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                r#"<workbook {MAIN} xmlns:r="{OFFICE}">{properties}<sheets>{listed}</sheets></workbook>"#
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(r#"<Relationships xmlns="{PACKAGE}">{related}</Relationships>"#),
        ),
        (
            "xl/styles.xml",
            format!(
                r#"<styleSheet {MAIN}><cellXfs><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs></styleSheet>"#
            ),
        ),
        (
            "xl/sharedStrings.xml",
            format!(
                "<sst {MAIN}><si><t>EX01.hotel.example</t></si><si><r><t>15.1.</t></r><r><t>2176.2</t></r></si></sst>"
            ),
        ),
    ];
    parts.extend(fixed.map(|(name, text)| (name.to_owned(), text)));
    parts
}

fn workbook(sheets: &[(&str, String)]) -> Vec<u8> {
    archive(&parts(sheets, ""))
}

/// A row of cells, each as the attributes and the content of `<c>`.
fn row(number: u32, cells: &[(char, &str)]) -> String {
    let cells: String = cells
        .iter()
        .map(|(column, cell)| format!(r#"<c r="{column}{number}" {cell}</c>"#))
        .collect();
    format!(r#"<row r="{number}">{cells}</row>"#)
}

/// A row of text.
fn words(number: u32, words: &[&str]) -> String {
    let cells: Vec<String> = words
        .iter()
        .map(|word| format!(r#"t="inlineStr"><is><t>{word}</t></is>"#))
        .collect();
    let cells: Vec<(char, &str)> = ('A'..).zip(cells.iter().map(String::as_str)).collect();
    row(number, &cells)
}

/// What the observations say, and where each stands.
fn told(reading: &Reading) -> String {
    let each = reading.observations.iter().map(|by| {
        let at = by.at.map(format_utc).unwrap_or_default();
        let place = by
            .origin
            .place
            .as_ref()
            .map(|place| place.said().en)
            .unwrap_or_default();
        format!("{place}: {:?} {:?} {at}", by.subject.name, by.fact)
    });
    each.collect::<Vec<_>>().join("\n")
}

const HEADERS: [&str; 6] = ["Serveur", "Build", "Source", "Publié", "Date du relevé", ".NET"];

fn servers() -> String {
    [
        words(1, &["Parc au 3 mars"]),
        words(3, &HEADERS),
        row(
            4,
            &[
                ('A', r#"t="s"><v>0</v>"#),
                ('B', r#"t="s"><v>1</v>"#),
                ('C', r#"t="inlineStr"><is><t>exsetup</t></is>"#),
                ('D', r#"t="b"><v>1</v>"#),
                ('E', r#"s="1"><v>44258.604166666664</v>"#),
                ('F', "><v>528040</v>"),
            ],
        ),
        row(
            7,
            &[
                ('A', r#"t="str"><f>UPPER("ex02")</f><v>EX02</v>"#),
                ('B', r#"t="e"><f>1/0</f><v>#DIV/0!</v>"#),
                ('D', r#"t="b"><v>0</v>"#),
                ('E', r#"t="d"><v>2021-03-02T08:00:00</v>"#),
            ],
        ),
    ]
    .concat()
}

#[test]
fn every_sheet_is_a_table() {
    let sheets = [
        ("Feuil1", servers()),
        ("Prix", words(1, &["Article", "Euros"])),
        ("Vide", String::new()),
        (
            "Other",
            words(1, &["server", "published"]) + &words(2, &["EX09", "yes"]),
        ),
    ];
    let reading = read(&workbook(&sheets)).unwrap();
    assert_eq!((reading.format.id(), reading.rows), ("xlsx", 3));
    let problems: Vec<String> = reading.problems.iter().map(ToString::to_string).collect();
    let notes: Vec<String> = reading.notes.iter().map(|said| said.en.to_string()).collect();
    insta::assert_snapshot!([told(&reading), problems.join("\n"), notes.join("\n")].join("\n--\n"));
}

#[test]
fn dates_of_a_macintosh_count_from_1904() {
    let sheet = words(1, &["server", "published", "date"])
        + &row(
            2,
            &[
                ('A', r#"t="str"><v>EX01</v>"#),
                ('B', r#"t="b"><v>1</v>"#),
                ('C', r#"s="1"><v>42795.5</v>"#),
            ],
        );
    let parts = parts(&[("S", sheet)], r#"<workbookPr date1904="1"/>"#);
    let reading = read(&archive(&parts)).unwrap();
    assert_eq!(
        format_utc(reading.observations[0].at.unwrap()),
        "2021-03-02T12:00:00Z"
    );
}

#[test]
fn a_workbook_without_servers_is_an_error() {
    let prices = words(1, &["Article", "Euros"]);
    let error = read(&workbook(&[("Prix", prices)])).unwrap_err();
    assert!(
        matches!(&error, InventoryError::NoServers { found, .. } if found == "Article, Euros (Prix)"),
        "{error}"
    );
    assert_eq!(
        read(&workbook(&[("Vide", String::new())])).unwrap_err(),
        InventoryError::Empty
    );
}

#[test]
fn what_is_no_workbook_is_said() {
    let compound = [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice(), &[0; 512]].concat();
    let error = read(&compound).unwrap_err();
    assert_eq!(error, InventoryError::Compound);
    assert!(error.to_string().contains("password"), "{error}");
    let other = archive(&[("notes.txt".to_owned(), "hello".to_owned())]);
    let error = read(&other).unwrap_err().to_string();
    assert!(error.contains("without a workbook"), "{error}");
    let mut broken = parts(&[("S", servers())], "");
    broken[0].1.truncate(200);
    let error = read(&archive(&broken)).unwrap_err().to_string();
    assert!(error.contains("sheet S"), "{error}");
}

#[test]
fn cut_and_damaged_workbooks_are_errors_or_read() {
    let whole = workbook(&[("S", servers())]);
    for end in (4..whole.len()).step_by(3) {
        read(&whole[..end]).unwrap_err();
    }
    // Damage inside the XML, where no checksum of the archive finds it.
    let whole = parts(&[("S", servers())], "");
    let mut errors = 0;
    for part in 0..whole.len() {
        for at in (0..whole[part].1.len()).step_by(11) {
            let mut parts = whole.clone();
            let mut bytes = std::mem::take(&mut parts[part].1).into_bytes();
            bytes[at] = if at % 2 == 0 { b'<' } else { b'9' };
            parts[part].1 = String::from_utf8_lossy(&bytes).into_owned();
            errors += u32::from(read(&archive(&parts)).is_err());
        }
    }
    assert!(errors > 20, "{errors}");
}

#[test]
fn what_unpacks_to_too_much_is_refused() {
    // 65 MiB of blanks: some kilobytes of archive.
    let mut big = parts(&[("S", servers())], "");
    big.push(("xl/media/blank.bin".to_owned(), " ".repeat(65 << 20)));
    let bytes = archive(&big);
    assert!(bytes.len() < 1 << 20);
    assert_eq!(read(&bytes).unwrap_err(), InventoryError::Unpacked);

    // One long text in many cells.
    let long = "x".repeat(1 << 20);
    let many: String = (2..80)
        .map(|number| row(number, &[('A', r#"t="s"><v>2</v>"#)]))
        .collect();
    let mut parts = parts(&[("S", words(1, &["server"]) + &many)], "");
    let strings = &mut parts.last_mut().unwrap().1;
    *strings = strings.replace("</sst>", &format!("<si><t>{long}</t></si></sst>"));
    assert_eq!(read(&archive(&parts)).unwrap_err(), InventoryError::Unpacked);

    // Rows whose only cell stands far to the right.
    let far: String = (2..3_000)
        .map(|number| format!(r#"<row r="{number}"><c r="ALL{number}"><v>1</v></c></row>"#))
        .collect();
    let sheet = words(1, &["server"]) + &far;
    assert_eq!(
        read(&workbook(&[("S", sheet)])).unwrap_err(),
        InventoryError::Unpacked
    );
}

#[test]
fn counts_that_are_lies_are_refused() {
    let whole = parts(&[("S", servers())], "");
    for count in ["18446744073709551615", "1000000000000", " 1000000000000 ", "-1"] {
        let mut parts = whole.clone();
        let strings = &mut parts.last_mut().unwrap().1;
        *strings = strings.replace("<sst", &format!("<sst uniqueCount = '{count}'"));
        assert_eq!(
            read(&archive(&parts)).unwrap_err(),
            InventoryError::Unpacked,
            "{count}"
        );
    }
    let mut parts = whole;
    let strings = &mut parts.last_mut().unwrap().1;
    *strings = format!("<?xml version='1.0' encoding='ISO-2022-JP'?>{strings}");
    let error = read(&archive(&parts)).unwrap_err().to_string();
    assert!(error.contains("ISO-2022-JP"), "{error}");
}

#[test]
fn cells_at_the_end_of_the_sheet_cost_nothing() {
    let sheet = words(1, &["server", "published"])
        + &words(2, &["EX01", "yes"])
        + r#"<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>"#;
    let reading = read(&workbook(&[("S", sheet)])).unwrap();
    assert_eq!(reading.observations.len(), 1);
    for odd in ["ZZZZZZZZZZZZ9", "A99999999999999999999", "A4294967295", "9", ""] {
        let sheet = servers() + &format!(r#"<row r="4294967295"><c r="{odd}"><v>1</v></c></row><row/>"#);
        let _ = read(&workbook(&[("S", sheet)]));
    }
    assert_eq!(
        reading.notes[0].en,
        "sheet S: 1 cells beyond column ALL are not read"
    );
}

//! What Microsoft published in March 2021 is found by the pack. Skipped, and said so, where the corpora are absent.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::path::{Path, PathBuf};

use vigie_detect::indicators::IndicatorSet;
use vigie_event::{BatchBuilder, Source};
use vigie_pack::Pack;

fn feed() -> Option<String> {
    let corpora = std::env::var_os("VIGIE_CORPORA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
        PathBuf::from,
    );
    let file = "mstic-exchange-iocs/MSTICIoCs-ExchangeServerVulnerabilitiesDisclosedMarch2021.csv";
    std::fs::read_to_string(corpora.join(file)).ok()
}

#[test]
fn every_published_indicator_is_found() {
    let Some(feed) = feed() else {
        println!("skipped: the corpus mstic-exchange-iocs is not here (set VIGIE_CORPORA)");
        return;
    };
    let pack = Pack::load_embedded("hafnium-2021").unwrap();
    let (set, refused) = IndicatorSet::compile(pack.indicators);
    assert_eq!(refused, []);
    let mut builder = BatchBuilder::new(Source::WindowsEvent);
    let mut values = Vec::new();
    let mut reader = csv::Reader::from_reader(feed.as_bytes());
    for record in reader.records() {
        let record = record.unwrap();
        let (value, column) = match &record[3] {
            "sha256" => (record[2].to_owned(), "SHA256"),
            "filepath" => (record[2].replacen('C', "D", 1), "TargetFilename"),
            "domainname" => (format!("www.{}", &record[2]), "QueryName"),
            other => panic!("unknown type {other}"),
        };
        builder.begin_row(None, values.len() as u64, 0);
        let column = builder.column(column);
        builder.set(column, &value);
        builder.end_row();
        values.push(value);
    }
    assert!(values.len() > 100);
    let mut hits = Vec::new();
    set.evaluate(&builder.finish().unwrap(), &mut hits);
    let missed: Vec<&String> = (0..values.len())
        .filter(|&row| !hits.iter().any(|hit| hit.row as usize == row))
        .map(|row| &values[row])
        .collect();
    assert_eq!(missed, Vec::<&String>::new());
}

//! Indicators as CSV and as lists, then matched against a row.
#![no_main]

use vigie_detect::indicators::{IndicatorSet, parse_csv, parse_list};
use vigie_event::{BatchBuilder, Source};

libfuzzer_sys::fuzz_target!(init: vigie_fuzz::seeds::write("indicators"), |text: &str| {
    let (mut indicators, _) = parse_csv(text, None);
    let (list, _) = parse_list(text, "fuzz");
    indicators.extend(list);
    let (set, _) = IndicatorSet::compile(indicators);
    let mut builder = BatchBuilder::new(Source::Iis);
    builder.begin_row(Some(0), 1, 0);
    for name in ["c-ip", "cs-uri-stem", "cs(User-Agent)", "cs-host"] {
        let column = builder.column(name);
        let shortest: String = text.chars().take(200).collect();
        builder.set(column, &shortest);
    }
    builder.end_row();
    if let Ok(batch) = builder.finish() {
        let mut hits = Vec::new();
        set.evaluate(&batch, &mut hits);
        assert!(hits.iter().all(|hit| (hit.indicator as usize) < set.indicators().len()));
    }
});

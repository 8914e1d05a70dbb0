//! Indicators as a pack's CSV and as files of any format (lists, CSV, STIX, MISP), then matched against a row.
#![no_main]

use std::sync::Arc;

use vigie_detect::indicators::{IndicatorSet, import, parse_csv};
use vigie_event::{BatchBuilder, Source};

libfuzzer_sys::fuzz_target!(init: vigie_fuzz::seeds::write("indicators"), |bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let (indicators, _) = parse_csv(&text, None);
    let imported = import(bytes, "fuzz");
    let lists = vec![Arc::new(indicators.into_iter().collect()), Arc::new(imported.list)];
    let (set, _) = IndicatorSet::of_lists(lists);
    let mut builder = BatchBuilder::new(Source::Iis);
    builder.begin_row(Some(0), 1, 0);
    for name in ["c-ip", "cs-uri-stem", "cs(User-Agent)", "cs(Referer)"] {
        let column = builder.column(name);
        let shortest: String = text.chars().take(200).collect();
        builder.set(column, &shortest);
    }
    builder.end_row();
    if let Ok(batch) = builder.finish() {
        let mut hits = Vec::new();
        set.evaluate(&batch, &mut hits);
        assert!(hits.iter().all(|hit| set.get(hit.indicator).is_some()));
    }
});

//! Sigma rules: compiled, then run over a small batch of each kind of source.
#![no_main]

use std::sync::LazyLock;

use vigie_detect::sigma::{RuleSet, RuleSource};
use vigie_event::{BatchBuilder, EventBatch, EventType, Source};

static BATCHES: LazyLock<Vec<EventBatch>> = LazyLock::new(|| {
    let process = BatchBuilder::new(Source::WindowsEvent)
        .table("SecurityEvent")
        .event_type(EventType {
            channel: "Security".into(),
            provider: "Microsoft-Windows-Security-Auditing".into(),
            event_id: 4688,
        });
    [
        process,
        BatchBuilder::new(Source::Iis),
        BatchBuilder::new(Source::HttpProxy),
    ]
    .into_iter()
    .filter_map(filled)
    .collect()
});

fn filled(mut builder: BatchBuilder) -> Option<EventBatch> {
    let values = [
        "w3wp.exe",
        "/ecp/y.js",
        "203.0.113.45",
        "ünïcode \u{1f4a5}",
        "",
        "443",
    ];
    for row in 0..3u64 {
        builder.begin_row(Some(row as i64), row, row);
        for (number, name) in [
            "EventID",
            "Image",
            "CommandLine",
            "NewProcessName",
            "cs-uri-stem",
            "cs-uri-query",
            "c-ip",
            "sc-status",
        ]
        .into_iter()
        .enumerate()
        {
            let column = builder.column(name);
            builder.set(column, values[(number + row as usize) % values.len()]);
        }
        builder.end_row();
    }
    builder.finish().ok()
}

libfuzzer_sys::fuzz_target!(init: vigie_fuzz::seeds::write("sigma"), |text: &str| {
    let loaded = RuleSet::compile(&[RuleSource {
        path: "fuzz.yml".to_owned(),
        text: text.to_owned(),
        pack: None,
    }]);
    for refused in &loaded.refused {
        assert!(!refused.why.is_empty(), "a refusal has a reason");
    }
    let mut correlator = loaded.rules.correlator();
    for batch in BATCHES.iter() {
        let mut hits = Vec::new();
        loaded.rules.evaluate(batch, &mut hits);
        for hit in &hits {
            let row = batch.row(hit.row as usize);
            std::hint::black_box(loaded.rules.explain(hit.rule, row));
            correlator.observe(&loaded.rules, hit, "EX01", row);
        }
    }
    std::hint::black_box(correlator.finish(&loaded.rules));
});

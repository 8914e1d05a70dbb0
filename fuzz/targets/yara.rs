//! YARA rules: compiled, then run over their own text.
#![no_main]

use std::time::Duration;

use vigie_detect::yara::YaraSet;

libfuzzer_sys::fuzz_target!(init: vigie_fuzz::seeds::write("yara"), |text: &str| {
    let (mut set, _) = YaraSet::compile(&[("fuzz.yar", text)]);
    set.set_time_limit(Duration::from_secs(1));
    let scan = set.scan(text.as_bytes());
    assert!(scan.matches.len() <= set.rules().len());
});

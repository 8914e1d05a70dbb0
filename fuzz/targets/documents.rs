//! IIS configuration, compiled pages, output of checks: the first byte chooses the parser.
#![no_main]

use std::sync::LazyLock;

static FORMATS: LazyLock<Vec<&str>> = LazyLock::new(vigie_fuzz::documents);

libfuzzer_sys::fuzz_target!(init: vigie_fuzz::seeds::write("documents"), |data: &[u8]| {
    if let Some((choice, document)) = data.split_first() {
        vigie_fuzz::parse(FORMATS[usize::from(*choice) % FORMATS.len()], document);
    }
});

//! Times: whatever is understood can be written down and understood again.
#![no_main]

use vigie_event::{format_date, format_utc, parse_utc};

libfuzzer_sys::fuzz_target!(init: vigie_fuzz::seeds::write("time"), |text: &str| {
    if let Some(time) = parse_utc(text) {
        assert_eq!(parse_utc(&format_utc(time)), Some(time), "{text:?}");
        assert!(format_utc(time).starts_with(&format_date(time)));
    }
});

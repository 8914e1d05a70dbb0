//! Windows events as JSON: all shapes share one parser, which tells them apart itself.
#![no_main]

libfuzzer_sys::fuzz_target!(init: vigie_fuzz::seeds::write("windows_json"), |data: &[u8]| {
    vigie_fuzz::parse("windows_json", data);
});

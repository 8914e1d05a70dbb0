//! Windows events as XML: all shapes share one parser, which tells them apart itself.
#![no_main]

libfuzzer_sys::fuzz_target!(init: vigie_fuzz::seeds::write("windows_xml"), |data: &[u8]| {
    vigie_fuzz::parse("event_xml", data);
});

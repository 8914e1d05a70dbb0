//! Whole event log files.
#![no_main]

libfuzzer_sys::fuzz_target!(init: vigie_fuzz::seeds::write("evtx"), |data: &[u8]| vigie_fuzz::parse("evtx", data));

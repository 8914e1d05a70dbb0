//! IIS logs.
#![no_main]

libfuzzer_sys::fuzz_target!(init: vigie_fuzz::seeds::write("w3c"), |data: &[u8]| vigie_fuzz::parse("w3c", data));

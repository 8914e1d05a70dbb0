//! HTTPERR logs.
#![no_main]

libfuzzer_sys::fuzz_target!(init: vigie_fuzz::seeds::write("httperr"), |data: &[u8]| vigie_fuzz::parse("httperr", data));

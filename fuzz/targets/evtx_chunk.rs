//! One chunk of an event log, behind an empty file header.
#![no_main]

libfuzzer_sys::fuzz_target!(init: vigie_fuzz::seeds::write("evtx_chunk"), |data: &[u8]| {
    let mut file = vec![0; 4_096];
    file.extend_from_slice(data);
    vigie_fuzz::parse("evtx", &file);
});

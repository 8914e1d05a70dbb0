//! The version check from outside: a server's answer, its certificate, a scope file; the first byte chooses.
#![no_main]

libfuzzer_sys::fuzz_target!(init: vigie_fuzz::seeds::write("probe"), |data: &[u8]| {
    if let Some((choice, bytes)) = data.split_first() {
        match choice % 3 {
            0 => vigie_probe::fuzzing::answer(bytes),
            1 => vigie_probe::fuzzing::certificate(bytes),
            _ => vigie_probe::fuzzing::scope(bytes),
        }
    }
});

//! Recognition, then every parser that takes the bytes for its own.
#![no_main]

const NAMES: [&str; 5] = [
    "u_ex210303.log",
    "Security.evtx",
    "export.json",
    "export.csv",
    "x",
];

libfuzzer_sys::fuzz_target!(init: vigie_fuzz::seeds::write("recognise"), |data: &[u8]| {
    for name in NAMES {
        for format in vigie_evidence::fuzzing::recognise(name, data) {
            vigie_fuzz::parse(format, data);
        }
    }
});

//! Exchange's text logs: the first byte chooses the parser.
#![no_main]

use vigie_fuzz::EXCHANGE;

libfuzzer_sys::fuzz_target!(init: vigie_fuzz::seeds::write("exchange"), |data: &[u8]| {
    if let Some((choice, log)) = data.split_first() {
        vigie_fuzz::parse(EXCHANGE[usize::from(*choice) % EXCHANGE.len()], log);
    }
});

//! How fast lists are read: `cargo test --release -p vigie-evidence --lib files::tests::speed -- --ignored --nocapture`.

use super::*;

#[test]
#[ignore = "a measurement, meaningful in release builds only"]
fn a_listing_of_the_file_table() {
    let sample = std::fs::read(samples().join("file_listing_csv/20210305_MFTECmd_MFT_Output.csv")).unwrap();
    let header = sample.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    let mut bytes = sample[..header].to_vec();
    while bytes.len() < 64 << 20 {
        bytes.extend_from_slice(&sample[header..]);
    }
    let (format, _) = recognise("x_MFTECmd_MFT_Output.csv", &bytes).unwrap();
    let started = std::time::Instant::now();
    let file = file("x.csv", bytes.len());
    let limits = Limits::default();
    let context = Context::new(&file, &limits);
    let mut rows = 0;
    let outcome = (format.parse)(&mut bytes.as_slice(), &context, &mut |batch| rows += batch.rows());
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(outcome.records, rows as u64);
    println!(
        "{rows} rows, {:.0} rows/s, {:.1} MB/s",
        rows as f64 / seconds,
        bytes.len() as f64 / 1e6 / seconds
    );
}

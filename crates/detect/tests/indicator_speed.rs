//! What indicators cost: compiling them, keeping them, looking values up. Ignored: run in release, one size at a time,
//! so that memory is that of one set:
//! `VIGIE_SPEED_INDICATORS=1000000 cargo test --release -p vigie-detect --test indicator_speed -- --ignored --nocapture`

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use vigie_detect::indicators::{IndicatorSet, import};
use vigie_event::{BatchBuilder, EventBatch, Source};

/// The same numbers each time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn hex(&mut self, digits: usize) -> String {
        let mut text = String::new();
        while text.len() < digits {
            write!(text, "{:016x}", self.next()).unwrap();
        }
        text.truncate(digits);
        text
    }

    fn address(&mut self) -> String {
        let [a, b, c, d, ..] = self.next().to_le_bytes();
        format!("{}.{b}.{c}.{d}", 11 + a % 100)
    }

    fn domain(&mut self) -> String {
        let zones = ["com", "net", "org", "info", "example", "co.uk"];
        let zone = zones[self.next() as usize % zones.len()];
        let digits = 6 + self.next() as usize % 10;
        format!("{}.{zone}", self.hex(digits).replace(['0', '1', '2'], "k"))
    }

    fn path(&mut self) -> String {
        let folders = [
            r"C:\Windows\System32",
            r"C:\Program Files\Microsoft\Exchange Server\V15\Bin",
            r"C:\inetpub\wwwroot\aspnet_client",
            r"C:\ProgramData\Package Cache",
            r"C:\Users\svc-backup\AppData\Local\Temp",
        ];
        let folder = folders[self.next() as usize % folders.len()];
        format!(r"{folder}\{}.exe", self.hex(8))
    }
}

/// A feed as feeds are: half hashes of files, then addresses and names, some URLs, paths and networks.
fn feed(count: usize) -> String {
    let mut numbers = Numbers(1);
    let mut text = String::new();
    for index in 0..count {
        let line = match index % 100 {
            0..40 => numbers.hex(64),
            40..50 => numbers.hex(40),
            50..60 => numbers.hex(32),
            60..75 => numbers.address(),
            75..90 => numbers.domain(),
            90..95 => format!("https://{}/{}", numbers.domain(), numbers.hex(12)),
            95..97 => numbers.path(),
            97..99 => format!("{}.exe", numbers.hex(10)),
            _ => format!("{}/24", numbers.address()),
        };
        writeln!(text, "{line}").unwrap();
    }
    text
}

/// Rows as Sysmon and IIS write them. With `pool` different values in each column.
fn batches(pool: u64, rows: usize) -> Vec<EventBatch> {
    let mut draws = Numbers(3);
    let mut batches = Vec::new();
    let mut left = rows;
    while left > 0 {
        let count = left.min(8_192);
        left -= count;
        let mut sysmon = BatchBuilder::new(Source::WindowsEvent);
        let mut iis = BatchBuilder::new(Source::Iis);
        for row in 0..count {
            let mut of = || Numbers(1_000 + draws.next() % pool);
            let cells = [
                ("Image", of().path()),
                ("ParentImage", of().path()),
                ("TargetFilename", of().path()),
                (
                    "Hashes",
                    format!(
                        "SHA1={},MD5={},SHA256={}",
                        of().hex(40),
                        of().hex(32),
                        of().hex(64)
                    ),
                ),
                ("DestinationIp", of().address()),
                ("QueryName", format!("www.cdn.{}", of().domain())),
            ];
            write_row(&mut sysmon, row, &cells);
            let cells = [
                ("c-ip", of().address()),
                ("cs-uri-stem", format!("/owa/{}/x.js", of().hex(6))),
                (
                    "cs(User-Agent)",
                    format!("Mozilla/5.0+(Windows+NT+10.0;+Win64)+{}", of().hex(4)),
                ),
                (
                    "cs(Referer)",
                    format!("https://{}/owa/{}", of().domain(), of().hex(6)),
                ),
            ];
            write_row(&mut iis, row, &cells);
        }
        batches.push(sysmon.finish().unwrap());
        batches.push(iis.finish().unwrap());
    }
    batches
}

fn write_row(builder: &mut BatchBuilder, row: usize, cells: &[(&str, String)]) {
    builder.begin_row(Some(0), row as u64, 0);
    for (name, value) in cells {
        let column = builder.column(name);
        builder.set(column, value);
    }
    builder.end_row();
}

/// Memory of this process, in MB of 1e6 bytes; Linux only.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))
        .and_then(|number| number.trim().parse::<f64>().ok());
    kilobytes.unwrap_or(f64::NAN) * 1_024.0 / 1e6
}

/// Seconds of processor time of this thread, which a busy machine changes less than wall time; wall time elsewhere than
/// on Linux.
fn processor() -> impl Fn() -> f64 {
    let spent = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        Some(text.split_whitespace().next()?.parse::<f64>().ok()? / 1e9)
    };
    let (from, started) = (spent(), Instant::now());
    move || match (from, spent()) {
        (Some(from), Some(to)) => to - from,
        _ => started.elapsed().as_secs_f64(),
    }
}

#[test]
#[ignore = "a measurement, not a check"]
fn many() {
    let count = std::env::var("VIGIE_SPEED_INDICATORS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_000_000);
    let distinct = batches(u64::MAX, 100_000);
    let repeated = batches(2_000, 100_000);
    let text = feed(count);
    let before = resident();
    let spent = processor();
    let read = import(text.as_bytes(), "feed");
    let parsed = spent();
    assert_eq!(read.problems, []);
    let listed = resident();
    let spent = processor();
    let (set, refused) = IndicatorSet::of_lists(vec![Arc::new(read.list)]);
    let compiled = spent();
    assert_eq!(refused.len(), 0);
    println!(
        "{count} indicators, {:.0} MB of text: read {parsed:.2} s, compiled {compiled:.2} s; memory {:.0} MB as a list, {:.0} MB compiled",
        text.len() as f64 / 1e6,
        listed - before,
        resident() - before,
    );
    for (name, batches) in [("all values differ", &distinct), ("2,000 values", &repeated)] {
        let mut best = f64::MAX;
        let mut hits = Vec::new();
        let mut values = 0;
        for _ in 0..5 {
            hits.clear();
            let spent = processor();
            for batch in batches {
                set.evaluate(batch, &mut hits);
            }
            best = best.min(spent());
            values = batches
                .iter()
                .map(|batch| batch.rows() * batch.text_columns().count())
                .sum();
        }
        println!(
            "{name:18}: {:.1} million values/s, {:.0} ns each, {} hits",
            values as f64 / best / 1e6,
            best / values as f64 * 1e9,
            hits.len()
        );
    }
}

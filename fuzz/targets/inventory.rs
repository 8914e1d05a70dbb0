//! Inventories of every format, with nobody saying where a scan was made and with somebody saying so; mapping files and
//! decisions. The first byte chooses. Whatever is read is merged, and nothing gets lost on the way.
#![no_main]

use std::sync::LazyLock;

use vigie_exposure::inventory::{self, Mappings, Options, Vantage};
use vigie_exposure::{Decisions, merge};
use vigie_pack::Product;

static PRODUCTS: LazyLock<Vec<Product>> =
    LazyLock::new(|| Product::embedded().expect("the embedded products are sound"));

/// Names of files: that of a format that is known by it, and one that says nothing.
const NAMES: [&str; 2] = ["inventory", "EX01-Cve-2021-26855.csv"];

libfuzzer_sys::fuzz_target!(init: vigie_fuzz::seeds::write("inventory"), |data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    match choice % 4 {
        2 => {
            if let Err(error) = Mappings::read("mapping.yaml", &String::from_utf8_lossy(bytes)) {
                assert!(!error.said().fr.contains('\u{1f}'), "both languages are told apart");
            }
        }
        3 => {
            let _ = Decisions::read("decisions.yaml", &String::from_utf8_lossy(bytes));
        }
        name => {
            for vantage in [None, Some(Vantage::Outside)] {
                let options = Options {
                    products: PRODUCTS.clone(),
                    vantage,
                    ..Options::default()
                };
                inventory(NAMES[usize::from(name)], bytes, &options);
            }
        }
    }
});

fn inventory(name: &str, bytes: &[u8], options: &Options) {
    let reading = match inventory::read(name, bytes, options) {
        Ok(reading) => reading,
        Err(error) => {
            let said = error.said();
            assert!(
                !said.en.is_empty() && !said.fr.is_empty(),
                "a refusal has a reason"
            );
            return;
        }
    };
    for problem in &reading.problems {
        assert!(
            !problem.place.fr.is_empty() && !problem.why.fr.is_empty(),
            "a problem has a place"
        );
    }
    let silent = reading.observations.is_empty() && reading.problem_count() == 0;
    assert!(
        !silent || reading.rows <= reading.other_rows,
        "rows are told or counted"
    );
    let count = reading.observations.len();
    let estate = merge(reading.observations);
    let lists = [&estate.servers, &estate.outside, &estate.others];
    let merged: usize = lists
        .into_iter()
        .flatten()
        .map(|server| server.observations.len())
        .sum();
    assert_eq!(count, merged, "every observation is some server's");
}

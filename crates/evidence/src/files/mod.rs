//! Files that are evidence by themselves: web roots, compiled pages, dumps, IIS configuration, output of checks.

mod checks;
mod compiled;
mod iis;
mod inventory;
mod listing;
mod paths;
mod rows;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod xml;

use crate::format::Format;

pub(crate) use self::inventory::Entry;

/// All document formats.
pub(crate) static FORMATS: &[&Format] = &[
    &iis::FORMAT,
    &compiled::FORMAT,
    &checks::test_proxylogon::FORMAT,
    &checks::health_checker::XML,
    &checks::health_checker::TEXT,
    &checks::compare_hashes::FORMAT,
    &checks::eomt::FORMAT,
    &checks::msert::FORMAT,
    &listing::csv::FORMAT,
    &listing::json::FORMAT,
    &listing::bodyfile::FORMAT,
    &listing::dir::FORMAT,
];

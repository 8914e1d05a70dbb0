//! Files that are evidence by themselves: web roots, compiled pages, dumps, IIS configuration, output of checks.

mod compiled;
mod iis;
mod inventory;
mod paths;
mod rows;
#[cfg(test)]
mod tests;
mod text;
mod xml;

use crate::format::Format;

pub(crate) use self::inventory::Entry;

/// All document formats.
pub(crate) static FORMATS: &[&Format] = &[&iis::FORMAT, &compiled::FORMAT];

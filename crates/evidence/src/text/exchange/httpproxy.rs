//! HttpProxy: the canary that joins a request to the ECP logs.

use memchr::memmem::Finder;

use super::reader::Extra;
use crate::text::csv::{self, Row};
use crate::text::lines::Line;
use crate::text::table::Table;
use crate::text::w3c::ends_canary;

/// Finds `msExchEcpCanary=` in the request's mailbox and query.
pub(super) struct Canary {
    finder: Finder<'static>,
    columns: Vec<usize>,
}

impl Default for Canary {
    fn default() -> Canary {
        Canary {
            finder: Finder::new("msExchEcpCanary="),
            columns: Vec::new(),
        }
    }
}

impl Extra for Canary {
    fn is_in_the_line(&self) -> bool {
        true
    }

    fn header(&mut self, names: &[String]) {
        let wanted = ["AnchorMailbox", "UrlQuery"];
        let position = |wanted: &str| names.iter().position(|name| name.eq_ignore_ascii_case(wanted));
        self.columns = wanted.into_iter().filter_map(position).collect();
    }

    fn row(&mut self, row: &Row<'_>, _: &Line<'_>, table: &mut Table<'_>) {
        if self.finder.find(row.line.as_bytes()).is_none() {
            return;
        }
        let canary = |&column: &usize| csv::after(row.get(column), &self.finder, ends_canary);
        if let Some(canary) = self.columns.iter().find_map(canary) {
            let column = table.builder.column("msExchEcpCanary");
            table.builder.set(column, canary);
        }
    }
}

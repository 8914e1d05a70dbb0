//! Transport logs: which rows name the machine that wrote them.

use super::reader::Extra;
use crate::text::csv::Row;
use crate::text::lines::Line;
use crate::text::table::Table;

fn positions<const N: usize>(names: &[String], wanted: [&str; N]) -> Option<[usize; N]> {
    let mut found = [0; N];
    for (place, wanted) in found.iter_mut().zip(wanted) {
        *place = names.iter().position(|name| name.eq_ignore_ascii_case(wanted))?;
    }
    Some(found)
}

/// Message tracking. `server-hostname` is the other side of most events; when a message is received, it is the
/// server that received it and wrote the row.
#[derive(Default)]
pub(super) struct Writer {
    columns: Option<[usize; 3]>,
}

impl Extra for Writer {
    fn is_in_the_line(&self) -> bool {
        true
    }

    fn header(&mut self, names: &[String]) {
        self.columns = positions(names, ["source", "event-id", "server-hostname"]);
    }

    fn row(&mut self, row: &Row<'_>, _: &Line<'_>, table: &mut Table<'_>) {
        if let Some([source, event, server]) = self.columns
            && row.get(event) == "RECEIVE"
            && matches!(row.get(source), "SMTP" | "STOREDRIVER")
        {
            table.host(row.get(server), "server-hostname");
        }
    }
}

/// SMTP protocol logs. A receive connector is named after its server: `EX01\Default Frontend EX01`.
#[derive(Default)]
pub(super) struct Receiver {
    receives: bool,
    connector: Option<[usize; 1]>,
}

impl Extra for Receiver {
    fn is_in_the_line(&self) -> bool {
        true
    }

    fn log_type(&mut self, value: &str) {
        self.receives = value.starts_with("SMTP Receive");
    }

    fn header(&mut self, names: &[String]) {
        self.connector = positions(names, ["connector-id"]);
    }

    fn row(&mut self, row: &Row<'_>, _: &Line<'_>, table: &mut Table<'_>) {
        if let Some([connector]) = self.connector
            && self.receives
            && let Some((server, _)) = row.get(connector).split_once('\\')
        {
            table.host(server, "connector-id");
        }
    }
}

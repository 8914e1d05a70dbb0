//! Admin audit: the JSON of an audit record as columns.
//!
//! The record's `CreationTime` is the server's local time; the row's own `Timestamp` is UTC and stays the row's time.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::reader::Extra;
use crate::text::csv::Row;
use crate::text::ledger::Reason;
use crate::text::lines::Line;
use crate::text::table::Table;

/// Takes the members of the JSON object in `Data` out under their own names. Lists and objects stay JSON.
#[derive(Default)]
pub(super) struct Data {
    data: Option<usize>,
    columns: HashMap<String, usize>,
}

impl Extra for Data {
    fn header(&mut self, names: &[String]) {
        self.data = names.iter().position(|name| name.eq_ignore_ascii_case("Data"));
        self.columns.clear();
    }

    fn row(&mut self, row: &Row<'_>, line: &Line<'_>, table: &mut Table<'_>) {
        let text = self.data.map_or("", |position| row.get(position));
        if text.is_empty() {
            return;
        }
        let bytes = line.bytes.len() as u64;
        let Ok(members) = serde_json::from_str::<Map<String, Value>>(text) else {
            table.ledger.count(Reason::BadJson, line.number, bytes);
            return;
        };
        let mut left_out = false;
        for (key, value) in &members {
            let other;
            let value = match value {
                Value::Null => continue,
                Value::String(value) => value,
                value => {
                    other = value.to_string();
                    &other
                }
            };
            if value.is_empty() {
                continue;
            }
            match table.key_column(key, &mut self.columns) {
                Some(column) => table.builder.set(column, value),
                None => left_out = true,
            }
        }
        if left_out {
            table.ledger.count(Reason::ManyKeys, line.number, bytes);
        }
    }
}

//! Tables as text: CSV as French and English offices really write it.

use super::table::{Row, Table};
use super::{InventoryError, Options, Reading};
use crate::Said;

/// What may stand between cells.
const DELIMITERS: [char; 4] = [';', ',', '\t', '|'];
/// Cells of one row; a wider one is refused.
const WIDEST: usize = 1_000;

/// Reads a table. `sep=;` on its first line is obeyed, as Excel writes and obeys it.
pub(super) fn read(file_name: &str, text: &str, options: &Options) -> Result<Reading, InventoryError> {
    let (told, text, skipped_lines) = told_delimiter(text);
    let delimiter = told.unwrap_or_else(|| guess(text));
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter as u8)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut table = Table {
        format: "csv",
        is_french_style: delimiter == ';',
        ..Table::default()
    };
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line) + skipped_lines;
                let said = Said::new(
                    format!("the row cannot be read: {error}"),
                    format!("la ligne est illisible : {error}"),
                );
                table.problems.push((format!("line {line}"), said));
                continue;
            }
        }
        let line = record.position().map_or(0, csv::Position::line) + skipped_lines;
        let cells = record.iter().take(WIDEST).map(|cell| cell.trim().to_owned());
        table.rows.push(Row {
            place: format!("line {line}"),
            cells: cells.collect(),
        });
    }
    table.read(file_name, options)
}

/// The delimiter of a first line `sep=;`, the text after it, and how many lines that left out.
fn told_delimiter(text: &str) -> (Option<char>, &str, u64) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let first = first.trim().trim_matches('"');
    let told = first.to_ascii_lowercase().strip_prefix("sep=").map(str::to_owned);
    match told.and_then(|told| told.chars().next().or(Some('\t'))) {
        Some(delimiter) if delimiter.is_ascii() => (Some(delimiter), rest, 1),
        _ => (None, text, 0),
    }
}

/// What stands most often, and equally often, in the first lines, quoted parts aside.
fn guess(text: &str) -> char {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(20)
        .collect();
    let count = |line: &str, delimiter: char| {
        let mut quoted = false;
        let mut found = 0;
        for c in line.chars() {
            quoted ^= c == '"';
            found += usize::from(c == delimiter && !quoted);
        }
        found
    };
    let score = |delimiter: char| {
        let header = lines.first().map_or(0, |line| count(line, delimiter));
        let alike = lines
            .iter()
            .filter(|line| count(line, delimiter) == header)
            .count();
        if header == 0 {
            0
        } else {
            header * 100 + alike * 100 / lines.len()
        }
    };
    let best = DELIMITERS
        .into_iter()
        .rev()
        .max_by_key(|delimiter| score(*delimiter));
    best.unwrap_or(';')
}

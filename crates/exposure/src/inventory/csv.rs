//! Tables as text: CSV as French and English offices really write it.

use super::table::{Row, Table};
use super::{Format, InventoryError, Options, Reading};
use crate::{Place, Said};

/// What may stand between cells.
const DELIMITERS: [char; 4] = [';', ',', '\t', '|'];
/// Cells of one row that are read.
const WIDEST: usize = 1_000;
/// Cells of one row for which there is room; a table with a wider one is none.
const ROOM: usize = 100_000;

/// Reads a table. `sep=;` on its first line is obeyed, as Excel writes and obeys it.
pub(super) fn read(
    file_name: &str,
    text: &str,
    encoding: &str,
    options: &Options,
) -> Result<Reading, InventoryError> {
    let (told, text, skipped_lines) = told_delimiter(text);
    let delimiter = told.unwrap_or_else(|| guess(text));
    let mut table = Table::new(Format::Csv, file_name, None, delimiter == ';', options);
    let shape = Shape::of(text, delimiter);
    if shape.widest > ROOM {
        return Err(InventoryError::TooWide);
    }
    // A quote that never closes would make one cell of everything that follows it.
    let (whole, broken) = match shape.unclosed {
        None => (text, None),
        Some(at) => (&text[..at], Some(&text[at..])),
    };
    rows(whole, delimiter, true, skipped_lines, &mut table)?;
    if let Some(broken) = broken {
        let before = skipped_lines + lines(whole);
        let said = Said::new(
            "a quote opens on this line and none closes it: from here on quotes are read as letters",
            "un guillemet s’ouvre sur cette ligne et aucun ne le ferme : à partir d’ici, les guillemets sont lus comme des lettres",
        );
        table.problem(Place::Line(before + 1).said(), said);
        rows(broken, delimiter, false, before, &mut table)?;
    }
    let mut reading = table.finish()?;
    let shown = match delimiter {
        '\t' => Said::new("tabs", "tabulations"),
        other => Said::new(format!("`{other}`"), format!("`{other}`")),
    };
    reading.details = vec![shown, Said::new(encoding, encoding)];
    Ok(reading)
}

fn rows(
    text: &str,
    delimiter: char,
    quoting: bool,
    before: u64,
    table: &mut Table<'_>,
) -> Result<(), InventoryError> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter as u8)
        .has_headers(false)
        .flexible(true)
        .quoting(quoting)
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line) + before;
                let said = Said::new(
                    format!("the row cannot be read: {error}"),
                    format!("la ligne est illisible : {error}"),
                );
                table.problem(Place::Line(line).said(), said);
                continue;
            }
        }
        let line = record.position().map_or(0, csv::Position::line) + before;
        let cells = record.iter().take(WIDEST).map(|cell| cell.trim().to_owned());
        table.push(Row {
            place: Place::Line(line),
            cells: cells.collect(),
            left_out: record.len().saturating_sub(WIDEST),
        })?;
    }
}

/// How many lines end in a text.
fn lines(text: &str) -> u64 {
    memchr::memchr_iter(b'\n', text.as_bytes()).count() as u64
}

/// What a text is like before its rows are split.
struct Shape {
    /// Where the line begins on which a quote opens that nothing closes.
    unclosed: Option<usize>,
    /// Cells of the widest row.
    widest: usize,
}

impl Shape {
    fn of(text: &str, delimiter: char) -> Shape {
        let bytes = text.as_bytes();
        let (mut at, mut line) = (0, 0);
        let (mut cells, mut widest) = (1, 1);
        let mut begins_cell = true;
        while at < bytes.len() {
            let byte = bytes[at];
            if byte == b'"' && begins_cell {
                match closing(bytes, at) {
                    Some(end) => {
                        if let Some(last) = memchr::memrchr(b'\n', &bytes[line..end]) {
                            line += last + 1;
                        }
                        at = end;
                    }
                    None => {
                        let rest = text[line..]
                            .lines()
                            .map(|line| line.matches(delimiter).count() + 1);
                        return Shape {
                            unclosed: Some(line),
                            widest: rest.fold(widest, usize::max),
                        };
                    }
                }
            }
            let ends_cell = byte == delimiter as u8;
            begins_cell = ends_cell || matches!(byte, b'\n' | b'\r');
            cells += usize::from(ends_cell);
            if byte == b'\n' {
                line = at + 1;
                widest = widest.max(cells);
                cells = 1;
            }
            at += 1;
        }
        Shape {
            unclosed: None,
            widest: widest.max(cells),
        }
    }
}

/// Where the quote stands that closes the one at `open`. Two of them are one that belongs to the cell.
fn closing(bytes: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        at += memchr::memchr(b'"', bytes.get(at..)?)?;
        if bytes.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_that_never_closes_is_found() {
        fn found(text: &str) -> Option<&str> {
            Shape::of(text, ';').unclosed.map(|at| &text[at..])
        }
        assert_eq!(found("a;\"b\";c\n\"d;\"\"e\"\n"), None);
        assert_eq!(found("a;5\" disk;b\n"), None);
        assert_eq!(found("a;\"two\nlines\";b\nc;\"d\ne"), Some("c;\"d\ne"));
        assert_eq!(found("x;\"one\nrow\";\"opens\nhere"), Some("row\";\"opens\nhere"));
        assert_eq!(found("\""), Some("\""));
        assert_eq!(found("a\n\"\"\"\n"), Some("\"\"\"\n"));
    }

    #[test]
    fn the_widest_row_is_counted() {
        let widest = |text: &str| Shape::of(text, ';').widest;
        assert_eq!(widest(""), 1);
        assert_eq!(widest("a;b\nc;\"d;;;\n;;\";e\n"), 3);
        assert_eq!(widest("a\n\"b;c;d"), 3);
    }
}

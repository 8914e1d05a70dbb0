//! Workbooks of Excel 2007 and later (ECMA-376): every sheet is a table.
//!
//! Cells become the text a CSV file would hold: dates as ISO dates, numbers and booleans as such. Formulas count by the
//! value that was saved with them.

use std::io::{Cursor, Read};
use std::sync::Arc;

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, Xlsx, XlsxError};

use super::table::{Row, Table};
use super::{Format, InventoryError, MAX_BYTES, Options, Reading};
use crate::place::letters;
use crate::{Place, Said};

/// How zip archives, and so workbooks, begin.
pub(super) const ZIP: &[u8] = b"PK\x03\x04";
/// How compound files begin: `.xls`, and workbooks with a password.
pub(super) const COMPOUND: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0];
/// Cells of one workbook, empty ones before the last of a row included.
const MAX_CELLS: usize = 2_000_000;
/// Files in the archive, and sheets of the workbook.
const MAX_PARTS: usize = 1_000;
/// Columns of a sheet that are read.
const WIDEST: usize = 1_000;

/// What may still be read of a workbook.
struct Budget {
    cells: usize,
    text: usize,
}

impl Budget {
    fn take(&mut self, cells: usize, text: usize) -> Result<(), InventoryError> {
        let left = self.cells.checked_sub(cells).zip(self.text.checked_sub(text));
        (self.cells, self.text) = left.ok_or(InventoryError::Unpacked)?;
        Ok(())
    }
}

/// Reads every sheet that names servers; the others are named in the notes.
pub(super) fn read(file_name: &str, bytes: &[u8], options: &Options) -> Result<Reading, InventoryError> {
    measure(bytes)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|error| not_read(&error))?;
    let sheets = book.sheets_metadata().to_vec();
    if sheets.len() > MAX_PARTS {
        return Err(InventoryError::Unpacked);
    }
    let mut budget = Budget {
        cells: MAX_CELLS,
        text: MAX_BYTES,
    };
    let mut whole = Reading::new(Format::Xlsx);
    let mut read_sheets = 0;
    let mut headers = Vec::new();
    let mut refused = Vec::new();
    for sheet in &sheets {
        let name = sheet.name.as_str();
        if sheet.typ != SheetType::WorkSheet {
            let said = Said::new(
                "it is no worksheet: it is not read",
                "ce n’est pas une feuille de calcul : elle n’est pas lue",
            );
            whole.notes.push(of_sheet(name, said));
            continue;
        }
        match table(&mut book, name, &mut budget, &mut whole.notes, file_name, options) {
            Ok(reading) => {
                read_sheets += 1;
                join(&mut whole, name, reading);
            }
            Err(InventoryError::NoServers { found, tables }) => {
                let said = Said::new(
                    format!("no column names servers: the sheet is not read (found {found})"),
                    format!(
                        "aucune colonne ne nomme de serveurs : la feuille n’est pas lue (trouvé {found})"
                    ),
                );
                whole.notes.push(of_sheet(name, said));
                headers.push(format!("{found} ({name})"));
                refused.extend(tables);
            }
            // A sheet without anything is what Excel adds by itself.
            Err(InventoryError::Empty) => {}
            Err(error) => return Err(error),
        }
    }
    match headers.is_empty() {
        _ if read_sheets > 0 => Ok(whole),
        true => Err(InventoryError::Empty),
        false => Err(InventoryError::NoServers {
            found: headers.join("; ").chars().take(600).collect(),
            tables: refused,
        }),
    }
}

/// Unpacks everything once, one part after the other: sizes that an archive states may be wrong, and `calamine` trusts
/// them, as it does the count of texts that a workbook states.
fn measure(bytes: &[u8]) -> Result<(), InventoryError> {
    let broken = |error: &dyn std::error::Error| {
        let why = error.to_string();
        InventoryError::Xlsx(Said::new(why.clone(), why))
    };
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    if archive.len() > MAX_PARTS {
        return Err(InventoryError::Unpacked);
    }
    if archive.index_for_name("xl/workbook.xml").is_none() && archive.index_for_name("_rels/.rels").is_none()
    {
        let why = Said::new(
            "it is a zip archive without a workbook in it",
            "c’est une archive zip sans classeur",
        );
        return Err(InventoryError::Xlsx(why));
    }
    let mut left = MAX_BYTES as u64;
    let mut content = Vec::new();
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|error| broken(&error))?;
        content.clear();
        let mut part = part.take(left + 1);
        let size = part.read_to_end(&mut content).map_err(|error| broken(&error))?;
        left = left.checked_sub(size as u64).ok_or(InventoryError::Unpacked)?;
        // So that words are found in UTF-16 too.
        content.retain(|byte| *byte != 0);
        refuse_counts(&content)?;
        refuse_encodings(&content)?;
    }
    Ok(())
}

/// `calamine` makes room for as many texts as `uniqueCount` says.
fn refuse_counts(content: &[u8]) -> Result<(), InventoryError> {
    for at in memchr::memmem::find_iter(content, b"uniqueCount") {
        let Some(value) = attribute(&content[at + b"uniqueCount".len()..]) else {
            continue;
        };
        let count = std::str::from_utf8(value)
            .ok()
            .and_then(|value| value.trim().parse::<usize>().ok());
        if count.is_none_or(|count| count > MAX_CELLS) {
            return Err(InventoryError::Unpacked);
        }
    }
    Ok(())
}

/// Excel writes UTF-8. Encodings that can spell a word in several ways would hide it from [`refuse_counts`].
fn refuse_encodings(content: &[u8]) -> Result<(), InventoryError> {
    for at in memchr::memmem::find_iter(content, b"<?xml") {
        let end = memchr::memmem::find(&content[at..], b"?>").map_or(content.len(), |length| at + length);
        let declaration = &content[at..end];
        for at in memchr::memmem::find_iter(declaration, b"encoding") {
            let value = attribute(&declaration[at + b"encoding".len()..]).unwrap_or_default();
            if !(value.eq_ignore_ascii_case(b"utf-8") || value.eq_ignore_ascii_case(b"utf-16")) {
                let value = String::from_utf8_lossy(value);
                return Err(InventoryError::Xlsx(Said::new(
                    format!("its encoding {value:?} is not UTF-8"),
                    format!("son encodage {value:?} n’est pas UTF-8"),
                )));
            }
        }
    }
    Ok(())
}

/// The value in `="value"`.
fn attribute(rest: &[u8]) -> Option<&[u8]> {
    let rest = rest.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let quote = rest.first().filter(|quote| matches!(quote, b'"' | b'\''))?;
    let length = memchr::memchr(*quote, &rest[1..])?;
    Some(&rest[1..=length])
}

/// What a sheet says. Only the cells that are there are asked for: a sheet may say that it has ten thousand million.
fn table(
    book: &mut Xlsx<Cursor<&[u8]>>,
    sheet: &str,
    budget: &mut Budget,
    notes: &mut Vec<Said>,
    file_name: &str,
    options: &Options,
) -> Result<Reading, InventoryError> {
    let in_sheet = |error: XlsxError| {
        InventoryError::Xlsx(Said::new(
            format!("sheet {sheet}: {error}"),
            format!("feuille {sheet} : {error}"),
        ))
    };
    let name: Arc<str> = sheet.into();
    let mut table = Table::new(Format::Xlsx, file_name, Some(Arc::clone(&name)), false, options);
    let mut cells = book.worksheet_cells_reader(sheet).map_err(in_sheet)?;
    let mut open: Option<(u64, Row)> = None;
    let mut beyond: u64 = 0;
    while let Some(cell) = cells.next_cell().map_err(in_sheet)? {
        let (row, column) = cell.get_position();
        let (row, column) = (u64::from(row) + 1, column as usize);
        let place = Place::Row {
            sheet: Arc::clone(&name),
            row,
        };
        let text = match text(cell.get_value()) {
            Ok(text) => text,
            Err(error) => {
                budget.take(1, 0)?;
                let cell = format!("{}{row}", letters(column));
                let place = Said::new(
                    format!("{sheet}, cell {cell}"),
                    format!("{sheet}, cellule {cell}"),
                );
                table.problem(place, failed(&error));
                continue;
            }
        };
        if text.is_empty() {
            continue;
        }
        if column >= WIDEST {
            beyond += 1;
            continue;
        }
        if open.as_ref().is_none_or(|(number, _)| *number != row) {
            budget.take(1, 0)?;
            let next = Row {
                place,
                cells: Vec::new(),
                left_out: 0,
            };
            if let Some((_, done)) = open.replace((row, next)) {
                table.push(done)?;
            }
        }
        let Some((_, Row { cells, .. })) = &mut open else {
            continue;
        };
        budget.take((column + 1).saturating_sub(cells.len()), text.len())?;
        if cells.len() <= column {
            cells.resize(column + 1, String::new());
        }
        cells[column] = text;
    }
    if let Some((_, last)) = open {
        table.push(last)?;
    }
    if beyond > 0 {
        let said = Said::new(
            format!(
                "{beyond} cells beyond column {} are not read",
                letters(WIDEST - 1)
            ),
            format!(
                "{beyond} cellules au-delà de la colonne {} ne sont pas lues",
                letters(WIDEST - 1)
            ),
        );
        notes.push(of_sheet(sheet, said));
    }
    table.finish()
}

/// What a cell would be in a CSV file; an error is what the formula failed with.
fn text(value: &DataRef<'_>) -> Result<String, String> {
    Ok(match value {
        DataRef::Empty => String::new(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.trim().to_owned()
        }
        DataRef::SharedString(text) => text.trim().to_owned(),
        DataRef::Bool(is_true) => is_true.to_string(),
        DataRef::DateTime(date) => moment(date),
        DataRef::Error(error) => return Err(error.to_string()),
    })
}

/// `2021-03-02T14:30:00`; what is no day between 1900 and 9999 stays a number.
fn moment(date: &ExcelDateTime) -> String {
    let days = date.as_f64();
    if !date.is_datetime() || !(1.0..2_958_466.0).contains(&days) {
        return days.to_string();
    }
    let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

fn failed(error: &str) -> Said {
    Said::new(
        format!("its formula failed ({error}): the cell counts as empty"),
        format!("sa formule a échoué ({error}) : la cellule compte comme vide"),
    )
}

fn of_sheet(sheet: &str, said: Said) -> Said {
    Said::new(
        format!("sheet {sheet}: {}", said.en),
        format!("feuille {sheet} : {}", said.fr),
    )
}

fn join(whole: &mut Reading, sheet: &str, reading: Reading) {
    whole.observations.extend(reading.observations);
    whole.rows += reading.rows;
    whole.empty_rows += reading.empty_rows;
    whole.other_rows += reading.other_rows;
    for problem in reading.problems {
        whole.problem(problem.place, problem.why);
    }
    whole.more_problems += reading.more_problems;
    whole.tables.extend(reading.tables);
    let notes = reading.notes.into_iter();
    whole.notes.extend(notes.map(|said| of_sheet(sheet, said)));
}

fn not_read(error: &XlsxError) -> InventoryError {
    let why = error.to_string();
    InventoryError::Xlsx(Said::new(why.clone(), why))
}

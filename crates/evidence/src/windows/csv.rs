//! Events as CSV: `Get-WinEvent | Export-Csv`, EvtxECmd, and tables exported from Sentinel or Defender.
//!
//! Columns are known by their header, so their order does not matter. In a UTF-16 file offsets count the decoded text.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use ::csv::{self, ReaderBuilder, StringRecord, Terminator};
use vigie_event::{EventBatch, Source};

use super::collector::Collector;
use super::json::{Events, Flat, Place, Shape, shape_of};
use super::tables::Table;
use super::text::{Utf8, head_text};
use crate::format::{Confidence, Context, Format, Head, Outcome};
use crate::message::{Code, Message};

macro_rules! formats {
    ($($(#[$doc:meta])* $constant:ident = $name:literal, $source:ident, $shape:pat => ;)+) => {
        $($(#[$doc])* pub(super) static $constant: Format = Format {
            name: $name,
            source: Source::$source,
            recognise: |head| recognise(head, |shape| matches!(shape, $shape)),
            parse,
        };)+
    };
}

formats! {
    /// EvtxECmd `--csv`.
    EVTX_ECMD = "evtxecmd_csv", WindowsEvent, Shape::EvtxEcmd =>;
    /// `Get-WinEvent | Export-Csv`, and others with one column for each field.
    FLAT = "windows_csv", WindowsEvent, Shape::Flat | Shape::PowerShell =>;
    /// `SecurityEvent`, `Event` and `WindowsEvent` exported from Sentinel.
    SENTINEL = "sentinel_csv", WindowsEvent, Shape::Table(Table::Event(_)) =>;
    /// `Device*` tables exported from Defender or Sentinel.
    HUNTING = "advanced_hunting_csv", AdvancedHunting, Shape::Table(Table::Device(_)) =>;
    /// `W3CIISLog` exported from Sentinel.
    IIS = "w3ciislog_csv", Iis, Shape::Table(Table::Iis) =>;
    /// `ExchangeHttpProxy` exported from Sentinel.
    HTTP_PROXY = "exchange_http_proxy_csv", HttpProxy, Shape::Table(Table::HttpProxy) =>;
}

/// Columns one file may have.
const MAX_COLUMNS: usize = 2_048;

fn is_remark(record: &StringRecord) -> bool {
    record.get(0).is_some_and(|first| first.starts_with("#TYPE"))
}

/// Column names without blanks and without the zone the portal adds.
fn cleaned(header: &StringRecord) -> StringRecord {
    header
        .iter()
        .map(|name| name.trim().trim_end_matches("[UTC]").trim_end())
        .take(MAX_COLUMNS)
        .collect()
}

/// What the columns of a file say it is. `row` is its first row, if known: a table may be told by a value.
fn shape(header: &StringRecord, row: Option<&StringRecord>, file_name: &str) -> Option<Shape> {
    if header.len() < 4 {
        return None;
    }
    let mut flat = Flat::default();
    let value = |index| row.and_then(|row| row.get(index)).unwrap_or_default();
    flat.set(
        header
            .iter()
            .enumerate()
            .map(|(index, name)| (name, value(index))),
        true,
    );
    let shape = shape_of(&flat, file_name)?;
    let is_table = matches!(
        shape,
        Shape::EvtxEcmd | Shape::Flat | Shape::PowerShell | Shape::Table(_)
    );
    is_table.then_some(shape)
}

fn recognise(head: &Head<'_>, is_mine: impl Fn(&Shape) -> bool) -> Option<Confidence> {
    let text = head_text(head.bytes);
    let start = text.trim_ascii_start();
    if start.starts_with(b"{") || start.starts_with(b"[") || start.starts_with(b"<") || start.contains(&0) {
        return None;
    }
    let mut reader = reader(start);
    let (mut record, mut header) = (StringRecord::new(), None);
    while reader.read_record(&mut record).unwrap_or(false) {
        match &header {
            None if is_remark(&record) => {}
            None => header = Some(cleaned(&record)),
            Some(_) => break,
        }
    }
    let header = header?;
    let shape = shape(&header, Some(&record), head.name)?;
    is_mine(&shape).then_some(Confidence::Content)
}

fn reader<R: Read>(input: R) -> csv::Reader<R> {
    // With lines ending in CR LF the reader's own terminator puts each record's position before the LF.
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .terminator(Terminator::Any(b'\n'))
        .from_reader(input)
}

/// Stops a record that does not end, such as one whose closing quote is missing.
struct Bounded<'a> {
    input: Utf8<'a>,
    /// Bytes read since the last record ended.
    since_record: Rc<Cell<usize>>,
    cap: usize,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_record.get() > self.cap {
            let why = Message::new(Code::RecordTooLong, [("bytes", self.cap.into())]);
            return Err(io::Error::other(why));
        }
        let read = self.input.read(buffer)?;
        self.since_record.set(self.since_record.get() + read);
        Ok(read)
    }
}

fn parse(input: &mut dyn Read, context: &Context<'_>, sink: &mut dyn FnMut(EventBatch)) -> Outcome {
    let mut out = Collector::new(context, sink);
    let input = match Utf8::open(input) {
        Ok(input) => input,
        Err(error) => {
            out.outcome.input_failed(&error, || "line 1".to_owned());
            return out.finish();
        }
    };
    let base = input.mark_bytes();
    let since_record = Rc::new(Cell::new(0));
    let mut rows = Rows {
        reader: reader(Bounded {
            input,
            since_record: Rc::clone(&since_record),
            cap: context.limits.line_bytes,
        }),
        record: StringRecord::new(),
        since_record,
        base,
    };
    let name = context.file.path.rsplit('/').next().unwrap_or_default();
    let mut events = Events::new(name);
    rows.read_all(&mut events, name, &mut out);
    events.finish(out)
}

struct Rows<'a> {
    reader: csv::Reader<Bounded<'a>>,
    record: StringRecord,
    since_record: Rc<Cell<usize>>,
    base: u64,
}

impl Rows<'_> {
    fn read_all(&mut self, events: &mut Events<'_>, name: &str, out: &mut Collector<'_>) {
        let mut header: Option<StringRecord> = None;
        let mut shape_of_file = None;
        while let Some(place) = self.next(out) {
            let Some(header) = &header else {
                if !is_remark(&self.record) {
                    header = Some(cleaned(&self.record));
                }
                continue;
            };
            // Files put together repeat their header.
            if self.record.get(0) == header.get(0) && cleaned(&self.record) == *header {
                continue;
            }
            let shape = *shape_of_file.get_or_insert_with(|| shape(header, Some(&self.record), name));
            let bytes: usize = self.record.iter().map(str::len).sum();
            let at = || format!("line {}", place.line);
            let Some(shape) = shape else {
                out.outcome.skip(Code::RowUnknownTable, 1, bytes as u64, at);
                continue;
            };
            if self.record.len() < header.len() && self.record.len() < 2 {
                if bytes > 0 {
                    out.outcome.skip(Code::RowNoColumns, 1, bytes as u64, at);
                }
                continue;
            }
            if self.record.len() != header.len() {
                let why = Code::RowOtherColumns;
                out.outcome.skip(why, 0, 0, at);
            }
            let last = self.record.len().saturating_sub(1);
            let values = self.record.iter().enumerate();
            let values = values.map(|(index, value)| match value.strip_suffix('\r') {
                Some(value) if index == last => value,
                _ => value,
            });
            events.flat.set(header.iter().zip(values), false);
            events.take(shape, place, bytes as u64, out);
        }
    }

    /// Reads the next record. A record that is no UTF-8 is counted and passed over.
    fn next(&mut self, out: &mut Collector<'_>) -> Option<Place> {
        loop {
            self.since_record.set(0);
            let before = self.reader.position().line();
            match self.reader.read_record(&mut self.record) {
                Ok(true) => {
                    let place = self.record.position();
                    return Some(Place {
                        line: place.map_or(before, csv::Position::line),
                        offset: self.base + place.map_or(0, csv::Position::byte),
                    });
                }
                Ok(false) => return None,
                Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => {
                    out.outcome
                        .skip(Code::RowNotUtf8, 1, 0, || format!("line {before}"));
                }
                Err(error) => {
                    let why = match error.into_kind() {
                        csv::ErrorKind::Io(error) => error,
                        other => io::Error::other(format!("{other:?}")),
                    };
                    out.outcome.input_failed(&why, || format!("line {before}"));
                    return None;
                }
            }
        }
    }
}

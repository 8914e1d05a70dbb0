//! Rows of one source as Arrow columns.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, StringViewArray, TimestampMicrosecondArray, UInt64Array};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::text::TextColumns;
use crate::validity::Validity;
use crate::{Source, Text, TextSpan, Timestamp, WholeRows};

/// The evidence file a batch was parsed from: its index in the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileId(pub u32);

/// What all rows of a Windows event batch have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventType {
    /// `Security`, `Microsoft-Windows-Sysmon/Operational`, ...
    pub channel: Arc<str>,
    /// `Microsoft-Windows-Security-Auditing`, `MSExchange CmdletLogs`, ...
    pub provider: Arc<str>,
    /// The event identifier.
    pub event_id: u32,
}

/// Rows of one source (and one event type) as columns.
///
/// The first three columns are always `TimeGenerated` (timestamp, UTC, nullable), `_Record` (EVTX record number or
/// 1-based line number) and `_Offset` (byte offset of the record in its file). All others are nullable text columns
/// with the names the format gives them.
#[derive(Debug, Clone)]
pub struct EventBatch {
    source: Source,
    table: Cow<'static, str>,
    event_type: Option<EventType>,
    file: FileId,
    records: RecordBatch,
    /// Where rows are to be had with the columns that were left out, if any were.
    whole: Option<Arc<dyn WholeRows>>,
    /// By row: the text of its record.
    lines: Option<StringViewArray>,
}

/// How many columns come before the text columns.
const FIXED_COLUMNS: usize = 3;
/// For how many rows a first batch makes room.
const FIRST_ROWS: usize = 64;

impl EventBatch {
    /// The log this batch comes from.
    pub fn source(&self) -> Source {
        self.source
    }

    /// The table the rows belong to, by its Sentinel or Defender name.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The event type all rows share, for Windows events.
    pub fn event_type(&self) -> Option<&EventType> {
        self.event_type.as_ref()
    }

    /// The file the rows were parsed from.
    pub fn file(&self) -> FileId {
        self.file
    }

    /// The same rows, said to come from `file`.
    #[must_use]
    pub fn with_file(mut self, file: FileId) -> EventBatch {
        self.file = file;
        self
    }

    /// The same rows, of which columns nobody asked for were left out: whole rows are to be had there.
    #[must_use]
    pub fn with_whole_rows(mut self, whole: Arc<dyn WholeRows>) -> EventBatch {
        self.whole = Some(whole);
        self
    }

    /// One row with all its columns, as a batch of its own; `None` when this batch has them all.
    pub fn whole_row(&self, row: usize) -> Option<EventBatch> {
        let whole = self.whole.as_ref()?.row(self.row(row))?;
        Some(whole.with_file(self.file))
    }

    /// What tells the row's record from others without reading it, if the batch can say; see
    /// [`WholeRows::identity`].
    pub fn row_identity(&self, row: usize) -> Option<u64> {
        self.whole.as_ref()?.identity(self.offset(row))
    }

    /// The texts of the rows' records, if the batch keeps them; see [`EventBatch::line`].
    pub fn lines(&self) -> Option<&StringViewArray> {
        self.lines.as_ref()
    }

    /// The text of a row's record, of which all its values are pieces as they stand, those included that were left
    /// out. `None` when that is not so: the row has all its values then.
    pub fn line(&self, row: usize) -> Option<&str> {
        let lines = self.lines.as_ref()?;
        lines.is_valid(row).then(|| lines.value(row))
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.records.num_rows()
    }

    /// The columns as Arrow sees them. Batches of the same shape share one schema allocation where their parser
    /// could arrange it, so a schema's address is a good cache key.
    pub fn schema(&self) -> SchemaRef {
        self.records.schema()
    }

    /// The rows as an Arrow record batch.
    pub fn records(&self) -> &RecordBatch {
        &self.records
    }

    /// When the event happened; `None` when its time could not be read.
    pub fn time(&self, row: usize) -> Option<Timestamp> {
        let times = self
            .records
            .column(0)
            .as_any()
            .downcast_ref::<TimestampMicrosecondArray>()?;
        times.is_valid(row).then(|| times.value(row))
    }

    /// EVTX record number, or 1-based line number.
    pub fn record(&self, row: usize) -> u64 {
        self.provenance(1, row)
    }

    /// Byte offset of the record in its file.
    pub fn offset(&self, row: usize) -> u64 {
        self.provenance(2, row)
    }

    fn provenance(&self, column: usize, row: usize) -> u64 {
        self.records
            .column(column)
            .as_any()
            .downcast_ref::<UInt64Array>()
            .map_or(0, |array| array.value(row))
    }

    /// The text column with this name. ASCII case does not matter: Microsoft writes both `ClientIPAddress` and
    /// `ClientIpAddress`.
    pub fn column(&self, name: &str) -> Option<&StringViewArray> {
        self.column_index(name).and_then(|index| self.text_column(index))
    }

    /// The position of a text column, for [`EventBatch::text_column`].
    pub fn column_index(&self, name: &str) -> Option<usize> {
        let fields = self.records.schema_ref().fields();
        (FIXED_COLUMNS..fields.len()).find(|&index| fields[index].name().eq_ignore_ascii_case(name))
    }

    /// The text column at a position given by [`EventBatch::column_index`].
    pub fn text_column(&self, index: usize) -> Option<&StringViewArray> {
        self.records
            .columns()
            .get(index)?
            .as_any()
            .downcast_ref::<StringViewArray>()
    }

    /// The positions of all text columns, for [`EventBatch::text_column`].
    pub fn text_column_indices(&self) -> std::ops::Range<usize> {
        FIXED_COLUMNS..self.records.num_columns()
    }

    /// Names and columns of all text columns.
    pub fn text_columns(&self) -> impl Iterator<Item = (&str, &StringViewArray)> {
        let fields = self.records.schema_ref().fields();
        (FIXED_COLUMNS..fields.len())
            .filter_map(move |index| Some((fields[index].name().as_str(), self.text_column(index)?)))
    }

    /// One row.
    pub fn row(&self, row: usize) -> RowRef<'_> {
        RowRef { batch: self, row }
    }
}

/// One row of a batch.
#[derive(Debug, Clone, Copy)]
pub struct RowRef<'a> {
    batch: &'a EventBatch,
    row: usize,
}

impl<'a> RowRef<'a> {
    /// The value of a column, `None` when the row does not have it.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let column = self.batch.column(name)?;
        column.is_valid(self.row).then(|| column.value(self.row))
    }

    /// The values the row has, in column order.
    pub fn fields(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let row = self.row;
        self.batch
            .text_columns()
            .filter(move |(_, column)| column.is_valid(row))
            .map(move |(name, column)| (name, column.value(row)))
    }

    /// When it happened.
    pub fn time(&self) -> Option<Timestamp> {
        self.batch.time(self.row)
    }

    /// EVTX record number or line number.
    pub fn record(&self) -> u64 {
        self.batch.record(self.row)
    }

    /// Byte offset of the record in its file.
    pub fn offset(&self) -> u64 {
        self.batch.offset(self.row)
    }

    /// The batch the row belongs to.
    pub fn batch(&self) -> &'a EventBatch {
        self.batch
    }

    /// The row's position in its batch.
    pub fn index(&self) -> usize {
        self.row
    }
}

/// Collects rows into an [`EventBatch`]. Columns may be added at any time; earlier rows get nulls.
///
/// Values are copied by [`BatchBuilder::set`], unless they are pieces of a text that all rows share: see
/// [`BatchBuilder::share`] for text that is there already, and [`BatchBuilder::set_span`] for text that is being
/// written.
///
/// ```
/// use vigie_event::{BatchBuilder, Source};
///
/// let mut builder = BatchBuilder::new(Source::Iis);
/// let method = builder.column("cs-method");
/// builder.begin_row(Some(0), 5, 312);
/// builder.set(method, "POST");
/// builder.end_row();
/// let batch = builder.finish().expect("columns have one length");
/// assert_eq!(batch.row(0).get("CS-Method"), Some("POST"));
/// ```
#[derive(Debug)]
pub struct BatchBuilder {
    source: Source,
    table: Cow<'static, str>,
    event_type: Option<EventType>,
    file: FileId,
    times: Vec<Timestamp>,
    timed: Validity,
    records: Vec<u64>,
    offsets: Vec<u64>,
    /// The columns' names; the lines have none.
    names: Vec<Option<String>>,
    columns: TextColumns,
    /// The column of the lines, when they are kept.
    lines: Option<usize>,
    by_name: HashMap<String, usize>,
    schema: Option<SchemaRef>,
    /// How many rows the batch before had: what columns make room for.
    expected_rows: usize,
}

impl BatchBuilder {
    /// A builder for the source's own table.
    pub fn new(source: Source) -> BatchBuilder {
        BatchBuilder {
            source,
            table: Cow::Borrowed(source.default_table()),
            event_type: None,
            file: FileId::default(),
            times: Vec::new(),
            timed: Validity::default(),
            records: Vec::new(),
            offsets: Vec::new(),
            names: Vec::new(),
            columns: TextColumns::default(),
            lines: None,
            by_name: HashMap::new(),
            schema: None,
            expected_rows: FIRST_ROWS,
        }
    }

    /// Names the table, where it is not the source's own.
    #[must_use]
    pub fn table(mut self, table: impl Into<Cow<'static, str>>) -> BatchBuilder {
        self.table = table.into();
        self
    }

    /// Says which event type all rows have.
    #[must_use]
    pub fn event_type(mut self, event_type: EventType) -> BatchBuilder {
        self.event_type = Some(event_type);
        self
    }

    /// Says which file the rows come from.
    #[must_use]
    pub fn file(mut self, file: FileId) -> BatchBuilder {
        self.file = file;
        self
    }

    /// The position of the column with this name, made if there is none yet. Names that differ only in ASCII case
    /// are one column.
    pub fn column(&mut self, name: &str) -> usize {
        if let Some(&index) = self.by_name.get(name) {
            return index;
        }
        let index = self
            .names
            .iter()
            .position(|known| {
                known
                    .as_ref()
                    .is_some_and(|known| known.eq_ignore_ascii_case(name))
            })
            .unwrap_or_else(|| {
                self.schema = None;
                self.add(Some(name.to_owned()))
            });
        self.by_name.insert(name.to_owned(), index);
        index
    }

    fn add(&mut self, name: Option<String>) -> usize {
        self.names.push(name);
        self.columns.add();
        self.names.len() - 1
    }

    /// Sets the text of the record of the row begun last, when all its values are pieces of it: see
    /// [`EventBatch::line`].
    #[inline]
    pub fn set_line(&mut self, line: &str) {
        let column = match self.lines {
            Some(column) => column,
            None => {
                let column = self.add(None);
                self.lines = Some(column);
                column
            }
        };
        self.set(column, line);
    }

    /// Starts a row. `record` is the EVTX record number or the 1-based line; `offset` its byte offset in the file.
    #[inline]
    pub fn begin_row(&mut self, time: Option<Timestamp>, record: u64, offset: u64) {
        let row = self.times.len();
        match time {
            Some(_) => self.timed.value_at(row),
            None => self.timed.nulls_from(row),
        }
        self.times.push(time.unwrap_or_default());
        self.records.push(record);
        self.offsets.push(offset);
    }

    /// From now on values that are pieces of this very text are pointed at instead of copied. The text lives as long
    /// as the batch. One text may be shared by many batches, and a batch may share many texts, one after the other.
    pub fn share(&mut self, text: &Text) {
        self.columns.share(text);
    }

    /// Sets one value of the row begun last. A column already set in this row keeps its first value.
    #[inline]
    pub fn set(&mut self, column: usize, value: &str) {
        if let Some(row) = self.times.len().checked_sub(1) {
            self.columns.set(column, row, self.expected_rows, value);
        }
    }

    /// Sets one value of the row begun last without copying it. Its text must be given to
    /// [`BatchBuilder::finish_with`].
    #[inline]
    pub fn set_span(&mut self, column: usize, value: TextSpan) {
        if let Some(row) = self.times.len().checked_sub(1) {
            self.columns.set_span(column, row, self.expected_rows, value);
        }
    }

    /// Sets the value, without copying it, of all rows of the next batch that do not set another: see
    /// [`BatchBuilder::set_span`].
    pub fn fill_span(&mut self, column: usize, value: TextSpan) {
        self.columns.fill(column, value);
    }

    /// Ends the row begun last. Columns it did not set are null, or what fills them.
    pub fn end_row(&mut self) {}

    /// The number of rows collected.
    pub fn rows(&self) -> usize {
        self.times.len()
    }

    /// Roughly how much memory the rows take, for deciding when to flush. A shared text counts once, as a whole; the
    /// texts of [`BatchBuilder::set_span`] are not counted, because only their owner knows them.
    pub fn bytes(&self) -> usize {
        24 * self.times.len() + self.columns.bytes(self.times.len())
    }

    /// Hands out the rows collected so far and starts over with the same columns.
    ///
    /// # Errors
    /// When a value has 2 GiB or more, or a span was set.
    pub fn finish(&mut self) -> Result<EventBatch, ArrowError> {
        self.finish_with(&[])
    }

    /// The same, with the texts whose pieces were set by [`BatchBuilder::set_span`]. Texts that nobody points into do
    /// no harm, so several builders may be finished with one list.
    ///
    /// # Errors
    /// When a value has 2 GiB or more, or the text of a span is missing. The rows are lost then.
    pub fn finish_with(&mut self, texts: &[Text]) -> Result<EventBatch, ArrowError> {
        let rows = self.times.len();
        let schema = self.schema();
        let times = std::mem::take(&mut self.times);
        let times = TimestampMicrosecondArray::new(times.into(), self.timed.finish(rows));
        let records = UInt64Array::from(std::mem::take(&mut self.records));
        let offsets = UInt64Array::from(std::mem::take(&mut self.offsets));
        self.expected_rows = rows;
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(FIXED_COLUMNS + self.names.len());
        arrays.push(Arc::new(times.with_timezone_utc()));
        arrays.push(Arc::new(records));
        arrays.push(Arc::new(offsets));
        let mut lines = None;
        for (index, column) in self.columns.finish(rows, texts)?.into_iter().enumerate() {
            if self.lines == Some(index) {
                lines = Some(column);
            } else {
                arrays.push(Arc::new(column));
            }
        }
        Ok(EventBatch {
            source: self.source,
            table: self.table.clone(),
            event_type: self.event_type.clone(),
            file: self.file,
            records: RecordBatch::try_new(schema, arrays)?,
            whole: None,
            lines,
        })
    }

    fn schema(&mut self) -> SchemaRef {
        if let Some(schema) = &self.schema {
            return Arc::clone(schema);
        }
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
        let mut fields = vec![
            Field::new("TimeGenerated", utc, true),
            Field::new("_Record", DataType::UInt64, false),
            Field::new("_Offset", DataType::UInt64, false),
        ];
        fields.extend(
            self.names
                .iter()
                .flatten()
                .map(|name| Field::new(name, DataType::Utf8View, true)),
        );
        let schema = Arc::new(Schema::new(fields));
        self.schema = Some(Arc::clone(&schema));
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_added_late_are_null_before() {
        let mut builder = BatchBuilder::new(Source::HttpProxy);
        let stem = builder.column("UrlStem");
        builder.begin_row(Some(10), 1, 0);
        builder.set(stem, "/ecp/");
        builder.end_row();
        let status = builder.column("HttpStatus");
        builder.begin_row(None, 2, 80);
        builder.set(status, "241");
        builder.end_row();

        let batch = builder.finish().unwrap();
        assert_eq!(batch.rows(), 2);
        assert_eq!(batch.row(0).fields().collect::<Vec<_>>(), [("UrlStem", "/ecp/")]);
        assert_eq!(batch.row(1).fields().collect::<Vec<_>>(), [("HttpStatus", "241")]);
        assert_eq!((batch.time(0), batch.time(1)), (Some(10), None));
        assert_eq!((batch.record(1), batch.offset(1)), (2, 80));
    }

    #[test]
    fn lines_are_no_column() {
        let mut builder = BatchBuilder::new(Source::Iis);
        let first = builder.column("cs-method");
        builder.begin_row(None, 1, 0);
        builder.set(first, "GET");
        builder.set_line("GET /owa/");
        let second = builder.column("cs-uri-stem");
        builder.begin_row(None, 2, 10);
        builder.set(second, "/ecp/");
        let batch = builder.finish().unwrap();
        let names: Vec<&str> = batch.text_columns().map(|(name, _)| name).collect();
        assert_eq!(names, ["cs-method", "cs-uri-stem"]);
        assert_eq!(
            batch.row(1).fields().collect::<Vec<_>>(),
            [("cs-uri-stem", "/ecp/")]
        );
        assert_eq!((batch.line(0), batch.line(1)), (Some("GET /owa/"), None));
        assert_eq!(
            builder.finish().unwrap().lines().map(arrow_array::Array::len),
            Some(0)
        );
    }

    #[test]
    fn a_builder_starts_over_with_the_same_schema() {
        let mut builder = BatchBuilder::new(Source::Iis);
        let column = builder.column("c-ip");
        assert_eq!(builder.column("C-IP"), column);
        builder.begin_row(None, 1, 0);
        builder.set(column, "203.0.113.7");
        builder.end_row();
        let first = builder.finish().unwrap();
        builder.begin_row(None, 2, 9);
        builder.end_row();
        let second = builder.finish().unwrap();
        assert!(Arc::ptr_eq(&first.schema(), &second.schema()));
        assert_eq!(second.row(0).get("c-ip"), None);
    }
}

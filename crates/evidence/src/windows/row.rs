//! One row being put together: the system section and the event's own data under their column names.

use vigie_event::{Source, Timestamp};

use super::channels;
use super::fields::{FieldId, Fields, SYSTEM_FIELDS};

/// How many unnamed values get a column of their own (`Data_1`...); `Data` always has all of them.
pub(super) const MAX_NUMBERED_DATA: usize = 64;
/// Bytes of text one row may have.
const MAX_ROW_BYTES: usize = 4 << 20;
/// Values one row may have.
const MAX_ROW_VALUES: usize = 4_096;

/// A part of the row's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

/// Where a row belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// A Windows event, in the table its channel decides.
    WindowsEvent,
    /// A Windows event exported from this table.
    EventTable(&'static str),
    /// A row of a table of another source.
    Table(Source, &'static str),
}

/// One row. Values are written to the end of one text buffer, then given a name: no allocation per value.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) target: Target,
    pub(super) time: Option<Timestamp>,
    pub(super) record: u64,
    pub(super) offset: u64,
    /// The machine's name and the field that says so, when it is not the column `Computer`.
    host: Option<(Span, &'static str)>,
    text: String,
    system: [Option<Span>; SYSTEM_FIELDS],
    values: Vec<(FieldId, Span)>,
    unnamed: Vec<Span>,
    more: String,
    /// By field: the number of the row it was set in last, and how often.
    seen: Vec<(u64, u32)>,
    number: u64,
}

impl Row {
    pub(super) fn new() -> Row {
        Row {
            target: Target::WindowsEvent,
            time: None,
            record: 0,
            offset: 0,
            host: None,
            text: String::new(),
            system: [None; SYSTEM_FIELDS],
            values: Vec::new(),
            unnamed: Vec::new(),
            more: String::new(),
            seen: Vec::new(),
            number: 0,
        }
    }

    /// Starts a new row at this place of the file.
    pub(super) fn start(&mut self, record: u64, offset: u64) {
        self.target = Target::WindowsEvent;
        self.time = None;
        self.record = record;
        self.offset = offset;
        self.host = None;
        self.text.clear();
        self.system = [None; SYSTEM_FIELDS];
        self.values.clear();
        self.unnamed.clear();
        self.more.clear();
        self.number += 1;
    }

    /// Where the next value begins.
    pub(super) fn mark(&self) -> usize {
        self.text.len()
    }

    /// The buffer values are written to.
    pub(super) fn text(&mut self) -> &mut String {
        &mut self.text
    }

    /// What was written since `mark`.
    pub(super) fn since(&self, mark: usize) -> &str {
        self.text.get(mark..).unwrap_or_default()
    }

    /// Whether the row has grown past what one row may cost.
    pub(super) fn is_too_large(&self) -> bool {
        self.text.len() > MAX_ROW_BYTES || self.values.len() > MAX_ROW_VALUES
    }

    fn span_from(&self, mark: usize) -> Span {
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span {
            start: place(mark),
            end: place(self.text.len()),
        }
    }

    fn slice(&self, span: Span) -> &str {
        self.text
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default()
    }

    /// Names what was written since `mark` as a system field. The first value stays.
    pub(super) fn system_from(&mut self, field: FieldId, mark: usize) {
        let span = self.span_from(mark);
        if let Some(slot) = field.system().and_then(|index| self.system.get_mut(index)) {
            slot.get_or_insert(span);
        }
    }

    /// Sets a system field. Empty values are no values.
    pub(super) fn set_system(&mut self, field: FieldId, value: &str) {
        if value.is_empty() {
            return;
        }
        let mark = self.mark();
        self.text.push_str(value);
        self.system_from(field, mark);
    }

    /// The value of a system field.
    pub(super) fn system(&self, field: FieldId) -> Option<&str> {
        let span = field.system().and_then(|index| *self.system.get(index)?)?;
        Some(self.slice(span))
    }

    /// Says which machine the row is from, by which field. The first one stays.
    pub(super) fn set_host(&mut self, name: &str, field: &'static str) {
        if self.host.is_none() && !name.is_empty() {
            let mark = self.mark();
            self.text.push_str(name);
            self.host = Some((self.span_from(mark), field));
        }
    }

    /// Which machine the row is from, and the field that says so.
    pub(super) fn host(&self) -> Option<(&str, &'static str)> {
        match self.host {
            Some((span, field)) => Some((self.slice(span), field)),
            None => self.system(FieldId::COMPUTER).map(|name| (name, "Computer")),
        }
    }

    /// Names what was written since `mark` as a field of the event's own data. A name that repeats gets `_1`, `_2`
    /// after it.
    pub(super) fn data_from(&mut self, fields: &mut Fields, field: FieldId, mark: usize) {
        if field == FieldId::MORE {
            self.more_from(mark);
            return;
        }
        let span = self.span_from(mark);
        self.push_span(fields, field, span);
    }

    fn push_span(&mut self, fields: &mut Fields, field: FieldId, span: Span) {
        let mut name = field;
        loop {
            let repeats = self.count(fields.canonical(name));
            if repeats == 0 {
                break;
            }
            name = fields.numbered(field, repeats);
            if name == FieldId::MORE {
                let start = span.start as usize;
                self.more_from(start);
                return;
            }
        }
        self.values.push((name, span));
    }

    fn more_from(&mut self, mark: usize) {
        if !self.more.is_empty() {
            self.more.push('\n');
        }
        self.more.push_str(self.text.get(mark..).unwrap_or_default());
    }

    /// How often this row had the field before, and counts it.
    fn count(&mut self, field: FieldId) -> u32 {
        if self.seen.len() <= field.index() {
            self.seen.resize(field.index() + 1, (0, 0));
        }
        let Some(seen) = self.seen.get_mut(field.index()) else {
            return 0;
        };
        if seen.0 != self.number {
            *seen = (self.number, 1);
            return 0;
        }
        seen.1 += 1;
        seen.1 - 1
    }

    /// Sets a field of the event's own data.
    pub(super) fn set_data(&mut self, fields: &mut Fields, field: FieldId, value: &str) {
        let mark = self.mark();
        self.text.push_str(value);
        self.data_from(fields, field, mark);
    }

    /// Takes what was written since `mark` as the next unnamed value.
    pub(super) fn unnamed_from(&mut self, mark: usize) {
        let span = self.span_from(mark);
        self.unnamed.push(span);
    }

    /// Sets the next unnamed value.
    pub(super) fn set_unnamed(&mut self, value: &str) {
        let mark = self.mark();
        self.text.push_str(value);
        self.unnamed_from(mark);
    }

    /// The value of a field of the event's own data, if the row has it under this very name.
    pub(super) fn data(&self, field: FieldId) -> Option<&str> {
        self.values
            .iter()
            .find(|(name, _)| *name == field)
            .map(|(_, span)| self.slice(*span))
    }

    /// Turns the unnamed values into `Data` (all, joined by newlines) and `Data_1`, `Data_2`, ..., and settles what
    /// did not get a name of its own. To be called once, when the row has all its values.
    pub(super) fn finish(&mut self, fields: &mut Fields) {
        if self.target == Target::WindowsEvent {
            self.settle_channel();
        }
        if !self.unnamed.is_empty() {
            self.name_the_unnamed(fields);
        }
        if !self.more.is_empty() {
            let mark = self.mark();
            self.text.push_str(&self.more);
            let span = self.span_from(mark);
            self.values.push((FieldId::MORE, span));
        }
    }

    /// Spells a well-known channel as Windows does, and names the channel of a well-known provider where an export
    /// left it out: rules and coverage go by it.
    fn settle_channel(&mut self) {
        let settled = match self.system(FieldId::CHANNEL) {
            Some(channel) => channels::spelling(channel),
            None => self
                .system(FieldId::PROVIDER_NAME)
                .and_then(channels::of_provider),
        };
        if let Some(name) = settled {
            if let Some(slot) = FieldId::CHANNEL
                .system()
                .and_then(|index| self.system.get_mut(index))
            {
                *slot = None;
            }
            self.set_system(FieldId::CHANNEL, name);
        }
    }

    fn name_the_unnamed(&mut self, fields: &mut Fields) {
        let unnamed = std::mem::take(&mut self.unnamed);
        if let [only] = unnamed.as_slice() {
            self.push_span(fields, FieldId::DATA, *only);
        } else {
            let mark = self.mark();
            for (index, span) in unnamed.iter().enumerate() {
                if index > 0 {
                    self.text.push('\n');
                }
                let range = span.start as usize..span.end as usize;
                if range.end <= self.text.len() {
                    self.text.extend_from_within(range);
                }
            }
            self.data_from(fields, FieldId::DATA, mark);
        }
        for (span, number) in unnamed.iter().zip(1u32..).take(MAX_NUMBERED_DATA) {
            let field = fields.numbered(FieldId::DATA, number);
            if span.end > span.start {
                self.push_span(fields, field, *span);
            }
        }
        self.unnamed = unnamed;
        self.unnamed.clear();
    }

    /// All values with their final columns, system fields first. A system field whose name the event's own data
    /// uses gives way and is called `System_<name>`.
    pub(super) fn columns<'a>(&'a self, fields: &mut Fields, mut put: impl FnMut(&Fields, FieldId, &'a str)) {
        for field in FieldId::system_fields() {
            let Some(value) = self.system(field) else {
                continue;
            };
            let taken = self
                .seen
                .get(field.index())
                .is_some_and(|seen| seen.0 == self.number);
            let name = if taken { fields.prefixed(field) } else { field };
            put(fields, name, value);
        }
        for (field, span) in &self.values {
            put(fields, *field, self.slice(*span));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(row: &mut Row, fields: &mut Fields) -> Vec<(String, String)> {
        row.finish(fields);
        let mut all = Vec::new();
        row.columns(fields, |fields, field, value| {
            all.push((fields.name(field).to_owned(), value.to_owned()));
        });
        all
    }

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    }

    #[test]
    fn the_events_own_data_wins_the_bare_name() {
        let mut fields = Fields::new();
        let mut row = Row::new();
        row.start(1, 0);
        row.set_system(FieldId::CHANNEL, "Security");
        row.set_system(FieldId::LEVEL, "4");
        let channel = fields.intern("channel");
        row.set_data(&mut fields, channel, "Application");
        assert_eq!(
            columns(&mut row, &mut fields),
            pairs(&[
                ("System_Channel", "Security"),
                ("Level", "4"),
                ("channel", "Application")
            ])
        );
        // The next row has no clash, and nothing of the row before.
        row.start(2, 0);
        row.set_system(FieldId::CHANNEL, "System");
        assert_eq!(columns(&mut row, &mut fields), pairs(&[("Channel", "System")]));
    }

    #[test]
    fn the_channel_is_spelled_as_windows_does_or_named_by_its_provider() {
        let mut fields = Fields::new();
        let mut row = Row::new();
        row.start(1, 0);
        row.set_system(FieldId::CHANNEL, "security");
        assert_eq!(columns(&mut row, &mut fields), pairs(&[("Channel", "Security")]));
        row.start(2, 0);
        row.set_system(FieldId::PROVIDER_NAME, "Service Control Manager");
        row.finish(&mut fields);
        assert_eq!(row.system(FieldId::CHANNEL), Some("System"));
    }

    #[test]
    fn repeated_names_are_numbered_and_unnamed_values_kept_both_ways() {
        let mut fields = Fields::new();
        let mut row = Row::new();
        row.start(1, 0);
        let path = fields.intern("Path");
        for value in ["a", "b", "c"] {
            row.set_data(&mut fields, path, value);
        }
        row.set_unnamed("Set-OabVirtualDirectory");
        row.set_unnamed("");
        row.set_unnamed("-Identity x");
        assert_eq!(
            columns(&mut row, &mut fields),
            pairs(&[
                ("Path", "a"),
                ("Path_1", "b"),
                ("Path_2", "c"),
                ("Data", "Set-OabVirtualDirectory\n\n-Identity x"),
                ("Data_1", "Set-OabVirtualDirectory"),
                ("Data_3", "-Identity x"),
            ])
        );
    }
}

//! Columns of views on their way into a batch, and the texts they point into.

use std::sync::Arc;

use arrow_array::StringViewArray;
use arrow_buffer::{Buffer, NullBuffer, ScalarBuffer};
use arrow_schema::ArrowError;

use super::{INLINE, Text, TextBuilder, TextId, TextSpan, view_near, view_of};
use crate::validity::Validity;

/// Where a view keeps the number of its buffer.
const BUFFER_SHIFT: u32 = 64;

/// Text columns on their way into a batch.
#[derive(Debug, Default)]
pub(crate) struct TextColumns {
    columns: Vec<Column>,
    /// The texts views point into, by the number of their buffer.
    texts: Vec<Slot>,
    /// The text values are looked for in, and whether it is in `texts` already.
    shared: Option<(Text, Option<usize>)>,
    /// What had to be copied, and whether it is in `texts` already.
    own: (TextBuilder, Option<usize>),
    /// The slot found last.
    last: usize,
    /// Bytes of the texts, each counted once.
    bytes: usize,
    /// Columns that have a value.
    used: usize,
    /// A value was too long for any view.
    too_long: bool,
}

#[derive(Debug)]
struct Slot {
    id: TextId,
    text: Option<Text>,
}

#[derive(Debug, Default)]
struct Column {
    views: Vec<u128>,
    valid: Validity,
    /// The view of the rows that have no other.
    fill: Option<u128>,
}

impl Column {
    #[inline]
    fn push(&mut self, row: usize, view: u128) {
        let before = self.views.len();
        if before < row {
            self.valid.nulls_from(before);
            self.views.resize(row, 0);
        }
        self.views.push(view);
        self.valid.value_at(row);
    }

    /// Gives so many rows what they have: their own, what fills the column, or nothing.
    fn complete(&mut self, rows: usize) {
        let set = self.views.len();
        match self.fill.take() {
            Some(fill) => {
                for (row, view) in self.views.iter_mut().enumerate() {
                    if !self.valid.is_value(row) {
                        *view = fill;
                    }
                }
                self.views.resize(rows, fill);
                self.valid = Validity::default();
            }
            None if set < rows => {
                self.valid.nulls_from(set);
                self.views.resize(rows, 0);
            }
            None => {}
        }
    }
}

impl TextColumns {
    /// One more column.
    pub(crate) fn add(&mut self) {
        self.columns.push(Column::default());
    }

    /// Values set from now on that are pieces of this text are not copied.
    pub(crate) fn share(&mut self, text: &Text) {
        if self.shared.as_ref().is_none_or(|(known, _)| !known.is(text)) {
            let slot = self.texts.iter().position(|slot| slot.id == text.id);
            self.shared = Some((text.clone(), slot));
        }
    }

    /// Sets a value of a row, counted from 0. The first value stays.
    #[inline]
    pub(crate) fn set(&mut self, column: usize, row: usize, rows: usize, value: &str) {
        let Some(column) = self.room(column, row, rows) else {
            return;
        };
        let view = match self.shared_view(value) {
            Some(view) => Some(view),
            None => self.copy(value),
        };
        let Some(view) = view else {
            return;
        };
        if let Some(column) = self.columns.get_mut(column) {
            column.push(row, view);
        }
    }

    /// Sets a value that is a piece of a text.
    #[inline]
    pub(crate) fn set_span(&mut self, column: usize, row: usize, rows: usize, span: TextSpan) {
        let Some(column) = self.room(column, row, rows) else {
            return;
        };
        let view = self.view_of_span(span);
        if let Some(column) = self.columns.get_mut(column) {
            column.push(row, view);
        }
    }

    /// Sets a piece of a text as the value of all rows that have no other.
    pub(crate) fn fill(&mut self, column: usize, span: TextSpan) {
        let view = self.view_of_span(span);
        if let Some(column) = self.columns.get_mut(column) {
            self.used += usize::from(column.fill.is_none() && column.views.is_empty());
            column.fill = Some(view);
        }
    }

    /// The view of a piece of the shared text.
    #[inline]
    fn shared_view(&mut self, value: &str) -> Option<u128> {
        let (text, slot) = self.shared.as_mut()?;
        let place = text.place_of(value)?;
        let view = view_near(&text.buffer, place, value.len());
        if value.len() <= INLINE {
            return Some(view);
        }
        let slot = *slot.get_or_insert_with(|| {
            self.bytes += text.buffer.len();
            self.texts.push(Slot {
                id: text.id,
                text: Some(text.clone()),
            });
            self.texts.len() - 1
        });
        Some(in_buffer(view, slot))
    }

    /// The column, when it has no value in this row yet.
    #[inline]
    fn room(&mut self, index: usize, row: usize, rows: usize) -> Option<usize> {
        let column = self.columns.get_mut(index)?;
        if column.views.len() > row {
            return None;
        }
        if column.views.capacity() == 0 {
            column.views.reserve_exact(rows.max(row + 1));
        }
        if column.views.is_empty() && column.fill.is_none() {
            self.used += 1;
        }
        Some(index)
    }

    #[inline]
    fn view_of_span(&mut self, span: TextSpan) -> u128 {
        if span.len() <= INLINE {
            span.view
        } else {
            let slot = self.slot(span.text);
            in_buffer(span.view, slot)
        }
    }

    /// The number of the buffer this text will be.
    fn slot(&mut self, id: TextId) -> usize {
        if self.texts.get(self.last).is_some_and(|slot| slot.id == id) {
            return self.last;
        }
        self.last = self
            .texts
            .iter()
            .position(|slot| slot.id == id)
            .unwrap_or_else(|| {
                self.texts.push(Slot { id, text: None });
                self.texts.len() - 1
            });
        self.last
    }

    #[cold]
    fn no_room(&mut self, value: &str) -> Option<TextSpan> {
        let full = std::mem::take(&mut self.own.0).finish();
        let slot = self.slot(full.id);
        self.texts[slot].text = Some(full);
        self.own.1 = None;
        let span = self.own.0.push_str(value);
        self.too_long |= span.is_none();
        span
    }

    fn copy(&mut self, value: &str) -> Option<u128> {
        if value.len() <= INLINE {
            return Some(view_of(value.as_bytes(), 0));
        }
        let span = match self.own.0.push_str(value) {
            Some(span) => span,
            None => self.no_room(value)?,
        };
        self.bytes += value.len();
        let slot = match self.own.1 {
            Some(slot) => slot,
            None => self.slot(span.text),
        };
        self.own.1 = Some(slot);
        Some(in_buffer(span.view, slot))
    }

    /// Roughly how much memory so many rows take.
    pub(crate) fn bytes(&self, rows: usize) -> usize {
        self.bytes + self.used * rows * size_of::<u128>()
    }

    /// The columns, each with so many rows, and starts over. `texts` are those that spans were set of.
    pub(crate) fn finish(&mut self, rows: usize, texts: &[Text]) -> Result<Vec<StringViewArray>, ArrowError> {
        let copied = self.own.0.len();
        let own = std::mem::replace(&mut self.own.0, TextBuilder::with_capacity(copied)).finish();
        let slots = std::mem::take(&mut self.texts);
        let columns = self.columns.iter_mut().map(std::mem::take).collect();
        if let Some((_, slot)) = &mut self.shared {
            *slot = None;
        }
        self.own.1 = None;
        (self.last, self.bytes, self.used) = (0, 0, 0);
        if std::mem::take(&mut self.too_long) {
            let why = "a value of 2 GiB or more".to_owned();
            return Err(ArrowError::InvalidArgumentError(why));
        }
        let mut buffers = Vec::with_capacity(slots.len());
        for slot in slots {
            let given = || {
                texts
                    .iter()
                    .chain([&own])
                    .find(|text| text.id == slot.id)
                    .cloned()
            };
            let Some(text) = slot.text.or_else(given) else {
                let why = "a value points into a text that was not given".to_owned();
                return Err(ArrowError::InvalidArgumentError(why));
            };
            buffers.push(text.buffer);
        }
        Ok(arrays(columns, buffers.into(), rows))
    }
}

/// Says in which buffer the text of a long view is.
#[inline]
fn in_buffer(view: u128, slot: usize) -> u128 {
    view | (slot as u128) << BUFFER_SHIFT
}

/// The columns over their buffers. All views of the columns were made for these buffers.
#[allow(unsafe_code)]
fn arrays(columns: Vec<Column>, buffers: Arc<[Buffer]>, rows: usize) -> Vec<StringViewArray> {
    let mut nothing = None;
    let array = |mut column: Column| {
        if column.views.is_empty() && column.fill.is_none() {
            let nothing = nothing.get_or_insert_with(|| StringViewArray::new_null(rows));
            return nothing.clone();
        }
        column.complete(rows);
        let nulls: Option<NullBuffer> = column.valid.finish(rows);
        let views = ScalarBuffer::from(column.views);
        debug_assert!(StringViewArray::try_new(views.clone(), Arc::clone(&buffers), nulls.clone()).is_ok());
        // SAFETY: every view is zero (the empty text), holds a text of at most 12 bytes with zeros behind it, or points
        // to a whole `&str` inside of the buffer it names, with its length and its first four bytes: see the module.
        // There are as many views as validity bits.
        unsafe { StringViewArray::new_unchecked(views, Arc::clone(&buffers), nulls) }
    };
    columns.into_iter().map(array).collect()
}

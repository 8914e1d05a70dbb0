//! What is read back is what was set, and Arrow's own full check agrees.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{Array, StringViewArray};
use proptest::prelude::*;

use super::*;
use crate::{BatchBuilder, Source};

/// One value, in one of the ways a value can be set.
#[derive(Debug, Clone)]
enum Value {
    None,
    Copied(String),
    /// A piece of one of the shared texts.
    Shared(usize, Range<usize>),
    /// A piece of text that is being written.
    Written(String),
    /// Written character by character, between other text.
    Piecewise(String, Range<usize>),
}

fn value() -> impl Strategy<Value = Value> {
    let text = || "[a-zé€😀\\x00]{0,20}";
    let range = (0usize..30, 0usize..30).prop_map(|(start, length)| start..start + length);
    prop_oneof![
        Just(Value::None),
        text().prop_map(Value::Copied),
        (0usize..3, range.clone()).prop_map(|(text, range)| Value::Shared(text, range)),
        text().prop_map(Value::Written),
        (text(), range).prop_map(|(text, range)| Value::Piecewise(text, range)),
    ]
}

/// Arrow's own check of every view, which `new_unchecked` leaves out.
fn valid(array: &StringViewArray) -> bool {
    let buffers: Arc<[Buffer]> = array.data_buffers().to_vec().into();
    StringViewArray::try_new(array.views().clone(), buffers, array.nulls().cloned()).is_ok()
}

fn check(texts: &[String], rows: &[Vec<Value>], flush_after: usize) -> Result<(), TestCaseError> {
    let shared: Vec<Text> = texts.iter().cloned().map(Text::from).collect();
    let mut builder = BatchBuilder::new(Source::Iis);
    let columns: Vec<usize> = (0..4).map(|index| builder.column(&format!("c{index}"))).collect();
    let (mut written, mut batches, mut expected) = (TextBuilder::default(), Vec::new(), Vec::new());
    for (index, row) in rows.iter().enumerate() {
        builder.begin_row((index % 3 > 0).then_some(index as i64), index as u64, 0);
        let mut values = Vec::new();
        for (&column, value) in columns.iter().zip(row) {
            let set = match value {
                Value::None => None,
                Value::Copied(text) => {
                    builder.set(column, text);
                    Some(text.clone())
                }
                Value::Shared(text, range) => {
                    builder.share(&shared[*text]);
                    let piece = shared[*text].as_str().get(range.clone());
                    piece
                        .inspect(|piece| builder.set(column, piece))
                        .map(str::to_owned)
                }
                Value::Written(text) => {
                    builder.set_span(column, written.push_str(text).unwrap());
                    Some(text.clone())
                }
                Value::Piecewise(text, range) => {
                    let start = written.len();
                    text.chars().for_each(|character| written.push(character));
                    let span = written.span(start + range.start..start + range.end);
                    if let Some(span) = span {
                        builder.set_span(column, span);
                    }
                    span.map(|_| text[range.clone()].to_owned())
                }
            };
            builder.set(column, "a second value is ignored");
            values.push(Some(
                set.unwrap_or_else(|| "a second value is ignored".to_owned()),
            ));
        }
        builder.end_row();
        expected.push(values);
        if index == flush_after || index + 1 == rows.len() {
            let full = std::mem::take(&mut written).finish();
            let batch = builder.finish_with(&[shared[0].clone(), full]).unwrap();
            batches.push(batch);
        }
    }
    let mut read = Vec::new();
    for batch in &batches {
        for (_, column) in batch.text_columns() {
            prop_assert!(valid(column));
        }
        for row in 0..batch.rows() {
            let row_of = batch.row(row);
            let index = read.len();
            prop_assert_eq!(row_of.time(), (index % 3 > 0).then_some(index as i64));
            prop_assert_eq!(row_of.record(), index as u64);
            let values: Vec<Option<String>> = (0..4)
                .map(|column| row_of.get(&format!("c{column}")).map(str::to_owned))
                .collect();
            read.push(values);
        }
    }
    prop_assert_eq!(read, expected);
    Ok(())
}

proptest! {
    #[test]
    fn views_read_back_what_was_set(
        texts in prop::collection::vec("[a-zé€😀]{0,40}", 3),
        rows in prop::collection::vec(prop::collection::vec(value(), 4), 0..12),
        flush_after in 0usize..12,
    ) {
        check(&texts, &rows, flush_after)?;
    }
}

#[test]
fn columns_without_a_value_are_null_and_late_columns_too() {
    let text = Text::from("a value of some length, shared".to_owned());
    let mut builder = BatchBuilder::new(Source::Iis);
    let (first, _never) = (builder.column("first"), builder.column("never"));
    builder.share(&text);
    for row in 0..130 {
        builder.begin_row(None, row, 0);
        if row % 2 == 1 {
            builder.set(first, &text.as_str()[..row as usize % 20]);
        }
        builder.end_row();
    }
    let batch = builder.finish().unwrap();
    assert_eq!(batch.column("never").unwrap().null_count(), 130);
    let first = batch.column("first").unwrap();
    assert!(valid(first));
    assert_eq!(first.null_count(), 65);
    assert_eq!(first.value(129), &text.as_str()[..9]);
    assert_eq!(batch.time(0), None);
}

#[test]
fn equal_text_elsewhere_is_copied_and_a_shared_text_is_counted_once() {
    let text = Text::from("x".repeat(1_000));
    let mut builder = BatchBuilder::new(Source::Iis);
    let column = builder.column("c");
    builder.share(&text);
    let empty = builder.bytes();
    for row in 0..10 {
        builder.begin_row(None, row, 0);
        builder.set(column, &text.as_str()[..500]);
        builder.end_row();
    }
    let ten = builder.bytes();
    assert!((1_000..2_000).contains(&(ten - empty)), "{ten}");
    builder.begin_row(None, 10, 0);
    builder.set(column, &"x".repeat(500));
    builder.end_row();
    assert!((500..600).contains(&(builder.bytes() - ten)));
    let batch = builder.finish().unwrap();
    assert_eq!(batch.column("c").unwrap().data_buffers().len(), 2);
    assert_eq!(builder.bytes(), 0);
}

#[test]
fn a_text_that_is_missing_is_an_error_and_the_builder_goes_on() {
    let mut written = TextBuilder::default();
    let span = written.push_str("longer than a view can hold").unwrap();
    let other = Text::from("some other text of that length".to_owned());
    let mut builder = BatchBuilder::new(Source::Iis);
    let column = builder.column("c");
    for given in [vec![], vec![other], vec![written.finish()]] {
        let complete = given.iter().any(|text| text.as_str().contains("longer"));
        builder.begin_row(None, 1, 0);
        builder.set_span(column, span);
        builder.end_row();
        let batch = builder.finish_with(&given);
        assert_eq!(batch.is_ok(), complete, "{batch:?}");
        assert_eq!(builder.rows(), 0);
    }
}

#[test]
fn spans_are_whole_characters_inside_of_the_text() {
    let text = Text::from("aé€".to_owned());
    assert!(text.span(0..3).is_some());
    assert!(text.span(0..2).is_none());
    assert!(text.span(3..7).is_none());
    assert!(text.span(Range { start: 3, end: 1 }).is_none());
    assert!(Text::from_utf8(Buffer::from_vec(b"a\xE9".to_vec())).is_err());
}

#[test]
fn what_fills_a_column_stands_in_the_rows_that_set_nothing_else() {
    let long = "what all rows say that say nothing else";
    let mut builder = BatchBuilder::new(Source::WindowsEvent);
    let columns = ["own first", "own last", "all", "none"].map(|name| builder.column(name));
    for rows in [1, 3, 130] {
        let mut text = TextBuilder::default();
        let (own, fill) = (text.push_str("own").unwrap(), text.push_str(long).unwrap());
        for row in 0..rows {
            builder.begin_row(None, row, 0);
            for column in &columns[..3] {
                builder.fill_span(*column, fill);
            }
            if row == 0 {
                builder.set_span(columns[0], own);
            }
            if row == rows - 1 {
                builder.set_span(columns[1], own);
            }
            builder.end_row();
        }
        let batch = builder.finish_with(&[text.finish()]).unwrap();
        let said = |name: &str| {
            batch
                .column(name)
                .unwrap()
                .iter()
                .map(Option::unwrap)
                .collect::<Vec<_>>()
        };
        let mut expected = vec![long; rows as usize];
        assert_eq!(said("all"), expected);
        expected[0] = "own";
        assert_eq!(said("own first"), expected);
        expected.reverse();
        assert_eq!(said("own last"), expected);
        assert_eq!(batch.column("none").unwrap().null_count(), rows as usize);
    }
    // The next batch begins empty.
    builder.begin_row(None, 0, 0);
    builder.end_row();
    let batch = builder.finish().unwrap();
    assert_eq!(batch.column("all").unwrap().null_count(), 1);
}

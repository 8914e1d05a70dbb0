//! Lines that stand behind each other in memory, searched together: a search that starts anew with each line spends
//! much of its time on starting.

use std::ops::Range;

use arrow_array::{Array, StringViewArray};

use super::memo::INLINE;

/// More bytes than this between two lines are not searched.
const GAP: usize = 64;

/// Where the line of a row is in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) row: usize,
    pub(super) range: Range<usize>,
}

/// The row in whose line a range of a run is.
pub(super) fn row_of(places: &[Place], found: &Range<usize>) -> Option<usize> {
    let at = places.partition_point(|place| place.range.end < found.end);
    let place = places.get(at)?;
    (place.range.start <= found.start).then_some(place.row)
}

/// Gives the runs of the lines of these rows, which must ascend, with the places of the lines in them.
pub(super) fn runs(
    lines: &StringViewArray,
    rows: impl Iterator<Item = usize>,
    places: &mut Vec<Place>,
    mut each: impl FnMut(&[u8], &[Place]),
) {
    places.clear();
    let mut open = None;
    for row in rows {
        let Some(view) = lines.views().get(row).copied().filter(|_| lines.is_valid(row)) else {
            continue;
        };
        let length = view as u32;
        if length <= INLINE {
            give(lines, open.take(), places, &mut each);
            let range = 0..length as usize;
            each(lines.value(row).as_bytes(), &[Place { row, range }]);
            continue;
        }
        let (buffer, from) = ((view >> 64) as u32 as usize, (view >> 96) as usize);
        let start = match &open {
            Some(run) if run.goes_on(places, buffer, from) => run.start,
            _ => {
                give(lines, open.take(), places, &mut each);
                open = Some(Run { buffer, start: from });
                from
            }
        };
        let range = from - start..from - start + length as usize;
        places.push(Place { row, range });
    }
    give(lines, open, places, &mut each);
}

/// Where a run begins.
struct Run {
    buffer: usize,
    start: usize,
}

impl Run {
    /// Whether a line stands just behind the last.
    fn goes_on(&self, places: &[Place], buffer: usize, from: usize) -> bool {
        let end = self.start + places.last().map_or(0, |place| place.range.end);
        self.buffer == buffer && (end..=end + GAP).contains(&from)
    }
}

fn give(
    lines: &StringViewArray,
    run: Option<Run>,
    places: &mut Vec<Place>,
    each: &mut impl FnMut(&[u8], &[Place]),
) {
    if let (Some(run), Some(last)) = (run, places.last()) {
        let buffer = lines.data_buffers().get(run.buffer);
        let text = buffer.and_then(|buffer| buffer.get(run.start..run.start + last.range.end));
        each(text.unwrap_or_default(), places);
    }
    places.clear();
}

#[cfg(test)]
mod tests {
    use arrow_array::builder::StringViewBuilder;
    use arrow_buffer::Buffer;

    use super::*;

    #[test]
    fn lines_behind_each_other_are_one_text() {
        let mut builder = StringViewBuilder::new();
        let block = b"the first line, long enough\r\nthe second line, long too\r\n";
        let far = [&block[..], &[b'-'; GAP + 1], b"a line that is far away"].concat();
        let block = builder.append_block(Buffer::from(far.as_slice()));
        let other = builder.append_block(Buffer::from(&b"a line in other memory"[..]));
        for (block, from, length) in [(block, 0, 27), (block, 29, 25)] {
            builder.try_append_view(block, from, length).unwrap();
        }
        builder.append_value("short");
        builder.append_null();
        builder.try_append_view(block, 29, 25).unwrap();
        builder.try_append_view(block, 56 + GAP as u32 + 1, 23).unwrap();
        builder.try_append_view(other, 0, 22).unwrap();
        let lines = builder.finish();

        let mut found = Vec::new();
        runs(&lines, 0..lines.len(), &mut Vec::new(), |text, places| {
            for place in places {
                let line = std::str::from_utf8(&text[place.range.clone()]).unwrap();
                assert_eq!(line, lines.value(place.row));
                assert_eq!(row_of(places, &place.range), Some(place.row));
            }
            let across = places[0].range.end - 1..text.len();
            assert!(places.len() == 1 || row_of(places, &across).is_none());
            found.push(places.iter().map(|place| place.row).collect::<Vec<_>>());
        });
        assert_eq!(found, [vec![0, 1], vec![2], vec![4], vec![5], vec![6]]);
    }
}

//! One format over bytes in memory: the way in of the fuzz targets, not part of the library's promise.

use vigie_event::{EventBatch, FileId};

use crate::format::{Context, Format, Head, Outcome};
use crate::{FileRef, Limits, UnitId};

/// The names of all formats, sorted: what [`parse`] takes.
pub fn formats() -> Vec<&'static str> {
    let mut names: Vec<&'static str> = all().map(|format| format.name).collect();
    names.sort_unstable();
    names
}

/// Parses bytes as one format with the default limits and hands over every batch; `None` when there is no such format.
pub fn parse(format: &str, mut bytes: &[u8], sink: &mut dyn FnMut(EventBatch)) -> Option<Outcome> {
    let format = all().find(|known| known.name == format)?;
    let file = FileRef {
        id: FileId(0),
        unit: UnitId(0),
        path: "fuzz".to_owned(),
        original_path: None,
        size: Some(bytes.len() as u64),
        modified: None,
        created: None,
        source: Some(format.source),
    };
    let limits = Limits::default();
    let context = Context::new(&file, &limits);
    Some((format.parse)(&mut bytes, &context, sink))
}

/// The formats that take bytes for their own, by name.
pub fn recognise(name: &str, bytes: &[u8]) -> Vec<&'static str> {
    let head = Head {
        bytes: bytes.get(..64 << 10).unwrap_or(bytes),
        name,
        path: name,
    };
    all()
        .filter(|format| (format.recognise)(&head).is_some())
        .map(|format| format.name)
        .collect()
}

fn all() -> impl Iterator<Item = &'static Format> {
    crate::text::FORMATS
        .iter()
        .chain(crate::windows::FORMATS)
        .chain(crate::files::FORMATS)
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_a_name_of_its_own_and_survives_nothing() {
        let names = formats();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        for name in names {
            let mut rows = 0;
            let outcome = parse(name, b"", &mut |batch| rows += batch.rows() as u64).unwrap();
            assert_eq!(outcome.records, rows, "{name}");
        }
        assert!(parse("unheard of", b"", &mut |_| {}).is_none());
    }
}

//! Files that people write for Vigie, as YAML: read strictly, refused with their line.

use serde::de::DeserializeOwned;

use crate::Said;

/// Bytes of such a file.
const MAX_BYTES: usize = 1 << 20;

/// Why a mapping or a file of decisions is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}{}: {}", .line.map(|line| format!(":{line}")).unwrap_or_default(), .why.en)]
pub struct FileError {
    /// The file.
    pub path: String,
    /// 1-based line, when it is known.
    pub line: Option<usize>,
    /// Why, and what to write instead.
    pub why: Said,
}

impl FileError {
    /// The same in both languages.
    pub fn said(&self) -> Said {
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        Said::new(
            format!("{}{line}: {}", self.path, self.why.en),
            format!("{}{line} : {}", self.path, self.why.fr),
        )
    }
}

/// Reads a file as what it is to be.
pub(crate) fn read<T: DeserializeOwned>(path: &str, text: &str) -> Result<T, FileError> {
    let refuse = |line, why| FileError {
        path: path.to_owned(),
        line,
        why,
    };
    if text.len() > MAX_BYTES {
        let kib = MAX_BYTES >> 10;
        let why = Said::new(
            format!("it has more than {kib} KiB"),
            format!("il dépasse {kib} Kio"),
        );
        return Err(refuse(None, why));
    }
    yaml_serde::from_str(text).map_err(|error| {
        let line = error.location().map(|place| place.line());
        let message = error.to_string();
        // The reader says the place a second time, behind its message.
        let message = message
            .rfind(" at line ")
            .map_or(message.as_str(), |at| &message[..at]);
        let (en, fr) = match message.split_once(BETWEEN) {
            // Our own errors speak both languages.
            Some((en, fr)) => (en.to_owned(), own(en, fr)),
            None => (message.to_owned(), format!("mal formé : {message}")),
        };
        refuse(line, Said::new(en, fr))
    })
}

/// Stands between the two languages of an error that goes through the reader of YAML, which knows but one.
const BETWEEN: &str = "\u{1f}";

/// An error for the reader of YAML.
pub(crate) fn error<E: serde::de::Error>(said: &Said) -> E {
    E::custom(format!("{}{BETWEEN}{}", said.en, said.fr))
}

/// The reader puts the path of keys before the first language; the second one gets it too.
fn own(en: &str, fr: &str) -> String {
    let is_path = |path: &str| {
        !path.is_empty()
            && path
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'[' | b']' | b'_'))
    };
    match en.split_once(": ") {
        Some((path, _)) if is_path(path) => format!("{path} : {fr}"),
        _ => fr.to_owned(),
    }
}

/// The lines on which the items of a list begin that is written one item below the other, behind `key:`, or at the
/// beginning of lines where there is no key.
pub(crate) fn item_lines(text: &str, key: Option<&str>) -> Vec<usize> {
    let mut lines = text.lines().enumerate();
    let mut indent = key.is_none().then_some(0);
    if let Some(key) = key {
        let is_key = |line: &str| {
            line.strip_prefix(key)
                .is_some_and(|rest| rest.trim_start().starts_with(':'))
        };
        if !lines.any(|(_, line)| is_key(line)) {
            return Vec::new();
        }
    }
    let mut found = Vec::new();
    for (index, line) in lines {
        let inner = line.trim_start();
        let depth = line.len() - inner.len();
        let is_item = inner.starts_with("- ") || inner == "-";
        if is_item && *indent.get_or_insert(depth) == depth {
            found.push(index + 1);
        } else if key.is_some() && depth == 0 && !inner.is_empty() && !inner.starts_with(['#', '-']) {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_found_by_their_line() {
        let text = "# ours\ntables:\n  - columns: {a: server}\n    values:\n      - x\n  - columns: {b: fqdn}\nsources:\n- file: a\n- file: b\n";
        assert_eq!(item_lines(text, Some("tables")), [3, 6]);
        assert_eq!(item_lines(text, Some("sources")), [8, 9]);
        assert_eq!(item_lines("- a: 1\n  b:\n  - c\n- d: 2\n", None), [1, 4]);
        assert_eq!(item_lines(text, Some("none")), [0usize; 0]);
    }
}

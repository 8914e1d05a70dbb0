//! Where in a file something stands.

use std::fmt;
use std::sync::Arc;

use crate::Said;

/// A place in a file. As a part of an [`Origin`](crate::Origin) it is written without words, so that it reads the same
/// in every language; [`Place::said`] is for sentences.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// A line of a text, from 1.
    Line(u64),
    /// A row of a workbook.
    Row {
        /// The sheet's name.
        sheet: Arc<str>,
        /// From 1.
        row: u64,
    },
    /// An element, a property or a host: `hosts[3]`, `203.0.113.5:443`.
    Path(Box<str>),
}

impl Place {
    /// `line 6`, `Feuil1, row 7`.
    pub fn said(&self) -> Said {
        match self {
            Place::Line(line) => Said::new(format!("line {line}"), format!("ligne {line}")),
            Place::Row { sheet, row } => {
                Said::new(format!("{sheet}, row {row}"), format!("{sheet}, ligne {row}"))
            }
            Place::Path(path) => Said::new(path.to_string(), path.to_string()),
        }
    }

    /// `line 6, column Build`; `Feuil1, cell C7, column Build`.
    pub fn column(&self, index: usize, header: &str) -> Said {
        match self {
            Place::Row { sheet, row } => {
                let cell = format!("{}{row}", letters(index));
                Said::new(
                    format!("{sheet}, cell {cell}, column {header}"),
                    format!("{sheet}, cellule {cell}, colonne {header}"),
                )
            }
            other => {
                let Said { en, fr } = other.said();
                Said::new(
                    format!("{en}, column {header}"),
                    format!("{fr}, colonne {header}"),
                )
            }
        }
    }
}

impl fmt::Display for Place {
    /// What follows the file's name: `:6`, `:Feuil1!7`, `, hosts[3]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line(line) => write!(f, ":{line}"),
            Place::Row { sheet, row } => write!(f, ":{sheet}!{row}"),
            Place::Path(path) => write!(f, ", {path}"),
        }
    }
}

/// The name of a column in a workbook: `0` is `A`, `26` is `AA`.
pub(crate) fn letters(column: usize) -> String {
    let mut name = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        rest -= 1;
        name.push(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"[rest % 26] as char);
        rest /= 26;
    }
    name.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_in_both_languages_and_written_in_none() {
        let row = Place::Row {
            sheet: "Feuil1".into(),
            row: 7,
        };
        assert_eq!(Place::Line(6).column(1, "Publié").fr, "ligne 6, colonne Publié");
        assert_eq!(row.column(2, "Build").en, "Feuil1, cell C7, column Build");
        assert_eq!(row.said().fr, "Feuil1, ligne 7");
        assert_eq!(
            format!("a.xlsx{row} a.csv{}", Place::Line(6)),
            "a.xlsx:Feuil1!7 a.csv:6"
        );
        assert_eq!([letters(0), letters(26), letters(999)], ["A", "AA", "ALL"]);
    }
}

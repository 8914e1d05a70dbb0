//! What people write down once about their own tables and files: a mapping file, `docs/inventory.md`.
//!
//! A table is recognised by its headers: all of them, in any order. So a mapping never applies to a table that has
//! changed.

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use yaml_serde::{Mapping, Value};

use super::words::plain;
use super::{Column, TableView, words};
use crate::observation::identifiers;
use crate::{FileError, Said, yaml};

/// What stands for a column of which nobody has decided yet what it holds.
const UNDECIDED: &str = "?";

identifiers!(
    /// From where a scan was made.
    Vantage {
        /// From the Internet.
        Outside = "outside",
        /// From a network of the tenant's, or through a tunnel into it.
        Inside = "inside",
    }
);

/// How tables of one's own, and files that do not say whose they are, are to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mappings {
    /// Tables, by their headers.
    pub tables: Vec<TableMapping>,
    /// Files, by their names.
    pub sources: Vec<SourceWord>,
}

/// What the columns of a table hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableMapping {
    /// Where it is written: `mapping.yaml:3`.
    pub origin: String,
    columns: Vec<(String, Option<Column>)>,
    /// The headers, letters and digits alone, in order.
    headers: Vec<String>,
    pub(super) day_first: Option<bool>,
    /// What every row says that has no such cell.
    pub(super) values: Vec<(Column, String)>,
}

/// What is known of a file that it does not say itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceWord {
    /// Where it is written.
    pub origin: String,
    /// The file's name, or the end of its path; `*` stands for anything.
    pub file: String,
    /// Whose everything in it is that names no tenant.
    pub tenant: Option<String>,
    /// From where it was scanned.
    pub scanned_from: Option<Vantage>,
}

impl TableMapping {
    pub(super) fn meaning(&self, header: &str) -> Option<Column> {
        let word = plain(header);
        let mut columns = self.columns.iter();
        columns.find(|(known, _)| plain(known) == word)?.1
    }
}

impl Mappings {
    /// Reads a mapping file. `path` is for messages.
    ///
    /// # Errors
    /// When it is not YAML, has a key or a column that nobody knows, or says one thing twice.
    pub fn read(path: &str, text: &str) -> Result<Mappings, FileError> {
        let written: Written = yaml::read(path, text)?;
        let lines = [
            yaml::item_lines(text, Some("tables")),
            yaml::item_lines(text, Some("sources")),
        ];
        let origin = |list: usize, index: usize| match lines[list].get(index) {
            Some(line) => format!("{path}:{line}"),
            None => path.to_owned(),
        };
        let mut mappings = Mappings::default();
        for (index, table) in written.tables.into_iter().enumerate() {
            let mut headers: Vec<String> = table.columns.0.iter().map(|(header, _)| plain(header)).collect();
            headers.sort_unstable();
            let known = mappings.tables.iter().find(|known| known.headers == headers);
            if let Some(known) = known {
                let why = Said::new(
                    format!("the table of {} has the same headers", known.origin),
                    format!("le tableau de {} a les mêmes en-têtes", known.origin),
                );
                return Err(FileError {
                    path: path.to_owned(),
                    line: lines[0].get(index).copied(),
                    why,
                });
            }
            mappings.tables.push(TableMapping {
                origin: origin(0, index),
                columns: table.columns.0,
                headers,
                day_first: table.day_first,
                values: table.values.0,
            });
        }
        for (index, source) in written.sources.into_iter().enumerate() {
            mappings.sources.push(SourceWord {
                origin: origin(1, index),
                file: source.file,
                tenant: source.tenant,
                scanned_from: source.scanned_from,
            });
        }
        Ok(mappings)
    }

    /// Adds what another file says. Of two that speak of the same, the first stands.
    pub fn add(&mut self, other: Mappings) {
        self.tables.extend(other.tables);
        self.sources.extend(other.sources);
    }

    /// The mapping of a table with these headers.
    pub(super) fn table_for(&self, headers: &[String]) -> Option<&TableMapping> {
        if self.tables.is_empty() {
            return None;
        }
        let mut words: Vec<String> = headers
            .iter()
            .filter(|header| !header.is_empty())
            .map(|header| plain(header))
            .collect();
        words.sort_unstable();
        words.dedup();
        self.tables.iter().find(|table| table.headers == words)
    }

    /// What is known of a file.
    pub fn source(&self, file_name: &str) -> Option<&SourceWord> {
        self.sources.iter().find(|source| source.is_about(file_name))
    }

    /// A mapping file for tables as they were understood, to be completed by hand.
    pub fn write(tables: &[&TableView]) -> String {
        let mut seen = HashSet::new();
        let mut list = Vec::new();
        for table in tables {
            let mut columns = Mapping::new();
            for column in table.columns.iter().filter(|column| !column.header.is_empty()) {
                let meaning = column.meaning.map_or(UNDECIDED, Column::id);
                let key = Value::from(column.header.as_str());
                let is_double = columns.keys().any(|known| {
                    known
                        .as_str()
                        .is_some_and(|known| plain(known) == plain(&column.header))
                });
                if !is_double {
                    columns.insert(key, Value::from(meaning));
                }
            }
            let mut headers: Vec<String> = columns.keys().filter_map(Value::as_str).map(plain).collect();
            headers.sort_unstable();
            if !columns.is_empty() && seen.insert(headers) {
                list.push(WrittenBack { columns });
            }
        }
        let ids: Vec<&str> = Column::ALL.iter().map(|column| column.id()).collect();
        let body = yaml_serde::to_string(&FileBack { tables: list }).unwrap_or_default();
        format!(
            "# What the columns of tables hold: {}.\n# {UNDECIDED}: nobody decided yet. See docs/inventory.md.\n{body}",
            ids.join(", ")
        )
    }
}

impl SourceWord {
    /// Whether it speaks of a file: its name, or the end of its path, is the pattern.
    fn is_about(&self, file_name: &str) -> bool {
        let path = file_name.replace('\\', "/");
        let pattern = self.file.replace('\\', "/");
        if pattern.contains('/') {
            let whole = matches(&pattern, &path);
            return whole || matches(&format!("*/{pattern}"), &path);
        }
        matches(&pattern, path.rsplit('/').next().unwrap_or(&path))
    }
}

/// Whether a text is a pattern in which `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    tables: Vec<WrittenTable>,
    #[serde(default)]
    sources: Vec<WrittenSource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTable {
    columns: Columns,
    day_first: Option<bool>,
    #[serde(default)]
    values: Values,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSource {
    file: String,
    tenant: Option<String>,
    scanned_from: Option<Vantage>,
}

#[derive(Serialize)]
struct FileBack {
    tables: Vec<WrittenBack>,
}

#[derive(Serialize)]
struct WrittenBack {
    columns: Mapping,
}

impl<'de> Deserialize<'de> for Vantage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Vantage, D::Error> {
        let text = String::deserialize(deserializer)?;
        Vantage::from_id(&text).ok_or_else(|| {
            yaml::error(&Said::new(
                format!("{text:?} is no place a scan is made from: write outside or inside"),
                format!("{text:?} n’est pas un lieu de balayage : écrire outside ou inside"),
            ))
        })
    }
}

/// Header and column, in the order of the file.
struct Columns(Vec<(String, Option<Column>)>);

impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Columns, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Columns;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("headers and what their columns hold")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Columns, A::Error> {
                let mut columns: Vec<(String, Option<Column>)> = Vec::new();
                while let Some((header, word)) = map.next_entry::<String, String>()? {
                    let is_double = columns.iter().any(|(known, _)| plain(known) == plain(&header));
                    if is_double || plain(&header).is_empty() {
                        return Err(yaml::error(&Said::new(
                            format!(
                                "the header {header:?} stands there twice, or has neither letter nor digit"
                            ),
                            format!("l’en-tête {header:?} est là deux fois, ou n’a ni lettre ni chiffre"),
                        )));
                    }
                    columns.push((header, column(&word)?));
                }
                if columns.is_empty() {
                    return Err(yaml::error(&Said::new(
                        "there is no header",
                        "il n’y a pas d’en-tête",
                    )));
                }
                Ok(Columns(columns))
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}

fn column<E: de::Error>(word: &str) -> Result<Option<Column>, E> {
    if word == UNDECIDED {
        return Ok(None);
    }
    match Column::from_id(word) {
        Some(column) => Ok(Some(column)),
        None => {
            let ids: Vec<&str> = Column::ALL.iter().map(|column| column.id()).collect();
            Err(yaml::error(&Said::new(
                format!("{word:?} is no column; the columns are {}", ids.join(", ")),
                format!(
                    "{word:?} n’est pas une colonne ; les colonnes sont {}",
                    ids.join(", ")
                ),
            )))
        }
    }
}

/// What every row says.
#[derive(Default)]
struct Values(Vec<(Column, String)>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Values, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            tenant: Option<String>,
            product: Option<String>,
            build_source: Option<String>,
            published: Option<String>,
            topology: Option<String>,
            observed_at: Option<String>,
            mission_impact: Option<String>,
        }
        let fields = Fields::deserialize(deserializer)?;
        let wrong = |key: &str, text: &str| {
            yaml::error(&Said::new(
                format!("{key}: {text:?} is not understood"),
                format!("{key} : {text:?} n’est pas compris"),
            ))
        };
        if let Some(text) = fields.build_source.as_deref()
            && words::build_source(text).is_none()
        {
            return Err(wrong("build_source", text));
        }
        if let Some(text) = fields.published.as_deref()
            && words::yes_or_no(text).is_none()
        {
            return Err(wrong("published", text));
        }
        if let Some(text) = fields.topology.as_deref()
            && words::topology(text).is_none()
        {
            return Err(wrong("topology", text));
        }
        if let Some(text) = fields.mission_impact.as_deref()
            && words::mission_impact(text).is_none()
        {
            return Err(wrong("mission_impact", text));
        }
        let all = [
            (Column::Tenant, fields.tenant),
            (Column::Product, fields.product),
            (Column::BuildSource, fields.build_source),
            (Column::Published, fields.published),
            (Column::Topology, fields.topology),
            (Column::ObservedAt, fields.observed_at),
            (Column::MissionImpact, fields.mission_impact),
        ];
        let given = all.into_iter().filter_map(|(column, text)| Some((column, text?)));
        Ok(Values(given.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_have_patterns() {
        let word = |file: &str| SourceWord {
            origin: String::new(),
            file: file.to_owned(),
            tenant: None,
            scanned_from: None,
        };
        for (pattern, file, expected) in [
            ("scan.xml", "/case/client/scan.xml", true),
            ("scan.xml", "C:\\case\\scan.xml", true),
            ("scan-*.xml", "case/scan-client.xml", true),
            ("client/*.xml", "/case/client/a.xml", true),
            ("client/*.xml", "/case/other/a.xml", false),
            ("scan.xml", "/case/myscan.xml", false),
            ("*", "anything", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXc", false),
        ] {
            assert_eq!(word(pattern).is_about(file), expected, "{pattern} {file}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_in_both_languages() {
        let wrong = |text: &str| Mappings::read("m.yaml", text).unwrap_err();
        for (text, en, fr) in [
            (
                "tables:\n- columns:\n    Kiste: box\n",
                "m.yaml:3: ",
                "n’est pas une colonne",
            ),
            (
                "tables:\n- columns:\n    Kiste: server\n    kiste: fqdn\n",
                "twice",
                "deux fois",
            ),
            ("tables:\n- columns: {}\n", "there is no header", "pas d’en-tête"),
            ("tabels: []\n", "m.yaml:1: unknown field `tabels`", "tabels"),
            (
                "sources:\n- file: a.xml\n  scanned_from: moon\n",
                "write outside or inside",
                "écrire outside ou inside",
            ),
            (
                "tables:\n- columns: {a: server}\n- columns: {A: fqdn}\n",
                "m.yaml:3: the table of m.yaml:2 has the same headers",
                "les mêmes en-têtes",
            ),
            (
                "tables:\n- columns: {a: server}\n  values: {published: perhaps}\n",
                "published: \"perhaps\" is not understood",
                "n’est pas compris",
            ),
        ] {
            let error = wrong(text);
            assert!(error.to_string().contains(en), "{text}: {error}");
            assert!(error.said().fr.contains(fr), "{text}: {}", error.said().fr);
            assert!(!error.to_string().contains('\u{1f}') && !error.said().fr.contains('\u{1f}'));
        }
    }
}

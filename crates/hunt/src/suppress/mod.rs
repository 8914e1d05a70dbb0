//! Suppressions, the *benign catalogue*: what was looked at once, found harmless, and is not to be told again, by whom
//! and until when.
//!
//! Events that an entry takes are counted apart, never dropped: the answer lists every entry with what it hid. Which
//! machine an event belongs to is known only when everything has been read, so events are set aside by the entries that
//! might take them, and settled at the end.

mod entry;
mod file;
mod settle;

use std::collections::BTreeMap;

use vigie_detect::sigma::{Placeholders, RuleSet, RuleSource};
use vigie_event::{BatchBuilder, EventBatch, EventType, RowRef, Source, Timestamp};

pub use entry::Suppression;
pub use file::{RefusedSuppression, SuppressionFile};
pub(crate) use settle::settle;

use crate::detector::Detector;
use vigie_evidence::message::{Code, Message};

/// Entries read from files, checked.
#[derive(Debug)]
pub struct Suppressions {
    /// The entries that are sound, in the order they were read.
    pub entries: Vec<Suppression>,
    /// Those that are not.
    pub refused: Vec<RefusedSuppression>,
    /// By entry: the rule of `fields` that is its field values; `None` when it names none.
    programs: Vec<Option<u32>>,
    fields: RuleSet,
}

impl Suppressions {
    /// Reads files of suppressions. An entry that is not sound is refused, the others load.
    pub fn read(files: &[SuppressionFile], placeholders: &Placeholders) -> Suppressions {
        let mut refused = Vec::new();
        let mut read = Vec::new();
        for file in files {
            read.extend(file::entries(file, &mut refused));
        }
        let sources: Vec<RuleSource> = read
            .iter()
            .enumerate()
            .filter_map(|(index, entry)| {
                Some(RuleSource {
                    path: index.to_string(),
                    text: entry.detection.clone()?,
                    pack: None,
                })
            })
            .collect();
        let loaded = RuleSet::compile_with(&sources, placeholders);
        let broken: BTreeMap<&str, &str> = loaded
            .refused
            .iter()
            .map(|refused| (refused.path.as_str(), refused.why.as_str()))
            .collect();
        let program_of = |index: usize| {
            let path = index.to_string();
            let at = loaded.rules.rules().iter().position(|rule| rule.path == path);
            at.map(|at| at as u32)
        };
        let (mut entries, mut programs) = (Vec::new(), Vec::new());
        for (index, read) in read.into_iter().enumerate() {
            match broken.get(index.to_string().as_str()) {
                Some(why) => refused.push(RefusedSuppression {
                    path: read.entry.path,
                    line: Some(read.fields_line),
                    why: Message::new(Code::FieldsUnusable, [("cause", (*why).into())]),
                }),
                None => {
                    entries.push(read.entry);
                    programs.push(program_of(index));
                }
            }
        }
        Suppressions {
            entries,
            refused,
            programs,
            fields: loaded.rules,
        }
    }
}

/// Suppressions at work, at one moment.
#[derive(Debug)]
pub(crate) struct Suppressor {
    pub(crate) known: Suppressions,
    now: Timestamp,
}

impl Suppressor {
    pub(crate) fn new(known: Suppressions, now: Timestamp) -> Suppressor {
        Suppressor { known, now }
    }

    pub(crate) fn is_expired(&self, entry: &Suppression) -> bool {
        entry.ends <= self.now
    }

    /// The entries in force that are about a detector.
    pub(crate) fn about(&self, detector: &Detector) -> Vec<u32> {
        let entries = self.known.entries.iter().enumerate();
        entries
            .filter(|(_, entry)| !self.is_expired(entry) && entry.names(detector))
            .map(|(index, _)| index as u32)
            .collect()
    }

    /// Of these entries, those whose field values an event has.
    pub(crate) fn fitting(&self, about: &[u32], row: RowRef<'_>) -> Vec<u32> {
        about
            .iter()
            .copied()
            .filter(|&entry| match self.known.programs.get(entry as usize) {
                Some(Some(program)) => self.known.fields.holds(*program, row),
                _ => true,
            })
            .collect()
    }

    /// The same for what is not an event of a log: a file's content, a correlation's group.
    pub(crate) fn fitting_fields(&self, about: &[u32], fields: &BTreeMap<String, String>) -> Vec<u32> {
        if about.is_empty() {
            return Vec::new();
        }
        // What cannot be looked at stays in the answer.
        row_of(Source::FileInventory.id(), fields)
            .map_or_else(Vec::new, |batch| self.fitting(about, batch.row(0)))
    }
}

impl Suppressions {
    /// Whether an event that was kept has the field values an entry asks for. `source` is where it came from, as findings say
    /// it ([`crate::Finding::sources`]): names of fields mean what they mean in that source's tables.
    pub fn holds(&self, entry: usize, source: &str, fields: &BTreeMap<String, String>) -> bool {
        let Some(program) = self.programs.get(entry) else {
            return false;
        };
        let Some(program) = program else {
            return true;
        };
        row_of(source, fields).is_some_and(|batch| self.fields.holds(*program, batch.row(0)))
    }
}

/// A batch of one row out of the fields of an event that was kept. `None`: it cannot be looked at.
fn row_of(source: &str, fields: &BTreeMap<String, String>) -> Option<EventBatch> {
    let (name, within) = source.split_once('/').unwrap_or((source, ""));
    // What is not an event of a log was looked at as a file.
    let table = Source::from_id(name).unwrap_or(Source::FileInventory);
    let mut builder = BatchBuilder::new(table);
    match table {
        Source::WindowsEvent => {
            let text = |name: &str| fields.get(name).map_or("", String::as_str);
            if within == "Security" {
                builder = builder.table("SecurityEvent");
            }
            builder = builder.event_type(EventType {
                channel: within.into(),
                provider: text("Provider_Name").into(),
                event_id: text("EventID").parse().unwrap_or_default(),
            });
        }
        Source::AdvancedHunting => builder = builder.table(within.to_owned()),
        _ => {}
    }
    builder.begin_row(None, 0, 0);
    for (name, value) in fields {
        let column = builder.column(name);
        builder.set(column, value);
    }
    builder.end_row();
    builder.finish().ok()
}

/// Further ahead than this is no expiry.
const LONGEST: i64 = 2 * 366 * vigie_event::MICROS_PER_DAY;

impl Suppressor {
    /// What the reader must know before anything was read.
    pub(crate) fn warnings(&self) -> Vec<Message> {
        let refused = self.known.refused.iter();
        let mut warnings: Vec<Message> = refused.map(RefusedSuppression::message).collect();
        warnings.extend(self.known.warnings(self.now));
        warnings
    }
}

impl Suppressions {
    /// What is odd about entries that load all the same: expired at this instant (UTC), or nearly for ever.
    pub fn warnings(&self, now: Timestamp) -> Vec<Message> {
        let entries = self.entries.iter();
        entries
            .filter_map(|entry| {
                let code = if entry.ends <= now {
                    Code::SuppressionExpired
                } else if entry.ends.saturating_sub(now) > LONGEST {
                    Code::SuppressionTooLong
                } else {
                    return None;
                };
                let parameters = [
                    ("path", entry.place().into()),
                    ("rule", (&entry.rule).into()),
                    ("until", entry.expires.to_string().into()),
                ];
                Some(Message::new(code, parameters))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_was_kept_is_judged_in_the_tables_of_its_source() {
        let text = "[{rule: r, fields: {\"Image|endswith\": '\\cmd.exe'}, reason: our own, author: sam, expires: 2099-01-01}, \
                    {rule: r, reason: our own, author: sam, expires: 2099-01-01}]";
        let file = SuppressionFile {
            path: "catalogue".into(),
            text: text.into(),
        };
        let read = Suppressions::read(&[file], &Placeholders::default());
        assert_eq!(read.refused, []);
        let named =
            |name: &str| BTreeMap::from([(name.to_owned(), r"C:\Windows\System32\cmd.exe".to_owned())]);
        let security = named("NewProcessName");
        assert!(read.holds(0, "windows_event/Security", &security));
        assert!(
            !read.holds(0, "iis", &security),
            "there the field has no such name"
        );
        assert!(read.holds(0, "advanced_hunting/DeviceProcessEvents", &named("FolderPath")));
        assert!(!read.holds(0, "windows_event/Security", &BTreeMap::new()));
        assert!(read.holds(1, "iis", &BTreeMap::new()), "it asks for nothing");
        assert!(!read.holds(2, "iis", &security), "there is no such entry");
    }
}

//! Field names of one file as small numbers, so that the hot path compares and indexes integers instead of text.

use std::collections::HashMap;

use foldhash::fast::RandomState;

/// A field name of one file, as spelled. Spellings that differ only in ASCII case have one [`Fields::canonical`]
/// field, as they are one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FieldId(u32);

impl FieldId {
    /// Where the field stands in a table indexed by field.
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// How many different names one file may have; the values of all further ones share the column `_More`.
const MAX_FIELDS: usize = 8_192;

/// Bytes of a name; the values of longer ones share that column too.
const MAX_NAME_BYTES: usize = 1_024;

/// Names of the columns every batch begins with, in lower case.
const FIXED_COLUMNS: [&str; 3] = ["timegenerated", "_record", "_offset"];

macro_rules! known_fields {
    ($($(#[$doc:meta])* $constant:ident = $name:literal),+ $(,)?) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum Known { $($constant),+ }
        impl FieldId {
            $($(#[$doc])* pub(super) const $constant: FieldId = FieldId(Known::$constant as u32);)+
        }
        const KNOWN: &[&str] = &[$($name),+];
    };
}

known_fields! {
    // The columns of the System section come first: `FieldId::system` counts on it.
    CHANNEL = "Channel",
    PROVIDER_NAME = "Provider_Name",
    EVENT_ID = "EventID",
    COMPUTER = "Computer",
    LEVEL = "Level",
    OPCODE = "Opcode",
    TASK = "Task",
    KEYWORDS = "Keywords",
    EXECUTION_PROCESS = "Execution_ProcessID",
    EXECUTION_THREAD = "Execution_ThreadID",
    USER_ID = "UserID",
    EVENT_RECORD_ID = "EventRecordID",
    VERSION = "Version",
    PROVIDER_GUID = "Provider_Guid",
    EVENT_SOURCE_NAME = "EventSourceName",
    QUALIFIERS = "Qualifiers",
    CORRELATION_ACTIVITY = "Correlation_ActivityID",
    CORRELATION_RELATED = "Correlation_RelatedActivityID",
    // Where the values of names beyond the cap go.
    MORE = "_More",
    // Element and attribute names with a meaning.
    DATA = "Data",
    NAME = "Name",
    GUID = "Guid",
    SYSTEM = "System",
    RENDERING_INFO = "RenderingInfo",
    MESSAGE = "Message",
    PROVIDER = "Provider",
    TIME_CREATED = "TimeCreated",
    SYSTEM_TIME = "SystemTime",
    CORRELATION = "Correlation",
    ACTIVITY_ID = "ActivityID",
    RELATED_ACTIVITY_ID = "RelatedActivityID",
    EXECUTION = "Execution",
    PROCESS_ID = "ProcessID",
    THREAD_ID = "ThreadID",
    SECURITY = "Security",
    XMLNS = "xmlns",
}

/// How many fields the System section has.
pub(super) const SYSTEM_FIELDS: usize = FieldId::MORE.0 as usize;

impl FieldId {
    /// The position among the system fields, for a name that is one.
    pub(super) fn system(self) -> Option<usize> {
        (self.index() < SYSTEM_FIELDS).then_some(self.index())
    }

    /// All system fields, in column order.
    pub(super) fn system_fields() -> impl Iterator<Item = FieldId> {
        (0..FieldId::MORE.0).map(FieldId)
    }

    /// The system field an attribute of a child of `System` stands for: `Provider/@Name` and the like.
    pub(super) fn of_system_attribute(element: FieldId, attribute: FieldId) -> Option<FieldId> {
        Some(match (element, attribute) {
            (FieldId::PROVIDER, FieldId::NAME) => FieldId::PROVIDER_NAME,
            (FieldId::PROVIDER, FieldId::GUID) => FieldId::PROVIDER_GUID,
            (FieldId::PROVIDER, FieldId::EVENT_SOURCE_NAME) => FieldId::EVENT_SOURCE_NAME,
            (FieldId::EVENT_ID, FieldId::QUALIFIERS) => FieldId::QUALIFIERS,
            (FieldId::CORRELATION, FieldId::ACTIVITY_ID) => FieldId::CORRELATION_ACTIVITY,
            (FieldId::CORRELATION, FieldId::RELATED_ACTIVITY_ID) => FieldId::CORRELATION_RELATED,
            (FieldId::EXECUTION, FieldId::PROCESS_ID) => FieldId::EXECUTION_PROCESS,
            (FieldId::EXECUTION, FieldId::THREAD_ID) => FieldId::EXECUTION_THREAD,
            (FieldId::SECURITY, FieldId::USER_ID) => FieldId::USER_ID,
            _ => return None,
        })
    }
}

/// All field names seen in one file.
#[derive(Debug)]
pub(super) struct Fields {
    names: Vec<String>,
    /// By field: the first spelling of its name.
    canonical: Vec<FieldId>,
    by_name: HashMap<String, FieldId, RandomState>,
    by_lower_name: HashMap<String, FieldId, RandomState>,
    /// `System_<name>` for each system field, where the event's own data took the bare name.
    prefixed: [Option<FieldId>; SYSTEM_FIELDS],
    numbered: HashMap<(FieldId, u32), FieldId, RandomState>,
    refused: u64,
}

impl Fields {
    pub(super) fn new() -> Fields {
        let mut fields = Fields {
            names: Vec::new(),
            canonical: Vec::new(),
            by_lower_name: HashMap::default(),
            by_name: HashMap::default(),
            prefixed: [None; SYSTEM_FIELDS],
            numbered: HashMap::default(),
            refused: 0,
        };
        for name in KNOWN {
            fields.intern(name);
        }
        fields
    }

    /// The number of this name, given out if it is new.
    pub(super) fn intern(&mut self, name: &str) -> FieldId {
        if let Some(&id) = self.by_name.get(name) {
            return id;
        }
        if name.len() > MAX_NAME_BYTES {
            self.refused += 1;
            return FieldId::MORE;
        }
        let lower = name.to_ascii_lowercase();
        if FIXED_COLUMNS.contains(&lower.as_str()) {
            // Every batch has a column of this name already.
            return self.intern(&format!("EventData_{name}"));
        }
        if self.names.len() >= MAX_FIELDS {
            if let Some(&id) = self.by_lower_name.get(&lower) {
                return id;
            }
            self.refused += 1;
            return FieldId::MORE;
        }
        let id = FieldId(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        self.names.push(name.to_owned());
        self.by_name.insert(name.to_owned(), id);
        self.canonical
            .push(*self.by_lower_name.entry(lower).or_insert(id));
        id
    }

    /// The first spelling of the same name.
    pub(super) fn canonical(&self, field: FieldId) -> FieldId {
        self.canonical.get(field.index()).copied().unwrap_or(field)
    }

    /// `<name>_<number>`, the column of a name that repeats in one event.
    pub(super) fn numbered(&mut self, field: FieldId, number: u32) -> FieldId {
        if let Some(&id) = self.numbered.get(&(field, number)) {
            return id;
        }
        let name = format!("{}_{number}", self.name(field));
        let id = self.intern(&name);
        if self.numbered.len() < MAX_FIELDS {
            self.numbered.insert((field, number), id);
        }
        id
    }

    /// Whether the name is `Data` or may be one of the names that unnamed values get.
    pub(super) fn is_like_data(&self, field: FieldId) -> bool {
        let name = self.name(field).as_bytes();
        let is_data = name
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"data"));
        is_data && matches!(name.get(4), None | Some(b'_'))
    }

    /// `<element>_<attribute>`, the column of an attribute without a name of its own.
    pub(super) fn joined(&mut self, element: FieldId, attribute: FieldId) -> FieldId {
        let name = format!("{}_{}", self.name(element), self.name(attribute));
        self.intern(&name)
    }

    /// `System_<name>` for a system field.
    pub(super) fn prefixed(&mut self, field: FieldId) -> FieldId {
        if let Some(Some(id)) = self.prefixed.get(field.index()) {
            return *id;
        }
        let id = self.intern(&format!("System_{}", self.name(field)));
        if let Some(slot) = self.prefixed.get_mut(field.index()) {
            *slot = Some(id);
        }
        id
    }

    /// The name as spelled.
    pub(super) fn name(&self, field: FieldId) -> &str {
        self.names.get(field.index()).map_or("_More", String::as_str)
    }

    /// How often a name came too late to get a column of its own, since this was asked last.
    pub(super) fn take_refused(&mut self) -> u64 {
        std::mem::take(&mut self.refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_kept_apart_but_known_as_one_name() {
        let mut fields = Fields::new();
        let first = fields.intern("TargetUserName");
        let second = fields.intern("targetusername");
        assert_eq!(fields.intern("TargetUserName"), first);
        assert_eq!(
            (fields.name(first), fields.name(second)),
            ("TargetUserName", "targetusername")
        );
        assert_eq!(fields.canonical(second), first);
        let channel = fields.intern("channel");
        assert_eq!(fields.canonical(channel), FieldId::CHANNEL);
        assert_eq!(FieldId::CORRELATION_RELATED.system(), Some(SYSTEM_FIELDS - 1));
        assert_eq!(FieldId::MORE.system(), None);
    }

    #[test]
    fn no_field_takes_the_name_of_a_fixed_column() {
        let mut fields = Fields::new();
        let field = fields.intern("TimeGenerated");
        assert_eq!(fields.name(field), "EventData_TimeGenerated");
    }

    #[test]
    fn names_without_end_share_one_column() {
        let mut fields = Fields::new();
        for number in 0..2 * MAX_FIELDS {
            fields.intern(&format!("Name{number}"));
        }
        assert_eq!(fields.intern("OneMore"), FieldId::MORE);
        assert_eq!(
            Fields::new().intern(&"n".repeat(MAX_NAME_BYTES + 1)),
            FieldId::MORE
        );
        assert!(fields.take_refused() > 0);
        assert_eq!(fields.names.len(), MAX_FIELDS);
    }
}

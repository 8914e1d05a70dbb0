//! Which field of the rows each path of the objects is, looked up once for each path.

use super::flat::Flat;
use super::paths::PathId;
use crate::windows::fields::{FieldId, Fields};

/// The fields of the event's own data, by path.
#[derive(Debug, Default)]
pub(super) struct OwnFields {
    by_path: Vec<Option<FieldId>>,
    age: u64,
}

impl OwnFields {
    /// To be called before the paths of an object are looked up.
    pub(super) fn start(&mut self, flat: &Flat) {
        if self.age != flat.age() {
            self.by_path.clear();
            self.age = flat.age();
        }
    }

    pub(super) fn field(&mut self, path: PathId, name: &str, fields: &mut Fields) -> FieldId {
        if let Some(Some(field)) = self.by_path.get(path.index()) {
            return *field;
        }
        let field = fields.intern(name);
        // What has no name of its own is counted each time.
        if field != FieldId::MORE {
            if self.by_path.len() <= path.index() {
                self.by_path.resize(path.index() + 1, None);
            }
            if let Some(slot) = self.by_path.get_mut(path.index()) {
                *slot = Some(field);
            }
        }
        field
    }
}

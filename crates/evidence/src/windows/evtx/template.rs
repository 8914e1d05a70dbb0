//! BinXML structure compiled once per chunk: a template definition (or a stream of plain elements) becomes a flat
//! list of steps that a record's values are run through.
//!
//! Token numbers and layouts: MS-EVEN6 section 2.2.12. Names are offsets into the chunk's string table.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::cursor::{Cursor, Damage};
use super::value::{Value, kind};
use crate::windows::fields::{FieldId, Fields};

/// Steps one stream may compile to; real templates have some hundred.
const MAX_STEPS: usize = 16_384;
/// The DependencyId of an element that depends on nothing.
const NO_DEPENDENCY: u16 = 0xffff;

/// What stands before a definition's size: the place of another definition, and an identifier.
pub(super) const DEFINITION_HEADER_BYTES: usize = 20;

/// What to do next. `end` is the index of the step after the element or attribute.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Open {
        name: FieldId,
        /// Left out when this value is null.
        depends: Option<u16>,
        end: u32,
    },
    Attribute {
        name: FieldId,
        end: u32,
    },
    /// `Name="..."` with a literal value, resolved to the column it names.
    DataName {
        field: FieldId,
    },
    Close,
    /// A literal.
    Value(Value),
    Slot {
        id: u16,
        optional: bool,
    },
    Char(char),
    /// A template instance whose body starts here.
    Instance {
        at: u32,
    },
}

/// A definition or elements, compiled.
#[derive(Debug, Default)]
pub(super) struct Compiled {
    pub(super) steps: Vec<Step>,
    /// References to names: where each is, and to what place.
    pub(super) names: Vec<(usize, u32)>,
    /// How far it was read.
    pub(super) read_to: usize,
    /// How far it goes by its own account.
    pub(super) end: usize,
}

/// The names of one chunk, read once.
pub(super) struct Names {
    by_offset: HashMap<u32, FieldId, RandomState>,
    text: String,
}

impl Names {
    pub(super) fn new() -> Names {
        Names {
            by_offset: HashMap::default(),
            text: String::new(),
        }
    }

    /// Forgets the names of the chunk before.
    pub(super) fn clear(&mut self) {
        self.by_offset.clear();
    }

    fn at(&mut self, chunk: &[u8], offset: u32, fields: &mut Fields) -> Result<FieldId, Damage> {
        if let Some(&field) = self.by_offset.get(&offset) {
            return Ok(field);
        }
        // The entry starts with the next entry's offset and a hash.
        let mut cursor = Cursor::new(chunk, (offset as usize).saturating_add(6));
        let len = cursor.u16("a name's length")?;
        let bytes = cursor.take(usize::from(len) * 2, "a name")?;
        let field = self.field(bytes, fields);
        self.by_offset.insert(offset, field);
        Ok(field)
    }

    fn field(&mut self, utf16: &[u8], fields: &mut Fields) -> FieldId {
        self.text.clear();
        super::value::write_utf16(utf16, &mut self.text);
        fields.intern(&self.text)
    }
}

/// Reads a name reference and steps over the name when it is stored right behind it.
fn name_reference(cursor: &mut Cursor<'_>) -> Result<u32, Damage> {
    let offset = cursor.u32("a name's offset")?;
    if cursor.pos() == offset as usize {
        cursor.take(6, "a name's link")?;
        let len = cursor.u16("a name's length")?;
        cursor.take(usize::from(len) * 2 + 2, "a name")?;
    }
    Ok(offset)
}

/// Steps over the body of a template instance up to its values, and says where the definition is.
pub(super) fn instance_definition(cursor: &mut Cursor<'_>) -> Result<u32, Damage> {
    cursor.u8("a template instance")?;
    cursor.u32("a template identifier")?;
    let definition = cursor.u32("a template offset")?;
    if cursor.pos() == definition as usize {
        cursor.take(DEFINITION_HEADER_BYTES, "a template header")?;
        let size = cursor.u32("a template size")?;
        cursor.take(size as usize, "a template definition")?;
    }
    Ok(definition)
}

/// Compiles the definition at an offset of the chunk.
pub(super) fn compile_definition(
    chunk: &[u8],
    offset: u32,
    names: &mut Names,
    fields: &mut Fields,
) -> Result<Compiled, Damage> {
    let mut header = Cursor::new(chunk, (offset as usize).saturating_add(DEFINITION_HEADER_BYTES));
    let size = header.u32("a template size")?;
    let start = header.pos();
    Compiler::new(chunk, names, fields).run(start, start.saturating_add(size as usize), true)
}

/// Compiles elements that stand in a record directly.
pub(super) fn compile_elements(
    chunk: &[u8],
    range: std::ops::Range<usize>,
    names: &mut Names,
    fields: &mut Fields,
) -> Result<Compiled, Damage> {
    Compiler::new(chunk, names, fields).run(range.start, range.end, false)
}

struct Compiler<'a> {
    chunk: &'a [u8],
    names: &'a mut Names,
    fields: &'a mut Fields,
    steps: Vec<Step>,
    references: Vec<(usize, u32)>,
    open: Vec<usize>,
    attribute: Option<usize>,
}

impl<'a> Compiler<'a> {
    fn new(chunk: &'a [u8], names: &'a mut Names, fields: &'a mut Fields) -> Compiler<'a> {
        Compiler {
            chunk,
            names,
            fields,
            steps: Vec::new(),
            references: Vec::new(),
            open: Vec::new(),
            attribute: None,
        }
    }

    fn run(mut self, start: usize, end: usize, is_definition: bool) -> Result<Compiled, Damage> {
        let mut cursor = Cursor::new(self.chunk, start);
        while cursor.pos() < end {
            let token = cursor.u8("a token")?;
            if token == 0 {
                break;
            }
            self.token(token, &mut cursor, is_definition)?;
            if self.steps.len() > MAX_STEPS {
                return Err(cursor.damage("too many elements"));
            }
        }
        self.end_attribute();
        while self.open.last().is_some() {
            self.close();
        }
        Ok(Compiled {
            steps: self.steps,
            names: self.references,
            read_to: cursor.pos(),
            end,
        })
    }

    fn token(&mut self, token: u8, cursor: &mut Cursor<'a>, is_definition: bool) -> Result<(), Damage> {
        match token {
            0x01 | 0x41 => self.open(token & 0x40 != 0, cursor, is_definition)?,
            0x02 => self.end_attribute(),
            0x03 => {
                self.end_attribute();
                self.close();
            }
            0x04 => self.close(),
            0x05 | 0x45 => self.value(cursor)?,
            0x06 | 0x46 => {
                self.end_attribute();
                let name = self.name(cursor)?;
                self.attribute = Some(self.steps.len());
                self.steps.push(Step::Attribute { name, end: 0 });
            }
            0x07 | 0x47 => {
                let len = usize::from(cursor.u16("a CDATA length")?) * 2;
                self.literal(kind::STRING, len, cursor)?;
            }
            0x08 | 0x48 => {
                let code = u32::from(cursor.u16("a character reference")?);
                self.steps.push(Step::Char(
                    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
                ));
            }
            0x09 | 0x49 => {
                let name = self.name(cursor)?;
                self.entity(name);
            }
            // Processing instructions carry no data of the event.
            0x0a => {
                self.name(cursor)?;
            }
            0x0b => {
                let len = usize::from(cursor.u16("a processing instruction")?) * 2;
                cursor.take(len, "a processing instruction")?;
            }
            0x0c => {
                let at = u32::try_from(cursor.pos()).unwrap_or(u32::MAX);
                self.steps.push(Step::Instance { at });
                instance_definition(cursor)?;
                skip_values(cursor)?;
            }
            0x0d | 0x0e => {
                let id = cursor.u16("a substitution")?;
                cursor.u8("a substitution's type")?;
                let optional = token == 0x0e;
                self.steps.push(Step::Slot { id, optional });
            }
            0x0f => {
                cursor.take(3, "a fragment header")?;
            }
            _ => return Err(cursor.damage("an unknown token")),
        }
        Ok(())
    }

    fn open(
        &mut self,
        has_attributes: bool,
        cursor: &mut Cursor<'a>,
        is_definition: bool,
    ) -> Result<(), Damage> {
        let depends = if is_definition {
            Some(cursor.u16("an element's dependency")?).filter(|id| *id != NO_DEPENDENCY)
        } else {
            None
        };
        cursor.u32("an element's size")?;
        let name = self.name(cursor)?;
        if has_attributes {
            cursor.u32("an attribute list's size")?;
        }
        self.open.push(self.steps.len());
        self.steps.push(Step::Open {
            name,
            depends,
            end: 0,
        });
        Ok(())
    }

    fn name(&mut self, cursor: &mut Cursor<'_>) -> Result<FieldId, Damage> {
        let at = cursor.pos();
        let offset = name_reference(cursor)?;
        self.references.push((at, offset));
        self.names.at(self.chunk, offset, self.fields)
    }

    fn value(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Damage> {
        let kind = cursor.u8("a value's type")?;
        let len = match kind {
            kind::STRING => usize::from(cursor.u16("a text's length")?) * 2,
            kind::BINXML => usize::from(cursor.u16("a fragment's length")?),
            kind::NULL => 0,
            0x03 | 0x04 => 1,
            0x05 | 0x06 => 2,
            0x07 | 0x08 | 0x0b | 0x0d | 0x14 => 4,
            0x09 | 0x0a | 0x0c | 0x11 | 0x15 => 8,
            0x0f | 0x12 => 16,
            _ => return Err(cursor.damage("a literal of a type that has no length")),
        };
        self.literal(kind, len, cursor)
    }

    fn literal(&mut self, kind: u8, len: usize, cursor: &mut Cursor<'a>) -> Result<(), Damage> {
        let start = u32::try_from(cursor.pos()).unwrap_or(u32::MAX);
        cursor.take(len, "a literal")?;
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        self.steps.push(Step::Value(Value { kind, start, len }));
        Ok(())
    }

    fn entity(&mut self, name: FieldId) {
        let character = match self.fields.name(name).to_ascii_lowercase().as_str() {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => char::REPLACEMENT_CHARACTER,
        };
        self.steps.push(Step::Char(character));
    }

    fn here(&self) -> u32 {
        u32::try_from(self.steps.len()).unwrap_or(u32::MAX)
    }

    fn end_attribute(&mut self) {
        let Some(index) = self.attribute.take() else {
            return;
        };
        if let Some(field) = self.literal_data_name(index) {
            self.steps.truncate(index);
            self.steps.push(Step::DataName { field });
            return;
        }
        let here = self.here();
        if let Some(Step::Attribute { end, .. }) = self.steps.get_mut(index) {
            *end = here;
        }
    }

    /// The column named by the attribute at `index`, when it is the literal `Name` of a `Data` element.
    fn literal_data_name(&mut self, index: usize) -> Option<FieldId> {
        let element = self.steps.get(*self.open.last()?)?;
        if !matches!(element, Step::Open { name, .. } if *name == FieldId::DATA) {
            return None;
        }
        match self.steps.get(index..)? {
            [
                Step::Attribute {
                    name: FieldId::NAME, ..
                },
                Step::Value(value),
            ] if value.kind == kind::STRING && value.len > 0 => {
                let bytes = value.bytes(self.chunk);
                Some(self.names.field(bytes, self.fields))
            }
            _ => None,
        }
    }

    fn close(&mut self) {
        let Some(index) = self.open.pop() else {
            return;
        };
        self.steps.push(Step::Close);
        let here = self.here();
        if let Some(Step::Open { end, .. }) = self.steps.get_mut(index) {
            *end = here;
        }
    }
}

/// Steps over the values of a template instance.
fn skip_values(cursor: &mut Cursor<'_>) -> Result<(), Damage> {
    let count = cursor.u32("a value count")?;
    let mut total = 0usize;
    for _ in 0..count {
        total += usize::from(cursor.u16("a value's size")?);
        cursor.take(2, "a value's type")?;
    }
    cursor.take(total, "values").map(|_| ())
}

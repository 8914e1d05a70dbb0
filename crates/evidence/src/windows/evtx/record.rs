//! One record's BinXML run into a row, without a tree in between.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use foldhash::fast::RandomState;

use super::cursor::{Cursor, Damage};
use super::known::Known;
use super::plan::{Plan, Root};
use super::planned::Routes;
use super::template::{Compiled, Names, Step, compile_definition, compile_elements, instance_definition};
use super::value::{self, Value, kind};
use crate::windows::fields::{FieldId, Fields};
use crate::windows::row::Row;

/// How deep template instances may be nested in values.
const MAX_NESTING: u32 = 16;
/// How deep elements may be nested.
const MAX_DEPTH: usize = 256;
/// Steps one record may take: nested values could otherwise multiply without end.
const MAX_RECORD_STEPS: u32 = 1 << 18;

/// Steps and bytes of text all records of one chunk may take together. Real chunks take a hundredth of that.
const MAX_CHUNK_STEPS: u32 = 1 << 22;
pub(super) const MAX_CHUNK_TEXT: usize = 32 << 20;
/// What a definition that cannot be compiled is charged for: as many as it may have been read.
const STEPS_OF_A_FAILURE: usize = 4_096;
const TOO_MUCH_FOR_A_CHUNK: Damage = Damage {
    what: "more values than one chunk may have",
    at: 0,
};

/// What stays the same over the records of one file, or of one chunk.
pub(super) struct Reader {
    names: Names,
    /// By where the template is; what is wrong with those that cannot be compiled.
    templates: HashMap<u32, Result<Rc<Compiled>, Damage>, RandomState>,
    /// By where the template is; none for those that must be run step by step.
    plans: HashMap<(u32, Root), Option<Rc<Plan>>, RandomState>,
    /// Templates of the chunks before.
    known: Known,
    /// Definitions the chunk was charged for.
    charged: HashSet<u32, RandomState>,
    pub(super) values: Vec<Value>,
    frames: Vec<Frame>,
    chunk_steps: u32,
    pub(super) chunk_text: usize,
    /// What tells the kind of the record being read, as it stands in the chunk.
    pub(super) key: Vec<u8>,
    pub(super) routes: Routes,
    /// How many plans were made.
    shapes: u64,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    kind: Place,
    field: FieldId,
    /// Where its text begins in the row.
    mark: usize,
    /// Whether it had any value, be it an empty one.
    has_text: bool,
    /// Whether its value was already named: the items of an array.
    is_done: bool,
}

/// Where in the event an element stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Event,
    System,
    SystemChild,
    RenderingInfo,
    /// `EventData`, `UserData` and whatever else stands beside them.
    Container,
    UnnamedData,
    NamedData,
    /// Any other element whose text is a value of its own.
    Leaf,
}

impl Reader {
    pub(super) fn new() -> Reader {
        Reader {
            names: Names::new(),
            templates: HashMap::default(),
            plans: HashMap::default(),
            known: Known::default(),
            charged: HashSet::default(),
            values: Vec::new(),
            frames: Vec::new(),
            chunk_steps: 0,
            chunk_text: 0,
            key: Vec::new(),
            routes: Routes::default(),
            shapes: 0,
        }
    }

    /// Forgets what belongs to the chunk before.
    pub(super) fn start_chunk(&mut self) {
        self.names.clear();
        self.templates.clear();
        self.plans.clear();
        self.charged.clear();
        self.chunk_steps = 0;
        self.chunk_text = 0;
    }

    /// Reads the BinXML of one record into the row.
    pub(super) fn read(
        &mut self,
        chunk: &[u8],
        range: std::ops::Range<usize>,
        row: &mut Row,
        fields: &mut Fields,
    ) -> Result<(), Damage> {
        self.values.clear();
        self.frames.clear();
        let mut run = Run {
            reader: self,
            chunk,
            row,
            fields,
            nesting: 0,
            steps: 0,
        };
        let result = run.stream(range);
        self.chunk_text += row.mark();
        result
    }

    /// Reads where the values of an instance are. The table of sizes and types comes before them.
    pub(super) fn read_values(&mut self, cursor: &mut Cursor<'_>) -> Result<usize, Damage> {
        let count = cursor.u32("a value count")? as usize;
        let table = cursor.take(count.saturating_mul(4), "a value table")?;
        self.values.reserve(count);
        for &[low, high, kind, _] in table.as_chunks::<4>().0 {
            let len = u16::from_le_bytes([low, high]);
            let start = u32::try_from(cursor.pos()).unwrap_or(u32::MAX);
            cursor.take(usize::from(len), "a value")?;
            let len = u32::from(len);
            self.values.push(Value { kind, start, len });
        }
        Ok(count)
    }

    fn template(
        &mut self,
        chunk: &[u8],
        definition: u32,
        fields: &mut Fields,
    ) -> Result<Rc<Compiled>, Damage> {
        if let Some(template) = self.templates.get(&definition) {
            return template.clone();
        }
        if self.chunk_steps > MAX_CHUNK_STEPS {
            return Err(TOO_MUCH_FOR_A_CHUNK);
        }
        let template = compile_definition(chunk, definition, &mut self.names, fields).map(Rc::new);
        let steps = match &template {
            Ok(template) => template.steps.len(),
            Err(_) => STEPS_OF_A_FAILURE,
        };
        self.charge_for(definition, steps);
        self.templates.insert(definition, template.clone());
        template
    }

    /// The plan of a template, if it can be planned.
    pub(super) fn plan(
        &mut self,
        chunk: &[u8],
        definition: u32,
        root: Root,
        fields: &mut Fields,
    ) -> Result<Option<Rc<Plan>>, Damage> {
        if let Some(plan) = self.plans.get(&(definition, root)) {
            return Ok(plan.clone());
        }
        let plan = match self.known.plan(chunk, definition, root) {
            Some((plan, steps)) => {
                self.charge_for(definition, steps);
                Some(plan)
            }
            None => {
                let template = self.template(chunk, definition, fields)?;
                self.shapes += 1;
                let plan = Plan::new(&template.steps, root, self.shapes, chunk, fields).map(Rc::new);
                if let Some(plan) = &plan {
                    self.known.keep(chunk, definition, root, &template, plan);
                }
                plan
            }
        };
        self.plans.insert((definition, root), plan.clone());
        Ok(plan)
    }

    /// Charges the chunk for a definition, once, whether it was compiled or is known.
    fn charge_for(&mut self, definition: u32, steps: usize) {
        if self.charged.insert(definition) {
            self.compiled(steps);
        }
    }

    /// Charges the chunk for what was compiled.
    fn compiled(&mut self, steps: usize) {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        self.chunk_steps = self.chunk_steps.saturating_add(steps);
    }
}

struct Run<'r> {
    reader: &'r mut Reader,
    chunk: &'r [u8],
    row: &'r mut Row,
    fields: &'r mut Fields,
    nesting: u32,
    steps: u32,
}

impl Run<'_> {
    /// A record's or a value's BinXML: mostly one template instance.
    fn stream(&mut self, range: std::ops::Range<usize>) -> Result<(), Damage> {
        let mut cursor = Cursor::new(self.chunk, range.start);
        while cursor.pos() < range.end {
            let at = cursor.pos();
            match cursor.u8("a token")? {
                0x00 => break,
                0x0f => {
                    cursor.take(3, "a fragment header")?;
                }
                0x0c => self.instance(&mut cursor)?,
                _ => {
                    let elements =
                        compile_elements(self.chunk, at..range.end, &mut self.reader.names, self.fields)?;
                    self.reader.compiled(elements.steps.len());
                    return self.run(&elements.steps, self.reader.values.len(), 0);
                }
            }
        }
        Ok(())
    }

    fn instance(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Damage> {
        if self.nesting >= MAX_NESTING {
            return Err(cursor.damage("templates nested too deeply"));
        }
        let definition = instance_definition(cursor)?;
        let base = self.reader.values.len();
        let count = self.reader.read_values(cursor)?;
        let template = self.reader.template(self.chunk, definition, self.fields)?;
        self.nesting += 1;
        self.run(&template.steps, base, count)?;
        self.nesting -= 1;
        self.reader.values.truncate(base);
        Ok(())
    }

    fn run(&mut self, steps: &[Step], base: usize, count: usize) -> Result<(), Damage> {
        let mut at = 0;
        while let Some(step) = steps.get(at) {
            self.charge()?;
            at += 1;
            match *step {
                Step::Open { name, depends, end } => {
                    let value = depends.and_then(|id| self.value(base, count, id));
                    if value.is_some_and(|value| value.kind == kind::NULL) && !self.reader.frames.is_empty() {
                        at = end as usize;
                    } else {
                        self.open(name)?;
                    }
                }
                Step::Attribute { name, end } => {
                    let end = end as usize;
                    let parts = steps.get(at..end).unwrap_or_default();
                    self.attribute(name, parts, base, count);
                    at = at.max(end);
                }
                Step::DataName { field } => self.name_data(field),
                Step::Close => self.close(),
                Step::Value(value) => self.text_value(value)?,
                Step::Slot { id, optional } => {
                    if let Some(value) = self.value(base, count, id)
                        && !(optional && value.is_empty())
                    {
                        self.text_value(value)?;
                    }
                }
                Step::Char(character) => {
                    self.row.text().push(character);
                    self.touch();
                }
                Step::Instance { at } => {
                    let mut cursor = Cursor::new(self.chunk, at as usize);
                    self.instance(&mut cursor)?;
                }
            }
        }
        Ok(())
    }

    fn charge(&mut self) -> Result<(), Damage> {
        self.steps += 1;
        self.reader.chunk_steps = self.reader.chunk_steps.saturating_add(1);
        if self.steps > MAX_RECORD_STEPS || self.row.is_too_large() {
            return Err(Damage {
                what: "more values than one record may have",
                at: 0,
            });
        }
        if self.reader.chunk_steps > MAX_CHUNK_STEPS || self.reader.chunk_text > MAX_CHUNK_TEXT {
            return Err(TOO_MUCH_FOR_A_CHUNK);
        }
        Ok(())
    }

    fn value(&self, base: usize, count: usize, id: u16) -> Option<Value> {
        let id = usize::from(id);
        if id >= count {
            return None;
        }
        self.reader.values.get(base + id).copied()
    }

    fn touch(&mut self) {
        if let Some(frame) = self.reader.frames.last_mut() {
            frame.has_text = true;
        }
    }

    fn open(&mut self, name: FieldId) -> Result<(), Damage> {
        if self.reader.frames.len() >= MAX_DEPTH {
            return Err(Damage {
                what: "elements nested too deeply",
                at: 0,
            });
        }
        let parent = self.reader.frames.last().copied();
        if parent.is_some() {
            self.text_before_child();
        }
        let place = match parent.map(|parent| parent.kind) {
            None => Place::Event,
            Some(Place::Event) if name == FieldId::SYSTEM => Place::System,
            Some(Place::Event) if name == FieldId::RENDERING_INFO => Place::RenderingInfo,
            Some(Place::Event) => Place::Container,
            Some(Place::System | Place::SystemChild) => Place::SystemChild,
            Some(_) if name == FieldId::DATA => Place::UnnamedData,
            Some(_) => Place::Leaf,
        };
        let field = match parent.map(|parent| parent.kind) {
            Some(Place::RenderingInfo) if name != FieldId::MESSAGE => {
                let name = format!("RenderingInfo_{}", self.fields.name(name));
                self.fields.intern(&name)
            }
            _ => name,
        };
        self.reader.frames.push(Frame {
            kind: place,
            field,
            mark: self.row.mark(),
            has_text: false,
            is_done: false,
        });
        Ok(())
    }

    /// Text that stands before a child element is a value of the parent, unless it only indents.
    fn text_before_child(&mut self) {
        let Some(frame) = self.reader.frames.last().copied() else {
            return;
        };
        if frame.has_text && !self.row.since(frame.mark).trim().is_empty() {
            self.put(frame);
        }
        let mark = self.row.mark();
        if let Some(frame) = self.reader.frames.last_mut() {
            frame.has_text = false;
            frame.is_done = true;
            frame.mark = mark;
        }
    }

    fn name_data(&mut self, field: FieldId) {
        if let Some(frame) = self.reader.frames.last_mut() {
            frame.kind = Place::NamedData;
            frame.field = field;
        }
    }

    fn attribute(&mut self, name: FieldId, parts: &[Step], base: usize, count: usize) {
        let Some(frame) = self.reader.frames.last().copied() else {
            return;
        };
        if name == FieldId::XMLNS {
            return;
        }
        let mark = self.row.mark();
        let mut time = None;
        for part in parts {
            let value = match *part {
                Step::Value(value) => value,
                Step::Slot { id, .. } => match self.value(base, count, id) {
                    Some(value) => value,
                    None => continue,
                },
                Step::Char(character) => {
                    self.row.text().push(character);
                    continue;
                }
                _ => continue,
            };
            let bytes = value.bytes(self.chunk);
            time = time.or_else(|| value::instant(value.kind, bytes));
            value::write(value.kind, bytes, self.row.text());
        }
        if self.row.since(mark).is_empty() {
            return;
        }
        self.put_attribute(frame, name, mark, time);
        self.start_text_here();
    }

    fn put_attribute(&mut self, frame: Frame, name: FieldId, mark: usize, time: Option<i64>) {
        match frame.kind {
            Place::UnnamedData if name == FieldId::NAME => {
                let field = self.fields.intern(self.row.since(mark));
                self.name_data(field);
            }
            Place::SystemChild if (frame.field, name) == (FieldId::TIME_CREATED, FieldId::SYSTEM_TIME) => {
                self.row.time = time.or_else(|| vigie_event::parse_utc(self.row.since(mark)));
            }
            Place::SystemChild => match FieldId::of_system_attribute(frame.field, name) {
                Some(field) => self.row.system_from(field, mark),
                None => self.put_joined(frame.field, name, mark),
            },
            // Attributes of the event and of the rendering are about the rendering only.
            Place::Event | Place::RenderingInfo => {}
            _ => self.put_joined(frame.field, name, mark),
        }
    }

    /// `<Element>_<Attribute>`, for attributes without a name of their own.
    fn put_joined(&mut self, element: FieldId, attribute: FieldId, mark: usize) {
        let field = self.fields.joined(element, attribute);
        self.row.data_from(self.fields, field, mark);
    }

    fn start_text_here(&mut self) {
        let mark = self.row.mark();
        if let Some(frame) = self.reader.frames.last_mut() {
            frame.mark = mark;
        }
    }

    fn text_value(&mut self, value: Value) -> Result<(), Damage> {
        if value.kind == kind::BINXML {
            let start = value.start as usize;
            return self.stream(start..start + value.len as usize);
        }
        if value.kind == kind::NULL {
            return Ok(());
        }
        let bytes = value.bytes(self.chunk);
        let unnamed = matches!(self.reader.frames.last(), Some(frame) if frame.kind == Place::UnnamedData);
        if value.kind & kind::ARRAY != 0 && unnamed {
            let row = &mut *self.row;
            value::each_item(value.kind, bytes, |kind, item| {
                let mark = row.mark();
                value::write(kind, item, row.text());
                row.unnamed_from(mark);
            });
            self.start_text_here();
            if let Some(frame) = self.reader.frames.last_mut() {
                frame.is_done = true;
            }
            return Ok(());
        }
        value::write(value.kind, bytes, self.row.text());
        self.touch();
        Ok(())
    }

    fn close(&mut self) {
        let Some(frame) = self.reader.frames.pop() else {
            return;
        };
        let only_indents = frame.is_done && self.row.since(frame.mark).trim().is_empty();
        if only_indents {
            return;
        }
        // An empty `Data` is an empty value; any other empty element is no value.
        if frame.has_text || matches!(frame.kind, Place::UnnamedData | Place::NamedData) {
            self.put(frame);
        }
    }

    fn put(&mut self, frame: Frame) {
        match frame.kind {
            Place::UnnamedData => self.row.unnamed_from(frame.mark),
            Place::NamedData => self.row.data_from(self.fields, frame.field, frame.mark),
            _ if self.row.since(frame.mark).is_empty() => {}
            Place::SystemChild if frame.field.system().is_some() => {
                self.row.system_from(frame.field, frame.mark);
            }
            Place::SystemChild | Place::Leaf => self.row.data_from(self.fields, frame.field, frame.mark),
            // Text between the elements of a container.
            Place::Container if !self.row.since(frame.mark).trim().is_empty() => {
                self.row.data_from(self.fields, frame.field, frame.mark);
            }
            _ => {}
        }
    }
}

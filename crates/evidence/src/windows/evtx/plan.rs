//! A template whose every value has its column, worked out before any record is read: which slot goes where, and
//! what leaves it out. Nearly all templates are of this kind; a record of any other is run step by step
//! ([`super::record`]), with the same result.

use super::template::Step;
use super::value::{Value, kind};
use crate::windows::fields::{FieldId, Fields};

/// Values one planned template may have; real ones have some thirty.
const MAX_OPS: usize = 256;
/// Guards of all of them together.
const MAX_GUARDS: usize = 16 * MAX_OPS;

/// Where the template stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Root {
    /// It is the whole event.
    Record,
    /// It is a value right below `Event`: mostly `EventData` or `UserData`.
    InEvent,
}

/// A template as a list of values and their columns.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Columns of the System section, in the order of their fields.
    pub(super) system: Vec<Op>,
    /// The event's own data, in order. No two have the same name.
    pub(super) data: Vec<Op>,
    /// `Data` elements without a name, in order.
    pub(super) unnamed: Vec<Op>,
    /// When the event happened.
    pub(super) time: Option<Op>,
    /// The slot in which the rest of the event is, as a fragment of its own.
    pub(super) rest: Option<Op>,
    /// Slots that must hold nothing, else the record is run step by step.
    pub(super) nothing: Vec<Op>,
    /// Slots that leave elements out when they are null, by op.
    guards: Vec<u16>,
    /// The longest list of values any slot number reaches into.
    pub(super) slots: usize,
    /// A number that only plans share that differ in nothing but where they stand.
    pub(super) shape: u64,
}

/// One value and its column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Op {
    pub(super) field: FieldId,
    pub(super) part: Part,
    /// Whether it is a value even when there is no text.
    pub(super) keep_empty: bool,
    guards: (u32, u32),
}

/// Where the text of a value comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Nothing,
    Literal(Value),
    Slot {
        id: u16,
        optional: bool,
    },
    /// The same, in an attribute: written whatever it is.
    Attribute {
        id: u16,
    },
}

/// The values of a template instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slots<'v>(pub(super) &'v [Value]);

impl Slots<'_> {
    pub(super) fn get(&self, id: u16) -> Option<Value> {
        self.0.get(usize::from(id)).copied()
    }
}

/// What an op gives for one record.
#[derive(Debug, Clone, Copy)]
pub(super) enum Given {
    /// The element or attribute is left out.
    LeftOut,
    /// It is there without a text.
    Empty,
    Text(Value),
}

impl Plan {
    /// The value an op has in a record.
    pub(super) fn given(&self, op: &Op, slots: Slots<'_>) -> Given {
        let (from, to) = op.guards;
        for guard in self.guards.get(from as usize..to as usize).unwrap_or_default() {
            if slots.get(*guard).is_some_and(|value| value.kind == kind::NULL) {
                return Given::LeftOut;
            }
        }
        match op.part {
            Part::Nothing => Given::Empty,
            Part::Literal(value) => Given::Text(value),
            Part::Slot { id, optional } => match slots.get(id) {
                Some(value) if value.kind != kind::NULL && !(optional && value.is_empty()) => {
                    Given::Text(value)
                }
                _ => Given::Empty,
            },
            Part::Attribute { id } => slots.get(id).map_or(Given::Empty, Given::Text),
        }
    }

    /// The same plan for the same definition at another place of a chunk; `None` when nothing depends on the place.
    pub(super) fn moved(&self, by: i64) -> Option<Plan> {
        let is_literal = |op: &Op| matches!(op.part, Part::Literal(_));
        if by == 0 || !self.ops().any(is_literal) {
            return None;
        }
        let moved = |op: &Op| Op {
            part: match op.part {
                Part::Literal(value) => Part::Literal(value.moved(by)),
                part => part,
            },
            ..*op
        };
        Some(Plan {
            system: self.system.iter().map(moved).collect(),
            data: self.data.iter().map(moved).collect(),
            unnamed: self.unnamed.iter().map(moved).collect(),
            time: self.time.as_ref().map(moved),
            rest: self.rest.as_ref().map(moved),
            nothing: self.nothing.iter().map(moved).collect(),
            guards: self.guards.clone(),
            slots: self.slots,
            shape: self.shape,
        })
    }

    /// Bytes of memory it takes, about.
    pub(super) fn bytes(&self) -> usize {
        self.ops().count() * size_of::<Op>() + self.guards.len() * size_of::<u16>()
    }

    fn ops(&self) -> impl Iterator<Item = &Op> {
        let lists = self.system.iter().chain(&self.data).chain(&self.unnamed);
        lists.chain(&self.nothing).chain(&self.time).chain(&self.rest)
    }

    /// Works out where the values of a compiled template go, `None` when that depends on the values.
    pub(super) fn new(
        steps: &[Step],
        root: Root,
        shape: u64,
        chunk: &[u8],
        fields: &mut Fields,
    ) -> Option<Plan> {
        let mut planning = Planning {
            plan: Plan {
                shape,
                ..Plan::default()
            },
            open: Vec::new(),
            chunk,
            fields,
            root,
        };
        planning.run(steps)?;
        planning.finish()
    }
}

/// An element being gone through.
struct Open {
    place: Place,
    field: FieldId,
    part: Option<Part>,
    has_children: bool,
    /// How many guards there were before its own.
    guards: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Event,
    System,
    SystemChild,
    Container,
    UnnamedData,
    NamedData,
    Leaf,
}

struct Planning<'p> {
    plan: Plan,
    open: Vec<Open>,
    chunk: &'p [u8],
    fields: &'p mut Fields,
    root: Root,
}

impl Planning<'_> {
    fn run(&mut self, steps: &[Step]) -> Option<()> {
        let mut at = 0;
        // The guards of the elements open now, outermost first.
        let mut guards: Vec<u16> = Vec::new();
        while let Some(step) = steps.get(at) {
            at += 1;
            if self.plan.guards.len() > MAX_GUARDS {
                return None;
            }
            match *step {
                Step::Open { name, depends, .. } => {
                    let before = guards.len();
                    let is_top = self.root == Root::Record && self.open.is_empty();
                    guards.extend(depends.filter(|_| !is_top));
                    self.open(name, before)?;
                }
                Step::Attribute { name, end } => {
                    let parts = steps.get(at..end as usize)?;
                    self.attribute(name, parts, &guards)?;
                    at = end as usize;
                }
                Step::DataName { field } => {
                    let open = self.open.last_mut()?;
                    open.place = Place::NamedData;
                    open.field = field;
                }
                Step::Close => {
                    let open = self.open.pop()?;
                    self.close(&open, &guards)?;
                    guards.truncate(open.guards);
                }
                Step::Value(value) => {
                    if !self.is_indentation(value) {
                        self.text(Part::Literal(value))?;
                    }
                }
                Step::Slot { id, optional } => self.slot(Part::Slot { id, optional }, &guards)?,
                Step::Char(_) | Step::Instance { .. } => return None,
            }
        }
        Some(())
    }

    /// A literal between elements. As the only text of a value it would be one, so it is none only beside children.
    fn is_indentation(&self, value: Value) -> bool {
        let between = self.open.last().is_some_and(|open| {
            matches!(open.place, Place::Event | Place::System | Place::Container) || open.has_children
        });
        let blank = value
            .bytes(self.chunk)
            .as_chunks::<2>()
            .0
            .iter()
            .all(|unit| matches!(unit, [b' ' | b'\t' | b'\r' | b'\n', 0]));
        value.kind == kind::NULL || (between && value.kind == kind::STRING && blank)
    }

    fn open(&mut self, name: FieldId, guards: usize) -> Option<()> {
        let place = match self.open.last_mut() {
            None if self.root == Root::Record => Place::Event,
            None => Self::below_event(name)?,
            Some(parent) => {
                // Text before a child element would be a value of its own.
                if parent.part.is_some() {
                    return None;
                }
                parent.has_children = true;
                match parent.place {
                    Place::Event => Self::below_event(name)?,
                    Place::System | Place::SystemChild => Place::SystemChild,
                    _ if name == FieldId::DATA => Place::UnnamedData,
                    _ => Place::Leaf,
                }
            }
        };
        self.open.push(Open {
            place,
            field: name,
            part: None,
            has_children: false,
            guards,
        });
        Some(())
    }

    fn below_event(name: FieldId) -> Option<Place> {
        match name {
            FieldId::SYSTEM => Some(Place::System),
            FieldId::RENDERING_INFO => None,
            _ => Some(Place::Container),
        }
    }

    fn text(&mut self, part: Part) -> Option<()> {
        if let Part::Literal(value) = part
            && value.kind == kind::BINXML
        {
            return None;
        }
        let open = self.open.last_mut()?;
        if open.part.is_some() || open.has_children {
            return None;
        }
        open.part = Some(part);
        Some(())
    }

    fn slot(&mut self, part: Part, guards: &[u16]) -> Option<()> {
        match self.open.last().map(|open| open.place) {
            Some(Place::Event) => {
                if self.plan.rest.is_some() {
                    return None;
                }
                self.plan.rest = Some(self.op(FieldId::DATA, part, guards));
                Some(())
            }
            Some(Place::System | Place::Container) => {
                let op = self.op(FieldId::DATA, part, guards);
                self.plan.nothing.push(op);
                Some(())
            }
            _ => self.text(part),
        }
    }

    fn attribute(&mut self, name: FieldId, parts: &[Step], guards: &[u16]) -> Option<()> {
        if name == FieldId::XMLNS {
            return Some(());
        }
        let part = match parts {
            [] => return Some(()),
            [Step::Value(value)] => Part::Literal(*value),
            [Step::Slot { id, .. }] => Part::Attribute { id: *id },
            _ => return None,
        };
        let open = self.open.last_mut()?;
        if open.part.is_some() {
            return None;
        }
        match open.place {
            Place::Event => Some(()),
            Place::SystemChild if (open.field, name) == (FieldId::TIME_CREATED, FieldId::SYSTEM_TIME) => {
                if self.plan.time.is_some() {
                    return None;
                }
                self.plan.time = Some(self.op(FieldId::TIME_CREATED, part, guards));
                Some(())
            }
            // Named by a value.
            Place::UnnamedData if name == FieldId::NAME => None,
            Place::SystemChild if let Some(field) = FieldId::of_system_attribute(open.field, name) => {
                let op = self.op(field, part, guards);
                self.plan.system.push(op);
                Some(())
            }
            _ => {
                let field = self.fields.joined(open.field, name);
                let op = self.op(field, part, guards);
                self.plan.data.push(op);
                Some(())
            }
        }
    }

    fn close(&mut self, open: &Open, guards: &[u16]) -> Option<()> {
        let part = open.part.unwrap_or(Part::Nothing);
        if open.has_children {
            return Some(());
        }
        let mut op = self.op(open.field, part, guards);
        match open.place {
            Place::UnnamedData => self.plan.unnamed.push(op),
            Place::NamedData => {
                op.keep_empty = true;
                self.plan.data.push(op);
            }
            Place::SystemChild if open.field.system().is_some() => self.plan.system.push(op),
            Place::SystemChild | Place::Leaf => self.plan.data.push(op),
            Place::Container if open.part.is_some() => return None,
            _ => {}
        }
        Some(())
    }

    fn op(&mut self, field: FieldId, part: Part, guards: &[u16]) -> Op {
        let from = self.plan.guards.len();
        let own = match part {
            Part::Slot { id, .. } | Part::Attribute { id } => Some(id),
            _ => None,
        };
        self.plan.guards.extend_from_slice(guards);
        self.plan.slots = guards
            .iter()
            .copied()
            .chain(own)
            .fold(self.plan.slots, |slots, id| slots.max(usize::from(id) + 1));
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Op {
            field,
            part,
            keep_empty: false,
            guards: (place(from), place(self.plan.guards.len())),
        }
    }

    fn finish(mut self) -> Option<Plan> {
        let Plan {
            system,
            data,
            unnamed,
            nothing,
            rest,
            guards,
            ..
        } = &mut self.plan;
        // Without text and never kept empty, it is no value.
        data.retain(|op| op.keep_empty || !matches!(op.part, Part::Nothing));
        system.retain(|op| !matches!(op.part, Part::Nothing));
        system.sort_by_key(|op| op.field.index());
        let once = system.windows(2).all(|pair| match pair {
            [first, second] => first.field != second.field,
            _ => true,
        });
        let mut names: Vec<FieldId> = data.iter().map(|op| self.fields.canonical(op.field)).collect();
        names.sort_unstable_by_key(|field| field.index());
        let different = names.windows(2).all(|pair| pair.first() != pair.last());
        // A name of the System section, or one too many.
        let plain = names
            .iter()
            .all(|field| field.system().is_none() && *field != FieldId::MORE);
        // The unnamed are called `Data` and `Data_1` in the end, and so on.
        let free = unnamed.is_empty() || !names.iter().any(|field| self.fields.is_like_data(*field));
        let mut used: Vec<u16> = system
            .iter()
            .chain(data.iter())
            .chain(unnamed.iter())
            .filter_map(|op| match op.part {
                Part::Slot { id, .. } | Part::Attribute { id } => Some(id),
                _ => None,
            })
            .collect();
        used.sort_unstable();
        // A slot that is a fragment in one place and a text in another depends on the value.
        let apart = match rest.as_ref().map(|op| op.part) {
            Some(Part::Slot { id, .. } | Part::Attribute { id }) => used.binary_search(&id).is_err(),
            _ => true,
        };
        // A slot used over and over could make a record many times its size.
        let sparing = used.windows(3).all(|three| three.first() != three.last());
        let small = system.len() + data.len() + unnamed.len() <= MAX_OPS
            && nothing.len() <= MAX_OPS
            && guards.len() <= MAX_GUARDS;
        (once && different && plain && free && apart && sparing && small && self.open.is_empty())
            .then_some(self.plan)
    }
}

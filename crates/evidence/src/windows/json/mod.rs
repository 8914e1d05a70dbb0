//! Events as JSON: what `evtx_dump`, EvtxECmd, Winlogbeat, NXLog, Velociraptor, PowerShell and the advanced-hunting
//! export write, one object an event.
//!
//! The shape is decided object by object, so a file may mix them; the manifest names the shape of the first.

mod documents;
mod event;
mod flat;
mod kept;
mod layout;
mod own;
mod paths;
mod planned;
mod reader;
#[cfg(test)]
mod reference;
mod shape;

use std::io::Read;

use vigie_event::{EventBatch, Source, Timestamp};

pub(crate) use self::documents::{Documents, Place};
use self::event::stamps_of;
pub(super) use self::flat::Flat;
use self::kept::Keeper;
use self::layout::first_object;
use self::own::OwnFields;
use self::planned::Plans;
use self::reader::ReadError;
use self::shape::{Found, Layout, Shapes};
pub(super) use self::shape::{Shape, shape_of};
use super::clock::Clocks;
use super::collector::Collector;
use super::message;
use super::tables;
use super::text::head_text;
use crate::FileRef;
use crate::format::{Confidence, Context, Format, Head, Outcome};
use crate::message::Code;

/// Objects looked at before the first row is made, to learn the clocks.
const SAMPLE_OBJECTS: usize = 2_000;
const SAMPLE_BYTES: usize = 1 << 20;

macro_rules! formats {
    ($($(#[$doc:meta])* $constant:ident = $name:literal, $source:ident, $shape:pat => ;)+) => {
        $($(#[$doc])* pub(super) static $constant: Format = Format {
            name: $name,
            source: Source::$source,
            recognise: |head| recognise(head, |shape| matches!(shape, $shape)),
            parse,
        };)+
    };
}

formats! {
    /// `evtx_dump -o json` and everything else that turns the event's XML into JSON.
    EVTX_DUMP = "evtx_dump_json", WindowsEvent, Shape::Xml =>;
    /// EvtxECmd `--json`.
    EVTX_ECMD = "evtxecmd_json", WindowsEvent, Shape::EvtxEcmd =>;
    /// Winlogbeat and the Elastic agent.
    WINLOGBEAT = "winlogbeat", WindowsEvent, Shape::Winlogbeat =>;
    /// Velociraptor results: `System` and `EventData` objects.
    VELOCIRAPTOR = "velociraptor_json", WindowsEvent, Shape::Velociraptor =>;
    /// NXLog, `Get-WinEvent | ConvertTo-Json`, and others that put an event's fields beside each other.
    FLAT = "windows_json", WindowsEvent, Shape::Flat | Shape::PowerShell =>;
    /// `SecurityEvent`, `Event` and `WindowsEvent` exported from Sentinel.
    SENTINEL = "sentinel_json", WindowsEvent, Shape::Table(tables::Table::Event(_)) =>;
    /// `Device*` tables exported from Defender or Sentinel.
    HUNTING = "advanced_hunting_json", AdvancedHunting, Shape::Table(tables::Table::Device(_)) =>;
    /// `W3CIISLog` exported from Sentinel.
    IIS = "w3ciislog_json", Iis, Shape::Table(tables::Table::Iis) =>;
    /// `ExchangeHttpProxy` exported from Sentinel.
    HTTP_PROXY = "exchange_http_proxy_json", HttpProxy, Shape::Table(tables::Table::HttpProxy) =>;
}

fn recognise(head: &Head<'_>, is_mine: impl Fn(&Shape) -> bool) -> Option<Confidence> {
    let text = head_text(head.bytes);
    let (object, is_whole) = first_object(&text)?;
    let mut flat = Flat::default();
    // Of an object longer than the head, what is there must do.
    let read = flat.read(object);
    if is_whole && read.is_err() {
        return None;
    }
    let shape = shape_of(&flat, head.name)?;
    is_mine(&shape).then_some(Confidence::Content)
}

fn parse(input: &mut dyn Read, context: &Context<'_>, sink: &mut dyn FnMut(EventBatch)) -> Outcome {
    let mut out = Collector::new(context, sink);
    let mut documents = match Documents::open(input, context.limits.line_bytes) {
        Ok(documents) => documents,
        Err(error) => {
            out.outcome.input_failed(&error, || "line 1".to_owned());
            return out.finish();
        }
    };
    let mut events = Events::new(name_of(context.file));
    events.keeper = Keeper::new(context, &mut out);
    let mut object = Vec::new();
    for (place, object) in sample(&mut documents, &mut events, &mut out) {
        events.read(&object, place, &mut out);
    }
    while let Some(place) = documents.next(&mut object, &mut out.outcome) {
        events.read(&object, place, &mut out);
    }
    events.finish(out)
}

/// Takes the first objects into memory and learns the clocks from them: the first row needs them already.
fn sample(
    documents: &mut Documents<'_>,
    events: &mut Events<'_>,
    out: &mut Collector<'_>,
) -> Vec<(Place, Vec<u8>)> {
    let mut objects = Vec::new();
    let (mut object, mut bytes) = (Vec::new(), 0);
    while objects.len() < SAMPLE_OBJECTS && bytes < SAMPLE_BYTES {
        let Some(place) = documents.next(&mut object, &mut out.outcome) else {
            break;
        };
        bytes += object.len();
        if events.flat.read(&object).is_ok()
            && let Found {
                shape: Some(shape),
                may_be_text,
                ..
            } = events.find()
        {
            if may_be_text {
                read_rendered_text(&mut events.flat, shape);
            }
            events.clocks.learn(&stamps_of(&events.flat, shape));
        }
        objects.push((place, object.clone()));
    }
    events.clocks.forget_counts();
    objects
}

/// Fields that an event has beside its text when its export kept them.
const DATA_FIELDS: [&str; 12] = [
    "SubjectUserName",
    "TargetUserName",
    "SubjectUserSid",
    "NewProcessName",
    "Image",
    "CommandLine",
    "ScriptBlockText",
    "ServiceName",
    "TargetFilename",
    "IpAddress",
    "UtcTime",
    "ContextInfo",
];

/// Whether an event has a text and none of the fields that stand in it, by the names of what it has.
fn may_be_text(flat: &Flat) -> bool {
    flat.get("Message").is_some()
        && !flat.has_prefix("EventData.")
        && DATA_FIELDS.iter().all(|name| flat.get(name).is_none())
}

/// Takes the fields out of an event's rendered text where the export kept nothing else of them: for objects that
/// [`may_be_text`].
fn read_rendered_text(flat: &mut Flat, shape: Shape) {
    let first = |names: &[&str]| names.iter().find_map(|name| flat.get(name)).unwrap_or_default();
    let message = first(&["Message"]);
    if !matches!(shape, Shape::Flat | Shape::PowerShell) || message.is_empty() {
        return;
    }
    let kind = message::Kind {
        provider: first(&["ProviderName", "SourceName", "Provider_Name", "Provider"]),
        event_id: first(&["EventID", "Id", "EventCode", "event_id"]),
    };
    for (name, value) in message::fields(kind, message) {
        flat.add(&name, &value);
    }
}

/// The file's own name.
fn name_of(file: &FileRef) -> &str {
    file.path.rsplit('/').next().unwrap_or_default()
}

/// An object of the file.
struct Object<'o> {
    place: Place,
    /// What it took in the file.
    bytes: u64,
    /// Its text, where it is to be had again.
    text: &'o [u8],
}

/// What reading one object after another needs.
pub(super) struct Events<'a> {
    pub(super) flat: Flat,
    /// For JSON inside a value.
    inner: Flat,
    shapes: Shapes,
    own: OwnFields,
    plans: Plans,
    clocks: Clocks,
    /// The time of the only object, when it is known already.
    settled: Option<Option<Timestamp>>,
    keeper: Keeper,
    name: &'a str,
}

impl<'a> Events<'a> {
    /// `name` is the name of the file.
    pub(super) fn new(name: &'a str) -> Events<'a> {
        Events {
            flat: Flat::default(),
            inner: Flat::default(),
            shapes: Shapes::default(),
            own: OwnFields::default(),
            plans: Plans::default(),
            clocks: Clocks::default(),
            settled: None,
            keeper: Keeper::default(),
            name,
        }
    }

    /// To read one object of a file again, the time of which is known.
    fn again(file: &'a FileRef, time: Option<Timestamp>) -> Events<'a> {
        Events {
            settled: Some(time),
            ..Events::new(name_of(file))
        }
    }

    fn read(&mut self, object: &[u8], place: Place, out: &mut Collector<'_>) {
        let at = || format!("line {}", place.line);
        let bytes = object.len() as u64;
        if let Err(error) = self.flat.read(object) {
            let why = match error {
                ReadError::End => Code::ObjectNoEnd,
                ReadError::NoJson => Code::LineNoObject,
            };
            out.outcome.skip(why, 1, bytes, at);
            return;
        }
        let found = self.find();
        let Some(shape) = found.shape else {
            out.outcome.skip(Code::ObjectNoEvent, 1, bytes, at);
            return;
        };
        // The columns of other tables are kept as they are, objects as JSON text.
        if matches!(shape, Shape::Table(table) if !matches!(table, tables::Table::Event(_))) {
            let _ = self.flat.read_shallow(object);
        }
        if found.may_be_text {
            read_rendered_text(&mut self.flat, shape);
        }
        let layout = found.layout.filter(|_| !found.may_be_text);
        self.row(
            shape,
            layout,
            &Object {
                place,
                bytes,
                text: object,
            },
            out,
        );
    }

    /// What the object read into `flat` is.
    fn find(&mut self) -> Found {
        self.shapes.of(&self.flat, self.name, may_be_text)
    }

    /// Makes a row of what was put into `flat`.
    pub(super) fn take(&mut self, shape: Shape, place: Place, bytes: u64, out: &mut Collector<'_>) {
        if may_be_text(&self.flat) {
            read_rendered_text(&mut self.flat, shape);
        }
        self.row(
            shape,
            None,
            &Object {
                place,
                bytes,
                text: &[],
            },
            out,
        );
    }

    fn row(&mut self, shape: Shape, layout: Option<Layout>, object: &Object<'_>, out: &mut Collector<'_>) {
        let place = object.place;
        let at = || format!("line {}", place.line);
        if let Shape::Table(table) = shape
            && !matches!(table, tables::Table::Event(_))
        {
            out.row.start(place.line, place.offset);
            tables::columns(table, self.flat.items().map(|item| (item.path, item.value)), out);
            let time = out.row.time;
            self.keeper.keep(object, time, out);
        } else {
            let time = self.time(shape);
            self.keeper.keep(object, time, out);
            if shape == Shape::Flat
                && let Some(layout) = layout
                && let Some(time) = time
                && self
                    .plans
                    .read(&self.flat, layout, &mut self.own, (place, time), out)
                    .is_some()
            {
                return;
            }
            out.row.start(place.line, place.offset);
            out.row.time = time;
            event::columns(&self.flat, &mut self.inner, &mut self.own, shape, out);
        }
        if out.row.is_too_large() {
            let why = Code::EventManyValues;
            out.outcome.skip(why, 1, object.bytes, at);
            return;
        }
        if out.row.time.is_none() {
            out.outcome.skip(Code::TimeNotUnderstood, 0, 0, at);
        }
        out.commit();
    }

    /// When the event read into `flat` happened.
    fn time(&mut self, shape: Shape) -> Option<Timestamp> {
        if let Some(time) = self.settled {
            return time;
        }
        let stamps = stamps_of(&self.flat, shape);
        self.clocks.learn(&stamps);
        self.clocks.time(&stamps)
    }

    /// Hands over what is left.
    pub(super) fn finish(self, mut out: Collector<'_>) -> Outcome {
        self.clocks.report(&mut out.outcome);
        out.finish()
    }
}

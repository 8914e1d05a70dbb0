//! One 64 KiB chunk: records, the tables of names and templates they share, and checksums.

use std::collections::HashMap;

use vigie_event::Timestamp;

use super::template::{self, data_key};
use super::value::push_utf16;
use super::{Data, Event, Value};

pub(super) const CHUNK_SIZE: usize = 65_536;
const CHUNK_HEADER: usize = 512;
const RECORD_HEADER: usize = 24;
/// The identifier of the template around every event.
const EVENT_TEMPLATE: u64 = 0x5649_4749_4553_494d;
/// 100 ns intervals from 1601-01-01 to 1970-01-01.
const FILETIME_EPOCH: i64 = 116_444_736_000_000_000;

/// What records of a chunk share. Small enough to copy, so that a record that does not fit can be undone.
#[derive(Debug, Clone, Copy)]
struct Tables {
    names: [u32; 64],
    templates: [u32; 32],
}

/// The chunk being filled.
#[derive(Debug)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    tables: Tables,
    names: HashMap<&'static str, u32>,
    templates: HashMap<u64, u32>,
    first_record: u64,
    records: u64,
    last_record_offset: u32,
    values: Vec<u8>,
}

impl Chunk {
    pub(super) fn new(first_record: u64) -> Chunk {
        let mut chunk = Chunk {
            bytes: Vec::with_capacity(CHUNK_SIZE),
            tables: Tables {
                names: [0; 64],
                templates: [0; 32],
            },
            names: HashMap::new(),
            templates: HashMap::new(),
            first_record,
            records: 0,
            last_record_offset: 0,
            values: Vec::new(),
        };
        chunk.restart(first_record);
        chunk
    }

    /// Empties the chunk.
    pub(super) fn restart(&mut self, first_record: u64) {
        self.bytes.clear();
        self.bytes.resize(CHUNK_HEADER, 0);
        self.tables.names = [0; 64];
        self.tables.templates = [0; 32];
        self.names.clear();
        self.templates.clear();
        self.first_record = first_record;
        self.records = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Adds a record; `false`, with nothing changed, when it does not fit.
    pub(super) fn append(&mut self, id: u64, event: &Event<'_>, channel: &str, computer: &str) -> bool {
        let start = self.bytes.len();
        let tables = self.tables;
        self.encode(id, event, channel, computer);
        // A chunk filled to its last byte is legal, but libevtx does not see its last record.
        if self.bytes.len() >= CHUNK_SIZE {
            self.bytes.truncate(start);
            self.tables = tables;
            self.names.retain(|_, &mut offset| (offset as usize) < start);
            self.templates.retain(|_, &mut offset| (offset as usize) < start);
            return false;
        }
        self.records += 1;
        self.last_record_offset = start as u32;
        true
    }

    fn encode(&mut self, id: u64, event: &Event<'_>, channel: &str, computer: &str) {
        let start = self.bytes.len();
        let time = filetime(event.time);
        self.bytes.extend(b"**\0\0");
        self.bytes.extend([0; 4]);
        self.bytes.extend(id.to_le_bytes());
        self.bytes.extend(time.to_le_bytes());
        debug_assert_eq!(self.bytes.len(), start + RECORD_HEADER);
        self.begin_instance(EVENT_TEMPLATE, |out| template::write_event(out, computer));
        let size_of_data = self.system_values(id, event, channel, time);
        let data_start = self.bytes.len();
        self.event_data(&event.data);
        let data_len = (self.bytes.len() - data_start) as u16;
        self.put_u16(size_of_data, data_len);
        self.bytes.push(0);
        // Records are a multiple of eight bytes long, and repeat their size at the end.
        let size = (self.bytes.len() - start + 4).next_multiple_of(8);
        self.bytes.resize(start + size - 4, 0);
        self.bytes.extend((size as u32).to_le_bytes());
        self.bytes[start + 4..start + 8].copy_from_slice(&(size as u32).to_le_bytes());
    }

    /// Starts a fragment that is one instance of a template, defining the template where this chunk does not have
    /// it yet.
    fn begin_instance(&mut self, key: u64, define: impl FnOnce(&mut Encoder<'_>)) {
        let id = (key as u32) ^ (key >> 32) as u32;
        self.bytes.extend([0x0f, 1, 1, 0, 0x0c, 1]);
        self.bytes.extend(id.to_le_bytes());
        if let Some(offset) = self.templates.get(&key) {
            self.bytes.extend(offset.to_le_bytes());
            return;
        }
        let offset = self.bytes.len() as u32 + 4;
        self.bytes.extend(offset.to_le_bytes());
        let bucket = id as usize % 32;
        self.bytes.extend(self.tables.templates[bucket].to_le_bytes());
        self.bytes.extend(id.to_le_bytes());
        self.bytes.extend(key.to_le_bytes());
        self.bytes.extend((!id).to_le_bytes());
        self.tables.templates[bucket] = offset;
        self.templates.insert(key, offset);

        let mut encoder = Encoder {
            bytes: &mut self.bytes,
            names: &mut self.names,
            buckets: &mut self.tables.names,
        };
        let size = encoder.begin_size();
        encoder.bytes.extend([0x0f, 1, 1, 0]);
        define(&mut encoder);
        encoder.bytes.push(0);
        encoder.end_size(size);
    }

    /// Writes the values of `System`; returns where the size of the nested event data is to be put.
    fn system_values(&mut self, id: u64, event: &Event<'_>, channel: &str, time: u64) -> usize {
        let kind = event.kind;
        let mut values = std::mem::take(&mut self.values);
        values.clear();
        let descriptors = self.bytes.len() + 4;
        self.bytes.extend(18u32.to_le_bytes());
        self.bytes.resize(descriptors + 18 * 4, 0);
        let mut set = |index: u16, value_type: u8, write: &dyn Fn(&mut Vec<u8>)| {
            let before = values.len();
            write(&mut values);
            let at = descriptors + usize::from(index) * 4;
            let len = (values.len() - before) as u16;
            self.bytes[at..at + 2].copy_from_slice(&len.to_le_bytes());
            self.bytes[at + 2] = value_type;
        };
        use template as t;
        set(t::LEVEL, 0x04, &|out| out.push(kind.level));
        set(t::OPCODE, 0x04, &|out| out.push(kind.opcode));
        set(t::TASK, 0x06, &|out| out.extend(kind.task.to_le_bytes()));
        set(t::EVENT_ID, 0x06, &|out| out.extend(kind.event_id.to_le_bytes()));
        if let Some(qualifiers) = kind.qualifiers {
            set(t::QUALIFIERS, 0x06, &|out| out.extend(qualifiers.to_le_bytes()));
        }
        set(t::KEYWORDS, 0x15, &|out| out.extend(kind.keywords.to_le_bytes()));
        set(t::TIME, 0x11, &|out| out.extend(time.to_le_bytes()));
        set(t::PROCESS, 0x08, &|out| {
            out.extend(event.process_id.to_le_bytes())
        });
        set(t::THREAD, 0x08, &|out| out.extend(event.thread_id.to_le_bytes()));
        set(t::RECORD, 0x0a, &|out| out.extend(id.to_le_bytes()));
        set(t::VERSION, 0x04, &|out| out.push(kind.version));
        if let Some(user) = event.user {
            set(t::USER, 0x13, &|out| user.push(out));
        }
        set(t::PROVIDER, 0x01, &|out| push_utf16(out, kind.provider));
        if let Some(guid) = kind.guid {
            set(t::GUID, 0x0f, &|out| out.extend(guid.to_windows()));
        }
        set(t::CHANNEL, 0x01, &|out| push_utf16(out, channel));
        set(t::DATA, 0x21, &|_| {});
        self.bytes.extend(&values);
        self.values = values;
        descriptors + usize::from(t::DATA) * 4
    }

    /// Writes the nested fragment of the event's own data.
    fn event_data(&mut self, data: &Data<'_>) {
        self.begin_instance(data_key(data), |out| template::write_data(out, data));
        match data {
            Data::Named(values) => self.named_values(values),
            Data::Unnamed(texts) => {
                self.bytes.extend(3u32.to_le_bytes());
                let descriptors = self.bytes.len();
                self.bytes.extend([0, 0, 0x81, 0, 4, 0, 0x08, 0, 0, 0, 0, 0]);
                let before = self.bytes.len();
                for text in *texts {
                    push_utf16(&mut self.bytes, text);
                    self.bytes.extend([0, 0]);
                }
                let len = (self.bytes.len() - before) as u16;
                self.put_u16(descriptors, len);
                self.bytes.extend([0; 4]);
            }
        }
        self.bytes.push(0);
    }

    fn named_values(&mut self, values: &[(&'static str, Value<'_>)]) {
        self.bytes.extend((values.len() as u32).to_le_bytes());
        let descriptors = self.bytes.len();
        self.bytes.resize(descriptors + values.len() * 4, 0);
        for (index, (_, value)) in values.iter().enumerate() {
            let before = self.bytes.len();
            value.push(&mut self.bytes);
            let len = (self.bytes.len() - before) as u16;
            let at = descriptors + index * 4;
            self.put_u16(at, len);
            self.bytes[at + 2] = value.instance_type();
        }
    }

    fn put_u16(&mut self, at: usize, value: u16) {
        self.bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }

    /// Fills in the chunk header and returns the whole chunk.
    pub(super) fn close(&mut self) -> &[u8] {
        let free = self.bytes.len() as u32;
        let events_checksum = crc32fast::hash(&self.bytes[CHUNK_HEADER..]);
        self.bytes.resize(CHUNK_SIZE, 0);
        let last = self.first_record + self.records.max(1) - 1;
        let header = &mut self.bytes[..CHUNK_HEADER];
        header[..8].copy_from_slice(b"ElfChnk\0");
        for (at, value) in [
            (8, self.first_record),
            (16, last),
            (24, self.first_record),
            (32, last),
        ] {
            header[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        for (at, value) in [
            (40, 128),
            (44, self.last_record_offset),
            (48, free),
            (52, events_checksum),
        ] {
            header[at..at + 4].copy_from_slice(&u32::to_le_bytes(value));
        }
        let tables = self.tables.names.iter().chain(&self.tables.templates);
        for (slot, offset) in header[128..].chunks_exact_mut(4).zip(tables) {
            slot.copy_from_slice(&offset.to_le_bytes());
        }
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&header[..120]);
        checksum.update(&header[128..]);
        header[124..128].copy_from_slice(&checksum.finalize().to_le_bytes());
        &self.bytes
    }
}

/// Writes the tokens of a template definition.
pub(super) struct Encoder<'a> {
    bytes: &'a mut Vec<u8>,
    names: &'a mut HashMap<&'static str, u32>,
    buckets: &'a mut [u32; 64],
}

/// A size to be filled in when what it measures is complete.
#[must_use]
pub(super) struct SizeAt(usize);

impl Encoder<'_> {
    pub(super) fn begin_size(&mut self) -> SizeAt {
        self.bytes.extend([0; 4]);
        SizeAt(self.bytes.len())
    }

    pub(super) fn end_size(&mut self, start: SizeAt) {
        let size = (self.bytes.len() - start.0) as u32;
        self.bytes[start.0 - 4..start.0].copy_from_slice(&size.to_le_bytes());
    }

    /// The start of an element that is left out when value `depends_on` is null.
    pub(super) fn open(&mut self, name: &'static str, depends_on: u16, has_attributes: bool) -> SizeAt {
        self.bytes.push(if has_attributes { 0x41 } else { 0x01 });
        self.bytes.extend(depends_on.to_le_bytes());
        let size = self.begin_size();
        self.name(name);
        size
    }

    /// An attribute; its value follows.
    pub(super) fn attribute(&mut self, name: &'static str, last: bool) {
        self.bytes.push(if last { 0x06 } else { 0x46 });
        self.name(name);
    }

    pub(super) fn close_start(&mut self) {
        self.bytes.push(0x02);
    }

    pub(super) fn end_element(&mut self, size: SizeAt) {
        self.bytes.push(0x04);
        self.end_size(size);
    }

    pub(super) fn end_empty(&mut self, size: SizeAt) {
        self.bytes.push(0x03);
        self.end_size(size);
    }

    /// Literal text.
    pub(super) fn text(&mut self, text: &str) {
        self.bytes.extend([0x05, 0x01]);
        self.bytes
            .extend((text.encode_utf16().count() as u16).to_le_bytes());
        push_utf16(self.bytes, text);
    }

    /// A value of the instance.
    pub(super) fn substitution(&mut self, index: u16, value_type: u8) {
        self.bytes.push(0x0d);
        self.bytes.extend(index.to_le_bytes());
        self.bytes.push(value_type);
    }

    /// A value of the instance that may be absent.
    pub(super) fn optional(&mut self, index: u16, value_type: u8) {
        self.substitution(index, value_type);
        let token = self.bytes.len() - 4;
        self.bytes[token] = 0x0e;
    }

    fn name(&mut self, name: &'static str) {
        if let Some(offset) = self.names.get(name) {
            self.bytes.extend(offset.to_le_bytes());
            return;
        }
        let offset = self.bytes.len() as u32 + 4;
        self.bytes.extend(offset.to_le_bytes());
        let hash = name_hash(name);
        let bucket = usize::from(hash) % 64;
        self.bytes.extend(self.buckets[bucket].to_le_bytes());
        self.bytes.extend(hash.to_le_bytes());
        self.bytes
            .extend((name.encode_utf16().count() as u16).to_le_bytes());
        push_utf16(self.bytes, name);
        self.bytes.extend([0, 0]);
        self.buckets[bucket] = offset;
        self.names.insert(name, offset);
    }
}

/// The hash of a name in the chunk's table: the low half of a multiplicative hash over its UTF-16 units.
pub(super) fn name_hash(name: &str) -> u16 {
    name.encode_utf16().fold(0u32, |hash, unit| {
        hash.wrapping_mul(65_599).wrapping_add(u32::from(unit))
    }) as u16
}

/// Windows time: 100 ns intervals since 1601-01-01.
fn filetime(time: Timestamp) -> u64 {
    (time * 10 + FILETIME_EPOCH).max(0) as u64
}

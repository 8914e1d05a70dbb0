//! Small event logs made up for tests: templates, values and chunks as Windows lays them out.

pub(super) const CHUNK: usize = 65_536;
pub(super) const HEADER: usize = 4_096;
const CHUNK_HEADER: usize = 512;

/// A piece of a template.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// An element with its attributes and children.
    Element(&'static str, Vec<(&'static str, Part)>, Vec<Part>),
    Text(&'static str),
    /// A substitution: its number and whether it is optional.
    Slot(u16, bool),
}

pub(super) fn element(
    name: &'static str,
    attributes: Vec<(&'static str, Part)>,
    children: Vec<Part>,
) -> Part {
    Part::Element(name, attributes, children)
}

/// `<name>%slot</name>`.
pub(super) fn leaf(name: &'static str, slot: u16) -> Part {
    element(name, vec![], vec![Part::Slot(slot, true)])
}

/// `<Data Name="name">%slot</Data>`.
pub(super) fn data(name: &'static str, slot: u16) -> Part {
    element(
        "Data",
        vec![("Name", Part::Text(name))],
        vec![Part::Slot(slot, false)],
    )
}

/// A value of a record.
#[derive(Debug, Clone)]
pub(super) enum Given {
    /// A wire type and its bytes.
    Raw(u8, Vec<u8>),
    /// The instance of another template, as a value.
    Nested(usize, Vec<Given>),
}

pub(super) fn text(value: &str) -> Given {
    Given::Raw(0x01, utf16(value))
}

pub(super) fn null() -> Given {
    Given::Raw(0, Vec::new())
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// One chunk being filled. A template is written out where it is used first.
pub(super) struct Chunk<'t> {
    bytes: Vec<u8>,
    templates: &'t [Part],
    written: Vec<Option<u32>>,
    numbers: Vec<u64>,
    last_offset: usize,
}

impl<'t> Chunk<'t> {
    pub(super) fn new(templates: &'t [Part]) -> Chunk<'t> {
        Chunk {
            bytes: vec![0; CHUNK_HEADER],
            templates,
            written: vec![None; templates.len()],
            numbers: Vec::new(),
            last_offset: 0,
        }
    }

    /// Adds a record: the instance of a template.
    pub(super) fn record(&mut self, number: u64, filetime: u64, template: usize, values: &[Given]) {
        let start = self.bytes.len();
        self.bytes.extend(b"\x2a\x2a\0\0");
        self.u32(0);
        self.bytes.extend(number.to_le_bytes());
        self.bytes.extend(filetime.to_le_bytes());
        self.instance(template, values);
        self.bytes.push(0);
        let size = u32::try_from(self.bytes.len() + 4 - start).unwrap();
        self.u32(size);
        self.bytes[start + 4..start + 8].copy_from_slice(&size.to_le_bytes());
        self.numbers.push(number);
        self.last_offset = start;
    }

    fn u16(&mut self, value: u16) {
        self.bytes.extend(value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.bytes.extend(value.to_le_bytes());
    }

    fn here(&self) -> u32 {
        u32::try_from(self.bytes.len()).unwrap()
    }

    fn instance(&mut self, template: usize, values: &[Given]) {
        self.bytes.extend([0x0f, 1, 1, 0, 0x0c, 1]);
        self.u32(u32::try_from(template).unwrap());
        match self.written[template] {
            Some(offset) => self.u32(offset),
            None => self.definition(template),
        }
        self.u32(u32::try_from(values.len()).unwrap());
        let table = self.bytes.len();
        self.bytes.resize(table + 4 * values.len(), 0);
        for (index, value) in values.iter().enumerate() {
            let start = self.bytes.len();
            let kind = match value {
                Given::Raw(kind, bytes) => {
                    self.bytes.extend(bytes);
                    *kind
                }
                Given::Nested(template, values) => {
                    self.instance(*template, values);
                    self.bytes.push(0);
                    0x21
                }
            };
            let size = u16::try_from(self.bytes.len() - start).unwrap();
            let at = table + 4 * index;
            self.bytes[at..at + 2].copy_from_slice(&size.to_le_bytes());
            self.bytes[at + 2] = kind;
        }
    }

    fn definition(&mut self, template: usize) {
        let offset = self.here() + 4;
        self.u32(offset);
        self.written[template] = Some(offset);
        self.u32(0);
        self.bytes.extend([u8::try_from(template).unwrap(); 16]);
        self.u32(0);
        let start = self.bytes.len();
        self.bytes.extend([0x0f, 1, 1, 0]);
        let templates = self.templates;
        self.part(&templates[template]);
        self.bytes.push(0);
        let size = u32::try_from(self.bytes.len() - start).unwrap();
        self.bytes[start - 4..start].copy_from_slice(&size.to_le_bytes());
    }

    fn part(&mut self, part: &Part) {
        match part {
            Part::Text(text) => {
                self.bytes.extend([0x05, 0x01]);
                let bytes = utf16(text);
                self.u16(u16::try_from(bytes.len() / 2).unwrap());
                self.bytes.extend(bytes);
            }
            Part::Slot(number, optional) => {
                self.bytes.push(if *optional { 0x0e } else { 0x0d });
                self.u16(*number);
                self.bytes.push(0x01);
            }
            Part::Element(name, attributes, children) => {
                self.bytes.push(if attributes.is_empty() { 0x01 } else { 0x41 });
                self.u16(0xffff);
                self.u32(0);
                self.name(name);
                if !attributes.is_empty() {
                    self.u32(0);
                }
                for (name, value) in attributes {
                    self.bytes.push(0x06);
                    self.name(name);
                    self.part(value);
                }
                self.bytes.push(0x02);
                for child in children {
                    self.part(child);
                }
                self.bytes.push(0x04);
            }
        }
    }

    /// A name, written out where it is referred to.
    fn name(&mut self, name: &str) {
        let offset = self.here() + 4;
        self.u32(offset);
        self.bytes.extend([0; 6]);
        let bytes = utf16(name);
        self.u16(u16::try_from(bytes.len() / 2).unwrap());
        self.bytes.extend(bytes);
        self.u16(0);
    }

    /// The chunk's bytes, checksums and all.
    pub(super) fn finish(self) -> Vec<u8> {
        let mut bytes = self.bytes;
        let free = bytes.len();
        assert!(free <= CHUNK, "{free} bytes do not fit a chunk");
        let checksum = crc32fast::hash(&bytes[CHUNK_HEADER..]);
        bytes.resize(CHUNK, 0);
        let (first, last) = (self.numbers[0], self.numbers[self.numbers.len() - 1]);
        bytes[..8].copy_from_slice(b"ElfChnk\0");
        for (at, number) in [(8, first), (16, last), (24, first), (32, last)] {
            bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
        }
        let small = [(40, 128), (44, self.last_offset), (48, free)];
        for (at, value) in small {
            bytes[at..at + 4].copy_from_slice(&u32::try_from(value).unwrap().to_le_bytes());
        }
        bytes[52..56].copy_from_slice(&checksum.to_le_bytes());
        let mut header = crc32fast::Hasher::new();
        header.update(&bytes[..120]);
        header.update(&bytes[128..CHUNK_HEADER]);
        bytes[124..128].copy_from_slice(&header.finalize().to_le_bytes());
        bytes
    }
}

/// A file of these chunks.
pub(super) fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    bytes[..8].copy_from_slice(b"ElfFile\0");
    bytes[32..36].copy_from_slice(&128u32.to_le_bytes());
    bytes[36..40].copy_from_slice(&[1, 0, 3, 0]);
    bytes[40..42].copy_from_slice(&4096u16.to_le_bytes());
    bytes[42..44].copy_from_slice(&u16::try_from(chunks.len()).unwrap().to_le_bytes());
    let checksum = crc32fast::hash(&bytes[..120]);
    bytes[124..128].copy_from_slice(&checksum.to_le_bytes());
    bytes.extend(chunks.concat());
    bytes
}

/// The template of an event: its system section, and its own data as value 3.
fn event(channel: &'static str, provider: &'static str) -> Part {
    let system = element(
        "System",
        vec![],
        vec![
            element("Provider", vec![("Name", Part::Text(provider))], vec![]),
            element(
                "EventID",
                vec![("Qualifiers", Part::Slot(4, true))],
                vec![Part::Slot(0, false)],
            ),
            leaf("Level", 5),
            leaf("Keywords", 6),
            element("TimeCreated", vec![("SystemTime", Part::Slot(1, false))], vec![]),
            leaf("EventRecordID", 2),
            element(
                "Execution",
                vec![
                    ("ProcessID", Part::Slot(7, true)),
                    ("ThreadID", Part::Slot(7, true)),
                ],
                vec![],
            ),
            element("Channel", vec![], vec![Part::Text(channel)]),
            element("Computer", vec![], vec![Part::Text("EX01.example.local")]),
            element("Security", vec![("UserID", Part::Slot(8, true))], vec![]),
        ],
    );
    element("Event", vec![], vec![system, Part::Slot(3, true)])
}

/// What the templates of [`log`] are.
pub(super) fn templates() -> Vec<Part> {
    vec![
        event("Security", "Microsoft-Windows-Security-Auditing"),
        element(
            "EventData",
            vec![],
            vec![
                data("NewProcessName", 0),
                data("CommandLine", 1),
                data("ProcessId", 2),
                data("Level", 3),
            ],
        ),
        event("MSExchange Management", "MSExchange CmdletLogs"),
        element(
            "EventData",
            vec![],
            vec![
                element("Data", vec![], vec![Part::Slot(0, false)]),
                leaf("Binary", 1),
            ],
        ),
        element(
            "UserData",
            vec![],
            vec![element(
                "LogFileCleared",
                vec![("xmlns", Part::Text("urn:x"))],
                vec![
                    leaf("SubjectUserName", 0),
                    leaf("Channel", 1),
                    leaf("BackupPath", 2),
                ],
            )],
        ),
        element(
            "EventData",
            vec![("Name", Part::Text("Lists"))],
            vec![
                data("Addresses", 0),
                data("Same", 1),
                data("Same", 1),
                data("Empty", 2),
            ],
        ),
    ]
}

/// 2021-03-03T06:49:46.21Z, as the first record's time; the others follow by seconds.
const FIRST_TIME: u64 = 132_592_277_862_100_000;

fn system_values(number: u64, id: u16, own: Given) -> Vec<Given> {
    vec![
        Given::Raw(0x06, id.to_le_bytes().to_vec()),
        Given::Raw(0x11, (FIRST_TIME + number * 10_000_000).to_le_bytes().to_vec()),
        Given::Raw(0x0a, number.to_le_bytes().to_vec()),
        own,
        null(),
        Given::Raw(0x04, vec![4]),
        Given::Raw(0x15, 0x8020_0000_0000_0000u64.to_le_bytes().to_vec()),
        Given::Raw(0x08, 712u32.to_le_bytes().to_vec()),
        Given::Raw(0x13, vec![1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]),
    ]
}

/// Adds a round of all kinds of events, numbered from `first`.
fn add_events(chunk: &mut Chunk<'_>, first: u64) {
    let strings = |items: &[&str]| {
        Given::Raw(
            0x81,
            items
                .iter()
                .flat_map(|item| utf16(&format!("{item}\0")))
                .collect(),
        )
    };
    let events = [
        (
            0,
            4688,
            Given::Nested(
                1,
                vec![
                    text("C:\\Windows\\System32\\cmd.exe"),
                    text("\"cmd.exe\" /c echo é"),
                    Given::Raw(0x14, 0x1092u32.to_le_bytes().to_vec()),
                    text("own"),
                ],
            ),
        ),
        (
            2,
            1,
            Given::Nested(
                3,
                vec![
                    strings(&["Set-OabVirtualDirectory", "", "-Identity x"]),
                    Given::Raw(0x0e, vec![0, 0xff]),
                ],
            ),
        ),
        (2, 1, Given::Nested(3, vec![text("one text"), null()])),
        (
            0,
            1102,
            Given::Nested(4, vec![text("admin"), text("Application"), text("")]),
        ),
        (
            2,
            6,
            Given::Nested(
                5,
                vec![
                    Given::Raw(0x88, [1u32, 2].map(u32::to_le_bytes).concat()),
                    text("twice"),
                    null(),
                ],
            ),
        ),
    ];
    for (number, (template, id, own)) in (first..).zip(events) {
        chunk.record(number, FIRST_TIME, template, &system_values(number, id, own));
    }
}

/// A log of three chunks with all kinds of events, some of them many times.
pub(super) fn log() -> Vec<u8> {
    let templates = templates();
    let mut number = 1;
    let chunks: Vec<_> = (0..3)
        .map(|_| {
            let mut chunk = Chunk::new(&templates);
            for _ in 0..4 {
                add_events(&mut chunk, number);
                number += 5;
            }
            chunk.finish()
        })
        .collect();
    file(&chunks)
}

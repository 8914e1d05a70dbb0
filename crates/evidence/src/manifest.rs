//! What was read, and what was not.

use serde::{Serialize, Serializer};
use vigie_event::{FileId, Source, Timestamp};

use crate::message::{self, Message};

/// A place that holds the evidence of one machine: a folder, an archive, or loose files beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
pub struct UnitId(pub u32);

/// One unit of evidence and whose it is.
#[derive(Debug, Clone, Serialize)]
pub struct Unit {
    /// Its number in this run.
    pub id: UnitId,
    /// Where it is, as the user would write it: `evidence/ACME/EX01` or `evidence/ex01.zip`.
    pub path: String,
    /// The tenant, when the layout is `TENANT/SERVER/...` or the collection says so.
    pub tenant: Option<String>,
    /// The host's name: from its own evidence first, then from the folder or archive name.
    pub host: Option<String>,
    /// Where the name comes from: `Computer`, `ServerName`... of its rows, `collection info`, `folder name`.
    pub host_source: Option<String>,
    /// What kind of container it is: `folder`, `zip`, `velociraptor`, `kape`, `exchange_log_collector`, `file` for a
    /// single one, `loose` for files beside machines that belong to none of them.
    pub container: String,
}

/// A file as parsers and sinks see it.
#[derive(Debug, Clone)]
pub struct FileRef {
    /// Its number, the same as in [`FileEntry`].
    pub id: FileId,
    /// The unit it belongs to.
    pub unit: UnitId,
    /// Its path as shown to people, `/`-separated; entries of an archive come after `!/`: `ACME/ex01.zip!/C/inetpub/x.log`.
    pub path: String,
    /// Its path on the machine it was collected from, when the container tells: `C:\inetpub\wwwroot\x.aspx`.
    pub original_path: Option<String>,
    /// Its size in bytes, when known before reading.
    pub size: Option<u64>,
    /// Last write time, UTC, when the container keeps it.
    pub modified: Option<Timestamp>,
    /// Creation time, UTC, when the container keeps it.
    pub created: Option<Timestamp>,
    /// What it was recognised as.
    pub source: Option<Source>,
}

/// Bytes or records that were not turned into rows, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skip {
    /// What was skipped and why: `line longer than 1048576 bytes`. In JSON `why`, `code` and `parameters`.
    #[serde(flatten, serialize_with = "message::why")]
    pub why: Message,
    /// How many records or lines (0 when only bytes are known).
    pub records: u64,
    /// How many bytes.
    pub bytes: u64,
    /// Where it happened first: a line number, record number or byte offset, as text (`line 17`, `chunk 3`).
    pub first_at: Option<String>,
}

/// Two clocks in one source that disagree: the envelope's and the event's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClockOffset {
    /// Microseconds added to the envelope's time to get UTC.
    pub applied_micros: i64,
    /// Rows on which both clocks were seen.
    pub rows: u64,
    /// What was compared with what: `EventTime` against `UtcTime`.
    pub between: String,
}

/// A fact about the server that the evidence happens to tell, such as the build in an HttpProxy header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Observation {
    /// `exchange_build`, `check_run`, `check_result`, `iis_module`, ...
    pub kind: String,
    /// The value, `15.01.2106.002`.
    pub value: String,
    /// When it was true, UTC.
    pub time: Option<Timestamp>,
    /// Where exactly: `line 2`.
    pub at: Option<String>,
}

/// One file of the evidence.
#[derive(Debug, Clone, Serialize)]
pub struct FileEntry {
    /// Its number in this run.
    #[serde(skip)]
    pub id: FileId,
    /// The unit it belongs to.
    pub unit: UnitId,
    /// Its path as shown to people.
    pub path: String,
    /// Its path on its machine, when the container tells.
    pub original_path: Option<String>,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of all its bytes, lower-case hexadecimal; empty when it could not be read to its end.
    pub sha256: String,
    /// The recognised source's identifier; `None` when nothing recognised it.
    pub source: Option<&'static str>,
    /// The name of the format within the source: `evtx`, `winlogbeat`, `w3c`, ...
    pub format: Option<&'static str>,
    /// Records turned into rows.
    pub records: u64,
    /// The first event's time.
    pub first: Option<Timestamp>,
    /// The last event's time.
    pub last: Option<Timestamp>,
    /// What was not read, and why.
    pub skipped: Vec<Skip>,
    /// Clock corrections applied.
    pub clock: Vec<ClockOffset>,
    /// Facts it told.
    pub observations: Vec<Observation>,
}

/// Everything that was read.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Manifest {
    /// The machines' places, by [`UnitId`].
    pub units: Vec<Unit>,
    /// All files, by [`FileId`]. Workers number files as they come to them, so a number says nothing outside of its
    /// run; whatever is shown goes through [`Manifest::by_path`], and so does the JSON.
    #[serde(serialize_with = "in_order")]
    pub files: Vec<FileEntry>,
    /// What went wrong outside of one file: refused archive entries, unreadable folders, caps reached. In JSON `warnings`, the
    /// sentences, and `warning_codes`, at the same positions.
    #[serde(flatten, serialize_with = "in_both_ways")]
    pub warnings: Vec<Message>,
    /// Bytes read, after unpacking.
    pub bytes: u64,
    /// Rows handed over.
    pub records: u64,
    /// Whether the run was stopped before its end.
    pub interrupted: bool,
}

impl Manifest {
    /// All files in the order of their paths, the same on every run over the same evidence.
    pub fn by_path(&self) -> Vec<&FileEntry> {
        sorted(&self.files)
    }
}

fn sorted(files: &[FileEntry]) -> Vec<&FileEntry> {
    let mut files: Vec<&FileEntry> = files.iter().collect();
    files.sort_by(|a, b| (&a.path, &a.sha256).cmp(&(&b.path, &b.sha256)));
    files
}

fn in_both_ways<S: Serializer>(warnings: &[Message], serializer: S) -> Result<S::Ok, S::Error> {
    message::warnings(warnings, serializer)
}

fn in_order<S: Serializer>(files: &[FileEntry], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(sorted(files))
}

//! Text logs that roll over by hour, day and size, with the headers their writers give them.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use vigie_event::{MICROS_PER_DAY, Timestamp, format_date};

use crate::plan::{SimulateError, failed};
use crate::text::Text;

/// Exchange starts a new file at this size.
const SIZE_CAP: u64 = 10 * 1024 * 1024;
/// How much text is kept before it goes to the disk.
const BUFFER: usize = 256 * 1024;
const MICROS_PER_HOUR: i64 = MICROS_PER_DAY / 24;

/// How a log names its files and starts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    /// What comes before the date in the file name.
    pub(crate) prefix: &'static str,
    /// Whether a new file starts every hour (otherwise every day).
    pub(crate) hourly: bool,
    /// What stands at the top of every file.
    pub(crate) header: Header,
}

/// The lines at the top of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Header {
    /// Exchange `Logging`: a bare CSV header, then the `#` lines. `version` is the build unless fixed.
    Logging {
        log_type: &'static str,
        fields: &'static str,
        version: Option<&'static str>,
    },
    /// Exchange `TransportRoles\Logs`: the `#` lines only.
    Transport {
        log_type: &'static str,
        fields: &'static str,
    },
    /// IIS W3C extended: no byte order mark, no number in the file name.
    W3c { fields: &'static str },
}

/// A log being written: one file at a time.
#[derive(Debug)]
pub(crate) struct RollingLog {
    /// The line being built, after what is not yet on the disk.
    pub(crate) text: Text,
    style: Style,
    root: PathBuf,
    folder: String,
    file: Option<Open>,
    number: u32,
    period: i64,
    written: u64,
}

#[derive(Debug)]
struct Open {
    file: File,
    path: String,
    version: String,
    bytes: u64,
    lines: u64,
    last: Timestamp,
}

impl RollingLog {
    /// A log in `folder`, a `/`-separated path below `root`. Nothing is created before the first line.
    pub(crate) fn new(root: &Path, folder: &str, style: Style) -> RollingLog {
        RollingLog {
            text: Text::default(),
            style,
            root: root.to_owned(),
            folder: folder.to_owned(),
            file: None,
            number: 0,
            period: i64::MIN,
            written: 0,
        }
    }

    /// Prepares for a line of this time, written by this build. The caller appends to [`RollingLog::text`].
    pub(crate) fn begin(&mut self, time: Timestamp, version: &str) -> Result<&mut Text, SimulateError> {
        let length = if self.style.hourly {
            MICROS_PER_HOUR
        } else {
            MICROS_PER_DAY
        };
        let period = time.div_euclid(length);
        let numbered = !matches!(self.style.header, Header::W3c { .. });
        let stale = self.file.as_ref().is_none_or(|open| {
            numbered && (open.bytes + self.text.bytes.len() as u64 > SIZE_CAP || open.version != version)
        });
        if stale || period != self.period {
            self.close()?;
            self.number = if period == self.period { self.number + 1 } else { 1 };
            self.period = period;
            self.open(time, version)?;
        }
        if let Some(open) = &mut self.file {
            debug_assert!(open.last <= time, "{}: lines must be in order", open.path);
            open.last = time;
        }
        Ok(&mut self.text)
    }

    /// Ends the line.
    pub(crate) fn end(&mut self) -> Result<(), SimulateError> {
        self.text.s("\r\n");
        if let Some(open) = &mut self.file {
            open.lines += 1;
        }
        if self.text.bytes.len() > BUFFER {
            self.flush()?;
        }
        Ok(())
    }

    /// The file and the number of the line written last.
    pub(crate) fn here(&self) -> (String, u64) {
        self.file
            .as_ref()
            .map_or_else(Default::default, |open| (open.path.clone(), open.lines))
    }

    /// Bytes written so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.written + self.text.bytes.len() as u64
    }

    /// Writes what is pending and closes the file, dated by its last line.
    pub(crate) fn close(&mut self) -> Result<(), SimulateError> {
        self.flush()?;
        if let Some(open) = self.file.take() {
            set_modified(&open.file, open.last).map_err(failed(&self.root.join(&open.path)))?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SimulateError> {
        let Some(open) = &mut self.file else {
            return Ok(());
        };
        open.file
            .write_all(&self.text.bytes)
            .map_err(failed(&self.root.join(&open.path)))?;
        let len = self.text.bytes.len() as u64;
        open.bytes += len;
        self.written += len;
        self.text.bytes.clear();
        Ok(())
    }

    fn open(&mut self, time: Timestamp, version: &str) -> Result<(), SimulateError> {
        let path = format!("{}/{}", self.folder, self.file_name(time));
        let full = self.root.join(&path);
        if self.written == 0 {
            let folder = self.root.join(&self.folder);
            std::fs::create_dir_all(&folder).map_err(failed(&folder))?;
        }
        let file = File::create(&full).map_err(failed(&full))?;
        let lines = self.header(time, version);
        self.file = Some(Open {
            file,
            path,
            version: version.to_owned(),
            bytes: 0,
            lines,
            last: time,
        });
        Ok(())
    }

    fn file_name(&self, time: Timestamp) -> String {
        let date = format_date(time).replace('-', "");
        let prefix = self.style.prefix;
        if let Header::W3c { .. } = self.style.header {
            return format!("{prefix}{}.log", date.get(2..).unwrap_or(&date));
        }
        let number = self.number;
        if self.style.hourly {
            let hour = time.rem_euclid(MICROS_PER_DAY) / MICROS_PER_HOUR;
            return format!("{prefix}{date}{hour:02}-{number}.LOG");
        }
        format!("{prefix}{date}-{number}.LOG")
    }

    /// Writes the header lines and says how many they are.
    fn header(&mut self, time: Timestamp, build: &str) -> u64 {
        let text = &mut self.text;
        match self.style.header {
            Header::W3c { fields } => {
                text.s("#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Date: ");
                text.iis(time).s("\r\n#Fields: ").s(fields).s("\r\n");
                4
            }
            Header::Logging {
                log_type,
                fields,
                version,
            } => {
                text.s("\u{feff}").s(fields).s("\r\n");
                exchange_header(text, time, version.unwrap_or(build), log_type, fields);
                6
            }
            Header::Transport { log_type, fields } => {
                text.s("\u{feff}");
                exchange_header(text, time, build, log_type, fields);
                5
            }
        }
    }
}

fn exchange_header(text: &mut Text, time: Timestamp, version: &str, log_type: &str, fields: &str) {
    text.s("#Software: Microsoft Exchange Server\r\n#Version: ")
        .s(version);
    text.s("\r\n#Log-type: ").s(log_type).s("\r\n#Date: ").iso(time);
    text.s("\r\n#Fields: ").s(fields).s("\r\n");
}

/// Dates a file. Times before 1970 are left out: no log has them.
pub(crate) fn set_modified(file: &File, time: Timestamp) -> std::io::Result<()> {
    file.set_modified(UNIX_EPOCH + Duration::from_micros(time.max(0) as u64))
}

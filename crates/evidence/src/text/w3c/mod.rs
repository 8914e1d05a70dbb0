//! W3C extended logs: IIS (`u_exYYMMDD.log`) and HTTP.sys (`httperrN.log`).
//!
//! Source: "Extended Log File Format" (W3C working draft WD-logfile-960323) and the IIS and HTTP API documentation.
//! Values are separated by one space, `-` means none, times are UTC. The header may change or repeat inside a file.

mod align;
mod clock;

use memchr::memmem::Finder;
use vigie_event::Source;

use self::align::Kind;
use self::clock::Clock;
use super::csv::{self, Fields, Row};
use super::exchange;
use super::head::{self, Preamble};
use super::ledger::{Ledger, Reason};
use super::lines::{Line, Lines};
use super::table::{self, Columns, MAX_COLUMNS, Table};
use super::whole;
use crate::format::{Confidence, Context, Format, Head, Outcome};
use std::io::Read;
use vigie_event::EventBatch;

/// IIS sites.
pub(super) static IIS: Format = Format {
    name: "w3c",
    source: Source::Iis,
    recognise: |head| claims(head, Source::Iis),
    parse: |input, context, emit| read(Source::Iis, input, context, emit).0,
};

/// HTTP.sys errors.
pub(super) static HTTPERR: Format = Format {
    name: "httperr",
    source: Source::HttpErr,
    recognise: |head| claims(head, Source::HttpErr),
    parse: |input, context, emit| read(Source::HttpErr, input, context, emit).0,
};

/// The layouts IIS writes when nobody chose fields, for excerpts that lost their header: since IIS 8 and before.
const DEFAULT_LAYOUTS: [&str; 2] = [
    "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) \
     sc-status sc-substatus sc-win32-status time-taken",
    "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) \
     sc-status sc-substatus sc-win32-status time-taken",
];

fn claims(head: &Head<'_>, source: Source) -> Option<Confidence> {
    let text = head::text(head)?;
    let (found, confidence) = source_of(head, &Preamble::of(&text))?;
    (found == source).then_some(confidence)
}

/// Which of the two a file is.
pub(super) fn source_of(head: &Head<'_>, preamble: &Preamble<'_>) -> Option<(Source, Confidence)> {
    let path = head::normal_path(head);
    // FTP and SMTP sites write the same format; what they say is not about web requests.
    let other_service = path.contains("/ftpsvc") || path.contains("/smtpsvc") || path.contains("/msftpsvc");
    if preamble.log_type.is_some() || other_service {
        return None;
    }
    if let Some(fields) = preamble.fields {
        let has = |name: &str| fields.split(' ').any(|field| field.eq_ignore_ascii_case(name));
        return if has("x-session") {
            None
        } else if has("s-reason") {
            Some((Source::HttpErr, Confidence::Certain))
        } else if has("cs-uri-stem") {
            Some((Source::Iis, Confidence::Certain))
        } else if preamble
            .software
            .is_some_and(|by| by.contains("Internet Information Services"))
        {
            Some((Source::Iis, Confidence::Content))
        } else {
            None
        };
    }
    let mut fields = Fields::default();
    let mut known = |row: &str| default_layout(&fields.split_plain(row, b' ')).is_some();
    if preamble.rows().any(&mut known) {
        return Some((Source::Iis, Confidence::Content));
    }
    match preamble.software {
        Some(by) if by.contains("Internet Information Services") => {
            return Some((Source::Iis, Confidence::Content));
        }
        Some(by) if by.contains("HTTP API") || by.contains("HTTP Server API") => {
            return Some((Source::HttpErr, Confidence::Content));
        }
        Some(_) => return None,
        None => {}
    }
    let folder = || path.contains("/w3svc") && !exchange::has_known_name(head);
    let source = by_name(head).or_else(|| folder().then_some(Source::Iis))?;
    head::log_name(head).map(|_| (source, Confidence::Name))
}

/// What the file's own name says.
pub(super) fn by_name(head: &Head<'_>) -> Option<Source> {
    let name = head::log_name(head)?;
    let dated = |prefix: &str| {
        let rest = name.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.len() >= 6 && rest.bytes().take(6).all(|byte| byte.is_ascii_digit()))
    };
    if name.starts_with("httperr") {
        Some(Source::HttpErr)
    } else {
        (dated("u_ex") || dated("ex")).then_some(Source::Iis)
    }
}

fn default_layout(row: &Row<'_>) -> Option<&'static str> {
    let fits = |layout: &&str| {
        let kinds = layout.split(' ').map(Kind::of);
        layout.split(' ').count() == row.len() && kinds.zip(row.iter()).all(|(kind, value)| kind.holds(value))
    };
    DEFAULT_LAYOUTS.into_iter().find(fits)
}

/// What a header said.
struct Layout {
    text: String,
    columns: Columns,
    kinds: Vec<Kind>,
    date: Option<usize>,
    time: Option<usize>,
    computer: Option<usize>,
    status: Option<usize>,
}

struct Reader<'a> {
    table: Table<'a>,
    layout: Option<Layout>,
    clock: Clock,
    canary: Finder<'static>,
}

/// Reads a whole log.
pub(super) fn read<'a>(
    source: Source,
    input: &mut dyn Read,
    context: &'a Context<'a>,
    emit: &'a mut dyn FnMut(EventBatch),
) -> (Outcome, Ledger) {
    let name = context.file.path.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut reader = Reader {
        table: Table::new(source, context, emit),
        layout: None,
        clock: Clock::starting(clock::date_in_name(&name.to_ascii_lowercase(), "ex")),
        canary: Finder::new("msExchEcpCanary="),
    };
    let mut lines = Lines::new(input, context.limits.line_bytes);
    let (mut fields, mut decoded) = (Fields::default(), String::new());
    while let Some(line) = lines.next(&mut reader.table.ledger) {
        let text = table::text(&line, &mut decoded, &mut reader.table.ledger);
        if let Some(directive) = text.strip_prefix('#') {
            reader.directive(directive, &line);
        } else {
            let row = fields.split_plain(text.trim_end_matches(' '), b' ');
            reader.row(&row, &line);
        }
    }
    reader.table.finish(lines)
}

impl Reader<'_> {
    fn directive(&mut self, directive: &str, line: &Line<'_>) {
        self.table.ledger.directives += 1;
        let Some((name, value)) = directive.split_once(':') else {
            return;
        };
        if name.eq_ignore_ascii_case("Fields") {
            self.header(value.trim(), line);
        } else if name.eq_ignore_ascii_case("Date") {
            self.clock.directive(value);
        }
    }

    fn header(&mut self, text: &str, line: &Line<'_>) {
        if self.layout.as_ref().is_some_and(|layout| layout.text == text) {
            return;
        }
        let names: Vec<&str> = text.split_ascii_whitespace().collect();
        if names.is_empty() || names.len() > MAX_COLUMNS {
            let bytes = line.bytes.len() as u64;
            self.table.ledger.count(Reason::WideHeader, line.number, bytes);
            self.table.ledger.directives -= 1;
            self.layout = None;
            return;
        }
        let position = |name: &str| names.iter().position(|other| other.eq_ignore_ascii_case(name));
        self.layout = Some(Layout {
            text: text.to_owned(),
            columns: self
                .table
                .columns(names.iter().copied(), whole::Layout::W3c, true),
            kinds: names.iter().map(|name| Kind::of(name)).collect(),
            date: position("date"),
            time: position("time"),
            computer: position("s-computername"),
            status: position("sc-status"),
        });
    }

    fn row(&mut self, row: &Row<'_>, line: &Line<'_>) {
        if self.layout.is_none()
            && let Some(layout) = default_layout(row)
        {
            self.header(layout, line);
        }
        let bytes = line.bytes.len() as u64;
        let Some(layout) = &self.layout else {
            self.table.ledger.count(Reason::NoHeader, line.number, bytes);
            return;
        };
        let value = |position: Option<usize>| position.map(|at| row.get(at));
        let time = self.clock.time(value(layout.date), value(layout.time));
        // The status shows whether fields are shifted in a row that has as many as it should.
        let status =
            value(layout.status).is_none_or(|status| Kind::Status.holds(status) || status.is_empty());
        let fits = row.len() == layout.columns.len();
        if time.is_none() && !fits {
            self.table.ledger.count(Reason::NotARow, line.number, bytes);
            return;
        }
        self.table.begin_row(time, line);
        if fits && status {
            self.table.set_row(&layout.columns, row, line);
            if let Some(computer) = value(layout.computer)
                && computer != "-"
            {
                self.table.host(computer, "s-computername");
            }
        } else {
            misfit(&mut self.table, layout, row, line);
        }
        if let Some(canary) = csv::after(row.line, &self.canary, ends_canary) {
            let column = self.table.builder.column("msExchEcpCanary");
            self.table.builder.set(column, canary);
        }
        self.table.end_row();
    }
}

/// The values of a row that has not as many fields as its header.
fn misfit(table: &mut Table<'_>, layout: &Layout, row: &Row<'_>, line: &Line<'_>) {
    let aligned = align::align(row, &layout.kinds);
    let reason = match &aligned {
        Some(values) if values.len() < layout.columns.len() => Reason::Short,
        Some(_) => Reason::Realigned,
        None => Reason::Unaligned,
    };
    table.ledger.count(reason, line.number, line.bytes.len() as u64);
    if let Some(values) = aligned {
        table.set_all(&layout.columns, values.into_iter());
        return;
    }
    let clock = |(position, value)| {
        let position = Some(position);
        if position == layout.date || position == layout.time {
            value
        } else {
            ""
        }
    };
    table.set_all(&layout.columns, row.iter().enumerate().map(clock));
    let column = table.builder.column("_Line");
    table.builder.set(column, row.line);
}

/// Where the value of a query parameter ends.
pub(super) fn ends_canary(byte: u8) -> bool {
    matches!(byte, b'&' | b';' | b',' | b'#' | b'"' | b'\'' | b'<' | b'>') || byte.is_ascii_whitespace()
}

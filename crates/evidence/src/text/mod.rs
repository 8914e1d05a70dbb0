//! Text logs: IIS, HTTP.sys and Exchange.
//!
//! All of them are lists of rows under a header that names the columns and may change inside a file. [`blocks`] reads
//! blocks of lines, [`lines`] takes them apart, [`csv`] a line into fields, [`table`] fields into batches; [`w3c`] and [`exchange`] know what a
//! header, a row and a time look like in each family. [`ledger`] counts where every line went.

mod blocks;
mod csv;
mod exchange;
mod head;
mod ledger;
mod lines;
mod table;
#[cfg(test)]
mod tests;
mod w3c;
mod whole;

use crate::format::{Confidence, Format, Head};

/// All text formats.
pub(crate) static FORMATS: &[&Format] = &[
    &w3c::IIS,
    &w3c::HTTPERR,
    &exchange::HTTPPROXY,
    &exchange::ECP_SERVER,
    &exchange::ECP_ACTIVITY,
    &exchange::OAB_GENERATOR,
    &exchange::CMDLET_INFRA,
    &exchange::EWS,
    &exchange::MAPI_HTTP,
    &exchange::MESSAGE_TRACKING,
    &exchange::SMTP_PROTOCOL,
    &exchange::AGENT_LOG,
    &exchange::ADMIN_AUDIT,
];

/// The formats of this room that claim a file. What each of them says by itself, but the first lines are looked at once
/// for all: collections hold thousands of small logs.
pub(crate) fn claims(head: &Head<'_>) -> Vec<(Confidence, &'static Format)> {
    let Some(text) = head::text(head) else {
        return Vec::new();
    };
    let preamble = head::Preamble::of(&text);
    let sources = [
        w3c::source_of(head, &preamble),
        exchange::source_of(head, &preamble),
    ];
    let format = |source| FORMATS.iter().copied().find(|format| format.source == source);
    sources
        .into_iter()
        .flatten()
        .filter_map(|(source, confidence)| Some((confidence, format(source)?)))
        .collect()
}

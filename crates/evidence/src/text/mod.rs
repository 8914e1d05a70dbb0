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

use crate::format::Format;

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

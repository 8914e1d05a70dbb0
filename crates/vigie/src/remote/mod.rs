//! The desk of a server, from the command line: what one does in a browser, for scripts and by hand.
//!
//! A verb is a few lines over [`session::Session`]: it finds what a name means ([`names`]), asks ([`client`]), and shows the
//! answer by a table of columns ([`show`]). `--format json` prints what the server answered, as it is.

mod address;
mod client;
mod fault;
mod names;
mod session;
mod show;
mod words;

pub(crate) mod audit;
pub(crate) mod campaign;
pub(crate) mod case;
pub(crate) mod evidence;
pub(crate) mod finding;
pub(crate) mod journal;
pub(crate) mod push;
pub(crate) mod tenant;

pub(crate) use session::Remote;

//! From paths to files: folders, archives, and whose they are.
//!
//! [`walk`] lists the files and [`layout`] says whose they are, before anything is read. Workers then take them one by
//! one ([`run`]): [`archive`] and [`nested`] go through archives entry by entry, [`file`](mod@file) hashes, recognises
//! and parses one file.
//! Entry names are labels ([`names`]); nothing is ever written but nested archives too large for memory, to temporary
//! files without a name.

mod archive;
mod budget;
mod bytes;
mod collection;
mod container;
mod file;
mod layout;
mod names;
mod nested;
mod readers;
mod run;
mod survey;
mod walk;
mod warnings;
mod zip;

pub(crate) use run::Run;
pub(crate) use walk::plan;

//! What `read` promises: every file is read or its loss is told, whatever holds it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod archives;
mod collections;
mod control;
mod damaged;
mod folders;
mod hostile;
mod support;

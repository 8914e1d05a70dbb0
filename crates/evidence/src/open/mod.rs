//! From paths to files: folders, archives, and whose they are.

mod reader;
mod walk;

pub(crate) use reader::Run;
pub(crate) use walk::plan;

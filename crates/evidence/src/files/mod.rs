//! Files that are evidence by themselves: web roots, compiled pages, dumps, IIS configuration, output of checks.

use crate::format::Format;

/// All document formats.
pub(crate) static FORMATS: &[&Format] = &[];

//! Detection over columns: Sigma rules and correlations, indicators, YARA. No I/O: texts and batches in, hits out.

pub mod indicators;
pub mod sigma;
pub mod yara;

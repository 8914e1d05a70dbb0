//! What the command line does with a desk: the real binary against the real server.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod audit;
mod backup;
mod drop;
mod line;
mod push;
mod scene;
#[path = "../../../desk/src/testing/skip.rs"]
mod skip;
mod verbs;

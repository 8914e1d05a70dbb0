//! What the command line does with a desk: the real binary against the real server.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod audit;
mod backup;
mod drop;
mod line;
mod push;
mod scene;
mod verbs;

//! Evidence on its way in: begun, sent in as many pieces as it takes, finished.
//!
//! What [`append`] acknowledges is on the disk, sealed, and survives a crash; what was written beyond that is cut off
//! before the next piece. The hash grows while the bytes stream by; after a restart it is worked out anew from what is
//! there. An upload that nobody touched for a week is given up ([`sweep`]).

mod receive;
mod store;

pub(crate) use receive::Hashes;
pub use receive::{append, finish, finish_as, receive_file};
pub use store::{NewUpload, Upload, UploadState, abort, begin, get, list, sweep};

#[cfg(test)]
mod tests;

//! The way in: paths to batches.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use vigie_event::{EventBatch, Projection};

use crate::{FileRef, Limits, Manifest, open};

/// Receives what is read. Called from several threads at once.
pub trait Sink: Sync {
    /// Which columns will be looked at, so that others need not be decoded; without it all are. A batch that leaves
    /// any out gives its rows back in full ([`EventBatch::whole_row`]).
    fn projection(&self) -> Option<&dyn Projection> {
        None
    }

    /// Rows of one file. Files come in any order, and so do the batches of a large event log.
    fn batch(&self, file: &FileRef, batch: EventBatch);

    /// The whole content of a file that is evidence by itself (not a log) and no larger than
    /// [`Limits::content_bytes`]: for content rules.
    fn content(&self, file: &FileRef, bytes: &[u8]) {
        let _ = (file, bytes);
    }
}

/// Told how far the reading is. Called from several threads at once.
pub trait Progress: Sync + Send {
    /// The sum of the sizes of all top-level files, once known.
    fn total(&self, bytes: u64);
    /// So many more bytes of top-level files are done.
    fn advance(&self, bytes: u64);
}

/// How to read.
#[derive(Clone)]
pub struct Options {
    /// Caps on what hostile evidence may cost.
    pub limits: Limits,
    /// Worker threads; 0 means one per core.
    pub threads: usize,
    /// Set from outside to stop cleanly.
    pub cancel: Arc<AtomicBool>,
    /// Where progress is told.
    pub progress: Option<Arc<dyn Progress>>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            limits: Limits::default(),
            threads: 0,
            cancel: Arc::new(AtomicBool::new(false)),
            progress: None,
        }
    }
}

/// Why nothing could be read at all. What goes wrong inside the evidence is in the [`crate::Manifest`] instead.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// A path given by the user does not exist or cannot be opened.
    #[error("cannot open {path}: {cause}; check the path and its permissions")]
    Open {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
}

/// Reads everything at `paths` and hands it to `sink`.
///
/// Files are shared over worker threads, the entries of one archive too. Memory is bounded whatever the size of the
/// evidence. Per worker: the rows of one batch ([`Limits::batch_bytes`]), 64 KiB of head, one content to scan
/// ([`Limits::content_bytes`]) or one document ([`Limits::document_bytes`]), and per level of nesting
/// ([`Limits::archive_depth`]) one nested archive of at most 4 MiB; a larger one is read in place when it is stored as
/// it is, or from a temporary file without a name ([`Limits::spool_bytes`]). Per open archive: 48 bytes for each entry
/// ([`Limits::archive_entries`]), and of a damaged one the headers that were recovered with at most 64 MiB of names.
/// What grows with the number of files is the manifest itself ([`Limits::files`]).
///
/// # Errors
/// Only when a path given by the user cannot be opened. What goes wrong inside the evidence is in the [`Manifest`].
pub fn read(paths: &[PathBuf], options: &Options, sink: &dyn Sink) -> Result<Manifest, EvidenceError> {
    let plan = open::plan(paths, &options.limits)?;
    if let Some(progress) = &options.progress {
        progress.total(plan.jobs.iter().map(|job| job.bytes).sum());
    }
    let threads = match options.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        given => given,
    };
    let workers = threads.min(plan.jobs.len()).max(1);
    let run = open::Run::new(options, sink, &plan, threads - workers);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| run.work());
        }
    });
    Ok(run.finish())
}

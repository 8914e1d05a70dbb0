//! The drop folder: evidence that somebody put into a folder of this machine, as `TENANT/SERVER/files` or `TENANT/files`.
//!
//! A file that has come to rest becomes evidence as if it had been uploaded, and is then moved below `done/`, or below
//! `refused/` with the reason in a file beside it. It is moved only after the desk has it for good: killed in between, the
//! next start finds the same bytes there already and only moves it. Links are not followed.

mod folder;
mod scan;
mod take;

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use vigie_desk::uploads;
use vigie_desk::{Access, Desk};

use self::folder::Folder;
use self::scan::{Look, Seen};
use self::take::{Outcome, Taker};

/// How often the folder is looked at, when nothing else is said.
const PAUSE: Duration = Duration::from_secs(5);
/// How long a file is left alone after the desk could not take it for now.
const LATER: Duration = Duration::from_secs(60);
/// Who brings this evidence in, as its custody says.
const ACTOR: &str = "drop folder";
/// Where what was taken goes.
const DONE: &str = "done";
/// Where what was not goes.
const REFUSED: &str = "refused";

/// A folder that evidence is taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropFolder {
    /// Which.
    pub path: PathBuf,
    /// How long a file must not have changed before it is taken.
    pub rest: Duration,
}

/// A drop folder that this process looks after. Others that were given the same wait.
pub(crate) struct Watched {
    /// Without links on the way to it.
    root: PathBuf,
    /// The same, held open.
    folder: Folder,
    rest: Duration,
    lock: File,
}

impl Watched {
    /// Makes the folder when it is missing.
    ///
    /// # Errors
    /// In words, when it cannot be used.
    pub(crate) fn open(folder: &DropFolder, data: &Path) -> Result<Watched, String> {
        let words = |error: std::io::Error| error.to_string();
        std::fs::create_dir_all(&folder.path).map_err(words)?;
        let root = folder.path.canonicalize().map_err(words)?;
        let data = data.canonicalize().map_err(words)?;
        if root.starts_with(&data) || data.starts_with(&root) {
            return Err("it and the data folder must not lie in each other".into());
        }
        for part in [DONE, REFUSED] {
            std::fs::create_dir_all(root.join(part)).map_err(words)?;
        }
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(root.join(".vigie.lock"))
            .map_err(words)?;
        let held = Folder::open(&root).map_err(words)?;
        Ok(Watched {
            root,
            folder: held,
            rest: folder.rest,
            lock,
        })
    }

    /// Takes what comes to rest, until `stop`. `alone`: nobody else works on this database.
    pub(crate) fn run(&self, desk: &Desk, alone: bool, stop: &AtomicBool) {
        let pause = PAUSE.min(self.rest.max(Duration::from_millis(200)));
        while self.lock.try_lock().is_err() {
            if !wait(pause, stop) {
                return;
            }
        }
        if alone {
            give_up_torn(desk);
        }
        let mut resting: HashMap<PathBuf, Resting> = HashMap::new();
        let mut told = String::new();
        loop {
            let look = scan::look(&self.root);
            tell_once(&look, &mut told);
            // What is gone is forgotten.
            let mut now = HashMap::with_capacity(look.files.len());
            for (path, seen) in look.files {
                let before = resting.remove(&path).filter(|before| before.seen == seen);
                now.insert(path, before.unwrap_or_else(|| Resting::since_now(seen)));
            }
            resting = now;
            let taker = Taker::new(desk, &self.folder, stop);
            for (path, file) in &mut resting {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                if file.since.elapsed() < self.rest || file.not_before.is_some_and(|at| Instant::now() < at) {
                    continue;
                }
                match taker.take(path, &file.seen) {
                    Outcome::Moved => {}
                    Outcome::Later => file.not_before = Some(Instant::now() + LATER),
                }
            }
            if !wait(pause, stop) {
                return;
            }
        }
    }
}

/// A file, and since when it has been as it is.
struct Resting {
    seen: Seen,
    since: Instant,
    not_before: Option<Instant>,
}

impl Resting {
    fn since_now(seen: Seen) -> Resting {
        Resting {
            seen,
            since: Instant::now(),
            not_before: None,
        }
    }
}

/// Says what is not looked at when that changes, rather than each time.
fn tell_once(look: &Look, told: &mut String) {
    let problems = look.problems.join("; ");
    if *told != problems {
        if !problems.is_empty() {
            tracing::warn!(problems, "part of the drop folder cannot be looked at");
        }
        *told = problems;
    }
}

/// Gives up what an earlier process had begun to take: it is taken again from its first byte.
fn give_up_torn(desk: &Desk) {
    let access = Access::system(ACTOR);
    let torn = uploads::list(desk, &access, None).unwrap_or_default();
    for upload in torn.iter().filter(|upload| upload.begun_by == *access.actor()) {
        if let Err(error) = uploads::abort(desk, &access, &upload.id) {
            tracing::warn!(%error, "a torn upload of the drop folder was not given up; it will be in a week");
        }
    }
}

/// Waits, unless it is to stop.
fn wait(how_long: Duration, stop: &AtomicBool) -> bool {
    let until = Instant::now() + how_long;
    while Instant::now() < until {
        if stop.load(Ordering::SeqCst) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50).min(how_long));
    }
    !stop.load(Ordering::SeqCst)
}

//! The drop folder: evidence that somebody put into a folder of this machine, as `TENANT/SERVER/files` or `TENANT/files`.
//!
//! A file that has come to rest becomes evidence as if it had been uploaded, and is then moved below `done/`, or below
//! `refused/` with the reason in a file beside it. It is moved only after the desk has it for good: killed in between, the
//! next start finds the same bytes there already and only moves it. Links are not followed.

mod folder;
mod scan;
mod take;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
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
/// What whoever takes from the folder locks.
const LOCK: &str = ".vigie.lock";

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
    named: DropFolder,
    data: PathBuf,
    place: Place,
}

/// The folder that is there.
struct Place {
    folder: Folder,
    lock: File,
}

impl Place {
    /// Makes the folder when it is missing.
    fn open(path: &Path, data: &Path) -> Result<Place, String> {
        let words = |error: io::Error| error.to_string();
        std::fs::create_dir_all(path).map_err(words)?;
        let root = path.canonicalize().map_err(words)?;
        let data = data.canonicalize().map_err(words)?;
        if root.starts_with(&data) || data.starts_with(&root) {
            return Err("it and the data folder must not lie in each other".into());
        }
        let folder = Folder::open(&root).map_err(words)?;
        for part in [DONE, REFUSED] {
            let made = folder.make_below(Path::new(part));
            made.map_err(|error| format!("{part}: {error}"))?;
        }
        let lock = folder.open_or_create(OsStr::new(LOCK)).map_err(words)?;
        Ok(Place { folder, lock })
    }
}

impl Watched {
    /// Makes the folder when it is missing.
    ///
    /// # Errors
    /// In words, when it cannot be used.
    pub(crate) fn open(folder: &DropFolder, data: &Path) -> Result<Watched, String> {
        Ok(Watched {
            named: folder.clone(),
            data: data.to_owned(),
            place: Place::open(&folder.path, data)?,
        })
    }

    /// Takes what comes to rest, until `stop`. `alone`: nobody else works on this database.
    pub(crate) fn run(mut self, desk: &Desk, alone: bool, stop: &AtomicBool) {
        let rest = self.named.rest;
        let pause = PAUSE.min(rest.max(Duration::from_millis(200)));
        if !self.wait_for_turn(pause, stop) {
            return;
        }
        if alone {
            give_up_torn(desk);
        }
        let mut resting: HashMap<PathBuf, Resting> = HashMap::new();
        let mut told = String::new();
        loop {
            let look = match self.stay_there() {
                Ok(Stay::Same) => scan::look(&self.place.folder),
                Ok(Stay::Moved) => {
                    tracing::warn!(
                        "another folder is in the drop folder's place: that one is taken from now"
                    );
                    resting.clear();
                    if !self.wait_for_turn(pause, stop) {
                        return;
                    }
                    continue;
                }
                Err(why) => Look::of_nothing(why),
            };
            tell_once(&look, &mut told);
            // What is gone is forgotten.
            let mut now = HashMap::with_capacity(look.files.len());
            for (path, seen) in look.files {
                let before = resting.remove(&path).filter(|before| before.seen == seen);
                now.insert(path, before.unwrap_or_else(|| Resting::since_now(seen)));
            }
            resting = now;
            let taker = Taker::new(desk, &self.place.folder, stop);
            for (path, file) in &mut resting {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                if file.since.elapsed() < rest || file.not_before.is_some_and(|at| Instant::now() < at) {
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

    /// Waits until nobody else takes from the folder; `false` when it is to stop.
    fn wait_for_turn(&mut self, pause: Duration, stop: &AtomicBool) -> bool {
        while self.place.lock.try_lock().is_err() {
            if !wait(pause, stop) {
                return false;
            }
            // Where the other one went on from another folder, this one may be free. What is wrong is told at the next look.
            let _ = self.stay_there();
        }
        true
    }

    /// Opens the folder anew when another one is in its place, or something was mounted there: people put files into that one.
    ///
    /// # Errors
    /// In words, when there is none, or none that can be used.
    fn stay_there(&mut self) -> Result<Stay, String> {
        let path = &self.named.path;
        let named = |why: String| format!("{}: {why}", path.display());
        match self.place.folder.is_at(path) {
            Ok(true) => Ok(Stay::Same),
            Ok(false) => {
                self.place = Place::open(path, &self.data).map_err(named)?;
                Ok(Stay::Moved)
            }
            // Whoever takes it away may be about to put another one there.
            Err(error) => Err(named(error.to_string())),
        }
    }
}

/// Whether the folder is still the one it was.
enum Stay {
    Same,
    Moved,
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

#[cfg(all(test, unix))]
mod tests {
    use std::sync::Arc;

    use vigie_desk::Options;
    use vigie_desk::PageRequest;
    use vigie_desk::evidence::{self, EvidenceFilter};
    use vigie_desk::tenants::{self, TenantFields};

    use super::*;

    fn until(what: &str, mut holds: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[test]
    fn a_folder_that_took_its_place_is_taken_from_and_not_before_its_turn() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let desk = Desk::open(&Options::in_folder(&data)).unwrap();
        let access = Access::system("test");
        tenants::create(&desk, &access, &TenantFields::named("Client")).unwrap();
        let drop = DropFolder {
            path: folder.path().join("drop"),
            rest: Duration::ZERO,
        };
        let put = |name: &str| {
            std::fs::create_dir_all(drop.path.join("Client")).unwrap();
            std::fs::write(drop.path.join("Client").join(name), name).unwrap();
        };
        let is_done = |name: &str| drop.path.join("done/Client").join(name).exists();
        let watched = Watched::open(&drop, &data).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let running = {
            let (desk, stop) = (desk.clone(), Arc::clone(&stop));
            std::thread::spawn(move || watched.run(&desk, true, &stop))
        };
        put("first");
        until("the first", || is_done("first"));

        // Gone for a while; what is there then belongs to another process until that ends.
        std::fs::rename(&drop.path, folder.path().join("old")).unwrap();
        std::thread::sleep(Duration::from_millis(500));
        assert!(!drop.path.exists(), "it is not made behind anybody's back");
        let next = folder.path().join("next");
        let other = Place::open(&next, &data).unwrap();
        other.lock.lock().unwrap();
        std::fs::rename(&next, &drop.path).unwrap();
        put("second");
        std::thread::sleep(Duration::from_millis(1_000));
        assert!(!is_done("second"));
        std::mem::drop(other);
        until("the second", || is_done("second"));
        let all = evidence::list(
            &desk,
            &access,
            &EvidenceFilter::default(),
            &PageRequest::default(),
        );
        assert_eq!(all.unwrap().items.len(), 2);
        stop.store(true, Ordering::SeqCst);
        running.join().unwrap();
    }
}

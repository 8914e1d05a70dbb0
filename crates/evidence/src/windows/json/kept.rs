//! The objects whose rows are being collected, kept to be read again with the columns that were left out.

use std::cell::RefCell;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use vigie_event::{EventBatch, RowRef, Timestamp, WholeRows};

use super::{Events, Place};
use crate::format::Context;
use crate::windows::collector::{Collector, Sparing};
use crate::{FileRef, Limits};

/// Objects in the order of the file.
#[derive(Debug, Default)]
struct Objects {
    text: Vec<u8>,
    places: Vec<Kept>,
}

#[derive(Debug, Clone, Copy)]
struct Kept {
    place: Place,
    /// When it happened, by the clocks as they were known when it was read.
    time: Option<Timestamp>,
    start: usize,
    end: usize,
}

impl Objects {
    fn text(&self, object: &Kept) -> &[u8] {
        self.text.get(object.start..object.end).unwrap_or_default()
    }

    fn push(&mut self, bytes: &[u8], place: Place, time: Option<Timestamp>) {
        let start = self.text.len();
        self.text.extend_from_slice(bytes);
        self.places.push(Kept {
            place,
            time,
            start,
            end: self.text.len(),
        });
    }

    /// Takes all out and goes on with what was judged before. The last one stays too: its row may still be on its way
    /// into a batch.
    fn take(&mut self, mut next: Objects) -> Objects {
        next.text.clear();
        next.places.clear();
        if let Some(last) = self.places.last() {
            next.push(self.text(last), last.place, last.time);
        }
        std::mem::replace(self, next)
    }
}

/// Memory of objects whose rows were judged, to be filled again.
type Judged = Arc<Mutex<Vec<Objects>>>;

/// Keeps objects until the rows made of them are handed over.
#[derive(Debug, Default)]
pub(super) struct Keeper(Option<Rc<RefCell<Objects>>>);

impl Keeper {
    /// Has the collector leave out what nobody asks for, if anybody says what that is.
    pub(super) fn new<'a>(context: &Context<'a>, out: &mut Collector<'a>) -> Keeper {
        let Some(projection) = context.projection else {
            return Keeper(None);
        };
        let kept: Rc<RefCell<Objects>> = Rc::default();
        let (objects, file, limits) = (Rc::clone(&kept), context.file.clone(), context.limits.clone());
        let judged = Judged::default();
        out.spare(Sparing {
            projection,
            whole: Box::new(move || {
                let next = lock(&judged).pop().unwrap_or_default();
                Arc::new(Rows {
                    objects: objects.borrow_mut().take(next),
                    file: file.clone(),
                    limits: limits.clone(),
                    judged: Arc::clone(&judged),
                })
            }),
        });
        Keeper(Some(kept))
    }

    /// Keeps the object of the row that is about to be collected.
    pub(super) fn keep(&self, object: &super::Object<'_>, time: Option<Timestamp>, out: &mut Collector<'_>) {
        if let Some(kept) = &self.0 {
            kept.borrow_mut().push(object.text, object.place, time);
            out.hold(object.text.len() + size_of::<Kept>());
        }
    }
}

/// Where the rows of a batch can be read again in full.
struct Rows {
    objects: Objects,
    file: FileRef,
    limits: Limits,
    judged: Judged,
}

fn lock(judged: &Judged) -> std::sync::MutexGuard<'_, Vec<Objects>> {
    judged.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Rows {
    fn drop(&mut self) {
        lock(&self.judged).push(std::mem::take(&mut self.objects));
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("file", &self.file.path)
            .finish_non_exhaustive()
    }
}

impl Rows {
    fn find(&self, offset: u64) -> Option<&Kept> {
        let places = &self.objects.places;
        let index = places.binary_search_by_key(&offset, |object| object.place.offset);
        places.get(index.ok()?)
    }
}

/// Makes the identities of objects: others in each run, so that nobody can prepare two objects with the same.
fn identities() -> &'static RandomState {
    static IDENTITIES: OnceLock<RandomState> = OnceLock::new();
    IDENTITIES.get_or_init(RandomState::new)
}

impl WholeRows for Rows {
    fn row(&self, row: RowRef<'_>) -> Option<EventBatch> {
        let object = self.find(row.offset())?;
        let mut row = None;
        let mut sink = |batch| row = Some(batch);
        let context = Context::new(&self.file, &self.limits);
        let mut collector = Collector::new(&context, &mut sink);
        let mut events = Events::again(&self.file, object.time);
        events.read(self.objects.text(object), object.place, &mut collector);
        collector.finish();
        row
    }

    /// Objects with the same text are one that was collected twice.
    fn identity(&self, offset: u64) -> Option<u64> {
        let object = self.find(offset)?;
        Some(identities().hash_one(self.objects.text(object)))
    }
}

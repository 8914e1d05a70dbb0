//! A log's chunks, some at a time: read and hashed in order by one thread, decoded by it and whoever has nothing else
//! to do.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use vigie_event::{EventBatch, RowRef, WholeRows};

use super::record::Reader;
use super::{CHUNK_BYTES, Chunk, FILE_HEADER_BYTES, fill};
use crate::format::{Context, Outcome};
use crate::message::Code;
use crate::windows::collector::{Collector, Sparing};
use crate::{FileRef, Limits};

/// Chunks read at a time.
const CHUNKS: usize = 16;
/// Slabs that may wait for each thread: so many that it is not idle while the one that reads judges what it has.
const WAITING: usize = 16;
/// Slabs whose memory is kept for others.
const SPARE: usize = 64;

/// Some chunks in a row, the last of which may be cut off.
#[derive(Debug)]
struct Slab {
    /// The number of its first chunk.
    number: u64,
    bytes: Vec<u8>,
    /// Where its memory goes when nobody needs it any more.
    spare: Arc<Spare>,
}

/// Memory of slabs that are done with. New memory has to be cleared, page by page.
#[derive(Debug, Default)]
struct Spare(Mutex<Vec<Vec<u8>>>);

impl Spare {
    fn take(&self) -> Vec<u8> {
        let mut bytes = self.list().pop().unwrap_or_default();
        bytes.resize(CHUNKS * CHUNK_BYTES, 0);
        bytes
    }

    fn list(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        let mut spare = self.spare.list();
        if spare.len() < SPARE {
            spare.push(bytes);
        }
    }
}

impl Slab {
    fn offset(&self) -> u64 {
        chunk_offset(self.number)
    }

    fn chunks(&self, dirty: bool) -> impl Iterator<Item = Chunk<'_>> {
        (self.number..)
            .zip(self.bytes.chunks(CHUNK_BYTES))
            .map(move |(number, data)| Chunk {
                data,
                number,
                offset: chunk_offset(number),
                dirty,
            })
    }
}

fn chunk_offset(number: u64) -> u64 {
    FILE_HEADER_BYTES as u64 + number * CHUNK_BYTES as u64
}

/// Reads all chunks of a log.
pub(super) fn read(
    input: &mut dyn Read,
    dirty: bool,
    context: &Context<'_>,
    sink: &mut dyn FnMut(EventBatch),
) -> Outcome {
    let work = Work::default();
    let spare = Arc::default();
    let mut decoder = Decoder::new(context, dirty, sink);
    let mut failed = Outcome::default();
    std::thread::scope(|scope| {
        // Should this thread fail, nobody waits for more.
        let _closing = Closing(&work);
        let mut hands = 0;
        for number in (0u64..).step_by(CHUNKS) {
            let (slab, error) = next(input, number, &spare);
            if let Some(slab) = slab {
                if let Some(crew) = context.crew
                    && let Some(hand) = crew.spare.take()
                {
                    hands += 1;
                    let work = &work;
                    scope.spawn(move || {
                        let _hand = hand;
                        let mut sink = |batch| (crew.sink)(batch);
                        let mut decoder = Decoder::new(context, dirty, &mut sink);
                        while let Some(slab) = work.wait() {
                            work.done(slab.number, decoder.decode(slab));
                        }
                        work.done(u64::MAX, decoder.finish());
                    });
                }
                work.add(slab);
                while work.waiting() > WAITING * hands {
                    let Some(slab) = work.take() else { break };
                    work.done(slab.number, decoder.decode(slab));
                }
            }
            match error {
                End::NotYet => {}
                End::Reached => break,
                End::Failed(error, chunk) => {
                    failed.input_failed(&error, || format!("chunk {chunk}"));
                    break;
                }
            }
        }
        while let Some(slab) = work.take() {
            work.done(slab.number, decoder.decode(slab));
        }
    });
    let mut outcome = work.outcome(decoder.finish());
    outcome.add(failed);
    outcome
}

enum End {
    NotYet,
    Reached,
    Failed(std::io::Error, u64),
}

/// The chunks from `number` on, and whether there are more.
fn next(input: &mut dyn Read, number: u64, spare: &Arc<Spare>) -> (Option<Arc<Slab>>, End) {
    let mut bytes = spare.take();
    let mut len = 0;
    let end = loop {
        let Some(chunk) = bytes.get_mut(len..len + CHUNK_BYTES) else {
            break End::NotYet;
        };
        match fill(input, chunk) {
            Ok(CHUNK_BYTES) => len += CHUNK_BYTES,
            Ok(read) => {
                len += read;
                break End::Reached;
            }
            Err(error) => break End::Failed(error, number + (len / CHUNK_BYTES) as u64),
        }
    };
    bytes.truncate(len);
    let slab = (len > 0).then(|| {
        Arc::new(Slab {
            number,
            bytes,
            spare: Arc::clone(spare),
        })
    });
    (slab, end)
}

/// Slabs that wait for a thread, and what became of the others.
#[derive(Default)]
struct Work {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Arc<Slab>>,
    closed: bool,
    outcomes: Vec<(u64, Outcome)>,
}

impl Work {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, slab: Arc<Slab>) {
        self.state().waiting.push_back(slab);
        self.changed.notify_one();
    }

    fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    fn take(&self) -> Option<Arc<Slab>> {
        self.state().waiting.pop_front()
    }

    /// The next slab, once there is one; `None` when there will be no more.
    fn wait(&self) -> Option<Arc<Slab>> {
        let mut state = self.state();
        loop {
            if let Some(slab) = state.waiting.pop_front() {
                return Some(slab);
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, number: u64, outcome: Outcome) {
        self.state().outcomes.push((number, outcome));
    }

    /// How it went with the whole log: told in the order of the file, whoever read which part.
    fn outcome(self, last: Outcome) -> Outcome {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.outcomes.sort_by_key(|(number, _)| *number);
        let mut whole = Outcome::default();
        for (_, outcome) in state.outcomes {
            whole.add(outcome);
        }
        whole.add(last);
        whole
    }
}

struct Closing<'w>(&'w Work);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.changed.notify_all();
    }
}

/// What one thread decodes with.
struct Decoder<'a> {
    reader: Reader,
    collector: Collector<'a>,
    dirty: bool,
    /// The slabs whose rows are being collected, when their rows may be asked for again.
    kept: Option<Arc<Mutex<Vec<Arc<Slab>>>>>,
}

impl<'a> Decoder<'a> {
    fn new(context: &Context<'a>, dirty: bool, sink: &'a mut dyn FnMut(EventBatch)) -> Decoder<'a> {
        let mut collector = Collector::new(context, sink);
        let kept = context.projection.map(|projection| {
            let kept: Arc<Mutex<Vec<Arc<Slab>>>> = Arc::default();
            let (slabs, file, limits) = (Arc::clone(&kept), context.file.clone(), context.limits.clone());
            collector.spare(Sparing {
                projection,
                whole: Box::new(move || {
                    let mut kept = slabs.lock().unwrap_or_else(PoisonError::into_inner);
                    let slabs = kept.clone();
                    // More rows may come from the slab that is being decoded.
                    let done = kept.len().saturating_sub(1);
                    kept.drain(..done);
                    Arc::new(Slabs {
                        slabs,
                        file: file.clone(),
                        limits: limits.clone(),
                        hasher: identities().clone(),
                    })
                }),
            });
            kept
        });
        Decoder {
            reader: Reader::new(),
            collector,
            dirty,
            kept,
        }
    }

    fn decode(&mut self, slab: Arc<Slab>) -> Outcome {
        if let Some(kept) = &self.kept {
            kept.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(Arc::clone(&slab));
            self.collector.hold(slab.bytes.len());
        }
        for chunk in slab.chunks(self.dirty) {
            chunk.read_whole(&mut self.reader, &mut self.collector);
        }
        self.collector.take_outcome()
    }

    fn finish(self) -> Outcome {
        self.collector.finish()
    }
}

/// Where the rows of a batch can be read again in full.
struct Slabs {
    slabs: Vec<Arc<Slab>>,
    file: FileRef,
    limits: Limits,
    hasher: RandomState,
}

/// Makes the identities of records: others in each run, so that nobody can prepare two records with the same.
fn identities() -> &'static RandomState {
    static IDENTITIES: OnceLock<RandomState> = OnceLock::new();
    IDENTITIES.get_or_init(RandomState::new)
}

impl std::fmt::Debug for Slabs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slabs")
            .field("file", &self.file.path)
            .finish_non_exhaustive()
    }
}

impl Slabs {
    /// The chunk in which a record stands, and where it does.
    fn find(&self, offset: u64) -> Option<(Chunk<'_>, usize)> {
        let slab = self
            .slabs
            .iter()
            .find(|slab| (slab.offset()..slab.offset() + slab.bytes.len() as u64).contains(&offset))?;
        let chunk = slab
            .chunks(true)
            .find(|chunk| (chunk.offset..chunk.offset + CHUNK_BYTES as u64).contains(&offset))?;
        let at = usize::try_from(offset - chunk.offset).ok()?;
        Some((chunk, at))
    }
}

impl WholeRows for Slabs {
    fn row(&self, row: RowRef<'_>) -> Option<EventBatch> {
        let (chunk, at) = self.find(row.offset())?;
        let record = chunk.record_header(at)?;
        let mut row = None;
        let mut sink = |batch| row = Some(batch);
        let context = Context::new(&self.file, &self.limits);
        let mut collector = Collector::new(&context, &mut sink);
        chunk.read_record(at, &record, &mut Reader::new(), &mut collector);
        collector.finish();
        row
    }

    /// A record has its number, its time and its template's identifier in its bytes.
    fn identity(&self, offset: u64) -> Option<u64> {
        let (chunk, at) = self.find(offset)?;
        let size = chunk.record_header(at)?.size;
        Some(self.hasher.hash_one(chunk.data.get(at..at + size)?))
    }
}

impl Chunk<'_> {
    /// Reads a chunk that may be empty or cut off.
    fn read_whole(&self, reader: &mut Reader, collector: &mut Collector<'_>) {
        // What was never written is no damage.
        if self.data.iter().all(|byte| *byte == 0) {
            return;
        }
        if self.data.len() < CHUNK_BYTES {
            let missing = (CHUNK_BYTES - self.data.len()) as u64;
            collector
                .outcome
                .skip(Code::ChunkCutOff, 0, missing, || format!("chunk {}", self.number));
        }
        self.read(reader, collector);
    }
}

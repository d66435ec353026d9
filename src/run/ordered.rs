//! Work on records on all cores, results in the order of the source, memory bounded.
//!
//! One thread reads batches; the pool works on them; the iterator returns them in order. At most `BATCHES_AHEAD`
//! batches exist at once, so a slow consumer slows the reader.

use crate::files::{Batch, End, Read, Room, Source};
use crate::outcome::Failure;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

/// Records in a batch: enough to make handing over cheap.
const BATCH_LEN: usize = 256;

/// A batch is handed over early when its records hold this much.
const BATCH_BYTES: usize = 256 * 1024;
const ROOM: Room = Room { records: BATCH_LEN, bytes: BATCH_BYTES };

/// Of a batch of which nothing is kept but encoded bytes: rather many records, and few bytes, because the allocator keeps
/// large blocks for some time after they were freed.
const ENCODED_BATCH_LEN: usize = 4096;
const ENCODED_BATCH_BYTES: usize = 32 * 1024;

/// Batches read and not yet consumed.
const BATCHES_AHEAD: usize = 12;

/// The same where each record has become a contact with all its values, which takes ten times its bytes: requests are
/// slower than mapping.
const CONTACTS_AHEAD: usize = 2;
const CONTACTS_BATCH_LEN: usize = 128;

/// So many records that are not needed are told without waiting for one that is.
const PASSED_MAX: u64 = 1 << 16;

/// Which records are not needed, by their ordinals.
pub type PassesOver = Arc<dyn Fn(u64) -> bool + Send + Sync>;

/// The results of a batch, or what ended the source.
type Done<T> = Result<T, Failure>;

/// The results, in order. After an error nothing comes.
pub struct Ordered<T> {
    batches: Receiver<Receiver<Done<T>>>,
}

/// Reads the source and works on each record.
pub fn in_order<T: Send + 'static>(
    source: Box<dyn Source>,
    limit: Option<u64>,
    work: impl Fn(Read<'_>) -> T + Send + Sync + 'static,
) -> Ordered<Vec<T>> {
    ordered(source, (limit, ROOM), BATCHES_AHEAD, move |batch| {
        let mut results = Vec::with_capacity(batch.len());
        batch.for_each(|read| results.push(work(read)));
        results
    })
}

/// Reads the source and makes contacts of it batch by batch. Records that are not needed are left out by the thread that
/// reads; how many comes with the next batch.
pub fn contacts_in_order<T: Send + 'static>(
    source: Box<dyn Source>,
    limit: Option<u64>,
    passes_over: Option<PassesOver>,
    work: impl Fn(Part) -> T + Send + Sync + 'static,
) -> Ordered<T> {
    let room = Room { records: CONTACTS_BATCH_LEN, ..ROOM };
    let batches = Batches { source, room, left: limit.unwrap_or(u64::MAX), end: End::Open };
    work_on(Needed { batches, passes_over, fault: None }, CONTACTS_AHEAD, work)
}

/// Reads the source and encodes it batch by batch.
pub fn batches_in_order<T: Send + 'static>(
    source: Box<dyn Source>,
    limit: Option<u64>,
    work: impl Fn(Batch) -> T + Send + Sync + 'static,
) -> Ordered<T> {
    let room = Room { records: ENCODED_BATCH_LEN, bytes: ENCODED_BATCH_BYTES };
    ordered(source, (limit, room), BATCHES_AHEAD, work)
}

fn ordered<T: Send + 'static>(
    source: Box<dyn Source>,
    (limit, room): (Option<u64>, Room),
    ahead: usize,
    work: impl Fn(Batch) -> T + Send + Sync + 'static,
) -> Ordered<T> {
    work_on(Batches { source, room, left: limit.unwrap_or(u64::MAX), end: End::Open }, ahead, work)
}

/// Works on batches of any kind, which a thread of their own reads. After an error none is read.
pub fn each_in_order<B: Send + 'static, T: Send + 'static>(
    batches: impl Iterator<Item = Result<B, Failure>> + Send + 'static,
    work: impl Fn(B) -> T + Send + Sync + 'static,
) -> Ordered<T> {
    work_on(batches, BATCHES_AHEAD, work)
}

fn work_on<B: Send + 'static, T: Send + 'static>(
    batches: impl Iterator<Item = Result<B, Failure>> + Send + 'static,
    ahead: usize,
    work: impl Fn(B) -> T + Send + Sync + 'static,
) -> Ordered<T> {
    let (tickets, ordered) = sync_channel(ahead);
    let work = Arc::new(work);
    std::thread::spawn(move || {
        for batch in batches {
            let (done, ticket) = sync_channel(1);
            // A consumer that has gone away wants no results, and needs no reason.
            if tickets.send(ticket).is_err() {
                return;
            }
            match batch {
                Ok(batch) => {
                    let work = Arc::clone(&work);
                    rayon::spawn(move || drop(done.send(Ok(work(batch)))));
                }
                Err(failure) => return drop(done.send(Err(failure))),
            }
        }
    });
    Ordered { batches: ordered }
}

/// The records of a source.
struct Batches {
    source: Box<dyn Source>,
    room: Room,
    /// How many more may be read.
    left: u64,
    /// How the last batch ended.
    end: End,
}

impl Iterator for Batches {
    type Item = Result<Batch, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.left > 0 {
            match std::mem::replace(&mut self.end, End::Whole) {
                End::Open => {}
                End::Whole => return None,
                End::Fault(failure) => return Some(Err(failure)),
            }
            let records = self.room.records.min(usize::try_from(self.left).unwrap_or(usize::MAX));
            let batch = self.source.next_batch(Room { records, ..self.room });
            self.left -= batch.len() as u64;
            self.end = batch.end().clone();
            if !batch.is_empty() {
                return Some(Ok(batch));
            }
        }
        None
    }
}

/// The records that are needed.
struct Needed {
    batches: Batches,
    passes_over: Option<PassesOver>,
    /// What ended the source behind records that are yet to be counted.
    fault: Option<Failure>,
}

/// Records that are needed, and how many before or among them are not.
#[derive(Default)]
pub struct Part {
    #[allow(missing_docs)]
    pub batch: Batch,
    /// How many are not.
    pub passed: u64,
}

impl Iterator for Needed {
    type Item = Result<Part, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(failure) = self.fault.take() {
            return Some(Err(failure));
        }
        let mut part = Part::default();
        while part.batch.is_empty() && part.passed < PASSED_MAX {
            match self.batches.next() {
                Some(Ok(batch)) => part.batch = batch,
                Some(Err(failure)) if part.passed == 0 => return Some(Err(failure)),
                end if part.passed > 0 => {
                    self.fault = end.and_then(Result::err);
                    return Some(Ok(part));
                }
                _ => return None,
            }
            if let Some(passes_over) = &self.passes_over {
                part.passed += part.batch.leave_out(|ordinal| passes_over(ordinal));
            }
        }
        Some(Ok(part))
    }
}

impl<T> Iterator for Ordered<T> {
    type Item = Done<T>;

    fn next(&mut self) -> Option<Done<T>> {
        // A worker that died of a panic leaves its ticket empty: that is the end of the run, never of the source.
        let ticket = self.batches.recv().ok()?;
        Some(
            ticket.recv().unwrap_or_else(|_| Err(Failure::failed("a record could not be worked on: a fault of Ferry"))),
        )
    }
}

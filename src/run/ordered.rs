//! Work on records on all cores, results in the order of the source, memory bounded.
//!
//! One thread reads batches; the pool works on them; the iterator returns them in order. At most `BATCHES_AHEAD`
//! batches exist at once, so a slow consumer slows the reader.

use crate::files::{Batch, End, Read, Room, Source};
use crate::outcome::Failure;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Records in a batch: enough to make handing over cheap.
const BATCH_LEN: usize = 256;

/// A batch is handed over early when its records hold this much.
const BATCH_BYTES: usize = 256 * 1024;

/// Records in a batch of which nothing is kept but encoded bytes: those of short rows fill it.
const ENCODED_BATCH_LEN: usize = 4096;

/// Batches read and not yet consumed.
const BATCHES_AHEAD: usize = 12;

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
    let room = Room { records: BATCH_LEN, bytes: BATCH_BYTES };
    ordered(source, (limit, room), move |batch| {
        let mut results = Vec::with_capacity(batch.len());
        batch.for_each(|read| results.push(work(read)));
        results
    })
}

/// Reads the source and encodes it batch by batch.
pub fn batches_in_order<T: Send + 'static>(
    source: Box<dyn Source>,
    limit: Option<u64>,
    work: impl Fn(Batch) -> T + Send + Sync + 'static,
) -> Ordered<T> {
    ordered(source, (limit, Room { records: ENCODED_BATCH_LEN, bytes: BATCH_BYTES }), work)
}

fn ordered<T: Send + 'static>(
    mut source: Box<dyn Source>,
    (limit, room): (Option<u64>, Room),
    work: impl Fn(Batch) -> T + Send + Sync + 'static,
) -> Ordered<T> {
    let (tickets, batches) = sync_channel(BATCHES_AHEAD);
    let work = Arc::new(work);
    std::thread::spawn(move || {
        let mut left = limit.unwrap_or(u64::MAX);
        while left > 0 {
            let records = room.records.min(usize::try_from(left).unwrap_or(usize::MAX));
            let batch = source.next_batch(Room { records, ..room });
            left -= batch.len() as u64;
            let end = batch.end().clone();
            if !batch.is_empty() {
                let (done, ticket) = sync_channel(1);
                if tickets.send(ticket).is_err() {
                    return;
                }
                let work = Arc::clone(&work);
                // A consumer that has gone away wants no results.
                rayon::spawn(move || drop(done.send(Ok(work(batch)))));
            }
            match end {
                End::Open => {}
                End::Whole => return,
                End::Fault(failure) => return send_fault(failure, &tickets),
            }
        }
    });
    Ordered { batches }
}

fn send_fault<T>(failure: Failure, tickets: &SyncSender<Receiver<Done<T>>>) {
    let (done, ticket) = sync_channel(1);
    // As above: a consumer that has gone away needs no reason.
    if done.send(Err(failure)).is_ok() {
        let _is_gone = tickets.send(ticket).is_err();
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

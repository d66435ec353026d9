//! Work on records on all cores, results in the order of the source, memory bounded.
//!
//! One thread reads batches; the pool works on them; the iterator returns them in order. At most `BATCHES_AHEAD`
//! batches exist at once, so a slow consumer slows the reader.

use crate::files::{ReadFault, Source};
use crate::outcome::{Failure, Reject};
use crate::record::{Origin, Record};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

/// Records in a batch: enough to make handing over cheap.
const BATCH_LEN: usize = 256;

/// A batch is handed over early when its records hold this much.
const BATCH_BYTES: usize = 256 * 1024;

/// Batches read and not yet consumed.
const BATCHES_AHEAD: usize = 12;

/// What was read.
pub enum Read {
    /// A record.
    Record(Record),
    /// A row without content.
    Blank(Origin),
    /// A record that is malformed.
    Reject(Reject),
}

impl Read {
    /// Where it was read.
    pub fn origin(&self) -> Origin {
        match self {
            Read::Record(record) => record.origin,
            Read::Blank(origin) => *origin,
            Read::Reject(reject) => reject.origin,
        }
    }
}

/// A batch of results, or what ended the source.
type Batch<T> = Result<Vec<T>, Failure>;

/// The results, in order. After an error nothing comes.
pub struct Ordered<T> {
    batches: Receiver<Receiver<Batch<T>>>,
}

/// Reads the source and works on each record.
pub fn in_order<T: Send + 'static>(
    mut source: Box<dyn Source>,
    limit: Option<u64>,
    work: impl Fn(Read) -> T + Send + Sync + 'static,
) -> Ordered<T> {
    let (tickets, batches) = sync_channel(BATCHES_AHEAD);
    let work = Arc::new(work);
    std::thread::spawn(move || {
        let mut left = limit.unwrap_or(u64::MAX);
        loop {
            let (batch, end) = read_batch(&mut *source, &mut left);
            let is_last = end.is_some() || batch.is_empty();
            let (done, ticket) = sync_channel(1);
            if !batch.is_empty() {
                if tickets.send(ticket).is_err() {
                    return;
                }
                let work = Arc::clone(&work);
                rayon::spawn(move || {
                    // A consumer that has gone away wants no results.
                    let _ = done.send(Ok(batch.into_iter().map(|read| work(read)).collect()));
                });
            }
            if let Some(failure) = end.flatten() {
                let (done, ticket) = sync_channel(1);
                let _ = done.send(Err(failure));
                let _ = tickets.send(ticket);
            }
            if is_last {
                return;
            }
        }
    });
    Ordered { batches }
}

/// The next records; and, when the source ended, how.
fn read_batch(source: &mut dyn Source, left: &mut u64) -> (Vec<Read>, Option<Option<Failure>>) {
    let (mut batch, mut bytes) = (Vec::with_capacity(BATCH_LEN), 0);
    while batch.len() < BATCH_LEN && bytes < BATCH_BYTES {
        if *left == 0 {
            return (batch, Some(None));
        }
        match source.next() {
            None => return (batch, Some(None)),
            Some(Err(ReadFault::Fatal(failure))) => return (batch, Some(Some(failure))),
            Some(Err(ReadFault::Reject(reject))) => {
                bytes += reject.raw.len();
                batch.push(Read::Reject(reject));
            }
            Some(Err(ReadFault::Blank(origin))) => batch.push(Read::Blank(origin)),
            Some(Ok(record)) => {
                bytes += record.raw.len();
                batch.push(Read::Record(record));
            }
        }
        *left -= 1;
    }
    (batch, None)
}

impl<T> Iterator for Ordered<T> {
    type Item = Batch<T>;

    fn next(&mut self) -> Option<Batch<T>> {
        // A worker that died of a panic leaves its ticket empty: that is the end of the run, never of the source.
        let ticket = self.batches.recv().ok()?;
        Some(
            ticket.recv().unwrap_or_else(|_| Err(Failure::failed("a record could not be worked on: a fault of Ferry"))),
        )
    }
}

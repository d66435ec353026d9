//! Profiling a whole file on all cores: one thread reads, workers count, and their counts are merged. It decides nothing
//! and writes nothing.

use crate::files::{ReadFault, Source};
use crate::mapping::phone::Region;
use crate::outcome::Failure;
use crate::platforms::PlatformFacts;
use crate::profile::{Cells, Expected, Head, Profile};
use crate::record::Record;
use crate::suggest::{Asked, Attributes, Target};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Records that are handed over together, and how many such batches wait.
const BATCH_LEN: usize = 512;
const BATCH_BYTES: usize = 256 * 1024;
const BATCHES_AHEAD: usize = 8;
/// More workers than this wait for the reader.
const WORKERS_MAX: usize = 8;

/// The profile of the records of a head and of the rest of its source.
///
/// # Errors
/// What ended the reading: what was counted is lost with it, because it would pass for the whole.
pub fn survey(head: Head, mut source: Box<dyn Source>, expected: Expected) -> Result<Profile, Failure> {
    let names: Arc<[String]> = head.names.clone().into();
    let expected = Arc::new(expected);
    let (batches, receiver) = sync_channel::<Vec<Record>>(BATCHES_AHEAD);
    let receiver = Arc::new(Mutex::new(receiver));
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(WORKERS_MAX);
    let workers: Vec<_> = (0..workers)
        .map(|_| {
            let (names, expected, receiver) = (Arc::clone(&names), Arc::clone(&expected), Arc::clone(&receiver));
            std::thread::spawn(move || count(&names, &expected, &receiver))
        })
        .collect();
    let mut read = Profile::new(&names, false);
    (read.blank, read.malformed) = (head.blank, head.malformed);
    let sent = batches.send(head.records).map_err(|_| died());
    let ended = sent.and_then(|()| feed(&mut *source, &mut read, &batches));
    drop(batches);
    for worker in workers {
        read.merge(worker.join().map_err(|_| died())?);
    }
    ended.map(|()| read)
}

fn died() -> Failure {
    Failure::failed("a worker that counts values died: this is a bug in Ferry")
}

/// Hands the records over, and counts what is none.
fn feed(
    source: &mut dyn Source,
    read: &mut Profile,
    batches: &std::sync::mpsc::SyncSender<Vec<Record>>,
) -> Result<(), Failure> {
    let (mut batch, mut bytes) = (Vec::with_capacity(BATCH_LEN), 0);
    loop {
        let next = source.next();
        match next {
            Some(Ok(record)) => {
                bytes += record.raw.len();
                batch.push(record);
            }
            Some(Err(ReadFault::Blank(_))) => read.blank += 1,
            Some(Err(ReadFault::Reject(reject))) => read.malformed.reject(&reject),
            Some(Err(ReadFault::Fatal(failure))) => return Err(failure),
            None => break,
        }
        if batch.len() == BATCH_LEN || bytes >= BATCH_BYTES {
            bytes = 0;
            batches.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH_LEN))).map_err(|_| died())?;
        }
    }
    batches.send(batch).map_err(|_| died())
}

fn count(names: &[String], expected: &Expected, receiver: &Mutex<Receiver<Vec<Record>>>) -> Profile {
    let mut profile = Profile::new(names, false);
    loop {
        let batch = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = batch else { return profile };
        for record in &batch {
            profile.add(record.origin.line, &Cells::of(record, names), expected);
        }
    }
}

/// What a suggestion has to know of a target, and of where phones come from.
pub fn asked_of(platform: Option<&PlatformFacts>, region: Option<Region>, known: Option<Vec<String>>) -> Asked {
    let target = platform.map(|facts| Target {
        title: facts.title.to_string(),
        needs: facts.needs.iter().map(|needs| needs.to_vec()).collect(),
        holds: facts.holds.to_vec(),
        attributes: match (facts.attributes, facts.defines_attributes) {
            (false, _) => Attributes::None,
            (true, true) => Attributes::Defined(known.unwrap_or_default()),
            (true, false) => Attributes::Any,
        },
    });
    Asked { target, region, ..Asked::default() }
}

//! Profiling a whole file on all cores: one thread reads, workers count, and their counts are merged. It decides nothing
//! and writes nothing.

use crate::files::{Batch, End, Read, Room, Source, unnamed_in};
use crate::mapping::phone::Region;
use crate::outcome::Failure;
use crate::platforms::PlatformFacts;
use crate::profile::{Cells, Duplicates, Expected, Head, MakeFile, Profile, Repeated};
use crate::store::create_folder_of;
use crate::suggest::{Asked, Attributes, Target};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Records that are handed over together, and how many such batches wait.
const ROOM: Room = Room { records: 512, bytes: 64 << 10 };
const BATCHES_AHEAD: usize = 8;
/// More workers than this wait for the reader.
const WORKERS_MAX: usize = 8;
/// Groups of duplicates that are named.
pub const GROUPS_SHOWN: usize = 5;

/// What a whole source holds.
pub struct Surveyed {
    /// Its columns.
    pub profile: Profile,
    /// Records with the same phone.
    pub phones: Repeated,
    /// Records with the same e-mail.
    pub emails: Repeated,
}

/// The profile of the records of a head and of the rest of its source. Hashes that do not fit into memory go to a file without
/// a name in `folder`.
///
/// # Errors
/// What ended the reading: what was counted is lost with it, because it would pass for the whole. Exit 1 where the hashes
/// cannot be kept.
pub fn survey(head: Head, mut source: Box<dyn Source>, expected: Expected, folder: &Path) -> Result<Surveyed, Failure> {
    let (names, expected): (Arc<[String]>, _) = (head.names.clone().into(), Arc::new(expected));
    let mut all = Counts::of(&names, Duplicates::new(&file_in(folder)));
    // The first records come first, so that two runs print the same samples.
    head.batches.into_iter().for_each(|batch| all.add(batch, &expected));
    let (batches, receiver) = sync_channel::<Batch>(BATCHES_AHEAD);
    let receiver = Arc::new(Mutex::new(receiver));
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(WORKERS_MAX);
    let workers: Vec<_> = (0..workers)
        .map(|_| {
            let (receiver, expected) = (Arc::clone(&receiver), Arc::clone(&expected));
            let counts = Counts::of(&names, all.duplicates.beside());
            std::thread::spawn(move || counts.count(&receiver, &expected))
        })
        .collect();
    let ended = feed(&mut *source, &batches);
    drop(batches);
    for worker in workers {
        let Counts { profile, duplicates, .. } = worker.join().map_err(|_| died())?;
        all.profile.merge(profile);
        all.duplicates.merge(duplicates);
    }
    ended?;
    let (phones, emails) = all.duplicates.repeated(GROUPS_SHOWN).map_err(|error| {
        let message = format!("phones and e-mails cannot be kept in `{}` while they are compared", folder.display());
        Failure::failed(message).cause(error).hint("make room there, or name another folder with `--state`")
    })?;
    Ok(Surveyed { profile: all.profile, phones, emails })
}

/// Makes a private file in a folder, and the folder where it is missing.
fn file_in(folder: &Path) -> Arc<MakeFile> {
    let folder = folder.to_owned();
    Arc::new(move || create_folder_of(&folder.join("any")).and_then(|()| unnamed_in(&folder)))
}

fn died() -> Failure {
    Failure::failed("a worker that counts values died: this is a bug in Ferry")
}

/// Hands the records over.
fn feed(source: &mut dyn Source, batches: &SyncSender<Batch>) -> Result<(), Failure> {
    loop {
        let batch = source.next_batch(ROOM);
        let end = batch.end().clone();
        batches.send(batch).map_err(|_| died())?;
        match end {
            End::Open => {}
            End::Whole => return Ok(()),
            End::Fault(failure) => return Err(failure),
        }
    }
}

/// What one thread has counted.
struct Counts {
    names: Arc<[String]>,
    profile: Profile,
    duplicates: Duplicates,
}

impl Counts {
    fn of(names: &Arc<[String]>, duplicates: Duplicates) -> Counts {
        Counts { names: Arc::clone(names), profile: Profile::new(names, false), duplicates }
    }

    fn count(mut self, receiver: &Mutex<Receiver<Batch>>, expected: &Expected) -> Counts {
        loop {
            let batch = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(batch) = batch else { return self };
            self.add(batch, expected);
        }
    }

    fn add(&mut self, batch: Batch, expected: &Expected) {
        let Counts { names, profile, duplicates } = self;
        batch.for_each(|read| match read {
            Read::Record(record) => {
                let record = record.borrowed();
                profile.add(record.origin.line, &Cells::of(record, names), expected, Some(duplicates));
            }
            Read::Blank(_) => profile.blank += 1,
            Read::Reject(reject) => profile.malformed.reject(&reject),
        });
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

//! Between the thread that reads a stream and the import of its records: one portion is gathered while the one before it is
//! imported. It bounds both, and says when a portion is ready.

use super::portion::{BYTES_MAX, Gathering, Portion};
use super::protocol::State;
use crate::outcome::{Exit, Failure};
use crate::run::stop::Stop;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// A portion has as many records as are imported in this time, and no record waits longer for its portion.
pub(super) const PERIOD: Duration = Duration::from_secs(30);

/// A portion of fewer records is not worth the requests that begin an import.
const RECORDS_MIN: u64 = 1_000;

/// The most records after which a state ends a portion.
const RECORDS_MAX: u64 = 25_000;

/// A portion without a state at its end has so many times as many: it is what is read again after a kill.
const WITHOUT_STATE: u64 = 2;

/// What comes next of a stream.
#[derive(Debug)]
pub enum Next {
    /// Records to be imported, or only states.
    Portion(Portion),
    /// The stream has ended, and everything was handed out.
    End,
    /// The process is to stop.
    Stopped,
}

/// What the reader and the importer share.
pub(super) struct Gate {
    /// The file of a portion that is being imported.
    file: PathBuf,
    slot: Mutex<Slot>,
    /// There is room again.
    room: Condvar,
    /// There may be a portion.
    ready: Notify,
}

struct Slot {
    gathering: Gathering,
    records_max: u64,
    /// How the stream has ended.
    end: Option<Result<(), Failure>>,
    /// Whether no further portion is imported.
    is_closed: bool,
}

impl Slot {
    fn is_full(&self) -> bool {
        let Gathering { records, bytes, is_closed, .. } = &self.gathering;
        *is_closed || *records >= WITHOUT_STATE * self.records_max || *bytes >= BYTES_MAX
    }

    fn is_ready(&self) -> bool {
        let Gathering { records, since, .. } = &self.gathering;
        let is_due = since.is_some_and(|since| since.elapsed() >= PERIOD);
        !self.gathering.is_empty() && (*records == 0 || self.is_full() || is_due || self.end.is_some())
    }
}

impl Gate {
    /// Gathers in `gathered`; a portion that is ready becomes `file`.
    ///
    /// # Errors
    /// Exit 1 when the file cannot be created.
    pub fn new(gathered: &Path, file: PathBuf) -> Result<Gate, Failure> {
        let gathering = Gathering::begin(gathered)?;
        let slot = Slot { gathering, records_max: RECORDS_MIN, end: None, is_closed: false };
        Ok(Gate { file, slot: Mutex::new(slot), room: Condvar::new(), ready: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for room; none: no further record is wanted.
    fn with_room(&self) -> Option<MutexGuard<'_, Slot>> {
        let is_waiting = |slot: &mut Slot| slot.is_full() && !slot.is_closed;
        let slot = self.room.wait_while(self.lock(), is_waiting).unwrap_or_else(PoisonError::into_inner);
        (!slot.is_closed).then_some(slot)
    }

    /// The records that follow are of this stream, and are identified so. False: they are not wanted any more.
    pub fn begin(&self, stream: &str, key: Vec<String>) -> bool {
        let mut slot = self.lock();
        let is_same = slot.gathering.stream == stream && slot.gathering.key == key;
        if slot.gathering.records > 0 && !is_same {
            slot.gathering.is_closed = true;
            self.ready.notify_one();
            drop(slot);
            let Some(with_room) = self.with_room() else { return false };
            slot = with_room;
        }
        (slot.gathering.stream, slot.gathering.key) = (stream.to_owned(), key);
        !slot.is_closed
    }

    /// Adds a record. False: no further one is wanted.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn add(&self, json: &str) -> Result<bool, Failure> {
        let Some(mut slot) = self.with_room() else { return Ok(false) };
        slot.gathering.add(json)?;
        // The first one sets the time at which the portion is due.
        if slot.gathering.records == 1 || slot.is_full() {
            self.ready.notify_one();
        }
        Ok(true)
    }

    /// Adds a state. False: no further one is wanted.
    pub fn add_state(&self, state: State, records: u64, is_last_enough: bool) -> bool {
        let Some(mut slot) = self.with_room() else { return false };
        slot.gathering.add_state(state, records, is_last_enough);
        // The next start begins at a state, so a portion that ends there is the same then.
        slot.gathering.is_closed = slot.gathering.records >= slot.records_max;
        if slot.is_ready() {
            self.ready.notify_one();
        }
        true
    }

    /// The stream has ended in this way. Where it is not one that can be imported, what was gathered of it is dropped.
    pub fn end(&self, end: Result<(), Failure>) {
        let mut slot = self.lock();
        if matches!(&end, Err(failure) if failure.exit == Exit::Usage) {
            slot.gathering.drop_all();
        }
        slot.end = Some(end);
        self.ready.notify_one();
    }

    /// Waits for what comes next.
    ///
    /// # Errors
    /// What ended the stream, when everything before that was handed out; exit 1 when a portion cannot be written.
    pub async fn next(&self, stop: &Stop) -> Result<Next, Failure> {
        let mut stopping = stop.watch();
        loop {
            let due = {
                let mut slot = self.lock();
                if slot.is_ready() {
                    let portion = slot.gathering.take(&self.file)?;
                    self.room.notify_all();
                    return Ok(Next::Portion(portion));
                }
                match &slot.end {
                    Some(Ok(())) => return Ok(Next::End),
                    Some(Err(failure)) => return Err(failure.clone()),
                    None => slot.gathering.since.and_then(|since| since.checked_add(PERIOD)),
                }
            };
            let time_is_up = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = stopping.wait_for(|stop| *stop) => return Ok(Next::Stopped),
                () = self.ready.notified() => {}
                () = time_is_up => {}
            }
        }
    }

    /// So many records took so long to import: as many as take [`PERIOD`] are gathered.
    pub fn adapt(&self, records: u64, took: Duration) {
        let within = records as f64 * PERIOD.as_secs_f64() / took.as_secs_f64().max(0.001);
        self.lock().records_max = (within as u64).clamp(RECORDS_MIN, RECORDS_MAX);
        self.room.notify_all();
    }

    /// No further portion is imported.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.room.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    fn gate(folder: &Path) -> Gate {
        Gate::new(&folder.join("next"), folder.join("now")).unwrap()
    }

    fn state(text: &str) -> State {
        State { json: text.to_owned(), stream: None }
    }

    async fn portion(gate: &Gate) -> Portion {
        match gate.next(&Stop::default()).await {
            Ok(Next::Portion(portion)) => portion,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_portion_is_ready_when_it_is_due_and_holds_its_states() {
        let folder = tempfile::tempdir().unwrap();
        let gate = gate(folder.path());
        assert!(gate.begin("c", vec!["id".to_owned()]));
        gate.add_state(state("0"), 0, true);
        let first = portion(&gate).await;
        assert_eq!(
            (first.records, first.states),
            (0, vec![(state("0"), 0)]),
            "a state before all records waits for none"
        );
        for n in 1..=3 {
            gate.add(&format!("{{\"n\":\r{n}}}")).unwrap();
            gate.add_state(state(&n.to_string()), 1, true);
        }
        let begun = Instant::now();
        let second = portion(&gate).await;
        assert!(begun.elapsed() >= PERIOD);
        assert_eq!((second.records, second.states), (3, vec![(state("3"), 3)]));
        assert_eq!(std::fs::read_to_string(second.file).unwrap(), "{\"n\": 1}\n{\"n\": 2}\n{\"n\": 3}\n");
        gate.end(Ok(()));
        assert!(matches!(gate.next(&Stop::default()).await, Ok(Next::End)));
    }

    #[tokio::test]
    async fn the_reader_waits_while_a_portion_is_full_and_another_key_begins_another_portion() {
        let folder = tempfile::tempdir().unwrap();
        let gate = std::sync::Arc::new(gate(folder.path()));
        let reader = {
            let gate = std::sync::Arc::clone(&gate);
            std::thread::spawn(move || {
                gate.begin("c", vec!["id".to_owned()]);
                let added = (0..WITHOUT_STATE * RECORDS_MIN + 7).take_while(|_| gate.add("{}").unwrap()).count();
                gate.begin("c", vec!["email".to_owned()]);
                gate.add("{}").unwrap();
                gate.end(Err(Failure::failed("cut")));
                added
            })
        };
        let sizes: Vec<(u64, String)> = [portion(&gate).await, portion(&gate).await, portion(&gate).await]
            .into_iter()
            .map(|portion| (portion.records, portion.key.concat()))
            .collect();
        assert_eq!(
            sizes,
            [(WITHOUT_STATE * RECORDS_MIN, "id".to_owned()), (7, "id".to_owned()), (1, "email".to_owned())]
        );
        assert_eq!(gate.next(&Stop::default()).await.unwrap_err().message, "cut");
        assert_eq!(reader.join().unwrap() as u64, WITHOUT_STATE * RECORDS_MIN + 7);
    }

    #[tokio::test]
    async fn a_portion_that_is_large_enough_ends_at_a_state() {
        let folder = tempfile::tempdir().unwrap();
        let gate = gate(folder.path());
        for n in 0..RECORDS_MIN + 1 {
            gate.add("{}").unwrap();
            if n == 5 || n == RECORDS_MIN {
                gate.add_state(state(&n.to_string()), n, false);
            }
        }
        let begun = Instant::now();
        let portion = portion(&gate).await;
        assert_eq!((portion.records, portion.states.len()), (RECORDS_MIN + 1, 2));
        assert!(begun.elapsed() < PERIOD, "it waits for no time");
    }

    #[tokio::test]
    async fn a_portion_is_full_with_so_many_bytes_and_another_one_takes_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let gate = std::sync::Arc::new(gate(folder.path()));
        let long = format!("\"{}\"", "x".repeat(BYTES_MAX as usize / 4));
        let reader = {
            let gate = std::sync::Arc::clone(&gate);
            std::thread::spawn(move || {
                let added = (0..6).take_while(|_| gate.add(&long).unwrap()).count();
                gate.end(Ok(()));
                added
            })
        };
        let begun = Instant::now();
        let sizes = [portion(&gate).await.records, portion(&gate).await.records];
        assert_eq!((sizes, reader.join().unwrap()), ([4, 2], 6));
        assert!(begun.elapsed() < PERIOD, "what is full waits for no time");
    }

    #[test]
    fn a_portion_takes_about_a_period_to_import() {
        let folder = tempfile::tempdir().unwrap();
        let gate = gate(folder.path());
        for (records, seconds, expected) in [(1_000, 100, 1_000), (1_000, 10, 3_000), (1_000, 0, RECORDS_MAX)] {
            gate.adapt(records, Duration::from_secs(seconds));
            assert_eq!(gate.lock().records_max, expected);
        }
    }
}

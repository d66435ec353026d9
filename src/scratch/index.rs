//! An index: numbers by keys, of which a key can have several. It is filled once, in any order, and takes fixed memory: what
//! memory does not hold is on disk, in sorted runs.
//!
//! Of a key 88 bits are kept, by which ten million keys are told apart but for one chance in 10^12. Who must be sure compares
//! what a number leads to.

use super::appended::Appended;
use crate::outcome::Failure;
use crate::store::Key;
use std::collections::BTreeSet;
use std::path::Path;

/// An entry: the key, and behind it the number.
type Entry = u128;

/// Bits of a number.
const NUMBER_BITS: u32 = 40;

/// The largest number.
const NUMBER_MAX: u64 = (1 << NUMBER_BITS) - 1;

/// The latest entries, which are not sorted yet but for a tree.
const LATEST_MAX: usize = 1 << 16;

/// Sorted entries in memory: 4 MiB. With more, all are on disk but for the first of each block.
const MEMORY_MAX: usize = 1 << 18;

/// Sorted runs; with more, they become one.
const RUNS_MAX: usize = 16;

/// Entries of a run that are read at once.
const BLOCK_LEN: usize = 256;

const ENTRY_LEN: usize = size_of::<Entry>();

/// Numbers by keys.
pub(super) struct Index {
    latest: BTreeSet<Entry>,
    runs: Vec<Run>,
    file: Appended,
    /// Sorted entries that may be in memory.
    memory_max: usize,
}

/// Sorted entries, each once.
enum Run {
    Memory(Vec<Entry>),
    Disk {
        /// Where it begins in the file.
        begin: u64,
        len: usize,
        /// The first entry of each block.
        firsts: Vec<Entry>,
    },
}

impl Index {
    /// An empty one, on the disk of a folder. `fails`: see [`Appended::create`].
    ///
    /// # Errors
    /// As [`Appended::create`].
    pub fn create(folder: &Path, fails: &'static str) -> Result<Index, Failure> {
        let (latest, file) = (BTreeSet::new(), Appended::create(folder, fails)?);
        Ok(Index { latest, runs: Vec::new(), file, memory_max: MEMORY_MAX })
    }

    /// The same of one that is seldom searched: of what is sorted nothing is in memory.
    ///
    /// # Errors
    /// As [`Appended::create`].
    pub fn create_on_disk(folder: &Path, fails: &'static str) -> Result<Index, Failure> {
        Ok(Index { memory_max: 0, ..Index::create(folder, fails)? })
    }

    /// Adds a number to a key.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written, or is too large.
    pub fn add(&mut self, key: &Key, number: u64) -> Result<(), Failure> {
        if number > NUMBER_MAX {
            return Err(self.file.failed(std::io::ErrorKind::FileTooLarge));
        }
        self.latest.insert(begin_of(key) | Entry::from(number));
        if self.latest.len() < LATEST_MAX { Ok(()) } else { self.sort_latest() }
    }

    /// The numbers of a key, in ascending order, each once.
    ///
    /// # Errors
    /// Exit 1 when the disk cannot be read.
    pub fn numbers(&self, key: &Key) -> Result<Vec<u64>, Failure> {
        let begin = begin_of(key);
        let (end, mut found) = (begin | Entry::from(NUMBER_MAX), Vec::new());
        for run in &self.runs {
            match run {
                Run::Memory(entries) => take_between(entries, (begin, end), &mut found),
                Run::Disk { .. } => self.search(run, (begin, end), &mut found)?,
            }
        }
        found.extend(self.latest.range(begin..=end).map(|entry| number_of(*entry)));
        if self.runs.len() > 1 {
            found.sort_unstable();
            found.dedup();
        }
        Ok(found)
    }

    /// Makes it quick to search. More can be added.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn sort(&mut self) -> Result<(), Failure> {
        self.sort_latest()?;
        self.merge()
    }

    fn sort_latest(&mut self) -> Result<(), Failure> {
        if self.latest.is_empty() {
            return Ok(());
        }
        let entries: Vec<Entry> = std::mem::take(&mut self.latest).into_iter().collect();
        let run = if self.memory_len() + entries.len() <= self.memory_max {
            Run::Memory(entries)
        } else {
            self.write(&entries)?
        };
        self.runs.push(run);
        if self.runs.len() > RUNS_MAX { self.merge() } else { Ok(()) }
    }

    fn memory_len(&self) -> usize {
        let len = |run: &Run| if let Run::Memory(entries) = run { entries.len() } else { 0 };
        self.runs.iter().map(len).sum()
    }

    fn write(&mut self, entries: &[Entry]) -> Result<Run, Failure> {
        let mut writing = Writing::new(self.file.len());
        entries.iter().try_for_each(|entry| writing.put(&mut self.file, *entry))?;
        Ok(writing.run)
    }

    /// Makes one run of all.
    fn merge(&mut self) -> Result<(), Failure> {
        if self.runs.len() < 2 {
            return self.file.flush();
        }
        if self.runs.iter().all(|run| matches!(run, Run::Memory(_))) {
            let entries = |run: Run| if let Run::Memory(entries) = run { entries } else { Vec::new() };
            let mut all: Vec<Entry> = self.runs.drain(..).flat_map(entries).collect();
            all.sort_unstable();
            all.dedup();
            self.runs.push(Run::Memory(all));
            return Ok(());
        }
        let (mut file, mut writing) = (self.file.another()?, Writing::new(0));
        let mut heads: Vec<Head<'_>> = self.runs.iter().map(Head::new).collect();
        for head in &mut heads {
            head.fill(&self.file)?;
        }
        let mut last = None;
        while let Some(head) = heads.iter_mut().filter(|head| head.entry.is_some()).min_by_key(|head| head.entry) {
            if let Some(entry) = head.entry.filter(|entry| last != Some(*entry)) {
                writing.put(&mut file, entry)?;
                last = Some(entry);
            }
            head.fill(&self.file)?;
        }
        file.flush()?;
        self.file = file;
        self.runs = vec![writing.run];
        Ok(())
    }

    /// Finds numbers in a run on disk. Those of one key can be in two blocks.
    fn search(&self, run: &Run, (begin, end): (Entry, Entry), found: &mut Vec<u64>) -> Result<(), Failure> {
        let Run::Disk { firsts, .. } = run else { return Ok(()) };
        let mut nth = firsts.partition_point(|first| *first <= begin).saturating_sub(1);
        let mut block = Vec::new();
        while firsts.get(nth).is_some_and(|first| *first <= end) {
            run.read_block(&self.file, nth, &mut block)?;
            take_between(&block, (begin, end), found);
            nth += 1;
        }
        Ok(())
    }
}

impl Run {
    fn read_block(&self, file: &Appended, nth: usize, block: &mut Vec<Entry>) -> Result<(), Failure> {
        block.clear();
        match self {
            Run::Memory(entries) => block.extend(entries.chunks(BLOCK_LEN).nth(nth).unwrap_or_default()),
            Run::Disk { begin, len, .. } => {
                let first = nth * BLOCK_LEN;
                let mut bytes = [0; BLOCK_LEN * ENTRY_LEN];
                let room = len.saturating_sub(first).min(BLOCK_LEN) * ENTRY_LEN;
                let room = bytes.get_mut(..room).unwrap_or_default();
                if file.read(begin + (first * ENTRY_LEN) as u64, room)? < room.len() {
                    return Err(file.failed(std::io::ErrorKind::UnexpectedEof));
                }
                let (entries, _) = room.as_chunks::<ENTRY_LEN>();
                block.extend(entries.iter().map(|bytes| Entry::from_be_bytes(*bytes)));
            }
        }
        Ok(())
    }
}

/// A run that is written.
struct Writing {
    run: Run,
}

impl Writing {
    fn new(begin: u64) -> Writing {
        Writing { run: Run::Disk { begin, len: 0, firsts: Vec::new() } }
    }

    fn put(&mut self, file: &mut Appended, entry: Entry) -> Result<(), Failure> {
        let Run::Disk { len, firsts, .. } = &mut self.run else { return Ok(()) };
        if len.is_multiple_of(BLOCK_LEN) {
            firsts.push(entry);
        }
        *len += 1;
        file.append(&entry.to_be_bytes()).map(drop)
    }
}

/// A run that is read from its beginning to its end.
struct Head<'r> {
    run: &'r Run,
    /// What is next.
    entry: Option<Entry>,
    block: Vec<Entry>,
    at: usize,
    next_block: usize,
}

impl Head<'_> {
    fn new(run: &Run) -> Head<'_> {
        Head { run, entry: None, block: Vec::new(), at: 0, next_block: 0 }
    }

    /// Goes on to the next entry.
    fn fill(&mut self, file: &Appended) -> Result<(), Failure> {
        if self.at >= self.block.len() {
            self.run.read_block(file, self.next_block, &mut self.block)?;
            (self.next_block, self.at) = (self.next_block + 1, 0);
        }
        self.entry = self.block.get(self.at).copied();
        self.at += 1;
        Ok(())
    }
}

/// The smallest entry of a key.
fn begin_of(key: &Key) -> Entry {
    Entry::from_be_bytes(*key.as_bytes()) & !Entry::from(NUMBER_MAX)
}

fn number_of(entry: Entry) -> u64 {
    // The mask leaves no more bits than that.
    u64::try_from(entry & Entry::from(NUMBER_MAX)).unwrap_or(NUMBER_MAX)
}

fn take_between(entries: &[Entry], (begin, end): (Entry, Entry), found: &mut Vec<u64>) {
    let from = entries.partition_point(|entry| *entry < begin);
    let entries = entries.iter().skip(from).take_while(|entry| **entry <= end);
    found.extend(entries.map(|entry| number_of(*entry)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> Key {
        Key::nth(b"key", number)
    }

    /// Every third key has a second number, which comes much later, and every fifth has its number twice.
    fn filled(folder: &Path, len: u64) -> Index {
        let mut index = Index::create(folder, "no index in").unwrap();
        for number in 0..len {
            index.add(&key(number), number).unwrap();
        }
        for number in 0..len {
            if number % 3 == 0 {
                index.add(&key(number), NUMBER_MAX - number).unwrap();
            }
            if number % 5 == 0 {
                index.add(&key(number), number).unwrap();
            }
        }
        index
    }

    fn check(index: &Index, len: u64) {
        for number in (0..len).step_by(7).chain(len.saturating_sub(30)..len) {
            let later = (number % 3 == 0).then_some(NUMBER_MAX - number);
            let expected: Vec<u64> = std::iter::once(number).chain(later).collect();
            assert_eq!(index.numbers(&key(number)).unwrap(), expected, "{number} of {len}");
        }
        assert!(index.numbers(&key(len)).unwrap().is_empty());
    }

    #[test]
    fn what_was_added_is_found_in_memory_and_on_disk_before_and_after_it_is_sorted() {
        let folder = tempfile::tempdir().unwrap();
        let is_on_disk = |index: &Index| index.runs.iter().any(|run| matches!(run, Run::Disk { .. }));
        for (len, on_disk) in [(0, false), (1, false), (1000, false), (100_000, false), (250_000, true)] {
            let mut index = filled(folder.path(), len);
            check(&index, len);
            index.sort().unwrap();
            assert_eq!(is_on_disk(&index), on_disk, "{len}");
            assert!(index.runs.len() < 2 && index.latest.is_empty());
            check(&index, len);
        }
    }

    #[test]
    fn one_that_is_seldom_searched_keeps_in_memory_what_is_not_sorted_yet() {
        let folder = tempfile::tempdir().unwrap();
        let mut index = Index::create_on_disk(folder.path(), "no index in").unwrap();
        let len = 3 * LATEST_MAX as u64 + 1000;
        (0..len).for_each(|number| index.add(&key(number), number).unwrap());
        assert_eq!((index.runs.len(), index.memory_len(), index.latest.len()), (3, 0, 1000));
        assert!((0..len).step_by(997).all(|number| index.numbers(&key(number)).unwrap() == [number]));
    }

    #[test]
    fn many_runs_become_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut index = Index::create(folder.path(), "no index in").unwrap();
        let len = (MEMORY_MAX + (RUNS_MAX + 2) * LATEST_MAX) as u64;
        for number in 0..len {
            index.add(&key(number), number).unwrap();
            assert!(index.runs.len() <= RUNS_MAX);
        }
        for number in (0..len).step_by(5003) {
            assert_eq!(index.numbers(&key(number)).unwrap(), [number]);
        }
    }

    #[test]
    fn a_number_that_is_too_large_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut index = Index::create(folder.path(), "no index in").unwrap();
        assert!(index.add(&key(1), NUMBER_MAX + 1).is_err());
    }
}

//! Which values several records have, by the hashes of the values and the lines of the records. They are in memory while they
//! are few; then they go to a file in sorted blocks, and are compared one part of all hashes after the other. It does not know
//! what the values are, nor where the file is.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So many are held in memory by each thread that counts: 256 KiB.
const HELD_MAX: usize = 1 << 14;
/// So many parts are compared one after the other: those of the first byte of a hash.
const PARTS: usize = 256;
/// Of one value, the lines of so many records are named, and no more are kept in a block.
const LINES_MAX: usize = 5;
/// Groups are collected until there are so many times those that are named, then the first ones stay.
const GROUPS_AHEAD: usize = 64;
/// The length of a key in the file.
const KEY_LEN: usize = size_of::<Key>();

/// A hash in the upper half, and the line of its record in the lower.
type Key = u128;

fn hash_of(key: Key) -> Key {
    key >> 64
}

fn part_of(key: Key) -> usize {
    (key >> 120) as usize
}

/// Makes the file once it is needed.
pub type MakeFile = dyn Fn() -> io::Result<File> + Send + Sync;

/// Values that several records have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repeated {
    /// How many records repeat the value of an earlier one.
    pub n: u64,
    /// The lines of the first such records, by value.
    pub first: Vec<Vec<u64>>,
}

/// Values of one kind, as one thread has met them.
#[derive(Clone)]
pub(super) struct Keys {
    held: Vec<Key>,
    kept: Arc<Mutex<Kept>>,
}

/// What is no longer held, of all threads.
struct Kept {
    make: Arc<MakeFile>,
    file: Option<File>,
    blocks: Vec<Block>,
    /// Records beyond [`LINES_MAX`] of one value in one block, which all repeat it.
    left_out: u64,
    /// Why the file could not be written.
    fault: Option<io::Error>,
}

/// Sorted keys in the file.
struct Block {
    from: u64,
    /// Where each part ends among them.
    ends: Box<[u16]>,
}

impl Keys {
    /// No values yet.
    pub fn new(make: Arc<MakeFile>) -> Keys {
        let kept = Kept { make, file: None, blocks: Vec::new(), left_out: 0, fault: None };
        Keys { held: Vec::new(), kept: Arc::new(Mutex::new(kept)) }
    }

    /// For another thread, whose values are compared with these.
    pub fn beside(&self) -> Keys {
        Keys { held: Vec::new(), kept: Arc::clone(&self.kept) }
    }

    /// Adds the value of a record by its hash.
    pub fn add(&mut self, line: u64, hash: u64) {
        self.held.push(Key::from(hash) << 64 | Key::from(line));
        if self.held.len() >= HELD_MAX {
            let left_out = thin(&mut self.held);
            self.kept().take(&self.held, left_out);
            self.held.clear();
        }
    }

    /// Adds what another thread has met.
    pub fn merge(&mut self, other: Keys) {
        self.held.extend(other.held);
    }

    /// The values that several records have, of all threads that were merged.
    ///
    /// # Errors
    /// Why the file could not be written or read.
    pub fn repeated(mut self, groups_max: usize) -> io::Result<Repeated> {
        self.held.sort_unstable();
        let mut kept = self.kept();
        if let Some(fault) = kept.fault.take() {
            return Err(fault);
        }
        let mut repeated = Repeated { n: kept.left_out, first: Vec::new() };
        let (mut keys, mut held) = (Vec::new(), self.held.as_slice());
        for part in 0..PARTS {
            keys.clear();
            kept.read(part, &mut keys)?;
            let (own, later) = held.split_at(held.partition_point(|key| part_of(*key) <= part));
            keys.extend_from_slice(own);
            held = later;
            keys.sort_unstable();
            repeated.add_groups(&keys, groups_max);
        }
        repeated.first.sort_unstable();
        repeated.first.truncate(groups_max);
        Ok(repeated)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Repeated {
    /// Counts what sorted keys have in common.
    fn add_groups(&mut self, keys: &[Key], groups_max: usize) {
        let same = |one: &Key, other: &Key| hash_of(*one) == hash_of(*other);
        for group in keys.chunk_by(same).filter(|group| group.len() > 1) {
            self.n += group.len() as u64 - 1;
            self.first.push(group.iter().take(LINES_MAX).map(|key| *key as u64).collect());
            if self.first.len() > groups_max * GROUPS_AHEAD {
                self.first.sort_unstable();
                self.first.truncate(groups_max);
            }
        }
    }
}

/// Sorts keys and leaves out what is beyond the first records of one value, however many have it; how many.
fn thin(keys: &mut Vec<Key>) -> u64 {
    keys.sort_unstable();
    let before = keys.len();
    let (mut last, mut same) = (None, 0);
    keys.retain(|key| {
        same = if last == Some(hash_of(*key)) { same + 1 } else { 0 };
        last = Some(hash_of(*key));
        same < LINES_MAX
    });
    (before - keys.len()) as u64
}

impl Kept {
    /// Takes a block of sorted keys.
    fn take(&mut self, keys: &[Key], left_out: u64) {
        self.left_out += left_out;
        if self.fault.is_none() {
            self.fault = self.write(keys).err();
        }
    }

    fn write(&mut self, keys: &[Key]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert((self.make)()?),
        };
        let from = file.seek(SeekFrom::End(0))?;
        let mut out = BufWriter::new(file);
        keys.iter().try_for_each(|key| out.write_all(&key.to_le_bytes()))?;
        out.flush()?;
        let end = |part| u16::try_from(keys.partition_point(|key| part_of(*key) <= part)).unwrap_or(u16::MAX);
        self.blocks.push(Block { from, ends: (0..PARTS).map(end).collect() });
        Ok(())
    }

    /// Reads a part of all blocks.
    fn read(&mut self, part: usize, keys: &mut Vec<Key>) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut bytes = Vec::new();
        for block in &self.blocks {
            let end = |part: Option<usize>| part.and_then(|part| block.ends.get(part)).copied().map_or(0, usize::from);
            let (begin, end) = (end(part.checked_sub(1)), end(Some(part)));
            bytes.resize((end - begin) * KEY_LEN, 0);
            file.seek(SeekFrom::Start(block.from + (begin * KEY_LEN) as u64))?;
            file.read_exact(&mut bytes)?;
            keys.extend(bytes.as_chunks().0.iter().map(|key| Key::from_le_bytes(*key)));
        }
        Ok(())
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("held", &self.held.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// A hash that differs for each value, in all of its bytes.
    fn hash(value: u64) -> u64 {
        value.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    fn repeated(lines: &[(u64, u64)], threads: usize) -> io::Result<Repeated> {
        let mut all = Keys::new(Arc::new(tempfile::tempfile));
        for at in 0..threads {
            let mut keys = all.beside();
            lines.iter().skip(at).step_by(threads).for_each(|(line, value)| keys.add(*line, hash(*value)));
            all.merge(keys);
        }
        all.repeated(3)
    }

    #[test]
    fn what_is_on_disk_is_compared_like_what_is_in_memory() {
        let few = HELD_MAX as u64 / 2;
        for rows in [few, few * 11] {
            // A value for two records far from each other, one for seven, one for a third of all.
            let value = |line: u64| match line {
                _ if line.is_multiple_of(3) => 0,
                7..=13 => 1,
                line if line > rows - 100 => rows - line + 1_000,
                line => line,
            };
            let lines: Vec<(u64, u64)> = (2..rows).map(|line| (line, value(line))).collect();
            let mut known: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
            lines.iter().for_each(|(line, value)| known.entry(*value).or_default().push(*line));
            let mut groups: Vec<Vec<u64>> = known.into_values().filter(|lines| lines.len() > 1).collect();
            let n = groups.iter().map(|lines| lines.len() as u64 - 1).sum();
            groups.sort();
            groups.truncate(3);
            groups.iter_mut().for_each(|lines| lines.truncate(LINES_MAX));
            for threads in [1, 3] {
                assert_eq!(repeated(&lines, threads).unwrap(), Repeated { n, first: groups.clone() }, "{rows}");
            }
        }
    }

    #[test]
    fn a_value_of_all_records_takes_no_room() {
        let mut keys = Keys::new(Arc::new(tempfile::tempfile));
        (0..HELD_MAX as u64 * 4).for_each(|line| keys.add(line, hash(1)));
        assert_eq!(keys.kept().file.as_ref().unwrap().metadata().unwrap().len(), (4 * LINES_MAX * KEY_LEN) as u64);
        let n = HELD_MAX as u64 * 4 - 1;
        assert_eq!(keys.repeated(3).unwrap(), Repeated { n, first: vec![vec![0, 1, 2, 3, 4]] });
    }

    #[test]
    fn a_file_that_cannot_be_made_is_an_error_and_takes_no_memory() {
        let mut keys = Keys::new(Arc::new(|| Err(io::ErrorKind::StorageFull.into())));
        (0..HELD_MAX as u64 * 3).for_each(|line| keys.add(line, hash(line)));
        assert!(keys.held.len() < HELD_MAX);
        assert_eq!(keys.repeated(3).unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}

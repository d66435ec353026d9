//! A set of keys of fixed size in memory, which never forgets one and takes few others for members.

use super::key::Key;
use std::sync::atomic::{AtomicU64, Ordering};

/// Keys, or ids by their hashes.
#[derive(Debug)]
pub(crate) struct Filter(Box<[AtomicU64]>);

/// Bits of the filter, a power of two: 4 MiB; with two bits a key, a million members make it take one in three
/// hundred others for one.
const BITS: usize = 1 << 25;

impl Filter {
    pub(crate) fn new() -> Filter {
        Filter((0..BITS / 64).map(|_| AtomicU64::new(0)).collect())
    }

    /// The words and masks of a key, whose bytes are those of a hash.
    fn bits(&self, key: &Key) -> impl Iterator<Item = (&AtomicU64, u64)> {
        let halves = [key.as_bytes().first_chunk::<8>().copied(), key.as_bytes().last_chunk::<8>().copied()];
        let numbers = halves.into_iter().flatten().map(|bytes| u64::from_le_bytes(bytes) as usize % BITS);
        numbers.filter_map(|bit| Some((self.0.get(bit / 64)?, 1 << (bit % 64))))
    }

    pub(crate) fn add(&self, key: &Key) {
        for (word, mask) in self.bits(key) {
            word.fetch_or(mask, Ordering::AcqRel);
        }
    }

    pub(crate) fn has(&self, key: &Key) -> bool {
        self.bits(key).all(|(word, mask)| word.load(Ordering::Acquire) & mask != 0)
    }
}

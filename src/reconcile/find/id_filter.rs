//! A set of ids of fixed size, which never forgets one and takes few others for members.

use std::sync::atomic::{AtomicU64, Ordering};

/// Ids, by their hashes.
pub(super) struct IdFilter(Box<[AtomicU64]>);

/// Bits of the filter, a power of two: 4 MiB; with two bits an id, a million members make it take one in three
/// hundred others for one.
const BITS: usize = 1 << 25;

impl IdFilter {
    pub(super) fn new() -> IdFilter {
        IdFilter((0..BITS / 64).map(|_| AtomicU64::new(0)).collect())
    }

    /// The words and masks of an id.
    fn bits(&self, id: &str) -> impl Iterator<Item = (&AtomicU64, u64)> {
        let hash = blake3::hash(id.as_bytes());
        let halves = [hash.as_bytes().first_chunk::<8>().copied(), hash.as_bytes().last_chunk::<8>().copied()];
        let numbers = halves.into_iter().flatten().map(|bytes| u64::from_le_bytes(bytes) as usize % BITS);
        numbers.filter_map(|bit| Some((self.0.get(bit / 64)?, 1 << (bit % 64))))
    }

    pub(super) fn add(&self, id: &str) {
        for (word, mask) in self.bits(id) {
            word.fetch_or(mask, Ordering::AcqRel);
        }
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.bits(id).all(|(word, mask)| word.load(Ordering::Acquire) & mask != 0)
    }
}

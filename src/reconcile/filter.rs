//! A set of ids of fixed size, which never forgets one and takes few others for members.

use std::sync::atomic::{AtomicU64, Ordering};

/// The ids of contacts that this run has changed, so that nobody is compared with what a snapshot says of them. A
/// filter of fixed size: it remembers every one of them, and takes few others for one.
pub(super) struct Changed(Box<[AtomicU64]>);

/// Bits of the filter, a power of two: 4 MiB; with two bits an id, a million changed contacts make it take one in
/// three hundred others for changed, which costs a request each.
const CHANGED_BITS: usize = 1 << 25;

impl Changed {
    pub fn new() -> Changed {
        Changed((0..CHANGED_BITS / 64).map(|_| AtomicU64::new(0)).collect())
    }

    /// The words and masks of an id.
    fn bits(&self, id: &str) -> impl Iterator<Item = (&AtomicU64, u64)> {
        let hash = blake3::hash(id.as_bytes());
        let halves = [hash.as_bytes().first_chunk::<8>().copied(), hash.as_bytes().last_chunk::<8>().copied()];
        let numbers = halves.into_iter().flatten().map(|bytes| u64::from_le_bytes(bytes) as usize % CHANGED_BITS);
        numbers.filter_map(|bit| Some((self.0.get(bit / 64)?, 1 << (bit % 64))))
    }

    pub fn add(&self, id: &str) {
        for (word, mask) in self.bits(id) {
            word.fetch_or(mask, Ordering::AcqRel);
        }
    }

    pub fn has(&self, id: &str) -> bool {
        self.bits(id).all(|(word, mask)| word.load(Ordering::Acquire) & mask != 0)
    }
}

//! A set of keys of fixed size in memory, which never forgets one and takes few others for members.

use super::key::Key;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Keys, or ids by their hashes. It takes memory from its first key on.
#[derive(Debug)]
pub(crate) struct Filter(OnceLock<Box<[AtomicU64]>>);

/// Bits of the filter, a power of two: 4 MiB; with four bits a key, a million members make it take one in six thousand
/// others for one.
const BITS: usize = 1 << 25;

impl Filter {
    pub(crate) fn new() -> Filter {
        Filter(OnceLock::new())
    }

    pub(crate) fn add(&self, key: &Key) {
        let words = self.0.get_or_init(|| (0..BITS / 64).map(|_| AtomicU64::new(0)).collect());
        for (word, mask) in bits(words, key) {
            word.fetch_or(mask, Ordering::AcqRel);
        }
    }

    pub(crate) fn has(&self, key: &Key) -> bool {
        let Some(words) = self.0.get() else { return false };
        bits(words, key).all(|(word, mask)| word.load(Ordering::Acquire) & mask != 0)
    }
}

/// The words and masks of a key, whose bytes are those of a hash.
fn bits<'w>(words: &'w [AtomicU64], key: &Key) -> impl Iterator<Item = (&'w AtomicU64, u64)> + use<'w> {
    let bytes = *key.as_bytes();
    let quarters = (0..4).filter_map(move |nth| bytes.get(4 * nth..4 * nth + 4)?.first_chunk().copied());
    let numbers = quarters.map(|bytes| u32::from_le_bytes(bytes) as usize % BITS);
    numbers.filter_map(|bit| Some((words.get(bit / 64)?, 1 << (bit % 64))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_there_and_hardly_anything_else() {
        let filter = Filter::new();
        assert!(!filter.has(&Key::nth(b"in", 0)));
        (0..10_000).for_each(|no| filter.add(&Key::nth(b"in", no)));
        assert!((0..10_000).all(|no| filter.has(&Key::nth(b"in", no))));
        assert!((0..10_000).filter(|no| filter.has(&Key::nth(b"out", *no))).count() < 10);
    }
}

//! A set of keys in memory, which never forgets one and takes few others for members. It grows with its keys, up to 8 MiB.

use super::key::Key;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Keys, or ids by their hashes. It takes memory from its first key on.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    /// Each takes keys until it has as many as it is made for, but for the last.
    layers: [Layer; LAYERS.len()],
}

/// The bits of each layer, powers of two: 256 KiB for the first 131,072 keys, 2 MiB for a million, 4 MiB for two million, and
/// 4 MiB more for any number.
const LAYERS: [usize; 6] = [1 << 21, 1 << 21, 1 << 22, 1 << 23, 1 << 24, 1 << 25];

/// Bits for each key of a layer that is full. A key sets four, so that one in four hundred others is taken for one of them.
const BITS_A_KEY: usize = 16;

#[derive(Debug, Default)]
struct Layer {
    words: OnceLock<Box<[AtomicU64]>>,
    /// How many keys it took.
    len: AtomicUsize,
}

impl Filter {
    pub(crate) fn new() -> Filter {
        Filter::default()
    }

    /// Adds a key. Threads that add at the same time may make a layer a little fuller than it is to be.
    pub(crate) fn add(&self, key: &Key) {
        let mut layers = self.layers.iter().zip(LAYERS).enumerate();
        let has_room = |(nth, (layer, bits)): &(usize, (&Layer, usize))| {
            *nth + 1 == LAYERS.len() || layer.len.load(Ordering::Relaxed) < bits / BITS_A_KEY
        };
        let Some((_, (layer, bits))) = layers.find(has_room) else { return };
        let words = layer.words.get_or_init(|| (0..bits / 64).map(|_| AtomicU64::new(0)).collect());
        layer.len.fetch_add(1, Ordering::Relaxed);
        for (word, mask) in bits_of(words, key) {
            word.fetch_or(mask, Ordering::AcqRel);
        }
    }

    pub(crate) fn has(&self, key: &Key) -> bool {
        // All of them: that an earlier one has its words may be seen later than that it is full.
        let mut layers = self.layers.iter().filter_map(|layer| layer.words.get());
        layers.any(|words| bits_of(words, key).all(|(word, mask)| word.load(Ordering::Acquire) & mask != 0))
    }
}

/// The words and masks of a key, whose bytes are those of a hash.
fn bits_of<'w>(words: &'w [AtomicU64], key: &Key) -> impl Iterator<Item = (&'w AtomicU64, u64)> + use<'w> {
    let bytes = *key.as_bytes();
    let quarters = (0..4).filter_map(move |nth| bytes.get(4 * nth..4 * nth + 4)?.first_chunk().copied());
    // The number of bits is a power of two.
    let last_bit = (words.len() * 64).saturating_sub(1);
    let numbers = quarters.map(move |bytes| u32::from_le_bytes(bytes) as usize & last_bit);
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

    #[test]
    fn it_grows_with_its_keys_and_forgets_none() {
        let (filter, layers) =
            (Filter::new(), |filter: &Filter| filter.layers.iter().filter(|layer| layer.words.get().is_some()).count());
        assert_eq!(layers(&filter), 0);
        let keys = |name: &'static [u8], len| (0..len).map(move |no| Key::nth(name, no));
        let full = (LAYERS[0] / BITS_A_KEY) as u64;
        keys(b"in", full).for_each(|key| filter.add(&key));
        assert_eq!(layers(&filter), 1);
        keys(b"in", full * 5).skip(full as usize).for_each(|key| filter.add(&key));
        assert_eq!(layers(&filter), 4);
        assert!(keys(b"in", full * 5).all(|key| filter.has(&key)));
        let taken = keys(b"out", 100_000).filter(|key| filter.has(key)).count();
        assert!(taken < 1_500, "{taken} of 100,000 others are taken for members");
    }
}

//! The key of an entry: what makes a record the same record when a run is resumed.
//!
//! It is a hash, so that a store can find an entry again without keeping the contact's values.

use crate::identity::IdentityValue;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// How many bytes of the hash are kept: at ten million entries the odds of two sharing a key are below 1 in 10^24.
const KEY_LEN: usize = 16;

/// Which record an entry is about: its identity and its content, not its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key([u8; KEY_LEN]);

impl Key {
    /// The key of a record with these identity values and this content (any bytes that are the same when the content
    /// is).
    pub fn of(identity: &[IdentityValue], content: &[u8]) -> Key {
        // Put together first: hashing one short text costs a fraction of feeding its parts to a hasher.
        let framed = identity.iter().map(|value| value.field.name().len() + value.value.len() + 2 * LEN_BYTES);
        let mut bytes = Vec::with_capacity(framed.sum::<usize>() + LEN_BYTES + content.len());
        for value in identity {
            frame(&mut bytes, value.field.name().as_bytes());
            frame(&mut bytes, value.value.as_bytes());
        }
        frame(&mut bytes, b"");
        bytes.extend_from_slice(content);
        Key::cut(&blake3::hash(&bytes))
    }

    /// The key of a record without identity: its raw bytes, and how many records with the same bytes came before it.
    pub fn nth(raw: &[u8], before: u64) -> Key {
        Key::cut(&blake3::hash(&[raw, &before.to_le_bytes()].concat()))
    }

    /// The key that is the first 16 bytes of a hash made elsewhere; `None` when there are fewer.
    pub fn from_hash(hash: &[u8]) -> Option<Key> {
        Some(Key(*hash.first_chunk()?))
    }

    /// The key under which a link is kept.
    pub fn of_link(identity: &IdentityValue) -> Key {
        Key::of(std::slice::from_ref(identity), b"")
    }

    /// The key as bytes.
    pub fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    fn cut(hash: &blake3::Hash) -> Key {
        Key::from_hash(hash.as_bytes()).unwrap_or(Key([0; KEY_LEN]))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The bytes of a length.
const LEN_BYTES: usize = size_of::<u64>();

/// Adds one value with its length, so that `ab`, `c` and `a`, `bc` differ.
fn frame(framed: &mut Vec<u8>, bytes: &[u8]) {
    framed.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    framed.extend_from_slice(bytes);
}

/// A map by keys.
pub type ByKey<V> = HashMap<Key, V, BuildHasherDefault<HashedAlready>>;

/// The hasher of values that are hashes themselves: it takes eight of their bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct HashedAlready(u64);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if let Some(first) = self.0.first_chunk() {
            state.write_u64(u64::from_le_bytes(*first));
        }
    }
}

impl Hasher for HashedAlready {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let last = bytes.last_chunk().map(|last| u64::from_le_bytes(*last));
        self.0 = last.unwrap_or_else(|| bytes.iter().fold(self.0, |hash, byte| hash << 8 | u64::from(*byte)));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::Field;
    use std::hash::BuildHasher;

    #[test]
    fn a_key_is_that_of_earlier_versions_because_it_is_stored() {
        let of = |field, value: &str| IdentityValue { field, value: value.to_owned() };
        let identity = [of(Field::Phones, "593991234567"), of(Field::Emails, "ana@example.com")];
        let mut hasher = blake3::Hasher::new();
        for part in ["phones", "593991234567", "emails", "ana@example.com", ""] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        hasher.update(b"content");
        assert_eq!(Key::of(&identity, b"content").as_bytes()[..], hasher.finalize().as_bytes()[..16]);
        let nth = blake3::Hasher::new().update(b"raw").update(&3u64.to_le_bytes()).finalize();
        assert_eq!(Key::nth(b"raw", 3).as_bytes()[..], nth.as_bytes()[..16]);
    }

    #[test]
    fn keys_that_differ_have_different_hashes() {
        let hashes = BuildHasherDefault::<HashedAlready>::default();
        let of = |nth| hashes.hash_one(Key::nth(b"raw", nth));
        assert_eq!((0..1000).map(of).collect::<std::collections::HashSet<_>>().len(), 1000);
        assert_ne!(hashes.hash_one("one"), hashes.hash_one("two"));
    }
}

//! The key of an entry: what makes a record the same record when a run is resumed.
//!
//! It is a hash, so that a store can find an entry again without keeping the contact's values.

use crate::identity::IdentityValue;
use std::fmt;

/// How many bytes of the hash are kept: at ten million entries the odds of two sharing a key are below 1 in 10^24.
const KEY_LEN: usize = 16;

/// Which record an entry is about: its identity and its content, not its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key([u8; KEY_LEN]);

impl Key {
    /// The key of a record with these identity values and this content (any bytes that are the same when the content
    /// is).
    pub fn of(identity: &[IdentityValue], content: &[u8]) -> Key {
        let mut hasher = blake3::Hasher::new();
        for value in identity {
            frame(&mut hasher, value.field.name().as_bytes());
            frame(&mut hasher, value.value.as_bytes());
        }
        frame(&mut hasher, b"");
        hasher.update(content);
        Key::cut(&hasher.finalize())
    }

    /// The key of a record without identity: its raw bytes, and how many records with the same bytes came before it.
    pub fn nth(raw: &[u8], before: u64) -> Key {
        let mut hasher = blake3::Hasher::new();
        hasher.update(raw).update(&before.to_le_bytes());
        Key::cut(&hasher.finalize())
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

/// Feeds one value with its length, so that `ab`, `c` and `a`, `bc` differ.
fn frame(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
}

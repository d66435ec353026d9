//! A snapshot: all contacts at the target, as one paged read found them, on disk and found by id or identity.
//!
//! It proves which contacts were absent or unchanged when it was taken, no more. The contacts are appended to a file, and
//! two indexes lead to their places there, because a database takes ten times as long to be filled and searched.

use super::appended::Appended;
use super::index::Index;
use crate::identity::IdentityValue;
use crate::outcome::Failure;
use crate::store::{Filter, Key};
use std::path::Path;

const FAILS: &str = "no snapshot can be kept in";

/// Bytes of a contact that are read at once: more than most have.
const READ_LEN: usize = 768;

/// The lengths of the id and the text, which stand before them.
const HEAD_LEN: usize = 8;

/// A snapshot that is being taken.
pub struct SnapshotBuilder {
    snapshot: Snapshot,
    /// The ids that were met: one that is not among them was not.
    met: Filter,
    pass: u32,
    /// Where the pass began.
    pass_begin: u64,
}

/// A snapshot that is complete.
pub struct Snapshot {
    contacts: Appended,
    ids: Index,
    identities: Index,
    len: u64,
    /// Whether a contact was added more than once.
    has_versions: bool,
}

/// Contacts, as they are kept: made by the thread that has read them.
#[derive(Default)]
pub struct SnapshotPage {
    bytes: Vec<u8>,
    /// The id of each contact, and where it begins.
    ids: Vec<(Key, usize)>,
    /// The same of each identity value.
    identities: Vec<(Key, usize)>,
}

/// A contact of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its id at the target.
    pub id: String,
    /// The contact (JSON as it was added).
    pub json: String,
}

impl SnapshotPage {
    /// Adds a contact: id, contact (JSON) and identity values.
    pub fn add(&mut self, id: &str, json: &str, identities: &[IdentityValue]) {
        let begin = self.bytes.len();
        // Both are far below 4 GiB, the longest response.
        for text in [id, json] {
            self.bytes.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
        }
        self.bytes.extend(id.as_bytes());
        self.bytes.extend(json.as_bytes());
        self.ids.push((id_key(id), begin));
        self.identities.extend(identities.iter().map(|identity| (Key::of_link(identity), begin)));
    }

    /// How many contacts there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The bytes that it takes.
    pub fn size(&self) -> usize {
        self.bytes.len() + (self.ids.len() + self.identities.len()) * size_of::<(Key, usize)>()
    }
}

impl Snapshot {
    /// Begins a snapshot in a folder, which is created if it is missing.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written there.
    pub fn create(folder: &Path) -> Result<SnapshotBuilder, Failure> {
        let (ids, identities) = (Index::create(folder, FAILS)?, Index::create(folder, FAILS)?);
        let contacts = Appended::create(folder, FAILS)?;
        let snapshot = Snapshot { contacts, ids, identities, len: 0, has_versions: false };
        Ok(SnapshotBuilder { snapshot, met: Filter::new(), pass: 0, pass_begin: 0 })
    }

    /// How many contacts it holds.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there was no contact.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The contact with this id (JSON as it was added last).
    ///
    /// # Errors
    /// Exit 1 when the snapshot cannot be read.
    pub fn by_id(&self, id: &str) -> Result<Option<String>, Failure> {
        let Some(place) = self.place_of(id)? else { return Ok(None) };
        let kept = self.at(place)?;
        Ok((kept.id == id).then_some(kept.json))
    }

    /// Where the contact is that may have this id; nowhere: there is none.
    ///
    /// # Errors
    /// Exit 1 when the snapshot cannot be read.
    pub fn place_of(&self, id: &str) -> Result<Option<u64>, Failure> {
        Ok(self.ids.numbers(&id_key(id))?.pop())
    }

    /// All contacts with this identity value, each once.
    ///
    /// # Errors
    /// Exit 1 when the snapshot cannot be read.
    pub fn by_identity(&self, identity: &IdentityValue) -> Result<Vec<Kept>, Failure> {
        self.places(&Key::of_link(identity))?.into_iter().map(|place| self.at(place)).collect()
    }

    /// Where the contacts are that have the identity value of this key, each once.
    ///
    /// # Errors
    /// Exit 1 when the snapshot cannot be read.
    pub fn places(&self, link: &Key) -> Result<Vec<u64>, Failure> {
        let places = self.identities.numbers(link)?;
        if !self.has_versions {
            return Ok(places);
        }
        let mut latest = Vec::new();
        for place in places {
            if self.place_of(&self.at(place)?.id)? == Some(place) {
                latest.push(place);
            }
        }
        Ok(latest)
    }

    /// The contact that is there.
    ///
    /// # Errors
    /// Exit 1 when the snapshot cannot be read.
    pub fn at(&self, place: u64) -> Result<Kept, Failure> {
        let damaged = || self.contacts.failed(std::io::ErrorKind::InvalidData);
        let mut bytes = [0; READ_LEN];
        let len = self.contacts.read(place, &mut bytes)?;
        let (head, bytes) = bytes.get(..len).and_then(<[u8]>::split_first_chunk::<HEAD_LEN>).ok_or_else(damaged)?;
        let [id_len, json_len] = lengths(*head);
        let end = id_len.saturating_add(json_len);
        let whole: Vec<u8>;
        let bytes = match bytes.get(..end) {
            Some(bytes) => bytes,
            None => {
                whole = self.read_long(place + HEAD_LEN as u64, end)?;
                &whole
            }
        };
        let (id, json) = bytes.split_at_checked(id_len).ok_or_else(damaged)?;
        let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| damaged());
        Ok(Kept { id: text(id)?, json: text(json)? })
    }

    fn read_long(&self, begin: u64, len: usize) -> Result<Vec<u8>, Failure> {
        let mut bytes = vec![0; len];
        let is_whole = self.contacts.read(begin, &mut bytes)? == len;
        if is_whole { Ok(bytes) } else { Err(self.contacts.failed(std::io::ErrorKind::UnexpectedEof)) }
    }
}

impl SnapshotBuilder {
    /// Adds a page of a pass over the target. A contact that was added before is replaced. Returns how many of them this
    /// pass had not met before.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn add(&mut self, pass: u32, page: &SnapshotPage) -> Result<u64, Failure> {
        let page_begin = self.snapshot.contacts.append(&page.bytes)?;
        if pass != self.pass {
            (self.pass, self.pass_begin) = (pass, page_begin);
        }
        let mut first_met = 0;
        for (id, begin) in &page.ids {
            let latest = if self.met.has(id) { self.snapshot.ids.numbers(id)?.pop() } else { None };
            self.snapshot.len += u64::from(latest.is_none());
            self.snapshot.has_versions |= latest.is_some();
            first_met += u64::from(latest.is_none_or(|latest| latest < self.pass_begin));
            self.met.add(id);
            self.snapshot.ids.add(id, page_begin + *begin as u64)?;
        }
        for (identity, begin) in &page.identities {
            self.snapshot.identities.add(identity, page_begin + *begin as u64)?;
        }
        Ok(first_met)
    }

    /// How many contacts it holds so far.
    pub fn len(&self) -> u64 {
        self.snapshot.len
    }

    /// Whether there was no contact so far.
    pub fn is_empty(&self) -> bool {
        self.snapshot.len == 0
    }

    /// Completes it, so that it can be searched. Of a contact that was added more than once the last version counts.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn done(self) -> Result<Snapshot, Failure> {
        let mut snapshot = self.snapshot;
        snapshot.contacts.flush()?;
        snapshot.ids.sort()?;
        snapshot.identities.sort()?;
        Ok(snapshot)
    }
}

fn id_key(id: &str) -> Key {
    Key::nth(id.as_bytes(), 0)
}

fn lengths([a, b, c, d, e, f, g, h]: [u8; HEAD_LEN]) -> [usize; 2] {
    [[a, b, c, d], [e, f, g, h]].map(|bytes| usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX))
}

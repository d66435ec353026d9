//! Pages that came before, byte for byte: a further pass over a list that tells no total need not read them again.
//!
//! What a pass meets on pages that are the same as before, from the first one on, is what was met on them then. The first page
//! that differs ends that, for the rest of the pass.

use crate::http::Response;
use crate::platforms::Cursor;
use crate::scratch::spool::Reading;
use std::sync::{Arc, PoisonError, RwLock};

/// Pages that are remembered, from the first on (5 MiB).
const PAGES_MAX: usize = 65_536;

/// A page of which each contact was new to the pass.
#[derive(Clone, Copy)]
struct Page {
    /// See [`number`].
    after: u64,
    next: u64,
    hash: [u8; 32],
    contacts: u64,
}

/// The pages of the first pass, shared with the requests.
#[derive(Clone, Default)]
pub(super) struct PagesBefore(Arc<RwLock<Vec<Page>>>);

/// A page that is the same as before.
pub(super) struct Same {
    /// Of which each would be new to the pass.
    pub contacts: u64,
    /// The page, if it has to be read all the same.
    pub response: Response,
}

impl PagesBefore {
    /// The page that begins there, and where the next one does, if that is what the response holds.
    pub fn find(&self, after: Option<&Cursor>, response: &Response) -> Option<(Same, Option<Cursor>)> {
        let after = number(after)?;
        let page = {
            let pages = self.0.read().unwrap_or_else(PoisonError::into_inner);
            *pages.get(pages.binary_search_by_key(&after, |page| page.after).ok()?)?
        };
        let is_same = response.is_success() && hash_of(response) == page.hash;
        let same = || Same { contacts: page.contacts, response: response.clone() };
        is_same.then(|| (same(), (page.next > 0).then(|| page.next.to_string())))
    }

    fn clear(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn push(&self, page: Page) -> bool {
        let mut pages = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let has_room = pages.len() < PAGES_MAX && pages.last().is_none_or(|last| last.next == page.after);
        let is_later = pages.last().is_none_or(|last| last.after < page.after);
        if has_room && is_later {
            pages.push(page);
        }
        has_room && is_later
    }
}

/// The number that a cursor is, and 0 in place of none; `None` where it is another text.
fn number(cursor: Option<&Cursor>) -> Option<u64> {
    let Some(cursor) = cursor else { return Some(0) };
    let number: u64 = cursor.parse().ok()?;
    (number > 0 && number.to_string() == *cursor).then_some(number)
}

/// What tells one body from another.
pub(super) fn hash_of(response: &Response) -> [u8; 32] {
    *blake3::hash(&response.body).as_bytes()
}

/// How far the pages of a pass are those of before.
pub(super) struct SoFar {
    pub pages: PagesBefore,
    pass: u32,
    /// Whether all pages of the pass until now were the same, or, in the first one, are remembered.
    is_same: bool,
}

/// A page of the first pass, as far as it is remembered.
pub(super) struct Seen<'a> {
    pub after: Option<&'a Cursor>,
    pub next: Option<&'a Cursor>,
    pub hash: Option<[u8; 32]>,
    pub contacts: u64,
}

impl SoFar {
    /// Before the first page of this process.
    pub fn new(reading: &Reading) -> SoFar {
        let is_same = reading.after.is_none() && reading.pass == 1;
        SoFar { pages: PagesBefore::default(), pass: reading.pass, is_same }
    }

    /// Whether a page that is the same as before need not be read.
    pub fn is_same(&mut self, reading: &Reading) -> bool {
        if self.pass != reading.pass {
            self.pass = reading.pass;
            self.is_same = reading.after.is_none();
        }
        self.is_same
    }

    /// A page was read. In the first pass it is remembered, if `news` says that all of its contacts were new. One that differs
    /// in a later pass may have changed contacts of pages before it, so that nothing is remembered any more.
    pub fn was_read(&mut self, reading: &Reading, seen: &Seen<'_>, news: u64) {
        if reading.pass > 1 {
            self.pages.clear();
        }
        let page = |hash| {
            let (after, next) = (number(seen.after)?, number(seen.next)?);
            Some(Page { after, next, hash, contacts: seen.contacts })
        };
        let page = seen.hash.filter(|_| reading.pass == 1 && news == seen.contacts).and_then(page);
        self.is_same = self.is_same(reading) && page.is_some_and(|page| self.pages.push(page));
    }
}

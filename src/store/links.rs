//! Links that a store does not find yet, in memory. A link (identity value → id at the target) belongs to the account and
//! outlives its runs.
//!
//! A link is seen as soon as it is reported; a store may write links in large groups, and says which of them its readers
//! find ([`super::op::Applied::readable_links`]). What is kept here is bounded by such a group.

use super::key::Key;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The links that the readers of the store do not find yet.
#[derive(Debug, Default)]
pub(super) struct RecentLinks {
    /// `None`: the link was removed.
    recent: Mutex<HashMap<Key, Option<Box<str>>>>,
    /// Whether the store has any link.
    has_stored: AtomicBool,
}

/// What memory knows of a link.
pub(super) enum Recent {
    /// Where it leads, or that it was removed.
    Known(Option<String>),
    /// Nothing: ask the store.
    AskStore,
    /// Nothing, and the store has no link at all.
    Nowhere,
}

impl RecentLinks {
    /// Whether the store had any link when it was opened.
    pub(super) fn set_stored(&self, has_stored: bool) {
        self.has_stored.store(has_stored, Ordering::Release);
    }

    pub(super) fn set(&self, link: Key, target_id: Option<&str>) {
        self.recent().insert(link, target_id.map(Box::from));
    }

    pub(super) fn get(&self, link: &Key) -> Recent {
        if let Some(known) = self.recent().get(link) {
            return Recent::Known(known.as_deref().map(str::to_owned));
        }
        if self.has_stored.load(Ordering::Acquire) { Recent::AskStore } else { Recent::Nowhere }
    }

    /// Whether there is any link at all.
    pub(super) fn any(&self) -> bool {
        self.has_stored.load(Ordering::Acquire) || !self.recent().is_empty()
    }

    /// Drops what the readers of the store find from now on, unless it has changed since.
    pub(super) fn stored(&self, links: &[(Key, Option<String>)]) {
        if links.iter().any(|(_, target_id)| target_id.is_some()) {
            self.set_stored(true);
        }
        let mut recent = self.recent();
        for (link, target_id) in links {
            if recent.get(link).is_some_and(|known| known.as_deref() == target_id.as_deref()) {
                recent.remove(link);
            }
        }
    }

    fn recent(&self) -> MutexGuard<'_, HashMap<Key, Option<Box<str>>>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_changed_while_it_was_stored_stays_as_it_is_now() {
        let (one, other, links) = (Key::nth(b"one", 0), Key::nth(b"other", 0), RecentLinks::default());
        links.set(one, Some("later"));
        links.set(other, Some("same"));
        links.stored(&[(one, Some("earlier".into())), (other, Some("same".into()))]);
        assert!(matches!(links.get(&one), Recent::Known(Some(id)) if id == "later"));
        assert!(matches!(links.get(&other), Recent::AskStore));
    }
}

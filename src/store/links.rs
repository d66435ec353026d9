//! Links that a store does not find yet, in memory. A link (identity value → id at the target) belongs to the account and
//! outlives its runs.
//!
//! A link is seen as soon as it is reported; a store may write links in large groups, and says which of them its readers
//! find ([`super::op::Applied::readable_links`]). What is kept here is bounded by such a group.

use super::filter::Filter;
use super::key::{ByKey, Key};
use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Answers of the store that are kept: those for the records that are read next, and those in flight.
const ANSWERS_MAX: usize = 8192;

/// Links that were stored lately: those of the groups that may be written while a question to a distant store is on its way.
const LATELY_MAX: usize = 8192;

/// Links, each with the id to which it leads; none: nowhere.
type Links = ByKey<Option<Box<str>>>;

/// The links that the readers of the store do not find yet, and what they have answered a moment ago.
#[derive(Debug, Default)]
pub(super) struct RecentLinks {
    /// Not found by readers yet. `None`: the link was removed.
    recent: Mutex<Links>,
    /// What the store has answered, as it is still.
    answers: Mutex<Links>,
    /// How often links were stored.
    stores: AtomicU64,
    /// Those that were stored lately: an answer about them that was read before is not kept.
    lately: Mutex<Lately>,
    /// Whether the store has any link.
    has_stored: AtomicBool,
    /// Whether it had one when it was opened.
    had_stored: AtomicBool,
    /// The links that the store has, where it had none when it was opened: most values of a first import lead nowhere,
    /// and nothing is read to find that out.
    stored: OnceLock<Filter>,
}

/// Links that were stored lately, each with the number of the store.
#[derive(Debug, Default)]
struct Lately {
    links: VecDeque<(u64, Key)>,
    /// Up to this store they are not known any more.
    forgotten: u64,
}

impl Lately {
    fn add(&mut self, store: u64, link: Key) {
        self.links.push_back((store, link));
        if self.links.len() > LATELY_MAX
            && let Some((store, _)) = self.links.pop_front()
        {
            self.forgotten = store;
        }
    }

    /// Those that were stored after so many stores; none where that is not known any more.
    fn since(&self, stores: u64) -> Option<HashSet<Key>> {
        let since = || self.links.iter().rev().take_while(|(store, _)| *store > stores).map(|(_, link)| *link);
        (self.forgotten <= stores).then(|| since().collect())
    }
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
        self.had_stored.store(has_stored, Ordering::Release);
        self.has_stored.store(has_stored, Ordering::Release);
    }

    pub(super) fn set(&self, link: Key, target_id: Option<&str>) {
        self.recent().insert(link, target_id.map(Box::from));
    }

    pub(super) fn get(&self, link: &Key) -> Recent {
        if let Some(known) = self.recent().get(link) {
            return Recent::Known(known.as_deref().map(str::to_owned));
        }
        if let Some(answer) = self.answers().get(link) {
            return Recent::Known(answer.as_deref().map(str::to_owned));
        }
        let may_be_stored = self.stored.get().is_none_or(|stored| stored.has(link));
        if may_be_stored && self.has_stored.load(Ordering::Acquire) { Recent::AskStore } else { Recent::Nowhere }
    }

    /// Where links lead, in their order; and those among them of which nothing is known, in the order of a store, each with
    /// its place.
    pub(super) fn get_all(&self, links: &[Key]) -> (Vec<Option<String>>, Vec<(Key, usize)>) {
        let (mut found, mut unknown) = (Vec::with_capacity(links.len()), Vec::new());
        for (nth, link) in links.iter().enumerate() {
            found.push(match self.get(link) {
                Recent::Known(target_id) => target_id,
                Recent::Nowhere => None,
                Recent::AskStore => {
                    unknown.push((*link, nth));
                    None
                }
            });
        }
        unknown.sort_unstable();
        (found, unknown)
    }

    /// Whether the store has any link.
    pub(super) fn any_stored(&self) -> bool {
        self.has_stored.load(Ordering::Acquire)
    }

    /// Whether there is any link at all.
    pub(super) fn any(&self) -> bool {
        self.has_stored.load(Ordering::Acquire) || !self.recent().is_empty()
    }

    /// Drops what the readers of the store find from now on, unless it has changed since.
    pub(super) fn stored(&self, links: &[(Key, Option<String>)]) {
        if links.is_empty() {
            return;
        }
        if !self.had_stored.load(Ordering::Acquire) {
            let stored = self.stored.get_or_init(Filter::new);
            links.iter().for_each(|(link, _)| stored.add(link));
        }
        if links.iter().any(|(_, target_id)| target_id.is_some()) {
            self.has_stored.store(true, Ordering::Release);
        }
        // Before the recent ones are dropped: an answer is never older than what was recent.
        {
            let mut answers = self.answers();
            let store = self.stores.fetch_add(1, Ordering::AcqRel) + 1;
            let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
            for (link, _) in links {
                answers.remove(link);
                lately.add(store, *link);
            }
        }
        let mut recent = self.recent();
        for (link, target_id) in links {
            if recent.get(link).is_some_and(|known| known.as_deref() == target_id.as_deref()) {
                recent.remove(link);
            }
        }
    }

    /// How often links were stored so far.
    pub(super) fn stores(&self) -> u64 {
        self.stores.load(Ordering::Acquire)
    }

    /// Keeps what the store has answered to a question that was asked after so many stores, except about links that were
    /// stored since.
    pub(super) fn answered(&self, stores: u64, links: &[Key], target_ids: &[Option<String>]) {
        let mut answers = self.answers();
        let since = self.lately.lock().unwrap_or_else(PoisonError::into_inner).since(stores);
        let Some(since) = since else { return };
        if answers.len() >= ANSWERS_MAX {
            answers.clear();
        }
        let known = links.iter().copied().zip(target_ids.iter().map(|id| id.as_deref().map(Box::from)));
        answers.extend(known.filter(|(link, _)| !since.contains(link)));
    }

    /// Whether a link is known to lead there.
    pub(super) fn leads_to(&self, link: &Key, target_id: &str) -> bool {
        match self.recent().get(link) {
            Some(known) => known.as_deref() == Some(target_id),
            None => self.answers().get(link).is_some_and(|known| known.as_deref() == Some(target_id)),
        }
    }

    fn recent(&self) -> MutexGuard<'_, Links> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answers(&self) -> MutexGuard<'_, Links> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_forgotten_when_its_link_is_stored_and_not_kept_when_it_is_older() {
        let (link, links) = (Key::nth(b"one", 0), RecentLinks::default());
        links.set_stored(true);
        let answer = |stores: u64| links.answered(stores, &[link], &[None]);
        answer(links.stores());
        assert!(matches!(links.get(&link), Recent::Known(None)));
        links.set(link, Some("7"));
        assert!(matches!(links.get(&link), Recent::Known(Some(id)) if id == "7"));
        assert!(links.leads_to(&link, "7") && !links.leads_to(&link, "8"));
        let before = links.stores();
        links.stored(&[(link, Some("7".into()))]);
        assert!(matches!(links.get(&link), Recent::AskStore));
        answer(before);
        assert!(matches!(links.get(&link), Recent::AskStore), "it was read before the link was stored");
        // What was asked at the same time about others holds.
        let other = Key::nth(b"other", 0);
        links.answered(before, &[link, other], &[None, Some("9".into())]);
        assert!(matches!(links.get(&link), Recent::AskStore));
        assert!(matches!(links.get(&other), Recent::Known(Some(id)) if id == "9"));
    }

    #[test]
    fn of_what_was_stored_too_long_ago_to_be_known_no_answer_is_kept() {
        let (link, links) = (Key::nth(b"one", 0), RecentLinks::default());
        links.set_stored(true);
        let before = links.stores();
        links.stored(&[(Key::nth(b"first", 0), None)]);
        let many: Vec<(Key, Option<String>)> = (0..LATELY_MAX as u64).map(|n| (Key::nth(b"many", n), None)).collect();
        links.stored(&many);
        links.answered(before, &[link], &[None]);
        assert!(matches!(links.get(&link), Recent::AskStore));
        links.answered(links.stores(), &[link], &[None]);
        assert!(matches!(links.get(&link), Recent::Known(None)));
    }

    #[test]
    fn where_there_was_no_link_only_those_that_were_stored_are_asked_for() {
        let (one, other, links) = (Key::nth(b"one", 0), Key::nth(b"other", 0), RecentLinks::default());
        links.set_stored(false);
        assert!(matches!(links.get(&one), Recent::Nowhere));
        links.set(one, Some("7"));
        links.stored(&[(one, Some("7".into()))]);
        assert!(matches!(links.get(&one), Recent::AskStore));
        assert!(matches!(links.get(&other), Recent::Nowhere));
    }

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

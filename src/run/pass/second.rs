//! The second pass: brings each contact to its goal, many at once, none twice.
//!
//! Where the contacts come from is not known here, nor where effects go.

use super::goals::Goals;
use super::group::{Group, not_to_be_found};
use super::merge::{Merging, Sorted};
use super::settled::Outcomes;
use crate::outcome::{Failure, Outcome, Problem, Skip};
use crate::reconcile::foreseen::Foreseen;
use crate::reconcile::locks::Place;
use crate::reconcile::{Earlier, Reconciler};
use crate::run::item::{Item, key_of};
use crate::run::open::NO_PASS;
use crate::run::source::{ForeseenRecord, Given, Items, WrittenItem};
use crate::run::stop::Stop;
use crate::scratch::received::Received;
use crate::store::{ByKey, Entry, Key, OpenIntent, Settled, SourceOutcome};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::{OwnedSemaphorePermit, watch};

/// What the second pass needs.
pub(in crate::run) struct Second {
    pub reconciler: Arc<Reconciler>,
    /// Which records are one contact; none where the contacts come from no records.
    pub merging: Option<Merging>,
    pub known: Known,
    pub goals: Goals,
    pub outcomes: Outcomes,
    /// Contacts in flight, those included that wait for the disk.
    pub window: usize,
    pub stop: Stop,
    /// Outcomes that needed no work and are yet to be kept.
    pub settled: Vec<(Key, Settled)>,
}

/// What is known about the contacts from earlier processes and runs.
#[derive(Default)]
pub(in crate::run) struct Known {
    /// Entries that were met in this pass or a later one hold; older ones may have been undone since.
    pub holds_from: u32,
    /// Requests that an earlier process of this run may have sent, and whose answer it did not receive.
    pub intents: ByKey<OpenIntent>,
    /// What arrived in earlier runs, where that is skipped.
    pub received: Option<Arc<Received>>,
    /// What an earlier process of this run found out about the contacts that are next.
    pub entries: ByKey<Option<Entry>>,
}

/// A contact whose turn it is.
pub(super) struct Taken {
    pub(super) group: Box<Group>,
    pub(super) earlier: Option<Box<Earlier>>,
    /// Its place among those with its identity values.
    pub(super) place: Place,
    /// The right to wait for that place without a slot; none where it is the first.
    pub(super) parked: Option<OwnedSemaphorePermit>,
}

/// From where contacts are taken, in the order of the source.
pub(super) struct Taking {
    second: Second,
    items: Items,
    batch: std::vec::IntoIter<Given>,
    stopping: watch::Receiver<bool>,
    is_over: bool,
    /// What ended the source.
    end: Result<(), Failure>,
}

impl Taking {
    pub(super) fn new(second: Second, items: Items) -> Taking {
        let stopping = second.stop.watch();
        Taking { second, items, batch: Vec::new().into_iter(), stopping, is_over: false, end: Ok(()) }
    }

    /// Whether there is no further contact.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Ends it. Returns the failure that ended it before, if one did.
    pub(super) async fn end(&mut self) -> Result<(), Failure> {
        let kept = self.second.keep_settled().await;
        std::mem::replace(&mut self.end, Ok(())).and(kept)
    }

    /// The next contact that is worked on; what needs no work is settled on the way. None after the last, and when the run
    /// is to stop.
    pub(super) async fn next(&mut self, is_stopped: impl Fn() -> bool) -> Option<Taken> {
        while !self.is_over && !self.second.stop.is_requested() && !is_stopped() {
            let Some(given) = self.batch.next() else {
                Box::pin(self.read()).await;
                continue;
            };
            let passed = if let Given::Passed(passed) = &given { *passed } else { 0 };
            let counters = &self.second.outcomes.counters;
            counters.passed.fetch_add(passed, Ordering::Relaxed);
            counters.read.fetch_add(passed.max(1), Ordering::Relaxed);
            let given = match given {
                Given::Foreseen(record) => match self.second.comes_true(*record) {
                    Ok(None) => continue,
                    Ok(Some(item)) => Given::Record(item),
                    Err(failure) => {
                        self.fail(failure);
                        continue;
                    }
                },
                given => given,
            };
            match self.second.give(given).await {
                Ok(None) => {}
                Ok(Some(taken)) => return Some(taken),
                Err(failure) => self.fail(failure),
            }
        }
        None
    }

    /// The next batch of the source.
    async fn read(&mut self) {
        if let Err(failure) = self.second.keep_settled().await {
            return self.fail(failure);
        }
        let batch = tokio::select! {
            biased;
            _ = self.stopping.wait_for(|stop| *stop) => return,
            batch = self.items.recv() => batch,
        };
        match batch {
            None => self.is_over = true,
            Some(Err(failure)) => (self.end, self.is_over) = (Err(failure), true),
            Some(Ok(batch)) => match self.second.read_ahead(&batch) {
                Ok(()) => self.batch = batch.into_iter(),
                Err(failure) => self.fail(failure),
            },
        }
    }

    fn fail(&mut self, failure: Failure) {
        (self.end, self.is_over) = (Err(failure), true);
        self.second.stop.stop();
    }
}

impl Second {
    /// Reads at once what will be asked about each of these contacts.
    fn read_ahead(&mut self, batch: &[Given]) -> Result<(), Failure> {
        let candidates = batch.iter().filter_map(|given| match given {
            Given::Record(Item::Candidate(candidate)) => Some(candidate),
            _ => None,
        });
        let Outcomes { checkpoint, run, has_entries, .. } = &self.outcomes;
        if *has_entries {
            let mut keys: Vec<Key> = batch.iter().filter_map(key_given).collect();
            keys.sort_unstable();
            keys.dedup();
            let entries = checkpoint.entries(*run, &keys)?;
            self.known.entries = keys.into_iter().zip(entries).collect();
        }
        checkpoint.read_links_ahead(candidates.flat_map(|candidate| &candidate.identities))
    }

    async fn give(&mut self, given: Given) -> Result<Option<Taken>, Failure> {
        let group = match given {
            Given::Record(item) => self.sort(item).await?,
            Given::Written(written) => Box::pin(self.written(written)).await?,
            Given::Foreseen(_) | Given::Passed(_) => None,
        };
        match group {
            Some(group) => self.dispatch(group).await,
            None => Ok(None),
        }
    }

    /// Settles what the source alone decides; the rest is a contact to be sent.
    async fn sort(&mut self, item: Item) -> Result<Option<Box<Group>>, Failure> {
        let (candidate, merging) = match (item, &mut self.merging) {
            (Item::Skipped(origin, skip), _) => {
                return Box::pin(self.outcomes.skip(origin, skip, None)).await.map(|()| None);
            }
            (Item::Rejected(reject), _) => return Box::pin(self.outcomes.reject(reject)).await.map(|()| None),
            (Item::Candidate(candidate), Some(merging)) => (candidate, merging),
            (Item::Candidate(_), None) => return Err(super::bug("a record has no mapping")),
        };
        let origin = candidate.record.origin;
        let mut group = match merging.sort(*candidate)? {
            Sorted::Contact(group) => group,
            Sorted::Held => return Ok(None),
            Sorted::Duplicate(of) => {
                return Box::pin(self.outcomes.skip(origin, Skip::Duplicate, Some(of))).await.map(|()| None);
            }
            Sorted::Rejected(records, reject) => {
                let line = records.first().map_or(0, |record| record.origin.line);
                return Box::pin(self.outcomes.reject_all(records, line, reject.problems)).await.map(|()| None);
            }
        };
        if self.outcomes.has_arrived(origin.ordinal) {
            return self.outcomes.list_again(&group).map(|()| None);
        }
        if group.is_suppressed {
            return Box::pin(self.suppress(&group)).await.map(|()| None);
        }
        if !group.can_be_found() {
            let (line, problem) = (group.subject.who.origin.line, not_to_be_found(&merging.mapper.finds_by));
            return Box::pin(self.outcomes.reject_all(group.records, line, vec![problem])).await.map(|()| None);
        }
        group.subject.who.shared = merging.shared(&group)?;
        Ok(Some(group))
    }

    /// A contact that is on a suppression list is left out with all its records.
    async fn suppress(&self, group: &Group) -> Result<(), Failure> {
        for record in &group.records {
            self.outcomes.skip(record.origin, Skip::Suppressed, None).await?;
        }
        Ok(())
    }

    /// A contact that a run wrote; where its id is unknown, its outcome is too.
    async fn written(&self, written: WrittenItem) -> Result<Option<Box<Group>>, Failure> {
        let WrittenItem { origin, reversal } = written;
        match reversal {
            Some(reversal) => Ok(Some(Box::new(Group::of_written(origin, reversal)))),
            None => {
                let (outcome, problems) = (Outcome::Unknown, vec![unknown()]);
                let outcome = SourceOutcome { origin, outcome, duplicate_of: None, problems };
                self.outcomes.note(outcome).await.map(|()| None)
            }
        }
    }

    /// Carries over a contact that an earlier pass has settled, or lets it queue.
    async fn dispatch(&mut self, mut group: Box<Group>) -> Result<Option<Taken>, Failure> {
        let (key, origin) = (group.subject.who.key, group.subject.who.origin);
        let Some(goal) = self.goals.goal(group.subject.goal, &key, origin.ordinal)? else {
            for record in &group.records {
                self.outcomes.skip(record.origin, Skip::Filtered, None).await?;
            }
            return Ok(None);
        };
        group.subject.goal = goal;
        let earlier = match self.known.intents.remove(&key) {
            Some(intent) => Some(Earlier::Meant(intent)),
            None => match self.entry_of(&key)? {
                Some(entry) if self.holds(&entry) => {
                    return Box::pin(self.carry_over(&group, &entry)).await.map(|()| None);
                }
                Some(entry) => Some(Earlier::Did(entry.outcome)),
                None if self.has_received(&key)? => return Box::pin(self.pass_over(&group)).await.map(|()| None),
                None => None,
            },
        };
        Ok(Some(self.taken(group, earlier).await))
    }

    /// Counts and keeps the outcome that was foreseen; the record where that does not hold, and has to be worked on.
    fn comes_true(&mut self, record: ForeseenRecord) -> Result<Option<Item>, Failure> {
        if !self.is_open(&record)? || !self.reconciler.comes_true(&record.foreseen)? {
            let mapper = self.merging.as_ref().map(|merging| &merging.mapper);
            let item = mapper.and_then(|mapper| record.item(mapper));
            return item.map(Some).ok_or_else(|| super::bug("a record cannot be read again"));
        }
        let ForeseenRecord { foreseen: Foreseen { key, settled, .. }, left_blank, .. } = record;
        self.outcomes.counters.has_begun.store(true, Ordering::Relaxed);
        self.outcomes.finish_alone(settled.outcome, &left_blank)?;
        self.settled.push((key, settled));
        Ok(None)
    }

    /// Whether a record is all of its contact, and nothing was found out about it before.
    fn is_open(&mut self, record: &ForeseenRecord) -> Result<bool, Failure> {
        let (key, ordinal) = (&record.foreseen.key, record.origin().ordinal);
        let is_alone = match &mut self.merging {
            Some(merging) => merging.is_alone(ordinal)?,
            None => false,
        };
        let Known { intents, entries, .. } = &self.known;
        let is_known = intents.contains_key(key) || entries.get(key).is_some_and(Option::is_some);
        Ok(is_alone && !is_known && !self.outcomes.has_arrived(ordinal) && !self.has_received(key)?)
    }

    /// Keeps the outcomes that needed no work, at once.
    async fn keep_settled(&mut self) -> Result<(), Failure> {
        let settled = std::mem::take(&mut self.settled);
        self.outcomes.checkpoint.settle_all(self.outcomes.run, settled).await
    }

    /// What an earlier process of the run found out about a contact.
    fn entry_of(&mut self, key: &Key) -> Result<Option<Entry>, Failure> {
        let Outcomes { checkpoint, run, has_entries, .. } = &self.outcomes;
        match self.known.entries.remove(key) {
            Some(entry) => Ok(entry),
            // A contact of several records has a key that none of them has alone.
            None if *has_entries => checkpoint.entry(*run, key),
            None => Ok(None),
        }
    }

    /// Whether what an earlier pass found out needs no second look.
    fn holds(&self, entry: &Entry) -> bool {
        entry.outcome != Outcome::Unknown && entry.pass != NO_PASS && entry.pass >= self.known.holds_from
    }

    fn has_received(&self, key: &Key) -> Result<bool, Failure> {
        self.known.received.as_ref().map_or(Ok(false), |received| received.has(key))
    }

    /// An outcome of an earlier pass, counted in this one.
    async fn carry_over(&self, group: &Group, entry: &Entry) -> Result<(), Failure> {
        let (who, outcomes) = (&group.subject.who, &self.outcomes);
        if let Some(id) = &entry.target_id {
            self.reconciler.claim(id, (&who.key, who.origin.line))?;
        }
        outcomes.checkpoint.carry_over(outcomes.run, who.key, outcomes.pass, who.origin).await?;
        outcomes.counters.earlier.fetch_add(group.len(), Ordering::Relaxed);
        outcomes.finish(group, entry.outcome, &entry.problems).await
    }

    /// A contact that has arrived as it is in an earlier run. It stays with this record, whichever other record reaches it.
    async fn pass_over(&self, group: &Group) -> Result<(), Failure> {
        let (who, outcomes) = (&group.subject.who, &self.outcomes);
        for identity in who.own_identities() {
            if let Some(id) = outcomes.checkpoint.link(&identity)? {
                self.reconciler.claim(&id, (&who.key, who.origin.line))?;
                break;
            }
        }
        let outcome = Outcome::Skipped(Skip::Received);
        outcomes.finish(group, outcome, &[]).await?;
        let pure = SourceOutcome { origin: who.origin, outcome, duplicate_of: None, problems: Vec::new() };
        outcomes.checkpoint.note(outcomes.run, outcomes.pass, pure).await
    }

    /// The contact, which queues for its identity values before the next record is examined, so that contacts that share
    /// one keep the order of the source.
    async fn taken(&self, group: Box<Group>, earlier: Option<Earlier>) -> Taken {
        self.outcomes.counters.has_begun.store(true, Ordering::Relaxed);
        let place = self.reconciler.queue(&group.subject);
        let parked = if place.is_first() { None } else { self.reconciler.park().await };
        Taken { group, earlier: earlier.map(Box::new), place, parked }
    }
}

/// The key of a contact of one record.
fn key_given(given: &Given) -> Option<Key> {
    match given {
        Given::Foreseen(record) => Some(record.foreseen.key),
        Given::Record(Item::Candidate(candidate)) => {
            Some(candidate.key.unwrap_or_else(|| key_of(&candidate.identities, &candidate.wanted)))
        }
        _ => None,
    }
}

fn unknown() -> Problem {
    Problem::new("target.unknown", "whether this contact was created is unknown")
        .hint("run the same command again when the platform works")
}

//! The second pass: sends each contact to the target, many at once, none twice.

use crate::contact::{Field, Merged};
use crate::files::RejectsWriter;
use crate::identity::{IdentityValue, identities_of};
use crate::mapping::{Duplicates, Mapped};
use crate::outcome::{Exit, Failure, Outcome, Problem, Reject, Skip, Totals};
use crate::reconcile::goal::{Correction, Goal};
use crate::reconcile::guards::{Guards, Kind, rejected};
use crate::reconcile::locks::Place;
use crate::reconcile::slot::Slot;
use crate::reconcile::subject::Subject;
use crate::reconcile::who::Who;
use crate::reconcile::{Earlier, End, Reconciler};
use crate::record::{Origin, Record};
use crate::run::bind::singular;
use crate::run::item::{Candidate, Item, Mapper, key_of, pack, unpack};
use crate::run::left_blank::LeftBlankList;
use crate::run::open::NO_PASS;
use crate::run::stop::Stop;
use crate::run::verify::{Meant, Verifying};
use crate::scratch::people::{Member, People};
use crate::scratch::received::Received;
use crate::store::{Checkpoint, Entry, Key, OpenIntent, RunNo, SourceOutcome};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

/// How far the pass is, for the progress.
#[derive(Debug, Default)]
pub struct Counters {
    /// Records counted at the source.
    pub read: AtomicU64,
    /// Records that have an outcome.
    pub settled: AtomicU64,
    /// Rejects among them.
    pub rejected: AtomicU64,
    /// Unknown fates among them.
    pub unknown: AtomicU64,
    /// Those of them that this process had nothing to do for: earlier ones of the run brought them to their outcome.
    pub earlier: AtomicU64,
    /// Whether this process has begun to work on a contact.
    has_begun: AtomicBool,
    /// The outcomes so far.
    totals: Mutex<Totals>,
}

impl Counters {
    fn add(&self, outcome: Outcome, n: u64) {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner).add(outcome, n);
    }

    /// The totals so far.
    pub fn totals(&self) -> Totals {
        let totals = *self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let read = self.read.load(Ordering::Relaxed).max(totals.settled());
        Totals { read, pending: read - totals.settled(), ..totals }
    }
}

/// What the second pass needs.
pub(in crate::run) struct Second {
    /// Finds, diffs and acts.
    pub reconciler: Arc<Reconciler>,
    /// Maps merged people once more.
    pub mapper: Arc<Mapper>,
    /// Where outcomes go.
    pub checkpoint: Checkpoint,
    /// The run.
    pub run: RunNo,
    /// The pass.
    pub pass: u32,
    /// Whether an earlier process left entries.
    pub has_entries: bool,
    /// Entries that were met in this pass or a later one hold; older ones may have been undone since.
    pub holds_from: u32,
    /// What an earlier process of this run meant to send and never heard of.
    pub intents: HashMap<Key, OpenIntent>,
    /// What arrived in earlier runs, where that is passed over.
    pub received: Option<Arc<Received>>,
    /// Which records are one contact.
    pub people: People,
    /// What is done with further records of a contact.
    pub duplicates: Duplicates,
    /// Where the rejects go.
    pub rejects: Arc<Mutex<RejectsWriter>>,
    /// Where the values go that contacts are sent without; nowhere where nothing is sent.
    pub left_blank: Option<Arc<Mutex<LeftBlankList>>>,
    /// How far it is.
    pub counters: Arc<Counters>,
    /// People in flight, those included that wait for the disk.
    pub window: usize,
    /// The run that is verified, if one is.
    pub verifying: Option<Arc<Verifying>>,
    /// The run that is corrected, if one is.
    pub correction: Option<Arc<Correction>>,
    /// When to stop.
    pub stop: Stop,
}

/// A contact with all the records that make it.
struct Group {
    subject: Subject,
    /// The first is the person's own line, the others are further records of the same person.
    records: Vec<Record>,
}

/// What those in flight share.
struct Flight {
    /// Slots for contacts that are being worked on. A contact that waits for another one, or for a time, holds none, so
    /// there is always one that can proceed.
    slots: Arc<Semaphore>,
    /// What stopped the pass before its end.
    stopped: Arc<Mutex<Option<Failure>>>,
}

impl Flight {
    fn is_stopped(&self) -> bool {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

impl Second {
    /// Sends every contact. Returns the failure that stopped it, if one did; a stop by the user is no failure.
    pub async fn run(mut self, mut items: mpsc::Receiver<Result<Vec<Item>, Failure>>) -> Result<(), Failure> {
        let flight = Flight { slots: Arc::new(Semaphore::new(self.window)), stopped: Arc::default() };
        let mut tasks = JoinSet::new();
        let mut told = self.stop.watch();
        let mut end = Ok(());
        'source: loop {
            let batch = tokio::select! {
                biased;
                _ = told.wait_for(|told| *told) => break,
                batch = items.recv() => batch,
            };
            let items = match batch {
                None => break,
                Some(Err(failure)) => {
                    end = Err(failure);
                    break;
                }
                Some(Ok(items)) => items,
            };
            for item in items {
                if self.stop.is_told() || flight.is_stopped() {
                    break 'source;
                }
                self.counters.read.fetch_add(1, Ordering::Relaxed);
                if let Err(failure) = self.give(item, &flight, &mut tasks).await {
                    end = Err(failure);
                    self.stop.stop();
                    break 'source;
                }
            }
        }
        // Contacts in flight are finished, whatever stopped the others.
        while let Some(joined) = tasks.join_next().await {
            end = end.and(check_join(joined));
        }
        let failure = flight.stopped.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.map_or(end, Err)
    }

    async fn give(&mut self, item: Item, flight: &Flight, tasks: &mut JoinSet<()>) -> Result<(), Failure> {
        if let Some(group) = self.sort(item).await? {
            self.dispatch(group, flight, tasks).await?;
        }
        while let Some(joined) = tasks.try_join_next() {
            check_join(joined)?;
        }
        Ok(())
    }

    /// Settles what the source alone decides; the rest is a person to be sent.
    async fn sort(&mut self, item: Item) -> Result<Option<Group>, Failure> {
        let candidate = match item {
            Item::Skipped(origin, skip) => {
                self.note(origin, Outcome::Skipped(skip), None, Vec::new()).await?;
                return Ok(None);
            }
            Item::Rejected(reject) => {
                self.reject(reject).await?;
                return Ok(None);
            }
            Item::Candidate(candidate) => *candidate,
        };
        let origin = candidate.record.origin;
        let Some(member) = self.people.member(origin.ordinal)? else {
            return Ok(Some(alone(candidate, &self.mapper.finds_by)));
        };
        match self.duplicates {
            Duplicates::First if member.root == origin.ordinal => Ok(Some(alone(candidate, &self.mapper.finds_by))),
            Duplicates::First => {
                let outcome = Outcome::Skipped(Skip::Duplicate);
                self.note(origin, outcome, Some(member.root_line), Vec::new()).await?;
                Ok(None)
            }
            Duplicates::Merge if member.last != origin.ordinal => {
                self.people.hold(member.root, origin.ordinal, &pack(&candidate.record))?;
                Ok(None)
            }
            Duplicates::Merge => self.merge(member, candidate).await,
        }
    }

    /// The merged person, at its last record.
    async fn merge(&mut self, member: Member, last: Candidate) -> Result<Option<Group>, Failure> {
        let mut records = Vec::new();
        let mut merged: Option<Merged> = None;
        let mut identities: Vec<IdentityValue> = Vec::new();
        let lost = || Failure::failed("a record that was kept for merging cannot be read again");
        for bytes in self.people.release(member.root)? {
            let record = unpack(&bytes).ok_or_else(lost)?;
            let Mapped::Contact(wanted) = self.mapper.bound.apply(&record) else { return Err(lost()) };
            identities.extend(identities_of(&wanted.contact, &self.mapper.identity));
            match &mut merged {
                Some(merged) => merged.add(*wanted, record.origin.line),
                None => merged = Some(Merged::new(*wanted, record.origin.line)),
            }
            records.push(record);
        }
        let last_record = last.record;
        let Mapped::Contact(wanted) = self.mapper.bound.apply(&last_record) else { return Err(lost()) };
        let mut merged = merged.ok_or_else(lost)?;
        merged.add(*wanted, last_record.origin.line);
        records.push(last_record);
        let first = records.first().cloned().ok_or_else(lost)?;
        match self.mapper.candidate(first, merged.into_wanted()) {
            Item::Candidate(mut candidate) => {
                // By whatever one of its records has the person may be found.
                for identity in identities.into_iter().chain(last.identities) {
                    if !candidate.identities.contains(&identity) {
                        candidate.identities.push(identity);
                    }
                }
                let mut group = alone(*candidate, &self.mapper.finds_by);
                group.records = records;
                Ok(Some(group))
            }
            Item::Rejected(reject) => {
                let line = records.first().map_or(0, |record| record.origin.line);
                self.reject_all(records, line, reject.problems).await?;
                Ok(None)
            }
            Item::Skipped(..) => Err(lost()),
        }
    }

    /// All records of a person stay behind, for the same reason.
    async fn reject_all(&self, records: Vec<Record>, line: u64, problems: Vec<Problem>) -> Result<(), Failure> {
        let asked = [(Kind::Rejects, records.len() as u64)];
        self.reconciler.guards().take(&asked, |_| rejected(line, &problems))?;
        for Record { origin, raw, .. } in records {
            self.reject(Reject { origin, raw, problems: problems.clone() }).await?;
        }
        Ok(())
    }

    async fn note(
        &self,
        origin: Origin,
        outcome: Outcome,
        duplicate_of: Option<u64>,
        problems: Vec<Problem>,
    ) -> Result<(), Failure> {
        self.counters.settled.fetch_add(1, Ordering::Relaxed);
        self.counters.add(outcome, 1);
        if self.has_entries && !self.counters.has_begun.load(Ordering::Relaxed) {
            self.counters.earlier.fetch_add(1, Ordering::Relaxed);
        }
        self.checkpoint.note(self.run, self.pass, SourceOutcome { origin, outcome, duplicate_of, problems }).await
    }

    async fn reject(&self, reject: Reject) -> Result<(), Failure> {
        self.counters.rejected.fetch_add(1, Ordering::Relaxed);
        write_reject(&self.rejects, &reject)?;
        self.note(reject.origin, Outcome::Rejected, None, reject.problems).await
    }

    /// Which identity values of a contact another contact of the source has as well.
    fn shared(&self, group: &Group) -> Result<Vec<IdentityValue>, Failure> {
        let Some(root) = group.records.first().map(|record| record.origin.ordinal) else { return Ok(Vec::new()) };
        let shared = self.people.shared(root)?;
        let is_shared = |identity: &&IdentityValue| {
            !shared.is_empty() && self.mapper.hash_of(identity).is_some_and(|hash| shared.contains(&hash))
        };
        Ok(group.subject.who.identities.iter().filter(is_shared).cloned().collect())
    }

    /// Carries over a contact that an earlier pass has settled, or starts its task. It queues for its identity values before
    /// the next record is examined, so that contacts that share one keep the order of the source.
    async fn dispatch(&mut self, mut group: Group, flight: &Flight, tasks: &mut JoinSet<()>) -> Result<(), Failure> {
        let key = group.subject.who.key;
        if group.subject.who.identities.is_empty()
            && !group.subject.goal.wanted().is_some_and(|wanted| wanted.contact.has(Field::TargetId))
        {
            let (line, problem) = (group.subject.who.origin.line, not_to_be_found(&self.mapper.finds_by));
            return self.reject_all(group.records, line, vec![problem]).await;
        }
        group.subject.who.shared = self.shared(&group)?;
        if let Some(verifying) = &self.verifying {
            let meant = verifying.meant(&key, group.subject.who.origin.ordinal)?;
            if meant == Meant::Not {
                return self.leave_out(&group).await;
            }
            // A plan that was applied is compared with what is there, not with what was there before.
            group.subject.goal = match group.subject.goal {
                Goal::Upsert(wanted) | Goal::Exactly(wanted, _) => Goal::Confirm(wanted, meant == Meant::Made),
                goal => goal,
            };
        }
        if let Some(correction) = &self.correction {
            group.subject.goal = match group.subject.goal {
                Goal::Upsert(wanted) | Goal::Confirm(wanted, _) => Goal::Correct(wanted, Arc::clone(correction)),
                goal => goal,
            };
        }
        let mut earlier = self.intents.remove(&key).map(Earlier::Meant);
        if self.has_entries
            && earlier.is_none()
            && let Some(entry) = self.checkpoint.entry(self.run, &key)?
        {
            if self.holds(&entry) {
                if let Some(id) = &entry.target_id {
                    self.reconciler.claim(id, (&key, group.subject.who.origin.line))?;
                }
                self.checkpoint.carry_over(self.run, key, self.pass, group.subject.who.origin).await?;
                self.counters.earlier.fetch_add(group.records.len() as u64, Ordering::Relaxed);
                return self.finisher().finish(&group, entry.outcome, &entry.problems).await;
            }
            earlier = Some(Earlier::Did(entry.outcome));
        }
        if earlier.is_none()
            && let Some(received) = &self.received
            && received.has(&key)?
        {
            // The contact stays with this record, whichever other record reaches it.
            for identity in group.subject.who.own_identities() {
                if let Some(id) = self.checkpoint.link(&identity)? {
                    self.reconciler.claim(&id, (&key, group.subject.who.origin.line))?;
                    break;
                }
            }
            let outcome = Outcome::Skipped(Skip::Received);
            self.finisher().finish(&group, outcome, &[]).await?;
            let pure =
                SourceOutcome { origin: group.subject.who.origin, outcome, duplicate_of: None, problems: Vec::new() };
            return self.checkpoint.note(self.run, self.pass, pure).await;
        }
        self.counters.has_begun.store(true, Ordering::Relaxed);
        let place = self.reconciler.queue(&group.subject);
        let mut slot = Slot::none(Arc::clone(&flight.slots));
        let mut parked = None;
        if place.is_first() {
            slot.retake().await;
        } else {
            parked = self.reconciler.park().await;
        }
        let (finisher, reconciler) = (self.finisher(), Arc::clone(&self.reconciler));
        let (stopped, stop) = (Arc::clone(&flight.stopped), self.stop.clone());
        tasks.spawn(async move {
            place.first().await;
            slot.retake().await;
            drop(parked);
            if let Err(failure) = finisher.send(&reconciler, group, earlier, slot, place).await {
                // A contact that a guard held back is left; contacts that are being written are finished.
                let is_guard = failure.exit == Exit::Guard;
                stopped.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
                if !is_guard {
                    stop.stop();
                }
            }
        });
        Ok(())
    }

    /// Records as filtered what the verified run rejected or left out.
    async fn leave_out(&self, group: &Group) -> Result<(), Failure> {
        for record in &group.records {
            self.note(record.origin, Outcome::Skipped(Skip::Filtered), None, Vec::new()).await?;
        }
        Ok(())
    }

    /// Whether what an earlier pass found out needs no second look.
    fn holds(&self, entry: &Entry) -> bool {
        entry.outcome != Outcome::Unknown && entry.pass != NO_PASS && entry.pass >= self.holds_from
    }

    fn finisher(&self) -> Finisher {
        Finisher {
            checkpoint: self.checkpoint.clone(),
            run: self.run,
            pass: self.pass,
            rejects: Arc::clone(&self.rejects),
            left_blank: self.left_blank.clone(),
            counters: Arc::clone(&self.counters),
            guards: Arc::clone(self.reconciler.guards()),
        }
    }
}

fn alone(candidate: Candidate, finds_by: &[Field]) -> Group {
    let key = key_of(&candidate.identities, &candidate.wanted);
    let who = Who {
        key,
        origin: candidate.record.origin,
        identities: candidate.identities.into_iter().filter(|value| finds_by.contains(&value.field)).collect(),
        shared: Vec::new(),
        not_carried: candidate.not_carried,
    };
    let goal = match candidate.precondition {
        Some(precondition) => Goal::Exactly(candidate.wanted, precondition),
        None => Goal::Upsert(candidate.wanted),
    };
    Group { subject: Subject { who, goal }, records: vec![candidate.record] }
}

/// The mapping's identity is none by which the target finds: each run would make another contact.
fn not_to_be_found(finds_by: &[Field]) -> Problem {
    let names: Vec<String> = finds_by.iter().map(|field| format!("`{}`", singular(*field))).collect();
    let message = format!("there is no {}: the target finds contacts by nothing else", names.join(" or "));
    Problem::new("identity.missing", message).hint("fill one of them in, or leave the record out with `only_if`")
}

fn check_join(joined: Result<(), tokio::task::JoinError>) -> Result<(), Failure> {
    joined.map_err(|error| Failure::failed("a task of the run died: a fault of Ferry").cause(error))
}

fn write_reject(rejects: &Mutex<RejectsWriter>, reject: &Reject) -> Result<(), Failure> {
    rejects.lock().unwrap_or_else(PoisonError::into_inner).write(reject)
}

/// Records the outcome of a contact.
struct Finisher {
    checkpoint: Checkpoint,
    run: RunNo,
    pass: u32,
    rejects: Arc<Mutex<RejectsWriter>>,
    left_blank: Option<Arc<Mutex<LeftBlankList>>>,
    counters: Arc<Counters>,
    guards: Arc<Guards>,
}

impl Finisher {
    async fn send(
        &self,
        reconciler: &Reconciler,
        group: Group,
        earlier: Option<Earlier>,
        mut slot: Slot,
        place: Place,
    ) -> Result<(), Failure> {
        let end = reconciler.reconcile(&group.subject, earlier.as_ref(), &mut slot).await?;
        match end {
            End::Pending => {}
            End::Settled(settled) => {
                let key: Key = group.subject.who.key;
                self.finish(&group, settled.outcome, &settled.problems).await?;
                self.checkpoint.settle(self.run, key, settled).await?;
            }
        }
        // Who comes next finds the links of this one.
        drop(place);
        Ok(())
    }

    /// Counts a settled person and its further records, and writes its rejects.
    async fn finish(&self, group: &Group, outcome: Outcome, problems: &[Problem]) -> Result<(), Failure> {
        let is_rejected = outcome == Outcome::Rejected;
        let root_line = group.records.first().map(|record| record.origin.line);
        if is_rejected {
            let asked = [(Kind::Rejects, group.records.len() as u64)];
            self.guards.take(&asked, |_| rejected(root_line.unwrap_or_default(), problems))?;
        }
        let left_blank = group.subject.goal.wanted().map_or(&[][..], |wanted| &wanted.left_blank);
        if let (Outcome::Created | Outcome::Updated | Outcome::Unchanged, false, Some(list)) =
            (outcome, left_blank.is_empty(), &self.left_blank)
        {
            list.lock().unwrap_or_else(PoisonError::into_inner).add(left_blank)?;
        }
        let further = (group.records.len() as u64).saturating_sub(1);
        self.counters.settled.fetch_add(further + 1, Ordering::Relaxed);
        self.counters.add(outcome, 1);
        self.counters.add(if is_rejected { Outcome::Rejected } else { Outcome::Skipped(Skip::Duplicate) }, further);
        if outcome == Outcome::Unknown {
            self.counters.unknown.fetch_add(1, Ordering::Relaxed);
        }
        if is_rejected {
            self.counters.rejected.fetch_add(group.records.len() as u64, Ordering::Relaxed);
            for record in &group.records {
                let (origin, raw) = (record.origin, record.raw.clone());
                write_reject(&self.rejects, &Reject { origin, raw, problems: problems.to_vec() })?;
            }
        }
        for record in group.records.iter().skip(1) {
            let pure = if is_rejected {
                SourceOutcome {
                    origin: record.origin,
                    outcome: Outcome::Rejected,
                    duplicate_of: root_line,
                    problems: problems.to_vec(),
                }
            } else {
                let outcome = Outcome::Skipped(Skip::Duplicate);
                SourceOutcome { origin: record.origin, outcome, duplicate_of: root_line, problems: Vec::new() }
            };
            self.checkpoint.note(self.run, self.pass, pure).await?;
        }
        Ok(())
    }
}

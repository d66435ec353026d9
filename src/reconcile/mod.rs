//! One contact at one target: find what is there, diff it with what is wanted, act, and find out whatever is in doubt.
//!
//! It never asks "did my request work?" but "what is there, and what should be there?". After anything doubtful it goes
//! back to finding. Who is next, and how many at once, is the run's business.

mod act;
pub mod changed;
mod correct;
mod filter;
pub mod find;
pub mod found;
pub mod gate;
pub mod guards;
pub mod half_made;
pub mod locks;
pub mod person;
pub mod problems;
pub mod promise;
pub mod rehearse;
pub mod silence;
pub mod slot;
mod story;
pub mod undo;
mod wanted;

use crate::checkpoint::claims::Claims;
use crate::checkpoint::taken::Taken;
use crate::checkpoint::{Checkpoint, OpenIntent, RunNo, Settled};
use crate::clock::Clock;
use crate::contact::{Contact, Field};
use crate::http::Http;
use crate::identity::{IdentityValue, has_identity};
use crate::outcome::{Exit, Failure, Outcome, Problem, Skip};
use crate::platforms::diff::{Delta, OnExisting};
use crate::platforms::{Connector, Fault, Found, Reading, Ready, Step, StepKind};
use find::{Finder, Finding};
use found::lookup_of;
use gate::Gate;
use guards::Guards;
use half_made::HalfMade;
use locks::{Locks, Place};
use person::Person;
use problems::{
    ambiguous, at_fault, claimed, failed, is_failed, is_nobody, is_unknown, not_looked_up, shared, taken_by, unknown,
    unknown_for,
};
use rehearse::{Rehearsing, real_id};
use silence::Silence;
use slot::Slot;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use story::{Doubt, Story};
use tokio::sync::{Semaphore, watch};

/// How often a contact is tried before it is rejected as `target.failed`.
const TRIES_MAX: u32 = 3;

/// So many failing or doubtful contacts in a row are a target that fails, not contacts that do.
const FAILURES_IN_A_ROW_MAX: u32 = 20;

/// How long after a failed try that needs no settling the next one comes; doubled each time.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How long somebody who is found only by what tells less lets those go first who are on their way.
const YIELD: Duration = Duration::from_millis(300);

/// The lists whose items can take a request each.
const LISTS: [Field; 3] = [Field::Phones, Field::Emails, Field::Handles];

/// What an earlier process of this run left about a person.
#[derive(Clone, Debug)]
pub enum Earlier {
    /// A request that it meant to send, and never heard of.
    Meant(OpenIntent),
    /// What it brought about for a person with this content. Somebody else may have been there since.
    Did(Outcome),
}

/// How it ended with one person.
#[derive(Clone, Debug)]
pub enum End {
    /// It has an outcome.
    Settled(Settled),
    /// It has none yet: the run was told to stop before.
    Pending,
}

/// What the user decided about contacts that are there, and are not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policy {
    /// What a contact that is there gets.
    pub on_existing: OnExisting,
    /// Nobody is created.
    pub only_existing: bool,
    /// How long after a doubtful request somebody not found counts as absent.
    pub settle: Duration,
}

/// Everything that reconciling a person needs and that does not change during a run.
pub struct Reconciler {
    #[allow(missing_docs)]
    pub connector: Arc<dyn Connector>,
    #[allow(missing_docs)]
    pub http: Arc<Http>,
    #[allow(missing_docs)]
    pub ready: Ready,
    #[allow(missing_docs)]
    pub finder: Finder,
    #[allow(missing_docs)]
    pub checkpoint: Checkpoint,
    #[allow(missing_docs)]
    pub run: RunNo,
    /// The pass over the source.
    pub pass: u32,
    #[allow(missing_docs)]
    pub clock: Clock,
    /// By which fields people are found.
    pub identity: Vec<Field>,
    #[allow(missing_docs)]
    pub policy: Policy,
    #[allow(missing_docs)]
    pub silence: Silence,
    /// Which fields were changed.
    pub changed: Arc<changed::Changed>,
    /// What a run wrote that is to be corrected, and whether the lines of its source are those of this one.
    pub correct: Option<(Arc<Taken>, bool)>,
    /// Whether a write replaces what is there.
    pub replaces: bool,
    /// Who is being worked on, by identity: see [`Person::names`].
    pub people: Arc<Locks>,
    /// Who is being worked on, by id at the target.
    pub ids: Arc<Locks>,
    /// Bounds how many people wait without a slot (for the settle time, for each other).
    pub parking: Arc<Semaphore>,
    /// The rate that is never passed, requests per second, where one is told.
    pub ceiling_per_s: Option<f64>,
    /// Bounds how many intents are ahead of their requests.
    pub gate: Gate,
    /// How much may be written.
    pub guards: Arc<Guards>,
    /// Who is being made.
    pub half_made: HalfMade,
    /// Which record came to which contact; none where contacts are named by their ids.
    pub claims: Option<Arc<Claims>>,
    /// Where what would be written is kept in a dry run; none: it is written.
    pub rehearsing: Option<Arc<Rehearsing>>,
    /// Turns true when the run is to stop.
    pub stop: watch::Receiver<bool>,
    /// Whether anything has ever arrived over this connection.
    pub has_succeeded: AtomicBool,
    /// Doubtful or failing contacts since the last one that went well.
    pub failures_in_a_row: AtomicU32,
}

/// What one round of find, diff, act led to.
enum Turn {
    End(Outcome),
    Reject(Vec<Problem>),
    /// Once more, after this long.
    Again(Duration),
}

impl Reconciler {
    /// Reconciles one person. The caller sees to it that nobody of the same [names](Person::names) is worked on until
    /// what it ended with is in the checkpoint.
    ///
    /// # Errors
    /// What stops the run: a refused token, a dead target, a failing checkpoint, too many failures in a row.
    pub async fn reconcile(&self, person: &Person, earlier: Option<&Earlier>, slot: &mut Slot) -> Result<End, Failure> {
        let mut story = earlier.map(Story::after).unwrap_or_default();
        loop {
            if *self.stop.borrow() {
                return Ok(End::Pending);
            }
            let turn = match self.turn(person, &mut story).await {
                Ok(turn) => turn,
                // What refuses to be looked up says nothing about whether it has arrived.
                Err(Fault::Refused(problems)) if story.may_have_written() && !is_nobody(&problems) => {
                    self.refused(vec![unknown_for(&problems)])
                }
                Err(Fault::Refused(problems)) => self.refused(problems),
                Err(Fault::InDoubt(failure)) => self.after_failure(&mut story, failure)?,
                Err(Fault::Fatal(failure)) if failure.exit == Exit::Interrupted => return Ok(End::Pending),
                Err(Fault::Fatal(failure)) => return Err(failure),
            };
            match turn {
                Turn::End(outcome) => {
                    self.guard_end(&story, outcome);
                    self.failures_in_a_row.store(0, Ordering::Relaxed);
                    let left = std::mem::take(&mut story.left);
                    return Ok(End::Settled(self.settled(person, story, outcome, left)));
                }
                Turn::Reject(problems) if is_failed(&problems) && !self.has_succeeded.load(Ordering::Relaxed) => {
                    // Nothing has ever arrived: that is no fault of this contact.
                    return Err(at_fault(&problems));
                }
                Turn::Reject(problems) => {
                    let outcome = if is_unknown(&problems) { Outcome::Unknown } else { Outcome::Rejected };
                    self.guard_end(&story, outcome);
                    return Ok(End::Settled(self.settled(person, story, outcome, problems)));
                }
                Turn::Again(after) => {
                    if !after.is_zero() && self.wait(slot, after).await.is_err() {
                        return Ok(End::Pending);
                    }
                }
            }
        }
    }

    fn settled(&self, person: &Person, story: Story, outcome: Outcome, problems: Vec<Problem>) -> Settled {
        let has_arrived = matches!(outcome, Outcome::Created | Outcome::Updated | Outcome::Unchanged);
        let mut not_carried = if has_arrived { person.not_carried.clone() } else { Vec::new() };
        if has_arrived {
            not_carried.extend(story.not_carried);
            not_carried.sort();
            not_carried.dedup();
        }
        Settled {
            outcome,
            pass: self.pass,
            origin: person.origin,
            links: if has_arrived { story.links } else { Vec::new() },
            target_id: if self.rehearsing.is_some() { real_id(story.target_id) } else { story.target_id },
            not_carried,
            cleared: if has_arrived { story.cleared } else { 0 },
            problems,
        }
    }

    /// Waits without holding a slot.
    async fn parked<T>(&self, slot: &mut Slot, until: impl Future<Output = T>) -> T {
        let parking = Arc::clone(&self.parking).try_acquire_owned().ok();
        if parking.is_some() {
            slot.give_up();
        }
        let result = until.await;
        drop(parking);
        slot.retake().await;
        result
    }

    /// Waits for a while, without holding a slot; an error when the run is to stop.
    async fn wait(&self, slot: &mut Slot, duration: Duration) -> Result<(), ()> {
        let mut stop = self.stop.clone();
        let waited = async {
            tokio::select! {
                () = self.clock.sleep(duration) => Ok(()),
                _ = stop.wait_for(|stop| *stop) => Err(()),
            }
        };
        self.parked(slot, waited).await
    }

    /// Find, diff, act, once.
    async fn turn(&self, person: &Person, story: &mut Story) -> Result<Turn, Fault> {
        if let Some(undoing) = &person.undoing {
            return self.turn_for_undoing(person, undoing, story).await;
        }
        if let Some(id) = story.made.clone() {
            return self.turn_for_made(person, story, &id).await;
        }
        let since_ms = match &story.doubt {
            None => None,
            Some(doubt) => match self.settle_left(doubt) {
                left if left.is_zero() => Some(doubt.at_ms.saturating_add(self.settle_ms())),
                left if !self.finder.are_proven(&fields_of(person)).await? => return Ok(Turn::Again(left)),
                _ => Some(doubt.at_ms),
            },
        };
        match self.find(person, story, since_ms).await? {
            Finding::Several(ids) => {
                let problem = ambiguous(&person.identities, &ids);
                // One of them may be of this run's making, and nobody can tell which.
                let is_open = story.may_have_made() || story.has_created;
                Ok(Turn::Reject(vec![if is_open { unknown_for(&[problem]) } else { problem }]))
            }
            Finding::Absent => self.turn_for_absent(person, story).await,
            Finding::One { found, by, is_shared: true, .. } => Ok(self.turn_for_shared(story, &found, by)),
            Finding::One { found, by, .. } => {
                let place = self.ids.queue([found.id.clone()]);
                if place.is_first() {
                    return self.turn_for_found(person, story, found, by).await;
                }
                self.turn_after(place, person, story, &found.id, since_ms).await
            }
        }
    }

    /// A contact that was found by nothing but what another contact of the source has as well may be either of them.
    fn turn_for_shared(&self, story: &mut Story, found: &Found, by: Option<Field>) -> Turn {
        story.target_id = Some(found.id.clone());
        // A contact that was just created may not be listed yet.
        let left = story.doubt.as_ref().filter(|_| story.may_have_made()).map(|doubt| self.settle_left(doubt));
        match left.filter(|left| !left.is_zero()) {
            Some(left) => Turn::Again(left),
            None => Turn::Reject(vec![shared(by.unwrap_or(Field::TargetId), &found.id)]),
        }
    }

    /// Somebody of this person's own making, or to whom something was being added: they are known by id.
    async fn turn_for_made(&self, person: &Person, story: &mut Story, id: &str) -> Result<Turn, Fault> {
        let place = self.ids.queue([id.to_owned()]);
        place.first().await;
        match self.connector.read(&self.http, id, None).await? {
            Reading::There(found) => self.turn_for_found(person, story, found, None).await,
            Reading::Gone | Reading::Unreadable => {
                // Whoever was made a moment ago may not be shown yet.
                let left = story.doubt.as_ref().map_or(Duration::ZERO, |doubt| self.settle_left(doubt));
                if !left.is_zero() {
                    return Ok(Turn::Again(left));
                }
                (story.made, story.has_created) = (None, false);
                Ok(Turn::Again(Duration::ZERO))
            }
        }
    }

    /// Somebody else is at this contact: waits, and looks again.
    async fn turn_after(
        &self,
        place: Place,
        person: &Person,
        story: &mut Story,
        id: &str,
        since_ms: Option<u64>,
    ) -> Result<Turn, Fault> {
        place.first().await;
        match self.find(person, story, since_ms).await? {
            Finding::One { found, by, is_shared: false, .. } if found.id == id => {
                self.turn_for_found(person, story, found, by).await
            }
            _ => Ok(Turn::Again(Duration::ZERO)),
        }
    }

    /// What the target holds; read just now where a write would replace it as a whole, or fill a blank.
    async fn find(&self, person: &Person, story: &Story, since_ms: Option<u64>) -> Result<Finding, Fault> {
        let Person { wanted, identities, shared, .. } = person;
        let finding = self.finder.find(wanted, identities, shared, since_ms).await?;
        let Finding::One { found, by, is_shared, is_fresh } = &finding else { return Ok(finding) };
        if *is_shared || !self.needs_reading(person, story, found, *by, *is_fresh)? {
            return Ok(finding);
        }
        let or_by = lookup_of(&*self.connector, &found.contact);
        match self.connector.read(&self.http, &found.id, or_by.as_ref()).await? {
            Reading::There(found) => Ok(Finding::One { found, by: *by, is_shared: false, is_fresh: true }),
            Reading::Gone => self.finder.find(wanted, identities, shared, Some(self.clock.wall_ms())).await,
            // A server that only lists: nothing newer than the snapshot is to be had.
            Reading::Unreadable => Ok(finding),
        }
    }

    async fn turn_for_absent(&self, person: &Person, story: &mut Story) -> Result<Turn, Fault> {
        story.target_id = None;
        if let Some((taken, is_same_source)) = &self.correct {
            return self.correct_absent(person, story, taken, *is_same_source).await;
        }
        if let Some(left) = story.doubt.as_ref().filter(|d| d.kind == StepKind::Create).map(|d| self.settle_left(d)) {
            if !left.is_zero() {
                return Ok(Turn::Again(left));
            }
            if let Some(id) = self.find_half_made(story).await? {
                (story.made, story.has_created, story.doubt) = (Some(id), true, None);
                return Ok(Turn::Again(Duration::ZERO));
            }
            if story.tries >= TRIES_MAX {
                return Ok(Turn::Reject(vec![failed(story.doubt.take().map(|doubt| doubt.why))]));
            }
        }
        if let (Some(words), Some(doubt)) = (story.claimed.clone(), &story.doubt) {
            let left = self.settle_left(doubt);
            return Ok(if left.is_zero() { Turn::Reject(vec![claimed(&words)]) } else { Turn::Again(left) });
        }
        story.doubt = None;
        if self.policy.only_existing {
            return Ok(Turn::End(Outcome::Skipped(Skip::Absent)));
        }
        let wanted = self.fitted(&person.wanted, story);
        let delta = self.diff(person, &wanted, None, None, story);
        match self.connector.steps(&self.ready, &delta, None) {
            Err(problems) => Ok(Turn::Reject(problems)),
            Ok(steps) => {
                if let Some(problem) = self.broken_promise(person, story, (None, None), &delta, story.tries > 0) {
                    return Ok(Turn::Reject(vec![problem]));
                }
                story.links = links(person, None, &delta.after);
                self.act(person, story, &delta, &steps, None).await
            }
        }
    }

    async fn turn_for_found(
        &self,
        person: &Person,
        story: &mut Story,
        found: Found,
        by: Option<Field>,
    ) -> Result<Turn, Fault> {
        story.target_id = Some(found.id.clone());
        let is_rehearsed = match &self.rehearsing {
            Some(rehearsing) => rehearsing.has(&found.id)?,
            None => false,
        };
        if !is_rehearsed {
            for name in self.silence.learn(&found.contact) {
                self.checkpoint.forget(&silence::memory_of(&name))?;
            }
        }
        if let Some((taken, _)) = &self.correct {
            return self.correct_found(person, story, taken, found).await;
        }
        if self.claims.is_some() && !story.has_yielded && by.is_some_and(|by| person.is_weak(by, &found.contact)) {
            story.has_yielded = true;
            return Ok(Turn::Again(YIELD));
        }
        let other_line = match &self.claims {
            Some(claims) => claims.claim(&found.id, &person.key, person.origin.line)?,
            None => None,
        };
        let is_claimed = story.claimed.take().is_some();
        let doubt = story.doubt.take();
        story.has_created |= doubt.as_ref().is_some_and(|doubt| doubt.kind == StepKind::Create);
        let was_changed = doubt.as_ref().is_some_and(|doubt| doubt.kind != StepKind::Create) && !is_claimed;
        if self.on_existing(person, Some(&found), story) == OnExisting::Skip
            && !story.has_created
            && !story.has_updated
            && !was_changed
        {
            return Ok(Turn::End(Outcome::Skipped(Skip::Existing)));
        }
        let mut wanted = self.fitted(&person.wanted, story);
        self.complete_lists(&mut wanted, story);
        let delta = self.diff(person, &wanted, Some(&found), by, story);
        story.not_carried.extend(delta.kept.iter().map(|name| (*name).to_owned()));
        let steps = match self.connector.steps(&self.ready, &delta, Some(&found)) {
            Err(problems) => return Ok(Turn::Reject(problems)),
            Ok(steps) => steps,
        };
        let steps: Vec<Step> = steps.into_iter().filter(|step| !story.refused.contains(&step.body)).collect();
        story.links = links(person, by, &delta.after);
        if steps.is_empty() && !story.refused.is_empty() {
            return Ok(self.settled_without(story, &delta));
        }
        if steps.is_empty() {
            story.has_updated |= was_changed;
            story.cleared += std::mem::take(&mut story.cleared_in_doubt);
            self.changed.count(std::mem::take(&mut story.changed_in_doubt).iter().map(String::as_str));
            return Ok(Turn::End(story.outcome()));
        }
        if let Some(line) = other_line {
            return Ok(Turn::Reject(vec![taken_by(line, &found.id)]));
        }
        let is_tried = story.tries > 0 || story.has_updated || was_changed;
        if let Some(problem) = self.broken_promise(person, story, (Some(&found), by), &delta, is_tried) {
            return Ok(Turn::Reject(vec![problem]));
        }
        // What was being added may still arrive, and would be there twice.
        let adds = steps.iter().any(|step| step.kind == StepKind::Add);
        if let Some(doubt) = doubt.as_ref().filter(|doubt| doubt.kind == StepKind::Add && adds) {
            let left = self.settle_left(doubt);
            if !left.is_zero() {
                (story.doubt, story.made) = (Some(doubt.clone()), Some(found.id));
                return Ok(Turn::Again(left));
            }
        }
        if steps.len() < story.steps_left {
            // The one in doubt has arrived, and was no failed try.
            (story.tries, story.steps_left) = (0, 0);
        }
        // A change that was in doubt and has not arrived was a failed try, once it cannot arrive any more.
        if was_changed && story.tries >= TRIES_MAX {
            if let Some(doubt) = doubt.as_ref().filter(|doubt| !self.settle_left(doubt).is_zero()) {
                story.doubt = Some(doubt.clone());
                return Ok(Turn::Again(self.settle_left(doubt)));
            }
            return Ok(self.given_up(story, &delta, doubt.map(|doubt| doubt.why)));
        }
        self.act(person, story, &delta, &steps, Some(&found)).await
    }

    /// A request that reads failed: nothing was sent for this person in this turn.
    fn after_failure(&self, story: &mut Story, why: Failure) -> Result<Turn, Failure> {
        story.failures += 1;
        self.count_failure(story, &why)?;
        if story.failures < TRIES_MAX {
            return Ok(Turn::Again(retry_after(story.failures)));
        }
        let may_be_there = story.doubt.is_some() || story.has_created || story.has_updated;
        Ok(Turn::Reject(vec![if may_be_there { unknown(&why) } else { not_looked_up(&why) }]))
    }

    /// The platform's word about one contact: it is well.
    fn refused(&self, problems: Vec<Problem>) -> Turn {
        self.failures_in_a_row.store(0, Ordering::Relaxed);
        Turn::Reject(problems)
    }

    /// Counts a contact that fails, at its first failure.
    fn count_failure(&self, story: &Story, why: &Failure) -> Result<(), Failure> {
        if story.tries + story.failures > 1 {
            return Ok(());
        }
        let in_a_row = self.failures_in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
        if in_a_row < FAILURES_IN_A_ROW_MAX {
            return Ok(());
        }
        Err(Failure::new(
            Exit::Unavailable,
            format!("{FAILURES_IN_A_ROW_MAX} contacts in a row failed or are in doubt, so the target is at fault"),
        )
        .cause(&why.message)
        .hint("nobody was rejected for it; the same command goes on when the platform is well again"))
    }

    fn settle_left(&self, doubt: &Doubt) -> Duration {
        let settled_ms = doubt.at_ms.saturating_add(self.settle_ms());
        Duration::from_millis(settled_ms.saturating_sub(self.clock.wall_ms()))
    }

    fn settle_ms(&self) -> u64 {
        u64::try_from(self.policy.settle.as_millis()).unwrap_or(u64::MAX)
    }

    async fn forget_links(&self, person: &Person) -> Result<(), Fault> {
        for identity in &person.identities {
            self.checkpoint.unlink(identity).await?;
        }
        Ok(())
    }

    /// Reads the contact back when it carries names that the platform may drop without a word.
    async fn check_silence(
        &self,
        delta: &Delta,
        id: &str,
        after: Option<&Contact>,
        story: &mut Story,
    ) -> Result<(), Fault> {
        story.not_carried.extend(self.silence.dropped(delta));
        let names = self.silence.untried(delta);
        if names.is_empty() {
            return Ok(());
        }
        let read_back = match after {
            Some(contact) => Some(contact.clone()),
            None => match self.connector.read(&self.http, id, lookup_of(&*self.connector, &delta.after).as_ref()).await
            {
                Ok(reading) => reading.there().map(|found| found.contact),
                Err(Fault::Fatal(failure)) => return Err(Fault::Fatal(failure)),
                // The contact has arrived; what it dropped is found out at the name's next use.
                Err(Fault::Refused(_) | Fault::InDoubt(_)) => None,
            },
        };
        let Some(contact) = read_back else {
            self.silence.unanswered(&names);
            return Ok(());
        };
        for name in self.silence.judge(&names, delta, &contact) {
            self.checkpoint.remember(&silence::memory_of(&name), "dropped")?;
            story.not_carried.push(name);
        }
        Ok(())
    }
}

fn fields_of(person: &Person) -> Vec<Field> {
    person.identities.iter().map(|identity| identity.field).collect()
}

/// How long after the nth failed try (from 1) the next one comes.
fn retry_after(nth: u32) -> Duration {
    RETRY_AFTER * 2u32.saturating_pow(nth.saturating_sub(1).min(TRIES_MAX))
}

/// The identity values by which this contact is the person's: those that it has, and an id that found it. Where it lacks
/// a value, that of the record may belong to another contact.
fn links(person: &Person, by: Option<Field>, contact: &Contact) -> Vec<IdentityValue> {
    let is_by_id = |identity: &IdentityValue| by == Some(Field::TargetId) && identity.field == Field::TargetId;
    let leads = |identity: &&IdentityValue| is_by_id(identity) || has_identity(contact, identity);
    person.identities.iter().filter(leads).cloned().collect()
}

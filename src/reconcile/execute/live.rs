//! The live executor: one step per request, each after its intent is on disk.
//!
//! It does what the table of consequences says, and decides nothing itself.

use super::dispatch::Endpoint;
use super::executor::{Executor, Next};
use crate::change::Delta;
use crate::change::{StepKind, WrittenValues};
use crate::contact::Contact;
use crate::outcome::{Exit, Failure, Outcome, Problem, Skip};
use crate::platforms::restore::written;
use crate::platforms::{Address, Fault, Found, Step, StepResult};
use crate::reconcile::attempt::{Attempt, Confirmed, Doubt};
use crate::reconcile::changed::{Changed, fields_of};
use crate::reconcile::dropped::{Dropped, memory_of};
use crate::reconcile::entries::Entries;
use crate::reconcile::failures::Failures;
use crate::reconcile::fate::{Consequence, Left, Position, answer_of, consequence};
use crate::reconcile::find::Finder;
use crate::reconcile::gate::Gate;
use crate::reconcile::goal::decision::{Change, Then};
use crate::reconcile::goal::revert::{clears, not_cleared};
use crate::reconcile::matching::LISTS;
use crate::reconcile::partial::Partials;
use crate::reconcile::problems::failed;
use crate::reconcile::subject::Subject;
use crate::reconcile::who::Who;
use crate::store::Intent;
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

/// Writes to the platform.
pub(crate) struct Live {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) finder: Arc<Finder>,
    pub(crate) entries: Entries,
    /// How long after a request in doubt a contact that is not found counts as absent.
    pub(crate) settle: Duration,
    pub(crate) gate: Gate,
    pub(crate) partials: Arc<Partials>,
    pub(crate) dropped: Arc<Dropped>,
    pub(crate) changed: Arc<Changed>,
    pub(crate) failures: Arc<Failures>,
}

/// A step of a change that is being sent.
struct Sending<'a> {
    who: &'a Who,
    change: &'a Change,
    nth: usize,
    step: &'a Step,
    to: &'a Address,
    since_ms: u64,
}

/// What a step led to.
enum Went {
    /// It was carried out; the contact's id, and the contact itself where the answer holds it.
    On(String, Option<Box<Contact>>),
    /// The change ends here.
    Off(Next),
}

#[async_trait]
impl Executor for Live {
    async fn execute(&self, subject: &Subject, attempt: &mut Attempt, change: &Change) -> Result<Next, Fault> {
        let lists = LISTS.into_iter().filter(|field| change.delta.changed.has(*field));
        lists.for_each(|field| attempt.begin_list(field));
        let is_create = change.steps.iter().any(|step| step.kind == StepKind::Create);
        let _creating = self.partials.creating(self.endpoint.connector.facts(), is_create).await;
        let mut to = change.on.as_ref().map_or(Address::New, |found| Address::Id(found.id.clone()));
        let mut after = None;
        for (nth, step) in change.steps.iter().enumerate() {
            let sending = Sending { who: &subject.who, change, nth, step, to: &to, since_ms: 0 };
            match self.send(attempt, sending).await? {
                Went::On(id, contact) => (to, after) = (Address::Id(id), contact),
                Went::Off(next) => return Ok(next),
            }
        }
        if attempt.has_refused() {
            // What is missing then is seen by reading the contact again.
            attempt.doubt_about(self.not_shown(self.now_ms()));
            return Ok(Next::Again(Duration::ZERO));
        }
        self.count(attempt, &change.delta);
        self.complete(attempt);
        match (to, change.then) {
            (_, Then::Deleted) => Ok(Next::End(Outcome::Deleted)),
            (Address::New, _) => Ok(Next::End(attempt.outcome())),
            (Address::Id(id), then) => {
                let found_from_ms = self.now_ms().saturating_add(self.settle_ms());
                self.finder.exists(&id, &change.delta.after, found_from_ms);
                attempt.effects.not_carried.extend(self.dropped.dropped(&change.delta));
                if !self.dropped.untried(&change.delta).is_empty() {
                    Box::pin(self.read_back(attempt, &change.delta, (&id, after.as_deref()))).await?;
                }
                if then == Then::Restored {
                    Box::pin(self.check_cleared(attempt, &change.delta, &id)).await
                } else {
                    Ok(Next::End(attempt.outcome()))
                }
            }
        }
    }

    fn foresees(&self) -> bool {
        true
    }

    fn has_changed(&self, fields: &[String]) {
        self.changed.count(fields.iter().map(String::as_str));
    }
}

/// Sending a step.
impl Live {
    async fn send(&self, attempt: &mut Attempt, mut sending: Sending<'_>) -> Result<Went, Fault> {
        let _passed = self.gate.pass(self.endpoint.http.rate_now().or(self.endpoint.ceiling_per_s)).await;
        let (who, intent) = (sending.who, self.intent(attempt, &sending));
        sending.since_ms = intent.at_ms;
        attempt.begin_step(intent.made.clone());
        self.entries.checkpoint.intend(self.entries.run, who.key, intent).await?;
        if let Address::Id(id) = sending.to {
            self.finder.changes(id);
        }
        let answer = self.endpoint.send(sending.step, sending.to).await;
        let is_stepwise = self.endpoint.connector.facts().creates_in_steps;
        let has_id = matches!(sending.to, Address::Id(_));
        let position = Position::of(attempt, sending.step.kind, has_id, is_stepwise);
        match consequence(answer_of(&answer), &position) {
            Consequence::NextStep => Ok(self.went_on(attempt, &sending, answer?)),
            Consequence::Doubt { after, is_own } => {
                self.doubt(attempt, &sending, is_own, why_of(answer))?;
                Ok(Went::Off(Next::Again(after)))
            }
            Consequence::Stop(left) => {
                match left {
                    Left::InDoubt => {}
                    Left::Nothing => Box::pin(self.withdraw(who, true)).await?,
                    Left::HeldBack => Box::pin(self.hold_back(attempt, &sending)).await?,
                }
                answer.map(|_| Went::Off(Next::Again(Duration::ZERO)))
            }
            consequence => Box::pin(self.follow(attempt, &sending, consequence, words_of(answer))).await.map(Went::Off),
        }
    }

    /// The step was carried out.
    fn went_on(&self, attempt: &mut Attempt, sending: &Sending<'_>, taken: StepResult) -> Went {
        let StepResult::Done { id, after } = taken else { return Went::Off(Next::Again(Duration::ZERO)) };
        self.failures.arrived();
        attempt.confirm(sending.step.kind, &id);
        let is_last = sending.nth + 1 == sending.change.steps.len();
        let is_stepwise = self.endpoint.connector.facts().creates_in_steps;
        if sending.step.kind == StepKind::Create && is_stepwise && !is_last {
            self.partials.own(&id);
            attempt.keep_own(id.clone());
        }
        Went::On(id, after)
    }

    /// The result of the step is unknown.
    fn doubt(&self, attempt: &mut Attempt, sending: &Sending<'_>, is_own: bool, why: Failure) -> Result<(), Fault> {
        let Sending { change, nth, step, to, since_ms, .. } = sending;
        attempt.count_try();
        attempt.tries.steps_left = change.steps.len().saturating_sub(*nth);
        attempt.effects.cleared_in_doubt = change.delta.cleared;
        attempt.effects.changed_in_doubt = changes_of(attempt, &change.delta).map(str::to_owned).collect();
        let (kind, at_ms) = (step.kind, self.now_ms());
        attempt.doubt_about(Doubt { kind, since_ms: *since_ms, at_ms, why: why.clone() });
        if let (true, Address::Id(id)) = (is_own, to) {
            attempt.keep_own(id.clone());
        }
        Ok(self.failures.count(attempt.tries, &why)?)
    }

    /// Everything else that ends a change. The answer's words are the platform's.
    async fn follow(
        &self,
        attempt: &mut Attempt,
        sending: &Sending<'_>,
        consequence: Consequence,
        words: Words,
    ) -> Result<Next, Fault> {
        let who = sending.who;
        match consequence {
            Consequence::FindExisting { withdraw, creation_in_doubt } => {
                self.withdraw(who, withdraw).await?;
                // That another party's request (or an earlier, lost one) created the contact is found out by locating it
                // until the settle time is over.
                let kind = if creation_in_doubt { StepKind::Create } else { StepKind::Change };
                let (now_ms, words) = (self.now_ms(), words.claim());
                let why = Failure::new(Exit::Unavailable, words.clone());
                attempt.claimed(words, Doubt { kind, since_ms: now_ms, at_ms: now_ms, why });
                Ok(Next::Again(Duration::ZERO))
            }
            Consequence::NotShownYet(after) => {
                attempt.count_try();
                attempt.doubt_about(self.not_shown(sending.since_ms));
                Ok(Next::Again(after))
            }
            Consequence::FindAgain(after) => {
                self.lose(who, attempt).await?;
                // The links are older than this answer; so is a snapshot, which is not asked for a contact that was about
                // to be changed.
                for identity in &who.identities {
                    self.entries.checkpoint.unlink(identity).await?;
                }
                Ok(Next::Again(after))
            }
            Consequence::LeaveOut => {
                attempt.refuse(sending.step.body.clone());
                if let Address::Id(id) = sending.to {
                    attempt.keep_own(id.clone());
                }
                attempt.doubt_about(self.not_shown(sending.since_ms));
                Ok(Next::Again(Duration::ZERO))
            }
            Consequence::EndWithout => {
                self.withdraw(who, true).await?;
                let names = sending.change.delta.changes.iter().map(|change| change.field.to_string());
                attempt.effects.not_carried.extend(names);
                self.complete(attempt);
                Ok(Next::End(attempt.outcome()))
            }
            Consequence::GiveUp => {
                self.lose(who, attempt).await?;
                Ok(Next::Reject(vec![failed(None)]))
            }
            _ => {
                self.withdraw(who, true).await?;
                self.failures.answered();
                Ok(Next::Reject(words.problems()))
            }
        }
    }

    /// The contact does not exist any more: a failed try.
    async fn lose(&self, who: &Who, attempt: &mut Attempt) -> Result<(), Fault> {
        self.withdraw(who, true).await?;
        attempt.count_try();
        if let Some(id) = attempt.lose_own() {
            self.partials.release(&id);
        }
        Ok(())
    }

    async fn withdraw(&self, who: &Who, is_undone: bool) -> Result<(), Fault> {
        if is_undone {
            self.entries.checkpoint.withdraw(self.entries.run, who.key).await?;
        }
        Ok(())
    }

    /// The intent says from now on that its request has not left. The image of the change stays.
    async fn hold_back(&self, attempt: &Attempt, sending: &Sending<'_>) -> Result<(), Fault> {
        let intent = self.intent(attempt, sending).held_back(sending.since_ms);
        Ok(self.entries.checkpoint.hold_back(self.entries.run, sending.who.key, intent).await?)
    }

    fn intent(&self, attempt: &Attempt, sending: &Sending<'_>) -> Intent {
        let platform = self.endpoint.connector.facts();
        let Sending { who, change: Change { delta, on, .. }, nth, step, to, .. } = sending;
        // Of the whole change: the steps after the first have no image of their own.
        let (before, after) = match (nth, on) {
            (0, Some(found)) => {
                let before = serde_json::Value::Object(found.contact.to_json()).to_string();
                (Some(before), written(platform, delta, Some(&found.contact)))
            }
            (0, None) => (None, written(platform, delta, None)),
            _ => (None, WrittenValues::default()),
        };
        Intent {
            kind: step.kind,
            identities: who.own_identities(),
            origin: who.origin,
            at_ms: self.now_ms(),
            attempt: attempt.tries.sent + 1,
            target_id: match to {
                Address::Id(id) => Some(id.clone()),
                Address::New => None,
            },
            before,
            after,
            made: match step.kind {
                _ if !platform.creates_in_steps => None,
                StepKind::Create => Some(step.body.to_string()),
                _ if attempt.confirmed() == Confirmed::Created => attempt.created_by().map(str::to_owned),
                _ => None,
            },
            begun: attempt.begun(),
        }
    }
}

/// After the last step.
impl Live {
    fn count(&self, attempt: &mut Attempt, delta: &Delta) {
        attempt.effects.cleared += delta.cleared;
        self.changed.count(changes_of(attempt, delta));
    }

    /// No further request completes the contact that this record has created.
    fn complete(&self, attempt: &mut Attempt) {
        if let Some(id) = attempt.complete_own() {
            self.partials.release(&id);
        }
    }

    /// Reads the contact back, because it has names that the platform may drop without an error.
    async fn read_back(
        &self,
        attempt: &mut Attempt,
        delta: &Delta,
        (id, after): (&str, Option<&Contact>),
    ) -> Result<(), Fault> {
        let names = self.dropped.untried(delta);
        let there = match after {
            Some(contact) => Some(contact.clone()),
            None => self.read(id, &delta.after).await?.map(|found| found.contact),
        };
        // A contact that cannot be read back has arrived all the same; what it dropped is seen at the name's next use.
        let Some(there) = there else {
            self.dropped.unanswered(&names);
            return Ok(());
        };
        for name in self.dropped.judge(&names, delta, &there) {
            self.entries.checkpoint.remember(&memory_of(&name), "dropped")?;
            attempt.effects.not_carried.push(name);
        }
        Ok(())
    }

    /// Reads the contact back when values were cleared: some platforms ignore a blank.
    async fn check_cleared(&self, attempt: &mut Attempt, delta: &Delta, id: &str) -> Result<Next, Fault> {
        if !clears(delta) {
            return Ok(Next::End(attempt.outcome()));
        }
        let there = self.read(id, &delta.after).await?;
        let platform = self.endpoint.connector.facts();
        let (left, is_nothing) = not_cleared(platform, delta, there.as_ref());
        attempt.effects.left.extend(left);
        Ok(Next::End(if is_nothing { Outcome::Skipped(Skip::Kept) } else { attempt.outcome() }))
    }

    /// The contact as it is now; none where the platform does not say.
    async fn read(&self, id: &str, known: &Contact) -> Result<Option<Found>, Fault> {
        match self.endpoint.read(id, known).await {
            Ok(reading) => Ok(reading.there()),
            Err(Fault::Fatal(failure)) => Err(Fault::Fatal(failure)),
            Err(Fault::Refused(_) | Fault::InDoubt(_)) => Ok(None),
        }
    }

    /// A contact that this run created a moment ago may not be shown to every request yet.
    fn not_shown(&self, since_ms: u64) -> Doubt {
        let why = Failure::new(Exit::Unavailable, "not shown yet");
        Doubt { kind: StepKind::Change, since_ms, at_ms: self.now_ms(), why }
    }

    fn now_ms(&self) -> u64 {
        self.endpoint.clock.wall_ms()
    }

    fn settle_ms(&self) -> u64 {
        u64::try_from(self.settle.as_millis()).unwrap_or(u64::MAX)
    }
}

/// What the platform said beside the kind of its answer.
enum Words {
    Claim(String),
    Problems(Vec<Problem>),
    Nothing,
}

impl Words {
    fn claim(self) -> String {
        if let Words::Claim(words) = self { words } else { String::new() }
    }

    fn problems(self) -> Vec<Problem> {
        if let Words::Problems(problems) = self { problems } else { Vec::new() }
    }
}

fn words_of(answer: Result<StepResult, Fault>) -> Words {
    match answer {
        Ok(StepResult::AlreadyExists(words)) => Words::Claim(words),
        Err(Fault::Refused(problems)) => Words::Problems(problems),
        _ => Words::Nothing,
    }
}

fn why_of(answer: Result<StepResult, Fault>) -> Failure {
    match answer {
        Err(Fault::InDoubt(why) | Fault::Fatal(why)) => why,
        _ => Failure::new(Exit::Unknown, "the answer is in doubt"),
    }
}

/// The fields that are changed of a contact that existed before.
fn changes_of<'d>(attempt: &Attempt, delta: &'d Delta) -> impl Iterator<Item = &'d str> + use<'d> {
    let is_new = attempt.confirmed() == Confirmed::Created;
    fields_of(delta).filter(move |_| !is_new)
}

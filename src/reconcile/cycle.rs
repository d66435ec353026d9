//! One contact at one target: locate it, decide what remains to be done, execute that; after anything doubtful, again.
//!
//! It never asks "did my request work?" but "what is there, and what should be there?". It knows no command: what is
//! wanted is the subject's goal, and where effects go is the executor's. Which contact is next, and how many at once, is
//! the run's business.

use super::attempt::{Attempt, Earlier, TRIES_MAX};
use super::doubt::{YIELD, retry_after};
use super::dropped::memory_of;
use super::execute::executor::Next;
use super::failures::Verdict;
use super::goal::decision::{Decision, Notes, Ruling};
use super::goal::revert::kept_after;
use super::goal::{Goal, Locate};
use super::locate::{Located, Location};
use super::matching::is_weaker;
use super::problems::{at_fault, is_failed, is_no_contact, is_unknown, not_looked_up, unknown, unknown_for};
use super::reconciler::Reconciler;
use super::slot::Slot;
use super::subject::Subject;
use super::view::{DroppedNames, Freshness, Hit, Owner, Presence, TargetFacts, View};
use super::who::Who;
use crate::contact::Contact;
use crate::outcome::{Exit, Failure, Outcome, Problem};
use crate::platforms::Fault;
use crate::store::Settled;
use std::sync::Arc;
use std::time::Duration;

/// How it ended with one contact.
#[derive(Clone, Debug)]
pub enum End {
    /// It has an outcome.
    Settled(Settled),
    /// It has none yet: the run was told to stop before.
    Pending,
}

impl Reconciler {
    /// Reconciles one contact. What is rarely waited for is boxed here and below, because the state of every contact in
    /// flight is as large as the largest thing that it may wait for, and is copied when it begins. The caller sees to it that no other contact with one of its [names](super::who::Who::names)
    /// is in flight until the outcome of this one is in the checkpoint.
    ///
    /// # Errors
    /// What stops the run: a refused token, an unavailable target, a failing checkpoint, too many failures in a row.
    pub async fn reconcile(
        &self,
        subject: &Subject,
        earlier: Option<&Earlier>,
        slot: &mut Slot,
    ) -> Result<End, Failure> {
        let mut attempt = earlier.map(Attempt::after).unwrap_or_default();
        if let Some(after) = self.failures.outage()
            && Box::pin(self.wait(slot, after)).await.is_err()
        {
            return Ok(End::Pending);
        }
        loop {
            if *self.stop.borrow() {
                return Ok(End::Pending);
            }
            let next = match self.round(subject, &mut attempt).await {
                Ok(next) => next,
                Err(fault) => match self.after_fault(&mut attempt, fault)? {
                    Some(next) => next,
                    None => return Ok(End::Pending),
                },
            };
            match next {
                Next::End(outcome) => {
                    self.failures.answered();
                    let left = std::mem::take(&mut attempt.effects.left);
                    return Ok(End::Settled(self.settled(&subject.who, attempt, outcome, left)));
                }
                Next::Reject(problems) => match self.judge(&problems) {
                    Verdict::Contact => {
                        let outcome = if is_unknown(&problems) { Outcome::Unknown } else { Outcome::Rejected };
                        return Ok(End::Settled(self.settled(&subject.who, attempt, outcome, problems)));
                    }
                    Verdict::Target => return Err(at_fault(&problems, self.failures.has_arrived())),
                    Verdict::Wait(after) if Box::pin(self.wait(slot, after)).await.is_err() => return Ok(End::Pending),
                    Verdict::Wait(_) => {}
                },
                Next::Again(after) => {
                    if !after.is_zero() && Box::pin(self.wait(slot, after)).await.is_err() {
                        return Ok(End::Pending);
                    }
                }
            }
        }
    }
}

/// One round.
impl Reconciler {
    /// Locate, decide, execute, once.
    async fn round(&self, subject: &Subject, attempt: &mut Attempt) -> Result<Next, Fault> {
        let mut location = self.locate(subject, attempt).await?;
        loop {
            let located = match location {
                Location::Found(located) => located,
                Location::Again(after) => return Ok(Next::Again(after)),
            };
            if let Presence::One(hit) = &located.presence
                && self.yields(subject, attempt, hit)
            {
                return Ok(Next::Again(YIELD));
            }
            let ruling = self.decide(subject, attempt, &located)?;
            let Ruling { decision, notes } = ruling;
            // The right to work on the contact is held until the change is carried out.
            let Located { presence, place, .. } = located;
            location = match (decision, presence) {
                (Decision::Reread(why), Presence::One(hit)) => {
                    Box::pin(self.reread(subject, (hit, place), why)).await?
                }
                (decision, _) => return self.carry_out(subject, attempt, Ruling { decision, notes }).await,
            };
        }
    }

    /// Whether a record with a stronger match is let go first, once.
    fn yields(&self, subject: &Subject, attempt: &mut Attempt, hit: &Hit) -> bool {
        let is_tracked = self.owners.is_some() && subject.goal.tracks_owner();
        let yields = is_tracked
            && !attempt.has_yielded()
            && hit.by.is_some_and(|by| is_weaker(&subject.who, by, &hit.found.contact));
        if yields {
            attempt.effects.target_id = Some(hit.found.id.clone());
            attempt.let_others_go_first();
        }
        yields
    }

    /// What remains to be done about what was located.
    fn decide(&self, subject: &Subject, attempt: &mut Attempt, located: &Located) -> Result<Ruling, Fault> {
        let (mut owner, mut written) = (Owner::This, None);
        attempt.effects.target_id = match &located.presence {
            Presence::One(hit) | Presence::Shared(hit) => Some(hit.found.id.clone()),
            Presence::Absent | Presence::Several(_) | Presence::Unreadable => match subject.goal.locate() {
                Locate::ById(reversal) => Some(reversal.id.clone()),
                _ if located.presence == Presence::Absent => None,
                _ => attempt.effects.target_id.take(),
            },
        };
        if let Presence::One(hit) = &located.presence {
            self.learn(&subject.goal, hit)?;
            let who = &subject.who;
            if subject.goal.tracks_owner()
                && let Some(line) = self.claim(&hit.found.id, (&who.key, who.origin.line))?
            {
                owner = Owner::OtherRecord(line);
            }
            if let Goal::Correct(_, correction) = &subject.goal {
                written = correction.written.by_id(&hit.found.id)?;
            }
        }
        let dropped = self.dropped.names();
        let deletes = self.endpoint.connector.capabilities().deletes;
        let deletes = deletes.filter(|_| matches!(subject.goal, Goal::Revert(_)));
        let deletion = deletes.map(|deletes| deletes.deletion());
        let target = TargetFacts { deletion, ..self.facts(&dropped) };
        let (presence, may_reread) = (&located.presence, located.may_reread);
        let view = View { target: &target, who: &subject.who, presence, owner, written: written.as_ref(), may_reread };
        Ok(subject.goal.decide(&view, attempt))
    }

    /// What is known of the target at this moment.
    pub(super) fn facts<'a>(&'a self, dropped: &'a DroppedNames) -> TargetFacts<'a> {
        TargetFacts {
            rules: &*self.endpoint.connector,
            ready: &self.endpoint.ready,
            identity: &self.identity,
            policy: self.policy,
            deletion: None,
            dropped,
            reads_for_plan: self.executor.reads_for_plan(),
            now_ms: self.now_ms(),
        }
    }

    /// Learns from a contact at the target which names the platform keeps.
    fn learn(&self, goal: &Goal, hit: &Hit) -> Result<(), Failure> {
        if hit.freshness == Freshness::Recorded || matches!(goal, Goal::Revert(_)) {
            return Ok(());
        }
        self.learn_names(&hit.found.contact)
    }

    pub(super) fn learn_names(&self, there: &Contact) -> Result<(), Failure> {
        for name in self.dropped.learn(there) {
            self.entries.checkpoint.forget(&memory_of(&name))?;
        }
        Ok(())
    }

    /// Does what was decided.
    async fn carry_out(&self, subject: &Subject, attempt: &mut Attempt, ruling: Ruling) -> Result<Next, Fault> {
        note(attempt, ruling.notes);
        match ruling.decision {
            Decision::Done(outcome) => {
                self.done(attempt, outcome);
                Ok(Next::End(outcome))
            }
            Decision::Reject(problems) => Ok(Next::Reject(problems)),
            Decision::Wait { how_long, own } => {
                if let Some(id) = own {
                    attempt.keep_own(id);
                }
                Ok(Next::Again(how_long))
            }
            // It was read already.
            Decision::Reread(_) => Ok(Next::Again(Duration::ZERO)),
            Decision::Write(change) => {
                match &change.on {
                    Some(_) => attempt.settle_there(change.steps.len()),
                    None => attempt.settle_absent(),
                }
                self.guards.count(subject.who.origin.line, attempt, &change)?;
                let next = self.executor.execute(subject, attempt, &change).await?;
                let title = &self.endpoint.connector.facts().title;
                match next {
                    Next::Reject(problems) => Ok(match kept_after(title, &change, &problems) {
                        Some(kept) => {
                            attempt.kept_values.extend(kept);
                            Next::Again(Duration::ZERO)
                        }
                        None => Next::Reject(problems),
                    }),
                    next => Ok(next),
                }
            }
        }
    }

    /// Nothing remains to be written: what was in doubt has arrived.
    fn done(&self, attempt: &mut Attempt, outcome: Outcome) {
        if matches!(outcome, Outcome::Created | Outcome::Updated | Outcome::Unchanged) {
            let fields = attempt.count_arrived();
            self.executor.has_changed(&fields);
        }
        if attempt.has_refused()
            && let Some(id) = attempt.complete_own()
        {
            self.partials.release(&id);
        }
    }

    /// What follows from a fault; none: the run was told to stop.
    fn after_fault(&self, attempt: &mut Attempt, fault: Fault) -> Result<Option<Next>, Failure> {
        Ok(Some(match fault {
            // A contact that cannot be looked up may have arrived all the same.
            Fault::Refused(problems) if attempt.may_have_written() && !is_no_contact(&problems) => {
                self.failures.answered();
                Next::Reject(vec![unknown_for(&problems)])
            }
            Fault::Refused(problems) => {
                self.failures.answered();
                Next::Reject(problems)
            }
            Fault::InDoubt(failure) => self.after_failed_read(attempt, &failure)?,
            Fault::Fatal(failure) if failure.exit == Exit::Interrupted => return Ok(None),
            Fault::Fatal(failure) => return Err(failure),
        }))
    }

    /// A request that reads failed: nothing was sent for this contact in this round.
    fn after_failed_read(&self, attempt: &mut Attempt, why: &Failure) -> Result<Next, Failure> {
        attempt.tries.reads += 1;
        self.failures.count(attempt.tries, why)?;
        if attempt.tries.reads < TRIES_MAX {
            return Ok(Next::Again(retry_after(attempt.tries.reads)));
        }
        Ok(Next::Reject(vec![if attempt.may_have_written() { unknown(why) } else { not_looked_up(why) }]))
    }

    pub(super) fn settled(&self, who: &Who, attempt: Attempt, outcome: Outcome, problems: Vec<Problem>) -> Settled {
        self.guards.end(attempt.counted, outcome);
        let has_arrived = matches!(outcome, Outcome::Created | Outcome::Updated | Outcome::Unchanged);
        let mut not_carried = if has_arrived { who.not_carried.clone() } else { Vec::new() };
        let effects = attempt.effects;
        if has_arrived {
            not_carried.extend(effects.not_carried);
            not_carried.sort();
            not_carried.dedup();
        }
        Settled {
            outcome,
            pass: self.entries.pass,
            origin: who.origin,
            links: if has_arrived { effects.links } else { Vec::new() },
            target_id: self.executor.real_id(effects.target_id),
            not_carried,
            cleared: if has_arrived { effects.cleared } else { 0 },
            problems,
        }
    }
}

impl Reconciler {
    /// Who is at fault where a contact is given up for these problems: a contact that fails while nothing succeeds, or
    /// before anything has ever arrived, is not.
    fn judge(&self, problems: &[Problem]) -> Verdict {
        match is_failed(problems) || (is_unknown(problems) && self.failures.is_row()) {
            true => self.failures.judge(),
            false => Verdict::Contact,
        }
    }

    /// Waits for a while; an error when the run is to stop. It holds no slot meanwhile, so that other contacts are sent,
    /// except during an outage.
    async fn wait(&self, slot: &mut Slot, duration: Duration) -> Result<(), ()> {
        let mut stop = self.stop.clone();
        let has_others = self.failures.outage().is_none();
        let parking = has_others.then(|| Arc::clone(&self.parking).try_acquire_owned().ok()).flatten();
        if parking.is_some() {
            slot.give_up();
        }
        let waited = tokio::select! {
            () = self.endpoint.clock.sleep(duration) => Ok(()),
            _ = stop.wait_for(|stop| *stop) => Err(()),
        };
        drop(parking);
        slot.retake().await;
        waited
    }
}

/// Notes what comes along with a decision.
pub(super) fn note(attempt: &mut Attempt, notes: Notes) {
    let Notes { not_carried, links, left } = notes;
    attempt.effects.not_carried.extend(not_carried);
    attempt.effects.links = links;
    attempt.effects.left = left;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The size of what this function returns.
    fn size_of_future<A, B, C, D, F>(_: impl FnOnce(A, B, C, D) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_state_of_a_contact_in_flight_is_small_because_it_is_copied() {
        let size = size_of_future(Reconciler::reconcile);
        assert!(size <= 6144, "{size} bytes");
    }
}

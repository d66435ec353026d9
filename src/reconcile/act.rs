//! Acting: the steps that remain for one person, each announced on disk before it leaves.

use super::changed::fields_of;
use super::person::Person;
use super::problems::{claimed, failed, failed_in_part, incomplete};
use super::story::{Doubt, Story};
use super::{LISTS, RETRY_AFTER, Reconciler, TRIES_MAX, Turn, retry_after};
use crate::checkpoint::Intent;
use crate::outcome::{Exit, Failure};
use crate::platforms::diff::Delta;
use crate::platforms::restore::written;
use crate::platforms::{Fault, Found, Step, StepKind, Taken, Whom};
use std::sync::atomic::Ordering;
use std::time::Duration;

impl Reconciler {
    /// Enough tries. Somebody whom this run made and who lacks something yet is nobody to be left: the intent stays, and
    /// whoever goes on with the run comes back to them.
    pub(super) fn given_up(&self, story: &Story, delta: &Delta, why: Option<Failure>) -> Turn {
        Turn::Reject(vec![match (story.has_created, story.has_updated) {
            (true, _) => incomplete(delta, why),
            (false, true) => failed_in_part(delta, why),
            (false, false) => failed(why),
        }])
    }

    /// Somebody is there, made by this run; what the platform refuses of them is named.
    pub(super) fn settled_without(&self, story: &mut Story, delta: &Delta) -> Turn {
        story.not_carried.extend(delta.changes.iter().map(|change| change.field.clone()));
        self.complete(story);
        Turn::End(story.outcome())
    }

    /// Nobody comes back to whom this person made.
    fn complete(&self, story: &mut Story) {
        if let Some(id) = story.made.take() {
            self.half_made.leave(&id);
        }
    }

    /// Takes the steps, each after its intent is on disk.
    pub(super) async fn act(
        &self,
        person: &Person,
        story: &mut Story,
        delta: &Delta,
        steps: &[Step],
        found: Option<&Found>,
    ) -> Result<Turn, Fault> {
        self.guard(person, story, delta, steps)?;
        if let Some(rehearsing) = &self.rehearsing {
            self.rehearse(rehearsing, person, story, delta, steps, found)?;
            return Ok(Turn::End(story.outcome()));
        }
        let mut whom = found.map_or(Whom::Nobody, |found| Whom::Id(found.id.clone()));
        let mut after = None;
        LISTS.into_iter().filter(|field| delta.changed.has(*field)).for_each(|field| story.begun.insert(field));
        let platform = self.connector.platform();
        let is_create = steps.iter().any(|step| step.kind == StepKind::Create);
        let _making = self.half_made.make(platform, is_create).await;
        for (nth, step) in steps.iter().enumerate() {
            let _passed = self.gate.pass(self.http.rate_now().or(self.ceiling_per_s)).await;
            let mut intent = self.intent(person, story, step, &whom);
            if nth == 0 {
                // Of the whole change: the steps after this one have no image of their own.
                intent.before = found.map(|found| serde_json::Value::Object(found.contact.to_json()).to_string());
                intent.after = written(platform, delta, found.map(|found| &found.contact));
            }
            let (kind, since_ms) = (intent.kind, intent.at_ms);
            story.made_by.clone_from(&intent.made);
            self.checkpoint.intend(self.run, person.key, intent).await?;
            if let Whom::Id(id) = &whom {
                self.finder.changes(id);
            }
            match self.connector.take(&self.http, step, &whom).await {
                Ok(Taken::Done { id, after: contact }) => {
                    self.failures_in_a_row.store(0, Ordering::Relaxed);
                    self.has_succeeded.store(true, Ordering::Relaxed);
                    story.target_id = Some(id.clone());
                    story.has_created |= kind == StepKind::Create;
                    story.has_updated |= kind != StepKind::Create;
                    story.tries = 0;
                    if kind == StepKind::Create && platform.half_makes && nth + 1 < steps.len() {
                        self.half_made.take(&id);
                        story.made = Some(id.clone());
                    }
                    after = contact;
                    whom = Whom::Id(id);
                }
                Ok(Taken::AlreadyThere(words)) => return self.after_claim(person, story, words).await,
                Ok(Taken::Gone) if story.has_created && story.made.is_some() && story.tries < TRIES_MAX => {
                    // Made by this run a moment ago: they are there, and are not shown to every request yet.
                    story.tries += 1;
                    self.look_again(story, since_ms);
                    return Ok(Turn::Again(retry_after(story.tries)));
                }
                Ok(Taken::Gone) => {
                    self.checkpoint.withdraw(self.run, person.key).await?;
                    story.tries += 1;
                    self.complete(story);
                    story.has_created = false;
                    return Ok(if story.tries >= TRIES_MAX {
                        Turn::Reject(vec![failed(None)])
                    } else {
                        // The links are older than this answer; so is a snapshot, which is not asked for a contact that
                        // was about to be changed.
                        self.forget_links(person).await?;
                        Turn::Again(RETRY_AFTER)
                    });
                }
                Err(Fault::Refused(problems)) if !story.has_created => {
                    self.checkpoint.withdraw(self.run, person.key).await?;
                    return Ok(self.refused(problems));
                }
                Err(Fault::Refused(_)) => {
                    let (true, Whom::Id(id)) = (platform.half_makes, &whom) else {
                        self.checkpoint.withdraw(self.run, person.key).await?;
                        return Ok(self.settled_without(story, delta));
                    };
                    // The other steps are taken yet. What is left then is seen by looking again.
                    story.refused.push(step.body.clone());
                    story.made = Some(id.clone());
                    return Ok(self.look_again(story, since_ms));
                }
                Err(Fault::InDoubt(why)) => {
                    story.tries += 1;
                    story.steps_left = steps.len().saturating_sub(nth);
                    story.cleared_in_doubt = delta.cleared;
                    story.changed_in_doubt = self.changes_of(story, delta).map(str::to_owned).collect();
                    story.doubt = Some(Doubt { kind, since_ms, at_ms: self.clock.wall_ms(), why: why.clone() });
                    if let (StepKind::Add, Whom::Id(id)) = (kind, &whom) {
                        story.made = Some(id.clone());
                    }
                    self.count_failure(story, &why)?;
                    // Whether somebody was made is looked up at once, and again when it is settled. A change is either
                    // there or is sent once more, which a target that is not well should be spared.
                    return Ok(Turn::Again(match kind {
                        StepKind::Create | StepKind::Add => Duration::ZERO,
                        StepKind::Change => retry_after(story.tries),
                    }));
                }
                Err(Fault::Fatal(failure)) => {
                    // Only what an orderly stop held back is known not to have left; whatever else stops the run may be
                    // an answer to a request that was carried out. What was done for this person before is found by
                    // the intent.
                    if failure.exit == Exit::Interrupted && !story.has_created && !story.has_updated {
                        self.checkpoint.withdraw(self.run, person.key).await?;
                    }
                    return Err(Fault::Fatal(failure));
                }
            }
        }
        if !story.refused.is_empty() {
            return Ok(self.look_again(story, self.clock.wall_ms()));
        }
        story.cleared += delta.cleared;
        self.changed.count(self.changes_of(story, delta));
        self.complete(story);
        if let Whom::Id(id) = &whom {
            let found_from_ms = self.clock.wall_ms().saturating_add(self.settle_ms());
            self.finder.exists(id, &delta.after, found_from_ms);
            self.check_silence(delta, id, after.as_deref(), story).await?;
        }
        Ok(Turn::End(story.outcome()))
    }

    /// Somebody whom this run made a moment ago may not be shown to every request yet.
    fn look_again(&self, story: &mut Story, since_ms: u64) -> Turn {
        let (at_ms, why) = (self.clock.wall_ms(), Failure::new(Exit::Unavailable, "not shown yet"));
        story.doubt = Some(Doubt { kind: StepKind::Change, since_ms, at_ms, why });
        Turn::Again(Duration::ZERO)
    }

    /// The fields that are changed of somebody who was there before.
    fn changes_of<'d>(&self, story: &Story, delta: &'d Delta) -> impl Iterator<Item = &'d str> + use<'d> {
        let is_new = story.has_created;
        fields_of(delta).filter(move |_| !is_new)
    }

    fn intent(&self, person: &Person, story: &Story, step: &Step, whom: &Whom) -> Intent {
        Intent {
            kind: step.kind,
            identities: person.own_identities(),
            origin: person.origin,
            at_ms: self.clock.wall_ms(),
            attempt: story.tries + 1,
            target_id: match whom {
                Whom::Id(id) => Some(id.clone()),
                Whom::Nobody => None,
            },
            before: None,
            after: Vec::new(),
            made: match step.kind {
                _ if !self.connector.platform().half_makes => None,
                StepKind::Create => Some(step.body.to_string()),
                _ => story.made_by.clone().filter(|_| story.has_created),
            },
            begun: story.begun,
        }
    }

    /// The platform says the person is there already: look again, and give a lagging search its time.
    async fn after_claim(&self, person: &Person, story: &mut Story, words: String) -> Result<Turn, Fault> {
        // What an earlier try in doubt may have made is found by its intent.
        let was_sent = story.was_sent || story.tries > 0;
        if !was_sent {
            self.checkpoint.withdraw(self.run, person.key).await?;
        }
        if story.claimed.is_some() {
            return Ok(Turn::Reject(vec![claimed(&words)]));
        }
        // Nothing was created by this request. That somebody else's (or an earlier, lost) one did it is found out by
        // looking until the settle time is over.
        let kind = if was_sent { StepKind::Create } else { StepKind::Change };
        let why = Failure::new(Exit::Unavailable, words.clone());
        let at_ms = self.clock.wall_ms();
        story.doubt = Some(Doubt { kind, since_ms: at_ms, at_ms, why });
        story.claimed = Some(words);
        Ok(Turn::Again(Duration::ZERO))
    }
}

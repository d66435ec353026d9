//! The preview executor: what would be written is recorded, and no request that writes leaves.
//!
//! Locating is the real thing. A contact that would have been written is found by later records as it would be then.

use super::dispatch::Endpoint;
use super::executor::{Executor, Next};
use super::recorder::{Planned, Recorder};
use crate::change::StepKind;
use crate::outcome::{Failure, Outcome};
use crate::platforms::{Fault, Found};
use crate::reconcile::attempt::Attempt;
use crate::reconcile::dropped::Dropped;
use crate::reconcile::find::hits::Hits;
use crate::reconcile::goal::decision::{Change, ReadReason, Then};
use crate::reconcile::goal::planned::{PlannedChange, PlannedWrite, seen};
use crate::reconcile::matching::all_identities;
use crate::reconcile::subject::Subject;
use async_trait::async_trait;
use serde_json::Value;
use std::sync::Arc;

/// How the id of a contact begins that would be created, before the line of its record: no contact has it yet.
const IMAGINED: &str = "new:";

/// Records what would be written.
pub(crate) struct Preview {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) dropped: Arc<Dropped>,
    pub(crate) recorder: Arc<Recorder>,
}

#[async_trait]
impl Executor for Preview {
    async fn execute(&self, subject: &Subject, attempt: &mut Attempt, change: &Change) -> Result<Next, Fault> {
        let Change { delta, steps, on, then } = change;
        let id = on.as_ref().map_or_else(|| format!("{IMAGINED}{}", subject.who.origin.line), |found| found.id.clone());
        let is_create = steps.iter().any(|step| step.kind == StepKind::Create);
        attempt.confirm(if is_create { StepKind::Create } else { StepKind::Change }, &id);
        attempt.effects.cleared += delta.cleared;
        let uncertain = self.dropped.untried(delta);
        // A name is read back at its first use.
        let requests = steps.len() as u64 + u64::from(self.recorder.note(&uncertain));
        self.recorder.would_send(requests);
        let changes = delta.changes.iter().map(PlannedChange::from).collect();
        let planned = Planned { changes, uncertain, requests, send: self.to_send(subject, on.as_ref()) };
        let found = Found { id, contact: delta.after.clone() };
        self.recorder.record((&found, &all_identities(&found.contact)), subject.who.origin.ordinal, &planned)?;
        Ok(Next::End(if *then == Then::Deleted { Outcome::Deleted } else { attempt.outcome() }))
    }

    fn overlay(&self, hits: &mut Hits) -> Result<(), Failure> {
        self.recorder.overlay(hits)
    }

    fn reads_for_plan(&self) -> bool {
        self.recorder.keeps()
    }

    fn has_read(&self, why: ReadReason) {
        if why == ReadReason::ForPlan {
            self.recorder.only_planning(1);
        }
    }

    fn real_id(&self, id: Option<String>) -> Option<String> {
        id.filter(|id| !id.starts_with(IMAGINED))
    }
}

impl Preview {
    /// What sends it later, where a plan is saved.
    fn to_send(&self, subject: &Subject, on: Option<&Found>) -> Option<Value> {
        let wanted = subject.goal.wanted().filter(|_| self.recorder.keeps())?;
        let mut not_carried = subject.who.not_carried.clone();
        let platform = self.endpoint.connector.facts();
        let mut wanted = self.dropped.names().strip(&platform.drops, wanted, &mut not_carried);
        if self.endpoint.connector.resolves(&wanted) {
            not_carried.extend(self.endpoint.connector.resolve(&self.endpoint.ready, wanted.to_mut()));
        }
        let wanted = wanted.into_owned();
        let (identities, seen) = (subject.who.identities.clone(), on.map(|found| seen(&found.contact)));
        Some(PlannedWrite { wanted, identities, not_carried, seen }.to_json())
    }
}

//! Where effects go: the trait that the live executor and the preview implement.

use crate::outcome::{Failure, Outcome, Problem};
use crate::platforms::Fault;
use crate::reconcile::attempt::Attempt;
use crate::reconcile::find::hits::Hits;
use crate::reconcile::goal::decision::{Change, ReadReason};
use crate::reconcile::subject::Subject;
use async_trait::async_trait;
use std::time::Duration;

/// What a round of locating, deciding and executing led to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Next {
    End(Outcome),
    Reject(Vec<Problem>),
    /// Another round, after this long.
    Again(Duration),
}

/// Carries out changes.
#[async_trait]
pub(crate) trait Executor: Send + Sync {
    /// Carries out a change. The attempt remembers what happened.
    async fn execute(&self, subject: &Subject, attempt: &mut Attempt, change: &Change) -> Result<Next, Fault>;

    /// Lays over what was found what this executor has recorded instead of writing it.
    fn overlay(&self, hits: &mut Hits) -> Result<(), Failure> {
        let _ = hits;
        Ok(())
    }

    /// Whether every contact that would be written is read by id first, so that a saved plan knows it exactly.
    fn reads_for_plan(&self) -> bool {
        false
    }

    /// Whether what the snapshot says of a contact can be judged ahead of its turn.
    fn foresees(&self) -> bool {
        false
    }

    /// A contact was read by id before it is written.
    fn has_read(&self, why: ReadReason) {
        let _ = why;
    }

    /// These fields of a contact were changed by a request that was in doubt.
    fn has_changed(&self, fields: &[String]) {
        let _ = fields;
    }

    /// The id as it is at the target; none of a contact that would be created.
    fn real_id(&self, id: Option<String>) -> Option<String> {
        id
    }
}

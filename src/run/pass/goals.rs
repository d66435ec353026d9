//! Which goal each contact of a pass has: that of its record, or the comparison with a run, or the correction of one.

use crate::outcome::Failure;
use crate::reconcile::goal::{Correction, Goal};
use crate::run::verified_run::{Intended, VerifiedRun};
use crate::store::Key;
use std::sync::Arc;

/// What is wanted beside what the records say.
#[derive(Clone, Default)]
pub(in crate::run) struct Goals {
    /// The run with which the contacts are compared.
    pub confirms: Option<Arc<VerifiedRun>>,
    /// The run whose values are corrected.
    pub corrects: Option<Arc<Correction>>,
}

impl Goals {
    /// Whether nothing is wanted beside what the records say.
    pub fn are_of_records(&self) -> bool {
        self.confirms.is_none() && self.corrects.is_none()
    }

    /// The goal of the contact of this key, whose record has this ordinal; none where it is left out, because the verified
    /// run rejected it or left it out.
    ///
    /// # Errors
    /// Exit 1 when the copy of the checkpoint cannot be read.
    pub fn goal(&self, mut goal: Goal, key: &Key, ordinal: u64) -> Result<Option<Goal>, Failure> {
        if let Some(verified) = &self.confirms {
            let intended = verified.intended(key, ordinal)?;
            if intended == Intended::NotCompared {
                return Ok(None);
            }
            // A plan that was applied is compared with what is there, not with what was there before.
            goal = match goal {
                Goal::Upsert(wanted) | Goal::Exactly(wanted, _) => Goal::Confirm(wanted, intended == Intended::Created),
                goal => goal,
            };
        }
        Ok(Some(match (&self.corrects, goal) {
            (Some(correction), Goal::Upsert(wanted) | Goal::Confirm(wanted, _)) => {
                Goal::Correct(wanted, Arc::clone(correction))
            }
            (_, goal) => goal,
        }))
    }
}

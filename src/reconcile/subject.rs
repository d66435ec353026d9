//! One contact of the source on its way through a run.

use super::goal::Goal;
use super::who::Who;

/// One contact with its goal.
#[derive(Clone)]
pub struct Subject {
    /// Which record it comes from, and by what it is found.
    pub who: Who,
    /// What is wanted of it.
    pub goal: Goal,
}

//! The entries of one run in the checkpoint.

use crate::store::{Checkpoint, RunNo};

/// Where the intents and outcomes of a run are kept.
#[derive(Clone)]
pub struct Entries {
    #[allow(missing_docs)]
    pub checkpoint: Checkpoint,
    #[allow(missing_docs)]
    pub run: RunNo,
    /// The pass over the source.
    pub pass: u32,
}

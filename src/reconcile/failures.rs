//! A failing contact is not a failing target: failed requests in a row, and whether anything has ever arrived.
//!
//! It counts. How often one contact is tried is its own business.

use super::attempt::Tries;
use crate::outcome::{Exit, Failure};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// So many failing or doubtful contacts in a row are a failing target, not failing contacts.
const IN_A_ROW_MAX: u32 = 20;

/// What has failed at one target.
#[derive(Debug)]
pub(crate) struct Failures {
    /// Whether anything has ever arrived over this connection.
    has_arrived: AtomicBool,
    /// Failing or doubtful contacts since the last success.
    in_a_row: AtomicU32,
}

impl Failures {
    pub(crate) fn new(has_arrived: bool) -> Failures {
        Failures { has_arrived: AtomicBool::new(has_arrived), in_a_row: AtomicU32::new(0) }
    }

    /// Whether anything has ever arrived over this connection.
    pub(crate) fn has_arrived(&self) -> bool {
        self.has_arrived.load(Ordering::Relaxed)
    }

    /// A request was carried out.
    pub(crate) fn arrived(&self) {
        self.has_arrived.store(true, Ordering::Relaxed);
        self.answered();
    }

    /// The platform has answered about a contact: it works.
    pub(crate) fn answered(&self) {
        self.in_a_row.store(0, Ordering::Relaxed);
    }

    /// Counts a contact that fails, at its first failure.
    ///
    /// # Errors
    /// Exit 6 when it is one too many in a row.
    pub(crate) fn count(&self, tries: Tries, why: &Failure) -> Result<(), Failure> {
        if tries.sent + tries.reads > 1 {
            return Ok(());
        }
        let in_a_row = self.in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
        if in_a_row < IN_A_ROW_MAX {
            return Ok(());
        }
        Err(Failure::new(
            Exit::Unavailable,
            format!("{IN_A_ROW_MAX} contacts in a row failed or are in doubt, so the target is at fault"),
        )
        .cause(&why.message)
        .hint("no record was rejected because of it; run the same command again when the platform has recovered"))
    }
}

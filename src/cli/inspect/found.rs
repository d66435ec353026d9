//! What was found in a file: what the printers print.

use crate::files::Layout;
use crate::profile::Profile;
use crate::suggest::Suggestion;

/// Groups of records with the same value that are named.
pub(super) const GROUPS_SHOWN: usize = 5;

/// What was found in a file.
pub(super) struct Inspected {
    /// The file, as typed.
    pub shown: String,
    pub layout: Layout,
    pub notes: Vec<String>,
    pub suggestion: Suggestion,
    pub profile: Profile,
    /// Records that repeat an earlier one's phone, and the lines of the first groups; the same for e-mails.
    pub phones: (u64, Vec<Vec<u64>>),
    pub emails: (u64, Vec<Vec<u64>>),
    pub has_samples: bool,
}

//! What was found in a file: what the printers print.

use crate::files::Layout;
use crate::profile::{Profile, Repeated};
use crate::suggest::Suggestion;

/// What was found in a file.
pub(super) struct Inspected {
    /// The file, as typed.
    pub shown: String,
    pub layout: Layout,
    pub notes: Vec<String>,
    pub suggestion: Suggestion,
    pub profile: Profile,
    /// Records that repeat an earlier one's phone, and those that repeat its e-mail.
    pub phones: Repeated,
    pub emails: Repeated,
    pub has_samples: bool,
}

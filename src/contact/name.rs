//! How the name of a wanted contact came to the form that its platform holds.

/// A name that was split or joined for a platform (contract 3.6). A name that is compared as a whole has to know which
/// parts the source had, because a default counts for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MadeName {
    /// First and last name were made of the full name.
    Split,
    /// The full name was made of these parts, and perhaps of defaults.
    Joined {
        /// The first name that the source has.
        first: Option<String>,
        /// The last name that the source has.
        last: Option<String>,
    },
}

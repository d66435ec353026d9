//! What is known about the names of columns before a file is opened: evidence for which of its rows is the header.

use std::fmt;

/// Names of columns. What they mean is not known here: the caller that opens the file says which names there can be.
#[derive(Clone, Copy, Default)]
struct Knows(Option<fn(&str) -> bool>);

/// The names that a mapping uses, and a test for names that mean something anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownNames {
    mapped: Vec<String>,
    knows: Knows,
}

impl KnownNames {
    /// The names that the mapping uses, in any order, and whether a name is one that contact files have.
    pub fn new(mapped: &[String], knows: fn(&str) -> bool) -> KnownNames {
        let mut folded: Vec<String> = mapped.iter().map(|name| fold(name)).collect();
        folded.sort_unstable();
        folded.dedup();
        KnownNames { mapped: folded, knows: Knows(Some(knows)) }
    }

    /// How many names the mapping uses.
    pub(super) fn mapped_count(&self) -> usize {
        self.mapped.len()
    }

    /// Whether the mapping uses this name.
    pub(super) fn is_mapped(&self, name: &str) -> bool {
        !self.mapped.is_empty() && self.mapped.binary_search(&fold(name)).is_ok()
    }

    /// Whether the name means something.
    pub(super) fn is_known(&self, name: &str) -> bool {
        self.is_mapped(name) || self.knows.0.is_some_and(|knows| knows(name))
    }
}

/// Names are compared without regard to case and surrounding whitespace.
pub(super) fn fold(name: &str) -> String {
    name.trim_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}').to_lowercase()
}

impl fmt::Debug for Knows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An address would differ from process to process.
        f.write_str(if self.0.is_some() { "Knows" } else { "KnowsNothing" })
    }
}

impl PartialEq for Knows {
    fn eq(&self, other: &Knows) -> bool {
        self.0.is_some() == other.0.is_some()
    }
}

impl Eq for Knows {}

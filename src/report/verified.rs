//! What a verification found, as numbers and as a line of text. It compares nothing itself.

use super::words::number;
use serde::Serialize;

/// The numbers of contacts by what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// As the run wanted them.
    pub same: u64,
    /// There, but not as the run wanted them.
    pub differ: u64,
    /// Not there.
    pub missing: u64,
    /// The target gave no answer.
    pub unknown: u64,
    /// Records that were not compared: the run rejected them or left them out, or they are further records of a
    /// contact.
    pub not_compared: u64,
    /// The first contacts that are not the same, for readers.
    #[serde(skip)]
    pub shown: Vec<String>,
}

impl Verified {
    /// The numbers as one line.
    pub fn in_words(&self) -> String {
        let [same, differ, missing, unknown] = [self.same, self.differ, self.missing, self.unknown].map(number);
        let differ_word = if self.differ == 1 { "differs" } else { "differ" };
        format!("= {same} same, ~ {differ} {differ_word}, - {missing} missing, ? {unknown} unknown")
    }
}

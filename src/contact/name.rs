//! How the name of a wanted contact came to the form that its platform holds, and how a whole name is split.

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

/// Words that belong to the name after them.
const PARTICLES: [&str; 15] =
    ["de", "del", "da", "do", "dos", "das", "la", "las", "los", "van", "von", "y", "der", "den", "di"];

/// Splits a whole name into first and last: a comma means `last, first`; one word is the first name; two
/// are first and last; of three the first is given, the others family; of four and more the first two are given.
/// Particles go with the word after them, unless nothing else would be left (`Van Morrison`).
pub fn split_name(full: &str) -> (String, String) {
    if let Some((last, first)) = full.split_once(',') {
        return (squeeze(first), squeeze(last));
    }
    let mut words = words_with_particles(full);
    if let [only] = words.as_slice()
        && let Some((first, last)) = only.split_once(' ')
    {
        return (first.to_owned(), last.to_owned());
    }
    let given = match words.len() {
        0 | 1 => words.len(),
        2 | 3 => 1,
        _ => 2,
    };
    let last = words.split_off(given);
    (words.join(" "), last.join(" "))
}

fn words_with_particles(full: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut pending: Vec<&str> = Vec::new();
    for word in full.split_whitespace() {
        pending.push(word);
        if !PARTICLES.contains(&word.to_lowercase().as_str()) {
            words.push(pending.join(" "));
            pending.clear();
        }
    }
    if !pending.is_empty() {
        words.push(pending.join(" "));
    }
    words
}

pub(crate) fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

//! The command lines that a run may print at its end: the one that resumes it, and the one that imports its rejects.
//!
//! They are computed from the arguments when these are read (`cli/suggest.rs`) and stored with the plan of the run. Only
//! the values that the run knows are put in here.

use super::work::Plan;
use crate::ids::RESUME;
use crate::report::words::shell;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What was typed, and where.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    /// The words after `ferry`.
    pub words: Vec<String>,
    /// The folder it was typed in.
    pub folder: PathBuf,
    /// The job of `ferry.yaml` that it is.
    pub job: Option<String>,
    /// The command lines that the run may print.
    pub suggest: Suggestions,
    /// What the run stores of it.
    pub plan: Option<Plan>,
}

/// The command lines of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestions {
    /// The words that do the same work again.
    pub again: Vec<Word>,
    /// The words before and after the path of the rejects; none where rejects cannot be imported so.
    pub rejects: Option<(Vec<String>, Vec<String>)>,
    /// The options that say where runs are kept.
    pub place: Vec<String>,
}

/// One word of a command line, or several that belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// A word that stays as it is.
    Text(String),
    /// A limit that a run can ask to be raised: its option, and the words that set it.
    Limit(String, Vec<String>),
}

impl Suggestions {
    /// The command that does the same work again, which resumes it.
    pub fn again(&self) -> String {
        self.again_past(&[])
    }

    /// The command that resumes a run which guards have stopped: with these values for their options.
    pub fn again_past(&self, needed: &[(&str, String)]) -> String {
        let stopped = |option: &str| needed.iter().any(|(name, _)| *name == option);
        let mut words: Vec<&str> = Vec::new();
        for word in &self.again {
            match word {
                Word::Text(text) => words.push(text),
                Word::Limit(option, _) if stopped(option) => {}
                Word::Limit(_, texts) => words.extend(texts.iter().map(String::as_str)),
            }
        }
        words.extend(needed.iter().flat_map(|(option, value)| [*option, value.as_str()]));
        command(words)
    }

    /// The command that imports the rejects, once they are fixed.
    pub fn with_rejects(&self, path: &str) -> Option<String> {
        let (before, after) = self.rejects.as_ref()?;
        let before = before.iter().map(String::as_str);
        Some(command(before.chain([path]).chain(after.iter().map(String::as_str))))
    }

    /// The command that resumes the run of this name.
    pub fn resume(&self, run: &str) -> String {
        command([RESUME, run].into_iter().chain(self.place.iter().map(String::as_str)))
    }
}

fn command<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let words: Vec<_> = words.into_iter().map(shell).collect();
    format!("ferry {}", words.join(" "))
}

//! Outcomes of records, failures and exit codes. It does not print them.

use crate::record::Origin;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// The outcome of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Was not at the target, is now.
    Created,
    /// Was there, and differed.
    Updated,
    /// Was there as it should be; nothing was sent.
    Unchanged,
    /// Was created by the run that is undone, and has been deleted.
    Deleted,
    /// Left out on purpose.
    Skipped(Skip),
    /// Was not written, with its reasons.
    Rejected,
    /// May have arrived or not; the request is in doubt.
    Unknown,
}

/// Why a record was left out on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// `only_if` said no.
    Filtered,
    /// A row of a table in which every cell is blank.
    Blank,
    /// The same person as an earlier record of the source.
    Duplicate,
    /// Is at the target already, and `--on-existing skip`.
    Existing,
    /// Is not at the target, and `--only-existing`.
    Absent,
    /// Of an undo: another party has changed it since, so it is left alone.
    Changed,
    /// Of an undo: the platform cannot undo it.
    Kept,
    /// Has arrived as it is in an earlier run, and `--only-changed`.
    Received,
    /// Is on a suppression list (`skip`).
    Suppressed,
}

/// One thing that is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Stable, `subject.problem`: `phone.invalid`.
    pub code: Cow<'static, str>,
    /// The column (or JSON path, or contact field) at fault, as the source calls it.
    pub column: Option<String>,
    /// What is wrong, with the value between back-ticks.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem with no column and no hint yet.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Problem {
        Problem { code: code.into(), column: None, message: message.into(), hint: None }
    }

    /// The same, at this column.
    pub fn at(mut self, column: impl Into<String>) -> Problem {
        self.column = Some(column.into());
        self
    }

    /// The same, with what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }
}

/// A record that was not written, with its reasons (at least one; counted by the first).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// Where it was read.
    pub origin: Origin,
    /// The bytes it was read from (see [`crate::record::Record::raw`]).
    pub raw: Box<[u8]>,
    /// All its problems.
    pub problems: Vec<Problem>,
}

/// The numbers of records by outcome. They add up: see [`Totals::balance`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Records counted at the source.
    pub read: u64,
    #[allow(missing_docs)]
    pub created: u64,
    #[allow(missing_docs)]
    pub updated: u64,
    /// Only an undo deletes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deleted: u64,
    #[allow(missing_docs)]
    pub unchanged: u64,
    #[allow(missing_docs)]
    pub skipped: u64,
    #[allow(missing_docs)]
    pub rejected: u64,
    #[allow(missing_docs)]
    pub unknown: u64,
    /// Read, and without an outcome yet.
    pub pending: u64,
}

impl Totals {
    /// Counts `n` records of one outcome (not as read: the source counts that).
    pub fn add(&mut self, outcome: Outcome, n: u64) {
        let sum = match outcome {
            Outcome::Created => &mut self.created,
            Outcome::Updated => &mut self.updated,
            Outcome::Deleted => &mut self.deleted,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Skipped(_) => &mut self.skipped,
            Outcome::Rejected => &mut self.rejected,
            Outcome::Unknown => &mut self.unknown,
        };
        *sum += n;
    }

    /// Records that have an outcome.
    pub fn settled(&self) -> u64 {
        self.created + self.updated + self.deleted + self.unchanged + self.skipped + self.rejected + self.unknown
    }

    /// Whether every record read is accounted for.
    pub fn balance(&self) -> bool {
        self.read == self.settled() + self.pending
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// Every record arrived, was unchanged, or was skipped on purpose.
    Done,
    /// Something failed on this side.
    Failed,
    /// The command line, the configuration, the mapping or the file as a whole is wrong.
    Usage,
    /// Done, but some records were rejected.
    Rejects,
    /// The outcome of some records is unknown.
    Unknown,
    /// A platform refused access.
    Refused,
    /// A platform is unavailable, or returned less than it holds.
    Unavailable,
    /// Another process is writing to this connection.
    Busy,
    /// A `--max-…` guard stopped the run.
    Guard,
    /// Ctrl-C.
    Interrupted,
    /// TERM.
    Terminated,
}

/// Highest first, if several apply.
const EXIT_ORDER: [Exit; 11] = [
    Exit::Usage,
    Exit::Busy,
    Exit::Failed,
    Exit::Refused,
    Exit::Guard,
    Exit::Unavailable,
    Exit::Interrupted,
    Exit::Terminated,
    Exit::Unknown,
    Exit::Rejects,
    Exit::Done,
];

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Rejects => 3,
            Exit::Unknown => 4,
            Exit::Refused => 5,
            Exit::Unavailable => 6,
            Exit::Busy => 7,
            Exit::Guard => 8,
            Exit::Interrupted => 130,
            Exit::Terminated => 143,
        }
    }

    /// Of two that apply, the one that is told.
    pub fn worse(self, other: Exit) -> Exit {
        EXIT_ORDER.into_iter().find(|&exit| exit == self || exit == other).unwrap_or(self)
    }
}

/// Why a run, or the program, stops: error, causes, hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How the program ends.
    pub exit: Exit,
    /// What failed, with literals between back-ticks; no full stop at the end of one sentence.
    pub message: String,
    /// What led to it, outermost first.
    pub causes: Vec<String>,
    /// What to do next.
    pub hint: Option<String>,
    /// When `message` is a whole page of mistakes, each with its place and its hint, to be printed as it is.
    pub page: Option<Box<Page>>,
    /// What was found to be wrong at the same time; told after it.
    pub also: Vec<Failure>,
}

/// A page of mistakes in other forms than plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The page in colour.
    pub colored: String,
    /// The mistakes one by one.
    pub mistakes: Vec<Mistake>,
}

/// A mistake in a file that a user wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line and the column in characters, both from 1; none outside the file.
    pub at: Option<(usize, usize)>,
    /// What is wrong.
    pub message: String,
    /// How to fix it.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure with no cause and no hint yet.
    pub fn new(exit: Exit, message: impl Into<String>) -> Failure {
        Failure { exit, message: message.into(), causes: Vec::new(), hint: None, page: None, also: Vec::new() }
    }

    /// A page of mistakes in what the user wrote (exit 2), to be printed as it is.
    pub fn page(plain: impl Into<String>, page: Page) -> Failure {
        Failure { page: Some(Box::new(page)), ..Failure::usage(plain) }
    }

    /// Several failures as one, with the worst exit of them; `None` when there are none.
    pub fn together(failures: impl IntoIterator<Item = Failure>) -> Option<Failure> {
        let mut failures = failures.into_iter();
        let mut first = failures.next()?;
        for mut next in failures {
            first.exit = first.exit.worse(next.exit);
            let more = std::mem::take(&mut next.also);
            first.also.push(next);
            first.also.extend(more);
        }
        Some(first)
    }

    /// Something wrong with what the user typed or wrote (exit 2).
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, message)
    }

    /// Something that failed on this side (exit 1).
    pub fn failed(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Failed, message)
    }

    /// The same, with one more cause.
    pub fn cause(mut self, cause: impl fmt::Display) -> Failure {
        self.causes.push(cause.to_string());
        self
    }

    /// The same, with what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for cause in &self.causes {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

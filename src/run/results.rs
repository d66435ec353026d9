//! `--results`: every record with its outcome and the id it has at the target.

use crate::files::{About, Form, Format, Ledger, Listing, Output};
use crate::outcome::{Failure, Outcome, Skip};
use crate::store::{Checkpoint, OutcomeRow, RunNo};
use serde_json::json;
use std::path::Path;

const COLUMNS: [&str; 6] = ["line", "outcome", "reason", "target_id", "code", "message"];

/// The outcome as it stands in files.
pub fn outcome_name(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Created => ("created", ""),
        Outcome::Updated => ("updated", ""),
        Outcome::Deleted => ("deleted", ""),
        Outcome::Unchanged => ("unchanged", ""),
        Outcome::Rejected => ("rejected", ""),
        Outcome::Unknown => ("unknown", ""),
        Outcome::Skipped(Skip::Filtered) => ("skipped", "filtered"),
        Outcome::Skipped(Skip::Blank) => ("skipped", "blank"),
        Outcome::Skipped(Skip::Duplicate) => ("skipped", "duplicate"),
        Outcome::Skipped(Skip::Existing) => ("skipped", "existing"),
        Outcome::Skipped(Skip::Absent) => ("skipped", "absent"),
        Outcome::Skipped(Skip::Changed) => ("skipped", "changed"),
        Outcome::Skipped(Skip::Kept) => ("skipped", "kept"),
        Outcome::Skipped(Skip::Received) => ("skipped", "received"),
        Outcome::Skipped(Skip::Suppressed) => ("skipped", "suppressed"),
    }
}

/// A list of outcomes being written; a table or JSON Lines by its name.
pub struct ResultsWriter {
    list: Listing,
}

impl ResultsWriter {
    /// Begins the file; `noted`: where it is noted that Ferry wrote it.
    pub fn create(path: &Path, noted: Option<(Ledger, About)>) -> Result<ResultsWriter, Failure> {
        Ok(ResultsWriter { list: Listing::create(path, Format::Csv, &COLUMNS, noted)? })
    }

    /// Adds a record.
    pub fn add(&mut self, row: &OutcomeRow) -> Result<(), Failure> {
        let (outcome, why) = outcome_name(row.outcome);
        let reason = match row.duplicate_of {
            Some(line) if why.is_empty() => format!("same contact as line {line}"),
            Some(line) => format!("{why} of line {line}"),
            None => why.to_owned(),
        };
        let codes: Vec<&str> = row.problems.iter().map(|problem| &*problem.code).collect();
        let messages: Vec<&str> = row.problems.iter().map(|problem| problem.message.as_str()).collect();
        let (codes, messages) = (codes.join(" | "), messages.join(" | "));
        if self.list.form() == Form::Cells {
            let line = row.origin.line.to_string();
            let id = row.target_id.as_deref().unwrap_or_default();
            return self.list.cells([line.as_str(), outcome, &reason, id, &codes, &messages]);
        }
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        self.list.object(&json!({
            "line": row.origin.line, "outcome": outcome, "reason": text(&reason), "target_id": row.target_id,
            "code": text(&codes), "message": text(&messages),
        }))
    }

    /// Ends the file and puts it in place.
    pub fn commit(self) -> Result<(), Failure> {
        self.list.commit()
    }
}

/// Begins a file, whose writing is noted where that is asked for.
pub(super) fn begin(path: &Path, noted: Option<(Ledger, About)>) -> Result<Output, Failure> {
    let out = Output::create(path)?;
    Ok(match noted {
        Some((ledger, about)) => out.noted(ledger, about),
        None => out,
    })
}

/// Writes the outcomes of a pass to `path`, in the order of the source.
pub fn write_results(
    path: &Path,
    noted: (Ledger, About),
    checkpoint: &Checkpoint,
    (run, pass): (RunNo, u32),
) -> Result<(), Failure> {
    let mut results = ResultsWriter::create(path, Some(noted))?;
    checkpoint.for_each_outcome(run, pass, |row| results.add(&row))?;
    results.commit()
}

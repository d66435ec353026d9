//! `--results`: every record with its outcome and the id it has at the target.

use crate::checkpoint::{Checkpoint, OutcomeRow, RunNo};
use crate::files::csv::CsvEncoder;
use crate::files::{About, Format, Ledger, Output, RowShape, RowWriter};
use crate::outcome::{Failure, Outcome, Problem, Skip};
use crate::record::Origin;
use crate::report::{Doubtful, UNKNOWN_MAX};
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
    }
}

/// A file of outcomes being written; JSON Lines or CSV by name.
pub struct ResultsWriter {
    rows: RowWriter,
    csv: Option<CsvEncoder>,
    row: Vec<u8>,
}

impl ResultsWriter {
    /// Begins the file; `noted`: where it is noted that Ferry wrote it.
    pub fn create(path: &Path, noted: Option<(Ledger, About)>) -> Result<ResultsWriter, Failure> {
        let format = Format::of_path(path).unwrap_or(Format::Csv);
        let csv = format.is_table().then(|| CsvEncoder::new(if format == Format::Tsv { b'\t' } else { b',' }));
        let mut header = Vec::new();
        if let Some(csv) = &csv {
            csv.row(COLUMNS, &mut header);
        }
        let rows = RowWriter::begin(begin(path, noted)?, RowShape::utf8(format, header))?;
        Ok(ResultsWriter { rows, csv, row: Vec::new() })
    }

    /// Adds a record of a file that was written: its id is the source's, where it has one.
    pub fn line(
        &mut self,
        origin: Origin,
        id: Option<&str>,
        outcome: Outcome,
        duplicate_of: Option<u64>,
        problems: &[Problem],
    ) -> Result<(), Failure> {
        let target_id = id.map(str::to_owned);
        self.add(&OutcomeRow { origin, outcome, target_id, duplicate_of, problems: problems.to_vec(), key: None })
    }

    /// Adds a record.
    pub fn add(&mut self, row: &OutcomeRow) -> Result<(), Failure> {
        let (outcome, why) = outcome_name(row.outcome);
        let reason = match row.duplicate_of {
            Some(line) if why.is_empty() => format!("same person as line {line}"),
            Some(line) => format!("{why} of line {line}"),
            None => why.to_owned(),
        };
        let codes: Vec<&str> = row.problems.iter().map(|problem| &*problem.code).collect();
        let messages: Vec<&str> = row.problems.iter().map(|problem| problem.message.as_str()).collect();
        let (codes, messages) = (codes.join(" | "), messages.join(" | "));
        self.row.clear();
        match &self.csv {
            Some(csv) => {
                let line = row.origin.line.to_string();
                let id = row.target_id.as_deref().unwrap_or_default();
                csv.row([line.as_str(), outcome, &reason, id, &codes, &messages], &mut self.row);
            }
            None => {
                let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
                let object = json!({
                    "line": row.origin.line, "outcome": outcome, "reason": text(&reason), "target_id": row.target_id,
                    "code": text(&codes), "message": text(&messages),
                });
                self.row.extend(object.to_string().as_bytes());
            }
        }
        self.rows.row(&self.row)
    }

    /// Ends the file and puts it in place.
    pub fn commit(self) -> Result<(), Failure> {
        self.rows.commit().map(|_| ())
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

/// The records of a pass that may have arrived or not: the first of them.
///
/// # Errors
/// Exit 1 when the checkpoint cannot be read.
pub fn doubtful_of(checkpoint: &Checkpoint, run: RunNo, pass: u32) -> Result<Vec<Doubtful>, Failure> {
    let mut doubtful = Vec::new();
    checkpoint.for_each_outcome(run, pass, |OutcomeRow { origin, outcome, target_id, .. }| {
        if outcome == Outcome::Unknown && doubtful.len() < UNKNOWN_MAX {
            doubtful.push(Doubtful { line: origin.line, target_id });
        }
        Ok(())
    })?;
    Ok(doubtful)
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

//! The differences that a verification found: a line for each contact, and the sums.
//!
//! The comparison is a preview of the same work: what would be written is what differs.

use crate::files::{Form, Format, Listing};
use crate::outcome::{Failure, Outcome, Skip};
use crate::reconcile::execute::recorder::Recorder;
use crate::reconcile::goal::planned::PlannedChange;
use crate::report::Verified;
use crate::run::verified_run::VerifiedRun;
use crate::shown::escape;
use crate::store::{Checkpoint, OutcomeRow, RunNo};
use serde_json::json;
use std::path::Path;

/// The columns of a file that is a table.
const COLUMNS: [&str; 5] = ["line", "state", "target_id", "fields", "reason"];

/// So many who are not the same are shown.
const SHOWN_MAX: usize = 10;

/// A value is shown this long, in characters.
const VALUE_SHOWN_MAX: usize = 60;

/// Where the compared contacts are listed.
pub(in crate::run) struct DifferencesAsked<'a> {
    /// The changes that the comparison has recorded; none where what differs was written: then no list is written.
    pub recorder: Option<&'a Recorder>,
    pub out: &'a Path,
}

/// What a pass of a verification found.
///
/// # Errors
/// Exit 1 when the checkpoint cannot be read or the file cannot be written.
pub(in crate::run) fn list_differences(
    verified_run: &VerifiedRun,
    checkpoint: &Checkpoint,
    (run, pass): (RunNo, u32),
    asked: &DifferencesAsked<'_>,
) -> Result<Verified, Failure> {
    let mut file = asked.recorder.map(|_| VerifyFile::create(asked.out)).transpose()?;
    let mut verified = Verified::default();
    checkpoint.for_each_outcome(run, pass, |mut row| {
        let state = State::of(&row).filter(|_| verified_run.is_compared(row.origin.ordinal));
        let Some(state) = state else {
            verified.not_compared += 1;
            return Ok(());
        };
        *sum_of(&mut verified, state) += 1;
        if let (None, Some(key)) = (&row.target_id, &row.key) {
            // A missing contact is known by the id that it had.
            row.target_id = verified_run.target_id(key)?;
        }
        let (Some(file), Some(recorder)) = (&mut file, asked.recorder) else { return Ok(()) };
        let planned = recorder.planned(row.origin.ordinal)?.unwrap_or_default();
        let changes = if state == State::Differs { planned.changes } else { Vec::new() };
        if state != State::Same && verified.shown.len() < SHOWN_MAX {
            verified.shown.push(format!("  {}", in_words(state, &row, &changes, true)));
        }
        file.row(state, &row, &changes)
    })?;
    if let Some(file) = file {
        file.list.commit()?;
    }
    Ok(verified)
}

fn sum_of(verified: &mut Verified, state: State) -> &mut u64 {
    match state {
        State::Same => &mut verified.same,
        State::Differs => &mut verified.differ,
        State::Missing => &mut verified.missing,
        State::Unknown => &mut verified.unknown,
    }
}

/// How a contact stands at the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Same,
    Differs,
    Missing,
    Unknown,
}

impl State {
    /// What a contact with this outcome is; none of one that is not compared.
    fn of(row: &OutcomeRow) -> Option<State> {
        match row.outcome {
            Outcome::Unchanged => Some(State::Same),
            // A correction leaves alone what another party has changed since.
            Outcome::Updated | Outcome::Skipped(Skip::Changed) => Some(State::Differs),
            Outcome::Created | Outcome::Skipped(Skip::Absent) => Some(State::Missing),
            // The contact is known by its id alone, and the id leads to no contact any more.
            Outcome::Rejected if row.problems.iter().any(|it| it.code == "target_id.not_found") => Some(State::Missing),
            Outcome::Rejected | Outcome::Unknown => Some(State::Unknown),
            Outcome::Skipped(_) | Outcome::Deleted => None,
        }
    }

    /// The sign and the word.
    fn shown(self) -> (char, &'static str) {
        match self {
            State::Same => ('=', "same"),
            State::Differs => ('~', "differs"),
            State::Missing => ('-', "missing"),
            State::Unknown => ('?', "unknown"),
        }
    }
}

/// Which fields, each with the value at the target and the intended one.
fn fields_in_words(changes: &[PlannedChange], is_short: bool) -> String {
    let value = |value: &Option<String>| match value {
        None => "(blank)".to_owned(),
        Some(text) if is_short && text.chars().count() > VALUE_SHOWN_MAX => {
            format!("`{}…`", text.chars().take(VALUE_SHOWN_MAX).collect::<String>())
        }
        Some(text) => format!("`{text}`"),
    };
    let field = |change: &PlannedChange| {
        format!("{}: {} at the target, {} intended", change.field, value(&change.old), value(&change.new))
    };
    changes.iter().map(field).collect::<Vec<_>>().join("; ")
}

fn reason(row: &OutcomeRow) -> String {
    let problems = row.problems.iter().map(|problem| format!("{}: {}", problem.code, problem.message));
    problems.collect::<Vec<_>>().join("; ")
}

fn in_words(state: State, row: &OutcomeRow, changes: &[PlannedChange], is_short: bool) -> String {
    let (fields, why) = (fields_in_words(changes, is_short), reason(row));
    let id = row.target_id.as_deref().unwrap_or("-");
    let tail = if fields.is_empty() { why } else { fields };
    let line = format!("{} {} {id}  {tail}", state.shown().0, row.origin.line);
    escape(line.trim_end()).into_owned()
}

/// One line for each contact: text (`= 12 ID`), a table, or JSON Lines, by its name.
struct VerifyFile {
    list: Listing,
}

impl VerifyFile {
    fn create(path: &Path) -> Result<VerifyFile, Failure> {
        Ok(VerifyFile { list: Listing::create_or_text(path, Format::Jsonl, &COLUMNS)? })
    }

    fn row(&mut self, state: State, row: &OutcomeRow, changes: &[PlannedChange]) -> Result<(), Failure> {
        let (sign, word) = state.shown();
        match self.list.form() {
            Form::Text => self.list.text(&in_words(state, row, changes, false)),
            Form::Cells => {
                let (line, fields, why) = (row.origin.line.to_string(), fields_in_words(changes, false), reason(row));
                self.list.cells([&line, word, row.target_id.as_deref().unwrap_or_default(), &fields, &why])
            }
            Form::Object => {
                let fields = changes
                    .iter()
                    .map(|change| json!({ "field": change.field, "there": change.old, "meant": change.new }));
                let why = reason(row);
                self.list.object(&json!({
                    "line": row.origin.line, "sign": sign.to_string(), "state": word, "target_id": row.target_id,
                    "fields": fields.collect::<Vec<_>>(), "reason": (!why.is_empty()).then_some(why),
                }))
            }
        }
    }
}

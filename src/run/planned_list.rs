//! The list that a preview saves: each contact with the outcome that it would have, and what would change, value by value.
//!
//! Of a transfer it is the plan that `ferry apply` takes; of an undo it is for reading only.

use crate::files::{About, Form, Format, Ledger, Listing};
use crate::outcome::{Failure, Problem};
use crate::reconcile::execute::recorder::Planned;
use crate::reconcile::goal::planned::PlannedChange;
use crate::run::results::outcome_name;
use crate::run::source::saved_plan::PlanHead;
use crate::store::OutcomeRow;
use serde_json::{Value, json};
use std::path::Path;

/// The columns of a plan that is a table: one row for each value that would change, or one for a record without any.
const COLUMNS: [&str; 7] = ["line", "outcome", "reason", "target_id", "field", "old", "new"];

/// The same of an undo.
const UNDO_COLUMNS: [&str; 7] = ["line", "target_id", "outcome", "field", "now", "back_to", "message"];

/// The plan of a transfer: JSON Lines or JSON (one object a record), or a table (one row a value).
pub(in crate::run) struct PlanFile {
    list: Listing,
    /// What the plan is, until it is written with the first record.
    head: Option<Value>,
}

impl PlanFile {
    /// Begins the file.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn create(path: &Path, head: &PlanHead, noted: (Ledger, About)) -> Result<PlanFile, Failure> {
        let list = Listing::create(path, Format::Jsonl, &COLUMNS, Some(noted))?;
        Ok(PlanFile { list, head: Some(json!(head)) })
    }

    /// Adds a record.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn row(&mut self, row: &OutcomeRow, planned: &Planned) -> Result<(), Failure> {
        let reason = reason(row);
        if self.list.form() == Form::Object {
            let object = self.object(row, &reason, planned);
            return self.list.object(&object);
        }
        let (line, outcome) = (row.origin.line.to_string(), outcome_name(row.outcome).0);
        let id = row.target_id.as_deref().unwrap_or_default();
        let nothing = [PlannedChange { field: String::new(), old: None, new: None }];
        let changes = if planned.changes.is_empty() { &nothing[..] } else { &planned.changes[..] };
        for change in changes {
            let [old, new] = [&change.old, &change.new].map(|value| value.as_deref().unwrap_or_default());
            self.list.cells([&line, outcome, &reason, id, &change.field, old, new])?;
        }
        Ok(())
    }

    fn object(&mut self, row: &OutcomeRow, reason: &str, planned: &Planned) -> Value {
        let mut object = json!({
            "line": row.origin.line, "outcome": outcome_name(row.outcome).0,
            "reason": (!reason.is_empty()).then_some(reason), "target_id": row.target_id, "changes": planned.changes,
        });
        let Value::Object(members) = &mut object else { return object };
        if !planned.uncertain.is_empty() {
            members.insert("uncertain".to_owned(), json!(planned.uncertain));
        }
        if let Some(send) = &planned.send {
            members.insert("send".to_owned(), send.clone());
        }
        if let Some(head) = self.head.take() {
            members.insert("plan".to_owned(), head);
        }
        object
    }

    /// Ends the file and puts it in place.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn commit(self) -> Result<(), Failure> {
        self.list.commit()
    }
}

/// Why the record has this outcome.
fn reason(row: &OutcomeRow) -> String {
    let (why, codes) = (outcome_name(row.outcome).1, row.problems.iter().map(|problem| &*problem.code));
    match row.duplicate_of {
        Some(line) => format!("{} of line {line}", if why.is_empty() { "same contact as that" } else { why }),
        None if why.is_empty() => codes.collect::<Vec<_>>().join(" | "),
        None => why.to_owned(),
    }
}

/// The list of an undo: JSON Lines (an object a contact) or CSV (a row a value) by its name.
pub(in crate::run) struct UndoFile {
    list: Listing,
}

impl UndoFile {
    /// Begins the file.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn create(path: &Path, noted: (Ledger, About)) -> Result<UndoFile, Failure> {
        Ok(UndoFile { list: Listing::create(path, Format::Csv, &UNDO_COLUMNS, Some(noted))? })
    }

    /// Adds a contact.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn row(&mut self, row: &OutcomeRow, changes: &[PlannedChange]) -> Result<(), Failure> {
        if self.list.form() == Form::Object {
            return self.list.object(&undo_object(row, changes));
        }
        let (line, outcome) = (row.origin.line.to_string(), outcome_name(row.outcome).0);
        let id = row.target_id.as_deref().unwrap_or_default();
        let mut cells = |cells: [&str; 4]| {
            let [field, now, back_to, message] = cells;
            self.list.cells([line.as_str(), id, outcome, field, now, back_to, message])
        };
        for change in changes {
            let [now, back_to] = [&change.old, &change.new].map(|value| value.as_deref().unwrap_or_default());
            cells([&change.field, now, back_to, ""])?;
        }
        for Problem { column, message, .. } in &row.problems {
            cells([column.as_deref().unwrap_or_default(), "", "", message])?;
        }
        if changes.is_empty() && row.problems.is_empty() {
            cells(["", "", "", ""])?;
        }
        Ok(())
    }

    /// Ends the file and puts it in place.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn commit(self) -> Result<(), Failure> {
        self.list.commit()
    }
}

fn undo_object(row: &OutcomeRow, changes: &[PlannedChange]) -> Value {
    let change = |change: &PlannedChange| json!({ "field": change.field, "now": change.old, "back_to": change.new });
    let left = |left: &Problem| json!({ "field": left.column, "code": left.code, "message": left.message });
    let (outcome, why) = outcome_name(row.outcome);
    json!({
        "line": row.origin.line, "target_id": row.target_id, "outcome": outcome,
        "reason": (!why.is_empty()).then_some(why),
        "changes": changes.iter().map(change).collect::<Vec<_>>(),
        "left": row.problems.iter().map(left).collect::<Vec<_>>(),
    })
}

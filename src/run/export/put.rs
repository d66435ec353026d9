//! Rows on their way to where they belong: the file, the changes, the results, the rejects. They are counted here.

use super::maker::Row;
use crate::outcome::{Failure, Outcome, Skip};
use crate::report::{Progress, State};
use crate::run::changes::Changes;
use crate::run::rows::{Sink, Whose, Writer};
use crate::scratch::stored::StoredRow;

/// Where rows go.
pub(super) struct Out<'a> {
    pub(super) sink: Sink,
    pub(super) changes: Option<Changes>,
    pub(super) writer: Writer<'a>,
    pub(super) progress: Progress,
}

impl Out<'_> {
    /// Takes one row.
    pub(super) fn put(&mut self, line: u64, row: Row) -> Result<(), Failure> {
        self.writer.sums.totals.read += 1;
        match row {
            Row::Written { id, bytes, json, omitted } => {
                self.sink.row(&bytes)?;
                self.writer.omit(omitted)?;
                if let (Some(changes), Some(json)) = (&mut self.changes, json) {
                    changes.row(&id, &json)?;
                }
                self.writer.note(Whose { line, id: Some(&id) }, Outcome::Created, None, &[])
            }
            Row::Filtered { id } => self.filtered(line, &id),
            Row::Rejected { id, reject } => {
                if let Some(changes) = &mut self.changes {
                    changes.rejected(&id)?;
                }
                self.writer.reject(&reject, Some(&id))
            }
        }
    }

    /// Takes the row of a contact that is written as it was kept; none: it is left out.
    pub(super) fn put_whole(&mut self, stored: StoredRow<'_>, row: Option<&[u8]>) -> Result<(), Failure> {
        self.writer.sums.totals.read += 1;
        let line = stored.ordinal + 1;
        let Some(row) = row else { return self.filtered(line, stored.id) };
        self.sink.row(row)?;
        if let Some(changes) = &mut self.changes {
            changes.row(stored.id, stored.json.as_bytes())?;
        }
        self.writer.note(Whose { line, id: Some(stored.id) }, Outcome::Created, None, &[])
    }

    fn filtered(&mut self, line: u64, id: &str) -> Result<(), Failure> {
        self.writer.note(Whose { line, id: Some(id) }, Outcome::Skipped(Skip::Filtered), None, &[])
    }

    /// Shows how far it is.
    pub(super) fn show(&self) {
        let so_far = self.writer.sums.totals;
        self.progress.set(State { done: so_far.read, rejected: so_far.rejected, ..State::default() });
    }
}

//! Rows on their way to where they belong: the file, the changes, the results, the rejects. They are counted here.

use super::maker::Row;
use crate::files::RowBuffer;
use crate::outcome::{Failure, Outcome, Skip};
use crate::report::{Progress, State};
use crate::run::changes::Changes;
use crate::run::rows::{Sink, Whose, Writer};
use crate::scratch::stored::Stored;

/// The rows of a batch.
pub(super) struct Encoded {
    pub(super) stored: Stored,
    pub(super) rows: RowBuffer,
    /// Whether each contact has a row.
    pub(super) are_taken: Vec<bool>,
    /// What was kept of each contact, in lines; none where the rows are that.
    pub(super) lines: Option<Vec<u8>>,
}

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

    /// Takes that so many contacts are written already.
    pub(super) fn put_written(&mut self, rows: u64) {
        self.writer.sums.totals.read += rows;
        self.writer.sums.totals.add(Outcome::Created, rows);
    }

    /// Takes contacts that are written as they were kept.
    pub(super) fn put_whole(&mut self, encoded: &Encoded) -> Result<(), Failure> {
        let Encoded { stored, rows, are_taken, .. } = encoded;
        self.sink.rows(rows, None)?;
        self.writer.sums.totals.read += stored.count() as u64;
        if self.changes.is_none() && self.writer.results.is_none() && are_taken.iter().all(|is_taken| *is_taken) {
            self.writer.sums.totals.add(Outcome::Created, stored.count() as u64);
            return Ok(());
        }
        for (row, is_taken) in stored.rows().zip(are_taken) {
            let line = row.ordinal + 1;
            if !is_taken {
                self.filtered(line, row.id)?;
                continue;
            }
            if let Some(changes) = &mut self.changes {
                changes.row(row.id, row.json.as_bytes())?;
            }
            self.writer.note(Whose { line, id: Some(row.id) }, Outcome::Created, None, &[])?;
        }
        Ok(())
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

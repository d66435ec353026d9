//! The contacts that a run wrote, in the order in which it reached them, as a source: each with what it takes to undo it.
//!
//! What Ferry itself has undone of them since counts as written too, because that is not the change of another party. What
//! is still as it was written is not known here.

use super::{Foresight, Given, Items, WrittenAsked, WrittenItem, hand_over};
use crate::change::add_later;
use crate::ids::{CommandKind, RunStatus};
use crate::outcome::Failure;
use crate::plan::Connection;
use crate::reconcile::goal::revert::Reversal;
use crate::record::Origin;
use crate::run::active::folder::account_of;
use crate::run::active::record::RunRecord;
use crate::run::active::runs::runs_of;
use crate::scratch::written::{WrittenByRun, WrittenContact};
use crate::store::{Checkpoint, RunNo, RunRow, StateDir};
use std::path::Path;
use std::sync::Arc;

/// Whether a run wrote to this connection at this address.
pub fn wrote_to(of: &RunRecord, connection: &Connection, address: &str) -> bool {
    of.account.as_ref() == Some(&account_of(connection, address))
}

/// What a run wrote, and what undos of it (and undos of those) wrote after it.
pub(in crate::run) struct Written {
    written: WrittenByRun,
    since: Vec<WrittenByRun>,
    /// Only this field is undone.
    only: Option<String>,
}

impl WrittenAsked<'_> {
    /// The run in the checkpoint.
    ///
    /// # Errors
    /// Exit 2 when the checkpoint does not know it.
    pub fn row(&self, checkpoint: &Checkpoint) -> Result<RunRow, Failure> {
        checkpoint.runs()?.into_iter().find(|row| row.name == self.of.run).ok_or_else(|| self.forgotten())
    }

    /// Nothing is known about what the run wrote.
    pub fn forgotten(&self) -> Failure {
        Failure::usage(format!("nothing is known about what `{}` wrote", self.of.run))
            .hint("its checkpoint was moved or removed; `ferry runs` lists the runs")
    }

    /// Closes the run, so that what it wrote stays what it is: its entries no longer hold, so it can neither be resumed nor
    /// be a reason to skip a record. `is_preview`: only in this copy of the checkpoint.
    ///
    /// # Errors
    /// Exit 1 when that cannot be kept.
    pub fn close(&self, checkpoint: &Checkpoint, state: &StateDir, is_preview: bool) -> Result<(), Failure> {
        let row = self.row(checkpoint)?;
        checkpoint.end_trust(row.no)?;
        if row.status == RunStatus::Done {
            return Ok(());
        }
        checkpoint.finish(row.no, RunStatus::Done, row.info)?;
        if self.of.is_done() || is_preview {
            return Ok(());
        }
        RunRecord { status: RunStatus::Undone, ..self.of.clone() }.save(state)
    }

    /// Collects what the run wrote, in private files in `folder`. `own`: the undo itself, which is none of the earlier ones.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read, or the folder not be written to.
    pub fn collect(
        &self,
        checkpoint: &Checkpoint,
        own: RunNo,
        (state, folder): (&StateDir, &Path),
    ) -> Result<Arc<Written>, Failure> {
        let written = WrittenByRun::of(checkpoint, self.row(checkpoint)?.no, folder)?;
        let undos = runs_of(state, None, Some(CommandKind::Undo))?;
        let (mut names, mut since) = (vec![self.of.run.clone()], Vec::new());
        // In the order in which they were begun: an undo can only be one of what was there before it.
        for row in checkpoint.runs()?.into_iter().filter(|row| row.no != own) {
            if undos.iter().any(|info| info.run == row.name && names.contains(&info.source)) {
                since.push(WrittenByRun::of(checkpoint, row.no, folder)?);
                names.push(row.name);
            }
        }
        Ok(Arc::new(Written { written, since, only: self.only.map(str::to_owned) }))
    }
}

impl Written {
    /// How many contacts there are, those included that do not have the field.
    pub fn len(&self) -> u64 {
        self.written.len
    }

    /// All of them, from the beginning.
    pub fn items(self: &Arc<Written>) -> Items {
        let (written, mut next) = (Arc::clone(self), Some(0));
        let pages = std::iter::from_fn(move || {
            let page = written.page(next.take()?);
            if let Ok(page) = &page {
                next = Some(page.last()?.no + 1);
            }
            Some(page.map(|page| page.into_iter().filter_map(|contact| written.item(contact)).collect()))
        });
        hand_over(pages, Foresight::default())
    }

    /// The next contacts from this number on; empty after the last.
    fn page(&self, from: u64) -> Result<Vec<WrittenContact>, Failure> {
        let mut page = self.written.page(from)?;
        for contact in &mut page {
            let Some(id) = &contact.id else { continue };
            for undo in &self.since {
                if let Some(later) = undo.by_id(id)? {
                    add_later(&mut contact.written, later.written);
                }
            }
        }
        Ok(page)
    }

    /// None of a contact in which the field was not written.
    fn item(&self, contact: WrittenContact) -> Option<Given> {
        let only = self.only.as_deref();
        if only.is_some_and(|only| !contact.written.iter().any(|value| value.is_of(only))) {
            return None;
        }
        let origin = Origin { ordinal: contact.no, line: contact.line };
        Some(Given::Written(WrittenItem { origin, reversal: Reversal::of(contact, only).map(Box::new) }))
    }
}

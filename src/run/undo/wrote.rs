//! What a run wrote, with what Ferry itself has undone of it since, because that is not the change of another party.

use super::Line;
use crate::change::add_later;
use crate::ids::CommandKind;
use crate::outcome::Failure;
use crate::run::active::runs::all_runs;
use crate::scratch::written::{WrittenByRun, WrittenContact};
use std::path::Path;

/// What a run wrote, and what undos of it (and undos of those) wrote after it.
pub(super) struct Wrote {
    taken: WrittenByRun,
    since: Vec<WrittenByRun>,
}

impl Wrote {
    /// Gathers it in private files in `folder`. `own`: the undo that is at work, which is none of the earlier ones.
    pub(super) fn gather(line: &Line<'_>, own: &str, folder: &Path) -> Result<Wrote, Failure> {
        let taken = WrittenByRun::of(line.checkpoint, line.of.no, folder)?;
        let mut undos = all_runs(&line.plan.state)?;
        undos.retain(|info| info.command == CommandKind::Undo && !info.is_dry() && info.run != own);
        let (mut names, mut since) = (vec![line.plan.of.run.clone()], Vec::new());
        // In the order in which they were begun: an undo can only be one of what was there before it.
        for row in line.checkpoint.runs()? {
            if undos.iter().any(|info| info.run == row.name && names.contains(&info.source)) {
                since.push(WrittenByRun::of(line.checkpoint, row.no, folder)?);
                names.push(row.name);
            }
        }
        Ok(Wrote { taken, since })
    }

    /// How many contacts there are.
    pub(super) fn len(&self) -> u64 {
        self.taken.len
    }

    /// The next contacts from this number on; none: that was all.
    pub(super) fn page(&self, from: u64) -> Result<Vec<WrittenContact>, Failure> {
        let mut page = self.taken.page(from)?;
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
}

//! A run whose `run.json` is lost or damaged, rebuilt from what the checkpoint of its connection knows.

use super::record::RunRecord;
use crate::ids::{RunStatus, WorkId};
use crate::outcome::Totals;
use crate::store::{AccountKey, Checkpoint, RunRow, StateDir};

/// The run of this name; none where no checkpoint knows it, or where none can be read.
pub(super) fn rebuilt(state: &StateDir, name: &str) -> Option<RunRecord> {
    state.store().accounts().into_iter().find_map(|account| {
        let checkpoint = Checkpoint::look(&account).ok().flatten()?;
        let row = checkpoint.runs().ok()?.into_iter().find(|row| row.name == name)?;
        Some(of_row(&checkpoint, row, account.key))
    })
}

fn of_row(checkpoint: &Checkpoint, row: RunRow, account: AccountKey) -> RunRecord {
    let known: Option<RunRecord> = serde_json::from_value(row.info.clone()).ok();
    let mut info = known.unwrap_or_else(|| RunRecord::nameless(row.command, "", "", &WorkId::stored(&*row.work)));
    info.run = row.name;
    info.account = Some(account);
    if row.status == RunStatus::Unfinished || info.status == RunStatus::Unfinished {
        info.status = row.status;
    }
    if let Ok(tally) = checkpoint.tally(row.no, row.pass) {
        let read = tally.totals.settled().max(info.totals.read);
        info.totals = Totals { read, ..tally.totals };
        info.totals.pending = read.saturating_sub(info.totals.settled());
    }
    info
}

//! How far an unfinished run is, from its checkpoint: what stands in its folder may be older than its last process.

use crate::ids::RunStatus;
use crate::outcome::Totals;
use crate::report::Counts;
use crate::run::active::folder::run_folder;
use crate::run::active::metrics;
use crate::run::active::record::RunRecord;
use crate::store::{Checkpoint, StateDir, Tally};
use serde_json::{Map, Value, json};

/// The run with the totals that its checkpoint has now. A run that is done has its last ones; so has one whose checkpoint
/// cannot be read, because a list of runs is no place to report that.
pub fn up_to_date(mut info: RunRecord, state: &StateDir) -> RunRecord {
    if info.status != RunStatus::Unfinished {
        return info;
    }
    let Some(tally) = tally_of(&info, state) else { return info };
    if tally.totals.settled() != info.totals.settled() {
        take_effort(&mut info, state);
    }
    let read = info.totals.read.max(tally.totals.settled());
    info.totals = Totals { read, pending: read - tally.totals.settled(), ..tally.totals };
    let mut summary = match info.summary.take() {
        Some(Value::Object(summary)) => summary,
        _ => Map::new(),
    };
    let counts = |counts: std::collections::BTreeMap<String, u64>| json!(counts.into_iter().collect::<Counts>());
    summary.insert("records".to_owned(), json!(info.totals));
    summary.insert("skipped".to_owned(), counts(tally.skipped));
    summary.insert("rejects".to_owned(), counts(tally.rejects));
    summary.insert("not_carried".to_owned(), counts(tally.not_carried));
    summary.insert("cleared".to_owned(), json!(tally.cleared));
    info.summary = Some(Value::Object(summary));
    info
}

/// The time and the requests that its trace knows, where these are more: those of a killed process are nowhere else.
fn take_effort(info: &mut RunRecord, state: &StateDir) {
    let (worked, sent) = metrics::effort(&run_folder(state, &info.run));
    info.seconds = info.seconds.max(worked.as_secs_f64());
    info.requests[0] = info.requests[0].max(sent);
}

/// None: there is no such run in it, or it has no outcome yet.
fn tally_of(info: &RunRecord, state: &StateDir) -> Option<Tally> {
    let account = state.store().account(info.account.clone()?);
    let checkpoint = Checkpoint::look(&account).ok()??;
    let row = checkpoint.runs().ok()?.into_iter().find(|row| row.name == info.run)?;
    let tally = checkpoint.tally_so_far(row.no, row.pass).ok()?;
    (tally.totals.settled() > 0).then_some(tally)
}

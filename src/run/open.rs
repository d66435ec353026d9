//! What earlier processes left open: intents without an outcome. They are settled before anything else is written.
//!
//! Here they are dated, and those that stay open are named; [`crate::reconcile`] settles them.

use crate::clock::Clock;
use crate::outcome::Failure;
use crate::reconcile::{Effects, Reconciler};
use crate::report::words::count;
use crate::report::{Console, UNKNOWN_MAX};
use crate::run::active::folder::{file_of, run_folder};
use crate::run::target::Target;
use crate::store::{Checkpoint, OpenIntent, RunNo, StateDir};
use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// A process says that it is alive every two seconds; this much later than that it may have sent something at most.
const ALIVE_SLACK_MS: u64 = 5_000;

pub use crate::store::NO_PASS;

/// All open intents, each dated when it was sent at the latest: a process can have waited long between intending and
/// sending. They are at most what was in flight when earlier processes were killed (see `crate::reconcile::gate`), and the
/// unknown.
pub fn open_intents(checkpoint: &Checkpoint, state: &StateDir, clock: Clock) -> Result<Vec<OpenIntent>, Failure> {
    let mut all: Vec<OpenIntent> = Vec::new();
    loop {
        let page = checkpoint.open_intents(all.last())?;
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    if all.is_empty() {
        return Ok(all);
    }
    let alive: HashMap<RunNo, u64> = match checkpoint.idle_for()? {
        // A shared store knows when the lease of the process before this one ended.
        Some(idle) => {
            let ended_ms = clock.wall_ms().saturating_sub(u64::try_from(idle.as_millis()).unwrap_or(u64::MAX));
            checkpoint.runs()?.into_iter().map(|run| (run.no, ended_ms)).collect()
        }
        None => checkpoint.runs()?.into_iter().map(|run| (run.no, last_sign_ms(state, &run.name))).collect(),
    };
    for open in &mut all {
        let last_sign_ms = alive.get(&open.run).copied().unwrap_or(0).max(open.intent.at_ms);
        open.sent_by_ms = last_sign_ms.saturating_add(ALIVE_SLACK_MS).min(clock.wall_ms());
    }
    Ok(all)
}

/// When a run last wrote down how far it was.
fn last_sign_ms(state: &StateDir, run: &str) -> u64 {
    let changed = file_of(&run_folder(state, run)).metadata().and_then(|metadata| metadata.modified());
    let since_1970 = changed.unwrap_or(UNIX_EPOCH).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}

/// Settles these requests of earlier runs, and names those whose outcome stays unknown.
///
/// # Errors
/// As [`Reconciler::settle_open`].
pub async fn settle_others(
    intents: Vec<OpenIntent>,
    checkpoint: &Checkpoint,
    reconciler: &Reconciler,
    console: &Console,
) -> Result<(), Failure> {
    if intents.is_empty() {
        return Ok(());
    }
    console.note(&format!(
        "checking the outcome of {} of an earlier run",
        count(intents.len() as u64, "request", "requests")
    ));
    let mut left = reconciler.settle_open(intents).await?;
    if left.is_empty() {
        return Ok(());
    }
    left.sort_by_key(|open| (open.run, open.intent.origin));
    let names: HashMap<RunNo, String> = checkpoint.runs()?.into_iter().map(|run| (run.no, run.name)).collect();
    let lines = left.iter().take(UNKNOWN_MAX).map(|open| {
        let target = open.intent.target_id.as_ref().map(|id| format!(", `{id}` at the target")).unwrap_or_default();
        let run = names.get(&open.run).map_or("", String::as_str);
        format!("line {} of `{run}`{target}", open.intent.origin.line)
    });
    let lines: Vec<String> = lines.collect();
    let more = left.len().saturating_sub(lines.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    console.note(&format!(
        "the outcome of {} is still unknown; the next run will check again: {}{more}",
        count(left.len() as u64, "request", "requests"),
        lines.join("; ")
    ));
    Ok(())
}

/// Effects that go to the platform. `has_arrived`: whether anything has ever arrived over this connection.
pub fn live(
    target: &Target,
    checkpoint: &Checkpoint,
    (state, clock): (&StateDir, Clock),
    has_arrived: bool,
) -> Result<Effects, Failure> {
    let open = open_intents(checkpoint, state, clock)?;
    let partial = open.into_iter().filter_map(|open| open.intent.target_id).collect();
    Ok(Effects::Live { in_flight: target.concurrency, partial, has_arrived })
}

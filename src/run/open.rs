//! What earlier processes left open: requests that they meant to send, and never heard of. Whoever comes next finds out
//! what became of them, before anything else is written.
//!
//! Their records are not at hand: all there is to know is whether somebody is there. What a change brought about is left
//! to whoever comes with its record again.

use crate::checkpoint::{Checkpoint, OpenIntent, RunNo, Settled};
use crate::clock::Clock;
use crate::contact::{Contact, Field, Wanted};
use crate::outcome::{Exit, Failure, Outcome};
use crate::platforms::{Fault, Reading, StepKind};
use crate::reconcile::Reconciler;
use crate::reconcile::find::Finding;
use crate::reconcile::found::lookup_of;
use crate::reconcile::problems::ambiguous;
use crate::report::words::count;
use crate::report::{Console, UNKNOWN_MAX};
use crate::run::active::folder::{file_of, run_folder};
use crate::run::stop::Stop;
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A process says that it is alive every two seconds; this much later than that it may have sent something at most.
const ALIVE_SLACK_MS: u64 = 5_000;

pub use crate::checkpoint::NO_PASS;

/// Look-ups in a row that fail are a target that fails, not requests that are hard to find out about.
const FAILURES_IN_A_ROW_MAX: u32 = 5;

/// All open intents, each dated when it was sent at the latest: a process can have waited long between intending and
/// sending. They are at most what was in flight when earlier processes died (see [`crate::reconcile::gate`]), and the
/// unknown.
pub fn open_intents(checkpoint: &Checkpoint, state: &Path, clock: Clock) -> Result<Vec<OpenIntent>, Failure> {
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
    let alive: HashMap<RunNo, u64> =
        checkpoint.runs()?.into_iter().map(|run| (run.no, last_sign_ms(state, &run.name))).collect();
    for open in &mut all {
        let last_sign_ms = alive.get(&open.run).copied().unwrap_or(0).max(open.intent.at_ms);
        open.sent_by_ms = last_sign_ms.saturating_add(ALIVE_SLACK_MS).min(clock.wall_ms());
    }
    Ok(all)
}

/// When a run last wrote down how far it was.
fn last_sign_ms(state: &Path, run: &str) -> u64 {
    let changed = file_of(&run_folder(state, run)).metadata().and_then(|metadata| metadata.modified());
    let since_1970 = changed.unwrap_or(UNIX_EPOCH).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}

/// Finds out what became of these requests. Those that cannot be found out about stay open, and are handed back.
///
/// # Errors
/// What stops the run: a refused token, a dead target, a failing checkpoint.
pub async fn settle_open(
    mut intents: Vec<OpenIntent>,
    checkpoint: &Checkpoint,
    reconciler: &Reconciler,
    stop: &Stop,
) -> Result<Vec<OpenIntent>, Failure> {
    // The latest comes first: when its time is over, so is that of all others, and one snapshot will do.
    intents.sort_by_key(|open| std::cmp::Reverse(open.sent_by_ms));
    let (mut failures, mut left) = (0, Vec::new());
    for open in intents {
        if stop.is_told() {
            return Ok(left);
        }
        match settle_one(&open, checkpoint, reconciler, stop).await {
            Ok(()) => failures = 0,
            Err(Fault::Fatal(failure)) if failure.exit == Exit::Interrupted => return Ok(left),
            Err(Fault::Fatal(failure)) => return Err(failure),
            // The platform will not tell: the next run asks again.
            Err(Fault::Refused(_)) => left.push(open),
            Err(Fault::InDoubt(failure)) => {
                failures += 1;
                if failures >= FAILURES_IN_A_ROW_MAX {
                    return Err(failure.hint("the same command goes on when the platform is well again"));
                }
                left.push(open);
            }
        }
    }
    Ok(left)
}

/// Finds out what became of these requests of earlier runs, and says of which it could not.
///
/// # Errors
/// As [`settle_open`].
pub async fn settle_others(
    intents: Vec<OpenIntent>,
    checkpoint: &Checkpoint,
    reconciler: &Reconciler,
    console: &Console,
    stop: &Stop,
) -> Result<(), Failure> {
    if intents.is_empty() {
        return Ok(());
    }
    console.note(&format!(
        "finding out what became of {} of an earlier run",
        count(intents.len() as u64, "request", "requests")
    ));
    let mut left = settle_open(intents, checkpoint, reconciler, stop).await?;
    if left.is_empty() {
        return Ok(());
    }
    left.sort_by_key(|open| (open.run, open.intent.origin));
    let names: HashMap<RunNo, String> = checkpoint.runs()?.into_iter().map(|run| (run.no, run.name)).collect();
    let lines = left.iter().take(UNKNOWN_MAX).map(|open| {
        let whom = open.intent.target_id.as_ref().map(|id| format!(", `{id}` at the target")).unwrap_or_default();
        let run = names.get(&open.run).map_or("", String::as_str);
        format!("line {} of `{run}`{whom}", open.intent.origin.line)
    });
    let lines: Vec<String> = lines.collect();
    let more = left.len().saturating_sub(lines.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    console.note(&format!(
        "what became of {} could not be found out, and is looked for again next time: {}{more}",
        count(left.len() as u64, "request", "requests"),
        lines.join("; ")
    ));
    Ok(())
}

async fn settle_one(
    open: &OpenIntent,
    checkpoint: &Checkpoint,
    reconciler: &Reconciler,
    stop: &Stop,
) -> Result<(), Fault> {
    let Some(found) = whom(open, reconciler, stop).await? else { return Ok(()) };
    let (run, key, intent) = (open.run, open.key, &open.intent);
    let Some(target_id) = found else { return Ok(checkpoint.disprove(run, key).await?) };
    // Whoever is left half made is led to by the link alone, when their record comes.
    let links = if intent.made.is_some() { intent.identities.clone() } else { Vec::new() };
    let was_made = intent.kind == StepKind::Create || intent.made.is_some();
    let settled = Settled {
        outcome: if was_made { Outcome::Created } else { Outcome::Updated },
        pass: NO_PASS,
        origin: intent.origin,
        target_id: Some(target_id),
        not_carried: Vec::new(),
        cleared: 0,
        problems: Vec::new(),
        links,
    };
    Ok(checkpoint.settle(run, key, settled).await?)
}

/// The id of whom the request was about; inside, none when nobody is there; none when the run was told to stop.
async fn whom(open: &OpenIntent, reconciler: &Reconciler, stop: &Stop) -> Result<Option<Option<String>>, Fault> {
    let (intent, clock) = (&open.intent, reconciler.clock);
    let settle_ms = u64::try_from(reconciler.policy.settle.as_millis()).unwrap_or(u64::MAX);
    let settled_ms = open.sent_by_ms.saturating_add(settle_ms);
    let wanted = by_identities(open);
    let or_by = lookup_of(&*reconciler.connector, &wanted.contact);
    loop {
        let left_ms = settled_ms.saturating_sub(clock.wall_ms());
        let since_ms = if left_ms == 0 { settled_ms } else { open.sent_by_ms };
        if let Some(id) = &intent.target_id {
            match reconciler.connector.read(&reconciler.http, id, or_by.as_ref()).await? {
                Reading::There(found) => return Ok(Some(Some(found.id))),
                Reading::Gone if left_ms == 0 => return Ok(Some(None)),
                // Whoever was made a moment ago may not be shown yet.
                Reading::Gone => {
                    if !wait(left_ms, clock, stop).await {
                        return Ok(None);
                    }
                    continue;
                }
                Reading::Unreadable => {}
            }
        }
        let finding = match reconciler.finder.find(&wanted, &intent.identities, &[], Some(since_ms)).await {
            Err(Fault::Refused(_)) if wanted.contact.has(Field::TargetId) => Finding::Absent,
            finding => finding?,
        };
        match finding {
            Finding::One { found, .. } => return Ok(Some(Some(found.id))),
            Finding::Several(ids) => {
                let known = intent.target_id.as_ref().filter(|id| ids.contains(id));
                // One of them may be of that request's making, and nobody can tell which.
                return known
                    .map(|id| Some(Some(id.clone())))
                    .ok_or_else(|| Fault::Refused(vec![ambiguous(&intent.identities, &ids)]));
            }
            Finding::Absent if left_ms == 0 || intent.kind != StepKind::Create => {
                let half_made = match &intent.made {
                    Some(made) => reconciler.half_made_by(made, intent.at_ms).await?,
                    None => None,
                };
                return Ok(Some(half_made.map(|found| found.id)));
            }
            Finding::Absent => {}
        }
        if !wait(left_ms, clock, stop).await {
            return Ok(None);
        }
    }
}

/// Waits so long; whether nobody told it to stop.
async fn wait(ms: u64, clock: Clock, stop: &Stop) -> bool {
    let mut told = stop.watch();
    tokio::select! {
        () = clock.sleep(Duration::from_millis(ms)) => true,
        _ = told.wait_for(|told| *told) => false,
    }
}

/// A contact that has nothing but what it is found by.
fn by_identities(open: &OpenIntent) -> Wanted {
    let mut contact = Contact::default();
    for identity in &open.intent.identities {
        match identity.field {
            Field::Phones => contact.list_mut(Field::Phones).push(format!("+{}", identity.value)),
            field if field.is_list() => contact.list_mut(field).push(identity.value.clone()),
            field => contact.set_text(field, identity.value.as_str()),
        }
    }
    Wanted { contact, ..Wanted::default() }
}

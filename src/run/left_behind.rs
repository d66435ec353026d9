//! Partially created contacts whose records are no longer in the source (contract 1.3).
//!
//! A run that was stopped between two requests can leave a contact that has only some of its values. Where the source was
//! edited before the run was resumed, no record comes back to it: it is deleted if it is exactly as Ferry left it, and
//! named otherwise.

use crate::outcome::{Exit, Failure, Outcome};
use crate::platforms::restore::{Written, changed_since, lacks_items};
use crate::platforms::{Address, Fault, Found, Reading, StepResult};
use crate::reconcile::Reconciler;
use crate::report::Console;
use crate::report::words::count;
use crate::run::target::stops;
use crate::store::{Checkpoint, Entry, Key, NO_PASS, RunNo, Settled};
use std::path::Path;

/// The outcome of such a contact.
enum Fate {
    /// It is complete, not there any more, or another record has come to it.
    NotPartial,
    /// It was deleted.
    Deleted,
    /// It stays.
    Left,
}

/// Deletes the partially created contacts of a run to which no record of its last pass has come, where that `deletes`.
/// The ids of those that stay. Only after a pass over the whole source.
///
/// # Errors
/// What stops the run: a refused token, an unavailable target, a failing checkpoint.
pub(super) async fn clear_left_behind(
    reconciler: &Reconciler,
    checkpoint: (&Checkpoint, RunNo),
    folder: &Path,
    deletes: bool,
    console: &Console,
) -> Result<Vec<String>, Failure> {
    let (checkpoint, run) = checkpoint;
    if !reconciler.endpoint().connector.facts().creates_in_steps {
        return Ok(Vec::new());
    }
    checkpoint.flush().await?;
    let mut unclaimed: Vec<(Key, Entry)> = Vec::new();
    // At most what was in flight when earlier processes were killed.
    checkpoint.for_each_entry(run, |key, entry| {
        if entry.pass == NO_PASS && entry.outcome == Outcome::Created {
            unclaimed.push((key, entry));
        }
        Ok(())
    })?;
    if unclaimed.is_empty() {
        return Ok(Vec::new());
    }
    let written = crate::scratch::written::WrittenByRun::of(checkpoint, run, folder)?;
    let (mut left, mut deleted) = (Vec::new(), 0);
    for (key, entry) in unclaimed {
        let Some(id) = entry.target_id.clone() else { continue };
        let is_anothers = reconciler.claim(&id, (&key, entry.origin.line))?.is_some();
        let Some(contact) = written.by_id(&id)?.filter(|contact| contact.is_created && !is_anothers) else { continue };
        match clear(reconciler, &id, &contact.written, deletes).await? {
            Fate::NotPartial => {}
            Fate::Left => left.push(id),
            Fate::Deleted => {
                deleted += 1;
                checkpoint.settle(run, key, was_deleted(entry)).await?;
            }
        }
    }
    if deleted > 0 {
        let contacts = count(deleted, "partially created contact", "partially created contacts");
        console.note(&format!("deleted {contacts} whose records are no longer in the source"));
    }
    Ok(left)
}

async fn clear(reconciler: &Reconciler, id: &str, written: &[Written], deletes: bool) -> Result<Fate, Failure> {
    let platform = reconciler.endpoint().connector.facts();
    let Some(found) = read(reconciler, id).await? else { return Ok(Fate::Left) };
    let Reading::There(Found { contact, .. }) = found else { return Ok(Fate::NotPartial) };
    if !lacks_items(platform, written, &contact) {
        return Ok(Fate::NotPartial);
    }
    let is_as_left = deletes && changed_since(platform, written, &contact, true).is_empty();
    let deletes = reconciler.endpoint().connector.capabilities().deletes.filter(|_| is_as_left);
    let Some(step) = deletes.map(|deletes| deletes.deletion()) else { return Ok(Fate::Left) };
    match reconciler.endpoint().send(&step, &Address::Id(id.to_owned())).await {
        Ok(StepResult::Done { .. } | StepResult::Gone) => Ok(Fate::Deleted),
        Ok(StepResult::AlreadyExists(_)) | Err(Fault::Refused(_)) => Ok(Fate::Left),
        // Whether it was carried out is seen by reading it again.
        Err(Fault::InDoubt(_)) => Ok(match read(reconciler, id).await? {
            Some(Reading::Gone) => Fate::Deleted,
            _ => Fate::Left,
        }),
        Err(fault @ Fault::Fatal(_)) => Err(stops(fault)),
    }
}

/// The contact, where the platform tells.
async fn read(reconciler: &Reconciler, id: &str) -> Result<Option<Reading>, Failure> {
    match reconciler.endpoint().connector.read(&reconciler.endpoint().http, id, None).await {
        Ok(Reading::Unreadable) | Err(Fault::Refused(_) | Fault::InDoubt(_)) => Ok(None),
        Ok(reading) => Ok(Some(reading)),
        Err(Fault::Fatal(failure)) if failure.exit == Exit::Interrupted => Ok(None),
        Err(fault) => Err(stops(fault)),
    }
}

/// The entry of a contact that is not there any more, so that an undo does not look for it.
fn was_deleted(entry: Entry) -> Settled {
    Settled {
        outcome: Outcome::Deleted,
        pass: NO_PASS,
        origin: entry.origin,
        target_id: entry.target_id,
        not_carried: Vec::new(),
        cleared: 0,
        problems: Vec::new(),
        links: Vec::new(),
    }
}

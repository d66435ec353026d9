//! Removing old finished runs from a checkpoint: their images and source outcomes, their entries, and then the space.
//!
//! An entry stays if `--only-changed` needs it: it is the last that says that a record arrived, no later run that is kept
//! says so, and nothing was written to its contact since. A run that may have written after one that is kept keeps all its
//! entries, because they show that the older content is not there any more.

use super::file::{Purpose, Scratch};
use super::received::Received;
use crate::ids::RunStatus;
use crate::outcome::{Failure, Outcome};
use crate::store::{Checkpoint, Key, NumberedEntry, RunNo, RunRow, Turns};
use rusqlite::params;
use std::collections::{HashMap, HashSet};
use std::path::Path;

const PURPOSE: Purpose = Purpose {
    name: "pruned",
    fails: "which entries of old runs stay cannot be determined in",
    tables: "CREATE TABLE held (how TEXT, key BLOB, PRIMARY KEY (how, key)) WITHOUT ROWID;",
};

/// A run whose entries may be needed: the way its content is meant, and what was received in this way.
struct Old<'a> {
    run: &'a RunRow,
    how: &'a str,
    received: &'a Received,
}

/// Removes the finished runs of these names. `folder`: where scratch data may be kept.
///
/// # Errors
/// Exit 1 when it cannot be read or written; what is removed by then is.
pub fn prune(checkpoint: &Checkpoint, names: &HashSet<String>, folder: &Path) -> Result<(), Failure> {
    let (mut old, kept): (Vec<RunRow>, Vec<RunRow>) =
        checkpoint.runs()?.into_iter().partition(|run| run.status == RunStatus::Done && names.contains(&run.name));
    let turns = checkpoint.turns()?;
    let last_turn = |run: &RunRow| turns.get(&run.no).map_or(u64::MAX, |turns| turns.last);
    let first_kept = kept.iter().filter_map(|run| turns.get(&run.no)).map(|turns| turns.first).min();
    old.sort_by_key(|run| std::cmp::Reverse(last_turn(run)));
    let scratch = Scratch::create(folder, &PURPOSE)?;
    for run in kept.iter().filter(|run| run.status == RunStatus::Done) {
        if let Some(how) = meaning(&turns, run.no) {
            hold(checkpoint, run, how, &scratch)?;
        }
    }
    let mut received = HashMap::new();
    for how in old.iter().filter_map(|run| meaning(&turns, run.no)) {
        if !received.contains_key(how) {
            received.insert(how, Received::of(checkpoint, how, folder)?);
        }
    }
    for run in &old {
        checkpoint.forget_images(run.no)?;
        if first_kept.is_some_and(|first| last_turn(run) > first) {
            continue;
        }
        let how = meaning(&turns, run.no);
        let needed = how.and_then(|how| Some(Old { run, how, received: received.get(how)? }));
        let stays = match needed {
            Some(old) => remove_entries(checkpoint, &old, &scratch)?,
            None => false,
        };
        if !stays {
            checkpoint.forget_run(run.no)?;
        }
    }
    checkpoint.compact()
}

/// How the content of a run is meant, if its order among the runs is known and it is not undone.
fn meaning(turns: &HashMap<RunNo, Turns>, run: RunNo) -> Option<&str> {
    turns.get(&run).filter(|turns| turns.first > 0)?.how.as_deref()
}

/// Holds the keys of a run that is kept.
fn hold(checkpoint: &Checkpoint, run: &RunRow, how: &str, scratch: &Scratch) -> Result<(), Failure> {
    checkpoint.for_each_page_of_entries(run.no, |page| {
        for entry in page.iter().filter(|entry| has_arrived(entry, run)) {
            is_first(scratch, how, &entry.key)?;
        }
        Ok(())
    })
}

/// Removes the entries that are no longer needed; returns whether any stays.
fn remove_entries(checkpoint: &Checkpoint, old: &Old<'_>, scratch: &Scratch) -> Result<bool, Failure> {
    let Old { run, how, received } = old;
    let mut stays = false;
    checkpoint.for_each_page_of_entries(run.no, |page| {
        let mut removed = Vec::new();
        for entry in &page {
            if has_arrived(entry, run) && received.has(&entry.key)? && is_first(scratch, how, &entry.key)? {
                stays = true;
            } else {
                removed.push(entry.no);
            }
        }
        checkpoint.forget_entries(run.no, removed)
    })?;
    Ok(stays)
}

/// Whether an entry says that the content of its record arrived, in the latest pass of its run.
fn has_arrived(entry: &NumberedEntry, run: &RunRow) -> bool {
    let arrived = [Outcome::Created, Outcome::Updated, Outcome::Unchanged];
    entry.entry.pass == run.pass && arrived.contains(&entry.entry.outcome)
}

/// Holds a key; false if it is held already.
fn is_first(scratch: &Scratch, how: &str, key: &Key) -> Result<bool, Failure> {
    scratch.ask(|connection| {
        let mut insert = connection.prepare_cached("INSERT OR IGNORE INTO held VALUES (?1, ?2)")?;
        Ok(insert.execute(params![how, key.as_bytes().as_slice()])? > 0)
    })
}

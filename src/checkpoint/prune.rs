//! Removing old finished runs from a checkpoint: their entries, notes and before-images, and then the space.
//!
//! An entry stays where `--only-changed` needs it: it is the last that says that a record arrived, no later run that is
//! kept says so, and nothing was written to its contact since. A run that may have written after one that is kept keeps
//! all its entries, because they tell that the older content is not there any more.

use super::model::{RunNo, RunRow};
use super::received::{Received, Turns};
use super::rows::outcome_number;
use super::schema::StoreError;
use super::scratch::{Purpose, Scratch};
use super::{Checkpoint, Key};
use crate::ids::RunStatus;
use crate::outcome::{Failure, Outcome};
use rusqlite::{Connection, params};
use std::collections::HashMap;
use std::path::Path;

/// Entries that are looked at, and removed, in one transaction.
const PAGE: i64 = 10_000;

const PURPOSE: Purpose = Purpose {
    name: "pruned",
    fails: "what stays of old runs cannot be found out in",
    tables: "CREATE TABLE held (how TEXT, key BLOB, PRIMARY KEY (how, key)) WITHOUT ROWID;",
};

/// One entry, as far as it matters.
struct Row {
    no: i64,
    key: Vec<u8>,
    outcome: i64,
    pass: u32,
}

/// What is known of a run whose entries may be needed.
struct Old<'a> {
    run: &'a RunRow,
    turns: &'a Turns,
    received: &'a Received,
}

impl Checkpoint {
    /// Removes the finished runs of these names. `folder`: where scratch data may be kept.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read or written; what is removed by then is.
    pub fn prune(&self, names: &[String], folder: &Path) -> Result<(), Failure> {
        let (mut old, kept): (Vec<RunRow>, Vec<RunRow>) =
            self.runs()?.into_iter().partition(|run| run.status == RunStatus::Done && names.contains(&run.name));
        let turns = self.turns()?;
        let last_turn = |run: &RunRow| turns.get(&run.no.0).map_or(i64::MAX, |turns| turns.last);
        let first_kept = kept.iter().filter_map(|run| turns.get(&run.no.0)).map(|turns| turns.first).min();
        old.sort_by_key(|run| std::cmp::Reverse(last_turn(run)));
        let scratch = Scratch::create(folder, &PURPOSE)?;
        for run in &kept {
            if let Some(turns) = turns.get(&run.no.0).filter(|turns| run.status == RunStatus::Done && turns.first > 0) {
                self.hold(run, &turns.how, &scratch)?;
            }
        }
        let mut received = HashMap::new();
        for turns in old.iter().filter_map(|run| turns.get(&run.no.0)).filter(|turns| turns.first > 0) {
            if !received.contains_key(&turns.how) {
                received.insert(turns.how.clone(), self.received(&turns.how, folder)?);
            }
        }
        for run in &old {
            self.call({
                let no = run.no;
                move |tables| tables.forget_images(no)
            })?;
            if first_kept.is_some_and(|first| last_turn(run) > first) {
                continue;
            }
            let needed = turns.get(&run.no.0).filter(|turns| turns.first > 0);
            let needed = needed.and_then(|turns| Some(Old { run, turns, received: received.get(&turns.how)? }));
            let stays = match needed {
                Some(old) => self.remove_entries(&old, &scratch)?,
                None => false,
            };
            if !stays {
                self.forget_run(run.no)?;
                self.forget_turns(run.no)?;
            }
        }
        self.call(|tables| tables.give_space_back())
    }

    /// Holds the keys of a run that is kept.
    fn hold(&self, run: &RunRow, how: &str, scratch: &Scratch) -> Result<(), Failure> {
        self.pages(run.no, |rows| {
            for row in rows.iter().filter(|row| has_arrived(row, run)) {
                is_first(scratch, how, &row.key)?;
            }
            Ok(())
        })
    }

    /// Removes the entries that are no longer needed; returns whether any stays.
    fn remove_entries(&self, old: &Old<'_>, scratch: &Scratch) -> Result<bool, Failure> {
        let Old { run, turns, received } = old;
        let mut stays = false;
        self.pages(run.no, |rows| {
            let mut doomed = Vec::new();
            for row in rows {
                let is_needed = has_arrived(row, run)
                    && Key::from_hash(&row.key).map(|key| received.has(&key)).transpose()?.unwrap_or(false)
                    && is_first(scratch, &turns.how, &row.key)?;
                if is_needed {
                    stays = true;
                } else {
                    doomed.push(row.no);
                }
            }
            let no = run.no;
            self.call(move |tables| tables.forget_entries(no, &doomed))
        })?;
        Ok(stays)
    }

    /// Gives the entries of a run, a page at a time.
    fn pages(&self, run: RunNo, mut give: impl FnMut(&[Row]) -> Result<(), Failure>) -> Result<(), Failure> {
        let mut last = 0;
        loop {
            let page = self.read_long(|connection| page_of(connection, run, last))?;
            let Some(row) = page.last() else { return Ok(()) };
            last = row.no;
            give(&page)?;
        }
    }
}

/// Whether an entry says that the content of its record arrived, in the latest pass of its run.
fn has_arrived(row: &Row, run: &RunRow) -> bool {
    let arrived = [Outcome::Created, Outcome::Updated, Outcome::Unchanged];
    row.pass == run.pass && arrived.iter().any(|outcome| outcome_number(*outcome) == row.outcome)
}

/// Holds a key; false if it is held already.
fn is_first(scratch: &Scratch, how: &str, key: &[u8]) -> Result<bool, Failure> {
    scratch.ask(|connection| {
        let mut insert = connection.prepare_cached("INSERT OR IGNORE INTO held VALUES (?1, ?2)")?;
        Ok(insert.execute(params![how, key])? > 0)
    })
}

fn page_of(connection: &Connection, run: RunNo, after: i64) -> Result<Vec<Row>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT no, key, outcome, pass FROM entry WHERE run = ?1 AND no > ?2 ORDER BY no LIMIT ?3")?;
    let rows = statement.query_map(params![run.0, after, PAGE], |row| {
        Ok(Row { no: row.get(0)?, key: row.get(1)?, outcome: row.get(2)?, pass: row.get(3)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

//! What the target is known to have received: the content of a record that a finished run wrote or found there, and that
//! nothing written over this connection since has changed.
//!
//! Runs are ordered by the processes that worked on them: each has a number. It is computed once, on disk, and read for
//! every record. Changes that other parties make at the target are not seen.

use super::file::{Purpose, Scratch};
use crate::ids::{CommandKind, RunStatus};
use crate::outcome::{Failure, Outcome};
use crate::store::{Checkpoint, Entry, Key, RunNo, RunRow, Turns, int};
use rusqlite::{OptionalExtension, params};
use std::path::Path;

const PURPOSE: Purpose = Purpose {
    name: "received",
    fails: "what is known to have arrived cannot be kept in",
    tables: "
        CREATE TABLE seen (target TEXT, key BLOB, run INTEGER, first INTEGER, last INTEGER, pass INTEGER, is_good INTEGER,
        is_undo INTEGER);
        CREATE TABLE received (key BLOB PRIMARY KEY) WITHOUT ROWID;",
};

/// What was received, by key.
pub struct Received {
    scratch: Scratch,
    len: u64,
}

/// A run whose entries are read, and the meaning that is asked for.
struct OfRun<'a> {
    run: &'a RunRow,
    turns: Option<&'a Turns>,
    how: &'a str,
}

/// One write to a contact, or what may have been one.
struct Seen<'a> {
    target_id: &'a str,
    key: &'a Key,
    run: RunNo,
    /// The first and the last process of the run.
    turns: (i64, i64),
    pass: u32,
    /// Whether its content counts as received, if nothing was written since.
    is_good: bool,
    is_undo: bool,
}

impl Received {
    /// What was received over this connection, where it was meant in the same way (`how`). It is kept in a private file in a
    /// folder.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read, or the file not written.
    pub fn of(checkpoint: &Checkpoint, how: &str, folder: &Path) -> Result<Received, Failure> {
        let received = Received { scratch: Scratch::create(folder, &PURPOSE)?, len: 0 };
        let turns = checkpoint.turns()?;
        for run in checkpoint.runs()? {
            let of = OfRun { run: &run, turns: turns.get(&run.no), how };
            checkpoint.for_each_entry(run.no, |key, entry| received.add(&of, &key, &entry))?;
        }
        // What may have been sent and is not known to have arrived.
        let mut last = None;
        loop {
            let page = checkpoint.open_intents(last.as_ref())?;
            if page.is_empty() {
                return received.done();
            }
            for open in page.iter().filter_map(|open| Some((open.key, open.intent.target_id.as_deref()?))) {
                let (is_good, is_undo, turns) = (false, false, (0, i64::MAX));
                received.put(&Seen {
                    target_id: open.1,
                    key: &open.0,
                    run: RunNo(-1),
                    turns,
                    pass: 0,
                    is_good,
                    is_undo,
                })?;
            }
            last = page.into_iter().last();
        }
    }

    fn add(&self, of: &OfRun<'_>, key: &Key, entry: &Entry) -> Result<(), Failure> {
        let OfRun { run, turns, how } = of;
        let has_arrived = matches!(entry.outcome, Outcome::Created | Outcome::Updated | Outcome::Unchanged);
        // Of a contact whose record was rejected a part may have been written.
        let is_undo = run.command == CommandKind::Undo;
        let may_have_written = has_arrived || is_undo || matches!(entry.outcome, Outcome::Unknown | Outcome::Rejected);
        let Some(target_id) = entry.target_id.as_deref().filter(|_| may_have_written) else {
            return Ok(());
        };
        let is_meant_so = turns.is_some_and(|turns| turns.how.as_deref() == Some(*how) && turns.first > 0);
        let is_good = run.status == RunStatus::Done && is_meant_so && has_arrived && entry.pass == run.pass;
        // A run without turns may have been the last to write.
        let turns = turns.map_or((0, i64::MAX), |turns| (int(turns.first), int(turns.last)));
        self.put(&Seen { target_id, key, run: run.no, turns, pass: entry.pass, is_good, is_undo })
    }

    fn put(&self, seen: &Seen<'_>) -> Result<(), Failure> {
        let Seen { target_id, key, run, turns: (first, last), pass, is_good, is_undo } = *seen;
        self.scratch.ask(|connection| {
            let mut insert = connection.prepare_cached("INSERT INTO seen VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
            let key = key.as_bytes().as_slice();
            insert.execute(params![target_id, key, run.0, first, last, pass, is_good, is_undo])?;
            Ok(())
        })
    }

    /// Content counts as received if nothing else was written to its contact since, and nothing was undone: an undo has the
    /// keys of what it undoes.
    fn done(mut self) -> Result<Received, Failure> {
        self.len = self.scratch.ask(|connection| {
            connection.execute_batch(
                "CREATE INDEX seen_target ON seen (target);
                 INSERT OR IGNORE INTO received SELECT key FROM seen AS one WHERE is_good AND NOT EXISTS (
                     SELECT 1 FROM seen AS other WHERE other.target = one.target AND (other.key <> one.key OR other.is_undo)
                         AND CASE WHEN other.run = one.run THEN other.pass >= one.pass ELSE other.last > one.first END);
                 DROP TABLE seen; COMMIT",
            )?;
            let len: i64 = connection.query_row("SELECT count(*) FROM received", [], |row| row.get(0))?;
            Ok(len.unsigned_abs())
        })?;
        Ok(self)
    }

    /// For how many records the content was received.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the content of the record with this key was received, and is there as far as this connection knows.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read.
    pub fn has(&self, key: &Key) -> Result<bool, Failure> {
        self.scratch.ask(|connection| {
            let mut select = connection.prepare_cached("SELECT 1 FROM received WHERE key = ?1")?;
            Ok(select.query_row([key.as_bytes().as_slice()], |_| Ok(())).optional()?.is_some())
        })
    }
}

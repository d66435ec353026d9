//! What the target is known to have received: the content of a person that a finished run left there, and that nothing
//! written over this connection since has changed.
//!
//! Runs are put in the order of the processes that worked on them: each takes a turn. It is found out once, on disk, and
//! asked for every record. Changes made at the target by others are not seen.

use super::model::{Entry, RunNo, RunRow};
use super::scratch::{Purpose, Scratch};
use super::{Checkpoint, Key, reader};
use crate::ids::{CommandKind, RunStatus};
use crate::outcome::{Failure, Outcome};
use rusqlite::{OptionalExtension, params};
use std::collections::HashMap;
use std::path::Path;

/// The name of the number of turns taken.
const TURNS: &str = "turns";

/// How the names of the runs' turns begin.
const TURN: &str = "turn:";

/// How a run that was taken back meant what it sent: as no other run does.
const TAKEN_BACK: &str = "taken back";

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

/// From which turn to which a run was worked on, and how what it sends is meant.
pub(super) struct Turns {
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) how: String,
}

impl Turns {
    fn read(text: &str) -> Option<Turns> {
        let mut parts = text.splitn(3, ' ');
        let (first, last) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Turns { first, last, how: parts.next()?.to_owned() })
    }
}

impl Checkpoint {
    /// A process works on a run from now on. `how` says what has to be the same for content to mean the same.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn take_turn(&self, run: RunNo, is_resumed: bool, how: &str) -> Result<(), Failure> {
        let turn = self.recall(TURNS)?.and_then(|text| text.parse::<i64>().ok()).unwrap_or_default() + 1;
        let name = format!("{TURN}{}", run.0);
        let before = self.recall(&name)?.filter(|_| is_resumed).and_then(|text| Turns::read(&text));
        let first = match before {
            Some(before) if before.how == how => before.first,
            // Gone on with by a program that knows of turns, or meant differently now: it began before all others.
            Some(_) => 0,
            None if is_resumed => 0,
            None => turn,
        };
        self.remember(TURNS, &turn.to_string())?;
        self.remember(&name, &format!("{first} {turn} {how}"))
    }

    /// What a run brought about is taken back: nobody is to be passed over because of it.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn end_trust(&self, run: RunNo) -> Result<(), Failure> {
        let name = format!("{TURN}{}", run.0);
        match self.recall(&name)?.and_then(|text| Turns::read(&text)) {
            // When it wrote is still known, so that whatever is written later can be trusted.
            Some(Turns { first, last, .. }) => self.remember(&name, &format!("{first} {last} {TAKEN_BACK}")),
            None => Ok(()),
        }
    }

    /// The turns of all runs.
    pub(super) fn turns(&self) -> Result<HashMap<i64, Turns>, Failure> {
        let told = self.recall_all(TURN)?.into_iter();
        Ok(told
            .filter_map(|(name, text)| Some((name.strip_prefix(TURN)?.parse().ok()?, Turns::read(&text)?)))
            .collect())
    }

    /// Forgets the turns of a run that is removed.
    pub(super) fn forget_turns(&self, run: RunNo) -> Result<(), Failure> {
        self.forget(&format!("{TURN}{}", run.0))
    }

    /// What was received over this connection, where it was meant in the same way. What it keeps goes to a private file in
    /// a folder.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read, or the file not written.
    pub fn received(&self, how: &str, folder: &Path) -> Result<Received, Failure> {
        let received = Received::create(folder)?;
        let turns = self.turns()?;
        for run in self.runs()? {
            let turns = turns.get(&run.no.0);
            let is_good =
                run.status == RunStatus::Done && turns.is_some_and(|turns| turns.how == how && turns.first > 0);
            // Of a run without turns nobody knows when it wrote: it may have been the last.
            let (first, last) = turns.map_or((0, i64::MAX), |turns| (turns.first, turns.last));
            self.read_long(|connection| {
                reader::for_each_entry(connection, run.no, |key, entry| {
                    received.add(&run, &key, &entry, (first, last), is_good)
                })
            })?;
        }
        // What may have been sent and is not known to have arrived.
        let mut last = None;
        loop {
            let page = self.open_intents(last.as_ref())?;
            if page.is_empty() {
                return received.done();
            }
            for open in page.iter().filter_map(|open| Some((open.key, open.intent.target_id.as_deref()?))) {
                received.put(open.1, &open.0, [-1, 0, i64::MAX, 0], false, false)?;
            }
            last = page.into_iter().last();
        }
    }
}

impl Received {
    fn create(folder: &Path) -> Result<Received, Failure> {
        Ok(Received { scratch: Scratch::create(folder, &PURPOSE)?, len: 0 })
    }

    fn add(
        &self,
        run: &RunRow,
        key: &Key,
        entry: &Entry,
        (first, last): (i64, i64),
        is_good: bool,
    ) -> Result<(), Failure> {
        let has_arrived = matches!(entry.outcome, Outcome::Created | Outcome::Updated | Outcome::Unchanged);
        // Of whoever was rejected a part may have been written.
        let is_undo = run.command == CommandKind::Undo;
        let may_have_written = has_arrived || is_undo || matches!(entry.outcome, Outcome::Unknown | Outcome::Rejected);
        let Some(id) = entry.target_id.as_deref().filter(|_| may_have_written) else {
            return Ok(());
        };
        let is_good = is_good && has_arrived && entry.pass == run.pass;
        self.put(id, key, [run.no.0, first, last, i64::from(entry.pass)], is_good, is_undo)
    }

    fn put(
        &self,
        id: &str,
        key: &Key,
        [run, first, last, pass]: [i64; 4],
        is_good: bool,
        is_undo: bool,
    ) -> Result<(), Failure> {
        self.scratch.ask(|connection| {
            let mut insert = connection.prepare_cached("INSERT INTO seen VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
            insert.execute(params![id, key.as_bytes().as_slice(), run, first, last, pass, is_good, is_undo])?;
            Ok(())
        })
    }

    /// Content counts as received where nothing else was written to its contact since, and nothing taken back: an undo
    /// has the keys of what it takes back.
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

    /// How many people's content was received.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nobody's was.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether this content of this person was received, and is there as far as this connection knows.
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

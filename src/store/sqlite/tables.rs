//! The writing side of the tables: one method for each operation, all inside the transaction that has begun.
//!
//! Entries are appended in the order in which they come, without an index, because an index over hashes touches a page
//! of its own for each entry, which alone costs four times as much as the rest. When a pass begins, the keys of the entries
//! there are go into the table `earlier` in one go, in their order ([`Tables::count_earlier`]).

use super::counter::{self, Counter};
use super::error::SqlError;
use super::images::Images;
use super::intents::Intents;
use super::links::{LinkLog, Links};
use super::new_entries::NewEntries;
use super::rows::{EntryRow, read_turns, run_seal, text};
use crate::ids::RunStatus;
use crate::outcome::Outcome;
use crate::record::Origin;
use crate::store::coded::{check_seal, detail_text, int, note_seal, outcome_number, turn_seal};
use crate::store::intent_code::Announced;
use crate::store::key::Key;
use crate::store::model::{EntryNo, Intent, Meaning, NewRun, RunNo, Settled, SourceOutcome, Turns};
use crate::store::op::{Answer, Op};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The connection that writes, and what it keeps in memory.
pub(super) struct Tables {
    pub(super) connection: Connection,
    /// The number of the next entry, by run.
    next_entry: BTreeMap<RunNo, i64>,
    /// Whether a run has entries of earlier passes.
    has_earlier: BTreeMap<RunNo, bool>,
    images: Images,
    intents: Intents,
    links: LinkLog,
}

impl Tables {
    pub(super) fn new(connection: Connection) -> Tables {
        Tables {
            connection,
            next_entry: BTreeMap::new(),
            has_earlier: BTreeMap::new(),
            images: Images::new(),
            intents: Intents::new(),
            links: LinkLog::default(),
        }
    }

    /// Drops what is kept in memory, because a transaction was rolled back.
    pub(super) fn drop_memory(&mut self) {
        self.next_entry.clear();
        self.has_earlier.clear();
        self.images.drop_memory();
        self.intents.drop_memory();
        self.links.drop_memory();
    }

    /// Executes operations in their order; all of it is written then.
    pub(super) fn apply_all(&mut self, ops: &[Op]) -> Result<Vec<Answer>, SqlError> {
        let mut new = NewEntries::default();
        let answers = ops.iter().map(|op| self.apply(op, &mut new)).collect::<Result<_, _>>()?;
        new.write(&self.connection)?;
        self.write_images()?;
        self.intents.write(&self.connection)?;
        self.links.write(&self.connection)?;
        Ok(answers)
    }

    /// Moves new links to where they are found, if they are enough or `all` are to be; those that were moved.
    pub(super) fn move_links(&mut self, all: bool) -> Result<Links, SqlError> {
        if all || self.links.is_due() { self.links.move_into_table(&self.connection) } else { Ok(Links::new()) }
    }

    /// Writes the images that were added.
    pub(super) fn write_images(&mut self) -> Result<(), SqlError> {
        self.images.write(&self.connection)
    }

    /// Adds an image alone, without an intent.
    pub(super) fn add_image(&mut self, run: RunNo, key: &Key, intent: &Intent) -> Result<(), SqlError> {
        self.images.add(&self.connection, (run, key), intent).map(drop)
    }

    /// Executes one operation.
    fn apply<'a>(&mut self, op: &'a Op, new: &mut NewEntries<'a>) -> Result<Answer, SqlError> {
        match op {
            Op::Intend(run, key, intent) => self.intend(*run, key, intent)?,
            Op::Withdraw(run, key) => self.withdraw(*run, key, false)?,
            Op::Disprove(run, key) => self.withdraw(*run, key, true)?,
            Op::Settle(run, key, settled) => self.settle((*run, key), settled, new)?,
            Op::Note(run, pass, outcome) => self.note(*run, *pass, outcome)?,
            Op::Unlink(link) => self.links.add(link, None),
            op => {
                new.write(&self.connection)?;
                return self.apply_alone(op);
            }
        }
        Ok(Answer::Done)
    }

    /// Executes an operation that needs all entries in the database.
    fn apply_alone(&mut self, op: &Op) -> Result<Answer, SqlError> {
        match op {
            Op::BeginRun(run) => return Ok(Answer::Run(self.begin(run)?)),
            Op::BeginPass(run) => return self.begin_pass(*run),
            Op::ContinuePass(run) => return self.continue_pass(*run),
            Op::CountEarlier(run) => return Ok(Answer::Earlier(self.count_earlier(*run)?)),
            Op::TakeTurn(run, meaning) => return Ok(Answer::Turn(self.take_turn(*run, meaning)?)),
            Op::CarryOver(run, key, pass, origin) => self.carry_over(*run, key, *pass, *origin)?,
            Op::Remember(name, value) => self.remember(name, value)?,
            Op::Forget(name) => self.forget(name)?,
            Op::EndTrust(run) => self.end_trust(*run)?,
            Op::FinishRun(run, status, info) => self.finish(*run, *status, info)?,
            Op::ForgetRun(run) => self.forget_run(*run)?,
            Op::ForgetImages(run) => self.forget_images(*run)?,
            Op::ForgetEntries(run, numbers) => self.forget_entries(*run, numbers)?,
            // Compacting is not possible inside of a transaction: see `mod.rs`. The others do not need it.
            Op::Compact
            | Op::Intend(..)
            | Op::Withdraw(..)
            | Op::Disprove(..)
            | Op::Settle(..)
            | Op::Note(..)
            | Op::Unlink(_) => {}
        }
        Ok(Answer::Done)
    }

    fn begin(&mut self, run: &NewRun) -> Result<RunNo, SqlError> {
        let info = serde_json::to_string(&run.info)?;
        let sql = "INSERT INTO run (name, work, command, info) VALUES (?1, ?2, ?3, ?4)";
        self.connection.execute(sql, params![run.name, run.work, run.command.name(), info])?;
        let run = RunNo(self.connection.last_insert_rowid());
        self.seal_run(run)?;
        Ok(run)
    }

    fn begin_pass(&mut self, run: RunNo) -> Result<Answer, SqlError> {
        let sql = "UPDATE run SET pass = pass + 1, done = 0 WHERE no = ?1 RETURNING pass";
        let pass = self.connection.query_row(sql, [run.0], |row| row.get(0)).optional()?;
        let pass = pass.ok_or_else(|| SqlError::Misuse(format!("there is no run {}", run.0)))?;
        self.seal_run(run)?;
        self.connection.execute("DELETE FROM note WHERE run = ?1", [run.0])?;
        let has_earlier = self.count_earlier(run)?;
        Ok(Answer::Pass { pass, has_earlier })
    }

    /// What the pass has settled is not among the keys that are found, so hardly any has to be sorted.
    fn continue_pass(&mut self, run: RunNo) -> Result<Answer, SqlError> {
        let sql = "UPDATE run SET done = 0 WHERE no = ?1 AND pass > 0 RETURNING pass";
        let pass = self.connection.query_row(sql, [run.0], |row| row.get(0)).optional()?;
        let pass = pass.ok_or_else(|| SqlError::Misuse(format!("there is no pass of a run {}", run.0)))?;
        self.seal_run(run)?;
        let has_earlier = self.count_earlier_beside(run, pass)?;
        Ok(Answer::Pass { pass, has_earlier })
    }

    /// The entries there are now are those of earlier passes: each key is found, and an outcome replaces its entry.
    fn count_earlier(&mut self, run: RunNo) -> Result<bool, SqlError> {
        self.count_earlier_beside(run, 0)
    }

    /// The same without those that this pass has settled for good.
    fn count_earlier_beside(&mut self, run: RunNo, pass: u32) -> Result<bool, SqlError> {
        self.drop_earlier(run)?;
        let sql = "INSERT INTO earlier (run, key, no)
                   SELECT run, key, max(no) FROM entry
                   WHERE run = ?1 AND (?2 = 0 OR pass <> ?2 OR outcome IN (?3, ?4)) GROUP BY run, key";
        let [rejected, unknown] = [Outcome::Rejected, Outcome::Unknown].map(outcome_number);
        let has_earlier = self.connection.prepare_cached(sql)?.execute(params![run.0, pass, rejected, unknown])? > 0;
        self.has_earlier.insert(run, has_earlier);
        Ok(has_earlier)
    }

    fn drop_earlier(&mut self, run: RunNo) -> Result<(), SqlError> {
        self.has_earlier.remove(&run);
        self.connection.prepare_cached("DELETE FROM earlier WHERE run = ?1")?.execute([run.0])?;
        Ok(())
    }

    fn finish(&mut self, run: RunNo, status: RunStatus, info: &Value) -> Result<(), SqlError> {
        let done = i64::from(status == RunStatus::Done);
        let sql = "UPDATE run SET done = ?2, info = ?3 WHERE no = ?1";
        let found = self.connection.execute(sql, params![run.0, done, serde_json::to_string(info)?])?;
        if found == 0 {
            return Err(SqlError::Misuse(format!("there is no run {}", run.0)));
        }
        self.seal_run(run)?;
        if status == RunStatus::Done {
            self.drop_earlier(run)?;
        }
        Ok(())
    }

    fn seal_run(&self, run: RunNo) -> Result<(), SqlError> {
        let sql = "SELECT no, name, work, command, done, pass, info FROM run WHERE no = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([run.0])?;
        let seal = rows.next()?.map(run_seal).transpose()?;
        self.connection.execute("UPDATE run SET seal = ?2 WHERE no = ?1", params![run.0, seal])?;
        Ok(())
    }

    fn forget_run(&mut self, run: RunNo) -> Result<(), SqlError> {
        self.drop_earlier(run)?;
        self.next_entry.remove(&run);
        self.images.forget(&self.connection, run)?;
        self.intents.forget(&self.connection, run)?;
        let tables = [("note", "run"), ("entry", "run"), ("turn", "run"), ("run", "no")];
        for (table, key) in tables {
            self.connection.execute(&format!("DELETE FROM {table} WHERE {key} = ?1"), [run.0])?;
        }
        Ok(())
    }

    /// Removes what undoing and listing a run need.
    fn forget_images(&mut self, run: RunNo) -> Result<(), SqlError> {
        self.connection.execute("DELETE FROM note WHERE run = ?1", [run.0])?;
        self.images.forget(&self.connection, run)
    }

    /// Removes entries of a run by their numbers, which later entries may get. So nothing may refer to them any more: an entry
    /// that an open intent refers to stays, and the key goes with its entry.
    fn forget_entries(&mut self, run: RunNo, numbers: &[EntryNo]) -> Result<(), SqlError> {
        let mut entry = self.connection.prepare_cached(
            "DELETE FROM entry WHERE run = ?1 AND no = ?2
                 AND NOT EXISTS (SELECT 1 FROM intent WHERE intent.run = ?1 AND intent.entry = ?2)",
        )?;
        let mut earlier = self.connection.prepare_cached("DELETE FROM earlier WHERE run = ?1 AND no = ?2")?;
        for no in numbers {
            if entry.execute([run.0, no.0])? > 0 {
                earlier.execute([run.0, no.0])?;
            }
        }
        Ok(())
    }

    fn intend(&mut self, run: RunNo, key: &Key, intent: &Intent) -> Result<(), SqlError> {
        let has_image = intent.before.is_some() || !intent.after.is_empty();
        let image = if has_image { Some(self.images.add(&self.connection, (run, key), intent)?) } else { None };
        self.intents.add(&self.connection, Announced { run, key, intent, image })
    }

    /// Removes an intent. One that stands for an unknown outcome stays, unless `even_unknown`.
    fn withdraw(&mut self, run: RunNo, key: &Key, even_unknown: bool) -> Result<(), SqlError> {
        match self.intents.withdraw(&self.connection, (run, key), even_unknown)? {
            Some(image) => self.images.remove(&self.connection, run, key, image),
            None => Ok(()),
        }
    }

    fn settle<'a>(
        &mut self,
        (run, key): (RunNo, &'a Key),
        settled: &'a Settled,
        new: &mut NewEntries<'a>,
    ) -> Result<(), SqlError> {
        let Settled { outcome, origin, pass, target_id, not_carried, cleared, problems, links } = settled;
        let known = self.known_entry(run, key, *outcome)?;
        let detail = detail_text(problems, not_carried, *cleared)?.map(Cow::Owned);
        let numbers = [int(origin.ordinal), int(origin.line), i64::from(*pass), outcome_number(*outcome)];
        let no = known.map_or_else(|| self.take_number(run), Ok)?;
        let target_id = target_id.as_deref();
        let row = EntryRow { run, no, key, numbers, target_id, detail };
        if known.is_none() {
            new.add(row);
        } else {
            if new.has(&row) {
                new.write(&self.connection)?;
            }
            self.write_entry(&row)?;
        }
        if *outcome == Outcome::Unknown {
            self.intents.set_entry(&self.connection, (run, key), no)?;
        }
        if target_id.is_some() {
            links.iter().for_each(|link| self.links.add(&Key::of_link(link), target_id));
        }
        Ok(())
    }

    /// The entry that this outcome replaces: of an earlier pass, or one whose outcome was unknown. Ends the intent unless the
    /// outcome is unknown.
    fn known_entry(&mut self, run: RunNo, key: &Key, outcome: Outcome) -> Result<Option<i64>, SqlError> {
        let known = match outcome {
            Outcome::Unknown => self.intents.entry(&self.connection, run, key)?,
            _ => self.intents.end(&self.connection, run, key)?,
        };
        match known {
            Some(no) => Ok(Some(no)),
            None => self.earlier_entry(run, key),
        }
    }

    fn earlier_entry(&mut self, run: RunNo, key: &Key) -> Result<Option<i64>, SqlError> {
        if !self.has_earlier(run)? {
            return Ok(None);
        }
        let mut statement = self.connection.prepare_cached("SELECT no FROM earlier WHERE run = ?1 AND key = ?2")?;
        Ok(statement.query_row(params![run.0, key.as_bytes().as_slice()], |row| row.get(0)).optional()?)
    }

    fn has_earlier(&mut self, run: RunNo) -> Result<bool, SqlError> {
        if let Some(has_earlier) = self.has_earlier.get(&run) {
            return Ok(*has_earlier);
        }
        let sql = "SELECT EXISTS (SELECT 1 FROM earlier WHERE run = ?1)";
        let has_earlier = self.connection.query_row(sql, [run.0], |row| row.get(0))?;
        self.has_earlier.insert(run, has_earlier);
        Ok(has_earlier)
    }

    pub(super) fn write_entry(&self, row: &EntryRow) -> Result<(), SqlError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO entry (run, no, key, ordinal, line, pass, outcome, target_id, detail, seal)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (run, no) DO UPDATE SET ordinal = ?4, line = ?5, pass = ?6, outcome = ?7, target_id = ?8,
                 detail = ?9, seal = ?10",
        )?;
        let [ordinal, line, pass, outcome] = row.numbers;
        let (no, key, detail) = (row.no, row.key.as_bytes().as_slice(), row.detail.as_deref());
        statement.execute(params![
            row.run.0,
            no,
            key,
            ordinal,
            line,
            pass,
            outcome,
            row.target_id,
            detail,
            row.seal()
        ])?;
        Ok(())
    }

    /// Carries an entry of an earlier pass over to this one.
    fn carry_over(&mut self, run: RunNo, key: &Key, pass: u32, origin: Origin) -> Result<(), SqlError> {
        let missing =
            || SqlError::Misuse(format!("run {} has no entry `{key}` of an earlier pass to carry over", run.0));
        let mut statement = self.connection.prepare_cached(
            "SELECT outcome, target_id, detail, ordinal, line, pass, seal, entry.no
             FROM earlier JOIN entry ON entry.run = earlier.run AND entry.no = earlier.no
             WHERE earlier.run = ?1 AND earlier.key = ?2",
        )?;
        let mut rows = statement.query(params![run.0, key.as_bytes().as_slice()])?;
        let row = rows.next()?.ok_or_else(missing)?;
        let no = row.get(7)?;
        let (outcome, target_id, detail) = (row.get(0)?, text(row, 1)?, text(row, 2)?.map(Cow::Borrowed));
        let numbers = [row.get(3)?, row.get(4)?, row.get(5)?, outcome];
        let found = EntryRow { run, no, key, numbers, target_id, detail };
        check_seal(row.get(6)?, found.seal())?;
        let carried = EntryRow { numbers: [int(origin.ordinal), int(origin.line), i64::from(pass), outcome], ..found };
        let mut statement = self.connection.prepare_cached(
            "UPDATE entry SET ordinal = ?3, line = ?4, pass = ?5, seal = ?6 WHERE run = ?1 AND no = ?2",
        )?;
        statement.execute(params![run.0, no, int(origin.ordinal), int(origin.line), pass, carried.seal()])?;
        Ok(())
    }

    pub(super) fn note(&mut self, run: RunNo, pass: u32, source: &SourceOutcome) -> Result<(), SqlError> {
        let detail = detail_text(&source.problems, &[], 0)?;
        let duplicate_of = source.duplicate_of.map(int);
        let numbers =
            [int(source.origin.ordinal), int(source.origin.line), i64::from(pass), outcome_number(source.outcome)];
        let seal = note_seal(run, &numbers, duplicate_of, detail.as_deref());
        let [ordinal, line, pass, outcome] = numbers;
        let mut statement = self.connection.prepare_cached(
            "INSERT OR REPLACE INTO note (run, pass, ordinal, line, outcome, duplicate_of, detail, seal)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        statement.execute(params![run.0, pass, ordinal, line, outcome, duplicate_of, detail, seal])?;
        Ok(())
    }

    pub(super) fn remember(&mut self, name: &str, value: &str) -> Result<(), SqlError> {
        let sql = "INSERT INTO memory VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2";
        self.connection.prepare_cached(sql)?.execute([name, value])?;
        Ok(())
    }

    fn forget(&mut self, name: &str) -> Result<(), SqlError> {
        self.connection.prepare_cached("DELETE FROM memory WHERE name = ?1")?.execute([name])?;
        Ok(())
    }

    fn take_number(&mut self, run: RunNo) -> Result<i64, SqlError> {
        let no = self.next_entry(run)?;
        self.next_entry.insert(run, no + 1);
        Ok(no)
    }

    fn next_entry(&mut self, run: RunNo) -> Result<i64, SqlError> {
        if let Some(next) = self.next_entry.get(&run) {
            return Ok(*next);
        }
        let sql = "SELECT coalesce(max(no), 0) + 1 FROM entry WHERE run = ?1";
        let next = self.connection.query_row(sql, [run.0], |row| row.get(0))?;
        self.next_entry.insert(run, next);
        Ok(next)
    }

    fn take_turn(&mut self, run: RunNo, meaning: &Meaning) -> Result<u64, SqlError> {
        let turn = counter::count_up(&self.connection, Counter::Turn)?;
        let turns = Turns::after(self.turns(run)?, turn, meaning);
        self.keep_turns(run, &turns)?;
        Ok(turn)
    }

    /// Its order is still known, so that what later runs wrote can be trusted.
    fn end_trust(&mut self, run: RunNo) -> Result<(), SqlError> {
        match self.turns(run)? {
            Some(turns) => self.keep_turns(run, &Turns { how: None, ..turns }),
            None => Ok(()),
        }
    }

    fn turns(&self, run: RunNo) -> Result<Option<Turns>, SqlError> {
        let sql = "SELECT run, first, last, how, seal FROM turn WHERE run = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([run.0])?;
        Ok(rows.next()?.map(read_turns).transpose()?.map(|(_, turns)| turns))
    }

    pub(super) fn keep_turns(&self, run: RunNo, turns: &Turns) -> Result<(), SqlError> {
        let (first, last, how) = (int(turns.first), int(turns.last), turns.how.as_deref());
        let mut statement =
            self.connection.prepare_cached("INSERT OR REPLACE INTO turn VALUES (?1, ?2, ?3, ?4, ?5)")?;
        statement.execute(params![run.0, first, last, how, turn_seal(run, first, last, how)])?;
        Ok(())
    }
}

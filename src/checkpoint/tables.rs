//! The writing side of the tables: one method an operation, all inside the transaction that the writer has begun.
//!
//! Entries are appended in the order in which they come, without an index, because an index over hashes touches a page
//! of its own for each entry: that alone costs four times as much as all the rest. When a run is gone on with, one
//! index over the entries of its earlier passes is made in one go ([`Tables::begin_pass`]).

use super::links::link_seal;
use super::model::{Intent, NewRun, Pure, RunNo, Settled};
use super::reader::text;
use super::rows::{Detail, identities_text, int, kind_number, outcome_number, prove_seal, seal};
use super::schema::StoreError;
use super::{Key, Shared};
use crate::ids::RunStatus;
use crate::outcome::Outcome;
use crate::record::Origin;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// The connection that writes, and what it knows by heart.
pub(super) struct Tables {
    pub(super) connection: Connection,
    shared: Arc<Shared>,
    /// The number of the next entry, by run.
    next_entry: HashMap<RunNo, i64>,
}

/// An entry as it is written.
struct EntryRow<'a> {
    run: RunNo,
    no: i64,
    key: &'a Key,
    origin: Origin,
    pass: u32,
    outcome: i64,
    target_id: Option<&'a str>,
    detail: Option<&'a str>,
}

impl EntryRow<'_> {
    fn seal(&self) -> i64 {
        let numbers = [int(self.origin.ordinal), int(self.origin.line), i64::from(self.pass), self.outcome];
        entry_seal(self.run, self.no, self.key, &numbers, self.target_id, self.detail)
    }
}

/// The seal of an entry; `numbers` are ordinal, line, pass and outcome.
pub(super) fn entry_seal(
    run: RunNo,
    no: i64,
    key: &Key,
    numbers: &[i64; 4],
    target_id: Option<&str>,
    detail: Option<&str>,
) -> i64 {
    let [ordinal, line, pass, outcome] = *numbers;
    let texts = [Some(key.as_bytes().as_slice()), target_id.map(str::as_bytes), detail.map(str::as_bytes)];
    seal(&[run.0, no, ordinal, line, pass, outcome], &texts)
}

/// The name of the index over the earlier passes of a run.
pub(super) fn index_name(run: RunNo) -> String {
    format!("entry_of_{}", run.0)
}

impl Tables {
    pub(super) fn new(connection: Connection, shared: Arc<Shared>) -> Tables {
        Tables { connection, shared, next_entry: HashMap::new() }
    }

    pub(super) fn begin(&mut self, run: &NewRun) -> Result<RunNo, StoreError> {
        let info = serde_json::to_string(&run.info)?;
        let sql = "INSERT INTO run (name, work, command, info) VALUES (?1, ?2, ?3, ?4)";
        self.connection.execute(sql, params![run.name, run.work, run.command.name(), info])?;
        let run = RunNo(self.connection.last_insert_rowid());
        self.seal_run(run)?;
        Ok(run)
    }

    pub(super) fn begin_pass(&mut self, run: RunNo) -> Result<u32, StoreError> {
        let sql = "UPDATE run SET pass = pass + 1, done = 0 WHERE no = ?1 RETURNING pass";
        let pass = self.connection.query_row(sql, [run.0], |row| row.get(0)).optional()?;
        let pass = pass.ok_or_else(|| StoreError::Misuse(format!("there is no run {}", run.0)))?;
        self.seal_run(run)?;
        self.connection.execute("DELETE FROM note WHERE run = ?1", [run.0])?;
        self.index(run)?;
        Ok(pass)
    }

    /// The entries that there are now are those of earlier passes: each key is found, and an outcome takes its place.
    pub(super) fn index(&mut self, run: RunNo) -> Result<(), StoreError> {
        let last = self.next_entry(run)? - 1;
        self.drop_index(run)?;
        if last > 0 {
            let (name, run) = (index_name(run), run.0);
            let sql = format!("CREATE INDEX {name} ON entry (key) WHERE run = {run} AND no <= {last}");
            self.connection.execute_batch(&sql)?;
        }
        self.shared.set_indexed(run, Some(last));
        Ok(())
    }

    pub(super) fn finish(&mut self, run: RunNo, status: RunStatus, info: &Value) -> Result<(), StoreError> {
        let done = i64::from(status == RunStatus::Done);
        let sql = "UPDATE run SET done = ?2, info = ?3 WHERE no = ?1";
        let found = self.connection.execute(sql, params![run.0, done, serde_json::to_string(info)?])?;
        if found == 0 {
            return Err(StoreError::Misuse(format!("there is no run {}", run.0)));
        }
        self.seal_run(run)?;
        if status == RunStatus::Done {
            self.drop_index(run)?;
            self.shared.set_indexed(run, None);
        }
        Ok(())
    }

    fn seal_run(&self, run: RunNo) -> Result<(), StoreError> {
        let sql = "SELECT no, name, work, command, done, pass, info FROM run WHERE no = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([run.0])?;
        let seal = rows.next()?.map(run_seal).transpose()?;
        self.connection.execute("UPDATE run SET seal = ?2 WHERE no = ?1", params![run.0, seal])?;
        Ok(())
    }

    pub(super) fn forget_run(&mut self, run: RunNo) -> Result<(), StoreError> {
        self.drop_index(run)?;
        self.shared.set_indexed(run, None);
        self.next_entry.remove(&run);
        for (table, key) in [("note", "run"), ("image", "run"), ("intent", "run"), ("entry", "run"), ("run", "no")] {
            self.connection.execute(&format!("DELETE FROM {table} WHERE {key} = ?1"), [run.0])?;
        }
        Ok(())
    }

    /// Removes what undoing and listing a run need.
    pub(super) fn forget_images(&mut self, run: RunNo) -> Result<(), StoreError> {
        for table in ["note", "image"] {
            self.connection.execute(&format!("DELETE FROM {table} WHERE run = ?1"), [run.0])?;
        }
        Ok(())
    }

    /// Removes entries of a run by their numbers.
    pub(super) fn forget_entries(&mut self, run: RunNo, numbers: &[i64]) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached("DELETE FROM entry WHERE run = ?1 AND no = ?2")?;
        numbers.iter().try_for_each(|no| statement.execute([run.0, *no]).map(drop)).map_err(StoreError::from)
    }

    /// Gives the space of what was removed back to the disk, where there is room to do so.
    pub(super) fn give_space_back(&mut self) -> Result<(), StoreError> {
        let free: i64 = self.connection.query_row("PRAGMA freelist_count", [], |row| row.get(0))?;
        if free == 0 {
            return Ok(());
        }
        // It cannot be done inside of a transaction. Without room for a copy the space is used by later runs.
        self.connection.execute_batch("COMMIT")?;
        let done = self.connection.execute_batch("VACUUM");
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        if let Err(error) = done {
            tracing::debug!("the space of removed runs is not given back: {error}");
        }
        Ok(())
    }

    fn drop_index(&self, run: RunNo) -> Result<(), StoreError> {
        Ok(self.connection.execute_batch(&format!("DROP INDEX IF EXISTS {}", index_name(run)))?)
    }

    pub(super) fn intend(&mut self, run: RunNo, key: &Key, intent: &Intent) -> Result<(), StoreError> {
        let has_image = intent.before.is_some() || !intent.after.is_empty();
        let image = if has_image { Some(self.keep_image(run, key, intent)?) } else { None };
        let identities = identities_text(&intent.identities)?;
        let numbers = intent_numbers(intent);
        let made = intent.made.as_deref();
        let seal = intent_seal(run, key, &numbers, image, [intent.target_id.as_deref(), Some(&identities), made]);
        let [kind, ordinal, line, at_ms, attempt, begun] = numbers;
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO intent (run, key, kind, ordinal, line, at_ms, attempt, target_id, identities, image, seal, made,
                                 begun)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT (run, key) DO UPDATE SET kind = ?3, ordinal = ?4, line = ?5, at_ms = ?6, attempt = ?7,
                 target_id = ?8, identities = ?9, image = ?10, seal = ?11, made = ?12, begun = ?13",
        )?;
        let key = key.as_bytes().as_slice();
        let target_id = intent.target_id.as_deref();
        statement.execute(params![
            run.0, key, kind, ordinal, line, at_ms, attempt, target_id, identities, image, seal, made, begun
        ])?;
        Ok(())
    }

    fn keep_image(&self, run: RunNo, key: &Key, intent: &Intent) -> Result<i64, StoreError> {
        let (at_ms, target_id, before) = (int(intent.at_ms), intent.target_id.as_deref(), intent.before.as_deref());
        let after = serde_json::to_string(&intent.after)?;
        let seal = image_seal(run, key, at_ms, [target_id, before, Some(&after)]);
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO image (run, key, target_id, at_ms, before, after, seal) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        statement.execute(params![run.0, key.as_bytes().as_slice(), target_id, at_ms, before, after, seal])?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Takes an intent back that was never sent. One that stands for an unknown outcome stays, unless `even_unknown`.
    pub(super) fn withdraw(&mut self, run: RunNo, key: &Key, even_unknown: bool) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "DELETE FROM intent WHERE run = ?1 AND key = ?2 AND (entry IS NULL OR ?3) RETURNING image",
        )?;
        let image: Option<Option<i64>> = statement
            .query_row(params![run.0, key.as_bytes().as_slice(), even_unknown], |row| row.get(0))
            .optional()?;
        if let Some(Some(image)) = image {
            self.connection.prepare_cached("DELETE FROM image WHERE no = ?1")?.execute([image])?;
        }
        Ok(())
    }

    pub(super) fn settle(&mut self, run: RunNo, key: &Key, settled: &Settled) -> Result<(), StoreError> {
        let Settled { outcome, origin, pass, target_id, not_carried, cleared, problems, links } = settled;
        let known = self.known_entry(run, key, *outcome)?;
        let detail = if problems.is_empty() && not_carried.is_empty() && *cleared == 0 {
            None
        } else {
            let (problems, not_carried) = (problems.clone(), not_carried.clone());
            Detail { problems, not_carried, cleared: *cleared }.to_text()?
        };
        let number = outcome_number(*outcome);
        let (target_id, detail) = (target_id.as_deref(), detail.as_deref());
        let no = known.map_or_else(|| self.take_number(run), Ok)?;
        let row = EntryRow { run, no, key, origin: *origin, pass: *pass, outcome: number, target_id, detail };
        self.write_entry(&row)?;
        if *outcome == Outcome::Unknown {
            let mut statement =
                self.connection.prepare_cached("UPDATE intent SET entry = ?3 WHERE run = ?1 AND key = ?2")?;
            statement.execute(params![run.0, key.as_bytes().as_slice(), no])?;
        }
        if let Some(target_id) = target_id {
            links.iter().try_for_each(|link| self.log_link(&Key::of_link(link), Some(target_id)))?;
        }
        Ok(())
    }

    /// The entry that this outcome takes the place of: of an earlier pass, or one whose outcome was unknown. Ends the
    /// intent, unless nobody knows what became of it.
    fn known_entry(&self, run: RunNo, key: &Key, outcome: Outcome) -> Result<Option<i64>, StoreError> {
        let sql = match outcome {
            Outcome::Unknown => "SELECT entry FROM intent WHERE run = ?1 AND key = ?2",
            _ => "DELETE FROM intent WHERE run = ?1 AND key = ?2 RETURNING entry",
        };
        let mut statement = self.connection.prepare_cached(sql)?;
        let known: Option<Option<i64>> =
            statement.query_row(params![run.0, key.as_bytes().as_slice()], |row| row.get(0)).optional()?;
        match known.flatten() {
            Some(no) => Ok(Some(no)),
            None => self.earlier_entry(run, key),
        }
    }

    fn earlier_entry(&self, run: RunNo, key: &Key) -> Result<Option<i64>, StoreError> {
        let Some(last) = self.shared.indexed(run).filter(|last| *last > 0) else { return Ok(None) };
        let (name, run) = (index_name(run), run.0);
        let sql = format!(
            "SELECT no FROM entry INDEXED BY {name} WHERE run = {run} AND no <= {last} AND key = ?1
             ORDER BY no DESC LIMIT 1"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_row([key.as_bytes().as_slice()], |row| row.get(0)).optional()?)
    }

    fn write_entry(&self, row: &EntryRow) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO entry (run, no, key, ordinal, line, pass, outcome, target_id, detail, seal)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (run, no) DO UPDATE SET ordinal = ?4, line = ?5, pass = ?6, outcome = ?7, target_id = ?8,
                 detail = ?9, seal = ?10",
        )?;
        statement.execute(params![
            row.run.0,
            row.no,
            row.key.as_bytes().as_slice(),
            int(row.origin.ordinal),
            int(row.origin.line),
            row.pass,
            row.outcome,
            row.target_id,
            row.detail,
            row.seal(),
        ])?;
        Ok(())
    }

    /// Claims an entry of an earlier pass for this one.
    pub(super) fn claim(&mut self, run: RunNo, key: &Key, pass: u32, origin: Origin) -> Result<(), StoreError> {
        let missing = || StoreError::Misuse(format!("run {} has no entry `{key}` of an earlier pass to claim", run.0));
        let no = self.earlier_entry(run, key)?.ok_or_else(missing)?;
        let mut statement = self.connection.prepare_cached(
            "SELECT outcome, target_id, detail, ordinal, line, pass, seal FROM entry WHERE run = ?1 AND no = ?2",
        )?;
        let mut rows = statement.query([run.0, no])?;
        let row = rows.next()?.ok_or_else(missing)?;
        let (outcome, target_id, detail) = (row.get(0)?, text(row, 1)?, text(row, 2)?);
        let numbers = [row.get(3)?, row.get(4)?, row.get(5)?, outcome];
        prove_seal(row.get(6)?, entry_seal(run, no, key, &numbers, target_id, detail))?;
        let claimed = EntryRow { run, no, key, origin, pass, outcome, target_id, detail };
        let mut statement = self.connection.prepare_cached(
            "UPDATE entry SET ordinal = ?3, line = ?4, pass = ?5, seal = ?6 WHERE run = ?1 AND no = ?2",
        )?;
        statement.execute(params![run.0, no, int(origin.ordinal), int(origin.line), pass, claimed.seal()])?;
        Ok(())
    }

    pub(super) fn note(&mut self, run: RunNo, pass: u32, pure: &Pure) -> Result<(), StoreError> {
        let detail = Detail { problems: pure.problems.clone(), ..Detail::default() }.to_text()?;
        let duplicate_of = pure.duplicate_of.map(int);
        let numbers = [int(pure.origin.ordinal), int(pure.origin.line), i64::from(pass), outcome_number(pure.outcome)];
        let seal = note_seal(run, &numbers, duplicate_of, detail.as_deref());
        let [ordinal, line, pass, outcome] = numbers;
        let mut statement = self.connection.prepare_cached(
            "INSERT OR REPLACE INTO note (run, pass, ordinal, line, outcome, duplicate_of, detail, seal)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        statement.execute(params![run.0, pass, ordinal, line, outcome, duplicate_of, detail, seal])?;
        Ok(())
    }

    pub(super) fn remember(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO memory VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2";
        self.connection.prepare_cached(sql)?.execute([name, value])?;
        Ok(())
    }

    pub(super) fn forget(&mut self, name: &str) -> Result<(), StoreError> {
        self.connection.prepare_cached("DELETE FROM memory WHERE name = ?1")?.execute([name])?;
        Ok(())
    }

    /// Notes a link, or (`None`) that there is none any more.
    pub(super) fn log_link(&self, link: &Key, target_id: Option<&str>) -> Result<(), StoreError> {
        let sql = "INSERT INTO link_log (key, target_id, seal) VALUES (?1, ?2, ?3)";
        let seal = link_seal(link, target_id);
        self.connection.prepare_cached(sql)?.execute(params![link.as_bytes().as_slice(), target_id, seal])?;
        Ok(())
    }

    fn take_number(&mut self, run: RunNo) -> Result<i64, StoreError> {
        let no = self.next_entry(run)?;
        self.next_entry.insert(run, no + 1);
        Ok(no)
    }

    fn next_entry(&mut self, run: RunNo) -> Result<i64, StoreError> {
        if let Some(next) = self.next_entry.get(&run) {
            return Ok(*next);
        }
        let sql = "SELECT coalesce(max(no), 0) + 1 FROM entry WHERE run = ?1";
        let next = self.connection.query_row(sql, [run.0], |row| row.get(0))?;
        self.next_entry.insert(run, next);
        Ok(next)
    }
}

/// The seal of a run: no, name, work, command, done, pass, info.
pub(super) fn run_seal(row: &Row<'_>) -> Result<i64, StoreError> {
    let numbers: [i64; 3] = [row.get(0)?, row.get(4)?, row.get(5)?];
    let texts = [text(row, 1)?, text(row, 2)?, text(row, 3)?, text(row, 6)?];
    Ok(seal(&numbers, &texts.map(|text| text.map(str::as_bytes))))
}

/// Kind, ordinal, line, time, attempt and begun lists of an intent.
fn intent_numbers(intent: &Intent) -> [i64; 6] {
    let Origin { ordinal, line } = intent.origin;
    let (attempt, begun) = (i64::from(intent.attempt), i64::from(intent.begun.bits()));
    [kind_number(intent.kind), int(ordinal), int(line), int(intent.at_ms), attempt, begun]
}

/// The seal of an intent; `numbers` are kind, ordinal, line, time, attempt and begun lists, `texts` are id at the target,
/// identities and what is made.
pub(super) fn intent_seal(
    run: RunNo,
    key: &Key,
    numbers: &[i64; 6],
    image: Option<i64>,
    texts: [Option<&str>; 3],
) -> i64 {
    let [kind, ordinal, line, at_ms, attempt, begun] = *numbers;
    let [target_id, identities, made] = texts.map(|text| text.map(str::as_bytes));
    let texts = [Some(key.as_bytes().as_slice()), target_id, identities, made];
    seal(&[run.0, kind, ordinal, line, at_ms, attempt, begun, image.unwrap_or(-1)], &texts)
}

/// The seal of an image; `texts` are id at the target, what was there and what was written.
pub(super) fn image_seal(run: RunNo, key: &Key, at_ms: i64, texts: [Option<&str>; 3]) -> i64 {
    let [target_id, before, after] = texts.map(|text| text.map(str::as_bytes));
    let texts = [Some(key.as_bytes().as_slice()), target_id, before, after];
    seal(&[run.0, at_ms], &texts)
}

/// The seal of a note; `numbers` are ordinal, line, pass and outcome.
pub(super) fn note_seal(run: RunNo, numbers: &[i64; 4], duplicate_of: Option<i64>, detail: Option<&str>) -> i64 {
    let [ordinal, line, pass, outcome] = *numbers;
    let numbers = [run.0, ordinal, line, pass, outcome, duplicate_of.unwrap_or(-1)];
    seal(&numbers, &[detail.map(str::as_bytes)])
}

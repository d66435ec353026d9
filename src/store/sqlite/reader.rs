//! The reading side of the tables. Every row is checked against its seal before it is used.

use super::error::SqlError;
use super::images;
use super::intents;
use super::links;
use super::rows::{EntryRow, read_key, read_turns, run_seal, text};
use super::schema::{self, Use};
use crate::ids::{CommandKind, RunStatus};
use crate::outcome::Failure;
use crate::record::Origin;
use crate::store::coded::{Detail, check_seal, count, int, note_seal, outcome_of};
use crate::store::contract::{Give, StoreReader, TallyOf};
use crate::store::key::Key;
use crate::store::model::{
    Entry, EntryNo, ImageNo, NumberedEntry, NumberedImage, OpenIntent, OutcomeRow, RunNo, RunRow, Tally, Turns,
};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// Open intents read at a time.
const INTENTS_PAGE: usize = 1000;

/// Entries and source outcomes read at a time: about 1 MiB.
const ROWS_PAGE: i64 = 4096;

/// A connection that reads.
pub(in crate::store) struct SqliteReader {
    connection: Connection,
    path: PathBuf,
}

impl SqliteReader {
    /// Opens a database that exists.
    pub(super) fn open(path: &Path) -> Result<SqliteReader, Failure> {
        let connection = schema::connect(path, Use::Read).map_err(|error| error.failure(path))?;
        Ok(SqliteReader { connection, path: path.to_owned() })
    }

    /// Opens a database for reading only, also while another process writes; `None` when there is none.
    ///
    /// # Errors
    /// Exit 1 when it is damaged or cannot be opened.
    pub(in crate::store) fn look(path: &Path) -> Result<Option<SqliteReader>, Failure> {
        if !path.exists() {
            return Ok(None);
        }
        let left_open = schema::check_length(path)?;
        let reader = SqliteReader::open(path)?;
        if left_open {
            // A reader moves nothing: the log that a killed process has left is for the next process that writes.
            reader.ask(|connection| {
                connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
                Ok(())
            })?;
        }
        Ok(Some(reader))
    }

    fn ask<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, SqlError>) -> Result<T, Failure> {
        ask(&self.connection).map_err(|error| error.failure(&self.path))
    }
}

impl StoreReader for SqliteReader {
    fn another(&self) -> Result<Box<dyn StoreReader>, Failure> {
        Ok(Box::new(SqliteReader::open(&self.path)?))
    }

    fn runs(&mut self) -> Result<Vec<RunRow>, Failure> {
        self.ask(runs)
    }

    fn turns(&mut self) -> Result<Vec<(RunNo, Turns)>, Failure> {
        self.ask(turns)
    }

    fn entries(&mut self, run: RunNo, keys: &[Key]) -> Result<Vec<Option<Entry>>, Failure> {
        self.ask(|connection| entries(connection, run, keys))
    }

    fn has_entries(&mut self, run: RunNo) -> Result<bool, Failure> {
        self.ask(|connection| has_entries(connection, run))
    }

    fn entry_page(&mut self, run: RunNo, after: EntryNo) -> Result<Vec<NumberedEntry>, Failure> {
        self.ask(|connection| entry_page(connection, run, after))
    }

    fn image_page(&mut self, run: RunNo, after: ImageNo) -> Result<Vec<NumberedImage>, Failure> {
        self.ask(|connection| images::page(connection, run, after))
    }

    fn open_intents(&mut self, after: Option<(RunNo, Key)>) -> Result<Vec<OpenIntent>, Failure> {
        self.ask(|connection| intents::page(connection, after, INTENTS_PAGE))
    }

    fn note_page(&mut self, run: RunNo, pass: u32, after: Option<u64>) -> Result<Vec<OutcomeRow>, Failure> {
        self.ask(|connection| note_page(connection, (run, pass), after))
    }

    fn for_each_outcome(&mut self, run: RunNo, pass: u32, give: Give<'_, OutcomeRow>) -> Result<(), Failure> {
        self.ask(|connection| for_each_outcome(connection, run, pass, give))
    }

    fn tally(&mut self, run: RunNo, of: TallyOf) -> Result<Tally, Failure> {
        self.ask(|connection| tally(connection, run, of))
    }

    fn links(&mut self, links: &[Key]) -> Result<Vec<Option<String>>, Failure> {
        self.ask(|connection| {
            // One state of the database, because SQLite locks the file and looks for changes at each.
            let _state = connection.unchecked_transaction()?;
            links.iter().map(|link| links::stored(connection, link)).collect()
        })
    }

    fn has_links(&mut self) -> Result<bool, Failure> {
        self.ask(links::any)
    }

    fn memories(&mut self, prefix: &str) -> Result<Vec<(String, String)>, Failure> {
        self.ask(|connection| memories(connection, prefix))
    }

    fn copy_to(&mut self, file: &Path) -> Result<(), Failure> {
        self.ask(|connection| {
            // SQLite counts it as writing, although it writes to another file only.
            connection.execute_batch("PRAGMA query_only = OFF")?;
            connection.execute("VACUUM INTO ?1", [file.to_string_lossy()])?;
            connection.execute_batch("PRAGMA query_only = ON")?;
            Ok(())
        })
    }
}

fn runs(connection: &Connection) -> Result<Vec<RunRow>, SqlError> {
    let sql = "SELECT no, name, work, command, done, pass, info, seal FROM run ORDER BY no DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        check_seal(row.get(7)?, run_seal(row)?)?;
        let status = if row.get(4)? { RunStatus::Done } else { RunStatus::Unfinished };
        let info = serde_json::from_str(text(row, 6)?.unwrap_or_default())?;
        let (name, work) = (row.get(1)?, row.get(2)?);
        let command = CommandKind::named(text(row, 3)?.unwrap_or_default());
        let command = command.ok_or(SqlError::Damaged("a run belongs to an unknown command"))?;
        runs.push(RunRow { no: RunNo(row.get(0)?), name, work, command, status, pass: row.get(5)?, info });
    }
    Ok(runs)
}

fn turns(connection: &Connection) -> Result<Vec<(RunNo, Turns)>, SqlError> {
    let mut statement = connection.prepare_cached("SELECT run, first, last, how, seal FROM turn ORDER BY run")?;
    let mut rows = statement.query([])?;
    let mut turns = Vec::new();
    while let Some(row) = rows.next()? {
        turns.push(read_turns(row)?);
    }
    Ok(turns)
}

/// By the keys of the entries of earlier passes; of a finished run by going through all of them.
fn entries(connection: &Connection, run: RunNo, keys: &[Key]) -> Result<Vec<Option<Entry>>, SqlError> {
    let mut earlier = connection.prepare_cached(
        "SELECT entry.no, entry.key, ordinal, line, pass, outcome, target_id, detail, seal
         FROM earlier JOIN entry ON entry.run = earlier.run AND entry.no = earlier.no
         WHERE earlier.run = ?1 AND earlier.key = ?2",
    )?;
    let mut any = connection.prepare_cached(
        "SELECT no, key, ordinal, line, pass, outcome, target_id, detail, seal FROM entry
         WHERE run = ?1 AND key = ?2 ORDER BY no DESC LIMIT 1",
    )?;
    let is_finished = is_finished(connection, run)?;
    let statement = if is_finished { &mut any } else { &mut earlier };
    let mut entries = Vec::with_capacity(keys.len());
    for key in keys {
        let mut rows = statement.query(params![run.0, key.as_bytes().as_slice()])?;
        entries.push(rows.next()?.map(|row| read_entry(row, run)).transpose()?);
    }
    Ok(entries)
}

fn is_finished(connection: &Connection, run: RunNo) -> Result<bool, SqlError> {
    let mut statement = connection.prepare_cached("SELECT done FROM run WHERE no = ?1")?;
    Ok(statement.query_row([run.0], |row| row.get(0)).optional()?.unwrap_or_default())
}

fn has_entries(connection: &Connection, run: RunNo) -> Result<bool, SqlError> {
    let sql = match is_finished(connection, run)? {
        true => "SELECT EXISTS (SELECT 1 FROM entry WHERE run = ?1)",
        false => "SELECT EXISTS (SELECT 1 FROM earlier WHERE run = ?1)",
    };
    Ok(connection.prepare_cached(sql)?.query_row([run.0], |row| row.get(0))?)
}

fn entry_page(connection: &Connection, run: RunNo, after: EntryNo) -> Result<Vec<NumberedEntry>, SqlError> {
    let mut statement = connection.prepare_cached(
        "SELECT no, key, ordinal, line, pass, outcome, target_id, detail, seal FROM entry
         WHERE run = ?1 AND no > ?2 ORDER BY no LIMIT ?3",
    )?;
    let mut rows = statement.query(params![run.0, after.0, ROWS_PAGE])?;
    let mut page = Vec::new();
    while let Some(row) = rows.next()? {
        let (no, key) = (EntryNo(row.get(0)?), read_key(row.get_ref(1)?)?);
        page.push(NumberedEntry { no, key, entry: read_entry(row, run)? });
    }
    Ok(page)
}

/// Reads no, key, ordinal, line, pass, outcome, target id, detail, seal.
fn read_entry(row: &Row<'_>, run: RunNo) -> Result<Entry, SqlError> {
    let key = read_key(row.get_ref(1)?)?;
    let numbers: [i64; 4] = [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
    let (target_id, detail) = (text(row, 6)?, text(row, 7)?);
    let expected =
        EntryRow { run, no: row.get(0)?, key: &key, numbers, target_id, detail: detail.map(Cow::Borrowed) }.seal();
    check_seal(row.get(8)?, expected)?;
    let [ordinal, line, pass, outcome] = numbers;
    let Detail { problems, not_carried, cleared } = Detail::from_text(detail)?;
    Ok(Entry {
        outcome: outcome_of(outcome)?,
        origin: Origin { ordinal: count(ordinal)?, line: count(line)? },
        pass: u32::try_from(pass).map_err(|_| SqlError::Damaged("a pass that is impossible"))?,
        target_id: target_id.map(str::to_owned),
        not_carried,
        cleared,
        problems,
    })
}

fn note_page(
    connection: &Connection,
    (run, pass): (RunNo, u32),
    after: Option<u64>,
) -> Result<Vec<OutcomeRow>, SqlError> {
    let mut statement = connection.prepare_cached(
        "SELECT ordinal, line, outcome, duplicate_of, detail, seal FROM note
         WHERE run = ?1 AND pass = ?2 AND ordinal > ?3 ORDER BY ordinal LIMIT ?4",
    )?;
    let mut rows = statement.query(params![run.0, pass, after.map_or(-1, int), ROWS_PAGE])?;
    let mut page = Vec::new();
    while let Some(row) = rows.next()? {
        page.push(read_note(row, run, pass)?);
    }
    Ok(page)
}

/// Reads ordinal, line, outcome, line of the first, detail, seal.
fn read_note(row: &Row<'_>, run: RunNo, pass: u32) -> Result<OutcomeRow, SqlError> {
    let numbers: [i64; 4] = [row.get(0)?, row.get(1)?, i64::from(pass), row.get(2)?];
    let (duplicate_of, detail): (Option<i64>, _) = (row.get(3)?, text(row, 4)?);
    check_seal(row.get(5)?, note_seal(run, &numbers, duplicate_of, detail))?;
    let [ordinal, line, _, outcome] = numbers;
    Ok(OutcomeRow {
        origin: Origin { ordinal: count(ordinal)?, line: count(line)? },
        outcome: outcome_of(outcome)?,
        target_id: None,
        duplicate_of: duplicate_of.map(count).transpose()?,
        problems: Detail::from_text(detail)?.problems,
        key: None,
    })
}

fn tally(connection: &Connection, run: RunNo, of: TallyOf) -> Result<Tally, SqlError> {
    let (sql, pass) = match of {
        TallyOf::Pass(pass) => (ENTRIES_OF_PASS, pass),
        TallyOf::SoFar(pass) => (ALL_ENTRIES, pass),
    };
    let mut tally = Tally::default();
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![run.0, pass])?;
    while let Some(row) = rows.next()? {
        tally.add_entry(read_entry(row, run)?);
    }
    let mut statement = connection.prepare_cached(NOTES_OF_PASS)?;
    let mut rows = statement.query(params![run.0, pass])?;
    while let Some(row) = rows.next()? {
        let note = read_note(row, run, pass)?;
        tally.add(note.outcome, &note.problems);
    }
    Ok(tally)
}

/// The pass is a parameter here as well, so that both texts take the same ones.
const ALL_ENTRIES: &str =
    "SELECT no, key, ordinal, line, pass, outcome, target_id, detail, seal FROM entry WHERE run = ?1 AND ?2 >= 0";

const ENTRIES_OF_PASS: &str =
    "SELECT no, key, ordinal, line, pass, outcome, target_id, detail, seal FROM entry WHERE run = ?1 AND pass = ?2";

const NOTES_OF_PASS: &str =
    "SELECT ordinal, line, outcome, duplicate_of, detail, seal FROM note WHERE run = ?1 AND pass = ?2 ORDER BY ordinal";

/// Entries and source outcomes of a pass, both in the order of origins, as one list.
fn for_each_outcome(
    connection: &Connection,
    run: RunNo,
    pass: u32,
    give: Give<'_, OutcomeRow>,
) -> Result<(), SqlError> {
    let mut give = |row| give(row).map_err(SqlError::Stopped);
    let mut entry_statement = connection.prepare_cached(&format!("{ENTRIES_OF_PASS} ORDER BY ordinal"))?;
    let mut note_statement = connection.prepare_cached(NOTES_OF_PASS)?;
    let mut entries = entry_statement.query(params![run.0, pass])?;
    let mut notes = note_statement.query(params![run.0, pass])?;
    let mut next_note = || notes.next()?.map(|row| read_note(row, run, pass)).transpose();
    let mut note = next_note()?;
    while let Some(row) = entries.next()? {
        let key = read_key(row.get_ref(1)?)?;
        let entry = outcome_row(key, read_entry(row, run)?);
        while let Some(earlier) = note.take_if(|note| note.origin <= entry.origin) {
            give(earlier)?;
            note = next_note()?;
        }
        give(entry)?;
    }
    while let Some(rest) = note.take() {
        give(rest)?;
        note = next_note()?;
    }
    Ok(())
}

fn outcome_row(key: Key, entry: Entry) -> OutcomeRow {
    let Entry { outcome, origin, target_id, problems, .. } = entry;
    OutcomeRow { origin, outcome, target_id, duplicate_of: None, problems, key: Some(key) }
}

/// The upper bound is the beginning with the highest character behind it.
fn memories(connection: &Connection, prefix: &str) -> Result<Vec<(String, String)>, SqlError> {
    let mut statement = connection.prepare_cached(
        "SELECT name, value FROM memory WHERE name >= ?1 AND name <= ?1 || char(1114111)
             AND substr(name, 1, length(?1)) = ?1 ORDER BY name",
    )?;
    let rows = statement.query_map([prefix], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

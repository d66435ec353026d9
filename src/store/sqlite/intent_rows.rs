//! Intents in rows of their own (table `intent`). Which intents have one, `intents.rs` decides.

use super::error::SqlError;
use super::rows::{read_key, text};
use crate::store::coded::{check_seal, identities_text, int, intent_numbers, intent_of, intent_seal};
use crate::store::intent_code::Announced;
use crate::store::key::Key;
use crate::store::model::{OpenIntent, RunNo};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Whether there is any.
pub(super) fn any(connection: &Connection) -> Result<bool, SqlError> {
    Ok(connection.query_row("SELECT EXISTS (SELECT 1 FROM intent)", [], |row| row.get(0))?)
}

/// Whether there is one with this key.
pub(super) fn has(connection: &Connection, run: RunNo, key: &Key) -> Result<bool, SqlError> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM intent WHERE run = ?1 AND key = ?2")?;
    Ok(statement.exists(params![run.0, key.as_bytes().as_slice()])?)
}

/// Adds an intent, in place of an earlier one with its key. The entry that this one stood for is its entry, too.
pub(super) fn put(connection: &Connection, announced: Announced<'_>) -> Result<(), SqlError> {
    let Announced { run, key, intent, image } = announced;
    let (identities, numbers) = (identities_text(&intent.identities)?, intent_numbers(intent));
    let (target_id, made) = (intent.target_id.as_deref(), intent.made.as_deref());
    let [kind, ordinal, line, at_ms, attempt, begun] = numbers;
    let sealed = [run.0, kind, ordinal, line, at_ms, attempt, begun, image.unwrap_or(-1)];
    let seal = intent_seal(&sealed, key, [target_id, Some(&identities), made]);
    let mut statement = connection.prepare_cached(
        "INSERT INTO intent (run, key, kind, ordinal, line, at_ms, attempt, target_id, identities, image, seal, made, begun)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
         ON CONFLICT (run, key) DO UPDATE SET kind = ?3, ordinal = ?4, line = ?5, at_ms = ?6, attempt = ?7,
             target_id = ?8, identities = ?9, image = ?10, seal = ?11, made = ?12, begun = ?13",
    )?;
    let key = key.as_bytes().as_slice();
    statement.execute(params![
        run.0, key, kind, ordinal, line, at_ms, attempt, target_id, identities, image, seal, made, begun
    ])?;
    Ok(())
}

/// Removes an intent; the number of its image. One that stands for an unknown outcome stays, unless `even_unknown`.
pub(super) fn withdraw(
    connection: &Connection,
    (run, key): (RunNo, &Key),
    even_unknown: bool,
) -> Result<Option<i64>, SqlError> {
    let mut statement = connection
        .prepare_cached("DELETE FROM intent WHERE run = ?1 AND key = ?2 AND (entry IS NULL OR ?3) RETURNING image")?;
    let found = statement.query_row(params![run.0, key.as_bytes().as_slice(), even_unknown], |row| row.get(0));
    Ok(found.optional()?.flatten())
}

/// Removes an intent; the entry that it stood for.
pub(super) fn end(connection: &Connection, run: RunNo, key: &Key) -> Result<Option<i64>, SqlError> {
    entry_by(connection, "DELETE FROM intent WHERE run = ?1 AND key = ?2 RETURNING entry", (run, key))
}

/// The entry for which an intent stands.
pub(super) fn entry(connection: &Connection, run: RunNo, key: &Key) -> Result<Option<i64>, SqlError> {
    entry_by(connection, "SELECT entry FROM intent WHERE run = ?1 AND key = ?2", (run, key))
}

fn entry_by(connection: &Connection, sql: &str, (run, key): (RunNo, &Key)) -> Result<Option<i64>, SqlError> {
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row(params![run.0, key.as_bytes().as_slice()], |row| row.get(0));
    Ok(found.optional()?.flatten())
}

/// An intent stands for this entry from now on.
pub(super) fn set_entry(
    connection: &Connection,
    (run, key): (RunNo, &Key),
    entry: Option<i64>,
) -> Result<(), SqlError> {
    let mut statement = connection.prepare_cached("UPDATE intent SET entry = ?3 WHERE run = ?1 AND key = ?2")?;
    statement.execute(params![run.0, key.as_bytes().as_slice(), entry])?;
    Ok(())
}

/// Removes all intents of a run.
pub(super) fn forget(connection: &Connection, run: RunNo) -> Result<(), SqlError> {
    connection.prepare_cached("DELETE FROM intent WHERE run = ?1")?.execute([run.0])?;
    Ok(())
}

/// So many intents after this one, in the order of runs and keys.
pub(super) fn page(
    connection: &Connection,
    after: Option<(RunNo, Key)>,
    len: usize,
) -> Result<Vec<OpenIntent>, SqlError> {
    let mut statement = connection.prepare_cached(
        "SELECT run, key, kind, ordinal, line, at_ms, attempt, target_id, identities, image, seal, made, begun
         FROM intent
         WHERE (run, key) > (?1, ?2) ORDER BY run, key LIMIT ?3",
    )?;
    let (run, key) = after.map_or((i64::MIN, Vec::new()), |(run, key)| (run.0, key.as_bytes().to_vec()));
    let mut rows = statement.query(params![run, key, int(len as u64)])?;
    let mut intents = Vec::new();
    while let Some(row) = rows.next()? {
        intents.push(read(row)?);
    }
    Ok(intents)
}

fn read(row: &Row<'_>) -> Result<OpenIntent, SqlError> {
    let (run, key) = (RunNo(row.get(0)?), read_key(row.get_ref(1)?)?);
    let numbers: [i64; 6] = [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(12)?];
    let texts = [text(row, 7)?, text(row, 8)?, text(row, 11)?];
    let [kind, ordinal, line, at_ms, attempt, begun] = numbers;
    let image: Option<i64> = row.get(9)?;
    let sealed = [run.0, kind, ordinal, line, at_ms, attempt, begun, image.unwrap_or(-1)];
    check_seal(row.get(10)?, intent_seal(&sealed, &key, texts))?;
    let intent = intent_of(numbers, texts)?;
    let sent_by_ms = intent.at_ms;
    Ok(OpenIntent { run, key, intent, sent_by_ms })
}

//! What a run wrote, contact by contact, collected from the images of the run, so that it can be undone or corrected.
//!
//! Of each contact: what was there before the run reached it, and what the run wrote to it last.

use super::file::{Purpose, Scratch};
use crate::change::{Written, add_later};
use crate::outcome::{Failure, Outcome};
use crate::store::{Checkpoint, NO_PASS, RunNo, SqlError, count, int, outcome_number};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;

const PURPOSE: Purpose = Purpose {
    name: "written",
    fails: "what the run wrote cannot be collected in",
    tables: "
        CREATE TABLE image (no INTEGER PRIMARY KEY, key BLOB NOT NULL, id TEXT, before TEXT,
        outcome INTEGER, line INTEGER, is_partial INTEGER, after TEXT NOT NULL);",
};

/// The lists whose items can take a request each.
const ITEMS: [&str; 3] = ["phones", "emails", "handles"];

/// Contacts in a page.
const PAGE: u32 = 256;

/// Everything that a run wrote.
pub struct WrittenByRun {
    scratch: Scratch,
    /// How many contacts, those with an unknown outcome included.
    pub len: u64,
}

/// What a run wrote to one contact.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenContact {
    /// Its place in the order in which the run reached the contacts (from 0).
    pub no: u64,
    /// The line of its record in the source of the run.
    pub line: u64,
    /// Its id; none: it may have been created, which is unknown.
    pub id: Option<String>,
    /// Whether the run created it.
    pub is_created: bool,
    /// Whether the run was stopped while it wrote to it, so that some of it may never have arrived.
    pub is_partial: bool,
    /// The contact as it was before (JSON); none: there was none.
    pub before: Option<String>,
    /// What was written, each value once.
    pub written: Vec<Written>,
}

/// Inserts the images first, then adds the outcomes: the id of a contact that the run created is in its entry only.
fn fill(checkpoint: &Checkpoint, run: RunNo, scratch: &Scratch) -> Result<(), Failure> {
    let connection = scratch.connection();
    let fault = |error: rusqlite::Error| scratch.fault(error);
    let sql = "INSERT INTO image (key, id, before, after) VALUES (?1, ?2, ?3, ?4)";
    let mut insert = connection.prepare(sql).map_err(fault)?;
    checkpoint.images(run, |image| {
        let after = serde_json::to_string(&image.after).map_err(|error| scratch.fault(error))?;
        let key = image.key.as_bytes().as_slice();
        insert.execute(params![key, image.target_id, image.before, after]).map_err(fault)?;
        Ok(())
    })?;
    connection.execute_batch("CREATE INDEX image_key ON image (key)").map_err(fault)?;
    let sql = "UPDATE image SET id = coalesce(id, ?2), outcome = ?3, line = ?4, is_partial = ?5 WHERE key = ?1";
    let mut update = connection.prepare(sql).map_err(fault)?;
    checkpoint.for_each_entry(run, |key, entry| {
        let (outcome, line) = (outcome_number(entry.outcome), int(entry.origin.line));
        let key = key.as_bytes().as_slice();
        // No pass has met the record again, or the platform refused some of its items.
        let is_item = |name: &String| ITEMS.contains(&name.as_str());
        let is_partial = entry.pass == NO_PASS || entry.not_carried.iter().any(is_item);
        update.execute(params![key, entry.target_id, outcome, line, is_partial]).map_err(fault)?;
        Ok(())
    })
}

/// A creation that was not executed, as its outcome says, wrote nothing. One that found a contact in the end created none,
/// and what it was to write is in the image of what was written then.
fn number_contacts(connection: &Connection) -> Result<u64, SqlError> {
    let [created, unknown] = [Outcome::Created, Outcome::Unknown].map(outcome_number);
    connection.execute(
        "DELETE FROM image WHERE before IS NULL AND outcome IS NOT NULL AND outcome NOT IN (?1, ?2)",
        [created, unknown],
    )?;
    connection.execute_batch(
        "CREATE INDEX image_id ON image (id, no);
         CREATE INDEX image_line ON image (line);
         CREATE TABLE contact (no INTEGER PRIMARY KEY, first INTEGER NOT NULL);
         INSERT INTO contact (no, first) SELECT row_number() OVER (ORDER BY first) - 1, first FROM
             (SELECT min(no) AS first FROM image GROUP BY coalesce(id, 'k' || hex(key)), id IS NULL);
         COMMIT",
    )?;
    Ok(count(connection.query_row("SELECT count(*) FROM contact", [], |row| row.get(0))?)?)
}

impl WrittenByRun {
    /// Collects what a run wrote, in a private file in `folder`.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read, or the folder not be written to.
    pub fn of(checkpoint: &Checkpoint, run: RunNo, folder: &Path) -> Result<WrittenByRun, Failure> {
        let scratch = Scratch::create(folder, &PURPOSE)?;
        fill(checkpoint, run, &scratch)?;
        let len = scratch.ask(number_contacts)?;
        Ok(WrittenByRun { scratch, len })
    }

    /// The next contacts from this number on, in the order in which the run reached them; empty after the last.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read.
    pub fn page(&self, from: u64) -> Result<Vec<WrittenContact>, Failure> {
        self.scratch.ask(|connection| {
            let sql = "SELECT contact.no, image.no, coalesce(image.line, 0), image.id, image.before, image.after,
                           coalesce(image.is_partial, TRUE)
                       FROM contact JOIN image ON image.no = contact.first
                       WHERE contact.no >= ?1 ORDER BY contact.no LIMIT ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![int(from), PAGE], |row| {
                let text: String = row.get(5)?;
                let contact = WrittenContact {
                    no: 0,
                    line: 0,
                    id: row.get(3)?,
                    is_created: false,
                    is_partial: row.get(6)?,
                    before: row.get(4)?,
                    written: Vec::new(),
                };
                Ok(([row.get(0)?, row.get(1)?, row.get(2)?], contact, text))
            })?;
            let mut contacts = Vec::new();
            for row in rows {
                let ([no, first, line], mut contact, text) = row?;
                (contact.no, contact.line) = (count(no)?, count(line)?);
                contact.is_created = contact.before.is_none();
                contact.written = serde_json::from_str(&text)?;
                if let Some(id) = &contact.id {
                    add_others(connection, id, first, &mut contact.written)?;
                }
                contacts.push(contact);
            }
            Ok(contacts)
        })
    }

    /// The id of the only contact that the run created from the record on this line.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read.
    pub fn created_from_line(&self, line: u64) -> Result<Option<String>, Failure> {
        self.scratch.ask(|connection| {
            let sql = "SELECT DISTINCT id FROM image WHERE line = ?1 AND before IS NULL AND id IS NOT NULL LIMIT 2";
            let mut statement = connection.prepare_cached(sql)?;
            let ids = statement.query_map([int(line)], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
            Ok(if let [id] = ids.as_slice() { Some(id.clone()) } else { None })
        })
    }

    /// What the run wrote to the contact with this id.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read.
    pub fn by_id(&self, id: &str) -> Result<Option<WrittenContact>, Failure> {
        self.scratch.ask(|connection| {
            let sql = "SELECT no, coalesce(line, 0), before, after, coalesce(is_partial, TRUE) FROM image
                       WHERE id = ?1 ORDER BY no LIMIT 1";
            let mut statement = connection.prepare_cached(sql)?;
            let found = statement.query_row([id], |row| {
                let texts: (Option<String>, String) = (row.get(2)?, row.get(3)?);
                Ok(([row.get(0)?, row.get(1)?], texts, row.get(4)?))
            });
            let Some(([first, line], (before, text), is_partial)) = found.optional()? else { return Ok(None) };
            let mut written: Vec<Written> = serde_json::from_str(&text)?;
            add_others(connection, id, first, &mut written)?;
            Ok(Some(WrittenContact {
                no: 0,
                line: count(line)?,
                id: Some(id.to_owned()),
                is_created: before.is_none(),
                is_partial,
                before,
                written,
            }))
        })
    }
}

/// Adds what was written to the same contact after the first time.
fn add_others(connection: &Connection, id: &str, first: i64, written: &mut Vec<Written>) -> Result<(), SqlError> {
    let mut statement = connection.prepare_cached("SELECT after FROM image WHERE id = ?1 AND no > ?2 ORDER BY no")?;
    let rows = statement.query_map(params![id, first], |row| row.get::<_, String>(0))?;
    for text in rows {
        add_later(written, serde_json::from_str(&text?)?);
    }
    Ok(())
}

//! A database that is filled with what another store has: what a preview works on, where the truth is not in a file.

use super::error::SqlError;
use super::intent_rows;
use super::rows::EntryRow;
use super::schema::{self, Use};
use super::tables::Tables;
use crate::change::{StepKind, WrittenValues};
use crate::contact::FieldSet;
use crate::ids::RunStatus;
use crate::outcome::{Failure, Outcome};
use crate::record::Origin;
use crate::store::coded::{detail_text, int, link_seal, outcome_number, run_seal};
use crate::store::intent_code::Announced;
use crate::store::key::Key;
use crate::store::model::{Image, Intent, NumberedEntry, OpenIntent, OutcomeRow, RunNo, RunRow, SourceOutcome, Turns};
use rusqlite::params;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// A database while it is filled, in one transaction.
pub(in crate::store) struct Fill {
    tables: Tables,
    path: PathBuf,
}

impl Fill {
    /// Creates the database.
    ///
    /// # Errors
    /// Exit 1 when it cannot be created.
    pub(in crate::store) fn create(path: &Path) -> Result<Fill, Failure> {
        schema::create(path)?;
        let connect = || -> Result<Tables, SqlError> {
            let connection = schema::connect(path, Use::Write)?;
            connection.execute_batch("BEGIN IMMEDIATE")?;
            Ok(Tables::new(connection))
        };
        Ok(Fill { tables: connect().map_err(|error| error.failure(path))?, path: path.to_owned() })
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// As [`Fill::create`].
    pub(in crate::store) fn end(mut self) -> Result<(), Failure> {
        let end = |tables: &mut Tables| {
            tables.write_images()?;
            tables.connection.execute_batch("COMMIT")?;
            Ok(())
        };
        end(&mut self.tables).map_err(|error: SqlError| error.failure(&self.path))
    }

    fn write(&mut self, write: impl FnOnce(&mut Tables) -> Result<(), SqlError>) -> Result<(), Failure> {
        write(&mut self.tables).map_err(|error| error.failure(&self.path))
    }

    /// Adds a run with its number.
    pub(in crate::store) fn run(&mut self, run: &RunRow) -> Result<(), Failure> {
        self.write(|tables| {
            let RunRow { no, name, work, command, status, pass, info } = run;
            let (is_done, info) = (i64::from(*status == RunStatus::Done), serde_json::to_string(info)?);
            let texts = [Some(&**name), Some(&**work), Some(command.name()), Some(&*info)];
            let seal = run_seal([no.0, is_done, i64::from(*pass)], texts);
            let sql = "INSERT INTO run (no, name, work, command, done, pass, info, seal) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
            let mut statement = tables.connection.prepare_cached(sql)?;
            statement.execute(params![no.0, name, work, command.name(), is_done, pass, info, seal])?;
            Ok(())
        })
    }

    /// Adds the turns of a run; the next turn is later.
    pub(in crate::store) fn turns(&mut self, run: RunNo, turns: &Turns) -> Result<(), Failure> {
        self.write(|tables| {
            tables.keep_turns(run, turns)?;
            let sql = "INSERT INTO counter VALUES ('turn', ?1) ON CONFLICT (name) DO UPDATE SET value = max(value, ?1)";
            tables.connection.execute(sql, [int(turns.last)])?;
            Ok(())
        })
    }

    /// Adds an entry with its number.
    pub(in crate::store) fn entry(&mut self, run: RunNo, numbered: &NumberedEntry) -> Result<(), Failure> {
        self.write(|tables| {
            let NumberedEntry { no, key, entry } = numbered;
            let detail = detail_text(&entry.problems, &entry.not_carried, entry.cleared)?;
            let Origin { ordinal, line } = entry.origin;
            let numbers = [int(ordinal), int(line), i64::from(entry.pass), outcome_number(entry.outcome)];
            let (target_id, detail) = (entry.target_id.as_deref(), detail.map(Cow::Owned));
            tables.write_entry(&EntryRow { run, no: no.0, key, numbers, target_id, detail })
        })
    }

    /// Adds an image.
    pub(in crate::store) fn image(&mut self, run: RunNo, image: &Image) -> Result<(), Failure> {
        let Image { key, target_id, at_ms, before, after } = image.clone();
        let after = WrittenValues::from(&after[..]);
        let (kind, identities, origin) = (StepKind::Change, Vec::new(), Origin { ordinal: 0, line: 0 });
        let (attempt, made, begun) = (0, None, FieldSet::default());
        let intent = Intent { kind, identities, origin, at_ms, attempt, target_id, before, after, made, begun };
        self.write(|tables| tables.add_image(run, &key, &intent))
    }

    /// Adds an intent; an entry of its key whose outcome is unknown is the one that it stands for.
    pub(in crate::store) fn intent(&mut self, open: &OpenIntent) -> Result<(), Failure> {
        self.write(|tables| {
            let OpenIntent { run, key, intent, .. } = open;
            intent_rows::put(&tables.connection, Announced { run: *run, key, intent, image: None })?;
            let sql = "SELECT max(no) FROM entry WHERE run = ?1 AND key = ?2 AND outcome = ?3";
            let of = params![run.0, key.as_bytes().as_slice(), outcome_number(Outcome::Unknown)];
            let entry = tables.connection.prepare_cached(sql)?.query_row(of, |row| row.get(0))?;
            intent_rows::set_entry(&tables.connection, (*run, key), entry)
        })
    }

    /// Adds a source outcome.
    pub(in crate::store) fn note(&mut self, run: RunNo, pass: u32, row: OutcomeRow) -> Result<(), Failure> {
        let OutcomeRow { origin, outcome, duplicate_of, problems, .. } = row;
        let note = SourceOutcome { origin, outcome, duplicate_of, problems };
        self.write(|tables| tables.note(run, pass, &note))
    }

    /// Adds a link.
    pub(in crate::store) fn link(&mut self, link: &Key, target_id: &str) -> Result<(), Failure> {
        self.write(|tables| {
            let mut statement = tables.connection.prepare_cached("INSERT INTO link VALUES (?1, ?2, ?3)")?;
            statement.execute(params![link.as_bytes().as_slice(), target_id, link_seal(link, Some(target_id))])?;
            Ok(())
        })
    }

    /// Adds a remembered value.
    pub(in crate::store) fn memory(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        self.write(|tables| tables.remember(name, value))
    }
}

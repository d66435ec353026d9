//! A snapshot: everybody at the target, as one paged read found them, on disk and found by id or identity.
//!
//! It is a private file that is gone when the snapshot is, however the process ends. It proves who was absent or
//! unchanged when it was taken, no more; what follows from that is not its business.

use super::schema::StoreError;
use super::{Key, file, guard};
use crate::identity::IdentityValue;
use crate::outcome::Failure;
use rusqlite::{Connection, OptionalExtension, params};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tempfile::TempPath;

/// Memory for pages, in KiB. Everything is appended, then sorted once; more only helps look-ups, and those have the
/// system's cache.
const CACHE_KIB: u32 = 4096;

/// Statements kept prepared: more than there are.
const STATEMENTS: usize = 16;

/// A snapshot that is being taken.
pub struct Filling(Snapshot);

/// A snapshot that is complete.
pub struct Snapshot {
    connection: Mutex<Connection>,
    folder: PathBuf,
    len: u64,
    /// Only where an open file cannot lose its name.
    _file: Option<TempPath>,
}

impl Snapshot {
    /// Begins a snapshot in a folder, which is made if need be.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written there.
    pub fn create(folder: &Path) -> Result<Filling, Failure> {
        let cannot = |error: std::io::Error| {
            Failure::failed(format!("no snapshot can be written to `{}`", folder.display()))
                .cause(error)
                .hint("make room, or name another folder with `--state`")
        };
        file::create_folder_of(&folder.join("snapshot")).map_err(cannot)?;
        let made = tempfile::Builder::new().prefix("snapshot-").suffix(".db").tempfile_in(folder).map_err(cannot)?;
        file::make_private(made.as_file()).map_err(cannot)?;
        let path = made.into_temp_path();
        let connection = prepare(&path).map_err(|error| failure(error, folder))?;
        let _file = if cfg!(unix) { path.close().map(|()| None).map_err(cannot)? } else { Some(path) };
        let connection = Mutex::new(connection);
        Ok(Filling(Snapshot { connection, folder: folder.to_owned(), len: 0, _file }))
    }

    /// How many people it holds.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nobody was there.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The contact with this id (JSON as it was added), in its latest version.
    ///
    /// # Errors
    /// Exit 1 when the snapshot cannot be read.
    pub fn by_id(&self, id: &str) -> Result<Option<String>, Failure> {
        self.ask(|connection| latest(connection, id).map(|found| found.map(|(_, json)| json)))
    }

    /// Everybody with this identity value, by id and contact (JSON as it was added), each once.
    ///
    /// # Errors
    /// Exit 1 when the snapshot cannot be read.
    pub fn by_identity(&self, identity: &IdentityValue) -> Result<Vec<(String, String)>, Failure> {
        self.ask(|connection| with_identity(connection, &Key::of_link(identity)))
    }

    fn ask<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, Failure> {
        ask(&guard(&self.connection)).map_err(|error| failure(error, &self.folder))
    }
}

impl Filling {
    /// Adds a page of a pass over the target: id, contact (JSON) and identity values of each. Somebody added before is
    /// replaced. Says how many of them this pass had not met before.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn add(&mut self, pass: u32, found: &[(&str, &str, &[IdentityValue])]) -> Result<u64, Failure> {
        let mut first_met = 0;
        let (news, len) = (&mut first_met, &mut 0);
        self.0.ask(|connection| {
            let known = "SELECT pass FROM met WHERE id = ?1";
            let mut known = connection.prepare_cached(known)?;
            let mut meet = connection.prepare_cached("INSERT OR REPLACE INTO met VALUES (?1, ?2)")?;
            let mut person = connection.prepare_cached("INSERT INTO person (id, contact) VALUES (?1, ?2)")?;
            let mut identity = connection.prepare_cached("INSERT INTO identity VALUES (?1, ?2)")?;
            for (id, contact, identities) in found {
                let before: Option<u32> = known.query_row([id], |row| row.get(0)).optional()?;
                if before != Some(pass) {
                    meet.execute(params![id, pass])?;
                    *news += 1;
                }
                if before.is_none() {
                    *len += 1;
                }
                let no = person.insert(params![id, contact])?;
                for value in *identities {
                    identity.execute(params![Key::of_link(value).as_bytes().as_slice(), no])?;
                }
            }
            Ok(())
        })?;
        let (news, len) = (*news, *len);
        self.0.len += len;
        Ok(news)
    }

    /// How many people it holds so far.
    pub fn len(&self) -> u64 {
        self.0.len
    }

    /// Whether nobody was there so far.
    pub fn is_empty(&self) -> bool {
        self.0.len == 0
    }

    /// Completes it, so that it can be asked.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn done(self) -> Result<Snapshot, Failure> {
        self.0.ask(|connection| {
            connection.execute_batch(
                "DROP TABLE met; CREATE INDEX person_id ON person (id);
                 CREATE INDEX identity_key ON identity (key, person); COMMIT",
            )?;
            Ok(())
        })?;
        Ok(self.0)
    }
}

/// No journal and no sync: it need not survive anything. One connection, so that it need not have a name either.
fn prepare(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA mmap_size = 0;
         PRAGMA cache_size = -{CACHE_KIB};
         BEGIN EXCLUSIVE;
         CREATE TABLE person (no INTEGER PRIMARY KEY, id TEXT NOT NULL, contact TEXT NOT NULL);
         CREATE TABLE met (id TEXT PRIMARY KEY, pass INTEGER NOT NULL) WITHOUT ROWID;
         CREATE TABLE identity (key BLOB NOT NULL, person INTEGER NOT NULL);"
    ))?;
    Ok(connection)
}

fn latest(connection: &Connection, id: &str) -> Result<Option<(i64, String)>, StoreError> {
    let sql = "SELECT no, contact FROM person WHERE id = ?1 ORDER BY no DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

fn with_identity(connection: &Connection, key: &Key) -> Result<Vec<(String, String)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT DISTINCT person.no, id, contact FROM identity JOIN person ON person.no = identity.person
         WHERE key = ?1
             AND NOT EXISTS (SELECT 1 FROM person AS later WHERE later.id = person.id AND later.no > person.no)
         ORDER BY person.no",
    )?;
    let rows = statement.query_map([key.as_bytes().as_slice()], |row| Ok((row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn failure(error: StoreError, folder: &Path) -> Failure {
    Failure::failed(format!("the snapshot in `{}` failed", folder.display()))
        .cause(error)
        .hint("make room there, or name another folder with `--state`")
}

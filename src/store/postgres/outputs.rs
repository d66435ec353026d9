//! The files that Ferry wrote, as far as machines that share a store have to know: the lines of their ledgers, by the path and
//! the content; and what the last export wrote, with which the next one compares. The files themselves are not here.

use super::address::PostgresAddress;
use super::database::Database;
use super::error::DbError;
use super::read::rows;
use crate::files::{Fingerprint, SharedLines, Written};
use crate::outcome::Failure;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

/// Bytes of a file in one row.
const PART_LEN: u64 = 1 << 20;

/// Days for which it is known what a file held before it was replaced.
const REPLACED_DAYS: i32 = 7;

/// The lines about files that the machines of a store wrote.
pub fn shared_lines(address: &PostgresAddress) -> SharedLines {
    let (asked, told, forgetting) = (address.clone(), address.clone(), address.clone());
    SharedLines {
        ask: Arc::new(move |path, content| lines(&asked, path, content).map_err(io::Error::other)),
        tell: Arc::new(move |written| tell(&told, written).map_err(io::Error::other)),
        forget: Arc::new(move |path| forget(&forgetting, path).map_err(io::Error::other)),
    }
}

/// The lines about a path or a content, the oldest first. Lines that a later version wrote otherwise are passed over.
fn lines(address: &PostgresAddress, path: &str, content: Option<&Fingerprint>) -> Result<Vec<Written>, Failure> {
    let (path, hash) = (path.to_owned(), content.map(|content| content.hash.clone()));
    address.database()?.ask(move |client| {
        let (path, hash) = (path.clone(), hash.clone());
        async move {
            let sql = "SELECT line FROM ferry.output WHERE path = $1 OR hash = $2 ORDER BY at";
            let text = |row: &tokio_postgres::Row| Ok::<String, DbError>(row.try_get(0)?);
            let found = rows(&client, sql, &[&path, &hash]).await?;
            let texts = found.iter().map(text).collect::<Result<Vec<_>, _>>()?;
            Ok(texts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect())
        }
    })
}

fn tell(address: &PostgresAddress, written: &Written) -> Result<(), Failure> {
    let line = serde_json::to_string(written);
    let line = line.map_err(|error| Failure::failed("what was written cannot be kept").cause(error))?;
    let (path, hash) = (written.path.clone(), written.content.hash.clone());
    address.database()?.ask(move |client| {
        let (path, hash, line) = (path.clone(), hash.clone(), line.clone());
        async move {
            let sql = "WITH gone AS (DELETE FROM ferry.output WHERE path = $1 AND hash <> $2
                                     AND at < clock_timestamp() - make_interval(days => $4))
                       INSERT INTO ferry.output (path, hash, line) VALUES ($1, $2, $3)
                       ON CONFLICT (path, hash) DO UPDATE SET line = excluded.line, at = clock_timestamp()";
            rows(&client, sql, &[&path, &hash, &line, &REPLACED_DAYS]).await.map(drop)
        }
    })
}

fn forget(address: &PostgresAddress, path: &str) -> Result<(), Failure> {
    let path = path.to_owned();
    address.database()?.ask(move |client| {
        let path = path.clone();
        async move { rows(&client, "DELETE FROM ferry.output WHERE path = $1", &[&path]).await.map(drop) }
    })
}

/// Files that the machines of a store have in common, by their names.
#[derive(Clone)]
pub struct SharedFiles(Database);

impl SharedFiles {
    /// Those of a database.
    pub fn of(database: Database) -> SharedFiles {
        SharedFiles(database)
    }

    /// Brings a file to this machine, if the store has it and it is another than the one at `to`.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read or written.
    pub fn fetch(&self, name: &str, to: &Path) -> Result<(), Failure> {
        let fault = |error: io::Error| Failure::failed(format!("`{}` cannot be written", to.display())).cause(error);
        let Some(content) = self.content(name)? else { return Ok(()) };
        if Fingerprint::of(to).is_ok_and(|held| held == content) {
            return Ok(());
        }
        let folder = to.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(fault)?;
        for part in 0.. {
            let Some(data) = self.part(name, &content.hash, part)? else { break };
            file.write_all(&data).map_err(fault)?;
        }
        let whole = Fingerprint::of(file.path()).map_err(fault)?;
        if whole != content {
            return Err(Failure::failed(format!("`{name}` was replaced in the store while it was read"))
                .hint("run the same command again"));
        }
        file.persist(to).map_err(|error| fault(error.error))?;
        Ok(())
    }

    fn content(&self, name: &str) -> Result<Option<Fingerprint>, Failure> {
        let name = name.to_owned();
        self.0.ask(move |client| {
            let name = name.clone();
            async move {
                let found = rows(&client, "SELECT len, hash FROM ferry.file WHERE name = $1", &[&name]).await?;
                let read = |row: &tokio_postgres::Row| {
                    let (len, hash): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
                    Ok::<_, DbError>(Fingerprint { len: len.unsigned_abs(), hash })
                };
                found.first().map(read).transpose()
            }
        })
    }

    fn part(&self, name: &str, hash: &str, part: i32) -> Result<Option<Vec<u8>>, Failure> {
        let (name, hash) = (name.to_owned(), hash.to_owned());
        self.0.ask(move |client| {
            let (name, hash) = (name.clone(), hash.clone());
            async move {
                let sql = "SELECT data FROM ferry.file_part WHERE name = $1 AND hash = $2 AND part = $3";
                let found = rows(&client, sql, &[&name, &hash, &part]).await?;
                Ok(found.first().map(|row| row.try_get(0)).transpose()?)
            }
        })
    }

    /// Keeps a file under this name. It replaces the one before when all its parts are there.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read or stored.
    pub fn put(&self, name: &str, from: &Path) -> Result<(), Failure> {
        let fault = |error: io::Error| Failure::failed(format!("`{}` cannot be read", from.display())).cause(error);
        let content = Fingerprint::of(from).map_err(fault)?;
        let mut file = File::open(from).map_err(fault)?;
        for part in 0.. {
            let mut data = Vec::new();
            Read::by_ref(&mut file).take(PART_LEN).read_to_end(&mut data).map_err(fault)?;
            if data.is_empty() {
                break;
            }
            self.put_part(name, &content.hash, (part, data))?;
        }
        self.put_name(name, content)
    }

    fn put_part(&self, name: &str, hash: &str, part: (i32, Vec<u8>)) -> Result<(), Failure> {
        let (name, hash, part) = (name.to_owned(), hash.to_owned(), Arc::new(part));
        self.0.ask(move |client| {
            let (name, hash, part) = (name.clone(), hash.clone(), Arc::clone(&part));
            async move {
                let (part, data) = &*part;
                let sql = "INSERT INTO ferry.file_part (name, hash, part, data) VALUES ($1, $2, $3, $4)
                           ON CONFLICT (name, hash, part) DO NOTHING";
                rows(&client, sql, &[&name, &hash, part, data]).await.map(drop)
            }
        })
    }

    /// From now on the name stands for these parts; those that it stood for go.
    fn put_name(&self, name: &str, content: Fingerprint) -> Result<(), Failure> {
        let (name, len) = (name.to_owned(), crate::store::coded::int(content.len));
        self.0.ask(move |client| {
            let (name, hash) = (name.clone(), content.hash.clone());
            async move {
                let sql = "WITH gone AS (DELETE FROM ferry.file_part p USING ferry.file f
                                         WHERE f.name = $1 AND p.name = $1 AND p.hash = f.hash AND f.hash <> $3)
                           INSERT INTO ferry.file (name, len, hash) VALUES ($1, $2, $3)
                           ON CONFLICT (name) DO UPDATE SET len = excluded.len, hash = excluded.hash";
                rows(&client, sql, &[&name, &len, &hash]).await.map(drop)
            }
        })
    }
}

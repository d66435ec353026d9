//! Runs in a shared store as users see them: their records, and the files of their folders (receipts, reports, rejects), so
//! that every machine can show them. Scratch data is not among them.

use super::database::Database;
use super::error::DbError;
use super::read::rows;
use crate::outcome::Failure;
use std::time::Duration;

/// Bytes of a file in one row.
const PART_LEN: usize = 1 << 20;

/// Records of runs read at once; each has some kilobytes.
const RUNS_PAGE: i64 = 256;

/// Names of removed runs that are kept.
const REMOVED_MAX: i64 = 100_000;

/// Runs of a shared store.
#[derive(Clone)]
pub struct SharedRuns(Database);

/// The record of a run.
#[derive(Clone, Debug)]
pub struct KeptRun {
    /// The name of the run.
    pub name: String,
    /// When it began.
    pub started_ms: u64,
    /// What makes another run the same work.
    pub work: String,
    /// Its command.
    pub command: &'static str,
    /// The record itself.
    pub record: String,
}

/// Which runs are asked for: those that fit everything that is given.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunsWanted<'a> {
    /// The end of their name.
    pub name_end: Option<&'a str>,
    /// Their work.
    pub work: Option<&'a str>,
    /// Their command.
    pub command: Option<&'a str>,
}

/// Where a run stands among the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunPlace {
    /// When it began.
    pub started_ms: i64,
    /// Its name.
    pub name: String,
}

/// A record as it is kept.
#[derive(Clone, Debug)]
pub struct PlacedRecord {
    /// Where it stands.
    pub place: RunPlace,
    /// The record.
    pub record: String,
}

/// A file of a run's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFile {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub data: Vec<u8>,
}

impl SharedRuns {
    /// The runs of a database.
    pub fn of(database: Database) -> SharedRuns {
        SharedRuns(database)
    }

    /// What makes the commands that are stored here known as written through this database.
    pub fn store_id(&self) -> &str {
        self.0.id()
    }

    /// Keeps the record of a run, in place of an earlier one; says that its process is alive.
    ///
    /// # Errors
    /// Exit 1 when the database cannot be written.
    pub fn put(&self, run: KeptRun) -> Result<(), Failure> {
        let (started_ms, run) = (crate::store::coded::int(run.started_ms), std::sync::Arc::new(run));
        self.0.ask(move |client| {
            let run = std::sync::Arc::clone(&run);
            async move {
                let KeptRun { name, work, command, record, .. } = &*run;
                let sql = "INSERT INTO ferry.run_record (name, started_ms, work, command, record)
                           VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO UPDATE
                           SET record = excluded.record, work = excluded.work, command = excluded.command,
                               alive_at = clock_timestamp()";
                rows(&client, sql, &[name, &started_ms, work, command, record]).await.map(drop)
            }
        })
    }

    /// A page of the records of runs after this place, the newest first; blank after the last.
    ///
    /// # Errors
    /// Exit 1 when the database cannot be read.
    pub fn page(&self, wanted: RunsWanted<'_>, after: Option<&RunPlace>) -> Result<Vec<PlacedRecord>, Failure> {
        let wanted = [wanted.name_end, wanted.work, wanted.command].map(|text| text.map(str::to_owned));
        let (started_ms, name) = after.map(|after| (after.started_ms, after.name.clone())).unzip();
        self.0.ask(move |client| {
            let ([name_end, work, command], name) = (wanted.clone(), name.clone());
            async move {
                let sql = "SELECT started_ms, name, record FROM ferry.run_record
                           WHERE ($1::text IS NULL OR right(name, length($1)) = $1)
                           AND ($2::text IS NULL OR work = $2) AND ($3::text IS NULL OR command = $3)
                           AND ($4::bigint IS NULL OR started_ms <= $4 AND (started_ms, name) < ($4, $5))
                           ORDER BY started_ms DESC, name DESC LIMIT $6";
                let found = rows(&client, sql, &[&name_end, &work, &command, &started_ms, &name, &RUNS_PAGE]).await?;
                let read = |row: &tokio_postgres::Row| {
                    let place = RunPlace { started_ms: row.try_get(0)?, name: row.try_get(1)? };
                    Ok::<_, DbError>(PlacedRecord { place, record: row.try_get(2)? })
                };
                found.iter().map(read).collect()
            }
        })
    }

    /// How long ago the process of a run last said that it was alive.
    ///
    /// # Errors
    /// Exit 1 when the database cannot be read.
    pub fn silent_for(&self, name: &str) -> Result<Option<Duration>, Failure> {
        let name = name.to_owned();
        let seconds: Option<f64> = self.0.ask(move |client| {
            let name = name.clone();
            async move {
                let sql = "SELECT extract(epoch FROM clock_timestamp() - alive_at)::float8 FROM ferry.run_record WHERE name = $1";
                Ok(rows(&client, sql, &[&name]).await?.first().map(|row| row.try_get(0)).transpose()?)
            }
        })?;
        Ok(seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
    }

    /// Keeps the files of a run's folder, in place of those that were kept.
    ///
    /// # Errors
    /// Exit 1 when the database cannot be written.
    pub fn put_files(&self, run: &str, files: Vec<RunFile>) -> Result<(), Failure> {
        let (run, files) = (run.to_owned(), std::sync::Arc::new(files));
        self.0.ask(move |mut client| {
            let (run, files) = (run.clone(), std::sync::Arc::clone(&files));
            async move {
                let transaction = client.transaction().await?;
                transaction.execute("DELETE FROM ferry.run_file WHERE run = $1", &[&run]).await?;
                let sql = "INSERT INTO ferry.run_file (run, file, part, data) VALUES ($1, $2, $3, $4)";
                for file in files.iter() {
                    // A file without content has one part all the same.
                    let parts = file.data.chunks(PART_LEN).chain(file.data.is_empty().then_some(&[][..]));
                    for (part, data) in (0i32..).zip(parts) {
                        transaction.execute(sql, &[&run, &file.name, &part, &data]).await?;
                    }
                }
                Ok(transaction.commit().await?)
            }
        })
    }

    /// The files of a run's folder.
    ///
    /// # Errors
    /// Exit 1 when the database cannot be read.
    pub fn files(&self, run: &str) -> Result<Vec<RunFile>, Failure> {
        let run = run.to_owned();
        self.0.ask(move |client| {
            let run = run.clone();
            async move {
                let sql = "SELECT file, data FROM ferry.run_file WHERE run = $1 ORDER BY file, part";
                let mut files: Vec<RunFile> = Vec::new();
                for row in rows(&client, sql, &[&run]).await? {
                    let (name, data): (String, &[u8]) = (row.try_get(0)?, row.try_get(1)?);
                    match files.last_mut().filter(|last| last.name == name) {
                        Some(last) => last.data.extend(data),
                        None => files.push(RunFile { name, data: data.to_vec() }),
                    }
                }
                Ok(files)
            }
        })
    }

    /// Removes a run and its files, and keeps that it was removed; without a day nothing is kept of it.
    ///
    /// # Errors
    /// Exit 1 when the database cannot be written.
    pub fn remove(&self, run: &str, day: Option<&str>, rejects: u64) -> Result<(), Failure> {
        let (run, day, rejects) = (run.to_owned(), day.map(str::to_owned), crate::store::coded::int(rejects));
        self.0.ask(move |mut client| {
            let (run, day) = (run.clone(), day.clone());
            async move {
                let transaction = client.transaction().await?;
                transaction.execute("DELETE FROM ferry.run_file WHERE run = $1", &[&run]).await?;
                transaction.execute("DELETE FROM ferry.run_record WHERE name = $1", &[&run]).await?;
                if let Some(day) = day {
                    let sql =
                        "INSERT INTO ferry.removed_run (name, day, rejects) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
                    transaction.execute(sql, &[&run, &day, &rejects]).await?;
                }
                Ok(transaction.commit().await?)
            }
        })
    }

    /// The run that was removed last of those whose names end so: name, day, rejects.
    ///
    /// # Errors
    /// Exit 1 when the database cannot be read.
    pub fn removed(&self, name_end: &str) -> Result<Option<(String, String, u64)>, Failure> {
        let name_end = name_end.to_owned();
        self.0.ask(move |client| {
            let name_end = name_end.clone();
            async move {
                let sql = "SELECT name, day, rejects FROM ferry.removed_run WHERE right(name, length($1)) = $1
                           ORDER BY day DESC, name DESC LIMIT 1";
                let read = |row: &tokio_postgres::Row| {
                    let rejects: i64 = row.try_get(2)?;
                    Ok::<_, DbError>((row.try_get(0)?, row.try_get(1)?, rejects.unsigned_abs()))
                };
                rows(&client, sql, &[&name_end]).await?.first().map(read).transpose()
            }
        })
    }

    /// The runs of an account that were removed and of which rows are left, because the process that removed them was killed.
    ///
    /// # Errors
    /// Exit 1 when the database cannot be read.
    pub fn half_removed(&self, account: &str) -> Result<Vec<String>, Failure> {
        let account = account.to_owned();
        self.0.ask(move |client| {
            let account = account.clone();
            async move {
                let sql = "SELECT r.name FROM ferry.run r JOIN ferry.account a ON a.id = r.account
                           JOIN ferry.removed_run d ON d.name = r.name WHERE a.key = $1";
                rows(&client, sql, &[&account]).await?.iter().map(|row| Ok(row.try_get(0)?)).collect()
            }
        })
    }

    /// Forgets the names of runs that were removed long ago, and of which nothing is left.
    ///
    /// # Errors
    /// Exit 1 when the database cannot be written.
    pub fn forget_removed(&self) -> Result<(), Failure> {
        self.0.ask(|client| async move {
            let sql = "DELETE FROM ferry.removed_run d WHERE d.name IN (
                           SELECT name FROM ferry.removed_run ORDER BY day DESC, name DESC OFFSET $1)
                       AND NOT EXISTS (SELECT 1 FROM ferry.run r WHERE r.name = d.name)";
            rows(&client, sql, &[&REMOVED_MAX]).await.map(drop)
        })
    }
}

//! What a spool holds, batch by batch, each in one buffer: for those who write it on as it is. Nothing is parsed here.

use super::spool::{Spool, failure, look};
use crate::outcome::Failure;
use crate::store::SqlError;
use rusqlite::{Connection, params};
use std::path::PathBuf;

/// Rows of a batch at most.
const ROWS: usize = 1024;
/// Bytes after which a batch is full; its last row may be longer.
const BYTES: usize = 64 * 1024;

/// A batch.
#[derive(Debug, Default)]
pub struct Stored {
    /// Each row's id, and its JSON behind it.
    text: String,
    rows: Vec<Place>,
}

/// Where a row ends in the text of its batch.
#[derive(Clone, Copy, Debug)]
struct Place {
    ordinal: u64,
    id_end: usize,
    end: usize,
}

/// See [`super::spool::Row`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct StoredRow<'s> {
    pub ordinal: u64,
    pub id: &'s str,
    pub json: &'s str,
}

impl Stored {
    /// The rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = StoredRow<'_>> {
        let mut begin = 0;
        self.rows.iter().filter_map(move |place| {
            let (id, json) = (self.text.get(begin..place.id_end)?, self.text.get(place.id_end..place.end)?);
            begin = place.end;
            Some(StoredRow { ordinal: place.ordinal, id, json })
        })
    }

    /// The JSON of each row, and a line end behind it.
    pub fn lines(&self) -> Vec<u8> {
        let mut lines = Vec::with_capacity(self.text.len());
        for row in self.rows() {
            lines.extend_from_slice(row.json.as_bytes());
            lines.push(b'\n');
        }
        lines
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// How many bytes they have.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl Spool {
    /// All that it holds in the order in which it was first met, or as many of it as `limit` says, read through a connection
    /// of its own. Nothing comes after an error.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read.
    pub fn stored(
        &self,
        limit: Option<u64>,
    ) -> Result<impl Iterator<Item = Result<Stored, Failure>> + Send + use<>, Failure> {
        let path = self.path().to_owned();
        let connection = look(&path).map_err(|error| failure(error, &path))?;
        let limit = limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(i64::MAX);
        Ok(Batches { connection, path, limit, last: 0, is_over: false })
    }

    /// What is told when a row is not what was written.
    pub fn damaged(&self) -> Failure {
        failure(SqlError::Damaged("a row that is no JSON object"), self.path())
    }
}

struct Batches {
    connection: Connection,
    path: PathBuf,
    limit: i64,
    /// The number of the last row that was read.
    last: i64,
    is_over: bool,
}

impl Batches {
    fn read(&mut self) -> Result<Stored, SqlError> {
        let sql = "SELECT no, id, json FROM held WHERE no > ?1 AND no <= ?2 ORDER BY no";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![self.last, self.limit])?;
        let mut stored = Stored { text: String::with_capacity(BYTES * 9 / 8), rows: Vec::with_capacity(ROWS) };
        while stored.rows.len() < ROWS && stored.text.len() < BYTES {
            let Some(row) = rows.next()? else { break };
            self.last = row.get(0)?;
            let text = |index| row.get_ref(index)?.as_str().map_err(|_| SqlError::Damaged("a row that is no text"));
            stored.text.push_str(text(1)?);
            let id_end = stored.text.len();
            stored.text.push_str(text(2)?);
            let ordinal = u64::try_from(self.last - 1).unwrap_or_default();
            stored.rows.push(Place { ordinal, id_end, end: stored.text.len() });
        }
        Ok(stored)
    }
}

impl Iterator for Batches {
    type Item = Result<Stored, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let read = self.read().map_err(|error| failure(error, &self.path));
        self.is_over = read.as_ref().is_ok_and(Stored::is_empty) || read.is_err();
        Some(read).filter(|read| !read.as_ref().is_ok_and(Stored::is_empty))
    }
}

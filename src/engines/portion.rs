//! Records of a stream that are imported together: gathered in a private file, with the states among them. What a record
//! says is not looked at here.

use super::protocol::State;
use crate::outcome::Failure;
use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::mem;
use std::path::{Path, PathBuf};
use tokio::time::Instant;

/// The most bytes of records and states that are gathered before they are imported.
pub(super) const BYTES_MAX: u64 = 64 << 20;

/// Records that are imported together.
#[derive(Debug)]
pub struct Portion {
    /// The file in which they stand, in JSON Lines.
    pub file: PathBuf,
    /// The stream that they belong to.
    pub stream: String,
    /// The properties that identify a record.
    pub key: Vec<String>,
    /// How many there are; none: there are only states.
    pub records: u64,
    /// The states among them, each with the records since the state before it.
    pub states: Vec<(State, u64)>,
}

/// A portion that is being gathered.
pub(super) struct Gathering {
    path: PathBuf,
    writer: BufWriter<File>,
    pub stream: String,
    pub key: Vec<String>,
    pub records: u64,
    pub states: Vec<(State, u64)>,
    /// The bytes of records and states.
    pub bytes: u64,
    /// When the first record came.
    pub since: Option<Instant>,
    /// Nothing more is put in: what comes next is of another kind.
    pub is_closed: bool,
}

impl Gathering {
    /// Begins a portion in this file.
    ///
    /// # Errors
    /// Exit 1 when the file cannot be created.
    pub fn begin(path: &Path) -> Result<Gathering, Failure> {
        let writer = BufWriter::with_capacity(256 << 10, create(path).map_err(|error| fault(path, &error))?);
        let (path, stream, key, states) = (path.to_owned(), String::new(), Vec::new(), Vec::new());
        Ok(Gathering { path, writer, stream, key, records: 0, states, bytes: 0, since: None, is_closed: false })
    }

    /// Adds a record.
    ///
    /// # Errors
    /// Exit 1 when the file cannot be written.
    pub fn add(&mut self, json: &str) -> Result<(), Failure> {
        // Between the values of JSON it is a blank; for a reader of lines it would end the record.
        let line = if json.contains('\r') { Cow::Owned(json.replace('\r', " ")) } else { Cow::Borrowed(json) };
        let written = self.writer.write_all(line.as_bytes()).and_then(|()| self.writer.write_all(b"\n"));
        written.map_err(|error| fault(&self.path, &error))?;
        self.records += 1;
        self.bytes += json.len() as u64 + 1;
        self.since.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// Adds a state; where only the last one counts, it takes the place of those before it.
    pub fn add_state(&mut self, state: State, records: u64, is_last_enough: bool) {
        let before = if is_last_enough { mem::take(&mut self.states) } else { Vec::new() };
        let records = before.iter().fold(records, |sum, (_, records)| sum + records);
        self.bytes += state.json.len() as u64;
        self.states.push((state, records));
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.records == 0 && self.states.is_empty()
    }

    /// Drops what was gathered.
    pub fn drop_all(&mut self) {
        (self.records, self.bytes, self.since, self.is_closed) = (0, 0, None, false);
        self.states.clear();
    }

    /// Ends the portion, whose file becomes this one, and begins the next.
    ///
    /// # Errors
    /// Exit 1 when the files cannot be written.
    pub fn take(&mut self, file: &Path) -> Result<Portion, Failure> {
        let states = mem::take(&mut self.states);
        let (stream, key, records) = (self.stream.clone(), self.key.clone(), self.records);
        if records > 0 {
            let path = self.path.clone();
            let moved = self.writer.flush().and_then(|()| std::fs::rename(&path, file));
            moved.map_err(|error| fault(&path, &error))?;
            *self = Gathering { stream: stream.clone(), key: key.clone(), ..Gathering::begin(&path)? };
        }
        (self.bytes, self.is_closed) = (0, false);
        Ok(Portion { file: file.to_owned(), stream, key, records, states })
    }
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn fault(path: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("the records cannot be kept in `{}`", path.display())).cause(error)
}

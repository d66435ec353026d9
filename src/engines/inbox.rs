//! A stream on standard input, handed out in portions. What is done with a portion is the caller's.

use super::gate::{Gate, Next};
use super::protocol::Protocol;
use super::reader::{Reader, Streams};
use crate::outcome::Failure;
use crate::report::Console;
use crate::run::stop::Stop;
use crate::store::Lock;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Bytes read at a time.
const READ_LEN: usize = 256 << 10;

/// What is received, and where it is kept.
pub struct InboxAsked<'a> {
    /// The protocol of the stream.
    pub protocol: Arc<dyn Protocol>,
    /// Whose records are taken, and which are announced already.
    pub streams: Streams,
    /// The folder of the portions.
    pub folder: &'a Path,
    /// What the portions are known by among others.
    pub name: &'a str,
    /// Where warnings are printed.
    pub console: &'a Console,
}

/// A stream that is received.
pub struct Inbox {
    gate: Arc<Gate>,
    files: [PathBuf; 2],
    _lock: Lock,
}

impl Inbox {
    /// Begins to read. `keys`: those of the streams that are announced already.
    ///
    /// # Errors
    /// Exit 7 when another process receives for the same account; exit 1 when nothing can be kept.
    pub fn begin(
        asked: InboxAsked<'_>,
        announced: Vec<(String, Vec<String>)>,
        input: impl Read + Send + 'static,
    ) -> Result<Inbox, Failure> {
        let InboxAsked { protocol, mut streams, folder, name, console } = asked;
        let file = folder.join(format!("{name}.jsonl"));
        let lock = Lock::take_for(&file, "is receiving a stream for this connection")?;
        let gathered = folder.join(format!("{name}.next"));
        let gate = Arc::new(Gate::new(&gathered, file.clone())?);
        for (stream, key) in announced {
            if let Some(key) = streams.begin(&stream, key)? {
                gate.begin(&stream, key);
            }
        }
        let reader = Reader::new(protocol, Arc::clone(&gate), console.clone(), streams);
        let read = move || reader.read_all(BufReader::with_capacity(READ_LEN, input));
        std::thread::Builder::new().spawn(read).map_err(|error| no_thread(&error))?;
        Ok(Inbox { gate, files: [file, gathered], _lock: lock })
    }

    /// Waits for what comes next.
    ///
    /// # Errors
    /// What ended the stream, when everything before that was handed out; exit 1 when a portion cannot be written.
    pub async fn next(&self, stop: &Stop) -> Result<Next, Failure> {
        self.gate.next(stop).await
    }

    /// So many records took so long to import; the next portions are made accordingly.
    pub fn adapt(&self, records: u64, took: Duration) {
        self.gate.adapt(records, took);
    }

    /// Removes the records, all of which have arrived. What cannot be removed does no harm.
    pub fn remove(&self) {
        for file in &self.files {
            let _ = std::fs::remove_file(file);
        }
    }
}

/// The system gives no thread for a stream.
pub fn no_thread(error: &io::Error) -> Failure {
    Failure::failed("no thread can be started for the stream")
        .cause(error)
        .hint("raise the limit on processes (`ulimit -u`), or end others, then start both sides again")
}

impl Drop for Inbox {
    /// The reader would wait for room until the process ends.
    fn drop(&mut self) {
        self.gate.close();
    }
}

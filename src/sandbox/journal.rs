//! What one platform acknowledged, on disk: a file of JSON Lines, one changed contact a line, only ever appended to.
//!
//! One task writes. It takes everything that waits, writes it at once and syncs once, so that many requests share a
//! sync; an answer leaves only when the sync that holds its change, and every change it could have seen, is done. It
//! does not know what a line says, and does not shrink the file.

use super::locked::locked;
use crate::outcome::Failure;
use crate::store::Lock;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::mem;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// A journal that is open for appending. Dropping it ends its task after what waits is written.
pub(super) struct Journal {
    shared: Arc<Shared>,
    synced: watch::Receiver<u64>,
    task: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    waiting: Mutex<Waiting>,
    wake: Notify,
}

/// What is to be written. Bounded by the requests in flight, each of which waits for its line.
#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Lines appended since the journal was opened.
    appended: u64,
    closing: bool,
}

/// The journal can no longer be written; the reason was logged when it happened.
#[derive(Debug)]
pub(super) struct Lost;

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        locked(&self.waiting)
    }
}

impl Journal {
    /// Opens or creates the journal, hands every whole line to `load`, and cuts off a torn last one (which was never
    /// acknowledged). `lock` stays held until the last byte is written.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or cut, and a line that `load` does not take.
    pub(super) fn open(
        path: &Path,
        lock: Arc<Lock>,
        load: impl FnMut(&str) -> Result<(), String>,
    ) -> Result<Journal, Failure> {
        let file = open_private(path).and_then(|file| {
            sync_folder(path)?;
            Ok(file)
        });
        let mut file = file.map_err(|cause| broken(path, cause))?;
        let whole = read(&file, path, load)?;
        let cut = file.set_len(whole).and_then(|()| file.seek(SeekFrom::End(0)));
        cut.map_err(|cause| broken(path, cause))?;

        let shared = Arc::new(Shared { waiting: Mutex::default(), wake: Notify::new() });
        let (sender, synced) = watch::channel(0);
        let task = tokio::spawn(write_all(file, lock, Arc::clone(&shared), sender));
        Ok(Journal { shared, synced, task: Mutex::new(Some(task)) })
    }

    /// Appends a line (without its end).
    pub(super) fn append(&self, line: &str) {
        let mut waiting = self.shared.waiting();
        waiting.bytes.extend_from_slice(line.as_bytes());
        waiting.bytes.push(b'\n');
        waiting.appended += 1;
        drop(waiting);
        self.shared.wake.notify_one();
    }

    /// How many lines were appended so far, to wait for.
    pub(super) fn appended(&self) -> u64 {
        self.shared.waiting().appended
    }

    /// Waits until so many lines are on disk.
    pub(super) async fn synced(&self, appended: u64) -> Result<(), Lost> {
        if *self.synced.borrow() >= appended {
            return Ok(());
        }
        let mut synced = self.synced.clone();
        synced.wait_for(|&synced| synced >= appended).await.map(|_| ()).map_err(|_| Lost)
    }

    /// Writes what waits and ends the task.
    pub(super) async fn close(&self) {
        self.begin_closing();
        let task = locked(&self.task).take();
        if let Some(task) = task {
            let _ended = task.await;
        }
    }

    fn begin_closing(&self) {
        self.shared.waiting().closing = true;
        self.shared.wake.notify_one();
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.begin_closing();
    }
}

/// The one writer. It ends when the journal closes, or at the first failure, after which nothing is acknowledged.
async fn write_all(mut file: File, lock: Arc<Lock>, shared: Arc<Shared>, synced: watch::Sender<u64>) {
    let mut spare = Vec::new();
    loop {
        let (bytes, appended, closing) = take(&shared, mem::take(&mut spare));
        if bytes.is_empty() {
            if closing {
                break;
            }
            spare = bytes;
            shared.wake.notified().await;
            continue;
        }
        match tokio::task::spawn_blocking(move || write(file, bytes)).await {
            Ok(Ok((same_file, emptied))) => {
                (file, spare) = (same_file, emptied);
                synced.send_replace(appended);
            }
            Ok(Err(error)) => {
                tracing::error!("the sandbox's journal cannot be written: {error}");
                break;
            }
            Err(_) => break,
        }
    }
    drop(lock);
}

/// Takes everything that waits, and leaves an empty buffer.
fn take(shared: &Shared, empty: Vec<u8>) -> (Vec<u8>, u64, bool) {
    let mut waiting = shared.waiting();
    (mem::replace(&mut waiting.bytes, empty), waiting.appended, waiting.closing)
}

fn write(mut file: File, mut bytes: Vec<u8>) -> io::Result<(File, Vec<u8>)> {
    file.write_all(&bytes)?;
    file.sync_data()?;
    bytes.clear();
    Ok((file, bytes))
}

/// Hands every whole line to `load`; gives how many bytes they are.
fn read(file: &File, path: &Path, mut load: impl FnMut(&str) -> Result<(), String>) -> Result<u64, Failure> {
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut line = Vec::new();
    let mut whole = 0;
    for number in 1_u64.. {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).map_err(|cause| broken(path, cause))?;
        let Some(content) = line.strip_suffix(b"\n") else { break };
        let loaded = std::str::from_utf8(content).map_err(|error| error.to_string()).and_then(&mut load);
        loaded.map_err(|cause| damaged(path, number, cause))?;
        whole += read as u64;
    }
    Ok(whole)
}

/// Opens for reading and appending; what is created is the user's alone.
fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes the file's name itself survive a power cut.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

fn broken(path: &Path, cause: io::Error) -> Failure {
    Failure::failed(format!("the sandbox's file `{}` cannot be used", path.display()))
        .cause(cause)
        .hint("name another folder, or correct this one's permissions")
}

fn damaged(path: &Path, number: u64, cause: String) -> Failure {
    Failure::failed(format!("line {number} of the sandbox's file `{}` is damaged", path.display()))
        .cause(cause)
        .hint("move the file away; the sandbox begins without it")
}

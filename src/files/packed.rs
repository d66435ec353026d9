//! Bytes as they are stored: counted, decompressed, and limited.
//!
//! It knows gzip and zstd by their first bytes. It does not interpret what they contain.

use super::fingerprint::{Fingerprint, Fingerprinted};
use super::format::Packing;
use crate::outcome::Failure;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// The most decompressed bytes for each stored byte. Text compresses about ten times; gzip cannot compress more than 1,032
/// times, and a file near that is an attack or zeros.
const UNPACKED_RATIO_MAX: u64 = 1000;

/// Below this many decompressed bytes the ratio is not checked, because it means nothing for a few lines.
const UNPACKED_LEN_FREE: u64 = 1 << 20;

/// The zstd window (2^27 = 128 MiB) that `zstd --long` uses; more would let a file decide how much memory is taken.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// Bytes read from the disk at once.
const STORED_BUFFER_LEN: usize = 64 << 10;

/// A file's bytes, unpacked.
pub(super) struct Unpacked {
    /// The bytes.
    pub reader: Box<dyn Read + Send>,
    /// How many stored bytes have been read so far.
    pub bytes_read: Arc<AtomicU64>,
    /// How many there are.
    pub bytes_total: u64,
    /// What all of them are, once they were read to their end.
    pub content: Arc<OnceLock<Fingerprint>>,
    /// Whether they are compressed as stored.
    pub is_packed: bool,
}

/// Why a file cannot be opened; of one that is not there, where it was looked for.
fn refused(path: &Path, shown: &str, error: &io::Error) -> Failure {
    let failure = Failure::usage(format!("`{shown}` cannot be read")).cause(error);
    match (error.kind(), std::path::absolute(path)) {
        (io::ErrorKind::NotFound, Ok(whole)) if whole != path => {
            failure.hint(format!("check the path `{}`", whole.display()))
        }
        (io::ErrorKind::PermissionDenied, _) => {
            failure.hint("ask for read permission, or copy the file to a folder that you can read")
        }
        _ => failure,
    }
}

/// Opens the file at `path`, called `shown` in messages.
///
/// # Errors
/// Exit 2 when it cannot be opened, or is a folder.
pub(super) fn open_packed(path: &Path, shown: &str) -> Result<Unpacked, Failure> {
    let refused = |error: io::Error| refused(path, shown, &error);
    let file = File::open(path).map_err(refused)?;
    let facts = file.metadata().map_err(refused)?;
    if facts.is_dir() {
        return Err(Failure::usage(format!("`{shown}` is a folder")).hint("name a file in it"));
    }
    let bytes_read = Arc::new(AtomicU64::new(0));
    let content = Arc::default();
    let counted = Counted::new(Fingerprinted::new(file, &content), &bytes_read);
    let mut stored = BufReader::with_capacity(STORED_BUFFER_LEN, counted);
    let packing = packing_of(stored.fill_buf().map_err(refused)?, path);
    let reader: Box<dyn Read + Send> = match packing {
        None => Box::new(stored),
        Some(Packing::Gzip) => bounded(flate2::bufread::MultiGzDecoder::new(stored), &bytes_read),
        Some(Packing::Zstd) => {
            let mut decoder = zstd::Decoder::with_buffer(stored).map_err(refused)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(refused)?;
            bounded(decoder, &bytes_read)
        }
    };
    Ok(Unpacked { reader, bytes_read, bytes_total: facts.len(), content, is_packed: packing.is_some() })
}

/// How a file is compressed, by its first bytes; by its name if the file is shorter than those.
fn packing_of(first: &[u8], path: &Path) -> Option<Packing> {
    const MAGIC_LEN: usize = 4;
    let by_name = || {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        Packing::of_name(&name).map(|(packing, _)| packing)
    };
    let cut = !first.is_empty() && first.len() < MAGIC_LEN;
    Packing::of_content(first).or_else(|| if cut { by_name() } else { None })
}

/// Counts what goes through.
pub(super) struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    /// Counts in `read` what is read of `inner`.
    pub fn new(inner: R, read: &Arc<AtomicU64>) -> Counted<R> {
        Counted { inner, read: Arc::clone(read) }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Something that unpacks to far more than it was.
#[derive(Debug, thiserror::Error)]
#[error("it unpacks to more than {UNPACKED_RATIO_MAX} times its size")]
struct TooDense;

/// Ends with an error where too much comes out of too little.
struct Bounded<R> {
    inner: R,
    stored: Arc<AtomicU64>,
    unpacked: u64,
}

/// Limits what comes out of `inner` by what it takes of the stored bytes that `stored` counts.
pub(super) fn bounded(inner: impl Read + Send + 'static, stored: &Arc<AtomicU64>) -> Box<dyn Read + Send> {
    Box::new(Bounded { inner, stored: Arc::clone(stored), unpacked: 0 })
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.unpacked += n as u64;
        let allowed = self.stored.load(Ordering::Relaxed).saturating_mul(UNPACKED_RATIO_MAX).max(UNPACKED_LEN_FREE);
        if self.unpacked > allowed {
            return Err(io::Error::other(TooDense));
        }
        Ok(n)
    }
}

/// Whether reading stopped at the limit.
pub(super) fn is_too_dense(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<TooDense>())
}

/// Why a file could not be read to its end, reported after all complete records.
pub(super) fn read_failure(shown: &str, error: &io::Error, line: u64) -> Failure {
    if is_too_dense(error) {
        let message = format!("`{shown}` unpacks to more than {UNPACKED_RATIO_MAX} times its size (at line {line})");
        return Failure::failed(message)
            .hint("no list of contacts compresses so well; decompress the file and check its content");
    }
    if error.kind() == io::ErrorKind::UnexpectedEof {
        let message = format!("`{shown}` ends in the middle: its compressed data is cut off at line {line}");
        return Failure::failed(message).cause(error).hint("copy or download the file again");
    }
    Failure::failed(format!("`{shown}` cannot be read on at line {line}"))
        .cause(error)
        .hint("copy or download the file again; damaged compressed data cannot be repaired")
}

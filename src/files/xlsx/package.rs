//! The parts of a workbook's zip archive, each a stream that is decompressed as it is read, limited and checked.
//!
//! It does not know what a part contains.

use crate::files::packed::{Counted, bounded};
use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

/// The most entries of an archive; a workbook has a few for each sheet.
const ENTRIES_MAX: usize = 10_000;

/// Bytes read from the disk at once.
const STORED_BUFFER_LEN: usize = 64 << 10;

/// The archive.
pub(super) struct Package {
    file: File,
    archive: ZipArchive<File>,
    /// The places of the entries by their names, in lower case with `/`.
    names: HashMap<String, usize>,
}

/// One part as a stream.
pub(super) struct Part {
    pub reader: Box<dyn Read + Send>,
    /// How many of its stored bytes have been read.
    pub stored_read: Arc<AtomicU64>,
    /// How many it has.
    pub stored_len: u64,
}

impl Package {
    /// Reads the directory of the archive.
    pub fn open(file: File) -> io::Result<Package> {
        let archive = ZipArchive::new(file.try_clone()?).map_err(|error| match error {
            ZipError::InvalidArchive(_) => {
                io::Error::other("its end is missing or damaged, so it is not a whole workbook")
            }
            error => io::Error::other(error),
        })?;
        if archive.len() > ENTRIES_MAX {
            return Err(io::Error::other(format!("it has {} entries; {ENTRIES_MAX} is the most", archive.len())));
        }
        let names = archive.file_names_raw().map(|name| folded(&String::from_utf8_lossy(name)));
        let names = names.enumerate().map(|(at, name)| (name, at)).collect();
        Ok(Package { file, archive, names })
    }

    /// Whether it has a part of this name.
    pub fn has(&self, name: &str) -> bool {
        self.names.contains_key(&folded(name))
    }

    /// The part of this name from its beginning. Parts share the place in the file: only the one that was opened last
    /// may be read.
    pub fn part(&mut self, name: &str) -> io::Result<Part> {
        let at = self.names.get(&folded(name)).copied();
        let at = at.ok_or_else(|| io::Error::other(format!("its part `{name}` is missing")))?;
        let (start, stored_len, method, checksum) = {
            let entry = self.archive.by_index_raw(at).map_err(io::Error::other)?;
            if entry.encrypted() {
                return Err(io::Error::other("it is encrypted"));
            }
            let start = entry.data_start().ok_or_else(|| io::Error::other(format!("`{name}` has no place")))?;
            (start, entry.compressed_size(), entry.compression(), entry.crc32())
        };
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(start))?;
        let stored_read = Arc::new(AtomicU64::new(0));
        let stored = Counted::new(file.take(stored_len), &stored_read);
        let stored = BufReader::with_capacity(STORED_BUFFER_LEN, stored);
        let unpacked: Box<dyn Read + Send> = match method {
            CompressionMethod::Stored => Box::new(stored),
            CompressionMethod::Deflated => bounded(DeflateDecoder::new(stored), &stored_read),
            other => return Err(io::Error::other(format!("`{name}` is compressed by {other}, which is not usual"))),
        };
        let reader = Box::new(Checked { inner: unpacked, crc: Crc::new(), checksum });
        Ok(Part { reader, stored_read, stored_len })
    }
}

/// Names are compared without regard to case; some programs write `\` for `/`.
fn folded(name: &str) -> String {
    name.replace('\\', "/").trim_start_matches('/').to_lowercase()
}

/// Compares the checksum at the end.
struct Checked {
    inner: Box<dyn Read + Send>,
    crc: Crc,
    checksum: u32,
}

impl Read for Checked {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.crc.update(buf.get(..n).unwrap_or_default());
        if n == 0 && !buf.is_empty() && self.crc.sum() != self.checksum {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its data does not have the stored checksum"));
        }
        Ok(n)
    }
}

//! A file without a name: bytes are appended to it, and read by their place. It is private, for one process and one purpose,
//! and gone when that process is. What the bytes mean belongs to the file that creates it.

use crate::outcome::Failure;
use crate::store::create_folder_of;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Bytes in memory before they are written.
const UNWRITTEN_MAX: usize = 64 * 1024;

const HINT: &str = "make room there, or name another folder with `--state`";

/// The file.
pub(super) struct Appended {
    file: File,
    /// How many bytes are in it.
    written: u64,
    /// Those that follow.
    unwritten: Vec<u8>,
    folder: PathBuf,
    fails: &'static str,
}

impl Appended {
    /// An empty one on the disk of a folder, which is created if it is missing. `fails`: the message when it fails; the
    /// folder follows.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written there.
    pub fn create(folder: &Path, fails: &'static str) -> Result<Appended, Failure> {
        let created = create_folder_of(&folder.join("any")).and_then(|()| tempfile::tempfile_in(folder));
        let file = created.map_err(|error| failed(fails, folder, error))?;
        Ok(Appended { file, written: 0, unwritten: Vec::new(), folder: folder.to_owned(), fails })
    }

    /// Another empty one there.
    ///
    /// # Errors
    /// As [`Appended::create`].
    pub fn another(&self) -> Result<Appended, Failure> {
        Appended::create(&self.folder, self.fails)
    }

    /// How many bytes it has.
    pub fn len(&self) -> u64 {
        self.written + self.unwritten.len() as u64
    }

    /// Appends bytes; where they begin.
    ///
    /// # Errors
    /// Exit 1 when they cannot be written.
    pub fn append(&mut self, bytes: &[u8]) -> Result<u64, Failure> {
        let begin = self.len();
        self.unwritten.extend_from_slice(bytes);
        if self.unwritten.len() >= UNWRITTEN_MAX {
            self.write()?;
        }
        Ok(begin)
    }

    fn write(&mut self) -> Result<(), Failure> {
        self.file.write_all(&self.unwritten).map_err(|error| self.failed(error))?;
        self.written += self.unwritten.len() as u64;
        self.unwritten.clear();
        Ok(())
    }

    /// Writes what is in memory, whose space is freed.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.write()?;
        self.unwritten = Vec::new();
        Ok(())
    }

    /// Reads the bytes that begin there, as many as there is room for, or up to the end; how many.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read.
    pub fn read(&self, begin: u64, room: &mut [u8]) -> Result<usize, Failure> {
        let mut len = 0;
        while let Some(rest) = room.get_mut(len..).filter(|rest| !rest.is_empty()) {
            let at = begin + len as u64;
            let read = match at.checked_sub(self.written).map(usize::try_from) {
                None => {
                    let in_file = usize::try_from(self.written - at).unwrap_or(usize::MAX).min(rest.len());
                    let rest = rest.get_mut(..in_file).unwrap_or_default();
                    read_at(&self.file, rest, at).map_err(|error| self.failed(error))?
                }
                Some(Ok(at)) => {
                    let bytes = self.unwritten.get(at..).unwrap_or_default();
                    bytes.iter().zip(rest).map(|(byte, room)| *room = *byte).count()
                }
                Some(Err(_)) => 0,
            };
            if read == 0 {
                break;
            }
            len += read;
        }
        Ok(len)
    }

    /// The failure for an error.
    pub fn failed(&self, error: impl Into<io::Error>) -> Failure {
        failed(self.fails, &self.folder, error.into())
    }
}

#[cfg(unix)]
fn read_at(file: &File, room: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, room, at)
}

/// Moves the place at which the file is written, which is put back.
#[cfg(not(unix))]
fn read_at(mut file: &File, room: &mut [u8], at: u64) -> io::Result<usize> {
    use std::io::{Read, Seek, SeekFrom};
    use std::sync::{Mutex, PoisonError};
    static PLACE: Mutex<()> = Mutex::new(());
    let _place = PLACE.lock().unwrap_or_else(PoisonError::into_inner);
    let end = file.stream_position()?;
    file.seek(SeekFrom::Start(at))?;
    let read = file.read(room);
    file.seek(SeekFrom::Start(end))?;
    read
}

fn failed(fails: &str, folder: &Path, error: io::Error) -> Failure {
    let failure = Failure::failed(format!("{fails} `{}`", folder.display()));
    let is_full = error.kind() == io::ErrorKind::StorageFull;
    let failure = if is_full { failure.cause("the disk is full") } else { failure };
    failure.cause(error).hint(HINT)
}

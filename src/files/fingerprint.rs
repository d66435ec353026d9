//! The size and the hash of what a file holds, of a file or while it is read or written.

use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// A file is read this much at a time.
const READ_LEN: usize = 256 << 10;

/// What is hashed at once begins and ends at multiples of this: of other pieces much would be hashed byte by byte.
const HASHED_LEN: usize = 64 << 10;

/// The size and the hash of what a file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Bytes.
    pub len: u64,
    /// BLAKE3, in hexadecimal digits.
    pub hash: String,
}

impl Fingerprint {
    /// That of the file at `path`.
    ///
    /// # Errors
    /// Why it cannot be read to its end.
    pub fn of(path: &Path) -> io::Result<Fingerprint> {
        let mut file = File::open(path)?;
        let (mut so_far, mut buffer) = (FingerprintSoFar::default(), vec![0; READ_LEN]);
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok(so_far.end());
            }
            so_far.add(buffer.get(..read).unwrap_or_default());
        }
    }
}

/// The fingerprint of what has been written or read so far.
#[derive(Debug, Default)]
pub struct FingerprintSoFar {
    len: u64,
    hasher: blake3::Hasher,
    /// What is not hashed yet, less than [`HASHED_LEN`].
    rest: Vec<u8>,
}

impl FingerprintSoFar {
    /// Adds what comes next.
    pub fn add(&mut self, bytes: &[u8]) {
        self.len += bytes.len() as u64;
        let mut bytes = bytes;
        if !self.rest.is_empty() {
            let missing = HASHED_LEN.saturating_sub(self.rest.len()).min(bytes.len());
            let (first, others) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
            self.rest.extend_from_slice(first);
            bytes = others;
            if self.rest.len() < HASHED_LEN {
                return;
            }
            self.hasher.update(&self.rest);
            self.rest.clear();
        }
        let whole_len = bytes.len() - bytes.len() % HASHED_LEN;
        let (whole, rest) = bytes.split_at_checked(whole_len).unwrap_or((bytes, &[]));
        self.hasher.update(whole);
        self.rest.extend_from_slice(rest);
    }

    /// The fingerprint.
    pub fn end(&self) -> Fingerprint {
        let mut hasher = self.hasher.clone();
        hasher.update(&self.rest);
        Fingerprint { len: self.len, hash: hasher.finalize().to_hex().to_string() }
    }
}

/// A reader that knows the fingerprint of its content once it was read to its end.
pub(super) struct Fingerprinted<R> {
    inner: R,
    so_far: FingerprintSoFar,
    content: Arc<OnceLock<Fingerprint>>,
}

impl<R> Fingerprinted<R> {
    /// Puts the fingerprint of `inner` into `content`.
    pub fn new(inner: R, content: &Arc<OnceLock<Fingerprint>>) -> Fingerprinted<R> {
        Fingerprinted { inner, so_far: FingerprintSoFar::default(), content: Arc::clone(content) }
    }
}

impl<R: Read> Read for Fingerprinted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        match buf.get(..n) {
            Some([]) if !buf.is_empty() => {
                let _is_known = self.content.set(self.so_far.end());
            }
            read => self.so_far.add(read.unwrap_or_default()),
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_fingerprint_is_the_same_of_a_file_and_of_what_was_read() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"id,name\n1,Ana\n").unwrap();
        let content = Arc::default();
        let mut reader = Fingerprinted::new(File::open(file.path()).unwrap(), &content);
        assert_eq!(reader.read(&mut []).unwrap(), 0);
        assert_eq!(reader.read(&mut [0; 3]).unwrap(), 3);
        assert_eq!(content.get(), None, "it was not read to its end");
        io::copy(&mut reader, &mut io::sink()).unwrap();
        assert_eq!(content.get(), Some(&Fingerprint::of(file.path()).unwrap()));
        assert_eq!(content.get().unwrap().len, 14);
    }
}

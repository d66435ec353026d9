//! Rejects kept on disk until the columns of their file are known.

use super::temporary::unnamed_in;
use crate::outcome::{Problem, Reject};
use crate::record::Origin;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Rejects on disk, in a file without a name that goes when this does.
pub(super) struct Spool {
    file: BufWriter<File>,
    count: u64,
}

impl Spool {
    /// An empty spool on the disk of `folder`.
    pub fn new_in(folder: &Path) -> io::Result<Spool> {
        Ok(Spool { file: BufWriter::new(unnamed_in(folder)?), count: 0 })
    }

    /// Keeps one more.
    pub fn push(&mut self, reject: &Reject) -> io::Result<()> {
        self.number(reject.origin.ordinal)?;
        self.number(reject.origin.line)?;
        self.bytes(&reject.raw)?;
        self.bytes(&serde_json::to_vec(&reject.problems)?)?;
        self.count += 1;
        Ok(())
    }

    fn number(&mut self, number: u64) -> io::Result<()> {
        self.file.write_all(&number.to_le_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.number(bytes.len() as u64)?;
        self.file.write_all(bytes)
    }

    /// How many are kept.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Goes through all of them, in order.
    pub fn each<E: From<io::Error>>(&mut self, mut visit: impl FnMut(Reject) -> Result<(), E>) -> Result<(), E> {
        self.file.flush()?;
        let file = self.file.get_mut();
        file.seek(SeekFrom::Start(0))?;
        let mut from = BufReader::new(&*file);
        for _ in 0..self.count {
            visit(pull(&mut from)?)?;
        }
        drop(from);
        file.seek(SeekFrom::End(0))?;
        Ok(())
    }
}

fn pull(from: &mut impl Read) -> io::Result<Reject> {
    let origin = Origin { ordinal: pull_number(from)?, line: pull_number(from)? };
    let raw = pull_bytes(from)?.into_boxed_slice();
    let problems: Vec<Problem> = serde_json::from_slice(&pull_bytes(from)?)?;
    Ok(Reject { origin, raw, problems })
}

fn pull_number(from: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn pull_bytes(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let len = pull_number(from)?;
    let mut bytes = Vec::new();
    from.take(len).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == len { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

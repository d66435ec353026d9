//! The first records of a source, kept in memory: what decisions are made by, so that a run of a large file decides as
//! `map suggest` does, without reading all of it.

use super::cells::Cells;
use super::nested::Names;
use super::{Expected, Invalid, Profile};
use crate::files::{ReadFault, Source};
use crate::record::{Header, Record};

/// So many records are kept at most.
const RECORDS_MAX: usize = 5_000;
/// Fewer where they hold this many bytes.
const BYTES_MAX: usize = 8 << 20;

/// The first records.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// The names of the columns; of a JSON source those that the first records have.
    pub names: Vec<String>,
    /// Whether any name may occur later.
    pub is_open: bool,
    /// The records.
    pub records: Vec<Record>,
    /// Whether these are all.
    pub is_whole: bool,
    /// Rows without content among them.
    pub blank: u64,
    /// Rows among them that cannot be read.
    pub malformed: Invalid,
}

impl Head {
    /// Reads the first records.
    pub fn read(header: &Header, source: &mut dyn Source) -> Head {
        let mut head = Head { is_open: *header == Header::Open, ..Head::default() };
        if let Header::Columns(names) = header {
            head.names.clone_from(names);
        }
        let mut bytes = 0;
        while head.records.len() < RECORDS_MAX && bytes < BYTES_MAX {
            match source.next() {
                None | Some(Err(ReadFault::Fatal(_))) => {
                    head.is_whole = true;
                    break;
                }
                Some(Err(ReadFault::Blank(_))) => head.blank += 1,
                Some(Err(ReadFault::Reject(reject))) => head.malformed.reject(&reject),
                Some(Ok(record)) => {
                    bytes += record.raw.len();
                    head.records.push(record);
                }
            }
        }
        if head.is_open {
            let mut names = Names::default();
            head.records.iter().for_each(|record| names.add(record));
            head.names = names.finish();
        }
        head
    }

    /// What the first records hold, with all counts.
    pub fn profile(&self) -> Profile {
        let mut profile = Profile::new(&self.names, true);
        let expected = Expected::default();
        for record in &self.records {
            profile.add(record.origin.line, &Cells::of(record, &self.names), &expected, None);
        }
        profile
    }

    /// The values of one record after the other.
    pub fn rows(&self) -> impl Iterator<Item = Cells<'_>> {
        self.records.iter().map(|record| Cells::of(record, &self.names))
    }
}

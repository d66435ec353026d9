//! The first records of a source, kept in memory: what decisions are made by, so that a run of a large file decides as
//! `map suggest` does, without reading all of it. They are kept as they were read, and as texts by their names.

use super::cells::Cells;
use super::nested::Names;
use super::{Expected, Invalid, Profile};
use crate::files::{Batch, End, Read, Room, Source};
use crate::record::{FieldsRef, Header, Origin, RecordRef, Row};

/// So many records are kept at most.
const RECORDS_MAX: usize = 5_000;
/// Fewer where they hold this many bytes.
const BYTES_MAX: usize = 8 << 20;
/// Of a source with very many names, decisions are made by fewer: so many texts take 16 MiB beside their bytes.
const TEXTS_MAX: usize = 2 << 20;

/// The first records.
#[derive(Default)]
pub struct Head {
    /// The names of the columns; of a JSON source those that the first records have.
    pub names: Vec<String>,
    /// Whether any name may occur later.
    pub is_open: bool,
    /// The records, as they were read.
    pub batches: Vec<Batch>,
    /// Their texts by the names, with the line of each.
    pub rows: Vec<(u64, Row)>,
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
        let (mut records, mut bytes, mut names) = (0, 0, Names::default());
        while records < RECORDS_MAX && bytes < BYTES_MAX && !head.is_whole {
            let batch = source.next_batch(Room { records: RECORDS_MAX - records, bytes: BYTES_MAX - bytes });
            bytes += batch.bytes_len();
            head.is_whole = *batch.end() != End::Open;
            let see = |read: Read<'_>| match read {
                Read::Record(record) => {
                    records += 1;
                    names.add(record.borrowed());
                }
                Read::Blank(_) => head.blank += 1,
                Read::Reject(reject) => head.malformed.reject(&reject),
            };
            batch.show_again(|_| true, see);
            head.batches.push(batch);
        }
        if head.is_open {
            head.names = names.finish();
        }
        head.take_texts();
        head
    }

    fn take_texts(&mut self) {
        let rows_max = TEXTS_MAX / self.names.len().max(1);
        for batch in &self.batches {
            batch.for_each_record(|record| {
                let cells = Cells::of(record, &self.names);
                if self.rows.len() < rows_max {
                    let row = Row::from_cells((0..self.names.len()).map(|at| cells.get(at)));
                    self.rows.push((record.origin.line, row));
                }
            });
        }
    }

    /// What the first records hold, with all counts.
    pub fn profile(&self) -> Profile {
        let mut profile = Profile::new(&self.names, true);
        let expected = Expected::default();
        for ((line, _), cells) in self.rows.iter().zip(self.rows()) {
            profile.add(*line, &cells, &expected, None);
        }
        profile
    }

    /// The values of one record after the other.
    pub fn rows(&self) -> impl Iterator<Item = Cells<'_>> {
        self.rows.iter().map(|(line, row)| {
            let origin = Origin { ordinal: 0, line: *line };
            Cells::of(RecordRef { origin, fields: FieldsRef::Row(row.borrowed()), raw: &[] }, &self.names)
        })
    }
}

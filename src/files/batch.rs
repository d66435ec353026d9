//! Records that are read together and handed over together. The thread that reads a table only finds where its rows end; a
//! batch holds their bytes, and the thread that takes the records out splits them. It does not decide what a row is.

use super::csv::{Heads, Splitter, text_of};
use crate::outcome::{Failure, Problem, Reject};
use crate::record::{FieldsRef, Origin, Record, RecordCow, RecordRef, RowRef};
use std::collections::VecDeque;
use std::sync::Arc;

/// Why there is no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadFault {
    /// The record is rejected; reading continues with the next.
    Reject(Reject),
    /// A row without content: it is counted, and is no record.
    Blank(Origin),
    /// The rest of the file cannot be read; nothing comes after it.
    Fatal(Failure),
}

/// What was read.
#[derive(Debug)]
pub enum Read<'b> {
    /// A record.
    Record(RecordCow<'b>),
    /// A row without content.
    Blank(Origin),
    /// A record that is malformed.
    Reject(Reject),
}

impl Read<'_> {
    /// Where it was read.
    pub fn origin(&self) -> Origin {
        match self {
            Read::Record(record) => record.borrowed().origin,
            Read::Blank(origin) => *origin,
            Read::Reject(reject) => reject.origin,
        }
    }
}

/// How much a batch may hold; its last record can be larger.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Records.
    pub records: usize,
    /// Bytes of them.
    pub bytes: usize,
}

/// How a batch ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// More may follow.
    #[default]
    Open,
    /// It is the end of the source.
    Whole,
    /// The source cannot be read further.
    Fault(Failure),
}

/// Records in the order of their source.
#[derive(Default)]
pub struct Batch {
    bytes: Vec<u8>,
    items: VecDeque<Item>,
    /// Bytes of records that have values of their own.
    owned_len: usize,
    heads: Option<Arc<Heads>>,
    end: End,
}

/// What a batch holds.
enum Item {
    Row(FramedRow),
    Read(Box<Read<'static>>),
}

/// A row of a table that is not split yet, and where it stands among the bytes of its batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct FramedRow {
    pub from: usize,
    pub len: usize,
    pub quoted: bool,
    pub origin: Origin,
}

impl Batch {
    /// A batch for rows of this table.
    pub(super) fn of_table(heads: Arc<Heads>) -> Batch {
        Batch { heads: Some(heads), ..Batch::default() }
    }

    /// The end of a source, without a record in front.
    pub(super) fn at_end(end: End) -> Batch {
        Batch { end, ..Batch::default() }
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether it holds no record.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The bytes that its records were read from.
    pub fn bytes_len(&self) -> usize {
        self.bytes.len() + self.owned_len
    }

    /// How it ends.
    pub fn end(&self) -> &End {
        &self.end
    }

    /// Leaves out the records of these ordinals, unsplit; how many.
    pub fn leave_out(&mut self, is_out: impl Fn(u64) -> bool) -> u64 {
        let before = self.items.len();
        self.items.retain(|item| {
            let origin = match item {
                Item::Row(row) => row.origin,
                Item::Read(read) => read.origin(),
            };
            !is_out(origin.ordinal)
        });
        (before - self.items.len()) as u64
    }

    /// Whether one more record may be added.
    pub fn has_room(&self, room: Room) -> bool {
        self.items.len() < room.records && self.bytes_len() < room.bytes
    }

    /// Adds what a source gave; whether the source can give more.
    pub(super) fn add(&mut self, item: Option<Result<Record, ReadFault>>) -> bool {
        let (read, len) = match item {
            None => {
                self.end = End::Whole;
                return false;
            }
            Some(Err(ReadFault::Fatal(failure))) => {
                self.end = End::Fault(failure);
                return false;
            }
            Some(Err(ReadFault::Reject(reject))) => {
                let len = reject.raw.len();
                (Read::Reject(reject), len)
            }
            Some(Err(ReadFault::Blank(origin))) => (Read::Blank(origin), 0),
            Some(Ok(record)) => {
                let len = record.raw.len();
                (Read::Record(RecordCow::Owned(record)), len)
            }
        };
        self.owned_len += len;
        self.items.push_back(Item::Read(Box::new(read)));
        true
    }

    /// Adds rows of the table: their bytes with all that stands between them, and where each of them is there.
    pub(super) fn add_rows(&mut self, bytes: &[u8], rows: Vec<FramedRow>) {
        let before = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.items.extend(rows.into_iter().map(|row| Item::Row(FramedRow { from: before + row.from, ..row })));
    }

    /// Takes the first records out, as many as there is room for. What follows them stays.
    pub(super) fn split_front(&mut self, room: Room) -> Batch {
        let mut front = Batch { heads: self.heads.clone(), ..Batch::default() };
        while front.has_room(room) {
            match self.items.pop_front() {
                Some(Item::Row(row)) => {
                    let raw = self.bytes.get(row.from..row.from + row.len).unwrap_or_default();
                    front.add_rows(raw, vec![FramedRow { from: 0, ..row }]);
                }
                Some(read) => front.items.push_back(read),
                None => break,
            }
        }
        if front.items.is_empty() {
            front.end = std::mem::take(&mut self.end);
        }
        front
    }

    /// Shows the records, in order.
    pub fn for_each_record(&self, mut see: impl FnMut(RecordRef<'_>)) {
        let mut splitter = Splitter::default();
        for item in &self.items {
            match (item, &self.heads) {
                (Item::Read(read), _) => {
                    if let Read::Record(record) = &**read {
                        see(record.borrowed());
                    }
                }
                (Item::Row(row), Some(heads)) => {
                    let raw = self.bytes.get(row.from..row.from + row.len).unwrap_or_default();
                    let text = text_of(raw);
                    if let Read::Record(record) = row.read(raw, heads.row(&mut splitter, raw, text, row.quoted)) {
                        see(record.borrowed());
                    }
                }
                (Item::Row(_), None) => {}
            }
        }
    }

    /// Hands over what was read, in order.
    pub fn for_each(self, mut take: impl FnMut(Read<'_>)) {
        let Batch { bytes, items, heads, .. } = self;
        if items.is_empty() {
            return;
        }
        let text = text_of(&bytes);
        let mut splitter = Splitter::default();
        for item in items {
            match (item, &heads) {
                (Item::Read(read), _) => take(*read),
                (Item::Row(row), Some(heads)) => {
                    let raw = bytes.get(row.from..row.from + row.len).unwrap_or_default();
                    let text = match text {
                        Some(text) => text.get(row.from..row.from + row.len),
                        None => text_of(raw),
                    };
                    take(row.read(raw, heads.row(&mut splitter, raw, text, row.quoted)));
                }
                (Item::Row(_), None) => {}
            }
        }
    }
}

impl FramedRow {
    fn read<'b>(self, raw: &'b [u8], split: Split<'b>) -> Read<'b> {
        match split {
            Ok(row) => {
                Read::Record(RecordCow::Borrowed(RecordRef { origin: self.origin, fields: FieldsRef::Row(row), raw }))
            }
            Err(problem) => Read::Reject(Reject { origin: self.origin, raw: raw.into(), problems: vec![problem] }),
        }
    }
}

/// The cells of a row, or why it is none of the table's records.
type Split<'b> = Result<RowRef<'b>, Problem>;

//! Records that are read together and handed over together. The thread that reads a table or JSON only finds where its records
//! end; a batch holds their bytes, and the thread that takes the records out splits or parses them. It does not decide what a
//! record is.

use super::csv::{Heads, Splitter, text_of};
use super::json::Objects;
use super::vcard::Cards;
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

impl Of {
    /// The same for records that are shown before they are handed over.
    fn unnoted(&self) -> Of {
        match self {
            Of::Cards(cards) => Of::Cards(cards.unnoted()),
            of => of.clone(),
        }
    }
}

impl Read<'_> {
    fn of(parsed: Result<Record, Reject>) -> Self {
        match parsed {
            Ok(record) => Read::Record(RecordCow::Owned(record)),
            Err(reject) => Read::Reject(reject),
        }
    }

    /// The same, of which the record is borrowed.
    fn again(&self) -> Read<'_> {
        match self {
            Read::Record(record) => Read::Record(RecordCow::Borrowed(record.borrowed())),
            Read::Blank(origin) => Read::Blank(*origin),
            Read::Reject(reject) => Read::Reject(reject.clone()),
        }
    }

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
    of: Of,
    end: End,
}

/// What framed records are.
#[derive(Clone, Default)]
enum Of {
    /// There are none.
    #[default]
    Nothing,
    Table(Arc<Heads>),
    Objects(Objects),
    Cards(Cards),
}

/// What a batch holds.
enum Item {
    Framed(FramedRecord),
    Read(Box<Read<'static>>),
}

/// A record that is not split or parsed yet, and where it stands among the bytes of its batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct FramedRecord {
    pub from: usize,
    pub len: usize,
    pub quoted: bool,
    pub origin: Origin,
}

impl Batch {
    /// A batch for rows of this table.
    pub(super) fn of_table(heads: Arc<Heads>) -> Batch {
        Batch { of: Of::Table(heads), ..Batch::default() }
    }

    /// A batch for JSON records of this file.
    pub(super) fn of_objects(objects: Objects) -> Batch {
        Batch { of: Of::Objects(objects), ..Batch::default() }
    }

    /// A batch for the cards of this file.
    pub(super) fn of_cards(cards: Cards) -> Batch {
        Batch { of: Of::Cards(cards), ..Batch::default() }
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
                Item::Framed(framed) => framed.origin,
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
    pub(super) fn add_rows(&mut self, bytes: &[u8], rows: Vec<FramedRecord>) {
        let before = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.items.extend(rows.into_iter().map(|row| Item::Framed(FramedRecord { from: before + row.from, ..row })));
    }

    /// Adds a framed record whose bytes these are.
    pub(super) fn add_framed(&mut self, origin: Origin, raw: &[u8]) {
        self.add_rows(raw, vec![FramedRecord { from: 0, len: raw.len(), quoted: false, origin }]);
    }

    /// Takes the first records out, as many as there is room for. What follows them stays.
    pub(super) fn split_front(&mut self, room: Room) -> Batch {
        let mut front = Batch { of: self.of.clone(), ..Batch::default() };
        while front.has_room(room) {
            match self.items.pop_front() {
                Some(Item::Framed(framed)) => {
                    front.add_rows(framed.raw(&self.bytes), vec![FramedRecord { from: 0, ..framed }]);
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

    /// Shows the records, in order, before they are handed over.
    pub fn for_each_record(&self, mut see: impl FnMut(RecordRef<'_>)) {
        self.show_again(
            |_| true,
            |read| {
                if let Read::Record(record) = read {
                    see(record.borrowed());
                }
            },
        );
    }

    /// Shows the bytes of each record, whether it is sound or not, unsplit.
    pub fn for_each_raw(&self, mut see: impl FnMut(&[u8])) {
        for item in &self.items {
            match item {
                Item::Framed(framed) => see(framed.raw(&self.bytes)),
                Item::Read(read) => match &**read {
                    Read::Record(record) => see(record.borrowed().raw),
                    Read::Reject(reject) => see(&reject.raw),
                    Read::Blank(_) => {}
                },
            }
        }
    }

    /// Shows what was read, in order, and keeps it to be shown again.
    pub fn show(&self, see: impl FnMut(Read<'_>)) {
        self.show_of(&self.of, |_| true, see);
    }

    /// Shows what was read and has these ordinals once more, in order.
    pub fn show_again(&self, is_shown: impl FnMut(u64) -> bool, see: impl FnMut(Read<'_>)) {
        self.show_of(&self.of.unnoted(), is_shown, see);
    }

    fn show_of(&self, of: &Of, mut is_shown: impl FnMut(u64) -> bool, mut see: impl FnMut(Read<'_>)) {
        let text = if matches!(of, Of::Table(_)) { text_of(&self.bytes) } else { None };
        let mut splitter = Splitter::default();
        for item in &self.items {
            match item {
                Item::Read(read) if is_shown(read.origin().ordinal) => see(read.again()),
                Item::Framed(framed) if is_shown(framed.origin.ordinal) => {
                    framed.read(of, &mut splitter, &self.bytes, text).into_iter().for_each(&mut see);
                }
                _ => {}
            }
        }
    }

    /// Hands over what was read, in order.
    pub fn for_each(self, mut take: impl FnMut(Read<'_>)) {
        let Batch { bytes, items, of, .. } = self;
        if items.is_empty() {
            return;
        }
        let text = if matches!(of, Of::Table(_)) { text_of(&bytes) } else { None };
        let mut splitter = Splitter::default();
        for item in items {
            match item {
                Item::Read(read) => take(*read),
                Item::Framed(framed) => {
                    if let Some(read) = framed.read(&of, &mut splitter, &bytes, text) {
                        take(read);
                    }
                }
            }
        }
    }
}

impl FramedRecord {
    /// Its bytes among those of its batch.
    fn raw<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        bytes.get(self.from..self.from + self.len).unwrap_or_default()
    }

    /// The record, split or parsed. `text`: the bytes of the batch, where they are known to be text without zero bytes.
    fn read<'b>(self, of: &Of, splitter: &'b mut Splitter, bytes: &'b [u8], text: Option<&'b str>) -> Option<Read<'b>> {
        let raw = self.raw(bytes);
        match of {
            Of::Table(heads) => {
                let text = match text {
                    Some(text) => text.get(self.from..self.from + self.len),
                    None => text_of(raw),
                };
                Some(self.row(raw, heads.row(splitter, raw, text, self.quoted)))
            }
            Of::Objects(objects) => Some(Read::of(objects.record(self.origin, raw))),
            Of::Cards(cards) => Some(Read::of(cards.record(self.origin, raw))),
            Of::Nothing => None,
        }
    }

    fn row<'b>(self, raw: &'b [u8], split: Split<'b>) -> Read<'b> {
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

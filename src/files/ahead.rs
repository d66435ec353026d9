//! Records that were read before their time: they are kept, within a limit, and come first when the source is read further.

use super::batch::{Batch, End, Read, ReadFault, Room};
use super::reader::Source;
use crate::record::{Record, RecordCow};
use std::collections::VecDeque;

/// How many bytes of records are kept.
const KEPT_LEN_MAX: usize = 8 << 20;

/// Records that were read before their time.
#[derive(Default)]
pub struct ReadAhead {
    batches: VecDeque<Batch>,
    len: usize,
}

impl ReadAhead {
    /// Keeps a batch. When it is too much, nothing is kept.
    pub fn keep(&mut self, batch: Batch) {
        self.len = self.len.saturating_add(batch.bytes_len());
        match self.len > KEPT_LEN_MAX {
            true => self.batches.clear(),
            false => self.batches.push_back(batch),
        }
    }

    /// The source from where it was before; `None` when that was too much to be kept.
    pub fn in_front_of(self, rest: Box<dyn Source>) -> Option<Box<dyn Source>> {
        match (self.len > KEPT_LEN_MAX, self.batches.is_empty()) {
            (true, _) => None,
            (false, true) => Some(rest),
            (false, false) => Some(Box::new(Again { batches: self.batches, rest })),
        }
    }
}

/// A source with some batches in front.
struct Again {
    batches: VecDeque<Batch>,
    rest: Box<dyn Source>,
}

impl Source for Again {
    fn next_batch(&mut self, room: Room) -> Batch {
        while let Some(first) = self.batches.front_mut() {
            let is_within = first.len() <= room.records && first.bytes_len() <= room.bytes || first.is_empty();
            let batch = match is_within {
                true => self.batches.pop_front().unwrap_or_default(),
                false => first.split_front(room),
            };
            if !batch.is_empty() || *batch.end() != End::Open {
                return batch;
            }
        }
        self.rest.next_batch(room)
    }
}

impl Iterator for Again {
    type Item = Result<Record, ReadFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.batches.is_empty() {
            return self.rest.next();
        }
        let batch = self.next_batch(Room { records: 1, bytes: usize::MAX });
        let mut item = match batch.end() {
            End::Fault(failure) if batch.is_empty() => Some(Err(ReadFault::Fatal(failure.clone()))),
            End::Open => None,
            end => {
                // Behind its last record.
                self.batches.extend((!batch.is_empty()).then(|| Batch::at_end(end.clone())));
                None
            }
        };
        batch.for_each(|read| {
            item = Some(match read {
                Read::Record(record) => Ok(RecordCow::into_record(record)),
                Read::Blank(origin) => Err(ReadFault::Blank(origin)),
                Read::Reject(reject) => Err(ReadFault::Reject(reject)),
            });
        });
        item
    }
}

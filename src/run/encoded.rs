//! Batches of records on their way into a file: mapped and encoded by the threads of the pool, one buffer of rows a batch, and
//! written in order by one. Which records are one contact is not decided here.

use crate::files::{Batch, Read, RowBuffer, RowLayout};
use crate::mapping::{Drafted, Drafter};
use crate::outcome::{Failure, Outcome, Problem, Reject, Skip};
use crate::record::RecordRef;
use crate::run::columns::{Noted, Noting};
use crate::run::item::reject_of;
use crate::run::rows::{Encoder, Omitted, Sink, Whose, Writer};
use crate::run::suppressed::Suppressed;
use std::sync::Arc;

/// Encodes batches; pure, used on all cores.
pub(super) struct BatchEncoder {
    pub(super) encoder: Encoder,
    /// How the rows are laid out.
    pub(super) layout: RowLayout,
    /// Whether each row that is written is listed, too.
    pub(super) lists_rows: bool,
    /// Contacts that are left out.
    pub(super) suppressed: Option<Arc<Suppressed>>,
    /// What finds out the columns of the rows, where they are not known.
    pub(super) noting: Option<Noting>,
}

/// A batch as it will be written.
pub(super) struct Encoded {
    rows: RowBuffer,
    columns: Result<Option<Noted>, Failure>,
    read: u64,
    /// What has to be said of single records, in order.
    events: Vec<Event>,
}

/// What has to be said of a record.
enum Event {
    /// It is a row, and that is to be listed.
    Written(u64),
    /// Something of it is not in its row.
    Omitted(Omitted),
    Skipped(u64, Skip),
    Rejected(Reject),
}

impl BatchEncoder {
    /// Maps and encodes a batch; the values stay in the batch until they are in a row.
    pub(super) fn encode(&self, batch: Batch) -> Encoded {
        // In JSON the names of the columns are as long as their values.
        let rows = RowBuffer::new(self.layout, batch.bytes_len() * 2);
        let mut encoded = Encoded { rows, columns: Ok(None), read: 0, events: Vec::new() };
        let drafter = self.encoder.bound.drafter();
        batch.for_each(|read| self.add(read, &drafter, &mut encoded));
        encoded.columns = self.noting.as_ref().map(|noting| noting.of(&encoded.rows)).transpose();
        encoded.rows.finish();
        encoded
    }

    fn add(&self, read: Read<'_>, drafter: &Drafter<'_>, encoded: &mut Encoded) {
        encoded.read += 1;
        let record = match &read {
            Read::Record(record) => record.borrowed(),
            Read::Blank(origin) => return encoded.events.push(Event::Skipped(origin.line, Skip::Blank)),
            Read::Reject(reject) => return encoded.events.push(Event::Rejected(reject.clone())),
        };
        if self.row_directly(record, drafter, encoded) {
            return;
        }
        match self.row(record, drafter, encoded) {
            Ok(()) => {}
            Err(problems) => encoded.events.push(Event::Rejected(reject_of(record, problems))),
        }
    }

    /// Writes a row straight from its cells; whether that was all that had to be done.
    fn row_directly(&self, record: RecordRef<'_>, drafter: &Drafter<'_>, encoded: &mut Encoded) -> bool {
        // Whether a contact is left out is told by its draft.
        let Some(direct) = self.encoder.direct.as_ref().filter(|_| self.suppressed.is_none()) else { return false };
        let write = |out: &mut Vec<u8>| if drafter.write(direct, record, out) { Ok(()) } else { Err(()) };
        let is_written = encoded.rows.add(write).is_ok();
        if is_written && self.lists_rows {
            encoded.events.push(Event::Written(record.origin.line));
        }
        is_written
    }

    fn row(&self, record: RecordRef<'_>, drafter: &Drafter<'_>, encoded: &mut Encoded) -> Result<(), Vec<Problem>> {
        let draft = match drafter.draft(record) {
            Drafted::Contact(draft) => draft,
            Drafted::Rejected(problems) => return Err(problems),
            Drafted::Filtered => {
                encoded.events.push(Event::Skipped(record.origin.line, Skip::Filtered));
                return Ok(());
            }
        };
        if self.suppressed.as_ref().is_some_and(|suppressed| suppressed.has(&draft.contact)) {
            encoded.events.push(Event::Skipped(record.origin.line, Skip::Suppressed));
            return Ok(());
        }
        encoded.rows.add(|out| self.encoder.encode(&draft.contact, record, out))?;
        let omitted = self.encoder.omitted(*draft);
        if !omitted.is_empty() {
            encoded.events.push(Event::Omitted(omitted));
        }
        if self.lists_rows {
            encoded.events.push(Event::Written(record.origin.line));
        }
        Ok(())
    }
}

impl Writer<'_> {
    /// Writes a batch, and counts its records.
    pub(super) fn write(&mut self, batch: Encoded, sink: &mut Sink) -> Result<(), Failure> {
        self.sums.totals.read += batch.read;
        sink.rows(&batch.rows, batch.columns?)?;
        let whose = |line: u64| Whose { line, id: None };
        let mut unlisted = batch.rows.count();
        for event in batch.events {
            match event {
                Event::Written(line) => {
                    unlisted -= 1;
                    self.note(whose(line), Outcome::Created, None, &[])?;
                }
                Event::Omitted(omitted) => self.omit(omitted)?,
                Event::Skipped(line, skip) => self.note(whose(line), Outcome::Skipped(skip), None, &[])?,
                Event::Rejected(reject) => self.reject(&reject, None)?,
            }
        }
        self.sums.totals.add(Outcome::Created, unlisted);
        Ok(())
    }
}

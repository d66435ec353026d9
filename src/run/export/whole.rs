//! Contacts that are written as they were read, without a mapping: a row of JSON is what was kept of the contact, and a table
//! takes its cells out of it. Both are done batch by batch on all cores.

use super::parts::Exporting;
use super::plan::is_before;
use super::put::Out;
use crate::contact::StoredContact;
use crate::files::csv::CsvEncoder;
use crate::files::{Fingerprint, FingerprintSoFar, RowEncoder};
use crate::outcome::Failure;
use crate::run::ordered::each_in_order;
use crate::run::rows::ContactColumns;
use crate::run::source::account::What;
use crate::scratch::spool::Spool;
use crate::scratch::stored::Stored;
use serde::de::IgnoredAny;
use std::sync::Arc;

/// How contacts become rows.
#[derive(Clone)]
pub(super) struct Whole {
    since: Option<jiff::Timestamp>,
    /// How cells are written, and of which columns; none: rows are JSON.
    table: Option<(CsvEncoder, Arc<ContactColumns>)>,
    /// What is told when something else was kept than contacts.
    damaged: Failure,
}

/// The rows of a batch.
struct Encoded {
    stored: Stored,
    bytes: Vec<u8>,
    /// Where the row of each contact ends in `bytes`; none for a contact that is left out.
    ends: Vec<Option<usize>>,
    /// What was kept of each contact, in lines.
    lines: Vec<u8>,
}

impl Whole {
    /// The columns of the table.
    pub(super) fn columns(&self) -> Option<&ContactColumns> {
        self.table.as_ref().map(|(_, columns)| &**columns)
    }

    /// A contact; none: it is left out.
    fn contact<'j>(&self, json: &'j str) -> Result<Option<StoredContact<'j>>, Failure> {
        let contact = StoredContact::parse(json).ok_or_else(|| self.damaged.clone())?;
        Ok(Some(contact).filter(|contact| self.since.is_none_or(|since| !is_before(contact, since))))
    }

    fn columns_of(&self, stored: &Stored) -> Result<ContactColumns, Failure> {
        let mut columns = ContactColumns::with_id();
        for row in stored.rows() {
            self.contact(row.json)?.iter().for_each(|contact| columns.note(contact));
        }
        Ok(columns)
    }

    fn encode(&self, stored: Stored) -> Result<Encoded, Failure> {
        let mut bytes = Vec::with_capacity(stored.len());
        let mut ends = Vec::with_capacity(stored.count());
        for row in stored.rows() {
            let is_taken = self.encode_one(row.json, &mut bytes)?;
            ends.push(is_taken.then_some(bytes.len()));
        }
        let lines = stored.lines();
        Ok(Encoded { stored, bytes, ends, lines })
    }

    fn encode_one(&self, json: &str, out: &mut Vec<u8>) -> Result<bool, Failure> {
        if self.table.is_none() && self.since.is_none() {
            let is_json = serde_json::from_str::<IgnoredAny>(json).is_ok();
            out.extend_from_slice(json.as_bytes());
            return if is_json { Ok(true) } else { Err(self.damaged.clone()) };
        }
        let Some(contact) = self.contact(json)? else { return Ok(false) };
        match &self.table {
            Some((csv, columns)) => csv.row(columns.cells(&contact).iter().map(|cell| &**cell), out),
            None => out.extend_from_slice(json.as_bytes()),
        }
        Ok(true)
    }
}

impl Exporting<'_> {
    /// How contacts become rows where they are written as they were read; none where a mapping makes the rows. The columns
    /// of a table are found out by reading what was kept.
    pub(super) fn whole(&self, spool: &Spool) -> Result<Option<Whole>, Failure> {
        let are_cards = matches!(self.form.layout.rows.encoder, RowEncoder::Cards(_));
        if self.plan.what != What::Contacts || are_cards || !self.form.bound.carries_whole() {
            return Ok(None);
        }
        let whole = Whole { since: self.plan.since, table: None, damaged: spool.damaged() };
        let Some(csv) = self.form.layout.table() else { return Ok(Some(whole)) };
        let (mut columns, work) = (ContactColumns::with_id(), whole.clone());
        for found in each_in_order(spool.stored(self.plan.work.limit)?, move |stored| work.columns_of(&stored)) {
            columns.merge(found??);
            if self.stop.is_requested() {
                break;
            }
        }
        Ok(Some(Whole { table: Some((csv, Arc::new(columns.or_usual()))), ..whole }))
    }

    /// Writes every contact that was read; what they were, with their number, and none where it was told to stop.
    pub(super) fn write_whole(
        &self,
        spool: &Spool,
        whole: Whole,
        out: &mut Out<'_>,
    ) -> Result<Option<Fingerprint>, Failure> {
        let mut content = FingerprintSoFar::default();
        for encoded in each_in_order(spool.stored(self.plan.work.limit)?, move |stored| whole.encode(stored)) {
            if self.stop.is_requested() {
                return Ok(None);
            }
            let Encoded { stored, bytes, ends, lines } = encoded??;
            content.add(&lines);
            let mut begin = 0;
            for (row, end) in stored.rows().zip(ends) {
                self.rejects.saw(row.json.as_bytes());
                out.put_whole(row, end.and_then(|end| bytes.get(begin..end)))?;
                begin = end.unwrap_or(begin);
            }
            out.show();
        }
        Ok(Some(Fingerprint { len: spool.len(), ..content.end() }))
    }
}

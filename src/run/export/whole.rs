//! Contacts that are written as they were read, without a mapping: a row of JSON is what was kept of the contact, and a table
//! takes its cells out of it. Both are done batch by batch on all cores, and a batch is written at once.

use super::parts::Exporting;
use super::plan::is_before;
use super::put::{Encoded, Out};
use crate::contact::StoredContact;
use crate::files::csv::CsvEncoder;
use crate::files::{FingerprintSoFar, RowBuffer, RowEncoder, RowLayout};
use crate::outcome::Failure;
use crate::run::ordered::each_in_order;
use crate::run::rows::ContactColumns;
use crate::run::source::account::What;
use crate::scratch::spool::Spool;
use crate::scratch::stored::Stored;
use std::sync::Arc;

/// How contacts become rows.
#[derive(Clone)]
pub(super) struct Whole {
    since: Option<jiff::Timestamp>,
    /// How cells are written, and of which columns; none: rows are JSON.
    table: Option<(CsvEncoder, Arc<ContactColumns>)>,
    layout: RowLayout,
    /// What is told when something else was kept than contacts.
    damaged: Failure,
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

    /// Whether the file is what was kept, line by line.
    pub(super) fn is_as_kept(&self) -> bool {
        self.since.is_none() && self.table.is_none() && self.layout.is_lines()
    }

    fn encode(&self, stored: Stored, are_lines_needed: bool) -> Result<Encoded, Failure> {
        let mut rows = RowBuffer::new(self.layout, stored.len() + stored.count());
        let mut are_taken = Vec::with_capacity(stored.count());
        for row in stored.rows() {
            are_taken.push(self.encode_one(row.json, &mut rows)?);
        }
        rows.finish();
        let lines = are_lines_needed.then(|| stored.lines());
        Ok(Encoded { stored, rows, are_taken, lines })
    }

    fn encode_one(&self, json: &str, rows: &mut RowBuffer) -> Result<bool, Failure> {
        if self.table.is_none() && self.since.is_none() {
            // It is Ferry's own JSON: a file that was damaged shows at its ends, if it shows in the text at all.
            let is_whole = json.starts_with("{\"") && json.ends_with('}');
            if !is_whole {
                return Err(self.damaged.clone());
            }
            rows.put(|out| out.extend_from_slice(json.as_bytes()));
            return Ok(true);
        }
        let Some(contact) = self.contact(json)? else { return Ok(false) };
        rows.put(|out| match &self.table {
            Some((csv, columns)) => csv.row(columns.cells(&contact).iter().map(|cell| &**cell), out),
            None => out.extend_from_slice(json.as_bytes()),
        });
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
        let (since, layout) = (self.plan.since, self.form.layout);
        let whole = Whole { since, table: None, layout, damaged: spool.damaged() };
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

    /// Writes every contact that was read, and adds what was kept of them to `content`, where it is not what the file holds;
    /// whether that was all, and not a stop.
    pub(super) fn write_whole(
        &self,
        spool: &Spool,
        whole: Whole,
        content: &mut Option<FingerprintSoFar>,
        out: &mut Out<'_>,
    ) -> Result<bool, Failure> {
        let are_lines_needed = content.is_some();
        let encode = move |stored| whole.encode(stored, are_lines_needed);
        for encoded in each_in_order(spool.stored(self.plan.work.limit)?, encode) {
            if self.stop.is_requested() {
                return Ok(false);
            }
            let encoded = encoded??;
            if let Some((content, lines)) = content.as_mut().zip(encoded.lines.as_deref()) {
                content.add(lines);
            }
            encoded.stored.rows().for_each(|row| self.rejects.saw(row.json.as_bytes()));
            out.put_whole(&encoded)?;
            out.show();
        }
        Ok(true)
    }
}

//! Contacts, and objects of other lists, as the rows of a file: mapped and encoded one by one.

use super::matched::Contacts;
use super::plan::is_before;
use crate::contact::{Contact, Field, Wanted};
use crate::mapping::Mapped;
use crate::outcome::{Failure, Problem, Reject};
use crate::record::{Fields, Origin, Record};
use crate::run::rows::{Encoder, Omitted};
use crate::scratch::spool::Row as Held;
use serde_json::Value;

/// One contact as it will be written, or why it is not.
pub(super) enum Row {
    Written { id: String, bytes: Vec<u8>, json: Option<Vec<u8>>, omitted: Omitted },
    Filtered { id: String },
    Rejected { id: String, reject: Reject },
}

/// Makes rows; used on all cores.
pub(super) struct Maker {
    pub(super) encoder: Encoder,
    pub(super) since: Option<jiff::Timestamp>,
    /// Whether the row is wanted as JSON too.
    pub(super) wants_json: bool,
    /// The contacts that the objects are matched with.
    pub(super) contacts: Option<Contacts>,
}

impl Maker {
    pub(super) fn of_contact(&self, record: Record) -> Row {
        let id = match &record.fields {
            Fields::Contact(contact) => contact.text(Field::Id).unwrap_or_default().to_owned(),
            _ => String::new(),
        };
        if let (Some(since), Fields::Contact(contact)) = (self.since, &record.fields)
            && is_before(&**contact, since)
        {
            return Row::Filtered { id };
        }
        match self.encoder.bound.apply(&record) {
            Mapped::Filtered => Row::Filtered { id },
            Mapped::Rejected(problems) => rejected(id, record, problems),
            Mapped::Contact(wanted) => self.encode(id, record, &wanted),
        }
    }

    /// An object of another list: as it came, or the columns of the mapping.
    pub(super) fn of_object(&self, mut held: Held) -> Result<Row, Failure> {
        let Ok(Value::Object(mut object)) = serde_json::from_str(&held.json) else {
            return Err(Failure::failed(format!("`{}` was kept, and cannot be read again", held.id)));
        };
        if let Some(contacts) = &self.contacts {
            contacts.put_into(&mut object)?;
            held.json = Value::Object(object.clone()).to_string();
        }
        if self.encoder.bound.columns().is_none() {
            let json = self.wants_json.then(|| held.json.clone().into_bytes());
            let omitted = Omitted { left_blank: Vec::new(), not_carried: Vec::new() };
            return Ok(Row::Written { id: held.id, bytes: held.json.into_bytes(), json, omitted });
        }
        // What is called as a field of a contact is found as that, everything under its own name.
        let mut contact = Contact::from_json(&object);
        contact.native.clone_from(&object);
        let record = Record {
            origin: Origin { ordinal: held.ordinal, line: held.ordinal + 1 },
            fields: Fields::Json(Value::Object(object)),
            raw: held.json.into_bytes().into(),
        };
        Ok(self.encode(held.id, record, &Wanted { contact, ..Wanted::default() }))
    }

    fn encode(&self, id: String, record: Record, wanted: &Wanted) -> Row {
        let mut bytes = Vec::with_capacity(512);
        if let Err(problems) = self.encoder.encode(&wanted.contact, (&record).into(), &mut bytes) {
            return rejected(id, record, problems);
        }
        let mut json = None;
        if self.wants_json {
            let json = json.insert(Vec::with_capacity(512));
            if let Err(problems) = self.encoder.encode_json(&wanted.contact, (&record).into(), json) {
                return rejected(id, record, problems);
            }
        }
        let omitted = Omitted { left_blank: wanted.left_blank.clone(), not_carried: wanted.not_carried.clone() };
        Row::Written { id, bytes, json, omitted }
    }
}

fn rejected(id: String, record: Record, problems: Vec<Problem>) -> Row {
    Row::Rejected { id, reject: Reject { origin: record.origin, raw: record.raw, problems } }
}

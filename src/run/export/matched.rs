//! Conversations, each with the contact that it is with: the platform names people by phone and e-mail there, not by id.

use super::parts::{Asked, Exporting};
use crate::contact::{Contact, Field};
use crate::identity::{IdentityValue, canonical, tells};
use crate::outcome::Failure;
use crate::platforms::List;
use crate::reconcile::matching::all_identities;
use crate::run::source::account::{Fetched, What};
use crate::run::target::Target;
use crate::scratch::snapshot::{Snapshot, SnapshotPage};
use serde_json::{Map, Value};
use std::path::Path;

/// Where the contacts are fetched, in the folder of the run.
pub(super) const FOLDER: &str = "contacts";
/// What a conversation is matched by, most telling first: the field of the contact, and the name in the conversation (see
/// [`List::Conversations`]).
const BY: [(Field, &str); 2] = [(Field::Phones, "contact_phone"), (Field::Emails, "email")];
/// What the contact's id is called in a conversation.
const NAME: &str = "contact_id";

/// The contacts of the account, by phone and e-mail.
pub(super) struct Contacts(Box<Snapshot>);

/// What the objects of an export are matched with.
pub(super) enum Matched {
    /// Nothing: they are no conversations.
    No,
    With(Contacts),
    /// The run was stopped before the contacts were read.
    Stopped,
}

impl Exporting<'_> {
    /// The contacts that the list is matched with, if it is one that is matched.
    pub(super) async fn contacts(&self, target: &Target) -> Result<Matched, Failure> {
        if self.plan.what != What::List(List::Conversations) {
            return Ok(Matched::No);
        }
        let folder = self.run.folder.join(FOLDER);
        let asked = Asked { what: What::Contacts, folder: &folder, limit: None, given: None };
        let Some(fetched) = self.fetch(target, asked).await? else {
            return Ok(Matched::Stopped);
        };
        tokio::task::block_in_place(|| Contacts::of(&fetched, &folder)).map(Matched::With)
    }
}

impl Contacts {
    fn of(fetched: &Fetched, folder: &Path) -> Result<Contacts, Failure> {
        let (mut filling, mut next) = (Snapshot::create(folder)?, 0);
        loop {
            let rows = fetched.spool.rows(next)?;
            let Some(last) = rows.last() else { break };
            next = last.ordinal + 1;
            let identities = |json: &str| match serde_json::from_str(json) {
                Ok(Value::Object(object)) => all_identities(&Contact::from_json(&object)),
                _ => Vec::new(),
            };
            let mut page = SnapshotPage::default();
            rows.iter().for_each(|row| page.add(&row.id, "", &identities(&row.json)));
            filling.add(1, &page)?;
        }
        Ok(Contacts(Box::new(filling.done()?)))
    }

    /// Puts the id of its contact into a conversation, where one contact and no other has its phone, or else its e-mail.
    pub(super) fn put_into(&self, conversation: &mut Map<String, Value>) -> Result<(), Failure> {
        for (field, name) in BY {
            let value = conversation.get(name).and_then(Value::as_str).filter(|value| tells(field, value));
            let Some(value) = value.map(|value| canonical(field, value)) else { continue };
            let found = self.0.by_identity(&IdentityValue { field, value })?;
            if let [contact] = found.as_slice() {
                conversation.insert(NAME.to_owned(), Value::from(contact.id.as_str()));
                break;
            }
        }
        Ok(())
    }
}

//! A page of an account, as it is kept: the id and the text of each contact. What a page proves is not decided here.

use super::verdict::PageEnd;
use super::what::What;
use crate::contact::{Contact, Field};
use crate::http::Http;
use crate::outcome::Failure;
use crate::platforms::{Connector, Cursor, Fault, Found, Given, List, PageRead, Pages};
use crate::run::target::Target;
use crate::scratch::texts::{Texts, TextsWriter};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A page, from wherever it came.
pub(super) struct Portion {
    pub read: Texts,
    pub unread: Vec<String>,
    pub end: PageEnd,
}

/// The pages of a list.
///
/// # Errors
/// Exit 2 where the platform has no such list.
pub(super) fn pages_of(source: &Target, what: What) -> Result<Pages<Portion>, Failure> {
    let (can, facts) = (source.connector.capabilities(), source.connector.facts());
    if what != What::Contacts && can.lists.is_none() {
        return Err(Failure::usage(format!("{} has no such list", facts.title)));
    }
    let numbering = can.numbered_pages.filter(|_| what == What::Contacts);
    let (connector, http) = (Arc::clone(&source.connector), Arc::clone(&source.http));
    Ok(Pages::new(numbering, source.concurrency, move |after| {
        let (connector, http) = (Arc::clone(&connector), Arc::clone(&http));
        async move {
            match what {
                What::Contacts => of_contacts(&*connector, &http, after.as_ref()).await,
                What::List(list) => of_list(&*connector, &http, list, after.as_ref()).await,
            }
        }
    }))
}

async fn of_contacts(connector: &dyn Connector, http: &Http, after: Option<&Cursor>) -> PageRead<Portion> {
    let mut texts = TextsWriter::default();
    let page = connector.visit(http, after, &mut |given| add(given, &mut texts)).await?;
    let read = texts.end().ok_or_else(|| Fault::Fatal(Failure::failed("a page of contacts cannot be kept")))?;
    let end = PageEnd::new(page.next.clone(), page.total, !page.unread.is_empty());
    Ok((Portion { read, unread: page.unread, end }, page.next))
}

/// Adds a contact, with its id as text.
fn add(given: Given<'_>, texts: &mut TextsWriter) {
    match given {
        Given::Incoming(incoming) => texts.add(incoming.id(), |out| incoming.write_json(out)),
        Given::Found(found) => texts.add(&found.id.clone(), |out| with_id(found).write_json(out)),
    }
}

fn with_id(mut found: Found) -> Contact {
    if !found.contact.has(Field::Id) {
        found.contact.set_text(Field::Id, found.id.as_str());
    }
    found.contact
}

async fn of_list(connector: &dyn Connector, http: &Http, list: List, after: Option<&Cursor>) -> PageRead<Portion> {
    let no_list = || Fault::Fatal(Failure::usage(format!("{} has no such list", connector.facts().title)));
    let page = connector.capabilities().lists.ok_or_else(no_list)?.list(http, list, after).await?;
    let read = page.items.into_iter().map(text_of_object).collect::<Result<_, _>>().map_err(Fault::Fatal)?;
    let end = PageEnd::new(page.next.clone(), page.total, false);
    Ok((Portion { read, unread: Vec::new(), end }, page.next))
}

/// The id of a contact, and the contact with its id as text.
pub(super) fn text_of_contact(found: Found) -> Result<(String, String), Failure> {
    let (id, mut json) = (found.id.clone(), Vec::with_capacity(TEXT_LEN));
    with_id(found).write_json(&mut json);
    match String::from_utf8(json) {
        Ok(json) => Ok((id, json)),
        Err(error) => Err(cannot_be_kept(&id, error)),
    }
}

/// Bytes of most contacts.
const TEXT_LEN: usize = 768;

fn text_of_object((id, object): (String, Map<String, Value>)) -> Result<(String, String), Failure> {
    match serde_json::to_string(&object) {
        Ok(json) => Ok((id, json)),
        Err(error) => Err(cannot_be_kept(&id, error)),
    }
}

fn cannot_be_kept(id: &str, error: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("`{id}` cannot be kept")).cause(error)
}

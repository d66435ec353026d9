//! A page of an account, as it is kept: the id and the text of each contact. What a page proves is not decided here.

use super::same::{PagesBefore, Same, hash_of};
use super::verdict::PageEnd;
use super::what::What;
use crate::contact::{Contact, Field};
use crate::http::{Http, Response};
use crate::outcome::Failure;
use crate::platforms::{Connector, Cursor, Fault, Found, Given, List, Page, PageRead, Pages, ReadsPages, read_page};
use crate::run::target::Target;
use crate::scratch::texts::{Texts, TextsWriter};
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex, PoisonError};

/// A page, from wherever it came.
pub(super) struct Portion {
    pub read: Texts,
    pub unread: Vec<String>,
    pub end: PageEnd,
    /// What tells its body from another, where it may come again.
    pub hash: Option<[u8; 32]>,
    /// That it came before, in place of all that is on it.
    pub same: Option<Same>,
}

impl Portion {
    pub fn new(read: Texts, unread: Vec<String>, end: PageEnd) -> Portion {
        Portion { read, unread, end, hash: None, same: None }
    }

    /// The bytes that it takes, about.
    fn size(&self) -> usize {
        let unread: usize = self.unread.iter().map(|id| id.len() + size_of::<String>()).sum();
        self.read.size() + unread + self.same.as_ref().map_or(0, |same| same.response.body.len())
    }
}

/// The pages of a list.
///
/// # Errors
/// Exit 2 where the platform has no such list.
pub(super) fn pages_of(source: &Target, what: What, before: &PagesBefore) -> Result<Pages<Portion>, Failure> {
    let (can, facts) = (source.connector.capabilities(), source.connector.facts());
    if what != What::Contacts && can.lists.is_none() {
        return Err(Failure::usage(format!("{} has no such list", facts.title)));
    }
    let numbering = can.numbered_pages.filter(|_| what == What::Contacts);
    let (connector, http) = (Arc::clone(&source.connector), Arc::clone(&source.http));
    let contacts = Arc::new(Contacts {
        connector: Arc::clone(&connector),
        http: Arc::clone(&http),
        before: before.clone(),
        first: Mutex::new(source.checked.response.clone()),
    });
    Ok(Pages::new(numbering, source.concurrency, Portion::size, move |after| {
        let (connector, http, contacts) = (Arc::clone(&connector), Arc::clone(&http), Arc::clone(&contacts));
        async move {
            match what {
                What::Contacts => contacts.page(after.as_ref()).await,
                What::List(list) => of_list(&*connector, &http, list, after.as_ref()).await,
            }
        }
    }))
}

/// The pages of contacts.
struct Contacts {
    connector: Arc<dyn Connector>,
    http: Arc<Http>,
    before: PagesBefore,
    /// The first page, which came when the settings were checked. It serves once.
    first: Mutex<Option<Response>>,
}

impl Contacts {
    async fn page(&self, after: Option<&Cursor>) -> PageRead<Portion> {
        let (connector, http) = (&*self.connector, &*self.http);
        let Some(pages) = connector.capabilities().reads_pages else {
            let mut page = connector.page(http, after).await?;
            let found = std::mem::take(&mut page.found);
            let mut texts = TextsWriter::default();
            found.into_iter().for_each(|found| add(Given::Found(found), &mut texts));
            return portion(page, texts);
        };
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(first) = first.filter(|_| after.is_none()) {
            return read(pages, http, after, &first);
        }
        let read = |response: &Response| match self.before.find(after, response) {
            Some((same, next)) => {
                let end = PageEnd::new(next.clone(), None, false);
                Ok((Portion { same: Some(same), ..Portion::new(Texts::default(), Vec::new(), end) }, next))
            }
            None => read(pages, http, after, response),
        };
        read_page(pages, http, after, read).await
    }
}

/// Reads a page of contacts.
pub(super) fn read(
    pages: &dyn ReadsPages,
    http: &Http,
    after: Option<&Cursor>,
    response: &Response,
) -> PageRead<Portion> {
    let mut texts = TextsWriter::default();
    let page = pages.read_page(http, after, response, &mut |given| add(given, &mut texts))?;
    let hash = page.total.is_none().then(|| hash_of(response));
    portion(page, texts).map(|(portion, next)| (Portion { hash, ..portion }, next))
}

fn portion(page: Page, texts: TextsWriter) -> PageRead<Portion> {
    let read = texts.end().ok_or_else(|| Fault::Fatal(Failure::failed("a page of contacts cannot be kept")))?;
    let end = PageEnd::new(page.next.clone(), page.total, !page.unread.is_empty());
    Ok((Portion::new(read, page.unread, end), page.next))
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
    Ok((Portion::new(read, Vec::new(), end), page.next))
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

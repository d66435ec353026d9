//! How a platform is used: the driver that connects, the pure rules of its writes, its requests, and what only some
//! platforms can do. It implements none of them.

use super::answer::{Purpose, send};
use super::exchange::{
    Address, Checked, Cursor, Define, Definition, Fault, Found, ListPage, Lookup, Needs, Page, Reading, Ready, Step,
    StepResult,
};
use super::facts::{List, PlatformFacts};
use super::pages::Numbering;
use super::reading::Given;
use super::settings::Settings;
use crate::change::Delta;
use crate::contact::Wanted;
use crate::http::{Credentials, Http, Login, Request, Response};
use crate::outcome::{Failure, Problem};
use async_trait::async_trait;
use serde_json::Value;
use std::sync::Arc;

/// A connector, or all that is wrong with the settings (exit 2 each).
pub type Connected = Result<Arc<dyn Connector>, Vec<Failure>>;

/// Takes the contacts of a page, one after the other.
pub type Take<'t> = &'t mut (dyn FnMut(Given<'_>) + Send);

/// Requests a page and reads it. That the body is JSON shows when it is read: one that is none is requested once more, and
/// then the HTTP client looks at it first, which repeats such a request as often as any other.
///
/// # Errors
/// What came in place of the page.
pub async fn read_page<T>(
    pages: &dyn ReadsPages,
    http: &Http,
    after: Option<&Cursor>,
    mut read: impl FnMut(&Response) -> Result<T, Fault> + Send,
) -> Result<T, Fault> {
    let request = Request { is_read_at_once: true, ..pages.page_request(after)? };
    let response = send(http, request, Purpose::List).await?;
    match read(&response) {
        Err(_) if response.is_success() && response.is_like_json() && !response.is_json() => {
            read(&send(http, pages.page_request(after)?, Purpose::List).await?)
        }
        read => read,
    }
}

/// All contacts of a page, and the response that holds them.
pub(super) async fn whole_page(
    pages: &dyn ReadsPages,
    http: &Http,
    after: Option<&Cursor>,
) -> Result<(Page, Response), Fault> {
    let read = |response: &Response| {
        let mut found = Vec::new();
        let page = pages.read_page(http, after, response, &mut |given| found.push(given.into()))?;
        Ok((Page { found, ..page }, response.clone()))
    };
    read_page(pages, http, after, read).await
}

/// A platform before it is connected: its facts, and how the settings of a connection become a connector.
pub trait Driver: Send + Sync {
    /// Its facts.
    fn facts(&self) -> &PlatformFacts;

    /// The credentials that go with every request.
    fn credentials(&self, settings: &Settings) -> Credentials;

    /// How a token is obtained, where the settings do not hold one.
    fn login(&self, settings: &Settings) -> Option<Box<dyn Login>> {
        let _ = settings;
        None
    }

    /// Makes the connector; fails (exit 2) with all that is wrong with the settings, including the findings of
    /// [`super::settings::validate`].
    fn connect(&self, settings: &Settings) -> Connected;
}

/// The rules by which a platform is written to. Pure.
pub trait WriteRules: Send + Sync {
    /// Its facts.
    fn facts(&self) -> &PlatformFacts;

    /// Whether a write replaces the whole contact, so that the contact has to be read first.
    fn replaces(&self) -> bool {
        false
    }

    /// Converts the wanted values to the forms that this account knows (an owner's name becomes the owner's id), after
    /// [`super::project()`] and before the difference is computed. Values that the account cannot hold are removed, and
    /// returned by their names as in `not_carried`.
    fn resolve(&self, ready: &Ready, wanted: &mut Wanted) -> Vec<String> {
        let _ = (ready, wanted);
        Vec::new()
    }

    /// Whether [`WriteRules::resolve`] may change these wanted values or remove one of them.
    fn resolves(&self, wanted: &Wanted) -> bool {
        let _ = wanted;
        false
    }

    /// The steps that remain from what is there to what should be; none if nothing remains.
    ///
    /// # Errors
    /// The problems, if the platform could not accept it.
    fn steps(&self, ready: &Ready, delta: &Delta, found: Option<&Found>) -> Result<Vec<Step>, Vec<Problem>>;
}

/// The requests of a platform.
///
/// Faults: [`Fault::Fatal`] for what is wrong with the account, the address or the network, because no record is to
/// blame for it; [`Fault::Refused`] for what is wrong with this contact; [`Fault::InDoubt`] for a write whose result is
/// unknown, and for a single read without a reliable response. `check`, `page` and `prepare` never give a doubt: for
/// them it is fatal (exit 6).
#[async_trait]
pub trait Connector: WriteRules {
    /// What it can do beside.
    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities::default()
    }

    /// Proves the settings with one cheap request.
    async fn check(&self, http: &Http) -> Result<Checked, Fault>;

    /// A page of all contacts; the first one without a cursor.
    async fn page(&self, http: &Http, after: Option<&Cursor>) -> Result<Page, Fault>;

    /// All contacts that the platform returns for one value, each compared locally. A contact that is returned although
    /// its value is another one is left out; if only such contacts are returned, the lookup proves nothing and is a
    /// doubt.
    async fn find(&self, http: &Http, by: &Lookup) -> Result<Vec<Found>, Fault>;

    /// A contact by its id, or, with a server that reads no contact by id, by the other lookup.
    async fn read(&self, http: &Http, id: &str, or_by: Option<&Lookup>) -> Result<Reading, Fault>;

    /// Asks the platform about what is going to be written.
    async fn prepare(&self, http: &Http, needs: &Needs) -> Result<Ready, Fault>;

    /// Sends one step. A step that changes needs a contact with an id; one that creates ignores `address`, unless an
    /// earlier step created the contact.
    async fn send_step(&self, http: &Http, step: &Step, address: &Address) -> Result<StepResult, Fault>;
}

/// What only some platforms can do. The facts say the same, because help and checks need it before connecting; a test
/// compares the two.
#[derive(Clone, Copy, Default)]
#[allow(missing_docs)]
pub struct Capabilities<'a> {
    pub partial_creates: Option<&'a dyn PartialCreates>,
    pub attributes: Option<&'a dyn DefinesAttributes>,
    pub lists: Option<&'a dyn Lists>,
    pub deletes: Option<&'a dyn Deletes>,
    pub numbered_pages: Option<Numbering>,
    pub reads_pages: Option<&'a dyn ReadsPages>,
}

/// A page of contacts is one response, which is read apart from its request. Pure.
pub trait ReadsPages: Send + Sync {
    /// The request for a page; the first one without a cursor.
    ///
    /// # Errors
    /// The cursor is none of this list.
    fn page_request(&self, after: Option<&Cursor>) -> Result<Request, Fault>;

    /// Reads the response. Each contact is handed over before the next is read, and `found` is empty.
    ///
    /// # Errors
    /// What came in place of the page.
    fn read_page(
        &self,
        http: &Http,
        after: Option<&Cursor>,
        response: &Response,
        take: Take<'_>,
    ) -> Result<Page, Fault>;
}

/// Creating a contact takes several requests.
#[async_trait]
pub trait PartialCreates: Send + Sync {
    /// The contacts that a create request in doubt may have left, although no lookup finds them yet: created, and
    /// without content. `body` is the body of that request, `since_ms` (milliseconds since 1970) the earliest time at
    /// which it was sent.
    async fn find_partial(&self, http: &Http, body: &Value, since_ms: u64) -> Result<Vec<Found>, Fault>;
}

/// The account defines its custom attributes.
#[async_trait]
pub trait DefinesAttributes: Send + Sync {
    /// The attributes that the account defines.
    async fn attributes(&self, http: &Http) -> Result<Vec<Definition>, Fault>;

    /// Changes them. A definition in doubt is settled by listing them.
    async fn define(&self, http: &Http, what: &Define) -> Result<(), Fault>;
}

/// The platform has other lists than the contacts: those of [`PlatformFacts::lists`].
#[async_trait]
pub trait Lists: Send + Sync {
    /// A page of a list; the first one without a cursor.
    async fn list(&self, http: &Http, list: List, after: Option<&Cursor>) -> Result<ListPage, Fault>;
}

/// The platform deletes contacts.
pub trait Deletes: Send + Sync {
    /// The step that deletes a contact.
    fn deletion(&self) -> Step;
}

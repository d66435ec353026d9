//! Mercately: customers of a retailer, found by id, phone or e-mail; created as a whole, updated in part.
//!
//! A question that the vendor's documents leave open is a setting. The parts have the same order for every platform:
//! facts, settings, driver, responses, reading, finding, writing.

mod lists;
mod owner;
mod read;

use super::answer::{Account, Purpose, errors, object, send, words};
use super::connector::{Capabilities, Connected, Connector, Driver, Lists, ReadsPages, Take, WriteRules, whole_page};
use super::exchange::{
    Address, Body, Checked, Cursor, Fault, Found, ListPage, Lookup, Needs, Page, Reading, Ready, Step, StepResult,
};
use super::facts::{List, PlatformFacts};
use super::pages::Numbering;
use super::problems::missing_name;
use super::reading::Given;
use super::settings::{Setting, Settings, validate, wrong};
use super::text::texts;
use super::value::{segment, with_plus};
use crate::change::{Delta, StepKind};
use crate::contact::{Contact, Field, Wanted};
use crate::http::{Credentials, Http, Method, Request, Response};
use crate::identity::{canonical, whatsapp_forms};
use crate::json::{Node, ObjectWriter};
use crate::outcome::{Failure, Problem};
use async_trait::async_trait;
use bytes::Bytes;
use owner::{OWNER, agent_for, resolve_owner};
use read::{TEXTS, found_of, read_agent, read_customer};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::sync::Arc;

/// The length of the body of most writes, in bytes.
const BODY_LEN: usize = 512;

/// The facts (Retailers API, customers).
pub static FACTS: PlatformFacts = PlatformFacts {
    name: Cow::Borrowed("mercately"),
    aliases: Cow::Borrowed(&[]),
    title: Cow::Borrowed("Mercately"),
    holds: Cow::Borrowed(&[
        Field::FirstName,
        Field::LastName,
        Field::Phones,
        Field::Emails,
        Field::Tags,
        Field::Street,
        Field::City,
        Field::State,
        Field::Zip,
        Field::DocumentType,
        Field::DocumentNumber,
        Field::Notes,
        Field::OwnerId,
        Field::OwnerName,
        Field::OwnerEmail,
    ]),
    single: Cow::Borrowed(&[Field::Phones, Field::Emails]),
    reads: Cow::Borrowed(&[Field::Id, Field::Country, Field::CreatedAt]),
    attributes: true,
    defines_attributes: false,
    creates: true,
    deletes: false,
    creates_in_steps: false,
    needs: Cow::Borrowed(&[
        Cow::Borrowed(&[Field::FirstName]),
        Cow::Borrowed(&[Field::LastName]),
        Cow::Borrowed(&[Field::Phones, Field::Emails]),
    ]),
    finds_by: Cow::Borrowed(&[Field::Phones, Field::Emails]),
    drops: Cow::Borrowed(&[
        Field::Tags,
        Field::DocumentType,
        Field::DocumentNumber,
        Field::OwnerId,
        Field::OwnerName,
        Field::OwnerEmail,
    ]),
    drops_attributes: true,
    undoes: Cow::Borrowed("changes are written back; a created contact stays, because it cannot be deleted"),
    rate_start_per_s: 2.0,
    concurrency: 4,
    numbered_pages: true,
    lists: Cow::Borrowed(&[List::Agents, List::Conversations, List::Templates]),
    ids_setting: None,
    settings: Cow::Borrowed(SETTINGS),
    base_url: Cow::Borrowed("https://app.mercately.com"),
};

const SETTINGS: &[Setting] = &[
    Setting::secret("api_key", "the API key, made by an administrator under Usuario, Configuración, API Key"),
    Setting::text("slug", None, "the account's slug, which old servers need beside the key"),
    Setting::choice(
        "write_body",
        texts!["wrapped", "flat"],
        "wrapped",
        "whether the body of a write is inside `customer`",
    ),
    Setting::text("path_prefix", Some("/retailers/api/v1"), "the path before `/customers` and `/agents`"),
    Setting::choice("phone_in_path", texts!["both", "plus", "digits"], "both", "how a phone is written to look it up"),
];

/// The kinds of identity documents.
const DOCUMENT_TYPES: [&str; 5] = ["cedula", "pasaporte", "ruc", "rut", "otro"];

/// The platform before it is connected.
pub struct MercatelyDriver;

impl Driver for MercatelyDriver {
    fn facts(&self) -> &PlatformFacts {
        &FACTS
    }

    fn credentials(&self, settings: &Settings) -> Credentials {
        let key = settings.secret("api_key").cloned();
        Credentials { headers: key.map(|key| ("Api-Key", key)).into_iter().collect(), query: Vec::new() }
    }

    fn connect(&self, settings: &Settings) -> Connected {
        let mut failures = validate(&FACTS, settings);
        let get = |name| settings.get_or_default(SETTINGS, name);
        let prefix = get("path_prefix");
        if !prefix.starts_with('/') {
            failures.push(wrong(settings, "path_prefix", prefix, "a path that begins with `/`"));
        }
        if !failures.is_empty() {
            return Err(failures);
        }
        Ok(Arc::new(Mercately {
            account: Account { title: FACTS.title.clone(), connection: settings.connection.clone() },
            slug: settings.get("slug").map(str::to_owned),
            wraps: get("write_body") == "wrapped",
            prefix: prefix.trim_end_matches('/').to_owned(),
            with_plus: get("phone_in_path") != "digits",
            without_plus: get("phone_in_path") != "plus",
        }))
    }
}

/// The connector; its fields are the settings.
struct Mercately {
    account: Account,
    slug: Option<String>,
    wraps: bool,
    prefix: String,
    with_plus: bool,
    without_plus: bool,
}

impl WriteRules for Mercately {
    fn facts(&self) -> &PlatformFacts {
        &FACTS
    }

    fn resolves(&self, wanted: &Wanted) -> bool {
        let has = |field: Field| wanted.contact.has(field) || wanted.clear.has(field);
        wanted.contact.has(Field::DocumentType) || OWNER.into_iter().any(has)
    }

    fn resolve(&self, ready: &Ready, wanted: &mut Wanted) -> Vec<String> {
        if let Some(kind) = wanted.contact.text(Field::DocumentType) {
            let kind = kind.to_lowercase().replace('é', "e");
            wanted.contact.set_text(Field::DocumentType, kind);
        }
        resolve_owner(ready, wanted)
    }

    fn steps(&self, ready: &Ready, delta: &Delta, found: Option<&Found>) -> Result<Vec<Step>, Vec<Problem>> {
        let problems = problems(delta, found);
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut text = Vec::with_capacity(BODY_LEN);
        let mut body = ObjectWriter::begin(&mut text);
        if self.wraps {
            body.key("customer");
            body.open();
        }
        write_body(&mut body, ready, delta, found);
        if found.is_some() && !body.has_members() {
            return Ok(Vec::new());
        }
        body.end();
        if self.wraps {
            body.end();
        }
        let kind = if found.is_some() { StepKind::Change } else { StepKind::Create };
        Ok(vec![Step { kind, body: Body::Written(text.into()) }])
    }
}

#[async_trait]
impl Connector for Mercately {
    fn capabilities(&self) -> Capabilities<'_> {
        let numbered_pages = Some(Numbering { first: 1, step: 1 });
        Capabilities { lists: Some(self), numbered_pages, reads_pages: Some(self), ..Capabilities::default() }
    }

    async fn check(&self, http: &Http) -> Result<Checked, Fault> {
        let (first, response) = whole_page(self, http, None).await?;
        Ok(Checked { contacts: first.total, sample: first.found, response: Some(response) })
    }

    async fn page(&self, http: &Http, after: Option<&Cursor>) -> Result<Page, Fault> {
        Ok(whole_page(self, http, after).await?.0)
    }

    async fn find(&self, http: &Http, by: &Lookup) -> Result<Vec<Found>, Fault> {
        match by.field {
            Field::Phones => self.find_by_phone(http, &by.value).await,
            Field::Emails => {
                let found = self.look_up(http, &by.value, Field::Emails).await?;
                Ok(found.filter(|found| is_of(found, by)).into_iter().collect())
            }
            Field::Id | Field::TargetId => Ok(self.read(http, &by.value, None).await?.there().into_iter().collect()),
            other => {
                let message = format!("{} has no lookup by `{}`", FACTS.title, other.name());
                Err(Fault::Fatal(Failure::failed(message)))
            }
        }
    }

    async fn read(&self, http: &Http, id: &str, _or_by: Option<&Lookup>) -> Result<Reading, Fault> {
        let found = self.look_up(http, id, Field::Id).await?.filter(|found| found.id == id);
        Ok(found.map_or(Reading::Gone, Reading::There))
    }

    async fn prepare(&self, http: &Http, needs: &Needs) -> Result<Ready, Fault> {
        if !needs.owners {
            return Ok(Ready::default());
        }
        let response = self.ask(http, Request::get(format!("{}/agents", self.prefix)), Purpose::List).await?;
        let list = self.success(http, &response, Purpose::List)?;
        match list.get("agents") {
            Some(Value::Array(agents)) => {
                Ok(Ready { agents: agents.iter().filter_map(read_agent).collect(), ..Ready::default() })
            }
            _ => Err(self.account.not_promised(http, &response, "`{\"agents\": […]}`")),
        }
    }

    async fn send_step(&self, http: &Http, step: &Step, address: &Address) -> Result<StepResult, Fault> {
        match (step.kind, address) {
            (StepKind::Create, _) => self.create(http, step.body.to_json()).await,
            (StepKind::Change | StepKind::Add, Address::Id(id)) => self.change(http, step.body.to_json(), id).await,
            (StepKind::Change | StepKind::Add, Address::New) => {
                Err(Fault::Fatal(Failure::failed("a change has no contact to be written to")))
            }
        }
    }
}

#[async_trait]
impl Lists for Mercately {
    async fn list(&self, http: &Http, list: List, after: Option<&Cursor>) -> Result<ListPage, Fault> {
        self.page_of(http, list, after).await
    }
}

impl ReadsPages for Mercately {
    fn page_request(&self, after: Option<&Cursor>) -> Result<Request, Fault> {
        let number = page_number(after)?.to_string();
        Ok(self.with_slug(Request::get(format!("{}/customers", self.prefix)).query("page", number)))
    }

    fn read_page(
        &self,
        http: &Http,
        after: Option<&Cursor>,
        response: &Response,
        take: Take<'_>,
    ) -> Result<Page, Fault> {
        let number = page_number(after)?;
        let list = response.node().filter(|list| response.is_success() && list.get("errors").is_none());
        let mut list = match list {
            Some(Node::Object(list)) => list,
            _ => self.success(http, response, Purpose::List)?.into(),
        };
        let promised = || self.account.not_promised(http, response, "`{\"customers\": […]}`");
        let Some(Node::List(customers)) = list.remove("customers") else { return Err(promised()) };
        let next = (!customers.is_empty()).then(|| number.saturating_add(1).to_string());
        for customer in customers {
            take(Given::Incoming(read_customer(customer).ok_or_else(promised)?));
        }
        Ok(Page { total: list.get("results").and_then(Node::as_u64), next, ..Page::default() })
    }
}

fn page_number(after: Option<&Cursor>) -> Result<u64, Fault> {
    after.map_or(Ok(1), |cursor| cursor.parse().map_err(|_| not_a_page(cursor)))
}

/// Responses.
impl Mercately {
    fn with_slug(&self, mut request: Request) -> Request {
        request.headers.extend(self.slug.iter().map(|slug| ("slug", slug.clone().into())));
        request
    }

    async fn ask(&self, http: &Http, request: Request, purpose: Purpose) -> Result<Response, Fault> {
        send(http, self.with_slug(request), purpose).await
    }

    /// The object of a response, if it is a complete success; one with `errors` in it is not.
    fn success(&self, http: &Http, response: &Response, purpose: Purpose) -> Result<Map<String, Value>, Fault> {
        let object = object(response);
        if !response.is_success() {
            return Err(self.failure(http, response, object.as_ref(), purpose));
        }
        let object = object.ok_or_else(|| match purpose {
            Purpose::Write => self.account.not_promised_of_write(http, response, "JSON"),
            Purpose::List | Purpose::Read => self.account.not_promised(http, response, "JSON"),
        })?;
        match errors(&object).is_empty() {
            true => Ok(object),
            false if purpose == Purpose::List => Err(self.account.not_promised(http, response, "a list")),
            false => Err(self.account.refuses(http, response)),
        }
    }

    fn failure(
        &self,
        http: &Http,
        response: &Response,
        object: Option<&Map<String, Value>>,
        purpose: Purpose,
    ) -> Fault {
        let message = object.and_then(|object| object.get("message")?.as_str()).unwrap_or_default().trim();
        match response.status {
            400 | 404 if message.eq_ignore_ascii_case("unauthorized") => {
                self.account.refuses_us(response, &["api_key"])
            }
            404 if message.eq_ignore_ascii_case("resource not found") => {
                self.account.refuses_us(response, &["slug", "api_key"])
            }
            403 if object.is_none() => self.account.refuses_us(response, &["api_key", "user_agent"]),
            300..=399 | 400 | 422 if purpose != Purpose::List && object.is_some_and(|it| !errors(it).is_empty()) => {
                self.account.refuses(http, response)
            }
            300..=399 | 404 | 405 => self.account.wrong_address(http, response, &["base_url", "path_prefix"]),
            _ => self.account.judge(http, response, purpose, "api_key"),
        }
    }

    /// Whether the customer does not exist: a 404 with a `message` of the platform. A 404 without one is a path that leads
    /// nowhere.
    fn is_absent(&self, response: &Response) -> bool {
        let message = || Some(object(response)?.get("message")?.as_str()?.trim().to_lowercase());
        let is_ours = |message: String| !matches!(message.as_str(), "resource not found" | "unauthorized" | "");
        response.status == 404 && message().is_some_and(is_ours)
    }
}

fn not_a_page(cursor: &Cursor) -> Fault {
    Fault::Fatal(Failure::failed(format!("`{cursor}` is not a page of the list")))
}

/// Whether the platform says that a customer with this phone or e-mail exists already. Its sentences have changed, so they
/// are recognised by their words.
fn is_taken(message: &str) -> bool {
    let message = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    says(&["registrado", "already", "ya existe", "taken", "en uso"]) && !says(&["no est", "no regist", "not regist"])
}

/// Finding.
impl Mercately {
    /// One customer by id, phone or e-mail, which share a path.
    async fn look_up(&self, http: &Http, key: &str, field: Field) -> Result<Option<Found>, Fault> {
        let Some(segment) = segment(key) else { return Ok(None) };
        let request = Request::get(format!("{}/customers/{segment}", self.prefix));
        let response = self.ask(http, request, Purpose::Read).await?;
        let is_lost_on_way = field == Field::Emails && matches!(response.status, 404 | 406) && is_no_object(&response);
        if self.is_absent(&response) || is_lost_on_way {
            return Ok(None);
        }
        let answer = self.success(http, &response, Purpose::Read)?;
        let found = customer_of(answer).and_then(found_of);
        found.map(Some).ok_or_else(|| self.account.not_promised(http, &response, "a customer"))
    }

    /// Searches for every WhatsApp form, with `+`, and without it if no customer is found.
    async fn find_by_phone(&self, http: &Http, phone: &str) -> Result<Vec<Found>, Fault> {
        let by = Lookup { field: Field::Phones, value: phone.to_owned() };
        let mut found: Vec<Found> = Vec::new();
        for form in whatsapp_forms(phone).into_iter().filter(|form| !form.is_empty()) {
            let keys = [(self.with_plus, format!("+{form}")), (self.without_plus, form)];
            for (_, key) in keys.into_iter().filter(|(is_asked, _)| *is_asked) {
                let Some(one) = self.look_up(http, &key, Field::Phones).await? else { continue };
                if is_of(&one, &by) {
                    if found.iter().all(|known| known.id != one.id) {
                        found.push(one);
                    }
                    break;
                }
            }
        }
        Ok(found)
    }
}

/// The server may take the dot of an e-mail for a format and return its own page: the lookup did not reach the API. Lookups
/// by e-mail are verified before they are trusted.
fn is_no_object(response: &Response) -> bool {
    object(response).is_none()
}

fn is_of(found: &Found, by: &Lookup) -> bool {
    found.contact.list(by.field).iter().any(|have| canonical(by.field, have) == canonical(by.field, &by.value))
}

/// The customer of a response, in `customer` or bare.
fn customer_of(mut answer: Map<String, Value>) -> Option<Value> {
    let inner = answer.shift_remove("customer");
    inner.or_else(|| answer.contains_key("id").then_some(Value::Object(answer)))
}

/// Writing.
impl Mercately {
    async fn create(&self, http: &Http, body: Bytes) -> Result<StepResult, Fault> {
        let request = Request::write_text(Method::Post, format!("{}/customers", self.prefix), body);
        let response = self.ask(http, request, Purpose::Write).await?;
        match self.success(http, &response, Purpose::Write) {
            Ok(answer) => {
                let found = customer_of(answer).and_then(found_of);
                let not_promised = || self.account.not_promised_of_write(http, &response, "the new customer");
                let found = found.ok_or_else(not_promised)?;
                Ok(StepResult::Done { id: found.id, after: Some(Box::new(found.contact)) })
            }
            Err(Fault::Refused(_)) if is_taken(&words(http, &response)) => {
                Ok(StepResult::AlreadyExists(words(http, &response)))
            }
            Err(fault) => Err(fault),
        }
    }

    /// The response holds no customer.
    async fn change(&self, http: &Http, body: Bytes, id: &str) -> Result<StepResult, Fault> {
        let Some(segment) = segment(id) else { return Ok(StepResult::Gone) };
        let request = Request::write_text(Method::Put, format!("{}/customers/{segment}", self.prefix), body);
        let response = self.ask(http, request, Purpose::Write).await?;
        if self.is_absent(&response) {
            return Ok(StepResult::Gone);
        }
        if !(response.is_success() && response.body.trim_ascii().is_empty()) {
            self.success(http, &response, Purpose::Write)?;
        }
        Ok(StepResult::Done { id: id.to_owned(), after: None })
    }
}

/// What the platform would refuse: missing fields of a new customer, needed fields that would be cleared, and an unknown
/// kind of document.
fn problems(delta: &Delta, found: Option<&Found>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let after = &delta.after;
    let goes = |field| found.is_none() || delta.changed.has(field);
    let missing = [Field::FirstName, Field::LastName].into_iter().filter(|&field| !after.has(field) && goes(field));
    problems.extend(missing.map(|field| missing_name(&FACTS.title, field)));
    let is_nowhere = after.phone().is_none() && after.email().is_none();
    if is_nowhere && (goes(Field::Phones) || goes(Field::Emails)) {
        let message = format!("{} needs a phone or an e-mail, and there is neither", FACTS.title);
        problems.push(Problem::new("phone.missing", message).at("phone").hint("map a column to `phone` or `email`"));
    }
    let kind = after.text(Field::DocumentType).filter(|_| delta.changed.has(Field::DocumentType));
    if let Some(kind) = kind.filter(|kind| !DOCUMENT_TYPES.contains(kind)) {
        let message = format!("`{kind}` is not a kind of document that {} knows", FACTS.title);
        let hint = format!("use a `lookup` that gives one of `{}`", DOCUMENT_TYPES.join("`, `"));
        problems.push(Problem::new("document_type.invalid", message).at(Field::DocumentType.name()).hint(hint));
    }
    problems
}

/// Only what changes, because keys that are not sent stay unchanged.
fn write_body(body: &mut ObjectWriter<'_>, ready: &Ready, delta: &Delta, found: Option<&Found>) {
    for (field, name) in TEXTS {
        if delta.changed.has(field) {
            body.text_or_null(name, delta.after.text(field));
        }
        if field == Field::LastName {
            write_reached_by(body, delta);
        }
    }
    let owner_before = found.and_then(|found| found.contact.text(Field::OwnerId));
    if OWNER.into_iter().any(|field| delta.changed.has(field)) {
        match agent_for(ready, &changed_owner(delta)) {
            Some(agent) if owner_before == Some(agent.to_string().as_str()) => {}
            Some(agent) => {
                body.key("agent_id");
                body.value(&agent);
            }
            None if !OWNER.into_iter().any(|field| delta.after.has(field)) => body.text_or_null("agent_id", None),
            None => {}
        }
    }
    let tags = delta.tags_added.iter().map(|tag| (tag, true)).chain(delta.tags_removed.iter().map(|tag| (tag, false)));
    let tags: Vec<Value> = tags.map(|(name, value)| json!({ "name": name, "value": value })).collect();
    if !tags.is_empty() {
        body.key("tags");
        body.value(&tags);
    }
    let content = |name: &str| delta.after.attribute(name).unwrap_or_default();
    let fields = delta.changed_attributes.iter();
    let fields: Vec<Value> =
        fields.map(|name| json!({ "field_name": &**name, "field_content": content(name) })).collect();
    if !fields.is_empty() {
        body.key("custom_fields");
        body.value(&fields);
    }
}

/// E-mail and phone; the phone always with `+`, because the server does not notice a duplicate without it.
fn write_reached_by(body: &mut ObjectWriter<'_>, delta: &Delta) {
    if delta.changed.has(Field::Emails) {
        body.text_or_null("email", delta.after.email());
    }
    if delta.changed.has(Field::Phones) {
        body.text_or_null("phone", delta.after.phone().map(with_plus).as_deref());
    }
}

/// The owner as far as it changes; the remaining values of the old owner say nothing about the new one.
fn changed_owner(delta: &Delta) -> Contact {
    let mut owner = Contact::default();
    for field in OWNER.into_iter().filter(|&field| delta.changed.has(field)) {
        if let Some(value) = delta.after.text(field) {
            owner.set_text(field, value);
        }
    }
    owner
}

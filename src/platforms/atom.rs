//! Atom (atomchat.io): one call creates or updates a whole client, found by its phone.
//!
//! A question that the vendor's documents leave open is a setting. The parts have the same order for every platform:
//! facts, settings, driver, responses, reading, finding, writing.

mod read;

use super::answer::{Account, Purpose, object, send};
use super::connector::{Capabilities, Connected, Connector, Driver, ReadsPages, Take, WriteRules, whole_page};
use super::exchange::{
    Address, Body, Checked, Cursor, Fault, Found, Lookup, Needs, Page, Reading, Ready, Step, StepResult,
};
use super::facts::PlatformFacts;
use super::pages::Numbering;
use super::problems::missing_name;
use super::reading::Given;
use super::settings::{Setting, Settings, validate, whole_number, wrong};
use super::text::texts;
use super::value::{phone_digits, segment, text};
use crate::change::Delta;
use crate::change::StepKind;
use crate::contact::{Attribute, Contact, Field};
use crate::http::{Credentials, Http, Method, Request, Response};
use crate::identity::{digits, whatsapp_forms, whatsapp_key};
use crate::json::{Node, ObjectWriter};
use crate::outcome::{Exit, Failure, Problem};
use async_trait::async_trait;
use bytes::Bytes;
use read::{RAW_OPTIONALS, found_of, read_client};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The facts (Customers API, "How to Use and Configure").
pub static FACTS: PlatformFacts = PlatformFacts {
    name: Cow::Borrowed("atom"),
    aliases: Cow::Borrowed(&[]),
    title: Cow::Borrowed("Atom"),
    holds: Cow::Borrowed(&[Field::FirstName, Field::LastName, Field::Phones, Field::Emails, Field::Tags]),
    single: Cow::Borrowed(&[Field::Phones, Field::Emails]),
    reads: Cow::Borrowed(&[Field::Id, Field::OwnerId, Field::OwnerName, Field::CreatedAt, Field::UpdatedAt]),
    attributes: true,
    defines_attributes: false,
    creates: true,
    deletes: false,
    creates_in_steps: false,
    needs: Cow::Borrowed(&[
        Cow::Borrowed(&[Field::FirstName]),
        Cow::Borrowed(&[Field::LastName]),
        Cow::Borrowed(&[Field::Phones]),
    ]),
    finds_by: Cow::Borrowed(&[Field::Phones]),
    drops: Cow::Borrowed(&[Field::Tags]),
    drops_attributes: true,
    undoes: Cow::Borrowed("changes are written back; a created contact stays, because it cannot be deleted"),
    rate_start_per_s: 2.0,
    concurrency: 4,
    numbered_pages: true,
    lists: Cow::Borrowed(&[]),
    ids_setting: None,
    settings: Cow::Borrowed(SETTINGS),
    base_url: Cow::Borrowed("https://us-central1-atomchat-io.cloudfunctions.net"),
};

const SETTINGS: &[Setting] = &[
    Setting::secret("token", "the public token, from Configuración, Mi Empresa"),
    Setting::choice(
        "on_update",
        texts!["replace", "merge"],
        "replace",
        "what the server does with `optionals` and tags that are left out",
    ),
    Setting::text("page_size", Some("100"), "clients on a page of the list"),
    Setting::choice("sort", texts!["asc", "desc"], "asc", "the order of the list"),
    Setting::text("path_clients", Some("/clients"), "where clients are listed and written"),
    Setting::text("path_by_id", Some("/clients/{id}"), "where a client is read by id"),
    Setting::text("path_by_phone", Some("/clients?phone={phone}"), "where a client is looked up by phone"),
    Setting::switch("trailing_slash", "false", "end the paths for lists and writing with `/`"),
    Setting::switch("tags_as_array", "true", "write tags as an array, not as one text with commas"),
    Setting::switch("legacy_name", "false", "write one `name` in place of `firstName` and `lastName`"),
    Setting::switch("list_500_is_end", "true", "take the list's own 500 message for its end, not for a failure"),
];

/// The largest page: more clients than the API can be expected to send in one response.
const PAGE_SIZE_MAX: u64 = 10_000;

/// The names of a client.
const NAMES: [(&str, Field); 2] = [("firstName", Field::FirstName), ("lastName", Field::LastName)];

/// The length of the body of most writes, in bytes.
const BODY_LEN: usize = 512;

/// The message of the list, with status 500, where there are no clients.
const LIST_END: &str = "Something went wrong while the operation was being performed";

/// The platform before it is connected.
pub struct AtomDriver;

impl Driver for AtomDriver {
    fn facts(&self) -> &PlatformFacts {
        &FACTS
    }

    fn credentials(&self, settings: &Settings) -> Credentials {
        let bearer = settings.secret("token").map(|token| {
            let token = token.expose_secret().trim();
            SecretString::from(format!("Bearer {}", token.strip_prefix("Bearer ").unwrap_or(token)))
        });
        Credentials { headers: bearer.map(|bearer| ("Authorization", bearer)).into_iter().collect(), query: Vec::new() }
    }

    fn connect(&self, settings: &Settings) -> Connected {
        let mut failures = validate(&FACTS, settings);
        let get = |name| settings.get_or_default(SETTINGS, name);
        for (name, part) in [("path_clients", ""), ("path_by_id", "{id}"), ("path_by_phone", "{phone}")] {
            if !get(name).starts_with('/') || !get(name).contains(part) {
                let expected =
                    if part.is_empty() { "a path that begins with `/`" } else { "a path with `/` and `{…}`" };
                failures.push(wrong(settings, name, get(name), &expected.replace("{…}", part)));
            }
        }
        let page_size = whole_number(settings, "page_size", get("page_size"), 1, PAGE_SIZE_MAX);
        failures.extend(page_size.err());
        if !failures.is_empty() {
            return Err(failures);
        }
        Ok(Arc::new(Atom {
            account: Account { title: FACTS.title.clone(), connection: settings.connection.clone() },
            merges: get("on_update") == "merge",
            page_size: get("page_size").to_owned(),
            sort: get("sort").to_owned(),
            path_clients: get("path_clients").to_owned(),
            path_by_id: get("path_by_id").to_owned(),
            path_by_phone: get("path_by_phone").to_owned(),
            trailing_slash: get("trailing_slash") == "true",
            tags_as_array: get("tags_as_array") == "true",
            legacy_name: get("legacy_name") == "true",
            list_500_is_end: get("list_500_is_end") == "true",
            has_no_path_by_id: AtomicBool::new(false),
        }))
    }
}

/// The connector; its fields are the settings.
struct Atom {
    account: Account,
    merges: bool,
    page_size: String,
    sort: String,
    path_clients: String,
    path_by_id: String,
    path_by_phone: String,
    trailing_slash: bool,
    tags_as_array: bool,
    legacy_name: bool,
    list_500_is_end: bool,
    /// Whether the path by id leads nowhere. No document names it, so that it is determined at its first use.
    has_no_path_by_id: AtomicBool,
}

/// The result of reading a client by id.
#[expect(clippy::large_enum_variant, reason = "it is nearly always the large one, and lives shortly")]
enum ById {
    Told(Reading),
    /// The path leads nowhere.
    NotRouted(Fault),
}

impl WriteRules for Atom {
    fn facts(&self) -> &PlatformFacts {
        &FACTS
    }

    fn replaces(&self) -> bool {
        !self.merges
    }

    fn steps(&self, _ready: &Ready, delta: &Delta, found: Option<&Found>) -> Result<Vec<Step>, Vec<Problem>> {
        if found.is_some() && delta.is_empty() {
            return Ok(Vec::new());
        }
        let kind = if found.is_some() { StepKind::Change } else { StepKind::Create };
        Ok(vec![Step { kind, body: Body::Written(self.body(delta, found)?) }])
    }
}

#[async_trait]
impl Connector for Atom {
    fn capabilities(&self) -> Capabilities<'_> {
        let numbered_pages = Some(Numbering { first: 1, step: 1 });
        Capabilities { numbered_pages, reads_pages: Some(self), ..Capabilities::default() }
    }

    async fn check(&self, http: &Http) -> Result<Checked, Fault> {
        let (first, response) = whole_page(self, http, None).await?;
        let contacts = first.found.is_empty().then_some(0);
        Ok(Checked { contacts, sample: first.found, response: Some(response) })
    }

    async fn page(&self, http: &Http, after: Option<&Cursor>) -> Result<Page, Fault> {
        Ok(whole_page(self, http, after).await?.0)
    }

    async fn find(&self, http: &Http, by: &Lookup) -> Result<Vec<Found>, Fault> {
        match by.field {
            Field::Phones => self.find_by_phone(http, &by.value).await,
            Field::Id | Field::TargetId => Ok(self.read(http, &by.value, None).await?.there().into_iter().collect()),
            other => {
                let message = format!("{} has no lookup by `{}`", FACTS.title, other.name());
                Err(Fault::Fatal(Failure::failed(message)))
            }
        }
    }

    async fn read(&self, http: &Http, id: &str, or_by: Option<&Lookup>) -> Result<Reading, Fault> {
        let phone = or_by.filter(|by| by.field == Field::Phones).map(|by| by.value.as_str());
        match phone {
            Some(phone) if self.has_no_path_by_id.load(Ordering::Relaxed) => self.read_by_phone(http, id, phone).await,
            _ => match (self.read_by_id(http, id).await?, phone) {
                (ById::Told(reading), _) => Ok(reading),
                (ById::NotRouted(_), Some(phone)) => {
                    self.has_no_path_by_id.store(true, Ordering::Relaxed);
                    self.read_by_phone(http, id, phone).await
                }
                (ById::NotRouted(fault), None) => Err(fault),
            },
        }
    }

    async fn prepare(&self, _http: &Http, _needs: &Needs) -> Result<Ready, Fault> {
        Ok(Ready::default())
    }

    async fn send_step(&self, http: &Http, step: &Step, address: &Address) -> Result<StepResult, Fault> {
        let request = Request::write_text(Method::Post, self.collection(&self.path_clients), step.body.to_json());
        let response = self.ask(http, request, Purpose::Write).await?;
        let body = self.success(http, &response, Purpose::Write)?;
        let Some(id) = object(body).and_then(|answer| id_of(answer.get("client")?)) else {
            return Err(self.account.not_promised_of_write(http, &response, "`{\"client\": \"<id>\"}`"));
        };
        match address {
            Address::Id(meant) if *meant != id => Err(Fault::InDoubt(self.another_written(meant, &id))),
            _ => Ok(StepResult::Done { id, after: None }),
        }
    }
}

impl ReadsPages for Atom {
    fn page_request(&self, after: Option<&Cursor>) -> Result<Request, Fault> {
        let mut request = Request::get(self.collection(&self.path_clients))
            .query("page", page_number(after)?.to_string())
            .query("size", self.page_size.as_str())
            .query("sort", self.sort.as_str());
        request.is_end = self.list_500_is_end.then_some(is_list_end);
        Ok(with_charset(request))
    }

    fn read_page(
        &self,
        http: &Http,
        after: Option<&Cursor>,
        response: &Response,
        take: Take<'_>,
    ) -> Result<Page, Fault> {
        let number = page_number(after)?;
        if self.list_500_is_end && is_list_end(response) {
            return Ok(Page::default());
        }
        let promised = || self.account.not_promised(http, response, "`{\"items\": […]}`");
        let body = self.success(http, response, Purpose::List)?;
        let Some(Node::List(items)) = body.node().and_then(|list| list.take_member("items")) else {
            return Err(promised());
        };
        let next = (!items.is_empty()).then(|| number.saturating_add(1).to_string());
        for item in items {
            take(Given::Incoming(read_client(item).ok_or_else(promised)?));
        }
        Ok(Page { next, ..Page::default() })
    }
}

fn with_charset(mut request: Request) -> Request {
    request.headers.push(("charset", "utf-8".into()));
    request
}

/// Responses.
impl Atom {
    async fn ask(&self, http: &Http, request: Request, purpose: Purpose) -> Result<Response, Fault> {
        send(http, with_charset(request), purpose).await
    }

    /// The response, if it is a success.
    fn success<'a>(&self, http: &Http, response: &'a Response, purpose: Purpose) -> Result<&'a Response, Fault> {
        if response.is_success() {
            return Ok(response);
        }
        if response.status == 400 && blames_token(response) {
            return Err(self.account.refuses_us(response, &["token"]));
        }
        match response.status {
            404 => Err(self.account.wrong_address(http, response, &["base_url", "path_clients"])),
            _ => Err(self.account.judge(http, response, purpose, "token")),
        }
    }

    /// The clients of a response about one client, whose form is not documented: a client, a list of clients under `items` or
    /// `clients` or bare. No client is 404 with JSON, `null`, `{}` or an empty list.
    fn clients(&self, http: &Http, response: &Response, path: &str, id: Option<&str>) -> Result<Vec<Found>, Fault> {
        if is_not_routed(response) {
            return Err(self.account.wrong_address(http, response, &["base_url", path]));
        }
        if response.status == 404 {
            return Ok(Vec::new());
        }
        let body = self.success(http, response, Purpose::Read)?;
        let items = body.json().and_then(|answer| unwrap_clients(answer, id));
        let found = items.and_then(|items| items.into_iter().map(found_of).collect());
        found.ok_or_else(|| self.account.not_promised(http, response, "a client"))
    }

    fn another_written(&self, meant: &str, written: &str) -> Failure {
        let message = format!("{} wrote client `{written}` in place of `{meant}`", FACTS.title);
        Failure::new(Exit::Unavailable, message)
    }
}

/// The page number of a cursor.
fn page_number(after: Option<&Cursor>) -> Result<u64, Fault> {
    let Some(cursor) = after else { return Ok(1) };
    cursor.parse().map_err(|_| Fault::Fatal(Failure::failed(format!("`{cursor}` is not a page of the list"))))
}

/// Whether the web server's own page came in place of a response: this path leads nowhere.
fn is_not_routed(response: &Response) -> bool {
    response.status == 404 && object(response).is_none()
}

/// Whether there are no clients on this page or a later one.
fn is_list_end(response: &Response) -> bool {
    let is_its_message = || object(response)?.get("message").map(|message| message.as_str() == Some(LIST_END));
    response.status == 500 && is_its_message() == Some(true)
}

/// Whether the token is wrong: a 400 that names the header in its `path`.
fn blames_token(response: &Response) -> bool {
    let is_header = |value: &Value| value.as_str().is_some_and(|name| name.contains("headers.authorization"));
    object(response).is_some_and(|answer| match answer.get("path") {
        Some(Value::Array(names)) => names.iter().any(is_header),
        Some(name) => is_header(name),
        None => false,
    })
}

fn unwrap_clients(answer: Value, id: Option<&str>) -> Option<Vec<Value>> {
    match answer {
        Value::Null => Some(Vec::new()),
        Value::Array(items) => Some(items),
        Value::Object(object) if object.is_empty() => Some(Vec::new()),
        Value::Object(mut object) => {
            for name in ["items", "clients"] {
                match object.shift_remove(name) {
                    Some(Value::Array(items)) => return Some(items),
                    Some(other) => drop(object.insert(name.to_owned(), other)),
                    None => {}
                }
            }
            if let (Some(id), false, true) = (id, object.contains_key("id"), object.contains_key("phone")) {
                object.insert("id".to_owned(), Value::from(id));
            }
            object.contains_key("id").then(|| vec![Value::Object(object)])
        }
        _ => None,
    }
}

fn id_of(value: &Value) -> Option<String> {
    match value {
        Value::String(_) | Value::Number(_) => text(value),
        _ => None,
    }
}

/// Finding.
impl Atom {
    async fn read_by_id(&self, http: &Http, id: &str) -> Result<ById, Fault> {
        let Some(segment) = segment(id) else { return Ok(ById::Told(Reading::Gone)) };
        let request = Request::get(self.path_by_id.replace("{id}", &segment));
        let response = self.ask(http, request, Purpose::Read).await?;
        let clients = match self.clients(http, &response, "path_by_id", Some(id)) {
            Err(fault) if is_not_routed(&response) => return Ok(ById::NotRouted(fault)),
            clients => clients?,
        };
        let found = clients.into_iter().find(|found| found.id == id);
        Ok(ById::Told(found.map_or(Reading::Gone, Reading::There)))
    }

    /// A lookup by phone that returns another client, no client or a refusal proves nothing here, because it is unknown
    /// whether this server finds by phone at all.
    async fn read_by_phone(&self, http: &Http, id: &str, phone: &str) -> Result<Reading, Fault> {
        let digits = digits(phone);
        let mut request = self.by_phone(&digits);
        request.is_answer = Some(is_list_end);
        let response = self.ask(http, request, Purpose::Read).await?;
        if is_list_end(&response) {
            return Ok(Reading::Unreadable);
        }
        match self.clients(http, &response, "path_by_phone", None) {
            Ok(found) => Ok(found.into_iter().find(|found| found.id == id).map_or(Reading::Unreadable, Reading::There)),
            Err(Fault::Refused(_)) => Ok(Reading::Unreadable),
            Err(_) if is_not_routed(&response) => Ok(Reading::Unreadable),
            Err(fault) => Err(fault),
        }
    }

    /// Searches for every WhatsApp form. The parameters of the list are left out, because the lookup refuses them.
    async fn find_by_phone(&self, http: &Http, phone: &str) -> Result<Vec<Found>, Fault> {
        let (mut found, mut others) = (Vec::<Found>::new(), 0);
        for form in whatsapp_forms(phone).into_iter().filter(|form| !form.is_empty()) {
            let response = self.ask(http, self.by_phone(&form), Purpose::Read).await?;
            for client in self.clients(http, &response, "path_by_phone", None)? {
                let is_same = client.contact.phone().is_some_and(|have| whatsapp_key(have) == whatsapp_key(phone));
                if !is_same {
                    others += 1;
                } else if found.iter().all(|known| known.id != client.id) {
                    found.push(client);
                }
            }
        }
        if found.is_empty() && others > 0 {
            return Err(Fault::InDoubt(self.no_filter(others)));
        }
        Ok(found)
    }

    fn no_filter(&self, others: usize) -> Failure {
        let message = format!("{} answered a lookup by phone with {others} other clients", FACTS.title);
        let hint =
            format!("set `find: snapshot` for connection `{}`, or correct `path_by_phone`", self.account.connection);
        Failure::new(Exit::Unavailable, message).hint(hint)
    }

    fn by_phone(&self, digits: &str) -> Request {
        let (path, query) = self.path_by_phone.split_once('?').unwrap_or((&self.path_by_phone, ""));
        let mut request = Request::get(self.collection(&path.replace("{phone}", digits)));
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            request = request.query(name, value.replace("{phone}", digits));
        }
        request
    }

    fn collection(&self, path: &str) -> String {
        let slash = if self.trailing_slash && !path.ends_with('/') { "/" } else { "" };
        format!("{path}{slash}")
    }
}

/// Writing.
impl Atom {
    /// The whole client, because a write replaces all of it. For a server that merges, unchanged values are left out where
    /// possible, because the values that were read may be old.
    fn body(&self, delta: &Delta, found: Option<&Found>) -> Result<Bytes, Vec<Problem>> {
        let is_whole = found.is_none() || !self.merges;
        let mut problems = self.missing_names(&delta.after);
        let phone = phone_to_write(delta, found).map_err(|problem| problems.push(problem));
        let (Ok(phone), true) = (phone, problems.is_empty()) else { return Err(problems) };
        let mut text = Vec::with_capacity(BODY_LEN);
        let mut body = ObjectWriter::begin(&mut text);
        match self.legacy_name {
            true => delta.after.whole_name().iter().for_each(|name| body.text("name", name)),
            false => NAMES.into_iter().for_each(|(key, field)| {
                delta.after.text(field).into_iter().for_each(|name| body.text(key, name));
            }),
        }
        body.text("phone", &phone);
        let email = delta.after.email();
        if delta.changed.has(Field::Emails) || (is_whole && email.is_some()) {
            body.text_or_null("email", email);
        }
        body.key("optionals");
        body.open();
        write_optionals(&mut body, delta, is_whole);
        body.end();
        let tags = delta.after.list(Field::Tags);
        if delta.changed.has(Field::Tags) || (is_whole && !tags.is_empty()) {
            match self.tags_as_array {
                true => body.list("tags", tags.iter().map(String::as_str)),
                false => body.text("tags", &tags.join(",")),
            }
        }
        body.end();
        Ok(Bytes::from(text))
    }

    fn missing_names(&self, contact: &Contact) -> Vec<Problem> {
        if self.legacy_name {
            let is_missing = contact.whole_name().is_none();
            return is_missing.then(|| missing_name(&FACTS.title, Field::FirstName)).into_iter().collect();
        }
        let missing = NAMES.into_iter().filter(|(_, field)| !contact.has(*field));
        missing.map(|(_, field)| missing_name(&FACTS.title, field)).collect()
    }
}

/// All custom fields without the cleared ones; or only those that change, a cleared one as a blank.
fn write_optionals(body: &mut ObjectWriter<'_>, delta: &Delta, is_whole: bool) {
    let is_changed = |attribute: &Attribute| delta.changed_attributes.contains(&attribute.name);
    let is_sent = |attribute: &&Attribute| if is_whole { !attribute.value.is_empty() } else { is_changed(attribute) };
    let raw = delta.after.native.get(RAW_OPTIONALS);
    for attribute in delta.after.attributes.iter().filter(is_sent) {
        match raw.and_then(|raw| raw.get(&*attribute.name)).filter(|_| !is_changed(attribute)) {
            Some(as_it_came) => {
                body.key(&attribute.name);
                body.value(as_it_came);
            }
            None => body.text(&attribute.name, &attribute.value),
        }
    }
}

/// The digits of the phone, which identifies the client. For an existing client it is always its current phone, because a
/// write with another one creates another client.
fn phone_to_write(delta: &Delta, found: Option<&Found>) -> Result<String, Problem> {
    let Some(found) = found else {
        let phone = delta.after.phone();
        return phone.map(digits).filter(|digits| !digits.is_empty()).ok_or_else(|| {
            let message = format!("{} needs a phone, and there is none", FACTS.title);
            Problem::new("phone.missing", message).at("phone").hint("map a column to `phone`")
        });
    };
    let have = found.contact.phone().and_then(phone_digits).ok_or_else(|| {
        let message = format!("client `{}` has no phone by which {} could update it", found.id, FACTS.title);
        Problem::new("phone.missing", message).at("phone").hint("add the phone to the client on the platform")
    })?;
    match delta.after.phone() {
        Some(wanted) if whatsapp_key(wanted) != whatsapp_key(&have) => {
            let message = format!("{} cannot change the phone of client `{}` to `{wanted}`", FACTS.title, found.id);
            Err(Problem::new("phone.unchangeable", message).at("phone").hint("change it on the platform, by hand"))
        }
        _ => Ok(have),
    }
}

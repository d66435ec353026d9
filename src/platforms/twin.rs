//! TWIN: clients of a chat account, known by their ids; only their attributes can be read and written.
//!
//! It never starts a chat: a client is created only when a person writes to the account. A question that the vendor's
//! documents leave open is a setting. The parts have the same order for every platform: facts, settings, driver, responses,
//! reading, finding, writing.

mod facts;
mod iam;
mod sessions;

pub use facts::FACTS;

use super::answer::{Account, Purpose, object, send, words};
use super::connector::{Capabilities, Connected, Connector, DefinesAttributes, Driver, WriteRules};
use super::exchange::{
    Address, Checked, Cursor, Define, Definition, Fault, Found, Lookup, Needs, Page, Reading, Ready, Step, StepResult,
};
use super::facts::PlatformFacts;
use super::settings::{Settings, validate, whole_number};
use super::value::{segment, text};
use crate::change::Delta;
use crate::change::StepKind;
use crate::contact::{Contact, Field};
use crate::http::{Credentials, Http, Login, Method, Request, Response, check_base_url};
use crate::outcome::{Exit, Failure, Problem};
use crate::yaml::nearest;
use async_trait::async_trait;
use facts::SETTINGS;
use iam::{accepts_json, bearer, is_expired, login, secret};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

/// The largest page: more sessions than any server of this kind sends.
const PAGE_SIZE_MAX: u64 = 10_000;
/// Ten years, in seconds: a longer lifetime is an error in the unit.
const TTL_MAX: u64 = 10 * 365 * 86_400;
/// The pages of one list of attributes: a hundred times what an operator's panel could show.
const PAGES_MAX: u64 = 1_000;

/// The platform before it is connected.
pub struct TwinDriver;

impl Driver for TwinDriver {
    fn facts(&self) -> &PlatformFacts {
        &FACTS
    }

    fn credentials(&self, settings: &Settings) -> Credentials {
        let token = secret(settings, "token").map(bearer);
        Credentials { headers: token.map(|token| ("Authorization", token)).into_iter().collect(), query: Vec::new() }
    }

    fn login(&self, settings: &Settings) -> Option<Box<dyn Login>> {
        login(settings)
    }

    fn connect(&self, settings: &Settings) -> Connected {
        let mut failures = validate(&FACTS, settings);
        let get = |name| settings.get_or_default(SETTINGS, name);
        let numbers = [("page_size", 1, PAGE_SIZE_MAX), ("ttl", 60, TTL_MAX), ("company_id", 0, u64::MAX)];
        for (name, min, max) in numbers.into_iter().filter(|(name, ..)| !get(name).is_empty()) {
            failures.extend(whole_number(settings, name, get(name), min, max).err());
        }
        if let Err(failure) = check_base_url(get("iam_url"), settings.is_true("allow_http")) {
            // The address is not repeated: it might hold a password.
            let message = format!("`iam_url` of connection `{}` is invalid: {}", settings.connection, failure.message);
            let hint = failure.hint.map(|hint| hint.replace("`base_url`", "`iam_url`"));
            failures.push(Failure { message, hint, ..failure });
        }
        if !failures.is_empty() {
            return Err(failures);
        }
        Ok(Arc::new(Twin {
            account: Account { title: FACTS.title.clone(), connection: settings.connection.clone() },
            has_token: secret(settings, "token").is_some(),
            page_size: get("page_size").parse().unwrap_or(1),
            by_page: get("paging") == "page",
            groups: get("group_by_client") == "true",
            by_id: get("match") == "id",
            deletes: get("clear_by") == "delete",
            names: RwLock::default(),
            listed: Mutex::default(),
            last: Mutex::default(),
        }))
    }
}

/// One item of a list, as it was sent.
type Item = Map<String, Value>;

/// The connector; its fields are the settings.
struct Twin {
    account: Account,
    has_token: bool,
    page_size: u64,
    by_page: bool,
    groups: bool,
    by_id: bool,
    deletes: bool,
    /// The names of the attributes by their ids, as they were listed last: a client's value may still have an old name.
    names: RwLock<HashMap<String, String>>,
    /// The definitions that the check has listed, for the first request for them.
    listed: Mutex<Option<Vec<Definition>>>,
    /// Those that were returned last, for the preparation of a run.
    last: Mutex<Option<Vec<Definition>>>,
}

impl WriteRules for Twin {
    fn facts(&self) -> &PlatformFacts {
        &FACTS
    }

    fn steps(&self, ready: &Ready, delta: &Delta, found: Option<&Found>) -> Result<Vec<Step>, Vec<Problem>> {
        if found.is_none() {
            return Err(vec![no_client()]);
        }
        let (mut steps, mut problems) = (Vec::new(), Vec::new());
        for name in &delta.changed_attributes {
            let value = delta.after.attribute(name).filter(|value| !value.is_empty());
            let mut of_name = ready.attributes.iter().filter(|defined| defined.name == **name);
            match (of_name.next(), of_name.next()) {
                (Some(defined), None) => steps.push(self.step(defined, value)),
                (Some(one), Some(other)) => problems.push(ambiguous(one, other)),
                (None, _) => problems.push(undefined(name, ready)),
            }
        }
        if problems.is_empty() { Ok(steps) } else { Err(problems) }
    }
}

#[async_trait]
impl Connector for Twin {
    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities { attributes: Some(self), ..Capabilities::default() }
    }

    async fn check(&self, http: &Http) -> Result<Checked, Fault> {
        let (attributes, list) = self.definitions(http).await?;
        *self.listed() = (!list.is_cut()).then_some(attributes);
        Ok(Checked::default())
    }

    async fn page(&self, http: &Http, after: Option<&Cursor>) -> Result<Page, Fault> {
        self.page_of_sessions(http, after).await
    }

    async fn find(&self, http: &Http, by: &Lookup) -> Result<Vec<Found>, Fault> {
        match by.field {
            Field::Id | Field::TargetId => Ok(self.read(http, &by.value, None).await?.there().into_iter().collect()),
            other => {
                let message = format!("{} has no lookup by `{}`", FACTS.title, other.name());
                Err(Fault::Fatal(Failure::failed(message)))
            }
        }
    }

    async fn read(&self, http: &Http, id: &str, _or_by: Option<&Lookup>) -> Result<Reading, Fault> {
        let Some(segment) = segment(id) else { return Ok(Reading::Gone) };
        let path = format!("/clients/{segment}/attributes");
        let values = self.whole_list(http, &path, Purpose::Read).await?;
        match values {
            None => Ok(Reading::Gone),
            Some(values) if values.is_cut() => Err(self.cut(&values, &format!("values of client `{id}`"))),
            Some(values) => Ok(Reading::There(self.read_client(id, &values.items))),
        }
    }

    async fn prepare(&self, http: &Http, needs: &Needs) -> Result<Ready, Fault> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).take();
        let attributes = match last {
            Some(attributes) => attributes,
            None => self.attributes(http).await?,
        };
        match twice(&attributes, &needs.attributes) {
            Some((one, other)) => Err(Fault::Fatal(self.ambiguous(one, other))),
            None => Ok(Ready { attributes, ..Ready::default() }),
        }
    }

    async fn send_step(&self, http: &Http, step: &Step, address: &Address) -> Result<StepResult, Fault> {
        let Address::Id(client) = address else {
            return Err(Fault::Fatal(Failure::failed("a value has no client to be written to")));
        };
        let attribute = step.body.parts().get("attribute").and_then(Value::as_str).and_then(segment);
        let (Some(attribute), Some(segment)) = (attribute, segment(client)) else {
            return Err(Fault::Refused(vec![not_found(client)]));
        };
        let path = format!("/clients/{segment}/attributes/{attribute}");
        let value = step.body.parts().get("value");
        let method = if value.is_some() { Method::Post } else { Method::Delete };
        let mut request = written(method, path, value.map(|value| json!({ "value": value })));
        // Setting or deleting a value twice has the same effect as once.
        request.repeatable = true;
        let response = self.ask(http, request, Purpose::Write).await?;
        if response.is_success() {
            return Ok(StepResult::Done { id: client.clone(), after: None });
        }
        if !is_absent(&response) {
            return Err(self.failure(http, &response, Purpose::Write));
        }
        match value {
            Some(_) => Err(self.is_not_there(http, &response, client)),
            None => self.after_absent(http, &response, step, client).await,
        }
    }
}

#[async_trait]
impl DefinesAttributes for Twin {
    /// Those that the check has listed are returned once; a later request lists them again.
    async fn attributes(&self, http: &Http) -> Result<Vec<Definition>, Fault> {
        let listed = self.listed().take();
        let attributes = match listed {
            Some(listed) => listed,
            None => match self.definitions(http).await? {
                (attributes, list) if !list.is_cut() => attributes,
                (_, list) => return Err(self.cut(&list, "attributes")),
            },
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(attributes.clone());
        Ok(attributes)
    }

    async fn define(&self, http: &Http, what: &Define) -> Result<(), Fault> {
        let path = |id: &str| segment(id).map(|id| format!("/clients/attributes/{id}"));
        let (path, method, name) = match what {
            Define::Add { name } => (Some("/clients/attributes".to_owned()), Method::Post, Some(name)),
            Define::Rename { id, name } => (path(id), Method::Patch, Some(name)),
            Define::Remove { id } => (path(id), Method::Delete, None),
        };
        let path = path.ok_or_else(|| Fault::Fatal(undefined_id(what)))?;
        let response = self.ask(http, written(method, path, name.map(|name| json!({ "name": name }))), Purpose::Write);
        match response.await? {
            response if response.is_success() => {
                self.rename(what);
                Ok(())
            }
            response if is_absent(&response) && !matches!(what, Define::Add { .. }) => {
                Err(Fault::Fatal(undefined_id(what)))
            }
            response => Err(self.failure(http, &response, Purpose::Write)),
        }
    }
}

/// Responses.
impl Twin {
    async fn ask(&self, http: &Http, request: Request, purpose: Purpose) -> Result<Response, Fault> {
        send(http, accepts_json(request), purpose).await
    }

    fn failure(&self, http: &Http, response: &Response, purpose: Purpose) -> Fault {
        match response.status {
            _ if self.has_token && is_expired(response) => self.token_has_expired(),
            401..=403 | 407 if self.has_token => self.account.refuses_us(response, &["token"]),
            401..=403 | 407 => self.account.refuses_us(response, &["email", "password"]),
            _ => self.account.judge(http, response, purpose, "token"),
        }
    }

    fn token_has_expired(&self) -> Fault {
        let message = format!("the token of connection `{}` has expired", self.account.connection);
        let hint = "get a new one, or set `email` and `password` in place of `token`, so that it is renewed as needed";
        Fault::Fatal(Failure::new(Exit::Refused, message).hint(hint))
    }

    /// The `count` and the `items` of a successful response.
    fn items(&self, http: &Http, response: &Response, purpose: Purpose) -> Result<(Option<u64>, Vec<Item>), Fault> {
        if !response.is_success() {
            return Err(self.failure(http, response, purpose));
        }
        let promised = || self.account.not_promised(http, response, "`{\"count\": …, \"items\": […]}`");
        let mut answer = object(response).ok_or_else(promised)?;
        let Some(Value::Array(items)) = answer.shift_remove("items") else { return Err(promised()) };
        let as_object = |item| if let Value::Object(item) = item { Some(item) } else { None };
        let items = items.into_iter().map(as_object).collect::<Option<Vec<_>>>().ok_or_else(promised)?;
        Ok((answer.get("count").and_then(Value::as_u64), items))
    }

    /// All items of a list of attributes; `None` if no client has this id. Paging is not documented for it, so the next page
    /// is requested only while fewer items came than the platform counts, until one has nothing new in either way of paging.
    async fn whole_list(&self, http: &Http, path: &str, purpose: Purpose) -> Result<Option<Listed>, Fault> {
        let mut list = Listed { items: Vec::new(), count: 0 };
        let mut met = HashSet::new();
        let (mut number, mut by_page, mut has_turned) = (1_u64, self.by_page, false);
        for _ in 0..PAGES_MAX {
            let request = Request::get(path);
            let request = match (number, by_page) {
                (1, _) => request,
                (_, true) => request.query("page", number.to_string()),
                (_, false) => with_offset(request, list.items.len() as u64),
            };
            let response = self.ask(http, request, purpose).await?;
            if number == 1 && purpose == Purpose::Read && is_absent(&response) {
                return Ok(None);
            }
            let (count, items) = self.items(http, &response, purpose)?;
            let (before, is_empty) = (list.items.len(), items.is_empty());
            list.items.extend(items.into_iter().filter(|item| met.insert(key_of(item))));
            list.count = count.unwrap_or_default();
            if !list.is_cut() || is_empty {
                break;
            }
            match (list.items.len() > before, has_turned) {
                (true, _) => number += 1,
                (false, false) => (by_page, has_turned) = (!by_page, true),
                (false, true) => break,
            }
        }
        Ok(Some(list))
    }

    /// The definitions, as far as they are returned, and whether these are all.
    async fn definitions(&self, http: &Http) -> Result<(Vec<Definition>, Listed), Fault> {
        let list = self.whole_list(http, "/clients/attributes", Purpose::List).await?.unwrap_or_default();
        let attributes: Vec<Definition> = list.items.iter().filter_map(read_definition).collect();
        let names = attributes.iter().map(|defined| (defined.id.clone(), defined.name.clone())).collect();
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = names;
        Ok((attributes, list))
    }

    fn cut(&self, list: &Listed, what: &str) -> Fault {
        let (title, name, given) = (&FACTS.title, &self.account.connection, list.items.len());
        let message =
            format!("{title} returned {given} of the {} {what} that it counts for connection `{name}`", list.count);
        Fault::Fatal(
            Failure::new(Exit::Unavailable, message).hint("try again later; if it persists, the platform has changed"),
        )
    }

    /// What was listed last, if it has not been used yet.
    fn listed(&self) -> MutexGuard<'_, Option<Vec<Definition>>> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A list of attributes, and how many the platform says there are.
#[derive(Default)]
struct Listed {
    items: Vec<Item>,
    count: u64,
}

impl Listed {
    fn is_cut(&self) -> bool {
        (self.items.len() as u64) < self.count
    }
}

/// An attribute's id and name, in case the ids of a server are not unique.
fn key_of(item: &Item) -> (Option<String>, Option<String>) {
    let part = |name| item.get(name).and_then(text);
    (part("id"), part("name"))
}

fn with_offset(request: Request, offset: u64) -> Request {
    request.query("offset", offset.to_string())
}

/// Whether no client or attribute has this id: a 404 in JSON or with an empty body. A page in another form comes from
/// another server.
fn is_absent(response: &Response) -> bool {
    response.status == 404 && (response.body.trim_ascii().is_empty() || object(response).is_some())
}

/// Reading.
impl Twin {
    /// Values by the names of their attributes, in the order given; of two attributes of one name the second is `Name#2`.
    fn read_client(&self, id: &str, values: &[Item]) -> Found {
        let mut contact = Contact::default();
        contact.set_text(Field::Id, id);
        contact.set_text(Field::TargetId, id);
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        for item in values {
            let by_id = || names.get(&item.get("id").and_then(text)?).cloned();
            let own = || item.get("name").and_then(Value::as_str).map(str::to_owned);
            let name = if self.by_id { by_id().or_else(own) } else { own() };
            if let (Some(name), Some(value)) = (name.filter(|name| !name.is_empty()), item.get("value").and_then(text))
            {
                contact.set_attribute(free_name(&contact, name), value);
            }
        }
        Found { id: id.to_owned(), contact }
    }

    /// A client's value can keep an old name for a while; the ids give the current one.
    fn rename(&self, what: &Define) {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        match what {
            Define::Rename { id, name } => drop(names.insert(id.clone(), name.clone())),
            Define::Remove { id } => drop(names.remove(id)),
            Define::Add { .. } => {}
        }
    }

    fn ambiguous(&self, one: &Definition, other: &Definition) -> Failure {
        let Problem { message, hint, .. } = ambiguous(one, other);
        Failure { hint, ..Failure::usage(format!("connection `{}`: {message}", self.account.connection)) }
    }
}

fn free_name(contact: &Contact, name: String) -> String {
    let numbered = (2..).map(|number| format!("{name}#{number}"));
    let mut names = std::iter::once(name.clone()).chain(numbered);
    names.find(|name| contact.attribute(name).is_none()).unwrap_or(name)
}

/// The name is kept unchanged, because it is compared exactly.
fn read_definition(item: &Item) -> Option<Definition> {
    let name = item.get("name")?.as_str()?.to_owned();
    Some(Definition { id: text(item.get("id")?)?, name })
}

/// Two definitions that share a name which is needed.
fn twice<'a>(defined: &'a [Definition], needed: &[String]) -> Option<(&'a Definition, &'a Definition)> {
    needed.iter().find_map(|name| {
        let mut of_name = defined.iter().filter(|defined| defined.name == *name);
        Some((of_name.next()?, of_name.next()?))
    })
}

/// Writing.
impl Twin {
    fn step(&self, defined: &Definition, value: Option<&str>) -> Step {
        let mut body = json!({ "attribute": defined.id, "name": defined.name });
        let value = value.or_else(|| (!self.deletes).then_some(""));
        if let (Some(value), Value::Object(body)) = (value, &mut body) {
            body.insert("value".to_owned(), Value::from(value));
        }
        Step { kind: StepKind::Change, body: body.into() }
    }

    fn is_not_there(&self, http: &Http, response: &Response, client: &str) -> Fault {
        let said = words(http, response).to_lowercase();
        match ["attribute", "атрибут"].into_iter().any(|word| said.contains(word)) {
            true => self.account.refuses(http, response),
            false => Fault::Refused(vec![not_found(client)]),
        }
    }

    /// The value to be deleted does not exist: the client is gone, or the value, perhaps by a request whose response was lost.
    async fn after_absent(
        &self,
        http: &Http,
        response: &Response,
        step: &Step,
        client: &str,
    ) -> Result<StepResult, Fault> {
        let Reading::There(found) = self.read(http, client, None).await? else {
            return Err(Fault::Refused(vec![not_found(client)]));
        };
        let name = step.body.parts().get("name").and_then(Value::as_str).unwrap_or_default();
        match found.contact.attribute(name) {
            Some(_) => Err(self.is_not_there(http, response, client)),
            None => Ok(StepResult::Done { id: found.id, after: None }),
        }
    }
}

fn written(method: Method, path: String, body: Option<Value>) -> Request {
    let mut request = Request::write(method, path, &Value::Null);
    request.body = body.map(|body| body.to_string().into());
    request
}

/// It creates no clients: a client begins with a chat.
fn no_client() -> Problem {
    Problem::new("target_id.missing", format!("{} cannot create clients, and the record has no client id", FACTS.title))
        .at(Field::TargetId.name())
        .hint("map the column with the client ids to `target_id`")
}

fn not_found(client: &str) -> Problem {
    Problem::new("target_id.not_found", format!("{} has no client `{client}`", FACTS.title))
        .at(Field::TargetId.name())
        .hint("take the id from the operator's panel, or from an export")
}

fn ambiguous(one: &Definition, other: &Definition) -> Problem {
    let message = format!("the account has two attributes `{}`: `{}` and `{}`", one.name, one.id, other.id);
    Problem::new("attribute.ambiguous", message)
        .at(format!("attributes.{}", one.name))
        .hint("rename or remove one of them, so that the name is unique")
}

fn undefined(name: &str, ready: &Ready) -> Problem {
    let message = format!("the account defines no attribute `{name}`");
    let problem = Problem::new("attribute.undefined", message).at(format!("attributes.{name}"));
    match nearest(name, ready.attributes.iter().map(|defined| defined.name.as_str())) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => problem.hint("define it first, or leave it out of the mapping"),
    }
}

fn undefined_id(what: &Define) -> Failure {
    let id = match what {
        Define::Rename { id, .. } | Define::Remove { id } => id,
        Define::Add { name } => name,
    };
    Failure::new(Exit::Refused, format!("{} has no attribute with the id `{id}`", FACTS.title))
        .hint("list the attributes: it may have been removed")
}

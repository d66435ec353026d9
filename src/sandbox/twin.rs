//! TWIN as its reference describes it: a chat API and its IAM under `/api/v1`, where a contact is a client id that must be
//! known, and what is said of a client is one attribute at a time.
//!
//! Where the documents are silent the model takes the reference's own assumption, or the worst: a second attribute of the
//! same name is made without a word; an unknown client or attribute is a 404; an empty value or name is a 422; the values
//! of a deleted attribute are lost; deleting a value that is not set is no mistake; every 401 but an expired token's is
//! final; a list has at most 100 items, 20 by default. The attribute lists take no paging parameters. A new attribute that
//! lags is not listed for a while, but takes values. Of the filters of `GET /sessions` there is `chatId`; messages are
//! none. Each start of a chat creates a client, which is counted.

mod body;
mod clients;
mod tokens;

use self::body::{COMPANY, empty, fields, refusal, text_in};
use self::clients::{Chat, Chats, Number};
use self::tokens::Tokens;
use super::faults::mix;
use super::model::{Account, Held, Model, Reply, Row, text_of};
use super::options::Setup;
use super::request_time::RequestTime;
use super::wire::{Answer, Request};
use crate::outcome::Failure;
use hyper::Method;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, VecDeque};
use tokio::time::Instant;

/// TWIN's line in the table.
pub(super) const MODEL: Model = Model {
    name: "twin",
    title: "TWIN",
    addresses: &[("FERRY_TWIN_BASE_URL", "/api/v1"), ("FERRY_TWIN_IAM_URL", "/api/v1")],
    user: &[("FERRY_TWIN_EMAIL", tokens::EMAIL)],
    secret: ("FERRY_TWIN_PASSWORD", tokens::PASSWORD),
    owns: |path| path.trim_start_matches('/').starts_with("api/v1/"),
    options: &[
        // Clients that the account begins with, because none can be created. Their ids are
        // `7a1e0000-0000-4000-8000-000000000001` and on, with decimal digits at the end. One that is not written to costs
        // no memory.
        ("clients", "12"),
        // How many seconds a token of a login is good; a client that asks for less gets less.
        ("token_ttl", "3600"),
        // For how many requests it is good; no end when nothing is given.
        ("token_requests", ""),
    ],
    open: |setup| Ok(Box::new(Twin::new(setup)?)),
};

/// Items of a list, unless `limit` says otherwise, and at most.
const LIMIT_DEFAULT: u64 = 20;
const LIMIT_MAX: u64 = 100;

struct Twin {
    seed: u64,
    /// How many clients the account began with.
    clients_first: u32,
    tokens: Tokens,
    /// Deleted ones too, so that places last.
    attributes: Vec<Attribute>,
    /// New attributes that the list does not show yet, and until when.
    hidden: VecDeque<(usize, Instant)>,
    /// The values of the clients that a request has changed, by the places of the attributes.
    clients: BTreeMap<Number, Values>,
    started: Vec<Chat>,
}

type Values = Vec<(usize, Box<str>)>;

struct Attribute {
    id: String,
    name: String,
    is_deleted: bool,
}

impl Attribute {
    fn line(&self) -> String {
        json!({ "attribute": { "id": self.id, "name": self.name, "deleted": self.is_deleted } }).to_string()
    }
}

impl Account for Twin {
    fn load(&mut self, line: &str) -> Result<(), String> {
        let line: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let missing = |name: &str| format!("no `{name}`");
        let text = |value: &Value, name: &str| text_of(value, name).map(str::to_owned).ok_or_else(|| missing(name));
        if let Some(attribute) = line.get("attribute") {
            let is_deleted = attribute.get("deleted").and_then(Value::as_bool).unwrap_or(false);
            self.put(Attribute { id: text(attribute, "id")?, name: text(attribute, "name")?, is_deleted });
            return Ok(());
        }
        let number = clients::number_of(&text(&line, "client")?).ok_or("`client` is no client's id")?;
        if let Some(chat) = line.get("chat") {
            let (id, started_at) = (text(chat, "id")?, text(chat, "startedAt")?);
            self.remember(Chat { id, client: number, chat: text(chat, "chatId")?, started_at });
            return Ok(());
        }
        let values = line.get("values").and_then(Value::as_object).ok_or_else(|| missing("values"))?;
        let held = values.iter().filter_map(|(id, value)| Some((self.place(id)?, value.as_str()?.into())));
        self.clients.insert(number, held.collect());
        Ok(())
    }

    fn answer(&mut self, request: &Request, moment: &RequestTime) -> Reply {
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let Some(route) = Route::of(&request.method, &segments) else {
            return Reply::read(refusal(404, "Not found."));
        };
        match route {
            Route::Login => return Reply::read(self.tokens.login(request, moment)),
            Route::Refresh => return Reply::read(self.tokens.refresh(request, moment)),
            _ => {}
        }
        if let Err(answer) = self.tokens.check(request, moment) {
            return Reply::read(answer);
        }
        self.act(&route, request, moment).unwrap_or_else(Reply::read)
    }

    fn failure(&self, _: &Request, _: &RequestTime) -> Answer {
        refusal(500, "Internal server error.")
    }

    fn held(&mut self) -> &mut dyn Held {
        self
    }

    fn row(&self, contact: &Value) -> Row {
        let attributes = contact.get("attributes").and_then(Value::as_object).cloned().unwrap_or_default();
        let text = |name: &str| attributes.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let others = attributes.keys().filter(|name| !["Name", "Phone"].contains(&name.as_str()));
        Row {
            id: text_of(contact, "id").unwrap_or_default().to_owned(),
            name: text("Name"),
            phone: text("Phone"),
            email: String::new(),
            tags: Vec::new(),
            attributes: others.map(|name| (name.clone(), text(name))).collect(),
        }
    }
}

/// The paths that are served.
enum Route<'a> {
    Login,
    Refresh,
    Attributes,
    Create,
    Rename(&'a str),
    Delete(&'a str),
    Values(&'a str),
    Set(&'a str, &'a str),
    Unset(&'a str, &'a str),
    Messages(&'a str),
    Chats,
    Start(&'a str),
    Continue(&'a str),
}

impl<'a> Route<'a> {
    fn of(method: &Method, path: &[&'a str]) -> Option<Route<'a>> {
        let ["api", "v1", path @ ..] = path else { return None };
        Some(match (method, path) {
            (&Method::POST, ["auth", "login"]) => Route::Login,
            (&Method::POST, ["auth", "refresh"]) => Route::Refresh,
            (&Method::GET, ["clients", "attributes"]) => Route::Attributes,
            (&Method::POST, ["clients", "attributes"]) => Route::Create,
            (&Method::PATCH, ["clients", "attributes", attribute]) => Route::Rename(attribute),
            (&Method::DELETE, ["clients", "attributes", attribute]) => Route::Delete(attribute),
            (&Method::GET, ["clients", client, "attributes"]) => Route::Values(client),
            (&Method::POST, ["clients", client, "attributes", attribute]) => Route::Set(client, attribute),
            (&Method::DELETE, ["clients", client, "attributes", attribute]) => Route::Unset(client, attribute),
            (&Method::GET, ["clients", client, "messages"]) => Route::Messages(client),
            (&Method::GET, ["sessions"]) => Route::Chats,
            (&Method::POST, ["chats", chat, "sessions"]) => Route::Start(chat),
            (&Method::PUT, ["chats", chat, "sessions"]) => Route::Continue(chat),
            _ => return None,
        })
    }
}

impl Twin {
    fn new(setup: &Setup) -> Result<Twin, Failure> {
        let attributes = (1..).zip(clients::ATTRIBUTES).map(|(number, name)| Attribute {
            id: format!("7a1e0000-0000-4000-a000-{number:012}"),
            name: name.to_owned(),
            is_deleted: false,
        });
        Ok(Twin {
            seed: setup.seed,
            clients_first: setup.number("clients")?,
            tokens: Tokens::new(setup)?,
            attributes: attributes.collect(),
            hidden: VecDeque::new(),
            clients: BTreeMap::new(),
            started: Vec::new(),
        })
    }

    /// What a request comes to; a mistake in it is the answer.
    fn act(&mut self, route: &Route<'_>, request: &Request, moment: &RequestTime) -> Result<Reply, Answer> {
        Ok(match *route {
            // These need no token, and are answered before.
            Route::Login | Route::Refresh => Reply::read(refusal(404, "Not found.")),
            Route::Attributes => Reply::read(self.list()),
            Route::Create => self.create(&text_in(request, "name")?, moment),
            Route::Rename(id) => {
                let place = self.attribute(id)?;
                self.change(place, |attribute, name| name.clone_into(&mut attribute.name), &text_in(request, "name")?)
            }
            Route::Delete(id) => {
                let place = self.attribute(id)?;
                self.change(place, |attribute, _| attribute.is_deleted = true, "")
            }
            Route::Values(id) => Reply::read(self.values_of(self.client(id)?)),
            Route::Set(client, attribute) => {
                let (number, place) = (self.client(client)?, self.attribute(attribute)?);
                self.set(number, place, Some(text_in(request, "value")?.into()))
            }
            Route::Unset(client, attribute) => {
                let (number, place) = (self.client(client)?, self.attribute(attribute)?);
                self.set(number, place, None)
            }
            Route::Messages(id) => {
                self.client(id)?;
                Reply::read(Answer::json(200, &json!({ "count": 0, "items": [] })))
            }
            Route::Chats => Reply::read(self.chats(request)),
            Route::Start(chat) => {
                fields(request)?;
                let newest = self.clients.range(clients::STARTED..).next_back().map(|(&number, _)| number);
                self.start(chat, newest.unwrap_or(clients::STARTED) + 1, 201, moment)
            }
            Route::Continue(chat) => {
                let number = self.client(&text_in(request, "clientId")?)?;
                self.start(chat, number, 200, moment)
            }
        })
    }

    /// The attribute of this id, unless it is deleted.
    fn attribute(&self, id: &str) -> Result<usize, Answer> {
        self.place(id).filter(|&place| self.is_live(place)).ok_or_else(|| refusal(404, "Attribute not found."))
    }

    fn place(&self, id: &str) -> Option<usize> {
        self.attributes.iter().position(|attribute| attribute.id == id)
    }

    fn is_live(&self, place: usize) -> bool {
        self.attributes.get(place).is_some_and(|attribute| !attribute.is_deleted)
    }

    /// The client of this id, if there is one.
    fn client(&self, id: &str) -> Result<Number, Answer> {
        let is_there = |&number: &Number| number <= self.clients_first.into() || self.clients.contains_key(&number);
        clients::number_of(id).filter(is_there).ok_or_else(|| refusal(404, "Client not found."))
    }

    fn list(&self) -> Answer {
        let is_seen = |place: usize| self.is_live(place) && self.hidden.iter().all(|&(hidden, _)| hidden != place);
        let seen = self.attributes.iter().enumerate().filter(|&(place, _)| is_seen(place));
        let shown = |attribute: &Attribute| json!({ "id": attribute.id, "companyId": COMPANY, "name": attribute.name });
        let items: Vec<Value> = seen.map(|(_, attribute)| shown(attribute)).collect();
        Answer::json(200, &json!({ "count": items.len(), "items": items }))
    }

    /// Never asks whether there is one of this name.
    fn create(&mut self, name: &str, moment: &RequestTime) -> Reply {
        let place = self.attributes.len();
        let attribute = Attribute { id: self.new_id(), name: name.to_owned(), is_deleted: false };
        let (answer, line) = (Answer::json(201, &json!({ "id": attribute.id })), attribute.line());
        self.put(attribute);
        self.hidden.extend(moment.hidden_until.map(|until| (place, until)));
        Reply::changed(answer, line)
    }

    /// Puts an attribute behind the others, or in the place of the one with its id.
    fn put(&mut self, attribute: Attribute) {
        match self.attributes.iter_mut().find(|held| held.id == attribute.id) {
            Some(held) => *held = attribute,
            None => self.attributes.push(attribute),
        }
    }

    fn change(&mut self, place: usize, how: impl FnOnce(&mut Attribute, &str), name: &str) -> Reply {
        let Some(attribute) = self.attributes.get_mut(place) else { return Reply::read(empty()) };
        let before = attribute.line();
        how(attribute, name);
        let after = attribute.line();
        if after == before { Reply::read(empty()) } else { Reply::changed(empty(), after) }
    }

    /// A random-looking UUID that no attribute has.
    fn new_id(&self) -> String {
        let mut state = mix(self.seed) ^ self.attributes.len() as u64;
        loop {
            let (high, low) = (mix(state), mix(state ^ u64::MAX));
            let (one, two, three) = (high >> 32, high >> 16 & 0xffff, high & 0xfff);
            let id = format!("{one:08x}-{two:04x}-4{three:03x}-a{:03x}-{:012x}", low >> 52, low & 0xffff_ffff_ffff);
            if self.place(&id).is_none() {
                return id;
            }
            state = high;
        }
    }

    /// What is known of a client, in the order of the attributes.
    fn values(&self, number: Number) -> Values {
        let held = self.clients.get(&number).cloned();
        let mut values = held.unwrap_or_else(|| clients::values(number));
        values.retain(|&(place, _)| self.is_live(place));
        values.sort_by_key(|&(place, _)| place);
        values
    }

    fn values_of(&self, number: Number) -> Answer {
        let client = clients::id_of(number);
        let shown = |(place, value): (usize, Box<str>)| {
            let attribute = self.attributes.get(place)?;
            Some(json!({
                "id": attribute.id, "clientId": client, "companyId": COMPANY, "name": attribute.name, "value": value,
            }))
        };
        let items: Vec<Value> = self.values(number).into_iter().filter_map(shown).collect();
        Answer::json(200, &json!({ "count": items.len(), "items": items }))
    }

    fn set(&mut self, number: Number, place: usize, value: Option<Box<str>>) -> Reply {
        let before = self.values(number);
        let mut values = before.clone();
        values.retain(|&(other, _)| other != place);
        values.extend(value.map(|value| (place, value)));
        values.sort_by_key(|&(place, _)| place);
        if values == before {
            return Reply::read(empty());
        }
        let id = |place: usize| self.attributes.get(place).map(|attribute| attribute.id.clone());
        let named = values.iter().filter_map(|(place, value)| Some((id(*place)?, Value::from(value.as_ref()))));
        let line = json!({ "client": clients::id_of(number), "values": named.collect::<Map<_, _>>() }).to_string();
        self.clients.insert(number, values);
        Reply::changed(empty(), line)
    }

    fn chats(&self, request: &Request) -> Answer {
        let is_on = |text: String| !["", "0", "false"].contains(&text.as_str());
        let by_client = request.query("groupByClientId").is_some_and(is_on);
        let chat = request.query("chatId");
        let chats = Chats::of(self.clients_first, &self.started, chat.as_deref(), by_client);
        let number = |name: &str| request.query(name).and_then(|text| text.parse::<u64>().ok());
        let limit = number("limit").filter(|&limit| limit > 0).unwrap_or(LIMIT_DEFAULT).min(LIMIT_MAX);
        let offset = number("offset").unwrap_or(0);
        let items: Vec<Value> = (offset..offset.saturating_add(limit)).map_while(|place| chats.at(place)).collect();
        Answer::json(200, &json!({ "count": chats.len(), "items": items }))
    }

    /// Begins a conversation, which no import of contacts should do.
    fn start(&mut self, chat: &str, client: Number, status: u16, moment: &RequestTime) -> Reply {
        let id = format!("7a1e0000-0000-4000-b001-{:012}", self.started.len() + 1);
        let chat = Chat { id, client, chat: chat.to_owned(), started_at: moment.rfc3339() };
        let body = json!({
            "id": chat.id, "clientId": clients::id_of(client), "startedAt": chat.started_at, "ttl": 86_400,
            "messages": [],
        });
        let kept = json!({ "id": chat.id, "chatId": chat.chat, "startedAt": chat.started_at });
        let line = json!({ "client": clients::id_of(client), "chat": kept }).to_string();
        self.remember(chat);
        Reply::changed(Answer::json(status, &body), line)
    }

    /// Keeps a conversation, and the client that came by it.
    fn remember(&mut self, chat: Chat) {
        if chat.client > clients::STARTED {
            self.clients.entry(chat.client).or_default();
        }
        self.started.push(chat);
    }

    /// A client as the page and the tests see it.
    fn shown(&self, number: Number) -> Value {
        let name = |place: usize| self.attributes.get(place).map(|attribute| attribute.name.clone());
        let values = self.values(number).into_iter();
        let named = values.filter_map(|(place, value)| Some((name(place)?, Value::from(value.as_ref()))));
        json!({ "id": clients::id_of(number), "attributes": named.collect::<Map<_, _>>() })
    }
}

impl Held for Twin {
    fn reveal(&mut self, now: Instant) {
        while self.hidden.front().is_some_and(|&(_, until)| until <= now) {
            self.hidden.pop_front();
        }
    }

    fn total(&self) -> usize {
        let first = u64::from(self.clients_first);
        self.clients_first as usize + self.clients.range(first + 1..).count()
    }

    fn newest(&self, skip: usize, max: usize) -> Vec<Value> {
        let first = u64::from(self.clients_first);
        let others = self.clients.range(first + 1..).rev().map(|(&number, _)| number);
        others.chain((1..=first).rev()).skip(skip).take(max).map(|number| self.shown(number)).collect()
    }

    fn contacts(&self) -> Vec<Value> {
        self.clients.keys().map(|&number| self.shown(number)).collect()
    }

    fn chats(&self) -> usize {
        self.started.len()
    }
}

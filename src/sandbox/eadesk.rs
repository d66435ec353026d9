//! Eadesk (Yeahdesk) as its reference describes it: `/api/clients/person/…`, GET and POST alone, a token in the query,
//! answers of three shapes, failures with a 200, and nothing that is ever really deleted.
//!
//! Where the documents are silent the model takes the reference's own assumption, or the worst: a deleted person can be
//! neither changed nor given items; searches and filters meet deleted items too; upper and lower case differ; a `limit`
//! above 1000 is cut without a word, and one that is no number is the default; the order is that of creation; a body that
//! is not as it should be is a 400 of bare text; an expression that is none is `EINVALID`. Reading items answers an empty
//! list where the person is known, else `ENOT_FOUND`. An update of an item without a `value` leaves that. Under the fault
//! `lag` a new person or item is not met by lists and searches for a while. Segments are not checked, as nothing lists them.

mod people;
mod person;
mod search;

use self::people::{People, Place};
use self::person::{Card, Item, Person};
use self::search::Search;
use super::model::{Account, Held, Model, Reply, Row, text_of};
use super::request_time::RequestTime;
use super::wire::{Answer, Request, express_not_found};
use hyper::Method;
use serde_json::{Map, Value, json};

/// The token that the sandbox takes.
const TOKEN: &str = "sandbox-eadesk-token";

/// Eadesk's line in the table.
pub(super) const MODEL: Model = Model {
    name: "eadesk",
    title: "Eadesk",
    addresses: &[("FERRY_EADESK_BASE_URL", "")],
    user: &[],
    secret: ("FERRY_EADESK_TOKEN", TOKEN),
    owns: |path| path.trim_start_matches('/').starts_with("api/clients/"),
    options: &[],
    open: |setup| Ok(Box::new(Eadesk { seed: setup.seed, key: setup.key.clone(), people: People::default() })),
};

/// Persons a page, unless `limit` says otherwise, and at most.
const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 1000;

struct Eadesk {
    seed: u64,
    key: String,
    people: People,
}

impl Account for Eadesk {
    fn load(&mut self, line: &str) -> Result<(), String> {
        self.people.put(Person::parse(line)?);
        Ok(())
    }

    fn answer(&mut self, request: &Request, moment: &RequestTime) -> Reply {
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let Some(route) = Route::of(&request.method, &segments) else {
            return Reply::read(express_not_found(request));
        };
        if request.query("token").as_deref() != Some(&*self.key) {
            return Reply::read(plain(401, "Unauthorized"));
        }
        let reply = match route {
            Route::Create => self.create(request, moment),
            Route::Read => self.read(request).map(Reply::read),
            Route::Update(id) => self.update(id, request),
            Route::Delete(id) => self.delete(id),
            Route::CreateItem(person) => self.create_item(person, request, moment),
            Route::ReadItems => self.read_items(request).map(Reply::read),
            Route::UpdateItem(id) => self.update_item(id, request),
            Route::DeleteItem(id) => self.delete_item(id),
        };
        reply.unwrap_or_else(Reply::read)
    }

    fn failure(&self, _: &Request, _: &RequestTime) -> Answer {
        plain(500, "Internal Server Error")
    }

    fn held(&mut self) -> &mut dyn Held {
        &mut self.people
    }

    fn row(&self, contact: &Value) -> Row {
        let text = |value: &Value, name: &str| text_of(value, name).unwrap_or_default().to_owned();
        let list = |name: &str| contact.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let items = list("contacts");
        let first = |service: &str| items.iter().position(|item| text_of(item, "service") == Some(service));
        let (phone, email) = (first("phone"), first("mail"));
        let shown = |place: Option<usize>| place.and_then(|place| items.get(place)).map(|item| text(item, "value"));
        let others = items.iter().enumerate().filter(|&(place, _)| ![phone, email].contains(&Some(place)));
        let note = Some(("description".to_owned(), text(contact, "description"))).filter(|(_, note)| !note.is_empty());
        Row {
            id: text(contact, "_id"),
            name: text(contact, "name"),
            phone: shown(phone).unwrap_or_default(),
            email: shown(email).unwrap_or_default(),
            tags: list("segments").iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            attributes: others.map(|(_, item)| (text(item, "service"), text(item, "value"))).chain(note).collect(),
        }
    }
}

/// The paths that are served.
enum Route<'a> {
    Create,
    Read,
    Update(&'a str),
    Delete(&'a str),
    CreateItem(&'a str),
    ReadItems,
    UpdateItem(&'a str),
    DeleteItem(&'a str),
}

impl<'a> Route<'a> {
    fn of(method: &Method, path: &[&'a str]) -> Option<Route<'a>> {
        let ["api", "clients", "person", path @ ..] = path else { return None };
        Some(match (method, path) {
            (&Method::POST, ["create"]) => Route::Create,
            (&Method::GET, ["read"]) => Route::Read,
            (&Method::POST, ["update", id]) => Route::Update(id),
            (&Method::POST, ["delete", id]) => Route::Delete(id),
            (&Method::POST, ["contacts", "create", person]) => Route::CreateItem(person),
            (&Method::GET, ["contacts", "read"]) => Route::ReadItems,
            (&Method::POST, ["contacts", "update", id]) => Route::UpdateItem(id),
            (&Method::POST, ["contacts", "delete", id]) => Route::DeleteItem(id),
            _ => return None,
        })
    }
}

/// What a request comes to; a mistake in it is the answer too.
type Answered<T> = Result<T, Answer>;

impl Eadesk {
    /// Answers the bare person. Nothing is compared with those who are there.
    fn create(&mut self, request: &Request, moment: &RequestTime) -> Answered<Reply> {
        let card = card(request)?;
        let person = Person::new(self.seed, self.people.len(), card, &moment.rfc3339());
        if let Some(until) = moment.hidden_until {
            self.people.hide(&person.id, until);
        }
        let answer = Answer::json(200, &person.shown_new());
        Ok(self.keep(person, answer))
    }

    /// What is not sent becomes blank.
    fn update(&mut self, id: &str, request: &Request) -> Answered<Reply> {
        let card = card(request)?;
        let before = self.live(self.people.by_id(id))?;
        let person = Person { card, ..before.clone() };
        let answer = result(&person.shown());
        Ok(if person == *before { Reply::read(answer) } else { self.keep(person, answer) })
    }

    fn delete(&mut self, id: &str) -> Answered<Reply> {
        let person = Person { is_deleted: true, ..self.live(self.people.by_id(id))?.clone() };
        Ok(self.keep(person, result(&json!(true))))
    }

    fn create_item(&mut self, person: &str, request: &Request, moment: &RequestTime) -> Answered<Reply> {
        let wanted = Wanted::read(&body(request)?)?;
        let value = wanted.value.ok_or_else(bad)?;
        let mut person = self.live(self.people.by_id(person))?.clone();
        let id = person.next_item_id(self.seed).ok_or_else(bad)?;
        if let Some(until) = moment.hidden_until {
            self.people.hide(&id, until);
        }
        let item = Item { id, value, kind: wanted.kind, service: wanted.service, is_deleted: false };
        let answer = result(&item.shown());
        person.items.push(item);
        Ok(self.keep(person, answer))
    }

    fn update_item(&mut self, id: &str, request: &Request) -> Answered<Reply> {
        let wanted = Wanted::read(&body(request)?)?;
        self.change_item(id, |item| {
            if let Some(value) = wanted.value {
                item.value = value;
            }
            (item.kind, item.service) = (wanted.kind, wanted.service);
            result(&item.shown())
        })
    }

    fn delete_item(&mut self, id: &str) -> Answered<Reply> {
        self.change_item(id, |item| {
            item.is_deleted = true;
            result(&json!(true))
        })
    }

    fn change_item(&mut self, id: &str, change: impl FnOnce(&mut Item) -> Answer) -> Answered<Reply> {
        let (place, number) = self.people.item(id).ok_or_else(|| err("ENOT_FOUND"))?;
        let before = self.live(Some(place))?;
        let mut person = before.clone();
        let item = person.items.get_mut(number).filter(|item| !item.is_deleted).ok_or_else(|| err("ENOT_FOUND"))?;
        let answer = change(item);
        Ok(if person == *before { Reply::read(answer) } else { self.keep(person, answer) })
    }

    fn keep(&mut self, person: Person, answer: Answer) -> Reply {
        let line = person.shown().to_string();
        self.people.put(person);
        Reply::changed(answer, line)
    }

    /// The person at a place, unless it is deleted.
    fn live(&self, place: Option<Place>) -> Answered<&Person> {
        let person = place.and_then(|place| self.people.get(place)).filter(|person| !person.is_deleted);
        person.ok_or_else(|| err("ENOT_FOUND"))
    }

    /// A bare list, whatever was asked.
    fn read(&self, request: &Request) -> Answered<Answer> {
        let filter = Filter::of(request)?;
        let number = |name: &str| request.query(name).and_then(|text| text.parse::<usize>().ok());
        let limit = number("limit").filter(|&limit| limit > 0).unwrap_or(LIMIT_DEFAULT).min(LIMIT_MAX);
        let is_live_only = request.query("needExistingRecords").is_some();
        let people: Box<dyn Iterator<Item = &Person>> = match request.query("id") {
            Some(id) => Box::new(self.people.by_id(&id).and_then(|place| self.people.get(place)).into_iter()),
            None => self.people.seen(filter.search.as_ref()),
        };
        let fits = |person: &&Person| {
            let has = |asked: &Option<String>, of: fn(&Item) -> &str| is_any(asked, person.items.iter().map(of));
            !(is_live_only && person.is_deleted)
                && filter.search.as_ref().is_none_or(|search| self.people.meets(search, person))
                && has(&filter.types, |item| item.kind)
                && has(&filter.services, |item| item.service)
        };
        let page = people.filter(fits).skip(number("offset").unwrap_or(0)).take(limit);
        Ok(Answer::json(200, &page.map(Person::shown).collect()))
    }

    /// Whether `not_deleted` is there or not: it changes nothing.
    fn read_items(&self, request: &Request) -> Answered<Answer> {
        let filter = Filter::of(request)?;
        let value = request.query("value");
        let (person, id) = (request.query("contact_id"), request.query("id"));
        let owner = person.as_deref().map(|id| self.people.by_id(id));
        let people: Box<dyn Iterator<Item = &Person>> = match (owner, &id, &value) {
            (Some(place), ..) => Box::new(place.and_then(|place| self.people.get(place)).into_iter()),
            (_, Some(id), _) => {
                Box::new(self.people.item(id).and_then(|(place, _)| self.people.get(place)).into_iter())
            }
            (_, _, Some(value)) => Box::new(self.people.with_value(value)),
            _ => self.people.seen(filter.search.as_ref()),
        };
        let is_named = person.is_some() || id.is_some();
        let fits = |item: &Item| {
            id.as_ref().is_none_or(|id| **id == *item.id)
                && value.as_ref().is_none_or(|value| **value == *item.value)
                && filter.search.as_ref().is_none_or(|search| search.matches(&item.value))
                && is_any(&filter.types, std::iter::once(item.kind))
                && is_any(&filter.services, std::iter::once(item.service))
                && (is_named || self.people.is_seen(&item.id))
        };
        let of = |person: &Person| {
            let fitting = person.items.iter().filter(|item| fits(item));
            fitting.map(|item| item.shown_of(person)).collect::<Vec<Value>>()
        };
        let items: Vec<Value> = people.flat_map(of).collect();
        let is_known = matches!(owner, Some(Some(_)));
        if items.is_empty() && !is_known { Err(err("ENOT_FOUND")) } else { Ok(result(&Value::from(items))) }
    }
}

/// What both lists can be asked for.
struct Filter {
    search: Option<Search>,
    types: Option<String>,
    services: Option<String>,
}

impl Filter {
    /// An expression that is none has an answer of its own.
    fn of(request: &Request) -> Answered<Filter> {
        let query = |name| request.query(name).filter(|text| !text.is_empty());
        let search = match query("search") {
            None => None,
            Some(text) => Some(Search::parse(&text).ok_or_else(|| err("EINVALID"))?),
        };
        Ok(Filter { search, types: query("type"), services: query("service") })
    }
}

/// Whether one of the names is among those asked for, a list joined by commas, where any are.
fn is_any<'a>(asked: &Option<String>, mut names: impl Iterator<Item = &'a str>) -> bool {
    asked.as_ref().is_none_or(|asked| names.any(|name| asked.split(',').any(|one| one.trim() == name)))
}

/// What a write says of an item.
struct Wanted {
    value: Option<Box<str>>,
    kind: &'static str,
    service: &'static str,
}

impl Wanted {
    fn read(body: &Map<String, Value>) -> Answered<Wanted> {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let value = match body.get("value") {
            None => None,
            Some(_) => Some(text("value").filter(|value| !value.is_empty()).ok_or_else(bad)?.into()),
        };
        let kind = text("type").and_then(person::kind).ok_or_else(bad)?;
        let service = text("service").and_then(person::service).ok_or_else(bad)?;
        Ok(Wanted { value, kind, service })
    }
}

fn card(request: &Request) -> Answered<Card> {
    Card::read(&body(request)?).ok_or_else(bad)
}

/// The body as an object; none at all counts as empty.
fn body(request: &Request) -> Answered<Map<String, Value>> {
    if request.body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(&request.body) {
        Ok(Value::Object(body)) if request.says_json() => Ok(body),
        _ => Err(bad()),
    }
}

fn result(value: &Value) -> Answer {
    Answer::json(200, &json!({ "result": value }))
}

/// A failure as this platform has it: with a status of success.
fn err(name: &str) -> Answer {
    Answer::json(200, &json!({ "err": name }))
}

fn bad() -> Answer {
    plain(400, "Bad Request")
}

fn plain(status: u16, words: &str) -> Answer {
    Answer::text(status, "text/plain; charset=utf-8", words)
}

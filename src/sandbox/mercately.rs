//! Mercately as its reference describes it: `/retailers/api/v1`, where a create is no upsert and a refusal is a 302.
//!
//! Where the documents disagree the model takes the newer one (custom fields and identity papers can be written; both
//! bodies, wrapped and flat, are understood; a `Slug` is not asked for), and the colon in `field_content:`. Look-ups
//! and uniqueness compare phones as text, as the 2022 server does: blanks inside count, and so does a `+`. Addresses
//! as `customer_addresses_attributes`, messages and notifications are not modelled.

mod customer;

use self::customer::{Customer, Knows};
use super::contact_table::{ContactTable, Place};
use super::faults::mix;
use super::model::{Account, Held, Model, Reply, Row, text_of};
use super::request_time::RequestTime;
use super::wire::{Answer, HTML, JSON, Request};
use hyper::Method;
use serde_json::{Map, Value, json};

/// The key that the sandbox takes.
const KEY: &str = "sandbox-mercately-key";

/// Mercately's line in the table.
pub(super) const MODEL: Model = Model {
    name: "mercately",
    title: "Mercately",
    addresses: &[("FERRY_MERCATELY_BASE_URL", "")],
    user: &[],
    secret: ("FERRY_MERCATELY_API_KEY", KEY),
    owns: |path| path.trim_start_matches('/').split('/').next() == Some("retailers"),
    options: &[
        // Tags that the account knows; it drops others in silence.
        ("tags", "VIP, Newsletter, Cliente, Lead, moved-2026, Test tag"),
        // Custom fields that it drops in silence; it knows all others.
        ("unknown_attributes", ""),
    ],
    open: |setup| {
        let knows = Knows { tags: setup.names("tags"), not_attributes: setup.names("unknown_attributes") };
        Ok(Box::new(Mercately { seed: setup.seed, key: setup.key.clone(), knows, contacts: ContactTable::default() }))
    },
};

/// Customers a page; the caller has no say.
const PAGE: usize = 100;
/// What every id of the account begins with, and the number of its first customer.
const ACCOUNT: &str = "4880";
const FIRST_NUMBER: usize = 3873;

struct Mercately {
    seed: u64,
    key: String,
    knows: Knows,
    contacts: ContactTable,
}

impl Account for Mercately {
    fn load(&mut self, line: &str) -> Result<(), String> {
        let customer = Customer::parse(line).map_err(|error| error.to_string())?;
        let id = customer.text("id").ok_or("no `id`")?.to_owned();
        let keys = customer.keys();
        match self.contacts.by_id(&id) {
            Some(place) => {
                let before = self.customer(place).map(|before| before.keys()).unwrap_or_default();
                self.contacts.replace(place, &before, &keys, line.to_owned());
            }
            None => self.contacts.insert(&id, &keys, line.to_owned(), None),
        }
        Ok(())
    }

    fn answer(&mut self, request: &Request, moment: &RequestTime) -> Reply {
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let ["retailers", "api", "v1", rest @ ..] = segments.as_slice() else { return Reply::read(lost()) };
        let Some(route) = Route::of(&request.method, rest) else { return Reply::read(lost()) };
        if request.header("api-key") != Some(&*self.key) {
            return Reply::read(Answer::json(401, &info("Unauthorized")));
        }
        match route {
            Route::Create => self.create(request, moment),
            Route::Update(key) => self.update(request, key),
            Route::List => Reply::read(self.list(request)),
            Route::Get(key) => Reply::read(self.get(key)),
            Route::Agents => Reply::read(Answer::json(200, &json!({ "agents": customer::agents() }))),
            Route::Templates => Reply::read(Answer::json(200, &templates())),
            Route::WhatsApp => Reply::read(self.conversations(request)),
            Route::Messenger => Reply::read(Answer::json(200, &page("messenger_conversations", json!(0)))),
            Route::Messages(key, kind) => Reply::read(self.messages(key, kind)),
        }
    }

    fn failure(&self, _: &Request, _: &RequestTime) -> Answer {
        Answer::json(500, &info("Internal server error"))
    }

    fn held(&mut self) -> &mut dyn Held {
        &mut self.contacts
    }

    fn row(&self, contact: &Value) -> Row {
        let names = [text_of(contact, "first_name"), text_of(contact, "last_name")];
        let list = |name: &str| contact.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let field = |item: &Value, name: &str| text_of(item, name).unwrap_or_default().to_owned();
        Row {
            id: text_of(contact, "id").unwrap_or_default().to_owned(),
            name: names.into_iter().flatten().collect::<Vec<_>>().join(" "),
            phone: field(contact, "phone"),
            email: field(contact, "email"),
            tags: list("tags").iter().map(|tag| field(tag, "tag")).collect(),
            attributes: list("custom_fields")
                .iter()
                .map(|item| (field(item, "field_name"), field(item, customer::CONTENT_READ)))
                .collect(),
        }
    }
}

/// The paths that are served.
enum Route<'a> {
    Create,
    Update(&'a str),
    List,
    Get(&'a str),
    Agents,
    Templates,
    WhatsApp,
    Messenger,
    Messages(&'a str, &'a str),
}

impl<'a> Route<'a> {
    fn of(method: &Method, path: &[&'a str]) -> Option<Route<'a>> {
        Some(match (method, path) {
            (&Method::POST, ["customers"]) => Route::Create,
            (&Method::PUT, ["customers", key]) => Route::Update(key),
            (&Method::GET, ["customers"]) => Route::List,
            (&Method::GET, ["customers", key]) => Route::Get(key),
            (&Method::GET, ["agents"]) => Route::Agents,
            (&Method::GET, ["whatsapp_templates"]) => Route::Templates,
            (&Method::GET, ["whatsapp_conversations"]) => Route::WhatsApp,
            (&Method::GET, ["messenger_conversations"]) => Route::Messenger,
            (&Method::GET, ["customers", key, kind @ ("whatsapp_conversations" | "messenger_conversations")]) => {
                Route::Messages(key, kind)
            }
            _ => return None,
        })
    }
}

impl Mercately {
    fn create(&mut self, request: &Request, moment: &RequestTime) -> Reply {
        let wanted = match fields(request) {
            Ok(wanted) => wanted,
            Err(answer) => return Reply::read(answer),
        };
        let number = FIRST_NUMBER + self.contacts.len();
        let id = format!("{}{number}", self.letters(number));
        let mut customer = Customer::new(&id, &moment.rfc3339());
        customer.assign(&wanted, &self.knows);
        let errors = self.mistakes(&customer, &wanted, None);
        if !errors.is_empty() {
            return Reply::read(refusal(&errors));
        }
        customer.tag(&wanted, &self.tags());
        let line = customer.to_string();
        self.contacts.insert(&id, &customer.keys(), line.clone(), moment.hidden_until);
        let body = format!("{{\"message\":\"Customer created successfully\",\"customer\":{line}}}");
        Reply::changed(Answer::text(200, JSON, body), line)
    }

    /// Tags are applied before the fields are looked at: a refused update may still have changed them.
    fn update(&mut self, request: &Request, key: &str) -> Reply {
        let Some((place, before)) = self.find(key).and_then(|place| Some((place, self.customer(place)?))) else {
            return Reply::read(not_found());
        };
        let wanted = match fields(request) {
            Ok(wanted) => wanted,
            Err(answer) => return Reply::read(answer),
        };
        let mut tagged = before.clone();
        tagged.tag(&wanted, &self.tags());
        let mut customer = tagged.clone();
        customer.assign(&wanted, &self.knows);
        let errors = self.mistakes(&customer, &wanted, Some(place));
        let (left, answer) = match errors.is_empty() {
            true => (customer, Answer::json(200, &json!({ "message": "Customer updated successfully" }))),
            false => (tagged, refusal(&errors)),
        };
        if left == before {
            return Reply::read(answer);
        }
        let line = left.to_string();
        self.contacts.replace(place, &before.keys(), &left.keys(), line.clone());
        Reply::changed(answer, line)
    }

    /// Everything wrong with a customer, in the platform's words.
    ///
    /// Uniqueness compares the phone as it came, and that without its `+`: a stored `+593…` is not noticed when
    /// `593…` comes.
    fn mistakes(&self, customer: &Customer, wanted: &Map<String, Value>, own: Option<Place>) -> Vec<&'static str> {
        let mut mistakes = customer.mistakes();
        let taken = |key: String| self.contacts.by_key(&key).iter().any(|&place| Some(place) != own);
        let email = wanted.get("email").and_then(Value::as_str).unwrap_or_default();
        if !email.is_empty() && taken(customer::email_key(email)) {
            mistakes.push("Ya tienes un cliente registrado con este email.");
        }
        let phone = wanted.get("phone").and_then(Value::as_str).unwrap_or_default().trim();
        let bare = phone.strip_prefix('+').unwrap_or(phone);
        if !phone.is_empty() && [phone, bare].into_iter().any(|phone| taken(customer::phone_key(phone))) {
            mistakes.push("Ya tienes un cliente registrado con este número de teléfono.");
        }
        mistakes
    }

    fn customer(&self, place: Place) -> Option<Customer> {
        self.contacts.text(place).and_then(|text| Customer::parse(text).ok())
    }

    /// By id, by e-mail, or by phone, with its `+` or without.
    fn find(&self, key: &str) -> Option<Place> {
        let by_phone = |phone: &str| self.contacts.find(&customer::phone_key(phone));
        let other_form = || match key.strip_prefix('+') {
            Some(bare) => by_phone(bare),
            None => by_phone(&format!("+{key}")),
        };
        let by_id = self.contacts.by_id(key);
        by_id.or_else(|| self.contacts.find(&customer::email_key(key))).or_else(|| by_phone(key)).or_else(other_form)
    }

    fn get(&self, key: &str) -> Answer {
        match self.find(key).and_then(|place| self.contacts.text(place)) {
            Some(text) => {
                let body = format!("{{\"message\":\"Customer found successfully\",\"customer\":{text}}}");
                Answer::text(200, JSON, body)
            }
            None => not_found(),
        }
    }

    fn list(&self, request: &Request) -> Answer {
        let skip = (number(request, "page", 1) - 1).saturating_mul(PAGE);
        let filter = Filter::of(request);
        let (results, customers) = match filter.is_empty() {
            true => (self.contacts.seen_len(), self.contacts.page(skip, PAGE)),
            false => {
                let all: Vec<&str> = self.contacts.seen().filter(|text| filter.takes(text)).collect();
                (all.len(), all.into_iter().skip(skip).take(PAGE).collect())
            }
        };
        let (pages, customers) = (results / PAGE + 1, customers.join(","));
        let body = format!("{{\"results\":{results},\"total_pages\":{pages},\"customers\":[{customers}]}}");
        Answer::text(200, JSON, body)
    }

    /// One conversation for each customer with a phone, newest first.
    fn conversations(&self, request: &Request) -> Answer {
        let size = number(request, "results_per_page", PAGE).min(PAGE);
        let skip = (number(request, "page", 1) - 1).saturating_mul(size);
        let unassigned = request.query("unassigned").as_deref() == Some("true");
        let customers = self.contacts.seen().rev().filter_map(|text| Customer::parse(text).ok());
        let all: Vec<Value> = customers
            .filter(|customer| customer.text("phone").is_some_and(|phone| !phone.is_empty()))
            .map(|customer| customer.conversation(ACCOUNT.len() + LETTERS))
            .filter(|conversation| !unassigned || conversation.get("agent_id").is_some_and(Value::is_null))
            .collect();
        let (results, pages) = (all.len(), all.len() / size + 1);
        let shown: Vec<Value> = all.into_iter().skip(skip).take(size).collect();
        let body = json!({ "results": results, "total_pages": pages, "whatsapp_conversations": shown });
        Answer::json(200, &body)
    }

    /// The messages of a customer: none, because no customer writes to the sandbox.
    fn messages(&self, key: &str, kind: &str) -> Answer {
        match self.find(key) {
            Some(_) => Answer::json(200, &page(kind, json!([]))),
            None => Answer::json(404, &json!({ "message": "Not found" })),
        }
    }

    /// The account's tags, each with its web id.
    fn tags(&self) -> Vec<(String, String)> {
        let id = |place: usize| format!("{}{}", self.letters(FIRST_TAG + place), FIRST_TAG + place);
        self.knows.tags.iter().enumerate().map(|(place, tag)| (tag.clone(), id(place))).collect()
    }

    /// The account's number and five letters, as every web id begins.
    fn letters(&self, number: usize) -> String {
        let mut state = mix(self.seed) ^ number as u64;
        let letters = (0..LETTERS).map(|_| {
            state = mix(state);
            char::from(b'a' + (state % 26) as u8)
        });
        ACCOUNT.chars().chain(letters).collect()
    }
}

/// Letters between the account's number and the object's in a web id.
const LETTERS: usize = 5;
/// The number of the account's first tag.
const FIRST_TAG: usize = 256;

/// The filters of the customer list that the newer documents name; blank is none.
struct Filter {
    start_date: Option<String>,
    end_date: Option<String>,
    id_type: Option<String>,
    id_number: Option<String>,
}

impl Filter {
    fn of(request: &Request) -> Filter {
        let query = |name| request.query(name).filter(|text| !text.is_empty());
        Filter {
            start_date: query("start_date"),
            end_date: query("end_date"),
            id_type: query("id_type"),
            id_number: query("id_number"),
        }
    }

    fn is_empty(&self) -> bool {
        [&self.start_date, &self.end_date, &self.id_type, &self.id_number].into_iter().all(Option::is_none)
    }

    /// Dates are those of creation, both ends included.
    fn takes(&self, text: &str) -> bool {
        let Ok(customer) = Customer::parse(text) else { return false };
        let created = customer.text("creation_date").and_then(|date| date.get(..10)).unwrap_or_default();
        let equals = |wanted: &Option<String>, name| wanted.as_ref().is_none_or(|w| customer.text(name) == Some(w));
        self.start_date.as_ref().is_none_or(|start| created >= start.as_str())
            && self.end_date.as_ref().is_none_or(|end| created <= end.as_str())
            && equals(&self.id_type, "id_type")
            && equals(&self.id_number, "id_number")
    }
}

/// What a write carries: inside `customer`, or flat.
fn fields(request: &Request) -> Result<Map<String, Value>, Answer> {
    let crash = |message: &str| Answer::json(500, &info(message));
    let missing = "param is missing or the value is empty: customer";
    let mut body = match serde_json::from_slice(&request.body) {
        Ok(Value::Object(body)) if request.says_json() => body,
        Ok(_) => return Err(crash(missing)),
        Err(error) => return Err(crash(&format!("unexpected token: {error}"))),
    };
    match body.remove("customer") {
        Some(Value::Object(customer)) if !customer.is_empty() => Ok(customer),
        None if customer::is_known(&body) => Ok(body),
        _ => Err(crash(missing)),
    }
}

/// A query parameter that counts from 1; anything else is taken as the default.
fn number(request: &Request, name: &str, default: usize) -> usize {
    request.query(name).and_then(|text| text.parse().ok()).filter(|&number| number > 0).unwrap_or(default)
}

/// One page of nothing.
fn page(name: &str, items: Value) -> Value {
    json!({ "results": 0, "total_pages": 1, name: items })
}

fn info(message: &str) -> Value {
    json!({ "message": message, "info": { "data": {} } })
}

fn not_found() -> Answer {
    Answer::json(404, &json!({ "message": "Customer not found" }))
}

/// A refused record: a redirect that leads nowhere.
fn refusal(errors: &[&str]) -> Answer {
    Answer::json(302, &json!({ "errors": errors }))
}

fn templates() -> Value {
    json!({ "templates": [{
        "text": "Hi *. Welcome to our WhatsApp. We will be here for any question.",
        "status": "active",
        "template_type": "text",
        "internal_id": "997dd550-c8d8-4bf7-ad98-a5ac4844a1ed",
    }] })
}

/// A path that leads nowhere, as Rails says it.
fn lost() -> Answer {
    let title = "The page you were looking for doesn't exist";
    let page = format!(
        "<!DOCTYPE html>\n<html>\n<head>\n<title>{title} (404)</title>\n</head>\n<body>\n<h1>{title}.</h1>\n\
         </body>\n</html>\n"
    );
    Answer::text(404, HTML, page)
}

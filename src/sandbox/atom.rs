//! Atom as its reference describes it: `/clients`, an upsert by phone that replaces what it is sent.
//!
//! Where the documents are silent the model takes the reference's own assumption: the phone's digits are the identity;
//! an update replaces `email`, `optionals` and `tags`; a bad field is a 400 in the shape of the 400 for a bad token; a
//! `size` above 100 is cut without a word; `length` counts the page's items; the times are Firestore's.

use super::contact_table::{ContactTable, Place};
use super::faults::mix;
use super::model::{Account, Held, Model, Reply, Row, text_of};
use super::request_time::RequestTime;
use super::wire::{Answer, HTML, JSON, Request, escape_html, express_not_found, express_page};
use hyper::Method;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The token that the sandbox takes.
const TOKEN: &str = "sandbox-atom-token";

/// Atom's line in the table.
pub(super) const MODEL: Model = Model {
    name: "atom",
    title: "Atom",
    addresses: &[("FERRY_ATOM_BASE_URL", "")],
    user: &[],
    secret: ("FERRY_ATOM_TOKEN", TOKEN),
    owns: |path| path.trim_start_matches('/').split('/').next() == Some("clients"),
    options: &[],
    open: |setup| Ok(Box::new(Atom { seed: setup.seed, token: setup.key.clone(), contacts: ContactTable::default() })),
};

/// Items a page, unless `size` says otherwise.
const SIZE_DEFAULT: usize = 10;
/// Items a page at most; a larger `size` is cut without a word.
const SIZE_MAX: usize = 100;
/// Digits of a phone, E.164's bound above; below, what no country goes under.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

struct Atom {
    seed: u64,
    token: String,
    contacts: ContactTable,
}

impl Account for Atom {
    fn load(&mut self, line: &str) -> Result<(), String> {
        let contact: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let id = text_of(&contact, "id").ok_or("no `id`")?.to_owned();
        let phone = text_of(&contact, "phone").ok_or("no `phone`")?.to_owned();
        self.put(&id, phone, line.to_owned(), None);
        Ok(())
    }

    fn answer(&mut self, request: &Request, moment: &RequestTime) -> Reply {
        let segments = request.segments();
        let key = match (segments.as_slice(), &request.method) {
            ([_], &Method::POST | &Method::GET) => None,
            ([_, id], &Method::GET) => Some(id),
            _ => return Reply::read(express_not_found(request)),
        };
        if let Err(answer) = authorize(request, &self.token) {
            return Reply::read(answer);
        }
        match key {
            None if request.method == Method::POST => self.upsert(request, moment),
            None => Reply::read(self.list(request)),
            Some(id) => Reply::read(self.by_id(id)),
        }
    }

    fn failure(&self, request: &Request, moment: &RequestTime) -> Answer {
        let message = match request.method {
            Method::POST => format!("Cannot perform the creation of the client at {}", moment.rfc3339()),
            _ => return no_list(),
        };
        Answer::json(500, &json!({ "message": message }))
    }

    fn held(&mut self) -> &mut dyn Held {
        &mut self.contacts
    }

    fn row(&self, contact: &Value) -> Row {
        let names = [text_of(contact, "firstName"), text_of(contact, "lastName")];
        let tags = contact.get("tags").and_then(Value::as_array).into_iter().flatten();
        let optionals = contact.get("optionals").and_then(Value::as_object).into_iter().flatten();
        Row {
            id: text_of(contact, "id").unwrap_or_default().to_owned(),
            name: names.into_iter().flatten().collect::<Vec<_>>().join(" "),
            phone: text_of(contact, "phone").unwrap_or_default().to_owned(),
            email: text_of(contact, "email").unwrap_or_default().to_owned(),
            tags: tags.filter_map(Value::as_str).map(str::to_owned).collect(),
            attributes: optionals.map(|(name, value)| (name.clone(), spelled(value))).collect(),
        }
    }
}

/// "There is no list of clients": a page without any, and a list that failed.
fn no_list() -> Answer {
    Answer::json(500, &json!({ "message": "Something went wrong while the operation was being performed" }))
}

impl Atom {
    fn upsert(&mut self, request: &Request, moment: &RequestTime) -> Reply {
        let body = match body(request) {
            Ok(body) => body,
            Err(answer) => return Reply::read(answer),
        };
        let wanted = match Wanted::read(&body) {
            Ok(wanted) => wanted,
            Err(answer) => return Reply::read(answer),
        };
        let held = self.contacts.by_key(&wanted.phone).first().copied();
        let before: Option<Value> = held.and_then(|place| self.parsed(place));
        let kept = |name: &str| before.as_ref().and_then(|before| before.get(name)).cloned();
        let id = match kept("id") {
            Some(Value::String(id)) => id,
            _ => self.new_id(),
        };
        let time = firestore_time(moment);
        let contact = json!({
            "id": id, "firstName": wanted.first_name, "lastName": wanted.last_name, "email": wanted.email,
            "optionals": wanted.optionals, "phone": wanted.phone, "tags": wanted.tags, "user": Value::Null,
            "updatedAt": time, "createdAt": kept("createdAt").unwrap_or(time.clone()),
        });
        let line = contact.to_string();
        self.put(&id, wanted.phone, line.clone(), moment.hidden_until);
        Reply::changed(Answer::json(200, &json!({ "client": id })), line)
    }

    /// Puts a contact on the shelf: a new one, or in the place of the one that has its phone.
    fn put(&mut self, id: &str, phone: String, text: String, hidden_until: Option<tokio::time::Instant>) {
        let keys = [phone];
        match self.contacts.by_id(id) {
            Some(place) => self.contacts.replace(place, &keys, &keys, text),
            None => self.contacts.insert(id, &keys, text, hidden_until),
        }
    }

    fn parsed(&self, place: Place) -> Option<Value> {
        self.contacts.text(place).and_then(|text| serde_json::from_str(text).ok())
    }

    /// An id of 20 letters and digits that no client has.
    fn new_id(&self) -> String {
        const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut state = mix(self.seed) ^ self.contacts.len() as u64;
        loop {
            let id: String = (0..20)
                .filter_map(|_| {
                    state = mix(state);
                    LETTERS.get((state % 62) as usize).copied().map(char::from)
                })
                .collect();
            if self.contacts.by_id(&id).is_none() {
                return id;
            }
        }
    }

    fn by_id(&self, id: &str) -> Answer {
        match self.contacts.by_id(id).and_then(|place| self.contacts.text(place)) {
            Some(text) => Answer::text(200, JSON, text),
            None => Answer::json(404, &json!({ "message": "Client not found" })),
        }
    }

    fn list(&self, request: &Request) -> Answer {
        if let Some(phone) = request.query("phone") {
            return self.by_phone(request, &phone);
        }
        let number = |name: &str, default: usize| match request.query(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .filter(|&number| number > 0)
                .ok_or_else(|| bad(name, &json!(text), "must be a positive number", "number.positive")),
        };
        let (page, size) = match (number("page", 1), number("size", SIZE_DEFAULT)) {
            (Ok(page), Ok(size)) => (page, size.min(SIZE_MAX)),
            (Err(answer), _) | (_, Err(answer)) => return answer,
        };
        let descending = match request.query("sort").as_deref() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(other) => return bad("sort", &json!(other), "must be one of [asc, desc]", "any.only"),
        };
        let items = self.page((page - 1).saturating_mul(size), size, descending, request.query("tags"));
        if items.is_empty() {
            return no_list();
        }
        let body = format!("{{\"page\":{page},\"length\":{},\"items\":[{}]}}", items.len(), items.join(","));
        Answer::text(200, JSON, body)
    }

    /// A page of the list; `tags` is a list joined by commas, one of which a contact must have.
    fn page(&self, skip: usize, size: usize, descending: bool, tags: Option<String>) -> Vec<&str> {
        if tags.is_none() && !descending {
            return self.contacts.page(skip, size);
        }
        let wanted: Option<BTreeSet<&str>> = tags.as_deref().map(|tags| tags.split(',').collect());
        let has_tag = |text: &&str| wanted.as_ref().is_none_or(|wanted| tagged(text, wanted));
        if descending {
            return self.contacts.seen().rev().filter(has_tag).skip(skip).take(size).collect();
        }
        self.contacts.seen().filter(has_tag).skip(skip).take(size).collect()
    }

    /// A look-up by phone, which takes no other parameter.
    fn by_phone(&self, request: &Request, phone: &str) -> Answer {
        if let Some(name) = ["page", "size"].into_iter().find(|name| request.query(name).is_some()) {
            return bad(name, &json!(request.query(name)), "is not allowed", "object.unknown");
        }
        let found = self.contacts.find(phone).and_then(|place| self.contacts.text(place));
        Answer::text(200, JSON, format!("{{\"items\":[{}]}}", found.unwrap_or_default()))
    }
}

/// What a write asks for, checked.
struct Wanted {
    first_name: String,
    last_name: String,
    phone: String,
    email: Option<String>,
    optionals: Map<String, Value>,
    tags: Vec<String>,
}

impl Wanted {
    /// The first mistake is the answer.
    fn read(body: &Map<String, Value>) -> Result<Wanted, Answer> {
        Ok(Wanted {
            first_name: required_text(body, "firstName")?,
            last_name: required_text(body, "lastName")?,
            phone: phone(body)?,
            email: match body.get("email") {
                None | Some(Value::Null) => None,
                Some(_) => Some(required_text(body, "email")?),
            },
            optionals: optionals(body)?,
            tags: tags(body)?,
        })
    }
}

fn required_text(body: &Map<String, Value>, name: &str) -> Result<String, Answer> {
    match body.get(name) {
        None => Err(bad(name, &Value::Null, "is required", "any.required")),
        Some(Value::String(text)) if text.is_empty() => {
            Err(bad(name, &json!(text), "is not allowed to be empty", "string.empty"))
        }
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Err(bad(name, other, "must be a string", "string.base")),
    }
}

/// Digits with the country code first and no `+`.
fn phone(body: &Map<String, Value>) -> Result<String, Answer> {
    let phone = required_text(body, "phone")?;
    if phone.bytes().all(|byte| byte.is_ascii_digit()) && PHONE_DIGITS.contains(&phone.len()) {
        return Ok(phone);
    }
    let problem = "fails to match the required pattern: country code and number, digits only";
    Err(bad("phone", &json!(phone), problem, "string.pattern.base"))
}

/// Every value comes back as text, numbers included; one that is `null` is not kept.
fn optionals(body: &Map<String, Value>) -> Result<Map<String, Value>, Answer> {
    match body.get("optionals") {
        None => Err(bad("optionals", &Value::Null, "is required", "any.required")),
        Some(Value::Object(optionals)) => {
            let kept = optionals.iter().filter(|(_, value)| !value.is_null());
            Ok(kept.map(|(name, value)| (name.clone(), Value::String(spelled(value)))).collect())
        }
        Some(other) => Err(bad("optionals", other, "must be of type object", "object.base")),
    }
}

/// An array of text as in the vendor's example, or one text as in its table.
fn tags(body: &Map<String, Value>) -> Result<Vec<String>, Answer> {
    let refused = |value| Err(bad("tags", value, "must be an array of strings", "array.base"));
    match body.get("tags") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(tag)) => Ok(vec![tag.clone()]),
        Some(value @ Value::Array(items)) => {
            let tags: Option<Vec<_>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
            tags.map_or_else(|| refused(value), Ok)
        }
        Some(other) => refused(other),
    }
}

/// A value as text: text as it is, anything else as JSON.
fn spelled(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn tagged(text: &str, wanted: &BTreeSet<&str>) -> bool {
    let contact: Value = serde_json::from_str(text).unwrap_or_default();
    let tags = contact.get("tags").and_then(Value::as_array).into_iter().flatten();
    tags.filter_map(Value::as_str).any(|tag| wanted.contains(tag))
}

/// The body as an object; one that is not announced as JSON counts as empty, as Express has it.
fn body(request: &Request) -> Result<Map<String, Value>, Answer> {
    if !request.says_json() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(&request.body) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) => Ok(Map::new()),
        Err(error) => {
            let line = escape_html(&format!("SyntaxError: {error}"));
            Err(Answer::text(400, HTML, express_page(&line)))
        }
    }
}

/// No header is a 401 of bare text; a wrong token is a 400 of JSON.
fn authorize(request: &Request, token: &str) -> Result<(), Answer> {
    let Some(header) = request.header("authorization") else {
        return Err(Answer::text(401, HTML, "No authorization token found."));
    };
    if header.strip_prefix("Bearer ") == Some(token) {
        return Ok(());
    }
    Err(Answer::json(
        400,
        &json!({
            "context": { "key": "Authorization", "label": "headers.authorization", "value": "Bearer" },
            "message": "Cannot find a channel associated with the public tokenBearer",
            "path": ["headers.authorization"],
            "type": "Bad format",
        }),
    ))
}

/// A 400 about one field.
fn bad(name: &str, value: &Value, problem: &str, kind: &str) -> Answer {
    Answer::json(
        400,
        &json!({
            "context": { "key": name, "label": name, "value": value },
            "message": format!("\"{name}\" {problem}"),
            "path": [name],
            "type": kind,
        }),
    )
}

fn firestore_time(moment: &RequestTime) -> Value {
    json!({ "_seconds": moment.since_1970.as_secs(), "_nanoseconds": moment.since_1970.subsec_millis() * 1_000_000 })
}

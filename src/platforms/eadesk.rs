//! Eadesk (Yeahdesk): persons and their contact data. A person is created by one call and each item (phone, e-mail, handle)
//! by another; persons are found by a regular expression.
//!
//! A question that the vendor's documents leave open is a setting. The parts have the same order for every platform:
//! facts, settings, driver, responses; reading, finding and writing have a file each.

mod find;
mod person;
mod write;

use super::answer::{Account, Purpose, send};
use super::connector::{Capabilities, Connected, Connector, Deletes, Driver, PartialCreates, WriteRules};
use super::exchange::{Address, Checked, Cursor, Fault, Found, Lookup, Needs, Page, Reading, Ready, Step, StepResult};
use super::facts::PlatformFacts;
use super::pages::Numbering;
use super::settings::{Setting, Settings, validate, whole_number, wrong};
use super::text::texts;
use super::value::{text, tidy};
use crate::change::Delta;
use crate::change::StepKind;
use crate::contact::{Field, Wanted};
use crate::http::{Credentials, Http, Request, Response};
use crate::mapping::phone::Region;
use crate::outcome::{Failure, Problem};
use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::sync::Arc;

/// The facts (help article on managing clients).
pub static FACTS: PlatformFacts = PlatformFacts {
    name: Cow::Borrowed("eadesk"),
    aliases: Cow::Borrowed(texts!["yeahdesk"]),
    title: Cow::Borrowed("Eadesk"),
    holds: Cow::Borrowed(&[Field::FullName, Field::Phones, Field::Emails, Field::Handles, Field::Tags, Field::Notes]),
    single: Cow::Borrowed(&[]),
    reads: Cow::Borrowed(&[Field::Id, Field::CreatedAt]),
    attributes: false,
    defines_attributes: false,
    creates: true,
    deletes: true,
    creates_in_steps: true,
    needs: Cow::Borrowed(&[]),
    finds_by: Cow::Borrowed(&[Field::Phones, Field::Emails, Field::Handles]),
    drops: Cow::Borrowed(&[]),
    drops_attributes: false,
    undoes: Cow::Borrowed("a created contact is deleted; changes are written back"),
    rate_start_per_s: 2.0,
    concurrency: 4,
    numbered_pages: true,
    lists: Cow::Borrowed(&[]),
    ids_setting: None,
    settings: Cow::Borrowed(SETTINGS),
    base_url: Cow::Borrowed("https://app.yeahdesk.ru"),
};

const SETTINGS: &[Setting] = &[
    Setting::secret("token", "the API token of the account"),
    Setting::choice(
        "auth",
        texts!["query", "bearer"],
        "query",
        "whether the token is sent in the address or in a header",
    ),
    Setting::choice("on_update", texts!["replace", "merge"], "replace", "what an update does to fields that it omits"),
    Setting::text("segments", None, "the id of each segment by its name, for tags: a table, or `VIP=id, New=id`"),
    Setting::text("services", Some(SERVICES), "the messengers that it knows, and the type of their items"),
    Setting::text("page_size", Some("1000"), "persons on a page of the list"),
    Setting::switch("need_existing_records", "true", "request only persons that are not deleted"),
    Setting::switch("search_by_type", "true", "name the type of the item that is searched for"),
    Setting::switch("path_equals", "false", "end the paths of updates and deletions with `=`, as the documents do"),
    Setting::text("path_prefix", Some("/api/clients/person"), "the path before `/create`, `/read`, `/update`"),
];

/// The documents name the services and the types, but not which go together.
const SERVICES: &str = "whatsapp=phone, telegram=id, vk=id, facebook=id, skype=id, chatra=id";
/// The types of items.
const TYPES: [&str; 3] = ["id", "mail", "phone"];
/// The largest page: more persons than the API can be expected to send in one response.
const PAGE_SIZE_MAX: u64 = 10_000;
/// The home country of the service.
const HOME: &str = "RU";
/// The number of persons in a response by default: the server may shorten a longer page to it.
const LIMIT_DEFAULT: u64 = 50;

/// The platform before it is connected.
pub struct EadeskDriver;

impl Driver for EadeskDriver {
    fn facts(&self) -> &PlatformFacts {
        &FACTS
    }

    fn credentials(&self, settings: &Settings) -> Credentials {
        let token = settings.secret("token").map(|token| {
            let token = token.expose_secret().trim();
            token.strip_prefix("Bearer ").unwrap_or(token).to_owned()
        });
        let mut credentials = Credentials::default();
        match settings.get_or_default(SETTINGS, "auth") {
            "bearer" => {
                let bearer = token.map(|token| SecretString::from(format!("Bearer {token}")));
                credentials.headers.extend(bearer.map(|bearer| ("Authorization", bearer)));
            }
            _ => credentials.query.extend(token.map(|token| ("token", SecretString::from(token)))),
        }
        credentials
    }

    fn connect(&self, settings: &Settings) -> Connected {
        let mut failures = validate(&FACTS, settings);
        let get = |name| settings.get_or_default(SETTINGS, name);
        let prefix = get("path_prefix");
        if !prefix.starts_with('/') {
            failures.push(wrong(settings, "path_prefix", prefix, "a path that begins with `/`"));
        }
        let page_size = whole_number(settings, "page_size", get("page_size"), 1, PAGE_SIZE_MAX);
        let page_size = page_size.map_err(|failure| failures.push(failure)).unwrap_or_default();
        let segments = segments(settings).map_err(|failure| failures.push(failure)).unwrap_or_default();
        let services = services(settings).map_err(|failure| failures.push(failure)).unwrap_or_default();
        if !failures.is_empty() {
            return Err(failures);
        }
        Ok(Arc::new(Eadesk {
            account: Account { title: FACTS.title.clone(), connection: settings.connection.clone() },
            merges: get("on_update") == "merge",
            segments,
            services,
            page_size,
            region: Region::named(settings.get("phone_region").unwrap_or(HOME)),
            hides_deleted: get("need_existing_records") == "true",
            searches_by_type: get("search_by_type") == "true",
            path_end: if get("path_equals") == "true" { "=" } else { "" },
            prefix: prefix.trim_end_matches('/').to_owned(),
        }))
    }
}

/// Names and ids, from the table or from one line of `name=id` (all that an environment variable can hold).
fn segments(settings: &Settings) -> Result<Vec<(String, String)>, Failure> {
    let line = settings.get("segments").unwrap_or_default();
    let expected = "`name=id`, several joined by `,`";
    let mut segments = pairs(line).ok_or_else(|| wrong(settings, "segments", line, expected))?;
    for (name, id) in settings.table("segments") {
        let Some(pair) = tidy(name).zip(tidy(id)) else {
            return Err(wrong(settings, "segments", &format!("{name}: {id}"), "a name and its id, both not blank"));
        };
        segments.push(pair);
    }
    Ok(segments)
}

fn services(settings: &Settings) -> Result<Vec<(String, String)>, Failure> {
    let line = settings.get_or_default(SETTINGS, "services");
    let known = |pairs: &Vec<(String, String)>| pairs.iter().all(|(_, kind)| TYPES.contains(&kind.as_str()));
    let expected = "`service=type`, several joined by `,`, the type one of `id`, `mail`, `phone`";
    pairs(&line.to_lowercase()).filter(known).ok_or_else(|| wrong(settings, "services", line, expected))
}

/// `a=1, b=2`. The last `=` divides, because a name may contain one and an id does not.
fn pairs(line: &str) -> Option<Vec<(String, String)>> {
    let parts = line.split(',').filter(|part| !part.trim().is_empty());
    let pair = |part: &str| part.rsplit_once('=').and_then(|(name, id)| tidy(name).zip(tidy(id)));
    parts.map(pair).collect()
}

/// The connector; its fields are the settings.
struct Eadesk {
    account: Account,
    merges: bool,
    /// Names and ids.
    segments: Vec<(String, String)>,
    /// Services and the types of their items.
    services: Vec<(String, String)>,
    page_size: u64,
    /// The country of numbers that are stored as they are dialled in it.
    region: Option<Region>,
    hides_deleted: bool,
    searches_by_type: bool,
    path_end: &'static str,
    prefix: String,
}

impl WriteRules for Eadesk {
    fn facts(&self) -> &PlatformFacts {
        &FACTS
    }

    /// Also where an update merges, because an item that is added twice exists twice, and an item is deleted by its own
    /// id, which may have changed since the contact was read.
    fn replaces(&self) -> bool {
        true
    }

    fn resolves(&self, wanted: &Wanted) -> bool {
        wanted.contact.has(Field::Handles) || wanted.contact.has(Field::Tags)
    }

    fn resolve(&self, _ready: &Ready, wanted: &mut Wanted) -> Vec<String> {
        let mut not_carried = self.resolve_handles(wanted);
        not_carried.extend(self.resolve_tags(wanted));
        not_carried
    }

    fn steps(&self, _ready: &Ready, delta: &Delta, found: Option<&Found>) -> Result<Vec<Step>, Vec<Problem>> {
        Ok(self.steps_to(delta, found))
    }
}

#[async_trait]
impl Connector for Eadesk {
    fn capabilities(&self) -> Capabilities<'_> {
        // The cursor is an offset. A server that shortens pages shows its own step with the first one.
        let numbered_pages = Some(Numbering { first: 0, step: self.page_size });
        Capabilities { partial_creates: Some(self), deletes: Some(self), numbered_pages, ..Capabilities::default() }
    }

    async fn check(&self, http: &Http) -> Result<Checked, Fault> {
        let page = self.page_from(http, 0, self.page_size.min(LIMIT_DEFAULT)).await?;
        let is_empty = page.found.is_empty() && page.next.is_none();
        Ok(Checked { contacts: is_empty.then_some(0), sample: page.found, response: None })
    }

    async fn page(&self, http: &Http, after: Option<&Cursor>) -> Result<Page, Fault> {
        let offset = match after {
            Some(cursor) => cursor.parse().map_err(|_| no_offset(cursor))?,
            None => 0,
        };
        self.page_from(http, offset, self.page_size).await
    }

    async fn find(&self, http: &Http, by: &Lookup) -> Result<Vec<Found>, Fault> {
        match by.field {
            Field::Phones | Field::Emails | Field::Handles => self.find_by_item(http, by).await,
            Field::Id | Field::TargetId => Ok(self.read(http, &by.value, None).await?.there().into_iter().collect()),
            other => {
                let message = format!("{} has no lookup by `{}`", FACTS.title, other.name());
                Err(Fault::Fatal(Failure::failed(message)))
            }
        }
    }

    async fn read(&self, http: &Http, id: &str, _or_by: Option<&Lookup>) -> Result<Reading, Fault> {
        if id.trim().is_empty() {
            return Ok(Reading::Gone);
        }
        self.read_by_id(http, id).await
    }

    async fn prepare(&self, _http: &Http, _needs: &Needs) -> Result<Ready, Fault> {
        Ok(Ready::default())
    }

    async fn send_step(&self, http: &Http, step: &Step, address: &Address) -> Result<StepResult, Fault> {
        self.send(http, step, address).await
    }
}

#[async_trait]
impl PartialCreates for Eadesk {
    async fn find_partial(&self, http: &Http, body: &Value, since_ms: u64) -> Result<Vec<Found>, Fault> {
        self.find_partial_persons(http, body, since_ms).await
    }
}

impl Deletes for Eadesk {
    fn deletion(&self) -> Step {
        Step { kind: StepKind::Change, body: json!({ "delete_person": true }).into() }
    }
}

/// The content of a response with a success status.
enum Said {
    /// An empty body: the end of a list.
    Nothing,
    /// No person or item has this id.
    NotFound,
    /// A JSON value.
    Json(Value),
}

/// Responses.
impl Eadesk {
    async fn ask(&self, http: &Http, request: Request, purpose: Purpose) -> Result<(Said, Response), Fault> {
        let response = send(http, request, purpose).await?;
        let said = self.said(http, &response, purpose)?;
        Ok((said, response))
    }

    /// A failure can have a success status, so `err` is checked first.
    fn said(&self, http: &Http, response: &Response, purpose: Purpose) -> Result<Said, Fault> {
        if !response.is_success() {
            return Err(self.failure(http, response, purpose));
        }
        if response.body.trim_ascii().is_empty() {
            return Ok(Said::Nothing);
        }
        let Some(value) = response.json() else { return Err(self.not_promised(http, response, purpose, "JSON")) };
        match value.get("err") {
            None | Some(Value::Null) => Ok(Said::Json(value)),
            Some(err) if text(err).is_some_and(|err| err.eq_ignore_ascii_case("ENOT_FOUND")) => Ok(Said::NotFound),
            Some(_) => Err(self.account.judge(http, response, purpose, "token")),
        }
    }

    /// A 404 is never a missing person, but a path that leads nowhere.
    fn failure(&self, http: &Http, response: &Response, purpose: Purpose) -> Fault {
        match response.status {
            401 | 403 => self.account.refuses_us(response, &["token", "auth"]),
            300..=399 | 404 | 405 => self.account.wrong_address(http, response, &["base_url", "path_prefix"]),
            _ => self.account.judge(http, response, purpose, "token"),
        }
    }

    fn not_promised(&self, http: &Http, response: &Response, purpose: Purpose, promised: &str) -> Fault {
        match purpose {
            Purpose::Write => self.account.not_promised_of_write(http, response, promised),
            Purpose::List | Purpose::Read => self.account.not_promised(http, response, promised),
        }
    }
}

fn no_offset(cursor: &Cursor) -> Fault {
    Fault::Fatal(Failure::failed(format!("`{cursor}` is not a place in the list")))
}

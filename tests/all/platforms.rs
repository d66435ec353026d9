//! The platforms against recorded exchanges: a script of expected requests and the answers to them.

#![allow(clippy::type_complexity, reason = "tables of cases")]

mod atom;
mod diff;
mod eadesk;
mod mercately;
mod mercately_lists;
mod names;
mod pages;
mod settings;
mod twin;

use super::support::{PLATFORMS, all_platforms};
use async_trait::async_trait;
use bytes::Bytes;
use ferry::change::Delta;
use ferry::contact::{Contact, Field, Wanted};
use ferry::http::{Http, Request, Response, Sent, message::Method};
use ferry::outcome::{Exit, Failure, Problem};
use ferry::platforms::diff::{OnExisting, diff};
use ferry::platforms::settings::{Setting, Settings};
use ferry::platforms::{Body, Connector, Driver, Fault, Found, Lookup, PlatformFacts, Reading, Ready, Step};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// What a platform answers, or why it does not.
#[derive(Clone)]
enum Answer {
    Json(u16, Value),
    Text(u16, &'static str),
    InDoubt,
    NotSent,
}

/// One expected request (as `METHOD /path?query body`) and its answer.
type Exchange = (&'static str, Answer);

struct Script {
    left: Arc<Mutex<VecDeque<Exchange>>>,
    headers: Arc<Mutex<Vec<(String, String)>>>,
    taken: Arc<Mutex<Vec<bool>>>,
    ends: Arc<Mutex<Vec<bool>>>,
}

#[async_trait]
impl ferry::http::Transport for Script {
    async fn exchange(&self, request: &Request) -> Sent {
        let (expected, answer) = self.left.lock().unwrap().pop_front().unwrap_or_else(|| {
            panic!("nobody expected `{}`", line_of(request));
        });
        assert_eq!(line_of(request), expected);
        assert_eq!(request.repeatable, request.method == Method::Get || is_idempotent(&request.path), "{expected}");
        let headers = request.headers.iter().map(|(name, value)| ((*name).to_owned(), value.to_string()));
        self.headers.lock().unwrap().extend(headers);
        let sent = match answer {
            Answer::Json(status, body) => answered(status, body.to_string().into_bytes()),
            Answer::Text(status, body) => answered(status, body.as_bytes().to_vec()),
            Answer::InDoubt => Sent::InDoubt(Failure::new(Exit::Unavailable, "no answer within 30 s")),
            Answer::NotSent => Sent::NotSent(Failure::new(Exit::Unavailable, "connection refused")),
        };
        let is_taken = |response: &Response| request.is_answer.is_some_and(|is_answer| is_answer(response));
        self.taken.lock().unwrap().push(matches!(&sent, Sent::Answered(response) if is_taken(response)));
        let is_end = |response: &Response| request.is_end.is_some_and(|is_end| is_end(response));
        self.ends.lock().unwrap().push(matches!(&sent, Sent::Answered(response) if is_end(response)));
        sent
    }
}

/// Setting or deleting a value of a client twice is doing it once.
fn is_idempotent(path: &str) -> bool {
    matches!(path.split('/').collect::<Vec<_>>()[..], ["", "clients", _, "attributes", _])
}

fn answered(status: u16, body: Vec<u8>) -> Sent {
    Sent::Answered(Response { status, headers: Vec::new(), body: Bytes::from(body) })
}

fn line_of(request: &Request) -> String {
    let query: Vec<String> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let body = request.body.as_ref().map(|body| format!(" {}", String::from_utf8_lossy(body))).unwrap_or_default();
    format!("{} {}{query}{body}", request.method.name(), request.path)
}

/// A connector and its HTTP client, which end well only when the whole script was played.
struct Scripted {
    connector: Arc<dyn Connector>,
    http: Http,
    left: Arc<Mutex<VecDeque<Exchange>>>,
    headers: Arc<Mutex<Vec<(String, String)>>>,
    /// Of each answer, whether its request took it for one although it is a 5xx.
    taken: Arc<Mutex<Vec<bool>>>,
    /// Of each answer, whether its request took it for the end of a list.
    ends: Arc<Mutex<Vec<bool>>>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let left: Vec<&str> = self.left.lock().unwrap().iter().map(|(expected, _)| *expected).collect();
            assert!(left.is_empty(), "never asked: {left:?}");
        }
    }
}

fn scene(platform: &str, settings: &[(&str, &str)], script: &[Exchange]) -> Scripted {
    let left = Arc::new(Mutex::new(script.iter().cloned().collect::<VecDeque<_>>()));
    let (headers, taken, ends) = (Arc::default(), Arc::default(), Arc::default());
    let transport = Script {
        left: Arc::clone(&left),
        headers: Arc::clone(&headers),
        taken: Arc::clone(&taken),
        ends: Arc::clone(&ends),
    };
    let connector = connect(platform, settings).unwrap_or_else(|failures| panic!("{failures:?}"));
    Scripted { connector, http: Http::over(Box::new(transport)), left, headers, taken, ends }
}

fn connect(platform: &str, given: &[(&str, &str)]) -> Result<Arc<dyn Connector>, Vec<Failure>> {
    let driver = driver(platform);
    let platform = driver.facts();
    let mut settings = Settings::new("my-shop");
    let is_needed = |setting: &&Setting| setting.secret && (setting.required || !setting.instead.is_empty());
    for setting in platform.settings.iter().filter(is_needed) {
        settings.set_secret(&setting.name, SecretString::from("s3cret"));
    }
    for (name, value) in given {
        settings.set(name, *value);
    }
    settings.fill_defaults(platform);
    driver.connect(&settings)
}

fn driver(platform: &str) -> &'static dyn Driver {
    &**PLATFORMS.named(platform).unwrap()
}

fn facts(platform: &str) -> &'static PlatformFacts {
    driver(platform).facts()
}

fn contact(json: Value) -> Contact {
    Contact::from_json(json.as_object().unwrap())
}

fn wanted(json: Value) -> Wanted {
    Wanted { contact: contact(json), ..Wanted::default() }
}

fn there(id: &str, json: Value) -> Found {
    Found { id: id.to_owned(), contact: contact(json) }
}

fn delta(platform: &str, wanted: &Wanted, found: Option<&Found>) -> Delta {
    let found_by = facts(platform).finds_by.first().copied();
    diff(facts(platform), wanted, found, found_by, OnExisting::Update)
}

fn json_of(body: &Body) -> Value {
    serde_json::from_slice(&body.to_json()).unwrap()
}

/// The bodies of the steps, or the codes of the problems.
fn steps(
    platform: &str,
    settings: &[(&str, &str)],
    wanted: &Wanted,
    found: Option<&Found>,
) -> Result<Vec<Value>, Vec<String>> {
    let connector = connect(platform, settings).unwrap();
    let steps = connector.steps(&Ready::default(), &delta(platform, wanted, found), found);
    let codes = |problems: Vec<Problem>| problems.into_iter().map(|problem| problem.code.into_owned()).collect();
    steps.map(|steps| steps.iter().map(|step: &Step| json_of(&step.body)).collect()).map_err(codes)
}

/// A fault as one line: its fate, the exit code, all of its words.
fn told(fault: Fault) -> String {
    let all = |failure: Failure| {
        let hint = failure.hint.as_deref().map(|hint| format!(" | {hint}")).unwrap_or_default();
        format!("{} {failure}{hint}", failure.exit.code())
    };
    match fault {
        Fault::Fatal(failure) => format!("fatal {}", all(failure)),
        Fault::InDoubt(failure) => format!("in doubt {}", all(failure)),
        Fault::Refused(problems) => {
            let told = |problem: &Problem| format!("{} {}", problem.code, problem.message);
            format!("refused {}", problems.iter().map(told).collect::<Vec<_>>().join(" & "))
        }
    }
}

#[test]
fn the_facts_of_each_platform_do_not_contradict_one_another() {
    for platform in PLATFORMS.facts() {
        let name = &*platform.name;
        for field in
            platform.needs.iter().flat_map(|needs| needs.iter()).chain(&*platform.finds_by).chain(&*platform.single)
        {
            // The id of an existing contact is never written.
            assert!(platform.holds.contains(field) || *field == Field::TargetId, "{name} {field:?}");
        }
        for field in platform.reads.iter() {
            assert!(!platform.holds.contains(field), "{name} {field:?}");
        }
        for field in platform.drops.iter() {
            assert!(platform.holds.contains(field), "{name} {field:?}");
        }
        assert!(platform.base_url.starts_with("https://") && platform.rate_start_per_s > 0.0, "{name}");
        assert_eq!(PLATFORMS.named(name).map(|found| &*found.facts().name), Some(name));
        for (at, setting) in platform.settings.iter().enumerate() {
            assert!(
                !setting.help.is_empty() && platform.settings[..at].iter().all(|before| before.name != setting.name)
            );
            let default = setting.default.clone().unwrap_or_default();
            assert!(setting.choices.is_empty() || setting.choices.contains(&default), "{name} {}", setting.name);
        }
    }
}

/// Help and checks need the facts before a connection exists; a connector that says something else would be asked for
/// what it cannot do.
#[test]
fn every_connector_can_do_what_its_facts_say() {
    for platform in PLATFORMS.facts() {
        let name = &*platform.name;
        let connector = connect(name, &[]).unwrap();
        let facts = connector.facts();
        let can = connector.capabilities();
        assert_eq!((&facts.name, &facts.title), (&platform.name, &platform.title));
        assert_eq!(can.partial_creates.is_some(), platform.creates_in_steps, "{name}: partial creates");
        assert_eq!(can.attributes.is_some(), platform.defines_attributes, "{name}: defined attributes");
        assert_eq!(can.lists.is_some(), !platform.lists.is_empty(), "{name}: lists");
        assert_eq!(can.deletes.is_some(), platform.deletes, "{name}: deletes");
        assert_eq!(can.numbered_pages.is_some(), platform.numbered_pages, "{name}: numbered pages");
    }
}

/// The credentials of a platform, as they would be sent.
fn credentials(platform: &str, given: &[(&str, &str)]) -> Vec<(String, String)> {
    use secrecy::ExposeSecret;
    let mut settings = Settings::new("my-shop");
    for (name, value) in given {
        settings.set_secret(name, SecretString::from(*value));
    }
    let credentials = driver(platform).credentials(&settings);
    let headers = credentials.headers.iter().chain(&credentials.query);
    headers.map(|(name, value)| ((*name).to_owned(), value.expose_secret().to_owned())).collect()
}

#[test]
fn credentials_go_into_the_header_that_each_platform_wants() {
    let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    assert_eq!(credentials("atom", &[("token", "abc")]), pair("Authorization", "Bearer abc"));
    assert_eq!(credentials("atom", &[("token", "Bearer abc\n")]), pair("Authorization", "Bearer abc"));
    assert_eq!(credentials("mercately", &[("api_key", "abc")]), pair("Api-Key", "abc"));
    assert_eq!(credentials("eadesk", &[("token", "abc")]), pair("token", "abc"));
    assert_eq!(credentials("twin", &[("token", "abc")]), pair("Authorization", "Bearer abc"));
    assert_eq!(credentials("twin", &[("token", "Bearer abc\n")]), pair("Authorization", "Bearer abc"));
    assert_eq!(credentials("twin", &[("token", " ")]), []);
}

#[test]
fn no_answer_however_odd_brings_a_connector_down_or_makes_a_contact_of_nothing() {
    let odd = json!([
        null, true, 0, -1, 1.5, "", " ", "\u{0}", "🤩", [], {}, [[1]], [null], [{}], {"a": {}}, {"id": {}},
        [{"key": 1, "value": 2}], {"_seconds": 1e300}, 99999999999999999999999u128.to_string(), [{"field_name": 7}],
    ]);
    let keys = [
        "id",
        "firstName",
        "lastName",
        "name",
        "phone",
        "email",
        "optionals",
        "tags",
        "user",
        "createdAt",
        "first_name",
        "id_type",
        "country_id",
        "custom_fields",
        "agent",
        "agent_id",
        "creation_date",
        "address",
        "items",
        "errors",
        "err",
        "_id",
        "segments",
        "contacts",
        "description",
        "status",
    ];
    let runtime = runtime();
    for platform in all_platforms() {
        for odd in odd.as_array().unwrap() {
            let mut answers: Vec<(Value, Value)> = vec![(Value::Null, odd.clone())];
            for key in keys {
                let mut person = json!({ "id": "1", "_id": "1" });
                person[key] = odd.clone();
                answers.push((person.clone(), json!({ "items": [person], "customers": [person] })));
                answers.push((person.clone(), json!({ "items": odd, "customers": odd, "results": odd, key: odd })));
                answers.push((person.clone(), json!([person])));
            }
            for (person, answer) in answers {
                runtime.block_on(is_sound(platform, &person, &answer));
            }
        }
    }
}

/// Whatever is answered: no record is blamed for a list, no contact comes of a blank, none is found that does not
/// have the value, and what holds no contacts at all is no list without contacts.
async fn is_sound(platform: &str, person: &Value, answer: &Value) {
    let http = Http::over(Box::new(Same(answer.clone())));
    let connector = connect(platform, &[]).unwrap();
    let said = |what: &str, came: String| format!("{platform} {what}: {came} of {answer}");
    let has_id = |found: &Found| !found.id.trim().is_empty();
    // Only a response with errors can be about this contact.
    let tells_errors = ["errors", "err"].iter().any(|key| answer.get(key).is_some());
    let may_be = |fault: &Fault| tells_errors || !matches!(fault, Fault::Refused(_));
    match connector.page(&http, None).await {
        Ok(page) => {
            // Eadesk answers `null` where a list is blank.
            let is_list = answer.is_array() || answer.is_object() || (platform == "eadesk" && answer.is_null());
            assert!(is_list && page.found.iter().all(has_id), "{}", said("page", format!("{page:?}")));
            assert!(page.unread.iter().all(|id| !id.trim().is_empty()), "{}", said("page", format!("{page:?}")));
        }
        Err(fault) => assert!(matches!(fault, Fault::Fatal(_)), "{}", said("page", format!("{fault:?}"))),
    }
    match connector.read(&http, "1", None).await {
        Ok(Reading::There(found)) => assert_eq!(found.id, "1", "{}", said("read", format!("{found:?}"))),
        Ok(_) => {}
        Err(fault) => assert!(may_be(&fault), "{}", said("read", format!("{fault:?}"))),
    }
    match find_partial(&*connector, &http, person).await {
        Ok(found) => assert!(found.iter().all(has_id), "{}", said("half made", format!("{found:?}"))),
        Err(fault) => assert!(may_be(&fault), "{}", said("half made", format!("{fault:?}"))),
    }
    for field in connector.facts().finds_by.iter() {
        let value = match field {
            Field::Phones => "+593991234567",
            Field::Emails => "nobody@example.com",
            Field::TargetId => "2",
            _ => "vk:77",
        };
        let by = Lookup { field: *field, value: value.to_owned() };
        match connector.find(&http, &by).await {
            // A client of TWIN is there if its attributes can be read; it has no id.
            Ok(found) if *field == Field::TargetId => {
                assert!(found.iter().all(|found| found.id == "2"), "{}", said("find", format!("{found:?}")));
            }
            Ok(found) => assert!(found.is_empty(), "{}", said("find", format!("{found:?}"))),
            Err(fault) => assert!(may_be(&fault), "{}", said("find", format!("{fault:?}"))),
        }
    }
    let needs = ferry::platforms::Needs { owners: true, ..Default::default() };
    if let Err(fault) = connector.prepare(&http, &needs).await {
        assert!(matches!(fault, Fault::Fatal(_)), "{}", said("prepare", format!("{fault:?}")));
    }
}

async fn find_partial(connector: &dyn Connector, http: &Http, body: &Value) -> Result<Vec<Found>, Fault> {
    match connector.capabilities().partial_creates {
        Some(creates) => creates.find_partial(http, body, 0).await,
        None => Ok(Vec::new()),
    }
}

#[test]
fn of_a_web_page_only_its_words_are_shown() {
    let cases = [
        ("<html><head><title> Not found </title></head><body><h1>Oops</h1></body></html>", "Not found"),
        ("<!DOCTYPE html><body><h1>No such\npage</h1><p>Ask <a href=\"x\">us</a></p></body>", "No such page Ask us"),
        ("<TITLE>Gateway</TITLE>", "Gateway"),
        ("<title></title><b>cut", "cut"),
    ];
    for (body, words) in cases {
        for platform in all_platforms() {
            let http = Http::over(Box::new(WebPage(body)));
            match run(connect(platform, &[]).unwrap().page(&http, None)) {
                Err(Fault::Fatal(failure)) => assert_eq!(failure.causes, [words], "{platform}: {failure:?}"),
                other => panic!("{platform}: {other:?}"),
            }
        }
    }
}

/// A server that knows nothing of a platform.
struct WebPage(&'static str);

#[async_trait]
impl ferry::http::Transport for WebPage {
    async fn exchange(&self, _request: &Request) -> Sent {
        answered(404, self.0.as_bytes().to_vec())
    }
}

/// Answers the same to everything.
struct Same(Value);

#[async_trait]
impl ferry::http::Transport for Same {
    async fn exchange(&self, _request: &Request) -> Sent {
        answered(200, self.0.to_string().into_bytes())
    }
}

/// Runs a future to its end.
fn run<T>(future: impl Future<Output = T>) -> T {
    runtime().block_on(future)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

fn ok(value: Value) -> Answer {
    Answer::Json(200, value)
}

fn message(status: u16, message: &str) -> Answer {
    Answer::Json(status, json!({ "message": message }))
}

//! Pages that come again as they were: a list without a total is read twice, and its pages once.

use super::{Fetch, scene};
use async_trait::async_trait;
use bytes::Bytes;
use ferry::clock::Clock;
use ferry::http::{Credentials, Http, HttpOptions, Rate, Request, Response, Sent, Transport, check_base_url};
use ferry::platforms::settings::Settings;
use ferry::platforms::{Connector, Registry};
use ferry::run::active::folder::SPOOL_FILE;
use ferry::scratch::spool::{Kind, Spool};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The ids on a page, with notes behind a `=`, given its number and how often it was requested before; `None`: the request
/// never ends; a text that begins with `{` is the body.
type List = fn(u64, usize) -> Option<&'static str>;

/// A server of Atom that answers by a list, and counts the requests for each page.
#[derive(Clone)]
struct Server {
    list: List,
    requests: Arc<Mutex<BTreeMap<u64, usize>>>,
}

#[async_trait]
impl Transport for Server {
    async fn exchange(&self, request: &Request) -> Sent {
        let number: u64 = request.query.iter().find(|(name, _)| name == "page").unwrap().1.parse().unwrap();
        let before = {
            let mut requests = self.requests.lock().unwrap();
            let before = requests.entry(number).or_default();
            *before += 1;
            *before - 1
        };
        let Some(ids) = (self.list)(number, before) else { return std::future::pending().await };
        let client = |id: &str| {
            let (id, notes) = id.split_once('=').unwrap_or((id, ""));
            json!({"id": id, "firstName": "Ana", "optionals": {"notes": notes}, "ring": id})
        };
        let items: Vec<Value> = ids.split_whitespace().map(client).collect();
        let body = if ids.starts_with('{') { ids.to_owned() } else { json!({ "items": items }).to_string() };
        Sent::Answered(Response { status: 200, headers: Vec::new(), body: Bytes::from(body) })
    }
}

/// The connector, a client for the server, and the server.
fn atom(list: List) -> (Arc<dyn Connector>, Http, Server) {
    let platforms = Registry::built_in();
    let driver = platforms.named("atom").unwrap();
    let mut settings = Settings::new("shop");
    settings.set_secret("token", "t".to_owned().into());
    settings.fill_defaults(driver.facts());
    let options = HttpOptions {
        base_url: check_base_url("https://api.example.com", false).unwrap(),
        credentials: Credentials::default(),
        login: None,
        user_agent: "ferry".to_owned(),
        timeout: Duration::from_secs(30),
        rate: Rate::parse("none").unwrap(),
        rate_start_per_s: 1.0,
        concurrency: 1,
        wait: Duration::ZERO,
        clock: Clock::start(),
        seed: 17,
    };
    let server = Server { list, requests: Arc::default() };
    (driver.connect(&settings).unwrap(), Http::with_transport(Box::new(server.clone()), options), server)
}

/// What comes of reading the list, and how often each page was requested.
async fn read(scene: &Fetch, list: List) -> (String, Vec<usize>) {
    let (connector, http, server) = atom(list);
    let told = scene.read_by(connector, http).await;
    let requests = server.requests.lock().unwrap();
    let told = match told.split_once(':') {
        Some((how @ ("repeated" | "unproven"), _)) => format!("{how}: {}", held(scene)),
        _ => told,
    };
    (told, requests.values().copied().collect())
}

/// The contacts that are held, with their notes.
fn held(scene: &Fetch) -> String {
    let spool = Spool::open(&scene.folder.path().join(SPOOL_FILE), Kind::Contacts).unwrap();
    let contact = |json: &str| {
        let contact: Value = serde_json::from_str(json).unwrap();
        let id = contact["id"].as_str().unwrap();
        contact["attributes"]["notes"].as_str().map_or_else(|| id.to_owned(), |notes| format!("{id}={notes}"))
    };
    let rows = spool.rows(0).unwrap();
    rows.iter().map(|row| contact(&row.json)).collect::<Vec<_>>().join(" ")
}

#[tokio::test(start_paused = true)]
async fn the_second_pass_over_the_same_pages_proves_the_same() {
    let cases: [(&str, List, &str, &[usize]); 5] = [
        (
            "nothing changes",
            |number, _| Some(["a b", "c d", "e", ""][number as usize - 1]),
            "repeated: a b c d e",
            &[2, 2, 2, 2],
        ),
        (
            "a value changes",
            |number, before| Some([["a b", "c d", ""], ["a b", "c d=2", ""]][before.min(1)][number as usize - 1]),
            "repeated: a b c d=2",
            &[2, 2, 2],
        ),
        (
            "a contact comes, so that a third pass is needed",
            |number, before| Some([["a b", "c", ""], ["a b", "c d", ""]][before.min(1)][number as usize - 1]),
            "repeated: a b c d",
            &[3, 3, 3],
        ),
        (
            "a value changes, and changes back",
            |number, before| {
                let pages = [["a b", "c", ""], ["a=2 b", "c d", ""], ["a b", "c d", ""]];
                Some(pages[before.min(2)][number as usize - 1])
            },
            "repeated: a b c d",
            &[3, 3, 3],
        ),
        (
            "the list goes in a circle, of which the second pass knows every contact",
            |number, before| if number == 1 || before > 0 { Some("a b") } else { Some(["c", ""][number as usize - 2]) },
            "repeated: a b c",
            &[2, 2, 2],
        ),
    ];
    for (name, list, expected, requests) in cases {
        let scene = Fetch { at_once: 1, ..scene() };
        let (told, counted) = read(&scene, list).await;
        assert_eq!((told.as_str(), counted.as_slice()), (expected, requests), "{name}");
        let is_given = ["nothing changes", "the list goes in a circle, of which the second pass knows every contact"];
        assert_eq!(*scene.is_given.lock().unwrap(), is_given.contains(&name), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_kill_in_the_second_pass_forgets_no_contact_that_it_has_met() {
    let scene = Fetch { at_once: 1, ..scene() };
    let list: List = |number, before| match (number, before) {
        (3, 1) => None,
        _ => Some(["a b", "c d", "e", ""][number as usize - 1]),
    };
    assert_eq!(read(&scene, list).await.0, "killed");
    // The rest of the second pass has no new contact, twice in a row.
    let list: List = |number, _| Some(if number < 3 { "never" } else { "a b" });
    let (told, requests) = read(&scene, list).await;
    assert_eq!((told.as_str(), requests.len()), ("repeated: a b c d e", 2));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_only_begins_and_ends_like_json_is_requested_again() {
    let once: List = |number, before| match (number, before) {
        (2, 0) => Some("{\"items\":[{\"id\":}"),
        (3.., _) => Some(""),
        _ => Some(["a", "b"][number as usize - 1]),
    };
    let (told, requests) = read(&Fetch { at_once: 1, ..scene() }, once).await;
    assert_eq!((told.as_str(), requests.as_slice()), ("repeated: a b", [2, 3, 2].as_slice()));
    let always: List = |number, _| if number == 2 { Some("{\"items\":[{\"id\":}") } else { Some("a") };
    let (told, requests) = read(&Fetch { at_once: 1, ..scene() }, always).await;
    assert!(told.starts_with("6 Atom answered connection `shop` with something else"), "{told}");
    assert!(requests[1] > 5, "once, and then as often as the client asks for a body that is not JSON: {requests:?}");
}

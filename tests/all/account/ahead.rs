//! Reading several pages ahead changes how long a reading takes, and nothing of what comes of it: odd lists, kills, rates.

use super::{Fetch, PIGEON, found, scene};
use async_trait::async_trait;
use bytes::Bytes;
use ferry::change::Delta;
use ferry::clock::Clock;
use ferry::http::{Credentials, Http, HttpOptions, Rate, Request, Response, Sent, Transport, check_base_url};
use ferry::outcome::{Exit, Failure, Problem};
use ferry::platforms::settings::Settings;
use ferry::platforms::{
    Address, Capabilities, Checked, Connector, Cursor, Fault, Found, Lookup, Needs, Numbering, Page, PlatformFacts,
    Reading, Ready, Registry, Step, StepResult, WriteRules,
};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// The ids on a page and the total that is told with it; `None` is a failure. Given the number of the page, and how many
/// pages were requested before, from 0.
type List = fn(u64, usize) -> Option<(Vec<String>, Option<u64>)>;

/// A platform that numbers its pages. Later pages come sooner.
struct Numbered {
    list: List,
    is_ahead: bool,
    requests: Mutex<Vec<u64>>,
}

impl Numbered {
    fn new(list: List, is_ahead: bool) -> Arc<Numbered> {
        Arc::new(Numbered { list, is_ahead, requests: Mutex::default() })
    }
}

impl WriteRules for Numbered {
    fn facts(&self) -> &PlatformFacts {
        &PIGEON
    }

    fn steps(&self, _: &Ready, _: &Delta, _: Option<&Found>) -> Result<Vec<Step>, Vec<Problem>> {
        unreachable!()
    }
}

#[async_trait]
impl Connector for Numbered {
    fn capabilities(&self) -> Capabilities<'_> {
        let numbered_pages = self.is_ahead.then_some(Numbering { first: 1, step: 1 });
        Capabilities { numbered_pages, ..Capabilities::default() }
    }

    async fn check(&self, _: &Http) -> Result<Checked, Fault> {
        unreachable!()
    }

    async fn page(&self, _: &Http, after: Option<&Cursor>) -> Result<Page, Fault> {
        let number = after.map_or(1, |after| after.parse().unwrap());
        let before = {
            let mut requests = self.requests.lock().unwrap();
            requests.push(number);
            requests.len() - 1
        };
        tokio::time::sleep(Duration::from_millis(100 - number % 7 * 10)).await;
        let Some((ids, total)) = (self.list)(number, before) else {
            return Err(Fault::Fatal(Failure::new(Exit::Unavailable, "no answer within 30 s")));
        };
        let next = (!ids.is_empty()).then(|| (number + 1).to_string());
        Ok(Page { found: ids.iter().map(|id| found(id)).collect(), unread: Vec::new(), total, next })
    }

    async fn find(&self, _: &Http, _: &Lookup) -> Result<Vec<Found>, Fault> {
        unreachable!()
    }

    async fn read(&self, _: &Http, _: &str, _: Option<&Lookup>) -> Result<Reading, Fault> {
        unreachable!()
    }

    async fn prepare(&self, _: &Http, _: &Needs) -> Result<Ready, Fault> {
        unreachable!()
    }

    async fn send_step(&self, _: &Http, _: &Step, _: &Address) -> Result<StepResult, Fault> {
        unreachable!()
    }
}

/// Page `number` of contacts `0..count`, `len` on a page.
fn page(number: u64, len: u64, count: u64) -> Vec<String> {
    ((number - 1) * len..count.min(number * len)).map(|no| format!("c{no:03}")).collect()
}

async fn read(scene: &Fetch, connector: &Arc<Numbered>) -> String {
    let http = Http::over(Box::new(super::Shut));
    scene.read_by(Arc::clone(connector) as Arc<dyn Connector>, http).await
}

#[tokio::test(start_paused = true)]
async fn odd_lists_give_the_same_with_pages_ahead_and_without() {
    let cases: [(&str, List); 12] = [
        ("a total", |number, _| Some((page(number, 4, 50), Some(50)))),
        ("no total", |number, _| Some((page(number, 4, 50), None))),
        ("one page", |number, _| Some((page(number, 4, 3), None))),
        ("nobody", |_, _| Some((Vec::new(), Some(0)))),
        ("a total that is too low", |number, _| Some((page(number, 4, 50), Some(20)))),
        ("a total that is too high", |number, _| Some((page(number, 4, 50), Some(60)))),
        ("a total that is told once", |number, _| Some((page(number, 4, 50), (number == 1).then_some(50)))),
        ("a page that is repeated", |number, _| {
            let number = if number > 6 { number - 1 } else { number };
            Some((page(number, 4, 50), Some(50)))
        }),
        ("pages past the end are the last one again", |number, _| Some((page(number.min(13), 4, 50), Some(50)))),
        ("pages past the end are the last one again, and no total", |number, _| {
            Some((page(number.min(13), 4, 50), None))
        }),
        ("pages that become smaller", |number, _| {
            let begin = |number: u64| (1..number).map(|before| 12_u64.saturating_sub(before).max(1)).sum::<u64>();
            let ids = (begin(number)..begin(number + 1).min(50)).map(|no| format!("c{no:03}")).collect();
            Some((ids, Some(50)))
        }),
        ("an empty page in the middle", |number, _| {
            Some((if number == 5 { Vec::new() } else { page(number, 4, 50) }, Some(50)))
        }),
    ];
    for (name, list) in cases {
        let alone = Numbered::new(list, false);
        let expected = read(&scene(), &alone).await;
        let pages = alone.requests.lock().unwrap().len();
        for at_once in [2, 16] {
            let ahead = Numbered::new(list, true);
            let scene = Fetch { at_once, ..scene() };
            assert_eq!(read(&scene, &ahead).await, expected, "{name}, {at_once} at a time");
            let more = ahead.requests.lock().unwrap().len() - pages;
            assert!(more < 3 * at_once, "{name}: {more} requests more, {at_once} at a time");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_changes_between_its_pages_is_read_until_it_is_proven() {
    let cases: [(&str, List, &str); 3] = [
        (
            "contacts go while pages are in flight: the number falls, and nothing is proven by it",
            |number, before| {
                let count = 50 - u64::try_from(before).unwrap().min(10);
                Some((page(number, 4, count), Some(count)))
            },
            "counted",
        ),
        (
            "contacts come while pages are in flight",
            |number, before| {
                let count = 50 + u64::try_from(before).unwrap().min(10);
                Some((page(number, 4, count), Some(count)))
            },
            "counted",
        ),
        (
            "an error that looks like the end, once",
            |number, before| Some((if before == 3 { Vec::new() } else { page(number, 4, 50) }, Some(50))),
            "counted",
        ),
    ];
    for (name, list, expected) in cases {
        for at_once in [1, 2, 16] {
            let scene = Fetch { at_once, ..scene() };
            let told = read(&scene, &Numbered::new(list, true)).await;
            let (how, held) = told.split_once(": ").unwrap();
            assert_eq!(how, expected, "{name}, {at_once} at a time: {told}");
            let least = page(1, 40, 40).join(" ");
            assert!(held.starts_with(&least), "{name}, {at_once} at a time: {told}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_in_the_middle_keeps_the_pages_before_it() {
    let connector =
        Numbered::new(|number, before| (number != 6 || before > 30).then(|| (page(number, 4, 50), Some(50))), true);
    let scene = Fetch { at_once: 4, ..scene() };
    assert_eq!(read(&scene, &connector).await, "6 no answer within 30 s");
    connector.requests.lock().unwrap().resize(31, 0);
    assert_eq!(read(&scene, &connector).await, format!("counted: {}", page(1, 50, 50).join(" ")));
    assert_eq!(connector.requests.lock().unwrap()[31], 6, "the next process goes on at the page that failed");
}

#[tokio::test(start_paused = true)]
async fn a_kill_loses_the_pages_in_flight_and_those_that_wait_for_one_before_them() {
    let list: List = |number, _| Some((page(number, 4, 200), Some(200)));
    let expected = format!("counted: {}", page(1, 200, 200).join(" "));
    for killed_after in [0, 50, 99, 150, 310, 450, 540] {
        let (scene, connector) = (Fetch { at_once: 8, ..scene() }, Numbered::new(list, true));
        let first = tokio::time::timeout(Duration::from_millis(killed_after), read(&scene, &connector)).await;
        assert!(first.is_err(), "it came to its end within {killed_after} ms");
        assert_eq!(read(&scene, &connector).await, expected, "killed after {killed_after} ms");
        let requests = connector.requests.lock().unwrap();
        let again = requests.len() - 51;
        assert!(again <= 8 + 14, "{again} pages twice, killed after {killed_after} ms: {requests:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_requests_no_page_that_is_not_needed() {
    let scene = Fetch { at_once: 16, limit: Some(10), ..scene() };
    let connector = Numbered::new(|number, _| Some((page(number, 4, 200), Some(200))), true);
    assert_eq!(read(&scene, &connector).await, format!("part: {}", page(1, 12, 12).join(" ")));
    assert_eq!(*connector.requests.lock().unwrap(), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_keeps_the_pages_that_came_before_it() {
    let (scene, connector) =
        (Fetch { at_once: 4, ..scene() }, Numbered::new(|number, _| Some((page(number, 4, 50), None)), true));
    let stop = scene.stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(150)).await;
        stop.stop();
    });
    assert_eq!(read(&scene, &connector).await, "stopped");
    let before = connector.requests.lock().unwrap().len();
    let scene = Fetch { stop: ferry::run::stop::Stop::default(), ..scene };
    assert_eq!(read(&scene, &connector).await, format!("repeated: {}", page(1, 50, 50).join(" ")));
    assert!(connector.requests.lock().unwrap()[before] > 1, "what was read is not read again");
}

/// A server that notes when each request came, and answers after a while.
#[derive(Clone, Default)]
struct Watched(Arc<Mutex<Vec<Instant>>>);

#[async_trait]
impl Transport for Watched {
    async fn exchange(&self, request: &Request) -> Sent {
        self.0.lock().unwrap().push(Instant::now());
        let number: u64 = request.query.iter().find(|(name, _)| name == "page").unwrap().1.parse().unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        let people: Vec<_> = page(number, 5, 500).into_iter().map(|id| json!({ "id": id })).collect();
        let body = json!({"results": 500, "total_pages": 100, "customers": people}).to_string();
        Sent::Answered(Response { status: 200, headers: Vec::new(), body: Bytes::from(body) })
    }
}

/// The connector of a platform that numbers its pages, and a client at this rate, with so many requests in flight.
fn watched(rate: &str, concurrency: usize) -> (Arc<dyn Connector>, Http, Watched) {
    let platforms = Registry::built_in();
    let driver = platforms.named("mercately").unwrap();
    let mut settings = Settings::new("shop");
    settings.set_secret("api_key", "k".to_owned().into());
    settings.fill_defaults(driver.facts());
    let options = HttpOptions {
        base_url: check_base_url("https://api.example.com", false).unwrap(),
        credentials: Credentials::default(),
        login: None,
        user_agent: "ferry".to_owned(),
        timeout: Duration::from_secs(30),
        rate: Rate::parse(rate).unwrap(),
        rate_start_per_s: 1.0,
        concurrency,
        wait: Duration::ZERO,
        clock: Clock::start(),
        seed: 17,
    };
    let server = Watched::default();
    (driver.connect(&settings).unwrap(), Http::with_transport(Box::new(server.clone()), options), server)
}

#[tokio::test(start_paused = true)]
async fn pages_ahead_use_the_rate_and_never_exceed_it() {
    let (connector, http, server) = watched("20/s", 16);
    let scene = Fetch { at_once: 16, ..scene() };
    let told = scene.read_by(connector, http).await;
    assert!(told.starts_with("counted: c000 "), "{told}");
    let sent = server.0.lock().unwrap();
    assert_eq!(sent.len(), 101, "each page once");
    for (no, begin) in sent.iter().enumerate() {
        let within = sent[no..].iter().take_while(|at| at.duration_since(*begin) < Duration::from_secs(1)).count();
        assert!(within <= 20, "{within} requests within a second");
    }
    let took = sent[100].duration_since(sent[0]);
    assert!(took < Duration::from_millis(5_600), "{took:?} for what 20/s can do in 5 s");
}

#[tokio::test(start_paused = true)]
async fn without_a_rate_pages_take_the_latency_divided_by_the_concurrency() {
    for (concurrency, expected_ms) in [(1, 101 * 300), (4, 26 * 300), (16, 8 * 300)] {
        let (connector, http, server) = watched("none", concurrency);
        let scene = Fetch { at_once: concurrency, ..scene() };
        let begun = Instant::now();
        scene.read_by(connector, http).await;
        assert_eq!(server.0.lock().unwrap().len(), 101);
        assert_eq!(begun.elapsed().as_millis(), expected_ms, "{concurrency} at a time");
    }
}

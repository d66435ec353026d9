//! Reading everything that a source holds: each once, whatever its pages do, and how that is known.

mod ahead;
mod same;

use super::support::registry;
use async_trait::async_trait;
use bytes::Bytes;
use ferry::change::Delta;
use ferry::clock::Clock;
use ferry::contact::{Contact, Field};
use ferry::http::{Credentials, Http, HttpOptions, Rate, Request, Response, Sent, Transport, check_base_url};
use ferry::outcome::{Exit, Failure, Problem};
use ferry::plan::{Config, Connection, Env};
use ferry::platforms::settings::{Setting, Settings};
use ferry::platforms::{
    Address, Capabilities, Checked, Connector, Cursor, Fault, Found, List, ListPage, Lists, Lookup, Needs, Page,
    PlatformFacts, Reading, Ready, Registry, Step, StepResult, WriteRules,
};
use ferry::record::Fields;
use ferry::run::active::folder::SPOOL_FILE;
use ferry::run::source::account::{FetchAll, FetchState, What, fetch_all};
use ferry::run::stop::Stop;
use ferry::run::target::Target;
use ferry::scratch::spool::{Completeness, Kind, Spool};
use serde_json::{Value, json};
use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::Instant;

static PIGEON: LazyLock<PlatformFacts> = LazyLock::new(|| PlatformFacts {
    concurrency: 2,
    lists: vec![List::Agents].into(),
    ids_setting: Some("lofts".into()),
    settings: vec![Setting::text("lofts", Some("all"), "all, or a file of ids")].into(),
    ..PlatformFacts::new("pigeon", "Pigeon Post", "https://api.example.com")
});

/// A source that plays a script, one line a page: `AFTER | IDS | TOTAL | NEXT`. `?a` is an id without content, `a=2` has
/// notes. In place of the ids: `!6` fails with that exit code, `refused` is a refusal, `hang` never answers.
#[derive(Default)]
struct Pigeon {
    script: Mutex<VecDeque<String>>,
    /// Ids that were read one at a time.
    reads: Mutex<Vec<String>>,
    /// Reads at the same time: now, and at most.
    at_once: Mutex<(usize, usize)>,
}

impl Pigeon {
    async fn answer(&self, after: Option<&Cursor>) -> Result<(Vec<String>, Option<u64>, Option<Cursor>), Fault> {
        let after = after.map_or("-", String::as_str);
        let line = self.script.lock().unwrap().pop_front();
        let line = line.unwrap_or_else(|| panic!("nobody expected a page after `{after}`"));
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        assert_eq!(parts[0], after, "{line}");
        match parts[1] {
            "hang" => std::future::pending().await,
            "refused" => return Err(Fault::Refused(vec![Problem::new("target.refused", "no such page")])),
            exit if exit.starts_with('!') => {
                return Err(Fault::Fatal(Failure::new(Exit::Unavailable, "no answer within 30 s")));
            }
            _ => {}
        }
        let told = |text: &&str| *text != "-";
        let ids = parts[1].split_whitespace().filter(told).map(str::to_owned).collect();
        let total = parts.get(2).copied().filter(told).map(|total| total.parse().unwrap());
        Ok((ids, total, parts.get(3).copied().filter(told).map(str::to_owned)))
    }
}

fn found(id: &str) -> Found {
    let (id, notes) = id.split_once('=').unwrap_or((id, ""));
    let mut contact = Contact::default();
    contact.set_text(Field::FirstName, format!("Ana {id}"));
    if !notes.is_empty() {
        contact.set_text(Field::Notes, notes);
    }
    contact.native.insert("ring".to_owned(), id.into());
    Found { id: id.to_owned(), contact }
}

impl WriteRules for Pigeon {
    fn facts(&self) -> &PlatformFacts {
        &PIGEON
    }

    fn steps(&self, _: &Ready, _: &Delta, _: Option<&Found>) -> Result<Vec<Step>, Vec<Problem>> {
        unreachable!()
    }
}

#[async_trait]
impl Connector for Pigeon {
    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities { lists: Some(self), ..Capabilities::default() }
    }

    async fn check(&self, _: &Http) -> Result<Checked, Fault> {
        unreachable!()
    }

    async fn page(&self, _: &Http, after: Option<&Cursor>) -> Result<Page, Fault> {
        let (ids, total, next) = self.answer(after).await?;
        let (unread, ids): (Vec<String>, Vec<String>) = ids.into_iter().partition(|id| id.starts_with('?'));
        let unread = unread.iter().map(|id| id.trim_start_matches('?').to_owned()).collect();
        Ok(Page { found: ids.iter().map(|id| found(id)).collect(), unread, total, next })
    }

    async fn find(&self, _: &Http, _: &Lookup) -> Result<Vec<Found>, Fault> {
        unreachable!()
    }

    /// `gone…` is no contact, `shy…` answers at the third attempt, `odd…` never, `blind…` says that it cannot be read.
    async fn read(&self, _: &Http, id: &str, _: Option<&Lookup>) -> Result<Reading, Fault> {
        let tries = {
            let mut reads = self.reads.lock().unwrap();
            reads.push(id.to_owned());
            let mut at_once = self.at_once.lock().unwrap();
            at_once.0 += 1;
            at_once.1 = at_once.1.max(at_once.0);
            reads.iter().filter(|read| *read == id).count()
        };
        // Later ones answer sooner.
        tokio::time::sleep(Duration::from_millis(100 - u64::from(id.bytes().last().unwrap() % 100))).await;
        self.at_once.lock().unwrap().0 -= 1;
        if id == "hang" {
            std::future::pending::<()>().await;
        }
        match id {
            _ if id.starts_with("gone") => Ok(Reading::Gone),
            _ if id.starts_with("blind") => Ok(Reading::Unreadable),
            _ if id.starts_with("odd") || (id.starts_with("shy") && tries < 3) => {
                Err(Fault::InDoubt(Failure::new(Exit::Unavailable, "no answer within 30 s")))
            }
            _ => Ok(Reading::There(found(id))),
        }
    }

    async fn prepare(&self, _: &Http, _: &Needs) -> Result<Ready, Fault> {
        unreachable!()
    }

    async fn send_step(&self, _: &Http, _: &Step, _: &Address) -> Result<StepResult, Fault> {
        unreachable!()
    }
}

#[async_trait]
impl Lists for Pigeon {
    async fn list(&self, _: &Http, list: List, after: Option<&Cursor>) -> Result<ListPage, Fault> {
        assert_eq!(list, List::Agents);
        let (ids, total, next) = self.answer(after).await?;
        let item = |id: String| (id.clone(), json!({"name": id}).as_object().unwrap().clone());
        Ok(ListPage { items: ids.into_iter().map(item).collect(), total, next })
    }
}

/// A client that must not be used.
struct Shut;

#[async_trait]
impl Transport for Shut {
    async fn exchange(&self, _: &Request) -> Sent {
        unreachable!()
    }
}

/// The folder of a run, its source, and everything that is asked of it.
struct Fetch {
    folder: TempDir,
    lofts: &'static str,
    what: What,
    limit: Option<u64>,
    /// Requests in flight.
    at_once: usize,
    pigeon: Arc<Pigeon>,
    states: Mutex<Vec<FetchState>>,
    stop: Stop,
    /// What was given on by the latest process, and whether it said that this is all.
    given: Mutex<Vec<(String, String)>>,
    is_given: Mutex<bool>,
}

fn scene() -> Fetch {
    Fetch {
        folder: tempfile::tempdir().unwrap(),
        lofts: "all",
        what: What::Contacts,
        limit: None,
        at_once: PIGEON.concurrency,
        pigeon: Arc::default(),
        states: Mutex::default(),
        stop: Stop::default(),
        given: Mutex::default(),
        is_given: Mutex::default(),
    }
}

fn connection(lofts: &str) -> Connection {
    let page = format!("connections: {{ loft: {{ platform: pigeon, lofts: {lofts} }} }}");
    let config = Config::parse(
        &registry([PIGEON.clone()]),
        &page,
        Path::new("ferry.yaml"),
        &Env::from_iter::<[(&str, &str); 0]>([]),
    );
    config.unwrap().connection("loft").unwrap()
}

impl Fetch {
    /// What comes of reading, in one line, by a process of its own; killed when the source hangs.
    async fn read(&self, script: &[&str]) -> String {
        *self.pigeon.script.lock().unwrap() = script.iter().map(|line| (*line).to_owned()).collect();
        let connector: Arc<dyn Connector> = Arc::clone(&self.pigeon) as Arc<dyn Connector>;
        let told = self.read_by(connector, Http::over(Box::new(Shut))).await;
        let left = self.pigeon.script.lock().unwrap();
        assert!(left.is_empty(), "never asked: {left:?}");
        told
    }

    async fn read_by(&self, connector: Arc<dyn Connector>, http: Http) -> String {
        let source = Target {
            connector,
            http: Arc::new(http),
            checked: Checked::default(),
            settle: Duration::ZERO,
            concurrency: self.at_once,
        };
        self.given.lock().unwrap().clear();
        let asked = FetchAll {
            source: &source,
            connection: &connection(self.lofts),
            config_folder: self.folder.path(),
            what: self.what,
            folder: self.folder.path(),
            limit: self.limit,
            clock: Clock::start(),
            stop: &self.stop,
            progress: &|state| self.states.lock().unwrap().push(*state),
            given: Some(&|page| {
                self.given.lock().unwrap().extend(page.iter().map(|(id, json)| (id.into(), json.into())))
            }),
        };
        let done = tokio::time::timeout(Duration::from_secs(3_600), fetch_all(asked)).await;
        match done {
            Err(_) => "killed".to_owned(),
            Ok(Err(failure)) => told(&failure).replace(&self.folder.path().display().to_string(), "DIR"),
            Ok(Ok(None)) => "stopped".to_owned(),
            Ok(Ok(Some(fetched))) => {
                let how = match (fetched.is_whole, fetched.completeness) {
                    (false, _) => "part",
                    (true, Completeness::Counted) => "counted",
                    (true, Completeness::Repeated) => "repeated",
                    (true, Completeness::Unproven) => "unproven",
                };
                *self.is_given.lock().unwrap() = fetched.is_given;
                let rows = fetched.spool.source().unwrap().map(|record| String::from_utf8(record.unwrap().raw.into()));
                let (rows, given) = (rows.map(Result::unwrap), self.given.lock().unwrap());
                if fetched.is_given {
                    assert!(rows.eq(given.iter().map(|(_, json)| json.as_str())), "what is given is what is held");
                }
                let mut told = format!("{how}: {}", held(&fetched.spool));
                let mut missing = 0;
                let tell = |id: &str| {
                    told.push_str(&format!(" -{id}"));
                    missing += 1;
                    Ok(())
                };
                fetched.spool.for_each_missing(tell).unwrap();
                assert_eq!(fetched.missing, missing);
                told
            }
        }
    }
}

/// Who is held, in order, with notes.
fn held(spool: &Spool) -> String {
    let mut told = Vec::new();
    for record in spool.source().unwrap() {
        let record = record.unwrap();
        told.push(match record.fields {
            Fields::Contact(contact) => {
                let id = contact.text(Field::Id).unwrap().to_owned();
                let ring = contact.native.get("ring").and_then(Value::as_str);
                assert!(ring.is_none_or(|ring| ring == id), "what is native is kept");
                contact.text(Field::Notes).map_or(id.clone(), |notes| format!("{id}={notes}"))
            }
            Fields::Json(item) => item.to_string(),
            Fields::Row(_) => unreachable!(),
        });
    }
    assert_eq!(told.len() as u64, spool.len());
    told.join(" ")
}

fn told(failure: &Failure) -> String {
    let hint = failure.hint.as_deref().map(|hint| format!(" | {hint}")).unwrap_or_default();
    format!("{} {failure}{hint}", failure.exit.code())
}

#[tokio::test(start_paused = true)]
async fn every_contact_is_held_once_and_the_proof_is_named() {
    let cases: Vec<(&str, &[&str], &str)> = vec![
        ("one page", &["- | a b | 2 | -"], "counted: a b"),
        ("an empty page at the end", &["- | a b | 2 | 2", "2 | - | 2 | -"], "counted: a b"),
        ("short pages", &["- | a b c | 6 | 2", "2 | d | 6 | 3", "3 | e f | 6 | -"], "counted: a b c d e f"),
        ("an empty page in the middle", &["- | a | 2 | 2", "2 | - | 2 | 3", "3 | b | 2 | -"], "counted: a b"),
        (
            "a repeated page in the middle",
            &["- | a b | 5 | 2", "2 | c d | 5 | 3", "3 | c d | 5 | 4", "4 | e | 5 | -"],
            "counted: a b c d e",
        ),
        (
            "pages past the end are an earlier one again",
            &["- | a b | 3 | 2", "2 | c | 3 | 3", "3 | a b | 3 | 4", "4 | a b | 3 | 5"],
            "counted: a b c",
        ),
        (
            "somebody comes at the front while pages are read",
            &[
                "- | a b | 4 | 2",
                "2 | b c | 5 | 3",
                "3 | d | 5 | -",
                "- | n a | 5 | 2",
                "2 | b c | 5 | 3",
                "3 | d | 5 | -",
            ],
            "counted: a b c d n",
        ),
        (
            "somebody goes while pages are read, and another slips between two of them",
            &["- | a b | 5 | 2", "2 | d e | 4 | -", "- | b c | 4 | 2", "2 | d e | 4 | -"],
            "counted: a b d e c",
        ),
        (
            "an error that looks like the end",
            &["- | a b | 4 | 2", "2 | - | 4 | -", "- | a b | 4 | 2", "2 | c d | 4 | -"],
            "counted: a b c d",
        ),
        ("an error that looks like an empty account", &["- | - | 0 | -", "- | a | 1 | -"], "counted: a"),
        ("nobody", &["- | - | 0 | -", "- | - | 0 | -"], "counted: "),
        ("nobody, and no total", &["- | - | - | -", "- | - | - | -"], "repeated: "),
        ("no total", &["- | a b | - | 2", "2 | c | - | -", "- | a b | - | 2", "2 | c | - | -"], "repeated: a b c"),
        (
            "no total, and a cap that moves",
            &["- | a b | - | -", "- | b c | - | -", "- | b c | - | -"],
            "repeated: a b c",
        ),
        (
            "no total, and always somebody new",
            &["- | a b | - | -", "- | b c | - | -", "- | c d | - | -"],
            "unproven: a b c d",
        ),
        ("a total that is too low", &["- | a b c | 2 | -", "- | a b c | 2 | -"], "repeated: a b c"),
        (
            "a total that is too low, and always somebody new",
            &["- | a b | 1 | -", "- | b c | 1 | -", "- | c d | 1 | -"],
            "unproven: a b c d",
        ),
        ("a total that is told once", &["- | a b | 3 | 2", "2 | c | - | -"], "counted: a b c"),
        (
            "a total that falls all the time",
            &[
                "- | a b | 9 | 2",
                "2 | c d | 8 | -",
                "- | a b | 7 | 2",
                "2 | c d | 6 | -",
                "- | a b | 5 | 2",
                "2 | c d | 4 | -",
            ],
            "repeated: a b c d",
        ),
        ("a later version", &["- | a=1 b | - | -", "- | b a=2 | - | -"], "repeated: a=2 b"),
        ("somebody twice on a page", &["- | a a b | 2 | -"], "counted: a b"),
    ];
    for (name, script, expected) in cases {
        assert_eq!(scene().read(script).await, expected, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_gives_less_than_it_holds_is_no_smaller_file() {
    let scene = scene();
    let short = "6 Pigeon Post gave 2 of the 3 contacts that connection `loft` holds by its own count, in 3 passes | \
                 try again later: `ferry resume` asks for the others, and keeps what was read";
    let pass = "- | a b | 3 | -";
    assert_eq!(scene.read(&[pass, pass, pass]).await, short);
    assert_eq!(scene.read(&[pass, pass, pass]).await, short, "the next process tries as often");
    assert_eq!(scene.read(&[pass, "- | b c | 3 | -"]).await, "counted: a b c", "and keeps what it has");
    assert_eq!(scene.read(&[]).await, "counted: a b c", "what is whole is not read again");
}

#[tokio::test(start_paused = true)]
async fn what_stops_a_page_stops_the_reading() {
    for (script, expected) in [
        (vec!["- | a | 3 | 2", "2 | !6"], "6 no answer within 30 s"),
        (vec!["- | refused"], "5 the platform refused a request that is about no single record: no such page"),
        (
            vec!["- | a | 3 | 2", "2 | b | 3 | 2"],
            "6 Pigeon Post does not go on: the page after `2` of connection `loft` is `2` again | try again later; if it \
             stays so, the platform has changed",
        ),
    ] {
        assert_eq!(scene().read(&script).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_goes_in_a_circle_comes_to_an_end() {
    let circle = ["- | a b | - | 2", "2 | c | - | 1", "1 | a b | - | 2", "2 | c | - | 1"];
    assert_eq!(scene().read(&[circle, circle].concat()).await, "repeated: a b c", "nobody is new in a second pass");
}

#[tokio::test(start_paused = true)]
async fn a_killed_process_goes_on_at_its_last_page() {
    let pages = [
        "- | a b | 6 | 2",
        "2 | c d | 6 | 3",
        "3 | - | 6 | -",
        "- | a b | 6 | 2",
        "2 | c d | 6 | 3",
        "3 | e f | 6 | -",
    ];
    for killed_at in 0..pages.len() {
        let scene = scene();
        let (before, after) = pages.split_at(killed_at);
        let hang = format!("{} | hang", after[0].split(' ').next().unwrap());
        assert_eq!(scene.read(&[before, &[hang.as_str()]].concat()).await, "killed");
        assert_eq!(scene.read(after).await, "counted: a b c d e f", "killed at page {killed_at}");
    }
    let scene = scene();
    for (at, page) in pages.iter().enumerate() {
        let hang = pages.get(at + 1).map(|next| format!("{} | hang", next.split(' ').next().unwrap()));
        let script: Vec<&str> = [*page].into_iter().chain(hang.as_deref()).collect();
        let expected = if hang.is_some() { "killed" } else { "counted: a b c d e f" };
        assert_eq!(scene.read(&script).await, expected, "killed after every page");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_between_two_processes_hides_no_repeated_page() {
    let scene = scene();
    let echo = ["- | a b | - | 2", "2 | a b | - | 3", "3 | hang"];
    assert_eq!(scene.read(&echo).await, "killed");
    assert_eq!(scene.read(&["3 | a b | - | 4", "- | a b | - | -"]).await, "repeated: a b");
}

#[tokio::test(start_paused = true)]
async fn a_stop_keeps_what_was_read() {
    let scene = scene();
    scene.stop.stop();
    assert_eq!(scene.read(&[]).await, "stopped");
    let other = Fetch { stop: Stop::default(), ..scene };
    assert_eq!(other.read(&["- | a | 1 | -"]).await, "counted: a");
}

#[tokio::test(start_paused = true)]
async fn a_limit_leaves_the_rest_for_later() {
    let scene = Fetch { limit: Some(2), ..scene() };
    assert_eq!(scene.read(&["- | a | 3 | 2", "2 | b c | 3 | 3"]).await, "part: a b c");
    assert_eq!(scene.read(&[]).await, "part: a b c", "there is enough");
    let scene = Fetch { limit: None, ..scene };
    assert_eq!(scene.read(&["3 | - | 3 | -"]).await, "counted: a b c");

    let each = Fetch { limit: Some(2), ..self::scene() };
    assert_eq!(each.read(&["- | ?a ?gone1 ?b ?c | - | -"]).await, "part: a b -gone1");
    assert_eq!(*each.pigeon.reads.lock().unwrap(), ["a", "gone1", "b"], "nobody is read who is not wanted");
    let each = Fetch { limit: None, ..each };
    let rest = ["- | ?a ?gone1 ?b ?c | - | -", "- | ?a ?b ?c ?gone1 | - | -"];
    assert_eq!(each.read(&rest).await, "repeated: a b c -gone1");
    assert_eq!(*each.pigeon.reads.lock().unwrap(), ["a", "gone1", "b", "c"], "nobody is read twice");
}

#[tokio::test(start_paused = true)]
async fn ids_without_content_are_read_one_at_a_time_once() {
    let scene = scene();
    let script = [
        "- | ?a ?z ?gone1 ?a | - | 2",
        "2 | ?a ?a | - | 3",
        "3 | ?z ?a | - | 4",
        "4 | ?shy1 ?b b | - | -",
        "- | ?a ?z ?shy1 b ?gone1 ?gone2 | - | -",
        "- | ?gone2 | - | -",
    ];
    assert_eq!(scene.read(&script).await, "repeated: a z b shy1 -gone1 -gone2");
    let mut reads = scene.pigeon.reads.lock().unwrap().clone();
    reads.sort();
    assert_eq!(reads, ["a", "gone1", "gone2", "shy1", "shy1", "shy1", "z"], "a doubt is asked again, nobody else");
    let counted = self::scene().read(&["- | ?a ?gone1 | 2 | -"]).await;
    assert_eq!(counted, "counted: a -gone1", "whoever is known to be gone counts as found out");
}

#[tokio::test(start_paused = true)]
async fn many_pages_of_the_same_people_are_no_end_of_a_list_of_ids() {
    let pages: Vec<String> = (0..500).map(|no| format!("{} | ?a ?b | - | {}", page(no), no + 1)).collect();
    let last = "500 | ?c | - | -".to_owned();
    let script: Vec<&str> = pages.iter().chain([&last]).map(String::as_str).collect();
    assert_eq!(scene().read(&[&script[..], &script[..]].concat()).await, "repeated: a b c");

    let circle: Vec<String> = (0..1_001).map(|no| format!("{} | ?a ?b | - | {}", page(no), no + 1)).collect();
    let script: Vec<&str> = circle.iter().map(String::as_str).collect();
    assert_eq!(scene().read(&script).await, "unproven: a b", "a list without an end proves nothing");
}

/// The cursor of a page, from 0.
fn page(no: u32) -> String {
    if no == 0 { "-".to_owned() } else { no.to_string() }
}

#[tokio::test(start_paused = true)]
async fn so_many_are_read_at_a_time_as_the_connection_allows() {
    let scene = scene();
    let ids: Vec<String> = (0..150).map(|no| format!("?p{no:03}")).collect();
    let (page, again) = (format!("- | {} | - | -", ids.join(" ")), format!("- | {} | - | -", ids.join(" ")));
    let expected = ids.join(" ").replace('?', "");
    assert_eq!(scene.read(&[&page, &again]).await, format!("repeated: {expected}"), "in the order of the list");
    assert_eq!(*scene.pigeon.at_once.lock().unwrap(), (0, PIGEON.concurrency));
}

#[tokio::test(start_paused = true)]
async fn a_contact_that_cannot_be_read_leaves_no_gap() {
    for (script, expected, reads) in [
        (
            "- | ?a ?odd1 ?b | - | -",
            "6 contact `odd1` could not be read: no answer within 30 s | try again later: what was read is kept",
            vec!["a", "b", "odd1", "odd1", "odd1", "odd1"],
        ),
        (
            "- | ?a ?blind1 | - | -",
            "5 `blind1` cannot be read: this server reads no contact by its id",
            vec!["a", "blind1"],
        ),
    ] {
        let scene = scene();
        assert_eq!(scene.read(&[script]).await, expected);
        let mut asked = scene.pigeon.reads.lock().unwrap().clone();
        asked.sort();
        assert_eq!(asked, reads);
        let spool = Spool::open(&scene.folder.path().join(SPOOL_FILE), Kind::Contacts).unwrap();
        assert!(spool.has("a").unwrap(), "who was read is kept");
        assert_eq!(spool.reading().unwrap().after, None, "and the page is asked for again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_killed_within_a_page_of_ids_reads_few_of_them_again() {
    let scene = scene();
    let ids: Vec<String> = (0..100).map(|no| format!("?p{no:03}")).collect();
    let page = format!("- | {} ?hang | - | 2", ids.join(" "));
    assert_eq!(scene.read(&[&page]).await, "killed");
    let page = format!("- | {} | - | -", ids.join(" "));
    let told = scene.read(&[&page, &page]).await;
    assert_eq!(told, format!("repeated: {}", ids.join(" ").replace('?', "")));
    let reads = scene.pigeon.reads.lock().unwrap();
    let twice = ids.iter().filter(|id| reads.iter().filter(|read| format!("?{read}") == **id).count() > 1).count();
    assert!(twice <= 36, "{twice} of them");
}

#[tokio::test(start_paused = true)]
async fn a_file_of_ids_stands_in_place_of_the_list() {
    let ids = "\u{feff}a\r\n\r\n# the rest\r\n  b \r\na\r\ngone1\r\nc";
    let scene = Fetch { lofts: "ids.txt", ..scene() };
    fs::write(scene.folder.path().join("ids.txt"), ids).unwrap();
    assert_eq!(scene.read(&[]).await, "counted: a b c -gone1");
    let mut reads = scene.pigeon.reads.lock().unwrap().clone();
    reads.sort();
    assert_eq!(reads, ["a", "b", "c", "gone1"]);
}

#[tokio::test(start_paused = true)]
async fn a_long_file_of_ids_is_resumed_and_read_to_its_end() {
    let scene = Fetch { lofts: "ids.txt", ..scene() };
    let path = scene.folder.path().join("ids.txt");
    let ids: Vec<String> = (0..450).map(|no| format!("p{no:03}")).collect();
    let killed = [&ids[..300], &["hang".to_owned()], &ids[300..]].concat();
    fs::write(&path, killed.join("\n")).unwrap();
    assert_eq!(scene.read(&[]).await, "killed");
    // The same contacts three times over: pages without a new contact are not the end of a list.
    fs::write(&path, [&ids[..200], &ids[..200], &ids[..200], &ids[..]].concat().join("\n")).unwrap();
    assert_eq!(scene.read(&[]).await, format!("counted: {}", ids.join(" ")));
    let reads = scene.pigeon.reads.lock().unwrap();
    let twice = ids.iter().filter(|id| reads.iter().filter(|read| read == id).count() > 1).count();
    assert!(twice <= 64, "{twice} of them");
}

#[tokio::test(start_paused = true)]
async fn an_invalid_file_of_ids_is_named_with_its_setting() {
    let names = "`lofts` of connection `loft` names";
    let say = "name a file with an id on each line, or say `lofts: all`";
    let cases: Vec<(Option<&[u8]>, String)> = vec![
        (None, format!("2 {names} `DIR/ids.txt`, which cannot be read: No such file or directory (os error 2) | {say}")),
        (
            Some(b"\n# nobody\n"),
            "2 `DIR/ids.txt`, named by `lofts` of connection `loft`, holds no id | write an id on each line, or say \
             `lofts: all`"
                .to_owned(),
        ),
        (
            Some(b"a\n\xff\xfe\n"),
            "2 line 2 of `DIR/ids.txt` is no text in UTF-8 | `lofts` of connection `loft` names a text file with an id on \
             each line"
                .to_owned(),
        ),
    ];
    for (bytes, expected) in cases {
        let scene = Fetch { lofts: "ids.txt", ..scene() };
        if let Some(bytes) = bytes {
            fs::write(scene.folder.path().join("ids.txt"), bytes).unwrap();
        }
        assert_eq!(scene.read(&[]).await, expected);
    }
    let long = Fetch { lofts: "ids.txt", ..scene() };
    fs::write(long.folder.path().join("ids.txt"), "x".repeat(5_000)).unwrap();
    assert!(long.read(&[]).await.starts_with("2 line 1 of `DIR/ids.txt` is too long for an id | "));
}

#[tokio::test(start_paused = true)]
async fn another_list_is_read_in_the_same_way() {
    let scene = Fetch { what: What::List(List::Agents), lofts: "ids.txt", ..scene() };
    let script = ["- | a | 2 | 2", "2 | - | 2 | -", "- | a | 2 | 2", "2 | b | 2 | -"];
    assert_eq!(scene.read(&script).await, r#"counted: {"name":"a"} {"name":"b"}"#, "no file of ids is asked for");
    let short = self::scene();
    let short = Fetch { what: What::List(List::Agents), ..short };
    let told = short.read(&["- | a | 2 | -"; 3]).await;
    assert!(told.starts_with("6 Pigeon Post gave 1 of the 2 agents that connection `loft` holds"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn progress_is_shown_to_people() {
    let scene = scene();
    scene.read(&["- | a b | 3 | 2", "2 | ?gone1 | 3 | -"]).await;
    let states: BTreeSet<(u64, u64, u32, Option<u64>)> =
        scene.states.lock().unwrap().iter().map(|it| (it.held, it.missing, it.pass, it.total)).collect();
    assert_eq!(states, BTreeSet::from([(2, 0, 1, Some(3)), (2, 1, 1, Some(3))]));
}

/// A server whose every second answer is a failure; or that is not there.
#[derive(Default)]
struct Shaky {
    sent: Mutex<u32>,
    is_down: bool,
}

#[async_trait]
impl Transport for Shaky {
    async fn exchange(&self, request: &Request) -> Sent {
        let mut sent = self.sent.lock().unwrap();
        *sent += 1;
        let number: u32 = request.query.iter().find(|(name, _)| name == "page").unwrap().1.parse().unwrap();
        let people: Vec<_> = (0..3).map(|no| json!({"id": format!("{number}-{no}")})).collect();
        let people = if number <= 4 { people } else { Vec::new() };
        let body = json!({"results": 12, "total_pages": 1, "customers": people}).to_string();
        if self.is_down {
            return Sent::NotSent(Failure::new(Exit::Unavailable, "connection refused"));
        }
        let status = if *sent % 2 == 1 { 502 } else { 200 };
        Sent::Answered(Response { status, headers: Vec::new(), body: Bytes::from(body) })
    }
}

/// The real connector, and a client to a server that fails.
fn shaky(is_down: bool, wait: Duration) -> (Arc<dyn Connector>, Http) {
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
        rate: Rate::parse("none").unwrap(),
        rate_start_per_s: 1.0,
        concurrency: 1,
        wait,
        clock: Clock::start(),
        seed: 17,
    };
    let transport = Shaky { is_down, ..Shaky::default() };
    (driver.connect(&settings).unwrap(), Http::with_transport(Box::new(transport), options))
}

#[tokio::test(start_paused = true)]
async fn pages_that_fail_are_requested_again_by_the_http_client() {
    let (connector, http) = shaky(false, Duration::ZERO);
    let scene = scene();
    let told = scene.read_by(connector, http).await;
    let people = "1-0 1-1 1-2 2-0 2-1 2-2 3-0 3-1 3-2 4-0 4-1 4-2";
    assert_eq!(told, format!("counted: {people}"));
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_waiting_for_a_platform_that_is_down() {
    let (connector, http) = shaky(true, Duration::from_secs(7_200));
    let scene = scene();
    let (start, stop) = (Instant::now(), scene.stop.clone());
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(600)).await;
        stop.stop();
    });
    assert_eq!(scene.read_by(connector, http).await, "stopped");
    assert_eq!(start.elapsed().as_secs(), 600);
}

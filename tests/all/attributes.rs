//! The attributes that an account defines: created once, whatever the fate of the request, on a clock that only moves
//! when all tasks wait.

use super::support::registry;
use async_trait::async_trait;
use ferry::change::Delta;
use ferry::clock::Clock;
use ferry::contact::{Attribute, Contact};
use ferry::http::{Http, Request, Sent, Transport};
use ferry::outcome::{Exit, Failure, Problem};
use ferry::plan::{Config, Env};
use ferry::platforms::{
    Address, Capabilities, Checked, Connector, Cursor, Define, DefinesAttributes, Definition, Fault, Found, Lookup,
    Needs, Page, PlatformFacts, Reading, Ready, Step, StepResult, WriteRules,
};
use ferry::run::attributes::{Attributes, Changed, InUse, NAMES_MAX, names_in_use};
use ferry::run::source::account::{FetchAll, What};
use ferry::run::stop::Stop;
use ferry::run::target::Target;
use ferry::scratch::spool::Completeness;
use ferry::store::Checkpoint;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::Instant;

const SETTLE: Duration = Duration::from_secs(60);

static LOFT: LazyLock<PlatformFacts> = LazyLock::new(|| PlatformFacts {
    attributes: true,
    defines_attributes: true,
    ..PlatformFacts::new("loft", "Loft", "https://api.example.com")
});

/// The fate of a change.
#[derive(Clone, Copy)]
enum Play {
    /// It is made, and shows after so many seconds.
    Made(u64),
    /// The same, and the answer is lost.
    MadeInDoubt(u64),
    /// It is not made, and the answer is lost.
    LostInDoubt,
    /// Another party makes it at the same moment, so it is refused.
    TakenByOther,
    Refused,
    Fatal,
}

/// An account whose definitions show late.
#[derive(Default)]
struct Loft {
    defined: Mutex<Vec<(Definition, Instant)>>,
    /// Definitions that are not shown any more from then on.
    gone: Mutex<Vec<(Definition, Instant)>>,
    plays: Mutex<Vec<Play>>,
    sent: Mutex<Vec<Define>>,
    pages: Vec<Page>,
}

fn definition(id: &str, name: &str) -> Definition {
    Definition { id: id.to_owned(), name: name.to_owned() }
}

fn loft(names: &[&str], plays: &[Play]) -> Loft {
    let id = |index: usize| format!("a{}", index + 1);
    let defined = names.iter().enumerate().map(|(index, name)| (definition(&id(index), name), Instant::now()));
    let plays = plays.iter().rev().copied().collect();
    Loft { defined: Mutex::new(defined.collect()), plays: Mutex::new(plays), ..Loft::default() }
}

impl Loft {
    fn do_it(&self, what: &Define, seconds: u64) {
        let when = Instant::now() + Duration::from_secs(seconds);
        let mut defined = self.defined.lock().unwrap();
        let of = |id: &str| defined.iter().find(|(one, _)| one.id == id).unwrap().0.clone();
        match what {
            Define::Add { name } => {
                let id = format!("a{}", defined.len() + 1);
                defined.push((definition(&id, name), when));
            }
            Define::Rename { id, name } => {
                self.gone.lock().unwrap().push((of(id), when));
                defined.push((definition(id, name), when));
            }
            Define::Remove { id } => self.gone.lock().unwrap().push((of(id), when)),
        }
    }

    fn sent(&self) -> usize {
        self.sent.lock().unwrap().len()
    }
}

impl WriteRules for Loft {
    fn facts(&self) -> &PlatformFacts {
        &LOFT
    }

    fn steps(&self, _: &Ready, _: &Delta, _: Option<&Found>) -> Result<Vec<Step>, Vec<Problem>> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Connector for Loft {
    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities { attributes: Some(self), ..Capabilities::default() }
    }

    async fn check(&self, _: &Http) -> Result<Checked, Fault> {
        Ok(Checked::default())
    }

    async fn page(&self, _: &Http, after: Option<&Cursor>) -> Result<Page, Fault> {
        let at = after.map_or(0, |after| after.parse::<usize>().unwrap());
        Ok(self.pages[at].clone())
    }

    async fn find(&self, _: &Http, _: &Lookup) -> Result<Vec<Found>, Fault> {
        Ok(Vec::new())
    }

    async fn read(&self, _: &Http, id: &str, _: Option<&Lookup>) -> Result<Reading, Fault> {
        Ok(if id == "gone" { Reading::Gone } else { Reading::There(found(id, &["Plan", "Told"])) })
    }

    async fn prepare(&self, _: &Http, _: &Needs) -> Result<Ready, Fault> {
        Ok(Ready::default())
    }

    async fn send_step(&self, _: &Http, _: &Step, _: &Address) -> Result<StepResult, Fault> {
        Ok(StepResult::Gone)
    }
}

#[async_trait]
impl DefinesAttributes for Loft {
    async fn attributes(&self, _: &Http) -> Result<Vec<Definition>, Fault> {
        let (now, gone) = (Instant::now(), self.gone.lock().unwrap());
        let is_gone = |one: &Definition| gone.iter().any(|(other, at)| other == one && *at <= now);
        let defined = self.defined.lock().unwrap();
        let shown = defined.iter().filter(|(one, since)| *since <= now && !is_gone(one));
        Ok(shown.map(|(one, _)| one.clone()).collect())
    }

    async fn define(&self, _: &Http, what: &Define) -> Result<(), Fault> {
        self.sent.lock().unwrap().push(what.clone());
        let doubt = Fault::InDoubt(Failure::new(Exit::Unavailable, "the answer was lost"));
        match self.plays.lock().unwrap().pop().unwrap_or(Play::Made(0)) {
            Play::Made(seconds) => {
                self.do_it(what, seconds);
                Ok(())
            }
            Play::MadeInDoubt(seconds) => {
                self.do_it(what, seconds);
                Err(doubt)
            }
            Play::LostInDoubt => Err(doubt),
            Play::TakenByOther => {
                self.do_it(what, 0);
                Err(Fault::Refused(vec![Problem::new("target.refused", "there is one already")]))
            }
            Play::Refused => Err(Fault::Refused(vec![Problem::new("target.refused", "the name is too long")])),
            Play::Fatal => Err(Fault::Fatal(Failure::new(Exit::Refused, "you may not"))),
        }
    }
}

struct Nobody;

#[async_trait]
impl Transport for Nobody {
    async fn exchange(&self, _: &Request) -> Sent {
        panic!("nothing goes over the wire here");
    }
}

fn http() -> Http {
    Http::over(Box::new(Nobody))
}

fn checkpoint(folder: &TempDir) -> Checkpoint {
    Checkpoint::open_on_caller(&crate::store::account_at(&folder.path().join("loft.db"))).unwrap()
}

fn told(result: &Result<Changed, Failure>) -> String {
    match result {
        Ok(Changed::AsItWas(one)) => format!("as it was: {} {}", one.id, one.name),
        Ok(Changed::Done(one)) => format!("done: {} {}", one.id, one.name),
        Err(failure) => format!("{:?}: {failure}", failure.exit),
    }
}

#[tokio::test(start_paused = true)]
async fn an_attribute_is_defined_once_whatever_the_fate_of_the_request() {
    use Play::*;
    let lost = "Unavailable: `Plan` could not be defined: 3 requests came to nothing: the answer was lost";
    let hidden = "Unknown: the platform says that `Plan` is defined, and does not show it";
    let refused = "Refused: the platform refused a request that is about no single record: the name is too long";
    let cases: &[(&[&str], &[Play], &str, usize, std::ops::RangeInclusive<u64>)] = &[
        (&["City"], &[Made(0)], "done: a2 Plan", 1, 0..=0),
        (&["City"], &[Made(20)], "done: a2 Plan", 1, 20..=30),
        (&["Plan"], &[], "as it was: a1 Plan", 0, 0..=0),
        (&["plan"], &[Made(0)], "done: a2 Plan", 1, 0..=0),
        (&[], &[MadeInDoubt(0)], "done: a1 Plan", 1, 0..=0),
        (&[], &[MadeInDoubt(59)], "done: a1 Plan", 1, 59..=60),
        (&[], &[LostInDoubt, Made(0)], "done: a1 Plan", 2, 60..=60),
        (&[], &[LostInDoubt, LostInDoubt, LostInDoubt, Made(0)], lost, 3, 180..=180),
        (&[], &[Made(3600)], hidden, 1, 60..=60),
        (&[], &[TakenByOther], "done: a1 Plan", 1, 0..=0),
        (&[], &[Refused], refused, 1, 0..=0),
        (&[], &[Fatal], "Refused: you may not", 1, 0..=0),
    ];
    for (names, plays, expected, sent, seconds) in cases {
        let (folder, http, loft) = (TempDir::new().unwrap(), http(), loft(names, plays));
        let (checkpoint, clock) = (checkpoint(&folder), Clock::start());
        let attributes = Attributes { account: &loft, http: &http, checkpoint: &checkpoint, clock, settle: SETTLE };
        let start = Instant::now();
        let result = attributes.add("Plan").await;
        assert_eq!((told(&result).as_str(), loft.sent()), (*expected, *sent));
        let took = start.elapsed().as_secs();
        assert!(seconds.contains(&took), "{expected}: {took} s");
        let is_open = checkpoint.recall("defining:Plan").unwrap().is_some();
        assert_eq!(is_open, [lost, hidden].contains(expected), "{expected}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_doubt_of_a_killed_process_is_found_out_by_the_next() {
    // Whether the killed one had got through, and how many seconds ago it was about to send.
    let cases = [(Some(30), 10, "done: a1 Plan", 0), (None, 10, "done: a1 Plan", 1), (None, 61, "done: a1 Plan", 1)];
    for (shows_after, ago, expected, sent) in cases {
        let (folder, http, loft) = (TempDir::new().unwrap(), http(), loft(&[], &[]));
        let (checkpoint, clock) = (checkpoint(&folder), Clock::start());
        if let Some(seconds) = shows_after {
            loft.do_it(&Define::Add { name: "Plan".to_owned() }, seconds);
        }
        checkpoint.remember("defining:Plan", &(clock.wall_ms() - ago * 1000).to_string()).unwrap();
        let attributes = Attributes { account: &loft, http: &http, checkpoint: &checkpoint, clock, settle: SETTLE };
        let start = Instant::now();
        let result = attributes.add("Plan").await;
        assert_eq!((told(&result).as_str(), loft.sent()), (expected, sent));
        let waited = start.elapsed().as_secs();
        assert!(if sent == 0 { waited >= 30 } else { waited == 60_u64.saturating_sub(ago) }, "{waited} s");
        assert_eq!(checkpoint.recall("defining:Plan").unwrap(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_cut_off_leaves_its_doubt_behind() {
    let (folder, http, loft) = (TempDir::new().unwrap(), http(), loft(&[], &[Play::MadeInDoubt(40)]));
    let (checkpoint, clock) = (checkpoint(&folder), Clock::start());
    let attributes = Attributes { account: &loft, http: &http, checkpoint: &checkpoint, clock, settle: SETTLE };
    assert!(tokio::time::timeout(Duration::from_secs(5), attributes.add("Plan")).await.is_err());
    assert!(checkpoint.recall("defining:Plan").unwrap().is_some());
    assert_eq!(told(&attributes.add("Plan").await), "done: a1 Plan");
    assert_eq!(loft.sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_a_name_or_a_removal_is_found_out_too() {
    use Play::*;
    let cases: &[(&[&str], &[Play], (&str, &str), &str, usize)] = &[
        (&["Plan"], &[Made(0)], ("Plan", "Tariff"), "done: a1 Tariff", 1),
        (&["Plan"], &[MadeInDoubt(9)], ("Plan", "Tariff"), "done: a1 Tariff", 1),
        (&["Plan"], &[LostInDoubt], ("Plan", "Tariff"), "done: a1 Tariff", 2),
        (&["Plan"], &[], ("Plan", "Plan"), "as it was: a1 Plan", 0),
        (&["Plan"], &[], ("plan", "Tariff"), "Usage: the account has no attribute `plan`", 0),
        (
            &["Plan", "Tariff"],
            &[],
            ("Plan", "Tariff"),
            "Usage: the account has an attribute `Tariff` already, with the id `a2`",
            0,
        ),
        (&["Plan"], &[Made(0)], ("Plan", ""), "done: a1 Plan", 1),
        (&["Plan"], &[MadeInDoubt(9)], ("Plan", ""), "done: a1 Plan", 1),
        (&["Plan"], &[LostInDoubt], ("Plan", ""), "done: a1 Plan", 2),
        (&["Plan"], &[], ("Plam", ""), "Usage: the account has no attribute `Plam`", 0),
        (
            &["Plan", "Plan"],
            &[],
            ("Plan", ""),
            "Usage: the account has two attributes `Plan`, with the ids `a1` and `a2`",
            0,
        ),
    ];
    for (names, plays, (old, new), expected, sent) in cases {
        let (folder, http, loft) = (TempDir::new().unwrap(), http(), loft(names, plays));
        let (checkpoint, clock) = (checkpoint(&folder), Clock::start());
        let attributes = Attributes { account: &loft, http: &http, checkpoint: &checkpoint, clock, settle: SETTLE };
        let result = if new.is_empty() { attributes.remove(old).await } else { attributes.rename(old, new).await };
        assert_eq!((told(&result).as_str(), loft.sent()), (*expected, *sent), "{old} {new}");
    }
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn missing_attributes_are_all_reported_at_once_or_defined() {
    let needed = strings(&["Plan", "Citi", "Zip", "Plan", "Zip"]);
    let (folder, http, loft) = (TempDir::new().unwrap(), http(), loft(&["Plan", "City"], &[]));
    let (checkpoint, clock) = (checkpoint(&folder), Clock::start());
    let attributes = Attributes { account: &loft, http: &http, checkpoint: &checkpoint, clock, settle: SETTLE };
    let refused = attributes.ensure("Loft", &needed, false).await.unwrap_err();
    assert_eq!(
        ferry::shown::render_failure(&refused, false),
        "error: the account has no attribute `Citi`, and Loft takes none undefined\n\
         hint: did you mean `City`? `--create-attributes` defines what is missing\n\n\
         error: the account has no attribute `Zip`, and Loft takes none undefined\n\
         hint: `--create-attributes` defines what is missing\n"
    );
    assert_eq!((refused.exit, loft.sent()), (Exit::Usage, 0));
    let defined = attributes.ensure("Loft", &needed, true).await.unwrap();
    let names: Vec<&str> = defined.iter().map(|one| one.name.as_str()).collect();
    assert_eq!((names, loft.sent()), (vec!["Plan", "City", "Citi", "Zip"], 2));
    attributes.ensure("Loft", &needed, true).await.unwrap();
    assert_eq!(loft.sent(), 2);
}

#[tokio::test(start_paused = true)]
async fn two_attributes_with_one_name_are_ambiguous() {
    let (folder, http, loft) = (TempDir::new().unwrap(), http(), loft(&["Plan", "Plan", "City"], &[]));
    let (checkpoint, clock) = (checkpoint(&folder), Clock::start());
    let attributes = Attributes { account: &loft, http: &http, checkpoint: &checkpoint, clock, settle: SETTLE };
    for create in [false, true] {
        let needed = strings(&["Plan", "City", "Plan"]);
        let refused = attributes.ensure("Loft", &needed, create).await.unwrap_err();
        assert_eq!(refused.to_string(), "the account has two attributes `Plan`, with the ids `a1` and `a2`");
        assert_eq!((refused.exit, refused.also.len(), loft.sent()), (Exit::Usage, 0, 0));
    }
    assert!(attributes.ensure("Loft", &strings(&["City"]), false).await.is_ok());
}

fn found(id: &str, names: &[&str]) -> Found {
    let attribute = |name: &&str| Attribute { name: (*name).into(), value: "x".into() };
    let mut contact = Contact::default();
    contact.attributes = names.iter().map(attribute).collect();
    Found { id: id.to_owned(), contact }
}

fn page(found: Vec<Found>, unread: &[&str], total: u64, next: Option<&str>) -> Page {
    Page { found, unread: strings(unread), total: Some(total), next: next.map(str::to_owned) }
}

/// What is counted over these pages.
async fn in_use(pages: Vec<Page>) -> Result<InUse, Failure> {
    let folder = TempDir::new().unwrap();
    let source = Target {
        connector: Arc::new(Loft { pages, ..Loft::default() }),
        http: Arc::new(http()),
        checked: Checked::default(),
        settle: SETTLE,
        concurrency: LOFT.concurrency,
    };
    let (yaml, env) = ("connections: { loft: { platform: loft } }", Env::from_iter::<[(&str, &str); 0]>([]));
    let config = Config::parse(&registry([LOFT.clone()]), yaml, Path::new("ferry.yaml"), &env).unwrap();
    let connection = config.connection("loft").unwrap();
    let asked = FetchAll {
        source: &source,
        connection: &connection,
        config_folder: folder.path(),
        what: What::Contacts,
        folder: folder.path(),
        limit: None,
        clock: Clock::start(),
        stop: &Stop::default(),
        progress: &|_| {},
        given: None,
    };
    Ok(names_in_use(asked).await?.expect("nobody told it to stop"))
}

#[tokio::test(start_paused = true)]
async fn names_are_counted_over_all_contacts_each_once() {
    let pages = |total| {
        vec![
            page(vec![found("1", &["Plan", "City"]), found("2", &["Plan"])], &[], total, Some("1")),
            page(vec![found("2", &["Plan"]), found("3", &[])], &["4", "gone", "1"], total, Some("2")),
            page(vec![found("3", &[])], &["4"], total, None),
        ]
    };
    let InUse { names, completeness } = in_use(pages(5)).await.unwrap();
    let names: Vec<(&str, u64)> = names.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!((names, completeness), (vec![("City", 1), ("Plan", 3), ("Told", 1)], Completeness::Counted));
    let fewer = in_use(pages(9)).await.unwrap_err();
    assert_eq!(
        (fewer.exit, fewer.message.as_str()),
        (Exit::Unavailable, "Loft gave 5 of the 9 contacts that connection `loft` holds by its own count, in 3 passes")
    );
}

#[tokio::test(start_paused = true)]
async fn more_names_than_the_limit_are_refused() {
    let names: Vec<String> = (0..=NAMES_MAX).map(|index| format!("name {index}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let refused = in_use(vec![page(vec![found("1", &names)], &[], 1, None)]).await.unwrap_err();
    assert_eq!(
        (refused.exit, refused.message.as_str()),
        (Exit::Failed, "the contacts have more than 10000 attributes")
    );
}

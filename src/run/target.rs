//! The target of a run: its HTTP client, its connector, and how contacts are found there.

use crate::clock::Clock;
use crate::contact::Field;
use crate::http::{Http, HttpOptions, Rate, Traffic, check_base_url, drawn_seed};
use crate::outcome::{Exit, Failure};
use crate::plan::Connection;
use crate::platforms::settings::parse_duration;
use crate::platforms::{Checked, Connector, Fault, Ready};
use crate::reconcile::execute::dispatch::Endpoint;
use crate::reconcile::find::{Access, Finder};
use crate::run::stop::Stop;
use crate::store::postgres::SharedRate;
use crate::store::{AccountAddress, Checkpoint, LeaseTimer};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The shortest settle time when none is set.
const SETTLE_MIN: Duration = Duration::from_secs(60);

/// Contacts on a page, for guessing what a snapshot costs.
const PAGE_LEN_GUESS: u64 = 100;

/// How often a key that `find: each` asks for is tried before it is said not to do, and the pause after each time.
const PROOFS: u32 = 3;
const PROOF_PAUSE: Duration = Duration::from_secs(1);

/// Requests for which it does not matter that a rate has to be found first: they take some eight seconds.
const REQUESTS_UNTOLD_MAX: u64 = 100;
/// As exactly as a rate is remembered, requests per second.
const RATE_STEP: f64 = 0.001;

/// Under what name the rate found by `auto` is remembered.
const RATE_MEMORY: &str = "rate";

/// What is known of an account before it is connected to.
#[derive(Default)]
pub struct Beforehand {
    /// The rate that an earlier run found.
    pub rate: Option<f64>,
    /// The lease under which requests are sent, where it can end.
    pub lease: Option<LeaseTimer>,
    /// The rate that other processes share.
    pub shared: Option<SharedRate>,
}

impl Beforehand {
    /// What the checkpoint of an account and its store know.
    ///
    /// # Errors
    /// Exit 1 when the store cannot be reached.
    pub fn of(checkpoint: Option<&Checkpoint>, account: &AccountAddress) -> Result<Beforehand, Failure> {
        Ok(Beforehand {
            rate: checkpoint.and_then(remembered_rate),
            lease: checkpoint.and_then(Checkpoint::lease),
            shared: account.shared_rate()?,
        })
    }
}

/// A target that has answered.
pub struct Target {
    /// How it is spoken to.
    pub connector: Arc<dyn Connector>,
    /// Its HTTP client.
    pub http: Arc<Http>,
    /// What it said when it was asked whether the settings work.
    pub checked: Checked,
    /// How long after a request in doubt a contact that is not found counts as absent.
    pub settle: Duration,
    /// Requests in flight.
    pub concurrency: usize,
}

/// The HTTP client and the connector of a connection, before anything is sent.
///
/// # Errors
/// What is wrong with the settings (exit 2).
pub fn connect(
    connection: &Connection,
    clock: Clock,
    wait: Duration,
    known: Beforehand,
) -> Result<(Arc<dyn Connector>, Arc<Http>), Failure> {
    let settings = &connection.settings;
    let (driver, platform) = (&connection.driver, connection.facts());
    let connector = driver.connect(settings).map_err(together)?;
    let base_url =
        check_base_url(settings.get("base_url").unwrap_or(&platform.base_url), settings.is_true("allow_http"))?;
    let rate = Rate::parse(settings.get("rate").unwrap_or("auto"))?;
    let http = Http::connect(HttpOptions {
        base_url,
        credentials: driver.credentials(settings),
        login: driver.login(settings).map(Arc::from),
        user_agent: settings.get("user_agent").unwrap_or(concat!("ferry/", env!("CARGO_PKG_VERSION"))).to_owned(),
        timeout: timeout_of(connection)?,
        rate,
        rate_start_per_s: known.rate.unwrap_or(platform.rate_start_per_s),
        concurrency: concurrency_of(connection)?,
        wait,
        clock,
        seed: drawn_seed(),
    })?;
    if let Some(lease) = known.lease {
        http.send_under(lease);
    }
    if let Some(shared) = known.shared {
        http.share_rate(Arc::new(shared));
    }
    Ok((connector, Arc::new(http)))
}

/// Several failures as one: the first, with the others as causes.
fn together(failures: Vec<Failure>) -> Failure {
    let mut failures = failures.into_iter();
    let first = failures.next().unwrap_or_else(|| Failure::usage("the settings of the connection are invalid"));
    failures.fold(first, |mut all, next| {
        all.message = format!("{}\n{}", all.message, next.message);
        all.hint = all.hint.or(next.hint);
        all
    })
}

fn timeout_of(connection: &Connection) -> Result<Duration, Failure> {
    parse_duration(connection.settings.get("timeout").unwrap_or("30s"))
}

/// Requests in flight to this connection.
pub fn concurrency_of(connection: &Connection) -> Result<usize, Failure> {
    let Some(text) = connection.settings.get("concurrency") else { return Ok(connection.facts().concurrency) };
    match text.parse::<usize>() {
        Ok(number @ 1..=1024) => Ok(number),
        _ => Err(Failure::usage(format!("`concurrency` is `{text}`, and must be a number from 1 to 1024"))),
    }
}

/// The rate that an earlier run on this connection found.
pub fn remembered_rate(checkpoint: &Checkpoint) -> Option<f64> {
    let rate: f64 = checkpoint.recall(RATE_MEMORY).ok()??.parse().ok()?;
    (rate.is_finite() && rate > 0.0).then_some(rate)
}

/// What is said of a rate that has yet to be found: that the run starts slowly, and why. `None` where the rate is set or was
/// found, and for a few requests.
pub fn about_rate(connection: &Connection, found: Option<f64>, requests: u64) -> Option<String> {
    let rate = Rate::parse(connection.settings.get("rate").unwrap_or("auto")).ok()?;
    let (name, start) = (&connection.name, connection.facts().rate_start_per_s);
    let start = rate.ceiling_per_s().map_or(start, |ceiling| ceiling.min(start));
    // A short run remembers the rate at which it began.
    let is_found = found.is_some_and(|found| (found - start).abs() >= RATE_STEP);
    if !rate.is_auto() || requests <= REQUESTS_UNTOLD_MAX || is_found {
        return None;
    }
    Some(format!(
        "the rate limit of `{name}` is not known: the run starts at {start} requests/s and speeds up until one is refused; \
         set `rate` if you know the limit"
    ))
}

/// Remembers the rate that was found, for the next run.
pub fn remember_rate(checkpoint: &Checkpoint, connection: &Connection, http: &Http) -> Result<(), Failure> {
    let is_auto = connection.settings.get("rate").is_none_or(|rate| rate.starts_with("auto"));
    match http.rate_now() {
        Some(rate) if is_auto => checkpoint.remember(RATE_MEMORY, &format!("{rate:.3}")),
        _ => Ok(()),
    }
}

/// A fault of a request that belongs to no record, as what stops the run.
pub fn stops(fault: Fault) -> Failure {
    match fault {
        Fault::Fatal(failure) | Fault::InDoubt(failure) => failure,
        Fault::Refused(problems) => {
            let mut failure =
                Failure::new(Exit::Refused, "the platform refused a request that is about no single record");
            failure.causes = problems.into_iter().map(|problem| problem.message).collect();
            failure
        }
    }
}

/// An unavailable platform, by the name of its connection: the failure may only know the address.
pub fn of_connection(connection: &Connection, mut failure: Failure) -> Failure {
    let quoted = format!("`{}`", connection.name);
    let is_named = |text: &String| text.contains(&quoted);
    if failure.exit == Exit::Unavailable && !failure.causes.iter().chain([&failure.message]).any(is_named) {
        failure.message = format!("connection `{}`: {}", connection.name, failure.message);
    }
    failure
}

/// A target that did not answer, and what was sent to it.
pub struct Unreached {
    /// Why it cannot be used.
    pub failure: Failure,
    /// The requests that found that out.
    pub traffic: Traffic,
}

impl Unreached {
    /// The failure; its requests are noted.
    pub fn noted(self, traffic: &mut Traffic) -> Failure {
        *traffic = self.traffic;
        self.failure
    }
}

impl From<Failure> for Unreached {
    fn from(failure: Failure) -> Unreached {
        Unreached { failure, traffic: Traffic::default() }
    }
}

impl From<Unreached> for Failure {
    fn from(unreached: Unreached) -> Failure {
        unreached.failure
    }
}

impl Target {
    /// Connects, and proves the settings with one request.
    pub async fn open(
        connection: &Connection,
        clock: Clock,
        wait: Duration,
        known: Beforehand,
    ) -> Result<Target, Unreached> {
        let (connector, http) = connect(connection, clock, wait, known)?;
        let checked = connector
            .check(&http)
            .await
            .map_err(|fault| Unreached { failure: of_connection(connection, stops(fault)), traffic: http.traffic() })?;
        let timeout = timeout_of(connection)?;
        let settle = match connection.settings.get("settle") {
            Some(text) => parse_duration(text)?,
            None => SETTLE_MIN.max(timeout * 2),
        };
        Ok(Target { connector, http, checked, settle, concurrency: concurrency_of(connection)? })
    }

    /// The same while a stop is listened to, which from then on is passed to its HTTP client; none when it came before the
    /// platform had answered.
    ///
    /// # Errors
    /// As [`Target::open`].
    pub async fn reach(
        connection: &Connection,
        clock: Clock,
        wait: Duration,
        known: Beforehand,
        stop: &Stop,
    ) -> Result<Option<Target>, Unreached> {
        let mut stopping = stop.watch();
        let target = tokio::select! {
            target = Target::open(connection, clock, wait, known) => target?,
            _ = stopping.wait_for(|stop| *stop) => return Ok(None),
        };
        let http = Arc::clone(&target.http);
        tokio::spawn(async move {
            if stopping.wait_for(|stop| *stop).await.is_ok() {
                http.stop();
            }
        });
        Ok(Some(target))
    }

    /// The account that a run writes to.
    ///
    /// # Errors
    /// Exit 2 when a setting is invalid.
    pub fn endpoint(&self, connection: &Connection, ready: Ready, clock: Clock) -> Result<Endpoint, Failure> {
        Ok(Endpoint {
            connector: Arc::clone(&self.connector),
            http: Arc::clone(&self.http),
            ready,
            ceiling_per_s: ceiling_of(connection)?,
            clock,
        })
    }

    /// A finder for contacts by these fields, in the way that the `find` setting names or that costs least.
    ///
    /// # Errors
    /// Exit 2 for a setting that does not work; what stopped the reading of a snapshot.
    pub async fn finder(
        &self,
        connection: &Connection,
        checkpoint: &Checkpoint,
        asked: FinderAsked<'_>,
    ) -> Result<Finder, Failure> {
        let FinderAsked { clock, folder, fields, contacts } = asked;
        let sample = self.checked.sample.clone();
        let is_empty = sample.is_empty();
        let access = Access { connector: Arc::clone(&self.connector), http: Arc::clone(&self.http), clock };
        let mut finder = Finder::new(access, checkpoint.clone(), folder.to_owned(), sample);
        let by_value: Vec<Field> = fields.iter().copied().filter(|field| *field != Field::TargetId).collect();
        match connection.settings.get("find").unwrap_or("auto") {
            "none" => return Err(find_none(connection)),
            "each" => return proven(finder, connection, &by_value, clock).await,
            "snapshot" => {}
            _ if by_value.is_empty() || contacts == 0 => return Ok(finder),
            _ => {
                let each = contacts.saturating_mul(by_value.len() as u64);
                let pages = self.checked.contacts.map(|contacts| contacts / PAGE_LEN_GUESS + 1);
                if !is_empty && finder.are_proven(&by_value).await.map_err(stops)? {
                    if pages.is_none_or(|pages| pages <= each) {
                        finder.take_snapshot(Some(each)).await.map_err(stops)?;
                    }
                    return Ok(finder);
                }
            }
        }
        finder.take_snapshot(None).await.map_err(stops)?;
        Ok(finder)
    }
}

/// What is to be found.
pub struct FinderAsked<'a> {
    /// The time.
    pub clock: Clock,
    /// The folder of the run.
    pub folder: &'a Path,
    /// The fields by which contacts are found.
    pub fields: &'a [Field],
    /// How many contacts.
    pub contacts: u64,
}

/// The finder, if lookups by these fields find the contact that is known to exist: it may have just been created, and
/// search can lag.
async fn proven(finder: Finder, connection: &Connection, fields: &[Field], clock: Clock) -> Result<Finder, Failure> {
    for _ in 0..PROOFS {
        finder.are_proven(fields).await.map_err(stops)?;
        if !finder.is_disproven(fields) {
            return Ok(finder);
        }
        finder.forget_proofs();
        clock.sleep(PROOF_PAUSE).await;
    }
    Err(unproven(connection, fields))
}

/// The rate that a connection is stopping never to pass, requests per second.
pub fn ceiling_of(connection: &Connection) -> Result<Option<f64>, Failure> {
    Ok(Rate::parse(connection.settings.get("rate").unwrap_or("auto"))?.ceiling_per_s())
}

fn find_none(connection: &Connection) -> Failure {
    Failure::usage(format!(
        "`find: none` does not work for `{}`: writing to {} needs to know which contacts exist",
        connection.name,
        connection.facts().title
    ))
    .hint("leave `find` out, or set `find: snapshot` or `find: each`")
}

fn unproven(connection: &Connection, fields: &[Field]) -> Failure {
    let names: Vec<&str> = fields.iter().map(|field| field.name()).collect();
    Failure::new(
        Exit::Refused,
        format!(
            "`find: each` does not work for `{}`: a contact that exists was not found by {}",
            connection.name,
            names.join(" and ")
        ),
    )
    .hint("set `find: snapshot`, or leave it out")
}

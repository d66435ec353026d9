//! Reading a source account: everything that it holds, each once, onto the disk, and proven to be whole.
//!
//! Pages shift while they are read, repeat, are cut, or end too early. So what was read is counted against what the
//! platform says it holds; where that is no proof, it is read again, until a pass brings no new contact (`verdict`). Every
//! page is on disk together with where the next one begins, so a killed process continues there. What is done with
//! the contacts is not decided here.

mod held_secrets;
mod ids;
mod verdict;

use crate::clock::Clock;
use crate::contact::Field;
use crate::http::Http;
use crate::outcome::{Exit, Failure};
use crate::plan::Connection;
use crate::platforms::{self, Connector, Cursor, Fault, Found, LISTS, List};
use crate::run::active::folder::SPOOL_FILE;
use crate::run::stop::Stop;
use crate::run::target::{Target, stops};
use crate::scratch::spool::{Batch, Completeness, Kind, Reading, Spool, Sums};
use ids::IdsFile;
use serde_json::{Map, Value};
use std::collections::{HashSet, VecDeque};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use verdict::{PageEnd, after_part, begun};

/// Contacts that are read one at a time and kept together: what a killed process has to read again.
const GROUP: usize = 64;
/// How often a contact is asked for whose answers are unreliable.
const TRIES_MAX: u32 = 4;
/// The pause before the second try; each further one is three times as long.
const PAUSE_FIRST: Duration = Duration::from_secs(1);

/// What is read of a source platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Its contacts.
    Contacts,
    /// Another list.
    List(List),
}

impl What {
    /// What is kept of each.
    fn kind(self) -> Kind {
        if self == What::Contacts { Kind::Contacts } else { Kind::Objects }
    }

    /// As the command line calls it.
    pub fn name(self) -> &'static str {
        match self {
            What::Contacts => "contacts",
            What::List(list) => LISTS.iter().find(|(one, _)| *one == list).map_or("", |(_, name)| name),
        }
    }
}

/// What is to be read, from where to where.
#[derive(Clone, Copy)]
pub struct FetchAll<'a> {
    /// The HTTP client and the connector of the source.
    pub source: &'a Target,
    /// Its connection.
    pub connection: &'a Connection,
    /// The folder to which paths in its settings are relative ([`crate::plan::Config::folder`]).
    pub config_folder: &'a Path,
    /// What is read.
    pub what: What,
    /// The folder of the run.
    pub folder: &'a Path,
    /// Enough is read when so many are held. There may be more of them: a page is kept whole.
    pub limit: Option<u64>,
    /// The time.
    pub clock: Clock,
    /// Told when to stop.
    pub stop: &'a Stop,
    /// Told how far it is, after every page.
    pub progress: &'a (dyn Fn(&FetchState) + Send + Sync),
}

/// How far a reading is, for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FetchState {
    /// How many are held.
    pub held: u64,
    /// How many ids no contact has.
    pub missing: u64,
    /// The pass over the source, from 1.
    pub pass: u32,
    /// How many the platform says there are.
    pub total: Option<u64>,
}

/// What was read.
pub struct Fetched {
    /// Every contact, each once.
    pub spool: Spool,
    /// How it is known that no contact is missing.
    pub completeness: Completeness,
    /// How many ids no contact has (see [`Spool::for_each_missing`]): each is a reject.
    pub missing: u64,
    /// Not, when `limit` was reached before the end.
    pub is_whole: bool,
}

/// Reads everything, or goes on where an earlier process was. None: it was told to stop before its end; what was read is
/// kept.
///
/// # Errors
/// What stopped it. Exit 6 when the platform gave less than it says it holds: then nothing is to be made of it.
pub async fn fetch_all(asked: FetchAll<'_>) -> Result<Option<Fetched>, Failure> {
    let spool = Spool::open(&asked.folder.join(SPOOL_FILE), asked.what.kind())?;
    let reading = begun(spool.reading()?);
    let ids = match asked.what {
        What::Contacts if !reading.is_whole => IdsFile::of(asked.connection, asked.config_folder)?,
        _ => None,
    };
    let work = Work { asked, spool, reading, ids };
    let mut work = pin!(work.run());
    let (mut told, http) = (asked.stop.watch(), Arc::clone(&asked.source.http));
    tokio::select! {
        biased;
        done = &mut work => return done,
        _ = told.wait_for(|told| *told) => http.stop(),
    }
    work.await
}

/// What an earlier process has read to its end: then the source is not asked for anything. None: it is to be continued.
///
/// # Errors
/// Exit 1 when what was read cannot be read again.
pub fn fetched_before(folder: &Path, what: What) -> Result<Option<Fetched>, Failure> {
    let (path, kind) = (folder.join(SPOOL_FILE), what.kind());
    if !path.exists() {
        return Ok(None);
    }
    let spool = Spool::open(&path, kind)?;
    let Reading { is_whole, completeness, .. } = begun(spool.reading()?);
    let missing = spool.sums().missing;
    Ok(is_whole.then_some(Fetched { spool, completeness, missing, is_whole }))
}

/// A page, from wherever it came.
struct Portion {
    read: Vec<(String, String)>,
    unread: Vec<String>,
    end: PageEnd,
}

struct Work<'a> {
    asked: FetchAll<'a>,
    spool: Spool,
    reading: Reading,
    /// The file of ids that stands in place of the platform's own list.
    ids: Option<IdsFile>,
}

impl Work<'_> {
    async fn run(mut self) -> Result<Option<Fetched>, Failure> {
        loop {
            if self.reading.is_whole || self.is_enough() {
                return Ok(Some(self.fetched()));
            }
            if self.asked.stop.is_requested() {
                return Ok(None);
            }
            match self.next().await {
                Err(failure) if self.asked.stop.is_requested() && is_of_stop(&failure) => return Ok(None),
                done => done?,
            }
            if self.reading.is_short {
                return Err(self.short());
            }
        }
    }

    fn is_enough(&self) -> bool {
        self.asked.limit.is_some_and(|limit| self.spool.len() >= limit)
    }

    fn fetched(self) -> Fetched {
        let Reading { completeness, is_whole, .. } = self.reading;
        Fetched { missing: self.spool.sums().missing, spool: self.spool, completeness, is_whole }
    }

    /// Reads one page, and keeps it.
    async fn next(&mut self) -> Result<(), Failure> {
        let Portion { read, unread, end } = self.portion().await?;
        let (unknown, known) = self.sort(unread, &read)?;
        let mut news = 0;
        if !unknown.is_empty() {
            news += self.keep(&Batch { read, known, missing: Vec::new() }, after_part)?;
            if !self.read_each(unknown, &mut news).await? {
                return Ok(());
            }
            self.keep(&Batch::default(), |reading, sums| end.reading(reading, sums, news))?;
            return Ok(());
        }
        let batch = Batch { read, known, missing: Vec::new() };
        self.keep(&batch, |reading, sums| end.reading(reading, sums, sums.news))?;
        Ok(())
    }

    async fn portion(&mut self) -> Result<Portion, Failure> {
        let after = self.reading.after.clone();
        if let Some(ids) = &mut self.ids {
            let (unread, next) = ids.page()?;
            if next.is_none() && unread.is_empty() && self.spool.sums().known() == 0 {
                return Err(ids.is_empty());
            }
            return Ok(Portion { read: Vec::new(), unread, end: PageEnd::of_given(next) });
        }
        let Target { connector, http, .. } = self.asked.source;
        let portion = match self.asked.what {
            What::Contacts => {
                let page = connector.page(http, after.as_ref()).await.map_err(stops)?;
                let end = PageEnd::new(page.next, page.total, !page.unread.is_empty());
                let read = page.found.into_iter().map(text_of_contact).collect::<Result<_, _>>()?;
                Portion { read, unread: page.unread, end }
            }
            What::List(list) => {
                let title = &connector.facts().title;
                let no_list = || Failure::usage(format!("{title} has no such list"));
                let lists = connector.capabilities().lists.ok_or_else(no_list)?;
                let page = lists.list(http, list, after.as_ref()).await.map_err(stops)?;
                let read = page.items.into_iter().map(text_of_object).collect::<Result<_, _>>()?;
                Portion { read, unread: Vec::new(), end: PageEnd::new(page.next, page.total, false) }
            }
        };
        match (&portion.end.next, after) {
            (Some(next), Some(after)) if *next == after => Err(self.stands_still(next)),
            _ => Ok(portion),
        }
    }

    /// The ids that are to be read, and those that are known, each once; a contact that is on the page with content is neither.
    fn sort(&self, ids: Vec<String>, read: &[(String, String)]) -> Result<(VecDeque<String>, Vec<String>), Failure> {
        let (mut unknown, mut known) = (VecDeque::new(), Vec::new());
        let mut met: HashSet<String> = if ids.is_empty() { HashSet::new() } else { ids_of(read) };
        for id in ids {
            if !met.insert(id.clone()) {
                continue;
            }
            if self.spool.knows(&id)? { known.push(id) } else { unknown.push_back(id) }
        }
        Ok((unknown, known))
    }

    /// Reads these one at a time, and keeps them in groups. Whether all of them are read: not, when it is enough.
    async fn read_each(&mut self, mut ids: VecDeque<String>, news: &mut u64) -> Result<bool, Failure> {
        while !ids.is_empty() {
            if self.is_enough() {
                return Ok(false);
            }
            let room = self.asked.limit.map_or(u64::MAX, |limit| limit.saturating_sub(self.spool.len()));
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            let group: Vec<String> = ids.drain(..ids.len().min(GROUP).min(room)).collect();
            let (batch, failure) = self.read_group(group).await;
            *news += self.keep(&batch, after_part)?;
            if let Some(failure) = failure {
                return Err(failure);
            }
        }
        Ok(true)
    }

    /// Who was read, in the order of the ids, and the first failure.
    async fn read_group(&self, ids: Vec<String>) -> (Batch, Option<Failure>) {
        let Target { connector, http, concurrency, .. } = self.asked.source;
        let (mut flight, mut done) = (JoinSet::new(), Vec::new());
        let mut failure = None;
        for (no, id) in ids.into_iter().enumerate() {
            while flight.len() >= (*concurrency).max(1) {
                note(flight.join_next().await, &mut done, &mut failure);
            }
            if failure.is_some() {
                break;
            }
            let (connector, http, clock) = (Arc::clone(connector), Arc::clone(http), self.asked.clock);
            flight.spawn(async move { (no, read(&*connector, &http, clock, &id).await, id) });
        }
        while !flight.is_empty() {
            note(flight.join_next().await, &mut done, &mut failure);
        }
        done.sort_by_key(|(no, ..)| *no);
        let mut batch = Batch::default();
        for (_, id, json) in done {
            match json {
                Some(json) => batch.read.push((id, json)),
                None => batch.missing.push(id),
            }
        }
        (batch, failure)
    }

    /// Keeps a batch with how far the reading is then; how many of it were new to the pass.
    fn keep(&mut self, batch: &Batch, then: impl FnOnce(&Reading, &Sums) -> Reading) -> Result<u64, Failure> {
        let before = &self.reading;
        self.reading = self.spool.add(before.pass, batch, |sums| then(before, sums))?;
        let sums = self.spool.sums();
        let Reading { pass, total, .. } = self.reading;
        (self.asked.progress)(&FetchState { held: sums.held, missing: sums.missing, pass, total });
        Ok(sums.news)
    }

    fn stands_still(&self, cursor: &Cursor) -> Failure {
        let (title, name) = (&self.asked.connection.facts().title, &self.asked.connection.name);
        Failure::new(
            Exit::Unavailable,
            format!("{title} does not go on: the page after `{cursor}` of connection `{name}` is `{cursor}` again"),
        )
        .hint("try again later; if it stays so, the platform has changed")
    }

    /// What it says when it asks for more than was given.
    fn short(&self) -> Failure {
        let (title, name) = (&self.asked.connection.facts().title, &self.asked.connection.name);
        let (known, total) = (self.spool.sums().known(), self.reading.total.unwrap_or_default());
        let what = self.asked.what.name();
        Failure::new(
            Exit::Unavailable,
            format!(
                "{title} gave {known} of the {total} {what} that connection `{name}` holds by its own count, in {} passes",
                verdict::PASSES_MAX
            ),
        )
        .hint("try again later: `ferry resume` asks for the others, and keeps what was read")
    }
}

fn ids_of(read: &[(String, String)]) -> HashSet<String> {
    read.iter().map(|(id, _)| id.clone()).collect()
}

/// Whether it may come of an HTTP client that was stopped: what waited for another attempt gives up.
fn is_of_stop(failure: &Failure) -> bool {
    matches!(failure.exit, Exit::Interrupted | Exit::Terminated | Exit::Unavailable)
}

/// Who was read, by the place among the ids; none where no contact has the id.
type Done = Vec<(usize, String, Option<String>)>;
type Joined = Result<(usize, Result<Option<String>, Failure>, String), tokio::task::JoinError>;

fn note(joined: Option<Joined>, done: &mut Done, failure: &mut Option<Failure>) {
    match joined {
        Some(Ok((no, Ok(json), id))) => done.push((no, id, json)),
        Some(Ok((_, Err(error), _))) => drop(failure.get_or_insert(error)),
        Some(Err(error)) => drop(failure.get_or_insert(Failure::failed("a contact could not be read").cause(error))),
        None => {}
    }
}

/// One contact as text; none when no contact has this id.
async fn read(connector: &dyn Connector, http: &Http, clock: Clock, id: &str) -> Result<Option<String>, Failure> {
    let mut pause = PAUSE_FIRST;
    for tries_left in (0..TRIES_MAX).rev() {
        match connector.read(http, id, None).await {
            Ok(platforms::Reading::There(found)) => return text_of_contact(found).map(|(_, json)| Some(json)),
            Ok(platforms::Reading::Gone) => return Ok(None),
            Ok(platforms::Reading::Unreadable) => {
                let message = format!("`{id}` cannot be read: this server reads no contact by its id");
                return Err(Failure::new(Exit::Refused, message));
            }
            Err(Fault::InDoubt(_)) if tries_left > 0 => clock.sleep(pause).await,
            Err(Fault::InDoubt(failure)) => return Err(in_doubt(id, failure)),
            Err(fault) => return Err(stops(fault)),
        }
        pause *= 3;
    }
    Err(in_doubt(id, Failure::failed("it was not tried")))
}

fn in_doubt(id: &str, why: Failure) -> Failure {
    let hint = why.hint.clone().unwrap_or_else(|| "try again later: what was read is kept".to_owned());
    Failure::new(Exit::Unavailable, format!("contact `{id}` could not be read")).cause(why).hint(hint)
}

fn text_of_contact(mut found: Found) -> Result<(String, String), Failure> {
    if !found.contact.has(Field::Id) {
        found.contact.set_text(Field::Id, found.id.as_str());
    }
    text_of_object((found.id, found.contact.to_json()))
}

fn text_of_object((id, object): (String, Map<String, Value>)) -> Result<(String, String), Failure> {
    match serde_json::to_string(&object) {
        Ok(json) => Ok((id, json)),
        Err(error) => Err(Failure::failed(format!("`{id}` cannot be kept")).cause(error)),
    }
}

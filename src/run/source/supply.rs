//! What a run reads: a file, or what a source platform holds, which is read to disk first.

use super::slow_start::SlowStart;
use crate::clock::Clock;
use crate::files::{self, Format, Layout, Opened, ReadFault, Source};
use crate::http::Traffic;
use crate::ids::SourceStamp;
use crate::outcome::{Failure, Problem, Reject};
use crate::plan::SourcePlan;
use crate::record::{Header, Origin, Record};
use crate::report::{Console, State};
use crate::run::active::folder::account_at;
use crate::run::plan::FromPlatform;
use crate::run::source::account::{FetchAll, FetchState, Fetched, What, fetch_all, fetched_before};
use crate::run::stop::Stop;
use crate::run::target::{Beforehand, Target, Unreached, of_connection};
use crate::scratch::spool::{Completeness, Spool};
use crate::store::{Checkpoint, StateDir};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// What is read, to be opened for each pass.
pub enum Supply<'a> {
    /// A file.
    File(&'a SourcePlan),
    /// What a source platform held.
    Platform {
        /// Every contact, on disk.
        spool: Box<Spool>,
        /// How it is known that no contact is missing.
        completeness: Completeness,
        /// Not, when only as many were read as are wanted this time.
        is_whole: bool,
        /// What its requests were.
        traffic: Box<Traffic>,
    },
}

impl Supply<'_> {
    /// Opens it from the beginning.
    ///
    /// # Errors
    /// What makes it unreadable as a whole.
    pub fn open(&self) -> Result<Opened, Failure> {
        match self {
            Supply::File(plan) => files::open(&plan.path, &plan.shown, &plan.options),
            Supply::Platform { spool, .. } => {
                Ok(Opened::new(Header::Contact, Layout::plain(Format::Jsonl), source_of(spool)?))
            }
        }
    }

    /// What changes when the content does, as far as that can be told.
    pub fn stamp(&self) -> Option<SourceStamp> {
        match self {
            Supply::File(plan) if plan.shown == "-" => None,
            Supply::File(plan) => SourceStamp::of_file(&plan.path),
            Supply::Platform { spool, is_whole, .. } => Some(SourceStamp::of_account(spool.len(), *is_whole)),
        }
    }

    /// How it is known that nothing is missing, where that is to be known.
    pub fn completeness(&self) -> Option<Completeness> {
        match self {
            Supply::File(_) => None,
            Supply::Platform { is_whole: false, .. } => None,
            Supply::Platform { completeness, .. } => Some(*completeness),
        }
    }

    /// Whether it is all that the source holds.
    pub fn is_whole(&self) -> bool {
        match self {
            Supply::File(_) => true,
            Supply::Platform { is_whole, .. } => *is_whole,
        }
    }

    /// What was sent for it.
    pub fn traffic(&self) -> Traffic {
        match self {
            Supply::File(_) => Traffic::default(),
            Supply::Platform { traffic, .. } => **traffic,
        }
    }
}

/// An account that is to be read.
#[derive(Clone, Copy)]
pub struct AccountAsked<'a> {
    /// The account.
    pub from: &'a FromPlatform,
    /// The folder of all runs.
    pub state: &'a StateDir,
    /// The folder of the run.
    pub folder: &'a Path,
    /// Enough is read when so many are held.
    pub limit: Option<u64>,
    /// How long to wait for an unavailable platform.
    pub wait: Duration,
}

/// Reads all contacts of a platform into the folder of a run, or continues such a reading; with a limit, as many as it
/// allows. None when the run was stopped.
///
/// # Errors
/// What stopped it; exit 6 when the platform gave less than it says it holds.
pub async fn supply_of(
    asked: &AccountAsked<'_>,
    console: &Console,
    clock: Clock,
    stop: &Stop,
) -> Result<Option<Supply<'static>>, Unreached> {
    let AccountAsked { from, state, folder, limit, wait } = *asked;
    if let Some(fetched) = fetched_before(folder, What::Contacts)? {
        return Ok(Some(supply(fetched, Traffic::default())));
    }
    let account = account_at(state, &from.connection, &from.address)?;
    // Another process may be writing there: what cannot be read is determined again.
    let known = Beforehand::of(Checkpoint::look(&account).ok().flatten().as_ref(), &account)?;
    let source = Target::reach(&from.connection, clock, wait, known, stop).await?;
    let Some(source) = source else { return Ok(None) };
    let progress = console.progress(&format!("reading from {}", from.connection.name), None);
    let slow_start = SlowStart::new(&from.connection, source.http.rate_now(), limit);
    let show = |state: &FetchState| {
        slow_start.note(state).iter().for_each(|note| console.note(note));
        progress.set(State { done: state.held, ..State::default() });
    };
    let what = FetchAll {
        source: &source,
        connection: &from.connection,
        config_folder: &from.config_folder,
        what: What::Contacts,
        folder,
        limit,
        clock,
        stop,
        progress: &show,
        given: None,
    };
    let fetched = fetch_all(what).await.map_err(|failure| of_connection(&from.connection, failure));
    progress.finish();
    let traffic = source.http.traffic();
    let fetched = fetched.map_err(|failure| Unreached { failure, traffic })?;
    if let Some(fetched) = &fetched
        && let Some(note) = fetched.note_of_secrets(&source.http, &from.connection.name)?
    {
        console.note(&note);
    }
    Ok(fetched.map(|fetched| supply(fetched, traffic)))
}

fn supply(fetched: Fetched, traffic: Traffic) -> Supply<'static> {
    let Fetched { spool, completeness, is_whole, .. } = fetched;
    Supply::Platform { spool: Box::new(spool), completeness, is_whole, traffic: Box::new(traffic) }
}

/// Every contact, and then a reject for each id that no contact has.
///
/// # Errors
/// Exit 1 when it cannot be read.
pub fn source_of(spool: &Spool) -> Result<Box<dyn Source>, Failure> {
    let (records, missing) = (spool.source()?, spool.missing()?);
    Ok(Box::new(AllContacts { records, missing, ordinal: 0 }))
}

struct AllContacts<M> {
    records: Box<dyn Source>,
    missing: M,
    ordinal: u64,
}

impl<M: Iterator<Item = Result<String, Failure>> + Send> Iterator for AllContacts<M> {
    type Item = Result<Record, ReadFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(record) = self.records.next() {
            self.ordinal += 1;
            return Some(record);
        }
        let origin = Origin { ordinal: self.ordinal, line: self.ordinal + 1 };
        self.ordinal += 1;
        Some(Err(match self.missing.next()? {
            Ok(id) => ReadFault::Reject(no_contact_has(&id, origin)),
            Err(failure) => ReadFault::Fatal(failure),
        }))
    }
}

impl<M: Iterator<Item = Result<String, Failure>> + Send> Source for AllContacts<M> {}

fn no_contact_has(id: &str, origin: Origin) -> Reject {
    let problem = Problem::new("id.not_found", format!("no contact at the source has the id `{id}`"))
        .at("id")
        .hint("take the id out of the list, or see that it belongs to this account");
    Reject { origin, raw: json!({ "id": id }).to_string().into_bytes().into(), problems: vec![problem] }
}

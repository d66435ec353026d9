//! A stream that is sent: the account is exported to a private file, and sent from there. The file stays until the next
//! reading, so that a receiver that has ended early gets the rest of it, and a reading that was stopped is resumed.

use super::{folder_of, name_of, show};
use crate::cli::args;
use crate::cli::context::{Context, stopped};
use crate::cli::export::{Destination, exported};
use crate::cli::import::pace_of;
use crate::contact::Field;
use crate::engines::{Bookmark, Kept, Outbox, Protocol, Selection, Shape, Stream, no_thread};
use crate::files::Format;
use crate::outcome::{Exit, Failure};
use crate::plan::work::{Export, Plan, Work};
use crate::plan::{self, Connection, Mistakes, TargetAsked, WorkAsked};
use crate::platforms::PlatformFacts;
use crate::run::active::folder::account_of;
use crate::run::active::record::RunRecord;
use crate::run::active::runs::newest_run;
use crate::run::export::{What, check_mapping};
use crate::run::source::saved_plan::SANDBOX;
use crate::run::stop::Stop;
use crate::store::Lock;
use jiff::{SignedDuration, Timestamp};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Contacts that were changed so long before a reading are read again: clocks differ, and lists lag.
const OVERLAP: SignedDuration = SignedDuration::from_mins(15);

/// How long the last lines may take when the process is to stop.
const LAST_LINES_MAX: Duration = Duration::from_secs(5);

/// An account that is read, and how its contacts are sent.
pub(crate) struct Source {
    asked: args::EngineSource,
    connection: Connection,
    pub shape: Shape,
    /// What it is: the account, and the mapping by which its contacts are sent.
    name: String,
}

impl Source {
    /// Checks what is asked for.
    ///
    /// # Errors
    /// Exit 2 with all that is wrong with it.
    pub(crate) fn of(asked: &args::EngineSource, context: &Context) -> Result<Source, Failure> {
        let mut mistakes = Mistakes::default();
        let rows = mistakes.take(rows_of(asked));
        let connection = mistakes.take(connection_of(asked, context));
        let region = asked.phones.region.as_deref();
        region.and_then(|region| mistakes.take(plan::region_choice(region)));
        let ((shape, mapping), connection) = mistakes.end(rows.zip(connection))?;
        let address = if asked.sandbox { SANDBOX.to_owned() } else { plan::address_of(&connection) };
        let account = account_of(&connection, &address);
        let name = name_of(&[account.as_str(), &mapping, region.unwrap_or_default()]);
        Ok(Source { asked: asked.clone(), connection, shape, name })
    }
}

fn connection_of(asked: &args::EngineSource, context: &Context) -> Result<Connection, Failure> {
    let asked = TargetAsked { to: from_of(asked)?.to_owned(), sandbox: asked.sandbox, ..TargetAsked::default() };
    plan::connection(&context.configuration()?, &asked)
}

/// What the records look like, and the mapping that makes them: what it says.
fn rows_of(asked: &args::EngineSource) -> Result<(Shape, String), Failure> {
    let Some(map) = &asked.map else { return Ok((Shape::whole(), String::new())) };
    let (mapping, _) = plan::load_mapping(map)?;
    Ok((Shape::of(&check_mapping(&mapping, What::Contacts)?), mapping.fingerprint()))
}

/// The connection that is read.
///
/// # Errors
/// Exit 2 when none is named.
pub(crate) fn from_of(source: &args::EngineSource) -> Result<&str, Failure> {
    source.from.as_deref().ok_or_else(|| {
        Failure::usage("no connection is named").hint("name it with `--from`, or as `connection` in the settings")
    })
}

/// What there is to send, for a catalog: what the records look like, and whether the platform says when a contact was
/// changed. No setting of the connection is needed.
///
/// # Errors
/// Exit 2 with all that is wrong with what is asked for.
pub(crate) fn discovered(asked: &args::EngineSource, context: &Context) -> Result<(Shape, bool), Failure> {
    let mut mistakes = Mistakes::default();
    let rows = mistakes.take(rows_of(asked));
    let config = mistakes.take(context.configuration());
    let found = config.as_ref().and_then(|config| {
        let from = mistakes.take(from_of(asked))?;
        mistakes.take(config.find(from).map_err(Failure::from))
    });
    let ((shape, _), found) = mistakes.end(rows.zip(found))?;
    Ok((shape, tells_changes(found.facts())))
}

/// Whether a platform says when a contact was changed, so that those that were not can be left out.
fn tells_changes(facts: &PlatformFacts) -> bool {
    facts.reads.contains(&Field::UpdatedAt) || facts.holds.contains(&Field::UpdatedAt)
}

/// What is sent.
pub(crate) struct Sent {
    pub source: Source,
    pub protocol: Arc<dyn Protocol>,
    pub selection: Selection,
    /// What an earlier start has left.
    pub kept: Kept,
}

impl Sent {
    /// How far an earlier start came with this account and this mapping.
    fn place(&self, context: &Context) -> Option<&Bookmark> {
        let other = match &self.kept {
            Kept::Nothing => return None,
            Kept::Place(place) if place.of == self.source.name => return Some(place),
            Kept::Place(_) => "is of another account or another mapping",
            Kept::Foreign => "is none that Ferry has sent",
        };
        context.console.note(&format!("the state {other}, so all contacts are sent"));
        None
    }
}

/// Sends the contacts of an account.
///
/// # Errors
/// What stopped it.
pub(crate) fn send(sent: &Sent, context: &Context) -> Result<Exit, Failure> {
    if !sent.selection.is_sent {
        context.console.note("the catalog selects no contacts, so nothing is sent");
        return Ok(Exit::Done);
    }
    let Source { asked, connection, shape, .. } = &sent.source;
    let is_incremental = tells_changes(connection.facts()) && sent.selection.is_incremental != Some(false);
    context.make_state(false)?;
    let folder = folder_of(&context.state)?;
    let files = Files { folder, name: format!("from-{}", name_of(&[sent.protocol.name(), from_of(asked)?])) };
    let _lock = Lock::take_for(&files.output(), "is reading this connection for a stream")?;
    let reading = files.reading(sent, is_incremental, context)?;
    let place = reading.place().clone();
    let stream = Stream { shape: shape.clone(), read_at: place.reading, selection: sent.selection.clone() };
    let mut outbox = Outbox::new(Arc::clone(&sent.protocol), std::io::stdout());
    outbox.begin(&stream, &place)?;
    // What there is to say about the configuration has been said.
    files.read(&reading, asked, &Context { knows_notes: true, ..context.in_state(context.state.clone()) })?;
    let file = files.file_of(&place);
    until_stopped(context, move |stop| outbox.send(&stream, &file, place, stop))?;
    Ok(Exit::Done)
}

/// Sends in a thread of its own, because a receiver that does not read would keep a signal from being noticed.
fn until_stopped(
    context: &Context,
    send: impl FnOnce(&Stop) -> Result<bool, Failure> + Send + 'static,
) -> Result<(), Failure> {
    context.block_on(|_, stop| async move {
        let (sender, mut ended) = oneshot::channel();
        let (mut stopping, of_thread) = (stop.watch(), stop.clone());
        let thread = std::thread::Builder::new().spawn(move || sender.send(send(&of_thread)));
        thread.map_err(|error| no_thread(&error))?;
        let ended = tokio::select! {
            ended = &mut ended => ended,
            _ = stopping.wait_for(|stop| *stop) => match timeout(LAST_LINES_MAX, ended).await {
                Ok(ended) => ended,
                Err(_) => return Err(stopped()),
            },
        };
        match ended {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(stopped()),
            Ok(Err(failure)) => Err(failure),
            Err(error) => Err(Failure::failed("sending ended unexpectedly: this is a bug in Ferry").cause(error)),
        }
    })
}

/// Where readings are kept.
struct Files {
    folder: PathBuf,
    name: String,
}

/// Where the contacts of a stream come from.
enum Reading {
    /// From the file of an earlier reading, behind what was sent of it.
    Whole(Bookmark),
    /// From a reading that was stopped, which is resumed.
    Stopped(Bookmark, Box<RunRecord>),
    /// From a new reading.
    New(Bookmark),
}

impl Reading {
    fn place(&self) -> &Bookmark {
        let (Reading::Whole(place) | Reading::Stopped(place, _) | Reading::New(place)) = self;
        place
    }
}

impl Files {
    /// The file that an export writes.
    fn output(&self) -> PathBuf {
        self.folder.join(format!("{}.jsonl", self.name))
    }

    /// The file of a whole reading.
    fn file_of(&self, place: &Bookmark) -> PathBuf {
        self.folder.join(format!("{}-{}.jsonl", self.name, place.reading.as_millisecond()))
    }

    /// What is read, after what was sent before.
    fn reading(&self, sent: &Sent, is_incremental: bool, context: &Context) -> Result<Reading, Failure> {
        let now = Timestamp::from_millisecond(Timestamp::now().as_millisecond()).unwrap_or_default();
        let begin = |since| Ok(Reading::New(Bookmark::begin(&sent.source.name, now, since)));
        let Some(place) = sent.place(context) else { return begin(None) };
        if place.complete {
            return begin(is_incremental.then(|| place.reading.checked_sub(OVERLAP).unwrap_or(place.reading)));
        }
        if self.file_of(place).is_file() {
            return Ok(Reading::Whole(place.clone()));
        }
        let begun_ms = u64::try_from(place.reading.as_millisecond()).unwrap_or_default();
        let is_it = |run: &RunRecord| !run.is_done() && run.started_ms >= begun_ms && self.is_ours(run);
        if let Some(run) = newest_run(&context.state, is_it)? {
            return Ok(Reading::Stopped(Bookmark { records: 0, ..place.clone() }, Box::new(run)));
        }
        begin(place.since.filter(|_| is_incremental))
    }

    /// Whether a run is a reading for this stream.
    fn is_ours(&self, run: &RunRecord) -> bool {
        match run.plan.as_ref().map(|plan| &plan.work) {
            Some(Work::Export(export)) => export.out == self.output(),
            _ => false,
        }
    }

    /// Reads the account, where that was not done before; then the file of the reading is there.
    fn read(&self, reading: &Reading, asked: &args::EngineSource, context: &Context) -> Result<(), Failure> {
        let ended = match reading {
            Reading::Whole(_) => return Ok(()),
            Reading::Stopped(_, run) => {
                let Some(Work::Export(export)) = run.plan.clone().map(Plan::resumed).map(|plan| plan.work) else {
                    return Err(Failure::failed("a reading without its plan: this is a bug in Ferry"));
                };
                let again = Context { resumes: Some(run.run.clone()), ..context.in_state(context.state.clone()) };
                exported(&export, &again, Destination::Own)?
            }
            Reading::New(place) => {
                self.forget_older();
                exported(&self.export_of(place, asked, from_of(asked)?), context, Destination::Own)?
            }
        };
        show(&ended.summary, &context.console);
        if let Some(failure) = ended.failure {
            return Err(failure);
        }
        match ended.exit {
            Exit::Done | Exit::Rejects => {}
            Exit::Interrupted | Exit::Terminated => return Err(stopped()),
            exit => return Err(Failure::new(exit, "the account was not read to its end")),
        }
        let (output, file) = (self.output(), self.file_of(reading.place()));
        std::fs::rename(&output, &file)
            .map_err(|error| Failure::failed(format!("`{}` cannot be renamed", output.display())).cause(error))
    }

    fn export_of(&self, place: &Bookmark, asked: &args::EngineSource, from: &str) -> Export {
        Export {
            from: from.to_owned(),
            sandbox: asked.sandbox,
            what: What::Contacts.name().to_owned(),
            map: asked.map.clone(),
            region: asked.phones.region.clone(),
            out: self.output(),
            format: Some(Format::Jsonl),
            raw_cells: false,
            since: place.since.map(|since| since.to_string()),
            changes: None,
            retain: None,
            at_least: asked.at_least.filter(|at_least| *at_least > 0),
            limits: WorkAsked { fresh: true, ..WorkAsked::default() },
            pace: pace_of(&asked.pace),
        }
    }

    /// Removes earlier readings, all of which have been sent or are of no use any more. What cannot be removed does no harm.
    fn forget_older(&self) {
        let begin = format!("{}-", self.name);
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(&begin)) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

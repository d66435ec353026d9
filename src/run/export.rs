//! `ferry export`: from a platform into a file.
//!
//! Everything is first read to disk ([`crate::run::gather`]); a file is only written of a reading that is whole, and
//! appears whole or not at all. A typed export begins anew; `ferry resume` goes on from the last page.

mod end;
mod matched;
mod write;

use crate::checkpoint::spool::Completeness;
use crate::checkpoint::{Checkpoint, Lock};
use crate::clock::Clock;
use crate::contact::Field;
use crate::files::{Format, Layout};
use crate::http::Traffic;
use crate::ids::{CommandKind, WorkId};
use crate::mapping::phone::Region;
use crate::mapping::{Mapping, RegionChoice};
use crate::outcome::{Exit, Failure};
use crate::plan::{Connection, WorkAsked};
use crate::platforms::{LISTS, PlatformFacts};
use crate::record::Header;
use crate::report::{Console, State};
use crate::run::active::close::Ended;
use crate::run::active::folder::{account_at, forget, make_private, run_folder};
use crate::run::active::record::RunRecord;
use crate::run::active::runs::{new_run, run_named};
use crate::run::changes::ChangesReady;
use crate::run::gather::{Gather, GatherState, Gathered, gather};
use crate::run::rejects::RejectsFiles;
use crate::run::retain::Moment;
use crate::run::rows::Sums;
use crate::run::stop::Stop;
use crate::run::target::{Target, Unreached, of_connection, remembered_rate};
use crate::run::trace::Trace;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use write::Form;

pub use crate::run::gather::What;
pub use write::check_mapping;

/// The dates by which a contact is left out with `--since`, the first that it has.
const DATES: [Field; 2] = [Field::UpdatedAt, Field::CreatedAt];

/// What stands behind the name of a job's file that does not hold everything.
const PARTIAL: &str = ".partial";

/// A checked export.
pub struct ExportPlan {
    /// Where from.
    pub connection: Connection,
    /// The address without what may change between two processes of one run.
    pub address: String,
    /// The folder to which paths in the connection's settings are relative.
    pub config_folder: PathBuf,
    /// What is read.
    pub what: What,
    /// How a contact becomes a row; none: whole.
    pub mapping: Option<Mapping>,
    /// The name by which the mapping was asked for.
    pub mapping_name: Option<String>,
    /// What `--region` says.
    pub region: Option<RegionChoice>,
    /// The region of the connection.
    pub connection_region: Option<Region>,
    /// The file as typed, `{date}` and `{time}` in it; `-`: standard output.
    pub out: PathBuf,
    /// Its format, when its name is not to say.
    pub format: Option<Format>,
    /// Whether cells are written without a formula guard.
    pub raw_cells: bool,
    /// Contacts that were last changed before are left out.
    pub since: Option<jiff::Timestamp>,
    /// Where to tell what changed since the last run, as typed.
    pub changes: Option<PathBuf>,
    /// Older files of the same name go.
    pub retain: Option<Duration>,
    /// Fewer contacts are a failure.
    pub at_least: Option<u64>,
    /// The rest of what was asked.
    pub work: WorkAsked,
    /// How long to wait for a platform that is not to be had.
    pub wait: Duration,
    /// The folder of all runs and checkpoints.
    pub state: PathBuf,
    /// The command line, for going on with it.
    pub arguments: Vec<String>,
    /// The folder it was typed in.
    pub folder: PathBuf,
    /// Whether it is a job of `ferry.yaml`.
    pub is_job: bool,
    /// The run that is resumed.
    pub resumes: Option<String>,
}

impl ExportPlan {
    /// Where the file goes: beside the one that is asked for, when it is a sample of a job.
    fn destination(&self, moment: Moment) -> PathBuf {
        let out = moment.fill(&self.out);
        if !self.is_sample_of_job() || self.is_to_stdout() {
            return out;
        }
        let mut name = out.into_os_string();
        name.push(PARTIAL);
        PathBuf::from(name)
    }

    fn is_sample_of_job(&self) -> bool {
        self.is_job && self.work.limit.is_some()
    }

    fn is_to_stdout(&self) -> bool {
        self.out.as_os_str() == "-"
    }

    /// What makes two exports the same work.
    fn work_id(&self) -> WorkId {
        let mapping = self.mapping.as_ref().map_or_else(String::new, Mapping::fingerprint);
        let (name, platform, what) = (&self.connection.name, &self.connection.facts().name, self.what.name());
        let parts = format!("export\n{name}\n{platform}\n{}\n{what}\n{mapping}\n{}", self.address, self.out.display());
        WorkId::of(&parts)
    }
}

/// Whether a platform can be exported in this way, as far as its facts tell.
///
/// # Errors
/// Exit 2 for a list that it does not have, and for `--since` where contacts have no dates.
pub fn check(platform: &PlatformFacts, what: What, is_since: bool) -> Result<(), Failure> {
    if let What::List(list) = what
        && !platform.lists.contains(&list)
    {
        let has = LISTS.iter().filter(|(list, _)| platform.lists.contains(list));
        let has: Vec<String> = has.map(|(_, name)| format!("`{name}`")).collect();
        let has = if has.is_empty() { String::new() } else { format!(", {}", has.join(", ")) };
        return Err(Failure::usage(format!("{} has no list of {}", platform.title, what.name()))
            .hint(format!("it has `contacts`{has}")));
    }
    if is_since && what != What::Contacts {
        return Err(Failure::usage("`--since` is for contacts").hint("leave it out: a list is written whole"));
    }
    let has_date = |field: &Field| platform.reads.contains(field) || platform.holds.contains(field);
    if is_since && !DATES.iter().any(has_date) {
        return Err(Failure::usage(format!("`--since`: {} does not say when a contact was changed", platform.title))
            .hint("leave it out; `--changes FILE` tells what is not as it was the last time"));
    }
    Ok(())
}

/// The run, while it is made.
struct Begun {
    info: RunRecord,
    folder: PathBuf,
    trace: Trace,
    /// What stands in names.
    moment: Moment,
    /// When this process took it up.
    started: Instant,
    work: WorkId,
}

/// What came of it.
#[derive(Default)]
struct Worked {
    sums: Sums,
    completeness: Option<Completeness>,
    /// Rejects that are in their file.
    rejected: u64,
    changes: Option<crate::report::Changes>,
    /// Whether what was read is fewer than asked for: whoever goes on reads it again.
    is_too_little: bool,
    /// Whether what is written is in place.
    is_placed: bool,
    /// Whether the whole export is.
    is_done: bool,
    /// What was sent to a source that did not answer.
    unreached: Traffic,
}

/// What is written, and not in place yet.
struct Ready {
    out: crate::files::Output,
    results: Option<crate::run::results::ResultsWriter>,
    changes: Option<ChangesReady>,
}

/// Writes what a platform holds.
///
/// # Errors
/// What stops it before a run has begun. Once it has, how it ended is told in [`Ended`].
pub async fn export(plan: &ExportPlan, console: &Console, clock: Clock, stop: &Stop) -> Result<Ended, Failure> {
    let platform = plan.connection.facts();
    let tells_changes = platform.reads.contains(&Field::UpdatedAt) || platform.holds.contains(&Field::UpdatedAt);
    if plan.since.is_some() && !tells_changes {
        console.note(&format!(
            "{} says when a contact was created, and not when it was changed: `--since` goes by that",
            platform.title
        ));
    }
    let form = Form::new(plan)?;
    let work = plan.work_id();
    let kept = kept_path(&plan.state, &work)?;
    let _lock = Lock::take_for(&kept, "is making this export")?;
    let begun = begin(plan, work, clock)?;
    let shape = (&Layout::plain(Format::Jsonl), &Header::Contact);
    let rejects = RejectsFiles::of(&plan.state, &begun.info, plan.work.rejects.as_deref(), shape);
    let line = Line { plan, console, clock, stop, form, kept, begun, rejects, met: AtomicU64::default() };
    let mut worked = Worked::default();
    let mut target = None;
    let done = line.work(&mut target, &mut worked).await;
    let done = done.map_err(|failure| of_connection(&plan.connection, failure));
    if let Err(failure) = &done
        && failure.exit == Exit::Usage
    {
        // Nothing was written, and there is nothing to go on with.
        forget(&plan.state, &line.begun.info.run);
        return Err(failure.clone());
    }
    line.end(target.as_ref(), worked, done.err())
}

/// Where what the last finished run wrote is kept; the lock stands beside it.
fn kept_path(state: &Path, work: &WorkId) -> Result<PathBuf, Failure> {
    let folder = state.join("exports");
    make_private(&folder)?;
    Ok(folder.join(work.as_str().get(..16).unwrap_or(work.as_str())))
}

fn begin(plan: &ExportPlan, work: WorkId, clock: Clock) -> Result<Begun, Failure> {
    let mut info = match &plan.resumes {
        Some(run) => run_named(&plan.state, run)?,
        None => {
            let out = plan.out.display().to_string();
            new_run(&plan.state, CommandKind::Export, &plan.connection.name, &out, &work, clock)?
        }
    };
    let moment = Moment::of(&info.started);
    info.target = plan.destination(moment).display().to_string();
    info.arguments = plan.arguments.clone();
    info.folder = plan.folder.clone();
    info.save(&plan.state)?;
    let folder = run_folder(&plan.state, &info.run);
    let trace = Trace::open(&folder);
    Ok(Begun { info, folder, trace, moment, started: clock.now(), work })
}

/// What all parts of an export need.
struct Line<'a> {
    plan: &'a ExportPlan,
    console: &'a Console,
    clock: Clock,
    stop: &'a Stop,
    form: Form,
    kept: PathBuf,
    begun: Begun,
    rejects: RejectsFiles,
    /// How many were read from the platform.
    met: AtomicU64,
}

impl Line<'_> {
    /// Reads, writes, puts in place.
    async fn work(&self, reached: &mut Option<Target>, worked: &mut Worked) -> Result<(), Failure> {
        let target = self.reach().await.map_err(|unreached| unreached.noted(&mut worked.unreached))?;
        let Some(target) = target else { return Ok(()) };
        let target = reached.insert(target);
        let plan = self.plan;
        let gathered = self.gather(target, plan.what, &self.begun.folder, plan.work.limit).await?;
        let Some(gathered) = gathered else { return Ok(()) };
        if let Some(note) = gathered.note_of_secrets(&target.http, &plan.connection.name)? {
            self.console.note(&note);
        }
        let Some(contacts) = self.contacts(target).await? else { return Ok(()) };
        self.met.store(gathered.spool.len() + gathered.missing, Ordering::Relaxed);
        worked.completeness =
            Some(gathered.completeness).filter(|_| gathered.is_whole).or(Some(Completeness::Unproven));
        let ready = tokio::task::block_in_place(|| self.write(&gathered, contacts, worked))?;
        let Some(ready) = ready else { return Ok(()) };
        self.place(ready, worked)?;
        worked.is_done = self.plan.work.limit.is_none() || gathered.is_whole && !self.is_cut(worked);
        Ok(())
    }

    /// Whether `--limit` left somebody out.
    fn is_cut(&self, worked: &Worked) -> bool {
        self.plan.work.limit.is_some_and(|limit| worked.sums.totals.read >= limit)
    }

    /// The source, once it has answered; none when the run was told to stop before.
    async fn reach(&self) -> Result<Option<Target>, Unreached> {
        let plan = self.plan;
        let account = account_at(&plan.state, &plan.connection, &plan.address)?;
        // Another process may be writing there: what cannot be read is found out anew.
        let rate = Checkpoint::look(&account).ok().flatten().and_then(|checkpoint| remembered_rate(&checkpoint));
        Target::reach(&plan.connection, self.clock, plan.wait, rate, self.stop).await
    }

    async fn gather(
        &self,
        target: &Target,
        what: What,
        folder: &Path,
        limit: Option<u64>,
    ) -> Result<Option<Gathered>, Failure> {
        let plan = self.plan;
        let progress = self.console.progress(&format!("reading {}", plan.connection.name), None);
        let http = Arc::clone(&target.http);
        let trace = &self.begun.trace;
        trace.look(http.traffic().sent, 0, None);
        let show = |state: &GatherState| {
            trace.look(http.traffic().sent, state.held + state.missing, http.allowed_per_s());
            if what == plan.what {
                self.met.store(state.held + state.missing, Ordering::Relaxed);
            }
            progress.set(State {
                done: state.held + state.missing,
                total: state.total,
                rejected: state.missing,
                waiting: http.pause().map(|pause| (pause.left, pause.why)),
                ..State::default()
            });
        };
        let gathered = gather(Gather {
            source: target,
            connection: &plan.connection,
            config_folder: &plan.config_folder,
            what,
            folder,
            limit,
            clock: self.clock,
            stop: self.stop,
            progress: &show,
        })
        .await;
        progress.finish();
        gathered
    }

    /// Puts everything that is written in place: first the export, last what the next one compares with.
    fn place(&self, ready: Ready, worked: &mut Worked) -> Result<(), Failure> {
        ready.out.commit()?;
        worked.is_placed = true;
        if let Some(results) = ready.results {
            results.commit()?;
        }
        self.rejects.copy(worked.rejected, self.console)?;
        if let Some(changes) = ready.changes {
            worked.changes = Some(changes.counted);
            changes.commit()?;
        }
        Ok(())
    }
}

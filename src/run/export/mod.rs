//! `ferry export`: from a platform into a file.
//!
//! Everything is first read to disk ([`crate::run::source::account`]); a file is only written of a reading that is whole, and
//! appears whole or not at all. A typed export starts over; `ferry resume` continues after the last page.

mod ahead;
mod end;
mod form;
mod maker;
mod matched;
mod parts;
mod plan;
mod put;
mod whole;
mod write;

pub use crate::run::source::account::What;
pub use form::check_mapping;
pub use plan::{ExportPlan, check};

use crate::clock::Clock;
use crate::contact::Field;
use crate::files::{Format, Layout};
use crate::ids::{CommandKind, WorkId};
use crate::outcome::{Exit, Failure};
use crate::record::Header;
use crate::report::Console;
use crate::run::active::ActiveRun;
use crate::run::active::begin::{RunSpec, Start};
use crate::run::active::close::Ended;
use crate::run::active::folder::{account_at, make_private};
use crate::run::rejects::RejectsFiles;
use crate::run::retain::Moment;
use crate::run::stop::Stop;
use crate::run::target::{Beforehand, Target, Unreached, of_connection};
use crate::scratch::spool::Completeness;
use crate::scratch::texts::Texts;
use crate::store::{Checkpoint, Lock};
use form::Form;
use matched::Matched;
use parts::{Asked, Exporting, Reached, Ready};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

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
    let (run, moment) = begin(plan, &work, clock)?;
    let shape = (&Layout::plain(Format::Jsonl), &Header::Contact);
    let rejects = RejectsFiles::of(&plan.state, &run.record, plan.work.rejects.as_deref(), shape);
    let export = Exporting { plan, console, clock, stop, form, kept, run, moment, rejects, met: AtomicU64::default() };
    let mut reached = Reached::default();
    let mut target = None;
    let done = export.work(&mut target, &mut reached).await;
    let done = done.map_err(|failure| of_connection(&plan.connection, failure));
    if let Err(failure) = &done
        && failure.exit == Exit::Usage
    {
        // Nothing was written, and there is nothing to resume.
        return Err(export.run.abandon(None, failure.clone()));
    }
    Ok(export.close(target.as_ref(), reached, done.err()))
}

/// Where what the last finished run wrote is kept; the lock stands beside it.
fn kept_path(state: &Path, work: &WorkId) -> Result<PathBuf, Failure> {
    let folder = state.join("exports");
    make_private(&folder)?;
    Ok(folder.join(work.as_str().get(..16).unwrap_or(work.as_str())))
}

/// Begins the run, or resumes the run of the name that the plan has. Its target is known when it has begun.
fn begin(plan: &ExportPlan, work: &WorkId, clock: Clock) -> Result<(ActiveRun, Moment), Failure> {
    let spec = RunSpec {
        kind: CommandKind::Export,
        source: &plan.connection.name,
        target: &plan.out.display().to_string(),
        work: work.clone(),
        state: &plan.state,
        typed: &plan.typed,
        start: plan.resumes.as_deref().map_or(Start::Fresh, Start::Named),
    };
    let mut run = ActiveRun::begin(&spec, clock)?;
    let moment = Moment::of(&run.record.started);
    run.record.target = plan.destination(moment).display().to_string();
    run.save()?;
    Ok((run, moment))
}

impl Exporting<'_> {
    /// Reads, writes, puts in place.
    async fn work(&self, answered: &mut Option<Target>, reached: &mut Reached) -> Result<(), Failure> {
        let target = self.reach().await.map_err(|unreached| unreached.noted(&mut reached.unreached))?;
        let Some(target) = target else { return Ok(()) };
        let target = answered.insert(target);
        let plan = self.plan;
        let ahead = self.ahead()?;
        let give = ahead.as_ref().map(|ahead| |page: Texts| ahead.take(page));
        let given = give.as_ref().map(|give| give as &(dyn Fn(Texts) + Send + Sync));
        let asked = Asked { what: plan.what, folder: &self.run.folder, limit: plan.work.limit, given };
        let fetched = self.fetch(target, asked).await?;
        let Some(fetched) = fetched else { return Ok(()) };
        if let Some(note) = fetched.note_of_secrets(&target.http, &plan.connection.name)? {
            self.console.note(&note);
        }
        let contacts = match self.contacts(target).await? {
            Matched::No => None,
            Matched::With(contacts) => Some(contacts),
            Matched::Stopped => return Ok(()),
        };
        self.met.store(fetched.spool.len() + fetched.missing, Ordering::Relaxed);
        reached.completeness = Some(fetched.completeness).filter(|_| fetched.is_whole).or(Some(Completeness::Unproven));
        let ready = tokio::task::block_in_place(|| self.write(&fetched, contacts, ahead, reached))?;
        let Some(ready) = ready else { return Ok(()) };
        self.place(ready, reached)?;
        reached.is_done = self.plan.work.limit.is_none() || fetched.is_whole && !self.is_cut(reached);
        Ok(())
    }

    /// Whether `--limit` left a contact out.
    fn is_cut(&self, reached: &Reached) -> bool {
        self.plan.work.limit.is_some_and(|limit| reached.sums.totals.read >= limit)
    }

    /// The source, once it has answered; none when the run was told to stop before.
    async fn reach(&self) -> Result<Option<Target>, Unreached> {
        let plan = self.plan;
        let account = account_at(&plan.state, &plan.connection, &plan.address)?;
        // Another process may be writing there: what cannot be read is determined again.
        let known = Beforehand::of(Checkpoint::look(&account).ok().flatten().as_ref(), &account)?;
        Target::reach(&plan.connection, self.clock, plan.wait, known, self.stop).await
    }

    /// Puts everything that is written in place: first the export, last what the next one compares with.
    fn place(&self, ready: Ready, reached: &mut Reached) -> Result<(), Failure> {
        ready.out.commit()?;
        reached.is_placed = true;
        if let Some(results) = ready.results {
            results.commit()?;
        }
        self.rejects.copy(reached.rejected, self.console)?;
        if let Some(changes) = ready.changes {
            reached.changes = Some(changes.counted);
            changes.commit()?;
        }
        Ok(())
    }
}

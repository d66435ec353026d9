//! How a transfer begins: its checkpoint, or a copy of it, and its run, which is new or resumed.

use super::job::{EffectsTo, Io, Job};
use super::parts::{Reached, Transfer};
use crate::outcome::Failure;
use crate::reconcile::guards::{Guards, GuardsAsked};
use crate::report::words::count;
use crate::run::active::ActiveRun;
use crate::run::active::begin::{RunSpec, Start, StoredRun};
use crate::run::active::folder::account_at;
use crate::run::active::runs::run_named;
use crate::run::correction::corrected;
use crate::run::preview::PreviewStore;
use crate::run::source::Source;
use crate::store::{AccountKey, Checkpoint};
use std::sync::Arc;

/// Begins the run, resumes the unfinished one of the same work, or begins a preview of either.
///
/// # Errors
/// What stops it before a run has begun.
pub(in crate::run) fn open<'a>(job: Job<'a>, io: Io<'a>) -> Result<Transfer<'a>, Failure> {
    let account = account_at(job.state, &job.to.connection, &job.to.address)?;
    if let Source::Written(written) = &job.source
        && !account.exists()
    {
        return Err(written.forgotten());
    }
    let preview = match job.effects {
        EffectsTo::Target => None,
        EffectsTo::Preview { is_saved } => {
            Some(PreviewStore::create(job.state, Checkpoint::look(&account)?.as_ref(), is_saved)?)
        }
    };
    let key = account.key.clone();
    let checkpoint = Checkpoint::open(&preview.as_ref().map_or(account, PreviewStore::checkpoint))?;
    match (&job.source, job.aim.corrects) {
        (Source::Written(written), _) => drop(written.row(&checkpoint)?),
        (Source::Records(_), Some(of)) => drop(corrected(of, &checkpoint, &job.to.connection.name)?),
        (Source::Records(_), None) => {}
    }
    let (run, stored) = begin(&job, (&checkpoint, key), io)?;
    let guards = Arc::new(Guards::new(&GuardsAsked::none(), 0, job.is_preview()));
    Ok(Transfer { job, io, checkpoint, stored, run, preview, target: None, guards, reached: Reached::default() })
}

fn begin(job: &Job<'_>, account: (&Checkpoint, AccountKey), io: Io<'_>) -> Result<(ActiveRun, StoredRun), Failure> {
    let checkpoint = account.0;
    let spec = RunSpec {
        kind: job.kind,
        source: job.source.shown(),
        target: &job.to.connection.name,
        work: job.work.clone(),
        state: job.state,
        typed: job.typed,
        start: if job.is_fresh { Start::Fresh } else { Start::Resume },
    };
    if job.is_preview() {
        return ActiveRun::begin_preview(&spec, checkpoint, io.console, io.clock);
    }
    let others = checkpoint.other_unfinished(spec.work.as_str())?;
    let begun = ActiveRun::begin_stored(&spec, account, io.console, io.clock)?;
    let is_new = !begun.0.is_resumed && matches!(job.source, Source::Records(_));
    for other in others.iter().filter(|_| is_new) {
        let left = run_named(job.state, &other.name).map_or(0, |record| record.totals.settled());
        let left = count(left, "record", "records");
        io.console.note(&format!(
            "another run to `{}` was left unfinished at {left}: `{}`; contacts that have arrived are found as they are",
            job.to.connection.name, other.name
        ));
    }
    Ok(begun)
}

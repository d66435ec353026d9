//! A run that writes to a platform, from its beginning to its end: open, first pass, settle, guard, second pass, close.
//!
//! What differs between commands is data: where contacts come from, what is wanted of them, where effects go. No command is
//! known here; the files in `crate::run::commands` put a job together, and add their sections to its end.

mod begin;
mod close;
mod guard;
pub(super) mod job;
mod open;
mod parts;
mod read;
mod send;
mod settle;

pub(super) use close::{Finished, Sections};

use crate::outcome::{Exit, Failure};
use crate::run::target::of_connection;
use job::{Io, Job};
use parts::Transfer;

/// Does the job, up to the end of its run, which the caller closes with its own sections.
///
/// # Errors
/// What stops it before a run has run. Once it has, how it ended is in [`Finished`].
pub(super) async fn transfer<'a>(job: Job<'a>, io: Io<'a>) -> Result<Finished<'a>, Failure> {
    let mut transfer = open::open(job, io)?;
    let failure = match work(&mut transfer).await {
        Err(failure) if failure.exit == Exit::Usage && transfer.reached.read == 0 => {
            return Err(transfer.run.abandon(Some((&transfer.checkpoint, transfer.stored)), failure));
        }
        worked => worked.err(),
    };
    Ok(Finished::of(transfer, failure).await)
}

async fn work(transfer: &mut Transfer<'_>) -> Result<(), Failure> {
    let Some(shown) = transfer.read().await? else { return Ok(()) };
    transfer.guard_first(&shown.first)?;
    let Some(target) = transfer.reach().await? else { return Ok(()) };
    transfer.tell_about_rate(&shown.first);
    let written = transfer.write(&target, shown).await;
    written.map_err(|failure| of_connection(&transfer.job.to.connection, failure))
}

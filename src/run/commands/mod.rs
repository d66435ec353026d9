//! What is particular to each command: its source, what is wanted, where effects go, and what it adds to the end of its
//! run. The work itself is `crate::run::transfer`; of `convert` it is `crate::run::conversion`.

mod apply;
mod convert;
mod correct;
mod foretold;
mod import;
mod migrate;
mod records;
mod undo;
mod undone;
mod verify;

pub use crate::run::conversion::ConvertPlan;
pub use convert::convert;
pub use undo::undo;
pub use verify::FILE as VERIFY_FILE;

use crate::clock::Clock;
use crate::outcome::Failure;
use crate::report::Console;
use crate::run::active::close::Ended;
use crate::run::plan::{Transfer, TransferPlan, Work};
use crate::run::stop::Stop;
use crate::run::transfer::job::Io;

/// Transfers contacts into a platform, or compares them with what is there.
///
/// # Errors
/// What stops it before a run has run. Once it has, how it ended is in [`Ended`].
pub async fn transfer(plan: &TransferPlan, console: &Console, clock: Clock, stop: &Stop) -> Result<Ended, Failure> {
    let io = Io { console, clock, stop };
    match &plan.work {
        Work::Transfer(Transfer::Import(source), effect) => import::import(plan, source, effect, io).await,
        Work::Transfer(Transfer::Correct(source, of), effect) => correct::correct(plan, (source, of), effect, io).await,
        Work::Transfer(Transfer::Migrate(source, from), effect) => {
            migrate::migrate(plan, (source, from), effect, io).await
        }
        Work::Apply(saved) => apply::apply(plan, saved, io).await,
        Work::Verify(replay, verify, check) => verify::verify(plan, replay, (verify, *check), io).await,
    }
}

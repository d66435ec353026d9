//! `ferry resume`: the stored plan of an unfinished run, performed again.

use super::args::{self, Resume};
use super::context::Context;
use super::files_read::no_plan;
use super::{apply, convert, export, import, migrate, undo, verify};
use crate::ids::CommandKind;
use crate::outcome::{Exit, Failure};
use crate::plan::work::{Pace, Plan, Repair, TransferSource, Undo, Work};
use crate::run::active::record::RunRecord;
use crate::run::active::runs::{newest_run, run_named};
use crate::run::own::{Use, prove_own};

pub(super) fn run(typed: &Resume, context: &Context) -> Result<Exit, Failure> {
    let info = unfinished(typed, context)?;
    prove_own(&info, &context.state, Use::Repeat)?;
    let Some(plan) = info.plan.clone().filter(Plan::is_known) else { return Err(no_plan(&info, "resumed")) };
    let plan = if context.is_in(&info.folder) { plan } else { plan.in_folder(&info.folder) }.resumed();
    context.console.note(&format!("ferry {}", info.arguments.join(" ")));
    let again = Context {
        words: info.arguments.clone(),
        folder: info.folder.clone(),
        resumes: Some(info.run.clone()),
        job: None,
        ..context.again(&plan, &info)
    };
    perform(&plan.work, &again)
}

/// Does the work of a stored plan.
fn perform(work: &Work, context: &Context) -> Result<Exit, Failure> {
    let prepared = match work {
        Work::Transfer(transfer, effect) => match &transfer.source {
            TransferSource::Migrate(..) => migrate::prepare(transfer, effect, context)?,
            _ => import::prepare(transfer, effect, context)?,
        },
        Work::Apply(plan) => apply::prepare(plan, context)?,
        Work::Verify(Repair { of, anyway, out }) => {
            let typed = args::Verify { run: Some(of.clone()), repair: true, anyway: *anyway, out: out.clone() };
            return verify::run(&typed, context);
        }
        Work::Undo(Undo { of, only, results, pace: Pace { rate, concurrency, wait } }) => {
            let pace = args::Pace { rate: rate.clone(), concurrency: *concurrency, wait: wait.clone() };
            let (run, only, results) = (Some(of.clone()), only.clone(), results.clone());
            return undo::run(&args::Undo { run, dry_run: false, only, plan: None, results, pace }, context);
        }
        Work::Convert(conversion) => return convert::perform(conversion, context),
        Work::Export(plan) => return export::perform(plan, context),
    };
    Ok(context.print_end(&import::carry(context, prepared)?))
}

/// Whether a run reads an account for a stream that is sent. A portion of a stream that is received is a run like any other.
pub(super) fn is_reading(info: &RunRecord) -> bool {
    let words = std::iter::once("ferry").chain(info.arguments.iter().map(String::as_str));
    info.command == CommandKind::Export && args::Args::understand(words).is_ok_and(|args| args.command.is_engine())
}

fn unfinished(typed: &Resume, context: &Context) -> Result<RunRecord, Failure> {
    let info = match &typed.run {
        Some(name) => run_named(&context.state, name)?,
        None => {
            let newest = newest_run(&context.state, |info| !info.is_done())?;
            newest.ok_or_else(|| Failure::usage("there is no unfinished run").hint("`ferry runs` lists all of them"))?
        }
    };
    if info.is_dry() {
        return Err(Failure::usage(format!("`{}` was a dry run: there is nothing to resume", info.run))
            .hint(format!("run its command again: `ferry {}`", info.arguments.join(" "))));
    }
    if info.is_done() {
        return Err(Failure::usage(format!("`{}` is done: there is nothing to resume", info.run))
            .hint("run its command again to start over: contacts that already arrived are left unchanged"));
    }
    if is_reading(&info) {
        let words = info.arguments.join(" ");
        return Err(Failure::usage(format!("`{}` is the reading of a stream, which its command resumes", info.run))
            .hint(format!("run `ferry {words}` again with the last state that the receiver of the stream has kept")));
    }
    if info.source == "-" {
        return Err(Failure::usage(format!("`{}` read standard input, which is gone", info.run))
            .hint(format!("give it the same input again: `… | ferry {}`", info.arguments.join(" "))));
    }
    Ok(info)
}

//! `ferry resume`: the words of an unfinished run, typed again.

use super::args::{Args, Command, Resume};
use super::context::Context;
use crate::outcome::{Exit, Failure};
use crate::run::active::record::RunRecord;
use crate::run::active::runs::{all_runs, run_named};
use crate::run::own::{Use, prove_own};
use clap::Parser;

pub(super) fn run(
    typed: &Resume,
    context: &Context,
    dispatch: fn(&Args, &Context) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let info = unfinished(typed, context)?;
    prove_own(&info, &context.state, Use::Repeat)?;
    // What was typed elsewhere would lead elsewhere from there.
    let is_here = context.folder == info.folder;
    let absolute = || std::path::absolute(&context.state).ok();
    let state = if is_here { None } else { absolute() }.unwrap_or_else(|| context.state.clone());
    std::env::set_current_dir(&info.folder).map_err(|error| {
        Failure::usage(format!(
            "the folder `{}`, in which `{}` was begun, cannot be entered",
            info.folder.display(),
            info.run
        ))
        .cause(error)
    })?;
    let words = std::iter::once("ferry".to_owned()).chain(info.arguments.iter().cloned());
    let mut args = Args::try_parse_from(words).map_err(|error| {
        Failure::failed(format!("the command of `{}` is not understood any more", info.run)).cause(error)
    })?;
    anew_only_if_asked(&mut args.command);
    context.console.note(&format!("ferry {}", info.arguments.join(" ")));
    let again = Context {
        platforms: context.platforms.clone(),
        console: context.console.clone(),
        env: context.env.clone(),
        state,
        config: args.global.config.clone(),
        words: info.arguments.clone(),
        folder: info.folder.clone(),
        resumes: Some(info.run.clone()),
        is_job: false,
        knows_notes: context.knows_notes,
    };
    dispatch(&args, &again)
}

/// What was begun anew once is gone on with now; a limit that was reached is one no more.
fn anew_only_if_asked(command: &mut Command) {
    match command {
        Command::Import(import) => (import.work.fresh, import.work.limit) = (false, None),
        Command::Export(export) => export.limit = None,
        Command::Migrate(migrate) => (migrate.work.fresh, migrate.work.limit) = (false, None),
        Command::Convert(convert) => (convert.work.fresh, convert.work.limit) = (false, None),
        Command::Apply(apply) => (apply.work.fresh, apply.work.limit) = (false, None),
        _ => {}
    }
}

fn unfinished(typed: &Resume, context: &Context) -> Result<RunRecord, Failure> {
    let info = match &typed.run {
        Some(name) => run_named(&context.state, name)?,
        None => {
            let newest = all_runs(&context.state)?.into_iter().find(|info| !info.is_done());
            newest.ok_or_else(|| Failure::usage("there is no unfinished run").hint("`ferry runs` lists all of them"))?
        }
    };
    if info.is_dry() {
        return Err(Failure::usage(format!("`{}` was a dry run: there is nothing to go on with", info.run))
            .hint(format!("type its command again: `ferry {}`", info.arguments.join(" "))));
    }
    if info.is_done() {
        return Err(Failure::usage(format!("`{}` is done: there is nothing to go on with", info.run))
            .hint("type its command again to begin anew: what is there already is left as it is"));
    }
    if info.source == "-" {
        return Err(Failure::usage(format!("`{}` read standard input, which is gone", info.run))
            .hint(format!("give it the same input again: `… | ferry {}`", info.arguments.join(" "))));
    }
    Ok(info)
}

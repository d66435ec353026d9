//! The command line as data: commands, options and their help. It does not check values against each other, and reads no
//! file; `plan` does.

mod command;
mod engines;
mod global;
mod headings;
mod moving;
mod other;
mod overview;
mod worker;

pub use command::Command;
pub use engines::*;
pub use global::Global;
pub use moving::*;
pub use other::*;
pub use worker::*;

use crate::ids::CommandKind;
use crate::plan::jobs::COMMANDS;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory, FromArgMatches, Parser};
use std::ffi::OsString;

/// Moves contacts between files and customer platforms, and accounts for each one
///
/// Each record is created, updated, unchanged, skipped, or rejected with its reasons in a file that can be fixed and
/// imported. A run that was stopped, in whatever way, resumes where it was.
#[derive(Clone, Debug, Parser)]
#[command(name = "ferry", version, max_term_width = 100, propagate_version = true)]
#[command(disable_help_subcommand = true, disable_help_flag = true, disable_version_flag = true)]
#[command(override_usage = "ferry <COMMAND> [OPTIONS]", help_template = overview::TEMPLATE)]
#[command(after_help = overview::short(), after_long_help = overview::long())]
pub struct Args {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub global: Global,
    #[command(subcommand)]
    #[allow(missing_docs)]
    pub command: Command,
}

impl Args {
    /// Parses words, the first of which is the program's name. `ferry run` accepts every option of the commands that can
    /// be a job.
    ///
    /// # Errors
    /// If the words are invalid, or ask for help.
    pub fn understand(words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Args, clap::Error> {
        let command = Args::command();
        let options = job_options(&command);
        let matches = command.mut_subcommand("run", |run| run.args(&options)).try_get_matches_from(words)?;
        let mut args = Args::from_arg_matches(&matches)?;
        if let (Command::Run(run), Some(matches)) = (&mut args.command, matches.subcommand_matches("run")) {
            run.options = options.iter().filter_map(|option| typed(option, matches)).collect();
        }
        Ok(args)
    }
}

/// The options of all commands that can be a job. Any text is a value, because each job's command checks its own.
fn job_options(command: &clap::Command) -> Vec<Arg> {
    let mut options: Vec<Arg> = Vec::new();
    let is_job = |name: &str| CommandKind::named(name).is_some_and(|kind| COMMANDS.contains(&kind));
    let jobs = command.get_subcommands().filter(|command| is_job(command.get_name()));
    for known in jobs.flat_map(clap::Command::get_arguments) {
        let Some(long) = known.get_long() else { continue };
        if options.iter().any(|option| option.get_long() == Some(long)) {
            continue;
        }
        let is_flag = matches!(known.get_action(), ArgAction::SetTrue | ArgAction::SetFalse | ArgAction::Count);
        let action = if is_flag { ArgAction::SetTrue } else { ArgAction::Append };
        let option = known.clone().required(false).hide(true).action(action).default_value(None::<&str>);
        options.push(if is_flag { option } else { option.value_parser(clap::value_parser!(String)) });
    }
    options
}

fn typed(option: &Arg, matches: &ArgMatches) -> Option<TypedOption> {
    let id = option.get_id().as_str();
    let values: Vec<String> = match option.get_action() {
        ArgAction::SetTrue => matches.get_flag(id).then(Vec::new)?,
        _ => matches.get_many::<String>(id)?.cloned().collect(),
    };
    Some(TypedOption { option: format!("--{}", option.get_long()?), values })
}

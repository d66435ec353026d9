//! What is typed: commands, options, help. It decides nothing: `plan` makes sense of it.

mod moving;
mod other;

pub use moving::*;
pub use other::*;

use crate::ids::CommandKind;
use crate::plan::jobs::COMMANDS;
use crate::report::{Choice, OutputKind};
use clap::{Arg, ArgAction, ArgMatches, CommandFactory, FromArgMatches};
use clap::{Args as ClapArgs, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

const SOURCE: &str = "Source";
const TARGET: &str = "Target";
const EXISTING: &str = "What to do with what is there";
const LIMITS: &str = "Limits";
const OUTPUT: &str = "Output";

/// Carries contact bases between files and messaging platforms, and proves what became of every record
///
/// Each record is created, updated, unchanged, skipped on purpose, or left behind with its reasons in a file that can be
/// fixed and imported. A run that was stopped, in whatever way, goes on where it was.
#[derive(Clone, Debug, Parser)]
#[command(name = "ferry", version, max_term_width = 120, propagate_version = true, disable_help_subcommand = true)]
#[command(after_help = "\
Examples:
  ferry import contacts.csv --to shop --sandbox    rehearse, on this machine
  ferry import contacts.csv --to shop --dry-run    what would be written, field by field
  ferry import contacts.csv --to shop              a file into a platform
  ferry verify                                     whether all that arrived is there
  ferry undo 7f3a                                  take back the run whose name ends so
  ferry export --from shop --out contacts.csv      a platform into a file
  ferry migrate --from shop --to support           one platform into another
  ferry run --all --quiet                          the jobs of ferry.yaml, for cron
  ferry platforms                                  what each platform holds and needs

Exit codes:
  0 done   1 failed on this side   2 wrong usage   3 some rejected   4 some unknown   5 refused
  6 unavailable   7 busy   8 stopped by a guard   130, 143 interrupted")]
pub struct Args {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub global: Global,
    #[command(subcommand)]
    #[allow(missing_docs)]
    pub command: Command,
}

impl Args {
    /// What these words mean, the program's name before them. `ferry run` takes every option of the commands that can be
    /// a job.
    ///
    /// # Errors
    /// When they mean nothing, or ask for help.
    pub fn understand(words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Args, clap::Error> {
        let command = Args::command().term_width(0);
        let options = job_options(&command);
        let matches = command.mut_subcommand("run", |run| run.args(&options)).try_get_matches_from(words)?;
        let mut args = Args::from_arg_matches(&matches)?;
        if let (Command::Run(run), Some(matches)) = (&mut args.command, matches.subcommand_matches("run")) {
            run.options = options.iter().filter_map(|option| typed(option, matches)).collect();
        }
        Ok(args)
    }
}

/// The options of all commands that can be a job, any text being a value: each job's command is to judge it.
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

/// The options of every command.
#[derive(Clone, Debug, ClapArgs)]
pub struct Global {
    /// The configuration: connections and jobs [default: ferry.yaml, if there is one]
    #[arg(long, global = true, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// The folder of runs and checkpoints [default: FERRY_STATE, else .ferry beside ferry.yaml or here]
    #[arg(long, global = true, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// How results are written to standard output
    #[arg(long, global = true, value_enum, default_value_t = OutputKind::Human, help_heading = OUTPUT)]
    pub output: OutputKind,
    /// Print nothing at all when the exit code is 0, one block of text otherwise: made for cron
    #[arg(long, short, global = true, conflicts_with = "verbose", help_heading = OUTPUT)]
    pub quiet: bool,
    /// Print more about what is done; twice: still more
    #[arg(long, short, global = true, action = clap::ArgAction::Count, help_heading = OUTPUT)]
    pub verbose: u8,
    /// Colour; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Choice::Auto, help_heading = OUTPUT)]
    pub color: Choice,
    /// Progress on standard error; auto: a bar on a terminal, a line now and then elsewhere
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Choice::Auto, help_heading = OUTPUT)]
    pub progress: Choice,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Carry the contacts of a file into a platform
    ///
    /// Carries the contacts of a file into a platform. Each record is compared with what the platform holds for that
    /// person, and only the difference is written; a record that will not do is left behind in the rejects, with its
    /// reasons. An unfinished run of the same work is gone on with.
    Import(Import),
    /// Write the contacts of a platform to a file
    ///
    /// Writes the contacts of a platform, or another of its lists, to a file or to standard output. Everything is read
    /// first, and counted; the file is replaced when all of it is there, so that a failed export leaves the last one in
    /// place. Each export begins anew; `ferry resume` goes on with one that was stopped.
    Export(Export),
    /// Carry the contacts of one platform into another
    ///
    /// Carries the contacts of one platform into another, without a file between: everybody is read, proven to be
    /// everybody, and then compared with what the target holds, as in an import. Every field that both can hold goes
    /// over; what cannot is named. Each platform is asked at its own rate.
    Migrate(Migrate),
    /// Make another file of a file: the same reading, mapping and rejects, no platform
    ///
    /// Makes another file of a file, with the same reading, mapping and rejects as an import, and no platform. The
    /// format goes by the name of the file that is written; a reader never sees half of it.
    Convert(Convert),
    /// Do jobs of ferry.yaml, one after the other
    ///
    /// Does jobs of ferry.yaml, one after the other, also after a failed one, and ends with the worst exit code. All
    /// jobs are checked before the first one begins. Options of the jobs' commands can be typed too; they win over what
    /// a job says.
    Run(Run),
    /// Go on with an unfinished run
    ///
    /// Goes on with an unfinished run: what has arrived is not sent again, what is in doubt is found out first.
    Resume(Resume),
    /// Do exactly what a saved plan says, and nothing to a contact that has changed since
    ///
    /// Does exactly what a plan says that `--dry-run --plan plan.jsonl` wrote, at the connection for which it was made.
    /// Each contact is looked at again: one that is not as the plan saw it is not touched, and is left behind in the
    /// rejects as `plan.changed`. It is a run like an import: it can be stopped and gone on with.
    Apply(Apply),
    /// Compare what is at the target with what a run meant to be there
    ///
    /// Compares what is at the target with what a finished import or migration meant to be there, field by field, in the
    /// platform's own form. Every contact is one line of a file: `=` same, `~` differs, `-` missing, `?` unknown. Whoever
    /// the run rejected or left out is not compared. Nothing is written at the target, unless --repair says so.
    Verify(Verify),
    /// Take back what a run did
    ///
    /// Takes back what a run did: values that are still as it wrote them become what they were before, and contacts that
    /// it made are deleted where the platform lets us. What somebody has changed since is left alone and listed, and so
    /// is what the platform cannot take back. It is a run itself: it can be stopped, gone on with, and undone.
    Undo(Undo),
    /// List the runs, or show one
    ///
    /// Lists the runs, the newest first, or shows the summary of one.
    Runs(Runs),
    /// Say whether a connection's settings work, and what the account holds
    ///
    /// Asks the platform whether the settings of a connection work, and says in one line what the account holds and by
    /// which keys contacts are found there, each tried on somebody who exists. Nothing is changed.
    Check(Check),
    /// List the custom attributes that an account knows, or change them
    ///
    /// Lists the custom attributes that an account knows: those it defines, or, where nothing has to be defined, those
    /// that its contacts have, for which all of them are read. Where they are defined, they can be added, renamed and
    /// removed.
    Attributes(Attributes),
    /// Serve the platforms on this machine, to rehearse with
    ///
    /// Serves the platforms on this machine, each under the paths of its real API and with its quirks, and prints the
    /// settings that lead there. It can be slow, forgetful and faulty on purpose. Ends with Ctrl-C.
    Sandbox(Sandbox),
    /// Show what each platform can hold, needs, finds by and can take back
    ///
    /// Shows what each platform can hold, needs, finds by and can take back; with a name, all about one: its fields,
    /// and its settings with their defaults and environment variables.
    Platforms(Platforms),
    /// Work with mappings
    ///
    /// Works with mappings: the pages that say how a record becomes a contact.
    Map(Map),
    /// Print the completions of a shell
    ///
    /// Prints the completions of a shell, to be kept where the shell looks for them.
    Completions(Completions),
}

/// `ferry run`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Every option of a job's command may stand here: `ferry import --help` lists those of an import.

Examples:
  ferry run nightly
  ferry run nightly weekly --quiet
  ferry run --all --sandbox --limit 100")]
pub struct Run {
    /// The jobs, by their names in ferry.yaml
    #[arg(value_name = "JOB")]
    pub jobs: Vec<String>,
    /// All jobs, in the order of ferry.yaml
    #[arg(long, conflicts_with = "jobs")]
    pub all: bool,
    /// What is typed for the jobs' commands
    #[arg(skip)]
    pub options: Vec<TypedOption>,
}

/// An option that is typed for the command of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedOption {
    /// Its name: `--limit`.
    pub option: String,
    /// Its values; none where it takes none.
    pub values: Vec<String>,
}

//! What is typed: commands, options, help. It decides nothing: `plan` makes sense of it.

use crate::plan::jobs::COMMANDS;
use crate::report::{Choice, OutputKind};
use clap::{Arg, ArgAction, ArgMatches, CommandFactory, FromArgMatches};
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::net::SocketAddr;
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
  ferry sandbox                              rehearse: the platforms on this machine
  ferry map check contacts.yaml contacts.csv every mistake in a mapping, at once
  ferry import contacts.csv --to shop        carry the contacts over

Exit codes:
  0 done   1 failed on this side   2 wrong usage   3 some rejected   4 some unknown   5 refused
  6 not to be had   7 busy   8 stopped by a guard   130, 143 interrupted")]
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
    let jobs = command.get_subcommands().filter(|command| COMMANDS.contains(&command.get_name()));
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
    /// List the runs, or show one
    ///
    /// Lists the runs, the newest first, or shows the summary of one.
    Runs(Runs),
    /// Say whether a connection's settings work, and what the account holds
    ///
    /// Asks the platform once whether the settings of a connection work, and says in one line what the account holds
    /// and by which keys contacts are found there. Nothing is changed.
    Check(Check),
    /// List the custom attributes that an account knows, or change them
    ///
    /// Lists the custom attributes that an account knows: those it defines, or, where nothing has to be defined, those
    /// that its contacts have. Where they are defined, they can be added, renamed and removed.
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

/// `ferry import`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry import contacts.csv --to shop --map contacts.yaml
  ferry import contacts.csv --to shop --sandbox --limit 100     rehearse with the first 100
  zcat old.csv.gz | ferry import - --to shop --on-existing fill")]
pub struct Import {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: Source,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub target: Target,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub work: Work,
}

/// `ferry migrate`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry migrate --from shop --to support
  ferry migrate --from shop --to support --map shop-to-support.yaml --rate 5/s
  ferry migrate --from shop --to support --sandbox --limit 100      rehearse with the first 100")]
pub struct Migrate {
    /// The connection to read from: its name in ferry.yaml, or a platform's
    #[arg(long, value_name = "CONNECTION", help_heading = SOURCE)]
    pub from: String,
    /// The mapping, whose sources are fields of the contact: a YAML file, or the name of a built-in one [default: every
    /// field that both can hold]
    #[arg(long, short, value_name = "MAPPING", help_heading = SOURCE)]
    pub map: Option<PathBuf>,
    /// The country of phones written without a country code, as two letters [default: the mapping's, the connection's]
    #[arg(long, value_name = "COUNTRY", help_heading = SOURCE)]
    pub region: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub target: Target,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub work: Work,
}

/// The platform that is written to, and how.
#[derive(Clone, Debug, ClapArgs)]
pub struct Target {
    /// The connection to write to: its name in ferry.yaml, or a platform's
    #[arg(long, value_name = "CONNECTION", help_heading = TARGET)]
    pub to: String,
    /// Use the built-in sandbox for every platform; its data is kept in the state folder
    #[arg(long, help_heading = TARGET)]
    pub sandbox: bool,
    /// A contact that is there already: overwrite with what the source has, fill only its blanks, or leave it alone
    #[arg(long, value_enum, value_name = "HOW", default_value_t = OnExisting::Update, help_heading = EXISTING)]
    pub on_existing: OnExisting,
    /// Never create; who is not there is skipped
    #[arg(long, help_heading = EXISTING)]
    pub only_existing: bool,
    /// Define custom attributes that the account does not have, where it has to define them; without this they are a
    /// mistake that is told before anything is written
    #[arg(long, help_heading = TARGET)]
    pub create_attributes: bool,
    /// Requests per time: 10/s, 300/min, 5000/h, several joined by `,`, auto, auto,max=50/s, none [default: the
    /// connection's, else auto]
    #[arg(long, help_heading = LIMITS)]
    pub rate: Option<String>,
    /// Requests in flight [default: the connection's]
    #[arg(long, value_name = "N", value_parser = positive, help_heading = LIMITS)]
    pub concurrency: Option<u64>,
    /// How long to wait for a platform that is not to be had, such as 30s, 10m, 2h [default: a few minutes of retries]
    ///
    /// It goes on by itself when the platform is back. When the time is over it ends with exit code 6; the checkpoint is
    /// kept, and the same command goes on.
    #[arg(long, value_name = "TIME", help_heading = LIMITS)]
    pub wait: Option<String>,
}

/// `ferry export`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry export --from shop --out contacts.csv
  ferry export --from shop --out shop-{date}.csv.gz --retain 30d --at-least 5000
  ferry export --from shop --out shop.csv --changes changes.csv
  ferry export --from shop --what agents --format csv
  ferry export --from shop --map columns.yaml --format csv | head

In the names of --out and --changes, {date} is the day on which the run began (2026-11-22) and {time} its time (031500),
local time.")]
pub struct Export {
    /// The connection to read: its name in ferry.yaml, or a platform's
    #[arg(long, value_name = "CONNECTION", help_heading = SOURCE)]
    pub from: String,
    /// Which of its lists
    #[arg(long, value_enum, value_name = "LIST", default_value_t = Listed::Contacts, help_heading = SOURCE)]
    pub what: Listed,
    /// The mapping: a YAML file, or the name of a built-in one [default: whole contacts]
    #[arg(long, short, value_name = "MAPPING", help_heading = SOURCE)]
    pub map: Option<PathBuf>,
    /// Leave out contacts that were last changed before this day (2026-11-01) or moment (2026-11-01T08:00:00Z) [default:
    /// none are left out]
    #[arg(long, value_name = "DATE", conflicts_with = "changes", help_heading = SOURCE)]
    pub since: Option<String>,
    /// The country of phones written without a country code, as two letters [default: the mapping's, the connection's]
    #[arg(long, value_name = "COUNTRY", help_heading = SOURCE)]
    pub region: Option<String>,
    /// Use the built-in sandbox for every platform; its data is kept in the state folder
    #[arg(long, help_heading = SOURCE)]
    pub sandbox: bool,
    /// The file to write; its name says how: .csv, .tsv, .json, .jsonl, and .gz or .zst after it [default: `-`, standard
    /// output]
    #[arg(long, value_name = "FILE", help_heading = TARGET)]
    pub out: Option<PathBuf>,
    /// The format, where no name says it [default: jsonl]
    #[arg(long, value_enum, help_heading = TARGET)]
    pub format: Option<FileFormat>,
    /// Write cells as they are: without this, a `'` keeps a spreadsheet from running a cell as a formula
    #[arg(long, help_heading = TARGET)]
    pub raw_cells: bool,
    /// Write what was added, changed and removed since the last finished run of the same export that told it (CSV or
    /// JSON Lines by name) [default: not written]
    #[arg(long, value_name = "FILE", help_heading = TARGET)]
    pub changes: Option<PathBuf>,
    /// After a success, remove files of the same name whose date in it is older than this, such as 30d [default: none]
    #[arg(long, value_name = "AGE", requires = "out", help_heading = TARGET)]
    pub retain: Option<String>,
    /// Fewer contacts than this are a failure, and the file stays as it was [default: any number will do]
    #[arg(long, value_name = "N", value_parser = positive, help_heading = LIMITS)]
    pub at_least: Option<u64>,
    /// Write the first N contacts, as a sample: --changes, --retain and --at-least do nothing; `ferry resume` writes all
    /// [default: all]
    #[arg(long, value_name = "N", value_parser = positive, help_heading = LIMITS)]
    pub limit: Option<u64>,
    /// Requests per time: 10/s, 300/min, 5000/h, several joined by `,`, auto, auto,max=50/s, none [default: the
    /// connection's, else auto]
    #[arg(long, help_heading = LIMITS)]
    pub rate: Option<String>,
    /// Requests in flight [default: the connection's]
    #[arg(long, value_name = "N", value_parser = positive, help_heading = LIMITS)]
    pub concurrency: Option<u64>,
    /// How long to wait for a platform that is not to be had, such as 30s, 10m, 2h [default: a few minutes of retries]
    #[arg(long, value_name = "TIME", help_heading = LIMITS)]
    pub wait: Option<String>,
    /// Where the rejects go [default: the run's folder]
    #[arg(long, value_name = "PATH", help_heading = OUTPUT)]
    pub rejects: Option<PathBuf>,
    /// Write every contact with its outcome and the id it has on the platform [default: not written]
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    pub results: Option<PathBuf>,
}

/// `ferry convert`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry convert contacts.csv --out contacts.jsonl
  ferry convert contacts.csv --out clean.csv.gz --map contacts.yaml --region EC
  zcat old.csv.gz | ferry convert - --out old.jsonl.zst")]
pub struct Convert {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: Source,
    /// The file to write; its name says how: .csv, .tsv, .json, .jsonl, and .gz or .zst after it
    #[arg(long, value_name = "FILE", help_heading = TARGET)]
    pub out: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub work: Work,
}

/// The file that is read, and how.
#[derive(Clone, Debug, ClapArgs)]
pub struct Source {
    /// The file: CSV, JSON or JSON Lines, also compressed with gzip or zstd; `-` is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The mapping: a YAML file, or the name of a built-in one [default: by column names]
    #[arg(long, short, value_name = "MAPPING", help_heading = SOURCE)]
    pub map: Option<PathBuf>,
    /// The format of the file [default: what its content says]
    #[arg(long, value_enum, help_heading = SOURCE)]
    pub format: Option<FileFormat>,
    /// The encoding of the file, such as utf-8 or windows-1252 [default: what its content says]
    #[arg(long, value_name = "NAME", help_heading = SOURCE)]
    pub encoding: Option<String>,
    /// What separates the columns: `;` `,` `|` or tab [default: what the content says]
    #[arg(long, value_name = "CHAR", value_parser = delimiter, help_heading = SOURCE)]
    pub delimiter: Option<char>,
    /// The country of phones written without a country code, as two letters [default: the mapping's, the connection's]
    #[arg(long, value_name = "COUNTRY", help_heading = SOURCE)]
    pub region: Option<String>,
    /// Take cells as they are: without this, a `'` that keeps a spreadsheet from running a cell is written and taken off
    #[arg(long, help_heading = SOURCE)]
    pub raw_cells: bool,
}

/// The work: where it begins and ends, and what it leaves.
#[derive(Clone, Debug, ClapArgs)]
pub struct Work {
    /// Begin anew instead of going on with an unfinished run of the same work
    #[arg(long, help_heading = LIMITS)]
    pub fresh: bool,
    /// Stop after N records of the source; the same command without it goes on [default: all]
    #[arg(long, value_name = "N", value_parser = positive, help_heading = LIMITS)]
    pub limit: Option<u64>,
    /// Where the rejects go [default: the run's folder]
    #[arg(long, value_name = "PATH", help_heading = OUTPUT)]
    pub rejects: Option<PathBuf>,
    /// Write every record with its outcome and the id it has at the target [default: not written]
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    pub results: Option<PathBuf>,
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

/// `ferry resume`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry resume          the newest unfinished run
  ferry resume 7f3a     the run whose name ends so")]
pub struct Resume {
    /// The run, or the end of its name where that is unambiguous [default: the newest unfinished one]
    pub run: Option<String>,
}

/// `ferry runs`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry runs
  ferry runs 7f3a --rejects > rejects.csv
  ferry runs --prune 90d")]
pub struct Runs {
    /// The run, or the end of its name where that is unambiguous [default: all are listed]
    pub run: Option<String>,
    /// Print the rejects of the run
    #[arg(long, requires = "run", help_heading = OUTPUT)]
    pub rejects: bool,
    /// Forget finished runs older than this, such as 12h, 90d [default: none are forgotten]
    #[arg(long, value_name = "AGE", conflicts_with = "run", help_heading = LIMITS)]
    pub prune: Option<String>,
}

/// `ferry check`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry check shop
  ferry check shop --sandbox")]
pub struct Check {
    /// The connection: its name in ferry.yaml, or a platform's
    pub connection: String,
    /// Use the built-in sandbox for every platform; its data is kept in the state folder
    #[arg(long, help_heading = TARGET)]
    pub sandbox: bool,
}

/// `ferry attributes`.
#[derive(Clone, Debug, ClapArgs)]
#[command(subcommand_value_name = "CHANGE", subcommand_help_heading = "Changes")]
#[command(after_help = "\
Examples:
  ferry attributes shop
  ferry attributes shop add Plan
  ferry attributes shop rename Plan Tariff
  ferry attributes shop remove Tariff --yes")]
pub struct Attributes {
    /// The connection: its name in ferry.yaml, or a platform's
    pub connection: String,
    #[command(subcommand)]
    #[allow(missing_docs)]
    pub change: Option<AttributesChange>,
    /// Use the built-in sandbox for every platform; its data is kept in the state folder
    #[arg(long, global = true, help_heading = TARGET)]
    pub sandbox: bool,
}

/// The changes that `ferry attributes` makes.
#[derive(Clone, Debug, Subcommand)]
pub enum AttributesChange {
    /// Define an attribute; one that is there is left as it is
    Add {
        /// Its name, exactly
        #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
        name: String,
    },
    /// Give an attribute another name; contacts keep their values
    Rename {
        /// Its name, exactly
        old: String,
        /// Its new name
        #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
        new: String,
    },
    /// Remove an attribute, and with it the values that contacts have
    Remove {
        /// Its name, exactly
        name: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// `ferry sandbox`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry sandbox
  ferry sandbox --rate 10/s
  ferry sandbox --fault drop-after=0.05 --fault error-500=0.01 --seed 7")]
pub struct Sandbox {
    /// The address to listen on; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4010", help_heading = TARGET)]
    pub listen: SocketAddr,
    /// Refuse more requests than this, as a platform would: 10/s, 300/min [default: no limit]
    #[arg(long, help_heading = LIMITS)]
    pub rate: Option<String>,
    /// Misbehave with this probability, from 0 to 1 (repeatable): drop-before, drop-after, error-500, error-502-after,
    /// truncate, slow, lag [default: none]
    #[arg(long, value_name = "KIND=PROBABILITY", help_heading = LIMITS)]
    pub fault: Vec<String>,
    /// What the faults are drawn from: the same seed, the same faults [default: another one each time]
    #[arg(long, value_name = "N", help_heading = LIMITS)]
    pub seed: Option<u64>,
}

/// `ferry platforms`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry platforms          all, in short
  ferry platforms NAME     all about one of them")]
pub struct Platforms {
    /// The platform [default: all, in short]
    pub name: Option<String>,
}

/// `ferry map`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry map check contacts.yaml
  ferry map check contacts.yaml contacts.csv --to shop")]
pub struct Map {
    #[command(subcommand)]
    #[allow(missing_docs)]
    pub command: MapCommand,
}

/// The commands of `ferry map`.
#[derive(Clone, Debug, Subcommand)]
pub enum MapCommand {
    /// Show every mistake in a mapping, at once
    ///
    /// Shows every mistake in a mapping, at once, each with its place. With a file, also the columns that it does not
    /// have; with a connection, also the fields that the platform cannot hold.
    Check(MapCheck),
}

/// `ferry map check`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry map check contacts.yaml
  ferry map check contacts.yaml contacts.csv --to shop")]
pub struct MapCheck {
    /// The mapping: a YAML file, or the name of a built-in one
    pub mapping: PathBuf,
    /// A file that the mapping is for; `-` is standard input [default: columns are not checked]
    pub file: Option<PathBuf>,
    /// The connection that the mapping is for [default: the platform's fields are not checked]
    #[arg(long, value_name = "CONNECTION", help_heading = TARGET)]
    pub to: Option<String>,
}

/// `ferry completions`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry completions bash > ~/.local/share/bash-completion/completions/ferry
  ferry completions fish > ~/.config/fish/completions/ferry.fish")]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// What becomes of a contact that is at the target already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OnExisting {
    /// Overwrite with what the source has
    #[default]
    Update,
    /// Fill only its blanks
    Fill,
    /// Leave it alone
    Skip,
}

/// A list of a platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Listed {
    /// The contacts
    #[default]
    Contacts,
    /// The people of the account to whom contacts can belong
    Agents,
    /// What was said with contacts
    Conversations,
    /// Prepared messages
    Templates,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// Columns separated by commas or the like
    Csv,
    /// Columns separated by tabs
    Tsv,
    /// One JSON document
    Json,
    /// One JSON document a line
    Jsonl,
}

/// The separator of columns as people type it: one character, or `tab`, `\t`.
fn delimiter(text: &str) -> Result<char, String> {
    let mut chars = text.chars();
    match (text, chars.next(), chars.next()) {
        ("tab" | "\\t", _, _) => Ok('\t'),
        (_, Some(c @ (';' | ',' | '|' | '\t')), None) => Ok(c),
        _ => Err("expected `;` `,` `|` or `tab`".to_owned()),
    }
}

/// A number above 0.
fn positive(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err("expected a whole number above 0".to_owned()),
    }
}

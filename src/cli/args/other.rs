//! The commands that inspect, rehearse and set up, with their options in the order in which help lists them.

use super::headings::{FILES, LISTED, READING};
use crate::ids::{COMMANDS, CommandKind, RunStatus, STATUSES};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args as ClapArgs, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// `ferry resume`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry resume          the newest unfinished run
  ferry resume 7f3a     the run whose name ends in 7f3a")]
pub struct Resume {
    /// Name of the run, or its end if that is unambiguous [default: the newest unfinished run]
    pub run: Option<String>,
}

/// `ferry verify`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry verify                     the newest finished import, migration or applied plan
  ferry verify 7f3a --out verify.csv
  ferry verify 7f3a --repair       send what differs, and nothing else

Exit codes: 0 all the same, also after --repair; 3 a contact differs or is missing; 4 a contact is
unknown.")]
pub struct Verify {
    /// Name of the run, or its end if that is unambiguous [default: the newest finished import, migration or applied plan]
    pub run: Option<String>,
    /// Send what differs or is missing, and nothing else
    #[arg(long)]
    pub repair: bool,
    /// Compare although the source, the mapping or the connection has changed since the run
    #[arg(long)]
    pub anyway: bool,
    /// Where to write the list of contacts, as text, CSV or JSON Lines by file name [default: verify.txt in the run's
    /// folder]
    #[arg(long, value_name = "FILE", help_heading = FILES)]
    pub out: Option<PathBuf>,
}

/// `ferry runs`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry runs
  ferry runs --since 7d --status unfinished
  ferry runs --connection shop --command import --limit 5
  ferry runs 7f3a --rejects > rejects.csv
  ferry runs --prune 90d")]
pub struct Runs {
    /// Name of the run, or its end if that is unambiguous [default: list all runs]
    pub run: Option<String>,
    /// With --rejects, file for a copy of them [default: print them]
    #[arg(value_name = "FILE", requires = "rejects")]
    pub file: Option<PathBuf>,
    /// Print the rejects of the run, or write them to FILE
    #[arg(long, requires = "run")]
    pub rejects: bool,
    /// Remove finished runs older than AGE, with their rejects: 90d, 12h
    ///
    /// A removed run can no longer be undone or verified. Unfinished runs stay.
    #[arg(long, value_name = "AGE", conflicts_with = "run")]
    pub prune: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub only: RunsOnly,
}

/// Which runs are listed.
#[derive(Clone, Debug, Default, ClapArgs)]
pub struct RunsOnly {
    /// List runs that started since then: 7d, 12h, 2026-11-01 or 2026-11-01T08:00:00Z
    #[arg(long, value_name = "WHEN", conflicts_with_all = NOT_LISTED, help_heading = LISTED)]
    pub since: Option<String>,
    /// List runs of this command; repeatable
    #[arg(long, value_name = "COMMAND", value_parser = commands(), conflicts_with_all = NOT_LISTED, help_heading = LISTED)]
    pub command: Vec<CommandKind>,
    /// List runs that read from or write to this connection; repeatable
    #[arg(long, value_name = "CONNECTION", conflicts_with_all = NOT_LISTED, help_heading = LISTED)]
    pub connection: Vec<String>,
    /// List runs of this status; repeatable
    #[arg(long, value_name = "STATUS", value_parser = statuses(), conflicts_with_all = NOT_LISTED, help_heading = LISTED)]
    pub status: Vec<RunStatus>,
    /// List runs of this job of ferry.yaml; repeatable
    #[arg(long, value_name = "JOB", conflicts_with_all = NOT_LISTED, help_heading = LISTED)]
    pub job: Vec<String>,
    /// List the newest N of them
    #[arg(long, value_name = "N", value_parser = super::moving::positive, conflicts_with_all = NOT_LISTED, help_heading = LISTED)]
    pub limit: Option<u64>,
}

/// What is asked of one run, or does more than list.
const NOT_LISTED: [&str; 2] = ["run", "prune"];

fn commands() -> impl TypedValueParser<Value = CommandKind> {
    PossibleValuesParser::new(COMMANDS.map(|(_, name)| name)).map(|name| CommandKind::named(&name).unwrap_or_default())
}

fn statuses() -> impl TypedValueParser<Value = RunStatus> {
    PossibleValuesParser::new(STATUSES.map(RunStatus::name)).map(|name| RunStatus::named(&name).unwrap_or_default())
}

/// `ferry schema`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry schema mapping > mapping.schema.json
  ferry schema config > ferry.schema.json

An editor with a language server for YAML completes and checks a file whose first line is
  # yaml-language-server: $schema=mapping.schema.json")]
pub struct Schema {
    /// What to describe
    #[arg(value_enum)]
    pub of: SchemaOf,
}

/// A kind of file that has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SchemaOf {
    /// A mapping
    Mapping,
    /// The configuration, ferry.yaml
    Config,
}

/// `ferry check`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry check shop
  ferry check shop --sandbox")]
pub struct Check {
    /// Connection: its name in ferry.yaml, or the name of a platform
    pub connection: String,
    /// Use the built-in sandbox instead of every platform; its data is kept in the state folder
    #[arg(long)]
    pub sandbox: bool,
}

/// `ferry attributes`.
#[derive(Clone, Debug, ClapArgs)]
#[command(subcommand_value_name = "CHANGE", subcommand_help_heading = "Changes")]
#[command(after_help = "\
Examples:
  ferry attributes shop                       list the attributes
  ferry attributes shop add Plan              sends nothing if the attribute exists
  ferry attributes shop rename Plan Tariff    contacts keep their values
  ferry attributes shop remove Tariff --yes   contacts lose their values")]
pub struct Attributes {
    /// Connection: its name in ferry.yaml, or the name of a platform
    pub connection: String,
    #[command(subcommand)]
    #[allow(missing_docs)]
    pub change: Option<AttributesChange>,
    /// Use the built-in sandbox instead of every platform; its data is kept in the state folder
    #[arg(long, global = true)]
    pub sandbox: bool,
}

/// The changes that `ferry attributes` makes.
#[derive(Clone, Debug, Subcommand)]
pub enum AttributesChange {
    /// Define an attribute; one that exists is left as it is
    Add {
        /// Exact name
        #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
        name: String,
    },
    /// Rename an attribute; contacts keep their values
    Rename {
        /// Exact name
        old: String,
        /// New name
        #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
        new: String,
    },
    /// Remove an attribute and the values that contacts have
    Remove {
        /// Exact name
        name: String,
        /// Do not ask; without a terminal Ferry never asks
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
    /// Address to listen on, on loopback; port 0 takes any free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4010")]
    pub listen: SocketAddr,
    /// Refuse requests above this rate, as a platform would: 10/s, 300/min [default: no limit]
    #[arg(long)]
    pub rate: Option<String>,
    /// Inject a fault with a probability from 0 to 1; repeatable
    ///
    /// KIND is drop-before, drop-after, error-500, error-502-after, truncate, slow or lag.
    #[arg(long, value_name = "KIND=PROBABILITY")]
    pub fault: Vec<String>,
    /// Seed of the faults; the same seed gives the same faults [default: a new one each time]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// `ferry platforms`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry platforms          all platforms, in short
  ferry platforms NAME     all about one platform")]
pub struct Platforms {
    /// Platform [default: all, in short]
    pub name: Option<String>,
}

/// `ferry map`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry map suggest contacts.csv --to shop --out contacts.yaml
  ferry map check contacts.yaml contacts.csv --to shop")]
pub struct Map {
    #[command(subcommand)]
    #[allow(missing_docs)]
    pub command: MapCommand,
}

/// The commands of `ferry map`.
#[derive(Clone, Debug, Subcommand)]
pub enum MapCommand {
    /// Report every error in a mapping at once
    ///
    /// Each error is shown with its place. With FILE, columns that the file lacks are errors too, and the first contacts are
    /// shown as they would arrive. With --to, the fields that the platform cannot hold are listed.
    Check(MapCheck),
    /// Write a mapping for a file, with a comment on each guess
    ///
    /// Columns are understood by their names in seven languages, by what they hold, and by the layouts of vendors. What is
    /// unsure is written as a comment, not as a rule. The exit code is 3 if the target needs a field that the file lacks.
    Suggest(MapSuggest),
    /// Edit a mapping in a browser
    ///
    /// A page on 127.0.0.1 shows the columns of the file, the fields of a contact, the mapping, and the first contacts as
    /// they would arrive, after each change. It begins with what `map suggest` would write. Nothing is sent to a platform;
    /// "Save" writes the mapping. The command ends with "Done" on the page, or with Ctrl-C.
    Edit(MapEdit),
}

/// `ferry map edit`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry map edit contacts.xlsx --to shop
  ferry map edit contacts.csv --map contacts.yaml
  ferry map edit contacts.csv --out shop.yaml --no-open")]
pub struct MapEdit {
    /// File of contacts; `-` is standard input
    pub file: PathBuf,
    /// Connection that the contacts are for [default: none; what the platform holds is not shown]
    #[arg(long, value_name = "CONNECTION")]
    pub to: Option<String>,
    /// Mapping to begin with: a YAML file, or the name of a built-in mapping [default: what `map suggest` would write]
    #[arg(short, long, value_name = "MAPPING")]
    pub map: Option<PathBuf>,
    /// Where the mapping is saved [default: where it was opened, else the name of FILE with `.yaml`]
    ///
    /// Only a file that Ferry wrote is replaced.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Do not open a browser; the address is printed in any case
    #[arg(long)]
    pub no_open: bool,
    /// Use the built-in sandbox instead of the platform; its data is kept in the state folder
    #[arg(long)]
    pub sandbox: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub reading: Reading,
}

/// `ferry map suggest`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry map suggest contacts.csv
  ferry map suggest contacts.csv --to shop --out contacts.yaml")]
pub struct MapSuggest {
    /// File of contacts; `-` is standard input
    pub file: PathBuf,
    /// Connection that the contacts are for [default: none; what the platform needs is not checked]
    #[arg(long, value_name = "CONNECTION")]
    pub to: Option<String>,
    /// Where to write the mapping [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Use the built-in sandbox instead of the platform; its data is kept in the state folder
    #[arg(long)]
    pub sandbox: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub reading: Reading,
}

/// How a file is read that is only looked at.
#[derive(Clone, Debug, Default, ClapArgs)]
pub struct Reading {
    /// Country of phones without a country code: EC, 593 or Ecuador [default: what the file shows]
    #[arg(long, value_name = "COUNTRY", help_heading = READING)]
    pub region: Option<String>,
    /// Encoding of the file [default: detected]
    #[arg(long, value_name = "NAME", help_heading = READING)]
    pub encoding: Option<String>,
    /// Delimiter between cells [default: detected]
    #[arg(long, value_name = "CHARACTER", value_parser = super::moving::delimiter, help_heading = READING)]
    pub delimiter: Option<char>,
    /// Sheet of a workbook: its name or its number [default: the only one that has rows]
    #[arg(long, value_name = "SHEET", help_heading = READING)]
    pub sheet: Option<String>,
}

/// `ferry init`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry init
  ferry init --platform NAME --name shop --sandbox       to rehearse; no credentials are needed
  ferry init --platform NAME --name shop --set phone_region=EC --yes")]
pub struct Init {
    /// Platform of the connection [default: asked for]
    #[arg(long, value_name = "PLATFORM")]
    pub platform: Option<String>,
    /// Name of the connection [default: asked for, else that of the platform]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Setting of the connection that is no secret: phone_region=EC; repeatable
    #[arg(long, value_name = "SETTING=VALUE")]
    pub set: Vec<String>,
    /// Rehearse: test the built-in sandbox instead of the platform, and ask for no credentials
    #[arg(long)]
    pub sandbox: bool,
    /// Write the files without testing the connection
    #[arg(long)]
    pub no_check: bool,
    /// Do not ask; without a terminal Ferry never asks
    #[arg(long, short)]
    pub yes: bool,
}

/// `ferry inspect`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry inspect contacts.csv
  ferry inspect contacts.csv --samples none --json
  ferry inspect contacts.csv --html contacts.html")]
pub struct Inspect {
    /// File to describe; `-` is standard input
    pub file: PathBuf,
    /// Which values to show: some, or none
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = Samples::Some)]
    pub samples: Samples,
    /// Print JSON, as with --output json
    #[arg(long)]
    pub json: bool,
    /// Also write a page with charts
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub reading: Reading,
}

/// Which values of a file are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Samples {
    /// The first ones of each column, and invalid ones.
    #[default]
    Some,
    /// None: no personal data is printed.
    None,
}

/// `ferry map check`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry map check contacts.yaml
  ferry map check contacts.yaml contacts.csv --to shop")]
pub struct MapCheck {
    /// Mapping: a YAML file, or the name of a built-in mapping
    pub mapping: PathBuf,
    /// File that the mapping is for; `-` is standard input [default: columns are not checked]
    pub file: Option<PathBuf>,
    /// Connection that the mapping is for [default: the platform's fields are not checked]
    #[arg(long, value_name = "CONNECTION")]
    pub to: Option<String>,
    /// Check as for an import into the built-in sandbox; nothing is sent
    #[arg(long)]
    pub sandbox: bool,
}

/// `ferry completions`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry completions bash > ~/.local/share/bash-completion/completions/ferry
  ferry completions fish > ~/.config/fish/completions/ferry.fish")]
pub struct Completions {
    /// Shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `ferry help`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry help import
  ferry help map check
  ferry help mapping     the mapping language, with examples")]
pub struct Help {
    /// Command, or `mapping` [default: all commands]
    #[arg(value_name = "TOPIC")]
    pub topic: Vec<String>,
}

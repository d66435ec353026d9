//! The commands that look, rehearse and set up.

use super::{EXISTING, LIMITS, OUTPUT, SOURCE, TARGET};
use clap::{Args as ClapArgs, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

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

/// `ferry verify`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry verify                     the newest finished import, migration or plan
  ferry verify 7f3a --out verify.csv
  ferry verify 7f3a --repair       send what differs, and nothing else

Exit codes: 0 all the same, also after --repair; 3 something differs or is missing; 4 something is unknown.")]
pub struct Verify {
    /// The run, or the end of its name where that is unambiguous [default: the newest finished import, migration
    /// or applied plan]
    pub run: Option<String>,
    /// Send what differs or is missing, and nothing else
    #[arg(long, help_heading = EXISTING)]
    pub repair: bool,
    /// Compare also when the source, the mapping or the connection is not what it was: with what there is now
    #[arg(long, help_heading = SOURCE)]
    pub anyway: bool,
    /// Where every contact is written as one line: text, CSV or JSON Lines by its name [default: verify.txt in the folder
    /// of the run]
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    pub out: Option<PathBuf>,
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
    /// Remove finished runs older than this, such as 12h, 90d, with their rejects; they cannot be undone any more [default:
    /// none are removed]
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
  ferry attributes shop                       those there are
  ferry attributes shop add Plan              nothing is sent when it is there
  ferry attributes shop rename Plan Tariff    contacts keep their values
  ferry attributes shop remove Tariff --yes   contacts lose theirs")]
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
        /// Do not ask; without a terminal nothing is asked
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
    /// have, and the first contacts as they would arrive; with a connection, also the fields that the platform cannot hold.
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
    /// As for an import into the built-in sandbox; a check sends nothing
    #[arg(long, help_heading = TARGET)]
    pub sandbox: bool,
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

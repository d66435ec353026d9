//! The options of every command. Help lists them last.

use super::headings::GLOBAL;
use crate::report::{Choice, OutputKind};
use clap::{ArgAction, Args};
use std::path::PathBuf;

/// The options of every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Configuration file with connections and jobs [default: $FERRY_CONFIG, else ferry.yaml, if it exists]
    #[arg(long, global = true, value_name = "PATH", help_heading = GLOBAL, hide_short_help = true)]
    pub config: Option<PathBuf>,
    /// Folder for runs and checkpoints, or a database that machines share (postgres://USER@HOST/DATABASE) [default:
    /// $FERRY_STATE, else .ferry beside the file of --config, else .ferry here]
    #[arg(long, global = true, value_name = "DIR", help_heading = GLOBAL, hide_short_help = true)]
    pub state: Option<PathBuf>,
    /// Format of the results on standard output: human, or json (one object, printed last)
    #[arg(long, global = true, value_enum, default_value_t = OutputKind::Human)]
    #[arg(help_heading = GLOBAL, hide_short_help = true, hide_possible_values = true)]
    pub output: OutputKind,
    /// Print nothing if the exit code is 0, else one block of text; intended for cron
    #[arg(long, short, global = true, conflicts_with = "verbose", help_heading = GLOBAL, hide_short_help = true)]
    pub quiet: bool,
    /// Print requests and other details; -vv prints still more
    #[arg(long, short, global = true, action = ArgAction::Count, help_heading = GLOBAL, hide_short_help = true)]
    pub verbose: u8,
    /// When to use colour: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Choice::Auto)]
    #[arg(help_heading = GLOBAL, hide_short_help = true, hide_possible_values = true)]
    pub color: Choice,
    /// When to show progress on standard error: auto (a bar on a terminal, else a line now and then), always or never
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Choice::Auto)]
    #[arg(help_heading = GLOBAL, hide_short_help = true, hide_possible_values = true)]
    pub progress: Choice,
    /// Print help; -h prints less
    #[arg(long, short, global = true, action = ArgAction::Help, help_heading = GLOBAL)]
    #[arg(help = "Print all help, with the global options; -h prints a summary")]
    help: Option<bool>,
    /// Print the version
    #[arg(long, short = 'V', global = true, action = ArgAction::Version, help_heading = GLOBAL, hide_short_help = true)]
    version: Option<bool>,
}

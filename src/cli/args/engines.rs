//! The commands that orchestrators drive: Singer and Airbyte, with their options in the order in which help lists them.

use super::headings::{FILES, LIMITS};
use super::moving::{Guards, Pace, PhoneRegion, Writing};
use clap::{Args as ClapArgs, Subcommand};
use std::path::{Path, PathBuf};

/// The heading of the options that a protocol defines.
const PROTOCOL: &str = "Options of the protocol";

/// `ferry singer`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry singer tap --from shop | ferry singer target --to support
  ferry singer tap --config tap.json --state state.json

Here --config, --state, --catalog and --discover have Singer's meaning. The configuration of Ferry is
named by FERRY_CONFIG, its state folder by FERRY_STATE.")]
pub struct Singer {
    #[command(subcommand)]
    #[allow(missing_docs)]
    pub command: SingerCommand,
}

/// The commands of `ferry singer`.
#[derive(Clone, Debug, Subcommand)]
pub enum SingerCommand {
    /// Send the contacts of a platform as a Singer stream
    ///
    /// All contacts are read first, and the list is proven to be complete. SCHEMA, RECORD and STATE messages go to standard
    /// output; everything else goes to standard error. With the state of an earlier start, a reading that was not sent to
    /// its end is continued.
    Tap(SingerTap),
    /// Import a Singer stream into a platform
    ///
    /// The records of one stream are imported in portions, each like a file. A STATE is printed when every record before it
    /// has arrived, or is among the rejects. Rejects do not change the exit code.
    Target(SingerTarget),
}

/// `ferry singer tap`.
#[derive(Clone, Debug, ClapArgs)]
#[command(
    args_override_self = true,
    after_help = "\
Examples:
  ferry singer tap --from shop > contacts.singer
  ferry singer tap --config tap.json --discover > catalog.json
  ferry singer tap --config tap.json --catalog catalog.json --state state.json

The configuration is a JSON object: `connection`, any option above (`map`, `at_least`), and settings of
the connection (`api_key`)."
)]
pub struct SingerTap {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: EngineSource,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub settings: Settings,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub wanted: Wanted,
    /// Print the catalog
    #[arg(long, help_heading = PROTOCOL)]
    pub discover: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub about: About,
}

/// `ferry singer target`.
#[derive(Clone, Debug, ClapArgs)]
#[command(
    args_override_self = true,
    after_help = "\
Examples:
  some-tap | ferry singer target --to shop --map contacts.yaml
  some-tap | ferry singer target --config target.json --max-rejects 5%

The configuration is a JSON object: `connection`, any option above (`map`, `max_rejects`), and settings
of the connection (`api_key`). Limits in numbers are for the whole stream, percentages for each portion."
)]
pub struct SingerTarget {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub target: EngineTarget,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub settings: Settings,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub about: About,
}

/// What a tap or a target says about itself.
#[derive(Clone, Debug, ClapArgs)]
pub struct About {
    /// Print what it can do and its settings
    #[arg(long, help_heading = PROTOCOL)]
    pub about: bool,
    /// Format of --about: json is the only one
    #[arg(long, value_name = "FORMAT", requires = "about", value_parser = ["json"], help_heading = PROTOCOL)]
    pub format: Option<String>,
}

/// The platform that an orchestrator reads, and how.
#[derive(Clone, Debug, ClapArgs)]
pub struct EngineSource {
    /// Connection to read: its name in ferry.yaml, or the name of a platform [default: `connection` of the configuration]
    #[arg(long, value_name = "CONNECTION", display_order = 1)]
    pub from: Option<String>,
    /// Mapping that names the properties as `columns`: a YAML file, or the name of a built-in mapping [default: whole contacts]
    #[arg(long, short, value_name = "MAPPING", display_order = 3)]
    pub map: Option<PathBuf>,
    /// Use the built-in sandbox instead of the platform; its data is kept in the state folder
    #[arg(long, display_order = 6)]
    pub sandbox: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub phones: PhoneRegion,
    /// Fail (exit 6) with fewer than N contacts, and send none of them [default: no minimum]
    #[arg(long, value_name = "N", help_heading = LIMITS)]
    pub at_least: Option<u64>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub pace: Pace,
}

/// The platform that an orchestrator writes to, and how.
#[derive(Clone, Debug, ClapArgs)]
pub struct EngineTarget {
    /// Connection to write to: its name in ferry.yaml, or the name of a platform [default: `connection` of the configuration]
    #[arg(long, value_name = "CONNECTION", display_order = 2)]
    pub to: Option<String>,
    /// Mapping of the records: a YAML file, or the name of a built-in mapping [default: by their names]
    #[arg(long, short, value_name = "MAPPING", display_order = 3)]
    pub map: Option<PathBuf>,
    /// Stream whose records are contacts [default: the only one]
    #[arg(long, value_name = "NAME", display_order = 4)]
    pub stream: Option<String>,
    /// Use the built-in sandbox instead of the platform; its data is kept in the state folder
    #[arg(long, display_order = 6)]
    pub sandbox: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub writing: Writing,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub phones: PhoneRegion,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub guards: Guards,
    /// Also write the rejects to this file [default: only to the runs' folders]
    ///
    /// Rejects of an earlier portion in this file are kept as PATH.1, PATH.2 and so on.
    #[arg(long, value_name = "PATH", help_heading = FILES)]
    pub rejects: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub pace: Pace,
}

/// `ferry airbyte`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry airbyte source --from shop check --config config.json
  some-source | ferry airbyte destination write --config config.json --catalog catalog.json

Behind the call, --config, --catalog and --state have Airbyte's meaning. The configuration of Ferry is
named by FERRY_CONFIG, its state folder by FERRY_STATE.")]
pub struct Airbyte {
    #[command(subcommand)]
    #[allow(missing_docs)]
    pub command: AirbyteCommand,
}

/// The commands of `ferry airbyte`.
#[derive(Clone, Debug, Subcommand)]
pub enum AirbyteCommand {
    /// Be an Airbyte source: the contacts of a platform
    ///
    /// All contacts are read first, and the list is proven to be complete. Messages go to standard output; everything else
    /// goes to standard error.
    Source(AirbyteSource),
    /// Be an Airbyte destination: import records into a platform
    ///
    /// Records are imported in portions, each like a file. A state is handed back when every record before it has arrived,
    /// or is among the rejects. Rejects do not change the exit code.
    Destination(AirbyteDestination),
}

/// `ferry airbyte source`.
#[derive(Clone, Debug, ClapArgs)]
#[command(
    args_override_self = true,
    after_help = "\
Examples:
  ferry airbyte source spec
  ferry airbyte source read --config config.json --catalog catalog.json --state state.json"
)]
pub struct AirbyteSource {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: EngineSource,
    #[command(subcommand)]
    #[allow(missing_docs)]
    pub call: SourceCall,
}

/// What Airbyte asks of a source.
#[derive(Clone, Debug, Subcommand)]
pub enum SourceCall {
    /// Print which settings there are
    Spec,
    /// Test the connection
    Check(Settings),
    /// Print the catalog
    Discover(Settings),
    /// Send the contacts
    Read(SourceRead),
}

impl SourceCall {
    /// The file of the settings.
    pub fn config(&self) -> Option<&Path> {
        match self {
            SourceCall::Spec => None,
            SourceCall::Check(settings) | SourceCall::Discover(settings) => settings.config.as_deref(),
            SourceCall::Read(read) => read.settings.config.as_deref(),
        }
    }
}

/// `ferry airbyte destination`.
#[derive(Clone, Debug, ClapArgs)]
#[command(
    args_override_self = true,
    after_help = "\
Examples:
  ferry airbyte destination spec
  some-source | ferry airbyte destination write --config config.json --catalog catalog.json"
)]
pub struct AirbyteDestination {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub target: EngineTarget,
    #[command(subcommand)]
    #[allow(missing_docs)]
    pub call: DestinationCall,
}

/// What Airbyte asks of a destination.
#[derive(Clone, Debug, Subcommand)]
pub enum DestinationCall {
    /// Print which settings there are
    Spec,
    /// Test the connection
    Check(Settings),
    /// Import the records on standard input
    Write(DestinationWrite),
}

impl DestinationCall {
    /// The file of the settings.
    pub fn config(&self) -> Option<&Path> {
        match self {
            DestinationCall::Spec => None,
            DestinationCall::Check(settings) => settings.config.as_deref(),
            DestinationCall::Write(write) => write.settings.config.as_deref(),
        }
    }
}

/// The settings that an orchestrator hands over.
#[derive(Clone, Debug, ClapArgs)]
pub struct Settings {
    /// Settings, a JSON file
    #[arg(long, value_name = "FILE", help_heading = PROTOCOL)]
    pub config: Option<PathBuf>,
}

/// What an orchestrator wants of a stream.
#[derive(Clone, Debug, ClapArgs)]
pub struct Wanted {
    /// What is sent: the discovered catalog with what is selected, a JSON file [default: everything]
    #[arg(long, value_name = "FILE", help_heading = PROTOCOL)]
    pub catalog: Option<PathBuf>,
    /// The last state that the receiver handed back, a JSON file [default: start over]
    #[arg(long, value_name = "FILE", help_heading = PROTOCOL)]
    pub state: Option<PathBuf>,
}

/// `ferry airbyte source read`.
#[derive(Clone, Debug, ClapArgs)]
pub struct SourceRead {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub settings: Settings,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub wanted: Wanted,
}

/// `ferry airbyte destination write`.
#[derive(Clone, Debug, ClapArgs)]
pub struct DestinationWrite {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub settings: Settings,
    /// The configured catalog, a JSON file
    #[arg(long, value_name = "FILE", help_heading = PROTOCOL)]
    pub catalog: PathBuf,
}

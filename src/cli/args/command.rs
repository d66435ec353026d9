//! The commands, with the first paragraphs of their help. Their options are in `moving` and `other`.

use super::engines::{Airbyte, Singer};
use super::moving::{Apply, Convert, Export, Import, Migrate, Run, Undo};
use super::other::{
    Attributes, Check, Completions, Help, Init, Inspect, Map, Platforms, Resume, Runs, Sandbox, Schema, Verify,
};
use super::worker::{Jobs, Worker};
use clap::Subcommand;

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Import contacts from a file into a platform
    ///
    /// Each record is compared with what the platform holds, and only the difference is written. An invalid record is
    /// written to the rejects, with its reasons. The same command resumes an unfinished run.
    Import(Import),
    /// Export contacts from a platform to a file
    ///
    /// Everything is read and counted first, and the file is replaced when it is complete, so a failed export leaves the
    /// previous file in place. Each export starts over; `ferry resume` continues one that was stopped.
    Export(Export),
    /// Copy contacts from one platform to another
    ///
    /// All contacts are read first, and the list is proven to be complete. They are then compared with what the target
    /// holds, as in an import. Every field that both platforms can hold is carried; the others are reported.
    Migrate(Migrate),
    /// Convert a file of contacts to another format or layout
    ///
    /// The reading, the mapping and the rejects are those of an import; no platform is involved. The name of the output
    /// file sets its format, and a reader never sees half of it.
    Convert(Convert),
    /// Run jobs of ferry.yaml
    ///
    /// Jobs run one after the other, also after a failed one, and the exit code is the worst of theirs. All jobs are
    /// checked before the first one starts. Options of the jobs' commands override what a job says.
    Run(Run),
    /// Resume an unfinished run
    ///
    /// A record that has arrived is not sent again. Requests in doubt are settled first.
    Resume(Resume),
    /// Make exactly the changes of a saved plan
    ///
    /// The plan is written by `--dry-run --plan plan.jsonl`, and is applied to the connection that it was made for. Each
    /// contact is read again: one that has changed since the plan is left alone, and is rejected as `plan.changed`.
    Apply(Apply),
    /// Compare the target with what a run wrote
    ///
    /// Every contact of a finished import, migration or applied plan is read back and compared field by field. The list
    /// marks each one: `=` same, `~` differs, `-` missing, `?` unknown. Records that the run rejected or skipped are not
    /// compared. Nothing is written to the target without --repair.
    Verify(Verify),
    /// Undo a run, or one field of it
    ///
    /// Values that are still as the run wrote them become what they were before, and contacts that it created are deleted
    /// where the platform allows it. What has been changed since is left alone and listed, like everything that the
    /// platform cannot undo. An undo is a run: it can be stopped, resumed and undone.
    Undo(Undo),
    /// List the runs, or show one
    ///
    /// The newest run comes first. With RUN, its command and its summary are shown. Several options narrow the list down
    /// together.
    Runs(Runs),
    /// Test a connection and describe the account
    ///
    /// One line says whether the settings work, what the account holds, and by which fields it finds contacts; each field
    /// is tested on a contact that exists. Nothing is changed.
    Check(Check),
    /// List or change the custom attributes of an account
    ///
    /// Listed are the attributes that the account defines or, where none have to be defined, those that its contacts have,
    /// for which all contacts are read. Where they are defined, they can be added, renamed and removed.
    Attributes(Attributes),
    /// Run a local sandbox of the platforms, for rehearsal
    ///
    /// Each platform is served under the paths of its real API, with its quirks, and the settings that lead there are
    /// printed. Faults and limits can be switched on. Ctrl-C stops it.
    Sandbox(Sandbox),
    /// Show what each platform holds, requires, finds by and can undo
    ///
    /// With NAME, all about one platform: its fields, and its settings with their defaults and environment variables.
    Platforms(Platforms),
    /// Write a first ferry.yaml, by asking for what it needs
    ///
    /// The connection is tested, and ferry.yaml and the file with its secrets are written beside each other; files that exist
    /// are left as they are. On a terminal Ferry asks for what was not typed. A secret is not shown while it is typed.
    Init(Init),
    /// Describe the content of a file
    ///
    /// Shown are its format, its header and, for each column, how much is filled, what it holds and which values are
    /// invalid; then the contacts that occur twice. Nothing is sent.
    Inspect(Inspect),
    /// Suggest and check mappings
    ///
    /// A mapping is a YAML file that defines how a record becomes a contact; `ferry help mapping` explains the language.
    Map(Map),
    /// Print the JSON Schema of a mapping or of ferry.yaml
    ///
    /// An editor that has it completes and checks the file while it is written. `map suggest --out` and `init` write the
    /// schema beside the state of the runs, and name it in the first line of the file.
    Schema(Schema),
    /// List the jobs of ferry.yaml, with schedule, last run and next run
    ///
    /// With a shared store, the queue is shown as well: what waits and why, and what waits for a person.
    Jobs(Jobs),
    /// Run jobs from a shared queue, on as many machines as there are workers
    ///
    /// Jobs start by their schedules or by `submit`. One that was interrupted, or whose platform was unavailable, is tried
    /// again later; one that failed waits for a person. A worker that dies loses no job, and no job runs twice at a time.
    Worker(Worker),
    /// Speak the Singer protocol, for Meltano and others
    ///
    /// `tap` sends the contacts of a platform, `target` imports records into one. Singer's options come behind them.
    Singer(Singer),
    /// Speak the Airbyte protocol
    ///
    /// `source` sends the contacts of a platform, `destination` imports records into one; behind them comes what Airbyte
    /// asks for: `spec`, `check`, `discover`, `read`, `write`.
    Airbyte(Airbyte),
    /// Print shell completions
    ///
    /// The script goes to standard output; save it where the shell looks for completions.
    Completions(Completions),
    /// Show help for a command, or explain mappings
    ///
    /// `ferry help COMMAND` prints the same as `ferry COMMAND --help`.
    Help(Help),
}

impl Command {
    /// Whether an orchestrator drives it: then standard output belongs to a protocol, and so do `--config` and `--state`.
    pub fn is_engine(&self) -> bool {
        matches!(self, Command::Singer(_) | Command::Airbyte(_))
    }
}

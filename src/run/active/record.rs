//! The record of a run, `run.json`: its command, its status, its totals and what it needs to be resumed.
//!
//! It is only a description: which records have arrived is in the checkpoint.

use super::folder::{FILE, make_files_private, run_folder};
use super::seal::seal_of;
use crate::files::{self, About, Ledger};
use crate::ids::{CommandKind, RunStatus, WorkId};
use crate::outcome::{Failure, Totals};
use crate::plan::work::Plan;
use crate::store::postgres::KeptRun;
use crate::store::{AccountKey, StateDir};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;

/// What is known about a run without asking the checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunRecord {
    /// `20261122-0305-import-shop-7f3a`.
    pub run: String,
    /// The command that began it.
    pub command: CommandKind,
    /// The file or connection it reads.
    pub source: String,
    /// The file or connection it writes.
    pub target: String,
    /// How it stands.
    pub status: RunStatus,
    /// When it began, local time.
    pub started: String,
    /// Milliseconds since 1970 (UTC), for ordering and pruning.
    pub started_ms: u64,
    /// The totals of its last process.
    #[serde(rename = "books")]
    pub totals: Totals,
    /// The command line as typed, to be shown.
    pub arguments: Vec<String>,
    /// The folder it was typed in.
    pub folder: PathBuf,
    /// The job of `ferry.yaml` that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// Requests sent, repeated and refused for the rate, by all the processes of this run.
    pub requests: [u64; 3],
    /// Seconds of all the processes of this run.
    pub seconds: f64,
    /// Where the rejects are.
    pub rejects_file: Option<PathBuf>,
    /// The account whose checkpoint has its outcomes; none for `convert`.
    #[serde(rename = "checkpoint")]
    pub account: Option<AccountKey>,
    /// What makes another run the same work.
    pub work: WorkId,
    /// The last summary.
    pub summary: Option<Value>,
    /// What it does; none of a run that an older version of Ferry began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// By which the command is known as one that Ferry wrote here: see [`crate::run::own`].
    #[serde(default)]
    pub seal: Option<String>,
}

/// The letters of a day in [`RunRecord::started`].
const DAY_LEN: usize = 10;

impl RunRecord {
    /// A run of which nothing is known but its work.
    pub(in crate::run) fn nameless(command: CommandKind, source: &str, target: &str, work: &WorkId) -> RunRecord {
        let ([source, target], work) = ([source, target].map(str::to_owned), work.clone());
        RunRecord {
            run: String::new(),
            command,
            source,
            target,
            status: RunStatus::Unfinished,
            started: String::new(),
            started_ms: 0,
            totals: Totals::default(),
            arguments: Vec::new(),
            folder: PathBuf::new(),
            job: None,
            requests: [0; 3],
            seconds: 0.0,
            rejects_file: None,
            account: None,
            work,
            summary: None,
            plan: None,
            seal: None,
        }
    }

    /// The seal that its command has in this state folder; none where none can be computed.
    pub(in crate::run) fn expected_seal(&self, state: &StateDir) -> Option<String> {
        let plan = self.plan.as_ref().and_then(|plan| serde_json::to_string(plan).ok());
        let words: Vec<String> = self.arguments.iter().cloned().chain(plan).collect();
        seal_of(&self.run, &self.folder, &words, state)
    }

    /// What the checkpoint keeps of it, for the case that `run.json` is lost.
    pub fn kept(&self, state: &StateDir) -> Value {
        let sealed = RunRecord { seal: self.expected_seal(state), summary: None, ..self.clone() };
        serde_json::to_value(sealed).unwrap_or_default()
    }

    /// Whether there is nothing to resume.
    pub fn is_done(&self) -> bool {
        self.status != RunStatus::Unfinished
    }

    /// Whether it only looked.
    pub fn is_dry(&self) -> bool {
        self.status == RunStatus::DryRun
    }

    /// What is noted about a file that this run writes for an option (without its dashes).
    pub fn about(&self, option: &'static str) -> About {
        let (run, work) = (self.run.clone(), self.work.to_string());
        About { option, run, work, day: self.started.chars().take(DAY_LEN).collect() }
    }

    /// Where it is noted: a dry run changes nothing outside of its own folder.
    pub fn ledger(&self, state: &StateDir) -> Ledger {
        if self.is_dry() { Ledger::of_run(&run_folder(state, &self.run)) } else { state.ledger() }
    }

    /// Writes it to the run's folder, whole or not at all.
    pub fn save(&self, state: &StateDir) -> Result<(), Failure> {
        let folder = run_folder(state, &self.run);
        let fault = |error: std::io::Error| {
            Failure::failed(format!("`{}` cannot be written", folder.join(FILE).display())).cause(error)
        };
        let sealed = RunRecord { seal: self.expected_seal(state), ..self.clone() };
        let text = serde_json::to_vec_pretty(&sealed).map_err(|error| fault(error.into()))?;
        files::write_whole(&folder.join(FILE), &text).map_err(fault)?;
        make_files_private(&folder);
        match state.shared_runs()? {
            // A dry run stays on its machine.
            Some(runs) if !self.is_dry() => runs.put(KeptRun {
                name: self.run.clone(),
                started_ms: self.started_ms,
                work: self.work.to_string(),
                command: self.command.name(),
                record: String::from_utf8_lossy(&text).into_owned(),
            }),
            _ => Ok(()),
        }
    }
}

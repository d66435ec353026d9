//! What a run that writes to a platform is given: a source, what is wanted, where effects go, and the limits.
//!
//! It is data, put together by the files in `crate::run::commands`. No command is known here.

use crate::clock::Clock;
use crate::ids::{CommandKind, WorkId};
use crate::plan::WorkAsked;
use crate::plan::suggest::Typed;
use crate::report::Console;
use crate::run::active::record::RunRecord;
use crate::run::plan::{Rules, TargetPlan};
use crate::run::source::Source;
use crate::run::stop::Stop;
use crate::run::verified_run::VerifiedRun;
use crate::store::StateDir;
use std::path::PathBuf;
use std::sync::Arc;

/// What every command works with.
#[derive(Clone, Copy)]
pub(in crate::run) struct Io<'a> {
    pub console: &'a Console,
    pub clock: Clock,
    pub stop: &'a Stop,
}

/// What a run is given.
pub(in crate::run) struct Job<'a> {
    /// The kind of the run that begins.
    pub kind: CommandKind,
    /// What makes another run the same work.
    pub work: WorkId,
    /// Whether it begins a new run although there is an unfinished one.
    pub is_fresh: bool,
    /// What is being done, for the progress.
    pub title: String,
    pub source: Source<'a>,
    pub aim: Aim<'a>,
    pub effects: EffectsTo,
    /// How records become what is written: what an earlier run received counts only where this is the same.
    pub meaning: String,
    /// Folders of runs whose evidence about phones is used.
    pub evidence: Vec<PathBuf>,
    pub rules: Rules,
    pub limits: WorkAsked,
    pub to: &'a TargetPlan,
    /// The folder of all runs and checkpoints.
    pub state: &'a StateDir,
    pub typed: &'a Typed,
}

/// What is wanted beside what the source says.
#[derive(Clone, Default)]
pub(in crate::run) struct Aim<'a> {
    /// The contacts are compared with what this run wanted.
    pub confirms: Option<Arc<VerifiedRun>>,
    /// What this run wrote is corrected.
    pub corrects: Option<&'a RunRecord>,
}

/// Where effects go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::run) enum EffectsTo {
    /// To the target.
    Target,
    /// To a preview.
    Preview {
        /// Whether it is saved as a plan that can be applied.
        is_saved: bool,
    },
}

impl Job<'_> {
    pub fn is_preview(&self) -> bool {
        self.effects != EffectsTo::Target
    }

    /// Whether contacts get what their records say: then partially created ones whose records are gone are deleted, and
    /// values that contacts are sent without are listed.
    pub fn carries_records(&self) -> bool {
        matches!(self.source, Source::Records(_)) && self.aim.confirms.is_none()
    }
}

//! A transfer at work: its run, its checkpoint, its target, and how far it has come.

use super::job::{Io, Job};
use crate::http::Traffic;
use crate::outcome::{Exit, Failure};
use crate::reconcile::Reconciler;
use crate::reconcile::guards::Guards;
use crate::report::Counts;
use crate::run::active::ActiveRun;
use crate::run::active::begin::StoredRun;
use crate::run::active::folder::account_at;
use crate::run::pass::first::First;
use crate::run::pass::goals::Goals;
use crate::run::pass::second::Known;
use crate::run::preview::PreviewStore;
use crate::run::source::supply::Supply;
use crate::run::standing::Standing;
use crate::run::target::{Beforehand, Target, about_rate, of_connection, remembered_rate};
use crate::scratch::people::People;
use crate::scratch::spool::Completeness;
use crate::store::{Checkpoint, RunNo};
use std::sync::Arc;
use std::time::Duration;

/// A transfer at work.
pub(in crate::run) struct Transfer<'a> {
    pub job: Job<'a>,
    pub io: Io<'a>,
    /// The checkpoint of the target; of a preview a copy.
    pub checkpoint: Checkpoint,
    /// The run in it.
    pub stored: StoredRun,
    pub run: ActiveRun,
    /// What a preview works on.
    pub preview: Option<PreviewStore>,
    /// The target, once it has answered.
    pub target: Option<Arc<Target>>,
    /// What counts against the limits.
    pub guards: Arc<Guards>,
    pub reached: Reached,
}

/// How far a transfer has come.
#[derive(Default)]
pub(in crate::run) struct Reached {
    /// The pass that sends; 0: none was begun.
    pub pass: u32,
    /// Records that it read.
    pub read: u64,
    /// Records that the first pass read.
    pub counted: u64,
    /// Whether that was the whole source.
    pub is_whole: bool,
    /// Records that are in the rejects file.
    pub rejects: u64,
    /// Values that were left out of records that arrived, by code.
    pub left_blank: Counts,
    /// The guard that would stop the real run, in a preview.
    pub over: Option<Failure>,
    /// What was sent to a source platform, or to a target that did not answer.
    pub traffic: Traffic,
    /// How long reading the source platform took.
    pub source_time: Duration,
    /// How it is known that all contacts of a source platform were read.
    pub completeness: Option<Completeness>,
    /// Ids of partially created contacts whose records are gone, and that stay at the target.
    pub left_behind: Vec<String>,
}

/// What the source alone shows.
#[derive(Default)]
pub(in crate::run) struct Shown<'a> {
    /// The records, to be read again; none where the contacts come from no records.
    pub records: Option<ReadRecords<'a>>,
    pub first: First,
}

/// Records that were read once.
pub(in crate::run) struct ReadRecords<'a> {
    pub supply: Supply<'a>,
    /// Which of them are one contact.
    pub people: People,
}

/// With what the pass is done.
pub(in crate::run) struct Passing {
    pub reconciler: Arc<Reconciler>,
    pub goals: Goals,
    pub known: Known,
    pub first: First,
    /// What earlier processes of the pass have settled; none of a pass that begins.
    pub standing: Option<Arc<Standing>>,
}

impl Transfer<'_> {
    /// The number of the run, and of the pass that sends.
    pub fn pass(&self) -> (RunNo, u32) {
        (self.stored.no, self.reached.pass)
    }

    /// Connects to the target; none when the run was stopped before it had answered.
    ///
    /// # Errors
    /// Exit 2 for settings that do not work, 6 for an unavailable platform, 7 for one that refuses.
    pub async fn reach(&mut self) -> Result<Option<Arc<Target>>, Failure> {
        if self.target.is_none() {
            let to = self.job.to;
            let account = account_at(self.job.state, &to.connection, &to.address)?;
            let known = Beforehand::of(Some(&self.checkpoint), &account)?;
            let target = Target::reach(&to.connection, self.io.clock, to.wait, known, self.io.stop).await;
            let target = target.map_err(|unreached| {
                nothing_sent(of_connection(&to.connection, unreached.noted(&mut self.reached.traffic)))
            })?;
            self.target = target.map(Arc::new);
        }
        Ok(self.target.clone())
    }

    /// Says that the rate has yet to be found, where that makes a difference.
    pub fn tell_about_rate(&self, first: &First) {
        let note = about_rate(&self.job.to.connection, remembered_rate(&self.checkpoint), self.total(first));
        note.iter().for_each(|note| self.io.console.note(note));
    }

    /// Both passes must read identical input, because duplicates are identified by record position.
    ///
    /// # Errors
    /// Exit 1 when the source has changed.
    pub fn prove_unchanged(&self, supply: &Supply<'_>, first: &First) -> Result<(), Failure> {
        let is_same = first.stamp.is_none() || supply.stamp() == first.stamp;
        if is_same { Ok(()) } else { Err(self.changed()) }
    }

    /// The source has changed.
    pub fn changed(&self) -> Failure {
        Failure::failed(format!("`{}` changed while it was read", self.job.source.shown()))
            .hint("run the same command again: it resumes with the changed file")
    }
}

/// A platform that refuses the first request: the run is unfinished, and everything is as it was.
fn nothing_sent(failure: Failure) -> Failure {
    match (failure.exit, &failure.hint) {
        (Exit::Refused, Some(hint)) => {
            let hint = format!("{hint}; nothing was sent");
            failure.hint(hint)
        }
        _ => failure,
    }
}

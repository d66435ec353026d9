//! How a run ends: its exit code, and that its totals add up.

use crate::outcome::{Exit, Failure, Totals};
use crate::report::{Summary, Verified};
use crate::run::stop::Stop;

/// How a run ended.
pub struct Ended {
    /// What is told.
    pub summary: Summary,
    /// How the program ends.
    pub exit: Exit,
    /// What stopped it, if something did.
    pub failure: Option<Failure>,
    /// What a verification found, when it came to its end.
    pub verified: Option<Verified>,
}

pub(in crate::run) fn unbalanced(totals: &Totals) -> Failure {
    Failure::failed(format!(
        "the totals do not add up: {} records were read, and {} have an outcome",
        totals.read,
        totals.settled()
    ))
    .hint("this is a bug in Ferry; nothing is lost: the rejects and the checkpoint are kept")
}

pub(in crate::run) fn exit_of(failure: Option<&Failure>, totals: &Totals, is_stopped: bool) -> Exit {
    let stopped = is_stopped.then(|| Stop::signal().unwrap_or(Exit::Interrupted)).filter(|_| failure.is_none());
    let applying = [
        failure.map(|failure| failure.exit),
        Stop::signal().or(stopped),
        (totals.unknown > 0).then_some(Exit::Unknown),
        (totals.rejected > 0).then_some(Exit::Rejects),
    ];
    applying.into_iter().flatten().fold(Exit::Done, Exit::worse)
}

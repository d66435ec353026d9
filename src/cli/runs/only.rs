//! Which runs `ferry runs` lists: by time, command, connection, status and job, and how many.

use crate::cli::args::RunsOnly;
use crate::cli::export::since_of;
use crate::ids::CommandKind;
use crate::outcome::Failure;
use crate::plan::checks::duration;
use crate::run::active::listed::RunList;
use crate::run::active::record::RunRecord;
use crate::run::now::up_to_date;
use crate::store::StateDir;
use std::time::{SystemTime, UNIX_EPOCH};

/// What is asked of a run that is listed.
pub(super) struct Only<'t> {
    typed: &'t RunsOnly,
    since_ms: u64,
}

impl Only<'_> {
    /// What was typed.
    ///
    /// # Errors
    /// Exit 2 for a time that is none.
    pub(super) fn of(typed: &RunsOnly) -> Result<Only<'_>, Failure> {
        let since_ms = typed.since.as_deref().map_or(Ok(0), since_ms)?;
        Ok(Only { typed, since_ms })
    }

    /// Gives those of the runs, which come the newest first. Only these are brought up to date, because that reads their
    /// checkpoints.
    ///
    /// # Errors
    /// That of the list, or of `give`.
    pub(super) fn of_runs(
        &self,
        runs: &mut RunList,
        state: &StateDir,
        mut give: impl FnMut(RunRecord) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut left = self.typed.limit.unwrap_or(u64::MAX);
        while left > 0
            && let Some(run) = runs.next().transpose()?
            && run.started_ms >= self.since_ms
        {
            if !self.has(&run) {
                continue;
            }
            let run = up_to_date(run, state);
            if self.typed.status.is_empty() || self.typed.status.contains(&run.status) {
                give(run)?;
                left -= 1;
            }
        }
        Ok(())
    }

    fn has(&self, run: &RunRecord) -> bool {
        let RunsOnly { command, connection, job, .. } = self.typed;
        let has_connection = || connections(run).iter().any(|name| connection.iter().any(|asked| asked == name));
        (command.is_empty() || command.contains(&run.command))
            && (connection.is_empty() || has_connection())
            && (job.is_empty() || run.job.as_ref().is_some_and(|name| job.contains(name)))
    }
}

/// The connections of a run; the name of a file is none.
fn connections(run: &RunRecord) -> Vec<&str> {
    match run.command {
        CommandKind::Export => vec![&run.source],
        CommandKind::Convert => Vec::new(),
        CommandKind::Migrate => vec![&run.source, &run.target],
        CommandKind::Import | CommandKind::Apply | CommandKind::Verify | CommandKind::Undo => vec![&run.target],
    }
}

/// A time, or an age.
fn since_ms(text: &str) -> Result<u64, Failure> {
    if let Some(age) = duration(text) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        return Ok(u64::try_from(now.saturating_sub(age).as_millis()).unwrap_or(u64::MAX));
    }
    let moment = since_of(text).map_err(|failure| Failure {
        message: format!("`--since`: `{text}` is neither a time nor an age"),
        ..failure.hint("write it as `7d`, `12h`, `2026-11-01` or `2026-11-01T08:00:00Z`")
    })?;
    Ok(u64::try_from(moment.as_millisecond()).unwrap_or(0))
}

//! The keys that may stand beside the command of a job. What they mean is read in `jobs.rs`.

use super::on_finish::{self, ON_FINISH};
use crate::yaml::Shape;

/// When a worker starts the job.
pub(super) const SCHEDULE: &str = "schedule";
pub(super) const TIMEZONE: &str = "timezone";
/// How long a worker lets it run.
pub(super) const TIME_LIMIT: &str = "time_limit";

/// A key that may stand beside the command of a job.
pub(super) struct JobKey {
    pub name: &'static str,
    /// What it says, in one line.
    pub does: &'static str,
    /// What stands behind it.
    pub shape: Shape,
    /// Whether it is an argument of the command, since it is about what the job leaves.
    is_argument: bool,
}

/// The keys that may stand beside the command of a job.
pub(super) const JOB_KEYS: [JobKey; 6] = [
    JobKey {
        name: "retain",
        does: "after success, how long older files of the same name pattern stay: 30d",
        shape: Shape::Text,
        is_argument: true,
    },
    JobKey {
        name: "at_least",
        does: "fewer contacts are a failure, and the file stays as it was",
        shape: Shape::Text,
        is_argument: true,
    },
    JobKey {
        name: SCHEDULE,
        does: "when a worker starts the job, as in cron: `5 3 * * *`",
        shape: Shape::Text,
        is_argument: false,
    },
    JobKey {
        name: TIMEZONE,
        does: "the time zone of the schedule: America/Guayaquil",
        shape: Shape::Text,
        is_argument: false,
    },
    JobKey {
        name: TIME_LIMIT,
        does: "how long a worker lets the job run, then it is stopped and tried again: 6h (default 24h)",
        shape: Shape::Text,
        is_argument: false,
    },
    JobKey {
        name: ON_FINISH,
        does: "a command or a webhook that gets the summary of the job as JSON",
        shape: Shape::Own(on_finish::schema),
        is_argument: false,
    },
];

pub(super) fn is_job_key(name: &str) -> bool {
    JOB_KEYS.iter().any(|key| key.name == name)
}

pub(super) fn is_argument_beside(name: &str) -> bool {
    JOB_KEYS.iter().any(|key| key.name == name && key.is_argument)
}

//! What follows the end of a job (contract 6): done, tried again later, or left to a person. Pure.

use crate::outcome::Exit;
use std::time::Duration;

/// The waits before a job whose platform was unavailable, or that was interrupted, is tried again, in leases of a job (a
/// minute); then the last one again.
const DELAYS: [u32; 4] = [1, 5, 15, 60];
/// The wait before a job with unknown outcomes looks again, in leases: by then they can be settled.
const SETTLE: u32 = 2;
/// Parts of a lease: the waits for a connection that a process outside of the queue is writing to, before a job whose
/// process was lost is tried again, and before another worker takes what a draining one gives back.
const BUSY: u32 = 3;
const LOST: u32 = 12;
const DRAINED: u32 = 120;
/// So many processes of a job that are lost in a row are no accident: the job is left to a person.
pub const DEATHS_MAX: i32 = 3;

/// How the process of a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this exit code.
    Exit(u8),
    /// Because its worker drains: it is given back.
    Drained,
    /// It was killed, or could not be started.
    Lost,
}

impl Ended {
    /// Whether its platforms were available, as far as its end tells.
    pub fn is_available(self) -> Option<bool> {
        let Ended::Exit(code) = self else { return None };
        let is = |exits: &[Exit]| exits.iter().any(|one| one.code() == code);
        if is(&[Exit::Unavailable]) {
            return Some(false);
        }
        is(&[Exit::Done, Exit::Rejects, Exit::Unknown, Exit::Guard]).then_some(true)
    }
}

/// How often it was tried since it was scheduled or submitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// Ends with 6, 130 or 143.
    pub tries: i32,
    /// Ends with 4.
    pub unknowns: i32,
    /// Lost processes in a row.
    pub deaths: i32,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing until it is scheduled or submitted.
    Idle,
    /// Another try.
    Again(Duration),
    /// Another try when the lease of the process has ended that uses the connection; after this time where it is not known.
    WhenFree(Duration),
    /// A person has to look at it.
    Held,
}

/// What follows the end of a job with leases of this length, and the counts that are kept with it.
pub fn after(ended: Ended, tried: Tried, lease: Duration) -> (Next, Tried) {
    let alive = Tried { deaths: 0, ..tried };
    let exit = match ended {
        Ended::Drained => return (Next::Again(lease / DRAINED), alive),
        Ended::Lost => {
            let deaths = tried.deaths + 1;
            let next = if deaths >= DEATHS_MAX { Next::Held } else { Next::Again(lease / LOST) };
            return (next, Tried { deaths, ..tried });
        }
        Ended::Exit(code) => code,
    };
    let is = |exits: &[Exit]| exits.iter().any(|one| one.code() == exit);
    if is(&[Exit::Done, Exit::Rejects]) {
        return (Next::Idle, Tried::default());
    }
    if is(&[Exit::Unavailable, Exit::Interrupted, Exit::Terminated]) {
        let at = usize::try_from(tried.tries).unwrap_or_default().min(DELAYS.len() - 1);
        let leases = DELAYS.get(at).copied().unwrap_or(1);
        return (Next::Again(lease * leases), Tried { tries: tried.tries + 1, ..alive });
    }
    if is(&[Exit::Unknown]) && tried.unknowns == 0 {
        return (Next::Again(lease * SETTLE), Tried { unknowns: 1, ..alive });
    }
    if is(&[Exit::Busy]) {
        return (Next::WhenFree(lease / BUSY), alive);
    }
    (Next::Held, alive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_exit_code_has_its_own_end() {
        let lease = Duration::from_secs(60);
        let minutes = |n: u32| Next::Again(lease * n);
        let tried = |tries, unknowns, deaths| Tried { tries, unknowns, deaths };
        let cases = [
            (Ended::Exit(0), tried(3, 1, 2), Next::Idle, tried(0, 0, 0)),
            (Ended::Exit(3), tried(0, 0, 0), Next::Idle, tried(0, 0, 0)),
            (Ended::Exit(6), tried(0, 0, 2), minutes(1), tried(1, 0, 0)),
            (Ended::Exit(6), tried(1, 0, 0), minutes(5), tried(2, 0, 0)),
            (Ended::Exit(130), tried(2, 0, 0), minutes(15), tried(3, 0, 0)),
            (Ended::Exit(143), tried(3, 0, 0), minutes(60), tried(4, 0, 0)),
            (Ended::Exit(6), tried(99, 0, 0), minutes(60), tried(100, 0, 0)),
            (Ended::Exit(4), tried(0, 0, 0), minutes(2), tried(0, 1, 0)),
            (Ended::Exit(4), tried(0, 1, 0), Next::Held, tried(0, 1, 0)),
            (Ended::Exit(7), tried(0, 0, 0), Next::WhenFree(lease / 3), tried(0, 0, 0)),
            (Ended::Exit(1), tried(0, 0, 0), Next::Held, tried(0, 0, 0)),
            (Ended::Exit(2), tried(0, 0, 0), Next::Held, tried(0, 0, 0)),
            (Ended::Exit(5), tried(0, 0, 0), Next::Held, tried(0, 0, 0)),
            (Ended::Exit(8), tried(0, 0, 0), Next::Held, tried(0, 0, 0)),
            // A panic, and whatever else a process may end with.
            (Ended::Exit(101), tried(0, 0, 0), Next::Held, tried(0, 0, 0)),
            (Ended::Drained, tried(1, 0, 1), Next::Again(lease / 120), tried(1, 0, 0)),
            (Ended::Lost, tried(0, 0, 0), Next::Again(lease / 12), tried(0, 0, 1)),
            (Ended::Lost, tried(0, 0, 2), Next::Held, tried(0, 0, 3)),
        ];
        for (ended, before, next, after_it) in cases {
            assert_eq!(after(ended, before, lease), (next, after_it), "{ended:?} {before:?}");
        }
    }
}

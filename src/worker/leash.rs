//! How long the process of a job may go on: its worker tells it, over a pipe, until when the job is its own, by a clock that
//! all processes of the machine share and that goes on while the machine sleeps. Both ends of the pipe are here.
//!
//! Early enough before that time the process stops in order; shortly before it, it ends whatever it does. So a worker that
//! was stopped, killed or cut off from the database leaves no process behind that works beside the next one, and a process
//! that was stopped itself ends when it is woken. The pipe's end is the order to stop, too.

use crate::outcome::Exit;
use rustix::time::{ClockId, clock_gettime};
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The variable that says that a process is one of a worker, and until when its job is its own.
pub const VARIABLE: &str = "FERRY_UNDER_WORKER";
/// How often the time is looked at.
const PAUSE: Duration = Duration::from_millis(50);
/// Of the lease, how much may pass since it was renewed before the process stops in order, and before it ends: percent.
const STOPS_AT: u64 = 40;
const ENDS_AT: u64 = 90;
/// Characters of a line of the pipe.
const LINE_LEN_MAX: u64 = 64;

#[cfg(target_os = "linux")]
const CLOCK: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const CLOCK: ClockId = ClockId::Monotonic;

/// A moment on the clock that all processes of the machine share, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

impl Moment {
    /// Now.
    pub fn now() -> Moment {
        let time = clock_gettime(CLOCK);
        let ms = i128::from(time.tv_sec) * 1_000 + i128::from(time.tv_nsec) / 1_000_000;
        Moment(u64::try_from(ms).unwrap_or_default())
    }

    /// How much time has passed since.
    pub fn elapsed(self) -> Duration {
        Duration::from_millis(Moment::now().0.saturating_sub(self.0))
    }
}

/// A lease as a process of a job is told of it: when it was renewed, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leash {
    /// The moment before the request that renewed it.
    pub since: Moment,
    /// For so long.
    pub valid: Duration,
}

impl Leash {
    /// As it is told.
    fn line(self) -> String {
        format!("{} {}", self.since.0, self.valid.as_millis())
    }

    fn of(line: &str) -> Option<Leash> {
        let (since, valid) = line.trim().split_once(' ')?;
        Some(Leash { since: Moment(since.parse().ok()?), valid: Duration::from_millis(valid.parse().ok()?) })
    }

    /// The value of [`VARIABLE`].
    pub fn variable(self) -> String {
        self.line()
    }

    /// The times at which the process stops in order, and at which it ends.
    fn limits(self) -> (u64, u64) {
        let valid = u64::try_from(self.valid.as_millis()).unwrap_or(u64::MAX);
        let after = |percent: u64| self.since.0.saturating_add(valid.saturating_mul(percent) / 100);
        (after(STOPS_AT), after(ENDS_AT))
    }
}

/// The worker's end of the pipe; dropping it orders the process to stop.
pub struct Holder(Mutex<Option<Box<dyn Write + Send>>>);

impl Holder {
    /// The end of this pipe.
    pub fn new(pipe: impl Write + Send + 'static) -> Holder {
        Holder(Mutex::new(Some(Box::new(pipe))))
    }

    /// Tells of a renewed lease. A process that has ended does not hear it.
    pub fn tell(&self, leash: Leash) {
        let mut pipe = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = pipe.as_mut()
            && writeln!(open, "{}", leash.line()).and_then(|()| open.flush()).is_err()
        {
            *pipe = None;
        }
    }

    /// Orders the process to stop.
    pub fn release(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Obeys the worker for the rest of the process, if `variable` says that there is one.
///
/// # Errors
/// When the threads for it cannot be started.
#[cfg(unix)]
pub fn obey(variable: Option<&str>) -> std::io::Result<()> {
    let Some(leash) = variable.and_then(Leash::of) else { return Ok(()) };
    let (stops, ends) = leash.limits();
    let limits = Arc::new((AtomicU64::new(stops), AtomicU64::new(ends)));
    let told = Arc::clone(&limits);
    std::thread::Builder::new().name("leash".into()).spawn(move || {
        hear(std::io::stdin(), |leash| {
            let (stops, ends) = leash.limits();
            told.0.store(stops, Ordering::Relaxed);
            told.1.store(ends, Ordering::Relaxed);
        });
        told.0.store(0, Ordering::Relaxed);
    })?;
    std::thread::Builder::new().name("watchdog".into()).spawn(move || watch(&limits))?;
    Ok(())
}

/// There is no worker on this system.
#[cfg(not(unix))]
pub fn obey(_: Option<&str>) -> std::io::Result<()> {
    Ok(())
}

/// Hears of renewed leases until the pipe ends.
fn hear(pipe: impl Read, mut tell: impl FnMut(Leash)) {
    let mut pipe = BufReader::new(pipe);
    let mut line = String::new();
    loop {
        line.clear();
        match (&mut pipe).take(LINE_LEN_MAX).read_line(&mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => Leash::of(&line).into_iter().for_each(&mut tell),
        }
    }
}

/// Stops the process in order, then ends it.
#[cfg(unix)]
fn watch(limits: &(AtomicU64, AtomicU64)) {
    use rustix::process::{Signal, getpid, kill_process};
    let mut is_stopping = false;
    loop {
        let now = Moment::now().0;
        if now >= limits.1.load(Ordering::Relaxed) {
            std::process::exit(i32::from(Exit::Terminated.code()));
        }
        if now >= limits.0.load(Ordering::Relaxed) && !is_stopping {
            is_stopping = true;
            if kill_process(getpid(), Signal::TERM).is_err() {
                std::process::exit(i32::from(Exit::Terminated.code()));
            }
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_arrives_as_it_was_told_and_other_lines_are_passed_over() {
        let leash = Leash { since: Moment(1_000), valid: Duration::from_secs(60) };
        let text = format!("{}\nnonsense\n9 9 9\n{}\n", leash.line(), Leash { since: Moment(7), ..leash }.line());
        let mut told = Vec::new();
        hear(text.as_bytes(), |leash| told.push(leash));
        assert_eq!(told, [leash, Leash { since: Moment(7), ..leash }]);
        assert_eq!(leash.limits(), (25_000, 55_000), "an orderly stop has 30 s");
    }
}

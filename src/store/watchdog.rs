//! Ends the process when the lease of an account has ended without being given back, because a process that was stopped and
//! wakes must do nothing any more. It stores and sends nothing itself.

use super::lease::LeaseTimer;
use crate::outcome::{Exit, Failure};
use std::io::Write;
use std::time::Duration;

/// How often it looks, so that a process that wakes ends at once.
const LOOK: Duration = Duration::from_millis(100);

/// Watches a lease of the account that is `shown` so, on a thread of its own, until it is given back.
pub(super) fn watch(timer: LeaseTimer, shown: &str) -> Result<(), Failure> {
    let shown = shown.to_owned();
    let watch = move || {
        while let Some(left) = timer.left() {
            if left.is_zero() {
                end(&shown);
            }
            std::thread::sleep(left.min(LOOK));
        }
    };
    let thread = std::thread::Builder::new().name("watchdog".into()).spawn(watch);
    thread.map(drop).map_err(|error| Failure::failed("no thread could be started").cause(error))
}

/// Ends the process without cleaning up: whatever that would write or send is not its to do any more.
fn end(shown: &str) -> ! {
    // Nothing is left to do where it cannot be said.
    let _ = writeln!(
        std::io::stderr(),
        "error: the lease of `{shown}` has ended, because this process was stopped or could not reach the store\n\
         hint: run the same command again: it resumes where it stopped"
    );
    std::process::exit(i32::from(Exit::Busy.code()))
}

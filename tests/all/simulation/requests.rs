//! How many requests the simulated runs sent: a change of the core that is meant to keep its behaviour keeps these sums.

use std::cell::Cell;
use std::ops::AddAssign;

thread_local! {
    /// Each seed is simulated on one thread.
    static SENT: Cell<Sent> = const { Cell::new(Sent { calm: 0, rough: 0 }) };
}

/// Requests, by how the starts ended that sent them.
#[derive(Clone, Copy, Default)]
pub struct Sent {
    /// By starts that nothing cut off. Nearly the same each time.
    pub calm: u64,
    /// By starts that were stopped, as far as they came to report it, and what their runs had sent before.
    pub rough: u64,
}

impl AddAssign for Sent {
    fn add_assign(&mut self, other: Sent) {
        self.calm += other.calm;
        self.rough += other.rough;
    }
}

/// Adds the requests that a start has reported.
pub fn count(is_calm: bool, requests: u64) {
    SENT.with(|sent| {
        let mut sum = sent.get();
        if is_calm {
            sum.calm += requests;
        } else {
            sum.rough += requests;
        }
        sent.set(sum);
    });
}

/// What was counted on this thread since the last call.
pub fn take() -> Sent {
    SENT.with(Cell::take)
}

//! A lease: the right of one process to write to an account. Its token counts up with every lease, and a store refuses
//! what is written under an old one (a fencing token), so that a process which lost its lease cannot write any more.

use std::time::Duration;

/// The right to write to an account, as a store has given it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The number of the lease, from 1.
    pub token: u64,
    /// How long it is valid without being renewed; `None`: until the store is closed. Every group that is applied renews
    /// it, and the writer renews it while there is nothing to apply.
    pub valid_for: Option<Duration>,
}

//! A run while it is being executed, and what it leaves: its folder, its record, its measurements and its receipt.
//!
//! One way to begin (`begin`) and one way to end ([`close`]) for every command. What a run does is not known here.

pub(super) mod begin;
pub mod close;
pub(super) mod counters;
pub mod folder;
pub mod listed;
pub(super) mod metrics;
mod rebuilt;
pub mod receipt;
pub mod record;
pub(super) mod removed;
mod run;
pub mod runs;
mod seal;
pub mod shared;
pub(super) mod watch;

pub(super) use run::ActiveRun;

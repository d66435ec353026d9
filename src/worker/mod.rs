//! `ferry worker` (contract 6): jobs of `ferry.yaml` from a queue that the workers of many machines share.
//!
//! The truth about each job is a row of `ferry.job` (`table.rs`): what it is, when it is due, who has it, how it ended. The
//! queue of a library hands out names (`handout.rs`); it may lose or double one without harm, because a job is begun only as
//! its row says, and a name that is missing is put back. A job runs as a process of its own (`process.rs`), on a leash that
//! its worker renews together with the lease of the row (`leash.rs`): nothing works on a job that another worker may have.
//!
//! It does not know what a job does, and writes to no platform.

mod definition;
mod handout;
mod hosts;
mod http;
pub mod leash;
mod listing;
mod metrics;
mod process;
mod queue;
pub mod report;
pub mod retry;
mod service;
mod shared;
mod table;

pub use definition::{Defined, Definitions};
pub use listing::{JobEnd, JobRow, LastRun, PausedHost};
pub use service::{Service, serve};
pub use table::Table;

//! Scratch databases: what one run keeps on disk so that memory does not grow with its source. They are always SQLite,
//! private to the user, and belong to one run or one process.
//!
//! They hold no truth: everything in them can be derived again, from the store, the source or the target. What follows from
//! their content is decided elsewhere.

pub mod exported;
pub mod left_blank;
pub mod owners;
pub mod people;
pub mod prune;
pub mod received;
pub mod recorded;
pub mod snapshot;
pub mod spool;
pub mod stored;
pub mod texts;
pub mod written;

mod appended;
mod file;
mod index;

//! A run while it is being executed, and what it leaves: its folder, its record, its name.

pub mod close;
pub mod folder;
mod rebuilt;
pub mod record;
pub(super) mod removed;
pub mod runs;
mod seal;

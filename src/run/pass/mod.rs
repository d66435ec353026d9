//! The two passes over a source: the first counts, the second sends. No command is known here.

pub mod first;
pub(super) mod goals;
pub(super) mod group;
pub(super) mod merge;
pub(super) mod second;
pub(super) mod settled;

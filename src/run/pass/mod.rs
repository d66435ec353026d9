//! The two passes over a source: the first counts, the second sends. No command is known here.

pub mod first;
pub mod second;

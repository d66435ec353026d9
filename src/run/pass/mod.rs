//! The two passes over a source: the first counts, the second sends. No command is known here.

pub mod first;
pub(super) mod flight;
pub(super) mod goals;
pub(super) mod group;
pub(super) mod merge;
pub(super) mod second;
pub(super) mod settled;

use crate::outcome::Failure;

/// What cannot happen.
fn bug(what: &str) -> Failure {
    Failure::failed(format!("{what}: this is a bug in Ferry"))
}

//! `ferry attributes`.

use super::Context;
use super::args;
use crate::outcome::{Exit, Failure};

pub(super) fn run(_typed: &args::Attributes, _context: &Context) -> Result<Exit, Failure> {
    Ok(Exit::Done)
}

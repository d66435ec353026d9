//! JSON arrays and JSON Lines, record by record.
//!
//! Records are framed by a scanner of our own, so that memory stays bounded, a malformed one does not end the file, and
//! a file without its closing bracket is never taken for a whole one. What is inside a record is `serde_json`'s.

mod facts;
mod head;
mod read;
mod scan;
mod take;

pub(super) use facts::{JSON, JSONL};
pub(super) use take::Objects;

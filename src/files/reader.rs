//! What every reader of a format gives: records one after the other, with an error in the place of a record that cannot
//! be read.

use crate::outcome::{Failure, Reject};
use crate::record::{Origin, Record};

/// Why there is no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadFault {
    /// The record is rejected; reading continues with the next.
    Reject(Reject),
    /// A row without content: it is counted, and is no record.
    Blank(Origin),
    /// The rest of the file cannot be read; nothing comes after it.
    Fatal(Failure),
}

/// Records one after the other, in the order of the file. After [`ReadFault::Fatal`] it ends.
pub trait Source: Iterator<Item = Result<Record, ReadFault>> + Send {}

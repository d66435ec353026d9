//! What every reader of a format gives: records one after the other, with an error in the place of a record that cannot
//! be read.

pub use super::batch::ReadFault;

use super::batch::{Batch, Room};
use crate::record::Record;

/// Records one after the other, in the order of the file. After [`ReadFault::Fatal`] it ends.
pub trait Source: Iterator<Item = Result<Record, ReadFault>> + Send {
    /// The next records together. A format whose records are costly to split or parse leaves that to the thread that takes
    /// them out.
    fn next_batch(&mut self, room: Room) -> Batch {
        let mut batch = Batch::default();
        while batch.has_room(room) && batch.add(self.next()) {}
        batch
    }
}

//! What every reader of a format gives: records one after the other, with an error in the place of a record that cannot
//! be read.

pub use super::batch::ReadFault;

use super::batch::{Batch, Room};
use crate::record::Record;
use std::sync::Arc;

/// Which records are not needed, by their ordinals.
pub type PassesOver = Arc<dyn Fn(u64) -> bool + Send + Sync>;

/// Records one after the other, in the order of the file. After [`ReadFault::Fatal`] it ends.
pub trait Source: Iterator<Item = Result<Record, ReadFault>> + Send {
    /// The next records together. A format whose records are costly to split leaves that to the thread that takes them out.
    fn next_batch(&mut self, room: Room) -> Batch {
        let mut batch = Batch::default();
        while batch.has_room(room) && batch.add(self.next()) {}
        batch
    }

    /// Records that are not needed may come without their fields and bytes from now on.
    fn pass_over(&mut self, _: PassesOver) {}
}

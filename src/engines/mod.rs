//! The protocols of orchestrators, Singer and Airbyte: contacts as a stream of JSON messages, in both directions.
//!
//! A received stream is kept in portions, each of which is imported like a file; its states are handed back when the
//! records before them have arrived. A stream that is sent is read from a file that an export has written. Neither the
//! import nor the export is done here.

mod airbyte;
mod bookmark;
mod catalog;
mod gate;
mod inbox;
mod outbox;
mod portion;
mod protocol;
mod reader;
mod schema;
mod singer;

pub use airbyte::{Airbyte, catalog_of as airbyte_catalog, configured, status, trace};
pub use bookmark::{Bookmark, Kept};
pub use catalog::Selection;
pub use gate::Next;
pub use inbox::{Inbox, InboxAsked, no_thread};
pub use outbox::Outbox;
pub use portion::Portion;
pub use protocol::{Message, Protocol, State, Stream};
pub use reader::Streams;
pub use schema::{CONTACTS, Shape};
pub use singer::{Singer, catalog_of as singer_catalog};

//! The store: the truth about every run of an account. What was intended, the outcome of each record, what a contact was
//! before it was written to, and which identity value leads to which contact.
//!
//! [`Checkpoint`] is the face for callers. Behind it, [`Store`] and [`StoreReader`] are what a store has to do: writes are
//! data ([`Op`]), applied in groups by one thread, and durable before the answer. Two stores exist: [`SqliteStore`], a
//! database in the state folder, and [`MemoryStore`], the model that tests compare it with. A store keeps and finds; it
//! does not decide what an outcome means or what is done next.
//!
//! Invariants, whatever the disk does:
//! - an intent that was acknowledged is found again until it is settled or withdrawn;
//! - an outcome is read back as it was written, or not at all: every row has a seal, the log has checksums, and a row that
//!   does not match its seal is refused (exit 1);
//! - an entry is counted once, for the latest pass that met its record;
//! - one process writes at a time: every group carries the token of a lease, and an old token is refused.
//!
//! Absent on purpose: contact values beyond what finding and undoing need (links are hashes), and any clock.

mod address;
mod checkpoint;
mod coded;
mod contract;
mod entries;
mod filter;
mod image_code;
mod intent_code;
mod key;
mod lease;
mod links;
mod memory;
mod model;
mod op;
pub mod postgres;
mod private;
mod runs;
mod shared;
mod sqlite;
mod state;
mod watchdog;
mod writer;

pub use address::{AccountAddress, AccountKey, StoreAddress};
pub use checkpoint::Checkpoint;
pub use contract::{Store, StoreReader, TallyOf};
pub use key::{ByKey, HashedAlready, Key};
pub use lease::{Lease, LeaseRow, LeaseTimer, may_send};
pub use memory::MemoryStore;
pub use model::{
    Entry, EntryNo, Image, ImageNo, Intent, Meaning, NO_PASS, NewRun, NumberedEntry, NumberedImage, OpenIntent,
    OutcomeRow, RunNo, RunRow, Settled, SourceOutcome, Tally, Turns,
};
pub use op::{Answer, Applied, Op};
pub use sqlite::{Lock, SqliteStore};
pub use state::StateDir;

pub(crate) use coded::{count, int, outcome_number};
pub(crate) use filter::Filter;
pub(crate) use private::{create_folder_of, create_private, make_private, sync_folder_of};
pub(crate) use sqlite::SqlError;

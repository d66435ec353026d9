//! The store in PostgreSQL, which processes on many machines share: addresses, connections, tables and their versions, leases,
//! groups of operations, and reading. It keeps and finds as every store does; what is in its tables stands in
//! `migrations/`.
//!
//! [`Database`] is what other parts build on (the queue of `ferry worker`): it connects with TLS, waits for a server that
//! restarts, and brings the tables to this version. A further table is a further text in `migrate.rs`.

mod address;
mod copy;
mod database;
mod error;
mod group;
mod hold;
mod migrate;
mod outputs;
mod rare;
mod rate;
mod read;
mod reader;
mod rows;
mod runs;
mod sql;
mod store;
mod tls;

pub use address::{Given, PostgresAddress, is_postgres};
pub use database::{Client, Database};
pub use error::DbError;
pub use outputs::{SharedFiles, shared_lines};
pub use rate::SharedRate;
pub(in crate::store) use reader::PostgresReader;
pub use runs::{KeptRun, RunFile, RunPlace, RunsWanted, SharedRuns};
pub use store::PostgresStore;

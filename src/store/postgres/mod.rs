//! The store in PostgreSQL, which processes on many machines share: addresses, connections, tables and their versions.
//!
//! [`Database`] is what other parts build on (the queue of `ferry worker`): it connects with TLS, waits for a server that
//! restarts, and brings the tables to this version. A further table is a further text in `migrate.rs`.

mod address;
mod database;
mod error;
mod migrate;
mod tls;

pub use address::{Given, PostgresAddress, is_postgres};
pub use database::{Client, Database};
pub use error::DbError;

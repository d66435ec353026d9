//! The scratch databases of a run.

mod people;
mod snapshot;
mod spool;

use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

//! The scratch databases of a run.

mod snapshot;
mod spool;

use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

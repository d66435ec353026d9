//! What goes wrong in an SQLite database, and the message that users get for it.

use crate::outcome::{Exit, Failure};
use crate::store::coded::CodeError;
use crate::store::private;
use rusqlite::ErrorCode;
use std::io;
use std::path::{Path, PathBuf};

/// What goes wrong in a database of the store, or of a run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SqlError {
    /// SQLite reports it.
    #[error("{0}")]
    Sql(#[from] rusqlite::Error),
    /// A row, or a file, that cannot have been written so.
    #[error("{0}")]
    Damaged(&'static str),
    /// A JSON text that does not parse.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// Tables of a version that is not known yet.
    #[error("its tables are of version {0}, and this program knows them up to {1}")]
    Later(i32, i32),
    /// Another process has taken the lease.
    #[error("its lease `{0}` is not the latest, which is `{1}`")]
    Fenced(u64, u64),
    /// A bug in Ferry.
    #[error("{0}")]
    Misuse(String),
    /// The receiver of the rows wants no more of them.
    #[error("{0}")]
    Stopped(Failure),
}

impl From<CodeError> for SqlError {
    fn from(error: CodeError) -> SqlError {
        match error {
            CodeError::Damaged(how) => SqlError::Damaged(how),
            CodeError::Json(error) => SqlError::Json(error),
        }
    }
}

impl SqlError {
    /// Whether the disk is full. `path` is the file, or any other in its folder.
    pub(crate) fn is_disk_full(&self, path: &Path) -> bool {
        let SqlError::Sql(error) = self else { return false };
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => true,
            Some(ErrorCode::SystemIoFailure) => private::is_disk_full(path),
            _ => false,
        }
    }

    /// The message about the checkpoint at `path`.
    pub(super) fn failure(self, path: &Path) -> Failure {
        let shown = path.display();
        let code = match &self {
            SqlError::Stopped(failure) => return failure.clone(),
            SqlError::Later(..) => {
                return Failure::failed(format!("the checkpoint `{shown}` was written by a later version of Ferry"))
                    .cause(self)
                    .hint("use that version, or name another folder with `--state`");
            }
            SqlError::Fenced(..) => {
                return Failure::new(Exit::Busy, format!("another process has taken over the checkpoint `{shown}`"))
                    .cause(self)
                    .hint("wait until it has ended, then run the same command again");
            }
            SqlError::Sql(error) => error.sqlite_error_code(),
            SqlError::Damaged(_) | SqlError::Json(_) => Some(ErrorCode::DatabaseCorrupt),
            SqlError::Misuse(_) => None,
        };
        let (exit, message, hint) = match code {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => return damaged(path, &self.to_string()),
            Some(_) if self.is_disk_full(path) => {
                (Exit::Failed, format!("the disk is full: `{shown}` cannot grow"), HINT_FULL)
            }
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                (Exit::Failed, format!("the checkpoint `{shown}` cannot be written"), HINT_READ_ONLY)
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
                (Exit::Busy, format!("another program holds the checkpoint `{shown}`"), HINT_HELD)
            }
            _ => (Exit::Failed, format!("the checkpoint `{shown}` failed"), HINT_FAILED),
        };
        Failure::new(exit, message).cause(self).hint(hint)
    }
}

const HINT_FULL: &str = "make room, then run the same command again: it resumes where it stopped";
const HINT_READ_ONLY: &str = "give this user the right to write there, or name another folder with `--state`";
const HINT_HELD: &str = "close it (a database shell, a backup), then run the same command again";
const HINT_FAILED: &str = "check the disk, then run the same command again: it resumes where it stopped";

/// A checkpoint that cannot be trusted.
pub(super) fn damaged(path: &Path, how: &str) -> Failure {
    let hint = "restore it from a backup, or move it away together with the files beside it that begin with its name, \
                and run the command again: what has arrived is found at the target";
    Failure::failed(format!("the checkpoint `{}` is damaged", path.display())).cause(how).hint(hint)
}

/// A file that cannot be created or opened.
pub(super) fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let hint = if error.kind() == io::ErrorKind::StorageFull { HINT_FULL } else { HINT_READ_ONLY };
    Failure::failed(format!("the checkpoint `{}` cannot be written", path.display())).cause(error).hint(hint)
}

/// The path with something after its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

//! What goes wrong in a PostgreSQL store, which of it passes by itself, and the message that users get for it.

use crate::outcome::{Exit, Failure};
use tokio_postgres::error::SqlState;

/// The state that [`super::migrate`]'s functions raise when a lease is not the latest, or has ended.
pub(super) const FENCED: &str = "FE001";

/// The state that they raise when an operation names what does not exist.
pub(super) const MISSING: &str = "FE002";

/// What goes wrong.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The server or the driver reports it.
    #[error("{}", told(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// No connection became free in time.
    #[error("{0}")]
    Pool(String),
    /// A row that cannot have been written so.
    #[error("{0}")]
    Damaged(&'static str),
    /// A JSON text that does not parse.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// Tables of a version that is not known yet.
    #[error("its tables are of version {0}, and this program knows them up to {1}")]
    Later(i32, i32),
    /// Tables that another program has changed.
    #[error("version {0} of its tables was made by another text than this program has")]
    Changed(i32),
    /// A setting under which what was confirmed could be lost.
    #[error("`{0}` is off, so what the server has confirmed could be lost")]
    Unsafe(&'static str),
    /// Another process has the account, or had it.
    #[error("{0}")]
    Fenced(String),
    /// A bug in Ferry.
    #[error("{0}")]
    Misuse(String),
    /// Already a message.
    #[error("{0}")]
    Stopped(Failure),
}

/// The message of the server with its detail, or of the driver with its cause.
fn told(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => error.message().to_owned(),
        None => match std::error::Error::source(error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
    }
}

impl From<Failure> for DbError {
    fn from(failure: Failure) -> DbError {
        DbError::Stopped(failure)
    }
}

impl From<deadpool_postgres::PoolError> for DbError {
    fn from(error: deadpool_postgres::PoolError) -> DbError {
        match error {
            deadpool_postgres::PoolError::Backend(error) => DbError::Postgres(error),
            error => DbError::Pool(error.to_string()),
        }
    }
}

impl DbError {
    /// The state that the server has given.
    fn state(&self) -> Option<&SqlState> {
        match self {
            DbError::Postgres(error) => error.code(),
            _ => None,
        }
    }

    /// Whether it passes by itself: a lost connection, a server that restarts, or transactions that were in each other's way.
    pub fn is_passing(&self) -> bool {
        match self {
            DbError::Pool(_) => true,
            DbError::Postgres(error) => match error.code() {
                Some(state) => {
                    let code = state.code();
                    code.starts_with("08") || PASSING.contains(state)
                }
                None => is_lost(error),
            },
            _ => false,
        }
    }

    /// Whether another process has the account.
    pub fn is_fenced(&self) -> bool {
        matches!(self, DbError::Fenced(_)) || self.state().is_some_and(|state| state.code() == FENCED)
    }

    /// The message about the store that is `shown` so.
    pub fn failure(self, shown: &str) -> Failure {
        let failed = |message: &str| Failure::failed(format!("the store `{shown}` {message}"));
        if self.is_fenced() {
            return Failure::new(Exit::Busy, format!("another process has taken over the account in `{shown}`"))
                .cause(self)
                .hint("wait until it has ended, then run the same command again");
        }
        let code = self.state().map(|state| state.code().to_owned()).unwrap_or_default();
        match &self {
            DbError::Stopped(failure) => failure.clone(),
            DbError::Later(..) => failed("was written by a later version of Ferry")
                .cause(self)
                .hint("use that version, or name another store with `--state`"),
            DbError::Changed(_) => failed("has tables that Ferry did not make")
                .cause(self)
                .hint("name a database of its own with `--state`"),
            DbError::Unsafe(_) => {
                failed("does not keep what it confirms").cause(self).hint("turn it on for this database and user")
            }
            DbError::Damaged(_) | DbError::Json(_) => failed("is damaged").cause(self).hint(HINT_DAMAGED),
            DbError::Misuse(_) => failed("failed").cause(self).hint(HINT_FAILED),
            _ if code == MISSING => failed("failed").cause(self).hint(HINT_FAILED),
            DbError::Postgres(error) if wants_password(error) => {
                failed("asks for a password, and none was given").hint(HINT_PASSWORD)
            }
            _ if code == "3D000" => failed("is not there").cause(self).hint(HINT_MISSING),
            _ if code.starts_with("28") => failed("refused access").cause(self).hint(HINT_ACCESS),
            _ if code.starts_with("53") => failed("has no room or no connection left").cause(self).hint(HINT_FAILED),
            _ if code == "25006" => failed("can only be read").cause(self).hint(HINT_READ_ONLY),
            _ if code == "42501" => failed("may not be changed by this user").cause(self).hint(HINT_RIGHTS),
            _ if self.is_passing() => failed("cannot be reached").cause(self).hint(HINT_LOST),
            _ => failed("failed").cause(self).hint(HINT_FAILED),
        }
    }
}

const HINT_DAMAGED: &str = "restore the database from a backup; what has arrived is found at the target";
const HINT_FAILED: &str = "look at the log of the server, then run the same command again: it resumes where it stopped";
const HINT_ACCESS: &str = "check the user in the address, and the password: in `FERRY_STATE_PASSWORD`, the file of `PGPASSFILE` or `~/.pgpass`, or the address";
const HINT_PASSWORD: &str =
    "put it into `FERRY_STATE_PASSWORD` (itself, `file:PATH` or `cmd:COMMAND`), or into a file that `PGPASSFILE` names";
const HINT_MISSING: &str = "create the database, or correct its name in the address";
const HINT_RIGHTS: &str = "give the user the right to create in this database: `GRANT CREATE ON DATABASE`";
const HINT_READ_ONLY: &str = "name the primary server in the address, or turn `default_transaction_read_only` off";
const HINT_LOST: &str =
    "start the server, or correct its address, then run the same command again: it resumes where it stopped";

/// What passes by itself, besides the class of lost connections.
const PASSING: [SqlState; 7] = [
    SqlState::ADMIN_SHUTDOWN,
    SqlState::CRASH_SHUTDOWN,
    SqlState::CANNOT_CONNECT_NOW,
    SqlState::T_R_SERIALIZATION_FAILURE,
    SqlState::T_R_DEADLOCK_DETECTED,
    SqlState::TOO_MANY_CONNECTIONS,
    SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
];

/// Whether the server asked for a password that the driver does not have, which is an error of the driver without a type.
fn wants_password(error: &tokio_postgres::Error) -> bool {
    told(error).contains("password missing")
}

/// Whether the driver lost the connection, or got none.
fn is_lost(error: &tokio_postgres::Error) -> bool {
    let is_io = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| {
            // A certificate that is not accepted does not change by itself.
            error.kind() != std::io::ErrorKind::InvalidData && error.kind() != std::io::ErrorKind::InvalidInput
        })
    };
    error.is_closed() || std::error::Error::source(error).is_some_and(is_io) || error.to_string().contains("timed out")
}

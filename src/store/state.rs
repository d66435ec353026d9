//! The state of Ferry: the folder on this machine for scratch data, and the store of the runs, which is in that folder or
//! shared by machines.

use super::address::StoreAddress;
use super::postgres::{PostgresAddress, SharedRuns, shared_lines};
use crate::files::Ledger;
use crate::outcome::Failure;
use std::ops::Deref;
use std::path::{Path, PathBuf};

/// The state folder, and where the truth about runs is. It is used as the path of its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateDir {
    folder: PathBuf,
    shared: Option<PostgresAddress>,
}

impl StateDir {
    /// All of it in a folder.
    pub fn in_folder(folder: impl Into<PathBuf>) -> StateDir {
        StateDir { folder: folder.into(), shared: None }
    }

    /// Runs in a shared store; scratch data in a folder of this machine.
    pub fn shared(scratch: impl Into<PathBuf>, store: PostgresAddress) -> StateDir {
        StateDir { folder: scratch.into(), shared: Some(store) }
    }

    /// The same, with the folder under another name.
    pub fn at(&self, folder: impl Into<PathBuf>) -> StateDir {
        StateDir { folder: folder.into(), shared: self.shared.clone() }
    }

    /// The store that machines share; none where it is in the folder.
    pub fn shared_store(&self) -> Option<&PostgresAddress> {
        self.shared.as_ref()
    }

    /// The runs of the store that machines share; none where they are in the folder.
    ///
    /// # Errors
    /// Exit 1 when the store cannot be reached.
    pub fn shared_runs(&self) -> Result<Option<SharedRuns>, Failure> {
        self.shared.as_ref().map(|address| Ok(SharedRuns::of(address.database()?))).transpose()
    }

    /// What is known about the files that Ferry wrote: on this machine, and on those that share the store.
    pub fn ledger(&self) -> Ledger {
        let own = Ledger::of_state(&self.folder);
        match &self.shared {
            Some(address) => own.with(shared_lines(address)),
            None => own,
        }
    }

    /// The store of the accounts.
    pub fn store(&self) -> StoreAddress {
        match &self.shared {
            Some(address) => StoreAddress::Postgres(address.clone()),
            None => StoreAddress::of_state(&self.folder),
        }
    }

    /// What messages call the place of the runs.
    pub fn shown(&self) -> String {
        match &self.shared {
            Some(address) => address.to_string(),
            None => self.folder.display().to_string(),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Deref for StateDir {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.folder
    }
}

impl AsRef<Path> for StateDir {
    fn as_ref(&self) -> &Path {
        &self.folder
    }
}

impl From<PathBuf> for StateDir {
    fn from(folder: PathBuf) -> StateDir {
        StateDir::in_folder(folder)
    }
}

//! What the last finished export of a work wrote, for the next one to compare with: in a file of the state folder and, where
//! machines share a store, in the store as well. How it is compared is in `changes.rs`.

use crate::outcome::Failure;
use crate::scratch::exported::Exported;
use crate::store::StateDir;
use crate::store::postgres::SharedFiles;
use std::path::{Path, PathBuf};

/// Where the rows of the last finished export are.
pub(super) struct EarlierExport {
    path: PathBuf,
    shared: Option<(SharedFiles, String)>,
}

impl EarlierExport {
    /// At this path; brought there where another machine made the last export.
    pub(super) fn of(state: &StateDir, path: PathBuf) -> Result<EarlierExport, Failure> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let database = state.shared_store().map(|address| address.database()).transpose()?;
        let shared = database.map(|database| (SharedFiles::of(database), format!("exports/{name}")));
        if let Some((files, name)) = &shared {
            files.fetch(name, &path)?;
        }
        Ok(EarlierExport { path, shared })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts the rows of this export in their place.
    pub(super) fn replace(&self, written: Exported) -> Result<(), Failure> {
        written.keep(&self.path)?;
        match &self.shared {
            Some((files, name)) => files.put(name, &self.path),
            None => Ok(()),
        }
    }
}

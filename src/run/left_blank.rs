//! `left_blank.csv`: the values that were left out of contacts that arrived, one row each, in the run's folder
//! (contract 1.2).
//!
//! Which values are left out is decided by the mapping and by merging; this only lists and counts them.

use crate::contact::LeftBlank;
use crate::files::{Format, Listing};
use crate::outcome::Failure;
use crate::report::Counts;
use crate::scratch::left_blank::LeftBlankValues;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// The name of the list in the folder of a run.
pub const FILE: &str = "left_blank.csv";

const COLUMNS: [&str; 4] = ["line", "column", "code", "value"];

/// Where the list of a run is, if it has one.
pub fn left_blank_file(folder: &Path) -> Option<PathBuf> {
    Some(folder.join(FILE)).filter(|path| path.exists())
}

/// Collects the values that a pass leaves out.
pub(super) struct LeftBlankList {
    folder: PathBuf,
    values: Option<LeftBlankValues>,
    counts: BTreeMap<String, u64>,
}

impl LeftBlankList {
    /// An empty list for a run with this folder.
    pub(super) fn new(folder: &Path) -> LeftBlankList {
        LeftBlankList { folder: folder.to_owned(), values: None, counts: BTreeMap::new() }
    }

    /// Adds what a contact that arrived was sent without.
    ///
    /// # Errors
    /// Exit 1 when it cannot be kept on disk.
    pub(super) fn add(&mut self, left: &[LeftBlank]) -> Result<(), Failure> {
        for value in left {
            let values = match &mut self.values {
                Some(values) => values,
                none => none.insert(LeftBlankValues::create(&self.folder)?),
            };
            values.add(value)?;
            *self.counts.entry(value.code.to_string()).or_default() += 1;
        }
        Ok(())
    }

    /// Writes the list into the folder and counts it by code. An empty list removes the one of an earlier pass.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub(super) fn finish(self) -> Result<Counts, Failure> {
        let path = self.folder.join(FILE);
        let Some(values) = self.values else {
            return match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(Failure::failed(format!("`{}` cannot be removed", path.display())).cause(error))
                }
                _ => Ok(Counts::default()),
            };
        };
        let mut list = Listing::create(&path, Format::Csv, &COLUMNS, None)?;
        values.for_each(|LeftBlank { line, column, code, value }| {
            list.cells([line.to_string().as_str(), &column.unwrap_or_default(), &code, &value])
        })?;
        list.commit()?;
        Ok(self.counts.into_iter().collect())
    }
}

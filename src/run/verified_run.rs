//! What a verified run wanted of each contact, looked up by key in a copy of the checkpoint while the contacts are compared.
//!
//! Records that the run rejected or skipped are not compared. What differs is listed in `crate::run::differences`.

use crate::files::PrivateFolder;
use crate::outcome::{Failure, Outcome};
use crate::report::Console;
use crate::run::active::folder::make_private;
use crate::run::active::receipt::is_same_account;
use crate::run::plan::VerifyPlan;
use crate::store::{AccountAddress, Checkpoint, Key, RunNo, StateDir, StoreAddress};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// What is known about the verified run while the work is done.
pub(in crate::run) struct VerifiedRun {
    name: String,
    folder: PathBuf,
    /// A copy of the checkpoint, in which the run can be asked about every key.
    copy: Checkpoint,
    of: RunNo,
    compared: Mutex<Vec<u64>>,
    _copies: PrivateFolder,
}

/// What the verified run wanted of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::run) enum Intended {
    /// It exists; what the rules leave as it is may be as it is.
    Exists,
    /// The run created it: every value is compared.
    Created,
    /// The run rejected the record, or left it out.
    NotCompared,
}

impl VerifiedRun {
    /// Opens a copy of the checkpoint that knows the run.
    ///
    /// # Errors
    /// Exit 2 when the checkpoint does not know the run; exit 1 when it cannot be copied.
    pub(in crate::run) fn open(
        state: &StateDir,
        account: &AccountAddress,
        verify: &VerifyPlan,
    ) -> Result<VerifiedRun, Failure> {
        make_private(state)?;
        let copies = PrivateFolder::create(state, "verify-").map_err(|error| {
            Failure::failed(format!("no copies can be created in `{}`", state.display()))
                .cause(error)
                .hint("make room, or name another folder with `--state`")
        })?;
        let to = StoreAddress::Folder(copies.path().to_owned()).account(account.key.clone());
        if let Some(checkpoint) = Checkpoint::look(account)? {
            checkpoint.copy_to(&to)?;
        }
        let copy = Checkpoint::open(&to)?;
        let name = verify.run.run.clone();
        let row = copy.runs()?.into_iter().find(|row| row.name == name).ok_or_else(|| {
            Failure::usage(format!("nothing is known about what `{name}` did"))
                .hint("its connection is another one now, or its checkpoint was removed")
        })?;
        // Makes the index by which a key is found. Only that is asked from then on.
        copy.begin_pass(row.no)?;
        copy.close()?;
        let copy = Checkpoint::look(&to)?.ok_or_else(|| Failure::failed("the copy of the checkpoint is gone"))?;
        let folder = verify.folder.clone();
        Ok(VerifiedRun { name, folder, copy, of: row.no, compared: Mutex::default(), _copies: copies })
    }

    /// What the run wanted of the contact of this key; a contact that should exist counts as compared from now on.
    ///
    /// # Errors
    /// Exit 1 when the copy cannot be read.
    pub(in crate::run) fn intended(&self, key: &Key, ordinal: u64) -> Result<Intended, Failure> {
        let intended = match self.copy.entry(self.of, key)?.map(|entry| entry.outcome) {
            Some(Outcome::Rejected | Outcome::Skipped(_)) => return Ok(Intended::NotCompared),
            Some(Outcome::Created) => Intended::Created,
            _ => Intended::Exists,
        };
        let (word, bit) = (usize::try_from(ordinal / 64).unwrap_or(usize::MAX), ordinal % 64);
        let mut compared = self.compared.lock().unwrap_or_else(PoisonError::into_inner);
        if compared.len() <= word {
            compared.resize(word + 1, 0);
        }
        if let Some(bits) = compared.get_mut(word) {
            *bits |= 1 << bit;
        }
        Ok(intended)
    }

    /// Whether the contact of the record with this ordinal was compared.
    pub(in crate::run) fn is_compared(&self, ordinal: u64) -> bool {
        let compared = self.compared.lock().unwrap_or_else(PoisonError::into_inner);
        let word = usize::try_from(ordinal / 64).ok().and_then(|word| compared.get(word).copied());
        word.is_some_and(|bits| bits & (1 << (ordinal % 64)) != 0)
    }

    /// The id that the contact of this key had when the run was done with it.
    ///
    /// # Errors
    /// Exit 1 when the copy cannot be read.
    pub(in crate::run) fn target_id(&self, key: &Key) -> Result<Option<String>, Failure> {
        Ok(self.copy.entry(self.of, key)?.and_then(|entry| entry.target_id))
    }

    /// Says so when the account `name`, read into `now`, is not what the run has read of it.
    pub(in crate::run) fn note_source(&self, name: &str, now: &Path, console: &Console) {
        if is_same_account(&self.folder, now) == Some(false) {
            let run = &self.name;
            console.note(&format!("`{name}` has changed since `{run}` read it; its present content is compared"));
        }
    }
}

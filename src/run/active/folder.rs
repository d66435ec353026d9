//! The folders of runs and checkpoints below the state folder: their paths, and that only their user can look into them.
//!
//! It does not know what a run is.

use crate::outcome::Failure;
use crate::plan::Connection;
use crate::store::{AccountAddress, AccountKey, StateDir, StoreAddress};
use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// The name of the file that describes a run, in its folder.
pub(super) const FILE: &str = "run.json";

/// The file in the folder of a run that holds an account as it was read.
pub const SPOOL_FILE: &str = "source.db";

/// The folder of all runs below the state folder.
pub fn runs_folder(state: &Path) -> PathBuf {
    state.join("runs")
}

/// The folder of one run: always one below [`runs_folder`], whatever a damaged or foreign file says its name is.
pub fn run_folder(state: &Path, run: &str) -> PathBuf {
    let mut parts = Path::new(run).components();
    let name = match (parts.next(), parts.next()) {
        (Some(Component::Normal(name)), None) if name.to_str() == Some(run) => run.to_owned(),
        _ => format!("no-run-{}", blake3::hash(run.as_bytes()).to_hex()),
    };
    runs_folder(state).join(name)
}

/// Where it stands what is known about a run, in its folder.
pub fn file_of(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// Creates a folder that only its user can read.
pub fn make_private(folder: &Path) -> Result<(), Failure> {
    private_folders().recursive(true).create(folder).map_err(|error| cannot_create(folder, error))
}

/// How many names for a run are tried: that so many are taken in one minute is no chance.
const NAMES_TRIED: u32 = 1000;

/// Creates the folder of a new run, under the first of these names that no run has.
pub(super) fn make_for_new_run(state: &Path, name: impl Fn(u32) -> String) -> Result<String, Failure> {
    make_private(&runs_folder(state))?;
    for run in (0..NAMES_TRIED).map(name) {
        let folder = run_folder(state, &run);
        match private_folders().create(&folder) {
            Ok(()) => return Ok(run),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(cannot_create(&folder, error)),
        }
    }
    Err(Failure::failed("there is no free name for a run").hint("run the same command again in a minute"))
}

fn private_folders() -> DirBuilder {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

fn cannot_create(folder: &Path, error: std::io::Error) -> Failure {
    if folder.is_file() {
        return Failure::failed(format!("`{}` is a file, and should be the state folder", folder.display()))
            .hint("name a folder with `--state DIR`");
    }
    Failure::failed(format!("the folder `{}` cannot be created", folder.display()))
        .cause(error)
        .hint("name another folder with `--state DIR`")
}

/// What the state folder holds; where it holds anything else, it is a working folder of the user too.
const STATE_NAMES: [&str; 9] = [
    "runs",
    "connections",
    "exports",
    "engines",
    "sandbox",
    "outputs.jsonl",
    "removed-runs.jsonl",
    "mapping.schema.json",
    "ferry.schema.json",
];

/// Takes the rights of others to a state folder away that was created with them. Where that is not Ferry's to do, or nothing
/// is to be changed, it says so.
pub fn tighten(state: &Path, is_dry: bool) -> Option<String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = state.metadata().ok()?.permissions().mode() & 0o7777;
        if mode & 0o077 == 0 {
            return None;
        }
        let is_ours =
            |name: &str| STATE_NAMES.contains(&name) || name.starts_with(".ferry-") || name.starts_with(".tmp");
        let mut entries = std::fs::read_dir(state).ok()?.flatten();
        let is_own = entries.all(|entry| entry.file_name().to_str().is_some_and(is_ours));
        if is_own && !is_dry && std::fs::set_permissions(state, std::fs::Permissions::from_mode(0o700)).is_ok() {
            return Some(format!("other users could read the state folder `{}`; it is private now", state.display()));
        }
        Some(format!("other users can read the state folder `{}` (mode {mode:04o})", state.display()))
    }
    #[cfg(not(unix))]
    {
        let _ = (state, is_dry);
        None
    }
}

/// Makes the files of a folder private, whichever part wrote them. The folder is private itself, so this only matters when
/// it is copied; a failure does no harm.
pub(super) fn make_files_private(folder: &Path) {
    #[cfg(unix)]
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        use std::os::unix::fs::PermissionsExt;
        let Ok(facts) = entry.metadata() else { continue };
        if facts.is_file() && facts.permissions().mode() & 0o077 != 0 {
            let _ = std::fs::set_permissions(entry.path(), std::fs::Permissions::from_mode(0o600));
        }
    }
    #[cfg(not(unix))]
    let _ = folder;
}

/// Forgets a run that has not begun: its folder. What cannot be removed does no harm.
pub fn forget(state: &Path, run: &str) {
    let _ = std::fs::remove_dir_all(run_folder(state, run));
}

/// The account of a connection at an address.
pub fn account_of(connection: &Connection, address: &str) -> AccountKey {
    AccountKey::of(&connection.name, &connection.facts().name, address)
}

/// Where the account of a connection is kept, in a state folder that only its user can read.
pub fn account_at(state: &StateDir, connection: &Connection, address: &str) -> Result<AccountAddress, Failure> {
    let store = state.store();
    if let StoreAddress::Folder(folder) = &store {
        make_private(folder)?;
    }
    Ok(store.account(account_of(connection, address)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_of_a_minute_never_share_a_folder() {
        let state = tempfile::tempdir().unwrap();
        let name =
            |nth: u32| ["run-of-now", "run-of-now", "another"].get(nth as usize).map_or("late", |name| name).to_owned();
        let names: Vec<String> = (0..3).map(|_| make_for_new_run(state.path(), name).unwrap()).collect();
        assert_eq!(names, ["run-of-now", "another", "late"]);
        let none_is_free = make_for_new_run(state.path(), name).unwrap_err();
        assert!(none_is_free.message.contains("no free name"), "{none_is_free:?}");
    }
}

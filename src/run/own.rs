//! Whether what stands about a run was written by this user's Ferry in this state folder.
//!
//! A state folder can come from a colleague, an archive or a repository, and the words in a `run.json` are a command. So
//! they carry a seal over the command, made of what cannot be known before the state folder exists: its number on its
//! disk, when it was created, and whose it is. Nothing of the machine is part of it, because a container that
//! resumes in the state folder of another one is a machine of its own.

use crate::outcome::Failure;
use crate::report::words::shell;
use crate::run::active::folder::{file_of, run_folder, runs_folder};
use crate::run::active::record::RunRecord;
use crate::store::StateDir;
use std::path::{Path, PathBuf};

/// What the command of a run is about to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It is done again as it stands there.
    Repeat,
    /// It says where a run wrote, and how.
    Look,
}

/// Proves that the command of a run is this user's own, before it is used.
///
/// # Errors
/// Exit 2 when the files belong to another user, or when Ferry did not write the command in this state folder.
pub fn prove_own(info: &RunRecord, state: &StateDir, how: Use) -> Result<(), Failure> {
    let folder = run_folder(state, &info.run);
    for path in [state.to_path_buf(), runs_folder(state), folder.clone(), file_of(&folder)] {
        prove_owner(&path)?;
    }
    let is_own = match (&info.seal, info.expected_seal(state)) {
        (Some(seal), Some(expected)) => *seal == expected,
        (_, None) => true,
        // Before there were seals.
        (None, Some(_)) => how == Use::Look && leads_to(info, state),
    };
    if is_own {
        return Ok(());
    }
    let words: Vec<_> = info.arguments.iter().map(|word| shell(word)).collect();
    let (run, state) = (&info.run, state.display());
    Err(Failure::usage(format!("the command of `{run}` was not written by Ferry in this state folder (`{state}`)"))
        .cause("the folder was copied or moved from another disk, or its `run.json` was changed")
        .hint(format!("if the run is yours, type its command again: `ferry {}`", words.join(" "))))
}

#[cfg(unix)]
fn prove_owner(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt;
    let Ok(facts) = path.metadata() else { return Ok(()) };
    let own = tempfile::tempfile().and_then(|file| file.metadata()).map(|facts| facts.uid());
    let own = own.map_err(|error| Failure::failed("no temporary file can be created").cause(error))?;
    if facts.uid() == own {
        return Ok(());
    }
    Err(Failure::usage(format!("`{}` belongs to another user, so its command is not used", path.display()))
        .hint("run Ferry as that user, or name a state folder of your own with `--state`"))
}

#[cfg(not(unix))]
fn prove_owner(_: &Path) -> Result<(), Failure> {
    Ok(())
}

/// Whether the words of a run, typed where they were typed, lead to this state folder.
fn leads_to(info: &RunRecord, state: &StateDir) -> bool {
    let value = |option: &str| {
        let mut words = info.arguments.iter();
        let apart = words.by_ref().position(|word| word == option).and_then(|at| info.arguments.get(at + 1));
        let joined = info.arguments.iter().find_map(|word| word.strip_prefix(option)?.strip_prefix('='));
        apart.map(String::as_str).or(joined).map(PathBuf::from)
    };
    let beside = |config: PathBuf| config.with_file_name(".ferry");
    let named = value("--state").or_else(|| value("--config").map(beside)).unwrap_or_else(|| PathBuf::from(".ferry"));
    let whole = |path: &Path| path.canonicalize().ok();
    info.folder.is_absolute() && whole(&info.folder.join(named)).is_some_and(|path| Some(path) == whole(state))
}

//! Temporary files and folders: private from their first byte, locked while their process lives, and gone after it.
//!
//! What can be unlinked is. What needs a name until it is renamed keeps a lock, and the next writing command removes the
//! names that no live process holds ([`sweep`]). On a file system without locks they stay, because a live process cannot
//! be told there.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile, TempDir, TempPath};

const PREFIX: &str = ".ferry-";
const SUFFIX: &str = ".tmp";

/// Folders of copies in the state folder, by the beginnings of their names.
const FOLDER_PREFIXES: [&str; 3] = ["dry-run-", "verify-", "attributes-"];

/// Random letters and digits in a name.
const RANDOM_LEN: usize = 6;

/// How often a name is tried that another process sweeps away before it is locked.
const TRIES_MAX: usize = 16;

/// Bytes copied at a time.
const COPY_LEN: usize = 256 << 10;

/// A temporary file in a folder, with a name.
pub(super) fn temporary_in(folder: &Path) -> io::Result<NamedTempFile> {
    for _ in 0..TRIES_MAX {
        let file = Builder::new().prefix(PREFIX).suffix(SUFFIX).rand_bytes(RANDOM_LEN).tempfile_in(folder)?;
        if hold(file.as_file()) && file.path().exists() {
            return Ok(file);
        }
    }
    Err(io::Error::other("temporary files disappear as soon as they are created"))
}

/// A temporary file without a name: it ends with the process, however that ends.
///
/// # Errors
/// Why it cannot be created.
pub fn unnamed_in(folder: &Path) -> io::Result<File> {
    if cfg!(not(unix)) {
        return tempfile::tempfile_in(folder);
    }
    let (file, named) = temporary_in(folder)?.into_parts();
    named.close()?;
    Ok(file)
}

/// Locks a file or folder; false if another process has the lock.
fn hold(file: &File) -> bool {
    !matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// Writes a private file, whole or not at all; it is on the disk when this returns.
///
/// # Errors
/// Why it cannot be written; then the earlier file stays.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    let mut file = temporary_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|refused| refused.error)?;
    sync_folder(folder)
}

/// Makes sure that a rename is on the disk; systems that cannot open a folder keep renames by themselves.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// A private copy of something that can be read only once. It has no name where an open file can be reached without one,
/// and ends with this value.
#[derive(Debug)]
pub struct PrivateCopy {
    path: PathBuf,
    _file: File,
    _named: Option<TempPath>,
}

impl PrivateCopy {
    /// Copies `input` to the disk of `folder`.
    ///
    /// # Errors
    /// When it cannot be read to its end, or not be kept.
    pub fn of(input: impl Read, folder: &Path) -> io::Result<PrivateCopy> {
        let (mut file, named) = temporary_in(folder)?.into_parts();
        let (path, named) = match path_of(&file) {
            Some(path) => named.close().map(|()| (path, None))?,
            None => (named.to_path_buf(), Some(named)),
        };
        io::copy(&mut io::BufReader::with_capacity(COPY_LEN, input), &mut file)?;
        Ok(PrivateCopy { path, _file: file, _named: named })
    }

    /// Where it can be opened by this process.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A path to an open file without a name.
#[cfg(target_os = "linux")]
fn path_of(file: &File) -> Option<PathBuf> {
    let path = PathBuf::from(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file)));
    File::open(&path).ok().map(|_| path)
}

#[cfg(not(target_os = "linux"))]
fn path_of(_: &File) -> Option<PathBuf> {
    None
}

/// A private folder for copies, removed with this value, or by [`sweep`] after a killed process.
#[derive(Debug)]
pub struct PrivateFolder {
    folder: TempDir,
    _lock: Option<File>,
}

impl PrivateFolder {
    /// Creates one in the state folder, whose name begins with one of `FOLDER_PREFIXES`.
    ///
    /// # Errors
    /// Why it cannot be created.
    pub fn create(state: &Path, prefix: &str) -> io::Result<PrivateFolder> {
        debug_assert!(FOLDER_PREFIXES.contains(&prefix), "no folder of this name is swept");
        for _ in 0..TRIES_MAX {
            let folder = Builder::new().prefix(prefix).rand_bytes(RANDOM_LEN).tempdir_in(state)?;
            let lock = if cfg!(unix) { Some(File::open(folder.path())?) } else { None };
            if lock.as_ref().is_none_or(hold) && folder.path().exists() {
                return Ok(PrivateFolder { folder, _lock: lock });
            }
        }
        Err(io::Error::other("temporary folders disappear as soon as they are created"))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the temporary files that killed processes have left in a folder. What cannot be removed does no harm.
pub fn sweep(folder: &Path) {
    sweep_named(folder, |name, is_folder| !is_folder && is_random(name, PREFIX, SUFFIX));
}

/// The same in the state folder, with the folders of copies, and in the folders of the runs.
pub fn sweep_state(state: &Path) {
    sweep_named(state, |name, is_folder| match is_folder {
        true => FOLDER_PREFIXES.iter().any(|prefix| is_random(name, prefix, "")),
        false => is_random(name, PREFIX, SUFFIX) || is_random(name, ".tmp", ""),
    });
    for run in fs::read_dir(state.join("runs")).into_iter().flatten().flatten() {
        if run.file_type().is_ok_and(|kind| kind.is_dir()) {
            sweep(&run.path());
        }
    }
}

fn sweep_named(folder: &Path, is_ours: impl Fn(&str, bool) -> bool) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (name, Ok(kind)) = (entry.file_name(), entry.file_type()) else { continue };
        let is_ours = name.to_str().is_some_and(|name| is_ours(name, kind.is_dir()));
        if !is_ours || !(kind.is_dir() || kind.is_file()) {
            continue;
        }
        let path = entry.path();
        // The lock is held until the name is gone, so a process that has just created it tries another name.
        let Ok(held) = File::open(&path) else { continue };
        if held.try_lock().is_ok() {
            let _ = if kind.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        }
    }
}

/// Whether a name is a prefix, random letters and digits, and a suffix.
fn is_random(name: &str, prefix: &str, suffix: &str) -> bool {
    let random = name.strip_prefix(prefix).and_then(|name| name.strip_suffix(suffix));
    random.is_some_and(|random| random.len() == RANDOM_LEN && random.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// The folder that `path` stands in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_goes_and_what_a_live_one_holds_stays() {
        let state = tempfile::tempdir().unwrap();
        let run = state.path().join("runs/R");
        fs::create_dir_all(&run).unwrap();
        let left = [".ferry-abc123.tmp", ".tmpQrs7uv", "runs/R/.ferry-AbC123.tmp"];
        let kept = [".ferry-abc123.csv", ".ferry-ab.tmp", ".tmp", "notes.tmp", "runs/R/run.json", "runs/R/.tmp-x"];
        for name in left.iter().chain(&kept) {
            fs::write(state.path().join(name), "x").unwrap();
        }
        for name in ["dry-run-abc123", "verify-abc123", "verify-2026", "runs/dry-run-abc123"] {
            fs::create_dir(state.path().join(name)).unwrap();
            fs::write(state.path().join(name).join("checkpoint.db"), "x").unwrap();
        }
        let (file, folder) = (temporary_in(state.path()).unwrap(), PrivateFolder::create(state.path(), "dry-run-"));
        let folder = folder.unwrap();
        sweep_state(state.path());
        let is_there = |name: &&str| state.path().join(name).exists();
        assert_eq!(left.iter().filter(|name| is_there(name)).count(), 0);
        assert_eq!(kept.iter().filter(|name| is_there(name)).count(), kept.len());
        assert!(!is_there(&"dry-run-abc123") && !is_there(&"verify-abc123"));
        assert!(is_there(&"verify-2026") && is_there(&"runs/dry-run-abc123"));
        assert!(file.path().exists() && folder.path().exists());
        let (file, folder) = (file.into_temp_path().keep().unwrap(), folder.path().to_owned());
        sweep_state(state.path());
        assert!(!file.exists() && folder.exists());
    }

    #[test]
    fn a_copy_has_no_name_and_can_be_opened_again_and_again() {
        let state = tempfile::tempdir().unwrap();
        let copy = PrivateCopy::of(&b"Name\nAna\n"[..], state.path()).unwrap();
        for _ in 0..2 {
            assert_eq!(fs::read_to_string(copy.path()).unwrap(), "Name\nAna\n");
        }
        if cfg!(target_os = "linux") {
            assert_eq!(fs::read_dir(state.path()).unwrap().count(), 0);
        }
    }
}

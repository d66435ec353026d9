//! Private files: those that only their user may read, and what is known about the disk below them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Opens a file for reading and writing, created if it is missing. Only its user may read it, whatever the umask says.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    make_private(&file)?;
    Ok(file)
}

/// Removes the rights of all other users to a file, and gives its user the right to read and write it.
pub(crate) fn make_private(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if file.metadata()?.permissions().mode() & 0o777 != 0o600 {
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}

/// Creates the folder of a file for its user alone, if it is missing.
pub(crate) fn create_folder_of(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder_of(path))
}

/// How many bytes are written to find out whether a disk is full: more than the pieces by which a database grows.
const PROBE_LEN: usize = 1 << 20;

/// Whether the disk that holds `path` has no room. SQLite reports a full disk as an I/O error if it notices it while it
/// syncs or grows its shared memory, so a write is tried.
pub(crate) fn is_disk_full(path: &Path) -> bool {
    let tried = tempfile::tempfile_in(folder_of(path)).and_then(|mut file| {
        file.write_all(&vec![0; PROBE_LEN])?;
        file.sync_all()
    });
    let is_full = |error: io::Error| matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    tried.is_err_and(is_full)
}

/// Makes a file name in a folder survive a loss of power.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder_of(path))?.sync_all() } else { Ok(()) }
}

/// The folder of a file.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

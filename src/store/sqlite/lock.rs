//! The lock beside a database, so that one process writes to it at a time, and the refusal of network drives, on which no
//! lock holds.

use super::error::{beside, cannot_write};
use crate::outcome::{Exit, Failure};
use crate::store::private::{create_private, folder_of, make_private};
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// File systems that are reached over a network, as the kernel calls them: neither their locks nor the shared memory
/// of a write-ahead log hold (<https://www.sqlite.org/wal.html>: "does not work over a network filesystem").
const NETWORKED: [&str; 11] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "afs",
    "ceph",
    "fuse.sshfs",
    "fuse.glusterfs",
    "fuse.rclone",
    "fuse.davfs2",
];

/// Where Linux lists what is mounted; other systems have no such file, and nothing is refused there.
const MOUNTS: &str = "/proc/self/mountinfo";

/// A process id needs no more.
const PID_BYTES_MAX: u64 = 32;

/// An exclusive right among the processes of this machine, held until dropped; a killed process loses it.
#[derive(Debug)]
pub struct Lock {
    held: File,
}

impl Drop for Lock {
    /// Unlocks explicitly, because closing unlocks only when the last copy of the file is closed, and a program that another
    /// thread is just starting has a copy until it runs.
    fn drop(&mut self) {
        let _closing_unlocks_too = self.held.unlock();
    }
}

impl Lock {
    /// Takes the lock beside `path` for writing to a connection. Another process that has it is named (exit 7).
    pub(super) fn take(path: &Path) -> Result<Lock, Failure> {
        Lock::take_for(path, "is writing to this connection")
    }

    /// Takes the lock beside `path`. Another process that has it is named, with what it `does`.
    ///
    /// # Errors
    /// Exit 7 when another process has it; exit 1 when it cannot be created.
    pub fn take_for(path: &Path, does: &str) -> Result<Lock, Failure> {
        let lock_path = beside(path, ".lock");
        let fault = |error: &io::Error| cannot_write(&lock_path, error);
        let mut file = create_private(&lock_path).map_err(|error| fault(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held_by(&mut file, path, does)),
            Err(TryLockError::Error(error)) => return Err(fault(&error)),
        }
        write_pid(&mut file).map_err(|error| fault(&error))?;
        Ok(Lock { held: file })
    }
}

fn held_by(file: &mut File, path: &Path, does: &str) -> Failure {
    let mut text = String::new();
    let _ = file.take(PID_BYTES_MAX).read_to_string(&mut text);
    let holder = match text.trim().parse::<u32>() {
        Ok(pid) => format!("another process (`{pid}`)"),
        Err(_) => "another process".to_owned(),
    };
    Failure::new(Exit::Busy, format!("{holder} {does}"))
        .cause(format!("it holds `{}`", beside(path, ".lock").display()))
        .hint("wait until it has ended, then run the same command again")
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// Makes the files that are there private, in case they came from a backup.
pub(super) fn make_all_private(path: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        match File::open(beside(path, suffix)) {
            Ok(file) => make_private(&file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Refuses a folder that is reached over a network.
pub(super) fn refuse_network(path: &Path) -> Result<(), Failure> {
    let folder = fs::canonicalize(folder_of(path)).map_err(|error| cannot_write(path, &error))?;
    let mounts = fs::read_to_string(MOUNTS).unwrap_or_default();
    let Some(kind) = file_system_of(&mounts, &folder).filter(|kind| NETWORKED.contains(kind)) else {
        return Ok(());
    };
    let message = format!("the checkpoint `{}` would be kept on a network drive (`{kind}`)", path.display());
    Err(Failure::failed(message)
        .cause("locks and logs do not hold there: two processes could write at once, and what was saved could be lost")
        .hint("name a folder on a disk of this machine with `--state`"))
}

/// The file system of a folder, by the lines of `mountinfo` (proc(5)): the innermost mount, the latest of equals.
fn file_system_of<'a>(mounts: &'a str, folder: &Path) -> Option<&'a str> {
    let parsed = mounts.lines().filter_map(|line| {
        let (fields, rest) = line.split_once(" - ")?;
        let point = unescape(fields.split(' ').nth(4)?);
        folder.starts_with(&point).then(|| (point.components().count(), rest.split(' ').next().unwrap_or("")))
    });
    parsed.max_by_key(|(depth, _)| *depth).map(|(_, kind)| kind)
}

/// A mount point without the escapes of `mountinfo`: blank, tab, line end and back-slash stand there in octal.
fn unescape(point: &str) -> PathBuf {
    let pairs = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    PathBuf::from(pairs.iter().fold(point.to_owned(), |text, (escape, plain)| text.replace(escape, plain)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_system_is_that_of_the_innermost_mount() {
        let mounts = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
                      30 22 0:40 / /home rw - nfs4 server:/home rw\n\
                      31 30 8:2 / /home/ana/my\\040disk rw master:2 - xfs /dev/sdb1 rw\n\
                      32 22 0:41 / /mnt rw - ext4 /dev/sdc rw\n\
                      33 32 0:42 / /mnt rw - cifs //nas/share rw\n";
        let cases = [
            ("/var/lib", Some("ext4")),
            ("/home/ana", Some("nfs4")),
            ("/homes", Some("ext4")),
            ("/home/ana/my disk/state", Some("xfs")),
            ("/mnt/x", Some("cifs")),
        ];
        for (folder, kind) in cases {
            assert_eq!(file_system_of(mounts, Path::new(folder)), kind, "{folder}");
        }
        assert_eq!(file_system_of("", Path::new("/")), None);
    }
}

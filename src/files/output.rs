//! A file that appears complete or not at all.
//!
//! Data is written to a temporary file beside the destination; only [`Output::commit`] puts it in place. If it is dropped
//! before that, it is removed and the earlier file stays. The temporary file is private; unless it is to stay so, the final
//! one gets the mode of the file that it replaces, or the one that the umask gives, just before the rename. What is no
//! regular file (standard output, a pipe, a device) is written as it comes. Rows for a workbook come in as CSV and are packed into it.

use super::fingerprint::{Fingerprint, FingerprintSoFar};
use super::format::{Packing, SHEET_ENDING};
use super::ledger::{About, Ledger};
use super::syncing::Syncing;
use super::temporary::{folder_of, sweep, sync_folder, temporary_in};
use super::xlsx::{SheetLimit, SheetWriter};
use crate::outcome::Failure;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// zstd's own default: compresses contacts about as well as gzip's best, at the speed of the disk.
const ZSTD_LEVEL: i32 = 3;

/// Bytes gathered before they are handed on. As many or more at once are handed on without being copied, as the rows of
/// a batch are.
const BUFFER_LEN: usize = 32 << 10;

/// Links that are followed to a destination that does not exist yet; the limit of Linux.
const LINKS_MAX: usize = 40;

/// A file being written.
pub struct Output {
    packed: Packed,
    shown: String,
    destination: Option<PathBuf>,
    /// Whether only its user may read it, whatever the umask says.
    is_private: bool,
    /// Where it is noted that Ferry wrote it.
    noted: Option<(Ledger, About)>,
}

enum Packed {
    Plain(BufWriter<Place>),
    Gzip(flate2::write::GzEncoder<BufWriter<Place>>),
    Zstd(zstd::Encoder<'static, BufWriter<Place>>),
    Sheet(Box<SheetWriter<BufWriter<Place>>>),
}

/// How the bytes of a file are packed, as its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packs {
    Not,
    As(Packing),
    Workbook,
}

impl Packs {
    /// By the name of a file, in lower case.
    fn of_name(name: &str, shown: &str) -> Result<Packs, Failure> {
        let is_workbook = |name: &str| Path::new(name).extension().is_some_and(|ending| ending == SHEET_ENDING);
        match Packing::of_name(name) {
            Some((_, bare)) if is_workbook(bare) => {
                Err(Failure::usage(format!("`{shown}`: a workbook is compressed as it is"))
                    .hint("end the name with `.xlsx`"))
            }
            Some((packing, _)) => Ok(Packs::As(packing)),
            None if is_workbook(name) => Ok(Packs::Workbook),
            None => Ok(Packs::Not),
        }
    }
}

enum Place {
    Temporary(Box<Temporary>),
    Direct(File),
    Stdout(io::Stdout),
}

struct Temporary {
    file: NamedTempFile,
    /// What was written to it so far.
    content: FingerprintSoFar,
    syncing: Syncing,
}

impl Output {
    /// Begins the file at `path`; `.gz` and `.zst` in its name compress it.
    ///
    /// A link is followed: the file it leads to is the one that is replaced, or created.
    ///
    /// # Errors
    /// Exit 2 when the folder is not there or `path` is a folder; exit 1 when nothing can be written there.
    pub fn create(path: &Path) -> Result<Output, Failure> {
        Output::create_as(path, path)
    }

    /// The same, compressed as another name asks for: for a file that is kept in place of the one with that name.
    ///
    /// # Errors
    /// As [`Output::create`].
    pub fn create_as(path: &Path, name: &Path) -> Result<Output, Failure> {
        let destination = resolve(path);
        sweep(folder_of(&destination));
        Output::begin(destination, path, name)
    }

    fn begin(path: PathBuf, shown: &Path, name: &Path) -> Result<Output, Failure> {
        let shown = shown.display().to_string();
        let name = name.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        let packs = Packs::of_name(&name, &shown)?;
        let place = match fs::metadata(&path) {
            Ok(facts) if facts.is_dir() => {
                return Err(Failure::usage(format!("`{shown}` is a folder")).hint("name a file in it"));
            }
            Ok(facts) if !facts.is_file() => direct(&path, &shown)?,
            _ => temporary(&path, &shown)?,
        };
        let destination = matches!(place, Place::Temporary(..)).then_some(path);
        let packed = pack(place, packs).map_err(|error| cannot_write(&shown, &error))?;
        Ok(Output { packed, shown, destination, is_private: false, noted: None })
    }

    /// Keeps it private when it is put in place.
    pub fn private(self) -> Output {
        Output { is_private: true, ..self }
    }

    /// Notes in a ledger, before it is put in place, that Ferry wrote it.
    pub fn noted(self, ledger: Ledger, about: About) -> Output {
        Output { noted: Some((ledger, about)), ..self }
    }

    /// Whether a file could be begun at `path`; nothing is left behind. What is no file (a pipe, a device) is not tried.
    ///
    /// # Errors
    /// As [`Output::create`].
    pub fn probe(path: &Path) -> Result<(), Failure> {
        match fs::metadata(path) {
            Ok(facts) if !facts.is_file() && !facts.is_dir() => Ok(()),
            _ => Output::begin(resolve(path), path, path).map(drop),
        }
    }

    /// Standard output, which is written directly and not compressed.
    pub fn stdout() -> Output {
        let place = Place::Stdout(io::stdout());
        let packed = Packed::Plain(BufWriter::with_capacity(BUFFER_LEN, place));
        let shown = "standard output".to_owned();
        Output { packed, shown, destination: None, is_private: false, noted: None }
    }

    /// What was written to a file that is not packed, but for what is not flushed yet.
    pub fn content(&self) -> Option<Fingerprint> {
        match &self.packed {
            Packed::Plain(out) => match out.get_ref() {
                Place::Temporary(place) => Some(place.content.end()),
                Place::Direct(_) | Place::Stdout(_) => None,
            },
            Packed::Gzip(_) | Packed::Zstd(_) | Packed::Sheet(_) => None,
        }
    }

    /// Whether nothing is seen of it before it is put in place.
    pub fn is_replacing(&self) -> bool {
        self.destination.is_some()
    }

    /// How messages call it.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Writes out what is left, makes sure that it is on the disk, and puts it in place.
    ///
    /// # Errors
    /// Exit 1 when the disk does not take it; then what stood there stays.
    pub fn commit(self) -> Result<(), Failure> {
        let Output { packed, shown, destination, is_private, noted } = self;
        let place = destination.as_deref().map(|path| (path, is_private));
        place_file(packed, place, noted).map_err(|error| cannot_write(&shown, &error))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.packed {
            Packed::Plain(out) => out.write(bytes),
            Packed::Gzip(out) => out.write(bytes),
            Packed::Zstd(out) => out.write(bytes),
            Packed::Sheet(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.packed {
            Packed::Plain(out) => out.flush(),
            Packed::Gzip(out) => out.flush(),
            Packed::Zstd(out) => out.flush(),
            Packed::Sheet(out) => out.flush(),
        }
    }
}

impl Write for Place {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Place::Temporary(place) => {
                let written = place.file.write(bytes)?;
                place.content.add(bytes.get(..written).unwrap_or_default());
                place.syncing.wrote(place.file.as_file(), written)?;
                Ok(written)
            }
            Place::Direct(file) => file.write(bytes),
            Place::Stdout(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Place::Temporary(place) => place.file.flush(),
            Place::Direct(file) => file.flush(),
            Place::Stdout(out) => out.flush(),
        }
    }
}

/// The failure of a write: the disk is full, the pipe is closed.
pub(super) fn cannot_write(shown: &str, error: &io::Error) -> Failure {
    let failure = Failure::failed(format!("`{shown}` cannot be written")).cause(error);
    if error.get_ref().is_some_and(|inner| inner.is::<SheetLimit>()) {
        return failure
            .hint("write a CSV file (`.csv`), which has no such limit, in place of a workbook; nothing was replaced");
    }
    match error.kind() {
        io::ErrorKind::StorageFull => failure.hint("make room on the disk; the earlier file is untouched"),
        io::ErrorKind::FileTooLarge => {
            failure.hint("raise the limit on the size of files (`ulimit -f`), then run the same command again")
        }
        io::ErrorKind::PermissionDenied => {
            failure.hint("write to another folder, or change the permissions of this one")
        }
        io::ErrorKind::BrokenPipe => {
            failure.hint("the reader of the pipe has ended; use `--limit N` to write the first N")
        }
        _ => failure,
    }
}

fn direct(path: &Path, shown: &str) -> Result<Place, Failure> {
    OpenOptions::new().write(true).open(path).map(Place::Direct).map_err(|error| cannot_write(shown, &error))
}

/// Where a path leads, also to a file that does not exist yet.
pub fn resolve(path: &Path) -> PathBuf {
    if let Ok(whole) = fs::canonicalize(path) {
        return whole;
    }
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        let Ok(next) = fs::read_link(&path) else { break };
        path = folder_of(&path).join(next);
    }
    path
}

fn temporary(path: &Path, shown: &str) -> Result<Place, Failure> {
    let folder = folder_of(path);
    if !folder.is_dir() {
        let message = format!("`{shown}` cannot be written: there is no folder `{}`", folder.display());
        return Err(Failure::usage(message).hint("make the folder first"));
    }
    let file = temporary_in(folder).map_err(|error| cannot_write(shown, &error))?;
    Ok(Place::Temporary(Box::new(Temporary {
        file,
        content: FingerprintSoFar::default(),
        syncing: Syncing::default(),
    })))
}

/// The mode that a file at `path` has: that of the file it replaces, else what the system gives a new one.
fn mode_for(path: &Path) -> io::Result<fs::Permissions> {
    if let Ok(facts) = fs::metadata(path) {
        return Ok(facts.permissions());
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(".ferry-").suffix(".tmp");
    #[cfg(unix)]
    let builder = {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666))
    };
    let empty = builder.tempfile_in(folder_of(path))?;
    Ok(empty.as_file().metadata()?.permissions())
}

fn pack(place: Place, packs: Packs) -> io::Result<Packed> {
    let out = BufWriter::with_capacity(BUFFER_LEN, place);
    Ok(match packs {
        Packs::Not => Packed::Plain(out),
        Packs::Workbook => Packed::Sheet(Box::new(SheetWriter::begin(out)?)),
        Packs::As(Packing::Gzip) => Packed::Gzip(flate2::write::GzEncoder::new(out, flate2::Compression::default())),
        Packs::As(Packing::Zstd) => Packed::Zstd(zstd::Encoder::new(out, ZSTD_LEVEL)?),
    })
}

/// Puts a file in place, private or not.
fn place_file(packed: Packed, place: Option<(&Path, bool)>, noted: Option<(Ledger, About)>) -> io::Result<()> {
    let out = match packed {
        Packed::Plain(out) => out,
        Packed::Gzip(out) => out.finish()?,
        Packed::Zstd(out) => out.finish()?,
        Packed::Sheet(out) => out.finish()?,
    };
    let mut written = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    written.flush()?;
    let (Place::Temporary(written), Some((path, is_private))) = (written, place) else { return Ok(()) };
    let Temporary { file, content, syncing } = *written;
    syncing.end()?;
    if !is_private {
        file.as_file().set_permissions(mode_for(path)?)?;
    }
    file.as_file().sync_all()?;
    if let Some((ledger, about)) = noted {
        ledger.add(&about, content.end(), path)?;
    }
    file.persist(path).map_err(|refused| refused.error)?;
    sync_folder(folder_of(path))
}

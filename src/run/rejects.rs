//! Where the rejects of a run are: always in its folder, and a copy where the user asked for one.
//!
//! A copy replaces only what this run wrote, or what an earlier run of the same work wrote whose rejected records were all
//! read again, because nothing is lost then. Any other rejects file at that place, and every one that was edited, is kept
//! under another name.

use crate::files::{
    About, Batch, FORMATS, Format, Layout, Ledger, Output, ReadFault, RecordKey, RejectsWriter, Room, Source,
    folder_of, record_key, resolve, write_whole,
};
use crate::outcome::Failure;
use crate::record::{Header, Record};
use crate::report::Console;
use crate::run::active::folder::run_folder;
use crate::run::active::record::RunRecord;
use crate::run::active::runs::run_named;
use crate::store::StateDir;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The names that rejects can have in the folder of a run, each once.
fn names() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().filter(|facts| facts.rejects_as == facts.format).map(|facts| facts.rejects_file)
}

/// Which records they are, for the next run of the same work.
const KEYS: &str = "rejects.keys";

/// What an edited file in the folder of a run is called, with a number behind it.
const EDITED: &str = "rejects.edited";

/// Numbers that are tried for a name that is free.
const NUMBERS_MAX: u32 = 1_000_000;

const OPTION: &str = "rejects";

/// The rejects in the folder of a run, if it has any.
pub fn own_rejects(folder: &Path) -> Option<PathBuf> {
    own_name(folder).map(|name| folder.join(name))
}

/// The name of that file.
pub(super) fn own_name(folder: &Path) -> Option<&'static str> {
    names().find(|name| folder.join(name).is_file())
}

/// A name that is free: the file's own, a dot, and a number.
pub(super) fn free_name(path: &Path) -> PathBuf {
    free_with(path, ".")
}

fn free_with(path: &Path, between: &str) -> PathBuf {
    let numbered = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("{between}{number}"));
        PathBuf::from(name)
    };
    (1..NUMBERS_MAX).map(numbered).find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| numbered(0))
}

/// Writes a copy of the rejects of a run that has ended.
///
/// # Errors
/// Exit 1 when they cannot be read or written.
pub fn copy_rejects(state: &StateDir, info: &RunRecord, to: &Path) -> Result<(), Failure> {
    let folder = run_folder(state, &info.run);
    let Some(own) = own_rejects(&folder) else { return Ok(()) };
    write_copy(&own, (to, &folder), (state, &info.about(OPTION)))
}

/// Writes a copy of the rejects in the folder of a run.
fn write_copy(own: &Path, (to, folder): (&Path, &Path), (state, about): (&StateDir, &About)) -> Result<(), Failure> {
    // A workbook is one already; the name of the copy must not pack it twice.
    let name = if Format::of_path(to) == Some(Format::Xlsx) { folder } else { to };
    let mut out = Output::create_as(to, name)?.noted(state.ledger(), about.clone());
    let copied = File::open(own).and_then(|mut own| io::copy(&mut own, &mut out));
    copied.map_err(|error| cannot_write(to, &error))?;
    out.commit()
}

/// The rejects of one run.
pub(super) struct RejectsFiles {
    folder: PathBuf,
    own: PathBuf,
    copy: Option<PathBuf>,
    state: StateDir,
    about: About,
    /// The rejected records of the earlier run whose copy stands there.
    earlier: Option<Arc<Earlier>>,
}

/// Whether the name of a copy says what its content will be: the source decides that.
///
/// # Errors
/// Exit 2 when the name says another format.
pub(super) fn check_rejects_name(asked: Option<&Path>, layout: &Layout, header: &Header) -> Result<(), Failure> {
    let Some((path, named)) = asked.and_then(|path| Some((path, Format::of_path(path)?))) else { return Ok(()) };
    let form = form_of(asked, layout, header);
    let is_text = |format| matches!(format, Format::Csv | Format::Tsv);
    let is_lines = |format| matches!(format, Format::Json | Format::Jsonl);
    if named == form || (is_text(named) && is_text(form)) || (is_lines(named) && is_lines(form)) {
        return Ok(());
    }
    let message = format!("`--rejects`: `{}` has the name of another format than its source", path.display());
    Err(Failure::usage(message).hint(format!("rejects have the format of their source: name it `.{}`", form.name())))
}

/// The format of the rejects of a source.
fn form_of(asked: Option<&Path>, layout: &Layout, header: &Header) -> Format {
    let named = || asked.and_then(Format::of_path);
    let is_csv = || matches!(named(), Some(Format::Csv | Format::Tsv));
    match header {
        Header::Columns(_) if layout.format == Format::Xlsx && is_csv() => Format::Csv,
        Header::Columns(_) => layout.format.rejects_as(),
        Header::Open if layout.format == Format::Vcf => Format::Vcf,
        Header::Open | Header::Contact => named().filter(|format| format.is_table()).unwrap_or(Format::Jsonl),
    }
}

impl RejectsFiles {
    /// Of a source with this layout and header. A dry run writes no copy.
    pub(super) fn of(
        state: &StateDir,
        info: &RunRecord,
        asked: Option<&Path>,
        (layout, header): (&Layout, &Header),
    ) -> RejectsFiles {
        let format = form_of(asked, layout, header);
        let name = format.rejects_file();
        let folder = run_folder(state, &info.run);
        let copy = asked.filter(|_| !info.is_dry()).map(Path::to_owned);
        let about = info.about(OPTION);
        let earlier = copy.as_deref().and_then(|copy| Earlier::of_copy(state, copy, &about)).map(Arc::new);
        RejectsFiles { own: folder.join(name), folder, copy, state: state.clone(), about, earlier }
    }

    /// Where the user finds them.
    pub(super) fn shown(&self) -> &Path {
        self.copy.as_deref().unwrap_or(&self.own)
    }

    /// Writes them to the folder of the run.
    pub(super) fn writer(&self, layout: &Layout, header: &Header) -> RejectsWriter {
        RejectsWriter::create(&self.own, layout, header).noted(Ledger::of_run(&self.folder), self.about.clone())
    }

    /// The same source; it is noted which of the earlier run's rejected records it gives.
    pub(super) fn watch(&self, source: Box<dyn Source>) -> Box<dyn Source> {
        match &self.earlier {
            Some(earlier) => Box::new(Watched { source, earlier: Arc::clone(earlier) }),
            None => source,
        }
    }

    /// Whether it matters which records are read ([`RejectsFiles::saw`]).
    pub(super) fn are_watched(&self) -> bool {
        self.earlier.is_some()
    }

    /// A record that was read, by its bytes.
    pub(super) fn saw(&self, raw: &[u8]) {
        self.earlier.iter().for_each(|earlier| earlier.saw(raw));
    }

    /// Puts the file in the folder of the run in place; how many rejects there are.
    ///
    /// # Errors
    /// Exit 1 when the disk does not take it.
    pub(super) fn finish(&self, writer: RejectsWriter, console: &Console) -> Result<u64, Failure> {
        let ledger = Ledger::of_run(&self.folder);
        for path in names().map(|name| self.folder.join(name)) {
            if path.is_file() && !ledger.has_content(&path, OPTION) {
                let kept = free_with(&self.folder.join(EDITED), "-");
                fs::rename(&path, &kept).map_err(|error| cannot_keep(&path, &error))?;
                console.note(&format!(
                    "`{}` was edited, and is kept as `{}`",
                    path.display(),
                    kept.file_name().unwrap_or_default().display()
                ));
            }
        }
        let (count, keys) = writer.finish()?;
        for other in names().map(|name| self.folder.join(name)).filter(|path| *path != self.own) {
            remove(&other)?;
        }
        let path = self.folder.join(KEYS);
        match keys {
            Some(keys) if count > 0 => {
                write_whole(&path, keys.as_flattened()).map_err(|error| cannot_write(&path, &error))?;
            }
            _ => remove(&path)?,
        }
        Ok(count)
    }

    /// Writes the copy, or removes it when there are no rejects.
    ///
    /// # Errors
    /// Exit 1 when the disk does not take it; then the rejects are in the folder of the run.
    pub(super) fn copy(&self, count: u64, console: &Console) -> Result<(), Failure> {
        let Some(copy) = &self.copy else { return Ok(()) };
        let place = resolve(copy);
        let is_special = place.metadata().is_ok_and(|facts| !facts.is_file());
        if !is_special && place.exists() && !self.may_replace(&place) {
            let kept = free_name(&place);
            fs::rename(&place, &kept).map_err(|error| cannot_keep(copy, &error))?;
            console.note(&format!(
                "`{}` holds other rejects, and is kept as `{}`",
                copy.display(),
                kept.file_name().unwrap_or_default().display()
            ));
        }
        if count > 0 {
            return write_copy(&self.own, (copy, &self.folder), (&self.state, &self.about));
        }
        if is_special { Ok(()) } else { remove(&place) }
    }

    /// Whether nothing is lost with the file that stands there.
    fn may_replace(&self, place: &Path) -> bool {
        let Some(written) = self.state.ledger().of_file(place) else { return false };
        let is_read_again = || self.earlier.as_ref().is_some_and(|it| it.run == written.run && it.are_all_seen());
        written.option == OPTION && (written.run == self.about.run || is_read_again())
    }
}

fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(cannot_write(path, &error)),
        _ => Ok(()),
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("`{}` cannot be written", path.display()))
        .cause(error)
        .hint("make room there, or check its permissions; the checkpoint is kept")
}

fn cannot_keep(path: &Path, error: &io::Error) -> Failure {
    let folder = folder_of(path).display();
    Failure::failed(format!("`{}` cannot be kept under another name", path.display()))
        .cause(error)
        .hint(format!("check the permissions of `{folder}`; nothing was replaced"))
}

/// The rejected records of an earlier run of the same work, and which of them were read again.
struct Earlier {
    run: String,
    /// Sorted.
    keys: Vec<RecordKey>,
    seen: Vec<AtomicBool>,
}

impl Earlier {
    /// Of the run that wrote the file at `copy`, where that is known and its records are.
    fn of_copy(state: &StateDir, copy: &Path, about: &About) -> Option<Earlier> {
        let written = state.ledger().of_file(&resolve(copy))?;
        if written.work != about.work || written.run == about.run {
            return None;
        }
        // Of another machine, its files are brought to this one.
        let run = run_named(state, &written.run).ok()?.run;
        let bytes = fs::read(run_folder(state, &run).join(KEYS)).ok()?;
        let (keys, rest) = bytes.as_chunks();
        if !rest.is_empty() || keys.is_empty() {
            return None;
        }
        let mut keys: Vec<RecordKey> = keys.to_vec();
        keys.sort_unstable();
        keys.dedup();
        let seen = keys.iter().map(|_| AtomicBool::new(false)).collect();
        Some(Earlier { run: written.run, keys, seen })
    }

    fn saw(&self, raw: &[u8]) {
        let found = self.keys.binary_search(&record_key(raw)).ok().and_then(|at| self.seen.get(at));
        found.into_iter().for_each(|seen| seen.store(true, Ordering::Relaxed));
    }

    fn are_all_seen(&self) -> bool {
        self.seen.iter().all(|seen| seen.load(Ordering::Relaxed))
    }
}

/// A source whose records are looked for among those of an earlier run.
struct Watched {
    source: Box<dyn Source>,
    earlier: Arc<Earlier>,
}

impl Iterator for Watched {
    type Item = Result<Record, ReadFault>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.source.next()?;
        match &read {
            Ok(record) => self.earlier.saw(&record.raw),
            Err(ReadFault::Reject(reject)) => self.earlier.saw(&reject.raw),
            Err(ReadFault::Fatal(_) | ReadFault::Blank(_)) => {}
        }
        Some(read)
    }
}

impl Source for Watched {
    /// The records stay unsplit.
    fn next_batch(&mut self, room: Room) -> Batch {
        let batch = self.source.next_batch(room);
        batch.for_each_raw(|raw| self.earlier.saw(raw));
        batch
    }
}

//! What Ferry wrote, and where: by this it is known which files it may replace or remove.
//!
//! One line of JSON for each file, in `outputs.jsonl` of the state folder, or of a run's folder where nothing else may
//! change. A line is written before its file is in place, so that a killed process leaves no unlisted file; it
//! holds the size and the hash of the content, so that a file that was edited since belongs to the user.

use super::fingerprint::Fingerprint;
use super::temporary::{folder_of, write_whole};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const FILE: &str = "outputs.jsonl";

/// A longer line is no line of ours.
const LINE_LEN_MAX: u64 = 64 << 10;

/// The ledger is cut to the files that still exist when it is longer than this.
const LEN_MAX: u64 = 4 << 20;

/// A file that Ferry wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The option that named it, without dashes: `results`.
    pub option: String,
    /// Its whole path.
    pub path: String,
    /// What it holds.
    #[serde(flatten)]
    pub content: Fingerprint,
    /// The run that wrote it.
    pub run: String,
    /// What makes another run the same work.
    pub work: String,
    /// The day on which that run began, local time: `2026-11-22`.
    pub day: String,
}

/// What is said about a file before it is written.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// See [`Written::option`].
    pub option: &'static str,
    /// See [`Written::run`].
    pub run: String,
    /// See [`Written::work`].
    pub work: String,
    /// See [`Written::day`].
    pub day: String,
}

/// The lines about the files that were written.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// Where lines are added.
    file: PathBuf,
    /// Where else they are looked for.
    runs: Option<PathBuf>,
    /// Those of other machines.
    shared: Option<SharedLines>,
}

/// The lines of all machines that share a store.
#[derive(Clone)]
pub struct SharedLines {
    /// Gives the lines about this path, and about files with this content.
    pub ask: Arc<Ask>,
    /// Keeps a line.
    pub tell: Arc<Tell>,
    /// Removes the lines about a path.
    pub forget: Arc<Forget>,
}

type Ask = dyn Fn(&str, Option<&Fingerprint>) -> io::Result<Vec<Written>> + Send + Sync;
type Tell = dyn Fn(&Written) -> io::Result<()> + Send + Sync;
type Forget = dyn Fn(&str) -> io::Result<()> + Send + Sync;

impl fmt::Debug for SharedLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedLines")
    }
}

impl Ledger {
    /// That of a state folder.
    pub fn of_state(state: &Path) -> Ledger {
        Ledger { file: state.join(FILE), runs: Some(state.join("runs")), shared: None }
    }

    /// The same with the lines of other machines.
    pub fn with(self, shared: SharedLines) -> Ledger {
        Ledger { shared: Some(shared), ..self }
    }

    /// That of one run, in its folder.
    pub fn of_run(folder: &Path) -> Ledger {
        Ledger { file: folder.join(FILE), runs: None, shared: None }
    }

    /// Says that this content is about to be put in place at `to`.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn add(&self, about: &About, content: Fingerprint, to: &Path) -> io::Result<()> {
        let About { option, run, work, day } = about.clone();
        let (option, path) = (option.to_owned(), whole_path(to));
        let written = Written { option, path, content, run, work, day };
        if let Some(shared) = &self.shared {
            (shared.tell)(&written)?;
        }
        let mut line = serde_json::to_vec(&written)?;
        line.push(b'\n');
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.file)?;
        // Where there are no locks, a line is still one write.
        let _held = file.lock();
        if file.metadata()?.len() > LEN_MAX {
            self.compact()?;
            file = options.open(&self.file)?;
        }
        if !ends_with_line(&mut file)? {
            line.insert(0, b'\n');
        }
        file.write_all(&line)?;
        file.sync_data()
    }

    /// The last line that fits: of this machine any, of others one about this path or this content.
    pub fn last(&self, path: &Path, content: Option<&Fingerprint>, fits: impl Fn(&Written) -> bool) -> Option<Written> {
        let mut found = None;
        let mut look = |written: Written| {
            if fits(&written) {
                found = Some(written);
            }
        };
        let mut files = vec![self.file.clone()];
        for run in self.runs.iter().flat_map(fs::read_dir).flatten().flatten() {
            files.push(run.path().join(FILE));
        }
        files.iter().for_each(|file| lines(file, &mut look));
        self.shared(&whole_path(path), content).into_iter().for_each(look);
        found
    }

    /// Lines of other machines. Where they cannot be asked for, a file counts as the user's.
    fn shared(&self, path: &str, content: Option<&Fingerprint>) -> Vec<Written> {
        let asked = self.shared.as_ref().map(|shared| (shared.ask)(path, content));
        asked.transpose().inspect_err(|error| tracing::debug!("{error}")).ok().flatten().unwrap_or_default()
    }

    /// What is known about the file at `path`, if it is as Ferry wrote it there.
    pub fn of_file(&self, path: &Path) -> Option<Written> {
        let whole = whole_path(path);
        self.last(path, None, |written| written.path == whole)?;
        let content = Fingerprint::of(path).ok()?;
        self.last(path, None, |written| written.path == whole && written.content == content)
    }

    /// What this run wrote last at `path`, whatever the file holds now.
    pub fn of_run_at(&self, run: &str, path: &Path) -> Option<Written> {
        let whole = whole_path(path);
        self.last(path, None, |written| written.run == run && written.path == whole)
    }

    /// Whether Ferry wrote a file at `path`, whatever it holds now.
    pub fn wrote(&self, path: &Path) -> bool {
        let whole = whole_path(path);
        self.last(path, None, |written| written.path == whole).is_some()
    }

    /// Whether a run of this day wrote a file at `path`, whatever it holds now.
    pub fn wrote_on(&self, path: &Path, day: &str) -> bool {
        let whole = whole_path(path);
        self.last(path, None, |written| written.path == whole && written.day == day).is_some()
    }

    /// Whether the file at `path` holds what Ferry wrote as `option`, under this name or another.
    pub fn has_content(&self, path: &Path, option: &str) -> bool {
        let Ok(content) = Fingerprint::of(path) else { return false };
        let fits = |written: &Written| written.option == option && written.content == content;
        self.last(path, Some(&content), fits).is_some()
    }

    /// Forgets a file that was removed. Lines of this machine about files that are gone are left out when there are many;
    /// other machines cannot know that it is.
    pub fn forget(&self, path: &Path) {
        let forget = |shared: &SharedLines| (shared.forget)(&whole_path(path));
        if let Some(Err(error)) = self.shared.as_ref().map(forget) {
            // A line that stays does no harm.
            tracing::debug!("{error}");
        }
    }

    /// Leaves out the lines about files that do not exist any more.
    fn compact(&self) -> io::Result<()> {
        let mut text = Vec::new();
        lines(&self.file, |written| {
            if Path::new(&written.path).exists() {
                text.extend(serde_json::to_vec(&written).unwrap_or_default());
                text.push(b'\n');
            }
        });
        write_whole(&self.file, &text)
    }
}

/// By which a file is known again, also through links.
fn whole_path(path: &Path) -> String {
    let whole = path.canonicalize().or_else(|_| {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        Ok::<_, io::Error>(folder_of(path).canonicalize()?.join(name))
    });
    whole.unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}

fn ends_with_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == [b'\n'])
}

/// Gives each line that can be read; one that a loss of power has cut is passed over.
fn lines(file: &Path, mut give: impl FnMut(Written)) {
    let Ok(file) = File::open(file) else { return };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.by_ref().take(LINE_LEN_MAX).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => serde_json::from_slice(&line).into_iter().for_each(&mut give),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_ours_as_long_as_it_is_as_it_was_written() {
        let state = tempfile::tempdir().unwrap();
        let ledger = Ledger::of_state(state.path());
        let [file, other] = ["a.csv", "b.csv"].map(|name| state.path().join(name));
        let about = About { option: "results", run: "R".to_owned(), ..About::default() };
        assert_eq!(ledger.of_file(&file), None);
        fs::write(&file, "line\n").unwrap();
        fs::write(&other, "line\n").unwrap();
        ledger.add(&about, Fingerprint::of(&file).unwrap(), &file).unwrap();
        assert_eq!(ledger.of_file(&file).map(|written| written.run), Some("R".to_owned()));
        assert_eq!(ledger.of_file(&other), None);
        assert!(ledger.has_content(&other, "results") && !ledger.has_content(&other, "out"));
        fs::write(&file, "edited\n").unwrap();
        assert_eq!(ledger.of_file(&file), None);
        // A line that was cut by a loss of power hides neither the one before nor the one after it.
        OpenOptions::new().append(true).open(&ledger.file).unwrap().write_all(b"{\"path\":").unwrap();
        ledger.add(&About { run: "S".to_owned(), ..about }, Fingerprint::of(&file).unwrap(), &file).unwrap();
        assert_eq!(ledger.of_file(&file).map(|written| written.run), Some("S".to_owned()));
        fs::write(&file, "line\n").unwrap();
        assert_eq!(ledger.of_file(&file).map(|written| written.run), Some("R".to_owned()));
    }

    #[test]
    fn a_long_ledger_is_cut_to_what_still_stands() {
        let state = tempfile::tempdir().unwrap();
        let ledger = Ledger::of_state(state.path());
        let file = state.path().join("a.csv");
        fs::write(&file, "line\n").unwrap();
        let about = About { option: "out", ..About::default() };
        ledger.add(&about, Fingerprint::of(&file).unwrap(), &file).unwrap();
        let gone = fs::read_to_string(&ledger.file).unwrap().replace("a.csv", "gone.csv");
        let mut out = OpenOptions::new().append(true).open(&ledger.file).unwrap();
        out.write_all(gone.repeat(LEN_MAX as usize / gone.len() + 1).as_bytes()).unwrap();
        ledger.add(&about, Fingerprint::of(&file).unwrap(), &file).unwrap();
        assert_eq!(fs::read_to_string(&ledger.file).unwrap().lines().count(), 2);
        assert!(ledger.of_file(&file).is_some());
    }
}

//! The folder of a run, and what stands about it in `run.json`.

use crate::clock::Clock;
use crate::files::{self, About, Ledger};
use crate::ids::{CommandKind, RunStatus, WorkId};
use crate::outcome::{Failure, Totals};
use crate::run::own::seal_of;
use crate::run::prune::{Removed, removed_runs};
use crate::run::rebuilt::rebuilt;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Component, Path, PathBuf};

/// What is known about a run without asking the checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunInfo {
    /// `20261122-0305-import-shop-7f3a`.
    pub run: String,
    /// The command that began it.
    pub command: CommandKind,
    /// The file or connection it reads.
    pub source: String,
    /// The file or connection it writes.
    pub target: String,
    /// How it stands.
    pub status: RunStatus,
    /// When it began, local time.
    pub started: String,
    /// Milliseconds since 1970 (UTC), for ordering and pruning.
    pub started_ms: u64,
    /// The totals of its last process.
    #[serde(rename = "books")]
    pub totals: Totals,
    /// The command line as typed, for going on with it.
    pub arguments: Vec<String>,
    /// The folder it was typed in.
    pub folder: PathBuf,
    /// Requests sent, repeated and refused for the rate, by all the processes of this run.
    pub requests: [u64; 3],
    /// Seconds of all the processes of this run.
    pub seconds: f64,
    /// Where the rejects are.
    pub rejects_file: Option<PathBuf>,
    /// The checkpoint with its outcomes; none for `convert`.
    pub checkpoint: Option<PathBuf>,
    /// What makes another run the same work.
    pub work: WorkId,
    /// The last summary.
    pub summary: Option<Value>,
    /// By which the command is known as one that Ferry wrote here: see [`crate::run::own`].
    #[serde(default)]
    pub seal: Option<String>,
}

/// The letters of a day in [`RunInfo::started`].
const DAY_LEN: usize = 10;

/// The name of the file.
const FILE: &str = "run.json";

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

/// A new run's name: local time, command, connection, four characters of chance.
pub fn new_name(started: &jiff::Zoned, command: CommandKind, what: &str, chance: u16) -> String {
    let what: String =
        what.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    format!("{}-{command}-{what}-{chance:04x}", started.strftime("%Y%m%d-%H%M"))
}

/// Begins a run, or goes on with the unfinished one of the same work; whether it was one. Nothing is saved yet.
///
/// # Errors
/// Exit 1 when its folder cannot be made.
pub fn begin_run(
    state: &Path,
    command: CommandKind,
    source: &str,
    target: &str,
    work: &WorkId,
    is_fresh: bool,
    clock: Clock,
) -> Result<(RunInfo, bool), Failure> {
    let is_same = |info: &RunInfo| !info.is_done() && info.command == command && info.work == *work;
    if !is_fresh && let Some(info) = all_runs(state)?.into_iter().find(is_same) {
        return Ok((info, true));
    }
    Ok((new_run(state, command, source, target, work, clock)?, false))
}

/// A new run with its folder.
///
/// # Errors
/// Exit 1 when its folder cannot be made.
pub fn new_run(
    state: &Path,
    command: CommandKind,
    source: &str,
    target: &str,
    work: &WorkId,
    clock: Clock,
) -> Result<RunInfo, Failure> {
    let started = jiff::Zoned::now();
    let seed = format!("{} {} {work}", clock.wall_ms(), std::process::id());
    let chance = blake3::hash(seed.as_bytes()).as_bytes().first_chunk().copied().map_or(0, u16::from_le_bytes);
    let end = match command {
        CommandKind::Convert => Path::new(source).file_stem().map_or(source.into(), |stem| stem.to_string_lossy()),
        CommandKind::Export => source.into(),
        _ => target.into(),
    };
    let run = new_name(&started, command, &end, chance);
    make_private(&run_folder(state, &run))?;
    let (started, started_ms) = (started.strftime("%Y-%m-%d %H:%M:%S").to_string(), clock.wall_ms());
    Ok(RunInfo { run, started, started_ms, ..RunInfo::nameless(command, source, target, work) })
}

/// Creates a folder that only its user can look into.
pub fn make_private(folder: &Path) -> Result<(), Failure> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| {
        if folder.is_file() {
            return Failure::failed(format!("`{}` is a file, and should be the state folder", folder.display()))
                .hint("name a folder with `--state DIR`");
        }
        Failure::failed(format!("the folder `{}` cannot be created", folder.display()))
            .cause(error)
            .hint("name another folder with `--state DIR`")
    })
}

/// What the state folder holds; where it holds anything else, it is a working folder of the user too.
const STATE_NAMES: [&str; 6] = ["runs", "connections", "exports", "sandbox", "outputs.jsonl", "removed-runs.jsonl"];

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
            return Some(format!(
                "other users could look into the state folder `{}`; now they cannot",
                state.display()
            ));
        }
        Some(format!("other users can look into the state folder `{}` (mode {mode:04o})", state.display()))
    }
    #[cfg(not(unix))]
    {
        let _ = (state, is_dry);
        None
    }
}

/// Takes everybody else's rights to the files of a folder away, whoever wrote them. The folder itself lets nobody in:
/// this is for when it is copied, so what cannot be done does no harm.
fn make_files_private(folder: &Path) {
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

impl RunInfo {
    /// A run of which nothing is known but its work.
    pub(super) fn nameless(command: CommandKind, source: &str, target: &str, work: &WorkId) -> RunInfo {
        let ([source, target], work) = ([source, target].map(str::to_owned), work.clone());
        RunInfo {
            run: String::new(),
            command,
            source,
            target,
            status: RunStatus::Unfinished,
            started: String::new(),
            started_ms: 0,
            totals: Totals::default(),
            arguments: Vec::new(),
            folder: PathBuf::new(),
            requests: [0; 3],
            seconds: 0.0,
            rejects_file: None,
            checkpoint: None,
            work,
            summary: None,
            seal: None,
        }
    }

    /// What the checkpoint keeps of it, for the case that `run.json` is lost.
    pub fn kept(&self, state: &Path) -> Value {
        let sealed = RunInfo { seal: seal_of(self, state), summary: None, ..self.clone() };
        serde_json::to_value(sealed).unwrap_or_default()
    }

    /// Whether there is nothing to go on with.
    pub fn is_done(&self) -> bool {
        self.status != RunStatus::Unfinished
    }

    /// Whether it only looked.
    pub fn is_dry(&self) -> bool {
        self.status == RunStatus::DryRun
    }

    /// What is noted about a file that this run writes for an option (without its dashes).
    pub fn about(&self, option: &'static str) -> About {
        let (run, work) = (self.run.clone(), self.work.to_string());
        About { option, run, work, day: self.started.chars().take(DAY_LEN).collect() }
    }

    /// Where it is noted: a dry run changes nothing outside of its own folder.
    pub fn ledger(&self, state: &Path) -> Ledger {
        if self.is_dry() { Ledger::of_run(&run_folder(state, &self.run)) } else { Ledger::of_state(state) }
    }

    /// Writes it to the run's folder, whole or not at all.
    pub fn save(&self, state: &Path) -> Result<(), Failure> {
        let folder = run_folder(state, &self.run);
        let fault = |error: std::io::Error| {
            Failure::failed(format!("`{}` cannot be written", folder.join(FILE).display())).cause(error)
        };
        let sealed = RunInfo { seal: seal_of(self, state), ..self.clone() };
        let text = serde_json::to_vec_pretty(&sealed).map_err(|error| fault(error.into()))?;
        files::write_whole(&folder.join(FILE), &text).map_err(fault)?;
        make_files_private(&folder);
        Ok(())
    }
}

/// What the folders of runs hold.
#[derive(Debug, Default)]
pub struct Runs {
    /// The runs, the newest first.
    pub runs: Vec<RunInfo>,
    /// What is wrong with others, and what is done about it.
    pub notes: Vec<String>,
}

impl Runs {
    /// Looks at one folder.
    fn add(&mut self, state: &Path, name: &str) {
        let path = file_of(&run_folder(state, name));
        let read = std::fs::read(&path);
        let is_missing = matches!(&read, Err(error) if error.kind() == std::io::ErrorKind::NotFound);
        match read.ok().and_then(|bytes| serde_json::from_slice::<RunInfo>(&bytes).ok()) {
            Some(info) if info.run == name => self.runs.push(info),
            Some(info) => self.notes.push(format!(
                "`{}` is about another run, `{}`; the folder is left alone",
                path.display(),
                info.run
            )),
            None => match rebuilt(state, name) {
                Some(info) => {
                    let what = if is_missing { "missing" } else { "damaged" };
                    self.notes.push(format!(
                        "`{}` is {what}; what is shown of the run is what its checkpoint knows",
                        path.display()
                    ));
                    self.runs.push(info);
                }
                // A folder that is no run's.
                None if is_missing => {}
                None => self.notes.push(format!(
                    "`{}` is damaged, and no checkpoint knows the run; the folder is left alone",
                    path.display()
                )),
            },
        }
    }
}

/// All runs of the state folder, the newest first. Folders that hold no run are passed over.
///
/// # Errors
/// Exit 1 when there is a folder of runs that cannot be read.
pub fn all_runs(state: &Path) -> Result<Vec<RunInfo>, Failure> {
    look_at_runs(state).map(|runs| runs.runs)
}

/// The same, with what is wrong with them. A run's name is that of its folder; links are not followed.
///
/// # Errors
/// As [`all_runs`].
pub fn look_at_runs(state: &Path) -> Result<Runs, Failure> {
    let path = runs_folder(state);
    let folders = match std::fs::read_dir(&path) {
        Ok(folders) => folders,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Runs::default()),
        Err(error) => {
            return Err(Failure::failed(format!("the runs in `{}` cannot be read", path.display()))
                .cause(error)
                .hint("change the permissions of the folder, or name another one with `--state`"));
        }
    };
    let mut runs = Runs::default();
    for folder in folders.flatten().filter(|folder| folder.file_type().is_ok_and(|kind| kind.is_dir())) {
        if let Some(name) = folder.file_name().to_str() {
            runs.add(state, name);
        }
    }
    runs.runs.sort_by(|one, other| (other.started_ms, &other.run).cmp(&(one.started_ms, &one.run)));
    runs.notes.sort();
    Ok(runs)
}

/// The run of this name, or whose name alone ends so.
pub fn run_named(state: &Path, name: &str) -> Result<RunInfo, Failure> {
    let runs = all_runs(state)?;
    if let Some(run) = runs.iter().find(|run| run.run == name) {
        return Ok(run.clone());
    }
    let mut fitting = runs.iter().filter(|run| run.run.ends_with(name));
    match (fitting.next(), fitting.next()) {
        (Some(run), None) => Ok(run.clone()),
        (Some(one), Some(other)) => {
            Err(Failure::usage(format!("several runs end with `{name}`: `{}`, `{}`", one.run, other.run))
                .hint("give more of the name"))
        }
        _ => match removed_runs(state).into_iter().rev().find(|run| !name.is_empty() && run.run.ends_with(name)) {
            Some(Removed { run, day, .. }) => Err(Failure::usage(format!(
                "`{run}` was removed by `ferry runs --prune` on {day}: it can no longer be undone or verified"
            ))
            .hint("`ferry runs` lists the runs that are left")),
            None => Err(Failure::usage(format!("there is no run `{name}` in `{}`", runs_folder(state).display()))
                .hint("`ferry runs` lists them")),
        },
    }
}

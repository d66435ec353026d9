//! What a worker knows of a job before it starts it: its name, its accounts, when it is due, and what is wrong with it. The
//! command itself is understood by the process that runs it.

use crate::ids::CommandKind;
use crate::outcome::Failure;
use crate::plan::jobs::{self, CommandWords, Given, Job, Read, Takes, Wanted};
use crate::plan::{Config, Connection, Env, Schedule, address_of};
use crate::platforms::Registry;
use crate::run::account_of;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A file that was changed so lately may be in the middle of being written.
const STILL: Duration = Duration::from_secs(2);

/// Where jobs are defined.
#[derive(Clone, Debug)]
pub struct Definitions {
    /// The configuration that was named.
    pub config: Option<PathBuf>,
    /// The platforms that a connection can name.
    pub platforms: Registry,
    /// Variables of the environment.
    pub env: Env,
    /// The commands that a job can be.
    pub commands: Vec<CommandWords>,
}

/// A job, as far as its definition tells.
#[derive(Clone, Debug)]
pub struct Defined {
    /// Its name.
    pub name: String,
    /// Its command; blank where it has none that is understood.
    pub command: String,
    /// What it works on: no two jobs work on one account at a time.
    pub accounts: Vec<String>,
    /// The hosts of its platforms.
    pub hosts: Vec<String>,
    /// When it starts by itself.
    pub schedule: Option<Schedule>,
    /// How long it may run; none: a day.
    pub time_limit: Option<Duration>,
    /// Two definitions with the same hash are the same.
    pub hash: String,
    /// What is wrong with it: the error, and the hint in the next line.
    pub wrong: Option<String>,
}

/// Files of which the definitions are made: when one of them changes, they are read again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp(Vec<(PathBuf, Facts)>);

/// Size and time of a file; none where there is no such file.
type Facts = Option<(u64, SystemTime)>;

impl Stamp {
    fn of(files: impl Iterator<Item = PathBuf>) -> Stamp {
        Stamp(files.map(|file| (file.clone(), facts(&file))).collect())
    }

    /// The state of the same files now.
    pub fn now(&self) -> Stamp {
        Stamp::of(self.0.iter().map(|(file, _)| file.clone()))
    }

    /// Whether none of them was changed a moment ago.
    pub fn is_still(&self) -> bool {
        let is_new = |at: &SystemTime| at.elapsed().is_ok_and(|age| age < STILL);
        !self.0.iter().filter_map(|(_, facts)| facts.as_ref()).any(|(_, at)| is_new(at))
    }

    /// The first of them that is there no more.
    pub fn lost(&self) -> Option<&Path> {
        self.0.iter().find(|(_, facts)| facts.is_none()).map(|(file, _)| file.as_path())
    }
}

fn facts(file: &Path) -> Facts {
    let facts = file.metadata().ok()?;
    Some((facts.len(), facts.modified().ok()?))
}

impl Definitions {
    /// The jobs, in the order of the configuration.
    ///
    /// # Errors
    /// What is wrong with the configuration as a whole. What is wrong with one job is told with it.
    pub fn load(&self, wanted: Wanted<'_>) -> Result<(Vec<Defined>, Stamp), Failure> {
        // Before it is read: what changes meanwhile is read again.
        let config = Config::load(&self.platforms, self.config.as_deref(), &self.env)?;
        let stamp = stamp_of(&config);
        let read = jobs::read(&config, &self.commands, wanted).map_err(|wrong| config.wrong(vec![wrong]))?;
        Ok((read.iter().map(|read| self.defined(read, &config)).collect(), stamp))
    }

    fn defined(&self, read: &Read, config: &Config) -> Defined {
        let job = read.job.as_ref();
        let connections: Vec<Connection> = job.iter().flat_map(|job| self.connections(job, config)).collect();
        let mut accounts: Vec<String> = connections.iter().map(account).collect();
        let mut hosts: Vec<String> = connections.iter().filter_map(host).collect();
        if job.is_some_and(is_rehearsal) {
            (accounts, hosts) = (vec!["sandbox".to_owned()], Vec::new());
        }
        for names in [&mut accounts, &mut hosts] {
            names.sort();
            names.dedup();
        }
        let wrong = read.mistakes.first().map(|first| told(&first.message, first.hint.as_deref(), read.mistakes.len()));
        let wrong = wrong.or_else(|| job.and_then(without_streams));
        Defined {
            name: read.name.clone(),
            command: job.map(|job| job.command.clone()).unwrap_or_default(),
            accounts,
            hosts,
            schedule: job.and_then(|job| job.schedule.clone()),
            time_limit: job.and_then(|job| job.time_limit),
            hash: hash(read),
            wrong,
        }
    }

    /// Its connections.
    fn connections(&self, job: &Job, config: &Config) -> Vec<Connection> {
        let words = self.commands.iter().find(|words| words.name == job.command);
        let is_connection = |given: &&Given| {
            let known = words.and_then(|words| words.arguments.iter().find(|known| known.key == given.key));
            known.is_some_and(|known| known.takes == Takes::Connection)
        };
        let names = job.given.iter().filter(is_connection).flat_map(|given| given.values.iter());
        names.filter_map(|name| config.find(name).ok()).collect()
    }
}

/// A rehearsal works in the sandbox, whatever its connections are.
fn is_rehearsal(job: &Job) -> bool {
    job.given.iter().any(|one| one.key == "sandbox")
}

/// The account of a connection, as the store calls it.
fn account(connection: &Connection) -> String {
    account_of(connection, &address_of(connection)).to_string()
}

/// The host that it talks to; none where its address is no address, which its process reports.
fn host(connection: &Connection) -> Option<String> {
    let address = connection.settings.get("base_url").unwrap_or(&connection.facts().base_url);
    let url = url::Url::parse(address).ok()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}{port}", url.host_str()?))
}

fn stamp_of(config: &Config) -> Stamp {
    let files = [config.file().map(PathBuf::from), config.env_file.clone()];
    let files = files.into_iter().chain([config.tenants.as_ref().map(|tenants| tenants.file.clone())]).flatten();
    Stamp::of(files)
}

fn told(message: &str, hint: Option<&str>, count: usize) -> String {
    let more = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
    let hint = hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    format!("error: {message}{more}{hint}")
}

/// A worker has neither standard input nor standard output for its jobs.
fn without_streams(job: &Job) -> Option<String> {
    let of = |key: &str| job.given.iter().find(|one| one.key == key).map(|one| one.values.concat());
    if of("file").is_some_and(|file| file == "-") {
        return Some(told("a worker has no standard input for `file: -`", Some("name a file"), 1));
    }
    let writes = [CommandKind::Export, CommandKind::Convert].iter().any(|kind| kind.name() == job.command);
    if writes && of("out").is_none_or(|out| out == "-") {
        return Some(told("a worker has no standard output to write to", Some("add `out: FILE`"), 1));
    }
    None
}

fn hash(read: &Read) -> String {
    let job = read.job.iter().flat_map(|job| {
        let given = job.given.iter().flat_map(|one| std::iter::once(one.key.clone()).chain(one.values.clone()));
        std::iter::once(job.command.clone())
            .chain(given)
            .chain(job.schedule.as_ref().map(|one| format!("{one:?}")))
            .chain(job.time_limit.map(|limit| format!("{limit:?}")))
    });
    let words: Vec<String> = job.chain(read.mistakes.iter().map(|wrong| wrong.message.clone())).collect();
    blake3::hash(words.join("\0").as_bytes()).to_hex().to_string()
}

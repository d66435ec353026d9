//! The jobs of `ferry.yaml` (contract 2): commands with their arguments, written down under a name.
//!
//! What commands and arguments there are is handed in, so that the command line has the only list of them. Nothing is
//! run here, and only `ferry run` reads the jobs: an error in one stops no other job and no other command.

use super::config::{ConfigError, did_you_mean, is_name, listed};
use super::env::expand;
use super::job_keys::{JOB_KEYS, SCHEDULE, TIME_LIMIT, TIMEZONE, is_argument_beside, is_job_key};
use super::on_finish::{self, ON_FINISH, OnFinish};
use super::tenants::{Row, Tenants};
use super::{BUILT_IN, Config, Schedule, duration_of, region_choice};
use crate::http::Rate;
use crate::ids::CommandKind;
use crate::outcome::Failure;
use crate::yaml::{FileError, Kind, Node, Place, Text, nearest};
use std::path::Path;
use std::time::Duration;

/// The commands that can be a job.
pub const COMMANDS: [CommandKind; 4] =
    [CommandKind::Import, CommandKind::Export, CommandKind::Migrate, CommandKind::Convert];

/// A command as the command line knows it.
#[derive(Clone, Debug)]
pub struct CommandWords {
    /// Its name.
    pub name: String,
    /// What it does, in one line.
    pub about: String,
    /// What it can be given.
    pub arguments: Vec<Argument>,
}

/// One argument of a command.
#[derive(Clone, Debug)]
pub struct Argument {
    /// Its name in a job: `on_existing`, `file`.
    pub key: String,
    /// Its option: `--on-existing`; none for what stands without one.
    pub option: Option<String>,
    /// How help writes it: `--on-existing <HOW>`.
    pub shown: String,
    /// What it takes.
    pub takes: Takes,
    /// What it says, in one line.
    pub about: String,
    /// The words that it can be; none: any text.
    pub choices: Vec<String>,
    /// Whether the command cannot do without.
    pub is_needed: bool,
}

/// What an argument takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing: it is there or it is not.
    Nothing,
    /// A text.
    Text,
    /// Several texts.
    Texts,
    /// A path.
    Path,
    /// Several paths.
    Paths,
    /// The name of a connection.
    Connection,
}

/// A job, as far as the page alone tells.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its name.
    pub name: String,
    /// Its command.
    pub command: String,
    /// Where the command stands.
    pub place: Place,
    /// What the command is given, in the order of the page; nothing that is wrong.
    pub given: Vec<Given>,
    /// When a worker starts it; none: only when it is submitted.
    pub schedule: Option<Schedule>,
    /// How long a worker lets it run; none: a day.
    pub time_limit: Option<Duration>,
    /// What is told how it ended.
    pub on_finish: Option<OnFinish>,
}

/// Which jobs are read.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'n> {
    /// All of them, also those of all tenants.
    All,
    /// Those of these names; names that no job has are passed over.
    Named(&'n [String]),
}

/// What stands in the configuration under the name of a job.
#[derive(Clone, Debug)]
pub struct Read {
    /// The name.
    pub name: String,
    /// The job; none where it has no command that is understood.
    pub job: Option<Job>,
    /// All that is wrong with it.
    pub mistakes: Vec<FileError>,
}

/// An argument with its values.
#[derive(Clone, Debug)]
pub struct Given {
    /// Its name in the job.
    pub key: String,
    /// Its option, if it has one.
    pub option: Option<String>,
    /// Its values; none where it takes none.
    pub values: Vec<String>,
    /// The same as they stand in the file, variables filled in.
    pub raw: Vec<String>,
    /// Where the first value stands.
    pub place: Place,
}

impl Given {
    /// Whether it was typed, and does not stand in the file.
    pub fn is_typed(&self) -> bool {
        self.place.is_empty()
    }

    /// The words that say so. A value that looks like an option is tied to its own.
    pub fn words(&self) -> Vec<String> {
        let Some(option) = &self.option else { return self.values.clone() };
        if self.values.is_empty() {
            return vec![option.clone()];
        }
        let said = |value: &String| match value.starts_with('-') && value != "-" {
            true => vec![format!("{option}={value}")],
            false => vec![option.clone(), value.clone()],
        };
        self.values.iter().flat_map(said).collect()
    }
}

/// The names of the jobs of a configuration: those of the file in its order, then those of each tenant.
///
/// # Errors
/// What is wrong with the list as a whole.
pub fn names(config: &Config) -> Result<Vec<String>, FileError> {
    let own = entries(config)?.iter().map(|(key, _)| key.text.clone());
    Ok(own.chain(config.tenants.iter().flat_map(Tenants::job_names)).collect())
}

/// Jobs of a configuration, in the order of [`names`], each with all that is wrong with it.
///
/// # Errors
/// What is wrong with the list as a whole.
pub fn read(config: &Config, commands: &[CommandWords], wanted: Wanted<'_>) -> Result<Vec<Read>, FileError> {
    let is_wanted = |name: &str| match wanted {
        Wanted::All => true,
        Wanted::Named(names) => names.iter().any(|one| one == name),
    };
    let own = entries(config)?.iter().filter(|(key, _)| is_wanted(&key.text));
    let mut jobs: Vec<Read> = own.map(|(key, node)| read_one(config, commands, None, (key, node))).collect();
    let Some(tenants) = &config.tenants else { return Ok(jobs) };
    let of_row = |row| tenants.template.jobs.iter().map(move |(key, node)| (row, key, node));
    let of_tenant = |(row, key, node)| read_one(config, commands, Some((tenants, row)), (key, node));
    match wanted {
        Wanted::All => {
            jobs.extend(tenants.rows().flat_map(of_row).map(of_tenant));
            tell_shared_accounts(tenants, &mut jobs);
        }
        Wanted::Named(names) => {
            for (row, rest) in names.iter().filter_map(|name| tenants.row_of(name)) {
                jobs.extend(of_row(row).filter(|(_, key, _)| key.text == rest).map(of_tenant));
            }
        }
    }
    Ok(jobs)
}

/// The jobs as they stand in the file.
fn entries(config: &Config) -> Result<&[(Text, Node)], FileError> {
    match &config.jobs {
        None | Some(Node { kind: Kind::Null, .. }) => Ok(&[]),
        Some(Node { kind: Kind::Map(entries), .. }) => Ok(entries),
        Some(node) => {
            let message = format!("`jobs` is {}, expected a map", node.kind_name());
            Err(FileError::at(&node.at, message).hint("write `name:` and its command below it"))
        }
    }
}

fn read_one(config: &Config, commands: &[CommandWords], tenant: Option<Tenant<'_>>, job: (&Text, &Node)) -> Read {
    let (key, node) = job;
    let (name, mut mistakes) = match tenant {
        Some((tenants, row)) => (row.full_name(&key.text), row.error(&tenants.file).into_iter().collect()),
        None => (key.text.clone(), Vec::new()),
    };
    let filled = tenant.map(|(tenants, row)| tenants.filled(node, row, &mut mistakes));
    let mut reading = Reading { config, commands, tenant, mistakes };
    let job = reading.job(&name, key, filled.as_ref().unwrap_or(node));
    let mut mistakes: Vec<FileError> = Vec::new();
    for error in reading.mistakes {
        let error = tenant.map_or_else(|| error.clone(), |(_, row)| row.own(error.clone()));
        // What is wrong with a row comes again with each of its connections.
        if !mistakes.contains(&error) {
            mistakes.push(error);
        }
    }
    Read { name, job, mistakes }
}

/// Two rows that lead to one account would work on it at a time, so the jobs of the later one are wrong.
fn tell_shared_accounts(tenants: &Tenants, jobs: &mut [Read]) {
    for (later, first, connection) in tenants.shared_accounts() {
        let message = format!("`{later}` and `{first}` have the same settings for `{connection}`");
        let error = FileError::without_place(message).hint("a row is one account; remove one of them");
        let of_later = format!("{later}/");
        jobs.iter_mut().filter(|job| job.name.starts_with(&of_later)).for_each(|job| job.mistakes.push(error.clone()));
    }
}

/// The row that a job is filled in with, and its table.
type Tenant<'a> = (&'a Tenants, &'a Row);

struct Reading<'a> {
    config: &'a Config,
    commands: &'a [CommandWords],
    tenant: Option<Tenant<'a>>,
    mistakes: Vec<FileError>,
}

impl Reading<'_> {
    fn mistake(&mut self, span: &Place, message: impl Into<String>, hint: impl Into<String>) {
        self.mistakes.push(FileError::at(span, message).hint(hint));
    }

    fn job(&mut self, name: &str, key: &Text, node: &Node) -> Option<Job> {
        if !is_name(&key.text) {
            let message = format!("`{}` is not a valid name for a job", key.text);
            self.mistake(&key.at, message, "use letters, digits, `-` and `_`");
        }
        let Kind::Map(entries) = &node.kind else {
            let message = format!("job `{}` is {}, expected a map", key.text, node.kind_name());
            let names = listed(&self.names());
            self.mistake(&place_of(node, key), message, format!("give it one of {names}"));
            return None;
        };
        let (command, arguments) = self.command(key, entries)?;
        let beside = entries.iter().filter(|(beside, _)| is_argument_beside(&beside.text));
        let words = self.commands.iter().find(|words| words.name == command.text)?;
        let mut given: Vec<Given> = Vec::new();
        for (argument, value) in
            self.arguments(command, arguments).iter().chain(beside.cloned().collect::<Vec<_>>().iter())
        {
            if given.iter().any(|one| one.key == argument.text) {
                let message = format!("`{}` is given here and beside `{}`", argument.text, command.text);
                self.mistake(&argument.at, message, "keep one of them");
            } else {
                given.extend(self.given(words, argument, value));
            }
        }
        self.needed(words, command, arguments, entries);
        let (schedule, on_finish) = (self.schedule(name, entries), self.on_finish(entries));
        let time_limit = self.time_limit(entries);
        let (name, command, place) = (name.to_owned(), command.text.clone(), command.at.clone());
        Some(Job { name, command, place, given, schedule, time_limit, on_finish })
    }

    /// What is told how it ended.
    fn on_finish(&mut self, entries: &[(Text, Node)]) -> Option<OnFinish> {
        let (_, node) = entries.iter().find(|(key, _)| key.text == ON_FINISH)?;
        let read = on_finish::read(node, &self.config.env, &self.config.folder);
        read.map_err(|mistakes| self.mistakes.extend(mistakes)).ok()
    }

    /// How long it may run.
    fn time_limit(&mut self, entries: &[(Text, Node)]) -> Option<Duration> {
        let (key, node) = entries.iter().find(|(key, _)| key.text == TIME_LIMIT)?;
        let text = self.one_text(key, node)?;
        match duration_of(TIME_LIMIT, &text) {
            Ok(limit) if !limit.is_zero() => Some(limit),
            Ok(_) => {
                self.mistake(&node.at, "`time_limit` is no time", "write a time such as `6h`, or remove the line");
                None
            }
            Err(failure) => {
                self.mistake(&node.at, failure.message, failure.hint.unwrap_or_default());
                None
            }
        }
    }

    /// When it starts. What is wrong with the schedule or its time zone is told.
    fn schedule(&mut self, name: &str, entries: &[(Text, Node)]) -> Option<Schedule> {
        let of = |key: &str| entries.iter().find(|(known, _)| known.text == key);
        let (schedule, zone) = (of(SCHEDULE), of(TIMEZONE));
        if let (None, Some((key, _))) = (schedule, zone) {
            self.mistake(&key.at, "`timezone` without `schedule`", "add `schedule: \"5 3 * * *\"`, or remove the line");
        }
        let (key, node) = schedule?;
        let text = self.one_text(key, node)?;
        let zone = match zone {
            Some((key, node)) => Some(self.one_text(key, node)?),
            None => None,
        };
        match Schedule::parse(&text, zone.as_deref(), name) {
            Ok(schedule) => Some(schedule),
            Err(failure) => {
                self.mistake(&node.at, failure.message, failure.hint.unwrap_or_default());
                None
            }
        }
    }

    /// One text, variables filled in.
    fn one_text(&mut self, key: &Text, node: &Node) -> Option<String> {
        let Kind::Text { text, .. } = &node.kind else {
            let message = format!("`{}` is {}, expected a text", key.text, node.kind_name());
            self.mistake(&place_of(node, key), message, "give it a value, or remove the line");
            return None;
        };
        expand(text, &node.at, &self.config.env).map_err(|unset| self.mistakes.extend(unset)).ok()
    }

    fn names(&self) -> Vec<&'static str> {
        COMMANDS
            .into_iter()
            .map(CommandKind::name)
            .filter(|name| self.commands.iter().any(|words| words.name == *name))
            .collect()
    }

    /// The one command of a job, and what it is given; what is neither a command nor may stand beside one is told.
    fn command<'n>(&mut self, job: &Text, entries: &'n [(Text, Node)]) -> Option<(&'n Text, &'n Node)> {
        let names = self.names();
        let (mut found, mut is_told) = (None, false);
        for (key, node) in entries {
            let name = key.text.as_str();
            match &found {
                None if names.contains(&name) => found = Some((key, node)),
                Some((first, _)) if names.contains(&name) => {
                    let first: &Text = first;
                    let message = format!("job `{}` has two commands: `{}` and `{name}`", job.text, first.text);
                    self.mistake(&key.at, message, "split it into two jobs");
                }
                _ if is_job_key(name) => {}
                _ => {
                    is_told = true;
                    let all: Vec<&str> = names.iter().copied().chain(JOB_KEYS.iter().map(|key| key.name)).collect();
                    let message = format!("`{name}` is not a key of a job");
                    let hint = match self.belongs_to(name, entries) {
                        Some(command) => format!("move it into `{command}: {{ … }}`"),
                        None => did_you_mean(name, &all),
                    };
                    self.mistake(&key.at, message, hint);
                }
            }
        }
        if found.is_none() && !is_told {
            let message = format!("job `{}` has no command", job.text);
            self.mistake(&job.at, message, format!("give it one of {}", listed(&names)));
        }
        found
    }

    /// The command of the job that knows this argument.
    fn belongs_to(&self, argument: &str, entries: &[(Text, Node)]) -> Option<&str> {
        let words = self.commands.iter().find(|words| entries.iter().any(|(key, _)| key.text == words.name))?;
        words.arguments.iter().any(|known| known.key == argument).then_some(words.name.as_str())
    }

    fn arguments(&mut self, command: &Text, node: &Node) -> Vec<(Text, Node)> {
        match &node.kind {
            Kind::Map(entries) => entries.clone(),
            Kind::Null => Vec::new(),
            _ => {
                let message = format!("`{}` is {}, expected a map", command.text, node.kind_name());
                self.mistake(&node.at, message, "write its arguments as `{ name: value, … }`");
                Vec::new()
            }
        }
    }

    fn needed(&mut self, words: &CommandWords, command: &Text, arguments: &Node, entries: &[(Text, Node)]) {
        let inside: &[(Text, Node)] = match &arguments.kind {
            Kind::Map(inside) => inside,
            Kind::Null => &[],
            _ => return,
        };
        let has = |name: &str| inside.iter().chain(entries).any(|(key, _)| key.text == name);
        let missing = words.arguments.iter().filter(|argument| argument.is_needed && !has(&argument.key));
        let missing: Vec<&str> = missing.map(|argument| argument.key.as_str()).collect();
        if let [first, ..] = missing[..] {
            let names = missing.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
            let hint = format!("write `{}: {{ {first}: …, … }}`", words.name);
            self.mistake(&command.at, format!("`{}` needs {names}", words.name), hint);
        }
    }

    fn given(&mut self, words: &CommandWords, key: &Text, node: &Node) -> Option<Given> {
        let Some(argument) = words.arguments.iter().find(|known| known.key == key.text) else {
            self.unknown(words, key);
            return None;
        };
        let place = place_of(node, key);
        let texts = self.texts(argument, key, node)?;
        let raw = texts.clone();
        let values = match argument.takes {
            Takes::Nothing => {
                let is_on = self.switch(argument, node, texts.first()?)?;
                if !is_on {
                    return None;
                }
                Vec::new()
            }
            _ => texts.into_iter().map(|text| self.value(argument, text, &place)).collect::<Option<Vec<_>>>()?,
        };
        Some(Given { key: argument.key.clone(), option: argument.option.clone(), values, raw, place })
    }

    fn unknown(&mut self, words: &CommandWords, key: &Text) {
        if is_argument_beside(&key.text) {
            let knows = |words: &&CommandWords| words.arguments.iter().any(|known| known.key == key.text);
            let names: Vec<&str> = self.commands.iter().filter(knows).map(|words| words.name.as_str()).collect();
            let message = format!("`{}` has no `{}`", words.name, key.text);
            let hint = match names.is_empty() {
                true => "remove the line".to_owned(),
                false => format!("use it with {}", listed(&names)),
            };
            return self.mistake(&key.at, message, hint);
        }
        let names: Vec<&str> = words.arguments.iter().map(|known| known.key.as_str()).collect();
        let message = format!("`{}` is not an argument of `{}`", key.text, words.name);
        let hint = match nearest(&key.text, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("`ferry {} --help` lists them, with `-` for `_`", words.name),
        };
        self.mistake(&key.at, message, hint);
    }

    /// The texts of a value, variables filled in.
    fn texts(&mut self, argument: &Argument, key: &Text, node: &Node) -> Option<Vec<String>> {
        let texts: Vec<(&str, &Place)> = match (&node.kind, argument.takes) {
            (Kind::Text { text, .. }, _) => vec![(text, &node.at)],
            (Kind::List(items), Takes::Texts | Takes::Paths) => {
                let text = |item: &'_ Node| matches!(item.kind, Kind::Text { .. });
                if let Some(other) = items.iter().find(|item| !text(item)) {
                    let message = format!("an item of `{}` is {}, expected a text", key.text, other.kind_name());
                    self.mistake(&other.at, message, "give it a value, or remove it");
                    return None;
                }
                items.iter().filter_map(|item| text_of(item)).collect()
            }
            _ => {
                let expected = if argument.takes == Takes::Nothing { "`true` or `false`" } else { "a text" };
                let message = format!("`{}` is {}, expected {expected}", key.text, node.kind_name());
                self.mistake(&place_of(node, key), message, "give it a value, or remove the line");
                return None;
            }
        };
        let mut expanded = Vec::new();
        for (text, span) in texts {
            match expand(text, span, &self.config.env) {
                Ok(text) => expanded.push(text),
                Err(unset) => {
                    self.mistakes.extend(unset);
                    return None;
                }
            }
        }
        Some(expanded)
    }

    fn switch(&mut self, argument: &Argument, node: &Node, text: &str) -> Option<bool> {
        match text {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                let message = format!("invalid value `{text}` for `{}`", argument.key);
                self.mistake(&node.at, message, "expected `true` or `false`");
                None
            }
        }
    }

    /// A value as the command is given it.
    fn value(&mut self, argument: &Argument, text: String, place: &Place) -> Option<String> {
        let text = if argument.takes == Takes::Connection { self.connection(text, place)? } else { text };
        if let Some((_, check)) = CHECKS.iter().find(|(key, _)| *key == argument.key)
            && let Err(failure) = check(&text)
        {
            let message = failure.message.trim_start_matches(&format!("`--{}`: ", argument.key)).to_owned();
            self.mistake(place, format!("`{}`: {message}", argument.key), failure.hint.unwrap_or_default());
            return None;
        }
        let is_path = matches!(argument.takes, Takes::Path | Takes::Paths);
        Some(if is_path { self.path(&argument.key, &text) } else { text })
    }

    /// The full name of a connection: of a tenant, those of the template come first.
    fn connection(&mut self, text: String, place: &Place) -> Option<String> {
        let own = self.tenant.filter(|(tenants, _)| tenants.has_connection(&text));
        let name = own.map_or(text.clone(), |(_, row)| row.full_name(&text));
        match self.config.find(&name) {
            Ok(found) => {
                // What it lacks is told when it is used.
                self.mistakes.extend(found.wrong);
                Some(name)
            }
            Err(ConfigError::Mistakes(wrong)) => {
                self.mistakes.extend(wrong.list().iter().cloned());
                None
            }
            Err(ConfigError::Failed(failure)) => {
                self.mistake(place, failure.message, failure.hint.unwrap_or_default());
                None
            }
        }
    }

    /// A path beside `ferry.yaml`, as seen from here; the name of a built-in mapping stays one.
    fn path(&self, key: &str, text: &str) -> String {
        let path = self.config.path(text);
        let is_built_in = key == "map" && BUILT_IN.iter().any(|(name, _)| *name == text) && !path.exists();
        if text == "-" || is_built_in || (self.config.folder == Path::new(".") && !text.starts_with('-')) {
            return text.to_owned();
        }
        path.display().to_string()
    }
}

/// What is wrong with a value that the command line takes as any text, told before anything is run.
type Check = fn(&str) -> Result<(), Failure>;
const CHECKS: [(&str, Check); 4] = [
    ("rate", |text| Rate::parse(text).map(drop)),
    ("wait", |text| duration_of("--wait", text).map(drop)),
    ("retain", |text| duration_of("--retain", text).map(drop)),
    ("region", |text| region_choice(text).map(drop)),
];

fn text_of(node: &Node) -> Option<(&str, &Place)> {
    match &node.kind {
        Kind::Text { text, .. } => Some((text, &node.at)),
        _ => None,
    }
}

/// Where a value stands; nothing stands nowhere, so then its key.
fn place_of(node: &Node, key: &Text) -> Place {
    if node.kind == Kind::Null { key.at.clone() } else { node.at.clone() }
}

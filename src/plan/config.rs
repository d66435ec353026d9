//! The connections: from `ferry.yaml`, the environment and the platforms' defaults (contract 2, 2.1).
//!
//! It opens no connection and runs no job. All that is wrong with the file is told at once; what only a connection lacks
//! (a variable that is not set, a setting that is needed) is told when that connection is asked for.

use super::connection::{Connection, prefix, settings_of, variable};
use super::env::Env;
use super::filling::{Filling, Secrets};
use super::references::COMMAND_PLACES;
use super::secrets::{mask_lines, mask_tree};
use super::tenants::{BETWEEN, Row, Template, Tenants};
use crate::outcome::{Exit, Failure};
use crate::platforms::{Driver, Registry};
use crate::shown::render_failure;
use crate::yaml::{Document, Errors, FileError, FileErrors, Kind, Node, Place, Text, nearest, read};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file that is read when none is named.
pub const FILE_NAME: &str = "ferry.yaml";
/// Variables that begin like a connection's but are the program's own.
const OWN_VARIABLES: &[&str] = &[
    "FERRY_CONFIG",
    "FERRY_SCRATCH",
    "FERRY_STATE",
    "FERRY_STATE_PASSWORD",
    "FERRY_UNDER_WORKER",
    "FERRY_JOB_LEASE",
    COMMAND_PLACES,
];
/// The keys of the file, each with what it says.
pub(super) const TOP_KEYS: [(&str, &str); 5] = [
    ("env_file", "a file that adds variables to the environment; it is read first"),
    ("connections", "accounts on platforms, by their names"),
    ("jobs", "commands with their arguments, by their names"),
    ("tenants", "a file of which each row makes connections and jobs from the template"),
    ("template", "connections and jobs that each tenant has"),
];
/// Keys of `tenants`, where it is a map, and of a template.
const FILE: &str = "file";
const CONNECTIONS: &str = "connections";
const JOBS: &str = "jobs";

/// The configuration, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Those of the file in its order, then one for each platform of which the file names none so.
    pub connections: Vec<Connection>,
    /// The folder to which paths in the file are relative: the file's, or the current one.
    pub folder: PathBuf,
    /// The jobs as they stand in the file, unchecked.
    pub jobs: Option<Node>,
    /// The rows that make further connections and jobs, by a template.
    pub tenants: Option<Tenants>,
    /// The file that adds to the environment, if one is named.
    pub env_file: Option<PathBuf>,
    /// What is worth knowing and no mistake: variables that look like settings and are none.
    pub notes: Vec<String>,
    /// The file, as messages name it; `None` when there is none.
    path: Option<String>,
    /// The file with its secrets masked.
    page: String,
    /// The environment with what `env_file` adds to it.
    pub(super) env: Env,
    platforms: Registry,
}

/// Why there is no configuration, or no such connection in it.
#[derive(Clone, Debug)]
pub enum ConfigError {
    /// For one reason.
    Failed(Failure),
    /// Because of mistakes, each with its place.
    Mistakes(FileErrors),
}

impl Config {
    /// Reads `path`, or [`FILE_NAME`] in the current folder if there is one. These are the platforms that a connection
    /// can name.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or with all that is wrong in it.
    pub fn load(platforms: &Registry, path: Option<&Path>, env: &Env) -> Result<Config, ConfigError> {
        Config::load_in(Path::new(""), platforms, path, env)
    }

    /// The same with another folder in place of the current one.
    ///
    /// # Errors
    ///
    /// As [`Config::load`].
    pub fn load_in(folder: &Path, platforms: &Registry, path: Option<&Path>, env: &Env) -> Result<Config, ConfigError> {
        let file = &folder.join(path.unwrap_or(Path::new(FILE_NAME)));
        match read_page(file) {
            Ok(page) => Config::parse(platforms, &page, file, env),
            Err(error) if error.kind() == io::ErrorKind::NotFound && path.is_none() => {
                Ok(Config::without_file(platforms, env))
            }
            Err(error) => {
                let message = format!("the configuration `{}` cannot be read", file.display());
                Err(Failure::usage(message)
                    .cause(error)
                    .hint("name the file with `--config`; the default is `ferry.yaml` in this folder")
                    .into())
            }
        }
    }

    /// The same for a text that stands in `file`.
    ///
    /// # Errors
    ///
    /// With all that is wrong in it.
    pub fn parse(platforms: &Registry, page: &str, file: &Path, env: &Env) -> Result<Config, ConfigError> {
        let path = file.display().to_string();
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut mistakes = Errors::default();
        let root = read(page, "the configuration", &mut mistakes);
        let masked = root.as_ref().map_or_else(|| mask_lines(page, platforms), |root| mask_tree(page, root, platforms));
        let mut reading = Reading::new(platforms, env, folder, mistakes);
        let (connections, jobs) = reading.root(root)?;
        if !reading.mistakes.is_empty() {
            return Err(ConfigError::Mistakes(FileErrors::new(&Document::new(path, masked), reading.mistakes)));
        }
        let notes = notes(&connections, &reading.env);
        let Reading { env_file, tenants, env, .. } = reading;
        let (folder, path, platforms) = (folder.to_owned(), Some(path), platforms.clone());
        Ok(Config { connections, folder, jobs, tenants, env_file, notes, path, page: masked, env, platforms })
    }

    fn without_file(platforms: &Registry, env: &Env) -> Config {
        let connections = default_connections(platforms, env);
        let notes = notes(&connections, env);
        Config {
            connections,
            folder: PathBuf::from("."),
            jobs: None,
            tenants: None,
            env_file: None,
            notes,
            path: None,
            page: String::new(),
            env: env.clone(),
            platforms: platforms.clone(),
        }
    }

    /// A connection by its name (or another name of its platform, when it is named after it), whatever it lacks: enough
    /// for a rehearsal, which needs no credentials. That of a row is called `ROW/CONNECTION`.
    ///
    /// # Errors
    ///
    /// When there is none; with the nearest name, and all names.
    pub fn find(&self, name: &str) -> Result<Connection, ConfigError> {
        let alias = |one: &&Connection| one.name == one.facts().name && one.facts().is_named(name);
        let exact = self.connections.iter().find(|one| one.name == name);
        match exact.or_else(|| self.connections.iter().find(alias)) {
            Some(found) => Ok(found.clone()),
            None => self.of_tenant(name).unwrap_or_else(|| Err(self.unknown(name).into())),
        }
    }

    /// The same for a rehearsal in the sandbox: what is wrong with its settings would be wrong in earnest, too.
    ///
    /// # Errors
    ///
    /// When there is none, or with all that is wrong with it.
    pub fn rehearsed(&self, name: &str) -> Result<Connection, ConfigError> {
        let mut found = self.find(name)?;
        let wrong = std::mem::take(&mut found.wrong);
        if wrong.is_empty() { Ok(found) } else { Err(self.wrong(wrong)) }
    }

    /// A connection by its name, ready to be used: secrets that stand elsewhere are read, which may take seconds.
    ///
    /// # Errors
    ///
    /// When there is none, or with all that it lacks.
    pub fn connection(&self, name: &str) -> Result<Connection, ConfigError> {
        let mut found = self.find(name)?;
        let mut wrong = std::mem::take(&mut found.wrong);
        wrong.append(&mut found.lacks);
        if wrong.is_empty() {
            wrong = found.resolve();
        }
        if wrong.is_empty() { Ok(found) } else { Err(self.wrong(wrong)) }
    }

    /// The connection of a row; none where the name is not one of a row.
    fn of_tenant(&self, name: &str) -> Option<Result<Connection, ConfigError>> {
        let tenants = self.tenants.as_ref()?;
        let (row, rest) = tenants.row_of(name)?;
        let (key, node) = tenants.template.connections.iter().find(|(key, _)| key.text == rest)?;
        Some(self.filled_connection(tenants, row, (key, node)))
    }

    fn filled_connection(
        &self,
        tenants: &Tenants,
        row: &Row,
        template: (&Text, &Node),
    ) -> Result<Connection, ConfigError> {
        let (key, node) = template;
        let mut wrong: Vec<FileError> = row.error(&tenants.file).into_iter().collect();
        let filled = tenants.filled(node, row, &mut wrong);
        let mut reading = Reading::new(&self.platforms, &self.env, &self.folder, Errors::default());
        let key = Text { text: row.full_name(&key.text), at: key.at.clone() };
        let connection = reading.connection(key, filled, Secrets::Elsewhere);
        wrong.extend(reading.mistakes);
        match connection {
            Some(mut connection) => {
                wrong.append(&mut connection.wrong);
                connection.wrong = wrong.into_iter().map(|error| row.own(error)).collect();
                connection.lacks = connection.lacks.into_iter().map(|error| row.own(error)).collect();
                Ok(connection)
            }
            None => Err(self.wrong(wrong.into_iter().map(|error| row.own(error)).collect())),
        }
    }

    /// Mistakes in the file, to be told with their places.
    pub fn wrong(&self, mistakes: Vec<FileError>) -> ConfigError {
        let path = self.path.as_deref().unwrap_or(FILE_NAME);
        ConfigError::Mistakes(FileErrors::new(&Document::new(path, self.page.as_str()), mistakes))
    }

    /// The file that was read; `None` when there is none.
    pub fn file(&self) -> Option<&Path> {
        self.path.as_deref().map(Path::new)
    }

    /// A path of the configuration, relative to its folder.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.folder.join(path)
    }

    fn template_connections(&self) -> impl Iterator<Item = &str> {
        self.tenants.iter().flat_map(|tenants| tenants.template.connections.iter().map(|(key, _)| key.text.as_str()))
    }

    fn unknown(&self, name: &str) -> Failure {
        if let Some((row, rest)) = self.tenants.as_ref().and_then(|tenants| tenants.row_of(name)) {
            let names: Vec<&str> = self.template_connections().collect();
            let message = format!("the tenant `{}` has no connection `{rest}`", row.name);
            return Failure::usage(message).hint(format!("the template has {}", listed(&names)));
        }
        let names: Vec<&str> = self.connections.iter().map(|one| one.name.as_str()).collect();
        let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let failure = Failure::usage(format!("there is no connection `{name}`"));
        match nearest(name, names.iter().copied()) {
            Some(near) => failure.hint(format!("did you mean `{near}`? the connections are {list}")),
            None if list.is_empty() => failure.hint("add one under `connections:` in `ferry.yaml`"),
            None => failure.hint(format!("the connections are {list}")),
        }
    }
}

impl ConfigError {
    /// How the program ends.
    pub fn exit(&self) -> Exit {
        match self {
            ConfigError::Failed(failure) => failure.exit,
            ConfigError::Mistakes(_) => Exit::Usage,
        }
    }

    /// As text, with a line feed at its end; harmless on a terminal, and without secrets.
    pub fn render(&self, color: bool) -> String {
        match self {
            ConfigError::Failed(failure) => render_failure(failure, color),
            ConfigError::Mistakes(mistakes) => mistakes.render(color) + "\n",
        }
    }
}

impl From<Failure> for ConfigError {
    fn from(failure: Failure) -> ConfigError {
        ConfigError::Failed(failure)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl std::error::Error for ConfigError {}

fn read_page(file: &Path) -> io::Result<String> {
    let mut page = String::new();
    File::open(file)?.take(crate::yaml::FILE_LEN_MAX as u64 + 1).read_to_string(&mut page)?;
    Ok(page)
}

/// One reading of the file.
struct Reading<'a> {
    platforms: &'a Registry,
    env: Env,
    folder: &'a Path,
    env_file: Option<PathBuf>,
    tenants: Option<Tenants>,
    mistakes: Errors,
}

impl<'a> Reading<'a> {
    fn new(platforms: &'a Registry, env: &Env, folder: &'a Path, mistakes: Errors) -> Reading<'a> {
        Reading { platforms, env: env.clone(), folder, env_file: None, tenants: None, mistakes }
    }
}

impl Reading<'_> {
    fn mistake(&mut self, span: &Place, message: impl Into<String>, hint: impl Into<String>) {
        self.mistakes.push(FileError::at(span, message).hint(hint));
    }

    fn root(&mut self, root: Option<Node>) -> Result<(Vec<Connection>, Option<Node>), Failure> {
        let (mut connections, mut jobs, mut tenants, mut template) = (None, None, None, None);
        for (key, value) in self.entries(root, "the configuration") {
            match key.text.as_str() {
                "env_file" => self.env_file(&value)?,
                "connections" => connections = Some(value),
                "jobs" => jobs = Some(value),
                "tenants" => tenants = Some(value),
                "template" => template = Some((key, value)),
                name => {
                    let hint = did_you_mean(name, &TOP_KEYS.map(|(key, _)| key));
                    self.mistake(&key.at, format!("`{name}` is not a key of the configuration"), hint);
                }
            }
        }
        let mut connections = connections.map_or_else(Vec::new, |node| self.connections(node));
        let named = |one: &Connection| connections.iter().any(|known| prefix(&known.name) == prefix(&one.name));
        let mut others = default_connections(self.platforms, &self.env);
        others.retain(|one| !named(one));
        connections.append(&mut others);
        self.tenants(tenants, template);
        Ok((connections, jobs))
    }

    /// The tenants: a file with a template beside it, or both in one map.
    fn tenants(&mut self, tenants: Option<Node>, template: Option<(Text, Node)>) {
        let place = match (&tenants, &template) {
            (Some(node), _) => node.at.clone(),
            (None, Some((key, _))) => {
                let hint = "name the table: `tenants: FILE`";
                return self.mistake(&key.at, "a template without `tenants`", hint);
            }
            (None, None) => return,
        };
        let mut parts = Template::default();
        let (mut file, known) = (None, self.mistakes.len());
        match tenants {
            Some(Node { kind: Kind::Text { text, .. }, .. }) => file = Some(text),
            Some(node) => {
                for (key, value) in self.entries(Some(node), "`tenants`") {
                    match (key.text.as_str(), value.kind) {
                        (FILE, Kind::Text { text, .. }) => file = Some(text),
                        (name, kind) => self.template(name, &key, Node { kind, at: value.at }, &mut parts),
                    }
                }
            }
            None => {}
        }
        for (key, value) in self.entries(template.map(|(_, node)| node), "`template`") {
            self.template(key.text.as_str(), &key, value, &mut parts);
        }
        let Some(file) = file else {
            return self.mistake(&place, "`tenants` names no file", "write `tenants: FILE`, a CSV or JSON Lines file");
        };
        if parts.connections.is_empty() && parts.jobs.is_empty() && self.mistakes.len() == known {
            let hint = "write `template:` with `connections:` and `jobs:` below it";
            return self.mistake(&place, "the tenants have no template", hint);
        }
        let file = if self.folder == Path::new(".") { PathBuf::from(file) } else { self.folder.join(file) };
        match Tenants::read(&file, parts, &place) {
            Ok(tenants) => self.tenants = Some(tenants),
            Err(wrong) => self.mistakes.extend(wrong),
        }
    }

    /// A part of the template of tenants.
    fn template(&mut self, name: &str, key: &Text, value: Node, parts: &mut Template) {
        let into = match name {
            CONNECTIONS => &mut parts.connections,
            JOBS => &mut parts.jobs,
            _ => {
                let hint = did_you_mean(name, &[FILE, CONNECTIONS, JOBS]);
                return self.mistake(&key.at, format!("`{name}` is not a key of `tenants`"), hint);
            }
        };
        if let Kind::Map(entries) = value.kind {
            into.extend(entries);
        } else {
            let message = format!("`{name}` is {}, expected a map", value.kind_name());
            self.mistake(&value.at, message, "write `name:` and what belongs to it below");
        }
        let wrong: Vec<Text> = into.iter().map(|(key, _)| key).filter(|key| !is_name(&key.text)).cloned().collect();
        for key in wrong {
            let message = format!("`{}` is not a valid name", key.text);
            self.mistake(&key.at, message, format!("use letters, digits, `-` and `_`; `{BETWEEN}` comes from the row"));
        }
    }

    fn entries(&mut self, node: Option<Node>, what: &str) -> Vec<(Text, Node)> {
        match node {
            None | Some(Node { kind: Kind::Null, .. }) => Vec::new(),
            Some(Node { kind: Kind::Map(entries), .. }) => entries,
            Some(node) => {
                let message = format!("{what} is {}, expected a map", node.kind_name());
                self.mistake(&node.at, message, "write `name: value`, one per line");
                Vec::new()
            }
        }
    }

    fn env_file(&mut self, node: &Node) -> Result<(), Failure> {
        match &node.kind {
            Kind::Text { text: path, .. } => {
                let file = self.env_file.insert(self.folder.join(path));
                if !self.env.add_file(file)? {
                    let hint = "create it, or correct the path, which is relative to the folder of this file";
                    self.mistake(&node.at, format!("the file `{path}` does not exist"), hint);
                }
                Ok(())
            }
            _ => {
                let message = format!("`env_file` is {}, expected a path", node.kind_name());
                self.mistake(&node.at, message, "write `env_file: .env`");
                Ok(())
            }
        }
    }

    fn connections(&mut self, node: Node) -> Vec<Connection> {
        let mut connections: Vec<Connection> = Vec::new();
        for (key, value) in self.entries(Some(node), "`connections`") {
            if !is_name(&key.text) {
                let message = format!("`{}` is not a valid name for a connection", key.text);
                self.mistake(&key.at, message, "use letters, digits, `-` and `_`");
            } else if connections.iter().any(|one| one.name == key.text) {
                // Told already.
            } else if let Some(other) = connections.iter().find(|one| prefix(&one.name) == prefix(&key.text)) {
                let message = format!("`{}` and `{}` share their environment variables", key.text, other.name);
                self.mistake(&key.at, message, "give one of them another name");
            } else {
                connections.extend(self.connection(key, value, Secrets::Anywhere));
            }
        }
        connections
    }

    fn connection(&mut self, key: Text, node: Node, secrets: Secrets) -> Option<Connection> {
        let entries = self.entries(Some(node), &format!("connection `{}`", key.text));
        let said = self.platform(&key, &entries);
        let is_said = said.is_ok();
        let (Ok(driver) | Err(Some(driver))) = said else { return None };
        let is_platform = |setting: &Text| setting.text == PLATFORM || is_misspelt(&setting.text);
        let given = entries.into_iter().filter(|(setting, _)| !is_platform(setting)).collect();
        let place = Some(key.at.clone());
        let mut filling = Filling::new(key.text, driver, place, &self.env).with_secrets(secrets, self.folder);
        filling.take_file(given);
        let (connection, mistakes) = filling.end();
        self.mistakes.extend(mistakes);
        is_said.then_some(connection)
    }

    /// The platform of a connection. Where what is said of it is wrong, that is told, and the platform that is most
    /// likely meant is given back for checking the rest.
    fn platform(&mut self, key: &Text, entries: &[(Text, Node)]) -> Result<Arc<dyn Driver>, Option<Arc<dyn Driver>>> {
        let platforms = self.platforms;
        let named = |name: &str| platforms.named(name).cloned();
        let names: Vec<&str> = platforms.facts().map(|one| &*one.name).collect();
        let misspelt = entries.iter().find(|(setting, _)| is_misspelt(&setting.text));
        let said = entries.iter().find(|(setting, _)| setting.text == PLATFORM);
        if let (None, Some((setting, _))) = (said, misspelt) {
            let message = format!("`{}` is not a setting of a connection", setting.text);
            self.mistake(&setting.at, message, format!("did you mean `{PLATFORM}`?"));
        }
        let (name, span) = match said.or(misspelt) {
            None => (key.text.as_str(), &key.at),
            Some((_, Node { kind: Kind::Text { text: name, .. }, at: span })) => (name.as_str(), span),
            Some((_, Node { at: span, .. })) => ("", span),
        };
        match (named(name), said.or(misspelt)) {
            (Some(platform), _) if said.is_some() || misspelt.is_none() => return Ok(platform),
            (Some(platform), _) => return Err(Some(platform)),
            (None, None) => {
                let message = format!("connection `{}` does not say its platform", key.text);
                self.mistake(span, message, format!("add `{PLATFORM}:` with one of {}", listed(&names)));
            }
            (None, Some(_)) => {
                self.mistake(span, format!("there is no platform `{name}`"), did_you_mean(name, &names));
            }
        }
        Err(nearest(name, names).and_then(named))
    }
}

/// The key that says which platform a connection is of.
pub(super) const PLATFORM: &str = "platform";

fn is_misspelt(key: &str) -> bool {
    key != PLATFORM && nearest(key, [PLATFORM]).is_some()
}

pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

pub(super) fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

pub(super) fn did_you_mean(word: &str, names: &[&str]) -> String {
    match nearest(word, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("expected one of {}", listed(names)),
    }
}

fn default_connections(platforms: &Registry, env: &Env) -> Vec<Connection> {
    let connection = |driver: &Arc<dyn Driver>| {
        let mut filling = Filling::new(driver.facts().name.to_string(), Arc::clone(driver), None, env);
        filling.take_file(Vec::new());
        filling.end().0
    };
    platforms.drivers().iter().map(connection).collect()
}

/// Variables that look like settings and are none, with the setting that may be meant. Never a value.
fn notes(connections: &[Connection], env: &Env) -> Vec<String> {
    let all: Vec<String> = connections.iter().flat_map(variables).collect();
    let is_known = |name: &str| OWN_VARIABLES.contains(&name) || all.iter().any(|known| known == name);
    let strangers = env.names().filter(|name| name.starts_with("FERRY_") && !is_known(name));
    let note = |name: &str| {
        let rest = |name: &'_ str| name.strip_prefix("FERRY_").unwrap_or(name).to_owned();
        let rests: Vec<String> = all.iter().map(|name| rest(name)).collect();
        let near = format!("FERRY_{}", nearest(&rest(name), rests.iter().map(String::as_str))?);
        Some(format!("the environment variable `{name}` is not a setting of a connection; did you mean `{near}`?"))
    };
    strangers.filter_map(note).collect()
}

fn variables(connection: &Connection) -> impl Iterator<Item = String> {
    settings_of(connection.facts()).map(|setting| variable(&connection.name, &setting.name))
}

//! The settings of one connection: from the environment, else the file, else the default; checked.

use super::checks::CHECKS;
use super::connection::{Connection, SecretReference, default_settings, put, secret_wrong, settings_of, variable};
use super::env::{Env, expand, only_names};
use super::references::{Reference, is_reference};
use crate::platforms::settings::{Lack, Setting, Settings, lack};
use crate::platforms::{Driver, PlatformFacts};
use crate::yaml::{FileError, Kind, Node, Place, Text, nearest};
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the secrets of a connection may stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Secrets {
    /// Also in the settings themselves.
    #[default]
    Anywhere,
    /// Only elsewhere: the settings refer to them.
    Elsewhere,
}

/// Fills the settings of one connection.
pub(super) struct Filling<'e> {
    name: String,
    driver: Arc<dyn Driver>,
    place: Option<Place>,
    env: &'e Env,
    settings: Settings,
    secrets: Secrets,
    /// To which paths of references are relative.
    folder: PathBuf,
    references: Vec<SecretReference>,
    /// Wrong in the file itself.
    mistakes: Vec<FileError>,
    /// Wrong in the environment, and so in the way of this connection only.
    wrong: Vec<FileError>,
    /// In the way of this connection only.
    lacks: Vec<FileError>,
    /// The settings that one of these is about.
    told: Vec<String>,
}

impl<'e> Filling<'e> {
    pub fn new(name: String, driver: Arc<dyn Driver>, place: Option<Place>, env: &'e Env) -> Filling<'e> {
        let settings = default_settings(&name, driver.facts());
        Filling {
            name,
            driver,
            place,
            env,
            settings,
            secrets: Secrets::Anywhere,
            folder: PathBuf::new(),
            references: Vec::new(),
            mistakes: Vec::new(),
            wrong: Vec::new(),
            lacks: Vec::new(),
            told: Vec::new(),
        }
    }

    /// The same with secrets in these places; paths of references are relative to `folder`.
    pub fn with_secrets(self, secrets: Secrets, folder: &Path) -> Filling<'e> {
        Filling { secrets, folder: folder.to_owned(), ..self }
    }

    /// Takes what the file gives, and what the environment gives in its place.
    pub fn take_file(&mut self, given: Vec<(Text, Node)>) {
        let driver = Arc::clone(&self.driver);
        let platform = driver.facts();
        for (key, _) in &given {
            if !settings_of(platform).any(|setting| setting.name == key.text) {
                self.unknown(key);
            }
        }
        // Whether `http://` is allowed must be known before the address is looked at.
        let allow_first = |setting: &&Setting| setting.name != "allow_http";
        let mut settings: Vec<_> = settings_of(platform).collect();
        settings.sort_by_key(allow_first);
        for setting in settings {
            let node = given.iter().find(|(key, _)| key.text == setting.name).map(|(_, node)| node);
            let before = self.told_len();
            self.fill(setting, node);
            if self.told_len() > before {
                self.told.push(setting.name.to_string());
            }
        }
    }

    fn told_len(&self) -> usize {
        self.mistakes.len() + self.wrong.len() + self.lacks.len()
    }

    /// The connection, and what is wrong in the file.
    pub fn end(mut self) -> (Connection, Vec<FileError>) {
        self.needed();
        let Filling { name, driver, place, settings, mistakes, wrong, lacks, references, .. } = self;
        (Connection { name, driver, settings, place, wrong, lacks, references }, mistakes)
    }

    fn unknown(&mut self, key: &Text) {
        let names: Vec<&str> = settings_of(self.driver.facts()).map(|setting| &*setting.name).collect();
        let message = format!("`{}` is not a setting of {}", key.text, self.driver.facts().title);
        let hint = match nearest(&key.text, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("`ferry platforms {}` lists the settings", self.driver.facts().name),
        };
        self.mistakes.push(FileError::at(&key.at, message).hint(hint));
    }

    fn fill(&mut self, setting: &Setting, node: Option<&Node>) {
        let name = variable(&self.name, &setting.name);
        if let Some(value) = self.env.get(&name) {
            let value = value.to_owned();
            match self.wrong(setting, &value) {
                None => put(&mut self.settings, setting, value),
                Some((message, hint)) => {
                    let allow = format!("`{}=true`", variable(&self.name, "allow_http"));
                    let hint = hint.replace("`allow_http: true`", &allow);
                    let mistake = FileError::without_place(format!("the environment variable `{name}`: {message}"));
                    self.wrong.push(mistake.hint(hint));
                }
            }
            return;
        }
        let Some(node) = node else { return };
        match &node.kind {
            Kind::Text { text, .. } => self.text(setting, text, &node.at),
            Kind::Map(rows) if takes_table(self.driver.facts(), setting) => self.table(setting, rows),
            _ => {
                let message = format!("`{}` is {}, expected a text", setting.name, node.kind_name());
                let hint = "give it a value, or remove the line";
                self.mistakes.push(FileError::at(&node.at, message).hint(hint));
            }
        }
    }

    fn text(&mut self, setting: &Setting, text: &str, span: &Place) {
        let value = match expand(text, span, self.env) {
            Ok(value) => value,
            Err(unset) => return self.lacks.extend(unset),
        };
        if setting.secret && is_reference(text) {
            return self.reference(setting, value, span);
        }
        if setting.secret && self.secrets == Secrets::Elsewhere && !only_names(text) {
            let message = format!("`{}` of a tenant is a literal secret", setting.name);
            let hint = "refer to it: `${NAME}`, `file:PATH` or `cmd:COMMAND`";
            return self.mistakes.push(FileError::at(span, message).hint(hint));
        }
        match self.wrong(setting, &value) {
            None => put(&mut self.settings, setting, value),
            Some((message, hint)) => {
                let message = format!("`{}`: {message}", setting.name);
                self.mistakes.push(FileError::at(span, message).hint(hint));
            }
        }
    }

    /// A secret that is read when the connection is used. Until then the setting holds the reference.
    fn reference(&mut self, setting: &Setting, text: String, span: &Place) {
        match Reference::of(&text, &self.folder) {
            Some(Ok(reference)) => {
                self.settings.set_secret(&setting.name, SecretString::from(text));
                let (setting, place) = (setting.name.to_string(), span.clone());
                self.references.push(SecretReference { setting, reference, place });
            }
            Some(Err(wrong)) => {
                let message = format!("`{}`: {}", setting.name, wrong.message);
                self.mistakes.push(FileError::at(span, message).hint(wrong.hint));
            }
            None => {}
        }
    }

    fn table(&mut self, setting: &Setting, rows: &[(Text, Node)]) {
        let mut table = Vec::new();
        for (key, node) in rows {
            let Kind::Text { text, .. } = &node.kind else {
                let message = format!("`{}` is {}, expected a text", key.text, node.kind_name());
                self.mistakes.push(FileError::at(&node.at, message).hint("write `name: id`"));
                continue;
            };
            match expand(text, &node.at, self.env) {
                Ok(value) => table.push((key.text.clone(), value)),
                Err(unset) => self.lacks.extend(unset),
            }
        }
        self.settings.set_table(&setting.name, table);
    }

    /// What is wrong with a value, and what to do about it.
    fn wrong(&self, setting: &Setting, value: &str) -> Option<(String, String)> {
        if !setting.choices.is_empty() && !setting.choices.iter().any(|choice| choice == value) {
            let words = setting.choices.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
            let message = if setting.secret { "unknown value".to_owned() } else { format!("`{value}` is unknown") };
            return Some(match nearest(value, setting.choices.iter().map(|choice| &**choice)) {
                Some(near) => (message, format!("did you mean `{near}`? expected one of {words}")),
                None => (message, format!("expected one of {words}")),
            });
        }
        if setting.secret {
            return secret_wrong(&setting.name, value).map(|(message, hint)| (message.to_owned(), hint.to_owned()));
        }
        let (_, check) = CHECKS.iter().find(|(name, _)| *name == setting.name)?;
        check(value, &self.settings).err().map(|wrong| (wrong.message, wrong.hint))
    }

    fn needed(&mut self) {
        // What could not be read is told already.
        let told = std::mem::take(&mut self.told);
        let is_told = |setting: &Setting| told.iter().any(|name| *name == setting.name);
        let driver = Arc::clone(&self.driver);
        let platform = driver.facts();
        for setting in settings_of(platform).filter(|setting| !is_told(setting)) {
            let Some(lack) = lack(platform, &self.settings, setting) else { continue };
            if !self.settings.table(&setting.name).is_empty() || is_told(lack.setting()) {
                continue;
            }
            let names = lack.names(|name| format!("`{name}`"));
            let message = format!("connection `{}` needs {names}: {}", self.name, lack.setting().help);
            let variables = lack.names(|name| format!("`{}`", variable(&self.name, name)));
            let lines = lack.names(|name| format!("`{name}:`"));
            let hint = match lack {
                Lack::One(_) => format!("set the environment variable {variables}, or {lines} in `ferry.yaml`"),
                Lack::OneOr(_) => format!("set in the environment {variables}; or in `ferry.yaml` {lines}"),
            };
            let place = match &self.place {
                Some(span) => FileError::at(span, message),
                None => FileError::without_place(message),
            };
            self.lacks.push(place.hint(hint));
        }
    }
}

/// Whether a setting may be a table of names: it is the platform's own, without words to choose from and without a default.
pub(super) fn takes_table(platform: &PlatformFacts, setting: &Setting) -> bool {
    let is_own = platform.settings.iter().any(|one| one.name == setting.name);
    is_own && !setting.secret && setting.choices.is_empty() && setting.default.is_none()
}

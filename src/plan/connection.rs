//! A connection: one account on a platform, with its settings, and the environment variables that are named after it.
//!
//! It reads neither file nor environment, but for the secrets that its settings refer to.

use super::references::Reference;
use crate::platforms::settings::{COMMON, Setting, Settings};
use crate::platforms::{Driver, PlatformFacts};
use crate::yaml::{FileError, Place};
use secrecy::SecretString;
use std::fmt;
use std::sync::Arc;

/// One account on a platform, and how it is to be reached.
#[derive(Clone)]
pub struct Connection {
    /// Its name.
    pub name: String,
    /// Its platform.
    pub driver: Arc<dyn Driver>,
    /// Its settings, defaults filled in.
    pub settings: Settings,
    /// Where its name stands in the file; `None` when there is no file.
    pub place: Option<Place>,
    /// What is wrong with the row of tenants that it is made of, and in the environment. In `ferry.yaml` itself nothing is.
    pub(super) wrong: Vec<FileError>,
    /// What it lacks to be used.
    pub(super) lacks: Vec<FileError>,
    /// Secret settings that stand elsewhere; until they are resolved, the setting holds the reference.
    pub(super) references: Vec<SecretReference>,
}

/// A secret setting that stands elsewhere.
#[derive(Clone, Debug)]
pub(super) struct SecretReference {
    pub setting: String,
    pub reference: Reference,
    /// Where it is referred to.
    pub place: Place,
}

impl Connection {
    /// The facts of its platform.
    pub fn facts(&self) -> &PlatformFacts {
        self.driver.facts()
    }

    /// Reads the secrets that stand elsewhere; gives back what is wrong with them.
    pub(super) fn resolve(&mut self) -> Vec<FileError> {
        let mut wrong = Vec::new();
        for SecretReference { setting, reference, place } in std::mem::take(&mut self.references) {
            let found =
                reference.resolve().map_err(|why| (why.message, why.hint)).and_then(|secret| {
                    match secret_wrong(&setting, &secret) {
                        Some((message, hint)) => Err((message.to_owned(), hint.to_owned())),
                        None => Ok(secret),
                    }
                });
            match found {
                Ok(secret) => self.settings.set_secret(&setting, SecretString::from(secret)),
                Err((message, hint)) => {
                    wrong.push(FileError::at(&place, format!("`{setting}`: {message}")).hint(hint));
                }
            }
        }
        wrong
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.facts().name)
    }
}

/// The environment variable of a setting: `FERRY_<CONNECTION>_<SETTING>`, upper case, `-` as `_`.
pub fn variable(connection: &str, setting: &str) -> String {
    format!("FERRY_{connection}_{setting}").to_uppercase().replace(['-', '/'], "_")
}

/// What the variables of a connection begin with.
pub(super) fn prefix(connection: &str) -> String {
    variable(connection, "")
}

/// All settings of a platform: the common ones first.
pub(super) fn settings_of(platform: &PlatformFacts) -> impl Iterator<Item = &Setting> {
    let own = |common: &&Setting| !platform.settings.iter().any(|one| one.name == common.name);
    COMMON.iter().filter(own).chain(&*platform.settings)
}

/// The settings of a connection of this platform without anything said about them.
pub fn default_settings(connection: &str, platform: &PlatformFacts) -> Settings {
    let mut settings = Settings::new(connection);
    for setting in settings_of(platform) {
        if let Some(default) = &setting.default {
            put(&mut settings, setting, default.to_string());
        }
    }
    if settings.get("base_url").is_none() {
        settings.set("base_url", platform.base_url.as_ref());
    }
    if settings.get("concurrency").is_none() {
        settings.set("concurrency", platform.concurrency.to_string());
    }
    settings
}

/// Sets a setting, secretly where it is a secret.
pub(super) fn put(settings: &mut Settings, setting: &Setting, value: String) {
    if setting.secret {
        settings.set_secret(&setting.name, SecretString::from(value));
    } else {
        settings.set(&setting.name, value);
    }
}

/// What copying does to a secret. It is not repeated. A password may have any letters; all others are ASCII everywhere.
pub(super) fn secret_wrong(setting: &str, value: &str) -> Option<(&'static str, &'static str)> {
    if value.chars().any(char::is_control) {
        return Some(("it has a line break or another control character", "copy it again, on one line"));
    }
    if value.trim() != value {
        return Some(("it begins or ends with a blank", "copy it again, without the blanks around it"));
    }
    if setting != "password" && !value.is_ascii() {
        return Some(("it has a character outside ASCII", "copy it again: one of its characters is a look-alike"));
    }
    None
}

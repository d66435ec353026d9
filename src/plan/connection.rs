//! A connection: one account on a platform, with its settings, and the environment variables that are named after it.
//!
//! It reads neither file nor environment.

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
    /// What it lacks to be used.
    pub(super) lacks: Vec<FileError>,
}

impl Connection {
    /// The facts of its platform.
    pub fn facts(&self) -> &PlatformFacts {
        self.driver.facts()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.facts().name)
    }
}

/// The environment variable of a setting: `FERRY_<CONNECTION>_<SETTING>`, upper case, `-` as `_`.
pub fn variable(connection: &str, setting: &str) -> String {
    format!("FERRY_{connection}_{setting}").to_uppercase().replace('-', "_")
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

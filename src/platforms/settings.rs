//! The values of a connection's settings, and their checks. It reads no file and no environment.

use super::facts::PlatformFacts;
use super::text::Text;
use crate::outcome::Failure;
use crate::yaml::nearest;
use secrecy::{ExposeSecret, SecretString};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

pub use super::setting::{COMMON, Setting};

/// The values of a connection's settings, defaults filled in.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The connection's name.
    pub connection: String,
    texts: BTreeMap<String, String>,
    secrets: BTreeMap<String, SecretString>,
    tables: BTreeMap<String, Vec<(String, String)>>,
}

impl Settings {
    /// No settings yet, for this connection.
    pub fn new(connection: impl Into<String>) -> Settings {
        Settings { connection: connection.into(), ..Settings::default() }
    }

    /// Sets a value that can be shown.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.texts.insert(name.to_owned(), value.into());
    }

    /// Sets a value that must never be shown.
    pub fn set_secret(&mut self, name: &str, value: SecretString) {
        self.secrets.insert(name.to_owned(), value);
    }

    /// Sets a table of names (`segments`).
    pub fn set_table(&mut self, name: &str, rows: Vec<(String, String)>) {
        self.tables.insert(name.to_owned(), rows);
    }

    /// A value that can be shown; `None` if it is not set or blank.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether a `true`/`false` setting is `true`.
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// A value that must never be shown.
    pub fn secret(&self, name: &str) -> Option<&SecretString> {
        self.secrets.get(name)
    }

    /// All secrets, for removing them from text that is shown.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretString> {
        self.secrets.values()
    }

    /// A table of names.
    pub fn table(&self, name: &str) -> &[(String, String)] {
        self.tables.get(name).map_or(&[], Vec::as_slice)
    }

    /// The name of every setting that has a value.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().chain(self.secrets.keys()).chain(self.tables.keys()).map(String::as_str)
    }

    /// Fills in the defaults of a platform for settings without a value.
    pub fn fill_defaults(&mut self, platform: &PlatformFacts) {
        let defaults =
            COMMON.iter().chain(&*platform.settings).filter_map(|known| Some((&known.name, known.default.as_ref()?)));
        for (name, value) in defaults.chain([(&Cow::Borrowed("base_url"), &platform.base_url)]) {
            if self.get(name).is_none() {
                self.set(name, value.as_ref());
            }
        }
    }

    /// A value of a platform's own settings, or its default; blank when it has neither.
    pub fn get_or_default<'a>(&'a self, known: &'a [Setting], name: &str) -> &'a str {
        let default = || known.iter().find(|setting| setting.name == name)?.default.as_deref();
        self.get(name).or_else(default).unwrap_or_default()
    }

    /// The environment variable of one of these settings.
    pub fn environment_name(&self, setting: &str) -> String {
        environment_name(&self.connection, setting)
    }
}

/// The environment variable of a setting: `FERRY_<CONNECTION>_<SETTING>`, upper case, `-` as `_`.
pub fn environment_name(connection: &str, setting: &str) -> String {
    format!("FERRY_{connection}_{setting}").to_uppercase().replace('-', "_")
}

/// The other names that a connection can have beside settings.
const CONNECTION_WORDS: [&str; 1] = ["platform"];

/// All errors in the settings of a connection that its table of settings can tell: unknown names, missing settings, unknown
/// choices, invalid durations and numbers (exit 2 each).
pub fn validate(platform: &PlatformFacts, settings: &Settings) -> Vec<Failure> {
    let known = || COMMON.iter().chain(&*platform.settings);
    let mut failures = Vec::new();
    for name in settings.names() {
        if !CONNECTION_WORDS.contains(&name) && !known().any(|setting| setting.name == name) {
            failures.push(unknown_name(settings, name, known().map(|setting| &*setting.name)));
        }
    }
    failures.extend(known().filter_map(|setting| wrong_value(platform, setting, settings)));
    failures
}

/// A required setting that is not set.
#[derive(Clone, Copy, Debug)]
pub enum Lack<'a> {
    /// This one.
    One(&'a Setting),
    /// This one, or all of those that can replace it.
    OneOr(&'a Setting),
}

/// The setting that is missing, if this one is required and not set: itself, or either itself or those that can replace it,
/// or, if some of those are set, the first of them that is not.
pub fn lack<'a>(platform: &'a PlatformFacts, settings: &Settings, setting: &'a Setting) -> Option<Lack<'a>> {
    let known = |name: &Text| platform.settings.iter().find(|known| known.name == *name);
    if has(settings, setting) || (!setting.required && setting.instead.is_empty()) {
        return None;
    }
    let (there, missing): (Vec<_>, Vec<_>) =
        setting.instead.iter().filter_map(known).partition(|other| has(settings, other));
    match (missing.first().copied(), there.is_empty()) {
        (Some(first), false) => Some(Lack::One(first)),
        (Some(_), true) => Some(Lack::OneOr(setting)),
        (None, _) => setting.required.then_some(Lack::One(setting)),
    }
}

impl<'a> Lack<'a> {
    /// The setting that is named first.
    pub fn setting(&self) -> &'a Setting {
        let (Lack::One(setting) | Lack::OneOr(setting)) = self;
        setting
    }

    /// The names of the settings, each formatted by `quoted`: `token`, or `email` and `password`.
    pub fn names(&self, quoted: impl Fn(&str) -> String) -> String {
        match self {
            Lack::One(setting) => quoted(&setting.name),
            Lack::OneOr(setting) => {
                let others: Vec<String> = setting.instead.iter().map(|name| quoted(name)).collect();
                format!("{}, or {}", quoted(&setting.name), others.join(" and "))
            }
        }
    }
}

fn unknown_name<'a>(settings: &Settings, name: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    let failure = Failure::usage(format!("connection `{}` has no setting `{name}`", settings.connection));
    match nearest(name, known) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("`ferry platforms NAME` lists the settings"),
    }
}

fn wrong_value(platform: &PlatformFacts, setting: &Setting, settings: &Settings) -> Option<Failure> {
    let name = &*setting.name;
    if let Some(lack) = lack(platform, settings, setting) {
        return Some(missing(settings, lack));
    }
    let value = settings.get(name)?;
    if value.contains(char::is_control) {
        let message =
            format!("`{name}` of connection `{}` has a line break or a control character", settings.connection);
        return Some(Failure::usage(message).hint("enter it again, in one line"));
    }
    if !setting.choices.is_empty() && !setting.choices.iter().any(|choice| choice == value) {
        return Some(wrong(settings, name, value, &one_of(&setting.choices)));
    }
    match name {
        "timeout" | "settle" => match parse_duration(value) {
            Ok(duration) if name == "settle" || !duration.is_zero() => None,
            _ => Some(wrong(settings, name, value, DURATION_EXPECTED)),
        },
        "concurrency" => whole_number(settings, name, value, 1, CONCURRENCY_MAX).err(),
        _ => None,
    }
}

/// More requests in flight than any platform accepts, and more sockets than one process should have.
const CONCURRENCY_MAX: u64 = 1_024;

fn has(settings: &Settings, setting: &Setting) -> bool {
    match settings.secret(&setting.name) {
        Some(secret) if setting.secret => !secret.expose_secret().trim().is_empty(),
        _ => !setting.secret && (settings.get(&setting.name).is_some() || setting.default.is_some()),
    }
}

/// The failure for a required setting that is not set.
fn missing(settings: &Settings, lack: Lack<'_>) -> Failure {
    let hint = format!(
        "set {} of connection `{}` in `ferry.yaml`, or {} in the environment",
        lack.names(|name| format!("`{name}`")),
        settings.connection,
        lack.names(|name| format!("`{}`", settings.environment_name(name)))
    );
    let (joint, names) = match lack {
        Lack::One(_) => ("no", lack.names(|name| format!("`{name}`"))),
        Lack::OneOr(_) => ("neither", lack.names(|name| format!("`{name}`")).replace(", or ", " nor ")),
    };
    Failure::usage(format!("connection `{}` has {joint} {names}", settings.connection)).hint(hint)
}

/// The failure for an invalid value, with what was expected.
pub fn wrong(settings: &Settings, name: &str, value: &str, expected: &str) -> Failure {
    Failure::usage(format!("`{name}` of connection `{}` is `{value}`; expected {expected}", settings.connection))
}

/// A whole number within bounds, both included.
pub fn whole_number(settings: &Settings, name: &str, value: &str, min: u64, max: u64) -> Result<u64, Failure> {
    let number = value.parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| wrong(settings, name, value, &format!("a whole number from {min} to {max}")))
}

fn one_of(choices: &[Text]) -> String {
    choices.iter().map(|choice| format!("`{choice}`")).collect::<Vec<_>>().join(" or ")
}

/// The form of a duration.
const DURATION_EXPECTED: &str = "a whole number and a unit (`500ms`, `30s`, `2m`, `1h`, `90d`)";

/// A duration: a whole number and `ms`, `s`, `m`, `h` or `d`; `0` needs no unit. Fails with exit 2.
pub fn parse_duration(text: &str) -> Result<Duration, Failure> {
    let wrong = || Failure::usage(format!("`{text}` is not a duration; expected {DURATION_EXPECTED}"));
    let (number, unit) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let unit_ms: u64 = match unit.trim_start() {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "" if number == 0 => 0,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit_ms).map(Duration::from_millis).ok_or_else(wrong)
}

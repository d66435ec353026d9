//! The settings of a connection: one list of names for `ferry.yaml`, the environment, help and checks.

use super::PlatformFacts;
use crate::outcome::Failure;
use crate::yaml::nearest;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::time::Duration;

/// A setting that a platform knows.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// In `ferry.yaml`; `FERRY_<CONNECTION>_<NAME>` in the environment.
    pub name: &'static str,
    /// What it is when nobody says; `None`: not set.
    pub default: Option<&'static str>,
    /// Whether it is needed.
    pub required: bool,
    /// Where it is needed unless all of these are set in its place: their names.
    pub instead: &'static [&'static str],
    /// Whether it must never be shown.
    pub secret: bool,
    /// The words it may be; empty: any text.
    pub choices: &'static [&'static str],
    /// What it is, in one line.
    pub help: &'static str,
}

impl Setting {
    /// A text that may be shown and has a default, without choices; the beginning of most tables' rows.
    pub const fn text(name: &'static str, default: Option<&'static str>, help: &'static str) -> Setting {
        Setting { name, default, required: false, instead: &[], secret: false, choices: &[], help }
    }

    /// One of these words.
    pub const fn choice(
        name: &'static str,
        choices: &'static [&'static str],
        default: &'static str,
        help: &'static str,
    ) -> Setting {
        Setting { choices, ..Setting::text(name, Some(default), help) }
    }

    /// `true` or `false`.
    pub const fn switch(name: &'static str, default: &'static str, help: &'static str) -> Setting {
        Setting::choice(name, &["true", "false"], default, help)
    }

    /// What proves to the platform who we are; needed, and never shown.
    pub const fn secret(name: &'static str, help: &'static str) -> Setting {
        Setting { required: true, ..Setting::spare_secret(name, help) }
    }

    /// A secret that is not needed.
    pub const fn spare_secret(name: &'static str, help: &'static str) -> Setting {
        Setting { secret: true, ..Setting::text(name, None, help) }
    }

    /// A secret that is needed unless all of these are set in its place.
    pub const fn secret_or(name: &'static str, instead: &'static [&'static str], help: &'static str) -> Setting {
        Setting { instead, ..Setting::spare_secret(name, help) }
    }
}

/// Settings that every platform has.
pub const COMMON: &[Setting] = &[
    Setting::text("base_url", None, "the address of the API"),
    Setting::switch("allow_http", "false", "allow an address without TLS that is not on this machine"),
    Setting::text("rate", Some("auto"), "requests: `10/s`, `300/min,5000/h`, `auto`, `auto,max=50/s`, `none`"),
    Setting::text("concurrency", None, "requests in flight"),
    Setting::text("timeout", Some("30s"), "how long to wait for an answer"),
    Setting::text("settle", None, SETTLE_HELP),
    Setting::choice("find", &["auto", "snapshot", "each", "none"], "auto", "how existing contacts are found"),
    Setting::text("phone_region", None, "the country of phones written without a country code"),
    Setting::text("user_agent", None, "the User-Agent header"),
];

const SETTLE_HELP: &str = "how long after a doubtful request somebody not found counts as absent \
    (default: the longer of 60 s and twice the timeout)";

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

    /// Sets a value that may be shown.
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

    /// A value that may be shown; `None` when it is not set or blank.
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

    /// All secrets, for the one place that removes them from what is shown.
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

    /// Fills in the defaults of a platform, where nothing is set.
    pub fn fill_defaults(&mut self, platform: &PlatformFacts) {
        let defaults = COMMON.iter().chain(platform.settings).filter_map(|known| Some((known.name, known.default?)));
        for (name, value) in defaults.chain([("base_url", platform.base_url)]) {
            if self.get(name).is_none() {
                self.set(name, value);
            }
        }
    }

    /// A value of a platform's own settings, or its default; blank when it has neither.
    pub fn get_or_default<'a>(&'a self, known: &[Setting], name: &str) -> &'a str {
        let default = || known.iter().find(|setting| setting.name == name)?.default;
        self.get(name).or_else(default).unwrap_or_default()
    }

    /// The environment variable of one of these settings.
    pub fn environment_name(&self, setting: &str) -> String {
        environment_name(&self.connection, setting)
    }
}

/// The environment variable of a setting: `FERRY_<CONNECTION>_<SETTING>`, upper case, `-` as `_` (contract 2).
pub fn environment_name(connection: &str, setting: &str) -> String {
    format!("FERRY_{connection}_{setting}").to_uppercase().replace('-', "_")
}

/// The names beside the settings that a connection may have.
const CONNECTION_WORDS: [&str; 1] = ["platform"];

/// All that is wrong with the settings of a connection, as far as the tables tell: unknown names, missing ones, words
/// that are no choice, durations and numbers that are none (exit 2 each).
pub fn validate(platform: &PlatformFacts, settings: &Settings) -> Vec<Failure> {
    let known = || COMMON.iter().chain(platform.settings);
    let mut failures = Vec::new();
    for name in settings.names() {
        if !CONNECTION_WORDS.contains(&name) && !known().any(|setting| setting.name == name) {
            failures.push(unknown_name(settings, name, known().map(|setting| setting.name)));
        }
    }
    failures.extend(known().filter_map(|setting| wrong_value(platform, setting, settings)));
    failures
}

/// What has to be set for this setting's sake, and is not.
#[derive(Clone, Copy, Debug)]
pub enum Lack {
    /// This one.
    One(&'static Setting),
    /// This one, or all of those that may stand in its place.
    OneOr(&'static Setting),
}

/// What is lacking for a setting's sake: itself where it is needed; where others may stand in its place either, or, when
/// some of those are set, the first that is not.
pub fn lack(platform: &PlatformFacts, settings: &Settings, setting: &'static Setting) -> Option<Lack> {
    let known = |name: &&str| platform.settings.iter().find(|known| known.name == *name);
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

impl Lack {
    /// The setting that is told first.
    pub fn setting(&self) -> &'static Setting {
        let (Lack::One(setting) | Lack::OneOr(setting)) = self;
        setting
    }

    /// The settings by what `quoted` makes of their names: `token`, or `email` and `password`.
    pub fn names(&self, quoted: impl Fn(&str) -> String) -> String {
        match self {
            Lack::One(setting) => quoted(setting.name),
            Lack::OneOr(setting) => {
                let others: Vec<String> = setting.instead.iter().map(|name| quoted(name)).collect();
                format!("{}, or {}", quoted(setting.name), others.join(" and "))
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

fn wrong_value(platform: &PlatformFacts, setting: &'static Setting, settings: &Settings) -> Option<Failure> {
    let name = setting.name;
    if let Some(lack) = lack(platform, settings, setting) {
        return Some(missing(settings, lack));
    }
    let value = settings.get(name)?;
    if value.contains(char::is_control) {
        let message =
            format!("`{name}` of connection `{}` holds a line break or a control character", settings.connection);
        return Some(Failure::usage(message).hint("write it again, in one line"));
    }
    if !setting.choices.is_empty() && !setting.choices.contains(&value) {
        return Some(wrong(settings, name, value, &one_of(setting.choices)));
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

/// More requests in flight than any platform bears, and than one process should have sockets.
const CONCURRENCY_MAX: u64 = 1_024;

fn has(settings: &Settings, setting: &Setting) -> bool {
    match settings.secret(setting.name) {
        Some(secret) if setting.secret => !secret.expose_secret().trim().is_empty(),
        _ => !setting.secret && (settings.get(setting.name).is_some() || setting.default.is_some()),
    }
}

/// A setting that has to be there and is not.
fn missing(settings: &Settings, lack: Lack) -> Failure {
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

/// A value that will not do, and what was expected.
pub fn wrong(settings: &Settings, name: &str, value: &str, expected: &str) -> Failure {
    Failure::usage(format!("`{name}` of connection `{}` is `{value}`; expected {expected}", settings.connection))
}

/// A whole number within bounds, both included.
pub fn whole_number(settings: &Settings, name: &str, value: &str, min: u64, max: u64) -> Result<u64, Failure> {
    let number = value.parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| wrong(settings, name, value, &format!("a whole number from {min} to {max}")))
}

fn one_of(choices: &[&str]) -> String {
    choices.iter().map(|choice| format!("`{choice}`")).collect::<Vec<_>>().join(" or ")
}

/// What a duration looks like.
const DURATION_EXPECTED: &str = "a whole number and a unit (`500ms`, `30s`, `2m`, `1h`, `90d`)";

/// A duration: a whole number and `ms`, `s`, `m`, `h` or `d`; `0` needs no unit. Fails (exit 2) with what was expected.
pub fn parse_duration(text: &str) -> Result<Duration, Failure> {
    let wrong = || Failure::usage(format!("`{text}` is no duration; expected {DURATION_EXPECTED}"));
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

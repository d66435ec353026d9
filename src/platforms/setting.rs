//! One setting of a connection, and the settings that every platform has. It holds no values.

use super::text::{Slice, Text, texts};
use std::borrow::Cow;

/// A setting that a platform knows.
#[derive(Clone, Debug)]
pub struct Setting {
    /// In `ferry.yaml`; `FERRY_<CONNECTION>_<NAME>` in the environment.
    pub name: Text,
    /// Its default; `None`: not set.
    pub default: Option<Text>,
    /// Whether it is required.
    pub required: bool,
    /// It is required unless all of these are set: their names.
    pub instead: Slice<Text>,
    /// Whether it must never be shown.
    pub secret: bool,
    /// The values that it can have; empty: any text.
    pub choices: Slice<Text>,
    /// What it is, in one line.
    pub help: Text,
}

impl Setting {
    const fn of(name: &'static str, default: Option<&'static str>, help: &'static str, secret: bool) -> Setting {
        Setting {
            name: Cow::Borrowed(name),
            default: match default {
                Some(default) => Some(Cow::Borrowed(default)),
                None => None,
            },
            required: false,
            instead: Cow::Borrowed(&[]),
            secret,
            choices: Cow::Borrowed(&[]),
            help: Cow::Borrowed(help),
        }
    }

    /// A text that may be shown.
    pub const fn text(name: &'static str, default: Option<&'static str>, help: &'static str) -> Setting {
        Setting::of(name, default, help, false)
    }

    /// One of these words.
    pub const fn choice(
        name: &'static str,
        choices: &'static [Text],
        default: &'static str,
        help: &'static str,
    ) -> Setting {
        Setting {
            name: Cow::Borrowed(name),
            default: Some(Cow::Borrowed(default)),
            required: false,
            instead: Cow::Borrowed(&[]),
            secret: false,
            choices: Cow::Borrowed(choices),
            help: Cow::Borrowed(help),
        }
    }

    /// `true` or `false`.
    pub const fn switch(name: &'static str, default: &'static str, help: &'static str) -> Setting {
        Setting::choice(name, texts!["true", "false"], default, help)
    }

    /// A required credential that is never shown.
    pub const fn secret(name: &'static str, help: &'static str) -> Setting {
        let mut setting = Setting::of(name, None, help, true);
        setting.required = true;
        setting
    }

    /// A secret that is not required.
    pub const fn spare_secret(name: &'static str, help: &'static str) -> Setting {
        Setting::of(name, None, help, true)
    }

    /// A secret that is required unless all of these are set.
    pub const fn secret_or(name: &'static str, instead: &'static [Text], help: &'static str) -> Setting {
        Setting {
            name: Cow::Borrowed(name),
            default: None,
            required: false,
            instead: Cow::Borrowed(instead),
            secret: true,
            choices: Cow::Borrowed(&[]),
            help: Cow::Borrowed(help),
        }
    }
}

/// Settings that every platform has.
pub const COMMON: &[Setting] = &[
    Setting::text("base_url", None, "the address of the API"),
    Setting::switch("allow_http", "false", "allow an address without TLS that is not on this machine"),
    Setting::text("rate", Some("auto"), "requests: `10/s`, `300/min,5000/h`, `auto`, `auto,max=50/s`, `none`"),
    Setting::text("concurrency", None, "requests in flight"),
    Setting::text("timeout", Some("30s"), "how long to wait for a response"),
    Setting::text("settle", None, SETTLE_HELP),
    Setting::choice("find", texts!["auto", "snapshot", "each", "none"], "auto", "how existing contacts are found"),
    Setting::text("phone_region", None, "the country of phones written without a country code"),
    Setting::text("user_agent", None, "the User-Agent header"),
];

const SETTLE_HELP: &str = "how long after a request in doubt a contact that is not found counts as absent \
    (default: the longer of 60 s and twice the timeout)";

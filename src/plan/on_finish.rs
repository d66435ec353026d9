//! `on_finish` of a job (contract 2): what is told how the job ended, and when. A command is a program with its words, without
//! a shell; a webhook is an address. Nothing is run or sent here.

use super::checks::duration;
use super::env::{Env, expand};
use crate::http::Webhook;
use crate::yaml::shape::{Shape, described, text};
use crate::yaml::{FileError, Kind, Node, Place, Text, nearest};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long it may take, if nothing else is said, and at most: the next job waits for it.
const LIMIT: Duration = Duration::from_secs(30);
const LIMIT_MAX: Duration = Duration::from_secs(600);

/// The key of a job.
pub(super) const ON_FINISH: &str = "on_finish";
/// The key of a web address.
pub(super) const WEBHOOK: &str = "webhook";
const COMMAND: &str = "command";
/// The keys of the long form, each with what it says.
const KEYS: [(&str, &str); 4] = [
    (COMMAND, "a program and its words; it gets the summary on standard input"),
    (WEBHOOK, "an address that gets the summary as POST"),
    ("when", "which ends are told"),
    ("timeout", "how long it may take (default: 30s, at most 10m)"),
];
const WHEN: [(&str, When); 3] = [("always", When::Always), ("failure", When::Failure), ("success", When::Success)];
/// The same without variables, which the environment gives to the command.
const VARIABLE: &str = "${";

/// What is told how a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnFinish {
    /// Who.
    pub to: Recipient,
    /// When.
    pub when: When,
    /// How long it may take.
    pub limit: Duration,
}

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// A program, its words, and the folder in which it is started.
    Command(PathBuf, Vec<String>, PathBuf),
    /// A web address.
    Webhook(Webhook),
}

/// Which ends are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// All.
    #[default]
    Always,
    /// Those with another exit code than 0.
    Failure,
    /// Those with exit code 0.
    Success,
}

impl When {
    /// Whether an end with this exit code is told.
    pub fn has(self, code: u8) -> bool {
        match self {
            When::Always => true,
            When::Failure => code != 0,
            When::Success => code == 0,
        }
    }
}

/// The JSON Schema of it.
pub(super) fn schema() -> Value {
    let of_key = |name: &str| match name {
        COMMAND => Shape::List.schema(),
        "when" => json!({ "enum": WHEN.map(|(word, _)| word) }),
        _ => text(),
    };
    let long = KEYS.iter().map(|(name, does)| ((*name).to_owned(), described(of_key(name), does)));
    let long = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": long.collect::<serde_json::Map<_, _>>(),
        "oneOf": [{ "required": [COMMAND] }, { "required": [WEBHOOK] }],
    });
    json!({ "anyOf": [{ "type": "string" }, Shape::List.schema(), long] })
}

/// Reads it. `folder`: that of `ferry.yaml`, to which a path of the program is relative.
pub(super) fn read(node: &Node, env: &Env, folder: &Path) -> Result<OnFinish, Vec<FileError>> {
    let mut reading = Reading { env, folder, mistakes: Vec::new() };
    let read = match &node.kind {
        Kind::Text { text, .. } => reading.webhook(text, &node.at).map(short),
        Kind::List(words) => reading.command(words, &node.at).map(short),
        Kind::Map(entries) => reading.long(entries, &node.at),
        Kind::Null => {
            reading.mistake(&node.at, "`on_finish` is nothing, expected a command or a webhook", EXAMPLE);
            None
        }
    };
    match read {
        Some(read) if reading.mistakes.is_empty() => Ok(read),
        _ => Err(reading.mistakes),
    }
}

/// How it is written.
const EXAMPLE: &str = "write `on_finish: [program, word]`, or `on_finish: { webhook: \"${NAME}\" }`";

fn short(to: Recipient) -> OnFinish {
    OnFinish { to, when: When::default(), limit: LIMIT }
}

struct Reading<'a> {
    env: &'a Env,
    folder: &'a Path,
    mistakes: Vec<FileError>,
}

impl Reading<'_> {
    fn mistake(&mut self, at: &Place, message: impl Into<String>, hint: impl Into<String>) {
        self.mistakes.push(FileError::at(at, message).hint(hint));
    }

    fn long(&mut self, entries: &[(Text, Node)], at: &Place) -> Option<OnFinish> {
        let (mut to, mut when, mut limit) = (Vec::new(), When::default(), LIMIT);
        let before = self.mistakes.len();
        for (key, node) in entries {
            match (key.text.as_str(), &node.kind) {
                (COMMAND, Kind::List(words)) => to.extend(self.command(words, &node.at)),
                (WEBHOOK, Kind::Text { text, .. }) => to.extend(self.webhook(text, &node.at)),
                ("when", Kind::Text { text, .. }) => when = self.when(text, &node.at).unwrap_or_default(),
                ("timeout", Kind::Text { text, .. }) => limit = self.limit(text, &node.at).unwrap_or(LIMIT),
                (name, _) if KEYS.iter().any(|(known, _)| *known == name) => {
                    let expected = if name == COMMAND { "a list: `[program, word]`" } else { "a text" };
                    let message = format!("`{name}` is {}, expected {expected}", node.kind_name());
                    self.mistake(&node.at, message, EXAMPLE);
                }
                (name, _) => {
                    let names = KEYS.iter().map(|(known, _)| *known);
                    let hint = match nearest(name, names.clone()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("the keys are {}", names.collect::<Vec<_>>().join(", ")),
                    };
                    self.mistake(&key.at, format!("`on_finish` has no key `{name}`"), hint);
                }
            }
        }
        match to.pop() {
            Some(only) if to.is_empty() => Some(OnFinish { to: only, when, limit }),
            Some(_) => {
                self.mistake(at, "`on_finish` has a command and a webhook", "keep one of them");
                None
            }
            None => {
                if self.mistakes.len() == before {
                    self.mistake(at, "`on_finish` has neither `command` nor `webhook`", EXAMPLE);
                }
                None
            }
        }
    }

    fn command(&mut self, words: &[Node], at: &Place) -> Option<Recipient> {
        let mut texts = Vec::new();
        for word in words {
            match &word.kind {
                Kind::Text { text, .. } if text.contains(VARIABLE) => {
                    let message = "a word of a command cannot be a variable: it would stand in the list of processes";
                    self.mistake(
                        &word.at,
                        message,
                        "the command gets the environment of Ferry; read the variable there",
                    );
                }
                Kind::Text { text, .. } => texts.push(text.clone()),
                _ => {
                    let message = format!("a word of the command is {}, expected a text", word.kind_name());
                    self.mistake(&word.at, message, EXAMPLE);
                }
            }
        }
        let mut texts = texts.into_iter();
        match texts.next().filter(|program| !program.is_empty()) {
            Some(program) => {
                let folder = std::path::absolute(self.folder).unwrap_or_else(|_| self.folder.to_owned());
                // A name alone is looked for where programs are; a path leads from the folder of `ferry.yaml`.
                let program = if program.contains('/') { folder.join(program) } else { PathBuf::from(program) };
                Some(Recipient::Command(program, texts.collect(), folder))
            }
            None => {
                if words.is_empty() {
                    self.mistake(at, "the command has no program", EXAMPLE);
                }
                None
            }
        }
    }

    fn webhook(&mut self, text: &str, at: &Place) -> Option<Recipient> {
        if !text.contains("://") && !text.contains(VARIABLE) {
            self.mistake(at, "`on_finish` is a text that is no web address", EXAMPLE);
            return None;
        }
        let address = match expand(text, at, self.env) {
            Ok(address) => address,
            Err(unset) => {
                self.mistakes.extend(unset);
                return None;
            }
        };
        match Webhook::parse(&address) {
            Ok(webhook) => Some(Recipient::Webhook(webhook)),
            Err(failure) => {
                self.mistake(at, failure.message, failure.hint.unwrap_or_default());
                None
            }
        }
    }

    fn when(&mut self, text: &str, at: &Place) -> Option<When> {
        let found = WHEN.iter().find(|(word, _)| *word == text).map(|(_, when)| *when);
        if found.is_none() {
            self.mistake(at, format!("`when` is `{text}`"), "expected `always`, `failure` or `success`");
        }
        found
    }

    fn limit(&mut self, text: &str, at: &Place) -> Option<Duration> {
        let limit = duration(text).filter(|limit| !limit.is_zero() && *limit <= LIMIT_MAX);
        if limit.is_none() {
            self.mistake(at, format!("`timeout` is `{text}`"), "write it as `10s` or `2m`, at most `10m`");
        }
        limit
    }
}

//! Errors of the command line, in the three parts of every message: error, cause, hint.

use super::args::Args;
use crate::outcome::Failure;
use crate::yaml::nearest;
use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use std::error::Error as _;
use std::ffi::OsString;

/// Converts an error of the parser; `None` for a help text or the version.
pub(super) fn failure_of(error: &Error, words: &[OsString]) -> Option<Failure> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(list(texts)),
        Some(ContextValue::StyledStr(text)) => Some(text.to_string()),
        _ => None,
    };
    let said = |kind| text(kind).unwrap_or_default();
    let (argument, value) = (said(ContextKind::InvalidArg), said(ContextKind::InvalidValue));
    let message = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            return None;
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("`{argument}` needs a value"),
        ErrorKind::InvalidValue => format!("invalid value `{value}` for `{argument}`"),
        ErrorKind::ValueValidation => match error.source() {
            Some(why) => format!("invalid value `{value}` for `{argument}`: {why}"),
            None => format!("invalid value `{value}` for `{argument}`"),
        },
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            format!("unknown option `{argument}` for `{}`", command(words))
        }
        ErrorKind::UnknownArgument => format!("unexpected argument `{argument}`"),
        ErrorKind::InvalidSubcommand => format!("unknown command `{}`", said(ContextKind::InvalidSubcommand)),
        ErrorKind::MissingRequiredArgument => match needing(error, words) {
            Some((option, needed)) => format!("`{option}` needs `{needed}`"),
            None => format!("missing: {}", quoted(error)),
        },
        ErrorKind::ArgumentConflict if said(ContextKind::PriorArg) == argument => {
            format!("`{argument}` was given twice")
        }
        ErrorKind::ArgumentConflict => {
            format!("`{argument}` and `{}` cannot be used together", said(ContextKind::PriorArg))
        }
        ErrorKind::TooManyValues => format!("`{argument}` takes no value, and `{value}` was given"),
        _ => first_line(error),
    };
    let near = nearest_of(error);
    let choices = text(ContextKind::ValidValue).filter(|choices| !choices.is_empty());
    let hint = match (near, choices) {
        (Some(near), Some(choices)) => format!("did you mean `{near}`? expected one of {choices}"),
        (Some(near), None) => format!("did you mean `{near}`?"),
        (None, Some(choices)) => format!("expected one of {choices}"),
        (None, None) => format!("see `{} --help`", command(words)),
    };
    Some(Failure::usage(message).hint(hint))
}

/// The suggestion of the parser that is most like the word that was typed.
fn nearest_of(error: &Error) -> Option<String> {
    let near = [
        (ContextKind::SuggestedValue, ContextKind::InvalidValue),
        (ContextKind::SuggestedArg, ContextKind::InvalidArg),
        (ContextKind::SuggestedSubcommand, ContextKind::InvalidSubcommand),
    ];
    near.into_iter().find_map(|(suggested, typed)| match (error.get(suggested)?, error.get(typed)) {
        // The parser is content with a few letters in common.
        (ContextValue::String(one), Some(ContextValue::String(word))) if suggested == ContextKind::SuggestedArg => {
            nearest(word, [one.as_str()]).map(str::to_owned)
        }
        (ContextValue::String(one), _) => Some(one.clone()),
        (ContextValue::Strings(all), Some(ContextValue::String(word))) => {
            let nearest = nearest(word, all.iter().map(String::as_str));
            nearest.map(str::to_owned).or_else(|| all.first().cloned())
        }
        (ContextValue::Strings(all), _) => all.first().cloned(),
        _ => None,
    })
}

/// Options that are nothing without another one.
const NEEDS: [(&str, &str); 2] = [("--plan", "--dry-run"), ("--retain", "--out")];

/// The option that was typed without the one that it needs.
fn needing(error: &Error, words: &[OsString]) -> Option<(&'static str, &'static str)> {
    let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg) else { return None };
    let is_typed = |option: &str| {
        let words = words.iter().filter_map(|word| word.to_str());
        words.filter_map(|word| word.split('=').next()).any(|word| word == option)
    };
    let is_missing = |needed: &str| missing.iter().any(|one| one.split(' ').next() == Some(needed));
    NEEDS.into_iter().find(|(option, needed)| is_typed(option) && is_missing(needed))
}

fn list(texts: &[String]) -> String {
    match texts {
        [one] => one.clone(),
        all => all.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", "),
    }
}

fn quoted(error: &Error) -> String {
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(names)) => {
            names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ")
        }
        _ => first_line(error),
    }
}

fn first_line(error: &Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).replace('\'', "`")
}

/// The command that was typed, as far as it exists: `ferry map check`.
fn command(words: &[OsString]) -> String {
    let root = Args::command();
    let (mut found, mut name) = (&root, "ferry".to_owned());
    for word in words.iter().skip(1) {
        let Some(next) = found.get_subcommands().find(|command| word.as_os_str() == command.get_name()) else {
            continue;
        };
        name.push(' ');
        name.push_str(next.get_name());
        found = next;
    }
    name
}

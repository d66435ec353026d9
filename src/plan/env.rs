//! The environment as it was handed over. It reads no variable of the process and sets none.

use super::env_file;
use crate::outcome::{Exit, Failure};
use crate::yaml::{FileError, Place, nearest};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// Environment variables by name. What is empty counts as not set.
#[derive(Clone, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// The variables that are text; others are left out (a platform takes nothing else).
    pub fn from_os(vars: impl IntoIterator<Item = (OsString, OsString)>) -> Env {
        let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        Env(vars.into_iter().filter_map(text).collect())
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The same with one more variable.
    pub fn with(mut self, name: &str, value: &str) -> Env {
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The names of all that are set.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name.as_str())
    }

    /// Takes in the variables of a file that are not set already. `false` when there is no such file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or a line of it cannot be understood; never with the line itself.
    pub fn add_file(&mut self, path: &Path) -> Result<bool, Failure> {
        let broken = |cause: String| {
            let message = format!("could not read the environment file `{}`", path.display());
            Failure::new(Exit::Usage, message).cause(cause)
        };
        let text = match read_text(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(broken(error.to_string())),
        };
        let entries = env_file::read(&text).map_err(|(line, why)| {
            broken(format!("line {line} is not of the form `NAME=value`: {why}"))
                .hint("write `NAME=value`, one per line; put a value with `#` or line breaks between single quotes")
        })?;
        for (name, value) in entries {
            if self.get(&name).is_none() {
                self.0.insert(name, value);
            }
        }
        Ok(true)
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(vars: I) -> Env {
        Env(vars.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Env {
    /// Never a value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn read_text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(env_file::LEN_MAX + 1).read_to_string(&mut text)?;
    match text.len() as u64 > env_file::LEN_MAX {
        true => Err(std::io::Error::new(ErrorKind::FileTooLarge, "it has more than 1 MiB")),
        false => Ok(text),
    }
}

/// Puts the values of variables for each `${NAME}` in a text. All other text stays as it is.
///
/// # Errors
///
/// One mistake for each name that is not set, or is no name.
pub fn expand(text: &str, span: &Place, env: &Env) -> Result<String, Vec<FileError>> {
    let (mut out, mut mistakes) = (String::with_capacity(text.len()), Vec::new());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let Some((name, next)) = after.split_once('}') else {
            mistakes.push(FileError::at(span, "`${` without its `}`").hint("write `${NAME}`"));
            return Err(mistakes);
        };
        match env.get(name) {
            Some(value) => out.push_str(value),
            None => mistakes.push(not_set(name, span, env)),
        }
        rest = next;
    }
    out.push_str(rest);
    if mistakes.is_empty() { Ok(out) } else { Err(mistakes) }
}

fn not_set(name: &str, span: &Place, env: &Env) -> FileError {
    if !is_name(name) {
        // What stands there is not repeated: it may be a part of a secret.
        let message = "`${…}` has no valid name of an environment variable";
        return FileError::at(span, message).hint("names have letters, digits and `_`: `${NAME}`");
    }
    let mistake = FileError::at(span, format!("the environment variable `{name}` is not set"));
    match nearest(name, env.names()) {
        Some(near) => mistake.hint(format!("did you mean `{near}`, which is set?")),
        None => mistake.hint(format!("set it, or name a file that does: `env_file: .env` with a line `{name}=…`")),
    }
}

fn is_name(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(letter) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a text is nothing but `${NAME}`, and so shows no secret itself.
pub(super) fn only_names(text: &str) -> bool {
    let mut rest = text.trim();
    while let Some((name, next)) = rest.strip_prefix("${").and_then(|rest| rest.split_once('}')) {
        if !is_name(name) {
            return false;
        }
        rest = next;
    }
    rest.is_empty()
}

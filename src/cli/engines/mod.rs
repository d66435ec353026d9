//! What the commands for orchestrators share: their configuration, a stream that is received, and one that is sent. The
//! protocols themselves are in `crate::engines`.

pub(super) mod configured;
pub(super) mod described;
pub(super) mod receive;
pub(super) mod send;

use crate::ids::RunStatus;
use crate::outcome::{Exit, Failure};
use crate::report::{Console, Summary};
use crate::run::active::folder::make_private;
use serde_json::Value;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The largest configuration, catalog or state.
const FILE_LEN_MAX: u64 = 16 << 20;

/// A JSON file that an orchestrator hands over. `option` names it.
///
/// # Errors
/// Exit 2 when it cannot be read, or is no JSON.
pub(super) fn json_of(option: &str, path: &Path) -> Result<Value, Failure> {
    let unread = |cause: String| Failure::usage(format!("`{option} {}` cannot be read", path.display())).cause(cause);
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(FILE_LEN_MAX + 1).read_to_string(&mut text));
    read.map_err(|error| unread(error.to_string()))?;
    if text.len() as u64 > FILE_LEN_MAX {
        return Err(unread(format!("it has more than {} MiB", FILE_LEN_MAX >> 20)));
    }
    // Its text is not repeated: a configuration holds secrets.
    serde_json::from_str(&text)
        .map_err(|error| unread(format!("it is not JSON: line {}, column {}", error.line(), error.column())))
}

/// Prints a line, or a text, of the protocol.
///
/// # Errors
/// Exit 1 when it cannot be written.
pub(super) fn print(text: &str) -> Result<Exit, Failure> {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    written.map(|()| Exit::Done).map_err(|error| Failure::failed("could not write to standard output").cause(error))
}

/// Prints the summary of a stream, or of the reading that it is sent from. No command alone resumes it.
fn show(summary: &Summary, console: &Console) {
    console.summary(&Summary { next_command: None, ..summary.clone() });
    if summary.status == RunStatus::Unfinished {
        console.note("to resume, start both sides of the stream again with the last state");
    }
}

/// The private folder below the state folder in which streams are kept.
fn folder_of(state: &Path) -> Result<PathBuf, Failure> {
    let state = std::path::absolute(state).unwrap_or_else(|_| state.to_owned());
    let folder = state.join("engines");
    make_private(&folder)?;
    Ok(folder)
}

/// A name for files that is the same for the same things.
fn name_of(parts: &[&str]) -> String {
    let hash = blake3::hash(parts.join("\n").as_bytes()).to_hex();
    hash.get(..16).unwrap_or_default().to_owned()
}

//! `ferry init`: a first `ferry.yaml` with one connection, and the environment file with its secrets. It asks on a terminal for
//! what was not typed, tests the connection, and writes only files that do not exist.

mod answers;
mod pages;

use super::args::{self, SchemaOf};
use super::check::check_connection;
use super::context::Context;
use super::schema::line_for;
use crate::outcome::{Exit, Failure};
use crate::plan::Config;
use crate::plan::config::FILE_NAME;
use answers::{Answers, Prompt};
use pages::{ENV_FILE, Page};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What does not belong into version control, if there is any.
const IGNORED: [&str; 2] = [ENV_FILE, ".ferry/"];

pub(super) fn run(typed: &args::Init, context: &Context) -> Result<Exit, Failure> {
    let config = context.config.clone().unwrap_or_else(|| PathBuf::from(FILE_NAME));
    let folder = config.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    let env_file = config.with_file_name(ENV_FILE);
    [&config, &env_file].into_iter().try_for_each(|path| free(path))?;
    let prompt = Prompt::of_terminal(typed.yes);
    let answers = Answers::gather(typed, &prompt, context)?;
    let mut page = Page { answers: &answers, schema: None };
    let works = check(typed, &page, &config, context)?;
    if works.is_none() && !typed.no_check && !typed.sandbox {
        context.console.note("the connection is not tested, because its credentials are not complete yet");
    }
    page.schema = Some(line_for(SchemaOf::Config, &config, context)?);
    write_new(&env_file, &page.env(), true)?;
    if let Err(failure) = write_new(&config, &page.config(true), false) {
        // The file was made a moment ago, and is of no use without the other one.
        let _ = std::fs::remove_file(&env_file);
        return Err(failure);
    }
    let ignored = ignore(&folder)?;
    tell(&answers, &Wrote { config: &config, env_file: &env_file, works, ignored }, context);
    Ok(Exit::Done)
}

/// A file that exists belongs to the user.
fn free(path: &Path) -> Result<(), Failure> {
    match path.symlink_metadata() {
        Ok(_) => Err(Failure::usage(format!("`{}` exists, and is left as it is", path.display()))
            .hint("add the connection to `ferry.yaml` by hand, or name another file with `--config`")),
        Err(_) => Ok(()),
    }
}

/// Tests the connection, unless that is not wanted or its credentials are not known.
fn check(typed: &args::Init, page: &Page<'_>, config: &Path, context: &Context) -> Result<Option<String>, Failure> {
    let answers = page.answers;
    let env = answers.secrets().fold(context.env.clone(), |env, (variable, value)| env.with(variable, value));
    // What is wrong with an answer is told before anything is written.
    let parsed = Config::parse(&context.platforms, &page.config(false), config, &env)?;
    let connection = match typed.sandbox {
        true => parsed.find(&answers.name)?,
        false if typed.no_check || !answers.is_complete() => return Ok(None),
        false => parsed.connection(&answers.name)?,
    };
    if typed.sandbox {
        context.make_state(false)?;
    }
    let untested = |failure: Failure| {
        let hint = failure.hint.clone().unwrap_or_default();
        failure.hint(format!(
            "{hint}; nothing was written: run it again, or with `--no-check` to write the files untested"
        ))
    };
    check_connection(context, connection, typed.sandbox).map(Some).map_err(untested)
}

/// Writes a file that does not exist yet.
fn write_new(path: &Path, text: &str, is_private: bool) -> Result<(), Failure> {
    let fault = |error: io::Error| Failure::failed(format!("`{}` cannot be written", path.display())).cause(error);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if is_private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let mut file = options.open(path).map_err(fault)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| {
        // Half a file would be taken for a whole one.
        let _ = std::fs::remove_file(path);
        fault(error)
    })
}

/// Adds to `.gitignore`, where there is one, what it lacks.
fn ignore(folder: &Path) -> Result<Vec<&'static str>, Failure> {
    let path = folder.join(".gitignore");
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(Vec::new()) };
    let bare = |line: &str| line.trim().trim_matches('/').to_owned();
    let missing: Vec<&str> =
        IGNORED.into_iter().filter(|name| !text.lines().any(|line| bare(line) == bare(name))).collect();
    if missing.is_empty() {
        return Ok(missing);
    }
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let lines: String = missing.iter().map(|name| format!("{name}\n")).collect();
    let added = OpenOptions::new().append(true).open(&path);
    let added = added.and_then(|mut file| file.write_all(format!("{gap}{lines}").as_bytes()));
    added.map_err(|error| Failure::failed(format!("`{}` cannot be written", path.display())).cause(error))?;
    Ok(missing)
}

/// What was done.
struct Wrote<'a> {
    config: &'a Path,
    env_file: &'a Path,
    /// What the test of the connection showed; none where it was not tested.
    works: Option<String>,
    /// What was added to `.gitignore`.
    ignored: Vec<&'static str>,
}

/// What was written, and what comes next.
fn tell(answers: &Answers, wrote: &Wrote<'_>, context: &Context) {
    let Wrote { config, env_file, works, ignored } = wrote;
    let missing: Vec<&str> = answers.missing().collect();
    if context.is_json() {
        let told = json!({ "wrote": [config, env_file], "ignored": ignored, "connection": answers.name,
            "tested": works.is_some(), "missing": missing });
        return context.console.result_line(&told.to_string());
    }
    works.iter().for_each(|line| context.console.result_line(line));
    let mut lines = vec![format!("wrote `{}` and `{}`, which only you can read", config.display(), env_file.display())];
    if !ignored.is_empty() {
        lines.push(format!("added to `.gitignore`: {}", ignored.join(", ")));
    }
    let (name, sandbox) = (&answers.name, if answers.is_rehearsal { " --sandbox" } else { "" });
    if !missing.is_empty() && !answers.is_rehearsal {
        lines.push(format!("fill in {} in `{}`, then: ferry check {name}", missing.join(", "), env_file.display()));
    }
    lines.push(format!("next: ferry import FILE --to {name}{sandbox} --dry-run"));
    context.console.result_line(&lines.join("\n"));
}

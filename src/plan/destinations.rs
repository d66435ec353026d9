//! Which files a command may write, found out before anything is done: none that it reads, none of the state folder, none
//! twice, and of files that exist only those that the option may replace.

use super::{Mistakes, WorkAsked, is_pipe, of_option};
use crate::files::{Format, Output, is_rejects_file, resolve};
use crate::outcome::Failure;
use crate::store::StateDir;
use std::path::{Path, PathBuf};

/// Where outputs of jobs go that use the sandbox: the only part of the state folder that may be a destination.
pub const SANDBOX_OUT: [&str; 2] = ["sandbox", "out"];

/// Which of the files that exist an option replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Replaces {
    /// Any regular file.
    Any,
    /// Files that Ferry wrote.
    Own,
    /// The same; what it wrote today is kept, and the new file gets a number.
    OwnOfOtherDays,
    /// Rejects files.
    Rejects,
}

/// Options with a rule of their own; all others replace only what Ferry wrote.
const RULES: [(&str, Replaces); 3] =
    [("--out", Replaces::Any), ("--rejects", Replaces::Rejects), ("--changes", Replaces::OwnOfOtherDays)];

/// What a command works with that no option may write over.
#[derive(Clone, Debug)]
pub struct Around {
    /// The state folder.
    pub state: StateDir,
    /// Files that are read: what each is, and its path.
    pub read: Vec<(String, PathBuf)>,
    /// The day, as names have it: `2026-11-22`.
    pub day: String,
}

/// A destination that was checked already.
struct Taken {
    what: String,
    path: PathBuf,
}

impl WorkAsked {
    /// Whether the files that are asked for can be written. `written` is the file that the command writes, if any, and its
    /// option.
    pub fn check(&self, around: &Around, written: (&str, Option<&Path>), mistakes: &mut Mistakes) {
        let (option, path) = written;
        let files = [
            (option, path.map(Path::to_owned), true),
            ("--rejects", self.rejects.clone(), false),
            ("--results", self.results.clone(), true),
        ];
        check_files(around, files, mistakes);
    }
}

/// Whether files can be written: each by its option, its path, and whether its name must say how.
pub fn check_files<const N: usize>(
    around: &Around,
    files: [(&str, Option<PathBuf>, bool); N],
    mistakes: &mut Mistakes,
) {
    let read = around.read.iter().filter(|(_, path)| path.as_os_str() != "-");
    let mut taken: Vec<Taken> = read.map(|(what, path)| Taken { what: what.clone(), path: whole(path) }).collect();
    for (option, path, must_say) in files {
        let Some(path) = path.filter(|path| option != "--out" || path.as_os_str() != "-") else { continue };
        if mistakes.take(writable(option, &path, must_say)).is_none() {
            continue;
        }
        let whole = whole(&path);
        if mistakes.take(free(option, &path, &whole, &taken, around)).is_some() {
            taken.push(Taken { what: format!("the file of `{option}`"), path: whole });
        }
    }
}

/// A path by which two names of one file are known as such, also of a file that does not exist yet.
fn whole(path: &Path) -> PathBuf {
    let path = std::path::absolute(resolve(path)).unwrap_or_else(|_| path.to_owned());
    let known = path.ancestors().find_map(|folder| Some((folder, folder.canonicalize().ok()?)));
    match known {
        Some((folder, known)) => {
            path.strip_prefix(folder).map_or(known.clone(), |rest| match rest.as_os_str().is_empty() {
                true => known,
                false => known.join(rest),
            })
        }
        None => path,
    }
}

/// Whether two whole paths lead to one file, also by two names of it.
fn is_same(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if let (Ok(one), Ok(other)) = (one.metadata(), other.metadata()) {
            return (one.dev(), one.ino()) == (other.dev(), other.ino());
        }
    }
    one == other
}

fn free(option: &str, path: &Path, whole_path: &Path, taken: &[Taken], around: &Around) -> Result<(), Failure> {
    if let Some(taken) = taken.iter().find(|taken| is_same(&taken.path, whole_path)) {
        return Err(Failure::usage(format!("`{option}` would overwrite {}", taken.what)).hint("name another file"));
    }
    let state = whole(&around.state);
    let sandbox_out = SANDBOX_OUT.iter().fold(state.clone(), |path, name| path.join(name));
    if whole_path.starts_with(&state) && !whole_path.starts_with(sandbox_out) {
        let message = format!("`{option}`: `{}` is in the state folder", path.display());
        return Err(Failure::usage(message).hint(format!("name a file outside of `{}`", around.state.display())));
    }
    if !whole_path.is_file() {
        return Ok(());
    }
    let rule = RULES.iter().find(|(named, _)| *named == option).map_or(Replaces::Own, |(_, rule)| *rule);
    let ledger = around.state.ledger();
    let shown = path.display();
    match rule {
        Replaces::Any => Ok(()),
        Replaces::Rejects if is_rejects_file(whole_path) => Ok(()),
        Replaces::Rejects => Err(Failure::usage(format!("`{option}`: `{shown}` exists and is not a rejects file"))
            .hint("name another file, or move this one away")),
        Replaces::OwnOfOtherDays if ledger.wrote_on(whole_path, &around.day) => Ok(()),
        Replaces::Own | Replaces::OwnOfOtherDays if ledger.of_file(whole_path).is_some() => Ok(()),
        Replaces::Own | Replaces::OwnOfOtherDays => {
            let why = match ledger.wrote(whole_path) {
                true => "was changed since Ferry wrote it",
                false => "exists, and Ferry did not write it",
            };
            Err(Failure::usage(format!("`{option}`: `{shown}` {why}")).hint("name another file, or move this one away"))
        }
    }
}

fn writable(option: &str, path: &Path, must_say_format: bool) -> Result<(), Failure> {
    if path.to_str().is_some_and(|text| text.ends_with('/')) {
        return Err(Failure::usage(format!("`{option}`: `{}` is the name of a folder", path.display()))
            .hint("name a file in it"));
    }
    Output::probe(path).map_err(|failure| of_option(option, failure))?;
    let is_written = Format::of_path(path).is_some_and(|format| option == "--out" || format.is_of_lists());
    if must_say_format && !is_written && !is_pipe(path) {
        let message = format!("`{option}`: the name of `{}` does not name a format", path.display());
        return Err(Failure::usage(message).hint(match option {
            "--out" => {
                "use `.csv`, `.tsv`, `.xlsx`, `.json`, `.jsonl` or `.vcf`; `.gz` or `.zst` after it compresses the file"
            }
            _ => "use `.csv`, `.tsv`, `.xlsx`, `.json` or `.jsonl`; `.gz` or `.zst` after it compresses the file",
        }));
    }
    Ok(())
}

/// A state folder that is an address.
///
/// # Errors
/// Exit 2: the state is kept in a folder.
pub fn check_state(option: &str, state: &Path) -> Result<(), Failure> {
    let text = state.to_string_lossy();
    let Some((scheme, _)) = text.split_once("://") else { return Ok(()) };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    if !is_scheme {
        return Ok(());
    }
    // The rest may hold a password.
    Err(Failure::usage(format!("`{option}`: the state cannot be kept at `{scheme}://…`"))
        .hint("name a folder on a disk of this machine, or a database: `postgres://USER@HOST/DATABASE`"))
}

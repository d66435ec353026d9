//! Secrets by reference: `file:PATH` and `cmd:COMMAND` in place of a secret setting. They are resolved when a connection is
//! used, and kept in memory only. `${NAME}` is not here: it is filled in wherever it stands.

use crate::outcome::Failure;
use std::fs::{File, TryLockError};
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// Bytes of a secret, or of what a command prints: no platform has a longer token.
const LEN_MAX: u64 = 64 * 1024;
/// How long a command may take. A vault that takes longer is not working.
const TIME_MAX: Duration = Duration::from_secs(10);
/// How often it is looked whether a command has ended.
const PAUSE: Duration = Duration::from_millis(10);
/// The variable of the folder in which the processes of a worker share the places for commands: a thousand jobs that start
/// together would take a vault down.
pub const COMMAND_PLACES: &str = "FERRY_COMMAND_PLACES";
/// Commands at once, of the processes of a worker.
const PLACES: usize = 8;
/// How long a place is waited for.
const PLACE_WAIT_MAX: Duration = Duration::from_secs(120);
/// The variables of its environment: where programs are, and where their settings are.
const VARIABLES: [&str; 2] = ["PATH", "HOME"];

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    /// In this file.
    File(PathBuf),
    /// What this command prints: its words, and the folder in which it runs.
    Command(Vec<String>, PathBuf),
}

/// Why there is no secret, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unresolved {
    pub message: String,
    pub hint: String,
}

impl Unresolved {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Unresolved {
        Unresolved { message: message.into(), hint: hint.into() }
    }
}

/// What a reference to a file or a command begins with.
const BEGINNINGS: [&str; 2] = ["file:", "cmd:"];

/// Whether a text is a reference to a file or a command.
pub(super) fn is_reference(text: &str) -> bool {
    BEGINNINGS.iter().any(|beginning| text.trim_start().starts_with(beginning))
}

impl Reference {
    /// The reference that a text is; none where it is another text. Paths are relative to `folder`.
    pub fn of(text: &str, folder: &Path) -> Option<Result<Reference, Unresolved>> {
        let text = text.trim();
        if let Some(path) = text.strip_prefix("file:") {
            let path = path.trim();
            return Some(match path.is_empty() {
                true => Err(Unresolved::new("`file:` names no file", "write `file:PATH`")),
                false => Ok(Reference::File(folder.join(path))),
            });
        }
        let command = text.strip_prefix("cmd:")?;
        Some(match words(command) {
            Some(words) if !words.is_empty() => Ok(Reference::Command(words, folder.to_owned())),
            Some(_) => Err(Unresolved::new("`cmd:` names no command", "write `cmd:COMMAND ARGUMENT…`")),
            None => Err(Unresolved::new("a quote of the command is not closed", "close it; there is no shell")),
        })
    }

    /// The secret. It blocks for as long as the command takes, at most ten seconds.
    pub fn resolve(&self) -> Result<String, Unresolved> {
        let text = match self {
            Reference::File(path) => read(path)?,
            Reference::Command(words, folder) => run(words, folder)?,
        };
        let secret = text.trim_end_matches(['\n', '\r']);
        if secret.is_empty() {
            let what = match self {
                Reference::File(path) => format!("the file `{}` is empty", path.display()),
                Reference::Command(words, _) => format!("the command `{}` printed nothing", name(words)),
            };
            return Err(Unresolved::new(what, "it should hold the secret and nothing else"));
        }
        Ok(secret.to_owned())
    }
}

/// The secret that a variable of the environment holds or refers to.
///
/// # Errors
/// Exit 2 when there is none at the place that it refers to.
pub fn secret_of(variable: &str, text: &str, folder: &Path) -> Result<String, Failure> {
    let Some(reference) = Reference::of(text, folder) else { return Ok(text.to_owned()) };
    let secret = reference.and_then(|reference| reference.resolve());
    secret.map_err(|Unresolved { message, hint }| Failure::usage(format!("`{variable}`: {message}")).hint(hint))
}

fn read(path: &Path) -> Result<String, Unresolved> {
    let shown = path.strip_prefix(".").unwrap_or(path).display();
    let wrong = |why: String| {
        Unresolved::new(
            format!("the file `{shown}` of a secret cannot be read: {why}"),
            "create it, or correct the path, which is relative to the folder of `ferry.yaml`",
        )
    };
    let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
    whole(file).map_err(|error| wrong(error.to_string()))
}

/// All of it, if it is not too long.
fn whole(from: impl Read) -> io::Result<String> {
    let mut text = String::new();
    from.take(LEN_MAX + 1).read_to_string(&mut text)?;
    match text.len() as u64 > LEN_MAX {
        true => Err(io::Error::new(io::ErrorKind::FileTooLarge, "it has more than 64 KiB")),
        false => Ok(text),
    }
}

/// The command as messages name it: without its arguments, which may be secret.
fn name(words: &[String]) -> &str {
    words.first().map_or("", String::as_str)
}

fn run(words: &[String], folder: &Path) -> Result<String, Unresolved> {
    let wrong = |why: &str| {
        let message = format!("the command `{}` of a secret failed: {why}", name(words));
        Unresolved::new(message, "run it by hand; it gets no shell, no input, and only `PATH` and `HOME`")
    };
    let places = std::env::var_os(COMMAND_PLACES).map(PathBuf::from);
    let _place = places.map(|folder| place_in(&folder)).transpose().map_err(|error| wrong(&error.to_string()))?;
    // Where no user can be asked, what the command has started ends with it. On a terminal it may ask, which only the group in
    // front may.
    let is_alone = !io::stdin().is_terminal();
    let mut command = Command::new(name(words));
    command.args(words.iter().skip(1)).current_dir(folder).env_clear();
    command.envs(VARIABLES.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    if is_alone {
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
    }
    let mut child = command.spawn().map_err(|error| wrong(&error.to_string()))?;
    let (out, err) = (child.stdout.take().map(reading), child.stderr.take().map(reading));
    let begun = Instant::now();
    let left = || TIME_MAX.saturating_sub(begun.elapsed());
    let ended = wait(&mut child, begun, is_alone).map_err(|error| wrong(&error.to_string()))?;
    let Some(status) = ended else { return Err(wrong("it took more than 10 s")) };
    let printed = |pipe: Option<Receiver<io::Result<String>>>| pipe?.recv_timeout(left()).ok();
    let out = printed(out);
    // A command that prints too much is ended by that, which is not what is wrong with it.
    if let Some(Err(error)) = out {
        return Err(wrong(&error.to_string()));
    }
    if !status.success() {
        let said = printed(err).and_then(Result::ok).unwrap_or_default();
        let first = said.lines().find(|line| !line.trim().is_empty()).map(|line| format!(": {}", line.trim()));
        return Err(wrong(&format!("{status}{}", first.unwrap_or_default())));
    }
    out.and_then(Result::ok).ok_or_else(|| wrong("it took more than 10 s"))
}

/// One of the places for commands, of the processes that share this folder; it is free again when the file is closed.
fn place_in(folder: &Path) -> io::Result<File> {
    let begun = Instant::now();
    while begun.elapsed() < PLACE_WAIT_MAX {
        for number in 0..PLACES {
            let file =
                File::options().write(true).create(true).truncate(false).open(folder.join(number.to_string()))?;
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        std::thread::sleep(PAUSE);
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, format!("{PLACES} others were running all the time")))
}

/// Reads a pipe to its end, beside the command.
fn reading(from: impl Read + Send + 'static) -> Receiver<io::Result<String>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(whole(from)));
    receiver
}

/// Waits for the end of a command; none where it took too long and was ended, with its group where it has one.
fn wait(child: &mut Child, begun: Instant, has_group: bool) -> io::Result<Option<std::process::ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() > TIME_MAX {
            if has_group {
                end_group(child);
            } else {
                child.kill()?;
            }
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Ends a command that leads a group of its own, and what it has started. What cannot be ended has ended.
pub fn end_group(child: &mut Child) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process_group};
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let _ = group.map(|group| kill_process_group(group, Signal::KILL));
    }
    let _ = child.kill();
}

/// The words of a command, split at blanks. Quotes keep blanks, a backslash keeps the next character; nothing else has a
/// meaning. None where a quote is not closed.
fn words(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None::<char>);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => word.get_or_insert_default().push(chars.next()?),
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// Whether a text is one part of a word of a command as it stands.
pub(super) fn is_plain(text: &str) -> bool {
    !text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '\\' | '"' | '\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_commands_have_a_place_and_the_next_one_waits() {
        let folder = tempfile::tempdir().unwrap();
        let mut held: Vec<File> = (0..PLACES).map(|_| place_in(folder.path()).unwrap()).collect();
        let waiting = std::thread::spawn({
            let folder = folder.path().to_owned();
            move || place_in(&folder).map(drop)
        });
        std::thread::sleep(Duration::from_millis(100));
        assert!(!waiting.is_finished());
        drop(held.pop());
        waiting.join().unwrap().unwrap();
        assert!(place_in(Path::new("/no/such/folder")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_command_that_takes_too_long_ends_with_what_it_has_started() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 300 & sleep 300"]).stdout(Stdio::piped());
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().unwrap();
        let out = reading(child.stdout.take().unwrap());
        let begun = Instant::now().checked_sub(TIME_MAX + PAUSE).unwrap();
        assert_eq!(wait(&mut child, begun, true).unwrap(), None);
        // Its output ends when no process has it open any more.
        assert_eq!(out.recv_timeout(Duration::from_secs(60)).unwrap().unwrap(), "");
    }

    #[test]
    fn a_command_is_split_as_an_argument_list() {
        let cases: [(&str, Option<&[&str]>); 7] = [
            ("vault read acme", Some(&["vault", "read", "acme"])),
            ("  vault  'a b' \"c \\\" d\" ", Some(&["vault", "a b", "c \" d"])),
            ("a\\ b $HOME `id` ; | *", Some(&["a b", "$HOME", "`id`", ";", "|", "*"])),
            ("a '' b", Some(&["a", "", "b"])),
            ("a 'b", None),
            ("a\\", None),
            ("", Some(&[])),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|words| words.iter().map(|word| (*word).to_owned()).collect());
            assert_eq!(words(text), expected, "{text}");
        }
        assert!(is_plain("acme-7") && [" ", "'", "\"", "\\", "\n"].iter().all(|sign| !is_plain(sign)));
    }
}

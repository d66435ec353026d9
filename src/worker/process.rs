//! The process of a job: `ferry run JOB`, with a pipe as its leash, and what it printed. A job has a process of its own, so
//! that its memory ends with it, a crash stops no other job, and a worker runs just what a user can run.

use super::leash::{Holder, Leash, VARIABLE};
use crate::http::Times;
use crate::plan::COMMAND_PLACES;
use serde_json::Value;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use tempfile::TempDir;
use tokio::sync::oneshot;

/// Bytes of a summary; a larger one is not read.
const SUMMARY_LEN_MAX: usize = 1 << 20;
/// Bytes of messages that are kept: the last ones.
const MESSAGES_LEN_MAX: usize = 64 * 1024;
/// Characters of the message that is stored with the job.
const MESSAGE_LEN_MAX: usize = 4_000;

/// How processes are started.
#[derive(Clone, Debug)]
pub struct Launcher {
    /// The program.
    pub program: PathBuf,
    /// The configuration, if one was named.
    pub config: Option<PathBuf>,
    /// The store, if it was typed.
    pub state: Option<PathBuf>,
    /// A folder in which the processes share the places for commands that read secrets.
    pub places: Arc<TempDir>,
}

/// How a process ended.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Its exit code; none: a signal ended it, or it could not be started.
    pub exit: Option<u8>,
    /// The summary of the job.
    pub summary: Option<Value>,
    /// The error, its causes and the hint, as they were printed.
    pub message: Option<String>,
    /// How long its requests took.
    pub times: Option<Times>,
}

/// A process that was started.
pub struct Process {
    /// The leash.
    pub holder: Arc<Holder>,
    /// How it ended, once it has.
    pub ended: oneshot::Receiver<Report>,
}

impl Launcher {
    /// Starts the process of a job.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self, job: &str, leash: Leash) -> io::Result<Process> {
        let mut command = Command::new(&self.program);
        self.config.iter().for_each(|path| {
            command.arg("--config").arg(path);
        });
        self.state.iter().for_each(|state| {
            command.arg("--state").arg(state);
        });
        command.args(["run", job, "--output", "json", "--progress", "never", "--color", "never"]);
        command.env(VARIABLE, leash.variable()).env(COMMAND_PLACES, self.places.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let pipe = child.stdin.take().ok_or_else(|| io::Error::other("it has no standard input"))?;
        let holder = Arc::new(Holder::new(pipe));
        let (out, err) = (child.stdout.take().map(begin_of), child.stderr.take().map(end_of));
        let (sender, ended) = oneshot::channel();
        std::thread::Builder::new().name("job".into()).spawn(move || {
            let status = child.wait();
            let text = |thread: Option<JoinHandle<Vec<u8>>>| {
                let bytes = thread.and_then(|thread| thread.join().ok()).unwrap_or_default();
                String::from_utf8_lossy(&bytes).into_owned()
            };
            // Who waited for it may be gone.
            let _ = sender.send(report(status.ok(), &text(out), &text(err)));
        })?;
        Ok(Process { holder, ended })
    }
}

fn report(status: Option<ExitStatus>, out: &str, err: &str) -> Report {
    let exit = status.and_then(|status| status.code()).and_then(|code| u8::try_from(code).ok());
    let all: Option<Value> = serde_json::from_str(out).ok();
    let mut summary = all.and_then(|mut all| all.get_mut("jobs")?.get_mut(0).map(Value::take));
    // For the worker alone; it is not kept with the job.
    let times = summary.as_mut().and_then(|summary| summary.as_object_mut()?.remove("times"));
    let times = times.and_then(|times| serde_json::from_value(times).ok());
    // The process ends with 1 where `on_finish` failed; what follows for the job is decided by the end of its run.
    let of_run = summary.as_ref().and_then(|summary: &Value| u8::try_from(summary.get("exit")?.as_u64()?).ok());
    Report { exit: of_run.or(exit), summary, message: message_of(err), times }
}

/// The first error that was printed, up to the blank line that ends it; bounded.
fn message_of(err: &str) -> Option<String> {
    let from = err.lines().position(|line| line.starts_with("error: "))?;
    let lines = err.lines().skip(from).take_while(|line| !line.trim().is_empty());
    let text = lines.collect::<Vec<_>>().join("\n");
    Some(text.chars().take(MESSAGE_LEN_MAX).collect())
}

/// Reads a pipe to its end, and keeps the beginning.
fn begin_of(pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    read(pipe, |kept, bytes| {
        let room = SUMMARY_LEN_MAX.saturating_sub(kept.len());
        kept.extend(bytes.iter().take(room));
    })
}

/// Reads a pipe to its end, and keeps the end.
fn end_of(pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    read(pipe, |kept, bytes| {
        kept.extend(bytes);
        let surplus = kept.len().saturating_sub(MESSAGES_LEN_MAX);
        kept.drain(..surplus);
    })
}

fn read(mut pipe: impl Read + Send + 'static, keep: fn(&mut Vec<u8>, &[u8])) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let (mut kept, mut buffer) = (Vec::new(), [0; 8 * 1024]);
        // A pipe that breaks has ended.
        while let Ok(len @ 1..) = pipe.read(&mut buffer) {
            keep(&mut kept, buffer.get(..len).unwrap_or_default());
        }
        kept
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_the_first_error_with_its_causes_and_its_hint() {
        let err = "shop: ferry import a.csv --to shop\nnote: x\nerror: refused\n  cause: 401\nhint: check it\n\nmore\n";
        assert_eq!(message_of(err).unwrap(), "error: refused\n  cause: 401\nhint: check it");
        assert_eq!(message_of("done\n"), None);
        let out = r#"{"jobs": [{"job": "a", "exit": 6, "records": {"read": 3}}], "exit": 6}"#;
        let read = report(None, out, "");
        assert_eq!((read.summary.unwrap()["records"]["read"].as_u64(), read.exit), (Some(3), Some(6)));
    }

    #[test]
    fn what_is_kept_of_an_endless_output_is_bounded() {
        let text = |len: usize| io::Cursor::new(vec![b'x'; len]);
        assert_eq!(begin_of(text(3 << 20)).join().unwrap().len(), SUMMARY_LEN_MAX);
        assert_eq!(end_of(text(3 << 20)).join().unwrap().len(), MESSAGES_LEN_MAX);
    }
}

//! Telling how a job ended, as its `on_finish` says: the summary as JSON, to a command or a webhook, within a time limit. It
//! does not decide what the failure of this means for the exit code.

use super::context::Context;
use crate::http::notify;
use crate::outcome::Failure;
use crate::plan::end_group;
use crate::plan::on_finish::{OnFinish, Recipient};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// So much of what a command printed is shown when it fails.
const SHOWN_MAX: u64 = 2_000;
/// How often it is looked whether a command has ended.
const PAUSE: Duration = Duration::from_millis(20);

/// Tells the summary.
///
/// # Errors
/// Exit 1 when it did not arrive in time.
pub(super) fn tell(on_finish: &OnFinish, summary: &str, context: &Context) -> Result<(), Failure> {
    match &on_finish.to {
        Recipient::Command(program, words, folder) => Told { program, words, folder }.run(summary, on_finish.limit),
        Recipient::Webhook(webhook) => {
            context.block_on(|_, _| async move { notify(webhook, summary, on_finish.limit).await })
        }
    }
}

/// The command.
struct Told<'a> {
    program: &'a PathBuf,
    words: &'a [String],
    folder: &'a Path,
}

impl Told<'_> {
    /// Runs it to its end. Input and output are files without a name, so that neither can block it.
    fn run(&self, summary: &str, limit: Duration) -> Result<(), Failure> {
        let shown = self.program.display();
        let failed = |error: io::Error| Failure::failed(format!("`{shown}` cannot be run")).cause(error);
        let (input, output) = files(summary).map_err(failed)?;
        let mut command = Command::new(self.program);
        command.args(self.words).current_dir(self.folder).stdin(Stdio::from(input));
        command.stdout(Stdio::from(output.try_clone().map_err(failed)?));
        command.stderr(Stdio::from(output.try_clone().map_err(failed)?));
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().map_err(|error| {
            failed(error).hint("name a program in the path, or one with a path from the folder of `ferry.yaml`")
        })?;
        match within(child, limit).map_err(failed)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(printed(Failure::failed(format!("`{shown}` failed: {status}")), output)),
            None => {
                Err(printed(Failure::failed(format!("`{shown}` did not end within {} s", limit.as_secs())), output))
            }
        }
    }
}

fn files(summary: &str) -> io::Result<(File, File)> {
    let mut input = tempfile::tempfile()?;
    input.write_all(summary.as_bytes())?;
    input.rewind()?;
    Ok((input, tempfile::tempfile()?))
}

/// Waits for the end; a command that takes longer is killed, with those that it started.
fn within(mut child: Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let since = Instant::now();
    while since.elapsed() < limit {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        sleep(PAUSE);
    }
    end_group(&mut child);
    child.wait()?;
    Ok(None)
}

/// With what it printed.
fn printed(failure: Failure, mut output: File) -> Failure {
    let mut bytes = Vec::new();
    let read = output.rewind().and_then(|()| output.take(SHOWN_MAX).read_to_end(&mut bytes));
    let text = String::from_utf8_lossy(&bytes);
    match (read, text.trim()) {
        (Ok(_), text) if !text.is_empty() => failure.cause(text),
        _ => failure,
    }
}

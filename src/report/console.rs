//! The console: everything that users see goes through here. Results go to standard output, everything else to
//! standard error. It reads no environment and decides nothing about the work.

use super::progress::{Manner, Progress};
use super::summary::Summary;
use super::{Choice, Look, OutputKind};
use crate::outcome::{Exit, Failure};
use crate::shown::Paint;
use crate::shown::escape;
use crate::shown::render_failure;
use indicatif::ProgressBar;
use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Of what `--quiet` holds back, this many lines from the beginning are kept, and as many from the end: memory has a
/// bound, and a mail from cron stays readable.
const HELD_LINES_MAX: usize = 500;

/// Where output goes; tests use buffers.
pub struct Streams {
    /// For results.
    pub out: Box<dyn Write + Send>,
    /// For everything else.
    pub err: Box<dyn Write + Send>,
    /// Whether `err` is a terminal.
    pub terminal: bool,
}

/// Writes for users and scripts. Cheap to clone; all clones share their state.
#[derive(Clone)]
pub struct Console {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    look: Look,
    color: bool,
    manner: Manner,
    inner: Mutex<Inner>,
}

struct Inner {
    streams: Streams,
    held: Held,
    json: Option<String>,
    json_to_stderr: bool,
    bar: Option<ProgressBar>,
    out_failed: Option<io::ErrorKind>,
    finished: bool,
}

impl Console {
    /// Writes to the streams of the process.
    pub fn new(look: Look) -> Console {
        let terminal = io::stderr().is_terminal();
        Console::over(look, Streams { out: Box::new(io::stdout()), err: Box::new(io::stderr()), terminal })
    }

    /// Writes to these streams.
    pub fn over(look: Look, streams: Streams) -> Console {
        let terminal = streams.terminal;
        let color = match look.color {
            Choice::Always => true,
            Choice::Never => false,
            Choice::Auto => terminal && !look.no_color,
        };
        let manner = match look.progress {
            _ if look.quiet => Manner::Nothing,
            Choice::Never => Manner::Nothing,
            Choice::Auto | Choice::Always if terminal => Manner::Bar,
            Choice::Auto => Manner::lines(),
            Choice::Always => Manner::lines_asked_for(),
        };
        let (held, json, bar, out_failed) = (Held::default(), None, None, None);
        let inner = Inner { streams, held, json, json_to_stderr: false, bar, out_failed, finished: false };
        Console { shared: Arc::new(Shared { look, color, manner, inner: Mutex::new(inner) }) }
    }

    /// Whether there is colour.
    pub fn color(&self) -> bool {
        self.shared.color
    }

    /// How it looks, for another one that is to look the same.
    pub fn look(&self) -> Look {
        self.shared.look
    }

    /// How the results are wanted.
    pub fn output(&self) -> OutputKind {
        self.shared.look.output
    }

    /// Shows a failure: error, causes, hint.
    pub fn failure(&self, failure: &Failure) {
        self.shared.write(&render_failure(failure, self.shared.color));
    }

    /// Shows something worth knowing that changes nothing, with `note: ` before it.
    pub fn note(&self, text: &str) {
        let paint = Paint { color: self.shared.color };
        self.shared.write(&format!("{} {}\n", paint.cyan("note:"), escape(text)));
    }

    /// Shows a line of what was understood without being said, such as which column is taken as what: a note, but none
    /// that is worth a line of a mail when something else has failed.
    pub fn plan_line(&self, text: &str) {
        if !self.shared.look.quiet {
            self.note(text);
        }
    }

    /// Shows a line for those who asked for details: from `-v` on with `level` 1, from `-vv` on with 2.
    pub fn detail(&self, level: u8, text: &str) {
        if self.shared.look.verbose >= level {
            self.shared.write(&format!("{}\n", escape(text)));
        }
    }

    /// Shows a block of diagnostics that is made up already (see [`Console::color`]), and harmless.
    pub fn block(&self, text: &str) {
        self.shared.write(text);
        if !text.ends_with('\n') {
            self.shared.write("\n");
        }
    }

    /// Begins to show the progress of a piece of work.
    pub fn progress(&self, what: &str, total: Option<u64>) -> Progress {
        Progress::new(Arc::clone(&self.shared), self.shared.manner, what, total)
    }

    /// Prints the summary of a run, on standard output (or where [`Look::results_to_stderr`] says): for users, or as one JSON
    /// object, which is then the last thing there.
    pub fn summary(&self, summary: &Summary) {
        match self.shared.look.output {
            OutputKind::Human => self.shared.result(&summary.human()),
            OutputKind::Json => self.shared.json(format!("{}\n", summary.json())),
        }
    }

    /// Takes the summary for scripts out, so that the caller prints it.
    pub fn take_json(&self) -> Option<String> {
        self.shared.lock().json.take()
    }

    /// Has an object for scripts written at the end, as the last thing on standard output, or on standard error where
    /// contacts go to standard output.
    pub fn json(&self, object: &str, to_stderr: bool) {
        let mut inner = self.shared.lock();
        inner.json = Some(format!("{object}\n"));
        inner.json_to_stderr |= to_stderr;
    }

    /// Writes a line of a result, as it is: what came from outside is escaped by the caller if users read it.
    pub fn result_line(&self, text: &str) {
        self.shared.result(&format!("{text}\n"));
    }

    /// The last word. With `--quiet`, nothing when all is done, otherwise one block of everything held back, on standard
    /// error. Gives back the exit that is true now: [`Exit::Failed`] where a result could not be written to the end
    /// (a reader that has gone away, as `head` does, is no failure).
    pub fn finish(&self, exit: Exit) -> Exit {
        let mut inner = self.shared.lock();
        if let Some(bar) = inner.bar.take() {
            bar.finish_and_clear();
        }
        if !self.shared.look.quiet || exit != Exit::Done {
            inner.let_go(self.shared.look.results_to_stderr);
        }
        inner.finished = true;
        let _ = inner.streams.err.flush();
        let flushed = inner.streams.out.flush();
        inner.judge(flushed);
        match inner.out_failed {
            None => exit,
            Some(kind) => {
                let failure = Failure::failed("could not write to standard output").cause(io::Error::from(kind));
                let text = render_failure(&failure, self.shared.color);
                let _ = inner.streams.err.write_all(text.as_bytes());
                exit.worse(failure.exit)
            }
        }
    }
}

impl Shared {
    /// Puts text on standard error, above the bar; holds it back when quiet.
    pub fn write(&self, text: &str) {
        let mut inner = self.lock();
        if self.look.quiet {
            inner.held.push(text);
            return;
        }
        inner.above_bar(|streams| {
            let _ = streams.err.write_all(text.as_bytes());
            let _ = streams.err.flush();
            Ok(())
        });
    }

    fn result(&self, text: &str) {
        if self.look.quiet || self.look.results_to_stderr {
            return self.write(text);
        }
        self.lock().above_bar(|streams| streams.out.write_all(text.as_bytes()).and_then(|()| streams.out.flush()));
    }

    fn json(&self, text: String) {
        self.lock().json = Some(text);
    }

    pub fn show_bar(&self, bar: Option<ProgressBar>) {
        self.lock().bar = bar;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    /// Prints what was held back, because a process that did not finish the console did not end well.
    fn drop(&mut self) {
        let to_stderr = self.look.results_to_stderr;
        let inner = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !inner.finished {
            inner.let_go(to_stderr);
        }
    }
}

impl Inner {
    fn above_bar(&mut self, write: impl FnOnce(&mut Streams) -> io::Result<()>) {
        let streams = &mut self.streams;
        let written = match &self.bar {
            Some(bar) => bar.suspend(|| write(streams)),
            None => write(streams),
        };
        self.judge(written);
    }

    fn let_go(&mut self, to_stderr: bool) {
        let block = self.held.take();
        let _ = self.streams.err.write_all(block.as_bytes());
        let Some(json) = self.json.take() else { return };
        if to_stderr || self.json_to_stderr {
            let _ = self.streams.err.write_all(json.as_bytes());
        } else {
            let written = self.streams.out.write_all(json.as_bytes()).and_then(|()| self.streams.out.flush());
            self.judge(written);
        }
    }

    fn judge(&mut self, written: io::Result<()>) {
        if let Err(error) = written
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            self.out_failed = self.out_failed.or(Some(error.kind()));
        }
    }
}

/// What is held back: the first lines and the last ones.
#[derive(Default)]
struct Held {
    first: Vec<String>,
    last: VecDeque<String>,
    left_out: u64,
}

impl Held {
    fn push(&mut self, text: &str) {
        for line in text.lines() {
            if self.first.len() < HELD_LINES_MAX {
                self.first.push(line.to_owned());
                continue;
            }
            self.last.push_back(line.to_owned());
            if self.last.len() > HELD_LINES_MAX {
                self.last.pop_front();
                self.left_out += 1;
            }
        }
    }

    fn take(&mut self) -> String {
        let held = std::mem::take(self);
        let gap =
            (held.left_out > 0).then(|| format!("… {} left out", super::words::count(held.left_out, "line", "lines")));
        let lines = held.first.into_iter().chain(gap).chain(held.last);
        lines.map(|line| line + "\n").collect()
    }
}

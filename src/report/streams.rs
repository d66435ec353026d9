//! Standard output and standard error as one console uses them: text above the progress bar, and what is held back until
//! the end. It words nothing.

use super::look::Look;
use crate::outcome::{Exit, Failure};
use crate::shown::render_failure;
use indicatif::ProgressBar;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

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

/// What all clones of a console share: its streams, and what is held back.
pub(super) struct Shared {
    pub look: Look,
    pub color: bool,
    inner: Mutex<Inner>,
}

/// What is kept of what was shown.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// The last summary, as JSON.
    pub summary: Option<String>,
    /// The first failure, in one line.
    pub failure: Option<String>,
}

struct Inner {
    kept: Kept,
    streams: Streams,
    held: Held,
    json: Option<String>,
    json_to_stderr: bool,
    bar: Option<ProgressBar>,
    out_failed: Option<io::ErrorKind>,
    finished: bool,
}

impl Shared {
    pub fn new(look: Look, color: bool, streams: Streams) -> Shared {
        let (held, json, bar, out_failed) = (Held::default(), None, None, None);
        let inner = Inner {
            kept: Kept::default(),
            streams,
            held,
            json,
            json_to_stderr: false,
            bar,
            out_failed,
            finished: false,
        };
        Shared { look, color, inner: Mutex::new(inner) }
    }

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

    /// Puts text on standard output, above the bar, unless results go elsewhere.
    pub fn result(&self, text: &str) {
        if self.look.quiet || self.look.results_to_stderr {
            return self.write(text);
        }
        self.lock().above_bar(|streams| streams.out.write_all(text.as_bytes()).and_then(|()| streams.out.flush()));
    }

    /// Notes what is shown.
    pub fn keep(&self, keep: impl FnOnce(&mut Kept)) {
        keep(&mut self.lock().kept);
    }

    pub fn kept(&self) -> Kept {
        self.lock().kept.clone()
    }

    /// Keeps an object for scripts for the end.
    pub fn json(&self, text: String) {
        self.lock().json = Some(text);
    }

    /// The same for an object that may have to go to standard error.
    pub fn json_last(&self, object: &str, to_stderr: bool) {
        let mut inner = self.lock();
        inner.json = Some(format!("{object}\n"));
        inner.json_to_stderr |= to_stderr;
    }

    pub fn take_json(&self) -> Option<String> {
        self.lock().json.take()
    }

    /// Writes what is left, and gives back the exit that is true now.
    pub fn finish(&self, exit: Exit) -> Exit {
        let mut inner = self.lock();
        if let Some(bar) = inner.bar.take() {
            bar.finish_and_clear();
        }
        if !self.look.quiet || exit != Exit::Done {
            inner.let_go(self.look.results_to_stderr);
        }
        inner.finished = true;
        let _ = inner.streams.err.flush();
        let flushed = inner.streams.out.flush();
        inner.judge(flushed);
        match inner.out_failed {
            None => exit,
            Some(kind) => {
                let failure = Failure::failed("could not write to standard output").cause(io::Error::from(kind));
                let text = render_failure(&failure, self.color);
                let _ = inner.streams.err.write_all(text.as_bytes());
                exit.worse(failure.exit)
            }
        }
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

//! The console: everything that users see goes through here. Results go to standard output, everything else to
//! standard error. It reads no environment and decides nothing about the work.

use super::look::{Choice, Look, OutputKind};
use super::progress::{Manner, Progress};
use super::streams::{Kept, Shared, Streams};
use super::summary::Summary;
use crate::outcome::{Exit, Failure};
use crate::shown::Paint;
use crate::shown::escape;
use crate::shown::render_failure;
use std::io::{self, IsTerminal};
use std::sync::Arc;

/// Writes for users and scripts. Cheap to clone; all clones share their state.
#[derive(Clone)]
pub struct Console {
    shared: Arc<Shared>,
    manner: Manner,
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
        Console { shared: Arc::new(Shared::new(look, color, streams)), manner }
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
        self.shared.keep(|kept| {
            kept.failure.get_or_insert_with(|| failure.to_string());
        });
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
        Progress::new(Arc::clone(&self.shared), self.manner, what, total)
    }

    /// Prints the summary of a run, on standard output (or where [`Look::results_to_stderr`] says): for users, or as one JSON
    /// object, which is then the last thing there. The command that resumes the run is shown in both cases.
    pub fn summary(&self, summary: &Summary) {
        let times = self.shared.look.times;
        self.shared.keep(|kept| kept.summary = Some(summary.json()));
        match self.shared.look.output {
            OutputKind::Human => self.shared.result(&summary.human()),
            OutputKind::Json => {
                self.shared.json(format!("{}\n", summary.json_with(times)));
                if let Some(line) = summary.resume_line() {
                    self.block(&line);
                }
            }
        }
    }

    /// What was shown of how it ended, whichever way it was shown.
    pub fn kept(&self) -> Kept {
        self.shared.kept()
    }

    /// Takes the summary for scripts out, so that the caller prints it.
    pub fn take_json(&self) -> Option<String> {
        self.shared.take_json()
    }

    /// Has an object for scripts written at the end, as the last thing on standard output, or on standard error where
    /// contacts go to standard output.
    pub fn json(&self, object: &str, to_stderr: bool) {
        self.shared.json_last(object, to_stderr);
    }

    /// Writes a part of a result, as it is.
    pub fn result(&self, text: &str) {
        self.shared.result(text);
    }

    /// Writes a line of a result, as it is: what came from outside is escaped by the caller if users read it.
    pub fn result_line(&self, text: &str) {
        self.shared.result(&format!("{text}\n"));
    }

    /// The last word. With `--quiet`, nothing when all is done, otherwise one block of everything held back, on standard
    /// error. Gives back the exit that is true now: [`Exit::Failed`] where a result could not be written to the end
    /// (a reader that has gone away, as `head` does, is no failure).
    pub fn finish(&self, exit: Exit) -> Exit {
        self.shared.finish(exit)
    }
}

//! The list of `ferry runs` as it is printed: in parts, because a store that machines share may have a hundred thousand runs.

use crate::cli::context::Context;
use crate::outcome::Failure;
use crate::report::{RunLine, RunsTable};
use crate::run::active::record::RunRecord;

/// Runs that are printed at once, in columns of one width.
const TOGETHER: usize = 1_000;

/// The runs that are printed.
pub(super) struct Listing<'c> {
    context: &'c Context,
    table: RunsTable,
    lines: Vec<RunLine>,
    /// Whether a run of it was printed.
    is_begun: bool,
}

impl Listing<'_> {
    pub(super) fn new(context: &Context) -> Listing<'_> {
        Listing { context, table: RunsTable::default(), lines: Vec::new(), is_begun: false }
    }

    /// Prints a run, or keeps it for a moment.
    pub(super) fn add(&mut self, run: RunRecord) -> Result<(), Failure> {
        if self.context.is_json() {
            return self.add_object(&run);
        }
        self.lines.push(line_of(&run));
        if self.lines.len() == TOGETHER {
            self.print_lines();
        }
        Ok(())
    }

    /// One of the objects of an array, as it would stand in it.
    fn add_object(&mut self, run: &RunRecord) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(&[run]);
        let text = text.map_err(|error| Failure::failed("the runs cannot be shown").cause(error))?;
        let object = text.trim_start_matches('[').trim_end_matches(']').trim_end();
        self.context.console.result(&format!("{}{object}", if self.is_begun { "," } else { "[" }));
        self.is_begun = true;
        Ok(())
    }

    fn print_lines(&mut self) {
        self.context.console.result(&self.table.lines(&self.lines));
        self.lines.clear();
        self.is_begun = true;
    }

    /// Prints what is left; whether there was a run.
    pub(super) fn end(mut self) -> bool {
        if self.context.is_json() {
            self.context.console.result_line(if self.is_begun { "\n]" } else { "[]" });
        } else if !self.lines.is_empty() {
            self.print_lines();
        }
        self.is_begun
    }
}

fn line_of(info: &RunRecord) -> RunLine {
    RunLine {
        name: info.run.clone(),
        command: info.command,
        source: info.source.clone(),
        target: info.target.clone(),
        status: info.status,
        started: info.started.clone(),
        read: info.totals.read,
        created: info.totals.created + info.totals.deleted,
        updated: info.totals.updated,
        rejected: info.totals.rejected,
        pending: info.totals.pending,
        unknown: info.totals.unknown,
    }
}

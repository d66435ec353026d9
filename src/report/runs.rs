//! The list of runs, as a table.

use super::words::number;
use crate::ids::{CommandKind, RunStatus};
use crate::shown::escape;

/// One run in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunLine {
    /// Its name.
    pub name: String,
    /// The command that began it.
    pub command: CommandKind,
    /// Where contacts came from.
    pub source: String,
    /// Where they went.
    pub target: String,
    /// How it stands.
    pub status: RunStatus,
    /// When it started, in local time.
    pub started: String,
    /// Records read.
    pub read: u64,
    /// Contacts created; of an export written, of an undo deleted.
    pub created: u64,
    /// Contacts updated; of an undo restored.
    pub updated: u64,
    /// Records rejected.
    pub rejected: u64,
    /// Records without an outcome yet.
    pub pending: u64,
    /// Records whose outcome is unknown.
    pub unknown: u64,
}

const HEAD: [&str; 10] = ["RUN", "STATUS", "FROM", "TO", "READ", "CREATED", "UPDATED", "REJECTED", "LEFT", "STARTED"];
/// The columns that hold numbers, written to the right.
const NUMBERS: std::ops::RangeInclusive<usize> = 4..=8;

/// The runs as a table with a head, one line each. `CREATED` and `UPDATED` count what an undo deleted and restored, too; `LEFT`
/// the records without an outcome and those whose outcome is unknown. A long table is made in parts.
#[derive(Debug, Default)]
pub struct RunsTable {
    /// Of the columns so far; they only grow.
    widths: [usize; 10],
}

impl RunsTable {
    /// The next lines of it.
    pub fn lines(&mut self, runs: &[RunLine]) -> String {
        let is_first = self.widths == [0; 10];
        let mut rows: Vec<_> = is_first.then(|| HEAD.map(str::to_owned)).into_iter().collect();
        rows.extend(runs.iter().map(cells));
        for row in &rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        rows.iter().map(|row| line(row, &self.widths)).collect()
    }
}

fn cells(run: &RunLine) -> [String; 10] {
    [
        escape(&run.name).into_owned(),
        run.status.name().to_owned(),
        escape(&run.source).into_owned(),
        escape(&run.target).into_owned(),
        number(run.read),
        number(run.created),
        number(run.updated),
        number(run.rejected),
        number(run.pending.saturating_add(run.unknown)),
        escape(&run.started).into_owned(),
    ]
}

fn line(row: &[String; 10], widths: &[usize; 10]) -> String {
    let cells = row.iter().zip(widths).enumerate().map(|(index, (cell, &width))| {
        if NUMBERS.contains(&index) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
    });
    format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
}

//! The list of runs, as a table.

use super::words::{escape, number};

/// One run in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunLine {
    /// Its name.
    pub name: String,
    /// The command that began it.
    pub command: String,
    /// Where contacts came from.
    pub source: String,
    /// Where they went.
    pub target: String,
    /// `done`, `unfinished`, `dry-run`.
    pub status: String,
    /// When it began, as people date things.
    pub started: String,
    /// Records read.
    pub read: u64,
    /// Records rejected.
    pub rejected: u64,
    /// Records without an outcome yet.
    pub pending: u64,
    /// Records nobody knows the fate of.
    pub unknown: u64,
}

const HEAD: [&str; 8] = ["RUN", "STATUS", "FROM", "TO", "READ", "REJECTED", "LEFT", "STARTED"];
/// The columns that hold numbers, written to the right.
const NUMBERS: std::ops::RangeInclusive<usize> = 4..=6;

/// The runs as a table with a head, one line each; a sentence when there are none. `LEFT` counts the records without an
/// outcome and those of unknown fate.
pub fn runs_table(runs: &[RunLine]) -> String {
    if runs.is_empty() {
        return "no runs yet\n".to_owned();
    }
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(runs.iter().map(cells));
    table(&rows)
}

fn cells(run: &RunLine) -> [String; 8] {
    [
        escape(&run.name).into_owned(),
        escape(&run.status).into_owned(),
        escape(&run.source).into_owned(),
        escape(&run.target).into_owned(),
        number(run.read),
        number(run.rejected),
        number(run.pending.saturating_add(run.unknown)),
        escape(&run.started).into_owned(),
    ]
}

fn table(rows: &[[String; 8]]) -> String {
    let mut widths = [0; 8];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn line(row: &[String; 8], widths: &[usize; 8]) -> String {
    let cells = row.iter().zip(widths).enumerate().map(|(index, (cell, &width))| {
        if NUMBERS.contains(&index) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
    });
    format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
}

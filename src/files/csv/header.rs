//! The names of a table's columns.

use crate::files::format::COLUMNS_MAX;
use crate::files::reject_columns::{self, CODE, RowsOf};
use crate::outcome::Failure;
use std::collections::HashSet;

/// The columns of a table.
pub(super) struct Columns {
    /// Their names: no two alike, none blank.
    pub names: Vec<String>,
    /// Of what a table of rejects was made.
    pub rows_of: Option<RowsOf>,
    /// Their cells as in the file.
    pub cells: Vec<String>,
    /// Which of the file's columns these are; `None` when they are all of them.
    pub kept: Option<Vec<bool>>,
    /// What was made of them, for the user.
    pub notes: Vec<String>,
}

/// Why a table of `count` columns is not taken.
pub(super) fn too_many_columns(count: usize, shown: &str) -> Failure {
    Failure::usage(format!("the header of `{shown}` has {count} columns; {COLUMNS_MAX} is the most"))
        .hint("is the delimiter right, and is a line end missing? `--delimiter` says it")
}

/// Names the columns that `cells` heads, `ferry_*` left out.
pub(super) fn name_columns(cells: Vec<String>, shown: &str) -> Result<Columns, Failure> {
    let kept = kept_columns(&cells);
    let rows_of = RowsOf::of_columns(cells.iter().map(String::as_str));
    let mut notes = Vec::new();
    let mut cells = cells;
    let all = kept.iter().all(|&keep| keep);
    if !all {
        cells = cells.into_iter().zip(&kept).filter(|(_, keep)| **keep).map(|(cell, _)| cell).collect();
        notes.push("the columns `ferry_*` of a rejects file are left out".to_owned());
    }
    if cells.is_empty() {
        return Err(Failure::usage(format!("`{shown}` has no columns but `ferry_*`")));
    }
    let names = distinct(&cells, &mut notes);
    Ok(Columns { names, rows_of, cells, kept: (!all).then_some(kept), notes })
}

/// Which columns are the source's own: all, but in a rejects file those that it adds, each the last of its name. A file
/// that only has a column such as `ferry_code` is no rejects file.
pub(super) fn kept_columns(cells: &[String]) -> Vec<bool> {
    let name_of = |cell: &str| reject_columns::all().find(|name| cell.trim().eq_ignore_ascii_case(name));
    let last = |name: &str| cells.iter().rposition(|cell| name_of(cell) == Some(name));
    let is_rejects = last(CODE).is_some() && reject_columns::all().filter_map(last).count() > 1;
    let is_added = |index: usize, cell: &str| is_rejects && name_of(cell).is_some_and(|name| last(name) == Some(index));
    cells.iter().enumerate().map(|(index, cell)| !is_added(index, cell)).collect()
}

/// Gives each cell a name of its own: a blank one by its number, a repeated one with `#2`, `#3`, ….
fn distinct(cells: &[String], notes: &mut Vec<String>) -> Vec<String> {
    let mut taken: HashSet<String> = cells.iter().cloned().collect();
    let mut seen = HashSet::new();
    let mut names = Vec::with_capacity(cells.len());
    for (index, cell) in cells.iter().enumerate() {
        let blank = cell.trim().is_empty();
        if !blank && seen.insert(cell.as_str()) {
            names.push(cell.clone());
            continue;
        }
        let name = free_name(cell, blank, index + 1, &taken);
        if !blank {
            notes.push(format!("column {} is called `{name}`: another has the name `{cell}`", index + 1));
        }
        taken.insert(name.clone());
        names.push(name);
    }
    names
}

fn free_name(cell: &str, blank: bool, number: usize, taken: &HashSet<String>) -> String {
    let base = if blank { format!("column {number}") } else { cell.to_owned() };
    if blank && !taken.contains(&base) {
        return base;
    }
    // At most as many names are taken as there are columns, so one of these is free.
    (2..).map(|count: u32| format!("{base}#{count}")).find(|name| !taken.contains(name)).unwrap_or(base)
}

/// Why a file without a header is not taken.
pub(crate) fn empty_file(shown: &str) -> Failure {
    Failure::usage(format!("`{shown}` is empty: it has no header"))
        .hint("check what should have written it: an empty file is more often a failed job than an empty list")
}

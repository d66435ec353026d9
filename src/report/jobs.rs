//! The list of jobs, as a table.

use crate::shown::{escape, escape_lines};

/// One job in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobLine {
    /// Job, state, schedule, next run, last run, exit code, run.
    pub cells: [String; 7],
    /// What is wrong with it, in the lines below.
    pub message: Option<String>,
}

const HEAD: [&str; 7] = ["JOB", "STATE", "SCHEDULE", "NEXT", "LAST", "EXIT", "RUN"];
/// The column that holds a number, written to the right.
const NUMBER: usize = 5;

/// The jobs as a table with a head, one line each, and messages below their jobs.
pub fn jobs_table(jobs: &[JobLine]) -> String {
    let mut widths = HEAD.map(|head| head.chars().count());
    for job in jobs {
        for (width, cell) in widths.iter_mut().zip(&job.cells) {
            *width = (*width).max(escape(cell).chars().count());
        }
    }
    let mut table = line(&HEAD.map(str::to_owned), &widths);
    for job in jobs {
        table += &line(&job.cells, &widths);
        for text in job.message.iter().flat_map(|message| message.lines()) {
            table += &format!("  {}\n", escape_lines(text));
        }
    }
    table
}

fn line(cells: &[String; 7], widths: &[usize; 7]) -> String {
    let cells = cells.iter().zip(widths).enumerate().map(|(index, (cell, &width))| {
        let cell = escape(cell);
        if index == NUMBER { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
    });
    format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
}

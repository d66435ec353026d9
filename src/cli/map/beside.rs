//! A record before and after its mapping, side by side: what stands in the file, and what would arrive.

use crate::outcome::Problem;
use crate::run::tried::Example;
use crate::shown::escape;

/// Each side is so wide, in characters.
const SIDE: usize = 45;
/// Of a record, so many values are shown.
const VALUES_MAX: usize = 24;
/// The longest name that is shown whole.
const NAME_MAX: usize = 18;

/// One record.
pub(super) struct Pair {
    line: u64,
    before: Vec<String>,
    after: Vec<String>,
}

impl Pair {
    /// What stands in the source, and what would arrive or why it is rejected.
    pub fn of(example: &Example) -> Pair {
        let before = match example.raw.is_empty() {
            true => example.before.iter().map(|(name, value)| one(name, value)).collect(),
            false => vec![cut(&example.raw, SIDE)],
        };
        let values = example.after.iter().map(|(name, value)| one(name, value));
        let problem = |problem: &Problem| cut(&format!("rejected: {}: {}", problem.code, problem.message), SIDE);
        Pair { line: example.line, before, after: values.chain(example.problems.iter().map(problem)).collect() }
    }

    /// The lines that show it.
    pub fn lines(&self) -> Vec<String> {
        let rows = self.before.len().max(self.after.len());
        let mut lines = vec![format!("  line {}", self.line)];
        let side = |values: &[String], row: usize| values.get(row).cloned().unwrap_or_default();
        for row in 0..rows.min(VALUES_MAX) {
            let line = format!("    {:<SIDE$}  {}", side(&self.before, row), side(&self.after, row));
            lines.push(line.trim_end().to_owned());
        }
        let more = rows.saturating_sub(VALUES_MAX);
        lines.extend((more > 0).then(|| format!("    … {more} more")));
        lines
    }
}

fn one(name: &str, value: &str) -> String {
    cut(&format!("{}: {value}", cut(name.trim(), NAME_MAX)), SIDE)
}

fn cut(text: &str, len_max: usize) -> String {
    let text = escape(text);
    match text.char_indices().nth(len_max) {
        None => text.into_owned(),
        Some(_) => text.chars().take(len_max - 1).chain(['…']).collect(),
    }
}

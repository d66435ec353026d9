//! What was found, as a table of at most 100 columns of characters.

use super::found::Inspected;
use crate::files::Format;
use crate::profile::Repeated;
use crate::report::words::{count, number, shell};
use crate::shown::escape;
use crate::suggest::holding;

/// No line is longer.
const WIDTH: usize = 100;
/// The columns of the table.
const NAME_MAX: usize = 26;
const HOLDS_MAX: usize = 30;
/// Columns that are listed.
const COLUMNS_MAX: usize = 200;
/// Invalid values that are listed.
const INVALID_MAX: usize = 12;

/// The table.
pub(super) fn table(inspected: &Inspected) -> String {
    let mut lines = vec![head(inspected), rows(inspected), String::new()];
    let names: Vec<String> = inspected.profile.names.iter().map(|name| shown(name, NAME_MAX)).collect();
    let name_width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(6);
    let holds: Vec<String> = (0..names.len()).map(|at| shown(&in_words(inspected, at), HOLDS_MAX)).collect();
    let holds_width = holds.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(5);
    let line = |cells: [&str; 6]| {
        let [name, filled, distinct, longest, holds, samples] = cells;
        let line = format!(
            "  {name:<name_width$}  {filled:>6}  {distinct:>8}  {longest:>7}  {holds:<holds_width$}  {samples}"
        );
        shown(line.trim_end(), WIDTH)
    };
    lines.push(line([
        "column",
        "filled",
        "distinct",
        "longest",
        "holds",
        if inspected.has_samples { "samples" } else { "" },
    ]));
    for ((column, name), holds) in inspected.profile.columns.iter().zip(&names).zip(&holds).take(COLUMNS_MAX) {
        let filled = percent(column.filled, inspected.profile.records);
        let (n, is_exact) = column.distinct.count();
        let distinct = format!("{}{}", if is_exact { "" } else { "≈" }, number(n));
        let samples: Vec<String> = column.samples.iter().map(|sample| escape(sample).into_owned()).collect();
        let samples = if inspected.has_samples { samples.join(" · ") } else { String::new() };
        lines.push(line([name, &filled, &distinct, &number(column.len_max), holds, &samples]));
    }
    let more = names.len().saturating_sub(COLUMNS_MAX) as u64;
    if more > 0 {
        lines.push(format!("  {}", count(more, "more column", "more columns")));
    }
    lines.extend(invalid(inspected));
    lines.extend(duplicates(inspected));
    lines.push(format!("next: ferry map suggest {}", shell(&inspected.shown)));
    lines.join("\n")
}

fn head(inspected: &Inspected) -> String {
    let mut parts = vec![inspected.shown.clone(), inspected.layout.format.name().to_owned()];
    parts.push(inspected.layout.encoding.name().to_owned());
    // The cells of a sheet have none.
    if let Some(table) = inspected.layout.table.as_ref().filter(|_| inspected.layout.format != Format::Xlsx) {
        parts.push(match table.delimiter {
            b'\t' => "tabs".to_owned(),
            other => format!("delimiter `{}`", char::from(other)),
        });
    }
    parts.extend(inspected.suggestion.vendor.map(|vendor| format!("a file of {}", vendor.name)));
    shown(&parts.join(" · "), WIDTH)
}

fn rows(inspected: &Inspected) -> String {
    let profile = &inspected.profile;
    let mut parts = vec![count(profile.records, "record", "records")];
    if profile.blank > 0 {
        parts.push(count(profile.blank, "blank row", "blank rows"));
    }
    if profile.malformed.n > 0 {
        parts.push(format!("{} that cannot be read", number(profile.malformed.n)));
    }
    parts.push(count(profile.names.len() as u64, "column", "columns"));
    parts.join(", ")
}

fn in_words(inspected: &Inspected, at: usize) -> String {
    let holding = holding(&inspected.suggestion, &inspected.profile, at);
    let invalid = inspected.profile.columns.get(at).map_or(0, |column| column.invalid.n);
    let mut text = holding.kind.to_owned();
    if !holding.detail.is_empty() {
        text = format!("{text}, {}", holding.detail);
    }
    if invalid > 0 {
        text = format!("{text}, invalid {}", number(invalid));
    }
    text
}

fn invalid(inspected: &Inspected) -> Vec<String> {
    let mut values: Vec<(u64, &str, &str, &str)> = Vec::new();
    for (name, column) in inspected.profile.names.iter().zip(&inspected.profile.columns) {
        values.extend(
            column.invalid.first.iter().map(|one| (one.line, name.as_str(), one.value.as_str(), one.code.as_str())),
        );
    }
    values.extend(
        inspected.profile.malformed.first.iter().map(|one| (one.line, "", one.value.as_str(), one.code.as_str())),
    );
    values.sort_unstable();
    let mut lines = Vec::new();
    for (line, name, value, code) in values.iter().take(INVALID_MAX) {
        let value = if inspected.has_samples { shown(value, 30) } else { "…".to_owned() };
        lines.push(shown(&format!("  line {line:<6}  {:<24}  {value:<30}  {code}", shown(name, 24)), WIDTH));
    }
    let all: u64 =
        inspected.profile.columns.iter().map(|column| column.invalid.n).sum::<u64>() + inspected.profile.malformed.n;
    let more = all.saturating_sub(lines.len() as u64);
    if more > 0 {
        lines.push(format!("  {}", count(more, "more invalid value", "more invalid values")));
    }
    if !lines.is_empty() {
        lines.insert(0, String::new());
    }
    lines
}

fn duplicates(inspected: &Inspected) -> Vec<String> {
    let mut lines = vec![String::new()];
    for (what, Repeated { n, first }) in [("phone", &inspected.phones), ("e-mail", &inspected.emails)] {
        lines.push(match first.is_empty() {
            true => format!("the same {what}: none"),
            false => {
                let groups: Vec<String> =
                    first.iter().map(|lines| lines.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")).collect();
                let records = count(*n, "record repeats", "records repeat");
                shown(&format!("the same {what}: {records} an earlier one; lines {}", groups.join(" · ")), WIDTH)
            }
        });
    }
    lines
}

/// How much of the records, in percent; a little is never none, and nearly all is never all.
pub(super) fn percent(n: u64, all: u64) -> String {
    match (n * 100).checked_div(all) {
        None | Some(0) if n == 0 => "0%".to_owned(),
        None | Some(0) => "<1%".to_owned(),
        Some(100) => "100%".to_owned(),
        Some(percent) => format!("{percent}%"),
    }
}

fn shown(text: &str, len_max: usize) -> String {
    let text = escape(text);
    if text.chars().count() <= len_max {
        return text.into_owned();
    }
    let cut: String = text.chars().take(len_max.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

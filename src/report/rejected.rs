//! The rejects in the report: each reason in plain words with one example, and where the file is. What it shows comes from the
//! rejects file; it reads no file itself.

use super::chart::{name, text};
use super::figures::Sums;
use super::words::{count, number};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Characters of a message, a hint or a name.
const LEN_MAX: usize = 240;
/// Reasons that are shown; the receipt has all.
const REASONS_MAX: usize = 100;

/// What is known of the rejects of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejected {
    /// The name of their file beside the report, one of a few that Ferry gives.
    pub file: Option<&'static str>,
    /// The first reject of each code.
    pub examples: BTreeMap<String, Example>,
}

/// One reject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Example {
    /// The line of the source.
    pub line: String,
    /// The column at fault; blank where none is.
    pub column: String,
    /// What is wrong, with the value.
    pub message: String,
    /// What to do about it; blank where nothing is known.
    pub hint: String,
}

/// What the codes say. One that is not here says so itself: `last_name.missing`.
const REASONS: [(&str, &str); 33] = [
    ("phone.invalid", "The phone number is not valid"),
    ("phone.missing", "There is no phone number"),
    ("phone.spreadsheet", "A spreadsheet has removed digits of the phone number"),
    ("phone.region", "The country of the phone number is not known"),
    ("phone.unchangeable", "The platform does not change the phone number"),
    ("email.invalid", "The e-mail address is not valid"),
    ("identity.missing", "There is nothing to find the contact by"),
    ("identity.ambiguous", "More than one contact fits"),
    ("target_id.not_found", "The target has no contact with this id"),
    ("target_id.missing", "The record names no contact of the target"),
    ("id.not_found", "The source has no contact with this id"),
    ("row.ragged", "The row has more or fewer cells than the header"),
    ("row.quote", "A quotation mark in the row is not closed, or stands alone"),
    ("row.encoding", "The row is not written in the encoding of the file"),
    ("row.too_large", "The record is too large"),
    ("row.json", "The record is not valid JSON"),
    ("row.card", "The card has no end, or the text is in no card"),
    ("row.group", "The card is a group of contacts"),
    ("row.table", "The row belongs to another table in the file"),
    ("row.total", "The row looks like a total"),
    ("value.lookup", "The value is not in the list of the mapping"),
    ("value.date", "The date cannot be read"),
    ("value.number", "The number cannot be read"),
    ("value.bool", "The value is neither yes nor no"),
    ("value.template", "The template of the mapping gives no value"),
    ("value.error_cell", "The cell holds a spreadsheet's error"),
    ("value.not_held", "The target cannot hold the field"),
    ("attribute.undefined", "The account does not define the attribute"),
    ("attribute.ambiguous", "The account defines two attributes of this name"),
    ("target.refused", "The platform refused the contact"),
    ("target.failed", "The platform failed for this contact, and works for others"),
    ("plan.changed", "The contact has changed since the plan was made"),
    ("plan.unreadable", "The line of the plan cannot be read"),
];

/// A code in plain words.
fn words(code: &str) -> String {
    if let Some((_, words)) = REASONS.iter().find(|(known, _)| *known == code) {
        return (*words).to_owned();
    }
    let Some((subject, problem)) = code.split_once('.') else { return code.to_owned() };
    let subject = subject.replace('_', " ");
    match problem {
        "missing" => format!("There is no {subject}"),
        "invalid" => format!("The {subject} is not valid"),
        _ => format!("{}: {}", subject, problem.replace('_', " ")),
    }
}

/// The section; nothing where there are no rejects.
pub(super) fn section(sums: &Sums, rejected: &Rejected) -> String {
    let mut ranked: Vec<(&String, u64)> = sums.iter().map(|(code, n)| (code, *n)).collect();
    ranked.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
    if ranked.is_empty() {
        return String::new();
    }
    let mut out =
        "<section>\n<h2>To fix</h2>\n<p class=\"words\">Records that were rejected, each counted by the first of its \
                   problems, with one example of each.</p>\n"
            .to_owned();
    if let Some(file) = rejected.file {
        let _ = writeln!(
            out,
            "<p>They are in <a href=\"{file}\">{file}</a>, with all their columns. Fix them there and import that file: only they are sent.</p>"
        );
    }
    out.push_str("<table>\n<caption>Rejects by reason</caption>\n<thead><tr><th scope=\"col\">Reason</th>");
    out.push_str(
        "<th scope=\"col\">For example</th><th scope=\"col\" class=\"n\">Records</th></tr></thead>\n<tbody>\n",
    );
    for (code, n) in ranked.iter().take(REASONS_MAX) {
        let example = rejected.examples.get(*code).map(shown).unwrap_or_default();
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\"><bdi>{}</bdi><br><small><code>{}</code></small></th><td>{example}</td>\
             <td class=\"n\">{}</td></tr>",
            text(&words(&name_of(code))),
            name(code, LEN_MAX),
            number(*n)
        );
    }
    out.push_str("</tbody>\n</table>\n");
    let rest = ranked.get(REASONS_MAX..).unwrap_or_default();
    if !rest.is_empty() {
        let records = count(rest.iter().map(|(_, n)| n).sum(), "record", "records");
        let _ = writeln!(out, "<p>And {}: {records}.</p>", count(rest.len() as u64, "more reason", "more reasons"));
    }
    out + "</section>\n"
}

fn name_of(code: &str) -> String {
    code.chars().take(LEN_MAX).collect()
}

fn shown(example: &Example) -> String {
    let column = match example.column.is_empty() {
        true => String::new(),
        false => format!(", <bdi>{}</bdi>", name(&example.column, LEN_MAX)),
    };
    let hint = match example.hint.is_empty() {
        true => String::new(),
        false => format!("<br><small><bdi>{}</bdi></small>", name(&example.hint, LEN_MAX)),
    };
    let (line, message) = (name(&example.line, LEN_MAX), name(&example.message, LEN_MAX));
    format!("<small>line {line}{column}</small><br><bdi>{message}</bdi>{hint}")
}

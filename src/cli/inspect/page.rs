//! What was found, as one page without script or foreign asset: a card for each column with a bar of how much is filled and
//! its commonest values, the invalid values with their lines, and the contacts that occur twice.

use super::found::Inspected;
use super::object::top;
use super::table::percent;
use crate::profile::Repeated;
use crate::report::words::{count, number};
use crate::shown::escape;
use crate::suggest::holding;
use std::fmt::Write;

const STYLE: &str = include_str!("page.css");
/// Nothing is loaded, and nothing is sent.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
/// Bars of a chart, and how it is laid out.
const BARS_MAX: usize = 6;
const CHART_WIDTH: f64 = 320.0;
const NAMES_WIDTH: f64 = 130.0;
const NUMBERS_WIDTH: f64 = 50.0;
const BAR_STEP: f64 = 20.0;
const NAME_LEN_MAX: usize = 19;

/// The page.
pub(super) fn page(inspected: &Inspected) -> String {
    let name = text(&inspected.shown);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{name}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{name}</h1>\n"
    );
    out.push_str(&lead(inspected));
    out.push_str("<h2>Columns</h2>\n<div class=\"cards\">\n");
    (0..inspected.profile.names.len()).for_each(|at| out.push_str(&card(inspected, at)));
    out.push_str("</div>\n");
    out.push_str(&invalid(inspected));
    out.push_str(&duplicates(inspected));
    out.push_str("</main>\n<footer>This page loads nothing and sends nothing.</footer>\n</body>\n</html>\n");
    out
}

fn lead(inspected: &Inspected) -> String {
    let profile = &inspected.profile;
    let records = count(profile.records, "record", "records");
    let columns = count(profile.names.len() as u64, "column", "columns");
    let vendor =
        inspected.suggestion.vendor.map(|vendor| format!(", a file of {}", text(&vendor.name))).unwrap_or_default();
    let mut out = format!("<p class=\"lead\">{records} in {columns}{vendor}</p>\n<p class=\"soft\">");
    let _ = write!(out, "{}, {}", text(inspected.layout.format.name()), text(inspected.layout.encoding.name()));
    let blank = (profile.blank, "blank row", "blank rows");
    let malformed = (profile.malformed.n, "row that cannot be read", "rows that cannot be read");
    for (n, one, many) in [blank, malformed].into_iter().filter(|(n, ..)| *n > 0) {
        let _ = write!(out, "; {}", count(n, one, many));
    }
    out.push_str("</p>\n");
    for note in &inspected.notes {
        let _ = writeln!(out, "<p class=\"soft\">{}</p>", text(note));
    }
    out
}

fn card(inspected: &Inspected, at: usize) -> String {
    let (Some(column), Some(name)) = (inspected.profile.columns.get(at), inspected.profile.names.get(at)) else {
        return String::new();
    };
    let records = inspected.profile.records;
    let holding = holding(&inspected.suggestion, &inspected.profile, at);
    let detail = if holding.detail.is_empty() { String::new() } else { format!(", {}", text(&holding.detail)) };
    let (distinct, is_exact) = column.distinct.count();
    let about = if is_exact { "" } else { "about " };
    let filled = percent(column.filled, records);
    let mut out = format!("<article>\n<h3>{}</h3>\n<p class=\"holds\">{}{detail}</p>\n", text(name), holding.kind);
    let width = if records == 0 { 0.0 } else { column.filled as f64 / records as f64 * CHART_WIDTH };
    let _ = writeln!(
        out,
        "<svg viewBox=\"0 0 {CHART_WIDTH} 8\" role=\"img\" aria-label=\"{filled} filled\"><rect class=\"track\" width=\"{CHART_WIDTH}\" \
         height=\"8\" rx=\"4\"/><rect class=\"bar\" width=\"{width:.1}\" height=\"8\" rx=\"4\"/></svg>\n\
         <p class=\"soft\">{filled} filled, {about}{} different, longest {}</p>",
        number(distinct),
        number(column.len_max)
    );
    if column.invalid.n > 0 {
        let _ = writeln!(out, "<p class=\"bad\">{}</p>", count(column.invalid.n, "invalid value", "invalid values"));
    }
    out.push_str(&chart(inspected, at));
    out.push_str("</article>\n");
    out
}

/// Bars of countries, where it holds phones; else of the commonest values, or some samples where there are too many.
fn chart(inspected: &Inspected, at: usize) -> String {
    let Some(column) = inspected.profile.columns.get(at) else { return String::new() };
    let countries: Vec<(String, u64)> =
        column.phones.by_country.iter().map(|(code, n)| ((*code).to_owned(), *n)).collect();
    if !countries.is_empty() {
        return bars("phones by country", countries);
    }
    if !inspected.has_samples {
        return String::new();
    }
    let values = top(column);
    if values.iter().any(|(_, n)| *n > 1) {
        return bars("commonest values", values);
    }
    let samples: Vec<String> =
        column.samples.iter().take(3).map(|sample| format!("<code>{}</code>", text(sample))).collect();
    if samples.is_empty() { String::new() } else { format!("<p class=\"soft\">{}</p>\n", samples.join(" · ")) }
}

fn bars(what: &str, mut rows: Vec<(String, u64)>) -> String {
    rows.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    rows.truncate(BARS_MAX);
    let height = BAR_STEP * rows.len() as f64;
    let most = rows.first().map_or(1, |(_, n)| *n).max(1);
    let spoken: Vec<String> = rows.iter().map(|(name, n)| format!("{name} {n}")).collect();
    let mut out = format!(
        "<svg viewBox=\"0 0 {CHART_WIDTH} {height}\" role=\"img\" aria-label=\"{what}: {}\">\n",
        text(&spoken.join(", "))
    );
    for (row, (name, n)) in rows.iter().enumerate() {
        let y = BAR_STEP * row as f64;
        let width = (*n as f64 / most as f64 * (CHART_WIDTH - NAMES_WIDTH - NUMBERS_WIDTH)).max(2.0);
        let short: String = match name.chars().count() > NAME_LEN_MAX {
            true => name.chars().take(NAME_LEN_MAX - 1).chain(['…']).collect(),
            false => name.clone(),
        };
        let _ = writeln!(
            out,
            "<text x=\"0\" y=\"{:.0}\">{}</text><rect class=\"bar\" x=\"{NAMES_WIDTH}\" y=\"{:.0}\" width=\"{width:.1}\" \
             height=\"12\" rx=\"2\"/><text class=\"n\" x=\"{CHART_WIDTH}\" y=\"{:.0}\">{}</text>",
            y + 14.0,
            text(&short),
            y + 4.0,
            y + 14.0,
            number(*n)
        );
    }
    out.push_str("</svg>\n");
    out
}

fn invalid(inspected: &Inspected) -> String {
    let mut rows = String::new();
    for (name, column) in inspected.profile.names.iter().zip(&inspected.profile.columns) {
        for one in &column.invalid.first {
            let value = if inspected.has_samples { text(&one.value) } else { "…".to_owned() };
            let _ = writeln!(
                rows,
                "<tr><td>{}</td><td>{}</td><td><code>{value}</code></td><td><code>{}</code></td></tr>",
                number(one.line),
                text(name),
                text(&one.code)
            );
        }
    }
    match rows.is_empty() {
        true => String::new(),
        false => format!(
            "<h2>Invalid values</h2>\n<div class=\"card\"><table><thead><tr><th>Line</th><th>Column</th><th>Value</th>\
             <th>Code</th></tr></thead><tbody>\n{rows}</tbody></table></div>\n"
        ),
    }
}

fn duplicates(inspected: &Inspected) -> String {
    let mut out = String::from("<h2>Records of the same contact</h2>\n<div class=\"card\">\n");
    for (what, Repeated { n, first }) in [("phone", &inspected.phones), ("e-mail", &inspected.emails)] {
        let lines: Vec<String> =
            first.iter().map(|lines| lines.iter().map(|line| number(*line)).collect::<Vec<_>>().join(", ")).collect();
        let _ = match first.is_empty() {
            true => writeln!(out, "<p>No two records have the same {what}.</p>"),
            false => writeln!(
                out,
                "<p>{} an earlier {what}: lines {}</p>",
                count(*n, "record repeats", "records repeat"),
                text(&lines.join("; "))
            ),
        };
    }
    out.push_str("</div>\n");
    out
}

/// Text from anywhere, harmless in a page, in contents and in attributes between double quotes.
fn text(text: &str) -> String {
    escape(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

//! The report of a finished run: one page that needs nothing beside itself. No script stands in it, its policy allows no
//! source but its own style, and whatever came from outside is spelled out and stands in no attribute. The numbers are those of the receipt.

use super::chart::{About, Series, bars, line, name, stacked, text};
use super::figures::Sums;
use super::receipt::{End, Receipt};
use super::rejected::{self, Rejected};
use super::throughput::{Rate, Throughput};
use super::words::{bytes, count, number, rate, time};
use crate::ids::CommandKind;
use crate::scratch::spool::Completeness;
use serde_json::Value;
use std::fmt::Write;
use std::time::Duration;

/// Its name in the folder of the run.
pub const FILE: &str = "report.html";

/// How it looks.
const STYLE: &str = include_str!("page.css");

/// The SHA-256 of [`STYLE`], by which the policy knows it.
const STYLE_HASH: &str = "u/1e4aA1C8F4aq7ZhgdvAtOKgUbXilffphvciPma4nk=";

/// Names have no bound; a page shows so many characters of one.
const NAME_LEN_MAX: usize = 160;
/// Of a list, so many have a bar.
const BARS_MAX: usize = 12;
/// Of a list, so many are in its table; the receipt has all.
const ROWS_MAX: usize = 100;

/// The page of a receipt, of how fast it went, and of what is known of its rejects.
pub fn page(receipt: &Receipt, throughput: &Throughput, rejected: &Rejected) -> String {
    let mut out = head(receipt);
    out.push_str(&heading(receipt));
    out.push_str(&figures(receipt));
    out.push_str(&rejected::section(&receipt.rejects, rejected));
    out.push_str(&totals(receipt));
    out.push_str(&left_blank(receipt));
    out.push_str(&not_carried(receipt));
    out.push_str(&changed(receipt));
    out.push_str(&speed(throughput));
    out.push_str(&verified(receipt));
    out.push_str(&proof(receipt));
    let ferry = text(&receipt.ferry);
    let _ = write!(
        out,
        "</main>\n<footer>Ferry {ferry}. This page loads nothing and sends nothing. The same for scripts: \
         <code>{}</code> beside it.</footer>\n</body>\n</html>\n",
        super::receipt::FILE
    );
    out
}

fn head(receipt: &Receipt) -> String {
    let policy = format!("default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; form-action 'none'");
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"robots\" content=\"noindex\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{} · Ferry</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        text(&receipt.run)
    )
}

fn heading(receipt: &Receipt) -> String {
    let (run, command) = (text(&receipt.run), text(receipt.command.name()));
    let badge = match receipt.records.rejected {
        0 => "<span class=\"badge good\">done</span>".to_owned(),
        n => {
            let is_most = n.saturating_mul(2) >= receipt.records.read;
            let class = if is_most { "bad" } else { "warn" };
            format!("<span class=\"badge {class}\">done, {} to fix</span>", number(n))
        }
    };
    format!(
        "<header>\n<p class=\"kicker\">Ferry {command} {badge}</p>\n\
         <h1><bdi>{}</bdi> <span class=\"arrow\">→</span> <bdi>{}</bdi></h1>\n\
         <p class=\"lead\">{}</p>\n<p class=\"when\">{}</p>\n<p class=\"run\"><code>{run}</code></p>\n\
         </header>\n<main>\n",
        place(&receipt.source),
        place(&receipt.target),
        in_a_sentence(receipt),
        when(&receipt.started, &receipt.ended)
    )
}

/// How it went, in one sentence.
fn in_a_sentence(receipt: &Receipt) -> String {
    let records = &receipt.records;
    let arrived = records.created + records.updated + records.unchanged;
    let are = if arrived == 1 { "is" } else { "are" };
    let mut out = format!(
        "{} of {} {are} in <bdi>{}</bdi>",
        number(arrived),
        count(records.read, "contact", "contacts"),
        place(&receipt.target)
    );
    let parts = [
        (records.rejected, "waits to be fixed", "wait to be fixed"),
        (records.skipped, "was skipped on purpose", "were skipped on purpose"),
        (records.unknown, "has an unknown outcome", "have an unknown outcome"),
        (records.pending, "was not tried", "were not tried"),
    ];
    for (n, one, many) in parts.iter().filter(|(n, ..)| *n > 0) {
        let _ = write!(out, "; {} {}", number(*n), if *n == 1 { one } else { many });
    }
    out + "."
}

/// From when to when (RFC 3339), for readers.
fn when(started: &str, ended: &str) -> String {
    match (moment(started), moment(ended)) {
        (Some((day, from, zone)), Some((last_day, to, last_zone))) => match day == last_day && zone == last_zone {
            true => format!("{day}, {from} to {to} (UTC{zone})"),
            false => format!("{day}, {from} (UTC{zone}) to {last_day}, {to} (UTC{last_zone})"),
        },
        _ => format!("{} to {}", text(started), text(ended)),
    }
}

/// The day, the time and the offset of a moment.
fn moment(rfc3339: &str) -> Option<(String, String, String)> {
    let (local, zone) = rfc3339.split_at_checked(19)?;
    let local: jiff::civil::DateTime = local.parse().ok()?;
    Some((local.strftime("%-d %B %Y").to_string(), local.strftime("%H:%M:%S").to_string(), text(zone)))
}

/// An end of the line, short.
fn place(end: &End) -> String {
    match end {
        End::File { file, .. } if file == "-" => "standard input or output".to_owned(),
        End::File { file, .. } => name(file, NAME_LEN_MAX),
        End::Platform { connection, platform, title: known, .. } if connection == platform => title(platform, known),
        End::Platform { connection, platform, title: known, .. } => {
            format!("{} ({})", name(connection, NAME_LEN_MAX), title(platform, known))
        }
        End::Run { run } => name(run, NAME_LEN_MAX),
    }
}

/// The title of a platform, or its name where no title is known.
fn title(platform: &str, known: &str) -> String {
    if known.is_empty() { name(platform, NAME_LEN_MAX) } else { text(known) }
}

fn figures(receipt: &Receipt) -> String {
    let records = &receipt.records;
    let took = time(Duration::try_from_secs_f64(receipt.seconds).unwrap_or_default());
    let mut figures = vec![
        ("records read", number(records.read)),
        ("arrived", number(records.created + records.updated + records.unchanged)),
        ("skipped on purpose", number(records.skipped)),
        ("to fix", number(records.rejected)),
    ];
    if receipt.requests.sent > 0 {
        figures.push(("requests", number(receipt.requests.sent)));
    }
    figures.push(("working time", took));
    let mut out = "<ul class=\"figures\">\n".to_owned();
    for (what, value) in figures {
        let _ = writeln!(out, "<li><strong>{value}</strong> {what}</li>");
    }
    out + "</ul>\n"
}

fn totals(receipt: &Receipt) -> String {
    let totals = &receipt.records;
    let created = if receipt.command == CommandKind::Export { "written" } else { "created" };
    let rows = [
        ("created", created, totals.created),
        ("updated", "updated", totals.updated),
        ("unchanged", "unchanged", totals.unchanged),
        ("skipped", "skipped", totals.skipped),
        ("rejected", "rejected", totals.rejected),
        ("unknown", "unknown", totals.unknown),
        ("pending", "pending", totals.pending),
    ];
    let words = rows.iter().filter(|(_, _, n)| *n > 0).map(|(_, name, n)| format!("{} {name}", number(*n)));
    let description =
        format!("Of {}: {}", count(totals.read, "record", "records"), words.collect::<Vec<_>>().join(", "));
    let about = About { id: "totals", title: "Records by outcome", description };
    let mut out = section("Totals", "Every record that was read, by its outcome.");
    out.push_str(&stacked(&about, &rows.map(|(class, _, n)| (class, n))));
    out.push_str("<table>\n<caption>Records by outcome</caption>\n<thead><tr><th scope=\"col\">Outcome</th>");
    out.push_str(
        "<th scope=\"col\" class=\"n\">Records</th><th scope=\"col\" class=\"n\">Share</th></tr></thead>\n<tbody>\n",
    );
    for (class, name, n) in rows.into_iter().filter(|(.., n)| *n > 0) {
        let why = if class == "skipped" { why_skipped(receipt) } else { String::new() };
        let share = n as f64 * 100.0 / totals.read.max(1) as f64;
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\"><span class=\"key {class}\"></span>{name}{why}</th><td class=\"n\">{}</td>\
             <td class=\"n\">{share:.1} %</td></tr>",
            number(n)
        );
    }
    let _ = writeln!(
        out,
        "</tbody>\n<tfoot><tr><th scope=\"row\">read</th><td class=\"n\">{}</td><td class=\"n\"></td></tr></tfoot>\n</table>",
        number(totals.read)
    );
    if let Some(changes) = receipt.changes {
        let [added, changed, removed] = [changes.added, changes.changed, changes.removed].map(number);
        let _ = writeln!(out, "<p>Since the export before: {added} added, {changed} changed, {removed} removed.</p>");
    }
    if let Some(completeness) = receipt.completeness {
        let words = match completeness {
            Completeness::Counted => "The source is complete: as many as the platform says it holds.",
            Completeness::Repeated => "The source is complete: another pass found no new contact.",
            Completeness::Unproven => "Nothing proves that these are all contacts of the source.",
        };
        let _ = writeln!(out, "<p>{words}</p>");
    }
    out + "</section>\n"
}

fn why_skipped(receipt: &Receipt) -> String {
    let words = ranked(&receipt.skipped).into_iter();
    let words: Vec<_> = words.map(|(why, n)| format!("{} {}", number(n), name(why, NAME_LEN_MAX))).collect();
    if words.is_empty() { String::new() } else { format!(" <small>({})</small>", words.join(", ")) }
}

fn speed(throughput: &Throughput) -> String {
    let rates = throughput.rates();
    if rates.is_empty() {
        return String::new();
    }
    let resumed_s: Vec<f64> = throughput.resumed_ms().iter().map(|ms| *ms as f64 / 1e3).collect();
    let has_requests = rates.iter().any(|rate| rate.requests_per_s > 0.0);
    let allowed = rates.iter().filter_map(|rate| rate.allowed_per_s).reduce(f64::max);
    let description = described(&rates, throughput, has_requests, allowed);
    let mut out = section("Throughput", &description);
    let requests = Series { class: "requests", value: |it| it.requests_per_s, allowed: |it| it.allowed_per_s };
    let records = Series { class: "records", value: |it| it.records_per_s, allowed: |_| None };
    let charts = [("requests", "Requests a second", requests), ("records", "Records a second", records)];
    for (id, title, series) in charts.iter().filter(|(id, ..)| has_requests || *id == "records") {
        let _ = write!(out, "<p class=\"keys\"><span><span class=\"key {id}\"></span>{title}</span>");
        if *id == "requests" && allowed.is_some() {
            out.push_str(" <span><span class=\"key allowed\"></span>allowed</span>");
        }
        if !resumed_s.is_empty() {
            out.push_str(" <span><span class=\"key resumed\"></span>resumed after a stop</span>");
        }
        out.push_str("</p>\n");
        out.push_str(&line(&About { id, title, description: description.clone() }, series, &rates, &resumed_s));
    }
    out.push_str(
        "<details>\n<summary>The same in numbers</summary>\n<table>\n<caption>Averages of equal periods</caption>\n",
    );
    out.push_str(
        "<thead><tr><th scope=\"col\">From</th><th scope=\"col\">To</th><th scope=\"col\" class=\"n\">Requests</th>",
    );
    out.push_str(
        "<th scope=\"col\" class=\"n\">Records</th><th scope=\"col\" class=\"n\">Allowed</th></tr></thead>\n<tbody>\n",
    );
    for one in &rates {
        let (from, to) = (seconds(one.from_s), seconds(one.to_s));
        let [requests, records] = [one.requests_per_s, one.records_per_s].map(rate);
        let allowed = one.allowed_per_s.map_or("any".to_owned(), rate);
        let _ = writeln!(
            out,
            "<tr><td>{from}</td><td>{to}</td><td class=\"n\">{requests}</td><td class=\"n\">{records}</td>\
             <td class=\"n\">{allowed}</td></tr>"
        );
    }
    out + "</tbody>\n</table>\n</details>\n</section>\n"
}

fn seconds(s: f64) -> String {
    time(Duration::try_from_secs_f64(s).unwrap_or_default())
}

fn described(rates: &[Rate], throughput: &Throughput, has_requests: bool, allowed: Option<f64>) -> String {
    let total_s = (throughput.elapsed_ms() as f64 / 1e3).max(1e-3);
    let mean = |value: &dyn Fn(&Rate) -> f64| {
        let sum: f64 = rates.iter().map(|rate| value(rate) * (rate.to_s - rate.from_s)).sum();
        rate(sum / total_s)
    };
    let mut out = format!("{} of records finished on average", mean(&|rate| rate.records_per_s));
    if has_requests {
        let _ = write!(out, ", {} of requests sent", mean(&|rate| rate.requests_per_s));
        match allowed {
            Some(allowed) => drop(write!(out, "; at most {} were allowed", rate(allowed))),
            None => out.push_str("; no rate was set"),
        }
    }
    let resumed = throughput.resumed_ms().len() as u64;
    if resumed > 0 {
        let _ = write!(out, "; resumed {}", count(resumed, "time", "times"));
    }
    out + "."
}

fn left_blank(receipt: &Receipt) -> String {
    if receipt.left_blank.is_empty() {
        return String::new();
    }
    let words = "Values that were left out of contacts that arrived. Each is listed in the run's folder.";
    let about = ("blank", "Left blank", ["Reason", "Values"]);
    section("Left blank", words) + &list(about, &receipt.left_blank, "skipped") + "</section>\n"
}

fn changed(receipt: &Receipt) -> String {
    let is_platform = matches!(receipt.target, End::Platform { .. });
    if !is_platform || (receipt.changed_fields.is_empty() && receipt.cleared == 0) {
        return String::new();
    }
    let mut out = section("Changes by field", "Of contacts that were at the target before: what the run changed.");
    let about = ("changed", "Changes by field", ["Field", "Changes"]);
    out.push_str(&list(about, &receipt.changed_fields, "updated"));
    if receipt.cleared > 0 {
        let _ = writeln!(out, "<p>{} erased at the target.</p>", count(receipt.cleared, "value was", "values were"));
    }
    out + "</section>\n"
}

fn not_carried(receipt: &Receipt) -> String {
    if receipt.not_carried.is_empty() {
        return String::new();
    }
    let words = "Values that the target has no field for, or keeps in another form.";
    let about = ("left", "Not carried", ["Field or value", "Records"]);
    section("Not carried", words) + &list(about, &receipt.not_carried, "skipped") + "</section>\n"
}

/// A chart of numbers by name, and its table.
fn list((id, title, head): (&str, &str, [&str; 2]), sums: &Sums, class: &str) -> String {
    let ranked = ranked(sums);
    if ranked.is_empty() {
        return String::new();
    }
    let shown = ranked.get(..BARS_MAX).unwrap_or(&ranked);
    let most = shown.first().map_or(0, |(_, most)| *most);
    let description = format!("{}, {} of the most frequent", count(ranked.len() as u64, "kind", "kinds"), number(most));
    let mut out = bars(&About { id, title, description }, shown, class);
    let [what, n] = head;
    let _ = writeln!(
        out,
        "<table>\n<caption>{title}</caption>\n<thead><tr><th scope=\"col\">{what}</th>\
         <th scope=\"col\" class=\"n\">{n}</th></tr></thead>\n<tbody>"
    );
    for (label, n) in ranked.iter().take(ROWS_MAX) {
        let (label, n) = (name(label, NAME_LEN_MAX), number(*n));
        let _ = writeln!(out, "<tr><th scope=\"row\"><bdi>{label}</bdi></th><td class=\"n\">{n}</td></tr>");
    }
    out.push_str("</tbody>\n</table>\n");
    let rest = ranked.get(ROWS_MAX..).unwrap_or_default();
    if !rest.is_empty() {
        let (kinds, sum) = (rest.len() as u64, rest.iter().map(|(_, n)| n).sum());
        let _ = writeln!(out, "<p>And {}, {} in all.</p>", count(kinds, "more kind", "more kinds"), number(sum));
    }
    out
}

/// The largest number first, then by name.
fn ranked(sums: &Sums) -> Vec<(&str, u64)> {
    let mut ranked: Vec<_> = sums.iter().map(|(name, n)| (name.as_str(), *n)).collect();
    ranked.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
    ranked
}

fn proof(receipt: &Receipt) -> String {
    let mut out =
        "<section>\n<details>\n<summary>Fingerprints: what was read, by which rules, and where it went</summary>\n"
            .to_owned();
    out.push_str("<table class=\"proof\">\n<caption>Source, mapping and target</caption>\n<thead><tr><th scope=\"col\">Part</th>");
    out.push_str("<th scope=\"col\">What it is</th><th scope=\"col\">Fingerprint</th></tr></thead>\n<tbody>\n");
    let (source, target) = (end_words(&receipt.source), end_words(&receipt.target));
    let mapping = match &receipt.mapping {
        Some(mapping) => (name(&mapping.name, NAME_LEN_MAX), Some(mapping.fingerprint.clone())),
        None => ("none: columns are taken by their names".to_owned(), None),
    };
    for (part, (what, fingerprint)) in [("source", source), ("mapping", mapping), ("target", target)] {
        let fingerprint = fingerprint.map_or("none".to_owned(), |it| format!("<code>{}</code>", text(&it)));
        let _ = writeln!(out, "<tr><th scope=\"row\">{part}</th><td><bdi>{what}</bdi></td><td>{fingerprint}</td></tr>");
    }
    out.push_str("</tbody>\n</table>\n");
    let requests = receipt.requests;
    if requests.sent > 0 {
        let _ = writeln!(
            out,
            "<p>{} sent, {} of them retries; {} refused because of the rate limit.</p>",
            count(requests.sent, "request", "requests"),
            number(requests.retried),
            number(requests.rate_limited)
        );
    }
    out + "</details>\n</section>\n"
}

fn end_words(end: &End) -> (String, Option<String>) {
    match end {
        End::File { bytes: len, fingerprint, .. } => {
            let len = len.map_or(String::new(), |len| format!(", {}", bytes(len)));
            (format!("{}{len}", place(end)), fingerprint.clone())
        }
        End::Platform { connection, platform, title: known, address, contacts, fingerprint } => {
            let contacts = contacts.map_or(String::new(), |n| format!(", {}", count(n, "contact", "contacts")));
            let [connection, address] = [connection, address].map(|it| name(it, NAME_LEN_MAX));
            (format!("{connection} ({}, {address}){contacts}", title(platform, known)), fingerprint.clone())
        }
        End::Run { .. } => (format!("what {} wrote", place(end)), None),
    }
}

fn verified(receipt: &Receipt) -> String {
    let Some(verify) = &receipt.verify else { return String::new() };
    let mut out = section("Verification", "Whether the target still holds what the run intended.");
    out.push_str("<table>\n<caption>Comparison with the target</caption>\n<tbody>\n");
    for (key, value) in verify {
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let (key, value) = (name(key, NAME_LEN_MAX), name(&value, NAME_LEN_MAX));
        let _ = writeln!(out, "<tr><th scope=\"row\">{key}</th><td class=\"n\">{value}</td></tr>");
    }
    out + "</tbody>\n</table>\n</section>\n"
}

fn section(title: &str, words: &str) -> String {
    format!("<section>\n<h2>{}</h2>\n<p class=\"words\">{}</p>\n", text(title), text(words))
}

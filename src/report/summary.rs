//! How a run ended: as JSON for scripts and as text for users. It counts nothing itself.

use super::figures::{Changes, Counts, Forecast, Requests, tenths};
use super::words::{count, number, rate, time};
use crate::http::Times;
use crate::ids::{CommandKind, RunStatus};
use crate::outcome::Totals;
use crate::scratch::spool::Completeness;
use crate::shown::escape;
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

/// Of a list that has no bound (reasons, things not carried) users see this many, the most frequent first.
const LISTED_MAX: usize = 10;

/// Of the records with an unknown outcome users see this many, the first ones.
pub const UNKNOWN_MAX: usize = 20;

/// A record that may have arrived or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Doubtful {
    /// Where it was read.
    pub line: u64,
    /// The id of the contact at the target, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_id: Option<String>,
}

/// How a run ended. The fields up to `changes` are the JSON object; the others are for users only.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// The run's name.
    pub run: String,
    /// The command.
    pub command: CommandKind,
    /// How the run stands.
    pub status: RunStatus,
    /// The totals.
    pub records: Totals,
    /// Records left out on purpose, by why.
    pub skipped: Counts,
    /// Rejects by their first code.
    pub rejects: Counts,
    /// What the target has no room for, by field or by field and value.
    pub not_carried: Counts,
    /// Values that were left out of a record that arrived, by code.
    pub left_blank: Counts,
    /// Values that were emptied at the target.
    pub cleared: u64,
    /// What went over the line.
    pub requests: Requests,
    /// How long it took, in seconds; of a resumed run all its parts.
    #[serde(serialize_with = "tenths")]
    pub seconds: f64,
    /// Where the rejects are; `None` when there are none.
    pub rejects_file: Option<String>,
    /// Where the receipt of a finished run is; the report stands beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// What the real run would take, after a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Forecast>,
    /// After a dry run: names that the platform may drop, which only the real run can show, and for how
    /// many.
    #[serde(skip_serializing_if = "Counts::is_empty")]
    pub uncertain: Counts,
    /// How the completeness of an export was established.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completeness: Option<Completeness>,
    /// What is not as it was in the export before, where that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Changes>,
    /// Values that an undo leaves alone, because another party has changed them since, by field.
    #[serde(skip_serializing_if = "Counts::is_empty")]
    pub changed_since: Counts,
    /// What the platform cannot undo, by field.
    #[serde(skip_serializing_if = "Counts::is_empty")]
    pub not_taken_back: Counts,
    /// Where what was left is listed; `None` when nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_file: Option<String>,
    /// Ids of partially created contacts whose records are no longer in the source, and that could not be deleted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<String>,
    /// The records that may have arrived or not, the first [`UNKNOWN_MAX`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown_records: Vec<Doubtful>,
    /// How long the requests of this process took and waited: shown to a worker only.
    #[serde(skip)]
    pub times: Times,
    /// Where the contacts came from, in words.
    #[serde(skip)]
    pub source: String,
    /// Where they went, in words.
    #[serde(skip)]
    pub target: String,
    /// When the real run would be done, begun now.
    #[serde(skip)]
    pub finish: Option<String>,
    /// Further lines after a dry run.
    #[serde(skip)]
    pub shown: Vec<String>,
    /// Where the values that were left blank are listed.
    #[serde(skip)]
    pub left_blank_file: Option<String>,
    /// The command that brings the rejects in, once they are fixed.
    #[serde(skip)]
    pub rejects_command: Option<String>,
    /// The command that goes on, when the run is unfinished.
    #[serde(skip)]
    pub next_command: Option<String>,
}

impl Summary {
    /// One JSON object, over several lines.
    pub fn json(&self) -> String {
        self.json_with(false)
    }

    /// The same, with how long the requests took where it is wanted.
    pub fn json_with(&self, times: bool) -> String {
        let text = serde_json::to_value(self).and_then(|mut object| {
            if let Some(object) = object.as_object_mut().filter(|_| times) {
                object.insert("times".to_owned(), serde_json::to_value(self.times)?);
            }
            if let Some(Value::Object(records)) = object.get_mut("records") {
                *records = self.named(std::mem::take(records));
            }
            serde_json::to_string_pretty(&object)
        });
        text.unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}"))
    }

    /// The totals under the names that the command has for them (contract 1.2): what an export has created is also
    /// `written`; an undo has `deleted` and `restored` in place of `created` and `updated`.
    fn named(&self, records: serde_json::Map<String, Value>) -> serde_json::Map<String, Value> {
        let totals = &self.records;
        let mut named = serde_json::Map::new();
        for (name, n) in records {
            match (self.command, name.as_str()) {
                (CommandKind::Undo, "created") => {
                    named.insert("deleted".to_owned(), totals.deleted.into());
                    if totals.created > 0 {
                        named.insert(name, n);
                    }
                }
                (CommandKind::Undo, "updated") => drop(named.insert("restored".to_owned(), n)),
                (CommandKind::Undo, "deleted") => {}
                (CommandKind::Export, "created") => {
                    named.insert("written".to_owned(), n.clone());
                    named.insert(name, n);
                }
                _ => drop(named.insert(name, n)),
            }
        }
        named
    }

    /// For users; several lines, each ended. The last one is the command that resumes an unfinished run.
    pub fn human(&self) -> String {
        let mut out = self.heading();
        out.push_str(&self.totals());
        out.push_str(&listed("rejects, by reason", &self.rejects));
        out.push_str(&listed("not carried (the target cannot hold it)", &self.not_carried));
        out.push_str(&listed("left blank (the contact is sent without these values)", &self.left_blank));
        out.push_str(&listed("only the real run can tell whether the platform keeps", &self.uncertain));
        if !self.shown.is_empty() {
            out.push_str(&format!("\n{}\n", self.shown.join("\n")));
        }
        out.push_str(&listed("left alone (another party has changed it since)", &self.changed_since));
        out.push_str(&listed("left (the platform cannot undo it)", &self.not_taken_back));
        out.push('\n');
        out.push_str(&self.effort());
        out.push_str(&self.forecast());
        out.push_str(&self.what_next());
        out
    }

    fn heading(&self) -> String {
        let status = match self.status {
            RunStatus::DryRun => "dry run, nothing was written",
            status => status.name(),
        };
        let mut out = format!("{} {}: {status}\n", self.command, escape(&self.run));
        if !self.source.is_empty() || !self.target.is_empty() {
            let stream =
                |end: &str, name: &'static str| if end == "-" { name.into() } else { escape(end).into_owned() };
            let (source, target) = (stream(&self.source, "standard input"), stream(&self.target, "standard output"));
            out.push_str(&format!("{source} → {target}\n"));
        }
        out.push('\n');
        out
    }

    fn totals(&self) -> String {
        let totals = &self.records;
        let (unfinished, is_undo) = (self.status == RunStatus::Unfinished, self.command == CommandKind::Undo);
        let is_dry = self.status == RunStatus::DryRun;
        let would = |name: &str| if is_dry { format!("would be {name}") } else { name.to_owned() };
        let rows = [
            ("read".to_owned(), totals.read, true, String::new()),
            (would(self.created()), totals.created, !is_undo, String::new()),
            (would("deleted"), totals.deleted, is_undo, String::new()),
            (would(if is_undo { "restored" } else { "updated" }), totals.updated, is_undo, String::new()),
            ("unchanged".to_owned(), totals.unchanged, false, String::new()),
            (would("skipped"), totals.skipped, false, in_words(&self.skipped)),
            (would("rejected"), totals.rejected, !is_undo, String::new()),
            ("unknown".to_owned(), totals.unknown, false, "may have arrived or not".to_owned()),
            ("pending".to_owned(), totals.pending, unfinished, "no outcome yet".to_owned()),
        ];
        let rows: Vec<_> = rows.into_iter().filter(|(_, n, always, _)| *n > 0 || *always).collect();
        let width = rows.iter().map(|(_, n, _, _)| number(*n).len()).max().unwrap_or_default();
        let names = if is_dry { 19 } else { 10 };
        let line = |(name, n, _, remark): (String, u64, bool, String)| {
            let remark = if n > 0 && !remark.is_empty() { format!("  ({remark})") } else { String::new() };
            format!("  {name:<names$}{:>width$}{remark}\n", number(n))
        };
        rows.into_iter().map(line).collect()
    }

    /// What it is called when a record is at the target and was not before.
    fn created(&self) -> &'static str {
        if self.command == CommandKind::Export { "written" } else { "created" }
    }

    fn effort(&self) -> String {
        let took = Duration::try_from_secs_f64(self.seconds).unwrap_or_default();
        let mut out = count(self.records.settled(), "record", "records");
        // The time of a process that was killed early is not known.
        if self.seconds > 0.0 || self.records.settled() == 0 || self.status != RunStatus::Unfinished {
            out.push_str(&format!(" in {}", time(took)));
        }
        if self.seconds >= 1.0 && self.records.settled() > 0 {
            out.push_str(&format!(", {}", rate(self.records.settled() as f64 / self.seconds)));
        }
        out.push_str(&self.traffic());
        if self.cleared > 0 {
            let would = if self.status == RunStatus::DryRun { "would be " } else { "" };
            out.push_str(&format!("\n{} {would}erased at the target", count(self.cleared, "value", "values")));
        }
        if let Some(Changes { added, changed, removed }) = self.changes {
            let [added, changed, removed] = [added, changed, removed].map(number);
            out.push_str(&format!("\nchanges: {added} added, {changed} changed, {removed} removed"));
        }
        if let Some(completeness) = self.completeness {
            out.push_str(match completeness {
                Completeness::Counted => "\ncomplete: as many as the platform reports",
                Completeness::Repeated => "\ncomplete: another pass found no new contact",
                Completeness::Unproven => "\nnot proven to be complete",
            });
        }
        out.push('\n');
        out
    }

    fn traffic(&self) -> String {
        let Requests { sent, retried, rate_limited } = self.requests;
        if sent == 0 {
            return String::new();
        }
        let mut remarks = Vec::new();
        if retried > 0 {
            remarks.push(format!("{} retried", number(retried)));
        }
        if rate_limited > 0 {
            remarks.push(format!("{} over the platform's limit", number(rate_limited)));
        }
        let remarks = if remarks.is_empty() { String::new() } else { format!(" ({})", remarks.join(", ")) };
        format!("; {} sent{remarks}", count(sent, "request", "requests"))
    }

    fn forecast(&self) -> String {
        let Some(forecast) = self.forecast else { return String::new() };
        let takes = Duration::try_from_secs_f64(forecast.seconds).unwrap_or_default();
        let finish =
            self.finish.as_ref().map(|finish| format!(", done at {finish} if started now")).unwrap_or_default();
        format!("the real run: about {}, {}{finish}\n", count(forecast.requests, "request", "requests"), time(takes))
    }

    /// The records that may have arrived or not, and how that is settled.
    fn doubtful(&self) -> String {
        if self.unknown_records.is_empty() {
            return String::new();
        }
        let all = self.records.unknown;
        let mut out = format!("\nthe outcome of {} is still unknown:\n", count(all, "record", "records"));
        for Doubtful { line, target_id } in &self.unknown_records {
            let target = target_id.as_ref().map(|id| format!(", `{}` at the target", escape(id))).unwrap_or_default();
            out.push_str(&format!("  line {line}{target}\n"));
        }
        let more = all.saturating_sub(self.unknown_records.len() as u64);
        if more > 0 {
            out.push_str(&format!("  and {} more, all of them with `--results FILE`\n", number(more)));
        }
        out.push_str(&format!(
            "run `ferry resume {}` or the same command to settle them; only what is proven absent is sent again\n",
            escape(&self.run)
        ));
        out
    }

    fn left_behind(&self) -> String {
        let ids: Vec<String> = self.left_behind.iter().take(LISTED_MAX).map(|id| format!("`{}`", escape(id))).collect();
        let more = self.left_behind.len().saturating_sub(ids.len());
        let more = if more > 0 {
            format!(" and {}", count(more as u64, "more contact", "more contacts"))
        } else {
            String::new()
        };
        format!(
            "\ncreated only in part, and no longer in the source: {}{more}\nreview them at the target, and delete them there\n",
            ids.join(", ")
        )
    }

    /// The line with the command that resumes an unfinished run.
    pub(super) fn resume_line(&self) -> Option<String> {
        let command = self.next_command.as_ref().filter(|_| self.status == RunStatus::Unfinished)?;
        Some(format!("to resume, run: {}", escape(command)))
    }

    fn what_next(&self) -> String {
        let mut out = String::new();
        if let Some(path) = self.rejects_file.as_ref().filter(|_| self.records.rejected > 0) {
            out.push_str(&format!("\nthe rejects are in {}\n", escape(path)));
            if let Some(command) = &self.rejects_command {
                out.push_str(&format!("fix them there, then run: {}\n", escape(command)));
            }
        }
        if let Some(path) = self.left_blank_file.as_ref().filter(|_| !self.left_blank.is_empty()) {
            out.push_str(&format!("\nthe values that were left blank are listed in {}\n", escape(path)));
        }
        if !self.left_behind.is_empty() {
            out.push_str(&self.left_behind());
        }
        if let Some(path) = &self.left_file {
            out.push_str(&format!("\nwhat was left is listed in {}\n", escape(path)));
        }
        out.push_str(&self.doubtful());
        if let Some(receipt) = &self.receipt {
            let report = std::path::Path::new(receipt).with_file_name(super::page::FILE).display().to_string();
            out.push_str(&format!("\nthe report is in {}, the receipt beside it\n", escape(&report)));
        }
        if let Some(line) = self.resume_line() {
            out.push_str(&format!("\n{line}\n"));
        }
        out
    }
}

fn in_words(counts: &Counts) -> String {
    let words = counts.iter().map(|(name, n)| format!("{} {}", number(n), escape(name)));
    words.collect::<Vec<_>>().join(", ")
}

fn listed(title: &str, counts: &Counts) -> String {
    if counts.is_empty() {
        return String::new();
    }
    let ranked = counts.clone().ranked();
    let rows: Vec<_> = ranked.iter().take(LISTED_MAX).map(|(name, n)| (escape(name), number(n))).collect();
    let name_len = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let n_len = rows.iter().map(|(_, n)| n.len()).max().unwrap_or_default();
    let mut out = format!("\n{title}\n");
    for (name, n) in &rows {
        out.push_str(&format!("  {name:<name_len$}  {n:>n_len$}\n"));
    }
    let more = ranked.iter().skip(LISTED_MAX).count() as u64;
    if more > 0 {
        out.push_str(&format!("  and {}\n", count(more, "more kind", "more kinds")));
    }
    out
}

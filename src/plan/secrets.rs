//! Which parts of `ferry.yaml` must not be shown when a line of it is. It knows no place to show them.

use super::env::only_names;
use super::on_finish::{ON_FINISH, WEBHOOK};
use crate::platforms::Registry;
use crate::platforms::settings::COMMON;
use crate::yaml::{Kind, Node, Place, Text};
use regex::Regex;

/// The page for messages: in connections, every value is masked that is not known to be harmless.
pub(super) fn mask_tree(page: &str, root: &Node, platforms: &Registry) -> String {
    let mut secrets: Vec<Place> = Vec::new();
    match &root.kind {
        Kind::Map(entries) => {
            entries.iter().for_each(|(key, value)| hide_part(page, key, value, platforms, &mut secrets));
        }
        Kind::Null => {}
        Kind::Text { .. } | Kind::List(_) => secrets.push(root.at.clone()),
    }
    mask(page, &secrets)
}

/// A part of the file at its top, or of the template of tenants.
fn hide_part(page: &str, key: &Text, value: &Node, platforms: &Registry, secrets: &mut Vec<Place>) {
    match (key.text.as_str(), &value.kind) {
        ("jobs", Kind::Map(jobs)) => jobs.iter().for_each(|(_, job)| hide_webhook(page, job, secrets)),
        ("env_file" | "jobs" | "file", _) | ("tenants", Kind::Text { .. }) => {}
        ("connections", Kind::Map(connections)) => {
            for (name, connection) in connections {
                hide_settings(page, name, connection, platforms, secrets);
            }
        }
        ("tenants" | "template", Kind::Map(parts)) => {
            parts.iter().for_each(|(key, value)| hide_part(page, key, value, platforms, secrets));
        }
        _ => secrets.extend(hidden(page, key, value)),
    }
}

/// The address of a webhook often holds a secret.
fn hide_webhook(page: &str, job: &Node, secrets: &mut Vec<Place>) {
    let Kind::Map(entries) = &job.kind else { return };
    for (key, value) in entries.iter().filter(|(key, _)| key.text == ON_FINISH) {
        match &value.kind {
            Kind::Text { .. } => secrets.extend(hidden(page, key, value)),
            Kind::Map(parts) => {
                let webhooks = parts.iter().filter(|(key, _)| key.text == WEBHOOK);
                secrets.extend(webhooks.filter_map(|(key, value)| hidden(page, key, value)));
            }
            Kind::List(_) | Kind::Null => {}
        }
    }
}

fn hide_settings(page: &str, name: &Text, connection: &Node, platforms: &Registry, secrets: &mut Vec<Place>) {
    let Kind::Map(settings) = &connection.kind else { return secrets.extend(hidden(page, name, connection)) };
    for (key, value) in settings {
        let has_password = matches!(&value.kind, Kind::Text { text, .. } if text.contains('@'));
        if !is_harmless(&key.text, platforms) || (key.text == "base_url" && has_password) {
            secrets.extend(hidden(page, key, value));
        }
    }
}

/// All that stands between a key and the end of its value: also what is no value, such as a password that begins with
/// `*` or `&` and is taken for an alias. `None` when nothing but `${NAME}` stands there.
fn hidden(page: &str, key: &Text, value: &Node) -> Option<Place> {
    let between = page.get(key.at.end..value.at.end)?;
    let text = between.trim_start().strip_prefix(':').unwrap_or(between).trim_start();
    let bare = text.trim().trim_matches(['"', '\'']);
    (!matches!(bare, "" | "{}" | "[]") && !only_names(bare)).then(|| value.at.end - text.len()..value.at.end)
}

fn is_harmless(setting: &str, platforms: &Registry) -> bool {
    let all =
        || COMMON.iter().chain(platforms.facts().flat_map(|one| one.settings.iter())).filter(|one| one.name == setting);
    setting == "platform" || (all().next().is_some() && all().all(|one| !one.secret))
}

/// Words in a name that say that its value is secret.
const SECRET_WORDS: &str = "token|key|pass|pwd|secret|auth|bearer|credential|cookie";

/// The page for messages when it cannot be understood: every value is masked that is not known to be harmless, up to the
/// end of its line; below `jobs`, what follows a name that sounds like a secret.
pub(super) fn mask_lines(page: &str, platforms: &Registry) -> String {
    let named = Regex::new(&format!(r#"(?i)[\w-]*(?:{SECRET_WORDS})[\w-]*["']?\s*[:=]\s*([^\r\n]*)"#));
    let entry = Regex::new(r#"^[\s-]*["']?([\w.-]+)["']?[ \t]*:(?:[ \t]+|$)(.*)$"#);
    let (Ok(named), Ok(entry)) = (named, entry) else { return String::new() };
    let values = named.captures_iter(page).filter_map(|found| found.get(1));
    let values = values.filter(|value| !only_names(value.as_str())).map(|value| value.range());
    let mut secrets: Vec<Place> = values.collect();
    let (mut at, mut is_job) = (0, false);
    for line in page.split_inclusive('\n') {
        let text = line.trim_end();
        let (start, end) = (at, at + text.len());
        at += line.len();
        let is_top = !text.starts_with([' ', '\t', '#', '-', '}', ']']) && !text.is_empty();
        let found = entry.captures(text);
        let key = found.as_ref().and_then(|found| found.get(1)).map(|key| key.as_str());
        if is_top {
            is_job = key == Some("jobs");
        }
        if is_job || text.trim_start().starts_with('#') || text.trim().is_empty() {
            continue;
        }
        let value = found.as_ref().and_then(|found| found.get(2));
        match (key, value) {
            (Some(key), Some(value)) => {
                let has_password = value.as_str().contains('@');
                let is_known = is_harmless(key, platforms) || (is_top && key == "env_file");
                let is_shown = (is_known && !has_password) || only_names(value.as_str().trim_matches(['"', '\'']));
                if !is_shown {
                    secrets.push(start + value.start()..end);
                }
            }
            // What belongs to no key that can be seen.
            _ => secrets.push(start + (text.len() - text.trim_start().len())..end),
        }
    }
    mask(page, &secrets)
}

fn floor(page: &str, at: usize) -> usize {
    (0..=at.min(page.len())).rev().find(|&at| page.is_char_boundary(at)).unwrap_or_default()
}

fn ceil(page: &str, at: usize) -> usize {
    (at..page.len()).find(|&at| page.is_char_boundary(at)).unwrap_or(page.len())
}

/// The text of the file with the bytes of these places as `*`. Line feeds stay, so that all places stay valid.
fn mask(page: &str, secrets: &[Place]) -> String {
    let mut bytes = page.as_bytes().to_vec();
    for span in secrets {
        let start = floor(page, span.start);
        let end = ceil(page, span.end);
        for byte in bytes.get_mut(start..end).unwrap_or_default() {
            if !matches!(byte, b'\n' | b'\r') {
                *byte = b'*';
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

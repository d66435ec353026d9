//! Which parts of `ferry.yaml` must not be shown when a line of it is. It knows no place to show them.

use super::diagnostic::mask;
use super::env::only_names;
use super::yaml::{Key, Kind, Node, Span};
use crate::platforms::Platform;
use crate::platforms::settings::COMMON;
use regex::Regex;

/// The page for messages: in connections, every value is masked that is not known to be harmless.
pub(super) fn mask_tree(page: &str, root: &Node, platforms: &[&'static Platform]) -> String {
    let mut secrets: Vec<Span> = Vec::new();
    match &root.kind {
        Kind::Map(entries) => entries.iter().for_each(|(key, value)| match (key.text.as_str(), &value.kind) {
            ("env_file" | "jobs", _) => {}
            ("connections", Kind::Map(connections)) => {
                for (name, connection) in connections {
                    hide_settings(page, name, connection, platforms, &mut secrets);
                }
            }
            _ => secrets.extend(hidden(page, key, value)),
        }),
        Kind::Null => {}
        Kind::Text(_) | Kind::List(_) => secrets.push(root.span.clone()),
    }
    mask(page, &secrets)
}

fn hide_settings(page: &str, name: &Key, connection: &Node, platforms: &[&'static Platform], secrets: &mut Vec<Span>) {
    let Kind::Map(settings) = &connection.kind else { return secrets.extend(hidden(page, name, connection)) };
    for (key, value) in settings {
        let has_password = matches!(&value.kind, Kind::Text(text) if text.contains('@'));
        if !is_harmless(&key.text, platforms) || (key.text == "base_url" && has_password) {
            secrets.extend(hidden(page, key, value));
        }
    }
}

/// All that stands between a key and the end of its value: also what is no value, such as a password that begins with
/// `*` or `&` and is taken for an alias. `None` when nothing but `${NAME}` stands there.
fn hidden(page: &str, key: &Key, value: &Node) -> Option<Span> {
    let between = page.get(key.span.end..value.span.end)?;
    let text = between.trim_start().strip_prefix(':').unwrap_or(between).trim_start();
    let bare = text.trim().trim_matches(['"', '\'']);
    (!matches!(bare, "" | "{}" | "[]") && !only_names(bare)).then(|| value.span.end - text.len()..value.span.end)
}

fn is_harmless(setting: &str, platforms: &[&'static Platform]) -> bool {
    let all = || COMMON.iter().chain(platforms.iter().flat_map(|one| one.settings)).filter(|one| one.name == setting);
    setting == "platform" || (all().next().is_some() && all().all(|one| !one.secret))
}

/// The page for messages when it cannot be understood: what follows a name that sounds like a secret is masked to the
/// end of its line.
pub(super) fn mask_lines(page: &str) -> String {
    let Ok(secret) = Regex::new(r#"(?i)[\w-]*(?:token|key|password|secret)[\w-]*["']?\s*[:=]\s*([^\r\n]*)"#) else {
        return String::new();
    };
    let values = secret.captures_iter(page).filter_map(|found| found.get(1));
    let values = values.filter(|value| !only_names(value.as_str())).map(|value| value.range());
    mask(page, &values.collect::<Vec<_>>())
}

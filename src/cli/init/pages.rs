//! The text of the files that `ferry init` writes.

use super::answers::{Answers, Given};
use std::fmt::Write;

/// The name of the environment file.
pub(super) const ENV_FILE: &str = ".env";

/// The files of a first connection.
pub(super) struct Page<'a> {
    pub answers: &'a Answers,
    /// The line by which an editor finds the schema.
    pub schema: Option<String>,
}

impl Page<'_> {
    /// `ferry.yaml`; while nothing is written yet, without the environment file.
    pub fn config(&self, has_env_file: bool) -> String {
        let Answers { name, platform, settings, .. } = self.answers;
        let mut page = self.schema.iter().fold(String::new(), |page, line| page + line + "\n");
        let _ = writeln!(page, "# Settings: ferry platforms {platform}. Jobs: docs/nightly.md");
        if has_env_file {
            let _ = writeln!(page, "env_file: {ENV_FILE}                  # read first; never printed");
        }
        let _ = writeln!(page, "connections:\n  {name}:\n    platform: {platform}");
        for answer in settings {
            let value = match &answer.value {
                Given::Plain(value) => plain(value),
                Given::Secret(variable, _) | Given::FromEnvironment(variable) | Given::Missing(variable) => {
                    format!("${{{variable}}}")
                }
            };
            let _ = writeln!(page, "    {}: {value}", answer.setting);
        }
        let _ = write!(
            page,
            "\n# jobs:\n#   nightly:\n#     export: {{ from: {name}, out: \"exports/{name}-{{date}}.csv.gz\" }}\n#     retain: 30d\n"
        );
        page
    }

    /// The environment file.
    pub fn env(&self) -> String {
        let mut page =
            "# Secrets for ferry.yaml: NAME='value', one per line. Keep this file out of version control.\n".to_owned();
        for answer in &self.answers.settings {
            let _ = match &answer.value {
                Given::Plain(_) => Ok(()),
                Given::Secret(variable, value) => writeln!(page, "{variable}={}", quoted(value)),
                Given::FromEnvironment(variable) => writeln!(page, "# {variable} is taken from the environment"),
                Given::Missing(variable) => writeln!(page, "# {}\n# {variable}=", answer.help),
            };
        }
        page
    }
}

/// A text of YAML: without quotes where it stays a text.
fn plain(value: &str) -> String {
    let is_plain = value.starts_with(|c: char| c.is_ascii_alphanumeric())
        && value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'));
    if is_plain { value.to_owned() } else { serde_json::Value::from(value).to_string() }
}

/// A value of an environment file.
fn quoted(value: &str) -> String {
    match value.contains('\'') {
        false => format!("'{value}'"),
        true => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

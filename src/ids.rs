//! The names that all parts of a run share: its command, its status, what makes two runs the same work, and the state of
//! a source file. It decides nothing and reads nothing but a file's size and time.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// A command that begins a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum CommandKind {
    #[default]
    Import,
    Migrate,
    Apply,
    Verify,
    Undo,
    Export,
    Convert,
}

/// The command that resumes a run; it begins none.
pub const RESUME: &str = "resume";

/// Every command that begins a run, with its name.
pub const COMMANDS: [(CommandKind, &str); 7] = [
    (CommandKind::Import, "import"),
    (CommandKind::Migrate, "migrate"),
    (CommandKind::Apply, "apply"),
    (CommandKind::Verify, "verify"),
    (CommandKind::Undo, "undo"),
    (CommandKind::Export, "export"),
    (CommandKind::Convert, "convert"),
];

impl CommandKind {
    /// The name, as it is typed and as it stands in files.
    pub fn name(self) -> &'static str {
        COMMANDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    /// The command of this name.
    pub fn named(name: &str) -> Option<CommandKind> {
        COMMANDS.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }

    /// Whether its runs write contacts to a platform, so that they can be undone.
    pub fn writes_to_platform(self) -> bool {
        !matches!(self, CommandKind::Export | CommandKind::Convert)
    }

    /// Whether its runs say what is wanted at a platform, so that they can be verified.
    pub fn can_be_verified(self) -> bool {
        matches!(self, CommandKind::Import | CommandKind::Migrate | CommandKind::Apply)
    }
}

impl fmt::Display for CommandKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunStatus {
    /// Every record has its outcome.
    #[default]
    Done,
    /// There is more to do: it was stopped or killed, or another process works on it.
    Unfinished,
    /// It wrote nothing, and is never resumed.
    DryRun,
    /// It was undone before it was done, and is never resumed.
    Undone,
}

/// Every status of a run.
pub const STATUSES: [RunStatus; 4] = [RunStatus::Done, RunStatus::Unfinished, RunStatus::DryRun, RunStatus::Undone];

impl RunStatus {
    /// The status of this name.
    pub fn named(name: &str) -> Option<RunStatus> {
        STATUSES.into_iter().find(|status| status.name() == name)
    }

    /// `done`, or what is left to do.
    pub fn of(is_done: bool) -> RunStatus {
        if is_done { RunStatus::Done } else { RunStatus::Unfinished }
    }

    /// The name, as it stands in files and lists.
    pub fn name(self) -> &'static str {
        match self {
            RunStatus::Done => "done",
            RunStatus::Unfinished => "unfinished",
            RunStatus::DryRun => "dry-run",
            RunStatus::Undone => "undone",
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The fingerprint of what makes two runs the same work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkId(String);

impl WorkId {
    /// The fingerprint of a description.
    pub fn of(description: &str) -> WorkId {
        WorkId(blake3::hash(description.as_bytes()).to_hex().to_string())
    }

    /// A fingerprint that was stored.
    pub fn stored(text: impl Into<String>) -> WorkId {
        WorkId(text.into())
    }

    /// The fingerprint as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The state of a source: two equal stamps mean that it has not changed, as far as that can be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, u128)", into = "(u64, u128)")]
pub struct SourceStamp {
    /// Its length: bytes of a file, contacts of an account.
    len: u64,
    /// When a file was last changed, in nanoseconds since 1970; of an account, whether all of it was read.
    version: u128,
}

impl SourceStamp {
    /// Size and time of change of a file; `None` when they cannot be read.
    pub fn of_file(path: &Path) -> Option<SourceStamp> {
        let metadata = std::fs::metadata(path).ok()?;
        let changed = metadata.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(SourceStamp { len: metadata.len(), version: changed.as_nanos() })
    }

    /// An account of which so many contacts are on disk. It is read once and does not change; where a limit ended the
    /// reading, it only grows.
    pub fn of_account(contacts: u64, is_whole: bool) -> SourceStamp {
        SourceStamp { len: contacts, version: u128::from(is_whole) }
    }
}

impl From<(u64, u128)> for SourceStamp {
    fn from((len, version): (u64, u128)) -> SourceStamp {
        SourceStamp { len, version }
    }
}

impl From<SourceStamp> for (u64, u128) {
    fn from(stamp: SourceStamp) -> (u64, u128) {
        (stamp.len, stamp.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_in_files_as_in_lists() {
        for (kind, name) in COMMANDS {
            assert_eq!(serde_json::to_value(kind).unwrap(), name);
            assert_eq!((CommandKind::named(name), kind.name()), (Some(kind), name));
        }
        for status in STATUSES {
            assert_eq!(serde_json::to_value(status).unwrap(), status.name());
            assert_eq!(RunStatus::named(status.name()), Some(status));
        }
    }

    #[test]
    fn a_stamp_is_stored_as_two_numbers() {
        let stamp = SourceStamp::of_account(7, true);
        assert_eq!(serde_json::to_string(&stamp).unwrap(), "[7,1]");
        assert_eq!(serde_json::from_str::<SourceStamp>("[7,1]").unwrap(), stamp);
    }
}

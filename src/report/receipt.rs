//! The receipt of a finished run: what was read, by which rules, where it went, its outcome, and the fingerprints
//! by which all that can be proven later. Plain data: it computes nothing, and holds no secret and no value of a record.

use super::figures::{Changes, Requests, Sums, tenths};
use crate::ids::{CommandKind, RunStatus};
use crate::outcome::Totals;
use crate::scratch::spool::Completeness;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Its name in the folder of the run.
pub const FILE: &str = "receipt.json";

/// The version of its shape: keys are only ever added to one.
pub const VERSION: u32 = 1;

/// The receipt, as `receipt.json` has it. Every key is always there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// [`VERSION`].
    pub receipt: u32,
    /// The version of Ferry.
    pub ferry: String,
    /// The run's name.
    pub run: String,
    /// The command.
    pub command: CommandKind,
    /// How the run stands: `done`.
    pub status: RunStatus,
    /// When its first process began: RFC 3339 with the local offset.
    pub started: String,
    /// When it ended: the same.
    pub ended: String,
    /// How long all its processes took, in seconds.
    #[serde(serialize_with = "tenths")]
    pub seconds: f64,
    /// Where the records came from.
    pub source: End,
    /// By which mapping; none: by the names of the columns, or field by field.
    pub mapping: Option<MappingUsed>,
    /// Where they went.
    pub target: End,
    /// The totals.
    pub records: Totals,
    /// Records left out on purpose, by why.
    pub skipped: Sums,
    /// Rejects by their first code.
    pub rejects: Sums,
    /// What the target has no room for, by field or by field and value.
    pub not_carried: Sums,
    /// Values that were left out of a record that arrived, by code.
    #[serde(default)]
    pub left_blank: Sums,
    /// Values that were emptied at the target.
    pub cleared: u64,
    /// Changes of existing contacts, by field, as the target confirmed them. What a killed process never heard
    /// of is in the totals alone.
    pub changed_fields: Sums,
    /// What went over the line.
    pub requests: Requests,
    /// How the completeness of a source platform was established.
    pub completeness: Option<Completeness>,
    /// What is not as it was in the export before, where that was asked.
    pub changes: Option<Changes>,
    /// What reading back has shown; none until that was done.
    pub verify: Option<Map<String, Value>>,
    /// Where the rejects are.
    pub rejects_file: Option<String>,
}

/// One end of the line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum End {
    /// A file.
    File {
        /// As it was named; `-`: standard input or output.
        file: String,
        /// How long it is as stored; none: it is no longer known.
        bytes: Option<u64>,
        /// `blake3:` and the hash of its bytes as stored.
        fingerprint: Option<String>,
    },
    /// An account on a platform.
    Platform {
        /// The connection's name.
        connection: String,
        /// The platform's.
        platform: String,
        /// The platform's title, for the report page only.
        #[serde(skip)]
        title: String,
        /// Its address.
        address: String,
        /// As a source: how many were read from it.
        contacts: Option<u64>,
        /// `blake3:` and a hash: of a source, that of the contacts as they were read, each as JSON with a line feed; of a
        /// target, that of the connection's name, the platform and the address, each with a line feed.
        fingerprint: Option<String>,
    },
    /// What another run wrote.
    Run {
        /// The name of that run.
        run: String,
    },
}

impl Default for End {
    fn default() -> End {
        End::File { file: String::new(), bytes: None, fingerprint: None }
    }
}

/// The mapping of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingUsed {
    /// As it was named.
    pub name: String,
    /// `blake3:` and the hash of what it says: comments and blanks do not count.
    pub fingerprint: String,
}

impl Receipt {
    /// The page of `receipt.json`, with a line feed at its end.
    pub fn json(&self) -> String {
        let text = serde_json::to_string_pretty(self);
        text.unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}")) + "\n"
    }
}

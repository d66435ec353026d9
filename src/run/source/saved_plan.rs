//! `ferry apply`: a saved plan as the source of a run. Each of its lines is a contact, with what was to change.

use crate::files::{self, Format};
use crate::ids::CommandKind;
use crate::outcome::Failure;
use crate::plan::SourcePlan;
use crate::platforms::diff::OnExisting;
use crate::record::{Fields, Record};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The only version of plans.
pub(in crate::run) const PLAN_VERSION: u32 = 1;

/// What the sandbox is called as an address.
pub const SANDBOX: &str = "sandbox";

/// What a plan is: it stands under `plan` in its first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanHead {
    /// The version.
    pub ferry_plan: u32,
    /// The command that wrote it.
    pub command: CommandKind,
    /// What that read.
    pub source: String,
    /// The connection to write to.
    pub connection: String,
    /// Its platform.
    pub platform: String,
    /// Where that is.
    pub address: String,
    /// The fingerprint of the mapping.
    pub mapping: String,
    /// `update`, `fill` or `skip`.
    pub on_existing: String,
    #[allow(missing_docs)]
    pub only_existing: bool,
    #[allow(missing_docs)]
    pub create_attributes: bool,
    /// The fields by which contacts are found.
    pub identity: Vec<String>,
    /// When it was written: local time.
    pub made: String,
}

impl PlanHead {
    /// The head of a saved plan.
    ///
    /// # Errors
    /// Exit 2 when the file is not a plan that can be applied.
    pub fn read(source: &SourcePlan) -> Result<PlanHead, Failure> {
        let shown = &source.shown;
        let no_plan = || {
            Failure::usage(format!("`{shown}` is not a plan that can be applied"))
                .hint("create one: run the import or migration with `--dry-run --plan plan.jsonl`")
        };
        if Format::of_path(Path::new(shown)).is_some_and(Format::is_table) {
            return Err(Failure::usage(format!("`{shown}` is a table, which is for reading"))
                .hint("a plan that can be applied is JSON Lines: `--dry-run --plan plan.jsonl`"));
        }
        let mut opened = files::open(&source.path, shown, &source.options)?;
        let Some(Ok(Record { fields: Fields::Json(first), .. })) = opened.source.next() else { return Err(no_plan()) };
        let head = first.get("plan").cloned().unwrap_or_default();
        let head: PlanHead = serde_json::from_value(head).map_err(|_| no_plan())?;
        if head.ferry_plan != PLAN_VERSION {
            return Err(Failure::usage(format!("`{shown}` is a plan of version {}", head.ferry_plan))
                .hint("it was written by a newer version of Ferry: create it again with this one"));
        }
        Ok(head)
    }

    /// Whether it is for the sandbox.
    pub fn is_sandbox(&self) -> bool {
        self.address == SANDBOX
    }

    /// How existing contacts are handled.
    pub fn on_existing(&self) -> OnExisting {
        match self.on_existing.as_str() {
            "fill" => OnExisting::Fill,
            "skip" => OnExisting::Skip,
            _ => OnExisting::Update,
        }
    }
}

/// How existing contacts are handled, as the head of a plan has it.
pub(in crate::run) fn on_existing_name(on_existing: OnExisting) -> &'static str {
    match on_existing {
        OnExisting::Update => "update",
        OnExisting::Fill => "fill",
        OnExisting::Skip => "skip",
    }
}

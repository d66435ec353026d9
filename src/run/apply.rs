//! `ferry apply`: a saved plan as the source of a run. Each of its lines is a person, with what was to change.

use crate::files::{self, Format};
use crate::ids::CommandKind;
use crate::outcome::{Failure, Problem, Skip};
use crate::plan::SourcePlan;
use crate::platforms::diff::OnExisting;
use crate::reconcile::promise::{Parcel, Promise};
use crate::record::{Fields, Record};
use crate::run::import::ImportPlan;
use crate::run::item::{Candidate, Item, reject_of};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// The only version of plans.
const VERSION: u32 = 1;

/// What the sandbox is called as an address.
pub(super) const SANDBOX: &str = "sandbox";

/// What a plan is: it stands under `plan` in its first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanHead {
    /// The version.
    pub ferry_plan: u32,
    /// The command that made it.
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
    /// By which fields people are found.
    pub identity: Vec<String>,
    /// When it was made: local time.
    pub made: String,
}

impl PlanHead {
    /// The head of the plan that this work makes.
    pub(super) fn of(plan: &ImportPlan, finds_by: &[crate::contact::Field]) -> PlanHead {
        PlanHead {
            ferry_plan: VERSION,
            command: plan.command(),
            source: plan.source.shown.clone(),
            connection: plan.connection.name.clone(),
            platform: plan.connection.platform.name.to_owned(),
            address: plan.address.clone(),
            mapping: plan.source.mapping_identity(),
            on_existing: match plan.on_existing {
                OnExisting::Update => "update",
                OnExisting::Fill => "fill",
                OnExisting::Skip => "skip",
            }
            .to_owned(),
            only_existing: plan.only_existing,
            create_attributes: plan.create_attributes,
            identity: finds_by.iter().map(|field| field.name().to_owned()).collect(),
            made: jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S").to_string(),
        }
    }

    /// The head of a saved plan.
    ///
    /// # Errors
    /// Exit 2 when the file is no plan that can be applied.
    pub fn read(source: &SourcePlan) -> Result<PlanHead, Failure> {
        let shown = &source.shown;
        let no_plan = || {
            Failure::usage(format!("`{shown}` is no plan that can be applied"))
                .hint("make one: the import or migration with `--dry-run --plan plan.jsonl`")
        };
        if Format::of_path(Path::new(shown)).is_some_and(Format::is_table) {
            return Err(Failure::usage(format!("`{shown}` is a table, which is for reading"))
                .hint("a plan that can be applied is JSON Lines: `--dry-run --plan plan.jsonl`"));
        }
        let mut opened = files::open(&source.path, shown, &source.options)?;
        let Some(Ok(Record { fields: Fields::Json(first), .. })) = opened.source.next() else { return Err(no_plan()) };
        let head = first.get("plan").cloned().unwrap_or_default();
        let head: PlanHead = serde_json::from_value(head).map_err(|_| no_plan())?;
        if head.ferry_plan != VERSION {
            return Err(Failure::usage(format!("`{shown}` is a plan of version {}", head.ferry_plan))
                .hint("it was made by a newer Ferry: make it again with this one"));
        }
        Ok(head)
    }

    /// Whether it was made for the sandbox.
    pub fn is_sandbox(&self) -> bool {
        self.address == SANDBOX
    }

    /// What becomes of contacts that are there.
    pub fn on_existing(&self) -> OnExisting {
        match self.on_existing.as_str() {
            "fill" => OnExisting::Fill,
            "skip" => OnExisting::Skip,
            _ => OnExisting::Update,
        }
    }

    /// A plan is for the account that it was made for.
    ///
    /// # Errors
    /// Exit 2 when the connection leads elsewhere now.
    pub(super) fn check(&self, plan: &ImportPlan) -> Result<(), Failure> {
        let now = [plan.connection.platform.name, &plan.address];
        if now == [self.platform.as_str(), &self.address] {
            return Ok(());
        }
        let (name, [platform, address]) = (&self.connection, now);
        let was = format!("{} at `{}`", self.platform, self.address);
        Err(Failure::usage(format!(
            "`{}` was made for {was}, and `{name}` is {platform} at `{address}` now",
            plan.source.shown
        ))
        .hint("make another plan for what the connection is now"))
    }
}

/// A line of a plan; one by which nothing is to be written is left out.
pub(super) fn item(record: Record) -> Item {
    let Fields::Json(line) = &record.fields else { return unreadable(record) };
    let Some(send) = line.get("send") else {
        let is_line = line.get("outcome").is_some_and(Value::is_string);
        return if is_line { Item::Skipped(record.origin, Skip::Filtered) } else { unreadable(record) };
    };
    let changes = line.get("changes").cloned().and_then(|changes| serde_json::from_value(changes).ok());
    let (Some(Parcel { wanted, identities, not_carried, seen }), Some(changes)) = (Parcel::from_json(send), changes)
    else {
        return unreadable(record);
    };
    let text = |name: &str| line.get(name).and_then(Value::as_str).map(str::to_owned);
    let creates = text("outcome").as_deref() == Some("created");
    let promise = Promise { creates, target_id: text("target_id"), changes, seen };
    let promise = Some(Arc::new(promise));
    let mut merges_by = identities.clone();
    merges_by.dedup_by_key(|identity| identity.field);
    Item::Candidate(Box::new(Candidate { record, wanted, not_carried, merges_by, identities, promise }))
}

fn unreadable(record: Record) -> Item {
    let problem = Problem::new("plan.unreadable", "this line is not as a dry run writes it")
        .hint("make another plan: the same command with `--dry-run --plan`");
    Item::Rejected(reject_of(record, vec![problem]))
}

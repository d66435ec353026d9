//! What a run is asked to transfer, checked: from where, to where, with which effect.
//!
//! It is plain data and what follows from it alone. Nothing here reads a source or a platform.

use crate::contact::Field;
use crate::ids::{CommandKind, WorkId};
use crate::mapping::Duplicates;
use crate::mapping::phone::Region;
use crate::outcome::Failure;
use crate::plan::suggest::Typed;
use crate::plan::{Connection, SourcePlan, WorkAsked};
use crate::platforms::diff::OnExisting;
use crate::run::active::record::RunRecord;
use crate::run::source::saved_plan::{PLAN_VERSION, PlanHead};
use std::path::PathBuf;
use std::time::Duration;

/// A checked import.
pub struct ImportPlan {
    /// The file and its mapping; of a platform as the source, only the mapping.
    pub source: SourcePlan,
    /// The platform as the source.
    pub from: Option<FromPlatform>,
    /// Where to.
    pub connection: Connection,
    /// The address without what may change between two processes of one run.
    pub address: String,
    /// What a contact that is there already gets.
    pub on_existing: OnExisting,
    /// No contact is created.
    pub only_existing: bool,
    /// Custom attributes that the account does not define are defined.
    pub create_attributes: bool,
    /// Nothing is written; what would be is told.
    pub dry: Option<DryPlan>,
    /// The run whose values are corrected; no contact is created.
    pub correct: Option<RunRecord>,
    /// What a run meant to be there is compared with what is there.
    pub verify: Option<VerifyPlan>,
    /// The source is a saved plan: its first line.
    pub apply: Option<PlanHead>,
    /// The rest of what was asked.
    pub work: WorkAsked,
    /// How long to wait for an unavailable platform.
    pub wait: Duration,
    /// The folder of all runs and checkpoints.
    pub state: PathBuf,
    /// What was typed.
    pub typed: Typed,
    /// The region of the connection.
    pub connection_region: Option<Region>,
}

impl ImportPlan {
    /// The command that it is.
    pub fn command(&self) -> CommandKind {
        match &self.verify {
            Some(_) => CommandKind::Verify,
            None => self.work_command(),
        }
    }

    /// The command whose work it does.
    pub(super) fn work_command(&self) -> CommandKind {
        match (&self.apply, &self.from) {
            (Some(_), _) => CommandKind::Apply,
            (None, Some(_)) => CommandKind::Migrate,
            (None, None) => CommandKind::Import,
        }
    }

    /// What makes two runs the same work.
    pub(super) fn work_id(&self) -> WorkId {
        let source = match &self.from {
            None => self.source.identity(),
            Some(from) => format!("{} {} {}", from.connection.name, from.connection.facts().name, from.address),
        };
        let parts = format!(
            "{}\n{source}\n{}\n{}\n{}\n{}\n{:?}\n{}",
            self.work_command(),
            self.connection.facts().name,
            self.address,
            self.source.mapping_identity(),
            self.source.reading_identity(),
            self.on_existing,
            self.only_existing
        );
        match &self.correct {
            None => WorkId::of(&parts),
            Some(of) => WorkId::of(&format!("{parts}\n{}", of.run)),
        }
    }

    /// How further records of a contact are handled.
    pub(super) fn duplicates(&self) -> Duplicates {
        match (&self.apply, &self.source.mapping) {
            (Some(_), _) => Duplicates::First,
            (None, Some((mapping, _))) => mapping.duplicates,
            (None, None) => Duplicates::Merge,
        }
    }

    /// The head of the plan that this work makes.
    pub(super) fn head(&self, finds_by: &[Field]) -> PlanHead {
        PlanHead {
            ferry_plan: PLAN_VERSION,
            command: self.command(),
            source: self.source.shown.clone(),
            connection: self.connection.name.clone(),
            platform: self.connection.facts().name.to_string(),
            address: self.address.clone(),
            mapping: self.source.mapping_identity(),
            on_existing: match self.on_existing {
                OnExisting::Update => "update",
                OnExisting::Fill => "fill",
                OnExisting::Skip => "skip",
            }
            .to_owned(),
            only_existing: self.only_existing,
            create_attributes: self.create_attributes,
            identity: finds_by.iter().map(|field| field.name().to_owned()).collect(),
            made: jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S").to_string(),
        }
    }

    /// A plan is for the account that it was made for.
    ///
    /// # Errors
    /// Exit 2 when the connection leads elsewhere now.
    pub(super) fn check_account(&self, head: &PlanHead) -> Result<(), Failure> {
        let now = [&*self.connection.facts().name, &self.address];
        if now == [head.platform.as_str(), &head.address] {
            return Ok(());
        }
        let (name, [platform, address]) = (&head.connection, now);
        let was = format!("{} at `{}`", head.platform, head.address);
        Err(Failure::usage(format!(
            "`{}` was made for {was}, and `{name}` is {platform} at `{address}` now",
            self.source.shown
        ))
        .hint("make another plan for what the connection is now"))
    }
}

/// A platform as the source of a run.
#[derive(Clone, Debug)]
pub struct FromPlatform {
    /// Where from.
    pub connection: Connection,
    /// The address without what may change between two processes of one run.
    pub address: String,
    /// The folder to which paths in its settings are relative.
    pub config_folder: PathBuf,
}

/// What was asked of a dry run.
#[derive(Clone, Debug, Default)]
pub struct DryPlan {
    /// Where every record is written with the outcome that it would have.
    pub file: Option<PathBuf>,
}

/// What is to be verified.
#[derive(Clone, Debug)]
pub struct VerifyPlan {
    /// The run.
    pub run: RunRecord,
    /// Its folder.
    pub folder: PathBuf,
    /// Compare also when the source or the mapping is not what it was.
    pub anyway: bool,
    /// Where each contact is written as one line.
    pub out: PathBuf,
}

impl VerifyPlan {
    /// What makes two repairs the same work.
    pub fn repair_of(&self) -> WorkId {
        WorkId::of(&format!("repair of {}\n{}", self.run.run, self.run.work))
    }

    /// The source or the mapping is not what it was.
    pub(super) fn changed(&self, what: &str) -> Failure {
        Failure::usage(format!("{what}, so the values that `{}` was to write are no longer known", self.run.run))
            .hint("use `--anyway` to compare the records as they are now")
    }
}

//! What a run that writes to a platform is asked to do, checked: what is transferred, to where, and by which rules.
//!
//! It is plain data and what follows from it alone. A combination that no command offers, such as the preview of a saved
//! plan, cannot be expressed. Nothing here reads a source or a platform.

use crate::ids::{CommandKind, WorkId};
use crate::mapping::phone::Region;
use crate::outcome::Failure;
use crate::plan::suggest::Typed;
use crate::plan::work::Effect;
use crate::plan::{Connection, SourcePlan, WorkAsked};
use crate::platforms::diff::OnExisting;
use crate::run::active::record::RunRecord;
use crate::run::source::saved_plan::PlanHead;
use crate::store::StateDir;
use std::path::PathBuf;
use std::time::Duration;

/// A checked transfer of contacts into a platform.
pub struct TransferPlan {
    /// What is done.
    pub work: Work,
    /// Where to.
    pub to: TargetPlan,
    /// What is done with contacts that exist, and with those that do not.
    pub rules: Rules,
    /// The rest of what was asked.
    pub limits: WorkAsked,
    /// The folder of all runs and checkpoints.
    pub state: StateDir,
    /// What was typed.
    pub typed: Typed,
}

/// What is done.
pub enum Work {
    /// Contacts are transferred, or it is shown what that would change.
    Transfer(Transfer, Effect),
    /// A saved plan is applied: the plan was the preview.
    Apply(SavedPlan),
    /// What a run wanted at the target is compared with what is there.
    Verify(Replay, Box<VerifyPlan>, Check),
}

/// Which contacts are transferred.
pub enum Transfer {
    /// Those of a file.
    Import(SourcePlan),
    /// Those of a file, which correct what this run wrote; no contact is created.
    Correct(SourcePlan, Box<RunRecord>),
    /// Those of an account; of the source only the mapping and the region.
    Migrate(SourcePlan, Box<FromPlatform>),
}

/// The work that is compared with the target.
pub enum Replay {
    #[allow(missing_docs)]
    Transfer(Transfer),
    #[allow(missing_docs)]
    Apply(SavedPlan),
}

/// What is done about contacts that differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// They are listed.
    Report,
    /// They are written again.
    Repair,
}

/// A saved plan as a source.
pub struct SavedPlan {
    /// The file.
    pub source: SourcePlan,
    /// Its first line.
    pub head: PlanHead,
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

/// The account that is written to.
#[derive(Clone, Debug)]
pub struct TargetPlan {
    #[allow(missing_docs)]
    pub connection: Connection,
    /// The address without what may change between two processes of one run.
    pub address: String,
    /// How long to wait for an unavailable platform.
    pub wait: Duration,
    /// The country of its phones.
    pub region: Option<Region>,
}

/// What is done with contacts that exist, and with those that do not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// What a contact that exists gets.
    pub on_existing: OnExisting,
    /// No contact is created.
    pub only_existing: bool,
    /// Custom attributes that the account does not define are defined.
    pub create_attributes: bool,
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

/// A checked undo.
pub struct UndoPlan {
    /// The run that is undone.
    pub of: RunRecord,
    /// Only this field is restored.
    pub only: Option<String>,
    /// Whether it is done, or only shown.
    pub effect: Effect,
    /// Every contact with its outcome.
    pub results: Option<PathBuf>,
    /// Where it wrote to.
    pub to: TargetPlan,
    /// The folder of all runs and checkpoints.
    pub state: StateDir,
    /// What was typed.
    pub typed: Typed,
}

impl Work {
    fn transfer(&self) -> Option<&Transfer> {
        match self {
            Work::Transfer(transfer, _) | Work::Verify(Replay::Transfer(transfer), ..) => Some(transfer),
            Work::Apply(_) | Work::Verify(Replay::Apply(_), ..) => None,
        }
    }

    /// The file of records, as it is called; none where an account or a saved plan is read.
    pub fn file(&self) -> Option<&str> {
        match self.transfer()? {
            Transfer::Import(source) | Transfer::Correct(source, _) => Some(&source.shown),
            Transfer::Migrate(..) => None,
        }
    }

    /// The account that is read.
    pub fn account_mut(&mut self) -> Option<&mut FromPlatform> {
        match self {
            Work::Transfer(Transfer::Migrate(_, from), _)
            | Work::Verify(Replay::Transfer(Transfer::Migrate(_, from)), ..) => Some(from),
            _ => None,
        }
    }
}

impl TransferPlan {
    /// What makes two runs the same work. `identity`: that of the source.
    pub(super) fn work_id(&self, kind: CommandKind, source: &SourcePlan, identity: &str) -> WorkId {
        WorkId::of(&self.described(kind, source, identity))
    }

    /// The same for the correction of a run.
    pub(super) fn correction_id(&self, source: &SourcePlan, of: &RunRecord) -> WorkId {
        let parts = self.described(CommandKind::Import, source, &source.identity());
        WorkId::of(&format!("{parts}\n{}", of.run))
    }

    fn described(&self, kind: CommandKind, source: &SourcePlan, identity: &str) -> String {
        format!(
            "{kind}\n{identity}\n{}\n{}\n{}\n{}\n{:?}\n{}",
            self.to.connection.facts().name,
            self.to.address,
            source.mapping_identity(),
            source.reading_identity(),
            self.rules.on_existing,
            self.rules.only_existing
        )
    }
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

impl UndoPlan {
    /// What makes two undos the same work.
    pub(super) fn work_id(&self) -> WorkId {
        let parts = format!("{}\n{}\n{}", CommandKind::Undo, self.of.run, self.only.as_deref().unwrap_or_default());
        WorkId::of(&parts)
    }
}

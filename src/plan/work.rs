//! What a run is asked to do, as data. A run stores it; resuming, verifying and undoing the run read it.
//!
//! It holds names, paths and options, and no secret; nothing was read yet. A combination that no command offers, such as
//! the correction of a migration or the preview of a saved plan, cannot be expressed.

use super::{SourceAsked, TargetAsked, WorkAsked};
use crate::files::Format;
use crate::ids::CommandKind;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The only version of stored plans.
const VERSION: u32 = 1;

/// The plan of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    version: u32,
    /// What is done.
    pub work: Work,
    /// The configuration that was named.
    pub config: Option<PathBuf>,
}

/// What a run does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Work {
    Transfer(Transfer, Effect),
    Apply(SavedPlan),
    /// The repair of what a verification found.
    Verify(Repair),
    Undo(Undo),
    Convert(Conversion),
    Export(Box<Export>),
}

/// Contacts into a platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Transfer {
    pub source: TransferSource,
    pub target: TargetAsked,
    pub limits: WorkAsked,
}

/// Where the contacts of a transfer are read, and what is wanted of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferSource {
    /// A file.
    Import(SourceAsked),
    /// A file, which corrects what the run of this name wrote.
    Correct(SourceAsked, String),
    /// An account, by the name of its connection; of the rest only the mapping and the region.
    Migrate(String, SourceAsked),
}

/// Where the effects of a transfer go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// To the target.
    Write,
    /// Nowhere: a dry run, which may save a plan.
    Preview {
        /// The file of the plan.
        plan_file: Option<PathBuf>,
    },
}

/// A saved plan that is applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SavedPlan {
    pub file: PathBuf,
    pub pace: Pace,
    pub limits: WorkAsked,
}

/// What differs from what a run wanted is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// The run.
    pub of: String,
    /// Also when its source or mapping has changed.
    pub anyway: bool,
    /// Where each contact is listed.
    pub out: Option<PathBuf>,
}

/// What a run wrote is undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// The run.
    pub of: String,
    /// Only this field.
    pub only: Option<String>,
    /// Where each contact is listed with its outcome.
    pub results: Option<PathBuf>,
    /// How fast.
    pub pace: Pace,
}

/// A file into a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Conversion {
    pub source: SourceAsked,
    pub out: PathBuf,
    pub limits: WorkAsked,
}

/// An account into a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Export {
    pub from: String,
    pub sandbox: bool,
    /// The name of the list: `contacts`, `agents`, …
    pub what: String,
    pub map: Option<PathBuf>,
    pub region: Option<String>,
    /// `-`: standard output.
    pub out: PathBuf,
    pub format: Option<Format>,
    pub raw_cells: bool,
    pub since: Option<String>,
    pub changes: Option<PathBuf>,
    pub retain: Option<String>,
    pub at_least: Option<u64>,
    pub limits: WorkAsked,
    pub pace: Pace,
}

/// How fast requests are sent, and how long an unavailable platform is waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Pace {
    pub rate: Option<String>,
    pub concurrency: Option<u64>,
    pub wait: Option<String>,
}

impl Plan {
    /// A plan of this work.
    pub fn new(work: Work, config: Option<PathBuf>) -> Plan {
        Plan { version: VERSION, work, config }
    }

    /// Whether this program understands it.
    pub fn is_known(&self) -> bool {
        self.version == VERSION
    }

    /// The same plan, for a process that was started in another folder: paths that are relative to `folder` become
    /// absolute. Messages name the source as it was typed.
    pub fn in_folder(mut self, folder: &Path) -> Plan {
        let into = |path: &mut PathBuf| {
            if path.as_os_str() != "-" {
                *path = folder.join(&path);
            }
        };
        self.config.iter_mut().for_each(into);
        match &mut self.work {
            Work::Transfer(transfer, effect) => {
                match &mut transfer.source {
                    TransferSource::Import(source) | TransferSource::Correct(source, _) => source.in_folder(folder),
                    TransferSource::Migrate(_, rules) => rules.map_in_folder(folder),
                }
                transfer.limits.in_folder(folder);
                if let Effect::Preview { plan_file } = effect {
                    plan_file.iter_mut().for_each(into);
                }
            }
            Work::Apply(plan) => {
                into(&mut plan.file);
                plan.limits.in_folder(folder);
            }
            Work::Verify(repair) => repair.out.iter_mut().for_each(into),
            Work::Undo(undo) => undo.results.iter_mut().for_each(into),
            Work::Convert(conversion) => {
                conversion.source.in_folder(folder);
                into(&mut conversion.out);
                conversion.limits.in_folder(folder);
            }
            Work::Export(export) => {
                into(&mut export.out);
                export.map.iter_mut().for_each(|map| map_in(map, folder));
                export.changes.iter_mut().for_each(into);
                export.limits.in_folder(folder);
            }
        }
        self
    }

    /// The same plan for resuming its run: it does not start over, and the limit of one start is gone.
    pub fn resumed(mut self) -> Plan {
        let limits = match &mut self.work {
            Work::Transfer(transfer, _) => &mut transfer.limits,
            Work::Apply(plan) => &mut plan.limits,
            Work::Convert(conversion) => &mut conversion.limits,
            Work::Export(export) => &mut export.limits,
            Work::Verify(_) | Work::Undo(_) => return self,
        };
        (limits.fresh, limits.limit) = (false, None);
        self
    }
}

impl Work {
    /// The command that does it.
    pub fn kind(&self) -> CommandKind {
        match self {
            Work::Transfer(Transfer { source: TransferSource::Migrate(..), .. }, _) => CommandKind::Migrate,
            Work::Transfer(..) => CommandKind::Import,
            Work::Apply(_) => CommandKind::Apply,
            Work::Verify(_) => CommandKind::Verify,
            Work::Undo(_) => CommandKind::Undo,
            Work::Convert(_) => CommandKind::Convert,
            Work::Export(_) => CommandKind::Export,
        }
    }

    /// Whether it is about this run.
    pub fn is_about(&self, run: &str) -> bool {
        match self {
            Work::Transfer(Transfer { source: TransferSource::Correct(_, of), .. }, _) => of == run,
            Work::Verify(Repair { of, .. }) | Work::Undo(Undo { of, .. }) => of == run,
            _ => false,
        }
    }

    /// The files that it reads: what each is, and its path.
    pub fn files_read(&self) -> Vec<(&'static str, &Path)> {
        let (source, map): (Option<&Path>, Option<&Path>) = match self {
            Work::Transfer(transfer, _) => match &transfer.source {
                TransferSource::Import(source) | TransferSource::Correct(source, _) => {
                    (Some(&source.file), source.map.as_deref())
                }
                TransferSource::Migrate(_, rules) => (None, rules.map.as_deref()),
            },
            Work::Apply(plan) => (Some(&plan.file), None),
            Work::Convert(conversion) => (Some(&conversion.source.file), conversion.source.map.as_deref()),
            Work::Export(export) => (None, export.map.as_deref()),
            Work::Verify(_) | Work::Undo(_) => (None, None),
        };
        let files = [("source", source), ("mapping", map)];
        files.into_iter().filter_map(|(what, path)| Some((what, path?))).collect()
    }
}

impl SourceAsked {
    fn in_folder(&mut self, folder: &Path) {
        if self.file.as_os_str() != "-" {
            self.shown = Some(self.file.display().to_string());
            self.file = folder.join(&self.file);
        }
        self.map_in_folder(folder);
    }

    /// The mapping and the lists, which a migration has too.
    fn map_in_folder(&mut self, folder: &Path) {
        self.skip.iter_mut().for_each(|list| *list = folder.join(&list));
        self.map.iter_mut().for_each(|map| map_in(map, folder));
    }
}

impl WorkAsked {
    fn in_folder(&mut self, folder: &Path) {
        for path in self.rejects.iter_mut().chain(&mut self.results) {
            *path = folder.join(&path);
        }
    }
}

/// A mapping is a file, or the name of a built-in one.
fn map_in(map: &mut PathBuf, folder: &Path) {
    let path = folder.join(&map);
    if path.exists() {
        *map = path;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(file: &str) -> Plan {
        let source = SourceAsked { file: file.into(), map: Some("contacts".into()), ..SourceAsked::default() };
        let limits = WorkAsked { fresh: true, limit: Some(3), rejects: Some("r.csv".into()), ..WorkAsked::default() };
        let target = TargetAsked { to: "shop".into(), ..TargetAsked::default() };
        let transfer = Transfer { source: TransferSource::Import(source), target, limits };
        Plan::new(Work::Transfer(transfer, Effect::Write), None)
    }

    #[test]
    fn a_plan_is_the_same_after_it_was_stored() {
        let plan = import("a.csv");
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan, "{text}");
        assert!(plan.is_known());
    }

    #[test]
    fn paths_lead_to_the_same_files_from_another_folder() {
        let plan = import("a.csv").in_folder(Path::new("/home/ana")).resumed();
        let Work::Transfer(Transfer { source: TransferSource::Import(source), limits, .. }, _) = plan.work else {
            panic!("it is an import");
        };
        assert_eq!((source.file.as_path(), source.shown.as_deref()), (Path::new("/home/ana/a.csv"), Some("a.csv")));
        // The built-in mapping is no file there.
        assert_eq!(source.map.as_deref(), Some(Path::new("contacts")));
        assert_eq!(limits.rejects.as_deref(), Some(Path::new("/home/ana/r.csv")));
        assert_eq!((limits.fresh, limits.limit), (false, None));
        let Work::Transfer(Transfer { source: TransferSource::Import(source), .. }, _) =
            import("-").in_folder(Path::new("/home/ana")).work
        else {
            panic!("it is an import");
        };
        assert_eq!(source.file, Path::new("-"));
    }
}

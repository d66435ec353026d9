//! What an export is asked to do, checked. Nothing here reads a platform.

use crate::contact::{ContactView, Field};
use crate::files::Format;
use crate::ids::{CommandKind, WorkId};
use crate::mapping::phone::Region;
use crate::mapping::{Mapping, RegionChoice};
use crate::outcome::Failure;
use crate::plan::suggest::Typed;
use crate::plan::{Connection, WorkAsked};
use crate::platforms::{LISTS, PlatformFacts};
use crate::run::retain::Moment;
use crate::run::source::account::What;
use crate::store::StateDir;
use std::path::PathBuf;
use std::time::Duration;

/// The dates by which a contact is left out with `--since`, the first that it has.
const DATES: [Field; 2] = [Field::UpdatedAt, Field::CreatedAt];

/// Whether a contact was last changed, or else created, before this moment; not where that is unknown.
pub(super) fn is_before(contact: &dyn ContactView, moment: jiff::Timestamp) -> bool {
    let changed: Option<jiff::Timestamp> = DATES.iter().find_map(|field| contact.text(*field)?.parse().ok());
    changed.is_some_and(|at| at < moment)
}

/// What stands behind the name of a job's file that does not hold everything.
const PARTIAL: &str = ".partial";

/// A checked export.
pub struct ExportPlan {
    /// Where from.
    pub connection: Connection,
    /// The address without what may change between two processes of one run.
    pub address: String,
    /// The folder to which paths in the connection's settings are relative.
    pub config_folder: PathBuf,
    /// What is read.
    pub what: What,
    /// How a contact becomes a row; none: whole.
    pub mapping: Option<Mapping>,
    /// The name by which the mapping was asked for.
    pub mapping_name: Option<String>,
    /// What `--region` says.
    pub region: Option<RegionChoice>,
    /// The region of the connection.
    pub connection_region: Option<Region>,
    /// The file as typed, `{date}` and `{time}` in it; `-`: standard output.
    pub out: PathBuf,
    /// Its format, when its name is not to say.
    pub format: Option<Format>,
    /// Whether cells are written without a formula guard.
    pub raw_cells: bool,
    /// Contacts that were last changed before are left out.
    pub since: Option<jiff::Timestamp>,
    /// Where to tell what changed since the last run, as typed.
    pub changes: Option<PathBuf>,
    /// Older files of the same name go.
    pub retain: Option<Duration>,
    /// Fewer contacts are a failure.
    pub at_least: Option<u64>,
    /// The rest of what was asked.
    pub work: WorkAsked,
    /// How long to wait for an unavailable platform.
    pub wait: Duration,
    /// The folder of all runs and checkpoints.
    pub state: StateDir,
    /// What was typed.
    pub typed: Typed,
    /// Whether it is a job of `ferry.yaml`.
    pub is_job: bool,
    /// Whether the file is Ferry's own, so that no other user may read it.
    pub is_own: bool,
    /// The run that is resumed.
    pub resumes: Option<String>,
}

impl ExportPlan {
    /// Where the file goes: beside the one that is asked for, when it is a sample of a job.
    pub(super) fn destination(&self, moment: Moment) -> PathBuf {
        let out = moment.fill(&self.out);
        if !self.is_sample_of_job() || self.is_to_stdout() {
            return out;
        }
        let mut name = out.into_os_string();
        name.push(PARTIAL);
        PathBuf::from(name)
    }

    fn is_sample_of_job(&self) -> bool {
        self.is_job && self.work.limit.is_some()
    }

    pub(super) fn is_to_stdout(&self) -> bool {
        self.out.as_os_str() == "-"
    }

    /// What makes two exports the same work.
    pub(super) fn work_id(&self) -> WorkId {
        let mapping = self.mapping.as_ref().map_or_else(String::new, Mapping::fingerprint);
        let (name, platform, what) = (&self.connection.name, &self.connection.facts().name, self.what.name());
        let command = CommandKind::Export;
        let out = match self.is_to_stdout() {
            true => self.out.clone(),
            false => std::path::absolute(&self.out).unwrap_or_else(|_| self.out.clone()),
        };
        let parts = format!("{command}\n{name}\n{platform}\n{}\n{what}\n{mapping}\n{}", self.address, out.display());
        WorkId::of(&parts)
    }
}

/// Whether a platform can be exported in this way, as far as its facts tell.
///
/// # Errors
/// Exit 2 for a list that it does not have, and for `--since` where contacts have no dates.
pub fn check(platform: &PlatformFacts, what: What, is_since: bool) -> Result<(), Failure> {
    if let What::List(list) = what
        && !platform.lists.contains(&list)
    {
        let has = LISTS.iter().filter(|(list, _)| platform.lists.contains(list));
        let has: Vec<String> = has.map(|(_, name)| format!("`{name}`")).collect();
        let has = if has.is_empty() { String::new() } else { format!(", {}", has.join(", ")) };
        return Err(Failure::usage(format!("{} has no list of {}", platform.title, what.name()))
            .hint(format!("it has `contacts`{has}")));
    }
    if is_since && what != What::Contacts {
        return Err(Failure::usage("`--since` is for contacts").hint("leave it out: a list is written whole"));
    }
    let has_date = |field: &Field| platform.reads.contains(field) || platform.holds.contains(field);
    if is_since && !DATES.iter().any(has_date) {
        return Err(Failure::usage(format!("`--since`: {} does not say when a contact was changed", platform.title))
            .hint("leave it out; `--changes FILE` tells what is not as it was the last time"));
    }
    Ok(())
}

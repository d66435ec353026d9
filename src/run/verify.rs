//! `ferry verify`: what is at the target, compared with what a run meant to be there.
//!
//! It is a dry run of the same work: finding, comparing and retrying are the run's own, and what it would write now is
//! what differs. Records that the run rejected or skipped are not compared, and a contact that it created is compared in
//! every field.

use crate::files::{Form, Format, Listing, PrivateFolder};
use crate::ids::SourceStamp;
use crate::outcome::{Failure, Outcome, Skip};
use crate::reconcile::execute::recorder::Recorder;
use crate::reconcile::goal::planned::PlannedChange;
use crate::report::{Console, Verified};
use crate::run::active::folder::make_private;
use crate::run::active::receipt::{is_same_account, is_what_was_read};
use crate::run::pass::first::{First, last};
use crate::run::plan::VerifyPlan;
use crate::shown::escape;
use crate::store::{AccountAddress, Checkpoint, Key, OutcomeRow, RunNo, StoreAddress};
use serde_json::json;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The columns of a file that is a table.
const COLUMNS: [&str; 5] = ["line", "state", "target_id", "fields", "reason"];

/// So many who are not the same are shown.
const SHOWN_MAX: usize = 10;

/// A value is shown this long, in characters.
const VALUE_SHOWN_MAX: usize = 60;

/// The name of the file in the run's folder.
pub const FILE: &str = "verify.txt";

impl VerifyPlan {
    /// Whether the file is the one that the run read, the same way.
    pub(super) fn is_of(&self, stamp: Option<SourceStamp>, read_as: &str, file: &Path) -> bool {
        let is_read_so = |first: &First| first.read_as == read_as && is_what_was_read(&self.folder, file);
        last(&self.folder).is_some_and(|first| first.is_of(stamp, read_as) || is_read_so(&first))
    }

    /// Says so when an account, read into this folder, is not what the run has read of it.
    pub(super) fn tell_source(&self, name: &str, folder: &Path, console: &Console) {
        if is_same_account(&self.folder, folder) == Some(false) {
            let run = &self.run.run;
            console.note(&format!("`{name}` is not what it was when `{run}` read it: what it says now is compared"));
        }
    }
}

/// What is known about the verified run while the work goes on.
pub struct Verifying {
    /// A copy of the checkpoint, in which the run can be asked about every key.
    copy: Checkpoint,
    of: RunNo,
    compared: Mutex<Vec<u64>>,
    _folder: PrivateFolder,
}

/// What the verified run says about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meant {
    /// It is to be there; what the policy lets stand may stand.
    There,
    /// The run made it: every value is to be there.
    Made,
    /// The run left it behind, or left it out.
    Not,
}

impl Verifying {
    /// Opens a copy of the checkpoint that knows the run.
    ///
    /// # Errors
    /// Exit 2 when the checkpoint does not know the run; exit 1 when it cannot be copied.
    pub(super) fn open(state: &Path, account: &AccountAddress, verify: &VerifyPlan) -> Result<Verifying, Failure> {
        make_private(state)?;
        let folder = PrivateFolder::create(state, "verify-").map_err(|error| {
            Failure::failed(format!("no copies can be made in `{}`", state.display()))
                .cause(error)
                .hint("make room, or name another folder with `--state`")
        })?;
        let to = StoreAddress::Folder(folder.path().to_owned()).account(account.key.clone());
        if let Some(checkpoint) = Checkpoint::look(account)? {
            checkpoint.copy_to(&to)?;
        }
        let copy = Checkpoint::open(&to)?;
        let name = &verify.run.run;
        let row = copy.runs()?.into_iter().find(|row| row.name == *name).ok_or_else(|| {
            Failure::usage(format!("nothing is known any more of what `{name}` did"))
                .hint("its connection is another one now, or its checkpoint was removed")
        })?;
        // Makes the index by which a key is found.
        copy.begin_pass(row.no)?;
        Ok(Verifying { copy, of: row.no, compared: Mutex::default(), _folder: folder })
    }

    /// What the run wanted of the contact of this key; a contact that should be there counts as compared from now on.
    ///
    /// # Errors
    /// Exit 1 when the copy cannot be read.
    pub(super) fn meant(&self, key: &Key, ordinal: u64) -> Result<Meant, Failure> {
        let meant = match self.copy.entry(self.of, key)?.map(|entry| entry.outcome) {
            Some(Outcome::Rejected | Outcome::Skipped(_)) => return Ok(Meant::Not),
            Some(Outcome::Created) => Meant::Made,
            _ => Meant::There,
        };
        let (word, bit) = (usize::try_from(ordinal / 64).unwrap_or(usize::MAX), ordinal % 64);
        let mut compared = self.compared.lock().unwrap_or_else(PoisonError::into_inner);
        if compared.len() <= word {
            compared.resize(word + 1, 0);
        }
        if let Some(bits) = compared.get_mut(word) {
            *bits |= 1 << bit;
        }
        Ok(meant)
    }

    fn is_compared(&self, ordinal: u64) -> bool {
        let compared = self.compared.lock().unwrap_or_else(PoisonError::into_inner);
        let word = usize::try_from(ordinal / 64).ok().and_then(|word| compared.get(word).copied());
        word.is_some_and(|bits| bits & (1 << (ordinal % 64)) != 0)
    }

    /// What a pass found: a line for each contact into the file, when it only looked, and the sums.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read or the file cannot be written.
    pub(super) fn tell(
        &self,
        checkpoint: &Checkpoint,
        (run, pass): (RunNo, u32),
        recorder: Option<&Recorder>,
        out: &Path,
    ) -> Result<Verified, Failure> {
        let mut file = recorder.map(|_| VerifyFile::create(out)).transpose()?;
        let mut verified = Verified::default();
        checkpoint.for_each_outcome(run, pass, |mut row| {
            let state = match row.outcome {
                _ if !self.is_compared(row.origin.ordinal) => None,
                Outcome::Unchanged => Some(State::Same),
                // A correction leaves alone what another party has changed since.
                Outcome::Updated | Outcome::Skipped(Skip::Changed) => Some(State::Differs),
                Outcome::Created | Outcome::Skipped(Skip::Absent) => Some(State::Missing),
                // The contact is known by its id alone, and the id leads to no contact any more.
                Outcome::Rejected if row.problems.iter().any(|it| it.code == "target_id.not_found") => {
                    Some(State::Missing)
                }
                Outcome::Rejected | Outcome::Unknown => Some(State::Unknown),
                Outcome::Skipped(_) | Outcome::Deleted => None,
            };
            let Some(state) = state else {
                verified.not_compared += 1;
                return Ok(());
            };
            *sum_of(&mut verified, state) += 1;
            if let (None, Some(key)) = (&row.target_id, &row.key) {
                // A missing contact is known by the id that it had.
                row.target_id = self.copy.entry(self.of, key)?.and_then(|entry| entry.target_id);
            }
            let (Some(file), Some(recorder)) = (&mut file, recorder) else { return Ok(()) };
            let planned = recorder.planned(row.origin.ordinal)?.unwrap_or_default();
            let changes = if state == State::Differs { planned.changes } else { Vec::new() };
            if state != State::Same && verified.shown.len() < SHOWN_MAX {
                verified.shown.push(format!("  {}", in_words(state, &row, &changes, true)));
            }
            file.row(state, &row, &changes)
        })?;
        if let Some(file) = file {
            file.list.commit()?;
        }
        Ok(verified)
    }
}

fn sum_of(verified: &mut Verified, state: State) -> &mut u64 {
    match state {
        State::Same => &mut verified.same,
        State::Differs => &mut verified.differ,
        State::Missing => &mut verified.missing,
        State::Unknown => &mut verified.unknown,
    }
}

/// How a contact stands at the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Same,
    Differs,
    Missing,
    Unknown,
}

impl State {
    /// The sign and the word.
    fn shown(self) -> (char, &'static str) {
        match self {
            State::Same => ('=', "same"),
            State::Differs => ('~', "differs"),
            State::Missing => ('-', "missing"),
            State::Unknown => ('?', "unknown"),
        }
    }
}

/// Which fields, each with what is there and what was meant.
fn fields_in_words(changes: &[PlannedChange], is_short: bool) -> String {
    let value = |value: &Option<String>| match value {
        None => "(blank)".to_owned(),
        Some(text) if is_short && text.chars().count() > VALUE_SHOWN_MAX => {
            format!("`{}…`", text.chars().take(VALUE_SHOWN_MAX).collect::<String>())
        }
        Some(text) => format!("`{text}`"),
    };
    let field = |change: &PlannedChange| {
        format!("{}: {} is there, {} was meant", change.field, value(&change.old), value(&change.new))
    };
    changes.iter().map(field).collect::<Vec<_>>().join("; ")
}

fn reason(row: &OutcomeRow) -> String {
    let problems = row.problems.iter().map(|problem| format!("{}: {}", problem.code, problem.message));
    problems.collect::<Vec<_>>().join("; ")
}

fn in_words(state: State, row: &OutcomeRow, changes: &[PlannedChange], is_short: bool) -> String {
    let (fields, why) = (fields_in_words(changes, is_short), reason(row));
    let id = row.target_id.as_deref().unwrap_or("-");
    let tail = if fields.is_empty() { why } else { fields };
    let line = format!("{} {} {id}  {tail}", state.shown().0, row.origin.line);
    escape(line.trim_end()).into_owned()
}

/// One line for each contact: text (`= 12 ID`), a table, or JSON Lines, by its name.
struct VerifyFile {
    list: Listing,
}

impl VerifyFile {
    fn create(path: &Path) -> Result<VerifyFile, Failure> {
        Ok(VerifyFile { list: Listing::create_or_text(path, Format::Jsonl, &COLUMNS)? })
    }

    fn row(&mut self, state: State, row: &OutcomeRow, changes: &[PlannedChange]) -> Result<(), Failure> {
        let (sign, word) = state.shown();
        match self.list.form() {
            Form::Text => self.list.text(&in_words(state, row, changes, false)),
            Form::Cells => {
                let (line, fields, why) = (row.origin.line.to_string(), fields_in_words(changes, false), reason(row));
                self.list.cells([&line, word, row.target_id.as_deref().unwrap_or_default(), &fields, &why])
            }
            Form::Object => {
                let fields = changes
                    .iter()
                    .map(|change| json!({ "field": change.field, "there": change.old, "meant": change.new }));
                let why = reason(row);
                self.list.object(&json!({
                    "line": row.origin.line, "sign": sign.to_string(), "state": word, "target_id": row.target_id,
                    "fields": fields.collect::<Vec<_>>(), "reason": (!why.is_empty()).then_some(why),
                }))
            }
        }
    }
}

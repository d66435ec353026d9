//! The model store: an account in memory, as simple as possible. Tests compare the other stores with it; no command uses it,
//! because nothing of it survives the process.
//!
//! It is public because the suite that every store passes is outside of the library.

use super::contract::{Give, Store, StoreReader, TallyOf};
use super::key::Key;
use super::lease::Lease;
use super::model::{
    Entry, EntryNo, Image, ImageNo, Intent, NewRun, NumberedEntry, NumberedImage, OpenIntent, OutcomeRow, RunNo,
    RunRow, Settled, SourceOutcome, Tally, Turns,
};
use super::op::{Answer, Applied, Op};
use crate::change::WrittenValues;
use crate::ids::RunStatus;
use crate::outcome::{Exit, Failure, Outcome};
use crate::packed::Bytes;
use crate::record::Origin;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The rows of a page: few, so that small tests have several pages.
const PAGE: usize = 3;

/// An account in memory; clones are the same one, as two connections to a server are.
#[derive(Clone, Default)]
pub struct MemoryStore {
    account: Arc<Mutex<Account>>,
    /// How long its leases are valid.
    valid_for: Option<Duration>,
}

#[derive(Clone, Default)]
struct Account {
    lease: u64,
    turn: u64,
    last_image: i64,
    runs: BTreeMap<RunNo, Run>,
    links: BTreeMap<Key, String>,
    memories: BTreeMap<String, String>,
    /// How often leases were renewed.
    renewals: u64,
}

#[derive(Clone)]
struct Run {
    row: RunRow,
    turns: Option<Turns>,
    last_entry: i64,
    entries: BTreeMap<EntryNo, (Key, Entry)>,
    earlier: BTreeMap<Key, EntryNo>,
    intents: BTreeMap<Key, Announced>,
    images: BTreeMap<ImageNo, Image>,
    /// By pass and ordinal.
    notes: BTreeMap<(u32, u64), SourceOutcome>,
}

#[derive(Clone)]
struct Announced {
    intent: Intent,
    image: Option<ImageNo>,
    /// The entry that says that its outcome is unknown.
    entry: Option<EntryNo>,
}

impl MemoryStore {
    /// An empty account whose leases are valid for so long.
    pub fn with_leases_of(valid_for: Duration) -> MemoryStore {
        MemoryStore { valid_for: Some(valid_for), ..MemoryStore::default() }
    }

    /// How often leases were renewed without anything to write.
    pub fn renewals(&self) -> u64 {
        self.lock().renewals
    }

    fn lock(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_lease(account: &Account, lease: &Lease) -> Result<(), Failure> {
    if account.lease == lease.token {
        return Ok(());
    }
    let cause = format!("its lease `{}` is not the latest, which is `{}`", lease.token, account.lease);
    Err(Failure::new(Exit::Busy, "another process has taken over the account").cause(cause))
}

impl Store for MemoryStore {
    fn acquire(&mut self) -> Result<Lease, Failure> {
        let mut account = self.lock();
        account.lease += 1;
        Ok(Lease { token: account.lease, valid_for: self.valid_for })
    }

    fn renew(&mut self, lease: &Lease) -> Result<(), Failure> {
        let mut account = self.lock();
        account.renewals += 1;
        check_lease(&account, lease)
    }

    fn apply(&mut self, lease: &Lease, ops: &[Op]) -> Result<Applied, Failure> {
        let mut account = self.lock();
        check_lease(&account, lease)?;
        // All or nothing: an error leaves the account as it was.
        let (mut changed, mut applied) = (account.clone(), Applied::default());
        for op in ops {
            applied.answers.push(changed.apply(op)?);
            applied.readable_links.extend(links_of(op));
        }
        *account = changed;
        Ok(applied)
    }

    fn reader(&self) -> Result<Box<dyn StoreReader>, Failure> {
        Ok(Box::new(self.clone()))
    }
}

/// The links that an operation changes.
fn links_of(op: &Op) -> Vec<(Key, Option<String>)> {
    match op {
        Op::Unlink(link) => vec![(*link, None)],
        Op::Settle(_, _, settled) if settled.target_id.is_some() => {
            settled.links.iter().map(|link| (Key::of_link(link), settled.target_id.clone())).collect()
        }
        _ => Vec::new(),
    }
}

impl Account {
    fn run(&mut self, run: RunNo) -> Result<&mut Run, Failure> {
        self.runs.get_mut(&run).ok_or_else(|| Failure::failed(format!("there is no run {}", run.0)))
    }

    fn apply(&mut self, op: &Op) -> Result<Answer, Failure> {
        for (link, target_id) in links_of(op) {
            match target_id {
                Some(target_id) => self.links.insert(link, target_id),
                None => self.links.remove(&link),
            };
        }
        match op {
            Op::BeginRun(new) => return self.begin(new),
            Op::BeginPass(run) => return Ok(self.run(*run)?.begin_pass()),
            Op::ContinuePass(run) => return self.run(*run)?.continue_pass(),
            Op::CountEarlier(run) => return Ok(Answer::Earlier(self.run(*run)?.count_earlier())),
            Op::TakeTurn(run, meaning) => {
                self.turn += 1;
                let turn = self.turn;
                let run = self.run(*run)?;
                run.turns = Some(Turns::after(run.turns.take(), turn, meaning));
                return Ok(Answer::Turn(turn));
            }
            Op::Intend(run, key, intent) => {
                self.last_image += 1;
                let image = ImageNo(self.last_image);
                self.run(*run)?.intend(*key, intent, image)?;
            }
            Op::Withdraw(run, key) => self.run(*run)?.withdraw(key, false),
            Op::Disprove(run, key) => self.run(*run)?.withdraw(key, true),
            Op::Settle(run, key, settled) => self.run(*run)?.settle(*key, settled),
            Op::CarryOver(run, key, pass, origin) => self.run(*run)?.carry_over(key, *pass, *origin)?,
            Op::Note(run, pass, outcome) => {
                self.run(*run)?.notes.insert((*pass, outcome.origin.ordinal), (**outcome).clone());
            }
            Op::Remember(name, value) => drop(self.memories.insert(name.clone(), value.clone())),
            Op::Forget(name) => drop(self.memories.remove(name)),
            Op::EndTrust(run) => {
                if let Some(turns) = &mut self.run(*run)?.turns {
                    turns.how = None;
                }
            }
            Op::FinishRun(run, status, info) => {
                let run = self.run(*run)?;
                (run.row.status, run.row.info) = (*status, info.clone());
                if *status == RunStatus::Done {
                    run.earlier.clear();
                }
            }
            Op::ForgetRun(run) => drop(self.runs.remove(run)),
            Op::ForgetImages(run) => {
                let run = self.run(*run)?;
                run.images.clear();
                run.notes.clear();
            }
            Op::ForgetEntries(run, numbers) => {
                let run = self.run(*run)?;
                let stays: Vec<EntryNo> = run.intents.values().filter_map(|announced| announced.entry).collect();
                let goes = |no: &EntryNo| numbers.contains(no) && !stays.contains(no);
                run.entries.retain(|no, _| !goes(no));
                run.earlier.retain(|_, no| !goes(no));
            }
            Op::Unlink(_) | Op::Compact => {}
        }
        Ok(Answer::Done)
    }

    fn begin(&mut self, new: &NewRun) -> Result<Answer, Failure> {
        if self.runs.values().any(|run| run.row.name == new.name) {
            return Err(Failure::failed(format!("there is a run `{}` already", new.name)));
        }
        let NewRun { name, work, command, info } = new.clone();
        let no = RunNo(self.runs.keys().last().map_or(0, |last| last.0) + 1);
        let row = RunRow { no, name, work, command, status: RunStatus::Unfinished, pass: 0, info };
        let (entries, earlier, intents) = Default::default();
        let (images, notes) = Default::default();
        self.runs.insert(no, Run { row, turns: None, last_entry: 0, entries, earlier, intents, images, notes });
        Ok(Answer::Run(no))
    }
}

impl Run {
    fn begin_pass(&mut self) -> Answer {
        self.row.pass += 1;
        self.row.status = RunStatus::Unfinished;
        self.notes.clear();
        Answer::Pass { pass: self.row.pass, has_earlier: self.count_earlier() }
    }

    fn continue_pass(&mut self) -> Result<Answer, Failure> {
        let pass = self.row.pass;
        if pass == 0 {
            return Err(Failure::failed(format!("there is no pass of a run {}", self.row.no.0)));
        }
        self.row.status = RunStatus::Unfinished;
        let is_open =
            |entry: &Entry| entry.pass != pass || matches!(entry.outcome, Outcome::Rejected | Outcome::Unknown);
        let open = self.entries.iter().filter(|(_, (_, entry))| is_open(entry));
        self.earlier = open.map(|(no, (key, _))| (*key, *no)).collect();
        Ok(Answer::Pass { pass, has_earlier: !self.earlier.is_empty() })
    }

    fn count_earlier(&mut self) -> bool {
        self.earlier = self.entries.iter().map(|(no, (key, _))| (*key, *no)).collect();
        !self.earlier.is_empty()
    }

    fn intend(&mut self, key: Key, intent: &Intent, no: ImageNo) -> Result<(), Failure> {
        let has_image = intent.before.is_some() || !intent.after.is_empty();
        if has_image {
            let Intent { target_id, at_ms, before, after, .. } = intent.clone();
            let after = WrittenValues::read(&mut Bytes(after.as_bytes()))
                .ok_or_else(|| Failure::failed("the values of an intent cannot be read: a fault of Ferry"))?;
            self.images.insert(no, Image { key, target_id, at_ms, before, after });
        }
        let entry = self.intents.get(&key).and_then(|known| known.entry);
        let announced = Announced { intent: intent.clone(), image: has_image.then_some(no), entry };
        self.intents.insert(key, announced);
        Ok(())
    }

    fn withdraw(&mut self, key: &Key, even_unknown: bool) {
        let goes = self.intents.get(key).is_some_and(|known| known.entry.is_none() || even_unknown);
        if goes && let Some(image) = self.intents.remove(key).and_then(|known| known.image) {
            self.images.remove(&image);
        }
    }

    fn settle(&mut self, key: Key, settled: &Settled) {
        let is_unknown = settled.outcome == Outcome::Unknown;
        let known = self.intents.get(&key).and_then(|known| known.entry);
        let no = known.or_else(|| self.earlier.get(&key).copied()).unwrap_or_else(|| {
            self.last_entry += 1;
            EntryNo(self.last_entry)
        });
        let Settled { outcome, origin, pass, target_id, not_carried, cleared, problems, .. } = settled.clone();
        self.entries.insert(no, (key, Entry { outcome, origin, pass, target_id, not_carried, cleared, problems }));
        match self.intents.get_mut(&key) {
            Some(announced) if is_unknown => announced.entry = Some(no),
            _ => drop(self.intents.remove(&key)),
        }
    }

    fn carry_over(&mut self, key: &Key, pass: u32, origin: Origin) -> Result<(), Failure> {
        let missing = || Failure::failed(format!("there is no entry `{key}` of an earlier pass to carry over"));
        let no = self.earlier.get(key).ok_or_else(missing)?;
        let (_, entry) = self.entries.get_mut(no).ok_or_else(missing)?;
        (entry.pass, entry.origin) = (pass, origin);
        Ok(())
    }

    fn entry(&self, key: &Key) -> Option<Entry> {
        if self.row.status == RunStatus::Done {
            return self.entries.values().rev().find(|(known, _)| known == key).map(|(_, entry)| entry.clone());
        }
        self.earlier.get(key).and_then(|no| self.entries.get(no)).map(|(_, entry)| entry.clone())
    }

    fn notes_of(&self, pass: u32) -> impl Iterator<Item = &SourceOutcome> {
        self.notes.iter().filter(move |((known, _), _)| *known == pass).map(|(_, outcome)| outcome)
    }
}

fn row_of_note(noted: &SourceOutcome) -> OutcomeRow {
    let SourceOutcome { origin, outcome, duplicate_of, problems } = noted.clone();
    OutcomeRow { origin, outcome, target_id: None, duplicate_of, problems, key: None }
}

impl StoreReader for MemoryStore {
    fn another(&self) -> Result<Box<dyn StoreReader>, Failure> {
        self.reader()
    }

    fn runs(&mut self) -> Result<Vec<RunRow>, Failure> {
        Ok(self.lock().runs.values().rev().map(|run| run.row.clone()).collect())
    }

    fn turns(&mut self) -> Result<Vec<(RunNo, Turns)>, Failure> {
        Ok(self.lock().runs.iter().filter_map(|(no, run)| Some((*no, run.turns.clone()?))).collect())
    }

    fn entries(&mut self, run: RunNo, keys: &[Key]) -> Result<Vec<Option<Entry>>, Failure> {
        let account = self.lock();
        Ok(keys.iter().map(|key| account.runs.get(&run).and_then(|run| run.entry(key))).collect())
    }

    fn has_entries(&mut self, run: RunNo) -> Result<bool, Failure> {
        let any = |run: &Run| match run.row.status {
            RunStatus::Done => !run.entries.is_empty(),
            _ => !run.earlier.is_empty(),
        };
        Ok(self.lock().runs.get(&run).is_some_and(any))
    }

    fn entry_page(&mut self, run: RunNo, after: EntryNo) -> Result<Vec<NumberedEntry>, Failure> {
        let account = self.lock();
        let entries = account.runs.get(&run).into_iter().flat_map(|run| &run.entries).filter(|(no, _)| **no > after);
        let numbered =
            |(no, (key, entry)): (&EntryNo, &(Key, Entry))| NumberedEntry { no: *no, key: *key, entry: entry.clone() };
        Ok(entries.map(numbered).take(PAGE).collect())
    }

    fn image_page(&mut self, run: RunNo, after: ImageNo) -> Result<Vec<NumberedImage>, Failure> {
        let account = self.lock();
        let images = account.runs.get(&run).into_iter().flat_map(|run| &run.images).filter(|(no, _)| **no > after);
        Ok(images.map(|(no, image)| NumberedImage { no: *no, image: image.clone() }).take(PAGE).collect())
    }

    fn open_intents(&mut self, after: Option<(RunNo, Key)>) -> Result<Vec<OpenIntent>, Failure> {
        let account = self.lock();
        let all = account.runs.iter().flat_map(|(run, held)| held.intents.iter().map(|(key, one)| (*run, *key, one)));
        let open = all.filter(|(run, key, _)| after.is_none_or(|after| (*run, *key) > after)).take(PAGE);
        Ok(open
            .map(|(run, key, Announced { intent, .. })| OpenIntent {
                run,
                key,
                intent: Intent { before: None, after: WrittenValues::default(), ..intent.clone() },
                sent_by_ms: intent.at_ms,
            })
            .collect())
    }

    fn note_page(&mut self, run: RunNo, pass: u32, after: Option<u64>) -> Result<Vec<OutcomeRow>, Failure> {
        let account = self.lock();
        let notes = account.runs.get(&run).into_iter().flat_map(|run| run.notes_of(pass));
        let later = notes.filter(|noted| after.is_none_or(|after| noted.origin.ordinal > after));
        Ok(later.map(row_of_note).take(PAGE).collect())
    }

    fn for_each_outcome(&mut self, run: RunNo, pass: u32, give: Give<'_, OutcomeRow>) -> Result<(), Failure> {
        let mut rows = Vec::new();
        if let Some(run) = self.lock().runs.get(&run) {
            rows.extend(run.notes_of(pass).map(row_of_note));
            rows.extend(run.entries.values().filter(|(_, entry)| entry.pass == pass).map(|(key, entry)| {
                let Entry { outcome, origin, target_id, problems, .. } = entry.clone();
                OutcomeRow { origin, outcome, target_id, duplicate_of: None, problems, key: Some(*key) }
            }));
        }
        rows.sort_by_key(|row| (row.origin, row.key.is_some()));
        rows.into_iter().try_for_each(give)
    }

    fn tally(&mut self, run: RunNo, of: TallyOf) -> Result<Tally, Failure> {
        let (mut tally, account) = (Tally::default(), self.lock());
        let (pass, only) = match of {
            TallyOf::Pass(pass) => (pass, Some(pass)),
            TallyOf::SoFar(pass) => (pass, None),
        };
        if let Some(run) = account.runs.get(&run) {
            let counted = run.entries.values().filter(|(_, entry)| only.is_none_or(|pass| entry.pass == pass));
            counted.for_each(|(_, entry)| tally.add_entry(entry.clone()));
            run.notes_of(pass).for_each(|noted| tally.add(noted.outcome, &noted.problems));
        }
        Ok(tally)
    }

    fn links(&mut self, links: &[Key]) -> Result<Vec<Option<String>>, Failure> {
        let account = self.lock();
        Ok(links.iter().map(|link| account.links.get(link).cloned()).collect())
    }

    fn has_links(&mut self) -> Result<bool, Failure> {
        Ok(!self.lock().links.is_empty())
    }

    fn memories(&mut self, prefix: &str) -> Result<Vec<(String, String)>, Failure> {
        let account = self.lock();
        let kept = account.memories.iter().filter(|(name, _)| name.starts_with(prefix));
        Ok(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    fn copy_to(&mut self, _: &Path) -> Result<(), Failure> {
        Err(Failure::failed("the model store of the tests has no copy"))
    }
}

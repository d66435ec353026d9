//! What makes an import trusted, with faults and kills: five claims about one run and what follows it, each a test of its
//! own. They share the world of a seed, since each begins where the one before it ended.

use super::carried::{Led, STARTS_MAX, is_final, led, same, start, tell, to_its_end, whole_start};
use super::dice::Dice;
use super::importing::{plan_of, target_of, write};
use super::site::{
    Cut, Wire, at_ease, connection, copy, cut, may_end_so, on_databases, one_start, options, patience, rough, silent,
    wait_until_visible,
};
use super::view::{Held, THEIRS, VIEWS, View};
use super::world::{World, file_of, world};
use super::{assert_most, each_seed};
use crate::support::{can_delete, runtime, serve};
use ferry::clock::Clock;
use ferry::ids::{CommandKind, RunStatus};
use ferry::outcome::{Exit, Failure, Totals};
use ferry::plan::Connection;
use ferry::plan::suggest::Typed;
use ferry::plan::work::Effect;
use ferry::platforms::diff::OnExisting;
use ferry::run::active::close::Ended;
use ferry::run::active::folder::run_folder;
use ferry::run::active::record::RunRecord;
use ferry::run::active::runs::{all_runs, run_named};
use ferry::run::commands::undo;
use ferry::run::plan::{Check, Replay, Transfer, TransferPlan, UndoPlan, VerifyPlan, Work};
use ferry::sandbox::{Sandbox, SandboxOptions};
use ferry::store::StateDir;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A sandbox that is there all the time, but for restarts.
struct Served<'a> {
    serving: &'a Runtime,
    sandbox: Option<Sandbox>,
}

impl<'a> Served<'a> {
    fn begin(serving: &'a Runtime, options: &SandboxOptions) -> Served<'a> {
        Served { serving, sandbox: Some(serving.block_on(serve(options.clone()))) }
    }

    fn get(&self) -> &Sandbox {
        self.sandbox.as_ref().unwrap()
    }

    fn restart(&mut self, options: &SandboxOptions) {
        self.serving.block_on(self.sandbox.take().unwrap().stop());
        self.sandbox = Some(self.serving.block_on(serve(options.clone())));
    }

    fn held(&self, view: &dyn View) -> Held {
        blank_as_none(view.held(&Wire::to(self.get()), self.get()))
    }

    fn writes(&self) -> usize {
        self.get().history().iter().filter(|exchange| exchange.acted).count()
    }
}

/// A custom field that is blank is none; so is any other value.
fn blank_as_none(mut held: Held) -> Held {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => map.retain(|_, value| !value.is_null() && value != ""),
            Value::Array(items) => items.iter_mut().for_each(strip),
            Value::String(text) if text.is_empty() => *value = Value::Null,
            _ => {}
        }
    }
    held.values_mut().for_each(strip);
    held
}

/// What a file of outcomes says: by the line, its outcome, and the id at the target.
fn outcomes(path: &Path) -> BTreeMap<u64, (String, Option<String>)> {
    let text = std::fs::read_to_string(path).unwrap();
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        let outcome = row["outcome"].as_str().unwrap().to_owned();
        (row["line"].as_u64().unwrap(), (outcome, row["target_id"].as_str().map(str::to_owned)))
    };
    text.lines().map(row).collect()
}

/// Looks until it has come to its end, cut off a few times; nothing is written at the target, however it ends.
fn looked(dice: &mut Dice, served: &Served<'_>, plan: &TransferPlan, is_over: impl Fn(&Ended) -> bool) -> Ended {
    let writes = served.writes();
    for nth in 0..STARTS_MAX {
        let cut = if nth == 0 && dice.chance(60) { cut(dice) } else { Cut::Never };
        let ended = start(plan, cut);
        assert_eq!(served.writes(), writes, "a look wrote");
        match ended {
            Some(Ok(ended)) if matches!(ended.exit, Exit::Done | Exit::Rejects) && is_over(&ended) => return ended,
            Some(Ok(Ended { exit, .. }) | Err(Failure { exit, .. })) => assert!(may_end_so(exit), "{exit:?}"),
            None => {}
        }
    }
    panic!("it never comes to its end")
}

/// The same import, to be foretold.
fn dry(plan: TransferPlan, file: PathBuf) -> TransferPlan {
    let work = Work::Transfer(contacts_of(plan.work), Effect::Preview { plan_file: Some(file) });
    TransferPlan { work, ..plan }
}

/// What an import reads.
fn contacts_of(work: Work) -> Transfer {
    let Work::Transfer(contacts, _) = work else { panic!("it is an import") };
    contacts
}

/// The same import, to be verified.
fn verify(plan: TransferPlan, run: RunRecord, out: PathBuf) -> TransferPlan {
    let verify = VerifyPlan { folder: run_folder(&plan.state, &run.run), run, anyway: false, out };
    let work = Work::Verify(Replay::Transfer(contacts_of(plan.work)), Box::new(verify), Check::Report);
    TransferPlan { work, ..plan }
}

/// Who is not as the run meant them to be: by the sign and the id.
fn not_same(path: &Path) -> BTreeSet<(String, String)> {
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    rows.map(|row| (text(&row, "sign"), text(&row, "target_id")))
        .filter(|(sign, _)| ["~", "-"].contains(&sign.as_str()))
        .collect()
}

fn undo_of(run: &str, state: &StateDir, connection: Connection) -> UndoPlan {
    UndoPlan {
        of: run_named(state, run).unwrap(),
        only: None,
        effect: Effect::Write,
        results: None,
        to: target_of(connection),
        state: state.clone(),
        typed: Typed { words: vec!["undo".into(), run.into()], folder: state.to_path_buf(), ..Typed::default() },
    }
}

fn is_of(plan: &UndoPlan) -> impl Fn(&RunRecord) -> bool {
    |info| info.command == CommandKind::Undo && info.source == plan.of.run
}

/// Takes a run back, cut off a few times, and gives the name of the undo.
fn taken_back(
    dice: &mut Dice,
    served: &mut Served<'_>,
    options: &SandboxOptions,
    plan: impl Fn(&Sandbox) -> UndoPlan,
) -> String {
    let cuts = dice.below(4);
    let mut first = None;
    for nth in 0..STARTS_MAX as usize {
        let cut = if nth < cuts { cut(dice) } else { Cut::Never };
        let plan = plan(served.get());
        let ended = one_start(cut, async |stop| undo(&plan, &silent(), Clock::start(), &stop).await);
        tell(cut, &ended);
        match ended {
            Some(Ok(ended)) if is_final(&ended) => {
                let records = ended.summary.records;
                assert!(records.balance() && records.unknown == 0 && records.rejected == 0, "{records:?}");
                // One that was killed behind its last act is done: this was another one, with nothing to do.
                return first.unwrap_or(ended.summary.run);
            }
            Some(Ok(Ended { exit, .. }) | Err(Failure { exit, .. })) => assert!(may_end_so(exit), "{exit:?}"),
            None => {}
        }
        first = first.or_else(|| all_runs(&plan.state).unwrap().into_iter().find(is_of(&plan)).map(|info| info.run));
        if dice.chance(30) {
            served.restart(options);
        }
    }
    panic!("it is never taken back")
}

fn id_of(contact: &Value) -> String {
    let id = contact.get("_id").or(contact.get("id")).unwrap();
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

/// What is claimed of a run, in the order in which a seed shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    Foretold,
    Verified,
    ChangesFound,
    Undone,
    UndoUndone,
}

const CLAIMS: [Claim; 5] = [Claim::Foretold, Claim::Verified, Claim::ChangesFound, Claim::Undone, Claim::UndoUndone];

/// What a seed has shown.
struct Shown {
    seed: u64,
    /// The first claim that did not hold.
    failed: Option<Claim>,
    /// Whether the world of the seed leaves nothing open, so that the end and all differences were compared.
    is_certain: bool,
}

/// The seeds of the tests below: simulated by the first of them that needs them, and judged by each.
fn shown() -> &'static [Shown] {
    static SHOWN: OnceLock<Vec<Shown>> = OnceLock::new();
    SHOWN.get_or_init(|| each_seed("trusting", 0..24, simulate))
}

#[track_caller]
fn assert_claim(claim: Claim, shown: &[Shown]) {
    let failed: Vec<u64> = shown.iter().filter(|one| one.failed == Some(claim)).map(|one| one.seed).collect();
    assert_eq!(
        failed,
        Vec::<u64>::new(),
        "seeds that fail at {claim:?}: replay one with `FERRY_SEED=… cargo test trusting`"
    );
    let is_open = |one: &&Shown| claim == Claim::Verified && !one.is_certain;
    let is_judged = |one: &&Shown| one.failed.is_none_or(|failed| failed > claim) && !is_open(one);
    assert_most(shown.iter().filter(is_judged).count(), shown.len());
}

#[test]
fn a_dry_run_foretells_what_the_real_run_does_and_writes_nothing() {
    assert_claim(Claim::Foretold, shown());
}

#[test]
fn a_run_with_faults_ends_where_a_faultless_one_ends_and_its_verification_finds_every_record_as_it_was_meant() {
    assert_claim(Claim::Verified, shown());
}

#[test]
fn a_verification_finds_every_contact_that_another_party_has_changed_and_no_other() {
    assert_claim(Claim::ChangesFound, shown());
}

#[test]
fn an_undo_restores_what_was_there_before_and_leaves_what_another_party_has_changed() {
    assert_claim(Claim::Undone, shown());
}

#[test]
fn an_undo_of_the_undo_writes_the_values_again_and_once_more_there_is_nothing_to_send() {
    assert_claim(Claim::UndoUndone, shown());
}

#[test]
#[ignore = "takes minutes: `FERRY_SEEDS=500 cargo test simulation -- --ignored`"]
fn all_five_hold_for_many_seeds() {
    let shown = each_seed("trusting", super::many(), simulate);
    for claim in CLAIMS {
        assert_claim(claim, &shown);
    }
}

/// How many seeds are simulated on PostgreSQL; `FERRY_SEEDS` names another number.
const SEEDS_ON_DATABASES: u64 = 6;

#[test]
fn all_five_hold_with_the_state_in_a_database() {
    if crate::support::postgres::database().is_some() {
        let seeds = 0..super::number("FERRY_SEEDS").unwrap_or(SEEDS_ON_DATABASES);
        let shown =
            each_seed("all_five_hold_with_the_state_in_a_database", seeds, |seed| on_databases(|| simulate(seed)));
        for claim in CLAIMS {
            assert_claim(claim, &shown);
        }
    }
}

/// All five claims, one after the other.
fn simulate(seed: u64) -> Shown {
    let serving = runtime(1);
    let mut trial = Trial::of(seed, &serving);
    let is_certain = trial.world.is_certain();
    let mut claim = Claim::Foretold;
    let shown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        foretold(&mut trial);
        claim = Claim::Verified;
        let run = trial.import();
        let differed = verified(&mut trial, &run);
        claim = Claim::ChangesFound;
        changes_found(&mut trial, &run, differed);
        claim = Claim::Undone;
        let (runs, after, back) = undone(&mut trial);
        claim = Claim::UndoUndone;
        undo_undone(&mut trial, &runs, &after, &back);
    }));
    if shown.is_err() {
        eprintln!("seed {seed} fails at {claim:?}: replay it with `FERRY_SEED={seed} cargo test trusting`");
    }
    Shown { seed, failed: shown.err().map(|_| claim), is_certain }
}

/// One world: what a faultless run does in it, and a sandbox with faults in which it is tried.
struct Trial<'a> {
    dice: Dice,
    world: World,
    _folders: TempDir,
    /// Where nothing fails.
    calm: PathBuf,
    /// Where requests fail and processes are killed.
    folder: PathBuf,
    calm_options: SandboxOptions,
    rough_options: SandboxOptions,
    settings: Vec<(&'static str, String)>,
    served: Served<'a>,
    before: Held,
    expected: Led,
    expected_totals: Totals,
}

impl<'a> Trial<'a> {
    fn of(seed: u64, serving: &'a Runtime) -> Trial<'a> {
        let mut dice = Dice(seed ^ 0x5472);
        let world = world(&mut dice, VIEWS[seed as usize % VIEWS.len()], 8);
        let view = world.view;
        let text = file_of(&mut dice, world.blocks.iter().map(|block| &block.lines));
        let folders = tempfile::tempdir().unwrap();
        let (calm, folder) = (folders.path().join("calm"), folders.path().join("rough"));
        let options_of_calm = options(&calm, seed, world.clients);
        let sandbox = serving.block_on(serve(options_of_calm.clone()));
        view.found(&Wire::to(&sandbox), world.clients);
        world.there.iter().for_each(|person| view.put(&Wire::to(&sandbox), person));
        world.changed.iter().for_each(|person| view.change(&Wire::to(&sandbox), &sandbox, person));
        serving.block_on(sandbox.stop());
        copy(&calm, &folder);
        for folder in [&calm, &folder] {
            write(folder, &world, &text);
        }
        let sandbox = serving.block_on(serve(options_of_calm));
        let done = whole_start(&plan_in(&calm, &sandbox, &at_ease(), &world));
        let expected = led(&done, &sandbox, view);

        let calm_options = options(&folder, seed, world.clients);
        let rough_options = rough(&mut dice, &calm_options);
        let settings = patience(&mut dice);
        if std::env::var_os("FERRY_SEED").is_some() {
            eprintln!("{} {:?} {:?} {settings:?}", view.name(), world.on_existing, rough_options.faults);
        }
        let served = Served::begin(serving, &rough_options);
        let before = served.held(view);
        let (_folders, expected_totals) = (folders, done.summary.records);
        Trial {
            dice,
            world,
            _folders,
            calm,
            folder,
            calm_options,
            rough_options,
            settings,
            served,
            before,
            expected,
            expected_totals,
        }
    }

    fn view(&self) -> &'static dyn View {
        self.world.view
    }

    fn state(&self) -> StateDir {
        super::site::state_of(&self.folder)
    }

    /// What the target holds.
    fn held(&self) -> Held {
        self.served.held(self.view())
    }

    fn plan(&self) -> TransferPlan {
        plan_in(&self.folder, self.served.get(), &self.settings, &self.world)
    }

    /// Imports to the end, with faults, kills and restarts, and ends where a faultless run ends. Its name.
    fn import(&mut self) -> String {
        let Trial { dice, world, folder, settings, served, rough_options, .. } = self;
        let (world, folder, settings, rough_options) = (&*world, &*folder, &*settings, &*rough_options);
        let held = RefCell::new(served);
        let ended = to_its_end(
            dice,
            || plan_in(folder, held.borrow().get(), settings, world),
            |dice, _| {
                if dice.chance(30) {
                    held.borrow_mut().restart(rough_options);
                }
                true
            },
        );
        // Of records that share an e-mail the second may come first, where the target failed for the first three times.
        let led = led(&ended, self.served.get(), self.view());
        if self.world.is_certain() {
            same(led, &self.expected);
        }
        ended.summary.run
    }

    /// Verifies a run to the end. The contacts that are not as it meant them to be, and how many are missing.
    fn verify(&mut self, run: &str) -> (BTreeSet<(String, String)>, u64) {
        let found = self.folder.join("found.jsonl");
        let info = run_named(&self.state(), run).unwrap();
        let plan = verify(self.plan(), info, found.clone());
        let ended = looked(&mut self.dice, &self.served, &plan, |ended| {
            ended.failure.is_none() && ended.verified.as_ref().is_some_and(|verified| verified.unknown == 0)
        });
        (not_same(&found), ended.verified.unwrap().missing)
    }

    /// Undoes a run to the end, cut off a few times. The name of the undo.
    fn undo(&mut self, run: &str, options: &SandboxOptions) -> String {
        let (view, state) = (self.view(), self.state());
        let Trial { dice, served, settings, .. } = self;
        let settings = &*settings;
        taken_back(dice, served, options, |sandbox| undo_of(run, &state, connection(view, sandbox, settings)))
    }
}

fn results(folder: &Path) -> PathBuf {
    folder.join("results.jsonl")
}

fn plan_in(folder: &Path, sandbox: &Sandbox, settings: &[(&str, String)], world: &World) -> TransferPlan {
    let mut plan = plan_of(folder, connection(world.view, sandbox, settings), world);
    plan.limits.results = Some(results(folder));
    plan
}

/// What a dry run foretells, record by record, is what the real run does where nothing fails.
fn foretold(trial: &mut Trial<'_>) {
    let file = trial.folder.join("plan.jsonl");
    let plan = dry(trial.plan(), file.clone());
    let failed = |ended: &Ended| ended.summary.rejects.iter().any(|(code, _)| code == "target.failed");
    let told = looked(&mut trial.dice, &trial.served, &plan, |ended| {
        ended.failure.is_none() && ended.summary.records.pending + ended.summary.records.unknown == 0 && !failed(ended)
    });
    let by_line = |file: &Path| -> BTreeMap<u64, String> {
        outcomes(file).into_iter().map(|(line, (outcome, _))| (line, outcome)).collect()
    };
    assert_eq!(by_line(&file), by_line(&results(&trial.calm)));
    assert_eq!(told.summary.records, trial.expected_totals);
    assert_eq!(trial.held(), trial.before);
}

/// Every record that arrived is as it was meant to be. The contacts that are not, where two records share an e-mail: one
/// of them may have been written over.
fn verified(trial: &mut Trial<'_>, run: &str) -> BTreeSet<(String, String)> {
    let (differed, missing) = trial.verify(run);
    assert_eq!(missing, 0, "contacts that are missing");
    assert!(!trial.world.is_certain() || differed.is_empty(), "contacts that differ: {differed:?}");
    differed
}

/// Another party renames some of the contacts: a verification finds them, and none but them.
fn changes_found(trial: &mut Trial<'_>, run: &str, differed: BTreeSet<(String, String)>) {
    let on_existing = trial.world.on_existing;
    let is_meant = |outcome: &str| {
        outcome == "created" || (on_existing == OnExisting::Update && ["updated", "unchanged"].contains(&outcome))
    };
    let of_run = outcomes(&results(&trial.folder)).into_values().filter(|(outcome, _)| is_meant(outcome));
    let meant: BTreeSet<String> = of_run.filter_map(|(_, id)| id).collect();
    let mut contacts = trial.served.get().contacts(trial.view().name());
    contacts.retain(|contact| meant.contains(&id_of(contact)) && !differed.iter().any(|(_, id)| *id == id_of(contact)));
    contacts.retain(|_| trial.dice.chance(15));
    let wire = Wire::to(trial.served.get());
    contacts.iter().for_each(|contact| trial.view().rename(&wire, contact));
    wait_until_visible();
    let mut expected = differed;
    expected.extend(contacts.iter().map(|contact| ("~".to_owned(), id_of(contact))));
    assert_eq!(trial.verify(run).0, expected);
}

/// Undoes every run that wrote something: the target holds what it held before, but for what another party has changed
/// and for contacts that the platform cannot delete. The undos, what was held just before, and what is held now.
fn undone(trial: &mut Trial<'_>) -> (Vec<String>, Held, Held) {
    let after = trial.held();
    let back = expected_back(trial, &after);
    // A run that came to its end before it could be cut off was followed by another one, and so on.
    let wrote = |info: &RunRecord| {
        info.command == CommandKind::Import
            && info.status == RunStatus::Done
            && info.totals.created + info.totals.updated > 0
    };
    let runs = all_runs(&trial.state()).unwrap().into_iter().filter(wrote);
    let rough = trial.rough_options.clone();
    let undos = runs.collect::<Vec<_>>().iter().map(|info| trial.undo(&info.run, &rough)).collect();
    same_held(&trial.held(), &back, "after the undo");
    (undos, after, back)
}

/// What the target holds after an undo.
fn expected_back(trial: &Trial<'_>, after: &Held) -> Held {
    let (view, before) = (trial.view(), &trial.before);
    let mut back = before.clone();
    let can_delete = can_delete(view.name());
    for (key, value) in after {
        let was = key_of_same(view, before, key, value);
        let is_theirs = value.pointer(view.name_at()).is_some_and(|name| name == THEIRS);
        match was.and_then(|was| back.get_mut(was)) {
            Some(Value::Object(fields)) if is_theirs => drop(fields.insert("Name".to_owned(), THEIRS.into())),
            Some(value) if is_theirs => value[0] = THEIRS.into(),
            Some(_) if key != "definitions" => {}
            _ if key == "definitions" || is_theirs || !can_delete => drop(back.insert(key.clone(), value.clone())),
            _ => {}
        }
    }
    back
}

/// Undoes the undos: the values of the runs are there again, but for contacts that were deleted. Once more, nothing is
/// left to be sent.
fn undo_undone(trial: &mut Trial<'_>, undos: &[String], after: &Held, back: &Held) {
    let rough = trial.rough_options.clone();
    for undo in undos.iter().rev() {
        trial.undo(undo, &rough);
    }
    let mut kept = after.clone();
    kept.retain(|key, value| key_of_same(trial.view(), back, key, value).is_some());
    same_held(&trial.held(), &kept, "after the undo of the undo");

    let calm = trial.calm_options.clone();
    trial.served.restart(&calm);
    for undo in undos.iter().rev() {
        trial.undo(undo, &calm);
    }
    assert_eq!(trial.served.writes(), 0);
}

/// By what the same contact was known: where several phones are held, another one may have come first.
fn key_of_same<'a>(view: &dyn View, held: &'a Held, key: &'a String, content: &Value) -> Option<&'a String> {
    if view.name() != "eadesk" {
        return held.contains_key(key).then_some(key);
    }
    let items = |content: &Value| content[3].as_array().cloned().unwrap_or_default();
    let these = items(content);
    held.iter().find(|(_, other)| items(other).iter().any(|item| these.contains(item))).map(|(key, _)| key)
}

/// Fails with what is different.
fn same_held(held: &Held, expected: &Held, when: &str) {
    let keys: BTreeSet<&String> = held.keys().chain(expected.keys()).collect();
    let differs = keys.into_iter().filter(|key| held.get(*key) != expected.get(*key));
    let differs: Vec<_> = differs.map(|key| (key, held.get(key), expected.get(key))).collect();
    assert!(differs.is_empty(), "{when}: {differs:#?}");
}

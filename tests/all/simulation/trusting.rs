//! What makes an import trusted, with faults and kills: a dry run foretells it, `verify` finds what it brought, undo
//! takes it back, and its own undo brings it again.

use super::carried::{STARTS_MAX, is_final, led, same, start, tell, to_its_end, whole_start};
use super::dice::Dice;
use super::importing::{plan_of, write};
use super::site::{Cut, Wire, at_ease, connection, copy, cut, may_end_so, one_start, options, patience, rough, silent};
use super::view::{Held, THEIRS, VIEWS, View};
use super::world::{file_of, world};
use crate::support::{runtime, serve};
use ferry::clock::Clock;
use ferry::ids::{CommandKind, RunStatus};
use ferry::outcome::{Exit, Failure};
use ferry::plan::{Connection, address_of};
use ferry::platforms::diff::OnExisting;
use ferry::run::active::close::Ended;
use ferry::run::active::folder::run_folder;
use ferry::run::active::record::RunRecord;
use ferry::run::active::runs::{all_runs, run_named};
use ferry::run::plan::DryPlan;
use ferry::run::plan::ImportPlan;
use ferry::run::plan::VerifyPlan;
use ferry::run::undo::{UndoPlan, undo};
use ferry::sandbox::{Sandbox, SandboxOptions};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
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
fn looked(dice: &mut Dice, served: &Served<'_>, plan: &ImportPlan, is_over: impl Fn(&Ended) -> bool) -> Ended {
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
fn dry(plan: ImportPlan, file: PathBuf) -> ImportPlan {
    ImportPlan { dry: Some(DryPlan { file: Some(file) }), ..plan }
}

/// The same import, to be verified.
fn verify(plan: ImportPlan, run: RunRecord, out: PathBuf) -> ImportPlan {
    let verify = VerifyPlan { folder: run_folder(&plan.state, &run.run), run, anyway: false, out };
    ImportPlan { dry: Some(DryPlan::default()), verify: Some(verify), ..plan }
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

fn undo_of(run: &str, state: &Path, connection: Connection) -> UndoPlan {
    UndoPlan {
        of: run_named(state, run).unwrap(),
        address: address_of(&connection),
        connection,
        only: None,
        plan: None,
        results: None,
        wait: Duration::ZERO,
        state: state.to_owned(),
        arguments: vec!["undo".into(), run.into()],
        folder: state.to_owned(),
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

/// Whether the end and what differs were compared.
pub fn simulate(seed: u64) -> bool {
    let mut dice = Dice(seed ^ 0x5472);
    let world = world(&mut dice, VIEWS[seed as usize % VIEWS.len()], 8);
    let view = world.view;
    let text = file_of(&mut dice, world.blocks.iter().map(|block| &block.lines));
    let folders = tempfile::tempdir().unwrap();
    let (calm, folder) = (folders.path().join("calm"), folders.path().join("rough"));
    let serving = runtime(1);
    let calm_options = options(&calm, seed, world.clients);
    let sandbox = serving.block_on(serve(calm_options.clone()));
    view.found(&Wire::to(&sandbox), world.clients);
    world.there.iter().for_each(|person| view.put(&Wire::to(&sandbox), person));
    world.changed.iter().for_each(|person| view.change(&Wire::to(&sandbox), &sandbox, person));
    serving.block_on(sandbox.stop());
    copy(&calm, &folder);
    for folder in [&calm, &folder] {
        write(folder, &world, &text);
    }
    let results = |folder: &Path| folder.join("results.jsonl");
    let plan_at = |folder: &Path, sandbox: &Sandbox, settings: &[(&str, String)]| {
        let mut plan = plan_of(folder, connection(view, sandbox, settings), &world);
        plan.work.results = Some(results(folder));
        plan
    };
    let calm_sandbox = serving.block_on(serve(calm_options));
    let done = whole_start(&plan_at(&calm, &calm_sandbox, &at_ease()));
    let expected = led(&done, &calm_sandbox, view);

    let easy_options = options(&folder, seed, world.clients);
    let sandbox_options = rough(&mut dice, &easy_options);
    let settings = patience(&mut dice);
    if std::env::var_os("FERRY_SEED").is_some() {
        eprintln!("{} {:?} {:?} {settings:?}", view.name(), world.on_existing, sandbox_options.faults);
    }
    let mut served = Served::begin(&serving, &sandbox_options);
    let before = served.held(view);

    // What a dry run foretells is what the real run does where nothing fails.
    let foretold = folder.join("plan.jsonl");
    let plan = dry(plan_at(&folder, served.get(), &settings), foretold.clone());
    let failed = |ended: &Ended| ended.summary.rejects.iter().any(|(code, _)| code == "target.failed");
    let told = looked(&mut dice, &served, &plan, |ended| {
        ended.failure.is_none() && ended.summary.records.pending + ended.summary.records.unknown == 0 && !failed(ended)
    });
    let whether_made = |file: &Path| -> BTreeMap<u64, String> {
        outcomes(file).into_iter().map(|(line, (outcome, _))| (line, outcome)).collect()
    };
    assert_eq!(whether_made(&foretold), whether_made(&results(&calm)));
    assert_eq!(told.summary.records, done.summary.records);
    assert_eq!(served.held(view), before);

    let held = std::cell::RefCell::new(&mut served);
    let ended = to_its_end(
        &mut dice,
        || plan_at(&folder, held.borrow().get(), &settings),
        |dice, _| {
            if dice.chance(30) {
                held.borrow_mut().restart(&sandbox_options);
            }
            true
        },
    );
    let run = ended.summary.run.clone();
    // Of those who share an e-mail the second may come first, where the target failed for the first of them three times.
    let is_shared = !world.is_certain();
    let led = led(&ended, served.get(), view);
    if !is_shared {
        same(led, &expected);
    }

    // Everybody who arrived is as they were meant to be; whoever shares an e-mail may have been written over.
    let state = folder.join("state");
    let found = folder.join("found.jsonl");
    let look = |dice: &mut Dice, served: &Served<'_>| {
        let info = run_named(&state, &run).unwrap();
        let plan = verify(plan_at(&folder, served.get(), &settings), info, found.clone());
        let ended = looked(dice, served, &plan, |ended| {
            ended.failure.is_none() && ended.verified.as_ref().is_some_and(|verified| verified.unknown == 0)
        });
        ended.verified.unwrap()
    };
    let verified = look(&mut dice, &served);
    assert_eq!(verified.missing, 0, "{verified:?}");
    let differed = not_same(&found);
    assert!(is_shared || differed.is_empty(), "{verified:?}");

    // Somebody is given another name by somebody else: that is found, and stays.
    let is_meant = |outcome: &str| {
        outcome == "created" || (world.on_existing == OnExisting::Update && ["updated", "unchanged"].contains(&outcome))
    };
    let meant: BTreeSet<String> =
        outcomes(&results(&folder)).into_values().filter(|(is, _)| is_meant(is)).filter_map(|(_, id)| id).collect();
    let of_run =
        |contact: &Value| meant.contains(&id_of(contact)) && !differed.iter().any(|(_, id)| *id == id_of(contact));
    let contacts: Vec<Value> = served.get().contacts(view.name()).into_iter().filter(of_run).collect();
    let renamed: Vec<&Value> = contacts.iter().filter(|_| dice.chance(15)).collect();
    renamed.iter().for_each(|contact| view.rename(&Wire::to(served.get()), contact));
    // Until it can be seen by everybody.
    std::thread::sleep(Duration::from_millis(200));
    look(&mut dice, &served);
    let mut differs = differed;
    differs.extend(renamed.iter().map(|contact| ("~".to_owned(), id_of(contact))));
    assert_eq!(not_same(&found), differs);

    let after = served.held(view);
    let mut back = before.clone();
    let can_delete = view.name() == "eadesk";
    for (key, value) in &after {
        let was = key_of_same(view, &before, key, value);
        let is_theirs = value.pointer(view.name_at()).is_some_and(|name| name == THEIRS);
        match was.and_then(|was| back.get_mut(was)) {
            Some(Value::Object(fields)) if is_theirs => drop(fields.insert("Name".to_owned(), THEIRS.into())),
            Some(value) if is_theirs => value[0] = THEIRS.into(),
            Some(_) if key != "definitions" => {}
            _ if key == "definitions" || is_theirs || !can_delete => drop(back.insert(key.clone(), value.clone())),
            _ => {}
        }
    }
    let undo_at = |run: &str, sandbox: &Sandbox| undo_of(run, &state, connection(view, sandbox, &settings));
    // A run that came to its end before it could be cut off was followed by another one, and so on.
    let wrote = |info: &RunRecord| {
        info.command == CommandKind::Import
            && info.status == RunStatus::Done
            && info.totals.created + info.totals.updated > 0
    };
    let runs: Vec<String> = all_runs(&state).unwrap().into_iter().filter(wrote).map(|info| info.run).collect();
    let mut undone: Vec<String> = Vec::new();
    for run in &runs {
        undone.push(taken_back(&mut dice, &mut served, &sandbox_options, |sandbox| undo_at(run, sandbox)));
    }
    same_held(&served.held(view), &back, "taken back");

    // Whoever was deleted cannot be brought back.
    for undone in undone.iter().rev() {
        taken_back(&mut dice, &mut served, &sandbox_options, |sandbox| undo_at(undone, sandbox));
    }
    let mut kept = after.clone();
    kept.retain(|key, value| key_of_same(view, &back, key, value).is_some());
    same_held(&served.held(view), &kept, "taken back, and that as well");

    // What is back is found to be so, and nothing is sent.
    served.restart(&easy_options);
    for undone in undone.iter().rev() {
        taken_back(&mut dice, &mut served, &easy_options, |sandbox| undo_at(undone, sandbox));
    }
    assert_eq!(served.writes(), 0);
    !is_shared
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

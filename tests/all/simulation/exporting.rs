//! `export` from each platform: the file appears whole, with every contact, or stays as it was.

use super::carried::STARTS_MAX;
use super::dice::Dice;
use super::site::{Cut, Wire, at_ease, connection, copy, cut, may_end_so, one_start, options, patience, rough, silent};
use super::view::{VIEWS, View};
use super::world::crowd;
use crate::support::{runtime, serve};
use ferry::clock::Clock;
use ferry::ids::RunStatus;
use ferry::outcome::{Exit, Failure};
use ferry::plan::suggest::Typed;
use ferry::plan::{WorkAsked, address_of};
use ferry::run::active::close::Ended;
use ferry::run::active::runs::all_runs;
use ferry::run::export::{ExportPlan, What, export};
use ferry::sandbox::Sandbox;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

const OLDER: &str = "what an older export wrote\n";

fn plan_of(folder: &Path, out: &str, view: &dyn View, sandbox: &Sandbox, settings: &[(&str, String)]) -> ExportPlan {
    let (connection, state) = (connection(view, sandbox, settings), super::site::state_of(folder));
    // The run that is not done yet is resumed, as by `ferry resume`.
    let resumes = all_runs(&state).unwrap().into_iter().find(|run| run.status != RunStatus::Done).map(|run| run.run);
    ExportPlan {
        address: address_of(&connection),
        connection,
        config_folder: folder.to_owned(),
        what: What::Contacts,
        mapping: None,
        region: None,
        connection_region: None,
        out: folder.join(out),
        format: None,
        raw_cells: false,
        since: None,
        changes: None,
        retain: None,
        at_least: None,
        work: WorkAsked { fresh: true, ..WorkAsked::default() },
        wait: Duration::ZERO,
        state,
        typed: Typed { words: vec!["export".into()], folder: folder.to_owned(), ..Typed::default() },
        is_own: false,
        is_job: false,
        resumes,
        mapping_name: None,
    }
}

fn start(plan: &ExportPlan, cut: Cut) -> Option<Result<Ended, Failure>> {
    one_start(cut, async |stop| export(plan, &silent(), Clock::start(), &stop).await)
}

/// Its lines, each as often as it is there, because the order of contacts is not fixed.
fn lines(path: &Path) -> BTreeMap<String, usize> {
    let mut lines = BTreeMap::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        *lines.entry(line.trim_end_matches(',').to_owned()).or_default() += 1;
    }
    lines
}

pub fn simulate(seed: u64) {
    let mut dice = Dice(seed ^ 0x4578);
    let view = VIEWS[seed as usize % VIEWS.len()];
    let people = crowd(&mut dice);
    let out = dice.pick(&["all.csv", "all.jsonl"]);
    let folders = tempfile::tempdir().unwrap();
    let (calm, folder) = (folders.path().join("calm"), folders.path().join("rough"));
    let serving = runtime(1);
    let sandbox = serving.block_on(serve(options(&calm, seed, people.len())));
    view.found(&Wire::to(&sandbox), people.len());
    people.iter().for_each(|person| view.put(&Wire::to(&sandbox), person));
    std::fs::create_dir_all(calm.join("state")).unwrap();
    std::fs::create_dir_all(folder.join("state")).unwrap();
    let whole = |sandbox: &Sandbox| {
        let ended = start(&plan_of(&calm, out, view, sandbox, &at_ease()), Cut::Never).unwrap();
        let ended = ended.unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(ended.exit, Exit::Done, "{:?}", ended.failure);
        (lines(&calm.join(out)), ended.summary.records)
    };
    let (expected, books) = whole(&sandbox);
    serving.block_on(sandbox.stop());
    copy(&calm, &folder);

    let path = folder.join(out);
    std::fs::write(&path, OLDER).unwrap();
    let sandbox_options = rough(&mut dice, &options(&folder, seed, people.len()));
    let mut settings = patience(&mut dice);
    let page_size = dice.pick(&["1", "3", "7", "100"]).to_owned();
    if view.name() != "mercately" {
        settings.push(("page_size", page_size));
    }
    if std::env::var_os("FERRY_SEED").is_some() {
        eprintln!("{} {out} {:?} {settings:?}", view.name(), sandbox_options.faults);
    }
    let mut sandbox = serving.block_on(serve(sandbox_options.clone()));
    let mut cuts = 1 + dice.below(4);
    for starts in 0.. {
        assert!(starts < STARTS_MAX, "it never ends");
        let cut = if cuts > 0 { cut(&mut dice) } else { Cut::Never };
        cuts = cuts.saturating_sub(1);
        let ended = start(&plan_of(&folder, out, view, &sandbox, &settings), cut);
        let exit = match &ended {
            None => None,
            Some(Ok(ended)) => Some(ended.exit),
            Some(Err(failure)) => Some(failure.exit),
        };
        if std::env::var_os("FERRY_SEED").is_some() {
            let why = ended.as_ref().map(|ended| ended.as_ref().map(|ended| &ended.failure));
            eprintln!("{cut:?}: {exit:?} {why:?}");
        }
        assert!(exit.is_none_or(may_end_so), "{exit:?}");
        if let Some(Ok(ended)) = &ended
            && ended.exit == Exit::Done
        {
            assert_eq!(lines(&path), expected);
            assert_eq!(ended.summary.records, books);
            break;
        }
        // One that did not come to its end has left the older file, unless it was killed behind its last act.
        let is_older = std::fs::read_to_string(&path).unwrap() == OLDER;
        assert!(is_older || (exit.is_none() && lines(&path) == expected), "{exit:?}");
        if dice.chance(30) {
            serving.block_on(sandbox.stop());
            sandbox = serving.block_on(serve(sandbox_options.clone()));
        }
    }
    let beside: Vec<_> = std::fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(beside.len(), 3, "{beside:?}");
}

//! What a shared store keeps for long: a hundred thousand runs, names of removed ones, lines about files that are gone.

use super::super::support::postgres::{execute, value};
use super::{IMPORT, run_of, scene};
use serde_json::Value;

/// Copies of every run that the store has, a second older each time.
const MORE: &str = "INSERT INTO ferry.run_record (name, started_ms, work, command, record)
    SELECT name || '-' || n, started_ms - 1000 * (n / 7), work, command,
        jsonb_set(jsonb_set(record::jsonb, '{run}', to_jsonb(name || '-' || n)), '{started_ms}',
            to_jsonb(started_ms - 1000 * (n / 7)))::text
    FROM ferry.run_record CROSS JOIN generate_series(1, 1100) n";

#[test]
fn many_runs_are_listed_in_their_order_found_and_removed() {
    let Some((scene, text)) = scene(2) else { return };
    let run = run_of(&scene.run(IMPORT));
    let dry = run_of(&scene.run(&format!("{IMPORT} --dry-run")));
    execute(&text, MORE.to_owned());
    let all: Vec<Value> = serde_json::from_str(&scene.run("runs --output json").out).unwrap();
    let places: Vec<(u64, &str)> =
        all.iter().map(|run| (run["started_ms"].as_u64().unwrap(), run["run"].as_str().unwrap())).collect();
    assert!(places.len() == 1102 && places.is_sorted_by(|one, other| one > other), "{}", places.len());
    assert!(places.iter().any(|(_, name)| *name == dry), "a dry run is in its folder only");
    let shown = scene.run("runs").out;
    let heads = shown.lines().filter(|line| line.starts_with("RUN ")).count();
    assert_eq!((shown.lines().count(), heads), (1103, 1));
    let newest: Vec<Value> = serde_json::from_str(&scene.run("runs --limit 300 --output json").out).unwrap();
    assert_eq!((newest.len(), &newest[299]), (300, &all[299]));
    assert!(scene.run(&format!("runs {run}-1099")).exit == 0);
    let pruned = scene.run("runs --prune 0d");
    assert!(pruned.out.starts_with("1,102 finished runs removed"), "{pruned:?}");
    assert_eq!(value(&text, "SELECT count(*)::text FROM ferry.run_record"), "0");
    assert_eq!(value(&text, "SELECT count(*)::text FROM ferry.image"), "0");
    assert_eq!(scene.run("runs --output json").out, "[]\n");
    let gone = scene.run(&format!("runs {run}"));
    assert!(gone.exit == 2 && gone.err.contains("was removed by `ferry runs --prune`"), "{gone:?}");
}

#[test]
fn what_a_killed_removal_has_left_goes_with_the_next() {
    let Some((scene, text)) = scene(2) else { return };
    let killed = run_of(&scene.run(IMPORT));
    execute(
        &text,
        format!(
            "DELETE FROM ferry.run_record WHERE name = '{killed}';
             INSERT INTO ferry.removed_run (name, day, rejects) VALUES ('{killed}', '2026-11-30', 0)"
        ),
    );
    scene.run(IMPORT);
    let images = "SELECT count(*)::text FROM ferry.image";
    assert_eq!(value(&text, images), "2", "of the first run");
    let pruned = scene.run("runs --prune 0d");
    assert_eq!((pruned.exit, value(&text, images).as_str()), (0, "0"), "{pruned:?}");
}

#[test]
fn a_file_that_is_removed_by_its_age_is_forgotten_by_the_store() {
    let Some((scene, text)) = scene(2) else { return };
    let export = "export --from mercately --out list-{date}.csv";
    assert_eq!(scene.run(export).exit, 0);
    let new = std::fs::read_dir(scene.folder()).unwrap().flatten().map(|entry| entry.path());
    let new = new.into_iter().find(|path| path.display().to_string().contains("list-")).unwrap();
    std::fs::rename(&new, scene.path("list-2020-01-01.csv")).unwrap();
    let name = new.file_name().unwrap().to_str().unwrap();
    execute(&text, format!("UPDATE ferry.output SET path = replace(path, '{name}', 'list-2020-01-01.csv')"));
    assert_eq!(value(&text, "SELECT count(*)::text FROM ferry.output"), "1");
    let next = scene.run(&format!("{export} --retain 30d"));
    assert!(next.exit == 0 && next.err.contains("`list-2020-01-01.csv` is older than `--retain` says"), "{next:?}");
    let left = "SELECT string_agg(path, ' ') FROM ferry.output";
    assert!(value(&text, left).ends_with(name) && new.exists(), "{}", value(&text, left));
    assert_eq!(value(&text, "SELECT count(*)::text FROM ferry.output"), "1");
}

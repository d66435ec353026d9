//! A dry run against the real run after it: it wrote nothing, left nothing, and foretold the outcome of each record.

use super::support::{Scene, all_platforms, json_lines, run};
use ferry::sandbox::{FaultKind, SandboxOptions};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A sandbox, and the program with its state beside it.
pub(super) fn scene(change: impl FnOnce(&mut SandboxOptions)) -> Scene {
    let mut scene = super::support::scene(change);
    scene.set("FERRY_STATE", "state");
    scene.set_for_all("settle", "500ms");
    scene
}

/// The databases of the connections.
fn databases(scene: &Scene) -> Vec<PathBuf> {
    let files = std::fs::read_dir(scene.path("state/connections")).into_iter().flatten().flatten();
    files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|end| end == "db")).collect()
}

/// Everything in the checkpoints, table by table.
fn checkpoints(scene: &Scene) -> BTreeMap<String, Vec<String>> {
    let of = |path: &Path| {
        let tables = rows(path, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name");
        tables
            .into_iter()
            .map(|table| (format!("{} {table}", path.display()), rows(path, &format!("SELECT * FROM {table}"))))
            .collect::<Vec<_>>()
    };
    databases(scene).iter().flat_map(|path| of(path)).collect()
}

fn rows(path: &Path, query: &str) -> Vec<String> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let mut statement = connection.prepare(query).unwrap();
    let columns = statement.column_count();
    let row = |row: &rusqlite::Row<'_>| (0..columns).map(|at| row.get(at).map(text_of)).collect::<Result<Vec<_>, _>>();
    statement.query_map([], row).unwrap().map(|row| row.unwrap().join(" ")).collect()
}

fn text_of(value: rusqlite::types::Value) -> String {
    match value {
        rusqlite::types::Value::Text(text) => text,
        other => format!("{other:?}"),
    }
}

/// What a contact that exists gets.
const OPTIONS: [&str; 4] = ["", " --on-existing fill", " --on-existing skip", " --only-existing"];

/// What else an import into a platform needs.
fn also(platform: &str) -> &'static str {
    // Values of TWIN are written to attributes, which have to exist.
    if platform == "twin" { " --create-attributes" } else { "" }
}

const MAPPING: &str = "\
version: 1
phone_region: EC
contact:
  first_name: First
  last_name: { from: Last, default: \"-\" }
  phone: Phone
  email: Email
  tags: { from: Tags, split: \";\" }
  attributes:
    Plan: { from: Plan, clear: true }
only_if: \"row.First != 'Spam'\"
";

const TWIN_MAPPING: &str = "\
version: 1
phone_region: EC
contact:
  target_id: Id
  first_name: First
  last_name: { from: Last, default: \"-\" }
  phone: Phone
  email: Email
  attributes:
    Plan: { from: Plan, clear: true }
only_if: \"row.First != 'Spam'\"
identity: [target_id]
";

const BEFORE: &str = "\
Id,First,Last,Phone,Email,Tags,Plan
7a1e0000-0000-4000-8000-000000000001,Ana,Vera,0996000001,ana@example.com,VIP,Basic
7a1e0000-0000-4000-8000-000000000002,Bea,Paz,0996000002,bea@example.com,Lead,Pro
7a1e0000-0000-4000-8000-000000000003,Carla,,0996000003,,,Basic
7a1e0000-0000-4000-8000-000000000004,Dora,Sol,0996000004,dora@example.com,VIP;Lead,
";

/// Nothing new, a new value, a cleared one, filled blanks, a new contact twice (merged), an invalid phone, a filtered
/// record, a record with the e-mail of another one.
const AFTER: &str = "\
Id,First,Last,Phone,Email,Tags,Plan
7a1e0000-0000-4000-8000-000000000001,Ana,Vera,0996000001,ana@example.com,VIP,Basic
7a1e0000-0000-4000-8000-000000000002,Bea,Paz Luna,0996000002,bea@example.com,Lead;VIP,
7a1e0000-0000-4000-8000-000000000003,Carla,Rey,0996000003,carla@example.com,Newsletter,Pro
7a1e0000-0000-4000-8000-000000000004,Dora,Sol,0996000004,dora@example.com,Nobody knows it,Basic
7a1e0000-0000-4000-8000-000000000005,Eva,Roca,0996000005,eva@example.com,VIP,Basic
7a1e0000-0000-4000-8000-000000000005,Eva,Roca Mar,0996000005,,Lead,
7a1e0000-0000-4000-8000-000000000006,Fe,Bad,12,fe@example.com,,
7a1e0000-0000-4000-8000-000000000007,Spam,Spam,0996000007,,,
7a1e0000-0000-4000-8000-000000000008,Gala,Mora,0996000008,eva@example.com,,Pro
7a1e0000-0000-4000-8000-000000000999,Ida,Nova,0996000009,ida@example.com,,Pro
";

/// What people see of a record in both files: line, outcome, reason or code.
fn essence(row: &Value, is_plan: bool) -> String {
    let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let why = if is_plan || row["code"].is_null() { text("reason") } else { text("code") };
    format!("{} {} {why}", row["line"], text("outcome"))
}

/// All contacts at a target, by id, each field as text. TWIN lists no clients, so the sandbox is asked itself.
fn exported(scene: &Scene, platform: &str) -> BTreeMap<String, Value> {
    if platform == "twin" {
        let clients = scene.contacts("twin").into_iter();
        return clients.map(|client| (client["id"].as_str().unwrap().to_owned(), client)).collect();
    }
    let out = scene.run_json(&format!("export --from {platform} --out all.jsonl"));
    assert_eq!(out.exit, 0, "{out:?}");
    let all = json_lines(&scene.read("all.jsonl"));
    all.into_iter().map(|contact| (contact["id"].as_str().unwrap().to_owned(), contact)).collect()
}

/// The value of a field as a plan names it.
fn value_of(contact: &Value, field: &str) -> String {
    let list = |name: &str| {
        let items = contact[name].as_array().into_iter().flatten().filter_map(Value::as_str);
        items.collect::<Vec<_>>().join("; ")
    };
    match field.split_once('.') {
        Some((group, name)) => contact[group][name].as_str().unwrap_or_default().to_owned(),
        None if field == "phone" => list("phones"),
        None if field == "email" => list("emails"),
        None if contact[field].is_array() => list(field),
        None => contact[field].as_str().unwrap_or_default().to_owned(),
    }
}

#[test]
fn a_rate_that_has_yet_to_be_found_is_told_once_and_only_where_it_matters() {
    let mut scene = scene(|_| {});
    let rows = |count: u64| (0..count).map(|n| format!("Ana {n},+5939900{n:05}\n")).collect::<String>();
    scene.write("many.csv", &format!("First name,Phone\n{}", rows(120)));
    scene.write("few.csv", &format!("First name,Phone\n{}", rows(20)));
    for (rate, file, start) in [
        ("auto", "many.csv", Some("2")),
        ("auto,max=1/s", "many.csv", Some("1")),
        ("auto", "few.csv", None),
        ("500/s", "many.csv", None),
    ] {
        scene.set("FERRY_MERCATELY_RATE", rate);
        let ended = scene.run(&format!("import {file} --to mercately --dry-run"));
        let told: Vec<&str> = ended.err.lines().filter(|line| line.contains("rate limit")).collect();
        let expected = start.map(|start| {
            format!(
                "note: the rate limit of `mercately` is not known: the run starts at {start} requests/s and speeds up until \
                 one is refused; set `rate` if you know the limit"
            )
        });
        assert_eq!(told, expected.iter().map(String::as_str).collect::<Vec<_>>(), "{rate}, {file}: {}", ended.err);
    }
}

#[test]
fn a_rate_at_which_a_short_run_began_is_not_known_yet() {
    let mut scene = scene(|_| {});
    scene.set("FERRY_MERCATELY_RATE", "auto");
    let rows: String = (0..120).map(|number| format!("Ana{number},+593991{number:06}\n")).collect();
    scene.write("many.csv", &format!("First name,Phone\n{rows}"));
    scene.write("one.csv", "First name,Phone\nEva,+593987654321\n");
    assert_eq!(scene.run("import one.csv --to mercately").exit, 0);
    let told = scene.run("import many.csv --to mercately --dry-run").err;
    assert!(
        told.contains("note: the rate limit of `mercately` is not known: the run starts at 2 requests/s"),
        "{told}"
    );
}

#[test]
fn a_dry_run_into_each_platform_foretells_what_the_real_run_does() {
    std::thread::scope(|scope| {
        for platform in all_platforms() {
            scope.spawn(move || OPTIONS.into_iter().for_each(|options| compare(platform, options)));
        }
    });
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

/// The requests that arrived in this part of the sandbox's history, but those for pages of a list.
fn others(scene: &Scene, part: std::ops::Range<usize>) -> Vec<String> {
    let history = scene.sandbox().history().into_iter().take(part.end).skip(part.start);
    let paths = history.map(|request| format!("{} {}", request.method, request.path));
    paths.filter(|path| !path.contains("page=") && !path.contains("offset=")).collect()
}

fn compare(platform: &str, options: &str) {
    let scene = scene(|_| {});
    let is_twin = platform == "twin";
    scene.write("mapping.yaml", if is_twin { TWIN_MAPPING } else { MAPPING });
    scene.write("sheet.csv", BEFORE);
    let words = format!("import sheet.csv --map mapping.yaml --to {platform}{options}{}", also(platform));
    let seed = format!("import sheet.csv --map mapping.yaml --to {platform} --create-attributes");
    let begun = scene.run_json(&seed);
    assert_eq!(begun.exit, 0, "{words}: {begun:?}");
    scene.write("sheet.csv", AFTER);
    let (acted, stored) = (scene.writes(), checkpoints(&scene));
    let before = exported(&scene, platform);
    assert!(before.len() >= 3, "{words}: {before:?}");
    let asked = scene.requests();
    let dry = scene.run_json(&format!("{words} --dry-run --plan plan.jsonl"));
    let until_dry = scene.requests();
    assert_eq!(scene.writes(), acted, "{words}: {dry:?}");
    assert_eq!(checkpoints(&scene), stored, "{words}");
    let left = std::fs::read_dir(scene.path("state")).unwrap().flatten();
    let left: Vec<_> = left.filter(|file| file.file_name().to_string_lossy().starts_with("dry-run")).collect();
    assert!(left.is_empty(), "{left:?}");
    let resumed = scene.run_json("resume");
    assert!(resumed.err.contains("there is no unfinished run"), "{resumed:?}");
    let real = scene.run_json(&format!("{words} --results results.jsonl"));
    let until_real = scene.requests();
    let after = exported(&scene, platform);
    assert_eq!(dry.exit, real.exit, "{words}:\n{dry:?}\n{real:?}");
    assert_eq!(dry.summary()["records"], real.summary()["records"], "{words}");
    for name in ["skipped", "rejects", "cleared"] {
        assert_eq!(dry.summary()[name], real.summary()[name], "{words}: {name}");
    }
    let (plan, results) = (json_lines(&scene.read("plan.jsonl")), json_lines(&scene.read("results.jsonl")));
    let planned: Vec<_> = plan.iter().map(|row| essence(row, true)).collect();
    let came: Vec<_> = results.iter().map(|row| essence(row, false)).collect();
    assert_eq!(planned, came, "{words}");
    let (mut touched, mut compared) = (Vec::new(), 0);
    for (row, result) in plan.iter().zip(&results) {
        assert!(row["target_id"].is_null() || row["target_id"] == result["target_id"], "{words}: {row} {result}");
        let Some(there) = result["target_id"].as_str().and_then(|id| after.get(id)) else { continue };
        let uncertain: Vec<&str> =
            row["uncertain"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for change in row["changes"].as_array().unwrap() {
            touched.push(result["target_id"].as_str().unwrap().to_owned());
            let (field, new) = (change["field"].as_str().unwrap(), change["new"].as_str().unwrap_or_default());
            let name = if field == "tags" { format!("tags.{new}") } else { field.to_owned() };
            if !uncertain.iter().any(|uncertain| name.contains(uncertain) || uncertain.contains(field)) {
                assert_eq!(value_of(there, field), new, "{words}: `{field}` of {row} is {there}");
                compared += 1;
            }
        }
    }
    // Only where nothing is written there is nothing to compare.
    let is_written = real.count("created") + real.count("updated") > 0;
    assert_eq!(compared > 0, is_written, "{words}: {compared} values");
    let untouched: Vec<_> = before.iter().filter(|(id, _)| !touched.contains(id)).collect();
    assert!(!untouched.is_empty(), "{words}: every contact was to change");
    for (id, contact) in untouched {
        assert_eq!(after.get(id), Some(contact), "{words}: nothing was planned for `{id}`");
    }
    // Pages are requested ahead: how many turn out to stand behind the end differs from run to run, and the last ones may be
    // taken back before they arrive. Everything else is foretold one by one.
    let dry_others = others(&scene, asked..until_dry);
    let pages = number(&dry.summary()["requests"]["sent"]) - dry_others.len() as u64;
    let foretold = number(&dry.summary()["forecast"]["requests"]) - pages;
    let came = others(&scene, until_dry..until_real);
    let uncertain = dry.summary()["uncertain"].as_object().map_or(0, |uncertain| uncertain.len() as u64);
    // Eadesk's list states no total: that a contact made by the run is found there, and read, is foretold as a search.
    let slack = uncertain + u64::from(platform == "eadesk");
    let differs = foretold.abs_diff(came.len() as u64) > slack;
    assert!(!differs, "{words}: {foretold} foretold, {slack} may differ, {pages} pages\n{dry_others:#?}\n{came:#?}");
    // What was planned has come about: nothing is left to be done.
    let again = scene.run_json(&format!("{words} --dry-run --plan again.jsonl"));
    let changes = json_lines(&scene.read("again.jsonl"));
    let changed: Vec<_> = changes.iter().filter(|row| row["changes"] != serde_json::json!([])).collect();
    assert!(changed.is_empty(), "{words}: {changed:?} {again:?}");
}

#[test]
fn a_dry_migration_foretells_what_the_real_one_does() {
    for to in ["atom", "eadesk"] {
        let scene = scene(|_| {});
        scene.write("mapping.yaml", MAPPING);
        scene.write("sheet.csv", AFTER);
        let begun = scene.run_json("import sheet.csv --map mapping.yaml --to mercately");
        assert_eq!(begun.exit, 3, "{begun:?}");
        let acted = scene.writes();
        let words = format!("migrate --from mercately --to {to}");
        let dry = scene.run_json(&format!("{words} --dry-run --plan plan.jsonl"));
        assert_eq!((scene.writes(), scene.contacts(to).len()), (acted, 0), "{dry:?}");
        let real = scene.run_json(&format!("{words} --results results.jsonl"));
        assert_eq!((dry.exit, &dry.summary()["records"]), (real.exit, &real.summary()["records"]), "{dry:?}\n{real:?}");
        let of = |name: &str, is_plan| {
            json_lines(&scene.read(name)).iter().map(|row| essence(row, is_plan)).collect::<Vec<_>>()
        };
        assert_eq!(of("plan.jsonl", true), of("results.jsonl", false));
        let again = scene.run_json(&format!("{words} --dry-run"));
        assert_eq!((again.count("created"), again.count("updated")), (0, 0), "{again:?}");
    }
}

fn people(scene: &Scene, count: usize) {
    let mut text = "First,Last,Phone,Email,Tags,Plan\n".to_owned();
    (0..count).for_each(|n| text.push_str(&format!("Ana{n},Vera,09960{n:05},,,Basic\n")));
    scene.write("mapping.yaml", MAPPING);
    scene.write("sheet.csv", &text);
}

const IMPORT: &str = "import sheet.csv --map mapping.yaml --to mercately";

#[test]
fn a_dry_run_beside_an_unfinished_run_says_how_that_run_would_resume() {
    let scene = scene(|_| {});
    people(&scene, 9);
    assert_eq!(scene.run_json(&format!("{IMPORT} --limit 4")).count("created"), 4);
    let (acted, stored) = (scene.writes(), checkpoints(&scene));
    let dry = scene.run_json(&format!("{IMPORT} --dry-run"));
    assert!(dry.err.contains("the real run would resume `"), "{dry:?}");
    assert_eq!((dry.exit, dry.count("created"), scene.writes()), (0, 9, acted), "{dry:?}");
    assert_eq!(checkpoints(&scene), stored);
    let real = scene.run_json("resume");
    assert_eq!((real.exit, real.count("created"), scene.writes()), (0, 9, 9), "{real:?}");
}

#[test]
fn a_dry_run_is_not_locked_out_by_a_process_that_writes() {
    let scene = scene(|_| {});
    people(&scene, 3);
    assert_eq!(scene.run_json(IMPORT).exit, 0);
    let path = databases(&scene).remove(0);
    let held = ferry::store::Checkpoint::open(&crate::store::account_at(&path)).unwrap();
    people(&scene, 5);
    let dry = scene.run_json(&format!("{IMPORT} --dry-run"));
    assert_eq!((dry.exit, dry.count("created"), dry.count("unchanged")), (0, 2, 3), "{dry:?}");
    assert_eq!(scene.run_json(IMPORT).exit, 7);
    held.close().unwrap();
}

#[test]
fn a_dry_run_during_faults_writes_nothing_and_reports_every_record() {
    let scene = scene(|options| {
        options.faults = vec![(FaultKind::DropBefore, 0.05), (FaultKind::DropAfter, 0.05), (FaultKind::Error500, 0.05)];
        options.seed = 3;
    });
    people(&scene, 25);
    let dry = run(scene.command(&format!("{IMPORT} --dry-run --output json")).env("FERRY_MERCATELY_FIND", "snapshot"));
    assert_eq!((dry.exit, dry.count("created"), scene.writes()), (0, 25, 0), "{dry:?}");
}

#[test]
fn a_dry_run_defines_no_attributes() {
    let scene = scene(|_| {});
    scene.write("mapping.yaml", TWIN_MAPPING);
    scene.write("sheet.csv", BEFORE);
    let words = "import sheet.csv --map mapping.yaml --to twin --create-attributes";
    let dry = scene.run_json(&format!("{words} --dry-run"));
    assert_eq!((dry.exit, dry.count("updated"), scene.writes()), (0, 3, 0), "{dry:?}");
    let real = scene.run_json(words);
    assert_eq!((real.exit, &real.summary()["records"]), (0, &dry.summary()["records"]), "{real:?}");
    assert_eq!(dry.summary()["forecast"]["requests"], real.summary()["requests"]["sent"], "{real:?}");
}

#[test]
fn a_dry_run_of_the_first_records_alone_writes_its_plan_and_its_forecast() {
    let scene = scene(|_| {});
    people(&scene, 5);
    let told = scene.run_json(&format!("{IMPORT} --dry-run --limit 2 --plan plan.jsonl"));
    assert_eq!((told.exit, told.count("created"), json_lines(&scene.read("plan.jsonl")).len()), (0, 2, 2), "{told:?}");
    assert!(told.summary()["forecast"]["requests"].as_u64().unwrap() > 2, "{told:?}");
    assert_eq!(scene.run_json("apply plan.jsonl").count("created"), 2);
}

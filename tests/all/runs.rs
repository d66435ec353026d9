//! `ferry runs` and the progress of a run that was killed: what they say is what the checkpoint and the platform say.

use super::dry::scene;
use super::support::{Running, Scene, begin};
use serde_json::Value;
use std::fmt::Write;
use std::process::Command;

const PEOPLE: usize = 80;
const IMPORT: &str = "import people.csv --map mapping.yaml --to mercately --rate 20/s --progress always";
const MAPPING: &str =
    "version: 1\nphone_region: EC\ncontact:\n  first_name: First\n  last_name: Last\n  phone: Phone\n";

/// A command with the rate of its own words.
fn command(scene: &Scene, words: &str) -> Command {
    let mut command = scene.command(&format!("{words} --output json"));
    command.env_remove("FERRY_MERCATELY_RATE");
    command
}

/// Kills it when the platform has so many.
fn kill_at(scene: &Scene, mut process: Running, contacts: usize) {
    scene.wait_until("enough contacts", |scene| scene.contacts("mercately").len() >= contacts || !process.is_running());
    assert!(process.is_running());
    process.kill();
}

/// The newest run.
fn newest(scene: &Scene) -> Value {
    scene.run_json("runs").summary()[0].clone()
}

fn assert_true(scene: &Scene, run: &Value) -> u64 {
    let books = &run["books"];
    let n = |name: &str| books[name].as_u64().unwrap();
    let there = scene.contacts("mercately").len() as u64;
    // What was on its way when it was killed may be there without an outcome.
    assert!(n("created") > 0 && n("created") <= there && n("unchanged") == 0, "{books} of {there}");
    let outcomes = ["created", "updated", "unchanged", "skipped", "rejected", "unknown", "pending"];
    assert_eq!(outcomes.map(n).iter().sum::<u64>(), n("read"), "{books}");
    assert_eq!((n("updated"), run["status"].as_str()), (0, Some("unfinished")), "{run}");
    n("created")
}

/// No time is shown that does not hold all the work, and no speed above the rate.
fn assert_speed(scene: &Scene) {
    let run = newest(scene)["run"].as_str().unwrap().to_owned();
    let shown = scene.run(&format!("runs {run}")).out;
    let line = shown.lines().find(|line| line.contains(" records")).unwrap_or_else(|| panic!("{shown}"));
    assert!(!line.contains(" in 0"), "{line}");
    let rate = line.split([',', ';']).find_map(|word| word.trim().strip_suffix("/s")?.parse::<f64>().ok());
    assert!(rate.is_none_or(|rate| rate <= 30.0), "{line}");
}

#[test]
fn a_killed_run_is_shown_as_it_stands_and_its_next_process_tells_its_own_speed() {
    let scene = scene(|_| {});
    scene.write("mapping.yaml", MAPPING);
    let mut sheet = "First,Last,Phone\nBea,Paz,12\n".to_owned();
    (0..PEOPLE).for_each(|n| writeln!(sheet, "Ana{n},Vera,09970{n:05}").unwrap());
    scene.write("people.csv", &sheet);
    kill_at(&scene, begin(command(&scene, IMPORT)), 30);
    let first = assert_true(&scene, &newest(&scene));
    assert_speed(&scene);
    let run = newest(&scene)["run"].as_str().unwrap().to_owned();
    kill_at(&scene, begin(command(&scene, &format!("resume {run}"))), 40);
    let second = assert_true(&scene, &newest(&scene));
    assert_speed(&scene);
    assert!(second >= first, "{second} after {first}");
    // 20 requests a second: a count that includes the earlier processes would be higher.
    let ended = begin(command(&scene, IMPORT)).finish();
    let rates = ended.err.lines().filter(|line| line.starts_with("importing into")).flat_map(|line| line.split(", "));
    let rates: Vec<f64> = rates.filter_map(|word| word.strip_suffix("/s")?.parse().ok()).collect();
    assert!(ended.exit == 3 && rates.iter().all(|rate| *rate <= 25.0), "{rates:?}\n{ended:?}");
    let done = newest(&scene);
    assert_eq!((done["books"]["created"].as_u64(), done["status"].as_str()), (Some(80), Some("done")), "{done}");
}

/// The names of the commands of the runs that are listed, the newest first.
fn listed(scene: &Scene, options: &str) -> Vec<String> {
    let ended = scene.run_json(&format!("runs {options}"));
    assert_eq!(ended.exit, 0, "{ended:?}");
    let runs = ended.summary();
    runs.as_array().unwrap().iter().map(|run| run["command"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_list_of_runs_is_narrowed_down_by_what_is_asked() {
    let scene = scene(|_| {});
    scene.write("m.yaml", MAPPING);
    scene.write("atom", "First,Last,Phone\nAna,Vera,0991234567\nBea,Paz,0991234568\n");
    scene.write("ferry.yaml", "jobs:\n  night:\n    export: { from: mercately, out: a.csv }\n");
    for words in [
        "import atom --map m.yaml --to mercately",
        "import atom --map m.yaml --to mercately --dry-run",
        "run night",
        "convert atom --map m.yaml --out b.csv",
        "import atom --map m.yaml --to eadesk --limit 1",
    ] {
        assert_eq!(scene.run(words).exit, 0, "{words}");
    }
    for (options, expected) in [
        ("", "import convert export import import"),
        ("--command import", "import import import"),
        ("--command import --command convert", "import convert import import"),
        // The name of a file is no connection.
        ("--connection atom", ""),
        ("--connection mercately", "export import import"),
        ("--connection mercately --connection eadesk --limit 2", "import export"),
        ("--status dry-run", "import"),
        ("--status unfinished --command import", "import"),
        ("--status done --limit 1", "convert"),
        ("--job night", "export"),
        ("--job nigh", ""),
        ("--since 1h", "import convert export import import"),
        ("--since 2030-01-01", ""),
        ("--since 2020-01-01T00:00:00Z --limit 1", "import"),
    ] {
        assert_eq!(listed(&scene, options).join(" "), expected, "{options}");
    }
    let none = scene.run("runs --job nigh");
    assert!(none.exit == 0 && none.err.contains("no run is like that"), "{none:?}");
    let table = scene.run("runs --job night").out;
    assert!(table.lines().count() == 2 && table.contains("-export-mercately-"), "{table}");
    for (options, why) in [
        ("--since yesterday", "neither a time nor an age"),
        ("--status failed", "possible values"),
        ("--limit 0", "above 0"),
        ("7f3a --limit 2", "cannot be"),
    ] {
        let ended = scene.run(&format!("runs {options}"));
        assert_eq!(ended.exit, 2, "{options}: {ended:?}");
        println!("{options} ({why}): {}", ended.err);
    }
    // A run that is resumed by its name stays that of its job.
    assert_eq!(scene.run("run night --limit 1").exit, 0);
    assert_eq!(scene.run("resume").exit, 0);
    assert_eq!(listed(&scene, "--job night --since 1h"), ["export", "export"]);
}

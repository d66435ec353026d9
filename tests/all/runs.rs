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

//! The project of `engines/meltano` under Meltano itself: a migration whose target is killed in the middle, on one machine and
//! on two that share a store. Without Meltano the tests are left out (see `support::left_out`).

use super::stream::{copy, feed, from_pypi, other, phones_of, record, schema, singer, singer_record};
use crate::support::postgres::database;
use crate::support::{Ended, Scene, begin, json_lines, left_out, run, run_folders, scene, wait_for};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long a lease of a shared store holds here.
const LEASE: Duration = Duration::from_secs(2);
const PEOPLE: usize = 2_600;

/// Contacts that the target of the migration cannot find, because they have no phone.
const WITHOUT_PHONE: usize = 3;

/// The process that runs these words in this folder.
fn process_in(folder: &Path, words: &str) -> Option<u32> {
    let folder = folder.canonicalize().unwrap();
    std::fs::read_dir("/proc").unwrap().filter_map(Result::ok).find_map(|entry| {
        let id = entry.file_name().to_str()?.parse().ok()?;
        let typed = std::fs::read(entry.path().join("cmdline")).ok()?;
        let typed = String::from_utf8_lossy(&typed).replace('\0', " ");
        let is_it = typed.contains(words) && std::fs::read_link(entry.path().join("cwd")).ok()? == folder;
        is_it.then_some(id)
    })
}

fn there(scene: &Scene) -> BTreeSet<String> {
    let digits = |contact: Value| {
        let text = contact.to_string();
        let at = text.find("5939960")?;
        text.get(at..at + 12).map(|digits| format!("+{digits}"))
    };
    scene.contacts("atom").into_iter().filter_map(digits).collect()
}

/// The program, where it can be driven here.
fn meltano() -> Option<PathBuf> {
    if !Path::new("/proc/self/cmdline").exists() {
        left_out("the processes of Meltano cannot be listed here");
        return None;
    }
    let found = from_pypi("meltano", "meltano");
    if found.is_none() {
        left_out("Meltano is not installed (`.ci/setup` installs it)");
    }
    found
}

/// Contacts without a phone, from this number on.
fn without_phone(from: usize) -> String {
    let person = |n: usize| {
        let mut person = record(n);
        person["phone"] = Value::Null;
        format!("{}\n", singer_record(&person))
    };
    (from..from + WITHOUT_PHONE).map(person).collect()
}

/// The project in a folder of the scene, started with these variables.
struct Project<'a> {
    scene: &'a Scene,
    meltano: &'a Path,
    name: &'static str,
    env: Vec<(&'static str, String)>,
}

impl<'a> Project<'a> {
    fn new(scene: &'a Scene, meltano: &'a Path, name: &'static str, env: &[(&'static str, String)]) -> Project<'a> {
        copy(scene, "engines/meltano", name);
        Project { scene, meltano, name, env: env.to_vec() }
    }

    fn folder(&self) -> PathBuf {
        self.scene.path(self.name)
    }

    fn command(&self, words: &str) -> Command {
        let mut command = other(self.scene, self.meltano, self.name);
        command.args(words.split(' ')).env("MELTANO_SEND_ANONYMOUS_USAGE_STATS", "false");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    fn run(&self) -> Ended {
        run(self.command("run tap-ferry target-ferry"))
    }

    /// Begins the migration, and kills the target when it has sent more than a portion.
    fn kill_in_the_middle(&self) {
        let mut running = begin(self.command("run tap-ferry target-ferry"));
        let target = wait_for("a target with a portion behind it", || {
            let has_more = self.scene.contacts("atom").len() > 1_100;
            if !has_more && !running.is_running() {
                return Some(None);
            }
            has_more.then(|| process_in(&self.folder(), "singer target"))
        });
        if let Some(target) = target {
            assert!(Command::new("kill").args(["-KILL", &target.to_string()]).status().unwrap().success());
        }
        let killed = running.finish();
        assert!(target.is_some() && killed.exit == 1, "{killed:?}");
    }
}

#[test]
fn meltano_continues_at_the_last_state_after_a_kill_and_rejects_are_kept() {
    let Some(meltano) = meltano() else { return };
    let scene = scene(|_| {});
    let people = format!("{}{}", singer(0..PEOPLE, 1_000), without_phone(PEOPLE));
    assert!(people.starts_with(&schema("id")));
    assert_eq!(feed(&scene, "singer target --to mercately", &people).exit, 0);
    let project = Project::new(&scene, &meltano, "project", &[]);
    let state = || -> Value {
        let ended = run(project.command("state get dev:tap-ferry-to-target-ferry"));
        let line = ended.out.lines().rfind(|line| line.starts_with('{')).unwrap_or_else(|| panic!("{ended:?}"));
        serde_json::from_str::<Value>(line).unwrap()["singer_state"]["bookmarks"]["contacts"].clone()
    };

    project.kill_in_the_middle();
    let kept = state();
    let records = usize::try_from(kept["records"].as_u64().unwrap()).unwrap();
    assert!((1_000..PEOPLE).contains(&records), "{kept}");

    let ended = project.run();
    assert_eq!(ended.exit, 0, "{ended:?}");
    assert_eq!((&state()["complete"], &state()["records"]), (&json!(true), &json!(PEOPLE + WITHOUT_PHONE)));
    assert_eq!(there(&scene), phones_of(0..PEOPLE).into_iter().collect());
    assert_eq!(scene.contacts("atom").len(), PEOPLE, "each contact is there once");
    let runs = run_folders(&project.folder().join(".ferry"));
    let is_export = |run: &&PathBuf| run.to_str().unwrap().contains("-export-");
    assert_eq!(runs.iter().filter(is_export).count(), 1, "the account is not read again");
    let texts = runs.iter().filter_map(|run| std::fs::read_to_string(run.join("rejects.jsonl")).ok());
    assert_eq!(rejected(texts).len(), WITHOUT_PHONE);
}

/// The e-mails of contacts that were rejected because they lack a phone.
fn rejected(texts: impl Iterator<Item = String>) -> BTreeSet<String> {
    let rejects: Vec<Value> = texts.flat_map(|text| json_lines(&text)).collect();
    assert!(rejects.iter().all(|reject| reject["ferry"]["code"] == "identity.missing"), "{rejects:?}");
    rejects.iter().map(|reject| reject["record"]["email"].to_string()).collect()
}

#[test]
fn another_machine_with_the_same_store_goes_on_after_a_kill_and_knows_the_rejects() {
    let (Some(meltano), Some(store)) = (meltano(), database()) else { return };
    let scene = scene(|_| {});
    // Whether an account is listed from its oldest or from its newest contact, its first portion has rejects.
    let (people, ends) = (0..1_600, [1_600, 1_700].map(without_phone));
    let text = singer(people.clone(), 1_000).replacen('\n', &format!("\n{}", ends[0]), 1) + &ends[1];
    assert_eq!(feed(&scene, "singer target --to mercately", &text).exit, 0);
    let states = scene.path("states");
    std::fs::create_dir(&states).unwrap();
    let machine = |name: &'static str| {
        [
            ("FERRY_STATE", format!("{store}?lease_ms={}", LEASE.as_millis())),
            ("FERRY_SCRATCH", scene.path(&format!("scratch-{name}")).display().to_string()),
            ("MELTANO_STATE_BACKEND_URI", format!("file://{}", states.display())),
        ]
    };
    let rejects_of = |run: &str| {
        let mut command = scene.command(&format!("runs {run} --rejects"));
        run_ended(command.envs(machine("third"))).out
    };
    let runs = || -> Vec<Value> {
        let mut command = scene.command("runs --output json");
        let listed: Value = serde_json::from_str(&run_ended(command.envs(machine("third"))).out).unwrap();
        listed.as_array().unwrap_or_else(|| panic!("{listed}")).clone()
    };

    Project::new(&scene, &meltano, "first", &machine("first")).kill_in_the_middle();
    let done = |run: &&Value| run["command"] == "import" && run["status"] == "done";
    let first = runs().iter().find(done).unwrap_or_else(|| panic!("{:?}", runs()))["run"].clone();
    assert_eq!(rejected([rejects_of(first.as_str().unwrap())].into_iter()).len(), WITHOUT_PHONE);

    let second = Project::new(&scene, &meltano, "second", &machine("second"));
    // The lease of the killed process ends by itself.
    std::thread::sleep(LEASE);
    let ended = second.run();
    assert_eq!(ended.exit, 0, "{ended:?}");
    assert_eq!(there(&scene), phones_of(people.clone()).into_iter().collect());
    assert_eq!(scene.contacts("atom").len(), people.len(), "each contact is there once");
    let names = runs();
    let all = names.iter().filter(|run| run["command"] == "import").map(|run| rejects_of(run["run"].as_str().unwrap()));
    assert_eq!(rejected(all).len(), 2 * WITHOUT_PHONE);
}

/// Runs a command of the program that ends well.
fn run_ended(command: &mut Command) -> Ended {
    let ended = run(command);
    assert_eq!(ended.exit, 0, "{ended:?}");
    ended
}

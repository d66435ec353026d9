//! The project of `engines/meltano` under Meltano itself: a migration whose target is killed in the middle. Without Meltano
//! the test is left out (see `support::left_out`).

use super::stream::{copy, feed, from_pypi, other, phones_of, record, schema, singer, singer_record};
use crate::support::{Scene, begin, json_lines, left_out, run, run_folders, scene, wait_for};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

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

#[test]
fn meltano_continues_at_the_last_state_after_a_kill_and_rejects_are_kept() {
    let Some(meltano) = from_pypi("meltano", "meltano") else {
        return left_out("Meltano is not installed (`.ci/setup` installs it)");
    };
    if !Path::new("/proc/self/cmdline").exists() {
        return left_out("the processes of Meltano cannot be listed here");
    }
    let scene = scene(|_| {});
    let mut people = singer(0..PEOPLE, 1_000);
    for n in 0..WITHOUT_PHONE {
        let mut person = record(PEOPLE + n);
        person["phone"] = Value::Null;
        people.push_str(&format!("{}\n", singer_record(&person)));
    }
    assert!(people.starts_with(&schema("id")));
    assert_eq!(feed(&scene, "singer target --to mercately", &people).exit, 0);
    copy(&scene, "engines/meltano", "project");
    let project = scene.path("project");
    let command = |words: &str| {
        let mut command: Command = other(&scene, &meltano, "project");
        command.args(words.split(' ')).env("MELTANO_SEND_ANONYMOUS_USAGE_STATS", "false");
        command
    };
    let state = || -> Value {
        let ended = run(command("state get dev:tap-ferry-to-target-ferry"));
        let line = ended.out.lines().rfind(|line| line.starts_with('{')).unwrap_or_else(|| panic!("{ended:?}"));
        serde_json::from_str::<Value>(line).unwrap()["singer_state"]["bookmarks"]["contacts"].clone()
    };

    let mut running = begin(command("run tap-ferry target-ferry"));
    let target = wait_for("a target with a portion behind it", || {
        let has_more = scene.contacts("atom").len() > 1_100;
        if !has_more && !running.is_running() {
            return Some(None);
        }
        has_more.then(|| process_in(&project, "singer target"))
    });
    if let Some(target) = target {
        assert!(Command::new("kill").args(["-KILL", &target.to_string()]).status().unwrap().success());
    }
    let killed = running.finish();
    assert!(target.is_some() && killed.exit == 1, "{killed:?}");
    let kept = state();
    let records = usize::try_from(kept["records"].as_u64().unwrap()).unwrap();
    assert!((1_000..PEOPLE).contains(&records), "{kept}");

    let ended = run(command("run tap-ferry target-ferry"));
    assert_eq!(ended.exit, 0, "{ended:?}");
    assert_eq!((&state()["complete"], &state()["records"]), (&json!(true), &json!(PEOPLE + WITHOUT_PHONE)));
    assert_eq!(there(&scene), phones_of(0..PEOPLE).into_iter().collect());
    assert_eq!(scene.contacts("atom").len(), PEOPLE, "each contact is there once");
    let runs = run_folders(&project.join(".ferry"));
    let is_export = |run: &&std::path::PathBuf| run.to_str().unwrap().contains("-export-");
    assert_eq!(runs.iter().filter(is_export).count(), 1, "the account is not read again");
    let rejects: BTreeSet<String> = runs
        .iter()
        .filter_map(|run| std::fs::read_to_string(run.join("rejects.jsonl")).ok())
        .flat_map(|text| json_lines(&text))
        .map(|reject| format!("{} {}", reject["ferry"]["code"], reject["record"]["email"]))
        .collect();
    assert_eq!(rejects.len(), WITHOUT_PHONE, "{rejects:?}");
    assert!(rejects.iter().all(|reject| reject.starts_with("\"identity.missing\"")), "{rejects:?}");
}

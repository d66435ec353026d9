//! The runs of a state folder: which of them are trusted, what is rebuilt of a damaged one, and what `--prune` removes.

use super::store::account_at;
use super::support::{ferry, run, run_folders as folders_of_runs};
use ferry::store::Checkpoint;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const MAPPING: &str = "version: 1\ncontact: { first_name: First, last_name: Last, phone: Phone }\n";
const HEAD: &str = "First,Last,Phone\n";
const GOOD: &str = "Ana,Paz,+593987625587\n";
const MORE: &str = "Leo,Rey,+593987625588\n";
const BAD: &str = "Bea,Sol,+59312\n";
const IMPORT: &str = "import in.csv --map m.yaml --to mercately --sandbox --rate none";

fn folder(rows: &[&str]) -> TempDir {
    let folder = TempDir::new().unwrap();
    put(&folder, "m.yaml", MAPPING);
    put(&folder, "in.csv", &(HEAD.to_owned() + &rows.concat()));
    folder
}

fn put(folder: &TempDir, name: &str, text: &str) {
    fs::write(folder.path().join(name), text).unwrap();
}

/// How a command ended, and both streams.
fn typed_in(here: &Path, line: &str) -> (i32, String, String) {
    run(ferry(here, line)).parts()
}

fn typed(folder: &TempDir, line: &str) -> (i32, String, String) {
    typed_in(folder.path(), line)
}

fn run_folders(folder: &TempDir) -> Vec<PathBuf> {
    folders_of_runs(&folder.path().join(".ferry"))
}

fn info(run: &Path) -> Value {
    fs::read(run.join("run.json")).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

fn name(run: &Path) -> String {
    run.file_name().unwrap().to_str().unwrap().to_owned()
}

fn checkpoint(folder: &TempDir) -> PathBuf {
    let mut found = fs::read_dir(folder.path().join(".ferry/connections")).unwrap().map(|file| file.unwrap().path());
    found.find(|path| path.extension().is_some_and(|extension| extension == "db")).unwrap()
}

/// Entries, before-images and runs in the checkpoint.
fn counted(folder: &TempDir) -> [i64; 3] {
    let connection = rusqlite::Connection::open(checkpoint(folder)).unwrap();
    ["entry", "image_block", "run"]
        .map(|table| connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap())
}

#[test]
fn a_planted_command_is_not_resumed() {
    let folder = folder(&[GOOD, BAD]);
    let home = TempDir::new().unwrap();
    put(&home, ".bashrc", "mine\n");
    put(&home, "in.csv", &[HEAD, GOOD].concat());
    put(&home, "victim.csv", "mine\n");
    assert_eq!(typed(&folder, &format!("{IMPORT} --limit 1")).0, 0);
    let own = run_folders(&folder).remove(0);
    let genuine = info(&own);
    let words = json!(["convert", "in.csv", "--out", "victim.csv", "--rejects", ".bashrc"]);
    // Made by hand, or made of a genuine one; leading elsewhere, or to where the state folder is.
    for base in [json!({}), genuine.clone()] {
        for place in [home.path(), folder.path()] {
            let run = folder.path().join(".ferry/runs/20990101-0000-convert-in-0001");
            let mut planted = genuine.clone();
            planted["run"] = json!(name(&run));
            planted["started_ms"] = json!(4_000_000_000_000_u64);
            (planted["folder"], planted["arguments"]) = (json!(place), words.clone());
            planted["seal"] = base["seal"].clone();
            fs::create_dir_all(&run).unwrap();
            fs::write(run.join("run.json"), planted.to_string()).unwrap();
            let (code, out, err) = typed(&folder, "resume");
            assert_eq!((code, out.as_str()), (2, ""), "{err}");
            assert!(err.contains("was not written by Ferry in this state folder"), "{err}");
            assert!(err.contains("type its command again: `ferry convert in.csv --out victim.csv"), "{err}");
            for command in ["undo 0001", "verify 0001"] {
                assert_eq!(typed(&folder, command).0, 2, "{command}");
            }
            fs::remove_dir_all(run).unwrap();
        }
    }
    assert_eq!(fs::read_to_string(home.path().join("victim.csv")).unwrap(), "mine\n");
    assert_eq!(fs::read_to_string(home.path().join(".bashrc")).unwrap(), "mine\n");
    // A run that is one's own is resumed from anywhere, also where the folder has another name now.
    let state = folder.path().join("elsewhere");
    fs::rename(folder.path().join(".ferry"), &state).unwrap();
    let (code, _, err) = typed_in(home.path(), &format!("resume --state {}", state.display()));
    assert_eq!(code, 3, "{err}");
}

#[test]
fn a_state_folder_of_another_user_gives_no_commands() {
    let folder = folder(&[GOOD, BAD]);
    assert_eq!(typed(&folder, &format!("{IMPORT} --limit 1")).0, 0);
    let file = run_folders(&folder).remove(0).join("run.json");
    if std::os::unix::fs::chown(&file, Some(12_345), None).is_err() {
        return crate::support::without_a_right("only root can give a file to another user");
    }
    let (code, _, err) = typed(&folder, "resume");
    assert!(code == 2 && err.contains("belongs to another user"), "{code} {err}");
}

#[test]
fn a_damaged_run_is_reported_and_rebuilt_from_the_checkpoint() {
    for damage in ["", "{\"run\":", "gone"] {
        let folder = folder(&[GOOD, MORE, BAD]);
        assert_eq!(typed(&folder, &format!("{IMPORT} --limit 1")).0, 0);
        let run = run_folders(&folder).remove(0);
        match damage {
            "gone" => fs::remove_file(run.join("run.json")).unwrap(),
            _ => fs::write(run.join("run.json"), damage).unwrap(),
        }
        let (code, out, err) = typed(&folder, "runs --output json");
        let what = if damage == "gone" { "missing" } else { "damaged" };
        let note = format!("run.json` is {what}; the run is shown as its checkpoint knows it");
        assert!(code == 0 && err.contains(&note), "{err}");
        let shown: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((&shown[0]["run"], &shown[0]["status"]), (&json!(name(&run)), &json!("unfinished")));
        assert_eq!(shown[0]["books"]["created"], 1);
        let (code, _, err) = typed(&folder, "resume");
        assert_eq!(code, 3, "{err}");
        assert_eq!(info(&run)["books"]["created"], 2);
        fs::write(run.join("run.json"), damage).unwrap();
        // Mercately cannot delete what the run created.
        let (code, _, err) = typed(&folder, &format!("undo {}", name(&run)));
        assert_eq!(code, 3, "{err}");
    }
}

#[test]
fn names_that_lead_elsewhere_are_reported_and_left_alone() {
    let folder = folder(&[GOOD]);
    let victim = TempDir::new().unwrap();
    put(&victim, "thesis.txt", "mine");
    assert_eq!(typed(&folder, "convert in.csv --map m.yaml --out o.jsonl").0, 0);
    let run = run_folders(&folder).remove(0);
    let runs = folder.path().join(".ferry/runs");
    let mut planted = info(&run);
    for (at, leads_to) in ["../../../victim", victim.path().to_str().unwrap(), &name(&run), "..", ""].iter().enumerate()
    {
        planted["run"] = json!(leads_to);
        planted["started_ms"] = json!(0);
        fs::create_dir(runs.join(format!("r{at}"))).unwrap();
        fs::write(runs.join(format!("r{at}/run.json")), planted.to_string()).unwrap();
    }
    symlink(victim.path(), runs.join("link")).unwrap();
    planted["run"] = json!("link");
    put(&victim, "run.json", &planted.to_string());
    for line in ["runs", "runs --prune 1d", "convert in.csv --map m.yaml --out o.jsonl"] {
        let (code, _, err) = typed(&folder, line);
        assert_eq!(code, 0, "{err}");
        if line.starts_with("runs") {
            assert_eq!(err.matches("is about another run").count(), 5, "{err}");
        }
    }
    assert!(run.exists() && victim.path().join("thesis.txt").exists());
    assert_eq!((0..5).filter(|at| runs.join(format!("r{at}")).exists()).count(), 5);
}

#[test]
fn pruning_removes_what_only_an_old_run_needed() {
    let folder = folder(&[GOOD, MORE, BAD]);
    for _ in 0..3 {
        assert_eq!(typed(&folder, IMPORT).0, 3);
    }
    let before = counted(&folder);
    assert_eq!((before[0], before[2]), (6, 3));
    assert!(before[1] >= 1);
    let first = run_folders(&folder).remove(0);
    let (code, out, err) = typed(&folder, "runs --prune 0d");
    assert_eq!(
        (code, out.as_str()),
        (0, "3 finished runs removed, and 3 rejects with them; they can no longer be undone or verified\n"),
        "{err}"
    );
    assert!(run_folders(&folder).is_empty());
    // `--only-changed` needs to know who has arrived: once each.
    assert_eq!(counted(&folder), [2, 0, 1]);
    for command in ["undo", "verify"] {
        let (code, _, err) = typed(&folder, &format!("{command} {}", name(&first)));
        assert!(code == 2 && err.contains("was removed by `ferry runs --prune` on "), "{err}");
        assert!(err.contains("it can no longer be undone or verified"), "{err}");
    }
    let (code, out, err) = typed(&folder, &format!("{IMPORT} --only-changed --output json"));
    assert_eq!(code, 3, "{err}");
    let summary: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(summary["skipped"], json!({ "received": 2 }), "{out}");
    // What was undone no longer counts, also after a prune.
    assert_eq!(typed(&folder, &format!("{IMPORT} --fresh")).0, 3);
    let last = run_folders(&folder).pop().unwrap();
    assert_eq!(typed(&folder, &format!("undo {}", name(&last))).0, 0);
    assert_eq!(typed(&folder, "runs --prune 0d").0, 0);
    Checkpoint::open(&account_at(&checkpoint(&folder))).unwrap().close().unwrap();
}

#[test]
fn pruning_leaves_unfinished_runs_and_gives_space_back() {
    let rows: Vec<String> = (0..4_000).map(|at| format!("P{at},Vera,+59399600{at:04}\n")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let folder = folder(&rows);
    assert_eq!(typed(&folder, &format!("{IMPORT} --limit 10")).0, 0);
    let unfinished = run_folders(&folder).remove(0);
    for country in ["EC", "CO"] {
        put(&folder, "m.yaml", &format!("{MAPPING}phone_region: {country}\n"));
        assert_eq!(typed(&folder, IMPORT).0, 0);
    }
    let size = || fs::metadata(checkpoint(&folder)).unwrap().len();
    let (before, has) = (size(), counted(&folder));
    let (code, out, err) = typed(&folder, "runs --prune 0d");
    assert_eq!(
        (code, out.as_str()),
        (0, "2 finished runs removed; they can no longer be undone or verified\n"),
        "{err}"
    );
    assert!(unfinished.exists() && size() < before * 4 / 5, "{} of {before}, {has:?}", size());
    put(&folder, "m.yaml", MAPPING);
    assert_eq!(typed(&folder, &format!("resume {}", name(&unfinished))).0, 0);
}

#[test]
fn what_is_said_about_reading_makes_another_run_and_the_rate_does_not() {
    let folder = folder(&[GOOD, MORE]);
    let limited = format!("{IMPORT} --limit 1");
    assert_eq!(typed(&folder, &limited).0, 0);
    let resumes = |options: &str| {
        let (code, _, err) = typed(&folder, &format!("{IMPORT} --limit 1 {options}"));
        assert_eq!(code, 0, "{err}");
        run_folders(&folder).len()
    };
    assert_eq!(resumes("--concurrency 2"), 1);
    for (options, runs) in
        [("--region EC", 2), ("--encoding utf-8", 3), ("--delimiter ,", 4), ("--format csv", 5), ("--region EC", 5)]
    {
        assert_eq!(resumes(options), runs, "{options}");
    }
}

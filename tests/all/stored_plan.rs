//! What a run stores of its plan: it is resumed, verified and undone from any folder, and its arguments are not read again.

use super::support::{Ended, ferry, run, run_folders};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const MAPPING: &str = "version: 1\ncontact: { first_name: First, last_name: Last, phone: Phone }\n";
const ROWS: &str = "First,Last,Phone\nAna,Paz,+593987625587\nLeo,Rey,+593987625588\n";
const IMPORT: &str = "import in.csv --map m.yaml --to mercately --sandbox --rate none --limit 1 --output json";

/// A folder with an unfinished import of one of two contacts, and the name of the run.
fn unfinished() -> (TempDir, String) {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("m.yaml"), MAPPING).unwrap();
    fs::write(home.path().join("in.csv"), ROWS).unwrap();
    let ended = run(ferry(home.path(), IMPORT));
    assert_eq!(ended.count("created"), 1, "{ended:?}");
    let run = ended.run();
    (home, run)
}

/// A command about a run, in a folder whose files have the same names and are of no use.
fn elsewhere(home: &Path, words: &str) -> Ended {
    let other = TempDir::new().unwrap();
    fs::write(other.path().join("in.csv"), "Mail\nnot-an-address\n").unwrap();
    fs::write(other.path().join("m.yaml"), "version: 7\n").unwrap();
    fs::write(other.path().join("ferry.yaml"), "connections: 7\n").unwrap();
    run(ferry(other.path(), &format!("{words} --state {} --output json", home.join(".ferry").display())))
}

#[test]
fn a_run_is_resumed_verified_and_undone_from_another_folder() {
    let (home, run) = unfinished();
    let resumed = elsewhere(home.path(), &format!("resume {run}"));
    assert_eq!((resumed.exit, resumed.run()), (0, run.clone()), "{resumed:?}");
    assert_eq!(resumed.totals(), json!({ "read": 2, "created": 2 }), "{resumed:?}");
    let verified = elsewhere(home.path(), &format!("verify {run}"));
    assert_eq!((verified.exit, verified.compared()), (0, [2, 0, 0, 0, 0]), "{verified:?}");
    // The platform deletes no contact: what the undo finds is what the run wrote.
    let undone = elsewhere(home.path(), &format!("undo {run}"));
    assert_eq!((undone.exit, undone.totals()), (3, json!({ "read": 2, "skipped": 2 })), "{undone:?}");
}

/// Changes what `run.json` says, as another version of Ferry would have written it.
fn change(home: &Path, change: impl FnOnce(&mut Value)) {
    let path = run_folders(&home.join(".ferry")).remove(0).join("run.json");
    let mut record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut record);
    fs::write(&path, record.to_string()).unwrap();
}

#[test]
fn a_stored_plan_that_ferry_did_not_write_is_not_performed() {
    let (home, run) = unfinished();
    change(home.path(), |record| record["plan"]["work"]["transfer"][0]["target"]["to"] = json!("atom"));
    let refused = elsewhere(home.path(), &format!("resume {run}"));
    assert_eq!(refused.exit, 2, "{refused:?}");
    assert!(refused.err.contains("was not written by Ferry in this state folder"), "{}", refused.err);
}

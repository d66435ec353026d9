//! Folders and files of a test.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A new folder with these files.
pub fn folder_with(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Every file below a folder, with its content.
pub fn files_below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.path() {
                path if entry.file_type().unwrap().is_dir() => folders.push(path),
                path => drop(found.insert(path.clone(), fs::read(path).unwrap_or_default())),
            }
        }
    }
    found
}

/// The folders of the runs in a state folder, the oldest first.
pub fn run_folders(state: &Path) -> Vec<PathBuf> {
    let runs = fs::read_dir(state.join("runs")).into_iter().flatten().map(|run| run.unwrap().path());
    let mut runs: Vec<PathBuf> = runs.collect();
    runs.sort_by_key(|run| {
        let text = fs::read(run.join("run.json")).unwrap_or_default();
        let record: Value = serde_json::from_slice(&text).unwrap_or_default();
        record["started_ms"].as_u64()
    });
    runs
}

/// The lines of a file with a JSON value in each.
pub fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

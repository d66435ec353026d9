//! Streams of contacts as the tests write them, and a scene to send them through.

use crate::support::{Ended, Scene, files_below, run};
use serde_json::{Value, json};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A sandbox, and a state folder that is named as an orchestrator would.
pub fn scene() -> Scene {
    let mut scene = crate::support::scene(|_| {});
    scene.set("FERRY_STATE", "state");
    scene.set("FERRY_MERCATELY_SETTLE", "500ms");
    scene
}

/// A contact, as a tap sends it.
pub fn record(n: usize) -> Value {
    json!({"id": n, "first_name": format!("Ana{n}"), "last_name": "Vera", "phone": format!("+5939960{n:05}"),
        "email": format!("p{n}@example.com"), "plan": null})
}

/// A line of Singer with a record.
pub fn singer_record(record: &Value) -> String {
    json!({"type": "RECORD", "stream": "people", "record": record}).to_string()
}

/// A line of Singer with a state.
pub fn singer_state(n: usize) -> String {
    json!({"type": "STATE", "value": {"at": n}}).to_string()
}

/// The line of Singer before the first record.
pub fn schema(key: &str) -> String {
    json!({"type": "SCHEMA", "stream": "people", "schema": {"properties": {}}, "key_properties": [key]}).to_string()
}

/// So many contacts from this one on, with a state behind each `every`.
pub fn singer(people: std::ops::Range<usize>, every: usize) -> String {
    let mut lines = vec![schema("id")];
    for n in people {
        lines.push(singer_record(&record(n)));
        if (n + 1) % every == 0 {
            lines.push(singer_state(n + 1));
        }
    }
    lines.join("\n") + "\n"
}

/// Runs a command with this text on standard input.
pub fn feed(scene: &Scene, words: &str, text: &str) -> Ended {
    scene.write("stream", text);
    let mut command = scene.command(words);
    command.stdin(File::open(scene.path("stream")).unwrap());
    run(command)
}

/// The phones of all contacts at the target.
pub fn phones(scene: &Scene, platform: &str) -> Vec<String> {
    let text = |contact: Value| contact["phone"].as_str().unwrap_or_default().to_owned();
    let mut phones: Vec<String> = scene.contacts(platform).into_iter().map(text).collect();
    phones.sort();
    phones
}

/// The phones of so many contacts.
pub fn phones_of(people: std::ops::Range<usize>) -> Vec<String> {
    people.map(|n| format!("+5939960{n:05}")).collect()
}

/// A program from PyPI: where `.ci/setup` puts it, else in the path.
pub fn from_pypi(package: &str, program: &str) -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or(home.map(|home| home.join(".cache")));
    let installed = cache.map(|cache| cache.join("ferry-ci").join(package).join("bin").join(program));
    installed.filter(|path| path.exists()).or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join(package)).find(|path| path.exists())
    })
}

/// Another program with the environment of the scene, which finds Ferry by `FERRY`.
pub fn other(scene: &Scene, program: &Path, folder: &str) -> Command {
    let as_ferry = scene.command("");
    let mut command = Command::new(program);
    command.current_dir(scene.path(folder)).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.envs(as_ferry.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
        .env("FERRY", as_ferry.get_program())
        .env("HOME", scene.folder())
        .env("PATH", "/usr/local/bin:/usr/bin:/bin");
    command.env("NO_COLOR", "1").env("DO_NOT_TRACK", "1");
    command
}

/// Copies a folder of the repository into the scene.
pub fn copy(scene: &Scene, folder: &str, name: &str) {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    for (path, bytes) in files_below(&top) {
        let there = scene.path(name).join(path.strip_prefix(&top).unwrap());
        std::fs::create_dir_all(there.parent().unwrap()).unwrap();
        std::fs::write(&there, bytes).unwrap();
        std::fs::set_permissions(&there, std::fs::metadata(&path).unwrap().permissions()).unwrap();
    }
}

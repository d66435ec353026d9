//! `ferry export`, the whole program against the sandbox: files that appear whole or not at all, what changed from night
//! to night, which old files go, and going on after a kill.

use ferry::sandbox::{FaultKind, Sandbox, SandboxOptions, start};
use serde_json::Value;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// Longer than any of these tests takes.
const PATIENCE: Duration = Duration::from_secs(60);

const MAPPING: &str = "only_if: \"row.last_name != 'Gone'\"\ncolumns:\n  Name: \"{{ contact.first_name }} {{ \
                       contact.last_name }}\"\n  Phone: phone\n";

/// A folder to type in, and a sandbox.
struct Scene {
    folder: TempDir,
    runtime: Runtime,
    sandbox: Option<Sandbox>,
    address: SocketAddr,
}

/// What a command printed, and how it ended.
struct Printed {
    out: String,
    err: String,
    code: i32,
}

impl Printed {
    fn summary(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{}\n{}", self.out, self.err))
    }
}

fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rows.yaml"), MAPPING).unwrap();
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut scene = Scene { folder, runtime, sandbox: None, address: "127.0.0.1:1".parse().unwrap() };
    scene.restart(|_| {});
    scene
}

impl Scene {
    fn restart(&mut self, change: impl FnOnce(&mut SandboxOptions)) {
        self.stop();
        let mut options = SandboxOptions::new(self.folder.path().join("sandbox"));
        change(&mut options);
        let sandbox = self.runtime.block_on(start(options)).unwrap();
        self.address = sandbox.address();
        self.sandbox = Some(sandbox);
    }

    fn stop(&mut self) {
        if let Some(sandbox) = self.sandbox.take() {
            self.runtime.block_on(sandbox.stop());
        }
    }

    fn begin(&self, words: &str) -> Child {
        Command::new(env!("CARGO_BIN_EXE_ferry"))
            .args(words.split_whitespace())
            .current_dir(self.folder.path())
            .env_clear()
            .env("FERRY_MERCATELY_BASE_URL", format!("http://{}", self.address))
            .env("FERRY_MERCATELY_API_KEY", "sandbox-mercately-key")
            .env("FERRY_MERCATELY_RATE", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn typed(&self, words: &str) -> Printed {
        let output = self.begin(words).wait_with_output().unwrap();
        Printed {
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code().unwrap_or(-1),
        }
    }

    /// Carries these people in: first name, last name, the end of the phone.
    fn put(&self, people: &[(&str, &str, usize)]) {
        let line = |(first, last, phone): &(&str, &str, usize)| format!("{first},{last},+59399600{phone:04}\n");
        let text: String = people.iter().map(line).collect();
        fs::write(self.folder.path().join("in.csv"), format!("first_name,last_name,phone\n{text}")).unwrap();
        let printed = self.typed("import in.csv --to mercately --fresh --concurrency 1");
        assert_eq!(printed.code, 0, "{}", printed.err);
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_else(|_| "none".to_owned())
    }

    fn files(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.retain(|name| !["sandbox", ".ferry", "in.csv", "rows.yaml"].contains(&name.as_str()));
        names.sort();
        names
    }

    /// How many pages of the list were asked for.
    fn pages(&self) -> usize {
        self.sandbox.as_ref().map_or(0, |sandbox| sandbox.history().len())
    }
}

/// The columns of a CSV without those that differ from time to time.
fn without_ids(text: &str, column: usize) -> String {
    let cut = |line: &str| {
        let cells: Vec<&str> = line.split(',').enumerate().filter(|(at, _)| *at != column).map(|(_, c)| c).collect();
        cells.join(",") + "\n"
    };
    text.lines().map(cut).collect()
}

/// The lines of a table, those behind its header in order: who arrives first is not told.
fn sorted(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    if let Some(rows) = lines.get_mut(1..) {
        rows.sort_unstable();
    }
    lines.join("\n") + "\n"
}

#[test]
fn a_failed_export_leaves_the_file_of_yesterday() {
    let mut scene = scene();
    scene.put(&[("Ana", "Paz", 1), ("Eva", "=Sol", 2)]);
    let good = scene.typed("export --from mercately --map rows.yaml --out a.csv --output json");
    assert_eq!((good.code, good.summary()["completeness"].as_str()), (0, Some("counted")), "{}", good.err);
    let yesterday = "Name,Phone\nAna Paz,+593996000001\nEva =Sol,+593996000002\n";
    assert_eq!(sorted(&scene.file("a.csv")), yesterday);
    let few = scene.typed("export --from mercately --map rows.yaml --out a.csv --at-least 3 --output json");
    let books = &few.summary()["records"];
    assert_eq!((few.code, &books["read"], &books["created"], &books["pending"]), (6, &2.into(), &0.into(), &2.into()));
    assert_eq!(sorted(&scene.file("a.csv")), yesterday);
    scene.stop();
    let gone = scene.typed("export --from mercately --map rows.yaml --out a.csv --wait 100ms");
    assert_eq!(gone.code, 6, "{}", gone.err);
    assert!(gone.out.trim_end().lines().last().unwrap().starts_with("to go on, run: ferry resume "), "{}", gone.out);
    assert_eq!((sorted(&scene.file("a.csv")).as_str(), scene.files()), (yesterday, vec!["a.csv".to_owned()]));
    scene.restart(|_| {});
    // The same export, finished, makes the stopped ones needless.
    let done = scene.typed("export --from mercately --map rows.yaml --out a.csv --changes c.csv --output json");
    assert_eq!(done.code, 0);
    assert_eq!(scene.typed("resume").code, 2);
    // How it is known to be whole can be asked later, too.
    let shown = scene.typed(&format!("runs {}", done.summary()["run"].as_str().unwrap())).out;
    let told = "\nchanges: 2 added, 0 changed, 0 removed\ncomplete: as many as the platform reports\n";
    assert!(shown.contains(told), "{shown}");
}

#[test]
fn without_a_mapping_a_table_has_the_fields_that_occur_and_json_the_whole_contact() {
    let scene = scene();
    scene.put(&[("Ana", "Paz", 1), ("Eva", "=Sol", 2)]);
    let steady = |text: &str| {
        let ids = regex::Regex::new(r"^[0-9a-z]+,|\d{4}-\d\d-\d\dT[^,\n]*").unwrap();
        sorted(&text.lines().map(|line| ids.replace_all(line, "").into_owned() + "\n").collect::<String>())
    };
    let guarded = "first_name,last_name,phone,created_at\nAna,Paz,+593996000001,\nEva,'=Sol,+593996000002,\n";
    for (options, expected) in [("", guarded.to_owned()), ("--raw-cells", guarded.replace('\'', ""))] {
        let printed = scene.typed(&format!("export --from mercately --out a.csv --results r.csv {options}"));
        assert_eq!((printed.code, steady(&scene.file("a.csv"))), (0, expected), "{}", printed.err);
    }
    let ids: Vec<String> =
        scene.file("a.csv").lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()).collect();
    let results =
        format!("line,outcome,reason,target_id,code,message\n1,created,,{},,\n2,created,,{},,\n", ids[0], ids[1]);
    assert_eq!(scene.file("r.csv"), results);
    let printed = scene.typed("export --from mercately --format json");
    let all: Value = serde_json::from_str(&printed.out).unwrap_or_else(|_| panic!("{}", printed.err));
    let names: Vec<&str> = all[1].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["id", "first_name", "last_name", "phone", "phones", "created_at", "native"]);
    let later = scene.typed("export --from mercately --since 2999-01-01 --output json --out s.csv");
    let summary = later.summary();
    assert_eq!((later.code, summary["skipped"].to_string()), (0, r#"{"filtered":2}"#.to_owned()), "{}", later.err);
    assert_eq!(scene.file("s.csv"), "id\n");
}

#[test]
fn what_was_added_changed_and_removed_is_told_from_night_to_night() {
    let scene = scene();
    // All nights are of one day: the changes of none of them are lost.
    let night = |people: &[(&str, &str, usize)], file: &str| {
        scene.put(people);
        let options = "--map rows.yaml --out a.csv --changes c.csv --output json";
        let told = scene.typed(&format!("export --from mercately {options}"));
        assert_eq!(told.code, 0, "{}", told.err);
        (told.summary()["changes"].to_string(), sorted(&without_ids(&scene.file(file), 1)))
    };
    let expected = "change,Name,Phone\nadded,Ana Paz,+593996000001\nadded,Eva Sol,+593996000002\n";
    let first = night(&[("Ana", "Paz", 1), ("Eva", "Sol", 2)], "c.csv");
    assert_eq!(first, (r#"{"added":2,"changed":0,"removed":0}"#.to_owned(), expected.to_owned()));
    let second = night(&[("Ana", "Paz Mora", 1), ("Leo", "Rey", 3)], "c.csv.1").1;
    assert_eq!(second, "change,Name,Phone\nadded,Leo Rey,+593996000003\nchanged,Ana Paz Mora,+593996000001\n");
    let third = night(&[("Eva", "Gone", 2)], "c.csv.2").1;
    assert_eq!(third, "change,Name,Phone\nremoved,Eva Sol,+593996000002\n");
    assert_eq!(sorted(&without_ids(&scene.file("c.csv"), 1)), expected);
    // Another export knows nothing of it.
    let other = scene.typed("export --from mercately --out b.jsonl --changes c.jsonl --output json");
    assert_eq!(other.summary()["changes"]["added"], 3);
    scene.put(&[("Leo", "Rey Paz", 3)]);
    let other = scene.typed("export --from mercately --out b.jsonl --changes c.jsonl");
    let change: Value = serde_json::from_str(&scene.file("c.jsonl.1")).unwrap_or_else(|_| panic!("{}", other.err));
    assert_eq!((&change["change"], change["fields"].to_string()), (&"changed".into(), r#"["last_name"]"#.to_owned()));
    assert_eq!((&change["before"]["last_name"], &change["contact"]["last_name"]), (&"Rey".into(), &"Rey Paz".into()));
}

#[test]
fn old_files_of_the_same_name_go_after_a_success_only() {
    let scene = scene();
    scene.put(&[("Ana", "Paz", 1)]);
    // Only what Ferry wrote goes, under whatever name it wrote it.
    assert_eq!(scene.typed("export --from mercately --map rows.yaml --out x.csv").code, 0);
    fs::rename(scene.folder.path().join("x.csv"), scene.folder.path().join("s-2020-01-01.csv")).unwrap();
    for name in ["s-2019-01-01.csv", "s-2020-01-01.csv.old", "t-2020-01-01.csv"] {
        fs::write(scene.folder.path().join(name), "old").unwrap();
    }
    let words = "export --from mercately --map rows.yaml --out s-{date}.csv --retain 30d";
    assert_eq!(scene.typed(&format!("{words} --at-least 2")).code, 6);
    assert_eq!(scene.typed(&format!("{words} --limit 1")).code, 0);
    assert_eq!(scene.files().len(), 5);
    let told = scene.typed(words);
    assert_eq!(told.code, 0);
    let kept = "`s-2019-01-01.csv` is older than `--retain` says, but Ferry did not write it, so it stays";
    assert!(told.err.contains(kept), "{}", told.err);
    let files = scene.files();
    let today = files.iter().find(|name| name.starts_with("s-202") && name.ends_with(".csv")).unwrap().clone();
    assert_eq!(files, ["s-2019-01-01.csv", "s-2020-01-01.csv.old", today.as_str(), "t-2020-01-01.csv"]);
    assert_eq!(scene.file(&today), "Name,Phone\nAna Paz,+593996000001\n");
}

#[test]
fn an_export_that_was_stopped_or_killed_goes_on_with_its_next_page_and_a_second_one_waits_its_turn() {
    let mut scene = scene();
    let people: Vec<(String, usize)> = (0..250).map(|number| (format!("P{number}"), number)).collect();
    let people: Vec<(&str, &str, usize)> =
        people.iter().map(|(name, number)| (name.as_str(), "Vera", *number)).collect();
    scene.put(&people);
    scene.restart(|options| {
        options.slow = Duration::from_millis(400);
        options.faults = vec![(FaultKind::Slow, 1.0)];
    });
    let words = "export --from mercately --map rows.yaml --out a.csv";
    let child = scene.begin(words);
    let begun = Instant::now();
    while scene.pages() < 3 && begun.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(5));
    }
    let second = scene.typed(words);
    assert_eq!(second.code, 7, "{}{}", second.out, second.err);
    assert!(second.err.contains("is making this export"), "{}", second.err);
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let stopped = child.wait_with_output().unwrap();
    let last = String::from_utf8(stopped.stdout).unwrap();
    assert_eq!(stopped.status.code(), Some(130), "{last}");
    assert!(last.trim_end().lines().last().unwrap().starts_with("to go on, run: ferry resume "), "{last}");
    let before = scene.pages();
    let mut child = scene.begin("resume");
    while scene.pages() < before + 2 && begun.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(scene.file("a.csv"), "none");
    scene.restart(|_| {});
    let resumed = scene.typed("resume");
    assert_eq!(resumed.code, 0, "{}", resumed.err);
    let resumed_pages = scene.pages();
    assert_eq!(scene.file("a.csv").lines().count(), 251);
    let before = scene.pages();
    assert_eq!(scene.typed(words).code, 0);
    assert!(resumed_pages < scene.pages() - before, "{resumed_pages} pages, and anew {}", scene.pages() - before);
    let runs: Vec<PathBuf> =
        fs::read_dir(scene.folder.path().join(".ferry/runs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(runs.iter().all(|run| !run.join("source.db").exists()), "{runs:?}");
}

#[test]
fn each_conversation_names_the_contact_it_is_with() {
    let scene = scene();
    scene.put(&[("Ana", "Vera", 1), ("Bruno", "Mena", 2), ("Carla", "Paz", 3)]);
    let printed = scene.typed("export --from mercately --what conversations --out said.jsonl --output json");
    assert_eq!((printed.code, printed.summary()["records"]["created"].as_u64()), (0, Some(3)), "{}", printed.err);
    let held = scene.sandbox.as_ref().unwrap().contacts("mercately");
    let said = scene.file("said.jsonl");
    for line in said.lines() {
        let said: Value = serde_json::from_str(line).unwrap();
        let with = held.iter().find(|contact| contact["id"] == said["contact_id"]).unwrap_or_else(|| panic!("{said}"));
        assert_eq!(with["first_name"], said["first_name"], "{said}");
    }
    let printed = scene.typed("export --from mercately --what conversations --out said.csv");
    let head = scene.file("said.csv").lines().next().unwrap_or_default().to_owned();
    assert!(printed.code == 0 && head.ends_with(",contact_id"), "{head}");
    let runs = scene.folder.path().join(".ferry/runs");
    let left = fs::read_dir(runs).unwrap().filter(|run| run.as_ref().unwrap().path().join("contacts").exists()).count();
    assert_eq!(left, 0, "what was read of the contacts is gone");
}

#[test]
fn the_mapping_for_spreadsheets_has_whole_names_and_no_mark_in_json() {
    let scene = scene();
    scene.put(&[("Ana", "Vera", 1)]);
    let table = concat!(env!("CARGO_MANIFEST_DIR"), "/mappings/table.yaml");
    for name in ["t.csv", "t.json", "t.jsonl"] {
        let printed = scene.typed(&format!("export --from mercately --map {table} --out {name}"));
        assert_eq!(printed.code, 0, "{}", printed.err);
        let text = scene.file(name);
        assert_eq!(text.starts_with('\u{feff}'), name == "t.csv", "{text}");
        assert!(text.contains("Ana Vera;") || text.contains(r#""Name":"Ana Vera","#), "{text}");
    }
    // The other lists have some of the fields too.
    let printed = scene.typed(&format!("export --from mercately --what agents --map {table} --out agents.csv"));
    assert_eq!(printed.code, 0, "{}", printed.err);
    let plain = scene.typed("export --from mercately --what agents --format jsonl");
    let agent: Value = serde_json::from_str(plain.out.lines().next().unwrap()).unwrap();
    let (name, email) = (agent["first_name"].as_str().unwrap(), agent["email"].as_str().unwrap());
    let text = scene.file("agents.csv");
    assert!(text.contains(name) && text.contains(email), "{agent} {text}");
}

//! Only our own files: what Ferry writes over, what it keeps, and what it leaves behind, seen from outside.

use super::support::{Running, begin, ferry, ferry_in_shell, run, run_folders, wait_for};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;

const MAPPING: &str = "version: 1\ncontact: { first_name: First, last_name: Last, phone: Phone }\n";
const HEAD: &str = "First,Last,Phone\n";
const GOOD: &str = "Ana,Paz,+593987625587\n";
const BAD: &str = "Bea,Sol,+59312\n";
const WORSE: &str = "Eva,Rey,+59313\n";

/// A folder to type in.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    put(&folder, "m.yaml", MAPPING);
    put(&folder, "good.csv", &[HEAD, GOOD].concat());
    put(&folder, "bad.csv", &[HEAD, GOOD, BAD].concat());
    put(&folder, ".env", "X=1\n");
    put(
        &folder,
        "ferry.yaml",
        "env_file: .env\nconnections: { shop: { platform: mercately, rate: none }, support: { platform: atom } }\n",
    );
    folder
}

fn put(folder: &TempDir, name: &str, text: &str) {
    fs::write(folder.path().join(name), text).unwrap();
}

fn get(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn has(folder: &TempDir, name: &str) -> bool {
    folder.path().join(name).symlink_metadata().is_ok()
}

/// How a command ended, and both streams.
fn typed(folder: &TempDir, line: &str) -> (i32, String, String) {
    run(ferry(folder.path(), line)).parts()
}

/// The names of the runs, the oldest first.
fn runs(folder: &TempDir) -> Vec<String> {
    let runs = run_folders(&folder.path().join(".ferry"));
    runs.iter().map(|run| run.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

/// Every file below a folder, with its mode and its content.
fn everything(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let facts = entry.metadata().unwrap();
            let content = if facts.is_file() { fs::read(entry.path()).unwrap() } else { Vec::new() };
            found.insert(entry.path(), (facts.permissions().mode(), content));
            if facts.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    found
}

#[test]
fn no_option_writes_over_what_is_read_or_into_the_state_folder() {
    let folder = folder();
    assert_eq!(typed(&folder, "convert good.csv --map m.yaml --out first.jsonl").0, 0);
    for (name, leads_to) in [("link.csv", "m.yaml"), ("conf.csv", "ferry.yaml"), ("env.csv", ".env")] {
        symlink(leads_to, folder.path().join(name)).unwrap();
    }
    fs::hard_link(folder.path().join("good.csv"), folder.path().join("twin.csv")).unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    symlink("../.ferry", folder.path().join("sub/state")).unwrap();
    let paths = [
        ("good.csv", "would overwrite the source `good.csv`"),
        ("twin.csv", "would overwrite the source `good.csv`"),
        ("link.csv", "would overwrite the mapping `m.yaml`"),
        ("sub/../link.csv", "would overwrite the mapping `m.yaml`"),
        ("conf.csv", "would overwrite the configuration `ferry.yaml`"),
        ("env.csv", "would overwrite the environment file `./.env`"),
        (".ferry/x.csv", "is in the state folder"),
        ("sub/state/x.csv", "is in the state folder"),
    ];
    let commands = [
        "convert good.csv --map m.yaml --out",
        "convert good.csv --map m.yaml --out o.jsonl --rejects",
        "convert good.csv --map m.yaml --out o.jsonl --results",
        "import good.csv --map m.yaml --to shop --sandbox --rejects",
        "import good.csv --map m.yaml --to shop --sandbox --results",
        "import good.csv --map m.yaml --to shop --sandbox --dry-run --plan",
    ];
    let before = everything(folder.path());
    for command in commands {
        for (path, expected) in paths {
            let (code, _, err) = typed(&folder, &format!("{command} {path}"));
            assert!(code == 2 && err.contains(expected), "{command} {path}: {code} {err}");
        }
    }
    for option in ["--out", "--changes", "--rejects", "--results"] {
        let beside = if option == "--out" { "" } else { "--out o.jsonl" };
        for (path, expected) in &paths[2..] {
            let (code, _, err) =
                typed(&folder, &format!("export --from shop --sandbox --map m.yaml {beside} {option} {path}"));
            assert!(code == 2 && err.contains(expected), "{option} {path}: {code} {err}");
        }
    }
    assert_eq!(everything(folder.path()), before);
}

#[test]
fn a_file_that_is_no_rejects_file_is_never_replaced_by_rejects() {
    let folder = folder();
    for (name, text) in
        [("thesis.txt", "three years of work\n"), ("empty.csv", ""), ("list.csv", "Name,Phone\nAna,1\n")]
    {
        put(&folder, name, text);
        for source in ["good.csv", "bad.csv"] {
            let line = format!("convert {source} --map m.yaml --out o.jsonl --rejects {name}");
            let (code, out, err) = typed(&folder, &line);
            let expected = format!(
                "error: `--rejects`: `{name}` exists and is not a rejects file\nhint: name another file, or move this one away\n"
            );
            assert_eq!((code, out, err), (2, String::new(), expected));
            assert_eq!(get(&folder, name), text);
        }
    }
    assert!(!has(&folder, "o.jsonl") && !has(&folder, ".ferry/runs"));
}

#[test]
fn rejects_that_are_not_fixed_yet_are_kept_and_every_run_has_its_own() {
    let folder = folder();
    let night = |text: &[&str]| {
        put(&folder, "in.csv", &text.concat());
        typed(&folder, "convert in.csv --map m.yaml --out o.jsonl --rejects left.csv")
    };
    let rejects = |run: &str| typed(&folder, &format!("runs {run} --rejects")).1;
    // The same record is rejected again: nothing is lost when its rejects are replaced.
    assert_eq!(night(&[HEAD, GOOD, BAD]).0, 3);
    assert_eq!(night(&[HEAD, GOOD, WORSE, BAD]).0, 3);
    assert!(!has(&folder, "left.csv.1"));
    assert_eq!(get(&folder, "left.csv").lines().count(), 3);
    // One of the two is gone from the source: the file says all that is known of it.
    let (code, _, err) = night(&[HEAD, BAD]);
    assert!(code == 3 && err.contains("`left.csv` holds other rejects, and is kept as `left.csv.1`"), "{code} {err}");
    assert!(get(&folder, "left.csv.1").contains("Eva") && !get(&folder, "left.csv").contains("Eva"));
    // The same again, edited by a person.
    put(&folder, "left.csv", &get(&folder, "left.csv").replace("+59312", "+593987625588"));
    assert_eq!(night(&[HEAD, BAD]).0, 3);
    assert!(get(&folder, "left.csv.2").contains("+593987625588"));
    // No record is rejected: what is known to be lost by that is kept, too.
    assert_eq!(night(&[HEAD, GOOD]).0, 0);
    assert!(!has(&folder, "left.csv") && get(&folder, "left.csv.3").contains("+59312"));
    assert_eq!(night(&[HEAD, BAD]).0, 3);
    put(&folder, "m.yaml", &MAPPING.replace("phone: Phone", "phone: { from: Phone, otherwise: blank }"));
    let names = runs(&folder);
    let shown: Vec<_> =
        names.iter().map(|run| rejects(run).lines().filter(|line| line.contains("+5931")).count()).collect();
    let all: Vec<_> = names.iter().map(|run| rejects(run)).collect();
    assert_eq!(shown, [1, 2, 1, 1, 0, 1], "{all:#?}");
}

#[test]
fn another_work_keeps_the_rejects_of_the_first() {
    let folder = folder();
    let line = |source: &str| format!("convert {source} --map m.yaml --out o.jsonl --rejects left.csv");
    assert_eq!(typed(&folder, &line("bad.csv")).0, 3);
    assert_eq!(typed(&folder, &line("good.csv")).0, 0);
    assert!(!has(&folder, "left.csv") && get(&folder, "left.csv.1").contains("Bea"));
    // What is given back unedited by the same work goes when its records are read and none is rejected any more.
    put(&folder, "m.yaml", MAPPING);
    assert_eq!(typed(&folder, &line("bad.csv")).0, 3);
    assert_eq!(typed(&folder, &line("bad.csv")).0, 3);
    assert!(has(&folder, "left.csv") && !has(&folder, "left.csv.2"));
}

#[test]
fn an_edited_rejects_file_in_the_folder_of_a_run_is_kept() {
    let folder = folder();
    put(&folder, "in.csv", &[HEAD, BAD, GOOD, WORSE].concat());
    let line = "import in.csv --map m.yaml --to shop --sandbox";
    assert_eq!(typed(&folder, &format!("{line} --limit 2")).0, 3);
    let name = runs(&folder).remove(0);
    let file = format!(".ferry/runs/{name}/rejects.csv");
    put(&folder, &file, &get(&folder, &file).replace("Bea", "Bea Maria"));
    let (code, _, err) = typed(&folder, line);
    assert!(code == 3 && err.contains("was edited, and is kept as `rejects.edited-1`"), "{err}");
    assert!(get(&folder, &format!(".ferry/runs/{name}/rejects.edited-1")).contains("Bea Maria"));
    assert_eq!(get(&folder, &file).lines().count(), 3);
}

#[test]
fn results_and_plans_replace_only_what_ferry_wrote() {
    let folder = folder();
    let import = "import good.csv --map m.yaml --to shop --sandbox";
    for (option, name) in [("--results", "r.csv"), ("--dry-run --plan", "p.jsonl")] {
        let line = format!("{import} {option} {name}");
        put(&folder, name, "my own\n");
        let (code, _, err) = typed(&folder, &line);
        assert!(code == 2 && err.contains(&format!("`{name}` exists, and Ferry did not write it")), "{err}");
        assert_eq!(get(&folder, name), "my own\n");
        fs::remove_file(folder.path().join(name)).unwrap();
        for _ in 0..2 {
            assert_eq!(typed(&folder, &line).0, 0);
        }
        let edited = get(&folder, name) + "a remark\n";
        put(&folder, name, &edited);
        let (code, _, err) = typed(&folder, &line);
        assert!(code == 2 && err.contains(&format!("`{name}` was changed since Ferry wrote it")), "{err}");
        assert_eq!(get(&folder, name), edited);
    }
    // `--out` replaces any file.
    put(&folder, "o.jsonl", "my own\n");
    assert_eq!(typed(&folder, "convert good.csv --map m.yaml --out o.jsonl").0, 0);
    assert!(get(&folder, "o.jsonl").contains("Ana"));
}

#[test]
fn a_dry_run_changes_nothing_but_its_own_folder_and_the_plan() {
    let folder = folder();
    let jobs = "jobs:\n  nightly:\n    import: { file: bad.csv, to: shop, map: m.yaml, sandbox: true, rejects: left.csv, results: r.csv }\n";
    put(&folder, "ferry.yaml", &(get(&folder, "ferry.yaml") + jobs));
    let import = "import bad.csv --map m.yaml --to shop --sandbox";
    assert_eq!(typed(&folder, &format!("{import} --rejects left.csv --results r.csv")).0, 3);
    let first = runs(&folder).remove(0);
    put(&folder, "left.csv", &get(&folder, "left.csv").replace("Bea", "Bea Maria"));
    put(&folder, ".ferry/.ferry-abc123.tmp", "left by a killed process");
    put(&folder, "twin.yaml", "version: 1\ncontact: { target_id: id, attributes: { First: first_name } }\n");
    let lines = [
        format!("{import} --dry-run --rejects left.csv"),
        format!("{import} --dry-run --plan plan.jsonl --rejects left.csv"),
        format!("{import} --dry-run --correct {first} --rejects left.csv"),
        format!("undo {first} --dry-run"),
        "run nightly --dry-run".to_owned(),
        "migrate --from shop --to support --sandbox --dry-run --rejects left.csv".to_owned(),
    ];
    // What the sandbox keeps is not Ferry's, and it writes down what it is asked.
    let state = || {
        let mut found = everything(folder.path());
        found.retain(|path, _| !path.starts_with(folder.path().join(".ferry/sandbox")));
        found
    };
    for line in lines {
        let before = state();
        let (code, out, err) = typed(&folder, &line);
        assert!([0, 3].contains(&code), "{line}: {code} {out}{err}");
        let mut after = state();
        let run = out.split_whitespace().nth(1).unwrap_or_default().trim_end_matches(':');
        let own = folder.path().join(".ferry/runs").join(run);
        after.retain(|path, _| (before.contains_key(&own) || !path.starts_with(&own)) && !path.ends_with("plan.jsonl"));
        let changed: Vec<_> = after.iter().filter(|(path, facts)| before.get(*path) != Some(facts)).collect();
        assert!(changed.is_empty(), "{line}: {:?}", changed.iter().map(|(path, _)| path).collect::<Vec<_>>());
        let is_gone = |path: &&PathBuf| !after.contains_key(*path) && !path.ends_with("plan.jsonl");
        assert_eq!(before.keys().find(is_gone), None, "{line}");
        if line.contains("nightly") {
            let note = "job `nightly`: a dry run has no results, so `results: r.csv` is ignored";
            assert!(err.contains(note), "{err}");
        }
    }
    for line in [format!("{import} --dry-run --results x.csv"), format!("undo {first} --dry-run --results x.csv")] {
        let (code, _, err) = typed(&folder, &line);
        let expected = "error: `--results`: a dry run has no results\nhint: use `--plan FILE`: it writes each record and what would happen to it\n";
        assert_eq!((code, err.as_str()), (2, expected), "{line}");
    }
    let (code, _, err) = typed(&folder, "run nightly --dry-run --results x.csv");
    assert!(code == 2 && err.contains("use `--plan FILE`"), "{err}");
    assert!(!has(&folder, "x.csv"));
}

#[test]
fn a_dry_run_leaves_what_a_killed_process_left_in_the_checkpoint() {
    let folder = folder();
    let import = "import in.csv --map m.yaml --to shop --sandbox --rate 40/s";
    let rows: Vec<String> = (0..2_000).map(|at| format!("P{at},Vera,+59399600{at:04}\n")).collect();
    put(&folder, "in.csv", &(HEAD.to_owned() + &rows.concat()));
    let process = begin(ferry(folder.path(), import));
    let connections = folder.path().join(".ferry/connections");
    let has_log = || {
        let mut logs = fs::read_dir(&connections).ok()?.flatten();
        logs.find(|file| {
            file.path().to_string_lossy().ends_with("-wal") && file.metadata().is_ok_and(|facts| facts.len() > 100_000)
        })
    };
    wait_for("a long log", has_log);
    process.kill();
    let state = || {
        let mut found = everything(&connections);
        // The shared memory is no data: each process that opens the database creates it again.
        found.retain(|path, _| !path.to_string_lossy().ends_with("-shm"));
        found
    };
    let before = state();
    let (code, _, err) = typed(&folder, &format!("{import} --dry-run"));
    assert_eq!(code, 0, "{err}");
    assert!(state() == before);
}

#[test]
fn a_job_in_the_sandbox_replaces_and_removes_no_real_file() {
    let folder = folder();
    let jobs = "jobs:\n  \
        fill:\n    import: { file: bad.csv, to: shop, map: m.yaml, rejects: out/left.csv, results: ../r.csv }\n  \
        nightly:\n    export: { from: shop, out: \"out/shop-{date}.csv\", changes: /tmp/ferry-no-such/c.csv }\n    retain: 30d\n  \
        again:\n    convert: { file: out/left.csv, map: m.yaml, out: out/again.jsonl }\n";
    put(&folder, "ferry.yaml", &(get(&folder, "ferry.yaml") + jobs));
    fs::create_dir(folder.path().join("out")).unwrap();
    put(&folder, "out/shop-2020-01-01.csv", "real");
    put(&folder, "out/left.csv", "real");
    let before = everything(&folder.path().join("out"));
    let (code, _, err) = typed(&folder, "run --all --sandbox");
    assert_eq!(code, 3, "{err}");
    assert_eq!(everything(&folder.path().join("out")), before);
    let below = |name: &str| get(&folder, &format!(".ferry/sandbox/out/{name}"));
    assert!(below("out/left.csv").contains("Bea") && below("_/r.csv").contains("created"));
    assert!(below("tmp/ferry-no-such/c.csv").starts_with("change,"));
    // The last job read what the first one had written, and rejected it again.
    assert!(err.contains("again") && below("out/again.jsonl").is_empty(), "{err}");
    let exported: Vec<_> = fs::read_dir(folder.path().join(".ferry/sandbox/out/out")).unwrap().collect();
    assert_eq!(exported.len(), 3);
    // What is typed is used as typed.
    let (code, _, err) = typed(&folder, "run nightly --sandbox --out typed.csv");
    assert_eq!(code, 0, "{err}");
    assert!(get(&folder, "typed.csv").contains("Ana"));
}

#[test]
fn a_sample_of_a_job_goes_beside_its_file() {
    let folder = folder();
    let jobs = "jobs:\n  nightly:\n    export: { from: shop, out: \"shop-{date}.csv.gz\", sandbox: false }\n    retain: 30d\n    at_least: 5\n";
    put(&folder, "ferry.yaml", &(get(&folder, "ferry.yaml") + jobs));
    put(&folder, "in.csv", &[HEAD, GOOD, "Eva,Sol,+593987625588\n"].concat());
    assert_eq!(typed(&folder, "import in.csv --map m.yaml --to shop --sandbox").0, 0);
    let (code, _, err) = typed(&folder, "run nightly --sandbox --limit 1");
    assert_eq!(code, 0, "{err}");
    let names = || -> Vec<String> {
        let files = fs::read_dir(folder.path().join(".ferry/sandbox/out")).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert!(matches!(&names()[..], [name] if name.ends_with(".csv.gz.partial")), "{:?}", names());
    let bytes = fs::read(folder.path().join(".ferry/sandbox/out").join(&names()[0])).unwrap();
    assert_eq!(bytes[..2], [0x1f, 0x8b]);
}

#[test]
fn the_state_is_kept_in_a_folder_and_an_address_is_not_taken_for_one() {
    let folder = folder();
    for (state, scheme) in [("mysql://ana:s3cr3t@db/ferry", "mysql"), ("s3://bucket/x", "s3")] {
        let hint = "hint: name a folder on a disk of this machine, or a database: `postgres://USER@HOST/DATABASE`\n";
        let (code, _, err) = typed(&folder, &format!("convert good.csv --out o.jsonl --state {state}"));
        assert_eq!((code, err), (2, format!("error: `--state`: the state cannot be kept at `{scheme}://…`\n{hint}")));
        let (code, _, err) = run(ferry(folder.path(), "runs").env("FERRY_STATE", state)).parts();
        assert_eq!(
            (code, err),
            (2, format!("error: `FERRY_STATE`: the state cannot be kept at `{scheme}://…`\n{hint}"))
        );
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 5);
}

fn names(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(prefix)).collect()
}

/// Feeds rows until the process is killed.
fn begin_fed(folder: &TempDir, line: &str) -> (Running, std::thread::JoinHandle<()>) {
    let mut process = begin(ferry(folder.path(), line).stdin(Stdio::piped()));
    let mut input = process.child().stdin.take().unwrap();
    let feeder = std::thread::spawn(move || {
        let rows = GOOD.repeat(1_000);
        if input.write_all(HEAD.as_bytes()).is_ok() {
            while input.write_all(rows.as_bytes()).is_ok() {}
        }
    });
    (process, feeder)
}

#[test]
fn a_killed_process_leaves_no_copy_of_standard_input() {
    let folder = folder();
    let (process, feeder) = begin_fed(&folder, "convert - --map m.yaml --out o.jsonl");
    let open = || {
        let files = fs::read_dir(format!("/proc/{}/fd", process.id())).ok()?.flatten();
        files.filter_map(|file| fs::metadata(file.path()).ok()).find(|facts| facts.is_file() && facts.len() > 1 << 20)
    };
    let facts = wait_for("an open copy of standard input", open);
    assert_eq!((facts.mode() & 0o777, facts.nlink()), (0o600, 0));
    process.kill();
    feeder.join().unwrap();
    assert_eq!(
        everything(&folder.path().join(".ferry")).values().filter(|(_, content)| !content.is_empty()).count(),
        0
    );
}

#[test]
fn what_a_killed_process_was_writing_is_private_and_swept_by_the_next_one() {
    let folder = folder();
    fs::create_dir(folder.path().join("out")).unwrap();
    put(&folder, "big.csv", &(HEAD.to_owned() + &GOOD.repeat(1_500_000)));
    let out = folder.path().join("out");
    let process = begin(ferry(folder.path(), "convert big.csv --map m.yaml --out out/o.jsonl"));
    // The file of the rejects, which is empty, has a name for a moment only.
    let has_rows = |path: &PathBuf| path.metadata().is_ok_and(|facts| facts.len() > 0);
    let left = wait_for("a file that is being written", || names(&out, ".ferry-").into_iter().find(has_rows));
    // Another process of the same kind, meanwhile, leaves it alone.
    assert_eq!(typed(&folder, "convert good.csv --map m.yaml --out out/other.jsonl").0, 0);
    assert!(left.exists());
    assert_eq!(left.metadata().unwrap().mode() & 0o777, 0o600);
    process.kill();
    assert!(left.exists() && !out.join("o.jsonl").exists());
    fs::create_dir(folder.path().join(".ferry/dry-run-abc123")).unwrap();
    put(&folder, ".ferry/dry-run-abc123/checkpoint.db", "x");
    put(&folder, "out/mine.tmp", "x");
    assert_eq!(typed(&folder, "convert good.csv --map m.yaml --out out/other.jsonl").0, 0);
    assert!(!left.exists() && !has(&folder, ".ferry/dry-run-abc123") && has(&folder, "out/mine.tmp"));
}

#[test]
fn a_new_file_has_the_mode_of_the_umask_and_a_replaced_one_keeps_its_own() {
    let folder = folder();
    let line = "convert good.csv --map m.yaml --out new.jsonl --results r.csv";
    let mode = |name: &str| folder.path().join(name).metadata().unwrap().mode() & 0o777;
    let done = run(ferry_in_shell(folder.path(), "umask 027", line));
    assert_eq!((done.exit, mode("new.jsonl"), mode("r.csv")), (0, 0o640, 0o640));
    fs::set_permissions(folder.path().join("new.jsonl"), fs::Permissions::from_mode(0o604)).unwrap();
    assert_eq!(typed(&folder, line).0, 0);
    assert_eq!(mode("new.jsonl"), 0o604);
}

#[test]
fn a_link_to_a_file_that_does_not_exist_yet_is_followed() {
    let folder = folder();
    fs::create_dir(folder.path().join("disk")).unwrap();
    symlink("disk/real.jsonl", folder.path().join("o.jsonl")).unwrap();
    assert_eq!(typed(&folder, "convert good.csv --map m.yaml --out o.jsonl").0, 0);
    assert!(folder.path().join("o.jsonl").is_symlink() && get(&folder, "disk/real.jsonl").contains("Ana"));
}

#[test]
fn a_limit_on_the_size_of_files_is_a_failure_with_a_message() {
    let folder = folder();
    put(&folder, "big.csv", &(HEAD.to_owned() + &GOOD.repeat(100_000)));
    let line = "convert big.csv --map m.yaml --out o.jsonl";
    let (code, _, err) = run(ferry_in_shell(folder.path(), "ulimit -f 512", line)).parts();
    assert!(code == 1 && err.contains("error: `o.jsonl` cannot be written"), "{code} {err}");
    assert!(!has(&folder, "o.jsonl") && names(folder.path(), ".ferry-").is_empty());
}

#[test]
fn a_state_folder_that_others_can_look_into_is_closed_or_named() {
    let folder = folder();
    let open = |name: &str| {
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o755)).unwrap();
    };
    let mode = |name: &str| folder.path().join(name).metadata().unwrap().mode() & 0o777;
    fs::create_dir(folder.path().join("mine")).unwrap();
    put(&folder, "mine/letter.txt", "x");
    open("mine");
    for (state, expected, note) in [("st", 0o700, "it is private now"), ("mine", 0o755, "other users can read")] {
        let line = format!("convert good.csv --map m.yaml --out o.jsonl --state {state}");
        assert_eq!(typed(&folder, &line).0, 0);
        open(state);
        let (code, _, err) = typed(&folder, &line);
        assert!(code == 0 && err.contains(note), "{err}");
        assert_eq!(mode(state), expected);
    }
}

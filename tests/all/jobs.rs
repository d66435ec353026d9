//! Jobs: what stands in `ferry.yaml` becomes the words of a command, and the commands are done one after the other.

use super::support::{PLATFORMS, begin, ferry, run, run_folders, wait_until};
use ferry::plan::jobs::{Argument, CommandWords, Job, Takes, Wanted, read};
use ferry::plan::{Config, Env};
use ferry::store::Checkpoint;
use serde_json::Value;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

fn argument(key: &str, takes: Takes, is_needed: bool) -> Argument {
    let option = (key != "file").then(|| format!("--{}", key.replace('_', "-")));
    let shown = option.clone().unwrap_or_else(|| "<FILE>".to_owned());
    let (about, choices) = (String::new(), Vec::new());
    Argument { key: key.to_owned(), option, shown, takes, about, choices, is_needed }
}

/// Commands as the program has them, or will.
fn commands() -> Vec<CommandWords> {
    let command = |name: &str, arguments: &[(&str, Takes, bool)]| CommandWords {
        about: String::new(),
        name: name.to_owned(),
        arguments: arguments.iter().map(|(key, takes, is_needed)| argument(key, *takes, *is_needed)).collect(),
    };
    vec![
        command(
            "import",
            &[
                ("file", Takes::Path, true),
                ("to", Takes::Connection, true),
                ("map", Takes::Path, false),
                ("only_existing", Takes::Nothing, false),
                ("on_existing", Takes::Text, false),
                ("rate", Takes::Text, false),
            ],
        ),
        command(
            "export",
            &[
                ("from", Takes::Connection, true),
                ("out", Takes::Path, false),
                ("map", Takes::Path, false),
                ("retain", Takes::Text, false),
                ("at_least", Takes::Text, false),
                ("only", Takes::Texts, false),
            ],
        ),
    ]
}

fn jobs_of(page: &str, file: &str) -> Vec<Job> {
    let env: Env = [("PLACE", "north")].into_iter().collect();
    let page = format!("connections: {{ shop: {{ platform: mercately }} }}\njobs:\n{page}");
    let config = Config::parse(&PLATFORMS, &page, Path::new(file), &env).unwrap();
    let jobs = read(&config, &commands(), Wanted::All).unwrap();
    let of = |read: ferry::plan::jobs::Read| {
        assert!(read.mistakes.is_empty(), "{}", config.wrong(read.mistakes));
        read.job.unwrap()
    };
    jobs.into_iter().map(of).collect()
}

fn words(job: &Job) -> String {
    job.given.iter().flat_map(|given| given.words()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_job_is_the_words_of_its_command_with_paths_beside_the_file() {
    let cases = [
        ("import: { file: a.csv, to: shop }", "home/a.csv --to shop"),
        ("import: { to: shop, file: \"-\" }", "--to shop -"),
        ("import: { file: /b/a.csv, to: shop, map: contacts }", "/b/a.csv --to shop --map contacts"),
        ("import: { file: a.csv, to: shop, map: maps/m.yaml }", "home/a.csv --to shop --map home/maps/m.yaml"),
        ("import: { file: a.csv, to: shop, only_existing: true }", "home/a.csv --to shop --only-existing"),
        ("import: { file: a.csv, to: shop, only_existing: false }", "home/a.csv --to shop"),
        ("import: { file: a.csv, to: shop, on_existing: -x }", "home/a.csv --to shop --on-existing=-x"),
        ("import: { file: \"${PLACE}.csv\", to: shop, rate: 2/s }", "home/north.csv --to shop --rate 2/s"),
        ("export: { from: shop }", "--from shop"),
        ("export: { from: shop, out: \"-\" }", "--from shop --out -"),
        (
            "export: { from: shop, out: \"e/shop-{date}.csv.gz\" }\n    retain: 30d\n    at_least: 5000",
            "--from shop --out home/e/shop-{date}.csv.gz --retain 30d --at-least 5000",
        ),
        ("export: { from: shop, at_least: 5000 }", "--from shop --at-least 5000"),
        ("export: { from: shop, only: [a, b] }", "--from shop --only a --only b"),
        ("export: { from: shop, only: a }", "--from shop --only a"),
    ];
    for (job, expected) in cases {
        let jobs = jobs_of(&format!("  nightly:\n    {job}\n"), "home/ferry.yaml");
        assert_eq!(jobs.iter().map(words).collect::<Vec<_>>(), [expected]);
    }
    let jobs = jobs_of("  a: { import: { file: -a.csv, to: shop, map: m.yaml } }\n", "ferry.yaml");
    assert_eq!(words(&jobs[0]), "./-a.csv --to shop --map m.yaml");
    assert!(jobs_of("", "ferry.yaml").is_empty());
}

#[test]
fn retain_and_at_least_stand_once_and_with_a_command_that_knows_them() {
    let page = "jobs:\n  a:\n    export: { from: shop, retain: 30d }\n    retain: 9d\n  b:\n    import: { file: a, to: shop }\n    at_least: 5\n";
    let page = format!("connections: {{ shop: {{ platform: mercately }} }}\n{page}");
    let env = Env::default();
    let config = Config::parse(&PLATFORMS, &page, Path::new("ferry.yaml"), &env).unwrap();
    let jobs = read(&config, &commands(), Wanted::All).unwrap();
    let told: Vec<_> = jobs
        .iter()
        .flat_map(|job| &job.mistakes)
        .map(|one| (one.message.as_str(), one.hint.as_deref().unwrap()))
        .collect();
    let expected = [
        ("`retain` is given here and beside `export`", "keep one of them"),
        ("`import` has no `at_least`", "use it with `export`"),
    ];
    assert_eq!(told, expected);
}

/// A folder with a configuration, samples and what else is needed.
fn folder(jobs: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let home = folder.path().join("home");
    fs::create_dir_all(home.join("lists")).unwrap();
    fs::write(home.join("lists/ok.csv"), "First Name,Last Name,Phone\nAna,Paz,+593987625587\n").unwrap();
    fs::write(home.join("lists/bad.csv"), "First Name,Last Name,Phone\nAna,Paz,+59312\n").unwrap();
    fs::write(
        home.join("ferry.yaml"),
        format!("connections:\n  shop: {{ platform: mercately, rate: none }}\njobs:\n{jobs}"),
    )
    .unwrap();
    folder
}

/// What it printed on both streams, and its exit code.
fn typed(folder: &Path, line: &str) -> (String, String, i32) {
    let ended = run(ferry(folder, line));
    (ended.out, ended.err, ended.exit)
}

const GOOD: &str = "  good:\n    convert: { file: lists/ok.csv, out: good.csv }\n";
const BAD: &str = "  bad:\n    convert: { file: lists/bad.csv, out: bad.csv }\n";
const LOST: &str = "  lost:\n    convert: { file: lists/lost.csv, out: lost.csv }\n";

#[test]
fn a_failed_job_stops_no_other_and_the_worst_exit_code_counts() {
    let folder = folder(&[LOST, BAD, GOOD].concat());
    let (out, err, code) = typed(folder.path(), "run --config home/ferry.yaml --all --output json");
    // One object, and nothing beside it.
    let all: Value = serde_json::from_str(&out).unwrap();
    let told = |one: &Value| format!("{} {} {} {}", one["job"], one["exit"], one["status"], one["records"]["created"]);
    let told: Vec<String> = all["jobs"].as_array().unwrap().iter().map(told).collect();
    let expected = ["\"lost\" 2 null null", "\"bad\" 3 \"done\" 0", "\"good\" 0 \"done\" 1"];
    assert_eq!((told, &all["exit"], code), (expected.map(str::to_owned).to_vec(), &2.into(), 2), "{err}");
    assert!(folder.path().join("home/good.csv").exists());
    let begins: Vec<&str> = err.lines().filter(|line| line.contains(": ferry ")).collect();
    let expected = ["lost", "bad", "good"].map(|name| {
        let file = if name == "good" { "ok" } else { name };
        format!("{name}: ferry convert home/lists/{file}.csv --out home/{name}.csv")
    });
    assert_eq!(begins, expected);
    let (_, err, _) = typed(folder.path(), "run --config home/ferry.yaml good bad");
    assert!(err.ends_with("\nJOB   EXIT  STATUS\ngood     0  done\nbad      3  done, some rejected\n"), "{err}");
}

#[test]
fn an_error_in_one_job_stops_no_other() {
    const WRONG: &str = "  wrong:\n    convert: { file: lists/ok.csv, out: wrong.csv, delimitr: x, limit: 0 }\n";
    let folder = folder(&[WRONG, GOOD].concat());
    let home = folder.path().join("home");
    assert_eq!(typed(&home, "run good --quiet"), (String::new(), String::new(), 0));
    let (_, err, code) = typed(&home, "run wrong");
    assert!(code == 2 && err.ends_with("2 errors in `ferry.yaml`\n") && !home.join("wrong.csv").exists(), "{err}");
    // All of them: its errors are reported first, the others are done.
    fs::remove_file(home.join("good.csv")).unwrap();
    let (out, err, code) = typed(&home, "run --all --output json");
    let all: Value = serde_json::from_str(&out).unwrap();
    let told: Vec<(&Value, &Value)> =
        all["jobs"].as_array().unwrap().iter().map(|one| (&one["job"], &one["exit"])).collect();
    assert_eq!(told, [(&"wrong".into(), &2.into()), (&"good".into(), &0.into())], "{err}");
    assert!(code == 2 && home.join("good.csv").exists(), "{err}");
    assert!(err.find("`delimitr` is no argument") < err.find("good: ferry convert"), "{err}");
    let (_, err, _) = typed(&home, "run --all");
    assert!(err.ends_with("\nJOB    EXIT  STATUS\nwrong     2  wrong usage\ngood      0  done\n"), "{err}");
}

#[test]
fn contacts_on_standard_output_leave_the_object_to_standard_error() {
    let folder = folder("  all:\n    convert: { file: lists/ok.csv, out: \"-\" }\n");
    let (out, err, code) = typed(&folder.path().join("home"), "run all --output json");
    assert!(code == 0 && out.starts_with('{') && out.lines().count() == 1, "{out}");
    let object: Value = serde_json::from_str(&err[err.find("\n{").unwrap()..]).unwrap();
    assert_eq!((&object["exit"], &object["jobs"][0]["records"]["created"]), (&0.into(), &1.into()), "{err}");
}

#[test]
fn quiet_is_silent_about_success_and_reports_failures_in_full() {
    let folder = folder(&[GOOD, BAD, LOST].concat());
    let quiet = |jobs: &str| typed(folder.path(), &format!("run --config home/ferry.yaml {jobs} --quiet"));
    assert_eq!(quiet("good"), (String::new(), String::new(), 0));
    assert_eq!(quiet("good --output json"), (String::new(), String::new(), 0));
    let (out, err, code) = quiet("--all");
    assert_eq!((out.as_str(), code), ("", 2));
    assert!(err.starts_with("bad: ferry convert home/lists/bad.csv --out home/bad.csv\n"), "{err}");
    assert!(err.contains("rejects, by reason\n  phone.invalid  1\n"), "{err}");
    let end = "\
bad: done, some rejected (exit code 3)

lost: ferry convert home/lists/lost.csv --out home/lost.csv
error: `home/lists/lost.csv` cannot be read
  cause: No such file or directory (os error 2)
hint: check the path `HERE/home/lists/lost.csv`
lost: wrong usage (exit code 2)
";
    let here = folder.path().display().to_string();
    assert!(err.replace(&here, "HERE").ends_with(end), "{err}");
    assert!(!err.contains("good"), "{err}");
}

#[test]
fn nothing_is_done_when_an_option_or_a_job_is_unknown() {
    let import = "  nightly:\n    import: { file: lists/ok.csv, to: shop, sandbox: true }\n";
    let folder = folder(&[GOOD, BAD, import].concat());
    for (line, expected) in [
        (
            "good nightly --on-existing fill",
            "error: `--on-existing` is not an option of `ferry convert`\nhint: job `good` runs it: leave out the option, or the job\n",
        ),
        (
            "good --limit 0",
            "error: job `good`: invalid value `0` for `--limit <N>`: expected a whole number above 0\nhint: see `ferry convert --help`\n",
        ),
        ("good --limt 3", "error: unknown option `--limt` for `ferry run`\nhint: did you mean `--limit`?\n"),
        (
            "good godo wood",
            "error: there is no job `godo`\nhint: did you mean `good`? the jobs are `good`, `bad`, `nightly`\n\nerror: there is no job `wood`\nhint: did you mean `good`? the jobs are `good`, `bad`, `nightly`\n",
        ),
        (
            "good bad --rejects r.csv",
            "error: `--rejects` names one file, and there are 2 jobs\nhint: run one job at a time, or name the files in `ferry.yaml`\n",
        ),
        ("good --all", "error: `[JOB]...` and `--all` cannot be used together\nhint: see `ferry run --help`\n"),
        (
            "",
            "error: no job is named\nhint: the jobs are `good`, `bad`, `nightly`; `ferry run --all` runs all of them\n",
        ),
    ] {
        let told = typed(folder.path(), &format!("run --config home/ferry.yaml {line}"));
        assert_eq!(told, (String::new(), expected.to_owned(), 2), "{line}");
        assert!(!folder.path().join("home/good.csv").exists() && !folder.path().join("home/.ferry").exists(), "{line}");
    }
}

#[test]
fn what_is_typed_wins_over_what_the_job_says() {
    let import =
        "  nightly:\n    import: { file: lists/ok.csv, to: shop, sandbox: true, rate: 1/h, on_existing: skip }\n";
    let folder = folder(import);
    let (_, err, code) =
        typed(folder.path(), "run --rate none nightly --config home/ferry.yaml --on-existing=fill --results r.csv");
    let words = "home/lists/ok.csv --to shop --sandbox --rate none --on-existing fill --results r.csv";
    let first = err.lines().next().unwrap();
    let mut found: Vec<&str> = first.split(' ').collect();
    let mut expected: Vec<&str> = "nightly: ferry import".split(' ').chain(words.split(' ')).collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!((found, code), (expected, 0), "{err}");
    assert!(folder.path().join("r.csv").exists());
}

#[test]
fn a_run_that_a_job_began_can_be_resumed_from_anywhere() {
    let import = "  nightly:\n    import: { file: lists/many.csv, to: shop, sandbox: true, limit: 1 }\n";
    let folder = folder(import);
    let many = "First Name,Last Name,Phone\nAna,Paz,+593987625587\nEva,Sol,+593987625588\n";
    fs::write(folder.path().join("home/lists/many.csv"), many).unwrap();
    let (_, err, code) = typed(&folder.path().join("home"), "run nightly --state ../state");
    assert_eq!(code, 0, "{err}");
    let elsewhere = TempDir::new().unwrap();
    let state = folder.path().join("state");
    let (out, err, code) = typed(elsewhere.path(), &format!("resume --state {} --output json", state.display()));
    let summary: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &summary["records"]["read"], &summary["status"]), (0, &2.into(), &"done".into()), "{err}");
}

#[test]
fn two_nights_never_overlap() {
    let import = "  nightly:\n    import: { file: lists/ok.csv, to: shop, sandbox: true }\n";
    let folder = folder(import);
    let home = folder.path().join("home");
    let config = Config::load(&PLATFORMS, Some(&home.join("ferry.yaml")), &Env::default()).unwrap();
    let account = ferry::run::account_at(
        &ferry::store::StateDir::in_folder(home.join(".ferry")),
        &config.find("shop").unwrap(),
        "sandbox",
    )
    .unwrap();
    let night_before = Checkpoint::open(&account).unwrap();
    let (out, err, code) = typed(&home, "run nightly --quiet");
    assert_eq!((out.as_str(), code), ("", 7), "{err}");
    assert!(err.ends_with("nightly: busy (exit code 7)\n"), "{err}");
    night_before.close().unwrap();
    assert_eq!(typed(&home, "run nightly --quiet"), (String::new(), String::new(), 0));
}

#[cfg(unix)]
#[test]
fn after_a_signal_no_other_job_begins() {
    let import = "  nightly:\n    import: { file: lists/many.csv, to: shop, sandbox: true, rate: 5/s }\n";
    let folder = folder(&[import, GOOD].concat());
    let home = folder.path().join("home");
    let people = (0..100).map(|n| format!("Ana{n},Paz,+5939876255{n:02}\n"));
    let many: String = std::iter::once("First Name,Last Name,Phone\n".to_owned()).chain(people).collect();
    fs::write(home.join("lists/many.csv"), many).unwrap();
    let process = begin(ferry(&home, "run --all"));
    // A run that has a folder listens to signals.
    wait_until("the folder of a run", || !run_folders(&home.join(".ferry")).is_empty());
    process.signal("INT");
    let (exit, _, err) = process.finish().parts();
    assert_eq!(exit, 130, "{err}");
    assert!(err.ends_with("nightly   130  interrupted\ngood           not started\n"), "{err}");
    assert!(!home.join("good.csv").exists());
}

/// A port without a listener.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn import_to(address: SocketAddr, folder: &Path, wait: &str) -> Command {
    let mut command = ferry(folder, &format!("import lists/ok.csv --to shop --wait {wait} --output json"));
    command.env("FERRY_SHOP_BASE_URL", format!("http://{address}"));
    command.env("FERRY_SHOP_API_KEY", "sandbox-mercately-key");
    command
}

#[test]
fn a_platform_that_is_away_is_waited_for_and_the_import_goes_on_when_it_is_back() {
    let folder = folder(GOOD);
    let (home, address) = (folder.path().join("home"), free());
    let import = begin(import_to(address, &home, "60s"));
    wait_until("the folder of a run", || !run_folders(&home.join(".ferry")).is_empty());
    let _sandbox = begin(ferry(folder.path(), &format!("sandbox --listen {address} --state back")));
    let ended = import.finish();
    assert_eq!((ended.exit, ended.count("created")), (0, 1), "{ended:?}");
}

#[test]
fn a_platform_that_stays_away_ends_the_run_when_the_wait_is_over() {
    let folder = folder(GOOD);
    let ended = run(import_to(free(), &folder.path().join("home"), "1s"));
    assert_eq!((ended.exit, &ended.summary()["status"]), (6, &"unfinished".into()), "{ended:?}");
    assert!((Duration::from_secs(1)..Duration::from_secs(30)).contains(&ended.took), "{ended:?}");
}

//! `on_finish` of a job: a command or a webhook gets the summary; its failure is told, and changes the exit code alone.

use super::dry::scene;
use super::support::Scene;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

const MAPPING: &str =
    "version: 1\nphone_region: EC\ncontact:\n  first_name: First\n  last_name: Last\n  phone: Phone\n";
const IMPORT: &str = "import: { file: a.csv, map: m.yaml, to: mercately }";

fn with_job(on_finish: &str, job: &str) -> Scene {
    let scene = scene(|_| {});
    scene.write("m.yaml", MAPPING);
    scene.write("a.csv", "First,Last,Phone\nAna,Vera,0991234567\nBea,Paz,12\n");
    scene.write("ok.csv", "First,Last,Phone\nAna,Vera,0991234567\n");
    scene.write("ferry.yaml", &format!("jobs:\n  night:\n    {job}\n    on_finish: {on_finish}\n"));
    scene.write("keep.sh", "#!/bin/sh\ncat > told.json\necho \"$@\" > words\n");
    std::fs::set_permissions(scene.path("keep.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    scene
}

fn told(scene: &Scene) -> Value {
    serde_json::from_str(&scene.read("told.json")).unwrap()
}

/// A web server for so many requests: each is answered with the next of these responses.
fn hook(responses: Vec<&'static str>) -> (String, Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for response in responses {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                head.push_str(&line);
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            sender.send((head, String::from_utf8(body).unwrap())).unwrap();
            let _gone = write!(stream, "HTTP/1.1 {response}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    (format!("http://{address}/services/T0/s3cret?key=s3cret"), receiver)
}

#[test]
fn a_command_gets_the_summary_and_no_secret() {
    let scene = with_job("[./keep.sh, \"a b\", $HOME]", IMPORT);
    for options in ["", "--quiet", "--output json"] {
        let _absent = std::fs::remove_file(scene.path("told.json"));
        let ended = scene.run(&format!("run night {options}"));
        assert_eq!(ended.exit, 3, "{ended:?}");
        let told = told(&scene);
        assert_eq!(
            (&told["job"], &told["exit"], &told["command"]),
            (&json!("night"), &json!(3), &json!("import")),
            "{told}"
        );
        assert_eq!((&told["records"]["read"], &told["rejects"]), (&json!(2), &json!({ "phone.invalid": 1 })), "{told}");
        // Words are handed over as they stand: there is no shell.
        assert_eq!(scene.read("words"), "a b $HOME\n");
        let key = scene.sandbox().credentials().into_iter().find(|(name, _)| name.contains("API_KEY")).unwrap().1;
        assert!(!told.to_string().contains(&key) && !ended.printed().contains(&key));
    }
}

#[test]
fn ends_are_told_when_they_are_asked_for_and_not_of_rehearsals() {
    for (when, job, options, is_told) in [
        ("always", IMPORT, "", true),
        ("failure", IMPORT, "", true),
        ("success", IMPORT, "", false),
        ("failure", "import: { file: ok.csv, map: m.yaml, to: mercately }", "", false),
        ("success", "import: { file: ok.csv, map: m.yaml, to: mercately }", "", true),
        ("always", IMPORT, "--dry-run", false),
        ("always", IMPORT, "--sandbox", false),
        ("failure", "import: { file: gone.csv, map: m.yaml, to: mercately }", "", true),
    ] {
        let scene = with_job(&format!("{{ command: [./keep.sh], when: {when} }}"), job);
        let ended = scene.run(&format!("run night {options}"));
        assert_eq!(scene.path("told.json").exists(), is_told, "{when} {job} {options}: {ended:?}");
        if !options.is_empty() {
            assert!(ended.err.contains("`on_finish` is left out"), "{ended:?}");
        }
        if job.contains("gone.csv") {
            let told = told(&scene);
            assert_eq!((ended.exit, &told["exit"]), (2, &json!(2)));
            assert!(told["error"].as_str().unwrap().contains("gone.csv"), "{told}");
        }
    }
}

#[test]
fn a_command_that_fails_changes_the_exit_code_and_not_the_run() {
    let ok = "import: { file: ok.csv, map: m.yaml, to: mercately }";
    for (on_finish, why) in [
        ("[sh, -c, \"echo broken pipe of mails >&2; exit 9\"]", "broken pipe of mails"),
        ("[./absent.sh]", "cannot be run"),
        ("{ command: [sleep, \"60\"], timeout: 1s }", "did not end within 1 s"),
        // Started by the command, and killed with it.
        ("{ command: [sh, -c, \"sleep 60 & wait\"], timeout: 1s }", "did not end within 1 s"),
    ] {
        let scene = with_job(on_finish, ok);
        let since = Instant::now();
        let ended = scene.run("run night --quiet");
        assert_eq!(ended.exit, 1, "{on_finish}: {ended:?}");
        assert!(since.elapsed().as_secs() < 40, "{on_finish}");
        assert!(ended.err.contains("`on_finish` of job `night`") && ended.err.contains(why), "{on_finish}: {ended:?}");
        let runs = scene.run_json("runs").summary();
        assert_eq!((&runs[0]["status"], scene.contacts("mercately").len()), (&json!("done"), 1), "{runs}");
        let ended = scene.run_json("run night");
        let summary = ended.summary();
        assert_eq!((ended.exit, &summary["exit"], &summary["jobs"][0]["exit"]), (1, &json!(1), &json!(0)), "{summary}");
        assert!(summary["jobs"][0]["on_finish"]["error"].is_string(), "{summary}");
    }
}

#[test]
fn a_webhook_gets_the_summary_and_its_address_stays_secret() {
    let (address, requests) =
        hook(vec!["503 Busy", "200 OK", "302 Found\r\nlocation: http://127.0.0.1:1/", "404 Gone"]);
    let mut scene = with_job("{ webhook: \"${HOOK}\" }", IMPORT);
    scene.set("HOOK", &address);
    let ended = scene.run("run night -v");
    assert_eq!(ended.exit, 3, "{ended:?}");
    // It was busy at first.
    let [busy, taken] = [requests.recv().unwrap(), requests.recv().unwrap()];
    assert_eq!(busy.1, taken.1);
    assert!(taken.0.starts_with("POST /services/T0/s3cret?key=s3cret HTTP/1.1"), "{}", taken.0);
    assert!(taken.0.to_lowercase().contains("content-type: application/json"), "{}", taken.0);
    let told: Value = serde_json::from_str(&taken.1).unwrap();
    assert_eq!((&told["job"], &told["exit"]), (&json!("night"), &json!(3)));
    for status in ["302", "404"] {
        let refused = scene.run("run night -v");
        assert_eq!(refused.exit, 1, "{refused:?}");
        assert!(refused.err.contains(&format!("answered with {status}")), "{refused:?}");
        assert!(!refused.printed().contains("s3cret") && !ended.printed().contains("s3cret"), "{refused:?}");
    }
}

#[test]
fn what_is_wrong_with_it_is_told_before_anything_runs() {
    for (on_finish, why) in [
        ("notify", "no web address"),
        ("[]", "no program"),
        ("[./keep.sh, \"${TOKEN}\"]", "list of processes"),
        ("http://example.com/s3cret", "unencrypted"),
        ("ftp://example.com/s3cret", "https://"),
        ("https://me:s3cret@example.com/", "user name or a password"),
        ("\"${UNSET}\"", "`UNSET` is not set"),
        ("{ command: [a], webhook: \"https://example.com\" }", "a command and a webhook"),
        ("{ when: failure }", "neither"),
        ("{ comand: [a] }", "did you mean `command`"),
        ("{ command: [a], when: never }", "`always`, `failure` or `success`"),
        ("{ command: [a], timeout: 2h }", "at most `10m`"),
        ("{ command: a b }", "expected a list"),
    ] {
        let mut scene = with_job(on_finish, IMPORT);
        scene.set("TOKEN", "t0ken");
        let ended = scene.run("run night");
        assert_eq!(ended.exit, 2, "{on_finish}: {ended:?}");
        assert!(ended.err.contains(why) && !ended.err.contains("s3cret"), "{on_finish}: {}", ended.err);
        assert_eq!(scene.requests(), 0);
    }
}

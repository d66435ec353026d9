//! A secret in whole commands: it is in nothing that is shown or kept, and what a contact holds is carried as it is.

use super::support::{Ended, begin, ferry, ferry_in_shell, files_below, run, scene};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;

const SECRET: &str = "CANARY/k3y+0123\"&=Zz";

/// The secret as servers may write it, and the same without what JSON needs.
const SPELT: [&str; 9] = [
    "CANARY/k3y+0123\\\"&=Zz",
    "CANARY%2Fk3y%2B0123%22%26%3DZz",
    "CANARY%2fk3y%2b0123%22%26%3dZz",
    "CANARY&#x2F;k3y+0123&quot;&amp;=Zz",
    "CANARY\\/k3y\\u002b0123\\u0022\\u0026=Zz",
    "\\u0043\\u0041NARY/k3y+0123\\\"&=Zz",
    "Q0FOQVJZL2szeSswMTIzIiY9Wno=",
    "OkNBTkFSWS9rM3krMDEyMyImPVp6",
    "dXNlcjpDQU5BUlkvazN5KzAxMjMiJj1aeg==",
];

/// What may be found of them nowhere.
const TRACES: [&str; 8] = ["CANARY", "k3y", "Q0FOQVJZ", "NBTkFSW", "DQU5BUl", "NARY", "vazN5K", "szeSsw"];

fn answer(head: &str, secret: &str) -> (u16, String) {
    match head.split(' ').next() {
        Some("GET") => (200, r#"{"results":0,"total_pages":0,"page":1,"customers":[],"agents":[]}"#.to_owned()),
        _ => (422, format!(r#"{{"errors":"the key {secret} may not write"}}"#)),
    }
}

/// A server that repeats a secret in what it says.
fn hostile(secret: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = move |mut stream: TcpStream| {
        let mut seen = Vec::new();
        let mut piece = [0; 4096];
        while let Ok(len @ 1..) = stream.read(&mut piece) {
            seen.extend_from_slice(&piece[..len]);
            let text = String::from_utf8_lossy(&seen).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let lower = head.to_ascii_lowercase();
            let len = lower.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
            if body.len() < len.unwrap_or(0) {
                continue;
            }
            let (status, answer) = answer(head, secret);
            let reply = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nX-Echo: {SECRET}\r\nContent-Length: {}\r\n\r\n{answer}",
                answer.len()
            );
            if stream.write_all(reply.as_bytes()).is_err() {
                return;
            }
            seen.clear();
        }
    };
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

fn typed(folder: &Path, vars: &[(&str, &str)], words: &str) -> Ended {
    run(ferry(folder, words).envs(vars.iter().copied()))
}

#[test]
fn a_secret_that_a_platform_repeats_is_in_nothing_that_is_shown_or_kept() {
    for spelt in SPELT {
        let address = hostile(spelt);
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        fs::write(folder.join("in.csv"), "First Name,Last Name,Phone\nAna,Paz,+593987625587\n").unwrap();
        let base = format!("http://{address}");
        let vars = [
            ("FERRY_MERCATELY_BASE_URL", base.as_str()),
            ("FERRY_MERCATELY_API_KEY", SECRET),
            ("FERRY_MERCATELY_RATE", "none"),
        ];
        let words = "import in.csv --to mercately --region EC -vv --results results.csv --rejects rejects.csv";
        let output = typed(folder, &vars, words);
        assert_eq!(output.exit, 3, "{spelt}: {}", output.err);
        let mut all = files_below(folder);
        all.insert("standard output".into(), output.out.into_bytes());
        all.insert("standard error".into(), output.err.into_bytes());
        let rejects = fs::read_to_string(folder.join("rejects.csv")).unwrap();
        assert!(rejects.contains("***") && rejects.contains("may not write"), "{spelt}: {rejects}");
        for (name, bytes) in all {
            for trace in TRACES {
                let is_there = bytes.windows(trace.len()).any(|window| window == trace.as_bytes());
                assert!(!is_there, "{spelt}: {trace} is in {}", name.display());
            }
        }
    }
}

#[test]
fn a_contact_that_holds_the_key_is_carried_unchanged_and_reported() {
    const KEY: &str = "sandbox-mercately-key";
    let scene = scene(|_| {});
    let people =
        format!("First Name,Last Name,Phone,Notes\nAna,Paz,+593987625587,our key is {KEY}\nEva,Sol,+593987625588,x\n");
    scene.write("in.csv", &people);
    let imported = scene.run("import in.csv --to mercately");
    assert_eq!(imported.exit, 0, "{imported:?}");
    let notes = || {
        let contacts = scene.contacts("mercately");
        let mut notes: Vec<_> = contacts.iter().filter_map(|one| one["notes"].as_str().map(str::to_owned)).collect();
        notes.sort();
        notes
    };
    assert_eq!(notes(), [format!("our key is {KEY}"), "x".to_owned()]);
    let exported = scene.run("export --from mercately --out all.csv");
    assert_eq!(exported.exit, 0, "{exported:?}");
    let note = "note: 1 value holds a secret of connection `mercately`; contacts are carried as they are";
    assert!(exported.printed().contains(note), "{exported:?}");
    assert!(scene.read("all.csv").contains(&format!("our key is {KEY}")));
    // An update and its undo put the same value back.
    scene.write("in.csv", &people.replace("our key is", "no more").replace(KEY, "!"));
    let updated = scene.run_json("import in.csv --to mercately");
    assert_eq!(notes(), ["no more !", "x"]);
    scene.run(&format!("undo {}", updated.run()));
    assert_eq!(notes(), [format!("our key is {KEY}"), "x".to_owned()]);
    let first = scene.run("export --from mercately --out none.csv --limit 1 -vv");
    assert!(!first.printed().contains(KEY), "{first:?}");
}

#[test]
fn a_proxy_that_cannot_be_understood_stops_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let vars = [
        ("FERRY_MERCATELY_API_KEY", SECRET),
        ("FERRY_MERCATELY_BASE_URL", "https://192.0.2.1"),
        ("HTTPS_PROXY", "htp//user:CANARY@proxy"),
    ];
    let output = typed(folder.path(), &vars, "check mercately");
    let said = &output.err;
    assert_eq!(output.exit, 2, "{said}");
    let expected = "error: the environment variable `HTTPS_PROXY` is not the address of a proxy\n";
    assert!(said.contains(expected) && !said.contains("CANARY"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_crash_leaves_no_core_file() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = ferry_in_shell(folder.path(), "ulimit -c unlimited", "sandbox --listen 127.0.0.1:0");
    let mut process = begin(sandbox);
    // It serves once it prints.
    assert_eq!(process.child().stdout.as_mut().unwrap().read(&mut [0; 1]).unwrap(), 1);
    let limits = fs::read_to_string(format!("/proc/{}/limits", process.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{core}");
    process.kill();
}

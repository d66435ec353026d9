//! The program as a user meets it: whole outputs and exit codes, as transcripts in `cli/*.txt`.
//!
//! A transcript is a list of commands (`$ NAME=value ferry …`) with what they print: `|` standard output, `!` standard
//! error, `=` the exit code. They are typed one after the other in one folder, which holds the samples, the mappings and
//! [`FILES`]. `FERRY_TEST_WRITE=1` writes the transcripts again; read the difference before keeping it.

use super::support::{Ended, begin, ferry, files_below};
use regex::Regex;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A secret that stands in no transcript.
const SECRET: &str = "s3cr3t-t0k3n-0123456789";

/// Files that people have, for better or worse.
const FILES: &[(&str, &[u8])] = &[
    ("ok.csv", b"First Name,Last Name,Phone\nAna,Paz,+593987625587\n"),
    ("local.csv", b"First Name,Last Name,Phone\nAna,Paz,0987625587\nEva,Sol,0987625588\n"),
    (
        "shop.csv",
        "Record ID,Name,Nombre,Teléfono,Celular,Etiquetas,País,Plan\n\
         1,Ana,Anita,022345678,0995017733,\"VIP, Blog\",EC,b\n"
            .as_bytes(),
    ),
    ("bare.csv", "Name,Teléfono,País\nAna,0995017733,\n".as_bytes()),
    ("nameless.csv", b"Titel,Firma\nHerr,ACME\n"),
    ("nameless.jsonl", b"{\"title\": \"Herr\", \"firm\": {\"name\": \"ACME\"}}\n"),
    ("header.csv", b"First Name,Phone\n"),

    ("cities.csv", b"Name,Phone,City\nAna,0998123401,Quito\nBea,0984551702,Guayaquil\nCy,0984551703,\n"),
    ("none.vcf", b""),
    ("twice.csv", b"Name,Phone,Notes\nAna,+593998123401,a\nBea,+593998123402,a\nAna,+593998123401,b\nBea,+593998123402,b\n"),
    (
        "several-wrong.yaml",
        b"connections:\n  shop: { platform: atom, token: t, find: nope, rate: quick, page_size: zero }\n",
    ),
    ("empty.csv", b""),
    ("blank.csv", b"\n\n\n"),
    ("page.csv", b"<!DOCTYPE html><html><body>Log in</body></html>"),
    ("book.csv", b"PK\x03\x04\x14\x00\x00\x00xl/workbook.xml"),
    ("old-book.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ("paper.csv", b"%PDF-1.4\n"),
    ("either.csv", b"name,city\n\xc0\xc1,x\n"),
    ("numbers.json", b"[1,2]"),
    ("words.json", b"hello"),
    ("object.json", b"{\"error\": \"log in\"}"),
    ("several.json", b"{\"a\": [{\"x\": 1}], \"b\": [{\"x\": 1}]}"),
    (
        "both.yaml",
        b"contact: { first_name: First Name, last_name: Last Name, phone: Mobile, email: Email }\nphone_region: EC\n\
          identity: [phone, email]\n",
    ),
    (
        "other.yaml",
        b"contact: { first_name: { value: Anita }, last_name: last_name, phone: phone }\nidentity: [phone]\n",
    ),
    ("cut.json", b"[{\"first_name\": \"Ana\", \"phone\": \"+593987625587\"},\n{\"first_name\": \"E"),
    (
        "open.json",
        b"[{\"first_name\": \"Ana\", \"phone\": \"+593987625587\"},\n{\"first_name\": \"Eva\", \"phone\": \"+593987625588\"}\n",
    ),
    (
        "stages.yaml",
        b"version: 1\nunmaped: ignore\ncontact:\n  first_name: Frist Name\n  phone: Phon\n  notes: { value: \"{{ row.Nope }}\" }\ncolumns: { A: \"{{ contact.nope }}\", B: nope }\nonly_if: \"row.Cty\"\n",
    ),
    (
        "stages-read.yaml",
        b"read: { header_row: first }\ncontact: { first_name: Frist Name, phone: Phone }\n",
    ),
    ("seen.jsonl", b"{\"Nombre\": \"Ana\", \"Apellido\": \"Paz\", \"Mobile\": \"+593987625587\", \"shoe\": 38}\n"),
    ("rows.yaml", b"columns: { Name: first_name, Family: last_name, Phone: phone }\n"),
    ("typo.yaml", b"columns: { Name: frist_name }\n"),
    ("short.yaml", b"contact: { notes: { from: last_name, lookup: { Paz: p } } }\ncolumns: { Phone: phone, N: notes }\n"),
    ("empty.yaml", b""),
    ("list.yaml", b"- a\n"),
    ("tab.yaml", b"contact:\n\tphone: Phone\n"),
    ("latin.yaml", b"contact: { first_name: \xd1o\xf1o }\n"),
    (
        "columns.yaml",
        b"contact:\n  first_name: First Nam\n  phone: [Mobil, Phone]\n  attributes: { A: { value: \"{{ row.Phon }}\" } }\n",
    ),
    (
        "ten.yaml",
        b"version: 2\nred: { encoding: x }\nphone_region: Narnia\ncontact:\n  frist_name: First Name\n  phone: { from: Phone, defalt: 1 }\n  email: { from: E, on_existing: replace }\n  tags: { from: T, mode: ad }\nidentity: [fone]\nunmapped: drop\nonly_if: \"row.X !== 1\"\n",
    ),
    (
        "shop.yaml",
        b"connections:\n  shop:\n    platform: mercately\n    api_key: ${SHOP_KEY}\n    slug: my-shop\n  open:\n    platform: atom\n    token: ${SHOP_KEY}\n",
    ),
    (
        "misspelt.yaml",
        b"connections:\n  shop:\n    platfrom: mercatelly\n    rate: 2/fortnight\n    phone_region: Nowhere\n",
    ),
    (
        "no-env.yaml",
        b"env_file: nofile.env\nconnections:\n  shop: { platform: mercately, api_key: \"${MISSING_KEY}\", slug: my-shop }\n",
    ),
    (
        "jobs.yaml",
        b"connections:\n  shop: { platform: mercately, rate: none }\njobs:\n  nightly:\n    import: { file: ok.csv, to: shop, sandbox: true }\n  tidy:\n    convert: { file: ok.csv, out: tidy.csv }\n",
    ),
    (
        "wrong-jobs.yaml",
        b"connections:\n  shop: { platform: mercately }\njobs:\n  nightly:\n    import: { file: ok.csv, too: shop, on_existing: replace, limit: 0, rate: 2/fortnight, sandbox: maybe }\n    retain: 30d\n  two:\n    import: { file: ok.csv, to: shp, map: }\n    convert: { file: ok.csv }\n  none: {}\n  bare:\n  odd:\n    convert: { out: [a, b], file: \"${NOPE}\" }\n    map: x\n  \"-x\":\n    convert: ok.csv\n  near:\n    improt: {}\n  clash:\n    convert: { file: ok.csv, out: c.csv, delimiter: x, format: xml, region: Narnia }\n",
    ),
    (
        "wrong.yaml",
        b"conections: {}\nconnections:\n  shop:\n    platform: mercatly\n  atom:\n    tokne: s3cr3t-t0k3n-0123456789\n    base_url: http://api.example.com\n    rate: 2/fortnight\n    concurrency: 0\n    timeout: soon\n    phone_region: Narnia\n    find: eech\n",
    ),
];

/// The folder that people type in.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for from in ["samples", "mappings"] {
        fs::create_dir(folder.path().join(from)).unwrap();
        for file in fs::read_dir(root.join(from)).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), folder.path().join(from).join(file.file_name())).unwrap();
        }
    }
    fs::create_dir(folder.path().join("folder.csv")).unwrap();
    for (name, content) in FILES {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

/// Runs a command; `$SECRET` among the variables stands for the secret.
fn typed(folder: &Path, line: &str, input: &[u8]) -> Ended {
    let words = shell_words(line);
    let begin_at = words.iter().position(|word| word == "ferry").unwrap();
    let mut command = ferry(folder, "");
    command.args(&words[begin_at + 1..]);
    for word in &words[..begin_at] {
        let (name, value) = word.split_once('=').unwrap();
        command.env(name, value.replace("$SECRET", SECRET).replace("\\n", "\n"));
    }
    let mut process = begin(command.stdin(Stdio::piped()));
    // One that refuses its words does not read.
    let _ = process.child().stdin.take().unwrap().write_all(input);
    process.finish()
}

/// Words set apart by blanks; what stands between `'` is one.
fn shell_words(line: &str) -> Vec<String> {
    let pieces = line.split('\'').enumerate();
    let words = pieces.flat_map(|(index, piece)| match index % 2 {
        0 => piece.split_whitespace().map(str::to_owned).collect(),
        _ => vec![piece.to_owned()],
    });
    words.collect()
}

/// The same without what differs from time to time.
fn steady(text: &str, folder: &Path) -> String {
    let here = folder.canonicalize().unwrap();
    let text = text.replace(&here.display().to_string(), "HERE").replace(&folder.display().to_string(), "HERE");
    let changes = [
        (r"\d{8}-\d{4}-(import|convert|export|migrate|verify|apply|undo)-([a-z-]+)-[0-9a-f]{4}", "RUN-$1-$2"),
        (r" in [0-9.]+ s(, [0-9.,]+/(s|min))?", " in N s"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "THEN"),
    ];
    let change = |text: String, (pattern, with): &(&str, &str)| {
        Regex::new(pattern).unwrap().replace_all(&text, *with).into_owned()
    };
    changes.iter().fold(text, change)
}

fn marked(mark: char, text: &str) -> String {
    text.lines().map(|line| format!("{}\n", format!("{mark} {line}").trim_end())).collect()
}

/// Types every command of a transcript, and compares it with what is printed now.
fn transcript(name: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/all/cli").join(name);
    let expected = fs::read_to_string(&path).unwrap();
    let folder = folder();
    let mut found = String::new();
    for line in expected.lines() {
        if line.starts_with('#') {
            found.push_str(&format!("{line}\n\n"));
        }
        let Some(command) = line.strip_prefix("$ ") else { continue };
        let printed = typed(folder.path(), command, b"");
        let all = format!("{}{}", printed.out, printed.err);
        assert!(!all.contains(SECRET), "`{command}` shows the secret:\n{all}");
        let (out, err) = (steady(&printed.out, folder.path()), steady(&printed.err, folder.path()));
        found.push_str(&format!("{line}\n{}{}= {}\n\n", marked('|', &out), marked('!', &err), printed.exit));
    }
    if std::env::var_os("FERRY_TEST_WRITE").is_some() {
        fs::write(&path, found.trim_end().to_owned() + "\n").unwrap();
        return;
    }
    assert!(
        found.trim_end() == expected.trim_end(),
        "{name} is not what is printed now:\n{}",
        first_change(&expected, &found)
    );
}

fn first_change(expected: &str, found: &str) -> String {
    let at = expected.lines().zip(found.lines()).position(|(one, other)| one != other).unwrap_or_default();
    let part = |text: &str| text.lines().skip(at.saturating_sub(6)).take(18).collect::<Vec<_>>().join("\n");
    format!("--- expected, from line {}\n{}\n--- printed\n{}", at + 1, part(expected), part(found))
}

#[test]
fn wrong_words_are_reported_with_a_hint() {
    transcript("words.txt");
}

#[test]
fn help_starts_with_what_a_new_user_types() {
    transcript("help.txt");
}

#[test]
fn the_explanation_of_mappings_shows_a_valid_mapping() {
    let text = typed(folder().path(), "ferry help mapping", b"").out;
    let from = text.find("  version: 1\n").unwrap();
    let example = text[from..].split("\n\n").next().unwrap();
    let mapping = ferry::mapping::Mapping::parse(example, Path::new("example.yaml"));
    assert!(mapping.is_ok(), "{:?}", mapping.err());
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn wrong_options_are_reported_before_anything_is_sent() {
    transcript("options.txt");
}

#[test]
fn an_invalid_file_is_reported_with_a_hint() {
    transcript("files.txt");
}

#[test]
fn columns_are_taken_by_their_names_and_the_plan_is_shown() {
    transcript("names.txt");
}

#[test]
fn an_impossible_migration_is_reported_before_anything_is_read() {
    transcript("migrate.txt");
}

#[test]
fn an_invalid_connection_is_reported_with_a_hint() {
    transcript("connections.txt");
}

#[test]
fn every_error_of_a_mapping_is_reported_at_once() {
    transcript("mappings.txt");
}

#[test]
fn a_run_is_listed_shown_and_resumed() {
    transcript("runs.txt");
}

#[test]
fn what_is_there_is_compared_and_a_plan_is_done() {
    transcript("verify.txt");
}

#[test]
fn an_export_reports_what_it_wrote_and_what_it_refuses() {
    transcript("export.txt");
}

#[test]
fn from_platform_to_platform_everything_arrives_or_is_named() {
    transcript("moving.txt");
}

#[test]
fn what_is_wrong_with_the_words_leaves_no_trace() {
    let folder = folder();
    let before = fs::read_dir(folder.path()).unwrap().count();
    for line in ["ferry import ok.csv --to nobody", "ferry import ok.csv --to atom", "ferry convert ok.csv --out x.pdf"]
    {
        assert_eq!(typed(folder.path(), line, b"").exit, 2, "{line}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), before, "{line}");
    }
}

#[test]
fn the_rejects_that_were_fixed_are_all_that_is_sent() {
    let folder = folder();
    let options = "--map mappings/messy.yaml --to mercately --sandbox --rate none --output json";
    let first = typed(folder.path(), &format!("ferry import samples/messy.csv {options} --rejects left.csv"), b"");
    assert_eq!(first.exit, 3, "{}", first.err);
    let left = folder.path().join("left.csv");
    let mut bytes = fs::read(&left).unwrap();
    for (wrong, right) in [(&b";12345;"[..], &b";0997654321;"[..]), (b"31.02.1990", b"28.02.1990"), (b";zz;", b";b;")] {
        let at = memchr::memmem::find(&bytes, wrong).unwrap();
        bytes.splice(at..at + wrong.len(), right.iter().copied());
    }
    fs::write(&left, bytes).unwrap();
    let second = typed(folder.path(), &format!("ferry import left.csv {options}"), b"");
    let summary: serde_json::Value = serde_json::from_str(&second.out).unwrap();
    let sum = |name: &str| summary["records"][name].as_u64().unwrap();
    assert_eq!(second.exit, 3);
    assert_eq!([sum("read"), sum("created") + sum("unchanged"), sum("pending")], [14, 14 - sum("rejected"), 0]);
    assert!(sum("created") >= 3, "{summary}");
}

#[test]
fn the_summary_is_the_last_thing_on_standard_output_and_json() {
    let folder = folder();
    let line = "ferry convert samples/contacts.csv --map contacts --out c.jsonl --output json";
    let printed = typed(folder.path(), line, b"");
    let summary: serde_json::Value = serde_json::from_str(&printed.out).unwrap();
    assert_eq!((printed.exit, summary["command"].as_str()), (3, Some("convert")));
    let line = "ferry convert samples/contacts.csv --map contacts --out - --output json";
    let printed = typed(folder.path(), line, b"");
    assert!(printed.out.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    let from = printed.err.find('{').unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&printed.err[from..]).is_ok(), "{}", printed.err);
}

#[test]
fn quiet_says_nothing_when_all_is_done() {
    let folder = folder();
    let printed = typed(folder.path(), "ferry convert ok.csv --out c.csv --quiet", b"");
    assert_eq!((printed.out.as_str(), printed.err.as_str(), printed.exit), ("", "", 0));
}

#[test]
fn a_file_that_comes_through_a_pipe_is_read_as_any_other() {
    let folder = folder();
    let file = fs::read(folder.path().join("ok.csv")).unwrap();
    for line in ["ferry convert - --out c.csv", "ferry convert /dev/stdin --out c.csv"] {
        let printed = typed(folder.path(), line, &file);
        assert_eq!(printed.exit, 0, "{line}: {}", printed.err);
        let written = fs::read_to_string(folder.path().join("c.csv")).unwrap();
        assert_eq!(written, "first_name,last_name,phone\nAna,Paz,+593987625587\n", "{line}");
    }
    let mapping = b"contact: { first_name: First Nam }";
    let printed = typed(folder.path(), "ferry map check - ok.csv", mapping);
    assert_eq!(printed.exit, 2);
    assert!(printed.err.contains("hint: did you mean `First Name`?"), "{}", printed.err);
}

#[test]
fn errors_have_colour_where_it_is_wanted() {
    let folder = folder();
    for (line, is_colored) in [
        ("ferry --color always map check tab.yaml", true),
        ("ferry --color always --config wrong.yaml check atom", true),
        ("ferry --color always import ok.csv", true),
        ("ferry --color never map check tab.yaml", false),
        ("NO_COLOR=1 ferry map check tab.yaml", false),
        ("ferry map check tab.yaml", false),
    ] {
        let printed = typed(folder.path(), line, b"");
        assert_eq!((printed.err.contains("\x1b["), printed.exit), (is_colored, 2), "{line}: {}", printed.err);
    }
}

/// Answers every request with all of it, also what is secret in it.
fn echo(status: &'static str) -> std::net::SocketAddr {
    use std::io::{BufRead, BufReader};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let body = format!("you sent {}", head.join(" "));
            let len = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nx-echo: {SECRET}\r\ncontent-length: {len}\r\nconnection: close\r\n\r\n{body}"
            );
        }
    });
    address
}

#[test]
fn a_server_that_repeats_the_secret_brings_it_nowhere() {
    let folder = folder();
    for (status, code) in [("200 OK", 6), ("401 Unauthorized", 5), ("404 Not Found", 5), ("422 Unprocessable", 5)] {
        let address = echo(status);
        for command in ["check mercately -vv", "import ok.csv --to mercately -vv --state st --output json"] {
            let line = format!(
                "FERRY_MERCATELY_API_KEY=$SECRET FERRY_MERCATELY_BASE_URL=http://{address} ferry {command} --rate none"
            );
            let line = if command.starts_with("check") { line.replace(" --rate none", "") } else { line };
            let printed = typed(folder.path(), &line, b"");
            assert_eq!(printed.exit, code, "{status} {command}: {}", printed.err);
            assert!(!format!("{}{}", printed.out, printed.err).contains(SECRET), "{status} {command}: {}", printed.err);
        }
    }
    let states = files_below(&folder.path().join("st"));
    assert!(!states.is_empty());
    for (file, content) in states {
        assert!(memchr::memmem::find(&content, SECRET.as_bytes()).is_none(), "{}", file.display());
    }
}

#[test]
fn the_completions_of_a_shell_are_a_script_of_it() {
    let folder = folder();
    let script = typed(folder.path(), "ferry completions bash", b"").out;
    let mut bash = Command::new("bash").args(["-n"]).stdin(Stdio::piped()).spawn().unwrap();
    bash.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success());
}

#[test]
fn jobs_are_checked_all_at_once_and_done_one_after_the_other() {
    transcript("jobs.txt");
}

#[cfg(unix)]
#[test]
fn a_command_that_only_reads_ends_on_a_signal() {
    // Takes connections, and never says a word.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", mute.local_addr().unwrap());
    for words in [["check", "atom"], ["attributes", "atom"]] {
        let folder = folder();
        let mut command = ferry(folder.path(), &words.join(" "));
        command.env("FERRY_ATOM_BASE_URL", &address).env("FERRY_ATOM_TOKEN", SECRET);
        let process = begin(command);
        let _held = mute.accept().unwrap();
        process.signal("INT");
        let ended = process.finish().parts();
        assert_eq!(ended, (130, String::new(), "error: stopped\n".to_owned()), "{words:?}");
    }
}

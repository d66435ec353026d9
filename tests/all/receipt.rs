//! The receipt and the report of a finished run: what they say, that nothing in the data becomes markup, and that a run
//! is not lost when they cannot be written.

mod browser;

use super::support::{Ended, ferry, folder_with, platform_variables, run};
use ferry::outcome::Totals;
use ferry::report::{End, Example, MappingUsed, Receipt, Rejected, Requests, Sums, Throughput, page};
use ferry::store::StateDir;
use regex::Regex;
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn typed(folder: &Path, words: &str) -> Ended {
    run(ferry(folder, words).envs(platform_variables("rate", "none")))
}

const MAPPING: &str = "contact: { first_name: First, last_name: Last, phone: Phone, address: { city: City } }\n\
                       phone_region: EC\n";

/// A folder with a list of people, one of them with an invalid phone.
fn folder() -> TempDir {
    let folder = folder_with(&[("m.yaml", MAPPING)]);
    write_people(folder.path(), "Quito");
    folder
}

fn write_people(folder: &Path, city: &str) {
    let line = |no: usize| format!("Ana{no},Paz,+59399600{no:04},{city}\n");
    let lines: String = (0..6).map(line).collect();
    fs::write(folder.join("in.csv"), format!("First,Last,Phone,City\n{lines}Eva,Sol,12,{city}\n")).unwrap();
}

fn fingerprint(bytes: &[u8]) -> String {
    format!("blake3:{}", blake3::hash(bytes).to_hex())
}

fn fingerprint_of(folder: &Path, file: &str) -> String {
    fingerprint(&fs::read(folder.join(file)).unwrap())
}

/// The receipt that a summary names, and the report beside it.
fn papers(folder: &Path, summary: &Value) -> (Value, String) {
    let receipt = folder.join(summary["receipt"].as_str().unwrap_or_else(|| panic!("no receipt: {summary}")));
    let report = receipt.with_file_name("report.html");
    (serde_json::from_slice(&fs::read(receipt).unwrap()).unwrap(), fs::read_to_string(report).unwrap())
}

/// Takes what differs from time to time out of a receipt.
fn steady(mut receipt: Value) -> Value {
    let moment = Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$").unwrap();
    for key in ["started", "ended"] {
        let at = receipt[key].as_str().unwrap();
        assert!(moment.is_match(at), "{key}: {at}");
        receipt[key] = json!("THEN");
    }
    let run = Regex::new(r"\d{8}-\d{4}-([a-z-]+)-[0-9a-f]{4}").unwrap();
    for key in ["run", "rejects_file"] {
        receipt[key] = receipt[key].as_str().map_or(Value::Null, |text| json!(run.replace_all(text, "RUN-$1")));
    }
    receipt["seconds"].as_f64().unwrap();
    receipt["seconds"] = json!("N");
    receipt
}

#[test]
fn the_receipt_of_an_import_gives_its_source_its_mapping_and_the_outcomes() {
    let folder = folder();
    let folder = folder.path();
    let first = typed(folder, "import in.csv --map m.yaml --to mercately --sandbox --output json");
    assert_eq!(first.exit, 3, "{}", first.err);
    write_people(folder, "Loja");
    let second = typed(folder, "import in.csv --map m.yaml --to mercately --sandbox --output json");
    let (receipt, report) = papers(folder, &second.summary());
    let of_mapping = receipt["mapping"]["fingerprint"].as_str().unwrap();
    assert!(of_mapping.starts_with("blake3:") && of_mapping.len() == 71, "{of_mapping}");
    let bytes = fs::metadata(folder.join("in.csv")).unwrap().len();
    let expected = json!({
        "receipt": 1,
        "ferry": env!("CARGO_PKG_VERSION"),
        "run": "RUN-import-mercately",
        "command": "import",
        "status": "done",
        "started": "THEN",
        "ended": "THEN",
        "seconds": "N",
        "source": {"file": "in.csv", "bytes": bytes, "fingerprint": fingerprint_of(folder, "in.csv")},
        "mapping": {"name": "m.yaml", "fingerprint": of_mapping},
        "target": {
            "connection": "mercately",
            "platform": "mercately",
            "address": "sandbox",
            "contacts": null,
            "fingerprint": fingerprint(b"mercately\nmercately\nsandbox\n"),
        },
        "records": {"read": 7, "created": 0, "updated": 6, "unchanged": 0, "skipped": 0, "rejected": 1, "unknown": 0,
                    "pending": 0},
        "skipped": {},
        "rejects": {"phone.invalid": 1},
        "not_carried": {},
        "left_blank": {},
        "cleared": 0,
        "changed_fields": {"address.city": 6},
        "requests": second.summary()["requests"],
        "completeness": null,
        "changes": null,
        "verify": null,
        "rejects_file": ".ferry/runs/RUN-import-mercately/rejects.csv",
    });
    assert_eq!(steady(receipt), expected);
    for words in ["in.csv", "m.yaml", "phone.invalid", "address.city", "<td class=\"n\">85.7 %</td>", "Throughput"] {
        assert!(report.contains(words), "{words} is not in the report");
    }
    for words in ["Ana1", "+593996", "Loja", "sandbox-mercately-key"] {
        assert!(!report.contains(words), "{words} is in the report");
    }
    // Those who were made are not among the changes.
    assert_eq!(papers(folder, &first.summary()).0["changed_fields"], json!({}));
}

#[test]
fn both_ends_of_a_run_have_their_fingerprints_whatever_they_are() {
    let folder = folder();
    let folder = folder.path();
    assert_eq!(typed(folder, "import in.csv --map m.yaml --to mercately --sandbox").exit, 3);
    let export = typed(folder, "export --from mercately --sandbox --out out.jsonl --output json").summary();
    let (export, _) = papers(folder, &export);
    let bytes = fs::metadata(folder.join("out.jsonl")).unwrap().len();
    let target = json!({"file": "out.jsonl", "bytes": bytes, "fingerprint": fingerprint_of(folder, "out.jsonl")});
    assert_eq!((&export["target"], &export["mapping"]), (&target, &Value::Null));
    assert_eq!((&export["completeness"], &export["source"]["contacts"]), (&json!("counted"), &json!(6)));
    let migrate = typed(folder, "migrate --from mercately --to eadesk --sandbox --output json");
    let (migrate, report) = papers(folder, &migrate.summary());
    // What is read twice and is the same has the same fingerprint.
    assert_eq!(migrate["source"], export["source"]);
    assert_eq!(migrate["target"]["connection"], "eadesk");
    assert!(report.contains("6 contacts"), "{report}");
    let convert = typed(folder, "convert in.csv --map m.yaml --out c.csv --output json").summary();
    let (convert, report) = papers(folder, &convert);
    assert_eq!(convert["source"]["fingerprint"], json!(fingerprint_of(folder, "in.csv")));
    assert_eq!(convert["target"]["fingerprint"], json!(fingerprint_of(folder, "c.csv")));
    assert!(!report.contains("Changes by field") && !report.contains("Requests a second"), "{report}");
    let piped = typed(folder, "convert in.csv --map m.yaml --out - --output json");
    let summary: Value = serde_json::from_str(&piped.err[piped.err.find('{').unwrap()..]).unwrap();
    assert_eq!(papers(folder, &summary).0["target"], json!({"file": "-", "bytes": null, "fingerprint": null}));
}

#[test]
fn a_run_that_was_stopped_has_its_papers_when_it_is_finished_and_not_before() {
    let folder = folder();
    let folder = folder.path();
    let command = "import in.csv --map m.yaml --to mercately --sandbox";
    let part = typed(folder, &format!("{command} --limit 3 --output json")).summary();
    assert_eq!((&part["status"], part.get("receipt")), (&json!("unfinished"), None));
    let all = typed(folder, command);
    assert!(all.out.contains("/report.html, the receipt beside it\n"), "{}", all.out);
    let run = part["run"].as_str().unwrap();
    let report = format!(".ferry/runs/{run}/report.html");
    assert!(fs::read_to_string(folder.join(&report)).unwrap().contains("resumed 1 time."));
    // `ferry runs` names the report later, too.
    let shown = typed(folder, &format!("runs {run}")).out;
    assert!(shown.contains(&format!("the report is in {report}, the receipt beside it\n")), "{shown}");
}

#[test]
fn a_report_that_cannot_be_written_is_a_failure_and_no_lost_run() {
    let folder = folder();
    let folder = folder.path();
    let command = "import in.csv --map m.yaml --to mercately --sandbox --output json";
    let part = typed(folder, &format!("{command} --limit 3")).summary();
    let run = part["run"].as_str().unwrap();
    let report = folder.join(".ferry/runs").join(run).join("report.html");
    fs::create_dir_all(report.join("in the way")).unwrap();
    let all = typed(folder, command);
    assert_eq!(all.exit, 1, "{}", all.err);
    for words in ["/report.html` cannot be written\n", "hint: the run itself is finished, and its totals are kept\n"] {
        assert!(all.err.contains(words), "{}", all.err);
    }
    let summary = all.summary();
    assert_eq!((&summary["status"], &summary["records"]["created"]), (&json!("done"), &json!(6)));
    assert_eq!(summary.get("receipt"), None);
    assert!(typed(folder, "runs").out.contains("  done "));
}

#[test]
fn what_reading_back_has_shown_is_added_later() {
    let folder = folder();
    let folder = folder.path();
    let summary = typed(folder, "convert in.csv --map m.yaml --out c.csv --output json").summary();
    let (before, report) = papers(folder, &summary);
    assert!(!report.contains("<h2>Verification"));
    let run = summary["run"].as_str().unwrap();
    let shown = Map::from_iter([("equal".to_owned(), json!(5)), ("different".to_owned(), json!("<b>one</b>"))]);
    ferry::run::active::receipt::set_verified(&StateDir::in_folder(folder.join(".ferry")), run, shown.clone()).unwrap();
    let (after, report) = papers(folder, &summary);
    assert_eq!(after, { Value::Object(before.as_object().unwrap().clone()) }.with("verify", Value::Object(shown)));
    assert!(report.contains("<th scope=\"row\">different</th><td class=\"n\">&lt;b&gt;one&lt;/b&gt;</td>"), "{report}");
    let failure =
        ferry::run::active::receipt::set_verified(&StateDir::in_folder(folder.join(".ferry")), "none", Map::new())
            .unwrap_err();
    assert_eq!(failure.exit.code(), 1);
}

#[test]
fn the_report_says_how_it_went_and_what_to_fix() {
    let folder = folder();
    let folder = folder.path();
    let summary = typed(folder, "import in.csv --map m.yaml --to mercately --sandbox --output json").summary();
    let (_, report) = papers(folder, &summary);
    for words in [
        "<p class=\"lead\">6 of 7 contacts are in <bdi>Mercately</bdi>; 1 waits to be fixed.</p>",
        "<span class=\"badge warn\">done, 1 to fix</span>",
        "They are in <a href=\"rejects.csv\">rejects.csv</a>",
        "<bdi>The phone number is not valid</bdi><br><small><code>phone.invalid</code></small>",
        "<td><small>line 8, <bdi>Phone</bdi></small><br><bdi>`12` is not a",
    ] {
        assert!(report.contains(words), "{words} is not in\n{report}");
    }
    for words in
        ["Books", "settled", "gone on", "Verification", "Not carried", "Changes by field", "<td class=\"n\">0</td>"]
    {
        assert!(!report.contains(words), "{words} is in\n{report}");
    }
    let when = Regex::new(r#"<p class="when">\d{1,2} [A-Z][a-z]+ \d{4}, \d\d:\d\d:\d\d to "#).unwrap();
    assert!(when.is_match(&report), "{report}");
    let details = report.rfind("<details>").unwrap();
    assert!(details > report.rfind("<h2>").unwrap() && report[details..].contains("blake3:"), "{report}");
    // Other forms of rejects.
    fs::write(folder.join("in.csv"), "sep=;\r\nFirst;Last;Phone;City\r\n\"Eva;x\";Sol;12;\"Quito\"\r\n").unwrap();
    let table = typed(folder, "convert in.csv --map m.yaml --out a.csv --output json").summary();
    let json = "{\"First\":\"Eva\",\"Last\":\"Sol\",\"Phone\":\"12\",\"City\":null}\n";
    fs::write(folder.join("in.jsonl"), json).unwrap();
    let lines = typed(folder, "convert in.jsonl --map m.yaml --out b.csv --output json").summary();
    for (summary, example, file) in [(table, "line 3", "rejects.csv"), (lines, "line 1", "rejects.jsonl")] {
        let (_, report) = papers(folder, &summary);
        let shown = format!("<td><small>{example}, <bdi>Phone</bdi></small><br><bdi>`12` is not a");
        assert!(report.contains(&shown) && report.contains(&format!("<a href=\"{file}\">")), "{shown}\n{report}");
        assert!(report.contains("<span class=\"badge bad\">") && report.contains("0 of 1 contact are in"), "{report}");
    }
}

trait With {
    fn with(self, key: &str, value: Value) -> Value;
}

impl With for Value {
    fn with(mut self, key: &str, value: Value) -> Value {
        self[key] = value;
        self
    }
}

/// A receipt of which every text is `evil`.
fn hostile(evil: &[String]) -> (Receipt, Throughput) {
    let all = evil.concat();
    let sums = |n: u64| -> Sums { evil.iter().zip(n..).map(|(text, n)| (text.clone(), n)).collect() };
    let platform = End::Platform {
        connection: all.clone(),
        platform: all.clone(),
        title: String::new(),
        address: all.clone(),
        contacts: Some(4_321),
        fingerprint: Some(all.clone()),
    };
    let receipt = Receipt {
        ferry: all.clone(),
        run: all.clone(),
        started: all.clone(),
        ended: all.clone(),
        seconds: 83.0,
        source: End::File { file: all.clone(), bytes: Some(1_234_567), fingerprint: Some(all.clone()) },
        mapping: Some(MappingUsed { name: all.clone(), fingerprint: all.clone() }),
        target: platform,
        records: Totals { read: 10_000, created: 7_531, updated: 1_246, rejected: 1_223, ..Totals::default() },
        skipped: sums(50),
        rejects: sums(61_100),
        not_carried: sums(62_200),
        changed_fields: sums(63_300),
        requests: Requests { sent: 9_876, retried: 12, rate_limited: 3 },
        verify: Some(Map::from_iter([(all.clone(), Value::String(all.clone()))])),
        rejects_file: Some(all),
        ..Receipt::default()
    };
    let mut throughput = Throughput::default();
    for s in 1..=80 {
        throughput.add(s * 1_000, 9, 8, Some(10.0));
    }
    (receipt, throughput)
}

/// A reject of each code in which every text is `evil`.
fn rejected(evil: &[String]) -> Rejected {
    let all = evil.concat();
    let example = Example { line: all.clone(), column: all.clone(), message: all.clone(), hint: all };
    Rejected { file: Some("rejects.csv"), examples: evil.iter().map(|code| (code.clone(), example.clone())).collect() }
}

/// Texts that would like to be more than texts. They call for `address` when they are obeyed, or leave a mark.
fn evil(address: &str) -> Vec<String> {
    let mark = "document.documentElement.dataset.ran=1";
    [
        format!("<script>{mark}</script>"),
        format!("</title></style></svg><script src=\"http://{address}/script\"></script>"),
        format!("\"><img src=\"http://{address}/image\" onerror=\"{mark}\">"),
        format!("' onmouseover='{mark}' x='"),
        format!("<svg onload={mark}><image href=http://{address}/svg /></svg>"),
        format!("<link rel=stylesheet href=http://{address}/style><base href=http://{address}/>"),
        format!(
            "<iframe src=http://{address}/frame></iframe><meta http-equiv=refresh content=0;url=http://{address}/m>"
        ),
        format!("<style>@import url(http://{address}/import);</style><p style=\"background:url(http://{address}/p)\">"),
        format!("<!--<a href=\"javascript:{mark}\">]]>&lt;script&gt;{{{{ {mark} }}}}"),
        "\u{202e}gpj.exe\u{2066}\u{0}\u{1b}[31m שלום Ñandú 名前".to_owned(),
        format!("attributes.{}", "long ".repeat(400)),
    ]
    .into()
}

/// What of a page would load, run or lead somewhere: there is none, whatever the data is.
fn active_parts(page: &str) -> Vec<String> {
    let elements =
        r"(?i)<(script|img|image|iframe|object|embed|link|base|form|input|a|audio|video|use|foreignobject)\b";
    let attributes = r"(?i)<[a-z][^>]*\s(src|srcset|href|xlink:href|action|style|data|poster|on[a-z]+)\s*=";
    let parts = [elements, attributes].map(|part| Regex::new(part).unwrap());
    // The one link leads to a file beside the page, under a name that is Ferry's own.
    let page = page.replace("<a href=\"rejects.csv\">rejects.csv</a>", "");
    let page = page.as_str();
    parts.iter().flat_map(|part| part.find_iter(page)).map(|found| found.as_str().to_owned()).collect()
}

#[test]
fn nothing_in_the_data_becomes_markup() {
    let (receipt, throughput) = hostile(&evil("127.0.0.1:9"));
    let page = page(&receipt, &throughput, &rejected(&evil("127.0.0.1:9")));
    assert_eq!(active_parts(&page), Vec::<String>::new());
    assert_eq!((page.matches("<style").count(), page.matches("<meta").count()), (1, 6));
    // Nobody turns the direction of what follows, or rings a terminal's bell.
    let is_mark = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c) || c == '\u{2066}';
    assert_eq!(page.chars().find(|c| is_mark(*c)), None);
    assert!(page.contains("&lt;script&gt;document") && page.contains("Ñandú 名前"));
    assert!(page.len() < 120_000, "a long name makes a long page: {}", page.len());
    // The test can see what it looks for.
    assert_eq!(active_parts("<p><img src=x></p><svg onload=y>"), ["<img", "<img src=", "<svg onload="]);
}

#[test]
fn the_policy_of_the_page_allows_its_own_style_and_nothing_else() {
    let (receipt, throughput) = hostile(&["x".to_owned()]);
    let page = page(&receipt, &throughput, &Rejected::default());
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let hash = base64(&sha256(style.as_bytes()));
    let policy = format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'");
    let expected = format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">");
    assert!(page.contains(&expected), "`STYLE_HASH` in src/report/page.rs should be {hash}");
    assert!(!style.contains("url(") && !style.contains("@import"));
}

#[test]
fn a_way_of_any_length_is_kept_in_six_hundred_points_and_loses_nothing() {
    for (steps, step_ms) in [(3, 200), (1_000, 200), (5_000, 7_000), (2, 40_000_000)] {
        let mut throughput = Throughput::default();
        for step in 1..=steps {
            throughput.add(step * step_ms, 3, 2, Some(10.0));
        }
        let (points, interval_ms) = throughput.points();
        assert!(points <= 600 && interval_ms * points as u64 >= steps * step_ms, "{points} of {interval_ms} ms");
        let rates = throughput.rates();
        assert!((1..=61).contains(&rates.len()), "{} stretches", rates.len());
        let sum = |value: &dyn Fn(&ferry::report::Rate) -> f64| -> u64 {
            rates.iter().map(|rate| value(rate) * (rate.to_s - rate.from_s)).sum::<f64>().round() as u64
        };
        assert_eq!((sum(&|it| it.requests_per_s), sum(&|it| it.records_per_s)), (3 * steps, 2 * steps));
        assert_eq!(rates.last().unwrap().to_s, (steps * step_ms) as f64 / 1e3);
        assert!(rates.windows(2).all(|pair| pair[0].to_s == pair[1].from_s));
    }
}

#[test]
fn a_pause_between_two_looks_is_no_peak() {
    let mut throughput = Throughput::default();
    throughput.add(1_000, 10, 10, None);
    // Nobody looked for nine seconds.
    throughput.add(10_000, 90, 0, None);
    let rates = throughput.rates();
    assert_eq!(rates.len(), 10);
    assert!(rates.iter().all(|rate| rate.requests_per_s == 10.0), "{rates:?}");
    assert!(rates.iter().all(|rate| rate.allowed_per_s.is_none()));
    assert_eq!(Throughput::default().rates(), []);
}

/// FIPS 180-4.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let primes: Vec<u64> = (2..312).filter(|n: &u64| (2..*n).all(|of| !n.is_multiple_of(of))).collect();
    let root = |n: u64, power: f64| ((n as f64).powf(power).fract() * 4_294_967_296.0) as u32;
    let k: Vec<u32> = primes.iter().map(|n| root(*n, 1.0 / 3.0)).collect();
    let mut state: Vec<u32> = primes.iter().take(8).map(|n| root(*n, 0.5)).collect();
    let mut padded = bytes.to_vec();
    padded.push(0x80);
    padded.resize((padded.len() + 8).next_multiple_of(64) - 8, 0);
    padded.extend((bytes.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks(64) {
        let mut w: Vec<u32> = block.chunks(4).map(|four| u32::from_be_bytes(four.try_into().unwrap())).collect();
        for i in 16..64 {
            let (a, b) = (w[i - 15], w[i - 2]);
            let small = a.rotate_right(7) ^ a.rotate_right(18) ^ (a >> 3);
            let large = b.rotate_right(17) ^ b.rotate_right(19) ^ (b >> 10);
            w.push(w[i - 16].wrapping_add(small).wrapping_add(w[i - 7]).wrapping_add(large));
        }
        let mut v = state.clone();
        for i in 0..64 {
            let (a, e) = (v[0], v[4]);
            let large = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let one =
                v[7].wrapping_add(large).wrapping_add((e & v[5]) ^ (!e & v[6])).wrapping_add(k[i]).wrapping_add(w[i]);
            let small = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let two = small.wrapping_add((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
            v.rotate_right(1);
            v[4] = v[4].wrapping_add(one);
            v[0] = one.wrapping_add(two);
        }
        state.iter_mut().zip(v).for_each(|(sum, v)| *sum = sum.wrapping_add(v));
    }
    let bytes: Vec<u8> = state.iter().flat_map(|word| word.to_be_bytes()).collect();
    bytes.try_into().unwrap()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let three = |three: &[u8]| {
        let bits = three.iter().chain([&0, &0]).take(3).fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let digit = |at: usize| digits[(bits >> (18 - 6 * at)) as usize & 63] as char;
        (0..4).map(|at| if at > three.len() { '=' } else { digit(at) }).collect::<String>()
    };
    bytes.chunks(3).map(three).collect()
}

/// A page in a folder of its own.
fn saved(name: &str, page: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, page).unwrap();
    (folder, path)
}

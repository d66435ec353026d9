//! What people and scripts see.

use ferry::ids::{CommandKind, RunStatus};
use ferry::outcome::{Exit, Failure, Totals};
use ferry::report::words::{self, count, number, rate, shell, time};
use ferry::report::{
    Choice, Console, Counts, Forecast, Look, Meter, OutputKind, Requests, RunLine, RunsTable, State, Streams, Summary,
    progress_words,
};
use ferry::scratch::spool::Completeness;
use ferry::shown::{escape, render_failure};
use serde_json::json;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, advance};

/// A stream that can be looked into.
#[derive(Clone, Default)]
struct Sheet(Arc<Mutex<Vec<u8>>>);

impl Sheet {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Sheet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A stream that takes nothing.
struct Broken(io::ErrorKind);

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn console(look: Look) -> (Console, Sheet, Sheet) {
    let (out, err) = (Sheet::default(), Sheet::default());
    let streams = Streams { out: Box::new(out.clone()), err: Box::new(err.clone()), terminal: false };
    (Console::over(look, streams), out, err)
}

fn summary() -> Summary {
    Summary {
        run: "20261122-0305-import-shop-7f3a".into(),
        command: CommandKind::Import,
        status: RunStatus::Done,
        records: Totals {
            read: 1000,
            created: 900,
            updated: 60,
            deleted: 0,
            unchanged: 20,
            skipped: 8,
            rejected: 12,
            unknown: 0,
            pending: 0,
        },
        skipped: Counts::from_iter([("filtered", 3), ("duplicate", 5), ("existing", 0)]),
        rejects: Counts::from_iter([("phone.invalid", 10), ("last_name.missing", 2)]),
        not_carried: Counts::from_iter([("address.country", 41), ("tags.Moroso", 7)]),
        left_blank: Counts::from_iter([("phone.invalid", 3)]),
        left_blank_file: Some(".ferry/runs/20261122-0305-import-shop-7f3a/left_blank.csv".into()),
        cleared: 0,
        requests: Requests { sent: 1034, retried: 9, rate_limited: 2 },
        seconds: 103.4,
        rejects_file: Some(".ferry/runs/20261122-0305-import-shop-7f3a/rejects.csv".into()),
        source: "contacts.csv".into(),
        target: "shop".into(),
        rejects_command: Some("ferry import .ferry/runs/20261122-0305-import-shop-7f3a/rejects.csv --to shop".into()),
        ..Summary::default()
    }
}

#[test]
fn a_failure_is_error_cause_and_hint() {
    let failure = Failure::failed("could not read `a.csv`").cause("no such file").cause("gone").hint("look\nagain");
    let expected = "error: could not read `a.csv`\n  cause: no such file\n  cause: gone\nhint: look\n      again\n";
    assert_eq!(render_failure(&failure, false), expected);
    assert_eq!(render_failure(&Failure::failed("no"), true), "\u{1b}[1;31merror:\u{1b}[0m no\n");
}

#[test]
fn nothing_in_data_is_obeyed_by_a_terminal() {
    let cases = [
        ("José `+593`", "José `+593`"),
        ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
        ("a\r\nerror: b\tc", "a\\r\\nerror: b\\tc"),
        ("\u{9b}31m\u{7}\u{0}", "\\u{9b}31m\\u{7}\\u{0}"),
        ("a\u{202e}b\u{2066}c\u{200f}", "a\\u{202e}b\\u{2066}c\\u{200f}"),
        ("a\u{2028}b", "a\\u{2028}b"),
    ];
    for (text, expected) in cases {
        assert_eq!(escape(text), expected);
    }
    let evil = "\u{1b}]0;x\u{7}\u{202e}";
    let failure = Failure::failed(evil).cause(evil).hint(evil);
    let mut shown = render_failure(&failure, false);
    let (console, out, err) = console(Look::default());
    console.note(evil);
    console.detail(0, evil);
    console.failure(&failure);
    console.summary(&Summary { run: evil.into(), source: evil.into(), rejects_file: Some(evil.into()), ..summary() });
    console.finish(Exit::Done);
    shown.push_str(&out.text());
    shown.push_str(&err.text());
    shown.push_str(&RunsTable::default().lines(&[RunLine {
        name: evil.into(),
        source: evil.into(),
        ..RunLine::default()
    }]));
    assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{shown:?}");
}

#[test]
fn numbers_and_times_read_well() {
    for (n, expected) in
        [(0, "0"), (999, "999"), (1000, "1,000"), (1234567, "1,234,567"), (u64::MAX, "18,446,744,073,709,551,615")]
    {
        assert_eq!(number(n), expected);
    }
    assert_eq!([count(1, "record", "records"), count(2, "record", "records")], ["1 record", "2 records"]);
    let times = [
        (0, "0 s"),
        (400, "0.4 s"),
        (56_000, "56 s"),
        (60_000, "1 min"),
        (103_400, "1 min 43 s"),
        (7_500_000, "2 h 5 min"),
        (3_601_000, "1 h"),
        (273_600_000, "3 d 4 h"),
    ];
    for (ms, expected) in times {
        assert_eq!(time(Duration::from_millis(ms)), expected);
    }
    for (per_s, expected) in [(1034.4, "1,034/s"), (9.66, "9.7/s"), (1.0, "1/s"), (0.5, "30/min")] {
        assert_eq!(rate(per_s), expected);
    }
    for (n, expected) in [(512, "512 B"), (1536, "1.5 KiB"), (1 << 20, "1 MiB"), (u64::MAX, "16777216 TiB")] {
        assert_eq!(words::bytes(n), expected);
    }
    for (word, expected) in
        [("a-b.csv", "a-b.csv"), ("my file", "'my file'"), ("it's", r"'it'\''s'"), ("", "''"), ("a;b", "'a;b'")]
    {
        assert_eq!(shell(word), expected);
    }
}

#[test]
fn a_summary_for_scripts_is_the_contracts_object() {
    let expected = r#"{
  "run": "20261122-0305-import-shop-7f3a",
  "command": "import",
  "status": "done",
  "records": {
    "read": 1000,
    "created": 900,
    "updated": 60,
    "unchanged": 20,
    "skipped": 8,
    "rejected": 12,
    "unknown": 0,
    "pending": 0
  },
  "skipped": {
    "filtered": 3,
    "duplicate": 5
  },
  "rejects": {
    "phone.invalid": 10,
    "last_name.missing": 2
  },
  "not_carried": {
    "address.country": 41,
    "tags.Moroso": 7
  },
  "left_blank": {
    "phone.invalid": 3
  },
  "cleared": 0,
  "requests": {
    "sent": 1034,
    "retried": 9,
    "rate_limited": 2
  },
  "seconds": 103.4,
  "rejects_file": ".ferry/runs/20261122-0305-import-shop-7f3a/rejects.csv"
}"#;
    assert_eq!(summary().json(), expected);
}

#[test]
fn a_dry_run_and_an_export_say_more_to_scripts() {
    let status = [(RunStatus::Done, "done"), (RunStatus::Unfinished, "unfinished"), (RunStatus::DryRun, "dry-run")];
    for (status, word) in status {
        let json: serde_json::Value = serde_json::from_str(&Summary { status, ..summary() }.json()).unwrap();
        assert_eq!(json["status"], word);
    }
    let forecast = Some(Forecast { requests: 1034, seconds: 103.44 });
    let more = Summary { forecast, completeness: Some(Completeness::Repeated), rejects_file: None, ..summary() };
    let json: serde_json::Value = serde_json::from_str(&more.json()).unwrap();
    assert_eq!(json["forecast"].to_string(), r#"{"requests":1034,"seconds":103.4}"#);
    assert_eq!(json["completeness"], "repeated");
    assert!(json["rejects_file"].is_null());
}

#[test]
fn a_summary_for_people_gives_the_outcomes_and_what_to_do_next() {
    let expected = "\
import 20261122-0305-import-shop-7f3a: done
contacts.csv → shop

  read      1,000
  created     900
  updated      60
  unchanged    20
  skipped       8  (3 filtered, 5 duplicate)
  rejected     12

rejects, by reason
  phone.invalid      10
  last_name.missing   2

not carried (the target cannot hold it)
  address.country  41
  tags.Moroso       7

left blank (the contact is sent without these values)
  phone.invalid  3

1,000 records in 1 min 43 s, 9.7/s; 1,034 requests sent (9 retried, 2 over the platform's limit)

the rejects are in .ferry/runs/20261122-0305-import-shop-7f3a/rejects.csv
fix them there, then run: ferry import .ferry/runs/20261122-0305-import-shop-7f3a/rejects.csv --to shop

the values that were left blank are listed in .ferry/runs/20261122-0305-import-shop-7f3a/left_blank.csv
";
    assert_eq!(summary().human(), expected);
}

#[test]
fn the_last_line_of_an_unfinished_run_is_the_command_that_goes_on() {
    let books = Totals { read: 1, pending: 1, ..Totals::default() };
    let unfinished = Summary {
        run: "r".into(),
        command: CommandKind::Import,
        status: RunStatus::Unfinished,
        records: books,
        source: "a.csv".into(),
        target: "shop".into(),
        next_command: Some("ferry resume r".into()),
        ..Summary::default()
    };
    let expected = "\
import r: unfinished
a.csv → shop

  read      1
  created   0
  rejected  0
  pending   1  (no outcome yet)

0 records in 0 s

to resume, run: ferry resume r
";
    assert_eq!(unfinished.human(), expected);
}

#[test]
fn an_export_and_an_undo_have_their_own_names_for_totals() {
    let records = Totals { read: 9, created: 0, updated: 3, deleted: 4, unchanged: 2, ..Totals::default() };
    let undo = Summary { command: CommandKind::Undo, records, ..Summary::default() };
    let json =
        |summary: &Summary| serde_json::from_str::<serde_json::Value>(&summary.json()).unwrap()["records"].clone();
    let expected = json!({"read": 9, "deleted": 4, "restored": 3, "unchanged": 2, "skipped": 0, "rejected": 0, "unknown": 0, "pending": 0});
    assert_eq!(json(&undo), expected);
    let records = Totals { read: 5, created: 5, ..Totals::default() };
    let export = Summary { command: CommandKind::Export, records, ..Summary::default() };
    let expected = json!({"read": 5, "written": 5, "created": 5, "updated": 0, "unchanged": 0, "skipped": 0, "rejected": 0, "unknown": 0, "pending": 0});
    assert_eq!(json(&export), expected);
    // What has not been done is not reported as if it had.
    let dry = Summary { status: RunStatus::DryRun, ..undo };
    assert!(
        dry.human().contains("  read               9\n  would be deleted   4\n  would be restored  3\n"),
        "{}",
        dry.human()
    );
}

#[test]
fn a_long_list_is_cut_after_the_most_frequent() {
    let not_carried: Counts = (1..=12_u64).map(|n| (format!("tags.t{n:02}"), n)).collect();
    let text = Summary { not_carried, ..Summary::default() }.human();
    assert!(text.contains("\n  tags.t12  12\n") && text.contains("\n  tags.t03   3\n"), "{text}");
    assert!(text.contains("\n  and 2 more kinds\n") && !text.contains("tags.t02"), "{text}");
}

#[test]
fn runs_are_listed_in_columns() {
    let run = |name: &str, read, pending| RunLine {
        name: name.into(),
        command: CommandKind::Import,
        source: "contacts.csv".into(),
        target: "shop".into(),
        status: RunStatus::Unfinished,
        started: "2026-11-22 03:05".into(),
        read,
        created: 300,
        updated: 5,
        rejected: 12,
        pending,
        unknown: 0,
    };
    let expected = "\
RUN       STATUS      FROM          TO     READ  CREATED  UPDATED  REJECTED  LEFT  STARTED
7f3a      unfinished  contacts.csv  shop  1,000      300        5        12   400  2026-11-22 03:05
a-longer  unfinished  contacts.csv  shop      1      300        5        12     0  2026-11-22 03:05
";
    let mut table = RunsTable::default();
    assert_eq!(table.lines(&[run("7f3a", 1000, 400), run("a-longer", 1, 0)]), expected);
    // The next part of a long table has no head, and columns at least as wide.
    let next = table.lines(&[run("b", 1, 0)]);
    assert_eq!(next, expected.lines().last().unwrap().replace("a-longer", "b       ") + "\n");
}

#[test]
fn results_go_to_standard_output_and_all_else_to_standard_error() {
    let (console, out, err) = console(Look::default());
    console.result_line("shop works");
    console.note("three hints");
    console.failure(&Failure::failed("no"));
    console.detail(1, "not asked for");
    assert_eq!(console.finish(Exit::Failed), Exit::Failed);
    assert_eq!((out.text().as_str(), err.text().as_str()), ("shop works\n", "note: three hints\nerror: no\n"));
}

#[test]
fn quiet_is_nothing_when_done_and_one_block_otherwise() {
    for (exit, expected) in [(Exit::Done, ""), (Exit::Rejects, "note: one\ntwo\nerror: three\n")] {
        let (console, out, err) = console(Look { quiet: true, ..Look::default() });
        console.note("one");
        console.plan_line("what was understood without being said");
        console.result_line("two");
        console.failure(&Failure::failed("three"));
        assert_eq!((out.text(), err.text()), (String::new(), String::new()));
        console.finish(exit);
        assert_eq!((out.text().as_str(), err.text().as_str()), ("", expected));
    }
}

#[test]
fn what_is_held_back_is_not_lost_when_its_end_is_never_reported() {
    let (console, _, err) = console(Look { quiet: true, ..Look::default() });
    console.note("one");
    drop(console);
    assert_eq!(err.text(), "note: one\n");
}

#[test]
fn what_is_held_back_has_a_bound() {
    let (console, _, err) = console(Look { quiet: true, ..Look::default() });
    (1..=5_000).for_each(|n| console.note(&n.to_string()));
    console.finish(Exit::Failed);
    let text = err.text();
    assert_eq!(text.lines().count(), 1_001);
    assert!(text.contains("note: 500\n… 4,000 lines left out\nnote: 4501\n"), "{text}");
}

#[test]
fn one_object_is_the_last_thing_on_standard_output() {
    let (console, out, _) = console(Look { output: OutputKind::Json, ..Look::default() });
    console.summary(&summary());
    console.result_line("a line");
    console.finish(Exit::Done);
    let text = out.text();
    assert!(serde_json::from_str::<serde_json::Value>(text.strip_prefix("a line\n").unwrap()).is_ok(), "{text}");
}

#[test]
fn a_quiet_run_that_ended_badly_still_gives_scripts_their_object() {
    for (exit, expected) in [(Exit::Done, String::new()), (Exit::Rejects, summary().json() + "\n")] {
        let (console, out, err) = console(Look { output: OutputKind::Json, quiet: true, ..Look::default() });
        console.summary(&summary());
        console.finish(exit);
        assert_eq!((out.text(), err.text()), (expected, String::new()));
    }
}

#[test]
fn results_go_to_standard_error_when_contacts_go_to_standard_output() {
    let look = Look { output: OutputKind::Json, results_to_stderr: true, ..Look::default() };
    let (console, out, err) = console(look);
    console.summary(&summary());
    console.finish(Exit::Done);
    assert_eq!((out.text(), err.text()), (String::new(), summary().json() + "\n"));
}

#[test]
fn a_reader_that_has_gone_away_is_no_failure_and_a_full_disk_is_one() {
    let cases = [
        (io::ErrorKind::BrokenPipe, Exit::Done, ""),
        (
            io::ErrorKind::StorageFull,
            Exit::Failed,
            "error: could not write to standard output\n  cause: no storage space\n",
        ),
    ];
    for (kind, expected, text) in cases {
        let err = Sheet::default();
        let streams = Streams { out: Box::new(Broken(kind)), err: Box::new(err.clone()), terminal: false };
        let console = Console::over(Look::default(), streams);
        console.result_line("a line");
        assert_eq!(console.finish(Exit::Done), expected);
        assert_eq!(err.text(), text);
    }
}

#[test]
fn colour_is_for_terminals_and_for_those_who_want_it() {
    let cases = [
        (Choice::Auto, true, false, true),
        (Choice::Auto, true, true, false),
        (Choice::Auto, false, false, false),
        (Choice::Always, false, true, true),
        (Choice::Never, true, false, false),
    ];
    for (color, terminal, no_color, expected) in cases {
        let streams = Streams { out: Box::new(io::sink()), err: Box::new(io::sink()), terminal };
        assert_eq!(Console::over(Look { color, no_color, ..Look::default() }, streams).color(), expected);
    }
}

#[test]
fn progress_says_how_far_how_fast_how_long_and_what_it_waits_for() {
    let state = State {
        done: 450,
        total: Some(1000),
        rejected: 3,
        waiting: Some((Duration::from_millis(11_200), "the platform asked for it\u{1b}".into())),
        in_doubt: 2,
        ..State::default()
    };
    let expected = "450 of 1,000 (45 %), waiting 12 s: the platform asked for it\\u{1b}, 9.7/s, about 57 s left, \
        3 rejects, 2 in doubt";
    assert_eq!(progress_words(&state, Some(9.66), Some(Duration::from_millis(56_100))).join(", "), expected);
    let bytes = State { done: 1, bytes: Some((1 << 20, 4 << 20)), ..State::default() };
    assert_eq!(progress_words(&bytes, None, None), ["1 record, 1 MiB of 4 MiB (25 %)"]);
    assert_eq!(progress_words(&State::default(), Some(0.0), None), ["0 records"]);
}

#[tokio::test(start_paused = true)]
async fn what_earlier_processes_did_is_no_part_of_the_speed() {
    let (console, _, err) = console(Look { progress: Choice::Always, ..Look::default() });
    let progress = console.progress("import", Some(1000));
    for second in 0..5_u64 {
        // The first 700 are passed over in two seconds, then come ten a second.
        let earlier = (second * 350).min(700);
        let done = earlier + 10 * second.saturating_sub(1);
        progress.set(State { done, earlier, ..State::default() });
        advance(Duration::from_secs(1)).await;
    }
    let expected = "\
import: 350 of 1,000 (35 %)
import: 710 of 1,000 (71 %), 5/s, about 58 s left
import: 720 of 1,000 (72 %), 6.7/s, about 42 s left
import: 730 of 1,000 (73 %), 7.5/s, about 36 s left
";
    assert_eq!(err.text(), expected);
}

#[tokio::test(start_paused = true)]
async fn while_the_allowed_rate_rises_the_time_left_is_not_computed_from_the_slower_past() {
    let (console, _, err) = console(Look { progress: Choice::Always, ..Look::default() });
    let progress = console.progress("import", Some(100));
    let mut done = 0;
    for second in 0..8_u32 {
        let allowed = f64::from(2_u32.pow(second.min(3) + 1));
        progress.set(State { done, allowed_per_s: Some(allowed), ..State::default() });
        done += allowed as u64;
        advance(Duration::from_secs(1)).await;
    }
    // 2, 4, 8, then 16 a second: the mean would say half a minute.
    let lines: Vec<_> =
        err.text().lines().map(|line| line.split_once("), ").map_or("", |line| line.1).to_owned()).collect();
    assert_eq!(
        lines,
        ["", "3/s", "4.7/s", "7.5/s", "9.2/s, about 4 s left", "10/s, about 3 s left", "11/s, about 2 s left"]
    );
}

#[tokio::test(start_paused = true)]
async fn plain_lines_come_now_and_then_and_only_with_news() {
    let (console, out, err) = console(Look::default());
    let progress = console.progress("import", Some(1000));
    for second in 0..70_u64 {
        // A resumed run: 500 were there before. After 40 s nothing moves.
        progress.set(State { done: 500 + 10 * second.min(40), rejected: 1, ..State::default() });
        advance(Duration::from_secs(1)).await;
    }
    progress.set(State { done: 1000, rejected: 1, ..State::default() });
    progress.finish();
    let expected = "\
import: 550 of 1,000 (55 %), 10/s, about 45 s left, 1 reject
import: 850 of 1,000 (85 %), 10/s, about 15 s left, 1 reject
import: 900 of 1,000 (90 %), 1.7/s, about 1 min left, 1 reject
import: 1,000 of 1,000 (100 %), 3.3/s, 1 reject
";
    assert_eq!((out.text().as_str(), err.text().as_str()), ("", expected));
}

#[tokio::test(start_paused = true)]
async fn the_time_left_is_no_less_than_the_wait_and_no_line_comes_without_news() {
    let (console, _, err) = console(Look { progress: Choice::Always, ..Look::default() });
    let progress = console.progress("import", Some(100));
    let waiting = Some((Duration::from_secs(60), "the platform asked for it".to_owned()));
    for done in [0, 10, 20, 30, 30, 30, 30] {
        let waiting = waiting.clone().filter(|_| done == 30);
        progress.set(State { done, waiting, ..State::default() });
        advance(Duration::from_secs(1)).await;
    }
    progress.finish();
    let expected = "\
import: 10 of 100 (10 %)
import: 20 of 100 (20 %), 10/s, about 8 s left
import: 30 of 100 (30 %), waiting 1 min: the platform asked for it, 10/s, about 1 min left
";
    assert_eq!(err.text(), expected);
}

#[tokio::test(start_paused = true)]
async fn progress_can_be_asked_for_or_forbidden() {
    let looks = [
        (Look::default(), ""),
        (Look { progress: Choice::Never, ..Look::default() }, ""),
        (Look { progress: Choice::Always, quiet: true, ..Look::default() }, ""),
        (Look { progress: Choice::Always, ..Look::default() }, "convert: 1 record\nconvert: 2 records, 1/s\n"),
    ];
    for (look, expected) in looks {
        let (console, _, err) = console(look);
        let progress = console.progress("convert", None);
        for done in 0..3 {
            progress.set(State { done, ..State::default() });
            advance(Duration::from_secs(1)).await;
        }
        progress.finish();
        console.finish(Exit::Done);
        assert_eq!(err.text(), expected, "{look:?}");
    }
}

#[test]
fn the_rate_is_that_of_the_last_half_minute() {
    let start = Instant::now();
    let mut meter = Meter::default();
    assert_eq!(meter.per_s(), None);
    for second in 0..=100_u64 {
        let count = if second <= 50 { 100 * second } else { 5_000 + 10 * (second - 50) };
        meter.sample(start + Duration::from_secs(second), count);
    }
    assert_eq!(meter.per_s().map(f64::round), Some(10.0));
    assert_eq!(meter.time_for(100).map(|time| time.as_secs()), Some(10));
    meter.sample(start + Duration::from_secs(101), 0);
    assert_eq!(meter.per_s(), None);
}

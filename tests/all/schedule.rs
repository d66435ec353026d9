//! When jobs start, also where clocks are changed.

use ferry::plan::Schedule;
use jiff::Timestamp;

/// The starts after a moment.
fn starts(text: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let schedule = Schedule::parse(text, Some(zone), "job").unwrap();
    let mut at: Timestamp = after.parse().unwrap();
    let mut next = || {
        at = schedule.next_after(at).unwrap();
        at.strftime("%Y-%m-%dT%H:%MZ").to_string()
    };
    (0..count).map(|_| next()).collect()
}

const MADRID: &str = "Europe/Madrid";

#[test]
fn a_job_starts_by_the_clock_of_its_time_zone() {
    let cases: [(&str, &str, &str, &[&str]); 13] = [
        ("5 3 * * *", "UTC", "2026-11-30T03:05:00Z", &["2026-12-01T03:05Z", "2026-12-02T03:05Z"]),
        ("5 3 * * *", "UTC", "2026-11-30T03:04:59Z", &["2026-11-30T03:05Z"]),
        ("5 3 * * 1-5", "America/Guayaquil", "2026-11-27T12:00:00Z", &["2026-11-30T08:05Z"]),
        ("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", &["2028-02-29T00:00Z"]),
        ("*/20 9 * * SUN", "UTC", "2026-11-28T00:00:00Z", &["2026-11-29T09:00Z", "2026-11-29T09:20Z"]),
        // Spring: 02:00 becomes 03:00 at 01:00Z. What is skipped starts at the change, once.
        ("30 2 * * *", MADRID, "2026-03-28T12:00:00Z", &["2026-03-29T01:00Z", "2026-03-30T00:30Z"]),
        ("0,30 2 * * *", MADRID, "2026-03-28T12:00:00Z", &["2026-03-29T01:00Z", "2026-03-30T00:00Z"]),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", &["2026-10-03T15:30Z", "2026-10-04T15:15Z"]),
        // Autumn: 03:00 becomes 02:00 at 01:00Z. What comes twice starts the first time only.
        ("30 2 * * *", MADRID, "2026-10-24T12:00:00Z", &["2026-10-25T00:30Z", "2026-10-26T01:30Z"]),
        ("30 2 * * *", MADRID, "2026-10-25T01:10:00Z", &["2026-10-26T01:30Z"]),
        // Every hour and every minute follow the time that passes.
        ("0 * * * *", MADRID, "2026-03-29T00:30:00Z", &["2026-03-29T01:00Z", "2026-03-29T02:00Z"]),
        (
            "*/30 * * * *",
            MADRID,
            "2026-10-25T00:10:00Z",
            &["2026-10-25T00:30Z", "2026-10-25T01:00Z", "2026-10-25T01:30Z"],
        ),
        ("0 */2 * * *", MADRID, "2026-03-28T23:30:00Z", &["2026-03-29T02:00Z", "2026-03-29T04:00Z"]),
    ];
    for (text, zone, after, expected) in cases {
        assert_eq!(starts(text, zone, after, expected.len()), expected, "{text} {zone} {after}");
    }
}

#[test]
fn a_drawn_minute_differs_between_jobs_and_stays_the_same() {
    let minute = |job: &str| {
        let schedule = Schedule::parse("H 3 * * *", Some("UTC"), job).unwrap();
        schedule.next_after(Timestamp::UNIX_EPOCH).unwrap().to_string()
    };
    let drawn: std::collections::BTreeSet<String> = (0..100).map(|n| minute(&format!("t{n}/nightly"))).collect();
    assert!(drawn.len() > 30, "{drawn:?}");
    assert_eq!(minute("a/nightly"), minute("a/nightly"));
}

#[test]
fn an_invalid_schedule_says_what_is_wrong() {
    let cases = [
        ("5 3 * *", None, "`5 3 * *` is not a schedule: it has 4 fields, expected 5"),
        ("0 0 31 2 *", None, "`0 0 31 2 *` is not a schedule: there is no such day"),
        ("@daily", None, "`@daily` is not a schedule: it has 1 fields, expected 5"),
        ("5 3 * * *", Some("Europe/Madird"), "there is no time zone `Europe/Madird`"),
    ];
    for (text, zone, expected) in cases {
        let failure = Schedule::parse(text, zone, "job").unwrap_err();
        assert_eq!((failure.message.as_str(), failure.exit.code()), (expected, 2));
        assert!(failure.hint.is_some());
    }
    assert!(
        Schedule::parse("61 3 * * *", None, "job").unwrap_err().message.starts_with("`61 3 * * *` is not a schedule: ")
    );
}

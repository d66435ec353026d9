//! Ceilings are kept in any window, and used.

use super::scripted::{Platform, get, limited, ok, options};
use ferry::http::pace::Pace;
use ferry::http::{Http, Rate};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// As much as a client can send in `length`, by `workers`; when each request came to the platform.
async fn departures(rate: &str, workers: usize, length: Duration) -> Vec<Duration> {
    let platform = Platform::playing([ok()]);
    let client = Arc::new(Http::with_transport(Box::new(platform.clone()), options(rate)));
    let end = Instant::now() + length;
    let mut tasks = JoinSet::new();
    for _ in 0..workers {
        let client = Arc::clone(&client);
        tasks.spawn(async move {
            while Instant::now() < end {
                client.send(get()).await;
            }
        });
    }
    tasks.join_all().await;
    let came = platform.came.lock().unwrap().clone();
    came.into_iter().filter(|at| *at < length).collect()
}

/// The most that came within any stretch of this length.
fn densest(came: &[Duration], period: Duration) -> usize {
    let counts =
        came.iter().enumerate().map(|(i, from)| came[i..].iter().take_while(|at| **at - *from < period).count());
    counts.max().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn a_ceiling_is_never_passed_and_almost_all_of_it_is_used() {
    let (s, min) = (Duration::from_secs(1), Duration::from_secs(60));
    let cases: &[(&str, u64, &[(usize, Duration)])] = &[
        ("2/s", 40, &[(2, s)]),
        ("10/s", 200, &[(10, s)]),
        ("39/s", 780, &[(39, s)]),
        ("40/s", 800, &[(40, s)]),
        ("100/s", 2000, &[(100, s)]),
        ("1000/s", 20_000, &[(1000, s)]),
        ("300/min", 100, &[(300, min)]),
        ("10/s,300/min", 100, &[(10, s), (300, min)]),
        ("5/s,300/min", 100, &[(5, s), (300, min)]),
    ];
    for (rate, full, ceilings) in cases {
        let came = departures(rate, 8, Duration::from_secs(20)).await;
        for (count, period) in *ceilings {
            assert!(densest(&came, *period) <= *count, "{rate}: {} in {period:?}", densest(&came, *period));
        }
        assert!(came.len() as u64 * 1000 >= full * 985, "{rate}: only {} of {full}", came.len());
    }
}

#[test]
fn a_ceiling_holds_whenever_people_wake_up() {
    // Asked at odd times (idle for a while, late by up to 40 ms, in bursts), by a generator without luck.
    let start = Instant::now();
    for (rate, count, period) in [("7/s", 7, 1), ("40/s", 40, 1), ("1000/s", 1000, 1), ("300/min", 300, 60)] {
        let mut pace = Pace::new(&Rate::parse(rate).unwrap(), 1.0, start).expect("a pace");
        let (mut now, mut seed, mut came) = (start, 1_u64, Vec::new());
        while came.len() < 3000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            match pace.leave(now) {
                Ok(()) => came.push(now - start),
                Err(at) => now = at + Duration::from_micros((seed >> 33) % 40_000),
            }
            if seed >> 56 == 7 {
                now += Duration::from_millis((seed >> 33) % 3000);
            }
        }
        assert!(densest(&came, Duration::from_secs(period)) <= count, "{rate}");
    }
}

#[test]
fn late_wake_ups_are_caught_up_with() {
    let start = Instant::now();
    for (rate, full) in [("20/s", 400), ("100/s", 2000), ("1000/s", 20_000)] {
        let mut pace = Pace::new(&Rate::parse(rate).unwrap(), 1.0, start).expect("a pace");
        let (mut now, mut left) = (start, 0);
        while now < start + Duration::from_secs(20) {
            match pace.leave(now) {
                Ok(()) => left += 1,
                Err(at) => now = at + Duration::from_millis(5),
            }
        }
        assert!(left * 1000 >= full * 985, "{rate}: {left} of {full}");
    }
}

#[test]
fn a_process_that_is_held_up_now_and_then_loses_little_of_its_rate() {
    // Timers that wake a millisecond late, and a disk that takes up to 12 ms five times a second.
    let start = Instant::now();
    for (rate, full) in [("20/s", 400), ("100/s", 2000), ("1000/s", 20_000)] {
        let mut pace = Pace::new(&Rate::parse(rate).unwrap(), 1.0, start).expect("a pace");
        let (mut now, mut seed, mut held_at, mut came) = (start, 1_u64, start, Vec::new());
        while now < start + Duration::from_secs(20) {
            match pace.leave(now) {
                Ok(()) => came.push(now - start),
                Err(at) => now = at + Duration::from_millis(1),
            }
            if now > held_at {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (now, held_at) = (now + Duration::from_millis((seed >> 33) % 12), now + Duration::from_millis(200));
            }
        }
        let most = rate.trim_end_matches("/s").parse().unwrap();
        assert!(densest(&came, Duration::from_secs(1)) <= most, "{rate}");
        assert!(came.len() * 1000 >= full * 985, "{rate}: {} of {full}", came.len());
    }
}

#[test]
fn a_request_that_one_ceiling_holds_back_is_not_charged_to_another() {
    let start = Instant::now();
    let mut pace = Pace::new(&Rate::parse("1/s,1/min").unwrap(), 1.0, start).expect("a pace");
    assert_eq!(pace.leave(start), Ok(()));
    let at = pace.leave(start).expect_err("held back");
    assert!(at - start >= Duration::from_secs(60));
    assert_eq!(pace.leave(at), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn auto_begins_with_what_one_record_takes_and_then_with_its_rate() {
    let came = departures("auto", 8, Duration::from_secs(1)).await;
    let at_once = came.iter().filter(|at| **at < Duration::from_millis(20)).count();
    assert_eq!(at_once, 4, "{came:?}");
    let rate = options("auto").rate_start_per_s;
    let later = came[4] - came[3];
    assert!(later.as_secs_f64() >= 0.9 / rate, "{later:?} after the fourth, at {rate}/s");
    let bounded = departures("auto,max=2/s", 8, Duration::from_secs(5)).await;
    assert!(densest(&bounded, Duration::from_secs(1)) <= 2, "a bound holds from the first request on");
}

#[tokio::test(start_paused = true)]
async fn auto_never_passes_its_bound() {
    let came = departures("auto,max=20/s", 8, Duration::from_secs(30)).await;
    assert!(densest(&came, Duration::from_secs(1)) <= 20);
    assert!(came[came.len() - 1] - came[came.len() - 190] <= Duration::from_secs(10), "does not come near its bound");
}

#[tokio::test(start_paused = true)]
async fn without_a_rate_nothing_waits_but_a_pause_holds_all_requests_and_releases_them_one_by_one() {
    let platform = Platform::playing([limited("10"), ok()]);
    let client = Arc::new(Http::with_transport(Box::new(platform.clone()), options("none")));
    let mut tasks = JoinSet::new();
    let first = Arc::clone(&client);
    tasks.spawn(async move { first.send(get()).await });
    tokio::time::sleep(Duration::from_millis(1)).await;
    let pause = client.pause().expect("a pause");
    assert_eq!((pause.left.as_millis(), pause.why.as_str()), (9999, "the platform asked for 10 s (429)"));
    for _ in 0..19 {
        let client = Arc::clone(&client);
        tasks.spawn(async move { client.send(get()).await });
    }
    tasks.join_all().await;
    let came = platform.came_ms();
    assert_eq!((came.len(), came[0]), (21, 0));
    assert!(came[1..].iter().all(|at| *at >= 10_000), "{came:?}");
    assert!(densest(&platform.came.lock().unwrap(), Duration::from_millis(10)) <= 3, "{came:?}");
    assert_eq!(client.pause(), None);
}

#[test]
fn a_platform_that_counts_each_gap_is_given_each_gap_after_two_refusals() {
    let mut pace = Pace::new(&Rate::parse("100/s").unwrap(), 0.0, Instant::now()).unwrap();
    let (start, gap) = (Instant::now(), Duration::from_millis(10));
    let (mut now, mut last, mut refusals, mut left) = (start, None::<Instant>, 0, 0);
    // Wakes every seven milliseconds, so that a tolerance would be used to catch up.
    while now.duration_since(start) < Duration::from_secs(20) {
        if pace.leave(now).is_ok() {
            if last.is_some_and(|last| now.duration_since(last) < gap) {
                refusals += 1;
                pace.refused(now, now);
            } else {
                left += 1;
            }
            last = Some(now);
        }
        now += Duration::from_millis(7);
    }
    assert_eq!(refusals, 2);
    assert!(left > 1_200, "{left} in 20 s");
}

#[test]
fn refusals_leave_a_high_rate_almost_all_of_its_limit() {
    // Timers that wake a millisecond late: a rate at which no request may catch up would be half of it.
    let start = Instant::now();
    for (refused_at_ms, least) in [(&[500, 501, 502][..], 9600), (&[500, 501, 2000, 2001], 9300)] {
        let mut pace = Pace::new(&Rate::parse("1000/s").unwrap(), 1.0, start).expect("a pace");
        let (mut now, mut left, mut refusals) = (start, 0, refused_at_ms.iter().peekable());
        while now < start + Duration::from_secs(14) {
            if refusals.next_if(|at| now >= start + Duration::from_millis(**at)).is_some() {
                pace.refused(now, now + Duration::from_secs(1));
            }
            match pace.leave(now) {
                Ok(()) => left += u64::from(now >= start + Duration::from_secs(4)),
                Err(at) => now = at + Duration::from_millis(1),
            }
        }
        assert!(left >= least, "{left} in ten seconds after refusals at {refused_at_ms:?} ms");
    }
}

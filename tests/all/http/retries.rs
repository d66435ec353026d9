//! Which answers get another try, when, and what is said in the end.

use super::scripted::{Platform, Play, client, get, limited, ok, options, post, secret, status, told};
use ferry::http::{Credentials, Http, Sent, Traffic};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn a_request_is_repeated_only_where_that_can_do_no_harm() {
    let once = |play: Play| vec![play, ok()];
    let cases = [
        ("unreachable", once(Play::Unreachable), ("200", 2), ("200", 2)),
        ("429", once(limited("1")), ("200", 2), ("200", 2)),
        ("silent", once(Play::Silent), ("200", 2), ("in doubt, exit 6", 1)),
        ("500", once(status(500)), ("200", 2), ("500", 1)),
        ("502", once(status(502)), ("200", 2), ("502", 1)),
        ("503 with Retry-After", once(Play::Answer(503, vec![("retry-after", "1")], "")), ("200", 2), ("503", 1)),
        ("503", once(status(503)), ("200", 2), ("503", 1)),
        ("a bad certificate", once(Play::BadCertificate), ("not sent, exit 5", 1), ("not sent, exit 5", 1)),
        ("401", once(status(401)), ("401", 1), ("401", 1)),
        ("404", once(status(404)), ("404", 1), ("404", 1)),
        ("302", once(status(302)), ("302", 1), ("302", 1)),
        ("422", once(status(422)), ("422", 1), ("422", 1)),
        ("500 for ever", vec![status(500)], ("500", 5), ("500", 1)),
        ("silent for ever", vec![Play::Silent], ("in doubt, exit 6", 5), ("in doubt, exit 6", 1)),
        ("unreachable for ever", vec![Play::Unreachable], ("not sent, exit 6", 4), ("not sent, exit 6", 4)),
    ];
    for (name, script, reading, writing) in cases {
        for (request, (expected, tries)) in [(get(), reading), (post(), writing)] {
            let platform = Platform::playing(script.clone());
            let sent = client(&platform, "none").send(request.clone()).await;
            let came = platform.came_ms().len();
            assert_eq!((told(&sent).as_str(), came), (expected, tries), "{name}, {}", request.method.name());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_5xx_that_a_request_takes_for_an_answer_is_not_tried_again() {
    for (is_answer, expected) in [(None, ("500", 5)), (Some(500), ("500", 1)), (Some(501), ("500", 5))] {
        let is_answer = is_answer.map(|status| match status {
            500 => (|response: &ferry::http::Response| response.status == 500) as fn(&ferry::http::Response) -> bool,
            _ => |response: &ferry::http::Response| response.status == 501,
        });
        let platform = Platform::playing(vec![status(500)]);
        let sent = client(&platform, "none").send(ferry::http::Request { is_answer, ..get() }).await;
        assert_eq!((told(&sent).as_str(), platform.came_ms().len()), expected);
    }
}

/// A body that is cut, or is a page, although the status is 200: a read is repeated like after a 502, a write is not.
#[tokio::test(start_paused = true)]
async fn an_incomplete_answer_to_a_read_is_repeated() {
    let page = |body| Play::Answer(200, vec![], body);
    for body in [r#"{"items": [{"id": "1"}, {"#, r#"{"items": []"#, "", "<html>gateway</html>", r#"[1]]"#] {
        for (request, expected, tries) in [(get(), "{}", 2), (post(), body, 1)] {
            let platform = Platform::playing([page(body), ok()]);
            let Sent::Answered(response) = client(&platform, "none").send(request).await else { panic!("no answer") };
            let text = String::from_utf8_lossy(&response.body).into_owned();
            assert_eq!((text.as_str(), platform.came_ms().len()), (expected, tries), "{body}");
        }
    }
    // For as long as one is willing to wait, once it has answered well.
    for (wait, seconds) in [(0, 115..=125), (600, 595..=635)] {
        let platform = Platform::playing([ok(), page("{")]);
        let mut options = options("none");
        options.wait = Duration::from_secs(wait);
        let client = Http::with_transport(Box::new(platform.clone()), options);
        client.send(get()).await;
        let start = Instant::now();
        assert_eq!(told(&client.send(get()).await), "200");
        assert!(seconds.contains(&start.elapsed().as_secs()), "{} s", start.elapsed().as_secs());
        let sent = platform.came_ms().len() as u64;
        assert_eq!((client.traffic().sent, client.traffic().retried), (sent, sent - 2));
    }
}

/// What may be the end of a list is asked for once more, whatever else fails in between.
#[tokio::test(start_paused = true)]
async fn an_end_of_a_list_is_confirmed_once() {
    let end = || Play::Answer(500, vec![], "end");
    let is_end: fn(&ferry::http::Response) -> bool = |response| response.status == 500 && &*response.body == b"end";
    let cases = [
        (vec![end()], "500", 2),
        (vec![end(), ok()], "200", 2),
        (vec![status(502), end(), status(502), end()], "500", 4),
        (vec![status(502), status(502), status(502), end(), status(500), end()], "500", 6),
        (vec![status(500)], "500", 5),
        (vec![end(), status(500)], "500", 6),
    ];
    for (script, expected, tries) in cases {
        let platform = Platform::playing(script);
        let request = ferry::http::Request { is_end: Some(is_end), ..get() };
        let start = Instant::now();
        let sent = client(&platform, "none").send(request).await;
        assert_eq!((told(&sent).as_str(), platform.came_ms().len()), (expected, tries));
        assert!(tries != 2 || start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_target_is_reported_within_seconds() {
    let platform = Platform::playing([Play::Unreachable]);
    let start = Instant::now();
    let Sent::NotSent(failure) = client(&platform, "none").send(get()).await else { panic!("was sent") };
    let took = start.elapsed().as_millis();
    assert!((1750..=3500).contains(&took), "{took} ms");
    assert_eq!(failure.exit.code(), 6);
    assert_eq!(failure.to_string(), "`https://api.example.com` cannot be reached: connection refused");
    assert_eq!(failure.hint.as_deref(), Some("try again later; the same command resumes the run"));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_goes_away_is_waited_for_as_long_as_one_is_willing_to() {
    // (patience, has answered before, what comes, the least and most seconds until the end)
    let cases = [
        (0, true, Play::Unreachable, "not sent, exit 6", 115..=125),
        (3600, true, Play::Unreachable, "not sent, exit 6", 3590..=3640),
        (600, false, Play::Unreachable, "not sent, exit 6", 595..=635),
        (0, true, status(502), "502", 115..=125),
        (0, true, status(500), "500", 3..=8),
        (0, false, status(502), "502", 115..=125),
        (0, false, Play::Silent, "in doubt, exit 6", 3..=200),
        (60, false, status(503), "503", 58..=65),
        (60, false, status(500), "500", 58..=65),
        (60, false, Play::Answer(200, vec![], "<html>"), "200", 58..=65),
        (10, false, limited("2"), "not sent, exit 6", 10..=15),
        (0, true, limited("60"), "not sent, exit 6", 900..=970),
    ];
    for (wait, before, play, expected, seconds) in cases {
        let first = if before { vec![ok(), play] } else { vec![play] };
        let platform = Platform::playing(first);
        let mut options = options("none");
        options.wait = Duration::from_secs(wait);
        let client = Http::with_transport(Box::new(platform.clone()), options);
        if before {
            client.send(get()).await;
        }
        let start = Instant::now();
        let sent = client.send(get()).await;
        assert_eq!(told(&sent), expected);
        let took = start.elapsed().as_secs();
        assert!(seconds.contains(&took), "{wait} {before} {expected}: {took} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_contact_that_keeps_failing_is_not_waited_for_while_others_succeed() {
    let platform = Platform::playing([ok(), status(502), status(502), status(502), status(502), ok(), status(502)]);
    let client = client(&platform, "none");
    client.send(get()).await;
    let poor = tokio::spawn({
        let client = Arc::clone(&client);
        async move { (client.send(get()).await, Instant::now()) }
    });
    let start = Instant::now();
    while platform.came_ms().len() < 5 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(told(&client.send(get()).await), "200");
    let (sent, end) = poor.await.unwrap();
    assert_eq!(told(&sent), "502");
    assert!((end - start).as_secs() < 10);
}

#[tokio::test(start_paused = true)]
async fn an_outage_shorter_than_the_patience_is_ridden_out() {
    let script = std::iter::once(ok()).chain(vec![status(503); 6]).chain([Play::Unreachable, Play::Silent, ok()]);
    let platform = Platform::playing(script);
    let client = client(&platform, "none");
    client.send(get()).await;
    let sent = tokio::spawn({
        let client = Arc::clone(&client);
        async move { told(&client.send(get()).await) }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(client.pause().expect("trouble").why, "the platform answered 503");
    assert_eq!(sent.await.unwrap(), "200");
    assert_eq!(client.pause(), None);
    assert_eq!(
        client.traffic(),
        Traffic { sent: 10 - 1, retried: 8 - 1, rate_limited: 0, times: client.traffic().times }
    );
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_asks_for_more_than_a_quarter_of_an_hour_ends_the_run() {
    for (asked, message) in [
        ("901", "`https://api.example.com/v1` asks for no requests for 15 min 1 s"),
        ("7800", "`https://api.example.com/v1` asks for no requests for 2 h 10 min"),
        ("315360000", "`https://api.example.com/v1` asks for no requests for 3650 d"),
    ] {
        let platform = Platform::playing([limited(asked), ok()]);
        let client = client(&platform, "none");
        for request in [get(), post()] {
            let Sent::NotSent(failure) = client.send(request).await else { panic!("was sent") };
            assert_eq!((failure.exit.code(), failure.message.as_str()), (6, message));
            let hint = failure.hint.expect("a hint");
            let shape: String = hint.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
            assert_eq!(shape, "run the same command after 0000-00-00 00:00 to resume the run");
        }
        assert_eq!(platform.came_ms(), [0], "nobody asks again");
    }
    let platform = Platform::playing([limited("900"), ok()]);
    assert_eq!(told(&client(&platform, "none").send(post()).await), "200");
    assert_eq!(platform.came_ms(), [0, 900_000]);
}

#[tokio::test(start_paused = true)]
async fn one_refusal_pauses_all_requests_even_those_that_write() {
    let platform = Platform::playing([limited("5"), ok()]).slow(Duration::from_millis(1));
    let client = client(&platform, "10/s");
    let sends = (0..10).map(|n| {
        let client = Arc::clone(&client);
        tokio::spawn(async move { told(&client.send(if n % 2 == 0 { get() } else { post() }).await) })
    });
    for sent in sends.collect::<Vec<_>>() {
        assert_eq!(sent.await.unwrap(), "200");
    }
    let came = platform.came_ms();
    assert_eq!(came.len(), 11);
    assert!(came[1..].iter().all(|at| *at >= 5000), "{came:?}");
    assert_eq!(client.traffic(), Traffic { sent: 11, retried: 1, rate_limited: 1, times: client.traffic().times });
}

#[tokio::test(start_paused = true)]
async fn a_refusal_without_a_time_backs_off_further_each_time() {
    let platform = Platform::playing([status(429), limited("0"), limited("-3"), limited("soon"), ok()]);
    let client = client(&platform, "none");
    let sent = tokio::spawn({
        let client = Arc::clone(&client);
        async move { told(&client.send(get()).await) }
    });
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(client.pause().expect("a pause").why, "the platform refused requests as too fast (429)");
    assert_eq!(sent.await.unwrap(), "200");
    let came = platform.came_ms();
    let gaps: Vec<u128> = came.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let bounds = [250..=501, 500..=1001, 1000..=2001, 2000..=4001];
    assert!(gaps.iter().zip(&bounds).all(|(gap, bound)| bound.contains(gap)), "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_all_waiting_and_lets_requests_in_flight_finish() {
    let platform = Platform::playing([ok()]).slow(Duration::from_secs(3));
    let client = client(&platform, "1/s");
    let sends: Vec<_> = (0..5)
        .map(|_| {
            let client = Arc::clone(&client);
            tokio::spawn(async move { told(&client.send(post()).await) })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let start = Instant::now();
    client.stop();
    let mut all = Vec::new();
    for sent in sends {
        all.push(sent.await.unwrap());
    }
    assert_eq!(all, ["200", "200", "not sent, exit 130", "not sent, exit 130", "not sent, exit 130"]);
    assert!(start.elapsed() <= Duration::from_secs(3));
    assert_eq!(told(&client.send(get()).await), "not sent, exit 130");
    assert_eq!(platform.came_ms().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_stopped_before_its_next_attempt_returns_the_doubt_and_a_read_proves_nothing() {
    let is_end: fn(&ferry::http::Response) -> bool = |response| response.status == 500;
    let write = ferry::http::Request { repeatable: true, ..post() };
    let list = ferry::http::Request { is_end: Some(is_end), ..get() };
    let stopped = "not sent, exit 130";
    for (play, expected) in [
        (status(500), "500"),
        (Play::Silent, "in doubt, exit 6"),
        (Play::Unreachable, stopped),
        (limited("600"), stopped),
    ] {
        for (request, expected) in [(&write, expected), (&get(), stopped), (&list, stopped)] {
            let client = client(&Platform::playing([play.clone()]), "none");
            let sent = tokio::spawn({
                let (client, request) = (Arc::clone(&client), request.clone());
                async move { told(&client.send(request).await) }
            });
            tokio::time::sleep(Duration::from_millis(100)).await;
            client.stop();
            assert_eq!(sent.await.unwrap(), expected, "{}", request.method.name());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_are_in_flight_than_allowed() {
    let platform = Platform::playing([ok()]).slow(Duration::from_secs(1));
    let mut options = options("none");
    options.concurrency = 3;
    let client = Arc::new(Http::with_transport(Box::new(platform.clone()), options));
    let sends = (0..7).map(|_| {
        let client = Arc::clone(&client);
        tokio::spawn(async move { client.send(get()).await })
    });
    for sent in sends.collect::<Vec<_>>() {
        sent.await.unwrap();
    }
    let seconds: Vec<u128> = platform.came_ms().iter().map(|ms| ms / 1000).collect();
    assert_eq!(seconds, [0, 0, 0, 1, 1, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_data_and_stays_as_it_is() {
    let mut options = options("none");
    options.credentials.query = vec![("slug", secret("rosa")), ("key", secret("a-long-key-0123456789"))];
    let body = r#"{"name":"rosario","notes":"our key is a-long-key-0123456789"}"#;
    let platform = Platform::playing([200, 401].map(|status| Play::Answer(status, vec![("x-echo", "rosa")], body)));
    let client = Http::with_transport(Box::new(platform), options);
    assert!(!client.has_met_secret());
    for _ in 0..2 {
        let Sent::Answered(response) = client.send(get()).await else { panic!("no answer") };
        assert_eq!((response.text(100).as_str(), response.header("x-echo")), (body, Some("rosa")));
    }
    assert!(client.has_met_secret());
    let is_held = ["rosario", "our key is a-long-key-0123456789"].map(|value| client.is_secret_in(value));
    assert_eq!(is_held, [false, true]);
}

#[test]
fn credentials_cannot_be_printed() {
    let credentials =
        Credentials { headers: vec![("api-key", secret("s3cret"))], query: vec![("k", secret("s3cret"))] };
    assert!(!format!("{credentials:?}").contains("s3cret"));
}

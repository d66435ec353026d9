//! The rate `auto` against platforms that count in every way, and refuse in every way: it finds their limit, stays near it,
//! is rarely refused, and remembers it.

use super::scripted::{get, options};
use async_trait::async_trait;
use ferry::http::{Auto, Http, HttpOptions, Request, Response, Sent, Transport};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How a platform counts requests.
#[derive(Clone, Copy, Debug)]
enum Counts {
    /// A bucket of tokens that holds so many seconds' worth.
    Bucket(f64),
    /// The requests of the last second.
    Sliding,
    /// The requests of each second by the clock.
    Fixed,
}

/// How it refuses.
#[derive(Clone, Copy, Debug)]
enum Tells {
    Nothing,
    Seconds,
    Date,
    Reset,
}

impl Tells {
    /// How long no request leaves after a refusal: what it asks for, or else at most the shortest back-off.
    fn pause(self) -> Duration {
        match self {
            Tells::Nothing => Duration::from_millis(500),
            Tells::Seconds | Tells::Reset => Duration::from_secs(1),
            Tells::Date => Duration::from_secs(2),
        }
    }
}

/// What is looked at, in seconds.
const WINDOW: usize = 25;

/// Where the chances begin: the length of a pause that no one asked for, and a few milliseconds on the way.
const SEED: u64 = 1;

/// A platform with a limit.
struct Limited {
    counts: Counts,
    tells: Tells,
    latency: Duration,
    start: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    per_s: f64,
    came: VecDeque<Instant>,
    tokens: f64,
    filled_at: Option<Instant>,
    second: u64,
    in_second: f64,
    served: u64,
    refused: u64,
    /// What was served in each second, and what could have been.
    by_second: Vec<(f64, f64)>,
    /// Until when the last refusal asked for no requests.
    paused_until: Option<Instant>,
    seed: u64,
}

impl State {
    /// The rest of a millisecond or three, by a generator without luck.
    fn jitter(&mut self) -> Duration {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        Duration::from_micros((self.seed >> 33) % 3000)
    }
}

impl Limited {
    fn takes(&self, state: &mut State, now: Instant) -> bool {
        match self.counts {
            Counts::Bucket(seconds) => {
                let size = (state.per_s * seconds).max(1.0);
                let passed = state.filled_at.replace(now).map_or(f64::INFINITY, |at| (now - at).as_secs_f64());
                state.tokens = (state.tokens + passed * state.per_s).min(size);
                let takes = state.tokens >= 1.0;
                state.tokens -= if takes { 1.0 } else { 0.0 };
                takes
            }
            Counts::Sliding => {
                while state.came.front().is_some_and(|at| now - *at >= Duration::from_secs(1)) {
                    state.came.pop_front();
                }
                let takes = (state.came.len() as f64) < state.per_s;
                state.came.extend(takes.then_some(now));
                takes
            }
            Counts::Fixed => {
                let second = (now - self.start).as_secs();
                if state.second != second {
                    (state.second, state.in_second) = (second, 0.0);
                }
                let takes = state.in_second < state.per_s;
                state.in_second += if takes { 1.0 } else { 0.0 };
                takes
            }
        }
    }

    /// Counts what was served, and what could have been outside of the pauses that refusals ask for.
    fn note(&self, state: &mut State, now: Instant, takes: bool) {
        state.served += u64::from(takes);
        state.refused += u64::from(!takes);
        let second = |at: Instant| (at - self.start).as_secs() as usize;
        while state.by_second.len() <= second(now + self.tells.pause()) {
            let per_s = state.per_s;
            state.by_second.push((0.0, per_s));
        }
        state.by_second[second(now)].0 += if takes { 1.0 } else { 0.0 };
        if takes {
            return;
        }
        let (mut from, until) = (state.paused_until.map_or(now, |until| until.max(now)), now + self.tells.pause());
        while from < until {
            let end = until.min(self.start + Duration::from_secs(second(from) as u64 + 1));
            state.by_second[second(from)].1 -= (end - from).as_secs_f64() * state.per_s;
            from = end;
        }
        state.paused_until = Some(until);
    }

    /// The lowest part of the limit that was used in any window from this second on, but for one request.
    fn lowest_part(&self, from: usize) -> f64 {
        let state = self.state.lock().unwrap();
        let whole = &state.by_second[from..(Instant::now() - self.start).as_secs() as usize];
        let parts = whole.windows(WINDOW).map(|window| {
            let (served, possible) = window.iter().fold((1.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            served / possible
        });
        parts.reduce(f64::min).expect("a window")
    }

    fn response(&self, takes: bool) -> Response {
        let date = |after_s| httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(after_s));
        let headers = match self.tells {
            _ if takes => vec![],
            Tells::Nothing => vec![],
            Tells::Seconds => vec![("retry-after", "1".to_owned())],
            Tells::Date => vec![("date", date(0)), ("retry-after", date(2))],
            Tells::Reset => vec![("ratelimit-reset", "1".to_owned())],
        };
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Response { status: if takes { 200 } else { 429 }, headers, body: "{}".into() }
    }
}

struct Shared(Arc<Limited>);

#[async_trait]
impl Transport for Shared {
    async fn exchange(&self, _request: &Request) -> Sent {
        let platform = &self.0;
        let jitter = platform.state.lock().unwrap().jitter();
        tokio::time::sleep(platform.latency / 2 + jitter).await;
        let takes = {
            let (mut state, now) = (platform.state.lock().unwrap(), Instant::now());
            let takes = platform.takes(&mut state, now);
            platform.note(&mut state, now, takes);
            takes
        };
        tokio::time::sleep(platform.latency / 2).await;
        Sent::Answered(platform.response(takes))
    }
}

/// What was served and refused within so many seconds of a run that always has something to send.
async fn within(client: &Arc<Http>, platform: &Limited, seconds: u64) -> (u64, u64) {
    let before = {
        let state = platform.state.lock().unwrap();
        (state.served, state.refused)
    };
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut tasks = JoinSet::new();
    for _ in 0..32 {
        let client = Arc::clone(client);
        tasks.spawn(async move {
            while Instant::now() < end {
                assert!(matches!(client.send(get()).await, Sent::Answered(response) if response.status == 200));
            }
        });
    }
    tasks.join_all().await;
    let state = platform.state.lock().unwrap();
    (state.served - before.0, state.refused - before.1)
}

/// A client, and the platform that it sends to; all chances come from the seed.
fn reach(per_s: f64, counts: Counts, tells: Tells, begins_at: f64, seed: u64) -> (Arc<Http>, Arc<Limited>) {
    let (start, latency) = (Instant::now(), Duration::from_millis(20));
    let state = Mutex::new(State { per_s, seed, ..State::default() });
    let platform = Arc::new(Limited { counts, tells, latency, start, state });
    let options = HttpOptions { rate_start_per_s: begins_at, concurrency: 32, seed, ..options("auto") };
    (Arc::new(Http::with_transport(Box::new(Shared(Arc::clone(&platform))), options)), platform)
}

#[tokio::test(start_paused = true)]
async fn after_half_a_minute_auto_is_at_the_limit_of_every_platform_in_any_window_and_hardly_refused() {
    let counts = [Counts::Bucket(1.0), Counts::Sliding, Counts::Fixed];
    let tells = [Tells::Nothing, Tells::Seconds, Tells::Date, Tells::Reset];
    let mut bad = Vec::new();
    for per_s in [2.0, 20.0, 100.0, 300.0] {
        // Half a minute of two requests a second are too few to know the limit better.
        let least = if per_s < 10.0 { 0.9 } else { 0.95 };
        let small = if per_s > 100.0 { Counts::Bucket(0.02) } else { Counts::Bucket(0.1) };
        for counts in counts.into_iter().chain([small]) {
            for tells in tells.into_iter().take(if per_s > 100.0 { 2 } else { 4 }) {
                let (client, platform) = reach(per_s, counts, tells, 2.0, SEED);
                let (_, early) = within(&client, &platform, 30).await;
                let (served, refused) = within(&client, &platform, 120).await;
                let (part, refused_part) = (served as f64 / per_s / 120.0, refused as f64 / served as f64);
                let lowest = platform.lowest_part(30);
                let shown = format!(
                    "{per_s}/s, {counts:?}, {tells:?}: {:.1} %, {:.1} % in a window, {:.2} % refused after half a minute, \
                     {early} before",
                    100.0 * part,
                    100.0 * lowest,
                    100.0 * refused_part
                );
                let is_remembered = client.rate_now().is_some_and(|rate| rate >= 0.9 * per_s && rate <= 1.02 * per_s);
                if part < 0.95 || lowest < least || refused_part >= 0.01 || !is_remembered {
                    bad.push(format!("{shown}; remembers {:?}", client.rate_now()));
                }
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn auto_finds_a_limit_that_becomes_another_while_it_sends() {
    let mut bad = Vec::new();
    for counts in [Counts::Bucket(0.1), Counts::Bucket(1.0), Counts::Sliding, Counts::Fixed] {
        for (becomes, found_in_s) in [(20.0, 45), (80.0, 200)] {
            let (client, platform) = reach(40.0, counts, Tells::Seconds, 2.0, SEED);
            within(&client, &platform, 60).await;
            platform.state.lock().unwrap().per_s = becomes;
            within(&client, &platform, found_in_s).await;
            let (served, refused) = within(&client, &platform, 60).await;
            let lowest = platform.lowest_part(60 + found_in_s as usize);
            if lowest < 0.95 || refused * 100 >= served {
                bad.push(format!("{counts:?}, {becomes}/s: {:.1} % in a window, {refused} refused", 100.0 * lowest));
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn auto_finds_a_limit_that_has_become_another() {
    let (client, platform) = reach(50.0, Counts::Sliding, Tells::Seconds, 2.0, SEED);
    within(&client, &platform, 60).await;
    let remembered = client.rate_now().expect("a rate");
    for (per_s, minutes) in [(20.0, 1), (100.0, 6)] {
        let (client, platform) = reach(per_s, Counts::Sliding, Tells::Seconds, remembered, SEED);
        within(&client, &platform, 60 * minutes).await;
        let (served, refused) = within(&client, &platform, 60).await;
        assert!(served as f64 >= 0.93 * 60.0 * per_s, "{served} at {per_s}/s");
        assert!(refused * 100 < served, "{refused} of {served} at {per_s}/s");
    }
}

#[test]
fn auto_climbs_while_it_is_used_and_cuts_the_rate_once_for_refusals_that_belong_together() {
    let start = Instant::now();
    let mut auto = Auto::new(10.0, f64::INFINITY);
    let mut now = start;
    let end = now + Duration::from_secs(3);
    while now < end {
        auto.left(now);
        now += Duration::from_secs_f64(1.0 / auto.rate_per_s());
    }
    let climbed = auto.rate_per_s();
    assert!((22.0..=51.0).contains(&climbed), "{climbed} after three seconds of use");
    auto.refused(now, now);
    auto.refused(now, now + Duration::from_millis(500));
    assert_eq!(auto.rate_per_s(), climbed / 2.0, "one cut for two refusals");
    assert!(auto.proven_per_s() < climbed);
    let mut at = now;
    for _ in 0..50 {
        at += Duration::from_secs(2);
        auto.refused(at, at);
    }
    assert!(auto.rate_per_s() <= 0.2, "never lower, and that low where nothing is accepted");
    for second in 0..100 {
        auto.left(at + Duration::from_secs(100 * second));
    }
    assert_eq!(auto.rate_per_s(), 0.2, "does not climb unused");
}

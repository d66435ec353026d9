//! Which results are retried, and when. Pure: time and chance are arguments.
//!
//! The rules, in one place:
//!
//! | Result | Retry? |
//! |---|---|
//! | never reached the platform | yes, for every method, until the wait is over; without `--wait`, four attempts at the start |
//! | 429 | yes, for every method (it was not carried out), after a pause of all requests |
//! | 503 with `Retry-After` | a pause of all requests; the request itself if it is repeatable |
//! | 502, 503, 504 | if repeatable, five attempts, and further ones until the wait is over while no request succeeds |
//! | doubt | the same; without `--wait`, five attempts at the start |
//! | another 5xx | the same; without `--wait`, five attempts, because the request itself may be the cause |
//! | 2xx whose body is incomplete or not JSON | a read like a doubt; a write is in doubt |
//! | what may be the end of a list | once, at once; the second response is accepted |
//! | a bad certificate, a response that is too large, any other status | no |

use super::message::{Method, Request, Response, Sent};
use crate::outcome::Exit;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// How long all requests may fail before the platform is unavailable, without `--wait`.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);
/// Attempts to reach a platform that has never responded: a wrong address is reported after about three seconds.
pub(super) const START_TRIES: u32 = 4;
/// Attempts of a repeatable request to which the platform responds with a failure.
pub(super) const TRIES: u32 = 5;
/// The longest `Retry-After` that is waited for, and, without `--wait`, the longest time of nothing but 429.
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(15 * 60);
/// The shortest wait before a retry.
const BACKOFF_MIN: Duration = Duration::from_millis(250);
/// The longest wait before a retry.
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// A longer `Retry-After` means the same as this one.
const ASKED_MAX_S: f64 = 100.0 * 365.25 * 86_400.0;
/// A `…-Reset` above it is a date (seconds since 1970), below it a number of seconds.
const EPOCH_MIN_S: f64 = 1e9;

/// How long to wait before the `nth` repetition (from 1): doubling, the upper half of it by `chance` (0 to 1).
pub(super) fn backoff(nth: u32, chance: f64) -> Duration {
    let doubled = BACKOFF_MIN.saturating_mul(1_u32.checked_shl(nth.min(16)).unwrap_or(u32::MAX));
    doubled.min(BACKOFF_MAX).mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0))
}

/// The result of an attempt, as far as a retry is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TryResult {
    /// A regular response.
    Answer,
    /// The platform asks for fewer requests: all requests wait, for as long as it asks (if it says so).
    Refusal { acted: Acted, asked: Option<Duration> },
    /// The platform, or a proxy before it, fails.
    Failing(Cause),
    /// It may be the end of a list, and has not been confirmed yet.
    End,
    /// It never left.
    Unsent,
    /// A retry would not change it.
    Final,
}

/// What a failing platform shows of the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// A proxy says that the platform is unavailable (502, 503, 504).
    Outage,
    /// No response, or none that is whole: an outage, or a wrong address.
    Unclear,
    /// Another 5xx, which the request itself may cause.
    Server,
}

impl Cause {
    /// Whether it is an outage, at a platform that has sent a regular response before or not.
    fn is_outage(self, was_well: bool) -> bool {
        match self {
            Cause::Outage => true,
            Cause::Unclear => was_well,
            Cause::Server => false,
        }
    }
}

/// Whether the platform may have carried out the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acted {
    No,
    Perhaps,
}

/// The result of an attempt, where `ends` earlier attempts may have been the end of a list.
pub(super) fn came(request: &Request, ends: u32, sent: &Sent, wall: SystemTime) -> TryResult {
    if let Sent::Answered(response) = sent {
        let is = |known: Option<fn(&Response) -> bool>| known.is_some_and(|is| is(response));
        if is(request.is_end) {
            return if ends == 0 { TryResult::End } else { TryResult::Answer };
        }
        if is(request.is_answer) {
            return TryResult::Answer;
        }
        let is_json = || (request.is_read_at_once && response.is_like_json()) || response.is_json();
        if response.is_success() && request.method == Method::Get && !is_json() {
            return TryResult::Failing(Cause::Unclear);
        }
    }
    came_of(sent, wall)
}

fn came_of(sent: &Sent, wall: SystemTime) -> TryResult {
    match sent {
        Sent::NotSent(failure) if failure.exit == Exit::Unavailable => TryResult::Unsent,
        Sent::InDoubt(failure) if failure.exit == Exit::Unavailable => TryResult::Failing(Cause::Unclear),
        Sent::NotSent(_) | Sent::InDoubt(_) => TryResult::Final,
        Sent::Answered(response) => match (response.status, asked(response, wall)) {
            (429, asked) => TryResult::Refusal { acted: Acted::No, asked },
            (503, Some(asked)) => TryResult::Refusal { acted: Acted::Perhaps, asked: Some(asked) },
            (502..=504, _) => TryResult::Failing(Cause::Outage),
            (500..=599, _) => TryResult::Failing(Cause::Server),
            _ => TryResult::Answer,
        },
    }
}

/// The recent state of the platform, over all requests.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Health {
    /// It has sent a response, of any kind.
    pub(super) reached: bool,
    /// When it last sent a regular response after a failure; none: it never has.
    well_at: Option<Instant>,
    /// Since when all requests have failed.
    ill_since: Option<Instant>,
    /// Since when all requests have been refused.
    refused_since: Option<Instant>,
}

impl Health {
    /// Records a result.
    pub(super) fn note(&mut self, came: TryResult, sent: &Sent, now: Instant) {
        self.reached |= matches!(sent, Sent::Answered(_));
        match came {
            TryResult::Answer => {
                *self = Health { reached: true, well_at: Some(now), ill_since: None, refused_since: None }
            }
            TryResult::Refusal { .. } => {
                self.ill_since = None;
                self.refused_since.get_or_insert(now);
            }
            TryResult::Failing(_) | TryResult::Unsent => {
                self.ill_since.get_or_insert(now);
            }
            TryResult::Final | TryResult::End => {}
        }
    }

    /// Whether no request has succeeded since this moment.
    fn is_ill_since(&self, since: Instant) -> bool {
        self.ill_since.is_some() && self.well_at.is_none_or(|well_at| well_at <= since)
    }

    fn ill(&self, now: Instant) -> Duration {
        self.ill_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    fn refused(&self, now: Instant) -> Duration {
        self.refused_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

/// The attempts of one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempts {
    /// Whether it may be repeated after a doubt.
    pub(super) repeatable: bool,
    /// Attempts that were made.
    pub(super) made: u32,
    /// Those among them that were refused for being too fast.
    pub(super) refused: u32,
    /// Those among them whose response may be the end of a list.
    pub(super) ends: u32,
    /// When the first one was made.
    pub(super) since: Instant,
}

/// What happens next to a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Next {
    /// Its result is final.
    Return,
    /// The same, after which all requests wait.
    ReturnAndPause(Duration),
    /// It is retried after a while.
    Rest(Duration),
    /// All requests wait, and it is retried.
    Pause(Duration),
    /// The platform is unavailable.
    GiveUp,
}

/// What a decision depends on beside the request and the platform.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conditions {
    pub now: Instant,
    /// The longest wait, zero if the user gave none.
    pub wait: Duration,
    /// Between 0 and 1.
    pub chance: f64,
}

/// What happens next to a request.
pub(super) fn next(came: TryResult, tries: Attempts, health: &Health, conditions: Conditions) -> Next {
    let Conditions { now, wait, chance } = conditions;
    let patience = if wait.is_zero() { PATIENCE } else { wait };
    match came {
        TryResult::Answer | TryResult::Final => Next::Return,
        TryResult::End => Next::Rest(BACKOFF_MIN),
        TryResult::Refusal { acted, asked } => {
            let pause = asked.filter(|asked| !asked.is_zero()).unwrap_or_else(|| backoff(tries.refused, chance));
            match acted {
                Acted::Perhaps if !tries.repeatable => Next::ReturnAndPause(pause),
                _ if health.refused(now) > if wait.is_zero() { PAUSE_MAX } else { wait } => Next::GiveUp,
                _ => Next::Pause(pause),
            }
        }
        TryResult::Unsent => {
            let over = match health.reached || !wait.is_zero() {
                true => health.ill(now) >= patience,
                false => tries.made >= START_TRIES,
            };
            if over { Next::GiveUp } else { Next::Rest(rest(tries, health, now, patience, chance)) }
        }
        TryResult::Failing(cause) => {
            // At the start, without `--wait`, what is unclear is sooner a wrong address than an outage.
            let may_last = !wait.is_zero() || cause.is_outage(health.well_at.is_some());
            let lasting = may_last && health.is_ill_since(tries.since) && health.ill(now) < patience;
            match tries.repeatable {
                false => Next::Return,
                // What was told to be waited for was waited for.
                true if !wait.is_zero() && health.ill(now) >= wait => Next::Return,
                true if tries.made.saturating_sub(tries.ends) < TRIES => Next::Rest(backoff(tries.made, chance)),
                true if lasting => Next::Rest(rest(tries, health, now, patience, chance)),
                true => Next::Return,
            }
        }
    }
}

/// A back-off that ends with the longest wait.
fn rest(tries: Attempts, health: &Health, now: Instant, patience: Duration, chance: f64) -> Duration {
    let left = patience.saturating_sub(health.ill(now)).max(BACKOFF_MIN);
    backoff(tries.made, chance).min(left)
}

/// How long the platform asks to pause. `None` if it says nothing, or nothing that makes sense.
///
/// `Retry-After` is seconds or a date (RFC 9110, 10.2.3), the date counted from the response's own `Date`, since clocks
/// differ. Failing that the limits of draft-ietf-httpapi-ratelimit-headers, in their older and newer forms.
pub(super) fn asked(response: &Response, wall: SystemTime) -> Option<Duration> {
    let now = response.header("date").and_then(date).unwrap_or(wall);
    if let Some(text) = response.header("retry-after") {
        let by_date = || date(text).map(|until| until.duration_since(now).unwrap_or_default());
        return seconds(text).map(duration).or_else(by_date);
    }
    if response.status != 429 {
        return None;
    }
    let older = ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"];
    let reset = older.into_iter().find_map(|name| response.header(name)).and_then(seconds);
    let newer = || response.header("ratelimit").and_then(reset_in_list);
    reset.or_else(newer).map(|reset| match reset >= EPOCH_MIN_S {
        true => (SystemTime::UNIX_EPOCH + duration(reset)).duration_since(now).unwrap_or_default(),
        false => duration(reset),
    })
}

fn date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text.trim()).ok()
}

/// Digits, with or without a fraction; no sign, no exponent.
fn seconds(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = text.starts_with(|c: char| c.is_ascii_digit()) && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    plain.then(|| text.parse::<f64>().ok()).flatten()
}

fn duration(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.clamp(0.0, ASKED_MAX_S))
}

/// `"default";r=0;t=30`
fn reset_in_list(text: &str) -> Option<f64> {
    text.split([';', ',']).find_map(|part| part.trim().strip_prefix("t=")).and_then(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)]) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Response { status, headers, body: bytes::Bytes::new() }
    }

    #[test]
    fn a_platform_is_left_alone_for_as_long_as_it_asks() {
        let wall = date("Sun, 22 Nov 2026 12:00:00 GMT").expect("a date");
        const SERVER: (&str, &str) = ("date", "Sun, 22 Nov 2026 11:00:00 GMT");
        let s = |seconds| Some(Duration::from_secs(seconds));
        type Headers = &'static [(&'static str, &'static str)];
        let cases: &[(Headers, Option<Duration>)] = &[
            (&[], None),
            (&[("retry-after", "30")], s(30)),
            (&[("retry-after", " 30 ")], s(30)),
            (&[("retry-after", "1.5")], Some(Duration::from_millis(1500))),
            (&[("retry-after", "0")], s(0)),
            (&[("retry-after", "-5")], None),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "")], None),
            (&[("retry-after", "1e3")], None),
            (&[("retry-after", "NaN")], None),
            (&[("retry-after", "315360000")], s(315_360_000)),
            (&[("retry-after", "99999999999999999999999999")], s(3_155_760_000)),
            (&[("retry-after", "Sun, 22 Nov 2026 12:00:20 GMT")], s(20)),
            (&[("retry-after", "Sun, 22 Nov 2026 11:59:20 GMT")], s(0)),
            (&[("retry-after", "Sun, 22 Nov 2026 11:00:20 GMT"), SERVER], s(20)),
            (&[("retry-after", "Sunday, 22-Nov-26 11:00:20 GMT"), SERVER], s(20)),
            (&[("ratelimit-reset", "7")], s(7)),
            (&[("x-ratelimit-reset", "1795348809")], s(9)),
            (&[("ratelimit", "\"default\";r=0;t=12")], s(12)),
            (&[("ratelimit", "limit=100, remaining=0, reset=50")], None),
            (&[("retry-after", "3"), ("ratelimit-reset", "7")], s(3)),
        ];
        for (headers, expected) in cases {
            assert_eq!(asked(&answer(429, headers), wall), *expected, "{headers:?}");
        }
        assert_eq!(asked(&answer(503, &[("ratelimit-reset", "7")]), wall), None);
    }

    #[test]
    fn a_back_off_doubles_from_a_quarter_of_a_second_to_half_a_minute() {
        let shortest: Vec<u128> = (1..=9).map(|nth| backoff(nth, 0.0).as_millis()).collect();
        let longest: Vec<u128> = (1..=9).map(|nth| backoff(nth, 1.0).as_millis()).collect();
        assert_eq!(shortest, [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
        assert_eq!(longest, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
        assert_eq!(backoff(u32::MAX, 1.0).as_millis(), 30_000);
    }
}

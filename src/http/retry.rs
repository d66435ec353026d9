//! Which answers deserve another try, and when. Pure: it is told the time and a chance, and decides.
//!
//! The rules, in one place:
//!
//! | What came | Again? |
//! |---|---|
//! | never reached the platform | yes, whatever the method, as long as the patience lasts; at the start four tries |
//! | 429 | yes, whatever the method (it was not acted upon), after a pause for everybody |
//! | 503 with `Retry-After` | a pause for everybody; the request itself again if it is repeatable |
//! | doubt, or another 5xx | if repeatable, five tries; 502, 503, 504 and doubts longer, while nobody fares better |
//! | 2xx whose body is cut or is no JSON | for a read like a 502; a write is in doubt |
//! | what may be the end of a list | once more, at once: the second one is believed |
//! | a bad certificate, an answer too large, any other status | no |

use super::message::{Method, Request, Response, Sent};
use crate::outcome::Exit;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// How long nothing but failure may come before the platform is not to be had, when `--wait` says nothing.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);
/// Tries at a platform that has never answered: a wrong address or a dead target, told after about three seconds.
pub(super) const START_TRIES: u32 = 4;
/// Tries of a repeatable request that the platform answers, but badly.
pub(super) const TRIES: u32 = 5;
/// The longest `Retry-After` that is waited for, and the longest time of nothing but 429.
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(15 * 60);
/// The shortest wait before another try.
const BACKOFF_MIN: Duration = Duration::from_millis(250);
/// The longest wait before another try.
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

/// What a try came to, as far as another try is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// The platform answered what it had to say.
    Answer,
    /// Not so fast: acted upon or not, everybody waits, for as long as it asks (if it does).
    Refusal { acted: Acted, asked: Option<Duration> },
    /// The platform, or what stands before it, is not well; `outage` when it cannot be the request's own fault.
    Failing { outage: bool },
    /// It may be the end of a list, and has not been confirmed yet.
    End,
    /// It never left.
    Unsent,
    /// No try would change it.
    Final,
}

/// Whether the platform may have done what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acted {
    No,
    Perhaps,
}

/// Sorts what came of a try of a request, of which `ends` tries before may have been the end of a list.
pub(super) fn came(request: &Request, ends: u32, sent: &Sent, wall: SystemTime) -> Came {
    if let Sent::Answered(response) = sent {
        let is = |known: Option<fn(&Response) -> bool>| known.is_some_and(|is| is(response));
        if is(request.is_end) {
            return if ends == 0 { Came::End } else { Came::Answer };
        }
        if is(request.is_answer) {
            return Came::Answer;
        }
        if response.is_success() && request.method == Method::Get && !response.is_json() {
            return Came::Failing { outage: true };
        }
    }
    came_of(sent, wall)
}

fn came_of(sent: &Sent, wall: SystemTime) -> Came {
    match sent {
        Sent::NotSent(failure) if failure.exit == Exit::Unavailable => Came::Unsent,
        Sent::InDoubt(failure) if failure.exit == Exit::Unavailable => Came::Failing { outage: true },
        Sent::NotSent(_) | Sent::InDoubt(_) => Came::Final,
        Sent::Answered(response) => match (response.status, asked(response, wall)) {
            (429, asked) => Came::Refusal { acted: Acted::No, asked },
            (503, Some(asked)) => Came::Refusal { acted: Acted::Perhaps, asked: Some(asked) },
            (502..=504, _) => Came::Failing { outage: true },
            (500..=599, _) => Came::Failing { outage: false },
            _ => Came::Answer,
        },
    }
}

/// How the platform has been of late, over all requests.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Health {
    /// It has answered, whatever.
    pub(super) reached: bool,
    /// It has answered what it had to say.
    pub(super) well_once: bool,
    /// Since when nothing but failure has come.
    ill_since: Option<Instant>,
    /// Since when nothing but refusals has come.
    refused_since: Option<Instant>,
}

impl Health {
    /// Takes note of what came.
    pub(super) fn note(&mut self, came: Came, sent: &Sent, now: Instant) {
        self.reached |= matches!(sent, Sent::Answered(_));
        match came {
            Came::Answer => *self = Health { reached: true, well_once: true, ill_since: None, refused_since: None },
            Came::Refusal { .. } => {
                self.ill_since = None;
                self.refused_since.get_or_insert(now);
            }
            Came::Failing { .. } | Came::Unsent => {
                self.ill_since.get_or_insert(now);
            }
            Came::Final | Came::End => {}
        }
    }

    fn ill(&self, now: Instant) -> Duration {
        self.ill_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    fn refused(&self, now: Instant) -> Duration {
        self.refused_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

/// A request on its way through its tries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tries {
    /// Whether it may be repeated after a doubt.
    pub(super) repeatable: bool,
    /// Tries that were made.
    pub(super) made: u32,
    /// Those among them that were refused for being too fast.
    pub(super) refused: u32,
    /// Those among them whose answer may be the end of a list.
    pub(super) ends: u32,
    /// When the first one was made.
    pub(super) since: Instant,
}

/// What happens next to a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Next {
    /// What came is what it gets.
    Return,
    /// The same, after which everybody waits.
    ReturnAndPause(Duration),
    /// It is tried again after a while.
    Rest(Duration),
    /// Everybody waits, and it is tried again.
    Pause(Duration),
    /// The platform is not to be had.
    GiveUp,
}

/// Decides. `wait` is the user's patience, zero where nothing was said; `chance` is between 0 and 1.
pub(super) fn next(came: Came, tries: Tries, health: &Health, now: Instant, wait: Duration, chance: f64) -> Next {
    let patience = if wait.is_zero() { PATIENCE } else { wait };
    match came {
        Came::Answer | Came::Final => Next::Return,
        Came::End => Next::Rest(BACKOFF_MIN),
        Came::Refusal { acted, asked } => {
            let pause = asked.filter(|asked| !asked.is_zero()).unwrap_or_else(|| backoff(tries.refused, chance));
            match acted {
                Acted::Perhaps if !tries.repeatable => Next::ReturnAndPause(pause),
                _ if health.refused(now) > PAUSE_MAX.max(wait) => Next::GiveUp,
                _ => Next::Pause(pause),
            }
        }
        Came::Unsent => {
            let over = match health.reached || !wait.is_zero() {
                true => health.ill(now) >= patience,
                false => tries.made >= START_TRIES,
            };
            if over { Next::GiveUp } else { Next::Rest(rest(tries, health, now, patience, chance)) }
        }
        Came::Failing { outage } => {
            let lasting = outage && health.well_once && health.ill(now) >= now.saturating_duration_since(tries.since);
            match tries.repeatable {
                false => Next::Return,
                true if tries.made.saturating_sub(tries.ends) < TRIES => Next::Rest(backoff(tries.made, chance)),
                true if lasting && health.ill(now) < patience => Next::Rest(rest(tries, health, now, patience, chance)),
                true => Next::Return,
            }
        }
    }
}

/// A back-off that ends when the patience does.
fn rest(tries: Tries, health: &Health, now: Instant, patience: Duration, chance: f64) -> Duration {
    let left = patience.saturating_sub(health.ill(now)).max(BACKOFF_MIN);
    backoff(tries.made, chance).min(left)
}

/// How long the platform asks to be left alone. `None` where it says nothing, or nothing that makes sense.
///
/// `Retry-After` is seconds or a date (RFC 9110, 10.2.3), the date counted from the answer's own `Date`, since clocks
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

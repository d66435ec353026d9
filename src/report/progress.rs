//! The progress of one piece of work: a bar on a terminal, a plain line now and then elsewhere.
//!
//! It counts nothing itself.

use super::console::Shared;
use super::meter::Meter;
use super::words::{bytes, count, number, rate, time};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A bar is drawn no more often than this.
const DRAWS_PER_S: u8 = 10;
/// The inside of the bar, in characters: in 80 columns there is room for the words beside it.
const BAR_LEN: usize = 12;
/// The first plain line comes after this time: a short run has none.
const PLAIN_FIRST: Duration = Duration::from_secs(5);
/// The time between plain lines: a log of a night stays readable.
const PLAIN_NEXT: Duration = Duration::from_secs(30);
/// The time between plain lines when progress was asked for in so many words.
const PLAIN_ASKED: Duration = Duration::from_secs(1);

/// How far the work is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Records that have an outcome.
    pub done: u64,
    /// Records there are, once that is known.
    pub total: Option<u64>,
    /// Records rejected so far.
    pub rejected: u64,
    /// How long nothing will be sent, and why.
    pub waiting: Option<(Duration, String)>,
    /// Bytes of the source read, and there are; tells the way where the total is not known.
    pub bytes: Option<(u64, u64)>,
    /// Records whose request may or may not have arrived, being found out.
    pub in_doubt: u64,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Bar,
    Lines { first: Duration, next: Duration },
    Nothing,
}

impl Manner {
    pub fn lines() -> Manner {
        Manner::Lines { first: PLAIN_FIRST, next: PLAIN_NEXT }
    }

    pub fn lines_asked_for() -> Manner {
        Manner::Lines { first: PLAIN_ASKED, next: PLAIN_ASKED }
    }
}

/// Shows how far one piece of work is. Gone from the terminal when dropped.
pub struct Progress {
    what: String,
    manner: Manner,
    bar: Option<ProgressBar>,
    shared: Arc<Shared>,
    inner: Mutex<Inner>,
}

struct Inner {
    state: State,
    records: Meter,
    bytes: Meter,
    drawn: Option<Instant>,
    next_line: Instant,
    shown: Option<State>,
}

impl Progress {
    pub(super) fn new(shared: Arc<Shared>, manner: Manner, what: &str, total: Option<u64>) -> Progress {
        let now = Instant::now();
        let first = match manner {
            Manner::Lines { first, .. } => first,
            Manner::Bar | Manner::Nothing => Duration::ZERO,
        };
        let bar = (manner == Manner::Bar).then(new_bar);
        shared.show_bar(bar.clone());
        let inner = Inner {
            state: State { total, ..State::default() },
            records: Meter::default(),
            bytes: Meter::default(),
            drawn: None,
            next_line: now + first,
            shown: None,
        };
        Progress { what: what.to_owned(), manner, bar, shared, inner: Mutex::new(inner) }
    }

    /// Takes note of how far the work is; cheap, shows only now and then. The first call is where this process began.
    pub fn set(&self, state: State) {
        let now = Instant::now();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.note(now, state);
        match self.manner {
            Manner::Bar => self.draw(&mut inner, now),
            Manner::Lines { next, .. } => self.line(&mut inner, now, next),
            Manner::Nothing => {}
        }
    }

    /// Ends it: the bar goes; where there were plain lines, a last one says where it ended.
    pub fn finish(self) {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.shown.as_ref().is_some_and(|shown| *shown != inner.state) {
            self.shared.tell(&format!("{}: {}\n", self.what, inner.words().join(", ")));
        }
    }

    fn draw(&self, inner: &mut Inner, now: Instant) {
        let pause = Duration::from_secs(1) / u32::from(DRAWS_PER_S);
        let Some(bar) = self.bar.as_ref().filter(|_| inner.drawn.is_none_or(|at| now.duration_since(at) >= pause))
        else {
            return;
        };
        inner.drawn = Some(now);
        let way = inner.state.way().map(|(done, total)| format!("{} ", bar_of(done, total))).unwrap_or_default();
        bar.set_message(format!("{} {way}{}", self.what, inner.words().join(" · ")));
    }

    fn line(&self, inner: &mut Inner, now: Instant, next: Duration) {
        if now < inner.next_line || inner.shown.as_ref() == Some(&inner.state) {
            return;
        }
        self.shared.tell(&format!("{}: {}\n", self.what, inner.words().join(", ")));
        inner.next_line = now + next;
        inner.shown = Some(inner.state.clone());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            self.shared.show_bar(None);
        }
    }
}

impl Inner {
    fn note(&mut self, now: Instant, mut state: State) {
        state.total = state.total.or(self.state.total);
        self.records.sample(now, state.done);
        if let Some((read, _)) = state.bytes {
            self.bytes.sample(now, read);
        }
        self.state = state;
    }

    fn words(&self) -> Vec<String> {
        words(&self.state, self.records.per_s(), self.left())
    }

    fn left(&self) -> Option<Duration> {
        let state = &self.state;
        let (meter, done, total) = match (state.total, state.bytes) {
            (Some(total), _) => (&self.records, state.done, total),
            (None, Some((read, total))) => (&self.bytes, read, total),
            (None, None) => return None,
        };
        let rest = total.saturating_sub(done);
        let wait = state.waiting.as_ref().map_or(Duration::ZERO, |(wait, _)| *wait);
        if rest == 0 { None } else { meter.time_for(rest).map(|left| left.max(wait)) }
    }
}

impl State {
    /// How much of how much: of the records, or else of the bytes.
    fn way(&self) -> Option<(u64, u64)> {
        self.total.map(|total| (self.done, total)).or(self.bytes)
    }
}

/// What is said about a state, piece by piece. Pure.
pub fn words(state: &State, per_s: Option<f64>, left: Option<Duration>) -> Vec<String> {
    let mut words = vec![how_far(state)];
    if let Some((wait, why)) = &state.waiting {
        words.push(format!("waiting {}: {}", time(whole_seconds(*wait)), super::escape(why)));
    }
    words.extend(per_s.filter(|per_s| *per_s > 0.0).map(rate));
    words.extend(left.map(|left| format!("about {} left", time(whole_seconds(left)))));
    if state.rejected > 0 {
        words.push(count(state.rejected, "reject", "rejects"));
    }
    if state.in_doubt > 0 {
        words.push(format!("{} in doubt", number(state.in_doubt)));
    }
    words
}

fn whole_seconds(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_secs_f64().ceil() as u64)
}

fn how_far(state: &State) -> String {
    let percent = |done: u64, total: u64| u128::from(done.min(total)) * 100 / u128::from(total.max(1));
    match (state.total, state.bytes) {
        (Some(total), _) => {
            format!("{} of {} ({} %)", number(state.done), number(total), percent(state.done, total))
        }
        (None, Some((read, total))) => format!(
            "{}, {} of {} ({} %)",
            count(state.done, "record", "records"),
            bytes(read),
            bytes(total),
            percent(read, total)
        ),
        (None, None) => count(state.done, "record", "records"),
    }
}

/// `[=======>    ]`.
fn bar_of(done: u64, total: u64) -> String {
    let full = u128::from(done.min(total)) * BAR_LEN as u128 / u128::from(total.max(1));
    let full = usize::try_from(full).unwrap_or(BAR_LEN);
    let head = if full < BAR_LEN { ">" } else { "" };
    format!("[{:<BAR_LEN$}]", "=".repeat(full) + head)
}

/// A line that is drawn in one go whenever its message changes; the pace is kept here.
fn new_bar() -> ProgressBar {
    let target = ProgressDrawTarget::stderr_with_hz(2 * DRAWS_PER_S);
    let style = ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::with_draw_target(None, target).with_style(style)
}

//! The progress of one piece of work: a bar on a terminal, a plain line now and then elsewhere.
//!
//! It counts nothing itself.

use super::meter::Meter;
use super::streams::Shared;
use super::words::{bytes, count, number, rate, time};
use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use std::io;
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
/// A limit that grows by this much is on its way up: the slower rate before it says nothing about the time left.
const RISE: f64 = 1.2;

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
    /// Bytes of the source read, and there are; shows progress if the total is not known.
    pub bytes: Option<(u64, u64)>,
    /// Records whose request may or may not have arrived, being settled.
    pub in_doubt: u64,
    /// Of `done`, the records that earlier processes of the run brought to their outcome: no part of the speed.
    pub earlier: u64,
    /// Requests a second that are allowed right now, where there is a limit.
    pub allowed_per_s: Option<f64>,
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
    /// The same since the allowed rate last rose.
    steady: Meter,
    bytes: Meter,
    drawn: Option<Instant>,
    next_line: Instant,
    shown: Option<State>,
    /// Nothing is shown any more.
    is_cleared: bool,
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
            steady: Meter::default(),
            bytes: Meter::default(),
            drawn: None,
            next_line: now + first,
            shown: None,
            is_cleared: false,
        };
        Progress { what: crate::shown::escape(what).into_owned(), manner, bar, shared, inner: Mutex::new(inner) }
    }

    /// Takes note of how far the work is; cheap, shows only now and then. The first call is where this process began.
    pub fn set(&self, state: State) {
        let now = Instant::now();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.note(now, state);
        if inner.is_cleared {
            return;
        }
        match self.manner {
            Manner::Bar => self.draw(&mut inner, now),
            Manner::Lines { next, .. } => self.line(&mut inner, now, next),
            Manner::Nothing => {}
        }
    }

    /// Takes the bar away and shows nothing more: the work is being stopped.
    pub fn clear(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).is_cleared = true;
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            self.shared.show_bar(None);
        }
    }

    /// Ends it: the bar goes; where there were plain lines, a last one says where it ended.
    pub fn finish(self) {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if !inner.is_cleared && inner.shown.as_ref().is_some_and(|shown| *shown != inner.state) {
            self.shared.write(&format!("{}: {}\n", self.what, inner.words().join(", ")));
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
        let waiting = inner.state.waiting.is_some();
        let (first, rest): (Vec<String>, Vec<String>) =
            inner.words().into_iter().partition(|word| !waiting || !word.starts_with(WAITING));
        bar.set_style(style(waiting));
        bar.set_prefix(rest.concat());
        let words = first.join(" · ");
        let whole = format!("{} {way}{words}", self.what);
        // Where there is no room for both, the words say more than the bar.
        let has_room = whole.chars().count() <= usize::from(Narrow(Term::stderr()).width());
        bar.set_message(if has_room { whole } else { format!("{} {words}", self.what) });
    }

    fn line(&self, inner: &mut Inner, now: Instant, next: Duration) {
        if now < inner.next_line || inner.shown.as_ref() == Some(&inner.state) {
            return;
        }
        self.shared.write(&format!("{}: {}\n", self.what, inner.words().join(", ")));
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
        let new = state.done.saturating_sub(state.earlier);
        let rises = |(before, after): (f64, f64)| after > before * RISE;
        if self.state.allowed_per_s.zip(state.allowed_per_s).is_some_and(rises) {
            self.steady.restart();
        }
        self.records.sample(now, new);
        self.steady.sample(now, new);
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
            (Some(total), _) => (&self.steady, state.done, total),
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

/// How the words about a wait begin.
const WAITING: &str = "waiting ";

/// What is said about a state, piece by piece. Pure.
pub fn words(state: &State, per_s: Option<f64>, left: Option<Duration>) -> Vec<String> {
    let mut words = vec![how_far(state)];
    if let Some((wait, why)) = &state.waiting {
        words.push(format!("{WAITING}{}: {}", time(whole_seconds(*wait)), crate::shown::escape(why)));
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
    let target = ProgressDrawTarget::term_like_with_hz(Box::new(Narrow(Term::stderr())), 2 * DRAWS_PER_S);
    ProgressBar::with_draw_target(None, target).with_style(style(false))
}

/// One line; the reason of a wait has a line of its own, since beside the rest it would be cut.
fn style(is_waiting: bool) -> ProgressStyle {
    let template = if is_waiting { "{wide_msg}\n  {prefix}" } else { "{wide_msg}" };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// A terminal of which the last columns stay free. A bar leaves the cursor at its end: the `^C` that the terminal shows
/// for a key would otherwise begin a new line, and the bar above it could not be taken away any more.
#[derive(Debug)]
struct Narrow(Term);

/// Room for what the terminal shows for two keys.
const FREE_COLUMNS: u16 = 4;

impl TermLike for Narrow {
    fn width(&self) -> u16 {
        self.0.size().1.saturating_sub(FREE_COLUMNS)
    }

    fn height(&self) -> u16 {
        self.0.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.0.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}

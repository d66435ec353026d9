//! Reading cards one after the other. Memory is bounded by one card.

use super::frame::{Framed, Scan, is_begin, is_end, line_at};
use super::lines::ferry_lines_removed;
use super::take::Cards;
use crate::files::batch::{Batch, Room};
use crate::files::format::RECORD_LEN_MAX;
use crate::files::packed::read_failure;
use crate::files::reader::{ReadFault, Source};
use crate::files::shown::excerpt;
use crate::files::window::{Window, count_line_ends, kept_of_too_large};
use crate::outcome::{Failure, Problem, Reject};
use crate::record::{Origin, Record};

/// The cards of a file.
pub(super) struct CardSource {
    window: Window,
    shown: String,
    cards: Cards,
    line: u64,
    ordinal: u64,
    is_ended: bool,
}

/// What comes next: a card or lines of none, why it cannot be taken, and where what follows begins.
struct Step {
    len: usize,
    next: usize,
    problem: Option<Problem>,
}

impl CardSource {
    /// The cards in `window`.
    pub fn new(window: Window, shown: &str, cards: Cards) -> CardSource {
        CardSource { window, shown: shown.to_owned(), cards, line: 1, ordinal: 0, is_ended: false }
    }

    /// Passes over blank lines and byte-order marks between cards; whether anything follows.
    fn skip_blanks(&mut self) -> bool {
        loop {
            let data = self.window.data();
            let blank = data.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            // A card that begins with a blank is one.
            let mark = data.get(blank..).is_some_and(|rest| rest.starts_with(b"\xEF\xBB\xBF"));
            let n = if mark { blank + 3 } else { blank };
            let ends_in_cr = data.get(..n).and_then(<[u8]>::last) == Some(&b'\r');
            if ends_in_cr && n == data.len() && self.window.more() {
                continue;
            }
            self.line += count_line_ends(self.window.data().get(..n).unwrap_or_default());
            self.window.consume(n);
            if !self.window.data().is_empty() && n == 0 {
                return true;
            }
            if self.window.data().is_empty() && !self.window.more() {
                return false;
            }
        }
    }

    /// What comes next: a card, lines of none, or the end of the file.
    fn next_step(&mut self) -> Option<Result<Step, ReadFault>> {
        if self.is_ended {
            return None;
        }
        if !self.skip_blanks() {
            let is_cut = self.window.fault().is_some();
            self.is_ended = true;
            return is_cut.then(|| Err(self.cut()));
        }
        Some(self.step())
    }

    /// Finds the next card.
    fn step(&mut self) -> Result<Step, ReadFault> {
        let mut scan = Scan::default();
        loop {
            let data = self.window.data();
            let framed = scan.feed(data, self.window.whole());
            match framed {
                Framed::Card { len, next } if len <= RECORD_LEN_MAX => return Ok(Step { len, next, problem: None }),
                Framed::Card { next, .. } => return Ok(self.too_large(next)),
                Framed::Open { next } | Framed::Outside { next } if next > RECORD_LEN_MAX => {
                    return Ok(self.too_large(next));
                }
                Framed::Open { next } => return Ok(self.open(next)),
                Framed::Outside { next } => return Ok(self.outside(next)),
                Framed::More if data.len() > RECORD_LEN_MAX => return Ok(self.endless()),
                Framed::More => {
                    if !self.window.more() && self.window.fault().is_some() {
                        return Err(self.cut());
                    }
                }
            }
        }
    }

    fn cut(&mut self) -> ReadFault {
        self.is_ended = true;
        let error = self.window.fault().map(|error| read_failure(&self.shown, error, self.line));
        ReadFault::Fatal(error.unwrap_or_else(|| Failure::failed("the file ended: a bug in Ferry")))
    }

    fn open(&self, next: usize) -> Step {
        let message = format!("the card that begins in line {} has no `END:VCARD`", self.line);
        let hint = "add the line `END:VCARD`; if it is the last card, the file may be cut off: copy or export it again";
        Step { len: self.trimmed(next), next, problem: Some(Problem::new("row.card", message).hint(hint)) }
    }

    fn outside(&self, next: usize) -> Step {
        let line = line_at(self.window.data(), 0, true).map_or(&b""[..], |(line, _)| line);
        let message = format!("the text is in no card: `{}`", excerpt(line));
        let hint = "put it between `BEGIN:VCARD` and `END:VCARD`, or delete it";
        Step { len: self.trimmed(next), next, problem: Some(Problem::new("row.card", message).hint(hint)) }
    }

    /// The length of what ends before `next`, without the line ends.
    fn trimmed(&self, next: usize) -> usize {
        let data = self.window.data().get(..next).unwrap_or_default();
        data.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1)
    }

    fn too_large(&self, next: usize) -> Step {
        let limit = RECORD_LEN_MAX >> 20;
        let message = format!("the card that begins in line {} is longer than {limit} MiB", self.line);
        let hint = "its first 64 KiB are kept in the rejects; is `END:VCARD` missing, or is a picture too large?";
        let len = kept_of_too_large(self.window.data()).len();
        Step { len, next, problem: Some(Problem::new("row.too_large", message).hint(hint)) }
    }

    /// A card whose end is not in view: what follows is found line by line, once its beginning is kept.
    fn endless(&self) -> Step {
        self.too_large(usize::MAX)
    }

    /// Leaves what is in view behind, up to the end of the card or the beginning of the next.
    fn pass_over(&mut self) {
        // The first line begins the card that is passed over.
        let mut is_first = true;
        loop {
            let (len, whole) = (self.window.data().len(), self.window.whole());
            let line = line_at(self.window.data(), 0, whole);
            match line.map(|(line, next)| (is_begin(line), is_end(line), next)) {
                Some((true, ..)) if !is_first => return,
                Some((_, is_end, next)) => {
                    self.leave(next);
                    if is_end {
                        return;
                    }
                    is_first = false;
                }
                None if len > RECORD_LEN_MAX => self.leave(len - 1),
                None if self.window.more() => {}
                None => return,
            }
        }
    }

    fn leave(&mut self, n: usize) {
        self.line += count_line_ends(self.window.data().get(..n).unwrap_or_default());
        self.window.consume(n);
    }

    /// Hands over the bytes of a framed card, and leaves them behind; why it is none.
    fn take<T>(&mut self, step: Step, take: impl FnOnce(&Cards, Origin, &[u8]) -> T) -> Result<T, ReadFault> {
        let raw = self.window.data().get(..step.len).unwrap_or_default();
        let origin = Origin { ordinal: self.ordinal, line: self.line };
        self.ordinal += 1;
        let taken = match step.problem {
            None => Ok(take(&self.cards, origin, raw)),
            Some(problem) => {
                let raw = ferry_lines_removed(raw).into_boxed_slice();
                Err(ReadFault::Reject(Reject { origin, raw, problems: vec![problem] }))
            }
        };
        match step.next {
            usize::MAX => self.pass_over(),
            next => self.leave(next),
        }
        taken
    }
}

impl Iterator for CardSource {
    type Item = Result<Record, ReadFault>;

    fn next(&mut self) -> Option<Self::Item> {
        let taken = self.next_step()?.and_then(|step| self.take(step, Cards::record));
        Some(taken.and_then(|record| record.map_err(ReadFault::Reject)))
    }
}

impl Source for CardSource {
    fn next_batch(&mut self, room: Room) -> Batch {
        let mut batch = Batch::of_cards(self.cards.clone());
        while batch.has_room(room) {
            let step = self.next_step();
            let added =
                step.map(|step| step.and_then(|step| self.take(step, |_, origin, raw| batch.add_framed(origin, raw))));
            let other = match added {
                Some(Ok(())) => continue,
                Some(Err(fault)) => Some(Err(fault)),
                None => None,
            };
            if !batch.add(other) {
                break;
            }
        }
        batch
    }
}

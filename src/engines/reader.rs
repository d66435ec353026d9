//! The thread that reads a stream, line by line, and gathers its records. It waits while a portion is full, so that the
//! sender of the stream waits too.

use super::gate::Gate;
use super::protocol::{Message, Protocol};
use crate::files::RECORD_LEN_MAX;
use crate::outcome::Failure;
use crate::report::Console;
use crate::report::words::count;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Read};
use std::sync::Arc;

/// The longest line: a record and what stands around it.
const LINE_LEN_MAX: usize = RECORD_LEN_MAX + (1 << 20);

/// The most streams that are told apart.
const STREAMS_MAX: usize = 1_000;

/// Reads a stream.
pub(super) struct Reader {
    pub protocol: Arc<dyn Protocol>,
    pub gate: Arc<Gate>,
    pub console: Console,
    pub streams: Streams,
    /// Records of each stream since its last state.
    counts: BTreeMap<String, u64>,
    warned: BTreeSet<&'static str>,
    line: u64,
}

impl Reader {
    pub fn new(protocol: Arc<dyn Protocol>, gate: Arc<Gate>, console: Console, streams: Streams) -> Reader {
        let (counts, warned) = (BTreeMap::new(), BTreeSet::new());
        Reader { protocol, gate, console, streams, counts, warned, line: 0 }
    }

    /// Reads to the end, or to what stops it.
    pub fn read_all(mut self, input: impl BufRead) {
        let end = self.read(input).and_then(|()| self.streams.end());
        self.streams.note().iter().for_each(|note| self.console.note(note));
        self.gate.end(end);
    }

    fn read(&mut self, mut input: impl BufRead) -> Result<(), Failure> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let limited = input.by_ref().take(LINE_LEN_MAX as u64 + 1).read_until(b'\n', &mut line);
            self.line += 1;
            if limited.map_err(|error| self.unreadable(&error))? == 0 {
                return Ok(());
            }
            let is_cut = line.last() != Some(&b'\n');
            if line.len() > LINE_LEN_MAX {
                return Err(self.broken(format!("it has more than {} MiB", LINE_LEN_MAX >> 20), false));
            }
            let text = std::str::from_utf8(&line).map_err(|error| self.broken(error.to_string(), is_cut))?;
            let text = text.trim();
            if !text.is_empty() && !self.take(text, is_cut)? {
                return Ok(());
            }
        }
    }

    /// Takes a line; false: the rest is not wanted any more.
    fn take(&mut self, line: &str, is_cut: bool) -> Result<bool, Failure> {
        let protocol = Arc::clone(&self.protocol);
        match protocol.message(line).map_err(|why| self.broken(why, is_cut))? {
            Message::Schema { stream, key } => {
                if let Some(key) = self.streams.begin(&stream, key)? {
                    return Ok(self.gate.begin(&stream, key));
                }
            }
            Message::Record { stream, json } => {
                let is_taken = self.streams.is_taken(&stream).ok_or_else(|| self.unknown(&stream))?;
                match self.counts.get_mut(&*stream) {
                    Some(count) => *count += 1,
                    None => drop(self.counts.insert(stream.into_owned(), 1)),
                }
                if is_taken {
                    return self.gate.add(json);
                }
                self.streams.left_out += 1;
            }
            Message::State(state) => {
                let records = match &state.stream {
                    Some(stream) => self.counts.remove(stream).unwrap_or_default(),
                    None => std::mem::take(&mut self.counts).into_values().sum(),
                };
                return Ok(self.gate.add_state(state, records, !self.protocol.hands_back_each_state()));
            }
            Message::LeftOut(kind, why) => {
                if self.warned.insert(kind) {
                    self.console.note(&format!("messages of the kind {kind} are left out: {why}"));
                }
            }
            Message::Refused(what, hint) => {
                let line = self.line;
                return Err(Failure::usage(format!("line {line} of the stream is {what}")).hint(hint));
            }
            Message::Other => {}
        }
        Ok(true)
    }

    fn unreadable(&self, error: &io::Error) -> Failure {
        Failure::failed(format!("the stream cannot be read behind line {}", self.line.saturating_sub(1))).cause(error)
    }

    fn broken(&self, why: String, is_cut: bool) -> Failure {
        let (line, name) = (self.line, self.protocol.name());
        let failure = match is_cut {
            true => Failure::failed(format!("the stream ends in the middle of line {line}")).cause(why),
            false => Failure::failed(format!("line {line} of the stream is no message of {name}")).cause(why),
        };
        failure.hint("what came before it is kept; look at what the sender of the stream says, then run both again")
    }

    fn unknown(&self, stream: &str) -> Failure {
        let (line, name) = (self.line, self.protocol.name());
        Failure::failed(format!("line {line} of the stream is a record of `{stream}`, which was not announced"))
            .hint(format!("a stream of {name} says first what its records look like; look at its sender"))
    }
}

/// Which of the streams are taken: the one that is asked for, else the only one.
#[derive(Clone, Debug, Default)]
pub struct Streams {
    asked: Option<String>,
    taken: Option<String>,
    others: BTreeSet<String>,
    left_out: u64,
}

impl Streams {
    /// The stream of this name, else the only one.
    pub fn new(asked: Option<String>) -> Streams {
        Streams { asked, ..Streams::default() }
    }

    /// A stream is announced. Gives its key back where its records are taken.
    ///
    /// # Errors
    /// Exit 2 where it is not known which of several is meant.
    pub fn begin(&mut self, stream: &str, key: Vec<String>) -> Result<Option<Vec<String>>, Failure> {
        let is_it = match (&self.asked, &self.taken) {
            (Some(asked), _) => asked == stream,
            (None, Some(taken)) if taken != stream => {
                return Err(Failure::usage(format!("there are records of `{taken}` and of `{stream}`"))
                    .hint(format!("say which are contacts: `--stream {taken}`, or `stream` in the settings")));
            }
            (None, _) => true,
        };
        if is_it {
            self.taken = Some(stream.to_owned());
            return Ok(Some(key));
        }
        if self.others.len() >= STREAMS_MAX && !self.others.contains(stream) {
            return Err(Failure::usage(format!("there are more than {STREAMS_MAX} streams")));
        }
        self.others.insert(stream.to_owned());
        Ok(None)
    }

    /// Whether the records of a stream are taken; none where it was not announced.
    fn is_taken(&self, stream: &str) -> Option<bool> {
        if self.taken.as_deref() == Some(stream) {
            return Some(true);
        }
        self.others.contains(stream).then_some(false)
    }

    fn end(&self) -> Result<(), Failure> {
        match (&self.asked, &self.taken) {
            (Some(asked), None) if !self.others.is_empty() => {
                let names: Vec<String> = self.others.iter().map(|name| format!("`{name}`")).collect();
                Err(Failure::usage(format!("there was no stream `{asked}`"))
                    .hint(format!("the streams were {}", names.join(", "))))
            }
            _ => Ok(()),
        }
    }

    /// What was left out, in words.
    fn note(&self) -> Option<String> {
        let names: Vec<String> = self.others.iter().map(|name| format!("`{name}`")).collect();
        (self.left_out > 0).then(|| {
            let (records, were) =
                (count(self.left_out, "record", "records"), if self.left_out == 1 { "was" } else { "were" });
            format!("{records} of {} {were} left out", names.join(", "))
        })
    }
}

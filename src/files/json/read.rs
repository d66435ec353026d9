//! Reading JSON record by record.

use super::head::string_len;
use super::scan::Scan;
use super::take::Objects;
use crate::files::batch::{Batch, Room};
use crate::files::format::RECORD_LEN_MAX;
use crate::files::packed::read_failure;
use crate::files::reader::{ReadFault, Source};
use crate::files::reject_columns::{OF, OF_CONTACT};
use crate::files::shown::excerpt;
use crate::files::window::{Window, count_line_ends, kept_of_too_large};
use crate::outcome::{Failure, Problem, Reject};
use crate::record::{Origin, Record};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// The longest key on the way to the records.
const KEY_LEN_MAX: usize = 64 << 10;

/// A JSON file's records, read one after the other.
pub(crate) struct JsonSource {
    window: Window,
    shown: String,
    objects: Objects,
    line: u64,
    /// Whether the last byte left behind was a `\r`, whose line is counted.
    after_cr: bool,
    ordinal: u64,
    place: Place,
    /// Whether the user said which of its lists to read.
    has_given_root: bool,
}

/// A record in view: its bytes are the first `len`, and the next one begins after `next`.
struct Framed {
    len: usize,
    next: usize,
}

/// One step through a file: a framed record, or why there is none.
type Step = Result<Framed, ReadFault>;

/// Whether JSON Lines that begin so are rejects, and whether a platform's: then their records are its contacts.
pub(crate) fn are_rejects(begin: &[u8]) -> (bool, bool) {
    #[derive(Deserialize)]
    struct Line {
        ferry: serde_json::Map<String, Value>,
    }
    let line = begin.trim_ascii_start().split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    let Ok(Line { ferry }) = serde_json::from_slice(line) else { return (false, false) };
    (ferry.contains_key("code"), ferry.get(OF).is_some_and(|of| of == OF_CONTACT))
}

/// Where the reader stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At a line.
    Line,
    /// At an element of the array, `depth` objects deep; `first` when none came before.
    Element { depth: usize, first: bool },
    /// Behind the array.
    Behind { depth: usize },
    /// Nothing is left.
    End,
}

impl JsonSource {
    /// Reads JSON Lines.
    pub fn lines(window: Window, shown: &str, encoding: &'static str) -> JsonSource {
        let shown = shown.to_owned();
        let objects = Objects { encoding, are_contacts: false };
        let place = Place::Line;
        JsonSource { window, shown, objects, line: 1, after_cr: false, ordinal: 0, place, has_given_root: false }
    }

    /// The same; `has_given_root`: whether the user said which of its lists to read.
    pub fn with_given_root(self, has_given_root: bool) -> JsonSource {
        JsonSource { has_given_root, ..self }
    }

    /// The same, of which it is known whether the records are contacts of a platform.
    pub fn of_contacts(self, are_contacts: bool) -> JsonSource {
        JsonSource { objects: Objects { are_contacts, ..self.objects }, ..self }
    }

    /// Reads an array; inside of objects, at the dotted path `root`, where it is given.
    ///
    /// # Errors
    /// Exit 2 when there is no array there; exit 1 when the file ends before it.
    pub fn array(
        window: Window,
        root: Option<&str>,
        shown: &str,
        encoding: &'static str,
    ) -> Result<JsonSource, Failure> {
        let mut source = JsonSource::lines(window, shown, encoding);
        let steps: Vec<&str> = root.map(|root| root.split('.').collect()).unwrap_or_default();
        for (index, step) in steps.iter().enumerate() {
            let path = steps.get(..=index).unwrap_or_default().join(".");
            source.enter(step, &path)?;
        }
        source.blanks();
        match source.window.data().first() {
            Some(b'[') => source.leave(1),
            Some(_) => return Err(source.no_array(root)),
            None => return Err(source.cut("before its list begins")),
        }
        source.place = Place::Element { depth: steps.len(), first: true };
        Ok(source)
    }

    fn no_array(&self, root: Option<&str>) -> Failure {
        let place = root.map_or_else(String::new, |root| format!(" at `{root}`"));
        let found = excerpt(self.window.data().get(..200).unwrap_or(self.window.data()));
        Failure::usage(format!("there is no list in `{}`{place}, but `{found}`", self.shown))
            .hint("`root` in the mapping's `read` names the array that holds the records")
    }

    /// Goes to the value of `key` in the object that comes next; `path` is where that is.
    fn enter(&mut self, key: &str, path: &str) -> Result<(), Failure> {
        self.expect(b'{', path)?;
        let mut seen = Vec::new();
        loop {
            self.blanks();
            if self.window.data().first() == Some(&b'}') {
                let found = if seen.is_empty() { "nothing".to_owned() } else { seen.join(", ") };
                return Err(Failure::usage(format!("there is no `{path}` in `{}`, but {found}", self.shown))
                    .hint("`root` in the mapping's `read` names the array that holds the records"));
            }
            let found = self.key(path)?;
            self.expect(b':', path)?;
            if found == key {
                return Ok(());
            }
            if seen.len() < 8 {
                seen.push(format!("`{}`", excerpt(found.as_bytes())));
            }
            self.skip_value()?;
            if self.window.data().first() == Some(&b',') {
                self.leave(1);
            }
        }
    }

    fn expect(&mut self, byte: u8, path: &str) -> Result<(), Failure> {
        self.blanks();
        match self.window.data().first() {
            Some(found) if *found == byte => {
                self.leave(1);
                Ok(())
            }
            Some(_) => Err(self.no_array(Some(path))),
            None => Err(self.cut("before its list begins")),
        }
    }

    fn key(&mut self, path: &str) -> Result<String, Failure> {
        loop {
            let data = self.window.data();
            if data.first().is_some_and(|&byte| byte != b'"') || data.len() > KEY_LEN_MAX && string_len(data).is_none()
            {
                return Err(self.no_array(Some(path)));
            }
            if let Some(len) = string_len(data) {
                let Ok(key) = serde_json::from_slice(data.get(..len).unwrap_or_default()) else {
                    return Err(self.no_array(Some(path)));
                };
                self.leave(len);
                return Ok(key);
            }
            if !self.window.more() {
                return Err(self.cut("before its list begins"));
            }
        }
    }

    /// Skips a value of any length; the `,` or `}` after it comes next.
    fn skip_value(&mut self) -> Result<(), Failure> {
        let mut scan = Scan::default();
        loop {
            let data = self.window.data();
            let end = scan.feed_piece(data, b'}');
            self.leave(end.unwrap_or(data.len()));
            if end.is_some() {
                return Ok(());
            }
            if !self.window.more() {
                return Err(self.cut("before its list begins"));
            }
        }
    }

    /// Leaves blanks behind, and reads on where the window is empty.
    fn blanks(&mut self) {
        loop {
            let data = self.window.data();
            let blank = data.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
            let all = blank == data.len();
            self.leave(blank);
            if !all || !self.window.more() {
                return;
            }
        }
    }

    /// Leaves `n` bytes behind and counts their lines.
    fn leave(&mut self, n: usize) {
        let left = self.window.data().get(..n).unwrap_or_default();
        let half = self.after_cr && left.first() == Some(&b'\n');
        self.line += count_line_ends(left) - u64::from(half);
        if let Some(last) = left.last() {
            self.after_cr = *last == b'\r';
        }
        self.window.consume(n);
    }

    /// Why a file that ends too early cannot be read on.
    fn cut(&self, place: &str) -> Failure {
        if let Some(error) = self.window.fault() {
            return read_failure(&self.shown, error, self.line);
        }
        Failure::failed(format!("`{}` ends in the middle: line {} is its last, {place}", self.shown, self.line))
            .hint("copy or download the file again; what came before has been read")
    }

    fn fatal(&mut self, failure: Failure) -> Option<Step> {
        self.place = Place::End;
        Some(Err(ReadFault::Fatal(failure)))
    }

    /// Finds the next record and leaves it at the beginning of the window.
    fn step(&mut self) -> Option<Step> {
        match self.place {
            Place::Line => self.next_line(),
            Place::Element { depth, first } => self.next_element(depth, first),
            Place::Behind { depth } => self.finish(depth),
            Place::End => None,
        }
    }

    fn next_line(&mut self) -> Option<Step> {
        self.blanks();
        loop {
            let data = self.window.data();
            let (end, have) = (memchr::memchr2(b'\n', b'\r', data), data.len());
            match end {
                Some(len) if len <= RECORD_LEN_MAX => return Some(Ok(Framed { len, next: len })),
                Some(_) => return Some(Err(self.too_large(LargeEnd::Line))),
                None if have > RECORD_LEN_MAX => return Some(Err(self.too_large(LargeEnd::Line))),
                None if self.window.more() => {}
                None if self.window.fault().is_some() => {
                    let failure = self.cut("");
                    return self.fatal(failure);
                }
                None if have == 0 => {
                    self.place = Place::End;
                    return None;
                }
                None => return self.last_line(have),
            }
        }
    }

    /// A last line without a line end: where it is the beginning of a value, the file was cut.
    fn last_line(&mut self, len: usize) -> Option<Step> {
        let parsed = serde_json::from_slice::<IgnoredAny>(self.window.data());
        if parsed.is_err_and(|error| error.is_eof()) {
            let failure = self.cut("and it is not a whole record");
            return self.fatal(failure);
        }
        Some(Ok(Framed { len, next: len }))
    }

    fn next_element(&mut self, depth: usize, first: bool) -> Option<Step> {
        self.blanks();
        if first && self.window.data().first() == Some(&b']') {
            self.leave(1);
            self.place = Place::Behind { depth };
            return self.step();
        }
        let mut scan = Scan::default();
        let mut scanned = 0;
        loop {
            let data = self.window.data();
            if let Some(len) = scan.feed(data, scanned, b']') {
                self.place = self.place_behind(depth, data.get(len).copied());
                if len > RECORD_LEN_MAX {
                    return Some(Err(self.too_large(LargeEnd::At(len + 1))));
                }
                return Some(Ok(Framed { len, next: len + 1 }));
            }
            scanned = data.len();
            if scanned > RECORD_LEN_MAX {
                return Some(Err(self.too_large(LargeEnd::Element { depth, scan })));
            }
            if !self.window.more() {
                if let Some(len) = whole_object(self.window.data(), &scan) {
                    self.place = Place::Element { depth, first: false };
                    return Some(Ok(Framed { len, next: len }));
                }
                let failure = self.cut("and its list has no closing bracket");
                return self.fatal(failure);
            }
        }
    }

    fn place_behind(&self, depth: usize, end: Option<u8>) -> Place {
        match end {
            Some(b',' | b'\n') => Place::Element { depth, first: false },
            _ => Place::Behind { depth },
        }
    }

    /// Demands that every bracket is closed behind the array, and that nothing else follows.
    fn finish(&mut self, depth: usize) -> Option<Step> {
        let mut scan = Scan::within_objects(depth);
        loop {
            let data = self.window.data();
            let end = scan.feed_to_close(data);
            self.leave(end.unwrap_or(data.len()));
            if end.is_some() {
                break;
            }
            if !self.window.more() {
                let failure = self.cut("and its brackets are not closed");
                return self.fatal(failure);
            }
        }
        if scan.has_list() && !self.has_given_root {
            let message = format!("there are several lists in `{}`, and one of them was read", self.shown);
            let hint = "`root` in the mapping's `read` names the array that holds the records";
            return self.fatal(Failure::usage(message).hint(hint));
        }
        self.blanks();
        let rest = self.window.data();
        if !rest.is_empty() {
            let message =
                format!("`{}` continues after its list, at line {}: `{}`", self.shown, self.line, excerpt(rest));
            let hint = "A bracket too many, or two files in one; what came before has been read";
            return self.fatal(Failure::failed(message).hint(hint));
        }
        if self.window.fault().is_some() {
            let failure = self.cut("");
            return self.fatal(failure);
        }
        self.place = Place::End;
        None
    }

    fn origin(&mut self) -> Origin {
        let origin = Origin { ordinal: self.ordinal, line: self.line };
        self.ordinal += 1;
        origin
    }

    /// Hands over the bytes of a framed record, and leaves them behind.
    fn take<T>(&mut self, framed: &Framed, take: impl FnOnce(Objects, Origin, &[u8]) -> T) -> T {
        let origin = self.origin();
        let raw = self.window.data().get(..framed.len).unwrap_or_default().trim_ascii_end();
        let taken = take(self.objects, origin, raw);
        self.leave(framed.next);
        taken
    }

    fn too_large(&mut self, end: LargeEnd) -> ReadFault {
        let origin = self.origin();
        let data = self.window.data();
        let raw = kept_of_too_large(data).into();
        let limit = RECORD_LEN_MAX >> 20;
        let message = format!("the record that begins in line {} is longer than {limit} MiB", self.line);
        let problem = Problem::new("row.too_large", message)
            .hint("its first 64 KiB are kept in the rejects; is a closing bracket missing?");
        match end {
            LargeEnd::At(next) => self.leave(next),
            LargeEnd::Line => self.pass_over_line(),
            LargeEnd::Element { depth, scan } => self.pass_over_element(depth, scan),
        }
        ReadFault::Reject(Reject { origin, raw, problems: vec![problem] })
    }

    fn pass_over_line(&mut self) {
        loop {
            let data = self.window.data();
            let end = memchr::memchr2(b'\n', b'\r', data);
            self.leave(end.unwrap_or(data.len()));
            if end.is_some() || !self.window.more() {
                return;
            }
        }
    }

    /// Passes over the rest of an element whose bytes in view `scan` has seen.
    fn pass_over_element(&mut self, depth: usize, mut scan: Scan) {
        self.leave(self.window.data().len());
        // Until its end is found the next step is inside it, and reports that the list has no closing bracket.
        self.place = Place::Element { depth, first: false };
        while self.window.more() {
            let data = self.window.data();
            let end = scan.feed_piece(data, b']');
            let behind = end.map(|end| self.place_behind(depth, data.get(end).copied()));
            self.leave(end.map_or(data.len(), |end| end + 1));
            if let Some(place) = behind {
                self.place = place;
                return;
            }
        }
    }
}

/// How long the object is with which a file ends, if it is whole: the cut is behind it.
fn whole_object(data: &[u8], scan: &Scan) -> Option<usize> {
    let object = data.trim_ascii_end();
    (scan.is_closed() && object.ends_with(b"}")).then_some(object.len())
}

/// Where a record that is too large ends.
enum LargeEnd {
    /// In the window; the offset after it.
    At(usize),
    /// At the next line end.
    Line,
    /// Somewhere in the rest of the array.
    Element { depth: usize, scan: Scan },
}

impl Iterator for JsonSource {
    type Item = Result<Record, ReadFault>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(match self.step()? {
            Ok(framed) => {
                self.take(&framed, |objects, origin, raw| objects.record(origin, raw)).map_err(ReadFault::Reject)
            }
            Err(fault) => Err(fault),
        })
    }
}

impl Source for JsonSource {
    fn next_batch(&mut self, room: Room) -> Batch {
        let mut batch = Batch::of_objects(self.objects);
        while batch.has_room(room) {
            let other = match self.step() {
                Some(Ok(framed)) => {
                    self.take(&framed, |_, origin, raw| batch.add_framed(origin, raw));
                    continue;
                }
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

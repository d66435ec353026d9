//! A stream that is sent: contacts from a file that holds all of them, with the places from which it can be continued.
//! How the file was made is not known here.

use super::bookmark::Bookmark;
use super::protocol::{Protocol, Stream};
use crate::outcome::Failure;
use crate::run::stop::Stop;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

/// A place is sent after so many records.
const PLACE_EVERY: u64 = 1_000;

/// Bytes read and written at a time.
const BUFFER_LEN: usize = 256 << 10;

/// Sends a stream.
pub struct Outbox<W: Write> {
    protocol: Arc<dyn Protocol>,
    out: BufWriter<W>,
}

impl<W: Write> Outbox<W> {
    /// A stream into `out`.
    pub fn new(protocol: Arc<dyn Protocol>, out: W) -> Outbox<W> {
        Outbox { protocol, out: BufWriter::with_capacity(BUFFER_LEN, out) }
    }

    /// Sends what comes before the first record, with the place at which the stream begins.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn begin(&mut self, stream: &Stream, place: &Bookmark) -> Result<(), Failure> {
        let lines = self.protocol.begin(stream);
        let begun = lines.iter().try_for_each(|line| self.line(line)).and_then(|()| self.place(place, 0));
        begun.map_err(|error| gone(&error))
    }

    /// Sends the contacts of a file from a place on. False when it was told to stop before the last one.
    ///
    /// # Errors
    /// Exit 1 when the file cannot be read or the stream not be written.
    pub fn send(&mut self, stream: &Stream, file: &Path, mut place: Bookmark, stop: &Stop) -> Result<bool, Failure> {
        let unread = |error: io::Error| Failure::failed(format!("`{}` cannot be read", file.display())).cause(error);
        let contacts = BufReader::with_capacity(BUFFER_LEN, File::open(file).map_err(unread)?);
        let mut since = 0;
        for (at, json) in (0..).zip(contacts.lines()) {
            let json = json.map_err(unread)?;
            if at < place.records {
                continue;
            }
            if stop.is_requested() {
                return self.place(&place, since).map(|()| false).map_err(|error| gone(&error));
            }
            let reduced = stream.selection.reduced(&json);
            let line = self.protocol.record(stream, reduced.as_deref().unwrap_or(&json));
            self.line(&line).map_err(|error| gone(&error))?;
            (place.records, since) = (at + 1, since + 1);
            if since == PLACE_EVERY {
                self.place(&place, since).map_err(|error| gone(&error))?;
                since = 0;
            }
        }
        place.complete = true;
        let lines = self.protocol.end();
        let ended = self.place(&place, since).and_then(|()| lines.iter().try_for_each(|line| self.line(line)));
        ended.and_then(|()| self.out.flush()).map(|()| true).map_err(|error| gone(&error))
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        self.out.write_all(line.as_bytes())?;
        self.out.write_all(b"\n")
    }

    /// Everything before a place has left when it is kept.
    fn place(&mut self, place: &Bookmark, records: u64) -> io::Result<()> {
        let line = self.protocol.place(place, records);
        self.line(&line)?;
        self.out.flush()
    }
}

fn gone(error: &io::Error) -> Failure {
    Failure::failed("the stream cannot be written to standard output").cause(error).hint(
        "look at why its receiver has ended, then run both again: the stream continues at the state that was kept",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::catalog::Selection;
    use crate::engines::schema::Shape;
    use crate::engines::singer::Singer;

    fn sent(from: u64) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("contacts.jsonl");
        let lines: String = (0..2_500).map(|n| format!("{{\"id\":\"{n}\"}}\n")).collect();
        std::fs::write(&file, lines).unwrap();
        let selection = Selection::default();
        let read_at = "2026-11-30T11:07:33Z".parse().unwrap();
        let stream = Stream { shape: Shape::whole(), read_at, selection };
        let mut out = Vec::new();
        let place = Bookmark { records: from, ..Bookmark::begin("x", read_at, None) };
        let mut outbox = Outbox::new(Arc::new(Singer), &mut out);
        outbox.begin(&stream, &place).unwrap();
        assert!(outbox.send(&stream, &file, place, &Stop::default()).unwrap());
        drop(outbox);
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_stream_continues_behind_the_place_that_was_kept() {
        let whole = sent(0);
        let is_record = |line: &&String| line.contains("RECORD");
        assert_eq!(whole.iter().filter(is_record).count(), 2_500);
        let places: Vec<&String> = whole.iter().filter(|line| line.contains("STATE")).collect();
        let numbers = [0, 1_000, 2_000, 2_500].map(|n| format!("\"records\":{n},"));
        assert!(places.iter().zip(&numbers).all(|(place, number)| place.contains(number)), "{places:?}");
        assert!(places[3].ends_with("\"complete\":true}}}}"), "{places:?}");
        let rest = sent(2_000);
        let of_rest: Vec<&String> = rest.iter().filter(is_record).collect();
        assert_eq!(of_rest, whole.iter().filter(is_record).skip(2_000).collect::<Vec<_>>());
    }
}

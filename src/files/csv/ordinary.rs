//! Rows of a table that go into a batch as they stand, to be split when they are taken out: those of which the reader has
//! nothing to find out but where they end. All others go one by one through `take`.

use super::frame::{Framed, frame};
use super::read::CsvSource;
use crate::files::batch::{Batch, FramedRecord, Room};
use crate::files::format::RECORD_LEN_MAX;
use crate::files::window::count_line_ends;
use crate::record::Origin;

impl CsvSource {
    /// Adds the ordinary rows that come next and are in view.
    pub(super) fn add_ordinary_rows(&mut self, batch: &mut Batch, room: Room) {
        let needs_care = self.after_blank || self.in_second || self.wary > 0 || self.blank_lines.1 > 0;
        if needs_care || !self.columns.has_ordinary_rows() {
            return;
        }
        let (data, whole) = (self.window.data(), self.window.whole());
        let (mut at, mut line, mut ordinal) = (0, self.line, self.ordinal);
        let mut rows = Vec::new();
        while batch.len() + rows.len() < room.records && batch.bytes_len() + at < room.bytes {
            let rest = data.get(at..).unwrap_or_default();
            let framed = frame(rest, self.options.delimiter, whole, RECORD_LEN_MAX);
            let Framed::Record { len, next, quoted } = framed else { break };
            let raw = rest.get(..len).unwrap_or_default();
            if len > RECORD_LEN_MAX || !self.columns.is_ordinary(raw) || self.columns.sums_line == Some(line) {
                break;
            }
            rows.push(FramedRecord { from: at, len, quoted, origin: Origin { ordinal, line } });
            line += if quoted && !self.options.is_sheet {
                count_line_ends(rest.get(..next).unwrap_or_default())
            } else {
                1
            };
            (at, ordinal) = (at + next, ordinal + 1);
        }
        batch.add_rows(data.get(..at).unwrap_or_default(), rows);
        (self.line, self.ordinal) = (line, ordinal);
        self.forget(at);
    }
}

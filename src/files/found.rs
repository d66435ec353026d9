//! What is found only while a file is read, for the notes after it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Rows of a table that are no records. A line of 0 is none.
#[derive(Debug, Default)]
pub struct Found {
    headers: AtomicU64,
    header_line: AtomicU64,
    table_line: AtomicU64,
    hidden: Lines,
    merged: Lines,
    without_value: Lines,
    media: AtomicU64,
    media_bytes: AtomicU64,
    long: AtomicU64,
}

/// Lines that have something in common: how many, and the first of them.
#[derive(Debug, Default)]
struct Lines {
    count: AtomicU64,
    first: AtomicU64,
}

impl Lines {
    fn add(&self, line: u64) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let _ = self.first.compare_exchange(0, line, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// How many there are, and the first one; nothing where there are none.
    fn found(&self) -> Option<(u64, u64)> {
        let count = self.count.load(Ordering::Relaxed);
        (count > 0).then(|| (count, self.first.load(Ordering::Relaxed)))
    }
}

impl Found {
    /// This line repeats the header.
    pub(super) fn header_again(&self, line: u64) {
        self.headers.fetch_add(1, Ordering::Relaxed);
        let _ = self.header_line.compare_exchange(0, line, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// A second table begins at this line.
    pub(super) fn second_table(&self, line: u64) {
        let _ = self.table_line.compare_exchange(0, line, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// This row of a sheet is hidden.
    pub(super) fn hidden_row(&self, line: u64) {
        self.hidden.add(line);
    }

    /// Cells are merged over several rows of a sheet, of which this is the first.
    pub(super) fn merged(&self, line: u64) {
        self.merged.add(line);
    }

    /// A cell of this row has a formula whose value was not stored.
    pub(super) fn formula_without_value(&self, line: u64) {
        self.without_value.add(line);
    }

    /// A card had pictures, sounds, keys or other cards in it, of so many bytes, and long values that mean nothing here.
    pub(super) fn left_out_of_card(&self, (media, bytes): (u64, u64), long: u64) {
        self.media.fetch_add(media, Ordering::Relaxed);
        self.media_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.long.fetch_add(long, Ordering::Relaxed);
    }

    /// A sentence for what was left out of cards.
    fn notes_of_cards(&self, shown: &str) -> Vec<String> {
        let mut notes = Vec::new();
        let media = self.media.load(Ordering::Relaxed);
        if media > 0 {
            let len = self.media_bytes.load(Ordering::Relaxed).div_ceil(1024);
            notes.push(format!("pictures and other media of `{shown}` are left out ({media}, {len} KiB)"));
        }
        let long = self.long.load(Ordering::Relaxed);
        if long > 0 {
            notes.push(format!(
                "values of `{shown}` that have more than 1 KiB and no known meaning are left out ({long})"
            ));
        }
        notes
    }

    /// A sentence for each thing of a sheet.
    fn notes_of_sheet(&self, shown: &str) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some((count, line)) = self.hidden.found() {
            notes
                .push(format!("hidden rows of `{shown}` are read like the others ({count}, the first in line {line})"));
        }
        if let Some((count, line)) = self.merged.found() {
            notes.push(format!(
                "of cells of `{shown}` that are merged over several rows only the first row has the value ({count}, the \
                 first in line {line})"
            ));
        }
        if let Some((count, line)) = self.without_value.found() {
            notes.push(format!(
                "formulas of `{shown}` without a stored value are read as blank ({count}, the first in line {line}); open \
                 the file in the spreadsheet program and save it"
            ));
        }
        notes
    }

    /// A sentence for each thing that was found so far in the file called `shown`.
    pub fn notes(&self, shown: &str) -> Vec<String> {
        let mut notes = Vec::new();
        let (headers, line) = (self.headers.load(Ordering::Relaxed), self.header_line.load(Ordering::Relaxed));
        match headers {
            0 => {}
            1 => notes.push(format!("line {line} of `{shown}` repeats the header and is not a record")),
            n => notes.push(format!(
                "{n} lines of `{shown}` repeat the header and are not records, the first is line {line}"
            )),
        }
        notes.extend(self.notes_of_sheet(shown));
        notes.extend(self.notes_of_cards(shown));
        let line = self.table_line.load(Ordering::Relaxed);
        if line > 0 {
            notes.push(format!(
                "a second table begins in line {line} of `{shown}`; its rows are rejected (`row.table`)"
            ));
        }
        notes
    }
}

//! What is found only while a file is read, for the notes after it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Rows of a table that are no records. A line of 0 is none.
#[derive(Debug, Default)]
pub struct Found {
    headers: AtomicU64,
    header_line: AtomicU64,
    table_line: AtomicU64,
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
        let line = self.table_line.load(Ordering::Relaxed);
        if line > 0 {
            notes.push(format!(
                "a second table begins in line {line} of `{shown}`; its rows are rejected (`row.table`)"
            ));
        }
        notes
    }
}

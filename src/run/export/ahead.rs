//! Writing the file while the account is read, where its rows need no mapping: a reading that brings each contact once has then
//! nothing left to write. It does not put the file in place; any other reading is written from the disk.

use super::parts::{Content, Exporting};
use crate::contact::StoredContact;
use crate::files::csv::CsvEncoder;
use crate::files::{FingerprintSoFar, Output, RowBuffer, RowEncoder, RowLayout, RowWriter};
use crate::outcome::Failure;
use crate::run::active::folder::SPOOL_FILE;
use crate::run::rows::{ContactColumns, Sink};
use crate::run::source::account::What;
use crate::scratch::texts::Texts;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Pages that wait to be written, each of at most so many bytes: one that is larger is written in parts.
const PAGES_AHEAD: usize = 32;
const PAGE_BYTES: usize = 256 * 1024;
/// Pages whose columns are those of a table. One that comes later ends the writing ahead.
const PAGES_OF_COLUMNS: usize = 16;

/// A file that is being written on a thread of its own.
pub(super) struct Ahead {
    /// None once it has ended.
    pages: Option<SyncSender<Texts>>,
    writer: Option<JoinHandle<Result<Option<Written>, Failure>>>,
}

/// What was written.
pub(super) struct Written {
    pub(super) sink: Sink,
    pub(super) content: Content,
    pub(super) rows: u64,
}

impl Ahead {
    fn begin(out: Output, layout: RowLayout) -> Ahead {
        let (pages, received) = sync_channel(PAGES_AHEAD);
        Ahead { pages: Some(pages), writer: Some(std::thread::spawn(move || write(out, layout, &received))) }
    }

    /// Takes the contacts of a page.
    pub(super) fn take(&self, page: Texts) {
        let parts = page.parts(PAGE_BYTES);
        // A writer that has ended says why at the end.
        let _ended = self.pages.as_ref().map(|pages| parts.into_iter().try_for_each(|part| pages.send(part)));
    }

    /// What was written; none where the columns of a table were not those of its first pages.
    pub(super) fn end(mut self) -> Result<Option<Written>, Failure> {
        self.pages = None;
        let joined = self.writer.take().map(JoinHandle::join);
        joined.and_then(Result::ok).unwrap_or_else(|| Err(Failure::failed("the thread that writes the file has ended")))
    }
}

impl Drop for Ahead {
    /// What was written is removed before the process ends.
    fn drop(&mut self) {
        self.pages = None;
        let _removed = self.writer.take().map(JoinHandle::join);
    }
}

fn write(out: Output, layout: RowLayout, pages: &Receiver<Texts>) -> Result<Option<Written>, Failure> {
    let Some(csv) = layout.table() else {
        return Writing::begin(out, layout, None)?.write(pages.iter());
    };
    let first: Vec<Texts> = pages.iter().take(PAGES_OF_COLUMNS).collect();
    let mut columns = ContactColumns::with_id();
    for (_, json) in first.iter().flat_map(Texts::iter) {
        let Some(contact) = StoredContact::parse(json) else { return Ok(None) };
        columns.note(&contact);
    }
    if first.is_empty() {
        return Ok(None);
    }
    Writing::begin(out, layout, Some((csv, columns)))?.write(first.into_iter().chain(pages.iter()))
}

/// A file while it is written.
struct Writing {
    writer: RowWriter,
    /// How cells are written, and of which columns; none: rows are JSON.
    table: Option<(CsvEncoder, ContactColumns)>,
    /// What was kept of the contacts, where it is not what the file holds.
    content: Option<FingerprintSoFar>,
    rows: u64,
}

impl Writing {
    fn begin(out: Output, layout: RowLayout, table: Option<(CsvEncoder, ContactColumns)>) -> Result<Writing, Failure> {
        let is_of_file = layout.is_lines() && out.content().is_some();
        let names = table.iter().flat_map(|(_, columns)| columns.names());
        let writer = RowWriter::begin(out, layout, names)?;
        let content = (!is_of_file).then(FingerprintSoFar::default);
        Ok(Writing { writer, table, content, rows: 0 })
    }

    fn write(mut self, pages: impl Iterator<Item = Texts>) -> Result<Option<Written>, Failure> {
        for page in pages {
            if let Some(content) = &mut self.content {
                content.add(&page.lines());
            }
            let Some(mut rows) = self.rows_of(&page) else { return Ok(None) };
            rows.finish();
            self.writer.rows(&rows)?;
            self.rows += page.len() as u64;
        }
        let content = self.content.map_or(Content::OfFile, |content| Content::Known(content.end()));
        Ok(Some(Written { sink: Sink::File(self.writer), content, rows: self.rows }))
    }

    /// The rows of a page; none where the table has no column for a value.
    fn rows_of(&mut self, page: &Texts) -> Option<RowBuffer> {
        let mut rows = RowBuffer::new(self.writer.layout(), page.size());
        for (_, json) in page.iter() {
            let Some((csv, columns)) = &mut self.table else {
                rows.put(|out| out.extend_from_slice(json.as_bytes()));
                continue;
            };
            let (contact, count) = (StoredContact::parse(json)?, columns.len());
            columns.note(&contact);
            if columns.len() > count {
                return None;
            }
            rows.put(|out| csv.row(columns.cells(&contact).iter().map(|cell| &**cell), out));
        }
        Some(rows)
    }
}

impl Exporting<'_> {
    /// Begins the file before the account is read, where that can be done.
    pub(super) fn ahead(&self) -> Result<Option<Ahead>, Failure> {
        let (plan, layout) = (self.plan, self.form.layout);
        let is_asked_more = plan.since.is_some()
            || plan.work.limit.is_some()
            || plan.changes.is_some()
            || plan.work.results.is_some()
            || self.rejects.are_watched();
        let are_cards = matches!(layout.rows.encoder, RowEncoder::Cards(_));
        let is_whole = plan.what == What::Contacts && !are_cards && self.form.bound.carries_whole();
        let is_resumed = self.run.folder.join(SPOOL_FILE).exists();
        if is_resumed || is_asked_more || !is_whole {
            return Ok(None);
        }
        let out = self.create()?;
        Ok(out.is_replacing().then(|| Ahead::begin(out, layout)))
    }

    /// Begins the file.
    pub(super) fn create(&self) -> Result<Output, Failure> {
        let plan = self.plan;
        if plan.is_to_stdout() {
            return Ok(Output::stdout());
        }
        let (path, info) = (plan.destination(self.moment), &self.run.record);
        let out = Output::create_as(&path, &self.moment.fill(&plan.out))?;
        let out = out.noted(info.ledger(&plan.state), info.about("out"));
        Ok(if plan.is_own { out.private() } else { out })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Format;

    /// A page of one contact with these attributes.
    fn page(id: &str, attributes: &str) -> Texts {
        Texts::from_iter([(id, format!(r#"{{"id":"{id}","attributes":{{{attributes}}}}}"#))])
    }

    /// What is written of these pages, and what was kept of them.
    fn written(name: &str, pages: Vec<Texts>) -> Option<(String, Content)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let layout = Format::of_path(&path).unwrap().row_layout().unwrap();
        let ahead = Ahead::begin(Output::create(&path).unwrap(), layout);
        pages.into_iter().for_each(|page| ahead.take(page));
        let Written { sink, content, rows } = ahead.end().unwrap()?;
        assert!(!path.exists() && rows > 0);
        let out = sink.end(layout, || Output::create(&path)).unwrap();
        let content = match content {
            Content::OfFile => Content::Known(out.content().unwrap()),
            content => content,
        };
        out.commit().unwrap();
        Some((std::fs::read_to_string(&path).unwrap(), content))
    }

    #[test]
    fn the_file_is_written_while_pages_come_and_its_content_is_known() {
        let pages = || vec![page("a", r#""plan":"gold""#), page("b", "")];
        let lines = "{\"id\":\"a\",\"attributes\":{\"plan\":\"gold\"}}\n{\"id\":\"b\",\"attributes\":{}}\n";
        let mut expected = FingerprintSoFar::default();
        expected.add(lines.as_bytes());
        for (name, text) in [
            ("a.jsonl", lines.to_owned()),
            ("a.json", format!("[\n{}\n]\n", lines.trim_end().replace('\n', ",\n"))),
            ("a.csv", "id,plan\na,gold\nb,\n".to_owned()),
        ] {
            let Some((written, Content::Known(content))) = written(name, pages()) else { panic!("{name}") };
            assert_eq!((written, content), (text, expected.end()), "{name}");
        }
    }

    #[test]
    fn a_column_that_comes_late_ends_the_writing_of_a_table() {
        let pages = |late: usize| {
            let attributes = |no: usize| if no == late { r#""plan":"gold""# } else { "" };
            (0..2 * PAGES_OF_COLUMNS).map(|no| page(&no.to_string(), attributes(no))).collect::<Vec<_>>()
        };
        assert!(written("a.csv", pages(PAGES_OF_COLUMNS - 1)).is_some());
        assert!(written("a.csv", pages(PAGES_OF_COLUMNS)).is_none());
        assert!(written("a.jsonl", pages(PAGES_OF_COLUMNS)).is_some());
        assert!(written("a.csv", Vec::new()).is_none(), "the columns of a table without contacts are others");
    }
}

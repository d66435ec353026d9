//! XLSX workbooks: one sheet as a table.
//!
//! A workbook is a zip archive of XML parts. The sheet becomes the text of a table, row by row, and is read as one, so
//! that header, totals, second tables and rejects are those of CSV. Formulas are not evaluated: their stored values are
//! read. Nothing is held as a whole: shared strings beyond a limit are kept on disk. Charts, comments and colours are
//! left out.

mod book;
mod choose;
mod facts;
mod number;
mod package;
mod sheet;
mod strings;
mod styles;
mod text;
mod unescape;
mod write;
mod xml;

pub(super) use facts::XLSX;
pub(super) use write::{SheetLimit, SheetWriter};

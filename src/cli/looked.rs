//! A file that is looked at, not moved: opened without a mapping, with its first records and what its columns are for. A
//! table without a header is opened with names made of its values.

use super::args::{self, SchemaOf};
use super::context::Context;
use super::schema::line_for;
use crate::files::{self, About, Opened, Output};
use crate::mapping::RegionChoice;
use crate::outcome::Failure;
use crate::plan::{self, Mistakes, SourceAsked, SourcePlan};
use crate::profile::Head;
use crate::record::Header;
use std::io::Write;
use std::path::Path;

/// A file that was opened to be looked at.
pub(super) struct Looked {
    pub source: SourcePlan,
    /// What was said about how to read it.
    pub asked: SourceAsked,
    pub opened: Opened,
    pub head: Head,
    /// What a mapping has to say about reading it.
    pub read: Vec<String>,
}

/// Opens a file and reads its first records.
pub(super) fn look_at(file: &Path, reading: &args::Reading, context: &Context) -> Result<Looked, Failure> {
    look_with(file, reading, None, context)
}

/// The same, with a mapping that says how the file is read.
pub(super) fn look_with(
    file: &Path,
    reading: &args::Reading,
    map: Option<&Path>,
    context: &Context,
) -> Result<Looked, Failure> {
    let mut mistakes = Mistakes::default();
    let asked = SourceAsked {
        file: file.to_owned(),
        map: map.map(Path::to_owned),
        encoding: reading.encoding.clone(),
        delimiter: reading.delimiter.and_then(|delimiter| u8::try_from(delimiter).ok()),
        region: reading.region.clone(),
        sheet: reading.sheet.clone(),
        ..SourceAsked::default()
    };
    if file.as_os_str() == "-" {
        context.make_state(true)?;
    }
    let source = SourcePlan::gather(&asked, &context.state, &mut mistakes);
    let mut source = mistakes.end(source)?;
    let (mut opened, has_header) = match files::open(&source.path, &source.shown, &source.options) {
        Ok(opened) => (opened, true),
        Err(failure) => {
            source.options.names_by_values = true;
            (files::open(&source.path, &source.shown, &source.options).map_err(|_| failure)?, false)
        }
    };
    let head = Head::read(&opened.header, &mut *opened.source);
    let read = read_lines(&asked, &opened, has_header);
    Ok(Looked { source, asked, opened, head, read })
}

fn read_lines(asked: &SourceAsked, opened: &Opened, has_header: bool) -> Vec<String> {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut lines = Vec::new();
    lines.extend(asked.encoding.as_ref().map(|encoding| format!("encoding: {}", quoted(encoding))));
    lines.extend(asked.delimiter.map(|delimiter| match delimiter {
        b'\t' => "delimiter: tab".to_owned(),
        other => format!("delimiter: {}", quoted(&char::from(other).to_string())),
    }));
    // What was detected is written down, so that the next file is read like this one.
    lines.extend(asked.sheet.as_ref().or(opened.sheet.as_ref()).map(|sheet| format!("sheet: {}", quoted(sheet))));
    lines.extend(opened.header_line.map(|line| format!("header_row: {line}")));
    if let (false, Header::Columns(names)) = (has_header, &opened.header) {
        let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        lines.push(format!("columns: [{}]", names.join(", ")));
    }
    lines
}

impl Looked {
    /// The country that was typed.
    pub fn region(&self) -> Option<crate::mapping::phone::Region> {
        self.source.region.and_then(RegionChoice::region)
    }
}

/// Writes a mapping, in place of a file that Ferry wrote only. Its first line names the schema for editors.
pub(super) fn save_mapping(option: &'static str, out: &Path, text: &str, context: &Context) -> Result<(), Failure> {
    // An export may replace any file by `--out`.
    let option = if option == "--out" { "map suggest --out" } else { option };
    may_replace(option, out, None, context)?;
    let schema = line_for(SchemaOf::Mapping, out, context)?;
    write_mapping(out, &format!("{schema}\n{text}"), context)
}

/// Whether a mapping may be written there. `source`: the file that it is for, which is never replaced.
pub(super) fn may_replace(
    option: &'static str,
    out: &Path,
    source: Option<&Path>,
    context: &Context,
) -> Result<(), Failure> {
    let mut mistakes = Mistakes::default();
    let around = context.around(&[("source", source)]);
    plan::check_files(&around, [(option, Some(out.to_owned()), false)], &mut mistakes);
    mistakes.end(Some(()))
}

/// Writes a mapping as it stands.
pub(super) fn write_mapping(out: &Path, text: &str, context: &Context) -> Result<(), Failure> {
    context.make_state(false)?;
    let about = About { option: "mapping", run: "map suggest".to_owned(), ..About::default() };
    let mut output = Output::create(out)?.noted(context.state.ledger(), about);
    let fault = |error| Failure::failed(format!("`{}` cannot be written", out.display())).cause(error);
    output.write_all(text.as_bytes()).map_err(fault)?;
    output.commit()
}

/// The country of a connection's phones.
pub(super) fn region_of(connection: &plan::Connection) -> Result<Option<crate::mapping::phone::Region>, Failure> {
    connection.settings.get("phone_region").map(plan::region_named).transpose()
}

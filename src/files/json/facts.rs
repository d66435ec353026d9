//! The facts of JSON and JSON Lines, and how such a file is opened.

use super::head::{self, Top};
use super::read::{JsonSource, are_rejects};
use crate::files::csv::empty_file;
use crate::files::facts::{FormatFacts, Match, Opened, Reads, TextHead, TextInput};
use crate::files::format::Format;
use crate::files::options::ReadOptions;
use crate::files::rows::{Framing, RowEncoder, RowFormat};
use crate::files::shown::excerpt;
use crate::outcome::Failure;
use crate::record::Header;

/// One array of objects, also inside an object.
pub(crate) const JSON: FormatFacts = FormatFacts {
    format: Format::Json,
    name: "json",
    about: "One JSON document",
    endings: &["json"],
    reads: Reads::Text { detect: detect_array, open: open_array },
    rejects_as: Format::Jsonl,
    rejects_file: "rejects.jsonl",
    write: Some(RowFormat {
        framing: Framing { begin: "[\n", between: ",\n", behind: "", end: ["\n]\n", "]\n"] },
        encoder: RowEncoder::Objects,
    }),
};

/// One object a line.
pub(crate) const JSONL: FormatFacts = FormatFacts {
    format: Format::Jsonl,
    name: "jsonl",
    about: "One JSON document a line",
    endings: &["jsonl", "ndjson"],
    reads: Reads::Text { detect: detect_lines, open: open_lines },
    rejects_as: Format::Jsonl,
    rejects_file: "rejects.jsonl",
    write: Some(RowFormat {
        framing: Framing { begin: "", between: "", behind: "\n", end: ["", ""] },
        encoder: RowEncoder::Objects,
    }),
};

fn detect_array(head: &TextHead<'_>) -> Match {
    if head::looks_like_json(head.text) { Match::Likely } else { Match::No }
}

/// An object that is no wrapper of a list: another one follows it, the file's name says so, or it is a reject. An object
/// alone, in a file whose name says nothing, is a record too.
fn detect_lines(head: &TextHead<'_>) -> Match {
    if head.text.first() != Some(&b'{') || !head::looks_like_json(head.text) {
        return Match::No;
    }
    let top = head::look(head.text);
    let is_alone = || head.options.root.is_none() && top.lists.is_empty() && head.named.is_none() && top.ended;
    let are_lines = head.named == Some(Format::Jsonl) || top.is_wrapped || top.followed || is_alone();
    if are_lines { Match::Certain } else { Match::No }
}

/// The name that the command line has for a format of this file.
fn name_of(format: Format) -> &'static str {
    if format == Format::Jsonl { JSONL.name } else { JSON.name }
}

fn open_array(input: TextInput, options: &ReadOptions) -> Result<Opened, Failure> {
    let begin = input.window.data().trim_ascii_start();
    if begin.is_empty() && input.window.whole() {
        return Err(empty_file(&input.shown));
    }
    if options.format.is_none() && !head::looks_like_json(begin) {
        return Err(not_json(&input, options));
    }
    let root = match begin.first() {
        Some(b'[') => None,
        Some(b'{') => Some(match &options.root {
            Some(root) => root.clone(),
            None => only_list(&head::look(begin), &input.shown)?,
        }),
        _ => return Err(not_json(&input, options)),
    };
    let TextInput { window, mut layout, shown, .. } = input;
    layout.format = Format::Json;
    let notes = root.iter().map(|root| format!("the records are read from `{root}`")).collect();
    let source = JsonSource::array(window, root.as_deref(), &shown, layout.encoding.name())?;
    let source = source.with_given_root(options.root.is_some());
    Ok(Opened { notes, ..Opened::new(Header::Open, layout, Box::new(source)) })
}

/// JSON Lines have no header: without a line they are an empty list.
fn open_lines(input: TextInput, options: &ReadOptions) -> Result<Opened, Failure> {
    let begin = input.window.data().trim_ascii_start();
    let is_empty = begin.is_empty() && input.window.whole();
    if options.format.is_none() && !is_empty && !head::looks_like_json(begin) {
        return Err(not_json(&input, options));
    }
    let TextInput { window, mut layout, shown, .. } = input;
    layout.format = Format::Jsonl;
    let (are_rejects, are_contacts) = are_rejects(window.data());
    let source = JsonSource::lines(window, &shown, layout.encoding.name()).of_contacts(are_contacts);
    let header = if are_contacts { Header::Contact } else { Header::Open };
    Ok(Opened { are_rejects, ..Opened::new(header, layout, Box::new(source)) })
}

fn not_json(input: &TextInput, options: &ReadOptions) -> Failure {
    let (begin, shown) = (input.window.data().trim_ascii_start(), &input.shown);
    let line = begin.split(|&byte| byte == b'\n' || byte == b'\r').next().unwrap_or_default();
    let line = excerpt(line);
    if begin.first() == Some(&b'[') {
        return Failure::usage(format!("`{shown}` is a list, but not of records: it begins with `{line}`")).hint(
            "a record is an object with named values: `[{\"phone\": \"+593…\"}]`; `--format json` rejects the others",
        );
    }
    let failure = Failure::usage(format!("`{shown}` is not JSON: it begins with `{line}`"));
    match options.format {
        Some(format) => failure.hint(format!("leave out `--format {}`: the content says what it is", name_of(format))),
        None => failure.hint(format!("`--format` says what it is: {}", input.format_names.join(", "))),
    }
}

/// The path of the only list of records in a document.
fn only_list(top: &Top, shown: &str) -> Result<String, Failure> {
    match top.lists.as_slice() {
        [root] => Ok(root.clone()),
        [] => Err(no_list(top, shown)),
        several => Err(several_lists(several, shown)),
    }
}

fn no_list(top: &Top, shown: &str) -> Failure {
    let keys: Vec<String> = top.keys.iter().take(8).map(|key| format!("`{}`", excerpt(key.as_bytes()))).collect();
    let message = match keys.is_empty() {
        true => format!("there is no list of records in `{shown}`: it is one empty object"),
        false => format!("there is no list of records in `{shown}`: it is one object with {}", keys.join(", ")),
    };
    Failure::usage(message).hint(
        "if that object is a record, `--format jsonl` reads it; if it is an error message, look at \
                                  what should have written the list",
    )
}

fn several_lists(roots: &[String], shown: &str) -> Failure {
    let shown_roots: Vec<String> = roots.iter().map(|root| format!("`{root}`")).collect();
    let message = format!("there are several lists in `{shown}`: {}", shown_roots.join(", "));
    let first = roots.first().map_or("", String::as_str);
    Failure::usage(message).hint(format!("say which in the mapping, as in `read: {{ root: {first} }}`"))
}

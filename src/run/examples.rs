//! One reject of each code, from the rejects file in the folder of a run, for the report.
//!
//! It reads the columns that Ferry adds and nothing else, and not more of a long file than it needs.

use crate::report::{Example, Rejected};
use crate::run::rejects::own_name;
use encoding_rs::{Encoding, UTF_8};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes that are read of it: codes that come first later than that have no example.
const READ_MAX: u64 = 4 * 1024 * 1024;
/// Codes that have an example.
const CODES_MAX: usize = 100;
/// Between the problems of one record.
const JOINT: &str = " | ";

/// What the report shows of the rejects in a folder.
pub(super) fn rejected(folder: &Path) -> Rejected {
    let Some(file) = own_name(folder) else { return Rejected::default() };
    let mut bytes = Vec::new();
    let read = File::open(folder.join(file)).and_then(|file| file.take(READ_MAX).read_to_end(&mut bytes));
    let examples = match read {
        // The examples are a help, the file itself is what counts.
        Err(_) => BTreeMap::new(),
        Ok(_) if file.ends_with(".jsonl") => of_lines(&bytes),
        Ok(_) => of_table(&bytes),
    };
    Rejected { file: Some(file), examples }
}

fn keep(examples: &mut BTreeMap<String, Example>, code: &str, example: Example) {
    let code = first(code);
    if !code.is_empty() && !examples.contains_key(&code) && examples.len() < CODES_MAX {
        examples.insert(code, example);
    }
}

/// What belongs to the first problem.
fn first(text: &str) -> String {
    text.split(JOINT).next().unwrap_or_default().trim().to_owned()
}

fn of_lines(bytes: &[u8]) -> BTreeMap<String, Example> {
    let mut examples = BTreeMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(serde_json::Value::Object(record)) = serde_json::from_slice(line) else { continue };
        let text = |name: &str| match record.get("ferry").and_then(|ferry| ferry.get(name)) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(serde_json::Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let [column, message, hint] = ["column", "message", "hint"].map(|name| first(&text(name)));
        keep(&mut examples, &text("code"), Example { line: text("line"), column, message, hint });
    }
    examples
}

fn of_table(bytes: &[u8]) -> BTreeMap<String, Example> {
    let (text, ..) = Encoding::for_bom(bytes).map_or(UTF_8, |(encoding, _)| encoding).decode(bytes);
    // A line for spreadsheets may stand above the header.
    let text = match text.split_once('\n') {
        Some((first, rest)) if first.trim_start_matches('\u{feff}').starts_with("sep=") => rest,
        _ => &text,
    };
    let mut examples = BTreeMap::new();
    // What stands before the second of Ferry's columns.
    let delimiter = text.find("ferry_column").and_then(|at| text.get(..at)?.trim_end_matches('"').bytes().last());
    let Some(delimiter) = delimiter.filter(u8::is_ascii) else { return examples };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let Ok(header) = reader.headers().cloned() else { return examples };
    let at = |name: &str| header.iter().enumerate().filter(|(_, known)| *known == name).last().map(|(at, _)| at);
    let places = ["ferry_line", "ferry_column", "ferry_code", "ferry_message", "ferry_hint"].map(at);
    for row in reader.records().map_while(Result::ok) {
        let cell = |place: Option<usize>| place.and_then(|place| row.get(place)).unwrap_or_default();
        let [line, column, code, message, hint] = places.map(cell);
        let [column, message, hint] = [column, message, hint].map(first);
        keep(&mut examples, code, Example { line: line.to_owned(), column, message, hint });
    }
    examples
}

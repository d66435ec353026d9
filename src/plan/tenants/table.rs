//! The table of tenants: CSV with a header, or JSON Lines. It does not know what the columns mean.

use crate::yaml::{FileError, Place};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes of a table: a hundred thousand rows with long addresses.
const LEN_MAX: u64 = 64 * 1024 * 1024;
/// Rows of a table: each becomes jobs that are looked at once a minute.
const ROWS_MAX: usize = 200_000;
/// Columns of a table.
const COLUMNS_MAX: usize = 256;

/// A table as it was read.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub columns: Vec<String>,
    /// The line of each row, and its cells.
    pub rows: Vec<(u64, Vec<String>)>,
}

/// Why a table cannot be read.
pub(super) struct Wrong {
    message: String,
    hint: String,
}

impl Wrong {
    /// The same at a place of the configuration.
    pub fn at(self, place: &Place) -> FileError {
        FileError::at(place, self.message).hint(self.hint)
    }
}

/// Reads a table; its name says the format.
pub(super) fn read(path: &Path) -> Result<Table, Wrong> {
    let wrong = |why: &str, hint: &str| Wrong {
        message: format!("the tenants `{}` cannot be read: {why}", path.display()),
        hint: hint.to_owned(),
    };
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    let text = text_of(path).map_err(|error| {
        wrong(&error.to_string(), "create it, or correct the path, which is relative to the folder of this file")
    })?;
    let table = match ending.as_str() {
        "csv" => of_csv(text.trim_start_matches('\u{feff}')),
        "jsonl" => of_json_lines(&text),
        _ => return Err(wrong("its name does not say its format", "name it `….csv` or `….jsonl`")),
    };
    let table = table.map_err(|why| wrong(&why, "write one row for each account, in UTF-8"))?;
    match (table.columns.len() > COLUMNS_MAX, table.rows.len() > ROWS_MAX) {
        (true, _) => Err(wrong(&format!("it has more than {COLUMNS_MAX} columns"), "leave out what is not used")),
        (_, true) => Err(wrong(&format!("it has more than {ROWS_MAX} rows"), "divide it over several stores")),
        _ => Ok(table),
    }
}

fn text_of(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LEN_MAX + 1).read_to_string(&mut text)?;
    match text.len() as u64 > LEN_MAX {
        true => Err(io::Error::new(io::ErrorKind::FileTooLarge, "it has more than 64 MiB")),
        false => Ok(text),
    }
}

/// A comma, or a semicolon where the header has one and no comma.
fn of_csv(text: &str) -> Result<Table, String> {
    let header = text.lines().next().unwrap_or_default();
    let delimiter = if header.contains(';') && !header.contains(',') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(text.as_bytes());
    let columns: Vec<String> = reader.headers().map_err(|error| error.to_string())?.iter().map(str::to_owned).collect();
    if let Some(twice) = columns.iter().enumerate().find(|(at, name)| columns.iter().take(*at).any(|one| one == *name))
    {
        return Err(format!("two columns are called `{}`", twice.1));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        if record.iter().any(|cell| !cell.is_empty()) {
            rows.push((line, record.iter().map(str::to_owned).collect()));
        }
    }
    Ok(Table { columns, rows })
}

fn of_json_lines(text: &str) -> Result<Table, String> {
    let mut table = Table::default();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let number = index as u64 + 1;
        let row: Map<String, Value> =
            serde_json::from_str(line).map_err(|error| format!("line {number} is not a JSON object: {error}"))?;
        let mut cells = vec![String::new(); table.columns.len()];
        for (name, value) in row {
            let cell = match value {
                Value::Null => String::new(),
                Value::String(text) => text,
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                Value::Array(_) | Value::Object(_) => {
                    return Err(format!("line {number}: `{name}` is neither a text nor a number"));
                }
            };
            let at = table.columns.iter().position(|known| *known == name).unwrap_or_else(|| {
                table.columns.push(name);
                table.columns.len() - 1
            });
            if cells.len() <= at {
                cells.resize(at + 1, String::new());
            }
            cells.iter_mut().skip(at).take(1).for_each(|one| one.clone_from(&cell));
        }
        table.rows.push((number, cells));
    }
    Ok(table)
}

//! Tenants (contract 6): a table with one row for each account, and the template of `ferry.yaml` that makes connections and
//! jobs of a row: `ROW/CONNECTION` and `ROW/JOB`.
//!
//! A row is filled into the template when one of its names is asked for, because a table may have many rows. What is wrong
//! with a row is told with its jobs, and stops no other row.

mod table;

use super::references::{is_plain, is_reference};
use crate::yaml::{FileError, Kind, Node, Place, Text};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};

/// The column that names a row.
const ID: &str = "id";
/// Between the name of a row and that of a connection or a job.
pub(super) const BETWEEN: char = '/';
/// What a place for the value of a column begins with.
const OPEN: &str = "{tenant.";
/// Characters of a row's name.
const ID_LEN_MAX: usize = 64;

/// The template, as it stands in the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Template {
    pub connections: Vec<(Text, Node)>,
    pub jobs: Vec<(Text, Node)>,
}

/// The tenants of a configuration.
#[derive(Clone, Debug)]
pub struct Tenants {
    /// The table.
    pub file: PathBuf,
    columns: Vec<String>,
    rows: Vec<Row>,
    by_name: HashMap<String, usize>,
    pub(super) template: Template,
}

/// A row of the table.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Its `id`; where that is invalid or taken, a name made of its line.
    pub name: String,
    pub line: u64,
    /// By column.
    cells: Vec<String>,
    /// What is wrong with the row itself, and what to do.
    wrong: Option<(String, &'static str)>,
}

impl Tenants {
    /// Reads the table. What is wrong with the table as a whole, and with the template, is an error at `place`.
    pub(super) fn read(path: &Path, template: Template, place: &Place) -> Result<Tenants, Vec<FileError>> {
        let table = table::read(path).map_err(|wrong| vec![wrong.at(place)])?;
        let Some(id) = table.columns.iter().position(|column| column == ID) else {
            let message = format!("the tenants `{}` have no column `{ID}`", path.display());
            return Err(vec![FileError::at(place, message).hint("each row needs a stable name of its own in it")]);
        };
        let mut tenants = Tenants {
            file: path.to_owned(),
            columns: table.columns,
            rows: Vec::with_capacity(table.rows.len()),
            by_name: HashMap::new(),
            template,
        };
        table.rows.into_iter().for_each(|(line, cells)| tenants.add(line, cells, id));
        let wrong = tenants.wrong_places();
        if wrong.is_empty() { Ok(tenants) } else { Err(wrong) }
    }

    fn add(&mut self, line: u64, cells: Vec<String>, id: usize) {
        let name = cells.get(id).map(|cell| cell.trim().to_owned()).unwrap_or_default();
        let wrong = match self.by_name.get(&name).and_then(|index| self.rows.get(*index)) {
            Some(other) => {
                Some((format!("`{name}` is the `{ID}` of line {} too", other.line), "give one of them another name"))
            }
            None if !is_id(&name) => {
                let hint = "use small letters, digits and `-`, at most 64";
                Some((format!("`{name}` is not a valid `{ID}`"), hint))
            }
            None => None,
        };
        let name = if wrong.is_some() { format!("line-{line}") } else { name };
        self.by_name.entry(name.clone()).or_insert(self.rows.len());
        self.rows.push(Row { name, line, cells, wrong });
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether the template has a connection of this name.
    pub(super) fn has_connection(&self, name: &str) -> bool {
        self.template.connections.iter().any(|(key, _)| key.text == name)
    }

    /// Rows that have all settings of a connection in common with an earlier row: the later one, the earlier one, and the
    /// name of the connection.
    pub(super) fn shared_accounts(&self) -> Vec<(String, String, String)> {
        let mut shared = Vec::new();
        for (key, node) in &self.template.connections {
            let mut seen: HashMap<blake3::Hash, &Row> = HashMap::with_capacity(self.rows.len());
            for row in self.rows.iter().filter(|row| row.wrong.is_none()) {
                let mut hasher = blake3::Hasher::new();
                self.filled(node, row, &mut Vec::new()).hash_into(&mut hasher);
                match seen.entry(hasher.finalize()) {
                    Entry::Occupied(first) => {
                        shared.push((row.name.clone(), first.get().name.clone(), key.text.clone()));
                    }
                    Entry::Vacant(place) => {
                        place.insert(row);
                    }
                }
            }
        }
        shared
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }

    /// The row of a name such as `acme/nightly`, and what stands behind it.
    pub(super) fn row_of<'n>(&self, name: &'n str) -> Option<(&Row, &'n str)> {
        let (row, rest) = name.split_once(BETWEEN)?;
        Some((self.rows.get(*self.by_name.get(row)?)?, rest))
    }

    /// The names of the jobs that the rows make, in the order of the table.
    pub fn job_names(&self) -> impl Iterator<Item = String> {
        let jobs = &self.template.jobs;
        self.rows.iter().flat_map(move |row| jobs.iter().map(move |(job, _)| row.full_name(&job.text)))
    }

    /// Places of the template that name no column, and places in keys.
    fn wrong_places(&self) -> Vec<FileError> {
        let mut found = Vec::new();
        for (key, node) in self.template.connections.iter().chain(&self.template.jobs) {
            self.look(key, node, &mut found);
        }
        found
    }

    fn look(&self, key: &Text, node: &Node, found: &mut Vec<FileError>) {
        if key.text.contains(OPEN) {
            let message = format!("`{}` is a key; only values are filled in", key.text);
            found.push(FileError::at(&key.at, message).hint("write the key out"));
        }
        match &node.kind {
            Kind::Null => {}
            Kind::Text { text, .. } => {
                for column in places(text).filter_map(|part| part.err()) {
                    if !self.columns.iter().any(|known| known == column) {
                        let mut error = FileError::at(&node.at, format!("the tenants have no column `{column}`"));
                        error.set_hint(format!("the columns are {}", self.column_names()));
                        error.did_you_mean(column, self.columns.iter().map(String::as_str));
                        found.push(error);
                    }
                }
            }
            Kind::List(items) => items.iter().for_each(|item| self.look(key, item, found)),
            Kind::Map(entries) => entries.iter().for_each(|(key, node)| self.look(key, node, found)),
        }
    }

    fn column_names(&self) -> String {
        self.columns.iter().map(|column| format!("`{column}`")).collect::<Vec<_>>().join(", ")
    }

    /// A part of the template, filled in with a row; what is wrong is added to `errors`.
    pub(super) fn filled(&self, node: &Node, row: &Row, errors: &mut Vec<FileError>) -> Node {
        let kind = match &node.kind {
            Kind::Null => Kind::Null,
            Kind::Text { text, is_plain } => {
                Kind::Text { text: self.text(text, &node.at, row, errors), is_plain: *is_plain }
            }
            Kind::List(items) => Kind::List(items.iter().map(|item| self.filled(item, row, errors)).collect()),
            Kind::Map(entries) => {
                let entry = |(key, node): &(Text, Node)| (key.clone(), self.filled(node, row, errors));
                Kind::Map(entries.iter().map(entry).collect())
            }
        };
        Node { kind, at: node.at.clone() }
    }

    fn text(&self, text: &str, at: &Place, row: &Row, errors: &mut Vec<FileError>) -> String {
        let mut wrong = |message: String, hint: &str| errors.push(FileError::at(at, message).hint(hint));
        let mut filled = String::with_capacity(text.len());
        for part in places(text) {
            let column = match part {
                Ok(plain) => {
                    filled.push_str(plain);
                    continue;
                }
                Err(column) => column,
            };
            let cell = self.columns.iter().position(|known| known == column).and_then(|index| row.cells.get(index));
            let cell = cell.map_or("", |cell| cell.trim());
            if cell.is_empty() {
                wrong(format!("`{column}` is blank in line {} of the table", row.line), "fill it in");
            }
            if is_reference(text) && text.trim_start().starts_with("cmd:") && !is_plain(cell) {
                let message = format!("`{column}` in line {} of the table has blanks or quotes", row.line);
                wrong(message, "a value that becomes part of a command must be one word");
            }
            filled.push_str(cell);
        }
        filled
    }
}

impl Row {
    /// The name of one of its connections or jobs.
    pub fn full_name(&self, name: &str) -> String {
        format!("{}{BETWEEN}{name}", self.name)
    }

    /// The same error, of this row; one that says so already stays as it is.
    pub fn own(&self, error: FileError) -> FileError {
        let beginning = format!("tenant `{}`: ", self.name);
        match error.message.starts_with(&beginning) {
            true => error,
            false => FileError { message: beginning + &error.message, ..error },
        }
    }

    /// What is wrong with the row itself.
    pub fn error(&self, file: &Path) -> Option<FileError> {
        let (message, hint) = self.wrong.as_ref()?;
        Some(FileError::without_place(format!("{}:{}: {message}", file.display(), self.line)).hint(*hint))
    }
}

fn is_id(text: &str) -> bool {
    let is_sign = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=ID_LEN_MAX).contains(&text.len()) && text.chars().all(is_sign)
}

/// The parts of a text: plain ones, and as errors the names of columns whose value stands there.
fn places(text: &str) -> impl Iterator<Item = Result<&str, &str>> {
    let mut rest = text;
    let mut column = None;
    std::iter::from_fn(move || {
        if let Some(column) = column.take() {
            return Some(Err(column));
        }
        if rest.is_empty() {
            return None;
        }
        let found = rest.split_once(OPEN).and_then(|(plain, after)| Some((plain, after.split_once('}')?)));
        match found {
            None => Some(Ok(std::mem::take(&mut rest))),
            Some((plain, (name, after))) => {
                rest = after;
                column = Some(name);
                Some(Ok(plain))
            }
        }
    })
}

//! `--changes`: what was added, changed and removed since the last finished run of the same export.
//!
//! What is compared are the rows that are written, by id. Nothing is in place before the export itself is.

use crate::contact::FIELDS;
use crate::files::{About, Ledger, Output, RowLayout, RowWriter};
use crate::outcome::Failure;
use crate::report::Changes as Counted;
use crate::run::earlier_export::EarlierExport;
use crate::run::rejects::free_name;
use crate::run::rows::Columns;
use crate::scratch::exported::{Changed, Exported};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Where the changes go that are asked for at `path`: what an export of this day wrote there is kept.
pub(super) fn place_of(path: &Path, ledger: &Ledger, about: &About) -> PathBuf {
    let is_taken = path.is_file() && ledger.wrote_on(path, &about.day);
    if is_taken { free_name(path) } else { path.to_owned() }
}

/// Collected while the export is written.
pub(super) struct Changes {
    written: Exported,
    /// What the last one wrote, and where this is kept for the next one.
    kept: EarlierExport,
    shape: Shape,
    out: Output,
}

/// How the changes are written.
pub(super) struct Shape {
    pub(super) columns: Columns,
    /// Whether the columns are the mapping's: otherwise `id` is among them already.
    pub(super) is_mapped: bool,
    pub(super) layout: RowLayout,
}

/// Ready to be put in place.
pub(super) struct ChangesReady {
    written: Exported,
    kept: EarlierExport,
    out: Output,
    /// How many of each.
    pub(super) counted: Counted,
}

impl Changes {
    /// Begins the file. `folder` is the run's, `kept` where the rows of the last finished run are.
    pub(super) fn begin(out: Output, kept: EarlierExport, folder: &Path, shape: Shape) -> Result<Changes, Failure> {
        let written = Exported::create(&folder.join("written.db"))?;
        Ok(Changes { written, kept, shape, out })
    }

    /// Takes the row (JSON) of a contact that is written.
    pub(super) fn row(&mut self, id: &str, row: &[u8]) -> Result<(), Failure> {
        if self.shape.layout.table().is_some() {
            self.shape.columns.note(row)?;
        }
        self.written.add(id, row)
    }

    /// A contact that is there and is rejected counts neither as changed nor as removed.
    pub(super) fn rejected(&mut self, id: &str) -> Result<(), Failure> {
        self.written.leave_behind(id)
    }

    /// Compares and writes. Removed contacts are reported only when the export is known to be complete.
    pub(super) fn end(self, is_proven: bool) -> Result<ChangesReady, Failure> {
        let Changes { mut written, kept, shape: Shape { mut columns, is_mapped, layout }, out } = self;
        if layout.table().is_some() {
            written.for_each_gone(kept.path(), |row| columns.note(row))?;
        }
        let shown: Vec<bool> = columns.names().iter().map(|name| is_mapped || *name != "id").collect();
        let names = ["change", "id"].into_iter().chain(kept_of(columns.names(), &shown));
        let mut file = RowWriter::begin(out, layout, names)?;
        let (mut counted, mut row) = (Counted::default(), Vec::new());
        written.compare(kept.path(), !is_proven, |changed| {
            let Some(change) = Change::of(&changed)? else { return Ok(()) };
            match change.kind {
                "added" => counted.added += 1,
                "removed" => counted.removed += 1,
                _ => counted.changed += 1,
            }
            row.clear();
            change.encode((&columns, &shown), layout, &mut row)?;
            file.row(&row)
        })?;
        Ok(ChangesReady { written, kept, out: file.end()?.0, counted })
    }
}

impl ChangesReady {
    /// Puts the file in place, then the rows for the next run.
    pub(super) fn commit(self) -> Result<(), Failure> {
        self.out.commit()?;
        self.kept.replace(self.written)
    }
}

/// One line of the file.
struct Change<'a> {
    kind: &'static str,
    changed: &'a Changed,
    fields: Vec<String>,
    before: Value,
    now: Value,
}

impl Change<'_> {
    /// `None` when only the order of the names is another.
    fn of(changed: &Changed) -> Result<Option<Change<'_>>, Failure> {
        let value = |row: &Option<Vec<u8>>| match row {
            Some(row) => serde_json::from_slice(row).map_err(damaged),
            None => Ok(Value::Null),
        };
        let (before, now) = (value(&changed.before)?, value(&changed.now)?);
        if before == now {
            return Ok(None);
        }
        let (kind, fields) = match (&before, &now) {
            (Value::Object(before), Value::Object(now)) => ("changed", fields(before, now)),
            (Value::Null, _) => ("added", Vec::new()),
            _ => ("removed", Vec::new()),
        };
        Ok(Some(Change { kind, changed, fields, before, now }))
    }

    fn encode(
        self,
        (columns, shown): (&Columns, &[bool]),
        layout: RowLayout,
        row: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let Change { kind, changed, fields, before, now } = self;
        match layout.table() {
            Some(csv) => {
                let latest = changed.now.as_ref().or(changed.before.as_ref());
                let texts = columns.texts(latest.map_or(&b"{}"[..], |row| row))?;
                let texts = kept_of(texts.iter().map(String::as_str), shown);
                let cells = [kind, changed.id.as_str()].into_iter().chain(texts);
                csv.row(cells, row);
            }
            None => {
                let id = changed.id.as_str();
                let object = json!({"change": kind, "id": id, "fields": fields, "contact": now, "before": before});
                row.extend(object.to_string().as_bytes());
            }
        }
        Ok(())
    }
}

/// Those of the cells that are shown.
fn kept_of<'a>(cells: impl IntoIterator<Item = &'a str>, shown: &[bool]) -> impl Iterator<Item = &'a str> {
    cells.into_iter().zip(shown).filter(|(_, is_shown)| **is_shown).map(|(cell, _)| cell)
}

/// The names whose values differ; those inside a group of a contact with the group's name before them.
fn fields(before: &Map<String, Value>, now: &Map<String, Value>) -> Vec<String> {
    let mut names = Vec::new();
    let lost = before.keys().filter(|name| !now.contains_key(*name));
    for name in now.keys().chain(lost) {
        let (one, other) = (before.get(name).unwrap_or(&Value::Null), now.get(name).unwrap_or(&Value::Null));
        if one == other {
            continue;
        }
        let nothing = Map::new();
        match (one.as_object(), other.as_object()) {
            (None, None) => names.push(name.clone()),
            (one, other) if is_group(name) => {
                let inner = fields(one.unwrap_or(&nothing), other.unwrap_or(&nothing));
                names.extend(inner.into_iter().map(|inner| format!("{name}.{inner}")));
            }
            _ => names.push(name.clone()),
        }
    }
    names
}

fn is_group(name: &str) -> bool {
    matches!(name, "attributes" | "native")
        || FIELDS.iter().any(|(_, field)| field.split_once('.').is_some_and(|(group, _)| group == name))
}

fn damaged(error: serde_json::Error) -> Failure {
    Failure::failed("what the last export wrote cannot be read again").cause(error)
}

//! Whether a second table begins in a file, behind a blank row: pure, by a row and those below it.

use super::kind::Kind;
use super::look::Looked;
use crate::files::known::KnownNames;

/// Rows that the question takes: a title, the header and two rows of it.
pub(super) const ROWS_LOOKED_AT: usize = 4;

/// The longest name of a column.
const NAME_LEN_MAX: usize = 60;

/// Whether `rows`, which follow a blank one, begin a table with other columns than those called `header`; also below a
/// title of its own.
pub(super) fn begins(rows: &[Looked], header: &[String], names: &KnownNames) -> bool {
    let below_title = match rows {
        [title, rest @ ..] if title.filled() == 1 && header.len() > 1 => is_header(rest, header, names),
        _ => false,
    };
    below_title || is_header(rows, header, names)
}

fn is_header(rows: &[Looked], header: &[String], names: &KnownNames) -> bool {
    let [row, rest @ ..] = rows else { return false };
    let Some(next) = rest.first() else { return false };
    let filled: Vec<&str> = row.cells.iter().map(String::as_str).filter(|cell| !cell.is_empty()).collect();
    let is_name = |cell: &&str| cell.chars().count() <= NAME_LEN_MAX && Kind::of(cell).is_none();
    let are_distinct = (1..filled.len()).all(|at| !filled.iter().take(at).any(|cell| filled.get(at) == Some(cell)));
    if filled.len() < 2 || !filled.iter().all(is_name) || !are_distinct {
        return false;
    }
    let known = filled.iter().filter(|cell| names.is_known(cell)).count();
    let begins_known = filled.first().is_some_and(|cell| names.is_known(cell));
    let are_known = begins_known && known >= 2 && known * 3 >= filled.len() * 2;
    are_known || has_other_width(row, next, header.len()) || contrasts(row, rest, header.len())
}

/// A table of another width: its header and the row below have as many cells as each other, and not as the header above.
fn has_other_width(row: &Looked, next: &Looked, columns: usize) -> bool {
    let width = row.cells.len();
    width == next.cells.len() && width != columns && row.filled() == width && next.filled() * 2 > width
}

/// A narrower table whose rows were padded: numbers or dates stand below names, and nothing beyond them.
fn contrasts(row: &Looked, rest: &[Looked], columns: usize) -> bool {
    let width = |row: &Looked| row.cells.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
    let narrow = width(row);
    let are_below = rest.iter().take(2).all(|next| width(next) == narrow);
    let is_typed = |column: usize| {
        let mut kinds = rest.iter().take(2).map(|next| Kind::of(next.cell(column)));
        kinds.all(|kind| matches!(kind, Some(Kind::Number | Kind::Date)))
    };
    rest.len() >= 2 && narrow < columns && row.filled() == narrow && are_below && (0..narrow).any(is_typed)
}

//! Which format the dates of a whole column have, and whether its values show the order of day and month.

use super::column::Column;
use super::dates::{FORMATS, PAIRS};

/// Formats whose whole value is a day, with a year of four digits.
const WHOLE_DAYS: std::ops::Range<usize> = 0..9;
/// Of a hundred values, so many have to be dates of one format.
const PERCENT_MIN: u64 = 90;

/// The dates of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dates {
    /// It has none, or too few.
    None,
    /// All are of one format.
    Of {
        /// Its place in [`FORMATS`].
        format: usize,
        /// Whether a value shows the order of day and month.
        is_settled: bool,
    },
    /// Both orders occur, or neither fits.
    Mixed,
    /// Dates with a time, or with a year of two digits.
    Stamps,
}

/// The format of a column's dates.
pub fn dates_of(column: &Column) -> Dates {
    let filled = column.filled;
    let n = |place: usize| column.dates.get(place).copied().unwrap_or(0);
    let is_most = |n: u64| filled > 0 && n * 100 >= filled * PERCENT_MIN;
    if !is_most(column.dated) {
        return Dates::None;
    }
    for (day_first, month_first) in PAIRS {
        let (one, other) = (n(day_first), n(month_first));
        if !is_most(one.max(other)) {
            continue;
        }
        let format = if one >= other { day_first } else { month_first };
        return Dates::Of { format, is_settled: one != other };
    }
    match WHOLE_DAYS.max_by_key(|place| (n(*place), std::cmp::Reverse(*place))) {
        Some(format) if is_most(n(format)) => Dates::Of { format, is_settled: true },
        _ if (9..FORMATS.len()).any(|place| is_most(n(place))) => Dates::Stamps,
        _ => Dates::Mixed,
    }
}

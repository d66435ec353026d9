//! Dates as files write them: which formats a value can be read with, and which one a whole column has.

/// The formats, as a mapping writes them. Those with a time are known so that such a value is not taken for anything else.
pub const FORMATS: [&str; 18] = [
    "%Y-%m-%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%d-%m-%y",
    "%d %b %Y",
    "%b %d, %Y",
    "%Y-%m-%d %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
];

/// The place of a format.
const ISO: usize = 0;
const COMPACT: usize = 8;
/// The same day first and month first.
pub(super) const PAIRS: [(usize, usize); 2] = [(1, 2), (4, 5)];
/// Years that dates of contacts have.
const YEARS: std::ops::RangeInclusive<u32> = 1890..=2100;

/// Months in English, by their first three letters.
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The formats that a value is written in, a bit for each place in [`FORMATS`]. A day that no month has (`29/02/1991`) is
/// written so too.
pub fn formats_of(cell: &str) -> u32 {
    if !(6..=35).contains(&cell.len()) || !cell.is_ascii() {
        return 0;
    }
    let (day, time) = match cell.split_once(['T', ' ']) {
        Some((day, time)) if time.contains(':') && time.starts_with(|c: char| c.is_ascii_digit()) => (day, true),
        _ => (cell, false),
    };
    let found = of_day(day);
    if !time {
        return found;
    }
    let bit = |from: usize, to: usize| if found & (1 << from) != 0 { 1 << to } else { 0 };
    bit(ISO, 15) | bit(6, 15) | bit(3, 16) | bit(1, 16) | bit(2, 17)
}

fn of_day(text: &str) -> u32 {
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return compact(text);
    }
    let Some(sign) = text.chars().find(|c| !c.is_ascii_digit()) else { return 0 };
    if sign == ' ' || sign.is_ascii_alphabetic() {
        return of_words(text);
    }
    let parts: Vec<&str> = text.split(sign).collect();
    let [one, two, three] = parts.as_slice() else { return 0 };
    let number = |part: &str| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<u32>().ok()).flatten();
    let (Some(a), Some(b), Some(c)) = (number(one), number(two), number(three)) else { return 0 };
    let mut found = 0;
    let mut add = |place: usize, is_format: bool| found |= u32::from(is_format) << place;
    if one.len() == 4 {
        let fits = two.len() <= 2 && three.len() <= 2 && is_day(a, b, c);
        add(ISO, fits && sign == '-');
        add(6, fits && sign == '/');
        add(7, fits && sign == '.');
    } else if one.len() <= 2 && two.len() <= 2 && three.len() == 4 {
        let (day_first, month_first) = (is_day(c, b, a), is_day(c, a, b));
        add(1, day_first && sign == '/');
        add(2, month_first && sign == '/');
        add(3, day_first && sign == '.');
        add(4, day_first && sign == '-');
        add(5, month_first && sign == '-');
    } else if one.len() <= 2 && two.len() <= 2 && three.len() == 2 {
        let (day_first, month_first) = (is_day(2000 + c, b, a), is_day(2000 + c, a, b));
        add(9, day_first && sign == '/');
        add(10, month_first && sign == '/');
        add(11, day_first && sign == '.');
        add(12, day_first && sign == '-');
    }
    found
}

fn compact(text: &str) -> u32 {
    let number = |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse().ok()).unwrap_or(0);
    u32::from(is_day(number(0, 4), number(4, 6), number(6, 8))) << COMPACT
}

/// `28 Sep 2026`, `Sep 28, 2026`.
fn of_words(text: &str) -> u32 {
    let words: Vec<&str> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let [one, two, three] = words.as_slice() else { return 0 };
    let month = |word: &str| {
        let low = word.get(..3).unwrap_or_default().to_ascii_lowercase();
        MONTHS.iter().position(|name| *name == low).map_or(0, |at| at as u32 + 1)
    };
    let year = three.parse().unwrap_or(0);
    let day = |word: &str| word.parse().unwrap_or(0);
    u32::from(is_day(year, month(two), day(one))) << 13 | u32::from(is_day(year, month(one), day(two))) << 14
}

fn is_day(year: u32, month: u32, day: u32) -> bool {
    YEARS.contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)
}

/// Whether a value is a day that exists, read with the format of this place.
pub fn is_real(cell: &str, place: usize) -> bool {
    let time = jiff::fmt::strtime::BrokenDownTime::parse(format(place), cell);
    time.and_then(|time| time.to_date()).is_ok()
}

/// The format of a place; blank for none.
pub fn format(place: usize) -> &'static str {
    FORMATS.get(place).copied().unwrap_or_default()
}

/// The other order of day and month.
pub fn other_order(place: usize) -> Option<usize> {
    PAIRS.iter().find_map(|(one, other)| match place {
        place if place == *one => Some(*other),
        place if place == *other => Some(*one),
        _ => None,
    })
}

/// Whether the format puts the day before the month.
pub fn is_day_first(place: usize) -> bool {
    PAIRS.iter().any(|(day_first, _)| *day_first == place) || place == 3
}

/// Whether it is how a mapping writes dates.
pub fn is_iso(place: usize) -> bool {
    place == ISO
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_with_every_format_that_fits() {
        let names = |cell: &str| -> Vec<&str> {
            (0..FORMATS.len()).filter(|at| formats_of(cell) & (1 << at) != 0).map(format).collect()
        };
        for (cell, formats) in [
            ("2026-03-12", &["%Y-%m-%d"] as &[&str]),
            ("05/03/2026", &["%d/%m/%Y", "%m/%d/%Y"]),
            ("25/3/2026", &["%d/%m/%Y"]),
            ("3/25/2026", &["%m/%d/%Y"]),
            ("29.02.2024", &["%d.%m.%Y"]),
            ("29.02.2023", &["%d.%m.%Y"]),
            ("20260312", &["%Y%m%d"]),
            ("20261312", &[]),
            ("28 Sep 2026", &["%d %b %Y"]),
            ("Sep 28, 2026", &["%b %d, %Y"]),
            ("2026-03-12T08:00:00Z", &["%Y-%m-%d %H:%M:%S"]),
            ("31/12/26", &["%d/%m/%y"]),
            ("1.234.567", &[]),
            ("192.168.1.1", &[]),
        ] {
            assert_eq!(names(cell), formats, "{cell}");
        }
        assert!(is_real("29.02.2024", 3) && !is_real("29.02.2023", 3) && is_real("3/7/2023", 1));
    }
}

//! Numbers of a sheet as text: dates as dates, whole numbers as digits, others in the shortest form. Pure.

use jiff::ToSpan;
use jiff::civil::{Date, date};

/// How a number is shown, as far as it matters here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Style {
    /// As a number.
    #[default]
    Plain,
    /// As a day, also with a time.
    Date,
    /// As a time of day.
    Time,
    /// As a time that can be longer than a day.
    Duration,
    /// As digits: with a `+` in front or not, at least so many.
    Digits { plus: bool, count: u8 },
}

/// Days between the beginnings of the two date systems.
const DAYS_1904: f64 = 1462.0;

/// The first day beyond the calendar of spreadsheets, 31 December 9999.
const DAYS_MAX: f64 = 2_958_466.0;

const SECONDS_A_DAY: f64 = 86_400.0;

/// Above this a number of digits is not the number any more.
const WHOLE_MAX: f64 = 1e21;

/// A number as it stands in a sheet, as text; `None` if it is none.
pub(super) fn text_of(raw: &str, style: Style, is_1904: bool) -> Option<String> {
    let number: f64 = raw.trim().parse().ok().filter(|number: &f64| number.is_finite())?;
    let text = match style {
        Style::Plain => None,
        Style::Date | Style::Time => moment(number, style, is_1904),
        Style::Duration => duration(number),
        Style::Digits { plus, count } => digits(number, plus, usize::from(count)),
    };
    Some(text.unwrap_or_else(|| plain(number)))
}

/// Digits without an exponent. A spreadsheet keeps fifteen of them; the rest is what binary numbers add.
fn plain(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    if number.abs() >= WHOLE_MAX {
        return format!("{number:E}");
    }
    let is_whole = number.fract() == 0.0;
    let rounded = if is_whole { number } else { format!("{number:.14e}").parse().unwrap_or(number) };
    format!("{rounded}")
}

fn digits(number: f64, plus: bool, count: usize) -> Option<String> {
    let is_whole = number >= 0.0 && number.fract() == 0.0 && number < WHOLE_MAX;
    is_whole.then(|| format!("{}{number:0>count$}", if plus { "+" } else { "" }))
}

/// A date, a time, or both. Zero and what is beyond the calendar stay numbers.
fn moment(number: f64, style: Style, is_1904: bool) -> Option<String> {
    let serial = if is_1904 { number + DAYS_1904 } else { number };
    if serial <= 0.0 || serial >= DAYS_MAX {
        return None;
    }
    // Whole seconds: what is beyond them is the rounding of binary numbers.
    let seconds = (serial * SECONDS_A_DAY).round();
    let (days, second) = ((seconds / SECONDS_A_DAY).floor(), seconds % SECONDS_A_DAY);
    let time = clock(second);
    if days == 0.0 {
        return Some(time);
    }
    let day = day_of(days)?;
    Some(match (second == 0.0, style) {
        (true, _) => day,
        (false, _) => format!("{day}T{time}"),
    })
}

/// The day of a number of the system of 1900, which has a 29 February 1900.
fn day_of(days: f64) -> Option<String> {
    const LEAP_DAY: f64 = 60.0;
    if days == LEAP_DAY {
        return Some("1900-02-29".to_owned());
    }
    let first: Date = if days < LEAP_DAY { date(1899, 12, 31) } else { date(1899, 12, 30) };
    // Below the limit of the calendar it has no fraction and fits.
    let day = first.checked_add((days as i64).days()).ok()?;
    Some(day.to_string())
}

fn clock(second: f64) -> String {
    let second = second as u32;
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

fn duration(number: f64) -> Option<String> {
    if !(0.0..DAYS_MAX).contains(&number) {
        return None;
    }
    let seconds = (number * SECONDS_A_DAY).round() as u64;
    Some(format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_spreadsheets_show_them() {
        let phone = Style::Digits { plus: true, count: 1 };
        let zip = Style::Digits { plus: false, count: 5 };
        for (raw, style, expected) in [
            ("593991234567", Style::Plain, "593991234567"),
            ("5.93991234567E+11", Style::Plain, "593991234567"),
            ("0.1", Style::Plain, "0.1"),
            ("0.30000000000000004", Style::Plain, "0.3"),
            ("1234.5600000000002", Style::Plain, "1234.56"),
            ("-12.50", Style::Plain, "-12.5"),
            ("-0", Style::Plain, "0"),
            ("1E-7", Style::Plain, "0.0000001"),
            ("9007199254740993", Style::Plain, "9007199254740992"),
            ("1e300", Style::Plain, "1E300"),
            ("501", zip, "00501"),
            ("1234567", zip, "1234567"),
            ("0.5", zip, "0.5"),
            ("593991234567", phone, "+593991234567"),
            ("36526", Style::Date, "2000-01-01"),
            ("45991.5", Style::Date, "2025-11-30T12:00:00"),
            ("45991.99999999", Style::Date, "2025-12-01"),
            ("1", Style::Date, "1900-01-01"),
            ("59", Style::Date, "1900-02-28"),
            ("60", Style::Date, "1900-02-29"),
            ("61", Style::Date, "1900-03-01"),
            ("2958465", Style::Date, "9999-12-31"),
            ("2958466", Style::Date, "2958466"),
            ("0", Style::Date, "0"),
            ("-3", Style::Date, "-3"),
            ("0.34375", Style::Time, "08:15:00"),
            ("1.25", Style::Duration, "30:00:00"),
        ] {
            assert_eq!(text_of(raw, style, false).as_deref(), Some(expected), "{raw} {style:?}");
        }
        assert_eq!(text_of("35064", Style::Date, true).as_deref(), Some("2000-01-01"));
        for raw in ["", "x", "NaN", "inf", "1,5"] {
            assert_eq!(text_of(raw, Style::Plain, false), None, "{raw}");
        }
    }
}

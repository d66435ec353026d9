//! What a cell looks like: an e-mail address, a phone, a date, a number. Pure; a look, not a check: whether a phone is
//! one is a mapping's business.

/// What a cell looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Email,
    Phone,
    Date,
    Number,
}

/// Digits of a phone, at least and at most.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=16;

impl Kind {
    /// What the cell looks like; none where it is blank or any text.
    pub fn of(cell: &str) -> Option<Kind> {
        let cell = cell.trim().trim_start_matches('\'');
        if cell.is_empty() {
            None
        } else if is_email(cell) {
            Some(Kind::Email)
        } else if is_date(cell) {
            Some(Kind::Date)
        } else if is_phone(cell) {
            Some(Kind::Phone)
        } else {
            amount_of(cell).map(|_| Kind::Number)
        }
    }

    /// Whether a header has no such cell: names are texts, now and then numbers.
    pub fn is_of_records(self) -> bool {
        self != Kind::Number
    }
}

fn is_email(cell: &str) -> bool {
    let inner = cell.rsplit_once('<').and_then(|(_, rest)| rest.strip_suffix('>')).unwrap_or(cell);
    let address = inner.strip_prefix("mailto:").unwrap_or(inner);
    let Some((local, domain)) = address.split_once('@') else { return false };
    let Some((_, end)) = domain.rsplit_once('.') else { return false };
    let is_word = |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == '@' || c == ',');
    is_word(local) && is_word(domain) && end.chars().count() >= 2 && end.chars().all(char::is_alphanumeric)
}

/// Digits with what stands between them in a phone, or a phone that a spreadsheet has cut (`5.93988E+11`).
fn is_phone(cell: &str) -> bool {
    if let Some((digits, power)) = cell.split_once(['E', 'e']) {
        let digits = digits.replace(['.', ','], "");
        let is_power = power.strip_prefix('+').is_some_and(|power| matches!(power, "9" | "10" | "11" | "12" | "13"));
        return is_power && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    }
    let count = cell.bytes().filter(u8::is_ascii_digit).count();
    let is_sign = |c: char| c.is_ascii_digit() || "+()-./ \u{A0}".contains(c);
    if !PHONE_DIGITS.contains(&count) || !cell.chars().all(is_sign) {
        return false;
    }
    // One dot and nothing else is a number: `1234567.89`.
    let others: String = cell.chars().filter(|c| !c.is_ascii_digit()).collect();
    others != "." && others != "-." && others != "-"
}

/// Three parts that can be day, month and year, also with a month in letters or a time behind them.
fn is_date(cell: &str) -> bool {
    let day = match cell.split_once([' ', 'T']) {
        Some((day, time)) if time.contains(':') => day,
        _ => cell,
    };
    ['-', '/', '.'].into_iter().any(|sign| is_date_of(day.split(sign))) || is_date_in_words(cell)
}

fn is_date_of<'a>(parts: impl Iterator<Item = &'a str>) -> bool {
    let numbers: Vec<(usize, u32)> = parts.take(4).map_while(|part| Some((part.len(), part.parse().ok()?))).collect();
    let is_small = |(len, number): (usize, u32), max: u32| len <= 2 && (1..=max).contains(&number);
    match numbers[..] {
        [(4, year), month, day] => (1000..=2999).contains(&year) && is_small(month, 12) && is_small(day, 31),
        [one, other, (len @ (2 | 4), year)] => {
            let is_year = len == 2 || (1000..=2999).contains(&year);
            let fits = |day, month| is_small(day, 31) && is_small(month, 12);
            is_year && (fits(one, other) || fits(other, one))
        }
        _ => false,
    }
}

/// `28 Sep 2026`, `Sep 28, 2026`.
fn is_date_in_words(cell: &str) -> bool {
    let words: Vec<&str> = cell.split([' ', ',', '.']).filter(|word| !word.is_empty()).take(4).collect();
    let is_day = |word: &str| word.len() <= 2 && word.parse::<u32>().is_ok_and(|day| (1..=31).contains(&day));
    let is_month = |word: &str| word.chars().count() >= 3 && word.chars().all(char::is_alphabetic);
    let is_year = |word: &str| word.len() == 4 && word.parse::<u32>().is_ok_and(|year| (1000..=2999).contains(&year));
    match words[..] {
        [one, other, year] => is_year(year) && (is_day(one) && is_month(other) || is_month(one) && is_day(other)),
        _ => false,
    }
}

/// The amount that a cell is, whichever of `.` and `,` is its decimal mark.
pub(super) fn amount_of(cell: &str) -> Option<f64> {
    let cell = cell.trim().trim_matches(|c: char| "$€£%".contains(c) || c.is_whitespace());
    let (sign, digits) = match cell.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, cell.strip_prefix('+').unwrap_or(cell)),
    };
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '\u{A0}' | ' ');
    if !digits.starts_with(|c: char| c.is_ascii_digit()) || !digits.chars().all(is_part) {
        return None;
    }
    let bare = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let whole = match digits.rsplit_once(['.', ',']) {
        // Three digits behind the only sign of its kind are thousands.
        Some((before, behind)) if behind.len() != 3 || before == "0" => format!("{}.{}", bare(before), bare(behind)),
        _ => bare(digits),
    };
    whole.parse::<f64>().ok().map(|amount| sign * amount)
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn cells_are_told_by_their_looks() {
        let cases = [
            ("ana@example.com", Some(Kind::Email)),
            ("Ana Ruiz <ana@example.com>", Some(Kind::Email)),
            ("mailto:ana@example.com", Some(Kind::Email)),
            ("@ana", None),
            ("a@b", None),
            ("write to ana@example.com, please", None),
            ("+593 99 123 4567", Some(Kind::Phone)),
            ("(02) 234-5678", Some(Kind::Phone)),
            ("0991234567", Some(Kind::Phone)),
            ("'0991234567", Some(Kind::Phone)),
            ("5,93988E+11", Some(Kind::Phone)),
            ("123456", Some(Kind::Number)),
            ("1234567.89", Some(Kind::Number)),
            ("1.234.567,89", Some(Kind::Number)),
            ("-12,50", Some(Kind::Number)),
            ("12/03/2026", Some(Kind::Date)),
            ("3/12/26", Some(Kind::Date)),
            ("2026-03-12", Some(Kind::Date)),
            ("2026-03-12T08:00:00Z", Some(Kind::Date)),
            ("12.03.2026 08:15", Some(Kind::Date)),
            ("28 Sep 2026", Some(Kind::Date)),
            ("Sep 28, 2026", Some(Kind::Date)),
            ("2026-13-40", Some(Kind::Phone)),
            ("Phone 2", None),
            ("Calle 10", None),
            ("", None),
            ("E+11", None),
        ];
        for (cell, kind) in cases {
            assert_eq!(Kind::of(cell), kind, "{cell:?}");
        }
    }
}

//! What a single value looks like. A look, not a check: whether a phone is one depends on its country.

use super::dates;
use crate::mapping::email;

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Look {
    /// An e-mail address, or several.
    Email,
    /// A phone, or several.
    Phone,
    /// A date, with or without a time.
    Date,
    /// A number.
    Number,
    /// Yes or no.
    YesNo,
    /// An address of the web.
    Url,
    /// Letters and digits that a machine has made.
    Hash,
    /// An error that a spreadsheet has left, or a number that it has cut.
    Broken,
    /// Anything else.
    Text,
}

impl Look {
    /// How many looks there are.
    pub const COUNT: usize = 9;

    /// What a value without blanks around it looks like.
    pub fn of(cell: &str) -> Look {
        // Spreadsheets put it before what must stay a text.
        let cell = cell.strip_prefix('\'').unwrap_or(cell);
        let counts = Counts::of(cell);
        if counts.at > 0 {
            let is_email = email::normalise(cell).is_ok() || !email::parts(cell).is_empty();
            return if is_email { Look::Email } else { Look::Text };
        }
        if is_broken(cell, &counts) {
            Look::Broken
        } else if is_yes_no(cell) {
            Look::YesNo
        } else if counts.digits == 0 {
            Look::Text
        } else if dates::formats_of(cell) != 0 {
            Look::Date
        } else if counts.is_phone(cell) {
            Look::Phone
        } else if counts.is_number(cell) {
            Look::Number
        } else if is_url(cell) {
            Look::Url
        } else if counts.is_hash(cell) {
            Look::Hash
        } else {
            Look::Text
        }
    }
}

/// Digits of a phone, at least and at most.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=16;
/// Digits that are a phone without any sign between or before them.
const PLAIN_DIGITS: std::ops::RangeInclusive<usize> = 8..=14;
/// Letters that a phone can have, behind or before its digits: `ext. 12`, `tel:`, `(casa)`.
const PHONE_LETTERS_MAX: usize = 12;
/// The fewest characters of a text that a machine has made.
const HASH_LEN_MIN: usize = 12;

#[derive(Default)]
struct Counts {
    digits: usize,
    letters: usize,
    at: usize,
    signs: usize,
    separators: usize,
    others: usize,
}

impl Counts {
    fn of(cell: &str) -> Counts {
        let mut counts = Counts::default();
        for c in cell.chars() {
            match c {
                '0'..='9' => counts.digits += 1,
                '@' => counts.at += 1,
                '+' | '(' | ')' | '-' | '/' | ' ' | '\u{A0}' | '.' => counts.signs += 1,
                ';' | ':' | ',' | '\n' | '\r' | '|' => counts.separators += 1,
                c if c.is_alphabetic() => counts.letters += 1,
                _ => counts.others += 1,
            }
        }
        counts
    }

    /// Digits with what stands between them in a phone; also several, and one with a short comment.
    fn is_phone(&self, cell: &str) -> bool {
        if self.others > 0 || self.digits < *PHONE_DIGITS.start() {
            return false;
        }
        if self.letters > 0 && !(self.letters <= PHONE_LETTERS_MAX && begins_as_phone(cell)) {
            return false;
        }
        let mut numbers = crate::mapping::phone::numbers_in(cell);
        let is_one = |number: &str| {
            let digits = number.bytes().filter(u8::is_ascii_digit).count();
            PHONE_DIGITS.contains(&digits)
        };
        let all = numbers.all(is_one) || cell.split([',', '/']).all(|part| is_one(part.trim()));
        all && !self.is_plain_number(cell)
    }

    /// Digits that are no phone by themselves: an amount, a year, a short or a long number.
    fn is_plain_number(&self, cell: &str) -> bool {
        let is_marked = cell.starts_with(['+', '(']) || self.letters > 0;
        if is_marked {
            return false;
        }
        let plain = cell.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
        if plain {
            return !PLAIN_DIGITS.contains(&self.digits);
        }
        // `1234567.89`, `1.234.567,89`, `1,234,567`.
        is_amount(cell)
    }

    fn is_number(&self, cell: &str) -> bool {
        let is_whole = |text: &str| text.trim_start_matches(['-', '+']).bytes().all(|byte| byte.is_ascii_digit());
        match self.letters {
            0 if self.others == 0 => is_amount(cell) || is_whole(cell),
            0 => self.others == 1 && is_amount(cell.trim_matches(|c: char| !c.is_ascii_digit())),
            _ => {
                let unit: String = cell.chars().filter(|c| c.is_alphabetic()).collect();
                let amount = cell.trim_matches(|c: char| !c.is_ascii_digit());
                CURRENCIES.contains(&unit.to_lowercase().as_str()) && is_amount(amount)
            }
        }
    }

    fn is_hash(&self, cell: &str) -> bool {
        let len = self.digits + self.letters + self.signs + self.others;
        let is_one_word = !cell.contains(char::is_whitespace);
        is_one_word && len >= HASH_LEN_MIN && self.separators == 0 && self.digits * 5 >= len && self.letters > 0
    }
}

/// Letters beside an amount.
const CURRENCIES: [&str; 14] =
    ["usd", "eur", "gbp", "mxn", "brl", "cop", "pen", "clp", "ars", "rub", "r", "s", "руб", "chf"];

/// Whether a text with letters is a number first, or says that it is one: `0991234567 (casa)`, `tel: 0991234567`.
fn begins_as_phone(cell: &str) -> bool {
    const WORDS: [&str; 14] = [
        "tel",
        "tel.",
        "tel:",
        "tel.:",
        "cel",
        "cel.",
        "cel:",
        "mob",
        "mob.",
        "mob:",
        "whatsapp:",
        "wa:",
        "p:",
        "phone:",
    ];
    let begin = cell.find(|c: char| c.is_ascii_digit() || c == '+' || c == '(').unwrap_or(0);
    let (word, number) = cell.split_at_checked(begin).unwrap_or(("", cell));
    let word = word.trim().to_lowercase();
    let end = number.find(char::is_alphabetic).unwrap_or(number.len());
    let digits = number.get(..end).unwrap_or_default().bytes().filter(u8::is_ascii_digit).count();
    (word.is_empty() || WORDS.contains(&word.as_str())) && digits >= *PHONE_DIGITS.start()
}

/// Digits with a decimal mark, or with thousands parted in threes.
fn is_amount(cell: &str) -> bool {
    let digits = cell.trim_start_matches(['-', '+']);
    let parts: Vec<&str> = digits.split(['.', ',', ' ', '\u{A0}', '\'']).collect();
    let are_digits = parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    let marks = digits.chars().filter(|c| matches!(c, '.' | ',')).count();
    let is_grouped = |inner: &[&str]| inner.iter().all(|part| part.len() == 3);
    are_digits
        && match parts.as_slice() {
            [_] => true,
            [_, _] => marks == 1,
            [first, inner @ .., _last] => first.len() <= 3 && is_grouped(inner) && marks > 0,
            [] => false,
        }
}

/// What a spreadsheet writes where a formula fails, and a number whose digits it has lost.
fn is_broken(cell: &str, counts: &Counts) -> bool {
    if cell.starts_with('#')
        && cell.len() <= 14
        && (cell.ends_with('!') || cell.ends_with('?') || cell == "#N/A" || cell == "#N/D")
    {
        return true;
    }
    counts.letters == 1
        && cell.split_once(['E', 'e']).is_some_and(|(digits, power)| {
            digits.starts_with(|c: char| c.is_ascii_digit())
                && digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','))
                && power
                    .strip_prefix('+')
                    .is_some_and(|power| power.len() <= 2 && power.bytes().all(|b| b.is_ascii_digit()))
        })
}

/// Words for yes and no in seven languages; a lone `x` is a mark.
const YES_NO: [&str; 28] = [
    "yes",
    "no",
    "true",
    "false",
    "y",
    "n",
    "si",
    "sí",
    "não",
    "nao",
    "sim",
    "да",
    "нет",
    "ja",
    "nein",
    "oui",
    "non",
    "vero",
    "falso",
    "verdadero",
    "verdadeiro",
    "vrai",
    "faux",
    "wahr",
    "falsch",
    "on",
    "off",
    "x",
];

fn is_yes_no(cell: &str) -> bool {
    cell.len() <= 12 && YES_NO.contains(&cell.to_lowercase().as_str())
}

fn is_url(cell: &str) -> bool {
    let low = cell.get(..8).unwrap_or(cell).to_ascii_lowercase();
    low.starts_with("http://") || low.starts_with("https:/") || low.starts_with("www.")
}

/// Legal forms that end the name of a company, in small letters.
const LEGAL_FORMS: [&str; 38] = [
    "sa", "s.a", "s.a.s", "sas", "srl", "s.r.l", "s.r.l.", "gmbh", "ag", "kg", "ohg", "ug", "ltda", "ltda.", "ltd",
    "ltd.", "llc", "inc", "inc.", "corp", "corp.", "co.", "plc", "eirl", "s.a.", "s.l.", "s.l", "sl", "spa", "s.p.a.",
    "sarl", "eurl", "me", "eireli", "cia.", "bv", "pty", "limited",
];
/// Those that begin it.
const LEGAL_BEGINNINGS: [&str; 6] = ["ооо", "оао", "зао", "ао", "пао", "ип"];

/// Whether a name has the legal form of a company.
pub fn is_company(name: &str) -> bool {
    let low = name.to_lowercase();
    let mut words = low.split_whitespace();
    let first = words.next().unwrap_or_default().trim_matches(['"', '«', '»', '\'']);
    let last = words.next_back().unwrap_or_default().trim_matches(',');
    LEGAL_BEGINNINGS.contains(&first) || !last.is_empty() && LEGAL_FORMS.contains(&last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_by_their_looks() {
        for (cell, look) in [
            ("ana@example.com", Look::Email),
            ("a@b.co; c@d.co", Look::Email),
            ("luis@example", Look::Text),
            ("+593 99 123 4567", Look::Phone),
            ("(02) 234-5678", Look::Phone),
            ("0991234567", Look::Phone),
            ("'+593991234567", Look::Phone),
            ("tel: 0991234567", Look::Phone),
            ("0991234567 / 022345678", Look::Phone),
            ("0991234567, 022345678", Look::Phone),
            ("555-1234 x12", Look::Phone),
            ("0991234567 (casa)", Look::Phone),
            ("5,93988E+11", Look::Broken),
            ("#N/A", Look::Broken),
            ("12/03/2026", Look::Date),
            ("20260312", Look::Date),
            ("2026-03-12T08:00:00Z", Look::Date),
            ("1.234.567,89", Look::Number),
            ("1234567.89", Look::Number),
            ("1234567", Look::Number),
            ("-12,50", Look::Number),
            ("$ 12.50", Look::Number),
            ("17", Look::Number),
            ("12.50 EUR", Look::Number),
            ("A12", Look::Text),
            ("Sí", Look::YesNo),
            ("https://example.com/1", Look::Url),
            ("5f8d0d55b54764421b7156c3", Look::Hash),
            ("550e8400-e29b-41d4-a716-446655440000", Look::Hash),
            ("Calle 10 de Agosto 123", Look::Text),
            ("Calle 1  Quito  170101  EC", Look::Text),
            ("Quito", Look::Text),
        ] {
            assert_eq!(Look::of(cell), look, "{cell}");
        }
        assert!(is_company("Ferretería Pérez S.A.") && is_company("ООО Ромашка") && !is_company("Ana Saenz"));
    }
}

//! How the cells of a workbook show their numbers, from its styles.

use super::number::Style;
use super::xml::{Node, Xml};
use std::collections::HashMap;
use std::io;

/// The most styles that are kept; spreadsheets have 64,000.
const STYLES_MAX: usize = 1 << 17;

/// What cells refer to by number.
#[derive(Debug, Default)]
pub(super) struct Styles(Vec<Style>);

impl Styles {
    /// The style of this number; plain where there is none.
    pub fn of(&self, number: usize) -> Style {
        self.0.get(number).copied().unwrap_or_default()
    }

    /// Reads them.
    pub fn read(mut xml: Xml) -> io::Result<Styles> {
        let (mut formats, mut styles, mut is_cell) = (HashMap::new(), Vec::new(), false);
        loop {
            match xml.next()? {
                Node::Eof => return Ok(Styles(styles)),
                Node::End | Node::Text(_) => {}
                Node::Begin(element) => match element.name() {
                    "numFmt" if formats.len() < STYLES_MAX => {
                        let code = element.value("formatCode").unwrap_or_default();
                        formats.insert(number_of(element.value("numFmtId")), style_of(&code));
                    }
                    "cellXfs" => is_cell = true,
                    "cellStyleXfs" | "cellStyles" => is_cell = false,
                    "xf" if is_cell && styles.len() < STYLES_MAX => {
                        let number = number_of(element.value("numFmtId"));
                        styles.push(formats.get(&number).copied().unwrap_or_else(|| built_in(number)));
                    }
                    _ => {}
                },
            }
        }
    }
}

fn number_of(value: Option<String>) -> u32 {
    value.and_then(|value| value.parse().ok()).unwrap_or_default()
}

/// The formats that have no code in the file (ECMA-376, 18.8.30).
fn built_in(number: u32) -> Style {
    match number {
        14..=17 | 22 | 27..=31 | 34..=36 | 50..=54 | 57 | 58 => Style::Date,
        18..=21 | 32 | 33 | 45 | 47 | 55 | 56 => Style::Time,
        46 => Style::Duration,
        _ => Style::Plain,
    }
}

/// What a format code shows: its first section decides.
fn style_of(code: &str) -> Style {
    let mut seen = Seen::default();
    let mut rest = code.chars();
    while let Some(c) = rest.next() {
        match c {
            ';' => break,
            '"' => seen.literal.extend(rest.by_ref().take_while(|c| *c != '"')),
            '\\' => seen.literal.extend(rest.next()),
            '_' | '*' => drop(rest.next()),
            '[' => seen.bracket(&rest.by_ref().take_while(|c| *c != ']').collect::<String>()),
            'A' | 'a' if rest.as_str().to_ascii_lowercase().starts_with("m/pm") => {
                seen.time = true;
                rest.by_ref().take(4).for_each(drop);
            }
            other => seen.sign(other),
        }
    }
    seen.style()
}

/// What stands in a format code.
#[derive(Default)]
struct Seen {
    date: bool,
    month: bool,
    time: bool,
    elapsed: bool,
    zeros: u8,
    /// Text that is shown as it stands, before the digits.
    literal: String,
    /// Anything else.
    other: bool,
}

impl Seen {
    fn sign(&mut self, c: char) {
        match c.to_ascii_lowercase() {
            'd' | 'y' => self.date = true,
            'm' => self.month = true,
            'h' | 's' => self.time = true,
            '0' => self.zeros = self.zeros.saturating_add(1),
            '+' if self.zeros == 0 => self.literal.push('+'),
            _ => self.other = true,
        }
    }

    /// A colour, a language or a condition says nothing; hours, minutes or seconds alone are those of a duration.
    fn bracket(&mut self, inner: &str) {
        let inner = inner.to_ascii_lowercase();
        let unit = inner.chars().next().filter(|c| matches!(c, 'h' | 'm' | 's'));
        self.elapsed |= unit.is_some_and(|unit| inner.chars().all(|c| c == unit));
    }

    fn style(&self) -> Style {
        let is_date = self.date || self.month && !self.time;
        match (self.elapsed, is_date, self.time) {
            (true, ..) => Style::Duration,
            (_, true, _) => Style::Date,
            (_, _, true) => Style::Time,
            _ => self.digits(),
        }
    }

    fn digits(&self) -> Style {
        let plus = self.literal == "+";
        let is_of_digits = !self.other && (plus || self.literal.is_empty() && self.zeros > 1);
        match is_of_digits && self.zeros > 0 {
            true => Style::Digits { plus, count: self.zeros },
            false => Style::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_codes_are_understood() {
        let digits = |plus, count| Style::Digits { plus, count };
        for (code, expected) in [
            ("General", Style::Plain),
            ("0", Style::Plain),
            ("#,##0.00", Style::Plain),
            ("0.00E+00", Style::Plain),
            ("[Red]-0.00;[$-409]0", Style::Plain),
            ("\"Seite\" 0", Style::Plain),
            ("0 \"days\"", Style::Plain),
            ("@", Style::Plain),
            ("00000", digits(false, 5)),
            ("0000000000", digits(false, 10)),
            ("\"+\"0", digits(true, 1)),
            ("\\+0", digits(true, 1)),
            ("+0", digits(true, 1)),
            ("dd.mm.yyyy", Style::Date),
            ("m/d/yy h:mm", Style::Date),
            ("[$-F800]dddd, mmmm dd, yyyy", Style::Date),
            ("mmm", Style::Date),
            ("yyyy\"年\"m\"月\"d\"日\"", Style::Date),
            ("h:mm AM/PM", Style::Time),
            ("mm:ss", Style::Time),
            ("[h]:mm:ss", Style::Duration),
            ("[mm]:ss", Style::Duration),
            ("\"d\"0", Style::Plain),
            ("", Style::Plain),
        ] {
            assert_eq!(style_of(code), expected, "{code}");
        }
    }
}

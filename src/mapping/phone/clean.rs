//! What a cell says before any numbering plan is asked: its digits, and whether they can be one whole number.
//!
//! The marks of spreadsheets and address books are taken off here. Nothing is known of countries.

use super::fault::PhoneFault;

/// Digits that a spreadsheet's number must have before its fraction: fewer could be an area code and a full stop.
const FLOAT_DIGITS_MIN: usize = 7;
/// Digits that make a part of a cell a phone of its own.
const ONE_OF_SEVERAL_DIGITS_MIN: usize = 6;
/// Digits after an `x` that are not an extension (`0xx11 98765-4321` is written so in Brazil).
const AFTER_X_DIGITS_MIN: usize = 7;
/// Digits that a number without a country code may have (Germany has them longer than E.164 allows).
const NATIONAL_DIGITS: std::ops::RangeInclusive<usize> = 5..=17;
/// The most digits of a cell that is a phone: the prefixes for calls abroad and carriers, calling code, 17 digits.
const DIGITS_MAX: usize = 40;

/// A phone as it was written, without what is not part of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    /// Whether a plus stands before the digits.
    pub plus: bool,
    /// Whether something among or after the digits asks for more than taking separators out: letters, `*`, `~`.
    pub lettered: bool,
    digits: Digits,
    /// Digits since the last `/`, and how many parts between them were long enough to be a phone.
    part_len: usize,
    phones: usize,
    /// Whether there is a bracket among the digits.
    pub bracketed: bool,
    /// How many digits stand before the first separator among them; 0 while there is none.
    first_len: usize,
    /// A separator has been met since the last digit.
    parted: bool,
    /// Digits since the last `x`.
    after_x: Option<usize>,
    /// A letter other than `x` has been met.
    letter: bool,
    /// Something that may only end a number has been met.
    ended: bool,
}

/// ASCII digits, in place.
#[derive(Debug, PartialEq, Eq)]
struct Digits {
    bytes: [u8; DIGITS_MAX],
    len: usize,
}

impl Default for Digits {
    fn default() -> Digits {
        Digits { bytes: [0; DIGITS_MAX], len: 0 }
    }
}

impl Written {
    /// Reads a cell, trimmed or not.
    ///
    /// # Errors
    /// When it cannot be one whole number, whatever the plan.
    pub fn read(text: &str) -> Result<Written, PhoneFault> {
        match Written::plain(text) {
            Some(written) => Ok(written),
            None => Written::read_any(text),
        }
    }

    /// Reads what nearly all phones are: ASCII digits with blanks, hyphens, full stops and brackets, perhaps behind a `+` or
    /// `tel:`. `None` where there is more to it.
    fn plain(text: &str) -> Option<Written> {
        let text = without_scheme(text);
        let (first, last) = (text.bytes().next()?, text.bytes().last()?);
        if !matches!(first, b'0'..=b'9' | b'+' | b'(') || !last.is_ascii_digit() || may_end_in_zeros(text) {
            return None;
        }
        let mut written = Written { plus: first == b'+', ..Written::default() };
        let (mut places, mut is_parted) = (written.digits.bytes.iter_mut(), false);
        for byte in text.bytes().skip(usize::from(written.plus)) {
            match byte {
                b'0'..=b'9' => {
                    if std::mem::take(&mut is_parted) && written.first_len == 0 {
                        written.first_len = written.digits.len;
                    }
                    *places.next()? = byte;
                    written.digits.len += 1;
                }
                // A blank that does not break has two bytes, and no other character in two has this second one.
                b' ' | b'-' | b'.' | b'\t' | 0xA0 => is_parted = true,
                0xC2 => {}
                b'(' | b')' | b'[' | b']' => (is_parted, written.bracketed) = (true, true),
                _ => return None,
            }
        }
        written.part_len = written.digits.len;
        written.end().map(|()| written)
    }

    fn read_any(text: &str) -> Result<Written, PhoneFault> {
        let text = unwrap(text.trim());
        if is_scientific(text) {
            return Err(PhoneFault::Spreadsheet);
        }
        let mut written = Written::default();
        let read = without_zero_fraction(text).chars().try_for_each(|c| written.take(c));
        read.and_then(|()| written.end()).ok_or(PhoneFault::Invalid)?;
        Ok(written)
    }

    /// The digits in ASCII.
    pub fn digits(&self) -> &str {
        self.digits.bytes.get(..self.digits.len).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default()
    }

    /// Whether it begins with `+` or `00`.
    pub fn begins_international(&self) -> bool {
        self.plus || self.digits().starts_with("00")
    }

    /// The digits after `00`, where it stands in place of a `+`.
    pub fn after_zeros(&self) -> Option<&str> {
        self.digits().strip_prefix("00").filter(|_| !self.plus && !self.lettered)
    }

    /// The digits, where neither `+` nor `00` stands before them.
    pub fn bare(&self) -> Option<&str> {
        (!self.begins_international() && !self.lettered).then(|| self.digits())
    }

    /// Whether nothing parts the digits, or the first part is as long as the calling code.
    pub fn is_whole_or_parted_after(&self, calling_len: usize) -> bool {
        !self.bracketed && (self.first_len == 0 || self.first_len == calling_len)
    }

    /// Whether a region could make a number of it.
    pub fn could_be_national(&self) -> bool {
        !self.begins_international() && NATIONAL_DIGITS.contains(&self.digits.len)
    }

    /// Takes the next character; `None` when it cannot be in a phone.
    fn take(&mut self, c: char) -> Option<()> {
        if let Some(digit) = digit(c) {
            return self.take_digit(digit);
        }
        let begun = self.plus || self.digits.len > 0;
        self.bracketed |= is_bracket(c);
        self.parted |= !is_unseen(c);
        match c {
            '+' | '\u{FF0B}' if self.digits.len == 0 => self.plus = true,
            '/' | '\\' | '\u{FF0F}' if begun => self.end_part(c == '\\'),
            _ if !begun || is_separator(c) || is_unseen(c) => {}
            'x' | 'X' if self.part_len == 0 => return None,
            'x' | 'X' => (self.lettered, self.after_x) = (true, Some(0)),
            '*' | '~' => self.lettered = true,
            _ if c.is_ascii_alphabetic() => (self.lettered, self.letter) = (true, true),
            '#' => return None,
            _ if c.is_alphanumeric() => return None,
            _ => self.ended = true,
        }
        Some(())
    }

    fn take_digit(&mut self, digit: u8) -> Option<()> {
        if self.ended || self.letter {
            return None;
        }
        if std::mem::take(&mut self.parted) && self.first_len == 0 {
            self.first_len = self.digits.len;
        }
        *self.digits.bytes.get_mut(self.digits.len)? = digit;
        self.digits.len += 1;
        self.part_len += 1;
        self.after_x = self.after_x.map(|count| count + 1);
        Some(())
    }

    fn end_part(&mut self, ends: bool) {
        self.phones += usize::from(self.part_len >= ONE_OF_SEVERAL_DIGITS_MIN);
        self.part_len = 0;
        self.ended |= ends;
    }

    fn end(&mut self) -> Option<()> {
        self.end_part(false);
        let extension = self.after_x.is_some_and(|count| (1..AFTER_X_DIGITS_MIN).contains(&count));
        (self.digits.len > 2 && self.phones < 2 && !extension).then_some(())
    }
}

/// Takes off `="…"` and a leading `'`.
fn unwrap(text: &str) -> &str {
    let formula = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    formula.or_else(|| text.strip_prefix('\'')).unwrap_or(text).trim()
}

/// Whether it is a number in scientific notation, as spreadsheets show long ones.
fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let mantissa = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    digits(exponent) && digits(whole) && (digits(fraction) || fraction.is_empty())
}

/// Without `tel:` in front.
fn without_scheme(text: &str) -> &str {
    match text.split_at_checked("tel:".len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("tel:") => rest.trim_ascii_start(),
        _ => text,
    }
}

/// Whether a text ends like that of a float: `.0`, `.00`.
fn may_end_in_zeros(text: &str) -> bool {
    matches!(text.as_bytes(), [.., b'.', b'0'] | [.., b'.', b'0', b'0'])
}

/// `593991234567.0`, a float's text, without the fraction.
fn without_zero_fraction(text: &str) -> &str {
    let Some((whole, "0" | "00")) = text.rsplit_once(['.', ',']) else { return text };
    let digits = whole.strip_prefix('+').unwrap_or(whole);
    let is_float = digits.len() >= FLOAT_DIGITS_MIN && digits.bytes().all(|b| b.is_ascii_digit());
    if is_float { whole } else { text }
}

/// The ASCII form of a decimal digit; of other scripts the Arabic, Persian, Devanagari and full-width ones.
pub(super) fn digit(c: char) -> Option<u8> {
    if c.is_ascii() {
        return c.is_ascii_digit().then_some(c as u8);
    }
    let zeros = ['\u{660}', '\u{6F0}', '\u{966}', '\u{FF10}'];
    let above = zeros.iter().filter_map(|zero| u8::try_from((c as u32).checked_sub(*zero as u32)?).ok());
    above.filter(|value| *value < 10).map(|value| b'0' + value).next()
}

/// Separators between digits. Signs with a meaning (`#`, `*`, `,`, `;`, `~`) are not among it.
fn is_separator(c: char) -> bool {
    match c {
        ' ' | '-' | '.' | '(' | ')' | '[' | ']' | '\t' => true,
        _ if c.is_ascii() => false,
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30FC}' | '\u{FF0D}' | '\u{FF0E}' => true,
        '\u{FF08}' | '\u{FF09}' | '\u{FF3B}' | '\u{FF3D}' => true,
        _ => c.is_whitespace() && !matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}'),
    }
}

fn is_bracket(c: char) -> bool {
    matches!(c, '(' | ')' | '[' | ']' | '\u{FF08}' | '\u{FF09}' | '\u{FF3B}' | '\u{FF3D}')
}

/// Marks that are not seen, which address books put around numbers: direction, joiners, byte order.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_phone_is_read_as_any_other() {
        for text in [
            "0991234567",
            "+593 99 123-4567",
            "(212) 555-0123",
            "+1 (212) [555] 0123",
            "+ 593 99",
            "99 1",
            "12",
            "+12",
            "1 2 3",
            "++593991234567",
            "+59399+1234567",
            "0123456789012345678901234567890123456789",
            "01234567890123456789012345678901234567890",
            "(593) 99 123 4567",
            "00 34 612 345 678",
            "1-",
            "-1",
            "5.5",
            "1/2",
            "99.123.45.67",
            ".5.5",
            "593991234567.0",
            "593991234567.00",
            "593991234567.000",
            "123456.0",
            "tel: 512 256 1053",
            "TEL:+593-99-123-4567",
            "tel:\t(02) 255",
            "tel:593991234567.0",
            "tel:",
            "tel: tel: 593",
            "tele: 593 99",
            "99\u{a0}123\u{a0}4567",
            "99\u{ad}123",
            "99\u{e0}123",
            "99\u{2010}123",
            "99\t123",
        ] {
            let any = Written::read_any(text);
            assert_eq!(Written::read(text), any, "{text}");
            if let Some(plain) = Written::plain(text) {
                assert_eq!(Ok(plain), any, "{text}");
            }
        }
    }
}

//! The phones and e-mails of a card, in the order in which they are used. Pure.

use super::property::Head;

/// Types that are no phone of the contact.
const NO_PHONES: [&str; 5] = ["fax", "pager", "bbs", "modem", "telex"];

/// The fewest digits of a number behind which others are dialled later.
const DIGITS_MIN: usize = 5;

/// In which order phones are used: the types, and what a label may say.
const ORDER: [&[&str]; 5] = [
    &["whatsapp"],
    &["cell", "mobile", "iphone", "text", "car", "movil", "móvil", "celular", "мобильный"],
    &["main", "pref"],
    &["home"],
    &["work"],
];

/// What a number of a card is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    /// A phone; the lower its rank, the sooner it is used.
    Phone(usize),
    /// A fax, a pager or the like: the name under which it is kept.
    Other(&'static str),
}

/// What the number of this property is, which has this label or none.
pub(super) fn use_of(head: &Head, label: Option<&str>) -> Use {
    let label = label.unwrap_or_default().to_lowercase();
    let says = |word: &str| {
        label.contains(word)
            || head.types().any(|known| known == word || known.contains("whatsapp") && word == "whatsapp")
    };
    if let Some(other) = NO_PHONES.into_iter().find(|word| says(word)) {
        return Use::Other(if other == "pager" {
            "Pager"
        } else if other == "fax" {
            "Fax"
        } else {
            "Modem"
        });
    }
    let is_whatsapp = head.parameter("WAID").is_some();
    let rank = ORDER.iter().position(|words| words.iter().any(|word| says(word)));
    Use::Phone(if is_whatsapp { 0 } else { rank.unwrap_or(ORDER.len()) })
}

/// The number without the form of an address; digits that are dialled later stand behind an `x`.
pub(super) fn number_of(text: &str) -> String {
    let text = text.trim();
    let bare = match text.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => text.get(4..).unwrap_or_default(),
        _ => text,
    };
    if let Some((number, rest)) = bare.split_once(';') {
        let extension = rest.split(';').find_map(|part| part.strip_prefix("ext="));
        let later = extension.map(str::to_owned).or_else(|| dialled(rest));
        return match later {
            Some(later) => format!("{number} x{later}"),
            // Of an address a context may follow.
            None if text.len() > bare.len() => number.to_owned(),
            None => bare.to_owned(),
        };
    }
    let pause = bare.char_indices().skip(DIGITS_MIN).find(|(_, c)| matches!(c, ',' | 'p' | 'P' | 'w' | 'W'));
    let parted = pause.and_then(|(at, c)| {
        let (number, rest) = bare.split_at_checked(at)?;
        let digits = number.chars().filter(char::is_ascii_digit).count();
        (digits >= DIGITS_MIN).then_some(())?;
        Some((number, dialled(rest.get(c.len_utf8()..)?)?))
    });
    // What has the length of a phone is a second number.
    let is_later = |later: &str| later.len() < 7;
    match parted {
        Some((number, later)) if is_later(&later) => format!("{} x{later}", number.trim()),
        _ => bare.to_owned(),
    }
}

/// Digits with the signs of pauses between them, without these.
fn dialled(text: &str) -> Option<String> {
    let is_sign = |c: char| c.is_ascii_digit() || matches!(c, ',' | ';' | 'p' | 'P' | 'w' | 'W' | '#' | '*' | ' ');
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (text.chars().all(is_sign) && !digits.is_empty()).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_out_of_their_forms() {
        for (text, expected) in [
            ("+593 99 123 4567", "+593 99 123 4567"),
            ("tel:+593-99-123-4567", "+593-99-123-4567"),
            ("TEL:+1-555-555-5555;ext=102", "+1-555-555-5555 x102"),
            ("tel:911;phone-context=+1", "911"),
            ("+593991234567,12", "+593991234567 x12"),
            ("+593991234567;12", "+593991234567 x12"),
            ("+593991234567p12w3", "+593991234567 x123"),
            ("+593991234567,+593991234568", "+593991234567,+593991234568"),
            ("0991234567, 0991234568", "0991234567, 0991234568"),
            ("p1234p5678w9", "p1234p5678w9"),
            ("", ""),
        ] {
            assert_eq!(number_of(text), expected, "{text}");
        }
    }

    #[test]
    fn phones_are_in_the_order_of_messaging() {
        for (line, label, expected) in [
            ("TEL;TYPE=CELL;waid=593991234567:1", None, Use::Phone(0)),
            ("TEL:1", Some("WhatsApp"), Use::Phone(0)),
            ("TEL;CELL:1", None, Use::Phone(1)),
            ("TEL;type=IPHONE;type=CELL;type=VOICE;type=pref:1", None, Use::Phone(1)),
            ("TEL;WORK;PREF:1", None, Use::Phone(2)),
            ("TEL;TYPE=home:1", None, Use::Phone(3)),
            ("TEL;TYPE=work:1", None, Use::Phone(4)),
            ("TEL:1", Some("Assistant"), Use::Phone(5)),
            ("TEL;WORK;FAX:1", None, Use::Other("Fax")),
            ("TEL:1", Some("HomeFAX"), Use::Other("Fax")),
            ("TEL;TYPE=pager:1", None, Use::Other("Pager")),
        ] {
            let (head, _) = Head::of(line.as_bytes()).unwrap();
            assert_eq!(use_of(&head, label), expected, "{line}");
        }
    }
}

//! Characters that XML cannot hold, as spreadsheets write them in texts: `_x000D_` is a carriage return. Pure; both
//! directions.

use std::borrow::Cow;

/// The character that `_xHHHH_` stands for, and what follows it.
fn code(text: &str) -> Option<(char, &str)> {
    let digits = text.strip_prefix("_x")?.get(..4)?;
    let rest = text.get(6..)?.strip_prefix('_')?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let c = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?;
    Some((c, rest))
}

/// The text without such escapes. A zero character, which no text has, stays as it is written.
pub(super) fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains("_x") {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("_x") {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(before);
        match code(from).filter(|(c, _)| *c != '\0') {
            Some((c, behind)) => {
                out.push(c);
                rest = behind;
            }
            None => {
                out.push_str("_x");
                rest = from.get(2..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Writes the text at the end of `xml` so that reading gives it back.
pub(super) fn escaped(text: &str, xml: &mut String) {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '_' if code(rest).is_some() => xml.push_str("_x005F_"),
            '\t' | '\n' => xml.push(c),
            '\0'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => xml.push_str(&format!("_x{:04X}_", u32::from(c))),
            c => xml.push(c),
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::{escaped, unescaped};

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["a & <b>", "a\r\n\tb", "_x000D_", "_x005F_x000D_", "\u{1}\u{FFFE}ñ", "_x_x0041_", ""] {
            let mut xml = String::new();
            escaped(text, &mut xml);
            assert!(!xml.contains(|c| matches!(c, '\0'..='\u{8}' | '\r' | '<' | '\u{FFFE}')), "{xml:?}");
            let read = xml.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
            assert_eq!(unescaped(&read), text);
        }
    }

    #[test]
    fn characters_that_xml_cannot_hold_are_read() {
        for (text, expected) in [
            ("a_x000D_\nb", "a\r\nb"),
            ("_x005F_x000D_", "_x000D_"),
            ("_x000d_", "\r"),
            ("a_x12", "a_x12"),
            ("_xZZZZ_", "_xZZZZ_"),
            ("_xD800_", "_xD800_"),
            ("_x0000_", "_x0000_"),
            ("max_x_ray", "max_x_ray"),
            ("_xñ000_", "_xñ000_"),
            ("", ""),
        ] {
            assert_eq!(unescaped(text), expected, "{text}");
        }
    }
}

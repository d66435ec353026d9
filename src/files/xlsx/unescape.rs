//! Characters that XML cannot hold, as spreadsheets write them in texts: `_x000D_` is a carriage return. Pure.

use std::borrow::Cow;

/// What `_xHHHH_` is taken for, and the length of the rest.
fn escaped(text: &str) -> Option<(char, &str)> {
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
        match escaped(from).filter(|(c, _)| *c != '\0') {
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

#[cfg(test)]
mod tests {
    use super::unescaped;

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

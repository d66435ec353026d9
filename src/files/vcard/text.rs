//! Text as it stands in a card that is written: escaped and folded (RFC 6350, 3.2 and 3.4; the same in RFC 2426). Pure.

/// The most bytes of a line.
const LINE_LEN_MAX: usize = 75;

/// The end of every line.
pub(super) const LINE_END: &str = "\r\n";

/// The text with the escapes of a value.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let text = text.replace("\r\n", "\n");
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push_str("\\n"),
            '\\' | ',' | ';' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// Writes a line at the end of `out`, folded so that no character is cut.
pub(super) fn fold(line: &str, line_end: &str, out: &mut String) {
    let mut len = 0;
    for c in line.chars() {
        if len + c.len_utf8() > LINE_LEN_MAX {
            out.push_str(line_end);
            out.push(' ');
            len = 1;
        }
        out.push(c);
        len += c.len_utf8();
    }
    out.push_str(line_end);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_folded_by_bytes_between_characters() {
        for text in ["a".repeat(75), "a".repeat(76), "ñ".repeat(200), "👍".repeat(50), String::new()] {
            let mut out = String::new();
            fold(&format!("NOTE:{text}"), LINE_END, &mut out);
            let lines: Vec<&str> = out.split_terminator(LINE_END).collect();
            assert!(lines.iter().all(|line| line.len() <= LINE_LEN_MAX), "{out}");
            assert!(lines.iter().skip(1).all(|line| line.starts_with(' ')), "{out}");
            let joined: String =
                lines.iter().enumerate().filter_map(|(at, line)| line.get(usize::from(at > 0)..)).collect();
            assert_eq!(joined, format!("NOTE:{text}"));
        }
    }

    #[test]
    fn what_separates_values_is_escaped() {
        assert_eq!(escaped("a,b;c\\d\r\ne\nf\rg:h\"i"), "a\\,b\\;c\\\\d\\ne\\nf\\ng:h\"i");
    }
}

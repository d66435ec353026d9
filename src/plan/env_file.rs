//! The lines of an environment file. Nothing in a value stands for anything else: a `$` is a `$`.
//!
//! ```text
//! # a comment
//! NAME=value               # up to a blank with a `#` behind it; blanks at both ends are left out
//! export NAME=value        # the same
//! NAME='value'             # as it stands, over several lines if need be
//! NAME="value"             # the same with \n, \r, \t, \" and \\
//! ```

/// Bytes of an environment file.
pub(super) const LEN_MAX: u64 = 1024 * 1024;

/// The names and values of a file, in order.
///
/// # Errors
/// The number of the line that cannot be understood, and why; never what stands there.
pub(super) fn read(text: &str) -> Result<Vec<(String, String)>, (usize, &'static str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut rest, mut line, mut found) = (text, 1, Vec::new());
    while !rest.is_empty() {
        let (first, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let plain = first.trim();
        if plain.is_empty() || plain.starts_with('#') {
            (rest, line) = (after, line + 1);
            continue;
        }
        if !plain.contains('=') {
            return Err((line, "it has no `=`"));
        }
        let entry = rest.trim_start();
        let exported = entry.strip_prefix("export ").or_else(|| entry.strip_prefix("export\t"));
        let entry = exported.unwrap_or(entry);
        let (name, value) = entry.split_once('=').ok_or((line, "it has no `=`"))?;
        let name = name.trim();
        if !is_name(name) {
            return Err((line, "the text before the `=` is not a valid name"));
        }
        let (value, after) = value_of(value.trim_start_matches([' ', '\t'])).map_err(|why| (line, why))?;
        line += rest.get(..rest.len() - after.len()).unwrap_or_default().matches('\n').count();
        found.push((name.to_owned(), value));
        rest = after;
    }
    Ok(found)
}

fn is_name(name: &str) -> bool {
    let is_sign = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    !name.is_empty() && name.chars().all(is_sign) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// A value, and what comes after its line.
fn value_of(text: &str) -> Result<(String, &str), &'static str> {
    match text.chars().next() {
        Some(quote @ ('\'' | '"')) => {
            let (value, after) = quoted(text.get(1..).unwrap_or_default(), quote)?;
            let (rest, after) = after.split_once('\n').unwrap_or((after, ""));
            match rest.trim() {
                rest if rest.is_empty() || rest.starts_with('#') => Ok((value, after)),
                _ => Err("something stands behind the closing quote"),
            }
        }
        _ => {
            let (value, after) = text.split_once('\n').unwrap_or((text, ""));
            let comment = value
                .match_indices('#')
                .map(|(at, _)| at)
                .find(|at| value.get(..*at).is_some_and(|before| before.is_empty() || before.ends_with([' ', '\t'])));
            let value = comment.and_then(|at| value.get(..at)).unwrap_or(value);
            Ok((value.trim().to_owned(), after))
        }
    }
}

/// The text up to the closing quote, and what comes after that.
fn quoted(text: &str, quote: char) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return Ok((value, text.get(at + 1..).unwrap_or_default())),
            '\\' if quote == '"' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 'r')) => value.push('\r'),
                Some((_, 't')) => value.push('\t'),
                Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                Some((_, other)) => value.extend(['\\', other]),
                None => break,
            },
            _ => value.push(c),
        }
    }
    Err("its quote is not closed")
}

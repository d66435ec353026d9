//! How a text is written in YAML, so that it is read again as what it is. It writes no files.

/// A text in quotes.
pub fn text(value: &str) -> String {
    if value.contains(['\'', '\n', '\\']) || value.chars().any(char::is_control) {
        return serde_json::Value::from(value).to_string();
    }
    format!("'{value}'")
}

/// A name as YAML takes it in every place, with quotes only where it needs them.
pub fn quoted(name: &str) -> String {
    let is_plain_char =
        |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '.' | '/' | '(' | ')' | '-' | '+' | '$' | ';');
    let begins = name.starts_with(|c: char| c.is_alphabetic());
    let is_word = matches!(
        name.to_ascii_lowercase().as_str(),
        "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "~"
    );
    let is_tidy = !name.ends_with(' ') && name.chars().all(is_plain_char);
    match begins && is_tidy && !is_word {
        true => name.to_owned(),
        false => serde_json::Value::from(name).to_string(),
    }
}

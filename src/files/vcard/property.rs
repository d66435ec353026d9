//! The name and the parameters of a property, in the forms of all versions. Pure.

/// Properties whose values are pictures, sounds or keys.
const MEDIA: [&str; 6] = ["PHOTO", "LOGO", "SOUND", "KEY", "X-MS-CARDPICTURE", "X-PHOTO"];

/// What stands before the value of a property.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// The group (`item1`) by which Apple and Google join a label to its property; in small letters.
    pub group: Option<String>,
    /// The name, in capital letters.
    pub name: String,
    /// Names in capital letters, values as they stand. A parameter without a name has a blank one.
    pub parameters: Vec<(String, String)>,
}

impl Head {
    /// Splits a line into head and value; `None` if it is no property.
    pub fn of(line: &[u8]) -> Option<(Head, &[u8])> {
        let (head, value) = split_head(line)?;
        let head = String::from_utf8_lossy(head);
        let mut parts = outside_quotes(&head, ';');
        let first = parts.next()?.trim();
        let (group, name) = match first.rsplit_once('.') {
            Some((group, name)) => (Some(group.to_lowercase()), name),
            None => (None, first),
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/');
        if name.is_empty() || !name.chars().all(is_name) {
            return None;
        }
        let mut parameters = Vec::new();
        for part in parts {
            let (name, values) = part.split_once('=').unwrap_or(("", part));
            let name = name.trim().to_uppercase();
            for value in outside_quotes(values, ',') {
                // `TYPE="cell,voice"` is two types.
                let inner = value.trim().trim_matches('"');
                let pieces = if name == "TYPE" { inner.split(',').collect() } else { vec![inner] };
                parameters.extend(pieces.into_iter().map(|piece| (name.clone(), piece.trim().to_owned())));
            }
        }
        Some((Head { group, name: name.to_uppercase(), parameters }, value))
    }

    /// The first value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Its types, in small letters: those of `TYPE`, and parameters without a name.
    pub fn types(&self) -> impl Iterator<Item = String> + '_ {
        let types = self.parameters.iter().filter(|(name, _)| name.is_empty() || name == "TYPE");
        types.map(|(_, value)| value.to_lowercase())
    }

    /// Whether it has one of these types.
    pub fn has_type(&self, types: &[&str]) -> bool {
        self.types().any(|known| types.contains(&known.as_str()))
    }

    /// Whether its value is quoted-printable.
    pub fn is_quoted_printable(&self) -> bool {
        self.is_encoded(&["quoted-printable"])
    }

    /// Whether its value is a picture, a sound, a key, or anything else in base64: it is left out and counted.
    pub fn is_media(&self) -> bool {
        MEDIA.contains(&self.name.as_str()) || self.is_encoded(&["b", "base64"])
    }

    fn is_encoded(&self, encodings: &[&str]) -> bool {
        let mut said = self.parameters.iter().filter(|(name, _)| name.is_empty() || name == "ENCODING");
        said.any(|(name, value)| {
            let value = value.to_lowercase();
            // A type can be called `b` too.
            encodings.contains(&value.as_str()) && (name == "ENCODING" || value != "b")
        })
    }

    /// How much it is preferred: 1 is the most, 100 the least, 101 not at all.
    pub fn preference(&self) -> u8 {
        let number = self.parameter("PREF").and_then(|value| value.parse().ok()).map(|number: u8| number.clamp(1, 100));
        number.unwrap_or(if self.has_type(&["pref"]) { 1 } else { 101 })
    }
}

/// The head and the value, at the first colon outside of quotes.
fn split_head(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut is_quoted = false;
    let is_colon = |byte: &u8| {
        is_quoted ^= *byte == b'"';
        *byte == b':' && !is_quoted
    };
    let colon = line.iter().position(is_colon).or_else(|| memchr::memchr(b':', line))?;
    Some((line.get(..colon)?, line.get(colon + 1..)?))
}

/// The parts of a text between separators outside of quotes.
fn outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    text.split(move |c| {
        is_quoted ^= c == '"';
        c == separator && !is_quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_in_all_forms() {
        for (line, name, parameters) in [
            ("TEL;CELL;PREF:1", "TEL", "=CELL =PREF"),
            ("tel;type=cell,voice;Type=pref:1", "TEL", "TYPE=cell TYPE=voice TYPE=pref"),
            ("TEL;TYPE=\"cell,voice\":1", "TEL", "TYPE=cell TYPE=voice"),
            ("item1.X-ABLabel:a", "X-ABLABEL", ""),
            ("ADR;LABEL=\"a:b;c,d\":x", "ADR", "LABEL=a:b;c,d"),
            ("N;CHARSET=utf-8 ; ENCODING=QUOTED-PRINTABLE:a", "N", "CHARSET=utf-8 ENCODING=QUOTED-PRINTABLE"),
            ("TEL;TYPE=\"cell:1", "TEL", "TYPE=cell"),
        ] {
            let (head, _) = Head::of(line.as_bytes()).unwrap();
            let found: Vec<String> = head.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!((head.name.as_str(), found.join(" ")), (name, parameters.to_owned()), "{line}");
        }
        for line in ["no property", "http://a", "two words:x", ":x", "="] {
            assert_eq!(Head::of(line.as_bytes()).filter(|(head, _)| head.name != "HTTP"), None, "{line}");
        }
    }
}

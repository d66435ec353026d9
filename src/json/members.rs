//! The members of an object, with the texts of their values as they stand. Nothing within a value is read.
//!
//! It does without the raw values of `serde_json`, because with them a key of a file can open a parser within the parser.

use serde::de::IgnoredAny;
use std::borrow::Cow;

/// The members of an object, in their order.
#[derive(Debug)]
pub struct Members<'j>(Vec<(Cow<'j, str>, &'j str)>);

impl<'j> Members<'j> {
    /// Reads an object.
    ///
    /// # Errors
    /// Why it is no JSON, or no object, in words.
    pub fn parse(json: &'j str) -> Result<Members<'j>, String> {
        serde_json::from_str::<IgnoredAny>(json).map_err(|error| error.to_string())?;
        let inner = json.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let mut rest = inner.ok_or("it is not an object")?;
        let mut members = Vec::new();
        // The text is sound, so what stands at the top is names, colons, values and commas.
        while let Some((name, after)) = split_after(rest.trim_start_matches([',', ' ', '\t', '\r', '\n'])) {
            let value = after.trim_start_matches([':', ' ', '\t', '\r', '\n']);
            let (value, after) = split_after(value).unwrap_or((value, ""));
            members.push((text(name)?, value));
            rest = after;
        }
        Ok(Members(members))
    }

    /// The text of a value; none where the member is missing or `null`. Of a name that stands twice the last one holds.
    pub fn get(&self, name: &str) -> Option<&'j str> {
        let member = self.0.iter().rev().find(|(known, _)| known == name);
        member.map(|(_, value)| *value).filter(|value| *value != "null")
    }

    /// The value of a member that is a text.
    ///
    /// # Errors
    /// It is something else.
    pub fn text(&self, name: &str) -> Result<Option<Cow<'j, str>>, String> {
        self.get(name).map(|value| text(value).map_err(|error| format!("`{name}`: {error}"))).transpose()
    }
}

fn text(json: &str) -> Result<Cow<'_, str>, String> {
    match serde_json::from_str::<&str>(json) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        // With escapes in it, it cannot be borrowed.
        Err(_) => serde_json::from_str::<String>(json).map(Cow::Owned).map_err(|error| error.to_string()),
    }
}

/// The value at the beginning of sound JSON, and what follows it.
fn split_after(json: &str) -> Option<(&str, &str)> {
    let (mut depth, mut in_text, mut is_escaped) = (0_usize, false, false);
    let mut end = json.len();
    for (at, byte) in json.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' if in_text && depth == 0 => {
                end = at + 1;
                break;
            }
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    end = at + 1;
                    break;
                }
            }
            b',' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    json.split_at_checked(end).filter(|(value, _)| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_given_as_they_stand() {
        let json =
            r#" {"a" : 1.50, "b":{"c":"}\"]" , "d":[1,{}]},"e":"x\"y,","\u0066":"ñ","g":null,"a":[ ] ,"h":true} "#;
        let members = Members::parse(json).unwrap();
        let expected = [
            ("a", Some("[ ]")),
            ("b", Some(r#"{"c":"}\"]" , "d":[1,{}]}"#)),
            ("e", Some(r#""x\"y,""#)),
            ("f", Some("\"ñ\"")),
            ("g", None),
            ("h", Some("true")),
            ("i", None),
        ];
        for (name, value) in expected {
            assert_eq!(members.get(name), value, "{name}");
        }
        assert_eq!(members.text("e"), Ok(Some("x\"y,".into())));
        assert_eq!(members.text("f"), Ok(Some("ñ".into())));
        assert!(members.text("h").unwrap_err().starts_with("`h`: invalid type: boolean"));
        assert!(Members::parse("{}").unwrap().0.is_empty());
    }

    #[test]
    fn what_is_no_object_says_why() {
        for (json, why) in [
            ("{", "EOF while parsing an object at line 1 column 1"),
            ("[]", "it is not an object"),
            ("\"{}\"", "it is not an object"),
            (r#"{"a":1}}"#, "trailing characters at line 1 column 8"),
        ] {
            assert_eq!(Members::parse(json).unwrap_err(), why, "{json}");
        }
        let raw = r#"{"a":{"$serde_json::private::RawValue":"{"}}"#;
        assert_eq!(Members::parse(raw).unwrap().get("a"), Some(r#"{"$serde_json::private::RawValue":"{"}"#));
    }
}

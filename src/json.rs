//! JSON of others, read strictly (records of files, answers of platforms), and texts written as JSON.
//!
//! A value is nested at most 128 deep, and a key occurs once in an object: what a second one means no standard says (RFC
//! 8259, section 4), and a parser that takes the last loses a value without a word. It does not know what the JSON is for.

mod members;
mod node;
mod object;
mod strict;
mod text;

pub use members::Members;
pub use node::{Node, Object};
pub use object::ObjectWriter;
pub use strict::{Fault, KEYS_MAX, VALUES_MAX, parse, parse_record};
pub use text::{escaped_in, write_escaped, write_plain, write_text};

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn a_text_is_written_as_the_serializer_writes_it() {
        for c in (0..=0x2FF).filter_map(char::from_u32).chain(['\u{2028}', '👍']) {
            for text in [
                c.to_string(),
                format!("1234567{c}"),
                format!("1234{c}67890"),
                format!("12345678{c}0"),
                format!("{c}23"),
                format!("12345678901{c}"),
            ] {
                let mut written = Vec::new();
                write_text(&text, &mut written);
                assert_eq!(written, serde_json::to_vec(&text).unwrap(), "{text:?}");
            }
        }
    }

    #[test]
    fn what_is_read_is_what_the_parser_itself_would_read() {
        for text in [
            "null",
            "true",
            "-0.10e+5",
            "-0",
            "-7",
            "18446744073709551616",
            "1.50",
            "1e999",
            "123456789012345678901234567890",
            "\"\\u00e9\\n\"",
            "[]",
            "{}",
            " [1, {\"a\": [null, {\"b\": \"c\"}], \"\": 2}] ",
            "{\"a\": {\"b\": 1}, \"b\": {\"b\": 1}}",
        ] {
            let expected: Value = serde_json::from_str(text).unwrap();
            assert_eq!(parse(text.as_bytes()).unwrap(), expected, "{text}");
            assert_eq!(parse(text.as_bytes()).unwrap().to_string(), expected.to_string(), "{text}");
            let node = Node::parse(text.as_bytes()).unwrap();
            let mut written = Vec::new();
            node.write(&mut written);
            assert_eq!(String::from_utf8(written).unwrap(), expected.to_string(), "{text}");
            assert_eq!(Value::from(node), expected, "{text}");
        }
        for text in ["", "{", "[1,]", "{} x", "01", "nul", "{\"a\" 1}", "{\"$serde_json::private::Number\": \"x\"}"] {
            assert!(matches!(parse(text.as_bytes()), Err(Fault::Syntax(_))), "{text}");
            assert!(matches!(Node::parse(text.as_bytes()), Err(Fault::Syntax(_))), "{text}");
        }
    }

    #[test]
    fn a_key_stands_once_in_an_object_at_any_depth() {
        let many = |last: &str| {
            let keys: Vec<String> = (0..40).map(|n| format!("\"k{n}\": 1")).collect();
            format!("{{{}, \"{last}\": 2}}", keys.join(","))
        };
        assert!(Node::parse(many("k40").as_bytes()).is_ok());
        for (text, key) in [
            ("{\"a\": 1, \"a\": 1}", "a"),
            ("{\"x\": [{\"y\": {\"a\": null, \"\\u0061\": 2}}]}", "a"),
            ("[{\"\": 1, \"\": 2}]", ""),
            (&many("k3"), "k3"),
            (&many("k39"), "k39"),
        ] {
            assert!(matches!(parse(text.as_bytes()), Err(Fault::Repeated(found)) if found == key), "{text}");
            assert!(matches!(Node::parse(text.as_bytes()), Err(Fault::Repeated(found)) if found == key), "{text}");
        }
    }

    #[test]
    fn a_record_has_a_bounded_number_of_keys_and_values() {
        let keys = |count: usize| {
            let keys: Vec<String> = (0..count).map(|n| format!("\"k{n}\": 1")).collect();
            format!("{{{}}}", keys.join(","))
        };
        assert!(parse_record(&keys(KEYS_MAX)).is_ok());
        assert!(matches!(parse_record(&keys(KEYS_MAX + 1)), Err(Fault::ManyKeys)));
        assert!(parse_record(&format!("{{\"in a list\": [{}]}}", keys(KEYS_MAX + 1))).is_ok());
        assert!(parse(keys(KEYS_MAX + 1).as_bytes()).is_ok());
        let values = |count: usize| format!("{{\"a\": [{}1]}}", "1,".repeat(count - 3));
        assert!(parse_record(&values(VALUES_MAX)).is_ok());
        assert!(matches!(parse_record(&values(VALUES_MAX + 1)), Err(Fault::ManyValues)));
    }

    #[test]
    fn no_key_opens_a_parser_within_the_parser() {
        let mut inner = "1".to_owned();
        for _ in 0..3 {
            let text = inner.replace('\\', "\\u005c").replace('"', "\\u0022");
            inner = format!("{{\"$serde_json::private::RawValue\":\"{text}\"}}");
        }
        let Value::Object(object) = parse(inner.as_bytes()).unwrap() else { panic!("{inner}") };
        assert!(object.values().all(Value::is_string), "{object:?}");
        let deep = format!("{}1{}", "[".repeat(128), "]".repeat(128));
        assert!(matches!(parse(deep.as_bytes()), Err(Fault::Syntax(_))));
    }
}

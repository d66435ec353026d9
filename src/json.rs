//! JSON of others, read strictly (records of files, answers of platforms), and texts written as JSON.
//!
//! A value is nested at most 128 deep, and a key occurs once in an object: what a second one means no standard says (RFC
//! 8259, section 4), and a parser that takes the last loses a value without a word. It does not know what the JSON is for.

mod node;

pub use node::{Node, Object};

use crate::octets::{EACH, HIGH_BITS, first_of, has_any};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;

/// How many keys a record may have, those in lists aside: each can become a column or an attribute, of which a table has
/// as many.
pub const KEYS_MAX: usize = 4_096;
/// How many values a record may have in all. A value takes 72 bytes however short it is, so that a record of 16 MiB could
/// take more than a gigabyte.
pub const VALUES_MAX: usize = 100_000;

/// Why a text is not taken.
#[derive(Debug)]
pub enum Fault {
    /// It is not JSON, or it is nested too deep.
    Syntax(serde_json::Error),
    /// This key occurs twice in one object.
    Repeated(String),
    /// It has more than [`KEYS_MAX`] keys.
    ManyKeys,
    /// It has more than [`VALUES_MAX`] values.
    ManyValues,
}

/// Reads one value, with nothing but white space after it.
///
/// # Errors
/// Where it is not JSON, or a key occurs twice in one object.
///
/// ```
/// use ferry::json::{Fault, parse};
///
/// assert_eq!(parse(b"{\"a\": [1]}").unwrap()["a"][0], 1);
/// assert!(matches!(parse(b"{\"a\": {\"b\": 1, \"b\": 2}}"), Err(Fault::Repeated(key)) if key == "b"));
/// ```
pub fn parse(bytes: &[u8]) -> Result<Value, Fault> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    read(&mut deserializer, &Reader::default())
}

/// The same for one record of a file, which has no more than [`KEYS_MAX`] keys and [`VALUES_MAX`] values.
///
/// # Errors
/// As for [`parse`], and where it has more.
pub fn parse_record(text: &str) -> Result<Value, Fault> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    read(&mut deserializer, &Reader { is_record: true, ..Reader::default() })
}

fn read<'de, R: serde_json::de::Read<'de>>(
    deserializer: &mut serde_json::Deserializer<R>,
    reader: &Reader,
) -> Result<Value, Fault> {
    let read = Place { reader, is_in_list: false }.deserialize(&mut *deserializer);
    let read = read.and_then(|value| deserializer.end().map(|()| value));
    read.map_err(|error| reader.fault.take().unwrap_or(Fault::Syntax(error)))
}

/// What is counted over one text.
#[derive(Default)]
struct Reader {
    is_record: bool,
    keys: Cell<usize>,
    values: Cell<usize>,
    /// What was wrong, where it was not the parser that said so.
    fault: RefCell<Option<Fault>>,
}

impl Reader {
    fn fail<E: Error>(&self, fault: Fault) -> E {
        self.fault.replace(Some(fault));
        E::custom("refused")
    }

    fn count_value<E: Error>(&self) -> Result<(), E> {
        self.values.set(self.values.get() + 1);
        match self.is_record && self.values.get() > VALUES_MAX {
            true => Err(self.fail(Fault::ManyValues)),
            false => Ok(()),
        }
    }

    fn count_key<E: Error>(&self) -> Result<(), E> {
        self.keys.set(self.keys.get() + 1);
        match self.is_record && self.keys.get() > KEYS_MAX {
            true => Err(self.fail(Fault::ManyKeys)),
            false => Ok(()),
        }
    }
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place<'r> {
    reader: &'r Reader,
    is_in_list: bool,
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.reader.count_value()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Place { is_in_list: true, ..self })? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        let mut next = entries.next_key_seed(KeyOf)?;
        if let Some(Key::OfNumber) = next {
            // So the parser gives a number whose digits are all kept.
            let digits: String = entries.next_value()?;
            return digits.parse::<Number>().map(Value::Number).map_err(Error::custom);
        }
        while let Some(key) = next {
            if !self.is_in_list {
                self.reader.count_key()?;
            }
            let value = entries.next_value_seed(self)?;
            match object.entry(key.into_text().into_owned()) {
                Entry::Vacant(place) => drop(place.insert(value)),
                Entry::Occupied(place) => return Err(self.reader.fail(Fault::Repeated(place.key().clone()))),
            }
            next = entries.next_key_seed(KeyOf)?;
        }
        Ok(Value::Object(object))
    }
}

/// Under what key the parser gives a number (`arbitrary_precision`).
const NUMBER: &str = "$serde_json::private::Number";

/// A key of an object.
enum Key<'j> {
    Text(Cow<'j, str>),
    OfNumber,
}

impl<'j> Key<'j> {
    fn into_text(self) -> Cow<'j, str> {
        match self {
            Key::Text(text) => text,
            Key::OfNumber => Cow::Borrowed(NUMBER),
        }
    }
}

struct KeyOf;

impl<'de> DeserializeSeed<'de> for KeyOf {
    type Value = Key<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key<'de>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeyOf {
    type Value = Key<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
        Ok(if text == NUMBER { Key::OfNumber } else { Key::Text(Cow::Borrowed(text)) })
    }

    fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
        Ok(if text == NUMBER { Key::OfNumber } else { Key::Text(Cow::Owned(text.to_owned())) })
    }
}

/// Writes a text as JSON at the end of `out`, as `serde_json` does.
#[inline]
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    if has_any(text.as_bytes(), escaped_in) {
        return write_escaped(text, out);
    }
    write_plain(text, out);
}

/// The same of a text in which nothing has to be escaped ([`escaped_in`]).
#[inline]
pub fn write_plain(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

#[cold]
fn write_escaped(text: &str, out: &mut Vec<u8>) {
    // Writing to memory does not fail, and a text always has a JSON form.
    let _cannot_fail = serde_json::to_writer(out, text);
}

/// Marks what has to be escaped: controls, quotes, backslashes.
#[inline]
pub fn escaped_in(word: u64) -> u64 {
    let controls = word.wrapping_sub(EACH * 0x20) & !word & HIGH_BITS;
    controls | first_of(word, b'"') | first_of(word, b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

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

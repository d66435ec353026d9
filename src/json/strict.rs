//! Reading JSON strictly: a value is nested at most 128 deep, and a key occurs once in an object.

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
pub(super) enum Key<'j> {
    Text(Cow<'j, str>),
    OfNumber,
}

impl<'j> Key<'j> {
    pub fn into_text(self) -> Cow<'j, str> {
        match self {
            Key::Text(text) => text,
            Key::OfNumber => Cow::Borrowed(NUMBER),
        }
    }
}

pub(super) struct KeyOf;

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

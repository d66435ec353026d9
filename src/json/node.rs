//! A JSON value whose texts are still in the JSON where they need not be unescaped: for reading a page of contacts, of which
//! most values go elsewhere at once. It is read as strictly as [`super::parse`] does.

use super::strict::{Fault, Key, KeyOf, parse};
use super::text::write_text;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

/// Members of an object that are compared one by one to find a key that occurs twice.
const COMPARED_MAX: usize = 32;

/// A JSON value.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub enum Node<'j> {
    #[default]
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'j, str>),
    List(Vec<Node<'j>>),
    Object(Object<'j>),
}

/// A JSON object. No key occurs twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object<'j> {
    members: Vec<(Cow<'j, str>, Node<'j>)>,
}

impl<'j> Node<'j> {
    /// Reads one value, with nothing but white space after it.
    ///
    /// # Errors
    /// As for [`super::parse`].
    pub fn parse(json: &'j [u8]) -> Result<Node<'j>, Fault> {
        let Ok(text) = simdutf8::basic::from_utf8(json) else { return parse(json).map(Node::from) };
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let repeated = RefCell::new(None);
        let read = Place { repeated: &repeated }.deserialize(&mut deserializer);
        let read = read.and_then(|node| deserializer.end().map(|()| node));
        read.map_err(|error| repeated.take().map_or(Fault::Syntax(error), Fault::Repeated))
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Node::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The whole number, if it is one that is not negative.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Node::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    /// The value of a member, if it is an object that has it.
    pub fn take_member(self, name: &str) -> Option<Node<'j>> {
        match self {
            Node::Object(mut object) => object.remove(name),
            _ => None,
        }
    }

    /// A member, if it is an object that has it.
    pub fn get(&self, name: &str) -> Option<&Node<'j>> {
        match self {
            Node::Object(object) => object.get(name),
            _ => None,
        }
    }

    /// Takes the value out; `null` stays in its place.
    pub fn take(&mut self) -> Node<'j> {
        std::mem::take(self)
    }

    /// Writes the value at the end of `out`, as `serde_json` does.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Node::Null => out.extend_from_slice(b"null"),
            Node::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Node::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Node::Text(text) => write_text(text, out),
            Node::List(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Node::Object(object) => object.write(out),
        }
    }
}

impl<'j> Object<'j> {
    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// The members, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node<'j>)> {
        self.members.iter().map(|(name, value)| (&**name, value))
    }

    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<&Node<'j>> {
        self.members.iter().find(|(known, _)| is_same(known, name)).map(|(_, value)| value)
    }

    /// The value of a member, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Node<'j>> {
        self.members.iter_mut().find(|(known, _)| is_same(known, name)).map(|(_, value)| value)
    }

    /// Takes a member out.
    pub fn remove(&mut self, name: &str) -> Option<Node<'j>> {
        let at = self.members.iter().position(|(known, _)| is_same(known, name))?;
        Some(self.members.remove(at).1)
    }

    /// Adds a member at the end, or gives the one of this name another value.
    pub fn set(&mut self, name: impl Into<Cow<'j, str>>, value: Node<'j>) {
        let name = name.into();
        match self.get_mut(&name) {
            Some(known) => *known = value,
            None => self.members.push((name, value)),
        }
    }

    /// Leaves members out.
    pub fn retain(&mut self, mut is_kept: impl FnMut(&str, &Node<'j>) -> bool) {
        self.members.retain(|(name, value)| is_kept(name, value));
    }

    /// Writes the object at the end of `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (at, (name, value)) in self.members.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            write_text(name, out);
            out.push(b':');
            value.write(out);
        }
        out.push(b'}');
    }

    fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

/// Nearly all names are told by their lengths and first letters.
#[inline]
fn is_same(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.as_bytes().first() == other.as_bytes().first() && one == other
}

impl<'j> IntoIterator for Object<'j> {
    type Item = (Cow<'j, str>, Node<'j>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.members.into_iter()
    }
}

impl From<Value> for Node<'_> {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Node::Null,
            Value::Bool(value) => Node::Bool(value),
            Value::Number(number) => Node::Number(number),
            Value::String(text) => Node::Text(Cow::Owned(text)),
            Value::Array(items) => Node::List(items.into_iter().map(Node::from).collect()),
            Value::Object(object) => Node::Object(object.into()),
        }
    }
}

impl From<Map<String, Value>> for Object<'_> {
    fn from(object: Map<String, Value>) -> Self {
        Object { members: object.into_iter().map(|(name, value)| (Cow::Owned(name), value.into())).collect() }
    }
}

impl From<Node<'_>> for Value {
    fn from(node: Node<'_>) -> Value {
        match node {
            Node::Null => Value::Null,
            Node::Bool(value) => Value::Bool(value),
            Node::Number(number) => Value::Number(number),
            Node::Text(text) => Value::String(text.into_owned()),
            Node::List(items) => Value::Array(items.into_iter().map(Value::from).collect()),
            Node::Object(object) => Value::Object(object.into()),
        }
    }
}

impl From<Object<'_>> for Map<String, Value> {
    fn from(object: Object<'_>) -> Map<String, Value> {
        object.into_iter().map(|(name, value)| (name.into_owned(), value.into())).collect()
    }
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place<'r> {
    /// The key that occurs twice, once it was met.
    repeated: &'r RefCell<Option<String>>,
}

impl<'j> DeserializeSeed<'j> for Place<'_> {
    type Value = Node<'j>;

    fn deserialize<D: Deserializer<'j>>(self, deserializer: D) -> Result<Node<'j>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'j> Visitor<'j> for Place<'_> {
    type Value = Node<'j>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node<'j>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node<'j>, E> {
        Ok(Node::Bool(value))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node<'j>, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node<'j>, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node<'j>, E> {
        Ok(Number::from_f64(number).map_or(Node::Null, Node::Number))
    }

    fn visit_borrowed_str<E>(self, text: &'j str) -> Result<Node<'j>, E> {
        Ok(Node::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node<'j>, E> {
        Ok(Node::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'j>>(self, mut items: A) -> Result<Node<'j>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'j>>(self, mut entries: A) -> Result<Node<'j>, A::Error> {
        let mut object = Object::default();
        let mut names = HashSet::new();
        let mut next = entries.next_key_seed(KeyOf)?;
        if let Some(Key::OfNumber) = next {
            // So the parser gives a number whose digits are all kept.
            let digits: String = entries.next_value()?;
            return digits.parse::<Number>().map(Node::Number).map_err(Error::custom);
        }
        while let Some(key) = next {
            let name = key.into_text();
            let value = entries.next_value_seed(self)?;
            let is_known = match object.len() {
                ..COMPARED_MAX => object.has(&name),
                len => {
                    if len == COMPARED_MAX {
                        names.extend(object.members.iter().map(|(name, _)| name.clone()));
                    }
                    !names.insert(name.clone())
                }
            };
            if is_known {
                self.repeated.replace(Some(name.into_owned()));
                return Err(Error::custom("refused"));
            }
            object.members.push((name, value));
            next = entries.next_key_seed(KeyOf)?;
        }
        Ok(Node::Object(object))
    }
}

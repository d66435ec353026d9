//! What a value of a YAML file may be, as data beside the function that reads it, and as JSON Schema for editors. It reads
//! no file; a test compares both.

use serde_json::{Map, Value, json};

/// The dialect that editors understand.
pub const DIALECT: &str = "http://json-schema.org/draft-07/schema#";

/// What a value may be.
#[derive(Clone, Copy)]
pub enum Shape {
    /// A text; numbers, `true` and `false` are texts too.
    Text,
    /// `true` or `false`.
    Flag,
    /// A text, or a list of texts.
    Texts,
    /// A list of texts.
    List,
    /// A map of texts; a blank value is an empty text.
    Pairs,
    /// One of these words.
    Words(fn() -> Vec<&'static str>),
    /// Something of its own.
    Own(fn() -> Value),
}

impl Shape {
    /// As JSON Schema.
    pub fn schema(self) -> Value {
        match self {
            Shape::Text => text(),
            Shape::Flag => json!({ "type": "boolean" }),
            Shape::Texts => json!({ "anyOf": [text(), list(1)] }),
            Shape::List => list(1),
            Shape::Pairs => {
                json!({ "type": "object", "additionalProperties": { "type": ["string", "number", "boolean", "null"] } })
            }
            Shape::Words(words) => json!({ "enum": words() }),
            Shape::Own(schema) => schema(),
        }
    }
}

/// A text as YAML has it, also without quotes.
pub fn text() -> Value {
    json!({ "type": ["string", "number", "boolean"] })
}

fn list(len_min: usize) -> Value {
    json!({ "type": "array", "items": text(), "minItems": len_min })
}

/// A schema with a description.
pub fn described(schema: Value, description: &str) -> Value {
    let Value::Object(mut object) = schema else { return schema };
    object.insert("description".to_owned(), json!(description));
    Value::Object(object)
}

/// The same, where a blank value is as good as none.
pub fn or_blank(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

/// A map with these keys and no others.
pub fn map_of(properties: Map<String, Value>) -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

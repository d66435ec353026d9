//! What a framed JSON record is: an object, the object that a reject wraps, or why it is none. It does not know where records
//! end.

use super::head::wrapped_record;
use crate::contact::Contact;
use crate::files::encoding::undecodable;
use crate::files::shown::excerpt;
use crate::json;
use crate::outcome::{Problem, Reject};
use crate::record::{Fields, Origin, Record};
use serde_json::{Map, Value};

/// What is known of the records of a JSON file before they are parsed. It is shared with the threads that parse them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Objects {
    /// The name of the file's encoding.
    pub encoding: &'static str,
    /// Whether the records are contacts of a platform.
    pub are_contacts: bool,
}

impl Objects {
    /// The record whose bytes these are.
    pub fn record(&self, origin: Origin, raw: &[u8]) -> Result<Record, Reject> {
        match take(raw, self.encoding) {
            Ok((Value::Object(object), raw)) if self.are_contacts => {
                Ok(Record { origin, fields: Fields::Contact(Box::new(Contact::from_json(&object))), raw })
            }
            Ok((value, raw)) => Ok(Record { origin, fields: Fields::Json(value), raw }),
            Err((problem, raw)) => Err(Reject { origin, raw, problems: vec![problem] }),
        }
    }
}

type Taken = Result<(Value, Box<[u8]>), (Problem, Box<[u8]>)>;

/// The value that `raw` is, and the bytes of it; of a reject, those of the record within.
fn take(raw: &[u8], encoding: &str) -> Taken {
    let text = match std::str::from_utf8(raw) {
        Ok(text) => text,
        Err(error) => {
            let message = format!("the bytes `{}` are not {encoding}", undecodable(raw, error.valid_up_to()));
            let problem = Problem::new("row.encoding", message);
            return Err((problem.hint("fix the record, or give the file's encoding with `--encoding`"), raw.into()));
        }
    };
    match json::parse_record(text) {
        Ok(Value::Object(fields)) if fields.len() == 2 && fields.contains_key("ferry") => unwrap(fields, text),
        Err(fault) => match wrapped_record(text) {
            // The error is in the record that a reject wraps.
            Some(record) => object_of(json::parse_record(record), record),
            None => object_of(Err(fault), text),
        },
        parsed => object_of(parsed, text),
    }
}

fn object_of(parsed: Result<Value, json::Fault>, text: &str) -> Taken {
    match parsed {
        Ok(value @ Value::Object(_)) if text.contains("\\u0000") && holds_zero(&value) => {
            let problem =
                Problem::new("row.encoding", "the record has a zero character (`\\u0000`) in it, which is not text");
            Err((problem.hint("fix the value that has it"), text.as_bytes().into()))
        }
        Ok(value @ Value::Object(_)) => Ok((value, text.as_bytes().into())),
        Ok(other) => Err((not_an_object(&other, text), text.as_bytes().into())),
        Err(fault) => Err((malformed(text, &fault), text.as_bytes().into())),
    }
}

/// Whether a key or a text has a zero in it; the depth of values is bounded.
fn holds_zero(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_zero),
        Value::Object(fields) => fields.iter().any(|(key, value)| key.contains('\0') || holds_zero(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Takes the wrapper of a reject off, where it is one.
fn unwrap(mut fields: Map<String, Value>, text: &str) -> Taken {
    if let (Some(record), Some(raw)) = (fields.get_mut("record"), wrapped_record(text)) {
        return object_of(Ok(record.take()), raw);
    }
    let is_wrapper = fields.get("ferry").is_some_and(|ferry| ferry.get("code").is_some());
    match fields.get("raw") {
        Some(Value::String(raw)) if is_wrapper => object_of(json::parse_record(raw), raw),
        _ => object_of(Ok(Value::Object(fields)), text),
    }
}

fn malformed(text: &str, fault: &json::Fault) -> Problem {
    let problem = |message: String| Problem::new("row.json", message);
    let error = match fault {
        json::Fault::Repeated(key) => {
            return problem(format!("`{}` occurs twice in one object of the record", excerpt(key.as_bytes())))
                .hint("keep one of the two, or give one another name");
        }
        json::Fault::ManyKeys => {
            return problem(format!("the record has more than {} keys", json::KEYS_MAX))
                .hint("put what belongs together into a list");
        }
        json::Fault::ManyValues => {
            return problem(format!("the record has more than {} values", json::VALUES_MAX))
                .hint("is a closing bracket missing? a record is one contact");
        }
        json::Fault::Syntax(_) if text.is_empty() => {
            return problem("there is no record between two commas".to_owned()).hint("remove the extra comma");
        }
        json::Fault::Syntax(error) => error.to_string(),
    };
    // The error counts lines from the record's beginning; only what is wrong is of use here.
    let said = error.split_once(" at line ").map_or(error.as_str(), |(said, _)| said);
    if said == "recursion limit exceeded" {
        return problem("the record is nested more than 128 deep".to_owned()).hint("fix its brackets");
    }
    problem(format!("the record is not JSON: {said}, in `{}`", excerpt(text.as_bytes())))
        .hint("fix its brackets, commas and quotes")
}

fn not_an_object(value: &Value, raw: &str) -> Problem {
    let kind = match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    Problem::new("row.json", format!("the record is {kind}, not an object: `{}`", excerpt(raw.as_bytes())))
        .hint("a record is an object with named values: `{\"phone\": \"+593…\"}`")
}

//! The bodies of TWIN's requests and answers, as its chat API and its IAM have them in common.

use super::super::wire::{Answer, JSON, Request};
use serde_json::{Map, Value, json};

/// The account's number.
pub(super) const COMPANY: u32 = 4880;

/// A body that must be an object of JSON.
pub(super) fn fields(request: &Request) -> Result<Map<String, Value>, Answer> {
    match serde_json::from_slice(&request.body) {
        Ok(Value::Object(body)) if request.says_json() => Ok(body),
        _ => Err(refusal(400, "The body is not a JSON object.")),
    }
}

/// A field of the body that must be text, and not empty.
pub(super) fn text_in(request: &Request, name: &str) -> Result<String, Answer> {
    match fields(request)?.remove(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        _ => Err(refusal(422, &format!("The field {name} must be a string and not empty."))),
    }
}

pub(super) fn refusal(status: u16, words: &str) -> Answer {
    Answer::json(status, &json!({ "error": words }))
}

/// What most writes answer: that it is done, and nothing else.
pub(super) fn empty() -> Answer {
    Answer::text(200, JSON, "")
}

//! How far a tap or a source has come, as it stands in the state that the orchestrator keeps.

use super::schema::CONTACTS;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How far a reading of an account has been sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bookmark {
    /// Of what it is a reading: the account, and the mapping by which its contacts are sent. The place in a reading of
    /// something else says nothing.
    #[serde(default)]
    pub of: String,
    /// When the reading began; it is known by that.
    pub reading: Timestamp,
    /// The moment before which contacts were not changed that the reading leaves out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// How many of its contacts have been sent.
    pub records: u64,
    /// Whether these are all of them.
    #[serde(default)]
    pub complete: bool,
}

/// What a state says about the stream of contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Nothing: it is the first start.
    Nothing,
    /// Something that is not of Ferry.
    Foreign,
    /// How far an earlier start came.
    Place(Bookmark),
}

impl Bookmark {
    /// The beginning of a reading.
    pub fn begin(of: &str, reading: Timestamp, since: Option<Timestamp>) -> Bookmark {
        Bookmark { of: of.to_owned(), reading, since, records: 0, complete: false }
    }

    /// The state of Singer.
    pub fn to_singer(&self) -> Value {
        json!({ "bookmarks": { CONTACTS: self } })
    }
}

impl Kept {
    /// What a state of Singer says.
    pub fn of_singer(state: &Value) -> Kept {
        match state.get("bookmarks") {
            Some(bookmarks) => Kept::of(bookmarks, bookmarks.get(CONTACTS)),
            None => Kept::of(state, None),
        }
    }

    /// The same of the states of Airbyte, of which each is about a stream.
    pub fn of_airbyte(states: &Value) -> Kept {
        let about =
            |state: &&Value| state.pointer("/stream/stream_descriptor/name").is_some_and(|name| name == CONTACTS);
        let found = states.as_array().and_then(|states| states.iter().rev().find(about));
        let place = found.and_then(|state| state.pointer("/stream/stream_state"));
        // A stream without a state is one that was not begun.
        if found.is_some() && place.is_none_or(is_blank) { Kept::Nothing } else { Kept::of(states, place) }
    }

    fn of(whole: &Value, place: Option<&Value>) -> Kept {
        match place.map(|place| serde_json::from_value(place.clone())) {
            Some(Ok(place)) => Kept::Place(place),
            None if is_blank(whole) => Kept::Nothing,
            Some(Err(_)) | None => Kept::Foreign,
        }
    }
}

/// Whether a value says nothing.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(object) => object.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bookmark_is_found_again_and_a_foreign_state_is_none() {
        let reading: Timestamp = "2026-11-30T11:07:33.123Z".parse().unwrap();
        let bookmark = Bookmark { records: 7, ..Bookmark::begin("shop", reading, None) };
        let state = bookmark.to_singer();
        assert_eq!(
            state.to_string(),
            r#"{"bookmarks":{"contacts":{"of":"shop","reading":"2026-11-30T11:07:33.123Z","records":7,"complete":false}}}"#
        );
        assert_eq!(Kept::of_singer(&state), Kept::Place(bookmark.clone()));
        let stream = |state: Value| json!([{"type": "STREAM", "stream": {"stream_descriptor": {"name": "contacts"}, "stream_state": state}}]);
        assert_eq!(Kept::of_airbyte(&stream(json!(bookmark))), Kept::Place(bookmark));
        let both = |state: &Value| (Kept::of_singer(state), Kept::of_airbyte(state));
        for foreign in [json!({"bookmarks": {"contacts": {"updated_at": "2026"}}}), json!({"orders": 1}), json!(3)] {
            assert_eq!(both(&foreign), (Kept::Foreign, Kept::Foreign), "{foreign}");
        }
        for blank in [json!({}), json!([]), json!(null), stream(json!(null)), stream(json!({}))] {
            assert_eq!(Kept::of_airbyte(&blank), Kept::Nothing, "{blank}");
        }
        for blank in [json!({}), json!({"bookmarks": {}}), json!(null)] {
            assert_eq!(Kept::of_singer(&blank), Kept::Nothing, "{blank}");
        }
    }
}

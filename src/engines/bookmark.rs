//! How far a tap or a source has come, as it stands in the state that the orchestrator keeps.

use super::schema::CONTACTS;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How far a reading of an account has been sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bookmark {
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

impl Bookmark {
    /// The beginning of a reading.
    pub fn begin(reading: Timestamp, since: Option<Timestamp>) -> Bookmark {
        Bookmark { reading, since, records: 0, complete: false }
    }

    /// The bookmark in a state of Singer; none in a state that has none of ours.
    pub fn of_singer(state: &Value) -> Option<Bookmark> {
        let found = state.get("bookmarks")?.get(CONTACTS)?;
        serde_json::from_value(found.clone()).ok()
    }

    /// The same in the states of Airbyte, of which each is about a stream.
    pub fn of_airbyte(states: &Value) -> Option<Bookmark> {
        let about =
            |state: &&Value| state.pointer("/stream/stream_descriptor/name").is_some_and(|name| name == CONTACTS);
        let found = states.as_array()?.iter().rev().find(about)?.pointer("/stream/stream_state")?;
        serde_json::from_value(found.clone()).ok()
    }

    /// The state of Singer.
    pub fn to_singer(&self) -> Value {
        json!({ "bookmarks": { CONTACTS: self } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bookmark_is_found_again_and_a_foreign_state_is_none() {
        let reading: Timestamp = "2026-11-30T11:07:33.123Z".parse().unwrap();
        let bookmark = Bookmark { records: 7, ..Bookmark::begin(reading, None) };
        let state = bookmark.to_singer();
        assert_eq!(
            state.to_string(),
            r#"{"bookmarks":{"contacts":{"reading":"2026-11-30T11:07:33.123Z","records":7,"complete":false}}}"#
        );
        assert_eq!(Bookmark::of_singer(&state), Some(bookmark.clone()));
        let stream = json!({"stream_descriptor": {"name": "contacts"}, "stream_state": bookmark});
        assert_eq!(Bookmark::of_airbyte(&json!([{"type": "STREAM", "stream": stream}])), Some(bookmark));
        for foreign in [json!({}), json!([]), json!({"bookmarks": {"contacts": {"updated_at": "2026"}}}), json!(3)] {
            assert_eq!((Bookmark::of_singer(&foreign), Bookmark::of_airbyte(&foreign)), (None, None), "{foreign}");
        }
    }
}

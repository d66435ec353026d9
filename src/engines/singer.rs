//! Singer: SCHEMA, RECORD and STATE, a line each. The specification: <https://hub.meltano.com/singer/spec>.

use super::bookmark::Bookmark;
use super::protocol::{Message, Protocol, State, Stream};
use super::schema::{CONTACTS, Shape};
use crate::json::Members;
use serde_json::{Value, json};

/// The protocol of Singer.
#[derive(Clone, Copy, Debug)]
pub struct Singer;

impl Protocol for Singer {
    fn name(&self) -> &'static str {
        "Singer"
    }

    fn message<'l>(&self, line: &'l str) -> Result<Message<'l>, String> {
        let line = Members::parse(line)?;
        let kind = line.text("type")?.ok_or("a message without `type`")?;
        let without = |what: &str| format!("a {kind} without `{what}`");
        let stream = line.text("stream")?.ok_or_else(|| without("stream"));
        Ok(match &*kind {
            "SCHEMA" => {
                let key = line.get("key_properties").map(serde_json::from_str::<Vec<String>>).transpose();
                let key = key.map_err(|error| format!("`key_properties`: {error}"))?;
                Message::Schema { stream: stream?, key: key.unwrap_or_default() }
            }
            "RECORD" => Message::Record { stream: stream?, json: line.get("record").ok_or_else(|| without("record"))? },
            "STATE" => {
                let json = line.get("value").ok_or_else(|| without("value"))?.to_owned();
                Message::State(State { json, stream: None })
            }
            "ACTIVATE_VERSION" => {
                Message::LeftOut("ACTIVATE_VERSION", "it asks to delete older records, and Ferry deletes no contact")
            }
            "BATCH" => Message::Refused(
                "a BATCH, which names files in place of records",
                "take `batch_config` out of the settings of the tap, so that it sends records",
            ),
            _ => Message::Other,
        })
    }

    fn hands_back_each_state(&self) -> bool {
        false
    }

    fn arrived(&self, state: &State, _: u64) -> String {
        state.json.clone()
    }

    fn begin(&self, stream: &Stream) -> Vec<String> {
        let schema = stream.selection.reduce_schema(stream.shape.schema.clone());
        let key = stream.shape.keys();
        vec![json!({"type": "SCHEMA", "stream": CONTACTS, "schema": schema, "key_properties": key}).to_string()]
    }

    fn record(&self, stream: &Stream, json: &str) -> String {
        let at = stream.read_at;
        format!(r#"{{"type":"RECORD","stream":"{CONTACTS}","record":{json},"time_extracted":"{at}"}}"#)
    }

    fn place(&self, place: &Bookmark, _: u64) -> String {
        json!({"type": "STATE", "value": place.to_singer()}).to_string()
    }

    fn end(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The catalog of a tap whose records look like this. `is_incremental`: whether the platform says when a contact was changed.
pub fn catalog_of(shape: &Shape, is_incremental: bool) -> Value {
    let key = shape.keys();
    let of_property = shape.names().map(|name| {
        let inclusion = if key.contains(&name) { "automatic" } else { "available" };
        json!({"breadcrumb": ["properties", name], "metadata": {"inclusion": inclusion}})
    });
    let method = if is_incremental { "INCREMENTAL" } else { "FULL_TABLE" };
    let mut of_stream = json!({
        "inclusion": "available", "selected": true, "table-key-properties": key, "replication-method": method,
    });
    if let (true, Some(changed), Value::Object(of_stream)) = (is_incremental, &shape.changed, &mut of_stream) {
        of_stream.insert("valid-replication-keys".to_owned(), json!([changed]));
    }
    let metadata: Vec<Value> =
        std::iter::once(json!({"breadcrumb": [], "metadata": of_stream})).chain(of_property).collect();
    json!({"streams": [{
        "tap_stream_id": CONTACTS, "stream": CONTACTS, "schema": shape.schema, "key_properties": key,
        "replication_method": method, "metadata": metadata,
    }]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_message_is_understood() {
        let schema = r#"{"type":"SCHEMA","stream":"c","schema":{"properties":{}},"key_properties":["email"]}"#;
        let key = vec!["email".to_owned()];
        assert_eq!(Singer.message(schema), Ok(Message::Schema { stream: "c".into(), key }));
        let record = r#" {"stream":"c", "record": {"a": 1.50, "b":"ñ"}, "type":"RECORD", "version": 3}"#;
        let json = r#"{"a": 1.50, "b":"ñ"}"#;
        assert_eq!(Singer.message(record), Ok(Message::Record { stream: "c".into(), json }));
        let state = State { json: r#"{"x": 12345678901234567890}"#.to_owned(), stream: None };
        let line = r#"{"type":"STATE","value":{"x": 12345678901234567890}}"#;
        assert_eq!(Singer.message(line), Ok(Message::State(state.clone())));
        assert_eq!(Singer.arrived(&state, 5), r#"{"x": 12345678901234567890}"#);
        assert_eq!(Singer.message(r#"{"type":"NEW_KIND"}"#), Ok(Message::Other));
        assert!(matches!(Singer.message(r#"{"type":"BATCH","stream":"c"}"#), Ok(Message::Refused(..))));
        let version = r#"{"type":"ACTIVATE_VERSION","stream":"c","version":1}"#;
        assert!(matches!(Singer.message(version), Ok(Message::LeftOut("ACTIVATE_VERSION", _))));
    }

    #[test]
    fn what_is_no_message_says_why() {
        for (line, why) in [
            ("{", "EOF while parsing an object at line 1 column 1"),
            ("[]", "it is not an object"),
            (r#"{"stream":"c"}"#, "a message without `type`"),
            (r#"{"type":"RECORD","record":{}}"#, "a RECORD without `stream`"),
            (r#"{"type":"RECORD","stream":"c"}"#, "a RECORD without `record`"),
            (r#"{"type":"STATE"}"#, "a STATE without `value`"),
        ] {
            assert_eq!(Singer.message(line), Err(why.to_owned()), "{line}");
        }
    }
}

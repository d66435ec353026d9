//! Airbyte: RECORD, STATE, TRACE and the answers of a connector, a line each. The protocol:
//! <https://docs.airbyte.com/platform/understanding-airbyte/airbyte-protocol>.

use super::bookmark::Bookmark;
use super::protocol::{Message, Protocol, State, Stream};
use super::schema::{CONTACTS, Shape};
use crate::json::Members;
use crate::outcome::{Exit, Failure};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// The protocol of Airbyte.
#[derive(Clone, Copy, Debug)]
pub struct Airbyte;

/// Of a state, what it is about.
#[derive(Deserialize)]
struct About {
    stream: Option<AboutStream>,
}

#[derive(Deserialize)]
struct AboutStream {
    stream_descriptor: Descriptor,
}

#[derive(Deserialize)]
struct Descriptor {
    name: String,
}

impl Protocol for Airbyte {
    fn name(&self) -> &'static str {
        "Airbyte"
    }

    fn message<'l>(&self, line: &'l str) -> Result<Message<'l>, String> {
        let line = Members::parse(line)?;
        let kind = line.text("type")?.ok_or("a message without `type`")?;
        Ok(match &*kind {
            "RECORD" => {
                let record = Members::parse(line.get("record").ok_or("a RECORD without `record`")?)?;
                let stream = record.text("stream")?.ok_or("a RECORD without `stream`")?;
                Message::Record { stream, json: record.get("data").ok_or("a RECORD without `data`")? }
            }
            "STATE" => {
                let json = line.get("state").ok_or("a STATE without `state`")?.to_owned();
                let about: About = serde_json::from_str(&json).map_err(|error| error.to_string())?;
                Message::State(State { json, stream: about.stream.map(|stream| stream.stream_descriptor.name) })
            }
            _ => Message::Other,
        })
    }

    fn hands_back_each_state(&self) -> bool {
        true
    }

    fn arrived(&self, state: &State, records: u64) -> String {
        let mut object: Value = serde_json::from_str(&state.json).unwrap_or_default();
        if let Value::Object(state) = &mut object {
            state.insert("destinationStats".to_owned(), json!({"recordCount": records as f64}));
        }
        json!({"type": "STATE", "state": object}).to_string()
    }

    fn begin(&self, _: &Stream) -> Vec<String> {
        vec![stream_status("STARTED"), stream_status("RUNNING")]
    }

    fn record(&self, stream: &Stream, json: &str) -> String {
        let at = stream.read_at.as_millisecond();
        format!(r#"{{"type":"RECORD","record":{{"stream":"{CONTACTS}","data":{json},"emitted_at":{at}}}}}"#)
    }

    fn place(&self, place: &Bookmark, records: u64) -> String {
        let stream = json!({"stream_descriptor": {"name": CONTACTS}, "stream_state": place});
        let state = json!({"type": "STREAM", "stream": stream, "sourceStats": {"recordCount": records as f64}});
        json!({"type": "STATE", "state": state}).to_string()
    }

    fn end(&self) -> Vec<String> {
        vec![stream_status("COMPLETE")]
    }
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

fn stream_status(status: &str) -> String {
    let status = json!({"stream_descriptor": {"name": CONTACTS}, "status": status});
    let trace = json!({"type": "STREAM_STATUS", "emitted_at": now_ms() as f64, "stream_status": status});
    json!({"type": "TRACE", "trace": trace}).to_string()
}

/// The message about what stopped a connector.
pub fn trace(failure: &Failure) -> String {
    let kind = match failure.exit {
        Exit::Usage | Exit::Refused => "config_error",
        Exit::Unavailable | Exit::Busy => "transient_error",
        _ => "system_error",
    };
    // Users see the first text, where the cause may be as long as a response.
    let message = format!("{}{}", failure.message, hint(failure));
    let error = json!({"message": message, "internal_message": told(failure), "failure_type": kind});
    let trace = json!({"type": "ERROR", "emitted_at": now_ms() as f64, "error": error});
    json!({"type": "TRACE", "trace": trace}).to_string()
}

/// The failure with its causes and its hint, in one line.
fn told(failure: &Failure) -> String {
    format!("{failure}{}", hint(failure))
}

fn hint(failure: &Failure) -> String {
    failure.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default()
}

/// The answer to `check`: what works, or what does not.
pub fn status(checked: &Result<String, Failure>) -> String {
    let (status, message) = match checked {
        Ok(line) => ("SUCCEEDED", line.clone()),
        Err(failure) => ("FAILED", told(failure)),
    };
    json!({"type": "CONNECTION_STATUS", "connectionStatus": {"status": status, "message": message}}).to_string()
}

/// The answer to `discover`, of records that look like this. `is_incremental`: whether the platform says when a contact was
/// changed.
pub fn catalog_of(shape: &Shape, is_incremental: bool) -> String {
    let modes = if is_incremental { json!(["full_refresh", "incremental"]) } else { json!(["full_refresh"]) };
    let paths: Vec<[&str; 1]> = shape.keys().into_iter().map(|name| [name]).collect();
    let mut stream = json!({
        "name": CONTACTS, "json_schema": shape.schema, "supported_sync_modes": modes,
        "source_defined_primary_key": paths, "is_resumable": true,
    });
    if let (true, Value::Object(stream)) = (is_incremental, &mut stream) {
        stream.insert("source_defined_cursor".to_owned(), json!(true));
        stream.insert("default_cursor_field".to_owned(), json!(Vec::from_iter(&shape.changed)));
    }
    json!({"type": "CATALOG", "catalog": {"streams": [stream]}}).to_string()
}

/// The streams that a destination is to receive, each with the properties that identify a record.
///
/// # Errors
/// Exit 2 where a stream is to overwrite what is there: Ferry deletes no contact.
pub fn configured(catalog: &Value) -> Result<Vec<(String, Vec<String>)>, Failure> {
    let streams = catalog.get("streams").and_then(Value::as_array).into_iter().flatten();
    streams.map(stream_of).collect()
}

fn stream_of(one: &Value) -> Result<(String, Vec<String>), Failure> {
    let name = one.pointer("/stream/name").and_then(Value::as_str).unwrap_or_default();
    let mode = one.get("destination_sync_mode").and_then(Value::as_str).unwrap_or_default();
    if mode.starts_with("overwrite") {
        return Err(Failure::usage(format!(
            "the stream `{name}` has the mode `{mode}`, which would delete contacts that it lacks"
        ))
        .hint("choose `append_dedup`: contacts are found again, and updated or created"));
    }
    let typed = one.get("primary_key").filter(|key| key.as_array().is_some_and(|paths| !paths.is_empty()));
    let paths = typed.or_else(|| one.pointer("/stream/source_defined_primary_key")).and_then(Value::as_array);
    let path_of = |path: &Value| {
        let parts = path.as_array()?.iter().filter_map(Value::as_str);
        Some(parts.collect::<Vec<_>>().join("."))
    };
    Ok((name.to_owned(), paths.into_iter().flatten().filter_map(path_of).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_and_states_are_understood_and_the_rest_is_of_no_use() {
        let record = r#"{"type":"RECORD","record":{"namespace":null,"stream":"c","data":{"a":1.50},"emitted_at":1},"state":null}"#;
        assert_eq!(Airbyte.message(record), Ok(Message::Record { stream: "c".into(), json: r#"{"a":1.50}"# }));
        let json = r#"{"type":"STREAM","id":7,"stream":{"stream_descriptor":{"name":"c"},"stream_state":{"x":1}}}"#;
        let state = State { json: json.to_owned(), stream: Some("c".to_owned()) };
        let line = format!(r#"{{"type":"STATE","state":{json}}}"#);
        assert_eq!(Airbyte.message(&line), Ok(Message::State(state.clone())));
        let arrived: Value = serde_json::from_str(&Airbyte.arrived(&state, 3)).unwrap();
        assert_eq!(arrived.pointer("/state/destinationStats/recordCount"), Some(&json!(3.0)));
        assert_eq!(arrived.pointer("/state/id"), Some(&json!(7)));
        for other in [r#"{"type":"TRACE","trace":{}}"#, r#"{"type":"LOG","log":{"level":"INFO"}}"#] {
            assert_eq!(Airbyte.message(other), Ok(Message::Other));
        }
        assert_eq!(Airbyte.message(r#"{"type":"STATE"}"#), Err("a STATE without `state`".to_owned()));
        assert!(Airbyte.message(r#"{"type":"RECORD","record":{"stream":"c"}}"#).is_err());
    }

    #[test]
    fn a_stream_that_would_delete_contacts_is_refused() {
        let catalog = |mode: &str| {
            json!({"streams": [{"stream": {"name": "c", "source_defined_primary_key": [["id"]]},
                "primary_key": [["email"], ["a", "b"]], "destination_sync_mode": mode}]})
        };
        let expected = vec![("c".to_owned(), vec!["email".to_owned(), "a.b".to_owned()])];
        assert_eq!(configured(&catalog("append_dedup")).unwrap(), expected);
        assert_eq!(configured(&catalog("overwrite")).unwrap_err().exit, Exit::Usage);
    }
}

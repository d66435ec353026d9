//! What a catalog selects of the stream of contacts: whether it is sent, which of its properties, and whether only what
//! has changed is wanted. What is not named is sent.

use super::schema::{CONTACTS, Shape};
use serde_json::Value;

/// What is sent of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Whether the stream is sent at all.
    pub is_sent: bool,
    /// The properties that are left out, each by its path.
    left_out: Vec<Vec<String>>,
    /// Whether contacts that have not changed since the last reading are left out, as far as the catalog says.
    pub is_incremental: Option<bool>,
}

impl Default for Selection {
    /// Everything.
    fn default() -> Selection {
        Selection { is_sent: true, left_out: Vec::new(), is_incremental: None }
    }
}

impl Selection {
    /// What a catalog of Singer selects of records like this: by its metadata, or by `selected` in the schema as older taps
    /// have it. The key is always sent.
    pub fn of_singer(catalog: &Value, shape: &Shape) -> Selection {
        let streams = catalog.get("streams").and_then(Value::as_array).into_iter().flatten();
        let is_ours = |stream: &&Value| {
            ["tap_stream_id", "stream"].iter().any(|key| stream.get(key).is_some_and(|name| name == CONTACTS))
        };
        let nothing = || Selection { is_sent: false, ..Selection::default() };
        let Some(stream) = streams.into_iter().find(is_ours) else { return nothing() };
        let mut selection = Selection::default();
        if stream.pointer("/schema/selected").and_then(Value::as_bool) == Some(false) {
            selection.is_sent = false;
        }
        for entry in stream.get("metadata").and_then(Value::as_array).into_iter().flatten() {
            let path = path_of(entry.get("breadcrumb"));
            let is_off = entry.pointer("/metadata/selected").and_then(Value::as_bool) == Some(false);
            match path.as_slice() {
                [] => {
                    selection.is_sent &= !is_off;
                    let method = entry.pointer("/metadata/replication-method").and_then(Value::as_str);
                    selection.is_incremental =
                        method.map(|method| method == "INCREMENTAL").or(selection.is_incremental);
                }
                [name] if shape.key.as_ref() == Some(name) => {}
                _ if is_off => selection.left_out.push(path),
                _ => {}
            }
        }
        selection
    }

    /// What a configured catalog of Airbyte selects.
    pub fn of_airbyte(catalog: &Value) -> Selection {
        let streams = catalog.get("streams").and_then(Value::as_array).into_iter().flatten();
        let found = streams.into_iter().find(|one| one.pointer("/stream/name").is_some_and(|name| name == CONTACTS));
        let mode = found.and_then(|one| one.get("sync_mode")).and_then(Value::as_str);
        Selection {
            is_sent: found.is_some(),
            is_incremental: mode.map(|mode| mode == "incremental"),
            ..Selection::default()
        }
    }

    /// The record without what is left out; none where nothing is.
    pub fn reduced(&self, json: &str) -> Option<String> {
        if self.left_out.is_empty() {
            return None;
        }
        let mut record: Value = serde_json::from_str(json).ok()?;
        for path in &self.left_out {
            remove(&mut record, path, false);
        }
        Some(record.to_string())
    }

    /// The schema without what is left out.
    pub fn reduce_schema(&self, mut schema: Value) -> Value {
        for path in &self.left_out {
            remove(&mut schema, path, true);
        }
        schema
    }
}

/// The names of the properties on the way: a breadcrumb has `properties` before each.
fn path_of(breadcrumb: Option<&Value>) -> Vec<String> {
    let parts: Vec<&str> =
        breadcrumb.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    parts.iter().skip(1).step_by(2).map(|name| (*name).to_owned()).collect()
}

fn remove(from: &mut Value, path: &[String], is_schema: bool) {
    let inside = if is_schema { from.get_mut("properties") } else { Some(from) };
    let Some(object) = inside.and_then(Value::as_object_mut) else { return };
    match path {
        [name] => drop(object.shift_remove(name)),
        [name, rest @ ..] => object.get_mut(name).into_iter().for_each(|next| remove(next, rest, is_schema)),
        [] => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn singer(metadata: Value) -> Selection {
        let catalog = json!({"streams": [{"tap_stream_id": "contacts", "metadata": metadata}]});
        Selection::of_singer(&catalog, &Shape::whole())
    }

    #[test]
    fn what_is_not_selected_is_left_out_of_record_and_schema() {
        let off = |path: Value| json!({"breadcrumb": path, "metadata": {"selected": false}});
        let selection = singer(json!([
            off(json!(["properties", "id"])),
            off(json!(["properties", "notes"])),
            off(json!(["properties", "address", "properties", "city"])),
            {"breadcrumb": [], "metadata": {"selected": true, "replication-method": "FULL_TABLE"}},
        ]));
        assert!(selection.is_sent);
        assert_eq!(selection.is_incremental, Some(false));
        let reduced = selection.reduced(r#"{"id":"1","notes":"x","address":{"city":"Q","zip":"2"},"n":1.50}"#).unwrap();
        assert_eq!(reduced, r#"{"id":"1","address":{"zip":"2"},"n":1.50}"#);
        let schema = selection.reduce_schema(Shape::whole().schema);
        assert_eq!(schema.pointer("/properties/notes"), None);
        assert_eq!(schema.pointer("/properties/address/properties/city"), None);
        assert!(schema.pointer("/properties/address/properties/zip").is_some());
        assert!(schema.pointer("/properties/id").is_some());
    }

    #[test]
    fn a_stream_that_is_not_selected_is_not_sent() {
        assert!(!singer(json!([{"breadcrumb": [], "metadata": {"selected": false}}])).is_sent);
        assert!(!Selection::of_singer(&json!({"streams": [{"stream": "agents"}]}), &Shape::whole()).is_sent);
        assert!(singer(json!([])).is_sent && singer(json!([])).reduced("{}").is_none());
        let airbyte =
            |mode| Selection::of_airbyte(&json!({"streams": [{"stream": {"name": "contacts"}, "sync_mode": mode}]}));
        assert_eq!(airbyte("incremental").is_incremental, Some(true));
        assert_eq!(airbyte("full_refresh").is_incremental, Some(false));
        assert!(!Selection::of_airbyte(&json!({"streams": []})).is_sent);
    }
}

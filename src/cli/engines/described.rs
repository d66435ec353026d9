//! The settings of a tap, target, source or destination, as its orchestrator asks for them: made of the options of its
//! command and of the settings of the platforms.

use super::configured::{CONNECTION, Configured};
use crate::platforms::Registry;
use crate::platforms::settings::COMMON;
use serde_json::{Map, Value, json};

impl Configured {
    /// The JSON Schema of the settings. `secret`: how a secret is marked there.
    pub(crate) fn schema(self, platforms: &Registry, secret: &str) -> Value {
        let mut properties = Map::new();
        let about = "Name of a connection in ferry.yaml, or of a platform";
        properties.insert(CONNECTION.to_owned(), json!({"type": "string", "description": about}));
        for option in self.options() {
            properties.insert(option.key, json!({"type": option.kind, "description": option.help}));
        }
        for driver in platforms.drivers() {
            for setting in COMMON.iter().chain(&*driver.facts().settings) {
                let about = json!({"type": "string", "description": setting.help});
                let entry = properties.entry(setting.name.to_string()).or_insert(about);
                if let (true, Value::Object(entry)) = (setting.secret, entry) {
                    entry.insert(secret.to_owned(), json!(true));
                }
            }
        }
        json!({
            "$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "required": [CONNECTION],
            "properties": properties, "additionalProperties": true,
        })
    }
}

//! Saying that contacts hold a secret of the connection that they were read from. They are carried as they are: what is
//! shown is redacted, what is data is not.

use super::Fetched;
use crate::http::Http;
use crate::outcome::Failure;
use crate::report::words::count;
use serde_json::Value;

impl Fetched {
    /// How many values hold a secret of their connection, in words; none when no value does.
    ///
    /// # Errors
    /// Exit 1 when what was read cannot be read again.
    pub fn note_of_secrets(&self, http: &Http, connection: &str) -> Result<Option<String>, Failure> {
        // Only then is it worth reading everything once more.
        if !http.has_met_secret() {
            return Ok(None);
        }
        let (mut found, mut next) = (0, 0);
        loop {
            let rows = self.spool.rows(next)?;
            for row in &rows {
                next = row.ordinal + 1;
                found += serde_json::from_str(&row.json).map_or(0, |json| held(http, &json));
            }
            if rows.is_empty() {
                break;
            }
        }
        let values = count(found, "value holds", "values hold");
        Ok((found > 0)
            .then(|| format!("{values} a secret of connection `{connection}`; contacts are carried as they are")))
    }
}

fn held(http: &Http, json: &Value) -> u64 {
    match json {
        Value::String(text) => u64::from(http.is_secret_in(text)),
        Value::Array(items) => items.iter().map(|item| held(http, item)).sum(),
        Value::Object(object) => object.values().map(|value| held(http, value)).sum(),
        _ => 0,
    }
}

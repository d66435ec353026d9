//! The figures that a summary and a receipt share: numbers by name, requests, a forecast, changes. Plain data.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;

/// Numbers by name.
pub type Sums = BTreeMap<String, u64>;

/// Numbers by name, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(Vec<(String, u64)>);

impl Counts {
    /// The same, the largest number first, then by name.
    pub fn ranked(mut self) -> Counts {
        self.0.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        self
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Name and number, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, n)| (name.as_str(), *n))
    }
}

impl<N: Into<String>> FromIterator<(N, u64)> for Counts {
    /// Numbers that are 0 are left out.
    fn from_iter<I: IntoIterator<Item = (N, u64)>>(items: I) -> Counts {
        Counts(items.into_iter().filter(|(_, n)| *n > 0).map(|(name, n)| (name.into(), n)).collect())
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, n) in &self.0 {
            map.serialize_entry(name, n)?;
        }
        map.end()
    }
}

/// What went over the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// Requests sent, repeated ones counted again.
    pub sent: u64,
    /// Of them, repeats.
    pub retried: u64,
    /// How often the platform said that it was too much.
    pub rate_limited: u64,
}

/// What the real run would take.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Forecast {
    /// Requests.
    pub requests: u64,
    /// Seconds.
    #[serde(serialize_with = "tenths")]
    pub seconds: f64,
}

/// What is not as it was in the export before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Changes {
    pub added: u64,
    pub changed: u64,
    pub removed: u64,
}

/// Seconds with one decimal.
pub(super) fn tenths<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((value * 10.0).round() / 10.0)
}

//! The columns of the file as the page shows them: how much is filled, what they hold, samples, and what was suggested.

use crate::profile::{Column, dates};
use crate::suggest::{Suggestion, holding};
use serde_json::{Value, json};

/// Values of a column that are offered for a lookup, the commonest first.
const VALUES_MAX: usize = 64;

/// Every column, in the order of the file.
pub(super) fn columns(suggestion: &Suggestion) -> Vec<Value> {
    (0..suggestion.names.len()).map(|at| column(suggestion, at)).collect()
}

fn column(suggestion: &Suggestion, at: usize) -> Value {
    let (profile, name) = (&suggestion.profile, suggestion.names.get(at).map_or("", String::as_str));
    let Some(column) = profile.columns.get(at) else { return json!({ "name": name }) };
    let holding = holding(suggestion, profile, at);
    let (sure, reasons) = suggestion.why(at);
    let (distinct, _) = column.distinct.count();
    let perhaps = suggestion.perhaps(at).map(|(field, sure)| json!({ "field": field, "percent": percent(sure) }));
    let date = suggestion.dates.get(at).copied().flatten().map(|(format, _)| dates::format(format));
    json!({
        "name": name,
        "percent": (column.filled * 100).checked_div(profile.records).unwrap_or(0),
        "filled": column.filled,
        "distinct": distinct,
        "kind": holding.kind,
        "detail": holding.detail,
        "samples": column.samples,
        "values": values(column),
        "date": date,
        "field": suggestion.field_of(at).map(|field| field.name()),
        "sure": percent(sure),
        "reasons": reasons,
        "perhaps": perhaps,
    })
}

fn values(column: &Column) -> Vec<&String> {
    let Some(values) = &column.values else { return Vec::new() };
    let mut values: Vec<(&String, &u64)> = values.iter().collect();
    values.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
    values.into_iter().take(VALUES_MAX).map(|(value, _)| value).collect()
}

fn percent(sure: f64) -> u64 {
    (sure * 100.0).floor() as u64
}

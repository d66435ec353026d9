//! What was found, as JSON. Its keys are stable.

use super::found::Inspected;
use crate::files::Format;
use crate::profile::{Column, Invalid, Repeated};
use crate::suggest::holding;
use serde_json::{Value, json};

/// The commonest values of a column that are named.
const TOP_SHOWN: usize = 10;

/// The object.
pub(super) fn object(inspected: &Inspected) -> Value {
    let layout = &inspected.layout;
    let table = layout.table.as_ref();
    let vendor = inspected.suggestion.vendor.map(|vendor| json!({ "name": vendor.name, "link": vendor.link }));
    let profile = &inspected.profile;
    let columns: Vec<Value> = (0..profile.names.len()).filter_map(|at| column(inspected, at)).collect();
    let mut estimates: Vec<&str> = Vec::new();
    if profile.columns.iter().any(|column| !column.distinct.count().1) {
        estimates.push("distinct");
    }
    let same = |repeated: &Repeated| json!({ "n": repeated.n, "first": repeated.first });
    json!({
        "file": {
            "name": inspected.shown, "format": layout.format.name(), "encoding": layout.encoding.name(),
            "delimiter": table.filter(|_| layout.format != Format::Xlsx).map(|table| char::from(table.delimiter).to_string()),
        },
        "rows": { "contacts": profile.records, "blank": profile.blank, "malformed": invalid(&profile.malformed, inspected) },
        "layout": vendor,
        "columns": columns,
        "duplicates": { "phone": same(&inspected.phones), "email": same(&inspected.emails) },
        "notes": inspected.notes,
        "estimates": estimates,
    })
}

fn column(inspected: &Inspected, at: usize) -> Option<Value> {
    let column = inspected.profile.columns.get(at)?;
    let (n, exact) = column.distinct.count();
    let holding = holding(&inspected.suggestion, &inspected.profile, at);
    let share =
        if column.filled == 0 { 0.0 } else { (holding.n as f64 / column.filled as f64 * 1000.0).round() / 1000.0 };
    let (probability, reasons) = inspected.suggestion.why(at);
    let suggestion = inspected.suggestion.field_of(at).map(|field| {
        let probability = (probability * 100.0).round() / 100.0;
        json!({ "field": field.name(), "probability": probability, "reasons": reasons })
    });
    Some(json!({
        "name": inspected.profile.names.get(at),
        "filled": column.filled,
        "distinct": { "n": n, "exact": exact },
        "length": { "min": if column.filled == 0 { 0 } else { column.len_min }, "max": column.len_max },
        "samples": if inspected.has_samples { column.samples.clone() } else { Vec::new() },
        "top": if inspected.has_samples { top(column) } else { Vec::new() },
        "holds": [{ "type": holding.kind, "share": share, "detail": holding.detail }],
        "invalid": invalid(&column.invalid, inspected),
        "suggestion": suggestion,
    }))
}

/// The commonest values, where there are few different ones.
pub(super) fn top(column: &Column) -> Vec<(String, u64)> {
    let mut values: Vec<(String, u64)> = column.values.iter().flatten().map(|(value, n)| (value.clone(), *n)).collect();
    values.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    values.truncate(TOP_SHOWN);
    values
}

fn invalid(invalid: &Invalid, inspected: &Inspected) -> Value {
    let value = |text: &str| inspected.has_samples.then(|| text.to_owned());
    let first: Vec<Value> = invalid
        .first
        .iter()
        .map(|one| json!({ "line": one.line, "value": value(&one.value), "code": one.code }))
        .collect();
    json!({ "n": invalid.n, "first": first })
}

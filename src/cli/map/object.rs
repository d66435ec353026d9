//! `ferry map check` and `ferry map suggest` as JSON. Their keys are stable.

use crate::outcome::{Failure, Mistake, Problem};
use crate::run::tried::{Example, Named, Tried};
use crate::suggest::{About, Suggestion};
use serde_json::{Map, Value, json};

/// What is wrong, one by one.
pub(super) fn of_failure(mapping: &str, failure: &Failure) -> Value {
    let problems: Vec<Value> = std::iter::once(failure).chain(&failure.also).flat_map(problems).collect();
    json!({ "mapping": mapping, "ok": false, "problems": problems })
}

fn problems(failure: &Failure) -> Vec<Value> {
    let own = || Mistake { at: None, message: failure.to_string(), hint: failure.hint.clone() };
    let mistakes = failure.page.as_ref().map_or_else(|| vec![own()], |page| page.mistakes.clone());
    let problem = |Mistake { at, message, hint }| {
        let (line, column) = at.unzip();
        json!({ "line": line, "column": column, "message": message, "hint": hint })
    };
    mistakes.into_iter().map(problem).collect()
}

/// A good mapping, and what it makes of the records of a file.
pub(super) fn of_check(mapping: &str, tried: Option<(&str, &Tried)>) -> Value {
    let mut object = json!({ "mapping": mapping, "ok": true, "problems": [] });
    let (Some((file, tried)), Some(keys)) = (tried, object.as_object_mut()) else { return object };
    let counts = json!({
        "file": file,
        "records": tried.read,
        "contacts": tried.contacts(),
        "rejected": tried.rejected,
        "left_out": { "only_if": tried.filtered, "skip": tried.suppressed },
        "not_carried": tried.not_carried,
        "examples": tried.first.iter().map(example).collect::<Vec<Value>>(),
    });
    keys.extend(counts.as_object().cloned().unwrap_or_default());
    object
}

fn example(example: &Example) -> Value {
    let object = |values: &[Named]| -> Map<String, Value> {
        values.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect()
    };
    let problem = |problem: &Problem| json!({ "code": problem.code, "message": problem.message, "hint": problem.hint });
    let problems: Vec<Value> = example.problems.iter().map(problem).collect();
    json!({ "line": example.line, "before": object(&example.before), "after": object(&example.after), "problems": problems })
}

/// The mapping as text, and the decisions in it.
pub(super) fn of_suggestion(suggestion: &Suggestion, about: &About, mapping: &str) -> Value {
    let percent = |probability: f64| (probability * 100.0).round() / 100.0;
    let column = |(at, name): (usize, &String)| {
        let (probability, reasons) = suggestion.why(at);
        let field = suggestion
            .field_of(at)
            .map(|field| json!({ "field": field.name(), "probability": percent(probability), "reasons": reasons }));
        let perhaps = suggestion.perhaps(at);
        let perhaps =
            perhaps.map(|(field, probability)| json!({ "field": field, "probability": percent(probability) }));
        json!({ "name": name, "suggestion": field, "perhaps": perhaps })
    };
    let missing = suggestion.missing();
    let missing: Vec<Vec<&str>> =
        missing.iter().map(|needs| needs.iter().map(|field| field.name()).collect()).collect();
    json!({
        "file": about.file,
        "out": about.out,
        "mapping": mapping,
        "columns": suggestion.names.iter().enumerate().map(column).collect::<Vec<Value>>(),
        "region": suggestion.region.region().map(|region| region.code()),
        "missing": missing,
    })
}

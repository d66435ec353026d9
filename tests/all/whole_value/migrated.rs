//! What a source platform holds is found at the other platform, in the rejects, or is named.

use super::drawn::drawn_for;
use super::{Left, file_text, finished, put_records, scene};
use crate::support::creating_platforms;
use serde_json::{Map, Value};

pub fn simulate(seed: u64) {
    // Every pair of two in turn.
    let (platforms, nth) = (creating_platforms(), seed as usize);
    let (from, step) = (nth % platforms.len(), 1 + nth / platforms.len() % (platforms.len() - 1));
    let (from, to) = (platforms[from], platforms[(from + step) % platforms.len()]);
    let (scene, mut drawn) = (scene(), drawn_for(from, seed));
    drawn.existing.clear();
    drawn.on_existing = "update";
    put_records(&scene, &drawn);
    finished(&scene, &format!("export --from {from} --out held.jsonl"));
    scene.write("over.yaml", &format!("version: 1\noverflow: {}\n", drawn.overflow));
    let summary = finished(&scene, &format!("migrate --from {from} --to {to} --map over.yaml"));
    let left = Left::of(&scene, summary, Value::from(scene.contacts(to)).to_string());
    let mut lost = Vec::new();
    for line in file_text(&scene, "held.jsonl").lines() {
        let contact: Map<String, Value> = serde_json::from_str(line).unwrap();
        let mut values = Vec::new();
        leaves("", &Value::Object(contact), &mut values);
        for (name, value) in values {
            let names = [format!("{name}.{value}"), format!("{name}s"), service(&name, &value), name.clone()];
            if !words(&value).all(|word| left.has(&word))
                && !names.iter().any(|name| left.not_carried.contains_key(name))
            {
                lost.push(format!("{name} = {value}"));
            }
        }
    }
    assert!(
        lost.is_empty(),
        "{from} → {to}: {lost:#?}\n{}\n{:#}\n{}",
        file_text(&scene, "held.jsonl"),
        left.summary,
        left.target
    );
}

/// The parts of a value that are like no others: they have a number.
fn words(value: &str) -> impl Iterator<Item = String> {
    let words = value.split(|c: char| !c.is_alphanumeric()).filter(|word| word.contains(|c: char| c.is_ascii_digit()));
    words.map(str::to_lowercase).collect::<Vec<_>>().into_iter()
}

/// By what a handle of a messenger is named.
fn service(name: &str, value: &str) -> String {
    format!("{name}.{}", value.split(':').next().unwrap_or_default())
}

/// Every value and its name, without what says where a contact comes from.
fn leaves(name: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) => {
            let of_source = ["id", "created_at", "updated_at", "target_id", "native"];
            for (key, value) in object.iter().filter(|(key, _)| !name.is_empty() || !of_source.contains(&key.as_str()))
            {
                leaves(&if name.is_empty() { key.clone() } else { format!("{name}.{key}") }, value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| leaves(name, item, found)),
        value => found.push((name.to_owned(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))),
    }
}

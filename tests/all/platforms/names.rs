//! Names are compared as wholes, on every platform, whatever form it holds.

use super::{contact, facts, there, wanted};
use crate::support::creating_platforms;
use ferry::change::Delta;
use ferry::contact::{Field, Overwrite, Wanted};
use ferry::mapping::Overflow;
use ferry::platforms::PlatformFacts;
use ferry::platforms::diff::{OnExisting, diff};
use ferry::platforms::project;
use serde_json::{Value, json};

/// `ana|lópez` as parts, `=ana lópez` as a full name, `~x` as a default.
fn named(text: &str) -> Wanted {
    let mut wanted = wanted(json!({}));
    let fields: Vec<(Field, &str)> = match text.strip_prefix('=') {
        Some(full) => vec![(Field::FullName, full)],
        None => {
            let (first, last) = text.split_once('|').unwrap();
            vec![(Field::FirstName, first), (Field::LastName, last)]
        }
    };
    for (field, value) in fields {
        wanted.contact.set_text(field, value.trim_start_matches('~'));
        if value.starts_with('~') {
            wanted.fill.insert(field);
        }
    }
    wanted
}

/// What a platform that holds parts, or a whole, has.
fn held(platform: &PlatformFacts, text: &str) -> Value {
    let (first, last) = text.split_once('|').unwrap();
    if platform.holds.contains(&Field::FirstName) {
        return json!({ "first_name": first, "last_name": last });
    }
    json!({ "full_name": format!("{first} {last}").trim() })
}

fn name_of(delta: &Delta) -> String {
    let text = |field| delta.after.text(field).unwrap_or_default();
    match text(Field::FullName) {
        "" => format!("{}|{}", text(Field::FirstName), text(Field::LastName)),
        full => full.to_owned(),
    }
}

#[test]
fn wholes_are_compared_on_every_platform_that_holds_names() {
    use OnExisting::{Fill, Skip, Update};
    // What the source has, `--on-existing`, what is there, and what is there then: as parts, and as a whole.
    let cases: &[(&str, OnExisting, &str, &str, &str)] = &[
        // Equal wholes leave the division.
        ("Ana María|López", Update, "Ana|María López", "Ana|María López", "Ana María López"),
        ("=Ana María López", Update, "Ana|María López", "Ana|María López", "Ana María López"),
        ("=López, Ana", Update, "Ana|López", "Ana|López", "Ana López"),
        ("Ana|López", Update, "Ana López|", "Ana López|", "Ana López"),
        ("=Ana  López", Update, "Ana López|", "Ana López|", "Ana López"),
        // A single word or part leaves a target that begins with it.
        ("Ana|", Update, "Ana|López", "Ana|López", "Ana López"),
        ("=Ana", Update, "Ana|López", "Ana|López", "Ana López"),
        ("Ana María|", Update, "Ana|María López", "Ana|María López", "Ana María López"),
        ("Ana|~-", Update, "Ana|López", "Ana|López", "Ana López"),
        // Otherwise it changes only that part.
        ("Ana|", Update, "Anabel|López", "Ana|López", "Ana López"),
        ("=Eva", Update, "Ana|López", "Eva|López", "Eva López"),
        ("|Ruiz", Update, "Ana|López", "Ana|Ruiz", "Ana Ruiz"),
        ("|López", Update, "Ana|López", "Ana|López", "Ana López"),
        ("Eva|~-", Update, "Ana|López", "Eva|López", "Eva López"),
        ("~N.|Ruiz", Update, "Ana|López", "Ana|Ruiz", "Ana Ruiz"),
        // Any other whole overwrites, also when it was split or joined.
        ("Ana|Ruiz", Update, "Ana|López", "Ana|Ruiz", "Ana Ruiz"),
        ("=Ana Ruiz", Update, "Ana|López", "Ana|Ruiz", "Ana Ruiz"),
        ("=Eva María Ruiz Sanz", Update, "Ana|López", "Eva María|Ruiz Sanz", "Eva María Ruiz Sanz"),
        ("Ana|López", Update, "Ana|López Ruiz", "Ana|López", "Ana López"),
        // Only defaults fill nothing but a blank.
        ("~N.|~N.", Update, "Ana|López", "Ana|López", "Ana López"),
        ("=~N. N.", Update, "Ana|López", "Ana|López", "Ana López"),
        // A target without a name gets all of it, defaults too.
        ("Ana|~-", Update, "|", "Ana|-", "Ana -"),
        ("=Ana López", Fill, "|", "Ana|López", "Ana López"),
        // `fill` and `skip`.
        ("Eva|Ruiz", Fill, "Ana|López", "Ana|López", "Ana López"),
        ("=Eva Ruiz", Fill, "Ana|López", "Ana|López", "Ana López"),
        ("=Ana Ruiz", Fill, "Ana|", "Ana|Ruiz", "Ana"),
        ("=Eva Ruiz", Fill, "Ana|", "Ana|", "Ana"),
        ("Eva|Ruiz", Skip, "Ana|", "Ana|", "Ana"),
    ];
    for platform in creating_platforms().into_iter().map(facts) {
        for &(source, on_existing, have, parts, whole) in cases {
            let wanted = project(platform, named(source), Overflow::Report).wanted;
            let found = there("1", held(platform, have));
            let delta = diff(platform, &wanted, Some(&found), None, on_existing);
            let is_whole = !platform.holds.contains(&Field::FirstName);
            let expected = if is_whole { whole } else { parts };
            let case = format!("{}: {source} {on_existing:?} {have}", platform.name);
            assert_eq!(name_of(&delta), expected, "{case}");
            assert_eq!(
                delta.is_empty(),
                name_of(&delta) == if is_whole { have.replace('|', " ").trim().to_owned() } else { have.to_owned() }
            );
            // Once more changes nothing, and the comparison of a verification agrees.
            let again = ferry::platforms::Found { contact: delta.after.clone(), ..found };
            assert!(diff(platform, &wanted, Some(&again), None, on_existing).is_empty(), "again: {case}");
        }
    }
}

#[test]
fn the_rule_of_a_name_holds_for_the_form_that_is_made_of_it() {
    let existing = |platform: &PlatformFacts| there("1", held(platform, "Ana|López"));
    for name in creating_platforms() {
        let platform = facts(name);
        let against = |wanted: Wanted, on_existing| {
            let fitted = project(platform, wanted, Overflow::Report).wanted;
            !diff(platform, &fitted, Some(&existing(platform)), None, on_existing).is_empty()
        };
        for source in ["Eva|Ruiz", "=Eva Ruiz"] {
            let (mut forced, mut fills) = (named(source), named(source));
            for field in [Field::FirstName, Field::LastName, Field::FullName] {
                if forced.contact.has(field) {
                    forced.force.insert(field);
                    fills.fill.insert(field);
                }
            }
            assert!(against(forced, OnExisting::Fill), "{name} {source}");
            assert!(!against(fills, OnExisting::Update), "{name} {source}");
        }
    }
}

#[test]
fn names_that_become_attributes_follow_the_rules_of_attributes() {
    let mut wanted = named("Eva|Ruiz");
    wanted.force.insert(Field::LastName);
    let fitted = project(facts("twin"), wanted, Overflow::Attributes).wanted;
    assert_eq!(fitted.contact, contact(json!({ "attributes": { "first_name": "Eva", "last_name": "Ruiz" } })));
    let found = there("1", json!({ "attributes": { "first_name": "Ana", "last_name": "López" } }));
    let changed = |on_existing| {
        let delta = diff(facts("twin"), &fitted, Some(&found), None, on_existing);
        delta.changes.into_iter().map(|change| change.field).collect::<Vec<_>>()
    };
    assert_eq!(changed(OnExisting::Update), ["attributes.first_name", "attributes.last_name"]);
    assert_eq!(changed(OnExisting::Fill), ["attributes.last_name"]);
    assert_eq!(fitted.attribute_overwrite("last_name"), Overwrite::Update);
}

//! What of a contact a platform can hold, and what remains to be written.

use super::{contact, facts, there, wanted};
use ferry::change::{Change, Delta, same};
use ferry::contact::{Field, Overwrite, TagMode, Wanted, split_name};
use ferry::mapping::Overflow;
use ferry::platforms::diff::{Existing, OnExisting, diff, diff_with_identity};
use ferry::platforms::project;
use ferry::platforms::{PlatformFacts, Slice};
use serde_json::{Value, json};

/// `field: old -> new` for every change.
fn shown(delta: &Delta) -> Vec<String> {
    let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    let line = |change: &Change| format!("{}: {} -> {}", change.field, side(&change.old), side(&change.new));
    delta.changes.iter().map(line).collect()
}

fn against(wanted: &Wanted, found: Option<Value>, found_by: Option<Field>, on_existing: OnExisting) -> Delta {
    let found = found.map(|found| there("1", found));
    diff(facts("mercately"), wanted, found.as_ref(), found_by, on_existing)
}

/// What a value does: how its rule stands, `--on-existing`, what is there, and what comes of it.
#[test]
fn a_value_does_what_its_rule_says_and_no_more() {
    use OnExisting::{Fill, Skip, Update};
    #[derive(Clone, Copy, Debug)]
    enum Rule {
        Plain,
        Fills,
        Forced,
        Clears,
        ForcedClears,
    }
    use Rule::{Clears, Fills, Forced, ForcedClears, Plain};
    let cases: &[(Rule, OnExisting, Option<&str>, &[&str])] = &[
        (Plain, Update, None, &["notes: nothing -> new"]),
        (Plain, Update, Some("old"), &["notes: old -> new"]),
        (Plain, Update, Some("new"), &[]),
        (Plain, Fill, None, &["notes: nothing -> new"]),
        (Plain, Fill, Some("old"), &[]),
        (Plain, Skip, None, &[]),
        (Plain, Skip, Some("old"), &[]),
        (Fills, Update, None, &["notes: nothing -> new"]),
        (Fills, Update, Some("old"), &[]),
        (Forced, Fill, Some("old"), &["notes: old -> new"]),
        (Forced, Update, Some("old"), &["notes: old -> new"]),
        (Clears, Update, Some("old"), &["notes: old -> nothing"]),
        (Clears, Update, None, &[]),
        (Clears, Fill, Some("old"), &[]),
        (ForcedClears, Fill, Some("old"), &["notes: old -> nothing"]),
    ];
    for &(rule, on_existing, have, expected) in cases {
        let mut wanted = Wanted::default();
        if !matches!(rule, Clears | ForcedClears) {
            wanted.contact.set_text(Field::Notes, "new");
        }
        match rule {
            Plain => {}
            Fills => wanted.fill.insert(Field::Notes),
            Forced => wanted.force.insert(Field::Notes),
            Clears => wanted.clear.insert(Field::Notes),
            ForcedClears => {
                wanted.force.insert(Field::Notes);
                wanted.clear.insert(Field::Notes);
            }
        }
        let found = json!({ "address": {"city": "Quito"}, "notes": have });
        let delta = against(&wanted, Some(found), None, on_existing);
        assert_eq!(shown(&delta), expected, "{rule:?} {on_existing:?} {have:?}");
        assert_eq!(delta.cleared, u64::from(expected.iter().any(|change| change.ends_with("nothing"))), "{rule:?}");
        assert_eq!(delta.after.text(Field::City), Some("Quito"));
        assert_eq!(delta.changed.has(Field::Notes), !expected.is_empty());
    }
}

#[test]
fn a_blank_never_overwrites() {
    let found = json!({
        "address": {"city": "Quito"}, "tags": ["a"], "emails": ["a@b.ec"], "attributes": {"Plan": "b"}
    });
    assert!(against(&Wanted::default(), Some(found), None, OnExisting::Update).is_empty());
}

#[test]
fn every_value_is_new_to_a_contact_that_does_not_exist() {
    let mut wanted = wanted(json!({
        "first_name": "Ana", "phones": ["+593667357821"], "tags": ["a", "a", "b"], "attributes": {"Plan": "b"}
    }));
    wanted.fill.insert(Field::FirstName);
    wanted.attribute_overwrite.push(("Plan".into(), Overwrite::Fill));
    for on_existing in [OnExisting::Update, OnExisting::Fill, OnExisting::Skip] {
        let delta = against(&wanted, None, None, on_existing);
        assert_eq!(
            shown(&delta),
            [
                "first_name: nothing -> Ana",
                "phone: nothing -> +593667357821",
                "tags: nothing -> a; b",
                "attributes.Plan: nothing -> b",
            ]
        );
    }
}

#[test]
fn an_identity_field_is_filled_and_not_overwritten_unless_its_rule_says_so() {
    let wants = wanted(json!({ "phones": ["+593667357821"], "emails": ["new@x.ec"] }));
    let with = |email: &[&str]| Some(json!({ "phones": ["+593667357821"], "emails": email }));
    let by_phone = Some(Field::Phones);
    let update = OnExisting::Update;
    assert_eq!(shown(&against(&wants, with(&[]), by_phone, update)), ["email: nothing -> new@x.ec"]);
    let keeps = against(&wants, with(&["old@x.ec"]), by_phone, update);
    assert!(keeps.is_empty());
    // It does not arrive, so it is named.
    assert_eq!(keeps.kept, ["email"]);
    assert!(against(&wants, with(&["NEW@x.ec"]), by_phone, update).kept.is_empty());
    let mut forced = wants.clone();
    forced.force.insert(Field::Emails);
    assert_eq!(shown(&against(&forced, with(&["old@x.ec"]), by_phone, update)), ["email: old@x.ec -> new@x.ec"]);
    let mut clears = wanted(json!({ "phones": ["+593667357821"] }));
    clears.clear.insert(Field::Emails);
    assert_eq!(shown(&against(&clears, with(&["old@x.ec"]), by_phone, update)), ["email: old@x.ec -> nothing"]);
    assert!(against(&clears, with(&["old@x.ec"]), Some(Field::Emails), update).is_empty());
}

#[test]
fn what_the_mapping_does_not_name_as_identity_is_overwritten_like_any_other_value() {
    let wants = wanted(json!({ "phones": ["+593667357821"], "emails": ["new@x.ec"] }));
    let found = there("1", json!({ "phones": ["+593667357000"], "emails": ["old@x.ec"] }));
    let by = |identity: &[Field], found_by| {
        let existing = Some(Existing { found: &found, by: found_by });
        shown(&diff_with_identity(facts("mercately"), identity, &wants, existing, OnExisting::Update))
    };
    assert_eq!(by(&[Field::Phones], None), ["email: old@x.ec -> new@x.ec"]);
    assert_eq!(
        by(&[Field::TargetId], Some(Field::TargetId)),
        ["phone: +593667357000 -> +593667357821", "email: old@x.ec -> new@x.ec"]
    );
    assert!(by(&[Field::Phones, Field::Emails], Some(Field::Phones)).is_empty());
}

#[test]
fn the_same_value_in_another_form_is_no_change() {
    for (field, one, other, expected) in [
        (Field::Phones, "+5215512345678", "+525512345678", true),
        (Field::Phones, "+593667 357 821", "+593667357821", true),
        (Field::Phones, "ext", "none", false),
        (Field::Emails, "Ana@X.ec", "ana@x.ec", true),
        (Field::City, "Quito ", "Quito", true),
        (Field::City, "Cafe\u{301}", "Café", true),
        (Field::Notes, "a\r\nb", "a\nb", true),
        (Field::Notes, "a\rb", "a\nb", true),
        (Field::City, "quito", "Quito", false),
        (Field::Tags, "VIP", "vip", false),
        (Field::Handles, "Telegram:anna", "telegram: anna", true),
        (Field::Handles, "telegram:anna", "vk:anna", false),
        (Field::Handles, "telegram:anna", "telegram:Anna", false),
        (Field::Handles, "whatsapp:+5215512345678", "whatsapp:52 55 1234 5678", true),
    ] {
        assert_eq!(same(field, one, other), expected, "{one} {other}");
    }
}

#[test]
fn tags_grow_are_replaced_or_taken_away() {
    use OnExisting::{Fill, Update};
    type Case = (TagMode, bool, OnExisting, &'static [&'static str], &'static [&'static str], &'static str, u64);
    let cases: &[Case] = &[
        (TagMode::Add, false, Update, &["b", "c"], &["a", "b"], "+c -", 0),
        (TagMode::Add, false, Update, &["a"], &["a", "b"], "+ -", 0),
        (TagMode::Add, false, Update, &["c", "c"], &[], "+c -", 0),
        (TagMode::Add, false, Fill, &["c"], &["a"], "+ -", 0),
        (TagMode::Add, false, Fill, &["c"], &[], "+c -", 0),
        (TagMode::Replace, false, Update, &["b", "c"], &["a", "b"], "+c -a", 0),
        (TagMode::Replace, false, Update, &[], &["a", "b"], "+ -", 0),
        (TagMode::Replace, false, Fill, &["c"], &["a", "b"], "+ -", 0),
        (TagMode::Remove, false, Update, &["a", "c"], &["a", "b"], "+ -a", 0),
        (TagMode::Remove, false, Update, &["a"], &["a"], "+ -a", 0),
        (TagMode::Remove, false, Update, &["a"], &[], "+ -", 0),
        (TagMode::Add, true, Update, &[], &["a", "b"], "+ -a,b", 1),
        (TagMode::Replace, true, Update, &[], &["a"], "+ -a", 1),
        (TagMode::Add, true, Fill, &[], &["a"], "+ -", 0),
        (TagMode::Add, true, Update, &[], &[], "+ -", 0),
    ];
    for &(tag_mode, clears, on_existing, want, have, expected, cleared) in cases {
        let mut wanted = wanted(json!({ "tags": want }));
        wanted.tag_mode = tag_mode;
        if clears {
            wanted.clear.insert(Field::Tags);
        }
        let delta = against(&wanted, Some(json!({ "address": {"city": "Quito"}, "tags": have })), None, on_existing);
        let told = format!("+{} -{}", delta.tags_added.join(","), delta.tags_removed.join(","));
        assert_eq!(
            (told.as_str(), delta.cleared),
            (expected, cleared),
            "{tag_mode:?} {on_existing:?} {want:?} {have:?}"
        );
        assert_eq!(delta.is_empty(), expected == "+ -");
        let mut after: Vec<&str> =
            have.iter().copied().filter(|tag| !delta.tags_removed.iter().any(|t| t == tag)).collect();
        after.extend(delta.tags_added.iter().map(String::as_str));
        assert_eq!(delta.after.list(Field::Tags), after);
    }
}

#[test]
fn custom_attributes_follow_the_same_rules_by_name() {
    use OnExisting::{Fill, Update};
    use Overwrite::Clear;
    let cases: &[(Overwrite, OnExisting, &str, Option<&str>, &[&str])] = &[
        (Overwrite::Update, Update, "b", None, &["attributes.Plan: nothing -> b"]),
        (Overwrite::Update, Update, "b", Some("a"), &["attributes.Plan: a -> b"]),
        (Overwrite::Update, Update, "b", Some("b"), &[]),
        (Overwrite::Update, Fill, "b", Some("a"), &[]),
        (Overwrite::Update, Fill, "b", None, &["attributes.Plan: nothing -> b"]),
        (Overwrite::Fill, Update, "b", Some("a"), &[]),
        (Overwrite::Fill, Update, "b", None, &["attributes.Plan: nothing -> b"]),
        (Clear, Update, "", Some("a"), &["attributes.Plan: a -> nothing"]),
        (Clear, Update, "", None, &[]),
        (Clear, Fill, "", Some("a"), &[]),
        (Overwrite::Update, Update, "", Some("a"), &[]),
    ];
    for &(overwrite, on_existing, want, have, expected) in cases {
        let mut wanted = Wanted::default();
        wanted.contact.set_attribute("Plan", want);
        if overwrite != Overwrite::Update {
            wanted.attribute_overwrite.push(("Plan".into(), overwrite));
        }
        let attributes = have.map(|have| json!({ "Plan": have, "plan": "other" }));
        let delta = against(&wanted, Some(json!({ "attributes": attributes })), None, on_existing);
        assert_eq!(shown(&delta), expected, "{overwrite:?} {on_existing:?} {want} {have:?}");
        assert_eq!(delta.cleared, u64::from(want.is_empty() && !expected.is_empty()));
        let changed: Vec<&str> = delta.changed_attributes.iter().map(|name| &**name).collect();
        assert_eq!(changed, if expected.is_empty() { vec![] } else { vec!["Plan"] });
    }
}

#[test]
fn the_rule_of_a_custom_attribute_is_kept_under_on_existing_fill() {
    for (is_forced, expected) in [(true, &["attributes.Plan: a -> b"][..]), (false, &[])] {
        let mut wanted = Wanted::default();
        wanted.contact.set_attribute("Plan", "b");
        if is_forced {
            wanted.attribute_overwrite.push(("Plan".into(), Overwrite::Update));
        }
        let found = json!({ "attributes": { "Plan": "a" } });
        assert_eq!(shown(&against(&wanted, Some(found), None, OnExisting::Fill)), expected);
    }
}

#[test]
fn a_whole_name_is_split_as_people_would() {
    for (full, first, last) in [
        ("", "", ""),
        ("Ana", "Ana", ""),
        ("Ana López", "Ana", "López"),
        ("Ana López Ruiz", "Ana", "López Ruiz"),
        ("Ana María López Ruiz", "Ana María", "López Ruiz"),
        ("Ana María de los Ángeles López Ruiz", "Ana María", "de los Ángeles López Ruiz"),
        ("Juan de la Cruz", "Juan", "de la Cruz"),
        ("José Ortega y Gasset", "José", "Ortega y Gasset"),
        ("María del Carmen Pérez Soto", "María del Carmen", "Pérez Soto"),
        ("Ludwig van Beethoven", "Ludwig", "van Beethoven"),
        ("Van Morrison", "Van", "Morrison"),
        ("López Ruiz,  Ana  María", "Ana María", "López Ruiz"),
        ("Ana de", "Ana", "de"),
    ] {
        assert_eq!(split_name(full), (first.to_owned(), last.to_owned()), "{full}");
    }
}

#[test]
fn a_contact_is_cut_to_what_the_platform_holds() {
    let wants = wanted(json!({
        "first_name": "Ana", "phones": ["+593667357821", "+593667357822"], "handles": ["telegram:ana"],
        "address": {"city": "Quito", "country": "EC"}, "notes": "hello", "created_at": "2021-03-30T23:17:42Z",
        "attributes": {"Plan": "b"},
    }));
    let fitted = project(facts("atom"), wants.clone(), Overflow::Report);
    assert_eq!(fitted.not_carried, ["phones", "handles", "address.city", "address.country", "notes"]);
    let expected = json!({ "first_name": "Ana", "phones": ["+593667357821"], "created_at": "2021-03-30T23:17:42Z",
        "attributes": {"Plan": "b"} });
    assert_eq!(fitted.wanted.contact.to_json()["phones"], expected["phones"]);
    assert_eq!(fitted.wanted.contact, contact(expected));

    let mut wants = wants;
    wants.fill.insert(Field::City);
    wants.clear.insert(Field::State);
    wants.contact.set_attribute("notes", "mapped");
    let fitted = project(facts("atom"), wants, Overflow::Attributes);
    assert_eq!(fitted.not_carried, ["notes"], "an attribute that the mapping gives is not overwritten");
    let attributes: Vec<(&str, &str, Overwrite)> = fitted
        .wanted
        .contact
        .attributes
        .iter()
        .map(|a| (&*a.name, a.value.as_str(), fitted.wanted.attribute_overwrite(&a.name)))
        .collect();
    assert_eq!(
        attributes,
        [
            ("Plan", "b", Overwrite::Update),
            ("notes", "mapped", Overwrite::Update),
            ("phones", "+593667357822", Overwrite::Update),
            ("handles", "telegram:ana", Overwrite::Update),
            ("address.city", "Quito", Overwrite::Fill),
            ("address.state", "", Overwrite::Clear),
            ("address.country", "EC", Overwrite::Update),
        ]
    );
}

#[test]
fn a_whole_name_completes_the_part_that_is_known() {
    for (want, expected, not_carried) in [
        (
            json!({ "first_name": "Ana", "full_name": "Ana López" }),
            json!({ "first_name": "Ana", "last_name": "López" }),
            &[][..],
        ),
        (
            json!({ "last_name": "López", "full_name": "Ana López" }),
            json!({ "first_name": "Ana", "last_name": "López" }),
            &[],
        ),
        (
            json!({ "first_name": "Ana", "last_name": "López", "full_name": "López, Ana" }),
            json!({ "first_name": "Ana", "last_name": "López" }),
            &[],
        ),
        (json!({ "first_name": "Ana", "full_name": "Anabel López" }), json!({ "first_name": "Ana" }), &["full_name"]),
        (
            json!({ "first_name": "Ana", "last_name": "Ruiz", "full_name": "Ana López" }),
            json!({ "first_name": "Ana", "last_name": "Ruiz" }),
            &["full_name"],
        ),
    ] {
        let fitted = project(facts("mercately"), wanted(want.clone()), Overflow::Report);
        assert_eq!(fitted.wanted.contact, contact(expected), "{want}");
        assert_eq!(fitted.not_carried, not_carried, "{want}");
    }
}

#[test]
fn a_platform_without_names_misses_the_one_that_was_given() {
    let nameless = PlatformFacts {
        holds: Slice::default(),
        single: Slice::default(),
        attributes: true,
        ..facts("mercately").clone()
    };
    let fitted = project(&nameless, wanted(json!({ "full_name": "Ana López" })), Overflow::Report);
    assert_eq!((fitted.wanted.contact, fitted.not_carried), (contact(json!({})), vec!["full_name".to_owned()]));
    let bare = PlatformFacts { attributes: false, ..nameless };
    let fitted = project(&bare, wanted(json!({ "attributes": {"Plan": "b", "Blank": ""} })), Overflow::Attributes);
    assert_eq!(fitted.not_carried, ["attributes.Plan"]);
}

#[test]
fn lists_of_several_grow_are_filled_or_wiped() {
    use OnExisting::{Fill, Update};
    let many = PlatformFacts {
        holds: vec![Field::Phones, Field::Handles].into(),
        single: Slice::default(),
        ..facts("mercately").clone()
    };
    let cases: &[(bool, OnExisting, &[&str], &[&str], &[&str])] = &[
        (false, Update, &["vk:b", "vk:c", "vk:c"], &["vk:a", "vk:b"], &["handles: vk:a; vk:b -> vk:a; vk:b; vk:c"]),
        (false, Update, &["vk:a"], &["vk:a", "vk:b"], &[]),
        (false, Fill, &["vk:b"], &["vk:a"], &[]),
        (false, Fill, &["vk:b"], &[], &["handles: nothing -> vk:b"]),
        (true, Update, &[], &["vk:a"], &["handles: vk:a -> nothing"]),
        (true, Fill, &[], &["vk:a"], &[]),
        (false, Update, &[], &["vk:a"], &[]),
    ];
    for &(clears, on_existing, want, have, expected) in cases {
        let mut wanted = wanted(json!({ "handles": want }));
        if clears {
            wanted.clear.insert(Field::Handles);
        }
        let found = there("1", json!({ "handles": have }));
        let delta = diff(&many, &wanted, Some(&found), None, on_existing);
        assert_eq!(
            (shown(&delta), delta.cleared),
            (expected.iter().map(|&e| e.to_owned()).collect(), u64::from(clears && !expected.is_empty()))
        );
    }
}

#[test]
fn another_form_of_the_first_phone_is_not_missed() {
    let wants = wanted(json!({ "phones": ["+525547881206", "+5215547881206", "+593991234567"], "first_name": "Ana" }));
    let fitted = project(facts("mercately"), wants, Overflow::Report);
    assert_eq!(fitted.not_carried, ["phones"]);
    let wants = wanted(json!({ "phones": ["+525547881206", "+5215547881206"], "first_name": "Ana" }));
    assert!(project(facts("mercately"), wants, Overflow::Report).not_carried.is_empty());
}

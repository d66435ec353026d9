//! One rule of a mapping: where a value comes from, what is done to it, where it goes, and what contradicts itself. It is
//! read in `verb` and compiled in `resolve`.

use crate::contact::{Field, TagMode};
use crate::template::Template;
use crate::yaml::{Errors, Place, Text};
use regex::Regex;
use std::collections::HashMap;
use std::sync::Arc;

/// The source record in a template.
pub(super) const ROW_NAME: &str = "row";
/// The contact in a template.
pub(super) const CONTACT_NAME: &str = "contact";

/// Where a value goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A field of the contact.
    Field(Field),
    /// A custom field.
    Attribute(Arc<str>),
    /// A column of a file that is written.
    Column(Arc<str>),
}

impl Target {
    /// Whether it takes several values.
    pub fn is_list(&self) -> bool {
        matches!(self, Target::Field(field) if field.is_list())
    }

    /// Whether values are checked, so that one can be good or bad.
    fn is_checked(&self) -> bool {
        matches!(self, Target::Field(Field::Phones | Field::Emails))
    }
}

/// Where a value comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// From nowhere: a default, or items that are added.
    Nothing,
    /// The first of these that will do.
    Names(Vec<Text>),
    /// Made of several.
    Template(Template),
}

/// The columns of phones, as their names order them.
#[derive(Clone, Debug)]
pub(super) struct PhoneColumns {
    /// So many come as they stand; the numbers of the others are ordered by type.
    pub as_named: usize,
    /// For each column the one that says of which type its number is.
    pub labels: Vec<Option<Text>>,
}

/// Which letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Lower,
    Upper,
    Title,
}

/// What is done with an invalid value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Otherwise {
    Keep,
    Blank,
    Reject,
    Text(String),
}

/// `on_existing` of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnExistingRule {
    Update,
    Fill,
}

/// The verbs that a rule has.
#[derive(Clone, Debug, Default)]
pub(super) struct Verbs {
    pub split: Option<String>,
    /// A cell of tags, as address books write them.
    pub tags: bool,
    pub join: Option<String>,
    pub trim: Option<bool>,
    pub case: Option<Case>,
    pub replace: Vec<(String, String)>,
    pub matching: Option<Regex>,
    pub with: Option<String>,
    pub lookup: Option<HashMap<String, String>>,
    pub otherwise: Option<Otherwise>,
    pub date: Vec<String>,
    pub number: Option<bool>,
    pub boolean: Option<bool>,
    pub default: Vec<String>,
    pub add: Vec<String>,
    pub required: Option<bool>,
    pub optional: Option<bool>,
    pub clear: Option<bool>,
    pub on_existing: Option<OnExistingRule>,
    pub mode: Option<TagMode>,
}

impl Verbs {
    /// Whether the text of a value is touched at all.
    pub fn touch_text(&self) -> bool {
        self.split.is_some() || self.tags || self.join.is_some() || self.touch_items()
    }

    /// Whether the text of each item is touched.
    pub fn touch_items(&self) -> bool {
        self.trim == Some(false)
            || self.case.is_some()
            || !self.replace.is_empty()
            || self.matching.is_some()
            || self.lookup.is_some()
            || !self.date.is_empty()
            || self.number == Some(true)
            || self.boolean == Some(true)
    }

    /// Whether the column may be absent.
    pub fn is_optional(&self) -> bool {
        self.optional == Some(true)
    }
}

/// One rule.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub target: Target,
    /// As the mapping calls the target: `phone`, `attributes.Plan`, `Name`.
    pub label: Arc<str>,
    pub at: Place,
    pub source: Source,
    pub verbs: Verbs,
    /// Whether the values of all names are taken, instead of the first that is valid (lists only).
    pub gather: bool,
    /// How phones are taken from several columns.
    pub phones: Option<PhoneColumns>,
    /// Columns of phones, each with the one that says of which type its number is.
    pub types: Vec<(Text, Text)>,
    /// Where its verbs stand.
    pub places: Vec<(&'static str, Place)>,
}

impl Rule {
    pub fn new(target: Target, label: &str, at: Place) -> Rule {
        let (source, verbs) = (Source::Nothing, Verbs::default());
        let label = label.into();
        Rule { target, label, at, source, verbs, gather: false, phones: None, types: Vec::new(), places: Vec::new() }
    }

    /// How its phones are ordered and typed; as they stand until it is said.
    pub fn phones_mut(&mut self) -> &mut PhoneColumns {
        self.phones.get_or_insert_with(|| PhoneColumns { as_named: usize::MAX, labels: Vec::new() })
    }

    pub fn set_source(&mut self, source: Source, at: &Place, errors: &mut Errors) {
        if matches!(self.source, Source::Nothing) {
            self.source = source;
        } else {
            errors.add(at, "only one of `from`, `all` and `value` can be given");
        }
    }

    /// Whether it is the rule of a list's first item: `phone`, `email`.
    pub fn is_first_of_list(&self) -> bool {
        matches!(&self.target, Target::Field(field) if field.is_list() && field.name() != &*self.label)
    }

    fn place(&self, verb: &str) -> Option<&Place> {
        self.places.iter().find(|(name, _)| *name == verb).map(|(_, at)| at)
    }

    /// What single verbs cannot see.
    pub fn check(&self, all_known: bool, errors: &mut Errors) {
        let mut wrong = |verb: &str, is_wrong: bool, message: &str| {
            if let Some(at) = self.place(verb).filter(|_| is_wrong) {
                errors.add(at, message);
            }
        };
        let (verbs, target) = (&self.verbs, &self.target);
        let has = |verb: &str| self.place(verb).is_some();
        let is_column = matches!(target, Target::Column(_));
        wrong("match", !has("with"), "`match` needs `with`: what takes the place of what is found");
        wrong("with", !has("match"), "`with` needs `match`: what it takes the place of");
        wrong("match", has("replace"), "only one of `replace` and `match` can hold");
        let has_otherwise_use = has("lookup") || has("date") || target.is_checked();
        wrong("otherwise", !has_otherwise_use, "`otherwise` needs `lookup` or `date` here");
        let is_text = matches!(verbs.otherwise, Some(Otherwise::Text(_)));
        let message = "`otherwise` of a phone or an e-mail must be `keep`, `blank` or `reject`";
        wrong("otherwise", is_text && !has("lookup") && target.is_checked(), message);
        let takes_several = target.is_list() || is_column;
        let message = "`all` is for lists: `phones`, `emails`, `handles`, `tags`";
        wrong("all", !target.is_list(), message);
        let is_phones = *target == Target::Field(Field::Phones);
        wrong("list", !target.is_list(), "`list` is for lists: `phones`, `emails`, `handles`, `tags`");
        wrong("list", has("split"), "only one of `list` and `split` can hold");
        wrong("mobile_first", !is_phones, "`mobile_first` is for `phones`");
        wrong("types", !is_phones, "`types` is for `phones`");
        wrong("add", !takes_several, "`add` is for lists: `phones`, `emails`, `handles`, `tags`");
        wrong("mode", *target != Target::Field(Field::Tags), "`mode` is for `tags`");
        wrong("default", verbs.default.len() > 1 && !takes_several, "`default` must be one text here");
        wrong("clear", verbs.clear == Some(true) && has("default"), "only one of `default` and `clear` can hold");
        wrong(
            "clear",
            verbs.clear == Some(true) && verbs.on_existing == Some(OnExistingRule::Fill),
            "`clear` empties a value and `on_existing: fill` never changes one: only one of them can hold",
        );
        wrong(
            "clear",
            verbs.clear == Some(true) && verbs.required == Some(true),
            "only one of `required` and `clear` can hold",
        );
        for verb in ["clear", "on_existing"] {
            wrong(verb, is_column, &format!("`{verb}` is for contacts, not for columns"));
        }
        let is_empty =
            matches!(self.source, Source::Nothing) && !["from", "all", "value", "default", "add"].into_iter().any(has);
        if is_empty && all_known {
            let message = format!("`{}` has neither `from` nor `value`", self.label);
            errors.add(&self.at, message).set_hint("say where the value comes from, as in `{ from: Column }`");
        }
    }
}

//! The verbs of a rule: which there are, and how each is read from the page.
//!
//! [`VERBS`] is the only list of them, in the order in which they are applied. What they do to a value stands in
//! `transform`.

use super::rule::{Case, OnExistingRule, Otherwise, Rule, Source, Target};
use super::text::one_of;
use super::transform::check_date_format;
use crate::contact::TagMode;
use crate::template::{self, Roots, Templates};
use crate::yaml::{Errors, Kind, Node, Place, Shape, Text, nearest};

/// A pattern that compiles to more than this is an error, not a wish.
const PATTERN_SIZE_MAX: usize = 1 << 20;

/// One verb: what it is called and what it takes.
pub struct Verb {
    /// In the mapping.
    pub name: &'static str,
    /// What stands after it, in words.
    pub argument: &'static str,
    /// The same for editors.
    pub(super) shape: Shape,
    /// What it does, in one line.
    pub does: &'static str,
    read: fn(&mut Rule, &Node, &mut Reader<'_>),
}

const fn verb(
    name: &'static str,
    (argument, shape): (&'static str, Shape),
    does: &'static str,
    read: fn(&mut Rule, &Node, &mut Reader<'_>),
) -> Verb {
    Verb { name, argument, shape, does, read }
}

const EXISTING: [(&str, OnExistingRule); 2] = [("update", OnExistingRule::Update), ("fill", OnExistingRule::Fill)];
const MODES: [(&str, TagMode); 3] = [("add", TagMode::Add), ("replace", TagMode::Replace), ("remove", TagMode::Remove)];

/// All verbs in the order in which they are applied.
pub const VERBS: [Verb; 27] = [
    verb("from", ("name or list of names", Shape::Texts), "where the value comes from", read_from),
    verb("all", ("name or list of names", Shape::Texts), "the values of all these, for lists", read_all),
    verb("value", ("template", Shape::Text), "a value that is composed of others", read_value),
    verb("split", ("text", Shape::Text), "splits a value into a list", |rule, node, reader| {
        rule.verbs.split = reader.filled(node, "split");
    }),
    verb(
        "list",
        ("true", Shape::Flag),
        "takes apart a cell of tags as address books write them",
        |rule, node, reader| {
            rule.verbs.tags = reader.flag(node, "list") == Some(true);
        },
    ),
    verb(
        "mobile_first",
        ("true", Shape::Flag),
        "puts the numbers of mobiles first, for phones",
        |rule, node, reader| {
            rule.phones_mut().as_named = if reader.flag(node, "mobile_first") == Some(true) { 0 } else { usize::MAX };
        },
    ),
    verb("types", ("map of names", Shape::Pairs), "columns of phones, each with the column of their types", read_types),
    verb("join", ("text", Shape::Text), "joins a list into one value", |rule, node, reader| {
        rule.verbs.join = reader.text(node, "`join`");
    }),
    verb(
        "trim",
        ("true or false", Shape::Flag),
        "removes blanks at both ends (on by default)",
        |rule, node, reader| {
            rule.verbs.trim = reader.flag(node, "trim");
        },
    ),
    verb("lower", ("true", Shape::Flag), "lower case", |rule, node, reader| {
        read_case(rule, node, reader, "lower", Case::Lower)
    }),
    verb("upper", ("true", Shape::Flag), "upper case", |rule, node, reader| {
        read_case(rule, node, reader, "upper", Case::Upper)
    }),
    verb("title", ("true", Shape::Flag), "title case", |rule, node, reader| {
        read_case(rule, node, reader, "title", Case::Title);
    }),
    verb(
        "replace",
        ("map of texts", Shape::Pairs),
        "replaces each key in the text by its value",
        |rule, node, reader| {
            rule.verbs.replace = reader.pairs(node, "replace");
        },
    ),
    verb("match", ("regular expression", Shape::Text), "replaces what it matches by `with`", read_match),
    verb("with", ("text", Shape::Text), "replacement for `match`; `$1` is its first group", |rule, node, reader| {
        rule.verbs.with = reader.text(node, "`with`");
    }),
    verb(
        "lookup",
        ("map of texts", Shape::Pairs),
        "replaces a whole value by the one beside it",
        |rule, node, reader| {
            rule.verbs.lookup = Some(reader.pairs(node, "lookup").into_iter().collect());
        },
    ),
    verb(
        "otherwise",
        ("keep, blank, reject or a text", Shape::Text),
        "what to do with an unknown or invalid value",
        read_otherwise,
    ),
    verb("date", ("format or list of formats", Shape::Texts), "reads a date, and writes it as `YYYY-MM-DD`", read_date),
    verb("number", ("true", Shape::Flag), "writes a number plainly", |rule, node, reader| {
        rule.verbs.number = reader.flag(node, "number");
    }),
    verb("bool", ("true", Shape::Flag), "writes yes and no as `true` and `false`", |rule, node, reader| {
        rule.verbs.boolean = reader.flag(node, "bool");
    }),
    verb("default", ("text (lists: or list)", Shape::Texts), "the value for a blank", |rule, node, reader| {
        rule.verbs.default = reader.texts(node, "`default`").into_iter().map(|text| text.text).collect();
    }),
    verb("add", ("text or list", Shape::Texts), "items to add to a list", |rule, node, reader| {
        rule.verbs.add = reader.texts(node, "`add`").into_iter().map(|text| text.text).collect();
    }),
    verb("required", ("true", Shape::Flag), "rejects the record if the value is blank", |rule, node, reader| {
        rule.verbs.required = reader.flag(node, "required");
    }),
    verb("optional", ("true", Shape::Flag), "the column may be absent", |rule, node, reader| {
        rule.verbs.optional = reader.flag(node, "optional");
    }),
    verb("clear", ("true", Shape::Flag), "lets a blank cell erase the value at the target", |rule, node, reader| {
        rule.verbs.clear = reader.flag(node, "clear");
    }),
    verb(
        "on_existing",
        ("update or fill", Shape::Words(|| EXISTING.map(|(word, _)| word).to_vec())),
        "whether a value at the target is overwritten",
        |rule, node, reader| {
            let choices = [("update", OnExistingRule::Update), ("fill", OnExistingRule::Fill)];
            rule.verbs.on_existing = reader.choice(node, "on_existing", &choices);
        },
    ),
    verb(
        "mode",
        ("add, replace or remove", Shape::Words(|| MODES.map(|(word, _)| word).to_vec())),
        "what to do with other tags",
        |rule, node, reader| {
            let choices = [("add", TagMode::Add), ("replace", TagMode::Replace), ("remove", TagMode::Remove)];
            rule.verbs.mode = reader.choice(node, "mode", &choices);
        },
    ),
];

/// What reading a rule needs.
pub(super) struct Reader<'m> {
    pub errors: &'m mut Errors,
    pub templates: &'m mut Templates,
    /// What templates may speak of here.
    pub roots: &'static Roots,
}

impl Reader<'_> {
    /// Reads a rule. `None` when `null` leaves the field out, or when it is no rule at all.
    pub fn rule(&mut self, target: Target, label: &str, key_at: &Place, node: &Node) -> Option<Rule> {
        let mut rule = Rule::new(target, label, key_at.clone());
        match &node.kind {
            Kind::Null => return None,
            Kind::Text { text, .. } => rule.source = self.short(&rule.target, text, &node.at)?,
            Kind::List(_) => rule.source = Source::Names(self.texts(node, &format!("`{label}`"))),
            Kind::Map(entries) => {
                let all_known = self.verbs(&mut rule, entries);
                rule.check(all_known, self.errors);
                settle_types(&mut rule, self.errors);
            }
        }
        Some(rule)
    }

    /// A rule that is one text: a name; in `columns` also a template.
    fn short(&mut self, target: &Target, text: &str, at: &Place) -> Option<Source> {
        if matches!(target, Target::Column(_)) && (text.contains("{{") || text.contains("{%")) {
            return self.template(text, at).map(Source::Template);
        }
        Some(Source::Names(vec![Text { text: text.to_owned(), at: at.clone() }]))
    }

    /// Reads a rule's map of verbs; whether all of them are verbs.
    fn verbs(&mut self, rule: &mut Rule, entries: &[(Text, Node)]) -> bool {
        let mut all_known = true;
        for (key, node) in entries {
            match VERBS.iter().find(|verb| verb.name == key.text) {
                Some(verb) => {
                    rule.places.push((verb.name, key.at.clone()));
                    (verb.read)(rule, node, self);
                }
                None => {
                    all_known = false;
                    let names = VERBS.iter().map(|verb| verb.name);
                    let error = self.errors.add(&key.at, format!("`{}` is not a verb of a rule", key.text));
                    match nearest(&key.text, names.clone()) {
                        Some(name) => error.set_hint(format!("did you mean `{name}`?")),
                        None => error.set_hint(format!("the verbs are {}", names.collect::<Vec<_>>().join(", "))),
                    }
                }
            }
        }
        all_known
    }

    /// A text, also an empty one.
    pub fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        match &node.kind {
            Kind::Text { text, .. } => Some(text.clone()),
            _ => {
                self.errors.add(&node.at, format!("{what} must be a text, not {}", node.kind_name()));
                None
            }
        }
    }

    /// A text that is not empty.
    pub fn filled(&mut self, node: &Node, name: &str) -> Option<String> {
        let text = self.text(node, &format!("`{name}`"))?;
        if text.is_empty() {
            self.errors.add(&node.at, format!("`{name}` is empty"));
            return None;
        }
        Some(text)
    }

    /// `true` or `false`, and nothing that merely looks like it.
    pub fn flag(&mut self, node: &Node, name: &str) -> Option<bool> {
        match &node.kind {
            Kind::Text { text, is_plain: true } if text == "true" => Some(true),
            Kind::Text { text, is_plain: true } if text == "false" => Some(false),
            Kind::Text { text, .. } => {
                self.errors.add(&node.at, format!("`{name}` must be `true` or `false`, not `{text}`"));
                None
            }
            _ => {
                self.errors.add(&node.at, format!("`{name}` must be `true` or `false`, not {}", node.kind_name()));
                None
            }
        }
    }

    /// A text or a list of texts.
    pub fn texts(&mut self, node: &Node, what: &str) -> Vec<Text> {
        let items = match &node.kind {
            Kind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        if items.is_empty() {
            self.errors.add(&node.at, format!("{what} is an empty list"));
        }
        let mut texts = Vec::new();
        for item in items {
            match &item.kind {
                Kind::Text { text, .. } => texts.push(Text { text: text.clone(), at: item.at.clone() }),
                _ => {
                    let kind = item.kind_name();
                    self.errors.add(&item.at, format!("{what} must be a text or a list of texts, not {kind}"));
                }
            }
        }
        texts
    }

    /// A map of texts.
    pub fn pairs(&mut self, node: &Node, name: &str) -> Vec<(String, String)> {
        let Kind::Map(entries) = &node.kind else {
            let message = format!("`{name}` must be a map of texts, not {}", node.kind_name());
            self.errors.add(&node.at, message).set_hint(format!("write `{name}: {{ old: new }}`"));
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for (key, value) in entries {
            let value = match value.kind {
                Kind::Null => Some(String::new()),
                _ => self.text(value, &format!("what `{}` becomes", key.text)),
            };
            pairs.extend(value.map(|value| (key.text.clone(), value)));
        }
        pairs
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&mut self, node: &Node, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(node, &format!("`{name}`"))?;
        let found = choices.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let words: Vec<String> = choices.iter().map(|(word, _)| format!("`{word}`")).collect();
            let message = format!("`{name}` must be {}, not `{text}`", one_of(&words));
            self.errors.add(&node.at, message).did_you_mean(&text, choices.iter().map(|(word, _)| *word));
        }
        found.map(|(_, value)| *value)
    }

    /// Compiles a template.
    pub fn template(&mut self, source: &str, at: &Place) -> Option<template::Template> {
        self.templates.add(template::Source { text: source, at, roots: self.roots }, self.errors)
    }
}

/// Faxes and pagers among phones are told by the type that another column names.
fn read_types(rule: &mut Rule, node: &Node, reader: &mut Reader<'_>) {
    let at = node.at.clone();
    let text = |text: String| Text { text, at: at.clone() };
    rule.types = reader.pairs(node, "types").into_iter().map(|(phone, kind)| (text(phone), text(kind))).collect();
}

/// The types of phones, in the order of the rule's columns.
fn settle_types(rule: &mut Rule, errors: &mut Errors) {
    let types = std::mem::take(&mut rule.types);
    let Source::Names(names) = &rule.source else { return };
    if types.is_empty() {
        return;
    }
    if let Some((phone, _)) = types.iter().find(|(phone, _)| !names.iter().any(|name| name.text == phone.text)) {
        errors
            .add(&phone.at, format!("`types` names `{}`, which the rule does not read", phone.text))
            .set_hint("write the names as they stand in `from` or `all`");
    }
    let kind_of = |name: &Text| types.iter().find(|(phone, _)| phone.text == name.text).map(|(_, kind)| kind.clone());
    let labels = names.iter().map(kind_of).collect();
    rule.phones_mut().labels = labels;
}

fn read_from(rule: &mut Rule, node: &Node, reader: &mut Reader<'_>) {
    rule.set_source(Source::Names(reader.texts(node, "`from`")), &node.at, reader.errors);
}

fn read_all(rule: &mut Rule, node: &Node, reader: &mut Reader<'_>) {
    rule.gather = true;
    rule.set_source(Source::Names(reader.texts(node, "`all`")), &node.at, reader.errors);
}

fn read_value(rule: &mut Rule, node: &Node, reader: &mut Reader<'_>) {
    let Some(source) = reader.text(node, "`value`") else { return };
    if let Some(template) = reader.template(&source, &node.at) {
        rule.set_source(Source::Template(template), &node.at, reader.errors);
    }
}

fn read_case(rule: &mut Rule, node: &Node, reader: &mut Reader<'_>, name: &str, case: Case) {
    if reader.flag(node, name) != Some(true) {
        return;
    }
    if rule.verbs.case.is_some() {
        reader.errors.add(&node.at, "only one of `lower`, `upper` and `title` can hold");
    }
    rule.verbs.case = Some(case);
}

fn read_match(rule: &mut Rule, node: &Node, reader: &mut Reader<'_>) {
    let Some(pattern) = reader.filled(node, "match") else { return };
    match regex::RegexBuilder::new(&pattern).size_limit(PATTERN_SIZE_MAX).build() {
        Ok(regex) => rule.verbs.matching = Some(regex),
        Err(error) => {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned();
            reader.errors.add(&node.at, format!("`{pattern}` is not a regular expression: {reason}"));
        }
    }
}

fn read_otherwise(rule: &mut Rule, node: &Node, reader: &mut Reader<'_>) {
    let Some(text) = reader.text(node, "`otherwise`") else { return };
    rule.verbs.otherwise = Some(match text.as_str() {
        "keep" => Otherwise::Keep,
        "blank" => Otherwise::Blank,
        "reject" => Otherwise::Reject,
        _ => Otherwise::Text(text),
    });
}

fn read_date(rule: &mut Rule, node: &Node, reader: &mut Reader<'_>) {
    for format in reader.texts(node, "`date`") {
        if let Err(error) = check_date_format(&format.text) {
            let error = reader.errors.add(&format.at, format!("`{}` is not a date format: {error}", format.text));
            error.set_hint(match in_percents(&format.text) {
                Some(meant) => format!("write `{meant}`"),
                None => "`%d.%m.%Y` reads `31.12.2026`, `%Y-%m-%d` reads `2026-12-31`".to_owned(),
            });
        }
        rule.verbs.date.push(format.text);
    }
}

/// The date format that is meant by one in the letters of a spreadsheet: `dd/mm/yyyy`, `aaaa` in Spanish and Portuguese.
fn in_percents(text: &str) -> Option<String> {
    let letters = text.to_lowercase();
    let parts = letters.split_inclusive(|c: char| !c.is_alphanumeric()).map(|part| {
        let word = part.trim_end_matches(|c: char| !c.is_alphanumeric());
        let read = match word {
            "d" | "dd" => "%d",
            "m" | "mm" => "%m",
            "yy" | "aa" => "%y",
            "yyyy" | "aaaa" => "%Y",
            _ => return None,
        };
        Some(format!("{read}{}", part.strip_prefix(word)?))
    });
    let meant: String = parts.collect::<Option<_>>()?;
    check_date_format(&meant).is_ok().then_some(meant)
}

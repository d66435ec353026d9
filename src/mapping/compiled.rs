//! A compiled rule: where its values are, and what is done to them. Data only; `evaluate` gives the value of a rule.

use super::op::Quick;
use super::rule::Rule;
use super::source::{Slot, Wherein};
use crate::outcome::Problem;
use crate::template::Part;
use std::sync::Arc;

/// A rule that knows where its values are.
pub(super) struct CompiledRule {
    pub rule: Arc<Rule>,
    pub source: RuleSource,
    /// Whether the value is only copied.
    pub is_plain: bool,
    /// Whether it keeps a column that the mapping does not use: the mapping's own rules take precedence.
    pub is_surplus: bool,
    /// For each slot of phones the one that says of which type its number is.
    pub labels: Vec<Option<Slot>>,
    /// The first name it uses, for problems.
    pub column: Option<Arc<str>>,
    /// What is done with the one column that it uses, where that is little.
    pub quick: Option<Quick>,
}

/// Where the value of a compiled rule comes from.
pub(super) enum RuleSource {
    Nothing,
    Slots(Vec<Slot>),
    Template(CompiledTemplate),
}

/// A template that knows where its names are.
pub(super) struct CompiledTemplate {
    pub name: String,
    /// Every name it speaks of, for finding failed formulas.
    pub slots: Vec<Slot>,
    /// When it only puts values side by side; a value is the slot of that number.
    pub parts: Option<Vec<Part>>,
}

impl CompiledRule {
    /// A compiled rule.
    pub fn new(rule: Arc<Rule>, source: RuleSource, labels: Vec<Option<Slot>>) -> CompiledRule {
        let column = match &source {
            RuleSource::Nothing => None,
            RuleSource::Slots(slots) | RuleSource::Template(CompiledTemplate { slots, .. }) => {
                slots.first().map(|slot| Arc::clone(&slot.name))
            }
        };
        let is_plain = !rule.verbs.touch_text();
        CompiledRule { rule, source, is_plain, is_surplus: false, labels, column, quick: None }
    }

    /// The slot whose value is taken as it is: nothing is done to it, and nothing takes its place where it is blank.
    pub fn only_slot(&self) -> Option<&Slot> {
        let RuleSource::Slots(slots) = &self.source else { return None };
        let [slot] = slots.as_slice() else { return None };
        let verbs = &self.rule.verbs;
        let is_bare = self.is_plain && verbs.default.is_empty() && verbs.add.is_empty() && verbs.required != Some(true);
        is_bare.then_some(slot)
    }
}

/// The problem at its column, unless it has one already.
pub(super) fn placed(problem: Problem, column: Option<&str>) -> Problem {
    match (problem.column.is_none(), column) {
        (true, Some(column)) => problem.at(column),
        _ => problem,
    }
}

/// A name with dots that a rule uses: an exact key hides the value at the end of the path.
pub(super) struct Dotted {
    pub name: Arc<str>,
    pub path: Box<[Box<str>]>,
}

impl Dotted {
    /// Those that rules use.
    pub fn of(rules: &[CompiledRule]) -> Vec<Dotted> {
        let mut dotted: Vec<Dotted> = Vec::new();
        for rule in rules {
            let slots: &[Slot] = match &rule.source {
                RuleSource::Nothing => &[],
                RuleSource::Slots(slots) => slots,
                RuleSource::Template(template) => &template.slots,
            };
            for slot in slots {
                let Wherein::Json { path, .. } = &slot.place else { continue };
                if path.len() > 1 && !dotted.iter().any(|known| known.name == slot.name) {
                    dotted.push(Dotted { name: Arc::clone(&slot.name), path: path.clone() });
                }
            }
        }
        dotted
    }
}

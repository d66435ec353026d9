//! What the columns of a source say about the countries of their phones, before any of them is read.

use super::checked::RecordRegion;
use super::compiled::{CompiledRule, RuleSource};
use super::evaluate::{Context, is_oversized};
use super::phone::{Evidence, Region, numbers_in};
use super::program::Program;
use super::rule::Target;
use super::source::Cell;
use super::transform;
use super::value::Val;
use crate::contact::Field;
use crate::record::RecordRef;

impl Program {
    /// The columns that phones are read from.
    pub fn phone_columns(&self) -> impl Iterator<Item = &str> {
        self.phone_rules().flat_map(CompiledRule::columns)
    }

    /// Adds the phones of a record to what their columns say.
    pub fn observe<'b>(&'b self, record: impl Into<RecordRef<'b>>, evidence: &mut Evidence) {
        let context = Context::new(self.sight(record.into()), &self.env, &self.row_names);
        let region = match self.region_of(&context.sight) {
            RecordRegion::Known(region) => Some(region),
            RecordRegion::None | RecordRegion::Unknown { .. } => None,
        };
        self.phone_rules().for_each(|rule| rule.observe(&context, region, evidence));
    }

    /// Says what the columns of the source say. It is said once: what comes later is ignored.
    pub fn set_evidence(&self, evidence: Evidence) {
        let _is_set_already = self.evidence.set(evidence);
    }

    fn phone_rules(&self) -> impl Iterator<Item = &CompiledRule> {
        self.rules.iter().filter(|rule| rule.rule.target == Target::Field(Field::Phones))
    }
}

impl CompiledRule {
    /// The columns it reads; of a template, the first stands for all.
    fn columns(&self) -> impl Iterator<Item = &str> {
        let slots = match &self.source {
            RuleSource::Slots(slots) => slots.as_slice(),
            RuleSource::Nothing | RuleSource::Template(_) => &[],
        };
        let template = self.column.as_deref().filter(|_| slots.is_empty());
        slots.iter().map(|slot| &*slot.name).chain(template)
    }

    fn observe(&self, context: &Context<'_>, region: Option<Region>, evidence: &mut Evidence) {
        match &self.source {
            RuleSource::Nothing => {}
            RuleSource::Slots(slots) => {
                for slot in slots {
                    match context.sight.read(slot) {
                        Ok(Cell::Text(text)) => self.count(Val::One(text), &slot.name, region, evidence),
                        Ok(Cell::List(items)) => self.count(Val::Many(items), &slot.name, region, evidence),
                        Ok(Cell::Absent | Cell::Blank) | Err(_) => {}
                    }
                }
            }
            RuleSource::Template(template) => {
                if let (Ok(text), Some(column)) = (template.text(context), &self.column) {
                    self.count(Val::One(text.into()), column, region, evidence);
                }
            }
        }
    }

    fn count(&self, value: Val<'_>, column: &str, region: Option<Region>, evidence: &mut Evidence) {
        if is_oversized(&value) {
            return;
        }
        let value = if self.is_plain { Ok(Some(value)) } else { transform::apply(&self.rule.verbs, value) };
        let Ok(Some(value)) = value else { return };
        let items = value.into_items();
        let numbers = items.iter().flat_map(|item| numbers_in(item));
        match evidence.columns.get_mut(column) {
            Some(known) => numbers.for_each(|number| known.add(number, region)),
            None => {
                let new = evidence.columns.entry(column.to_owned()).or_default();
                numbers.for_each(|number| new.add(number, region));
            }
        }
    }
}

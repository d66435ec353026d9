//! Compiling a mapping: every name is resolved once against the names that a source has, and all errors are reported
//! together. What the result does with a record stands in `apply`.

use super::columns::Columns;
use super::compiled::{CompiledRule, Dotted};
use super::op::Quick;
use super::options::BindOptions;
use super::program::{Program, Seen, Surplus, Writes};
use super::resolve::Resolver;
use super::rule::Target;
use super::{Mapping, Unmapped};
use crate::contact::Field;
use crate::record::Header;
use crate::yaml::{FileError, FileErrors};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, OnceLock};

impl Mapping {
    /// Compiles the mapping for the names of a source.
    ///
    /// # Errors
    /// Every name that the source does not have, and what else cannot be for such a source.
    pub fn bind(&self, header: &Header, options: &BindOptions) -> Result<Program, FileErrors> {
        compile(self, header, options)
    }

    /// The names that the source does not have, of a mapping that cannot be compiled because of other errors.
    pub fn unknown_names(&self, header: &Header) -> Vec<FileError> {
        let mut resolver = Resolver::new(header);
        let rules = self.contact.iter().flat_map(|contact| &contact.rules);
        rules.for_each(|rule| drop(resolver.rule(rule, false)));
        resolver.can_be_optional = false;
        resolver.region(self, &BindOptions::default());
        self.only_if.iter().for_each(|template| drop(resolver.template(template, false)));
        resolver.can_be_optional = true;
        self.columns.iter().flatten().for_each(|rule| drop(resolver.rule(rule, true)));
        resolver.report_missing();
        resolver.errors.into_iter().collect()
    }
}

/// Compiles a mapping.
fn compile(mapping: &Mapping, header: &Header, options: &BindOptions) -> Result<Program, FileErrors> {
    let mut resolver = Resolver::new(header);
    let named = (mapping.contact.is_none() && *header != Header::Contact).then(|| Mapping::by_names(header).mapping);
    let contact = named.as_ref().and_then(|named| named.contact.as_ref()).or(mapping.contact.as_ref());
    let (rules, left_out) = match contact {
        Some(contact) => (contact.rules.as_slice(), contact.left_out.as_slice()),
        None => (&[][..], &[][..]),
    };
    let mut bound: Vec<CompiledRule> = rules.iter().map(|rule| resolver.rule(rule, false)).collect();
    contact.iter().flat_map(|contact| &contact.passed_over).for_each(|name| resolver.pass_over(name));
    resolver.can_be_optional = false;
    let consumed = resolver.consumed();
    let of_region = named.as_ref().filter(|_| mapping.region.is_none()).unwrap_or(mapping);
    let region = resolver.region(of_region, options);
    let filter = mapping.only_if.as_ref().map(|template| resolver.template(template, false));
    resolver.can_be_optional = true;
    let columns = mapping.columns.as_ref().map(|columns| {
        let rules = columns.iter().map(|rule| resolver.rule(rule, true)).collect();
        Columns::new(rules, Arc::clone(&mapping.env))
    });
    resolver.report_missing();
    let unmapped = mapping.unmapped_for(header);
    let surplus = resolver.surplus(mapping, consumed, &mut bound, left_out);
    let is_carried = matches!(unmapped, Unmapped::Carry);
    if let Some(wanted) = mapping.identity.as_ref().filter(|_| !is_carried && !bound.is_empty()) {
        resolver.check_identity(wanted, &bound, &mapping.identity_at);
    }
    decide_quick(&mut bound);
    let dotted = Dotted::of(&bound);
    let mut writes = writes(&bound);
    let spare_name = contact.and_then(|contact| contact.spare_name.clone());
    writes.attributes.extend(spare_name.iter().map(ToString::to_string));
    let identity = mapping.identity.clone().unwrap_or_else(|| by_default(options, &writes));
    if is_carried {
        (writes.carries, writes.owners) = (true, true);
    }
    let attributes_open = match (&surplus, header) {
        (Surplus::Ignore | Surplus::Error(_) | Surplus::CarryError(_), _) => false,
        (Surplus::Attributes(_) | Surplus::Carry(_) | Surplus::CarryAttributes(_), _) => true,
    };
    let tag_mode = bound.iter().find_map(|rule| rule.rule.verbs.mode).unwrap_or_default();
    let Resolver { errors, row_names, wanted, .. } = resolver;
    let met = wanted.iter().map(|_| AtomicBool::new(false)).collect();
    let is_open = !matches!(header, Header::Columns(_));
    let seen = Seen { met, wanted, is_open, ..Seen::default() };
    let columns = columns.map(|columns| columns.with(&row_names, &mapping.read.blanks));
    errors.end(
        &mapping.page,
        Program {
            page: Arc::clone(&mapping.page),
            env: Arc::clone(&mapping.env),
            blanks: mapping.read.blanks.clone(),
            rules: bound,
            filter,
            row_names,
            region,
            evidence: OnceLock::new(),
            identity,
            surplus,
            dotted,
            columns,
            seen,
            tag_mode,
            spare_name,
            phones_seen: AtomicU64::new(0),
            phones_bare: AtomicU64::new(0),
            writes,
            attributes_open,
            are_rejects: false,
            likely_region: None,
        },
    )
}

/// Decides which rules are done without the general way.
fn decide_quick(rules: &mut [CompiledRule]) {
    let targets: Vec<Target> = rules.iter().map(|rule| rule.rule.target.clone()).collect();
    for (at, rule) in rules.iter_mut().enumerate() {
        let is_first = !targets.iter().take(at).any(|before| *before == rule.rule.target);
        rule.quick = Quick::of(rule, is_first);
    }
}

/// The fields by which the target finds contacts; first of all its own id, where a rule gives it.
fn by_default(options: &BindOptions, writes: &Writes) -> Vec<Field> {
    let mut identity = options.identity_default.clone();
    if !identity.is_empty() && writes.fields.has(Field::TargetId) && !identity.contains(&Field::TargetId) {
        identity.insert(0, Field::TargetId);
    }
    identity
}

fn writes(rules: &[CompiledRule]) -> Writes {
    let mut writes = Writes::default();
    for CompiledRule { rule, .. } in rules {
        writes.clears |= rule.verbs.clear == Some(true);
        match &rule.target {
            Target::Field(field) => {
                writes.fields.insert(*field);
                writes.owners |= matches!(field, Field::OwnerId | Field::OwnerName | Field::OwnerEmail);
                if *field == Field::Tags {
                    writes.tags_static.extend(rule.verbs.add.iter().chain(&rule.verbs.default).cloned());
                }
            }
            Target::Attribute(name) if writes.attributes.iter().any(|known| **known == **name) => {}
            Target::Attribute(name) => writes.attributes.push(name.to_string()),
            Target::Column(_) => {}
        }
    }
    writes
}

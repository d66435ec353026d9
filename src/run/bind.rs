//! Binding a mapping to a source and its target: all that is wrong between the three is told before anything is sent.

use crate::contact::Field;
use crate::mapping::phone::Region;
use crate::mapping::{BindOptions, ByNames, Mapping, Overflow, Program};
use crate::outcome::Failure;
use crate::plan::SourcePlan;
use crate::platforms::{Driver, PlatformFacts};
use crate::record::Header;
use crate::report::Console;
use crate::run::item::Mapper;
use crate::run::source::saved_plan::PlanHead;
use crate::run::suppressed::{ListRegion, Suppressed};
use crate::run::unmapped;
use crate::suggest::Suggestion;
use std::sync::Arc;

/// A source, and the platform that its contacts are for.
pub struct Between<'a> {
    /// The file with its mapping; of a platform as the source only the mapping.
    pub source: &'a SourcePlan,
    /// The platform as the source.
    pub from: Option<&'a PlatformFacts>,
    /// The target.
    pub platform: &'a Arc<dyn Driver>,
    /// The country of the target's phones.
    pub region: Option<Region>,
}

/// Maps records of a source for a platform.
///
/// # Errors
/// Everything that is wrong between the mapping, the source and the platform.
pub fn mapper_between(
    between: &Between<'_>,
    header: &Header,
    are_rejects: bool,
    console: &Console,
) -> Result<Mapper, Failure> {
    let platform = between.platform.facts();
    let (bound, overflow, _) = bind(between.source, header, between.region, Some(platform), console)?;
    let identity = bound.identity().to_vec();
    let finds = |field: &Field| platform.finds_by.contains(field) || *field == Field::TargetId;
    let finds_by: Vec<Field> = identity.iter().copied().filter(finds).collect();
    if finds_by.is_empty() {
        let named: Vec<String> = identity.iter().map(|field| format!("`{}`", singular(*field))).collect();
        let known: Vec<String> = platform.finds_by.iter().map(|field| format!("`{}`", singular(*field))).collect();
        return Err(Failure::usage(format!(
            "`identity` names {}, by which {} finds no contacts",
            named.join(" and "),
            platform.title
        ))
        .hint(format!("it finds contacts by {}", known.join(", "))));
    }
    let bound = Arc::new(bound.for_rejects(are_rejects));
    let suppressed = suppressed(between.source, between.region, console)?;
    let platform = Some(Arc::clone(between.platform));
    let mapper = Mapper { bound, platform, identity, finds_by, overflow, is_plan: false, suppressed };
    check_identity(between, &mapper)?;
    Ok(mapper)
}

/// A platform that contacts are for.
#[derive(Clone)]
pub struct Destined {
    /// The platform.
    pub platform: Arc<dyn Driver>,
    /// The country of the connection's phones.
    pub region: Option<Region>,
}

/// Maps records as an import into the target would; without a target by the mapping alone.
///
/// # Errors
/// Everything that is wrong between the mapping, the source and the platform.
pub fn mapper_to(
    source: &SourcePlan,
    target: Option<&Destined>,
    header: &Header,
    are_rejects: bool,
    console: &Console,
) -> Result<Mapper, Failure> {
    if let Some(Destined { platform, region }) = target {
        let between = Between { source, from: None, platform, region: *region };
        return mapper_between(&between, header, are_rejects, console);
    }
    let (bound, overflow, _) = bind(source, header, None, None, console)?;
    let bound = Arc::new(bound.for_rejects(are_rejects));
    let identity = bound.identity().to_vec();
    let suppressed = suppressed(source, None, console)?;
    Ok(Mapper { bound, platform: None, identity, finds_by: Vec::new(), overflow, is_plan: false, suppressed })
}

/// Takes the people of a saved plan as they are.
pub(super) fn mapper_of_plan(platform: &Arc<dyn Driver>, head: &PlanHead) -> Result<Mapper, Failure> {
    let identity: Vec<Field> = head.identity.iter().filter_map(|name| Field::named(name)).collect();
    let options = BindOptions { region: None, fallback_region: None, identity_default: identity.clone() };
    let mapping = crate::mapping::Mapping::by_names(&Header::Contact).mapping;
    let bound = mapping.bind(&Header::Contact, &options).map_err(Failure::from)?;
    let (finds_by, overflow) = (identity.clone(), mapping.overflow);
    Ok(Mapper {
        bound: Arc::new(bound),
        platform: Some(Arc::clone(platform)),
        identity,
        finds_by,
        overflow,
        is_plan: true,
        suppressed: None,
    })
}

/// The contacts that are left out of a source. `region`: the country of the connection's phones.
///
/// # Errors
/// Exit 2 for a list that cannot be used.
pub fn suppressed(
    source: &SourcePlan,
    region: Option<Region>,
    console: &Console,
) -> Result<Option<Arc<Suppressed>>, Failure> {
    let of_mapping = source.mapping.as_ref().and_then(|(mapping, _)| mapping.region_default());
    let region = ListRegion { typed: source.region, fallback: of_mapping.or(region) };
    Suppressed::read(&source.skip, region, console)
}

/// The source must have a value by which the target finds a contact.
fn check_identity(between: &Between<'_>, mapper: &Mapper) -> Result<(), Failure> {
    let writes = mapper.bound.writes();
    let source_holds =
        |field: &Field| *field != Field::TargetId && between.from.is_none_or(|source| source.holds.contains(field));
    let is_found = |field: &Field| writes.fields.has(*field) || (writes.carries && source_holds(field));
    if mapper.finds_by.iter().any(is_found) {
        return Ok(());
    }
    let title = &between.platform.facts().title;
    let names: Vec<String> = mapper.finds_by.iter().map(|field| format!("`{}`", singular(*field))).collect();
    let names = names.join(" or ");
    let failure = Failure::usage(format!(
        "{title} finds people by {names}, and nothing says where {} from",
        if mapper.finds_by.len() == 1 { "that comes" } else { "one of them comes" }
    ));
    Err(match mapper.finds_by.first() {
        Some(field) => failure.hint(format!(
            "say it in a mapping: `contact: {{ {}: … }}` with the {} that holds it",
            singular(*field),
            match between.from {
                Some(_) => "field of the contact (`attributes.NAME`, `id`, `notes`, …)",
                None => "column",
            }
        )),
        None => failure,
    })
}

/// The field as one names its first value.
pub fn singular(field: Field) -> &'static str {
    match field {
        Field::Phones => "phone",
        Field::Emails => "email",
        _ => field.name(),
    }
}

/// Binds the mapping, or the one that follows from the column names, whose plan is shown first.
pub fn bind(
    source: &SourcePlan,
    header: &Header,
    region: Option<Region>,
    platform: Option<&PlatformFacts>,
    console: &Console,
) -> Result<(Program, Overflow, Option<Vec<Field>>), Failure> {
    let identity_default = platform.map_or_else(Vec::new, |platform| platform.finds_by.to_vec());
    let options = BindOptions { region: source.region, fallback_region: region, identity_default };
    match &source.mapping {
        Some((mapping, _)) => {
            let bound = mapping.bind(header, &options).map_err(Failure::from)?;
            Ok((bound, mapping.overflow, mapping.identity.clone()))
        }
        None if *header == Header::Contact => {
            let mapping = Mapping::by_names(header).mapping;
            let bound = mapping.bind(header, &options).map_err(Failure::from)?;
            Ok((bound, mapping.overflow, None))
        }
        None => {
            let suggestion;
            let (mapping, likely) = match &source.decided {
                Some(mapping) => (mapping.clone(), None),
                None => {
                    suggestion = unmapped::suggested(source, platform, region)?;
                    (unmapped(source, &suggestion, console)?, suggestion.region.likely())
                }
            };
            let bound = mapping.bind(header, &options).map_err(Failure::from)?;
            let bound = bound.with_likely_region(likely);
            Ok((bound, mapping.overflow, mapping.identity.clone()))
        }
    }
}

/// The mapping of a source without one, which is shown first.
fn unmapped(source: &SourcePlan, suggestion: &Suggestion, console: &Console) -> Result<Mapping, Failure> {
    let ByNames { mapping, plan } = unmapped::by_names(source, suggestion)?;
    console.plan_line("there is no mapping, so columns are taken by their names (`-v` lists every column):");
    plan.lines().iter().for_each(|line| console.plan_line(&format!("  {line}")));
    plan.every_column().iter().for_each(|line| console.detail(1, &format!("  {line}")));
    Ok(mapping)
}

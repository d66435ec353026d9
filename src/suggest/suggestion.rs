//! The decisions about the columns of a source, and how they are made of the evidence.

use super::asked::{Asked, Target};
use super::evidence::{self, Judged};
use super::flags;
use super::order;
use super::region::{self, RegionFound};
use super::tongue::{self, Tongue};
use super::vendors::{self, Vendor};
use crate::contact::Field;
use crate::mapping::names::{Decisions, Layout, Meaning, Use, assign};
use crate::mapping::phone::{Evidence, Region, numbers_in};
use crate::mapping::{Decided, FamilyFirst, NamesTarget};
use crate::profile::{Dates, Expected, Head, Holds, Profile, dates, dates_of};

/// What the columns of a source are for.
#[derive(Clone, Debug)]
pub struct Suggestion {
    /// The names of the columns.
    pub names: Vec<String>,
    /// Whether later records may have other names.
    pub is_open: bool,
    /// What the first records hold.
    pub profile: Profile,
    /// The layout that the file has.
    pub vendor: Option<&'static Vendor>,
    /// Where the country of phones comes from.
    pub region: RegionFound,
    /// The format of each column's dates that a mapping would read, and whether it is sure.
    pub dates: Vec<Option<(usize, bool)>>,
    /// Columns that are each a tag, with its name.
    pub(super) flag_columns: Vec<(usize, String)>,
    /// The column of whole names that begin with the family name.
    pub(super) family_first: Option<FamilyFirst>,
    pub(super) decisions: Decisions,
    pub(super) judged: Vec<Judged>,
    pub(super) target: Option<Target>,
    evidence: Evidence,
}

/// Decides what the columns of a source are for.
pub fn suggest(head: &Head, asked: &Asked) -> Suggestion {
    let profile = head.profile();
    let vendor = vendors::recognise(&head.names);
    let tongue = tongue::of(&head.names);
    let judged = evidence::judge(head, &profile, vendor);
    let meanings: Vec<Meaning> = judged.iter().map(|judged| judged.meaning).collect();
    let filled: Vec<u64> = profile.columns.iter().map(|column| column.filled).collect();
    let decisions = assign(Layout { names: &head.names, filled: &filled, meanings: Some(&meanings) });
    let region = region::find(&region::Known { head, profile: &profile, decisions: &decisions, tongue, asked });
    let dates = date_formats(&profile, tongue);
    let evidence = phone_evidence(head, &decisions, region.region());
    let flag_columns = flags::of(&profile, &decisions);
    let family_first = order::of(head, &decisions);
    Suggestion {
        flag_columns,
        family_first,
        names: head.names.clone(),
        is_open: head.is_open,
        profile,
        vendor,
        region,
        dates,
        decisions,
        judged,
        target: asked.target.clone(),
        evidence,
    }
}

/// What the columns of phones say about countries.
fn phone_evidence(head: &Head, decisions: &Decisions, region: Option<Region>) -> Evidence {
    let mut evidence = Evidence::default();
    for (column, _) in &decisions.phones {
        let Some(name) = head.names.get(*column) else { continue };
        let known = evidence.columns.entry(name.clone()).or_default();
        for cells in head.rows() {
            numbers_in(&cells.get(*column)).for_each(|number| known.add(number, region));
        }
    }
    evidence
}

/// The formats of the dates, column by column; the order of day and month is taken from another column, or from the
/// language of the header, where a column does not show it.
fn date_formats(profile: &Profile, tongue: Option<Tongue>) -> Vec<Option<(usize, bool)>> {
    let found: Vec<Dates> = profile.columns.iter().map(dates_of).collect();
    let settled = found.iter().find_map(|dates| match dates {
        Dates::Of { format, is_settled: true } if dates::other_order(*format).is_some() => Some(*format),
        _ => None,
    });
    let is_by_day = settled.map(dates::is_day_first).or(tongue.filter(|it| *it != Tongue::English).map(|_| true));
    let one = |dates: &Dates| match *dates {
        Dates::Of { format, .. } if dates::is_iso(format) => None,
        Dates::Of { format, is_settled: true } => Some((format, true)),
        Dates::Of { format, .. } => match is_by_day {
            Some(by_day) if by_day == dates::is_day_first(format) => Some((format, true)),
            Some(_) => dates::other_order(format).map(|format| (format, true)),
            None => Some((format, false)),
        },
        Dates::None | Dates::Mixed | Dates::Stamps => None,
    };
    found.iter().map(one).collect()
}

impl Suggestion {
    /// The decisions as a mapping is made of them.
    pub fn decided(&self) -> Decided<'_> {
        let region = self.region.default_region();
        let formats = self.dates.iter().enumerate();
        let dates = formats.filter_map(|(column, format)| {
            let (format, _) = format.filter(|(_, is_sure)| *is_sure && self.field_of(column).is_none())?;
            Some((column, dates::format(format).to_owned()))
        });
        let dates = dates.collect();
        let (flags, tags_split) = (self.flags(), self.tags_split().map(str::to_owned));
        Decided {
            names: &self.names,
            is_open: self.is_open,
            decisions: &self.decisions,
            region,
            dates,
            flags,
            tags_split,
            family_first: self.family_first,
        }
    }

    /// What parts the tags of a cell, where the vendor says it.
    pub(super) fn tags_split(&self) -> Option<&str> {
        self.vendor.and_then(|vendor| vendor.tags_split.as_deref())
    }

    /// The columns that are each a tag, by their names.
    pub(super) fn flags(&self) -> Vec<(String, String)> {
        let named = |(column, tag): &(usize, String)| Some((self.names.get(*column)?.clone(), tag.clone()));
        self.flag_columns.iter().filter_map(named).collect()
    }

    /// The target, as far as it matters for a mapping by names.
    pub fn names_target(&self) -> Option<NamesTarget<'_>> {
        let target = self.target.as_ref()?;
        let needs_last_name = target.needs.iter().any(|needs| needs.as_slice() == [Field::LastName]);
        Some(NamesTarget { title: &target.title, needs_last_name })
    }

    /// Whether any column is a name, a phone, an e-mail or the id at the target.
    pub fn is_recognised(&self) -> bool {
        use Field::{Emails, FirstName, FullName, LastName, Phones, TargetId};
        [Emails, FirstName, FullName, LastName, Phones, TargetId].iter().any(|field| self.has(*field))
    }

    /// What each column is expected to hold, for counting what does not fit.
    pub fn expected(&self) -> Expected {
        let holds = (0..self.names.len()).map(|column| match self.field_of(column) {
            Some(Field::Phones) => Holds::Phone,
            Some(Field::Emails) => Holds::Email,
            _ => match self.dates.get(column).copied().flatten() {
                Some((format, true)) => Holds::Date(format),
                _ => Holds::Other,
            },
        });
        Expected {
            holds: holds.collect(),
            regions: self.decisions.regions.clone(),
            region: self.region.region(),
            evidence: self.evidence.clone(),
        }
    }

    /// The field that a column becomes.
    pub fn field_of(&self, column: usize) -> Option<Field> {
        match self.decisions.uses.get(column)? {
            Use::Field(field) => Some(*field),
            Use::Spare => Some(Field::FullName),
            Use::Attribute(_) | Use::LeftOut(_) => None,
        }
    }

    /// How sure that is, from 0 to 1, and why.
    pub fn why(&self, column: usize) -> (f64, &[String]) {
        self.judged.get(column).map_or((0.0, &[]), |judged| (judged.probability, &judged.reasons))
    }

    /// What a column might be, where that is not sure enough: a field with its probability.
    pub fn perhaps(&self, column: usize) -> Option<(&'static str, f64)> {
        self.judged.get(column).and_then(|judged| judged.perhaps)
    }

    /// What the target needs and no column gives: of each list one field would do.
    pub fn missing(&self) -> Vec<Vec<Field>> {
        let Some(target) = &self.target else { return Vec::new() };
        let is_given = |field: &Field| match field {
            // It has a default.
            Field::LastName => true,
            Field::FirstName => self.has(Field::FirstName) || self.has(Field::FullName),
            field => self.has(*field),
        };
        target.needs.iter().filter(|needs| !needs.iter().any(is_given)).cloned().collect()
    }

    fn has(&self, field: Field) -> bool {
        (0..self.names.len()).any(|column| self.field_of(column) == Some(field))
    }
}

//! Suppression lists (`skip`): contacts that are left out, whatever else a run does, because a list has their phone or
//! e-mail. A list is a file of any format, whose columns are understood as those of a source without a mapping.
//!
//! A list that suppresses no contact by mistake does harm. So one that cannot be read, or has no phone and no e-mail, is an
//! error, and records of it that say nothing are told.

use super::evidence;
use super::unmapped::{by_names, suggested};
use crate::contact::{ContactView, Field};
use crate::files::{self, ReadFault};
use crate::identity::identities_of;
use crate::mapping::phone::Region;
use crate::mapping::{BindOptions, Drafted, Program, RegionChoice};
use crate::outcome::{Exit, Failure};
use crate::plan::SourcePlan;
use crate::record::Record;
use crate::report::Console;
use crate::report::words::{count, number};
use crate::run::regions::check_regions;
use std::sync::Arc;

/// By what a contact is on a list.
const FIELDS: [Field; 2] = [Field::Phones, Field::Emails];
/// The most values of all lists together: 16 bytes each, in memory.
const VALUES_MAX: usize = 4_000_000;
/// So many lines are named.
const LINES_SHOWN: usize = 5;

/// The phones and e-mails of all lists.
#[derive(Debug, Default)]
pub struct Suppressed {
    /// Hashes, in order.
    values: Vec<[u8; 16]>,
}

/// The country of phones in a list without a country code.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListRegion {
    /// What `--region` says.
    pub typed: Option<RegionChoice>,
    /// The mapping's, else the connection's.
    pub fallback: Option<Region>,
}

impl Suppressed {
    /// Reads the lists; none when there are none.
    ///
    /// # Errors
    /// Exit 2 for a list that cannot be read to its end, that has no column of phones or e-mails, none of whose records has
    /// a valid one, or that is too long.
    pub fn read(
        lists: &[SourcePlan],
        region: ListRegion,
        console: &Console,
    ) -> Result<Option<Arc<Suppressed>>, Failure> {
        if lists.is_empty() {
            return Ok(None);
        }
        let mut suppressed = Suppressed::default();
        for list in lists {
            suppressed.add(list, region, console).map_err(|failure| unusable(list, failure))?;
        }
        suppressed.values.sort_unstable();
        suppressed.values.dedup();
        Ok(Some(Arc::new(suppressed)))
    }

    /// What is the same for the same lists.
    pub fn fingerprint(&self) -> String {
        blake3::hash(self.values.as_flattened()).to_hex().to_string()
    }

    /// Whether a contact is on a list, by any of its phones and e-mails.
    pub fn has(&self, contact: &dyn ContactView) -> bool {
        let identities = identities_of(contact, &FIELDS);
        identities.iter().any(|one| self.values.binary_search(&hash_of(one.field, &one.value)).is_ok())
    }

    fn add(&mut self, list: &SourcePlan, region: ListRegion, console: &Console) -> Result<(), Failure> {
        let bound = bound(list, region)?;
        let (mut records, mut silent, before) = (0, Silent::default(), self.values.len());
        for record in files::open(&list.path, &list.shown, &list.options)?.source {
            match record {
                Err(ReadFault::Blank(_)) => {}
                Err(ReadFault::Fatal(failure)) => return Err(failure),
                Err(ReadFault::Reject(reject)) => {
                    records += 1;
                    silent.add(reject.origin.line);
                }
                Ok(record) => {
                    records += 1;
                    self.add_record(&bound, &record, &mut silent)?;
                }
            }
        }
        check_regions(&bound, &list.shown)?;
        if records == 0 {
            console.note(&format!("`{}` has no records, so no contact is skipped by it", list.shown));
        } else if self.values.len() == before {
            return Err(Failure::usage("no record of it has a valid phone or e-mail").hint(
                "look at it with `ferry inspect`; `--region` names the country of phones without a country code",
            ));
        } else if silent.count > 0 {
            console.note(&silent.told(&list.shown, records));
        }
        Ok(())
    }

    fn add_record(&mut self, bound: &Program, record: &Record, silent: &mut Silent) -> Result<(), Failure> {
        let Drafted::Contact(draft) = bound.draft(record) else {
            silent.add(record.origin.line);
            return Ok(());
        };
        let identities = identities_of(&draft.contact, &FIELDS);
        if identities.is_empty() || !draft.marks.left_blank.is_empty() {
            silent.add(record.origin.line);
        }
        self.values.extend(identities.iter().map(|one| hash_of(one.field, &one.value)));
        if self.values.len() <= VALUES_MAX {
            return Ok(());
        }
        let message = format!("the lists have more than {} phones and e-mails", number(VALUES_MAX as u64));
        Err(Failure::usage(message).hint("leave out what no source has, or split the source and its lists"))
    }
}

/// What makes contacts of the records of a list.
fn bound(list: &SourcePlan, region: ListRegion) -> Result<Program, Failure> {
    let opened = files::open(&list.path, &list.shown, &list.options)?;
    let typed = match region.typed {
        Some(RegionChoice::Region(typed)) => Some(typed),
        Some(RegionChoice::Nowhere) | None => None,
    };
    let suggestion = suggested(list, None, typed.or(region.fallback))?;
    let mapping = by_names(list, &suggestion)?.mapping;
    let options = BindOptions { region: region.typed, fallback_region: region.fallback, identity_default: Vec::new() };
    let bound = mapping.bind(&opened.header, &options).map_err(Failure::from)?;
    let writes = bound.writes();
    if !writes.carries && !FIELDS.iter().any(|field| writes.fields.has(*field)) {
        return Err(Failure::usage("it has no column of phones or e-mails")
            .hint("call the column `phone` or `email`, and give the file again"));
    }
    bound.set_evidence(evidence::scan(&bound, opened.source)?);
    Ok(bound.with_likely_region(suggestion.region.likely()))
}

/// A list that is in the way of a run: nothing is sent then.
fn unusable(list: &SourcePlan, failure: Failure) -> Failure {
    let mut told = Failure::new(Exit::Usage, format!("`skip`: the list `{}` cannot be used", list.shown));
    told.causes = std::iter::once(failure.message).chain(failure.causes).collect();
    told.hint = failure.hint;
    told.also = failure.also;
    told
}

fn hash_of(field: Field, value: &str) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[field as u8]).update(value.as_bytes());
    let mut short = [0; 16];
    hasher.finalize_xof().fill(&mut short);
    short
}

/// Records of a list that say nothing, or not all that they should.
#[derive(Default)]
struct Silent {
    count: u64,
    lines: Vec<String>,
}

impl Silent {
    fn add(&mut self, line: u64) {
        self.count += 1;
        if self.lines.len() < LINES_SHOWN {
            self.lines.push(line.to_string());
        }
    }

    fn told(&self, shown: &str, records: u64) -> String {
        let more = if self.count > self.lines.len() as u64 { ", …" } else { "" };
        let lines = if self.count == 1 { "line" } else { "lines" };
        format!(
            "{} of {} in `{shown}` lack a valid phone or e-mail ({lines} {}{more}): by these no contact is skipped",
            self.count,
            count(records, "record", "records"),
            self.lines.join(", ")
        )
    }
}

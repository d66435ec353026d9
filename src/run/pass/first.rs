//! The first pass: everything that the source alone can show, before anything is sent.
//!
//! It maps every record, shows every problem, counts, and finds the records of one contact.

use crate::files::{self, Read, Source};
use crate::ids::SourceStamp;
use crate::mapping::phone::Region;
use crate::outcome::{Exit, Failure, Skip};
use crate::plan::SourcePlan;
use crate::reconcile::guards::rejected;
use crate::report::Progress;
use crate::report::words::count;
use crate::run::item::{Candidate, IdentityHashes, Item, Looked, Mapper};
use crate::run::ordered::in_order;
use crate::run::stop::Stop;
use crate::scratch::people::{People, PeopleBuilder};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the first pass found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct First {
    /// Records in the source.
    pub read: u64,
    /// Records that are rejected whatever the target answers.
    pub rejected: u64,
    /// Records that `only_if` leaves out.
    pub filtered: u64,
    /// Rows without content.
    #[serde(default)]
    pub blank: u64,
    /// Records that are not the first of their contact.
    pub duplicates: u64,
    /// The state of the source when it was read.
    pub stamp: Option<SourceStamp>,
    /// What else decides how it was read: see `crate::run::parts`.
    #[serde(default)]
    pub read_as: String,
    /// The pass in which the source was first read as it is now.
    #[serde(default)]
    pub since_pass: u32,
    /// The same of the source as it was before it changed last. What older passes did may have been undone since.
    #[serde(default)]
    pub before_pass: u32,
    /// What has to be the same for a pass to be continued: how the contacts of its records were meant to be sent.
    #[serde(default)]
    pub sent_as: String,
    /// Whether the intents for the source as it was before are settled.
    #[serde(default)]
    pub is_clean: bool,
    /// Whether the source ends in the middle.
    #[serde(default)]
    pub is_cut: bool,
    /// The first rejected record, in words.
    #[serde(default)]
    pub rejected_first: Option<String>,
    /// The custom attributes that the records have, where the target has to define them beforehand.
    #[serde(default)]
    pub attributes: BTreeSet<String>,
}

impl First {
    /// A rejected record, in words.
    pub fn example(&self) -> String {
        self.rejected_first.clone().unwrap_or_default()
    }

    /// Records with content: percentages are of these.
    pub fn records(&self) -> u64 {
        self.read.saturating_sub(self.blank)
    }

    /// Contacts to be sent.
    pub fn contacts(&self) -> u64 {
        self.read.saturating_sub(self.rejected + self.filtered + self.blank + self.duplicates)
    }
}

/// More attributes than this are data that became names.
const ATTRIBUTES_MAX: usize = 10_000;

const SUMS: &str = "first.json";
pub(in crate::run) const PEOPLE: &str = "people.db";

/// What decides, beside the mapping, how a source is read. `region`: the country of the target's phones.
pub(in crate::run) fn read_as(source: &SourcePlan, region: Option<Region>) -> String {
    format!("{:?} {:?} {:?}", source.options, source.region, region)
}

/// What an earlier process of this run found, when the file has not changed since.
pub fn kept(folder: &Path, stamp: Option<SourceStamp>, read_as: &str) -> Option<(First, People)> {
    let first = last(folder)?;
    first.is_of(stamp, read_as).then_some(())?;
    Some((first, People::open(&folder.join(PEOPLE)).ok()?))
}

/// What the first pass of an earlier process found, whatever the source is now.
pub fn last(folder: &Path) -> Option<First> {
    serde_json::from_slice(&std::fs::read(folder.join(SUMS)).ok()?).ok()
}

impl First {
    fn add(&mut self, light: Light, people: &mut PeopleBuilder) -> Result<(), Failure> {
        self.read += 1;
        match light {
            Light::Candidate(origin, hashes, attributes) => {
                people.add(origin.ordinal, origin.line, &hashes.firsts, &hashes.further)?;
                if hashes.leaves_blank {
                    people.add_left_blank(origin.ordinal)?;
                }
                self.add_attributes(attributes)?;
            }
            Light::Skipped(Skip::Blank) => self.blank += 1,
            Light::Skipped(_) => self.filtered += 1,
            Light::Rejected(what) => {
                self.rejected += 1;
                self.rejected_first.get_or_insert(what);
            }
        }
        Ok(())
    }

    fn add_attributes(&mut self, names: Vec<Arc<str>>) -> Result<(), Failure> {
        for name in names {
            if !self.attributes.contains(&*name) {
                self.attributes.insert(name.to_string());
            }
        }
        if self.attributes.len() <= ATTRIBUTES_MAX {
            return Ok(());
        }
        Err(Failure::usage(format!("the records have more than {ATTRIBUTES_MAX} custom attributes"))
            .hint("name those that you need under `attributes:` in the mapping, and set `unmapped: ignore`"))
    }

    /// Whether it is about the source as it is now.
    pub fn is_of(&self, stamp: Option<SourceStamp>, read_as: &str) -> bool {
        stamp.is_some() && self.stamp == stamp && self.read_as == read_as
    }

    /// The same before anything was counted.
    pub fn emptied(self) -> First {
        let First { stamp, read_as, since_pass, before_pass, is_clean, .. } = self;
        First { stamp, read_as, since_pass, before_pass, is_clean, ..First::default() }
    }

    /// Keeps the sums for the next process, whole or not at all.
    ///
    /// # Errors
    /// Exit 1 when they cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), Failure> {
        let fault =
            |error: std::io::Error| Failure::failed("the totals of the first pass cannot be written").cause(error);
        let text = serde_json::to_vec(self).map_err(|error| fault(error.into()))?;
        files::write_whole(&folder.join(SUMS), &text).map_err(fault)
    }
}

/// The custom attributes that a record has a value for.
fn attributes_of(candidate: &Candidate) -> Vec<Arc<str>> {
    let attributes = candidate.wanted.contact.attributes.iter();
    attributes.filter(|attribute| !attribute.value.is_empty()).map(|attribute| Arc::clone(&attribute.name)).collect()
}

/// What the first pass needs beside the source.
pub(in crate::run) struct FirstAsked {
    pub mapper: Arc<Mapper>,
    /// The folder of the run.
    pub folder: PathBuf,
    pub stop: Stop,
}

/// Reads the whole source. `first`: all that is known about the pass before it.
pub(in crate::run) fn first_pass(
    source: Box<dyn Source>,
    asked: &FirstAsked,
    mut first: First,
    progress: &dyn Fn(&First),
) -> Result<Option<(First, People)>, Failure> {
    let FirstAsked { mapper, folder, stop } = asked;
    // Mark the old totals as stale until the new pass has finished; the identity index no longer matches them.
    if let Some(last) = last(folder) {
        First { stamp: None, ..last }.save(folder)?;
    }
    let mut builder = PeopleBuilder::create(&folder.join(PEOPLE))?;
    let mapper = Arc::clone(mapper);
    for batch in in_order(source, None, move |read| Light::of(&mapper, read)) {
        let batch = match batch {
            Ok(batch) => batch,
            // A file that ends in the middle: what is whole is sent, and the second pass ends with this failure.
            Err(failure) if failure.exit == Exit::Failed => {
                first.is_cut = true;
                break;
            }
            Err(failure) => return Err(failure),
        };
        for light in batch {
            first.add(light, &mut builder)?;
        }
        progress(&first);
        if stop.is_requested() {
            return Ok(None);
        }
    }
    let people = builder.finish()?;
    first.duplicates = people.duplicates()?;
    first.save(folder)?;
    Ok(Some((first, people)))
}

/// Whether a source has as many records as it is to have at least. One that ends in the middle has failed already.
///
/// # Errors
/// Exit 2 when there is none at all, exit 6 when there are too few.
pub fn enough_records(first: &First, at_least: Option<u64>, shown: &str) -> Result<(), Failure> {
    let Some(at_least) = at_least.filter(|at_least| first.records() < *at_least && !first.is_cut) else {
        return Ok(());
    };
    if first.records() == 0 {
        return Err(Failure::usage(format!("`{shown}` has no records")).hint(
            "check what should have written it: an empty file is more often a failed job than an empty list; \
             `--at-least 0` allows it",
        ));
    }
    let message =
        format!("`{shown}` has {}, and `--at-least` is {at_least}", count(first.records(), "record", "records"));
    Err(Failure::new(Exit::Unavailable, message)
        .hint("nothing was changed; run the same command when the file is complete, or with a smaller `--at-least`"))
}

/// What the first pass keeps of a record.
enum Light {
    Candidate(crate::record::Origin, IdentityHashes, Vec<Arc<str>>),
    Skipped(Skip),
    /// In words.
    Rejected(String),
}

impl Light {
    fn of(mapper: &Mapper, read: Read<'_>) -> Light {
        if mapper.only_maps() {
            return match mapper.look(read) {
                Looked::Contact(origin, hashes) => Light::Candidate(origin, hashes, Vec::new()),
                Looked::Skipped(skip) => Light::Skipped(skip),
                Looked::Rejected(origin, problems) => Light::Rejected(rejected(origin.line, &problems)),
            };
        }
        match mapper.item(read) {
            Item::Candidate(candidate) => {
                let hashes = mapper.identity_hashes(&candidate);
                let defines_attributes = mapper.facts().is_some_and(|platform| platform.defines_attributes);
                let attributes = if defines_attributes { attributes_of(&candidate) } else { Vec::new() };
                Light::Candidate(candidate.record.origin, hashes, attributes)
            }
            Item::Skipped(_, skip) => Light::Skipped(skip),
            Item::Rejected(reject) => Light::Rejected(rejected(reject.origin.line, &reject.problems)),
        }
    }
}

/// Shows how far the first pass is.
pub fn show(progress: &Progress, first: &First) {
    progress.set(crate::report::State { done: first.read, rejected: first.rejected, ..Default::default() });
}

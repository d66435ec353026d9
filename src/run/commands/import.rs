//! `ferry import`: the records of a file, into a platform.

use super::foretold::carried_out;
use super::records::{self, duplicates_of};
use crate::files;
use crate::ids::CommandKind;
use crate::outcome::Failure;
use crate::plan::SourcePlan;
use crate::plan::work::Effect;
use crate::run::active::close::Ended;
use crate::run::bind::{Between, mapper_between};
use crate::run::plan::TransferPlan;
use crate::run::rejects::check_rejects_name;
use crate::run::source::{Records, Source};
use crate::run::transfer::job::{Io, Job};
use std::sync::Arc;

pub(super) async fn import(
    plan: &TransferPlan,
    source: &SourcePlan,
    effect: &Effect,
    io: Io<'_>,
) -> Result<Ended, Failure> {
    let (finished, sections) = carried_out(plan, job(plan, source, io)?, effect, io).await?;
    Ok(finished.close(sections))
}

/// The file is opened to see its header, against which the mapping is checked.
pub(super) fn job<'a>(plan: &'a TransferPlan, source: &'a SourcePlan, io: Io<'a>) -> Result<Job<'a>, Failure> {
    let opened = files::open(&source.path, &source.shown, &source.options)?;
    opened.notes.iter().for_each(|note| io.console.note(note));
    let (platform, region) = (&plan.to.connection.driver, plan.to.region);
    let between = Between { source, from: None, platform, region };
    let mapper = Arc::new(mapper_between(&between, &opened.header, opened.are_rejects, io.console)?);
    check_rejects_name(plan.limits.rejects.as_deref(), &opened.layout, &opened.header)?;
    let (layout, header, duplicates) = (opened.layout, opened.header, duplicates_of(source));
    let records = Records { plan: source, from: None, mapper, duplicates, layout, header };
    Ok(records::job(plan, CommandKind::Import, source, (Source::Records(records), source.identity())))
}

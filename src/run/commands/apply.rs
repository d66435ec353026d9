//! `ferry apply`: the lines of a saved plan, each of which is written exactly, or not at all.

use super::records;
use crate::files;
use crate::ids::CommandKind;
use crate::mapping::Duplicates;
use crate::outcome::Failure;
use crate::run::active::close::Ended;
use crate::run::bind::mapper_of_plan;
use crate::run::plan::{SavedPlan, TargetPlan, TransferPlan};
use crate::run::source::saved_plan::PlanHead;
use crate::run::source::{Records, Source};
use crate::run::transfer::job::{Io, Job};
use crate::run::transfer::{Sections, transfer};
use std::sync::Arc;

pub(super) async fn apply(plan: &TransferPlan, saved: &SavedPlan, io: Io<'_>) -> Result<Ended, Failure> {
    let finished = transfer(job(plan, saved, io)?, io).await?;
    Ok(finished.close(Sections::default()))
}

pub(super) fn job<'a>(plan: &'a TransferPlan, saved: &'a SavedPlan, io: Io<'a>) -> Result<Job<'a>, Failure> {
    let SavedPlan { source, head } = saved;
    let opened = files::open(&source.path, &source.shown, &source.options)?;
    opened.notes.iter().for_each(|note| io.console.note(note));
    check_account(&source.shown, head, &plan.to)?;
    let mapper = Arc::new(mapper_of_plan(&plan.to.connection.driver, head)?);
    let (layout, header, duplicates) = (opened.layout, opened.header, Duplicates::First);
    let records = Records { plan: source, from: None, mapper, duplicates, layout, header };
    Ok(records::job(plan, CommandKind::Apply, source, (Source::Records(records), source.identity())))
}

/// A plan is applied to the account for which it was created.
fn check_account(shown: &str, head: &PlanHead, to: &TargetPlan) -> Result<(), Failure> {
    let now = [&*to.connection.facts().name, &to.address];
    if now == [head.platform.as_str(), &head.address] {
        return Ok(());
    }
    let (name, [platform, address]) = (&head.connection, now);
    let was = format!("{} at `{}`", head.platform, head.address);
    Err(Failure::usage(format!("`{shown}` was created for {was}, and `{name}` is {platform} at `{address}` now"))
        .hint("create another plan for the connection as it is now"))
}

//! `ferry migrate`: the contacts of an account, into a platform.

use super::foretold::carried_out;
use super::records::{self, duplicates_of};
use crate::files::{Format, Layout};
use crate::ids::CommandKind;
use crate::outcome::Failure;
use crate::plan::SourcePlan;
use crate::plan::work::Effect;
use crate::record::Header;
use crate::run::active::close::Ended;
use crate::run::bind::{Between, mapper_between};
use crate::run::plan::{FromPlatform, TransferPlan};
use crate::run::source::{Records, Source};
use crate::run::transfer::job::{Io, Job};
use std::sync::Arc;

pub(super) async fn migrate(
    plan: &TransferPlan,
    account: (&SourcePlan, &FromPlatform),
    effect: &Effect,
    io: Io<'_>,
) -> Result<Ended, Failure> {
    let job = job(plan, account.0, account.1, io)?;
    let (finished, sections) = carried_out(plan, job, effect, io).await?;
    Ok(finished.close(sections))
}

/// Contacts have fields, so the mapping is checked before the account is read.
pub(super) fn job<'a>(
    plan: &'a TransferPlan,
    rules: &'a SourcePlan,
    from: &'a FromPlatform,
    io: Io<'a>,
) -> Result<Job<'a>, Failure> {
    let (platform, region) = (&plan.to.connection.driver, plan.to.region);
    let between = Between { source: rules, from: Some(from.connection.facts()), platform, region };
    let (header, layout, duplicates) = (Header::Contact, Layout::plain(Format::Jsonl), duplicates_of(rules));
    let mapper = Arc::new(mapper_between(&between, &header, false, io.console)?);
    let records = Records { plan: rules, from: Some(from), mapper, duplicates, layout, header };
    let identity = format!("{} {} {}", from.connection.name, from.connection.facts().name, from.address);
    let job = records::job(plan, CommandKind::Migrate, rules, (Source::Records(records), identity));
    Ok(Job { title: format!("moving into {}", plan.to.connection.name), ..job })
}

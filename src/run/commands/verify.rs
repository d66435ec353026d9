//! `ferry verify`: what a run wanted at the target, compared with what is there, and written again where that was asked.
//!
//! It is a preview of the same work: finding, comparing and retrying are the run's own, and what it would write now is
//! what differs. A contact that the run created is compared in every field.

use super::correct::add_left;
use super::{apply, correct, import, migrate};
use crate::ids::{CommandKind, SourceStamp};
use crate::outcome::Failure;
use crate::report::Verified;
use crate::run::active::close::Ended;
use crate::run::active::folder::account_at;
use crate::run::active::receipt::is_what_was_read;
use crate::run::differences::{DifferencesAsked, list_differences};
use crate::run::pass::first::{First, last, read_as};
use crate::run::plan::{Check, Replay, Rules, Transfer, TransferPlan, VerifyPlan};
use crate::run::source::{Records, Source};
use crate::run::transfer::job::{Aim, EffectsTo, Io, Job};
use crate::run::transfer::{Finished, Sections, transfer};
use crate::run::verified_run::VerifiedRun;
use std::sync::Arc;

/// The name of the list in the folder of the verified run.
pub const FILE: &str = "verify.txt";

pub(super) async fn verify(
    plan: &TransferPlan,
    replay: &Replay,
    check: (&VerifyPlan, Check),
    io: Io<'_>,
) -> Result<Ended, Failure> {
    let (verify, check) = check;
    let mut finished = transfer(job(plan, job_of(plan, replay, io)?, verify, check)?, io).await?;
    let verified = finished.is_whole().then(|| differences(&finished, verify)).flatten().transpose();
    let mut sections = Sections { verified: finished.take(verified), ..Sections::default() };
    if finished.transfer.job.aim.corrects.is_some() {
        sections = add_left(&mut finished, sections);
    }
    Ok(finished.close(sections))
}

/// The job of the work that is compared with the target.
fn job_of<'a>(plan: &'a TransferPlan, replay: &'a Replay, io: Io<'a>) -> Result<Job<'a>, Failure> {
    match replay {
        Replay::Transfer(Transfer::Import(source)) => import::job(plan, source, io),
        Replay::Transfer(Transfer::Correct(source, of)) => correct::job(plan, source, of, io),
        Replay::Transfer(Transfer::Migrate(source, from)) => migrate::job(plan, source, from, io),
        Replay::Apply(saved) => apply::job(plan, saved, io),
    }
}

/// The same as a comparison.
fn job<'a>(plan: &'a TransferPlan, job: Job<'a>, verify: &VerifyPlan, check: Check) -> Result<Job<'a>, Failure> {
    let account = account_at(&plan.state, &plan.to.connection, &plan.to.address)?;
    let confirms = Some(Arc::new(VerifiedRun::open(&plan.state, &account, verify)?));
    if verify.run.work != job.work && !verify.anyway {
        return Err(verify.changed("the mapping or the connection has changed"));
    }
    check_source(plan, &job, verify)?;
    let evidence = std::iter::once(verify.folder.clone()).chain(job.evidence).collect();
    let (aim, mut limits) = (Aim { confirms, ..job.aim }, job.limits);
    limits.at_least = None;
    let (kind, work) = (CommandKind::Verify, verify.repair_of());
    let job = Job { kind, work, aim, evidence, limits, ..job };
    Ok(match check {
        Check::Repair => job,
        Check::Report => {
            // A contact that is missing is missing, whether it would be created or not.
            let rules = Rules { only_existing: false, ..job.rules };
            let title = format!("comparing with {}", plan.to.connection.name);
            Job { rules, title, is_fresh: true, effects: EffectsTo::Preview { is_saved: false }, ..job }
        }
    })
}

/// Whether the file is the one that the run read, the same way.
fn check_source(plan: &TransferPlan, job: &Job<'_>, verify: &VerifyPlan) -> Result<(), Failure> {
    let Source::Records(Records { plan: source, from: None, .. }) = &job.source else { return Ok(()) };
    let (stamp, read_as) = (SourceStamp::of_file(&source.path), read_as(source, plan.to.region));
    let is_read_so = |first: &First| first.read_as == read_as && is_what_was_read(&verify.folder, &source.path);
    let is_same = last(&verify.folder).is_some_and(|first| first.is_of(stamp, &read_as) || is_read_so(&first));
    if is_same || verify.anyway {
        return Ok(());
    }
    Err(verify.changed(&format!("`{}` has changed", source.shown)))
}

/// What the pass found.
fn differences(finished: &Finished<'_>, verify: &VerifyPlan) -> Option<Result<Verified, Failure>> {
    let transfer = &finished.transfer;
    let verified = transfer.job.aim.confirms.as_ref()?;
    let recorder = transfer.preview.as_ref().map(|preview| &*preview.recorder);
    let asked = DifferencesAsked { recorder, out: &verify.out };
    Some(list_differences(verified, &transfer.checkpoint, transfer.pass(), &asked))
}

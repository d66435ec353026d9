//! `ferry convert`: from a file into a file, the same reading, mapping and rejects, no platform.
//!
//! It reads once, unless the mapping names an identity: then a first pass finds the records of one contact. What it
//! writes appears whole or not at all, so that a stopped conversion is resumed by doing it again.

use crate::clock::Clock;
use crate::files;
use crate::ids::{CommandKind, RunStatus, SourceStamp, WorkId};
use crate::mapping::Overflow;
use crate::outcome::{Exit, Failure};
use crate::report::{Console, Summary};
use crate::run::active::ActiveRun;
use crate::run::active::begin::{RunSpec, Start};
use crate::run::active::close::{Ended, Ending, unbalanced};
use crate::run::active::metrics::RunMetrics;
use crate::run::active::receipt::{Ends, file_read, file_written, mapping_of};
use crate::run::bind::{bind, suppressed};
use crate::run::conversion::{Conversion, ConvertPlan, Written};
use crate::run::item::Mapper;
use crate::run::rejects::{RejectsFiles, check_rejects_name};
use crate::run::rows::Sums;
use crate::run::stop::Stop;
use std::sync::Arc;

/// Converts a file.
///
/// # Errors
/// What stops it before it has begun. Once it has, how it ended is told in [`Ended`].
pub fn convert(plan: &ConvertPlan, console: &Console, clock: Clock, stop: &Stop) -> Result<Ended, Failure> {
    let opened = files::open(&plan.source.path, &plan.source.shown, &plan.source.options)?;
    opened.notes.iter().for_each(|note| console.note(note));
    let (bound, _, identity) = bind(&plan.source, &opened.header, None, None, console)?;
    let suppressed = suppressed(&plan.source, None, console)?;
    check_rejects_name(plan.work.rejects.as_deref(), &opened.layout, &opened.header)?;
    let mut run = begin(plan, console, clock)?;
    let shape = (&opened.layout, &opened.header);
    let rejects = RejectsFiles::of(&plan.state, &run.record, plan.work.rejects.as_deref(), shape);
    run.metrics = RunMetrics::reset(&run.folder);
    let mapper = Arc::new(Mapper {
        is_plan: false,
        bound: Arc::new(bound.for_rejects(opened.are_rejects)),
        platform: None,
        identity: identity.unwrap_or_default(),
        finds_by: Vec::new(),
        overflow: Overflow::Report,
        suppressed,
    });
    let (mut sums, stamp) = (Sums::default(), SourceStamp::of_file(&plan.source.path));
    let conversion = Conversion { plan, console, stop, run: &run, rejects: &rejects, mapper, stamp };
    let done = conversion.fix_evidence(opened).and_then(|opened| conversion.write(opened, &mut sums));
    match done {
        // Nothing was written, and there is nothing to resume.
        Err(failure) if failure.exit == Exit::Usage => Err(run.abandon(None, failure)),
        done => {
            let ending = ending(&conversion, done, sums);
            Ok(run.close(ending, None))
        }
    }
}

fn begin(plan: &ConvertPlan, console: &Console, clock: Clock) -> Result<ActiveRun, Failure> {
    let spec = RunSpec {
        kind: CommandKind::Convert,
        source: &plan.source.shown,
        target: &plan.out.display().to_string(),
        work: work_of(plan),
        state: &plan.state,
        typed: &plan.typed,
        start: if plan.work.fresh { Start::Fresh } else { Start::Resume },
    };
    let run = ActiveRun::begin(&spec, clock)?;
    if run.is_resumed {
        console.note(&format!("`{}` was stopped before its end, and is done again", run.record.run));
    }
    run.save()?;
    Ok(run)
}

fn work_of(plan: &ConvertPlan) -> WorkId {
    let (source, out) = (&plan.source, std::path::absolute(&plan.out).unwrap_or_else(|_| plan.out.clone()));
    let (file, mapping, reading) = (source.identity(), source.mapping_identity(), source.reading_identity());
    WorkId::of(&format!("convert\n{file}\n{}\n{mapping}\n{reading}", out.display()))
}

/// What a conversion adds to the end of its run.
fn ending(of: &Conversion<'_>, done: Result<Written, Failure>, sums: Sums) -> Ending {
    let (plan, record) = (of.plan, &of.run.record);
    let (Written { is_whole, rejects, content }, failure) = match done {
        Ok(written) => (written, None),
        Err(failure) => (Written::default(), Some(failure)),
    };
    let mut totals = sums.totals;
    if !sums.is_placed {
        // No contact counts as written before the file is in place.
        totals.created = 0;
    }
    totals.pending = totals.read.saturating_sub(totals.settled());
    let failure = failure.or_else(|| unbalanced(&totals, is_whole).filter(|_| is_whole));
    let status = RunStatus::of(failure.is_none() && is_whole);
    let ends = (status == RunStatus::Done).then(|| Ends {
        source: file_read(&plan.source, of.stamp, content),
        mapping: mapping_of(&plan.source),
        target: file_written(&record.target, record, &plan.state),
    });
    let rejects_file = (rejects > 0).then(|| of.rejects.shown().to_owned());
    let rejects_shown = rejects_file.as_ref().map(|path| path.display().to_string());
    let summary = Summary {
        skipped: sums.skipped.into_iter().collect(),
        rejects: sums.rejects.into_iter().collect(),
        left_blank: sums.left_blank,
        not_carried: sums.not_carried.into_iter().collect(),
        source: record.source.clone(),
        target: record.target.clone(),
        next_command: Some(plan.typed.suggest.again()),
        rejects_command: rejects_shown.and_then(|path| plan.typed.suggest.with_rejects(&path)),
        ..Summary::default()
    };
    let is_stopped = of.stop.is_requested() && !is_whole;
    Ending { status, totals, summary, failure, rejects_file, is_stopped, ends, ..Ending::default() }
}

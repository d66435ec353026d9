//! `ferry convert`: from a file into a file, the same reading, mapping and rejects, no platform.
//!
//! It reads once, unless the mapping names an identity: then a first pass finds the records of one contact. What it
//! writes appears whole or not at all, so that a stopped conversion is resumed by doing it again.

pub use crate::run::conversion::ConvertPlan;

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
use crate::run::bind::bind;
use crate::run::conversion::{Conversion, Written};
use crate::run::item::Mapper;
use crate::run::rejects::RejectsFiles;
use crate::run::rows::Sums;
use crate::run::stop::Stop;
use std::sync::Arc;

/// Converts a file.
///
/// # Errors
/// What stops it before it has begun. Once it has, how it ended is told in [`Ended`].
pub fn convert(plan: &ConvertPlan, console: &Console, clock: Clock, stop: &Stop) -> Result<Ended, Failure> {
    let opened = files::open(&plan.source.path, &plan.source.shown, &plan.source.options)?;
    for note in &opened.notes {
        console.note(note);
    }
    let (bound, _, identity) = bind(&plan.source, &opened.header, None, None, console)?;
    let work = work_of(plan);
    let spec = RunSpec {
        kind: CommandKind::Convert,
        source: &plan.source.shown,
        target: &plan.out.display().to_string(),
        work,
        state: &plan.state,
        typed: &plan.typed,
        start: if plan.work.fresh { Start::Fresh } else { Start::Resume },
    };
    let mut run = ActiveRun::begin(&spec, clock)?;
    if run.is_resumed {
        console.note(&format!("`{}` was stopped before its end, and is done again", run.record.run));
    }
    run.save()?;
    let shape = (&opened.layout, &opened.header);
    let rejects_files = RejectsFiles::of(&plan.state, &run.record, plan.work.rejects.as_deref(), shape);
    let stamp = SourceStamp::of_file(&plan.source.path);
    run.metrics = RunMetrics::reset(&run.folder);
    let mut sums = Sums::default();
    let mapper = Mapper {
        is_plan: false,
        bound: Arc::new(bound.for_rejects(opened.are_rejects)),
        platform: None,
        identity: identity.unwrap_or_default(),
        finds_by: Vec::new(),
        overflow: Overflow::Report,
    };
    let mapper = Arc::new(mapper);
    let conversion = Conversion { plan, console, stop, run: &run, rejects: &rejects_files, mapper, stamp };
    let done = conversion.fix_evidence(opened).and_then(|opened| conversion.write(opened, &mut sums));
    if let Err(failure) = &done
        && failure.exit == Exit::Usage
    {
        // Nothing was written, and there is nothing to resume.
        return Err(run.abandon(None, failure.clone()));
    }
    let (done, failure) = match done {
        Ok(done) => (done, None),
        Err(failure) => (Written::default(), Some(failure)),
    };
    let ending = Ending {
        rejects_file: (done.rejects > 0).then(|| rejects_files.shown().to_owned()),
        is_stopped: stop.is_requested() && !done.is_whole,
        ..ending_of(plan, &run, sums, done.is_whole, failure)
    };
    let ends = (ending.status == RunStatus::Done).then(|| Ends {
        source: file_read(&plan.source, stamp),
        mapping: mapping_of(&plan.source),
        target: file_written(&plan.out.display().to_string(), &run.record, &plan.state),
    });
    let rejects = ending.rejects_file.as_ref().map(|path| path.display().to_string());
    let rejects_command = rejects.and_then(|path| plan.typed.suggest.with_rejects(&path));
    let summary = Summary { rejects_command, ..ending.summary };
    Ok(run.close(Ending { ends, summary, ..ending }, None))
}

/// What a conversion adds to the end of its run.
fn ending_of(plan: &ConvertPlan, run: &ActiveRun, sums: Sums, is_whole: bool, failure: Option<Failure>) -> Ending {
    let mut totals = sums.totals;
    if !sums.is_placed {
        // No contact counts as written before the file is in place.
        totals.created = 0;
    }
    totals.pending = totals.read.saturating_sub(totals.settled());
    let failure = failure.or_else(|| unbalanced(&totals, is_whole).filter(|_| is_whole));
    let summary = Summary {
        skipped: sums.skipped.into_iter().collect(),
        rejects: sums.rejects.into_iter().collect(),
        left_blank: sums.left_blank,
        not_carried: sums.not_carried.into_iter().collect(),
        source: run.record.source.clone(),
        target: run.record.target.clone(),
        next_command: Some(plan.typed.suggest.again()),
        ..Summary::default()
    };
    Ending { status: RunStatus::of(failure.is_none() && is_whole), totals, summary, failure, ..Ending::default() }
}

fn work_of(plan: &ConvertPlan) -> WorkId {
    let out = std::path::absolute(&plan.out).unwrap_or_else(|_| plan.out.clone());
    let (source, mapping, reading) =
        (plan.source.identity(), plan.source.mapping_identity(), plan.source.reading_identity());
    let parts = format!("convert\n{source}\n{}\n{mapping}\n{reading}", out.display());
    WorkId::of(&parts)
}

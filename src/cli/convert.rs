//! `ferry convert`.

use super::args;
use super::context::Context;
use super::import::{source_asked, work_asked};
use crate::outcome::{Exit, Failure};
use crate::plan::work::{Conversion, Work};
use crate::plan::{Mistakes, SourcePlan};
use crate::run::commands::{ConvertPlan, convert};

pub(super) fn run(typed: &args::Convert, context: &Context) -> Result<Exit, Failure> {
    let source = source_asked(&typed.source);
    let conversion = Conversion { source, out: typed.out.clone(), limits: work_asked(&typed.work) };
    perform(&conversion, context)
}

/// Converts a file.
pub(super) fn perform(conversion: &Conversion, context: &Context) -> Result<Exit, Failure> {
    let Conversion { source: asked, out, limits } = conversion;
    let mut mistakes = Mistakes::default();
    let around = context.around(&[("source", Some(&asked.file)), ("mapping", asked.map.as_deref())]);
    limits.check(&around, ("--out", Some(out)), &mut mistakes);
    if mistakes.is_empty() {
        context.make_state(false)?;
    }
    let source = SourcePlan::gather(asked, &context.state, &mut mistakes);
    let source = mistakes.end(source)?;
    let plan = ConvertPlan {
        typed: context.typed(Some(&source.shown), context.plan(Work::Convert(conversion.clone()))),
        source,
        out: out.clone(),
        raw_cells: asked.raw_cells,
        work: limits.clone(),
        state: context.state.clone(),
    };
    let ended = context.block_on(|clock, stop| async move {
        tokio::task::block_in_place(|| convert(&plan, &context.console, clock, &stop))
    })?;
    Ok(context.print_end(&ended))
}

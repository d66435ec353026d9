//! `ferry convert`.

use super::args;
use super::context::Context;
use super::import::{source_asked, work_asked};
use crate::outcome::{Exit, Failure};
use crate::plan::{Mistakes, SourcePlan};
use crate::run::convert::{ConvertPlan, convert};

pub(super) fn run(typed: &args::Convert, context: &Context) -> Result<Exit, Failure> {
    let mut mistakes = Mistakes::default();
    let work = work_asked(&typed.work);
    let around = context.around(&[("source", Some(&typed.source.file)), ("mapping", typed.source.map.as_deref())]);
    work.check(&around, ("--out", Some(&typed.out)), &mut mistakes);
    if mistakes.is_empty() {
        context.make_state(false)?;
    }
    let source_asked = source_asked(&typed.source, &mut mistakes);
    let source = SourcePlan::gather(&source_asked, &context.state, &mut mistakes);
    let source = mistakes.end(source)?;
    let typed_in = context.typed(Some(&source.shown));
    let plan = ConvertPlan {
        source,
        out: typed.out.clone(),
        raw_cells: typed.source.raw_cells,
        work,
        state: context.state.clone(),
        typed: typed_in,
    };
    let ended = context.block_on(|clock, stop| async move {
        tokio::task::block_in_place(|| convert(&plan, &context.console, clock, &stop))
    })?;
    Ok(context.print_end(&ended))
}

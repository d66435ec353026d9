//! `ferry import`.

use super::args::{self, FileFormat};
use super::{Context, with_sandbox};
use crate::files::Format;
use crate::mapping::phone::Region;
use crate::outcome::{Exit, Failure};
use crate::plan::{self, Connection, Mistakes, SourceAsked, SourcePlan, TargetAsked, WorkAsked};
use crate::platforms::diff::OnExisting;
use crate::run::import::{ImportPlan, import};

pub(super) fn run(typed: &args::Import, context: &Context) -> Result<Exit, Failure> {
    let mut mistakes = Mistakes::default();
    let (asked, work) = (target_asked(typed), work_asked(&typed.work));
    let connection = mistakes.take(connection(&asked, context));
    work.check(&typed.source.file, None, &mut mistakes);
    if mistakes.is_empty() {
        context.make_state()?;
    }
    let source = SourcePlan::gather(&source_asked(&typed.source), &context.state, &mut mistakes);
    let (source, (mut connection, connection_region)) = mistakes.end(source.zip(connection))?;
    let wait = plan::wait_of(asked.wait.as_deref())?;
    let ended = context.block_on(|clock, stop| async move {
        let sandbox = if asked.sandbox { Some(with_sandbox(context, &mut connection).await?) } else { None };
        let address = if asked.sandbox { "sandbox".to_owned() } else { plan::address_of(&connection) };
        let plan = ImportPlan {
            source,
            address,
            on_existing: asked.on_existing,
            only_existing: asked.only_existing,
            work,
            wait,
            state: context.state.clone(),
            arguments: context.words.clone(),
            folder: context.folder.clone(),
            connection_region,
            connection,
        };
        let ended = import(&plan, &context.console, clock, &stop).await;
        if let Some(sandbox) = sandbox {
            sandbox.stop().await;
        }
        ended
    })?;
    Ok(context.tell(&ended))
}

/// The connection, and the country of its phones.
fn connection(asked: &TargetAsked, context: &Context) -> Result<(Connection, Option<Region>), Failure> {
    let connection = plan::connection(&context.configuration()?, asked)?;
    let region = connection.settings.get("phone_region").map(plan::region_named).transpose()?;
    Ok((connection, region))
}

fn target_asked(typed: &args::Import) -> TargetAsked {
    TargetAsked {
        to: typed.to.clone(),
        sandbox: typed.sandbox,
        on_existing: match typed.on_existing {
            args::OnExisting::Update => OnExisting::Update,
            args::OnExisting::Fill => OnExisting::Fill,
            args::OnExisting::Skip => OnExisting::Skip,
        },
        only_existing: typed.only_existing,
        rate: typed.rate.clone(),
        concurrency: typed.concurrency,
        wait: typed.wait.clone(),
    }
}

pub(super) fn source_asked(typed: &args::Source) -> SourceAsked {
    SourceAsked {
        file: typed.file.clone(),
        map: typed.map.clone(),
        format: typed.format.map(format_of),
        encoding: typed.encoding.clone(),
        delimiter: typed.delimiter.and_then(|delimiter| u8::try_from(delimiter).ok()),
        region: typed.region.clone(),
        raw_cells: typed.raw_cells,
    }
}

pub(super) fn format_of(format: FileFormat) -> Format {
    match format {
        FileFormat::Csv => Format::Csv,
        FileFormat::Tsv => Format::Tsv,
        FileFormat::Json => Format::Json,
        FileFormat::Jsonl => Format::Jsonl,
    }
}

pub(super) fn work_asked(typed: &args::Work) -> WorkAsked {
    WorkAsked { fresh: typed.fresh, limit: typed.limit, rejects: typed.rejects.clone(), results: typed.results.clone() }
}

//! `ferry export`.

use super::args::{self, Listed};
use super::context::{Context, with_sandbox};
use super::import::{dated, pace_of};
use crate::mapping::Mapping;
use crate::outcome::{Exit, Failure};
use crate::plan::work::{Export, Work};
use crate::plan::{self, Connection, Mistakes, TargetAsked, WorkAsked};
use crate::platforms::{LISTS, List};
use crate::run::active::close::Ended;
use crate::run::export::{ExportPlan, What, check, check_mapping, export};
use crate::run::retain::{self, Moment};
use jiff::Timestamp;
use std::path::{Path, PathBuf};

pub(super) fn run(typed: &args::Export, context: &Context) -> Result<Exit, Failure> {
    let export = Export {
        from: typed.from.clone(),
        sandbox: typed.sandbox,
        what: what(typed.what).name().to_owned(),
        map: typed.map.clone(),
        region: typed.phones.region.clone(),
        out: typed.out.clone().unwrap_or_else(|| PathBuf::from("-")),
        format: typed.format,
        raw_cells: typed.raw_cells,
        since: typed.since.clone(),
        changes: typed.changes.clone(),
        retain: typed.retain.clone(),
        at_least: typed.at_least,
        limits: work_asked(typed),
        pace: pace_of(&typed.pace),
    };
    perform(&export, context)
}

/// Exports an account.
pub(super) fn perform(typed: &Export, context: &Context) -> Result<Exit, Failure> {
    Ok(context.print_end(&exported(typed, context, Destination::Users)?))
}

/// Whose the files are that an export writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// The user's: none of Ferry's own is replaced.
    Users,
    /// Ferry's own, in the state folder.
    Own,
}

/// Exports an account, and shows no summary yet.
pub(super) fn exported(typed: &Export, context: &Context, destination: Destination) -> Result<Ended, Failure> {
    let mut mistakes = Mistakes::default();
    let (work, what) = (typed.limits.clone(), what_named(&typed.what));
    let out = typed.out.clone();
    let connection = connection(typed, what, context, &mut mistakes);
    let mapping = typed.map.as_deref().and_then(|map| mapping(map, what, &mut mistakes));
    let mapping = match destination {
        Destination::Users => mapping,
        Destination::Own => mapping.map(Mapping::without_write_hints),
    };
    let region = typed.region.as_deref().map(|region| mistakes.take(plan::region_choice(region)));
    let since = typed.since.as_deref().map(|since| mistakes.take(since_of(since)));
    let age = typed.retain.as_deref().map(|age| mistakes.take(plan::duration_of("--retain", age)));
    age.is_some().then(|| mistakes.take(retain::check(&out)));
    if destination == Destination::Users {
        check_files(typed, typed.format.is_none(), context, &mut mistakes);
    }
    let format = typed.format;
    let (mut connection, config_folder) = mistakes.end(connection)?;
    let connection_region = connection.settings.get("phone_region").map(plan::region_named).transpose()?;
    let wait = plan::wait_of(typed.pace.wait.as_deref())?;
    context.make_state(false)?;
    if typed.sandbox && typed.retain.is_some() {
        context.console.note("with `--sandbox` no older files are removed");
    }
    context.block_on(|clock, stop| async move {
        let sandbox = if typed.sandbox { Some(with_sandbox(context, &mut connection).await?) } else { None };
        let address = if typed.sandbox { "sandbox".to_owned() } else { plan::address_of(&connection) };
        let plan = ExportPlan {
            address,
            config_folder,
            what,
            mapping,
            mapping_name: typed.map.as_ref().map(|map| map.display().to_string()),
            region: region.flatten(),
            connection_region,
            out,
            format,
            raw_cells: typed.raw_cells,
            since: since.flatten(),
            changes: typed.changes.clone(),
            retain: age.flatten().filter(|_| !typed.sandbox),
            at_least: typed.at_least,
            work,
            wait,
            state: context.state.clone(),
            typed: context.typed(None, context.plan(Work::Export(Box::new(typed.clone())))),
            is_job: context.job.is_some(),
            is_own: destination == Destination::Own,
            resumes: context.resumes.clone(),
            connection,
        };
        let ended = export(&plan, &context.console, clock, &stop).await;
        if let Some(sandbox) = sandbox {
            sandbox.stop().await;
        }
        ended
    })
}

/// The connection, and the folder to which its paths are relative.
fn connection(typed: &Export, what: What, context: &Context, mistakes: &mut Mistakes) -> Option<(Connection, PathBuf)> {
    let asked = TargetAsked {
        to: typed.from.clone(),
        sandbox: typed.sandbox,
        rate: typed.pace.rate.clone(),
        concurrency: typed.pace.concurrency,
        wait: typed.pace.wait.clone(),
        ..TargetAsked::default()
    };
    let config = mistakes.take(context.configuration())?;
    let connection = mistakes.take(plan::connection(&config, &asked))?;
    mistakes.take(check(connection.facts(), what, typed.since.is_some()))?;
    Some((connection, config.folder))
}

/// The mapping, with everything that is wrong with it.
fn mapping(map: &Path, what: What, mistakes: &mut Mistakes) -> Option<Mapping> {
    let (mapping, _) = mistakes.take(plan::load_mapping(map))?;
    mistakes.take(check_mapping(&mapping, what))?;
    Some(mapping)
}

/// Whether the files can be written, as they will be called.
fn check_files(typed: &Export, out_must_say: bool, context: &Context, mistakes: &mut Mistakes) {
    let (out, work) = (typed.out.as_path(), &typed.limits);
    for (option, name) in [("--out", Some(out)), ("--changes", typed.changes.as_deref())] {
        name.and_then(|name| mistakes.take(retain::check_name(option, name)));
    }
    let now = Moment::now();
    let changes = typed.changes.as_deref().map(|path| now.fill(path));
    let files = [
        ("--out", Some(now.fill(out)), out_must_say),
        ("--changes", changes, true),
        ("--rejects", dated(work.rejects.as_deref()), false),
        ("--results", dated(work.results.as_deref()), true),
    ];
    plan::check_files(&context.around(&[("mapping", typed.map.as_deref())]), files, mistakes);
}

fn work_asked(typed: &args::Export) -> WorkAsked {
    WorkAsked {
        fresh: true,
        limit: typed.limit,
        rejects: dated(typed.rejects.as_deref()),
        results: dated(typed.results.as_deref()),
        ..WorkAsked::default()
    }
}

fn what(listed: Listed) -> What {
    match listed {
        Listed::Contacts => What::Contacts,
        Listed::Agents => What::List(List::Agents),
        Listed::Conversations => What::List(List::Conversations),
        Listed::Templates => What::List(List::Templates),
    }
}

/// The list of this name.
fn what_named(name: &str) -> What {
    let list = LISTS.iter().find(|(_, known)| *known == name);
    list.map_or(What::Contacts, |(list, _)| What::List(*list))
}

/// The moment that `--since` names: a day begins at midnight here.
pub(super) fn since_of(text: &str) -> Result<Timestamp, Failure> {
    let moment = text.parse().ok();
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::system()).ok();
    moment.or_else(|| Some(day()?.timestamp())).ok_or_else(|| {
        Failure::usage(format!("`--since`: `{text}` is neither a date nor a time"))
            .hint("write it as `2026-11-01`, or as `2026-11-01T08:00:00Z`")
    })
}

//! `ferry attributes`.

use super::args::{self, AttributesChange};
use super::context::{Context, stopped, until_stopped, with_sandbox};
use crate::clock::Clock;
use crate::files::PrivateFolder;
use crate::outcome::{Exit, Failure};
use crate::plan::{self, Connection, TargetAsked};
use crate::platforms::Definition;
use crate::report::State;
use crate::report::words::{count, number};
use crate::run::attributes::{Attributes, Changed, InUse, names_in_use};
use crate::run::source::account::{FetchAll, FetchState, What};
use crate::run::stop::Stop;
use crate::run::target::{Beforehand, Target};
use crate::scratch::spool::Completeness;
use crate::shown::escape;
use crate::store::Checkpoint;
use serde_json::json;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

pub(super) fn run(typed: &args::Attributes, context: &Context) -> Result<Exit, Failure> {
    let config = context.configuration()?;
    let asked = TargetAsked { to: typed.connection.clone(), sandbox: typed.sandbox, ..TargetAsked::default() };
    let mut connection = plan::connection(&config, &asked)?;
    let platform = connection.facts();
    if !platform.attributes {
        let message = format!("{} has no custom attributes", platform.title);
        return Err(Failure::usage(message).hint(format!("`ferry platforms {}` says what it holds", platform.name)));
    }
    if typed.change.is_some() && !platform.defines_attributes {
        return Err(defines_none(&connection));
    }
    if let Some(AttributesChange::Remove { name, yes: false }) = &typed.change {
        confirm(name, &connection.name)?;
    }
    context.make_state(false)?;
    let text = context.block_on(|clock, stop| async move {
        let sandbox = if typed.sandbox { Some(with_sandbox(context, &mut connection).await?) } else { None };
        let address = if typed.sandbox { "sandbox".to_owned() } else { plan::address_of(&connection) };
        // The store remembers a request in doubt, and the next command settles it.
        let work = Work { context, config_folder: &config.folder, connection: &connection, clock, stop: &stop };
        let text = until_stopped(&stop, work.run(typed.change.as_ref(), &address)).await;
        if let Some(sandbox) = sandbox {
            sandbox.stop().await;
        }
        text
    })?;
    context.console.result_line(&text);
    Ok(Exit::Done)
}

/// Asks on a terminal; a script has said what it means.
fn confirm(name: &str, connection: &str) -> Result<(), Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(());
    }
    let message = format!("removing `{name}` from `{connection}` loses the values that contacts have");
    let mut err = io::stderr().lock();
    let _ = write!(err, "{}; remove it? [y/N] ", escape(&message));
    let _ = err.flush();
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" if read.is_ok() => Ok(()),
        _ => Err(Failure::usage("nothing was removed")),
    }
}

fn defines_none(connection: &Connection) -> Failure {
    let message = format!("{} defines no attributes: there is nothing to change", connection.facts().title);
    Failure::usage(message).hint("they come with the contacts that have them, or are made on the platform's own page")
}

/// What the command works with.
struct Work<'a> {
    context: &'a Context,
    config_folder: &'a Path,
    connection: &'a Connection,
    clock: Clock,
    stop: &'a Stop,
}

impl Work<'_> {
    async fn run(&self, change: Option<&AttributesChange>, address: &str) -> Result<String, Failure> {
        match change {
            Some(change) => self.change(change, address).await,
            None => self.list().await,
        }
    }

    async fn change(&self, change: &AttributesChange, address: &str) -> Result<String, Failure> {
        let Work { context, connection, clock, .. } = *self;
        let account = crate::run::account_at(&context.state, connection, address)?;
        let checkpoint = Checkpoint::open(&account)?;
        let target =
            Target::open(connection, clock, Duration::ZERO, Beforehand::of(Some(&checkpoint), &account)?).await?;
        let (http, settle) = (&*target.http, target.settle);
        let defines = target.connector.capabilities().attributes;
        let account = defines.ok_or_else(|| defines_none(connection))?;
        let attributes = Attributes { account, http, checkpoint: &checkpoint, clock, settle };
        let (changed, verb) = match change {
            AttributesChange::Add { name } => (attributes.add(name).await?, "added"),
            AttributesChange::Rename { old, new } => (attributes.rename(old, new).await?, "renamed"),
            AttributesChange::Remove { name, .. } => (attributes.remove(name).await?, "removed"),
        };
        checkpoint.close()?;
        Ok(describe_change(change, &changed, verb, connection, context))
    }

    async fn list(&self) -> Result<String, Failure> {
        let Work { context, connection, clock, .. } = *self;
        let target = Target::open(connection, clock, Duration::ZERO, Beforehand::default()).await?;
        if let Some(account) = target.connector.capabilities().attributes {
            let defined = account.attributes(&target.http).await.map_err(crate::run::target::stops)?;
            return Ok(defined_table(&defined, connection, context));
        }
        let InUse { names, completeness } = self.in_use(&target).await?;
        if completeness == Completeness::Unproven {
            context.console.note(&format!("nothing proves that these are all contacts of `{}`", connection.name));
        }
        if context.is_json() {
            let names: Vec<_> = names.iter().map(|(name, count)| json!({ "name": name, "contacts": count })).collect();
            return Ok(listed(connection, names, Some(completeness)));
        }
        if names.is_empty() {
            return Ok(format!("no contact of `{}` has a custom attribute", connection.name));
        }
        let mut names: Vec<(String, u64)> = names.into_iter().collect();
        names.sort_by(|(one, n), (other, m)| m.cmp(n).then_with(|| one.cmp(other)));
        let rows = names.iter().map(|(name, count)| (escape(name).into_owned(), number(*count)));
        Ok(table(["NAME", "CONTACTS"], rows.collect()))
    }

    /// What the contacts have, counted over all of them.
    async fn in_use(&self, target: &Target) -> Result<InUse, Failure> {
        let Work { context, config_folder, connection, clock, stop } = *self;
        let fault =
            |error: io::Error| Failure::failed(format!("`{}` cannot be written", context.state.display())).cause(error);
        let folder = PrivateFolder::create(&context.state, "attributes-").map_err(fault)?;
        let what = format!("reading the contacts of {}", connection.name);
        let progress = context.console.progress(&what, target.checked.contacts);
        let show =
            |state: &FetchState| progress.set(State { done: state.held, total: state.total, ..State::default() });
        let counted = names_in_use(FetchAll {
            source: target,
            connection,
            config_folder,
            what: What::Contacts,
            folder: folder.path(),
            limit: None,
            clock,
            stop,
            progress: &show,
            given: None,
        })
        .await;
        progress.finish();
        counted?.ok_or_else(stopped)
    }
}

fn describe_change(
    change: &AttributesChange,
    changed: &Changed,
    verb: &str,
    connection: &Connection,
    context: &Context,
) -> String {
    let (one, is_done) = match changed {
        Changed::Done(one) => (one, true),
        Changed::AsItWas(one) => (one, false),
    };
    if context.is_json() {
        let did = if is_done { verb } else { "unchanged" };
        return json!({ "connection": connection.name, "did": did, "id": one.id, "name": one.name }).to_string();
    }
    let (name, id) = (escape(&one.name), escape(&one.id));
    match change {
        _ if !is_done => format!("`{}` has `{name}` already (id {id})", connection.name),
        AttributesChange::Rename { old, .. } => format!("renamed: `{}` is now `{name}` (id {id})", escape(old)),
        _ => format!("{verb}: `{name}` (id {id})"),
    }
}

fn listed(connection: &Connection, attributes: Vec<serde_json::Value>, completeness: Option<Completeness>) -> String {
    let mut object = json!({
        "connection": connection.name, "platform": connection.facts().name,
        "defined": connection.facts().defines_attributes, "attributes": attributes,
    });
    if let (Some(completeness), Some(object)) = (completeness, object.as_object_mut()) {
        object.insert("completeness".to_owned(), json!(completeness));
    }
    object.to_string()
}

fn defined_table(defined: &[Definition], connection: &Connection, context: &Context) -> String {
    if context.is_json() {
        let all = defined.iter().map(|one| json!({ "id": one.id, "name": one.name }));
        return listed(connection, all.collect(), None);
    }
    if defined.is_empty() {
        return format!("`{}` defines no attributes yet: `ferry attributes {0} add NAME`", connection.name);
    }
    let rows = defined.iter().map(|one| (escape(&one.name).into_owned(), escape(&one.id).into_owned()));
    let head = count(defined.len() as u64, "attribute", "attributes");
    context.console.detail(1, &format!("{head} of `{}`", connection.name));
    table(["NAME", "ID"], rows.collect())
}

fn table(head: [&str; 2], rows: Vec<(String, String)>) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).chain([head[0].len()]).max().unwrap_or_default();
    let lines = rows.iter().map(|(name, other)| format!("{name:<width$}  {other}"));
    std::iter::once(format!("{:<width$}  {}", head[0], head[1])).chain(lines).collect::<Vec<_>>().join("\n")
}

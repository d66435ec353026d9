//! `ferry check`.

use super::args;
use super::context::{Context, until_stopped, with_sandbox};
use crate::clock::Clock;
use crate::http::Http;
use crate::outcome::{Exit, Failure};
use crate::plan::{self, Connection, TargetAsked};
use crate::platforms::{Connector, Fault, Found};
use crate::reconcile::find::prove;
use crate::report::words::count;
use crate::run::bind::singular;
use crate::run::target::{Beforehand, Target, stops};
use serde_json::json;
use std::time::Duration;

/// Bare ids that are read to find a contact for the tests: the first may be of deleted contacts.
const IDS_TRIED: usize = 4;

pub(super) fn run(typed: &args::Check, context: &Context) -> Result<Exit, Failure> {
    context.console.result_line(&line_of(&typed.connection, typed.sandbox, context)?);
    Ok(Exit::Done)
}

/// Tests the connection of this name; the line that says what the account holds.
///
/// # Errors
/// Why it does not work.
pub(super) fn line_of(name: &str, is_sandbox: bool, context: &Context) -> Result<String, Failure> {
    let config = context.configuration()?;
    let asked = TargetAsked { to: name.to_owned(), sandbox: is_sandbox, ..TargetAsked::default() };
    let connection = plan::connection(&config, &asked)?;
    if is_sandbox {
        context.make_state(true)?;
    }
    check_connection(context, connection, is_sandbox)
}

/// Tests a connection; the line that says what the account holds.
///
/// # Errors
/// Why it does not work.
pub(super) fn check_connection(
    context: &Context,
    mut connection: Connection,
    is_sandbox: bool,
) -> Result<String, Failure> {
    context.block_on(|clock, stop| async move {
        let sandbox = if is_sandbox { Some(with_sandbox(context, &mut connection).await?) } else { None };
        let line = until_stopped(&stop, line(context, &connection, clock)).await;
        if let Some(sandbox) = sandbox {
            sandbox.stop().await;
        }
        line.map_err(of_check)
    })
}

/// A check leaves nothing to resume, so the hint of an unavailable platform does not mention it.
fn of_check(failure: Failure) -> Failure {
    match failure.exit {
        Exit::Unavailable => failure.hint("check `base_url` and the network, then try again"),
        _ => failure,
    }
}

/// The line for a connection that works.
async fn line(context: &Context, connection: &Connection, clock: Clock) -> Result<String, Failure> {
    let target = Target::open(connection, clock, Duration::ZERO, Beforehand::default()).await?;
    let known = known(&target).await?;
    let (title, mut keys) = (&connection.facts().title, Vec::new());
    for &field in connection.facts().finds_by.iter() {
        let proof = prove(&*target.connector, &target.http, &known, field).await.map_err(stops)?;
        keys.push((singular(field), proof));
    }
    if context.is_json() {
        let finds: serde_json::Map<String, serde_json::Value> =
            keys.iter().map(|(key, proof)| ((*key).to_owned(), json!(proof))).collect();
        let line = json!({
            "connection": connection.name, "platform": connection.facts().name, "ok": true,
            "contacts": target.checked.contacts, "finds_by": finds,
        });
        return Ok(line.to_string());
    }
    let keys: Vec<String> = keys.iter().map(|(key, proof)| format!("{key} ({})", words_of(*proof))).collect();
    let contacts = match target.checked.contacts {
        Some(contacts) => count(contacts, "contact", "contacts"),
        None if known.is_empty() => "its list shows no contact".to_owned(),
        None => "contacts (it does not say how many)".to_owned(),
    };
    Ok(format!("`{}` works: {title}, {contacts}; finds by {}", connection.name, keys.join(", ")))
}

/// Contacts that are known to exist. Ids in a list are read too, because the check itself need not have read a contact.
async fn known(target: &Target) -> Result<Vec<Found>, Failure> {
    let Target { connector, http, checked, .. } = target;
    if !checked.sample.is_empty() || checked.contacts.is_some() {
        return Ok(checked.sample.clone());
    }
    match first_listed(&**connector, http).await {
        // An account without the right to list may still write to contacts by their ids.
        Err(Fault::Refused(_) | Fault::InDoubt(_)) => Ok(Vec::new()),
        Err(Fault::Fatal(failure)) if failure.exit == Exit::Refused => Ok(Vec::new()),
        listed => listed.map_err(stops),
    }
}

/// The contacts on the first page; of bare ids the first that has a contact.
async fn first_listed(connector: &dyn Connector, http: &Http) -> Result<Vec<Found>, Fault> {
    let page = connector.page(http, None).await?;
    let mut found = page.found;
    for id in page.unread.iter().take(IDS_TRIED) {
        if !found.is_empty() {
            break;
        }
        found.extend(connector.read(http, id, None).await?.there());
    }
    Ok(found)
}

fn words_of(proof: Option<bool>) -> &'static str {
    match proof {
        Some(true) => "proven",
        Some(false) => "does not work here: the whole list is read instead",
        None => "no contact there to verify it with",
    }
}

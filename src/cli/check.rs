//! `ferry check`.

use super::args;
use super::{Context, with_sandbox};
use crate::outcome::{Exit, Failure};
use crate::plan::{self, TargetAsked};
use crate::reconcile::find::prove;
use crate::run::import::singular;
use crate::run::target::{Target, stops};
use serde_json::json;
use std::time::Duration;

pub(super) fn run(typed: &args::Check, context: &Context) -> Result<Exit, Failure> {
    let config = context.configuration()?;
    let asked = TargetAsked { to: typed.connection.clone(), sandbox: typed.sandbox, ..TargetAsked::default() };
    let mut connection = plan::connection(&config, &asked)?;
    if typed.sandbox {
        context.make_state()?;
    }
    let line = context.block_on(|clock, _| async move {
        let sandbox = if typed.sandbox { Some(with_sandbox(context, &mut connection).await?) } else { None };
        let target = Target::open(&connection, clock, Duration::ZERO, None).await?;
        let mut keys = Vec::new();
        for &field in connection.platform.finds_by {
            let proof = prove(&*target.connector, &target.http, &target.checked.sample, field).await.map_err(stops)?;
            keys.push((singular(field), proof));
        }
        if let Some(sandbox) = sandbox {
            sandbox.stop().await;
        }
        Ok(if context.is_json() {
            let finds: serde_json::Map<String, serde_json::Value> =
                keys.iter().map(|(key, proof)| ((*key).to_owned(), json!(proof))).collect();
            json!({
                "connection": connection.name, "platform": connection.platform.name, "ok": true,
                "contacts": target.checked.contacts, "finds_by": finds,
            })
            .to_string()
        } else {
            let keys: Vec<String> = keys.iter().map(|(key, proof)| format!("{key} ({})", words_of(*proof))).collect();
            let contacts = match target.checked.contacts {
                Some(count) => format!("{count} contacts"),
                // Where contacts are known by their ids alone, the check looks at nobody.
                None if target.checked.sample.is_empty() && connection.platform.ids_setting.is_none() => {
                    "no contacts".to_owned()
                }
                None => "contacts (it does not say how many)".to_owned(),
            };
            let title = connection.platform.title;
            format!("`{}` works: {title}, {contacts}; finds by {}", connection.name, keys.join(", "))
        })
    })?;
    context.console.result_line(&line);
    Ok(Exit::Done)
}

fn words_of(proof: Option<bool>) -> &'static str {
    match proof {
        Some(true) => "proven",
        Some(false) => "does not work here: the whole list is read instead",
        None => "nobody there to prove it on",
    }
}

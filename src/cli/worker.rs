//! `ferry worker`.

use super::args::{self, WorkerOrder};
use super::context::Context;
use super::run::{command_words, known_job, names_of_jobs};
use crate::outcome::Exit;
use crate::outcome::Failure;
use crate::plan::jobs::Wanted;
use crate::plan::{Config, duration_of};
use crate::report::words::count;
use crate::store::postgres::Database;
use crate::worker::{Definitions, Service, Table, serve};
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

/// How long a job is a worker's without being renewed. An orderly stop of its process takes half of it.
const LEASE: Duration = Duration::from_secs(60);
/// The variable that sets another time, for tests.
const LEASE_VARIABLE: &str = "FERRY_JOB_LEASE";
/// Where figures are shown, if nothing else uses the port: that of the exporters of Prometheus.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9464);

pub(super) fn run(typed: &args::Worker, context: &Context) -> Result<Exit, Failure> {
    let database = database(context)?;
    match &typed.order {
        None => work(typed, database, context),
        Some(WorkerOrder::Submit { jobs }) => submit(jobs, database, context),
        Some(WorkerOrder::Drain) => drain(database, context),
    }
}

/// The shared store.
fn database(context: &Context) -> Result<Database, Failure> {
    let Some(address) = context.state.shared_store() else {
        return Err(Failure::usage("a worker needs a store that workers share")
            .hint("set `FERRY_STATE=postgres://USER@HOST/DATABASE`; `ferry run` runs jobs without one"));
    };
    address.database()
}

/// Where jobs are defined.
pub(super) fn definitions(context: &Context) -> Definitions {
    Definitions {
        config: context.config.clone(),
        platforms: context.platforms.clone(),
        env: context.env.clone(),
        commands: command_words(),
    }
}

fn work(typed: &args::Worker, database: Database, context: &Context) -> Result<Exit, Failure> {
    let lease = context.env.get(LEASE_VARIABLE).map(|text| duration_of(LEASE_VARIABLE, text)).transpose()?;
    let full = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let service = Service {
        definitions: definitions(context),
        slots: usize::from(typed.concurrency),
        lease: lease.unwrap_or(LEASE),
        listen: Some(typed.listen.map_or((LISTEN, false), |address| (address, true))),
        config: context.config.as_deref().map(full),
        state: context.typed_state.clone(),
    };
    on_runtime(async move { serve(service, database, &context.console, stopped()?).await })?;
    Ok(Exit::Done)
}

/// Ends at the first signal. The second one ends the process.
fn stopped() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    let fault = |error: std::io::Error| Failure::failed("signals cannot be listened to").cause(error);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt()).map_err(fault)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(fault)?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            tokio::spawn(async move {
                let exit = tokio::select! {
                    _ = interrupt.recv() => Exit::Interrupted,
                    _ = terminate.recv() => Exit::Terminated,
                };
                std::process::exit(i32::from(exit.code()));
            });
        })
    }
    #[cfg(not(unix))]
    {
        let _ = fault;
        Ok(async {
            // Without signals it goes on.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

fn submit(names: &[String], database: Database, context: &Context) -> Result<Exit, Failure> {
    let config = Config::load(&context.platforms, context.config.as_deref(), &context.env)?;
    let known = names_of_jobs(&config)?;
    names.iter().try_for_each(|name| known_job(name, &known))?;
    let (defined, _) = definitions(context).load(Wanted::Named(names))?;
    if let Some((name, wrong)) = defined.iter().find_map(|job| Some((&job.name, job.wrong.as_ref()?))) {
        let (error, hint) = wrong.split_once("\nhint: ").unwrap_or((wrong, ""));
        let failure = Failure::usage(format!("job `{name}`: {}", error.trim_start_matches("error: ")));
        return Err(if hint.is_empty() { failure } else { failure.hint(hint) });
    }
    let names = names.to_vec();
    let submitted = on_runtime(async move {
        let table = Table::open(database).await?;
        table.define(defined, false).await?;
        table.submit(names).await
    })?;
    for name in &submitted.running {
        context.console.note(&format!("`{name}` runs now; it runs again when it has ended"));
    }
    Ok(Exit::Done)
}

fn drain(database: Database, context: &Context) -> Result<Exit, Failure> {
    let workers = on_runtime(async move { Table::open(database).await?.drain().await })?;
    let workers = count(workers, "worker finishes what it does and ends", "workers finish what they do and end");
    context.console.result_line(&workers);
    Ok(Exit::Done)
}

/// Runs a future to its end.
pub(super) fn on_runtime<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| Failure::failed("the runtime cannot be started").cause(error))?.block_on(work)
}

//! The worker itself: it takes up what the queue hands out, renews what it has, looks at schedules and definitions, and
//! drains. What a job needs beyond its name is in its own process.

use super::definition::{Definitions, Stamp};
use super::handout;
use super::http;
use super::leash::Moment;
use super::process::Launcher;
use super::shared::{Beginning, Shared};
use super::table::Table;
use crate::outcome::Failure;
use crate::plan::jobs::Wanted;
use crate::report::Console;
use crate::report::words::count;
use crate::store::postgres::Database;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// How often the schedules are looked at: a job starts within this time.
const SCHEDULES: Duration = Duration::from_secs(1);

/// How a worker works.
#[derive(Clone, Debug)]
pub struct Service {
    /// Where jobs are defined.
    pub definitions: Definitions,
    /// Jobs at once.
    pub slots: usize,
    /// How long a job is a worker's without being renewed.
    pub lease: Duration,
    /// Where `/healthz` and `/metrics` are; whether another place would do.
    pub listen: Option<(SocketAddr, bool)>,
    /// The configuration that was named.
    pub config: Option<PathBuf>,
    /// The store, if it was typed.
    pub state: Option<PathBuf>,
}

/// Works until `stop` ends or the worker is told to drain.
///
/// # Errors
/// When it cannot begin: the configuration, the database, the address to listen at.
pub async fn serve(
    service: Service,
    database: Database,
    console: &Console,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Failure> {
    let table = Table::open(database).await?;
    let (defined, stamp) = service.definitions.load(Wanted::All)?;
    let known = defined.clone();
    table.define(defined, true).await?;
    let listener = listener(&service, console).await?;
    let worker = table.register(host(), service.slots).await?;
    let program =
        std::env::current_exe().map_err(|error| Failure::failed("the program cannot be found").cause(error))?;
    let places = tempfile::Builder::new().prefix("ferry-worker-").tempdir();
    let places = places.map_err(|error| Failure::failed("no temporary folder can be created").cause(error))?;
    let (config, state) = (service.config.clone(), service.state.clone());
    let launcher = Launcher { program, config, state, places: Arc::new(places) };
    let beginning = Beginning { table, worker, slots: service.slots, lease: service.lease, launcher };
    let shared = Arc::new(Shared::new(beginning, console));
    shared.know(&known);
    let (jobs, slots) = (count(known.len() as u64, "is", "are"), service.slots);
    console.note(&format!("worker {} takes jobs, {slots} at a time; {jobs} defined", shared.short()));
    let asked = Arc::clone(&shared);
    tokio::spawn(async move {
        stop.await;
        asked.drain();
    });
    listener.map(|listener| tokio::spawn(http::answer(listener, Arc::clone(&shared))));
    let beating = tokio::spawn(beat(Arc::clone(&shared)));
    let looking = tokio::spawn(look(Arc::clone(&shared), service.definitions, stamp));
    handout::hand_out(Arc::clone(&shared)).await;
    shared.wait_for_jobs().await;
    looking.abort();
    beating.abort();
    shared.table.leave(shared.worker.clone()).await?;
    console.note(&format!("worker {} has ended", shared.short()));
    Ok(())
}

/// Listens where the worker was told to; where that place is taken and any other would do, it says so and does without.
async fn listener(service: &Service, console: &Console) -> Result<Option<TcpListener>, Failure> {
    let Some((address, is_typed)) = service.listen else { return Ok(None) };
    match http::listen(address).await {
        Ok(listener) => {
            let at = listener.local_addr().unwrap_or(address);
            console.note(&format!("figures are at http://{at}/metrics, health at http://{at}/healthz"));
            Ok(Some(listener))
        }
        Err(failure) if is_typed => Err(failure),
        Err(failure) => {
            let why = failure.causes.first().map(|cause| format!(" ({cause})")).unwrap_or_default();
            console
                .note(&format!("{}{why}, so it shows no figures; `--listen` names another address", failure.message));
            Ok(None)
        }
    }
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = if name.trim().is_empty() { std::env::var("HOSTNAME").unwrap_or_default() } else { name };
    name.trim().to_owned()
}

/// Renews leases, several times while one lasts.
async fn beat(shared: Arc<Shared>) {
    loop {
        if let Err(failure) = shared.renew().await {
            shared.console.note(&format!("the leases could not be renewed: {failure}"));
        }
        tokio::time::sleep(shared.lease() / 6).await;
    }
}

/// Looks at schedules each second; once while a lease lasts at definitions, and at what is missing in the queue.
async fn look(shared: Arc<Shared>, definitions: Definitions, mut stamp: Stamp) {
    let mut looked = Moment::now();
    loop {
        tokio::time::sleep(SCHEDULES).await;
        let mut done = shared.table.schedule().await;
        if looked.elapsed() >= shared.lease() && done.is_ok() {
            looked = Moment::now();
            done = shared.look_closely(&definitions, &mut stamp).await;
        }
        if let Err(failure) = done {
            shared.console.note(&format!("the schedules could not be looked at: {failure}"));
            tokio::time::sleep(shared.lease() / 6).await;
        }
    }
}

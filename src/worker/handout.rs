//! The queue, by its library, graphile_worker (with `queue.rs` the only file that knows it). It hands out the names of jobs, each to one worker, at
//! the time it was asked to; what a name means, and whether the job is still to be done, is decided by the row of the job.
//!
//! Of the library are used: putting a name in (once, by a key), handing it out with SKIP LOCKED, and handing it out again
//! after its worker is gone. Not used, with reasons in `docs/scale.md`: its retries, its schedules, its named queues.

use super::queue::{SCHEMA, TASK, pool};
use super::shared::Shared;
use graphile_worker::recovery::WorkerRecoveryConfig;
use graphile_worker::{
    IntoTaskHandlerResult, Schema, TaskHandler, Worker, WorkerContext, WorkerOptions, WorkerShutdownConfig,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How often it looks for names.
const POLL: Duration = Duration::from_secs(1);
/// Of the lease of a job, when a worker that is silent counts as gone.
const GONE_AFTER: u32 = 1;
/// How long the last jobs may take to end when the worker drains: an orderly stop takes 30 s.
const GRACE: Duration = Duration::from_secs(45);

/// A name in the queue.
#[derive(Debug, Deserialize, Serialize)]
struct Name {
    name: String,
}

/// What the handler works with.
#[derive(Clone)]
struct Hands(Arc<Shared>);

impl fmt::Debug for Hands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hands")
    }
}

impl TaskHandler for Name {
    const IDENTIFIER: &'static str = TASK;

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let hands = context.get_ext::<Hands>().cloned().ok_or("the worker has no hands: this is a bug in Ferry")?;
        // It never fails for the library: what follows is written to the row of the job.
        hands.0.take_up(self.name).await;
        Ok::<(), &str>(())
    }
}

/// Hands out names until the worker drains, whatever the database does meanwhile.
pub(super) async fn hand_out(shared: Arc<Shared>) {
    while !shared.is_draining() {
        let done = match worker(&shared).await {
            Ok(worker) => worker.run().await.map_err(|error| error.to_string()),
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            tracing::debug!("the queue is asked again: {error}");
            tokio::time::sleep(POLL).await;
        }
    }
}

async fn worker(shared: &Arc<Shared>) -> Result<Worker, String> {
    let lease = shared.lease();
    let recovery = WorkerRecoveryConfig {
        enabled: true,
        heartbeat_interval: lease / 6,
        sweep_interval: lease / 3,
        sweep_threshold: lease * GONE_AFTER,
        recovery_delay: Duration::ZERO,
        ..WorkerRecoveryConfig::default()
    };
    let stop = WorkerShutdownConfig::default().listen_os_shutdown_signals(false).grace_period(GRACE);
    let options = WorkerOptions::default()
        .schema(Schema::new(SCHEMA))
        .database(pool(shared.database()))
        .concurrency(shared.slots())
        .poll_interval(POLL)
        .worker_recovery(recovery)
        .worker_shutdown(stop.shutdown_signal(Arc::clone(shared).drained()))
        .add_extension(Hands(Arc::clone(shared)))
        .define_job::<Name>();
    options.init().await.map_err(|error| error.to_string())
}

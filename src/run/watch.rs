//! What is shown and kept while contacts are sent: the progress, the speed, the totals so far in `run.json`.

use crate::outcome::Failure;
use crate::report::words::count;
use crate::report::{Console, Progress, State};
use crate::run::active::ActiveRun;
use crate::run::active::metrics::RunMetrics;
use crate::run::parts::{Parts, TICK};
use crate::run::pass::first::First;
use crate::run::pass::second::Counters;
use crate::run::stop::Stop;
use crate::run::target::Target;
use std::sync::atomic::{AtomicU64, Ordering};

/// How often `run.json` is brought up to date: the next process learns from it how long this one lived (see
/// [`crate::run::open`]).
const SAVE_TICKS: u32 = 10;

impl Parts<'_> {
    /// Shows the progress while the work is done.
    pub(super) async fn watch(
        &self,
        work: impl Future<Output = Result<(), Failure>>,
        target: &Target,
        counters: &Counters,
        first: &First,
        run: &mut ActiveRun,
    ) -> Result<(), Failure> {
        let total = self.plan.work.limit.map_or(first.read, |limit| first.read.min(limit));
        let verb = match (&self.stage, &self.plan.from) {
            (Some(_), _) => "comparing with",
            (None, Some(_)) => "moving into",
            (None, None) => "importing into",
        };
        let progress = self.console.progress(&format!("{verb} {}", self.plan.connection.name), Some(total));
        tokio::pin!(work);
        let mut ticks = tokio::time::interval(TICK);
        let mut since_save = 0;
        let (mut told, mut is_stopping) = (self.stop.watch(), false);
        measure(&run.metrics, target, counters);
        let result = loop {
            tokio::select! {
                result = &mut work => break result,
                _ = told.wait_for(|told| *told), if !is_stopping => {
                    is_stopping = true;
                    progress.clear();
                    tell_stopping(self.console, target);
                }
                _ = ticks.tick() => {}
            }
            show_counters(&progress, target, counters);
            measure(&run.metrics, target, counters);
            since_save += 1;
            if since_save >= SAVE_TICKS {
                since_save = 0;
                run.record.totals = counters.totals();
                // Only a help: the truth is the checkpoint.
                let _ = run.save();
            }
        };
        measure(&run.metrics, target, counters);
        progress.finish();
        result
    }
}

fn measure(metrics: &RunMetrics, target: &Target, counters: &Counters) {
    metrics.measure(target.http.traffic().sent, load(&counters.settled), target.http.allowed_per_s());
}

fn show_counters(progress: &Progress, target: &Target, counters: &Counters) {
    progress.set(State {
        done: load(&counters.settled),
        rejected: load(&counters.rejected),
        waiting: target.http.pause().map(|pause| (pause.left, pause.why)),
        earlier: load(&counters.earlier),
        allowed_per_s: target.http.allowed_per_s(),
        ..State::default()
    });
}

/// Says that the run is stopping, which takes as long as the requests in flight.
fn tell_stopping(console: &Console, target: &Target) {
    if Stop::signal().is_some() {
        match target.http.in_flight() {
            0 => console.block("stopping"),
            n => console.block(&format!("stopping: finishing {}", count(n, "request", "requests"))),
        }
    }
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

//! What is shown and kept while a run works: its progress, its speed, and its totals so far in `run.json`.
//!
//! The work itself is not known here.

use super::counters::{Counters, load};
use super::metrics::RunMetrics;
use super::run::ActiveRun;
use crate::http::Http;
use crate::report::words::count;
use crate::report::{Console, Progress, State};
use crate::run::stop::Stop;
use std::time::Duration;

/// How often the progress is shown.
const TICK: Duration = Duration::from_millis(200);

/// How often `run.json` is brought up to date: the next process learns from it how long this one lived (see
/// [`crate::run::open`]).
const SAVE_TICKS: u32 = 10;

/// What is watched.
pub(in crate::run) struct Watched<'a> {
    pub console: &'a Console,
    /// What is being done.
    pub title: &'a str,
    /// How many records there are.
    pub total: Option<u64>,
    pub counters: &'a Counters,
    /// What sends the requests; none of a pass that sends none, which is only shown.
    pub sending: Option<(&'a Http, &'a Stop)>,
}

impl ActiveRun {
    /// Shows how far the work is until it is done. What it sends is measured, and saved with the totals so far.
    pub async fn watch<T>(&mut self, work: impl Future<Output = T>, watched: &Watched<'_>) -> T {
        let progress = watched.console.progress(watched.title, watched.total);
        tokio::pin!(work);
        let mut ticks = tokio::time::interval(TICK);
        let never = Stop::default();
        let (_, stop) = watched.sending.unzip();
        let (mut stopping, mut is_stopping) = (stop.unwrap_or(&never).watch(), false);
        let mut since_save = 0;
        watched.measure(&self.metrics);
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                _ = stopping.wait_for(|stop| *stop), if !is_stopping => {
                    is_stopping = true;
                    progress.clear();
                    watched.show_stopping();
                }
                _ = ticks.tick() => {}
            }
            watched.show(&progress);
            watched.measure(&self.metrics);
            since_save += 1;
            if since_save >= SAVE_TICKS && watched.sending.is_some() {
                since_save = 0;
                self.record.totals = watched.counters.totals();
                // Only a help: the truth is the checkpoint.
                let _ = self.save();
            }
        };
        watched.measure(&self.metrics);
        progress.finish();
        done
    }
}

impl Watched<'_> {
    fn measure(&self, metrics: &RunMetrics) {
        if let Some((http, _)) = self.sending {
            metrics.measure(http.traffic().sent, load(&self.counters.settled), http.allowed_per_s());
        }
    }

    fn show(&self, progress: &Progress) {
        let http = self.sending.map(|(http, _)| http);
        progress.set(State {
            done: load(&self.counters.settled),
            rejected: load(&self.counters.rejected),
            waiting: http.and_then(|http| http.pause()).map(|pause| (pause.left, pause.why)),
            earlier: load(&self.counters.earlier),
            allowed_per_s: http.and_then(Http::allowed_per_s),
            ..State::default()
        });
    }

    /// Says that the run is stopping, which takes as long as the requests in flight.
    fn show_stopping(&self) {
        let Some((http, _)) = self.sending.filter(|_| Stop::signal().is_some()) else { return };
        match http.in_flight() {
            0 => self.console.block("stopping"),
            n => self.console.block(&format!("stopping: finishing {}", count(n, "request", "requests"))),
        }
    }
}

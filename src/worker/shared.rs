//! What the parts of a worker share: the jobs that run here, and how each is taken up, renewed and ended.

use super::definition::{Defined, Definitions, Stamp};
use super::hosts::HostSlots;
use super::leash::{Holder, Leash, Moment};
use super::metrics::{Metrics, Now};
use super::process::{Launcher, Process, Report};
use super::queue;
use super::retry::Ended;
use super::table::{By, End, Start, Table, Taken};
use crate::outcome::{Exit, Failure};
use crate::plan::jobs::Wanted;
use crate::report::Console;
use crate::report::words::count;
use crate::store::postgres::Database;
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// How often the end of a job is written again while the database cannot be reached.
const AGAIN: Duration = Duration::from_secs(1);
/// The longest wait for the last jobs when the worker drains: an orderly stop takes 30 s, and its end is written.
const DRAIN_MAX: Duration = Duration::from_secs(45);
/// How long a job may run that says nothing about it.
const TIME_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a slot stays empty after a job of a host that has enough of them.
const FULL_PAUSE: Duration = Duration::from_millis(250);

/// What the parts of a worker share.
pub struct Shared {
    pub(super) table: Table,
    pub(super) worker: String,
    slots: usize,
    lease: Duration,
    launcher: Launcher,
    places: Semaphore,
    running: Mutex<HashMap<String, Running>>,
    /// One job is taken at a time.
    taking: tokio::sync::Mutex<()>,
    hosts: Mutex<HostSlots>,
    draining: watch::Sender<bool>,
    renewed: Mutex<Moment>,
    metrics: Metrics,
    pub(super) console: Console,
}

/// A job that runs here.
struct Running {
    token: i64,
    holder: Arc<Holder>,
}

/// How the worker is.
pub struct Health {
    /// Whether its loop turns and its lease is fresh.
    pub is_well: bool,
    /// The same with details, as JSON.
    pub text: String,
}

/// How a worker begins.
pub(super) struct Beginning {
    pub table: Table,
    /// Its id.
    pub worker: String,
    pub slots: usize,
    pub lease: Duration,
    pub launcher: Launcher,
}

impl Shared {
    pub(super) fn new(beginning: Beginning, console: &Console) -> Shared {
        let Beginning { table, worker, slots, lease, launcher } = beginning;
        Shared {
            table,
            worker,
            slots,
            lease,
            launcher,
            places: Semaphore::new(slots),
            running: Mutex::default(),
            taking: tokio::sync::Mutex::default(),
            hosts: Mutex::new(HostSlots::new(slots)),
            draining: watch::channel(false).0,
            renewed: Mutex::new(Moment::now()),
            metrics: Metrics::default(),
            console: console.clone(),
        }
    }

    /// The database.
    pub fn database(&self) -> &Database {
        &self.table.database
    }

    /// Jobs at once.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// How long a job is a worker's without being renewed.
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// Whether it takes no more jobs.
    pub fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// Ends when the worker takes no more jobs.
    pub async fn drained(self: Arc<Self>) {
        let mut draining = self.draining.subscribe();
        // The sender lives as long as the worker.
        let _ = draining.wait_for(|is_draining| *is_draining).await;
    }

    /// The end of the worker's id, which is enough for people.
    pub(super) fn short(&self) -> &str {
        self.worker.rsplit('-').next().unwrap_or_default()
    }

    fn running<T>(&self, with: impl FnOnce(&mut HashMap<String, Running>) -> T) -> T {
        with(&mut self.running.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes no more jobs, and orders those that run to stop: each finishes its requests in flight.
    pub(super) fn drain(&self) {
        if !self.draining.send_replace(true) {
            self.console.note(&format!("worker {} takes no more jobs, and ends those that run", self.short()));
        }
        self.running(|running| running.values().for_each(|job| job.holder.release()));
    }

    /// Waits until the last jobs have ended and their ends are written.
    pub(super) async fn wait_for_jobs(&self) {
        let places = u32::try_from(self.slots).unwrap_or(u32::MAX);
        // A job that does not end is taken by another worker when its lease is over.
        let _ = tokio::time::timeout(DRAIN_MAX, self.places.acquire_many(places)).await;
    }

    /// Does a job that was handed out, if its row says that it is to be done.
    pub async fn take_up(self: Arc<Self>, name: String) {
        // Not on the task of the library, which is ended where the database fails it, while the job goes on.
        let done = tokio::spawn(async move {
            let Ok(_place) = self.places.acquire().await else { return };
            if self.is_draining() {
                return self.hand_back(name).await;
            }
            match self.take(name.clone()).await {
                Ok((Taken::Start(start), leash)) => {
                    self.metrics.begun(start.waited);
                    self.run(&name, &start, leash).await;
                    self.hosts(|hosts| hosts.end(&start.hosts));
                }
                // The queue is not asked for the next one of that host at once.
                Ok((Taken::Full(_), _)) => tokio::time::sleep(FULL_PAUSE).await,
                Ok((Taken::Later(_) | Taken::Nothing, _)) => {}
                // A worker that finds it missing puts it back into the queue.
                Err(failure) => self.console.note(&format!("job `{name}` could not be taken: {failure}")),
            }
        });
        // A bug in it was printed, and its job is found without a worker.
        let _ = done.await;
    }

    /// Takes a job, one after the other, because a worker counts the jobs of a host.
    async fn take(&self, name: String) -> Result<(Taken, Leash), Failure> {
        let _turn = self.taking.lock().await;
        let full_hosts = self.hosts(|hosts| hosts.full());
        // Before the request: what the lease lasts is counted from here.
        let leash = Leash { since: Moment::now(), valid: self.lease };
        let by = By { worker: self.worker.clone(), lease: self.lease, full_hosts };
        let taken = self.table.take(name, by).await?;
        if let Taken::Start(start) = &taken {
            self.hosts(|hosts| hosts.begin(&start.hosts));
        }
        Ok((taken, leash))
    }

    fn hosts<T>(&self, with: impl FnOnce(&mut HostSlots) -> T) -> T {
        with(&mut self.hosts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the definitions say about hosts.
    pub(super) fn know(&self, defined: &[Defined]) {
        self.hosts(|hosts| hosts.define(defined.iter().flat_map(|job| &job.hosts)));
    }

    /// Puts a name back that came when no more jobs are taken.
    async fn hand_back(&self, name: String) {
        let work = move |client| {
            let name = name.clone();
            async move { queue::put(&client, &name, 0.0).await }
        };
        // Where this fails, it is found missing within a minute.
        let _ = self.database().run(work).await;
    }

    async fn run(&self, name: &str, start: &Start, leash: Leash) {
        let (begun, token) = (Moment::now(), start.token);
        let report = match self.launcher.start(name, leash) {
            Ok(process) => {
                let holder = Arc::clone(&process.holder);
                self.running(|running| running.insert(name.to_owned(), Running { token, holder }));
                if self.is_draining() {
                    process.holder.release();
                }
                within(start.time_limit.unwrap_or(TIME_LIMIT), process).await
            }
            Err(error) => {
                Report { message: Some(format!("error: the process cannot be started: {error}")), ..Report::default() }
            }
        };
        let ended = self.ended(report.exit);
        let end = End {
            name: name.to_owned(),
            token,
            ended,
            summary: report.summary.clone(),
            message: report.message.clone(),
        };
        let is_written = self.write_end(end).await;
        self.running(|running| running.remove(name));
        self.metrics.ended(begun.elapsed(), &report);
        self.tell(name, &report, begun.elapsed(), is_written);
    }

    fn ended(&self, exit: Option<u8>) -> Ended {
        let interrupted = [Exit::Interrupted, Exit::Terminated].map(Exit::code);
        match exit {
            None if self.is_draining() => Ended::Drained,
            None => Ended::Lost,
            Some(code) if self.is_draining() && interrupted.contains(&code) => Ended::Drained,
            Some(code) => Ended::Exit(code),
        }
    }

    /// Writes the end of a job, again and again until its lease is over: then another worker takes it.
    async fn write_end(&self, end: End) -> bool {
        let since = Moment::now();
        loop {
            match self.table.finish(end.clone(), self.lease).await {
                Ok(is_written) => return is_written,
                Err(_) if since.elapsed() < self.lease => tokio::time::sleep(AGAIN).await,
                Err(failure) => {
                    self.console.note(&format!("the end of job `{}` could not be written: {failure}", end.name));
                    return false;
                }
            }
        }
    }

    fn tell(&self, name: &str, report: &Report, took: Duration, is_written: bool) {
        let how = report.exit.map_or("lost its process".to_owned(), |exit| format!("ended with {exit}"));
        let after = if is_written { "" } else { ", and was no longer this worker's" };
        self.console.note(&format!("job `{name}` {how} after {:.1} s{after}", took.as_secs_f64()));
    }

    /// The figures in the text format of Prometheus.
    pub fn metrics_text(&self) -> String {
        let running = self.running(|running| running.len());
        self.metrics.text(Now { running, slots: self.slots, is_draining: self.is_draining() })
    }

    /// How the worker is: the database is not asked.
    pub fn health(&self) -> Health {
        let age = self.renewed.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        // A worker that drains is well until it has ended.
        let is_well = age < self.lease || self.is_draining();
        let text = json!({
            "status": if is_well { "ok" } else { "the database has not confirmed the lease" },
            "lease_age_seconds": age.as_secs_f64(),
            "running": self.running(|running| running.len()),
            "slots": self.slots,
            "draining": self.is_draining(),
        });
        Health { is_well, text: text.to_string() }
    }

    /// Renews the leases of the jobs that run, and hears whether the worker is to drain.
    pub(super) async fn renew(&self) -> Result<(), Failure> {
        let jobs: Vec<(String, i64)> =
            self.running(|running| running.iter().map(|(name, job)| (name.clone(), job.token)).collect());
        let since = Moment::now();
        let renewed = self.table.renew(self.worker.clone(), jobs.clone(), self.lease).await?;
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = since;
        if renewed.is_draining {
            self.drain();
        }
        let leash = Leash { since, valid: self.lease };
        for (name, token) in jobs {
            let holder = self.running(|running| {
                running.get(&name).filter(|job| job.token == token).map(|job| Arc::clone(&job.holder))
            });
            let Some(holder) = holder else { continue };
            if renewed.names.contains(&name) {
                if !self.is_draining() {
                    holder.tell(leash);
                }
            } else {
                self.metrics.lease_lost();
                holder.release();
            }
        }
        Ok(())
    }
}

/// How a process ended that may take so long: then it is ordered to stop, and its lease is renewed no more.
async fn within(limit: Duration, mut process: Process) -> Report {
    tokio::select! {
        report = &mut process.ended => report.unwrap_or_default(),
        () = tokio::time::sleep(limit) => {
            process.holder.release();
            let report = process.ended.await.unwrap_or_default();
            let message = format!(
                "error: the job was stopped after {} s, its time limit\nhint: raise `time_limit` of the job if it needs longer",
                limit.as_secs()
            );
            Report { message: Some(message), ..report }
        }
    }
}

impl Shared {
    pub(super) async fn look_closely(&self, definitions: &Definitions, stamp: &mut Stamp) -> Result<(), Failure> {
        let now = stamp.now();
        if now != *stamp && now.is_still() {
            *stamp = self.define_again(definitions, now).await?;
        }
        let missing = self.table.reconcile().await?;
        self.metrics.put_back(missing);
        self.metrics.queue(self.table.figures().await?);
        Ok(())
    }

    /// Reads the definitions, which have changed. What is wrong with them as a whole changes nothing, and is told once.
    async fn define_again(&self, definitions: &Definitions, now: Stamp) -> Result<Stamp, Failure> {
        let loaded = match now.lost() {
            Some(file) => Err(Failure::usage(format!("`{}` is missing", file.display()))
                .hint("put it back, or end the worker with `ferry worker drain`")),
            None => definitions.load(Wanted::All),
        };
        self.metrics.definitions(loaded.is_ok());
        match loaded {
            Ok((defined, stamp)) => {
                let jobs = count(defined.len() as u64, "job is", "jobs are");
                self.know(&defined);
                self.table.define(defined, true).await?;
                self.console.note(&format!("the definitions have changed; {jobs} defined"));
                Ok(stamp)
            }
            Err(failure) => {
                self.console.note("the definitions have changed and cannot be read, so the jobs stay as they were");
                self.console.failure(&failure);
                Ok(now)
            }
        }
    }
}

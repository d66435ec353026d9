//! The measurements of a run: throughput, and how often each field was changed.
//!
//! They are kept in the folder of the run, so that its next process continues them. They only serve the report: which
//! records have arrived is in the checkpoint.

use crate::files;
use crate::outcome::Failure;
use crate::reconcile::changed::Changed;
use crate::report::{Sums, Throughput};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

const FILE: &str = "trace.json";

/// How often they are saved: a killed process loses at most this much.
const SAVE_EVERY: Duration = Duration::from_secs(2);

/// The content of the file.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    throughput: Throughput,
    changed_fields: Sums,
}

/// How long the processes of a run have worked and how many requests they have sent, as far as that was saved.
pub(in crate::run) fn effort(folder: &Path) -> (Duration, u64) {
    let throughput = kept(&folder.join(FILE)).throughput;
    (Duration::from_millis(throughput.elapsed_ms()), throughput.requests())
}

/// What earlier processes have saved; nothing where the file cannot be read.
fn kept(path: &Path) -> Kept {
    let kept: Option<Kept> = std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    kept.filter(|kept| kept.throughput.is_sound()).unwrap_or_default()
}

/// The measurements of a run while it is being executed.
pub struct RunMetrics {
    path: PathBuf,
    inner: Mutex<Inner>,
    /// How often each field was changed.
    pub changed: Arc<Changed>,
}

struct Inner {
    throughput: Throughput,
    /// When this process began to work, and how long earlier processes had worked.
    begun: Option<(Instant, u64)>,
    /// Requests and records at the last measurement.
    last: (u64, u64),
    /// Records that earlier processes settled and this one has not reached yet.
    known: u64,
    saved: Option<Instant>,
}

impl RunMetrics {
    /// Continues the measurements that an earlier process saved in this folder. A damaged file starts over.
    pub fn open(folder: &Path) -> RunMetrics {
        let path = folder.join(FILE);
        let Kept { throughput, changed_fields } = kept(&path);
        let known = throughput.records();
        let inner = Mutex::new(Inner { throughput, begun: None, last: (0, 0), known, saved: None });
        RunMetrics { path, inner, changed: Arc::new(Changed::from(changed_fields)) }
    }

    /// Starts over: for a run that does all its work again.
    pub fn reset(folder: &Path) -> RunMetrics {
        let _ = std::fs::remove_file(folder.join(FILE));
        RunMetrics::open(folder)
    }

    /// Measures the requests of this process and the settled records (totals that only grow, with those of earlier
    /// processes), and the allowed rate. Requests before the first measurement are not counted.
    pub fn measure(&self, requests: u64, records: u64, allowed_per_s: Option<f64>) {
        if self.add(requests, records, allowed_per_s) {
            let _ = self.save();
        }
    }

    /// Adds a measurement; whether it is time to save.
    fn add(&self, requests: u64, records: u64, allowed_per_s: Option<f64>) -> bool {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((begun, before_ms)) = inner.begun else {
            inner.throughput.resume();
            inner.begun = Some((Instant::now(), inner.throughput.elapsed_ms()));
            inner.last = (requests, 0);
            return false;
        };
        let worked_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (had_requests, had_records) = std::mem::replace(&mut inner.last, (requests, records));
        let (requests, records) = (requests.saturating_sub(had_requests), records.saturating_sub(had_records));
        let known = records.min(inner.known);
        inner.known -= known;
        let records = records - known;
        inner.throughput.add(before_ms.saturating_add(worked_ms), requests, records, allowed_per_s);
        let is_due = inner.saved.unwrap_or(begun).elapsed() >= SAVE_EVERY;
        if is_due {
            inner.saved = Some(Instant::now());
        }
        is_due
    }

    /// Requests and records over time.
    pub fn throughput(&self) -> Throughput {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).throughput.clone()
    }

    /// Saves them for the next process.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn save(&self) -> Result<(), Failure> {
        let kept = Kept { throughput: self.throughput(), changed_fields: self.changed.counts() };
        let text = serde_json::to_vec(&kept).unwrap_or_default();
        write_whole(&self.path, &text)
    }
}

/// Writes a private file completely or not at all.
///
/// # Errors
/// Exit 1 when it cannot be written.
pub(in crate::run) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    files::write_whole(path, bytes).map_err(|error| {
        Failure::failed(format!("`{}` cannot be written", path.display()))
            .cause(error)
            .hint("make room there, or check its permissions")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn the_next_process_continues_and_counts_no_record_twice() {
        let folder = tempfile::tempdir().unwrap();
        let first = RunMetrics::open(folder.path());
        first.measure(40, 0, Some(10.0));
        for second in 1..=4 {
            advance(Duration::from_secs(1)).await;
            first.measure(40 + second * 10, second * 10, Some(10.0));
        }
        first.changed.count(["phone", "tags"]);
        first.save().unwrap();
        let next = RunMetrics::open(folder.path());
        next.measure(7, 0, Some(5.0));
        next.changed.count(["phone"]);
        for (requests, records) in [(7, 35), (7, 40), (12, 45)] {
            advance(Duration::from_secs(1)).await;
            next.measure(requests, records, Some(5.0));
        }
        let throughput = next.throughput();
        assert_eq!((throughput.records(), throughput.elapsed_ms(), throughput.resumed_ms()), (45, 7_000, &[4_000][..]));
        let rates = throughput.rates();
        let shown: Vec<_> = rates.iter().map(|it| (it.requests_per_s, it.records_per_s, it.allowed_per_s)).collect();
        let (fast, still, slow) = ((10.0, 10.0, Some(10.0)), (0.0, 0.0, Some(5.0)), (5.0, 5.0, Some(5.0)));
        assert_eq!(shown, [fast, fast, fast, fast, still, still, slow]);
        assert_eq!(Vec::from_iter(next.changed.counts()), [("phone".to_owned(), 2), ("tags".to_owned(), 1)]);
        assert!(RunMetrics::reset(folder.path()).throughput().rates().is_empty());
    }

    #[test]
    fn damaged_measurements_start_over() {
        let folder = tempfile::tempdir().unwrap();
        let of = |interval_ms: u64, elapsed_ms: u64, requests: u64| {
            let point = format!(r#"{{"requests":{requests},"records":0,"allowed_per_s":null}}"#);
            format!(
                r#"{{"throughput":{{"interval_ms":{interval_ms},"points":[{point}],"elapsed_ms":{elapsed_ms},"resumed_ms":[]}},"changed_fields":{{}}}}"#
            )
        };
        let damaged = [of(0, 9, 9), of(u64::MAX, 9, 9), of(500, u64::MAX, 9), of(500, 9, u64::MAX)];
        for text in damaged.into_iter().chain(["{\"throughput\"".to_owned(), String::new()]) {
            std::fs::write(folder.path().join(FILE), &text).unwrap();
            assert_eq!(RunMetrics::open(folder.path()).throughput(), Throughput::default(), "{text}");
        }
        std::fs::write(folder.path().join(FILE), of(500, 400, 9)).unwrap();
        assert_eq!(RunMetrics::open(folder.path()).throughput().elapsed_ms(), 400);
    }
}

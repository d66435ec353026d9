//! What a run leaves about its way: how fast it went, and which fields were changed. Kept in its folder, so that the next
//! process of the run goes on with it. Only a help for the report: the truth is the checkpoint.

use crate::outcome::Failure;
use crate::reconcile::changed::Changed;
use crate::report::{Sums, Throughput};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

const FILE: &str = "trace.json";

/// How often it is saved: so much of the way is lost with a process that is killed.
const SAVE_EVERY: Duration = Duration::from_secs(2);

/// What stands in the file.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    throughput: Throughput,
    changed_fields: Sums,
}

/// Follows a run.
pub struct Trace {
    path: PathBuf,
    inner: Mutex<Inner>,
    /// Which fields were changed.
    pub changed: Arc<Changed>,
}

struct Inner {
    throughput: Throughput,
    /// When this process began to work, and how much had been worked before.
    begun: Option<(Instant, u64)>,
    /// Requests and records at the last look.
    last: (u64, u64),
    saved: Option<Instant>,
}

impl Trace {
    /// Goes on with what an earlier process of the run left in its folder. What cannot be read is begun anew.
    pub fn open(folder: &Path) -> Trace {
        let path = folder.join(FILE);
        let kept = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let Kept { throughput, changed_fields } = kept.unwrap_or_default();
        let inner = Mutex::new(Inner { throughput, begun: None, last: (0, 0), saved: None });
        Trace { path, inner, changed: Arc::new(Changed::from(changed_fields)) }
    }

    /// Begins anew: of a run that does all its work again.
    pub fn anew(folder: &Path) -> Trace {
        let _ = std::fs::remove_file(folder.join(FILE));
        Trace::open(folder)
    }

    /// Looks at what was done so far by this process (sums that only grow), and at the rate that is allowed. What was
    /// done before the first look is not counted.
    pub fn look(&self, requests: u64, records: u64, allowed_per_s: Option<f64>) {
        if self.note(requests, records, allowed_per_s) {
            let _ = self.save();
        }
    }

    /// Whether it is time to save.
    fn note(&self, requests: u64, records: u64, allowed_per_s: Option<f64>) -> bool {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((begun, before_ms)) = inner.begun else {
            inner.throughput.resume();
            inner.begun = Some((Instant::now(), inner.throughput.elapsed_ms()));
            inner.last = (requests, records);
            return false;
        };
        let worked_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (had_requests, had_records) = std::mem::replace(&mut inner.last, (requests, records));
        let (requests, records) = (requests.saturating_sub(had_requests), records.saturating_sub(had_records));
        inner.throughput.add(before_ms.saturating_add(worked_ms), requests, records, allowed_per_s);
        let is_due = inner.saved.unwrap_or(begun).elapsed() >= SAVE_EVERY;
        if is_due {
            inner.saved = Some(Instant::now());
        }
        is_due
    }

    /// How fast it went.
    pub fn throughput(&self) -> Throughput {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).throughput.clone()
    }

    /// Keeps it for the next process, whole or not at all.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn save(&self) -> Result<(), Failure> {
        let kept = Kept { throughput: self.throughput(), changed_fields: self.changed.counts() };
        let text = serde_json::to_vec(&kept).unwrap_or_default();
        write_whole(&self.path, &text)
    }
}

/// Writes a private file, whole or not at all.
///
/// # Errors
/// Exit 1 when it cannot be written.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = || {
        let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
        file.write_all(bytes)?;
        file.persist(path).map(drop).map_err(|error| error.error)
    };
    written().map_err(|error| {
        Failure::failed(format!("`{}` cannot be written", path.display()))
            .cause(error)
            .hint("make room there, or see who may write to it")
    })
}

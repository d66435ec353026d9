//! The receipt and the report of a finished run, written beside each other into its folder.
//!
//! The fingerprint of a file that was read is that of its content at the end of the run; a file that changed while it was
//! read has none. The fingerprint of a file that was written was noted when the file was put in place.

use crate::files::Fingerprint;
use crate::ids::SourceStamp;
use crate::mapping::Mapping;
use crate::outcome::Failure;
use crate::plan::{Connection, SourcePlan};
use crate::report::{End, MappingUsed, RECEIPT_FILE, RECEIPT_VERSION, REPORT_FILE, Receipt, Summary, Throughput, page};
use crate::run::active::folder::{SPOOL_FILE, run_folder};
use crate::run::active::metrics::{RunMetrics, write_whole};
use crate::run::active::record::RunRecord;
use crate::run::active::runs::run_named;
use crate::run::active::shared::put_files;
use crate::run::examples::rejected;
use crate::scratch::spool::{Kind, Spool};
use crate::store::StateDir;
use serde_json::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};

/// What is behind the fingerprint of a file or of contacts.
struct Content {
    len: u64,
    fingerprint: String,
}

/// Where the receipt of a run is, if it has one.
pub fn receipt_of(state: &Path, run: &str) -> Option<PathBuf> {
    Some(run_folder(state, run).join(RECEIPT_FILE)).filter(|path| path.exists())
}

/// Puts what reading back has shown into the receipt and the report of a run.
///
/// # Errors
/// Exit 1 when there is none, or it cannot be read or written.
pub fn set_verified(state: &StateDir, run: &str, shown: Map<String, Value>) -> Result<(), Failure> {
    let folder = run_folder(state, run);
    let path = folder.join(RECEIPT_FILE);
    let fault = || {
        Failure::failed(format!("the receipt `{}` cannot be read", path.display()))
            .hint("only a finished run has one; the comparison is printed above")
    };
    let bytes = std::fs::read(&path).map_err(|error| fault().cause(error))?;
    let mut receipt: Receipt = serde_json::from_slice(&bytes).map_err(|error| fault().cause(error))?;
    receipt.verify = Some(shown);
    write(&folder, &receipt, &RunMetrics::open(&folder).throughput())?;
    match state.shared_store() {
        Some(_) => put_files(state, &run_named(state, run)?),
        None => Ok(()),
    }
}

/// The two ends of a run, and its mapping.
pub(in crate::run) struct Ends {
    pub(in crate::run) source: End,
    pub(in crate::run) mapping: Option<MappingUsed>,
    pub(in crate::run) target: End,
}

/// Writes the receipt and the report of a finished run; the path of the receipt.
///
/// # Errors
/// Exit 1 when they cannot be written: the run is finished all the same.
pub(super) fn write_receipt(
    folder: &Path,
    record: &RunRecord,
    metrics: &RunMetrics,
    ends: Ends,
    summary: &Summary,
) -> Result<String, Failure> {
    let Ends { source, mapping, target } = ends;
    let receipt = Receipt { source, mapping, target, ..receipt(record, summary, metrics) };
    let written = metrics.save().and_then(|()| write(folder, &receipt, &metrics.throughput()));
    written.map_err(|failure| failure.hint("the run itself is finished, and its totals are kept"))?;
    Ok(folder.join(RECEIPT_FILE).display().to_string())
}

/// All of it that does not depend on the command.
fn receipt(info: &RunRecord, summary: &Summary, trace: &RunMetrics) -> Receipt {
    let sums = |counts: &crate::report::Counts| counts.iter().map(|(name, n)| (name.to_owned(), n)).collect();
    let started = i64::try_from(info.started_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let started = started.map(|at| at.to_zoned(jiff::tz::TimeZone::system()));
    let moment = |at: &jiff::Zoned| at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    Receipt {
        receipt: RECEIPT_VERSION,
        ferry: env!("CARGO_PKG_VERSION").to_owned(),
        run: info.run.clone(),
        command: info.command,
        status: summary.status,
        started: started.as_ref().map(moment).unwrap_or_default(),
        ended: moment(&jiff::Zoned::now()),
        seconds: summary.seconds,
        records: summary.records,
        skipped: sums(&summary.skipped),
        rejects: sums(&summary.rejects),
        not_carried: sums(&summary.not_carried),
        left_blank: sums(&summary.left_blank),
        cleared: summary.cleared,
        changed_fields: trace.changed.counts(),
        requests: summary.requests,
        completeness: summary.completeness,
        changes: summary.changes,
        rejects_file: summary.rejects_file.clone(),
        ..Receipt::default()
    }
}

fn write(folder: &Path, receipt: &Receipt, throughput: &Throughput) -> Result<(), Failure> {
    write_whole(&folder.join(REPORT_FILE), page(receipt, throughput, &rejected(folder)).as_bytes())?;
    write_whole(&folder.join(RECEIPT_FILE), receipt.json().as_bytes())
}

/// The file that a run has read. `stamp`: how it was when it was read ([`SourceStamp`]); `read`: what it was, where that was
/// seen while it was read.
pub(in crate::run) fn file_read(source: &SourcePlan, stamp: Option<SourceStamp>, read: Option<Fingerprint>) -> End {
    let is_same = || stamp.is_some() && SourceStamp::of_file(&source.path) == stamp;
    let content = || read.map(Content::from).or_else(|| content_of(&source.path));
    let content = if is_same() { content().filter(|_| is_same()) } else { None };
    file(&source.shown, content)
}

/// The fingerprint of what a finished run has read, as its receipt in this folder says.
pub(in crate::run) fn source_of(folder: &Path) -> Option<String> {
    let receipt: Receipt = serde_json::from_slice(&std::fs::read(folder.join(RECEIPT_FILE)).ok()?).ok()?;
    match receipt.source {
        End::File { fingerprint, .. } | End::Platform { fingerprint, .. } => fingerprint,
        End::Run { .. } => None,
    }
}

/// Whether this file holds what a finished run has read.
pub(in crate::run) fn is_what_was_read(folder: &Path, file: &Path) -> bool {
    source_of(folder).is_some_and(|was| content_of(file).is_some_and(|content| content.fingerprint == was))
}

/// Whether an account whose contacts were read into one folder was the same when another run read it; none where
/// that is not known.
pub(in crate::run) fn is_same_account(before: &Path, now: &Path) -> Option<bool> {
    Some(source_of(before)? == contacts_of(&now.join(SPOOL_FILE))?.fingerprint)
}

/// The file that a run has written; of standard output, `-`, nothing is known. What was noted of it is not read again.
pub(in crate::run) fn file_written(path: &str, info: &RunRecord, state: &StateDir) -> End {
    let noted = |path: &Path| {
        let written = info.ledger(state).of_run_at(&info.run, path)?;
        (fs::metadata(path).ok()?.len() == written.content.len).then(|| written.content.into())
    };
    let content = |path: &Path| noted(path).or_else(|| content_of(path));
    file(path, if path == "-" { None } else { content(Path::new(path)) })
}

fn file(shown: &str, content: Option<Content>) -> End {
    let (bytes, fingerprint) = content.map(|content| (content.len, content.fingerprint)).unzip();
    End::File { file: shown.to_owned(), bytes, fingerprint }
}

/// What a file holds, when it can be read to its end.
fn content_of(path: &Path) -> Option<Content> {
    Fingerprint::of(path).ok().map(Content::from)
}

impl From<Fingerprint> for Content {
    fn from(fingerprint: Fingerprint) -> Content {
        Content { len: fingerprint.len, fingerprint: shown_hash(&fingerprint.hash) }
    }
}

/// The account that a run has read, with what was read of it into the folder of the run; `read`: its hash and the number of
/// contacts, where they are known.
pub(in crate::run) fn account_read(
    connection: &Connection,
    address: &str,
    folder: &Path,
    read: Option<Fingerprint>,
) -> End {
    let content = read.map(Content::from).or_else(|| contacts_of(&folder.join(SPOOL_FILE)));
    let (contacts, fingerprint) = content.map(|content| (content.len, content.fingerprint)).unzip();
    account(connection, address, contacts, fingerprint)
}

/// The account that a run has written to.
pub(in crate::run) fn account_written(connection: &Connection, address: &str) -> End {
    let what = format!("{}\n{}\n{address}\n", connection.name, connection.facts().name);
    account(connection, address, None, Some(shown(&blake3::hash(what.as_bytes()))))
}

fn account(connection: &Connection, address: &str, contacts: Option<u64>, fingerprint: Option<String>) -> End {
    End::Platform {
        connection: connection.name.clone(),
        platform: connection.facts().name.to_string(),
        title: connection.facts().title.to_string(),
        address: address.to_owned(),
        contacts,
        fingerprint,
    }
}

fn contacts_of(path: &Path) -> Option<Content> {
    // The kind says how rows become records; here they stay text.
    let spool = path.exists().then(|| Spool::open(path, Kind::Objects).ok()).flatten()?;
    let (mut hasher, mut lines) = (blake3::Hasher::new(), Vec::new());
    for stored in spool.stored(None).ok()? {
        lines.clear();
        for row in stored.ok()?.rows() {
            lines.extend_from_slice(row.json.as_bytes());
            lines.push(b'\n');
        }
        hasher.update(&lines);
    }
    Some(Content { len: spool.len(), fingerprint: shown(&hasher.finalize()) })
}

/// The mapping that was named.
pub(in crate::run) fn mapping_of(source: &SourcePlan) -> Option<MappingUsed> {
    source.mapping.as_ref().map(|(mapping, name)| mapping_used(name, mapping))
}

/// A mapping, by the name under which it was asked for.
pub(in crate::run) fn mapping_used(name: &str, mapping: &Mapping) -> MappingUsed {
    MappingUsed { name: name.to_owned(), fingerprint: format!("blake3:{}", mapping.fingerprint()) }
}

fn shown(hash: &blake3::Hash) -> String {
    shown_hash(&hash.to_hex())
}

fn shown_hash(hash: &str) -> String {
    format!("blake3:{hash}")
}

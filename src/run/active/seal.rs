//! The seal over the command of a run, by which Ferry knows that it wrote the command in this state folder.
//!
//! It is made of what cannot be known before the state folder exists: its number on its disk, when it was created, and its
//! owner. It does not decide what an unsealed command may be used for: see [`crate::run::own`].

use crate::store::StateDir;
use std::path::Path;

/// The seal of a run's command; none where it cannot be computed.
pub(in crate::run) fn seal_of(run: &str, folder: &Path, arguments: &[String], state: &StateDir) -> Option<String> {
    let (number, user) = match state.shared_runs() {
        // Every user of the database can write to its accounts; what the seal excludes is a copy.
        Ok(Some(shared)) => (shared.store_id().to_owned(), String::new()),
        Ok(None) => identity_of(state)?,
        Err(_) => return None,
    };
    let since_epoch = |at: std::time::SystemTime| at.duration_since(std::time::UNIX_EPOCH).ok();
    // Not every file system keeps it.
    let created = match state.shared_store() {
        Some(_) => None,
        None => state.metadata().and_then(|facts| facts.created()).ok().and_then(since_epoch),
    };
    let created = created.map_or_else(String::new, |created| created.as_nanos().to_string());
    let mut hasher = blake3::Hasher::new_derive_key("ferry: the command of a run");
    let folder = folder.to_string_lossy();
    let parts = [number.as_bytes(), user.as_bytes(), created.as_bytes(), run.as_bytes(), folder.as_bytes()];
    for part in parts.into_iter().chain(arguments.iter().map(String::as_bytes)) {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    Some(hasher.finalize().to_hex().to_string())
}

#[cfg(unix)]
fn identity_of(state: &StateDir) -> Option<(String, String)> {
    use std::os::unix::fs::MetadataExt;
    let facts = state.metadata().ok()?;
    Some((facts.ino().to_string(), facts.uid().to_string()))
}

#[cfg(not(unix))]
fn identity_of(_: &Path) -> Option<(String, String)> {
    None
}

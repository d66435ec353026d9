//! What an earlier run stored: the files that it read, which no later command about it may overwrite.

use crate::outcome::Failure;
use crate::plan::config::FILE_NAME;
use crate::report::words::shell;
use crate::run::active::record::RunRecord;
use std::path::{Path, PathBuf};

/// Each file with what it is to the run; nothing of a run whose plan was not stored.
pub(super) fn files_read(info: &RunRecord) -> Vec<(String, PathBuf)> {
    let Some(plan) = &info.plan else { return Vec::new() };
    let config = plan.config.as_deref().unwrap_or(Path::new(FILE_NAME));
    let named = plan.work.files_read().into_iter().chain([("configuration", config)]);
    let file = |(what, path): (&str, &Path)| {
        (format!("the {what} `{}` of `{}`", path.display(), info.run), info.folder.join(path))
    };
    named.map(file).collect()
}

/// A run whose plan was not stored, or was stored by a later version.
pub(super) fn no_plan(info: &RunRecord, done: &str) -> Failure {
    let words: Vec<_> = info.arguments.iter().map(|word| shell(word)).collect();
    Failure::usage(format!("`{}` was begun by another version of Ferry, and cannot be {done} by this one", info.run))
        .hint(format!("type its command again: `ferry {}`", words.join(" ")))
}

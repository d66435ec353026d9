//! The files that an earlier run read: no later command about this run may overwrite them.

use super::args::{Args, Command};
use crate::plan::config::FILE_NAME;
use crate::run::active::record::RunRecord;
use std::path::PathBuf;

/// Each file with what it is to the run.
pub(super) fn files_read(info: &RunRecord) -> Vec<(String, PathBuf)> {
    let words = std::iter::once("ferry".to_owned()).chain(info.arguments.iter().cloned());
    let Ok(args) = Args::understand(words) else { return Vec::new() };
    let (source, map) = match &args.command {
        Command::Import(import) => (Some(&import.source.file), import.source.map.as_ref()),
        Command::Migrate(migrate) => (None, migrate.map.as_ref()),
        Command::Apply(apply) => (Some(&apply.plan), None),
        _ => (None, None),
    };
    let config = args.global.config.clone().unwrap_or_else(|| PathBuf::from(FILE_NAME));
    let named = [("source", source), ("mapping", map), ("configuration", Some(&config))];
    let file = |(what, path): (&str, Option<&PathBuf>)| {
        path.map(|path| (format!("the {what} `{}` of `{}`", path.display(), info.run), info.folder.join(path)))
    };
    named.into_iter().filter_map(file).collect()
}

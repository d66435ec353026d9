//! The paths of jobs that use the sandbox: what they write goes below the state folder, so that no real file is replaced
//! and none is removed, and a job that reads what an earlier one wrote reads it there.

use crate::outcome::Failure;
use crate::plan::SANDBOX_OUT;
use crate::plan::jobs::Given;
use crate::run::active::folder::make_private;
use crate::run::retain::Moment;
use std::path::{Component, Path, PathBuf};

/// The arguments that name a file which a job writes.
const OUTPUTS: [&str; 4] = ["out", "rejects", "results", "changes"];

/// The argument that names the file which a job reads.
const SOURCE: &str = "file";

/// Where the jobs of one command write instead.
pub(super) struct Rehearsed {
    folder: PathBuf,
    now: Moment,
    /// What earlier jobs write: where it would be, and where it is.
    moved: Vec<(PathBuf, PathBuf)>,
}

impl Rehearsed {
    pub(super) fn new(state: &Path) -> Rehearsed {
        let folder = SANDBOX_OUT.iter().fold(state.to_owned(), |path, name| path.join(name));
        Rehearsed { folder, now: Moment::now(), moved: Vec::new() }
    }

    /// What a job is given, with the paths changed that `ferry.yaml` names. What is typed has no place there.
    ///
    /// # Errors
    /// Exit 1 when the folders cannot be created.
    pub(super) fn redirect(&mut self, given: &mut [Given]) -> Result<(), Failure> {
        for one in given.iter_mut().filter(|one| one.key == SOURCE) {
            for value in &mut one.values {
                let whole = self.now.fill(&whole(value));
                if let Some((_, there)) = self.moved.iter().rev().find(|(path, _)| *path == whole) {
                    *value = there.display().to_string();
                }
            }
        }
        let mut moved = Vec::new();
        for one in given.iter_mut().filter(|one| OUTPUTS.contains(&one.key.as_str()) && !one.is_typed()) {
            for (value, raw) in one.values.iter_mut().zip(&one.raw).filter(|(value, _)| *value != "-") {
                let there = below(&self.folder, raw);
                make_private(there.parent().unwrap_or(&self.folder))?;
                moved.push((self.now.fill(&whole(value)), self.now.fill(&there)));
                *value = there.display().to_string();
            }
        }
        self.moved.append(&mut moved);
        Ok(())
    }
}

fn whole(path: &str) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path));
    path.canonicalize().unwrap_or(path)
}

/// A path below a folder: without its root, `..` as `_`.
fn below(folder: &Path, path: &str) -> PathBuf {
    let mut whole = folder.to_owned();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => whole.push(name),
            Component::ParentDir => whole.push("_"),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_folder() {
        let cases = [
            ("exports/a.csv", "/s/exports/a.csv"),
            ("./a.csv", "/s/a.csv"),
            ("../../a.csv", "/s/_/_/a.csv"),
            ("/srv/out/../a.csv", "/s/srv/out/_/a.csv"),
            ("a..b/..c", "/s/a..b/..c"),
        ];
        for (path, expected) in cases {
            assert_eq!(below(Path::new("/s"), path), Path::new(expected), "{path}");
        }
    }
}

//! The browser of tests: Chromium or Chrome in the path, or the one that `FERRY_TEST_BROWSER` names.

use std::path::PathBuf;

/// The programs that are looked for; `.ci/setup` installs one of them.
pub const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// The browser; none where there is none.
pub fn browser() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("FERRY_TEST_BROWSER") {
        return Some(path.into());
    }
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let paths = folders.iter().flat_map(|folder| BROWSERS.map(|name| folder.join(name)));
    paths.into_iter().find(|path| path.is_file())
}

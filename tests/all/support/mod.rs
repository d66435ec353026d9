//! What the tests share: a scene to run the program in, its processes, the sandbox, the platforms, and servers that fail.
//!
//! Nothing here asserts what the program does; it only fails where a test could not go on.

mod browser;
mod client;
mod fake;
mod files;
mod left_out;
mod line;
mod platforms;
pub mod postgres;
mod process;
mod sandbox;
mod scene;
mod sweeper;
mod workbook;

pub use browser::{BROWSERS, browser};
pub use client::ask;
pub use fake::{Fake, read_request, response, response_of};
pub use files::{files_below, folder_with, json_lines, run_folders};
pub use left_out::{left_out, without_a_right};
pub use line::{Act, Line};
pub use platforms::{PLATFORMS, all_platforms, can_delete, creating_platforms, platform_variables, registry};
pub use process::{Ended, Running, begin, ferry, ferry_in_shell, peak_of, run};
pub use sandbox::{runtime, serve};
pub use scene::{Scene, scene};
pub use sweeper::{leave, sweep};
pub use workbook::{Workbook, texts, zipped};

use std::time::{Duration, Instant};

/// Longer than any step of a test takes on a busy machine; what needs longer hangs.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until a condition holds, and fails with `what` where it never does.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    wait_for(what, || is_so().then_some(()));
}

/// Waits until there is a value, and fails with `what` where there never is one.
pub fn wait_for<T>(what: &str, mut value: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = value() {
            return value;
        }
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

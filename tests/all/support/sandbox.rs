//! The sandbox, served in the test's own process.

use super::PATIENCE;
use ferry::outcome::Exit;
use ferry::sandbox::{Sandbox, SandboxOptions, start};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

pub fn runtime(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).enable_all().build().unwrap()
}

/// Starts a sandbox. The one before it, if it was cut off, may still hold the folder for a moment.
pub async fn serve(options: SandboxOptions) -> Sandbox {
    let begun = Instant::now();
    loop {
        match start(options.clone()).await {
            Err(failure) if failure.exit == Exit::Busy && begun.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            started => return started.unwrap_or_else(|failure| panic!("the sandbox cannot start: {failure}")),
        }
    }
}

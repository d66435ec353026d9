//! A process of the program, and what it took.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How often the memory of a process is read, which the system keeps the highest of.
const LOOKED_EVERY: Duration = Duration::from_millis(2);

/// What work took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Took {
    /// From its start to its end.
    pub time: Duration,
    /// On all processors.
    pub cpu_s: f64,
    /// The most memory of the process, in MiB; none where the system does not tell, and of work in this process.
    pub peak: Option<f64>,
}

/// The program of this build, or the one that `FERRY` names.
pub fn program() -> PathBuf {
    std::env::var_os("FERRY").unwrap_or_else(|| env!("CARGO_BIN_EXE_ferry").into()).into()
}

/// Runs the program to its end, without input.
pub fn run(command: &mut Command) -> (Output, Took) {
    // The allocator prints at the end how long the process was on a processor.
    command.env("MIMALLOC_SHOW_STATS", "1").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let start = Instant::now();
    let process = command.spawn().unwrap();
    let status = format!("/proc/{}/status", process.id());
    let has_ended = AtomicBool::new(false);
    let (output, peak) = std::thread::scope(|scope| {
        let peak = scope.spawn(|| {
            let mut peak = None;
            while !has_ended.load(Relaxed) {
                peak = peak_in(&std::fs::read_to_string(&status).unwrap_or_default()).or(peak);
                std::thread::sleep(LOOKED_EVERY);
            }
            peak
        });
        let output = process.wait_with_output().unwrap();
        has_ended.store(true, Relaxed);
        (output, peak.join().unwrap())
    });
    let time = start.elapsed();
    let told = String::from_utf8_lossy(&output.stderr);
    let line = told.lines().rfind(|line| line.trim_start().starts_with("process") && line.contains("user:"));
    let number = |name: &str| {
        let behind = line?.split_once(name)?.1.trim_start();
        behind.split(' ').next()?.parse::<f64>().ok()
    };
    let cpu_s = number("user:").unwrap_or_default() + number("system:").unwrap_or_default();
    (output, Took { time, cpu_s, peak })
}

/// The most memory, in MiB. What `getrusage` says is of no use here, because it is at least what this process had when
/// it started the other.
fn peak_in(status: &str) -> Option<f64> {
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    kib.trim().trim_end_matches("kB").trim().parse::<f64>().ok().map(|kib| kib / 1024.0)
}

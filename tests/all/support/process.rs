//! Processes of the program: how they are started, signalled and waited for, and how they ended.

use super::PATIENCE;
use super::sweeper::{leave, sweep};
use serde_json::{Map, Value};
use std::borrow::BorrowMut;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_ferry");

/// The program with these words, in this folder and with an empty environment; its output is captured.
pub fn ferry(folder: &Path, words: &str) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(words.split_whitespace());
    captured(&mut command, folder);
    command
}

/// The same by a shell that runs `before` first, such as `ulimit -f 512`.
pub fn ferry_in_shell(folder: &Path, before: &str, words: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{before} && exec '{PROGRAM}' {words}")]);
    captured(&mut command, folder);
    command
}

fn captured(command: &mut Command, folder: &Path) {
    command.current_dir(folder).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
}

/// Starts a command.
pub fn begin(mut command: impl BorrowMut<Command>) -> Running {
    let child = command.borrow_mut().spawn().unwrap();
    sweep(&[child.id()]);
    Running { child: Some(child), begun: Instant::now() }
}

/// Runs a command to its end.
pub fn run(command: impl BorrowMut<Command>) -> Ended {
    begin(command).finish()
}

/// Waits for the end of a process, and reads the peak of its memory in MiB while it runs; 0 where the system does not tell.
pub fn peak_of(process: Running) -> (Ended, u64) {
    let status = format!("/proc/{}/status", process.id());
    let waiting = std::thread::spawn(move || process.finish());
    let mut peak = 0;
    while !waiting.is_finished() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or_default() / 1024);
        std::thread::sleep(Duration::from_millis(5));
    }
    (waiting.join().unwrap(), peak)
}

/// A process that has been started; it is killed when the test ends before it.
pub struct Running {
    child: Option<Child>,
    begun: Instant,
}

impl Running {
    pub fn child(&mut self) -> &mut Child {
        self.child.as_mut().unwrap()
    }

    pub fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub fn is_running(&mut self) -> bool {
        self.child().try_wait().unwrap().is_none()
    }

    /// Sends a signal by its name, such as `INT`.
    pub fn signal(&self, name: &str) {
        signal(self.id(), name);
    }

    /// Kills it, as a crash would, and waits until it is gone.
    pub fn kill(mut self) {
        self.child().kill().unwrap();
        self.child().wait().unwrap();
    }

    /// Waits until it ends, however much it prints meanwhile.
    pub fn finish(mut self) -> Ended {
        let (child, begun) = (self.child.take().unwrap(), self.begun);
        let id = child.id();
        let (sender, receiver) = mpsc::channel();
        let waiting = std::thread::spawn(move || sender.send(child.wait_with_output().unwrap()));
        let output = receiver.recv_timeout(PATIENCE);
        let hangs = output.is_err();
        if hangs {
            signal(id, "KILL");
        }
        let output = output.or_else(|_| receiver.recv()).unwrap();
        waiting.join().unwrap().unwrap();
        leave(&[id]);
        let ended = Ended::of(&output, begun.elapsed());
        assert!(!hangs, "it did not end within {PATIENCE:?}: {ended:?}");
        ended
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ended_already = child.kill();
            let _ended_already = child.wait();
            leave(&[child.id()]);
        }
    }
}

fn signal(id: u32, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &id.to_string()]).status().unwrap().success());
}

/// How a process ended, and what it printed.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; -1 where a signal ended it.
    pub exit: i32,
    pub out: String,
    pub err: String,
    pub took: Duration,
}

impl Ended {
    fn of(output: &Output, took: Duration) -> Ended {
        let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        Ended { exit: output.status.code().unwrap_or(-1), out, err, took }
    }

    /// Exit code, standard output, standard error.
    pub fn parts(self) -> (i32, String, String) {
        (self.exit, self.out, self.err)
    }

    /// Both streams.
    pub fn printed(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    /// The summary of a command with `--output json`.
    pub fn summary(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The name of the run, of the summary.
    pub fn run(&self) -> String {
        let summary = self.summary();
        summary["run"].as_str().unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }

    /// One of the totals of the summary.
    pub fn count(&self, outcome: &str) -> u64 {
        self.summary()["records"][outcome].as_u64().unwrap_or_else(|| panic!("{self:?}"))
    }

    /// Several of them.
    pub fn counts<const N: usize>(&self, outcomes: [&str; N]) -> [u64; N] {
        outcomes.map(|outcome| self.count(outcome))
    }

    /// Of a verification: same, differ, missing, unknown, not compared.
    pub fn compared(&self) -> [u64; 5] {
        let summary = self.summary();
        let count = |name: &str| summary[name].as_u64().unwrap_or_else(|| panic!("{self:?}"));
        ["same", "differ", "missing", "unknown", "not_compared"].map(count)
    }

    /// The totals of the summary that are not zero.
    pub fn totals(&self) -> Value {
        let summary = self.summary();
        let records = summary["records"].as_object().unwrap_or_else(|| panic!("{self:?}"));
        let counted = records.iter().filter(|(_, count)| count.as_u64() != Some(0));
        Value::Object(counted.map(|(name, count)| (name.clone(), count.clone())).collect::<Map<_, _>>())
    }
}

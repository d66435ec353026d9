//! A folder to run the program in, an environment for it, and the sandbox that it reaches.

use super::{Act, Ended, Line, Running, begin, ferry, platform_variables, run, runtime, serve, wait_until};
use ferry::sandbox::{Sandbox, SandboxOptions};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub struct Scene {
    folder: TempDir,
    served: Option<Sandbox>,
    runtime: Runtime,
    line: Option<Line>,
    /// The environment of every command.
    env: Vec<(String, String)>,
}

/// A scene with a sandbox, and no rate limit on any platform.
pub fn scene(change: impl FnOnce(&mut SandboxOptions)) -> Scene {
    let mut scene = Scene::without_sandbox();
    scene.set_for_all("rate", "none");
    scene.restart(change);
    scene
}

impl Scene {
    /// A folder alone, and an empty environment.
    pub fn without_sandbox() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        Scene { folder, served: None, runtime: runtime(1), line: None, env: Vec::new() }
    }

    /// Sets an environment variable of every command.
    pub fn set(&mut self, name: &str, value: &str) {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
    }

    /// Gives a setting to every platform.
    pub fn set_for_all(&mut self, setting: &str, value: &str) {
        for (name, value) in platform_variables(setting, value) {
            self.set(&name, &value);
        }
    }

    /// Serves the sandbox again, with what the one before it held.
    pub fn restart(&mut self, change: impl FnOnce(&mut SandboxOptions)) {
        self.stop();
        let mut options = SandboxOptions::new(self.path("sandbox"));
        change(&mut options);
        let sandbox = self.runtime.block_on(serve(options));
        for (name, value) in sandbox.credentials() {
            self.set(name, &value);
        }
        self.served = Some(sandbox);
    }

    /// Stops the sandbox in order. The commands still look for it where it was.
    pub fn stop(&mut self) {
        if let Some(sandbox) = self.served.take() {
            self.runtime.block_on(sandbox.stop());
        }
    }

    /// Cuts the sandbox off at once, with whatever is in flight.
    pub fn cut_off(&mut self) {
        drop(self.served.take());
    }

    pub fn sandbox(&self) -> &Sandbox {
        self.served.as_ref().unwrap()
    }

    /// Puts a connection that can fail between the program and the sandbox.
    pub fn connect_by_line(&mut self) {
        let sandbox = self.sandbox().address();
        let line = Line::to(sandbox);
        let (here, there) = (line.address().to_string(), sandbox.to_string());
        for (_, value) in &mut self.env {
            *value = value.replace(&there, &here);
        }
        self.line = Some(line);
    }

    /// Decides from now on what the connection does to a request, which is given as text.
    pub fn rule(&self, rule: impl FnMut(&str) -> Act + Send + 'static) {
        self.line.as_ref().unwrap().rule(rule);
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn command(&self, words: &str) -> Command {
        let mut command = ferry(self.folder(), words);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn begin(&self, words: &str) -> Running {
        begin(self.command(words))
    }

    /// Runs a command to its end.
    pub fn run(&self, words: &str) -> Ended {
        run(self.command(words))
    }

    /// Runs a command to its end, its summary as JSON.
    pub fn run_json(&self, words: &str) -> Ended {
        self.run(&format!("{words} --output json"))
    }

    /// What a platform holds.
    pub fn contacts(&self, platform: &str) -> Vec<Value> {
        self.sandbox().contacts(platform)
    }

    /// How many requests the sandbox has had.
    pub fn requests(&self) -> usize {
        self.served.as_ref().map_or(0, |sandbox| sandbox.history().len())
    }

    /// How many requests to a path that begins so.
    pub fn requests_to(&self, path: &str) -> usize {
        let history = self.served.as_ref().map(Sandbox::history).unwrap_or_default();
        history.iter().filter(|exchange| exchange.path.starts_with(path)).count()
    }

    /// How many requests changed what a platform holds.
    pub fn writes(&self) -> usize {
        let history = self.served.as_ref().map(Sandbox::history).unwrap_or_default();
        history.iter().filter(|exchange| exchange.acted).count()
    }

    /// Waits until something is seen at the sandbox or in the folder.
    pub fn wait_until(&self, what: &str, mut is_so: impl FnMut(&Scene) -> bool) {
        wait_until(what, || is_so(self));
    }
}

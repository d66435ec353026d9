//! What every command works with: output, environment, state folder, what was typed, the runtime and the sandbox. It runs
//! no command.

use super::args::{Args, Command};
use super::suggest::suggestions;
use crate::clock::Clock;
use crate::files::sweep_state;
use crate::outcome::{Exit, Failure};
use crate::plan::config::FILE_NAME;
use crate::plan::suggest::Typed;
use crate::plan::work::{Plan, Work};
use crate::plan::{Around, Config, ConfigError, Connection, Env};
use crate::platforms::Registry;
use crate::report::{Console, Look, OutputKind};
use crate::run::active::close::Ended;
use crate::run::active::folder::{make_private, tighten};
use crate::run::active::record::RunRecord;
use crate::run::active::shared::sweep_copies;
use crate::run::retain::Moment;
use crate::run::stop::Stop;
use crate::store::StateDir;
use crate::worker::leash;
use std::future::Future;
use std::path::{Path, PathBuf};

/// What every command works with.
pub struct Context {
    /// Output for users and scripts.
    pub console: Console,
    /// Variables of the environment.
    pub env: Env,
    /// The platforms that a connection can name.
    pub platforms: Registry,
    /// The folder for runs and checkpoints.
    pub state: StateDir,
    /// The state as it was typed.
    pub typed_state: Option<PathBuf>,
    /// The folder that `ferry.yaml` is looked for in; blank: the current one.
    pub base: PathBuf,
    /// The configuration that was typed.
    pub config: Option<PathBuf>,
    /// The words after `ferry`, as typed.
    pub words: Vec<String>,
    /// The folder in which it was typed.
    pub folder: PathBuf,
    /// The run that is resumed by name.
    pub resumes: Option<String>,
    /// The job of `ferry.yaml` that it is.
    pub job: Option<String>,
    /// Whether the notes about the configuration have been printed.
    pub knows_notes: bool,
}

impl Context {
    /// The configuration, or the connections named after their platforms. Prints its notes once.
    pub fn configuration(&self) -> Result<Config, Failure> {
        let config = self.load_config()?;
        if !self.knows_notes {
            config.notes.iter().for_each(|note| self.console.note(note));
        }
        Ok(config)
    }

    /// What was typed, with the command lines that the run may print. `source` is the file that it reads.
    pub(super) fn typed(&self, source: Option<&str>, plan: Plan) -> Typed {
        let suggest = suggestions(&self.words, source);
        let (words, folder, job) = (self.words.clone(), self.folder.clone(), self.job.clone());
        Typed { words, folder, job, suggest, plan: Some(plan) }
    }

    /// The plan of a run that does this work.
    pub(super) fn plan(&self, work: Work) -> Plan {
        Plan::new(work, self.config.clone())
    }

    /// What a command works with that repeats the plan of a run, wherever it was started.
    pub(super) fn again(&self, plan: &Plan, run: &RunRecord) -> Context {
        let state = self.state.at(std::path::absolute(&self.state).unwrap_or_else(|_| self.state.to_path_buf()));
        let is_here = self.is_in(&run.folder);
        Context {
            state: if is_here { self.state.clone() } else { state },
            base: if is_here { PathBuf::new() } else { run.folder.clone() },
            config: plan.config.clone(),
            ..self.in_state(self.state.clone())
        }
    }

    /// The words that name the state, from any folder: none where it is the usual one, and none of a shared store that a
    /// variable names.
    pub(super) fn state_words(&self, usual: &Path) -> Vec<String> {
        let state = std::path::absolute(&self.state).unwrap_or_else(|_| self.state.to_path_buf());
        let is_typed = || self.words.iter().any(|word| word == "--state" || word.starts_with("--state="));
        match self.state.shared_store() {
            Some(address) if is_typed() => vec!["--state".to_owned(), address.to_string()],
            Some(_) => Vec::new(),
            None if state == usual => Vec::new(),
            None => vec!["--state".to_owned(), state.display().to_string()],
        }
    }

    /// Whether the process was started in this folder.
    pub(super) fn is_in(&self, folder: &Path) -> bool {
        self.base.as_os_str().is_empty() && self.folder == folder
    }

    fn load_config(&self) -> Result<Config, ConfigError> {
        Config::load_in(&self.base, &self.platforms, self.config.as_deref(), &self.env)
    }

    /// The same, with the state folder under another name.
    pub(super) fn in_state(&self, state: StateDir) -> Context {
        Context {
            platforms: self.platforms.clone(),
            console: self.console.clone(),
            env: self.env.clone(),
            state,
            typed_state: self.typed_state.clone(),
            base: self.base.clone(),
            config: self.config.clone(),
            words: self.words.clone(),
            folder: self.folder.clone(),
            resumes: self.resumes.clone(),
            job: self.job.clone(),
            knows_notes: self.knows_notes,
        }
    }

    /// Creates the state folder, makes it private and removes what killed processes left there. A dry run changes nothing in
    /// it.
    pub fn make_state(&self, is_dry: bool) -> Result<(), Failure> {
        make_private(&self.state)?;
        if !is_dry {
            sweep_state(&self.state);
            sweep_copies(&self.state);
        }
        if let Some(note) = tighten(&self.state, is_dry) {
            self.console.note(&note);
        }
        Ok(())
    }

    /// What no option may overwrite: the state folder, the configuration, and the files that are read.
    pub(super) fn around(&self, read: &[(&str, Option<&Path>)]) -> Around {
        let file = |(what, path): (&str, &Path)| (format!("the {what} `{}`", path.display()), path.to_owned());
        let mut files: Vec<_> = read.iter().filter_map(|(what, path)| Some(file((what, (*path)?)))).collect();
        let config = self.base.join(self.config.as_deref().unwrap_or(Path::new(FILE_NAME)));
        files.push(file(("configuration", &config)));
        // An error in the configuration is reported where it is used.
        let env_file = self.load_config().ok().and_then(|config| config.env_file);
        files.extend(env_file.iter().map(|path| file(("environment file", path))));
        Around { state: self.state.clone(), read: files, day: Moment::now().day() }
    }

    /// Runs a future to its end, listening to signals.
    pub fn block_on<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        work: impl FnOnce(Clock, Stop) -> F,
    ) -> Result<T, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::failed("the runtime cannot be started").cause(error))?;
        runtime.block_on(async {
            let stop = Stop::default();
            stop.listen().map_err(|error| Failure::failed("signals cannot be listened to").cause(error))?;
            work(Clock::start(), stop).await
        })
    }

    /// Prints the failure and the summary of a run; returns its exit code.
    pub fn print_end(&self, ended: &Ended) -> Exit {
        if let Some(failure) = &ended.failure {
            self.console.failure(failure);
        }
        self.console.summary(&ended.summary);
        ended.exit
    }

    /// Whether results are printed as JSON.
    pub fn is_json(&self) -> bool {
        self.console.output() == OutputKind::Json
    }
}

/// Runs work that cannot be resumed, until it ends or a signal arrives.
pub(super) async fn until_stopped<T>(
    stop: &Stop,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let mut stopping = stop.watch();
    tokio::select! {
        done = work => done,
        _ = stopping.wait_for(|is_stopping| *is_stopping) => Err(stopped()),
    }
}

pub(super) fn stopped() -> Failure {
    Failure::new(Stop::signal().unwrap_or(Exit::Interrupted), "stopped")
}

/// Starts the sandbox for this process, and gives its address and credentials to the connection.
pub(super) async fn with_sandbox(
    context: &Context,
    connection: &mut Connection,
) -> Result<crate::sandbox::Sandbox, Failure> {
    use crate::sandbox::{Keys, SandboxOptions};
    let options = SandboxOptions { keys: Keys::Drawn, ..SandboxOptions::new(context.state.join("sandbox")) };
    let sandbox = crate::sandbox::start(options).await?;
    crate::plan::use_sandbox(connection, &sandbox.credentials());
    Ok(sandbox)
}

/// How output looks, by the arguments and the environment.
pub(super) fn look(args: &Args, env: &Env) -> Look {
    let global = &args.global;
    Look {
        color: global.color,
        progress: global.progress,
        quiet: global.quiet,
        output: global.output,
        verbose: global.verbose,
        no_color: no_color(env),
        times: env.get(leash::VARIABLE).is_some(),
        results_to_stderr: match &args.command {
            Command::Export(export) => export.out.as_ref().is_none_or(|out| out.as_os_str() == "-"),
            Command::Convert(convert) => convert.out.as_os_str() == "-",
            command => command.is_engine(),
        },
    }
}

pub(super) fn no_color(env: &Env) -> bool {
    env.get("NO_COLOR").is_some_and(|value| !value.is_empty())
}

//! The command line: what was typed, handed to the parts that do it. One file a command, and no more.

mod apply;
pub mod args;
mod attributes;
mod check;
mod convert;
mod export;
mod import;
mod map;
mod migrate;
mod platforms;
mod resume;
mod run;
mod runs;
mod sandbox;
mod undo;
mod usage;
mod verify;

use crate::clock::Clock;
use crate::outcome::{Exit, Failure};
use crate::plan::config::FILE_NAME;
use crate::plan::{Config, Connection, Env};
use crate::report::{Choice, Console, Look, OutputKind};
use crate::run::folder::{RunInfo, make_private};
use crate::run::import::Ended;
use crate::run::stop::Stop;
use args::{Args, Command, Global};
use clap::CommandFactory;
use std::ffi::OsString;
use std::future::Future;
use std::path::PathBuf;

/// What every command works in.
pub struct Context {
    /// What people see.
    pub console: Console,
    /// The environment's variables.
    pub env: Env,
    /// The folder of runs and checkpoints.
    pub state: PathBuf,
    /// The configuration that was named.
    pub config: Option<PathBuf>,
    /// The words after `ferry`, as typed.
    pub words: Vec<String>,
    /// The folder in which it was typed.
    pub folder: PathBuf,
    /// The run that is gone on with, when somebody asked for it by name.
    pub resumes: Option<String>,
    /// What is worth knowing about the configuration is told already.
    pub knows_notes: bool,
}

/// Does what was typed, and says how it ended.
pub fn main(words: impl Iterator<Item = OsString>, vars: impl Iterator<Item = (OsString, OsString)>) -> Exit {
    let words: Vec<OsString> = words.collect();
    let env = Env::from_os(vars);
    let args = match Args::understand(&words) {
        Ok(args) => args,
        Err(error) => return refused(&error, &words, &env),
    };
    let words = words.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    start(args, env, words)
}

/// Shows the help that was asked for, or says what is wrong with the words.
fn refused(error: &clap::Error, words: &[OsString], env: &Env) -> Exit {
    let Some(failure) = usage::failure_of(error, words) else {
        // A help text that nobody reads to its end is no failure.
        let _ = error.print();
        return if error.use_stderr() { Exit::Usage } else { Exit::Done };
    };
    let has = |when: &str| {
        let joined = format!("--color={when}");
        words.iter().any(|word| word.as_os_str() == joined.as_str())
            || words.windows(2).any(|pair| pair.iter().map(OsString::as_os_str).eq(["--color", when]))
    };
    let color = match (has("always"), has("never")) {
        (true, _) => Choice::Always,
        (_, true) => Choice::Never,
        _ => Choice::Auto,
    };
    let console = Console::new(Look { color, no_color: no_color(env), ..Look::default() });
    console.failure(&failure);
    console.finish(failure.exit)
}

/// Does what the arguments say. Also called for a run that is gone on with, with the words of that run.
fn start(args: Args, env: Env, words: Vec<String>) -> Exit {
    let console = Console::new(look(&args, &env));
    log(args.global.verbose);
    let folder = std::env::current_dir().unwrap_or_default();
    let state = state_folder(&args.global, &env);
    let context = Context {
        console,
        env,
        state,
        config: args.global.config.clone(),
        words,
        folder,
        resumes: None,
        knows_notes: false,
    };
    let exit = match dispatch(&args, &context) {
        Ok(exit) => exit,
        Err(failure) => {
            context.console.failure(&failure);
            failure.exit
        }
    };
    context.console.finish(exit)
}

fn dispatch(args: &Args, context: &Context) -> Result<Exit, Failure> {
    match &args.command {
        Command::Import(import) => import::run(import, context),
        Command::Export(export) => export::run(export, context),
        Command::Migrate(migrate) => migrate::run(migrate, context),
        Command::Convert(convert) => convert::run(convert, context),
        Command::Run(run) => run::run(run, context),
        Command::Resume(resume) => resume::run(resume, context),
        Command::Apply(apply) => apply::run(apply, context),
        Command::Verify(verify) => verify::run(verify, context),
        Command::Undo(undo) => undo::run(undo, context),
        Command::Runs(runs) => runs::run(runs, context),
        Command::Check(check) => check::run(check, context),
        Command::Attributes(attributes) => attributes::run(attributes, context),
        Command::Sandbox(sandbox) => sandbox::run(sandbox, context),
        Command::Platforms(platforms) => platforms::run(platforms, context),
        Command::Map(map) => map::run(map, context),
        Command::Completions(completions) => {
            let mut script = Vec::new();
            clap_complete::generate(completions.shell, &mut Args::command(), "ferry", &mut script);
            context.console.result_line(String::from_utf8_lossy(&script).trim_end());
            Ok(Exit::Done)
        }
    }
}

/// The files that a run was told to read: what each is, and its path. None of them is to be written over.
fn files_read(info: &RunInfo) -> Vec<(String, PathBuf)> {
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

fn look(args: &Args, env: &Env) -> Look {
    let global = &args.global;
    Look {
        color: global.color,
        progress: global.progress,
        quiet: global.quiet,
        output: global.output,
        verbose: global.verbose,
        no_color: no_color(env),
        results_to_stderr: match &args.command {
            Command::Export(export) => export.out.as_ref().is_none_or(|out| out.as_os_str() == "-"),
            Command::Convert(convert) => convert.out.as_os_str() == "-",
            _ => false,
        },
    }
}

fn no_color(env: &Env) -> bool {
    env.get("NO_COLOR").is_some_and(|value| !value.is_empty())
}

fn log(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    // A second subscriber in one process is refused; the first one serves.
    let _ = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(false)
        .try_init();
}

/// `--state`, else `FERRY_STATE`, else `.ferry` beside `ferry.yaml`, else here.
fn state_folder(global: &Global, env: &Env) -> PathBuf {
    if let Some(state) = &global.state {
        return state.clone();
    }
    if let Some(state) = env.get("FERRY_STATE").filter(|state| !state.is_empty()) {
        return PathBuf::from(state);
    }
    let beside = global.config.as_ref().and_then(|config| config.parent()).map(|folder| folder.join(".ferry"));
    beside.unwrap_or_else(|| PathBuf::from(".ferry"))
}

impl Context {
    /// The configuration, or the connections named after their platforms; what is worth knowing about it is told.
    pub fn configuration(&self) -> Result<Config, Failure> {
        let config = Config::load(self.config.as_deref(), &self.env)?;
        if !self.knows_notes {
            config.notes.iter().for_each(|note| self.console.note(note));
        }
        Ok(config)
    }

    /// The same, with the state folder under another name.
    fn in_state(&self, state: PathBuf) -> Context {
        Context {
            console: self.console.clone(),
            env: self.env.clone(),
            state,
            config: self.config.clone(),
            words: self.words.clone(),
            folder: self.folder.clone(),
            resumes: self.resumes.clone(),
            knows_notes: self.knows_notes,
        }
    }

    /// Makes the state folder.
    pub fn make_state(&self) -> Result<(), Failure> {
        make_private(&self.state)
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

    /// Tells how a run ended.
    pub fn tell(&self, ended: &Ended) -> Exit {
        if let Some(failure) = &ended.failure {
            self.console.failure(failure);
        }
        self.console.summary(&ended.summary);
        ended.exit
    }

    /// Whether results are for a program to read.
    pub fn is_json(&self) -> bool {
        self.console.output() == OutputKind::Json
    }
}

/// The work of a command that leaves nothing to go on with, unless it is told to stop before its end.
async fn until_told<T>(stop: &Stop, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let mut told = stop.watch();
    tokio::select! {
        done = work => done,
        _ = told.wait_for(|told| *told) => Err(stopped()),
    }
}

fn stopped() -> Failure {
    Failure::new(Stop::signal().unwrap_or(Exit::Interrupted), "stopped")
}

/// Starts the sandbox for this process, and gives its address and credentials to the connection.
pub async fn with_sandbox(context: &Context, connection: &mut Connection) -> Result<crate::sandbox::Sandbox, Failure> {
    let options = crate::sandbox::SandboxOptions::new(context.state.join("sandbox"));
    let sandbox = crate::sandbox::start(options).await?;
    crate::plan::use_sandbox(connection, &sandbox.credentials());
    Ok(sandbox)
}

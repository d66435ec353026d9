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
mod rehearsed;
mod resume;
mod run;
mod runs;
mod sandbox;
mod undo;
mod usage;
mod verify;

use crate::clock::Clock;
use crate::files::sweep_state;
use crate::outcome::{Exit, Failure};
use crate::plan::config::FILE_NAME;
use crate::plan::{Around, Config, Connection, Env, check_state};
use crate::platforms::Registry;
use crate::report::{Choice, Console, Look, OutputKind};
use crate::run::active::close::Ended;
use crate::run::active::folder::{make_private, tighten};
use crate::run::active::record::RunRecord;
use crate::run::retain::Moment;
use crate::run::stop::Stop;
use args::{Args, Command, Global};
use clap::CommandFactory;
use std::ffi::OsString;
use std::future::Future;
use std::path::{Path, PathBuf};

/// What every command works in.
pub struct Context {
    /// What people see.
    pub console: Console,
    /// The environment's variables.
    pub env: Env,
    /// The platforms that a connection can name.
    pub platforms: Registry,
    /// The folder of runs and checkpoints.
    pub state: PathBuf,
    /// The configuration that was named.
    pub config: Option<PathBuf>,
    /// The words after `ferry`, as typed.
    pub words: Vec<String>,
    /// The folder in which it was typed.
    pub folder: PathBuf,
    /// The run that is resumed by its name.
    pub resumes: Option<String>,
    /// Whether it is a job of `ferry.yaml`.
    pub is_job: bool,
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
    fail_at_file_limits();
    log(args.global.verbose);
    let folder = std::env::current_dir().unwrap_or_default();
    let state = match state_folder(&args.global, &env) {
        Ok(state) => state,
        Err(failure) => {
            console.failure(&failure);
            return console.finish(failure.exit);
        }
    };
    let context = Context {
        console,
        env,
        platforms: Registry::built_in(),
        state,
        config: args.global.config.clone(),
        words,
        folder,
        resumes: None,
        is_job: false,
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

/// A limit on the size of files makes writing fail, with a message, and does not kill.
fn fail_at_file_limits() {
    #[cfg(unix)]
    {
        // Whether it was received is told by the failure itself.
        let received = std::sync::Arc::default();
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, received);
    }
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
fn files_read(info: &RunRecord) -> Vec<(String, PathBuf)> {
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
///
/// # Errors
/// Exit 2 when it is an address.
fn state_folder(global: &Global, env: &Env) -> Result<PathBuf, Failure> {
    if let Some(state) = &global.state {
        return check_state("--state", state).map(|()| state.clone());
    }
    if let Some(state) = env.get("FERRY_STATE").filter(|state| !state.is_empty()).map(PathBuf::from) {
        return check_state("FERRY_STATE", &state).map(|()| state);
    }
    let beside = global.config.as_ref().and_then(|config| config.parent()).map(|folder| folder.join(".ferry"));
    Ok(beside.unwrap_or_else(|| PathBuf::from(".ferry")))
}

impl Context {
    /// The configuration, or the connections named after their platforms; what is worth knowing about it is told.
    pub fn configuration(&self) -> Result<Config, Failure> {
        let config = Config::load(&self.platforms, self.config.as_deref(), &self.env)?;
        if !self.knows_notes {
            config.notes.iter().for_each(|note| self.console.note(note));
        }
        Ok(config)
    }

    /// The same, with the state folder under another name.
    fn in_state(&self, state: PathBuf) -> Context {
        Context {
            platforms: self.platforms.clone(),
            console: self.console.clone(),
            env: self.env.clone(),
            state,
            config: self.config.clone(),
            words: self.words.clone(),
            folder: self.folder.clone(),
            resumes: self.resumes.clone(),
            is_job: self.is_job,
            knows_notes: self.knows_notes,
        }
    }

    /// Creates the state folder, and makes it as it should be: private, and without what killed processes have left. A dry
    /// run leaves what is there as it is.
    pub fn make_state(&self, is_dry: bool) -> Result<(), Failure> {
        make_private(&self.state)?;
        if !is_dry {
            sweep_state(&self.state);
        }
        if let Some(note) = tighten(&self.state, is_dry) {
            self.console.note(&note);
        }
        Ok(())
    }

    /// What no option may write over: the state folder, the configuration, and the files that are read.
    fn around(&self, read: &[(&str, Option<&Path>)]) -> Around {
        let file = |(what, path): (&str, &Path)| (format!("the {what} `{}`", path.display()), path.to_owned());
        let mut files: Vec<_> = read.iter().filter_map(|(what, path)| Some(file((what, (*path)?)))).collect();
        let config = self.config.as_deref().unwrap_or(Path::new(FILE_NAME));
        files.push(file(("configuration", config)));
        // What is wrong with the configuration is told where it is used.
        let env_file =
            Config::load(&self.platforms, self.config.as_deref(), &self.env).ok().and_then(|config| config.env_file);
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
    use crate::sandbox::{Keys, SandboxOptions};
    let options = SandboxOptions { keys: Keys::Drawn, ..SandboxOptions::new(context.state.join("sandbox")) };
    let sandbox = crate::sandbox::start(options).await?;
    crate::plan::use_sandbox(connection, &sandbox.credentials());
    Ok(sandbox)
}

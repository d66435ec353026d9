//! The command line: parses arguments and hands each command to its own file. It holds no logic of the commands.

mod airbyte;
mod apply;
pub mod args;
mod asked_before;
mod attributes;
mod check;
mod context;
mod convert;
mod engines;
mod export;
mod files_read;
mod help;
mod import;
mod init;
mod inspect;
mod jobs;
mod looked;
mod map;
mod migrate;
mod on_finish;
mod platforms;
mod rehearsed;
mod resume;
mod run;
mod runs;
mod sandbox;
mod schema;
mod singer;
mod suggest;
mod undo;
mod usage;
mod verify;
mod worker;

use crate::outcome::{Exit, Failure};
use crate::plan::{Env, check_state, secret_of};
use crate::platforms::Registry;
use crate::report::{Choice, Console, Look};
use crate::store::StateDir;
use crate::store::postgres::{Given, PostgresAddress, is_postgres};
use crate::worker::leash;
use args::{Args, Command, Global};
use clap::CommandFactory;
use context::{Context, look, no_color};
use help::Topic;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Names under which an orchestrator starts the program, because it knows a path and no arguments; and what they stand for.
const NAMES: [(&str, [&str; 2]); 4] = [
    ("tap-ferry", ["singer", "tap"]),
    ("target-ferry", ["singer", "target"]),
    ("source-ferry", ["airbyte", "source"]),
    ("destination-ferry", ["airbyte", "destination"]),
];

/// The words with those that the name of the program stands for.
fn by_name(mut words: Vec<OsString>) -> Vec<OsString> {
    let name = words.first().and_then(|word| Path::new(word).file_name()?.to_str());
    if let Some((_, more)) = NAMES.iter().find(|(known, _)| Some(*known) == name) {
        words.splice(1..1, more.iter().map(OsString::from));
    }
    words
}

/// Runs the command that was typed; returns its exit code.
pub fn main(words: impl Iterator<Item = OsString>, vars: impl Iterator<Item = (OsString, OsString)>) -> Exit {
    let words = by_name(words.collect());
    let env = Env::from_os(vars);
    let args = match Args::understand(&words) {
        Ok(args) => args,
        Err(error) => return refused(&error, &words, &env),
    };
    if let Command::Help(help) = &args.command {
        return show_help(help, &args, &env);
    }
    let words = words.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    start(args, env, words)
}

/// Prints the help of a topic. Needs neither a configuration nor a state folder.
fn show_help(typed: &args::Help, args: &Args, env: &Env) -> Exit {
    let console = Console::new(look(args, env));
    match help::topic(typed) {
        Ok(Topic::Mapping(text)) => console.result_line(&text),
        Ok(Topic::Command(words)) => {
            let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
            return Args::understand(&words).err().map_or(Exit::Done, |error| refused(&error, &words, env));
        }
        Err(failure) => {
            console.failure(&failure);
            return console.finish(failure.exit);
        }
    }
    console.finish(Exit::Done)
}

/// Prints the help that was asked for, or reports what is wrong with the words.
fn refused(error: &clap::Error, words: &[OsString], env: &Env) -> Exit {
    let Some(failure) = usage::failure_of(error, words) else {
        // A help text that is not read to its end is not a failure.
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

/// Runs the command of these arguments.
fn start(args: Args, env: Env, words: Vec<String>) -> Exit {
    let console = Console::new(look(&args, &env));
    fail_at_file_limits();
    if let Err(error) = leash::obey(env.get(leash::VARIABLE)) {
        console.failure(&Failure::failed("the worker cannot be obeyed").cause(error));
        return console.finish(Exit::Failed);
    }
    log(args.global.verbose);
    let folder = std::env::current_dir().unwrap_or_default();
    let mut global = args.global.clone();
    if args.command.is_engine() {
        // These are the protocol's there.
        (global.config, global.state) = (None, None);
    }
    let config = config_file(&global, &env);
    let state = match state_of(&global, config.as_deref(), &env) {
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
        typed_state: global.state.clone(),
        base: PathBuf::new(),
        config,
        words,
        folder,
        resumes: None,
        job: None,
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

/// Makes writing beyond a limit on the size of files fail with a message, where it would kill the process.
fn fail_at_file_limits() {
    #[cfg(unix)]
    {
        // The failed write reports it.
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
        Command::Run(run) => run::run(run, context, dispatch),
        Command::Resume(resume) => resume::run(resume, context),
        Command::Apply(apply) => apply::run(apply, context),
        Command::Verify(verify) => verify::run(verify, context),
        Command::Undo(undo) => undo::run(undo, context),
        Command::Runs(runs) => runs::run(runs, context),
        Command::Check(check) => check::run(check, context),
        Command::Attributes(attributes) => attributes::run(attributes, context),
        Command::Sandbox(sandbox) => sandbox::run(sandbox, context),
        Command::Platforms(platforms) => platforms::run(platforms, context),
        Command::Init(init) => init::run(init, context),
        Command::Inspect(inspect) => inspect::run(inspect, context),
        Command::Map(map) => map::run(map, context),
        Command::Schema(schema) => schema::run(schema, context),
        Command::Jobs(jobs) => jobs::run(jobs, context),
        Command::Worker(worker) => worker::run(worker, context),
        Command::Singer(_) => singer::run(args, context),
        Command::Airbyte(_) => airbyte::run(args, context),
        // Printed before there is a context.
        Command::Help(_) => Ok(Exit::Done),
        Command::Completions(completions) => {
            let mut script = Vec::new();
            clap_complete::generate(completions.shell, &mut Args::command(), "ferry", &mut script);
            context.console.result_line(String::from_utf8_lossy(&script).trim_end());
            Ok(Exit::Done)
        }
    }
}

fn log(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    // Fails in a process that has a subscriber, which then serves.
    let _ = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(false)
        .try_init();
}

/// `--config`, else `FERRY_CONFIG`.
fn config_file(global: &Global, env: &Env) -> Option<PathBuf> {
    let variable = || env.get("FERRY_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from);
    global.config.clone().or_else(variable)
}

/// The password of the database, or a reference to it.
const PASSWORD: &str = "FERRY_STATE_PASSWORD";

/// `--state`, else `FERRY_STATE`, else `.ferry` beside the configuration that was named, else here.
///
/// # Errors
/// Exit 2 when it is an address that no store has.
fn state_of(global: &Global, config: Option<&Path>, env: &Env) -> Result<StateDir, Failure> {
    let own = || config.and_then(Path::parent).map_or_else(|| PathBuf::from(".ferry"), |folder| folder.join(".ferry"));
    let variable = || env.get("FERRY_STATE").map(PathBuf::from);
    let (by, is_typed) = if global.state.is_some() { ("--state", true) } else { ("FERRY_STATE", false) };
    let Some(state) = global.state.clone().or_else(variable) else { return Ok(StateDir::in_folder(own())) };
    match state.to_str().filter(|text| is_postgres(text)) {
        Some(text) => {
            let password = env.get(PASSWORD).map(|text| secret_of(PASSWORD, text, Path::new("."))).transpose()?;
            shared_state(text, &Given { by, is_typed, password, password_file: password_file(env) }, own(), env)
        }
        None => check_state(by, &state).map(|()| StateDir::in_folder(state)),
    }
}

/// Runs in a database; scratch data in the folder that `FERRY_SCRATCH` names, else in one of its own below `own`.
fn shared_state(text: &str, given: &Given<'_>, own: PathBuf, env: &Env) -> Result<StateDir, Failure> {
    let address = PostgresAddress::parse(text, given)?;
    let name = blake3::hash(address.shown().as_bytes()).to_hex();
    let below = || own.join(format!("shared-{}", name.get(..8).unwrap_or_default()));
    let scratch = env.get("FERRY_SCRATCH").map_or_else(below, PathBuf::from);
    Ok(StateDir::shared(scratch, address))
}

/// `PGPASSFILE`, else `~/.pgpass`, if it is there.
fn password_file(env: &Env) -> Option<PathBuf> {
    let at_home = || Some(PathBuf::from(env.get("HOME")?).join(".pgpass")).filter(|path| path.exists());
    env.get("PGPASSFILE").map(PathBuf::from).or_else(at_home)
}

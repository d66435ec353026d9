//! `ferry run`: the jobs of `ferry.yaml`, each as the command that it is.

use super::args::{self, Args, TypedOption};
use super::context::{Context, look};
use super::on_finish::tell;
use super::rehearsed::Rehearsed;
use super::usage;
use crate::ids::{CommandKind, RunStatus};
use crate::outcome::{Exit, Failure};
use crate::plan::Config;
use crate::plan::jobs::{self, Argument, COMMANDS, CommandWords, Given, Job, Read, Takes, Wanted};
use crate::plan::on_finish::OnFinish;
use crate::report::words::shell;
use crate::report::{Console, Look, OutputKind};
use crate::run::retain;
use crate::run::stop::Stop;
use crate::shown::escape;
use crate::yaml::{FileError, nearest};
use clap::error::{ContextKind, ContextValue};
use clap::{ArgAction, CommandFactory};
use serde_json::{Value, json};
use std::any::TypeId;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Arguments of an export in which `{date}` and `{time}` stand for a moment.
const NAMES_OF_FILES: [&str; 2] = ["out", "changes"];

/// Arguments of a job, by their names in `ferry.yaml`.
const SANDBOX: &str = "sandbox";
const DRY_RUN: &str = "dry_run";
const RESULTS: &str = "results";
const RETAIN: &str = "retain";

/// Runs the command of parsed arguments.
type Dispatch = fn(&Args, &Context) -> Result<Exit, Failure>;

pub(super) fn run(typed: &args::Run, context: &Context, dispatch: Dispatch) -> Result<Exit, Failure> {
    let config = Config::load(&context.platforms, context.config.as_deref(), &context.env)?;
    let commands = command_words();
    let wanted = wanted(typed, &config)?;
    let jobs = jobs::read(&config, &commands, wanted).map_err(|wrong| config.wrong(vec![wrong]))?;
    let jobs: Vec<Read> = jobs.into_iter().map(|read| with_refusals(read, &commands)).collect();
    let chosen = in_order(typed, &jobs);
    let sound: Vec<&Job> = chosen.iter().filter_map(|read| sound(read)).collect();
    let mistakes: Vec<FileError> = chosen.iter().flat_map(|read| read.mistakes.iter().cloned()).collect();
    let wrong = (!mistakes.is_empty()).then(|| Failure::from(config.wrong(mistakes)));
    if let (Some(wrong), true) = (&wrong, sound.is_empty()) {
        return Err(wrong.clone());
    }
    let planned = plan(&sound, &typed.options, &commands, &config, context)?;
    config.notes.iter().for_each(|note| context.console.note(note));
    // All errors are reported before the first job starts.
    wrong.iter().for_each(|wrong| context.console.failure(wrong));
    let ended = run_all(&chosen, &planned, &config, context, dispatch);
    let has_contacts = planned.iter().any(|job| look(&job.args, &context.env).results_to_stderr);
    let exit = ended.iter().filter_map(End::exit).fold(Exit::Done, Exit::worse);
    close(&ended, exit, has_contacts, context);
    Ok(exit)
}

/// The job, where nothing is wrong with it.
fn sound(read: &Read) -> Option<&Job> {
    read.job.as_ref().filter(|_| read.mistakes.is_empty())
}

/// How a job ended.
struct End<'j> {
    name: &'j str,
    /// None: it was not begun.
    exit: Option<Exit>,
    summary: Option<String>,
    /// Whether its end was told, where that was to be.
    told: Option<Result<(), Failure>>,
}

impl End<'_> {
    /// With the exit of telling its end.
    fn exit(&self) -> Option<Exit> {
        match &self.told {
            Some(Err(failure)) => self.exit.map(|exit| exit.worse(failure.exit)),
            _ => self.exit,
        }
    }
}

/// Runs the jobs one after the other; those with errors end as they are.
fn run_all<'j>(
    chosen: &[&'j Read],
    planned: &[Planned],
    config: &Config,
    context: &Context,
    dispatch: Dispatch,
) -> Vec<End<'j>> {
    let is_quiet = context.console.look().quiet;
    let mut ended: Vec<End<'j>> = Vec::new();
    for read in chosen {
        let is_shown = |end: &End<'_>| !is_quiet || end.exit() != Some(Exit::Done);
        let is_first = !ended.iter().any(is_shown);
        let job = planned.iter().find(|job| job.name == read.name);
        ended.push(match job {
            None => End { name: &read.name, exit: Some(Exit::Usage), summary: None, told: None },
            // After a signal no further job starts.
            Some(_) if Stop::signal().is_some() => End { name: &read.name, exit: None, summary: None, told: None },
            Some(job) => {
                let (exit, summary, told) = one(job, is_first, config, context, dispatch);
                End { name: &read.name, exit: Some(exit), summary, told }
            }
        });
    }
    ended
}

/// The commands that can be a job, as the command line has them.
pub(super) fn command_words() -> Vec<CommandWords> {
    let root = Args::command();
    let known = COMMANDS.iter().filter_map(|kind| root.find_subcommand(kind.name()));
    known
        .map(|command| {
            let mut command = command.clone();
            command.build();
            let own = command.get_arguments().filter(|argument| !argument.is_global_set());
            let own = own.filter(|argument| !matches!(argument.get_id().as_str(), "help" | "version"));
            CommandWords {
                name: command.get_name().to_owned(),
                about: command.get_about().map(ToString::to_string).unwrap_or_default(),
                arguments: own.map(argument).collect(),
            }
        })
        .collect()
}

fn argument(known: &clap::Arg) -> Argument {
    let name = known.get_long().unwrap_or(known.get_id().as_str());
    let is_path = known.get_value_parser().type_id() == TypeId::of::<PathBuf>();
    let is_connection = known.get_value_names().unwrap_or_default().iter().any(|name| *name == "CONNECTION");
    let takes = match known.get_action() {
        ArgAction::SetTrue | ArgAction::SetFalse | ArgAction::Count => Takes::Nothing,
        ArgAction::Append if is_path => Takes::Paths,
        ArgAction::Append => Takes::Texts,
        _ if is_connection => Takes::Connection,
        _ if is_path => Takes::Path,
        _ => Takes::Text,
    };
    Argument {
        key: name.replace('-', "_"),
        option: known.get_long().map(|long| format!("--{long}")),
        shown: known.to_string(),
        takes,
        about: known.get_help().map(ToString::to_string).unwrap_or_default(),
        choices: match takes {
            Takes::Nothing => Vec::new(),
            _ => known.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect(),
        },
        is_needed: known.is_required_set(),
    }
}

/// Errors that the command line finds in a job, each at its place, without those that are known already.
fn refusals(job: &Job, is_wrong: bool, commands: &[CommandWords]) -> Vec<FileError> {
    let Some(command) = commands.iter().find(|command| command.name == job.command) else { return Vec::new() };
    let (mut given, mut found) = (job.given.clone(), names_in_braces(job));
    while let Err(error) = Args::try_parse_from_words(&words_of(&job.command, &given)) {
        let words = ["ferry".into(), OsString::from(&job.command)];
        let Some(failure) = usage::failure_of(&error, &words) else { break };
        let about = about(&error, command);
        let error_at = |place| FileError::at(&place, in_keys(&failure.message, command));
        let hint = failure.hint.as_deref().map(|hint| in_keys(hint, command)).unwrap_or_default();
        match given.iter().position(|one| about.is_some_and(|about| about.key == one.key)) {
            Some(at) => found.push(error_at(given.remove(at).place).hint(hint)),
            // An argument that is missing because it was invalid is reported already.
            None if is_wrong || !found.is_empty() => break,
            None => {
                found.push(error_at(job.place.clone()).hint(hint));
                break;
            }
        }
    }
    found
}

/// What stands for nothing in the name of a file that an export writes.
fn names_in_braces(job: &Job) -> Vec<FileError> {
    let is_name =
        |one: &&Given| job.command == CommandKind::Export.name() && NAMES_OF_FILES.contains(&one.key.as_str());
    let names = job.given.iter().filter(is_name).flat_map(|one| one.values.iter().map(move |name| (one, name)));
    let wrong = names.filter_map(|(one, name)| Some((one, retain::check_name(&one.key, Path::new(name)).err()?)));
    wrong.map(|(one, it)| FileError::at(&one.place, it.message).hint(it.hint.unwrap_or_default())).collect()
}

/// The argument that a refusal is about.
fn about<'c>(error: &clap::Error, command: &'c CommandWords) -> Option<&'c Argument> {
    let Some(ContextValue::String(shown)) = error.get(ContextKind::InvalidArg) else { return None };
    command.arguments.iter().find(|argument| argument.shown == *shown)
}

/// A text of the command line in the words of a job: `limit` for `--limit <N>`.
fn in_keys(text: &str, command: &CommandWords) -> String {
    let known = command.arguments.iter();
    known.fold(text.to_owned(), |text, argument| {
        text.replace(&format!("`{}`", argument.shown), &format!("`{}`", argument.key))
    })
}

/// The words of a command: first what stands without an option.
fn words_of(command: &str, given: &[Given]) -> Vec<String> {
    let (options, plain): (Vec<&Given>, Vec<&Given>) = given.iter().partition(|given| given.option.is_some());
    let words = plain.into_iter().chain(options).flat_map(Given::words);
    std::iter::once(command.to_owned()).chain(words).collect()
}

impl Args {
    /// What these words mean, without the program's name.
    fn try_parse_from_words(words: &[String]) -> Result<Args, clap::Error> {
        Args::understand(std::iter::once("ferry").chain(words.iter().map(String::as_str)))
    }
}

/// The same job with the errors that the command line finds in it.
pub(super) fn with_refusals(mut read: Read, commands: &[CommandWords]) -> Read {
    let refused = read.job.iter().flat_map(|job| refusals(job, !read.mistakes.is_empty(), commands));
    let refused: Vec<FileError> = refused.collect();
    read.mistakes.extend(refused);
    read
}

/// Names of jobs that a message lists.
const NAMES_SHOWN: usize = 20;

/// The jobs that are asked for.
fn wanted<'t>(typed: &'t args::Run, config: &Config) -> Result<Wanted<'t>, Failure> {
    let names = names_of_jobs(config)?;
    if typed.all {
        return Ok(Wanted::All);
    }
    if typed.jobs.is_empty() {
        let known = listed(&names);
        return Err(
            Failure::usage("no job is named").hint(format!("the jobs are {known}; `ferry run --all` runs all of them"))
        );
    }
    all_or_failures(typed.jobs.iter().map(|name| known_job(name, &names)))?;
    Ok(Wanted::Named(&typed.jobs))
}

/// The names of all jobs; at least one.
pub(super) fn names_of_jobs(config: &Config) -> Result<Vec<String>, Failure> {
    let names = jobs::names(config).map_err(|wrong| config.wrong(vec![wrong]))?;
    if names.is_empty() {
        let message = match config.file() {
            Some(file) => format!("`{}` has no jobs", file.display()),
            None => "there is no `ferry.yaml` here, so there are no jobs".to_owned(),
        };
        let example = "nightly:\n  export: { from: CONNECTION, out: \"contacts-{date}.csv\" }";
        let hint = format!("write them into `ferry.yaml`:\njobs:\n  {}", example.replace('\n', "\n  "));
        return Err(Failure::usage(message).hint(hint));
    }
    Ok(names)
}

/// Whether there is such a job.
pub(super) fn known_job(name: &str, names: &[String]) -> Result<(), Failure> {
    if names.iter().any(|known| known == name) {
        return Ok(());
    }
    let failure = Failure::usage(format!("there is no job `{name}`"));
    let known = listed(names);
    Err(match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => failure.hint(format!("did you mean `{near}`? the jobs are {known}")),
        None => failure.hint(format!("the jobs are {known}")),
    })
}

/// The first names, and how many more there are.
fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(NAMES_SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(NAMES_SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The jobs in the order in which they are asked for.
fn in_order<'j>(typed: &args::Run, jobs: &'j [Read]) -> Vec<&'j Read> {
    if typed.all {
        return jobs.iter().collect();
    }
    typed.jobs.iter().filter_map(|name| jobs.iter().find(|job| job.name == *name)).collect()
}

/// Everything, or all failures as one.
fn all_or_failures<T>(results: impl Iterator<Item = Result<T, Failure>>) -> Result<Vec<T>, Failure> {
    let (mut done, mut failures) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(value) => done.push(value),
            Err(failure) => failures.push(failure),
        }
    }
    Failure::together(failures).map_or(Ok(done), Err)
}

/// A job that is ready to be done.
struct Planned {
    name: String,
    args: Args,
    /// The words that do the same, also from elsewhere and without `ferry run`.
    words: Vec<String>,
    /// The same as a user would type it here.
    shown: String,
    /// What is told how it ended.
    on_finish: Option<OnFinish>,
    /// Whether it is a dry run, or one with the sandbox.
    is_rehearsal: bool,
}

/// What is to be done, with what is typed for it.
fn plan(
    chosen: &[&Job],
    typed: &[TypedOption],
    commands: &[CommandWords],
    config: &Config,
    context: &Context,
) -> Result<Vec<Planned>, Failure> {
    let file = config.file().unwrap_or(Path::new(crate::plan::config::FILE_NAME));
    let mut everywhere = vec!["--config".to_owned(), full(file).display().to_string()];
    everywhere.extend(context.state_words(full(file).with_file_name(".ferry").as_path()));
    shared_files(chosen, typed, commands)?;
    let mut rehearsed = Rehearsed::new(&context.state);
    let is_typed = |option: &str| typed.iter().any(|known| known.option == option);
    all_or_failures(chosen.iter().map(|job| {
        let Some(command) = commands.iter().find(|command| command.name == job.command) else {
            return Err(Failure::failed(format!("there is no command `{}`: this is a bug in Ferry", job.command)));
        };
        let mut given = merged(job, typed, command)?;
        if has(&given, DRY_RUN) {
            without_results(job, &mut given, context);
        }
        let is_rehearsal = has(&given, DRY_RUN) || has(&given, SANDBOX) || is_typed("--sandbox");
        if has(&given, SANDBOX) || is_typed("--sandbox") {
            rehearsed.redirect(&mut given)?;
            given.retain(|one| one.key != RETAIN || one.is_typed());
        }
        let mut words = words_of(&job.command, &given);
        let shown = words.iter().map(|word| shell(word)).collect::<Vec<_>>().join(" ");
        words.extend(everywhere.iter().cloned());
        let args = Args::try_parse_from_words(&words).map_err(|error| {
            let words: Vec<OsString> = ["ferry", &job.command].map(OsString::from).into();
            let failure = usage::failure_of(&error, &words);
            let mut failure = failure.unwrap_or_else(|| Failure::usage("the options cannot be understood"));
            failure.message = format!("job `{}`: {}", job.name, failure.message);
            failure
        })?;
        let (name, on_finish, shown) = (job.name.clone(), job.on_finish.clone(), format!("ferry {shown}"));
        Ok(Planned { name, args, words, shown, on_finish, is_rehearsal })
    }))
}

fn has(given: &[Given], key: &str) -> bool {
    given.iter().any(|one| one.key == key)
}

/// A dry run writes neither results nor rejects where a job wants them.
fn without_results(job: &Job, given: &mut Vec<Given>, context: &Context) {
    for one in given.iter().filter(|one| one.key == RESULTS && !one.is_typed()) {
        let file = one.values.first().map(String::as_str).unwrap_or_default();
        let name = &job.name;
        context.console.note(&format!("job `{name}`: a dry run has no results, so `results: {file}` is ignored"));
    }
    given.retain(|one| one.is_typed() || !["rejects", RESULTS].contains(&one.key.as_str()));
}

/// Several jobs cannot write one file.
fn shared_files(chosen: &[&Job], typed: &[TypedOption], commands: &[CommandWords]) -> Result<(), Failure> {
    let is_read = |argument: &Argument| ["map", "skip"].contains(&argument.key.as_str());
    let is_file = |option: &&TypedOption| {
        let mut known = commands.iter().flat_map(|command| &command.arguments);
        known.any(|one| {
            matches!(one.takes, Takes::Path | Takes::Paths)
                && !is_read(one)
                && one.option.as_ref() == Some(&option.option)
        })
    };
    match typed.iter().find(is_file) {
        Some(option) if chosen.len() > 1 => {
            let message = format!("`{}` names one file, and there are {} jobs", option.option, chosen.len());
            Err(Failure::usage(message).hint("run one job at a time, or name the files in `ferry.yaml`"))
        }
        _ => Ok(()),
    }
}

/// What a job's command is given: what is typed wins.
fn merged(job: &Job, typed: &[TypedOption], command: &CommandWords) -> Result<Vec<Given>, Failure> {
    let mut given = job.given.clone();
    for option in typed {
        let known = command.arguments.iter().find(|known| known.option.as_ref() == Some(&option.option));
        let Some(known) = known else {
            // A job without a platform has nothing to replace by the sandbox but its paths.
            if option.option == "--sandbox" {
                continue;
            }
            let message = format!("`{}` is not an option of `ferry {}`", option.option, command.name);
            let hint = format!("job `{}` runs it: leave out the option, or the job", job.name);
            return Err(Failure::usage(message).hint(hint));
        };
        given.retain(|one| one.key != known.key);
        given.push(Given {
            key: known.key.clone(),
            option: known.option.clone(),
            values: option.values.clone(),
            raw: option.values.clone(),
            place: 0..0,
        });
    }
    Ok(given)
}

fn full(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Does one job. What it says is its own: with `--quiet` it is held back until the job has ended. Gives back how it ended,
/// its summary for scripts, and whether its end was told.
fn one(
    job: &Planned,
    is_first: bool,
    config: &Config,
    context: &Context,
    dispatch: Dispatch,
) -> (Exit, Option<String>, Option<Result<(), Failure>>) {
    let quiet = context.console.look().quiet;
    let results_to_stderr = look(&job.args, &context.env).results_to_stderr;
    let console = Console::new(Look { results_to_stderr, ..context.console.look() });
    let gap = if is_first { "" } else { "\n" };
    console.block(&format!("{gap}{}: {}\n", job.name, escape(&job.shown)));
    let own = Context {
        platforms: context.platforms.clone(),
        console,
        env: context.env.clone(),
        state: context.state.clone(),
        typed_state: context.typed_state.clone(),
        base: PathBuf::new(),
        config: config.file().map(full),
        words: job.words.clone(),
        folder: context.folder.clone(),
        resumes: None,
        job: Some(job.name.clone()),
        knows_notes: true,
    };
    let exit = dispatch(&job.args, &own).unwrap_or_else(|failure| {
        own.console.failure(&failure);
        failure.exit
    });
    let told = told(job, exit, &own);
    if quiet && exit != Exit::Done {
        own.console.block(&format!("{}: {} (exit code {})\n", job.name, words_for(exit), exit.code()));
    }
    let summary = own.console.take_json();
    let whole = told.as_ref().and_then(|told| told.as_ref().err()).map_or(exit, |failure| exit.worse(failure.exit));
    // What is held back is printed where anything failed; an output that cannot be written is a failure of the job.
    let shown = own.console.finish(whole);
    (if shown == whole { exit } else { shown }, summary, told)
}

/// Tells how a job ended, where its `on_finish` says so. A dry run and the sandbox end nothing.
fn told(job: &Planned, exit: Exit, context: &Context) -> Option<Result<(), Failure>> {
    let on_finish = job.on_finish.as_ref().filter(|on_finish| on_finish.when.has(exit.code()))?;
    if job.is_rehearsal {
        context.console.note("`on_finish` is left out in a dry run and with `--sandbox`");
        return None;
    }
    let kept = context.console.kept();
    let mut summary = summary_of(&job.name, Some(exit), kept.summary.as_deref());
    if let (Value::Object(summary), Some(failure)) = (&mut summary, kept.failure) {
        summary.insert("error".to_owned(), json!(failure));
    }
    let told = tell(on_finish, &format!("{summary}\n"), context);
    if let Err(failure) = &told {
        let message = format!("`on_finish` of job `{}`: {}", job.name, failure.message);
        context.console.failure(&Failure { message, ..failure.clone() });
    }
    Some(told)
}

/// The closing table; for scripts one object (contract 1.2), the last thing on standard output.
fn close(ended: &[End<'_>], exit: Exit, has_contacts: bool, context: &Context) {
    if context.console.output() == OutputKind::Json {
        let jobs: Vec<Value> = ended.iter().map(End::summary).collect();
        let all = json!({ "jobs": jobs, "exit": exit.code() });
        context.console.json(&serde_json::to_string_pretty(&all).unwrap_or_default(), has_contacts);
        return;
    }
    if ended.len() < 2 || context.console.look().quiet {
        return;
    }
    let width = ended.iter().map(|end| end.name.chars().count()).chain([3]).max().unwrap_or_default();
    let mut table = format!("\n{:<width$}  EXIT  STATUS\n", "JOB");
    for end in ended {
        let (name, exit) = (end.name, end.exit());
        let code = exit.map_or(String::new(), |exit| exit.code().to_string());
        table.push_str(&format!("{name:<width$}  {code:>4}  {}\n", exit.map_or("not started", words_for)));
    }
    context.console.block(&table);
}

impl End<'_> {
    /// The summary for scripts; also of telling the end, where that failed.
    fn summary(&self) -> Value {
        let mut summary = summary_of(self.name, self.exit, self.summary.as_deref());
        if let (Value::Object(summary), Some(Err(failure))) = (&mut summary, &self.told) {
            summary.insert("on_finish".to_owned(), json!({ "error": failure.to_string() }));
        }
        summary
    }
}

/// The summary of a job, with its name and exit code; of one that has none only these.
fn summary_of(name: &str, exit: Option<Exit>, summary: Option<&str>) -> Value {
    let exit = exit.map(Exit::code);
    let mut object = serde_json::Map::new();
    object.insert("job".to_owned(), json!(name));
    object.insert("exit".to_owned(), json!(exit));
    if let Some(Value::Object(summary)) = summary.and_then(|text| serde_json::from_str(text).ok()) {
        object.extend(summary);
    }
    Value::Object(object)
}

fn words_for(exit: Exit) -> &'static str {
    match exit {
        Exit::Done => RunStatus::Done.name(),
        Exit::Failed => "failed on this side",
        Exit::Usage => "wrong usage",
        Exit::Rejects => "done, some rejected",
        Exit::Unknown => "some unknown",
        Exit::Refused => "refused",
        Exit::Unavailable => "unavailable",
        Exit::Busy => "busy",
        Exit::Guard => "stopped by a guard",
        Exit::Interrupted | Exit::Terminated => "interrupted",
    }
}

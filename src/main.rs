//! The program: arguments, plan, run, report.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    forbid_core_files();
    #[cfg(target_os = "linux")]
    give_memory_back();
    ExitCode::from(ferry::cli::main(std::env::args_os(), std::env::vars_os()).code())
}

/// Has the allocator give memory back when it is freed, and that of SQLite keep one heap in place of one for each thread, because
/// a run that sends is to stay small. They take that only from the environment in which the program starts, so the program
/// starts again in its own place. Where that fails, nothing is lost but memory.
#[cfg(target_os = "linux")]
fn give_memory_back() {
    use ferry::ids::{CommandKind, RESUME};
    use std::os::unix::process::CommandExt;
    use std::path::Path;
    const OPTION: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "0");
    const OF_SQLITE: (&str, &str) = ("MALLOC_ARENA_MAX", "1");
    let mut args = std::env::args_os();
    let (Some(name), Ok(program)) = (args.next(), std::env::current_exe()) else { return };
    // Not where what runs is a loader, to which the arguments would mean something else.
    let is_itself = Path::new(&name).file_name() == program.file_name();
    // Others gain little, and those that only write files would lose time.
    let mut words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    let may_send = |word: String| match CommandKind::named(&word) {
        None if word == RESUME => Some(true),
        command => command.map(CommandKind::writes_to_platform),
    };
    let sends = words.find_map(may_send) == Some(true);
    if is_itself && sends && std::env::var_os(OPTION.0).is_none() {
        let options = [OPTION, OF_SQLITE].into_iter().filter(|(name, _)| std::env::var_os(name).is_none());
        let _goes_on_as_it_is = std::process::Command::new(program).arg0(name).args(args).envs(options).exec();
    }
}

/// Forbids files with the memory of a process that crashed: they would hold secrets and contacts. A debugger
/// can then attach only with the right to watch any program.
fn forbid_core_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let _lowering_a_limit_is_always_allowed =
            setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // A kernel that hands core files to a program does not ask for the limit.
        let _known_since_linux_2_3 = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

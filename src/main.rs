//! The program: arguments, plan, run, report.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    forbid_core_files();
    ExitCode::from(ferry::cli::main(std::env::args_os(), std::env::vars_os()).code())
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

//! The program: arguments, plan, run, report.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(ferry::cli::main(std::env::args_os(), std::env::vars_os()).code())
}

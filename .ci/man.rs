//! Writes the man pages of `ferry` and of each command, from the same definitions as `--help`:
//! `cargo run --example man -- FOLDER`.
//!
//! An example, so that the program itself carries no code for it.

use clap::{Command, CommandFactory};
use ferry::cli::args::Args;
use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err(std::io::Error::other("the folder is missing: `cargo run --example man -- FOLDER`"));
    };
    std::fs::create_dir_all(&folder)?;
    clap_mangen::generate_to(with_all_texts(Args::command().name("ferry")), &folder)
}

/// A man page leaves out the text of an option that `-h` does not list; here it is wanted.
fn with_all_texts(command: Command) -> Command {
    command.mut_args(|arg| arg.hide_short_help(false)).mut_subcommands(with_all_texts)
}

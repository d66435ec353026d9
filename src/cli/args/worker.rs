//! `ferry worker` and `ferry jobs`, with their options in the order in which help lists them.

use clap::{Args as ClapArgs, Subcommand};
use std::net::SocketAddr;

/// `ferry worker`.
#[derive(Clone, Debug, ClapArgs)]
#[command(subcommand_value_name = "ORDER", subcommand_help_heading = "Orders", args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  ferry worker --concurrency 8             run jobs, eight at a time, until TERM
  ferry worker submit acme/nightly         run a job now, also one that waits for a person
  ferry worker drain                       let all workers finish and end

The store is a PostgreSQL database: FERRY_STATE=postgres://USER@HOST/DATABASE. Its password is in
FERRY_STATE_PASSWORD (itself, file:PATH or cmd:COMMAND), or in a file that PGPASSFILE names.")]
pub struct Worker {
    #[command(subcommand)]
    #[allow(missing_docs)]
    pub order: Option<WorkerOrder>,
    /// Jobs at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub concurrency: u16,
    /// Address of /healthz and /metrics; port 0 takes any free port [default: 127.0.0.1:9464, if it is free]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
}

/// What workers are told.
#[derive(Clone, Debug, Subcommand)]
pub enum WorkerOrder {
    /// Run jobs now; one that waits for a person is freed
    Submit {
        /// Name of a job in ferry.yaml; repeatable
        #[arg(value_name = "JOB", required = true)]
        jobs: Vec<String>,
    },
    /// Let all workers finish what is in flight, take no more jobs, and end
    Drain,
}

/// `ferry jobs`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry jobs
  ferry jobs --failed
  ferry jobs --report --hours 12 --output json")]
pub struct Jobs {
    /// List only the jobs that did not end well, with their messages
    #[arg(long, conflicts_with = "report")]
    pub failed: bool,
    /// Print a report: how many tenants are fine, and what the others need, by causes
    #[arg(long)]
    pub report: bool,
    /// Hours that the report covers
    #[arg(long, value_name = "N", default_value_t = 24, requires = "report")]
    pub hours: u32,
}

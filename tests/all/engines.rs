//! Orchestrators: streams of Singer and Airbyte, written and read by hand, and the programs that drive them where they are
//! installed.

mod airbyte;
mod deploy;
mod mapped;
mod meltano;
mod pyairbyte;
mod singer;
mod stream;

//! The apogee binary.

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    apogee_server::cli::run(apogee_server::cli::Cli::parse()).await
}

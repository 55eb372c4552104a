//! Everything a person or CI runs: `cargo xtask <task>`.

mod arrows;
mod bench;
mod docs;
mod regen;
mod run;
mod setup;

use std::process::ExitCode;

use bench::Bench;
use clap::{Parser, Subcommand};
use run::{Failure, cargo, step};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Everything a person or CI runs")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what the checks and tests need and is missing: PostgreSQL, Chromium, Node, cargo-deny
    Setup,
    /// Set up, then everything CI checks: format, arrows, licences, lints, tests
    Ci,
    /// Run the tests
    Test {
        /// All of the long tests instead of a bounded share
        #[arg(long)]
        full: bool,
    },
    /// Check formatting, arrows, links, licences and lints
    Lint,
    /// Check who may depend on whom against the design's table
    Arrows,
    /// Check that links and paths in the documents lead somewhere
    Links,
    /// Write docs/reference again from what the binary says, and the package of examples/sr1-history
    Regen,
    /// Print the ratios of the benches against limits measured in the same run
    Bench {
        #[arg(value_enum, default_value_t)]
        what: Bench,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Setup => setup::setup(),
        Task::Ci => setup::setup().and_then(|()| lint()).and_then(|()| test(false)),
        Task::Test { full } => test(full),
        Task::Lint => lint(),
        Task::Arrows => arrows::check(),
        Task::Links => docs::check(),
        Task::Regen => regen::regen(),
        Task::Bench { what } => bench::run(what),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::from(1)
        }
    }
}

fn lint() -> Result<(), Failure> {
    step("format", || cargo(&["fmt", "--all", "--check"]))?;
    step("arrows", arrows::check)?;
    step("links", docs::check)?;
    // What other platforms need is in the lock file, too, and its licences count.
    step("crates", || cargo(&["fetch", "--locked"]))?;
    step("licences and sources", || cargo(&["deny", "--offline", "check", "licenses", "bans", "sources"]))?;
    step("lints", || {
        cargo(&[
            "clippy",
            "--locked",
            "--release",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--",
            "-D",
            "warnings",
        ])
    })
}

/// The long tests read `APOGEE_FULL`: without it they run a bounded share.
fn test(full: bool) -> Result<(), Failure> {
    step("tests", || {
        let mut command = run::command(
            "cargo",
            &["test", "--no-fail-fast", "--locked", "--release", "--workspace", "--all-features"],
        );
        if full {
            command.env("APOGEE_FULL", "1");
        }
        run::finish(command)
    })
}

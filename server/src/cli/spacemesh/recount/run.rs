use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use apogee_recount::{Interrupt, Job, JobError, Phase, Progress, RecountError, Report};
use apogee_spacemesh::id::LayerId;
use apogee_spacemesh_state::Limits;
use clap::Args;
use rustix::process::{Resource, Rlimit};

use crate::cli::competition::documents::wrong;
use crate::cli::{Answer, Failure};
use crate::spacemesh::Described;

/// The priority that everything else goes before.
const LOWEST: i32 = 19;
/// Bytes of a file that is written.
const LARGEST_FILE: u64 = 1 << 30;
/// The exit code of a process that ends because whoever started it did: the world failed.
const LEFT: i32 = 3;

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// A copy of state.sql, made with: sqlite3 state.sql "VACUUM INTO 'copy.sql'"
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The file that says what the network is
    #[arg(long, value_name = "FILE")]
    described: PathBuf,
    /// Where the report goes
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Where to keep what is needed to go on, should it be ended
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// The layer to begin with, or an earlier one; the window that a node which starts now would count where it is absent
    #[arg(long, value_name = "LAYER")]
    from: Option<u32>,
    /// MiB of memory at most
    #[arg(long, default_value_t = 4_096, value_name = "MIB", value_parser = clap::value_parser!(u64).range(256..))]
    memory: u64,
    /// Seconds of processor time at most
    #[arg(long, default_value_t = 3_600, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Leave out the signatures and slots of ballots
    #[arg(long)]
    unchecked: bool,
    /// Beside something that is more important: at the lowest priority, and no longer than standard input is open
    #[arg(long)]
    beside: bool,
}

/// Nobody else's memory or time is taken: the system ends this process at its bounds, or at its own where those are lower.
fn confine(memory: u64, seconds: u64) -> Result<(), Failure> {
    let set = |what, most: u64| {
        let most = rustix::process::getrlimit(what).maximum.map_or(most, |own| own.min(most));
        let bound = Rlimit { current: Some(most), maximum: Some(most) };
        rustix::process::setrlimit(what, bound).map_err(Failure::world)
    };
    set(Resource::As, memory.saturating_mul(1 << 20))?;
    // Neither checkpoint nor report comes near it.
    set(Resource::Fsize, LARGEST_FILE)?;
    set(Resource::Cpu, seconds)
}

/// Everything else goes first, and the end of whoever started this is its end, however that came.
fn stand_back() -> Result<(), Failure> {
    rustix::process::setpriority_process(None, LOWEST).map_err(Failure::world)?;
    std::thread::spawn(|| {
        // What they hold of a pipe is closed with them.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        // At any moment: files are there whole or not at all.
        std::process::exit(LEFT)
    });
    Ok(())
}

impl Run {
    pub(super) fn run(&self) -> Result<Answer, Failure> {
        let described = Described::read(&self.described).map_err(Failure::input)?;
        confine(self.memory, self.seconds)?;
        if self.beside {
            stand_back()?;
        }
        let job = self.job(&described);
        let asked = Arc::new(AtomicBool::new(false));
        let interrupt = Interrupt::new({
            let asked = Arc::clone(&asked);
            move || asked.load(Ordering::Relaxed)
        });
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                asked.store(true, Ordering::Relaxed);
            }
        });
        let done = tokio::task::block_in_place(|| job.run(&interrupt, &mut tell()));
        let outcome = done.map_err(|error| match error {
            JobError::File { .. } => Failure::world(error),
            JobError::Recount(RecountError::Interrupted) => {
                Failure::world("ended before its end; the same command goes on")
            }
            error => wrong(&self.file, error),
        })?;
        if let Some(why) = outcome.passed_over {
            eprintln!("apogee: the checkpoint was not gone on from: {why}");
        }
        if outcome.resumed > 0 {
            println!("resumed  {} stages were counted before", outcome.resumed);
        }
        Ok(said(&outcome.report))
    }

    fn job(&self, described: &Described) -> Job {
        let mut settings = described.recount();
        settings.from = self.from.map(LayerId);
        settings.check = !self.unchecked;
        settings.limits.bytes = settings.limits.bytes.min(self.memory.saturating_mul(1 << 20));
        Job {
            copy: self.file.clone(),
            genesis: described.params().genesis,
            reading: Limits::default(),
            settings,
            out: self.out.clone(),
            checkpoint: self.checkpoint.clone(),
        }
    }
}

/// Says once a second how far it is, to whoever looks.
fn tell() -> impl FnMut(Progress) {
    let terminal = std::io::stderr().is_terminal();
    let mut told = Instant::now();
    move |progress| {
        if terminal && told.elapsed() > Duration::from_secs(1) {
            told = Instant::now();
            let what = match progress.phase {
                Phase::Survey => "looks at",
                Phase::Read => "reads",
                Phase::Count => "counts",
            };
            eprintln!("{what} layer {} of {}", progress.layer, progress.of);
        }
    }
}

/// What a report says, in lines.
fn said(report: &Report) -> Answer {
    let first = report.layers.first().map_or(0, |layer| layer.layer.0);
    let last = report.layers.last().map_or(0, |layer| layer.layer.0);
    println!("input    {}", report.input.digest);
    println!("layers   {first} to {last}, votes decide up to {}", report.verified);
    if let Some(checks) = &report.checks {
        println!("ballots  {} are what they claim, {} are not", checks.passed, checks.failed);
    }
    if !report.is_sound() {
        println!(
            "warning  not every vote is known to be as it was cast: nothing should be decided by this report"
        );
    }
    let Some(differs) = report.differs else {
        println!("verdict  votes decide as the node does");
        return Answer::Yes;
    };
    println!("verdict  votes decide otherwise from layer {differs} on");
    println!("rewards  {} go or change, {} are the same", report.rewards.changes.len(), report.rewards.same);
    Answer::No
}

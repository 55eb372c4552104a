//! `apogee spacemesh recount`

use std::fs::File;
use std::io::{BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use apogee_domain::{Clock, Epoch, NetworkId, Subject, series};
use apogee_recount::{Interrupt, Job, JobError, Phase, RecountError, Report};
use apogee_spacemesh::id::LayerId;
use apogee_spacemesh_state::Limits;
use apogee_store::{AuditEvent, MAX_RECOUNT, Page, Recount as Kept, RecountState, Store};
use apogee_tortoise::replay;
use clap::{Args, Subcommand};
use rustix::process::{Resource, Rlimit};

use super::wrong;
use crate::cli::source::{Database, known};
use crate::cli::{Answer, Failure};
use crate::edge::SystemClock;
use crate::spacemesh::Described;

#[derive(Debug, Subcommand)]
pub(crate) enum Recount {
    /// Replay what a node told its tortoise, and hold every answer of the node against ours.
    ///
    /// Exits 1 with the first answer that differs.
    Replay(Replay),
    /// Count the votes of a copy of a node's database, in this process alone and within bounds, and write a report.
    ///
    /// Nothing but the report and the checkpoint is written. Ended at any moment, the same command goes on from the last epoch it had counted. Exits 1 where votes decide otherwise than the node.
    Run(Box<Run>),
    /// Put a report beside a network of the database, to be decided.
    Keep(Keep),
    /// The recounts of a network.
    List(List),
    /// Decide that what a recount says is final: layers up to the one that it verified are, in an index that has the same opinion there.
    Apply(Decide),
    /// Decide that a recount says nothing.
    Cancel(Decide),
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// A trace, a line of JSON for each event
    #[arg(value_name = "TRACE")]
    trace: PathBuf,
}

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
}

#[derive(Debug, Args)]
pub(crate) struct Keep {
    /// A report
    #[arg(value_name = "REPORT")]
    report: PathBuf,
    /// The file that says what the network is: the report has to be of it
    #[arg(long, value_name = "FILE")]
    described: PathBuf,
    /// The network
    #[arg(long, value_name = "NAME")]
    network: NetworkId,
    #[command(flatten)]
    database: Database,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// The network
    #[arg(long, value_name = "NAME")]
    network: NetworkId,
    #[command(flatten)]
    database: Database,
}

#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// What was counted, as `list` names it
    #[arg(value_name = "INPUT")]
    input: String,
    /// The network
    #[arg(long, value_name = "NAME")]
    network: NetworkId,
    /// Who decides
    #[arg(long, value_name = "NAME")]
    actor: String,
    /// Why, for the audit log
    #[arg(long, value_name = "WORDS")]
    reason: String,
    #[command(flatten)]
    database: Database,
}

impl Recount {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        match self {
            Self::Replay(replay) => replay.run(),
            Self::Run(run) => run.run(),
            Self::Keep(keep) => keep.run().await,
            Self::List(list) => list.run().await,
            Self::Apply(decide) => decide.run(RecountState::Applied, "recount-apply").await,
            Self::Cancel(decide) => decide.run(RecountState::Cancelled, "recount-cancel").await,
        }
    }
}

impl Replay {
    fn run(&self) -> Result<Answer, Failure> {
        let file = File::open(&self.trace).map_err(|cause| wrong(&self.trace, cause))?;
        match replay(BufReader::new(file), &apogee_tortoise::Limits::DEFAULT) {
            Ok(report) => {
                let verified = report.status.map_or(0, |status| status.verified.0);
                println!(
                    "OK {} lines, {} answers are the same, verified up to layer {verified}",
                    report.lines, report.assertions
                );
                Ok(Answer::Yes)
            }
            Err(failure) => {
                println!("{}: {failure}", self.trace.display());
                Ok(Answer::No)
            }
        }
    }
}

/// The layer up to which recounts that were applied reach.
fn counted(recounts: &[Kept]) -> Epoch {
    let applied = recounts.iter().filter(|recount| recount.state == RecountState::Applied);
    applied.map(|recount| recount.verified).max().unwrap_or(Epoch::GENESIS)
}

/// The layer before the first one that is indexed.
async fn begun(store: &dyn Store, network: &NetworkId) -> Result<Epoch, Failure> {
    let page = Page { after: None, limit: 1 };
    let first = store.steps(network, &series::EPOCH_LAYERS, &Subject::network(), page).await;
    let first = first.map_err(Failure::world)?.first().map(|step| step.epoch);
    Ok(first.map_or(Epoch::GENESIS, |first| first.minus(1)))
}

/// Nobody else's memory or time is taken: the system ends this process at its bounds, or at its own where those are lower.
fn confine(memory: u64, seconds: u64) -> Result<(), Failure> {
    let set = |what, most: u64| {
        let most = rustix::process::getrlimit(what).maximum.map_or(most, |own| own.min(most));
        let bound = Rlimit { current: Some(most), maximum: Some(most) };
        rustix::process::setrlimit(what, bound).map_err(Failure::world)
    };
    set(Resource::As, memory.saturating_mul(1 << 20))?;
    set(Resource::Cpu, seconds)
}

impl Run {
    fn run(&self) -> Result<Answer, Failure> {
        let described = Described::read(&self.described).map_err(Failure::input)?;
        confine(self.memory, self.seconds)?;
        let mut settings = described.recount();
        settings.from = self.from.map(LayerId);
        settings.check = !self.unchecked;
        settings.limits.bytes = settings.limits.bytes.min(self.memory.saturating_mul(1 << 20));
        let job = Job {
            copy: self.file.clone(),
            genesis: described.params().genesis,
            reading: Limits::default(),
            settings,
            out: self.out.clone(),
            checkpoint: self.checkpoint.clone(),
        };
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
        let terminal = std::io::stderr().is_terminal();
        let mut told = Instant::now();
        let done = tokio::task::block_in_place(|| {
            job.run(&interrupt, &mut |progress| {
                if terminal && told.elapsed() > Duration::from_secs(1) {
                    told = Instant::now();
                    let what = match progress.phase {
                        Phase::Survey => "looks at",
                        Phase::Read => "reads",
                        Phase::Count => "counts",
                    };
                    eprintln!("{what} layer {} of {}", progress.layer, progress.of);
                }
            })
        });
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
    println!("rewards  {} rows go or change, {} are the same", report.rewards.gone(), report.rewards.same);
    Answer::No
}

/// A report from a file, and its text.
fn read(file: &Path) -> Result<(Report, String), Failure> {
    let open = File::open(file).map_err(|cause| wrong(file, cause))?;
    let mut text = String::new();
    open.take(MAX_RECOUNT + 1).read_to_string(&mut text).map_err(|cause| wrong(file, cause))?;
    if text.len() as u64 > MAX_RECOUNT {
        return Err(wrong(file, format_args!("it has more than {MAX_RECOUNT} bytes")));
    }
    let report = Report::from_json(text.as_bytes()).map_err(|cause| wrong(file, cause))?;
    Ok((report, text))
}

fn layer(layer: LayerId) -> Epoch {
    Epoch::GENESIS.plus(layer.0)
}

impl Keep {
    async fn run(self) -> Result<Answer, Failure> {
        let (report, text) = read(&self.report)?;
        let (_, place) = self.database.place()?;
        let store = place.existing().await?;
        known(&store, &self.network).await?;
        let described = Described::read(&self.described).map_err(Failure::input)?;
        decides(&report, &described).map_err(|why| wrong(&self.report, why))?;
        described.same(&*store, &self.network).await.map_err(Failure::input)?;
        let (Some(first), Some(last)) = (report.layers.first(), report.layers.last()) else {
            return Err(wrong(&self.report, "it is of no layer"));
        };
        // The opinion on recent layers is the committee's, not that of votes.
        let Some(verified) = report.layers.iter().rfind(|layer| layer.verified && !layer.recent) else {
            return Err(wrong(
                &self.report,
                "its votes decide on none of its layers: nothing could be decided",
            ));
        };
        let kept = Kept {
            input: report.input.digest.to_string(),
            first: layer(first.layer),
            last: layer(last.layer),
            verified: layer(verified.layer),
            opinion: verified.opinion.to_string(),
            at: SystemClock.now(),
            state: RecountState::Open,
        };
        let mut work = store.begin().await.map_err(Failure::world)?;
        let new = work.put_recount(&self.network, &kept, &text).await.map_err(Failure::world)?;
        work.commit().await.map_err(Failure::world)?;
        let before = store.recount_report(&self.network, &kept.input).await.map_err(Failure::world)?;
        if before.as_deref() != Some(text.as_str()) {
            return Err(wrong(
                &self.report,
                "another report of the same copy was kept before: decide that one",
            ));
        }
        println!("{} {}", kept.input, if new { "is kept" } else { "was kept before" });
        let differs = differing(&*store, &self.network, &report).await?;
        println!("{}", differs.map_or_else(|| "The index has the same opinions.".to_owned(), |layer| {
            format!("The index has another opinion on layer {layer}: index a copy that agrees, then apply.")
        }));
        Ok(Answer::Yes)
    }
}

/// Whether a report may be decided by: it is whole, of this network and its parameters, and every vote in it is known to be as it was cast.
fn decides(report: &Report, described: &Described) -> Result<(), &'static str> {
    let settings = described.recount();
    let follows = report.layers.windows(2).all(|pair| match pair {
        [one, next] => one.layer.0.checked_add(1) == Some(next.layer.0) && one.verified >= next.verified,
        _ => true,
    });
    let ends = report.layers.iter().rfind(|layer| layer.verified).map(|layer| layer.layer);
    if report.input.genesis != described.params().genesis {
        return Err("it is of another network");
    }
    if report.config != settings.config || report.first_genesis != settings.first_genesis {
        return Err("it was counted by other parameters than the network's");
    }
    if !follows || ends.is_some_and(|last| last != report.verified) {
        return Err("its layers do not follow on each other");
    }
    if report.checks.is_none() {
        return Err("its ballots were not checked: run it without --unchecked");
    }
    if !report.is_sound() {
        return Err("not every vote is known to be as it was cast");
    }
    Ok(())
}

/// The first layer on which votes decide and the index has another opinion.
async fn differing(
    store: &dyn Store,
    network: &NetworkId,
    report: &Report,
) -> Result<Option<Epoch>, Failure> {
    for counted in report.layers.iter().filter(|layer| layer.verified && !layer.recent) {
        let indexed = store.epoch(network, layer(counted.layer)).await.map_err(Failure::world)?;
        if indexed
            .is_some_and(|indexed| !indexed.key.is_empty() && indexed.key != counted.opinion.to_string())
        {
            return Ok(Some(layer(counted.layer)));
        }
    }
    Ok(None)
}

impl List {
    async fn run(self) -> Result<Answer, Failure> {
        let (_, place) = self.database.place()?;
        let store = place.existing().await?;
        known(&store, &self.network).await?;
        println!("{:<66} {:>8} {:>8} {:>8} state", "input", "from", "to", "verified");
        for recount in store.recounts(&self.network).await.map_err(Failure::world)? {
            let Kept { input, first, last, verified, state, .. } = recount;
            println!("{input:<66} {first:>8} {last:>8} {verified:>8} {}", state.as_str());
        }
        Ok(Answer::Yes)
    }
}

impl Decide {
    async fn run(self, state: RecountState, action: &str) -> Result<Answer, Failure> {
        let (_, place) = self.database.place()?;
        let store = place.existing().await?;
        known(&store, &self.network).await?;
        if self.reason.trim().is_empty() {
            return Err(Failure::input("--reason is empty: say why"));
        }
        let found = store.recounts(&self.network).await.map_err(Failure::world)?;
        let Some(recount) = found.iter().find(|recount| recount.input == self.input) else {
            return Err(Failure::input(format!("{} has no recount {}", self.network, self.input)));
        };
        if recount.state != RecountState::Open {
            return Err(Failure::input(format!("it is {} already", recount.state.as_str())));
        }
        if state == RecountState::Applied {
            let indexed = store.epoch(&self.network, recount.verified).await.map_err(Failure::world)?;
            let agrees = indexed.is_some_and(|indexed| indexed.key == recount.opinion);
            if !agrees {
                return Err(Failure::input(format!(
                    "the index has another opinion on layer {}: index a copy that agrees with the recount first",
                    recount.verified
                )));
            }
            // Nothing becomes final that nobody counted: it begins where the last one ended, or with the index.
            let counted = counted(&found).max(begun(&*store, &self.network).await?);
            if recount.first > counted.plus(1) {
                return Err(Failure::input(format!(
                    "nobody counted the layers after {counted} and before {}: run it again with --from {}",
                    recount.first,
                    counted.plus(1)
                )));
            }
        }
        let mut work = store.begin().await.map_err(Failure::world)?;
        let decided = work.decide_recount(&self.network, &self.input, state).await.map_err(Failure::world)?;
        if !decided {
            return Err(Failure::input("somebody else has decided it meanwhile"));
        }
        let event = AuditEvent {
            at: SystemClock.now(),
            actor: format!("cli:{}", self.actor),
            action: action.to_owned(),
            subject: format!("{}/recount/{}", self.network, self.input),
            reason: self.reason,
            document: serde_json::json!({ "verified": recount.verified, "opinion": recount.opinion })
                .to_string(),
        };
        work.record(&event).await.map_err(Failure::world)?;
        work.commit().await.map_err(Failure::world)?;
        println!("{} is {}", self.input, state.as_str());
        Ok(Answer::Yes)
    }
}

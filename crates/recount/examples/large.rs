//! Goes on with the recorded network for so many layers of so many ballots, and recounts that: once from a node's decisions,
//! once without them, so that every vote of every ballot is counted.
//!
//! `cargo run --release -p apogee-recount --example large -- 4032 50`
//!
//! One ballot in eight has no block of the layer before. Signatures are not checked: those ballots have none.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use apogee_recount::{Interrupt, Recount};
use apogee_spacemesh_state::State;
use rusqlite::Connection;

use crate::made::{Failure, LAST, made, settings};

#[path = "../tests/shared/made.rs"]
mod made;

fn main() -> ExitCode {
    let arguments: Vec<u32> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let [layers, ballots] = *arguments.as_slice() else {
        eprintln!("large LAYERS BALLOTS");
        return ExitCode::from(2);
    };
    match measure(layers, ballots) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn measure(layers: u32, ballots: u32) -> Result<(), Failure> {
    let place = tempfile::tempdir()?;
    let (copy, genesis) = made(place.path(), layers, ballots)?.ok_or("no recording")?;
    println!("{} bytes", std::fs::metadata(&copy)?.len());
    for decided in [true, false] {
        if !decided {
            Connection::open(&copy)?.execute("UPDATE blocks SET validity = NULL", [])?;
        }
        let reading = apogee_spacemesh_state::Limits { kilosteps: u64::MAX, ..Default::default() };
        let state = State::open(&copy, &genesis, reading)?;
        recount(&state, layers, decided)?;
    }
    Ok(())
}

fn recount(state: &State, layers: u32, decided: bool) -> Result<(), Failure> {
    let settings = settings(layers + LAST);
    // The longest time of the processor between two questions whether to end.
    let begun = processor();
    let (last, longest) = (AtomicU64::new(begun.as_micros() as u64), Arc::new(AtomicU64::new(0)));
    let gap = Arc::clone(&longest);
    let interrupt = Interrupt::new(move || {
        let now = processor().as_micros() as u64;
        gap.fetch_max(now.saturating_sub(last.swap(now, Ordering::Relaxed)), Ordering::Relaxed);
        false
    });
    let mut recount = Recount::begin(state, settings, interrupt, &mut |_| ())?;
    let surveyed = processor();
    println!("surveyed, asked at least every {} µs", longest.swap(0, Ordering::Relaxed));
    while recount.step(&mut |_| ())? {}
    let counted = processor();
    println!("counted, asked at least every {} µs", longest.swap(0, Ordering::Relaxed));
    let report = recount.report()?.ok_or("no report")?;
    let estimate = recount.estimate();
    println!(
        "{}: verified {}, differs {:?}, {:?}; {:?}; {} steps; CPU: survey {} ms, count {} ms, report {} ms ({} bytes); peak so far {}; asked at least every {} µs",
        if decided { "decided" } else { "undecided" },
        report.verified,
        report.differs,
        report.stages,
        estimate,
        recount.work(),
        surveyed.saturating_sub(begun).as_millis(),
        counted.saturating_sub(surveyed).as_millis(),
        processor().saturating_sub(counted).as_millis(),
        report.to_json().len(),
        peak(),
        longest.load(Ordering::Relaxed),
    );
    Ok(())
}

/// Time that this thread has had of a processor; zero where the system does not tell.
fn processor() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(told.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default())
}

fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap_or("unknown").trim().to_owned()
}

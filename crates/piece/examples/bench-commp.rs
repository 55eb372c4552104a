//! Prints how fast pieces are committed to, beside bare SHA-256 of the same bytes, both on one thread. Exits with 1 below half of that.
//!
//! Both sides run in turns on the same bytes and pairs are compared, so that what else the machine does weighs on both; the median of the ratios counts.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use apogee_piece::Commitment;
use sha2::{Digest, Sha256};

/// Short enough that a turn is seldom interrupted.
const BYTES: usize = 1 << 20;
const PAIRS: usize = 801;

fn main() -> ExitCode {
    let bytes: Vec<u8> = (0..BYTES).map(|at| (at * 7 + (at >> 9)) as u8).collect();
    let plain = || {
        black_box(Sha256::digest(black_box(&bytes)));
    };
    let piece = || {
        let mut commitment = Commitment::default();
        commitment.add(black_box(&bytes));
        let _ = black_box(commitment.finish());
    };
    let (mut plains, mut pieces, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        let (one, other) = if pair % 2 == 0 {
            let one = timed(&plain);
            (one, timed(&piece))
        } else {
            let other = timed(&piece);
            (timed(&plain), other)
        };
        ratios.push(one.as_nanos() * 1_000 / other.as_nanos().max(1));
        plains.push(one);
        pieces.push(other);
    }
    let [first, ratio, third] = quartiles(&mut ratios);
    let rate = |times: &mut [Duration]| {
        let [_, median, _] = quartiles(times);
        BYTES as u128 / median.as_micros().max(1)
    };
    println!(
        "commP {} MB/s, SHA-256 {} MB/s: {ratio} ‰ of it (quartiles {first} and {third} ‰; {PAIRS} pairs of {} KiB, one thread)",
        rate(&mut pieces),
        rate(&mut plains),
        BYTES >> 10
    );
    if ratio >= 500 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn timed(work: &impl Fn()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn quartiles<T: Copy + Default + Ord>(values: &mut [T]) -> [T; 3] {
    values.sort_unstable();
    [1, 2, 3].map(|quarter| values.get(values.len() * quarter / 4).copied().unwrap_or_default())
}

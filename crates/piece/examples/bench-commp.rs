//! Prints how fast pieces are committed to, beside bare SHA-256 of the same bytes. Exits with 1 below half of that.

use std::process::ExitCode;
use std::time::Instant;

use apogee_piece::Commitment;
use sha2::{Digest, Sha256};

const BYTES: usize = 256 << 20;
const RUNS: usize = 5;

fn main() -> ExitCode {
    let bytes: Vec<u8> = (0..BYTES).map(|at| (at * 7 + (at >> 9)) as u8).collect();
    let (mut plain, mut piece) = (u128::MAX, u128::MAX);
    for _ in 0..RUNS {
        let start = Instant::now();
        std::hint::black_box(Sha256::digest(&bytes));
        plain = plain.min(start.elapsed().as_micros());
        let start = Instant::now();
        let mut commitment = Commitment::default();
        for chunk in bytes.chunks(1 << 20) {
            commitment.add(chunk);
        }
        std::hint::black_box(commitment.finish().ok());
        piece = piece.min(start.elapsed().as_micros());
    }
    let rate = |micros: u128| BYTES as u128 / micros.max(1);
    let ratio = plain * 100 / piece.max(1);
    println!("commP {} MB/s, SHA-256 {} MB/s: {ratio} % of it", rate(piece), rate(plain));
    if ratio >= 50 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

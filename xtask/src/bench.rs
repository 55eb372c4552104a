use clap::ValueEnum;

use crate::run::{Failure, cargo, step};

/// What is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Bench {
    /// Signatures in batches against one by one
    Signatures,
    /// A recorded network from its archive into both databases, with and without SNARKs
    Chain,
    /// Everything above
    #[default]
    All,
}

/// An example that prints figures and fails when one misses its bar.
struct Program {
    bench: Bench,
    name: &'static str,
    package: &'static str,
    example: &'static str,
    features: &'static str,
}

const PROGRAMS: &[Program] = &[
    Program {
        bench: Bench::Signatures,
        name: "signatures, batched against one by one",
        package: "apogee-filecoin",
        example: "bench-signatures",
        features: "",
    },
    Program {
        bench: Bench::Chain,
        name: "a recorded network, from archive to database",
        package: "apogee-indexer",
        example: "bench-chain",
        features: "snark",
    },
];

/// Run the programs of a bench, all of them, and say which missed their bars.
pub(crate) fn run(bench: Bench) -> Result<(), Failure> {
    let mut missed = Vec::new();
    for program in PROGRAMS.iter().filter(|program| bench == Bench::All || bench == program.bench) {
        let line = ["run", "--release", "--package", program.package, "--features", program.features];
        let done = step(program.name, || cargo(&[&line[..], &["--example", program.example]].concat()));
        if let Err(failure) = done {
            eprintln!("xtask: {failure}");
            missed.push(program.name);
        }
    }
    if missed.is_empty() { Ok(()) } else { Err(Failure(format!("under the bar: {}", missed.join("; ")))) }
}

use clap::ValueEnum;

use crate::run::{Failure, cargo, step};

/// What is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Bench {
    /// Signatures in batches against one by one
    Signatures,
    /// A recorded network from its archive into both databases, with and without SNARKs
    Chain,
    /// A generated chain of five blocks an epoch, verified and indexed
    Index,
    /// Boards at any epoch over 7.4 million steps, on both databases
    Asof,
    /// A board of 500 rows from memory beside a plain-text hello
    Web,
    /// A million participants ranked for a board, and pages of it at any rank beside bare reads
    Boards,
    /// A million entities ranked, paid and put into both trees beside sorting and hashing alone
    Payout,
    /// Five thousand participants ranked and paid at a new epoch
    Standings,
    /// Requests to a faucet accepted for good, beside bare insertions of the same rows
    Faucet,
    /// Leases of slots beside bare claims of rows, and a day of 4,000 miners scheduled and judged
    Leases,
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
    argument: Option<&'static str>,
    features: &'static str,
}

const PROGRAMS: &[Program] = &[
    Program {
        bench: Bench::Signatures,
        name: "signatures, batched against one by one",
        package: "apogee-filecoin",
        example: "bench-signatures",
        argument: None,
        features: "",
    },
    Program {
        bench: Bench::Chain,
        name: "a recorded network, from archive to database",
        package: "apogee-indexer",
        example: "bench",
        argument: Some("chain"),
        features: "snark",
    },
    Program {
        bench: Bench::Index,
        name: "a generated chain, from archive to database",
        package: "apogee-indexer",
        example: "bench",
        argument: Some("index"),
        features: "snark",
    },
    Program {
        bench: Bench::Asof,
        name: "boards over 7.4 million steps, SQLite",
        package: "apogee-store-sqlite",
        example: "bench-store-sqlite",
        argument: None,
        features: "",
    },
    Program {
        bench: Bench::Asof,
        name: "boards over 7.4 million steps, PostgreSQL",
        package: "apogee-store-postgres",
        example: "bench-store-postgres",
        argument: None,
        features: "",
    },
    Program {
        bench: Bench::Web,
        name: "boards from memory",
        package: "apogee-server",
        example: "bench-web",
        argument: None,
        features: "",
    },
    Program {
        bench: Bench::Boards,
        name: "a million participants ranked by a series",
        package: "apogee-leaderboard",
        example: "bench-leaderboard",
        argument: Some("ranking"),
        features: "",
    },
    Program {
        bench: Bench::Boards,
        name: "pages of a board of a million, SQLite",
        package: "apogee-server",
        example: "bench-board",
        argument: None,
        features: "",
    },
    Program {
        bench: Bench::Payout,
        name: "a million entities ranked, paid and put into both trees",
        package: "apogee-package",
        example: "bench-payout",
        argument: None,
        features: "",
    },
    Program {
        bench: Bench::Standings,
        name: "five thousand participants at a new epoch",
        package: "apogee-leaderboard",
        example: "bench-leaderboard",
        argument: Some("standings"),
        features: "",
    },
    Program {
        bench: Bench::Standings,
        name: "every page of a competition of five thousand at a new epoch",
        package: "apogee-server",
        example: "bench-standings",
        argument: None,
        features: "",
    },
    Program {
        bench: Bench::Faucet,
        name: "requests to a faucet, PostgreSQL and SQLite",
        package: "apogee-faucet",
        example: "bench-faucet",
        argument: None,
        features: "",
    },
    Program {
        bench: Bench::Leases,
        name: "leases of slots, and a day of 4,000 miners",
        package: "apogee-dealbot",
        example: "bench-leases",
        argument: None,
        features: "",
    },
    Program {
        bench: Bench::Leases,
        name: "piece commitments beside SHA-256",
        package: "apogee-piece",
        example: "bench-commp",
        argument: None,
        features: "",
    },
];

/// Run the programs of a bench, all of them, and say which missed their bars.
pub(crate) fn run(bench: Bench) -> Result<(), Failure> {
    let mut missed = Vec::new();
    for program in PROGRAMS.iter().filter(|program| bench == Bench::All || bench == program.bench) {
        let line = ["run", "--release", "--package", program.package, "--features", program.features];
        let example = ["--example", program.example, "--"];
        let done = step(program.name, || cargo(&[&line, &example[..], program.argument.as_slice()].concat()));
        if let Err(failure) = done {
            eprintln!("xtask: {failure}");
            missed.push(program.name);
        }
    }
    if missed.is_empty() { Ok(()) } else { Err(Failure(format!("under the bar: {}", missed.join("; ")))) }
}

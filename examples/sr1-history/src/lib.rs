#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod book;
mod draw;
mod keys;
mod measured;
mod people;
mod story;
mod time;
mod told;
mod versions;

use std::num::NonZeroU32;

use anyhow::{Context as _, Result, anyhow};
use apogee_competition::{Accepted, Competition, Signed};
use apogee_domain::Epoch;
use apogee_leaderboard::Standings;
use apogee_package::payout::PaymentList;
use apogee_package::{About, Claim, ClaimEffect, Clock, Contents, LedgerRow, export, facts_until};
use apogee_rules::RuleSet;

pub use keys::Signatures;
pub use time::{EPOCH_SECONDS, GENESIS, LAST};
pub use versions::NAME;

/// The file that the program writes and the repository holds, in this folder.
pub const FILE: &str = "sr1-history.apogee.zst";

/// How hard zstd tries: the file is made once and carried for ever.
const LEVEL: i32 = 19;

/// The whole story.
#[derive(Debug)]
pub struct History {
    /// The ledger.
    pub entries: Vec<Signed>,
    /// The competition after it.
    pub competition: Competition,
    /// Everything in the package.
    pub contents: Contents,
    /// The standings that are final.
    pub standings: Standings,
    /// What was approved.
    pub payments: PaymentList,
}

impl History {
    /// Tell it.
    ///
    /// # Errors
    /// A guard of the ledger refuses something, or the parts do not fit together: what does not happen as long as nothing is changed.
    pub fn tell() -> Result<Self> {
        let people = people::People::new()?;
        let facts = measured::measured(&people)?;
        let mut book = book::Book::new(&people, &facts)?;
        let story::Results { standings, payments } = story::race(&mut book, &people)?;
        let (entries, competition) = (book.entries, book.competition);
        let rules: Vec<RuleSet> =
            competition.rules().iter().map(|published| (*published.rules).clone()).collect();
        let at = Epoch::new(LAST).context("an epoch")?;
        let contents = Contents {
            about: About {
                at,
                clock: Clock {
                    epoch_seconds: NonZeroU32::new(EPOCH_SECONDS).context("an epoch lasts")?,
                    genesis: u64::try_from(GENESIS)?,
                },
                competition: NAME.parse()?,
                genesis: "invented".to_owned(),
                network: NAME.parse()?,
                producer: "sr1-history".to_owned(),
                seq: competition.seq(),
            },
            facts: facts_until(facts.clone(), &rules, at),
            rules,
            entities: competition.entities_document().map_err(|why| anyhow!("{why}"))?.list().to_vec(),
            claims: entries.iter().filter_map(Accepted::of).map(claim).collect(),
            decisions: ledger(&entries, &competition)?,
            observations: Vec::new(),
            provenance: Vec::new(),
        };
        Ok(Self { entries, competition, contents, standings, payments })
    }

    /// The package.
    ///
    /// # Errors
    /// As [`tell`](Self::tell).
    pub fn package(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        export(self.contents.clone(), &mut bytes)?;
        Ok(bytes)
    }
}

/// A package as it lies in the repository.
///
/// # Errors
/// As [`zstd`].
pub fn compressed(package: &[u8]) -> Result<Vec<u8>> {
    zstd::bulk::compress(package, LEVEL).context("the package does not compress")
}

fn claim(accepted: Accepted) -> Claim {
    let Accepted { action, entity, epoch, message, miner, signature } = accepted;
    let effect = ClaimEffect { action, entity, participant: Some(miner) };
    Claim { effect, epoch, message, signature }
}

fn ledger(entries: &[Signed], competition: &Competition) -> Result<Vec<LedgerRow>> {
    let decisions = competition.decisions_document().map_err(|why| anyhow!("{why}"))?;
    let row = |(signed, decision): (&Signed, &apogee_leaderboard::Decision)| {
        Ok(LedgerRow {
            effect: decision.effect.clone(),
            entry: serde_json::to_value(&signed.entry)?,
            hash: signed.hash,
            previous: signed.entry.previous,
            seq: signed.entry.seq,
            signatures: signed.signatures.iter().map(serde_json::to_value).collect::<Result<_, _>>()?,
        })
    };
    entries.iter().zip(decisions.list()).map(row).collect()
}

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use apogee_domain::{Digest, Epoch};
use apogee_leaderboard::{Effect, Entity, FactsDocument};
use apogee_rules::{Id, Metric, RuleSet};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the results are of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The epoch that was asked for.
    pub at: Epoch,
    /// When its epochs are, so that dates can be shown without the network.
    pub clock: Clock,
    /// The competition.
    pub competition: Id,
    /// CID of the network's genesis: tells two networks of one name apart.
    pub genesis: String,
    /// The network.
    pub network: Id,
    /// The program and version that wrote the file, for people.
    pub producer: String,
    /// Number of the last decision that was looked at; 0 for none.
    pub seq: u64,
}

/// When the epochs of a network are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// How long one lasts, in seconds.
    pub epoch_seconds: NonZeroU32,
    /// When epoch 0 began, in seconds since 1970.
    pub genesis: u64,
}

/// A signed claim and what was accepted of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// What it did.
    pub effect: ClaimEffect,
    /// The epoch at which it was accepted.
    pub epoch: Epoch,
    /// The message that was signed, to the byte.
    pub message: String,
    /// The signature as the wallet printed it.
    pub signature: String,
}

/// What an accepted claim did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimEffect {
    /// `claim`, `join`, `leave`, `transfer` and so on.
    pub action: Id,
    /// The entity that it concerns.
    pub entity: Id,
    /// The participant that it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant: Option<Id>,
}

/// An entry of the ledger and what it means for the standings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerRow {
    /// What it means for the standings (`docs/rules.md` §4); a note where that is nothing.
    pub effect: Effect,
    /// The entry that was signed, with `seq`, `act` and, after the first, `previous`.
    pub entry: Value,
    /// The hash of the entry.
    pub hash: Digest,
    /// The hash of the entry before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Digest>,
    /// Its number, from 1 on.
    pub seq: u64,
    /// Who signed it and how.
    pub signatures: Vec<Value>,
}

/// A signed attempt of a bot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// What was tried and what came of it.
    pub attempt: Value,
    /// The key of the bot.
    pub bot: String,
    /// The epoch of the attempt.
    pub epoch: Epoch,
    /// Its name, alone among those of its series, participant and epoch.
    pub id: Id,
    /// Who was observed.
    pub participant: Id,
    /// The series that counts it.
    pub series: Id,
    /// The bot's signature of the attempt.
    pub signature: String,
}

/// An indexed epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The checks of its tipset.
    pub checks: Checks,
    /// The running digest of everything indexed up to it.
    pub digest: Digest,
    /// The epoch.
    pub epoch: Epoch,
    /// Whether the digest before this epoch was given and not made here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub granted: bool,
    /// The CIDs of the tipset's blocks.
    pub key: Vec<String>,
}

/// How many checks came out how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checks {
    /// Failed.
    pub failed: u64,
    /// Not made, for want of something.
    pub not_made: u64,
    /// Passed.
    pub passed: u64,
}

/// Everything in a package but the results, which follow from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// What the results are of.
    pub about: About,
    /// Every version of the rules, from number 1 on.
    pub rules: Vec<RuleSet>,
    /// What was measured: see [`facts_until`].
    pub facts: FactsDocument,
    /// Who competes.
    pub entities: Vec<Entity>,
    /// Claims in the order in which they were accepted.
    pub claims: Vec<Claim>,
    /// The ledger up to the number that [`About`] names.
    pub decisions: Vec<LedgerRow>,
    /// What bots attempted.
    pub observations: Vec<Observation>,
    /// Where on the chain it comes from.
    pub provenance: Vec<Provenance>,
}

/// The facts as a package holds them, and as standings that are to be published are made of: in order, only series that some version of the rules reads, only
/// steps up to `at`, no participant without a step in a series.
#[must_use]
pub fn facts_until(mut facts: FactsDocument, rules: &[RuleSet], at: Epoch) -> FactsDocument {
    let read = series_read(rules);
    facts.series.retain(|series| read.contains(series.name.as_str()));
    for series in &mut facts.series {
        for (_, steps) in &mut series.steps.0 {
            steps.retain(|(epoch, _)| *epoch <= at);
        }
        series.steps.0.retain(|(_, steps)| !steps.is_empty());
        series.steps.0.sort_by(|(a, _), (b, _)| a.cmp(b));
    }
    facts.participants.sort_by(|a, b| a.id.cmp(&b.id));
    facts.series.sort_by(|a, b| a.name.cmp(&b.name));
    facts.deals.sort_by_key(|deal| deal.id);
    facts.sectors.sort_by(|a, b| (&a.participant, a.number).cmp(&(&b.participant, b.number)));
    facts
}

/// The series that some version of the rules reads.
pub(crate) fn series_read(rules: &[RuleSet]) -> BTreeSet<&str> {
    let metrics = rules.iter().flat_map(|rules| &rules.metrics);
    metrics.flat_map(Metric::series).map(|series| series.as_str()).collect()
}

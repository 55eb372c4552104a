use apogee_domain::{Digest, Epoch};
use apogee_leaderboard::{Effect, Entity};
use apogee_rules::{Id, Problem, RuleSet, canonical};
use serde_json::{Value, json};

use crate::act::Act;
use crate::claim::{Message, Verify, WalletSignature};
use crate::competition::Competition;
use crate::entry::Signed;
use crate::fold::{Broken, fold};
use crate::refusal::{Kind, Refusal};

/// An entry of the ledger as a package holds it (`docs/package.md`, `decisions`).
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// What it is said to mean for the standings.
    pub effect: &'a Effect,
    /// What was signed.
    pub entry: &'a Value,
    /// Its hash.
    pub hash: Digest,
    /// Who signed it.
    pub signatures: &'a [Value],
}

/// A claim that was accepted, as a package holds it (`docs/package.md`, `claims`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// What was asked for: `claim`, `join` and so on.
    pub action: Id,
    /// The entity that it concerns.
    pub entity: Id,
    /// Epoch of the entry.
    pub epoch: Epoch,
    /// What was signed, to the byte.
    pub message: String,
    /// Whose key signed.
    pub miner: Id,
    /// As the wallet printed it.
    pub signature: String,
}

/// What a package says beside its ledger, and what follows from that alone.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// Every version of the rules, by number.
    pub rules: &'a [RuleSet],
    /// Who competes, by id.
    pub entities: &'a [Entity],
    /// Claims, in the order of their entries.
    pub claims: &'a [Accepted],
}

/// A ledger that stands, and what it says.
#[derive(Clone, Debug)]
pub struct Founded {
    /// Its entries.
    pub entries: Vec<Signed>,
    /// The competition after all of them.
    pub competition: Competition,
}

/// Why a package does not rest on its ledger. The place is that of a row: `entities 3`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfounded {
    /// An entry does not stand.
    #[error("decisions {}: the entry does not stand", .0.seq)]
    Entry(#[source] Broken),
    /// A row is not what the ledger says, or one is missing or too many.
    #[error("{section} {row}: it is not what the ledger says")]
    Differs {
        /// The section.
        section: &'static str,
        /// Its row, counted from 1.
        row: u64,
    },
    /// The ledger leads to documents that standings could not be computed from.
    #[error("decisions 0: no documents follow from the ledger: {0}")]
    Documents(Problem),
}

impl Accepted {
    /// What an entry accepted; `None` for the act of an operator.
    #[must_use]
    pub fn of(signed: &Signed) -> Option<Self> {
        let Act::Claim { message, proof, .. } = &signed.entry.act else { return None };
        let Message { action, entity, miner, .. } = message.parse().ok()?;
        Some(Self {
            action: action.name().parse().ok()?,
            entity,
            epoch: signed.entry.epoch,
            message: message.clone(),
            miner,
            signature: proof.signature.clone(),
        })
    }
}

/// Check the ledger of a package: form, hashes and chain of its entries, the operators' signatures, every guard; then that effects, rules, entities and
/// claims are what it says. Signatures of claims are not looked at ([`check_claims`]).
///
/// # Errors
/// The first row that is not what it should be.
pub fn check_rows<'a>(
    id: Id,
    rows: impl IntoIterator<Item = Row<'a>>,
    said: &Said<'_>,
) -> Result<Founded, Unfounded> {
    let mut entries = Vec::new();
    let mut effects = Vec::new();
    for (seq, row) in (1..).zip(rows) {
        entries.push(read(&row).map_err(|refusal| Unfounded::Entry(Broken { seq, refusal }))?);
        effects.push(row.effect);
    }
    let competition = fold(id, &entries).map_err(Unfounded::Entry)?;
    let decisions = competition.decisions_document().map_err(Unfounded::Documents)?;
    let entities = competition.entities_document().map_err(Unfounded::Documents)?;
    let claims: Vec<Accepted> = entries.iter().filter_map(Accepted::of).collect();
    let published = competition.rules().iter().map(|published| &*published.rules);
    same("rules", said.rules, published)?;
    same("entities", said.entities, entities.list())?;
    same("claims", said.claims, &claims)?;
    same("decisions", effects, decisions.list().iter().map(|decision| &decision.effect))?;
    Ok(Founded { entries, competition })
}

/// Whether the key that each claim names signed it, and that of each consent. Whose key that is only the chain tells ([`audit`](crate::audit)).
/// Returns how many signatures there are.
///
/// # Errors
/// The first claim with a signature that its key did not make.
pub fn check_claims<'a>(
    entries: impl IntoIterator<Item = &'a Signed>,
    verify: &dyn Verify,
) -> Result<u64, Broken> {
    let mut count = 0;
    for Signed { entry, .. } in entries {
        let Act::Claim { message, proof, consent, .. } = &entry.act else { continue };
        for proof in [Some(proof), consent.as_ref()].into_iter().flatten() {
            let broken = |refusal| Broken { seq: entry.seq, refusal };
            let signature: WalletSignature = proof.signature.parse().map_err(broken)?;
            let bytes = proof.envelope.wrap(message.as_bytes());
            if !verify.verifies(&proof.key, &signature, &bytes) {
                let wrong = format!("{} did not make it over this message", proof.key);
                let remedy = "take the ledger from somewhere else: this one was altered";
                return Err(broken(Refusal::new(Kind::BadSignature, "act.proof.signature", wrong, remedy)));
            }
            count += 1;
        }
    }
    Ok(count)
}

/// The entry as it is kept in a ledger, read as strictly.
fn read(row: &Row<'_>) -> Result<Signed, Refusal> {
    let document = json!({"entry": row.entry, "hash": row.hash, "signatures": row.signatures});
    let text = canonical::text(&document).map_err(|e| {
        let remedy = "write it in canonical JSON, with the members of docs/competition.md";
        Refusal::new(Kind::Malformed, "document", e.to_string(), remedy)
    })?;
    Signed::read(text.as_bytes())
}

/// Whether the rows of a section are those that the ledger says.
fn same<'a, T: PartialEq + 'a>(
    section: &'static str,
    said: impl IntoIterator<Item = &'a T>,
    follows: impl IntoIterator<Item = &'a T>,
) -> Result<(), Unfounded> {
    let (mut said, mut follows) = (said.into_iter(), follows.into_iter());
    for row in 1.. {
        match (said.next(), follows.next()) {
            (None, None) => break,
            (said, follows) if said == follows => {}
            _ => return Err(Unfounded::Differs { section, row }),
        }
    }
    Ok(())
}

use apogee_domain::{Digest, Epoch, Timestamp};
use apogee_rules::{Id, canonical};
use serde::{Deserialize, Serialize};

use crate::Hex;
use crate::act::Act;
use crate::operator::Approval;
use crate::refusal::{Kind, Refusal};

/// Largest entry with its signatures, in bytes: a rule set of 1 MiB and what stands around it.
pub const ENTRY_SIZE: usize = (1 << 20) + (1 << 17);

/// What hides a private reason begins with this.
const PRIVATE: &[u8] = b"apogee-private-1\n";
/// What hides a payout address begins with this.
const PAYOUT: &[u8] = b"apogee-payout-address-1\n";

/// One act of one ledger (`docs/competition.md` §2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Whose ledger.
    pub competition: Id,
    /// Counts from 1.
    pub seq: u64,
    /// When, in microseconds since 1970; never before the entry before.
    pub time: Timestamp,
    /// The head of the chain then; never below the entry before.
    pub epoch: Epoch,
    /// Who proposed it: an operator; for a claim, the miner.
    pub actor: Id,
    /// The operators who sign it, in the order of their ids, the actor among them; none for a claim.
    pub approvers: Vec<Id>,
    /// What is done.
    pub act: Act,
    /// Why, for everybody; absent for a claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// [`private_commitment`] of a reason that is kept elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private: Option<Digest>,
    /// Where to look: epochs, CIDs, addresses of pages.
    pub evidence: Vec<String>,
    /// Hash of the report of what it does to every rank and amount, as it was shown before it was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview: Option<Digest>,
    /// Hash of the entry before; absent for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Digest>,
}

/// An entry with its hash and the signatures of its approvers, as it is kept and published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// What was signed.
    pub entry: Entry,
    /// SHA-256 of the entry's canonical JSON.
    pub hash: Digest,
    /// One of each approver, in their order.
    pub signatures: Vec<Approval>,
}

fn malformed(path: &str, wrong: impl ToString) -> Refusal {
    Refusal::new(
        Kind::Malformed,
        path,
        wrong.to_string(),
        "write it in canonical JSON, with the members of docs/competition.md",
    )
}

impl Entry {
    /// The hash that is signed and chained.
    ///
    /// # Errors
    /// [`Kind::Malformed`] for a number of 2⁵³ or more.
    pub fn hash(&self) -> Result<Digest, Refusal> {
        canonical::hash(self).map_err(|e| malformed("entry", e))
    }

    /// The entry with its signatures.
    ///
    /// # Errors
    /// As [`hash`](Self::hash).
    pub fn signed(self, signatures: Vec<Approval>) -> Result<Signed, Refusal> {
        let hash = self.hash()?;
        Ok(Signed { entry: self, hash, signatures })
    }
}

impl Signed {
    /// Read an entry from its canonical JSON, to the byte, with the hash that is its own.
    ///
    /// # Errors
    /// [`Kind::Malformed`], [`Kind::WrongHash`].
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let value = canonical::read(bytes, ENTRY_SIZE).map_err(|e| malformed("document", e))?;
        let read: Self = serde_json::from_value(value).map_err(|e| malformed("document", e))?;
        // Members that a reader passes over would be signed by nobody.
        if read.text()?.as_bytes() != bytes {
            return Err(malformed("document", "it has members that do not belong there"));
        }
        if read.entry.hash()? != read.hash {
            let wrong = "the hash is not that of the entry".to_owned();
            return Err(Refusal::new(
                Kind::WrongHash,
                "hash",
                wrong,
                "take the ledger from somewhere else: this one was altered",
            ));
        }
        Ok(read)
    }

    /// Its canonical JSON.
    ///
    /// # Errors
    /// [`Kind::Malformed`] for a number of 2⁵³ or more.
    pub fn text(&self) -> Result<String, Refusal> {
        canonical::text(self).map_err(|e| malformed("entry", e))
    }
}

/// What stands in the ledger for a private reason: SHA-256 over `apogee-private-1`, a line feed, the salt and the text.
#[must_use]
pub fn private_commitment(salt: &Hex<32>, text: &str) -> Digest {
    canonical::sha256(&[PRIVATE, &salt.0, text.as_bytes()].concat())
}

/// What stands in the ledger for a payout address until results are final: SHA-256 over `apogee-payout-address-1`, a line feed, the salt and
/// the address.
#[must_use]
pub fn payout_commitment(salt: &Hex<32>, address: &str) -> Digest {
    canonical::sha256(&[PAYOUT, &salt.0, address.as_bytes()].concat())
}

use cid::Cid;
use fvm_shared::bigint::BigInt;

use super::TipsetKey;

/// A tipset in a finality certificate (go-f3 `gpbft.TipSet`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcTipset {
    /// The tipset.
    pub key: TipsetKey,
    /// Commitments of applications; zero so far.
    pub commitments: [u8; 32],
    /// Its epoch.
    pub epoch: i64,
    /// CID of the power table that the tipset's parent state implies.
    pub power_table: Cid,
}

/// What a certificate's voters agreed on besides the chain (go-f3 `gpbft.SupplementalData`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupplementalData {
    /// Commitments of applications; zero so far.
    pub commitments: [u8; 32],
    /// CID of the next instance's power table.
    pub power_table: Cid,
}

/// How one participant's entry of the power table changes (go-f3 `certs.PowerTableDelta`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PowerDelta {
    /// Id of the miner actor.
    pub participant: u64,
    /// By how much its power changes; a participant whose power becomes zero leaves the table.
    pub power_delta: BigInt,
    /// Its new BLS key; empty when it stays.
    pub signing_key: Vec<u8>,
}

/// A finality certificate (go-f3 `certs.FinalityCertificate`, FIP-0086): a quorum's word that `ec_chain` is final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalityCertificate {
    /// Which decision of the protocol.
    pub instance: u64,
    /// The base, final already, and the tipsets that this instance makes final, oldest first.
    pub ec_chain: Vec<EcTipset>,
    /// The rest of what was voted on.
    pub supplemental: SupplementalData,
    /// Who signed, as run lengths over the indices of the power table, a run of absent ones first: `[1, 2]` is {1, 2}.
    pub signers: Vec<u64>,
    /// BDN aggregate of their signatures.
    pub signature: Vec<u8>,
    /// From this instance's power table to the next one's.
    pub power_table_delta: Vec<PowerDelta>,
}

impl FinalityCertificate {
    /// The indices in `signers` in ascending order; `None` when one is not below `members`.
    ///
    /// Run lengths are a peer's claim: nothing is allocated beyond `members` indices.
    #[must_use]
    pub fn signer_indices(&self, members: usize) -> Option<Vec<usize>> {
        let mut indices = Vec::new();
        let mut at = 0_usize;
        let mut present = false;
        for run in &self.signers {
            let end = at.checked_add(usize::try_from(*run).ok()?)?;
            if end > members {
                return None;
            }
            if present {
                indices.extend(at..end);
            }
            at = end;
            present = !present;
        }
        Some(indices)
    }

    /// The newest tipset that this certificate makes final.
    #[must_use]
    pub fn finalized(&self) -> Option<&EcTipset> {
        self.ec_chain.last()
    }
}

/// One participant of an instance (go-f3 `gpbft.PowerEntry`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PowerEntry {
    /// Id of the miner actor.
    pub id: u64,
    /// Quality-adjusted power.
    pub power: BigInt,
    /// BLS public key of its worker.
    pub public_key: Vec<u8>,
}

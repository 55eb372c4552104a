//! F3 finality certificates (FIP-0086), checked from the power table of instance 0 onward.
//!
//! Source: go-f3 `certs`, `gpbft` and `blssig`. Signatures are BDN aggregates: every signer's key counts with a coefficient that
//! is drawn from *all* keys of the table, so that nobody can choose a key that cancels another's.

mod payload;
mod table;

pub use payload::payload;
pub use table::{InvalidDelta, PowerTable};

use cid::Cid;

use super::bls::{MinPk, PublicKey};
use crate::types::{EcTipset, FinalityCertificate};

/// The most tipsets in a certificate, base included (go-f3 `gpbft.ChainMaxLen`).
pub const MAX_CHAIN: usize = 128;

/// Why a certificate was refused before its signature was looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCertificate {
    /// Certificates have to come in order.
    #[error("instance {found} where {expected} was due")]
    Instance {
        /// What was due.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// An empty or overlong chain, an unnamed tipset or epochs that do not ascend.
    #[error("its chain is invalid: {0}")]
    Chain(&'static str),
    /// Its chain does not start where the certificate before it ended.
    #[error("its chain does not start with the tipset that was final before")]
    Base,
    /// Signers that are not in the table, or have no power.
    #[error("its signers are not all members with power of the power table of {0} entries")]
    Signers(usize),
    /// Less than two thirds of the power.
    #[error("its signers hold {power} of {total} scaled power, less than two thirds")]
    Quorum {
        /// Scaled power of the signers.
        power: u64,
        /// Scaled power of all.
        total: u64,
    },
    /// A member's key is no BLS key.
    #[error("the BLS key of participant {0} is invalid")]
    Key(u64),
    /// The next power table cannot be made.
    #[error("its power table delta does not apply")]
    Delta(#[source] InvalidDelta),
    /// The next power table is not the one that was signed.
    #[error("the power table after its delta is {computed}, but {signed} was signed")]
    NextTable {
        /// CID of the table that the delta gives.
        computed: Cid,
        /// CID in the signed part.
        signed: Cid,
    },
}

/// A signature that still has to be checked; everything else about its certificate is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingSignature {
    /// Weighted sum of the signers' keys.
    pub key: PublicKey<MinPk>,
    /// What they signed.
    pub message: Vec<u8>,
    /// Their aggregate signature.
    pub signature: Vec<u8>,
}

/// Follows a chain of certificates: which instance is due, who may sign it, and where its chain must start.
#[derive(Clone, Debug)]
pub struct CertificateChain {
    network: String,
    next_instance: u64,
    table: PowerTable,
    base: Option<EcTipset>,
}

impl CertificateChain {
    /// Start with the power table of `instance`: for the manifest's initial one, the table of the tipset at bootstrap epoch − finality.
    #[must_use]
    pub fn new(network: impl Into<String>, instance: u64, table: PowerTable) -> Self {
        Self { network: network.into(), next_instance: instance, table, base: None }
    }

    /// The instance that is due.
    #[must_use]
    pub const fn next_instance(&self) -> u64 {
        self.next_instance
    }

    /// The power table of the instance that is due.
    #[must_use]
    pub const fn table(&self) -> &PowerTable {
        &self.table
    }

    /// The newest tipset that a certificate has made final.
    #[must_use]
    pub const fn finalized(&self) -> Option<&EcTipset> {
        self.base.as_ref()
    }

    /// Check all of the next certificate but its signature, and step past it.
    ///
    /// The step is provisional: should the signature, checked in a batch, turn out wrong, this chain is worthless from here on.
    ///
    /// # Errors
    /// When the certificate is wrong; then nothing has changed.
    pub fn advance(
        &mut self,
        certificate: &FinalityCertificate,
    ) -> Result<PendingSignature, InvalidCertificate> {
        if certificate.instance != self.next_instance {
            return Err(InvalidCertificate::Instance {
                expected: self.next_instance,
                found: certificate.instance,
            });
        }
        check_chain(&certificate.ec_chain)?;
        if self.base.as_ref().is_some_and(|base| certificate.ec_chain.first() != Some(base)) {
            return Err(InvalidCertificate::Base);
        }
        let key = self.table.quorum_key(certificate)?;
        let next = match certificate.power_table_delta.as_slice() {
            [] => None,
            delta => Some(self.table.apply(delta).map_err(InvalidCertificate::Delta)?),
        };
        let computed = next.as_ref().unwrap_or(&self.table).cid();
        if computed != certificate.supplemental.power_table {
            return Err(InvalidCertificate::NextTable {
                computed,
                signed: certificate.supplemental.power_table,
            });
        }
        let message = payload(&self.network, certificate);
        self.next_instance = self.next_instance.saturating_add(1);
        self.base = certificate.ec_chain.last().cloned();
        if let Some(next) = next {
            self.table = next;
        }
        Ok(PendingSignature { key, message, signature: certificate.signature.clone() })
    }
}

fn check_chain(chain: &[EcTipset]) -> Result<(), InvalidCertificate> {
    if chain.is_empty() {
        return Err(InvalidCertificate::Chain("it is empty"));
    }
    if chain.len() > MAX_CHAIN {
        return Err(InvalidCertificate::Chain("it has more than 128 tipsets"));
    }
    if chain.iter().any(|tipset| tipset.key.0.is_empty()) {
        return Err(InvalidCertificate::Chain("a tipset has no blocks"));
    }
    if chain.iter().zip(chain.iter().skip(1)).any(|(a, b)| a.epoch >= b.epoch) {
        return Err(InvalidCertificate::Chain("its epochs do not ascend"));
    }
    Ok(())
}

use serde::{Deserialize, Serialize};

use super::InvalidJson;
use super::scalar::{Bytes, Int, Link, or_empty};
use crate::types::{self, EcTipset, FinalityCertificate, SupplementalData, TipsetKey};

/// A finality certificate, as `F3GetCertificate` answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Certificate {
    #[serde(rename = "GPBFTInstance")]
    instance: u64,
    #[serde(rename = "ECChain", deserialize_with = "or_empty")]
    ec_chain: Vec<ChainTipset>,
    supplemental_data: Supplemental,
    #[serde(deserialize_with = "or_empty")]
    signers: Vec<u64>,
    signature: Bytes,
    #[serde(default, deserialize_with = "or_empty", skip_serializing_if = "Vec::is_empty")]
    power_table_delta: Vec<Delta>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChainTipset {
    #[serde(deserialize_with = "or_empty")]
    key: Vec<Link>,
    commitments: Bytes,
    epoch: i64,
    power_table: Link,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Supplemental {
    commitments: Bytes,
    power_table: Link,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Delta {
    #[serde(rename = "ParticipantID")]
    participant: u64,
    power_delta: Int,
    signing_key: Bytes,
}

impl From<&FinalityCertificate> for Certificate {
    fn from(certificate: &FinalityCertificate) -> Self {
        let tipset = |tipset: &EcTipset| ChainTipset {
            key: tipset.key.0.iter().copied().map(Link).collect(),
            commitments: Bytes(tipset.commitments.to_vec()),
            epoch: tipset.epoch,
            power_table: Link(tipset.power_table),
        };
        let delta = |delta: &types::PowerDelta| Delta {
            participant: delta.participant,
            power_delta: Int(delta.power_delta.clone()),
            signing_key: Bytes(delta.signing_key.clone()),
        };
        Self {
            instance: certificate.instance,
            ec_chain: certificate.ec_chain.iter().map(tipset).collect(),
            supplemental_data: Supplemental {
                commitments: Bytes(certificate.supplemental.commitments.to_vec()),
                power_table: Link(certificate.supplemental.power_table),
            },
            signers: certificate.signers.clone(),
            signature: Bytes(certificate.signature.clone()),
            power_table_delta: certificate.power_table_delta.iter().map(delta).collect(),
        }
    }
}

impl TryFrom<Certificate> for FinalityCertificate {
    type Error = InvalidJson;

    fn try_from(json: Certificate) -> Result<Self, InvalidJson> {
        let tipset = |tipset: ChainTipset| {
            Ok(EcTipset {
                key: TipsetKey(tipset.key.into_iter().map(|Link(cid)| cid).collect()),
                commitments: commitments(tipset.commitments)?,
                epoch: tipset.epoch,
                power_table: tipset.power_table.0,
            })
        };
        let delta = |delta: Delta| types::PowerDelta {
            participant: delta.participant,
            power_delta: delta.power_delta.0,
            signing_key: delta.signing_key.0,
        };
        Ok(Self {
            instance: json.instance,
            ec_chain: json.ec_chain.into_iter().map(tipset).collect::<Result<_, InvalidJson>>()?,
            supplemental: SupplementalData {
                commitments: commitments(json.supplemental_data.commitments)?,
                power_table: json.supplemental_data.power_table.0,
            },
            signers: json.signers,
            signature: json.signature.0,
            power_table_delta: json.power_table_delta.into_iter().map(delta).collect(),
        })
    }
}

fn commitments(Bytes(bytes): Bytes) -> Result<[u8; 32], InvalidJson> {
    bytes.try_into().map_err(|bytes: Vec<u8>| {
        InvalidJson::new("a certificate's commitments", format!("{} bytes instead of 32", bytes.len()))
    })
}

/// An entry of a power table, as `F3GetPowerTableByInstance` answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PowerEntry {
    #[serde(rename = "ID")]
    id: u64,
    #[serde(rename = "Power")]
    power: Int,
    #[serde(rename = "PubKey")]
    public_key: Bytes,
}

impl From<&types::PowerEntry> for PowerEntry {
    fn from(entry: &types::PowerEntry) -> Self {
        Self { id: entry.id, power: Int(entry.power.clone()), public_key: Bytes(entry.public_key.clone()) }
    }
}

impl From<PowerEntry> for types::PowerEntry {
    fn from(json: PowerEntry) -> Self {
        Self { id: json.id, power: json.power.0, public_key: json.public_key.0 }
    }
}

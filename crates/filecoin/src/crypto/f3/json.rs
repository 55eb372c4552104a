//! Certificates and power tables as nodes answer them (`F3GetCertificate`, `F3GetPowerTableByInstance`) and manifests carry them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cid::Cid;
use fvm_shared::bigint::BigInt;
use serde::{Deserialize, Deserializer};

use crate::types::{EcTipset, FinalityCertificate, PowerDelta, PowerEntry, SupplementalData, TipsetKey};

/// Decode the JSON of a certificate.
///
/// # Errors
/// When it is none.
pub fn certificate(json: &str) -> Result<FinalityCertificate, serde_json::Error> {
    let json: CertificateJson = serde_json::from_str(json)?;
    Ok(FinalityCertificate {
        instance: json.instance,
        ec_chain: json.ec_chain.into_iter().map(EcTipset::from).collect(),
        supplemental: SupplementalData {
            commitments: json.supplemental.commitments,
            power_table: json.supplemental.power_table.cid,
        },
        signers: json.signers,
        signature: json.signature,
        power_table_delta: json.delta.unwrap_or_default().into_iter().map(PowerDelta::from).collect(),
    })
}

/// Decode the JSON of a power table.
///
/// # Errors
/// When it is none.
pub fn power_table(json: &str) -> Result<Vec<PowerEntry>, serde_json::Error> {
    let entries: Vec<EntryJson> = serde_json::from_str(json)?;
    Ok(entries.into_iter().map(PowerEntry::from).collect())
}

#[derive(Deserialize)]
struct CertificateJson {
    #[serde(rename = "GPBFTInstance")]
    instance: u64,
    #[serde(rename = "ECChain")]
    ec_chain: Vec<TipsetJson>,
    #[serde(rename = "SupplementalData")]
    supplemental: SupplementalJson,
    #[serde(rename = "Signers")]
    signers: Vec<u64>,
    #[serde(rename = "Signature", deserialize_with = "bytes")]
    signature: Vec<u8>,
    #[serde(rename = "PowerTableDelta")]
    delta: Option<Vec<DeltaJson>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TipsetJson {
    key: Vec<LinkJson>,
    #[serde(deserialize_with = "commitments")]
    commitments: [u8; 32],
    epoch: i64,
    power_table: LinkJson,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SupplementalJson {
    #[serde(deserialize_with = "commitments")]
    commitments: [u8; 32],
    power_table: LinkJson,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeltaJson {
    #[serde(rename = "ParticipantID")]
    participant: u64,
    #[serde(deserialize_with = "integer")]
    power_delta: BigInt,
    #[serde(deserialize_with = "bytes")]
    signing_key: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EntryJson {
    #[serde(rename = "ID")]
    id: u64,
    #[serde(deserialize_with = "integer")]
    power: BigInt,
    #[serde(deserialize_with = "bytes")]
    pub_key: Vec<u8>,
}

/// `{"/": "bafy…"}`
#[derive(Deserialize)]
struct LinkJson {
    #[serde(rename = "/", deserialize_with = "parsed")]
    cid: Cid,
}

impl From<TipsetJson> for EcTipset {
    fn from(json: TipsetJson) -> Self {
        Self {
            key: TipsetKey(json.key.into_iter().map(|link| link.cid).collect()),
            commitments: json.commitments,
            epoch: json.epoch,
            power_table: json.power_table.cid,
        }
    }
}

impl From<DeltaJson> for PowerDelta {
    fn from(json: DeltaJson) -> Self {
        Self { participant: json.participant, power_delta: json.power_delta, signing_key: json.signing_key }
    }
}

impl From<EntryJson> for PowerEntry {
    fn from(json: EntryJson) -> Self {
        Self { id: json.id, power: json.power, public_key: json.pub_key }
    }
}

/// Base64, or null for nothing.
fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
    STANDARD.decode(text).map_err(serde::de::Error::custom)
}

fn commitments<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
    bytes(deserializer)?
        .try_into()
        .map_err(|_| serde::de::Error::custom("32 bytes of commitments are wanted"))
}

/// A decimal number in a string, of at most 40 digits: a power is below 2¹²⁸.
fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BigInt, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.len() > 40 {
        return Err(serde::de::Error::custom("a power has at most 40 digits"));
    }
    text.parse().map_err(serde::de::Error::custom)
}

fn parsed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cid, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

use cid::Cid;
use serde::Deserialize;

use super::super::client::{Client, Size};
use super::super::error::{Fault, RpcError};
use crate::types::json::{self, Link};
use crate::types::{FinalityCertificate, PowerEntry};

/// What F3 runs by on a network (`F3GetManifest`), as far as it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Name that goes into what is signed.
    pub network_name: String,
    /// First instance.
    pub initial_instance: u64,
    /// Epoch at which F3 starts.
    pub bootstrap_epoch: i64,
    /// CID of the first power table, once it is known.
    pub initial_power_table: Option<Cid>,
    /// How many instances back a committee is taken from.
    pub committee_lookback: u64,
    /// Epochs below the bootstrap epoch of which the first power table is taken.
    pub ec_finality: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ManifestJson {
    network_name: String,
    initial_instance: u64,
    bootstrap_epoch: i64,
    #[serde(default)]
    initial_power_table: Option<Link>,
    committee_lookback: u64,
    #[serde(rename = "EC")]
    ec: EcJson,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EcJson {
    finality: i64,
}

impl From<ManifestJson> for Manifest {
    fn from(json: ManifestJson) -> Self {
        Self {
            network_name: json.network_name,
            initial_instance: json.initial_instance,
            bootstrap_epoch: json.bootstrap_epoch,
            initial_power_table: json.initial_power_table.map(|Link(cid)| cid),
            committee_lookback: json.committee_lookback,
            ec_finality: json.ec.finality,
        }
    }
}

impl Client {
    /// `F3GetManifest`; `None` where the node has none.
    ///
    /// # Errors
    /// See [`Fault`]. So it is with every method here; nothing that is answered has been verified.
    pub async fn f3_manifest(&self) -> Result<Option<Manifest>, RpcError> {
        let answer: Option<ManifestJson> = self.read("F3GetManifest", [(); 0], Size::Ordinary).await?;
        Ok(answer.map(Into::into))
    }

    /// `F3GetCertificate` of `instance`.
    ///
    /// # Errors
    /// See [`Fault`]; another instance's certificate is malformed.
    pub async fn f3_certificate(&self, instance: u64) -> Result<FinalityCertificate, RpcError> {
        let method = "F3GetCertificate";
        let answer: json::Certificate = self.read(method, [instance], Size::Ordinary).await?;
        let certificate: FinalityCertificate = self.checked(method, answer)?;
        if certificate.instance == instance {
            Ok(certificate)
        } else {
            let detail = format!("certificate {} instead of {instance}", certificate.instance);
            Err(self.error(method, Fault::Malformed(detail)))
        }
    }

    /// `F3GetLatestCertificate`; `None` where there is none yet.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn f3_latest_certificate(&self) -> Result<Option<FinalityCertificate>, RpcError> {
        let method = "F3GetLatestCertificate";
        let answer: Option<json::Certificate> = self.read(method, [(); 0], Size::Ordinary).await?;
        answer.map(|answer| self.checked(method, answer)).transpose()
    }

    /// The power table by which `instance` votes (`F3GetPowerTableByInstance` or what the dialect calls it).
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn f3_power_table(&self, instance: u64) -> Result<Vec<PowerEntry>, RpcError> {
        let method = self.dialect().await?.power_table_method();
        let answer: Option<Vec<json::PowerEntry>> = self.read(method, [instance], Size::Ordinary).await?;
        Ok(answer.unwrap_or_default().into_iter().map(Into::into).collect())
    }
}

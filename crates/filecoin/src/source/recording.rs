use std::collections::BTreeMap;
use std::io::Read;

use serde::Deserialize;

use crate::car::{CarError, Limits, unpack};
use crate::types::{FinalityCertificate, PowerEntry, json};

/// Finality certificates that were recorded beside a chain, with the power tables a node gave for their instances.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedCertificates {
    /// In the order of the recording.
    pub certificates: Vec<FinalityCertificate>,
    /// Power table by instance.
    pub tables: BTreeMap<u64, Vec<PowerEntry>>,
}

/// Why a recording of certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It cannot be read.
    #[error("the recording of certificates cannot be read")]
    Read(#[source] CarError),
    /// A line is not what it has to be.
    #[error("line {line} of the recording of certificates: {detail}")]
    Line {
        /// Which line, from 1 on.
        line: usize,
        /// What is wrong.
        detail: String,
    },
}

/// A recorded request and its answer, both as the text that went over the wire.
#[derive(Deserialize)]
struct Exchange {
    req: String,
    resp: String,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    #[serde(default)]
    params: Vec<u64>,
}

#[derive(Deserialize)]
struct Reply<T> {
    result: Option<T>,
}

impl RecordedCertificates {
    /// Read JSON lines `{"req": "…", "resp": "…"}` of `F3GetCertificate` and `F3GetPowerTableByInstance`, plain or behind zstd.
    /// Other requests and errors are passed over.
    ///
    /// # Errors
    /// When the file is over `limits.bytes` or an answer is not what the method answers.
    pub fn read(recording: impl Read, limits: &Limits) -> Result<Self, RecordingError> {
        let bytes = unpack(recording, limits).map_err(RecordingError::Read)?;
        let mut recorded = Self::default();
        for (index, text) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if !text.is_empty() {
                recorded.line(text).map_err(|detail| RecordingError::Line { line: index + 1, detail })?;
            }
        }
        Ok(recorded)
    }

    fn line(&mut self, text: &[u8]) -> Result<(), String> {
        let said = |error: serde_json::Error| error.to_string();
        let exchange: Exchange = serde_json::from_slice(text).map_err(said)?;
        let Ok(request) = serde_json::from_str::<Request>(&exchange.req) else { return Ok(()) };
        match (request.method.as_str(), request.params.as_slice()) {
            ("Filecoin.F3GetCertificate", _) => {
                let reply: Reply<json::Certificate> = serde_json::from_str(&exchange.resp).map_err(said)?;
                if let Some(certificate) = reply.result {
                    self.certificates
                        .push(certificate.try_into().map_err(|e: json::InvalidJson| e.to_string())?);
                }
            }
            ("Filecoin.F3GetPowerTableByInstance", &[instance]) => {
                let reply: Reply<Vec<json::PowerEntry>> =
                    serde_json::from_str(&exchange.resp).map_err(said)?;
                if let Some(table) = reply.result {
                    self.tables.insert(instance, table.into_iter().map(Into::into).collect());
                }
            }
            _ => {}
        }
        Ok(())
    }
}

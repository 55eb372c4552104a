use serde::Deserialize;
use serde_json::{Map, Value};

/// Bytes of an error that are kept.
const KEPT: usize = 1 << 10;

/// How far a deal is, by product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Status {
    /// Of direct data onboarding.
    #[serde(default)]
    pub ddo_v1: Option<Progress>,
    /// Of proofs of data possession, which nothing here asks for.
    #[serde(default)]
    pub pdp_v1: Option<Progress>,
}

/// How far one product of a deal is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Progress {
    /// Where it is.
    #[serde(rename = "status")]
    pub state: State,
    /// What went wrong, in the provider's words; the first 1,024 bytes.
    #[serde(rename = "errorMsg", alias = "error_msg", default)]
    pub error: String,
}

/// Where a deal is. Only the chain says whether it is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It was taken.
    Accepted,
    /// The provider waits for the data.
    Uploading,
    /// The data is fetched and verified, and a sector is found for it.
    Processing,
    /// Its sector is sealed.
    Sealing,
    /// Its blocks are indexed.
    Indexing,
    /// The provider has given up.
    Failed,
    /// Everything is done.
    Complete,
    /// A word that is not known here.
    #[serde(other)]
    Unknown,
}

impl Progress {
    /// Whether the provider says that the data which it has is not what the piece CID names. (Words of Curio's `tasks/piece` and `tasks/storage-market`.)
    #[must_use]
    pub fn reports_mismatch(&self) -> bool {
        let said = self.error.to_lowercase();
        self.state == State::Failed
            && ["commp mismatch", "commp size mismatch"].iter().any(|words| said.contains(words))
    }
}

impl Status {
    /// From a provider.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        // Lists are read as structures as well, and no status is a list.
        let object: Map<String, Value> = serde_json::from_slice(json)?;
        let mut status: Self = serde_json::from_value(object.into())?;
        for progress in [&mut status.ddo_v1, &mut status.pdp_v1].into_iter().flatten() {
            let kept = progress.error.floor_char_boundary(KEPT);
            progress.error.truncate(kept);
        }
        Ok(status)
    }
}

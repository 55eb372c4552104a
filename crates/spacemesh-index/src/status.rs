use std::error::Error;

use apogee_domain::Epoch;
use serde::Serialize;

use crate::IndexError;

/// How indexing stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// How people call the source.
    pub source: String,
    /// The source's last executed layer, when it was last asked.
    pub head: Option<Epoch>,
    /// The newest indexed layer.
    pub indexed: Option<Epoch>,
    /// Layers up to this one are final.
    pub final_epoch: Option<Epoch>,
    /// Why nothing could be indexed when it was last tried, in words; `None` when it went well.
    pub error: Option<String>,
}

impl Status {
    /// How many layers the index is behind the head; `None` before either is known.
    #[must_use]
    pub fn lag(&self) -> Option<i64> {
        Some(self.head?.since(self.indexed?))
    }
}

/// An error with its causes, in one line.
pub(crate) fn said(error: &IndexError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

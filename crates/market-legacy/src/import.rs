use apogee_filecoin::types::json::Link;
use cid::Cid;
use serde::{Deserialize, Serialize};

/// What became of a file that the node was told to take in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Import {
    /// The root of the data.
    pub root: Cid,
    /// Its number in the node; the first nodes give none.
    pub id: Option<u64>,
}

/// How large data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DealSize {
    /// Bytes of a CAR of it.
    pub payload_size: u64,
    /// Bytes of its piece, without padding.
    pub piece_size: u64,
}

/// A file on the node's machine.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct File<'a> {
    pub(crate) path: &'a str,
    #[serde(rename = "IsCAR")]
    pub(crate) is_car: bool,
}

/// `{Root, ImportID}`, or in the middle of 2020 just the root.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Imported {
    Numbered {
        #[serde(rename = "Root")]
        root: Link,
        #[serde(rename = "ImportID")]
        id: u64,
    },
    Bare(Link),
}

impl From<Imported> for Import {
    fn from(imported: Imported) -> Self {
        match imported {
            Imported::Numbered { root, id } => Self { root: root.0, id: Some(id) },
            Imported::Bare(root) => Self { root: root.0, id: None },
        }
    }
}

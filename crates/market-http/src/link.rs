//! Piece CIDs (FRC-0069) as Curio reads and writes them: `{"/":"bafkzcib…"}`.

use cid::Cid;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `raw` and `fr32-sha256-trunc254-padbintree` of the table of multicodecs.
const RAW: u64 = 0x55;
const PADBINTREE: u64 = 0x1011;
/// Bytes of a leaf.
const LEAF: u64 = 32;

/// Bytes of the data that this piece CID of version 2 names; `None` for what is none, or names nothing.
#[must_use]
pub fn payload(piece: &Cid) -> Option<u64> {
    if (piece.codec(), piece.hash().code()) != (RAW, PADBINTREE) {
        return None;
    }
    let (padding, rest) = unsigned_varint::decode::u64(piece.hash().digest()).ok()?;
    let (height, root) = rest.split_first()?;
    // No piece is larger than 2⁶³ bytes.
    if root.len() != 32 || *height > 58 {
        return None;
    }
    let padded = LEAF.checked_shl(u32::from(*height))?;
    (padded / 128 * 127).checked_sub(padding).filter(|payload| *payload > 0)
}

#[derive(Serialize, Deserialize)]
struct Link {
    #[serde(rename = "/")]
    cid: String,
}

pub(crate) fn serialize<S: Serializer>(cid: &Cid, serializer: S) -> Result<S::Ok, S::Error> {
    Link { cid: cid.to_string() }.serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cid, D::Error> {
    let link = Link::deserialize(deserializer)?;
    link.cid.parse().map_err(serde::de::Error::custom)
}

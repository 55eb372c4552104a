use cid::Cid;

/// `fil-commitment-unsealed` with `sha2-256-trunc254-padded`: version 1 of pieces' CIDs.
const UNSEALED: u64 = 0xf101;
const TRUNC254_PADDED: u64 = 0x1012;
/// `raw` with `fr32-sha256-trunc254-padbintree`: version 2 (FRC-0069).
const RAW: u64 = 0x55;
const PADBINTREE: u64 = 0x1011;

/// The two ways to name a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    One,
    Two,
}

impl Version {
    /// `None` for a CID that names no piece.
    pub(crate) fn of(cid: &Cid) -> Option<Self> {
        match (cid.codec(), cid.hash().code()) {
            (UNSEALED, TRUNC254_PADDED) => Some(Self::One),
            (RAW, PADBINTREE) => Some(Self::Two),
            _ => None,
        }
    }
}

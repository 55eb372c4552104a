#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod groth;
mod keys;
mod post;
mod registered;
mod seal;
mod verdict;

pub use keys::{Trust, VerifyingKeys};
pub use post::{Sector, WindowPost, WinningPost, winning_post_challenges};
pub use seal::Seal;
pub use verdict::{NotMade, Refusal, Verdict};

/// A miner's id as circuits take it: unsigned varint, padded with zeros to 32 bytes.
fn prover_id(miner: u64) -> [u8; 32] {
    let mut id = [0; 32];
    let mut rest = miner;
    for byte in &mut id {
        let low = u8::try_from(rest & 0x7f).unwrap_or_default();
        rest >>= 7;
        *byte = if rest == 0 { low } else { low | 0x80 };
        if rest == 0 {
            break;
        }
    }
    id
}

/// The 32 bytes that a commitment's CID carries.
fn commitment(cid: &cid::Cid) -> Result<[u8; 32], Refusal> {
    match <[u8; 32]>::try_from(cid.hash().digest()) {
        Ok(bytes) if bytes != [0; 32] => Ok(bytes),
        _ => Err(Refusal::Commitment(*cid)),
    }
}

//! The randomness beacon: drand's chained and unchained networks.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::bls::{InvalidKey, MinPk, MinSig, PublicKey};

/// Public key of a beacon network; its type is its scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeaconKey {
    /// `pedersen-bls-chained`: each round signs the one before. Keys in G1.
    Chained(PublicKey<MinPk>),
    /// `bls-unchained-g1-rfc9380` (quicknet): each round signs its number. Keys in G2.
    Unchained(PublicKey<MinSig>),
}

/// One drand network, as its `ChainInfo` describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeaconNetwork {
    /// Public key.
    pub key: BeaconKey,
    /// Seconds between rounds; not zero.
    pub period: u64,
    /// Unix time of round 1 in seconds.
    pub genesis_time: u64,
}

/// The description of a drand network is unusable.
#[derive(Debug, thiserror::Error)]
pub enum InvalidBeaconNetwork {
    /// Not JSON of a `ChainInfo`.
    #[error("not the JSON of a drand ChainInfo")]
    Json(#[from] serde_json::Error),
    /// Its public key is none.
    #[error("the drand network's public_key is unusable")]
    Key(#[from] InvalidKey),
    /// The key is not hexadecimal.
    #[error("the drand network's public_key is not hexadecimal")]
    Hex,
    /// Its scheme is not one that Filecoin has used.
    #[error("unknown drand scheme {0:?}; known are pedersen-bls-chained and bls-unchained-g1-rfc9380")]
    Scheme(String),
    /// The period is 0.
    #[error("the drand network's period is 0")]
    Period,
}

/// drand's `ChainInfo`; networks of 2020 do not name their scheme.
#[derive(Deserialize)]
struct ChainInfo {
    public_key: String,
    period: u64,
    genesis_time: u64,
    #[serde(rename = "schemeID")]
    scheme: Option<String>,
}

impl BeaconNetwork {
    /// Parse drand's `ChainInfo` JSON (what its `/info` answers and Lotus keeps in `build/buildconstants/drand.go`).
    ///
    /// # Errors
    /// When it is no such JSON, its scheme is unknown or its key invalid.
    pub fn from_chain_info(json: &str) -> Result<Self, InvalidBeaconNetwork> {
        let info: ChainInfo = serde_json::from_str(json)?;
        if info.period == 0 {
            return Err(InvalidBeaconNetwork::Period);
        }
        let key = unhex(&info.public_key).ok_or(InvalidBeaconNetwork::Hex)?;
        let key = match info.scheme.as_deref() {
            None | Some("pedersen-bls-chained") => BeaconKey::Chained(PublicKey::from_bytes(&key)?),
            Some("bls-unchained-g1-rfc9380") => BeaconKey::Unchained(PublicKey::from_bytes(&key)?),
            Some(other) => return Err(InvalidBeaconNetwork::Scheme(other.to_owned())),
        };
        Ok(Self { key, period: info.period, genesis_time: info.genesis_time })
    }

    /// Whether rounds sign the round before them.
    #[must_use]
    pub const fn is_chained(&self) -> bool {
        matches!(self.key, BeaconKey::Chained(_))
    }

    /// The newest round that a block of the epoch beginning one block delay after `time` (Unix seconds) must carry.
    ///
    /// Up to network version 15 Lotus counted one round less (`chain/beacon/drand/drand.go`, `maxBeaconRoundV1` and `V2`);
    /// `None` for such a time before the beacon's genesis.
    #[must_use]
    pub const fn round_at(&self, time: u64, network_version: u32) -> Option<u64> {
        match time.checked_sub(self.genesis_time) {
            None if network_version <= 15 => None,
            None => Some(1),
            Some(elapsed) if network_version <= 15 => elapsed.checked_div(self.period),
            Some(elapsed) => match elapsed.checked_div(self.period) {
                Some(rounds) => rounds.checked_add(1),
                None => None,
            },
        }
    }
}

/// What a chained round signs: SHA-256 of the signature before it and its number.
#[must_use]
pub fn chained_message(previous_signature: &[u8], round: u64) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(previous_signature);
    hasher.update(round.to_be_bytes());
    hasher.finalize().into()
}

/// What an unchained round signs: SHA-256 of its number.
#[must_use]
pub fn unchained_message(round: u64) -> [u8; 32] {
    Sha256::digest(round.to_be_bytes()).into()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let nibble = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(nibble(*high)? << 4 | nibble(*low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

/// drand networks that Filecoin has used, as `ChainInfo`. Source: Lotus `build/buildconstants/drand.go`.
pub mod networks {
    /// Until mainnet's Smoke upgrade.
    pub const INCENTINET: &str = r#"{"public_key":"8cad0c72c606ab27d36ee06de1d5b2db1faf92e447025ca37575ab3a8aac2eaae83192f846fc9e158bc738423753d000","period":30,"genesis_time":1595873820}"#;
    /// From Smoke (calibration: from genesis) until Phoenix.
    pub const MAINNET: &str = r#"{"public_key":"868f005eb8e6e4ca0a47c8a77ceaa5309a47978a7c71bc5cce96366b5d7a569937c529eeda66c7293784a9402801af31","period":30,"genesis_time":1595431050}"#;
    /// From Phoenix on.
    pub const QUICKNET: &str = r#"{"public_key":"83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a","period":3,"genesis_time":1692803367,"schemeID":"bls-unchained-g1-rfc9380"}"#;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::bls::{Batch, SignatureFailure};

    #[test]
    fn the_networks_filecoin_used_parse() {
        for info in [networks::INCENTINET, networks::MAINNET] {
            assert!(BeaconNetwork::from_chain_info(info).unwrap().is_chained());
        }
        assert!(!BeaconNetwork::from_chain_info(networks::QUICKNET).unwrap().is_chained());
        for bad in [
            "{}",
            r#"{"public_key":"00","period":3,"genesis_time":0}"#,
            r#"{"public_key":"0","period":3,"genesis_time":0}"#,
            r#"{"public_key":"00","period":0,"genesis_time":0}"#,
            r#"{"public_key":"00","period":3,"genesis_time":0,"schemeID":"x"}"#,
        ] {
            assert!(BeaconNetwork::from_chain_info(bad).is_err(), "{bad}");
        }
    }

    /// Round 1000 of quicknet, published by drand (drand-client's and `drand-verify`'s tests use it).
    #[test]
    fn a_published_quicknet_round_verifies() {
        let BeaconKey::Unchained(key) = BeaconNetwork::from_chain_info(networks::QUICKNET).unwrap().key
        else {
            panic!("quicknet is unchained");
        };
        let signature = unhex(
            "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39",
        )
        .unwrap();
        let mut batch = Batch::<MinSig, u64>::default();
        batch.push(1000, key, unchained_message(1000), &signature);
        batch.push(1001, key, unchained_message(1001), &signature);
        let verdicts = batch.settle(&[7; 32]);
        assert_eq!(verdicts, [(1000, Ok(())), (1001, Err(SignatureFailure::Mismatch))]);
    }

    #[test]
    fn rounds_follow_the_time_of_the_epoch() {
        let network = BeaconNetwork {
            genesis_time: 100,
            ..BeaconNetwork::from_chain_info(networks::QUICKNET).unwrap()
        };
        assert_eq!(network.round_at(99, 16), Some(1));
        assert_eq!(network.round_at(99, 15), None);
        assert_eq!(network.round_at(100, 16), Some(1));
        assert_eq!(network.round_at(103, 16), Some(2));
        assert_eq!(network.round_at(105, 15), Some(1));
    }
}

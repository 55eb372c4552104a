//! Settings of what holds and gives money.

use std::path::PathBuf;
use std::time::Duration;

use apogee_domain::{Epoch, NetworkId};
use apogee_faucet::policy::{Coin, Money};
use apogee_treasury::Config as Measures;
use serde::{Deserialize, Serialize};

use super::chat::Discord;

/// A wallet that this installation pays from. Its key is held by a signer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wallet {
    /// On which network.
    pub(crate) network: NetworkId,
    /// Its address: that of a key.
    pub(crate) address: String,
    /// A multisig: the wallet pays nothing itself, but proposes each payment to it as one of its signers. It stays so for ever.
    pub(crate) proposes_for: Option<String>,
    /// Socket of the signer.
    pub(crate) signer: PathBuf,
    /// By which measures it pays where nothing else is said.
    #[serde(default)]
    pub(crate) measures: Kind,
    /// Epochs below the head at which a message is final.
    pub(crate) depth: Option<u32>,
    /// Epochs that no fork reaches.
    pub(crate) requeue_depth: Option<u32>,
    /// Nonces at most that are not final.
    pub(crate) window: Option<u32>,
    /// What always stays in it.
    pub(crate) reserve: Option<Money>,
    /// The most that the gas of one message may cost.
    pub(crate) max_fee: Option<Money>,
    /// What may be signed on a UTC day.
    pub(crate) value_per_day: Option<Money>,
    /// What the gas of it may cost on a UTC day.
    pub(crate) fees_per_day: Option<Money>,
    /// Seconds until a message that waits is replaced.
    pub(crate) replace_seconds: Option<u32>,
    /// Seconds until a message is sent again.
    pub(crate) rebroadcast_seconds: Option<u32>,
    /// Seconds that the wallet stays with a process that is gone.
    pub(crate) lease_seconds: Option<u32>,
    /// Seconds between looks at the chain.
    #[serde(default = "tick")]
    pub(crate) tick_seconds: u16,
}

/// Sets of measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Many small grants, final soon.
    #[default]
    Drips,
    /// Refunds and prizes: final as the chain is.
    Large,
}

const fn tick() -> u16 {
    5
}

impl Wallet {
    /// A wallet on a network of seconds: final soon, looked at often.
    pub(crate) const fn demo(network: NetworkId, address: String, signer: PathBuf) -> Self {
        Self {
            network,
            address,
            proposes_for: None,
            signer,
            measures: Kind::Drips,
            depth: Some(6),
            requeue_depth: None,
            window: None,
            reserve: None,
            max_fee: None,
            value_per_day: None,
            fees_per_day: None,
            replace_seconds: Some(30),
            rebroadcast_seconds: Some(10),
            lease_seconds: Some(20),
            tick_seconds: 1,
        }
    }

    /// An amount that is in another coin than `coin`.
    pub(crate) fn foreign(&self, coin: Coin) -> Option<Money> {
        let amounts = [self.reserve, self.max_fee, self.value_per_day, self.fees_per_day];
        amounts.into_iter().flatten().find(|amount| amount.coin != coin)
    }

    /// By which measures it pays, where its network has those for what is not said.
    pub(crate) fn measures(&self, base: Measures) -> Measures {
        let seconds = |given: Option<u32>, else_: Duration| {
            given.map_or(else_, |seconds| Duration::from_secs(seconds.into()))
        };
        let depth = self.depth.unwrap_or(base.depth);
        Measures {
            depth,
            requeue_depth: self.requeue_depth.unwrap_or(base.requeue_depth).max(depth),
            window: self.window.unwrap_or(base.window),
            reserve: self.reserve.map_or(base.reserve, |money| money.atto),
            max_fee: self.max_fee.map_or(base.max_fee, |money| money.atto),
            value_per_day: self.value_per_day.map_or(base.value_per_day, |money| money.atto),
            fees_per_day: self.fees_per_day.map_or(base.fees_per_day, |money| money.atto),
            replace_after: seconds(self.replace_seconds, base.replace_after),
            rebroadcast_after: seconds(self.rebroadcast_seconds, base.rebroadcast_after),
            lease: seconds(self.lease_seconds, base.lease),
            ..base
        }
    }
}

/// A faucet that grants money of a wallet.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Faucet {
    /// The wallet that pays.
    pub(crate) wallet: String,
    /// A file with its policy; without one that which comes with the program.
    pub(crate) policy: Option<PathBuf>,
    /// Where people may ask in Discord: its door is `/discord/NETWORK`. Whether they are granted anything is the policy's.
    pub(crate) discord: Option<Discord>,
}

/// A faucet that pays miners back what they burnt for proving new sectors.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refund {
    /// The wallet that pays; its network is the faucet's.
    pub(crate) wallet: String,
    /// A file with its policy; without one that which comes with the program.
    pub(crate) policy: Option<PathBuf>,
    /// Nothing before this epoch is read. Without it a new faucet begins with the epoch of its first start.
    pub(crate) from: Option<Epoch>,
}

/// Whether a wallet or a faucet may be called that: 1 to 40 characters of a–z, 0–9 and -.
pub(crate) fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty() && name.len() <= 40 && name.bytes().all(plain)
}

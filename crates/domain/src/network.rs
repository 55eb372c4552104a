use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Epoch, Timestamp};

/// The short name of one chain instance, as used in addresses of pages: `devnet-a`, `calibration-2`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NetworkId(Box<str>);

/// The text is not a network's short name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a network's name is 1 to 40 characters from a–z, 0–9 and '-', starting with a letter")]
pub struct InvalidNetworkId;

impl NetworkId {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NetworkId {
    type Err = InvalidNetworkId;
    fn from_str(text: &str) -> Result<Self, InvalidNetworkId> {
        let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let good = text.len() <= 40
            && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
            && text.bytes().all(letters);
        good.then(|| Self(text.into())).ok_or(InvalidNetworkId)
    }
}

impl TryFrom<String> for NetworkId {
    type Error = InvalidNetworkId;
    fn try_from(text: String) -> Result<Self, InvalidNetworkId> {
        text.parse()
    }
}

impl From<NetworkId> for String {
    fn from(id: NetworkId) -> Self {
        id.0.into()
    }
}

impl fmt::Display for NetworkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which protocol a network speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkKind {
    /// Filecoin: tipsets, epochs, miner actors.
    Filecoin,
    /// Spacemesh: layers, smeshers.
    Spacemesh,
}

/// When an epoch can no longer change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finality {
    /// Epochs below the head after which an epoch is final in any case. Filecoin's `ChainFinality` is 900.
    pub depth: u32,
    /// Whether a verified finality certificate makes an epoch final earlier.
    pub certificates: bool,
}

/// One chain instance. A reset devnet is a new network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Short name, unique in this installation.
    pub id: NetworkId,
    /// Protocol.
    pub kind: NetworkKind,
    /// The genesis block's CID (Filecoin) or genesis id (Spacemesh) as text. Tells two networks of one name apart.
    pub genesis: String,
    /// Time of epoch 0.
    pub genesis_time: Timestamp,
    /// Length of an epoch in seconds.
    pub epoch_seconds: u32,
    /// What addresses start with: `f` or `t`, `sm` or `stest`.
    pub address_prefix: String,
    /// When an epoch is final.
    pub finality: Finality,
}

impl Network {
    /// When its epochs begin.
    #[must_use]
    pub const fn schedule(&self) -> Schedule {
        Schedule { genesis: self.genesis_time, epoch_seconds: self.epoch_seconds }
    }

    /// When `epoch` begins.
    #[must_use]
    pub const fn time_of(&self, epoch: Epoch) -> Timestamp {
        self.schedule().time_of(epoch)
    }
}

/// When the epochs of a network begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Time of epoch 0.
    pub genesis: Timestamp,
    /// Length of an epoch in seconds.
    pub epoch_seconds: u32,
}

impl Schedule {
    /// When `epoch` begins.
    #[must_use]
    pub const fn time_of(self, epoch: Epoch) -> Timestamp {
        let seconds = epoch.height().saturating_mul(self.epoch_seconds as i64);
        Timestamp(self.genesis.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// The last epoch that has begun at `time`; `None` before genesis, or where epochs have no length.
    #[must_use]
    pub fn epoch_of(self, time: Timestamp) -> Option<Epoch> {
        let length = i64::from(self.epoch_seconds).checked_mul(1_000_000)?;
        Epoch::new(time.0.checked_sub(self.genesis.0)?.checked_div_euclid(length)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_belongs_to_the_last_epoch_that_has_begun() {
        let schedule = Schedule { genesis: Timestamp::from_seconds(1_000), epoch_seconds: 30 };
        let at = |seconds| schedule.epoch_of(Timestamp::from_seconds(seconds)).map(Epoch::height);
        assert_eq!([at(999), at(1_000), at(1_029), at(1_030)], [None, Some(0), Some(0), Some(1)]);
        assert_eq!(schedule.time_of(Epoch::new(2).unwrap()), Timestamp::from_seconds(1_060));
        assert_eq!(Schedule { epoch_seconds: 0, ..schedule }.epoch_of(schedule.genesis), None);
    }
}

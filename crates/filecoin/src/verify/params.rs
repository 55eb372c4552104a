use std::collections::BTreeMap;

use cid::Cid;
use fvm_shared::bigint::BigInt;

use crate::crypto::drand::{BeaconNetwork, InvalidBeaconNetwork, networks};

/// Which drand network is in use from which epoch on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeaconSchedule(BTreeMap<i64, BeaconNetwork>);

impl BeaconSchedule {
    /// One network for all epochs.
    #[must_use]
    pub fn always(network: BeaconNetwork) -> Self {
        Self(BTreeMap::from([(0, network)]))
    }

    /// Use `network` from `epoch` on.
    #[must_use]
    pub fn then(mut self, epoch: i64, network: BeaconNetwork) -> Self {
        self.0.insert(epoch, network);
        self
    }

    /// The network of an epoch.
    #[must_use]
    pub fn at(&self, epoch: i64) -> Option<&BeaconNetwork> {
        self.0.range(..=epoch).next_back().map(|(_, network)| network)
    }

    /// The epoch since which the network of `epoch` has been in use: what tells two networks apart.
    pub(super) fn since(&self, epoch: i64) -> Option<i64> {
        self.0.range(..=epoch).next_back().map(|(since, _)| *since)
    }
}

/// How a network's finality certificates start (go-f3 `manifest`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct F3Params {
    /// Name in signatures; not always the chain's.
    pub network_name: String,
    /// The first instance.
    pub initial_instance: u64,
    /// The epoch at which F3 starts.
    pub bootstrap_epoch: i64,
    /// How far back the first power table lies (the manifest's `EC.Finality`).
    pub finality: i64,
    /// CID of the first power table, where the manifest pins it.
    pub initial_power_table: Option<Cid>,
}

impl F3Params {
    /// The epoch whose tipset's state gives the first power table.
    #[must_use]
    pub const fn first_table_epoch(&self) -> i64 {
        self.bootstrap_epoch - self.finality
    }
}

/// Consensus rules of one network, as data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkParams {
    /// Unix time of genesis in seconds.
    pub genesis_time: u64,
    /// Seconds of an epoch.
    pub block_delay: u64,
    /// Network version of genesis.
    pub genesis_version: u32,
    /// Last epoch of the version before each network version (Lotus `Upgrade…Height`).
    pub upgrades: BTreeMap<u32, i64>,
    /// Beacon networks.
    pub beacons: BeaconSchedule,
    /// Bytes of power that make a miner eligible (Lotus `ConsensusMinerMinPower`).
    pub min_power: BigInt,
    /// Below so many miners of that power, any power will do.
    pub min_miners: i64,
    /// Look-back of elections from network version 4 on (Lotus `ChainFinality`).
    pub chain_finality: i64,
    /// Epochs between a sector's pre-commitment and the beacon that its proof is challenged with (Lotus `PreCommitChallengeDelay`).
    pub pre_commit_challenge_delay: i64,
    /// EIP-155 chain id.
    pub eip155_chain_id: u64,
    /// Blocks whose messages consensus does not check.
    pub exempt_blocks: Vec<Cid>,
    /// Finality certificates, where the network has them.
    pub f3: Option<F3Params>,
}

/// Look-back of elections up to network version 3.
const EARLY_LOOKBACK: i64 = 10;

impl NetworkParams {
    /// A development network of one network version from genesis on, with mainnet's constants where no build changes them:
    /// look-back 900, four miners of the least power.
    #[must_use]
    pub fn devnet(genesis_time: u64, block_delay: u64, genesis_version: u32, beacon: BeaconNetwork) -> Self {
        Self {
            genesis_time,
            block_delay,
            genesis_version,
            upgrades: BTreeMap::new(),
            beacons: BeaconSchedule::always(beacon),
            min_power: BigInt::from(2048),
            min_miners: 4,
            chain_finality: 900,
            pre_commit_challenge_delay: 10,
            eip155_chain_id: 31_415_926,
            exempt_blocks: Vec::new(),
            f3: None,
        }
    }

    /// Mainnet. Source: Lotus `build/buildconstants/params_mainnet.go`.
    ///
    /// # Errors
    /// Never: the drand descriptions are constants that a test parses.
    pub fn mainnet() -> Result<Self, InvalidBeaconNetwork> {
        const SMOKE: i64 = 51_000;
        const PHOENIX: i64 = 3_855_480;
        Ok(Self {
            genesis_time: 1_598_306_400,
            block_delay: 30,
            genesis_version: 0,
            upgrades: BTreeMap::from([
                (1, 41_280),
                (2, SMOKE),
                (3, 94_000),
                (4, 138_720),
                (5, 140_760),
                (6, 170_000),
                (7, 265_200),
                (8, 272_400),
                (9, 336_458),
                (10, 550_321),
                (11, 665_280),
                (12, 712_320),
                (13, 892_800),
                (14, 1_231_620),
                (15, 1_594_680),
                (16, 1_960_320),
                (17, 2_383_680),
                (18, 2_683_348),
                (19, 2_809_800),
                (20, 2_870_280),
                (21, 3_469_380),
                (22, 3_855_360),
                (23, 4_154_640),
                (24, 4_461_240),
                (25, 4_878_840),
                (26, 5_138_040),
                (27, 5_348_280),
                (28, 6_052_800),
            ]),
            beacons: BeaconSchedule::always(BeaconNetwork::from_chain_info(networks::INCENTINET)?)
                .then(SMOKE, BeaconNetwork::from_chain_info(networks::MAINNET)?)
                .then(PHOENIX, BeaconNetwork::from_chain_info(networks::QUICKNET)?),
            min_power: BigInt::from(10_u64 << 40),
            min_miners: 4,
            chain_finality: 900,
            pre_commit_challenge_delay: 150,
            eip155_chain_id: 314,
            // A block with a zero aggregate signature that consensus let pass (Lotus `WhitelistedBlock`).
            exempt_blocks: "bafy2bzaceapyg2uyzk7vueh3xccxkuwbz3nxewjyguoxvhx77malc2lzn2ybi"
                .parse()
                .into_iter()
                .collect(),
            f3: Some(F3Params {
                network_name: "filecoin".into(),
                initial_instance: 0,
                bootstrap_epoch: 4_920_480,
                finality: 900,
                initial_power_table: "bafy2bzacecklgxd2eksmodvhgurqvorkg3wamgqkrunir3al2gchv2cikgmbu"
                    .parse()
                    .ok(),
            }),
        })
    }

    /// The calibration network. Source: Lotus `build/buildconstants/params_calibnet.go`.
    ///
    /// # Errors
    /// Never: the drand descriptions are constants that a test parses.
    pub fn calibration() -> Result<Self, InvalidBeaconNetwork> {
        const PHOENIX: i64 = 1_428_094;
        Ok(Self {
            genesis_time: 1_667_326_380,
            block_delay: 30,
            genesis_version: 0,
            upgrades: BTreeMap::from([
                (1, -1),
                (2, -2),
                (3, -3),
                (4, 30),
                (5, 60),
                (6, 90),
                (7, 120),
                (8, 240),
                (9, 300),
                (10, 330),
                (11, 360),
                (12, 390),
                (13, 420),
                (14, 450),
                (15, 480),
                (16, 510),
                (17, 16_800),
                (18, 322_354),
                (19, 489_094),
                (20, 492_214),
                (21, 1_013_134),
                (22, 1_427_974),
                (23, 1_779_094),
                (24, 2_078_794),
                (25, 2_523_454),
                (26, 2_543_614),
                (27, 3_007_294),
                (28, 3_694_534),
            ]),
            beacons: BeaconSchedule::always(BeaconNetwork::from_chain_info(networks::MAINNET)?)
                .then(PHOENIX, BeaconNetwork::from_chain_info(networks::QUICKNET)?),
            min_power: BigInt::from(32_u64 << 30),
            min_miners: 4,
            chain_finality: 900,
            pre_commit_challenge_delay: 150,
            eip155_chain_id: 314_159,
            exempt_blocks: Vec::new(),
            f3: Some(F3Params {
                network_name: "calibrationnet".into(),
                initial_instance: 0,
                bootstrap_epoch: 2_081_674,
                finality: 900,
                initial_power_table: "bafy2bzaceab236vmmb3n4q4tkvua2n4dphcbzzxerxuey3mot4g3cov5j3r2c"
                    .parse()
                    .ok(),
            }),
        })
    }

    /// The network version of an epoch.
    #[must_use]
    pub fn version(&self, epoch: i64) -> u32 {
        let reached =
            self.upgrades.iter().filter(|(_, height)| epoch > **height).map(|(version, _)| *version);
        reached.max().unwrap_or(0).max(self.genesis_version)
    }

    /// The epoch at which a network version's upgrade happens: −1 when genesis already has it, `None` when none is planned.
    #[must_use]
    pub fn upgrade_height(&self, version: u32) -> Option<i64> {
        if version <= self.genesis_version { Some(-1) } else { self.upgrades.get(&version).copied() }
    }

    /// How many epochs an election of `epoch` looks back.
    #[must_use]
    pub fn lookback(&self, epoch: i64) -> i64 {
        if self.version(epoch) <= 3 { EARLY_LOOKBACK } else { self.chain_finality }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calibration_begins_with_network_version_3() {
        let params = NetworkParams::calibration().unwrap();
        assert_eq!((params.version(0), params.version(30), params.version(31)), (3, 3, 4));
        assert_eq!(params.version(3_694_535), 28);
        assert!(params.f3.unwrap().initial_power_table.is_some());
    }

    #[test]
    fn an_upgrade_takes_effect_after_its_height() {
        let params = NetworkParams::mainnet().unwrap();
        assert_eq!((params.version(41_280), params.version(41_281)), (0, 1));
        assert_eq!((params.version(138_720), params.version(138_721)), (3, 4));
        assert_eq!((params.lookback(138_720), params.lookback(138_721)), (10, 900));
        assert_eq!(params.exempt_blocks.len(), 1);
        assert_eq!(params.upgrade_height(0), Some(-1));
        assert_eq!(params.upgrade_height(99), None);
        assert!(params.beacons.at(50_999).unwrap().genesis_time == 1_595_873_820);
        assert!(params.beacons.at(51_000).unwrap().genesis_time == 1_595_431_050);
    }
}

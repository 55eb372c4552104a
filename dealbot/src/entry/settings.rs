use std::sync::OnceLock;

use apogee_domain::{Digest, Epoch, InvalidNetworkId};
use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};

use crate::canonical::Bytes;
use crate::fault::Circumstances;
use crate::plan::{Measures, Plan, SuccessAt};
use crate::schedule::{Beacon, Cadence, Seed};

/// The settings of a race, with everything that judging depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The network.
    pub network: String,
    /// The competition.
    pub race: String,
    /// What was published of the settings, a JSON object. It stays.
    pub document: String,
    /// What was said of the seed. It stays.
    pub commitment: Digest,
    /// The epoch whose beacon the seed is bound to. It stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beacon_epoch: Option<Epoch>,
    /// That beacon, once it is known: then it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beacon: Option<Beacon>,
    /// The key that signs the log, Ed25519. It stays.
    pub log: Bytes,
    /// How many bots there are for what has to be seen by several.
    pub fleet: u32,
    /// Who may take part.
    pub bots: Vec<BotKey>,
    /// The slots of each kind that is probed.
    pub cadences: Vec<Cadence>,
    /// Where bots are.
    pub regions: Vec<String>,
    /// How leases and attempts are bounded.
    pub measures: Measures,
    /// What whose fault a failure is may depend on, as far as it is known of the whole competition.
    pub known: Circumstances,
    /// When a deal has succeeded.
    pub success_at: SuccessAt,
}

/// A bot that may take part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BotKey {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub region: String,
    /// Its key, Ed25519.
    pub key: Bytes,
}

impl Settings {
    /// Those of a plan.
    #[must_use]
    pub fn of(plan: &Plan, document: String, bots: Vec<BotKey>, log: &VerifyingKey) -> Self {
        Self {
            network: plan.network.to_string(),
            race: plan.race.clone(),
            document,
            commitment: plan.seed.commitment(),
            beacon_epoch: plan.beacon_epoch,
            beacon: plan.beacon.get().cloned(),
            log: Bytes(log.as_bytes().to_vec()),
            fleet: plan.fleet,
            bots,
            cadences: plan.cadences.clone(),
            regions: plan.regions.clone(),
            measures: plan.measures,
            known: plan.known,
            success_at: plan.success_at,
        }
    }

    /// The key that signs the log; `None` where it is none.
    #[must_use]
    pub fn log_key(&self) -> Option<[u8; 32]> {
        self.log.0.as_slice().try_into().ok()
    }

    /// The key of a bot; `None` where there is no such bot, or no such key.
    #[must_use]
    pub fn bot_key(&self, name: &str) -> Option<[u8; 32]> {
        let bot = self.bots.iter().find(|bot| bot.name == name)?;
        bot.key.0.as_slice().try_into().ok()
    }

    /// The plan that they are of. Of its moments only those hold that the seed says nothing of, unless the seed is the one that was committed to.
    ///
    /// # Errors
    /// Where the name of the network is none.
    pub fn plan(&self, seed: Seed) -> Result<Plan, InvalidNetworkId> {
        Ok(Plan {
            network: self.network.parse()?,
            race: self.race.clone(),
            seed,
            beacon_epoch: self.beacon_epoch,
            beacon: self.beacon.clone().map_or_else(OnceLock::new, OnceLock::from),
            cadences: self.cadences.clone(),
            regions: self.regions.clone(),
            fleet: self.fleet,
            measures: self.measures,
            known: self.known,
            success_at: self.success_at,
        })
    }
}

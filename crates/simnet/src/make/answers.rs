//! The methods that need the state, the rules or the pool of a made chain.

use apogee_filecoin::types::{Message, SignedMessage, Tipset, json};
use apogee_filecoin_state::{Actor, ReadError, StateTree};
use fvm_shared::address::Address;
use serde_json::{Value, json};

use super::NETWORK;
use super::simulation::Simulation;
use super::trace;
use crate::answer::{Answer, Refusal, text};
use crate::ledger::Ledger;
use crate::node::Chain;
use crate::params::Params;

/// Methods with their number of parameters.
const METHODS: [(&str, usize); 24] = [
    ("Version", 0),
    ("StateNetworkName", 0),
    ("StateNetworkVersion", 1),
    ("StateGetNetworkParams", 0),
    ("ChainGetFinalizedTipSet", 0),
    ("StateCompute", 3),
    ("StateGetActor", 2),
    ("StateLookupID", 2),
    ("StateAccountKey", 2),
    ("StateListMiners", 1),
    ("StateMinerPower", 2),
    ("StateMinerSectorCount", 2),
    ("StateMinerInfo", 2),
    ("StateSearchMsg", 4),
    ("StateWaitMsg", 4),
    ("WalletBalance", 1),
    ("GasEstimateMessageGas", 3),
    ("MpoolPush", 1),
    ("MpoolGetNonce", 1),
    ("MpoolPending", 1),
    ("F3GetManifest", 0),
    ("F3GetLatestCertificate", 0),
    ("F3GetCertificate", 1),
    ("F3GetPowerTableByInstance", 1),
];

impl Chain for Simulation {
    fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn answer(&self, method: &str, given: &[Value]) -> Option<Answer> {
        let name = method.strip_prefix("Filecoin.")?;
        let (_, wanted) = METHODS.into_iter().find(|(known, _)| *known == name)?;
        if given.len() != wanted {
            return Some(Err(Refusal::wrong_count(method, given.len(), wanted)));
        }
        Some(self.known(name, &Params::new(method, given)))
    }

    fn is_waiting(&self, method: &str, given: &[Value]) -> bool {
        method == "Filecoin.StateWaitMsg" && self.waits(&Params::new(method, given))
    }
}

fn refused(error: impl std::fmt::Display) -> Refusal {
    Refusal::application(error.to_string())
}

fn address(address: &Address) -> String {
    json::address_text(address, NETWORK)
}

impl Simulation {
    fn known(&self, name: &str, params: &Params<'_>) -> Answer {
        match name {
            "Version" => text(&json!({
                "Version": "simnet", "APIVersion": 131_840, "BlockDelay": self.recipe.block_delay, "Agent": "lotus",
            })),
            "StateNetworkName" => text(&self.recipe.network),
            "StateNetworkVersion" => {
                params.tipset(0, &self.ledger)?;
                text(&self.recipe.network_version)
            }
            "StateGetNetworkParams" => text(&self.network_params()),
            "ChainGetFinalizedTipSet" => {
                let head = self.ledger.head();
                let found = self.ledger.at_or_before(head.epoch().minus(self.recipe.finality), &head);
                text(&json::Tipset::of(found.as_ref().unwrap_or(self.ledger.genesis()), NETWORK))
            }
            "StateCompute" => self.compute(params),
            "StateSearchMsg" => self.search_message(params),
            "StateWaitMsg" => self.wait_message(params),
            "WalletBalance" => {
                let found = self.actor(&params.address(0)?, &self.ledger.head())?;
                text(&found.map_or_else(|| "0".to_owned(), |actor| actor.balance.atto().to_string()))
            }
            "GasEstimateMessageGas" => {
                let message: json::Message = params.get(0, "types.Message")?;
                let limit: Option<Value> = params.get(1, "api.MessageSendSpec")?;
                let message = Message::try_from(message).map_err(refused)?;
                text(&json::Message::of(&self.estimate(message, limit.as_ref())?, NETWORK))
            }
            "MpoolPush" => {
                let message: Value = params.get(0, "types.SignedMessage")?;
                if message.pointer("/Message/To").is_none() {
                    return Err(Refusal::application(
                        "message not valid for block inclusion: 'To' address cannot be empty",
                    ));
                }
                let message: json::SignedMessage = params.get(0, "types.SignedMessage")?;
                let message = SignedMessage::try_from(message).map_err(refused)?;
                text(&json::Link(self.push(message)?))
            }
            "MpoolGetNonce" => text(&self.next_nonce(&params.address(0)?)?),
            "MpoolPending" => {
                params.tipset(0, &self.ledger)?;
                let pending = self.pending();
                text(&pending.iter().map(|one| json::SignedMessage::of(one, NETWORK)).collect::<Vec<_>>())
            }
            _ if name.starts_with("F3") => Err(Refusal::application("f3 is not running")),
            _ => self.of_state(name, params),
        }
    }

    /// What is read from the state before a tipset, as Lotus reads it.
    fn of_state(&self, name: &str, params: &Params<'_>) -> Answer {
        let last = if name == "StateListMiners" { 0 } else { 1 };
        let tipset = params.tipset(last, &self.ledger)?;
        let tree = self.tree(&tipset)?;
        if name == "StateListMiners" {
            let claims = tree.power().and_then(|power| power.claims(&*self.ledger)).map_err(refused)?;
            let ids = claims.into_iter().map(|(id, _)| address(&Address::new_id(id)));
            return text(&ids.collect::<Vec<_>>());
        }
        let who = params.address(0)?;
        let not_found = || Refusal::application("actor not found");
        match name {
            "StateGetActor" => {
                let actor = self.actor(&who, &tipset)?.ok_or_else(not_found)?;
                text(&trace::told_actor(&actor))
            }
            "StateLookupID" => {
                let id = tree.resolve(&who).map_err(refused)?.ok_or_else(not_found)?;
                text(&address(&Address::new_id(id)))
            }
            "StateAccountKey" => {
                let key = tree.account_key(&who).map_err(refused)?.ok_or_else(not_found)?;
                text(&address(&key))
            }
            _ => self.of_miner(name, &tree, &who),
        }
    }

    fn of_miner(&self, name: &str, tree: &StateTree<'_, Ledger>, who: &Address) -> Answer {
        let not_found = || Refusal::application("failed to load miner actor: actor not found");
        let id = tree.resolve(who).map_err(refused)?.ok_or_else(not_found)?;
        let power = tree.power().map_err(refused)?;
        let claim = power.claim(&*self.ledger, id).map_err(refused)?;
        if name == "StateMinerPower" {
            let enough = claim.as_ref().is_some_and(|claim| {
                power.meets_minimum(claim, &self.params.min_power, self.params.min_miners)
            });
            let pair = |pair: &apogee_filecoin_state::PowerPair| json!({"RawBytePower": pair.raw.to_string(), "QualityAdjPower": pair.qa.to_string()});
            let own = claim.map(|claim| claim.power).unwrap_or_default();
            return text(&json!({
                "MinerPower": pair(&own), "TotalPower": pair(power.total()), "HasMinPower": enough,
            }));
        }
        if claim.is_none() {
            return Err(not_found());
        }
        let miner = tree.miner(id).map_err(refused)?.ok_or_else(not_found)?;
        let info = miner.info(&*self.ledger).map_err(refused)?;
        if name == "StateMinerSectorCount" {
            let totals = miner.sector_totals(&*self.ledger, info.sector_size).map_err(refused)?;
            return text(&json!({
                "Live": totals.live, "Active": totals.live - totals.faulty, "Faulty": totals.faulty,
            }));
        }
        text(&json!({
            "Owner": address(&info.owner),
            "Worker": address(&info.worker),
            "NewWorker": "<empty>",
            "ControlAddresses": null,
            "WorkerChangeEpoch": -1,
            "PeerId": null,
            "Multiaddrs": null,
            "WindowPoStProofType": info.proof_type,
            "SectorSize": info.sector_size,
            "WindowPoStPartitionSectors": info.partition_sectors,
            "ConsensusFaultElapsed": info.consensus_fault_elapsed,
            "PendingOwnerAddress": null,
            "Beneficiary": address(&info.beneficiary),
            "BeneficiaryTerm": {"Quota": "0", "UsedQuota": "0", "Expiration": 0},
            "PendingBeneficiaryTerm": null,
        }))
    }

    /// The state before a tipset.
    fn tree(&self, tipset: &Tipset) -> Result<StateTree<'_, Ledger>, Refusal> {
        StateTree::open(&*self.ledger, &tipset.first().parent_state_root).map_err(refused)
    }

    /// An actor in the state before a tipset.
    fn actor(&self, who: &Address, tipset: &Tipset) -> Result<Option<Actor>, Refusal> {
        let tree = self.tree(tipset)?;
        let found = tree.resolve(who).and_then(|id| id.map_or(Ok(None), |id| tree.actor(id)));
        found.map_err(|error: ReadError| refused(error))
    }

    fn compute(&self, params: &Params<'_>) -> Answer {
        let (epoch, extra) = (params.epoch(0)?, params.get::<Option<Vec<Value>>>(1, "[]*types.Message")?);
        let tipset = params.tipset(2, &self.ledger)?;
        if epoch != tipset.epoch() || extra.is_some_and(|extra| !extra.is_empty()) {
            return Err(Refusal::application(
                "only what a tipset itself executes, at its own epoch, is computed",
            ));
        }
        if tipset.first().is_genesis() {
            return Err(Refusal::application("genesis executes nothing"));
        }
        let parent = self.parent(&tipset).map_err(refused)?.epoch().height();
        let outcome = self.outcome(&tipset).map_err(refused)?;
        let told = trace::compute(&self.ledger, &outcome, parent, epoch.height()).map_err(refused)?;
        text(&told)
    }

    fn network_params(&self) -> Value {
        json!({
            "NetworkName": self.recipe.network,
            "BlockDelaySecs": self.recipe.block_delay,
            "ConsensusMinerMinPower": self.params.min_power.to_string(),
            "PreCommitChallengeDelay": 10,
            "ForkUpgradeParams": upgrades(self.recipe.network_version),
            "Eip155ChainID": self.params.eip155_chain_id,
            "GenesisTimestamp": self.recipe.genesis_time,
        })
    }
}

/// Upgrades before network version 18, and those that changed no version.
const OLD_UPGRADES: [&str; 22] = [
    "UpgradeSmokeHeight",
    "UpgradeBreezeHeight",
    "UpgradeIgnitionHeight",
    "UpgradeLiftoffHeight",
    "UpgradeAssemblyHeight",
    "UpgradeRefuelHeight",
    "UpgradeTapeHeight",
    "UpgradeKumquatHeight",
    "UpgradeCalicoHeight",
    "UpgradePersianHeight",
    "UpgradeOrangeHeight",
    "UpgradeClausHeight",
    "UpgradeTrustHeight",
    "UpgradeNorwegianHeight",
    "UpgradeTurboHeight",
    "UpgradeHyperdriveHeight",
    "UpgradeChocolateHeight",
    "UpgradeOhSnapHeight",
    "UpgradeSkyrHeight",
    "UpgradeSharkHeight",
    "UpgradeHyggeHeight",
    "UpgradePhoenixHeight",
];
/// Upgrades by the network version that they bring, from 19 on.
const UPGRADES: [(u32, &str); 11] = [
    (19, "UpgradeLightningHeight"),
    (20, "UpgradeThunderHeight"),
    (21, "UpgradeWatermelonHeight"),
    (22, "UpgradeDragonHeight"),
    (23, "UpgradeWaffleHeight"),
    (24, "UpgradeTuktukHeight"),
    (25, "UpgradeTeepHeight"),
    (26, "UpgradeTockHeight"),
    (27, "UpgradeGoldenWeekHeight"),
    (28, "UpgradeFireHorseHeight"),
    (29, "UpgradeXxHeight"),
];

/// The heights of upgrades on a network that has had `version` from genesis on.
fn upgrades(version: u32) -> Value {
    /// What Lotus writes for an upgrade that is not planned.
    const NEVER: i64 = 999_999_999_999_999;
    let mut heights: serde_json::Map<String, Value> =
        OLD_UPGRADES.iter().map(|name| ((*name).to_owned(), json!(-1))).collect();
    heights.insert("BreezeGasTampingDuration".into(), json!(0));
    heights.extend(
        UPGRADES
            .iter()
            .map(|(brings, name)| ((*name).to_owned(), json!(if *brings <= version { -1 } else { NEVER }))),
    );
    Value::Object(heights)
}

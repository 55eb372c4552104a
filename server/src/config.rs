//! Settings: one file, `apogee.toml`, whose shipped form has every key with its default and what it means.

mod chat;
mod money;
mod place;
mod probes;
mod recounts;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use apogee_domain::NetworkId;
use figment::Figment;
use figment::error::Kind;
use figment::providers::{Env, Format, Toml};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub(crate) use self::chat::DISCORD;
pub(crate) use self::money::{Faucet, Kind as Measures, Refund, Wallet, is_name};
pub(crate) use self::probes::{Bot, Market, Probes, Storage};
pub(crate) use self::recounts::Recount;
use crate::http::Limits;
use crate::identity;

/// The shipped file: its values are the defaults.
pub(crate) const DEFAULTS: &str = include_str!("../apogee.toml");

/// Names in the environment that are not settings: those of tests.
const FOREIGN: [&str; 2] = ["data", "full"];

/// Everything that can be set.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// The database: `sqlite:FILE` or `postgres://USER@HOST/NAME`.
    pub(crate) store: Secret,
    /// Seconds between looks at the database and the nodes' health.
    pub(crate) watch_seconds: u16,
    pub(crate) log: Log,
    pub(crate) http: Limits,
    #[serde(default)]
    pub(crate) identity: identity::Settings,
    #[serde(default)]
    pub(crate) networks: BTreeMap<NetworkId, Network>,
    /// Wallets that are paid from, by their names.
    #[serde(default)]
    pub(crate) wallets: BTreeMap<String, Wallet>,
    /// Faucets, by their names.
    #[serde(default)]
    pub(crate) faucets: BTreeMap<String, Faucet>,
    /// Faucets that pay back, by their names.
    #[serde(default)]
    pub(crate) refunds: BTreeMap<String, Refund>,
    /// Bots that may take part in probing, by their names.
    #[serde(default)]
    pub(crate) bots: BTreeMap<String, Bot>,
    /// What is probed, by the competition.
    #[serde(default)]
    pub(crate) probes: BTreeMap<String, Probes>,
}

/// What is logged, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    /// `auto`: text on a terminal, JSON elsewhere.
    pub(crate) format: LogFormat,
    /// Directives of `tracing`, such as `info` or `warn,apogee_indexer=debug`.
    pub(crate) filter: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Auto,
    Text,
    Json,
}

/// One network that is indexed: from nodes, or from a recording.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Network {
    /// `mainnet`, `calibration`, or a file of rules. Not for a recording, which has its own.
    pub(crate) rules: Option<String>,
    /// Nodes of the network.
    #[serde(default)]
    pub(crate) endpoints: Vec<Endpoint>,
    /// A folder with a recorded chain, in place of nodes.
    pub(crate) recording: Option<PathBuf>,
    /// A folder of verifying keys for WinningPoSt.
    pub(crate) keys: Option<PathBuf>,
    /// CID of the genesis block: nodes of another chain are not asked.
    pub(crate) genesis: Option<String>,
    /// Seconds after which the nodes are asked for their head when they tell nothing.
    pub(crate) poll_seconds: Option<u16>,
    /// Epochs after which an epoch is final in any case, where that is not the chain's own figure.
    pub(crate) finality_epochs: Option<u32>,
    /// Where an empty database begins; at genesis unless given.
    pub(crate) start: Option<Start>,
    /// Of a network of Spacemesh: the file that says what it is. Such a network has neither rules nor nodes nor a recording.
    pub(crate) spacemesh: Option<PathBuf>,
    /// Its layers come from this copy of a node's database, which may be replaced by a newer one.
    pub(crate) copy: Option<PathBuf>,
    /// A node's JSON gateway. Wallets are paid from through it; and without a copy, layers come from it, though it tells neither ballots nor blocks.
    pub(crate) gateway: Option<Gateway>,
    /// How its votes are counted again; only with a copy.
    pub(crate) recount: Option<Recount>,
}

/// The JSON gateway of a Spacemesh node.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gateway {
    /// Such as `http://127.0.0.1:9094`. Without user name or password.
    pub(crate) url: String,
    /// What it speaks.
    pub(crate) dialect: Dialect,
}

/// Which of its interfaces a node's gateway serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Dialect {
    /// Nodes before 1.8.
    V2Alpha1,
    /// Nodes from 1.8 on.
    V2Beta1,
}

impl From<Dialect> for apogee_spacemesh_gateway::Dialect {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::V2Alpha1 => Self::V2Alpha1,
            Dialect::V2Beta1 => Self::V2Beta1,
        }
    }
}

/// Where an empty database begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Start {
    /// `start = "genesis"`
    Genesis,
    /// `start = "snapshot"`: at the oldest state that is there.
    Snapshot,
    /// `start.checkpoint = { epoch = 51204, key = "bafy…,bafy…" }`: at a tipset that the operator trusts.
    Checkpoint {
        /// Its epoch.
        epoch: i64,
        /// CIDs of its blocks.
        key: String,
    },
}

impl FromStr for Start {
    type Err = &'static str;

    /// `genesis`, `snapshot`, or a checkpoint as `EPOCH:KEY`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORMS: &str = "say genesis, snapshot, or EPOCH:KEY with the CIDs of a tipset's blocks";
        match text {
            "genesis" => Ok(Self::Genesis),
            "snapshot" => Ok(Self::Snapshot),
            checkpoint => {
                let (epoch, key) = checkpoint.split_once(':').ok_or(FORMS)?;
                Ok(Self::Checkpoint { epoch: epoch.parse().map_err(|_| FORMS)?, key: key.to_owned() })
            }
        }
    }
}

/// A node.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Endpoint {
    /// `http://127.0.0.1:1234/rpc/v1`
    pub(crate) url: Secret,
    /// A token that may read.
    pub(crate) token: Option<Secret>,
    /// A file with that token.
    pub(crate) token_file: Option<PathBuf>,
}

/// Rules of a network that is not public: a file that [`Network::rules`] names. Paths in it are relative to it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rules {
    /// Length of an epoch.
    pub(crate) epoch_seconds: u32,
    /// Network version of genesis.
    pub(crate) genesis_version: u32,
    /// Network version → last epoch of the version before (Lotus `Upgrade…Height`).
    #[serde(default)]
    pub(crate) upgrades: BTreeMap<String, i64>,
    /// `mainnet` or `quicknet` of drand, or a file with a drand network's chain info.
    pub(crate) beacon: String,
    /// Bytes of power that make a miner eligible (Lotus `ConsensusMinerMinPower`); 2,048 unless given.
    pub(crate) min_power_bytes: Option<u64>,
    /// Epochs of the chain's finality, which is also how far elections look back; 900 unless given.
    pub(crate) finality_epochs: Option<u32>,
    /// How finality certificates start; without it there are none.
    pub(crate) f3: Option<F3>,
    /// What addresses start with; `t` unless given.
    pub(crate) address_prefix: Option<String>,
}

/// What a network's F3 manifest says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct F3 {
    /// `NetworkName`
    pub(crate) network_name: String,
    /// `InitialInstance`
    #[serde(default)]
    pub(crate) initial_instance: u64,
    /// `BootstrapEpoch`
    pub(crate) bootstrap_epoch: i64,
    /// `EC.Finality`
    pub(crate) finality: i64,
}

/// Something that may hold a password or a key: shown as scheme and host at most.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((scheme, rest)) = self.0.split_once("://") else {
            // A file is no secret; a token is.
            return if self.0.starts_with("sqlite:") { f.write_str(&self.0) } else { f.write_str("…") };
        };
        let (authority, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let hidden = if path.is_empty() && host == authority { "" } else { "/…" };
        write!(f, "{scheme}://{host}{hidden}")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidConfig {
    #[error("{file}: {cause}")]
    Unreadable { file: PathBuf, cause: std::io::Error },
    /// `place`: `apogee.toml:12`, or the name in the environment.
    #[error("{place}: {what}")]
    Wrong { place: String, what: String },
    #[error("networks.{network}: {what}")]
    Network { network: NetworkId, what: &'static str },
    #[error("{0}")]
    Identity(String),
    #[error("{0}")]
    Chat(String),
    #[error(
        "refunds.{name}: {network} has a faucet of this name already: faucets and refunds share their names"
    )]
    Name { name: String, network: NetworkId },
}

impl Config {
    /// The shipped settings.
    pub(crate) fn defaults() -> Result<Self, InvalidConfig> {
        extract(Figment::from(Toml::string(DEFAULTS)), Path::new("apogee.toml"), DEFAULTS)
    }

    /// The shipped settings, over them those in `file`, over them those in the environment: `APOGEE_HTTP__CONNECTIONS=100`.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, InvalidConfig> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        let mut text = String::new();
        if let Some(file) = file {
            text = read(file)?;
            figment = figment.merge(Toml::string(&text));
        }
        let environment = Env::prefixed("APOGEE_").ignore(&FOREIGN).split("__");
        let name = file.unwrap_or(Path::new("apogee.toml"));
        let mut config: Self = extract(figment.merge(environment), name, &text)?;
        let folder = file.and_then(Path::parent).unwrap_or(Path::new(""));
        config.place_in(folder);
        config.check()?;
        Ok(config)
    }

    /// Paths in the file are relative to it; the database's is not: a service's settings and its data lie apart.
    fn place_in(&mut self, folder: &Path) {
        let place = |path: &mut PathBuf| *path = folder.join(&*path);
        self.wallets.values_mut().map(|wallet| &mut wallet.signer).for_each(place);
        self.faucets.values_mut().filter_map(|faucet| faucet.policy.as_mut()).for_each(place);
        self.refunds.values_mut().filter_map(|refund| refund.policy.as_mut()).for_each(place);
        self.probes.values_mut().flat_map(|probes| [&mut probes.seed, &mut probes.log_key]).for_each(place);
        let storage = self.probes.values_mut().filter_map(|probes| probes.storage.as_mut());
        storage.map(|storage| &mut storage.client).for_each(place);
        self.identity.pepper_file.as_mut().map(place);
        self.identity
            .providers
            .values_mut()
            .filter_map(|provider| provider.client_secret_file.as_mut())
            .for_each(place);
        for network in self.networks.values_mut() {
            network.recording.as_mut().map(place);
            network.keys.as_mut().map(place);
            network.spacemesh.as_mut().map(place);
            network.copy.as_mut().map(place);
            network.recount.as_mut().and_then(|recount| recount.folder.as_mut()).map(place);
            network.endpoints.iter_mut().filter_map(|endpoint| endpoint.token_file.as_mut()).for_each(place);
            if let Some(rules) = &mut network.rules
                && !matches!(&**rules, "mainnet" | "calibration")
            {
                *rules = folder.join(&*rules).display().to_string();
            }
        }
    }

    fn check(&self) -> Result<(), InvalidConfig> {
        if let Some(fault) = self.identity.fault() {
            return Err(InvalidConfig::Identity(fault));
        }
        if let Some(fault) = chat::fault(self) {
            return Err(InvalidConfig::Chat(fault));
        }
        let network = |wallet: &String| self.wallets.get(wallet).map(|wallet| &wallet.network);
        for (name, refund) in &self.refunds {
            let other = self.faucets.get(name).and_then(|faucet| network(&faucet.wallet));
            if let Some(network) = network(&refund.wallet).filter(|network| other == Some(network)) {
                return Err(InvalidConfig::Name { name: name.clone(), network: network.clone() });
            }
        }
        for (id, network) in &self.networks {
            let wrong = |what| Err(InvalidConfig::Network { network: id.clone(), what });
            if let Some(recount) = &network.recount {
                if network.copy.is_none() {
                    return wrong("recount: votes are counted from a copy of a node's database");
                }
                if let Some(fault) = recount.fault() {
                    return wrong(fault);
                }
            }
            if network.spacemesh.is_some() {
                let sources = [network.copy.is_some(), network.gateway.is_some()];
                match (&network.recording, network.endpoints.is_empty(), &network.rules, sources) {
                    (None, true, None, [true, _] | [_, true]) => continue,
                    (None, true, None, _) => {
                        return wrong("it needs a copy of a node's database, or the gateway of a node");
                    }
                    _ => {
                        return wrong(
                            "a network of Spacemesh has neither rules nor endpoints nor a recording",
                        );
                    }
                }
            }
            if network.copy.is_some() || network.gateway.is_some() {
                return wrong("copy and gateway are of networks of Spacemesh");
            }
            match (&network.recording, network.endpoints.is_empty(), &network.rules) {
                (Some(_), true, None) => {}
                (None, false, Some(_)) => {}
                (Some(_), ..) => return wrong("a recording has its own rules and no endpoints"),
                (None, true, _) => return wrong("it needs endpoints or a recording"),
                (None, false, None) => return wrong("rules are missing: mainnet, calibration or a file"),
            }
            if network
                .endpoints
                .iter()
                .any(|endpoint| endpoint.token.is_some() && endpoint.token_file.is_some())
            {
                return wrong("an endpoint has a token or a token_file, not both");
            }
        }
        Ok(())
    }

    /// The settings as TOML, secrets left out.
    pub(crate) fn shown(&self) -> String {
        place::toml(&serde_json::json!(self))
    }
}

impl Rules {
    /// Read a file of rules.
    pub(crate) fn read(file: &Path) -> Result<Self, InvalidConfig> {
        let text = read(file)?;
        extract(Figment::from(Toml::string(&text)), file, &text)
    }
}

/// Settings are small; a larger file is none.
const LARGEST: u64 = 1 << 20;

fn read(file: &Path) -> Result<String, InvalidConfig> {
    let unreadable = |cause| InvalidConfig::Unreadable { file: file.to_owned(), cause };
    if std::fs::metadata(file).map_err(unreadable)?.len() > LARGEST {
        return Err(unreadable(std::io::ErrorKind::FileTooLarge.into()));
    }
    std::fs::read_to_string(file).map_err(unreadable)
}

/// What the layers come to, or the place of what is wrong.
fn extract<T: DeserializeOwned>(figment: Figment, file: &Path, text: &str) -> Result<T, InvalidConfig> {
    figment.extract().map_err(|error| {
        // Later errors are of the same extraction: one at a time is mended.
        let from_environment =
            error.metadata.as_ref().is_some_and(|metadata| metadata.name.contains("environment"));
        let mut path = error.path.clone();
        let what = match &error.kind {
            Kind::UnknownField(name, expected) => {
                if path.last() != Some(name) {
                    path.push(name.clone());
                }
                format!("unknown setting {}; known here are {}", path.join("."), expected.join(", "))
            }
            kind => format!("{}: {kind}", path.join(".")),
        };
        let place = if from_environment {
            format!("APOGEE_{}", path.join("__").to_uppercase())
        } else {
            place::of(text, &path)
                .map_or_else(|| file.display().to_string(), |line| format!("{}:{line}", file.display()))
        };
        InvalidConfig::Wrong { place, what }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, InvalidConfig> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("apogee.toml");
        std::fs::write(&file, text).unwrap();
        Config::load(Some(&file))
    }

    #[test]
    fn the_shipped_settings_are_valid() {
        let config = Config::defaults().unwrap();
        assert!(config.networks.is_empty());
        assert_eq!(config.listen, "127.0.0.1:8480".parse().unwrap());
    }

    #[test]
    fn an_unknown_setting_is_refused_with_its_line() {
        let error =
            load("listen = \"127.0.0.1:1\"\n\n[http]\n# more\nconections = 5\n").unwrap_err().to_string();
        assert!(error.contains("apogee.toml:5: unknown setting http.conections"), "{error}");
        assert!(error.contains("connections_per_address"), "{error}");
        let error = load(
            "[networks.a]\nrules = \"mainnet\"\n[[networks.a.endpoints]]\nurl = \"http://h\"\ntokn = \"x\"\n",
        );
        let error = error.unwrap_err().to_string();
        assert!(error.contains("apogee.toml:5: unknown setting"), "{error}");
    }

    #[test]
    fn a_value_of_a_wrong_kind_is_refused_with_its_line() {
        let error = load("[http]\nconnections = \"many\"\n").unwrap_err().to_string();
        assert!(error.contains("apogee.toml:2: http.connections"), "{error}");
        let error = load("[networks.Bad_Name]\n").unwrap_err().to_string();
        assert!(error.contains("a network's name is"), "{error}");
    }

    #[test]
    fn a_network_has_a_recording_or_nodes_with_rules() {
        let error = load("[networks.a]\n").unwrap_err().to_string();
        assert_eq!(error, "networks.a: it needs endpoints or a recording");
        let error = load("[networks.a]\nrules = \"mainnet\"\nrecording = \"x\"\n").unwrap_err().to_string();
        assert_eq!(error, "networks.a: a recording has its own rules and no endpoints");
    }

    #[test]
    fn a_recount_has_bounds_and_a_copy() {
        let spacemesh = "[networks.a]\nspacemesh = \"n.toml\"\n";
        let config = load(&format!("{spacemesh}copy = \"c.sql\"\nrecount = {{ folder = \"r\" }}\n")).unwrap();
        let network = config.networks.values().next().unwrap();
        let recount = network.recount.as_ref().unwrap();
        assert_eq!((recount.start, recount.memory_mib, recount.seconds), (true, 4_096, 3_600));
        assert!(recount.folder.as_ref().unwrap().is_absolute(), "beside the file");
        for (text, why) in [
            ("copy = \"c.sql\"\nrecount = { memory_mib = 255 }", "memory_mib is 256 at least"),
            ("copy = \"c.sql\"\nrecount = { seconds = 0 }", "seconds is 1 at least"),
            ("copy = \"c.sql\"\nrecount = { minutes = 5 }", "unknown setting"),
            ("gateway = { url = \"http://h\", dialect = \"v2beta1\" }\nrecount = {}", "from a copy"),
        ] {
            let error = load(&format!("{spacemesh}{text}\n")).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let config = load(
            "store = \"postgres://me:hunter2@db.example/apogee\"\n[networks.a]\nrules = \"mainnet\"\n[[networks.a.endpoints]]\nurl = \"https://node.example/key-1234/rpc\"\ntoken = \"s3cret\"\n",
        );
        let config = config.unwrap();
        for shown in [config.shown(), format!("{config:?}")] {
            assert!(shown.contains("db.example") && shown.contains("node.example"), "{shown}");
            assert!(
                !["hunter2", "key-1234", "s3cret"].iter().any(|secret| shown.contains(secret)),
                "{shown}"
            );
        }
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("apogee.toml");
        std::fs::write(&file, "[networks.a]\nrecording = \"r\"\n").unwrap();
        let config = Config::load(Some(&file)).unwrap();
        std::fs::write(&file, config.shown()).unwrap();
        assert_eq!(Config::load(Some(&file)).unwrap().shown(), config.shown());
    }

    #[test]
    fn a_door_in_discord_needs_a_key_an_address_and_its_own_name() {
        let base = "[wallets.w]\nnetwork = \"a\"\naddress = \"t1x\"\nsigner = \"s\"\n[faucets.drip]\nwallet = \"w\"\n";
        let of = |key: &str, more: &str| {
            load(&format!("{base}discord = {{ application_public_key = \"{key}\" }}\n{more}"))
        };
        // The key of the first test of RFC 8032.
        let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let identity = "[identity]\nbase_url = \"https://a.example\"\n";
        assert!(of(key, identity).is_ok());
        let error = |key: &str, more: &str| of(key, more).unwrap_err().to_string();
        assert!(error("d75a", identity).contains("64 hexadecimal digits"), "{}", error("d75a", identity));
        let zeros = "00".repeat(32);
        assert!(error(&zeros, identity).contains("faucets.drip.discord"), "{}", error(&zeros, identity));
        assert!(error(key, "").contains("identity.base_url"));
        let other = "[faucets.more]\nwallet = \"w\"\ndiscord = { application_public_key = \"KEY\" }\n";
        assert!(
            error(key, &(identity.to_owned() + &other.replace("KEY", key))).contains("leads to one faucet")
        );
        let provider = "[identity.providers.discord]\nkind = \"oidc\"\nclient_id = \"c\"\nclient_secret = \"s\"\nissuer = \"ISSUER\"\n";
        let with = |issuer: &str| identity.to_owned() + &provider.replace("ISSUER", issuer);
        assert!(of(key, &with("https://discord.com")).is_ok());
        assert!(error(key, &with("https://elsewhere.example")).contains("another name"));
    }
}

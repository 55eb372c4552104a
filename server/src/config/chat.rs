//! Settings of chats in which people may ask a faucet.

use std::collections::BTreeMap;

use apogee_chat::ApplicationKey;
use apogee_domain::NetworkId;
use serde::{Deserialize, Serialize};

use super::Config;
use crate::identity::Kind;

/// The provider of identities that come from Discord, and the name of its settings.
pub(crate) const DISCORD: &str = "discord";

/// The issuer of those who sign in with Discord in a browser: the same accounts under the same numbers.
const ISSUER: &str = "https://discord.com";

/// An application of Discord whose commands reach a faucet.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Discord {
    /// The application's public key, 64 hexadecimal digits: what it signs is from Discord.
    pub(crate) application_public_key: ApplicationKey,
}

/// What is wrong with the chats of some settings.
pub(super) fn fault(config: &Config) -> Option<String> {
    let mut doors: BTreeMap<&NetworkId, &str> = BTreeMap::new();
    for (name, faucet) in config.faucets.iter().filter(|(_, faucet)| faucet.discord.is_some()) {
        // Without its wallet the faucet is refused elsewhere.
        let network = config.wallets.get(&faucet.wallet).map(|wallet| &wallet.network);
        if let Some(other) = network.and_then(|network| doors.insert(network, name)) {
            return Some(format!(
                "faucets.{name}.discord: faucets.{other} has one on this network already, and /discord/NETWORK leads to one faucet"
            ));
        }
        if config.identity.base_url.is_none() {
            return Some(format!("faucets.{name}.discord: answers lead to this site: say identity.base_url"));
        }
        let provider = config.identity.providers.get(DISCORD);
        let same = |issuer: &str| issuer.trim_end_matches('/') == ISSUER;
        if provider.is_some_and(|of| of.kind != Kind::Oidc || !of.issuer.as_deref().is_some_and(same)) {
            return Some(format!(
                "identity.providers.discord: with faucets.{name}.discord this name is that of Discord's accounts; another provider needs another name"
            ));
        }
    }
    None
}

//! Whom operators write something down about, in any way of writing it.

use std::net::IpAddr;

use apogee_store::LimitKey;
use fvm_shared::address::Payload;

use crate::policy::{Code, Scope, limit_key, prefixes};
use crate::{ActorKey, InvalidRecipient, Named, Notation};

/// The longest name that a provider gives somebody.
const LONGEST: usize = 255;

/// Whom an entry is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Somebody who signs in.
    Identity {
        /// With which provider.
        provider: String,
        /// The provider's unchanging name of them.
        subject: String,
    },
    /// An actor of the network, by one of its addresses.
    Actor(Named),
    /// A network that requests come from.
    Network(LimitKey),
}

/// The text names nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSubject {
    /// It is none of the three.
    #[error(
        "this is neither an identity (github:583231) nor an address of the network, nor a network (192.0.2.0/24)"
    )]
    Nobody,
    /// It has a colon, but what stands there is no identity.
    #[error("an identity is a provider and its number of somebody, github:583231")]
    Identity,
    /// Requests are not counted by networks of this length.
    #[error("requests are counted by /32 and /24 of IPv4, and by /64 and /48 of IPv6")]
    Length,
    /// It is an address that does not read.
    #[error("this address does not read")]
    Address(#[source] InvalidRecipient),
}

impl Subject {
    /// Read `github:583231`, an actor's address in any of its forms, an IP address or a network of them. The network writes addresses in
    /// `notation`. A network may be written by any of its addresses; an IP address alone is the narrowest network that is counted.
    ///
    /// # Errors
    /// [`InvalidSubject`] says what it is not.
    pub fn read(text: &str, notation: Notation) -> Result<Self, InvalidSubject> {
        let text = text.trim();
        let (address, bits) = text.split_once('/').map_or((text, None), |(ip, bits)| (ip, Some(bits)));
        if let Ok(address) = address.parse::<IpAddr>() {
            return network(address, bits).map(Self::Network).ok_or(InvalidSubject::Length);
        }
        if let Some((provider, subject)) = text.split_once(':') {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            let provided = !provider.is_empty() && provider.bytes().all(plain);
            let named =
                !subject.is_empty() && !subject.contains(|one: char| one.is_whitespace() || one.is_control());
            if !provided || !named || text.len() > LONGEST {
                return Err(InvalidSubject::Identity);
            }
            return Ok(Self::Identity { provider: provider.to_owned(), subject: subject.to_owned() });
        }
        match notation.read(text) {
            Ok(address) => Ok(Self::Actor(address)),
            Err(InvalidRecipient::NoAddress) => Err(InvalidSubject::Nobody),
            Err(error) => Err(InvalidSubject::Address(error)),
        }
    }

    /// The key that it is counted under; `None` for an address that only the network's state knows the actor of.
    #[must_use]
    pub fn key(&self, notation: Notation) -> Option<LimitKey> {
        match self {
            Self::Identity { provider, subject } => {
                Some(limit_key(Scope::Identity, None, &format!("{provider}:{subject}")))
            }
            Self::Network(key) => Some(key.clone()),
            Self::Actor(named) => match (named, notation) {
                (Named::Spacemesh(account), Notation::Spacemesh(prefix)) => {
                    Some(actor_key(&ActorKey::of_mesh(account, prefix)))
                }
                (Named::Filecoin(address), Notation::Filecoin(prefix)) => match address.payload() {
                    // These have the key in them.
                    Payload::Secp256k1(_) | Payload::BLS(_) | Payload::Delegated(_) => {
                        Some(actor_key(&ActorKey::of(address, prefix)))
                    }
                    Payload::ID(_) | Payload::Actor(_) => None,
                },
                _ => None,
            },
        }
    }
}

/// What limits and entries of an actor stand under.
#[must_use]
pub fn actor_key(actor: &ActorKey) -> LimitKey {
    limit_key(Scope::Actor, None, actor.as_str())
}

fn network(address: IpAddr, bits: Option<&str>) -> Option<LimitKey> {
    let [narrow, wide] = prefixes(address);
    let (scope, key) = match bits {
        None => narrow,
        Some(bits) => {
            // 0x20 and +32 are no lengths.
            let written = |key: &str| key.rsplit_once('/').is_some_and(|(_, length)| length == bits);
            [narrow, wide].into_iter().find(|(_, key)| written(key))?
        }
    };
    Some(limit_key(scope, None, &key))
}

/// Codes that an exception is to lift.
///
/// # Errors
/// The first word that is none, or names a rule that nobody can be excepted from.
pub fn liftable<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Vec<Code>, String> {
    let one = |word: &'a str| {
        let code = word.parse::<Code>().ok().filter(|code| code.can_be_lifted());
        code.ok_or_else(|| word.to_owned())
    };
    words.into_iter().map(str::trim).filter(|word| !word.is_empty()).map(one).collect()
}

#[cfg(test)]
mod tests {
    use fvm_shared::address::Address;

    use super::*;

    const HERE: Notation = Notation::Filecoin('t');

    fn key(text: &str) -> Option<(String, String)> {
        let key = Subject::read(text, HERE).unwrap().key(HERE)?;
        Some((key.scope, key.key))
    }

    fn of(scope: &str, key: &str) -> Option<(String, String)> {
        Some((scope.to_owned(), key.to_owned()))
    }

    #[test]
    fn whoever_is_meant_has_one_key_however_it_is_written() {
        assert_eq!(key(" github:583231 "), of("identity", "github:583231"));
        assert_eq!(key("company:auth0|5f"), of("identity", "company:auth0|5f"));
        for text in ["203.0.113.77", "203.0.113.77/32", "::ffff:203.0.113.77"] {
            assert_eq!(key(text), of("v4-address", "203.0.113.77/32"), "{text}");
        }
        assert_eq!(key("203.0.113.77/24"), of("v4-network", "203.0.113.0/24"));
        assert_eq!(key("2001:db8:1:2:3::9"), of("v6-network", "2001:db8:1:2::/64"));
        assert_eq!(key("2001:db8:1:2::/48"), of("v6-site", "2001:db8:1::/48"));
        let ethereum = key("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed").unwrap();
        assert_eq!(key(&ethereum.1), Some(ethereum.clone()));
        assert!(ethereum.0 == "actor" && ethereum.1.starts_with("t410f"), "{ethereum:?}");
    }

    #[test]
    fn an_id_says_nothing_without_the_state() {
        for text in ["t01000", "0xff000000000000000000000000000000000003e8"] {
            assert_eq!(Subject::read(text, HERE), Ok(Subject::Actor(Named::Filecoin(Address::new_id(1000)))));
            assert_eq!(key(text), None);
        }
    }

    #[test]
    fn what_names_nobody_is_refused_and_says_why() {
        for (text, error) in [
            ("", InvalidSubject::Nobody),
            ("octocat", InvalidSubject::Nobody),
            ("github:", InvalidSubject::Identity),
            (":1", InvalidSubject::Identity),
            ("GitHub:1", InvalidSubject::Identity),
            ("github:a b", InvalidSubject::Identity),
            ("10.0.0.0/8", InvalidSubject::Length),
            ("10.0.0.0/+24", InvalidSubject::Length),
            ("2001:db8::/32", InvalidSubject::Length),
            ("2001:db8::/24", InvalidSubject::Length),
            ("f01000", InvalidSubject::Address(InvalidRecipient::OtherNetwork(HERE))),
        ] {
            assert_eq!(Subject::read(text, HERE), Err(error), "{text}");
        }
    }

    #[test]
    fn what_protects_the_money_of_all_cannot_be_lifted() {
        assert_eq!(
            liftable(["account-age", " network-limit", ""]).unwrap(),
            [Code::AccountAge, Code::NetworkLimit]
        );
        for word in ["wallet-empty", "paused", "denied", "budget-grants", "everything"] {
            assert_eq!(liftable(["account-age", word]), Err(word.to_owned()));
        }
    }
}

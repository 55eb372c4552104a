use std::fmt;
use std::str::FromStr;

use apogee_domain::{Network as Paid, NetworkKind};
use apogee_spacemesh::address::{Address as Mesh, Prefix};
use fvm_shared::address::{Address as Filecoin, Network, Payload, Protocol};
use sha3::{Digest as _, Keccak256};

/// The actor behind `f410` addresses.
const ETHEREUM_ADDRESS_MANAGER: u64 = 10;

/// How the Ethereum form of an `f0` address begins; its id follows in 8 bytes (FIP-0055).
const MASK: [u8; 12] = [0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Where a payment goes: a Filecoin address, or the Ethereum form of one; an account of Spacemesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// `f…` or `t…`.
    Filecoin {
        /// What it stands for.
        address: Filecoin,
        /// Whether it is written with `t`.
        testnet: bool,
    },
    /// `0x…`.
    Ethereum([u8; 20]),
    /// `sm1…`, `stest1…`: what is before the 1 names the network.
    Spacemesh {
        /// Whose.
        account: Mesh,
        /// What is before the 1.
        prefix: Prefix,
    },
}

/// The text is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// Neither `f…`, `t…` nor `0x…`, and nothing with a 1 after a prefix.
    #[error("an address begins with f, t or 0x, and on Spacemesh with the network's prefix and 1")]
    Kind,
    /// Not 40 hexadecimal digits after `0x`.
    #[error("40 hexadecimal digits follow 0x")]
    Digits,
    /// Upper and lower case that do not agree with the digits: a slip of the pen.
    #[error("upper and lower case are not those of EIP-55")]
    Case,
    /// The network's library does not read it: wrong checksum or length.
    #[error("it is not a Filecoin address: {0}")]
    Filecoin(String),
    /// No account of Spacemesh.
    #[error("it is not a Spacemesh address: {0}")]
    Spacemesh(String),
    /// Another spelling than the one that the network writes.
    #[error("it is written differently: {0}")]
    Spelling(String),
}

impl Address {
    /// The Ethereum form: of an `f410` address its subaddress, of an `f0` one `0xff`, eleven zeros and the id (FIP-0055). Others have none.
    #[must_use]
    pub fn ethereum(&self) -> Option<[u8; 20]> {
        match self {
            Self::Ethereum(bytes) => Some(*bytes),
            Self::Spacemesh { .. } => None,
            Self::Filecoin { address, .. } => match address.payload() {
                // A subaddress that looks like an id belongs to nobody, but would pay the actor with that id.
                Payload::Delegated(delegated) if delegated.namespace() == ETHEREUM_ADDRESS_MANAGER => {
                    delegated
                        .subaddress()
                        .try_into()
                        .ok()
                        .filter(|bytes: &[u8; 20]| !bytes.starts_with(&MASK))
                }
                Payload::ID(id) => {
                    let mut bytes = [0; 20];
                    bytes
                        .iter_mut()
                        .zip(MASK.iter().chain(&id.to_be_bytes()))
                        .for_each(|(to, from)| *to = *from);
                    Some(bytes)
                }
                _ => None,
            },
        }
    }

    /// The Filecoin form, written for the testnet or not.
    #[must_use]
    pub fn filecoin(&self, testnet: bool) -> Option<String> {
        let address = match self {
            Self::Filecoin { address, .. } => *address,
            Self::Ethereum(bytes) => match bytes.split_first_chunk::<12>() {
                Some((&MASK, id)) => Filecoin::new_id(u64::from_be_bytes(id.try_into().ok()?)),
                _ => Filecoin::new_delegated(ETHEREUM_ADDRESS_MANAGER, bytes).ok()?,
            },
            Self::Spacemesh { .. } => return None,
        };
        Some(spell(address, testnet))
    }

    /// As a network writes it; `None` where it is of another.
    #[must_use]
    pub fn on(&self, network: &Paid) -> Option<String> {
        match (self, network.kind) {
            (_, NetworkKind::Filecoin) => self.filecoin(network.address_prefix == "t"),
            (Self::Spacemesh { prefix, .. }, NetworkKind::Spacemesh) => {
                (prefix.to_string() == network.address_prefix).then(|| self.to_string())
            }
            (_, NetworkKind::Spacemesh) => None,
        }
    }

    /// Whether it is an account of Spacemesh.
    #[must_use]
    pub const fn is_spacemesh(&self) -> bool {
        matches!(self, Self::Spacemesh { .. })
    }

    /// Whether it is the address of a key (`f1`, `f3`): one that can sign before there is any state.
    #[must_use]
    pub fn is_key(&self) -> bool {
        let key = |address: &Filecoin| matches!(address.protocol(), Protocol::Secp256k1 | Protocol::BLS);
        matches!(self, Self::Filecoin { address, .. } if key(address))
    }
}

/// The library writes the prefix of a network that is global to the process; ours goes with the address.
fn spell(address: Filecoin, testnet: bool) -> String {
    let text = address.to_string();
    format!("{}{}", if testnet { 't' } else { 'f' }, text.get(1..).unwrap_or_default())
}

/// Ethereum addresses are written with the checksum of EIP-55.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filecoin { address, testnet } => f.write_str(&spell(*address, *testnet)),
            Self::Ethereum(bytes) => f.write_str(&checksummed(bytes)),
            Self::Spacemesh { account, prefix } => f.write_str(&account.text(*prefix)),
        }
    }
}

/// An Ethereum address with the checksum of EIP-55.
pub(super) fn checksummed(bytes: &[u8; 20]) -> String {
    let digits = hex::encode(bytes);
    let hash = Keccak256::digest(&digits);
    let nibbles = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let cased = digits.chars().zip(nibbles).map(|(digit, nibble)| match nibble {
        8.. => digit.to_ascii_uppercase(),
        _ => digit,
    });
    "0x".chars().chain(cased).collect()
}

impl FromStr for Address {
    type Err = InvalidAddress;
    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        if let Some(digits) = text.strip_prefix("0x") {
            let mut bytes = [0; 20];
            hex::decode_to_slice(digits, &mut bytes).map_err(|_| InvalidAddress::Digits)?;
            let lower = !digits.bytes().any(|digit| digit.is_ascii_uppercase());
            let upper = !digits.bytes().any(|digit| digit.is_ascii_lowercase());
            let good = lower || upper || checksummed(&bytes) == text;
            return if good { Ok(Self::Ethereum(bytes)) } else { Err(InvalidAddress::Case) };
        }
        let (network, testnet) = match text.bytes().next() {
            Some(b'f') => (Network::Mainnet, false),
            Some(b't') => (Network::Testnet, true),
            _ => return mesh(text),
        };
        let address =
            network.parse_address(text).map_err(|error| InvalidAddress::Filecoin(error.to_string()))?;
        let spelled = spell(address, testnet);
        if spelled == text {
            Ok(Self::Filecoin { address, testnet })
        } else {
            Err(InvalidAddress::Spelling(spelled))
        }
    }
}

/// An account of Spacemesh, in its one writing.
fn mesh(text: &str) -> Result<Address, InvalidAddress> {
    let (prefix, _) = text.rsplit_once('1').ok_or(InvalidAddress::Kind)?;
    let prefix = Prefix::new(prefix).map_err(|_| InvalidAddress::Kind)?;
    let wrong = |error: &dyn fmt::Display| InvalidAddress::Spacemesh(error.to_string());
    let account = Mesh::parse(text, prefix).map_err(|error| wrong(&error))?;
    let spelled = account.text(prefix);
    if spelled == text {
        Ok(Address::Spacemesh { account, prefix })
    } else {
        Err(InvalidAddress::Spelling(spelled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn ethereum_and_filecoin_forms_of_an_address_are_one() {
        // FIP-0055's example of an id, and an address with its f410 form from the Filecoin documentation.
        assert_eq!(
            hex::encode(read("f01024").ethereum().unwrap()),
            "ff00000000000000000000000000000000000400"
        );
        assert_eq!(read("0xff00000000000000000000000000000000000400").filecoin(true).unwrap(), "t01024");
        let both = read("0x52963EF50e27e06D72D59fcB4F3c2a687BE3cfEf");
        let delegated = both.filecoin(false).unwrap();
        assert_eq!(read(&delegated).ethereum(), both.ethereum());
        assert_eq!(read(&delegated).to_string(), delegated);
        assert!(!read(&delegated).is_key() && !both.is_key());
        let key = read("t17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy");
        assert!(key.is_key() && key.ethereum().is_none());
        assert_eq!(key.filecoin(false).unwrap(), "f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy");
    }

    /// The addresses that EIP-55 gives.
    #[test]
    fn the_case_of_an_ethereum_address_is_its_checksum() {
        for text in [
            "0x52908400098527886E0F7030069857D2E4169EE7",
            "0xde709f2102306220921060314715629080e2fb77",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
            "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        ] {
            assert_eq!(read(text).to_string(), text);
            assert_eq!(read(&text.to_lowercase()).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let key = "t17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy";
        for (text, why) in [
            ("", InvalidAddress::Kind),
            ("a0", InvalidAddress::Kind),
            ("1", InvalidAddress::Kind),
            ("0x12", InvalidAddress::Digits),
            ("0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed", InvalidAddress::Case),
            ("f0007", InvalidAddress::Spelling("f07".into())),
            ("f0+7", InvalidAddress::Spelling("f07".into())),
        ] {
            assert_eq!(text.parse::<Address>(), Err(why), "{text}");
        }
        let changed = key.replace('7', "6");
        for text in
            ["f", "f5abc", "f0x", "f0-1", "f099999999999999999999", &key.to_uppercase(), &changed, &key[..20]]
        {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_account_of_spacemesh_is_paid_on_its_own_network() {
        let network = |kind, prefix: &str| Paid {
            id: "a".parse().unwrap(),
            kind,
            genesis: String::new(),
            genesis_time: apogee_domain::Timestamp(0),
            epoch_seconds: 300,
            address_prefix: prefix.to_owned(),
            finality: apogee_domain::Finality { depth: 10, certificates: false },
        };
        let text = Mesh::of(Mesh([1; 24]), b"ada").text(Prefix::TEST);
        let address = read(&text);
        assert_eq!(address.to_string(), text);
        assert_eq!(address.on(&network(NetworkKind::Spacemesh, "stest")), Some(text.clone()));
        assert_eq!(address.on(&network(NetworkKind::Spacemesh, "sm")), None);
        assert_eq!(address.on(&network(NetworkKind::Filecoin, "t")), None);
        assert_eq!(read("f01000").on(&network(NetworkKind::Spacemesh, "stest")), None);
        assert_eq!(read("f01000").on(&network(NetworkKind::Filecoin, "t")), Some("t01000".to_owned()));
        assert!(address.ethereum().is_none() && !address.is_key());
        for wrong in
            [text.to_uppercase(), format!("{text}q"), text.replace("stest", "sm"), "sm1".into(), "a01".into()]
        {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_delegated_address_that_looks_like_an_id_pays_nobody() {
        let posing = Filecoin::new_delegated(10, &[&MASK[..], &1000_u64.to_be_bytes()].concat()).unwrap();
        assert_eq!(Address::Filecoin { address: posing, testnet: false }.ethereum(), None);
    }
}

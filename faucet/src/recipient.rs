//! To whom a grant goes: one actor, whatever form of its address is written.

use std::fmt;

use apogee_domain::{Atto, NetworkKind};
use apogee_spacemesh::address::{Address as Mesh, InvalidAddress, Prefix};
use async_trait::async_trait;
use fvm_shared::address::{Address, Network, Payload};
use sha3::{Digest as _, Keccak256};

/// The delegated namespace of the Ethereum address manager (FIP-0048, FIP-0055).
const EAM: u64 = 10;
const LONGEST: usize = 150;

/// A text that is no address to which this network can pay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecipient {
    /// It is none.
    #[error("this is no address")]
    NoAddress,
    /// It is one, mistyped: its checksum does not fit.
    #[error("the checksum of the address does not fit: a letter is wrong")]
    Checksum,
    /// It is one of another network.
    #[error("this is an address of another network; here they begin with {0}")]
    OtherNetwork(Notation),
}

impl InvalidRecipient {
    /// A stable word.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoAddress => "recipient-invalid",
            Self::Checksum => "recipient-checksum",
            Self::OtherNetwork(_) => "recipient-network",
        }
    }
}

/// How a network writes addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// Of Filecoin, with this letter.
    Filecoin(char),
    /// Of Spacemesh, with this before the 1.
    Spacemesh(Prefix),
}

impl fmt::Display for Notation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filecoin(letter) => write!(f, "{letter}, or with 0x"),
            Self::Spacemesh(prefix) => write!(f, "{prefix}1"),
        }
    }
}

/// An address that a network can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// Of Filecoin.
    Filecoin(Address),
    /// Of Spacemesh.
    Spacemesh(Mesh),
}

impl Notation {
    /// That of a network whose addresses begin with `prefix`.
    #[must_use]
    pub fn of(kind: NetworkKind, prefix: &str) -> Self {
        match kind {
            NetworkKind::Filecoin => Self::Filecoin(prefix.chars().next().unwrap_or('t')),
            // What is no prefix has no addresses that would be its own.
            NetworkKind::Spacemesh => Self::Spacemesh(Prefix::new(prefix).unwrap_or(Prefix::STANDALONE)),
        }
    }

    /// Which networks write like that.
    #[must_use]
    pub const fn kind(&self) -> NetworkKind {
        match self {
            Self::Filecoin(_) => NetworkKind::Filecoin,
            Self::Spacemesh(_) => NetworkKind::Spacemesh,
        }
    }

    /// The address that somebody has typed.
    ///
    /// # Errors
    /// [`InvalidRecipient`] says what is wrong with it.
    pub fn read(&self, text: &str) -> Result<Named, InvalidRecipient> {
        match self {
            Self::Filecoin(letter) => parse_recipient(text, *letter).map(Named::Filecoin),
            Self::Spacemesh(prefix) => account_of(text, *prefix).map(Named::Spacemesh),
        }
    }
}

/// The account of Spacemesh that somebody has typed, on a network whose addresses begin with `prefix`. Nobody has a key to a template, or to nothing at all: what is sent there is lost.
///
/// # Errors
/// [`InvalidRecipient`] says what is wrong with it.
pub fn account_of(text: &str, prefix: Prefix) -> Result<Mesh, InvalidRecipient> {
    let text = text.trim();
    let address = Mesh::parse(text, prefix).map_err(|error| match error {
        error if error.is_mistyped() && has(text, prefix) => InvalidRecipient::Checksum,
        InvalidAddress::Prefix { .. } => InvalidRecipient::OtherNetwork(Notation::Spacemesh(prefix)),
        _ => InvalidRecipient::NoAddress,
    })?;
    let [numbers @ .., _] = address.0;
    if numbers == [0; 23] { Err(InvalidRecipient::NoAddress) } else { Ok(address) }
}

fn has(text: &str, prefix: Prefix) -> bool {
    text.to_ascii_lowercase().strip_prefix(&prefix.to_string()).is_some_and(|rest| rest.starts_with('1'))
}

/// An address in any of its forms: `f0…`, `f1…`, `f2…`, `f3…`, `f410f…`, `0x…` (an Ethereum address, or with `0xff` before eleven zero bytes an
/// id), as a network writes them whose addresses begin with `prefix`.
///
/// # Errors
/// [`InvalidRecipient`] says what is wrong with it.
pub fn parse_recipient(text: &str, prefix: char) -> Result<Address, InvalidRecipient> {
    let text = text.trim();
    if text.len() > LONGEST {
        return Err(InvalidRecipient::NoAddress);
    }
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return ethereum(digits);
    }
    let network = if prefix == 't' { Network::Testnet } else { Network::Mainnet };
    let address = network.parse_address(text).map_err(|error| match error {
        fvm_shared::address::Error::InvalidChecksum => InvalidRecipient::Checksum,
        fvm_shared::address::Error::UnknownNetwork if text.starts_with(['f', 't']) => {
            InvalidRecipient::OtherNetwork(Notation::Filecoin(prefix))
        }
        _ => InvalidRecipient::NoAddress,
    })?;
    match address.payload() {
        Payload::Delegated(delegated) if delegated.namespace() == EAM => {
            let bytes: [u8; 20] =
                delegated.subaddress().try_into().map_err(|_| InvalidRecipient::NoAddress)?;
            of_bytes(bytes)
        }
        // No other manager of delegated addresses exists: nothing can be sent there.
        Payload::Delegated(_) => Err(InvalidRecipient::NoAddress),
        _ => Ok(address),
    }
}

fn ethereum(digits: &str) -> Result<Address, InvalidRecipient> {
    let mut bytes = [0; 20];
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    if digits.len() != 40 {
        return Err(InvalidRecipient::NoAddress);
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { continue };
        let (high, low) = value(*high).zip(value(*low)).ok_or(InvalidRecipient::NoAddress)?;
        *byte = high << 4 | low;
    }
    let lower = digits.to_ascii_lowercase();
    let mixed = digits != lower && digits != digits.to_ascii_uppercase();
    if mixed && digits != checksummed(&lower) {
        return Err(InvalidRecipient::Checksum);
    }
    of_bytes(bytes)
}

/// EIP-55: a letter is a capital where the hash of the digits has eight or more at its place.
fn checksummed(lower: &str) -> String {
    let hash = Keccak256::digest(lower);
    let nibbles = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let one = |(digit, nibble): (char, u8)| if nibble >= 8 { digit.to_ascii_uppercase() } else { digit };
    lower.chars().zip(nibbles).map(one).collect()
}

/// An id is written as an Ethereum address with `0xff` first and zeroes between (FIP-0055).
fn of_bytes(bytes: [u8; 20]) -> Result<Address, InvalidRecipient> {
    let [first, zeroes @ .., a, b, c, d, e, f, g, h] = bytes;
    if first == 0xff && zeroes == [0; 11] {
        return Ok(Address::new_id(u64::from_be_bytes([a, b, c, d, e, f, g, h])));
    }
    // To nothing at all nobody has a key.
    if bytes == [0; 20] {
        return Err(InvalidRecipient::NoAddress);
    }
    Address::new_delegated(EAM, &bytes).map_err(|_| InvalidRecipient::NoAddress)
}

/// What all forms of an actor's address have in common: the form with its key (f1, f3, f410) where it has one, else its id.
///
/// The key is there before the actor is, and stays; the id comes with the first money and may be another after a fork. Counted by its id, every
/// new actor would have had nothing yet at its second request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActorKey(String);

impl ActorKey {
    /// Of a stable address, as a network writes it whose addresses begin with `prefix`.
    #[must_use]
    pub fn of(stable: &Address, prefix: char) -> Self {
        // `fvm_shared` writes the letter of a process-wide setting.
        Self(std::iter::once(prefix).chain(stable.to_string().chars().skip(1)).collect())
    }

    /// Of an account of Spacemesh, which has one address.
    #[must_use]
    pub fn of_mesh(account: &Mesh, prefix: Prefix) -> Self {
        Self(account.text(prefix))
    }

    /// As it is stored and shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ActorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An actor as the network knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// What its limits are counted by.
    pub key: ActorKey,
    /// What it has; nothing where there is no such actor yet.
    pub balance: Atto,
    /// Whether it is owner or worker of a storage miner.
    pub miner: bool,
}

/// Why nobody is paid at an address.
#[derive(Debug, thiserror::Error)]
pub enum Unresolved {
    /// The network has no such actor, and none can come to be by being paid.
    #[error("the network has no actor {0}")]
    NoActor(String),
    /// It has one, but money that it is given is lost or refused.
    #[error("{address} is {kind}, which takes no money from a faucet")]
    NoRecipient {
        /// Which.
        address: String,
        /// What it is.
        kind: String,
    },
    /// Nobody can say now.
    #[error("what the network knows of the recipient cannot be read")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Whoever can look actors up.
#[async_trait]
pub trait Recipients: Send + Sync + fmt::Debug {
    /// Whose address this is.
    async fn recipient(&self, address: &Named) -> Result<Recipient, Unresolved>;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EIP-55's first example.
    const CHECKSUMMED: &str = "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";

    #[test]
    fn an_ethereum_address_is_the_delegated_one_in_every_way_of_writing_it() {
        let lower = parse_recipient(&format!("0x{}", CHECKSUMMED.to_lowercase()), 't').unwrap();
        let delegated = ActorKey::of(&lower, 't').to_string();
        assert!(delegated.starts_with("t410f"), "{delegated}");
        for text in [
            format!("0x{CHECKSUMMED}"),
            format!("0x{}", CHECKSUMMED.to_uppercase()),
            format!("  {delegated}\n"),
        ] {
            assert_eq!(parse_recipient(&text, 't'), Ok(lower), "{text}");
        }
    }

    #[test]
    fn an_id_is_the_same_actor_as_f0_as_0xff_and_as_f410() {
        let id = Address::new_id(1000);
        let mut bytes = [0; 20];
        bytes[0] = 0xff;
        bytes[18..].copy_from_slice(&[0x03, 0xe8]);
        let delegated = ActorKey::of(&Address::new_delegated(EAM, &bytes).unwrap(), 't');
        assert_eq!(parse_recipient("t01000", 't'), Ok(id));
        assert_eq!(parse_recipient("0xff000000000000000000000000000000000003e8", 't'), Ok(id));
        assert_eq!(parse_recipient(delegated.as_str(), 't'), Ok(id));
        assert_eq!(ActorKey::of(&id, 'f').as_str(), "f01000");
    }

    #[test]
    fn an_account_of_spacemesh_has_one_address_and_a_mistyped_one_is_told_as_such() {
        let here = Notation::of(NetworkKind::Spacemesh, "stest");
        let account = Mesh::of(Mesh([1; 24]), b"somebody");
        let (text, main) = (account.text(Prefix::TEST), account.text(Prefix::MAIN));
        assert_eq!(here.read(&format!(" {text}\n")), Ok(Named::Spacemesh(account)));
        assert_eq!(here.read(&text.to_uppercase()), Ok(Named::Spacemesh(account)));
        assert_eq!(ActorKey::of_mesh(&account, Prefix::TEST).as_str(), text);
        let last = if text.ends_with('q') { "p" } else { "q" };
        let mistyped = format!("{}{last}", &text[..text.len() - 1]);
        let template = Mesh([[0; 23].as_slice(), &[1]].concat().try_into().unwrap());
        for (text, error) in [
            (mistyped, InvalidRecipient::Checksum),
            (main, InvalidRecipient::OtherNetwork(here)),
            (template.text(Prefix::TEST), InvalidRecipient::NoAddress),
            (Mesh([0; 24]).text(Prefix::TEST), InvalidRecipient::NoAddress),
            ("t01000".to_owned(), InvalidRecipient::NoAddress),
            ("stest1\u{e9}".to_owned(), InvalidRecipient::NoAddress),
            (format!("stest1{}", "q".repeat(5_000)), InvalidRecipient::NoAddress),
            (String::new(), InvalidRecipient::NoAddress),
        ] {
            assert_eq!(here.read(&text), Err(error), "{text}");
        }
        assert!(Notation::of(NetworkKind::Filecoin, "t").read(&text).is_err());
    }

    #[test]
    fn what_is_no_address_of_the_network_is_refused_and_says_why() {
        let wrong_case = CHECKSUMMED.replacen("aAeb", "AAeb", 1);
        let good = ActorKey::of(&Address::new_actor(b"x"), 'f').to_string();
        let mistyped = if good.ends_with('a') { good.replace('a', "b") } else { format!("{}a", &good[..40]) };
        for (text, error) in [
            (good.clone(), InvalidRecipient::OtherNetwork(Notation::Filecoin('t'))),
            ("f01000".to_owned(), InvalidRecipient::OtherNetwork(Notation::Filecoin('t'))),
            (mistyped.replacen('f', "t", 1), InvalidRecipient::Checksum),
            (format!("0x{wrong_case}"), InvalidRecipient::Checksum),
            ("0x".to_owned() + &"0".repeat(40), InvalidRecipient::NoAddress),
            ("0x12".to_owned(), InvalidRecipient::NoAddress),
            ("0x".to_owned() + &"é".repeat(20), InvalidRecipient::NoAddress),
            (String::new(), InvalidRecipient::NoAddress),
            ("t".to_owned(), InvalidRecipient::NoAddress),
            ("tx".repeat(1000), InvalidRecipient::NoAddress),
            ("t099999999999999999999".to_owned(), InvalidRecipient::NoAddress),
            ("дdress".to_owned(), InvalidRecipient::NoAddress),
        ] {
            assert_eq!(parse_recipient(&text, 't'), Err(error), "{text}");
        }
    }
}

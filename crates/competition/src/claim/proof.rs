use std::fmt;
use std::str::FromStr;

use apogee_domain::{Digest, Epoch};
use apogee_rules::{Id, canonical};
use serde::{Deserialize, Serialize};

use super::Role;
use crate::hex;
use crate::refusal::{Kind, Refusal};

/// What `lotus wallet sign` puts before a message since v1.35.0 (FRC-0102), unless it is told `--raw`.
const FRC_0102: &str = "\u{19}Filecoin Signed Message:\n";
/// What a multisig's proposal commits to begins with this.
const PROPOSAL: &[u8] = b"apogee-claim-1\n";

/// The form in which a message was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Envelope {
    /// Its bytes as they are.
    Raw,
    /// Behind a prefix and the decimal length of the message in bytes.
    #[serde(rename = "frc-0102")]
    Frc0102,
}

impl Envelope {
    const ALL: [Self; 2] = [Self::Frc0102, Self::Raw];

    /// The bytes that were signed.
    #[must_use]
    pub fn wrap(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Raw => message.to_vec(),
            Self::Frc0102 => [FRC_0102.as_bytes(), message.len().to_string().as_bytes(), message].concat(),
        }
    }
}

/// Which signature scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureKind {
    /// secp256k1 over BLAKE2b-256: `r ‖ s ‖ v`, 65 bytes.
    Secp256k1,
    /// BLS12-381, 96 bytes.
    Bls,
}

/// A signature as `lotus wallet sign` prints it: hexadecimal, one byte for the kind (1 secp256k1, 2 BLS), then the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletSignature {
    /// Which scheme.
    pub kind: SignatureKind,
    /// 65 or 96 bytes.
    pub bytes: Vec<u8>,
}

impl FromStr for WalletSignature {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let wrong = |wrong| {
            let remedy = "paste what `lotus wallet sign` printed, all of it";
            Err(Refusal::new(Kind::MalformedSignature, "signature", wrong, remedy))
        };
        if text.len() > 2 * 97 {
            return wrong("it is longer than any signature");
        }
        let bytes = hex::bytes(text);
        match bytes.as_deref().and_then(<[u8]>::split_first) {
            None => wrong("it is not an even number of lower-case hexadecimal digits"),
            Some((1, rest)) if rest.len() == 65 => {
                Ok(Self { kind: SignatureKind::Secp256k1, bytes: rest.to_vec() })
            }
            Some((2, rest)) if rest.len() == 96 => {
                Ok(Self { kind: SignatureKind::Bls, bytes: rest.to_vec() })
            }
            Some((1 | 2, _)) => wrong("it has another length than its kind"),
            Some((3, _)) => wrong("delegated keys own no miners here"),
            Some(_) => wrong("its first byte names no kind of key"),
        }
    }
}

impl fmt::Display for WalletSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            SignatureKind::Secp256k1 => "01",
            SignatureKind::Bls => "02",
        })?;
        self.bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Who holds a role of a miner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// An account: the address of its key (`f1…`, `f3…`).
    Key(String),
    /// A multisig: its address. It has no key.
    Multisig(String),
    /// Verified state does not tell.
    Unknown,
}

/// The keys of a miner at an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinerKeys {
    /// Its owner.
    pub owner: Holder,
    /// Its worker.
    pub worker: Holder,
    /// Addresses of keys it had before, of either role.
    pub former: Vec<String>,
}

/// A participant as the chain shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// Epoch at which it was first seen.
    pub seen: Epoch,
    /// Its region, where one is known.
    pub region: Option<Id>,
}

/// What verified state says. Nothing here believes a node.
pub trait Chain {
    /// A participant that has been seen up to an epoch.
    fn participant(&self, id: &Id, at: Epoch) -> Option<Participant>;

    /// The keys of a miner at an epoch.
    fn keys(&self, miner: &Id, at: Epoch) -> Option<MinerKeys>;

    /// Whether a multisig has executed the proposal of that name, and it commits to this hash.
    fn approves(&self, multisig: &str, proposal: &str, commitment: &Digest, at: Epoch) -> bool;
}

/// Whether signatures are good.
pub trait Verify {
    /// Whether the key of `address` made this signature of `bytes`.
    fn verifies(&self, address: &str, signature: &WalletSignature, bytes: &[u8]) -> bool;
}

/// What shows that a miner's key signed a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Whose key.
    pub miner: Id,
    /// In which role.
    pub role: Role,
    /// Address of the key, as verified state named it at the epoch of the entry.
    pub key: String,
    /// How the message was wrapped.
    pub envelope: Envelope,
    /// As the wallet printed it.
    pub signature: String,
    /// With the role of an owner that is a multisig: the key is the worker's, and this the owner's consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Proposal>,
}

/// A proposal of a multisig.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// Address of the multisig.
    pub multisig: String,
    /// Number of the transaction among all of the multisig.
    pub id: String,
}

/// What the parameters of a multisig's proposal must hold to approve a message.
#[must_use]
pub fn proposal_commitment(message: &str) -> Digest {
    canonical::sha256(&[PROPOSAL, message.as_bytes()].concat())
}

/// The envelope in which `signature` is the one of `address` over `message`.
fn envelope(
    verify: &dyn Verify,
    address: &str,
    signature: &WalletSignature,
    message: &str,
) -> Option<Envelope> {
    let good = |envelope: &Envelope| verify.verifies(address, signature, &envelope.wrap(message.as_bytes()));
    Envelope::ALL.into_iter().find(good)
}

/// Make a proof of a signature, or say why it proves nothing.
pub(crate) fn prove(
    (miner, role): (&Id, Role),
    message: &str,
    (signature, proposal): (&str, Option<&str>),
    at: Epoch,
    chain: &dyn Chain,
    verify: &dyn Verify,
) -> Result<Proof, Refusal> {
    let refuse = |kind, wrong: String, remedy| Err(Refusal::new(kind, "signature", wrong, remedy));
    let read: WalletSignature = signature.parse()?;
    let Some(keys) = chain.keys(miner, at) else {
        return refuse(
            Kind::KeyUnknown,
            format!("no verified state names the keys of {miner}"),
            "wait until the miner is indexed",
        );
    };
    let (holder, other) = match role {
        Role::Owner => (&keys.owner, &keys.worker),
        Role::Worker => (&keys.worker, &keys.owner),
    };
    let (key, multisig) = match (holder, &keys.worker) {
        (Holder::Key(key), _) => (key, None),
        (Holder::Multisig(multisig), Holder::Key(worker)) if role == Role::Owner => match proposal {
            Some(proposal) => {
                (worker, Some(Proposal { multisig: multisig.clone(), id: proposal.to_owned() }))
            }
            None => {
                let remedy = "sign with the worker's key and name the multisig's proposal, or claim in the role of the worker";
                return refuse(
                    Kind::OwnerIsMultisig,
                    format!("the owner {multisig} is a multisig, which has no key"),
                    remedy,
                );
            }
        },
        _ => {
            return refuse(
                Kind::KeyUnknown,
                format!("no verified state names the {role}'s key"),
                "wait until the miner is indexed",
            );
        }
    };
    if let Some(envelope) = envelope(verify, key, &read, message) {
        if let Some(Proposal { multisig, id }) = &multisig
            && !chain.approves(multisig, id, &proposal_commitment(message), at)
        {
            let wrong = format!("{multisig} has no executed proposal {id} for this message");
            return refuse(
                Kind::NoSuchProposal,
                wrong,
                "propose and approve it with the hash that the site shows",
            );
        }
        let (miner, key, signature) = (miner.clone(), key.clone(), signature.to_owned());
        return Ok(Proof { miner, role, key, envelope, signature, proposal: multisig });
    }
    let made_by = |address: &String| envelope(verify, address, &read, message).is_some();
    if matches!(other, Holder::Key(other) if made_by(other)) {
        let wrong =
            format!("it was not made by the {role}'s key {key}, but by that of the miner's other role");
        return refuse(Kind::WrongRole, wrong, "ask for a message for the role whose key you have");
    }
    if keys.former.iter().any(made_by) {
        let wrong = format!("it was made by a key that {miner} had before; the {role}'s key is {key}");
        return refuse(Kind::RotatedKey, wrong, "sign with the key the miner has now");
    }
    let wrong = format!("{key} did not make it over these bytes, in either envelope");
    refuse(Kind::BadSignature, wrong, "sign the message to the byte, with the key that is named")
}

/// Whether a recorded proof is what [`prove`] would make of it now.
pub(crate) fn check(
    proof: &Proof,
    message: &str,
    at: Epoch,
    chain: &dyn Chain,
    verify: &dyn Verify,
) -> Result<(), Refusal> {
    let proposal = proof.proposal.as_ref().map(|proposal| proposal.id.as_str());
    let made = prove((&proof.miner, proof.role), message, (&proof.signature, proposal), at, chain, verify)?;
    if made == *proof {
        return Ok(());
    }
    let wrong = "key, envelope or proposal are recorded otherwise than verified state has them".to_owned();
    Err(Refusal::new(Kind::BadSignature, "act.proof", wrong, "record them as they are"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_is_lotus_own() {
        // cli/wallet_test.go of lotus v1.35.0, TestWrapMessageFRC0102.
        assert_eq!(Envelope::Frc0102.wrap(b"hello"), b"\x19Filecoin Signed Message:\n5hello");
        assert_eq!(Envelope::Frc0102.wrap(b""), b"\x19Filecoin Signed Message:\n0");
        assert_eq!(Envelope::Raw.wrap(b"hello"), b"hello");
    }

    #[test]
    fn a_signature_says_its_kind_and_has_its_length() {
        let read = |text: &str| text.parse::<WalletSignature>().map_err(|refusal| refusal.kind);
        let secp = format!("01{}", "5a".repeat(65));
        let bls = format!("02{}", "5a".repeat(96));
        assert_eq!(read(&secp).unwrap().to_string(), secp);
        assert_eq!(read(&bls).unwrap().to_string(), bls);
        for bad in [
            "",
            "0",
            "01",
            "zz",
            &secp[2..],
            &secp.to_uppercase(),
            &format!("03{}", "5a".repeat(65)),
            &"01".repeat(500),
        ] {
            assert_eq!(read(bad), Err(Kind::MalformedSignature), "{bad}");
        }
    }
}

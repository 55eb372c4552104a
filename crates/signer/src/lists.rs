use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use apogee_domain::{Atto, Digest, NetworkId};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::account::Account;
use crate::files::{self, Existing, FileError};

/// Most payees in a list.
pub const MOST_PAYEES: usize = 50_000;

/// First line of what is hashed and of what is signed, so that a signature means nothing elsewhere.
const TITLE: &str = "apogee-payout-list-1\n";
/// The same for a list whose payees name payments: it is no list once it has lost their names.
const NAMED: &str = "apogee-payout-list-2\n";
/// First line of what a list's own root is made of.
const ROOT: &str = "apogee-payout-root-1\n";
const LONGEST_NAME: usize = 200;
const LARGEST: usize = 16 << 20;
const MOST_APPROVALS: usize = 100;

/// A list of whom one wallet pays how much, and who has approved it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayoutList {
    /// The network. The same key may have money on another.
    pub network: NetworkId,
    /// The wallet that pays.
    pub wallet: String,
    /// What tells it from other lists: where payees name payments, [`root_of`](Self::root_of) them; else the root of the payout that it belongs
    /// to, of which there is one such list.
    pub root: Digest,
    /// Where payees name payments: the root of the payout that these belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payout: Option<Digest>,
    /// Who gets how much. Amounts of one address add up.
    pub payees: Vec<Payee>,
    /// Signatures.
    #[serde(default)]
    pub approvals: Vec<ListApproval>,
}

/// A payee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payee {
    /// Its address, in the form in which messages will have it.
    pub address: String,
    /// The most it gets.
    pub amount: Atto,
    /// Which payment of the treasury this is: `prize/sprint/ada/1`. All payees of a list name one, or none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<String>,
    /// How many signed messages of that payment have failed for good. A payment counts once for each such number, in however many lists it
    /// stands: who approves a number says that so many messages paid nothing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failed: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// An approver's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListApproval {
    /// Ed25519 public key, 64 hexadecimal digits.
    pub key: Digest,
    /// Ed25519 over `apogee-payout-list-1`, a line feed and the 32 bytes of the list's digest; 128 hexadecimal digits.
    pub signature: String,
}

/// Why a list is of no use.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The file cannot be used.
    #[error("the payout list cannot be used")]
    File(#[from] FileError),
    /// Not the JSON of a list.
    #[error("{path}: it is no payout list", path = .0.display())]
    Json(PathBuf, #[source] serde_json::Error),
    /// Something in it cannot be.
    #[error("{path}: {detail}", path = .0.display(), detail = .1)]
    Content(PathBuf, String),
}

/// What a payout list comes to once it has been read.
#[derive(Clone, Debug)]
pub(crate) struct Allowance {
    pub(crate) wallet: Account,
    pub(crate) payees: Vec<(Account, u128)>,
}

impl PayoutList {
    /// SHA-256 of the list as lines: a title, `network NAME`, `wallet ADDRESS`, `root DIGEST`, then `ADDRESS AMOUNT` for each payee, all
    /// addresses of Filecoin with the letter `f`. The title is `apogee-payout-list-1`, and `apogee-payout-list-2` where payees name payments. `None` when an
    /// address in it is none.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        let canonical = Account::read;
        let mut hash = Sha256::new();
        hash.update(if self.payout.is_some() { NAMED } else { TITLE });
        hash.update(format!(
            "network {}\nwallet {}\nroot {}\n",
            self.network,
            canonical(&self.wallet)?,
            self.root
        ));
        for Payee { address, amount, .. } in &self.payees {
            hash.update(format!("{} {amount}\n", canonical(address)?));
        }
        Some(Digest(hash.finalize().into()))
    }

    /// The root of a list whose payees name payments: SHA-256 of the lines `apogee-payout-root-1`, `payout DIGEST`, then `PAYMENT FAILED ADDRESS
    /// AMOUNT` for each payee, all addresses of Filecoin with the letter `f`. `None` when an address is none, or a payee names no payment.
    #[must_use]
    pub fn root_of(payout: &Digest, payees: &[Payee]) -> Option<Digest> {
        let mut hash = Sha256::new();
        hash.update(format!("{ROOT}payout {payout}\n"));
        for Payee { address, amount, payment, failed } in payees {
            let address = Account::read(address)?;
            hash.update(format!("{} {failed} {address} {amount}\n", payment.as_deref()?));
        }
        Some(Digest(hash.finalize().into()))
    }

    /// Add the approval of whoever has this Ed25519 secret. `None` when an address in the list is none.
    pub fn approve(&mut self, secret: &[u8; 32]) -> Option<()> {
        let key = SigningKey::from_bytes(secret);
        let signature = hex::encode(key.sign(&signed_bytes(&self.digest()?)).to_bytes());
        let key = Digest(key.verifying_key().to_bytes());
        self.approvals.retain(|approval| approval.key != key);
        self.approvals.push(ListApproval { key, signature });
        Some(())
    }

    /// How many of `approvers` have signed this list and no other.
    #[must_use]
    pub fn approved_by(&self, approvers: &[Digest]) -> usize {
        let Some(digest) = self.digest() else { return 0 };
        let signed = |approver: &&Digest| {
            let mut theirs = self.approvals.iter().filter(|approval| approval.key == **approver);
            theirs.any(|approval| verifies(approver, &digest, &approval.signature))
        };
        approvers.iter().filter(signed).count()
    }

    /// Read a list, approved or not.
    ///
    /// # Errors
    /// When the file is no list, is too large, or has addresses or sums in it that cannot be.
    pub fn read(path: &Path) -> Result<Self, ListError> {
        let open = File::open(path).map_err(|error| FileError::Io(path.into(), error))?;
        let text = files::read(path, open, LARGEST)?;
        let list: Self =
            serde_json::from_slice(&text).map_err(|error| ListError::Json(path.into(), error))?;
        list.allowance().map_err(|detail| ListError::Content(path.into(), detail))?;
        Ok(list)
    }

    /// Write it, in place of what was there.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ListError> {
        let mut text =
            serde_json::to_vec_pretty(self).map_err(|error| ListError::Json(path.into(), error))?;
        text.push(b'\n');
        Ok(files::write_own(path, &text, Existing::Replaced)?)
    }

    /// What each payee may get.
    pub(crate) fn allowance(&self) -> Result<Allowance, String> {
        if self.payees.is_empty() || self.payees.len() > MOST_PAYEES {
            return Err(format!("a list has from 1 to {MOST_PAYEES} payees"));
        }
        if self.approvals.len() > MOST_APPROVALS {
            return Err(format!("a list has at most {MOST_APPROVALS} approvals"));
        }
        let read = |text: &str| Account::read(text).ok_or_else(|| format!("{text:?} is no address"));
        let (mut payees, mut sums) = (Vec::with_capacity(self.payees.len()), HashMap::new());
        for Payee { address, amount, .. } in &self.payees {
            let payee = read(address)?;
            add(&mut sums, payee.clone(), amount.0)
                .ok_or_else(|| format!("{address} gets more than there can be"))?;
            payees.push((payee, amount.0));
        }
        self.payments()?;
        Ok(Allowance { wallet: read(&self.wallet)?, payees })
    }

    /// Whether what it says of payments can be.
    fn payments(&self) -> Result<(), String> {
        let Some(payout) = &self.payout else {
            let named = |payee: &Payee| payee.payment.is_some() || payee.failed > 0;
            return match self.payees.iter().any(named) {
                true => Err("it names payments, and not the payout that they belong to".into()),
                false => Ok(()),
            };
        };
        let mut names = HashSet::new();
        for Payee { payment, .. } in &self.payees {
            let name = payment.as_deref().ok_or("all of its payees name a payment, or none does")?;
            let plain = name.bytes().all(|byte| byte.is_ascii_graphic());
            if name.is_empty() || name.len() > LONGEST_NAME || !plain {
                return Err(format!("{name:?} names no payment"));
            }
            if !names.insert(name) {
                return Err(format!("it has the payment {name} twice"));
            }
        }
        match Self::root_of(payout, &self.payees) {
            Some(root) if root == self.root => Ok(()),
            _ => Err("its root is not that of the payments that it has".into()),
        }
    }
}

/// Add to what an address may get, unless the sum does not fit.
pub(crate) fn add(payees: &mut HashMap<Account, u128>, payee: Account, amount: u128) -> Option<()> {
    let sum = payees.entry(payee).or_default();
    *sum = sum.checked_add(amount)?;
    Some(())
}

/// Whether `key` is one that can approve: a point of full order.
pub(crate) fn can_approve(key: &Digest) -> bool {
    VerifyingKey::from_bytes(&key.0).is_ok_and(|key| !key.is_weak())
}

fn signed_bytes(digest: &Digest) -> Vec<u8> {
    [TITLE.as_bytes(), &digest.0].concat()
}

/// Strict: signatures with another writing and keys of small order are refused.
fn verifies(key: &Digest, digest: &Digest, signature: &str) -> bool {
    let mut bytes = [0; 64];
    if hex::decode_to_slice(signature, &mut bytes).is_err() {
        return false;
    }
    VerifyingKey::from_bytes(&key.0)
        .is_ok_and(|key| key.verify_strict(&signed_bytes(digest), &Signature::from_bytes(&bytes)).is_ok())
}

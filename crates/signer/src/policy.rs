use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use apogee_domain::{Atto, Digest, NetworkId};
use apogee_spacemesh::address::Prefix;
use apogee_treasury::Purpose;
use serde::Deserialize;

use crate::account::{Account, Protocol};
use crate::files::{self, FileError};
use crate::lists::{self, Allowance, ListError, PayoutList, can_approve};
use crate::order::Checked;
use crate::refusal::{Refusal, Rule};

const LARGEST: usize = 256 << 10;
/// Most wallets, most approvers, most lists.
const MOST: usize = 256;

/// What the signer signs. It is read when the signer starts and does not change while it runs.
#[derive(Clone, Debug)]
pub struct Policy {
    network: NetworkId,
    protocol: Protocol,
    wallets: HashMap<Account, WalletPolicy>,
    pending: Vec<PathBuf>,
}

/// What is signed for one wallet.
#[derive(Clone, Debug)]
pub(crate) struct WalletPolicy {
    /// Its address as the policy writes it.
    pub(crate) text: String,
    pub(crate) caps: Caps,
    /// What each payee may get in all; `None`: anybody may get anything.
    pub(crate) payees: Option<HashMap<Account, u128>>,
    /// The multisig that it proposes payments to; `None`: it pays itself.
    pub(crate) multisig: Option<Account>,
}

/// The most that is signed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caps {
    pub(crate) message_value: Atto,
    pub(crate) message_fee: Atto,
    pub(crate) day_value: Atto,
    pub(crate) day_fee: Atto,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    network: NetworkId,
    /// Of a network of Spacemesh.
    spacemesh: Option<SpacemeshSection>,
    wallets: BTreeMap<String, WalletSection>,
    approval: Option<ApprovalSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpacemeshSection {
    /// The genesis id, 40 hexadecimal digits.
    genesis: String,
    /// What addresses begin with.
    address_prefix: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WalletSection {
    message_value: Atto,
    message_fee: Atto,
    day_value: Atto,
    day_fee: Atto,
    recipients: Recipients,
    /// A multisig. The wallet pays nothing itself: all it does is to propose payments of that.
    proposes_for: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Recipients {
    Any,
    Lists,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApprovalSection {
    /// A folder, from that of the policy.
    lists: PathBuf,
    /// Ed25519 public keys.
    keys: Vec<Digest>,
    /// How many of them.
    threshold: usize,
}

/// Why a policy is of no use.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file cannot be used.
    #[error("the policy cannot be used")]
    File(#[from] FileError),
    /// Not the TOML of a policy.
    #[error("{path}: it is no policy", path = .0.display())]
    Toml(PathBuf, #[source] Box<toml::de::Error>),
    /// Something in it cannot be.
    #[error("{path}: {detail}", path = .0.display(), detail = .1)]
    Content(PathBuf, String),
    /// A list in its folder is of no use.
    #[error("a payout list of the policy is of no use")]
    List(#[from] ListError),
}

impl Policy {
    /// Read a policy and the payout lists it names: all files `*.json` of their folder. A list that too few have approved is left
    /// out, and [`pending`](Self::pending) names it.
    ///
    /// # Errors
    /// When the file is no policy, or a list is none, is of another network, of a wallet that pays no lists, or of a payout that
    /// another approved list of the wallet has already.
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        let open = File::open(path).map_err(|error| FileError::Io(path.into(), error))?;
        let bytes = files::read(path, open, LARGEST)?;
        let wrong = |detail: String| PolicyError::Content(path.into(), detail);
        let text = std::str::from_utf8(&bytes).map_err(|_| wrong("it is no text".into()))?;
        let document: Document =
            toml::from_str(text).map_err(|error| PolicyError::Toml(path.into(), Box::new(error)))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut policy = Self::of(&document).map_err(wrong)?;
        if let Some(approval) = &document.approval {
            approval.check().map_err(wrong)?;
            policy.take_lists(&folder.join(&approval.lists), approval)?;
        }
        Ok(policy)
    }

    fn of(document: &Document) -> Result<Self, String> {
        let mut wallets = HashMap::new();
        if document.wallets.is_empty() || document.wallets.len() > MOST {
            return Err(format!("a policy is for 1 to {MOST} wallets"));
        }
        let protocol =
            document.spacemesh.as_ref().map_or(Ok(Protocol::Filecoin), SpacemeshSection::protocol)?;
        let account = |text: &str| Account::read(text).filter(|account| account.is_of(&protocol));
        for (text, section) in &document.wallets {
            let wallet = account(text).ok_or_else(|| format!("the wallet {text:?} is no address"))?;
            let by_lists = section.recipients == Recipients::Lists;
            if by_lists && document.approval.is_none() {
                return Err(format!("{text} pays by lists, and there is no [approval] for them"));
            }
            let &WalletSection { message_value, message_fee, day_value, day_fee, .. } = section;
            let caps = Caps { message_value, message_fee, day_value, day_fee };
            let payees = by_lists.then(HashMap::new);
            let multisig = section.proposes_for.as_ref().map(|multisig| {
                account(multisig)
                    .ok_or_else(|| format!("{text} proposes for {multisig:?}, which is no address"))
            });
            if multisig.is_some() && protocol != Protocol::Filecoin {
                return Err(format!("{text} proposes, which wallets on Spacemesh do not"));
            }
            let policy = WalletPolicy { text: text.clone(), caps, payees, multisig: multisig.transpose()? };
            if wallets.insert(wallet, policy).is_some() {
                return Err(format!("{text} is there twice"));
            }
        }
        Ok(Self { network: document.network.clone(), protocol, wallets, pending: Vec::new() })
    }

    fn take_lists(&mut self, folder: &Path, approval: &ApprovalSection) -> Result<(), PolicyError> {
        let mut taken = Taken::default();
        for path in list_files(folder)? {
            let wrong = |detail: String| PolicyError::from(ListError::Content(path.clone(), detail));
            let list = PayoutList::read(&path)?;
            let allowance = list.allowance().map_err(wrong)?;
            if list.network != self.network {
                return Err(wrong("it is for another network".into()));
            }
            if let Some((payee, _)) = allowance.payees.iter().find(|(payee, _)| !payee.is_of(&self.protocol))
            {
                return Err(wrong(format!("{payee} is no address of the network")));
            }
            let wallet = self.wallets.get_mut(&allowance.wallet).and_then(|wallet| wallet.payees.as_mut());
            let payees = wallet.ok_or_else(|| wrong("its wallet pays by no lists".into()))?;
            if list.approved_by(&approval.keys) < approval.threshold {
                self.pending.push(path);
                continue;
            }
            for (payee, amount) in taken.add(&list, allowance).map_err(wrong)? {
                lists::add(payees, payee, amount)
                    .ok_or_else(|| wrong("a payee gets more than there can be".into()))?;
            }
        }
        Ok(())
    }

    /// The network that its wallets are on.
    #[must_use]
    pub const fn network(&self) -> &NetworkId {
        &self.network
    }

    /// How that network writes addresses and messages.
    #[must_use]
    pub const fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// Its wallets as it writes them, sorted, with their accounts.
    #[must_use]
    pub fn wallets(&self) -> Vec<(&str, Account)> {
        let wallets = self.wallets.iter().map(|(account, wallet)| (wallet.text.as_str(), account.clone()));
        let mut wallets: Vec<_> = wallets.collect();
        wallets.sort_unstable();
        wallets
    }

    /// Lists that too few have approved.
    #[must_use]
    pub fn pending(&self) -> &[PathBuf] {
        &self.pending
    }

    pub(crate) fn wallet(&self, account: &Account) -> Option<&WalletPolicy> {
        self.wallets.get(account)
    }
}

/// What approved lists have, so that nothing counts twice.
#[derive(Default)]
struct Taken {
    /// Lists whose payees name no payments, by wallet and payout.
    whole: HashMap<(Account, Digest), Digest>,
    /// Payouts of wallets whose lists name payments.
    payouts: HashSet<(Account, Digest)>,
    /// These payments: payee, amount, and the numbers of failures that they were listed with.
    payments: HashMap<(Account, String), (Account, u128, BTreeSet<u32>)>,
}

impl Taken {
    /// What a list adds to the lists before it.
    fn add(&mut self, list: &PayoutList, allowance: Allowance) -> Result<Vec<(Account, u128)>, String> {
        let Allowance { wallet, payees } = allowance;
        let again = || "another approved list of its wallet is of the same payout".to_owned();
        let Some(payout) = list.payout else {
            let digest = list.digest().unwrap_or_default();
            let before = self.whole.insert((wallet.clone(), list.root), digest);
            return match before {
                _ if self.payouts.contains(&(wallet, list.root)) => Err(again()),
                None => Ok(payees),
                // A copy.
                Some(before) if before == digest => Ok(Vec::new()),
                Some(_) => Err(again()),
            };
        };
        if self.whole.contains_key(&(wallet.clone(), payout)) {
            return Err(again());
        }
        self.payouts.insert((wallet.clone(), payout));
        let mut new = Vec::new();
        for (of, (payee, amount)) in list.payees.iter().zip(payees) {
            let name = of.payment.clone().unwrap_or_default();
            let known = self.payments.entry((wallet.clone(), name.clone()));
            let (before, sum, failed) = known.or_insert_with(|| (payee.clone(), amount, BTreeSet::new()));
            if (&*before, *sum) != (&payee, amount) {
                return Err(format!("another approved list has another payee or amount for {name}"));
            }
            if failed.insert(of.failed) {
                new.push((payee, amount));
            }
        }
        Ok(new)
    }
}

impl SpacemeshSection {
    fn protocol(&self) -> Result<Protocol, String> {
        let genesis = self.genesis.parse().map_err(|error| format!("spacemesh.genesis: {error}"))?;
        let prefix = Prefix::new(&self.address_prefix);
        let prefix = prefix.map_err(|error| format!("spacemesh.address_prefix: {error}"))?;
        Ok(Protocol::Spacemesh { genesis, prefix })
    }
}

impl ApprovalSection {
    fn check(&self) -> Result<(), String> {
        let mut keys = self.keys.clone();
        keys.sort_unstable();
        keys.dedup();
        if keys.len() != self.keys.len() || keys.len() > MOST || !keys.iter().all(can_approve) {
            return Err("approval: keys are different Ed25519 public keys".into());
        }
        if self.threshold == 0 || self.threshold > keys.len() {
            return Err("approval: the threshold is from 1 to the number of keys".into());
        }
        Ok(())
    }
}

/// Files of lists, by name.
fn list_files(folder: &Path) -> Result<Vec<PathBuf>, PolicyError> {
    let failed = |error| FileError::Io(folder.into(), error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
        if files.len() > MOST {
            return Err(PolicyError::Content(folder.into(), format!("there are over {MOST} lists")));
        }
    }
    files.sort_unstable();
    Ok(files)
}

impl WalletPolicy {
    /// The rules for one message by itself.
    pub(crate) fn message(&self, checked: &Checked<'_>) -> Result<(), Refusal> {
        let order = checked.order;
        let capped = |what: &str, is: Atto, most: Atto| match is <= most {
            true => Ok(()),
            false => {
                let detail = format!("its {what} is {is} atto, the most of a message is {most}");
                Err(Refusal::new(order.nonce, Rule::CapMessage, detail))
            }
        };
        capped("value", order.amount, self.caps.message_value)?;
        capped("fee", order.fee, self.caps.message_fee)?;
        if order.purpose == Purpose::Cancel {
            return Ok(());
        }
        if checked.whom.multisig != self.multisig {
            let detail = self.multisig.as_ref().map_or_else(
                || "the wallet pays itself, and proposes to nobody".to_owned(),
                |multisig| format!("the wallet proposes payments of {multisig}, and does nothing else"),
            );
            return Err(Refusal::new(order.nonce, Rule::Message, detail));
        }
        let named = self.payees.as_ref().is_none_or(|payees| payees.contains_key(&checked.whom.payee));
        if named {
            return Ok(());
        }
        Err(Refusal::new(order.nonce, Rule::Payee, format!("no approved list has {}", order.payee)))
    }
}

//! Faucets, what was asked of them, and what was granted.

use apogee_domain::{Atto, Digest, Epoch, NetworkId, Timestamp};
use async_trait::async_trait;

use crate::{Page, Payment, Result};

/// What hands out money of one wallet by one policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faucet {
    /// On which network.
    pub network: NetworkId,
    /// What operators call it: `drip`, `reimburse`.
    pub name: String,
    /// From which wallet it pays.
    pub wallet: String,
    /// Whether it grants anything now.
    pub enabled: bool,
    /// Why not, or why again; in the words of who changed it.
    pub reason: String,
    /// Who.
    pub changed_by: String,
    /// When.
    pub changed_at: Timestamp,
    /// The number of its policy; it never goes back.
    pub policy_version: u32,
    /// The policy's digest.
    pub policy_digest: Digest,
    /// The UTC day that is counted: days since 1970. One that pays back counts no days: the epoch up to which it has read the chain, −1 before
    /// it has read any.
    pub day: i64,
    /// Grants of that day whose charges were not given back.
    pub day_grants: u64,
    /// What they come to.
    pub day_amount: Atto,
    /// When the bucket of its pace is full again.
    pub full_at: Timestamp,
}

/// What a charge is counted under.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LimitKey {
    /// What is counted: `actor`, or apart from others in the tier `miner` `actor.miner`.
    pub scope: String,
    /// Whose: `github:583231`, `t01000`, `192.0.2.0/24`.
    pub key: String,
}

/// A grant as limits count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// When.
    pub at: Timestamp,
    /// How much.
    pub amount: Atto,
}

/// Something granted. Its payment is `grant/<id>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// On which network.
    pub network: NetworkId,
    /// Its id: a UUID.
    pub id: String,
    /// By which faucet.
    pub faucet: String,
    /// To whom: [`Identity::actor`](crate::Identity::actor).
    pub identity: String,
    /// The actor that is paid, by its one key.
    pub actor: String,
    /// The address as it was given.
    pub given: String,
    /// How much.
    pub amount: Atto,
    /// In which tier or event; empty for none.
    pub tier: String,
    /// By which policy.
    pub policy_version: u32,
    /// When.
    pub created: Timestamp,
    /// What the asker calls it: the same key asks for the same grant.
    pub key: String,
    /// Digest of what was asked.
    pub body: Digest,
    /// What it counts under.
    pub charges: Vec<LimitKey>,
    /// When its charges were given back, because it was not and will not be paid.
    pub refunded: Option<Timestamp>,
}

impl Grant {
    /// The name of its payment.
    #[must_use]
    pub fn payment(&self) -> String {
        format!("grant/{}", self.id)
    }
}

/// What an operator put down about an identity, an actor or a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaucetEntry {
    /// On which network.
    pub network: NetworkId,
    /// For which faucet.
    pub faucet: String,
    /// Whom it is about.
    pub subject: LimitKey,
    /// Whether it refuses; otherwise it lifts.
    pub denies: bool,
    /// Codes of the rules that it lifts, with commas between; empty for all that can be lifted.
    pub lifts: String,
    /// Until when.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: String,
    /// Who put it down.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// How far a message is whose gas may be paid back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ClaimState {
    /// It is not paid back; the reason says why.
    Refused,
    /// It waits for something; the reason says for what.
    Held,
    /// It will be paid with the next payment to its sender.
    Owed,
    /// It is part of a payment.
    Settled,
}

impl ClaimState {
    /// Every one.
    pub const ALL: &[Self] = &[Self::Refused, Self::Held, Self::Owed, Self::Settled];

    /// As it is stored and said to programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Held => "held",
            Self::Owed => "owed",
            Self::Settled => "settled",
        }
    }

    /// What this word stands for.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.as_str() == word)
    }
}

/// A message whose gas may be paid back. There is one row of a message, for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reimbursable {
    /// On which network.
    pub network: NetworkId,
    /// Its CID.
    pub message: String,
    /// By which faucet.
    pub faucet: String,
    /// The miner that it is for.
    pub miner: String,
    /// The miner's owner then.
    pub owner: String,
    /// Who sent it, and is paid.
    pub sender: String,
    /// Its method.
    pub method: u64,
    /// When it was executed.
    pub epoch: Epoch,
    /// Numbers of the sectors that it proved.
    pub sectors: Vec<u64>,
    /// Gas that it used.
    pub gas_used: u64,
    /// The base fee that it paid at most.
    pub base_fee: Atto,
    /// What was burnt of it.
    pub burn: Atto,
    /// What is paid back.
    pub refund: Atto,
    /// How far it is.
    pub state: ClaimState,
    /// Why it is refused or held: a stable word; empty elsewhere.
    pub reason: String,
    /// The payment that it is part of.
    pub payment: Option<String>,
}

/// What is known of faucets and grants.
#[async_trait]
pub trait Grants: Send + Sync {
    /// Every faucet, by network and name.
    async fn faucets(&self) -> Result<Vec<Faucet>>;

    /// One of them.
    async fn faucet(&self, network: &NetworkId, faucet: &str) -> Result<Option<Faucet>>;

    /// The text of a policy that a faucet has, or had.
    async fn policy(&self, network: &NetworkId, faucet: &str, version: u32) -> Result<Option<String>>;

    /// The newest charges of each key that were not given back, newest first, as many as are asked for; in the order of the question.
    async fn charges(
        &self,
        network: &NetworkId,
        faucet: &str,
        keys: &[(LimitKey, u32)],
    ) -> Result<Vec<Vec<Charge>>>;

    /// What was put down about any of these, expired or not, by subject and whether it denies.
    async fn entries_of(
        &self,
        network: &NetworkId,
        faucet: &str,
        subjects: &[LimitKey],
    ) -> Result<Vec<FaucetEntry>>;

    /// Everything that was put down, by subject and whether it denies, after `page.after`.
    async fn faucet_entries(
        &self,
        network: &NetworkId,
        faucet: &str,
        page: Page<(LimitKey, bool)>,
    ) -> Result<Vec<FaucetEntry>>;

    /// A grant.
    async fn grant(&self, network: &NetworkId, id: &str) -> Result<Option<Grant>>;

    /// The newest grants of a faucet, newest first.
    async fn newest_grants(&self, network: &NetworkId, faucet: &str, limit: u32) -> Result<Vec<Grant>>;

    /// Grants whose charges do not fit what became of their payments: failed or cancelled and not given back, or given back and being paid after
    /// all. Oldest first.
    async fn grants_to_settle(&self, network: &NetworkId, faucet: &str, limit: u32) -> Result<Vec<Grant>>;

    /// A message whose gas may be paid back.
    async fn reimbursable(&self, network: &NetworkId, message: &str) -> Result<Option<Reimbursable>>;

    /// Messages of a faucet in one state, by epoch and CID, after `page.after`.
    async fn reimbursables(
        &self,
        network: &NetworkId,
        faucet: &str,
        state: ClaimState,
        page: Page<(Epoch, String)>,
    ) -> Result<Vec<Reimbursable>>;

    /// Messages of a faucet that were executed in these epochs, `from` to `to`, by epoch and CID, after `page.after`.
    async fn reimbursables_between(
        &self,
        network: &NetworkId,
        faucet: &str,
        from: Epoch,
        to: Epoch,
        page: Page<(Epoch, String)>,
    ) -> Result<Vec<Reimbursable>>;

    /// Messages of a faucet from newest to oldest, below `page.after`.
    async fn newest_reimbursables(
        &self,
        network: &NetworkId,
        faucet: &str,
        page: Page<(Epoch, String)>,
    ) -> Result<Vec<Reimbursable>>;
}

/// What becomes true of them.
#[async_trait]
pub trait GrantsWork: Send {
    /// Add a faucet, or give it another wallet or policy, with the policy's text.
    ///
    /// One that is there keeps whether it is enabled, and what it has counted. An older policy, and another one of the same number, are a
    /// conflict.
    async fn put_faucet(&mut self, faucet: &Faucet, policy: &str) -> Result<()>;

    /// Hold the row of a faucet until this unit of work is over. Who decides what it grants does this first: then no other one decides.
    async fn lock_faucet(&mut self, network: &NetworkId, faucet: &str) -> Result<Faucet>;

    /// Say whether it grants anything, who says so, when and why.
    async fn set_control(&mut self, faucet: &Faucet) -> Result<()>;

    /// Say what it has counted: the day, its grants and their sum, and when its pace is full again.
    async fn set_counted(&mut self, faucet: &Faucet) -> Result<()>;

    /// As [`Grants::charges`], with what this unit of work has written.
    async fn charges_now(
        &mut self,
        network: &NetworkId,
        faucet: &str,
        keys: &[(LimitKey, u32)],
    ) -> Result<Vec<Vec<Charge>>>;

    /// As [`Grants::entries_of`].
    async fn entries_now(
        &mut self,
        network: &NetworkId,
        faucet: &str,
        subjects: &[LimitKey],
    ) -> Result<Vec<FaucetEntry>>;

    /// The grants that were asked for by these identities with these keys, in no order.
    async fn grants_asked(
        &mut self,
        network: &NetworkId,
        faucet: &str,
        asked: &[(String, String)],
    ) -> Result<Vec<Grant>>;

    /// Write grants of one faucet with their charges. An id, or a key of an identity, that is there already is a conflict.
    async fn add_grants(&mut self, network: &NetworkId, faucet: &str, grants: &[Grant]) -> Result<()>;

    /// Owe the payments of grants: as [`MoneyWork::put_payment`](crate::MoneyWork::put_payment) does one by one, in few statements. One of a name that is
    /// there already is a conflict.
    async fn owe(&mut self, payments: &[Payment]) -> Result<()>;

    /// Give the charges of a grant back, or take them again with `None`. The faucet's row has to be held; what it counts is the caller's part.
    async fn set_refunded(&mut self, grant: &Grant, refunded: Option<Timestamp>) -> Result<()>;

    /// Put something down; what was put down of this kind about the subject before is replaced.
    async fn put_entry(&mut self, entry: &FaucetEntry) -> Result<()>;

    /// Strike it. Whether it was there.
    async fn remove_entry(
        &mut self,
        network: &NetworkId,
        faucet: &str,
        subject: &LimitKey,
        denies: bool,
    ) -> Result<bool>;

    /// Write messages; those that are there already are left as they are. How many are new.
    async fn add_reimbursables(&mut self, messages: &[Reimbursable]) -> Result<u64>;

    /// As [`Grants::reimbursables`].
    async fn reimbursables_now(
        &mut self,
        network: &NetworkId,
        faucet: &str,
        state: ClaimState,
        page: Page<(Epoch, String)>,
    ) -> Result<Vec<Reimbursable>>;

    /// As [`Grants::reimbursables_between`], without messages that are refused.
    async fn refunds_between_now(
        &mut self,
        network: &NetworkId,
        faucet: &str,
        from: Epoch,
        to: Epoch,
        page: Page<(Epoch, String)>,
    ) -> Result<Vec<Reimbursable>>;

    /// Replace refund, state, reason and payment of a message that is in this state. When it is not, it is a conflict.
    async fn set_reimbursable(&mut self, from: ClaimState, message: &Reimbursable) -> Result<()>;
}

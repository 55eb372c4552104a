//! Wallets, what is owed, and every message that may pay it.

use apogee_domain::{Atto, Epoch, NetworkId, Timestamp};
use async_trait::async_trait;

use crate::{Page, Result};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// As it is stored and said to programs.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// What this word stands for.
            #[must_use]
            pub fn of(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word)
            }
        }
    };
}

words! {
    /// What a wallet may do.
    WalletMode {
        /// Everything.
        Open = "open",
        /// No new nonce is taken. What has been signed is sent, so that no gap is left.
        Paused = "paused",
        /// Nothing is signed and nothing is sent.
        Frozen = "frozen",
    }
}

words! {
    /// How far a payment is. The only ways on are `accepted → held | paying | failed | cancelled`, `held → accepted | failed | cancelled`,
    /// `paying → included | final | accepted | failed | cancelled`, `included → paying | final | accepted | failed | cancelled`,
    /// and after a fork below finality `final | failed | cancelled | accepted → paying`.
    PaymentState {
        /// It waits for a nonce.
        Accepted = "accepted",
        /// Something is in its way; the reason says what.
        Held = "held",
        /// A nonce is taken for it: from now on a message may pay it at any time.
        Paying = "paying",
        /// A message that pays it is on the chain.
        Included = "included",
        /// And can no longer leave it.
        Final = "final",
        /// It was not and will not be paid; the reason says why.
        Failed = "failed",
        /// Somebody took it back before it was paid.
        Cancelled = "cancelled",
    }
}

impl PaymentState {
    /// Whether no work is left.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Final | Self::Failed | Self::Cancelled)
    }

    /// Whether it has paid, or may do so without anybody asking for it again.
    #[must_use]
    pub const fn may_pay(self) -> bool {
        !matches!(self, Self::Failed | Self::Cancelled)
    }
}

words! {
    /// How far a transfer is: one nonce of a wallet.
    TransferState {
        /// The nonce is taken and belongs to a payment for ever; nothing is signed that is stored.
        Reserved = "reserved",
        /// Signed bytes are stored; no node has been given them.
        Signed = "signed",
        /// A node was given them, or may have been.
        Broadcast = "broadcast",
        /// A message for a higher fee is stored and was not yet sent.
        Replacing = "replacing",
        /// A message that pays nobody is to take the nonce.
        Cancelling = "cancelling",
        /// One of its messages is on the chain.
        Included = "included",
        /// It has paid, and that can no longer change.
        Final = "final",
        /// Its message was executed and failed; nothing was paid.
        FailedFinal = "failed_final",
        /// The message that pays nobody was executed.
        CancelledFinal = "cancelled_final",
        /// Another nonce overtook it (networks that allow gaps): it can never be executed.
        SupersededFinal = "superseded_final",
    }
}

impl TransferState {
    /// Whether it can no longer pay, and has not: only then may its payment get another nonce.
    #[must_use]
    pub const fn is_spent(self) -> bool {
        matches!(self, Self::FailedFinal | Self::CancelledFinal | Self::SupersededFinal)
    }

    /// Whether it is settled at final depth, one way or the other.
    #[must_use]
    pub const fn is_final(self) -> bool {
        self.is_spent() || matches!(self, Self::Final)
    }
}

words! {
    /// What a message is for.
    AttemptKind {
        /// The first message of a nonce.
        Pay = "pay",
        /// The same payment for a higher fee.
        Replace = "replace",
        /// Nothing to the wallet itself.
        Cancel = "cancel",
    }
}

/// A key with the money that it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    /// On which network.
    pub network: NetworkId,
    /// What operators call it: `drip`.
    pub name: String,
    /// Its address, as the network writes it.
    pub address: String,
    /// The next nonce that was never taken.
    pub next_nonce: u64,
    /// What it may do.
    pub mode: WalletMode,
    /// Why it may not do everything; empty where it may.
    pub reason: String,
    /// The multisig that is to pay what this wallet proposes, as the network writes addresses; `None` where the wallet pays itself. It stays so
    /// for ever.
    pub proposes_for: Option<String>,
}

/// Up to where the messages of a wallet are booked: state before the tipset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Epoch of the tipset.
    pub epoch: Epoch,
    /// Its key.
    pub key: String,
    /// The wallet's nonce in that state.
    pub nonce: u64,
    /// Its balance there.
    pub balance: Atto,
}

/// Who may write for a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The process.
    pub owner: String,
    /// Grows with every change of hands.
    pub fence: u64,
    /// Until when nobody else gets it.
    pub until: Timestamp,
}

/// Money that is owed to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// On which network.
    pub network: NetworkId,
    /// Where it comes from, which is also its name: `grant/…`, `refund/…`, `prize/…`. There is one payment of a name, for ever.
    pub id: String,
    /// From which wallet it is paid.
    pub wallet: String,
    /// To whom, as the network writes addresses.
    pub payee: String,
    /// How much; at least 1.
    pub amount: Atto,
    /// How far it is.
    pub state: PaymentState,
    /// Why it is held, failed or cancelled: a stable word, perhaps with more after `: `; empty elsewhere.
    pub reason: String,
    /// When it was accepted. Payments get their nonces in this order.
    pub created: Timestamp,
}

impl Payment {
    /// The kind of source: what comes before the first `/` of its name.
    #[must_use]
    pub fn source(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }
}

/// Where a message was executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// Epoch of the tipset that has it.
    pub epoch: Epoch,
    /// Key of that tipset.
    pub key: String,
    /// Which message: its CID.
    pub message: String,
    /// Exit code; of a proposal that was executed at once, where that failed, of the payment itself.
    pub exit_code: u32,
    /// What its sender paid for gas.
    pub cost: Atto,
    /// Of a proposal its number among all of the multisig.
    pub proposal: Option<u64>,
}

/// One nonce of a wallet, and the payment that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// On which network.
    pub network: NetworkId,
    /// Of which wallet.
    pub wallet: String,
    /// The nonce.
    pub nonce: u64,
    /// The payment.
    pub payment: String,
    /// How far it is.
    pub state: TransferState,
    /// How often it was opened again after it had been final.
    pub reopened: u32,
    /// Where one of its messages is on the chain.
    pub included: Option<Inclusion>,
}

/// One signed message of a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Of which nonce.
    pub nonce: u64,
    /// Its number within the transfer, from 1.
    pub number: u32,
    /// What it is for.
    pub kind: AttemptKind,
    /// Its name on the chain: a CID.
    pub message: String,
    /// What is sent.
    pub bytes: Vec<u8>,
    /// The most that its gas may cost.
    pub fee: Atto,
    /// Fee cap, the smallest unit a gas unit.
    pub fee_cap: Atto,
    /// Premium, the smallest unit a gas unit.
    pub premium: Atto,
    /// When it was stored.
    pub created: Timestamp,
    /// When it was sent first; `None` before.
    pub first_sent: Option<Timestamp>,
    /// When it was sent last.
    pub last_sent: Option<Timestamp>,
    /// What became of that: a stable word.
    pub outcome: String,
}

/// A line of the ledger: an amount that goes from one account to another. Accounts are texts: `wallet/drip`, `multisig/t2…`, `owed`,
/// `granted/grant`, `fees`, `received`, `foreign`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// On which network.
    pub network: NetworkId,
    /// Its name: posting it twice is posting it once.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Where it goes to.
    pub debit: String,
    /// Where it comes from.
    pub credit: String,
    /// How much.
    pub amount: Atto,
}

/// What was signed on a UTC day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Value of transfers, each counted once.
    pub value: Atto,
    /// The most that their fees may come to, each counted with its dearest message.
    pub fees: Atto,
}

/// Payments of one state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub payments: u64,
    /// Together.
    pub amount: Atto,
}

/// What is known of wallets and payments.
#[async_trait]
pub trait Money: Send + Sync {
    /// Every wallet, by network and name.
    async fn wallets(&self) -> Result<Vec<Wallet>>;

    /// One of them.
    async fn wallet(&self, network: &NetworkId, wallet: &str) -> Result<Option<Wallet>>;

    /// Who holds it, or held it last.
    async fn lease(&self, network: &NetworkId, wallet: &str) -> Result<Option<Lease>>;

    /// Its marks below an epoch, newest first. The one it started from is always kept.
    async fn marks(&self, network: &NetworkId, wallet: &str, below: Epoch, limit: u32) -> Result<Vec<Mark>>;

    /// The payment of that name.
    async fn payment(&self, network: &NetworkId, id: &str) -> Result<Option<Payment>>;

    /// Payments of a wallet in one state, oldest first, after `page.after` (when it was created, and its name).
    async fn payments(
        &self,
        network: &NetworkId,
        wallet: &str,
        state: PaymentState,
        page: Page<(Timestamp, String)>,
    ) -> Result<Vec<Payment>>;

    /// Payments of a source, such as `prize/sprint`, by name, after `page.after`.
    async fn payments_of(
        &self,
        network: &NetworkId,
        source: &str,
        page: Page<String>,
    ) -> Result<Vec<Payment>>;

    /// How many payments of a wallet are in each state that any is in. It reads every payment that there ever was.
    async fn counts(&self, network: &NetworkId, wallet: &str) -> Result<Vec<(PaymentState, Count)>>;

    /// As [`counts`](Self::counts), of the states on which work is left; it reads these payments alone.
    async fn open_counts(&self, network: &NetworkId, wallet: &str) -> Result<Vec<(PaymentState, Count)>>;

    /// How many accepted payments of its wallet get a nonce before this one.
    async fn ahead(&self, payment: &Payment) -> Result<u64>;

    /// Transfers of a wallet with `from <= nonce`, ascending.
    async fn transfers(
        &self,
        network: &NetworkId,
        wallet: &str,
        from: u64,
        limit: u32,
    ) -> Result<Vec<Transfer>>;

    /// Transfers of a wallet that are not settled at final depth, ascending.
    async fn open_transfers(&self, network: &NetworkId, wallet: &str, limit: u32) -> Result<Vec<Transfer>>;

    /// Every transfer that was ever made for a payment, oldest first.
    async fn transfers_of(&self, network: &NetworkId, payment: &str) -> Result<Vec<Transfer>>;

    /// The messages of the transfers with `from <= nonce <= to`, by nonce and number.
    async fn attempts(&self, network: &NetworkId, wallet: &str, from: u64, to: u64) -> Result<Vec<Attempt>>;

    /// The transfer that a message was signed for, and what the message is for; `None` for one that is not ours.
    async fn transfer_of(
        &self,
        network: &NetworkId,
        message: &str,
    ) -> Result<Option<(Transfer, AttemptKind)>>;

    /// What was signed on a day (days since 1970, UTC).
    async fn spent(&self, network: &NetworkId, wallet: &str, day: i64) -> Result<Spent>;

    /// Lines of the ledger by time and name, after `page.after`.
    async fn postings(&self, network: &NetworkId, page: Page<(Timestamp, String)>) -> Result<Vec<Posting>>;
}

/// What becomes true of them.
#[async_trait]
pub trait MoneyWork: Send {
    /// Add a wallet. One that is there with the same address, proposing for the same multisig or none, is left as it is; with others it is a
    /// conflict.
    async fn put_wallet(&mut self, wallet: &Wallet) -> Result<()>;

    /// Take or keep a wallet until `until`: when nobody else holds it at `now`, or somebody does for more than a day, whose clock was wrong. `Some(fence)` when it is taken; the fence is a new one where
    /// somebody else, or nobody, held it before.
    async fn take_lease(
        &mut self,
        network: &NetworkId,
        wallet: &str,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<u64>>;

    /// Hold the wallet's row until this unit of work is over, and hand it back. With a fence that is no longer the newest it is a conflict:
    /// another process writes.
    async fn lock_wallet(&mut self, network: &NetworkId, wallet: &str, fence: Option<u64>) -> Result<Wallet>;

    /// [`Money::marks`], as they are within this unit of work.
    async fn marks_now(
        &mut self,
        network: &NetworkId,
        wallet: &str,
        below: Epoch,
        limit: u32,
    ) -> Result<Vec<Mark>>;

    /// [`Money::payment`], as it is within this unit of work.
    async fn payment_now(&mut self, network: &NetworkId, id: &str) -> Result<Option<Payment>>;

    /// [`Money::open_transfers`], as they are within this unit of work.
    async fn open_transfers_now(
        &mut self,
        network: &NetworkId,
        wallet: &str,
        limit: u32,
    ) -> Result<Vec<Transfer>>;

    /// [`Money::transfers_of`], as they are within this unit of work.
    async fn transfers_of_now(&mut self, network: &NetworkId, payment: &str) -> Result<Vec<Transfer>>;

    /// Say what a wallet may do. Its row is held from now on.
    async fn set_mode(
        &mut self,
        network: &NetworkId,
        wallet: &str,
        mode: WalletMode,
        reason: &str,
    ) -> Result<()>;

    /// Take nonces: from now on the next one is `next`, which must be above what it is.
    async fn set_next_nonce(&mut self, network: &NetworkId, wallet: &str, next: u64) -> Result<()>;

    /// Booked up to here. Marks between the wallet's first and the newest one up to `keep` go: whoever goes back to any epoch above `keep` still
    /// finds one that is not older than that.
    async fn put_mark(&mut self, network: &NetworkId, wallet: &str, mark: &Mark, keep: Epoch) -> Result<()>;

    /// Marks above this epoch go.
    async fn drop_marks(&mut self, network: &NetworkId, wallet: &str, above: Epoch) -> Result<()>;

    /// Owe somebody money: the payment, accepted, and its line in the ledger (`owe/…`, from `owed` to `granted/…`).
    ///
    /// `false` where it is there already, with the same payee, amount and wallet; with others it is a conflict.
    async fn put_payment(&mut self, payment: &Payment) -> Result<bool>;

    /// Move a payment from a state to another one, with its reason. When it is not in that state, it is a conflict.
    async fn set_payment(
        &mut self,
        network: &NetworkId,
        id: &str,
        from: PaymentState,
        to: PaymentState,
        reason: &str,
    ) -> Result<()>;

    /// Take a nonce for a payment. A payment with another transfer that may still pay is a conflict, and so is a nonce that was taken.
    async fn put_transfer(&mut self, transfer: &Transfer) -> Result<()>;

    /// Replace state, inclusion and count of openings of a transfer that is in this state. When it is not, it is a conflict.
    async fn set_transfer(&mut self, from: TransferState, transfer: &Transfer) -> Result<()>;

    /// Store a signed message.
    async fn put_attempt(&mut self, network: &NetworkId, wallet: &str, attempt: &Attempt) -> Result<()>;

    /// Note that a message was sent, and what became of that.
    async fn sent(
        &mut self,
        network: &NetworkId,
        wallet: &str,
        message: &str,
        at: Timestamp,
        outcome: &str,
    ) -> Result<()>;

    /// Add to what was signed on a day, and hand back what it comes to.
    async fn spend(&mut self, network: &NetworkId, wallet: &str, day: i64, more: Spent) -> Result<Spent>;

    /// Write a line of the ledger. `false` where it is there already, the same; another one of the same name is a conflict.
    async fn post(&mut self, posting: &Posting) -> Result<bool>;
}

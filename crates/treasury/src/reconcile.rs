//! Chain against ledger against transfers.

use std::collections::BTreeMap;
use std::fmt;

use apogee_domain::{Atto, Epoch, Timestamp};
use apogee_store::{Mark, Page, PaymentState, Posting, Transfer, TransferState, Wallet};

use crate::cashier::tip_of;
use crate::chain::{Account, Executed};
use crate::desk::Desk;
use crate::error::{Result, TreasuryError};
use crate::ledger;
use crate::steps::{PAGE, transfers_from, with_attempts};

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The tip up to which is booked is not on the chain; the next turn goes back.
    Forked {
        /// Its epoch.
        epoch: Epoch,
    },
    /// The account's nonce or balance is not what is booked.
    Account {
        /// On the chain.
        chain: (u64, Atto),
        /// In the books.
        booked: (u64, Atto),
    },
    /// The ledger's lines of the wallet add up to something else.
    Ledger {
        /// What they add up to; negative when more went than came.
        ledger: i128,
        /// What is booked.
        booked: Atto,
    },
    /// What the ledger says to be owed on this network is not what its payments are.
    Owed {
        /// In the ledger.
        ledger: i128,
        /// Payments that are not over.
        payments: Atto,
    },
    /// What the ledger says was proposed to the wallet's multisig is not what its final payments come to.
    Proposed {
        /// In the ledger.
        ledger: i128,
        /// Final payments of all wallets that propose for it.
        payments: Atto,
    },
    /// A nonce was used on the chain, and no transfer has it.
    NoTransfer {
        /// The nonce.
        nonce: u64,
        /// By which message.
        message: String,
    },
    /// A nonce was used by a message that we never stored.
    Foreign {
        /// The nonce.
        nonce: u64,
        /// The message.
        message: String,
    },
    /// A transfer says something else than the chain about its nonce.
    Transfer {
        /// The nonce.
        nonce: u64,
        /// What it says.
        state: TransferState,
        /// What the chain says: the message and its exit code; `None` where it has none.
        chain: Option<(String, u32)>,
    },
    /// The message that was executed is not what the payment is.
    Content {
        /// The nonce.
        nonce: u64,
        /// The payment.
        payment: String,
    },
    /// The chain has paid a payment another number of times than it says.
    Paid {
        /// The payment.
        payment: String,
        /// How far it says to be.
        state: PaymentState,
        /// How often it was paid.
        times: u64,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forked { epoch } => write!(f, "the booked tip of epoch {epoch} is not on the chain"),
            Self::Account { chain, booked } => write!(
                f,
                "the account has nonce {} and {}, booked are nonce {} and {}",
                chain.0, chain.1, booked.0, booked.1
            ),
            Self::Ledger { ledger, booked } => {
                write!(f, "the ledger gives the wallet {ledger}, booked are {booked}")
            }
            Self::Owed { ledger, payments } => {
                write!(f, "the ledger owes {ledger}, payments that are not over come to {payments}")
            }
            Self::Proposed { ledger, payments } => {
                write!(
                    f,
                    "the ledger has {ledger} proposed to the multisig, final payments come to {payments}"
                )
            }
            Self::NoTransfer { nonce, message } => {
                write!(f, "nonce {nonce} was used by {message} and belongs to no payment")
            }
            Self::Foreign { nonce, message } => {
                write!(f, "nonce {nonce} was used by {message}, which was not stored here")
            }
            Self::Transfer { nonce, state, chain: None } => {
                write!(
                    f,
                    "the transfer of nonce {nonce} is {}, the chain has no message of it",
                    state.as_str()
                )
            }
            Self::Transfer { nonce, state, chain: Some((message, code)) } => write!(
                f,
                "the transfer of nonce {nonce} is {}, the chain has {message} with exit code {code}",
                state.as_str()
            ),
            Self::Content { nonce, payment } => {
                write!(
                    f,
                    "the message of nonce {nonce} has another payee, amount or multisig than payment {payment}"
                )
            }
            Self::Paid { payment, state, times } => {
                write!(f, "payment {payment} is {} and was paid {times} times", state.as_str())
            }
        }
    }
}

/// What was compared, and what differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciled {
    /// From which tip on.
    pub from: Mark,
    /// Up to which.
    pub to: Mark,
    /// How many messages of the wallet the chain has in between.
    pub messages: u64,
    /// What they moved or proposed.
    pub paid: Atto,
    /// What they cost.
    pub fees: Atto,
    /// Everything that is not as it should be; nothing when all is well.
    pub differences: Vec<Difference>,
}

/// Compare everything that is booked of a wallet with the chain, message by message. A turn in between can make a difference that is none: ask
/// again.
///
/// # Errors
/// When the chain or the database cannot be read, or nothing is booked yet.
pub async fn reconcile(desk: &Desk) -> Result<Reconciled> {
    let (first, last) = ends(desk).await?;
    let wallet = desk.stored().await?;
    let mut differences = Vec::new();
    let head = desk.chain.head().await?;
    let there = desk.chain.ancestor(&head, last.epoch).await?;
    if there.key != last.key {
        differences.push(Difference::Forked { epoch: last.epoch });
    }
    let booked = Account { nonce: last.nonce, balance: last.balance };
    let account = desk.chain.account(&tip_of(&last), &wallet.address).await?;
    if account != booked {
        let (chain, booked) = ((account.nonce, account.balance), (booked.nonce, booked.balance));
        differences.push(Difference::Account { chain, booked });
    }
    let executed = desk.chain.executed(&wallet.address, &tip_of(&first), &tip_of(&last)).await?;
    let times = messages(desk, &first, &last, &executed, &wallet, &mut differences).await?;
    payments(desk, &times, &mut differences).await?;
    balances(desk, &wallet, &last, &mut differences).await?;
    let sum = |of: fn(&Executed) -> u128| Atto(executed.iter().map(of).fold(0, u128::saturating_add));
    Ok(Reconciled {
        messages: u64::try_from(executed.len()).unwrap_or(u64::MAX),
        paid: sum(|one| if one.exit_code == 0 { one.amount.0 } else { 0 }),
        fees: sum(|one| one.cost.0),
        from: first,
        to: last,
        differences,
    })
}

/// The oldest and the newest mark.
async fn ends(desk: &Desk) -> Result<(Mark, Mark)> {
    let newest = desk.store.marks(&desk.network, &desk.wallet, Epoch::MAX, 1).await?.pop();
    let newest = newest
        .ok_or_else(|| TreasuryError::Refused { what: "reconciling", why: "nothing is booked yet".into() })?;
    let mut oldest = newest.clone();
    loop {
        let page = desk.store.marks(&desk.network, &desk.wallet, oldest.epoch, PAGE).await?;
        match page.into_iter().next_back() {
            Some(mark) => oldest = mark,
            None => return Ok((oldest, newest)),
        }
    }
}

/// Each message with its transfer, and each transfer with its message. How often each payment was paid.
async fn messages(
    desk: &Desk,
    first: &Mark,
    last: &Mark,
    executed: &[Executed],
    wallet: &Wallet,
    differences: &mut Vec<Difference>,
) -> Result<BTreeMap<String, u64>> {
    let mut times = BTreeMap::new();
    let mut own = with_attempts(desk, transfers_from(desk, first.nonce).await?).await?;
    for one in executed {
        let message = || one.id.clone();
        let Some((transfer, attempts)) = own.remove(&one.nonce) else {
            differences.push(Difference::NoTransfer { nonce: one.nonce, message: message() });
            continue;
        };
        let Some(attempt) = attempts.iter().find(|attempt| attempt.message == one.id) else {
            differences.push(Difference::Foreign { nonce: one.nonce, message: message() });
            continue;
        };
        let cancels = attempt.kind == apogee_store::AttemptKind::Cancel;
        let expected = match (cancels, one.exit_code) {
            (true, _) => TransferState::CancelledFinal,
            (false, 0) => TransferState::Final,
            _ => TransferState::FailedFinal,
        };
        if transfer.state != expected {
            let chain = Some((message(), one.exit_code));
            differences.push(Difference::Transfer { nonce: one.nonce, state: transfer.state, chain });
        }
        if cancels {
            if one.payee != wallet.address || one.amount != Atto::ZERO || one.proposal.is_some() {
                differences.push(Difference::Content { nonce: one.nonce, payment: transfer.payment });
            }
            continue;
        }
        if expected == TransferState::Final {
            *times.entry(transfer.payment.clone()).or_default() += 1;
        }
        let payment = desk.payment(&transfer.payment).await?;
        let multisig = one.proposal.as_ref().map(|proposal| &proposal.multisig);
        if (&payment.payee, payment.amount, wallet.proposes_for.as_ref())
            != (&one.payee, one.amount, multisig)
        {
            differences.push(Difference::Content { nonce: one.nonce, payment: transfer.payment });
        }
    }
    let unseen = |transfer: &Transfer| transfer.state.is_final() || transfer.nonce < last.nonce;
    for (nonce, (transfer, _)) in own {
        if unseen(&transfer) {
            differences.push(Difference::Transfer { nonce, state: transfer.state, chain: None });
        }
    }
    Ok(times)
}

/// Each payment that says to be paid was paid once, and no other one was.
async fn payments(
    desk: &Desk,
    times: &BTreeMap<String, u64>,
    differences: &mut Vec<Difference>,
) -> Result<()> {
    for state in PaymentState::ALL.iter().copied() {
        let expected = u64::from(state == PaymentState::Final);
        let mut after: Option<(Timestamp, String)> = None;
        loop {
            let page = Page { after: after.clone(), limit: PAGE };
            let page = desk.store.payments(&desk.network, &desk.wallet, state, page).await?;
            let Some(last) = page.last() else { break };
            after = Some((last.created, last.id.clone()));
            for payment in page {
                let times = times.get(&payment.id).copied().unwrap_or(0);
                if times != expected {
                    differences.push(Difference::Paid { payment: payment.id, state, times });
                }
            }
        }
    }
    Ok(())
}

/// The ledger's own sums.
async fn balances(desk: &Desk, own: &Wallet, last: &Mark, differences: &mut Vec<Difference>) -> Result<()> {
    let mut accounts: BTreeMap<String, i128> = BTreeMap::new();
    let mut after: Option<(Timestamp, String)> = None;
    loop {
        let page = Page { after: after.clone(), limit: PAGE };
        let page = desk.store.postings(&desk.network, page).await?;
        let Some(last) = page.last() else { break };
        after = Some((last.at, last.id.clone()));
        for Posting { debit, credit, amount, .. } in page {
            let amount = i128::try_from(amount.0).unwrap_or(i128::MAX);
            let to = accounts.entry(debit).or_default();
            *to = to.saturating_add(amount);
            let from = accounts.entry(credit).or_default();
            *from = from.saturating_sub(amount);
        }
    }
    let of = |account: &str| accounts.get(account).copied().unwrap_or(0);
    let wallet = of(&desk.account());
    if u128::try_from(wallet) != Ok(last.balance.0) {
        differences.push(Difference::Ledger { ledger: wallet, booked: last.balance });
    }
    // What is owed was taken from there: below nothing.
    let owed = of(ledger::OWED).saturating_neg();
    let mut open = 0_u128;
    let mut others = Vec::new();
    for wallet in desk.store.wallets().await?.iter().filter(|wallet| wallet.network == desk.network) {
        for (_, count) in desk.store.open_counts(&desk.network, &wallet.name).await? {
            open = open.saturating_add(count.amount.0);
        }
        if wallet.proposes_for.is_some() && wallet.proposes_for == own.proposes_for {
            others.push(wallet.name.clone());
        }
    }
    if u128::try_from(owed) != Ok(open) {
        differences.push(Difference::Owed { ledger: owed, payments: Atto(open) });
    }
    // Wallets that propose for the same multisig share its account.
    let mut proposed = 0_u128;
    for wallet in others {
        let counts = desk.store.counts(&desk.network, &wallet).await?;
        let finals = counts.into_iter().filter(|(state, _)| *state == PaymentState::Final);
        proposed = finals.fold(proposed, |sum, (_, count)| sum.saturating_add(count.amount.0));
    }
    let ledger = of(&ledger::payer(own)).saturating_neg();
    if own.proposes_for.is_some() && u128::try_from(ledger) != Ok(proposed) {
        differences.push(Difference::Proposed { ledger, payments: Atto(proposed) });
    }
    Ok(())
}

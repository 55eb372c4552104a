use std::collections::BTreeMap;

use apogee_domain::{Atto, Epoch, NetworkId, Timestamp};
use apogee_store::{Mark, Store, Wallet, WalletMode};

use crate::chain::{Account, Chain, Gas, Tip};
use crate::desk::{Desk, Shift};
use crate::error::Result;
use crate::error::TreasuryError;
use crate::ledger;
use crate::signing::SignError;
use crate::steps::{again, assign, book, check, fork, include, replace, send, sign};

/// What pays from one wallet.
///
/// It keeps nothing that matters in memory: ended at any moment and started again, it goes on where it was.
#[derive(Debug)]
pub struct Cashier {
    desk: Desk,
    /// This process, told from every other one that there ever was.
    owner: String,
    /// Estimates of payments that have just got a nonce. Without them there will be new ones.
    estimates: BTreeMap<String, Gas>,
}

/// What a turn did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Whether the wallet was ours; otherwise another process pays from it, and nothing was done.
    pub held: bool,
    /// The head that was seen.
    pub head: Option<Tip>,
    /// Messages that became final.
    pub booked: u64,
    /// Transfers that a fork below the final depth opened again.
    pub reopened: u64,
    /// Payments that got a nonce.
    pub assigned: u64,
    /// Messages that were signed.
    pub signed: u64,
    /// Messages that were sent.
    pub sent: u64,
    /// What is in the way of more, if anything: a stable word, perhaps with more after `: `.
    pub blocked: Option<String>,
}

/// What a turn sees of the chain.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) head: Tip,
    /// The wallet's account before the head.
    pub(crate) account: Account,
    /// Up to where it is booked; on the head's chain.
    pub(crate) mark: Mark,
}

impl View {
    /// The tip of the mark.
    pub(crate) fn booked(&self) -> Tip {
        tip_of(&self.mark)
    }
}

/// The tip of a mark. When it was made is not kept, and not asked for.
pub(crate) fn tip_of(mark: &Mark) -> Tip {
    Tip { epoch: mark.epoch, key: mark.key.clone(), time: Timestamp::default() }
}

impl Turn {
    fn block(&mut self, why: Option<String>) {
        if self.blocked.is_none() {
            self.blocked = why;
        }
    }
}

impl Cashier {
    /// A cashier at `desk`. `owner` names this process and must differ from every other process's, earlier ones included.
    #[must_use]
    pub const fn new(desk: Desk, owner: String) -> Self {
        Self { desk, owner, estimates: BTreeMap::new() }
    }

    /// Where it works.
    #[must_use]
    pub const fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Do everything that can be done now.
    ///
    /// # Errors
    /// When the database, the chain or the signer fails. The next turn goes on from what lasts.
    pub async fn tick(&mut self, now: Timestamp) -> Result<Turn> {
        let mut turn = Turn::default();
        let Some(fence) = self.lease(now).await? else { return Ok(turn) };
        turn.held = true;
        let shift = Shift { fence, now };
        match self.work(shift, &mut turn).await {
            // A signer that has seen a newer fence: the wallet is another process's.
            Err(TreasuryError::Sign(SignError::Refused { rule, .. })) if rule == "fence" => {
                Ok(Turn { held: false, ..turn })
            }
            Err(error) => Err(error),
            Ok(()) => Ok(turn),
        }
    }

    async fn lease(&self, now: Timestamp) -> Result<Option<u64>> {
        let desk = &self.desk;
        let length = i64::try_from(desk.config.lease.as_micros()).unwrap_or(i64::MAX);
        let until = Timestamp(now.0.saturating_add(length));
        let mut work = desk.store.begin().await?;
        let fence = work.take_lease(&desk.network, &desk.wallet, &self.owner, now, until).await?;
        desk.commit(work, "lease: before it is true", "lease: true").await?;
        Ok(fence)
    }

    async fn work(&mut self, shift: Shift, turn: &mut Turn) -> Result<()> {
        let desk = &self.desk;
        let head = desk.chain.head().await?;
        turn.head = Some(head.clone());
        let Some(mark) = desk.store.marks(&desk.network, &desk.wallet, Epoch::MAX, 1).await?.pop() else {
            turn.block(begin(desk, shift, &head).await?);
            return Ok(());
        };
        if head.epoch < mark.epoch {
            // A node that is behind, or a fork that has not grown yet: it cannot be told which.
            turn.block(Some("stale-head".into()));
            return Ok(());
        }
        let mark = match fork::look(desk, &head, &mark).await? {
            None => mark,
            Some(found) => match fork::unwind(desk, shift, &mark, found).await? {
                Some((mark, reopened)) => {
                    turn.reopened = reopened;
                    mark
                }
                None => {
                    turn.block(Some("frozen".into()));
                    return Ok(());
                }
            },
        };
        let account = desk.chain.account(&head, &desk.stored().await?.address).await?;
        let mut view = View { head, account, mark };
        turn.booked = book::book(desk, shift, &mut view).await?;
        include::include(desk, shift, &view).await?;
        check::check(desk, shift, &view).await?;
        again::again(desk, shift, &view).await?;
        let wallet = desk.stored().await?;
        if wallet.mode == WalletMode::Frozen {
            turn.block(Some(format!("frozen: {}", wallet.reason)));
            return Ok(());
        }
        if wallet.mode == WalletMode::Open {
            let assigned = assign::assign(desk, shift, &view, &mut self.estimates).await?;
            turn.assigned = assigned.count;
            turn.block(assigned.blocked);
        } else {
            turn.block(Some(format!("paused: {}", wallet.reason)));
        }
        let signed = sign::sign(desk, shift, &view, wallet.mode, &mut self.estimates).await?;
        turn.signed = signed.count;
        turn.block(signed.blocked);
        // A pause leaves no gap: what is signed goes on, at what it costs by now.
        turn.block(replace::replace(desk, shift, &view).await?);
        turn.sent = send::send(desk, shift).await?;
        Ok(())
    }

    /// Replace the messages of a nonce by one for a higher fee, however long they have waited. They are sent at the next turn.
    ///
    /// # Errors
    /// Where the nonce is not waiting, its caps allow no more, or another process pays from the wallet.
    pub async fn replace_now(&mut self, nonce: u64, actor: &str, reason: &str, now: Timestamp) -> Result<()> {
        let held = self.lease(now).await?;
        let fence = held.ok_or_else(|| TreasuryError::Refused {
            what: "replacing",
            why: "another process pays from this wallet".into(),
        })?;
        replace::forced(&self.desk, Shift { fence, now }, nonce, actor, reason).await
    }
}

/// The first mark of a wallet: where everything that was sent before its first own nonce is final.
async fn begin(desk: &Desk, shift: Shift, head: &Tip) -> Result<Option<String>> {
    let tip = desk.chain.ancestor(head, head.epoch.minus(desk.config.depth.into())).await?;
    let wallet = desk.stored().await?;
    let account = desk.chain.account(&tip, &wallet.address).await?;
    if account.nonce > wallet.next_nonce {
        let reason = check::ahead(account.nonce, wallet.next_nonce);
        desk.restrain(shift, WalletMode::Paused, &reason).await?;
        return Ok(Some(format!("paused: {reason}")));
    }
    if account.nonce < wallet.next_nonce {
        return Ok(Some("not-settled: messages from before are not final yet".into()));
    }
    let mark = mark_of(&tip, account);
    let (mut work, _) = desk.unit(shift).await?;
    work.put_mark(&desk.network, &desk.wallet, &mark, mark.epoch).await?;
    if account.balance > Atto::ZERO {
        let id = ledger::of_tip("received", &desk.wallet, &tip.key, shift.now);
        let line = desk.posting(shift, id, desk.account(), ledger::RECEIVED, account.balance);
        work.post(&line).await?;
    }
    desk.commit(work, "begin: before the first mark is true", "begin: true").await?;
    Ok(None)
}

/// The mark of an account at a tip.
pub(crate) fn mark_of(tip: &Tip, account: Account) -> Mark {
    Mark { epoch: tip.epoch, key: tip.key.clone(), nonce: account.nonce, balance: account.balance }
}

/// Epochs in which nothing may have come from a key that is opened: messages of before would take nonces that are counted as ours.
const QUIET: i64 = 5;

/// Take a wallet into the books: its first own nonce is the one that the chain expects now. A wallet that is known by this name and address is
/// left as it is. With `proposes_for`, a multisig, it pays nothing itself, and that for ever.
///
/// # Errors
/// When the chain cannot be read, another address has this name, it is known to propose for another multisig or none, or is no signer of it.
pub async fn open_wallet(
    store: &dyn Store,
    chain: &dyn Chain,
    network: &NetworkId,
    name: &str,
    address: &str,
    proposes_for: Option<&str>,
) -> Result<Wallet> {
    let refused = |why| TreasuryError::Refused { what: "opening the wallet", why };
    if let Some(known) = store.wallet(network, name).await?.filter(|known| known.address == address) {
        if known.proposes_for.as_deref() == proposes_for {
            return Ok(known);
        }
        return Err(refused(match known.proposes_for {
            None => "it pays by itself, and cannot propose from now on: take another key".into(),
            Some(multisig) => format!("it proposes for {multisig}, and for nothing else: take another key"),
        }));
    }
    let head = chain.head().await?;
    if let Some(multisig) = proposes_for
        && !chain.signs_for(&head, address, multisig).await?
    {
        return Err(refused(format!("{address} is no signer of a multisig {multisig}")));
    }
    let account = chain.account(&head, address).await?;
    let before = chain.account(&chain.ancestor(&head, head.epoch.minus(QUIET)).await?, address).await?;
    if account.nonce != before.nonce {
        let why = format!("its key was used in the last {QUIET} epochs: wait, and use it nowhere else");
        return Err(refused(why));
    }
    let wallet = Wallet {
        network: network.clone(),
        name: name.to_owned(),
        address: address.to_owned(),
        next_nonce: account.nonce,
        mode: WalletMode::Open,
        reason: String::new(),
        proposes_for: proposes_for.map(str::to_owned),
    };
    let mut work = store.begin().await?;
    work.put_wallet(&wallet).await?;
    work.commit().await?;
    Ok(wallet)
}

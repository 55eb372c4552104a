//! Nonces for payments that wait.

use std::collections::BTreeMap;

use apogee_domain::{Atto, Timestamp};
use apogee_store::{Page, Payment, PaymentState, Spent, Transfer, TransferState, Wallet, WalletMode};
use futures::{FutureExt, StreamExt};

use super::{Open, PAGE, open};
use crate::cashier::View;
use crate::chain::{Gas, PrepareError};
use crate::desk::{Desk, Shift};
use crate::error::Result;
use crate::ledger;

/// Held payments that are looked at in a turn.
const HELD_AT_ONCE: usize = 10;
/// Why a payment is held that the wallet cannot afford.
pub(crate) const LOW_FUNDS: &str = "low-funds";
/// Why a payment is held that is more than may be paid on any day.
pub(crate) const OVER_DAY_CAP: &str = "over-day-cap";
/// Estimates that are asked for at a time.
const PARALLEL: usize = 8;

/// What a step did, and what kept it from more.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) count: u64,
    pub(crate) blocked: Option<String>,
}

/// What may still be promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// Of the balance, without the reserve and what is under way.
    pub(crate) free: Atto,
    /// Of the day's value.
    pub(crate) value: Atto,
    /// Of the day's fees.
    pub(crate) fees: Atto,
}

/// Why there is no room for a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Short {
    Funds,
    ValueOfDay,
    FeesOfDay,
}

impl Room {
    /// What is left after a payment of `amount`, of which the wallet itself pays `own`, with a message that costs up to `fee`.
    pub(crate) fn after(self, own: Atto, amount: Atto, fee: Atto) -> Result<Self, Short> {
        let left = self.free.checked_sub(own).and_then(|left| left.checked_sub(fee));
        Ok(Self {
            free: left.ok_or(Short::Funds)?,
            value: self.value.checked_sub(amount).ok_or(Short::ValueOfDay)?,
            fees: self.fees.checked_sub(fee).ok_or(Short::FeesOfDay)?,
        })
    }
}

impl Short {
    const fn word(self) -> &'static str {
        match self {
            Self::Funds => LOW_FUNDS,
            Self::ValueOfDay => "day-value",
            Self::FeesOfDay => "day-fees",
        }
    }
}

/// Days since 1970, UTC.
pub(crate) const fn day(now: Timestamp) -> i64 {
    now.seconds().div_euclid(86_400)
}

/// The most that the messages of one nonce may cost, only one of them being executed.
pub(crate) fn dearest(attempts: &[apogee_store::Attempt]) -> Option<Atto> {
    attempts.iter().map(|attempt| attempt.fee).max()
}

/// Give nonces to payments in the order in which they were accepted.
pub(crate) async fn assign(
    desk: &Desk,
    shift: Shift,
    view: &View,
    estimates: &mut BTreeMap<String, Gas>,
) -> Result<Done> {
    if shift.now.since(view.head.time) > desk.config.stale_after {
        return Ok(Done { count: 0, blocked: Some("stale-head".into()) });
    }
    let own = open(desk).await?;
    let in_flight = u32::try_from(own.len()).unwrap_or(u32::MAX);
    let window = desk.config.window.min(PAGE).saturating_sub(in_flight);
    if window == 0 {
        return Ok(Done { count: 0, blocked: Some("window".into()) });
    }
    let page = || Page { after: None, limit: PAGE };
    let held = desk.store.payments(&desk.network, &desk.wallet, PaymentState::Held, page()).await?;
    let is_over = |payment: &Payment| payment.amount > desk.config.value_per_day;
    let over = held.iter().any(|payment| payment.reason == OVER_DAY_CAP && is_over(payment));
    let over = || over.then(|| OVER_DAY_CAP.to_owned());
    // Those of whom it was too much before are asked again first, the smallest first: where there is no money for it, there is none for any.
    let again =
        |payment: &Payment| [LOW_FUNDS, OVER_DAY_CAP].contains(&&*payment.reason) && !is_over(payment);
    let mut held: Vec<Payment> = held.into_iter().filter(again).collect();
    held.sort_by_key(|payment| payment.amount);
    let held = held.into_iter().take(HELD_AT_ONCE);
    let waiting = Page { after: None, limit: window };
    let waiting = desk.store.payments(&desk.network, &desk.wallet, PaymentState::Accepted, waiting).await?;
    let waiting: Vec<Payment> = held.into_iter().chain(waiting).take(window as usize).collect();
    if waiting.is_empty() {
        return Ok(Done { count: 0, blocked: over() });
    }
    let wallet = desk.stored().await?;
    let mut room = room(desk, shift, view, &wallet, &own).await?;
    let floor = desk.chain.floor(&view.head).await?;
    let estimates_of = waiting.iter().map(|payment| {
        let draft = Desk::draft(&wallet, payment);
        async move { (payment, desk.chain.prepare(&draft).await) }.boxed()
    });
    let asked: Vec<_> = estimates_of.collect();
    let mut prepared = futures::stream::iter(asked).buffered(PARALLEL);
    let mut plan = Plan::default();
    while let Some((payment, answer)) = prepared.next().await {
        let gas = match answer {
            Ok(gas) => gas.within(desk.config.max_fee),
            Err(PrepareError::Recipient(why)) => {
                plan.failed.push((payment, format!("recipient: {why}")));
                continue;
            }
            Err(PrepareError::Funds(_)) => {
                plan.hold(payment, LOW_FUNDS);
                continue;
            }
            Err(PrepareError::Multisig(why)) => {
                plan.blocked = Some(format!("multisig: {why}"));
                break;
            }
            Err(PrepareError::Chain(error)) => {
                tracing::debug!(%error, payment = payment.id, "no estimate");
                plan.blocked = Some("node: no estimate".into());
                break;
            }
        };
        if gas.fee_cap < floor {
            plan.blocked = Some("fees-high".into());
            break;
        }
        if is_over(payment) || gas.fee() > desk.config.fees_per_day {
            plan.hold(payment, OVER_DAY_CAP);
            continue;
        }
        match room.after(ledger::own_part(&wallet, payment.amount), payment.amount, gas.fee()) {
            Ok(left) => room = left,
            // Nobody has to wait behind somebody whom the wallet cannot afford.
            Err(Short::Funds) => {
                plan.hold(payment, LOW_FUNDS);
                continue;
            }
            Err(short) => {
                plan.blocked = Some(short.word().into());
                break;
            }
        }
        plan.chosen.push((payment, gas));
    }
    drop(prepared);
    let count = plan.write(desk, shift).await?;
    if count > 0 {
        estimates.extend(plan.chosen.iter().map(|(payment, gas)| (payment.id.clone(), *gas)));
    }
    Ok(Done { count, blocked: plan.blocked.or_else(over) })
}

/// What is left of balance and day.
async fn room(desk: &Desk, shift: Shift, view: &View, wallet: &Wallet, own: &Open) -> Result<Room> {
    let (mut promised, mut unsigned) = (desk.config.reserve.0, Spent::default());
    for (nonce, (transfer, attempts)) in own {
        let payment = desk.payment(&transfer.payment).await?;
        let fee = dearest(attempts).unwrap_or(desk.config.max_fee);
        if *nonce >= view.account.nonce {
            let own = ledger::own_part(wallet, payment.amount);
            promised = promised.saturating_add(own.0).saturating_add(fee.0);
        }
        if attempts.is_empty() {
            unsigned.value = Atto(unsigned.value.0.saturating_add(payment.amount.0));
            unsigned.fees = Atto(unsigned.fees.0.saturating_add(fee.0));
        }
    }
    let spent = desk.store.spent(&desk.network, &desk.wallet, day(shift.now)).await?;
    let left = |cap: Atto, signed: Atto, unsigned: Atto| {
        Atto(cap.0.saturating_sub(signed.0).saturating_sub(unsigned.0))
    };
    Ok(Room {
        free: Atto(view.account.balance.0.saturating_sub(promised)),
        value: left(desk.config.value_per_day, spent.value, unsigned.value),
        fees: left(desk.config.fees_per_day, spent.fees, unsigned.fees),
    })
}

/// What is to become true together.
#[derive(Debug, Default)]
struct Plan<'a> {
    chosen: Vec<(&'a Payment, Gas)>,
    failed: Vec<(&'a Payment, String)>,
    held: Vec<(&'a Payment, &'static str)>,
    blocked: Option<String>,
}

impl<'a> Plan<'a> {
    fn hold(&mut self, payment: &'a Payment, why: &'static str) {
        self.blocked.get_or_insert_with(|| why.into());
        if payment.state == PaymentState::Accepted || payment.reason != why {
            self.held.push((payment, why));
        }
    }

    /// How many nonces were taken: none when the wallet may not take any by now.
    async fn write(&self, desk: &Desk, shift: Shift) -> Result<u64> {
        if self.chosen.is_empty() && self.failed.is_empty() && self.held.is_empty() {
            return Ok(0);
        }
        desk.faults.at("assign: before the unit of work").await?;
        let (mut work, wallet) = desk.unit(shift).await?;
        if wallet.mode != WalletMode::Open {
            return Ok(0);
        }
        let network = &desk.network;
        for (payment, reason) in &self.failed {
            work.set_payment(network, &payment.id, payment.state, PaymentState::Failed, reason).await?;
            let id = ledger::of_payment("unowe", &payment.id, shift.now);
            let granted = ledger::granted(payment.source());
            work.post(&desk.posting(shift, id, ledger::OWED, granted, payment.amount)).await?;
        }
        for (payment, why) in &self.held {
            work.set_payment(network, &payment.id, payment.state, PaymentState::Held, why).await?;
        }
        let mut nonce = wallet.next_nonce;
        for (payment, _) in &self.chosen {
            if payment.state == PaymentState::Held {
                work.set_payment(network, &payment.id, payment.state, PaymentState::Accepted, "").await?;
            }
            let accepted = PaymentState::Accepted;
            work.set_payment(network, &payment.id, accepted, PaymentState::Paying, "").await?;
            let transfer = Transfer {
                network: network.clone(),
                wallet: desk.wallet.clone(),
                nonce,
                payment: payment.id.clone(),
                state: TransferState::Reserved,
                reopened: 0,
                included: None,
            };
            work.put_transfer(&transfer).await?;
            nonce = nonce.saturating_add(1);
        }
        if !self.chosen.is_empty() {
            work.set_next_nonce(network, &desk.wallet, nonce).await?;
        }
        desk.commit(work, "assign: before it is true", "assign: true").await?;
        Ok(u64::try_from(self.chosen.len()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_needs_room_in_the_balance_and_in_the_day() {
        let room = Room { free: Atto(100), value: Atto(60), fees: Atto(9) };
        let left = Room { free: Atto(43), value: Atto(10), fees: Atto(2) };
        assert_eq!(room.after(Atto(50), Atto(50), Atto(7)).unwrap(), left);
        assert_eq!(room.after(Atto(94), Atto(50), Atto(7)).unwrap_err(), Short::Funds);
        assert_eq!(room.after(Atto(61), Atto(61), Atto(1)).unwrap_err(), Short::ValueOfDay);
        assert_eq!(room.after(Atto(50), Atto(50), Atto(10)).unwrap_err(), Short::FeesOfDay);
        let proposed = Room { free: Atto(93), ..left };
        assert_eq!(room.after(Atto(0), Atto(50), Atto(7)).unwrap(), proposed, "a multisig pays");
    }
}

//! What always holds (faucets.md, I1 to I5, I7, I12, I15), looked at from outside.

use std::collections::{BTreeMap, BTreeSet};

use apogee_domain::NetworkId;
use apogee_spacemesh::transaction::{Call, Transaction};
use apogee_store::{Attempt, AttemptKind, Payment, PaymentState, Store, Transfer, TransferState};
use apogee_treasury::Config;
use apogee_treasury_spacemesh::atto;

use super::run::NAME;
use crate::world::{World, text, wallet_address};

/// Fails with what is broken.
macro_rules! hold {
    ($true:expr, $($words:tt)*) => { if !$true { return Err(format!($($words)*)); } };
}

#[derive(Default)]
pub(crate) struct Checks {
    transfers: BTreeMap<u64, Transfer>,
    attempts: BTreeMap<(u64, u32), Attempt>,
    payments: BTreeMap<String, PaymentState>,
}

/// States that can be reached while no transfer is opened again.
fn on_from(state: PaymentState) -> &'static [PaymentState] {
    use PaymentState::{Accepted, Cancelled, Failed, Final, Held, Included, Paying};
    match state {
        Final => &[Final],
        Cancelled => &[Cancelled],
        // Somebody may want it paid after all.
        Failed | Accepted | Held | Paying | Included => {
            &[Accepted, Held, Paying, Included, Final, Failed, Cancelled]
        }
    }
}

impl Checks {
    pub(crate) async fn step(
        &mut self,
        store: &dyn Store,
        network: &NetworkId,
        world: &World,
        config: &Config,
        owed: &[Payment],
    ) -> Result<(), String> {
        let wallet = store.wallet(network, NAME).await.unwrap().unwrap();
        let transfers = store.transfers(network, NAME, 0, 10_000).await.unwrap();
        let attempts = store.attempts(network, NAME, 0, u64::MAX >> 1).await.unwrap();
        // Nonce 0 made the wallet.
        hold!(
            transfers.iter().map(|transfer| transfer.nonce).eq(1..wallet.next_nonce),
            "I3: not every nonce below {} has a transfer",
            wallet.next_nonce
        );
        let reopened = self.lives(&transfers)?;
        self.messages(&transfers, attempts, config, owed)?;
        let first = world.now().seconds().div_euclid(86_400) - 3;
        for day in first..first + 5 {
            let spent = store.spent(network, NAME, day).await.unwrap();
            hold!(
                spent.value <= config.value_per_day && spent.fees <= config.fees_per_day,
                "I7: {spent:?} on day {day}"
            );
        }
        for payment in owed {
            let now = store.payment(network, &payment.id).await.unwrap().unwrap().state;
            if let Some(before) = self.payments.insert(payment.id.clone(), now)
                && !reopened.contains(&payment.id)
            {
                hold!(on_from(before).contains(&now), "I12: {} went from {before:?} to {now:?}", payment.id);
            }
        }
        self.transfers = transfers.into_iter().map(|transfer| (transfer.nonce, transfer)).collect();
        self.chain(world)
    }

    /// What transfers became. The payments that were opened again.
    fn lives(&self, transfers: &[Transfer]) -> Result<BTreeSet<String>, String> {
        let mut live: BTreeMap<&str, u64> = BTreeMap::new();
        let mut reopened = BTreeSet::new();
        for transfer in transfers {
            if !transfer.state.is_spent() {
                *live.entry(&transfer.payment).or_default() += 1;
            }
            let Some(before) = self.transfers.get(&transfer.nonce) else { continue };
            hold!(before.payment == transfer.payment, "nonce {} changed its payment", transfer.nonce);
            hold!(before.reopened <= transfer.reopened, "nonce {} forgot a life", transfer.nonce);
            let again = before.reopened < transfer.reopened;
            if again {
                reopened.insert(transfer.payment.clone());
            }
            let kept = !before.state.is_final() || again || before.state == transfer.state;
            hold!(kept, "I12: nonce {} went from {:?} to {:?}", transfer.nonce, before.state, transfer.state);
            let back = transfer.state == TransferState::Reserved && before.state != TransferState::Reserved;
            hold!(!back, "I12: nonce {} lost its message", transfer.nonce);
        }
        hold!(live.values().all(|count| *count == 1), "I2: a payment has two transfers that may pay it");
        Ok(reopened)
    }

    /// What was signed is what is owed, and stays.
    fn messages(
        &mut self,
        transfers: &[Transfer],
        attempts: Vec<Attempt>,
        config: &Config,
        owed: &[Payment],
    ) -> Result<(), String> {
        let by_nonce: BTreeMap<u64, &str> =
            transfers.iter().map(|transfer| (transfer.nonce, transfer.payment.as_str())).collect();
        for attempt in &attempts {
            let read = Transaction::decode(&attempt.bytes).map_err(|error| error.to_string())?;
            let payment = owed
                .iter()
                .find(|payment| Some(payment.id.as_str()) == by_nonce.get(&attempt.nonce).copied());
            let payment = payment.ok_or("a message of no payment")?;
            let Call::Spend(paid) = &read.body.call else { return Err("a message that pays nothing".into()) };
            let says = (read.body.nonce, text(&paid.destination), atto(paid.amount));
            let is = match attempt.kind {
                AttemptKind::Cancel => (attempt.nonce, text(&wallet_address()), atto(0)),
                _ => (attempt.nonce, payment.payee.clone(), payment.amount),
            };
            hold!(says == is, "I5: the message {} is not what it pays", attempt.message);
            hold!(attempt.fee <= config.max_fee, "I7: {} costs too much", attempt.message);
        }
        let all: BTreeMap<(u64, u32), Attempt> =
            attempts.into_iter().map(|attempt| ((attempt.nonce, attempt.number), attempt)).collect();
        for (key, before) in &self.attempts {
            let now = all.get(key).ok_or_else(|| format!("R7: the message {key:?} is gone"))?;
            hold!(now.bytes == before.bytes && now.created == before.created, "R7: {key:?} was changed");
        }
        self.attempts = all;
        Ok(())
    }

    /// Only what is stored was sent, it costs no more than is booked for it, and the chain pays nothing twice.
    fn chain(&self, world: &World) -> Result<(), String> {
        let stored: BTreeMap<&str, &Attempt> =
            self.attempts.values().map(|one| (one.message.as_str(), one)).collect();
        for (known, body) in world.known() {
            if body.self_spawn().is_some() {
                continue;
            }
            let name = known.id.to_string();
            let attempt = stored.get(name.as_str());
            let attempt = attempt.ok_or_else(|| format!("I4: {name} was sent and is not stored"))?;
            let fee = known.result.map_or(0, |result| result.fee);
            hold!(atto(fee) <= attempt.fee, "I7: {name} cost {fee} smidge, {} atto were booked", attempt.fee);
        }
        let twice = world.paid().into_iter().find(|(_, times)| *times > 1);
        hold!(twice.is_none(), "I1: {twice:?} was paid more than once");
        Ok(())
    }
}

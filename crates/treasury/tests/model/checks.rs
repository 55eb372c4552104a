//! What always holds (I1 to I5, I7, I12, I15), looked at from outside.

use std::collections::{BTreeMap, BTreeSet};

use apogee_domain::NetworkId;
use apogee_store::{Attempt, AttemptKind, Payment, PaymentState, Store, Transfer, TransferState};
use apogee_treasury::Config;

use crate::run::NAME;
use crate::world::{Message, WALLET, World};

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
        hold!(
            transfers.iter().map(|transfer| transfer.nonce).eq(0..wallet.next_nonce),
            "I3: not every nonce below {} has a transfer",
            wallet.next_nonce
        );
        let mut live: BTreeMap<&str, u64> = BTreeMap::new();
        let mut reopened = BTreeSet::new();
        for transfer in &transfers {
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
        let by_nonce: BTreeMap<u64, &str> =
            transfers.iter().map(|transfer| (transfer.nonce, transfer.payment.as_str())).collect();
        for attempt in &attempts {
            let message = Message::read(&attempt.bytes);
            let payment = owed
                .iter()
                .find(|payment| Some(payment.id.as_str()) == by_nonce.get(&attempt.nonce).copied());
            let payment = payment.ok_or("a message of no payment")?;
            let (to, amount, multisig) = match attempt.kind {
                AttemptKind::Cancel => (WALLET, 0, None),
                _ => (payment.payee.as_str(), payment.amount.0, wallet.proposes_for.clone()),
            };
            let says = (message.nonce, message.to.as_str(), message.amount, message.multisig);
            hold!(
                says == (attempt.nonce, to, amount, multisig),
                "I5: the message {} is not what it pays",
                attempt.message
            );
            hold!(
                message.fee_cap * u128::from(message.limit) <= config.max_fee.0,
                "I7: {} costs too much",
                attempt.message
            );
        }
        let all: BTreeMap<(u64, u32), Attempt> =
            attempts.into_iter().map(|attempt| ((attempt.nonce, attempt.number), attempt)).collect();
        for (key, before) in &self.attempts {
            let now = all.get(key).ok_or_else(|| format!("R7: the message {key:?} is gone"))?;
            hold!(now.bytes == before.bytes && now.created == before.created, "R7: {key:?} was changed");
        }
        self.attempts = all;
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
                let ok = on_from(before).contains(&now);
                hold!(ok, "I12: {} went from {before:?} to {now:?}", payment.id);
            }
        }
        self.transfers = transfers.into_iter().map(|transfer| (transfer.nonce, transfer)).collect();
        self.chain(world)
    }

    /// Only what is stored was sent, and the chain pays nothing twice.
    fn chain(&self, world: &World) -> Result<(), String> {
        let stored: BTreeSet<&str> = self.attempts.values().map(|one| one.message.as_str()).collect();
        for id in &world.state().handed {
            hold!(stored.contains(id.as_str()), "I4: {id} was sent and is not stored");
        }
        for (message, ..) in world.canonical() {
            hold!(stored.contains(message.id().as_str()), "I4: {} was mined and is not stored", message.id());
        }
        let twice = world.paid().into_iter().find(|(_, times)| *times > 1);
        hold!(twice.is_none(), "I1: {twice:?} was paid more than once");
        Ok(())
    }
}

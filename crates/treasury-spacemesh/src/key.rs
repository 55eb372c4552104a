use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use apogee_domain::Atto;
use apogee_spacemesh::address::{Address, Prefix};
use apogee_spacemesh::id::{GenesisId, PublicKey};
use apogee_spacemesh::scale::{decode, encode};
use apogee_spacemesh::template::Spawn;
use apogee_spacemesh::transaction::{Body, Call, Signatures, Transaction};
use apogee_treasury::{Order, Purpose, SignError, Signed, Signer};
use async_trait::async_trait;
use ed25519_dalek::{Signer as _, SigningKey};

use crate::gas;
use crate::money::atto;

/// Nonces whose payments are remembered: the lowest go.
const REMEMBERED: usize = 10_000;

/// An Ed25519 key that signs for the wallet that is made of it, on one network.
///
/// It reads what it signs and holds it against the order; it refuses another payment for a nonce that it has signed, and fences below the highest
/// one that it has seen. What it has seen is in its memory alone: the process that keeps a journal of that is `apogee-signer`.
pub struct Key {
    key: SigningKey,
    genesis: GenesisId,
    prefix: Prefix,
    address: Address,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    fence: u64,
    /// Payee and amount of each nonce.
    bound: BTreeMap<u64, (Address, u64)>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.address.text(self.prefix))
    }
}

impl Key {
    /// The wallet of this key on the network of `genesis`. `seed` is the secret key of RFC 8032.
    #[must_use]
    pub fn new(seed: &[u8; 32], genesis: GenesisId, prefix: Prefix) -> Self {
        let key = SigningKey::from_bytes(seed);
        let address = Spawn::Wallet(PublicKey(key.verifying_key().to_bytes())).address();
        Self { key, genesis, prefix, address, seen: Mutex::default() }
    }

    /// The public part.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.key.verifying_key().to_bytes())
    }

    /// The wallet's address, as the network writes it.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.text(self.prefix)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The transaction of an order, if it is what the order says. `Err` with what it is instead.
    fn read(&self, order: &Order) -> Result<Body, String> {
        let bytes = order.message.strip_prefix(&self.genesis.0[..]);
        let bytes = bytes.ok_or("it is for another network, or for none")?;
        let body: Body = decode(bytes).map_err(|error| format!("it is no transaction: {error}"))?;
        if body.principal != self.address || body.nonce != order.nonce {
            return Err(format!("it has nonce {} of another order or account", body.nonce));
        }
        let fee = u128::from(gas::of(&body)).saturating_mul(atto(body.gas_price).0);
        if fee > order.fee.0 {
            return Err(format!("its gas comes to {fee} atto"));
        }
        let (payee, amount) = match &body.call {
            Call::Spend(payment) => (payment.destination, payment.amount),
            // It makes the wallet itself, and pays nobody.
            Call::Spawn(_) if body.self_spawn().is_some() => (self.address, 0),
            Call::Spawn(_) | Call::Drain { .. } => return Err("a wallet pays, and makes itself".into()),
        };
        let same = payee.text(self.prefix) == order.payee && atto(amount) == order.amount;
        let pays_nobody = payee == self.address && order.amount == Atto::ZERO;
        let cancels = order.purpose == Purpose::Cancel;
        let is_spend = matches!(body.call, Call::Spend(_));
        if !same || order.multisig.is_some() || (cancels && !pays_nobody) || (!cancels && !is_spend) {
            return Err(format!("it pays {amount} smidge to {}", payee.text(self.prefix)));
        }
        Ok(body)
    }

    fn sign_all(&self, fence: u64, orders: &[Order]) -> Result<Vec<Signed>, SignError> {
        let refused = |order: &Order, rule: &str, detail: String| SignError::Refused {
            nonce: order.nonce,
            rule: rule.into(),
            detail,
        };
        let mut seen = self.seen();
        if let Some(first) = orders.first().filter(|_| fence < seen.fence) {
            return Err(refused(first, "fence", format!("fence {} was seen", seen.fence)));
        }
        let mut bodies = Vec::with_capacity(orders.len());
        let mut bound = BTreeMap::new();
        for order in orders {
            let body = self.read(order).map_err(|detail| refused(order, "message", detail))?;
            if let (Call::Spend(payment), true) = (&body.call, order.purpose != Purpose::Cancel) {
                let what = (payment.destination, payment.amount);
                let known = bound.get(&order.nonce).or_else(|| seen.bound.get(&order.nonce));
                if known.is_some_and(|known| *known != what) {
                    return Err(refused(order, "nonce-reused", "it was signed for another payment".into()));
                }
                bound.insert(order.nonce, what);
            }
            bodies.push(body);
        }
        // All or none: what is remembered begins here.
        seen.fence = fence;
        seen.bound.extend(bound);
        while seen.bound.len() > REMEMBERED {
            seen.bound.pop_first();
        }
        drop(seen);
        Ok(bodies.into_iter().map(|body| self.signed(body)).collect())
    }

    fn signed(&self, body: Body) -> Signed {
        let signature = self.key.sign(&body.signed_bytes(&self.genesis)).to_bytes();
        let transaction = Transaction { body, signatures: Signatures::One(signature) };
        Signed { bytes: encode(&transaction), id: transaction.id().to_string() }
    }
}

#[async_trait]
impl Signer for Key {
    async fn wallets(&self) -> Result<Vec<String>, SignError> {
        Ok(vec![self.address()])
    }

    async fn sign(&self, wallet: &str, fence: u64, orders: &[Order]) -> Result<Vec<Signed>, SignError> {
        if wallet != self.address() {
            return Err(SignError::Refused {
                nonce: orders.first().map_or(0, |order| order.nonce),
                rule: "wallet".into(),
                detail: format!("there is a key for {}", self.address()),
            });
        }
        self.sign_all(fence, orders)
    }
}

#[cfg(test)]
mod tests;

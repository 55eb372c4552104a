//! Transactions of Spacemesh.

use apogee_domain::Atto;
use apogee_spacemesh::address::Prefix;
use apogee_spacemesh::gas;
use apogee_spacemesh::id::GenesisId;
use apogee_spacemesh::scale::{decode, encode};
use apogee_spacemesh::transaction::{Body, Call, MOST_BYTES};
use apogee_treasury::{Order, Purpose};

use crate::account::Account;
use crate::book::Whom;

/// Atto in a smidge: the chain counts in smidge, orders in atto.
const SMIDGE: u128 = 1_000_000_000;

/// The transaction of an order to `wallet` that pays `whom`, on the network of `genesis`. `Err` with what is wrong with it.
///
/// It pays, or takes a nonce and pays nobody: by paying nothing to the wallet itself, or by making that.
pub(super) fn read(
    order: &Order,
    wallet: &Account,
    whom: &Whom,
    genesis: &GenesisId,
    prefix: Prefix,
) -> Result<Body, String> {
    let address = |account: &Account| account.spacemesh(prefix).ok_or("an address is of another network");
    let (principal, payee) = (address(wallet)?, address(&whom.payee)?);
    let bytes = order.message.strip_prefix(&genesis.0[..]).ok_or("it is for another network, or for none")?;
    let body: Body = Some(bytes)
        .filter(|bytes| bytes.len() <= MOST_BYTES)
        .and_then(|bytes| decode(bytes).ok())
        // Only what encodes back to itself is what is signed.
        .filter(|body| encode(body) == bytes)
        .ok_or("it is no transaction")?;
    let holds = |what: bool, detail: &str| if what { Ok(()) } else { Err(detail.to_owned()) };
    holds(whom.multisig.is_none(), "wallets on Spacemesh pay by themselves")?;
    holds(body.principal == principal, "it is from another than the wallet")?;
    holds(body.nonce == order.nonce, "it has another nonce than the order")?;
    holds(body.gas_price > 0, "it offers nothing for its gas")?;
    let fee = u128::from(gas::of(&body)).saturating_mul(body.gas_price.into()).saturating_mul(SMIDGE);
    holds(fee <= order.fee.0, "its gas costs more than the order's fee")?;
    let cancels = order.purpose == Purpose::Cancel;
    let amount = match &body.call {
        Call::Spend(payment) => {
            holds(payment.destination == payee, "it pays another than the order's payee")?;
            payment.amount
        }
        Call::Spawn(_) => {
            holds(cancels && body.self_spawn().is_some(), "a wallet makes nothing but itself")?;
            0
        }
        Call::Drain { .. } => return Err("a wallet drains no vault".to_owned()),
    };
    let same = u128::from(amount).checked_mul(SMIDGE) == Some(order.amount.0);
    holds(same, "it pays another amount than the order")?;
    let nobody = payee == principal && order.amount == Atto::ZERO;
    holds(!cancels || nobody, "a cancellation pays nothing, to the wallet itself")?;
    Ok(body)
}

//! What an order says, held against the message that it wants signed.

use apogee_domain::Atto;
use apogee_filecoin::types::{Message, inclusion_gas};
use apogee_treasury::{Order, Purpose};
use fvm_shared::METHOD_SEND;
use fvm_shared::address::{Address, Protocol};
use fvm_shared::econ::TokenAmount;
use num_traits::ToPrimitive;

use crate::address;
use crate::refusal::{Refusal, Rule};

/// Longest message in bytes: a transfer with the longest addresses has some 220.
const LONGEST_MESSAGE: usize = 512;
/// Longest id of a payment.
const LONGEST_ID: usize = 200;
/// Most gas of a message (Lotus `buildconstants.BlockGasLimit`): with more it is in no block, and the nonces after it wait for ever.
const BLOCK_GAS_LIMIT: u64 = 10_000_000_000;
/// Bytes that a secp256k1 signature adds to a message on chain: kind and 65 bytes with their header, and the header of the pair.
const OWN_SIGNATURE: usize = 69;

/// An order whose message has been read, and says the same.
#[derive(Clone, Debug)]
pub(crate) struct Checked<'a> {
    pub(crate) order: &'a Order,
    pub(crate) payee: Address,
    pub(crate) message: Message,
}

/// Read the message of an order to the wallet `wallet`.
pub(crate) fn check<'a>(order: &'a Order, wallet: &Address) -> Result<Checked<'a>, Refusal> {
    let refused = |detail: &str| Refusal::new(order.nonce, Rule::Message, detail);
    if order.payment.as_ref().is_some_and(|id| id.len() > LONGEST_ID) {
        return Err(refused("a payment's id has at most 200 bytes"));
    }
    let payee = address::read(&order.payee).ok_or_else(|| refused("the payee is no address"))?;
    let message = read(&order.message).ok_or_else(|| refused("it is no message in canonical CBOR"))?;
    let holds = |what: bool, detail: &str| if what { Ok(()) } else { Err(refused(detail)) };
    holds(message.version == 0, "a message has version 0")?;
    holds(message.from == *wallet, "it is from another than the wallet")?;
    holds(message.to == payee, "it pays another than the order's payee")?;
    holds(message.sequence == order.nonce, "it has another nonce than the order")?;
    holds(atto(&message.value) == Some(order.amount), "it pays another amount than the order")?;
    holds(message.method_num == METHOD_SEND, "a payment calls no method")?;
    holds(message.params.bytes().is_empty(), "a payment has no parameters")?;
    let cap = atto(&message.gas_fee_cap).ok_or_else(|| refused("the fee cap is no amount"))?;
    let fee = cap.0.checked_mul(message.gas_limit.into());
    holds(fee == Some(order.fee.0), "fee cap times gas limit is another than the order's fee")?;
    let premium = atto(&message.gas_premium);
    holds(
        premium.is_some_and(|premium| premium <= cap),
        "the premium is more than the fee cap, or no amount",
    )?;
    gas(order, &message)?;
    if order.purpose == Purpose::Cancel {
        holds(
            payee == *wallet && order.amount == Atto::ZERO,
            "a cancellation pays nothing, to the wallet itself",
        )?;
    }
    Ok(Checked { order, payee, message })
}

fn read(bytes: &[u8]) -> Option<Message> {
    if bytes.len() > LONGEST_MESSAGE {
        return None;
    }
    let message: Message = fvm_ipld_encoding::from_slice(bytes).ok()?;
    // Only what encodes back to itself has the CID that is signed.
    fvm_ipld_encoding::to_vec(&message).is_ok_and(|again| again == bytes).then_some(message)
}

/// A gas limit below the cost of inclusion sticks the key for good: the message is mined, and the nonce stays (C §2.2).
fn gas(order: &Order, message: &Message) -> Result<(), Refusal> {
    let signature = if message.from.protocol() == Protocol::BLS { 0 } else { OWN_SIGNATURE };
    let inclusion = inclusion_gas(order.message.len() + signature);
    let least = inclusion.saturating_add(inclusion.div_ceil(10));
    if (least..=BLOCK_GAS_LIMIT).contains(&message.gas_limit) {
        return Ok(());
    }
    let detail = format!("its gas limit is {}, not from {least} to {BLOCK_GAS_LIMIT}", message.gas_limit);
    Err(Refusal::new(order.nonce, Rule::Message, detail))
}

fn atto(amount: &TokenAmount) -> Option<Atto> {
    amount.atto().to_u128().map(Atto)
}

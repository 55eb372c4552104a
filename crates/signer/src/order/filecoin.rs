//! Messages of Filecoin.

use apogee_domain::Atto;
use apogee_filecoin::types::multisig::{PROPOSE, Proposal, read_exactly};
use apogee_filecoin::types::{Message, inclusion_gas};
use apogee_treasury::{Order, Purpose};
use fvm_shared::METHOD_SEND;
use fvm_shared::address::{Address, Protocol};
use fvm_shared::econ::TokenAmount;
use num_traits::ToPrimitive;

use crate::account::Account;
use crate::book::Whom;

/// Longest message in bytes: a proposal with the longest addresses has some 300.
const LONGEST_MESSAGE: usize = 512;
/// Most gas of a message (Lotus `buildconstants.BlockGasLimit`): with more it is in no block, and the nonces after it wait for ever.
const BLOCK_GAS_LIMIT: u64 = 10_000_000_000;
/// Bytes that a secp256k1 signature adds to a message on chain: kind and 65 bytes with their header, and the header of the pair.
const OWN_SIGNATURE: usize = 69;

/// The message of an order to `wallet` that pays `whom`. `Err` with what is wrong with it.
pub(super) fn read(order: &Order, wallet: &Account, whom: &Whom) -> Result<Message, String> {
    let wallet = wallet.filecoin().ok_or("the wallet is on another network")?;
    let payee = whom.payee.filecoin().ok_or("the payee is on another network")?;
    let multisig =
        whom.multisig.as_ref().map(|account| account.filecoin().ok_or("the multisig is no address"));
    let multisig = multisig.transpose()?;
    let message = decode(&order.message).ok_or("it is no message in canonical CBOR")?;
    holds(message.version == 0, "a message has version 0")?;
    holds(message.from == wallet, "it is from another than the wallet")?;
    holds(message.sequence == order.nonce, "it has another nonce than the order")?;
    match &multisig {
        None => pays(order, &message, &payee),
        Some(multisig) => proposes(order, &message, &payee, multisig),
    }?;
    let cap = atto(&message.gas_fee_cap).ok_or("the fee cap is no amount")?;
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
            multisig.is_none() && payee == wallet && order.amount == Atto::ZERO,
            "a cancellation pays nothing, to the wallet itself",
        )?;
    }
    Ok(message)
}

const fn holds(what: bool, detail: &'static str) -> Result<(), &'static str> {
    if what { Ok(()) } else { Err(detail) }
}

/// What is wrong with a message that should pay.
fn pays(order: &Order, message: &Message, payee: &Address) -> Result<(), &'static str> {
    holds(message.to == *payee, "it pays another than the order's payee")?;
    holds(atto(&message.value) == Some(order.amount), "it pays another amount than the order")?;
    holds(message.method_num == METHOD_SEND, "a payment calls no method")?;
    holds(message.params.bytes().is_empty(), "a payment has no parameters")
}

/// What is wrong with a message that should propose a payment. It is the only one to a multisig that is signed.
fn proposes(
    order: &Order,
    message: &Message,
    payee: &Address,
    multisig: &Address,
) -> Result<(), &'static str> {
    holds(order.purpose != Purpose::Cancel, "a cancellation proposes nothing")?;
    holds(message.to == *multisig, "it is to another than the order's multisig")?;
    holds(atto(&message.value) == Some(Atto::ZERO), "a proposal brings no money")?;
    holds(message.method_num == PROPOSE, "to a multisig it does something else than propose")?;
    let proposal: Proposal =
        read_exactly(&message.params).ok_or("its parameters are no proposal in canonical CBOR")?;
    holds(proposal.is_transfer(), "it proposes a call, and not a payment alone")?;
    holds(proposal.to == *payee, "it proposes to pay another than the order's payee")?;
    holds(atto(&proposal.value) == Some(order.amount), "it proposes another amount than the order's")
}

fn decode(bytes: &[u8]) -> Option<Message> {
    if bytes.len() > LONGEST_MESSAGE {
        return None;
    }
    let message: Message = fvm_ipld_encoding::from_slice(bytes).ok()?;
    // Only what encodes back to itself has the CID that is signed.
    fvm_ipld_encoding::to_vec(&message).is_ok_and(|again| again == bytes).then_some(message)
}

/// A gas limit below the cost of inclusion sticks the key for good: the message is mined, and the nonce stays (C §2.2).
fn gas(order: &Order, message: &Message) -> Result<(), String> {
    let signature = if message.from.protocol() == Protocol::BLS { 0 } else { OWN_SIGNATURE };
    let inclusion = inclusion_gas(order.message.len() + signature);
    let least = inclusion.saturating_add(inclusion.div_ceil(10));
    if (least..=BLOCK_GAS_LIMIT).contains(&message.gas_limit) {
        return Ok(());
    }
    Err(format!("its gas limit is {}, not from {least} to {BLOCK_GAS_LIMIT}", message.gas_limit))
}

fn atto(amount: &TokenAmount) -> Option<Atto> {
    amount.atto().to_u128().map(Atto)
}

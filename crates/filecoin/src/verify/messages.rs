use apogee_filecoin_state::StateTree;
use cid::Cid;
use fvm_shared::address::{Address, Payload};

use super::base_fee::BLOCK_GAS_LIMIT;
use super::check::{Check, Reason, Tally, Unknown};
use super::params::NetworkParams;
use super::state::StateReader;
use super::verifier::{BlsBatch, SecpJob, Tag};
use crate::crypto::bls::ZERO_SIGNATURE;
use crate::crypto::delegated;
use crate::crypto::secp256k1;
use crate::types::{
    BlockHeader, BlockMessages, LoadError, Receipt, SignatureKind, SignedMessage, Tipset, executed_messages,
    message_cid,
};

/// The messages of a tipset's blocks in ticket order; unknown as soon as those of one block are.
pub(super) type TipsetMessages = Result<Vec<BlockMessages>, Unknown>;

/// Load the messages of every block and check that the header's root leads to them.
pub(super) fn load(tally: &mut Tally, state: &StateReader<'_>, tipset: &Tipset) -> TipsetMessages {
    let mut all = Ok(Vec::new());
    for (cid, header) in tipset.cids_and_blocks() {
        let (verdict, messages) = match BlockMessages::load(state.store, &header.messages) {
            Ok(messages) if state.params.exempt_blocks.contains(&cid) => (Ok(Ok(())), Ok(messages)),
            Ok(messages) => (Ok(includable(&messages)), Ok(messages)),
            Err(error) => {
                let unknown = unknown(&error);
                let verdict = match error {
                    LoadError::Missing { .. } | LoadError::Store { .. } => Err(unknown.clone()),
                    other => Ok(Err(describe(&other))),
                };
                (verdict, Err(unknown))
            }
        };
        tally.block(Check::MessagesRoot, cid, verdict);
        all = all.and_then(|mut all: Vec<BlockMessages>| {
            all.push(messages?);
            Ok(all)
        });
    }
    all
}

/// All there will ever be, attoFIL.
const TOTAL_FILECOIN: u128 = 2_000_000_000_000_000_000_000_000_000;

/// What a message needs to be in a block whatever state says (Lotus `types.Message.ValidForBlockInclusion`), and that the gas of all fits into one.
fn includable(messages: &BlockMessages) -> Result<(), String> {
    let mut gas = 0_u64;
    for (cid, message) in messages.iter() {
        let (fee, premium) = (&message.gas_fee_cap, &message.gas_premium);
        let wrong = [
            (message.version != 0, "has another version than 0"),
            (message.value.is_negative(), "sends a negative value"),
            (*message.value.atto() > TOTAL_FILECOIN.into(), "sends more than there is"),
            (fee.is_negative() || premium.is_negative(), "offers a negative fee"),
            (premium > fee, "offers a premium above its fee cap"),
            (message.gas_limit == 0, "has no gas"),
        ];
        if let Some((_, what)) = wrong.into_iter().find(|(wrong, _)| *wrong) {
            return Err(format!("message {cid} {what}"));
        }
        gas = gas.saturating_add(message.gas_limit);
        if gas > BLOCK_GAS_LIMIT {
            return Err(format!("up to message {cid} its messages ask for {gas} gas of {BLOCK_GAS_LIMIT}"));
        }
    }
    Ok(())
}

/// The messages of a tipset that is not being checked itself.
pub(super) fn load_quietly(state: &StateReader<'_>, tipset: &Tipset) -> TipsetMessages {
    let load = |header: &BlockHeader| {
        BlockMessages::load(state.store, &header.messages).map_err(|error| unknown(&error))
    };
    tipset.blocks().iter().map(load).collect()
}

/// Collect the signatures of a tipset's messages.
pub(super) fn signatures(
    tally: &mut Tally,
    batch: &mut BlsBatch,
    jobs: &mut Vec<SecpJob>,
    state: &mut StateReader<'_>,
    tipset: &Tipset,
    messages: &TipsetMessages,
) {
    let messages = match messages {
        Ok(messages) => messages,
        Err(unknown) => {
            for (cid, _) in tipset.cids_and_blocks() {
                tally.block(Check::MessageSignatureBls, cid, Err(unknown.clone()));
            }
            return;
        }
    };
    for ((cid, header), messages) in tipset.cids_and_blocks().zip(messages) {
        if state.params.exempt_blocks.contains(&cid) {
            continue;
        }
        aggregate(tally, batch, state, cid, header, messages);
        for (message_cid, signed) in &messages.secp {
            match state.key_address(&header.parent_state_root, &signed.message.from) {
                Ok(Ok(sender)) => jobs.push(SecpJob { cid: *message_cid, signed: signed.clone(), sender }),
                Ok(Err(detail)) => {
                    tally.of(Check::MessageSignatureSecp).fail("message", Some(*message_cid), detail);
                }
                Err(unknown) => tally.of(Check::MessageSignatureSecp).skip(unknown.reason, || unknown.detail),
            }
        }
    }
}

fn aggregate(
    tally: &mut Tally,
    batch: &mut BlsBatch,
    state: &mut StateReader<'_>,
    cid: Cid,
    header: &BlockHeader,
    messages: &BlockMessages,
) {
    let check = Check::MessageSignatureBls;
    let bytes = header.bls_aggregate.as_ref().map_or(&[][..], |signature| &signature.bytes);
    if messages.bls.is_empty() {
        // Nothing is signed. Consensus does not look at the aggregate then; an unusual one is worth a word.
        if bytes != ZERO_SIGNATURE {
            let detail =
                || format!("block {cid} has no BLS messages, yet its aggregate is not the point at infinity");
            tally.of(check).skip(Reason::UnknownRule, detail);
        }
        return;
    }
    let mut pairs = Vec::with_capacity(messages.bls.len());
    for (_, message) in &messages.bls {
        match state.bls_key(&header.parent_state_root, &message.from) {
            Ok(Ok(key)) => pairs.push((key, message_cid(message).to_bytes())),
            wrong_or_unknown => return tally.block(check, cid, wrong_or_unknown.map(|key| key.map(drop))),
        }
    }
    batch.push_aggregate(Tag { check, what: "block", cid, detail: None }, pairs, bytes);
}

/// Check a message that carries its own signature.
pub(super) fn verify_own(
    params: &NetworkParams,
    signed: &SignedMessage,
    sender: &Address,
) -> Result<(), String> {
    match signed.signature.kind {
        SignatureKind::Secp256k1 => {
            let signed_bytes = message_cid(&signed.message).to_bytes();
            secp256k1::verify(sender, &signed_bytes, &signed.signature.bytes)
                .map_err(|error| error.to_string())
        }
        SignatureKind::Delegated => {
            let message = fvm_shared::message::Message { from: *sender, ..signed.message.clone() };
            delegated::verify(&message, &signed.signature.bytes, params.eip155_chain_id)
                .map_err(|error| error.to_string())
        }
        SignatureKind::Bls => Err("a BLS message stands among the others".into()),
    }
}

/// The receipts of the parent tipset: one for each message it executes, none with more gas than its message allows.
pub(super) fn receipts(
    tally: &mut Tally,
    state: &StateReader<'_>,
    tipset: &Tipset,
    parent_messages: &TipsetMessages,
) {
    let first = tipset.first();
    let verdict = (|| {
        let messages = parent_messages.as_ref().map_err(Clone::clone)?;
        let receipts = match Receipt::load_all(state.store, &first.parent_message_receipts) {
            Ok(receipts) => receipts,
            Err(error @ (LoadError::Missing { .. } | LoadError::Store { .. })) => {
                return Err(unknown(&error));
            }
            Err(other) => return Ok(Err(describe(&other))),
        };
        let senders = Senders::new(state, &first.parent_state_root, messages)?;
        let executed = executed_messages(messages, |address| senders.one_form(address));
        if executed.len() != receipts.len() {
            return Ok(Err(format!("{} receipts for {} messages", receipts.len(), executed.len())));
        }
        let over =
            executed.iter().zip(&receipts).find(|(one, receipt)| receipt.gas_used > one.message.gas_limit);
        Ok(over.map_or(Ok(()), |(one, receipt)| {
            Err(format!("message {} used {} of {} gas", one.cid, receipt.gas_used, one.message.gas_limit))
        }))
    })();
    let cid = tipset.key().0.first().copied().unwrap_or_default();
    tally.block(Check::ReceiptsRoot, cid, verdict);
}

/// Maps addresses of senders to one form, where messages use both forms.
struct Senders<'a>(Option<StateTree<'a, super::store::CheckedStore>>);

impl<'a> Senders<'a> {
    fn new(state: &StateReader<'a>, root: &Cid, messages: &[BlockMessages]) -> Result<Self, Unknown> {
        let by_id =
            |(_, message): (&Cid, &crate::types::Message)| matches!(message.from.payload(), Payload::ID(_));
        if messages.iter().flat_map(BlockMessages::iter).any(by_id) {
            return Ok(Self(Some(StateTree::open(state.store, root)?)));
        }
        Ok(Self(None))
    }

    fn one_form(&self, address: &Address) -> Address {
        let resolved = self.0.as_ref().and_then(|tree| tree.resolve(address).ok().flatten());
        resolved.map_or(*address, Address::new_id)
    }
}

fn unknown(error: &LoadError) -> Unknown {
    let reason = match error {
        LoadError::Store { .. } => Reason::StoreFailed,
        _ => Reason::MissingMessages,
    };
    Unknown::new(reason, describe(error))
}

/// The error with its cause.
fn describe(error: &LoadError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Message;
    use fvm_shared::econ::TokenAmount;

    fn block(change: impl Fn(&mut Message)) -> BlockMessages {
        let mut message = Message {
            version: 0,
            from: Address::new_id(100),
            to: Address::new_id(101),
            sequence: 0,
            value: TokenAmount::from_whole(1),
            method_num: 0,
            params: fvm_ipld_encoding::RawBytes::default(),
            gas_limit: BLOCK_GAS_LIMIT / 2,
            gas_fee_cap: TokenAmount::from_atto(200),
            gas_premium: TokenAmount::from_atto(200),
        };
        let other = message.clone();
        change(&mut message);
        let named = |message: Message| (message_cid(&message), message);
        BlockMessages { bls: vec![named(other), named(message)], secp: vec![] }
    }

    #[test]
    fn messages_that_no_block_may_hold_are_refused() {
        assert_eq!(includable(&block(|_| {})), Ok(()));
        let refused = |change: fn(&mut Message), why: &str| {
            let error = includable(&block(change)).unwrap_err();
            assert!(error.ends_with(why), "{error}");
        };
        refused(|message| message.version = 1, "another version than 0");
        refused(|message| message.value = TokenAmount::from_atto(-1), "a negative value");
        refused(|message| message.value = TokenAmount::from_whole(2_000_000_001_u64), "more than there is");
        refused(|message| message.gas_premium = TokenAmount::from_atto(-1), "a negative fee");
        refused(|message| message.gas_premium = TokenAmount::from_atto(201), "above its fee cap");
        refused(|message| message.gas_limit = 0, "has no gas");
        refused(|message| message.gas_limit += 1, "10000000001 gas of 10000000000");
    }
}

//! What is done with hostile bytes, by `cargo fuzz` without an end and by a bounded test: nothing here may panic, and what is
//! accepted must be what it says.

use apogee_filecoin::car::{CarStore, Limits, verify_block};
use apogee_filecoin::types::{
    self, BlockHeader, BlockMessages, ExecutionTrace, FinalityCertificate, Message, MessagesRoot, Receipt,
    SignedMessage, json,
};
use fvm_shared::address::Network;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An archive that is accepted holds nothing but blocks that hash to their names, within the limits.
pub(crate) fn car(bytes: &[u8]) {
    let limits =
        Limits { bytes: 1 << 20, blocks: 1_000, block_bytes: 1 << 16, header_bytes: 1 << 12, roots: 16 };
    let Ok(store) = CarStore::read(bytes, &limits) else { return };
    assert!(store.len() <= limits.blocks && store.roots().len() <= limits.roots);
    for cid in store.head() {
        if let Some(block) = store.block(&cid) {
            assert_eq!(verify_block(&cid, block), Ok(true));
            let _ = BlockHeader::from_cbor(block).map(|header| BlockMessages::load(&store, &header.messages));
            let _ = Receipt::load_all(&store, &cid);
        }
    }
}

/// A header that is accepted encodes back to the bytes it was read from.
pub(crate) fn header(bytes: &[u8]) {
    let Ok(header) = BlockHeader::from_cbor(bytes) else { return };
    assert_eq!(header.to_cbor(), bytes);
    assert_eq!(header.cid(), types::cid_of(bytes));
    assert!(header.signing_bytes().len() <= bytes.len());
    if let Ok(tipset) = types::Tipset::new(vec![header]) {
        let text = serde_json::to_string(&json::Tipset::of(&tipset, Network::Mainnet)).unwrap_or_default();
        let again: Result<json::Tipset, _> = serde_json::from_str(&text);
        assert!(
            again.is_ok_and(|json| types::Tipset::try_from(json).is_ok_and(|same| same == tipset)),
            "{text}"
        );
    }
}

/// Messages and receipts that are accepted mean the same after being written and read again.
pub(crate) fn message(bytes: &[u8]) {
    fn stable<T: DeserializeOwned + Serialize + PartialEq>(bytes: &[u8]) -> Option<T> {
        let value: T = fvm_ipld_encoding::from_slice(bytes).ok()?;
        let again = fvm_ipld_encoding::to_vec(&value).ok()?;
        assert!(fvm_ipld_encoding::from_slice::<T>(&again).is_ok_and(|same| same == value));
        Some(value)
    }
    if let Some(message) = stable::<Message>(bytes) {
        let fee = message.gas_fee_cap.clone();
        let split = types::gas_outputs(&message, message.gas_limit / 2, &fee, true);
        assert_eq!(split.total_cost() + split.refund, fee * message.gas_limit);
        let json = json::Message::of(&message, Network::Testnet);
        assert!(Message::try_from(json).is_ok_and(|same| same == message));
    }
    if let Some(signed) = stable::<SignedMessage>(bytes) {
        let json = json::SignedMessage::of(&signed, Network::Testnet);
        assert!(SignedMessage::try_from(json).is_ok_and(|same| same.cid() == signed.cid()));
    }
    stable::<Receipt>(bytes);
    stable::<MessagesRoot>(bytes);
}

/// A tipset that is accepted has the CIDs it claims, and writing it gives JSON that reads as the same tipset.
pub(crate) fn rpc_tipset_json(bytes: &[u8]) {
    let Ok(claimed) = serde_json::from_slice::<json::Tipset>(bytes) else { return };
    let key = claimed.claimed_key();
    let Ok(tipset) = types::Tipset::try_from(claimed) else { return };
    assert_eq!(*tipset.key(), key);
    for (cid, header) in tipset.cids_and_blocks() {
        assert_eq!(types::cid_of(&header.to_cbor()), cid);
    }
    let again = json::Tipset::of(&tipset, Network::Testnet);
    assert!(types::Tipset::try_from(again).is_ok_and(|same| same == tipset));
}

/// A certificate that is accepted is the same after being written and read, and its signers stay within the table.
pub(crate) fn certificate_json(bytes: &[u8]) {
    let Ok(json) = serde_json::from_slice::<json::Certificate>(bytes) else { return };
    let Ok(certificate) = FinalityCertificate::try_from(json) else { return };
    let again = json::Certificate::from(&certificate);
    assert!(FinalityCertificate::try_from(again).is_ok_and(|same| same == certificate));
    if let Some(signers) = certificate.signer_indices(1_000) {
        assert!(signers.len() <= 1_000 && signers.is_sorted());
    }
}

/// A trace that is accepted is no deeper than is kept.
pub(crate) fn trace_json(bytes: &[u8]) {
    fn depth(call: &types::Call) -> usize {
        call.subcalls.iter().map(|call| 1 + depth(call)).max().unwrap_or(0)
    }
    let Ok(json) = serde_json::from_slice::<json::Compute>(bytes) else { return };
    let Ok(trace) = ExecutionTrace::try_from(json) else { return };
    let calls = trace.messages.iter().filter_map(|one| one.call.as_ref()).chain(&trace.crons);
    assert!(calls.map(depth).all(|depth| depth <= types::Call::MAX_DEPTH));
}

//! Messages that other programs signed.

use apogee_filecoin::crypto::bls::{Batch, MinPk, PublicKey};
use apogee_filecoin::crypto::secp256k1;
use apogee_filecoin::types::json::{Message, Signature};
use apogee_filecoin::types::{BlockMessages, SignatureKind, message_cid};
use fvm_shared::address::Payload;
use serde::Deserialize;

use crate::common::run_a;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Vector {
    unsigned: Message,
    signature: Signature,
}

#[test]
fn signatures_of_forests_vectors_verify() {
    let Some(path) = apogee_testkit::data("filecoin/forest/message_signing.json") else { return };
    let vectors: Vec<Vector> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut bls = Batch::<MinPk, ()>::default();
    let mut secp = 0;
    for vector in vectors {
        let message = apogee_filecoin::types::Message::try_from(vector.unsigned).unwrap();
        let signed = message_cid(&message).to_bytes();
        match message.from.payload() {
            Payload::BLS(key) => {
                bls.push((), PublicKey::from_bytes(key).unwrap(), signed, &vector.signature.data)
            }
            _ => {
                secp256k1::verify(&message.from, &signed, &vector.signature.data).unwrap();
                secp += 1;
            }
        }
    }
    assert!(bls.len() + secp >= 2);
    assert!(bls.settle(&[1; 32]).iter().all(|(_, verdict)| verdict.is_ok()));
}

/// The recording has transfers, a deployment and a call of Ethereum senders.
#[test]
fn run_a_holds_delegated_messages_of_each_kind() {
    let chain = run_a();
    let mut methods = std::collections::BTreeMap::<_, usize>::new();
    for header in chain.tipsets.iter().flat_map(|tipset| tipset.blocks()) {
        for (_, signed) in BlockMessages::load(&*chain.store, &header.messages).unwrap().secp {
            if signed.signature.kind == SignatureKind::Delegated {
                *methods.entry(signed.message.method_num).or_default() += 1;
            }
        }
    }
    assert!(methods.contains_key(&4) && methods.contains_key(&3_844_450_837), "{methods:?}");
}

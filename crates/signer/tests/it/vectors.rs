//! Real keys, messages and signatures, made by other programs.

use apogee_filecoin::types::{Message, MessageSignature, SignatureKind, SignedMessage, json, message_cid};
use apogee_signer::{Key, KeyKind, read_export, verify};
use apogee_testkit::data;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

fn document(name: &str) -> Option<Value> {
    Some(serde_json::from_slice(&std::fs::read(data(name)?).unwrap()).unwrap())
}

fn secret(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

fn message(value: &Value) -> Message {
    serde_json::from_value::<json::Message>(value.clone()).unwrap().try_into().unwrap()
}

#[test]
fn secp256k1_signatures_are_those_of_zondax() {
    let Some(vector) = document("filecoin/signing/zondax-signed_message.json") else { return };
    let key = Key::from_bytes(KeyKind::Secp256k1, &secret(&vector["pk"])).unwrap();
    let signed: json::SignedMessage = serde_json::from_value(vector["tx"].clone()).unwrap();
    let signed = SignedMessage::try_from(signed).unwrap();
    assert_eq!(key.address(), signed.message.from);
    assert_eq!(key.sign(&signed.message).unwrap(), signed.signature);
    assert_eq!(verify(&signed.message.from, &signed.message, &signed.signature), Ok(()));
}

#[test]
fn bls_keys_and_signatures_are_those_of_zondax() {
    let Some(wallet) = document("filecoin/signing/zondax-bls_wallet.json") else { return };
    let Some(vector) = document("filecoin/signing/zondax-bls_signature.json") else { return };
    let key = Key::from_bytes(KeyKind::Bls, &secret(&wallet["bls_private_key"])).unwrap();
    assert_eq!(hex::encode(key.address().payload_bytes()), wallet["bls_public_key"]);
    let message: Message =
        fvm_ipld_encoding::from_slice(&hex::decode(vector["cbor"].as_str().unwrap()).unwrap()).unwrap();
    let signature = key.sign(&message).unwrap();
    assert_eq!(
        (signature.kind, hex::encode(&signature.bytes)),
        (SignatureKind::Bls, vector["sig"].as_str().unwrap().into())
    );
    assert_eq!(verify(&key.address(), &message, &signature), Ok(()));
}

#[test]
fn bls_signatures_and_message_ids_are_those_of_lotus_and_forest() {
    let Some(vectors) = document("filecoin/forest/message_signing.json") else { return };
    let vectors = vectors.as_array().unwrap();
    assert_eq!(vectors.len(), 2);
    for vector in vectors {
        let message = message(&vector["Unsigned"]);
        assert_eq!(message_cid(&message).to_string(), vector["Cid"]);
        let kind = match vector["Signature"]["Type"].as_u64().unwrap() {
            1 => KeyKind::Secp256k1,
            _ => KeyKind::Bls,
        };
        let key = Key::from_bytes(kind, &secret(&vector["PrivateKey"])).unwrap();
        assert_eq!(key.address(), message.from);
        assert_eq!(key.sign(&message).unwrap().bytes, secret(&vector["Signature"]["Data"]));
    }
}

#[test]
fn addresses_of_exported_keys_are_those_of_zondax() {
    let Some(wallet) = document("filecoin/signing/zondax-wallet.json") else { return };
    let export = |kind: &str, key: &Value| {
        hex::encode(serde_json::json!({"Type": kind, "PrivateKey": key}).to_string()) + "\n"
    };
    let bls = read_export(export("bls", &wallet["bls_private_key"]).as_bytes()).unwrap();
    assert_eq!(bls.name().to_string().get(1..), wallet["bls_address"].as_str().unwrap().get(1..));
    let secp = read_export(export("secp256k1", &wallet["private_key"]).as_bytes()).unwrap();
    assert_eq!(secp.name().to_string(), "f1d2xrzcslx7xlbbylc5c3d5lvandqw4iwl6epxba");
}

#[test]
fn a_signature_is_for_one_message_and_one_key() {
    let (a, b) =
        (super::desk::pay(1, super::desk::payee(1), 5), super::desk::pay(1, super::desk::payee(1), 6));
    let (a, b) = (super::desk::message(&a), super::desk::message(&b));
    for kind in [KeyKind::Secp256k1, KeyKind::Bls] {
        let (key, other) = (super::desk::key(kind, 1), super::desk::key(kind, 2));
        let signature = key.sign(&a).unwrap();
        assert_eq!(key.sign(&a).unwrap(), signature);
        assert_eq!(verify(&key.address(), &a, &signature), Ok(()));
        assert!(verify(&key.address(), &b, &signature).is_err());
        assert!(verify(&other.address(), &a, &signature).is_err());
        for byte in 0..signature.bytes.len() {
            let mut bytes = signature.bytes.clone();
            bytes[byte] ^= 1;
            assert!(verify(&key.address(), &a, &MessageSignature { kind: signature.kind, bytes }).is_err());
        }
    }
}

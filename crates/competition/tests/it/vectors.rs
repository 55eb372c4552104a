//! Zondax' published vectors: the cryptography that the other tests rest on is that of real wallets.

use apogee_competition::claim::{Verify, WalletSignature};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::keys::{Crypto, Wallet, blake2b};

fn vector(name: &str) -> Option<Value> {
    let path = apogee_testkit::data(&format!("filecoin/signing/zondax-{name}.json"))?;
    Some(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
}

/// What is signed of a message to the chain: its CID.
fn cid(cbor: &[u8]) -> Vec<u8> {
    [&[0x01, 0x71, 0xa0, 0xe4, 0x02, 0x20], blake2b(32, cbor).as_slice()].concat()
}

#[test]
fn a_published_wallet_has_the_address_that_is_published_with_it() {
    let Some(wallet) = vector("wallet") else { return };
    let secret = STANDARD.decode(wallet["private_key"].as_str().unwrap()).unwrap();
    let key = Wallet::Secp256k1(k256::ecdsa::SigningKey::from_slice(&secret).unwrap());
    assert_eq!(key.address()[1..], "f1d2xrzcslx7xlbbylc5c3d5lvandqw4iwl6epxba"[1..]);
}

#[test]
fn a_published_secp256k1_signature_verifies_and_is_made_again() {
    let (Some(signed), Some(txs)) = (vector("signed_message"), vector("txs")) else { return };
    let signature = STANDARD.decode(signed["tx"]["Signature"]["Data"].as_str().unwrap()).unwrap();
    let cbor = hex::decode(txs[0]["cbor"].as_str().unwrap()).unwrap();
    let printed = format!("01{}", hex::encode(&signature));
    let from = signed["tx"]["Message"]["From"].as_str().unwrap();
    let read: WalletSignature = printed.parse().unwrap();
    assert!(Crypto.verifies(from, &read, &cid(&cbor)));
    assert!(!Crypto.verifies(from, &read, &cbor));
    let secret = STANDARD.decode(signed["pk"].as_str().unwrap()).unwrap();
    let key = Wallet::Secp256k1(k256::ecdsa::SigningKey::from_slice(&secret).unwrap());
    assert_eq!(key.sign(&cid(&cbor)), printed);
}

#[test]
fn a_published_bls_signature_verifies_and_is_made_again() {
    let (Some(signed), Some(wallet)) = (vector("bls_signature"), vector("bls_wallet")) else { return };
    let cbor = hex::decode(signed["cbor"].as_str().unwrap()).unwrap();
    let mut secret = STANDARD.decode(wallet["bls_private_key"].as_str().unwrap()).unwrap();
    secret.reverse();
    let key = Wallet::Bls(blst::min_pk::SecretKey::from_bytes(&secret).unwrap());
    let printed = format!("02{}", signed["sig"].as_str().unwrap());
    let read: WalletSignature = printed.parse().unwrap();
    assert!(Crypto.verifies(&key.address(), &read, &cid(&cbor)));
    assert!(!Crypto.verifies(&key.address(), &read, b"something else"));
    assert_eq!(key.sign(&cid(&cbor)), printed);
}

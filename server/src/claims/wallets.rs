use apogee_competition::claim::{SignatureKind, Verify, WalletSignature};
use apogee_filecoin::crypto::bls::{Batch, MinPk, PublicKey};
use apogee_filecoin::crypto::{blake2b256, secp256k1};
use apogee_filecoin::types::json::parse_address;
use fvm_shared::address::{Address, Payload};

/// The signatures that Filecoin's wallets make, checked as the chain checks those of messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wallets;

impl Verify for Wallets {
    fn verifies(&self, address: &str, signature: &WalletSignature, bytes: &[u8]) -> bool {
        let Ok(address) = parse_address(address) else { return false };
        match signature.kind {
            SignatureKind::Secp256k1 => secp256k1::verify(&address, bytes, &signature.bytes).is_ok(),
            SignatureKind::Bls => bls(&address, bytes, &signature.bytes),
        }
    }
}

fn bls(address: &Address, bytes: &[u8], signature: &[u8]) -> bool {
    let Payload::BLS(key) = address.payload() else { return false };
    let Ok(key) = PublicKey::<MinPk>::from_bytes(key) else { return false };
    let mut batch = Batch::default();
    batch.push((), key, bytes, signature);
    // One signature is not weighed against others, so its weight may be known.
    let settled = batch.settle(&blake2b256(bytes));
    matches!(settled.as_slice(), [((), Ok(()))])
}

//! A signer with a folder of its own, and orders for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use apogee_domain::{Atto, ManualClock, Timestamp};
use apogee_filecoin::types::{Message, SignedMessage};
use apogee_signer::{Journal, JournalError, Key, KeyKind, Keystore, LocalSigner, Policy};
use apogee_treasury::{Order, Purpose, SignError, Signed, Signer};
use fvm_ipld_encoding::RawBytes;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;

pub(crate) const GAS: u64 = 2_000_000;

/// A key that is known.
pub(crate) fn key(kind: KeyKind, seed: u8) -> Key {
    Key::from_bytes(kind, &[seed; 32]).unwrap()
}

pub(crate) fn wallet() -> Address {
    key(KeyKind::Secp256k1, 1).address()
}

pub(crate) fn bls_wallet() -> Address {
    key(KeyKind::Bls, 1).address()
}

pub(crate) fn payee(number: u64) -> Address {
    Address::new_id(1000 + number)
}

/// A policy that allows `wallet` 1,000 atto a message and 2,500 a day, fees of 9 and 20 million.
pub(crate) fn policy(wallet: &Address, recipients: &str) -> String {
    format!(
        "network = \"devnet-a\"\n[wallets.{wallet}]\nmessage_value = \"1000\"\nmessage_fee = \"9000000\"\n\
         day_value = \"2500\"\nday_fee = \"20000000\"\nrecipients = \"{recipients}\"\n"
    )
}

pub(crate) fn message(order: &Order) -> Message {
    fvm_ipld_encoding::from_slice(&order.message).unwrap()
}

/// An order of [`wallet`] with a fee cap for each unit of gas.
pub(crate) fn order(purpose: Purpose, nonce: u64, to: Address, amount: u64, cap: u64) -> Order {
    order_of(wallet(), purpose, nonce, to, amount, cap)
}

pub(crate) fn order_of(
    from: Address,
    purpose: Purpose,
    nonce: u64,
    to: Address,
    amount: u64,
    cap: u64,
) -> Order {
    let message = Message {
        version: 0,
        from,
        to,
        sequence: nonce,
        value: TokenAmount::from_atto(amount),
        method_num: 0,
        params: RawBytes::default(),
        gas_limit: GAS,
        gas_fee_cap: TokenAmount::from_atto(cap),
        gas_premium: TokenAmount::from_atto(1),
    };
    Order {
        purpose,
        nonce,
        payment: Some(format!("payment-{nonce}")),
        payee: to.to_string(),
        amount: Atto(amount.into()),
        multisig: None,
        fee: Atto(u128::from(cap) * u128::from(GAS)),
        message: fvm_ipld_encoding::to_vec(&message).unwrap(),
    }
}

pub(crate) fn pay(nonce: u64, to: Address, amount: u64) -> Order {
    order(Purpose::Pay, nonce, to, amount, 2)
}

pub(crate) fn cancel(nonce: u64, cap: u64) -> Order {
    order(Purpose::Cancel, nonce, wallet(), 0, cap)
}

/// The message of what was signed, whose signature is checked.
pub(crate) fn read(signed: &Signed) -> Message {
    let pair: SignedMessage = fvm_ipld_encoding::from_slice(&signed.bytes).unwrap();
    assert_eq!(pair.cid().to_string(), signed.id);
    assert_eq!(apogee_signer::verify(&pair.message.from, &pair.message, &pair.signature), Ok(()));
    pair.message
}

#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: ManualClock,
}

impl Desk {
    pub(crate) fn new(policy: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("policy.toml"), policy).unwrap();
        Self { folder, clock: ManualClock::at(Timestamp::from_seconds(1_800_000_000)) }
    }

    /// Whose wallet may pay anybody.
    pub(crate) fn open_handed() -> Self {
        Self::new(&policy(&wallet(), "any"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn policy(&self) -> Policy {
        Policy::read(&self.path("policy.toml")).unwrap()
    }

    /// A signer process begins.
    pub(crate) fn signer(&self) -> LocalSigner {
        let journal = open(&self.path("journal")).unwrap();
        LocalSigner::new(self.policy(), journal, Box::new(Arc::new(keystore())), Arc::new(self.clock.clone()))
    }
}

/// With the keys of [`wallet`] and [`bls_wallet`].
pub(crate) fn keystore() -> Keystore {
    let mut keystore = Keystore::new();
    keystore.add(key(KeyKind::Secp256k1, 1)).unwrap();
    keystore.add(key(KeyKind::Bls, 1)).unwrap();
    keystore
}

pub(crate) fn open(journal: &Path) -> Result<Journal, JournalError> {
    open_for(journal, "devnet-a")
}

/// Other tests start processes: for a moment these have what this one has open, and so its locks.
pub(crate) fn open_for(journal: &Path, network: &str) -> Result<Journal, JournalError> {
    for _ in 0..500 {
        match Journal::open(journal, &network.parse().unwrap()) {
            Err(JournalError::Held(_)) => std::thread::sleep(Duration::from_millis(10)),
            answer => return answer,
        }
    }
    panic!("somebody holds the journal");
}

/// The rule by which it was refused.
pub(crate) fn rule(answer: &Result<Vec<Signed>, SignError>) -> &str {
    match answer {
        Ok(_) => "signed",
        Err(SignError::Refused { rule, .. }) => rule,
        Err(SignError::Unavailable(_)) => "unavailable",
    }
}

/// What `signer` says to one order of [`wallet`] with fence 1.
pub(crate) async fn ask(signer: &dyn Signer, order: Order) -> Result<Vec<Signed>, SignError> {
    signer.sign(&wallet().to_string(), 1, &[order]).await
}

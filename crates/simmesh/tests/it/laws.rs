use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use apogee_simmesh::{Chain, Code, Made, Network, Recipe, TransactionState, Undone};
use apogee_spacemesh::address::{Address, Prefix};
use apogee_spacemesh::id::{Epochs, GenesisId, LayerId, PublicKey, TransactionId};
use apogee_spacemesh::scale::encode;
use apogee_spacemesh::template::Spawn;
use apogee_spacemesh::transaction::{Body, Call, Payment, Signatures, Transaction};
use ed25519_dalek::{Signer, SigningKey};
use proptest::prelude::*;

const GENESIS: GenesisId = GenesisId([7; 20]);
const EACH: u64 = 2_000_000;

fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn spawn(number: u8) -> Spawn {
    Spawn::Wallet(PublicKey(key(number).verifying_key().to_bytes()))
}

fn signed(by: u8, call: Call, nonce: u64, gas_price: u64) -> Vec<u8> {
    let body = Body { principal: spawn(by).address(), call, nonce, gas_price };
    let signature = key(by).sign(&body.signed_bytes(&GENESIS)).to_bytes();
    encode(&Transaction { body, signatures: Signatures::One(signature) })
}

fn pay(by: u8, to: u8, amount: u64, nonce: u64, gas_price: u64) -> Vec<u8> {
    signed(by, Call::Spend(Payment { destination: spawn(to).address(), amount }), nonce, gas_price)
}

/// A chain of wallets 0 to 2; wallet 3 has nothing.
fn chain() -> Made {
    let epochs = Epochs { layers: NonZeroU32::new(4).unwrap() };
    let network = Network {
        genesis: GENESIS,
        genesis_time: 0,
        layer_duration: 1,
        prefix: Prefix::TEST,
        effective_genesis: epochs.first_effective_genesis(),
        epochs,
        labels_per_unit: 1,
    };
    Made::new(Recipe { network, accounts: (0..3).map(|number| (spawn(number).address(), EACH)).collect() })
}

#[derive(Clone, Debug)]
enum Act {
    Spawn(u8, u64),
    Pay { by: u8, to: u8, amount: u64, ahead: u64, gas_price: u64 },
    Step,
    Careless,
    Fork(u32, Undone),
    Again,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0_u8..4, 1_u64..4).prop_map(|(by, gas_price)| Act::Spawn(by, gas_price)),
        6 => (0_u8..4, 0_u8..4, 0..EACH, 0_u64..3, 1_u64..20).prop_map(|(by, to, amount, ahead, gas_price)| {
            Act::Pay { by, to, amount, ahead, gas_price }
        }),
        5 => Just(Act::Step),
        2 => Just(Act::Careless),
        2 => (0_u32..5, prop_oneof![Just(Undone::Pending), Just(Undone::Dropped)])
            .prop_map(|(depth, undone)| Act::Fork(depth, undone)),
        1 => Just(Act::Again),
    ]
}

fn account(chain: &Made, address: &Address) -> (u64, u64) {
    chain.account(address).unwrap().map_or((0, 0), |row| (row.next_nonce, row.balance))
}

/// What holds whatever happened.
fn lawful(chain: &Made) {
    let known = chain.transactions().unwrap();
    let addresses: Vec<Address> = (0..4).map(|number| spawn(number).address()).collect();
    let held: u64 = addresses.iter().map(|address| account(chain, address).1).sum();
    let fees: u64 = known.iter().filter_map(|known| known.result.as_ref()).map(|result| result.fee).sum();
    assert_eq!(held + fees, 3 * EACH, "coins are neither made nor lost but for fees");

    let mut nonces: BTreeMap<Address, Vec<(LayerId, u64)>> = BTreeMap::new();
    for known in &known {
        let header = known.header.unwrap();
        assert_eq!(TransactionId::of(&known.raw), known.id);
        if let Some(result) = &known.result {
            assert_eq!(known.state, TransactionState::Processed);
            assert!(result.fee <= header.max_gas * header.gas_price && result.layer <= chain.head());
            assert_eq!(result.succeeded, result.message.is_empty());
            nonces.entry(header.principal).or_default().push((result.layer, header.nonce));
        }
    }
    for (principal, mut executed) in nonces {
        executed.sort_unstable();
        assert!(executed.is_sorted_by(|one, other| one.1 < other.1), "a nonce pays once, and in order");
        assert_eq!(account(chain, &principal).0, executed.last().unwrap().1 + 1);
    }
    let layers = chain.layers(&(LayerId(0)..=LayerId(u32::MAX))).unwrap();
    let first = chain.network().effective_genesis.0 + 1;
    assert!(layers.iter().map(|row| row.layer.0).eq(first..=chain.head().0), "no layer is missing");
    let opinions: BTreeSet<_> = layers.iter().map(|row| row.opinion.unwrap().0).collect();
    assert_eq!(opinions.len(), layers.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn coins_and_nonces_are_kept(acts in prop::collection::vec(act(), 1..40)) {
        let mut chain = chain();
        let mut sent: Vec<Vec<u8>> = Vec::new();
        for act in acts {
            let head = chain.head();
            match act {
                Act::Spawn(by, gas_price) => {
                    let next = account(&chain, &spawn(by).address()).0;
                    sent.push(signed(by, Call::Spawn(spawn(by)), next, gas_price));
                    let _ = chain.submit(sent.last().unwrap());
                }
                Act::Pay { by, to, amount, ahead, gas_price } => {
                    let next = account(&chain, &spawn(by).address()).0;
                    sent.push(pay(by, to, amount, next + ahead, gas_price));
                    let _ = chain.submit(sent.last().unwrap());
                }
                Act::Step => prop_assert_eq!(chain.step().0, head.0 + 1),
                Act::Careless => prop_assert_eq!(chain.step_careless().0, head.0 + 1),
                Act::Fork(depth, undone) => {
                    chain.fork(depth, undone);
                    prop_assert_eq!(chain.head(), head);
                }
                Act::Again => sent.iter().for_each(|raw| drop(chain.submit(raw))),
            }
            lawful(&chain);
        }
    }
}

/// Undone and made again, all is as it was: the accounts, and each result but for its layer and its block.
#[test]
fn what_is_undone_comes_again() {
    let mut chain = chain();
    for number in 0..3 {
        chain.submit(&signed(number, Call::Spawn(spawn(number)), 0, 1)).unwrap();
    }
    let first = chain.step();
    for number in 0..3_u8 {
        chain.submit(&pay(number, (number + 1) % 4, 1_000, 1, 2)).unwrap();
        chain.step();
    }
    let results = |chain: &Made| -> Vec<_> {
        let known = chain.transactions().unwrap();
        let mut all: Vec<_> = known
            .into_iter()
            .map(|known| {
                let result = known.result.unwrap();
                (known.id, result.succeeded, result.fee, result.addresses)
            })
            .collect();
        all.sort();
        all
    };
    let accounts = |chain: &Made| (0..4).map(|n| account(chain, &spawn(n).address())).collect::<Vec<_>>();
    let before = (results(&chain), accounts(&chain));
    let depth = chain.head().0 - first.0 + 1;
    chain.fork(depth, Undone::Pending);
    assert!(chain.transactions().unwrap().iter().all(|known| known.result.is_none()));
    assert_eq!(accounts(&chain), [(0, EACH), (0, EACH), (0, EACH), (0, 0)]);
    // Deeper than the chain is to its beginning.
    chain.fork(1_000, Undone::Pending);
    assert_eq!(chain.head().0, first.0 + 3);
    chain.step();
    assert_eq!((results(&chain), accounts(&chain)), before);
}

#[test]
fn refusals_are_those_of_a_node() {
    let mut chain = chain();
    let refused = |chain: &mut Made, raw: &[u8]| {
        let refusal = chain.submit(raw).unwrap_err();
        assert_eq!(refusal.code, Code::InvalidArgument);
        refusal.message.trim_start_matches("Failed to verify transaction: ").to_owned()
    };
    let make = signed(0, Call::Spawn(spawn(0)), 0, 1);
    let spend = pay(0, 1, 1, 1, 1);
    let id = TransactionId::of(&spend);
    assert_eq!(
        refused(&mut chain, &spend),
        format!("failed to parse tx: {id} (err: account is not spawned)")
    );
    chain.submit(&make).unwrap();
    assert_eq!(refused(&mut chain, &make), "tx already exists");
    chain.step();
    assert_eq!(refused(&mut chain, &make), "tx already exists");
    assert_eq!(refused(&mut chain, &pay(0, 1, 1, 0, 1)), "bad nonce");
    let free = pay(0, 1, 1, 1, 0);
    assert_eq!(
        refused(&mut chain, &free),
        format!("failed to parse tx: zero gas price {}", TransactionId::of(&free))
    );
    // Signed for another network.
    let body = Body {
        principal: spawn(0).address(),
        call: Call::Spend(Payment { destination: spawn(1).address(), amount: 1 }),
        nonce: 1,
        gas_price: 1,
    };
    let signature = key(0).sign(&body.signed_bytes(&GenesisId([8; 20]))).to_bytes();
    let foreign = encode(&Transaction { body, signatures: Signatures::One(signature) });
    let expected = format!("failed to verify tx: {}", TransactionId::of(&foreign));
    assert_eq!(refused(&mut chain, &foreign), expected);
    // Somebody else's signature.
    let theft = signed(1, Call::Spend(Payment { destination: spawn(1).address(), amount: 1 }), 1, 1);
    let mut theft = Transaction::decode(&theft).unwrap();
    theft.body.principal = spawn(0).address();
    assert!(refused(&mut chain, &encode(&theft)).starts_with("failed to verify tx"));
}

/// Gas that cannot be paid takes what there is.
#[test]
fn an_account_can_be_emptied_by_its_gas() {
    let mut chain = chain();
    chain.submit(&signed(0, Call::Spawn(spawn(0)), 0, 1)).unwrap();
    chain.step();
    let costly = pay(0, 1, 1, 1, 1_000_000);
    chain.submit(&costly).unwrap();
    chain.step_careless();
    let known = chain.transactions().unwrap();
    let result = known.iter().find(|known| known.raw == costly).unwrap().result.clone().unwrap();
    assert!(!result.succeeded && result.fee == EACH - 100_432);
    assert_eq!(account(&chain, &spawn(0).address()), (2, 0));
}

//! Whatever is asked in whatever order, the rules hold; and what is within them is signed.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use apogee_domain::Clock;
use apogee_signer::{LocalSigner, Payee, PayoutList};
use apogee_treasury::{Order, Purpose, Signed, Signer};
use fvm_shared::address::Address;
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::desk::{Desk, GAS, message, order, payee, read, wallet};

const DAY_VALUE: u128 = 20;
const DAY_FEES: u128 = 10;
/// What lists have for each of two payees.
const LISTED: u128 = 10;

#[derive(Clone, Debug)]
struct Step {
    orders: Vec<Order>,
    fence: u64,
    hours: u64,
    restart: bool,
}

fn orders() -> impl Strategy<Value = Order> {
    let purpose =
        prop_oneof![3 => Just(Purpose::Pay), 2 => Just(Purpose::Replace), 1 => Just(Purpose::Cancel)];
    let amount = prop_oneof![Just(0_u64), Just(3), Just(7)];
    (purpose, 0..5_u64, 0..3_u64, amount, 1..4_u64).prop_map(
        |(purpose, nonce, to, amount, cap)| match purpose {
            Purpose::Cancel => order(purpose, nonce, wallet(), 0, cap),
            _ => order(purpose, nonce, payee(to), amount, cap),
        },
    )
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (proptest::collection::vec(orders(), 1..4), 1..3_u64, 0..9_u64, proptest::bool::weighted(0.2));
    let step = step.prop_map(|(orders, fence, hours, restart)| Step { orders, fence, hours, restart });
    proptest::collection::vec(step, 1..25)
}

/// The rules again, in the plainest way: everything that was signed, and nothing else.
#[derive(Clone, Debug, Default)]
struct Model {
    fence: u64,
    /// Day, purpose, nonce, payee, amount, fee.
    signed: Vec<(i64, Purpose, u64, Address, u128, u128)>,
}

impl Model {
    /// Sign one more.
    fn sign(&mut self, day: i64, order: &Order) {
        let message = message(order);
        self.signed.push((
            day,
            order.purpose,
            order.nonce,
            message.to,
            order.amount.0,
            order.fee.0 / u128::from(GAS),
        ));
    }

    fn holds(&self, lists: bool) -> bool {
        let (mut pays, mut fees) = (BTreeMap::new(), BTreeMap::new());
        let (mut values, mut day_fees, mut paid) = (BTreeMap::new(), BTreeMap::new(), HashMap::new());
        for (day, purpose, nonce, to, amount, fee) in &self.signed {
            let before = fees.get(nonce).copied();
            *day_fees.entry(day).or_insert(0) += fee.saturating_sub(before.unwrap_or(0));
            fees.insert(nonce, before.unwrap_or(0).max(*fee));
            if *purpose == Purpose::Cancel {
                continue;
            }
            match pays.get(nonce) {
                Some(pay) if *pay == (to, amount) => {}
                None if before.is_none() => {
                    pays.insert(nonce, (to, amount));
                    *values.entry(day).or_insert(0) += amount;
                    *paid.entry(to).or_insert(0) += amount;
                }
                _ => return false,
            }
        }
        let listed = |(to, sum): (&&Address, &u128)| **to != payee(2) && *sum <= LISTED;
        values.values().all(|sum| *sum <= DAY_VALUE)
            && day_fees.values().all(|sum| *sum <= DAY_FEES)
            && (!lists || paid.iter().all(listed))
    }
}

static SIGNED: AtomicU32 = AtomicU32::new(0);
static REFUSED: AtomicU32 = AtomicU32::new(0);

async fn play(desk: &Desk, steps: &[Step], lists: bool) {
    let mut signer = Some(desk.signer());
    let (mut model, mut known) = (Model::default(), HashMap::<Vec<u8>, Signed>::new());
    for step in steps {
        desk.clock.advance(Duration::from_secs(step.hours * 3600));
        if step.restart {
            drop(signer.take());
        }
        let signer: &LocalSigner = signer.get_or_insert_with(|| desk.signer());
        let day = desk.clock.now().seconds() / 86_400;
        let mut next = Model { fence: step.fence, ..model.clone() };
        let mut within = step.fence >= model.fence;
        for order in &step.orders {
            next.sign(day, order);
            within = within && next.holds(lists);
        }
        let answer = signer.sign(&wallet().to_string(), step.fence, &step.orders).await;
        match answer {
            Ok(signed) => {
                assert!(within, "signed against the rules: {step:?} after {model:?}");
                SIGNED.fetch_add(1, Ordering::Relaxed);
                assert_eq!(signed.len(), step.orders.len());
                for (order, signed) in step.orders.iter().zip(signed) {
                    assert_eq!(read(&signed), message(order));
                    let before = known.entry(order.message.clone()).or_insert_with(|| signed.clone());
                    assert_eq!(*before, signed, "another signature for the same message");
                }
                model = next;
            }
            Err(error) => {
                assert!(!within, "{error}: {step:?} after {model:?}");
                REFUSED.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

fn policy(recipients: &str, more: &str) -> String {
    let (message_fee, day_fee) = (3 * GAS, DAY_FEES * u128::from(GAS));
    format!(
        "network = \"devnet-a\"\n[wallets.{}]\nmessage_value = \"7\"\nmessage_fee = \"{message_fee}\"\n\
         day_value = \"{DAY_VALUE}\"\nday_fee = \"{day_fee}\"\nrecipients = \"{recipients}\"\n{more}",
        wallet()
    )
}

fn run(desk: &Desk, steps: &[Step], lists: bool) {
    tokio::runtime::Runtime::new().unwrap().block_on(play(desk, steps, lists));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_orders_pays_twice_for_a_nonce_or_goes_over_a_cap(steps in steps()) {
        run(&Desk::new(&policy("any", "")), &steps, false);
    }

    #[test]
    fn no_order_of_orders_pays_more_than_lists_have(steps in steps()) {
        let key = ed25519_dalek::SigningKey::from_bytes(&[5; 32]).verifying_key();
        let approval = format!("[approval]\nlists = \"lists\"\nkeys = [\"{}\"]\nthreshold = 1\n", hex::encode(key.to_bytes()));
        let desk = Desk::new(&policy("lists", &approval));
        let payees = [0, 1].map(|number| Payee { address: payee(number).to_string(), amount: apogee_domain::Atto(LISTED), payment: None, failed: 0 });
        let mut list = PayoutList {
            network: "devnet-a".parse().unwrap(),
            wallet: wallet().to_string(),
            root: apogee_domain::Digest::default(),
            payout: None,
            payees: payees.to_vec(),
            approvals: Vec::new(),
        };
        list.approve(&[5; 32]).unwrap();
        std::fs::create_dir(desk.path("lists")).unwrap();
        list.write(&desk.path("lists/a.json")).unwrap();
        run(&desk, &steps, true);
    }
}

#[test]
fn random_orders_are_both_signed_and_refused() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..10 {
        let steps = steps().new_tree(&mut runner).unwrap().current();
        run(&Desk::new(&policy("any", "")), &steps, false);
    }
    let counts = (SIGNED.load(Ordering::Relaxed), REFUSED.load(Ordering::Relaxed));
    assert!(counts.0 > 20 && counts.1 > 20, "{counts:?}");
}

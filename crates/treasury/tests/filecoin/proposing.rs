//! A wallet that proposes what a multisig is to pay, over HTTP against the made chain.

use std::collections::BTreeSet;

use apogee_domain::Atto;
use apogee_filecoin::types::json::address_text;
use apogee_filecoin::types::multisig::{APPROVE, CANCEL, ProposalRef};
use apogee_filecoin::types::{Message, message_cid};
use apogee_filecoin_state::StateTree;
use apogee_simnet::Multisig;
use apogee_store::{Payment, PaymentState, Posting, TransferState, WalletMode};
use apogee_treasury::chain::{Chain, Standing};
use apogee_treasury::{TreasuryError, open_wallet, reconcile};
use fvm_ipld_encoding::RawBytes;
use fvm_shared::METHOD_SEND;
use fvm_shared::address::Network;
use fvm_shared::econ::TokenAmount;

use crate::paying::{Bench, FIL, NAME, Reads};

/// The wallet and two others who are no payees, of whom two have to approve.
async fn bench() -> Bench {
    with(2, 500).await
}

async fn with(threshold: u64, balance: u64) -> Bench {
    Bench::with(1, Some(Multisig { signers: vec![1, 2, 4], threshold, balance })).await
}

impl Bench {
    fn multisig(&self) -> String {
        address_text(&self.made.multisig(0).unwrap().0, Network::Testnet)
    }

    /// The nonce of a test's key, after the head.
    fn nonce(&self, wallet: usize) -> u64 {
        self.made.next_nonce(&self.made.wallet(wallet).unwrap().address()).unwrap()
    }

    /// A signer says something of a proposal.
    fn say(&self, wallet: usize, method_num: u64, number: u64) -> String {
        let key = self.made.wallet(wallet).unwrap();
        let params = ProposalRef { number: i64::try_from(number).unwrap(), hash: Vec::new() };
        let message = Message {
            version: 0,
            from: key.address(),
            to: self.made.multisig(0).unwrap().0,
            sequence: self.nonce(wallet),
            value: TokenAmount::default(),
            method_num,
            params: RawBytes::serialize(&params).unwrap(),
            gas_limit: 20_000_000,
            gas_fee_cap: TokenAmount::from_nano(1),
            gas_premium: TokenAmount::from_nano(1),
        };
        let name = message_cid(&message).to_string();
        let signed = key.sign(message).unwrap();
        let name = if wallet.is_multiple_of(2) { name } else { signed.cid().to_string() };
        self.made.push(signed).unwrap();
        name
    }

    /// The number of a payment's proposal, and the epoch that has it.
    async fn proposal(&self, payment: &Payment) -> (u64, apogee_domain::Epoch) {
        let transfers = self.store.money().transfers_of(&self.network, &payment.id).await.unwrap();
        let included = transfers.last().unwrap().included.clone().unwrap();
        (included.proposal.unwrap(), included.epoch)
    }

    async fn standing(&self, payment: &Payment) -> Standing {
        let (number, epoch) = self.proposal(payment).await;
        let what = (payment.payee.as_str(), payment.amount);
        self.chain.standing(&self.multisig(), number, epoch, what, 0).await.unwrap()
    }

    /// What an account of the ledger comes to.
    async fn ledger(&self, account: &str) -> i128 {
        let page = apogee_store::Page { after: None, limit: 100_000 };
        let lines = self.store.money().postings(&self.network, page).await.unwrap();
        let amount = |line: &Posting| i128::try_from(line.amount.0).unwrap();
        let sum = |of: fn(&Posting) -> &str| -> i128 {
            lines.iter().filter(|line| of(line) == account).map(amount).sum()
        };
        sum(|line| &line.debit) - sum(|line| &line.credit)
    }

    async fn state(&self, payment: &Payment) -> (PaymentState, String) {
        let now = self.store.money().payment(&self.network, &payment.id).await.unwrap().unwrap();
        (now.state, now.reason)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_payments_are_proposed_once_each_through_lost_calls_forks_and_dear_blocks() {
    let mut bench = bench().await;
    bench.owe(50).await;
    let before = bench.balances().await;
    bench.turn(1).await;
    bench.weather().await;
    bench.settle().await;
    let owed: u128 = bench.payments.iter().map(|payment| payment.amount.0).sum();
    let account = format!("multisig/{}", bench.multisig());
    assert_eq!(bench.ledger(&account).await, -i128::try_from(owed).unwrap());
    assert_eq!(bench.ledger("owed").await, 0);

    // Nobody is paid before another signer agrees, and the multisig has each payment once.
    assert_eq!(bench.balances().await, before);
    let mut numbers = BTreeSet::new();
    for payment in bench.payments.clone() {
        assert_eq!(bench.standing(&payment).await, Standing::Waits { approved: 1, missing: 1 });
        let (number, _) = bench.proposal(&payment).await;
        assert!(numbers.insert(number));
        let head = bench.made.ledger().head();
        let tree = StateTree::open(&**bench.made.ledger(), &head.first().parent_state_root).unwrap();
        let multisig = tree.multisig(&bench.made.multisig(0).unwrap().0).unwrap().unwrap();
        assert_eq!(multisig.next, 50);
        let waiting = multisig.pending(tree.store(), i64::try_from(number).unwrap()).unwrap().unwrap();
        assert_eq!(address_text(&waiting.to, Network::Testnet), payment.payee);
        assert_eq!(waiting.value, TokenAmount::from_atto(payment.amount.0));
        assert_eq!((waiting.method, &*waiting.params), (METHOD_SEND, &[][..]));
    }
    assert_eq!(numbers, (0..50).collect());

    // Of two who approve the same, one is too late.
    let mut approvals = Vec::new();
    for number in numbers {
        approvals.push(bench.say(2, APPROVE, number));
        bench.say(4, APPROVE, number);
        bench.made.mine().unwrap();
    }
    for _ in 0..3 {
        bench.turn(1).await;
    }
    bench.paid(&before).await;
    for payment in bench.payments.clone().iter().step_by(7) {
        let Standing::Executed { exit_code, .. } = bench.standing(payment).await else {
            panic!("{:?}", bench.standing(payment).await)
        };
        assert_eq!(exit_code, 0);
    }
    assert_eq!(reconcile(&bench.desk).await.unwrap().differences, []);
    bench.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_proposal_is_told_with_the_message_that_ended_it() {
    let mut bench = bench().await;
    bench.owe(3).await;
    bench.turn(1).await;
    bench.settle().await;
    let [paid, waits, cancelled] = &bench.payments.clone()[..] else { panic!() };
    let (number, _) = bench.proposal(paid).await;
    let approval = bench.say(4, APPROVE, number);
    bench.made.mine().unwrap();
    bench.made.skip(5);
    bench.made.mine().unwrap();
    for _ in 0..20 {
        bench.made.mine().unwrap();
    }
    let Standing::Executed { epoch, message, exit_code: 0 } = bench.standing(paid).await else { panic!() };
    assert_eq!(message, approval);
    assert!(epoch < bench.made.ledger().head().epoch());
    assert_eq!(bench.standing(waits).await, Standing::Waits { approved: 1, missing: 1 });
    // Only who proposed may take it back: somebody who has the wallet's key.
    let (number, _) = bench.proposal(cancelled).await;
    let cancellation = bench.say(1, CANCEL, number);
    for _ in 0..3 {
        bench.made.mine().unwrap();
    }
    let Standing::Cancelled { message, .. } = bench.standing(cancelled).await else { panic!() };
    assert_eq!(message, cancellation);
    // No such number, and a number that is of something else.
    let what = (waits.payee.as_str(), waits.amount);
    let (number, epoch) = bench.proposal(waits).await;
    assert!(bench.chain.standing(&bench.multisig(), 3, epoch, what, 0).await.is_err());
    let more = (waits.payee.as_str(), Atto(waits.amount.0 + 1));
    assert!(bench.chain.standing(&bench.multisig(), number, epoch, more, 0).await.is_err());
    for _ in 0..8 {
        bench.turn(1).await;
    }
    let wallet = bench.store.money().wallet(&bench.network, NAME).await.unwrap().unwrap();
    assert_eq!(wallet.mode, WalletMode::Paused, "the key was used elsewhere");
    bench.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_that_is_executed_at_once_and_pays_nobody_is_not_paid() {
    // One approval is enough, and the proposer's counts.
    let mut bench = with(1, 3).await;
    bench.owe(2).await;
    let mut work = apogee_store::Store::begin(&*bench.store).await.unwrap();
    let nobody = Payment {
        id: "prize/s/nobody/1".into(),
        payee: "t0999999".into(),
        amount: Atto(FIL),
        ..bench.payments[0].clone()
    };
    apogee_store::MoneyWork::put_payment(&mut *work, &nobody).await.unwrap();
    let too_much =
        Payment { id: "prize/s/rich/1".into(), amount: Atto(4 * FIL), ..bench.payments[1].clone() };
    apogee_store::MoneyWork::put_payment(&mut *work, &too_much).await.unwrap();
    work.commit().await.unwrap();
    let before = bench.balances().await;
    for _ in 0..16 {
        bench.turn(1).await;
    }
    let (state, reason) = bench.state(&nobody).await;
    assert_eq!(state, PaymentState::Failed, "{reason}");
    assert!(reason.starts_with("exit-code: "), "{reason}");
    let transfers = bench.store.money().transfers_of(&bench.network, &nobody.id).await.unwrap();
    assert_eq!(transfers[0].state, TransferState::FailedFinal);
    let (state, reason) = bench.state(&too_much).await;
    assert_eq!((state, &*reason), (PaymentState::Held, "low-funds"), "until the multisig owns enough");
    for payment in bench.payments.clone() {
        assert_eq!(bench.state(&payment).await.0, PaymentState::Final);
        assert!(matches!(bench.standing(&payment).await, Standing::Executed { exit_code: 0, .. }));
    }
    bench.paid(&before).await;
    assert_eq!(bench.ledger("owed").await, -i128::try_from(4 * FIL).unwrap());
    assert_eq!(reconcile(&bench.desk).await.unwrap().differences, []);
    bench.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_proposes_for_one_multisig_for_ever_and_only_as_its_signer() {
    let bench = bench().await;
    let address =
        |wallet: usize| address_text(&bench.made.wallet(wallet).unwrap().address(), Network::Testnet);
    let multisig = bench.multisig();
    let open = async |name: &str, wallet: usize, multisig: Option<&str>| {
        let opened =
            open_wallet(&*bench.store, &*bench.chain, &bench.network, name, &address(wallet), multisig).await;
        opened.map(|wallet| wallet.proposes_for).map_err(|error| match error {
            TreasuryError::Refused { why, .. } => why,
            error => panic!("{error:?}"),
        })
    };
    let account = bench.chain.account(&bench.chain.head().await.unwrap(), &multisig).await.unwrap();
    assert_eq!(account.balance, Atto(500 * FIL));
    assert_eq!(open(NAME, 1, Some(&multisig)).await, Ok(Some(multisig.clone())));
    assert!(open(NAME, 1, None).await.unwrap_err().contains("proposes for"));
    assert!(open(NAME, 1, Some("t01000")).await.unwrap_err().contains("proposes for"));
    assert!(open("stranger", 5, Some(&multisig)).await.unwrap_err().contains("no signer"));
    assert!(open("miner", 5, Some("t01000")).await.unwrap_err().contains("no signer"));
    assert_eq!(open("direct", 5, None).await, Ok(None));
    assert!(open("direct", 5, Some(&multisig)).await.unwrap_err().contains("pays by itself"));
    bench.node.shutdown().await;
}

//! Prizes that are proposed to a multisig: from the approved list to what the payees own, through the binary.

use std::fs::OpenOptions;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use apogee_filecoin::types::Message;
use apogee_filecoin::types::multisig::{APPROVE, ProposalRef};
use apogee_filecoin_state::StateTree;
use apogee_signer::{Access, Account, Journal, Keys, KeysError, LocalSigner, Policy, Protocol, Unsigned};
use apogee_simnet::{Multisig, Recipe, Wallet};
use apogee_testkit::example;
use apogee_treasury::Signed;
use async_trait::async_trait;
use fvm_ipld_encoding::RawBytes;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use serde_json::Value;

use crate::made::{Made, STORE, said};
use crate::paying::{Payer, SystemClock, now};

const PATIENCE: Duration = Duration::from_secs(90);
/// Epochs until something is final here, and some more.
const DEPTH: usize = 6;

/// A key of the made chain.
#[derive(Debug)]
struct Key(Wallet);

#[async_trait]
impl Keys for Key {
    async fn accounts(&self, _: &Protocol) -> Result<Vec<Account>, KeysError> {
        Ok(vec![Account::from(&self.0.address())])
    }

    async fn sign(&self, _: &Account, messages: Vec<Unsigned>) -> Result<Vec<Signed>, KeysError> {
        let sign = |message| {
            let Unsigned::Filecoin(message) = message else { return Err("no such key".into()) };
            let signed = self.0.sign(message)?;
            Ok(Signed { bytes: fvm_ipld_encoding::to_vec(&signed)?, id: signed.cid().to_string() })
        };
        messages.into_iter().map(sign).collect()
    }
}

fn text(address: &Address) -> String {
    format!("t{}", &address.to_string()[1..])
}

/// A payee that nobody else is.
fn payee(number: u8) -> Address {
    Address::new_secp256k1(&[number; 65]).unwrap()
}

struct World {
    made: Made,
    multisig: Address,
    // A socket of the signer: it ends with its runtime.
    _signer: tokio::runtime::Runtime,
}

impl World {
    /// Wallets 1, 2 and 3 hold a multisig with 50,000 FIL, of which two have to approve; wallet 1 is the treasury's.
    fn new() -> Self {
        let genesis_time = u64::try_from(now().seconds()).unwrap();
        let multisigs = vec![Multisig { signers: vec![1, 2, 3], threshold: 2, balance: 50_000 }];
        let recipe = Recipe {
            seed: 5,
            miners: 5,
            finality: 10,
            wallets: 9,
            multisigs,
            block_delay: 1,
            genesis_time,
            ..Recipe::default()
        };
        let made = Made::of(recipe);
        let (multisig, _) = made.simulation.multisig(0).unwrap();
        let wallet = text(&made.wallet(1).address());
        made.write(
            "policy.toml",
            &format!(
                "network = \"simnet\"\n[wallets.{wallet}]\nmessage_value = \"900000000000000000000\"\nmessage_fee = \"1000000000000000000\"\n\
                 day_value = \"1000000000000000000000\"\nday_fee = \"9000000000000000000\"\nrecipients = \"any\"\nproposes_for = \"{}\"\n",
                text(&multisig)
            ),
        );
        made.write("apogee.toml", &settings(&made, &wallet, Some(&text(&multisig))));
        let signer =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let path = |name: &str| made.path().join(name);
        let policy = Policy::read(&path("policy.toml")).unwrap();
        let journal = Journal::open(&path("journal.jsonl"), &"simnet".parse().unwrap()).unwrap();
        let key = Box::new(Key(made.wallet(1).clone()));
        let local = LocalSigner::new(policy, journal, key, Arc::new(SystemClock));
        signer.block_on(async {
            let access = Access::default();
            let listener = apogee_signer::bind(&path("signer.sock"), &access).unwrap();
            tokio::spawn(apogee_signer::serve(listener, Arc::new(local), access, std::future::pending()));
        });
        Self { made, multisig, _signer: signer }
    }

    /// A competition whose payout to these two is approved.
    fn approved(self) -> Self {
        let made = self.made.opened();
        made.index(12);
        made.decide(&["start"]);
        made.index(56);
        made.decide(&["end"]);
        made.decide(&["provisional", "until=66"]);
        made.index(67);
        let shadow = example("rules").join("../../shadow/apogee_shadow.py").display().to_string();
        made.decide(&["finalize", "--shadow", &shadow]);
        let addresses = serde_json::json!({
            "t01001": {"addresses": [text(&payee(1))]}, "t01002": {"addresses": [text(&payee(2))]},
        });
        made.write("addresses.json", &addresses.to_string());
        made.decide(&["approve-payout", "--addresses", "addresses.json", "--withhold"]);
        Self { made, ..self }
    }

    fn pay(&self) -> Payer {
        let log =
            OpenOptions::new().create(true).append(true).open(self.made.path().join("log.txt")).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_apogee"))
            .current_dir(self.made.path())
            .args(["treasury", "run", "--config", "apogee.toml"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Payer(process)
    }

    /// Mine until it is so.
    fn until(&self, what: &str, mut so: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !so() {
            assert!(begun.elapsed() < PATIENCE, "{what}: {}", self.log());
            self.made.simulation.mine().unwrap();
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.made.path().join("log.txt")).unwrap_or_default()
    }

    /// `payout status`, and how it ends.
    fn status(&self) -> (Vec<Value>, i32) {
        let status =
            ["payout", "status", "--competition", "sprint", "--config", "apogee.toml", "--format", "json"];
        let output = self.made.apogee(&status);
        let rows = serde_json::from_slice(&output.stdout);
        (rows.unwrap_or_else(|_| panic!("{}", said(&output))), output.status.code().unwrap())
    }

    /// A signer approves a proposal.
    fn approve(&self, wallet: usize, nonce: u64, number: u64) {
        let key = self.made.wallet(wallet);
        let params = ProposalRef { number: i64::try_from(number).unwrap(), hash: Vec::new() };
        let message = Message {
            version: 0,
            from: key.address(),
            to: self.multisig,
            sequence: nonce,
            value: TokenAmount::default(),
            method_num: APPROVE,
            params: RawBytes::serialize(&params).unwrap(),
            gas_limit: 20_000_000,
            gas_fee_cap: TokenAmount::from_nano(1),
            gas_premium: TokenAmount::from_nano(1),
        };
        self.made.simulation.push(key.sign(message).unwrap()).unwrap();
    }

    fn owned(&self, address: &Address) -> u128 {
        let head = self.made.simulation.ledger().head();
        let tree =
            StateTree::open(&**self.made.simulation.ledger(), &head.first().parent_state_root).unwrap();
        let Some(id) = tree.resolve(address).unwrap() else { return 0 };
        u128::try_from(tree.actor(id).unwrap().unwrap().balance.atto()).unwrap()
    }
}

fn settings(made: &Made, wallet: &str, multisig: Option<&str>) -> String {
    let proposes = multisig.map(|multisig| format!("proposes_for = \"{multisig}\"\n")).unwrap_or_default();
    format!(
        "store = \"{STORE}\"\n[networks.simnet]\nrules = \"network.toml\"\npoll_seconds = 1\n\
         [[networks.simnet.endpoints]]\nurl = \"{}\"\ntoken = \"may-write\"\n\
         [wallets.prizes]\nnetwork = \"simnet\"\naddress = \"{wallet}\"\nsigner = \"signer.sock\"\ndepth = {DEPTH}\n{proposes}\
         lease_seconds = 1\ntick_seconds = 1\n",
        made.url()
    )
}

#[test]
fn prizes_are_proposed_to_a_multisig_and_paid_once_when_another_signer_approves() {
    let world = World::new().approved();
    let made = &world.made;
    let payer = world.pay();
    let treasury = || made.apogee(&["treasury", "status", "--config", "apogee.toml"]);
    world.until("the wallet is opened", || said(&treasury()).contains("proposes for t2"));
    let send = [
        "payout",
        "send",
        "--competition",
        "sprint",
        "--config",
        "apogee.toml",
        "--addresses",
        "addresses.json",
        "--withhold",
        "--wallet",
        "prizes",
        "--reason",
        "Final results.",
        "--yes",
    ];
    assert!(made.good(&send).contains(", which proposes them to t2"));

    // Waiting for its nonce or on its way, nobody has anything.
    let (rows, code) = world.status();
    assert_eq!((rows.len(), code), (2, 1));
    assert!(rows.iter().all(|row| row["paid"] == false));

    // Proposed, and final as a proposal.
    world.until("proposed", || world.status().0.iter().all(|row| row["state"] == "final"));
    let (rows, code) = world.status();
    assert_eq!(code, 1, "who waits for approvals waits for money");
    let mut numbers = Vec::new();
    for row in &rows {
        let proposal = &row["proposal"];
        assert_eq!((&proposal["state"], &proposal["missing"]), (&"waits".into(), &1.into()), "{row}");
        assert_eq!(proposal["multisig"], text(&world.multisig));
        numbers.push(proposal["number"].as_u64().unwrap());
        assert_eq!(row["paid"], false);
    }
    let table = made.apogee(&["payout", "status", "--competition", "sprint", "--config", "apogee.toml"]);
    assert!(said(&table).contains(": waits for 1 approvals"), "{}", said(&table));
    assert_eq!((world.owned(&payee(1)), world.owned(&payee(2))), (0, 0));
    let again = made.good(&send);
    assert!(again.contains("0 payments given"), "{again}");

    // Both other signers approve both: the second approval of each is too late.
    for (nonce, number) in (0..).zip(&numbers) {
        world.approve(2, nonce, *number);
        world.approve(3, nonce, *number);
    }
    world.until("executed", || world.status().1 == 0);
    for _ in 0..DEPTH + 3 {
        made.simulation.mine().unwrap();
    }
    let (rows, _) = world.status();
    let amount = |row: &Value| row["amount"].as_str().unwrap().parse::<u128>().unwrap();
    for row in &rows {
        assert_eq!((&row["proposal"]["state"], &row["paid"]), (&"executed".into(), &true.into()), "{row}");
        assert!(row["proposal"]["epoch"].as_i64().unwrap() > 67);
        let payee = [payee(1), payee(2)].into_iter().find(|payee| row["payee"] == text(payee)).unwrap();
        assert_eq!(world.owned(&payee), amount(row), "{row}");
    }
    let all: u128 = rows.iter().map(amount).sum();
    assert_eq!(world.owned(&world.multisig), 50_000_000_000_000_000_000_000 - all);
    let reconciled = made.good(&["treasury", "reconcile", "--config", "apogee.toml"]);
    assert!(reconciled.contains("agree to the atto"), "{reconciled}");

    // The same wallet does not pay by itself from now on.
    drop(payer);
    let wallet = text(&made.wallet(1).address());
    made.write("direct.toml", &settings(made, &wallet, None));
    let refused = made.apogee(&["treasury", "reconcile", "--config", "direct.toml"]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("it proposes for t2"), "{}", said(&refused));

    // Where no node answers, what became of proposals is unknown, and nobody is said to be paid.
    let dead =
        settings(made, &wallet, Some(&text(&world.multisig))).replace(made.url(), "http://127.0.0.1:9");
    made.write("dead.toml", &dead);
    let status = ["payout", "status", "--competition", "sprint", "--config", "dead.toml", "--format", "json"];
    let output = made.apogee(&status);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(rows.iter().all(|row| row["proposal"]["state"] == "unknown"), "{rows:?}");
}

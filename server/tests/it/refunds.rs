//! Miners are paid back: on a made chain with money, and over the recorded network up to what is owed. Processes are killed in between.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use apogee_domain::{Epoch, NetworkId};
use apogee_filecoin::types::Message;
use apogee_filecoin_state::StateTree;
use apogee_signer::{Key, KeyKind};
use apogee_simnet::{Access, Keys, Recipe, SimNode, Simulation};
use apogee_store::{
    AppliedEpoch, ClaimState, EpochKind, EpochRecord, Grants, Money, Page, Payment, PaymentState,
    Reimbursable, Store,
};
use apogee_store_sqlite::SqliteStore;
use apogee_testkit::example;
use fvm_ipld_encoding::RawBytes;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use serde_json::Value;

use crate::follow::{Node, apogee};
use crate::paying::{fund, now, settings, sign, text};
use crate::served::{Served, database};

const PATIENCE: Duration = Duration::from_secs(180);

/// What comes with the program, without waiting for proofs, for chains of minutes.
fn policy(changes: &[(&str, &str)]) -> String {
    let shipped = include_str!("../../../faucet/policies/refund.toml");
    changes.iter().fold(shipped.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

fn serve(folder: &Path) -> Served {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
    command.current_dir(folder).args(["serve", "--config", "apogee.toml"]).env("APOGEE_LOG__FILTER", "warn");
    Served::start(&mut command)
}

async fn rows(store: &SqliteStore, network: &NetworkId) -> Vec<Reimbursable> {
    let page = Page { after: None, limit: 10_000 };
    store
        .reimbursables_between(network, "reimburse", Epoch::default(), Epoch::new(1 << 40).unwrap(), page)
        .await
        .unwrap()
}

async fn payments(store: &SqliteStore, network: &NetworkId) -> Vec<Payment> {
    let page = Page { after: None, limit: 10_000 };
    store.payments_of(network, "refund/reimburse", page).await.unwrap()
}

/// A message with the numbers of sectors as its parameters.
fn prove(made: &Simulation, from: usize, miner: ActorID, nonce: u64, params: RawBytes) {
    let wallet = made.wallet(from).unwrap();
    let message = Message {
        version: 0,
        from: wallet.address(),
        to: Address::new_id(miner),
        sequence: nonce,
        value: TokenAmount::default(),
        method_num: 34,
        params,
        gas_limit: 10_000_000,
        gas_fee_cap: TokenAmount::from_nano(1),
        gas_premium: TokenAmount::from_atto(200_000),
    };
    made.push(wallet.sign(message).unwrap()).unwrap();
}

fn sectors(numbers: &[u64]) -> RawBytes {
    let numbers: Vec<(u64,)> = numbers.iter().map(|number| (*number,)).collect();
    RawBytes::serialize((numbers,)).unwrap()
}

fn balance(made: &Simulation, of: &Address) -> u128 {
    let next = made.mine().unwrap();
    let tree = StateTree::open(&**made.ledger(), &next.first().parent_state_root).unwrap();
    let id = tree.resolve(of).unwrap().unwrap();
    u128::try_from(tree.actor(id).unwrap().unwrap().balance.atto()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn miners_are_paid_back_on_the_chain_once_however_often_the_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let genesis_time = u64::try_from(now().seconds() - 300).unwrap();
    let recipe =
        Recipe { seed: 5, miners: 4, block_delay: 1, finality: 10, genesis_time, ..Recipe::default() };
    let made = Arc::new(Simulation::new(recipe).unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let node = SimNode::start(listener, made.clone(), Access::default()).unwrap();
    let key = Key::from_bytes(KeyKind::Secp256k1, &[42; 32]).unwrap();
    let payer = key.address();
    fund(&made, payer);
    sign(folder.path(), key).await;
    let file = folder.path().join("refunds.sqlite");
    settings(folder.path(), &made, &node.url(), &format!("sqlite:{}", file.display()), &text(&payer));
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "refund.toml",
        &policy(&[("hold_epochs = 5760\n", ""), ("period_epochs = 120", "period_epochs = 5")]),
    );
    let settings = std::fs::read_to_string(folder.path().join("apogee.toml")).unwrap();
    let refunds = "[refunds.reimburse]\nwallet = \"drip\"\npolicy = \"refund.toml\"\nfrom = 0\n";
    write("apogee.toml", &format!("{settings}{refunds}"));

    // The first wallet works for a miner from now on; the third is a stranger.
    let miner = made.miners().next().unwrap();
    let keys = Keys { owner: made.wallet_id(2).unwrap(), worker: made.wallet_id(1).unwrap() };
    made.set_keys(Epoch::new(made.ledger().head().epoch().height() + 1).unwrap(), miner, keys).unwrap();
    made.mine().unwrap();
    made.mine().unwrap();
    let worker = made.wallet(1).unwrap().address();
    prove(&made, 1, miner, 0, sectors(&[1, 2]));
    made.mine().unwrap();
    made.mine().unwrap();
    prove(&made, 1, miner, 1, sectors(&[3]));
    prove(&made, 1, miner, 2, RawBytes::new(vec![0xf6]));
    prove(&made, 3, miner, 0, sectors(&[4]));
    for _ in 0..8 {
        made.mine().unwrap();
    }
    prove(&made, 1, miner, 3, sectors(&[5, 6, 7]));
    for _ in 0..3 {
        made.mine().unwrap();
    }
    let before = balance(&made, &worker);

    let over = Arc::new(AtomicBool::new(false));
    let chain = std::thread::spawn({
        let (made, over) = (Arc::clone(&made), Arc::clone(&over));
        move || {
            while !over.load(Ordering::Relaxed) {
                made.mine().unwrap();
                std::thread::sleep(Duration::from_millis(150));
            }
        }
    });
    for lived in [900, 400, 1_700, 1_100, 2_300, 600] {
        let served = serve(folder.path());
        tokio::time::sleep(Duration::from_millis(lived)).await;
        drop(served);
    }
    let served = serve(folder.path());
    let network: NetworkId = "simnet".parse().unwrap();
    let store = SqliteStore::open(&file).await.unwrap();
    let begun = Instant::now();
    let paid = loop {
        let paid = payments(&store, &network).await;
        let settled = rows(&store, &network).await.iter().filter(|row| row.payment.is_some()).count();
        if settled == 3 && paid.iter().all(|payment| payment.state == PaymentState::Final) {
            break paid;
        }
        let page = served.get("/faucet/simnet/refunds/reimburse.json").json();
        assert!(begun.elapsed() < PATIENCE, "{paid:#?}\n{page:#}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    over.store(true, Ordering::Relaxed);
    chain.join().unwrap();

    let rows = rows(&store, &network).await;
    let said: Vec<_> = rows.iter().map(|row| (row.sectors.len(), row.state, row.reason.as_str())).collect();
    let (settled, refused) = (ClaimState::Settled, ClaimState::Refused);
    let mut expected = vec![
        (2, settled, ""),
        (1, settled, ""),
        (0, refused, "failed"),
        (1, refused, "sender"),
        (3, settled, ""),
    ];
    let mut found = said.clone();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    for row in &rows {
        assert_eq!(row.burn.0, u128::from(row.gas_used) * row.base_fee.0);
        let share = if row.payment.is_some() { row.burn.0 * 90 / 100 } else { 0 };
        assert_eq!(row.refund.0, share, "{row:?}");
    }
    // Once on the chain, to the atto.
    let owed: u128 = paid.iter().map(|payment| payment.amount.0).sum();
    let burnt: u128 = rows.iter().map(|row| row.burn.0).sum();
    println!("{} payments, {owed} of {burnt} attoFIL", paid.len());
    assert!(owed > 0 && owed <= burnt);
    assert_eq!(balance(&made, &worker) - before, owed);
    assert!(paid.len() >= 2, "messages of different periods are paid by different payments");

    // Whoever looks sees why, in both languages, and for one miner alone.
    let place = "/faucet/simnet/refunds/reimburse";
    let page = served.get(&format!("{place}.json")).json();
    assert_eq!(page["messages"].as_array().unwrap().len(), 5, "{page:#}");
    assert_eq!(
        (&page["enabled"], &page["stands_still"]),
        (&Value::Bool(true), &Value::Bool(false)),
        "{page:#}"
    );
    assert!(page["payments"].as_array().unwrap().iter().all(|one| one["state"] == "final"));
    let english = served.get(place).text();
    for words in ["Its sender was neither the miner", "Send proofs from the miner", "The message failed"] {
        assert!(english.contains(words), "{words}");
    }
    assert!(served.get(&format!("/zh{place}")).text().contains("只返还成功的消息"));
    let csv = served.get(&format!("{place}.csv?miner=f0{miner}"));
    assert_eq!((csv.status, csv.text().lines().count()), (200, 6));
    let other = served.get(&format!("{place}.json?miner={}", miner + 1)).json();
    assert_eq!(other["messages"].as_array().unwrap().len(), 0);
    assert_eq!(served.get(&format!("{place}?miner=x")).status, 400);
    assert_eq!(served.get("/faucet/simnet/refunds/none").status, 404);
    // Tampering with the number of rows a page shows: everything is one request of a stranger.
    assert_eq!(served.get(place).header("cache-control"), Some("no-store"));
}

/// Settings for the recorded network behind a node, with a wallet that the chain does not know: what is owed stays accepted.
fn over_the_recording(folder: &Path, node: &Node, policy: &str) -> PathBuf {
    let key = Key::from_bytes(KeyKind::Secp256k1, &[43; 32]).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    let file = folder.join("recorded.sqlite");
    write("token", "s3cret\n");
    write("refund.toml", policy);
    write(
        "apogee.toml",
        &format!(
            "store = \"sqlite:{store}\"\n[networks.devnet-a]\nrules = \"{rules}\"\npoll_seconds = 1\n\
             [[networks.devnet-a.endpoints]]\nurl = \"{url}\"\ntoken_file = \"token\"\n\
             [wallets.refunds]\nnetwork = \"devnet-a\"\naddress = \"{wallet}\"\nsigner = \"none.sock\"\nmeasures = \"large\"\n\
             [refunds.reimburse]\nwallet = \"refunds\"\npolicy = \"refund.toml\"\nfrom = 0\n",
            store = file.display(),
            rules = example("devnet-a/rules.toml").display(),
            url = node.url,
            wallet = text(&key.address()),
        ),
    );
    file
}

/// Serve, killed now and then, until everything final up to an epoch is read; and what the page says then.
fn read_up_to(folder: &Path, epoch: i64, lives: &[u64]) -> (Served, Value) {
    for lived in lives {
        let served = serve(folder);
        std::thread::sleep(Duration::from_millis(*lived));
        drop(served);
    }
    let served = serve(folder);
    let begun = Instant::now();
    loop {
        let answer = served.get("/faucet/devnet-a/refunds/reimburse.json");
        let page = answer.json();
        if page["read"].as_i64().is_some_and(|read| read >= epoch) {
            return (served, page);
        }
        assert!(begun.elapsed() < PATIENCE, "{page:#}");
        std::thread::sleep(Duration::from_millis(300));
    }
}

fn dry_run(arguments: &[&str]) -> Value {
    let (code, said) = apogee(&[&["refunds", "dry-run", "--format", "json"], arguments].concat());
    assert_eq!(code, Some(0), "{said}");
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}

fn atto(value: &Value) -> u128 {
    value.as_str().unwrap().parse().unwrap()
}

/// The recording ends before the one message that proves a sector has its first WindowPoSt.
const RECORDED: [(&str, &str); 2] =
    [("hold_epochs = 5760\n", ""), ("period_epochs = 120", "period_epochs = 2")];
/// That message's epoch, and up to where it is settled.
const PROVED: i64 = 303;
const SETTLED: i64 = 307;

#[test]
fn over_the_recorded_network_what_is_owed_is_what_the_dry_run_said() {
    let node = Node::start("15");
    let folder = tempfile::tempdir().unwrap();
    let file = over_the_recording(folder.path(), &node, &policy(&RECORDED));
    let (served, page) = read_up_to(folder.path(), SETTLED, &[800, 2_500, 400, 3_000, 1_500]);
    drop(served);
    let read = page["read"].as_i64().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let network: NetworkId = "devnet-a".parse().unwrap();
    let (rows, paid) = runtime.block_on(async {
        let store = SqliteStore::open(&file).await.unwrap();
        (rows(&store, &network).await, payments(&store, &network).await)
    });
    let policy = folder.path().join("refund.toml").display().to_string();
    let recording = example("devnet-a").display().to_string();
    let said = dry_run(&["--car", &recording, "--policy", &policy, "--to", &read.to_string()]);
    let by_cid: BTreeMap<&str, &Value> =
        said["rows"].as_array().unwrap().iter().map(|row| (row["message"].as_str().unwrap(), row)).collect();
    assert_eq!(by_cid.len(), rows.len());
    let mut settled = 0;
    for row in &rows {
        let told = by_cid[row.message.as_str()];
        assert_eq!((atto(&told["burn"]), told["miner"].as_str()), (row.burn.0, Some(row.miner.as_str())));
        assert!(row.refund <= row.burn);
        if row.state == ClaimState::Settled {
            settled += 1;
            assert_eq!((atto(&told["refund"]), told["state"].as_str()), (row.refund.0, Some("settled")));
        }
    }
    println!("{} messages, {settled} of them in {} payments, read up to {read}", rows.len(), paid.len());
    assert!(settled > 0 && !paid.is_empty());
    let owed: BTreeMap<String, u128> = said["payments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| (of["name"].as_str().unwrap().replace("dry-run", "reimburse"), atto(&of["amount"])))
        .collect();
    for payment in &paid {
        assert_eq!(payment.state, PaymentState::Accepted);
        assert_eq!(owed.get(&payment.id), Some(&payment.amount.0), "{payment:?} {owed:?}");
    }
    let (refunds, burnt) = (atto(&said["refunds"]), atto(&said["burnt"]));
    println!("{refunds} of {burnt} attoFIL");
    assert!(refunds > 0 && refunds <= burnt);
    // As the program comes, it would wait for the first WindowPoSt.
    let waits = dry_run(&["--car", &recording]);
    assert_eq!(
        (&waits["rows"][0]["state"], &waits["rows"][0]["reason"]),
        (&"held".into(), &"unproven".into())
    );
    assert_eq!(waits["payments"].as_array().unwrap().len(), 0);
}

#[test]
fn an_alarm_stops_what_is_paid_and_nothing_that_is_kept_until_somebody_lets_it_go_on() {
    let node = Node::start("5");
    let folder = tempfile::tempdir().unwrap();
    let greedy = [
        RECORDED[0],
        RECORDED[1],
        ("owner_percent = 30", "owner_percent = 1"),
        ("owner_from = \"100 FIL\"", "owner_from = \"0.000000000000000001 FIL\""),
    ];
    let file = over_the_recording(folder.path(), &node, &policy(&greedy));
    let (served, page) = read_up_to(folder.path(), SETTLED, &[]);
    assert_eq!(page["enabled"], false, "{page:#}");
    assert!(page["reason"].as_str().unwrap().contains("% of the day's refunds"), "{page:#}");
    assert_eq!(page["payments"].as_array().unwrap().len(), 0);
    let html = served.get("/faucet/devnet-a/refunds/reimburse").text();
    assert!(html.contains("It is paid when the faucet is open again."), "{html}");
    drop(served);
    let store = format!("sqlite:{}", file.display());
    let listed = |state: &str| {
        let list = ["refunds", "list", "--network", "devnet-a", "--faucet", "reimburse", "--format", "json"];
        let (code, said) = apogee(&[&list[..], &["--store", &store, "--state", state]].concat());
        assert_eq!(code, Some(0), "{said}");
        serde_json::from_str::<Vec<Value>>(&said).unwrap().len()
    };
    assert_eq!((listed("owed"), listed("settled")), (1, 0));
    // Somebody pauses it again with a reason of their own, and lets it go on.
    for act in ["pause", "resume"] {
        let on = ["faucet", act, "reimburse", "--store", &store, "--network", "devnet-a"];
        let (code, said) = apogee(&[&on[..], &["--reason", "A farm of our own."]].concat());
        assert_eq!(code, Some(0), "{said}");
    }
    let (served, page) = read_up_to(folder.path(), SETTLED, &[]);
    assert_eq!((&page["enabled"], page["reason"].as_str()), (&Value::Bool(true), Some("A farm of our own.")));
    drop(served);
    // A dry run says so before.
    let (policy, recording) = (folder.path().join("refund.toml"), example("devnet-a"));
    let said = dry_run(&["--car", recording.to_str().unwrap(), "--policy", policy.to_str().unwrap()]);
    assert!(said["paused"].as_str().unwrap().contains("% of the day's refunds"), "{said:#}");
    assert_eq!(said["payments"].as_array().unwrap().len(), 0);
}

/// A copy of the database of the demo in which a check of an epoch has failed.
async fn doubted(folder: &Path, epoch: i64) -> PathBuf {
    let network: NetworkId = "devnet-a".parse().unwrap();
    let whole = SqliteStore::open(&crate::served::copy(folder)).await.unwrap();
    let mut records: Vec<EpochRecord> =
        whole.epochs(&network, Page { after: None, limit: 10_000 }).await.unwrap();
    records.reverse();
    for record in records.iter_mut().filter(|record| record.epoch.height() == epoch) {
        assert_eq!(record.kind, EpochKind::Tipset);
        let check = record.checks.iter_mut().find(|check| check.check == "block_signature").unwrap();
        check.failed += 1;
    }
    let cursor = whole.cursor(&network).await.unwrap().unwrap();
    let known = whole.networks().await.unwrap().into_iter().find(|one| one.id == network).unwrap();
    let file = folder.join("doubted.sqlite");
    let store = SqliteStore::open(&file).await.unwrap();
    let mut work = store.begin().await.unwrap();
    work.put_network(&known).await.unwrap();
    let applied: Vec<_> =
        records.into_iter().map(|record| AppliedEpoch { record, changes: vec![] }).collect();
    work.apply(&network, None, &cursor, &applied).await.unwrap();
    work.commit().await.unwrap();
    file
}

#[test]
fn nothing_is_paid_back_for_an_epoch_of_which_a_check_failed() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let recording = example("devnet-a").display().to_string();
    write("refund.toml", &policy(&[("hold_epochs = 5760\n", "")]));
    let config = folder.path().join("apogee.toml").display().to_string();
    let policy = folder.path().join("refund.toml").display().to_string();
    write("apogee.toml", &format!("[networks.devnet-a]\nrecording = \"{recording}\"\n"));
    let run = |store: &Path| {
        let store = format!("sqlite:{}", store.display());
        dry_run(&["--config", &config, "--store", &store, "--policy", &policy])
    };
    let good = run(database());
    assert_eq!((&good["verified"], &good["rows"][0]["state"]), (&Value::Bool(true), &"settled".into()));
    assert_eq!(good["rows"][0]["epoch"].as_i64(), Some(PROVED));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let child = runtime.block_on(async {
        let store = SqliteStore::open(database()).await.unwrap();
        let page = Page { after: None, limit: 10_000 };
        let mut records = store.epochs(&"devnet-a".parse().unwrap(), page).await.unwrap();
        records.retain(|record| record.epoch.height() > PROVED && record.kind == EpochKind::Tipset);
        records.last().unwrap().epoch.height()
    });
    // The epoch itself, and the tipset that names what came of it; another epoch does no harm.
    for (doubt, state, reason) in
        [(PROVED, "refused", "unverified"), (child, "refused", "unverified"), (child + 1, "settled", "")]
    {
        let folder = tempfile::tempdir().unwrap();
        let said = run(&runtime.block_on(doubted(folder.path(), doubt)));
        let row = &said["rows"][0];
        assert_eq!((row["state"].as_str(), row["reason"].as_str()), (Some(state), Some(reason)), "{doubt}");
        assert_eq!(said["payments"].as_array().unwrap().is_empty(), state == "refused");
        assert_eq!(atto(&said["refunds"]) == 0, state == "refused");
    }
}

#[test]
fn the_command_line_says_once_and_clearly_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let recording = example("devnet-a").display().to_string();
    let empty = format!("sqlite:{}", database().display());
    write("greedy.toml", &policy(&[("percent = 90", "percent = 103")]));
    write("none.toml", "percent = 1\n");
    let wallet = |name: &str| {
        format!("[wallets.{name}]\nnetwork = \"devnet-a\"\naddress = \"t1x\"\nsigner = \"s.sock\"\n")
    };
    let clash = "[faucets.pay]\nwallet = \"a\"\n[refunds.pay]\nwallet = \"a\"\n";
    write("clash.toml", &format!("{}{clash}", wallet("a")));
    write("early.toml", &format!("{}[refunds.pay]\nwallet = \"a\"\nfrom = -1\n", wallet("a")));
    let run = ["refunds", "dry-run", "--car", &recording];
    let list = ["refunds", "list", "--store", &empty, "--network", "devnet-a", "--faucet", "reimburse"];
    for (arguments, words) in [
        ([&run[..], &["--policy", &path("greedy.toml")]].concat(), "percent is more than 100"),
        ([&run[..], &["--policy", &path("none.toml")]].concat(), "missing field"),
        ([&run[..], &["--policy", &path("absent.toml")]].concat(), "absent.toml"),
        (
            [&run[..], &["--from", "9000"]].concat(),
            "epochs 9000 to 313 cannot be read: there are those from 0 to 313",
        ),
        ([&run[..], &["--from", "20", "--to", "10"]].concat(), "epochs 20 to 10 cannot be read"),
        ([&run[..], &["--from", "x"]].concat(), "an epoch is written e:51204"),
        (vec!["refunds", "dry-run", "--car", "/nowhere"], "/nowhere"),
        (vec!["refunds", "dry-run"], "which chain?"),
        (list.to_vec(), "no faucet devnet-a/reimburse in the database"),
        ([&list[..], &["--state", "paid"]].concat(), "is none of refused, held, owed, settled"),
        (
            vec!["config", "check", "--config", &path("clash.toml")],
            "refunds.pay: devnet-a has a faucet of this name already",
        ),
        (vec!["config", "check", "--config", &path("early.toml")], "an epoch is a whole number"),
    ] {
        let (code, said) = apogee(&arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    let (code, said) = apogee(&[&run[..], &["--to", "200"]].concat());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Nothing of this was verified") && said.contains("nobody is paid"), "{said}");
    let (code, csv) = apogee(&[&run[..], &["--format", "csv"]].concat());
    assert_eq!(code, Some(0), "{csv}");
    assert!(csv.starts_with("message,epoch,miner,owner,sender,method,sectors,"), "{csv}");
}

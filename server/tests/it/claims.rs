//! Claims through the binary: real signatures, and keys that are read from the state of a made chain.

use std::process::{Command, Output};

use apogee_competition::claim::{Envelope, SignatureKind, WalletSignature, proposal_commitment};
use apogee_domain::Epoch;
use apogee_filecoin::types::multisig::{APPROVE, PROPOSE, Proposal, ProposalRef};
use apogee_filecoin::types::{Message, SignatureKind as Scheme};
use apogee_simnet::{Keys, Multisig, Recipe};
use fvm_ipld_encoding::RawBytes;
use fvm_shared::econ::TokenAmount;

use crate::made::{Made, STORE, said};
use crate::served::{Answer, Served};

/// As `lotus wallet sign` prints it.
pub(crate) fn sign(made: &Made, wallet: usize, envelope: Envelope, message: &str) -> String {
    let signature = made.wallet(wallet).sign_bytes(&envelope.wrap(message.as_bytes())).unwrap();
    let kind = match signature.kind {
        Scheme::Bls => SignatureKind::Bls,
        _ => SignatureKind::Secp256k1,
    };
    WalletSignature { kind, bytes: signature.bytes }.to_string()
}

/// Miners whose roles wallets hold: with even numbers BLS keys, with odd ones secp256k1.
///
/// `t01001` has owner 0 and worker 1, `t01002` owner 3 and worker 2; `t01003` has 4 and 5, and 6 and 7 from epoch 12 on; `t01004` a multisig and 8.
pub(crate) fn claimable() -> Made {
    claimable_since(Recipe::default().genesis_time)
}

/// The same on a chain that began at a time, seconds since 1970.
pub(crate) fn claimable_since(genesis_time: u64) -> Made {
    let made =
        Made::of(Recipe { seed: 5, miners: 5, finality: 10, wallets: 9, genesis_time, ..Recipe::default() });
    let keys = |epoch, miner, owner, worker| {
        let id = |wallet| made.simulation.wallet_id(wallet).unwrap();
        let keys = Keys { owner: id(owner), worker: id(worker) };
        made.simulation.set_keys(Epoch::new(epoch).unwrap(), miner, keys).unwrap();
    };
    keys(2, 1001, 0, 1);
    keys(2, 1002, 3, 2);
    keys(2, 1003, 4, 5);
    keys(12, 1003, 6, 7);
    let multisig = Keys { owner: 77_777, worker: made.simulation.wallet_id(8).unwrap() };
    made.simulation.set_keys(Epoch::new(2).unwrap(), 1004, multisig).unwrap();
    made.opened()
}

pub(crate) fn message(made: &Made, miner: &str, role: &str, entity: &str, action: &[&str]) -> String {
    let compose = ["claim", "message", "--competition", "sprint", "--store", STORE, "--miner", miner];
    made.good(&[&compose[..], &["--role", role, "--entity", entity, "--action"], action].concat())
}

fn submit(made: &Made, message: &str, signature: &str, more: &[&str]) -> Output {
    made.write("message.txt", message);
    let submit = ["claim", "submit", "message.txt", "--store", STORE, "--signature", signature];
    made.apogee(&[&submit[..], &made.chain(), more].concat())
}

fn accepted(made: &Made, message: &str, signature: &str, more: &[&str]) {
    let output = submit(made, message, signature, more);
    assert_eq!(output.status.code(), Some(0), "{message}\n{}", said(&output));
}

/// The kind of problem that keeps a claim out.
fn problem(made: &Made, message: &str, signature: &str, more: &[&str]) -> String {
    let before = made.kinds();
    let output = submit(made, message, signature, more);
    assert_eq!(output.status.code(), Some(2), "{message}\n{}", said(&output));
    assert_eq!(made.kinds(), before, "nothing is stored");
    let text = said(&output);
    text.strip_prefix("apogee: ").unwrap().split(':').next().unwrap().to_owned()
}

#[test]
fn every_kind_of_key_envelope_and_role_claims_and_every_mistake_has_its_name() {
    let made = claimable();
    let (frc, raw) = (Envelope::Frc0102, Envelope::Raw);
    // Two kinds of keys, two envelopes, two roles.
    for (miner, entity, owner, worker) in [("t01001", "one", 0, 1), ("t01002", "two", 3, 2)] {
        let name = format!("Miner {entity}");
        let text = message(&made, miner, "owner", entity, &["claim", "--name", &name]);
        accepted(&made, &text, &sign(&made, owner, frc, &text), &[]);
        for (role, wallet, envelope, name) in [
            ("owner", owner, raw, "second"),
            ("worker", worker, frc, "third"),
            ("worker", worker, raw, "fourth"),
        ] {
            let name = format!("{entity} {name}");
            let text = message(&made, miner, role, entity, &["rename", "--name", &name]);
            accepted(&made, &text, &sign(&made, wallet, envelope, &text), &[]);
        }
    }
    assert_eq!(made.kinds()["claim"], 8);

    let claim = |miner: &str, role: &str| message(&made, miner, role, "three", &["claim", "--name", "Three"]);
    let text = claim("t01003", "owner");
    let good = sign(&made, 4, frc, &text);
    let refused = |message: &str, signature: &str| problem(&made, message, signature, &[]);
    assert_eq!(refused(&text, &sign(&made, 5, frc, &text)), "wrong-role");
    assert_eq!(refused(&text, &sign(&made, 7, frc, &text)), "bad-signature");
    assert_eq!(refused(&text, &sign(&made, 4, frc, &claim("t01003", "owner"))), "bad-signature");
    assert_eq!(refused(&text, &good[2..]), "malformed-signature");
    assert_eq!(refused(&text, &format!("{good}00")), "malformed-signature");
    assert_eq!(refused(&format!("{text}\n"), &good), "malformed-claim");
    assert_eq!(refused(&text.replace("Action: claim", "Action: steal"), &good), "unknown-action");
    let altered = |from: &str, to: &str| {
        let text = text.replace(from, to);
        assert!(text.contains(to), "{text}");
        refused(&text, &sign(&made, 4, frc, &text))
    };
    assert_eq!(altered("Domain: apogee.example", "Domain: apogee.exampIe"), "other-domain");
    assert_eq!(altered("Network: simnet", "Network: mainnet"), "other-network");
    let rules = text.lines().find_map(|line| line.strip_prefix("Rules: ")).unwrap();
    assert_eq!(altered(rules, &"0".repeat(64)), "other-rules");
    assert_eq!(altered("Name: Three", "Name: one fourth"), "name-taken");
    assert_eq!(altered("Name: Three", "Name: Operator"), "name-reserved");
    assert_eq!(altered("Entity: three", "Entity: t01004"), "id-taken");
    assert_eq!(altered("Miner: t01003", "Miner: t09999"), "key-unknown");
    let issued = text.lines().find_map(|line| line.strip_prefix("Issued: ")).unwrap();
    assert_eq!(altered(&format!("Issued: {issued}"), "Issued: 99"), "not-yet-valid");
    let elsewhere = text.replace("Competition: sprint", "Competition: marathon");
    let other = sign(&made, 4, frc, &elsewhere);
    assert_eq!(problem(&made, &elsewhere, &other, &["--competition", "sprint"]), "other-competition");

    // Without a chain there are no keys.
    made.write("message.txt", &text);
    let blind = made.refused(&["claim", "submit", "message.txt", "--store", STORE, "--signature", &good]);
    assert!(blind.contains("key-unknown"), "{blind}");
    accepted(&made, &text, &good, &[]);
    assert_eq!(refused(&text, &good), "replayed");

    // Another miner joins, if the leader agrees.
    let join = message(&made, "t01001", "owner", "three", &["transfer", "--from", "one"]);
    let (own, consent) = (sign(&made, 0, frc, &join), sign(&made, 5, raw, &join));
    assert_eq!(refused(&join, &own), "consent-missing");
    assert_eq!(problem(&made, &join, &own, &["--consent", &format!("owner:{consent}")]), "wrong-role");
    accepted(&made, &join, &own, &["--consent", &format!("worker:{consent}")]);

    // A multisig has no key.
    let owned = message(&made, "t01004", "owner", "four", &["claim", "--name", "Four"]);
    let by_worker = sign(&made, 8, frc, &owned);
    assert_eq!(refused(&owned, &by_worker), "owner-is-multisig");
    assert_eq!(problem(&made, &owned, &by_worker, &["--proposal", "7"]), "no-such-proposal");
    let short = message(&made, "t01004", "worker", "four", &["claim", "--name", "Four", "--life", "2"]);

    // Keys that were good before the miner changed them, and messages that were.
    made.index(16);
    let text = message(&made, "t01003", "owner", "three", &["leave"]);
    assert_eq!(refused(&text, &sign(&made, 4, frc, &text)), "rotated-key");
    assert_eq!(refused(&text, &sign(&made, 7, frc, &text)), "wrong-role");
    accepted(&made, &text, &sign(&made, 6, frc, &text), &[]);
    assert_eq!(refused(&short, &sign(&made, 8, frc, &short)), "expired");

    // Who audits the ledger reads the keys of each claim's own epoch.
    let check = [&["competition", "check", "sprint", "--store", STORE][..], &made.chain()].concat();
    let said = made.good(&check);
    assert!(said.contains("claims: 11, each signed by the key that verified state names"), "{said}");
}

/// As browsers send a form.
pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
    fields.join("&")
}

fn post(served: &Served, headers: &str, fields: &[(&str, &str)]) -> Answer {
    let body = encoded(fields);
    let length = body.len();
    served.say(&format!(
        "POST /c/sprint/claim HTTP/1.1\r\nhost: a\r\nconnection: close\r\naccept: application/json\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {length}\r\n{headers}\r\n{body}"
    ))
}

#[test]
fn a_claim_is_made_and_sent_with_pages_alone() {
    let made = claimable();
    let url = made.chain()[1].to_owned();
    made.write(
        "serve.toml",
        &format!(
            "store = \"{STORE}\"\n[log]\nfilter = \"warn\"\n[networks.simnet]\nrules = \"network.toml\"\npoll_seconds = 1\n\
             [[networks.simnet.endpoints]]\nurl = \"{url}\"\n"
        ),
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
    let served = Served::start(command.current_dir(made.path()).args(["serve", "--config", "serve.toml"]));
    let address = |form: &str| {
        format!("/c/sprint/claim{form}?action=claim&miner=t01001&role=owner&entity=one&name=One%20%E4%B8%80")
    };
    let asked = served.get(&address(".json")).json();
    let message = asked["message"]["text"].as_str().unwrap_or_else(|| panic!("{asked}")).to_owned();
    assert!(
        message.contains("\nName: One 一\n") && message.contains("\nDomain: apogee.example\n"),
        "{message}"
    );
    let page = served.get(&address("")).text();
    let mark = page.split("name=\"mark\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let good = sign(&made, 0, Envelope::Frc0102, &message);
    // Browsers send line ends of their own, people paste spaces.
    let (sent, pasted) = (message.replace('\n', "\r\n"), format!("  {good}\r\n"));
    let fields = |signature| [("mark", mark), ("message", &*sent), ("signature", signature)];
    let problem = |answer: Answer| answer.json()["type"].as_str().unwrap().to_owned();

    let foreign = post(&served, "origin: https://elsewhere.example\r\n", &fields(&pasted));
    assert_eq!((foreign.status, problem(foreign)), (403, "/problems/other-origin".into()));
    let unmarked = post(&served, "", &[("mark", ""), ("message", &sent), ("signature", &pasted)]);
    assert_eq!((unmarked.status, problem(unmarked)), (403, "/problems/stale-form".into()));
    let unknown = post(&served, "", &[("mark", mark), ("sudo", "1")]);
    assert_eq!((unknown.status, problem(unknown)), (400, "/problems/invalid-query".into()));
    let large = "0".repeat(20_000);
    let large = post(&served, "", &fields(&large));
    assert_eq!((large.status, problem(large)), (413, "/problems/content-too-large".into()));
    let worker = sign(&made, 1, Envelope::Raw, &message);
    let wrong = post(&served, "", &fields(&worker));
    assert_eq!((wrong.status, problem(wrong)), (422, "/problems/claim-wrong-role".into()));
    assert!(!made.kinds().contains_key("claim"), "nothing is stored");

    let accepted = post(&served, "origin: http://a\r\n", &fields(&pasted));
    assert_eq!(accepted.status, 303, "{accepted:?}");
    let entry = accepted.header("location").unwrap().to_owned();
    assert_eq!((made.kinds()["claim"], accepted.header("cache-control")), (1, Some("no-store")));
    let again = post(&served, "", &fields(&pasted));
    assert_eq!((again.status, problem(again)), (422, "/problems/claim-replayed".into()));
    // Whoever sent it sees it at once.
    let number: u64 = entry.rsplit('/').next().unwrap().parse().unwrap();
    assert_eq!(served.get("/c/sprint.json").json()["meta"]["seq"], number);
    for (other, status) in [("/c/sprint", 405), ("/", 405), ("/c/nobody/claim", 403)] {
        let request =
            format!("POST {other} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(served.say(&request).status, status, "{other}");
    }
}

/// A signer of the multisig calls it.
fn call(made: &Made, wallet: usize, method_num: u64, params: RawBytes) {
    let key = made.wallet(wallet);
    let message = Message {
        version: 0,
        from: key.address(),
        to: made.simulation.multisig(0).unwrap().0,
        sequence: made.simulation.next_nonce(&key.address()).unwrap(),
        value: TokenAmount::default(),
        method_num,
        params,
        gas_limit: 20_000_000,
        gas_fee_cap: TokenAmount::from_nano(1),
        gas_premium: TokenAmount::from_nano(1),
    };
    made.simulation.push(key.sign(message).unwrap()).unwrap();
}

#[test]
fn the_miner_of_a_multisig_claims_by_a_proposal_that_it_has_executed() {
    let multisigs = vec![Multisig { signers: vec![1, 2], threshold: 2, balance: 1 }];
    let recipe = Recipe { seed: 6, miners: 5, finality: 10, wallets: 9, multisigs, ..Recipe::default() };
    let made = Made::of(recipe);
    let (multisig, owner) = made.simulation.multisig(0).unwrap();
    let keys = Keys { owner, worker: made.simulation.wallet_id(8).unwrap() };
    made.simulation.set_keys(Epoch::new(2).unwrap(), 1004, keys).unwrap();
    let approve = |number| {
        let params = ProposalRef { number, hash: Vec::new() };
        call(&made, 2, APPROVE, RawBytes::serialize(&params).unwrap());
    };
    let propose = |params: &[u8]| {
        let params = RawBytes::new(params.to_vec());
        let proposal = Proposal { params, ..Proposal::transfer(multisig, TokenAmount::default()) };
        call(&made, 1, PROPOSE, proposal.encoded());
    };
    // What was proposed before the message was issued does not count.
    propose(&[7; 32]);
    made.simulation.mine_to(Epoch::new(2).unwrap()).unwrap();
    approve(0);
    let made = made.opened();
    let text = message(&made, "t01004", "owner", "four", &["claim", "--name", "Four"]);
    let signature = sign(&made, 8, Envelope::Frc0102, &text);
    let refused = |number: &str| problem(&made, &text, &signature, &["--proposal", number]);
    assert_eq!(refused("0"), "no-such-proposal");
    let params = |params: &[u8]| {
        let params = RawBytes::new(params.to_vec());
        Proposal { params, ..Proposal::transfer(multisig, TokenAmount::default()) }.encoded()
    };
    let commitment = proposal_commitment(&text).0;
    call(&made, 1, PROPOSE, params(&commitment));
    call(&made, 1, PROPOSE, params(&[&[0x58, 0x20][..], &commitment].concat()));
    call(&made, 1, PROPOSE, params(&[8; 32]));
    call(&made, 1, PROPOSE, params(&[&commitment[..], &[0]].concat()));
    made.index(8);
    assert_eq!(refused("1"), "no-such-proposal", "it waits for approvals");
    for number in 1..=4 {
        let params = ProposalRef { number, hash: Vec::new() };
        call(&made, 2, APPROVE, RawBytes::serialize(&params).unwrap());
    }
    made.index(12);
    for number in ["3", "4", "5", "01", "+1", "bafy"] {
        assert_eq!(refused(number), "no-such-proposal", "{number:?}");
    }
    let other = message(&made, "t01004", "owner", "four", &["claim", "--name", "Fore"]);
    let of_other = sign(&made, 8, Envelope::Frc0102, &other);
    assert_eq!(problem(&made, &other, &of_other, &["--proposal", "1"]), "no-such-proposal");
    let by_signer = sign(&made, 1, Envelope::Frc0102, &text);
    assert_eq!(problem(&made, &text, &by_signer, &["--proposal", "1"]), "bad-signature");
    accepted(&made, &text, &signature, &["--proposal", "2"]);
    assert_eq!(problem(&made, &text, &signature, &["--proposal", "1"]), "replayed");
    let check = ["competition", "check", "sprint", "--store", STORE];
    let report = made.good(&[&check[..], &made.chain()].concat());
    assert!(report.contains("each signed by the key"), "{report}");
}

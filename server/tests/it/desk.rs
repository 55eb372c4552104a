//! What administrators see and do: the audit log, and decisions that wait for signatures.

use std::path::Path;
use std::process::{Command, Output};

use apogee_competition::operator::{Approval, sign};
use apogee_competition::{Competition, Signed};
use apogee_domain::{Atto, Digest, NetworkId, Timestamp};
use apogee_rules::Id;
use apogee_store::{Page, Payment, PaymentState, Store, Wallet, WalletMode};
use apogee_store_sqlite::SqliteStore;
use sha2::{Digest as _, Sha256};
use sqlx::{Connection, SqliteConnection};

use crate::served::{Answer, copy};
use crate::signin::{Browser, Device, World, assert_problem, challenge};

const SPRINT: &str = "devnet-sprint";

/// Change a database behind the service's back.
fn behind(file: &Path, statement: &'static str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut database = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
        sqlx::query(statement).execute(&mut database).await.unwrap();
    });
}

fn apogee(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_apogee")).args(arguments).output().unwrap()
}

#[test]
fn an_audit_entry_that_was_changed_or_removed_behind_the_service_is_found() {
    let world = World::new();
    let file = world.folder.path().join("people.sqlite");
    let store = format!("sqlite:{}", file.display());
    let mut ada = world.browser();
    ada.sign_in();
    assert_problem(&ada.get("/admin/audit.json"), 403, "role-needed");
    let grant = |role: &str| {
        world.apogee(&["admin", "grant", "github:1", role, "--reason", "on duty"]);
    };
    grant("viewer");
    let verified = |browser: &mut Browser<'_>| browser.get("/admin/audit.json").json()["verified"].clone();
    let first = verified(&mut ada);
    assert_eq!(
        (&first["from"], &first["broken"], &first["earlier"]),
        (&1.into(), &None::<u64>.into(), &None::<u64>.into())
    );
    let reached = first["to"].as_u64().unwrap();
    assert!(reached >= 1);
    grant("operator");
    grant("payer");
    let second = verified(&mut ada);
    assert_eq!(second["to"].as_u64(), Some(reached + 2));
    assert_eq!(second["earlier"]["to"].as_u64(), Some(reached), "only what is new was read");
    assert_eq!(second["earlier"]["at"], first["at"]);
    assert!(ada.get("/zh/admin/audit").text().contains(second["hash"].as_str().unwrap()));
    let older = ada.get(&format!("/admin/audit.json?before={}", reached + 2)).json();
    assert_eq!(older["entries"][0]["seq"].as_u64(), Some(reached + 1));

    let audit = |more: &[&str]| apogee(&[&["admin", "audit", "--store", &store][..], more].concat());
    let good = audit(&[]);
    let text = String::from_utf8(good.stdout).unwrap();
    assert_eq!(good.status.code(), Some(0), "{text}");
    let noted = text.trim().rsplit(' ').next().unwrap().to_owned();
    assert!(noted.starts_with(&format!("{}:", reached + 2)), "{noted}");

    behind(&file, "UPDATE audit SET reason = 'another' WHERE seq = 1");
    let broken = audit(&[]);
    assert_eq!(broken.status.code(), Some(1));
    assert!(String::from_utf8(broken.stdout).unwrap().contains("entry 1 does not follow"));
    assert_eq!(verified(&mut ada)["broken"], 1, "what is shown was read");
    behind(&file, "UPDATE audit SET reason = 'on duty' WHERE seq = 1");
    assert_eq!(verified(&mut ada)["broken"], serde_json::Value::Null);

    // What follows the checkpoint is held against it, and what it stood on has to be there.
    grant("approver");
    behind(&file, "UPDATE audit SET actor = 'nobody' WHERE seq = (SELECT max(seq) FROM audit)");
    assert_eq!(verified(&mut ada)["broken"].as_u64(), Some(reached + 3));
    assert!(ada.get("/admin/audit").text().contains("role=\"alert\""));
    behind(&file, "DELETE FROM audit WHERE seq >= (SELECT max(seq) - 1 FROM audit)");
    assert_eq!(verified(&mut ada)["broken"].as_u64(), Some(reached + 2), "the newest are gone");
    assert_eq!(audit(&[]).status.code(), Some(0), "a shorter log follows from itself");
    assert_eq!(audit(&["--noted", &noted]).status.code(), Some(1), "who noted the end finds it gone");
}

#[test]
fn a_payment_of_another_process_s_wallet_is_not_paid_again_by_guessed_measures() {
    let world = World::new();
    let file = world.folder.path().join("people.sqlite");
    let network: NetworkId = "devnet-a".parse().unwrap();
    let payment = Payment {
        network: network.clone(),
        id: "grant/1".into(),
        wallet: "drip".into(),
        payee: "t01000".into(),
        amount: Atto(5),
        state: PaymentState::Accepted,
        reason: String::new(),
        created: Timestamp(1),
    };
    let wallet = Wallet {
        network: network.clone(),
        name: "drip".into(),
        address: "t01999".into(),
        next_nonce: 0,
        mode: WalletMode::Open,
        reason: String::new(),
        proposes_for: None,
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(&file).await.unwrap();
        let mut work = store.begin().await.unwrap();
        work.put_wallet(&wallet).await.unwrap();
        work.put_payment(&payment).await.unwrap();
        let (from, to) = (PaymentState::Accepted, PaymentState::Failed);
        work.set_payment(&network, "grant/1", from, to, "exit-code: 16").await.unwrap();
        work.commit().await.unwrap();
    });
    let mut ada = world.browser();
    ada.sign_in();
    world.apogee(&["admin", "grant", "github:1", "payer", "--reason", "on duty"]);
    step_up(&mut ada);
    let form =
        [("network", "devnet-a"), ("payment", "grant/1"), ("action", "requeue"), ("reason", "It was fixed.")];
    let refused = ada.post("/me", "/admin/payment", &form);
    assert_problem(&refused, 409, "not-done");
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("does not pay from the wallet"), "{detail}");
    assert_eq!(ada.get("/admin.json").json()["payments"][0]["state"], "failed");
}

/// The demo's competition as a database has it.
fn ledger(file: &Path) -> Competition {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(file).await.unwrap();
        let mut competition = Competition::new(SPRINT.parse().unwrap());
        for entry in store.entries(SPRINT, Page { after: None, limit: 10_000 }).await.unwrap() {
            competition.append(&Signed::read(entry.document.as_bytes()).unwrap()).unwrap();
        }
        competition
    })
}

/// As an operator does on a machine of their own; the keys of the demo are known to everybody.
fn signed_by(text: &str, operator: &Id) -> String {
    let mut signed = Signed::read(text.as_bytes()).unwrap();
    let hashed =
        Sha256::new().chain_update("apogee demo key, known to everybody: ").chain_update(operator.as_str());
    let signature = sign(&hashed.finalize().into(), &signed.hash);
    signed.signatures = vec![Approval { operator: operator.clone(), signature }];
    signed.text().unwrap()
}

fn step_up(browser: &mut Browser<'_>) {
    let (device, origin) = (Device::new(), "http://127.0.0.1:1");
    let send = |browser: &mut Browser<'_>, address: &str, form: &[(&'static str, String)]| {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(browser.post("/me", address, &form).status, 303);
    };
    let asked = challenge(&browser.post("/me", "/me/passkeys/new", &[("name", "a key")]));
    send(browser, "/me/passkeys/add", &device.answer("create", &asked, origin, 0));
    let asked = challenge(&browser.post("/me", "/me/step-up", &[]));
    send(browser, "/me/step-up/shown", &device.answer("get", &asked, origin, 1));
}

#[test]
fn a_decision_waits_in_the_inbox_for_signatures_and_goes_into_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let file = copy(folder.path());
    let store = format!("sqlite:{}", file.display());
    let world = World::with(&[("STORE", &store)]);
    let before = ledger(&file);
    let operators: Vec<Id> = before.operators().keys().take(2).cloned().collect();
    let out = folder.path().join("proposal.json");
    let propose = apogee(&[
        "decide",
        "propose",
        "--competition",
        SPRINT,
        "--actor",
        operators[0].as_str(),
        "--approver",
        operators[1].as_str(),
        "--reason",
        "Against the rules of conduct.",
        "--recorded",
        "--store",
        &store,
        "--out",
        out.to_str().unwrap(),
        "disqualify",
        "entities=[\"t01000\"]",
    ]);
    assert!(propose.status.success(), "{propose:?}");
    let proposal = std::fs::read_to_string(&out).unwrap().trim().to_owned();
    let hash = Signed::read(proposal.as_bytes()).unwrap().hash.to_string();

    let mut ada = world.browser();
    ada.sign_in();
    let grant = |role: &str| {
        let said = apogee(&["admin", "grant", "github:1", role, "--reason", "on duty", "--store", &store]);
        assert!(said.status.success(), "{said:?}");
    };
    let bring = |browser: &mut Browser<'_>, text: &str| -> Answer {
        browser.post("/me", "/admin/decisions", &[("action", "bring"), ("proposal", text)])
    };
    let submit = |browser: &mut Browser<'_>| -> Answer {
        browser.post("/me", "/admin/decisions", &[("action", "submit"), ("hash", &hash)])
    };
    let waiting = |browser: &mut Browser<'_>| {
        let answer = browser.get("/admin/decisions.json");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["waiting"].as_array().unwrap().clone()
    };
    assert_problem(&bring(&mut ada, &proposal), 403, "role-needed");
    grant("viewer");
    assert_eq!(waiting(&mut ada), [] as [serde_json::Value; 0]);
    assert_problem(&bring(&mut ada, &proposal), 403, "role-needed");
    grant("operator");
    assert_problem(&bring(&mut ada, &proposal.replace("conduct", "decency")), 409, "not-done");
    assert_eq!(bring(&mut ada, &proposal).status, 303);
    let shown = waiting(&mut ada).remove(0);
    assert_eq!((&shown["hash"], &shown["kind"]), (&hash.as_str().into(), &"disqualify".into()));
    assert_eq!((&shown["complete"], &shown["computed"]["same"]), (&false.into(), &true.into()));
    assert_eq!(shown["computed"]["report"][0], shown["computed"]["report"][1]);
    assert!(shown["computed"]["changed"].as_u64().unwrap() > 0, "{shown}");
    assert_eq!(shown["document"], proposal.as_str());
    assert!(ada.get("/zh/admin/decisions").text().contains(&hash));

    // Somebody else's signature, one for another entry, and at last the right ones.
    let stranger = signed_by(&proposal, &"nobody".parse().unwrap());
    assert_problem(&bring(&mut ada, &stranger), 409, "not-done");
    let swapped = signed_by(&proposal, &operators[0]).replace(
        &format!("\"operator\":\"{}\"", operators[0]),
        &format!("\"operator\":\"{}\"", operators[1]),
    );
    assert_problem(&bring(&mut ada, &swapped), 409, "not-done");
    assert_eq!(bring(&mut ada, &signed_by(&proposal, &operators[1])).status, 303);
    assert_eq!(waiting(&mut ada)[0]["signers"][1]["signed"], true);
    assert_problem(&submit(&mut ada), 403, "role-needed");
    grant("approver");
    assert_problem(&submit(&mut ada), 403, "step-up-needed");
    step_up(&mut ada);
    assert_problem(&submit(&mut ada), 409, "not-done");
    assert_eq!(bring(&mut ada, &signed_by(&proposal, &operators[0])).status, 303);
    assert_eq!(waiting(&mut ada)[0]["complete"], true);

    // What does not come out is shown, and not put into a ledger, whoever signs it.
    let mut lie = Signed::read(proposal.as_bytes()).unwrap().entry;
    lie.preview = Some(Digest([7; 32]));
    let lie = lie.signed(Vec::new()).unwrap();
    assert_eq!(bring(&mut ada, &lie.text().unwrap()).status, 303);
    for operator in &operators {
        assert_eq!(bring(&mut ada, &signed_by(&lie.text().unwrap(), operator)).status, 303);
    }
    assert_eq!(waiting(&mut ada)[1]["computed"]["same"], false);
    let lied = [("action", "submit"), ("hash", &*lie.hash.to_string())];
    assert_problem(&ada.post("/me", "/admin/decisions", &lied), 409, "not-done");
    assert_eq!(ledger(&file).seq(), before.seq());

    assert_eq!(submit(&mut ada).status, 303);
    let after = ledger(&file);
    assert_eq!(after.seq(), before.seq() + 1);
    assert_eq!(after.head().unwrap().1.to_string(), hash);
    assert_problem(&submit(&mut ada), 409, "not-done");
    let log = ada.get("/admin/audit.json").json();
    let actions: Vec<_> =
        log["entries"].as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap()).collect();
    for action in ["decision-propose", "decision-sign", "decision-submit"] {
        assert!(actions.contains(&action), "{action}: {actions:?}");
    }
    // Its time is over with the entry before it; the service looks once a second.
    let begun = std::time::Instant::now();
    while !waiting(&mut ada).is_empty() {
        assert!(begun.elapsed().as_secs() < 20, "what does not follow any more is forgotten");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    assert_problem(&bring(&mut ada, &proposal), 409, "not-done");
}

//! Competitions in a database through the binary: real signatures over a made chain.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use apogee_competition::Signed;
use apogee_domain::{Atto, Digest, Epoch, NetworkId, Timestamp};
use apogee_store::{
    Attempt, AttemptKind, Inclusion, PaymentState, Store, Transfer, TransferState, Wallet, WalletMode,
};
use apogee_store_sqlite::SqliteStore;
use apogee_testkit::example;
use serde_json::Value;

use crate::made::{Made, RULES, STORE, said};
use crate::served::Served;

fn shadow() -> String {
    example("rules").join("../../shadow/apogee_shadow.py").display().to_string()
}

#[test]
fn a_competition_goes_from_its_founding_to_an_approved_payout() {
    let made = Made::new(1);
    made.index(4);
    made.found();
    let list = made.good(&["competition", "list", "--format", "csv", "--store", STORE]);
    assert!(list.contains("sprint,draft,1,simnet"), "{list}");
    let twice = made.refused(&Made::deciding(&["start"]));
    assert!(twice.contains("no-such-rules") || twice.contains("wrong-state"), "{twice}");

    // Rules that hold from before they are published want everybody.
    let few = made.refused(&Made::deciding(&["--rule-set", "rules.toml"]));
    assert!(few.contains("more-operators-needed"), "{few}");
    made.good(&[&Made::deciding(&["--rule-set", "rules.toml"])[..], &["--key", "cy.key"]].concat());
    made.decide(&["open-registration"]);
    made.index(12);
    let mut live = Made::deciding(&["start"]);
    live.retain(|argument| *argument != "--recorded");
    assert!(made.refused(&live).contains("no-collector"), "the made chain is years behind the clock");
    made.decide(&["start"]);

    // A decision shows what it does before it is taken, and what it did can be computed again.
    let effect = made.decide(&["disqualify", "entities=[\"t01002\"]"]);
    assert!(effect.contains("WHAT IT DOES") && effect.contains("yes → no"), "{effect}");
    let seq = made.kinds().values().sum::<usize>().to_string();
    let again = made.good(&["competition", "effect", "sprint", &seq, "--store", STORE]);
    let report = |text: &str| text.lines().find(|line| line.starts_with("report ")).unwrap().to_owned();
    assert_eq!(report(&again), report(&effect));
    let nobody = made.refused(&Made::deciding(&["disqualify", "entities=[\"t09999\"]"]));
    assert!(nobody.contains("unknown-entity"), "{nobody}");

    // The same by a proposal that goes round.
    let propose = [
        "decide",
        "propose",
        "--competition",
        "sprint",
        "--actor",
        "ana",
        "--approver",
        "cy",
        "--reason",
        "It was a mistake.",
        "--store",
        STORE,
        "--out",
        "revert.json",
        "revert",
        &format!("seq={seq}"),
    ];
    assert!(made.good(&propose).contains("no → yes"));
    let sign = |name: &str| {
        let key = format!("{name}.key");
        made.apogee(&["decide", "sign", "revert.json", "--operator", name, "--key", &key, "--yes"])
    };
    assert!(sign("ana").status.success());
    let early = made.refused(&["decide", "submit", "revert.json", "--store", STORE]);
    assert!(early.contains("bad-operator-signature"), "{early}");
    assert_eq!(sign("bo").status.code(), Some(2), "bo is not among those who sign");
    // Who signs may compute it once more, from a database of their own.
    let mut other: Signed = read(&made, "revert.json");
    other.entry.preview = Some(Digest([1; 32]));
    made.write("other.json", &other.entry.signed(Vec::new()).unwrap().text().unwrap());
    let check = ["--operator", "cy", "--key", "cy.key", "--check", "--store", STORE, "--yes"];
    let forged = made.refused(&[&["decide", "sign", "other.json"][..], &check].concat());
    assert!(forged.contains("effect-missing"), "{forged}");
    let checked = made.good(&[&["decide", "sign", "revert.json"][..], &check].concat());
    assert!(checked.contains("computed again: report "), "{checked}");
    let whole = std::fs::read_to_string(made.path().join("revert.json")).unwrap();
    made.write("forged.json", &whole.replace("a mistake", "mistaken!"));
    assert!(made.refused(&["decide", "submit", "forged.json", "--store", STORE]).contains("hash"));
    made.good(&["decide", "submit", "revert.json", "--store", STORE]);
    assert!(made.refused(&["decide", "submit", "revert.json", "--store", STORE]).contains("not-next"));

    // Other rules take effect with the report of what they do.
    let canonical: Value = serde_json::from_str(&made.good(&["rules", "canonical", "rules.toml"])).unwrap();
    assert_eq!(canonical["version"]["number"], 1);
    let checked = made.good(&["rules", "check", "rules.toml"]);
    let hash = checked.split_whitespace().next().unwrap();
    let second = RULES
        .replace("number = 1\nfrom = 0", &format!("number = 2\nfrom = 14\nsupersedes = \"{hash}\""))
        .replace("retroactive = true\n", "")
        .replace("value = \"1TiB\"", "value = \"3TiB\"");
    made.write("second.toml", &second);
    assert!(made.decide(&["--rule-set", "second.toml"]).contains("report "));

    let approve = ["approve-payout", "--addresses", "addresses.json"];
    assert!(made.refused(&Made::deciding(&approve)).contains("no final standings"));
    made.index(56);
    made.decide(&["end"]);
    made.decide(&["provisional", "until=66"]);
    let shadow = shadow();
    let finalize = ["finalize", "--shadow", &shadow];
    let typed = made.refused(&Made::deciding(&["finalize", &format!("shadow={hash}")]));
    assert!(typed.contains("computed here"), "{typed}");
    let early = made.refused(&Made::deciding(&finalize));
    assert!(early.contains("blocked") && early.contains("appeal-time"), "{early}");
    made.index(67);
    made.write("other.py", "print('{\"root\": \"".to_owned().as_str());
    assert_eq!(made.apogee(&Made::deciding(&["finalize", "--shadow", "other.py"])).status.code(), Some(3));
    made.write("liar.py", &format!("print('{{\"root\": \"{hash}\"}}')"));
    let differs = made.apogee(&Made::deciding(&["finalize", "--shadow", "liar.py"]));
    assert_eq!(differs.status.code(), Some(2), "{}", said(&differs));
    assert!(said(&differs).contains("computes another root"));
    made.decide(&finalize);

    let check = ["competition", "check", "sprint", "--store", STORE];
    let report = made.good(&check);
    assert!(report.contains("as they were"), "{report}");
    assert!(made.refused(&Made::deciding(&["approve-payout"])).contains("have no payout address"));
    made.write("addresses.json", "{\"t01001\": {\"addresses\": [\"t01\"]}}");
    made.decide(&["approve-payout", "--addresses", "addresses.json", "--withhold"]);
    let export = ["payout", "export", "--competition", "sprint", "--store", STORE, "--withhold", "artefacts"];
    assert!(made.refused(&export).contains("nobody to pay"), "without the addresses there is another list");
    assert!(!made.path().join("artefacts").exists());
    let safe = ["--addresses", "addresses.json", "--multisig", "t02", "--safe", "t03", "--chain-id", "314"];
    made.good(&[&export[..], &safe].concat());
    let read = |name: &str| std::fs::read_to_string(made.path().join("artefacts").join(name)).unwrap();
    let list: Value = serde_json::from_str(&read("payout.json")).unwrap();
    let proof: Value = serde_json::from_str(read("audit-proofs.jsonl").trim()).unwrap();
    assert_eq!(list["root"], proof["root"]);
    assert!(read("standard-v1.json").contains("standard-v1") && read("safe-1.json").contains("314"));
    assert!(read("lotus-msig.sh").contains("lotus msig propose 't02'"));
    assert!(read("payout.csv").starts_with("entity,name,"));
    let withheld: u128 = list["withheld"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row[1].as_str().unwrap().parse::<u128>().unwrap())
        .sum();
    let number = |name: &str| list[name].as_str().unwrap().parse::<u128>().unwrap();
    assert_eq!(number("total") + withheld, number("owed"), "nothing is lost");
    let shown = made.json(&["competition", "show", "sprint", "--format", "json", "--store", STORE]);
    assert_eq!(shown["phase"], "final");
    assert_eq!(shown["finals"].as_array().unwrap().len(), 1);
    assert!(shown["payout"][0]["total"].as_str().unwrap().len() > 18, "{shown}");
    a_prize_is_paid_after_its_message_failed(&made);
}

fn read(made: &Made, file: &str) -> Signed {
    let text = std::fs::read_to_string(made.path().join(file)).unwrap();
    Signed::read(text.trim().as_bytes()).unwrap()
}

/// Rows of the payout page, by entity.
fn payout_rows(made: &Made) -> BTreeMap<String, Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
    let store = format!("sqlite:{}", made.path().join("a.sqlite").display());
    let served =
        Served::start(command.arg("serve").env("APOGEE_STORE", store).env("APOGEE_LOG__FILTER", "warn"));
    let csv = served.get("/c/sprint/payout.csv").text();
    assert!(csv.starts_with("entity,name,atto,fil,address,status,"), "{csv}");
    assert!(served.get("/zh/c/sprint/payout").text().contains("支付情况"));
    let payout = served.get("/c/sprint/payout.json").json();
    let rows = payout["rows"].as_array().unwrap().iter();
    rows.map(|row| (row["entity"].as_str().unwrap().to_owned(), row.clone())).collect()
}

/// The rest of the story: the approved list is given to a wallet, a message fails, and the prize is paid all the same.
fn a_prize_is_paid_after_its_message_failed(made: &Made) {
    const ID: &str = "prize/sprint/t01001/1";
    let network: NetworkId = "simnet".parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(SqliteStore::open(&made.path().join("a.sqlite"))).unwrap();
    let wallet = Wallet {
        network: network.clone(),
        name: "prizes".into(),
        address: "t01999".into(),
        next_nonce: 0,
        mode: WalletMode::Open,
        reason: String::new(),
        proposes_for: None,
    };
    runtime.block_on(async {
        let mut work = store.begin().await.unwrap();
        work.put_wallet(&wallet).await.unwrap();
        work.commit().await.unwrap();
    });
    let set = |from, to, reason: &str| {
        runtime.block_on(async {
            let mut work = store.begin().await.unwrap();
            work.set_payment(&network, ID, from, to, reason).await.unwrap();
            work.commit().await.unwrap();
        });
    };
    let common =
        ["--addresses", "addresses.json", "--withhold", "--wallet", "prizes", "--reason", "Results."];
    let send = ["payout", "send", "--competition", "sprint", "--store", STORE];
    let send = |more: &[&str]| made.apogee(&[&send[..], &common, more].concat());
    let listed = |file: &str| {
        let output = send(&["--list", file]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let text = std::fs::read_to_string(made.path().join(file)).unwrap();
        (serde_json::from_str::<Value>(&text).unwrap(), said(&output))
    };
    let status = || made.apogee(&["payout", "status", "--competition", "sprint", "--store", STORE]);

    assert_eq!(payout_rows(made)["t01001"]["status"], "owed");
    let (first, _) = listed("first.json");
    assert_eq!((&first["payees"][0]["payment"], &first["payees"][0]["failed"]), (&ID.into(), &Value::Null));
    let shown = made.json(&["competition", "show", "sprint", "--format", "json", "--store", STORE]);
    assert_eq!(first["payout"], shown["payout"][0]["root"]);
    assert_ne!(first["root"], first["payout"]);
    assert_eq!(send(&["--yes"]).status.code(), Some(0));
    let (second, _) = listed("second.json");
    assert_eq!(second, first, "what is to be paid is the same, whether a wallet has it or not");
    let rows = payout_rows(made);
    assert_eq!(rows["t01001"]["status"], "waiting");
    assert!(rows.values().any(|row| row["status"] == "owed"), "those who are withheld wait for an address");

    // A message is mined and fails.
    runtime.block_on(async {
        let transfer = Transfer {
            network: network.clone(),
            wallet: "prizes".into(),
            nonce: 0,
            payment: ID.into(),
            state: TransferState::Reserved,
            reopened: 0,
            included: None,
        };
        let attempt = Attempt {
            nonce: 0,
            number: 1,
            kind: AttemptKind::Pay,
            message: "bafy-failed".into(),
            bytes: vec![1],
            fee: Atto(1),
            fee_cap: Atto(1),
            premium: Atto(1),
            created: Timestamp(1),
            first_sent: None,
            last_sent: None,
            outcome: String::new(),
        };
        let included = Inclusion {
            epoch: Epoch::new(60).unwrap(),
            key: "bafy-tipset".into(),
            message: "bafy-failed".into(),
            exit_code: 16,
            cost: Atto(1),
            proposal: None,
        };
        let mut work = store.begin().await.unwrap();
        work.put_transfer(&transfer).await.unwrap();
        work.put_attempt(&network, "prizes", &attempt).await.unwrap();
        let failed = Transfer { state: TransferState::FailedFinal, included: Some(included), ..transfer };
        work.set_transfer(TransferState::Reserved, &failed).await.unwrap();
        work.commit().await.unwrap();
    });
    set(PaymentState::Accepted, PaymentState::Failed, "exit-code: 16");
    assert_eq!(status().status.code(), Some(1));
    let row = &payout_rows(made)["t01001"];
    assert_eq!(row["status"], "failed");
    let prize = &row["payments"][0];
    assert_eq!((&prize["state"], &prize["reason"]), (&"failed".into(), &"exit-code: 16".into()));
    assert_eq!((&prize["message"], &prize["epoch"]), (&"bafy-failed".into(), &60.into()));
    assert!(prize["confirmations"].as_i64().unwrap() >= 7);
    let (third, told) = listed("third.json");
    assert_eq!(third["payees"][0]["failed"], 1);
    assert_ne!(third["root"], first["root"], "approvers sign something else than before");
    assert!(told.contains("prize/sprint/t01001/1 again"), "{told}");
    assert!(said(&send(&[])).contains("0 payments would be given"), "it is paid under its own name");
    let requeue =
        ["treasury", "requeue", "--network", "simnet", ID, "--reason", "It was fixed.", "--store", STORE];
    let unknown = made.refused(&requeue);
    assert!(
        unknown.contains("no wallet prizes on simnet"),
        "how deep a fork may reach is not guessed: {unknown}"
    );
    let by_hand = [
        "pay",
        "amount=\"1\"",
        "transactions=[\"bafy-by-hand\"]",
        "payees=[{\"entity\":\"t01001\",\"amount\":\"1\"}]",
    ];
    made.decide(&by_hand);
    let twice = made.refused(&requeue);
    assert!(twice.contains("was paid by other means"), "what was paid by hand is not paid again: {twice}");

    set(PaymentState::Failed, PaymentState::Final, "");
    assert_eq!(payout_rows(made)["t01001"]["status"], "final");
    assert_eq!(status().status.code(), Some(0));
    let done = send(&["--list", "fourth.json"]);
    assert!(done.status.code() == Some(2) && said(&done).contains("nothing is left"), "{}", said(&done));
}

#[test]
fn a_secret_is_readable_by_its_owner_alone_and_printed_nowhere() {
    let made = Made::new(2);
    let file = made.path().join("ana.key");
    let text = std::fs::read_to_string(&file).unwrap();
    let secret = text.lines().nth(1).unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let shown = made.good(&["operator", "show", "ana.key"]);
    assert_eq!(shown.trim().len(), 64);
    assert!(!shown.contains(secret));
    assert!(made.refused(&["operator", "new", "ana.key"]).contains("exists"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = made.refused(&["operator", "show", "ana.key"]);
    assert!(open.contains("chmod 600") && !open.contains(secret), "{open}");
}

#[test]
fn a_private_reason_is_a_commitment_that_can_be_opened() {
    let made = Made::new(3).opened();
    made.write("why.txt", "Somebody told us in confidence.");
    let act = [
        "announce",
        "title={\"en\":\"A\",\"zh\":\"甲\"}",
        "text={\"en\":\"B\",\"zh\":\"乙\"}",
        "--private",
        "why.txt",
        "--keep",
        "kept.json",
    ];
    made.decide(&act);
    let kept: Value =
        serde_json::from_str(&std::fs::read_to_string(made.path().join("kept.json")).unwrap()).unwrap();
    let salt = kept["salt"].as_str().unwrap().parse().unwrap();
    let commitment = apogee_competition::private_commitment(&salt, kept["text"].as_str().unwrap());
    let database = std::fs::read(made.path().join("a.sqlite")).unwrap();
    let wal = std::fs::read(made.path().join("a.sqlite-wal")).unwrap_or_default();
    let holds = |text: &str| {
        [&database, &wal].iter().any(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
    };
    assert!(holds(&commitment.to_string()), "the commitment is in the ledger");
    assert!(!holds("in confidence"), "the reason is not");
}

//! Packages of competitions with a ledger: exported from one database, verified, and imported into another.

use std::process::{Command, Stdio};
use std::time::Duration;

use apogee_competition::claim::Envelope;
use apogee_domain::Epoch;
use apogee_simnet::Keys;

use crate::claims::{message, sign};
use crate::made::{Made, STORE, said};

const OTHER: &str = "sqlite:b.sqlite";

/// A competition with a claim and a decision, whose epochs are final.
fn told() -> Made {
    let made = Made::new(7);
    let id = |wallet| made.simulation.wallet_id(wallet).unwrap();
    let keys = Keys { owner: id(0), worker: id(1) };
    made.simulation.set_keys(Epoch::new(2).unwrap(), 1001, keys).unwrap();
    let made = made.opened();
    let text = message(&made, "t01001", "owner", "one", &["claim", "--name", "One"]);
    made.write("claim.txt", &text);
    let signature = sign(&made, 0, Envelope::Frc0102, &text);
    let submit = ["claim", "submit", "claim.txt", "--store", STORE, "--signature", &signature];
    made.good(&[&submit[..], &made.chain()].concat());
    made.index(12);
    made.decide(&["start"]);
    made.decide(&["award", "entity=t01003", "amount=\"5\"", "title={\"en\":\"A find\",\"zh\":\"发现\"}"]);
    made.index(56);
    made
}

#[test]
fn a_package_carries_a_competition_to_a_server_that_never_saw_its_network() {
    let made = told();
    let export = |file: &str, store: &str| {
        made.good(&["package", "export", "--competition", "sprint", "--store", store, file])
    };
    let root = export("a.apogee", STORE);
    let verified = made.good(&["package", "verify", "a.apogee"]);
    assert!(
        verified.starts_with(&format!("OK root={}", root.trim().strip_prefix("root ").unwrap())),
        "{verified}"
    );
    assert!(
        verified.contains("1 signatures of claims are good") && verified.contains("L1 not made"),
        "{verified}"
    );
    let derived = made.good(&[&["package", "verify", "a.apogee"][..], &made.chain()].concat());
    assert!(derived.contains("L1 made: 40 epochs of provenance"), "{derived}");

    // Packed or not, it arrives whole, and leaves again byte for byte.
    let plain = std::fs::read(made.path().join("a.apogee")).unwrap();
    let packed = zstd::encode_all(&plain[..], 3).unwrap();
    std::fs::write(made.path().join("a.apogee.zst"), packed).unwrap();
    made.good(&["package", "import", "a.apogee.zst", "--store", OTHER]);
    assert_eq!(export("b.apogee", OTHER), root);
    assert_eq!(std::fs::read(made.path().join("b.apogee")).unwrap(), plain);
    let check = made.good(&["competition", "check", "sprint", "--store", OTHER]);
    assert!(check.contains("standings: root "), "{check}");
    let twice = made.apogee(&["package", "import", "a.apogee", "--store", OTHER]);
    assert_eq!(twice.status.code(), Some(2));
    assert!(said(&twice).contains("the competition sprint is there already"));
    let explain = |store: &str, format: &str| {
        made.good(&[
            "explain",
            "t01003",
            "--competition",
            "sprint",
            "--at",
            "e:39",
            "--store",
            store,
            "--format",
            format,
        ])
    };
    assert_eq!(explain(OTHER, "json"), explain(STORE, "json"));
    assert!(explain(STORE, "table").contains("award of decision"), "{}", explain(STORE, "table"));

    // A row that the ledger does not say, with every hash made again.
    let text = String::from_utf8(plain).unwrap();
    let forged = text.replace("\"name\":\"One\"", "\"name\":\"Two\"");
    assert_ne!(forged, text);
    made.write("forged.apogee", &resealed(&forged));
    for command in [
        &["package", "verify", "forged.apogee"][..],
        &["package", "import", "forged.apogee", "--store", "sqlite:c.sqlite"],
    ] {
        let output = made.apogee(command);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).starts_with("WRONG "), "{}", said(&output));
    }
    assert!(!made.path().join("c.sqlite").exists(), "nothing is written");

    let other =
        ["simulate", "--competition", "sprint", "--with", "stricter.toml", "--at", "e:39", "--store", OTHER];
    made.write("stricter.toml", &crate::made::RULES.replace("1TiB", "100TiB"));
    assert!(made.good(&other).contains("yes → no"));
}

/// Hashes of rows and of the file made again.
fn resealed(text: &str) -> String {
    let hash = |bytes: &[u8]| apogee_rules::canonical::sha256(bytes).to_string();
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with("root ")) {
        lines.push(match line.split_once(" {") {
            Some((old, json)) if old.len() == 64 => {
                let json = format!("{{{json}");
                format!("{} {json}", hash(json.as_bytes()))
            }
            _ => line.to_owned(),
        });
    }
    let body = lines.join("\n") + "\n";
    format!("{body}root {}\n", hash(body.as_bytes()))
}

#[test]
fn an_import_that_is_killed_leaves_all_or_nothing() {
    let made = told();
    made.good(&["package", "export", "--competition", "sprint", "--store", STORE, "a.apogee"]);
    let mut whole = 0;
    for (round, millis) in [1, 5, 10, 20, 40, 80, 160, 320, 2_000].into_iter().enumerate() {
        let store = format!("sqlite:k{round}.sqlite");
        let mut child = Command::new(env!("CARGO_BIN_EXE_apogee"))
            .current_dir(made.path())
            .args(["package", "import", "a.apogee", "--store", &store])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(millis));
        drop(child.kill());
        child.wait().unwrap();
        if !made.path().join(format!("k{round}.sqlite")).exists() {
            continue;
        }
        made.good(&["db", "migrate", "--store", &store]);
        let list = made.good(&["competition", "list", "--format", "csv", "--store", &store]);
        if list.contains("sprint") {
            made.good(&["competition", "check", "sprint", "--store", &store]);
            whole += 1;
        } else {
            made.good(&["package", "import", "a.apogee", "--store", &store]);
        }
    }
    assert!(whole > 0, "the last one has time enough");
}

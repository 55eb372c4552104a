//! Payout artefacts, each read back by the rules of whoever reads it.

use std::path::{Path, PathBuf};
use std::process::Command;

use apogee_domain::Atto;
use apogee_package::payout::{
    Address, AuditTree, GenesisTerms, Payment, PaymentList, SafeTerms, StandardTree, Unpayable, fil,
    genesis_months, genesis_multisigs, multisig_script, plain_csv, safe_batches,
};
use serde_json::Value;

const FIL: u128 = 1_000_000_000_000_000_000;

fn payment(entity: &str, addresses: &[&str], amount: u128) -> Payment {
    let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
    Payment {
        entity: entity.parse().unwrap(),
        name: format!("={entity}"),
        addresses,
        threshold: 1,
        amount: Atto(amount),
    }
}

fn list(payments: Vec<Payment>) -> PaymentList {
    let total = Atto(payments.iter().map(|payment| payment.amount.0).sum());
    PaymentList::new(payments, total).unwrap()
}

/// So many payments to Ethereum addresses, of all sizes.
fn many(count: u64) -> PaymentList {
    let payment = |index: u64| {
        let address = format!(
            "0x{:040x}",
            u128::from(index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
        );
        payment(&format!("e{index}"), &[&address], u128::from(index + 1) << (index % 80))
    };
    list((0..count).map(payment).collect())
}

/// The example of the platform's design: two addresses, 5 and 2.5 of a token with 18 places.
fn known() -> PaymentList {
    let [one, two] = ["11", "22"].map(|byte| format!("0x{}", byte.repeat(20)));
    list(vec![payment("a", &[&one], 5 * FIL), payment("b", &[&two], 5 * FIL / 2)])
}

fn hex32(bytes: &[u8; 32]) -> String {
    bytes.iter().fold("0x".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

#[test]
fn the_known_vector_of_the_standard_tree_is_met() {
    let tree = StandardTree::new(&known()).unwrap();
    assert_eq!(hex32(&tree.root()), "0xd4dee0beab2d53f2cc83e567171bd2820e49898130a22622b10ead383e90bd77");
}

#[test]
fn every_proof_of_the_standard_tree_holds_for_its_payment_alone() {
    for count in [1, 2, 3, 7, 8, 33] {
        let list = many(count);
        let tree = StandardTree::new(&list).unwrap();
        for (index, payment) in list.payments().iter().enumerate() {
            let proof = tree.proof(index).unwrap();
            let holds = |amount| StandardTree::verify(&tree.root(), &payment.addresses[0], amount, &proof);
            assert!(holds(payment.amount.0));
            assert!(!holds(payment.amount.0 + 1));
        }
        assert_eq!(tree.proof(list.payments().len()), None);
    }
}

/// The folder with the published library, installed by the lock file. None where there is no Node, which is said.
fn openzeppelin() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openzeppelin");
    if Command::new("node").arg("--version").output().is_err() {
        eprintln!("SKIPPED: Node is absent; `cargo xtask setup` installs it");
        return None;
    }
    if !folder.join("node_modules/@openzeppelin/merkle-tree").exists() {
        let npm = Command::new("npm").args(["ci", "--ignore-scripts"]).current_dir(&folder).output().unwrap();
        assert!(npm.status.success(), "{}", String::from_utf8_lossy(&npm.stderr));
    }
    Some(folder)
}

#[test]
fn the_published_library_loads_the_dump_and_accepts_every_proof() {
    let Some(library) = openzeppelin() else { return };
    let ids = list(vec![
        payment("a", &["f01024"], 1),
        payment("b", &["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"], u128::MAX - 1),
    ]);
    for (name, list) in [("known", known()), ("one", many(1)), ("many", many(333)), ("ids", ids)] {
        let tree = StandardTree::new(&list).unwrap();
        let mut dump = Vec::new();
        tree.dump(&mut dump).unwrap();
        let proofs: Vec<Vec<String>> = (0..list.payments().len())
            .map(|index| tree.proof(index).unwrap().iter().map(hex32).collect())
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let (dumped, proved) = (folder.path().join("dump.json"), folder.path().join("proofs.json"));
        std::fs::write(&dumped, dump).unwrap();
        std::fs::write(&proved, serde_json::to_vec(&proofs).unwrap()).unwrap();
        let node = Command::new("node")
            .arg("check.mjs")
            .args([dumped, proved])
            .current_dir(&library)
            .output()
            .unwrap();
        assert!(node.status.success(), "{name}: {}", String::from_utf8_lossy(&node.stderr));
        let said: Value = serde_json::from_slice(&node.stdout).unwrap();
        assert_eq!(said["root"], hex32(&tree.root()), "{name}");
        assert_eq!(said["total"], list.total().to_string(), "{name}");
    }
}

#[test]
fn what_a_tree_of_claims_cannot_pay_is_refused() {
    let key = "f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy";
    let refused = |payments| StandardTree::new(&list(payments)).unwrap_err().to_string();
    assert_eq!(refused(vec![payment("a", &[key], 1)]), format!("a: {key} has no Ethereum form"));
    assert_eq!(
        refused(vec![payment("a", &["f01", "f02"], 1)]),
        "a: this pays one address, and it has several"
    );
    let same = ["f01024", "0xff00000000000000000000000000000000000400"];
    assert_eq!(
        refused(vec![payment("a", &[same[0]], 1), payment("b", &[same[1]], 2)]),
        "b: 0xfF00000000000000000000000000000000000400 is the address of another entity too"
    );
}

#[test]
fn every_row_of_the_audit_tree_is_proved_and_a_changed_one_is_not() {
    let list = many(37);
    let tree = AuditTree::new(&list);
    for payment in list.payments() {
        let mut proof = tree.inclusion(&list, payment.entity.as_str()).unwrap();
        assert_eq!((proof.root, proof.row.clone()), (tree.root(), payment.row()));
        assert!(proof.holds());
        proof.row = proof.row.replace("\"threshold\":1", "\"threshold\":2");
        assert!(!proof.holds());
    }
    assert_eq!(tree.inclusion(&list, "nobody"), None);
    let mut payments = list.payments().to_vec();
    payments.reverse();
    assert_eq!(AuditTree::new(&PaymentList::new(payments, list.total()).unwrap()).root(), tree.root());
}

/// What `parseMultisigCsv` of lotus `cmd/lotus-seed/genesis.go` makes of a row.
#[derive(Debug, PartialEq)]
struct Entry {
    id: String,
    atto: u128,
    months: i64,
    custodian: i64,
    m: i64,
    n: i64,
    addresses: Vec<String>,
}

/// The rules of that parser: Go's `encoding/csv`, every record with as many fields as the first one, which is skipped.
fn parse_multisigs(table: &str) -> Vec<Entry> {
    assert!(!table.contains('"') && !table.contains('\r'), "fields that would need the quoting rules of Go");
    let records: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    assert!(records.iter().all(|record| record.len() == 11), "the last field that it reads is the eleventh");
    records[1..]
        .iter()
        .map(|e| {
            assert_eq!(e[0], "1", "record version must be 1");
            let integer = |text: &str| text.trim().parse::<i64>().unwrap();
            let entry = Entry {
                id: e[1].to_owned(),
                atto: parse_fil(e[2].trim()),
                months: integer(e[3]),
                custodian: integer(e[4]),
                m: integer(e[5]),
                n: integer(e[6]),
                addresses: e[7].trim().split(':').map(str::to_owned).collect(),
            };
            assert!(entry.addresses.iter().all(|address| address.parse::<Address>().is_ok()));
            assert_eq!(
                entry.addresses.len(),
                usize::try_from(entry.n).unwrap(),
                "mismatch between 'N' and addresses"
            );
            assert_eq!(e[8..], ["payout", "", ""]);
            entry
        })
        .collect()
}

/// `types.ParseFIL`: decimal digits with or without a point, 50 characters at most, a whole number of attoFIL.
fn parse_fil(text: &str) -> u128 {
    assert!(text.len() <= 50 && text.bytes().all(|b| b.is_ascii_digit() || b == b'.'), "{text}");
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    assert!(rest.len() <= 18, "invalid FIL value: {text}");
    whole.parse::<u128>().unwrap() * FIL + format!("{rest:0<18}").parse::<u128>().unwrap()
}

const KEYS: [&str; 3] = [
    "f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy",
    "f1abjxfbp274xpdqcpuaykwkfb43omjotacm2p3za",
    "f3vvmn62lofvhjd2ugzca6sof2j2ubwok6cj4xxbfzz4yuxfkgobpihhd2thlanmsh3w2ptld2gqkn2jvlss4a",
];

#[test]
fn lotus_seed_reads_every_field_of_the_genesis_table() {
    let mut shared = payment("c", &KEYS, 140_000 * FIL);
    shared.threshold = 2;
    let list = list(vec![payment("a.b-1_", &[KEYS[0]], 1), payment("b", &[KEYS[2]], 5 * FIL / 2), shared]);
    let terms = GenesisTerms { months: 6, custodian: 3 };
    let table = genesis_multisigs(&list, terms).unwrap();
    let entry = |id: &str, atto, m, addresses: &[&str]| Entry {
        id: id.to_owned(),
        atto,
        months: 6,
        custodian: 3,
        m,
        n: i64::try_from(addresses.len()).unwrap(),
        addresses: addresses.iter().map(|text| (*text).to_owned()).collect(),
    };
    let expected = [
        entry("a.b-1_", 1, 1, &KEYS[..1]),
        entry("b", 5 * FIL / 2, 1, &KEYS[2..]),
        entry("c", 140_000 * FIL, 2, &KEYS),
    ];
    let entries = parse_multisigs(&table);
    assert_eq!(entries, expected);
    assert_eq!(entries.iter().map(|entry| entry.atto).sum::<u128>(), list.total().0);
    assert!(table.starts_with("Version,ID,Amount,VestingMonths,CustodianID,M,N,Addresses,Type,Sig1,Sig2\n"));
}

#[test]
fn a_genesis_has_keys_only_and_room_for_so_many() {
    let terms = GenesisTerms { months: 0, custodian: 0 };
    let refused = |list: &PaymentList| genesis_multisigs(list, terms).unwrap_err().to_string();
    assert_eq!(
        refused(&list(vec![payment("a", &["f01024"], 1)])),
        "a: f01024 is not the address of a key (f1 or f3)"
    );
    let crowd = |count: usize| list((0..count).map(|i| payment(&format!("e{i}"), &KEYS[..1], 1)).collect());
    assert!(genesis_multisigs(&crowd(899), terms).is_ok());
    assert_eq!(refused(&crowd(900)), "the genesis has room for 900 actors, and these payments need 901");
}

#[test]
fn vesting_is_put_into_the_nearest_number_of_months() {
    // ⌊365 × 6 / 12⌋ = 182 days; the 180 days of a rule are nearer to that than to 152.
    assert_eq!(genesis_months(518_400), (6, 182 * 2880));
    assert_eq!(genesis_months(0), (0, 0));
    assert_eq!(genesis_months(365 * 2880), (12, 365 * 2880));
    assert_eq!(genesis_months(14 * 2880), (0, 0));
    assert_eq!(genesis_months(16 * 2880), (1, 30 * 2880));
}

/// Run the script with a `lotus` that writes down its arguments, one a line.
fn run_script(script: &str) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let (path, said) = (folder.path().join("pay.sh"), folder.path().join("said"));
    let double = "lotus() { for word in \"$@\"; do printf '%s\\n' \"$word\"; done >>said; echo >>said; }\n";
    std::fs::write(&path, [double, script].concat()).unwrap();
    let run = Command::new("sh").arg(&path).current_dir(folder.path()).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let said = std::fs::read_to_string(said).unwrap();
    said.trim_end().split("\n\n").map(|call| call.lines().map(str::to_owned).collect()).collect()
}

#[test]
fn the_script_proposes_every_payment_once() {
    let ethereum = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
    let list = list(vec![
        payment("a", &[KEYS[0]], 5 * FIL / 2),
        payment("b", &[ethereum], 3),
        payment("c", &["f01024"], 7 * FIL),
    ]);
    let multisig: Address = "t01010".parse().unwrap();
    let script = multisig_script(&list, &multisig).unwrap();
    let calls = run_script(&script);
    let to: Vec<&str> = calls.iter().map(|call| call[3].as_str()).collect();
    assert!(calls.iter().all(|call| call[..3] == ["msig", "propose", "t01010"] && call.len() == 5));
    assert_eq!([to[0], to[2]], [&KEYS[0].replacen('f', "t", 1), "t01024"]);
    let delegated: Address = to[1].parse().unwrap();
    assert_eq!(delegated.ethereum(), ethereum.parse::<Address>().unwrap().ethereum());
    assert_eq!(calls.iter().map(|call| parse_fil(&call[4])).sum::<u128>(), list.total().0);
    assert!(
        script.contains(&format!(
            "# 3 payments, 9.500000000000000003 FIL ({} attoFIL) in all.\n",
            list.total()
        ))
    );
    assert!(script.contains(&AuditTree::new(&list).root().to_string()));
    let several = PaymentList::new(vec![payment("a", &["f01", "f02"], 1)], Atto(1)).unwrap();
    assert!(matches!(multisig_script(&several, &multisig), Err(Unpayable::Several(_))));
}

#[test]
fn safe_batches_pay_the_list_and_no_batch_is_too_large() {
    let list = many(25);
    let mut terms = SafeTerms {
        chain_id: 314,
        safe: [0x11; 20],
        created_ms: 1_600_000_000_000,
        name: "SR1".into(),
        most: 10,
    };
    let batches = safe_batches(&list, &terms).unwrap();
    let transactions: Vec<&Value> =
        batches.iter().flat_map(|batch| batch["transactions"].as_array().unwrap()).collect();
    assert_eq!((batches.len(), transactions.len()), (3, 25));
    let mut total = 0;
    for (transaction, payment) in transactions.iter().zip(list.payments()) {
        assert_eq!(transaction["to"], payment.addresses[0].to_string());
        assert_eq!(transaction["data"], "0x");
        total += transaction["value"].as_str().unwrap().parse::<u128>().unwrap();
    }
    assert_eq!(total, list.total().0);
    for batch in &batches {
        assert_eq!((&batch["version"], &batch["chainId"]), (&"1.0".into(), &"314".into()));
        assert_eq!(batch["createdAt"], 1_600_000_000_000_u64);
        assert_eq!(batch["meta"]["createdFromSafeAddress"], format!("0x{}", "11".repeat(20)));
        assert_eq!(batch["meta"]["checksum"].as_str().unwrap().len(), 66);
    }
    terms.most = 0;
    assert_eq!(safe_batches(&list, &terms), Err(Unpayable::NoBatch));
}

#[test]
fn the_plain_table_says_both_units_and_no_formula() {
    let list = list(vec![payment("a", &KEYS[..2], 5 * FIL / 2), payment("b", &["f01"], 1)]);
    let table = plain_csv(&list);
    let rows: Vec<&str> = table.split_terminator("\r\n").collect();
    assert_eq!(rows[0], "entity,name,addresses,threshold,atto,fil");
    assert_eq!(rows[1], format!("a,\"'=a\",{} {},1,2500000000000000000,2.5", KEYS[0], KEYS[1]));
    assert_eq!(rows[2], "b,\"'=b\",f01,1,1,0.000000000000000001");
    let total: u128 =
        rows[1..].iter().map(|row| row.split(',').nth(4).unwrap().parse::<u128>().unwrap()).sum();
    assert_eq!((total, fil(list.total())), (list.total().0, "2.500000000000000001".to_owned()));
}

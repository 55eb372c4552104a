//! What is paid back: rules, the recorded devnet, and traces of public networks.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use apogee_domain::{Atto, Epoch, NetworkId, Timestamp};
use apogee_faucet::refund::{
    Alarm, Candidate, FinalEpoch, Held, Proofs, RefundPolicy, Settled, after_hold, alarm, candidates, csv,
    decide, ingest, json, race, release, settle,
};
use apogee_filecoin::car::Limits;
use apogee_filecoin::source::{Blocks, CarSource, Source};
use apogee_filecoin::types::{ExecutionTrace, Tipset, json as wire};
use apogee_store::{Audit, ClaimState, Faucet, Grants, Money, Page, Reimbursable, Store, Wallet, WalletMode};
use apogee_store_sqlite::SqliteStore;
use apogee_testkit::{data, example};
use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use proptest::prelude::*;

const FIL: u128 = 1_000_000_000_000_000_000;

pub(crate) fn network() -> NetworkId {
    "devnet-a".parse().unwrap()
}

pub(crate) fn policy(changes: &[(&str, &str)]) -> RefundPolicy {
    let text = changes.iter().fold(RefundPolicy::DEFAULT.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    RefundPolicy::read(&text).unwrap()
}

/// No caps, no curve, no waiting: what is left is the share of the burn.
fn open_policy(percent: &str) -> RefundPolicy {
    policy(&[
        ("percent = 90", percent),
        ("per_sector = \"0.05 FIL\"", "per_sector = \"1000000 FIL\""),
        ("per_message = \"5 FIL\"", "per_message = \"1000000 FIL\""),
        ("per_miner = \"20 FIL\"", "per_miner = \"1000000 FIL\""),
        ("per_owner = \"40 FIL\"", "per_owner = \"1000000 FIL\""),
        ("per_day = \"400 FIL\"", "per_day = \"1000000 FIL\""),
        ("millionths = 500000", "millionths = 1000000"),
        ("millionths = 0", "millionths = 1000000"),
        ("hold_epochs = 5760\n", ""),
        ("methods = [26, 34, 35, 36]", "methods = [7, 26, 34, 35, 36]"),
    ])
}

pub(crate) fn candidate(cid: &str, epoch: i64) -> Candidate {
    Candidate {
        message: cid.to_owned(),
        epoch: Epoch::new(epoch).unwrap(),
        miner: "t01000".to_owned(),
        owner: "t0100".to_owned(),
        sender: "t0101".to_owned(),
        operator: true,
        method: 34,
        succeeded: true,
        gas_used: 1_000_000_000,
        base_fee: Atto(100),
        burn: Atto(100_000_000_000),
        sectors: vec![1, 2],
    }
}

fn decided(policy: &RefundPolicy, candidates: &[Candidate]) -> Vec<Reimbursable> {
    decide(policy, (&network(), "reimburse"), &[], candidates)
}

fn one(policy: &RefundPolicy, candidate: Candidate) -> (u128, ClaimState, String) {
    let row = decided(policy, &[candidate]).remove(0);
    (row.refund.0, row.state, row.reason)
}

#[test]
fn the_golden_cases_of_the_space_race_s_reimbursement_hold_to_the_atto() {
    let race = race::RacePolicy::read(race::RacePolicy::DEFAULT).unwrap();
    // PCR-A: hundredths are lost before they are multiplied.
    assert_eq!(race.of_collateral(999_999_999_999_999_999), 1_029_999_999_999_999_897);
    let message =
        |cost| race::RaceMessage { miner: None, succeeded: true, fee_cap: 1, base_fee: 150_000_000, cost };
    // PCR-B
    let prove = message(race::RaceCost::ProveCommit { collateral: FIL, deposit: 3 * FIL / 10 });
    assert_eq!(race.refund(&prove), 721_000_000_000_000_000);
    let none = message(race::RaceCost::ProveCommit { collateral: FIL, deposit: 2 * FIL });
    assert_eq!(race.refund(&none), 0);
    // PCR-C: 103 % of 1 FIL, and not 3433 %.
    let pre = message(race::RaceCost::PreCommit { collateral: FIL });
    assert_eq!(race.refund(&pre), 1_030_000_000_000_000_000);
    // PCR-D
    assert_eq!(race::solvent_from(1_234 * FIL), 1_236_468 * FIL / 1_000);
    // PCR-E, once it was switched on.
    let post = message(race::RaceCost::WindowPost { gas_used: 50_000_000 });
    assert_eq!(race.refund(&post), 0);
    let october = race::RacePolicy { window_post: true, pre_commit: false, ..race.clone() };
    assert_eq!((october.refund(&post), october.refund(&pre)), (7_500_000_000_000_000, 0));
    // PCR-F
    let half = i128::try_from(FIL / 2).unwrap();
    for (faults, halves, expected) in [
        (0, -200, race::Recovery::Skip),
        (9, -2, race::Recovery::Pay(6_100_000_000_000_000_000)),
        (9, 2, race::Recovery::Skip),
        (1_234, -101, race::Recovery::Pay(195_850_000_000_000_000_000)),
        (1_234, 248, race::Recovery::Skip),
        (27_000, 0, race::Recovery::Pay(2_975 * FIL)),
        (27_300, 0, race::Recovery::TooMuch(3_008 * FIL)),
        (30_000, 0, race::Recovery::TooMuch(3_305 * FIL)),
    ] {
        assert_eq!(race::recover(faults, halves * half), expected, "{faults}");
    }
    // What failed, came from a blocked miner or bid too much is paid nothing: nor does one message's refund leak into the next (#4229).
    let capped = race::RacePolicy {
        fee_cap_max: Some("100000000".parse().unwrap()),
        blocked: vec!["t01000".to_owned()],
        ..race.clone()
    };
    assert_eq!(capped.refund(&pre), 0, "the base fee is above the cap");
    let cheap = race::RaceMessage { base_fee: 100_000_000, ..pre.clone() };
    assert_eq!(capped.refund(&cheap), 1_030_000_000_000_000_000);
    let blocked = race::RaceMessage { miner: Some("t01000".to_owned()), ..cheap.clone() };
    let failed = race::RaceMessage { succeeded: false, ..cheap };
    assert_eq!((capped.refund(&blocked), capped.refund(&failed)), (0, 0));
}

#[test]
fn the_golden_file_says_the_same() {
    let Some(path) = data("golden/space-race.json") else { return };
    let golden: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let race = race::RacePolicy::read(race::RacePolicy::DEFAULT).unwrap();
    let collateral: u128 = golden["PCR-A"]["collateral"].as_str().unwrap().parse().unwrap();
    assert_eq!(golden["PCR-A"]["refund103"], race.of_collateral(collateral).to_string());
    assert_ne!(golden["PCR-C-bug3189"]["refund"], race.of_collateral(FIL).to_string());
    for case in golden["PCR-F"].as_array().unwrap() {
        let available = case[1].as_str().unwrap();
        let (sign, digits) = available.strip_prefix('-').map_or((1, available), |digits| (-1, digits));
        let available: i128 = sign * digits.replace('.', "").parse::<i128>().unwrap();
        let paid = case[3].as_str().unwrap();
        let atto = || paid.rsplit(' ').next().unwrap().replace('.', "").parse::<u128>().unwrap();
        let expected = match case[2].as_str().unwrap() {
            "pay" => race::Recovery::Pay(atto()),
            _ if paid.starts_with("refund above") => race::Recovery::TooMuch(atto()),
            _ => race::Recovery::Skip,
        };
        assert_eq!(race::recover(case[0].as_u64().unwrap(), available), expected, "{case}");
    }
}

#[test]
fn a_refund_is_the_least_of_burn_and_caps() {
    let percent = policy(&[("hold_epochs = 5760\n", "")]);
    assert_eq!(one(&percent, candidate("a", 1)), (90_000_000_000, ClaimState::Owed, String::new()));
    let dear = |burn| Candidate { burn: Atto(burn), ..candidate("a", 1) };
    assert_eq!(one(&percent, dear(FIL)).0, FIL / 10, "two sectors, 0.05 FIL each");
    let many = Candidate { sectors: (0..200).collect(), ..dear(100 * FIL) };
    assert_eq!(one(&percent, many).0, 5 * FIL, "5 FIL a message");
    // A fifth of the way from 1 to 5 nanoFIL, half of a half is left.
    let crowded = |base_fee| Candidate { base_fee: Atto(base_fee), ..candidate("a", 1) };
    assert_eq!(one(&percent, crowded(1_000_000_000)).0, 45_000_000_000);
    assert_eq!(one(&percent, crowded(3_000_000_000)).0, 22_500_000_000);
    assert_eq!(one(&percent, crowded(5_000_000_000)), (0, ClaimState::Refused, "base-fee".to_owned()));
    let all = open_policy("percent = 100");
    assert_eq!(one(&all, dear(u128::MAX)).0, 1_000_000 * FIL, "no figure overflows");
    assert_eq!(one(&all, dear(7)).0, 7);
    assert!(RefundPolicy::read(&RefundPolicy::DEFAULT.replace("percent = 90", "percent = 101")).is_err());
    let rising = RefundPolicy::DEFAULT.replace("millionths = 0", "millionths = 600000");
    assert!(RefundPolicy::read(&rising).is_err());
}

#[test]
fn every_refusal_is_kept_with_its_reason() {
    let policy = policy(&[("day_epochs = 2880", "day_epochs = 2880\nblocked = [\"t06\"]")]);
    let base = candidate("a", 1);
    for (candidate, reason) in [
        (Candidate { method: 7, ..base.clone() }, "method"),
        (Candidate { succeeded: false, ..base.clone() }, "failed"),
        (Candidate { sectors: vec![], ..base.clone() }, "no-sector"),
        (Candidate { operator: false, ..base.clone() }, "sender"),
        (Candidate { miner: "t06".to_owned(), ..base.clone() }, "blocked"),
        (Candidate { burn: Atto(1), ..base.clone() }, "nothing"),
    ] {
        assert_eq!(one(&policy, candidate), (0, ClaimState::Refused, reason.to_owned()));
    }
    assert_eq!(one(&policy, base), (90_000_000_000, ClaimState::Held, "unproven".to_owned()));
}

#[test]
fn a_day_s_caps_hold_for_a_miner_an_owner_and_everybody() {
    let policy = policy(&[
        ("per_sector = \"0.05 FIL\"", "per_sector = \"100 FIL\""),
        ("per_day = \"400 FIL\"", "per_day = \"50 FIL\""),
        ("per_message = \"5 FIL\"", "per_message = \"15 FIL\""),
    ]);
    let burn = Atto(1_000 * FIL);
    let of = |cid: &str, miner: &str, owner: &str| Candidate {
        miner: miner.to_owned(),
        owner: owner.to_owned(),
        burn,
        ..candidate(cid, 1)
    };
    let candidates = [
        of("a", "t01", "t0100"),
        of("b", "t01", "t0100"),
        of("c", "t01", "t0100"),
        of("d", "t02", "t0100"),
        of("e", "t03", "t0100"),
        of("f", "t04", "t0200"),
    ];
    let rows = decided(&policy, &candidates);
    let refunds: Vec<_> = rows.iter().map(|row| (row.refund.0 / FIL, row.reason.as_str())).collect();
    assert_eq!(
        refunds,
        [(15, "unproven"), (5, "unproven"), (0, "day"), (15, "unproven"), (5, "unproven"), (10, "unproven")]
    );
}

#[test]
fn who_waits_is_paid_when_the_sectors_are_proven_and_refused_when_they_never_are() {
    let policy = policy(&[]);
    let row = decided(&policy, &[candidate("a", 10)]).remove(0);
    let after_of = |row: &Reimbursable, held, epoch| {
        after_hold(&policy, row, held, Epoch::new(epoch).unwrap())
            .map(|row| (row.refund.0, row.state, row.reason))
    };
    let after = |held, epoch| after_of(&row, held, epoch);
    assert_eq!(after(Held::Waits, 5_770), None);
    assert_eq!(after(Held::Waits, 5_771), Some((0, ClaimState::Refused, "never-proven".to_owned())));
    let whole = Some((90_000_000_000, ClaimState::Owed, String::new()));
    assert_eq!(after(Held::Proven(row.sectors.len()), 5_771), whole);
    let three = Reimbursable { sectors: vec![1, 2, 3], ..row.clone() };
    let part = Some((60_000_000_000, ClaimState::Owed, String::new()));
    assert_eq!(after_of(&three, Held::Proven(2), 11), part, "for what was given up nothing is paid");
    let dust = Reimbursable { refund: Atto(2), ..three };
    assert_eq!(after_of(&dust, Held::Proven(1), 11), Some((0, ClaimState::Refused, "nothing".to_owned())));
    assert_eq!(after(Held::Gone, 11), Some((0, ClaimState::Refused, "gone".to_owned())));
}

#[test]
fn a_greedy_owner_and_a_jump_of_the_base_fee_raise_an_alarm() {
    let policy = policy(&[("owner_from = \"100 FIL\"", "owner_from = \"1 FIL\"")]);
    let row = |cid: &str, owner: &str, refund, base_fee| Reimbursable {
        owner: owner.to_owned(),
        refund: Atto(refund),
        base_fee: Atto(base_fee),
        ..decided(&policy, &[candidate(cid, 1)]).remove(0)
    };
    let four = |first: u128, second: u128| {
        let rest = |cid, owner| row(cid, owner, 2 * FIL, 100);
        [row("a", "t01", first, 100), row("b", "t02", second, 100), rest("c", "t03"), rest("d", "t04")]
    };
    assert_eq!(alarm(&policy, &four(3 * FIL, 3 * FIL)), None, "30 of 100 are not more than 30");
    let unfair = Alarm::Owner { owner: "t01".to_owned(), percent: 31 };
    assert_eq!(alarm(&policy, &four(31 * FIL / 10, 29 * FIL / 10)), Some(unfair));
    let calm = [row("a", "t01", 0, 100), row("b", "t02", 0, 100), row("c", "t02", 0, 99_999_999)];
    assert_eq!(alarm(&policy, &calm), None, "low base fees may jump");
    let jump =
        [row("a", "t01", 0, 5_000_000), row("b", "t02", 0, 5_000_000), row("c", "t02", 0, 100_000_000)];
    let expected = Alarm::BaseFee { base_fee: Atto(100_000_000), median: Atto(5_000_000) };
    assert_eq!(alarm(&policy, &jump), Some(expected));
}

#[test]
fn whoever_sends_junk_without_end_fills_no_database() {
    let policy = policy(&[]);
    let junk = |number: usize| Candidate { operator: false, ..candidate(&format!("junk-{number:04}"), 1) };
    let mut sent: Vec<_> = (0..1_000).map(junk).collect();
    sent.extend(["zz-1", "zz-2"].map(|cid| candidate(cid, 1)));
    let rows = decided(&policy, &sent);
    let refused = rows.iter().filter(|row| row.state == ClaimState::Refused).count();
    assert_eq!((refused, rows.len()), (32, 34), "whoever has proven something has a row");
    sent.reverse();
    assert_eq!(decided(&policy, &sent), rows);
}

#[test]
fn an_alarm_that_can_never_be_raised_is_no_policy() {
    let silent = RefundPolicy::DEFAULT.replace("owner_percent = 30", "owner_percent = 40");
    let error = RefundPolicy::read(&silent).unwrap_err().to_string();
    assert!(error.contains("per_owner ends before"), "{error}");
}

/// Blocks of an archive as a store that is only read.
pub(crate) struct Archive(Arc<dyn Blocks>);

impl Blockstore for Archive {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        self.0.get(cid)
    }
    fn put_keyed(&self, _: &Cid, _: &[u8]) -> anyhow::Result<()> {
        anyhow::bail!("an archive is only read")
    }
}

pub(crate) fn devnet() -> (Archive, Vec<Tipset>) {
    let folder = example("devnet-a");
    let chain = folder.join("chain.car.zst");
    let source = CarSource::open(&[&chain], &Limits::DEFAULT).unwrap();
    let tipsets = source.chain().cloned().collect();
    (Archive(source.blocks()), tipsets)
}

#[test]
fn over_the_recorded_devnet_no_more_is_paid_back_than_was_burnt_in_any_order_and_however_often() {
    let (store, tipsets) = devnet();
    let mut found = Vec::new();
    for pair in tipsets.windows(2) {
        if pair[0].first().is_genesis() {
            continue;
        }
        let read = candidates(&store, &pair[0], &pair[1], 't').unwrap();
        // Each is burnt for by gas used times base fee, never more.
        for one in &read {
            assert!(one.burn.0 <= u128::from(one.gas_used) * one.base_fee.0, "{one:?}");
            assert_eq!(one.epoch, pair[0].epoch());
        }
        found.extend(read);
    }
    let proved: usize = found.iter().map(|one| one.sectors.len()).sum();
    eprintln!("{} messages, {proved} sectors", found.len());
    assert!(found.iter().any(|one| one.operator && !one.sectors.is_empty()), "{found:?}");
    law(&open_policy("percent = 100"), &found);
    law(&open_policy("percent = 80"), &found);
    law(&policy(&[]), &found);
    // The chain goes on long enough for each of them to be proven.
    let head = tipsets.last().unwrap();
    let state = &head.first().parent_state_root;
    for one in found.iter().filter(|one| !one.sectors.is_empty()) {
        let miner = one.miner.trim_start_matches("t0").parse().unwrap();
        let held = Proofs::read(&store, state, miner).unwrap().of(&one.sectors);
        eprintln!("{} of {}: {held:?}", one.message, one.epoch.height());
        assert_ne!(held, Held::Gone);
    }
}

/// I14: a refund is at most the burn; one row a message; the sum is the same in every order and however often it is decided.
fn law(policy: &RefundPolicy, found: &[Candidate]) {
    let mut days: BTreeMap<i64, Vec<Candidate>> = BTreeMap::new();
    for one in found {
        days.entry(one.epoch.height()).or_default().push(one.clone());
    }
    let run = |shuffle: fn(&mut Vec<Candidate>)| {
        let mut rows: Vec<Reimbursable> = Vec::new();
        for candidates in days.values() {
            let mut candidates = candidates.clone();
            candidates.extend(candidates.clone());
            shuffle(&mut candidates);
            let day =
                |row: &&Reimbursable| row.epoch.height() / 2_880 == candidates[0].epoch.height() / 2_880;
            let earlier: Vec<_> = rows.iter().filter(day).cloned().collect();
            rows.extend(decide(policy, (&network(), "reimburse"), &earlier, &candidates));
        }
        rows
    };
    let rows = run(|_| {});
    assert_eq!(rows, run(|candidates| candidates.reverse()));
    assert_eq!(rows, run(|candidates| candidates.sort_by(|a, b| b.message.cmp(&a.message))));
    let cids: std::collections::BTreeSet<_> = rows.iter().map(|row| &row.message).collect();
    assert_eq!(cids.len(), rows.len());
    assert!(rows.iter().all(|row| row.refund <= row.burn));
    let (refunds, burns): (u128, u128) =
        rows.iter().fold((0, 0), |(refunds, burns), row| (refunds + row.refund.0, burns + row.burn.0));
    assert!(refunds <= burns, "{refunds} of {burns}");
    eprintln!("{} rows, {refunds} of {burns} attoFIL paid back", rows.len());
}

fn gunzip(path: &std::path::Path) -> String {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn over_the_traces_of_public_networks_no_more_is_paid_back_than_was_burnt() {
    let mut found = Vec::new();
    for height in [1_162_295, 1_256_171, 14_107, 1_419_335, 2_907_480, 3_573_062, 47_635, 47_645] {
        let file = |kind| data(&format!("filecoin/state-compute/{kind}_{height}.json.gz"));
        let (Some(tipset), Some(traces)) = (file("tipset"), file("traces")) else { return };
        let tipset: wire::Tipset = serde_json::from_str(&gunzip(&tipset)).unwrap();
        let tipset = Tipset::try_from(tipset).unwrap();
        let compute: wire::Compute = serde_json::from_str(&gunzip(&traces)).unwrap();
        let trace = ExecutionTrace::try_from(compute).unwrap();
        let atto = |amount: &fvm_shared::econ::TokenAmount| Atto(u128::try_from(amount.atto()).unwrap());
        for one in &trace.messages {
            // No state is recorded: every message counts as one that proved a sector, so that as much is paid back as can be.
            found.push(Candidate {
                message: one.cid.to_string(),
                epoch: tipset.epoch(),
                miner: one.message.to.to_string(),
                owner: one.message.to.to_string(),
                sender: one.message.from.to_string(),
                operator: true,
                method: 34,
                succeeded: one.receipt.exit_code.is_success(),
                gas_used: one.receipt.gas_used,
                base_fee: atto(&tipset.first().parent_base_fee),
                burn: atto(&one.gas.base_fee_burn),
                sectors: vec![1],
            });
        }
    }
    assert_eq!(found.len(), 228);
    law(&open_policy("percent = 100"), &found);
    law(&open_policy("percent = 85"), &found);
    law(&policy(&[]), &found);
}

pub(crate) async fn place(policy: &RefundPolicy) -> (SqliteStore, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("apogee.sqlite")).await.unwrap();
    let mut work = store.begin().await.unwrap();
    let wallet = Wallet {
        network: network(),
        name: "refunds".to_owned(),
        address: "t1refunds".to_owned(),
        next_nonce: 0,
        mode: WalletMode::Open,
        reason: String::new(),
        proposes_for: None,
    };
    work.put_wallet(&wallet).await.unwrap();
    let faucet = Faucet {
        network: network(),
        name: "reimburse".to_owned(),
        wallet: "refunds".to_owned(),
        enabled: true,
        reason: String::new(),
        changed_by: "cli".to_owned(),
        changed_at: Timestamp(0),
        policy_version: policy.version,
        policy_digest: policy.digest(),
        day: -1,
        day_grants: 0,
        day_amount: Atto(0),
        full_at: Timestamp(0),
    };
    work.put_faucet(&faucet, RefundPolicy::DEFAULT).await.unwrap();
    work.commit().await.unwrap();
    (store, folder)
}

pub(crate) fn at(epoch: i64) -> Epoch {
    Epoch::new(epoch).unwrap()
}

fn of(epoch: i64, candidates: &[Candidate]) -> FinalEpoch {
    FinalEpoch { epoch: at(epoch), verified: true, candidates: candidates.to_vec() }
}

async fn look(
    store: &SqliteStore,
    policy: &RefundPolicy,
    epoch: i64,
    stands: impl Fn(&Reimbursable) -> Held,
) -> u64 {
    let all = Page { after: None, limit: 100 };
    let held = store.reimbursables(&network(), "reimburse", ClaimState::Held, all).await.unwrap();
    let looked: Vec<_> = held.into_iter().map(|row| (row.clone(), stands(&row))).collect();
    release(store, policy, (&network(), "reimburse"), at(epoch), &looked).await.unwrap()
}

#[tokio::test]
async fn messages_are_claimed_once_wait_for_their_proof_and_are_paid_together() {
    let policy = policy(&[]);
    let (store, _folder) = place(&policy).await;
    let (name, now) = (network(), Timestamp::from_seconds(1_790_000_000));
    let faucet = (&name, "reimburse");
    let other = |cid: &str, epoch| Candidate { sender: "t0102".to_owned(), ..candidate(cid, epoch) };
    for epoch in [1, 2, 3] {
        let ours = of(epoch, &[candidate(&format!("a{epoch}"), epoch), other(&format!("b{epoch}"), epoch)]);
        for added in [2, 0] {
            let ingested = ingest(&store, &policy, faucet, &ours, now).await.unwrap();
            assert_eq!((ingested.added, ingested.alarm), (added, None));
        }
    }
    let late = ingest(&store, &policy, faucet, &of(2, &[candidate("late", 2)]), now).await.unwrap();
    assert_eq!(late.added, 0, "an epoch is read once, and in its turn");
    let all = Page { after: None, limit: 100 };
    let rows = store.reimbursables_between(&name, "reimburse", at(0), at(9), all).await.unwrap();
    assert_eq!(rows.len(), 6);
    assert_eq!(csv(&rows).lines().count(), 7);
    let parsed: serde_json::Value = serde_json::from_str(&json(&rows)).unwrap();
    assert_eq!(parsed[0]["refund"], "90000000000");
    assert_eq!(settle(&store, &policy, faucet, at(120), now).await.unwrap(), Settled::default(), "they wait");
    assert_eq!(
        release(&store, &policy, faucet, at(120), &[]).await.unwrap(),
        0,
        "what is not known decides nothing"
    );
    let stands = |row: &Reimbursable| match row.message.as_str() {
        "b3" => Held::Waits,
        "a3" => Held::Gone,
        _ => Held::Proven(usize::MAX),
    };
    assert_eq!(look(&store, &policy, 120, stands).await, 5);
    let stale = [(rows[0].clone(), Held::Gone)];
    assert_eq!(
        release(&store, &policy, faucet, at(120), &stale).await.unwrap(),
        0,
        "it was released by somebody else"
    );
    for expected in [Settled { payments: 2, messages: 4, amount: Atto(360_000_000_000) }, Settled::default()]
    {
        assert_eq!(settle(&store, &policy, faucet, at(120), now).await.unwrap(), expected);
    }
    let payment = store.payment(&name, "refund/reimburse/120/t0101").await.unwrap().unwrap();
    assert_eq!((payment.amount, payment.payee.as_str()), (Atto(180_000_000_000), "t0101"));
    // What is proven later waits for the next period.
    look(&store, &policy, 120, |_| Held::Proven(usize::MAX)).await;
    assert_eq!(settle(&store, &policy, faucet, at(120), now).await.unwrap().payments, 0);
    assert_eq!(settle(&store, &policy, faucet, at(240), now).await.unwrap().payments, 1);
    let refused = store.reimbursable(&name, "a3").await.unwrap().unwrap();
    assert_eq!(
        (refused.state, refused.reason.as_str(), refused.refund),
        (ClaimState::Refused, "gone", Atto(0))
    );
}

#[tokio::test]
async fn nothing_is_paid_back_for_an_epoch_of_which_a_check_failed_nor_by_a_policy_that_is_no_longer_the_faucet_s()
 {
    let open = policy(&[("hold_epochs = 5760\n", "")]);
    let (store, _folder) = place(&open).await;
    let (name, now) = (network(), Timestamp::from_seconds(1_790_000_000));
    let faucet = (&name, "reimburse");
    let other = policy(&[("percent = 90", "percent = 91")]);
    let good = of(1, &[candidate("a", 1)]);
    assert!(ingest(&store, &other, faucet, &good, now).await.is_err());
    assert!(settle(&store, &other, faucet, at(200), now).await.is_err());
    ingest(&store, &open, faucet, &good, now).await.unwrap();
    let failed = Candidate { succeeded: false, ..candidate("c", 2) };
    let doubted = FinalEpoch { verified: false, ..of(2, &[candidate("b", 2), failed]) };
    ingest(&store, &open, faucet, &doubted, now).await.unwrap();
    let mut said = Vec::new();
    for cid in ["a", "b", "c"] {
        let row = store.reimbursable(&name, cid).await.unwrap().unwrap();
        said.push((row.state, row.reason, row.refund.0));
    }
    let refused = |why: &str| (ClaimState::Refused, why.to_owned(), 0);
    let owed = (ClaimState::Owed, String::new(), 90_000_000_000);
    assert_eq!(said, [owed, refused("unverified"), refused("failed")]);
    assert_eq!(settle(&store, &open, faucet, at(200), now).await.unwrap().amount, Atto(90_000_000_000));
}

#[tokio::test]
async fn an_alarm_pauses_the_faucet_with_its_reason_and_nothing_more_is_paid_while_rows_are_kept() {
    let policy = policy(&[
        ("owner_from = \"100 FIL\"", "owner_from = \"0.000000001 FIL\""),
        ("hold_epochs = 5760\n", ""),
    ]);
    let (store, _folder) = place(&policy).await;
    let (name, now) = (network(), Timestamp::from_seconds(1_790_000_000));
    let faucet = (&name, "reimburse");
    let greedy = Candidate { burn: Atto(FIL), ..candidate("a", 1) };
    let ingested = ingest(&store, &policy, faucet, &of(1, &[greedy]), now).await.unwrap();
    assert_eq!(ingested.alarm, Some(Alarm::Owner { owner: "t0100".to_owned(), percent: 100 }));
    let row = store.faucet(&name, "reimburse").await.unwrap().unwrap();
    assert_eq!((row.enabled, row.reason.as_str()), (false, "owner t0100 has 100 % of the day's refunds"));
    let audit = store.newest_audit(1).await.unwrap();
    assert_eq!((audit[0].event.actor.as_str(), audit[0].event.action.as_str()), ("faucet", "faucet-pause"));
    let later = ingest(&store, &policy, faucet, &of(2, &[candidate("b", 2)]), now).await.unwrap();
    assert_eq!((later.added, later.alarm), (1, None), "it is paused already");
    assert_eq!(settle(&store, &policy, faucet, at(200), now).await.unwrap(), Settled::default());
    let by = apogee_faucet::operate::By { actor: "operator:ada", reason: "A farm of our own.", at: now };
    apogee_faucet::operate::set_enabled(&store, faucet, true, by).await.unwrap();
    assert_eq!(settle(&store, &policy, faucet, at(200), now).await.unwrap().messages, 2, "nothing was lost");
    let more = ingest(&store, &policy, faucet, &of(3, &[candidate("c", 3)]), now).await.unwrap();
    assert_eq!((more.added, more.alarm), (1, None), "that was known when it was resumed");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_set_of_messages_is_paid_more_than_it_burnt_nor_more_than_the_caps(
        raw in prop::collection::vec((0_u8..20, 0_u8..3, 0_u8..2, 0_u64..10_000_000_000, 0_u128..100 * FIL, 0_usize..400), 1..60),
    ) {
        let policy = policy(&[("hold_epochs = 5760\n", "")]);
        let candidates: Vec<_> = raw.iter().enumerate().map(|(index, (epoch, miner, owner, fee, burn, sectors))| Candidate {
            miner: format!("t01{miner}"),
            owner: format!("t02{owner}"),
            base_fee: Atto(u128::from(*fee)),
            burn: Atto(*burn),
            sectors: (0..*sectors as u64).collect(),
            ..candidate(&format!("bafy-{}", (index * 7919) % 61), i64::from(*epoch) + 1)
        }).collect();
        // A CID names one message: of two that came out the same, the first is meant.
        let mut seen = std::collections::BTreeSet::new();
        let candidates: Vec<_> = candidates.into_iter().filter(|one| seen.insert(one.message.clone())).collect();
        law(&policy, &candidates);
        let rows = decided(&policy, &candidates);
        let sum = |of: fn(&Reimbursable) -> &str, who: &str| -> u128 {
            rows.iter().filter(|row| of(row) == who).map(|row| row.refund.0).sum()
        };
        for miner in ["t010", "t011", "t012"] {
            prop_assert!(sum(|row| &row.miner, miner) <= 20 * FIL);
        }
        for owner in ["t020", "t021"] {
            prop_assert!(sum(|row| &row.owner, owner) <= 40 * FIL);
        }
    }
}

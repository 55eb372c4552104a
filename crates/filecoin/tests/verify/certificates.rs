use std::io::Read;

use apogee_filecoin::crypto::f3::{CertificateChain, PowerTable};
use apogee_filecoin::types::json;
use apogee_filecoin::types::{FinalityCertificate, PowerEntry};
use apogee_filecoin::verify::{CertificateReport, CertificateVerifier, power_table};

use crate::common::{Chain, run_a, run_r};

/// Recorded certificates and committees, by instance.
pub(crate) fn recorded(folder: &str) -> (Vec<FinalityCertificate>, Vec<Vec<PowerEntry>>) {
    let file = std::fs::File::open(apogee_testkit::example(folder).join("f3certs.jsonl.zst")).unwrap();
    let mut text = String::new();
    zstd::Decoder::new(file).unwrap().read_to_string(&mut text).unwrap();
    let (mut certificates, mut tables) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let request: serde_json::Value = serde_json::from_str(line["req"].as_str().unwrap()).unwrap();
        let answer: serde_json::Value = serde_json::from_str(line["resp"].as_str().unwrap()).unwrap();
        let result = answer["result"].to_string();
        match request["method"].as_str().unwrap() {
            _ if answer["result"].is_null() => {}
            "Filecoin.F3GetCertificate" => certificates.push(certificate(&result)),
            "Filecoin.F3GetPowerTableByInstance" => tables.push(power_entries(&result)),
            _ => {}
        }
    }
    (certificates, tables)
}

fn certificate(text: &str) -> FinalityCertificate {
    serde_json::from_str::<json::Certificate>(text).unwrap().try_into().unwrap()
}

fn power_entries(text: &str) -> Vec<PowerEntry> {
    serde_json::from_str::<Vec<json::PowerEntry>>(text).unwrap().into_iter().map(PowerEntry::from).collect()
}

pub(crate) fn initial_table(chain: &Chain) -> PowerTable {
    let epoch = chain.params.f3.as_ref().unwrap().first_table_epoch();
    let tipset = chain.tipsets.iter().find(|tipset| tipset.epoch().height() == epoch).unwrap();
    power_table(&chain.store, &chain.params, tipset).unwrap()
}

pub(crate) fn verifier(chain: &Chain) -> CertificateVerifier {
    let f3 = chain.params.f3.as_ref().unwrap();
    let table = initial_table(chain);
    CertificateVerifier::new(CertificateChain::new(f3.network_name.clone(), f3.initial_instance, table))
}

pub(crate) fn check(chain: &Chain, certificates: &[FinalityCertificate]) -> Vec<CertificateReport> {
    let head = chain.tipsets.last().unwrap().epoch().height();
    let mut verifier = verifier(chain);
    let pending = verifier.prepare(certificates, |epoch| {
        let at = chain.tipsets.iter().find(|tipset| tipset.epoch().height() == epoch);
        (epoch <= head).then(|| at.map(|tipset| tipset.key().clone()))
    });
    verifier.settle(pending, &[9; 32])
}

#[test]
fn every_recorded_certificate_passes_from_the_table_in_state_onward() {
    for (folder, chain, count) in [("devnet-a", run_a(), 419), ("devnet-a/real-proofs", run_r(), 252)] {
        let (certificates, tables) = recorded(folder);
        assert!(certificates.len() == count && tables.len() >= count, "{folder}");
        let reports = check(&chain, &certificates);
        let failed = reports.iter().find(|report| report.outcome.passed != 1);
        assert_eq!(failed, None, "{folder}");
        assert_eq!(reports.len(), count);
    }
}

#[test]
fn the_tables_are_those_of_the_recorded_committees() {
    let chain = run_a();
    let (certificates, tables) = recorded("devnet-a");
    let mut followed = verifier(&chain).chain().clone();
    let mut changes = 0;
    for (certificate, table) in certificates.iter().zip(&tables) {
        assert_eq!(followed.table().entries().cloned().collect::<Vec<_>>(), *table);
        changes += usize::from(!certificate.power_table_delta.is_empty());
        followed.advance(certificate).unwrap();
    }
    assert_eq!(changes, 7);
    assert_eq!(followed.next_instance(), 419);
}

#[test]
fn public_power_tables_have_the_cid_of_their_manifest() {
    for network in ["filecoin", "calibrationnet"] {
        let read = |name: &str| {
            let file = apogee_testkit::data(&format!("filecoin/f3/{name}_{network}.json"))?;
            Some(std::fs::read_to_string(file).unwrap())
        };
        let (Some(table), Some(manifest)) = (read("f3initialpowertable"), read("f3manifest")) else { return };
        let table = PowerTable::new(power_entries(&table)).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
        assert_eq!(manifest["InitialPowerTable"]["/"], table.cid().to_string(), "{network}");
    }
}

#[test]
fn after_a_wrong_certificate_the_rest_is_not_made() {
    let chain = run_r();
    let (mut certificates, _) = recorded("devnet-a/real-proofs");
    certificates[5].signature = certificates[6].signature.clone();
    let reports = check(&chain, &certificates);
    let of =
        |i: usize| (reports[i].outcome.passed, reports[i].outcome.failed, reports[i].outcome.not_made.len());
    assert_eq!((of(4), of(5), of(6), of(251)), ((1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 1)));
}

#[test]
fn a_certificate_for_another_chain_fails() {
    let mut chain = run_r();
    let (certificates, _) = recorded("devnet-a/real-proofs");
    let at = certificates.iter().position(|certificate| certificate.ec_chain.len() > 1).unwrap();
    let epoch = certificates[at].finalized().unwrap().epoch;
    chain.tipsets.retain(|tipset| tipset.epoch().height() != epoch);
    let reports = check(&chain, &certificates);
    assert_eq!(reports[at].outcome.failed, 1, "{:?}", reports[at]);
    assert!(reports[at].outcome.failures[0].detail.contains("null round"));
}

#[test]
fn a_minority_or_a_stranger_cannot_sign() {
    let chain = run_a();
    let (certificates, _) = recorded("devnet-a");
    for (signers, what) in [
        (vec![1, 2], "two thirds"),
        (vec![], "two thirds"),
        (vec![0, 4], "members"),
        (vec![u64::MAX, 1], "members"),
        (vec![0, u64::MAX], "members"),
        (vec![0, 2], "does not belong"),
    ] {
        let mut forged = certificates[0].clone();
        assert_ne!(forged.signers, signers);
        forged.signers = signers;
        let outcome = check(&chain, &[forged])[0].outcome.clone();
        assert!(outcome.failed == 1 && outcome.failures[0].detail.contains(what), "{what}: {outcome:?}");
    }
}

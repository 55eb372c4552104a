use std::collections::BTreeMap;
use std::io::Read;

use apogee_filecoin::types::{
    self, BlockHeader, Executed, ExecutionTrace, FinalityCertificate, MessageSignature, SignatureKind,
    fee_split, gas_outputs, json, message_cid,
};
use apogee_testkit::data;
use fvm_shared::address::Network;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::rpc_recording::exchanges;

const RECORDINGS: [&str; 4] =
    ["epochs.jsonl.zst", "sweep.jsonl.zst", "real-proofs/epochs.jsonl.zst", "real-proofs/sweep.jsonl.zst"];

/// Reads `text`, converts it to a chain type and back, and expects the same bytes again.
fn round_trip<J, T>(text: &str, write: impl Fn(&T) -> J) -> T
where
    J: DeserializeOwned + Serialize,
    T: TryFrom<J>,
    T::Error: std::fmt::Debug,
{
    let json: J = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let value = T::try_from(json).unwrap();
    let again = serde_json::to_string(&write(&value)).unwrap();
    assert!(again == text, "{again}\n{text}");
    value
}

#[test]
fn recorded_tipsets_messages_and_receipts_come_out_as_the_bytes_that_went_in() {
    let mut counts = BTreeMap::new();
    for exchange in RECORDINGS.iter().flat_map(|file| exchanges(file)) {
        let Some(result) = exchange.result() else { continue };
        let method = exchange.method();
        match method.as_str() {
            "ChainGetTipSet" | "ChainGetTipSetByHeight" | "ChainGetTipSetAfterHeight" | "ChainHead" => {
                round_trip(result, |tipset: &types::Tipset| json::Tipset::of(tipset, Network::Testnet));
            }
            "ChainGetBlockMessages" => {
                round_trip(result, |m: &types::BlockMessages| json::BlockMessages::of(m, Network::Testnet));
            }
            "ChainGetParentReceipts" => {
                let receipts: Vec<json::Receipt> = serde_json::from_str(result).unwrap();
                assert_eq!(serde_json::to_string(&receipts).unwrap(), result);
            }
            _ => continue,
        }
        *counts.entry(method).or_insert(0) += 1;
    }
    assert_eq!(counts["ChainGetTipSetByHeight"], 541, "{counts:?}");
    assert!(counts["ChainGetTipSet"] > 700 && counts["ChainGetBlockMessages"] > 1_100, "{counts:?}");
}

#[test]
fn recorded_certificates_and_power_tables_come_out_as_the_bytes_that_went_in() {
    let mut certificates = [0; 2];
    for (run, file) in ["f3certs.jsonl.zst", "real-proofs/f3certs.jsonl.zst"].iter().enumerate() {
        for exchange in exchanges(file) {
            let Some(result) = exchange.result() else { continue };
            match exchange.method().as_str() {
                "F3GetCertificate" => {
                    let certificate =
                        round_trip(result, |c: &FinalityCertificate| json::Certificate::from(c));
                    assert_eq!(certificate.instance, certificates[run]);
                    assert!(certificate.signer_indices(3).is_some());
                    assert!(certificate.signer_indices(0).is_none());
                    certificates[run] += 1;
                }
                "F3GetPowerTableByInstance" => {
                    let table: Vec<json::PowerEntry> = serde_json::from_str(result).unwrap();
                    let table: Vec<types::PowerEntry> = table.into_iter().map(Into::into).collect();
                    let again: Vec<json::PowerEntry> = table.iter().map(Into::into).collect();
                    assert_eq!(serde_json::to_string(&again).unwrap(), result);
                }
                _ => {}
            }
        }
    }
    assert_eq!(certificates, [419, 252]);
}

#[test]
fn a_real_certificate_of_the_calibration_network_is_read() {
    let Some(path) = data("filecoin/f3/calibnet-cert-6204.json") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let certificate: json::Certificate = serde_json::from_str(&text).unwrap();
    let certificate = FinalityCertificate::try_from(certificate).unwrap();
    assert_eq!(certificate.signer_indices(20), Some(vec![0, 1, 2]));
    assert_eq!(certificate.ec_chain.len(), 2);
    assert_eq!(certificate.signature.len(), 96);
}

#[test]
fn run_lengths_of_signers_never_reach_beyond_the_table() {
    let mut certificate = {
        let result = exchanges("f3certs.jsonl.zst").find(|e| e.method() == "F3GetCertificate").unwrap();
        let json: json::Certificate = serde_json::from_str(result.result().unwrap()).unwrap();
        FinalityCertificate::try_from(json).unwrap()
    };
    for (runs, indices) in [
        (vec![], Some(vec![])),
        (vec![5, 1], Some(vec![5])),
        (vec![0, 2, 1, 1], Some(vec![0, 1, 3])),
        (vec![0, u64::MAX], None),
        (vec![u64::MAX, u64::MAX], None),
        (vec![0, 7], None),
    ] {
        certificate.signers = runs;
        assert_eq!(certificate.signer_indices(6), indices, "{:?}", certificate.signers);
    }
}

/// All recorded executions with the base fee of the tipset that was executed.
fn executions() -> impl Iterator<Item = (types::Tipset, ExecutionTrace)> {
    let mut tipsets = BTreeMap::new();
    RECORDINGS.iter().flat_map(|file| exchanges(file)).filter_map(move |exchange| {
        let result = exchange.result()?;
        match exchange.method().as_str() {
            "ChainGetTipSet" | "ChainGetTipSetByHeight" => {
                let json: json::Tipset = serde_json::from_str(result).unwrap();
                let tipset = types::Tipset::try_from(json).unwrap();
                tipsets.insert(tipset.key().clone(), tipset);
                None
            }
            "StateCompute" => {
                let key = exchange.params()[2].clone();
                let key: Vec<json::Link> = serde_json::from_value(key).unwrap();
                let key = types::TipsetKey(key.into_iter().map(|json::Link(cid)| cid).collect());
                let json: json::Compute = serde_json::from_str(result).unwrap();
                Some((tipsets[&key].clone(), ExecutionTrace::try_from(json).unwrap()))
            }
            _ => None,
        }
    })
}

#[test]
fn gas_fees_awards_and_penalties_of_every_recorded_execution_are_recomputed_exactly() {
    let (mut messages, mut refused, mut awards, mut penalised, mut crons) = (0, 0, 0, 0, 0);
    let signature = MessageSignature { kind: SignatureKind::Secp256k1, bytes: vec![0; 65] };
    for (tipset, trace) in executions() {
        let base_fee = &tipset.first().parent_base_fee;
        for one in &trace.messages {
            let (cid, message) = (&one.cid, &one.message);
            let signature = (*cid != message_cid(message)).then_some(&signature);
            let length = Executed { block: one.block, cid, message, signature }.chain_length();
            let split = fee_split(message, length, &one.receipt, base_fee, true);
            assert_eq!(split, one.gas, "epoch {}: {one:?}", tipset.epoch());
            assert_eq!(one.call.is_none(), one.receipt.gas_used == 0);
            refused += usize::from(one.call.is_none());
            messages += 1;
        }
        let blocks = if tipset.first().is_genesis() { 0 } else { tipset.blocks().len() };
        assert_eq!(trace.awards.len(), blocks);
        for (index, (award, block)) in trace.awards.iter().zip(tipset.blocks()).enumerate() {
            let of_block = || trace.messages.iter().filter(|one| one.block == index);
            assert_eq!(award.miner, block.miner);
            assert_eq!(award.win_count, block.election_proof.as_ref().unwrap().win_count);
            assert_eq!(award.gas_reward, of_block().map(|one| one.gas.miner_tip.clone()).sum());
            assert_eq!(award.penalty, of_block().map(|one| one.gas.miner_penalty.clone()).sum());
            let payment = award.payment.as_ref().unwrap();
            assert_eq!(payment.penalty, Some(award.penalty.clone() * 3));
            assert!(award.paid() > award.gas_reward);
            penalised += usize::from(!award.penalty.is_zero());
            awards += 1;
        }
        assert!(!trace.crons.is_empty() && trace.crons.iter().all(|cron| !cron.cut));
        crons += trace.crons.len();
    }
    assert_eq!((messages, refused, awards, penalised, crons), (203, 16, 1357, 8, 1006));
}

fn gunzip(path: &std::path::Path) -> String {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn gas_fees_and_awards_of_real_networks_are_recomputed_exactly() {
    let (mut messages, mut awards, mut headers) = (0, 0, 0);
    for height in [1_162_295, 1_256_171, 14_107, 1_419_335, 2_907_480, 3_573_062, 47_635, 47_645] {
        let file = |kind| data(&format!("filecoin/state-compute/{kind}_{height}.json.gz"));
        let (Some(tipset), Some(traces)) = (file("tipset"), file("traces")) else { continue };
        let tipset: json::Tipset = serde_json::from_str(&gunzip(&tipset)).unwrap();
        let tipset = types::Tipset::try_from(tipset).unwrap();
        headers += tipset.blocks().len();
        let text = gunzip(&traces);
        let compute: json::Compute = serde_json::from_str(&text).unwrap();
        let trace = ExecutionTrace::try_from(compute).unwrap();
        for one in &trace.messages {
            let base_fee = &tipset.first().parent_base_fee;
            assert_eq!(gas_outputs(&one.message, one.receipt.gas_used, base_fee, true), one.gas);
            messages += 1;
        }
        let wins = |award: &types::Award| award.win_count;
        let real = tipset.blocks().iter().map(|block| block.election_proof.as_ref().unwrap().win_count);
        assert!(trace.awards.iter().map(wins).eq(real), "{height}");
        for (index, award) in trace.awards.iter().enumerate() {
            let of_block = trace.messages.iter().filter(|one| one.block == index);
            assert_eq!(award.gas_reward, of_block.map(|one| one.gas.miner_tip.clone()).sum(), "{height}");
            awards += 1;
        }
    }
    assert!(
        [(0, 0, 0), (228, 23, 23)].contains(&(messages, awards, headers)),
        "{messages} {awards} {headers}"
    );
}

#[test]
fn the_header_vectors_reproduce_their_cbor_and_cids() {
    let Some(path) = data("filecoin/forest/block_headers.json") else { return };
    let vectors: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(!vectors.is_empty());
    for vector in vectors {
        let json: json::Header = serde_json::from_value(vector["block"].clone()).unwrap();
        let header = BlockHeader::try_from(json).unwrap();
        let cbor = hex::decode(vector["cbor_hex"].as_str().unwrap()).unwrap();
        assert_eq!(header.to_cbor(), cbor);
        assert_eq!(header.cid().to_string(), vector["cid"].as_str().unwrap());
        assert_eq!(BlockHeader::from_cbor(&cbor).unwrap(), header);
    }
}

#[test]
fn the_message_vectors_reproduce_their_cbor_and_signing_cids() {
    if let Some(path) = data("filecoin/forest/unsigned_messages.json") {
        let vectors: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(vectors.len(), 21);
        for vector in vectors {
            let json: json::Message = serde_json::from_value(vector["message"].clone()).unwrap();
            let message = types::Message::try_from(json).unwrap();
            let cbor = hex::decode(vector["hex_cbor"].as_str().unwrap()).unwrap();
            assert_eq!(fvm_ipld_encoding::to_vec(&message).unwrap(), cbor);
        }
    }
    if let Some(path) = data("filecoin/forest/message_signing.json") {
        let vectors: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for vector in vectors {
            let json: json::Message = serde_json::from_value(vector["Unsigned"].clone()).unwrap();
            let message = types::Message::try_from(json).unwrap();
            let cid = message_cid(&message);
            assert_eq!(cid.to_string(), vector["Cid"].as_str().unwrap());
            assert_eq!(hex::encode(cid.to_bytes()), vector["CidHexBytes"].as_str().unwrap());
        }
    }
}

#[test]
fn json_that_claims_what_is_not_so_is_refused() {
    let exchange = exchanges("sweep.jsonl.zst").find(|e| e.method() == "ChainHead").unwrap();
    let good: Value = serde_json::from_str(exchange.result().unwrap()).unwrap();
    let read = |value: &Value| -> Result<types::Tipset, String> {
        let json: json::Tipset = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
        types::Tipset::try_from(json).map_err(|error| error.to_string())
    };
    assert!(read(&good).is_ok());
    let change = |pointer: &str, to: Value| {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = to;
        assert_ne!(bad, good);
        read(&bad).expect_err(pointer)
    };
    assert!(change("/Blocks/0/ParentBaseFee", "101".into()).contains("it claims the CID"));
    change("/Blocks/0/ParentWeight", "9".repeat(100_000).into());
    change("/Blocks/0/ParentWeight", "1e5".into());
    change("/Blocks/0/Miner", "t01999".into());
    change("/Blocks/0/Miner", "x".repeat(1_000).into());
    change("/Blocks/0/Ticket/VRFProof", "not base64!".into());
    change("/Blocks/0/Parents/0/~1", "bafy".into());
    change("/Height", (-1).into());
    change("/Cids", Value::Array(vec![]));
    change("/Blocks", Value::Null);
}

#[test]
fn a_trace_deeper_than_is_kept_is_cut_and_says_so() {
    let exchange = exchanges("epochs.jsonl.zst").find(|e| e.method() == "StateCompute").unwrap();
    let text = exchange.result().unwrap();
    let call = |subcalls: &str| {
        format!(
            r#"{{"Msg":{{"From":"t01","To":"t02","Value":"0","Method":2,"Params":null}},"MsgRct":{{"ExitCode":0}},"Subcalls":{subcalls}}}"#
        )
    };
    let nested = (0..50_000).fold("null".to_owned(), |inner, _| {
        if inner.len() > 3_000_000 { inner } else { format!("[{}]", call(&inner)) }
    });
    let compute = format!(
        r#"{{"Root":{{"/":"{}"}},"Trace":[{{"MsgCid":{{"/":"{}"}},"Msg":{{"To":"t01","From":"t0100","Nonce":0,"Value":"0","GasLimit":1,"GasFeeCap":"0","GasPremium":"0","Method":0,"Params":null}},"MsgRct":{{"ExitCode":0,"Return":null,"GasUsed":1}},"GasCost":{{"BaseFeeBurn":"0","OverEstimationBurn":"0","MinerPenalty":"0","MinerTip":"0","Refund":"0"}},"ExecutionTrace":{}}}]}}"#,
        types::cid_of(b"root"),
        types::cid_of(b"message"),
        call(&nested),
    );
    let json: json::Compute = serde_json::from_str(&compute).unwrap();
    let trace = ExecutionTrace::try_from(json).unwrap();
    let mut depth = 0;
    let mut at = trace.messages[0].call.as_ref().unwrap();
    while let Some(next) = at.subcalls.first() {
        assert!(!at.cut);
        at = next;
        depth += 1;
    }
    assert!(at.cut);
    assert_eq!(depth, types::Call::MAX_DEPTH);
    assert!(serde_json::from_str::<json::Compute>(text).is_ok());
}

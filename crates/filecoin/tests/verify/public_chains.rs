use std::sync::Arc;

use apogee_filecoin::crypto::drand::{BeaconNetwork, networks};
use apogee_filecoin::verify::{Check, NetworkParams};

use crate::common::{Chain, complaints, expect, expect_with_unmade, open, totals, verify};

#[test]
fn mainnet_epochs_0_to_39_pass() {
    let Some(path) = apogee_testkit::data("filecoin/forest/export40.car") else { return };
    let (store, tipsets) = open(&path);
    assert_eq!(tipsets.len(), 33);
    // The archive holds no state but that of genesis, nor the receipts of the first tipsets.
    let assumed = Some(tipsets[0].first().parent_state_root);
    let params = Arc::new(NetworkParams::mainnet().unwrap());
    let reports = verify(&Chain { store, tipsets, params, assumed });
    expect_with_unmade(
        &totals(&reports),
        &[
            (Check::HeaderCid, 49, 0),
            (Check::ParentLinks, 48, 0),
            (Check::ParentWeight, 2, 46),
            (Check::Timestamp, 48, 0),
            (Check::BlockSignature, 48, 0),
            (Check::ElectionVrf, 48, 0),
            (Check::WinCount, 48, 0),
            (Check::MinerEligible, 2, 46),
            (Check::TicketVrf, 48, 0),
            // The first entry follows none.
            (Check::Beacon, 38, 1),
            (Check::MessagesRoot, 49, 0),
            (Check::MessageSignatureBls, 14, 0),
            (Check::MessageSignatureSecp, 512, 0),
            (Check::MessageNonce, 5, 580),
            (Check::BaseFee, 48, 0),
            (Check::ReceiptsRoot, 25, 7),
        ],
        &complaints(&reports),
    );
}

#[test]
fn without_assumptions_missing_state_is_unknown_and_nothing_else() {
    let Some(path) = apogee_testkit::data("filecoin/forest/export40.car") else { return };
    let (store, tipsets) = open(&path);
    let params = Arc::new(NetworkParams::mainnet().unwrap());
    let totals = totals(&verify(&Chain { store, tipsets, params, assumed: None }));
    for check in [Check::BlockSignature, Check::ElectionVrf, Check::WinCount, Check::TicketVrf] {
        assert_eq!(totals[&check], (7, 0, 41), "{check}");
    }
}

#[test]
fn interopnet_epochs_0_to_10_pass() {
    let Some(path) = apogee_testkit::data("filecoin/cpp-filecoin/block_validator.car") else { return };
    let (store, tipsets) = open(&path);
    let genesis_time = tipsets[0].first().timestamp;
    let drand = BeaconNetwork::from_chain_info(networks::MAINNET).unwrap();
    let params = Arc::new(NetworkParams::devnet(genesis_time, 30, 13, drand));
    let reports = verify(&Chain { store, tipsets, params, assumed: None });
    let totals = totals(&reports);
    let complaints = complaints(&reports);
    expect(
        &totals,
        &[
            (Check::BlockSignature, 8),
            (Check::ElectionVrf, 8),
            (Check::TicketVrf, 8),
            (Check::WinCount, 8),
            (Check::MinerEligible, 8),
            (Check::ParentWeight, 8),
            (Check::BaseFee, 8),
            (Check::MessageSignatureBls, 1),
            (Check::MessageNonce, 1),
        ],
        &complaints,
    );
    expect_with_unmade(&totals, &[(Check::Beacon, 9, 1), (Check::ReceiptsRoot, 7, 1)], &complaints);
}

#[test]
fn public_networks_begin_when_their_genesis_says() {
    for (file, params) in [("mainnet", NetworkParams::mainnet()), ("calibnet", NetworkParams::calibration())]
    {
        let Some(path) = apogee_testkit::data(&format!("filecoin/genesis/{file}-genesis.car")) else {
            return;
        };
        let (_, tipsets) = open(&path);
        assert_eq!(tipsets[0].first().timestamp, params.unwrap().genesis_time, "{file}");
    }
}

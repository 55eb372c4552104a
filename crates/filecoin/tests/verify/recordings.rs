use apogee_filecoin::verify::Check;

use crate::common::{complaints, expect, run_a, run_r, totals, verify};

/// README of the recording, "Checked"; genesis adds one header and one message root.
#[test]
fn every_check_of_run_a_is_made_and_passes() {
    let reports = verify(&run_a());
    let totals = totals(&reports);
    expect(
        &totals,
        &[
            (Check::HeaderCid, 574),
            (Check::ParentLinks, 573),
            (Check::ParentWeight, 573),
            (Check::Timestamp, 573),
            (Check::BlockSignature, 573),
            (Check::ElectionVrf, 573),
            (Check::WinCount, 573),
            (Check::MinerEligible, 573),
            (Check::TicketVrf, 573),
            (Check::Beacon, 313),
            (Check::MessagesRoot, 574),
            (Check::MessageSignatureBls, 55),
            (Check::MessageSignatureSecp, 72),
            (Check::MessageNonce, 153),
            (Check::BaseFee, 573),
            (Check::ReceiptsRoot, 303),
        ],
        &complaints(&reports),
    );
    let (read, wrong, unread) = totals[&Check::StateNodes];
    assert!(read > 1_000 && wrong == 0 && unread == 0, "{read} nodes read, {wrong} wrong");
    assert_eq!(totals[&Check::WinningPost], (0, 0, 573), "no keys were given");
    assert_eq!(totals.len(), 18, "{totals:?}");
}

#[test]
fn every_check_of_run_r_is_made_and_passes() {
    let reports = verify(&run_r());
    expect(
        &totals(&reports),
        &[
            (Check::HeaderCid, 117),
            (Check::ParentLinks, 116),
            (Check::ParentWeight, 116),
            (Check::Timestamp, 116),
            (Check::BlockSignature, 116),
            (Check::ElectionVrf, 116),
            (Check::WinCount, 116),
            (Check::MinerEligible, 116),
            (Check::TicketVrf, 116),
            (Check::Beacon, 118),
            (Check::MessagesRoot, 117),
            (Check::MessageSignatureBls, 1),
            (Check::MessageNonce, 3),
            (Check::BaseFee, 116),
            (Check::ReceiptsRoot, 111),
        ],
        &complaints(&reports),
    );
}

#[test]
fn the_wrong_rules_do_not_pass() {
    let mut chain = run_r();
    let rules = |change: &dyn Fn(&mut apogee_filecoin::verify::NetworkParams)| {
        let mut params = (*run_r().params).clone();
        change(&mut params);
        params.into()
    };
    for (check, params) in [
        (Check::Timestamp, rules(&|params| params.block_delay = 7)),
        (Check::Beacon, rules(&|params| params.genesis_time += 30)),
        (Check::TicketVrf, rules(&|params| params.genesis_version = 1)),
        (
            Check::MinerEligible,
            rules(&|params| {
                params.min_power = 1_000_000.into();
                params.min_miners = 0;
            }),
        ),
    ] {
        chain.params = params;
        let totals = totals(&verify(&chain));
        assert!(totals[&check].1 > 0, "{check} still passes: {totals:?}");
    }
    let mut chain = run_a();
    let mut params = (*chain.params).clone();
    params.upgrades.insert(28, 60);
    chain.params = params.into();
    assert!(totals(&verify(&chain))[&Check::BaseFee].1 > 0, "the rule of utilization still passes");
}

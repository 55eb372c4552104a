//! What the recording's README says happened.

use apogee_domain::SeriesName;
use apogee_domain::series::*;

use crate::common::indexed;
use crate::memory::Memory;

/// The epochs at which a series of a subject takes a value.
fn steps(memory: &Memory, series: SeriesName, subject: &str) -> Vec<(i64, u128)> {
    let rows = memory.all();
    let of = rows.steps.into_iter().filter(|((name, who, _), _)| *name == series && who.as_str() == subject);
    of.map(|((_, _, epoch), value)| (epoch.height(), value.unwrap().0)).collect()
}

#[tokio::test]
async fn a_declared_fault_lowers_power_and_a_proven_recovery_restores_it() {
    let memory = indexed().await;
    assert_eq!(steps(&memory, SECTORS_FAULTY, "t01000"), [(0, 0), (53, 1)]);
    assert_eq!(steps(&memory, SECTORS_RECOVERING, "t01000"), [(0, 0), (92, 1)]);
    assert_eq!(
        steps(&memory, POWER_RAW, "t01000"),
        [(0, 20 * 2048), (53, 19 * 2048), (90, 18 * 2048), (164, 16 * 2048)]
    );
    assert_eq!(steps(&memory, SECTORS_RECOVERING, "t01001"), [(0, 0), (58, 1), (220, 0)]);
    assert!(steps(&memory, POWER_RAW, "t01001").contains(&(220, 4 * 2048)));
}

#[tokio::test]
async fn undeclared_and_skipped_faults_are_seen_when_they_are_found() {
    let memory = indexed().await;
    assert_eq!(
        steps(&memory, SECTORS_FAULTY, "t01001"),
        [(0, 0), (55, 1), (214, 3), (220, 2), (280, 3)],
        "declared, two undeclared by cron, one recovered, one skipped in a WindowPoSt"
    );
    let power = [(0, 122_880), (55, 102_400), (214, 61_440), (220, 81_920), (280, 61_440)];
    assert_eq!(steps(&memory, POWER_QA, "t01001"), power);
}

#[tokio::test]
async fn terminations_take_sectors_power_and_deals() {
    let memory = indexed().await;
    assert_eq!(steps(&memory, SECTORS_LIVE, "t01000"), [(0, 20), (90, 19), (164, 17)]);
    assert_eq!(steps(&memory, SECTORS_TERMINATED, "t01000"), [(0, 0), (90, 1), (164, 3)]);
    assert_eq!(steps(&memory, DEALS_ACTIVE, "t01000"), [(0, 20), (90, 19), (164, 17)]);
    assert_eq!(steps(&memory, DEALS_BYTES, "t01000"), [(0, 40_960), (90, 38_912), (164, 34_816)]);
}

#[tokio::test]
async fn a_pledged_sector_is_live_before_it_has_power() {
    let memory = indexed().await;
    assert_eq!(steps(&memory, SECTORS_LIVE, "t01002"), [(0, 4), (304, 5)]);
    assert_eq!(steps(&memory, POWER_RAW, "t01002"), [(0, 8_192)]);
    assert_eq!(steps(&memory, BURN_GAS_PRECOMMIT, "network").first().unwrap().0, 232);
    assert_eq!(steps(&memory, BURN_GAS_PROVECOMMIT, "network").first().unwrap().0, 303);
}

#[tokio::test]
async fn active_bytes_are_the_raw_power_at_every_step() {
    let memory = indexed().await;
    for miner in ["t01000", "t01001", "t01002"] {
        assert_eq!(steps(&memory, SECTORS_ACTIVE_BYTES, miner), steps(&memory, POWER_RAW, miner), "{miner}");
    }
}

#[tokio::test]
async fn messages_that_cannot_pay_cost_the_miner_that_includes_them() {
    let memory = indexed().await;
    assert_eq!(steps(&memory, PENALTY, "t01002"), [(59, 2_694_169_718_034)]);
    assert_eq!(steps(&memory, PENALTY, "t01001"), [(124, 2_479_909_800)]);
    assert_eq!(steps(&memory, PENALTY, "t01000"), []);
}

#[tokio::test]
async fn window_posts_burn_in_the_epoch_that_mined_them() {
    let memory = indexed().await;
    let epochs: Vec<_> = steps(&memory, BURN_GAS_WINDOWPOST, "network").iter().map(|step| step.0).collect();
    assert_eq!(epochs, [219, 279]);
}

#[tokio::test]
async fn network_versions_begin_after_their_upgrade_epochs() {
    let memory = indexed().await;
    assert_eq!(steps(&memory, NETWORK_VERSION, "network"), [(0, 27), (51, 28), (121, 29)]);
}

#[tokio::test]
async fn expected_wins_count_null_rounds_too() {
    let memory = indexed().await;
    // λ = 5 × 409,600 / 614,400, 5 × 122,880 / 614,400 and 5 × 81,920 / 614,400 in each of 313 rounds: every election here looks back to the
    // state of genesis.
    for (miner, nano) in [("t01000", 3_333_333_333_u128), ("t01001", 1_000_000_000), ("t01002", 666_666_666)]
    {
        let steps = steps(&memory, EXPECTED_WINS, miner);
        assert_eq!((steps.len(), steps[312]), (313, (313, 313 * nano)), "{miner}");
    }
}

//! The golden cases, worked out by the library.

use apogee_leaderboard::vested;
use apogee_rules::Quantity;
use serde_json::Value;

use crate::golden::{Program, work_out};
use crate::stood::run;

struct Library;

impl Program for Library {
    fn standings(&self, case: &Value) -> Value {
        serde_json::from_str(&run(case).canonical().unwrap()).unwrap()
    }

    fn vested(&self, amount: u128, epochs: u64, elapsed: u64) -> u128 {
        vested(Quantity(amount), elapsed, epochs).0
    }
}

#[test]
fn every_golden_case_comes_out_exactly() {
    work_out(&Library);
}

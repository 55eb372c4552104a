//! Stands where `WinningPoSt` is checked, in a build without SNARKs.

use cid::Cid;

use super::check::{Check, Reason, Tally, Unknown};
use super::election::Election;
use super::state::StateReader;
use crate::types::BlockHeader;

/// Collects nothing.
#[derive(Debug, Default)]
pub(super) struct Collector {}

/// No proofs.
#[derive(Debug, Default)]
pub(super) struct Posts {}

impl Collector {
    /// Say that the check is not made.
    pub(super) fn add(
        &self,
        _: &mut Posts,
        tally: &mut Tally,
        _: &mut StateReader<'_>,
        _: &Election<'_>,
        (cid, _, _): (Cid, &BlockHeader, u64),
    ) {
        let unknown = Unknown::new(Reason::FeatureOff, "this build does not check SNARKs");
        tally.block(Check::WinningPost, cid, Err(unknown));
    }
}

/// Nothing to check.
pub(super) fn settle<T>(_: &mut [(T, Tally)], _: Vec<Posts>) {}
